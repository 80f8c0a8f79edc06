//! Partition tables, boot sectors and discs: with the table or without it, and cut off.

use super::super::sums::{crc32, crc32c};
use super::*;

const SECTOR: usize = 512;
const SECTORS: usize = 4096;

/// An empty disk whose first sector has the mark of its end.
fn disk() -> Vec<u8> {
    let mut disk = vec![0; SECTORS * SECTOR];
    disk[510..512].copy_from_slice(b"\x55\xaa");
    disk
}

/// The place of a partition in the first sector.
fn partition(disk: &mut [u8], index: usize, entry: (u8, [u8; 3], u8, u32, u32)) {
    let (indicator, chs, kind, start, count) = entry;
    let at = 446 + 16 * index;
    disk[at] = indicator;
    disk[at + 1..at + 4].copy_from_slice(&chs);
    disk[at + 4] = kind;
    disk[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
    disk[at + 12..at + 16].copy_from_slice(&count.to_le_bytes());
}

/// A disk with a GPT and one partition.
fn gpt(sector: usize) -> Vec<u8> {
    let mut disk = disk();
    partition(&mut disk, 0, (0, [0, 2, 0], 0xee, 1, u32::MAX));
    let last = (disk.len() / sector - 1) as u64;
    let mut entries = vec![0; 128 * 128];
    entries[..16].copy_from_slice(&[1; 16]);
    entries[32..40].copy_from_slice(&64_u64.to_le_bytes());
    entries[40..48].copy_from_slice(&99_u64.to_le_bytes());
    let tables = (16_384 / sector) as u64;
    disk[2 * sector..][..entries.len()].copy_from_slice(&entries);
    for (own, other, place) in [(1, last, 2), (last, 1, last - tables)] {
        let mut header = vec![0; 92];
        header[..8].copy_from_slice(b"EFI PART");
        header[8..16].copy_from_slice(&[0, 0, 1, 0, 92, 0, 0, 0]);
        let numbers = [own, other, 2 + tables, last - tables - 1];
        for (number, at) in numbers.into_iter().zip((24..).step_by(8)) {
            header[at..at + 8].copy_from_slice(&number.to_le_bytes());
        }
        header[72..80].copy_from_slice(&place.to_le_bytes());
        header[80..88].copy_from_slice(&[128, 0, 0, 0, 128, 0, 0, 0]);
        header[88..92].copy_from_slice(&crc32(&[&entries]).to_le_bytes());
        resum(&mut header);
        let at = usize::try_from(own).unwrap() * sector;
        disk[at..at + 92].copy_from_slice(&header);
    }
    disk
}

fn resum(header: &mut [u8]) {
    header[16..20].fill(0);
    let sum = crc32(&[&header[..92]]);
    header[16..20].copy_from_slice(&sum.to_le_bytes());
}

/// A disk with a GPT of which one field of the first header is another.
fn gpt_with(at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut disk = patched(&gpt(SECTOR), SECTOR + at, bytes);
    resum(&mut disk[SECTOR..2 * SECTOR]);
    disk
}

#[test]
fn partitions_inside_the_disk_are_good() {
    let mut disk = disk();
    partition(&mut disk, 0, (0x80, [1, 1, 0], 0x83, 2048, 2048));
    assert_eq!(doubts("raw", &disk), [""; 0]);
    partition(&mut disk, 1, (0, [0; 3], 0x82, 63, 4097));
    assert_eq!(broken("raw", &disk), "mbr-partition");
    assert_eq!(broken("raw", &disk[..1 << 20]), "mbr-partition");
    partition(&mut disk, 1, (7, [0; 3], 0x82, 63, 64));
    assert_eq!(broken("raw", &disk), "mbr-boot-indicator");
}

#[test]
fn boot_sectors_of_file_systems_are_no_partition_tables() {
    for (at, name) in [
        (3, &b"NTFS    "[..]),
        (3, b"EXFAT   "),
        (54, b"FAT16   "),
        (82, b"FAT32   "),
    ] {
        let mut disk = patched(&disk(), at, name);
        // Text of an error where an MBR has partitions.
        disk[440..500].fill(b'!');
        assert_eq!(doubts("raw", &disk), ["glance-mbr"], "{at}");
        disk[0x10] = 2;
        disk[0x15] = 0xf8;
        assert_eq!(doubts("raw", &disk), [""; 0], "{at}");
    }
    // A boot loader in the first sector of ext4.
    let mut code = disk();
    code[..510].fill(0xeb);
    assert_eq!(doubts("raw", &code), ["glance-mbr"]);
    assert_eq!(doubts("raw", &disk()), ["glance-mbr"]);
}

#[test]
fn a_gpt_is_held_against_its_sums_and_its_backup() {
    for sector in [512, 4096] {
        assert_eq!(doubts("raw", &gpt(sector)), [""; 0], "{sector}");
    }
    // Made larger, and not yet told.
    let mut grown = gpt(SECTOR);
    grown.resize(3 << 20, 0);
    assert_eq!(doubts("raw", &grown), [""; 0]);
    let good = gpt(SECTOR);
    let last = good.len() - SECTOR;
    for (image, expected) in [
        (good[..last].to_vec(), "gpt-size"),
        (good[..1 << 20].to_vec(), "gpt-size"),
        (patched(&good, 512, b"x"), "gpt-header"),
        (patched(&good, 600, b"x"), "gpt-header"),
        (patched(&good, 1100, b"x"), "gpt-entries"),
        (patched(&good, last, b"x"), "gpt-backup"),
        (patched(&good, last + 60, b"x"), "gpt-backup"),
        (gpt_with(12, &[91]), "gpt-header"),
        (gpt_with(12, &[0xff; 4]), "gpt-header"),
        (gpt_with(24, &[2]), "gpt-header"),
        (gpt_with(32, &[5]), "gpt-backup"),
        (gpt_with(32, &[0xff; 8]), "gpt-size"),
        (gpt_with(40, &[0xff; 8]), "gpt-header"),
        (gpt_with(40, &[65]), "gpt-entries"),
        (gpt_with(48, &[90, 0]), "gpt-entries"),
        (gpt_with(56, &[9]), "gpt-backup"),
        (gpt_with(84, &[100]), "gpt-header"),
        (gpt_with(88, &[0; 4]), "gpt-entries"),
        // Its entries lie where they are not kept: the second header tells.
        (gpt_with(72, &[0xff; 8]), "none"),
    ] {
        let found = broken("raw", &image);
        assert!(found.starts_with(expected), "{found}, not {expected}");
    }
}

#[test]
fn what_protects_a_gpt_is_as_uefi_says_or_told() {
    let mut hybrid = gpt(SECTOR);
    partition(&mut hybrid, 1, (0, [0; 3], 0x83, 64, 36));
    assert_eq!(doubts("raw", &hybrid), ["glance-mbr"]);
    // As `parted` writes it.
    let parted = patched(&gpt(SECTOR), 447, &[0, 1, 0]);
    assert_eq!(doubts("raw", &parted), ["glance-mbr"]);
    // What is left of a GPT behind an MBR of its own is nothing.
    let mut left = patched(&gpt(SECTOR), 600, b"x");
    partition(&mut left, 0, (0, [0; 3], 0x83, 64, 36));
    assert_eq!(doubts("raw", &left), [""; 0]);
}

/// A disc of 40 blocks.
fn disc() -> Vec<u8> {
    let mut disc = vec![0; 40 * 2048];
    disc[0x8000..0x8007].copy_from_slice(b"\x01CD001\x01");
    disc[0x8050] = 40;
    disc[0x8080..0x8082].copy_from_slice(&2048_u16.to_le_bytes());
    disc
}

#[test]
fn a_disc_is_one_and_is_whole() {
    let disc = disc();
    assert_eq!(inspected("iso", &disc).unwrap().virtual_size, 81_920);
    assert_eq!(broken("iso", &disc[..81_919]), "iso-size");
    assert_eq!(broken("iso", &disc[..0x8003]), "declared-format");
    assert_eq!(broken("raw", &disc), "declared-format");
    assert_eq!(broken("qcow2", &disc), "declared-format");
    let udf = patched(&disc, 0x8000, b"\0NSR02");
    assert!(inspected("iso", &udf).is_ok());
}

#[test]
fn a_disc_that_is_also_a_disk_may_be_declared_as_either() {
    let mut disc = patched(&disc(), 510, b"\x55\xaa");
    // A mark alone is no partition.
    assert_eq!(broken("raw", &disc), "declared-format");
    partition(&mut disc, 0, (0x80, [0; 3], 0x17, 0, 160));
    assert_eq!(doubts("iso", &disc), [""; 0]);
    assert_eq!(doubts("raw", &disc), ["nova-iso"]);
    partition(&mut disc, 0, (0x80, [0; 3], 0x17, 0, 161));
    assert_eq!(broken("raw", &disc), "mbr-partition");
}

/// A VHDX with other bytes in one of its summed parts, whose sum is made anew.
fn vhdx_with(part: usize, length: usize, at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut image = Made::of("-O vhdx").image.to_vec();
    let part = &mut image[part * 65_536..][..length];
    part[at..at + bytes.len()].copy_from_slice(bytes);
    part[4..8].fill(0);
    let sum = crc32c(&[part]);
    part[4..8].copy_from_slice(&sum.to_le_bytes());
    image
}

#[test]
fn a_vhdx_is_closed_and_alone() {
    let log = vhdx_with(1, 4096, 8, &[0xff; 7]);
    assert!(inspected("vhdx", &log).is_ok());
    let mut open = log.clone();
    let header = &mut open[65_536..65_536 + 4096];
    header[48] = 1;
    header[4..8].fill(0);
    let sum = crc32c(&[header]).to_le_bytes();
    header[4..8].copy_from_slice(&sum);
    assert_eq!(broken("vhdx", &open), "vhdx-log");
    for (part, length, at, bytes, expected) in [
        (4, 65_536, 30, &[1][..], "vhdx-regions"),
        (3, 65_536, 8, &[1], "vhdx-regions"),
        (3, 65_536, 8, &[0xff; 4], "vhdx-regions"),
    ] {
        let image = vhdx_with(part, length, at, bytes);
        assert_eq!(broken("vhdx", &image), expected, "{part} {at}");
    }
    // The flag of a parent: the second word of the parameters, which the table of metadata points to.
    let image = Made::of("-O vhdx").image;
    let metadata = image
        .windows(8)
        .position(|bytes| bytes == b"metadata")
        .unwrap();
    let parent = patched(&image, metadata + 65_536 + 4, &[2]);
    assert_eq!(broken("vhdx", &parent), "vhdx-parent");
    assert_eq!(
        broken("vhdx", &patched(&image, metadata, b"x")),
        "vhdx-metadata"
    );
    assert_eq!(
        broken("vhdx", &patched(&image, metadata + 10, &[0])),
        "vhdx-metadata"
    );
    assert_eq!(broken("vhdx", &image[..metadata + 70_000]), "vhdx-size");
}
