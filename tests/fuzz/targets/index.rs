//! Every engine with arbitrary documents. An input is what a file of `tests/data/upstreams/` is: the name of a source and
//! parameters, then documents, each after a line `>>> URL`. A document whose URL nobody asks for is given to whoever
//! asks next.
#![no_main]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use reglaze::domain::index::{self, Document, Fetched, Step};
use reglaze::domain::source::{self, BUILT_IN, Source};

fuzz_target!(|input: &[u8]| {
    let _ = newest(input);
});

/// Asks as the loop in `upstream` does; nothing if the input leads nowhere.
fn newest(input: &[u8]) -> Option<()> {
    let mut parts = split(input, b"\n>>> ").into_iter();
    let header = String::from_utf8_lossy(parts.next()?).into_owned();
    let mut words = header.split_whitespace();
    let name = words.next()?;
    let said: BTreeMap<String, String> = words
        .filter_map(|word| word.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut documents: Vec<(String, &[u8])> = parts
        .map(|part| {
            let end = part
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(part.len());
            let body = part.get(end + 1..).unwrap_or_default();
            (String::from_utf8_lossy(&part[..end]).into_owned(), body)
        })
        .collect();
    let source = source_of(name, &mut documents)?;
    let index = source.index(&said).ok()?;
    let variables = source.variables(&said).ok()?;
    documents.reverse();

    let mut fetched = Fetched::new();
    for _ in 0..24 {
        let requests = match index::step(&source, index, &variables, index.order, &fetched) {
            Ok(Step::Need(requests)) => requests,
            Ok(Step::Found(candidates)) => {
                assert!(
                    !candidates.is_empty(),
                    "an engine that has found nothing says so"
                );
                for candidate in candidates {
                    assert!(candidate.url.starts_with("https://"), "{candidate:?}");
                    source.infer(&candidate.url);
                }
                return Some(());
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                return None;
            }
        };
        for request in requests {
            let place = documents.iter().position(|(url, _)| *url == request.url);
            let body = match place {
                Some(place) => documents[place].1,
                None => documents.pop()?.1,
            };
            let document = Document::new(request.url.clone(), request.url.clone(), body.to_vec())
                .with_modified(Some("Wed, 15 Jul 2026 10:00:00 GMT".to_owned()));
            fetched.insert(request.url, Arc::new(document));
        }
    }
    None
}

/// A built-in source, or the one that the input brings along.
fn source_of(name: &str, documents: &mut Vec<(String, &[u8])>) -> Option<Source> {
    static KNOWN: LazyLock<Vec<Source>> = LazyLock::new(|| {
        let all = BUILT_IN.iter();
        all.map(|(name, text)| source::parse(name, name, text).expect("a built-in source"))
            .collect()
    });
    if let Some(source) = KNOWN.iter().find(|source| source.name == name) {
        return Some(source.clone());
    }
    let place = documents.iter().position(|(url, _)| url == "source")?;
    let text = String::from_utf8(documents.remove(place).1.to_vec()).ok()?;
    source::parse(name, name, &text).ok()
}

fn split<'a>(mut text: &'a [u8], mark: &[u8]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    while let Some(at) = text.windows(mark.len()).position(|window| window == mark) {
        parts.push(&text[..at]);
        text = &text[at + mark.len()..];
    }
    parts.push(text);
    parts
}
