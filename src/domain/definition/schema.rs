//! The keys of a definition file, as serde reads them, and their way into values.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{Definition, Upstream, Version, WantedStatus};
use crate::domain::checksum::Checksum;
use crate::domain::finding::{Finding, Place};
use crate::domain::policy::PolicyOverride;
use crate::domain::snapshot::Visibility;
use crate::domain::version::Order;
use crate::domain::yaml::{self, place};

/// The disk formats that Glance takes by default (glance `[image_format] disk_formats`).
pub const FORMATS: [&str; 11] = [
    "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "ploop", "iso",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    images: Vec<Image>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    name: Spanned<String>,
    format: Spanned<String>,
    login: Option<String>,
    password: Option<String>,
    min_disk: Option<u64>,
    min_ram: Option<u64>,
    status: Option<Spanned<String>>,
    visibility: Option<Spanned<String>>,
    #[serde(default = "yes")]
    multi: bool,
    separator: Option<String>,
    #[serde(default)]
    keep: bool,
    #[serde(default = "yes")]
    enable: bool,
    shortname: Option<String>,
    #[serde(default)]
    meta: Option<BTreeMap<String, Option<String>>>,
    #[serde(default)]
    tags: Option<Vec<String>>,
    versions: Spanned<Option<Vec<RawVersion>>>,
    latest_url: Option<String>,
    latest_checksum_url: Option<String>,
    upstream: Option<Spanned<BTreeMap<String, Spanned<String>>>>,
    #[serde(default)]
    vars: Option<BTreeMap<String, String>>,
    policy: Option<PolicyOverride>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVersion {
    version: Spanned<String>,
    url: Option<Spanned<String>>,
    mirror_url: Option<Spanned<String>>,
    checksum: Option<Spanned<String>>,
    checksum_url: Option<Spanned<String>>,
    checksums_url: Option<Spanned<String>>,
    build_date: Option<Spanned<String>>,
    os_version: Option<String>,
    visibility: Option<Spanned<String>>,
    hidden: Option<bool>,
    #[serde(default)]
    meta: Option<BTreeMap<String, Option<String>>>,
    source: Option<String>,
    id: Option<Spanned<String>>,
    image_description: Option<String>,
    manifest: Option<Spanned<String>>,
    signed_by: Option<Spanned<String>>,
}

fn yes() -> bool {
    true
}

pub(super) fn parse(file: &str, text: &str) -> Result<Vec<Definition>, Vec<Finding>> {
    let read: File = yaml::read(file, text).map_err(|finding| vec![*finding])?;
    let mut reader = Reader {
        file,
        image: String::new(),
        findings: Vec::new(),
    };
    let definitions = read
        .images
        .into_iter()
        .map(|image| reader.image(image))
        .collect();
    if reader.findings.is_empty() {
        Ok(definitions)
    } else {
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
        self.value(raw, key, "an http(s) or file URL", |text| {
            url(text).then(|| text.to_owned())
        })
    }

    fn image(&mut self, raw: Image) -> Definition {
        self.image.clone_from(&raw.name.value);
        let at = place(&raw.name);
        if raw.name.value.trim().is_empty() || raw.name.value.chars().count() > 255 {
            self.refuse(
                at,
                "`name` is empty or longer than Glance's 255 characters".to_owned(),
            );
        }
        let format = self
            .value(
                Some(raw.format),
                "format",
                &format!("one of {}", FORMATS.join(", ")),
                |text| FORMATS.contains(&text).then(|| text.to_owned()),
            )
            .unwrap_or_default();
        let status = self
            .value(
                raw.status,
                "status",
                "`active` or `deactivated`",
                |text| match text {
                    "active" => Some(WantedStatus::Active),
                    "deactivated" => Some(WantedStatus::Deactivated),
                    _ => None,
                },
            )
            .unwrap_or(WantedStatus::Active);
        // Without a word the narrowest is meant: nothing becomes public by omission.
        let visibility = self
            .visibility(raw.visibility)
            .unwrap_or(Visibility::Private);
        let versions_at = place(&raw.versions);
        let upstream = raw.upstream.and_then(|upstream| self.upstream(upstream));
        let versions: Vec<_> = raw
            .versions
            .value
            .unwrap_or_default()
            .into_iter()
            .map(|version| self.version(version))
            .collect();
        for (index, version) in versions.iter().enumerate() {
            if let Some(earlier) = versions[..index]
                .iter()
                .find(|one| one.version == version.version)
            {
                self.refuse(
                    version.at,
                    format!(
                        "version `{}` stands at line {} already; remove one",
                        version.version, earlier.at.line
                    ),
                );
            }
        }
        Definition {
            file: self.file.to_owned(),
            at,
            name: raw.name.value,
            format,
            login: raw.login,
            password: raw.password,
            min_disk: raw.min_disk,
            min_ram: raw.min_ram,
            status,
            visibility,
            multi: raw.multi,
            separator: raw.separator.unwrap_or_else(|| " ".to_owned()),
            keep: raw.keep,
            enable: raw.enable,
            shortname: raw.shortname,
            meta: present(raw.meta),
            tags: raw.tags.unwrap_or_default(),
            versions_at,
            versions,
            latest_url: raw.latest_url,
            latest_checksum_url: raw.latest_checksum_url,
            upstream,
            vars: raw.vars.unwrap_or_default(),
            policy: raw.policy,
        }
    }

    fn version(&mut self, raw: RawVersion) -> Version {
        let spot = |value: &Option<Spanned<String>>| value.as_ref().map(place);
        let at = place(&raw.version);
        if raw.version.value.trim().is_empty() {
            self.refuse(
                at,
                "`version` is empty; expected the build's name, in quotes".to_owned(),
            );
        }
        let url_at = spot(&raw.url).unwrap_or(at);
        let checksum_at = spot(&raw.checksum).unwrap_or(at);
        Version {
            at,
            version: raw.version.value,
            url: self.web_url(raw.url, "url"),
            url_at,
            mirror_url: self.web_url(raw.mirror_url, "mirror_url"),
            checksum: self.value(
                raw.checksum,
                "checksum",
                "`ALGORITHM:DIGEST` in hexadecimal, such as `sha256:…` with 64 digits",
                |text| text.parse::<Checksum>().ok(),
            ),
            checksum_at,
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
            hidden: raw.hidden,
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
