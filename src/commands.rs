//! One file per subcommand; each reads like the sentence in its doc comment.

pub mod sources;
pub mod update;
pub mod validate;
