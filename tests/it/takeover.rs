//! A catalogue that openstack-image-manager made is taken over without one upload.

use std::process::Command;

use serde_json::Value;

use crate::services::clouds_yaml;
use crate::stage::{Stage, openstack, steps};

/// The tool that reglaze takes over from, in an environment of its own.
fn image_manager() -> String {
    let script = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openstack/oim");
    let output = Command::new(script).output().unwrap();
    assert!(
        output.status.success(),
        "tests/openstack/oim failed: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    format!(
        "{}/bin/openstack-image-manager",
        String::from_utf8(output.stdout).unwrap().trim()
    )
}

/// A definition that both tools read.
pub fn definition(stage: &Stage, name: &str, multi: bool, versions: &str) -> String {
    format!(
        "  - name: {}
    enable: true
    format: raw
    login: ubuntu
    min_disk: 1
    min_ram: 512
    status: active
    visibility: public
    multi: {multi}
    meta:
      architecture: x86_64
      hw_disk_bus: scsi
      hw_qemu_guest_agent: true
      hypervisor_type: qemu
      os_distro: ubuntu
      os_purpose: generic
      replace_frequency: never
      uuid_validity: none
      provided_until: none
    tags: []
    versions:
{versions}",
        stage.name(name),
    )
}

/// A version of it.
pub fn version(url: &str, version: &str, bytes: &str) -> String {
    let digest = stage_digest(bytes.as_bytes());
    format!(
        "      - version: '{version}'\n        url: {url}\n        checksum: sha256:{digest}\n        build_date: 2026-07-25\n"
    )
}

fn stage_digest(bytes: &[u8]) -> String {
    use sha2::{Digest, Sha256};
    crate::stage::hex(&Sha256::digest(bytes))
}

/// Lets the other tool make the catalogue that the stage's folder `images` describes.
pub fn run_image_manager(stage: &Stage) {
    let output = Command::new(image_manager())
        .args([
            "--cloud",
            "admin",
            "--images",
            stage.path("images").to_str().unwrap(),
        ])
        .current_dir(stage.folder.path())
        .env("OS_CLIENT_CONFIG_FILE", clouds_yaml())
        .env("PYTHONWARNINGS", "ignore")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn three_images_of_openstack_image_manager_are_taken_over_without_an_upload() {
    let stage = Stage::new("takeover");
    let url = |name: &str| format!("{}/{name}.img", stage.upstream_url());
    for (name, bytes) in [("1", "one"), ("2", "two"), ("9", "nine")] {
        stage.publish(name, bytes.as_bytes());
    }
    let multi = version(&url("1"), "1", "one") + &version(&url("2"), "2", "two");
    let single = version(&url("9"), "9", "nine");
    let images =
        definition(&stage, "Multi", true, &multi) + &definition(&stage, "Single", false, &single);
    stage.write("images/all.yml", &format!("---\nimages:\n{images}"));
    stage.write("reglaze.yml", "tag: managed_by_osism\n");

    run_image_manager(&stage);
    let names = || -> Vec<(String, String)> {
        let list: Vec<Value> =
            serde_json::from_str(&openstack(&["image", "list", "-f", "json"], "tenant")).unwrap();
        let mut names: Vec<_> = list
            .iter()
            .map(|image| {
                (
                    image["Name"].as_str().unwrap_or_default(),
                    image["ID"].as_str().unwrap().to_owned(),
                )
            })
            .filter(|(name, _)| name.contains(&stage.tag))
            .map(|(name, id)| (name.replace(&format!(" {}", stage.tag), ""), id))
            .collect();
        names.sort();
        names
    };
    let before = names();
    let shown: Vec<_> = before.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(shown, ["Multi", "Multi (1)", "Single 9"]);

    // Reviewing the takeover: marks and properties at most.
    let filter = format!("--filter={}", stage.tag);
    let plan = stage.reglaze(&["plan", &filter]);
    let document: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert!(
        steps(&document)
            .iter()
            .all(|step| step.starts_with("properties")),
        "{}",
        plan.stdout
    );
    stage.reglaze(&["apply", &filter]).expect(0);
    assert_eq!(names(), before);
    stage.reglaze(&["plan", &filter]).expect(0);

    // Rotation goes on from there.
    let newer = stage
        .publish("3", b"three")
        .replace("\n  ", "\n      ")
        .replacen("  - ", "      - ", 1);
    let images = definition(&stage, "Multi", true, &(multi + &newer))
        + &definition(&stage, "Single", false, &single);
    stage.write("images/all.yml", &format!("---\nimages:\n{images}"));
    stage.reglaze(&["apply", &filter]).expect(0);
    let after = names();
    let shown: Vec<_> = after.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(shown, ["Multi", "Multi (1)", "Multi (2)", "Single 9"]);
    let id = |list: &[(String, String)], name: &str| {
        list.iter().find(|(one, _)| one == name).unwrap().1.clone()
    };
    assert_eq!(id(&after, "Multi (2)"), id(&before, "Multi"));
    for (_, id) in after {
        openstack(&["image", "delete", &id], "admin");
    }
}

/// The README's section on the other tool.
fn section() -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(path).unwrap();
    let (_, rest) = readme
        .split_once("\n### Coming from openstack-image-manager\n")
        .unwrap();
    rest.split_once("\n## ").unwrap().0.to_owned()
}

#[test]
fn every_flag_of_openstack_image_manager_has_its_line_in_the_readme() {
    let output = Command::new(image_manager())
        .arg("--help")
        .env("COLUMNS", "250")
        .env("NO_COLOR", "1")
        .env("PYTHONWARNINGS", "ignore")
        .output()
        .unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    let flag = regex::Regex::new(r"(?m)^\W*(--[a-z][a-z-]+)").unwrap();
    let flags: Vec<&str> = flag
        .captures_iter(&help)
        .map(|found| found.get(1).unwrap().as_str())
        .filter(|flag| !["--help", "--install-completion", "--show-completion"].contains(flag))
        .collect();
    assert!(flags.len() > 20, "{help}");
    let section = section();
    for flag in flags {
        let named = regex::Regex::new(&format!("`{flag}[` /]")).unwrap();
        assert!(named.is_match(&section), "`{flag}` has no line: {help}");
    }
}

/// A value that a key of the other tool's format may have, as YAML.
fn sample(key: &str) -> &'static str {
    match key {
        "enable" | "keep" | "multi" | "hidden" => "true",
        "format" => "qcow2",
        "min_disk" | "min_ram" => "10",
        "name" | "shortname" | "login" | "password" | "os_version" | "image_description" => "words",
        "version" => "'20260725'",
        "status" => "active",
        "separator" => "' - '",
        "tags" => "[one, two]",
        "visibility" => "public",
        "build_date" => "2026-07-25",
        "source" => "private",
        "checksum" => "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "id" => "01234567-89ab-cdef-0123-456789abcdef",
        "meta" => "{architecture: x86_64, hotfix_hours: 48, hw_vif_multiqueue_enabled: true}",
        url if url.ends_with("url") => "https://images.example/image.img",
        other => panic!("the other tool's schema has a key that is new: `{other}`"),
    }
}

#[test]
fn every_key_of_its_definitions_is_read_and_named_in_the_readme() {
    let folder = std::path::PathBuf::from(image_manager());
    let lib = folder.ancestors().nth(2).unwrap().join("lib");
    let python = std::fs::read_dir(lib).unwrap().next().unwrap().unwrap();
    let schema = python
        .path()
        .join("site-packages/openstack_image_manager/etc/schema.yaml");
    let schema = std::fs::read_to_string(schema).unwrap();
    // `image:` and `versions:` begin a block of keys that are indented by two.
    let keys = |block: &str| -> Vec<&str> {
        let (_, rest) = schema.split_once(&format!("\n{block}:\n")).unwrap();
        let lines = rest.lines().take_while(|line| line.starts_with("  "));
        let keys = lines.filter_map(|line| line.trim().split_once(':'));
        keys.map(|(key, _)| key)
            .filter(|key| !key.starts_with('#'))
            .collect()
    };
    let (image, version) = (keys("image"), keys("versions"));
    assert!(image.len() > 15 && version.len() > 10, "{schema}");
    let lines = |keys: &[&str], indent: &str| -> String {
        let keys = keys.iter().filter(|key| **key != "versions");
        let pairs: Vec<_> = keys.map(|key| format!("{key}: {}", sample(key))).collect();
        pairs.join(indent)
    };
    let (of_image, of_version) = (lines(&image, "\n  "), lines(&version, "\n    "));
    let text = format!("images:\n- {of_image}\n  versions:\n  - {of_version}\n");
    let read = reglaze::domain::definition::parse("all.yml", &text);
    assert!(read.is_ok(), "{text}\n{read:?}");
    let section = section();
    for key in image.iter().chain(&version) {
        assert!(
            section.contains(&format!("`{key}`")),
            "`{key}` is not in the README"
        );
    }
}
