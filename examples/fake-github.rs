//! The fake GitHub as a program, for tests of the container and of workflows: prints its URL and serves until it is ended.
//!
//! `cargo run --example fake-github -- [FOLDER [PORT [OWNER/NAME]]]`: the branch `main` has the files of the folder. The token is
//! `ghs_a-token-of-the-fake`; others are made at `/_fake/tokens`. What else is to be steered and seen is in `tests/github/control.rs`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "functions that tests share fail the test, as the tests themselves do"
)]

#[path = "../tests/github/control.rs"]
mod control;
#[path = "../tests/github/mod.rs"]
mod forge;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use forge::Fake;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map(PathBuf::from);
    let port = arguments.next().map_or(0, |port| {
        port.parse().expect("the second argument is a port")
    });
    let full_name = arguments.next().unwrap_or_else(|| "acme/images".to_owned());
    let fake = Arc::new(Fake::listen(&full_name, port));
    if let Some(folder) = folder {
        let mut files = Vec::new();
        collect(&folder, &folder, &mut files);
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()))
            .collect();
        fake.person("octocat").commit("main", &files, "Seed");
    }
    let steered = fake.clone();
    fake.set_control(move |request| control::answer(&steered, request));
    println!("{}", fake.url());
    loop {
        std::thread::park();
    }
}

/// All texts below a folder, with their paths in it; a `.git` and what is no text is left out.
fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.file_name().is_some_and(|name| name == ".git") {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            let name = path.strip_prefix(root).expect("a path below the folder");
            files.push((name.to_string_lossy().into_owned(), text));
        }
    }
}
