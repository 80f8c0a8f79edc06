//! reglaze keeps the image catalogue of an OpenStack cloud fresh from a Git repository.
//!
//! Data flows one way: discover → verify → propose → (review) → plan → apply.
//! The modules in reading order:
//!
//! - [`domain`]: decisions and their data; no I/O, no clock, no environment.

pub mod domain;
