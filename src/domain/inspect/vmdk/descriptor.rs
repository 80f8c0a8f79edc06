//! The descriptor of a VMDK: each line is known, and none leads anywhere.

use super::super::Refusal;
use crate::domain::checksum::shortened;

const RULE: &str = "vmdk-descriptor";

/// The forms that are one file with all of the disk; Glance and Nova take no others.
const TYPES: [&str; 2] = ["monolithicsparse", "streamoptimized"];

/// Fails with [`Refusal`] unless the text describes the file that it is in, and nothing else.
pub(super) fn check(bytes: &[u8]) -> Result<(), Refusal> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
    if !text.is_ascii() || text.trim_ascii().is_empty() {
        return Err(unknown("its descriptor is no text".to_owned()));
    }
    // Who reads it looks at neither case nor place, so that a second word, though in a comment, is another reading.
    let text = String::from_utf8_lossy(text).to_ascii_lowercase();
    for word in ["createtype", "parentcid"] {
        let count = text.matches(word).count();
        if count > 1 {
            return Err(unknown(format!(
                "its descriptor has {count} times `{word}`"
            )));
        }
    }
    if text.contains("parentfilenamehint") {
        return Err(parent());
    }
    let mut kind = None;
    let mut extents = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.is_empty() || line.starts_with('#') || line.starts_with("ddb") {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_default();
        let key = key.trim_end();
        if !key.is_empty() && !key.contains(char::is_whitespace) {
            let value = value.trim().trim_matches('"');
            match key {
                "createtype" => kind = Some(value.to_owned()),
                "parentcid" if !is_none(value) => return Err(parent()),
                _ => {}
            }
        } else if ["rw", "rdonly", "noaccess"].contains(&first_word(line)) {
            extents.push(line);
        } else {
            return Err(unknown(format!(
                "its descriptor has the line `{}`",
                shortened(line)
            )));
        }
    }
    let kind = kind.unwrap_or_default();
    if !TYPES.contains(&kind.as_str()) {
        return Err(Refusal::convert(
            "vmdk-type",
            format!("it is a VMDK of the type `{}`", shortened(&kind)),
            "`monolithicSparse` or `streamOptimized`",
        ));
    }
    match extents[..] {
        [extent] => is_here(extent),
        _ => Err(Refusal::convert(
            "vmdk-extent",
            format!("it is a VMDK of {} extents", extents.len()),
            "exactly one, in the file itself",
        )),
    }
}

/// `ACCESS SECTORS SPARSE "NAME"`, where the name is one of a file beside it, which is the file itself.
fn is_here(extent: &str) -> Result<(), Refusal> {
    let refused = || {
        Refusal::convert(
            "vmdk-extent",
            format!("its extent is `{}`", shortened(extent)),
            "a sparse one that names no other place, as in `RW 2048 SPARSE \"disk.vmdk\"`",
        )
    };
    let mut words = extent.splitn(4, ' ');
    let (Some(access), Some(sectors), Some("sparse"), Some(name)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(refused());
    };
    let name = name
        .trim()
        .strip_prefix('"')
        .and_then(|name| name.strip_suffix('"'));
    let is_plain =
        name.is_some_and(|name| !name.is_empty() && !name.contains(['/', '\\', '"', ':']));
    if access == "noaccess" || sectors.parse::<u64>().is_err() || !is_plain {
        return Err(refused());
    }
    Ok(())
}

fn first_word(line: &str) -> &str {
    line.split(' ').next().unwrap_or_default()
}

/// The number of no parent.
fn is_none(value: &str) -> bool {
    value == "ffffffff" || value == "0"
}

fn parent() -> Refusal {
    Refusal::convert(
        "vmdk-parent",
        "it is a VMDK of which the rest is in another file",
        "one without a parent",
    )
}

fn unknown(found: String) -> Refusal {
    Refusal::convert(
        RULE,
        found,
        "comments, `key=value`, `ddb` and one extent, each of which is known",
    )
}
