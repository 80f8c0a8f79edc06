//! Packed bytes in, the disk inside them out: on a thread of its own, in constant memory.
//!
//! What is damaged, cut off or followed by something else is refused, so that there is one reading of a file. Nothing
//! is ever written to disk, so names in archives only choose.

mod bzip2;
mod memory;
mod tar;
mod xz;
mod zip;

use std::io::{self, BufRead, Read};

use bytes::{Buf, Bytes, BytesMut};
use flate2::bufread::MultiGzDecoder;
use tokio::sync::mpsc;

use super::guard::PIECE;
use super::meter::Shift;
use crate::domain::checksum::shortened;
use crate::domain::packing::{HEAD, Packing};
use crate::domain::pattern::Pattern;

/// What of a decoder's memory of xz is not for the dictionary.
const XZ_BESIDE: u64 = 1 << 20;

/// The largest window of zstd, as a power of two: 128 MiB, what `zstd` itself takes without being asked.
const ZSTD_WINDOW: u32 = 27;

/// How many names of an archive a message lists.
const MOST_NAMES: usize = 3;

/// Why there is no disk.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A packing that is only recognized.
    #[error(
        "it is packed with {packing}; expected gzip, bzip2, xz, zstd, tar or zip, or an image that is not packed"
    )]
    Foreign {
        /// How it is packed.
        packing: Packing,
    },
    /// Several files, and nobody says which.
    #[error(
        "it is a {packing} archive, and nothing says which file in it is the disk; add `disk:` with `member:` to its source"
    )]
    NoMember {
        /// How it is packed.
        packing: Packing,
    },
    /// No such file.
    #[error(
        "no file in its {packing} archive matches `{pattern}`; there is {found}; correct `member:` in its source"
    )]
    Absent {
        /// How it is packed.
        packing: Packing,
        /// What was sought.
        pattern: String,
        /// What there is.
        found: String,
    },
    /// More than one such file.
    #[error(
        "both `{first}` and `{second}` in its {packing} archive match `{pattern}`; expected one file; make `member:` in its source tell them apart"
    )]
    Several {
        /// How it is packed.
        packing: Packing,
        /// What was sought.
        pattern: String,
        /// One file.
        first: String,
        /// Another one.
        second: String,
    },
    /// A link, a sparse file and the like.
    #[error(
        "`{name}` in its {packing} archive is {kind}; expected a plain file; choose another with `member:` in its source"
    )]
    NotPlain {
        /// How it is packed.
        packing: Packing,
        /// The file.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// Not what it begins as.
    #[error("its {packing} data is damaged or cut off: {reason}; take it from its source again")]
    Damaged {
        /// How it is packed.
        packing: Packing,
        /// What is wrong.
        reason: String,
    },
    /// A decoder that would need too much.
    #[error(
        "its {packing} data needs {needed} bytes of memory to be unpacked; expected at most {limit}, which is more than \
        `xz -9` or `zstd --ultra -22` need; pack it again with one of them"
    )]
    Memory {
        /// How it is packed.
        packing: Packing,
        /// The dictionary, or the window.
        needed: u64,
        /// The limit.
        limit: u64,
    },
    /// The same further on, where nobody says how much it is.
    #[error(
        "a later part of its {packing} data needs more than {limit} bytes of memory to be unpacked; pack it again with `xz -9`"
    )]
    LaterMemory {
        /// How it is packed.
        packing: Packing,
        /// The limit.
        limit: u64,
    },
    /// A packed file in a packed file.
    #[error(
        "the file in it is packed again, with {packing}; expected a disk; choose another file, or unpack it where it comes from"
    )]
    PackedAgain {
        /// How that is packed.
        packing: Packing,
    },
    /// Nothing in it.
    #[error("the file in it is empty; expected a disk; look at its source")]
    Empty,
    /// A disk larger than allowed.
    #[error(
        "the disk in it is larger than {limit} bytes, the setting `limits.image_size`; raise it if the image is meant to be that large"
    )]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// A bomb beside the disk.
    #[error(
        "the files in its {packing} archive have more than {most} bytes together; expected at most twice the setting `limits.image_size`"
    )]
    TooMuch {
        /// How it is packed.
        packing: Packing,
        /// The most that they may have.
        most: u64,
    },
    /// A bomb.
    #[error(
        "{packed} bytes unfold to {disk} and more, which no disk with a system on it does; expected at most \
        {most} times as many bytes as the packed file has; where the image is good, offer it unpacked"
    )]
    Unfolds {
        /// How many bytes the file has, or how many had come where nobody says that.
        packed: u64,
        /// How many bytes of the disk there are already.
        disk: u64,
        /// The largest ratio.
        most: u64,
    },
    /// Nobody takes the disk any more.
    #[error("the receiver stopped taking the disk")]
    Closed,
}

/// Unpacks what comes from `packed` to the end, and sends the disk in pieces of [`PIECE`] bytes.
///
/// `packing` is what its first bytes say; `member` chooses a file of an archive; `shift` counts the time at work. Blocks.
/// Fails with [`UnpackError`].
pub(super) fn unpack(
    packed: mpsc::Receiver<Bytes>,
    packing: Packing,
    member: Option<&Pattern>,
    limit: u64,
    disk: mpsc::Sender<Bytes>,
    shift: &Shift,
) -> Result<(), UnpackError> {
    let mut packed = Pieces {
        feed: packed,
        current: Bytes::new(),
        shift: shift.clone(),
    };
    let disk = Disk {
        pieces: disk,
        size: 0,
        limit,
        shift: shift.clone(),
    };
    read(&mut packed, packing, member, disk)?;
    // Decoders that know where their data ends may leave what follows alone.
    match packed.fill_buf() {
        Ok([]) => Ok(()),
        _ => Err(UnpackError::Damaged {
            packing,
            reason: "something follows its end".to_owned(),
        }),
    }
}

fn read(
    packed: &mut Pieces,
    packing: Packing,
    member: Option<&Pattern>,
    mut disk: Disk,
) -> Result<(), UnpackError> {
    let damaged = |error: io::Error| damaged(packing, &error);
    let head = packed.fill_buf().map_err(damaged)?;
    fits_memory(head, packing)?;
    if packing == Packing::Zstd
        && let Ok(Some(size)) = zstd::zstd_safe::get_frame_content_size(head)
    {
        disk.fits(size)?;
    }
    match packing {
        Packing::Gzip => single(MultiGzDecoder::new(packed), packing, member, &mut disk),
        Packing::Bzip2 => single(bzip2::Bzip2::new(packed), packing, member, &mut disk),
        Packing::Xz => {
            let dictionary = memory::xz(packed.fill_buf().map_err(damaged)?).unwrap_or_default();
            let decoder = xz::Xz::new(packed, dictionary);
            single(decoder, packing, member, &mut disk)
        }
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::with_buffer(packed).map_err(damaged)?;
            decoder.window_log_max(ZSTD_WINDOW).map_err(damaged)?;
            single(decoder, packing, member, &mut disk)
        }
        Packing::Tar => tar::read(packed, packing, chosen(packing, member)?, &mut disk),
        Packing::Zip => zip::read(packed, chosen(packing, member)?, &mut disk),
        Packing::Foreign(_) => Err(UnpackError::Foreign { packing }),
    }
}

/// Fails with [`UnpackError`] if the first header asks for more memory than there is for it.
fn fits_memory(head: &[u8], packing: Packing) -> Result<(), UnpackError> {
    let (needed, limit) = match packing {
        Packing::Xz => (memory::xz(head), xz::MEMORY - XZ_BESIDE),
        Packing::Zstd => (memory::zstd(head), 1 << ZSTD_WINDOW),
        _ => return Ok(()),
    };
    match needed {
        Some(needed) if needed > limit => Err(UnpackError::Memory {
            packing,
            needed,
            limit,
        }),
        _ => Ok(()),
    }
}

/// What one compressed stream holds: the disk, or a tar archive with it.
fn single(
    mut decoded: impl Read,
    packing: Packing,
    member: Option<&Pattern>,
    disk: &mut Disk,
) -> Result<(), UnpackError> {
    let mut head = vec![0; HEAD];
    let length = fill(&mut decoded, &mut head).map_err(|error| damaged(packing, &error))?;
    head.truncate(length);
    let is_tar = Packing::of(&head) == Some(Packing::Tar);
    let decoded = Read::chain(io::Cursor::new(head), decoded);
    if is_tar {
        let decoded = AtMost::new(decoded, disk.most(), Packing::Tar);
        return tar::read(decoded, packing, chosen(Packing::Tar, member)?, disk);
    }
    disk.copy(decoded, packing)
}

fn chosen(packing: Packing, member: Option<&Pattern>) -> Result<&Pattern, UnpackError> {
    member.ok_or(UnpackError::NoMember { packing })
}

fn damaged(packing: Packing, error: &io::Error) -> UnpackError {
    let within = error.get_ref().and_then(|within| within.downcast_ref());
    if let Some(AboveMost { packing, most }) = within {
        let (packing, most) = (*packing, *most);
        return UnpackError::TooMuch { packing, most };
    }
    let within = error.get_ref().and_then(|within| within.downcast_ref());
    if let Some(liblzma::stream::Error::MemLimit) = within {
        let limit = xz::MEMORY;
        return UnpackError::LaterMemory { packing, limit };
    }
    let reason = if error.kind() == io::ErrorKind::UnexpectedEof {
        "it ends in the middle".to_owned()
    } else {
        error.to_string()
    };
    UnpackError::Damaged { packing, reason }
}

/// Reads until the buffer is full or nothing comes any more; gives how much it was.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match reader.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(count) => length += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(length)
}

/// Where the disk goes.
struct Disk {
    pieces: mpsc::Sender<Bytes>,
    size: u64,
    limit: u64,
    shift: Shift,
}

impl Disk {
    /// Fails with [`UnpackError::TooLarge`] if it is said before that so many bytes are too many.
    const fn fits(&self, size: u64) -> Result<(), UnpackError> {
        if size > self.limit {
            return Err(UnpackError::TooLarge { limit: self.limit });
        }
        Ok(())
    }

    /// How many bytes an archive may have that the disk is in: what is beside it is unpacked too, if only to pass it over.
    const fn most(&self) -> u64 {
        self.limit.saturating_mul(2)
    }

    /// Sends all that `file` holds.
    fn copy(&mut self, mut file: impl Read, packing: Packing) -> Result<(), UnpackError> {
        loop {
            let mut piece = BytesMut::zeroed(PIECE);
            let length = fill(&mut file, &mut piece).map_err(|error| damaged(packing, &error))?;
            if length == 0 {
                break;
            }
            piece.truncate(length);
            if self.size == 0
                && let Some(packing) = Packing::of(&piece)
            {
                return Err(UnpackError::PackedAgain { packing });
            }
            self.size += length as u64;
            self.fits(self.size)?;
            self.shift.passed(length);
            let sent = self
                .shift
                .waiting(|| self.pieces.blocking_send(piece.freeze()));
            sent.map_err(|_| UnpackError::Closed)?;
        }
        if self.size == 0 {
            return Err(UnpackError::Empty);
        }
        Ok(())
    }
}

/// A reader that ends with an error where more than so many bytes come.
struct AtMost<R> {
    inner: R,
    left: u64,
    above: AboveMost,
}

/// More came than may.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("more than {most} bytes come")]
struct AboveMost {
    packing: Packing,
    most: u64,
}

impl<R: Read> AtMost<R> {
    const fn new(inner: R, most: u64, packing: Packing) -> Self {
        Self {
            inner,
            left: most,
            above: AboveMost { packing, most },
        }
    }
}

impl<R: Read> Read for AtMost<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(self.above))?;
        Ok(count)
    }
}

/// Which file of an archive is the disk: every name is shown to it.
struct Choice<'a> {
    packing: Packing,
    pattern: &'a Pattern,
    found: Option<String>,
    names: Vec<String>,
    count: usize,
}

impl<'a> Choice<'a> {
    const fn new(packing: Packing, pattern: &'a Pattern) -> Self {
        Self {
            packing,
            pattern,
            found: None,
            names: Vec::new(),
            count: 0,
        }
    }

    /// Whether this is the file. Fails with [`UnpackError`] if it is no plain file, or the second one.
    fn takes(&mut self, name: &str, odd: Option<&'static str>) -> Result<bool, UnpackError> {
        let name = name.strip_prefix("./").unwrap_or(name);
        if self.names.len() < MOST_NAMES {
            self.names.push(format!("`{}`", shortened(name)));
        }
        self.count += 1;
        if !self.pattern.is_match(name) {
            return Ok(false);
        }
        if let Some(kind) = odd {
            return Err(UnpackError::NotPlain {
                packing: self.packing,
                name: shortened(name),
                kind,
            });
        }
        if let Some(first) = &self.found {
            return Err(UnpackError::Several {
                packing: self.packing,
                pattern: self.pattern.to_string(),
                first: shortened(first),
                second: shortened(name),
            });
        }
        self.found = Some(name.to_owned());
        Ok(true)
    }

    /// Fails with [`UnpackError`] if no file was the one.
    fn end(self) -> Result<(), UnpackError> {
        if self.found.is_some() {
            return Ok(());
        }
        let more = self.count - self.names.len();
        let found = match (self.names.join(", "), more) {
            (names, _) if names.is_empty() => "nothing in it".to_owned(),
            (names, 0) => names,
            (names, more) => format!("{names} and {more} more"),
        };
        Err(UnpackError::Absent {
            packing: self.packing,
            pattern: self.pattern.to_string(),
            found,
        })
    }
}

/// Pieces of a channel as a reader. The sender's going away is the end.
struct Pieces {
    feed: mpsc::Receiver<Bytes>,
    current: Bytes,
    shift: Shift,
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            match self.shift.waiting(|| self.feed.blocking_recv()) {
                Some(piece) => self.current = piece,
                None => break,
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, amount: usize) {
        self.current.advance(amount);
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let length = available.len().min(buffer.len());
        buffer[..length].copy_from_slice(&available[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests;
