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
    let file = folder()?.join(path);
    match std::fs::read(&file) {
        Ok(bytes) => Some(bytes),
        Err(error) => panic!("capture `{}`: {error}", file.display()),
    }
}

/// The path of every capture; nothing without that folder.
pub(crate) fn captured_files() -> Option<Vec<String>> {
    let folder = folder()?;
    let mut files = Vec::new();
    let mut open = vec![folder.clone()];
    while let Some(next) = open.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let below = path.strip_prefix(&folder).unwrap();
                files.push(below.to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    Some(files)
}

fn folder() -> Option<PathBuf> {
    let folder = std::env::var_os("REGLAZE_UPSTREAM_CAPTURES").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/upstream"),
        PathBuf::from,
    );
    if !folder.is_dir() {
        eprintln!("skipped: no captures");
        return None;
    }
    Some(folder)
}

/// The same as text.
pub(crate) fn capture_text(path: &str) -> Option<String> {
    capture(path).map(|bytes| String::from_utf8(bytes).expect("captures of text are UTF-8"))
}
