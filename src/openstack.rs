//! The cloud's side: clouds.yaml, login, Glance, Nova, Cinder and Swift. Knows how to call, never whether.
//!
//! Own code on HTTP, because few calls are needed and each of them has oddities that a caller should not have to know.

mod answer;
mod call;
mod client;
mod clouds;
mod compute;
pub mod config;
mod data;
mod description;
mod domains;
mod download;
mod endpoints;
mod entries;
mod error;
pub mod image;
mod import;
mod info;
mod listing;
mod login;
mod objects;
mod pages;
mod remedy;
pub mod servers;
mod service;
pub mod session;
mod sharing;
mod token;
mod upload;
mod uses;
mod volume;

pub use clouds::Clouds;
pub use config::{Cloud, ConfigError, Environment};
pub use domains::projects_of;
pub use download::Data;
pub use error::Error;
pub use image::{Deletion, Image, NewImage};
pub use import::{Begun, Import};
pub use objects::Objects;
pub use servers::{Compute, NewServer};
pub use session::{Project, Retries, Session};
pub use sharing::Member;
pub use uses::{uses, uses_of};
