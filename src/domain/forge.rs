//! What a forge such as GitHub has of ours, as values: branches, pull requests, comments. Asking for them is the edge's.

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};

use super::checksum::hex;

/// A repository, as far as proposals depend on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// `owner/name`, as the forge spells it.
    pub full_name: String,
    /// The ID that GraphQL wants.
    pub node_id: String,
    /// The branch that is checked out where none is said.
    pub default_branch: String,
    /// Whether a pull request may be merged as soon as its checks allow it; absent: not told to this token.
    pub allows_auto_merge: Option<bool>,
    /// Whether it can still be written to.
    pub archived: bool,
    /// Whether it has issues.
    pub has_issues: bool,
}

/// Where a branch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The commit's hash.
    pub commit: String,
    /// The hash of its tree.
    pub tree: String,
}

/// A branch and the commit that it is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Its name, without `refs/heads/`.
    pub name: String,
    /// The commit's hash.
    pub commit: String,
}

/// A file of a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeFile {
    /// Its path from the root, with slashes.
    pub path: String,
    /// The name of its content in git.
    pub blob: String,
    /// `100644`, `100755`, `120000` for a link.
    pub mode: String,
}

/// A file as a commit is to have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFile {
    /// Its path from the root.
    pub path: String,
    /// The whole of it.
    pub text: String,
}

/// A pull request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own at the forge"
)]
pub struct PullRequest {
    /// The number that people use.
    pub number: u64,
    /// The ID that GraphQL wants.
    pub node_id: String,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its description; empty if there is none.
    pub body: String,
    /// Whether it can still be merged.
    pub is_open: bool,
    /// Whether it was merged.
    pub is_merged: bool,
    /// Whether it is a draft.
    pub is_draft: bool,
    /// Whether it is to be merged by itself.
    pub merges_itself: bool,
    /// The branch that it is from, without the owner.
    pub branch: String,
    /// The commit at its head.
    pub head: String,
    /// The branch that it goes to.
    pub base: String,
    /// Whether its branch lies in another repository, a fork.
    pub is_from_fork: bool,
    /// The login of who opened it.
    pub author: String,
    /// The commit that merging it made.
    pub merge_commit: Option<String>,
    /// When it was closed, as RFC 3339.
    pub closed_at: Option<String>,
}

/// What a branch has that its base has not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Comparison {
    /// The newest commit that both have.
    pub merge_base: String,
    /// How many commits of the base are not on the branch.
    pub behind: u64,
    /// The commits that only the branch has, oldest first.
    pub commits: Vec<Commit>,
    /// The files that differ between the merge base and the branch.
    pub files: Vec<ChangedFile>,
    /// Whether the lists above are all there is.
    pub is_whole: bool,
}

/// A commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Its hash.
    pub id: String,
    /// Its message.
    pub message: String,
    /// Who wrote it: a login, else a name.
    pub author: String,
    /// Its parents.
    pub parents: Vec<String>,
}

/// A file that differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangedFile {
    /// Its path.
    pub path: String,
    /// The name of its content in git, on the branch.
    pub blob: Option<String>,
    /// `added`, `modified`, `removed`, `renamed`.
    pub status: String,
    /// The difference in the unified format; absent where the forge does not give it.
    pub patch: Option<String>,
}

/// A comment on a pull request or an issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Its ID.
    pub id: u64,
    /// The ID that GraphQL wants; empty where there is no GraphQL.
    pub node_id: String,
    /// Its page.
    pub url: String,
    /// Its text.
    pub body: String,
    /// The login of who wrote it.
    pub author: String,
}

/// The last change of a comment's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LastEdit {
    /// It stands as it was written.
    None,
    /// By this login.
    By(String),
    /// By somebody whom the forge does not know any more.
    ByUnknown,
}

/// An issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The number that people use.
    pub number: u64,
    /// Its page.
    pub url: String,
    /// Its title.
    pub title: String,
    /// Its text; empty if there is none.
    pub body: String,
    /// Whether it is open.
    pub is_open: bool,
    /// The login of who opened it.
    pub author: String,
}

/// What is to change of a pull request or an issue; absent: it stays.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Edit<'a> {
    /// The title.
    pub title: Option<&'a str>,
    /// The text.
    pub body: Option<&'a str>,
    /// Whether it is open.
    pub is_open: Option<bool>,
}

/// A pull request that is not there yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPullRequest<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its description.
    pub body: &'a str,
    /// The branch that it is from.
    pub branch: &'a str,
    /// The branch that it goes to.
    pub base: &'a str,
    /// Whether it is a draft.
    pub is_draft: bool,
}

/// What a pull request or an issue wears; absent: it stays, and each list replaces the one that is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dress<'a> {
    /// All its labels.
    pub labels: Option<&'a [String]>,
    /// All logins to whom it is assigned.
    pub assignees: Option<&'a [String]>,
    /// The number of its milestone.
    pub milestone: Option<u64>,
    /// Its text.
    pub body: Option<&'a str>,
}

/// A file that a run has left at the forge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its ID.
    pub id: u64,
    /// Its name.
    pub name: String,
    /// How large it is when it comes, in bytes.
    pub size: u64,
    /// Whether its content is gone.
    pub is_expired: bool,
    /// When it was made, as RFC 3339.
    pub created_at: Option<String>,
    /// The run that left it.
    pub run: Option<u64>,
    /// The commit that the run was of.
    pub commit: Option<String>,
}

/// What became of something that was to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// It was made.
    Done,
    /// It was there already, and stayed as it was.
    Exists,
}

/// How a pull request becomes part of its base.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MergeMethod {
    /// By a commit with two parents.
    Merge,
    /// By one new commit.
    Squash,
    /// By its commits, one after another on the base.
    Rebase,
}

impl MergeMethod {
    /// The word that REST uses; GraphQL has it in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Merge => "merge",
            Self::Squash => "squash",
            Self::Rebase => "rebase",
        }
    }
}

/// The name that git gives to a content.
pub fn blob(bytes: &[u8]) -> String {
    let mut hash = Sha1::new();
    hash.update(format!("blob {}\0", bytes.len()));
    hash.update(bytes);
    hex(&hash.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_has_the_name_that_git_gives_it() {
        // `printf 'what is up, doc?' | git hash-object --stdin`
        assert_eq!(
            blob(b"what is up, doc?"),
            "bd9dbf5aae1a3862dd1526723246b20206e5fc37"
        );
    }
}
