//! `update` from outside, against upstreams that are as bad as real ones.

mod attest;
mod captured;
mod faults;
mod road;
mod server;
mod signer;
mod traffic;
mod world;
