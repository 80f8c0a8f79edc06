//! A tenant who looks all the while, as fast as it can, and once more after every write.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::account::{Account, beside};

/// One catalogue that is looked at.
#[derive(Default)]
struct Watched {
    /// One for each time that it is watched: what was read before does not count.
    term: usize,
    /// Catalogue names of which there is an image all the while, and how many there may be for an instant.
    names: BTreeMap<String, usize>,
    /// The digests of proven bytes, by version.
    digests: BTreeMap<String, String>,
    /// What should never have been seen.
    wrong: BTreeSet<String>,
    looks: usize,
}

/// What the tenant saw of one catalogue.
pub struct Seen {
    /// What should never have been seen.
    pub wrong: BTreeSet<String>,
    /// How often it looked.
    pub looks: usize,
}

type Catalogues = Arc<Mutex<BTreeMap<String, Watched>>>;

/// The tenant.
#[derive(Clone, Default)]
pub struct Tenant {
    catalogues: Catalogues,
}

impl Tenant {
    /// Begins to look, with a pause after each look.
    pub fn start(pause: std::time::Duration) -> Self {
        let tenant = Self::default();
        let looking = tenant.clone();
        beside(async move {
            let account = Account::login("tenant").await;
            loop {
                let (terms, names) = looking.at_work();
                if terms.is_empty() {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                    continue;
                }
                let query = format!("status=active&name=in:{}", names.join(","));
                let images = account.list(&query).await;
                for (tag, term) in terms {
                    looking.judge(&tag, Some(term), &images);
                }
                // Without a pause half of what Glance does would be for this tenant.
                tokio::time::sleep(pause).await;
            }
        });
        tenant
    }

    /// Watches a catalogue from now on.
    pub fn watch(
        &self,
        tag: &str,
        names: &BTreeMap<String, usize>,
        digests: &BTreeMap<String, String>,
    ) {
        static TERMS: AtomicUsize = AtomicUsize::new(0);
        let watched = Watched {
            term: TERMS.fetch_add(1, Ordering::Relaxed),
            names: names.clone(),
            digests: digests.clone(),
            ..Watched::default()
        };
        self.lock().insert(tag.to_owned(), watched);
    }

    /// Watches it no longer; gives what was seen.
    pub fn leave(&self, tag: &str) -> Seen {
        let watched = self.lock().remove(tag).unwrap();
        Seen {
            wrong: watched.wrong,
            looks: watched.looks,
        }
    }

    /// Looks now, also at what no default list shows: community images and those shared with this tenant.
    pub async fn look(&self, tag: &str, account: &Account) {
        let images = account.list(&format!("visibility=all&tag={tag}")).await;
        self.judge_bytes(tag, &images);
        let listed: Vec<_> = images
            .into_iter()
            .filter(|image| image["visibility"] == "public" && image["status"] == "active")
            .collect();
        self.judge(tag, None, &listed);
    }

    /// What is watched now, and the catalogue names in it.
    fn at_work(&self) -> (Vec<(String, usize)>, Vec<String>) {
        let catalogues = self.lock();
        let terms = catalogues
            .iter()
            .map(|(tag, watched)| (tag.clone(), watched.term));
        let names = catalogues.values().flat_map(|watched| watched.names.keys());
        (
            terms.collect(),
            names.map(|name| format!("\"{name}\"")).collect(),
        )
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Watched>> {
        self.catalogues
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// What a default list shows.
    fn judge(&self, tag: &str, term: Option<usize>, images: &[Value]) {
        self.judge_bytes(tag, images);
        let mut catalogues = self.lock();
        let Some(watched) = catalogues.get_mut(tag) else {
            return;
        };
        if term.is_some_and(|term| term != watched.term) {
            return;
        }
        watched.looks += 1;
        let mut counts = BTreeMap::<&str, usize>::new();
        for image in images.iter().filter(|image| bears(image, tag)) {
            *counts
                .entry(image["name"].as_str().unwrap_or_default())
                .or_default() += 1;
        }
        for name in watched.names.keys() {
            if !counts.contains_key(name.as_str()) {
                watched.wrong.insert(format!("no active image `{name}`"));
            }
        }
        for (name, count) in counts {
            // A new name is that of one image.
            let most = watched.names.get(name).copied().unwrap_or(2);
            if count > most {
                watched.wrong.insert(format!("{count} images `{name}`"));
            }
        }
    }

    /// What others see has bytes that were proven.
    fn judge_bytes(&self, tag: &str, images: &[Value]) {
        let mut catalogues = self.lock();
        let Some(watched) = catalogues.get_mut(tag) else {
            return;
        };
        for image in images.iter().filter(|image| bears(image, tag)) {
            let version = image["internal_version"].as_str().unwrap_or_default();
            let expected = watched.digests.get(version);
            let stored = image["os_hash_value"].as_str();
            if !image["reglaze_state"].is_null() || stored != expected.map(String::as_str) {
                watched.wrong.insert(format!("unproven bytes: {image}"));
            }
        }
    }
}

fn bears(image: &Value, tag: &str) -> bool {
    image["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|one| one == tag))
}
