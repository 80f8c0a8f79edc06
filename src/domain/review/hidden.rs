//! What a plan's comment says to programs: hidden comments of HTML, which no text from outside can end or forge.
//!
//! The first line tells head and fingerprints; the last one, if there was room, holds all steps, so that a deployment
//! which was interrupted can go on under them.

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};

use crate::domain::markdown::hidden_json;

/// How a comment begins that tells a plan. Only a comment that begins so is one: what is further down may be quoted.
const MARK: &str = "<!-- reglaze:plan ";

/// How the line begins that holds the steps.
const STEPS: &str = "<!-- reglaze:steps ";

const END: &str = " -->";

/// The form of all this; another one is of another release.
const VERSION: u32 = 1;

/// A comment that is no bomb has a tenth of it.
const LARGEST_PLAN: u64 = 8 << 20;

/// What a comment tells of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanComment {
    /// The last commit of the pull request when it was planned.
    pub head: String,
    /// The clouds.
    pub clouds: Vec<CloudMark>,
    /// The plan as `plan --format json` prints it; absent: there was no room.
    pub plan: Option<String>,
}

/// One cloud's plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloudMark {
    /// The name in `clouds.yaml`.
    pub name: String,
    /// The plan's fingerprint; absent: it could not be planned.
    pub fingerprint: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct FirstLine {
    version: u32,
    head: String,
    clouds: Vec<CloudMark>,
}

/// Whether a comment is the plan of exactly these clouds, of whatever release and commit: the one to edit.
pub fn is_of(body: &str, clouds: &[&str]) -> bool {
    #[derive(Deserialize)]
    struct Any {
        clouds: Vec<CloudMark>,
    }
    let Some(any) = first_line(body).and_then(|json| serde_json::from_str::<Any>(json).ok()) else {
        return false;
    };
    let mut theirs: Vec<&str> = any.clouds.iter().map(|cloud| cloud.name.as_str()).collect();
    let mut ours = clouds.to_vec();
    theirs.sort_unstable();
    ours.sort_unstable();
    theirs == ours
}

/// Whether a comment says that it is a plan.
pub fn is_plan(body: &str) -> bool {
    body.starts_with(MARK)
}

/// Reads a comment; nothing if it is no plan of this form.
pub fn read(body: &str) -> Option<PlanComment> {
    let head: FirstLine = serde_json::from_str(first_line(body)?).ok()?;
    (head.version == VERSION).then(|| PlanComment {
        head: head.head,
        clouds: head.clouds,
        plan: last_line(body).and_then(unpacked),
    })
}

/// The first line of a comment.
pub fn mark(head: &str, clouds: &[CloudMark]) -> String {
    let head = FirstLine {
        version: VERSION,
        head: head.to_owned(),
        clouds: clouds.to_vec(),
    };
    format!("{MARK}{}{END}\n", hidden_json(&head))
}

/// The last line of a comment: a plan.
pub fn steps(plan: &str) -> String {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    // Memory takes everything.
    let written = encoder.write_all(plan.as_bytes());
    let packed = written.and_then(|()| encoder.finish()).unwrap_or_default();
    format!("{STEPS}{}{END}\n", STANDARD.encode(packed))
}

fn first_line(body: &str) -> Option<&str> {
    let line = body.lines().next()?;
    line.strip_prefix(MARK)?.trim_end().strip_suffix(END)
}

fn last_line(body: &str) -> Option<&str> {
    let line = body.trim_end().lines().next_back()?;
    line.strip_prefix(STEPS)?.strip_suffix(END)
}

fn unpacked(text: &str) -> Option<String> {
    let packed = STANDARD.decode(text).ok()?;
    let mut plan = Vec::new();
    let mut limited = GzDecoder::new(packed.as_slice()).take(LARGEST_PLAN + 1);
    limited.read_to_end(&mut plan).ok()?;
    if plan.len() as u64 > LARGEST_PLAN {
        return None;
    }
    String::from_utf8(plan).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marks() -> Vec<CloudMark> {
        let cloud = |name: &str, fingerprint: Option<&str>| CloudMark {
            name: name.to_owned(),
            fingerprint: fingerprint.map(str::to_owned),
        };
        vec![cloud("prod", Some("f1")), cloud("a --> <b>", None)]
    }

    fn body(plan: &str) -> String {
        mark("c0ffee", &marks()) + "## Text\n\nmore\n\n" + &steps(plan)
    }

    #[test]
    fn what_is_written_is_read() {
        let plan = r#"{"clouds": []}"#;
        let comment = read(&body(plan)).unwrap();
        assert_eq!(
            (comment.head.as_str(), comment.plan.as_deref()),
            ("c0ffee", Some(plan))
        );
        assert_eq!(comment.clouds, marks());
        // Some forges and people's editors write lines in their own way.
        assert_eq!(read(&body(plan).replace('\n', "\r\n")).unwrap(), comment);
    }

    #[test]
    fn a_clouds_name_cannot_end_the_comment() {
        let line = mark("c0ffee", &marks());
        assert_eq!(line.matches("-->").count(), 1);
        assert!(line.ends_with(" -->\n") && !line[4..].contains('<'));
    }

    #[test]
    fn a_comment_without_room_for_the_steps_still_binds() {
        let comment = read(&(mark("c0ffee", &marks()) + "text\n")).unwrap();
        assert_eq!((comment.plan, comment.clouds.len()), (None, 2));
    }

    #[test]
    fn a_mark_that_is_quoted_or_further_down_is_none() {
        let mark = mark("c0ffee", &marks());
        for body in [
            format!("> {mark}"),
            format!("look:\n{mark}"),
            format!(" {mark}"),
            mark.replace("\"version\":1", "\"version\":2"),
            mark.replace(" -->", ""),
            "<!-- reglaze:plan -->".to_owned(),
            "<!-- reglaze:plan {\"version\":1} -->".to_owned(),
            String::new(),
        ] {
            assert_eq!(read(&body), None, "{body}");
        }
    }

    #[test]
    fn steps_in_the_middle_are_text() {
        let body = mark("c0ffee", &marks()) + &steps("{}") + "\nmore\n";
        assert_eq!(read(&body).unwrap().plan, None);
    }

    #[test]
    fn what_unpacks_to_no_end_or_to_nothing_is_not_taken() {
        let bomb = "0".repeat(usize::try_from(LARGEST_PLAN).unwrap() + 1);
        let line = steps(&bomb);
        assert!(line.len() < 100_000, "{}", line.len());
        for line in [
            line,
            format!("{STEPS}!!!{END}"),
            format!("{STEPS}{}{END}", STANDARD.encode(b"no gzip")),
            format!(
                "{STEPS}{}{END}",
                STANDARD.encode(
                    &STANDARD
                        .decode(
                            steps("{}")
                                .trim_end()
                                .strip_prefix(STEPS)
                                .unwrap()
                                .strip_suffix(END)
                                .unwrap()
                        )
                        .unwrap()[..12]
                )
            ),
        ] {
            let comment = read(&(mark("c0ffee", &marks()) + &line)).unwrap();
            assert_eq!(comment.plan, None);
        }
    }

    #[test]
    fn the_comment_to_edit_is_that_of_the_same_clouds() {
        let mark = mark("c0ffee", &marks());
        assert!(is_of(&mark, &["a --> <b>", "prod"]));
        assert!(!is_of(&mark, &["prod"]) && !is_of(&mark, &[]) && !is_of("hello", &[]));
        assert!(is_of(
            &mark.replace("\"version\":1", "\"version\":9"),
            &["prod", "a --> <b>"]
        ));
    }
}
