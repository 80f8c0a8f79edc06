//! Definitions → objects that are wanted; what the store has of each → what is done.

use std::collections::BTreeMap;

use super::{Rules, Stored};
use crate::domain::checksum::Checksum;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;

/// An object that a definition wants.
#[derive(Debug, Clone)]
pub struct Wish<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// Which of its versions.
    pub index: usize,
    /// What the object is called.
    pub name: String,
    /// The digest of its bytes.
    pub checksum: &'a Checksum,
    /// Whether the version's `mirror_url` names it.
    pub is_named: bool,
}

impl Wish<'_> {
    /// The version.
    pub fn version(&self) -> &Version {
        &self.definition.versions[self.index]
    }
}

/// What is done about a wished object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// It is there.
    Nothing,
    /// It is brought.
    Upload,
    /// It is there, and nobody has said yet that its bytes are right.
    Prove,
    /// Other bytes are there under its name; nothing that is there is overwritten.
    Leave,
}

/// What is done about a wished object, by what the store has under its name.
///
/// Our own mark on it tells what was proven. One without the mark counts where reviewed definitions name it; else it is read.
pub fn deed(wish: &Wish, stored: Option<&Stored>) -> Deed {
    let Some(stored) = stored else {
        return Deed::Upload;
    };
    match &stored.checksum {
        Some(checksum) if checksum == wish.checksum => Deed::Nothing,
        // By another algorithm it may be the same.
        Some(checksum) if checksum.algorithm() != wish.checksum.algorithm() => Deed::Prove,
        Some(_) => Deed::Leave,
        None if wish.is_named => Deed::Nothing,
        None => Deed::Prove,
    }
}

/// The objects that definitions want, and why some versions want none.
///
/// Disabled definitions, moving versions and files of one machine are passed over. A name that would stand for two different
/// digests is nobody's.
pub fn wishes<'a>(definitions: &'a [Definition], rules: &Rules) -> (Vec<Wish<'a>>, Vec<Finding>) {
    let mut wishes: Vec<Wish> = Vec::new();
    let mut findings = Vec::new();
    for definition in definitions.iter().filter(|one| one.enable) {
        for (index, version) in definition.versions.iter().enumerate() {
            let Some(checksum) = wanted(version) else {
                continue;
            };
            match rules.name(definition, version) {
                Ok(name) => wishes.push(Wish {
                    definition,
                    index,
                    name,
                    checksum,
                    is_named: rules.named(version).is_some(),
                }),
                Err(error) => {
                    let message = error.to_string();
                    findings.push(told(definition, version, "mirror-name", message));
                }
            }
        }
    }
    let mut digests: BTreeMap<&str, Vec<&Checksum>> = BTreeMap::new();
    for wish in &wishes {
        let known = digests.entry(&wish.name).or_default();
        if !known.contains(&wish.checksum) {
            known.push(wish.checksum);
        }
    }
    // Digests of two algorithms may be of the same bytes: what lies there tells, and is read.
    let differ = |known: &Vec<&Checksum>| {
        known.iter().enumerate().any(|(at, one)| {
            known[..at]
                .iter()
                .any(|other| other.algorithm() == one.algorithm())
        })
    };
    let shared: Vec<String> = digests
        .into_iter()
        .filter(|(_, known)| differ(known))
        .map(|(name, _)| name.to_owned())
        .collect();
    let (disputed, agreed): (Vec<Wish>, Vec<Wish>) = wishes
        .into_iter()
        .partition(|wish| shared.contains(&wish.name));
    for wish in disputed {
        let message = format!(
            "the object `{}` would have to be of two different digests; let `mirror.name` hold `{{version}}` or `{{digest}}`",
            wish.name
        );
        findings.push(told(
            wish.definition,
            wish.version(),
            "mirror-name",
            message,
        ));
    }
    (agreed, findings)
}

/// The digest of a version whose bytes anybody may be given.
fn wanted(version: &Version) -> Option<&Checksum> {
    let url = version.url.as_deref()?;
    let is_local = url.starts_with("file:");
    let checksum = version.checksum.as_ref()?;
    (!version.is_moving() && !is_local && !checksum.is_weak()).then_some(checksum)
}

fn told(
    definition: &Definition,
    version: &Version,
    rule: &'static str,
    message: String,
) -> Finding {
    let at = version.at;
    Finding::error(rule, message)
        .at(&definition.file, at)
        .image(&definition.name)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::definition;

    pub fn rules() -> Rules {
        Rules {
            public_url: Some("https://mirror.example/".to_owned()),
            name: Rules::NAME.to_owned(),
        }
    }

    pub fn definitions(text: &str) -> Vec<Definition> {
        definition::parse("images/a.yml", text).unwrap()
    }

    pub fn definition(url: &str, extra: &str) -> Definition {
        let digest = "a".repeat(64);
        definitions(&format!(
            "images:\n- name: An image\n  format: raw\n  login: u\n  versions:\n  - version: '1'\n    url: {url}\n    \
             checksum: sha256:{digest}\n{extra}"
        ))
        .remove(0)
    }

    fn checksum(digit: &str) -> Checksum {
        format!("sha256:{}", digit.repeat(64)).parse().unwrap()
    }

    fn wished(extra: &str, stored: Option<&Stored>) -> Deed {
        let definitions = [definition("https://a.example/a.img", extra)];
        let (wishes, _) = wishes(&definitions, &rules());
        deed(&wishes[0], stored)
    }

    #[test]
    fn what_is_not_there_is_brought_and_nothing_is_overwritten() {
        let named = "    mirror_url: https://mirror.example/a\n";
        let foreign = "    mirror_url: https://other.example/a\n";
        let stored = |checksum| Stored { size: 1, checksum };
        let ours = stored(Some(checksum("a")));
        let other = stored(Some(checksum("b")));
        let theirs = stored(None);
        assert_eq!(wished("", None), Deed::Upload);
        assert_eq!(wished(named, None), Deed::Upload);
        assert_eq!(wished("", Some(&ours)), Deed::Nothing);
        assert_eq!(wished("", Some(&other)), Deed::Leave);
        assert_eq!(wished(named, Some(&other)), Deed::Leave);
        // Of another tool: read before it is named, and reviewed once it is.
        assert_eq!(wished("", Some(&theirs)), Deed::Prove);
        assert_eq!(wished(foreign, Some(&theirs)), Deed::Prove);
        assert_eq!(wished(named, Some(&theirs)), Deed::Nothing);
        let sha512 = format!("sha512:{}", "a".repeat(128)).parse().unwrap();
        assert_eq!(wished("", Some(&stored(Some(sha512)))), Deed::Prove);
    }

    #[test]
    fn what_nobody_may_be_given_or_nobody_can_prove_is_passed_over() {
        let digest = "a".repeat(64);
        let text = format!(
            "images:\n- name: A\n  format: raw\n  login: u\n  versions:\n  - {{version: latest, url: 'https://a.example/a'}}\n  \
             - {{version: '1', url: 'file:///srv/windows.img', checksum: 'sha256:{digest}'}}\n  \
             - {{version: '2', url: 'https://a.example/b', checksum: 'md5:{}'}}\n  \
             - {{version: '3', url: 'https://a.example/c', checksum: 'sha256:{digest}'}}\n- name: B\n  format: raw\n  login: u\n  \
             enable: false\n  versions:\n  - {{version: '4', url: 'https://a.example/d', checksum: 'sha256:{digest}'}}\n",
            "a".repeat(32)
        );
        let definitions = definitions(&text);
        let (wishes, findings) = wishes(&definitions, &rules());
        let versions: Vec<_> = wishes.iter().map(|wish| &wish.version().version).collect();
        assert_eq!(versions, ["3"]);
        assert!(findings.is_empty());
    }

    #[test]
    fn a_name_for_two_different_images_is_nobodys() {
        let mut two = [
            definition("https://a.example/a.img", ""),
            definition("https://b.example/a.img", ""),
        ];
        two[1].versions[0].checksum = Some(checksum("b"));
        let rules = Rules {
            name: "{filename}".to_owned(),
            ..rules()
        };
        let (wishes, findings) = wishes(&two, &rules);
        assert!(wishes.is_empty());
        assert_eq!(findings.len(), 2);
        insta::assert_snapshot!(findings[0].message, @"the object `a.img` would have to be of two different digests; let `mirror.name` hold `{version}` or `{digest}`");
        // The same image twice is one object.
        two[1].versions[0].checksum = Some(checksum("a"));
        assert_eq!(super::wishes(&two, &rules).0.len(), 2);
    }
}
