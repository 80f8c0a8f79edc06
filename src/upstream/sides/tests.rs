//! What lies beside a build, and what does not, on a server on loopback.

use std::collections::BTreeMap;
use std::path::Path;

use axum::Router;
use axum::http::{StatusCode, Uri};
use axum::response::IntoResponse;
use chrono::Utc;

use super::*;
use crate::domain::source;
use crate::upstream::{Fetcher, Keys};

const FOLDER: &str = "/releases/noble/release-";
const FILE: &str = "ubuntu-24.04-server-cloudimg-amd64";

/// A server for `https://cloud-images.ubuntu.com` that has these files below `release-`.
async fn upstream(files: &[(&str, &'static str)]) -> Upstream {
    let files: BTreeMap<String, &'static str> = files
        .iter()
        .map(|(name, text)| (format!("{FOLDER}{name}"), *text))
        .collect();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(move |uri: Uri| {
        let file = files.get(uri.path()).copied();
        async move {
            match file {
                Some(text) => text.into_response(),
                None => StatusCode::NOT_FOUND.into_response(),
            }
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    let map = [(
        "https://cloud-images.ubuntu.com".to_owned(),
        format!("http://{address}"),
    )];
    let sources = ["ubuntu", "flatcar"].map(|name| {
        let file = format!("{name}.yml");
        let known = source::BUILT_IN.iter().find(|(known, _)| *known == name);
        source::parse(name, &file, known.unwrap().1).unwrap()
    });
    Upstream {
        sources: sources.to_vec(),
        fetcher: Fetcher::new(&map, None, 1 << 30).unwrap(),
        keys: Keys::new(&crate::files::Files::Here, Path::new("keys"), None),
        now: Utc::now(),
    }
}

fn url(build: &str) -> String {
    format!("https://cloud-images.ubuntu.com{FOLDER}{build}/{FILE}.img")
}

fn tracked<'a>(upstream: &'a Upstream, name: &str, said: &[(&str, &str)]) -> Tracked<'a> {
    let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Tracked {
        source: upstream.source(name).unwrap(),
        parameters: said.iter().map(pair).collect(),
    }
}

/// The build of 25 July as its index tells it.
fn candidate(tracked: &Tracked<'_>) -> Candidate {
    let (url, folder, file) = index::parts(&url("20260725")).unwrap();
    let mut variables = tracked.source.variables(&tracked.parameters).unwrap();
    let told = [
        ("version", "20260725"),
        ("url", &url),
        ("folder", &folder),
        ("file", &file),
    ];
    variables.extend(told.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Candidate {
        build: "20260725".to_owned(),
        version: "20260725".to_owned(),
        build_date: None,
        url,
        file,
        checksum: None,
        disk_checksum: None,
        told_by: String::new(),
        documents: Vec::new(),
        variables,
    }
}

async fn contents(files: &[(&str, &'static str)]) -> Option<Contents> {
    let upstream = upstream(files).await;
    let tracked = tracked(&upstream, "ubuntu", &[("release", "24.04")]);
    let candidate = candidate(&tracked);
    let from = url("20260705");
    upstream.contents(&tracked, &from, &candidate).await
}

const OLD: &str = "20260705/ubuntu-24.04-server-cloudimg-amd64.manifest";
const NEW: &str = "20260725/ubuntu-24.04-server-cloudimg-amd64.manifest";
const CHANGES: &str =
    "20260725/ubuntu-24.04-server-cloudimg-amd64.release.20260705.20260725.image_changelog.json";
const CHANGED: &str = r#"{"diff": {"deb": [{"name": "apt", "from_version": {"version": "2"}, "to_version": {"version": "3"}}]}, "added": {}, "removed": {}}"#;

fn of_apt(from: &str, to: &str) -> Contents {
    Contents {
        changed: vec![("apt".to_owned(), from.to_owned(), to.to_owned())],
        ..Contents::default()
    }
}

#[tokio::test]
async fn two_lists_are_compared() {
    let files = [(OLD, "apt\t1\n"), (NEW, "apt\t2\n"), (CHANGES, CHANGED)];
    assert_eq!(contents(&files).await, Some(of_apt("1", "2")));
}

#[tokio::test]
async fn where_the_old_list_is_gone_the_upstream_tells_what_changed() {
    for old in [&[][..], &[(OLD, "<html>\n<p>It works!</p>\n</html>\n")]] {
        let files = [old, &[(NEW, "apt\t2\n"), (CHANGES, CHANGED)]].concat();
        assert_eq!(contents(&files).await, Some(of_apt("2", "3")));
    }
}

#[tokio::test]
async fn what_is_missing_or_broken_is_left_out() {
    for files in [&[][..], &[(NEW, "apt\t2\n")], &[(CHANGES, "{")]] {
        assert_eq!(contents(files).await, None);
    }
    let upstream = upstream(&[]).await;
    let tracked = tracked(&upstream, "ubuntu", &[("release", "24.04")]);
    let candidate = candidate(&tracked);
    for from in [
        "",
        "https://images.example/disk.img",
        "file:///srv/disk.img",
    ] {
        assert_eq!(upstream.contents(&tracked, from, &candidate).await, None);
    }
}

#[tokio::test]
async fn a_size_is_told_by_the_index_or_by_the_server() {
    let upstream = upstream(&[("20260725/ubuntu-24.04-server-cloudimg-amd64.img", "12345")]).await;
    let tracked = tracked(&upstream, "ubuntu", &[("release", "24.04")]);
    let mut candidate = candidate(&tracked);
    assert_eq!(upstream.size_of(&candidate).await, Some(5));
    let told = ("size".to_owned(), "624951296".to_owned());
    candidate.variables.extend([told]);
    assert_eq!(upstream.size_of(&candidate).await, Some(624_951_296));
    candidate.variables.remove("size");
    candidate.url.push_str(".gone");
    assert_eq!(upstream.size_of(&candidate).await, None);
}

#[tokio::test]
async fn release_notes_are_linked_where_the_source_names_them() {
    let upstream = upstream(&[]).await;
    let ubuntu = tracked(&upstream, "ubuntu", &[("release", "24.04")]);
    let mut candidate = candidate(&ubuntu);
    assert_eq!(upstream.links(&ubuntu, &candidate), []);
    let flatcar = tracked(&upstream, "flatcar", &[]);
    let version = ("version".to_owned(), "4593.2.5".to_owned());
    candidate.variables.extend([version]);
    let page = "https://www.flatcar.org/releases#release-4593.2.5";
    let linked = [("release notes".to_owned(), page.to_owned())];
    assert_eq!(upstream.links(&flatcar, &candidate), linked);
}
