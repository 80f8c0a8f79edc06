//! GitHub's JSON, as far as it is read, and the values that come of it.

use serde::Deserialize;

use crate::domain::forge;

#[derive(Deserialize)]
pub(super) struct User {
    pub login: String,
}

/// The login of whoever did it; GitHub shows people who are gone as `ghost`.
pub(super) fn login(user: Option<User>) -> String {
    user.map_or_else(|| "ghost".to_owned(), |user| user.login)
}

#[derive(Deserialize)]
pub(super) struct About {
    full_name: String,
    node_id: String,
    default_branch: String,
    #[serde(default)]
    allow_auto_merge: Option<bool>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    has_issues: bool,
}

impl From<About> for forge::About {
    fn from(about: About) -> Self {
        Self {
            full_name: about.full_name,
            node_id: about.node_id,
            default_branch: about.default_branch,
            allows_auto_merge: about.allow_auto_merge,
            archived: about.archived,
            has_issues: about.has_issues,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Object {
    pub sha: String,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    #[serde(rename = "ref")]
    pub name: String,
    pub object: Object,
}

#[derive(Deserialize)]
pub(super) struct PullRequest {
    number: u64,
    node_id: String,
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    merged_at: Option<String>,
    #[serde(default)]
    closed_at: Option<String>,
    #[serde(default)]
    merge_commit_sha: Option<String>,
    #[serde(default)]
    auto_merge: Option<serde_json::Value>,
    #[serde(default)]
    user: Option<User>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    name: String,
    sha: String,
    #[serde(default)]
    repo: Option<Named>,
}

#[derive(Deserialize)]
struct Named {
    full_name: String,
}

impl From<PullRequest> for forge::PullRequest {
    fn from(found: PullRequest) -> Self {
        let is_merged = found.merged_at.is_some();
        // A fork that was deleted is null.
        let is_from_fork = match (&found.head.repo, &found.base.repo) {
            (Some(head), Some(base)) => !head.full_name.eq_ignore_ascii_case(&base.full_name),
            _ => true,
        };
        Self {
            number: found.number,
            node_id: found.node_id,
            url: found.html_url,
            title: found.title,
            body: found.body.unwrap_or_default(),
            is_open: found.state == "open",
            is_merged,
            is_draft: found.draft,
            merges_itself: found.auto_merge.is_some(),
            branch: found.head.name,
            head: found.head.sha,
            base: found.base.name,
            is_from_fork,
            author: login(found.user),
            // Of an open one it is GitHub's own try.
            merge_commit: found.merge_commit_sha.filter(|_| is_merged),
            closed_at: found.closed_at,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Comparison {
    merge_base_commit: Object,
    behind_by: u64,
    #[serde(default)]
    total_commits: u64,
    #[serde(default)]
    commits: Vec<Commit>,
    #[serde(default)]
    files: Vec<ChangedFile>,
}

/// GitHub lists no more files of a comparison.
const MOST_FILES: usize = 300;

impl From<Comparison> for forge::Comparison {
    fn from(found: Comparison) -> Self {
        let is_whole =
            found.total_commits <= found.commits.len() as u64 && found.files.len() < MOST_FILES;
        Self {
            merge_base: found.merge_base_commit.sha,
            behind: found.behind_by,
            commits: found.commits.into_iter().map(Into::into).collect(),
            files: found.files.into_iter().map(Into::into).collect(),
            is_whole,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Commit {
    sha: String,
    #[serde(rename = "commit")]
    inner: Inner,
    #[serde(default)]
    author: Option<Author>,
    #[serde(default)]
    parents: Vec<Object>,
}

#[derive(Deserialize)]
struct Inner {
    message: String,
    #[serde(default)]
    author: Option<Person>,
}

/// `{}` where no account has the address.
#[derive(Deserialize)]
struct Author {
    #[serde(default)]
    login: Option<String>,
}

#[derive(Deserialize)]
struct Person {
    #[serde(default)]
    name: Option<String>,
}

impl From<Commit> for forge::Commit {
    fn from(found: Commit) -> Self {
        let login = found.author.and_then(|author| author.login);
        let name = found.inner.author.and_then(|person| person.name);
        Self {
            id: found.sha,
            message: found.inner.message,
            author: login.or(name).unwrap_or_default(),
            parents: found.parents.into_iter().map(|parent| parent.sha).collect(),
        }
    }
}

#[derive(Deserialize)]
struct ChangedFile {
    filename: String,
    #[serde(default)]
    sha: Option<String>,
    status: String,
    #[serde(default)]
    patch: Option<String>,
}

impl From<ChangedFile> for forge::ChangedFile {
    fn from(found: ChangedFile) -> Self {
        let is_removed = found.status == "removed";
        Self {
            path: found.filename,
            // Of a removed file it is the content that was.
            blob: found.sha.filter(|_| !is_removed),
            status: found.status,
            patch: found.patch,
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Comment {
    id: u64,
    #[serde(default)]
    node_id: String,
    html_url: String,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    user: Option<User>,
}

impl From<Comment> for forge::Comment {
    fn from(found: Comment) -> Self {
        Self {
            id: found.id,
            node_id: found.node_id,
            url: found.html_url,
            body: found.body.unwrap_or_default(),
            author: login(found.user),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Issue {
    number: u64,
    html_url: String,
    title: String,
    #[serde(default)]
    body: Option<String>,
    state: String,
    #[serde(default)]
    user: Option<User>,
    /// There for pull requests, which are issues too.
    #[serde(default)]
    pub pull_request: Option<serde_json::Value>,
}

impl From<Issue> for forge::Issue {
    fn from(found: Issue) -> Self {
        Self {
            number: found.number,
            url: found.html_url,
            title: found.title,
            body: found.body.unwrap_or_default(),
            is_open: found.state == "open",
            author: login(found.user),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Artifact {
    id: u64,
    name: String,
    #[serde(default)]
    size_in_bytes: u64,
    #[serde(default)]
    expired: bool,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    workflow_run: Option<Run>,
}

#[derive(Deserialize)]
struct Run {
    #[serde(default)]
    id: Option<u64>,
    #[serde(default)]
    head_sha: Option<String>,
}

impl From<Artifact> for forge::Artifact {
    fn from(found: Artifact) -> Self {
        let (run, commit) = found
            .workflow_run
            .map_or((None, None), |run| (run.id, run.head_sha));
        Self {
            id: found.id,
            name: found.name,
            size: found.size_in_bytes,
            is_expired: found.expired,
            created_at: found.created_at,
            run,
            commit,
        }
    }
}
