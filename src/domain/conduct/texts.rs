//! What we say in comments, each once, and the boxes by which people answer.

use crate::domain::forge::Comment;
use crate::domain::report::escape_markdown;

const HANDS_OFF: &str = "<!-- reglaze:hands-off -->";
const TAKE_OVER: &str = "<!-- reglaze:take-over -->";
const REBASE: &str = "<!-- reglaze:rebase -->";

/// What people have answered by ticking boxes, and what was said before.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Boxes {
    /// The branch is to be built anew.
    pub rebase: bool,
    /// Commits of people may be discarded.
    pub take_over: bool,
    /// The comment by which we said that we leave the branch alone.
    pub told: Option<u64>,
}

impl Boxes {
    /// Reads a description, and the comments that we wrote ourselves: `login` is who we are. Others' count for nothing,
    /// since anybody may write one.
    pub fn read(body: &str, comments: &[Comment], login: &str) -> Self {
        let mut ours = comments.iter().filter(|comment| comment.author == login);
        let told = ours.rfind(|comment| comment.body.contains(HANDS_OFF));
        Self {
            rebase: is_ticked(body, REBASE),
            take_over: told.is_some_and(|comment| is_ticked(&comment.body, TAKE_OVER)),
            told: told.map(|comment| comment.id),
        }
    }
}

/// Whether the box on the line of this hidden word is ticked.
pub(crate) fn is_ticked(text: &str, word: &str) -> bool {
    let mut lines = text.lines().filter(|line| line.contains(word));
    lines.any(|line| {
        let line = line.trim_start_matches([' ', '\t', '>']);
        ["- [x]", "- [X]", "* [x]", "* [X]"]
            .iter()
            .any(|ticked| line.starts_with(ticked))
    })
}

/// The line by which people ask for a rebuilt branch.
pub fn rebase_box() -> String {
    format!("- [ ] {REBASE}Build this branch anew on its base, at the next run.")
}

/// Said once when a person has worked on our branch.
pub fn hands_off(author: &str, commit: &str) -> String {
    format!(
        "{HANDS_OFF}\n{} has added commit {} to this branch, so reglaze leaves it alone from here on: newer versions come \
         to it no more, and merging or closing it is yours.\n\n\
         - [ ] {TAKE_OVER}Let reglaze take over again. **This discards every commit here that is not its own.**\n",
        escape_markdown(author),
        short(commit),
    )
}

/// What that comment becomes when we were asked to take over.
pub fn taken_over(commit: &str) -> String {
    format!(
        "reglaze was asked to take over again, and has built this branch anew. What it was before is commit {}.\n",
        short(commit)
    )
}

/// Whether a comment says that a person's commit keeps us away.
pub fn is_hands_off(text: &str) -> bool {
    text.contains(HANDS_OFF)
}

/// Said when a pull request is closed since there is nothing left to propose.
pub fn pointless(reasons: &[String]) -> String {
    let reasons: Vec<String> = reasons
        .iter()
        .map(|reason| format!("- {}", escape_markdown(reason)))
        .collect();
    format!(
        "There is nothing left to propose here, so reglaze closes this pull request and deletes its branch:\n\n{}\n",
        reasons.join("\n")
    )
}

fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(id: u64, author: &str, body: &str) -> Comment {
        Comment {
            id,
            node_id: String::new(),
            url: String::new(),
            body: body.to_owned(),
            author: author.to_owned(),
        }
    }

    #[test]
    fn a_box_counts_where_it_is_ours_and_ticked() {
        let said = hands_off("alice", "0123456789abcdef");
        let ticked = said.replace("- [ ]", "- [x]");
        let read = |comments: &[Comment]| Boxes::read(&rebase_box(), comments, "bot");
        assert_eq!(
            read(&[comment(1, "bot", &said)]),
            Boxes {
                rebase: false,
                take_over: false,
                told: Some(1)
            }
        );
        assert!(read(&[comment(1, "bot", &ticked)]).take_over);
        let forged = [comment(1, "bot", &said), comment(2, "mallory", &ticked)];
        assert_eq!(
            read(&forged),
            Boxes {
                rebase: false,
                take_over: false,
                told: Some(1)
            }
        );
        assert_eq!(
            read(&[comment(1, "bot", &taken_over("0123456789abcdef"))]).told,
            None
        );
    }

    #[test]
    fn a_rebase_is_asked_for_in_the_description() {
        let ticked = rebase_box().replace("- [ ]", "- [x]");
        assert!(Boxes::read(&format!("a\r\n{ticked}\r\n"), &[], "bot").rebase);
        assert!(!Boxes::read(&rebase_box(), &[], "bot").rebase);
        assert!(!Boxes::read("- [x] something else", &[], "bot").rebase);
    }

    #[test]
    fn nobody_is_mentioned() {
        let text = hands_off("@team <b>", "0123456789abcdef") + &pointless(&["@all".to_owned()]);
        assert!(!text.contains("@t") && !text.contains("@a") && !text.contains("<b>"));
    }
}
