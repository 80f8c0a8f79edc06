//! The key `endoflife`: a product's name alone, or with what its dates mean.

use std::fmt;

use serde::de::{
    self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer,
};
use serde_saphyr::Spanned;

use super::Reader;
use crate::domain::endoflife::{Ends, Lines, Meaning, is_product};
use crate::domain::yaml::place;

/// The key as it is written.
pub(super) enum RawEndOfLife {
    Product(String),
    Full(Box<Full>),
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Full {
    product: Spanned<String>,
    release: Option<Spanned<String>>,
    ends: Option<Spanned<String>>,
    lines: Option<Spanned<String>>,
}

impl<'de> Deserialize<'de> for RawEndOfLife {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Form)
    }
}

struct Form;

impl<'de> Visitor<'de> for Form {
    type Value = RawEndOfLife;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("a product's name, or `{product: …, release: …, ends: …, lines: …}`")
    }

    fn visit_str<E: de::Error>(self, product: &str) -> Result<RawEndOfLife, E> {
        Ok(RawEndOfLife::Product(product.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<RawEndOfLife, A::Error> {
        Full::deserialize(MapAccessDeserializer::new(map))
            .map(|full| RawEndOfLife::Full(Box::new(full)))
    }
}

impl Reader<'_> {
    pub(super) fn endoflife(&mut self, raw: Option<Spanned<RawEndOfLife>>) -> Option<Meaning> {
        let raw = raw?;
        let at = place(&raw);
        let (product, product_at, full) = match raw.value {
            RawEndOfLife::Product(product) => (product, at, None),
            RawEndOfLife::Full(full) => {
                let product_at = place(&full.product);
                (full.product.value.clone(), product_at, Some(full))
            }
        };
        if !is_product(&product) {
            let message = format!(
                "`{product}` is no product of endoflife.date; expected small letters, digits and dashes, as in its address"
            );
            self.refuse(product_at, message);
        }
        let (release, ends, lines) = full.map_or((None, None, None), |full| {
            (full.release, full.ends, full.lines)
        });
        let release = match release {
            Some(release) => self.template(release),
            None => "{release}".to_owned(),
        };
        if release == "{release}" && !self.known.contains_key("release") {
            let message = "the source has no parameter `release`; say by `{product: …, release: …}` what a line is called at endoflife.date";
            self.refuse(at, message);
        }
        Some(Meaning {
            product,
            release,
            ends: self.choice(
                ends,
                "ends",
                &[Ends::Eol, Ends::Eoes, Ends::Eoas].map(|one| (one.name(), one)),
            ),
            lines: self.choice(lines, "lines", &[("all", Lines::All), ("lts", Lines::Lts)]),
        })
    }

    /// One of a few words, or the default.
    fn choice<T: Copy + Default>(
        &mut self,
        raw: Option<Spanned<String>>,
        key: &str,
        choices: &[(&str, T)],
    ) -> T {
        let Some(raw) = raw else { return T::default() };
        if let Some((_, choice)) = choices.iter().find(|(word, _)| *word == raw.value) {
            return *choice;
        }
        let words: Vec<_> = choices
            .iter()
            .map(|(word, _)| format!("`{word}`"))
            .collect();
        let message = format!(
            "`{key}` is `{}`; expected one of {}",
            raw.value,
            words.join(", ")
        );
        self.refuse(place(&raw), message);
        T::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source;

    fn read(endoflife: &str) -> Result<Meaning, String> {
        let text = format!(
            "title: Example
parameters: {{release: , stream: {{default: a}}}}
map: {{codename: {{of: release, values: {{\"1\": one}}}}}}
indexes:
  - engine: listing
    url: https://images.example/
    directory: '^(?<version>\\d+)/$'
    image: \"{{folder}}disk.img\"
checksum: {{url: \"{{folder}}SHA256SUMS\"}}
signature: {{form: none}}
endoflife: {endoflife}
"
        );
        match source::parse("example", "sources/example.yml", &text) {
            Ok(source) => Ok(source.endoflife.unwrap()),
            Err(findings) => {
                let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
                Err(findings.join("\n"))
            }
        }
    }

    #[test]
    fn a_product_alone_ends_with_its_life_and_announces_every_line() {
        assert_eq!(
            read("ubuntu"),
            read("{product: ubuntu, release: '{release}', ends: eol, lines: all}")
        );
        let meaning =
            read("{product: own-linux, release: 'v{codename}', ends: eoes, lines: lts}").unwrap();
        assert_eq!(
            (
                meaning.product.as_str(),
                meaning.release.as_str(),
                meaning.ends,
                meaning.lines
            ),
            ("own-linux", "v{codename}", Ends::Eoes, Lines::Lts)
        );
    }

    #[test]
    fn every_mistake_in_it_is_found_with_its_place() {
        let found: Vec<_> = [
            "../x",
            "{product: ubuntu, ends: eos}",
            "{product: ubuntu, lines: LTS}",
            "{product: ubuntu, release: '{version}'}",
            "{release: '{release}'}",
            "{product: ubuntu, cycle: x}",
            "[ubuntu]",
        ]
        .iter()
        .map(|text| read(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(found.join("\n"), @r"
        sources/example.yml:11:12: error: `../x` is no product of endoflife.date; expected small letters, digits and dashes, as in its address [source]
        sources/example.yml:11:36: error: `ends` is `eos`; expected one of `eol`, `eoes`, `eoas` [source]
        sources/example.yml:11:37: error: `lines` is `LTS`; expected one of `all`, `lts` [source]
        sources/example.yml:11:39: error: template `{version}` names the unknown variable `version` at column 1; known are `codename`, `release`, `stream` [source]
        sources/example.yml:11:13: error: the key `product` is missing here; add it [yaml]
        sources/example.yml:11:30: error: the key `cycle` is unknown here; expected one of product, release, ends, lines [yaml]
        sources/example.yml:11:1: error: here stands sequence; expected a product's name, or `{product: …, release: …, ends: …, lines: …}` [yaml]
        ");
    }

    #[test]
    fn a_source_without_releases_says_what_its_line_is_called() {
        let text = "title: A\nparameters: {stream: {default: a}}\nindexes: []\nendoflife: own\n";
        let findings = source::parse("a", "a.yml", text).unwrap_err();
        assert!(
            findings
                .iter()
                .any(|finding| finding.message.contains("no parameter `release`")),
            "{findings:?}"
        );
    }
}
