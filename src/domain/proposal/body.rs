//! A group → what a reviewer reads: what changes, who vouches for it, what is inside, what a merge will do.
//!
//! Whatever is from elsewhere is escaped or in a code span, and clipped. Where the text would be too long, what matters
//! least is given up first (`paper.rs`); the table of what changes and errors go last.

use std::fmt::Write as _;

use super::grouping::{Grouping, groups};
use super::paper::{Piece, Section, Weight, fitted};
use super::{Group, Offer, changes, title, trust};
use crate::domain::finding::{Finding, Level};
use crate::domain::markdown::{clipped, code, escape, length, link};

/// What a text says that is not of its group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Around {
    /// The hidden comment by which the next run knows its own; Markdown as it is, first in the text.
    pub marker: String,
    /// What needs eyes and is of no version: of tokens, of settings.
    pub findings: Vec<Finding>,
    /// What a merge will do, a sentence each, with values in backticks.
    pub merge: Vec<String>,
    /// The checkbox that asks for a rebuild, with its hidden comment; Markdown as it is, last in the text.
    pub rebase: String,
    /// Where a reader finds what was cut: `in the summary of the run`.
    pub rest_is: String,
    /// The longest text, in UTF-16 units. Marker, checkbox and 1,500 more must fit.
    pub limit: usize,
}

impl Default for Around {
    fn default() -> Self {
        Self {
            marker: String::new(),
            findings: Vec::new(),
            merge: Vec::new(),
            rebase: String::new(),
            rest_is: "in the summary of the run".to_owned(),
            // GitHub's limit on bodies.
            limit: 65_536,
        }
    }
}

/// What a reviewer reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// The text.
    pub text: String,
    /// The whole of what had to be cut from it.
    pub rest: Option<String>,
}

/// The longest image's name, version or other word.
const LONGEST_WORD: usize = 120;

/// The longest sentence of a finding or of what a merge does.
const LONGEST_SENTENCE: usize = 2_000;

/// What a reviewer of a group reads; never longer than the limit.
pub fn body(group: &Group, around: &Around) -> Body {
    let offers = &group.offers;
    let sections = vec![
        table(offers),
        findings(offers, &around.findings),
        chain(offers),
        inside(offers),
        links(offers),
        leaving(offers),
        merge(&around.merge),
    ];
    let note = format!(
        "This text was cut to the longest that is taken here; what was cut is {}.\n\n",
        escape(&clipped(&around.rest_is, LONGEST_WORD))
    );
    let marker = paragraph(&around.marker);
    let rebase = paragraph(&around.rebase);
    let room = around
        .limit
        .saturating_sub(length(&marker) + length(&rebase));
    let (text, rest) = fitted(sections, &note, room);
    Body {
        text: format!("{marker}{text}{rebase}").trim_end().to_owned() + "\n",
        rest: rest.map(|rest| {
            format!(
                "## {}\n\n{}\n",
                escape(&title::title(group)),
                rest.trim_end()
            )
        }),
    }
}

/// All that is new as one group, for merge requests at forges that we do not know: that of its source, where there is one.
pub fn as_one(offers: Vec<Offer>) -> Option<Group> {
    let by_source = groups(offers.clone(), Grouping::Source);
    let by = if by_source.len() == 1 {
        by_source
    } else {
        groups(offers, Grouping::All)
    };
    by.into_iter().next()
}

fn paragraph(text: &str) -> String {
    match text.trim() {
        "" => String::new(),
        text => format!("{text}\n\n"),
    }
}

fn word(text: &str) -> String {
    escape(&clipped(text, LONGEST_WORD))
}

fn value(text: &str) -> String {
    code(&clipped(text, LONGEST_WORD))
}

fn table(offers: &[Offer]) -> Section {
    let rows = offers.iter().map(|offer| {
        let from = offer.from.as_ref();
        let from = from.map_or_else(
            || "first version".to_owned(),
            |(version, built)| {
                let built = built.map(|date| date.to_string());
                let is_told = |date: &String| {
                    version.contains(&date.replace('-', "")) || version.contains(date.as_str())
                };
                match built.filter(|date| !is_told(date)) {
                    Some(date) => format!("{} of {date}", value(version)),
                    None => value(version),
                }
            },
        );
        let built = offer.entry.build_date.as_deref();
        let cells = [
            word(&offer.image),
            from,
            value(&offer.entry.version),
            built.map_or_else(|| "not told".to_owned(), word),
            offer.size.map_or_else(|| "not told".to_owned(), size),
        ];
        Piece::new(vec![(
            Weight::Change,
            format!("| {} |\n", cells.join(" | ")),
        )])
    });
    Section {
        head: "| image | from | to | built | size |\n| --- | --- | --- | --- | ---: |\n".to_owned(),
        pieces: rows.collect(),
    }
}

/// Bytes for people: `596.0 MiB`.
fn size(bytes: u64) -> String {
    let units = [("GiB", 30_u32), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in units {
        if bytes >> shift > 0 {
            let tenths = (u128::from(bytes) * 10) >> shift;
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

fn findings(offers: &[Offer], around: &[Finding]) -> Section {
    let mut findings: Vec<(Option<&str>, &Finding)> = offers
        .iter()
        .flat_map(|offer| {
            let image = Some(offer.image.as_str());
            offer.findings.iter().map(move |finding| (image, finding))
        })
        .chain(
            around
                .iter()
                .map(|finding| (finding.image.as_deref(), finding)),
        )
        .collect();
    findings.sort_by_key(|(_, finding)| finding.level);
    let pieces = findings.iter().map(|(image, finding)| {
        let image = image.map_or_else(String::new, |image| format!("{}: ", word(image)));
        let weight = match finding.level {
            Level::Error => Weight::Error,
            Level::Warning => Weight::Warning,
            Level::Note => Weight::Note,
        };
        let message = escape(&clipped(&finding.message, LONGEST_SENTENCE));
        let line = format!(
            "- **{}**: {image}{message} ({})\n",
            finding.level,
            value(finding.rule)
        );
        Piece::new(vec![(weight, line)])
    });
    Section {
        head: "### What needs your eyes\n\n".to_owned(),
        pieces: pieces.collect(),
    }
}

fn chain(offers: &[Offer]) -> Section {
    let pieces = offers.iter().map(|offer| {
        let short = format!(
            "- {} {}: {}\n",
            word(&offer.image),
            value(&offer.entry.version),
            escape(&trust::voucher(offer))
        );
        let mut whole = short.clone();
        if let Some(manifest) = &offer.entry.manifest {
            let _ = writeln!(whole, "  - manifest: {}", link(None, manifest));
        }
        let _ = writeln!(whole, "  - image: {}", link(None, &offer.entry.url));
        let _ = writeln!(whole, "  - digest: {}", code(&offer.entry.checksum));
        if let Some(disk) = trust::disk(offer) {
            let _ = writeln!(whole, "  - disk in it: {}", escape(&disk));
        }
        Piece::new(vec![(Weight::Proof, whole), (Weight::Voucher, short)])
    });
    Section {
        head: "### Who vouches for it\n\n".to_owned(),
        pieces: pieces.collect(),
    }
}

fn inside(offers: &[Offer]) -> Section {
    let mut pieces = Vec::new();
    for offer in offers {
        let Some(contents) = &offer.contents else {
            continue;
        };
        let told = changes::told(contents);
        let summary = format!("**{}**: {}\n\n", word(&offer.image), told.summary);
        let mut forms = vec![(Weight::Summary, summary.clone())];
        if !told.first.is_empty() {
            forms.insert(
                0,
                (Weight::FirstPackages, format!("{summary}{}\n", told.first)),
            );
        }
        pieces.push(Piece::new(forms));
        if !told.others.is_empty() {
            let forms = vec![
                (Weight::Packages, format!("{}\n", told.others)),
                (
                    Weight::Summary,
                    "The list of packages is left out here.\n\n".to_owned(),
                ),
            ];
            pieces.push(Piece::new(forms));
        }
    }
    Section {
        head: "### What changed inside\n\n".to_owned(),
        pieces,
    }
}

fn links(offers: &[Offer]) -> Section {
    // A page for all images of a source is named once.
    let mut lines: Vec<String> = Vec::new();
    for offer in offers {
        let shared = |page: &(String, String)| {
            offers.len() > 1 && offers.iter().all(|other| other.links.contains(page))
        };
        for page in &offer.links {
            let text = link(Some(&clipped(&page.0, LONGEST_WORD)), &page.1);
            let line = if shared(page) {
                format!("- {text}\n")
            } else {
                format!("- {}: {text}\n", word(&offer.image))
            };
            if !lines.contains(&line) {
                lines.push(line);
            }
        }
    }
    let pieces = lines
        .into_iter()
        .map(|line| Piece::new(vec![(Weight::Links, line)]));
    Section {
        head: "### Read more\n\n".to_owned(),
        pieces: pieces.collect(),
    }
}

fn leaving(offers: &[Offer]) -> Section {
    let leaving = offers.iter().filter(|offer| !offer.leaving.is_empty());
    let pieces = leaving.map(|offer| {
        let versions: Vec<_> = offer.leaving.iter().map(|version| value(version)).collect();
        let line = format!("- {}: {}\n", word(&offer.image), versions.join(", "));
        Piece::new(vec![(Weight::Leaving, line)])
    });
    Section {
        head: "### What leaves the file\n\n".to_owned(),
        pieces: pieces.collect(),
    }
}

fn merge(sentences: &[String]) -> Section {
    let pieces = sentences.iter().map(|sentence| {
        let line = format!("- {}\n", escape(&clipped(sentence, LONGEST_SENTENCE)));
        Piece::new(vec![(Weight::Merge, line)])
    });
    Section {
        head: "### What a merge will do\n\n".to_owned(),
        pieces: pieces.collect(),
    }
}

#[cfg(test)]
mod tests;
