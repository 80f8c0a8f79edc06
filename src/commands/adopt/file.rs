//! The file to whose end drafted definitions go.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::super::new;
use crate::domain::adopt::{Draft, HEADER};
use crate::domain::edit;

/// The file, and what stands in it so far.
pub struct File {
    path: PathBuf,
    text: Option<String>,
}

impl File {
    /// The path: beside all definitions, or the one file that they are in.
    pub fn beside(images: &Path) -> PathBuf {
        let is_a_file = images.is_file()
            || images
                .extension()
                .is_some_and(|extension| extension == "yml" || extension == "yaml");
        if is_a_file {
            images.to_path_buf()
        } else {
            images.join("adopted.yml")
        }
    }

    /// A file with its text; without any if it is not there yet.
    pub fn new(path: PathBuf, text: Option<String>) -> Self {
        Self { path, text }
    }

    /// How findings and reports name it.
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Refuses, before anything is changed, a file to whose end nothing can be added.
    pub fn refuse_unfit(&self, drafts: &[Draft]) -> anyhow::Result<()> {
        match drafts.first() {
            Some(draft) => self.with(&draft.entry).map(drop),
            None => Ok(()),
        }
    }

    /// Adds one definition; every byte before it stays. Gives the word for what was done.
    pub fn append(&mut self, entry: &str) -> anyhow::Result<&'static str> {
        let text = self.with(entry)?;
        new::write(&self.path, &text)?;
        let outcome = if self.text.is_some() {
            "appended"
        } else {
            "created"
        };
        self.text = Some(text);
        Ok(outcome)
    }

    fn with(&self, entry: &str) -> anyhow::Result<String> {
        match &self.text {
            None => Ok(format!("{HEADER}{entry}")),
            Some(text) => edit::append(text, entry)
                .with_context(|| format!("could not add a definition to `{}`", self.name())),
        }
    }
}
