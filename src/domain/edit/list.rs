//! Which pieces of a list of versions go, and where the new entry comes in.

use std::ops::Range;

use serde_json::{Map, Value};

use super::carry::carried_over;
use super::fill::fill;
use super::layout::Layout;
use super::lines;
use super::piece::Piece;
use super::tree::{Content, Node};
use super::{Change, Position, Refusal, Target};

/// What changes in the text, and what the new entry takes over from its neighbour.
#[derive(Debug, Default)]
pub(super) struct Splices {
    pub(super) pieces: Vec<Piece>,
    pub(super) carried: Map<String, Value>,
}

/// Works out the change of the text.
pub(super) fn splices(
    text: &str,
    root: &Node,
    old: &Value,
    target: &Target,
    change: &Change,
) -> Result<Splices, Refusal> {
    let versions = target.versions;
    let items = match versions.items() {
        Some(items) => items,
        None if versions.is_null() => &[],
        None => {
            return Err(versions.refuse(
                "`versions` is not a list of its own, expected `versions: []` or entries",
            ));
        }
    };
    let stays = survivors(items.len(), target, change)?;
    refuse_anchors_in_use(root, items, &stays)?;

    let newline = line_break(text, target.key);
    let neighbour = match change.position {
        Position::First => items.first(),
        Position::Last => items.last(),
    };
    let (Some(entry), Some(neighbour)) = (change.add, neighbour) else {
        let pieces = match change.add {
            Some(entry) => fill(text, root, target, entry, newline)?,
            None if items.is_empty() => Vec::new(),
            None => Slots::of(text, target, items)?.cuts(&stays),
        };
        return Ok(Splices {
            pieces,
            carried: Map::new(),
        });
    };
    refuse_as_neighbour(neighbour)?;
    let slots = Slots::of(text, target, items)?;
    let carried = carried_over(old, target.index, change.position);
    let keys: Vec<&str> = carried.keys().map(String::as_str).collect();
    let layout = Layout::of(text, neighbour, newline);
    let new = match slots.dash_line(change.position) {
        Some(line) => layout.beside(text, neighbour, line, entry, &keys)?,
        None if neighbour.is_flow(text) => layout.beside_in_flow(text, neighbour, entry, &keys)?,
        None => {
            return Err(neighbour
                .refuse("this entry has no brackets of its own, so it has no layout to follow"));
        }
    };
    let mut pieces = slots.cuts(&stays);
    pieces.extend(slots.insertion(new, change.position, &stays));
    Ok(Splices { pieces, carried })
}

/// Says of each entry whether it stays.
fn survivors(count: usize, target: &Target, change: &Change) -> Result<Vec<bool>, Refusal> {
    let mut stays = vec![true; count];
    for &index in change.remove {
        let Some(entry) = stays.get_mut(index) else {
            return Err(target.versions.refuse(format!(
                "version number {} of the list is to be removed, but it has {count}",
                index + 1
            )));
        };
        *entry = false;
    }
    if change.add.is_none() && count > 0 && !stays.contains(&true) {
        return Err(target
            .versions
            .refuse("all versions are to be removed and none is added; the list would be empty"));
    }
    Ok(stays)
}

/// The line break that the file uses around `key`, or before it where that is the last line.
fn line_break(text: &str, key: &Node) -> &'static str {
    let end = text[..lines::line_end(text, key.end)].rfind('\n');
    let is_windows = end.is_some_and(|end| text[..end].ends_with('\r'));
    if is_windows { "\r\n" } else { "\n" }
}

/// Where the entries of a list stand, and what keeps them apart.
struct Slots<'a> {
    text: &'a str,
    entries: Vec<Range<usize>>,
    /// What follows each entry up to the next, if it may come and go with an entry.
    gaps: Vec<Option<Range<usize>>>,
    /// The first line of each entry of a block list.
    dash_lines: Vec<usize>,
    /// What keeps two entries apart where there is only one.
    usual_gap: &'static str,
}

impl<'a> Slots<'a> {
    fn of(text: &'a str, target: &Target, items: &[Node]) -> Result<Self, Refusal> {
        if target.versions.is_flow(text) {
            Self::flow(text, items)
        } else {
            Self::block(text, target, items)
        }
    }

    fn block(text: &'a str, target: &Target, items: &[Node]) -> Result<Self, Refusal> {
        let lines = lines::entries(text, items, target.key.end)?;
        let entries: Vec<Range<usize>> = lines.iter().map(|lines| lines.start..lines.end).collect();
        let blank = |gap: &Range<usize>| text[gap.clone()].trim().is_empty();
        let gaps = between(&entries)
            .map(|gap| Some(gap).filter(blank))
            .collect();
        let dash_lines = lines.iter().map(|lines| lines.dash_line).collect();
        Ok(Self {
            text,
            entries,
            gaps,
            dash_lines,
            usual_gap: "",
        })
    }

    fn flow(text: &'a str, items: &[Node]) -> Result<Self, Refusal> {
        let entries: Vec<Range<usize>> = items.iter().map(|item| item.start..item.end).collect();
        for (gap, item) in between(&entries).zip(items) {
            if text[gap]
                .chars()
                .any(|letter| !letter.is_whitespace() && letter != ',')
            {
                return Err(item.refuse(
                    "more than a comma follows this entry of a list in brackets, so the list cannot be edited",
                ));
            }
        }
        let gaps = between(&entries).map(Some).collect();
        Ok(Self {
            text,
            entries,
            gaps,
            dash_lines: Vec::new(),
            usual_gap: ", ",
        })
    }

    fn dash_line(&self, position: Position) -> Option<usize> {
        match position {
            Position::First => self.dash_lines.first().copied(),
            Position::Last => self.dash_lines.last().copied(),
        }
    }

    /// The entries that go, each with one gap.
    fn cuts(&self, stays: &[bool]) -> Vec<Piece> {
        let last_survivor = stays.iter().rposition(|stays| *stays);
        let mut cuts = Vec::new();
        for (index, entry) in self
            .entries
            .iter()
            .enumerate()
            .filter(|(index, _)| !stays[*index])
        {
            let is_tail = last_survivor.is_some_and(|last| last < index);
            let gap = |index: Option<usize>| self.gaps.get(index?)?.clone();
            cuts.push(Piece::Cut(if is_tail {
                gap(index.checked_sub(1)).map_or(entry.start, |gap| gap.start)..entry.end
            } else {
                entry.start..gap(Some(index)).map_or(entry.end, |gap| gap.end)
            }));
        }
        cuts
    }

    /// The new entry, kept apart from the next as the others are.
    fn insertion(&self, new: String, position: Position, stays: &[bool]) -> Option<Piece> {
        let gap = match position {
            Position::First => self.gaps.first(),
            Position::Last => self.gaps.last(),
        };
        let gap = match gap {
            _ if !stays.contains(&true) => "",
            Some(gap) => gap.clone().map_or("", |gap| &self.text[gap]),
            None => self.usual_gap,
        };
        let (at, text) = match position {
            Position::First => (self.entries.first()?.start, new + gap),
            Position::Last => (self.entries.last()?.end, gap.to_owned() + &new),
        };
        Some(Piece::Insert {
            at,
            text,
            lines: !self.dash_lines.is_empty(),
        })
    }
}

fn between(entries: &[Range<usize>]) -> impl Iterator<Item = Range<usize>> {
    entries.windows(2).map(|pair| pair[0].end..pair[1].start)
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
fn refuse_anchors_in_use(root: &Node, items: &[Node], stays: &[bool]) -> Result<(), Refusal> {
    let mut used = Vec::new();
    root.walk(&mut |node| {
        if let Content::Alias(target) = node.content {
            used.push((target, node.start, node.line));
        }
    });
    for (item, _) in items.iter().zip(stays).filter(|(_, stays)| !**stays) {
        for node in item.anchors() {
            let outside = used.iter().find(|(target, at, _)| {
                Some(*target) == node.anchor && !(item.start..item.end).contains(at)
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
