use super::*;
use crate::domain::captures::capture;
use crate::domain::source;

/// Answers every request of an engine from `documents`, a map from URL to body, until it has found something.
fn found(
    source: &Source,
    parameters: &[(&str, &str)],
    documents: &[(&str, &[u8])],
) -> Result<Candidate, String> {
    found_within(source, parameters, documents, 8)
}

/// The same in at most so many steps.
fn found_within(
    source: &Source,
    parameters: &[(&str, &str)],
    documents: &[(&str, &[u8])],
    steps: usize,
) -> Result<Candidate, String> {
    let parameters: BTreeMap<String, String> = parameters
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
        .collect();
    let index = source
        .index(&parameters)
        .map_err(|error| error.to_string())?;
    let variables = source
        .variables(&parameters)
        .map_err(|error| error.to_string())?;
    let mut fetched = Fetched::new();
    for _ in 0..steps {
        match step(source, index, &variables, index.order, &fetched) {
            Err(error) => return Err(error.to_string()),
            Ok(Step::Found(mut candidates)) => return Ok(candidates.remove(0)),
            Ok(Step::Need(requests)) => {
                for Request { url, .. } in requests {
                    let (_, body) = documents
                        .iter()
                        .find(|(known, _)| *known == url)
                        .ok_or_else(|| format!("asks for {url}"))?;
                    let document = Document::new(url.clone(), url.clone(), body.to_vec());
                    fetched.insert(url, Arc::new(document));
                }
            }
        }
    }
    Err("never ends".to_owned())
}

fn built_in(name: &str) -> Source {
    let (_, text) = source::BUILT_IN
        .iter()
        .find(|(known, _)| *known == name)
        .unwrap();
    source::parse(name, name, text).unwrap()
}

const UBUNTU_INDEX: &[u8] =
    br#"{"format": "index:1.0", "index": {"com.ubuntu.cloud:released:download":
    {"format": "products:1.0", "path": "streams/v1/com.ubuntu.cloud:released:download.json"}}}"#;

#[test]
fn the_real_feed_of_ubuntu_gives_the_newest_release() {
    let feed = "ubuntu/cloud-images.ubuntu.com/releases/streams/v1/com.ubuntu.cloud%3Areleased%3Adownload.json";
    let Some(feed) = capture(feed) else { return };
    let documents = [
        (
            "https://cloud-images.ubuntu.com/releases/streams/v1/index.json",
            UBUNTU_INDEX,
        ),
        (
            "https://cloud-images.ubuntu.com/releases/streams/v1/com.ubuntu.cloud:released:download.json",
            feed.as_slice(),
        ),
    ];
    let newest = found(&built_in("ubuntu"), &[("release", "24.04")], &documents).unwrap();
    assert_eq!(
        (
            newest.version.as_str(),
            newest.build_date.unwrap().to_string(),
            newest.url.as_str()
        ),
        (
            "20240821",
            "2024-08-21".to_owned(),
            "https://cloud-images.ubuntu.com/releases/noble/release-20240821/ubuntu-24.04-server-cloudimg-amd64.img"
        )
    );
    let missing = found(&built_in("ubuntu"), &[("release", "99.04")], &documents).unwrap_err();
    assert!(
        missing.contains("`com.ubuntu.cloud:server:99.04:amd64`"),
        "{missing}"
    );
}

#[test]
fn the_real_daily_listing_of_ubuntu_gives_the_newest_directory() {
    let Some(listing) = capture("ubuntu/cloud-images.ubuntu.com/noble/index.html") else {
        return;
    };
    let newest = found(
        &built_in("ubuntu"),
        &[
            ("release", "24.04"),
            ("stream", "daily"),
            ("arch", "aarch64"),
        ],
        &[("https://cloud-images.ubuntu.com/noble/", &listing)],
    )
    .unwrap();
    assert_eq!(
        newest.url,
        "https://cloud-images.ubuntu.com/noble/20260705/noble-server-cloudimg-arm64.img"
    );
}

#[test]
fn the_real_daily_listing_of_debian_gives_the_newest_directory() {
    let folder = "debian/cdimage.debian.org/cdimage/cloud/trixie/daily";
    let (Some(listing), Some(sums)) = (
        capture(&format!("{folder}/index.html")),
        capture(&format!("{folder}/20260717-2542/SHA512SUMS")),
    ) else {
        return;
    };
    let newest = found(
        &built_in("debian"),
        &[("release", "13"), ("stream", "daily")],
        &[(
            "https://cloud.debian.org/images/cloud/trixie/daily/",
            &listing,
        )],
    )
    .unwrap();
    assert_eq!(newest.version, "20260717-2542");
    let sums = String::from_utf8(sums).unwrap();
    let checksum = crate::domain::manifest::digest_of(&sums, &newest.file, None).unwrap();
    assert_eq!(
        checksum.algorithm(),
        crate::domain::checksum::Algorithm::Sha512
    );
}

#[test]
fn the_real_feeds_of_flatcar_give_the_newest_release() {
    let folder = "flatcar/www.flatcar.org/releases-json";
    let (Some(stable), Some(lts)) = (
        capture(&format!("{folder}/releases-stable.json")),
        capture(&format!("{folder}/releases-lts-2024.json")),
    ) else {
        return;
    };
    let documents = [
        (
            "https://www.flatcar.org/releases-json/releases-stable.json",
            stable.as_slice(),
        ),
        (
            "https://www.flatcar.org/releases-json/releases-lts-2024.json",
            lts.as_slice(),
        ),
    ];
    let flatcar = built_in("flatcar");
    let newest = found(&flatcar, &[], &documents).unwrap();
    assert_eq!(
        (
            newest.version.as_str(),
            newest.build_date.unwrap().to_string().as_str()
        ),
        ("4593.2.5", "2026-08-13")
    );
    let lts = found(
        &flatcar,
        &[("stream", "lts"), ("release", "2024"), ("arch", "aarch64")],
        &documents,
    )
    .unwrap();
    assert!(
        lts.url
            .starts_with("https://lts.release.flatcar-linux.net/arm64-usr/4081.3."),
        "{}",
        lts.url
    );
    assert_eq!(lts.version, "4081.3.10");
}

/// A source whose manifest is its listing, as later distributions are described.
const BY_MANIFEST: &str = r#"title: Example
parameters:
  release: {}
  arch: {default: x86_64}
indexes:
  - engine: listing
    url: https://images.example/{release}/{arch}/
    listing: manifest
    file: '^AlmaLinux-{release}-GenericCloud-(?<version>[\d.]+-(?<date>\d{8})(?:\.\d+)?)\.{arch}\.qcow2$'
checksum: {url: "{folder}CHECKSUM"}
"#;

#[test]
fn a_real_manifest_can_be_the_listing() {
    let sums = "almalinux/repo.almalinux.org/almalinux/10/cloud/x86_64/images/CHECKSUM";
    let Some(sums) = capture(sums) else { return };
    let source = source::parse("example", "example.yml", BY_MANIFEST).unwrap();
    let newest = found(
        &source,
        &[("release", "10")],
        &[("https://images.example/10/x86_64/CHECKSUM", &sums)],
    )
    .unwrap();
    assert!(newest.build.starts_with("10."), "{}", newest.build);
    assert_eq!(
        newest.file,
        format!("AlmaLinux-10-GenericCloud-{}.x86_64.qcow2", newest.build)
    );
}

#[test]
fn every_real_listing_is_read_whatever_server_made_it() {
    let cases = [
        ("03b", "af.js"),
        ("15a", "net_thread/"),
        ("42b", "Nginx-Fancyindex-Theme__example1.png"),
        ("55b", "changesets-190107.osm.bz2"),
    ];
    for (name, wanted) in cases {
        let Some(bytes) = capture(&format!("autoindex/{name}.html")) else {
            return;
        };
        let url = "https://images.example/a/b/".to_owned();
        let document = Document::new(url.clone(), url, bytes);
        let entries = document.entries().unwrap();
        assert!(entries.len() > 2, "{name}: {entries:?}");
        assert!(
            entries.iter().any(|entry| entry.name == wanted),
            "{name}: {entries:?}"
        );
        assert!(
            entries.iter().all(|entry| !entry.name.contains('?')
                && !entry.name.trim_end_matches('/').contains('/')),
            "{name}: {entries:?}"
        );
    }
}

#[test]
fn names_are_taken_from_every_kind_of_link_but_not_from_foreign_ones() {
    let page = r#"<!doctype html><html><body><a href="../">up</a> <a href="/a/">up</a> <a href="?C=N;O=D">sort</a>
        <a href="20260101/">icon</a><a href="20260101/">20260101/</a> <a href="./20260102/">dot</a> <a href="/a/b/20260103/">path</a>
        <a href="https://images.example/a/b/20260104/">url</a> <a href="https://evil.example/a/b/20260105/">foreign</a>
        <a href="20260106%7Erc1/">escaped</a> <a href="deep/20260107/">deep</a> <a name="no-link">x</a></body></html>"#;
    let url = "https://images.example/a/b/".to_owned();
    let document = Document::new(url.clone(), url, page.as_bytes().to_vec());
    let names: Vec<_> = document
        .entries()
        .unwrap()
        .iter()
        .map(|entry| entry.name.as_str())
        .collect();
    assert_eq!(
        names,
        [
            "20260101/",
            "20260102/",
            "20260103/",
            "20260104/",
            "20260106~rc1/"
        ]
    );
}

#[test]
fn half_a_listing_is_no_listing() {
    let page = "<html><body><a href=\"20260101/\">20260101/</a>";
    let url = "https://images.example/a/".to_owned();
    let error = Document::new(url.clone(), url, page.as_bytes().to_vec())
        .entries()
        .unwrap_err();
    assert!(error.to_string().contains("breaks off"), "{error}");
}

#[test]
fn urls_of_files_are_split_and_others_refused() {
    let (url, folder, file) = parts("https://images.example/a/b%7Ec.img").unwrap();
    assert_eq!(
        (url.as_str(), folder.as_str(), file.as_str()),
        (
            "https://images.example/a/b%7Ec.img",
            "https://images.example/a/",
            "b~c.img"
        )
    );
    for other in [
        "http://images.example/a",
        "https://images.example/a/",
        "a.img",
    ] {
        assert_eq!(parts(other), None, "{other}");
    }
}

#[test]
fn a_thousand_releases_are_read_and_no_more() {
    let text = r"title: Own
parameters: {}
indexes: [{engine: github, repository: own/images, tag: '^v(?<version>\d+)$', image: 'https://images.example/{version}'}]
checksum: {compute: sha256}
";
    let source = source::parse("own", "own.yml", text).unwrap();
    // Every page is full, so there seems to be another one after it; the newest stands on the seventh.
    let pages: Vec<(String, String)> = (1..=12)
        .map(|page| {
            let url = "https://api.github.com/repos/own/images/releases?per_page=100";
            let url = match page {
                1 => url.to_owned(),
                page => format!("{url}&page={page}"),
            };
            let tag = if page == 7 { 2000 } else { page };
            let releases = format!("{{\"tag_name\": \"v{tag}\"}},").repeat(100);
            (url, format!("[{}]", releases.trim_end_matches(',')))
        })
        .collect();
    let documents: Vec<(&str, &[u8])> = pages
        .iter()
        .map(|(url, body)| (url.as_str(), body.as_bytes()))
        .collect();
    let newest = found_within(&source, &[], &documents, 11).unwrap();
    assert_eq!(newest.build, "2000");
    assert_eq!(newest.documents.len(), 10);
    assert!(newest.told_by.ends_with("&page=7"), "{}", newest.told_by);
}
