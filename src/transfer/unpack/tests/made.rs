//! Packed files, by the libraries that others use.

use std::io::{Cursor, Seek, Write};

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipWriter};
use liblzma::stream::MtStreamBuilder;

/// What a writer has after these bytes.
pub(super) fn written<W: Write, E>(mut writer: W, bytes: &[u8], finish: impl FnOnce(W) -> E) -> E {
    writer.write_all(bytes).unwrap();
    finish(writer)
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    written(encoder, bytes, |encoder| encoder.finish().unwrap())
}

pub(super) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let encoder = ::bzip2::write::BzEncoder::new(Vec::new(), ::bzip2::Compression::best());
    written(encoder, bytes, |encoder| encoder.finish().unwrap())
}

pub(super) fn xz(bytes: &[u8]) -> Vec<u8> {
    let encoder = liblzma::write::XzEncoder::new(Vec::new(), 6);
    written(encoder, bytes, |encoder| encoder.finish().unwrap())
}

pub(super) fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ::zstd::Encoder::new(Vec::new(), 3).unwrap();
    // As the program does it, so that damage is seen.
    encoder.include_checksum(true).unwrap();
    written(encoder, bytes, |encoder| encoder.finish().unwrap())
}

pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = ::tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}

fn zip_by<W: Write + Seek>(
    mut writer: ZipWriter<W>,
    files: &[(&str, &[u8])],
    options: SimpleFileOptions,
) -> W {
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap()
}

pub(super) fn zip_of(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    zip_by(ZipWriter::new(Cursor::new(Vec::new())), files, options).into_inner()
}

/// The same as programs write it that cannot go back: sums and sizes follow the data.
pub(super) fn streamed_zip(files: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let options = SimpleFileOptions::default().compression_method(method);
    zip_by(ZipWriter::new_stream(Vec::new()), files, options).into_inner()
}

/// The same with sizes of eight bytes, as for files above 4 GiB.
pub(super) fn large_zip(files: &[(&str, &[u8])], is_streamed: bool) -> Vec<u8> {
    let options = SimpleFileOptions::default().large_file(true);
    if is_streamed {
        zip_by(ZipWriter::new_stream(Vec::new()), files, options).into_inner()
    } else {
        zip_by(ZipWriter::new(Cursor::new(Vec::new())), files, options).into_inner()
    }
}

pub(super) type Compress = fn(&[u8]) -> Vec<u8>;

pub(super) const COMPRESSIONS: [(&str, Compress); 4] =
    [("gzip", gzip), ("bzip2", bzip2), ("xz", xz), ("zstd", zstd)];

/// Every way to pack this disk that is unpacked.
pub(super) fn all_packings(disk: &[u8]) -> Vec<(String, Vec<u8>)> {
    let files: [(&str, &[u8]); 3] = [("README", b"read me"), ("./disk.raw", disk), ("z", b"")];
    let long = format!("{}/{}", "folder".repeat(20), "name".repeat(40));
    let tarred = tar(&[(&long, b"first"), files[0], files[1], files[2]]);
    let mut all = vec![
        ("tar".to_owned(), tarred.clone()),
        (
            "zip".to_owned(),
            zip_of(&files, CompressionMethod::Deflated),
        ),
        (
            "zip, stored".to_owned(),
            zip_of(&files, CompressionMethod::Stored),
        ),
        (
            "zip, streamed".to_owned(),
            streamed_zip(&files, CompressionMethod::Deflated),
        ),
        ("zip, large".to_owned(), large_zip(&files, false)),
        (
            "zip, large and streamed".to_owned(),
            large_zip(&files, true),
        ),
    ];
    for (name, compress) in COMPRESSIONS {
        all.push((name.to_owned(), compress(disk)));
        all.push((format!("tar.{name}"), compress(&tarred)));
        // Concatenated members are one file to every program.
        let (first, second) = disk.split_at(disk.len() / 3);
        let members = [compress(first), compress(second)].concat();
        all.push((format!("{name}, two members"), members));
    }
    all
}

/// As `xz -T0` packs, in blocks that tell their sizes.
pub(super) fn xz_in_blocks(bytes: &[u8]) -> Vec<u8> {
    let stream = MtStreamBuilder::new()
        .preset(1)
        .block_size(3000)
        .check(liblzma::stream::Check::Crc32)
        .threads(2)
        .encoder()
        .unwrap();
    let encoder = liblzma::write::XzEncoder::new_stream(Vec::new(), stream);
    written(encoder, bytes, |encoder| encoder.finish().unwrap())
}

/// A tar archive with one entry of this kind.
pub(super) fn tar_with(
    name: &str,
    kind: ::tar::EntryType,
    change: impl FnOnce(&mut ::tar::Header),
) -> Vec<u8> {
    let mut builder = ::tar::Builder::new(Vec::new());
    let mut header = ::tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_size(0);
    change(&mut header);
    builder.append_data(&mut header, name, &b""[..]).unwrap();
    builder.into_inner().unwrap()
}
