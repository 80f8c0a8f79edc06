//! The store that the settings name, ready to be asked.

use std::sync::Arc;

use crate::commands::catalogue;
use crate::openstack::{Clouds, Environment, Objects, Session};
use crate::settings::{Mirror, Place, Settings};
use crate::store::{S3, Store};

/// Logs in where that is a call of its own.
pub async fn store(settings: &Settings, mirror: &Mirror) -> anyhow::Result<Store> {
    match &mirror.place {
        Place::S3 {
            bucket,
            prefix,
            endpoint,
            region,
        } => {
            let s3 = S3::new(bucket, prefix, endpoint.as_deref(), region.as_deref())?;
            Ok(Store::S3(Box::new(s3)))
        }
        Place::Swift {
            container,
            prefix,
            cloud,
        } => {
            let first = || catalogue::clouds(settings).into_iter().next();
            let cloud = cloud.clone().or_else(|| first().map(|cloud| cloud.name));
            let name = cloud.as_deref().filter(|name| !name.is_empty());
            let description = Clouds::read(&Environment::of_this_process())?.cloud(name)?;
            let session = Arc::new(Session::login(description).await?);
            let objects = Objects::connect(session, container, prefix)?;
            Ok(Store::Swift(Box::new(objects)))
        }
    }
}
