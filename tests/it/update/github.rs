//! GitHub's API behind real TLS, and the token that it gets.

use serde_json::json;

use super::connector::{self, Connector};
use super::server::Reply;
use super::world::Run;

const API: &str = "https://api.github.com/repos/own/images/releases?per_page=100";
const MOVED: &str = "https://objects.githubusercontent.com/moved";
const TOKEN: &str = "ghp_ofATestAndOfNoUse";

const HOSTS: [&str; 2] = ["api.github.com", "objects.githubusercontent.com"];

const SOURCE: &str = r"title: Own
parameters:
  arch: {default: x86_64}
indexes:
  - engine: github
    repository: own/images
    tag: '^v(?<version>\d+\.\d+)$'
    asset: '^own-{version}-{arch}\.qcow2$'
checksum: {digest: '{digest}', algorithm: sha256}
";

const DEFINITION: &str = "\
images:
  - name: Own
    format: qcow2
    upstream: {from: own}
    versions: []
";

/// `update` in a repository that tracks `own/images`, through a proxy and with this token: what it gave, and what GitHub saw.
fn update(replies: &[(&str, Reply)], token: &str) -> (Run, Vec<(String, Option<String>)>) {
    let world = connector::world_with_tls(&HOSTS, DEFINITION);
    std::fs::write(world.path("sources/own.yml"), SOURCE).unwrap();
    for (url, reply) in replies {
        world.server.put(url, reply.clone());
    }
    let proxy = Connector::start(world.server.address);
    let mut command = world.plain_command(env!("CARGO_BIN_EXE_reglaze"));
    command
        .args(["update", "--format", "json", "--verbose"])
        .env("HTTPS_PROXY", proxy.url())
        .env("SSL_CERT_FILE", world.path("authority.pem"))
        .env("GITHUB_TOKEN", token)
        .env("REGLAZE_LOG", "trace");
    (Run::of(&mut command), world.server.authorizations())
}

fn releases() -> Reply {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let releases = json!([{"tag_name": "v1.10", "draft": false, "prerelease": false, "published_at": "2026-11-01T10:00:00Z", "assets": [
        {"name": "own-1.10-x86_64.qcow2", "state": "uploaded", "digest": digest,
         "browser_download_url": "https://github.com/own/images/releases/download/v1.10/own-1.10-x86_64.qcow2"}]}]);
    Reply::Body(releases.to_string().into_bytes())
}

#[test]
fn the_token_goes_to_githubs_api_and_not_where_that_redirects_to() {
    let replies = [
        (API, Reply::Redirect(MOVED.to_owned())),
        (MOVED, releases()),
    ];
    let (run, seen) = update(&replies, TOKEN);
    let printed = run.stdout.clone() + &run.stderr;
    let image = run.image("Own");
    assert_eq!(image["outcome"], "updated", "{printed}");
    assert_eq!(
        image["checksum"],
        format!("sha256:{}", "ab".repeat(32)),
        "{image}"
    );
    assert_eq!(
        image["verified"],
        json!({"by": "checksum", "key": null, "manifest": API})
    );
    assert_eq!(image["build_date"], "2026-11-01");
    assert_eq!(
        seen,
        [
            (API.to_owned(), Some(format!("Bearer {TOKEN}"))),
            (MOVED.to_owned(), None)
        ]
    );
    assert!(!printed.contains(TOKEN), "{printed}");
}

#[test]
fn without_a_token_github_is_asked_as_anybody_may() {
    let (run, seen) = update(&[(API, releases())], "");
    assert_eq!(run.outcomes(), [("Own", "updated")], "{}", run.stderr);
    assert_eq!(seen, [(API.to_owned(), None)]);
}

#[test]
fn who_has_asked_github_too_often_is_told_of_the_token() {
    let refused = |token| {
        let (run, _) = update(&[(API, Reply::Status(403))], token);
        run.image("Own")["error"].as_str().unwrap().to_owned()
    };
    let error = refused("");
    assert!(
        error.contains("403") && error.contains("set `GITHUB_TOKEN`"),
        "{error}"
    );
    let error = refused(TOKEN);
    assert!(
        error.contains("take another one") && !error.contains(TOKEN),
        "{error}"
    );
}
