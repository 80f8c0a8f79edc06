//! The cloud's side: clouds.yaml, login and Glance. Knows how to call, never whether.
//!
//! Own code on HTTP, because few calls are needed and each of them has oddities that a caller should not have to know.

mod answer;
mod client;
mod clouds;
pub mod config;
mod description;
mod entries;
mod error;
pub mod image;
mod listing;
pub mod session;
mod token;
mod upload;

pub use clouds::Clouds;
pub use config::{Cloud, ConfigError, Environment};
pub use error::Error;
pub use image::{Deletion, Image, Member, NewImage};
pub use session::{Project, Retries, Session};
