//! The comment under a pull request that tells its plan: what goes first, what tenants will see, then everything.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use chrono::NaiveDate;
use serde_json::{Value, json};

use super::hidden::{self, CloudMark};
use super::page::{Part, fitted, length};
use super::tenant::{Boots, Fate, Moved, Row, Shown, View};
use crate::domain::finding::{Finding, Level};
use crate::domain::outcome::CloudOutcome;
use crate::domain::report::escape_markdown;
use crate::domain::snapshot::{CloudImage, Snapshot};
use crate::domain::step::{Action, Step};

/// GitHub takes no longer comment.
const ROOM: usize = 65_536;

/// Where everything stands that has no room.
const REST: &str = "the summary of the job has all of it, and so has the artifact `reglaze-plan` where the job leaves one";

/// A cloud's plan, and the images that it was made from.
#[derive(Debug, Clone, Copy)]
pub struct CloudReview<'a> {
    /// The plan, or why there is none.
    pub outcome: &'a CloudOutcome,
    /// The images before.
    pub snapshot: Option<&'a Snapshot>,
}

/// What a comment is written with.
#[derive(Debug, Clone, Copy)]
pub struct Scene<'a> {
    /// The last commit of the pull request.
    pub head: &'a str,
    /// The size of what is uploaded, by its URL, as far as upstreams tell it.
    pub sizes: &'a BTreeMap<String, u64>,
    /// The date of all decisions.
    pub today: NaiveDate,
}

/// How much each kind of part matters; the steps for programs come before those for people who can look elsewhere.
mod rank {
    pub const FRAME: usize = 0;
    pub const AWAY: usize = 1;
    pub const FINDINGS: usize = 2;
    pub const NAMES: usize = 3;
    pub const IMAGES: usize = 4;
    pub const PROGRAMS: usize = 5;
    pub const STEPS: usize = 6;
}

/// The whole text of the comment.
pub fn comment(clouds: &[CloudReview<'_>], scene: &Scene<'_>) -> String {
    let marks: Vec<CloudMark> = clouds.iter().map(|cloud| mark(cloud.outcome)).collect();
    let mut parts = vec![
        Part::text(rank::FRAME, hidden::mark(scene.head, &marks)),
        Part::text(rank::FRAME, "## What this does to the clouds\n\n"),
    ];
    for cloud in clouds {
        parts.extend(of_cloud(cloud, scene));
    }
    let start: String = scene.head.chars().take(12).collect();
    parts.push(Part::text(
        rank::FRAME,
        format!(
            "Planned for commit {}. `apply --reviewed` does this after the merge, and leaves alone what would be something else.\n\n",
            escape_markdown(&start)
        ),
    ));
    let programs = hidden::steps(&document(clouds));
    let room = ROOM - length(&programs).min(ROOM);
    let others = parts.iter().filter(|part| part.rank < rank::PROGRAMS);
    let needed: usize = others.map(|part| length(&whole(part))).sum();
    // All or nothing: half a plan is none.
    if needed <= room {
        parts.push(Part::text(rank::PROGRAMS, programs));
    }
    fitted(&parts, ROOM, REST)
}

/// The same without what only programs read, for places where it would be seen.
pub fn visible(comment: &str) -> String {
    let lines = comment.split_inclusive('\n');
    lines
        .filter(|line| !line.starts_with("<!-- reglaze:"))
        .collect()
}

/// The plans as `plan --format json` prints them, for whoever goes on with them.
pub fn document(clouds: &[CloudReview<'_>]) -> String {
    let of = |cloud: &CloudReview<'_>| -> Value {
        let outcome = cloud.outcome;
        json!({
            "name": outcome.name,
            "fingerprint": outcome.fingerprint,
            "error": outcome.error,
            "steps": steps(outcome).collect::<Vec<_>>(),
        })
    };
    let clouds: Vec<Value> = clouds.iter().map(of).collect();
    json!({"clouds": clouds, "findings": []}).to_string()
}

fn whole(part: &Part) -> String {
    format!("{}{}{}", part.head, part.lines.concat(), part.tail)
}

fn mark(outcome: &CloudOutcome) -> CloudMark {
    CloudMark {
        name: outcome.name.clone(),
        fingerprint: outcome.fingerprint.clone(),
    }
}

fn steps(outcome: &CloudOutcome) -> impl Iterator<Item = &Step> {
    outcome.steps.iter().map(|tried| &tried.step)
}

fn of_cloud(cloud: &CloudReview<'_>, scene: &Scene<'_>) -> Vec<Part> {
    let outcome = cloud.outcome;
    let name = match outcome.name.as_str() {
        "" => "The cloud",
        name => name,
    };
    let head = format!("### {}\n\n", escape_markdown(name));
    if let Some(error) = &outcome.error {
        let error = escape_markdown(error);
        let text = format!("{head}**It could not be planned**: {error}\n\n");
        return vec![Part::text(rank::FRAME, text)];
    }
    let mut parts = vec![Part::text(rank::FRAME, head + &counted(outcome, scene))];
    let away: Vec<String> = steps(outcome)
        .filter(|step| step.is_destructive())
        .map(|step| item(&step_line(step)))
        .collect();
    parts.push(list(rank::AWAY, "**What is taken away:**\n\n", away, "\n"));
    let owned: Vec<Step> = steps(outcome).cloned().collect();
    if let Some(snapshot) = cloud.snapshot {
        let view = View::new(snapshot, &owned);
        let rows: Vec<String> = view.rows().iter().map(row).collect();
        let head =
            "What tenants see under each name:\n\n| name | before | after |\n|---|---|---|\n";
        parts.push(list(rank::NAMES, head, rows, "\n"));
        let moved: Vec<String> = view.moved(scene.today).iter().map(moved).collect();
        let head = "What becomes of the images that are there:\n\n\
                    | UUID | before | after | who can boot it | promises |\n|---|---|---|---|---|\n";
        parts.push(list(rank::IMAGES, head, moved, "\n"));
    }
    let mut findings: Vec<&Finding> = outcome.findings.iter().collect();
    findings.sort_by_key(|finding| finding.level);
    let findings = findings
        .into_iter()
        .filter(|finding| finding.level != Level::Note)
        .map(|finding| item(&finding.to_string()))
        .collect();
    parts.push(list(rank::FINDINGS, "Findings:\n\n", findings, "\n"));
    let lines = owned.iter().map(|step| item(&step_line(step))).collect();
    let head = format!(
        "<details><summary>All {} steps, in their order</summary>\n\n",
        owned.len()
    );
    parts.push(list(rank::STEPS, &head, lines, "\n</details>\n\n"));
    if let Some(fingerprint) = &outcome.fingerprint {
        parts.push(Part::text(
            rank::FRAME,
            format!("Fingerprint `{fingerprint}`\n\n"),
        ));
    }
    parts
}

/// A list with its frame; nothing, if it is empty.
fn list(rank: usize, head: &str, lines: Vec<String>, tail: &str) -> Part {
    if lines.is_empty() {
        return Part::text(rank, "");
    }
    Part {
        rank,
        head: head.to_owned(),
        lines,
        tail: tail.to_owned(),
    }
}

fn item(text: &str) -> String {
    format!("- {}\n", escape_markdown(text))
}

fn step_line(step: &Step) -> String {
    match &step.id {
        Some(id) => format!("{} of image {id}", step.line()),
        None => step.line(),
    }
}

/// What it comes to, in one line; what goes comes first.
fn counted(outcome: &CloudOutcome, scene: &Scene<'_>) -> String {
    let count = outcome.steps.len();
    if count == 0 {
        return "Nothing to do.\n\n".to_owned();
    }
    let away = steps(outcome).filter(|step| step.is_destructive()).count();
    let mut text = match away {
        0 => format!("Nothing is taken away; {}", plural(count, "step")),
        away => format!(
            "**{away} of {} take something away**",
            plural(count, "step")
        ),
    };
    let uploads: Vec<&Step> = steps(outcome)
        .filter(|step| step.action == Action::Upload)
        .collect();
    if !uploads.is_empty() {
        let sizes = uploads.iter().map(|step| {
            let url = step.from.as_str()?;
            scene.sizes.get(url).copied()
        });
        let known: Vec<u64> = sizes.clone().flatten().collect();
        let unknown = sizes.filter(Option::is_none).count();
        let total = known
            .iter()
            .fold(0_u64, |sum, size| sum.saturating_add(*size));
        let told = match (known.is_empty(), unknown) {
            (true, _) => "of unknown size".to_owned(),
            (false, 0) => format!("{} to transfer", bytes(total)),
            (false, unknown) => {
                format!("{} to transfer and {unknown} of unknown size", bytes(total))
            }
        };
        let _ = write!(text, "; {}, {told}", plural(uploads.len(), "upload"));
    }
    text + ".\n\n"
}

fn row(row: &Row) -> String {
    let had = row.before.iter().any(Shown::is_in_the_catalogue);
    let has = row
        .after
        .iter()
        .filter(|one| one.is_in_the_catalogue())
        .count();
    let mut after = shown(&row.after);
    if had && has == 0 {
        after.push_str("; **default lists show nothing under this name any more**");
    } else if has > 1 {
        after.push_str("; **default lists show more than one**");
    }
    let cells = [escape_markdown(&row.name), shown(&row.before), after];
    format!("| {} |\n", cells.join(" | "))
}

fn shown(shown: &[Shown]) -> String {
    if shown.is_empty() {
        return "nothing".to_owned();
    }
    let one = |one: &Shown| {
        let id = one
            .id
            .as_deref()
            .map_or("**new image**".to_owned(), escape_markdown);
        let version = one.version.as_deref();
        let version = version.map_or(String::new(), |version| {
            format!(" [{}]", escape_markdown(version))
        });
        let hidden = if one.hidden { ", hidden" } else { "" };
        let stopped = if one.active { "" } else { ", deactivated" };
        format!("{id}{version}, {}{hidden}{stopped}", one.visibility)
    };
    shown.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn moved(moved: &Moved) -> String {
    let look = |image: &CloudImage| {
        let name = escape_markdown(image.name.as_deref().unwrap_or_default());
        let hidden = if image.hidden { ", hidden" } else { "" };
        format!("{name}, {}, {}{hidden}", image.visibility, image.status)
    };
    let after = moved.after.as_ref();
    let after = after.map_or("**deleted, if unused then**".to_owned(), look);
    let boots = match moved.boots {
        Boots::All => "as before",
        Boots::Members => "**only projects that it is shared with**",
        Boots::Nobody => "**nobody any more**",
    };
    let promises: Vec<_> = moved
        .promises
        .iter()
        .map(|promise| {
            let text = escape_markdown(&promise.text);
            match promise.fate {
                Fate::Kept => format!("{text}: holds"),
                Fate::Over => format!("{text}: has ended"),
                Fate::Broken => format!("**{text}: would be broken**"),
            }
        })
        .collect();
    let cells = [
        escape_markdown(&moved.before.id),
        look(&moved.before),
        after,
        boots.to_owned(),
        promises.join("; "),
    ];
    format!("| {} |\n", cells.join(" | "))
}

fn plural(count: usize, word: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {word}{plural}")
}

/// A size for people: three digits and a binary unit.
fn bytes(count: u64) -> String {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    let unit = units.into_iter().find(|(_, shift)| count >= 1 << shift);
    let Some((unit, shift)) = unit else {
        return format!("{count} B");
    };
    let tenths = u128::from(count) * 10 / (1 << shift);
    if tenths < 1000 {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    } else {
        format!("{} {unit}", tenths / 10)
    }
}

#[cfg(test)]
mod tests;
