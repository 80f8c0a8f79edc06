//! Files as `bzip2` and programs that work in parallel write them; with marks in their data, cut, and changed.

use std::io::Write;

use ::bzip2::Compression;
use ::bzip2::write::BzEncoder;

use super::*;

/// Bytes that pack to a half.
fn text(length: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        b'a' + (state.to_be_bytes()[0] >> 4)
    })
    .take(length)
    .collect()
}

fn packed(bytes: &[u8], level: u32) -> Vec<u8> {
    let mut encoder = BzEncoder::new(Vec::new(), Compression::new(level));
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn unpacked(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let pieces = io::BufReader::with_capacity(1000, packed);
    Bzip2::new(pieces).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn many_blocks_come_out_in_order() {
    let bytes = text(1_000_000);
    for level in [1, 9] {
        assert!(unpacked(&packed(&bytes, level)).unwrap() == bytes);
    }
    // A block that becomes fifty times as much is not held.
    let zeros = vec![0; 50_000_000];
    assert!(unpacked(&packed(&zeros, 9)).unwrap() == zeros);
}

#[test]
fn several_streams_are_one_file_and_empty_ones_are_nothing() {
    let bytes = text(150_000);
    let (first, empty) = (packed(&bytes, 1), packed(b"", 9));
    let second = packed(&bytes, 9);
    let file = [&empty, &first, &empty, &empty, &second, &empty].map(Vec::as_slice);
    assert!(unpacked(&file.concat()).unwrap() == [&bytes[..], &bytes].concat());
    assert_eq!(unpacked(&empty).unwrap(), b"");
}

#[test]
fn a_mark_in_the_data_of_a_block_breaks_nothing() {
    let bytes = text(300_000);
    let file = packed(&bytes, 1);
    let mut split = Split::new(&file[..]);
    let mut parts = Vec::new();
    while let Some(part) = split.next().unwrap() {
        parts.push(part);
    }
    assert_eq!(parts.len(), 2 + 4, "{}", parts.len());
    // As if the first block had marks in it: its bits in three parts, of which two do not begin with one.
    let whole = parts.remove(1);
    let length = whole.bits.length();
    let bytes_of = |bits: &Bits| bits.clone().into_bytes();
    let cuts = [0, 70_003, 141_000, length];
    for (cut, kind) in cuts
        .windows(2)
        .rev()
        .zip([Kind::End, Kind::Block, Kind::Block])
    {
        let bits = Bits::of(&bytes_of(&whole.bits), cut[0], cut[1] - cut[0]);
        let part = Part {
            kind,
            start: 0,
            bits,
            level: b'1',
            is_last: false,
        };
        parts.insert(1, part);
    }
    let mut decoder = Bzip2::new(io::empty());
    decoder.is_split = true;
    for part in parts {
        let is_block = part.kind == Kind::Block && !part.is_last;
        let decoding = is_block.then(|| Decoding::by(&mut decoder.decoders, part.as_stream()));
        decoder.parts.push_back((part, decoding));
    }
    let mut unpacked = Vec::new();
    decoder.read_to_end(&mut unpacked).unwrap();
    assert!(unpacked == bytes);
}

#[test]
fn what_is_cut_or_changed_or_followed_by_something_is_refused() {
    let bytes = text(250_000);
    let file = [packed(&bytes, 1), packed(&bytes, 1)].concat();
    let first = file.len() / 2;
    for end in (1..file.len())
        .step_by(7919)
        .chain(file.len() - 12..file.len())
    {
        let error = unpacked(&file[..end]);
        assert!(error.is_err() || end == first, "{end}");
    }
    for at in (0..file.len()).step_by(4001) {
        let mut changed = file.clone();
        changed[at] ^= 4;
        assert!(unpacked(&changed).is_err(), "{at}");
    }
    let zeros = vec![0; 4_000_000];
    for garbage in [&b"\0"[..], b"BZh9", b"BZh", b"garbage", &zeros] {
        assert!(unpacked(&[&file, garbage].concat()).is_err());
    }
    assert!(unpacked(b"").is_err() && unpacked(b"BZh9").is_err());
}

#[test]
fn a_stream_whose_sum_is_another_is_refused() {
    let mut file = packed(&text(150_000), 1);
    // In the last five bytes, whatever bit they begin at.
    let end = file.len();
    file[end - 4] ^= 1;
    let error = unpacked(&file).unwrap_err();
    assert!(error.to_string().contains("sum"), "{error}");
}

#[test]
fn who_stops_in_the_middle_leaves_no_thread_behind() {
    let file = packed(&vec![0; 200_000_000], 9);
    let mut decoder = Bzip2::new(&file[..]);
    let mut some = [0; 1000];
    decoder.read_exact(&mut some).unwrap();
    // Waits for its threads, which must not wait for it.
    drop(decoder);
}
