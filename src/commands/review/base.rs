//! The definitions of a pull request's base, as the forge has them.

use std::path::{Path, PathBuf};

use anyhow::bail;

use super::Review;
use crate::domain::definition::{self, Definition};
use crate::domain::finding::Finding;
use crate::domain::forge::TreeFile;
use crate::domain::review::difference::{self, Difference};
use crate::files::in_commit;
use crate::settings::Settings;

/// What the pull request does to the definitions, or why that cannot be told.
///
/// # Errors
/// The forge does not tell what the base is.
pub async fn difference(
    settings: &Settings,
    review: &Review,
    head: &[Definition],
) -> anyhow::Result<Result<Difference, Finding>> {
    let repository = &review.repository;
    let base = if let Some(base) = &review.event.base {
        base.clone()
    } else {
        let pull = repository.pull_request(review.event.number).await?;
        match repository.commit_of(&pull.base).await? {
            Some(base) => base,
            None => bail!("the base `{}` of #{} is gone", pull.base, pull.number),
        }
    };
    let Some(images) = place(&settings.images) else {
        bail!(
            "`{}` lies outside the repository, so its definitions cannot be held against those of the base; expected a path \
             from the root",
            settings.images.display()
        );
    };
    let tree = repository.files(&base).await?;
    let files: Vec<&TreeFile> = tree.iter().filter(|file| is_of(file, &images)).collect();
    let blobs: Vec<String> = files.iter().map(|file| file.blob.clone()).collect();
    let texts = repository.texts(&blobs).await?;
    let mut before = Vec::new();
    for file in files {
        let text = texts
            .get(&file.blob)
            .map(String::as_str)
            .unwrap_or_default();
        let Ok(found) = definition::parse(&file.path, text) else {
            let message = format!(
                "the base has definitions in `{}` that cannot be read, so what this change does to them is not told",
                file.path
            );
            return Ok(Err(Finding::note("base-unreadable", message)));
        };
        before.extend(found);
    }
    Ok(Ok(difference::difference(&before, head)))
}

/// A path of this machine as the repository has it.
fn place(images: &Path) -> Option<PathBuf> {
    let workspace = std::env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let inside = workspace
        .as_deref()
        .and_then(|workspace| images.strip_prefix(workspace).ok());
    in_commit(inside.unwrap_or(images))
}

/// Whether a file holds definitions: it is the one, or straight in the folder.
fn is_of(file: &TreeFile, images: &Path) -> bool {
    let path = Path::new(&file.path);
    let is_yaml = path
        .extension()
        .is_some_and(|extension| extension == "yml" || extension == "yaml");
    // A link's content is a path.
    let is_plain = file.mode.starts_with("100");
    is_plain && (path == images || (is_yaml && path.parent() == Some(images)))
}
