//! How a difference is told: values, text, Markdown, JSON.

use std::fmt::Debug;

use serde_json::Value;

use super::{Change, Difference, Kind};
use crate::domain::report::{escape_markdown, printable};

/// So much of a value is told; the rest stands in the file.
const LONGEST: usize = 300;

/// A value as people write it; nothing for one that is absent or empty.
pub(super) fn value<T: Debug>(value: &T) -> Option<String> {
    let text = format!("{value:?}");
    let plain = text
        .strip_prefix("Some(")
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(&text);
    let plain = plain
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
        .unwrap_or(plain);
    (!["None", "", "[]", "{}", "()"].contains(&plain)).then(|| plain.to_owned())
}

impl Change {
    /// One line for people.
    pub fn line(&self) -> String {
        let sign = match self.change {
            Kind::Added => '+',
            Kind::Removed => '-',
            Kind::Edited => '~',
        };
        let version = self.version.as_ref();
        let version = version.map_or(String::new(), |version| format!(" [{version}]"));
        let word = match self.change {
            Kind::Added => "added",
            Kind::Removed => "removed",
            Kind::Edited => "edited",
        };
        let what = self
            .key
            .map_or(word.to_owned(), |key| format!("{key} {word}"));
        let values = match (short(self.from.as_deref()), short(self.to.as_deref())) {
            (None, None) => String::new(),
            (Some(from), Some(to)) => format!(": {from} → {to}"),
            (Some(from), None) if self.change == Kind::Edited => format!(": {from} → nothing"),
            (None, Some(to)) if self.change == Kind::Edited => format!(": nothing → {to}"),
            (Some(one), None) | (None, Some(one)) => format!(": {one}"),
        };
        format!("{sign} {}{version}: {what}{values}", self.image)
    }
}

fn short(value: Option<&str>) -> Option<String> {
    let value = value?;
    if value.chars().count() <= LONGEST {
        return Some(value.to_owned());
    }
    let start: String = value.chars().take(LONGEST).collect();
    Some(start + "…")
}

impl Difference {
    /// The text for a terminal.
    pub fn text(&self) -> String {
        if self.changes.is_empty() {
            return "no definition differs from the base\n".to_owned();
        }
        let line = |change: &Change| {
            let mark = if change.loud { "! " } else { "  " };
            format!("{mark}{}\n", printable(&change.line()))
        };
        self.changes.iter().map(line).collect()
    }

    /// The same in Markdown.
    pub fn markdown(&self) -> String {
        if self.changes.is_empty() {
            return "No definition differs from the base.\n".to_owned();
        }
        let list = |loud: bool| -> String {
            let of = self.changes.iter().filter(|change| change.loud == loud);
            let line = |change: &Change| format!("- {}\n", escape_markdown(&change.line()));
            of.map(line).collect()
        };
        let (loud, rest) = (list(true), list(false));
        let mut text = "### What this change does to the definitions\n\n".to_owned();
        if !loud.is_empty() {
            text.push_str("**To be looked at twice:**\n\n");
            text.push_str(&loud);
            text.push('\n');
        }
        text + &rest + if rest.is_empty() { "" } else { "\n" }
    }

    /// The value of `difference`.
    pub fn json(&self) -> Value {
        // Plain structs always serialise.
        serde_json::to_value(&self.changes).unwrap_or_default()
    }
}
