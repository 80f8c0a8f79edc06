//! The engines on samples of upstream indexes: one directory of `tests/data/upstreams/` for each upstream.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use reglaze::domain::index::{self, Document, Fetched, Step};
use reglaze::domain::source::{self, BUILT_IN};

#[test]
fn every_sample_gives_its_newest_build_or_says_why_not() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/upstreams");
    let mut count = 0;
    for folder in std::fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let sample = std::fs::read_to_string(&path).unwrap();
            let (question, answer) = sample.split_once("\n<<<\n").unwrap();
            assert_eq!(newest(question), answer.trim_end(), "{}", path.display());
            count += 1;
        }
    }
    assert!(count > 50, "only {count} samples were found");
}

#[test]
fn every_file_of_sources_is_built_in() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<String> = std::fs::read_dir(root.join("sources"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|file| file.strip_suffix(".yml").unwrap().to_owned())
        .collect();
    files.sort();
    let built_in: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    assert_eq!(built_in, files);

    // Docker sends its build only what this file lets through.
    let sent = std::fs::read_to_string(root.join(".dockerignore")).unwrap();
    for needed in [
        "Cargo.toml",
        "Cargo.lock",
        "build.rs",
        "src",
        "sources",
        "presets",
    ] {
        assert!(
            sent.lines().any(|line| line == format!("!{needed}")),
            "{needed}"
        );
    }
}

#[test]
fn every_url_that_we_know_tells_one_source() {
    let sources: Vec<_> = BUILT_IN
        .iter()
        .map(|(name, text)| source::parse(name, name, text).unwrap())
        .collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<_> = std::fs::read_dir(root.join("images"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    let samples = std::fs::read_dir(root.join("tests/data/sources")).unwrap();
    files.extend(samples.map(|entry| entry.unwrap().path().join("case.yml")));
    let mut told = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_file()) {
        let text = std::fs::read_to_string(file).unwrap();
        let words =
            text.split(|letter: char| letter.is_whitespace() || "\"',[]{}".contains(letter));
        for url in words.filter(|word| word.starts_with("https://")) {
            match source::infer(&sources, url) {
                Ok(Some((source, _))) => *told.entry(source.name.clone()).or_insert(0) += 1,
                // Manifests and keys are no images.
                Ok(None) => {}
                Err(error) => panic!("{}: {error}", file.display()),
            }
        }
    }
    assert!(
        told.len() >= 3 && told.values().all(|count| *count > 2),
        "{told:?}"
    );
}

/// A document of a sample: `URL`, `URL -> LOCATION`, `URL @ LAST-MODIFIED`, and below that line the body.
struct Sample<'a> {
    location: Option<&'a str>,
    modified: Option<&'a str>,
    body: &'a str,
}

impl<'a> Sample<'a> {
    fn read(part: &'a str) -> (&'a str, Self) {
        let (head, body) = part.split_once('\n').unwrap_or((part, ""));
        let (head, modified) = match head.split_once(" @ ") {
            Some((head, modified)) => (head, Some(modified)),
            None => (head, None),
        };
        let (url, location) = match head.split_once(" -> ") {
            Some((url, location)) => (url, Some(location)),
            None => (head, None),
        };
        let sample = Self {
            location,
            modified,
            body,
        };
        (url, sample)
    }

    fn document(&self, url: &str) -> Document {
        let location = self.location.unwrap_or(url).to_owned();
        Document::new(url.to_owned(), location, self.body.as_bytes().to_vec())
            .with_modified(self.modified.map(str::to_owned))
    }
}

/// The answer to a sample's question, as one line.
fn newest(question: &str) -> String {
    let mut parts = question.split("\n>>> ");
    let mut words = parts.next().unwrap().split_whitespace();
    let name = words.next().unwrap();
    let parameters: BTreeMap<String, String> = words
        .map(|word| word.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let documents: BTreeMap<&str, Sample> = parts.map(Sample::read).collect();
    let built_in = BUILT_IN.iter().find(|(known, _)| *known == name);
    let text = built_in.map_or_else(|| documents["source"].body, |(_, text)| text);
    let source = source::parse(name, name, text).unwrap();

    let index = source.index(&parameters).unwrap();
    let variables = source.variables(&parameters).unwrap();
    let mut fetched = Fetched::new();
    for _ in 0..8 {
        match index::step(&source, index, &variables, index.order, &fetched) {
            Err(error) => return error.to_string(),
            Ok(Step::Found(candidates)) => {
                let candidate = &candidates[0];
                let date = candidate
                    .build_date
                    .map_or_else(|| "unknown".to_owned(), |date| date.to_string());
                let digests = [&candidate.checksum, &candidate.disk_checksum];
                let digests = digests
                    .into_iter()
                    .flatten()
                    .map(|digest| format!(" {digest}"));
                return format!(
                    "{} {} {date} {}{}",
                    candidate.build,
                    candidate.version,
                    candidate.url,
                    digests.collect::<String>()
                );
            }
            Ok(Step::Need(requests)) => {
                for request in requests {
                    let Some(sample) = documents.get(request.url.as_str()) else {
                        return format!("asks for {}", request.url);
                    };
                    let document = sample.document(&request.url);
                    fetched.insert(request.url, Arc::new(document));
                }
            }
        }
    }
    "never ends".to_owned()
}
