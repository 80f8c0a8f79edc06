//! reglaze keeps the image catalogue of an OpenStack cloud fresh from a Git repository.
//!
//! Data flows one way: discover → verify → propose → (review) → plan → apply.
//! The modules in reading order:
//!
//! - [`cli`], [`settings`], [`action`]: what the user wants, read once;
//! - [`commands`]: one file per subcommand, each a straight line;
//! - [`files`], [`definitions`], [`upstream`], [`github`], [`openstack`], [`transfer`], [`store`]: the edges, which know how, never whether;
//! - [`cache`]: a folder for what the edges may lose; [`log`]: where foreign text becomes harmless and secrets are hidden;
//! - [`domain`]: decisions and their data; no I/O, no clock, no environment.

// What goes to stdout and stderr passes one place, where foreign text is made harmless (`log`).
#![warn(clippy::print_stdout, clippy::print_stderr)]

pub mod action;
pub mod cache;
pub mod cli;
pub mod commands;
pub mod definitions;
pub mod domain;
pub mod files;
pub mod github;
pub mod log;
pub mod openstack;
pub mod settings;
pub mod store;
pub mod transfer;
pub mod upstream;
