//! Images as `qemu-img` makes them.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what programs wrote; the domain itself reads no files"
)]

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

/// The size of the disk in every image: some whole sectors.
pub(super) const SIZE: usize = 5000 * 512;

/// Formats, and how `qemu-img` makes them.
pub(super) const GOOD: &[(&str, &str)] = &[
    ("qcow2", "-O qcow2"),
    ("qcow2", "-O qcow2 -o compat=0.10"),
    ("qcow2", "-O qcow2 -o cluster_size=512"),
    ("qcow2", "-O qcow2 -o extended_l2=on"),
    ("qcow2", "-O qcow2 -o preallocation=full"),
    ("vdi", "-O vdi"),
    ("vdi", "-O vdi -o static=on"),
    ("vhd", "-O vpc"),
    ("vhd", "-O vpc -o force_size=on"),
    ("vhd", "-O vpc -o subformat=fixed,force_size=on"),
    ("vhdx", "-O vhdx"),
    ("vhdx", "-O vhdx -o subformat=fixed"),
    ("vmdk", "-O vmdk"),
    ("vmdk", "-O vmdk -o compat6=on"),
    ("vmdk", "-O vmdk -o subformat=streamOptimized"),
    ("ploop", "-O parallels"),
];

/// One change each: format, how it was made, where, to what, and the rule that it breaks.
pub(super) const CHANGED: &[(&str, &str, usize, &[u8], &str)] = &[
    (
        "qcow2",
        "-O qcow2",
        8,
        b"\0\0\0\0\0\0\x02\0\0\0\0\x01",
        "backing-file",
    ),
    (
        "qcow2",
        "-O qcow2",
        72,
        &[0, 0, 0, 0, 0, 0, 0, 4],
        "external-data",
    ),
    ("qcow2", "-O qcow2", 32, &[0, 0, 0, 2], "encryption"),
    ("vdi", "-O vdi", 0x46, &[2], "vdi-header"),
    ("vdi", "-O vdi", 0x4c, &[4], "vdi-parent"),
    ("vdi", "-O vdi", 0x4c, &[3], "vdi-parent"),
    ("vdi", "-O vdi", 0x1a8, &[1], "vdi-parent"),
    ("vdi", "-O vdi", 0x1b8, &[1], "vdi-parent"),
    ("vdi", "-O vdi", 0x168, &[0, 4], "vdi-header"),
    ("vdi", "-O vdi", 0x174, &[1], "vdi-header"),
    ("vdi", "-O vdi", 0x184, &[9], "vdi-header"),
    ("vhd", "-O vpc", 63, &[4], "vhd-sum"),
    ("vhd", "-O vpc", 512, b"x", "vhd-header"),
    ("vhd", "-O vpc", 512 + 40, &[1], "vhd-sum"),
    ("vhdx", "-O vhdx", 0x30000, b"x", "vhdx-regions"),
    ("vhdx", "-O vhdx", 0x30010, b"x", "vhdx-regions"),
    ("vmdk", "-O vmdk", 4, &[4], "vmdk-header"),
    ("vmdk", "-O vmdk", 76, b"\r", "vmdk-header"),
    ("vmdk", "-O vmdk", 44, &[0; 4], "vmdk-header"),
    ("vmdk", "-O vmdk", 28, &[2], "vmdk-descriptor"),
    ("vmdk", "-O vmdk", 36, &[0], "vmdk-descriptor"),
    ("vmdk", "-O vmdk", 60, &[1], "vmdk-size"),
    ("vmdk", "-O vmdk", 56, &[0xff; 8], "vmdk-footer"),
    ("ploop", "-O parallels", 16, &[3], "ploop-header"),
    (
        "ploop",
        "-O parallels",
        44,
        b"\x59\x6e\x6f\x74",
        "ploop-in-use",
    ),
    ("ploop", "-O parallels", 40, &[1], "ploop-header"),
];

/// An image.
#[derive(Clone)]
pub(super) struct Made {
    pub(super) image: Arc<Vec<u8>>,
}

/// Each is made once.
static MADE: LazyLock<Mutex<BTreeMap<String, Made>>> = LazyLock::new(Mutex::default);

impl Made {
    /// Converts a disk with these options. Fails the test if `qemu-img` is not installed.
    pub(super) fn of(options: &str) -> Self {
        // A test that failed while it made one spoils no other test.
        let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(options.to_owned())
            .or_insert_with(|| Self::make(options))
            .clone()
    }

    fn make(options: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (disk, image) = (folder.path().join("disk"), folder.path().join("image"));
        // The half of it, so that there is something to leave out.
        let mut bytes: Vec<u8> = noise().take(SIZE / 2).collect();
        bytes.resize(SIZE, 0);
        std::fs::write(&disk, bytes).unwrap();
        let mut convert = Command::new("qemu-img");
        convert
            .args(["convert", "-f", "raw"])
            .args(options.split(' '))
            .args([&disk, &image]);
        let tries = std::iter::repeat_with(|| {
            convert
                .output()
                .expect("these tests need `qemu-img` (package qemu-utils)")
        });
        let errors = |output: &Output| String::from_utf8_lossy(&output.stderr).into_owned();
        // For LUKS it first measures how fast it hashes, and gives up where the clock of its thread stood still meanwhile.
        let is_measured = |output: &Output| !errors(output).contains("accurate CPU usage");
        let output = tries.take(20).find(is_measured);
        let output = output.expect("`qemu-img` cannot measure how fast it hashes");
        assert!(output.status.success(), "{options}: {}", errors(&output));
        Self {
            image: Arc::new(std::fs::read(image).unwrap()),
        }
    }
}

/// Bytes that no program leaves out.
fn noise() -> impl Iterator<Item = u8> {
    let mut state = 0x9e37_79b9_u32;
    std::iter::repeat_with(move || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()
    })
    .flatten()
}

/// The image with other bytes somewhere.
pub(super) fn patched(image: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = image.to_vec();
    image[at..at + bytes.len()].copy_from_slice(bytes);
    image
}
