//! web-download: Glance fetches, and what it has is proven afterwards or said for ever not to be.

use std::io::Write;

use super::{asked, converting, disk, failed, settings, stage, upload};
use crate::stage::{rules, steps};
use crate::transfers::{define, outcomes, run, two_clouds};

const FETCH: &str = "method: web-download";

#[test]
fn a_sha512_digest_is_compared_and_any_other_one_proven_by_reading_the_image_back() {
    let stage = stage("fetched", FETCH, "");
    let compared = stage.publish_sha512("1", &disk(1));
    let read_back = stage.publish("2", &disk(2));
    stage.define("Alpha", "", &[compared]);
    stage.define("Beta", "", &[read_back]);
    let planned = stage.reglaze(&["plan"]).expect(2);
    assert_eq!(upload(&planned)["changes"]["method"], "web-download");
    assert_eq!(upload(&planned)["changes"].get("unverified"), None);
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(
        stage.catalogue(),
        [("Alpha".to_owned(), 1), ("Beta".to_owned(), 1)].into(),
        "{document}"
    );
    assert_eq!(asked(&stage, "PUT", "/file"), 0);
    for image in stage.images() {
        assert_eq!(image["properties"].get("reglaze_state"), None);
        assert_eq!(image["properties"].get("reglaze_unverified"), None);
    }
    assert_eq!(steps(&stage.reglaze(&["plan"]).expect(0)), [""; 0]);
}

#[test]
fn what_glance_fetched_and_is_not_attested_is_not_kept() {
    for (name, is_sha512) in [("fetched-wrong-512", true), ("fetched-wrong-256", false)] {
        let stage = stage(name, FETCH, "");
        let version = if is_sha512 {
            stage.publish_sha512("1", &disk(1))
        } else {
            stage.publish("1", &disk(1))
        };
        stage.publish("1", &disk(9));
        stage.define("Alpha", "", &[version]);
        failed(&stage, &stage.reglaze(&["apply"]), "is not it");
    }
}

#[test]
fn what_is_something_else_is_not_kept_though_its_digest_is_right() {
    // A plain optical disc, which Glance lets pass as `raw`, and what is told by its end only.
    let mut disc = vec![0; 40 << 10];
    disc[0x8000..0x8006].copy_from_slice(b"\x01CD001");
    let mut large_disc = disc.clone();
    large_disc.resize(1 << 20, 0);
    let mut ends_as_another = disk(7);
    ends_as_another.resize(1 << 20, 7);
    let footer = ends_as_another.len() - 512;
    ends_as_another[footer..][..8].copy_from_slice(b"conectix");
    for (name, bytes) in [
        ("small", disc),
        ("large", large_disc),
        ("end", ends_as_another),
    ] {
        let stage = stage(&format!("fetched-other-{name}"), FETCH, "");
        let version = stage.publish_sha512("1", &bytes);
        stage.define("Alpha", "", &[version]);
        failed(
            &stage,
            &stage.reglaze(&["apply"]),
            "is not kept: it breaks the rule",
        );
    }
}

#[test]
fn what_one_place_does_not_have_or_has_wrong_glance_fetches_from_the_next() {
    let stage = stage("fetched-next", FETCH, "");
    stage.publish("wrong", &disk(9));
    for (image, mirror) in [("Alpha", "missing"), ("Beta", "wrong")] {
        let version = stage.publish_sha512("1", &disk(1));
        let mirror = format!("    mirror_url: https://images.example/{mirror}.img\n");
        stage.define(image, "", &[version + &mirror]);
    }
    let ended = stage.reglaze(&["apply"]);
    let document = ended.expect(0);
    assert_eq!(
        stage.catalogue(),
        [("Alpha".to_owned(), 1), ("Beta".to_owned(), 1)].into(),
        "{document}"
    );
    assert_eq!(stage.images().len(), 2, "nothing of a wrong place is left");
    assert_eq!(asked(&stage, "PUT", "/file"), 0);
    assert_eq!(ended.stderr.matches("trying the next place").count(), 2);
}

#[test]
fn what_glance_cannot_fetch_fails_after_its_202_and_nothing_is_left() {
    let stage = stage("fetched-missing", FETCH, "");
    let version = stage
        .publish_sha512("1", b"there")
        .replace("1.img", "2.img");
    stage.define("Alpha", "", &[version]);
    let ended = stage.reglaze(&["apply"]);
    failed(&stage, &ended, "the reason is in Glance's log only");
}

#[test]
fn what_is_packed_does_not_come_by_download_whether_its_name_says_so_or_its_bytes() {
    let stage = stage("fetched-packed", FETCH, "");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&disk(3)).unwrap();
    let packed = packed.finish().unwrap();
    for version in [
        stage.publish("1", &packed),
        stage.publish_sha512("1", &packed),
    ] {
        stage.define("Alpha", "", &[version]);
        failed(
            &stage,
            &stage.reglaze(&["apply"]),
            "transfer.method: upload",
        );
    }
    let version = stage.publish("1", &packed).replace("1.img", "1.img.gz");
    stage.define("Alpha", "", &[version]);
    let planned = stage.reglaze(&["plan"]).expect(3);
    assert!(
        rules(&planned).contains(&"not-by-web-download"),
        "{planned}"
    );
    assert_eq!(steps(&planned), [""; 0]);
}

#[test]
fn what_a_plugin_makes_of_fetched_bytes_cannot_be_proven_and_is_not_kept() {
    let stage = stage("fetched-converted", FETCH, "");
    converting(&stage);
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&disk(3)).unwrap();
    // It is decompressed, so what is stored is not what is attested.
    let version = stage.publish_sha512("1", &packed.finish().unwrap());
    stage.define("Alpha", "", &[version]);
    failed(&stage, &stage.reglaze(&["apply"]), "is not it");
}

#[test]
fn what_nobody_proves_stays_out_unless_the_cloud_allows_it_and_then_says_so() {
    let stage = stage("unverified", FETCH, "verify: checksum\n");
    let version = stage.publish("1", &disk(4));
    stage.define("Alpha", "", &[version]);
    let refused = stage.reglaze(&["plan"]).expect(3);
    assert!(rules(&refused).contains(&"unverified"), "{refused}");
    assert_eq!(steps(&refused), [""; 0]);
    failed(
        &stage,
        &stage.reglaze(&["apply"]),
        "transfer.allow_unverified: true",
    );
    settings(
        &stage,
        "method: web-download, allow_unverified: true",
        "verify: checksum\n",
    );
    let planned = stage.reglaze(&["plan"]).expect(2);
    assert_eq!(upload(&planned)["changes"]["unverified"], true);
    assert_eq!(
        planned["clouds"][0]["steps"][1]["changes"]["reglaze_unverified"],
        "web-download"
    );
    let document = stage.reglaze(&["apply"]).expect(0);
    let told = document["findings"].as_array().unwrap();
    let told = told.iter().find(|one| one["rule"] == "unverified").unwrap();
    assert_eq!(told["level"], "warning");
    let image = &stage.images()[0];
    assert_eq!(image["properties"]["reglaze_unverified"], "web-download");
    assert_eq!(image["properties"].get("source_sha256sum"), None);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    assert_eq!(steps(&stage.reglaze(&["plan"]).expect(0)), [""; 0]);
}

#[test]
fn of_two_clouds_each_has_its_own_glance_fetch() {
    let stage = two_clouds("fetched-twice", "transfer: {method: web-download}\n");
    define(&stage, "Alpha", &stage.publish_sha512("1", &disk(1)));
    let document = run(&stage, &["apply", "--format=json"]).expect(0);
    for cloud in [0, 1] {
        assert_eq!(outcomes(&document, cloud), ["done", "done"]);
    }
    let images = stage.images();
    assert_eq!(images.len(), 2);
    assert_ne!(images[0]["owner"], images[1]["owner"]);
    assert_eq!(images[0]["os_hash_value"], images[1]["os_hash_value"]);
    assert_eq!(asked(&stage, "POST", "/import"), 2);
    assert_eq!(asked(&stage, "PUT", "/file"), 0);
    // The run asks for the size, Glance for the bytes.
    assert_eq!(stage.fetched("1"), 4);
}
