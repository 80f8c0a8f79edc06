//! Images that are not what their definition says, or nothing that anyone should boot.

use crate::stage::{Stage, rules};

/// A qcow2 header that points to another file.
fn with_a_backing_file() -> Vec<u8> {
    let mut file = vec![0; 256 << 10];
    file[..4].copy_from_slice(b"QFI\xfb");
    file[7] = 3;
    file[15] = 0x80; // where the name of the backing file stands
    file[19] = 11; // how long it is
    file[23] = 16; // cluster bits
    file[26] = 0x10; // a disk of 1 MiB
    file[39] = 1; // L1 entries
    file[45] = 2; // L1 at 0x20000
    file[53] = 1; // refcounts at 0x10000
    file[59] = 1;
    file[99] = 4;
    file[103] = 104;
    file[0x80..0x8b].copy_from_slice(b"/etc/passwd");
    file
}

#[test]
fn an_image_that_is_something_else_costs_no_image_in_glance() {
    let stage = Stage::new("refused");
    let qcow2 = with_a_backing_file();
    stage.define("Alpha", "", &[stage.publish("1", &qcow2)]);
    stage.define("Beta", "", &[stage.publish("2", &vec![7; 300 << 10])]);
    stage.define("Gamma", "", &[stage.publish("3", &qcow2)]);
    for image in ["Beta", "Gamma"] {
        let file = format!("images/{image}.yml");
        let text = std::fs::read_to_string(stage.path(&file)).unwrap();
        stage.write(&file, &text.replace("format: raw", "format: qcow2"));
    }
    stage.define("Delta", "", &[stage.publish("4", b"a disk")]);
    stage.glance.take();
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.catalogue(), [("Delta".to_owned(), 1)].into());
    let seen = stage.glance.take();
    let created = seen.iter().filter(|seen| seen.method == "POST");
    assert_eq!(created.count(), 1, "of the good one");
    assert_eq!(rules(&document), ["step-failed"; 3]);
    let errors: Vec<_> = document["clouds"][0]["steps"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|step| step["error"].as_str())
        .filter(|error| !error.contains("earlier step"))
        .collect();
    let of = |version: u8| {
        let named = format!("/{version}.img");
        let error = errors.iter().find(|error| error.contains(&named));
        error.unwrap_or_else(|| panic!("{version} is refused: {errors:?}"))
    };
    let (raw, other, backed) = (of(1), of(2), of(3));
    assert!(raw.contains("qcow2") && raw.contains("raw"), "{raw}");
    assert!(other.contains("qcow2"), "{other}");
    assert!(backed.contains("`backing-file`"), "{backed}");
}
