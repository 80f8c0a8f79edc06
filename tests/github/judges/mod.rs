//! GitHub's own descriptions of its APIs, and what holds requests and answers against them.

mod description;
mod judged;
mod prism;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

pub use judged::Judged;
pub use prism::Prism;

/// The folder that `tests/github/up` made.
pub fn folder() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("REGLAZE_TEST_GITHUB") {
            return path.into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/github/up");
        let output = Command::new(script).stderr(Stdio::inherit()).output().expect("`up` begins");
        assert!(
            output.status.success(),
            "GitHub's descriptions of its APIs are missing: mend `tests/github/up`, or set REGLAZE_TEST_GITHUB to the \
             folder that it prints"
        );
        String::from_utf8(output.stdout).expect("a path").trim().into()
    })
}
