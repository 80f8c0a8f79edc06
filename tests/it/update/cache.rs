//! The folder of documents: what it saves, who may share it, and that nothing is lost with it.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::server::{Reply, Server};
use super::world::{HOSTS, Run, World, ubuntu};

/// Makes something else of the bytes of a file.
type Damage = fn(&[u8]) -> Vec<u8>;

/// Images of three upstreams: a feed, listings, clearsigned and detached signatures.
fn world() -> World {
    let flatcar =
        "  - name: Flatcar\n    format: qcow2\n    upstream: {from: flatcar}\n    versions: []\n";
    let debian = "  - name: Debian 13\n    format: qcow2\n    upstream: {from: debian, release: \"13\", stream: daily}\n    versions: []\n";
    let images = [&ubuntu("24.04"), flatcar, debian].concat();
    let world = World::new(&format!("images:\n{images}"));
    publish(&world);
    world
}

fn publish(world: &World) {
    world.ubuntu_daily("noble", &["20260701", "20260725"]);
    world.flatcar(&["4593.2.5"]);
    world.debian_daily(&["20260717-2542"]);
}

/// The files of the cache, by their place in it.
fn kept(world: &World) -> Vec<PathBuf> {
    let mut folders = vec![world.path("cache")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

/// The outcome of a good run.
fn good(world: &World) -> Value {
    let run = world.update(&[]);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(
        run.outcomes()
            .iter()
            .all(|(_, outcome)| *outcome == "updated"),
        "{}",
        run.stdout
    );
    run.json
}

#[test]
fn a_second_run_transfers_no_body_that_did_not_change() {
    let world = world();
    let dated = "https://cloud.debian.org/images/cloud/trixie/daily/";
    let listing = super::world::listing(&["20260717-2542"]);
    let date = "Fri, 17 Jul 2026 10:00:00 GMT";
    world.server.put(dated, Reply::Dated(listing.into(), date));
    let first = good(&world);
    let asked = world.server.counts();
    world.server.forget();
    assert_eq!(good(&world), first);
    let again = world.server.log();
    assert!(again.iter().all(|(_, status)| *status == 304), "{again:?}");
    assert_eq!(world.server.bytes(), 0);
    // Only keys are not asked for again.
    let keys = asked
        .keys()
        .filter(|url| url.contains("pks") || url.contains("signing-key"));
    assert_eq!(world.server.counts().len(), asked.len() - keys.count());

    // What did change is transferred, and nothing else.
    world.ubuntu_daily("noble", &["20260701", "20260725", "20260801"]);
    world.server.forget();
    let run = world.update(&[]);
    assert_eq!(
        run.image("Ubuntu 24.04")["version"],
        "20260801",
        "{}",
        run.stdout
    );
    let mut bodies: Vec<_> = world.server.log();
    bodies.retain(|(_, status)| *status == 200);
    bodies.sort();
    let home = "https://cloud-images.ubuntu.com/noble/";
    let expected = ["", "20260801/SHA256SUMS", "20260801/SHA256SUMS.gpg"];
    assert_eq!(bodies, expected.map(|path| (format!("{home}{path}"), 200)));
}

#[test]
fn a_cache_that_is_damaged_is_as_good_as_none() {
    let world = world();
    let first = good(&world);
    let whole: Vec<_> = kept(&world)
        .into_iter()
        .map(|path| (std::fs::read(&path).unwrap(), path))
        .collect();
    assert!(whole.len() > 8, "{whole:?}");
    let damages: [(&str, Damage); 5] = [
        ("empty", |_| Vec::new()),
        ("cut", |bytes| bytes[..bytes.len() / 2].to_vec()),
        ("one byte", |bytes| {
            [&bytes[..bytes.len() - 1], b"X"].concat()
        }),
        ("garbage", |bytes| {
            bytes.iter().map(|byte| byte ^ 0x5a).collect()
        }),
        ("only a head", |bytes| {
            bytes.split(|byte| *byte == b'\n').next().unwrap().to_vec()
        }),
    ];
    for (name, damage) in damages {
        for (bytes, path) in &whole {
            std::fs::write(path, damage(bytes)).unwrap();
        }
        assert_eq!(good(&world), first, "{name}");
        world.server.forget();
        good(&world);
        let statuses = world.server.log();
        assert!(
            statuses.iter().all(|(_, status)| *status == 304),
            "{name}: {statuses:?}"
        );
    }
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    assert_eq!(good(&world), first, "deleted");
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    std::fs::write(world.path("cache"), "no folder").unwrap();
    assert_eq!(good(&world), first, "a file in its place");
}

#[test]
fn a_disk_that_is_full_in_the_middle_of_an_entry_leaves_no_half_of_it() {
    let world = world();
    let first = good(&world);
    std::fs::remove_dir_all(world.path("cache")).unwrap();
    // No file may grow above 512 bytes or a kilobyte, and the write that would is an error.
    let mut shell = world.plain_command("sh");
    shell.args(["-c", "trap '' XFSZ; ulimit -f 1; exec \"$@\"", "sh"]);
    shell.arg(env!("CARGO_BIN_EXE_reglaze"));
    shell
        .args(["update", "--format=json"])
        .args(world.server.maps(&HOSTS));
    let run = Run::of(&mut shell);
    assert_eq!((run.code, run.json), (2, first.clone()), "{}", run.stderr);
    for path in kept(&world) {
        assert!(
            path.extension().is_none_or(|extension| extension == "asc"),
            "{path:?}"
        );
    }
    // What did fit is whole.
    let fitted = kept(&world).len();
    world.server.forget();
    assert_eq!(good(&world), first);
    let known = world
        .server
        .log()
        .iter()
        .filter(|(_, status)| *status == 304)
        .count();
    assert!(
        known <= fitted && kept(&world).len() > fitted,
        "{known} of {fitted}"
    );
}

#[test]
fn several_runs_may_share_a_cache() {
    let world = world();
    let runs: Vec<_> = (0..6)
        .map(|_| {
            let mut command = world.command();
            command
                .args(["update", "--format=json"])
                .stdout(Stdio::piped());
            command.stderr(Stdio::null()).spawn().unwrap()
        })
        .collect();
    let outputs: Vec<_> = runs
        .into_iter()
        .map(|run| run.wait_with_output().unwrap())
        .collect();
    for output in &outputs {
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(output.stdout, outputs[0].stdout);
    }
    let unfinished = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "new");
    assert!(!kept(&world).iter().any(unfinished), "{:?}", kept(&world));
    world.server.forget();
    good(&world);
    assert!(world.server.log().iter().all(|(_, status)| *status == 304));
}

#[test]
fn an_entry_belongs_to_the_server_that_was_really_asked() {
    let world = world();
    good(&world);
    // The same bodies with the same validators, from a mirror.
    let mirror = Server::start();
    for (url, _) in world.server.counts() {
        let reply = world.server.reply(&url);
        mirror.put(&url, reply);
    }
    let mut command = world.plain_command(env!("CARGO_BIN_EXE_reglaze"));
    command
        .args(["update", "--format=json"])
        .args(mirror.maps(&HOSTS));
    let run = Run::of(&mut command);
    assert_eq!(run.code, 2, "{}", run.stdout);
    assert!(
        mirror.log().iter().all(|(_, status)| *status == 200),
        "{:?}",
        mirror.log()
    );
    assert!(!run.stdout.contains("127.0.0.1"), "{}", run.stdout);
}

#[test]
fn a_kept_key_is_asked_for_again_after_a_month_and_still_does_if_it_cannot_be_had() {
    let world = world();
    let first = good(&world);
    let file = world.path(&format!(
        "cache/reglaze/keys/{}.asc",
        world.signer.fingerprint
    ));
    let age = |days: u64| {
        let time = SystemTime::now() - Duration::from_hours(days * 24);
        let file = std::fs::File::options().write(true).open(&file).unwrap();
        file.set_modified(time).unwrap();
    };
    // Both sources trust the same key, each from its own place: whoever comes first saves the other the question.
    let urls = world.key_urls();
    let asked = || {
        world.server.forget();
        assert_eq!(good(&world), first);
        let counts = world.server.counts();
        urls.iter().any(|url| counts.contains_key(url))
    };
    age(29);
    assert!(!asked());
    age(31);
    assert!(asked());
    assert!(!asked(), "what was fetched is kept");
    for url in &urls {
        world.server.put(url, Reply::Status(404));
    }
    age(31);
    assert!(asked());
}
