//! endoflife.date: which lines of releases a product has, and when they end.

use std::sync::Arc;

use super::{Upstream, UpstreamError};
use crate::domain::endoflife::{Meaning, Product};
use crate::domain::index::{Kind, Request};

impl Upstream {
    /// Asks for a product. Fails with [`UpstreamError`].
    pub async fn product(&self, name: &str) -> Result<Product, UpstreamError> {
        let request = Request {
            url: Meaning::url(name),
            kind: Kind::Json,
        };
        let hosts = Arc::new(Meaning::hosts());
        let document = self.fetcher.document(&request, &hosts).await?;
        Ok(Product::read(&request.url, document.json()?)?)
    }
}
