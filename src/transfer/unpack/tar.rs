//! One file out of a tar archive that is read once: ustar, GNU's long names, and pax headers.
//!
//! The layout: <https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html>, section "ustar Interchange Format".

use std::io::{self, Read};

use crate::domain::pattern::Pattern;

use super::{Choice, Disk, UnpackError, fill};
use crate::domain::packing::Packing;

const BLOCK: usize = 512;

/// Names and pax headers are held in memory, so they end here.
const LONGEST_HEADER: u64 = 1 << 20;

/// Sends the one file whose name matches, and reads the rest to its end. `outer` is how the archive itself is packed.
pub(super) fn read(
    archive: impl Read,
    outer: Packing,
    pattern: &Pattern,
    disk: &mut Disk,
) -> Result<(), UnpackError> {
    let mut reader = Reader { archive, outer };
    let mut choice = Choice::new(Packing::Tar, pattern);
    let mut said = Said::default();
    while let Some(block) = reader.block()? {
        let entry = Entry::parse(&block).ok_or_else(|| damaged("a header is none"))?;
        match entry.kind {
            b'L' => said.name = Some(until_nul(&reader.header(entry.size)?)),
            b'x' => said.add(&reader.header(entry.size)?),
            // Headers for all files and long targets of links say nothing that counts here.
            b'g' | b'K' => reader.skip(padded(entry.size))?,
            kind => {
                let Said { name, size, sparse } = std::mem::take(&mut said);
                let name = name.unwrap_or(entry.name);
                let size = size.unwrap_or(entry.size);
                let is_folder = kind == b'5' || name.ends_with('/');
                if !is_folder && choice.takes(&name, odd(kind, sparse))? {
                    disk.fits(size)?;
                    let mut file = Exactly {
                        inner: &mut reader.archive,
                        left: size,
                    };
                    disk.copy(&mut file, outer)?;
                    reader.skip(padded(size) - size)?;
                } else {
                    reader.skip(if has_data(kind) { padded(size) } else { 0 })?;
                }
            }
        }
    }
    reader.rest_is_empty()?;
    choice.end()
}

/// Why an entry is no plain file.
fn odd(kind: u8, sparse: bool) -> Option<&'static str> {
    match kind {
        _ if sparse => Some("a sparse file"),
        0 | b'0' | b'7' => None,
        b'1' => Some("a link"),
        b'2' => Some("a symbolic link"),
        b'S' => Some("a sparse file"),
        b'3' | b'4' | b'6' => Some("a device"),
        _ => Some("of an unknown kind"),
    }
}

/// Links, devices and folders have a size in some archives, and never data.
fn has_data(kind: u8) -> bool {
    !matches!(kind, b'1'..=b'6')
}

fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64)
}

/// What headers before an entry say of it.
#[derive(Default)]
struct Said {
    name: Option<String>,
    size: Option<u64>,
    sparse: bool,
}

impl Said {
    /// Reads records of the form `LENGTH KEY=VALUE` and a line break.
    fn add(&mut self, mut records: &[u8]) {
        while let Some(blank) = records.iter().position(|byte| *byte == b' ') {
            let length = std::str::from_utf8(&records[..blank]).ok();
            let Some(length) = length.and_then(|length| length.parse::<usize>().ok()) else {
                return;
            };
            let Some(record) = records.get(blank + 1..length.saturating_sub(1)) else {
                return;
            };
            let record = String::from_utf8_lossy(record);
            if let Some((key, value)) = record.split_once('=') {
                match key {
                    "path" => self.name = Some(value.to_owned()),
                    "size" => self.size = value.parse().ok(),
                    key if key.starts_with("GNU.sparse.") => self.sparse = true,
                    _ => {}
                }
            }
            records = records.get(length..).unwrap_or_default();
        }
    }
}

/// One header.
struct Entry {
    name: String,
    size: u64,
    kind: u8,
}

impl Entry {
    /// Reads a header; nothing if its sum is wrong.
    fn parse(block: &[u8; BLOCK]) -> Option<Self> {
        // The field of the sum itself counts as blanks.
        let sum: u64 = block
            .iter()
            .enumerate()
            .map(|(at, byte)| {
                u64::from(if (148..156).contains(&at) {
                    b' '
                } else {
                    *byte
                })
            })
            .sum();
        if number(&block[148..156])? != sum {
            return None;
        }
        let name = until_nul(&block[..100]);
        let prefix = until_nul(&block[345..500]);
        // GNU's own format uses the place of the prefix otherwise.
        let is_posix = &block[257..263] == b"ustar\0";
        Some(Self {
            name: if is_posix && !prefix.is_empty() {
                format!("{prefix}/{name}")
            } else {
                name
            },
            size: number(&block[124..136])?,
            kind: block[156],
        })
    }
}

fn until_nul(field: &[u8]) -> String {
    let text = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(text).into_owned()
}

/// A number: octal digits; or with the highest bit set the bytes themselves, as GNU writes what is larger.
fn number(field: &[u8]) -> Option<u64> {
    if let [0x80, 0, 0, 0, low @ ..] = field {
        return low.try_into().ok().map(u64::from_be_bytes);
    }
    let text = std::str::from_utf8(field).ok()?;
    let digits = text.trim_matches([' ', '\0']);
    if digits.is_empty() {
        return Some(0);
    }
    u64::from_str_radix(digits, 8).ok()
}

fn damaged(reason: &str) -> UnpackError {
    UnpackError::Damaged {
        packing: Packing::Tar,
        reason: reason.to_owned(),
    }
}

struct Reader<R> {
    archive: R,
    outer: Packing,
}

impl<R: Read> Reader<R> {
    /// Reads exactly so much.
    fn exactly(&mut self, buffer: &mut [u8]) -> Result<(), UnpackError> {
        let length =
            fill(&mut self.archive, buffer).map_err(|error| super::damaged(self.outer, &error))?;
        if length < buffer.len() {
            return Err(damaged("it ends in the middle"));
        }
        Ok(())
    }

    /// The next header, or nothing at the mark of the end: a block of zeros.
    fn block(&mut self) -> Result<Option<[u8; BLOCK]>, UnpackError> {
        let mut block = [0; BLOCK];
        self.exactly(&mut block)?;
        let is_end = block.iter().all(|byte| *byte == 0);
        Ok((!is_end).then_some(block))
    }

    /// The data of a header, without its padding.
    fn header(&mut self, size: u64) -> Result<Vec<u8>, UnpackError> {
        let length = usize::try_from(size)
            .ok()
            .filter(|_| size <= LONGEST_HEADER)
            .ok_or_else(|| damaged("a header is longer than 1 MiB"))?;
        let mut data = vec![0; length];
        self.exactly(&mut data)?;
        self.skip(padded(size) - size)?;
        Ok(data)
    }

    fn skip(&mut self, size: u64) -> Result<(), UnpackError> {
        let skipped = io::copy(&mut self.archive.by_ref().take(size), &mut io::sink())
            .map_err(|error| super::damaged(self.outer, &error))?;
        if skipped < size {
            return Err(damaged("it ends in the middle"));
        }
        Ok(())
    }

    /// After the mark of the end there may be nothing but zeros.
    fn rest_is_empty(&mut self) -> Result<(), UnpackError> {
        let mut buffer = vec![0; 64 * BLOCK];
        loop {
            let length = fill(&mut self.archive, &mut buffer)
                .map_err(|error| super::damaged(self.outer, &error))?;
            if buffer[..length].iter().any(|byte| *byte != 0) {
                return Err(damaged("something follows its end"));
            }
            if length == 0 {
                return Ok(());
            }
        }
    }
}

/// So many bytes of a reader; fewer are an error, unlike with `take`.
struct Exactly<'a, R> {
    inner: &'a mut R,
    left: u64,
}

impl<R: Read> Read for Exactly<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.left).unwrap_or(usize::MAX);
        let length = buffer.len().min(most);
        if length == 0 {
            return Ok(0);
        }
        let count = self.inner.read(&mut buffer[..length])?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.left -= count as u64;
        Ok(count)
    }
}
