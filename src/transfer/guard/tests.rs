//! Streams of bytes that are what was expected, and of others.

use std::io::Write as _;
use std::time::Duration;

use sha2::{Digest, Sha256, Sha512};

use super::super::{Unpacking, Want};
use futures_util::StreamExt as _;

use super::*;
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::pattern::Pattern;
use crate::domain::proof::Mismatch;

fn stream(
    chunks: Vec<&'static [u8]>,
) -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send + 'static {
    futures_util::stream::iter(
        chunks
            .into_iter()
            .map(|chunk| Ok(Bytes::from_static(chunk))),
    )
}

fn sum(bytes: &[u8]) -> Checksum {
    Checksum::from_digest(Algorithm::Sha256, &Sha256::digest(bytes)).unwrap()
}

/// An upload of a file with this digest.
fn upload(file: Checksum, limit: u64) -> Demand {
    Demand {
        file: vec![Want::Expect(file)],
        unpacking: Unpacking::IfPacked,
        stored: Some(Algorithm::Sha512),
        ..Demand::of_the_file(Vec::new(), limit)
    }
}

/// Takes all that passes; the error that breaks it off, if one does.
async fn drain(mut guarded: Guarded) -> (Vec<u8>, bool, Result<Received, TransferError>) {
    let (mut bytes, mut broken) = (Vec::new(), false);
    while let Some(piece) = guarded.body.recv().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(_) => broken = true,
        }
    }
    (bytes, broken, guarded.verdict.await.unwrap())
}

#[tokio::test]
async fn proven_bytes_pass_whole_whatever_the_pieces() {
    static LARGE: [u8; 3 * PIECE + 17] = [7; 3 * PIECE + 17];
    for chunks in [
        vec![&b"a"[..]],
        vec![b"ab", b"", b"c"],
        vec![&LARGE[..]],
        vec![&LARGE[..PIECE], &LARGE[PIECE..]],
    ] {
        let whole = chunks.concat();
        let guarded = guard(
            stream(chunks),
            upload(sum(&whole), u64::MAX),
            Progress::silent(),
        )
        .await
        .unwrap();
        let (bytes, broken, verdict) = drain(guarded).await;
        assert!(!broken && bytes == whole);
        let received = verdict.unwrap();
        assert_eq!(received.file.size, whole.len() as u64);
        assert_eq!(received.file.checksums.len(), 2);
    }
}

#[tokio::test]
async fn the_last_piece_of_wrong_bytes_never_passes() {
    static LARGE: [u8; 2 * PIECE] = [7; 2 * PIECE];
    let demand = upload(sum(b"other"), u64::MAX);
    let guarded = guard(stream(vec![&LARGE]), demand, Progress::silent());
    let (bytes, broken, verdict) = drain(guarded.await.unwrap()).await;
    assert!(broken);
    assert_eq!(bytes.len(), PIECE);
    assert!(matches!(
        verdict,
        Err(TransferError::Mismatch(Mismatch::Digest { .. }))
    ));
}

#[tokio::test]
async fn every_digest_that_is_expected_must_hold() {
    let both = |second: &[u8]| {
        let mut demand = upload(sum(b"abc"), u64::MAX);
        let sha512 = Checksum::from_digest(Algorithm::Sha512, &Sha512::digest(second)).unwrap();
        demand.file.push(Want::Expect(sha512));
        measure(stream(vec![b"abc"]), demand, Progress::silent())
    };
    assert!(both(b"abc").await.is_ok());
    assert!(matches!(
        both(b"abd").await,
        Err(TransferError::Mismatch(_))
    ));
}

#[tokio::test]
async fn a_broken_an_empty_and_an_endless_source_fail() {
    static LARGE: [u8; PIECE] = [7; PIECE];
    let cut = |begin: &'static [u8]| {
        stream(vec![begin]).chain(futures_util::stream::iter([Err(std::io::Error::other(
            "cut",
        ))]))
    };
    let demand = || upload(sum(b"abc"), 1 << 20);
    let early = guard(cut(b"abc"), demand(), Progress::silent()).await;
    assert!(matches!(
        early,
        Err(TransferError::Source { received: 3, .. })
    ));
    let late = guard(cut(&LARGE), demand(), Progress::silent()).await;
    let (_, broken, verdict) = drain(late.unwrap()).await;
    assert!(
        broken
            && matches!(verdict, Err(TransferError::Source { received, .. }) if received == PIECE as u64)
    );

    let empty = guard(stream(vec![b""]), demand(), Progress::silent()).await;
    assert!(matches!(empty, Err(TransferError::Empty)));

    let endless = futures_util::stream::repeat_with(|| {
        Ok::<_, std::io::Error>(Bytes::from_static(&[0; 4096]))
    });
    let endless = guard(endless, demand(), Progress::silent()).await;
    let (_, broken, verdict) = drain(endless.unwrap()).await;
    assert!(broken && matches!(verdict, Err(TransferError::TooLarge { .. })));
}

#[tokio::test]
async fn a_receiver_that_goes_away_ends_the_transfer() {
    static LARGE: [u8; 20 * PIECE] = [7; 20 * PIECE];
    let packed: &'static [u8] = gzip(&noise(20 * PIECE)).leak();
    for source in [&LARGE[..], packed] {
        let demand = upload(sum(source), u64::MAX);
        let guarded = guard(stream(vec![source]), demand, Progress::silent());
        let guarded = guarded.await.unwrap();
        drop(guarded.body);
        let verdict = tokio::time::timeout(Duration::from_secs(20), guarded.verdict).await;
        assert!(matches!(
            verdict.unwrap().unwrap(),
            Err(TransferError::Closed { .. })
        ));
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Bytes that no packing makes smaller.
fn noise(length: usize) -> Vec<u8> {
    let block = |count: usize| Sha512::digest(count.to_be_bytes());
    (0..length.div_ceil(64))
        .flat_map(block)
        .take(length)
        .collect()
}

/// What passes of a packed file, whose digests are expected to be these.
async fn unpacked(
    packed: &[u8],
    file: &[u8],
    disk: Option<&[u8]>,
) -> (Vec<u8>, Result<Received, TransferError>) {
    let mut demand = upload(sum(file), u64::MAX);
    demand.disk = disk.map(|disk| Want::Expect(sum(disk)));
    let packed: Vec<_> = packed.chunks(10_000).map(Bytes::copy_from_slice).collect();
    let source = futures_util::stream::iter(packed.into_iter().map(Ok::<_, std::io::Error>));
    let guarded = match guard(source, demand, Progress::silent()).await {
        Ok(guarded) => guarded,
        // Nothing was begun.
        Err(error) => return (Vec::new(), Err(error)),
    };
    assert_eq!(guarded.sends, Sends::Disk);
    let (bytes, _, verdict) = drain(guarded).await;
    (bytes, verdict)
}

#[tokio::test]
async fn of_a_packed_file_the_disk_passes_and_both_digests_are_compared() {
    let disk = noise(2 * PIECE + 5);
    let packed = gzip(&disk);
    for wanted in [None, Some(&disk[..])] {
        let (bytes, verdict) = unpacked(&packed, &packed, wanted).await;
        assert!(bytes == disk);
        let received = verdict.unwrap();
        assert_eq!(received.file.size, packed.len() as u64);
        let sent = received.disk.unwrap();
        assert_eq!(sent.size, disk.len() as u64);
        let sha512 = sent.checksum(Algorithm::Sha512).unwrap().hex().to_owned();
        assert_eq!(sha512, crate::domain::checksum::hex(&Sha512::digest(&disk)));
    }
}

#[tokio::test]
async fn the_last_piece_of_a_disk_waits_for_the_digests_of_file_and_disk() {
    let disk = noise(2 * PIECE + 5);
    let packed = gzip(&disk);
    let (bytes, verdict) = unpacked(&packed, b"another file", None).await;
    assert!(bytes.len() < disk.len());
    assert!(matches!(
        verdict,
        Err(TransferError::Mismatch(Mismatch::Digest { .. }))
    ));
    let (bytes, verdict) = unpacked(&packed, &packed, Some(b"another disk")).await;
    assert!(bytes.len() < disk.len());
    assert!(matches!(
        verdict,
        Err(TransferError::Mismatch(Mismatch::Disk { .. }))
    ));
}

#[tokio::test]
async fn a_packed_file_never_passes_as_it_is() {
    // What can never be unpacked is known before anything is created for it.
    for head in [&b"7z\xbc\xaf\x27\x1c rest"[..], b"PK\x03\x04 rest"] {
        let early = guard(
            stream(vec![head]),
            upload(sum(head), u64::MAX),
            Progress::silent(),
        );
        assert!(matches!(early.await, Err(TransferError::Unpack(_))));
    }
    let (bytes, verdict) = unpacked(b"\x1f\x8b", b"\x1f\x8b", None).await;
    assert!(bytes.is_empty());
    assert!(
        matches!(verdict, Err(TransferError::Unpack(_))),
        "{verdict:?}"
    );
}

#[tokio::test]
async fn a_download_that_breaks_off_is_told_before_what_it_does_to_the_unpacking() {
    let packed = gzip(&noise(2 * PIECE));
    let half = packed[..packed.len() / 2].to_vec();
    let source =
        futures_util::stream::iter([Ok(Bytes::from(half)), Err(std::io::Error::other("cut"))]);
    let demand = upload(sum(&packed), u64::MAX);
    let guarded = guard(source, demand, Progress::silent()).await.unwrap();
    let (_, broken, verdict) = drain(guarded).await;
    assert!(broken && matches!(verdict, Err(TransferError::Source { .. })));
}

#[tokio::test]
async fn digests_are_computed_without_being_known_before() {
    let disk = noise(PIECE + 1);
    let packed: &'static [u8] = gzip(&disk).leak();
    let demand = |unpacking, disk| Demand {
        disk,
        unpacking,
        member: Some(Pattern::new("unused").unwrap()),
        ..Demand::of_the_file(vec![Want::Compute(Algorithm::Sha256)], u64::MAX)
    };
    let both = demand(Unpacking::Always, Some(Want::Compute(Algorithm::Sha512)));
    let received = measure(stream(vec![packed]), both, Progress::silent());
    let received = received.await.unwrap();
    assert_eq!(received.file.checksums, [sum(packed)]);
    let sha512 = Checksum::from_digest(Algorithm::Sha512, &Sha512::digest(&disk)).unwrap();
    assert_eq!(received.disk.unwrap().checksums, [sha512]);

    let file_only = demand(Unpacking::Never, None);
    let received = measure(stream(vec![packed]), file_only, Progress::silent());
    assert!(received.await.unwrap().disk.is_none());

    let both = demand(Unpacking::Always, Some(Want::Compute(Algorithm::Sha512)));
    let plain = measure(stream(vec![b"a disk"]), both, Progress::silent()).await;
    assert!(matches!(plain, Err(TransferError::NotPacked)));
}

#[tokio::test]
async fn a_bomb_breaks_off_the_upload_and_says_by_how_much_it_is_one() {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    let zeros = vec![0; 1 << 20];
    for _ in 0..300 {
        encoder.write_all(&zeros).unwrap();
    }
    let bomb: &'static [u8] = encoder.finish().unwrap().leak();
    let demand = Demand {
        length: Some(bomb.len() as u64),
        ..upload(sum(bomb), u64::MAX)
    };
    let guarded = guard(stream(vec![bomb]), demand, Progress::silent());
    let (bytes, broken, verdict) = drain(guarded.await.unwrap()).await;
    assert!(broken && bytes.len() <= 256 << 20);
    let error = verdict.unwrap_err();
    assert!(error.is_of_the_bytes());
    let told = format!("{} bytes unfold to 268697600 and more", bomb.len());
    assert!(error.to_string().contains(&told), "{error}");
    assert!(error.to_string().contains("at most 1000 times"), "{error}");
}
