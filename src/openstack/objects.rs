//! Swift: the objects of one container, each method one call, but for lists, uploads and removals.
//!
//! What is large lies in segments beside the objects, below `.segments/`, and one call makes an object of them: a static
//! large object, which names each of its segments, or where Swift has none, a dynamic one, which is all that lies in a folder.

mod abilities;
mod dynamic;
mod list;
mod mark;
mod object;
mod segments;
mod sending;
mod stream;

use std::sync::Arc;

use reqwest::Method;
use tokio::sync::OnceCell;

use super::call::Call;
use super::error::Error;
use super::session::Session;
use abilities::Abilities;

/// Where segments lie, below the prefix.
const SEGMENTS: &str = ".segments/";

/// A container of one cloud, and the beginning of the names of all that is ours in it.
#[derive(Debug)]
pub struct Objects {
    session: Arc<Session>,
    endpoint: url::Url,
    container: String,
    prefix: String,
    abilities: OnceCell<Abilities>,
}

impl Objects {
    /// Finds the service; calls nobody.
    pub fn connect(session: Arc<Session>, container: &str, prefix: &str) -> Result<Self, Error> {
        Ok(Self {
            endpoint: session.object_store_endpoint()?,
            session,
            container: container.to_owned(),
            prefix: prefix.to_owned(),
            abilities: OnceCell::new(),
        })
    }

    fn url(&self, name: &str) -> url::Url {
        let mut url = self.endpoint.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(&self.container);
            if !name.is_empty() {
                let whole = format!("{}{name}", self.prefix);
                segments.extend(whole.split('/'));
            }
        }
        url
    }

    fn call(&self, method: Method, name: &str, doing: String) -> Call {
        Call::new(method, self.url(name), doing)
    }
}
