//! How users and the repository look in REST answers.

use serde_json::{Map, Value, json};

use super::tokens::{Access, Caller};
use super::world::World;

/// The number of a login, always the same.
pub fn number_of(login: &str) -> u64 {
    let hash = login.bytes().fold(5381_u64, |hash, byte| {
        hash.wrapping_mul(33) ^ u64::from(byte)
    });
    hash % 1_000_000 + 1
}

pub fn is_bot(login: &str) -> bool {
    login.ends_with("[bot]")
}

pub fn user(world: &World, login: &str) -> Value {
    let kind = if is_bot(login) { "Bot" } else { "User" };
    let number = number_of(login);
    let in_url = login.replace('[', "%5B").replace(']', "%5D");
    let api = format!("{}/users/{in_url}", world.url);
    let page = match login.strip_suffix("[bot]") {
        Some(slug) => format!("https://github.com/apps/{slug}"),
        None => format!("https://github.com/{login}"),
    };
    let mut user = json!({
        "login": login,
        "id": number,
        "node_id": format!("U_{number}"),
        "avatar_url": format!("https://avatars.githubusercontent.com/u/{number}?v=4"),
        "gravatar_id": "",
        "url": api,
        "html_url": page,
        "type": kind,
        "user_view_type": "public",
        "site_admin": false,
    });
    for word in [
        "followers",
        "subscriptions",
        "organizations",
        "repos",
        "received_events",
    ] {
        user[format!("{word}_url")] = format!("{api}/{word}").into();
    }
    user["following_url"] = format!("{api}/following{{/other_user}}").into();
    user["gists_url"] = format!("{api}/gists{{/gist_id}}").into();
    user["starred_url"] = format!("{api}/starred{{/owner}}{{/repo}}").into();
    user["events_url"] = format!("{api}/events{{/privacy}}").into();
    user
}

pub fn users(world: &World, logins: &[String]) -> Vec<Value> {
    logins.iter().map(|login| user(world, login)).collect()
}

/// What somebody is told who asks who they are.
pub fn whole_user(world: &World, login: &str) -> Value {
    let mut whole = user(world, login);
    for word in ["name", "company", "location", "email", "hireable", "bio"] {
        whole[word] = Value::Null;
    }
    whole["blog"] = "".into();
    for word in ["public_repos", "public_gists", "followers", "following"] {
        whole[word] = 0.into();
    }
    whole["created_at"] = "2020-01-01T00:00:00Z".into();
    whole["updated_at"] = "2020-01-01T00:00:00Z".into();
    whole
}

/// Fields whose value is an address of the same name, and what follows it.
const LINKS: [(&str, &str); 37] = [
    ("archive", "/{archive_format}{/ref}"),
    ("assignees", "/assignees{/user}"),
    ("blobs", "/git/blobs{/sha}"),
    ("branches", "/branches{/branch}"),
    ("collaborators", "/collaborators{/collaborator}"),
    ("comments", "/comments{/number}"),
    ("commits", "/commits{/sha}"),
    ("compare", "/compare/{base}...{head}"),
    ("contents", "/contents/{+path}"),
    ("contributors", "/contributors"),
    ("deployments", "/deployments"),
    ("downloads", "/downloads"),
    ("events", "/events"),
    ("forks", "/forks"),
    ("git_commits", "/git/commits{/sha}"),
    ("git_refs", "/git/refs{/sha}"),
    ("git_tags", "/git/tags{/sha}"),
    ("hooks", "/hooks"),
    ("issue_comment", "/issues/comments{/number}"),
    ("issue_events", "/issues/events{/number}"),
    ("issues", "/issues{/number}"),
    ("keys", "/keys{/key_id}"),
    ("labels", "/labels{/name}"),
    ("languages", "/languages"),
    ("merges", "/merges"),
    ("milestones", "/milestones{/number}"),
    ("notifications", "/notifications{?since,all,participating}"),
    ("pulls", "/pulls{/number}"),
    ("releases", "/releases{/id}"),
    ("stargazers", "/stargazers"),
    ("statuses", "/statuses/{sha}"),
    ("subscribers", "/subscribers"),
    ("subscription", "/subscription"),
    ("tags", "/tags"),
    ("teams", "/teams"),
    ("trees", "/git/trees{/sha}"),
    ("", ""),
];

/// The repository, or the fork of it that somebody has.
pub fn repository(world: &World, owner: &str) -> Value {
    let full_name = format!("{owner}/{}", world.name);
    let api = format!("{}/repos/{full_name}", world.url);
    let page = format!("https://github.com/{full_name}");
    let is_fork = owner != world.owner;
    let number = number_of(&full_name);
    let mut fields = Map::new();
    for (word, rest) in LINKS {
        let name = if word.is_empty() {
            "url".to_owned()
        } else {
            format!("{word}_url")
        };
        fields.insert(name, format!("{api}{rest}").into());
    }
    let rest = json!({
        "id": number,
        "node_id": format!("R_{number}"),
        "name": world.name,
        "full_name": full_name,
        "owner": user(world, owner),
        "private": world.settings.private,
        "visibility": if world.settings.private { "private" } else { "public" },
        "html_url": page,
        "description": null,
        "fork": is_fork,
        "default_branch": world.settings.default_branch,
        "archived": world.settings.archived && !is_fork,
        "disabled": false,
        "has_issues": world.settings.has_issues && !is_fork,
        "has_projects": false, "has_wiki": false, "has_pages": false, "has_downloads": false,
        "has_discussions": false,
    });
    let more = json!({
        "homepage": null, "language": null, "license": null, "mirror_url": null,
        "is_template": false, "topics": [], "allow_forking": true, "web_commit_signoff_required": false,
        "git_url": format!("git://github.com/{full_name}.git"),
        "ssh_url": format!("git@github.com:{full_name}.git"),
        "clone_url": format!("{page}.git"),
        "svn_url": page,
        "forks": 0, "forks_count": 0, "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 1,
        "open_issues": open_issues(world), "open_issues_count": open_issues(world),
        "created_at": "2020-01-01T00:00:00Z", "updated_at": world.now(), "pushed_at": world.now(),
    });
    for part in [rest, more] {
        fields.extend(part.as_object().expect("an object").clone());
    }
    Value::Object(fields)
}

fn open_issues(world: &World) -> usize {
    world.issues.values().filter(|issue| issue.is_open).count()
}

/// The repository, as it is told to somebody who asks for it alone.
pub fn whole_repository(world: &World, caller: &Caller) -> Value {
    let mut whole = repository(world, &world.owner);
    let may_push = caller.may("contents", Access::Write);
    whole["permissions"] = json!({"admin": false, "maintain": false, "push": may_push, "triage": may_push, "pull": true});
    whole["network_count"] = 0.into();
    whole["subscribers_count"] = 0.into();
    // Those who may not write do not hear of these.
    if may_push {
        whole["allow_auto_merge"] = world.settings.allow_auto_merge.into();
        whole["delete_branch_on_merge"] = world.settings.delete_branch_on_merge.into();
        for word in [
            "allow_merge_commit",
            "allow_squash_merge",
            "allow_rebase_merge",
        ] {
            whole[word] = true.into();
        }
        whole["allow_update_branch"] = true.into();
    }
    whole
}
