//! A new image at the end of a definition file.

use super::{Refusal, check, lines, tree};

/// The indent of the dash in the lines that [`append`] takes.
const INDENT: usize = 2;

/// Adds an image at the end of the file's list `images` and leaves every byte before it as it was.
///
/// `entry` is its lines, the dash indented by two. Indent, line breaks and the gap to the image before follow the file.
/// The data of the result is the data of `text` with this image, or there is no result.
pub fn append(text: &str, entry: &str) -> Result<String, Refusal> {
    let root = tree::parse(text)?;
    let old = check::read(text)?;
    let elsewhere = "write the new definition to another file";
    let Some((key, images)) = root.pair("images") else {
        return Err(root.refuse(format!(
            "a definition file is a mapping with a list `images`, but this has none; {elsewhere}"
        )));
    };
    let items = images.items().unwrap_or_default();
    if items.is_empty() || images.is_flow(text) {
        return Err(images.refuse(format!(
            "`images` is no list with a dash for each image, so none can be added below the last; {elsewhere}"
        )));
    }
    let is_last = root
        .pairs()
        .and_then(<[_]>::last)
        .is_some_and(|(last, _)| last.start == key.start);
    if !is_last {
        return Err(images.refuse(format!(
            "`images` is not the last key of the file, so nothing can be added at its end; {elsewhere}"
        )));
    }
    let listed = lines::entries(text, items, key.end)?;
    let indent = listed.first().map_or(INDENT, |lines| lines.dash_column);
    let has_gaps = listed.len() == 1
        || listed.last().is_some_and(|last| {
            text[..last.start]
                .trim_end_matches([' ', '\r'])
                .ends_with("\n\n")
                || text[..last.start].ends_with("\r\n\r\n")
        });
    let newline = lines::newline(text);

    let mut edited = text.to_owned();
    if !edited.ends_with('\n') {
        edited.push_str(newline);
    }
    if has_gaps {
        edited.push_str(newline);
    }
    for line in entry.lines() {
        let line = line.strip_prefix("  ").unwrap_or(line);
        if !line.is_empty() {
            edited.push_str(&" ".repeat(indent));
        }
        edited.push_str(line);
        edited.push_str(newline);
    }

    let mut expected = old;
    let new = check::read(&format!("images:\n{entry}"))?;
    let image = new.get("images").and_then(|images| images.get(0)).cloned();
    if let (Some(list), Some(image)) = (
        expected
            .get_mut("images")
            .and_then(|list| list.as_array_mut()),
        image,
    ) {
        list.push(image);
    }
    if check::read(&edited).ok().as_ref() != Some(&expected) {
        return Err(images.refuse(format!(
            "with the new definition at its end the file would say something else; {elsewhere}"
        )));
    }
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: &str = "  - name: B\n    versions: []\n";

    fn appended(text: &str) -> String {
        let edited = append(text, ENTRY).unwrap();
        assert!(edited.starts_with(text), "{edited}");
        edited[text.len()..].to_owned()
    }

    #[test]
    fn the_new_image_follows_the_habits_of_the_file() {
        for (text, expected) in [
            (
                "images:\n  - name: A\n    versions: []\n",
                "\n  - name: B\n    versions: []\n",
            ),
            (
                "images:\n- name: A\n- name: C\n",
                "- name: B\n  versions: []\n",
            ),
            (
                "images:\n- name: A\n\n# the third\n- name: C\n",
                "\n- name: B\n  versions: []\n",
            ),
            (
                "---\nimages:\n    - name: A\n# end",
                "\n\n    - name: B\n      versions: []\n",
            ),
            (
                "images:\r\n  - name: A\r\n\r\n  - name: C\r\n",
                "\r\n  - name: B\r\n    versions: []\r\n",
            ),
        ] {
            assert_eq!(appended(text), expected, "{text}");
        }
    }

    #[test]
    fn a_file_to_whose_end_nothing_can_be_added_is_refused() {
        for text in [
            "",
            "name: A\n",
            "images:\n",
            "images: []\n",
            "images: [{name: A}]\n",
            "images:\n  - name: A\nother: 1\n",
            "images:\n  - name: A\n---\nimages:\n  - name: C\n",
            "images:\n  - name: A\n...\n",
            "images:\n  - name: |+\n      A\n",
        ] {
            let refusal = append(text, ENTRY).expect_err(text);
            assert!(refusal.line > 0, "{refusal}");
        }
    }
}
