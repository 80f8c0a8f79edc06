//! The keys of a source file, as serde reads them, and their way into values.

use std::collections::BTreeMap;

use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    Defaults, Engine, Form, Index, Infer, Manifest, Mapping, Names, Parameter, Signature, Source,
};
use crate::domain::checksum::Algorithm;
use crate::domain::finding::{Finding, Place};
use crate::domain::signature::Fingerprint;
use crate::domain::template::{self, Escape, Variables};
use crate::domain::version::Order;
use crate::domain::yaml::{self, place};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    title: String,
    parameters: BTreeMap<String, Option<RawParameter>>,
    #[serde(default)]
    architectures: BTreeMap<String, String>,
    #[serde(default)]
    map: BTreeMap<String, RawMapping>,
    indexes: Vec<RawIndex>,
    checksum: Option<RawManifest>,
    signature: Option<RawSignature>,
    #[serde(default)]
    infer: Vec<RawInfer>,
    #[serde(default)]
    redirect_hosts: Vec<String>,
    expected_every: Option<Spanned<String>>,
    #[serde(default)]
    defaults: RawDefaults,
    endoflife: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawParameter {
    default: Option<String>,
    #[serde(default)]
    values: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawMapping {
    of: Spanned<String>,
    #[serde(default)]
    values: BTreeMap<String, String>,
    default: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawIndex {
    #[serde(default)]
    when: BTreeMap<String, Spanned<String>>,
    engine: Spanned<String>,
    mirror: Option<Spanned<String>>,
    content_id: Option<Spanned<String>>,
    product: Option<Spanned<String>>,
    item: Option<Spanned<String>>,
    key: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    directory: Option<Spanned<String>>,
    listing: Option<Spanned<String>>,
    file: Option<Spanned<String>>,
    each: Option<Spanned<String>>,
    #[serde(default, rename = "match")]
    matches: BTreeMap<String, Spanned<String>>,
    image: Option<Spanned<String>>,
    version: Option<Spanned<String>>,
    order: Option<Order>,
    checksum: Option<RawManifest>,
    signature: Option<RawSignature>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    url: Spanned<String>,
    algorithm: Option<Spanned<String>>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    form: Spanned<String>,
    url: Option<Spanned<String>>,
    #[serde(default)]
    keys: Vec<Spanned<String>>,
    key_url: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawInfer {
    #[serde(rename = "match")]
    pattern: Spanned<String>,
    #[serde(default)]
    with: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDefaults {
    name: Option<Spanned<String>>,
    shortname: Option<Spanned<String>>,
    format: Option<String>,
    login: Option<String>,
    min_disk: Option<u64>,
    min_ram: Option<u64>,
    #[serde(default)]
    meta: BTreeMap<String, Spanned<String>>,
}

pub(super) fn parse(name: &str, file: &str, text: &str) -> Result<Source, Vec<Finding>> {
    let raw: File = yaml::read(file, text).map_err(|finding| vec![*finding])?;
    let mut reader = Reader {
        file,
        findings: Vec::new(),
        known: Variables::new(),
    };
    let source = reader.source(name, raw);
    if reader.findings.is_empty() {
        Ok(source)
    } else {
        Err(reader.findings)
    }
}

/// Turns raw values into valid ones and collects what is wrong with them.
struct Reader<'a> {
    file: &'a str,
    findings: Vec<Finding>,
    /// Every variable that a template may name at this point, with a value to try.
    known: Variables,
}

impl Reader<'_> {
    fn refuse(&mut self, at: Place, message: impl Into<String>) {
        self.findings
            .push(Finding::error("source", message).at(self.file, at));
    }

    fn know(&mut self, names: impl IntoIterator<Item = String>) {
        self.known
            .extend(names.into_iter().map(|name| (name, "1".to_owned())));
    }

    fn source(&mut self, name: &str, raw: File) -> Source {
        self.know(raw.parameters.keys().chain(raw.map.keys()).cloned());
        for mapping in raw.map.values() {
            if !raw.parameters.contains_key(&mapping.of.value) {
                let message = format!(
                    "`of` names `{}`; expected one of the parameters",
                    mapping.of.value
                );
                self.refuse(place(&mapping.of), message);
            }
        }
        let defaults = self.defaults(raw.defaults);
        let indexes: Vec<_> = raw
            .indexes
            .into_iter()
            .map(|index| {
                self.index(
                    index,
                    raw.checksum.as_ref(),
                    raw.signature.as_ref(),
                    &raw.parameters,
                )
            })
            .collect();
        if indexes.is_empty() {
            self.refuse(
                Place { line: 1, column: 1 },
                "`indexes` is empty; expected where the upstream lists its builds",
            );
        }
        let infer = raw
            .infer
            .into_iter()
            .filter_map(|infer| self.infer(infer))
            .collect();
        let expected_every = self.days(raw.expected_every);
        Source {
            name: name.to_owned(),
            title: raw.title,
            parameters: raw
                .parameters
                .into_iter()
                .map(|(name, raw)| {
                    let raw = raw.unwrap_or_default();
                    (
                        name,
                        Parameter {
                            default: raw.default,
                            values: raw.values,
                        },
                    )
                })
                .collect(),
            architectures: raw.architectures,
            map: raw
                .map
                .into_iter()
                .map(|(name, raw)| {
                    (
                        name,
                        Mapping {
                            of: raw.of.value,
                            values: raw.values,
                            default: raw.default,
                        },
                    )
                })
                .collect(),
            indexes: indexes.into_iter().flatten().collect(),
            infer,
            redirect_hosts: raw.redirect_hosts,
            expected_every,
            defaults,
            endoflife: raw.endoflife,
        }
    }

    fn index(
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
        self.refuse_leftovers(&raw);
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
        let version = match raw.version {
            Some(version) => self.template(version),
            None => "{version}".to_owned(),
        };
        self.know(["url", "folder", "file"].map(str::to_owned));
        let checksum = match raw.checksum.as_ref().or(checksum) {
            Some(checksum) => self.manifest(checksum.clone()),
            None => {
                self.refuse(at, "`checksum` is missing; expected the `url` of the checksum manifest, here or for the whole source");
                None
            }
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
            image,
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

    fn infer(&mut self, raw: RawInfer) -> Option<Infer> {
        let at = place(&raw.pattern);
        let pattern = match Regex::new(&raw.pattern.value) {
            Ok(pattern) => pattern,
            Err(error) => {
                self.refuse(
                    at,
                    format!(
                        "`match` is no regular expression: {}",
                        last_line(&error.to_string())
                    ),
                );
                return None;
            }
        };
        let names: Vec<String> = pattern
            .capture_names()
            .flatten()
            .map(str::to_owned)
            .collect();
        for name in names.iter().chain(raw.with.keys()) {
            if name != "version" && !self.known.contains_key(name) {
                self.refuse(
                    at,
                    format!(
                        "`{name}` is neither a parameter nor a mapped value nor the group `version`"
                    ),
                );
            }
        }
        Some(Infer {
            pattern,
            with: raw.with,
        })
    }

    fn defaults(&mut self, raw: RawDefaults) -> Defaults {
        Defaults {
            name: raw.name.map(|name| self.template(name)),
            shortname: raw.shortname.map(|name| self.template(name)),
            format: raw.format,
            login: raw.login,
            min_disk: raw.min_disk,
            min_ram: raw.min_ram,
            meta: raw
                .meta
                .into_iter()
                .map(|(key, value)| (key, self.template(value)))
                .collect(),
        }
    }

    fn days(&mut self, raw: Option<Spanned<String>>) -> Option<u32> {
        let raw = raw?;
        let days = raw
            .value
            .strip_suffix('d')
            .and_then(|days| days.parse().ok());
        if days.is_none() {
            self.refuse(
                place(&raw),
                format!(
                    "`expected_every` is `{}`; expected days such as `30d`",
                    raw.value
                ),
            );
        }
        days
    }

    fn folder(&mut self, raw: Option<Spanned<String>>, key: &str, at: Place) -> Option<String> {
        let at = raw.as_ref().map_or(at, place);
        let url = self.needed(raw, key, at)?;
        if !url.starts_with("https://") || !url.ends_with('/') {
            self.refuse(
                at,
                format!(
                    "`{key}` is `{url}`; expected an https URL of a directory, with a slash at its end"
                ),
            );
        }
        Some(url)
    }

    fn needed(&mut self, raw: Option<Spanned<String>>, key: &str, at: Place) -> Option<String> {
        match raw {
            Some(raw) => Some(self.template(raw)),
            None => {
                self.refuse(at, format!("`{key}` is missing here"));
                None
            }
        }
    }

    /// A template that names only variables that there are.
    fn template(&mut self, raw: Spanned<String>) -> String {
        if let Err(error) = template::fill(&raw.value, &self.known, Escape::Nothing) {
            self.refuse(place(&raw), error.to_string());
        }
        raw.value
    }

    /// A pattern that compiles; its groups are variables from here on.
    fn pattern(
        &mut self,
        raw: Option<Spanned<String>>,
        key: &str,
        at: Place,
        versioned: bool,
    ) -> Option<String> {
        let Some(raw) = raw else {
            self.refuse(at, format!("`{key}` is missing here"));
            return None;
        };
        let at = place(&raw);
        let filled = match template::fill(&raw.value, &self.known, Escape::Regex) {
            Ok(filled) => filled,
            Err(error) => {
                self.refuse(at, error.to_string());
                return None;
            }
        };
        match Regex::new(&filled) {
            Ok(pattern) => {
                let names: Vec<String> = pattern
                    .capture_names()
                    .flatten()
                    .map(str::to_owned)
                    .collect();
                if versioned && !names.iter().any(|name| name == "version") {
                    self.refuse(
                        at,
                        format!("`{key}` has no group `version`; expected `(?<version>…)` in it"),
                    );
                }
                self.know(names);
                Some(raw.value)
            }
            Err(error) => {
                self.refuse(
                    at,
                    format!(
                        "`{key}` is no regular expression: {}",
                        last_line(&error.to_string())
                    ),
                );
                None
            }
        }
    }
}

/// The crate's messages draw the pattern first; the reason stands last.
fn last_line(message: &str) -> &str {
    message
        .lines()
        .last()
        .unwrap_or(message)
        .trim_start_matches("error: ")
}
