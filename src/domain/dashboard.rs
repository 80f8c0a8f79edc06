//! One issue that shows the state of all tracked images, so that silence shows too, and takes answers by its boxes.
//!
//! Its text depends on the day and on what is there, so that a second run of a day changes nothing.

mod hidden;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use chrono::NaiveDate;

use super::finding::{Finding, Level};
use super::markdown::{clipped, code, escape};
use super::recency;

pub use hidden::{Asked, Looks, is_ours};

/// The label by which the issue is found.
pub const LABEL: &str = "reglaze-dashboard";

/// Its title.
pub const TITLE: &str = "Image catalogue: what reglaze sees";

/// The platform's limit in characters, with room for what closes an open part.
const LONGEST: usize = 65_000;

/// How many findings are shown whole.
const MOST_FINDINGS: usize = 100;

const LONGEST_FINDING: usize = 500;

/// A tracked image.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its name.
    pub image: String,
    /// Its source.
    pub source: String,
    /// The newest version that the base branch has.
    pub version: Option<String>,
    /// When that was built.
    pub built: Option<NaiveDate>,
    /// What is promised: `replace_frequency` of the SCS standards.
    pub promise: Option<String>,
    /// A newer version upstream.
    pub newer: Option<String>,
    /// Whether its upstream told nothing in this run.
    pub failed: bool,
    /// The group of its pull request, if that is open, and the number.
    pub pull_request: Option<u64>,
}

/// Something that people may answer by a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// A person's commit keeps us away from this group's pull request.
    TakeOver {
        /// The group.
        group: String,
        /// The pull request.
        number: u64,
    },
    /// Versions that were declined by closing a pull request.
    Reopen {
        /// The pull request.
        number: u64,
        /// What it had proposed, in words.
        what: String,
    },
}

/// Everything that the issue shows.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// The images, in the order of the files.
    pub entries: Vec<Entry>,
    /// When each source was last seen to answer.
    pub looks: Looks,
    /// What needs eyes.
    pub findings: Vec<Finding>,
    /// What may be answered.
    pub questions: Vec<Question>,
    /// The day.
    pub today: NaiveDate,
}

impl Dashboard {
    /// The text of the issue.
    pub fn text(&self) -> String {
        let mut text = hidden::line(&self.looks);
        let _ = writeln!(
            text,
            "\n\nLast look: {}. If that is long ago, see whether the workflow still runs.\n",
            self.today
        );
        text.push_str(&self.images());
        text.push_str(&self.sources());
        text.push_str(&self.answers());
        let findings = self.told(LONGEST.saturating_sub(text.chars().count()));
        text + &findings
    }

    fn images(&self) -> String {
        let mut text = "| image | newest here | built | age and promise | pull request |\n|---|---|---|---|---|\n".to_owned();
        for entry in &self.entries {
            let version = entry
                .version
                .as_deref()
                .map_or_else(|| "none".to_owned(), code);
            let newer = match (&entry.newer, entry.failed) {
                (_, true) => " (**no answer from upstream**)".to_owned(),
                (Some(newer), false) => format!(" → {}", code(newer)),
                (None, false) => String::new(),
            };
            let built = entry
                .built
                .map_or_else(String::new, |built| built.to_string());
            // Ours, so that it may be a reference.
            let pull = entry
                .pull_request
                .map_or_else(String::new, |number| format!("#{number}"));
            let _ = writeln!(
                text,
                "| {} | {version}{newer} | {built} | {} | {pull} |",
                escape(&entry.image),
                self.age(entry)
            );
        }
        text
    }

    /// How old the newest is, held against what is promised.
    fn age(&self, entry: &Entry) -> String {
        let Some(built) = entry.built else {
            return String::new();
        };
        let days = (self.today - built).num_days();
        let promise = entry.promise.as_deref();
        let Some((word, (_, most))) =
            promise.and_then(|word| Some((word, recency::allowed(word)?)))
        else {
            return format!("{days} days");
        };
        let state = if days > most.num_days() {
            " **broken**"
        } else {
            ""
        };
        format!("{days} days, promised {}{state}", escape(word))
    }

    fn sources(&self) -> String {
        let used: BTreeSet<&str> = self
            .entries
            .iter()
            .map(|entry| entry.source.as_str())
            .collect();
        let mut text = "\n| source | last good look |\n|---|---|\n".to_owned();
        for source in used {
            let seen = match self.looks.get(source) {
                Some(day) if *day == self.today => day.to_string(),
                Some(day) => format!("**{day}**"),
                None => "**never**".to_owned(),
            };
            let _ = writeln!(text, "| {} | {seen} |", escape(source));
        }
        text
    }

    fn answers(&self) -> String {
        if self.questions.is_empty() {
            return String::new();
        }
        let mut text = "\nTick a box and the next run does it:\n\n".to_owned();
        for question in &self.questions {
            let (word, what) = match question {
                Question::TakeOver { group, number } => (
                    hidden::take_over(group),
                    format!("take over #{number} again: **discards the commits of people there**"),
                ),
                Question::Reopen { number, what } => (
                    hidden::reopen(*number),
                    format!(
                        "propose again what closing #{number} declined: {}",
                        escape(what)
                    ),
                ),
            };
            let _ = writeln!(text, "- [ ] {word}{what}");
        }
        text
    }

    /// What needs eyes, as far as there is room.
    fn told(&self, room: usize) -> String {
        let eyes = self.findings.iter().filter(|one| one.level != Level::Note);
        let lines: Vec<String> = eyes
            .map(|one| {
                format!(
                    "- {}\n",
                    clipped(&escape(&one.to_string()), LONGEST_FINDING)
                )
            })
            .collect();
        if lines.is_empty() {
            return "\nNothing needs eyes.\n".to_owned();
        }
        let mut text = "\nWhat needs eyes:\n\n".to_owned();
        for (at, line) in lines.iter().enumerate() {
            if at == MOST_FINDINGS || text.chars().count() + line.chars().count() + 60 > room {
                let _ = writeln!(
                    text,
                    "- and {} more, in the summary of the run",
                    lines.len() - at
                );
                break;
            }
            text.push_str(line);
        }
        text
    }
}

/// The looks after this run: those of sources that answered are of today.
pub fn looked(before: &Looks, entries: &[Entry], today: NaiveDate) -> Looks {
    let mut answered: BTreeMap<&str, bool> = BTreeMap::new();
    for entry in entries {
        // One image that nobody answered for shows.
        let all = answered.entry(&entry.source).or_insert(true);
        *all &= !entry.failed;
    }
    let mut looks = Looks::new();
    for (source, has_answered) in answered {
        let day = if has_answered {
            Some(today)
        } else {
            before.get(source).copied()
        };
        if let Some(day) = day {
            looks.insert(source.to_owned(), day);
        }
    }
    looks
}

#[cfg(test)]
mod tests;
