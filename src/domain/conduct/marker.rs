//! Our part of a description: a block between two comments that nobody sees. What people write around it is theirs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::markdown::hidden_json;

/// The form of our texts. Another one makes the next run write them anew.
pub const FORM: u32 = 1;

const BEGIN: &str = "<!-- reglaze:begin ";
const END: &str = "<!-- reglaze:end -->";
const CLOSE: &str = " -->";

/// What the hidden line of a description says to the next run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marker {
    /// [`FORM`] when it was written.
    pub form: u32,
    /// The group's key.
    pub group: String,
    /// What is proposed: for each image the version and its digest.
    pub changes: BTreeMap<String, String>,
    /// The title that we gave; if it is another one now, a person gave that.
    pub title: String,
    /// Whether labels and the like were set, which is done once.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dressed: bool,
    /// For which commit everything was done; absent: something is still to be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<Built>,
    /// Whether we closed it ourselves, so that it is nobody's answer.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
    /// Whether the answer that closing it gave was taken back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lifted: bool,
}

/// A commit of ours, and what it was built on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Built {
    /// Its hash.
    pub commit: String,
    /// The commit of the base below it.
    pub base: String,
    /// What the files are with it.
    pub files: String,
}

impl Marker {
    /// Reads it out of a description.
    pub fn read(body: &str) -> Option<Self> {
        let rest = &body[body.find(BEGIN)? + BEGIN.len()..];
        let json = &rest[..rest.find(CLOSE)?];
        serde_json::from_str(json).ok()
    }

    /// The hidden line. Nothing in it can end the comment.
    fn line(&self) -> String {
        format!("{BEGIN}{}{CLOSE}", hidden_json(self))
    }
}

/// Our part of a description.
pub fn block(marker: &Marker, text: &str) -> String {
    format!("{}\n{}\n{END}", marker.line(), text.trim_end())
}

/// A description with our part replaced. What stands around it stays; where there is none of ours, it comes last.
pub fn in_place(body: &str, block: &str) -> String {
    // The platform gives line ends as browsers send them.
    let (before, after) = match parts(body) {
        Some((before, _, after)) => (before, after),
        None if body.trim().is_empty() => ("", ""),
        None => return format!("{}\n\n{block}", body.trim_end()),
    };
    format!("{before}{block}{after}")
}

/// A description with nothing but our hidden line replaced.
pub fn marked(body: &str, marker: &Marker) -> String {
    let Some(begin) = body.find(BEGIN) else {
        return in_place(body, &block(marker, ""));
    };
    let rest = &body[begin..];
    let after = rest
        .find(CLOSE)
        .map_or("", |end| &rest[end + CLOSE.len()..]);
    format!("{}{}{after}", &body[..begin], marker.line())
}

/// How many characters of a description are people's.
pub fn others_length(body: &str) -> usize {
    match parts(body) {
        Some((before, _, after)) => before.chars().count() + after.chars().count(),
        None => body.chars().count(),
    }
}

/// What stands before our part, our part, and what stands after it.
pub(super) fn parts(body: &str) -> Option<(&str, &str, &str)> {
    let begin = body.find(BEGIN)?;
    let end = body[begin..].find(END).map(|at| begin + at + END.len())?;
    Some((&body[..begin], &body[begin..end], &body[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        let changes = [("Ubuntu --> <!-- 24.04".to_owned(), "2 sha256:ab".to_owned())];
        Marker {
            form: FORM,
            group: "ubuntu".to_owned(),
            changes: changes.into(),
            title: "Ubuntu -- 24.04".to_owned(),
            ..Marker::default()
        }
    }

    #[test]
    fn the_hidden_line_survives_whatever_it_holds() {
        let body = block(&marker(), "text");
        assert_eq!(Marker::read(&body), Some(marker()));
        let (line, _) = body.split_once('\n').unwrap();
        assert_eq!(line.matches("-->").count(), 1);
        assert_eq!(line.matches("<!--").count(), 1);
        assert_eq!(Marker::read(&body.replace('\n', "\r\n")), Some(marker()));
    }

    #[test]
    fn what_people_write_around_our_part_stays() {
        let first = block(&marker(), "first");
        let body = format!("Please wait for Monday.\n\n{first}\n\nSeen by alice.");
        let second = block(&marker(), "second");
        let edited = in_place(&body, &second);
        assert_eq!(
            edited,
            format!("Please wait for Monday.\n\n{second}\n\nSeen by alice.")
        );
        assert_eq!(others_length(&edited), others_length(&body));
    }

    #[test]
    fn without_our_part_it_comes_after_the_text_of_the_person() {
        let block = block(&marker(), "text");
        assert_eq!(in_place("Mine.\n", &block), format!("Mine.\n\n{block}"));
        assert_eq!(in_place(" \n", &block), block);
        assert_eq!(Marker::read("<!-- reglaze:begin nonsense -->"), None);
    }
}
