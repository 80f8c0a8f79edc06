//! Where a source lists its builds: what is common to all engines.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::Reader;
use super::raw::{
    RawChecksum, RawDisk, RawIndex, RawPackages, RawParameter, RawPointer, RawSignature,
};
use crate::domain::finding::Place;
use crate::domain::source::{Digest, Engine, Index, Names, Pointer, PointerFrom};
use crate::domain::yaml::place;

/// What an index says only if it is different there.
pub(super) struct Common<'a> {
    pub(super) checksum: Option<&'a RawChecksum>,
    pub(super) disk: Option<&'a RawDisk>,
    pub(super) signature: Option<&'a RawSignature>,
    pub(super) packages: Option<&'a RawPackages>,
    pub(super) release_notes: Option<&'a Spanned<String>>,
    pub(super) parameters: &'a BTreeMap<String, Option<RawParameter>>,
    pub(super) architectures: &'a BTreeMap<String, String>,
}

impl Reader<'_> {
    pub(super) fn index(&mut self, raw: Spanned<RawIndex>, common: &Common) -> Option<Index> {
        let outside = self.known.clone();
        let index = self.index_inside(raw, common);
        self.known = outside;
        index
    }

    fn index_inside(&mut self, raw: Spanned<RawIndex>, common: &Common) -> Option<Index> {
        let at = place(&raw);
        let mut raw = raw.value;
        for (name, value) in &raw.when {
            if common.parameters.contains_key(name) {
                self.refuse_impossible("when", name, value);
            } else {
                self.refuse(
                    place(value),
                    format!("`when` names `{name}`; expected one of the parameters"),
                );
            }
        }
        let pointer = match raw.pointer.take() {
            Some(pointer) => Some(self.pointer(pointer)?),
            None => None,
        };
        let (engine, image) = self.engine(&mut raw, pointer.is_some(), at)?;
        let image = match (raw.image, image) {
            (Some(image), _) => self.template(image),
            (None, Some(image)) => image.to_owned(),
            (None, None) => {
                self.refuse(
                    raw.engine.as_ref().map_or(at, place),
                    "`image` is missing; expected the template of the image's URL",
                );
                return None;
            }
        };
        let also_at = raw
            .also_at
            .into_iter()
            .map(|image| self.template(image))
            .collect();
        let images = [vec![image], also_at].concat();
        let version = match raw.version {
            Some(version) => self.template(version),
            None => "{version}".to_owned(),
        };
        self.know(["url", "folder", "file"].map(str::to_owned));
        let sides = self.sides(
            raw.packages.as_ref().or(common.packages),
            raw.release_notes.as_ref().or(common.release_notes),
        );
        let checksum = if let Some(checksum) = raw.checksum.as_ref().or(common.checksum) {
            self.checksum(checksum.clone(), at)
        } else {
            self.refuse(
                at,
                "`checksum` is missing; expected the `url` of the checksum manifest, here or for the whole source",
            );
            None
        };
        let disk = match raw.disk.as_ref().or(common.disk) {
            Some(disk) => Some(self.disk(disk.clone(), at)?),
            None => None,
        };
        let checksum = checksum?;
        let signature = match raw.signature.as_ref().or(common.signature) {
            Some(signature) => self.signature(signature.clone(), &checksum, common),
            None => None,
        };
        if let (
            Engine::Listing {
                names: Names::Manifest,
                ..
            },
            Digest::Told { .. } | Digest::Computed(_),
        ) = (&engine, &checksum)
        {
            self.refuse(
                at,
                "`listing: manifest` takes names from a checksum manifest; expected its `url` in `checksum`",
            );
        }
        Some(Index {
            when: raw
                .when
                .into_iter()
                .map(|(name, value)| (name, value.value))
                .collect(),
            pointer,
            engine,
            images,
            version,
            order: raw.order.unwrap_or_default(),
            checksum,
            disk,
            signature,
            sides,
        })
    }

    fn pointer(&mut self, raw: Spanned<RawPointer>) -> Option<Pointer> {
        let at = place(&raw);
        let raw = raw.value;
        let from = match raw.from.as_ref().map(|from| from.value.as_str()) {
            None | Some("body") => PointerFrom::Body,
            Some("location") => PointerFrom::Location,
            Some("modified") => PointerFrom::Modified,
            Some(other) => {
                let message =
                    format!("`from` is `{other}`; expected `body`, `location` or `modified`");
                self.refuse(raw.from.as_ref().map_or(at, place), message);
                return None;
            }
        };
        let url = self.https(raw.url, "url");
        let before = self.known.len();
        let pattern = match raw.pattern {
            Some(pattern) => {
                let at = place(&pattern);
                let pattern = self.pattern(Some(pattern), "match", at, false)?;
                if self.known.len() == before {
                    self.refuse(
                        at,
                        "`match` has no named group; expected one such as `(?<version>…)` in it",
                    );
                }
                Some(pattern)
            }
            None if from == PointerFrom::Modified => None,
            None => {
                self.refuse(
                    at,
                    "`match` is missing here; expected a pattern with named groups",
                );
                return None;
            }
        };
        if from == PointerFrom::Modified {
            self.know(["date".to_owned()]);
            // What the pattern does not name, the date does.
            if !self.known.contains_key("version") && pattern.is_none() {
                self.know(["version".to_owned()]);
            }
        }
        Some(Pointer { url, from, pattern })
    }

    /// A template of an https URL.
    pub(super) fn https(&mut self, raw: Spanned<String>, key: &str) -> String {
        let at = place(&raw);
        let url = self.template(raw);
        if !url.starts_with("https://") {
            self.refuse(at, format!("`{key}` is `{url}`; expected an https URL"));
        }
        url
    }

    pub(super) fn needed_https(
        &mut self,
        raw: Option<Spanned<String>>,
        key: &str,
        at: Place,
    ) -> Option<String> {
        let Some(raw) = raw else {
            self.refuse(at, format!("`{key}` is missing here"));
            return None;
        };
        Some(self.https(raw, key))
    }
}
