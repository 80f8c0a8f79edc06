//! The cloud's side: clouds.yaml, login and Glance. Knows how to call, never whether.
//!
//! Own code on HTTP, because few calls are needed and each of them has oddities that a caller should not have to know.

mod answer;
mod call;
mod client;
mod clouds;
pub mod config;
mod description;
mod download;
mod entries;
mod error;
pub mod image;
mod listing;
mod login;
pub mod session;
mod sharing;
mod token;
mod upload;

pub use clouds::Clouds;
pub use config::{Cloud, ConfigError, Environment};
pub use error::Error;
pub use image::{Deletion, Image, NewImage};
pub use session::{Project, Retries, Session};
pub use sharing::Member;
