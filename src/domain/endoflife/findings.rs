//! What is said of lines that end, and of new ones.

use std::collections::BTreeSet;

use chrono::{Days, NaiveDate};

use super::{End, Ends, Line, Lines, Meaning, Product};
use crate::domain::definition::Definition;
use crate::domain::finding::Finding;
use crate::domain::report::printable;

/// So long before its end a line is a note.
const NEAR: Days = Days::new(90);

/// A definition and the line that it tracks.
#[derive(Debug, Clone, Copy)]
pub struct Tracked<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// The source's name.
    pub source: &'a str,
    /// What the source says of its lines.
    pub meaning: &'a Meaning,
    /// The line's name at endoflife.date.
    pub line: &'a str,
}

impl Tracked<'_> {
    fn place(&self, finding: Finding) -> Finding {
        let place = self
            .definition
            .upstream
            .as_ref()
            .map_or(self.definition.at, |upstream| upstream.at);
        finding
            .at(&self.definition.file, place)
            .image(&self.definition.name)
    }
}

/// Says that the line has reached its end, or will within 90 days. A line that the product does not have says nothing.
pub fn ended(tracked: &Tracked, product: &Product, today: NaiveDate) -> Option<Finding> {
    let line = product.line(tracked.line)?;
    let end = line.end(tracked.meaning.ends);
    let name = format!("{} {}", product.label, line.name);
    if end.is_over(today) {
        let date = match end {
            End::On(date) => format!(" on {date}"),
            _ => String::new(),
        };
        let message = format!(
            "the release line `{name}` reached its end{of_what}{date}: no fixes come any more; tell your users to move on, then \
             hide the image (`hidden: true`) or set `enable: false`",
            of_what = of_what(line, tracked.meaning.ends),
        );
        return Some(tracked.place(Finding::warning("end-of-life", message)));
    }
    let End::On(date) = end else { return None };
    if date > today.checked_add_days(NEAR)? {
        return None;
    }
    let days = (date - today).num_days();
    let message = format!(
        "the release line `{name}` reaches its end{of_what} on {date}, in {days} day{s}; have a successor in the catalogue by \
         then, and tell your users",
        of_what = of_what(line, tracked.meaning.ends),
        s = if days == 1 { "" } else { "s" },
    );
    Some(tracked.place(Finding::note("end-of-life-near", message)))
}

/// What ends, in the words of somebody who has not read endoflife.date.
fn of_what(line: &Line, ends: Ends) -> &'static str {
    match ends {
        Ends::Eoes if line.extended != End::Unsaid => " of extended support",
        Ends::Eoas if line.active != End::Unsaid => " of active support",
        _ => " of life",
    }
}

/// Says which lines have appeared since the newest one that some definition tracks. `tracked` are all of one product.
///
/// Each is said at the definition of that newest one: beside it the new one belongs.
pub fn new_lines(tracked: &[Tracked], product: &Product, today: NaiveDate) -> Vec<Finding> {
    let known: BTreeSet<&str> = tracked.iter().map(|one| one.line).collect();
    let newest = tracked
        .iter()
        .filter_map(|one| Some((product.line(one.line)?.released?, one)))
        .rev()
        .max_by_key(|(released, _)| *released);
    let Some((newest, beside)) = newest else {
        return Vec::new();
    };
    let wanted = |line: &&Line| {
        let is_new = line
            .released
            .is_some_and(|date| date > newest && date <= today);
        is_new
            && !known.contains(line.name.as_str())
            && (line.is_lts || beside.meaning.lines == Lines::All)
            && !line.end(beside.meaning.ends).is_over(today)
    };
    let mut lines: Vec<_> = product.lines.iter().filter(wanted).collect();
    lines.sort_by_key(|line| line.released);
    lines
        .into_iter()
        .map(|line| {
            let date = line.released.unwrap_or_default();
            let lts = if line.is_lts { " with long-term support" } else { "" };
            let message = format!(
                "the release line `{} {}`{lts} appeared on {date}, and no definition of source `{}` tracks it; add one if your \
                 users want it",
                product.label, line.name, beside.source
            );
            beside.place(Finding::note("new-release-line", message))
        })
        .collect()
}

/// Says that endoflife.date did not tell, once for a product. It is a note: nothing of the catalogue depends on it.
pub fn unknown(tracked: &Tracked, product: &str, reason: &str) -> Finding {
    let message = format!(
        "nothing is known of when the lines of `{product}` end: {}; nothing else depends on it, and the next run asks again",
        printable(reason)
    );
    tracked.place(Finding::note("endoflife-unknown", message))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::definition;
    use crate::domain::finding::Level;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn product() -> Product {
        let line = |name, released, lts, eol, eoes| json!({"name": name, "releaseDate": released, "isLts": lts, "eolFrom": eol, "eoesFrom": eoes});
        let document = json!({"result": {"label": "Own", "releases": [
            line("6", "2026-12-01", true, "2031-12-01", "2036-12-01"),
            line("5.5", "2026-10-09", false, "2027-07-01", "no"),
            line("5", "2026-04-23", true, "2031-04-30", "2036-04-30"),
            line("4.5", "2025-10-09", false, "2026-07-01", "no"),
            line("4", "2024-04-25", true, "2026-06-30", "2034-04-25"),
        ]}});
        Product::read("", &document).unwrap()
    }

    fn meaning(ends: Ends, lines: Lines) -> Meaning {
        Meaning {
            product: "own".to_owned(),
            release: "{release}".to_owned(),
            ends,
            lines,
        }
    }

    fn definitions() -> Vec<Definition> {
        let text = "images:\n  - name: A\n    format: qcow2\n    upstream: {from: own}\n    versions: []\n  - name: B\n    format: qcow2\n    versions: []\n";
        definition::parse("images/a.yml", text).unwrap()
    }

    fn said(line: &str, ends: Ends, today: &str) -> Option<(Level, &'static str, String)> {
        let definitions = definitions();
        let meaning = meaning(ends, Lines::All);
        let tracked = Tracked {
            definition: &definitions[0],
            source: "own",
            meaning: &meaning,
            line,
        };
        let finding = ended(&tracked, &product(), day(today))?;
        assert_eq!(
            (
                finding.file.as_deref(),
                finding.line,
                finding.image.as_deref()
            ),
            (Some("images/a.yml"), Some(4), Some("A"))
        );
        Some((finding.level, finding.rule, finding.message))
    }

    #[test]
    fn a_line_is_at_its_end_on_the_day_itself_and_near_for_ninety_days_before() {
        let of = |today| said("4", Ends::Eol, today).map(|(level, rule, _)| (level, rule));
        assert_eq!(of("2026-04-01"), Some((Level::Note, "end-of-life-near")));
        assert_eq!(of("2026-03-31"), None);
        assert_eq!(of("2026-06-29"), Some((Level::Note, "end-of-life-near")));
        assert_eq!(of("2026-06-30"), Some((Level::Warning, "end-of-life")));
        assert_eq!(said("7", Ends::Eol, "2026-06-30"), None);
    }

    #[test]
    fn which_date_counts_is_the_sources_word_and_a_line_without_it_ends_with_its_life() {
        assert_eq!(said("4", Ends::Eoes, "2026-07-01"), None);
        let (_, rule, message) = said("4.5", Ends::Eoes, "2026-07-01").unwrap();
        assert_eq!(rule, "end-of-life");
        insta::assert_snapshot!(message, @"the release line `Own 4.5` reached its end of life on 2026-07-01: no fixes come any more; tell your users to move on, then hide the image (`hidden: true`) or set `enable: false`");
        let (_, _, message) = said("4", Ends::Eoes, "2034-04-24").unwrap();
        insta::assert_snapshot!(message, @"the release line `Own 4` reaches its end of extended support on 2034-04-25, in 1 day; have a successor in the catalogue by then, and tell your users");
    }

    fn new(lines: Lines, tracked: &[&str], today: &str) -> Vec<(String, Option<String>)> {
        let definitions = definitions();
        let meaning = meaning(Ends::Eol, lines);
        let tracked: Vec<_> = tracked
            .iter()
            .zip(&definitions)
            .map(|(line, definition)| Tracked {
                definition,
                source: "own",
                meaning: &meaning,
                line,
            })
            .collect();
        new_lines(&tracked, &product(), day(today))
            .into_iter()
            .map(|finding| {
                assert_eq!(
                    (finding.level, finding.rule),
                    (Level::Note, "new-release-line")
                );
                let name = finding.message.split('`').nth(1).unwrap().to_owned();
                (name, finding.image)
            })
            .collect()
    }

    #[test]
    fn only_lines_that_came_after_the_newest_tracked_one_are_new() {
        let at = |name: &str, image: &str| (name.to_owned(), Some(image.to_owned()));
        assert_eq!(new(Lines::Lts, &["4"], "2026-11-21"), [at("Own 5", "A")]);
        assert_eq!(
            new(Lines::All, &["4", "4.5"], "2026-11-21"),
            [at("Own 5", "B"), at("Own 5.5", "B")]
        );
        assert_eq!(
            new(Lines::All, &["5", "4"], "2026-11-21"),
            [at("Own 5.5", "A")]
        );
        // Not yet released; already at its end; nothing tracked that is known.
        assert_eq!(new(Lines::Lts, &["5"], "2026-11-30"), []);
        assert_eq!(new(Lines::All, &["5"], "2027-07-01"), [at("Own 6", "A")]);
        assert_eq!(new(Lines::All, &["unknown"], "2026-11-21"), []);
    }
}
