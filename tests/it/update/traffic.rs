//! How often and how fast upstreams are asked, by counts instead of clocks.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::time::Duration;

use sha2::Sha256;

use super::server::{Reply, Until};
use super::world::{World, sums, ubuntu};

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
        6,
        "index, feed, manifest, signature, key, lines of releases: {counts:?}"
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
    let all = "https://cloud-images.ubuntu.com/releases/name";
    // However long a busy machine takes to ask for all eight; a little longer, and a ninth one would show.
    world.server.hold(all, Until::AtOnce(8));
    world.server.pause(all, Duration::from_millis(150));
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
    let all = Until::Answered("noble/20260725/SHA256SUMS");
    world
        .server
        .hold("https://www.flatcar.org/releases-json/", all);
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

#[test]
fn one_dead_host_among_many_holds_up_none_of_the_others() {
    let hosts: Vec<_> = (0..25)
        .map(|number| format!("host{number}.example"))
        .collect();
    let entries = (0..25).map(|number| {
        format!("  - name: Image {number}\n    format: qcow2\n    upstream: {{from: host{number}}}\n    versions: []\n")
    });
    let world = World::new(&format!("images:\n{}", entries.collect::<String>()));
    for (number, host) in hosts.iter().enumerate() {
        let source = format!(
            "title: Own {number}\nparameters: {{}}\nindexes:\n  - engine: listing\n    url: https://{host}/\n    listing: manifest\n    \
             file: '^own-(?<version>\\d{{8}})\\.qcow2$'\nchecksum: {{url: \"{{folder}}SHA256SUMS\", algorithm: sha256}}\n"
        );
        std::fs::write(world.path(&format!("sources/host{number}.yml")), source).unwrap();
        let sums = sums::<Sha256>(&["own-20260725.qcow2"], "20260725", "  ");
        world
            .server
            .body(&format!("https://{host}/SHA256SUMS"), sums);
    }
    world
        .server
        .put("https://host7.example/SHA256SUMS", Reply::Held);
    let names: Vec<_> = hosts.iter().map(String::as_str).collect();
    let mut command = world.command();
    command
        .args(world.server.maps(&names))
        .args(["update", "--write", "--format=json", "--verbose"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut run = command.spawn().unwrap();
    // The dead host says something only after all others are done: were they held up, this would never be.
    let lines = BufReader::new(run.stderr.take().unwrap())
        .lines()
        .map(Result::unwrap);
    let mut done = lines
        .filter(|line| line.contains(" of 25: `Image "))
        .take(25);
    let first: Vec<_> = done.by_ref().take(24).collect();
    world.server.release();
    let last: Vec<_> = done.collect();
    assert!(
        first.iter().all(|line| !line.contains("`Image 7`")),
        "{first:?}"
    );
    assert!(
        last.len() == 1 && last[0].contains("25 of 25: `Image 7`"),
        "{last:?}"
    );
    let output = run.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(world.catalogue().matches("own-20260725.qcow2").count(), 24);
}
