//! The one key of an entry that may be set later: where its bytes lie in the mirror.

use granit_parser::ScalarStyle;

use super::layout::Layout;
use super::lines::{line_end, newline};
use super::piece::{self, Piece};
use super::scalar::{self, Place, Quote};
use super::tree::{self, Content, Node};
use super::{Datum, Refusal, Target, check};

const KEY: &str = "mirror_url";

/// Lets `mirror_url` of version number `index` of an image name `url`. A new one goes behind `url`, in the entry's layout; places that it
/// names already stay, and the new one is the last of them.
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
    let (mut all, pieces) = match entry.pair(KEY) {
        Some((key, old)) => {
            if old.anchor.is_some() || key.anchor.is_some() {
                return Err(old.refuse("this value has an anchor; write it by hand"));
            }
            let known = places(old)?;
            if known.contains(&url) {
                return Ok(text.to_owned());
            }
            let pieces = match &old.content {
                Content::Sequence(items) if !items.is_empty() && !old.is_flow(text) => {
                    vec![line(text, items, url)?]
                }
                Content::Sequence(items) => vec![item(old, items, url)],
                _ => value(text, old, &known, url, place(text, entry))?,
            };
            (known, pieces)
        }
        None => (Vec::new(), vec![pair(text, entry, url)?]),
    };
    all.push(url);
    let edited = piece::apply(text, pieces);
    let version = expected
        .get_mut("images")
        .and_then(|images| images.get_mut(target.index))
        .and_then(|image| image.get_mut("versions"))
        .and_then(|versions| versions.get_mut(index))
        .and_then(serde_json::Value::as_object_mut);
    if let Some(version) = version {
        let was_list = version.get(KEY).is_some_and(serde_json::Value::is_array);
        let value = match all[..] {
            [one] if !was_list => one.into(),
            _ => all.into(),
        };
        version.insert(KEY.to_owned(), value);
    }
    if check::read(&edited).ok().as_ref() != Some(&expected) {
        return Err(entry.refuse(
            "the edited file would say more or less than this change; write `mirror_url` by hand",
        ));
    }
    Ok(edited)
}

/// The places that the value names.
fn places(old: &Node) -> Result<Vec<&str>, Refusal> {
    if old.is_null() {
        return Ok(Vec::new());
    }
    let nodes = match &old.content {
        Content::Sequence(items) => items.iter().collect(),
        _ => vec![old],
    };
    let places: Option<Vec<&str>> = nodes.into_iter().map(Node::scalar).collect();
    places.ok_or_else(|| old.refuse("this value is not written out here; write it by hand"))
}

fn place(text: &str, entry: &Node) -> Place {
    if entry.is_flow(text) {
        Place::Flow
    } else {
        Place::Block
    }
}

fn quote(node: &Node) -> Quote {
    match node.content {
        Content::Scalar {
            style: ScalarStyle::DoubleQuoted,
            ..
        } => Quote::Double,
        Content::Scalar {
            style: ScalarStyle::SingleQuoted,
            ..
        } => Quote::Single,
        _ => Quote::Plain,
    }
}

/// One value in place of none, or a list in place of one value, in its quotes.
fn value(
    text: &str,
    old: &Node,
    known: &[&str],
    url: &str,
    place: Place,
) -> Result<Vec<Piece>, Refusal> {
    if text[old.start..old.end].contains('\n') {
        return Err(old.refuse("this value is not on one line; write it by hand"));
    }
    let write = |text: &str, place| scalar::write(text, quote(old), Quote::Single, place);
    let new = if known.is_empty() {
        write(url, place)
    } else {
        let all = known.iter().chain([&url]);
        let all: Vec<String> = all.map(|one| write(one, Place::Flow)).collect();
        format!("[{}]", all.join(", "))
    };
    let gap = if old.start == old.end { " " } else { "" };
    Ok(vec![
        Piece::Cut(old.start..old.end),
        Piece::Insert {
            at: old.start,
            text: format!("{gap}{new}"),
            lines: false,
        },
    ])
}

/// One more item between brackets, in the quotes of the last one.
fn item(list: &Node, items: &[Node], url: &str) -> Piece {
    let write = |quote| scalar::write(url, quote, Quote::Single, Place::Flow);
    let (at, text) = match items.last() {
        Some(before) => (before.end, format!(", {}", write(quote(before)))),
        None => (list.start + 1, write(Quote::Plain)),
    };
    Piece::Insert {
        at,
        text,
        lines: false,
    }
}

/// One more line with a dash, as the last one has it.
fn line(text: &str, items: &[Node], url: &str) -> Result<Piece, Refusal> {
    let last = &items[items.len() - 1];
    let begin = text[..last.start].rfind('\n').map_or(0, |end| end + 1);
    let dash = &text[begin..last.start];
    if dash.trim() != "-" {
        return Err(last.refuse("this item does not stand on a line of its own; write it by hand"));
    }
    let url = scalar::write(url, quote(last), Quote::Single, Place::Block);
    let at = line_end(text, last.end);
    Ok(Piece::Insert {
        at,
        text: format!("{dash}{url}{}", newline(text)),
        lines: true,
    })
}

/// The pair behind `url`.
fn pair(text: &str, entry: &Node, url: &str) -> Result<Piece, Refusal> {
    let (key, value) = entry
        .pair("url")
        .ok_or_else(|| entry.refuse("this version has no `url` beside which to write"))?;
    let newline = newline(text);
    let layout = Layout::of(text, entry, newline);
    let column = key.column - 1;
    let datum = Datum::Text(url);
    Ok(match place(text, entry) {
        Place::Flow => Piece::Insert {
            at: value.end,
            text: format!(", {}", layout.pair(KEY, datum, 0, Place::Flow)),
            lines: false,
        },
        Place::Block => {
            let pair = layout.pair(KEY, datum, column, Place::Block);
            Piece::Insert {
                at: line_end(text, value.end),
                text: format!("{}{pair}{newline}", " ".repeat(column)),
                lines: true,
            }
        }
    })
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

    /// The text of a version before and after.
    fn changes(old: &str, new: &str) {
        let text = |line: &str| {
            format!("images:\n- name: A\n  versions:\n  - {line}    url: https://a.example/a.img\n")
        };
        assert_eq!(edited(&text(old)), text(new));
    }

    #[test]
    fn places_that_are_named_stay_and_ours_is_behind_them() {
        changes("mirror_url:\n", &format!("mirror_url: {URL}\n"));
        for (old, new) in [
            (
                "mirror_url: \"https://b.example/a\"\n",
                format!("mirror_url: [\"https://b.example/a\", \"{URL}\"]\n"),
            ),
            (
                "mirror_url: https://b.example/a,b # why\n",
                format!("mirror_url: ['https://b.example/a,b', {URL}] # why\n"),
            ),
            (
                "mirror_url: ['https://b.example/a', https://c.example]\n",
                format!("mirror_url: ['https://b.example/a', https://c.example, {URL}]\n"),
            ),
            ("mirror_url: []\n", format!("mirror_url: [{URL}]\n")),
            (
                "mirror_url:\n    - https://b.example/a # why\n    - 'https://c.example'\n",
                format!(
                    "mirror_url:\n    - https://b.example/a # why\n    - 'https://c.example'\n    - '{URL}'\n"
                ),
            ),
            (
                "mirror_url:\n      -   https://b.example/a\n",
                format!("mirror_url:\n      -   https://b.example/a\n      -   {URL}\n"),
            ),
        ] {
            changes(old, &new);
        }
    }

    #[test]
    fn what_is_named_already_stays_as_it_is() {
        for line in [
            format!("mirror_url: {URL}\n"),
            format!("mirror_url: [ '{URL}', https://b.example ]\n"),
            format!("mirror_url:\n    - https://b.example/a\n    - {URL}\n"),
        ] {
            changes(&line, &line);
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
        let text = "images:\n- name: A\n  versions:\n  - &one\n    url: &u https://a.example/a.img\n    mirror_url: [*u]\n";
        assert!(set_mirror(text, "A", 0, URL).is_err());
    }
}
