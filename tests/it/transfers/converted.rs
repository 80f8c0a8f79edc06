//! qcow2 images in a cloud that stores raw.

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

use crate::proxy::Fault;
use crate::stage::{Ended, Stage, hex, steps};

/// Runs a program of QEMU's; without it the test fails.
pub fn qemu(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}; install qemu-utils"));
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
}

/// A qcow2 file of 40 MiB and some sectors, with data here and there, some of it compressed; and the disk in it.
fn image(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (qcow2, raw) = (path("disk.qcow2"), path("disk.raw"));
    qemu(
        "qemu-img",
        &["create", "-q", "-f", "qcow2", &qcow2, "41953280"],
    );
    let writes = [
        "write -P 7 0 100k",
        "write -c -P 9 1M 64k",
        "write -z 2M 64k",
        "write -P 3 39M 512k",
    ];
    for write in writes {
        qemu("qemu-io", &["-c", write, &qcow2]);
    }
    qemu("qemu-img", &["convert", "-q", "-O", "raw", &qcow2, &raw]);
    (std::fs::read(qcow2).unwrap(), std::fs::read(raw).unwrap())
}

/// A stage whose cloud stores raw, with one qcow2 image to upload.
fn stage(name: &str) -> (Stage, Vec<u8>, Vec<u8>) {
    let stage = Stage::new(name);
    let (file, disk) = image(stage.folder.path());
    let settings = format!(
        "tag: {}\ntransfer: {{disk_format: raw}}\nspool: spool\n",
        stage.tag
    );
    stage.write("reglaze.yml", &settings);
    std::fs::create_dir(stage.path("spool")).unwrap();
    stage.define("Alpha", "", &[stage.publish("1", &file)]);
    as_qcow2(&stage);
    (stage, file, disk)
}

fn as_qcow2(stage: &Stage) {
    let text = std::fs::read_to_string(stage.path("images/Alpha.yml")).unwrap();
    stage.write(
        "images/Alpha.yml",
        &text.replace("format: raw", "format: qcow2"),
    );
}

/// The stages of the first upload.
fn stages(applied: &Value) -> Vec<&str> {
    let stages = &applied["clouds"][0]["steps"][0]["transfer"]["stages"];
    let stages = stages.as_array().unwrap().iter();
    stages
        .map(|stage| stage["stage"].as_str().unwrap())
        .collect()
}

fn spooled(stage: &Stage) -> usize {
    std::fs::read_dir(stage.path("spool")).unwrap().count()
}

#[test]
fn a_cloud_that_wants_raw_gets_the_disk_that_qemu_would_have_made() {
    let (stage, file, disk) = stage("raw");
    let plan = stage.reglaze(&["plan"]).expect(2);
    let upload = &plan["clouds"][0]["steps"][0];
    assert_eq!(upload["changes"]["disk_format"], "raw");
    let applied = stage.reglaze(&["apply"]).expect(0);
    let names = stages(&applied);
    assert!(
        names.contains(&"spool") && names.contains(&"convert"),
        "{names:?}"
    );
    let images = stage.images();
    let [image] = &images[..] else {
        panic!("one image: {images:?}")
    };
    let sha512 = hex(&Sha512::digest(&disk));
    assert_eq!(image["disk_format"], "raw");
    assert_eq!(image["size"], disk.len());
    assert_eq!(image["properties"]["os_hash_value"], sha512);
    assert_eq!(image["properties"]["converted_sha512sum"], sha512);
    assert_eq!(
        image["properties"]["source_sha256sum"],
        hex(&Sha256::digest(&file))
    );
    assert!(steps(&stage.reglaze(&["plan"]).expect(0)).is_empty());
    assert_eq!(spooled(&stage), 0);
}

#[test]
fn packed_bytes_are_unpacked_before_they_are_converted() {
    use std::io::Write as _;
    let (stage, file, disk) = stage("raw-packed");
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&file).unwrap();
    let version = stage.publish("2", &packed.finish().unwrap());
    stage.define("Alpha", "", &[version]);
    as_qcow2(&stage);
    let applied = stage.reglaze(&["apply"]).expect(0);
    let stages = stages(&applied);
    assert_eq!(
        stages,
        [
            "download", "unpack", "sha256", "sha512", "spool", "convert", "upload", "Glance"
        ]
    );
    let image = &stage.images()[0];
    assert_eq!(
        image["properties"]["os_hash_value"],
        hex(&Sha512::digest(&disk))
    );
}

#[test]
fn an_image_may_stay_as_it_is() {
    let (stage, file, _) = stage("raw-not");
    // Of a name of its own: it stays, and tests of `adopt` know images by their URLs.
    let version = stage.publish("kept", &file);
    stage.define("Alpha", "  transfer: {disk_format: as_is}\n", &[version]);
    as_qcow2(&stage);
    stage.reglaze(&["apply"]).expect(0);
    let image = &stage.images()[0];
    assert_eq!(image["disk_format"], "qcow2");
    assert_eq!(image["size"], file.len());
}

#[test]
fn the_disk_in_bytes_that_are_not_proven_never_becomes_an_image() {
    let (stage, mut file, _) = stage("raw-wrong");
    let listed = stage.publish("1", &file);
    // In the data of a cluster, so that only the digest tells.
    let last = file.len() - 1;
    file[last] ^= 1;
    stage.publish("1", &file);
    stage.define("Alpha", "", &[listed]);
    as_qcow2(&stage);
    stage.glance.take();
    let document = stage.reglaze(&["apply"]).expect(3);
    assert!(
        document["findings"]
            .to_string()
            .contains("expected `sha256:")
    );
    let seen = stage.glance.take();
    assert!(!seen.iter().any(|seen| seen.method == "PATCH"));
    assert_eq!(stage.images(), Vec::<Value>::new());
    assert_eq!(spooled(&stage), 0);
}

#[test]
fn a_cloud_that_does_not_wait_for_the_next_piece_gets_the_disk_when_all_of_it_is_there() {
    let (stage, _, disk) = stage("raw-cut");
    stage.glance.fail("PUT", "/file", Fault::CutWithin);
    let ended = stage.reglaze(&["apply"]);
    ended.expect(0);
    assert!(
        ended.stderr.contains("once more when all of it is here"),
        "{}",
        ended.stderr
    );
    assert_eq!(stage.fetched("1"), 2);
    let images = stage.images();
    let [image] = &images[..] else {
        panic!("nothing of the first upload is left: {images:?}")
    };
    assert_eq!(image["size"], disk.len());
    // One that is cut again is not tried for ever.
    let (stage, ..) = self::stage("raw-cut-again");
    stage.glance.fail_often("PUT", "/file", 9, Fault::CutWithin);
    stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.fetched("1"), 2);
    assert_eq!(stage.images(), Vec::<Value>::new());
}

#[test]
fn without_a_folder_to_wait_in_nothing_is_begun() {
    let (stage, ..) = stage("raw-nowhere");
    std::fs::remove_dir(stage.path("spool")).unwrap();
    stage.glance.take();
    let document = stage.reglaze(&["apply"]).expect(3);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(message.contains("`spool`"), "{message}");
    assert!(!stage.glance.seen().iter().any(|seen| seen.method == "POST"));
}

#[test]
fn a_disk_that_is_full_fails_the_image_in_one_sentence() {
    let (stage, ..) = stage("raw-full");
    stage.glance.take();
    // To the writer it looks as if the disk had so many KiB.
    let limited = "trap '' XFSZ; ulimit -f 64; exec \"$@\"";
    let whole = stage.command(&["apply"]);
    let mut command = Command::new("bash");
    command
        .args(["-c", limited, "bash"])
        .arg(whole.get_program())
        .args(whole.get_args())
        .current_dir(stage.folder.path())
        .env_clear();
    for (key, value) in whole.get_envs() {
        command.env(key, value.unwrap_or_default());
    }
    let ended: Ended = command.output().unwrap().into();
    let document = ended.expect(3);
    let message = document["findings"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("is full after") && message.contains("set `spool`"),
        "{message}"
    );
    assert!(!stage.glance.seen().iter().any(|seen| seen.method == "POST"));
    assert_eq!(spooled(&stage), 0);
}

#[test]
fn a_killed_run_leaves_nothing_in_the_folder() {
    let (stage, file, _) = stage("raw-killed");
    let listed = stage.publish("endless", &file);
    stage.define("Alpha", "", &[listed]);
    as_qcow2(&stage);
    let mut child = stage
        .command(&["apply"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while stage.fetched("endless") == 0 {
        assert!(std::time::Instant::now() < deadline, "it fetches");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::thread::sleep(std::time::Duration::from_millis(300));
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(spooled(&stage), 0);
}
