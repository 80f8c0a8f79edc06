//! Real captures of upstreams, read in place by unit tests. They are not part of the project.
#![expect(
    clippy::disallowed_methods,
    reason = "tests read captures where they lie; the domain itself reads no files"
)]

use std::path::PathBuf;

/// The bytes of a capture, by its path below the folder that `REGLAZE_UPSTREAM_CAPTURES` names
/// (default `../shared/upstream` beside the crate). Without that folder says that the test is
/// skipped and gives nothing; a folder without the file fails the test.
pub(crate) fn capture(path: &str) -> Option<Vec<u8>> {
    let folder = std::env::var_os("REGLAZE_UPSTREAM_CAPTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        eprintln!("skipped: no captures");
        return None;
    }
    let file = folder.join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(error) => panic!("capture `{}`: {error}", file.display()),
    }
}

/// The same as text.
pub(crate) fn capture_text(path: &str) -> Option<String> {
    capture(path).map(|bytes| String::from_utf8(bytes).expect("captures of text are UTF-8"))
}
