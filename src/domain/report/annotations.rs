//! Findings as workflow commands: annotations on the exact lines, as many as the platform shows.

use super::{Report, escape_data, escape_property};
use crate::domain::finding::{Finding, Level};

/// GitHub shows no more annotations of one kind for one step, and drops the rest without a word
/// (<https://github.com/zizmorcore/zizmor/pull/634>).
const SHOWN: usize = 10;

/// The levels, the most severe first.
const LEVELS: [Level; 3] = [Level::Error, Level::Warning, Level::Note];

impl Report {
    /// Workflow commands: an annotation for each finding as far as the platform shows them, the most severe first, and a
    /// line that says how many more there are.
    pub fn workflow_commands(&self) -> String {
        let mut text = String::new();
        let mut rest = Vec::new();
        for level in LEVELS {
            let of: Vec<&Finding> = self.of(level).collect();
            for finding in of.iter().take(SHOWN) {
                text.push_str(&command(finding));
                text.push('\n');
            }
            let more = of.len().saturating_sub(SHOWN);
            if more > 0 {
                let plural = if more == 1 { "" } else { "s" };
                rest.push(format!("{more} more {level}{plural}"));
            }
        }
        if !rest.is_empty() {
            text.push_str(&rest.join(", "));
            text.push_str(": a step shows 10 annotations of each kind; the summary lists all\n");
        }
        text
    }

    /// The findings of one level.
    pub(super) fn of(&self, level: Level) -> impl Iterator<Item = &Finding> {
        let findings = self.findings.iter();
        findings.filter(move |finding| finding.level == level)
    }
}

fn command(finding: &Finding) -> String {
    let kind = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let mut properties = vec![format!("title={}", escape_property(finding.rule))];
    if let Some(file) = &finding.file {
        properties.push(format!("file={}", escape_property(file)));
    }
    if let Some(line) = finding.line {
        properties.push(format!("line={line}"));
    }
    if let Some(column) = finding.column {
        properties.push(format!("col={column}"));
    }
    let subject = [&finding.cloud, &finding.image];
    let subject: Vec<_> = subject.into_iter().flatten().map(String::as_str).collect();
    let message = [subject.as_slice(), &[&finding.message]]
        .concat()
        .join(": ");
    format!(
        "::{kind} {}::{}",
        properties.join(","),
        escape_data(&message)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::finding::Place;
    use crate::domain::report::Ending;

    fn report(findings: Vec<Finding>) -> Report {
        Report {
            matrix: None,
            title: None,
            ending: Ending::Done,
            changes: false,
            data: serde_json::Map::new(),
            text: String::new(),
            markdown: String::new(),
            findings,
        }
    }

    #[test]
    fn a_finding_cannot_forge_a_second_command() {
        let finding = Finding::error("rule", "100%\n::set-output name=a::b")
            .at("a,b:c.yml", Place { line: 3, column: 7 });
        assert_eq!(
            report(vec![finding]).workflow_commands(),
            "::error title=rule,file=a%2Cb%3Ac.yml,line=3,col=7::100%25%0A::set-output name=a::b\n"
        );
    }

    #[test]
    fn a_step_shows_ten_of_each_kind_the_most_severe_first_and_says_how_many_more_there_are() {
        let mut findings: Vec<_> = (0..12).map(|_| Finding::note("note", "n")).collect();
        findings.extend((0..3).map(|_| Finding::warning("warning", "w")));
        findings.extend((0..11).map(|at| Finding::error("error", format!("e{at}"))));
        let text = report(findings).workflow_commands();
        let lines: Vec<_> = text.lines().collect();
        let of = |kind: &str| lines.iter().filter(|line| line.starts_with(kind)).count();
        assert_eq!(
            (of("::error"), of("::warning"), of("::notice")),
            (10, 3, 10)
        );
        assert_eq!(lines[0], "::error title=error::e0");
        assert_eq!(
            lines.last().unwrap(),
            &"1 more error, 2 more notes: a step shows 10 annotations of each kind; the summary lists all"
        );
    }
}
