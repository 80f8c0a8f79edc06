//! Which rule a qcow2 header breaks. Each is told with its name, so that it can be looked up.

use crate::domain::checksum::shortened;

/// Why an image is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Another format.
    #[error(
        "it breaks the qcow2 rule `magic`: it does not begin as qcow2 does; give its real format in `format`"
    )]
    Magic,
    /// Cut off.
    #[error(
        "it breaks the qcow2 rule `whole-header`: it ends after {length} bytes, inside its qcow2 header; expected a whole image; take it from its source again"
    )]
    Short {
        /// How many bytes there are.
        length: usize,
    },
    /// Another version.
    #[error(
        "it breaks the qcow2 rule `version`: it is qcow2 of version {version}; expected 2 or 3, which `qemu-img convert -O qcow2` makes"
    )]
    Version {
        /// The version.
        version: u32,
    },
    /// Impossible clusters.
    #[error(
        "it breaks the qcow2 rule `cluster-bits`: its clusters have 2 to the power of {cluster_bits} bytes; expected 9 to 21; rewrite it with `qemu-img convert`"
    )]
    ClusterBits {
        /// What it says.
        cluster_bits: u32,
    },
    /// The header does not end where it can.
    #[error(
        "it breaks the qcow2 rule `header-length`: its header says that it has {length} bytes; expected a multiple of 8, from 104 to its clusters' size {cluster}; rewrite it with `qemu-img convert`"
    )]
    HeaderLength {
        /// What it says.
        length: u64,
        /// The size of a cluster.
        cluster: u64,
    },
    /// The extensions do not end where they can.
    #[error(
        "it breaks the qcow2 rule `extensions`: the extensions of its header do not end in its first {length} bytes, so what is in them cannot be known; rewrite it with `qemu-img convert`"
    )]
    Extensions {
        /// How many bytes were looked at.
        length: usize,
    },
    /// A newer format.
    #[error(
        "it breaks the qcow2 rule `unknown-bits`: it needs features {unknown:#x} that reglaze does not know; expected none beyond 0x1f; rewrite it with `qemu-img convert`"
    )]
    UnknownBits {
        /// The bits.
        unknown: u64,
    },
    /// A hypervisor would open another file.
    #[error("it breaks the qcow2 rule `backing-file`: what it lacks would be read from {}; expected an image that is whole; rewrite it with `qemu-img convert`", file(name.as_ref()))]
    BackingFile {
        /// Its name, shortened, if it is to be had.
        name: Option<String>,
    },
    /// A hypervisor would open another file.
    #[error("it breaks the qcow2 rule `external-data`: its data would be read from {}; expected an image that is whole; rewrite it with `qemu-img convert`", file(name.as_ref()))]
    ExternalData {
        /// Its name, shortened, if it is to be had.
        name: Option<String>,
    },
    /// Nobody has the key.
    #[error("it breaks the qcow2 rule `encryption`: it is encrypted ({}); expected an image that can be read without a key; decrypt it with `qemu-img convert`", method_name(*method))]
    Encrypted {
        /// 1 is AES, 2 is LUKS.
        method: u32,
    },
    /// QEMU has given it up.
    #[error(
        "it breaks the qcow2 rule `corrupt`: it is marked as corrupt; repair it with `qemu-img check -r all`, or take it from its source again"
    )]
    Corrupt,
    /// An unknown packing.
    #[error(
        "it breaks the qcow2 rule `compression-type`: its clusters are packed by method {kind}; expected 0 (deflate) or 1 (zstd); rewrite it with `qemu-img convert`"
    )]
    CompressionType {
        /// What it says.
        kind: u8,
    },
    /// Two fields of one thing.
    #[error("it breaks the qcow2 rule `compression-bit`: its clusters are packed by method {kind}, and its compression bit is {}; expected the bit with every method but 0; rewrite it with `qemu-img convert`", if *has_bit { "set" } else { "not set" })]
    CompressionBit {
        /// The method.
        kind: u8,
        /// The bit.
        has_bit: bool,
    },
    /// Impossible reference counts.
    #[error(
        "it breaks the qcow2 rule `refcount-order`: its reference counts have 2 to the power of {order} bits; expected 0 to 6; rewrite it with `qemu-img convert`"
    )]
    RefcountOrder {
        /// What it says.
        order: u32,
    },
    /// No reference counts, which QEMU does not open.
    #[error(
        "it breaks the qcow2 rule `refcount-table`: it has no reference counts, so QEMU would not open it; rewrite it with `qemu-img convert`"
    )]
    NoRefcounts,
    /// Impossible subclusters.
    #[error(
        "it breaks the qcow2 rule `subclusters`: its clusters have {cluster} bytes and 32 parts each; expected 16384 bytes or more; rewrite it with `qemu-img convert`"
    )]
    SmallSubclusters {
        /// The size of a cluster.
        cluster: u64,
    },
    /// No disk, or one that QEMU cuts off.
    #[error(
        "it breaks the qcow2 rule `sectors`: its disk has {size} bytes; expected some whole sectors of 512 bytes; rewrite it with `qemu-img convert`"
    )]
    Sectors {
        /// What it says.
        size: u64,
    },
    /// Some of the disk is nowhere.
    #[error(
        "it breaks the qcow2 rule `l1-size`: its L1 table has {l1_size} entries; its disk needs {needed}; rewrite it with `qemu-img convert`"
    )]
    L1TooSmall {
        /// How many there are.
        l1_size: u64,
        /// How many there must be.
        needed: u64,
    },
    /// A table that can be nowhere.
    #[error(
        "it breaks the qcow2 rule `table-place`: its {table} has {length} bytes at {offset}; expected it on a cluster behind the first one; rewrite it with `qemu-img convert`"
    )]
    TablePlace {
        /// Which table.
        table: &'static str,
        /// Where it begins.
        offset: u64,
        /// How long it is.
        length: u64,
    },
    /// A table that is not there.
    #[error(
        "it breaks the qcow2 rule `table-outside`: its {table} has {length} bytes at {offset}, and the file ends at {file_size}; expected a whole image; take it from its source again"
    )]
    TableOutside {
        /// Which table.
        table: &'static str,
        /// Where it begins.
        offset: u64,
        /// How long it is.
        length: u64,
        /// How long the file is.
        file_size: u64,
    },
    /// More than is wanted.
    #[error(
        "it breaks the qcow2 rule `virtual-size`: its disk has {size} bytes; expected at most {limit}, the setting `limits.image_size`; raise it if the image is meant to be that large"
    )]
    VirtualSize {
        /// The size of the disk.
        size: u64,
        /// The limit.
        limit: u64,
    },
}

/// A foreign name for a message.
pub(super) fn told(name: &[u8]) -> String {
    shortened(&String::from_utf8_lossy(name))
}

fn file(name: Option<&String>) -> String {
    name.map_or_else(
        || "another file".to_owned(),
        |name| format!("the file `{name}`"),
    )
}

fn method_name(method: u32) -> String {
    match method {
        0 => "it has a header of LUKS".to_owned(),
        1 => "AES".to_owned(),
        2 => "LUKS".to_owned(),
        other => format!("method {other}"),
    }
}
