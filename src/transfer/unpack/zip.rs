//! One file out of a zip archive that is read once, front to back: stored or deflated.
//!
//! The layout: <https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>. Files come before the directory that lists
//! them; both are read, and must agree on the file that is taken.

use std::io::{self, BufRead, Read};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::{Choice, Disk, UnpackError};
use crate::domain::packing::Packing;
use crate::domain::pattern::Pattern;

const PACKING: Packing = Packing::Zip;

const FILE: [u8; 4] = *b"PK\x03\x04";
const LISTED: [u8; 4] = *b"PK\x01\x02";
const DESCRIPTOR: [u8; 4] = *b"PK\x07\x08";
const END: [u8; 4] = *b"PK\x05\x06";
const LONG_END: [u8; 4] = *b"PK\x06\x06";
const LONG_END_PLACE: [u8; 4] = *b"PK\x06\x07";

/// In a field of four bytes: the number is in the extra field of large files.
const ELSEWHERE: u64 = 0xffff_ffff;

/// Sends the one file whose name matches, and reads the rest to its end.
pub(super) fn read(
    archive: impl BufRead,
    pattern: &Pattern,
    disk: &mut Disk,
) -> Result<(), UnpackError> {
    let mut reader = Reader {
        archive,
        left: disk.most(),
        most: disk.most(),
    };
    let mut choice = Choice::new(PACKING, pattern);
    let mut mark = reader.mark()?;
    let mut files = 0_u64;
    while mark == FILE {
        files += 1;
        reader.file(&mut choice, disk)?;
        mark = reader.mark()?;
    }
    let (mut count, mut listed) = (0_u64, 0_u64);
    while mark == LISTED {
        count += 1;
        let fields = reader.bytes::<42>()?;
        let name = reader.text(short(&fields, 24))?;
        reader.skip(u64::from(short(&fields, 26)) + u64::from(short(&fields, 28)))?;
        let name = name.strip_prefix("./").unwrap_or(&name);
        if choice.found.as_deref() == Some(name) {
            listed += 1;
        }
        mark = reader.mark()?;
    }
    reader.end(mark)?;
    if count != files || (choice.found.is_some() && listed != 1) {
        return Err(damaged(
            "its directory does not list the files that it holds",
        ));
    }
    choice.end()
}

fn damaged(reason: &str) -> UnpackError {
    UnpackError::Damaged {
        packing: PACKING,
        reason: reason.to_owned(),
    }
}

fn short(fields: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([fields[at], fields[at + 1]])
}

fn number(fields: &[u8], at: usize) -> u64 {
    let bytes = [fields[at], fields[at + 1], fields[at + 2], fields[at + 3]];
    u64::from(u32::from_le_bytes(bytes))
}

/// The sizes of a large file, unpacked and packed, in the extra field 1.
fn long_sizes(mut extra: &[u8]) -> Option<(u64, u64)> {
    while let [id, id_high, low, high, rest @ ..] = extra {
        let length = usize::from(u16::from_le_bytes([*low, *high]));
        let data = rest.get(..length)?;
        if (*id, *id_high) == (1, 0) {
            let long = |at: usize| Some(u64::from_le_bytes(data.get(at..at + 8)?.try_into().ok()?));
            return Some((long(0)?, long(8)?));
        }
        extra = &rest[length..];
    }
    None
}

/// What the header of a file says of its data.
struct Header {
    stored: bool,
    crc: u32,
    packed: u64,
    size: u64,
    /// The three above follow the data.
    follows: bool,
    long: bool,
}

struct Reader<R> {
    archive: R,
    /// How many bytes may still be unpacked beside the disk, and how many at the beginning.
    left: u64,
    most: u64,
}

impl<R: BufRead> Reader<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N], UnpackError> {
        let mut bytes = [0; N];
        self.archive
            .read_exact(&mut bytes)
            .map_err(|error| super::damaged(PACKING, &error))?;
        Ok(bytes)
    }

    fn mark(&mut self) -> Result<[u8; 4], UnpackError> {
        self.bytes()
    }

    fn vector(&mut self, length: u16) -> Result<Vec<u8>, UnpackError> {
        let mut bytes = vec![0; usize::from(length)];
        self.archive
            .read_exact(&mut bytes)
            .map_err(|error| super::damaged(PACKING, &error))?;
        Ok(bytes)
    }

    fn text(&mut self, length: u16) -> Result<String, UnpackError> {
        Ok(String::from_utf8_lossy(&self.vector(length)?).into_owned())
    }

    fn skip(&mut self, size: u64) -> Result<(), UnpackError> {
        let skipped = io::copy(&mut self.archive.by_ref().take(size), &mut io::sink())
            .map_err(|error| super::damaged(PACKING, &error))?;
        if skipped < size {
            return Err(damaged("it ends in the middle"));
        }
        Ok(())
    }

    /// One file after its mark: header, data, and what follows it.
    fn file(&mut self, choice: &mut Choice, disk: &mut Disk) -> Result<(), UnpackError> {
        let fields = self.bytes::<26>()?;
        let (flags, method) = (short(&fields, 2), short(&fields, 4));
        let name = self.text(short(&fields, 22))?;
        let extra = self.vector(short(&fields, 24))?;
        let large = long_sizes(&extra);
        let (packed, size) = (number(&fields, 14), number(&fields, 18));
        let mut header = Header {
            stored: method == 0,
            crc: u32::from_le_bytes([fields[10], fields[11], fields[12], fields[13]]),
            packed,
            size,
            follows: flags & 8 != 0,
            long: large.is_some(),
        };
        if let Some((size, packed)) =
            large.filter(|_| header.size == ELSEWHERE || header.packed == ELSEWHERE)
        {
            (header.size, header.packed) = (size, packed);
        }
        let odd = if flags & 1 != 0 {
            Some("encrypted")
        } else if !matches!(method, 0 | 8) {
            Some("packed by a method other than `deflate`")
        } else if header.stored && header.follows {
            Some("stored without its size")
        } else {
            None
        };
        let is_folder = name.ends_with('/');
        if !is_folder && choice.takes(&name, odd)? {
            if !header.follows {
                disk.fits(header.size)?;
            }
            return self.data(&header, |file| disk.copy(file, PACKING));
        }
        if !header.follows {
            return self.skip(header.packed);
        }
        // Only unpacking tells where it ends.
        if odd.is_some() {
            return Err(damaged("where one of its files ends is not known"));
        }
        let (left, most) = (self.left, self.most);
        let mut passed = 0;
        self.data(&header, |file| {
            let mut file = file.take(left.saturating_add(1));
            passed = io::copy(&mut file, &mut io::sink())
                .map_err(|error| super::damaged(PACKING, &error))?;
            if passed > left {
                let packing = PACKING;
                return Err(UnpackError::TooMuch { packing, most });
            }
            Ok(())
        })?;
        self.left -= passed;
        Ok(())
    }

    /// Unpacks the data of a file into `take`, and compares it with what the archive says of it.
    fn data(
        &mut self,
        header: &Header,
        take: impl FnOnce(&mut dyn Read) -> Result<(), UnpackError>,
    ) -> Result<(), UnpackError> {
        let (crc, size, packed) = if header.stored {
            let mut file = Summed::new(self.archive.by_ref().take(header.packed));
            take(&mut file)?;
            (file.crc.sum(), file.size, file.size)
        } else {
            let mut file = Summed::new(DeflateDecoder::new(&mut self.archive));
            take(&mut file)?;
            (file.crc.sum(), file.size, file.inner.total_in())
        };
        let said = if header.follows {
            self.descriptor(header.long || size >= ELSEWHERE || packed >= ELSEWHERE)?
        } else {
            (header.crc, header.packed, header.size)
        };
        if said != (crc, packed, size) {
            return Err(damaged("a file is not the one whose sum and size it gives"));
        }
        Ok(())
    }

    /// Sum and sizes behind the data, with or without a mark of their own.
    fn descriptor(&mut self, long: bool) -> Result<(u32, u64, u64), UnpackError> {
        let mut first = self.mark()?;
        if first == DESCRIPTOR {
            first = self.bytes()?;
        }
        let mut size = || -> Result<u64, UnpackError> {
            if long {
                Ok(u64::from_le_bytes(self.bytes()?))
            } else {
                Ok(number(&self.bytes::<4>()?, 0))
            }
        };
        Ok((u32::from_le_bytes(first), size()?, size()?))
    }

    /// The end of the directory, and nothing after it.
    fn end(&mut self, mut mark: [u8; 4]) -> Result<(), UnpackError> {
        if mark == LONG_END {
            let size = u64::from_le_bytes(self.bytes()?);
            self.skip(size)?;
            mark = self.mark()?;
        }
        if mark == LONG_END_PLACE {
            self.skip(16)?;
            mark = self.mark()?;
        }
        if mark != END {
            return Err(damaged("one of its headers is none"));
        }
        let fields = self.bytes::<18>()?;
        self.skip(u64::from(short(&fields, 16)))?;
        let rest = self
            .archive
            .fill_buf()
            .map_err(|error| super::damaged(PACKING, &error))?;
        if !rest.is_empty() {
            return Err(damaged("something follows its end"));
        }
        Ok(())
    }
}

/// A reader that counts and sums what it gives.
struct Summed<R> {
    inner: R,
    crc: Crc,
    size: u64,
}

impl<R> Summed<R> {
    fn new(inner: R) -> Self {
        Self {
            inner,
            crc: Crc::new(),
            size: 0,
        }
    }
}

impl<R: Read> Read for Summed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.crc.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}
