//! One packed cluster in, its bytes out.

use flate2::{Decompress, FlushDecompress, Status};
use zstd::bulk::Decompressor;
use zstd::zstd_safe::find_frame_compressed_size;

use super::Qcow2Error;
use super::source::Source;
use crate::domain::inspect::qcow2::{Compression, Header};

/// Where a packed cluster is: it ends there or earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins.
    pub offset: u64,
    /// At most two clusters.
    pub length: u64,
}

/// Unpacks clusters.
pub(super) struct Unpacker {
    compression: Compression,
    /// The size of a cluster.
    size: usize,
    packed: Vec<u8>,
    /// Made when first needed.
    deflate: Option<Decompress>,
    zstd: Option<Decompressor<'static>>,
}

impl Unpacker {
    pub const fn new(header: &Header) -> Self {
        Self {
            compression: header.compression(),
            size: 1 << header.cluster_bits(),
            packed: Vec::new(),
            deflate: None,
            zstd: None,
        }
    }

    /// The cluster that is packed there, for byte `at` of the disk. Fails with [`Qcow2Error`].
    pub fn cluster(
        &mut self,
        source: &Source,
        stretch: Stretch,
        at: u64,
    ) -> Result<Vec<u8>, Qcow2Error> {
        self.packed.clear();
        let length = usize::try_from(stretch.length).unwrap_or_default();
        self.packed.resize(length.min(self.size * 2), 0);
        source.fill(stretch.offset, &mut self.packed)?;
        // One byte longer, to see when more comes.
        let mut cluster = vec![0; self.size + 1];
        let unpacked = match self.compression {
            Compression::Deflate => self.inflate(&mut cluster),
            Compression::Zstd => self.unpack_frames(&mut cluster),
        };
        let is_one = unpacked.and_then(|length| match length.cmp(&self.size) {
            std::cmp::Ordering::Less => Err(format!("it has {length}")),
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err("it has more".to_owned()),
        });
        is_one.map_err(|reason| Qcow2Error::Packed {
            at,
            cluster: self.size,
            reason,
        })?;
        cluster.truncate(self.size);
        Ok(cluster)
    }

    /// How many bytes came out, one more than a cluster at most. Fails with a reason.
    fn inflate(&mut self, cluster: &mut [u8]) -> Result<usize, String> {
        let deflate = self.deflate.get_or_insert_with(|| Decompress::new(false));
        deflate.reset(false);
        let status = deflate.decompress(&self.packed, cluster, FlushDecompress::Finish);
        let length = usize::try_from(deflate.total_out()).unwrap_or(usize::MAX);
        match status {
            Ok(Status::StreamEnd) => Ok(length),
            Ok(_) if length > self.size => Ok(length),
            Ok(_) => Err(format!("its end is missing after {length}")),
            Err(error) => Err(error.to_string()),
        }
    }

    /// As [`inflate`](Self::inflate). There may be several frames.
    fn unpack_frames(&mut self, cluster: &mut [u8]) -> Result<usize, String> {
        let zstd = match &mut self.zstd {
            Some(zstd) => zstd,
            none => none.insert(Decompressor::new().map_err(|error| error.to_string())?),
        };
        let mut packed = &self.packed[..];
        let mut length = 0;
        while length < self.size {
            // Behind the frame are bytes of others, which the decoder must not see.
            let size = find_frame_compressed_size(packed)
                .map_err(|_| format!("no whole frame of zstd follows after {length}"))?;
            let (frame, rest) = packed.split_at_checked(size).unwrap_or((packed, &[]));
            let unpacked = zstd.decompress_to_buffer(frame, &mut cluster[length..]);
            length += unpacked.map_err(|error| error.to_string())?;
            packed = rest;
        }
        Ok(length)
    }
}
