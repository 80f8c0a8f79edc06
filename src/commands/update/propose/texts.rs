//! Descriptions with what is known of this run: where it goes, with whose token.

use url::Url;

use super::Base;
use crate::domain::conduct::{self, Marker};
use crate::domain::proposal::{Around, Body, Group, body};
use crate::github::Place;

/// The platform's limit, in characters.
const LONGEST: usize = 65_536;

/// What a prefilled page may have for its address.
const LONGEST_URL: usize = 7_000;

/// What descriptions say that is not of their group.
pub struct Texts<'a> {
    pub place: &'a Place,
    pub base: &'a Base,
    /// Whether what we do starts no workflows, as with the token of a job.
    pub starts_nothing: bool,
}

impl Texts<'_> {
    /// A description with our part in its place, and the whole of what had to be cut from it.
    pub fn body(&self, group: &Group, marker: &Marker, before: &str) -> Body {
        let hidden = conduct::block(marker, "").chars().count() + 8;
        let others = conduct::others_length(before);
        let around = Around {
            merge: self.merge(),
            rebase: conduct::rebase_box(),
            rest_is: self.place.run_page().map_or_else(
                || "in the report of the run".to_owned(),
                |_| "in the summary of the run that wrote this".to_owned(),
            ),
            limit: LONGEST.saturating_sub(hidden + others),
            ..Around::default()
        };
        let Body { text, rest } = body(group, &around);
        Body {
            text: conduct::in_place(before, &conduct::block(marker, &text)),
            rest,
        }
    }

    /// What a merge will do, and what this token keeps from happening.
    fn merge(&self) -> Vec<String> {
        let mut sentences = vec![format!(
            "A merge puts these versions into the definitions on `{}`. A workflow that applies them there (`reglaze apply`) then uploads \
             each image, proves its bytes by the digest above, gives it the catalogue name, and moves the one before aside, as the \
             catalogue's policy says.",
            self.base.name
        )];
        if self.starts_nothing {
            sentences.push(
                "This pull request was opened with the token of a workflow, whose events start no other workflows: checks wait until \
                 somebody approves or starts them, or closes and reopens this pull request; and a merge by itself starts no \
                 deployment, while a person's merge does. With a GitHub App (`REGLAZE_GITHUB_APP_ID`, `REGLAZE_GITHUB_APP_KEY`) both \
                 start by themselves."
                    .to_owned(),
            );
        }
        sentences
    }

    /// The page on which a person can open a pull request that we may not.
    pub fn compare_page(&self, branch: &str, title: &str) -> String {
        let page = format!(
            "{}/compare/{}...{branch}",
            self.place.page(),
            self.base.name
        );
        let Ok(mut url) = Url::parse(&page) else {
            return page;
        };
        url.query_pairs_mut()
            .append_pair("expand", "1")
            .append_pair("title", title);
        let filled = url.to_string();
        if filled.len() > LONGEST_URL {
            page
        } else {
            filled
        }
    }
}
