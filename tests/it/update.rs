//! `update` from outside, against upstreams that are as bad as real ones.

mod attest;
mod bytes;
mod cache;
mod captured;
mod changes;
mod connector;
mod faults;
mod github;
mod indexes;
mod lines;
mod online;
mod proof;
mod road;
pub(crate) mod server;
pub(crate) mod signer;
mod surroundings;
mod traffic;
pub(crate) mod world;
