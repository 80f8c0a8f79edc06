//! The first entry of a list that is empty.

use super::layout::Layout;
use super::lines;
use super::piece::Piece;
use super::tree::Node;
use super::{NewEntry, Refusal, Target};

/// Puts the first entry into `versions: []`, `versions: null` or `versions:`.
pub(super) fn fill(
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
