//! How much proof the policies of the clouds ask for: what one of them would not take is not proposed, and is told.

use super::world::{Run, World, pinned};

const DEBIAN: &str = "  - name: Debian 13\n    format: qcow2\n    upstream: {from: debian, release: \"13\", stream: daily}\n    versions: []\n";

/// Ubuntu, which is signed, and Debian, which is not; both have a new build.
fn world(settings: &str) -> World {
    let world = World::new(&format!("{}{DEBIAN}", pinned(&["20260701"])));
    world.ubuntu_daily("noble", &["20260725", "20260701"]);
    world.debian_daily(&["20260720-2545"]);
    for build in ["20260725", "20260701"] {
        world.server.body(&super::world::noble(build), "an image");
    }
    std::fs::write(world.path("reglaze.yml"), settings).unwrap();
    world
}

fn rules(run: &Run) -> Vec<(&str, &str)> {
    let findings = run.findings().into_iter();
    let mut rules: Vec<_> = findings.map(|(level, rule, _)| (level, rule)).collect();
    rules.sort_unstable();
    rules
}

const STRICT: &str = "clouds: [weak, {name: strict, policy: {verify: signature-required}}]\n";

#[test]
fn what_some_cloud_would_not_take_is_not_proposed() {
    for (settings, by) in [
        ("policy: {verify: signature-required}\n", "the policy"),
        ("verify: signature-required\n", "the setting `verify`"),
        (STRICT, "the policy of cloud `strict`"),
        (
            "policy: {preset: syseleven}\nverify: checksum\n",
            "the policy",
        ),
    ] {
        let world = world(settings);
        let run = world.update(&["--write"]);
        assert_eq!(
            run.outcomes(),
            [("Ubuntu 24.04", "updated"), ("Debian 13", "failed")],
            "{settings}: {}",
            run.stdout
        );
        assert_eq!(run.code, 3);
        assert_eq!(run.image("Ubuntu 24.04")["verified"]["by"], "signature");
        let error = run.image("Debian 13")["error"].as_str().unwrap();
        let asked = format!("it is asked for by {by}");
        assert!(
            error.contains("no key has signed") && error.ends_with(&asked),
            "{error}"
        );
        assert_eq!(rules(&run), [("error", "update")]);
        assert!(world.catalogue().ends_with(DEBIAN), "nothing was written");
    }
}

#[test]
fn a_cloud_that_is_not_asked_for_and_a_definitions_own_word_ask_for_less() {
    let world = world(STRICT);
    let run = world.update(&["--cloud=weak"]);
    assert_eq!(run.code, 2, "{}", run.stdout);
    let own = DEBIAN.replace(
        "    versions",
        "    policy: {verify: checksum}\n    versions",
    );
    world.define(&format!("{}{own}", pinned(&["20260701"])));
    let run = world.update(&[]);
    assert_eq!(
        run.outcomes(),
        [("Ubuntu 24.04", "updated"), ("Debian 13", "updated")],
        "{}",
        run.stdout
    );
}

#[test]
fn a_policy_that_asks_for_signatures_counts_where_the_setting_does_not() {
    let world = world("verify: checksum\npolicy: {verify: signature}\n");
    let stranger = super::signer::Signer::new();
    let folder = super::world::noble_folder("20260725");
    let sums = super::world::sums::<sha2::Sha256>(&[super::world::NOBLE], "20260725", " *");
    world.server.body(
        &format!("{folder}SHA256SUMS.gpg"),
        stranger.detached(sums.as_bytes()),
    );
    let run = world.update(&["--filter=Ubuntu"]);
    assert_eq!(
        run.outcomes(),
        [("Ubuntu 24.04", "failed")],
        "{}",
        run.stdout
    );
    std::fs::write(world.path("reglaze.yml"), "verify: checksum\n").unwrap();
    let run = world.update(&["--filter=Ubuntu"]);
    assert_eq!(
        run.image("Ubuntu 24.04")["verified"]["by"],
        "checksum",
        "{}",
        run.stdout
    );
}

#[test]
fn validate_says_what_can_never_be_uploaded_and_online_what_would_not_be_accepted() {
    let world = world(STRICT);
    let run = world.run(&["validate", "--format=json"]);
    assert_eq!(
        (run.code, rules(&run)),
        (0, vec![("warning", "never-proven")]),
        "{}",
        run.stdout
    );
    let message = run.message("never-proven");
    for part in [
        "source `debian` signs nothing",
        "the policy of cloud `strict` asks for `signature-required`",
        "set `policy: {verify: signature}` at the definition",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let run = world.run(&["validate", "--online", "--format=json"]);
    assert_eq!(
        (run.code, rules(&run)),
        (3, vec![("error", "unproven"), ("warning", "never-proven")]),
        "{}",
        run.stdout
    );
    assert!(
        run.message("unproven")
            .contains("it is asked for by the policy of cloud `strict`")
    );
    std::fs::write(world.path("reglaze.yml"), "clouds: [weak]\n").unwrap();
    let run = world.run(&["validate", "--online", "--format=json"]);
    assert_eq!((run.code, rules(&run)), (0, Vec::new()), "{}", run.stdout);
}

#[test]
fn a_pinned_version_whose_proof_some_cloud_would_not_take_is_told() {
    let world = world(STRICT);
    let run = world.update(&["--cloud=weak", "--write"]);
    assert_eq!(run.code, 0, "{}", run.stdout);
    world.server.body(
        "https://cloud.debian.org/images/cloud/trixie/daily/20260720-2545/debian-13-genericcloud-amd64-daily-20260720-2545.qcow2",
        "an image",
    );
    let run = world.run(&["validate", "--online", "--format=json", "--filter=Debian"]);
    let unproven: Vec<_> = rules(&run)
        .into_iter()
        .filter(|(_, rule)| *rule == "unproven")
        .collect();
    assert_eq!(
        unproven.len(),
        2,
        "the newest and the pinned: {}",
        run.stdout
    );
}
