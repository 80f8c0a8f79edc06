//! Every built-in source, and the example of an own one, through the binary: one folder of `tests/data/sources/` each, on real documents where there are any.

mod case;
mod publish;
mod stage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reglaze::domain::checksum::Checksum;
use reglaze::domain::definition;
use serde_json::Value;

use crate::catalogue::captures;
use crate::update::world::{World, built_in};
use case::{Case, Evidence};
use stage::{Image, Keys, Stage};

/// The names of the built-in sources.
fn built_in_names() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("sources");
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.strip_suffix(".yml").map(str::to_owned)
        })
        .collect();
    names.sort();
    names
}

/// All cases that can run here, the captures that they read, and how many cannot run for want of those.
fn cases() -> (Vec<Case>, Option<PathBuf>, usize) {
    let captures = captures();
    let names = case::with_cases();
    let all = names.iter().flat_map(|name| case::load(name));
    let (absent, here): (Vec<_>, Vec<_>) =
        all.partition(|case| case.needs_captures() && captures.is_none());
    (here, captures, absent.len())
}

#[test]
fn every_built_in_source_has_cases_and_says_truly_what_they_are() {
    let names = built_in_names();
    let mut folders = case::with_cases();
    folders.retain(|name| !case::is_own(name));
    assert_eq!(names, folders, "sources, and folders of cases");
    for name in names {
        let cases = case::load(&name);
        let best = cases.iter().map(|case| case.evidence).max();
        let best = best.unwrap_or_else(|| panic!("source `{name}` has no case"));
        let source: BTreeMap<String, Value> = serde_saphyr::from_str(&built_in(&name)).unwrap();
        let said = source.get("tested_on").and_then(Value::as_str);
        let word = match best {
            Evidence::Capture => "capture",
            Evidence::Sample => "sample",
        };
        assert_eq!(said, Some(word), "`tested_on` of source `{name}`");
    }
}

#[test]
fn update_finds_and_proves_the_newest_build_of_every_source() {
    let (cases, captures, absent) = cases();
    let keys = Keys::default();
    let mut ran = 0;
    for stage in stage::stages(&cases, &keys, captures.as_deref(), false) {
        let (world, images) = stage.build(&keys, captures.as_deref());
        let run = world.update(&["--write"]);
        let context = || stage::errors(&world, &run);
        for image in &images {
            let found = entry(&run.json, &image.name)
                .unwrap_or_else(|| panic!("no `{}`: {}", image.name, context()));
            judge(image, found, &keys, &context);
        }
        assert_eq!(
            stage.unasked(&world),
            Vec::<&str>::new(),
            "never asked for; {}",
            context()
        );
        holds_what_was_found(&world, &images, &context);
        finds_nothing_twice(&stage, &world, &images);
        ran += stage.cases.len();
    }
    assert_eq!(ran, cases.len());
    let on = |evidence| {
        cases
            .iter()
            .filter(|case| case.evidence == evidence)
            .count()
    };
    eprintln!(
        "{} sources: {} cases on captures, {} on samples, {absent} skipped for want of captures",
        case::with_cases().len(),
        on(Evidence::Capture),
        on(Evidence::Sample),
    );
}

#[test]
fn no_signed_source_takes_a_manifest_of_which_one_digit_has_changed() {
    let (cases, captures, _) = cases();
    let is_signed = |case: &&Case| {
        let newest = case.newest.as_ref();
        newest.is_some_and(|newest| newest.verified == "signature")
    };
    let keys = Keys::default();
    let signed = cases.iter().filter(is_signed);
    for stage in stage::stages(signed, &keys, captures.as_deref(), true) {
        let (world, images) = stage.build(&keys, captures.as_deref());
        let run = world.update(&["--write"]);
        for image in &images {
            let found = entry(&run.json, &image.name).unwrap();
            let error = found["error"].as_str().unwrap_or_default();
            assert!(
                found["outcome"] == "failed" && error.contains("signature"),
                "{}: {found:#}\n{}",
                image.name,
                stage::errors(&world, &run)
            );
        }
        assert!(
            !world.catalogue().contains("checksum:"),
            "{}",
            world.catalogue()
        );
    }
}

fn entry<'a>(json: &'a Value, name: &str) -> Option<&'a Value> {
    let mut images = json["images"].as_array()?.iter();
    images.find(|image| image["name"] == name)
}

/// Holds an image of the JSON against its case.
fn judge(image: &Image, found: &Value, keys: &Keys, context: &dyn Fn() -> String) {
    let Image { case, name, .. } = image;
    if let Some(part) = &case.fails {
        let error = found["error"].as_str().unwrap_or_default();
        assert!(
            found["outcome"] == "failed" && error.contains(part.as_str()),
            "{name}: expected to fail with `{part}`, found {found:#}\n{}",
            context()
        );
        return;
    }
    let newest = case.newest.as_ref().unwrap();
    let key = newest.key.as_ref().map(|key| {
        if case.is_signed_by_us() {
            keys.instead_of(key).fingerprint.clone()
        } else {
            key.clone()
        }
    });
    let expected = serde_json::json!({
        "outcome": "updated",
        "version": newest.version,
        "url": newest.url,
        "checksum": image.digests.as_ref().map(|(file, _)| file),
        "build_date": newest.build_date,
        "verified": {"by": newest.verified, "key": key, "manifest": newest.manifest},
        "error": null,
    });
    for (field, value) in expected.as_object().unwrap() {
        assert_eq!(
            &found[field],
            value,
            "{name}, {field}: {found:#}\n{}",
            context()
        );
    }
}

/// The written definitions are valid and hold the builds.
fn holds_what_was_found(world: &World, images: &[Image], context: &dyn Fn() -> String) {
    let written = definition::parse("images/catalogue.yml", &world.catalogue()).unwrap();
    for Image {
        case,
        name,
        digests,
    } in images
    {
        let definition = written
            .iter()
            .find(|definition| definition.name == *name)
            .unwrap();
        let Some(newest) = &case.newest else {
            assert!(definition.versions.is_empty(), "{name}: {}", context());
            continue;
        };
        let [version] = definition.versions.as_slice() else {
            panic!("{name}: {}", context());
        };
        assert_eq!(version.version, newest.version, "{name}");
        assert_eq!(version.url.as_ref(), Some(&newest.url), "{name}");
        let text = |checksum: &Option<Checksum>| checksum.as_ref().map(ToString::to_string);
        let (file, disk) = digests.clone().unzip();
        assert_eq!(text(&version.checksum), file, "{name}");
        assert_eq!(text(&version.disk_checksum), disk.flatten(), "{name}");
        assert_eq!(version.computed.keys(), newest.computed, "{name}");
        assert_eq!(version.signed_by.is_some(), newest.key.is_some(), "{name}");
    }
}

/// What was written is known the next time, and its bytes are not fetched again.
fn finds_nothing_twice(stage: &Stage, world: &World, images: &[Image]) {
    let before = world.catalogue();
    world.server.forget();
    let run = world.update(&["--write"]);
    for image in images.iter().filter(|image| image.case.newest.is_some()) {
        let found = entry(&run.json, &image.name).unwrap();
        assert_eq!(
            found["outcome"],
            "current",
            "{found:#}\n{}",
            stage::errors(world, &run)
        );
    }
    assert_eq!(world.catalogue(), before, "{} cases", stage.cases.len());
    let asked = world.server.counts();
    assert!(
        stage.images().all(|url| !asked.contains_key(url)),
        "{asked:?}"
    );
}
