//! Where a source lists its builds and what proves them: the keys of each engine.

use std::collections::BTreeMap;

use super::Reader;
use super::raw::{RawIndex, RawManifest, RawParameter, RawSignature};
use crate::domain::checksum::Algorithm;
use crate::domain::finding::Place;
use crate::domain::signature::Fingerprint;
use crate::domain::source::{Engine, Form, Index, Manifest, Names, Signature};
use crate::domain::yaml::place;

impl Reader<'_> {
    pub(super) fn index(
        &mut self,
        mut raw: RawIndex,
        checksum: Option<&RawManifest>,
        signature: Option<&RawSignature>,
        parameters: &BTreeMap<String, Option<RawParameter>>,
    ) -> Option<Index> {
        let outside = self.known.clone();
        let at = place(&raw.engine);
        for (name, value) in &raw.when {
            if !parameters.contains_key(name) {
                self.refuse(
                    place(value),
                    format!("`when` names `{name}`; expected one of the parameters"),
                );
            }
        }
        let when = raw
            .when
            .iter()
            .map(|(name, value)| (name.clone(), value.value.clone()))
            .collect();
        let (engine, image) = match raw.engine.value.as_str() {
            "simplestreams" => (self.simplestreams(&mut raw, at), Some("{mirror}{path}")),
            "listing" => {
                // Without a pattern for files there is no `{file}` until the image's URL says it.
                let by_file = raw.file.is_some();
                (
                    self.listing(&mut raw, at),
                    by_file.then_some("{folder}{file}"),
                )
            }
            "json" => (self.json(&mut raw, at), None),
            other => {
                self.refuse(
                    at,
                    format!(
                        "`engine` is `{other}`; expected one of `simplestreams`, `listing`, `json`"
                    ),
                );
                (None, None)
            }
        };
        if engine.is_some() {
            self.refuse_leftovers(&raw);
        }
        let image = match (raw.image, image) {
            (Some(image), _) => self.template(image),
            (None, Some(image)) => image.to_owned(),
            (None, None) => {
                self.refuse(
                    at,
                    "`image` is missing; expected the template of the image's URL",
                );
                String::new()
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
        let checksum = if let Some(checksum) = raw.checksum.as_ref().or(checksum) {
            self.manifest(checksum.clone())
        } else {
            self.refuse(at, "`checksum` is missing; expected the `url` of the checksum manifest, here or for the whole source");
            None
        };
        self.know(["manifest".to_owned()]);
        let signature = match raw.signature.as_ref().or(signature) {
            Some(signature) => self.signature(signature.clone()),
            None => None,
        };
        self.known = outside;
        Some(Index {
            when,
            engine: engine?,
            images,
            version,
            order: raw.order.unwrap_or_default(),
            checksum: checksum?,
            signature,
        })
    }

    fn simplestreams(&mut self, raw: &mut RawIndex, at: Place) -> Option<Engine> {
        let mirror = self.folder(raw.mirror.take(), "mirror", at);
        let content_id = self.needed(raw.content_id.take(), "content_id", at);
        let product = self.needed(raw.product.take(), "product", at);
        let item = self.needed(raw.item.take(), "item", at);
        let key = self.pattern(raw.key.take(), "key", at, true);
        self.know(["mirror", "path"].map(str::to_owned));
        let path = raw
            .path
            .take()
            .and_then(|path| self.pattern(Some(path), "path", at, false));
        Some(Engine::Simplestreams {
            mirror: mirror?,
            content_id: content_id?,
            product: product?,
            item: item?,
            key: key?,
            path,
        })
    }

    fn listing(&mut self, raw: &mut RawIndex, at: Place) -> Option<Engine> {
        let url = self.folder(raw.url.take(), "url", at);
        let directory = raw
            .directory
            .take()
            .map(|directory| self.pattern(Some(directory), "directory", at, true));
        self.know(["folder".to_owned()]);
        let names = match raw.listing.take() {
            None => Names::Html,
            Some(listing) => match listing.value.as_str() {
                "html" => Names::Html,
                "manifest" => Names::Manifest,
                other => {
                    self.refuse(
                        place(&listing),
                        format!("`listing` is `{other}`; expected `html` or `manifest`"),
                    );
                    Names::Html
                }
            },
        };
        let versioned = directory.is_some();
        let file = raw.file.take().map(|file| {
            let file = self.pattern(Some(file), "file", at, !versioned);
            self.know(["file".to_owned()]);
            file
        });
        if directory.is_none() && file.is_none() {
            self.refuse(
                at,
                "a listing needs `directory`, `file` or both; expected patterns of what to take",
            );
        }
        Some(Engine::Listing {
            url: url?,
            directory: directory.flatten(),
            file: file.flatten(),
            names,
        })
    }

    fn json(&mut self, raw: &mut RawIndex, at: Place) -> Option<Engine> {
        let url = self.needed(raw.url.take(), "url", at);
        let each = raw.each.take();
        if let Some(each) = &each {
            self.json_path(&each.value, place(each));
        }
        let each = self.needed(each, "each", at);
        let mut matches = Vec::new();
        for (path, pattern) in std::mem::take(&mut raw.matches) {
            if path != "key" {
                self.json_path(&path, place(&pattern));
            }
            if let Some(pattern) = self.pattern(Some(pattern), &path, at, false) {
                matches.push((path, pattern));
            }
        }
        if !self.known.contains_key("version") {
            self.refuse(
                at,
                "`match` has no group `version`; expected `(?<version>…)` in one of its patterns",
            );
        }
        Some(Engine::Json {
            url: url?,
            each: each?,
            matches,
        })
    }

    fn json_path(&mut self, path: &str, at: Place) {
        if let Err(error) = serde_json_path::JsonPath::parse(path) {
            self.refuse(
                at,
                format!("`{path}` is no JSON path of RFC 9535: {}", error.message()),
            );
        }
    }

    /// Keys that belong to another engine are mistakes, like any unknown key.
    fn refuse_leftovers(&mut self, raw: &RawIndex) {
        let left = [
            ("mirror", &raw.mirror),
            ("content_id", &raw.content_id),
            ("product", &raw.product),
            ("item", &raw.item),
            ("key", &raw.key),
            ("path", &raw.path),
            ("url", &raw.url),
            ("directory", &raw.directory),
            ("listing", &raw.listing),
            ("file", &raw.file),
            ("each", &raw.each),
        ];
        let left = left
            .into_iter()
            .filter_map(|(key, value)| value.as_ref().map(|value| (key, place(value))));
        let left: Vec<_> = left
            .chain(raw.matches.values().map(|value| ("match", place(value))))
            .collect();
        for (key, at) in left {
            self.refuse(
                at,
                format!("engine `{}` has no key `{key}`", raw.engine.value),
            );
        }
    }

    fn manifest(&mut self, raw: RawManifest) -> Option<Manifest> {
        let algorithm = match raw.algorithm {
            None => None,
            Some(name) => match name.value.parse::<Algorithm>() {
                Ok(algorithm) if !algorithm.is_weak() => Some(algorithm),
                _ => {
                    self.refuse(
                        place(&name),
                        format!(
                            "`algorithm` is `{}`; expected `sha256`, `sha384` or `sha512`",
                            name.value
                        ),
                    );
                    return None;
                }
            },
        };
        Some(Manifest {
            url: self.template(raw.url),
            algorithm,
        })
    }

    fn signature(&mut self, raw: RawSignature) -> Option<Signature> {
        let at = place(&raw.form);
        let form = match (raw.form.value.as_str(), raw.url) {
            ("none", None) if raw.keys.is_empty() && raw.key_url.is_none() => return None,
            ("detached", Some(url)) => Form::Detached {
                url: self.template(url),
            },
            ("clearsigned", None) => Form::Clearsigned,
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
                    format!(
                        "`{}` goes without `url`, and `none` without keys",
                        raw.form.value
                    ),
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
        let mut keys = Vec::new();
        for key in raw.keys {
            match key.value.parse::<Fingerprint>() {
                Ok(fingerprint) => keys.push(fingerprint),
                Err(error) => self.refuse(place(&key), error.to_string()),
            }
        }
        if keys.is_empty() {
            self.refuse(
                at,
                "`keys` is empty; expected full fingerprints of primary keys",
            );
        }
        self.know(["fingerprint".to_owned()]);
        let key_url = self.needed(raw.key_url, "key_url", at)?;
        Some(Signature {
            form,
            keys,
            key_url,
        })
    }
}
