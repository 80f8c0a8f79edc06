//! What a cloud's Glance says that it can do beside the plain upload.

use std::collections::BTreeSet;

use super::Method;

/// The import methods and stores of a cloud.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Offered {
    /// By Glance's words; none where imports are not enabled.
    pub methods: BTreeSet<String>,
    /// In the cloud's order; none where there is a single store without a name.
    pub stores: Vec<Store>,
}

/// One store of a cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Store {
    /// By which it is chosen.
    pub id: String,
    /// Whether data goes there if none is named.
    pub is_default: bool,
    /// Whether it takes no data.
    pub is_read_only: bool,
}

impl Offered {
    /// Says whether images can come in this way.
    pub fn has(&self, method: Method) -> bool {
        self.methods.contains(method.as_str())
    }

    /// Gives the store with this name, if it takes data.
    pub fn store(&self, id: &str) -> Option<&Store> {
        self.stores
            .iter()
            .find(|store| store.id == id && !store.is_read_only)
    }
}
