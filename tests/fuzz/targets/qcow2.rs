//! A disk in an arbitrary qcow2 file: refused, broken off with an error, or as long as its header says.
#![no_main]

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use reglaze::domain::inspect::qcow2::{HEAD, Header};
use reglaze::transfer::PIECE;
use reglaze::transfer::qcow2::{Reader, Run};

/// The largest disk.
const LIMIT: u64 = 1 << 20;

static FILE: LazyLock<File> = LazyLock::new(|| tempfile::tempfile().expect("a file"));

fuzz_target!(|input: &[u8]| {
    let Ok(header) = Header::parse(&input[..input.len().min(HEAD)]) else {
        return;
    };
    if header.check(input.len() as u64, LIMIT).is_err() {
        return;
    }
    FILE.set_len(0).expect("an empty file");
    FILE.write_all_at(input, 0).expect("a written file");
    let file = FILE.try_clone().expect("the same file");
    let mut reader = Reader::new(file, header).expect("a reader");
    let mut size = 0;
    while let Some(run) = reader.next() {
        match run {
            Ok(Run::Data(bytes)) => {
                assert!(!bytes.is_empty() && bytes.len() <= PIECE);
                size += bytes.len() as u64;
            }
            Ok(Run::Zero(zeros)) => {
                assert!(zeros > 0);
                size += zeros;
            }
            Err(_) => {
                assert!(reader.next().is_none());
                return;
            }
        }
    }
    assert_eq!(size, header.virtual_size());
});
