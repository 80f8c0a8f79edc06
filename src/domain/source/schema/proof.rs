//! What proves a build: the keys `checksum`, `disk` and `signature`.

use std::collections::{BTreeMap, BTreeSet};

use serde_saphyr::Spanned;

use super::index::Common;
use super::raw::{RawChecksum, RawDisk, RawSignature, Words};
use super::{Reader, last_line};
use crate::domain::checksum::Algorithm;
use crate::domain::finding::Place;
use crate::domain::pattern::Pattern;
use crate::domain::signature::Fingerprint;
use crate::domain::source::{Digest, Disk, DiskDigest, Form, Of, Signature};
use crate::domain::template::{self, Variables};
use crate::domain::yaml::place;

impl Reader<'_> {
    pub(super) fn checksum(&mut self, raw: RawChecksum, index: Place) -> Option<Digest> {
        let at = first([&raw.url, &raw.digest, &raw.compute], index);
        let algorithm = self.algorithm_of(raw.algorithm.as_ref());
        match (raw.url, raw.digest, raw.compute) {
            (Some(url), None, None) => {
                let url = self.template(url);
                self.know(["manifest".to_owned()]);
                Some(Digest::Manifest { url, algorithm })
            }
            (None, Some(digest), compute) => Some(Digest::Told {
                digest: self.told(digest)?,
                algorithm,
                otherwise: match compute {
                    Some(compute) => Some(self.algorithm(&compute, "compute")?),
                    None => None,
                },
            }),
            (None, None, Some(compute)) if algorithm.is_none() => {
                self.algorithm(&compute, "compute").map(Digest::Computed)
            }
            (None, None, Some(compute)) => {
                self.refuse(
                    place(&compute),
                    "`compute` names the algorithm itself; expected it without `algorithm`",
                );
                None
            }
            _ => {
                self.refuse(
                    at,
                    "`checksum` says where one digest is from; expected `url`, `digest` or `compute`, one of them, or `compute` beside `digest`",
                );
                None
            }
        }
    }

    pub(super) fn disk(&mut self, raw: RawDisk, index: Place) -> Option<Disk> {
        let at = first([&raw.digest, &raw.compute, &raw.member], index);
        let algorithm = self.algorithm_of(raw.algorithm.as_ref());
        let digest = match (raw.digest, raw.compute) {
            (Some(digest), None) => DiskDigest::Told {
                digest: self.told(digest)?,
                algorithm,
            },
            (None, Some(compute)) if algorithm.is_none() => {
                DiskDigest::Computed(self.algorithm(&compute, "compute")?)
            }
            _ => {
                self.refuse(
                    at,
                    "`disk` says where one digest is from; expected `digest`, or `compute` without `algorithm`",
                );
                return None;
            }
        };
        let member = match raw.member {
            Some(member) => {
                if let Err(error) = Pattern::new(&member.value) {
                    let reason = error.to_string();
                    self.refuse(
                        place(&member),
                        format!("`member` is no regular expression: {}", last_line(&reason)),
                    );
                    return None;
                }
                Some(member.value)
            }
            None => None,
        };
        Some(Disk { digest, member })
    }

    /// The template of a digest that the index tells; a constant is nobody's word.
    fn told(&mut self, raw: Spanned<String>) -> Option<String> {
        let at = place(&raw);
        let digest = self.template(raw);
        if template::variables(&digest).is_empty() {
            self.refuse(
                at,
                format!(
                    "`digest` is `{digest}`; expected a variable that the index tells, such as `{{sha256}}`"
                ),
            );
            return None;
        }
        Some(digest)
    }

    /// What stands beside a digest that does not name its algorithm itself.
    fn algorithm_of(&mut self, raw: Option<&Spanned<String>>) -> Option<Algorithm> {
        self.algorithm(raw?, "algorithm")
    }

    fn algorithm(&mut self, raw: &Spanned<String>, key: &str) -> Option<Algorithm> {
        let algorithm = raw.value.parse().ok().filter(|algorithm| {
            matches!(
                algorithm,
                Algorithm::Sha256 | Algorithm::Sha384 | Algorithm::Sha512
            )
        });
        if algorithm.is_none() {
            self.refuse(
                place(raw),
                format!(
                    "`{key}` is `{}`; expected `sha256`, `sha384` or `sha512`",
                    raw.value
                ),
            );
        }
        algorithm
    }

    pub(super) fn signature(
        &mut self,
        raw: RawSignature,
        checksum: &Digest,
        common: &Common,
    ) -> Option<Signature> {
        let at = place(&raw.form);
        let names_keys = !raw.keys.is_empty() || !raw.keys_by.is_empty();
        let form = raw.form.value.as_str();
        let is_detached = match (form, &raw.url) {
            ("none", None) if !names_keys && raw.key_url.is_none() && raw.of.is_none() => {
                return None;
            }
            ("detached", Some(_)) => true,
            ("clearsigned", None) => false,
            ("detached", None) => {
                self.refuse(
                    at,
                    "a detached signature needs its `url`, such as `{manifest}.gpg`",
                );
                return None;
            }
            ("clearsigned" | "none", _) => {
                self.refuse(
                    at,
                    format!("`{form}` goes without `url`, and `none` without keys and `of`"),
                );
                return None;
            }
            (other, _) => {
                self.refuse(
                    at,
                    format!("`form` is `{other}`; expected `detached`, `clearsigned` or `none`"),
                );
                return None;
            }
        };
        let of = self.of(raw.of.as_ref(), at)?;
        self.refuse_what_proves_nothing(
            &of,
            checksum,
            is_detached,
            raw.of.as_ref().map_or(at, place),
        );
        let form = match raw.url {
            Some(url) => self.signature_url(url, &of),
            None => Form::Clearsigned,
        };
        let keys = self.fingerprints(raw.keys);
        let keys_by = self.keys_by(raw.keys_by, at, common);
        if !names_keys {
            self.refuse(
                at,
                "`keys` is empty; expected full fingerprints of primary keys",
            );
        }
        // A key is fetched before anything else is known.
        let known = self.outside_with(["fingerprint"]);
        let everything = std::mem::replace(&mut self.known, known);
        let key_url = self.needed_https(raw.key_url, "key_url", at);
        self.known = everything;
        Some(Signature {
            form,
            of,
            keys,
            keys_by,
            key_url: key_url?,
        })
    }

    fn of(&mut self, raw: Option<&Spanned<Words>>, at: Place) -> Option<BTreeSet<Of>> {
        let Some(raw) = raw else {
            return Some(BTreeSet::from([Of::Manifest]));
        };
        let mut of = BTreeSet::new();
        for word in &raw.value.0 {
            let one = match word.as_str() {
                "manifest" => Of::Manifest,
                "index" => Of::Index,
                "image" => Of::Image,
                other => {
                    self.refuse(
                        place(raw),
                        format!("`of` is `{other}`; expected `manifest`, `index` or `image`"),
                    );
                    return None;
                }
            };
            of.insert(one);
        }
        if of.is_empty() {
            self.refuse(at, "`of` is empty; expected `manifest`, `index` or `image`");
            return None;
        }
        Some(of)
    }

    /// Signatures that say nothing about the digest would look like proof.
    fn refuse_what_proves_nothing(
        &mut self,
        of: &BTreeSet<Of>,
        checksum: &Digest,
        is_detached: bool,
        at: Place,
    ) {
        let has_manifest = matches!(checksum, Digest::Manifest { .. });
        if of.contains(&Of::Manifest) && !has_manifest {
            self.refuse(
                at,
                "the manifest is said to be signed, but `checksum` names none; expected `of: index` or `of: image`",
            );
            return;
        }
        if of.contains(&Of::Image) && !is_detached {
            self.refuse(at, "an image is no text; expected `form: detached` over it");
        }
        let covers_digest = of.contains(&Of::Image)
            || if has_manifest {
                of.contains(&Of::Manifest)
            } else {
                of.contains(&Of::Index)
                    && matches!(
                        checksum,
                        Digest::Told {
                            otherwise: None,
                            ..
                        }
                    )
            };
        if !covers_digest {
            self.refuse(
                at,
                "what is signed does not hold the digest; expected the `manifest` too, or `checksum: {digest: …}` out of a signed index",
            );
        }
    }

    /// The template of a detached signature, tried on everything that is signed.
    fn signature_url(&mut self, url: Spanned<String>, of: &BTreeSet<Of>) -> Form {
        let everything = self.known.clone();
        for one in of {
            self.known = match one {
                Of::Manifest | Of::Image => everything.clone(),
                // An index is read before there is a build: only what definitions say is known.
                Of::Index => self.outside_with(["index"]),
            };
            self.know(["document".to_owned()]);
            self.template(url.clone());
        }
        self.known = everything;
        Form::Detached { url: url.value }
    }

    /// What definitions tell, and these.
    fn outside_with<const N: usize>(&self, names: [&str; N]) -> Variables {
        let names = names.into_iter().map(str::to_owned);
        self.outside
            .iter()
            .cloned()
            .chain(names)
            .map(|name| (name, "1".to_owned()))
            .collect()
    }

    fn fingerprints(&mut self, raw: Vec<Spanned<String>>) -> Vec<Fingerprint> {
        let mut keys = Vec::new();
        for key in raw {
            match key.value.parse::<Fingerprint>() {
                Ok(fingerprint) => keys.push(fingerprint),
                Err(error) => self.refuse(place(&key), error.to_string()),
            }
        }
        keys
    }

    fn keys_by(
        &mut self,
        raw: BTreeMap<String, BTreeMap<String, Vec<Spanned<String>>>>,
        at: Place,
        common: &Common,
    ) -> BTreeMap<String, BTreeMap<String, Vec<Fingerprint>>> {
        let mut keys_by = BTreeMap::new();
        for (name, values) in raw {
            if !self.outside.contains(&name) {
                self.refuse(
                    at,
                    format!("`keys_by` names `{name}`; expected a parameter or a mapped value"),
                );
            }
            let mut by_value = BTreeMap::new();
            for (value, keys) in values {
                // Definitions and this file say our word for an architecture, templates the upstream's.
                let value = match common.architectures.get(&value) {
                    Some(theirs) if name == "arch" => theirs.clone(),
                    _ => value,
                };
                if keys.is_empty() {
                    self.refuse(at, format!("`keys_by` names no key for `{value}`; expected full fingerprints of primary keys"));
                }
                by_value.insert(value, self.fingerprints(keys));
            }
            keys_by.insert(name, by_value);
        }
        keys_by
    }
}

/// Where a mapping is spoken of: at the first of these keys that it has, else where its index is.
fn first(keys: [&Option<Spanned<String>>; 3], index: Place) -> Place {
    keys.into_iter()
        .flatten()
        .map(place)
        .next()
        .unwrap_or(index)
}
