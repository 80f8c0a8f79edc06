//! S3: each method one call, but for lists. Credentials, addresses and signatures are `object_store`'s; the calls are ours, since it
//! can neither list what a dead run left nor say what a store answered in one sentence.

mod answers;
mod ask;
mod list;
mod object;
mod offer;
mod remedy;
mod sending;
mod upload;

use std::time::Duration;

use http::Method;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::{BackoffConfig, ClientOptions, RetryConfig};
use tokio::sync::OnceCell;

use super::error::{StoreError, innermost};
use crate::domain::mirror::{Begun, Offer};
use ask::Ask;

/// How long a signed URL holds: each is used at once.
const VALID: Duration = Duration::from_mins(15);

/// A bucket, and the beginning of the names of all that is ours in it.
#[derive(Debug)]
pub struct S3 {
    to: String,
    endpoint: String,
    prefix: String,
    signer: AmazonS3,
    http: reqwest::Client,
    offer: OnceCell<Offer>,
}

impl S3 {
    /// Makes the client; calls nobody. Fails with [`StoreError`] if the settings or the environment cannot be used.
    pub fn new(
        bucket: &str,
        prefix: &str,
        endpoint: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, StoreError> {
        let to = format!("s3://{bucket}/{prefix}");
        let unusable = |problem: String| StoreError::Settings {
            to: to.clone(),
            problem,
        };
        let once = RetryConfig {
            backoff: BackoffConfig::default(),
            max_retries: 1,
            retry_timeout: Duration::from_secs(20),
        };
        let options = ClientOptions::new()
            .with_connect_timeout(Duration::from_secs(3))
            .with_timeout(Duration::from_secs(10));
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(bucket)
            .with_retry(once)
            .with_client_options(options);
        if let Some(endpoint) = endpoint {
            builder = builder.with_endpoint(endpoint.trim_end_matches('/'));
            builder = builder.with_allow_http(endpoint.starts_with("http:"));
        }
        if let Some(region) = region {
            builder = builder.with_region(region);
        }
        let signer = builder
            .build()
            .map_err(|error| unusable(innermost(&error)))?;
        let http = reqwest::Client::builder()
            .user_agent(concat!("reglaze/", env!("CARGO_PKG_VERSION")))
            // A signature is for one host.
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(20))
            .tcp_keepalive(Duration::from_secs(30))
            .build()
            .map_err(|error| unusable(innermost(&error)))?;
        Ok(Self {
            endpoint: endpoint.unwrap_or("AWS").to_owned(),
            prefix: prefix.to_owned(),
            to,
            signer,
            http,
            offer: OnceCell::new(),
        })
    }

    /// The whole name of an object.
    fn key(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    fn of_upload(&self, method: Method, begun: &Begun, doing: &str) -> Ask<'static> {
        let doing = format!("{doing} of `{}`", begun.name);
        Ask::new(method, self.key(&begun.name), doing).query("uploadId", &begun.id)
    }
}
