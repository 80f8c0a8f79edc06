//! Releases of a repository on GitHub: the newest by its tag, and the one file of it that is the image.
//!
//! The format: <https://docs.github.com/rest/releases/releases#list-releases>.

use serde_json::Value;

use super::{Ask, Document, Find, IndexError, Kind, Step};
use crate::domain::pattern::Pattern;
use crate::domain::source::Engine;

/// Releases of a page, the most that the API gives.
const PER_PAGE: usize = 100;

/// The API lists the last ones first; who has more of them than this numbers them no more by hand.
const MOST_PAGES: usize = 10;

/// A release that counts.
struct Release<'a> {
    find: Find,
    tag: &'a str,
    value: &'a Value,
    told_by: &'a Document,
}

pub(super) fn step(ask: &Ask) -> Result<Step, IndexError> {
    let Engine::Github {
        repository,
        tag,
        asset,
        prereleases,
    } = &ask.index.engine
    else {
        return Ok(Step::Need(Vec::new()));
    };
    let repository = ask.fill(repository)?;
    let pattern = ask.pattern(tag)?;
    let mut releases: Vec<Release> = Vec::new();
    let mut count = 0;
    for page in 1..=MOST_PAGES {
        let url = page_url(&repository, page);
        let document = match ask.document(&url, Kind::Json) {
            Ok(document) => document,
            Err(need) => return Ok(need),
        };
        let listed = document
            .json()?
            .as_array()
            .ok_or_else(|| malformed(document, "it is no list"))?;
        count += listed.len();
        for value in listed {
            let tag = value["tag_name"]
                .as_str()
                .ok_or_else(|| malformed(document, "a release in it has no `tag_name`"))?;
            let says = |key: &str| value[key].as_bool().unwrap_or_default();
            if says("draft") || (says("prerelease") && !prereleases) {
                continue;
            }
            if let Some(find) = Find::new(&pattern, tag, ask.variables) {
                releases.push(Release {
                    find: find.with("tag", tag),
                    tag,
                    value,
                    told_by: document,
                });
            }
        }
        if listed.len() < PER_PAGE {
            break;
        }
    }
    let newest = releases
        .iter()
        .max_by(|left, right| ask.compare(&left.find, &right.find))
        .ok_or_else(|| IndexError::Absent {
            url: page_url(&repository, 1),
            found: format!("{count} releases"),
            expected: format!("one whose tag matches `{pattern}`"),
        })?;
    let rival = releases.iter().find(|release| {
        release.find.build() == newest.find.build()
            && release.find.variables != newest.find.variables
    });
    if let Some(rival) = rival {
        return Err(ambiguous(newest.told_by, &pattern, newest.tag, rival.tag));
    }
    let mut find = newest.find.clone();
    if let Some(published) = newest.value["published_at"].as_str() {
        // A date and a time, of which days are enough.
        find = find.with("date", published.get(..10).unwrap_or(published));
    }
    let find = match asset {
        Some(asset) => add_asset(ask, newest, &find, asset)?,
        None => find,
    };
    ask.found(&newest.told_by.url, &find)
}

fn page_url(repository: &str, page: usize) -> String {
    let url = format!("https://api.github.com/repos/{repository}/releases?per_page={PER_PAGE}");
    if page == 1 {
        url
    } else {
        format!("{url}&page={page}")
    }
}

/// Adds the one file of a release that matches, where it is and what its digest is.
fn add_asset(ask: &Ask, release: &Release, find: &Find, pattern: &str) -> Result<Find, IndexError> {
    let document = release.told_by;
    let pattern = ask.pattern_with(pattern, &find.variables)?;
    let assets = release.value["assets"]
        .as_array()
        .ok_or_else(|| malformed(document, "a release in it has no list `assets`"))?;
    let mut matching = assets.iter().filter_map(|asset| {
        // A file that is still being uploaded has the state `starter` or `open`.
        let is_whole = asset["state"]
            .as_str()
            .is_none_or(|state| state == "uploaded");
        let name = asset["name"].as_str().filter(|_| is_whole)?;
        Some((Find::new(&pattern, name, &find.variables)?, name, asset))
    });
    let (found, name, asset) = matching.next().ok_or_else(|| IndexError::Absent {
        url: document.url.clone(),
        found: format!("{} files of release `{}`", assets.len(), release.tag),
        expected: format!("one whose name matches `{pattern}`"),
    })?;
    if let Some((_, rival, _)) = matching.next() {
        return Err(ambiguous(document, &pattern, name, rival));
    }
    let url = asset["browser_download_url"]
        .as_str()
        .ok_or_else(|| malformed(document, "a file in it has no `browser_download_url`"))?;
    // Files from before June 2025 have none.
    let digest = match &asset["digest"] {
        Value::String(digest) => digest.as_str(),
        Value::Null => "",
        _ => return Err(malformed(document, "the digest of a file in it is no text")),
    };
    Ok(found
        .with("asset", name)
        .with("asset_url", url)
        .with("digest", digest))
}

fn malformed(document: &Document, what: &str) -> IndexError {
    IndexError::Malformed {
        url: document.url.clone(),
        expected: "a list of GitHub's releases",
        reason: what.to_owned(),
    }
}

fn ambiguous(document: &Document, pattern: &Pattern, first: &str, second: &str) -> IndexError {
    IndexError::Ambiguous {
        url: document.url.clone(),
        pattern: pattern.to_string(),
        first: first.to_owned(),
        second: second.to_owned(),
    }
}
