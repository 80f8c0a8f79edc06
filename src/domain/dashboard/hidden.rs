//! What the issue says to the next run, and what people ask of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use crate::domain::markdown::hidden_json;

const BEGIN: &str = "<!-- reglaze:dashboard ";
const CLOSE: &str = " -->";
const TAKE_OVER: &str = "<!-- reglaze:take-over ";
const REOPEN: &str = "<!-- reglaze:reopen ";

/// When each source was last seen to answer.
pub type Looks = BTreeMap<String, NaiveDate>;

/// What people ask for by ticked boxes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The groups whose branches we are to take over again.
    pub take_over: BTreeSet<String>,
    /// The closed pull requests whose answers are taken back.
    pub reopen: BTreeSet<u64>,
    /// When each source was last seen to answer.
    pub looks: Looks,
}

impl Asked {
    /// Reads it out of the text.
    pub fn read(body: &str) -> Self {
        let ticked: Vec<&str> = body
            .lines()
            .filter(|line| line.starts_with("- [x] ") || line.starts_with("- [X] "))
            .collect();
        let words = |begin: &str| -> Vec<&str> {
            let lines = ticked.iter();
            lines.filter_map(|line| after(line, begin)).collect()
        };
        Self {
            take_over: words(TAKE_OVER).into_iter().map(str::to_owned).collect(),
            reopen: words(REOPEN)
                .into_iter()
                .filter_map(|word| word.parse().ok())
                .collect(),
            looks: after(body, BEGIN)
                .and_then(|json| serde_json::from_str(json).ok())
                .unwrap_or_default(),
        }
    }
}

/// Whether a text is that of the issue.
pub fn is_ours(body: &str) -> bool {
    body.contains(BEGIN)
}

/// The hidden line. Names of sources are those of files; nothing in them can end the comment.
pub(super) fn line(looks: &Looks) -> String {
    format!("{BEGIN}{}{CLOSE}", hidden_json(looks))
}

pub(super) fn take_over(group: &str) -> String {
    format!("{TAKE_OVER}{group}{CLOSE}")
}

pub(super) fn reopen(number: u64) -> String {
    format!("{REOPEN}{number}{CLOSE}")
}

fn after<'a>(text: &'a str, begin: &str) -> Option<&'a str> {
    let rest = &text[text.find(begin)? + begin.len()..];
    Some(&rest[..rest.find(CLOSE)?])
}
