//! What each property may be.

use super::*;

/// Property | its value in the good definition | what may stand there too | what may not.
const VALUES: &str = "\
architecture | x86_64 | aarch64; risc-v | arm64; amd64; X86_64; ''
hw_disk_bus | scsi | virtio | ide; sata
hw_rng_model | virtio |  | random
hypervisor_type | qemu | kvm; xen; hyper-v; esxi | hyperv; vmware
os_distro | debian | alpinelinux | Debian; ''; debian linux
os_version | '13' | '12.5'; sid | ''; trixie; noble
os_purpose | generic | minimal; k8snode; gpu; network; custom; oldgeneric | general; Generic
replace_frequency | quarterly | yearly; monthly; critical_bug; never | biweekly; Monthly
provided_until | 2028-08-09 | none; notice; 2027-01-31 | forever; 2028-8-9; last-3
uuid_validity | last-3 | none; notice; forever; 2027-01-31; last-1 | last-0; last; last-x; always; 2027-13-01
hotfix_hours |  | '48'; 0 | 2 days; 1.5; -1
maintained_until |  | 2028-08-09 | 2028; never
patchlevel |  | sp2 | ''
license_included |  | true; 'False' | yes please
license_required |  | true | maybe
subscription_included |  | false | 1
subscription_required |  | true | 0
l1_support_contact |  | https://example.org/help; mailto:help@example.org | the desk
os_hash_algo |  | sha256; sha512 | md5
os_secure_boot |  | optional | yes
hw_firmware_type |  | uefi | efi
hw_watchdog_action |  | reset | restart
hw_mem_encryption |  | true | sev
hw_pmu |  | false | off
hw_video_ram |  | 16 | 0; 16MB
hw_vif_multiqueue_enabled |  | true | 4
trait:HW_CPU_X86_AVX2 |  | required | preferred
image_build_date |  | 2026-07-01; 2026-07-01 12:00; 2026-07-01 12:00:30; 2026-07-01T12:00:30Z | July 2026; 20260701
image_source |  | https://cloud.debian.org/images/cloud/trixie/x.qcow2 | cloud.debian.org
image_description |  | https://www.debian.org/releases/trixie/ | ''
image_original_user |  | none | ''
";

/// What the keys of a definition or version make is overridden in the version's own `meta`.
const MADE: [&str; 4] = [
    "image_build_date",
    "image_source",
    "image_description",
    "image_original_user",
];

#[test]
fn every_property_has_values_that_do_and_values_that_do_not() {
    let mut tried = BTreeSet::from(["min_disk", "min_ram"]);
    for row in VALUES.lines() {
        let [key, now, good, bad] = row.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{row}");
        };
        tried.insert(key);
        for world in [V1, V2] {
            for value in good.split("; ").filter(|value| !value.is_empty()) {
                assert_eq!(about(&world, key, now, value), "", "{key}: {value}");
            }
            for value in bad.split("; ") {
                let found = about(&world, key, now, value);
                let warned = found.contains(": warning: ") && found.ends_with("[scs-0102]");
                assert!(warned, "{key}: {value}: {found}");
            }
        }
    }
    for property in PROPERTIES {
        assert!(tried.contains(property.key), "{}", property.key);
    }
}

/// The first finding that names the property, with this value in place of the good one.
fn about(world: &World, key: &str, now: &str, value: &str) -> String {
    let images = if MADE.contains(&key) {
        format!("{GOOD}        meta:\n          {key}: {value}\n")
    } else if now.is_empty() {
        changed("    meta:\n", &format!("    meta:\n      {key}: {value}\n"))
    } else {
        changed(
            &format!("      {key}: {now}\n"),
            &format!("      {key}: {value}\n"),
        )
    };
    let found = world.says(&images);
    let named = format!("`{key}`");
    found
        .lines()
        .find(|line| line.contains(&named))
        .unwrap_or_default()
        .to_owned()
}
