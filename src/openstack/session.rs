//! One login to one cloud: the token, its renewal, and calls that carry it.
//!
//! What a service's answers mean is for the service's module.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::{Method, StatusCode};
use url::Url;

use super::answer::Answer;
pub use super::call::Retries;
use super::call::{Call, headers, now, repeated};
use super::client;
use super::config::Cloud;
use super::endpoints::{self, Endpoint, Kind};
use super::error::Error;
use super::login::{new_token, secret_of, without};
pub use super::token::Project;
use super::token::{NoEndpoint, Token};

/// A login to one cloud. Shared by its services; may be used by many tasks at once.
#[derive(Debug)]
pub struct Session {
    cloud: Cloud,
    http: reqwest::Client,
    token: RwLock<Arc<Token>>,
    renewal: tokio::sync::Mutex<()>,
    retries: Retries,
}

impl Session {
    /// Logs in to the cloud: one call to Keystone.
    pub async fn login(cloud: Cloud) -> Result<Self, Error> {
        Self::login_with(cloud, Retries::default()).await
    }

    /// Logs in to the cloud, and repeats calls as `retries` says.
    pub async fn login_with(cloud: Cloud, retries: Retries) -> Result<Self, Error> {
        let http = client::build(&cloud)?;
        let token = new_token(&http, &cloud, retries).await?;
        Ok(Self {
            cloud,
            http,
            token: RwLock::new(Arc::new(token)),
            renewal: tokio::sync::Mutex::new(()),
            retries,
        })
    }

    /// Gives the cloud that this is a login to.
    pub fn cloud(&self) -> &Cloud {
        &self.cloud
    }

    /// Gives the project that the token is for.
    pub fn project(&self) -> Result<Project, Error> {
        self.token()
            .project
            .clone()
            .ok_or_else(|| Error::NoProject {
                cloud: self.cloud.name.clone(),
                file: self.cloud.described_in.clone(),
            })
    }

    /// Gives the roles that the user has in that project.
    pub fn roles(&self) -> Vec<String> {
        self.token().roles.clone()
    }

    /// Renews the token if it ends within `left`: what cannot be sent twice should not meet a 401.
    pub async fn keep_for(&self, left: Duration) -> Result<(), Error> {
        let token = self.token();
        let ends = (token.expires_at - now()).to_std().unwrap_or_default();
        if ends < left {
            self.renewed(&token).await?;
        }
        Ok(())
    }

    /// Gives the image service's URL: what the cloud's description says, else the catalogue.
    pub(super) fn image_endpoint(&self) -> Result<Url, Error> {
        if let Some(url) = &self.cloud.image_endpoint {
            return Ok(url.clone());
        }
        self.token()
            .endpoint(
                "image",
                self.cloud.region.as_deref(),
                &self.cloud.interfaces,
            )
            .map_err(|none| self.no_service("image", none))
    }

    /// Gives the object store's URL with the project in it: what the cloud's description says, else the catalogue.
    pub(super) fn object_store_endpoint(&self) -> Result<Url, Error> {
        if let Some(url) = &self.cloud.object_store_endpoint {
            return Ok(url.clone());
        }
        self.token()
            .endpoint(
                "object-store",
                self.cloud.region.as_deref(),
                &self.cloud.interfaces,
            )
            .map_err(|none| self.no_service("object_store", none))
    }

    fn no_service(&self, service: &'static str, none: NoEndpoint) -> Error {
        Error::NoService {
            cloud: self.cloud.name.clone(),
            service,
            wanted: none.wanted,
            available: none.available,
            file: self.cloud.described_in.clone(),
        }
    }

    /// Gives every service of a kind in all regions of the catalogue; or says why that cannot be known.
    pub(super) fn endpoints(&self, kind: Kind) -> Result<Vec<Endpoint>, String> {
        let token = self.token();
        let project = token.project.as_ref().map_or("", |project| &project.id);
        endpoints::all(&token.entries(), kind, &self.cloud.interfaces, project)
    }

    /// Gives the network service of a region.
    pub(super) fn network_endpoint(&self, region: &str) -> Option<Endpoint> {
        let mut url = self
            .token()
            .endpoint("network", Some(region), &self.cloud.interfaces)
            .ok()?;
        let root = url
            .path()
            .trim_end_matches('/')
            .trim_end_matches("/v2.0")
            .to_owned();
        url.set_path(&format!("{root}/v2.0"));
        Some(Endpoint {
            region: region.to_owned(),
            url,
        })
    }

    /// Makes a call without a token, which version discovery does not need.
    pub(super) async fn send_without_token(&self, call: &Call) -> Result<Answer, Error> {
        repeated(&self.http, &self.cloud, self.retries, call, None).await
    }

    /// Makes a call. After a 401 the token is renewed, once, and the call made again.
    pub(super) async fn send(&self, call: &Call) -> Result<Answer, Error> {
        let token = self.token();
        let answer = repeated(
            &self.http,
            &self.cloud,
            self.retries,
            call,
            Some(&token.value),
        )
        .await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let token = self.renewed(&token).await?;
        repeated(
            &self.http,
            &self.cloud,
            self.retries,
            call,
            Some(&token.value),
        )
        .await
    }

    /// Begins a call whose body is a stream, which can be sent once only.
    pub(super) fn streaming(&self, method: Method, url: Url) -> reqwest::RequestBuilder {
        self.http
            .request(method, url)
            .headers(headers(Some(&self.token().value)))
    }

    /// Gives `token`'s successor: a new one, or the one that another task has got meanwhile.
    pub(super) async fn renewed(&self, token: &Arc<Token>) -> Result<Arc<Token>, Error> {
        let _only_one_at_a_time = self.renewal.lock().await;
        let current = self.token();
        if !Arc::ptr_eq(&current, token) {
            return Ok(current);
        }
        tracing::debug!(cloud = self.cloud.name, "logging in again");
        let new = Arc::new(new_token(&self.http, &self.cloud, self.retries).await?);
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&new);
        Ok(new)
    }

    pub(super) fn token(&self) -> Arc<Token> {
        Arc::clone(&self.token.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes the token and the login's secret out of a text that a service sent.
    pub(super) fn without_secrets(&self, text: &str) -> String {
        let text = without(text, &self.token().value);
        without(&text, secret_of(&self.cloud))
    }
}
