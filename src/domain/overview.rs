//! A source as somebody sees it who chooses one: what it takes, how its newest build is found, and why a digest of it
//! may be believed.

use std::collections::BTreeMap;

use super::signature::Fingerprint;
use super::source::{Digest, DiskDigest, Engine, Form, Index, Of, Parameter, Source};
use super::version::Order;

/// A parameter and its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// Taken where nothing is said.
    pub default: Option<String>,
    /// The values that are known, oldest release first.
    pub values: Vec<String>,
    /// Whether others are taken as well.
    pub is_open: bool,
}

/// How the digest of an image is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// The parameters for which it is so; empty: for all others.
    pub when: BTreeMap<String, String>,
    /// The word that `update` writes.
    pub by: By,
    /// Where the digest is from, and who signs what.
    pub how: String,
}

/// What vouches for a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A signature by a pinned key.
    Signature,
    /// What the upstream's host says over https.
    Checksum,
    /// Our own download, since the upstream says nothing.
    Computed,
}

impl By {
    /// The word in definitions and reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signature => "signature",
            Self::Checksum => "checksum",
            Self::Computed => "computed",
        }
    }
}

/// A pinned key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The full fingerprint of the primary key.
    pub fingerprint: Fingerprint,
    /// Where it is published; a template where only a definition says all of it.
    pub url: String,
    /// The values for which it counts, as `release 9`; empty: for all.
    pub only: Vec<String>,
}

/// The parameters, the usual ones first.
pub fn choices(source: &Source) -> Vec<Choice> {
    let mut choices: Vec<_> = source
        .parameters
        .iter()
        .map(|(name, parameter)| choice(source, name, parameter))
        .collect();
    choices.sort_by_key(|choice| rank(&choice.name));
    choices
}

fn choice(source: &Source, name: &str, parameter: &Parameter) -> Choice {
    let is_closed = if name == "arch" {
        !source.architectures.is_empty()
    } else {
        !parameter.values.is_empty()
    };
    Choice {
        name: name.to_owned(),
        default: parameter.default.clone(),
        values: source.known_values(name),
        is_open: !is_closed,
    }
}

/// The order in which people look for parameters.
pub fn rank(parameter: &str) -> usize {
    let usual = ["release", "stream", "variant"];
    let last = usual.len() + 1;
    match parameter {
        "arch" => last,
        other => usual
            .iter()
            .position(|usual| *usual == other)
            .unwrap_or(usual.len()),
    }
}

/// How the newest build is found: each way once.
pub fn engines(source: &Source) -> Vec<&'static str> {
    let mut engines = Vec::new();
    for index in &source.indexes {
        let pointer = index.pointer.as_ref().map(|_| "pointer");
        let engine = match index.engine {
            Engine::Pointed => None,
            Engine::Simplestreams { .. } => Some("simplestreams"),
            Engine::Listing { .. } => Some("listing"),
            Engine::Json { .. } => Some("json"),
            Engine::Github { .. } => Some("github"),
        };
        for word in pointer.into_iter().chain(engine) {
            if !engines.contains(&word) {
                engines.push(word);
            }
        }
    }
    engines
}

/// How digests are proven: each way once, with the parameters for which it is another than the usual one.
pub fn proofs(source: &Source) -> Vec<Proof> {
    let mut proofs: Vec<Proof> = Vec::new();
    for index in &source.indexes {
        let (by, how) = (by(index), how(index));
        let known = proofs.iter_mut().find(|proof| proof.how == how);
        match known {
            // Two lists that are proven alike: no single condition tells them any more.
            Some(known) => known.when.clear(),
            None => proofs.push(Proof {
                when: index.when.clone(),
                by,
                how,
            }),
        }
    }
    if let [only] = proofs.as_mut_slice() {
        only.when.clear();
    }
    proofs
}

fn by(index: &Index) -> By {
    match index.checksum {
        _ if index.signs_digest() => By::Signature,
        Digest::Computed(_) => By::Computed,
        Digest::Manifest { .. } | Digest::Told { .. } => By::Checksum,
    }
}

fn how(index: &Index) -> String {
    let signed = |of: Of| {
        let form = &index.signature_of(of)?.form;
        Some(match form {
            Form::Detached { .. } => "with a detached signature",
            Form::Clearsigned => "that is clearsigned",
        })
    };
    let unsigned = "over https, unsigned";
    let mut parts = vec![match &index.checksum {
        Digest::Manifest { .. } => match signed(Of::Manifest) {
            Some(signed) => format!("checksum file {signed}"),
            None if index.signs_digest() => "checksum file".to_owned(),
            None => format!("checksum file {unsigned}"),
        },
        Digest::Told { .. } if index.signs_digest() => "digest in the index".to_owned(),
        Digest::Told {
            otherwise: Some(_), ..
        } => format!("digest in the index, {unsigned}; our own download where it has none"),
        Digest::Told { .. } => format!("digest in the index, {unsigned}"),
        Digest::Computed(_) => "our own download, once; the upstream gives none".to_owned(),
    }];
    if let Some(signed) = signed(Of::Index) {
        parts.push(format!("index {signed}"));
    }
    if signed(Of::Image).is_some() {
        parts.push("image with a detached signature".to_owned());
    }
    match index.disk.as_ref().map(|disk| &disk.digest) {
        Some(DiskDigest::Told { .. }) => parts.push("digest of the disk inside too".to_owned()),
        Some(DiskDigest::Computed(_)) => {
            parts.push("digest of the disk inside computed by us".to_owned());
        }
        None => {}
    }
    parts.join("; ")
}

/// The pinned keys, each once.
pub fn keys(source: &Source) -> Vec<Key> {
    let mut keys: Vec<_> = source
        .pins()
        .into_iter()
        .map(|pin| {
            let url = source.key_url(pin.signature, &pin.variables, pin.fingerprint);
            Key {
                fingerprint: pin.fingerprint.clone(),
                url: url.unwrap_or_else(|_| pin.signature.key_url.clone()),
                only: only(source, pin.fingerprint),
            }
        })
        .collect();
    // Release 9 before release 10; what counts for all comes first.
    keys.sort_by(|one: &Key, other| {
        Order::Natural.compare(&one.only.join(" "), &other.only.join(" "))
    });
    keys
}

fn only(source: &Source, fingerprint: &Fingerprint) -> Vec<String> {
    let signatures = || {
        source
            .indexes
            .iter()
            .filter_map(|index| index.signature.as_ref())
    };
    if signatures().any(|signature| signature.keys.contains(fingerprint)) {
        return Vec::new();
    }
    let mut only = Vec::new();
    for (name, by_value) in signatures().flat_map(|signature| &signature.keys_by) {
        for (value, keys) in by_value {
            let word = format!("{name} {value}");
            if keys.contains(fingerprint) && !only.contains(&word) {
                only.push(word);
            }
        }
    }
    only
}

/// A `new` line that works: what is needed, at its newest value.
pub fn example(source: &Source) -> String {
    let mut line = format!("reglaze new {}", source.name);
    for choice in choices(source) {
        if choice.default.is_some() {
            continue;
        }
        let newest = choice.values.last().map_or("…", String::as_str);
        line.push(' ');
        line.push_str(&super::scaffold::flag(&choice.name));
        line.push_str(newest);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source;

    /// A source with these lines in the place of what proves its digests.
    fn with(proof: &str) -> Source {
        let text = format!(
            "title: Example\nparameters:\n  arch: {{default: x86_64}}\n  release: {{known: ['9', '10']}}\n  colour: {{default: red, values: [red, blue]}}\n\
             indexes:\n  - engine: listing\n    url: https://images.example/{{release}}/\n    file: '^disk-(?<version>\\d+)\\.img$'\n{proof}"
        );
        source::parse("example", "sources/example.yml", &text).unwrap()
    }

    const KEY: &str = "0123456789012345678901234567890123456789";
    const OTHER: &str = "9876543210987654321098765432109876543210";

    #[test]
    fn each_way_to_prove_a_digest_has_its_words() {
        let manifest = "checksum: {url: '{folder}SUMS'}\n";
        let signed = |of: &str, url: &str| {
            format!(
                "signature: {{form: detached, of: {of}, url: '{url}', keys: [{KEY}], key_url: 'https://images.example/key'}}\n"
            )
        };
        let words: Vec<_> = [
            manifest.to_owned(),
            manifest.to_owned() + &signed("manifest", "{manifest}.gpg"),
            manifest.to_owned() + &signed("image", "{url}.sig"),
            "checksum: {compute: sha256}\n".to_owned(),
            "checksum: {compute: sha256}\n".to_owned() + &signed("image", "{url}.sig"),
            format!("{manifest}disk: {{compute: sha256}}\nsignature: {{form: clearsigned, keys: [{KEY}], key_url: 'https://images.example/key'}}\n"),
        ]
        .iter()
        .map(|proof| {
            let proofs = proofs(&with(proof));
            assert_eq!(proofs.len(), 1);
            format!("{}: {}", proofs[0].by.name(), proofs[0].how)
        })
        .collect();
        insta::assert_snapshot!(words.join("\n"), @r"
        checksum: checksum file over https, unsigned
        signature: checksum file with a detached signature
        signature: checksum file; image with a detached signature
        computed: our own download, once; the upstream gives none
        signature: our own download, once; the upstream gives none; image with a detached signature
        signature: checksum file that is clearsigned; digest of the disk inside computed by us
        ");
    }

    #[test]
    fn lists_that_are_proven_in_another_way_say_for_what() {
        let text = include_str!("../../sources/debian.yml");
        let plain = source::parse("debian", "sources/debian.yml", text).unwrap();
        assert_eq!(proofs(&plain).len(), 1);
        assert!(proofs(&plain)[0].when.is_empty());
        let mixed = text.replacen(
            "    engine: listing\n",
            "    engine: listing\n    checksum: {compute: sha512}\n",
            1,
        );
        let mixed = source::parse("debian", "sources/debian.yml", &mixed).unwrap();
        let proofs = proofs(&mixed);
        assert_eq!((proofs[0].by, proofs[1].by), (By::Computed, By::Checksum));
        assert_eq!(proofs[0].when["stream"], "release");
    }

    #[test]
    fn a_key_says_for_which_values_it_counts() {
        let proof = format!(
            "checksum: {{url: '{{folder}}SUMS'}}\nsignature: {{form: detached, url: '{{manifest}}.gpg', keys: [{KEY}], keys_by: {{release: {{'9': [{OTHER}], '10': [{OTHER}]}}}}, key_url: 'https://images.example/{{fingerprint}}'}}\n"
        );
        let keys = keys(&with(&proof));
        assert_eq!(keys[0].only, Vec::<String>::new());
        let only: Vec<_> = keys[1].only.iter().map(String::as_str).collect();
        assert!(
            only.contains(&"release 9") && only.contains(&"release 10"),
            "{only:?}"
        );
        assert_eq!(keys[1].url, format!("https://images.example/{OTHER}"));
    }

    #[test]
    fn the_usual_parameters_come_first_and_the_example_says_what_is_needed() {
        let source = with("checksum: {compute: sha256}\n");
        let choices = choices(&source);
        let names: Vec<_> = choices.iter().map(|choice| choice.name.as_str()).collect();
        assert_eq!(names, ["release", "colour", "arch"]);
        assert!(choices[0].is_open && !choices[1].is_open);
        assert_eq!(example(&source), "reglaze new example --release 10");
    }
}
