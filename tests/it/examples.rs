//! Definitions that the README shows, taken from it as they stand and applied to the real Glance.

use std::path::Path;

use reqwest::Method;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::account::{Account, wait};
use crate::stage::{Ended, Stage, hex, openstack, steps};

/// The examples promise newer builds, which nobody writes into the README.
const TODAY: &str = "--today=2026-09-20";

/// The definition that the README shows as the text of a file.
fn shown(file: &str) -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let begin = format!("\n```yaml\n# {file}\n");
    let (_, rest) = readme.split_once(&begin).expect("the README shows it");
    let (text, _) = rest.split_once("\n```\n").unwrap();
    format!("{text}\n")
}

/// An empty disk of 1 GiB in a qcow2 image; which one, says `fill`.
fn qcow2(fill: u8) -> Vec<u8> {
    let mut bytes = vec![fill; 256 << 10];
    bytes[..112].fill(0);
    bytes[..4].copy_from_slice(b"QFI\xfb");
    bytes[7] = 3; // version
    bytes[23] = 16; // 64 KiB in a cluster
    bytes[28] = 0x40; // 1 GiB
    bytes[39] = 2; // entries of the L1 table
    bytes[45] = 3; // it is the fourth cluster
    bytes[53] = 1; // the refcount table is the second one
    bytes[59] = 1; // and one cluster long
    bytes[99] = 4; // bits in a reference count, as a power of two
    bytes[103] = 104; // the header's own length
    bytes[0x30000..0x30010].fill(0); // nothing is allocated
    bytes
}

/// A stage with this one example. Its names are those of the README, so that what a broken run left must go first.
fn prepared(file: &str, content: u8) -> (Stage, Vec<u8>) {
    let mut stage = Stage::new("example");
    stage.retag(&format!("example-{}", file.replace(['/', '.'], "-")));
    remove(&stage);
    let (text, bytes) = (shown(file), qcow2(content));
    let digest = format!("sha256:{}", hex(&Sha256::digest(&bytes)));
    assert!(
        text.contains(&digest),
        "the digest of this file is {digest}"
    );
    stage.write(file, &text);
    (stage, bytes)
}

fn remove(stage: &Stage) {
    for image in stage.images() {
        wait(Account::of("admin").delete(image["id"].as_str().unwrap()));
    }
}

/// Runs all that an operator runs, and gives the image as the standard client shows it to a customer.
fn applied(stage: &Stage, name: &str, run: impl Fn(&str) -> Ended) -> Value {
    let validated = run("validate").expect(0);
    assert_eq!(
        validated["findings"],
        Value::Array(Vec::new()),
        "{validated}"
    );
    let planned = run("plan").expect(2);
    assert!(steps(&planned)[0].starts_with("upload "), "{planned}");
    run("apply").expect(0);
    assert!(steps(&run("plan").expect(0)).is_empty());
    let shown = openstack(&["image", "show", "-f", "json", name], "tenant");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["id"], stage.images()[0]["id"]);
    shown
}

#[test]
fn the_readmes_rescue_image_rescues_a_server() {
    let (stage, bytes) = prepared("images/rescue.yml", 1);
    stage.publish("rescue/rescue-20260901", &bytes);
    // The same server with the name that files have there.
    let map = format!(
        "--upstream-map=https://images.example.org={}",
        stage.upstream_url()
    );
    let image = applied(&stage, "Rescue", |command| {
        stage.reglaze(&[command, "--strict", TODAY, &map])
    });
    assert_eq!(image["properties"]["hw_rescue_device"], "disk");
    assert_eq!(image["properties"]["hw_rescue_bus"], "virtio");
    assert_eq!(image["visibility"], "public");

    let broken = serde_json::json!({
        "name": "broken", "disk_format": "raw", "container_format": "bare", "visibility": "private"
    });
    let tenant = Account::of("tenant");
    let broken = wait(tenant.create(broken, Some(&[0; 512])));
    let start = [
        "server",
        "create",
        "--flavor",
        "tiny",
        "--no-network",
        "--wait",
        "-f",
        "value",
        "-c",
        "id",
    ];
    let server = openstack(
        &[&start[..], &["--image", &broken, "broken"]].concat(),
        "tenant",
    );
    let server = server.trim();
    openstack(&["server", "rescue", "--image", "Rescue", server], "tenant");
    let status = || {
        openstack(
            &["server", "show", "-f", "value", "-c", "status", server],
            "tenant",
        )
    };
    let is = |wanted: &str| (0..60).any(|_| status().trim() == wanted);
    assert!(is("RESCUE"), "{}", status());
    openstack(&["server", "unrescue", server], "tenant");
    assert!(is("ACTIVE"), "{}", status());
    openstack(&["server", "delete", "--wait", server], "tenant");
    wait(tenant.must(Method::DELETE, &format!("/v2/images/{broken}"), None));
    remove(&stage);
}

#[test]
fn the_readmes_windows_image_comes_from_a_file_of_this_machine() {
    let (stage, bytes) = prepared("images/windows.yml", 2);
    let folder = stage.path("srv");
    std::fs::create_dir(&folder).unwrap();
    let file = folder.join("windows-server-2025-20260908.qcow2");
    let here = url::Url::from_file_path(&folder).unwrap();
    let map = format!("--upstream-map=file:///srv/images={here}");
    let run = |command: &str| stage.reglaze(&[command, "--strict", TODAY, &map]);

    let missing = run("apply").expect(3).to_string();
    assert!(
        missing.contains("`file:///srv/images/windows-server-2025-20260908.qcow2` cannot be read"),
        "{missing}"
    );
    std::fs::write(&file, [&bytes[..], &[0]].concat()).unwrap();
    let exchanged = run("apply").expect(3).to_string();
    assert!(exchanged.contains("was not uploaded"), "{exchanged}");
    assert!(stage.images().is_empty(), "nothing of it stays");

    std::fs::write(&file, &bytes).unwrap();
    let image = applied(&stage, "Windows Server 2025", run);
    for (key, value) in [
        ("os_type", "windows"),
        ("hw_disk_bus", "virtio"),
        ("hw_vif_model", "virtio"),
        ("hw_firmware_type", "uefi"),
        ("license_included", "true"),
        ("image_source", "private"),
        ("image_original_user", "Administrator"),
    ] {
        assert_eq!(image["properties"][key], value, "{key}");
    }
    assert_eq!(
        (&image["min_disk"], &image["min_ram"]),
        (&40.into(), &4096.into())
    );
    assert!(!image.to_string().contains("/srv/"), "{image}");
    stage
        .reglaze(&["validate", "--online", "--strict", TODAY, &map])
        .expect(0);
    remove(&stage);
}
