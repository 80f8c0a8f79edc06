//! The mirror: pinned images as objects of a store that readers reach by URL.
//!
//! What the definitions want and what the store has → what is brought, proven, named and removed. How a store is asked
//! is the edge's; the bytes are proven on their way (`transfer`).

mod decision;
mod leftover;
mod name;
mod way;

use chrono::{DateTime, Utc};

use super::checksum::Checksum;
pub use decision::{Deed, Wish, deed, wishes};
pub use leftover::{Leftovers, is_left_over, leftovers};
pub use name::NameError;
pub use way::{Offer, USUAL, Way, WayError, way};

/// What the mirror's objects are called, and by which URLs readers reach them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// The beginning of all URLs, with its slash; absent: no `mirror_url` is written.
    pub public_url: Option<String>,
    /// The template of an object's name.
    pub name: String,
}

/// An object as the list of a store has it. Its name is relative to the mirror's prefix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// Its name.
    pub name: String,
    /// Its bytes; a list may say 0 of one that consists of segments.
    pub size: u64,
    /// When it was written.
    pub modified: DateTime<Utc>,
}

/// What a store says of one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Its bytes.
    pub size: u64,
    /// The digest that was proven before it became visible, as our mark on it tells; absent: it is not ours.
    pub checksum: Option<Checksum>,
}

/// A part of an upload that lies in the store already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Its MD5 digest as stores tell it, in hex: whether it is the same as one at hand. It proves nothing.
    pub tag: String,
    /// Its bytes.
    pub size: u64,
}

/// An upload that was begun: nobody sees an object before it is completed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// The object that it is to become.
    pub name: String,
    /// By what the store knows it.
    pub id: String,
    /// When it was begun.
    pub at: DateTime<Utc>,
    /// Whether its form in the store says that it is ours. S3 tells nothing of an upload but its name.
    pub is_ours: bool,
}
