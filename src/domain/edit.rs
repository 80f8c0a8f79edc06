//! Edits a definition file: a new version beside its siblings, old ones taken out.
//!
//! Every byte outside the change stays as it was. A new entry follows the layout of its neighbour:
//! order of keys, quotes, folding, indent. After the edit the whole file is read again, and unless
//! its data is the old data with exactly this change, the edit is refused. Which version is new, where
//! it goes and which ones are pruned is decided elsewhere ([`position`], [`pruned`]).
//!
//! **What of the neighbour goes into a new entry.** `visibility`, `hidden` and a `source` that is no URL
//! (`private`) limit who sees what, and a new version is not shown more widely than the one before.
//! `os_version`, `meta` and `image_description` come along if all versions of the image agree on them and
//! they do not mention the neighbour's version. Nothing else does: an `id`, a `mirror_url`, a
//! `checksum_url` and comments belong to one build.
//!
//! **Comments and blank lines.** Comments straight above an entry in the column of its dash are that
//! entry's and are pruned with it; those set apart by a blank line or another indent stay. Blank lines
//! between entries are kept up: one more gap with a new entry, one less with a pruned one.
//!
//! **What is refused**, with line and reason: an image that is not there or is there twice, several
//! documents, duplicate keys, an anchor of a pruned entry that is used elsewhere, a neighbour with an
//! anchor or a merge key, comments between the brackets of a flow list, a list left empty.

mod check;
mod layout;
mod lines;
mod order;
mod scalar;
mod tree;

use std::ops::Range;

use serde_json::{Map, Value};

use layout::Layout;
use lines::Lines;
use tree::{Content, Node};

pub use order::{Position, position, pruned};

/// What a new version entry says, in the order in which a new file would write it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The version, in the form that its siblings have.
    pub version: String,
    /// Where the image is.
    pub url: String,
    /// `ALGORITHM:DIGEST`.
    pub checksum: String,
    /// When it was built, as `YYYY-MM-DD`.
    pub build_date: Option<String>,
    /// The checksum manifest that holds the digest.
    pub manifest: Option<String>,
    /// The full fingerprint of the primary key that signed the manifest.
    pub signed_by: Option<String>,
}

impl NewEntry {
    fn pairs(&self) -> Vec<(&'static str, &str)> {
        let always = [
            ("version", &self.version),
            ("url", &self.url),
            ("checksum", &self.checksum),
        ];
        let sometimes = [
            ("build_date", &self.build_date),
            ("manifest", &self.manifest),
            ("signed_by", &self.signed_by),
        ];
        let sometimes = sometimes
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.as_ref()?)));
        always
            .into_iter()
            .chain(sometimes)
            .map(|(key, value)| (key, value.as_str()))
            .collect()
    }
}

/// One change of one image's list of versions.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// The `name` of the image, exactly as in the file.
    pub image: &'a str,
    /// The version to add.
    pub add: Option<&'a NewEntry>,
    /// The indexes in the file's list of the versions to take out.
    pub remove: &'a [usize],
    /// The end of the list at which the new version goes.
    pub position: Position,
}

/// A file that cannot be edited safely, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {reason}")]
pub struct Refusal {
    /// The line, counted from 1.
    pub line: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// What stands there, and what to do about it.
    pub reason: String,
}

/// Applies `change` to the text of a definition file and leaves every other byte as it was.
///
/// The data of the result is the data of `text` with exactly this change, or there is no result.
pub fn edit(text: &str, change: &Change) -> Result<String, Refusal> {
    let root = tree::parse(text)?;
    let old = check::read(text)?;
    let target = Target::find(&root, change.image)?;
    let Some(splices) = splices(text, &root, &old, &target, change)? else {
        return Ok(text.to_owned());
    };
    let edited = apply(text, splices.pieces);

    let expected = check::expected(&old, target.index, change, &splices.carried);
    let new = check::read(&edited).map_err(|error| {
        target.versions.refuse(format!(
            "the edited list would not be readable ({}); edit it by hand",
            error.reason
        ))
    })?;
    if expected.as_ref() != Some(&new) {
        return Err(target.versions.refuse(
            "the edited file would say more or less than this change; edit the list by hand",
        ));
    }
    Ok(edited)
}

/// The list of versions that is to change.
struct Target<'a> {
    index: usize,
    image: &'a Node,
    key: &'a Node,
    versions: &'a Node,
}

impl<'a> Target<'a> {
    fn find(root: &'a Node, name: &str) -> Result<Self, Refusal> {
        let images = root
            .pair("images")
            .and_then(|(_, images)| images.items())
            .ok_or_else(|| {
                root.refuse(
                    "a definition file is a mapping with a list `images`, but this has none",
                )
            })?;
        let is_named = |image: &Node| {
            image
                .pair("name")
                .is_some_and(|(_, value)| value.scalar() == Some(name))
        };
        let mut found = images
            .iter()
            .enumerate()
            .filter(|(_, image)| is_named(image));
        let Some((index, image)) = found.next() else {
            return Err(root.refuse(format!("no image in this file has the name `{name}`")));
        };
        if let Some((_, second)) = found.next() {
            return Err(second.refuse(format!(
                "a second image has the name `{name}` of the one in line {}; names are unique",
                image.line
            )));
        }
        let (key, versions) = image.pair("versions").ok_or_else(|| {
            image.refuse(format!(
                "the image `{name}` has no key `versions`; write `versions: []`"
            ))
        })?;
        Ok(Self {
            index,
            image,
            key,
            versions,
        })
    }
}

/// What is cut out of the text and what is put in, and where.
#[derive(Debug)]
enum Piece {
    Cut(Range<usize>),
    /// Text that goes in at a place; where it consists of lines it begins on a new one.
    Insert {
        at: usize,
        text: String,
        lines: bool,
    },
}

impl Piece {
    fn at(&self) -> usize {
        match self {
            Piece::Cut(range) => range.start,
            Piece::Insert { at, .. } => *at,
        }
    }
}

struct Splices {
    pieces: Vec<Piece>,
    carried: Map<String, Value>,
}

fn splices(
    text: &str,
    root: &Node,
    old: &Value,
    target: &Target,
    change: &Change,
) -> Result<Option<Splices>, Refusal> {
    let none: &[Node] = &[];
    let items = if target.versions.is_null() {
        none
    } else {
        target.versions.items().ok_or_else(|| {
            target
                .versions
                .refuse("`versions` is not a list of its own, so it cannot be edited")
        })?
    };
    if let Some(index) = change.remove.iter().find(|index| **index >= items.len()) {
        return Err(target.versions.refuse(format!(
            "the version number {} is to be removed, but the list has {}",
            index + 1,
            items.len()
        )));
    }
    let removed = |index: usize| change.remove.contains(&index);
    if change.add.is_none() {
        if change.remove.is_empty() {
            return Ok(None);
        }
        if (0..items.len()).all(removed) {
            return Err(target
                .versions
                .refuse("without a new version the list would be left empty"));
        }
    }
    refuse_anchors_in_use(root, items, change.remove)?;

    let newline = if text[..lines::line_end(text, target.key.end)].ends_with("\r\n") {
        "\r\n"
    } else {
        "\n"
    };
    if items.is_empty() {
        let Some(entry) = change.add else {
            return Ok(None);
        };
        let pieces = fill(text, root, target, entry, newline)?;
        return Ok(Some(Splices {
            pieces,
            carried: Map::new(),
        }));
    }
    let neighbour = match change.position {
        Position::First => 0,
        Position::Last => items.len() - 1,
    };
    let mut carried = Map::new();
    if change.add.is_some() {
        refuse_as_neighbour(&items[neighbour])?;
        carried = carried_over(old, target.index, neighbour);
    }
    let pieces = if target.versions.is_flow(text) {
        flow_list(text, items, change, neighbour, &carried, newline)?
    } else {
        block_list(text, items, target, change, neighbour, &carried, newline)?
    };
    Ok(Some(Splices { pieces, carried }))
}

fn block_list(
    text: &str,
    items: &[Node],
    target: &Target,
    change: &Change,
    neighbour: usize,
    carried: &Map<String, Value>,
    newline: &'static str,
) -> Result<Vec<Piece>, Refusal> {
    let entries = lines::entries(text, items, target.key.end)?;
    let gap = |above: usize| {
        let gap = entries[above].end..entries[above + 1].start;
        text[gap.clone()].trim().is_empty().then_some(gap)
    };
    let survives = |index: &usize| !change.remove.contains(index);
    let mut pieces = Vec::new();
    for &index in change.remove {
        let Lines { start, end, .. } = entries[index];
        let below = (index + 1..entries.len()).any(|index| survives(&index));
        let above = (0..index).any(|index| survives(&index));
        let range = match (below, above) {
            (true, _) => start..gap(index).map_or(end, |gap| gap.end),
            (false, true) => gap(index - 1).map_or(start, |gap| gap.start)..end,
            (false, false) => start..end,
        };
        pieces.push(Piece::Cut(range));
    }
    if let Some(entry) = change.add {
        let sibling = &items[neighbour];
        let keys: Vec<String> = carried.keys().cloned().collect();
        let new = Layout::of(text, sibling, newline).beside(
            text,
            sibling,
            entries[neighbour].dash_line,
            entry,
            &keys,
        )?;
        let separated = entries.len() > 1 && (0..entries.len()).any(|index| survives(&index));
        let (at, text) = match change.position {
            Position::First => {
                let gap = gap(0).filter(|_| separated).map_or("", |gap| &text[gap]);
                (entries[0].start, new + gap)
            }
            Position::Last => {
                let gap = (entries.len() > 1).then(|| gap(neighbour - 1)).flatten();
                let gap = gap.filter(|_| separated).map_or("", |gap| &text[gap]);
                (entries[neighbour].end, gap.to_owned() + &new)
            }
        };
        pieces.push(Piece::Insert {
            at,
            text,
            lines: true,
        });
    }
    Ok(pieces)
}

fn flow_list(
    text: &str,
    items: &[Node],
    change: &Change,
    neighbour: usize,
    carried: &Map<String, Value>,
    newline: &'static str,
) -> Result<Vec<Piece>, Refusal> {
    let between = |above: usize| items[above].end..items[above + 1].start;
    for above in 0..items.len() - 1 {
        if text[between(above)]
            .chars()
            .any(|letter| !letter.is_whitespace() && letter != ',')
        {
            return Err(items[above].refuse(
                "more than a comma follows this entry of a list in brackets, so the list cannot be edited",
            ));
        }
    }
    let survives = |index: &usize| !change.remove.contains(index);
    let mut pieces = Vec::new();
    for &index in change.remove {
        let below = (index + 1..items.len()).any(|index| survives(&index));
        let above = (0..index).any(|index| survives(&index));
        pieces.push(Piece::Cut(match (below, above) {
            (true, _) => items[index].start..between(index).end,
            (false, true) => between(index - 1).start..items[index].end,
            (false, false) => items[index].start..items[index].end,
        }));
    }
    if let Some(entry) = change.add {
        let sibling = &items[neighbour];
        let keys: Vec<String> = carried.keys().cloned().collect();
        if !sibling.is_flow(text) {
            return Err(sibling
                .refuse("this entry has no brackets of its own, so it has no layout to follow"));
        }
        let new = Layout::of(text, sibling, newline).beside_in_flow(text, sibling, entry, &keys)?;
        let separator = match (0..items.len()).any(|index| survives(&index)) {
            false => "",
            true if items.len() == 1 => ", ",
            true => &text[between(neighbour.saturating_sub(1))],
        };
        let (at, text) = match change.position {
            Position::First => (sibling.start, new + separator),
            Position::Last => (sibling.end, separator.to_owned() + &new),
        };
        pieces.push(Piece::Insert {
            at,
            text,
            lines: false,
        });
    }
    Ok(pieces)
}

/// Puts the first entry into `versions: []`, `versions: null` or `versions:`.
fn fill(
    text: &str,
    root: &Node,
    target: &Target,
    entry: &NewEntry,
    newline: &'static str,
) -> Result<Vec<Piece>, Refusal> {
    let Target {
        image,
        key,
        versions,
        ..
    } = target;
    if versions.anchor.is_some() || versions.tagged {
        return Err(
            versions.refuse("the empty `versions` has an anchor or a tag; write `versions: []`")
        );
    }
    if image.is_flow(text) {
        if versions.is_null() {
            return Err(versions.refuse("`versions` in brackets is empty; write `versions: []`"));
        }
        let new = Layout::usual(newline).alone_in_flow(entry);
        return Ok(vec![
            Piece::Insert {
                at: versions.start,
                text: format!("[{new}]"),
                lines: false,
            },
            Piece::Cut(versions.start..versions.end),
        ]);
    }
    let colon = text[key.end..]
        .find(':')
        .map_or(key.end, |colon| key.end + colon + 1);
    let gap = text
        .get(colon..versions.start.max(colon))
        .unwrap_or_default();
    let key_column = key.start - lines::line_start(text, key.start);
    if !gap.trim_matches([' ', '\t']).is_empty() || text[versions.start..versions.end].contains('#')
    {
        return Err(
            versions.refuse("the empty list does not stand beside its key; write `versions: []`")
        );
    }
    let (layout, deeper) = example(text, root, target, newline);
    Ok(vec![
        Piece::Cut(colon..versions.end.max(colon)),
        Piece::Insert {
            at: lines::line_end(text, versions.end.max(colon)),
            text: layout.alone(entry, key_column + deeper),
            lines: true,
        },
    ])
}

/// The layout of the entries of the nearest image that has some, and how deep they stand below `versions`.
fn example(text: &str, root: &Node, target: &Target, newline: &'static str) -> (Layout, usize) {
    let (images_key, images) = match root.pair("images") {
        Some((key, images)) => (key, images.items().unwrap_or_default()),
        None => return (Layout::usual(newline), 2),
    };
    let mut others: Vec<(usize, &Node)> = images.iter().enumerate().collect();
    others.sort_by_key(|(index, _)| index.abs_diff(target.index));
    for (_, image) in others {
        let Some((key, versions)) = image.pair("versions") else {
            continue;
        };
        let Some(first) = versions.items().and_then(<[Node]>::first) else {
            continue;
        };
        if versions.is_flow(text)
            || image.is_flow(text)
            || first.is_flow(text)
            || first.pairs().is_none()
        {
            continue;
        }
        let Ok(entries) = lines::entries(text, std::slice::from_ref(first), key.end) else {
            continue;
        };
        let column = key.start - lines::line_start(text, key.start);
        if let Some(deeper) = entries[0].dash_column.checked_sub(column) {
            return (Layout::of(text, first, newline), deeper);
        }
    }
    let first = images.first().map(std::slice::from_ref).unwrap_or_default();
    let entries = lines::entries(text, first, images_key.end).unwrap_or_default();
    let deeper = entries
        .first()
        .and_then(|lines| lines.dash_column.checked_sub(images_key.column - 1));
    (Layout::usual(newline), deeper.unwrap_or(2))
}

/// The keys and values that a new entry takes over from number `neighbour` of the list.
fn carried_over(old: &Value, image: usize, neighbour: usize) -> Map<String, Value> {
    let versions = &old["images"][image]["versions"];
    let versions = versions.as_array().map(Vec::as_slice).unwrap_or_default();
    let mut carried = Map::new();
    let Some(sibling) = versions.get(neighbour).and_then(Value::as_object) else {
        return carried;
    };
    let version = sibling.get("version").map(scalar_text).unwrap_or_default();
    for (key, value) in sibling {
        let take = match key.as_str() {
            "visibility" | "hidden" => true,
            "source" => value.as_str().is_some_and(|source| !source.contains("://")),
            "os_version" | "meta" | "image_description" => {
                versions.iter().all(|other| other.get(key) == Some(value))
                    && !mentions(value, &version)
            }
            _ => false,
        };
        if take {
            carried.insert(key.clone(), value.clone());
        }
    }
    carried
}

/// Whether `value` is or contains the text of a version; a short one only counts as a whole.
fn mentions(value: &Value, version: &str) -> bool {
    match value {
        Value::Array(values) => values.iter().any(|value| mentions(value, version)),
        Value::Object(values) => values.values().any(|value| mentions(value, version)),
        value => {
            let text = scalar_text(value);
            text == version || (version.len() >= 4 && text.contains(version))
        }
    }
}

fn scalar_text(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn refuse_as_neighbour(sibling: &Node) -> Result<(), Refusal> {
    if sibling.anchor.is_some() || matches!(sibling.content, Content::Alias(_)) {
        return Err(sibling.refuse(
            "the neighbour of the new version is shared through a YAML anchor, which cannot be copied; \
             write it out, or add the new version by hand",
        ));
    }
    if let Some((key, _)) = sibling.pair("<<") {
        return Err(key.refuse(
            "the neighbour of the new version takes keys from elsewhere (`<<`), which cannot be copied; \
             write them out, or add the new version by hand",
        ));
    }
    Ok(())
}

/// An alias whose anchor goes away would mean nothing, or something else.
fn refuse_anchors_in_use(root: &Node, items: &[Node], remove: &[usize]) -> Result<(), Refusal> {
    let mut used = Vec::new();
    root.walk(&mut |node| {
        if let Content::Alias(target) = node.content {
            used.push((target, node.start, node.line));
        }
    });
    for &index in remove {
        for node in items[index].anchors() {
            let outside = used.iter().find(|(target, at, _)| {
                Some(*target) == node.anchor && !(items[index].start..items[index].end).contains(at)
            });
            if let Some((_, _, line)) = outside {
                return Err(node.refuse(format!(
                    "this version is to be removed, but its YAML anchor is used in line {line}; write the value out there"
                )));
            }
        }
    }
    Ok(())
}

fn apply(text: &str, mut pieces: Vec<Piece>) -> String {
    // At the same place new text goes in before old text is cut out.
    pieces.sort_by_key(|piece| (piece.at(), matches!(piece, Piece::Cut(_))));
    let mut out = String::with_capacity(text.len() + 1024);
    let mut at = 0;
    for piece in pieces {
        let next = piece.at().max(at);
        out.push_str(&text[at..next]);
        at = next;
        match piece {
            Piece::Cut(range) => at = range.end.max(at),
            Piece::Insert {
                text: new,
                lines: false,
                ..
            } => out.push_str(&new),
            Piece::Insert {
                text: new,
                lines: true,
                ..
            } => {
                if out.is_empty() || out.ends_with('\n') {
                    out.push_str(&new);
                } else {
                    // The file ends without a line break, and still does afterwards.
                    let newline = if new.ends_with("\r\n") { "\r\n" } else { "\n" };
                    out.push_str(newline);
                    out.push_str(new.trim_end_matches(['\r', '\n']));
                }
            }
        }
    }
    out.push_str(&text[at..]);
    out
}

#[cfg(test)]
mod tests;
