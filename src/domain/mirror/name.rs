//! What an object is called: by its bytes, or as a template says; one that a definition names already keeps its name.

use regex::Regex;

use super::Rules;
use crate::domain::checksum::Algorithm;
use crate::domain::definition::{Definition, Version};
use crate::domain::template::{self, Escape, TemplateError, Variables};

/// No object can be called so.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// The template cannot be filled.
    #[error("`mirror.name`: {0}")]
    Template(#[from] TemplateError),
    /// A variable has no value here.
    #[error(
        "`mirror.name` asks for `{variable}`, which version `{version}` does not have; add it there, or use another template"
    )]
    Empty {
        /// The variable.
        variable: String,
        /// The version.
        version: String,
    },
    /// A name that not every store and every URL takes.
    #[error(
        "`{name}` is no name for an object; expected parts of letters, digits and `-._~=@,` that do not begin with a dot, between slashes; check `mirror.name` or `mirror_url`"
    )]
    Unusable {
        /// The name.
        name: String,
    },
}

impl Rules {
    /// The default: the same bytes have the same name, and others never.
    pub const NAME: &str = "{algorithm}/{digest}/{filename}";

    /// The object that a URL means; nothing if it is not one of this mirror.
    pub fn object<'a>(&self, url: &'a str) -> Option<&'a str> {
        url.strip_prefix(self.public_url.as_deref()?)
    }

    /// The object that a version names already; of several, the first.
    pub fn named<'a>(&self, version: &'a Version) -> Option<&'a str> {
        self.all_named(version).next()
    }

    /// All objects that a version names.
    pub fn all_named<'a>(&self, version: &'a Version) -> impl Iterator<Item = &'a str> {
        let mirrors = version.mirrors.iter();
        mirrors.filter_map(|mirror| self.object(&mirror.url))
    }

    /// The URL of an object.
    pub fn url(&self, name: &str) -> Option<String> {
        Some(format!("{}{name}", self.public_url.as_deref()?))
    }

    /// What the object of a version is called.
    pub fn name(&self, definition: &Definition, version: &Version) -> Result<String, NameError> {
        let name = match self.named(version) {
            Some(name) => name.to_owned(),
            None => self.filled(definition, version)?,
        };
        if is_usable(&name) {
            Ok(name)
        } else {
            Err(NameError::Unusable { name })
        }
    }

    /// Whether the template could have made this name, of whatever version.
    ///
    /// A template that is hardly more than one variable could have made nearly any.
    pub fn could_name(&self, name: &str) -> bool {
        let pattern = template::pattern(&self.name, values);
        let pattern = Regex::new(&pattern);
        is_usable(name) && pattern.is_ok_and(|pattern| pattern.is_match(name))
    }

    fn filled(&self, definition: &Definition, version: &Version) -> Result<String, NameError> {
        let variables = variables(definition, version);
        let empty = template::variables(&self.name)
            .into_iter()
            .find(|name| variables.get(*name).is_some_and(String::is_empty));
        match empty {
            Some(variable) => Err(NameError::Empty {
                variable: variable.to_owned(),
                version: version.version.clone(),
            }),
            None => Ok(template::fill(&self.name, &variables, Escape::Nothing)?),
        }
    }
}

fn variables(definition: &Definition, version: &Version) -> Variables {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let filename = filename(version.url.as_deref().unwrap_or_default());
    let digest = |algorithm| {
        let checksum = version.checksum.as_ref();
        let checksum = checksum.filter(|checksum| checksum.algorithm() == algorithm);
        checksum.map_or_else(String::new, |checksum| checksum.hex().to_owned())
    };
    let checksum = version.checksum.as_ref();
    let date = version.build_date.map(|date| date.to_string());
    let named = [
        ("name", definition.name.clone()),
        ("version", version.version.clone()),
        ("shortname", text(&definition.shortname)),
        ("format", definition.format.clone()),
        ("build_date", date.unwrap_or_default()),
        ("extension", extension(&filename).to_owned()),
        ("filename", filename),
        (
            "algorithm",
            checksum.map_or_else(String::new, |one| one.algorithm().to_string()),
        ),
        (
            "digest",
            checksum.map_or_else(String::new, |one| one.hex().to_owned()),
        ),
        ("checksum.sha256", digest(Algorithm::Sha256)),
        ("checksum.sha512", digest(Algorithm::Sha512)),
        (
            "arch",
            definition
                .meta
                .get("architecture")
                .cloned()
                .unwrap_or_default(),
        ),
    ];
    let named = named.map(|(name, value)| (name.to_owned(), value));
    let of = |kind: &'static str| {
        move |(key, value): (&String, &String)| (format!("{kind}.{key}"), value.clone())
    };
    named
        .into_iter()
        .chain(definition.meta.iter().map(of("meta")))
        .chain(version.meta.iter().map(of("meta")))
        .chain(definition.vars.iter().map(of("vars")))
        .collect()
}

/// The regular expression of a variable's values, as far as their kind is known.
fn values(variable: &str, format: Option<&str>) -> &'static str {
    match (variable, format) {
        ("algorithm", _) => "sha[0-9]+",
        ("digest" | "checksum.sha256" | "checksum.sha512", _) => "[0-9a-f]{56,128}",
        ("build_date", None) => "[0-9]{4}-[0-9]{2}-[0-9]{2}",
        ("filename" | "extension", _) => "[^/]+",
        _ => ".+",
    }
}

/// The last part of a URL's path, fit for a name.
fn filename(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    let fit = |letter: char| if is_fit(letter) { letter } else { '-' };
    name.trim_start_matches('.').chars().map(fit).collect()
}

/// `qcow2`, `tar.gz`: how a name ends, with what it is packed in.
fn extension(name: &str) -> &str {
    const PACKED: [&str; 6] = ["bz2", "gz", "xz", "zip", "zst", "tar"];
    let Some((stem, last)) = name.rsplit_once('.') else {
        return "";
    };
    match stem.rsplit_once('.') {
        Some((_, before))
            if PACKED.contains(&last)
                && before.chars().all(|one| one.is_ascii_alphanumeric())
                && before.starts_with(|one: char| one.is_ascii_alphabetic()) =>
        {
            &name[name.len() - before.len() - 1 - last.len()..]
        }
        _ => last,
    }
}

fn is_fit(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || "-._~=@,".contains(letter)
}

/// Whether every store takes it as it is, and a URL shows it unchanged.
pub(super) fn is_usable(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && part.chars().all(is_fit);
    name.len() <= 900 && name.split('/').all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::mirror::decision::tests::{definition, rules};

    fn named(template: &str, extra: &str) -> Result<String, String> {
        let mut definition = definition("https://a.example/x/ubuntu+24.04 amd64.img.xz?a=b", extra);
        definition.shortname = Some("ubuntu-24.04".to_owned());
        let rules = Rules {
            name: template.to_owned(),
            ..rules()
        };
        let name = rules.name(&definition, &definition.versions[0]);
        name.map_err(|error| error.to_string())
    }

    #[test]
    fn an_object_is_called_by_its_bytes() {
        let digest = "a".repeat(64);
        assert_eq!(
            named(Rules::NAME, "").unwrap(),
            format!("sha256/{digest}/ubuntu-24.04-amd64.img.xz")
        );
    }

    #[test]
    fn the_layout_of_openstack_image_manager_is_a_template() {
        let template = "openstack-images/{shortname}/{version}-{shortname}.{extension}";
        assert_eq!(
            named(template, "").unwrap(),
            "openstack-images/ubuntu-24.04/1-ubuntu-24.04.img.xz"
        );
    }

    #[test]
    fn an_object_that_is_named_already_keeps_its_name() {
        let ours = "    mirror_url: https://mirror.example/any/where.qcow2\n";
        assert_eq!(named(Rules::NAME, ours).unwrap(), "any/where.qcow2");
        let foreign = "    mirror_url: https://other.example/any/where.qcow2\n";
        assert!(named(Rules::NAME, foreign).unwrap().starts_with("sha256/"));
    }

    #[test]
    fn what_cannot_be_a_name_is_said() {
        let refused = [
            "{build_date}",
            "{nobody}",
            "{name}",
            "../{version}",
            "a//{version}",
        ]
        .map(|template| named(template, "").unwrap_err());
        insta::assert_snapshot!(refused[0], @"`mirror.name` asks for `build_date`, which version `1` does not have; add it there, or use another template");
        assert!(refused[1].contains("unknown variable `nobody`"));
        insta::assert_snapshot!(refused[2], @"`An image` is no name for an object; expected parts of letters, digits and `-._~=@,` that do not begin with a dot, between slashes; check `mirror.name` or `mirror_url`");
        assert!(refused[3].contains("`../1`") && refused[4].contains("`a//1`"));
        let hostile = "    mirror_url: https://mirror.example/../secret\n";
        assert!(named(Rules::NAME, hostile).is_err());
    }

    #[test]
    fn a_name_that_the_template_could_not_have_made_is_not_ours() {
        let could = |template: &str, name: &str| {
            let rules = Rules {
                name: template.to_owned(),
                ..rules()
            };
            rules.could_name(name)
        };
        let digest = "a".repeat(64);
        assert!(could(Rules::NAME, &format!("sha256/{digest}/a.img")));
        assert!(could(Rules::NAME, &named(Rules::NAME, "").unwrap()));
        for foreign in [
            "a.img".to_owned(),
            format!("sha256/{digest}"),
            format!("sha256/{digest}/a/b.img"),
            format!("sha256/{digest}/.a.img"),
            format!("backup/sha256/{digest}/a.img"),
            format!("sha256/{}/a.img", "x".repeat(64)),
        ] {
            assert!(!could(Rules::NAME, &foreign), "{foreign}");
        }
        let oim = "{shortname}/{version}-{shortname}.{extension}";
        assert!(could(oim, &named(oim, "").unwrap()));
        assert!(!could(oim, "backup/database.dump"));
        assert!(could("{build_date:%Y}/{name}", "2026/a"));
    }

    #[test]
    fn an_extension_tells_what_a_file_is_packed_in() {
        let of = ["a.img", "a.img.xz", "b-1.2.tar.gz", "1.2.gz", "none"].map(extension);
        assert_eq!(of, ["img", "img.xz", "tar.gz", "gz", ""]);
    }
}
