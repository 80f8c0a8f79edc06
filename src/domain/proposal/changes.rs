//! What changed inside an image, in Markdown.

use super::packages::{Contents, Rank, rank};
use crate::domain::markdown::{clipped, code};

/// Longer names and versions are no names and versions.
const LONGEST_WORD: usize = 120;

/// Lists up to this length are not folded.
const SHORT: usize = 10;

/// What changed, in three parts, since the longest are cut first.
pub(super) struct Told {
    /// The numbers, in words.
    pub(super) summary: String,
    /// Kernel and OpenSSL, or all if there are few; ends with a line's end. Empty: neither changed.
    pub(super) first: String,
    /// The others, folded; empty: there are none.
    pub(super) others: String,
}

/// Tells what changed, kernel and OpenSSL first.
pub(super) fn told(contents: &Contents) -> Told {
    let mut lines = lines(contents);
    let foremost = lines
        .iter()
        .take_while(|(rank, _)| *rank < Rank::Other)
        .count();
    let shown = if lines.len() <= SHORT {
        lines.len()
    } else {
        foremost.min(SHORT)
    };
    let folded = lines.split_off(shown);
    let text =
        |lines: Vec<(Rank, String)>| lines.into_iter().map(|(_, line)| line).collect::<String>();
    let others = match folded.len() {
        0 => String::new(),
        count => format!(
            "<details><summary>{}</summary>\n\n{}\n</details>\n",
            if shown == 0 {
                format!("{count} packages")
            } else {
                format!("{count} more")
            },
            text(folded)
        ),
    };
    Told {
        summary: summary(contents),
        first: text(lines),
        others,
    }
}

fn summary(contents: &Contents) -> String {
    let counts = [
        (contents.changed.len(), "changed"),
        (contents.added.len(), "added"),
        (contents.removed.len(), "removed"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match counts.as_slice() {
        [] => "no package changed".to_owned(),
        _ => format!("packages: {}", counts.join(", ")),
    }
}

fn lines(contents: &Contents) -> Vec<(Rank, String)> {
    let word = |text: &str| code(&clipped(text, LONGEST_WORD));
    let mut lines = Vec::with_capacity(contents.count());
    for (name, from, to) in &contents.changed {
        let line = format!("- {} {} → {}\n", word(name), word(from), word(to));
        lines.push((rank(name), line));
    }
    for (what, packages) in [("added", &contents.added), ("removed", &contents.removed)] {
        for (name, version) in packages {
            lines.push((
                rank(name),
                format!("- {what} {} {}\n", word(name), word(version)),
            ));
        }
    }
    // The order within a rank stays.
    lines.sort_by_key(|(rank, _)| *rank);
    lines
}
