//! `mirror_url` for objects that are there and that readers reach: written into the definitions, and nothing else of them.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::Run;
use super::report::Image;
use crate::commands::update::save;
use crate::definitions::File;
use crate::domain::edit;

/// Edits the files. What cannot be edited safely is a finding.
pub async fn name(run: Run<'_>, files: &[File], images: &mut [Image<'_>]) -> anyhow::Result<()> {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for image in images.iter_mut().filter(|image| image.is_to_name()) {
        let Some(url) = image.url.clone() else {
            continue;
        };
        if !image.is_there || image.error.is_some() || !image.probe(run).await {
            image.is_named = false;
            continue;
        }
        let definition = image.wish.definition;
        let Some(file) = files.iter().find(|file| file.name == definition.file) else {
            continue;
        };
        let text = texts.entry(&file.name).or_insert_with(|| file.text.clone());
        match edit::set_mirror(text, &definition.name, image.wish.index, &url) {
            Ok(edited) => *text = edited,
            Err(refusal) => {
                image.is_named = false;
                let message = format!("`{}` cannot be edited safely: {refusal}", definition.file);
                image.note("mirror-edit", message);
            }
        }
    }
    for file in files {
        let Some(text) = texts.get(file.name.as_str()) else {
            continue;
        };
        if *text != file.text {
            save(&file.path, text).with_context(|| {
                format!(
                    "could not write `{}`; expected a file that may be replaced",
                    file.name
                )
            })?;
        }
    }
    Ok(())
}
