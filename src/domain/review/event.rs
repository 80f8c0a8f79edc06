//! The event that started a job, as GitHub writes it to the file in `GITHUB_EVENT_PATH`.
//!
//! Its fields: <https://docs.github.com/en/webhooks/webhook-events-and-payloads#pull_request>.

use serde::Deserialize;

/// A pull request that an event is of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its number.
    pub number: u64,
    /// Its last commit.
    pub head: Option<String>,
    /// The commit of its base.
    pub base: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    number: Option<u64>,
    pull_request: Option<PullRequest>,
}

#[derive(Deserialize)]
struct PullRequest {
    number: Option<u64>,
    head: Option<End>,
    base: Option<End>,
}

#[derive(Deserialize)]
struct End {
    sha: Option<String>,
}

/// Reads an event; nothing if it is of no pull request.
///
/// An issue's event has `issue.number`, and `number` nowhere: a comment starts no plan.
pub fn read(text: &str) -> Option<Event> {
    let document: Document = serde_json::from_str(text).ok()?;
    let (pull_request, number) = (document.pull_request, document.number);
    let of = pull_request
        .as_ref()
        .and_then(|pull| pull.number)
        .or(number)?;
    let commit = |end: Option<End>| end?.sha.filter(|sha| is_commit(sha));
    let (head, base) = pull_request.map_or((None, None), |pull| (pull.head, pull.base));
    Some(Event {
        number: of,
        head: commit(head),
        base: commit(base),
    })
}

/// Whether a text is a full hash, of SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pull_request_tells_its_number_and_both_ends() {
        let (head, base) = ("a".repeat(40), "b".repeat(40));
        let text = format!(
            r#"{{"action": "synchronize", "number": 7, "pull_request": {{"number": 7, "title": "x",
               "head": {{"sha": "{head}", "ref": "f"}}, "base": {{"sha": "{base}"}}}}}}"#
        );
        let event = read(&text).unwrap();
        assert_eq!(
            (event.number, event.head, event.base),
            (7, Some(head), Some(base))
        );
    }

    #[test]
    fn a_number_alone_is_enough() {
        let event = read(r#"{"number": 7}"#).unwrap();
        assert_eq!((event.number, event.head), (7, None));
        let event = read(r#"{"pull_request": {"number": 8, "head": {"sha": "../x"}}}"#).unwrap();
        assert_eq!((event.number, event.head), (8, None));
    }

    #[test]
    fn a_push_a_timer_and_an_issue_are_of_no_pull_request() {
        for text in [
            "",
            "{}",
            "[]",
            "null",
            r#"{"ref": "refs/heads/main", "after": "c"}"#,
            r#"{"schedule": "0 4 * * *"}"#,
            r#"{"issue": {"number": 7, "pull_request": {}}}"#,
            r#"{"pull_request": null}"#,
            r#"{"number": -1}"#,
            r#"{"number": "7"}"#,
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
