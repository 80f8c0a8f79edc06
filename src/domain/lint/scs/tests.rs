use super::*;
use crate::domain::definition;
use crate::domain::policy::PolicyOverride;
use crate::domain::yaml;

mod values;

/// A definition to which no version of the standards objects.
const GOOD: &str = "  - name: Debian 13
    format: qcow2
    login: debian
    min_disk: 8
    min_ram: 512
    visibility: public
    meta:
      architecture: x86_64
      hw_disk_bus: scsi
      hw_scsi_model: virtio-scsi
      hw_rng_model: virtio
      hypervisor_type: qemu
      os_distro: debian
      os_version: '13'
      os_purpose: generic
      replace_frequency: quarterly
      provided_until: 2028-08-09
      uuid_validity: last-3
    versions:
      - version: '20260701-2540'
        url: https://cloud.debian.org/images/cloud/trixie/20260701-2540/debian-13-genericcloud-amd64-20260701-2540.qcow2
        checksum: sha256:0000000000000000000000000000000000000000000000000000000000000000
        build_date: 2026-07-01
";

/// A node image under the name that is reserved for those of OSISM.
const NODE: &str = "  - name: ubuntu-capi-image-v1.33
    format: qcow2
    login: ubuntu
    min_disk: 20
    min_ram: 2048
    visibility: public
    meta:
      architecture: x86_64
      hw_disk_bus: scsi
      hw_scsi_model: virtio-scsi
      hw_rng_model: virtio
      hypervisor_type: qemu
      image_description: https://github.com/osism/k8s-capi-images
      os_distro: ubuntu
      os_version: v1.33
      os_purpose: k8snode
      replace_frequency: never
      provided_until: none
      uuid_validity: last-1
    versions:
      - version: '1.33.4'
        url: https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/ubuntu-2204-kube-v1.33/ubuntu-2204-kube-v1.33.4.qcow2
        checksum: sha256:1111111111111111111111111111111111111111111111111111111111111111
        build_date: 2026-07-01
";

/// What the settings say, and the date.
struct World {
    policy: &'static str,
    said: Option<Standard>,
    today: &'static str,
}

const V2: World = World {
    policy: "{}",
    said: None,
    today: "2026-07-26",
};
const V1: World = World {
    said: Some(Standard::V1),
    ..V2
};

impl World {
    fn findings(&self, images: &str) -> Vec<Finding> {
        let text = format!("images:\n{images}");
        let definitions = definition::parse("images/debian.yml", &text)
            .unwrap_or_else(|found| panic!("{found:?}\n{text}"));
        let policy: PolicyOverride = yaml::read("reglaze.yml", self.policy).unwrap();
        let scopes = [Scope {
            cloud: None,
            policies: vec![&policy],
            tries: false,
        }];
        super::super::standards(
            &definitions,
            &scopes,
            self.said,
            self.today.parse().unwrap(),
        )
    }

    fn says(&self, images: &str) -> String {
        self.findings(images)
            .iter()
            .map(|finding| finding.to_string() + "\n")
            .collect()
    }

    /// The one finding of a definition in which a piece was replaced.
    fn one(&self, from: &str, to: &str) -> String {
        let images = changed(from, to);
        let found = self.says(&images);
        assert_eq!(found.lines().count(), 1, "`{from}` → `{to}`: {found}");
        found
    }
}

fn changed(from: &str, to: &str) -> String {
    assert_eq!(GOOD.matches(from).count(), 1, "{from}");
    GOOD.replace(from, to)
}

#[test]
fn a_complete_definition_is_clean_under_both_versions() {
    for world in [V1, V2] {
        assert_eq!(world.says(GOOD), "");
        assert_eq!(world.says(NODE), "");
        // An empty list is judged by what its first version will have.
        let versions = GOOD.find("    versions:").unwrap();
        assert_eq!(
            world.says(&format!("{}    versions: []\n", &GOOD[..versions])),
            ""
        );
    }
}

#[test]
fn a_wrong_value_is_shown_where_it_stands() {
    insta::assert_snapshot!(V2.one("architecture: x86_64", "architecture: arm64"), @"images/debian.yml:9:21: warning: `architecture` is `arm64`, which scs-0102 does not allow; write `x86_64`, `aarch64` or `risc-v` [scs-0102]");
    insta::assert_snapshot!(V2.one(
        "        build_date: 2026-07-01",
        "        build_date: 2026-07-01\n        meta: {os_purpose: general}"
    ), @"images/debian.yml:21:18: warning: `os_purpose` is `general`, which scs-0102 does not allow; write `generic`, `minimal`, `k8snode`, `gpu`, `network`, `custom` or `oldgeneric` [scs-0102]");
}

#[test]
fn what_is_missing_is_asked_for_in_one_sentence() {
    for key in [
        "architecture",
        "hw_disk_bus",
        "os_distro",
        "os_version",
        "replace_frequency",
        "provided_until",
        "uuid_validity",
    ] {
        let line = GOOD
            .lines()
            .find(|line| line.trim().starts_with(&format!("{key}:")))
            .unwrap();
        for world in [V1, V2] {
            let found = world.one(&format!("{line}\n"), "");
            assert!(found.contains(&format!("asks for `{key}` (")), "{found}");
        }
    }
    for key in ["login", "min_disk", "min_ram"] {
        let line = GOOD
            .lines()
            .find(|line| line.trim().starts_with(&format!("{key}:")))
            .unwrap();
        assert!(
            V2.one(&format!("{line}\n"), "")
                .contains(&format!("asks for `{key}` ("))
        );
    }
    assert!(
        V2.one("min_ram: 512", "min_ram: 32")
            .contains("`min_ram` is `32`")
    );
    assert!(
        V2.one("min_disk: 8", "min_disk: 0")
            .contains("`min_disk` is `0`")
    );
    insta::assert_snapshot!(V2.says("  - name: A\n    format: qcow2\n    visibility: community\n    meta: {os_purpose: custom}\n    versions:\n      - version: '1'\n"), @r#"
    images/debian.yml:2:11: warning: scs-0102 asks for `architecture` (`x86_64`, `aarch64` or `risc-v`), `min_disk` (GiB, from 1), `min_ram` (MiB, from 64), `os_distro` (the distribution in lower case, such as `debian`), `os_version` (the distribution's version, a number where it has one, such as "24.04"), `hw_disk_bus` (`scsi` or `virtio`), `replace_frequency` (`yearly`, `quarterly`, `monthly`, `weekly`, `daily`, `critical_bug` or `never`), `provided_until` (a date such as `2029-04-30`, `none` or `notice`), `uuid_validity` (`none`, `last-N`, a date, `notice` or `forever`), `login` (the user to log in as, or `none`) as well; add it [scs-0102]
    images/debian.yml:2:11: note: scs-0102 recommends `hypervisor_type` (`qemu`, `kvm`, `xen`, `hyper-v` or `esxi`), `hw_rng_model` (`virtio`) as well; add it where it is true [scs-0102]
    images/debian.yml:7:18: warning: version `1` has no `url` (an http(s) or ftp(s) URL, or `private`), `build_date` (a date such as `2026-07-25`, with or without a time in UTC), which scs-0102 asks for; add it [scs-0102]
    "#);
}

#[test]
fn recommended_things_are_notes() {
    insta::assert_snapshot!(V2.one("      hw_scsi_model: virtio-scsi\n      hw_rng_model: virtio\n      hypervisor_type: qemu\n", ""), @"images/debian.yml:2:11: note: scs-0102 recommends `hypervisor_type` (`qemu`, `kvm`, `xen`, `hyper-v` or `esxi`), `hw_rng_model` (`virtio`), `hw_scsi_model` (`virtio-scsi`) as well; add it where it is true [scs-0102]");
    let tagless = World {
        policy: "tags: []",
        ..V2
    };
    assert!(
        tagless
            .says(GOOD)
            .contains("note: scs-0102 recommends a tag `os:NAME`")
    );
}

#[test]
fn the_purpose_is_advice_in_version_1_and_mandatory_in_version_2() {
    let line = "      os_purpose: generic\n";
    assert!(
        V1.one(line, "")
            .contains(": note: scs-0102 recommends `os_purpose`")
    );
    assert!(
        V2.one(line, "")
            .contains(": warning: scs-0102 asks for `os_purpose`")
    );
}

#[test]
fn who_does_not_offer_or_does_not_mean_the_standard_is_left_alone() {
    let bad = changed("architecture: x86_64", "architecture: arm64");
    assert!(!V2.says(&bad).is_empty());
    for visibility in ["private", "shared"] {
        assert_eq!(
            V2.says(&bad.replace("visibility: public", &format!("visibility: {visibility}"))),
            ""
        );
    }
    assert_eq!(
        V2.says(&bad.replace("    visibility", "    enable: false\n    visibility")),
        ""
    );
    let off = World {
        said: Some(Standard::Off),
        ..V2
    };
    assert_eq!(off.says(&bad), "");
    // Without a word of the settings, a definition speaks for itself.
    let silent = "  - name: A\n    format: qcow2\n    visibility: public\n    meta: {architecture: arm64}\n    versions: []\n";
    assert_eq!(V2.says(silent), "");
    let everywhere = World {
        said: Some(Standard::V2),
        ..V2
    };
    assert!(everywhere.says(silent).contains("`arm64`"));
    // So does a policy.
    let policy = World {
        policy: "properties: {uuid_validity: none}",
        ..V2
    };
    assert!(policy.says(silent).contains("`arm64`"));
}

#[test]
fn what_apply_or_the_policy_writes_counts_as_said() {
    let world = World {
        policy: "properties: {os_version: '{version}', replace_frequency: never}",
        ..V2
    };
    let images =
        changed("      os_version: '13'\n", "").replace("      replace_frequency: quarterly\n", "");
    assert_eq!(world.says(&images), "");
    // Without rotation the version is the property.
    let single = changed("      os_version: '13'\n", "")
        .replace("    visibility", "    multi: false\n    visibility");
    assert_eq!(V2.says(&single), "");
    // A file of the operator has no address; the standard has a word for it, which `apply` writes.
    let file = changed(
        "https://cloud.debian.org/images/cloud/trixie/20260701-2540/",
        "file:///srv/",
    )
    .replace("generic\n", "custom\n")
    .replace("Debian 13", "Golden");
    assert_eq!(V2.says(&file), "");
}

#[test]
fn a_license_is_included_or_required() {
    let both = "    meta:\n      license_included: 'true'\n      license_required: 'true'\n";
    assert!(V2.one("    meta:\n", both).contains("exclude each other"));
    assert_eq!(
        V2.says(&changed(
            "    meta:\n",
            "    meta:\n      license_included: 'true'\n      license_required: 'false'\n"
        )),
        ""
    );
}

#[test]
fn one_release_and_architecture_has_one_generic_image() {
    let second = |from: &str, to: &str| {
        let other = GOOD
            .replace("name: Debian 13", "name: Debian 13 daily")
            .replace(from, to);
        format!("{GOOD}{other}")
    };
    insta::assert_snapshot!(V2.says(&second("-", "-")), @"images/debian.yml:39:19: warning: it is `generic` for debian 13 on x86_64, and so is `Debian 13` at images/debian.yml:2; scs-0102 allows one, so give one of the two another `os_purpose`, such as `minimal` or `custom` [scs-0102-generic]");
    assert!(
        V1.says(&second("-", "-"))
            .contains(": note: it is `generic`")
    );
    for (from, to) in [
        ("generic\n", "minimal\n"),
        ("x86_64", "aarch64"),
        ("'13'", "'15'"),
        ("visibility: public", "visibility: community"),
        (
            "        build_date",
            "        hidden: true\n        build_date",
        ),
    ] {
        assert_eq!(V2.says(&second(from, to)), "", "{to}");
    }
}

#[test]
fn builds_that_are_yet_to_come_have_versions_of_their_own() {
    let versions = GOOD.find("    versions:").unwrap();
    let rolling = format!("{}    versions: []\n", &GOOD[..versions])
        .replace("      os_version: '13'\n", "")
        .replace(
            "    visibility",
            "    policy: {properties: {os_version: '{version}'}}\n    visibility",
        );
    let both = format!(
        "{rolling}{}",
        rolling.replace("Debian 13", "Debian testing")
    );
    assert_eq!(V2.says(&both), "");
}

#[test]
fn a_policy_takes_replaced_images_out_of_the_way() {
    let with = |older: &'static str| {
        World {
            policy: older,
            ..V2
        }
        .says(GOOD)
    };
    insta::assert_snapshot!(with(
        "stages: {older: {replace: {os_purpose: {generic: generic}}}}"
    ), @"images/debian.yml:2:11: warning: its policy leaves replaced images in public lists as `generic`, beside the newest; write `replace: {os_purpose: {generic: oldgeneric}}` into that stage, or hide them there [scs-0102-generic]");
    insta::assert_snapshot!(with("stages: {older: {name: '{name}-{version}'}}"), @"images/debian.yml:2:11: warning: its policy names a replaced image `Debian 13-20260701-2540`, from which scs-0102 does not find its successor `Debian 13`: that is the name up to the last space; name it `{name} ({version})`, or hide it [scs-0102-replaced]");
    assert!(with("stages: {older: {name: '{name}'}}").contains("[scs-0102-replaced]"));
    for good in [
        "stages: {older: {name: '{name}', hidden: true}, retired: {hidden: true}}",
        "stages: {older: {name: '{name} {build_date:%Y%m%d}'}}",
        "stages: {older: {name: '{name}-{version}', visibility: private}, retired: {visibility: private}}",
        "rotate: false",
    ] {
        assert_eq!(with(good), "", "{good}");
    }
}

#[test]
fn a_build_is_as_recent_as_promised_and_not_of_the_future() {
    let on = |today| World { today, ..V2 }.says(GOOD);
    // A quarter is 92 days; three more are forgiven.
    assert_eq!(on("2026-10-04"), "");
    insta::assert_snapshot!(on("2026-10-05"), @"images/debian.yml:21:18: warning: its newest version `20260701-2540` was built on 2026-07-01, and `replace_frequency: quarterly` promised another by 2026-10-04; run `reglaze update --write`, or promise less [scs-0102-recency]");
    assert_eq!(
        on("2028-08-10"),
        "",
        "after `provided_until` nothing is promised"
    );
    insta::assert_snapshot!(on("2026-06-30"), @"images/debian.yml:21:18: warning: version `20260701-2540` was built on 2026-07-01, which is after today, 2026-06-30; correct `build_date` [scs-0102]");
    let late = World {
        today: "2027-12-01",
        ..V2
    };
    for (frequency, until, broken) in [
        ("never", "notice", false),
        ("critical_bug", "notice", false),
        ("yearly", "notice", true),
        ("daily", "none", false),
    ] {
        let images = changed("quarterly", frequency).replace("2028-08-09", until);
        assert_eq!(
            late.says(&images).contains("[scs-0102-recency]"),
            broken,
            "{frequency} {until}"
        );
    }
    // Weeks have little slack: a tenth.
    let weekly = changed("quarterly", "weekly");
    let on = |today| World { today, ..V2 }.says(&weekly);
    assert_eq!(on("2026-07-09"), "");
    assert!(on("2026-07-10").contains("promised another by 2026-07-09"));
}

#[test]
fn a_vendors_image_comes_from_its_vendor() {
    let mirror = ("https://cloud.debian.org/", "https://mirror.example.org/");
    insta::assert_snapshot!(V2.one(mirror.0, mirror.1), @"images/debian.yml:22:14: warning: `image_source` of `Debian 13` is `https://mirror.example.org/images/cloud/trixie/20260701-2540/debian-13-genericcloud-amd64-20260701-2540.qcow2`, and scs-0104 wants `https://cloud.debian.org/images/cloud/trixie/…` or `https://cdimage.debian.org/cdimage/cloud/trixie/…`; pin the vendor's own build, a mirror of it as `mirror_url` [scs-0104]");
    assert!(V1.one(mirror.0, mirror.1).contains("[scs-0104]"));
    assert!(
        V2.one("cloud/trixie/", "cloud/bookworm/")
            .contains("[scs-0104]")
    );
    assert_eq!(
        V2.says(&changed(
            "https://cloud.debian.org/images/cloud/",
            "https://cdimage.debian.org/cdimage/cloud/"
        )),
        ""
    );
    // Under another name version 1 does not look at it, version 2 does; for another purpose neither does.
    let renamed = changed(mirror.0, mirror.1).replace("Debian 13", "Debian 13 Trixie");
    assert!(V2.says(&renamed).contains("image_source"));
    assert!(!V1.says(&renamed).contains("image_source"));
    assert_eq!(V2.says(&renamed.replace("generic\n", "custom\n")), "");
    let ubuntu = GOOD
        .replace("debian\n", "ubuntu\n")
        .replace("'13'", "'24.04'")
        .replace("Debian 13", "Ubuntu 24.04");
    let noble =
        |folder: &str| ubuntu.replace("https://cloud.debian.org/images/cloud/trixie/", folder);
    for good in [
        "https://cloud-images.ubuntu.com/releases/noble/",
        "https://cloud-images.ubuntu.com/noble/",
    ] {
        assert_eq!(V2.says(&noble(good)), "", "{good}");
    }
    for bad in [
        "https://cloud-images.ubuntu.com/releases/jammy/",
        "https://cloud-images.ubuntu.com/minimal/releases/noble/",
    ] {
        assert!(V2.says(&noble(bad)).contains("[scs-0104]"), "{bad}");
    }
}

#[test]
fn the_certificate_looks_for_a_plain_name() {
    let renamed = GOOD.replace("Debian 13", "Debian 13 Trixie");
    insta::assert_snapshot!(V1.says(&renamed), @"images/debian.yml:2:11: warning: scs-0104 v1 looks for this image as `Debian 13`; name it so [scs-0104]");
    assert_eq!(V2.says(&renamed), "");
    assert_eq!(V1.says(&renamed.replace("x86_64", "aarch64")), "");
}

#[test]
fn a_node_image_keeps_to_its_name_origin_purpose_and_description() {
    let with = |from: &str, to: &str| {
        assert!(NODE.contains(from), "{from}");
        NODE.replace(from, to)
    };
    assert_eq!(
        V2.says(&with(
            "ubuntu-capi-image-v1.33\n",
            "ubuntu-capi-image\n    multi: false\n    separator: -v\n"
        )),
        ""
    );
    assert_eq!(V2.says(&with("https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/ubuntu-2204-kube-v1.33/", "https://example.org/").replace("capi-image", "node-image")), "");
    let both = [
        ("image-v1.33\n", "image v1.33\n"),
        ("image-v1.33\n", "image\n"),
        (
            "https://nbg1.your-objectstorage.com/",
            "https://example.org/",
        ),
    ];
    for (from, to) in both {
        for world in [V1, V2] {
            assert!(world.says(&with(from, to)).contains("[scs-0104]"), "{to}");
        }
    }
    for (from, to) in [
        ("k8snode", "custom"),
        ("https://github.com/osism/k8s-capi-images", "Nodes"),
    ] {
        assert!(
            V2.says(&with(from, to)).contains("scs-0104 v2 wants"),
            "{to}"
        );
        assert_eq!(V1.says(&with(from, to)), "");
    }
}
