//! What a case's upstream publishes, made of its documents: bodies, keys, signatures, packed images.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use base64::Engine as _;
use regex::{Captures, Regex};
use sha2::{Digest, Sha256, Sha512};

use super::case::{Case, KeyFile, Made, Newest, Packing, read};
use super::stage::Keys;
use crate::update::server::Reply;

/// What the URLs of one case answer.
pub type Answers = BTreeMap<String, Reply>;

/// The upstream of one case.
pub struct Upstream<'a> {
    case: &'a Case,
    keys: &'a Keys,
    captures: Option<&'a Path>,
    /// What was signed is no longer what is published.
    tamper: bool,
}

impl<'a> Upstream<'a> {
    pub fn new(case: &'a Case, keys: &'a Keys, captures: Option<&'a Path>, tamper: bool) -> Self {
        Self {
            case,
            keys,
            captures,
            tamper,
        }
    }

    /// Everything that is published. With `tamper` one digit of the digest that the case expects is another one in what was
    /// signed; where the image itself is signed, the signature is over other bytes.
    pub fn answers(&self) -> Answers {
        let mut answers = Answers::new();
        for (url, file) in self.key_urls().zip(self.case.keys.values()) {
            let body = match file {
                KeyFile::Real(file) => read(&self.case.source, file, self.captures),
                KeyFile::Ours(pinned) => {
                    let ours = pinned
                        .iter()
                        .map(|key| self.keys.instead_of(key).public.clone());
                    ours.collect::<Vec<_>>().concat()
                }
            };
            answers.insert(url, Reply::Body(body));
        }
        let tampered = self.tamper && !self.signs_bytes();
        let mut altered = false;
        for (url, document) in &self.case.documents {
            let made = document.made();
            let mut body = self.body(&made);
            let newest = self.case.newest.as_ref().filter(|_| tampered);
            if let Some(newest) = newest.filter(|_| made.bytes.is_none()) {
                altered |= alter(&mut body, &self.filled(&newest.checksum));
            }
            answers.insert(url.clone(), reply(made, body));
        }
        let name = &self.case.name;
        assert_eq!(tampered, altered, "{name}: no document holds its digest");
        answers
    }

    /// Where the keys of the case are published.
    pub fn key_urls(&self) -> impl Iterator<Item = String> {
        self.case.keys.iter().map(|(url, file)| match file {
            KeyFile::Real(_) => url.clone(),
            KeyFile::Ours(pinned) => {
                let ours = &self.keys.instead_of(&pinned[0]).fingerprint;
                url.replace("{fingerprint}", ours)
            }
        })
    }

    /// The digests that are expected of an image and of the disk in it.
    pub fn digests(&self, newest: &Newest) -> (String, Option<String>) {
        let disk = newest.disk_checksum.as_ref();
        (
            self.filled(&newest.checksum),
            disk.map(|disk| self.filled(disk)),
        )
    }

    /// Whether an image is signed, and not what speaks of it.
    fn signs_bytes(&self) -> bool {
        let made = self
            .case
            .documents
            .values()
            .map(super::case::Document::made);
        let mut signed = made.filter_map(|made| made.signature_of);
        signed.any(|url| self.document(&url).bytes.is_some())
    }

    fn document(&self, url: &str) -> Made {
        let document = self.case.documents.get(url);
        document
            .unwrap_or_else(|| panic!("{}: no document `{url}`", self.case.name))
            .made()
    }

    fn body(&self, made: &Made) -> Vec<u8> {
        let signer = || {
            let by = made.by.as_deref().expect("`by` says who signs");
            self.keys.instead_of(by)
        };
        if let Some(url) = &made.signature_of {
            let document = self.document(url);
            let mut text = self.body(&document);
            if self.tamper && document.bytes.is_some() {
                text.push(0);
            }
            return if made.binary {
                signer().gpg(&["--detach-sign"], &text)
            } else {
                signer().detached(&text)
            };
        }
        let body = if let Some(file) = &made.file {
            let body = read(&self.case.source, file, self.captures);
            match String::from_utf8(body) {
                Ok(text) => self.filled(&text).into_bytes(),
                Err(binary) => binary.into_bytes(),
            }
        } else if let Some(length) = made.bytes {
            packed(disk(length), made.packed)
        } else {
            self.filled(made.text.as_deref().unwrap_or_default())
                .into_bytes()
        };
        if made.clearsigned {
            return signer().clearsigned(&body);
        }
        body
    }

    /// Puts in the digest of another URL's body for `{sha256 URL}`, of the disk in it for `{disk sha256 URL}`.
    fn filled(&self, text: &str) -> String {
        let form =
            Regex::new(r"\{(?<disk>disk )?(?<algorithm>sha256|sha512) (?<url>https://[^}\s]+)\}")
                .unwrap();
        let digest = |found: &Captures| {
            let made = self.document(&found["url"]);
            let bytes = match found.name("disk") {
                Some(_) => disk(made.bytes.expect("an image has `bytes`")),
                None => self.body(&made),
            };
            match &found["algorithm"] {
                "sha256" => hex(&Sha256::digest(&bytes)),
                _ => hex(&Sha512::digest(&bytes)),
            }
        };
        form.replace_all(text, digest).into_owned()
    }
}

/// Bytes of no meaning that are the same each time.
fn disk(length: usize) -> Vec<u8> {
    let bytes = (0..=250).map(|byte: u8| byte ^ 31);
    bytes.cycle().take(length).collect()
}

fn packed(disk: Vec<u8>, packing: Option<Packing>) -> Vec<u8> {
    let archive = |disk: &[u8]| {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(disk.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, "disk.raw", disk).unwrap();
        archive.into_inner().unwrap()
    };
    let read = |mut reader: Box<dyn std::io::Read>| {
        let mut packed = Vec::new();
        reader.read_to_end(&mut packed).unwrap();
        packed
    };
    let xz = |bytes: Vec<u8>| {
        read(Box::new(liblzma::read::XzEncoder::new(
            std::io::Cursor::new(bytes),
            1,
        )))
    };
    match packing {
        None => disk,
        Some(Packing::Xz) => xz(disk),
        Some(Packing::TarXz) => xz(archive(&disk)),
        Some(Packing::Bz2) => {
            let level = bzip2::Compression::fast();
            read(Box::new(bzip2::read::BzEncoder::new(
                std::io::Cursor::new(disk),
                level,
            )))
        }
        Some(Packing::Gz) => {
            let level = flate2::Compression::fast();
            read(Box::new(flate2::read::GzEncoder::new(
                std::io::Cursor::new(disk),
                level,
            )))
        }
        Some(Packing::Zst) => zstd::encode_all(disk.as_slice(), 1).unwrap(),
    }
}

fn reply(made: Made, body: Vec<u8>) -> Reply {
    let mut headers: Vec<_> = made.headers.into_iter().collect();
    headers.extend(made.location.map(|url| ("Location".to_owned(), url)));
    match made.status {
        None if headers.is_empty() => Reply::Body(body),
        status => Reply::Answer(status.unwrap_or(200), headers, body),
    }
}

/// Changes a digit of a digest wherever the text has it, in hex or base64.
fn alter(body: &mut Vec<u8>, checksum: &str) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let (_, digest) = checksum.split_once(':').unwrap();
    let bytes: Vec<u8> = (0..digest.len() / 2)
        .map(|at| u8::from_str_radix(&digest[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let mut changed = bytes.clone();
    *changed.first_mut().unwrap() ^= 1;
    let base64 = |bytes: &[u8]| base64::prelude::BASE64_STANDARD_NO_PAD.encode(bytes);
    let altered = text
        .replace(digest, &hex(&changed))
        .replace(&digest.to_uppercase(), &hex(&changed))
        .replace(&base64(&bytes), &base64(&changed));
    let differs = altered != text;
    *body = altered.into_bytes();
    differs
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
