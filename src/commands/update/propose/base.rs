//! The user's files as the base branch has them: settings, definitions, sources and keys at one commit.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use chrono::NaiveDate;

use crate::cli::Shared;
use crate::domain::forge::TreeFile;
use crate::files::{Files, in_commit};
use crate::github::Repository;
use crate::settings::{self, Settings};

/// The mode of a link in git: its content is a path.
const LINK: &str = "120000";

/// The branch that pull requests go to, at the commit that was read.
pub struct Base {
    /// The branch's name.
    pub name: String,
    /// The commit.
    pub head: String,
    /// What the files there say, with the flags over it.
    pub settings: Settings,
}

/// Reads everything at the head of the base branch. Which branch that is, the settings of the default branch say.
pub async fn read(
    repository: &Repository,
    flags: &Shared,
    today: NaiveDate,
) -> anyhow::Result<Base> {
    let about = repository.about().await?;
    if about.archived {
        bail!(
            "the repository `{}` is archived; expected one that takes pull requests",
            about.full_name
        );
    }
    let (head, settings) = at(repository, flags, today, &about.default_branch).await?;
    let wanted = settings.pull_requests.base.clone();
    let (name, head, settings) = match wanted.filter(|name| *name != about.default_branch) {
        Some(name) => {
            let (head, settings) = at(repository, flags, today, &name).await?;
            (name, head, settings)
        }
        None => (about.default_branch.clone(), head, settings),
    };
    Ok(Base {
        name,
        head,
        settings,
    })
}

/// The head of a branch, and the settings there.
async fn at(
    repository: &Repository,
    flags: &Shared,
    today: NaiveDate,
    branch: &str,
) -> anyhow::Result<(String, Settings)> {
    let Some(head) = repository.commit_of(branch).await? else {
        bail!(
            "there is no branch `{branch}` to propose to; set `pull_requests.base` in {} to one that is there",
            settings::FILE
        );
    };
    // A commit names its tree.
    let tree = repository.files(&head).await?;
    let config = flags
        .config
        .clone()
        .unwrap_or_else(|| PathBuf::from(settings::FILE));
    let root = config.parent().unwrap_or(Path::new("")).to_path_buf();
    let images = flags.images.clone().unwrap_or_else(|| root.join("images"));
    let files = fetched(
        repository,
        &tree,
        &wanted_paths(flags, &config, &root, &images),
    )
    .await?;
    let settings = Settings::load(flags, &files, today)?;
    if in_commit(&settings.images) == in_commit(&images) {
        return Ok((head, settings));
    }
    let paths = wanted_paths(flags, &config, &root, &settings.images);
    let files = fetched(repository, &tree, &paths).await?;
    Ok((head, Settings::load(flags, &files, today)?))
}

/// The files and folders that a run reads.
fn wanted_paths(flags: &Shared, config: &Path, root: &Path, images: &Path) -> Vec<PathBuf> {
    let sources = flags
        .sources
        .clone()
        .unwrap_or_else(|| root.join("sources"));
    let paths = [
        config.to_path_buf(),
        images.to_path_buf(),
        sources,
        root.join("keys"),
    ];
    paths.iter().filter_map(|path| in_commit(path)).collect()
}

/// The wanted files of a tree: those named, and the texts straight in the named folders.
async fn fetched(
    repository: &Repository,
    tree: &[TreeFile],
    wanted: &[PathBuf],
) -> anyhow::Result<Files> {
    let is_wanted = |file: &&TreeFile| {
        let path = Path::new(&file.path);
        let is_text = path
            .extension()
            .is_some_and(|kind| kind == "yml" || kind == "yaml" || kind == "asc");
        wanted
            .iter()
            .any(|wanted| path == wanted || (is_text && path.parent() == Some(wanted.as_path())))
    };
    let files: Vec<&TreeFile> = tree.iter().filter(is_wanted).collect();
    if let Some(link) = files.iter().find(|file| file.mode == LINK) {
        bail!(
            "`{}` is a link in the repository; expected a file, since links are not followed there",
            link.path
        );
    }
    let blobs: Vec<String> = files.iter().map(|file| file.blob.clone()).collect();
    let texts = repository
        .texts(&blobs)
        .await
        .context("could not read the definitions")?;
    let found = files.into_iter().filter_map(|file| {
        let text = texts.get(&file.blob)?;
        Some((file.path.clone(), text.clone().into_bytes()))
    });
    Ok(Files::of_commit(found))
}
