//! A GitHub for tests: the stateful fake (`fake/`), and who judges it and its client by GitHub's own descriptions
//! (`judges/`). Used by the tests in `tests/it/github/` and by the program `examples/fake-github.rs`.
#![allow(
    dead_code,
    unused_imports,
    reason = "neither the tests nor the program use all of it"
)]
#![allow(missing_docs, reason = "names of test code say what it is")]

pub mod fake;
pub mod judges;
mod program;

pub use fake::apps::App;
pub use fake::faults::{Fault, When};
pub use fake::log::Entry;
pub use fake::pulls::Checks;
pub use fake::tokens::{Access, Token};
pub use fake::world::{Event, Settings};
pub use fake::{Comment, Fake, Issue, Pull};
pub use judges::{Judged, Prism};
pub use program::{Program, free_port};
