//! Files that nobody but an enemy or a broken disk makes: each ends in one sentence.

use std::fs::File;
use std::io::{Seek as _, Write as _};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::test_file::{disk, runs};
use super::{Qcow2Error, Reader, Run};
use crate::domain::inspect::qcow2::Header;

const L1: usize = 2;
const L2: usize = 3;
const DATA: usize = 4;
/// An entry of L2 says by this bit that its cluster is packed.
const PACKED: u64 = 1 << 62;

/// An image by hand: version 3, one L1 table, one L2 table, one cluster of sevens. Its disk is all that one L2 table can
/// tell.
struct Image {
    bytes: Vec<u8>,
    cluster: usize,
}

impl Image {
    /// With clusters of 512 bytes.
    fn small() -> Self {
        Self::new(9, 0, 64)
    }

    /// With clusters of 16 KiB in 32 parts.
    fn with_subclusters() -> Self {
        Self::new(14, 1 << 4, 1024)
    }

    fn new(bits: u32, features: u64, clusters: u64) -> Self {
        let cluster = 1_usize << bits;
        let mut image = Self {
            bytes: vec![0; 5 * cluster],
            cluster,
        };
        image.bytes[..4].copy_from_slice(b"QFI\xfb");
        for (at, word) in [(4, 3), (20, bits), (36, 1), (56, 1), (96, 4), (100, 112)] {
            image.bytes[at..at + 4].copy_from_slice(&word.to_be_bytes());
        }
        image.put(24, clusters << bits);
        image.put(40, (L1 * cluster) as u64);
        image.put(48, cluster as u64);
        image.put(72, features);
        image.put(L1 * cluster, (L2 * cluster) as u64);
        image.put(L2 * cluster, (DATA * cluster) as u64);
        image.bytes[DATA * cluster..].fill(7);
        image
    }

    fn put(&mut self, at: usize, value: u64) {
        self.bytes[at..at + 8].copy_from_slice(&value.to_be_bytes());
    }

    /// With another L1 entry.
    fn l1(mut self, entry: u64) -> Self {
        self.put(L1 * self.cluster, entry);
        self
    }

    /// With another L2 entry.
    fn l2(mut self, entry: u64) -> Self {
        self.put(L2 * self.cluster, entry);
        self
    }

    /// With an L2 entry and its subclusters.
    fn parts(mut self, entry: u64, bitmap: u64) -> Self {
        self.put(L2 * self.cluster + 8, bitmap);
        self.l2(entry)
    }

    /// With the first cluster packed: `data`, and after it what others may have there.
    fn packed(self, data: &[u8]) -> Self {
        self.packed_at(0, data)
    }

    /// With a cluster packed.
    fn packed_at(mut self, index: usize, data: &[u8]) -> Self {
        let at = self.bytes.len();
        self.bytes.extend_from_slice(data);
        self.bytes.extend_from_slice(&[0xff; 100]);
        let sectors = ((self.bytes.len() - 1) / 512 - at / 512) as u64;
        let count_at = 62 - (self.cluster.ilog2() - 8);
        let entry = PACKED | sectors << count_at | at as u64;
        self.put(L2 * self.cluster + index * 8, entry);
        self
    }

    /// With clusters packed by zstd.
    fn zstd(mut self) -> Self {
        self.put(72, 8);
        self.bytes[104] = 1;
        self
    }

    fn file(&self) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&self.bytes).unwrap();
        file.rewind().unwrap();
        file
    }

    fn runs(&self) -> Result<Vec<Run>, String> {
        runs(self.file())
    }
}

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn frame(bytes: &[u8]) -> Vec<u8> {
    zstd::bulk::compress(bytes, 3).unwrap()
}

/// A cluster that hardly packs.
fn mixed() -> Vec<u8> {
    let number = (0..512_u32).map(|number| (number * number) >> 3);
    number.map(|number| number.to_le_bytes()[0]).collect()
}

#[test]
fn every_damaged_table_and_cluster_ends_in_a_sentence() {
    let small = Image::small;
    let parts = Image::with_subclusters;
    let zstd = || small().zstd();
    let cut = |bytes: Vec<u8>, by: usize| bytes[..bytes.len() - by].to_vec();
    let damaged = [
        small().l1(0x0100_0000_0000_0600),
        small().l1(0x601),
        small().l1(0x00ff_ffff_ffff_fe00),
        // It begins in the file and ends outside.
        Image {
            bytes: small().l1(0x800).bytes[..0x900].to_vec(),
            cluster: 512,
        },
        parts().l1(0x4200),
        small().l2(0x802),
        small().l2(0x0400_0000_0000_0800),
        small().l2(0xa00),
        small().l2(0x00ff_ffff_ffff_fe00),
        small().l2(PACKED | 0x1fff_ffff_ffff_ffff),
        small().l2(PACKED | 0xa00),
        parts().l2(0x10200),
        parts().parts(0x10001, 1),
        parts().parts(0x10000, 1 << 32 | 1),
        parts().parts(0, 1),
        parts().parts(PACKED | 0x10000, 1),
        parts().parts(0x40_0000, 1),
        small().packed(b"\xff\xff"),
        small().packed(&deflated(&[7; 511])),
        small().packed(&deflated(&[7; 513])),
        small().packed(&deflated(&vec![7; 100_000])),
        Image {
            bytes: cut(small().packed(&deflated(&mixed())).bytes, 300),
            cluster: 512,
        },
        zstd().packed(b"no frame of zstd"),
        zstd().packed(&frame(&[7; 511])),
        zstd().packed(&frame(&[7; 513])),
        zstd().packed(&frame(&vec![7; 100_000])),
        zstd().packed(&[frame(&[7; 500]), frame(&[7; 13])].concat()),
        zstd().packed(&cut(frame(&mixed()), 200)),
    ];
    let sentences: Vec<String> = damaged
        .iter()
        .map(|image| image.runs().unwrap_err())
        .collect();
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn what_is_odd_but_clear_is_read() {
    let sevens = |image: &Image| {
        let read = disk(&image.runs().unwrap());
        read[..512] == [7; 512] && read[512..].iter().all(|byte| *byte == 0)
    };
    assert!(sevens(&Image::small()));
    // Nobody else uses it.
    assert!(sevens(&Image::small().l2(1 << 63 | 0x800)));
    assert!(sevens(&Image::small().packed(&deflated(&[7; 512]))));
    assert!(sevens(&Image::small().zstd().packed(&frame(&[7; 512]))));
    // As many frames as one likes, one of them with nothing in it.
    let frames = [frame(&[7; 12]), frame(&[]), frame(&[7; 500])].concat();
    assert!(sevens(&Image::small().zstd().packed(&frames)));
    // The bit of zeros wins over a place.
    assert_eq!(
        Image::small().l2(0x801).runs(),
        Ok(vec![Run::Zero(64 * 512)])
    );
    // Only the second part is there, and what the file lacks of the cluster are zeros.
    let mut parts = Image::with_subclusters().parts(0x10000, 1 << 1 | 1 << 4);
    parts.bytes.truncate(0x10000 + 600);
    let read = disk(&parts.runs().unwrap());
    assert_eq!(read[512..600], [7; 88]);
    assert!(
        read[..512]
            .iter()
            .chain(&read[600..])
            .all(|byte| *byte == 0)
    );
}

#[test]
fn packed_clusters_may_be_longer_than_a_piece() {
    let cluster = |step: u32| -> Vec<u8> {
        // No part of it is like the piece before.
        let numbers = (0..1_u32 << 19).map(|number| number / 251 * step);
        numbers.map(|number| number.to_le_bytes()[0]).collect()
    };
    let (first, second) = (cluster(3), cluster(5));
    let image = Image::new(19, 0, 2)
        .packed_at(0, &deflated(&first))
        .packed_at(1, &deflated(&second));
    assert!(disk(&image.runs().unwrap()) == [first, second].concat());
}

#[test]
fn tables_that_name_themselves_come_to_an_end() {
    // The L2 table is the L1 table, which then has its own place as data.
    let circle = Image::small().l1((L1 * 512) as u64);
    let read = disk(&circle.runs().unwrap());
    assert_eq!(read.len(), 64 * 512);
    assert_eq!(read[..512], circle.bytes[L1 * 512..L2 * 512]);
    // All clusters are one packed cluster.
    let mut same = Image::small().packed(&deflated(&mixed()));
    let entry = u64::from_be_bytes(*same.bytes[L2 * 512..].first_chunk().unwrap());
    for index in 0..64 {
        same.put(L2 * 512 + index * 8, entry);
    }
    assert_eq!(disk(&same.runs().unwrap()), mixed().repeat(64));
}

#[test]
fn version_2_has_no_bit_for_zeros() {
    let mut image = Image::small().l2(0x801);
    image.bytes[7] = 2;
    image.bytes[72..120].fill(0);
    insta::assert_snapshot!(image.runs().unwrap_err(), @"its qcow2 L2 entry for byte 0 of the disk is 0x0000000000000801, with bits that mean nothing in this version; the image is damaged; take it from its source again");
}

#[test]
fn after_an_error_nothing_follows() {
    let image = Image::small().l2(0x802);
    let header = Header::parse(&image.bytes).unwrap();
    let mut reader = Reader::new(image.file(), header).unwrap();
    assert!(matches!(
        reader.next(),
        Some(Err(Qcow2Error::Reserved { at: 0, .. }))
    ));
    assert!(reader.next().is_none());
}

#[test]
fn a_file_that_shrinks_meanwhile_is_an_error() {
    let image = Image::small();
    let file = image.file();
    let shrunk = file.try_clone().unwrap();
    let reader = Reader::new(file, Header::parse(&image.bytes).unwrap()).unwrap();
    shrunk.set_len(0x810).unwrap();
    let last = reader.last().unwrap();
    insta::assert_snapshot!(last.unwrap_err(), @"the spooled qcow2 file cannot be read at byte 2048; look at the disk of the setting `spool`");
}
