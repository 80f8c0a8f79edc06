//! Held against QEMU: what it wrote is read as it reads it. These tests need `qemu-img` and `qemu-io` (Debian: qemu-utils)
//! and fail without. A few dozen images each time; hundreds with `REGLAZE_TEST_LONG`.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output};

use proptest::prelude::*;

use super::test_file::{disk, runs};
use super::{PIECE, Run};

/// How an image is laid out.
#[derive(Debug, Clone)]
struct Layout {
    kind: Kind,
    cluster_bits: u32,
    preallocation: &'static str,
    /// In sectors.
    size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Version2,
    Deflate,
    Zstd,
    SubclustersDeflate,
    SubclustersZstd,
}

/// What is done to an image.
#[derive(Debug, Clone)]
enum Change {
    /// At so many millionths of the disk, for so many sectors; what is packed takes whole clusters.
    Io(Action, u64, u64),
    Snapshot,
    /// By so many sectors.
    Grow(u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Write(u8),
    Noise,
    Packed,
    PackedNoise,
    Zeros,
    ZerosUnmapped,
    Discard,
}

impl Layout {
    fn cluster(&self) -> u64 {
        1 << self.cluster_bits
    }

    fn options(&self) -> String {
        let kind = match self.kind {
            Kind::Version2 => "compat=0.10",
            Kind::Deflate => "compat=1.1",
            Kind::Zstd => "compression_type=zstd",
            Kind::SubclustersDeflate => "extended_l2=on",
            Kind::SubclustersZstd => "extended_l2=on,compression_type=zstd",
        };
        let (cluster, preallocation) = (self.cluster(), self.preallocation);
        format!("{kind},cluster_size={cluster},preallocation={preallocation}")
    }
}

/// Bytes of the disk.
type Stretch = std::ops::Range<u64>;

impl Action {
    /// Where it happens: whole clusters if it packs.
    fn stretch(self, layout: &Layout, place: u64, length: u64) -> Stretch {
        let at = layout.size * place / 1_000_000 * 512;
        let end = (at + length * 512).min(layout.size * 512);
        let cluster = layout.cluster();
        if self.packs() {
            let end = end.next_multiple_of(cluster).min(layout.size * 512);
            at / cluster * cluster..end
        } else {
            at..end
        }
    }

    fn packs(self) -> bool {
        matches!(self, Self::Packed | Self::PackedNoise)
    }

    /// The command of `qemu-io`.
    fn command(self, stretch: &Stretch, noise: &Path) -> String {
        let noise = noise.display();
        let action = match self {
            Self::Write(pattern) => format!("write -P {pattern}"),
            Self::Noise => format!("write -s {noise}"),
            Self::Packed => "write -c -P 90".to_owned(),
            Self::PackedNoise => format!("write -c -s {noise}"),
            Self::Zeros => "write -z".to_owned(),
            Self::ZerosUnmapped => "write -z -u".to_owned(),
            Self::Discard => "discard".to_owned(),
        };
        format!("{action} {} {}", stretch.start, stretch.end - stretch.start)
    }
}

fn layouts() -> impl Strategy<Value = Layout> {
    let kinds = prop::sample::select(vec![
        Kind::Version2,
        Kind::Deflate,
        Kind::Zstd,
        Kind::SubclustersDeflate,
        Kind::SubclustersZstd,
    ]);
    let preallocation = prop_oneof![4 => Just("off"), 1 => Just("metadata")];
    (kinds, 9_u32..=21, preallocation).prop_flat_map(|(kind, bits, preallocation)| {
        let has_subclusters = matches!(kind, Kind::SubclustersDeflate | Kind::SubclustersZstd);
        let cluster_bits = if has_subclusters { bits.max(14) } else { bits };
        // Several L2 tables where clusters are small, some clusters where they are large.
        let most = (16_u64 << 20 >> cluster_bits).min(400) << (cluster_bits - 9);
        (1..=most).prop_map(move |size| Layout {
            kind,
            cluster_bits,
            preallocation,
            size,
        })
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let actions = prop_oneof![
        3 => (1_u8..).prop_map(Action::Write),
        3 => Just(Action::Noise),
        6 => Just(Action::Packed),
        2 => Just(Action::PackedNoise),
        2 => Just(Action::Zeros),
        2 => Just(Action::ZerosUnmapped),
        2 => Just(Action::Discard),
    ];
    let lengths = prop_oneof![1_u64..8, 1_u64..300, 300_u64..9000];
    let change = prop_oneof![
        12 => (actions, 0_u64..1_000_000, lengths)
            .prop_map(|(action, place, length)| Change::Io(action, place, length)),
        1 => Just(Change::Snapshot),
        1 => (1_u64..2000).prop_map(Change::Grow),
    ];
    prop::collection::vec(change, 0..14)
}

/// Runs a program of QEMU. That it is there is expected, that it succeeds is for the caller to say.
fn qemu(program: &str, arguments: &[&str]) -> Output {
    let output = Command::new(program).args(arguments).output();
    output.unwrap_or_else(|error| {
        panic!("this test needs `{program}` of the package qemu-utils: {error}")
    })
}

fn succeeds(program: &str, arguments: &[&str]) {
    let output = qemu(program, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {said}");
}

/// Makes the image. Says whether there is one: not, if QEMU damaged it itself.
fn make(image: &str, noise: &Path, layout: &Layout, changes: &[Change]) -> bool {
    let (options, size) = (layout.options(), (layout.size * 512).to_string());
    let create = ["create", "-q", "-f", "qcow2", "-o", &options];
    succeeds("qemu-img", &[&create[..], &[image, &size]].concat());
    let mut commands = Vec::new();
    // Packing what is allocated damages an image (QEMU 10.0), so what was touched is not packed any more.
    let mut touched: Vec<Stretch> = Vec::new();
    if layout.preallocation != "off" {
        touched.push(0..u64::MAX);
    }
    for change in changes {
        match *change {
            Change::Io(action, place, length) => {
                let stretch = action.stretch(layout, place, length);
                let cluster = layout.cluster();
                let is_touched = touched.iter().any(|other| {
                    other.start / cluster * cluster < stretch.end && stretch.start < other.end
                });
                if !(action.packs() && is_touched) {
                    commands.push(action.command(&stretch, noise));
                    touched.push(stretch);
                }
            }
            Change::Snapshot => {
                if !run(&mut commands, image) {
                    return false;
                }
                succeeds("qemu-img", &["snapshot", "-c", "before", image]);
            }
            Change::Grow(sectors) => {
                if !run(&mut commands, image) {
                    return false;
                }
                let by = format!("+{}", sectors * 512);
                // It may refuse: version 2 does not grow once it has snapshots.
                qemu("qemu-img", &["resize", "-q", image, &by]);
                // The last cluster may be whole now, and only whole ones are packed.
                let end = layout.size * 512;
                touched.push(end - 1..end);
            }
        }
    }
    run(&mut commands, image)
}

/// Runs commands in one process. Says whether the image is good still: now and then QEMU 10.0 packs what lies beside a
/// discarded stretch, is about to write over a table of its own, and notices it.
fn run(commands: &mut Vec<String>, image: &str) -> bool {
    if commands.is_empty() {
        return true;
    }
    let mut arguments = vec!["-f", "qcow2", "-d", "unmap", "-t", "unsafe"];
    for command in commands.iter() {
        arguments.extend(["-c", command]);
    }
    arguments.push(image);
    let output = qemu("qemu-io", &arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    let is_damaged = said.contains("Marking image as corrupt");
    assert!(
        is_damaged || output.status.success(),
        "qemu-io {arguments:?}: {said}"
    );
    commands.clear();
    !is_damaged
}

/// 300 KiB, of which every third 64 KiB cannot be packed; of the rest half. Nothing of it comes twice.
fn noise(path: &Path) {
    let mut state = 1_u64;
    let bytes: Vec<u8> = (0..300_u32 << 10)
        .map(|place| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let [byte, ..] = state.to_be_bytes();
            let can_be_packed = (place >> 16) % 3 < 2;
            if can_be_packed { byte & 15 } else { byte }
        })
        .collect();
    std::fs::write(path, bytes).unwrap();
}

fn cases() -> u32 {
    if std::env::var_os("REGLAZE_TEST_LONG").is_some() {
        600
    } else {
        24
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_layout_is_read_as_qemu_reads_it(layout in layouts(), changes in changes()) {
        let folder = tempfile::tempdir().unwrap();
        let noise_file = folder.path().join("noise");
        noise(&noise_file);
        let [image, raw] = ["image.qcow2", "image.raw"]
            .map(|name| folder.path().join(name).into_os_string().into_string().unwrap());
        prop_assume!(make(&image, &noise_file, &layout, &changes));
        succeeds("qemu-img", &["convert", "-f", "qcow2", "-O", "raw", &image, &raw]);
        let read = disk(&runs(File::open(&image).unwrap()).unwrap());
        let expected = std::fs::read(&raw).unwrap();
        prop_assert_eq!(read.len(), expected.len());
        let differs = || read.iter().zip(&expected).position(|(ours, theirs)| ours != theirs);
        prop_assert!(read == expected, "byte {:?} differs", differs());
    }
}

#[test]
fn zeros_are_told_at_once_and_neighbours_are_read_together() {
    let folder = tempfile::tempdir().unwrap();
    let image = folder.path().join("image.qcow2");
    let image = image.to_str().unwrap();
    succeeds("qemu-img", &["create", "-q", "-f", "qcow2", image, "64G"]);
    let empty = runs(File::open(image).unwrap());
    assert_eq!(empty, Ok(vec![Run::Zero(64 << 30)]));
    succeeds("qemu-io", &["-c", "write -P 7 1G 1M", image]);
    let written = runs(File::open(image).unwrap()).unwrap();
    let piece = || Run::Data(vec![7; PIECE].into());
    let after = (63 << 30) - (1 << 20);
    assert!(
        written
            == [
                Run::Zero(1 << 30),
                piece(),
                piece(),
                piece(),
                piece(),
                Run::Zero(after)
            ]
    );
}
