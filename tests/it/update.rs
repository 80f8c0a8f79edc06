//! `update` from outside, against upstreams that are as bad as real ones.

mod attest;
mod captured;
mod faults;
mod github;
mod road;
pub(crate) mod server;
pub(crate) mod signer;
mod traffic;
pub(crate) mod world;
