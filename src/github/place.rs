//! Where a run takes place: the repository, its servers, and the commit, as GitHub's runner says it in the environment.

use std::collections::BTreeMap;

use url::Url;

/// GitHub's own API, where nothing else is said.
const API: &str = "https://api.github.com";

/// GitHub's own pages, where nothing else is said.
const SERVER: &str = "https://github.com";

/// A repository, and how to reach it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Who owns it.
    pub owner: String,
    /// What it is called.
    pub name: String,
    /// The root of the REST API, without a slash at its end.
    pub api: Url,
    /// Where GraphQL is asked.
    pub graphql: Url,
    /// The root of the pages that people see.
    pub server: Url,
    /// Whether this is a job of GitHub Actions.
    pub is_action: bool,
    /// The commit that started the run.
    pub commit: Option<String>,
    /// The branch or tag that started it, without `refs/heads/`; `N/merge` for a pull request.
    pub reference: Option<String>,
    /// The number of the run, for links.
    pub run: Option<String>,
    /// What started it: `schedule`, `pull_request`, `push` …
    pub event: Option<String>,
    /// The file that tells the event.
    pub event_file: Option<String>,
}

/// The environment does not say where the repository is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceError {
    /// No repository.
    #[error(
        "`GITHUB_REPOSITORY` is not set; expected `OWNER/NAME` of the repository that is to get pull requests, which GitHub Actions sets by itself"
    )]
    NoRepository,
    /// Something else than a repository.
    #[error("`GITHUB_REPOSITORY` is `{value}`; expected `OWNER/NAME`")]
    NotARepository {
        /// What it is.
        value: String,
    },
    /// Something else than a URL.
    #[error("`{variable}` is `{value}`; expected {expected}")]
    NoUrl {
        /// The variable.
        variable: &'static str,
        /// What it is.
        value: String,
        /// What would do.
        expected: &'static str,
    },
    /// A server of one's own without its GraphQL.
    #[error(
        "`GITHUB_GRAPHQL_URL` is not set and does not follow from `GITHUB_API_URL` `{api}`; expected such as `https://HOST/api/graphql`"
    )]
    NoGraphql {
        /// The root of REST.
        api: String,
    },
}

impl Place {
    /// Reads it from environment variables; fails with [`PlaceError`].
    pub fn from_environment(environment: &BTreeMap<String, String>) -> Result<Self, PlaceError> {
        let text = |name: &str| {
            let value = environment.get(name)?.trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        let repository = text("GITHUB_REPOSITORY").ok_or(PlaceError::NoRepository)?;
        let (owner, name) = repository
            .split_once('/')
            .filter(|(owner, name)| is_name(owner) && is_name(name))
            .ok_or_else(|| PlaceError::NotARepository {
                value: repository.clone(),
            })?;
        let api = text("GITHUB_API_URL").unwrap_or_else(|| API.to_owned());
        let api = root("GITHUB_API_URL", &api, "such as `https://api.github.com`")?;
        let graphql = match text("GITHUB_GRAPHQL_URL") {
            Some(url) => root(
                "GITHUB_GRAPHQL_URL",
                &url,
                "such as `https://api.github.com/graphql`",
            )?,
            None => graphql_beside(&api).ok_or_else(|| PlaceError::NoGraphql {
                api: api.to_string(),
            })?,
        };
        let server = text("GITHUB_SERVER_URL").unwrap_or_else(|| SERVER.to_owned());
        Ok(Self {
            owner: owner.to_owned(),
            name: name.to_owned(),
            api,
            graphql,
            server: root("GITHUB_SERVER_URL", &server, "such as `https://github.com`")?,
            is_action: text("GITHUB_ACTIONS").as_deref() == Some("true"),
            commit: text("GITHUB_SHA"),
            reference: text("GITHUB_REF_NAME"),
            run: text("GITHUB_RUN_ID"),
            event: text("GITHUB_EVENT_NAME"),
            event_file: text("GITHUB_EVENT_PATH"),
        })
    }

    /// `owner/name`.
    pub fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// The page of the repository, without a slash at its end.
    pub fn page(&self) -> String {
        format!(
            "{}/{}/{}",
            self.server.as_str().trim_end_matches('/'),
            self.owner,
            self.name
        )
    }

    /// The page of this run, if it is a job.
    pub fn run_page(&self) -> Option<String> {
        let run = self.run.as_ref()?;
        Some(format!("{}/actions/runs/{run}", self.page()))
    }
}

/// A URL of http or https without credentials and what follows the path, and without a slash at its end.
fn root(variable: &'static str, value: &str, expected: &'static str) -> Result<Url, PlaceError> {
    Url::parse(value.trim_end_matches('/'))
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none())
        .filter(|url| url.query().is_none() && url.fragment().is_none())
        .ok_or_else(|| PlaceError::NoUrl {
            variable,
            // It may hold credentials, of which nothing may be told.
            value: value.rsplit('@').next().unwrap_or_default().to_owned(),
            expected,
        })
}

/// Where GraphQL is: beside REST on GitHub itself, and one segment up on a server of one's own (`/api/v3`).
fn graphql_beside(api: &Url) -> Option<Url> {
    let path = api.path().trim_end_matches('/');
    let base = if path.is_empty() {
        ""
    } else {
        path.strip_suffix("/v3")?
    };
    let mut url = api.clone();
    url.set_path(&format!("{base}/graphql"));
    Some(url)
}

/// Letters that GitHub allows in names; what would be a step in a path is none.
fn is_name(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    !text.is_empty() && !matches!(text, "." | "..") && text.bytes().all(is_letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(pairs: &[(&str, &str)]) -> Result<Place, PlaceError> {
        let pairs = pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Place::from_environment(&pairs.collect())
    }

    #[test]
    fn a_job_of_github_needs_nothing_else() {
        let place = place(&[
            ("GITHUB_REPOSITORY", "acme/catalogue"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_RUN_ID", "42"),
            ("GITHUB_SHA", ""),
        ])
        .unwrap();
        assert_eq!(place.full_name(), "acme/catalogue");
        assert_eq!(place.api.as_str(), "https://api.github.com/");
        assert_eq!(place.graphql.as_str(), "https://api.github.com/graphql");
        assert_eq!(
            place.run_page().unwrap(),
            "https://github.com/acme/catalogue/actions/runs/42"
        );
        assert!(place.is_action && place.commit.is_none());
    }

    #[test]
    fn a_server_of_ones_own_has_graphql_at_a_url_of_its_own() {
        let own = |pairs: &[(&str, &str)]| {
            place(
                &[
                    &[
                        ("GITHUB_REPOSITORY", "a/b"),
                        ("GITHUB_API_URL", "https://git.example/api/v3/"),
                    ],
                    pairs,
                ]
                .concat(),
            )
            .unwrap()
        };
        assert_eq!(own(&[]).api.as_str(), "https://git.example/api/v3");
        assert_eq!(own(&[]).graphql.as_str(), "https://git.example/api/graphql");
        let said = own(&[("GITHUB_GRAPHQL_URL", "https://api.git.example/graphql")]);
        assert_eq!(said.graphql.as_str(), "https://api.git.example/graphql");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named_with_what_would_do() {
        assert_eq!(
            place(&[]).unwrap_err().to_string(),
            "`GITHUB_REPOSITORY` is not set; expected `OWNER/NAME` of the repository that is to get pull requests, which GitHub Actions sets by itself"
        );
        for wrong in ["acme", "acme/", "/x", "a/b/c", "a/..", "a/b?c", "a b/c"] {
            assert!(
                matches!(
                    place(&[("GITHUB_REPOSITORY", wrong)]),
                    Err(PlaceError::NotARepository { .. })
                ),
                "{wrong}"
            );
        }
        let error = place(&[
            ("GITHUB_REPOSITORY", "a/b"),
            ("GITHUB_API_URL", "https://me:secret@git.example/api"),
        ])
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "`GITHUB_API_URL` is `git.example/api`; expected such as `https://api.github.com`"
        );
        let error = place(&[
            ("GITHUB_REPOSITORY", "a/b"),
            ("GITHUB_API_URL", "https://git.example/api"),
        ])
        .unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("`GITHUB_GRAPHQL_URL` is not set"),
            "{error}"
        );
    }
}
