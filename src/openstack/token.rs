//! Keystone's v3 token: the request for one, what it says, and the endpoints of its catalogue.

use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::config::{Cloud, Credential, Domain, Login, Named};
use super::endpoints::Entry;

/// A token and what Keystone says with it.
#[derive(Debug)]
pub struct Token {
    /// What is sent as `X-Auth-Token`.
    pub value: SecretString,
    /// When it ends.
    pub expires_at: DateTime<Utc>,
    /// The project that it is for.
    pub project: Option<Project>,
    /// The roles that its user has there.
    pub roles: Vec<String>,
    catalogue: Vec<Service>,
}

/// The project that a token is for.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Project {
    /// Its ID, which Glance calls an image's owner.
    pub id: String,
    /// Its name.
    pub name: String,
}

#[derive(Debug, Deserialize)]
struct Service {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
}

#[derive(Debug, Deserialize)]
struct Endpoint {
    interface: String,
    region_id: Option<String>,
    /// The older name of `region_id`; Keystone sends both.
    region: Option<String>,
    url: String,
}

impl Endpoint {
    fn region(&self) -> Option<&str> {
        self.region_id.as_deref().or(self.region.as_deref())
    }
}

#[derive(Deserialize)]
struct Document {
    token: Body,
}

#[derive(Deserialize)]
struct Body {
    expires_at: DateTime<Utc>,
    project: Option<Project>,
    #[serde(default)]
    roles: Vec<Role>,
    #[serde(default)]
    catalog: Vec<Service>,
}

#[derive(Deserialize)]
struct Role {
    name: String,
}

/// Why no endpoint fits, and what there is.
#[derive(Debug, PartialEq, Eq)]
pub struct NoEndpoint {
    /// What was asked for.
    pub wanted: String,
    /// What the catalogue has.
    pub available: String,
}

impl Token {
    /// Reads Keystone's document; the token itself came in a header.
    pub fn parse(value: SecretString, document: Value) -> Result<Self, serde_json::Error> {
        let Document { token } = serde_json::from_value(document)?;
        Ok(Self {
            value,
            expires_at: token.expires_at,
            project: token.project,
            roles: token.roles.into_iter().map(|role| role.name).collect(),
            catalogue: token.catalog,
        })
    }

    /// Gives all endpoints of the catalogue.
    pub fn entries(&self) -> Vec<Entry> {
        let of = |service: &Service| {
            let entry = |endpoint: &Endpoint| Entry {
                kind: service.kind.clone(),
                interface: endpoint.interface.clone(),
                region: endpoint.region().unwrap_or_default().to_owned(),
                url: endpoint.url.clone(),
            };
            service.endpoints.iter().map(entry).collect::<Vec<_>>()
        };
        self.catalogue.iter().flat_map(of).collect()
    }

    /// Gives the endpoint of the service `kind` by region and the first interface that has one.
    ///
    /// Without a region the cloud must have one only: a wrong guess would change another region's images.
    pub fn endpoint(
        &self,
        kind: &str,
        region: Option<&str>,
        interfaces: &[String],
    ) -> Result<Url, NoEndpoint> {
        let all: Vec<&Endpoint> = self
            .catalogue
            .iter()
            .filter(|service| service.kind == kind)
            .flat_map(|service| &service.endpoints)
            .collect();
        for interface in interfaces {
            let mut fitting: Vec<&Endpoint> = all
                .iter()
                .copied()
                .filter(|endpoint| endpoint.interface == *interface)
                .filter(|endpoint| region.is_none_or(|region| endpoint.region() == Some(region)))
                .collect();
            fitting.dedup_by(|a, b| a.url == b.url && a.region() == b.region());
            match fitting[..] {
                [] => {}
                [one, ref others @ ..] => {
                    let ambiguous = others.iter().any(|other| other.region() != one.region());
                    if !ambiguous && let Ok(url) = Url::parse(&one.url) {
                        return Ok(url);
                    }
                }
            }
        }
        let wanted = match region {
            Some(region) => format!(
                "in region `{region}` with interface `{}`",
                interfaces.join("`, `")
            ),
            None => format!(
                "that is clearly meant, with interface `{}` and no region named",
                interfaces.join("`, `")
            ),
        };
        let mut available: Vec<String> = all
            .iter()
            .map(|endpoint| {
                format!(
                    "`{}` in `{}`",
                    endpoint.interface,
                    endpoint.region().unwrap_or_default()
                )
            })
            .collect();
        available.sort();
        available.dedup();
        let available = if available.is_empty() {
            let mut kinds: Vec<&str> = self
                .catalogue
                .iter()
                .map(|service| service.kind.as_str())
                .collect();
            kinds.sort_unstable();
            match kinds[..] {
                [] => "no services at all".to_owned(),
                _ => format!("only {}", kinds.join(", ")),
            }
        } else {
            available.join(", ")
        };
        Err(NoEndpoint { wanted, available })
    }
}

/// Gives the body that asks Keystone for a token.
pub fn request(cloud: &Cloud) -> Value {
    let identity = match &cloud.login {
        Login::Password { user, password } => {
            let mut user = reference(user);
            user["password"] = password.expose_secret().into();
            json!({"methods": ["password"], "password": {"user": user}})
        }
        Login::ApplicationCredential { credential, secret } => {
            let mut credential = match credential {
                Credential::Id(id) => json!({"id": id}),
                Credential::Named { name, user } => json!({"name": name, "user": reference(user)}),
            };
            credential["secret"] = secret.expose_secret().into();
            json!({"methods": ["application_credential"], "application_credential": credential})
        }
        Login::Token(token) => {
            json!({"methods": ["token"], "token": {"id": token.expose_secret()}})
        }
    };
    match &cloud.project {
        Some(project) => {
            json!({"auth": {"identity": identity, "scope": {"project": reference(project)}}})
        }
        None => json!({"auth": {"identity": identity}}),
    }
}

fn reference(named: &Named) -> Value {
    match named {
        Named::Id(id) => json!({"id": id}),
        Named::Name {
            name,
            domain: Domain::Id(id),
        } => json!({"name": name, "domain": {"id": id}}),
        Named::Name {
            name,
            domain: Domain::Name(domain),
        } => {
            json!({"name": name, "domain": {"name": domain}})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(endpoints: &[(&str, &str, &str)]) -> Token {
        let endpoints: Vec<Value> = endpoints
            .iter()
            .map(|(interface, region, url)| {
                json!({"interface": interface, "region": region, "region_id": region, "url": url})
            })
            .collect();
        let document = json!({"token": {
            "expires_at": "2026-11-22T04:49:01.000000Z",
            "catalog": [{"type": "image", "endpoints": endpoints}, {"type": "compute"}],
        }});
        Token::parse("x".into(), document).unwrap()
    }

    fn url(token: &Token, region: Option<&str>, interfaces: &[&str]) -> Result<String, NoEndpoint> {
        let interfaces: Vec<String> = interfaces.iter().map(|word| (*word).to_owned()).collect();
        token
            .endpoint("image", region, &interfaces)
            .map(String::from)
    }

    #[test]
    fn region_and_interface_choose_the_endpoint() {
        let token = token(&[
            ("public", "one", "https://one.example"),
            ("internal", "one", "https://inside.example"),
            ("public", "two", "https://two.example"),
        ]);
        assert_eq!(
            url(&token, Some("two"), &["public"]).unwrap(),
            "https://two.example/"
        );
        assert_eq!(
            url(&token, Some("two"), &["internal", "public"]).unwrap(),
            "https://two.example/"
        );
        assert_eq!(
            url(&token, None, &["internal"]).unwrap(),
            "https://inside.example/"
        );
        assert_eq!(
            url(&token, Some("three"), &["public"]).unwrap_err(),
            NoEndpoint {
                wanted: "in region `three` with interface `public`".to_owned(),
                available: "`internal` in `one`, `public` in `one`, `public` in `two`".to_owned(),
            }
        );
    }

    #[test]
    fn several_regions_and_none_named_is_no_guess() {
        let token = token(&[
            ("public", "one", "https://one.example"),
            ("public", "two", "https://two.example"),
        ]);
        assert!(url(&token, None, &["public"]).is_err());
    }

    #[test]
    fn a_catalogue_without_the_service_says_what_it_has() {
        let no_endpoint = token(&[])
            .endpoint("volume", None, &["public".to_owned()])
            .unwrap_err();
        assert_eq!(no_endpoint.available, "only compute, image");
    }
}
