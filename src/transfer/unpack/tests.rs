//! Real archives, made by the libraries that others use; whole, cut, changed, and with something behind them.

mod made;

use std::io::Write;

use ::zip::CompressionMethod;
use liblzma::stream::Stream as XzStream;
use sha2::{Digest, Sha512};

use self::made::*;
use super::*;
use crate::transfer::meter::Meter;

/// What comes out of a packed file, as it is told by its first bytes.
fn unpacked_with(packed: &[u8], member: Option<&str>, limit: u64) -> Result<Vec<u8>, UnpackError> {
    let packing = Packing::of(packed).expect("a magic number");
    let (feed, packed_pieces) = mpsc::channel(4);
    let (disk, mut pieces) = mpsc::channel::<Bytes>(4);
    let chunks: Vec<_> = packed.chunks(997).map(Bytes::copy_from_slice).collect();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for chunk in chunks {
                if feed.blocking_send(chunk).is_err() {
                    break;
                }
            }
        });
        let taken = scope.spawn(move || {
            let mut all = Vec::new();
            while let Some(piece) = pieces.blocking_recv() {
                assert!(piece.len() <= PIECE);
                all.extend_from_slice(&piece);
            }
            all
        });
        let member = member.map(|pattern| Pattern::new(pattern).unwrap());
        let shift = Shift::begin(Meter::default().clock("unpack"));
        let verdict = unpack(packed_pieces, packing, member.as_ref(), limit, disk, &shift);
        let taken = taken.join().unwrap();
        verdict.map(|()| taken)
    })
}

fn unpacked(packed: &[u8]) -> Result<Vec<u8>, UnpackError> {
    unpacked_with(packed, Some(r"^disk\.raw$"), u64::MAX)
}

/// A disk that is not all alike and not too large for many tries.
fn disk() -> Vec<u8> {
    let noise = (0_u32..200).flat_map(|count| Sha512::digest(count.to_be_bytes()));
    noise.chain(std::iter::repeat_n(0, 20_000)).collect()
}

#[test]
fn every_packing_gives_the_disk() {
    let disk = disk();
    for (name, packed) in all_packings(&disk) {
        assert!(unpacked(&packed).unwrap() == disk, "{name}");
    }
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused() {
    let disk = disk();
    for (name, packed) in all_packings(&disk) {
        let two_members = name.contains("members");
        // A cut between two members leaves a whole file, of which the digest tells that it is another one.
        let places = (0..packed.len())
            .step_by(61)
            .chain(packed.len() - 40..packed.len());
        for end in places.filter(|end| Packing::of(&packed[..*end]).is_some()) {
            match unpacked(&packed[..end]) {
                Err(_) => {}
                Ok(bytes) if two_members => assert!(bytes.len() < disk.len(), "{name} {end}"),
                // A tar archive ends with zeros that nobody misses.
                Ok(bytes) => assert!(name == "tar" && bytes == disk, "{name} {end}"),
            }
        }
    }
}

#[test]
fn a_changed_byte_is_seen_or_changes_nothing() {
    let disk = disk();
    for (name, packed) in all_packings(&disk) {
        let has_sums = name != "tar";
        for at in (0..packed.len()).step_by(503) {
            let mut changed = packed.clone();
            changed[at] ^= 0x10;
            if Packing::of(&changed).is_none() {
                continue;
            }
            if let Ok(bytes) = unpacked(&changed) {
                assert!(!has_sums || bytes == disk, "{name} {at}");
            }
        }
    }
}

#[test]
fn something_behind_the_end_is_refused() {
    let disk = disk();
    for (name, packed) in all_packings(&disk) {
        for garbage in [
            &b"x"[..],
            b"garbage after the end",
            b"\x1f\x8b",
            b"BZ",
            b"PK",
        ] {
            let verdict = unpacked(&[&packed, garbage].concat());
            assert!(verdict.is_err(), "{name} and {garbage:?}");
        }
    }
}

#[test]
fn a_bomb_ends_at_the_limit() {
    let zeros = vec![0; 8 << 20];
    for (name, compress) in COMPRESSIONS {
        let verdict = unpacked_with(&compress(&zeros), None, 1 << 20);
        assert!(
            matches!(verdict, Err(UnpackError::TooLarge { limit: 0x10_0000 })),
            "{name}"
        );
    }
    let verdict = unpacked_with(&tar(&[("disk.raw", &zeros)]), Some("disk"), 1 << 20);
    assert!(matches!(verdict, Err(UnpackError::TooLarge { .. })));
}

#[test]
fn a_bomb_beside_the_disk_ends_at_twice_the_limit() {
    let zeros = vec![0; 3 << 20];
    let files: [(&str, &[u8]); 2] = [("bomb", &zeros), ("disk.raw", b"disk")];
    for (name, compress) in COMPRESSIONS {
        let archive = compress(&tar(&files));
        let error = unpacked_with(&archive, Some("disk"), 1 << 20).unwrap_err();
        assert!(
            error.to_string().contains("2097152 bytes together"),
            "{name}: {error}"
        );
        assert_eq!(
            unpacked_with(&archive, Some("disk"), 2 << 20).unwrap(),
            b"disk"
        );
    }
    let archive = streamed_zip(&files, CompressionMethod::Deflated);
    let error = unpacked_with(&archive, Some("disk"), 1 << 20).unwrap_err();
    assert!(
        error.to_string().contains("2097152 bytes together"),
        "{error}"
    );
    assert_eq!(
        unpacked_with(&archive, Some("disk"), 2 << 20).unwrap(),
        b"disk"
    );
    // Behind the end of an archive there may be zeros, but not for ever.
    let endless = [tar(&[("disk.raw", b"disk")]), zeros].concat();
    let error = unpacked_with(&gzip(&endless), Some("disk"), 1 << 20).unwrap_err();
    assert!(matches!(error, UnpackError::TooMuch { .. }), "{error}");
}

#[test]
fn a_declared_size_above_the_limit_is_refused_before_anything_is_unpacked() {
    // No data follow: whoever began to unpack would say that they are missing.
    let mut declared = ::tar::Header::new_gnu();
    declared.set_size(2 << 20);
    declared.set_path("disk.raw").unwrap();
    declared.set_cksum();
    let zeros = vec![0; 2 << 20];
    let zipped = zip_of(&[("disk.raw", &zeros)], CompressionMethod::Deflated);
    let frame = ::zstd::bulk::compress(&zeros, 1).unwrap();
    for head in [&declared.as_bytes()[..], &zipped[..60], &frame[..16]] {
        let error = unpacked_with(head, Some("disk"), 1 << 20).unwrap_err();
        assert!(
            matches!(error, UnpackError::TooLarge { limit: 0x10_0000 }),
            "{error}"
        );
    }
}

#[test]
fn a_path_that_leads_elsewhere_is_a_name_and_nothing_more() {
    let folder = tempfile::tempdir().unwrap();
    let absolute = folder.path().join("disk.raw");
    for name in ["../../disk.raw", absolute.to_str().unwrap()] {
        // The library refuses to write such names.
        let mut header = ::tar::Header::new_gnu();
        header.set_size(4);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        let block = [&b"disk"[..], &[0; 508], &[0; 1024]].concat();
        let archive = [header.as_bytes(), &block[..]].concat();
        assert_eq!(
            unpacked_with(&archive, Some("disk"), 9).unwrap(),
            b"disk",
            "{name}"
        );
    }
    assert!(!absolute.exists());
}

#[test]
fn a_decoder_that_wants_too_much_memory_is_refused() {
    // The size of the dictionary in the header of the first block, here 1.5 GiB.
    let mut packed = xz(b"small");
    packed[16] = 37;
    let error = unpacked(&packed).unwrap_err().to_string();
    assert!(error.contains("1610612736 bytes of memory"), "{error}");

    let mut encoder = ::zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(29).unwrap();
    let packed = written(encoder, b"small", |encoder| encoder.finish().unwrap());
    let error = unpacked(&packed).unwrap_err().to_string();
    assert!(error.contains("536870912 bytes of memory"), "{error}");
}

#[test]
fn the_memory_that_is_asked_for_is_read_from_the_first_header() {
    for preset in 0..=9 {
        let encoder = liblzma::write::XzEncoder::new(Vec::new(), preset);
        let packed = written(encoder, b"small", |encoder| encoder.finish().unwrap());
        let mut options = liblzma::stream::LzmaOptions::new_preset(preset).unwrap();
        let sizes = [18, 20, 21, 22, 22, 23, 23, 24, 25, 26];
        assert_eq!(memory::xz(&packed), Some(1 << sizes[preset as usize]));
        // Behind another filter, whose properties come first.
        options.dict_size(12 << 20);
        let mut filters = liblzma::stream::Filters::new();
        filters.x86().lzma2(&options);
        let stream = XzStream::new_stream_encoder(&filters, liblzma::stream::Check::None).unwrap();
        let encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
        let packed = written(encoder, b"small", |encoder| encoder.finish().unwrap());
        assert_eq!(memory::xz(&packed), Some(12 << 20));
        for end in 0..24 {
            assert!(memory::xz(&packed[..end]).is_none_or(|needed| needed == 12 << 20));
        }
    }
    assert_eq!(memory::zstd(b"\x28\xb5\x2f\xfd\0\x58"), Some(2 << 20));
    assert_eq!(memory::zstd(b"\x28\xb5\x2f\xfd\x20\x58"), None);
}

#[test]
fn blocks_of_xz_come_out_in_order_and_damage_is_seen() {
    let disk = disk();
    let packed = xz_in_blocks(&disk);
    assert!(unpacked(&packed).unwrap() == disk);
    for end in (6..packed.len()).step_by(101) {
        assert!(unpacked(&packed[..end]).is_err(), "{end}");
    }
    for at in (6..packed.len()).step_by(499) {
        let mut changed = packed.clone();
        changed[at] ^= 0x10;
        assert!(unpacked(&changed).is_err(), "{at}");
    }
}

#[test]
fn streams_of_xz_may_have_zeros_in_fours_behind_them() {
    let disk = disk();
    for (zeros, is_good) in [(0, true), (4, true), (8, true), (3, false), (5, false)] {
        let file = [
            &xz(&disk)[..],
            &vec![0; zeros],
            &xz_in_blocks(&disk),
            &vec![0; zeros],
        ]
        .concat();
        match unpacked(&file) {
            Ok(bytes) => assert!(is_good && bytes == [&disk[..], &disk].concat(), "{zeros}"),
            Err(error) => assert!(!is_good, "{zeros}: {error}"),
        }
    }
}

#[test]
fn a_size_that_is_declared_is_the_size_that_comes() {
    let disk = disk();
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    encoder
        .set_pledged_src_size(Some(disk.len() as u64))
        .unwrap();
    encoder.include_contentsize(true).unwrap();
    let mut packed = written(encoder, &disk, |encoder| encoder.finish().unwrap());
    assert!(unpacked(&packed).unwrap() == disk);
    // The field of four bytes behind magic number, descriptor and, if there is one, window.
    let at = 5 + usize::from(packed[4] & 0x20 == 0);
    packed[at] ^= 1;
    assert!(unpacked(&packed).is_err());
    // gzip tells it in its last four bytes.
    let mut packed = gzip(&disk);
    let at = packed.len() - 4;
    packed[at] ^= 1;
    assert!(unpacked(&packed).is_err());
}

#[test]
fn what_is_not_one_plain_file_is_refused_in_one_sentence() {
    let link = tar_with("disk.raw", ::tar::EntryType::Symlink, |header| {
        header.set_link_name("/etc/shadow").unwrap();
    });
    let sparse = tar_with("disk.raw", ::tar::EntryType::GNUSparse, |_| {});
    let mut pax_sparse = ::tar::Builder::new(Vec::new());
    let extension = [("GNU.sparse.major", &b"1"[..])];
    pax_sparse.append_pax_extensions(extension).unwrap();
    let mut header = ::tar::Header::new_ustar();
    header.set_size(4);
    pax_sparse
        .append_data(&mut header, "disk.raw", &b"disk"[..])
        .unwrap();
    let pax_sparse = pax_sparse.into_inner().unwrap();
    let twice: [(&str, &[u8]); 2] = [("a/disk.raw", b"one"), ("b/disk.raw", b"two")];
    let encrypted = {
        let mut archive = zip_of(&[("disk.raw", b"disk")], CompressionMethod::Stored);
        archive[6] |= 1;
        archive
    };
    let refusals: Vec<String> = [
        (&link[..], Some("disk")),
        (&sparse, Some("disk")),
        (&pax_sparse, Some("disk")),
        (&tar(&twice), Some("disk")),
        (&zip_of(&twice, CompressionMethod::Deflated), Some("disk")),
        (&encrypted, Some("disk")),
        (
            &tar(&[("a", b"1"), ("b", b"2"), ("c", b"3"), ("d", b"4")]),
            Some("disk"),
        ),
        (&zip_of(&[], CompressionMethod::Stored), Some("disk")),
        (&tar(&twice), None),
        (&zip_of(&twice, CompressionMethod::Deflated), None),
        (&gzip(&tar(&twice)), None),
        (&tar(&[("disk.raw", b"")]), Some("disk")),
        (&gzip(b""), None),
        (&gzip(&xz(b"disk")), None),
        (&tar(&[("disk.raw", &gzip(b"disk"))]), Some("disk")),
        (b"7z\xbc\xaf\x27\x1c", None),
    ]
    .into_iter()
    .map(|(packed, member)| {
        unpacked_with(packed, member, u64::MAX)
            .unwrap_err()
            .to_string()
    })
    .collect();
    insta::assert_snapshot!(refusals.join("\n"));
}

#[test]
fn names_are_only_compared_and_never_used() {
    let hostile: [(&str, &[u8]); 1] = [("\u{1b}[31mx", b"1")];
    let error = unpacked_with(
        &zip_of(&hostile, CompressionMethod::Stored),
        Some("disk"),
        9,
    );
    let message = error.unwrap_err().to_string();
    assert!(!message.contains('\u{1b}'), "{message}");
    // Folders are no files, whatever they are called.
    let folder = tar_with("disk.raw/", ::tar::EntryType::Directory, |_| {});
    let verdict = unpacked_with(&folder, Some("disk"), 9);
    assert!(matches!(verdict, Err(UnpackError::Absent { .. })));
}

#[test]
fn a_header_that_never_ends_is_refused() {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(::tar::EntryType::GNULongName);
    header.set_size(1 << 40);
    header.set_cksum();
    builder.append(&header, &b""[..]).unwrap();
    let error = unpacked(&builder.into_inner().unwrap()).unwrap_err();
    assert!(error.to_string().contains("longer than 1 MiB"), "{error}");
}

#[test]
fn random_bytes_behind_a_magic_number_never_panic() {
    let noise: Vec<u8> = (0_u32..40)
        .flat_map(|count| Sha512::digest(count.to_le_bytes()))
        .collect();
    for magic in [
        &b"\x1f\x8b\x08"[..],
        b"BZh9",
        b"\xfd7zXZ\0",
        b"\x28\xb5\x2f\xfd",
        b"PK\x03\x04",
    ] {
        for start in (0..noise.len()).step_by(37) {
            let packed = [magic, &noise[start..]].concat();
            assert!(unpacked(&packed).is_err());
        }
    }
    let mut block = tar(&[("disk.raw", b"disk")]);
    for at in 0..512 {
        block[at] ^= 0xff;
        if Packing::of(&block).is_some() {
            let _ = unpacked(&block);
        }
        block[at] ^= 0xff;
    }
}

#[test]
fn a_dictionary_that_grows_too_large_further_on_is_told_as_that() {
    use liblzma::stream::{Check, Filters, LzmaOptions};
    let small = xz(&disk());
    let mut options = LzmaOptions::new_preset(0).unwrap();
    options.dict_size(512 << 20);
    let mut filters = Filters::new();
    filters.lzma2(&options);
    let stream = XzStream::new_stream_encoder(&filters, Check::Crc32).unwrap();
    let mut encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    encoder.write_all(&disk()).unwrap();
    let large = encoder.finish().unwrap();
    let error = unpacked(&[small, large].concat()).unwrap_err();
    assert!(matches!(error, UnpackError::LaterMemory { .. }), "{error}");
}
