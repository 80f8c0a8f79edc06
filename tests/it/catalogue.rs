//! The starting catalogue in `images/`: each definition is tracked by a source, looks as `reglaze new` would write it, and pins
//! only what upstreams were seen to publish.

mod evidence;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::slice::from_ref;

use chrono::{TimeZone, Utc};
use reglaze::domain::definition::{self, Definition, Version};
use reglaze::domain::index::{self, Fetched, Step};
use reglaze::domain::manifest;
use reglaze::domain::scaffold;
use reglaze::domain::signature::{Fingerprint, Keyring, verify_clearsigned, verify_detached};
use reglaze::domain::source::{self, BUILT_IN, Form, Source};
use reglaze::domain::template::{self, Escape};
use reglaze::domain::yaml;

use evidence::Evidence;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn catalogue() -> Vec<Definition> {
    let mut files: Vec<_> = std::fs::read_dir(root().join("images"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let parsed = files.iter().flat_map(|path| {
        let text = std::fs::read_to_string(path).unwrap();
        definition::parse(&path.display().to_string(), &text).unwrap()
    });
    parsed.collect()
}

fn sources() -> BTreeMap<&'static str, Source> {
    let parsed = BUILT_IN
        .iter()
        .map(|(name, text)| (*name, source::parse(name, name, text).unwrap()));
    parsed.collect()
}

/// A definition's source, and what it says to it.
fn tracked<'a>(
    definition: &'a Definition,
    sources: &'a BTreeMap<&'static str, Source>,
) -> (&'a Source, &'a BTreeMap<String, String>) {
    let upstream = definition.upstream.as_ref();
    let upstream = upstream.unwrap_or_else(|| panic!("{}: nobody tracks it", definition.name));
    (&sources[upstream.from.as_str()], &upstream.parameters)
}

/// The folder of captures; without one the test that asks for it is skipped.
pub(crate) fn captures() -> Option<PathBuf> {
    let folder = std::env::var_os("REGLAZE_UPSTREAM_CAPTURES")
        .map_or_else(|| root().join("../shared/upstream"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("skipped: no captures");
    None
}

#[test]
fn it_offers_what_every_source_has_on_each_usual_architecture() {
    let (catalogue, sources) = (catalogue(), sources());
    assert!(catalogue.len() >= 40, "{}", catalogue.len());
    let mut offered: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for definition in &catalogue {
        let (source, parameters) = tracked(definition, &sources);
        let architecture = definition.meta["architecture"].as_str();
        let said = parameters.get("arch").map_or("x86_64", String::as_str);
        assert_eq!(said, architecture, "{}", definition.name);
        offered
            .entry(&source.name)
            .or_default()
            .insert(architecture);
    }
    for source in sources.values() {
        let usual = ["aarch64", "x86_64"].into_iter();
        let built: BTreeSet<_> = usual
            .filter(|arch| source.architectures.contains_key(*arch))
            .collect();
        assert_eq!(
            offered.get(source.name.as_str()),
            Some(&built),
            "`{}`",
            source.name
        );
    }
}

#[test]
fn every_definition_asks_its_upstream_for_documents_of_its_own() {
    let sources = sources();
    let mut asked = BTreeSet::new();
    for definition in catalogue() {
        let (source, parameters) = tracked(&definition, &sources);
        let index = source.index(parameters).unwrap();
        let variables = source.variables(parameters).unwrap();
        let step = index::step(source, index, &variables, index.order, &Fetched::new());
        let Ok(Step::Need(requests)) = step else {
            panic!("{}: {step:?}", definition.name);
        };
        let urls: Vec<_> = requests.into_iter().map(|request| request.url).collect();
        assert!(!urls.is_empty(), "{}", definition.name);
        assert!(
            urls.iter().all(|url| url.starts_with("https://")),
            "{urls:?}"
        );
        let said = (source.name.clone(), parameters.clone());
        assert!(
            asked.insert(said),
            "{}: another asks the same",
            definition.name
        );
    }
}

#[test]
fn every_definition_is_what_new_would_write() {
    let sources = sources();
    for definition in catalogue() {
        let (source, parameters) = tracked(&definition, &sources);
        let written = scaffold::scaffold(source, parameters, Some(&definition.name)).unwrap();
        let written = definition::parse("new.yml", &written.file)
            .unwrap()
            .remove(0);
        let facts = |of: &Definition| {
            let mut meta = of.meta.clone();
            // What a person knows of a release, and that nothing more is built of an old one.
            meta.remove("maintained_until");
            meta.remove("replace_frequency");
            let properties = of.policy.as_ref().map(|policy| policy.properties.clone());
            let sizes = (of.min_disk, of.min_ram);
            (
                of.format.clone(),
                of.login.clone(),
                sizes,
                meta,
                properties,
                of.multi,
            )
        };
        assert_eq!(facts(&definition), facts(&written), "{}", definition.name);
        let frequency = definition.meta["replace_frequency"].as_str();
        let promised = written.meta["replace_frequency"].as_str();
        assert!(
            [promised, "never"].contains(&frequency),
            "{}: {frequency}",
            definition.name
        );
    }
}

#[test]
fn every_pinned_url_tells_its_own_source_and_parameters() {
    let sources = sources();
    for definition in catalogue() {
        let (source, parameters) = tracked(&definition, &sources);
        for version in &definition.versions {
            let url = version.url.as_deref().unwrap();
            let told: Vec<_> = sources
                .values()
                .filter(|one| one.infer(url).is_some())
                .map(|one| &one.name)
                .collect();
            assert_eq!(told, [&source.name], "{url}");
            let inferred = source.infer(url).unwrap();
            assert!(inferred.version.is_some(), "{url} moves");
            // The build that a definition begins with may be of another stream: the next one is of its own.
            let same = |name: &&String| ["release", "arch", "variant"].contains(&name.as_str());
            let (wanted, found) = (
                source.variables(parameters).unwrap(),
                source.variables(&inferred.parameters).unwrap(),
            );
            for name in source.parameters.keys().filter(same) {
                let newest = parameters.get(name).is_none_or(|value| value == "newest");
                assert!(newest || wanted[name] == found[name], "{url}: {name}");
            }
        }
    }
}

#[test]
fn every_pinned_digest_is_one_that_an_upstream_was_seen_to_publish() {
    let Some(folder) = captures() else { return };
    let evidence = Evidence::read(&folder);
    let (mut pinned, mut proven) = (0, 0);
    for definition in catalogue() {
        for version in &definition.versions {
            let url = version.url.as_deref().unwrap();
            let captured = evidence.digests(url);
            for digest in [&version.checksum, &version.disk_checksum]
                .into_iter()
                .flatten()
            {
                pinned += 1;
                let seen = captured.contains(digest);
                assert!(
                    seen || captured.is_empty(),
                    "{url}: {digest}, captured {captured:?}"
                );
                if seen {
                    proven += 1;
                } else {
                    eprintln!("no capture of {url}");
                }
            }
        }
    }
    eprintln!("{proven} of {pinned} pinned digests are those of captures");
    assert!(pinned >= 28, "{pinned}");
    assert_eq!(proven, pinned);
}

#[test]
fn every_pinned_signer_signed_the_captured_manifest() {
    let Some(folder) = captures() else { return };
    let evidence = Evidence::read(&folder);
    let sources = sources();
    let mut proven = 0;
    for definition in catalogue() {
        let (source, parameters) = tracked(&definition, &sources);
        for version in &definition.versions {
            assert_eq!(
                version.manifest.is_some(),
                version.signed_by.is_some(),
                "{}",
                definition.name
            );
            if version.signed_by.is_some() {
                prove(&evidence, source, parameters, version);
                proven += 1;
            }
        }
    }
    eprintln!("{proven} pinned builds are proven by captured signatures");
    assert!(proven >= 4, "{proven}");
}

/// Proves a pinned version as `update` does, from captured documents.
fn prove(
    evidence: &Evidence,
    source: &Source,
    parameters: &BTreeMap<String, String>,
    version: &Version,
) {
    let url = version.manifest.as_deref().unwrap();
    let document = |url: &str| {
        evidence
            .document(url)
            .unwrap_or_else(|| panic!("no capture of {url}"))
    };
    let index = source.index(parameters).unwrap();
    let signature = index.signature.as_ref().unwrap();
    let key: Fingerprint = version.signed_by.as_deref().unwrap().parse().unwrap();
    let variables = source.variables(parameters).unwrap();
    assert!(signature.pinned(&variables).contains(&key), "{key}");
    let mut keys = Keyring::default();
    for file in evidence.keys() {
        keys.extend(Keyring::parse(&file).unwrap());
    }
    let now = Utc.with_ymd_and_hms(2026, 11, 21, 0, 0, 0).unwrap();
    let (text, signed) = match &signature.form {
        Form::Clearsigned => {
            verify_clearsigned(&document(url), &keys, from_ref(&key), now).unwrap()
        }
        Form::Detached { url: template } => {
            let names = ["document", "manifest"].map(|name| (name.to_owned(), url.to_owned()));
            let beside = template::fill(template, &names.into(), Escape::Nothing).unwrap();
            let text = document(url);
            let signed =
                verify_detached(&text, &document(&beside), &keys, from_ref(&key), now).unwrap();
            (String::from_utf8(text).unwrap(), signed)
        }
    };
    assert_eq!(signed.key, key);
    let (_, _, file) = index::parts(version.url.as_deref().unwrap()).unwrap();
    let checksum = version.checksum.clone().unwrap();
    let algorithm = Some(checksum.algorithm());
    assert_eq!(
        manifest::digest_of(&text, &file, algorithm).unwrap(),
        checksum
    );
}

#[test]
fn versions_are_lists_also_where_they_are_empty() {
    // A definition without a build is no mistake, but without anybody to find one it would be.
    for definition in catalogue() {
        let count = definition
            .upstream
            .as_ref()
            .and_then(|upstream| upstream.versions);
        assert_eq!(count, Some(3), "{}", definition.name);
        assert!(definition.versions.len() <= 3, "{}", definition.name);
        assert!(
            definition.enable && definition.shortname.is_some(),
            "{}",
            definition.name
        );
    }
    let shortnames: BTreeSet<_> = catalogue().into_iter().map(|one| one.shortname).collect();
    assert_eq!(shortnames.len(), catalogue().len());
}

#[test]
fn each_file_says_what_it_holds_and_ends_with_a_line() {
    for entry in std::fs::read_dir(root().join("images")).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(
            text.starts_with("# ") && text.ends_with('\n'),
            "{}",
            path.display()
        );
        let read: BTreeMap<String, serde_json::Value> = yaml::read("", &text).unwrap();
        assert_eq!(read.keys().collect::<Vec<_>>(), ["images"]);
    }
}
