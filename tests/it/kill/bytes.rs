//! The bytes of versions: as they are upstream, and as Glance stores them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use sha2::{Digest, Sha512};

/// In which form a story's versions are upstream.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As they are stored.
    Raw,
    /// As qcow2 files, of which the disks are stored.
    Qcow2,
}

/// A qcow2 file, and the disk in it.
type Disk = (Vec<u8>, Vec<u8>);

impl Form {
    /// The bytes of a version upstream.
    pub fn published(self, version: &str) -> Vec<u8> {
        match self {
            Self::Raw => bytes(version),
            Self::Qcow2 => disk(version).0,
        }
    }

    /// What Glance has of a version in the end.
    pub fn stored(self, version: &str) -> Vec<u8> {
        match self {
            Self::Raw => bytes(version),
            Self::Qcow2 => disk(version).1,
        }
    }
}

/// Bytes of a version: some kilobytes, so that a body has a middle.
pub fn bytes(version: &str) -> Vec<u8> {
    (0_u32..100)
        .flat_map(|count| Sha512::digest(format!("{version} {count}")))
        .collect()
}

/// Each is made once: a qcow2 file need not be the same twice.
fn disk(version: &str) -> Disk {
    static MADE: LazyLock<Mutex<BTreeMap<String, Disk>>> = LazyLock::new(Mutex::default);
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    made.entry(version.to_owned())
        .or_insert_with(|| by_qemu(version))
        .clone()
}

/// What QEMU makes of a disk with bytes, a hole of some clusters, and bytes again.
fn by_qemu(version: &str) -> Disk {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let convert = |to: &str, from: &str, file: &str| {
        let made = Command::new("qemu-img")
            .args(["convert", "-q", "-O", to, "-f", from])
            .args([path(file), path(to)])
            .status();
        let made = made.unwrap_or_else(|error| panic!("{error}; install qemu-utils"));
        assert!(made.success(), "{made}");
        std::fs::read(path(to)).unwrap()
    };
    let hole = vec![0; 300 << 10];
    std::fs::write(
        path("disk"),
        [bytes(version), hole, bytes(version)].concat(),
    )
    .unwrap();
    let file = convert("qcow2", "raw", "disk");
    (file, convert("raw", "qcow2", "qcow2"))
}
