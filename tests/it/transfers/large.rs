//! Disks that are larger than their definition says.

use super::converted::qemu;
use crate::stage::{Stage, steps};

#[test]
fn min_disk_is_raised_to_what_the_guest_sees_and_never_lowered() {
    let stage = Stage::new("min-disk");
    let path = stage.path("disk.qcow2");
    let path = path.to_str().unwrap();
    qemu(
        "qemu-img",
        &["create", "-q", "-f", "qcow2", path, "3221226496"],
    );
    qemu("qemu-io", &["-c", "write -P 7 0 64k", path]);
    let version = stage.publish("1", &std::fs::read(path).unwrap());
    let sizes = [
        ("Alpha", "  min_disk: 1\n", 4),
        ("Beta", "", 4),
        ("Gamma", "  min_disk: 20\n", 20),
    ];
    for (image, line, _) in sizes {
        stage.define(image, "", std::slice::from_ref(&version));
        let file = format!("images/{image}.yml");
        let text = std::fs::read_to_string(stage.path(&file)).unwrap();
        let text = text.replace("format: raw", "format: qcow2");
        stage.write(&file, &text.replace("  min_disk: 1\n", line));
    }
    stage.reglaze(&["apply"]).expect(0);
    let images = stage.images();
    for (image, _, min_disk) in sizes {
        let name = stage.name(image);
        let found = images.iter().find(|one| one["name"] == name.as_str());
        let found = found.unwrap_or_else(|| panic!("no {name} in {images:?}"));
        assert_eq!(found["min_disk"], min_disk, "{image}");
        assert_eq!(found["virtual_size"], 3_221_226_496_u64);
        assert_eq!(found["properties"].get("reglaze_virtual_size"), None);
    }
    assert_eq!(steps(&stage.reglaze(&["plan"]).expect(0)), [""; 0]);
}
