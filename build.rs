//! Lists the files of `sources/` and `presets/`, so that each is built in by being there.

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?);
    let out = PathBuf::from(env::var("OUT_DIR")?);
    println!("cargo::rerun-if-changed=build.rs");
    for name in ["sources", "presets"] {
        let folder = root.join(name);
        // The folder's time changes with its list of files; their contents are watched by `include_str`.
        println!("cargo::rerun-if-changed={}", folder.display());
        fs::write(out.join(format!("{name}.rs")), list(&folder)?)?;
    }
    Ok(())
}

/// A Rust expression: each file's name and text, by name.
fn list(folder: &Path) -> Result<String, Box<dyn Error>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "yml") {
            let name = path.file_stem().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| format!("`{}` is no UTF-8", path.display()))?;
            files.push((name.to_owned(), path.display().to_string()));
        }
    }
    files.sort();
    let mut list = String::from("&[\n");
    for (name, path) in files {
        writeln!(list, "    ({name:?}, include_str!({path:?})),")?;
    }
    list.push(']');
    Ok(list)
}
