//! `mirror_url` for objects that are there and that readers reach: written into the definitions, and nothing else of them.

use std::collections::BTreeMap;

use super::Run;
use super::report::Image;
use crate::commands::update::save;
use crate::definitions::File;
use crate::domain::edit;

/// Edits the files. What cannot be edited safely is a finding.
pub async fn name(run: Run<'_>, files: &[File], images: &mut [Image<'_>]) {
    let mut texts: BTreeMap<&str, String> = BTreeMap::new();
    for image in images.iter_mut().filter(|image| image.is_named()) {
        let Some(url) = image.url.clone() else {
            continue;
        };
        if !image.probe(run).await {
            image.is_to_name = false;
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
                let message = format!("`{}` cannot be edited safely: {refusal}", definition.file);
                image.fail_to_name(message);
            }
        }
    }
    for file in files {
        let text = texts.get(file.name.as_str());
        let Some(text) = text.filter(|text| **text != file.text) else {
            continue;
        };
        if let Err(error) = save(&file.path, text) {
            let message = format!(
                "could not write `{}`: {error:#}; expected a file that may be replaced",
                file.name
            );
            let of_it = |image: &&mut Image| image.wish.definition.file == file.name;
            for image in images
                .iter_mut()
                .filter(of_it)
                .filter(|image| image.is_named())
            {
                image.fail_to_name(message.clone());
            }
        }
    }
}
