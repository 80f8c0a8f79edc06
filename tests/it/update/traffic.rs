//! How often and how fast upstreams are asked, by counts instead of clocks.

use std::time::Duration;

use super::server::Reply;
use super::world::{World, ubuntu};

/// As many definitions of one release, all alike but for their names.
fn many(count: usize) -> String {
    let entry = |number| {
        format!(
            "  - name: Ubuntu {number}\n    format: qcow2\n    upstream: {{from: ubuntu, release: \"24.04\"}}\n    versions: []\n"
        )
    };
    format!("images:\n{}", (0..count).map(entry).collect::<String>())
}

#[test]
fn documents_that_several_definitions_share_are_fetched_once() {
    let world = World::new(&many(40));
    world.ubuntu_release(&[("24.04", "noble")], &["20260725"]);
    let run = world.update(&["--write"]);
    assert_eq!((run.code, run.outcomes().len()), (0, 40), "{}", run.stderr);
    let counts = world.server.counts();
    assert_eq!(
        counts.len(),
        5,
        "index, feed, manifest, signature, key: {counts:?}"
    );
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

#[test]
fn a_host_is_asked_eight_things_at_a_time() {
    let builds: Vec<String> = (0..40).map(|number| format!("20.{number:02}")).collect();
    let releases: Vec<(&str, &str)> = builds
        .iter()
        .map(|release| (release.as_str(), "noble"))
        .collect();
    let entries = builds
        .iter()
        .map(|release| format!("  - name: Ubuntu {release}\n    format: qcow2\n    upstream: {{from: ubuntu, release: \"{release}\"}}\n    versions: []\n"))
        .collect::<Vec<_>>()
        .concat();
    let world = World::new(&format!("images:\n{entries}"));
    // Every release has directories of its own.
    let codenames: Vec<String> = (0..40).map(|number| format!("name{number}")).collect();
    let releases: Vec<_> = releases
        .iter()
        .zip(&codenames)
        .map(|((release, _), codename)| (*release, codename.as_str()))
        .collect();
    world.ubuntu_release(&releases, &["20260725"]);
    world.server.pause(
        "https://cloud-images.ubuntu.com/releases/name",
        Duration::from_millis(30),
    );
    let run = world.update(&[]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    let manifests = world
        .server
        .log()
        .iter()
        .filter(|(url, _)| url.contains("SHA256SUMS"))
        .count();
    assert_eq!(manifests, 80);
    // The key comes from another host.
    assert!(
        (8..=9).contains(&world.server.most_at_once()),
        "{}",
        world.server.most_at_once()
    );
}

#[test]
fn a_slow_host_does_not_hold_up_the_others() {
    let flatcar =
        "  - name: Flatcar\n    format: qcow2\n    upstream: {from: flatcar}\n    versions: []\n";
    let world = World::new(&format!("images:\n{flatcar}{}", ubuntu("24.04")));
    world.flatcar(&["4593.2.5"]);
    world.ubuntu_daily("noble", &["20260725"]);
    world.server.pause(
        "https://www.flatcar.org/releases-json/",
        Duration::from_secs(2),
    );
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    let log = world.server.log();
    let place = |part: &str| log.iter().position(|(url, _)| url.contains(part)).unwrap();
    assert!(
        place("noble/20260725/SHA256SUMS") < place("releases-stable.json"),
        "{log:?}"
    );
}

#[test]
fn what_is_unavailable_for_a_moment_is_asked_again() {
    let world = World::new(&format!("images:\n{}", ubuntu("24.04")));
    world.ubuntu_daily("noble", &["20260725"]);
    let url = "https://cloud-images.ubuntu.com/noble/";
    let listing = super::world::listing(&["20260725"]);
    world.server.put(
        url,
        Reply::Unavailable(2, Box::new(Reply::Body(listing.into()))),
    );
    assert_eq!(world.update(&["--write"]).code, 0);
    assert_eq!(world.server.counts()[url], 3);
}

#[test]
fn redirects_between_the_hosts_of_a_source_are_followed() {
    let debian = "images:\n  - name: Debian 13\n    format: qcow2\n    upstream: {from: debian, release: \"13\", stream: daily}\n    versions: []\n";
    let world = World::new(debian);
    world.debian_daily(&["20260717-2542"]);
    let home = "https://cloud.debian.org/images/cloud/trixie/daily/";
    let mirror = "https://cdimage.debian.org/cdimage/cloud/trixie/daily/";
    world
        .server
        .body(mirror, super::world::listing(&["20260717-2542"]));
    // By its own name, and as a path on the server that stands for it.
    for target in [
        mirror.to_owned(),
        "/cdimage.debian.org/cdimage/cloud/trixie/daily/".to_owned(),
    ] {
        world.server.put(home, Reply::Redirect(target));
        let run = world.update(&[]);
        assert_eq!(
            run.image("Debian 13")["url"],
            "https://cloud.debian.org/images/cloud/trixie/daily/20260717-2542/debian-13-genericcloud-amd64-daily-20260717-2542.qcow2",
            "{}",
            run.stdout
        );
    }
}
