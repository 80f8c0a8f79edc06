//! What an upstream tells of a build beside what proves it: its packages, its release notes, its size. All of it is for
//! people; what is missing or broken is left out, and nothing fails for it.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::future::join;

use super::{Tracked, Upstream};
use crate::domain::index::{self, Candidate, Kind, Request};
use crate::domain::proposal::packages::{self, Contents, Packages};
use crate::domain::source::PackageForm;
use crate::domain::template::Variables;

impl Upstream {
    /// What changed inside an image since the build at `from`; nothing if its upstream does not tell, or cannot be asked.
    pub async fn contents(
        &self,
        tracked: &Tracked<'_>,
        from: &str,
        candidate: &Candidate,
    ) -> Option<Contents> {
        let source = tracked.source;
        let index = source.index(&tracked.parameters).ok()?;
        let lists = index.sides.packages.as_ref()?;
        let (url, folder, file) = index::parts(from)?;
        let old = tracked.variables_of(&url, &folder, &file).ok()?;
        let hosts = Arc::new(source.hosts(index, &candidate.variables));
        let list = async |variables: &Variables| {
            let url = source.beside(&lists.url, variables)?;
            self.packages(url, lists.form, &hosts).await
        };
        if let (Some(old), Some(new)) = join(list(&old), list(&candidate.variables)).await {
            return Some(Contents::between(&old, &new));
        }
        // Upstreams take old builds away, and with them their lists.
        let mut between = candidate.variables.clone();
        between.insert("from".to_owned(), old.get("version")?.clone());
        let url = source.beside(lists.changes.as_ref()?, &between)?;
        packages::changes(&self.side(url, &hosts).await?)
    }

    /// Pages that tell more of a build: what they are, and their URLs.
    pub fn links(&self, tracked: &Tracked<'_>, candidate: &Candidate) -> Vec<(String, String)> {
        let index = tracked.source.index(&tracked.parameters).ok();
        let notes = index.and_then(|index| index.sides.release_notes.as_ref());
        notes
            .and_then(|notes| tracked.source.beside(notes, &candidate.variables))
            .map(|url| ("release notes".to_owned(), url))
            .into_iter()
            .collect()
    }

    /// The size of a build's file in bytes: as its index tells it, else as its server does.
    pub async fn size_of(&self, candidate: &Candidate) -> Option<u64> {
        let told = candidate.variables.get("size");
        if let Some(size) = told.and_then(|size| size.parse().ok()) {
            return Some(size);
        }
        self.size(&candidate.url).await
    }

    async fn packages(
        &self,
        url: String,
        form: PackageForm,
        hosts: &Arc<BTreeSet<String>>,
    ) -> Option<Packages> {
        packages::packages(form, &self.side(url, hosts).await?)
    }

    async fn side(&self, url: String, hosts: &Arc<BTreeSet<String>>) -> Option<Vec<u8>> {
        let request = Request {
            url,
            kind: Kind::Packages,
        };
        match self.fetcher.document(&request, hosts).await {
            Ok(document) => Some(document.bytes.clone()),
            Err(error) => {
                tracing::debug!("without a list of packages: {error}");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
