//! The one key of an entry that may be set later: where its bytes lie in the mirror.

use super::layout::Layout;
use super::lines::line_end;
use super::piece::{self, Piece};
use super::scalar::{self, Place, Quote};
use super::tree::{self, Content};
use super::{Datum, Refusal, Target, check};

const KEY: &str = "mirror_url";

/// Sets `mirror_url` of version number `index` of an image; a new one goes behind `url`, in its layout.
///
/// The data of the result is the data of `text` with exactly this change, or there is no result.
pub fn set_mirror(text: &str, image: &str, index: usize, url: &str) -> Result<String, Refusal> {
    let root = tree::parse(text)?;
    let mut expected = check::read(text)?;
    let target = Target::find(&root, image)?;
    let entry = target
        .versions
        .items()
        .and_then(|items| items.get(index))
        .filter(|entry| entry.pairs().is_some())
        .ok_or_else(|| {
            target
                .versions
                .refuse("this version is not written out here; write its `mirror_url` by hand")
        })?;
    let is_flow = entry.is_flow(text);
    let pieces = if let Some((key, old)) = entry.pair(KEY) {
        let quote = match &old.content {
            Content::Scalar { .. } if text[old.start..].starts_with('"') => Quote::Double,
            Content::Scalar { .. } if text[old.start..].starts_with('\'') => Quote::Single,
            Content::Scalar { .. } if !text[old.start..old.end].contains('\n') => Quote::Plain,
            _ => return Err(old.refuse("this value is not on one line; write it by hand")),
        };
        if old.anchor.is_some() || key.anchor.is_some() {
            return Err(old.refuse("this value has an anchor; write it by hand"));
        }
        let place = if is_flow { Place::Flow } else { Place::Block };
        let new = scalar::write(url, quote, Quote::Single, place);
        let gap = if old.start == old.end { " " } else { "" };
        vec![
            Piece::Cut(old.start..old.end),
            Piece::Insert {
                at: old.start,
                text: format!("{gap}{new}"),
                lines: false,
            },
        ]
    } else {
        let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let (key, value) = entry
            .pair("url")
            .ok_or_else(|| entry.refuse("this version has no `url` beside which to write"))?;
        let layout = Layout::of(text, entry, newline);
        let column = key.column - 1;
        let piece = if is_flow {
            let pair = layout.pair(KEY, Datum::Text(url), 0, Place::Flow);
            Piece::Insert {
                at: value.end,
                text: format!(", {pair}"),
                lines: false,
            }
        } else {
            let pair = layout.pair(KEY, Datum::Text(url), column, Place::Block);
            Piece::Insert {
                at: line_end(text, value.end),
                text: format!("{}{pair}{newline}", " ".repeat(column)),
                lines: true,
            }
        };
        vec![piece]
    };
    let edited = piece::apply(text, pieces);
    let version = expected
        .get_mut("images")
        .and_then(|images| images.get_mut(target.index))
        .and_then(|image| image.get_mut("versions"))
        .and_then(|versions| versions.get_mut(index))
        .and_then(serde_json::Value::as_object_mut);
    if let Some(version) = version {
        version.insert(KEY.to_owned(), url.into());
    }
    if check::read(&edited).ok().as_ref() != Some(&expected) {
        return Err(entry.refuse(
            "the edited file would say more or less than this change; write `mirror_url` by hand",
        ));
    }
    Ok(edited)
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://mirror.example/sha256/00/a.img";

    fn edited(text: &str) -> String {
        let edited = set_mirror(text, "A", 0, URL).unwrap();
        assert_eq!(set_mirror(&edited, "A", 0, URL).unwrap(), edited, "twice");
        edited
    }

    #[test]
    fn a_new_one_goes_behind_the_url_in_its_layout() {
        insta::assert_snapshot!(edited("images:\n- name: A\n  versions:\n  - version: '1'\n    url: \"https://a.example/a.img\"  # here\n    checksum: x\n"), @r#"
        images:
        - name: A
          versions:
          - version: '1'
            url: "https://a.example/a.img"  # here
            mirror_url: "https://mirror.example/sha256/00/a.img"
            checksum: x
        "#);
        insta::assert_snapshot!(edited("images:\n- name: A\n  versions:\n    -   url: https://a.example/a.img"), @r"
        images:
        - name: A
          versions:
            -   url: https://a.example/a.img
                mirror_url: https://mirror.example/sha256/00/a.img
        ");
        insta::assert_snapshot!(edited("images:\n- {name: A, versions: [{version: '1', url: 'https://a.example/a.img'}]}\n"), @"
        images:
        - {name: A, versions: [{version: '1', url: 'https://a.example/a.img', mirror_url: 'https://mirror.example/sha256/00/a.img'}]}
        ");
    }

    #[test]
    fn an_old_one_is_set_in_its_quotes() {
        for (old, new) in [
            (
                "mirror_url: \"https://b.example/a\"\n",
                format!("mirror_url: \"{URL}\"\n"),
            ),
            ("mirror_url:\n", format!("mirror_url: {URL}\n")),
            (
                "mirror_url: https://b.example/a # why\n",
                format!("mirror_url: {URL} # why\n"),
            ),
        ] {
            let text = |line: &str| {
                format!(
                    "images:\n- name: A\n  versions:\n  - {line}    url: https://a.example/a.img\n"
                )
            };
            assert_eq!(edited(&text(old)), text(&new));
        }
    }

    #[test]
    fn line_breaks_of_another_system_stay() {
        let text = "images:\r\n- name: A\r\n  versions:\r\n  - url: https://a.example/a.img\r\n";
        assert_eq!(edited(text), format!("{text}    mirror_url: {URL}\r\n"));
    }

    #[test]
    fn what_would_change_another_version_too_is_refused() {
        let text = "images:\n- name: A\n  versions:\n  - &one\n    url: https://a.example/a.img\n- name: B\n  versions: [*one]\n";
        assert!(set_mirror(text, "A", 0, URL).is_err());
        assert!(set_mirror(text, "B", 0, URL).is_err());
    }
}
