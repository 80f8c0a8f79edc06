//! The six presets, four builds each.

use super::story::Story;
use crate::stage::steps;

const UBUNTU: &str = "  shortname: noble\n  vars: {codename: Noble Numbat}\n  meta:\n    architecture: x86_64\n    os_distro: ubuntu\n    \
                      os_version: '24.04'\n    os_purpose: generic\n    uuid_validity: none\n    provided_until: none\n    \
                      replace_frequency: never\n";

/// Three more builds, each a week after the one before: the day, the version, and the date of the build.
const WEEKLY: [(u64, &str, &str); 3] = [
    (7, "20260708", "2026-07-08"),
    (14, "20260715", "2026-07-15"),
    (21, "20260722", "2026-07-22"),
];

#[test]
fn osism_keeps_three_in_default_lists_and_deletes_nothing() {
    let mut story = Story::new("osism", "Ubuntu 24.04", "policy: {preset: osism}\n", UBUNTU);
    story.build("20260701", "2026-07-01");
    story.day(0);
    insta::assert_snapshot!(story.look(), @"Ubuntu 24.04: active public; listed: admin tenant member; boots: tenant member");
    let server = story.start("tenant", 0);
    story.build("20260708", "2026-07-08");
    story.day(7);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 (20260701): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04: active public; listed: admin tenant member; boots: tenant member
    ");
    insta::assert_snapshot!(story.properties(0, &["os_purpose", "image_name", "internal_version", "os_version"]), @r"
    os_purpose=oldgeneric
    image_name=Ubuntu 24.04
    internal_version=20260701
    os_version=24.04
    ");
    story.build("20260715", "2026-07-15");
    story.day(14);
    story.build("20260722", "2026-07-22");
    story.day(21);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 (20260701): active community; listed: admin; boots: tenant member
    Ubuntu 24.04 (20260708): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04 (20260715): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04: active public; listed: admin tenant member; boots: tenant member
    ");
    story.day(400);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 (20260701): active community; listed: admin; boots: tenant member
    Ubuntu 24.04 (20260708): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04 (20260715): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04: active public; listed: admin tenant member; boots: tenant member
    ");
    // The newest was a mistake: the one before has the name again.
    story.withdraw();
    story.day(401);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 (20260701): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04 (20260708): active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04: active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04 (20260722): active community; listed: admin; boots: tenant member
    ");
    Story::end("tenant", &server);
}

#[test]
fn osism_leaves_images_without_rotation_as_they_are() {
    let definition = "  multi: false\n  meta: {architecture: x86_64, os_distro: rancheros}\n";
    let mut story = Story::new(
        "osism-single",
        "RancherOS",
        "policy: {preset: osism}\n",
        definition,
    );
    for version in ["1.4.1", "1.5.0", "1.5.1", "1.5.2"] {
        story.build(version, "2026-07-01");
        story.day(0);
    }
    insta::assert_snapshot!(story.look(), @r"
    RancherOS 1.4.1: active public; listed: admin tenant member; boots: tenant member
    RancherOS 1.5.0: active public; listed: admin tenant member; boots: tenant member
    RancherOS 1.5.1: active public; listed: admin tenant member; boots: tenant member
    RancherOS 1.5.2: active public; listed: admin tenant member; boots: tenant member
    ");
}

#[test]
fn cleura_keeps_the_name_and_makes_the_old_image_a_community_image() {
    let mut story = Story::new(
        "cleura",
        "Ubuntu 24.04",
        "policy: {preset: cleura}\n",
        UBUNTU,
    );
    story.build("20260701", "2026-07-01");
    story.day(0);
    insta::assert_snapshot!(story.look(), @"Ubuntu 24.04 Noble Numbat x86_64: active public; listed: admin tenant member; boots: tenant member");
    insta::assert_snapshot!(story.tags(0), @"build_date:2026-07-01 os:ubuntu os_version:24.04");
    insta::assert_snapshot!(story.properties(0, &["architecture", "os_distro", "os_version", "image_build_date"]), @r"
    architecture=x86_64
    os_distro=ubuntu
    os_version=24.04
    image_build_date=2026-07-01
    ");
    let server = story.start("tenant", 0);
    for (day, version, date) in WEEKLY {
        story.build(version, date);
        story.day(day);
    }
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 Noble Numbat x86_64: active community; listed: admin; boots: tenant member
    Ubuntu 24.04 Noble Numbat x86_64: active community; listed: admin; boots: tenant member
    Ubuntu 24.04 Noble Numbat x86_64: active community; listed: admin; boots: tenant member
    Ubuntu 24.04 Noble Numbat x86_64: active public; listed: admin tenant member; boots: tenant member
    ");
    Story::end("tenant", &server);
    story.day(400);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 Noble Numbat x86_64: active community; listed: admin; boots: tenant member
    Ubuntu 24.04 Noble Numbat x86_64: active community; listed: admin; boots: tenant member
    Ubuntu 24.04 Noble Numbat x86_64: active community; listed: admin; boots: tenant member
    Ubuntu 24.04 Noble Numbat x86_64: active public; listed: admin tenant member; boots: tenant member
    ");
}

#[test]
fn optimist_tries_the_newest_and_deletes_what_nobody_uses() {
    let definition = UBUNTU.replace("24.04", "22.04");
    let name = "Ubuntu 22.04 Jammy Jellyfish";
    let mut story = Story::new(
        "optimist",
        name,
        "policy: {preset: optimist}\n",
        &definition,
    );
    story.build("20260701", "2026-07-01");
    let applied = story.day(0);
    insta::assert_snapshot!(steps(&applied).join(", "), @"upload 20260701, properties 20260701, boot 20260701, publish 20260701");
    insta::assert_snapshot!(story.look(), @"Ubuntu 22.04 Jammy Jellyfish - Latest: active public; listed: admin tenant member; boots: tenant member");
    let server = story.start("tenant", 0);
    story.build("20260708", "2026-07-08");
    story.day(7);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 22.04 Jammy Jellyfish - TODAY: active community; listed: admin; boots: tenant member
    Ubuntu 22.04 Jammy Jellyfish - Latest: active public; listed: admin tenant member; boots: tenant member
    ");
    // In use: it stays, whatever the day.
    story.day(100);
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 22.04 Jammy Jellyfish - TODAY: active community; listed: admin; boots: tenant member
    Ubuntu 22.04 Jammy Jellyfish - Latest: active public; listed: admin tenant member; boots: tenant member
    ");
    story.build("20260715", "2026-07-15");
    story.day(101);
    // The one that nobody uses goes at the next run, the used one does not.
    let applied = story.day(102);
    insta::assert_snapshot!(steps(&applied).join(", "), @"delete 20260708");
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 22.04 Jammy Jellyfish - TODAY: active community; listed: admin; boots: tenant member
    Ubuntu 22.04 Jammy Jellyfish - Latest: active public; listed: admin tenant member; boots: tenant member
    ");
    Story::end("tenant", &server);
    story.build("20260722", "2026-07-22");
    story.day(103);
    story.day(104);
    insta::assert_snapshot!(story.look(), @"Ubuntu 22.04 Jammy Jellyfish - Latest: active public; listed: admin tenant member; boots: tenant member");
}

#[test]
fn xloud_orders_by_semver_says_what_replaces_an_image_and_deactivates_it() {
    let definition = UBUNTU.replace("uuid_validity: none", "uuid_validity: notice");
    let name = "ubuntu-24.04-base";
    let mut story = Story::new("xloud", name, "policy: {preset: xloud}\n", &definition);
    story.build("1.9", "2026-07-01");
    let applied = story.day(0);
    insta::assert_snapshot!(steps(&applied).join(", "), @"upload 1.9, properties 1.9, boot 1.9, publish 1.9");
    insta::assert_snapshot!(story.look(), @"ubuntu-24.04-base-v1.9: active public; listed: admin tenant member; boots: tenant member");
    let server = story.start("tenant", 0);
    // 1.10 comes after 1.9; the notice is published first, and only the next run deactivates.
    story.build("1.10", "2026-07-08");
    story.day(7);
    insta::assert_snapshot!(story.look(), @r"
    ubuntu-24.04-base-v1.9: active public; listed: admin tenant member; boots: tenant member
    ubuntu-24.04-base-v1.10: active public; listed: admin tenant member; boots: tenant member
    ");
    insta::assert_snapshot!(story.properties(0, &["deprecated", "replacement"]), @r"
    deprecated=true
    replacement=ubuntu-24.04-base-v1.10
    ");
    story.day(8);
    insta::assert_snapshot!(story.look(), @r"
    ubuntu-24.04-base-v1.9: deactivated public; listed: admin tenant member; boots: nobody
    ubuntu-24.04-base-v1.10: active public; listed: admin tenant member; boots: tenant member
    ");
    story.build("1.11", "2026-07-15");
    story.day(9);
    story.build("2.0", "2026-07-22");
    story.day(100);
    story.day(101);
    insta::assert_snapshot!(story.look(), @r"
    ubuntu-24.04-base-v1.9: deactivated private; listed: admin; boots: nobody
    ubuntu-24.04-base-v1.11: deactivated public; listed: admin tenant member; boots: nobody
    ubuntu-24.04-base-v2.0: active public; listed: admin tenant member; boots: tenant member
    ");
    // Never deleted while a server runs from it.
    story.day(300);
    insta::assert_snapshot!(story.look(), @r"
    ubuntu-24.04-base-v1.9: deactivated private; listed: admin; boots: nobody
    ubuntu-24.04-base-v1.11: deactivated private; listed: admin; boots: nobody
    ubuntu-24.04-base-v2.0: active public; listed: admin tenant member; boots: tenant member
    ");
    Story::end("tenant", &server);
    story.day(301);
    insta::assert_snapshot!(story.look(), @"ubuntu-24.04-base-v2.0: active public; listed: admin tenant member; boots: tenant member");
}

#[test]
fn scs_renames_by_build_date_and_hides_what_is_older_still() {
    let mut story = Story::new("scs", "Ubuntu 24.04", "policy: {preset: scs}\n", UBUNTU);
    story.build("20260701", "2026-07-01");
    story.day(0);
    let server = story.start("tenant", 0);
    for (day, version, date) in WEEKLY {
        story.build(version, date);
        story.day(day);
        assert!(story.look().contains("Ubuntu 24.04: active public"));
    }
    insta::assert_snapshot!(story.look(), @r"
    Ubuntu 24.04 20260701: active public hidden; listed: nobody; boots: tenant member
    Ubuntu 24.04 20260708: active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04 20260715: active public; listed: admin tenant member; boots: tenant member
    Ubuntu 24.04: active public; listed: admin tenant member; boots: tenant member
    ");
    insta::assert_snapshot!(story.properties(1, &["os_purpose"]), @"os_purpose=oldgeneric");
    Story::end("tenant", &server);
}

mod syseleven {
    //! Only what a signature proves is published.

    use super::super::story::Story;
    use super::UBUNTU;
    use crate::stage::rules;
    use crate::update::signer::Signer;

    fn source(signer: &Signer) -> String {
        format!(
            "title: Own\nparameters:\n  arch: {{default: x86_64}}\nindexes:\n  - engine: listing\n    url: https://images.example/\n    \
             file: '^(?<version>\\d+)\\.img$'\nchecksum: {{compute: sha256}}\nsignature:\n  form: detached\n  of: image\n  \
             url: \"https://images.example/sig-{{version}}.img\"\n  keys: [{}]\n  key_url: https://images.example/key.img\ninfer:\n  \
             - match: '^https://images\\.example/(?<version>\\d+)\\.img$'\n",
            signer.fingerprint
        )
    }

    fn build(story: &mut Story, signer: &Signer, version: &str) {
        let bytes = format!("build {version} of {}", story.stage.tag);
        let entry = story.stage.publish(version, bytes.as_bytes());
        let signature = signer.detached(bytes.as_bytes());
        story.stage.publish(&format!("sig-{version}"), &signature);
        story.list(&format!("{entry}    signed_by: {}\n", signer.fingerprint));
    }

    #[test]
    fn a_withdrawn_image_is_shared_with_those_who_use_it_and_goes_when_nobody_does() {
        let settings = "policy: {preset: syseleven}\n";
        let mut story = Story::new("syseleven", "Ubuntu Noble 24.04", settings, UBUNTU);
        let signer = Signer::new();
        story.stage.write("sources/own.yml", &source(&signer));
        let key = std::str::from_utf8(&signer.public).unwrap();
        story.stage.write("keys/own.asc", key);

        build(&mut story, &signer, "20260701");
        story.day(0);
        insta::assert_snapshot!(story.look(), @"Ubuntu Noble 24.04 (TODAY): active public; listed: admin tenant member; boots: tenant member");
        let keys = [
            "architecture",
            "default_ssh_username",
            "image_build_date",
            "source_url",
            "ci_pipeline_id",
        ];
        insta::assert_snapshot!(story.properties(0, &keys), @r"
        architecture=x86_64
        default_ssh_username=ubuntu
        image_build_date=TODAY
        source_url=https://images.example/20260701.img
        ");
        let server = story.start("tenant", 0);
        build(&mut story, &signer, "20260708");
        story.day(7);
        insta::assert_snapshot!(story.look(), @r"
        Ubuntu Noble 24.04 (TODAY): active public; listed: admin tenant member; boots: tenant member
        Ubuntu Noble 24.04 (TODAY): active public; listed: admin tenant member; boots: tenant member
        ");
        // After its time it is there for its users only.
        story.day(40);
        insta::assert_snapshot!(story.look(), @r"
        Ubuntu Noble 24.04 (TODAY): active shared; listed: admin tenant; boots: tenant
        Ubuntu Noble 24.04 (TODAY): active public; listed: admin tenant member; boots: tenant member
        ");
        build(&mut story, &signer, "20260715");
        story.day(41);
        build(&mut story, &signer, "20260722");
        story.day(42);
        Story::end("tenant", &server);
        story.day(90);
        story.day(120);
        insta::assert_snapshot!(story.look(), @"Ubuntu Noble 24.04 (TODAY): active public; listed: admin tenant member; boots: tenant member");
    }

    #[test]
    fn without_a_signature_nothing_is_published() {
        let settings = "policy: {preset: syseleven}\n";
        let mut story = Story::new("syseleven-unsigned", "Ubuntu Noble 24.04", settings, UBUNTU);
        story.build("20260701", "2026-07-01");
        let applied = story.on(&story.date(0), &["apply"]).expect(3);
        assert!(rules(&applied).contains(&"step-failed"), "{applied}");
        assert_eq!(story.look(), "");
    }
}
