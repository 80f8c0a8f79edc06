//! Disks of tests, read as the product reads them.

use std::fs::File;
use std::io::Read as _;

use super::{PIECE, Reader, Run};
use crate::domain::inspect::qcow2::{HEAD, Header};

/// What is large enough for every test.
const LIMIT: u64 = 1 << 40;

/// The runs of the disk in `file`, or the sentence that ends them.
pub fn runs(mut file: File) -> Result<Vec<Run>, String> {
    let mut head = Vec::new();
    (&mut file)
        .take(HEAD as u64)
        .read_to_end(&mut head)
        .unwrap();
    let header = Header::parse(&head).map_err(|error| error.to_string())?;
    let size = file.metadata().unwrap().len();
    header
        .check(size, LIMIT)
        .map_err(|error| error.to_string())?;
    let runs: Result<Vec<Run>, _> = Reader::new(file, header).unwrap().collect();
    let runs = runs.map_err(|error| error.to_string())?;
    for run in &runs {
        match run {
            Run::Data(bytes) => assert!(!bytes.is_empty() && bytes.len() <= PIECE),
            Run::Zero(size) => assert!(*size > 0),
        }
    }
    assert_eq!(total(&runs), header.virtual_size());
    Ok(runs)
}

fn total(runs: &[Run]) -> u64 {
    let size = |run: &Run| match run {
        Run::Data(bytes) => bytes.len() as u64,
        Run::Zero(size) => *size,
    };
    runs.iter().map(size).sum()
}

/// The disk that they make.
pub fn disk(runs: &[Run]) -> Vec<u8> {
    let mut disk = Vec::new();
    for run in runs {
        match run {
            Run::Data(bytes) => disk.extend_from_slice(bytes),
            Run::Zero(size) => disk.resize(disk.len() + usize::try_from(*size).unwrap(), 0),
        }
    }
    disk
}
