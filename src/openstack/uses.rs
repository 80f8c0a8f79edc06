//! Who uses which image: every compute and volume service of every region of the catalogue is asked.
//!
//! Whatever is not answered, forbidden or partial makes the whole answer unknown, with the first reason.

use super::compute;
use super::endpoints::{COMPUTE, Endpoint, Kind, VOLUME};
use super::service::{Service, Unclear};
use super::session::Session;
use crate::domain::usage::{Asked, InUse, Tally, Uses};

/// Asks who uses which image of the cloud.
pub async fn uses(session: &Session, in_use: InUse) -> Uses {
    complete(ask(session, in_use, None).await)
}

/// Asks who uses one image: what is said of others is left out where the service can leave it out surely.
pub async fn uses_of(session: &Session, in_use: InUse, image: &str) -> Uses {
    complete(ask(session, in_use, Some(image)).await)
}

fn complete(answer: Result<Tally, String>) -> Uses {
    match answer {
        Ok(tally) => tally.complete(),
        Err(reason) => Uses::unknown(reason),
    }
}

async fn ask(session: &Session, in_use: InUse, image: Option<&str>) -> Result<Tally, String> {
    let computes = endpoints(session, COMPUTE, in_use.compute, "compute")?;
    let volumes = endpoints(session, VOLUME, in_use.volume, "volume")?;
    let sees_all = session.roles().iter().any(|role| role == "admin");
    let anybody = !computes.is_empty() || !volumes.is_empty();
    if anybody && !sees_all {
        return Err(
            "the login has not the role admin, and Nova and Cinder tell nobody else what all projects use; log in as one who \
             has it, or let the last stage end by `until: forever` and delete by hand"
                .to_owned(),
        );
    }
    let mut tally = Tally::default();
    for endpoint in &computes {
        let service = Service {
            session,
            name: COMPUTE.name,
        };
        let servers = compute::ask(&service, endpoint, image, &mut tally)
            .await
            .map_err(|unclear| reason(COMPUTE, endpoint, unclear))?;
        if let (Some(server), true) = (servers.from_volume, volumes.is_empty()) {
            return Err(format!(
                "server `{server}` boots from a volume, and the catalogue has no Cinder that could tell its image"
            ));
        }
    }
    for endpoint in &volumes {
        let service = Service {
            session,
            name: VOLUME.name,
        };
        super::volume::ask(&service, endpoint, &mut tally)
            .await
            .map_err(|unclear| reason(VOLUME, endpoint, unclear))?;
    }
    Ok(tally)
}

/// Gives where a service is. One that the catalogue lacks must be known to be lacking.
fn endpoints(
    session: &Session,
    kind: Kind,
    asked: Asked,
    setting: &str,
) -> Result<Vec<Endpoint>, String> {
    let found = session.endpoints(kind)?;
    if found.is_empty() && asked == Asked::Asked {
        return Err(format!(
            "the cloud's catalogue has no {} (`{}`); if it really has none, set `in_use: {{{setting}: absent}}`",
            kind.name, kind.types[0]
        ));
    }
    Ok(found)
}

fn reason(kind: Kind, endpoint: &Endpoint, unclear: Unclear) -> String {
    let (name, region) = (kind.name, &endpoint.region);
    match unclear {
        Unclear::Partial(what) => {
            format!("{name} in region `{region}` answered only in part: {what}")
        }
        Unclear::Failed(error) => {
            format!(
                "{name} in region `{region}` gave no complete answer: {:#}",
                anyhow::Error::new(error)
            )
        }
    }
}
