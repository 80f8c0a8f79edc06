//! Disks that are converted while they come.

use std::io::Error;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use futures_util::stream;
use sha2::{Digest, Sha256, Sha512};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::super::{Guarded, Sends, Unpacking, Want, guard};
use super::*;
use crate::domain::checksum::Checksum;
use crate::domain::proof::Received;
use crate::transfer::{Demand, Leaves, PIECE, Progress};

/// A disk of noise, and the qcow2 file that QEMU makes of it.
fn image(folder: &Path) -> (Vec<u8>, Vec<u8>) {
    image_with(folder, "cluster_size=65536")
}

/// The same with options of its own.
fn image_with(folder: &Path, options: &str) -> (Vec<u8>, Vec<u8>) {
    let noise = (0_u32..65536).flat_map(|count| Sha512::digest(count.to_le_bytes()));
    let disk: Vec<u8> = noise.collect();
    let (raw, qcow2) = (folder.join("disk.raw"), folder.join("disk.qcow2"));
    std::fs::write(&raw, &disk).unwrap();
    let converted = Command::new("qemu-img")
        .args(["convert", "-q", "-f", "raw", "-O", "qcow2", "-o", options])
        .args([&raw, &qcow2])
        .status();
    let converted = converted.unwrap_or_else(|error| panic!("{error}; install qemu-utils"));
    assert!(converted.success());
    (std::fs::read(qcow2).unwrap(), disk)
}

/// The conversion of a file with these bytes.
fn demand(bytes: &[u8], folder: &Path, size: Option<usize>) -> Demand {
    let checksum = Checksum::from_digest(Algorithm::Sha256, &Sha256::digest(bytes)).unwrap();
    Demand {
        file: vec![Want::Expect(checksum)],
        unpacking: Unpacking::IfPacked,
        stored: Some(Algorithm::Sha512),
        format: Some("qcow2".to_owned()),
        convert: Some(Convert {
            spool: folder.to_owned(),
            leaves: Leaves::WhileItComes,
        }),
        length: size.map(|size| size as u64),
        ..Demand::of_the_file(Vec::new(), 1 << 30)
    }
}

/// Bytes that come when the test sends them.
type Feed = mpsc::Sender<Result<Bytes, Error>>;

async fn send(feed: &Feed, bytes: &[u8]) {
    for piece in bytes.chunks(100_000) {
        feed.send(Ok(Bytes::copy_from_slice(piece))).await.unwrap();
    }
}

/// Begins with some bytes; whatever hangs fails.
async fn begun(begin: &[u8], demand: Demand) -> (Feed, Result<Guarded, TransferError>) {
    let (feed, pieces) = mpsc::channel(1000);
    let pieces = stream::unfold(pieces, |mut pieces| async {
        Some((pieces.recv().await?, pieces))
    });
    send(&feed, begin).await;
    let guarded = guard(pieces, demand, Progress::silent());
    let guarded = timeout(Duration::from_secs(20), guarded).await;
    (feed, guarded.expect("it begins"))
}

/// What is left of the disk, whether it broke off, and the verdict.
async fn rest(mut guarded: Guarded) -> (Vec<u8>, bool, Result<Received, TransferError>) {
    let all = async {
        let (mut bytes, mut is_broken) = (Vec::new(), false);
        while let Some(piece) = guarded.body.recv().await {
            match piece {
                Ok(piece) => bytes.extend_from_slice(&piece),
                Err(_) => is_broken = true,
            }
        }
        (bytes, is_broken, guarded.verdict.await.unwrap())
    };
    let all = timeout(Duration::from_secs(20), all).await;
    all.expect("it ends")
}

#[tokio::test]
async fn pieces_leave_while_the_file_still_comes() {
    let folder = tempfile::tempdir().unwrap();
    let (file, disk) = image(folder.path());
    let (first, second) = file.split_at(file.len() / 2);
    let demand = demand(&file, folder.path(), Some(file.len()));
    let (feed, guarded) = begun(first, demand).await;
    let mut guarded = guarded.unwrap();
    assert_eq!(guarded.sends, Sends::Converted(disk.len() as u64));
    let piece = timeout(Duration::from_secs(20), guarded.body.recv()).await;
    let mut whole = piece.expect("a piece leaves").unwrap().unwrap().to_vec();
    send(&feed, second).await;
    drop(feed);
    let (bytes, is_broken, verdict) = rest(guarded).await;
    whole.extend(bytes);
    assert!(!is_broken && whole == disk);
    let sha512 = Checksum::from_digest(Algorithm::Sha512, &Sha512::digest(&disk)).unwrap();
    assert_eq!(verdict.unwrap().converted.unwrap().checksums, [sha512]);
}

/// Of a disk with more than one table of the second level, the further ones lie further on in the file.
#[tokio::test]
async fn what_is_there_leaves_before_the_next_table_is() {
    let folder = tempfile::tempdir().unwrap();
    let (file, disk) = image_with(folder.path(), "cluster_size=2048");
    let (first, second) = file.split_at(file.len() * 7 / 8);
    let demand = demand(&file, folder.path(), Some(file.len()));
    let (feed, guarded) = begun(first, demand).await;
    let mut guarded = guarded.unwrap();
    let mut whole = Vec::new();
    // Each of eight tables tells of an eighth. Some pieces are in hands.
    while whole.len() < disk.len() * 6 / 8 - 2 * PIECE {
        let piece = timeout(Duration::from_secs(20), guarded.body.recv()).await;
        whole.extend(piece.expect("a piece leaves").unwrap().unwrap());
    }
    send(&feed, second).await;
    drop(feed);
    let (bytes, is_broken, verdict) = rest(guarded).await;
    whole.extend(bytes);
    assert!(!is_broken && whole == disk);
    verdict.unwrap();
}

#[tokio::test]
async fn the_last_piece_of_wrong_bytes_never_leaves() {
    let folder = tempfile::tempdir().unwrap();
    let (file, disk) = image(folder.path());
    let demand = demand(b"other bytes", folder.path(), Some(file.len()));
    let (feed, guarded) = begun(&file, demand).await;
    drop(feed);
    let (bytes, is_broken, verdict) = rest(guarded.unwrap()).await;
    assert!(is_broken && bytes.len() < disk.len());
    assert!(matches!(verdict, Err(TransferError::Mismatch(_))));
}

#[tokio::test]
async fn what_breaks_off_is_told_and_nothing_waits_for_the_rest() {
    let folder = tempfile::tempdir().unwrap();
    let (file, disk) = image(folder.path());
    for is_cut in [true, false] {
        let demand = demand(&file, folder.path(), Some(file.len()));
        let (feed, guarded) = begun(&file[..file.len() / 2], demand).await;
        let guarded = guarded.unwrap();
        if is_cut {
            feed.send(Err(Error::other("cut"))).await.unwrap();
            drop(feed);
            let (bytes, is_broken, verdict) = rest(guarded).await;
            assert!(is_broken && bytes.len() < disk.len());
            assert!(
                matches!(verdict, Err(TransferError::Source { .. })),
                "{verdict:?}"
            );
        } else {
            // Nobody takes the disk any more: the next pieces of the file find that out.
            let Guarded { body, verdict, .. } = guarded;
            drop(body);
            send(&feed, &file[file.len() / 2..]).await;
            drop(feed);
            let verdict = timeout(Duration::from_secs(20), verdict).await;
            let verdict = verdict.expect("it ends").unwrap();
            assert!(
                matches!(verdict, Err(TransferError::Closed { .. })),
                "{verdict:?}"
            );
        }
    }
}

#[tokio::test]
async fn tables_that_come_last_are_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, disk) = image(folder.path());
    // A copy of the first table at the end takes its place.
    let at = usize::try_from(u64::from_be_bytes(file[40..48].try_into().unwrap())).unwrap();
    let table = file[at..at + 65536].to_vec();
    file.resize(file.len().next_multiple_of(65536), 0);
    let end = file.len() as u64;
    file[40..48].copy_from_slice(&end.to_be_bytes());
    file[at..at + 65536].fill(0xff);
    file.extend(table);
    let demand = demand(&file, folder.path(), Some(file.len()));
    let (before, last) = file.split_at(file.len() - 1000);
    let (feed, guarded) = begun(before, demand).await;
    let mut guarded = guarded.unwrap();
    let piece = timeout(Duration::from_millis(200), guarded.body.recv()).await;
    assert!(piece.is_err(), "nothing can leave yet");
    send(&feed, last).await;
    drop(feed);
    let (bytes, is_broken, verdict) = rest(guarded).await;
    assert!(!is_broken && bytes == disk);
    verdict.unwrap();
}

#[tokio::test]
async fn damage_ends_it_in_a_sentence_though_the_digest_is_right() {
    let folder = tempfile::tempdir().unwrap();
    let (mut file, _) = image(folder.path());
    let at = usize::try_from(u64::from_be_bytes(file[40..48].try_into().unwrap())).unwrap();
    file[at + 7] |= 1;
    let demand = demand(&file, folder.path(), Some(file.len()));
    let (feed, guarded) = begun(&file, demand).await;
    drop(feed);
    let (_, is_broken, verdict) = rest(guarded.unwrap()).await;
    let error = verdict.unwrap_err();
    assert!(is_broken && error.is_of_the_bytes());
    assert!(
        error.to_string().contains("bits that mean nothing"),
        "{error}"
    );
}

#[tokio::test]
async fn where_its_length_is_unknown_or_that_is_asked_for_nothing_leaves_before_it_is_proven() {
    let folder = tempfile::tempdir().unwrap();
    let (file, disk) = image(folder.path());
    let cases = [(&file[..], true), (b"other bytes", false)];
    let sizes = [None, Some(file.len())];
    for ((bytes, is_good), size) in cases
        .into_iter()
        .flat_map(|case| sizes.map(|size| (case, size)))
    {
        let mut demand = demand(bytes, folder.path(), size);
        if let (Some(convert), Some(_)) = (&mut demand.convert, size) {
            convert.leaves = Leaves::WhenProven;
        }
        let (feed, pieces) = mpsc::channel(1000);
        send(&feed, &file).await;
        drop(feed);
        let pieces = stream::unfold(pieces, |mut pieces: mpsc::Receiver<_>| async {
            Some((pieces.recv().await?, pieces))
        });
        let guarded = guard(pieces, demand, Progress::silent()).await;
        match guarded {
            Ok(guarded) => {
                let (bytes, is_broken, _) = rest(guarded).await;
                assert!(is_good && !is_broken && bytes == disk);
            }
            Err(error) => assert!(!is_good && matches!(error, TransferError::Mismatch(_))),
        }
    }
}
