//! Why a disk cannot be read from its qcow2 file.

use std::io;

/// Why there is no more of the disk. `at` is the first byte of the disk that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Qcow2Error {
    /// The file itself.
    #[error(
        "the spooled qcow2 file cannot be read at byte {offset}; look at the disk of the setting `spool`"
    )]
    Read {
        /// Where.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// A place between two clusters.
    #[error(
        "its qcow2 {what} for byte {at} of the disk is at {offset}; expected a multiple of its clusters' size {cluster}; the image is damaged; take it from its source again"
    )]
    Unaligned {
        /// What is there.
        what: &'static str,
        /// The byte of the disk.
        at: u64,
        /// Where it is said to be.
        offset: u64,
        /// The size of a cluster.
        cluster: u64,
    },
    /// A place behind the end.
    #[error(
        "its qcow2 {what} for byte {at} of the disk is at {offset}, and the file ends at {file_size}; the image is damaged or cut off; take it from its source again"
    )]
    Outside {
        /// What is there.
        what: &'static str,
        /// The byte of the disk.
        at: u64,
        /// Where it is said to be.
        offset: u64,
        /// How long the file is.
        file_size: u64,
    },
    /// Bits that mean nothing.
    #[error(
        "its qcow2 {table} entry for byte {at} of the disk is {entry:#018x}, with bits that mean nothing in this version; the image is damaged; take it from its source again"
    )]
    Reserved {
        /// Which table.
        table: &'static str,
        /// The byte of the disk.
        at: u64,
        /// The entry.
        entry: u64,
    },
    /// Bits that contradict each other or the entry.
    #[error(
        "its qcow2 subclusters for byte {at} of the disk are {bitmap:#018x} with the entry {entry:#018x}, which contradict each other; the image is damaged; take it from its source again"
    )]
    Subclusters {
        /// The byte of the disk.
        at: u64,
        /// The entry.
        entry: u64,
        /// What it says of its subclusters.
        bitmap: u64,
    },
    /// A packed cluster is no cluster.
    #[error(
        "its qcow2 cluster for byte {at} of the disk does not unpack to {cluster} bytes: {reason}; the image is damaged; take it from its source again"
    )]
    Packed {
        /// The byte of the disk.
        at: u64,
        /// The size of a cluster.
        cluster: usize,
        /// What is wrong.
        reason: String,
    },
    /// A thread ended.
    #[error(
        "unpacking the qcow2 cluster for byte {at} of the disk ended without a result; this is a defect of reglaze"
    )]
    Thread {
        /// The byte of the disk.
        at: u64,
    },
}
