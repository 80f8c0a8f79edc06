//! Display names as people write them, taken apart: what is the same in every version, and what is the version.
//!
//! Conservative: only a suffix that is clearly a date, a build or a version is one. `Ubuntu 24.04` has none.

use std::sync::LazyLock;

use regex::Regex;

/// A display name, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Parsed<'a> {
    /// What all versions share.
    pub base: &'a str,
    /// What stands between base and version.
    pub before: &'a str,
    /// The version, if the name tells one.
    pub version: Option<&'a str>,
    /// What stands after the version: `)`.
    pub after: &'a str,
}

/// Forms in which names end with a version, each with the groups `base`, `before`, `version` and `after`.
static FORMS: LazyLock<Vec<Regex>> = LazyLock::new(|| {
    let date = r"20\d{2}-\d{2}-\d{2}|20\d{6}(?:[.\-_]?\d+)*";
    // Brackets hold all sorts of words: `(x86_64)`, `(2022)`, `(24.04)` are no builds.
    let build =
        r"[^\s()]*20\d{2}-?\d{2}-?\d{2}[^\s()]*|[vV]?\d+(?:\.\d+){2,}[^\s()]*|[vV]\d+(?:\.\d+)+";
    let forms = [
        format!(r"^(?<base>.*\S)(?<before>\s*\()(?<version>{build})(?<after>\))$"),
        format!(r"^(?<base>.*?\S)(?<before>\s+-\s+|[\s._-])(?<version>{date})(?<after>)$"),
        r"^(?<base>.*?\S)(?<before>\s+-\s+|[\s_-])(?<version>v\d+(?:\.\d+)+)(?<after>)$".to_owned(),
    ];
    forms
        .iter()
        .filter_map(|form| Regex::new(form).ok())
        .collect()
});

/// A word that marks the newest: `Ubuntu 22.04 - Latest`.
static LATEST: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"(?i)^(?<base>.*?\S)(?<before>\s+-\s+|[\s_-])latest$").ok());

/// Takes a display name apart.
pub(super) fn parsed(name: &str) -> Parsed<'_> {
    for form in FORMS.iter() {
        if let Some(found) = form.captures(name) {
            let part = |group| found.name(group).map_or("", |part| part.as_str());
            return Parsed {
                base: part("base"),
                before: part("before"),
                version: Some(part("version")),
                after: part("after"),
            };
        }
    }
    let latest = LATEST.as_ref().and_then(|form| form.captures(name));
    if let Some(base) = latest.and_then(|found| found.name("base")) {
        return Parsed {
            base: base.as_str(),
            before: "",
            version: None,
            after: &name[base.end()..],
        };
    }
    Parsed {
        base: name,
        before: "",
        version: None,
        after: "",
    }
}

impl Parsed<'_> {
    /// The template of a stage that gives this name back.
    pub(super) fn template(&self) -> String {
        match self.version {
            Some(_) => format!("{{name}}{}{{version}}{}", self.before, self.after),
            None => format!("{{name}}{}", self.after),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(name: &str) -> (&str, Option<&str>, String) {
        let parsed = parsed(name);
        (parsed.base, parsed.version, parsed.template())
    }

    #[test]
    fn names_are_taken_apart_where_a_version_is_clearly_one() {
        for (name, base, version, template) in [
            (
                "Ubuntu 24.04 (20240501)",
                "Ubuntu 24.04",
                "20240501",
                "{name} ({version})",
            ),
            (
                "Debian 13 (20260720-2545)",
                "Debian 13",
                "20260720-2545",
                "{name} ({version})",
            ),
            (
                "Ubuntu 24.04 2024-05-01",
                "Ubuntu 24.04",
                "2024-05-01",
                "{name} {version}",
            ),
            (
                "debian-13-20260720",
                "debian-13",
                "20260720",
                "{name}-{version}",
            ),
            (
                "rocky_9_20260720.0",
                "rocky_9",
                "20260720.0",
                "{name}_{version}",
            ),
            (
                "Flatcar - 2026-07-25",
                "Flatcar",
                "2026-07-25",
                "{name} - {version}",
            ),
            (
                "ubuntu-24.04-base-v1.1",
                "ubuntu-24.04-base",
                "v1.1",
                "{name}-{version}",
            ),
        ] {
            assert_eq!(
                parts(name),
                (base, Some(version), template.to_owned()),
                "{name}"
            );
        }
    }

    #[test]
    fn a_release_is_no_version() {
        for name in [
            "Ubuntu 24.04",
            "debian-13",
            "CirrOS 0.6.3",
            "Windows 2022",
            "Fedora (Cloud)",
            "Rocky (x86_64)",
            "Ubuntu (24.04)",
            "Windows (2022)",
        ] {
            assert_eq!(parts(name), (name, None, "{name}".to_owned()), "{name}");
        }
    }

    #[test]
    fn a_word_marks_the_newest() {
        let name = "Ubuntu 22.04 Jammy Jellyfish - Latest";
        let expected = (
            "Ubuntu 22.04 Jammy Jellyfish",
            None,
            "{name} - Latest".to_owned(),
        );
        assert_eq!(parts(name), expected);
    }
}
