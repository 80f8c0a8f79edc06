//! Comparisons of two commits, and the files that differ, by REST.

use serde_json::{Value, json};

use super::gitdata;
use super::pages;
use super::repository::Difference;
use super::request::{Answer, Answered, Body, Request};
use super::world::World;

/// `GET compare/BASE...HEAD`; each is a branch, one of a fork as `OWNER:BRANCH`, or a commit.
pub fn compare(world: &World, request: &Request, names: &str) -> Answered {
    let (base, head) = names.split_once("...").ok_or_else(Answer::missing)?;
    let base = find(world, base).ok_or_else(Answer::missing)?;
    let head = find(world, head).ok_or_else(Answer::missing)?;
    let Some(fork) = world.git.merge_base(&base, &head) else {
        return Err(Answer::error(404, "No common ancestor between the two"));
    };
    let ahead = world.git.between(&base, &head);
    let behind = world.git.between(&head, &base).len();
    let (most_commits, most_files) = world.settings.comparison_size;
    let page = pages::Page::of(request, most_commits, most_commits);
    // The files come with the first page only.
    let mut files = Vec::new();
    if page.number == 1 {
        files = world.git.differences(&fork, &head);
        files.truncate(most_files);
    }
    let shown = page
        .cut(&ahead)
        .iter()
        .map(|oid| gitdata::rich(world, &world.commit(oid)));
    let link = pages::link(world, request, &page, ahead.len());
    let page_of = format!("{}/compare/{base}...{head}", world.page());
    let body = json!({
        "url": format!("{}/compare/{names}", world.api()),
        "html_url": page_of,
        "permalink_url": page_of,
        "diff_url": format!("{page_of}.diff"),
        "patch_url": format!("{page_of}.patch"),
        "base_commit": gitdata::rich(world, &world.commit(&base)),
        "merge_base_commit": gitdata::rich(world, &world.commit(&fork)),
        "status": match (ahead.len(), behind) {
            (0, 0) => "identical",
            (_, 0) => "ahead",
            (0, _) => "behind",
            _ => "diverged",
        },
        "ahead_by": ahead.len(),
        "behind_by": behind,
        "total_commits": ahead.len(),
        "commits": shown.collect::<Vec<_>>(),
        "files": files.iter().map(|file| changed_file(world, &head, file)).collect::<Vec<_>>(),
    });
    let answer = Answer::new(200, Body::Json(body));
    Ok(match link {
        Some(link) => answer.with("link", link),
        None => answer,
    })
}

fn find(world: &World, name: &str) -> Option<String> {
    let (owner, branch) = name.split_once(':').unwrap_or((&world.owner, name));
    world
        .git
        .reference(&world.reference(owner, branch))
        .or_else(|| world.git.resolve(name))
}

pub fn changed_file(world: &World, commit: &str, file: &Difference) -> Value {
    let mut shape = json!({
        "sha": file.oid,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": format!("{}/blob/{commit}/{}", world.page(), file.path),
        "raw_url": format!("{}/raw/{commit}/{}", world.page(), file.path),
        "contents_url": format!("{}/contents/{}?ref={commit}", world.api(), file.path),
    });
    if !file.patch.is_empty() {
        shape["patch"] = file.patch.trim_end_matches('\n').into();
    }
    if let Some(before) = &file.before {
        shape["previous_filename"] = before.as_str().into();
    }
    shape
}
