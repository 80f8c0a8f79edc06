//! Keystone: the projects of a domain, with which an image may be shared.

use std::collections::BTreeSet;

use reqwest::Method;
use serde::Deserialize;
use url::Url;

use super::call::Call;
use super::error::Error;
use super::login::token_url;
use super::service::{Service, malformed};
use super::session::Session;

#[derive(Deserialize)]
struct Domains {
    domains: Vec<Listed>,
}

#[derive(Deserialize)]
struct Projects {
    projects: Vec<Listed>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
}

/// Gives the IDs of a domain's projects; `None` if there is no domain with this name or ID.
pub async fn projects_of(
    session: &Session,
    domain: &str,
) -> Result<Option<BTreeSet<String>>, Error> {
    let named: Domains = read(session, "domains", ("name", domain)).await?.1;
    let id = match named.domains.first() {
        Some(found) => found.id.clone(),
        None => domain.to_owned(),
    };
    let (call, found): (Call, Projects) = read(session, "projects", ("domain_id", &id)).await?;
    if found.truncated {
        return Err(malformed(
            &call,
            "a list that is cut off".to_owned(),
            "all projects of the domain",
        ));
    }
    let projects: BTreeSet<String> = found
        .projects
        .into_iter()
        .map(|project| project.id)
        .collect();
    Ok((!projects.is_empty() || !named.domains.is_empty()).then_some(projects))
}

async fn read<T: serde::de::DeserializeOwned>(
    session: &Session,
    list: &str,
    filter: (&str, &str),
) -> Result<(Call, T), Error> {
    let service = Service {
        session,
        name: "Keystone",
    };
    let mut url: Url = token_url(&session.cloud().auth_url);
    let root = url.path().trim_end_matches("/auth/tokens").to_owned();
    url.set_path(&format!("{root}/{list}"));
    url.query_pairs_mut().append_pair(filter.0, filter.1);
    let call = Call::new(
        Method::GET,
        url,
        format!("read the list of {list} of domain `{}`", filter.1),
    );
    let answer = session.send(&call).await?;
    let parsed = service.parsed(&call, &answer, "a list")?;
    Ok((call, parsed))
}
