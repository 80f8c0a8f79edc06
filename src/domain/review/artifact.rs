//! A plan out of an artifact: the one file that counts, out of a ZIP archive of somebody else.
//!
//! Only what artifacts of GitHub have: files stored or deflated, found by the directory at the archive's end
//! (<https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT>). Nothing is written to disk, and no name is a path.

use std::io::Read;

use flate2::Crc;
use flate2::read::DeflateDecoder;

/// The file of a plan in its artifact.
pub const FILE: &str = "plan.json";

/// A plan of ten thousand steps has a tenth of it.
const LARGEST: u64 = 16 << 20;

/// The end of the directory, its length without the archive's comment, and how long that may be.
const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const LONGEST_COMMENT: usize = 65_535;

/// An entry of the directory, and its length without name, extra field and comment.
const ENTRY: &[u8] = b"PK\x01\x02";
const ENTRY_LENGTH: usize = 46;

/// A file, and the length of its header without name and extra field.
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;

/// The text of the plan in an archive.
///
/// # Errors
/// Why there is none, to follow on "the artifact".
pub fn plan(archive: &[u8]) -> Result<String, String> {
    let entry = find(archive, FILE)?;
    let bytes = unpacked(archive, &entry)?;
    String::from_utf8(bytes).map_err(|_| format!("holds a `{FILE}` that is no text"))
}

struct Entry {
    method: u16,
    crc: u32,
    packed: usize,
    size: u64,
    at: usize,
}

fn find(archive: &[u8], name: &str) -> Result<Entry, String> {
    let damaged = || "is no ZIP archive that can be read".to_owned();
    let from = archive.len().saturating_sub(END_LENGTH + LONGEST_COMMENT);
    let tail = archive.get(from..).unwrap_or_default();
    let end = tail.windows(END.len()).rposition(|bytes| bytes == END);
    let end = tail.get(end.ok_or_else(damaged)?..).unwrap_or_default();
    let comment = short(end, 20).map(usize::from).ok_or_else(damaged)?;
    if end.len() != END_LENGTH + comment {
        return Err(damaged());
    }
    let count = short(end, 10).ok_or_else(damaged)?;
    let mut at = long(end, 16).ok_or_else(damaged)?;
    let mut found = None;
    for _ in 0..count {
        let entry = archive.get(at..).ok_or_else(damaged)?;
        if !entry.starts_with(ENTRY) {
            return Err(damaged());
        }
        let field = |at| short(entry, at).map(usize::from).ok_or_else(damaged);
        let wide = |at| long(entry, at).ok_or_else(damaged);
        let length = field(28)?;
        let its_name = entry.get(ENTRY_LENGTH..ENTRY_LENGTH + length);
        if its_name.ok_or_else(damaged)? == name.as_bytes() {
            // With two, which one counts would depend on who reads.
            if found.is_some() {
                return Err(format!("holds `{name}` twice"));
            }
            found = Some(Entry {
                method: short(entry, 10).ok_or_else(damaged)?,
                crc: u32::try_from(wide(16)?).map_err(|_| damaged())?,
                packed: wide(20)?,
                size: wide(24)? as u64,
                at: wide(42)?,
            });
        }
        at = at
            .checked_add(ENTRY_LENGTH + length + field(30)? + field(32)?)
            .ok_or_else(damaged)?;
    }
    found.ok_or_else(|| format!("holds no `{name}`"))
}

fn unpacked(archive: &[u8], entry: &Entry) -> Result<Vec<u8>, String> {
    let damaged = || format!("holds a damaged `{FILE}`");
    if entry.size > LARGEST {
        return Err(format!(
            "holds a `{FILE}` of {} bytes, which is no plan",
            entry.size
        ));
    }
    let local = archive.get(entry.at..).ok_or_else(damaged)?;
    if !local.starts_with(LOCAL) {
        return Err(damaged());
    }
    let length = |at| short(local, at).map(usize::from).ok_or_else(damaged);
    let start = LOCAL_LENGTH + length(26)? + length(28)?;
    let data = start
        .checked_add(entry.packed)
        .and_then(|end| local.get(start..end))
        .ok_or_else(damaged)?;
    let mut bytes = Vec::new();
    match entry.method {
        0 => bytes.extend_from_slice(data.get(..data.len().min(limit())).unwrap_or_default()),
        8 => {
            let mut limited = DeflateDecoder::new(data).take(LARGEST + 1);
            limited.read_to_end(&mut bytes).map_err(|_| damaged())?;
        }
        _ => return Err(damaged()),
    }
    let mut crc = Crc::new();
    crc.update(&bytes);
    if bytes.len() as u64 != entry.size || crc.sum() != entry.crc {
        return Err(damaged());
    }
    Ok(bytes)
}

fn limit() -> usize {
    usize::try_from(LARGEST).unwrap_or(usize::MAX)
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes(field.try_into().ok()?))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    let field = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(field.try_into().ok()?)).ok()
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::CompressionMethod;
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    fn archive(files: &[(&str, &str)], method: CompressionMethod) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(method);
        for (name, text) in files {
            writer.start_file(*name, options).unwrap();
            writer.write_all(text.as_bytes()).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }

    fn good() -> Vec<u8> {
        let files = [("a/plan.json", "other"), ("plan.json", "{\"clouds\": []}")];
        archive(&files, CompressionMethod::Deflated)
    }

    #[test]
    fn the_plan_is_found_among_other_files() {
        assert_eq!(plan(&good()).unwrap(), "{\"clouds\": []}");
        let stored = archive(&[("plan.json", "{}")], CompressionMethod::Stored);
        assert_eq!(plan(&stored).unwrap(), "{}");
    }

    #[test]
    fn an_archive_without_a_plan_says_so() {
        let other = archive(&[("plan.txt", "{}")], CompressionMethod::Stored);
        assert_eq!(plan(&other).unwrap_err(), "holds no `plan.json`");
        assert_eq!(plan(b"").unwrap_err(), "is no ZIP archive that can be read");
        assert_eq!(
            plan(b"PK\x05\x06").unwrap_err(),
            "is no ZIP archive that can be read"
        );
    }

    #[test]
    fn what_was_cut_or_changed_at_any_place_is_no_plan_and_no_crash() {
        let good = good();
        for end in 0..good.len() {
            assert!(plan(&good[..end]).is_err(), "cut at {end}");
        }
        for at in 0..good.len() {
            for flip in [0x01, 0x80, 0xff] {
                let mut changed = good.clone();
                changed[at] ^= flip;
                if let Ok(text) = plan(&changed) {
                    assert_eq!(text, "{\"clouds\": []}", "byte {at}");
                }
            }
        }
    }

    #[test]
    fn what_unpacks_to_more_than_any_plan_is_refused() {
        let bomb = " ".repeat(limit() + 1);
        let archive = archive(&[("plan.json", &bomb)], CompressionMethod::Deflated);
        assert!(archive.len() < 1 << 20);
        assert!(plan(&archive).unwrap_err().contains("which is no plan"));
    }
}
