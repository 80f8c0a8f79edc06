//! Who uses which image: the answer of a cloud's compute and volume services, and what may be concluded from it.
//!
//! Unused is what a complete answer does not name. Whatever was not answered, forbidden or partial means in use.

use std::collections::{BTreeMap, BTreeSet};

/// The use of one image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Servers that were started from it.
    pub servers: usize,
    /// Volumes that were made from it.
    pub volumes: usize,
    /// The IDs of the projects that own these.
    pub projects: BTreeSet<String>,
}

/// What a cloud's services said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uses {
    answer: Result<BTreeMap<String, Use>, String>,
}

/// What is known of one image's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage<'a> {
    /// Every service answered completely, and none named it.
    Unused,
    /// Somebody uses it.
    Used(&'a Use),
    /// Some answer is missing, for this reason: it counts as used.
    Unknown(&'a str),
}

impl Default for Uses {
    /// Nobody was asked.
    fn default() -> Self {
        Self::unknown("nobody was asked which images are in use".to_owned())
    }
}

impl Uses {
    /// A complete answer, by image ID.
    pub fn complete(images: BTreeMap<String, Use>) -> Self {
        Self { answer: Ok(images) }
    }

    /// No complete answer, and why.
    pub fn unknown(reason: String) -> Self {
        Self {
            answer: Err(reason),
        }
    }

    /// What is known of an image.
    pub fn of(&self, id: &str) -> Usage<'_> {
        match &self.answer {
            Ok(images) => images.get(id).map_or(Usage::Unused, Usage::Used),
            Err(reason) => Usage::Unknown(reason),
        }
    }

    /// Why nothing is known, if that is so.
    pub fn gap(&self) -> Option<&str> {
        self.answer.as_ref().err().map(String::as_str)
    }
}
