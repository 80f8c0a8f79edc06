//! Decisions and their data. Nothing here does I/O or knows the time.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod adopt;
pub mod attested;
pub mod bound;
#[cfg(test)]
pub(crate) mod captures;
pub mod checksum;
pub mod console;
pub mod definition;
pub mod edit;
pub mod ending;
pub mod endoflife;
pub mod finding;
pub mod fleet;
pub mod freshness;
pub mod index;
pub mod lint;
pub mod manifest;
pub mod nearest;
pub mod outcome;
pub mod overview;
pub mod packing;
pub mod patch;
pub mod pinned;
pub mod plan;
pub mod policy;
pub mod promise;
pub mod proof;
pub mod question;
pub mod recency;
pub mod record;
pub mod report;
pub mod reviewed;
pub mod rotation;
pub mod scaffold;
pub mod select;
pub mod shard;
pub mod signature;
pub mod snapshot;
pub mod source;
pub mod step;
pub mod template;
pub mod usage;
pub mod version;
pub mod wanted;
pub mod yaml;
