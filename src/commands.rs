//! One file per subcommand; each reads like the sentence in its doc comment.

pub mod adopt;
pub mod apply;
mod catalogue;
pub mod mirror;
pub mod new;
mod online;
pub mod plan;
mod review;
pub mod sources;
mod stop;
pub mod update;
pub mod validate;
