//! Nova: a server that is started to see whether an image boots, and deleted again.
//!
//! Each bears a mark in its metadata, so that those of dead runs are found.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::endpoints::{COMPUTE, Endpoint};
use super::error::Error;
use super::pages::{Link, next_marker};
use super::service::{Service, malformed};
use super::session::Session;

/// From this one on a server may have no network at all (Newton, 2016).
const VERSION: &str = "compute 2.37";

/// How all these servers' names begin.
const PREFIX: &str = "reglaze-boot-";

/// Metadata: the mark's tag.
const MARK: &str = "reglaze_tag";

/// Metadata: the definition whose image is tried.
const IMAGE: &str = "reglaze_image";

/// The compute service of the login's region.
#[derive(Debug, Clone)]
pub struct Compute {
    session: Arc<Session>,
    endpoint: Endpoint,
}

/// A server to start.
#[derive(Debug, Clone, Copy)]
pub struct NewServer<'a> {
    /// The image's ID.
    pub image: &'a str,
    /// The flavor, by ID or name.
    pub flavor: &'a str,
    /// The network, by ID or name; absent: none.
    pub network: Option<&'a str>,
    /// The mark's tag.
    pub tag: &'a str,
    /// The definition's name.
    pub definition: &'a str,
}

/// A server that bears the mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// Its ID.
    pub id: String,
    /// The definition whose image it tries.
    pub definition: String,
}

/// What a server is at the moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// Being built.
    Building,
    /// Running, as far as Nova knows.
    Active,
    /// It will not run; in Nova's words.
    Failed(String),
    /// Not there.
    Gone,
}

#[derive(Deserialize)]
struct Page {
    servers: Vec<Listed>,
    #[serde(default)]
    servers_links: Vec<Link>,
}

#[derive(Deserialize)]
struct Listed {
    id: String,
    #[serde(default)]
    metadata: std::collections::BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Single {
    server: Document,
}

#[derive(Deserialize)]
struct Console {
    output: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    status: String,
    fault: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
}

#[derive(Deserialize)]
struct Named {
    id: String,
    name: String,
}

impl Compute {
    /// Finds the compute service that boots the images of the login's region.
    pub fn connect(session: Arc<Session>) -> Result<Self, String> {
        let all = session.endpoints(COMPUTE)?;
        let region = session.cloud().region.clone();
        let mut fitting = all
            .into_iter()
            .filter(|one| region.as_ref().is_none_or(|region| one.region == *region));
        match (fitting.next(), fitting.next()) {
            (Some(endpoint), None) => Ok(Self { session, endpoint }),
            (None, _) => Err("the cloud's catalogue has no Nova in this region".to_owned()),
            (Some(_), Some(_)) => Err(
                "the cloud's catalogue has several Novas; say which by `region_name` in clouds.yaml".to_owned(),
            ),
        }
    }

    fn service(&self) -> Service<'_> {
        Service {
            session: &self.session,
            name: COMPUTE.name,
        }
    }

    /// Gives the servers of this project that a run with this tag started.
    pub async fn marked(&self, tag: &str) -> Result<Vec<Marked>, Error> {
        let servers = self
            .service()
            .all_pages(
                &self.endpoint,
                &["servers", "detail"],
                &[("name", PREFIX)],
                VERSION,
                "look for servers of earlier runs",
                |page: Page| Ok((page.servers, next_marker(&page.servers_links)?)),
            )
            .await?;
        let ours = servers.into_iter().filter_map(|mut server| {
            let is_ours = server
                .metadata
                .get(MARK)
                .is_some_and(|mark| *mark == marked_as(tag));
            let definition = server.metadata.remove(IMAGE)?;
            is_ours.then_some(Marked {
                id: server.id,
                definition,
            })
        });
        Ok(ours.collect())
    }

    /// Starts a server; gives its ID. Never repeated: a lost answer could leave two, and both bear the mark.
    pub async fn start(&self, new: NewServer<'_>) -> Result<String, Error> {
        let flavor = self.flavor(new.flavor).await?;
        let networks = match new.network {
            None => json!("none"),
            Some(network) => json!([{"uuid": self.network(network).await?}]),
        };
        let body = json!({"server": {
            "name": format!("{PREFIX}{}", new.image),
            "imageRef": new.image,
            "flavorRef": flavor,
            "networks": networks,
            "metadata": {MARK: marked_as(new.tag), IMAGE: marked_as(new.definition)},
        }});
        let doing = format!("start a server from image `{}`", new.image);
        let service = self.service();
        let (call, answer) = service
            .write(
                Method::POST,
                &self.endpoint,
                &["servers"],
                Some(body),
                VERSION,
                &doing,
            )
            .await?;
        let document: Value = service.parsed(&call, &answer, "a server")?;
        match document["server"]["id"].as_str() {
            Some(id) => Ok(id.to_owned()),
            None => Err(malformed(
                &call,
                "a server without an ID".to_owned(),
                "a server",
            )),
        }
    }

    /// Says what a server is at the moment.
    pub async fn state(&self, id: &str) -> Result<State, Error> {
        let service = self.service();
        let doing = format!("look at server `{id}`");
        let (call, answer) = service
            .read(&self.endpoint, &["servers", id], &[], VERSION, &doing)
            .await?;
        if answer.status == StatusCode::NOT_FOUND {
            return Ok(State::Gone);
        }
        let Single { server } = service.parsed(&call, &answer, "a server")?;
        Ok(match server.status.as_str() {
            "ACTIVE" => State::Active,
            "DELETED" | "SOFT_DELETED" => State::Gone,
            "BUILD" | "REBUILD" | "UNKNOWN" => State::Building,
            "ERROR" => State::Failed(server.fault.map_or_else(
                || "it is `ERROR`, for a reason that Nova does not tell".to_owned(),
                |fault| fault.message.replace('`', "'"),
            )),
            other => State::Failed(format!("it is `{other}`")),
        })
    }

    /// Gives what the server's console shows so far; nothing while there is none.
    pub async fn console(&self, id: &str) -> Result<String, Error> {
        let service = self.service();
        let doing = format!("read the console of server `{id}`");
        let body = Some(json!({"os-getConsoleOutput": {}}));
        let path = ["servers", id, "action"];
        let (call, answer) = service
            .write(Method::POST, &self.endpoint, &path, body, VERSION, &doing)
            .await?;
        // The server is not so far yet.
        if matches!(answer.status, StatusCode::CONFLICT | StatusCode::NOT_FOUND) {
            return Ok(String::new());
        }
        let Console { output } = service.parsed(&call, &answer, "the text of a console")?;
        Ok(output.unwrap_or_default())
    }

    /// Deletes a server. Not there any more is done.
    pub async fn delete(&self, id: &str) -> Result<(), Error> {
        let service = self.service();
        let doing = format!("delete server `{id}`");
        let (call, answer) = service
            .write(
                Method::DELETE,
                &self.endpoint,
                &["servers", id],
                None,
                VERSION,
                &doing,
            )
            .await?;
        match answer.status {
            StatusCode::NO_CONTENT | StatusCode::NOT_FOUND => Ok(()),
            _ => Err(service.refused(&call, &answer)),
        }
    }

    async fn flavor(&self, name: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Flavors {
            flavors: Vec<Named>,
            #[serde(default)]
            flavors_links: Vec<Link>,
        }
        let doing = format!("find the flavor `{name}`");
        let flavors = self
            .service()
            .all_pages(
                &self.endpoint,
                &["flavors"],
                &[],
                VERSION,
                &doing,
                |page: Flavors| Ok((page.flavors, next_marker(&page.flavors_links)?)),
            )
            .await?;
        let found = flavors
            .iter()
            .find(|one| one.id == name)
            .or_else(|| flavors.iter().find(|one| one.name == name));
        match found {
            Some(flavor) => Ok(flavor.id.clone()),
            None => Err(self.missing("flavor", name)),
        }
    }

    /// An ID is taken as it is; a name is asked of the network service.
    async fn network(&self, name: &str) -> Result<String, Error> {
        #[derive(Deserialize)]
        struct Networks {
            networks: Vec<Named>,
        }
        if is_uuid(name) {
            return Ok(name.to_owned());
        }
        let Some(endpoint) = self.session.network_endpoint(&self.endpoint.region) else {
            return Err(self.missing("network", name));
        };
        let service = Service {
            session: &self.session,
            name: "Neutron",
        };
        let doing = format!("find the network `{name}`");
        let (call, answer) = service
            .read(
                &endpoint,
                &["networks"],
                &[("name", name)],
                "network 2.0",
                &doing,
            )
            .await?;
        let found: Networks = service.parsed(&call, &answer, "a list of networks")?;
        match &found.networks[..] {
            [one] => Ok(one.id.clone()),
            [] => Err(self.missing("network", name)),
            _ => Err(Error::Ambiguous {
                kind: "network",
                name: name.to_owned(),
                cloud: self.session.cloud().name.clone(),
            }),
        }
    }

    fn missing(&self, kind: &'static str, name: &str) -> Error {
        Error::NoSuchThing {
            kind,
            name: name.to_owned(),
            cloud: self.session.cloud().name.clone(),
        }
    }
}

/// Metadata hold 255 characters.
fn marked_as(text: &str) -> String {
    text.chars().take(255).collect()
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text
            .bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
}
