//! First bytes of a qcow2 file → its header, or the rule that it breaks. Versions 2 and 3.
//!
//! What makes a hypervisor open another file, or what readers take in different ways, is refused. Tables and data are
//! left to whoever reads the disk; so is everything about reference counts and snapshots, which only writers need.
//!
//! The format: <https://www.qemu.org/docs/master/interop/qcow2.html>.

mod extensions;
mod refusal;
#[cfg(test)]
mod tests;

pub use refusal::Refusal;

/// How a qcow2 file begins.
pub const MAGIC: [u8; 4] = *b"QFI\xfb";

/// How many first bytes hold the header and its extensions: ten times what QEMU writes. A shorter file is given whole.
pub const HEAD: usize = 4096;

/// The length of a header of version 2.
const LENGTH_2: u64 = 72;
/// The least length of a header of version 3.
const LENGTH_3: u64 = 104;

/// What cannot be read as if it was not there.
mod incompatible {
    /// Reference counts may be wrong. Reading needs none: which cluster is where stands in L1 and L2 alone.
    pub const DIRTY: u64 = 1;
    pub const CORRUPT: u64 = 1 << 1;
    pub const EXTERNAL_DATA: u64 = 1 << 2;
    pub const COMPRESSION: u64 = 1 << 3;
    pub const SUBCLUSTERS: u64 = 1 << 4;
    pub const KNOWN: u64 = DIRTY | CORRUPT | EXTERNAL_DATA | COMPRESSION | SUBCLUSTERS;
}

/// Says of an external data file that it is raw.
const AUTOCLEAR_RAW_EXTERNAL: u64 = 1 << 1;

/// How clusters are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// Raw deflate.
    Deflate,
    /// Zstandard.
    Zstd,
}

/// A header that breaks no rule.
///
/// Its clusters have 512 bytes to 2 MiB, its disk is some whole sectors, and its L1 table has an entry for each of them;
/// its tables begin on a cluster behind the first one. Whether they lie in the file says [`check`](Self::check).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    version: u32,
    cluster_bits: u32,
    size: u64,
    l1: Table,
    refcounts: Table,
    snapshots: Option<Table>,
    compression: Compression,
    has_subclusters: bool,
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Table {
    name: &'static str,
    offset: u64,
    length: u64,
}

impl Header {
    /// Reads the header of the file that begins with `head`: its first [`HEAD`] bytes, or all of it.
    ///
    /// Fails with [`Refusal`] if a rule is broken.
    pub fn parse(head: &[u8]) -> Result<Self, Refusal> {
        let fields = Fields { head };
        if !head.starts_with(&MAGIC) {
            return Err(Refusal::Magic);
        }
        let version = fields.word(4)?;
        if !matches!(version, 2 | 3) {
            return Err(Refusal::Version { version });
        }
        let cluster_bits = fields.word(20)?;
        if !(9..=21).contains(&cluster_bits) {
            return Err(Refusal::ClusterBits { cluster_bits });
        }
        let cluster = 1_u64 << cluster_bits;
        let features = match version {
            2 => Features::of_version_2(),
            _ => Features::of_version_3(fields, cluster)?,
        };
        let found = extensions::find(head, features.header_length, cluster)?;
        is_whole(fields, &features, &found)?;

        let size = fields.long(24)?;
        if size == 0 || !size.is_multiple_of(512) {
            return Err(Refusal::Sectors { size });
        }
        let has_subclusters = features.has(incompatible::SUBCLUSTERS);
        // An entry of an L2 table, which fills one cluster, has 8 bytes, or 16 with the bitmap of its subclusters.
        let per_table = cluster / if has_subclusters { 16 } else { 8 };
        let needed = size.div_ceil(cluster * per_table);
        let l1_size = u64::from(fields.word(36)?);
        if l1_size < needed {
            return Err(Refusal::L1TooSmall { l1_size, needed });
        }
        let l1 = Table::new("L1 table", fields.long(40)?, l1_size * 8, cluster)?;
        let counts = u64::from(fields.word(56)?);
        if counts == 0 {
            return Err(Refusal::NoRefcounts);
        }
        let refcounts = Table::new(
            "refcount table",
            fields.long(48)?,
            counts * cluster,
            cluster,
        )?;
        // Each snapshot has a head of 40 bytes and more; how much more stands in there.
        let snapshots = match u64::from(fields.word(60)?) {
            0 => None,
            count => {
                let offset = fields.long(64)?;
                Some(Table::new("snapshot table", offset, count * 40, cluster)?)
            }
        };
        Ok(Self {
            version,
            cluster_bits,
            size,
            l1,
            refcounts,
            snapshots,
            compression: features.compression,
            has_subclusters,
        })
    }

    /// Whether a file of `file_size` bytes can have this header, and its disk is not larger than `limit`.
    ///
    /// Fails with [`Refusal`] if not.
    pub fn check(&self, file_size: u64, limit: u64) -> Result<(), Refusal> {
        if self.size > limit {
            return Err(Refusal::VirtualSize {
                size: self.size,
                limit,
            });
        }
        for table in [self.l1, self.refcounts].into_iter().chain(self.snapshots) {
            // Without overflow: that was seen when it was read.
            if table.offset + table.length > file_size {
                return Err(Refusal::TableOutside {
                    table: table.name,
                    offset: table.offset,
                    length: table.length,
                    file_size,
                });
            }
        }
        Ok(())
    }

    /// The version of the format, 2 or 3.
    pub const fn version(&self) -> u32 {
        self.version
    }

    /// The size of the disk in bytes.
    pub const fn virtual_size(&self) -> u64 {
        self.size
    }

    /// A cluster's size as a power of two, 9 to 21.
    pub const fn cluster_bits(&self) -> u32 {
        self.cluster_bits
    }

    /// Where the L1 table begins.
    pub const fn l1_offset(&self) -> u64 {
        self.l1.offset
    }

    /// How its clusters are packed, if some are.
    pub const fn compression(&self) -> Compression {
        self.compression
    }

    /// Whether each cluster has 32 subclusters, and an entry of L2 tables a bitmap of them.
    pub const fn has_subclusters(&self) -> bool {
        self.has_subclusters
    }
}

impl Table {
    /// Fails with [`Refusal`] if it cannot lie there in any file.
    fn new(name: &'static str, offset: u64, length: u64, cluster: u64) -> Result<Self, Refusal> {
        let table = Self {
            name,
            offset,
            length,
        };
        // In the first cluster is the header. Places in files are signed numbers to the system.
        let ends = offset.checked_add(length);
        if offset < cluster
            || !offset.is_multiple_of(cluster)
            || ends.is_none_or(|end| i64::try_from(end).is_err())
        {
            return Err(Refusal::TablePlace {
                table: name,
                offset,
                length,
            });
        }
        Ok(table)
    }
}

/// Fails with [`Refusal`] if something of the disk is elsewhere, encrypted or broken.
fn is_whole(
    fields: Fields<'_>,
    features: &Features,
    extensions: &extensions::Found,
) -> Result<(), Refusal> {
    let (backing_file, length) = (fields.long(8)?, fields.word(16)?);
    if backing_file != 0 || length != 0 {
        let name = fields.text(backing_file, u64::from(length));
        return Err(Refusal::BackingFile { name });
    }
    if let Some(name) = &extensions.external_data {
        let name = Some(name.clone());
        return Err(Refusal::ExternalData { name });
    }
    let raw_external = features.autoclear & AUTOCLEAR_RAW_EXTERNAL != 0;
    if features.has(incompatible::EXTERNAL_DATA) || raw_external {
        return Err(Refusal::ExternalData { name: None });
    }
    let method = fields.word(32)?;
    if method != 0 || extensions.has_encryption {
        return Err(Refusal::Encrypted { method });
    }
    if features.has(incompatible::CORRUPT) {
        return Err(Refusal::Corrupt);
    }
    Ok(())
}

/// What only version 3 says.
struct Features {
    incompatible: u64,
    autoclear: u64,
    header_length: u64,
    compression: Compression,
}

impl Features {
    const fn of_version_2() -> Self {
        Self {
            incompatible: 0,
            autoclear: 0,
            header_length: LENGTH_2,
            compression: Compression::Deflate,
        }
    }

    /// Fails with [`Refusal`] if something is new, contradicts itself, or fits no cluster of this size.
    fn of_version_3(fields: Fields<'_>, cluster: u64) -> Result<Self, Refusal> {
        let incompatible = fields.long(72)?;
        let unknown = incompatible & !incompatible::KNOWN;
        if unknown != 0 {
            return Err(Refusal::UnknownBits { unknown });
        }
        let length = u64::from(fields.word(100)?);
        if !(LENGTH_3..=cluster).contains(&length) || !length.is_multiple_of(8) {
            return Err(Refusal::HeaderLength { length, cluster });
        }
        let order = fields.word(96)?;
        if order > 6 {
            return Err(Refusal::RefcountOrder { order });
        }
        // Each of the 32 has at least one sector.
        if incompatible & incompatible::SUBCLUSTERS != 0 && cluster < 32 * 512 {
            return Err(Refusal::SmallSubclusters { cluster });
        }
        // A header of the least length has no such byte, which means the same as 0.
        let kind = if length > LENGTH_3 {
            fields.byte(104)?
        } else {
            0
        };
        let compression = match kind {
            0 => Compression::Deflate,
            1 => Compression::Zstd,
            _ => return Err(Refusal::CompressionType { kind }),
        };
        let has_bit = incompatible & incompatible::COMPRESSION != 0;
        if has_bit != (compression != Compression::Deflate) {
            return Err(Refusal::CompressionBit { kind, has_bit });
        }
        Ok(Self {
            incompatible,
            autoclear: fields.long(88)?,
            header_length: length,
            compression,
        })
    }

    const fn has(&self, bit: u64) -> bool {
        self.incompatible & bit != 0
    }
}

/// Numbers of the header: big endian, at fixed places.
#[derive(Clone, Copy)]
struct Fields<'a> {
    head: &'a [u8],
}

impl Fields<'_> {
    /// Fails with [`Refusal::Short`] behind the end.
    fn bytes<const N: usize>(self, at: usize) -> Result<[u8; N], Refusal> {
        let bytes = self.head.get(at..).and_then(<[u8]>::first_chunk);
        bytes.copied().ok_or(Refusal::Short {
            length: self.head.len(),
        })
    }

    /// Fails with [`Refusal::Short`] behind the end.
    fn byte(self, at: usize) -> Result<u8, Refusal> {
        self.bytes::<1>(at).map(u8::from_be_bytes)
    }

    /// Fails with [`Refusal::Short`] behind the end.
    fn word(self, at: usize) -> Result<u32, Refusal> {
        self.bytes(at).map(u32::from_be_bytes)
    }

    /// Fails with [`Refusal::Short`] behind the end.
    fn long(self, at: usize) -> Result<u64, Refusal> {
        self.bytes(at).map(u64::from_be_bytes)
    }

    /// Text for a message, if it is there and not empty.
    fn text(self, at: u64, length: u64) -> Option<String> {
        let at = usize::try_from(at).ok()?;
        let length = usize::try_from(length).ok()?;
        let text = self.head.get(at..at.checked_add(length)?)?;
        (!text.is_empty()).then(|| refusal::told(text))
    }
}
