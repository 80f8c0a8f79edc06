//! Versions that lost their quotes. We read them as text; openstack-image-manager, Ansible and other readers of YAML
//! make `12.1` of `12.10`, a number of `20150628_01`, and a date of `2026-07-25`.

use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_saphyr::Spanned;

use crate::domain::finding::{Finding, Place};
use crate::domain::yaml::{self, place};

/// Plain scalars that YAML 1.1 or 1.2 resolves to something else than text
/// (<https://yaml.org/type/int.html> and its neighbours; <https://yaml.org/spec/1.2.2/#1032-tag-resolution>).
static RESOLVED: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(
        r"(?xi)^(?:
            [-+]?[0-9][0-9_]*                                       # 20260725, 20150628_01
          | [-+]?0x[0-9a-f_]+ | [-+]?0o?[0-7_]+ | [-+]?0b[01_]+
          | [-+]?(?:[0-9][0-9_]*)?\.[0-9_]+(?:e[-+]?[0-9]+)?        # 24.04
          | [-+]?[0-9][0-9_]*\.?(?:e[-+]?[0-9]+)
          | [-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?        # base 60
          | [-+]?\.(?:inf|nan)
          | [0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt\x20].*)?           # 2026-07-25
          | y | n | yes | no | on | off | true | false | null | ~
        )$",
    )
    .ok()
});

#[derive(Deserialize)]
struct File {
    #[serde(default)]
    images: Option<Vec<Image>>,
}

#[derive(Deserialize)]
struct Image {
    name: Option<String>,
    meta: Option<Numbered>,
    upstream: Option<Numbered>,
    #[serde(default)]
    versions: Option<Vec<Numbered>>,
}

/// The keys whose values look like numbers and are none.
#[derive(Deserialize)]
struct Numbered {
    version: Option<Spanned<String>>,
    os_version: Option<Spanned<String>>,
    release: Option<Spanned<String>>,
}

pub(super) fn check(file: &str, text: &str) -> Vec<Finding> {
    // What cannot be read is a finding of the schema already.
    let Ok(read) = yaml::read::<File>(file, text) else {
        return Vec::new();
    };
    let lines: Vec<&str> = text.lines().collect();
    let mut findings = Vec::new();
    for image in read.images.unwrap_or_default() {
        let name = image.name.unwrap_or_default();
        let places = [image.meta, image.upstream].into_iter().flatten();
        for numbered in places.chain(image.versions.unwrap_or_default()) {
            for (key, value) in [
                ("version", numbered.version),
                ("os_version", numbered.os_version),
                ("release", numbered.release),
            ] {
                let Some(value) = value else { continue };
                let at = place(&value);
                if is_plain(&lines, at) && resolves(&value.value) {
                    let message = format!(
                        "`{key}` is {0} without quotes, which other readers of YAML take for a number, a date or a switch; write \"{0}\"",
                        value.value
                    );
                    findings.push(
                        Finding::warning("unquoted", message)
                            .at(file, at)
                            .image(&name),
                    );
                }
            }
        }
    }
    findings
}

fn resolves(value: &str) -> bool {
    RESOLVED
        .as_ref()
        .is_some_and(|pattern| pattern.is_match(value))
}

/// Whether what stands there is written as it is: no quotes, no tag, no alias, no block.
fn is_plain(lines: &[&str], at: Place) -> bool {
    let index = |number: u64| usize::try_from(number).ok()?.checked_sub(1);
    let (Some(row), Some(column)) = (index(at.line), index(at.column)) else {
        return false;
    };
    let line = lines.get(row).copied().unwrap_or_default();
    let line = line.strip_prefix('\u{feff}').unwrap_or(line);
    let before: String = line.chars().take(column).collect();
    let is_tagged = before
        .split_whitespace()
        .last()
        .is_some_and(|word| word.starts_with('!'));
    let first = line.chars().nth(column);
    !is_tagged && first.is_some_and(|first| !matches!(first, '"' | '\'' | '*' | '|' | '>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(line: &str) -> usize {
        let text = format!(
            "images:\n  - name: A\n    upstream: {{release: '24.04'}}\n    versions:\n      - {line}\n        url: u\n"
        );
        check("a.yml", &text).len()
    }

    #[test]
    fn a_version_that_others_take_for_something_else_is_found() {
        for value in [
            "20260725",
            "12.10",
            "20150628_01",
            "2026-07-25",
            "2026-07-25 12:00:00",
            "0o17",
            "1e3",
            "12:30",
            "on",
            ".5",
        ] {
            assert_eq!(found(&format!("version: {value}")), 1, "{value}");
            assert_eq!(found(&format!("version: {value}   # why")), 1, "{value}");
            assert_eq!(found(&format!("version: '{value}'")), 0, "'{value}'");
            assert_eq!(found(&format!("version: \"{value}\"")), 0, "\"{value}\"");
            assert_eq!(
                found(&format!("version: !!str {value}")),
                0,
                "!!str {value}"
            );
        }
    }

    #[test]
    fn a_version_that_can_only_be_text_needs_no_quotes() {
        for value in [
            "1.11.3",
            "v1.2",
            "20260725-2542",
            "4593.2.5",
            "latest",
            "2026-07",
        ] {
            assert_eq!(found(&format!("version: {value}")), 0, "{value}");
        }
    }

    #[test]
    fn releases_lose_their_quotes_too_and_the_place_is_told() {
        let text = "images:\n  - name: A\n    meta: {os_version: 24.10}\n    upstream:\n      release: 24.10\n    versions: []\n";
        let found: Vec<_> = check("a.yml", text)
            .iter()
            .map(ToString::to_string)
            .collect();
        insta::assert_snapshot!(found.join("\n"), @r#"
        a.yml:3:24: warning: `os_version` is 24.10 without quotes, which other readers of YAML take for a number, a date or a switch; write "24.10" [unquoted]
        a.yml:5:16: warning: `release` is 24.10 without quotes, which other readers of YAML take for a number, a date or a switch; write "24.10" [unquoted]
        "#);
    }
}
