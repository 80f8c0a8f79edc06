//! The bytes of a disk image, as they pass → is it what its definition says, and safe to boot?
//!
//! Constant memory: the beginning, the end, and one region in between that the beginning names. An image that points
//! to anything outside itself, or that one reader takes for another thing than the next, ends here. Whether a file is
//! packed tells [`super::packing`]; what becomes of a refused image decides who asks.

mod fields;
mod format;
mod gpt;
mod iso;
mod magic;
mod mbr;
mod ploop;
pub mod qcow2;
mod qemu;
mod raw;
mod refusal;
mod sums;
mod vdi;
mod vhd;
mod vhdx;
mod vmdk;

pub use format::DiskFormat;
pub use refusal::{Doubt, Refusal};

use std::ops::Range;

use fields::cut_off;
use magic::Real;

/// How much of the beginning is kept: every header but VHDX's, and the first descriptor of an ISO 9660 image.
const HEAD: usize = 64 << 10;

/// How much of the end is kept: the footer of a VMDK and the markers around it.
const TAIL: usize = 3 * 512;

/// What an image is that may be booted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspected {
    /// Its format: the declared one.
    pub format: DiskFormat,
    /// How many bytes the guest sees.
    pub virtual_size: u64,
    /// What is no danger, and yet a reason for some clouds to refuse it.
    pub doubts: Vec<Doubt>,
}

/// Looks at an image while it passes. After an error it has nothing more to say.
#[derive(Debug)]
pub struct Inspector {
    declared: Option<DiskFormat>,
    name: String,
    limit: u64,
    size: u64,
    head: Vec<u8>,
    /// How much of the beginning is wanted.
    wanted: usize,
    tail: Vec<u8>,
    begun: Option<Begun>,
    region: Vec<u8>,
}

/// What the beginning of an image says.
#[derive(Debug, Default)]
struct Begun {
    /// How many bytes the guest sees, if that is known already.
    virtual_size: Option<u64>,
    /// Which bytes further on are to be looked at.
    region: Option<Region>,
}

/// Some bytes of an image that lie behind its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Region {
    start: u64,
    length: usize,
}

/// All that was kept of an image.
#[derive(Debug, Clone, Copy)]
struct Seen<'a> {
    head: &'a [u8],
    /// Shorter than asked for if the image ends in it.
    region: &'a [u8],
    tail: &'a [u8],
    size: u64,
}

impl Inspector {
    /// `declared` is the definition's `format`; `limit` is how many bytes the guest may see at most, the setting
    /// `limits.image_size`.
    pub fn new(declared: &str, limit: u64) -> Self {
        Self {
            declared: DiskFormat::named(declared),
            name: declared.to_owned(),
            limit,
            size: 0,
            head: Vec::new(),
            wanted: HEAD,
            tail: Vec::new(),
            begun: None,
            region: Vec::new(),
        }
    }

    /// Takes the next bytes. Fails with [`Refusal`] as early as it is known.
    pub fn take(&mut self, piece: &[u8]) -> Result<(), Refusal> {
        let format = self.format()?;
        let start = self.size;
        self.size += piece.len() as u64;
        self.keep_tail(piece);
        if self.begun.is_none() {
            self.keep_head(start, piece);
            // Of VHDX also the tables of regions are wanted.
            if self.wanted == HEAD && self.head.starts_with(vhdx::MAGIC) {
                self.wanted = vhdx::HEAD;
                self.keep_head(start, piece);
            }
            if self.head.len() < self.wanted {
                return Ok(());
            }
            self.begin(format)?;
        }
        self.keep_region(format, start, piece)?;
        match format {
            DiskFormat::Raw | DiskFormat::Iso => self.fits(self.size),
            _ => Ok(()),
        }
    }

    /// Where it wants to look next in an image of `size` bytes, of which those before that may be left out with
    /// [`Inspector::leave_out_to`]; nothing when it has seen what it needs.
    pub fn next(&self, size: u64) -> Option<Range<u64>> {
        let here = self.size;
        let to_the_end = |start: u64, end: u64| (start < size).then(|| start..end.min(size));
        let Some(begun) = &self.begun else {
            return to_the_end(here, self.wanted as u64);
        };
        let region = begun.region.and_then(|region| {
            let end = region.start.saturating_add(region.length as u64);
            let start = region.start.saturating_add(self.region.len() as u64);
            (start < end).then(|| to_the_end(start.max(here), end))?
        });
        region.or_else(|| to_the_end(here.max(size.saturating_sub(TAIL as u64)), size))
    }

    /// Passes over the bytes before `offset` that did not come yet.
    pub fn leave_out_to(&mut self, offset: u64) {
        if offset > self.size {
            self.size = offset;
            self.tail.clear();
        }
    }

    /// Says what the image is, after its last byte. Fails with [`Refusal`] if nobody should boot it.
    pub fn end(mut self) -> Result<Inspected, Refusal> {
        let format = self.format()?;
        if self.size == 0 {
            return Err(Refusal::new(
                "empty",
                "the image is empty",
                "the bytes of a disk",
                "look at its URL",
            ));
        }
        if self.begun.is_none() {
            self.begin(format)?;
        }
        let seen = Seen {
            head: &self.head,
            region: &self.region,
            tail: &self.tail,
            size: self.size,
        };
        let mut doubts = Vec::new();
        let virtual_size = match format {
            DiskFormat::Ami | DiskFormat::Ari | DiskFormat::Aki => seen.size,
            DiskFormat::Vhd => vhd::end(&seen, &mut doubts)?,
            DiskFormat::Vhdx => vhdx::end(&seen)?,
            DiskFormat::Vmdk => vmdk::end(&seen)?,
            DiskFormat::Raw => raw::end(&seen, &mut doubts)?,
            DiskFormat::Qcow2 => qemu::end(&seen, self.limit, &mut doubts)?,
            DiskFormat::Vdi => vdi::end(&seen)?,
            DiskFormat::Ploop => ploop::end(&seen, &mut doubts)?,
            DiskFormat::Iso => iso::end(&seen)?,
        };
        self.fits(virtual_size)?;
        Ok(Inspected {
            format,
            virtual_size,
            doubts,
        })
    }

    fn format(&self) -> Result<DiskFormat, Refusal> {
        self.declared.ok_or_else(|| {
            let names = DiskFormat::ALL.map(DiskFormat::name).join(", ");
            Refusal::new(
                "declared-format",
                format!("the definition says `format: {}`", self.name),
                format!("one of {names}"),
                "correct the definition",
            )
        })
    }

    /// Looks at the beginning, or at the whole of a short image.
    fn begin(&mut self, format: DiskFormat) -> Result<(), Refusal> {
        let head = &self.head[..];
        let begun = match format {
            DiskFormat::Ami | DiskFormat::Ari | DiskFormat::Aki => Begun::default(),
            _ => {
                let real = magic::real(head)?;
                is_declared(format, real, head)?;
                match format {
                    DiskFormat::Vhdx => vhdx::begin(head)?,
                    DiskFormat::Vmdk => vmdk::begin(head)?,
                    DiskFormat::Raw => raw::begin(head)?,
                    DiskFormat::Qcow2 => qemu::begin(head)?,
                    DiskFormat::Vdi => vdi::begin(head)?,
                    DiskFormat::Ploop => ploop::begin(head)?,
                    DiskFormat::Vhd => vhd::begin(head)?,
                    _ => Begun::default(),
                }
            }
        };
        if let Some(size) = begun.virtual_size {
            self.fits(size)?;
        }
        if let Some(region) = begun.region {
            // A region may begin in what is kept already, but not before it: the rest is still to come.
            let start = to_usize(region.start).min(self.head.len());
            let end = start.saturating_add(region.length).min(self.head.len());
            self.region.extend_from_slice(&self.head[start..end]);
        }
        self.begun = Some(begun);
        Ok(())
    }

    /// Keeps what belongs to the region of these bytes, and looks at it when it is whole.
    fn keep_region(&mut self, format: DiskFormat, start: u64, piece: &[u8]) -> Result<(), Refusal> {
        let Some(region) = self.begun.as_ref().and_then(|begun| begun.region) else {
            return Ok(());
        };
        let missing = region.length - self.region.len();
        if missing == 0 {
            return Ok(());
        }
        let next = region.start.saturating_add(self.region.len() as u64);
        // What is before that was kept with the beginning, or is of no interest.
        let skipped = to_usize(next.saturating_sub(start));
        let Some(piece) = piece.get(skipped..) else {
            return Ok(());
        };
        self.region
            .extend_from_slice(&piece[..missing.min(piece.len())]);
        if format == DiskFormat::Vhdx && self.region.len() == region.length {
            self.fits(vhdx::metadata(&self.region)?)?;
        }
        Ok(())
    }

    fn keep_head(&mut self, start: u64, piece: &[u8]) {
        let kept = self.head.len() - to_usize(start);
        let room = self.wanted - self.head.len();
        let more = &piece[kept..];
        self.head.extend_from_slice(&more[..room.min(more.len())]);
    }

    fn keep_tail(&mut self, piece: &[u8]) {
        if piece.len() >= TAIL {
            self.tail.clear();
            self.tail.extend_from_slice(&piece[piece.len() - TAIL..]);
        } else {
            let surplus = (self.tail.len() + piece.len()).saturating_sub(TAIL);
            self.tail.drain(..surplus);
            self.tail.extend_from_slice(piece);
        }
    }

    fn fits(&self, virtual_size: u64) -> Result<(), Refusal> {
        if virtual_size <= self.limit {
            return Ok(());
        }
        Err(Refusal::new(
            "virtual-size",
            format!("the guest would see a disk of at least {virtual_size} bytes"),
            format!("at most {}, the setting `limits.image_size`", self.limit),
            "raise the setting if the image is meant to be that large",
        ))
    }
}

/// Whether an image is what its definition says. Fails with [`Refusal`].
fn is_declared(format: DiskFormat, real: Option<Real>, head: &[u8]) -> Result<(), Refusal> {
    let found = match real {
        Some(Real::Format(real)) if real == format => return Ok(()),
        // Bytes that are a disk and a disc at once, made to boot from either.
        Some(Real::Format(DiskFormat::Iso))
            if format == DiskFormat::Raw && mbr::Mbr::of(head).is_some_and(|mbr| mbr.is_used()) =>
        {
            return Ok(());
        }
        None if format == DiskFormat::Raw => return Ok(()),
        // Its only mark lies at the end.
        None if format == DiskFormat::Vhd => return Ok(()),
        Some(Real::Format(real)) => format!("it is {}", real.name()),
        Some(Real::Other(what)) => format!("it is {what}"),
        None => format!("it has no {} header", format.name()),
    };
    let (expected, remedy) = match real {
        Some(Real::Format(real)) => (
            format!("{} bytes", format.name()),
            format!(
                "correct the definition to `format: {}` if that is what you want",
                real.name()
            ),
        ),
        _ => (
            format!("{} bytes", format.name()),
            "correct the format or the URL in the definition".to_owned(),
        ),
    };
    Err(Refusal::new(
        "declared-format",
        format!(
            "the definition says `format: {}`, but {found}",
            format.name()
        ),
        expected,
        remedy,
    ))
}

/// A place in memory; one that no memory has, if it is too large for it.
fn to_usize(place: u64) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
