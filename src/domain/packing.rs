//! First bytes of a file → is it packed, and how? A packed file is never uploaded as an image.
//!
//! Told by magic numbers and not by names: a server may call its files as it likes.

use std::fmt;

/// How many of a file's first bytes tell how it is packed: the header of a tar archive.
pub const HEAD: usize = 512;

/// How a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
    /// A tar archive.
    Tar,
    /// A zip archive.
    Zip,
    /// One that reglaze knows only to refuse.
    Foreign(&'static str),
}

/// Magic numbers at the beginning.
const MAGIC: [(&[u8], Packing); 13] = [
    (b"\x1f\x8b", Packing::Gzip),
    (b"BZh", Packing::Bzip2),
    (b"\xfd7zXZ\0", Packing::Xz),
    (b"\x28\xb5\x2f\xfd", Packing::Zstd),
    (b"PK\x03\x04", Packing::Zip),
    // An empty archive, and one in parts.
    (b"PK\x05\x06", Packing::Zip),
    (b"PK\x07\x08", Packing::Zip),
    (b"\x1f\x9d", Packing::Foreign("compress")),
    (b"7z\xbc\xaf\x27\x1c", Packing::Foreign("7z")),
    (b"\x04\x22\x4d\x18", Packing::Foreign("lz4")),
    (b"LZIP", Packing::Foreign("lzip")),
    (b"\x89LZO\0\r\n\x1a\n", Packing::Foreign("lzop")),
    (b"Rar!\x1a\x07", Packing::Foreign("rar")),
];

/// Glance's formats for the parts of Amazon's images: kernels and RAM disks are packed by nature.
const PACKED_BY_NATURE: [&str; 3] = ["aki", "ari", "ami"];

impl Packing {
    /// How a file is packed that begins with these bytes; nothing if it is not.
    pub fn of(head: &[u8]) -> Option<Self> {
        let by_magic = MAGIC
            .iter()
            .find(|(magic, _)| head.starts_with(magic))
            .map(|(_, packing)| *packing);
        // zstd may begin with a frame that carries none of the content.
        let is_skippable = matches!(head, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..]);
        let is_tar = head.get(257..262) == Some(b"ustar");
        by_magic
            .or(is_skippable.then_some(Self::Zstd))
            .or(is_tar.then_some(Self::Tar))
    }

    /// Whether it holds several files, of which one has to be chosen.
    pub const fn is_archive(self) -> bool {
        matches!(self, Self::Tar | Self::Zip)
    }
}

/// Whether an image of this `disk_format` is what its packing makes it, and must not be unpacked.
pub fn is_packed_by_nature(disk_format: &str) -> bool {
    PACKED_BY_NATURE.contains(&disk_format)
}

impl fmt::Display for Packing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Tar => "tar",
            Self::Zip => "zip",
            Self::Foreign(name) => name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn disks_are_not_packed() {
        let mut boot_sector = vec![0; HEAD];
        boot_sector[510..].copy_from_slice(b"\x55\xaa");
        for head in [
            &b"QFI\xfb\0\0\0\x03"[..],
            b"KDMV",
            b"conectix",
            b"vhdxfile",
            b"",
            b"\x1f",
            b"PK",
            &boot_sector,
        ] {
            assert_eq!(Packing::of(head), None, "{head:?}");
        }
    }

    #[test]
    fn every_magic_number_is_known_and_a_cut_one_is_not() {
        for (magic, packing) in MAGIC {
            assert_eq!(Packing::of(magic), Some(packing));
            assert_eq!(Packing::of(&[magic, b"rest"].concat()), Some(packing));
            assert_eq!(Packing::of(&magic[..magic.len() - 1]), None);
        }
        assert_eq!(
            Packing::of(b"\x5a\x2a\x4d\x18\x04\0\0\0"),
            Some(Packing::Zstd)
        );
        let mut tar = vec![0; HEAD];
        tar[257..262].copy_from_slice(b"ustar");
        assert_eq!(Packing::of(&tar), Some(Packing::Tar));
        assert_eq!(Packing::of(&tar[..261]), None);
    }

    #[test]
    fn only_archives_need_a_member_chosen() {
        assert!(Packing::Tar.is_archive() && Packing::Zip.is_archive());
        assert!(!Packing::Gzip.is_archive() && !Packing::Foreign("7z").is_archive());
        assert!(is_packed_by_nature("ari") && !is_packed_by_nature("raw"));
    }
}
