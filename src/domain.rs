//! Decisions and their data. Nothing here does I/O or knows the time.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

pub mod snapshot;
