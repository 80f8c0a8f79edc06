//! Checksum manifests: text → the digest of exactly one file.
//!
//! One reader for every form that upstreams use, so no source has to name its form:
//!
//! - GNU, text, binary or with a single blank: `HEX  name`, `HEX *name`, `HEX name`
//! - BSD: `SHA256 (name) = HEX`, whatever stands between those lines
//! - either of them with a backslash in front, when the name is written with escapes
//! - under headings, where the length alone does not tell the algorithm: `# SHA512 HASH`
//! - the bare digest of the one file that the manifest lies beside
//!
//! Names are compared whole: `disk.img` is inside `disk.img.xz`.
//! Whether the manifest itself is genuine is decided in `signature.rs`, before.

use std::collections::{BTreeMap, BTreeSet};

use super::checksum::{Algorithm, Checksum, shortened};
use super::signature::{SignatureError, signed_part};

/// Why a manifest gives no digest for a file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Nothing in it.
    #[error("the manifest is empty, expected lines like `HEX  NAME`")]
    Empty,
    /// A web page, as some servers answer instead of an error.
    #[error("the manifest is an HTML page, expected lines like `HEX  NAME`")]
    Html,
    /// Clearsigned, but not whole.
    #[error("the manifest is clearsigned, but its signed part cannot be told")]
    Clearsigned {
        /// What is wrong with it.
        source: SignatureError,
    },
    /// Text without a single checksum.
    #[error("the manifest holds no checksum that we can read, expected lines like `HEX  NAME`")]
    NoChecksums,
    /// Other files only.
    #[error(
        "`{name}` is not among the {count} files of the manifest, expected a line with exactly this name"
    )]
    NotListed {
        /// The file looked for.
        name: String,
        /// How many files are listed.
        count: usize,
    },
    /// Listed, but not with the algorithm asked for.
    #[error("the manifest has no {wanted} digest of `{name}`, only {found}")]
    NotWith {
        /// The file looked for.
        name: String,
        /// The algorithm asked for.
        wanted: Algorithm,
        /// The algorithms found, with commas.
        found: String,
    },
    /// Its line is cut or garbled.
    #[error(
        "the line of `{name}` holds no whole digest, expected as many hex digits as its algorithm has"
    )]
    Damaged {
        /// The file looked for.
        name: String,
    },
    /// Two truths.
    #[error(
        "the manifest gives two {algorithm} digests for `{name}`: `{first}` and `{second}`, expected one"
    )]
    Contradiction {
        /// The file looked for.
        name: String,
        /// The algorithm of both.
        algorithm: Algorithm,
        /// The first digest.
        first: String,
        /// Another one.
        second: String,
    },
    /// A bare digest could be anybody's if there are several.
    #[error("the manifest gives {count} digests without a name, expected one")]
    Nameless {
        /// How many.
        count: usize,
    },
}

/// The digest of the file with exactly this name, with `wanted` or else the strongest algorithm.
///
/// A weak digest is given if there is no other; the caller asks [`Checksum::is_weak`].
/// Fails with [`ManifestError`].
pub fn digest_of(
    text: &str,
    file_name: &str,
    wanted: Option<Algorithm>,
) -> Result<Checksum, ManifestError> {
    let manifest = Manifest::read(text)?;
    let file_name = plain_name(file_name);
    let of_file = manifest.digests_of(file_name)?;
    let chosen = match wanted {
        None => of_file.last_key_value(),
        Some(algorithm) => of_file.get_key_value(&algorithm),
    };
    if let Some((_, checksum)) = chosen {
        return Ok((*checksum).clone());
    }
    match wanted {
        Some(wanted) if !of_file.is_empty() => {
            let found: Vec<&str> = of_file.keys().map(|algorithm| algorithm.name()).collect();
            Err(ManifestError::NotWith {
                name: file_name.to_owned(),
                wanted,
                found: found.join(", "),
            })
        }
        _ if manifest.damaged.iter().any(|name| name == file_name) => Err(ManifestError::Damaged {
            name: file_name.to_owned(),
        }),
        _ => Err(ManifestError::NotListed {
            name: file_name.to_owned(),
            count: manifest.names().len(),
        }),
    }
}

/// Every file that a manifest names, once, in its order; last those whose line holds no whole digest.
///
/// For upstreams whose manifest is also the list of what there is: a damaged line must not hide the newest build.
/// Fails with [`ManifestError`] if nothing can be read.
pub fn names(text: &str) -> Result<Vec<String>, ManifestError> {
    let manifest = Manifest::read(text)?;
    let mut seen = BTreeSet::new();
    let listed = manifest.named().map(|(name, _)| name);
    let names = listed.chain(manifest.damaged.iter().map(String::as_str));
    let once = names.filter(|name| seen.insert(*name));
    Ok(once.map(str::to_owned).collect())
}

/// What a manifest says, line by line.
#[derive(Debug, Default)]
struct Manifest {
    digests: Vec<(Option<String>, Checksum)>,
    /// Files whose line has no whole digest.
    damaged: Vec<String>,
}

/// The heading that the lines below stand under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heading {
    /// None so far: the length tells the algorithm.
    None,
    Known(Algorithm),
    /// An algorithm that we do not know, though its digests may be as long as a known one's.
    Unknown,
}

/// What one line says.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Heading(Heading),
    Digest(Option<&'a str>, Checksum),
    Damaged(&'a str),
    /// Comments, sizes, algorithms that we do not know.
    Other,
}

impl Manifest {
    fn read(text: &str) -> Result<Self, ManifestError> {
        let text = text.trim_start_matches('\u{feff}');
        if text.trim().is_empty() {
            return Err(ManifestError::Empty);
        }
        let start: String = text.trim_start().chars().take(16).collect();
        let start = start.to_ascii_lowercase();
        if start.starts_with("<!doctype") || start.starts_with("<html") {
            return Err(ManifestError::Html);
        }
        // Where no signature is asked for, what stands outside the signed part is still not meant.
        let signed =
            signed_part(text.as_bytes()).map_err(|source| ManifestError::Clearsigned { source })?;
        let manifest = Self::read_lines(signed.as_deref().unwrap_or(text));
        if manifest.digests.is_empty() && manifest.damaged.is_empty() {
            return Err(ManifestError::NoChecksums);
        }
        Ok(manifest)
    }

    fn read_lines(text: &str) -> Self {
        let mut manifest = Self::default();
        let mut heading = Heading::None;
        for line in text.lines() {
            let line = line.trim();
            let escaped = line.strip_prefix('\\');
            let name_of = |name: &str| match escaped {
                Some(_) => plain_name(&unescaped(name)).to_owned(),
                None => plain_name(name).to_owned(),
            };
            match read_line(escaped.unwrap_or(line), heading) {
                Line::Heading(found) => heading = found,
                Line::Digest(name, checksum) => {
                    manifest.digests.push((name.map(name_of), checksum));
                }
                Line::Damaged(name) => manifest.damaged.push(name_of(name)),
                Line::Other => {}
            }
        }
        manifest
    }

    fn named(&self) -> impl Iterator<Item = (&str, &Checksum)> {
        self.digests
            .iter()
            .filter_map(|(name, checksum)| Some((name.as_deref()?, checksum)))
    }

    /// Every name once, in order.
    fn names(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.named()
            .map(|(name, _)| name)
            .filter(|name| seen.insert(*name))
            .collect()
    }

    /// What is said about a file, at most one digest per algorithm.
    fn digests_of(&self, name: &str) -> Result<BTreeMap<Algorithm, &Checksum>, ManifestError> {
        let has_names = self.named().next().is_some() || !self.damaged.is_empty();
        let of_file = self.digests.iter().filter(|(found, _)| match found {
            Some(found) => found == name,
            None => !has_names,
        });
        let mut by_algorithm = BTreeMap::new();
        for (_, checksum) in of_file {
            let known = *by_algorithm.entry(checksum.algorithm()).or_insert(checksum);
            if known == checksum {
                continue;
            }
            if !has_names {
                return Err(ManifestError::Nameless {
                    count: self.digests.len(),
                });
            }
            return Err(ManifestError::Contradiction {
                name: name.to_owned(),
                algorithm: checksum.algorithm(),
                first: shortened(known.hex()),
                second: shortened(checksum.hex()),
            });
        }
        Ok(by_algorithm)
    }
}

/// Reads one line, under the heading that came last.
fn read_line(line: &str, heading: Heading) -> Line<'_> {
    if let Some(comment) = line.strip_prefix('#') {
        return match comment.trim().strip_suffix("HASH") {
            Some(algorithm) => Line::Heading(
                algorithm
                    .trim()
                    .parse()
                    .map_or(Heading::Unknown, Heading::Known),
            ),
            None => Line::Other,
        };
    }
    read_bsd(line).unwrap_or_else(|| read_gnu(line, heading))
}

/// `SHA256 (name) = HEX`, also without the blanks, as openssl writes it.
fn read_bsd(line: &str) -> Option<Line<'_>> {
    let (algorithm, rest) = line.split_once('(')?;
    let algorithm = algorithm.trim();
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'/');
    if algorithm.is_empty() || !algorithm.bytes().all(is_word) {
        return None;
    }
    let (name, digest) = rest.rsplit_once('=')?;
    let name = name.trim_end().strip_suffix(')')?;
    // openssl 3 writes `SHA2-256`.
    let Ok(algorithm) = algorithm.replace("SHA2-", "SHA").parse() else {
        return Some(Line::Other);
    };
    Some(match Checksum::new(algorithm, digest.trim()) {
        Ok(checksum) => Line::Digest(Some(name), checksum),
        Err(_) => Line::Damaged(name),
    })
}

/// `HEX  name`, `HEX *name`, `HEX name`, or the digest alone.
fn read_gnu(line: &str, heading: Heading) -> Line<'_> {
    let (digest, name) = match line.split_once([' ', '\t']) {
        Some((digest, rest)) => {
            let rest = rest.trim_start();
            let name = rest.strip_prefix('*').unwrap_or(rest);
            (digest, Some(name))
        }
        None => (line, None),
    };
    // Shorter runs of hex digits are words and time stamps.
    let is_digest = digest.len() >= 16 && digest.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !is_digest {
        return Line::Other;
    }
    let checksum = match heading {
        Heading::None => Checksum::from_hex(digest),
        Heading::Known(algorithm) => Checksum::new(algorithm, digest),
        Heading::Unknown => return Line::Other,
    };
    match (checksum, name) {
        (Ok(checksum), name) => Line::Digest(name, checksum),
        (Err(_), Some(name)) => Line::Damaged(name),
        (Err(_), None) => Line::Other,
    }
}

/// A name as `sha256sum` writes it when it holds a backslash or a line break; other escapes stay as they are.
fn unescaped(name: &str) -> String {
    let mut plain = String::with_capacity(name.len());
    let mut letters = name.chars();
    while let Some(letter) = letters.next() {
        let next = (letter == '\\').then(|| letters.clone().next()).flatten();
        let Some(meant) = next.and_then(|next| match next {
            '\\' => Some('\\'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            _ => None,
        }) else {
            plain.push(letter);
            continue;
        };
        plain.push(meant);
        letters.next();
    }
    plain
}

/// A name as it is compared: some manifests are made by `sha256sum ./*`.
fn plain_name(name: &str) -> &str {
    name.strip_prefix("./").unwrap_or(name)
}

#[cfg(test)]
mod tests;
