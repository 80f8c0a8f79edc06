//! How an entry is laid out, and a new entry in the same layout.

use std::collections::BTreeMap;

use granit_parser::ScalarStyle;

use super::comments::{pair_without_comments, without_comments};
use super::scalar::{self, Place, Quote};
use super::tree::{Content, Node};
use super::{Datum, NewEntry, Refusal};

/// One key of an entry and how its value follows.
#[derive(Debug, Clone)]
struct Field {
    /// The key as it is written, with its quotes.
    key: String,
    /// From the key to its value or to the end of its line: colon, tag, block header, blanks.
    head: String,
    /// How much deeper than the key the value stands on a line of its own.
    fold: Option<usize>,
    quote: Quote,
}

/// The style of the entries of one list.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    fields: BTreeMap<String, Field>,
    /// What a value gets that cannot be plain.
    quote: Quote,
    /// What a value gets whose key is not among `fields`.
    usual: Quote,
    key_quote: &'static str,
    newline: &'static str,
}

/// What a new entry consists of, in the order in which it is written.
enum Part<'a> {
    /// A key that the new version has a value for.
    Known(&'a str, Datum<'a>),
    /// A pair that is taken over from the neighbour.
    Carried(&'a Node, &'a Node),
}

impl Layout {
    /// The layout of a file that shows none.
    pub(super) fn usual(newline: &'static str) -> Self {
        Self {
            fields: BTreeMap::new(),
            quote: Quote::Single,
            usual: Quote::Plain,
            key_quote: "",
            newline,
        }
    }

    /// Reads the layout off an entry.
    pub(super) fn of(text: &str, entry: &Node, newline: &'static str) -> Self {
        let place = if entry.is_flow(text) {
            Place::Flow
        } else {
            Place::Block
        };
        let mut fields = BTreeMap::new();
        for (key, value) in entry.pairs().unwrap_or_default() {
            if let (Some(name), Some(field)) = (key.scalar(), field(text, place, key, value)) {
                fields.insert(name.to_owned(), field);
            }
        }
        let quoted = |field: &&Field| matches!(field.quote, Quote::Single | Quote::Double);
        let quote = fields
            .get("version")
            .filter(quoted)
            .or_else(|| fields.values().find(quoted));
        let quote = quote.map_or(Quote::Single, |field| field.quote);
        // A version is often quoted because it must be, and says nothing about the other values.
        let mut others = fields
            .iter()
            .filter(|(name, _)| *name != "version")
            .peekable();
        let all_quoted = others.peek().is_some() && others.all(|(_, field)| quoted(&field));
        let usual = if all_quoted { quote } else { Quote::Plain };
        let key_quote = fields.values().find_map(|field| {
            ["\"", "'"]
                .into_iter()
                .find(|quote| field.key.starts_with(quote))
        });
        Self {
            fields,
            quote,
            usual,
            key_quote: key_quote.unwrap_or_default(),
            newline,
        }
    }

    /// The style of `key`: as found, else as a key of the same kind has it.
    fn field(&self, key: &str) -> Field {
        if let Some(found) = self.fields.get(key) {
            return found.clone();
        }
        let similar = match key {
            "url" | "mirror_url" | "manifest" => ["url", "checksum"].iter(),
            "checksum" => ["url", "manifest"].iter(),
            "disk_checksum" => ["checksum", "url"].iter(),
            _ => [].iter(),
        };
        let similar = similar
            .copied()
            .find_map(|similar| self.fields.get(similar));
        let usual = if key == "version" {
            self.quote
        } else {
            self.usual
        };
        Field {
            key: format!("{quote}{key}{quote}", quote = self.key_quote),
            head: similar.map_or(": ".to_owned(), |field| field.head.clone()),
            fold: similar.and_then(|field| field.fold),
            quote: similar.map_or(usual, |field| field.quote),
        }
    }

    /// `key: value` in this layout, where the key stands in column `column` (from 0).
    pub(super) fn pair(&self, key: &str, datum: Datum, column: usize, place: Place) -> String {
        let mut field = self.field(key);
        let value = match datum {
            Datum::Text(text) => text,
            Datum::List(words) => {
                let usual = field.quote == Quote::Plain;
                let quote = if usual { Quote::Plain } else { self.quote };
                let words = words
                    .iter()
                    .map(|word| scalar::write(word, quote, self.quote, Place::Flow));
                let list = words.collect::<Vec<_>>().join(", ");
                return format!("{}: [{list}]", field.key);
            }
        };
        let unfit = !scalar::is_printable(value) || value.starts_with(' ') || value.is_empty();
        if field.quote == Quote::Block && (unfit || place == Place::Flow) {
            field = Field {
                head: ": ".to_owned(),
                fold: None,
                quote: self.quote,
                ..field
            };
        }
        if place == Place::Flow && field.fold.is_some() {
            field = Field {
                head: ": ".to_owned(),
                fold: None,
                ..field
            };
        }
        let value = scalar::write(value, field.quote, self.quote, place);
        let fold = field
            .fold
            .map(|deeper| self.newline.to_owned() + &" ".repeat(column + deeper));
        format!(
            "{}{}{}{value}",
            field.key,
            field.head,
            fold.unwrap_or_default()
        )
    }

    /// A new block entry beside nothing: `dash` is the column of its dash.
    pub(super) fn alone(&self, entry: &NewEntry, dash: usize) -> String {
        let mut out = String::new();
        for (index, (key, value)) in entry.pairs().into_iter().enumerate() {
            out.push_str(&" ".repeat(dash));
            out.push_str(if index == 0 { "- " } else { "  " });
            out.push_str(&self.pair(key, value, dash + 2, Place::Block));
            out.push_str(self.newline);
        }
        out
    }

    /// A new flow entry beside nothing.
    pub(super) fn alone_in_flow(&self, entry: &NewEntry) -> String {
        let pairs = entry.pairs();
        let pairs = pairs
            .iter()
            .map(|(key, value)| self.pair(key, *value, 0, Place::Flow));
        format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
    }

    /// The lines of a new entry in the form of `sibling`, whose first line begins at `first_line`.
    pub(super) fn beside(
        &self,
        text: &str,
        sibling: &Node,
        first_line: usize,
        entry: &NewEntry,
        carried: &[&str],
    ) -> Result<String, Refusal> {
        if sibling.is_flow(text) {
            let lead = lead(text, first_line, sibling)?;
            let entry = self.beside_in_flow(text, sibling, entry, carried)?;
            return Ok(lead + &entry + self.newline);
        }
        let (parts, first_key) = parts(sibling, entry, carried)?;
        let column = first_key.column - 1;
        let mut out = lead(text, first_line, first_key)?;
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                out.push_str(&" ".repeat(column));
            }
            match part {
                Part::Known(key, value) => {
                    out.push_str(&self.pair(key, *value, column, Place::Block));
                }
                Part::Carried(key, value) => {
                    let line = text[..key.start]
                        .rfind('\n')
                        .map_or(0, |newline| newline + 1);
                    if index > 0 && key.start - line != column {
                        return Err(key.refuse(
                            "this key does not stand at the beginning of its line, so its pair \
                             cannot be copied; add the new version by hand",
                        ));
                    }
                    out.push_str(&pair_without_comments(text, key, value));
                }
            }
            out.push_str(self.newline);
        }
        Ok(out)
    }

    /// A new entry in the form of `sibling`, which is written with brackets.
    pub(super) fn beside_in_flow(
        &self,
        text: &str,
        sibling: &Node,
        entry: &NewEntry,
        carried: &[&str],
    ) -> Result<String, Refusal> {
        let (parts, first_key) = parts(sibling, entry, carried)?;
        let pairs = sibling.pairs().unwrap_or_default();
        let last_value = pairs.last().map_or(first_key.end, |(_, value)| value.end);
        let open = &text[sibling.start..first_key.start];
        let close = &text[last_value..sibling.end];
        let separator = match pairs {
            [(_, value), (key, _), ..] => &text[value.end..key.start],
            _ => ", ",
        };
        let only = |text: &str, letters: &str| {
            text.chars()
                .all(|letter| letter.is_whitespace() || letters.contains(letter))
        };
        if !only(open, "{") || !only(close, ",}") || !only(separator, ",") {
            return Err(sibling.refuse(
                "this entry has more between its brackets than keys and values, so it cannot be \
                 copied; add the new version by hand",
            ));
        }
        let written = parts.iter().map(|part| match part {
            Part::Known(key, value) => self.pair(key, *value, 0, Place::Flow),
            Part::Carried(key, value) => text[key.start..value.end].to_owned(),
        });
        Ok(format!(
            "{open}{}{close}",
            written.collect::<Vec<_>>().join(separator)
        ))
    }
}

/// The dash of an entry with the space around it, up to its content at `node`.
fn lead(text: &str, first_line: usize, node: &Node) -> Result<String, Refusal> {
    let lead = without_comments(&text[first_line..node.start]);
    if lead.trim() == "-" {
        return Ok(lead);
    }
    Err(node.refuse(
        "more than a dash stands in front of this entry (a tag, a `?`), so it cannot be copied; \
         add the new version by hand",
    ))
}

/// The pairs of a new entry in the order of `sibling`, and the first key of that.
fn parts<'a>(
    sibling: &'a Node,
    entry: &'a NewEntry,
    carried: &[&str],
) -> Result<(Vec<Part<'a>>, &'a Node), Refusal> {
    let pairs = sibling.pairs().unwrap_or_default();
    let Some((first_key, _)) = pairs.first() else {
        return Err(
            sibling.refuse("this entry is not a mapping with keys, so it has no layout to follow")
        );
    };
    let known = entry.pairs();
    let mut parts = Vec::new();
    for (key, value) in pairs {
        let name = key.scalar().unwrap_or_default();
        if let Some((name, new)) = known.iter().find(|(known, _)| *known == name) {
            refuse_properties(key, value)?;
            parts.push(Part::Known(name, *new));
        } else if carried.contains(&name) {
            refuse_properties(key, value)?;
            parts.push(Part::Carried(key, value));
        }
    }
    // What the sibling lacks comes behind the key that precedes it in a new file.
    let mut before = Vec::new();
    for (key, value) in known {
        let place = |part: &Part| matches!(part, Part::Known(name, _) if before.contains(name));
        if !parts
            .iter()
            .any(|part| matches!(part, Part::Known(name, _) if *name == key))
        {
            let index = parts.iter().rposition(place).map_or(0, |index| index + 1);
            parts.insert(index, Part::Known(key, value));
        }
        before.push(key);
    }
    Ok((parts, first_key))
}

/// A copy of an anchor would change what later aliases mean.
fn refuse_properties(key: &Node, value: &Node) -> Result<(), Refusal> {
    match key.anchors().into_iter().chain(value.anchors()).next() {
        None => Ok(()),
        Some(node) => Err(node.refuse(
            "the neighbour of the new version has a YAML anchor here, which cannot be copied; \
             write the value out, or add the new version by hand",
        )),
    }
}

fn field(text: &str, place: Place, key: &Node, value: &Node) -> Option<Field> {
    let Content::Scalar { style, .. } = &value.content else {
        return None;
    };
    let written = text[key.start..key.end].to_owned();
    let plain = |quote| Field {
        key: written.clone(),
        head: ": ".to_owned(),
        fold: None,
        quote,
    };
    if value.start == value.end {
        return Some(plain(Quote::Plain));
    }
    let gap = without_comments(&text[key.end..value.start]);
    let (head, fold) = match (gap.find('\n'), gap.rfind('\n')) {
        (Some(first), Some(last)) => {
            let indent = &gap[last + 1..];
            let deeper = indent
                .len()
                .checked_sub(key.column - 1)
                .filter(|deeper| *deeper > 0);
            let deeper = deeper.filter(|_| indent.bytes().all(|byte| byte == b' '));
            (gap[..first].trim_end_matches('\r').to_owned(), Some(deeper))
        }
        _ => (gap, None),
    };
    let fold = match fold {
        Some(None) => return Some(plain(Quote::Plain)),
        Some(deeper) => deeper,
        None => None,
    };
    let quote = match style {
        ScalarStyle::Plain => Quote::Plain,
        ScalarStyle::SingleQuoted => Quote::Single,
        ScalarStyle::DoubleQuoted => Quote::Double,
        // Without the `-` the value would end with a line break that the new one has not.
        ScalarStyle::Literal | ScalarStyle::Folded if head.contains('-') && fold.is_some() => {
            Quote::Block
        }
        ScalarStyle::Literal | ScalarStyle::Folded => return Some(plain(Quote::Plain)),
    };
    if !head.contains(':') {
        return Some(plain(quote));
    }
    let blank = if place == Place::Block && fold.is_none() && !head.ends_with([' ', '\t']) {
        " "
    } else {
        ""
    };
    Some(Field {
        key: written,
        head: head + blank,
        fold,
        quote,
    })
}
