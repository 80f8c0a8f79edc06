use proptest::prelude::*;

use super::*;

/// A header of version 3 with clusters of 64 KiB and a disk of 1 GiB, as QEMU lays it out.
fn sound() -> Vec<u8> {
    let mut head = vec![0; HEAD];
    head[..4].copy_from_slice(&MAGIC);
    for (at, word) in [(4, 3), (20, 16), (36, 2), (56, 1), (96, 4), (100, 112)] {
        put_word(&mut head, at, word);
    }
    for (at, long) in [(24, 1 << 30), (40, 0x30000), (48, 0x10000)] {
        put_long(&mut head, at, long);
    }
    head
}

fn put_word(head: &mut [u8], at: usize, word: u32) {
    head[at..at + 4].copy_from_slice(&word.to_be_bytes());
}

fn put_long(head: &mut [u8], at: usize, long: u64) {
    head[at..at + 8].copy_from_slice(&long.to_be_bytes());
}

fn put_extension(head: &mut [u8], at: usize, kind: u32, data: &[u8]) {
    put_word(head, at, kind);
    put_word(head, at + 4, u32::try_from(data.len()).unwrap());
    head[at + 8..at + 8 + data.len()].copy_from_slice(data);
}

/// A sound header with a change.
fn with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut head = sound();
    change(&mut head);
    head
}

#[test]
fn a_sound_header_tells_its_disk() {
    let header = Header::parse(&sound()).unwrap();
    assert_eq!(header.check(0x30010, 1 << 30), Ok(()));
    assert_eq!(header.virtual_size(), 1 << 30);
    assert_eq!((header.version(), header.cluster_bits()), (3, 16));
    assert_eq!(header.l1_offset(), 0x30000);
    assert_eq!(header.compression(), Compression::Deflate);
    assert!(!header.has_subclusters());
}

#[test]
fn what_only_writers_need_is_passed_over() {
    type Change = fn(&mut Vec<u8>);
    let harmless: [(&str, Change); 9] = [
        ("dirty", |head| put_long(head, 72, 1)),
        ("lazy reference counts", |head| put_long(head, 80, 1)),
        ("unknown bits that may be ignored", |head| {
            put_long(head, 80, 0xff00);
            put_long(head, 88, 0xff01);
        }),
        ("snapshots", |head| {
            put_word(head, 60, 2);
            put_long(head, 64, 0x20000);
        }),
        ("bitmaps", |head| {
            put_extension(head, 112, 0x2385_2875, &[0; 24]);
        }),
        ("names of features", |head| {
            put_extension(head, 112, 0x6803_f857, &[0; 384]);
        }),
        ("the format of no backing file", |head| {
            put_extension(head, 112, 0xe279_2aca, b"raw");
        }),
        ("a header of the least length", |head| {
            put_word(head, 100, 104);
        }),
        ("version 2, whose header has no features", |head| {
            put_word(head, 4, 2);
            head[72..].fill(0);
        }),
    ];
    for (what, change) in harmless {
        let header = Header::parse(&with(change));
        let fits = header.and_then(|header| header.check(0x40000, 1 << 30));
        assert_eq!(fits, Ok(()), "{what}");
    }
}

#[test]
fn every_broken_rule_is_named_in_its_sentence() {
    type Change = fn(&mut Vec<u8>);
    let broken: &[Change] = &[
        |head| head[3] = 0,
        |head| head.truncate(100),
        |head| put_word(head, 4, 1),
        |head| put_word(head, 20, 8),
        |head| put_word(head, 20, 22),
        |head| put_word(head, 20, u32::MAX),
        |head| put_word(head, 100, 96),
        |head| put_word(head, 100, 108),
        |head| put_word(head, 100, 0x10008),
        |head| put_extension(head, 112, 1, &[1; 3976]),
        |head| put_long(head, 112, u64::MAX),
        |head| put_long(head, 72, 0x8000_0000_0000_0020),
        |head| {
            put_long(head, 8, 1024);
            put_word(head, 16, 11);
            head[1024..1035].copy_from_slice(b"/etc/shadow");
        },
        |head| put_long(head, 8, u64::MAX),
        |head| put_word(head, 16, u32::MAX),
        |head| put_long(head, 72, 4),
        |head| put_extension(head, 112, 0x4441_5441, b"/dev/sda"),
        |head| put_long(head, 88, 2),
        |head| put_word(head, 32, 1),
        |head| put_word(head, 32, 2),
        |head| put_word(head, 32, 3),
        |head| put_extension(head, 112, 0x0537_be77, &[0; 16]),
        |head| put_long(head, 72, 2),
        |head| {
            put_long(head, 72, 8);
            head[104] = 2;
        },
        |head| head[104] = 1,
        |head| put_long(head, 72, 8),
        |head| put_word(head, 96, 7),
        |head| put_word(head, 56, 0),
        |head| {
            put_long(head, 72, 16);
            put_word(head, 20, 13);
        },
        |head| put_long(head, 24, 0),
        |head| put_long(head, 24, (1 << 30) - 1),
        |head| put_word(head, 36, 1),
        |head| put_long(head, 24, u64::MAX - 511),
        |head| put_long(head, 40, 0),
        |head| put_long(head, 40, 0x30008),
        |head| put_long(head, 40, 0x7fff_ffff_ffff_0000),
        |head| put_long(head, 48, 0xffff_ffff_ffff_0000),
        |head| put_word(head, 60, 1),
        |head| put_word(head, 36, u32::MAX),
        |head| put_word(head, 56, u32::MAX),
        |head| {
            put_word(head, 60, u32::MAX);
            put_long(head, 64, 0x40000);
        },
        |head| {
            put_long(head, 24, (1 << 30) + 512);
            put_word(head, 36, 3);
        },
    ];
    let sentences: Vec<String> = broken
        .iter()
        .map(|change| {
            let fits = Header::parse(&with(change)).and_then(|it| it.check(0x100_0000, 1 << 30));
            fits.unwrap_err().to_string()
        })
        .collect();
    insta::assert_snapshot!(sentences.join("\n"));
}

#[test]
fn a_table_must_end_in_the_file() {
    let header = Header::parse(&sound()).unwrap();
    assert!(matches!(
        header.check(0x3000f, 1 << 30),
        Err(Refusal::TableOutside {
            table: "L1 table",
            ..
        })
    ));
}

#[test]
fn with_subclusters_a_table_tells_half_as_much() {
    let mut head = with(|head| put_long(head, 72, 16));
    assert!(matches!(
        Header::parse(&head),
        Err(Refusal::L1TooSmall {
            l1_size: 2,
            needed: 4
        })
    ));
    put_word(&mut head, 36, 4);
    assert!(Header::parse(&head).unwrap().has_subclusters());
}

#[test]
fn extensions_may_fill_a_whole_first_cluster() {
    let full = with(|head| {
        put_word(head, 20, 9);
        put_long(head, 24, 1 << 15);
        put_extension(head, 112, 1, &[0; 392]);
        // Behind the first cluster, so no extension.
        put_extension(head, 512, 0x4441_5441, b"/dev/sda");
    });
    assert!(Header::parse(&full).is_ok());
    assert!(Header::parse(&full[..512]).is_ok());
    assert!(matches!(
        Header::parse(&full[..504]),
        Err(Refusal::Extensions { length: 504 })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_header_with_any_bytes_changed_keeps_its_promises_or_is_refused(
        changes in prop::collection::vec((4_usize..160, any::<u8>()), 0..6),
        length in 0..=HEAD,
    ) {
        let mut head = sound();
        for (at, byte) in changes {
            head[at] = byte;
        }
        for head in [&head[..], &head[..length]] {
            let Ok(header) = Header::parse(head) else {
                continue;
            };
            prop_assert!((9..=21).contains(&header.cluster_bits()));
            prop_assert!(header.virtual_size() > 0 && header.virtual_size() % 512 == 0);
            prop_assert!(header.check(u64::MAX, u64::MAX).is_ok());
            prop_assert!(header.check(0, u64::MAX).is_err());
        }
    }
}
