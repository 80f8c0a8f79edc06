//! Nova: which servers were started from which image.
//!
//! Nova leaves out the servers of a cell that does not answer, without an error, as soon as a list has a filter, a limit or a
//! marker (34.0.0, `_is_cell_down_supported`). So its services are asked before and after each list: from microversion 2.69
//! on, those of such a cell are told as `UNKNOWN`, and so are its servers where a list has none of the three.

use serde::Deserialize;
use serde_json::Value;

use super::endpoints::Endpoint;
use super::pages::{Link, next_marker};
use super::service::{Service, Unclear};
use crate::domain::usage::Tally;

/// The first microversion that tells of cells that do not answer (Stein, 2019).
const VERSION: &str = "compute 2.69";

/// One page of servers.
#[derive(Debug, Deserialize)]
struct Page {
    servers: Vec<ServerDocument>,
    #[serde(default)]
    servers_links: Vec<Link>,
}

#[derive(Debug, Deserialize)]
struct ServerDocument {
    id: String,
    #[serde(default)]
    status: String,
    tenant_id: Option<String>,
    /// An object with the ID; an empty text if it boots from a volume; absent from a cell that does not answer.
    image: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Services {
    services: Vec<ServiceDocument>,
}

#[derive(Debug, Deserialize)]
struct ServiceDocument {
    host: Option<String>,
    #[serde(default)]
    status: String,
}

/// What the servers of one Nova told.
#[derive(Debug, Default)]
pub struct Servers {
    /// A server that boots from a volume, if there is one: only Cinder knows its image.
    pub from_volume: Option<String>,
}

/// Notes who was started from which image; with `image` of that one only.
pub async fn ask(
    service: &Service<'_>,
    endpoint: &Endpoint,
    image: Option<&str>,
    tally: &mut Tally,
) -> Result<Servers, Unclear> {
    cells(service, endpoint).await?;
    let mut servers = Servers::default();
    // The first page of everything has no limit, so that it shows the servers of cells that do not answer.
    let mut filters = vec![("all_tenants", "1")];
    filters.extend(image.map(|image| ("image", image)));
    series(service, endpoint, &filters, tally, &mut servers).await?;
    // Its owner may bring such a server back, as long as Nova keeps it.
    let kept = [
        &filters[..],
        &[("deleted", "true"), ("status", "SOFT_DELETED")],
    ]
    .concat();
    series(service, endpoint, &kept, tally, &mut servers).await?;
    cells(service, endpoint).await?;
    Ok(servers)
}

/// Makes sure that every cell answers.
async fn cells(service: &Service<'_>, endpoint: &Endpoint) -> Result<(), Unclear> {
    let doing = "ask Nova whether all its cells answer";
    let (call, answer) = service
        .read(endpoint, &["os-services"], &[], VERSION, doing)
        .await?;
    let found: Services = service.parsed(&call, &answer, "a list of services")?;
    match silent(&found.services) {
        Some(host) => Err(Unclear::Partial(format!(
            "a cell does not answer, that of host `{host}`"
        ))),
        None => Ok(()),
    }
}

fn silent(services: &[ServiceDocument]) -> Option<&str> {
    let unknown = services
        .iter()
        .find(|one| one.status.eq_ignore_ascii_case("unknown"));
    unknown.map(|one| one.host.as_deref().unwrap_or("?"))
}

async fn series(
    service: &Service<'_>,
    endpoint: &Endpoint,
    filters: &[(&str, &str)],
    tally: &mut Tally,
    servers: &mut Servers,
) -> Result<(), Unclear> {
    let documents = service
        .all_pages(
            endpoint,
            &["servers", "detail"],
            filters,
            VERSION,
            "read the list of servers",
            |page: Page| Ok((page.servers, next_marker(&page.servers_links)?)),
        )
        .await?;
    for document in &documents {
        match started_from(document).map_err(Unclear::Partial)? {
            Origin::Image(image, project) => tally.server(image, project),
            Origin::Volume => servers.from_volume = Some(document.id.clone()),
        }
    }
    Ok(())
}

/// What a server was started from.
#[derive(Debug, PartialEq, Eq)]
enum Origin<'a> {
    /// An image, by its ID; and whose server it is.
    Image(&'a str, &'a str),
    /// A volume, or several.
    Volume,
}

/// Reads one server; or says why it does not tell.
fn started_from(document: &ServerDocument) -> Result<Origin<'_>, String> {
    let project = document.tenant_id.as_deref().unwrap_or("?");
    match &document.image {
        Some(Value::Object(image)) => match image.get("id") {
            Some(Value::String(id)) if !id.is_empty() => Ok(Origin::Image(id, project)),
            _ => Err(format!(
                "server `{}` names no image that can be read",
                document.id
            )),
        },
        Some(Value::String(empty)) if empty.is_empty() && document.status != "UNKNOWN" => {
            Ok(Origin::Volume)
        }
        Some(Value::Null | Value::String(_)) | None => Err(format!(
            "of server `{}` Nova tells no image, since its cell does not answer",
            document.id
        )),
        Some(_) => Err(format!(
            "server `{}` names no image that can be read",
            document.id
        )),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn server(document: Value) -> ServerDocument {
        serde_json::from_value(document).unwrap()
    }

    #[test]
    fn a_server_names_its_image_or_was_booted_from_a_volume() {
        let booted = server(
            json!({"id": "s", "status": "ACTIVE", "tenant_id": "p", "image": {"id": "i", "links": []}}),
        );
        assert_eq!(started_from(&booted), Ok(Origin::Image("i", "p")));
        let from_volume =
            server(json!({"id": "s", "status": "SHUTOFF", "tenant_id": "p", "image": ""}));
        assert_eq!(started_from(&from_volume), Ok(Origin::Volume));
    }

    #[test]
    fn the_little_that_is_known_of_a_silent_cells_server_is_no_answer() {
        let minimal = server(
            json!({"id": "s", "status": "UNKNOWN", "tenant_id": "p", "created": "2026-01-01T00:00:00Z"}),
        );
        assert!(started_from(&minimal).unwrap_err().contains("`s`"));
        for image in [
            json!(null),
            json!("i"),
            json!({}),
            json!(["i"]),
            json!({"id": ""}),
            json!({"id": 7}),
        ] {
            let odd =
                server(json!({"id": "s", "status": "ACTIVE", "tenant_id": "p", "image": image}));
            assert!(started_from(&odd).is_err(), "{image}");
        }
        let empty = server(json!({"id": "s", "status": "UNKNOWN", "image": ""}));
        assert!(started_from(&empty).is_err());
    }

    #[test]
    fn a_service_of_unknown_status_stands_for_a_silent_cell() {
        let services = |status: &str| -> Services {
            serde_json::from_value(json!({"services": [
                {"host": "a", "status": "enabled"}, {"host": "b", "status": status},
            ]}))
            .unwrap()
        };
        assert_eq!(silent(&services("disabled").services), None);
        assert_eq!(silent(&services("UNKNOWN").services), Some("b"));
    }
}
