//! Real documents of upstreams, served as their hosts would, under the keys that the built-in sources name.

use std::path::Path;

use crate::catalogue::captures;

use super::world::World;

const SHA256SUMS: &str =
    "https://cloud-images.ubuntu.com/releases/noble/release-20260725/SHA256SUMS";
const KEY: &str = "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81";

/// Ubuntu 24.04 with the real manifest, signature and key, and Debian 13's real daily listing.
fn world(folder: &Path) -> World {
    let images = "images:
  - name: Ubuntu 24.04
    format: qcow2
    upstream: {from: ubuntu, release: '24.04'}
    versions: []
  - name: Debian 13
    format: qcow2
    upstream: {from: debian, release: '13', stream: daily}
    versions: []
";
    let world = World::new(images);
    // The built-in sources, whose keys are the real ones.
    std::fs::remove_dir_all(world.path("sources")).unwrap();
    let read = |path: &str| std::fs::read(folder.join(path)).unwrap();
    let noble = "ubuntu/cloud-images.ubuntu.com/releases/noble/release-20260725";
    world.ubuntu_release(&[("24.04", "noble")], &["20260725"]);
    world
        .server
        .body(SHA256SUMS, read(&format!("{noble}/SHA256SUMS")));
    world.server.body(
        &format!("{SHA256SUMS}.gpg"),
        read(&format!("{noble}/SHA256SUMS.gpg")),
    );
    let key = format!("https://keyserver.ubuntu.com/pks/lookup?op=get&search=0x{KEY}&options=mr");
    world
        .server
        .body(&key, read(&format!("ubuntu/keys/{KEY}.asc")));
    let daily = "debian/cdimage.debian.org/cdimage/cloud/trixie/daily";
    let home = "https://cloud.debian.org/images/cloud/trixie/daily/";
    world
        .server
        .body(home, read(&format!("{daily}/index.html")));
    let sums = read(&format!("{daily}/20260717-2542/SHA512SUMS"));
    world
        .server
        .body(&format!("{home}20260717-2542/SHA512SUMS"), sums);
    world
}

#[test]
fn the_real_noble_release_and_trixie_daily_are_added_with_their_proof() {
    let Some(folder) = captures() else { return };
    let world = world(&folder);
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 0, "{}{}", run.stdout, run.stderr);
    let ubuntu = run.image("Ubuntu 24.04");
    assert_eq!(
        (&ubuntu["verified"]["by"], &ubuntu["verified"]["key"]),
        (&"signature".into(), &KEY.into())
    );
    let sums = std::fs::read_to_string(
        folder.join("ubuntu/cloud-images.ubuntu.com/releases/noble/release-20260725/SHA256SUMS"),
    )
    .unwrap();
    let line = sums
        .lines()
        .find(|line| line.ends_with("*ubuntu-24.04-server-cloudimg-amd64.img"))
        .unwrap();
    assert_eq!(ubuntu["checksum"], format!("sha256:{}", &line[..64]));
    let debian = run.image("Debian 13");
    assert_eq!(
        (&debian["version"], &debian["verified"]["by"]),
        (&"20260717-2542".into(), &"checksum".into())
    );
}

#[test]
fn the_real_noble_manifest_with_one_digit_changed_is_not_added() {
    let Some(folder) = captures() else { return };
    let world = world(&folder);
    let altered = folder.join("negative/ubuntu-noble-SHA256SUMS.one-digit-changed");
    world
        .server
        .body(SHA256SUMS, std::fs::read(altered).unwrap());
    let run = world.update(&["--write"]);
    assert_eq!(run.code, 3, "{}", run.stdout);
    let error = run.image("Ubuntu 24.04")["error"].as_str().unwrap();
    assert!(
        error.contains(SHA256SUMS) && error.contains("bad signature"),
        "{error}"
    );
    assert_eq!(run.image("Debian 13")["outcome"], "updated");
}
