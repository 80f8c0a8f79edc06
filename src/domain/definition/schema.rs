//! The keys of a definition file, as serde reads them, and their way into values.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::one_or_more::OneOrMore;
use super::{Computed, Definition, Mirror, Upstream, Version, WantedStatus, shape};
use crate::domain::checksum::Checksum;
use crate::domain::finding::{Finding, Place};
use crate::domain::policy::PolicyOverride;
use crate::domain::snapshot::Visibility;
use crate::domain::transfer::ImageTransfer;
use crate::domain::version::Order;
use crate::domain::yaml::{self, place};

/// The disk formats that Glance takes by default (glance `[image_format] disk_formats`).
pub const FORMATS: [&str; 11] = [
    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "ploop", "iso",
];

/// What a URL must be, for messages.
const URL: &str = "an http(s) or file URL";

/// Glance's limit for names.
const LONGEST_NAME: usize = 255;

// Unknown keys are refused by `shape`, which finds all of them at once; so these structs need not.
#[derive(Deserialize)]
struct File {
    images: Option<Vec<Image>>,
}

#[derive(Deserialize)]
struct Image {
    name: Option<Spanned<String>>,
    format: Option<Spanned<String>>,
    login: Option<String>,
    password: Option<String>,
    min_disk: Option<Spanned<String>>,
    min_ram: Option<Spanned<String>>,
    status: Option<Spanned<String>>,
    visibility: Option<Spanned<String>>,
    multi: Option<Spanned<String>>,
    separator: Option<String>,
    keep: Option<Spanned<String>>,
    enable: Option<Spanned<String>>,
    shortname: Option<String>,
    meta: Option<BTreeMap<String, Spanned<Option<String>>>>,
    tags: Option<Vec<String>>,
    versions: Option<Spanned<Option<Vec<RawVersion>>>>,
    latest_url: Option<Spanned<String>>,
    latest_checksum_url: Option<Spanned<String>>,
    upstream: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    vars: Option<BTreeMap<String, Option<String>>>,
    policy: Option<Spanned<PolicyOverride>>,
    transfer: Option<ImageTransfer>,
}

#[derive(Deserialize)]
struct RawVersion {
    version: Option<Spanned<String>>,
    url: Option<Spanned<String>>,
    mirror_url: Option<Spanned<OneOrMore>>,
    checksum: Option<Spanned<String>>,
    disk_checksum: Option<Spanned<String>>,
    computed: Option<Vec<Spanned<String>>>,
    checksum_url: Option<Spanned<String>>,
    checksums_url: Option<Spanned<String>>,
    build_date: Option<Spanned<String>>,
    os_version: Option<String>,
    visibility: Option<Spanned<String>>,
    hidden: Option<Spanned<String>>,
    meta: Option<BTreeMap<String, Option<String>>>,
    source: Option<String>,
    id: Option<Spanned<String>>,
    image_description: Option<String>,
    manifest: Option<Spanned<String>>,
    signed_by: Option<Spanned<String>>,
}

pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Definition>, Vec<Finding>> {
    let checked = shape::check(file, text).map_err(|finding| vec![*finding])?;
    if !checked.readable {
        return Err(checked.findings);
    }
    let mut reader = Reader {
        file,
        image: String::new(),
        findings: checked.findings,
    };
    let mut definitions = Vec::new();
    match yaml::read::<File>(file, text) {
        Ok(read) => {
            let images = read.images.unwrap_or_default();
            definitions.extend(images.into_iter().map(|image| reader.image(image)));
        }
        Err(finding) => reader.findings.push(*finding),
    }
    if reader.findings.is_empty() {
        Ok(definitions)
    } else {
        reader
            .findings
            .sort_by_key(|finding| (finding.line, finding.column));
        Err(reader.findings)
    }
}

/// Turns raw values into valid ones and collects what is wrong with them.
struct Reader<'a> {
    file: &'a str,
    image: String,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn refuse(&mut self, at: Place, message: String) {
        self.findings.push(
            Finding::error("schema", message)
                .at(self.file, at)
                .image(&self.image),
        );
    }

    /// Parses a scalar, or says what was found and what was expected.
    fn value<T>(
        &mut self,
        raw: Option<Spanned<String>>,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let raw = raw?;
        let at = place(&raw);
        let parsed = parse(&raw.value);
        if parsed.is_none() {
            self.refuse(
                at,
                format!("`{key}` is `{}`; expected {expected}", raw.value),
            );
        }
        parsed
    }

    fn visibility(&mut self, raw: Option<Spanned<String>>) -> Option<Visibility> {
        let expected = "one of `public`, `community`, `shared`, `private`";
        self.value(raw, "visibility", expected, Visibility::parse)
    }

    fn web_url(&mut self, raw: Option<Spanned<String>>, key: &str) -> Option<String> {
        self.value(raw, key, URL, |text| url(text).then(|| text.to_owned()))
    }

    /// openstack-image-manager knows one mirror; a list of them is ours.
    fn mirrors(&mut self, raw: Option<Spanned<OneOrMore>>) -> Vec<Mirror> {
        let Some(raw) = raw else { return Vec::new() };
        let at = place(&raw);
        let urls = match raw.value {
            OneOrMore::One(url) => vec![(url, at)],
            OneOrMore::More(urls) => {
                let with_place = urls.into_iter().map(|url| {
                    let at = place(&url);
                    (url.value, at)
                });
                with_place.collect()
            }
        };
        let (good, bad): (Vec<_>, Vec<_>) = urls.into_iter().partition(|(text, _)| url(text));
        for (text, at) in bad {
            self.refuse(at, format!("`mirror_url` is `{text}`; expected {URL}"));
        }
        let mirrors = good.into_iter().map(|(url, at)| Mirror { url, at });
        mirrors.collect()
    }

    fn number(&mut self, raw: Option<Spanned<String>>, key: &str) -> Option<u64> {
        self.value(raw, key, "a whole number from 0", |text| text.parse().ok())
    }

    /// A switch. YAML 1.1's `yes` and `on` are refused: other readers take them for texts.
    fn switch(&mut self, raw: Option<Spanned<String>>, key: &str) -> Option<bool> {
        self.value(raw, key, "`true` or `false`", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" => Some(true),
                "false" => Some(false),
                _ => None,
            }
        })
    }

    /// A text that must be there; where the whole key is missing, `shape` said so already.
    fn needed(
        &mut self,
        raw: Option<Spanned<String>>,
        key: &str,
        expected: &str,
    ) -> (String, Place) {
        let Some(raw) = raw else {
            return Default::default();
        };
        let at = place(&raw);
        if raw.value.trim().is_empty() {
            self.refuse(at, format!("`{key}` is empty; expected {expected}"));
        }
        (raw.value, at)
    }

    fn image(&mut self, raw: Image) -> Definition {
        self.image = raw
            .name
            .as_ref()
            .map_or_else(String::new, |name| name.value.clone());
        let (name, at) = self.needed(raw.name, "name", "the name that the catalogue shows");
        let length = name.chars().count();
        if length > LONGEST_NAME {
            let message =
                format!("`name` has {length} characters; expected at most Glance's {LONGEST_NAME}");
            self.refuse(at, message);
        }
        let formats = format!("one of {}", FORMATS.join(", "));
        let format = self.value(raw.format, "format", &formats, |text| {
            FORMATS.contains(&text).then(|| text.to_owned())
        });
        let status = self.value(
            raw.status,
            "status",
            "`active` or `deactivated`",
            |text| match text {
                "active" => Some(WantedStatus::Active),
                "deactivated" => Some(WantedStatus::Deactivated),
                _ => None,
            },
        );
        let (versions_at, versions) = match raw.versions {
            Some(versions) => (place(&versions), versions.value.unwrap_or_default()),
            None => (at, Vec::new()),
        };
        let meta = raw.meta.unwrap_or_default();
        let meta_at = meta
            .iter()
            .map(|(key, value)| (key.clone(), place(value)))
            .collect();
        let meta = meta.into_iter().map(|(key, value)| (key, value.value));
        let definition = Definition {
            file: self.file.to_owned(),
            at,
            name,
            format: format.unwrap_or_default(),
            login: raw.login,
            password: raw.password,
            min_disk: self.number(raw.min_disk, "min_disk"),
            min_ram: self.number(raw.min_ram, "min_ram"),
            status: status.unwrap_or(WantedStatus::Active),
            // Without a word the narrowest is meant: nothing becomes public by omission.
            visibility: self
                .visibility(raw.visibility)
                .unwrap_or(Visibility::Private),
            multi: self.switch(raw.multi, "multi").unwrap_or(true),
            separator: raw.separator.unwrap_or_else(|| " ".to_owned()),
            keep: self.switch(raw.keep, "keep").unwrap_or(false),
            enable: self.switch(raw.enable, "enable").unwrap_or(true),
            shortname: raw.shortname,
            meta: present(Some(meta.collect())),
            meta_at,
            tags: raw.tags.unwrap_or_default(),
            versions_at,
            versions: versions
                .into_iter()
                .map(|version| self.version(version))
                .collect(),
            latest_url: self.web_url(raw.latest_url, "latest_url"),
            latest_checksum_url: self.web_url(raw.latest_checksum_url, "latest_checksum_url"),
            upstream: raw.upstream.and_then(|upstream| self.upstream(upstream)),
            vars: present(raw.vars),
            policy: raw
                .policy
                .map(|policy| PolicyOverride::written(self.file, policy)),
            transfer: raw.transfer.unwrap_or_default(),
        };
        self.repeated_versions(&definition.versions);
        definition
    }

    fn repeated_versions(&mut self, versions: &[Version]) {
        let mut first: BTreeMap<&str, Place> = BTreeMap::new();
        for version in versions {
            if let Some(known) = first.get(version.version.as_str()) {
                let message = format!(
                    "version `{}` stands at line {} already; remove one of the two",
                    version.version, known.line
                );
                self.refuse(version.at, message);
            } else {
                first.insert(&version.version, version.at);
            }
        }
    }

    fn checksum(&mut self, raw: Option<Spanned<String>>, key: &str) -> Option<Checksum> {
        let raw = raw?;
        match raw.value.parse() {
            Ok(checksum) => Some(checksum),
            Err(error) => {
                let at = place(&raw);
                self.refuse(at, format!("`{key}` cannot be used: {error}"));
                None
            }
        }
    }

    fn computed(&mut self, raw: Option<Vec<Spanned<String>>>) -> Computed {
        let mut computed = Computed::default();
        for key in raw.unwrap_or_default() {
            match key.value.as_str() {
                "checksum" => computed.checksum = true,
                "disk_checksum" => computed.disk_checksum = true,
                other => {
                    let message = format!(
                        "`computed` lists `{other}`; expected `checksum`, `disk_checksum` or both"
                    );
                    self.refuse(place(&key), message);
                }
            }
        }
        computed
    }

    fn version(&mut self, raw: RawVersion) -> Version {
        let spot = |value: &Option<Spanned<String>>| value.as_ref().map(place);
        let (version, at) = self.needed(raw.version, "version", "the build's name, in quotes");
        let url_at = spot(&raw.url).unwrap_or(at);
        let checksum_at = spot(&raw.checksum).unwrap_or(at);
        Version {
            at,
            version,
            url: self.web_url(raw.url, "url"),
            url_at,
            mirrors: self.mirrors(raw.mirror_url),
            checksum: self.checksum(raw.checksum, "checksum"),
            checksum_at,
            disk_checksum: self.checksum(raw.disk_checksum, "disk_checksum"),
            computed: self.computed(raw.computed),
            checksum_url: self.web_url(raw.checksum_url, "checksum_url"),
            checksums_url: self.web_url(raw.checksums_url, "checksums_url"),
            build_date: self.value(
                raw.build_date,
                "build_date",
                "a date such as `2026-07-25`",
                date,
            ),
            os_version: raw.os_version,
            visibility: self.visibility(raw.visibility),
            hidden: self.switch(raw.hidden, "hidden"),
            meta: present(raw.meta),
            source: raw.source,
            id: self.value(raw.id, "id", "a UUID in lower case", uuid),
            image_description: raw.image_description,
            manifest: self.web_url(raw.manifest, "manifest"),
            signed_by: self.value(
                raw.signed_by,
                "signed_by",
                "the full fingerprint of a primary key, 40 or 64 hexadecimal digits",
                fingerprint,
            ),
        }
    }

    fn upstream(&mut self, raw: Spanned<BTreeMap<String, Spanned<String>>>) -> Option<Upstream> {
        let at = place(&raw);
        let mut parameters = raw.value;
        let Some(from) = parameters.remove("from") else {
            self.refuse(
                at,
                "`upstream` has no `from`; expected the name of a source".to_owned(),
            );
            return None;
        };
        let versions = self.value(
            parameters.remove("versions"),
            "versions",
            "a number from 1",
            |text| text.parse().ok().filter(|count| *count > 0),
        );
        let order = self.value(
            parameters.remove("order"),
            "order",
            "one of `natural`, `semver`, `debian`, `date`",
            order,
        );
        Some(Upstream {
            at,
            from: from.value,
            parameters: parameters
                .into_iter()
                .map(|(key, value)| (key, value.value))
                .collect(),
            versions,
            order,
        })
    }
}

/// YAML's null means that a property is not set.
fn present(meta: Option<BTreeMap<String, Option<String>>>) -> BTreeMap<String, String> {
    meta.unwrap_or_default()
        .into_iter()
        .filter_map(|(key, value)| Some((key, value?)))
        .collect()
}

fn order(text: &str) -> Option<Order> {
    Some(match text {
        "natural" => Order::Natural,
        "semver" => Order::Semver,
        "debian" => Order::Debian,
        "date" => Order::Date,
        _ => return None,
    })
}

/// OIM takes dates and timestamps; only the day counts.
fn date(text: &str) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(text.get(..10)?, "%Y-%m-%d").ok()
}

fn uuid(text: &str) -> Option<String> {
    let shape: Vec<_> = text.split('-').map(str::len).collect();
    let digits = text
        .chars()
        .all(|c| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c));
    (shape == [8, 4, 4, 4, 12] && digits).then(|| text.to_owned())
}

fn fingerprint(text: &str) -> Option<String> {
    let digits = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (digits && matches!(text.len(), 40 | 64)).then(|| text.to_ascii_uppercase())
}

fn url(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| match url.scheme() {
        "http" | "https" => url.host_str().is_some(),
        "file" => true,
        _ => false,
    })
}
