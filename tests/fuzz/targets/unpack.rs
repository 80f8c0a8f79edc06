//! The road of bytes from an upstream to a cloud, with arbitrary packed files. The first byte of an input says how the
//! others come: with which file of an archive as the disk, and in how large pieces.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use reglaze::domain::checksum::Algorithm;
use reglaze::domain::pattern::Pattern;
use reglaze::domain::proof::Received;
use reglaze::transfer::{self, Demand, Progress, TransferError, Unpacking, Want};
use tokio::runtime::{Builder, Runtime};

/// The most bytes of a file, and of the disk in it.
const LIMIT: u64 = 1 << 20;

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_current_thread().build().expect("a runtime"));

static MEMBER: LazyLock<Pattern> = LazyLock::new(|| Pattern::new(r"\.raw$").expect("a pattern"));

fuzz_target!(|input: &[u8]| {
    let Some((choice, packed)) = input.split_first() else {
        return;
    };
    let member = (choice & 1 == 1).then(|| MEMBER.clone());
    let whole = measured(packed, packed.len(), member.clone());
    if let Ok(received) = &whole {
        assert!(
            received
                .disk
                .as_ref()
                .is_some_and(|disk| disk.size <= LIMIT)
        );
    }
    // How a network cuts a file into pieces says nothing of it.
    let in_pieces = measured(packed, 1 + usize::from(*choice) * 8, member);
    assert_eq!(whole.ok(), in_pieces.ok());
});

/// What is measured of a file that comes in pieces of this size.
fn measured(
    packed: &[u8],
    size: usize,
    member: Option<Pattern>,
) -> Result<Received, TransferError> {
    let pieces: Vec<_> = packed
        .chunks(size.max(1))
        .map(|piece| Ok::<_, Infallible>(Bytes::copy_from_slice(piece)))
        .collect();
    let demand = Demand {
        disk: Some(Want::Compute(Algorithm::Sha256)),
        unpacking: Unpacking::Always,
        member,
        ..Demand::of_the_file(vec![Want::Compute(Algorithm::Sha256)], LIMIT)
    };
    let progress = Progress::new("a file".to_owned(), None);
    let measure = transfer::measure(futures_util::stream::iter(pieces), demand, progress);
    let verdict = RUNTIME.block_on(measure);
    assert!(!matches!(verdict, Err(TransferError::Hashing)));
    verdict
}
