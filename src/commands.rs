//! One file per subcommand; each reads like the sentence in its doc comment.

pub mod update;
