//! What `update` does when all is well.

use super::world::{World, ubuntu};

const CATALOGUE: &str = r#"# Our catalogue.
images:
  - name: Ubuntu 24.04
    format: qcow2
    upstream: {from: ubuntu, release: "24.04", versions: 2}
    versions:
      - version: "20260701"   # the older one
        url: https://cloud-images.ubuntu.com/releases/noble/release-20260701/ubuntu-24.04-server-cloudimg-amd64.img
        checksum: "sha256:0000000000000000000000000000000000000000000000000000000000000001"
      - version: "20260705"
        url: https://cloud-images.ubuntu.com/releases/noble/release-20260705/ubuntu-24.04-server-cloudimg-amd64.img
        checksum: "sha256:0000000000000000000000000000000000000000000000000000000000000002"
  - name: Debian 13
    format: qcow2
    latest_url: https://cdimage.debian.org/cdimage/cloud/trixie/daily/latest/debian-13-genericcloud-amd64-daily.qcow2
    versions:
      - version: '20260124'
        url: https://cdimage.debian.org/cdimage/cloud/trixie/daily/20260124-2367/debian-13-genericcloud-amd64-daily-20260124-2367.qcow2
        checksum: sha256:0000000000000000000000000000000000000000000000000000000000000003
  - name: Flatcar
    format: qcow2
    upstream: {from: flatcar}
    versions: []
  - name: Off
    enable: false
    format: qcow2
    upstream: {from: flatcar}
    versions: []
  - name: Cirros
    format: qcow2
    versions: []
"#;

fn world() -> World {
    let world = World::new(CATALOGUE);
    world.ubuntu_release(
        &[("24.04", "noble")],
        &["20260705", "20260725", "20260725.1"],
    );
    world.debian_daily(&["20260717-2542", "20260716-2541", "20260717-999"]);
    world.flatcar(&["4593.2.5", "4593.2.10", "4593.2.9"]);
    // What is pinned is still there.
    for (build, digit) in [("20260701", "1"), ("20260705", "2")] {
        let file = "ubuntu-24.04-server-cloudimg-amd64.img";
        let folder = "https://cloud-images.ubuntu.com/releases/noble";
        let sums = format!("{digit:0>64} *{file}\n");
        world.sign(&format!("{folder}/release-{build}/"), &sums);
    }
    let build = "20260124-2367";
    let file = format!("debian-13-genericcloud-amd64-daily-{build}.qcow2");
    let folder = "https://cdimage.debian.org/cdimage/cloud/trixie/daily";
    let sums = super::world::sums::<sha2::Sha512>(&[&file], build, "  ");
    world
        .server
        .body(&format!("{folder}/{build}/SHA512SUMS"), sums);
    world
}

#[test]
fn the_newest_build_of_each_upstream_is_added_with_its_proof() {
    let world = world();
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    assert_eq!(
        run.outcomes(),
        [
            ("Ubuntu 24.04", "updated"),
            ("Debian 13", "updated"),
            ("Flatcar", "updated"),
            ("Off", "skipped"),
            ("Cirros", "skipped")
        ]
    );
    let json = run.stdout.replace(&world.signer.fingerprint, "KEY");
    insta::assert_snapshot!("report", json);
    let text = world.catalogue().replace(&world.signer.fingerprint, "KEY");
    insta::assert_snapshot!("catalogue", text);
}

#[test]
fn a_second_run_finds_all_current_and_changes_no_byte() {
    let world = world();
    world.update(&["--write"]);
    let before = world.catalogue();
    world.server.forget();
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert!(
        run.outcomes()
            .iter()
            .all(|(_, outcome)| ["current", "skipped"].contains(outcome))
    );
    assert_eq!(run.image("Debian 13")["version"], "20260717");
    assert_eq!(world.catalogue(), before);
    let log = world.server.log();
    assert!(
        !log.is_empty() && log.iter().all(|(_, status)| *status == 304),
        "{log:?}"
    );
    assert!(
        log.iter().all(|(url, _)| !url.contains("pks/lookup")),
        "the key is cached: {log:?}"
    );
}

#[test]
fn without_write_changes_are_pending_and_files_untouched() {
    let world = world();
    let run = world.update(&[]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert_eq!(run.image("Flatcar")["outcome"], "updated");
    assert_eq!(world.catalogue(), CATALOGUE);
}

#[test]
fn people_read_one_line_for_each_image() {
    let world = world();
    let run = world.run(&["update"]);
    insta::assert_snapshot!(run.stdout.replace(&world.signer.fingerprint, "KEY"));
}

#[test]
fn where_files_are_really_fetched_from_is_nowhere_shown() {
    let world = world();
    let run = world.update(&["--write", "-v"]);
    for text in [&run.stdout, &run.stderr, &world.catalogue()] {
        assert!(!text.contains("127.0.0.1"), "{text}");
    }
}

#[test]
fn only_the_images_that_the_filter_names_are_looked_at() {
    let world = world();
    let run = world.update(&["--write", "--filter=^Flatcar$"]);
    assert_eq!(run.outcomes(), [("Flatcar", "updated")]);
    assert!(
        world
            .server
            .log()
            .iter()
            .all(|(url, _)| url.contains("flatcar"))
    );
}

#[test]
fn a_broken_definition_or_source_stops_the_run_with_its_place() {
    let world = world();
    world.define("images:\n  - name: A\n    format: qcow2\n    fromat: raw\n    versions: []\n");
    let run = world.update(&["--write"]);
    assert_eq!(
        (run.code, run.json["findings"][0]["line"].as_u64()),
        (1, Some(4)),
        "{}",
        run.stdout
    );
    world.define(CATALOGUE);
    std::fs::write(
        world.path("sources/own.yml"),
        "title: Own\nparameters: {}\n",
    )
    .unwrap();
    let run = world.update(&["--write"]);
    assert_eq!(
        (run.code, run.json["findings"][0]["file"].as_str()),
        (1, Some("sources/own.yml")),
        "{}",
        run.stdout
    );
    assert_eq!(world.catalogue(), CATALOGUE);
}

#[test]
fn a_users_source_needs_no_line_of_rust() {
    let world = World::new(
        "images:\n  - name: Own\n    format: qcow2\n    upstream: {from: own}\n    versions: []\n",
    );
    let source = r#"title: Own
parameters:
  arch: {default: x86_64}
indexes:
  - engine: listing
    url: https://cloud.debian.org/own/
    listing: manifest
    file: '^own-(?<version>\d+\.\d+)-{arch}\.qcow2$'
checksum: {url: "{folder}SUMS", algorithm: sha256}
"#;
    std::fs::write(world.path("sources/own.yml"), source).unwrap();
    let sums = super::world::sums::<sha2::Sha256>(
        &["own-1.9-x86_64.qcow2", "own-1.10-x86_64.qcow2"],
        "1",
        "  ",
    );
    world.server.body("https://cloud.debian.org/own/SUMS", sums);
    let run = world.update(&["--write"]);
    assert_eq!(
        run.image("Own")["url"],
        "https://cloud.debian.org/own/own-1.10-x86_64.qcow2",
        "{}",
        run.stdout
    );
    assert_eq!(run.image("Own")["verified"]["by"], "checksum");
}

#[test]
fn permissions_and_links_of_a_definition_file_stay() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new(&format!("images:\n{}", ubuntu("24.04")));
    world.ubuntu_daily("noble", &["20260725"]);
    let (link, target) = (
        world.path("images/catalogue.yml"),
        world.path("elsewhere.yml"),
    );
    std::fs::rename(&link, &target).unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    assert_eq!(world.update(&["--write"]).code, 0);
    assert!(link.is_symlink() && world.catalogue().contains("20260725"));
    let mode = std::fs::metadata(&target).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640);
    let left: Vec<_> = std::fs::read_dir(world.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        left.iter()
            .all(|name| !name.to_string_lossy().contains(".new")),
        "{left:?}"
    );
}

#[test]
fn a_list_that_cannot_be_edited_safely_is_refused_and_the_others_are_written() {
    let anchored = "  - name: Anchored\n    format: qcow2\n    upstream: {from: ubuntu, release: \"22.04\", stream: daily}\n    versions: &list []\n  - name: Twin\n    enable: false\n    format: qcow2\n    versions: *list\n";
    let world = World::new(&format!("images:\n{}{anchored}", ubuntu("24.04")));
    world.ubuntu_daily("noble", &["20260725"]);
    world.ubuntu_daily("jammy", &["20260725"]);
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    assert_eq!(run.image("Ubuntu 24.04")["outcome"], "updated");
    let error = run.image("Anchored")["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("images/catalogue.yml") && error.contains("line "),
        "{error}"
    );
    assert!(world.catalogue().contains("versions: &list []"));
}

#[test]
fn keys_are_saved_for_runs_without_the_network() {
    let world = World::new(&format!("images:\n{}", ubuntu("24.04")));
    world.ubuntu_daily("noble", &["20260725"]);
    let run = world.run(&["sources", "--save-keys", "--format=json"]);
    // Keys of other sources are not published here, and do not hold these up.
    assert_eq!(run.code, 3, "{}", run.stdout);
    let file = world.path(&format!("keys/{}.asc", world.signer.fingerprint));
    assert_eq!(std::fs::read(file).unwrap(), world.signer.public);
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    world.server.forget();
    assert_eq!(world.update(&["--write"]).code, 0);
    world.server.assert_never_asked("pks/lookup");
}

#[test]
fn a_new_definition_is_filled_at_once_where_that_is_wanted() {
    let world = World::new(&format!("images:\n{}", ubuntu("22.04")));
    world.ubuntu_release(&[("24.04", "noble")], &["20260725"]);
    let before = world.catalogue();
    let run = world.run(&[
        "new",
        "ubuntu",
        "--release=24.04",
        "--pin",
        "--output=images/catalogue.yml",
        "--format=json",
    ]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    assert_eq!(run.json["definition"]["outcome"], "appended");
    assert_eq!(run.json["images"][0]["outcome"], "updated");
    assert_eq!(run.json["images"][0]["verified"]["by"], "signature");
    let after = world.catalogue();
    assert!(after.starts_with(&before), "{after}");
    assert!(after.contains("version: '20260725'\n"), "{after}");
}
