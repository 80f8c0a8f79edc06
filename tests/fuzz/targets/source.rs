//! The reader of sources, and what a source that was read does with values and URLs. An input is a file of `sources/`.
#![no_main]

use std::collections::BTreeMap;

use libfuzzer_sys::fuzz_target;
use reglaze::domain::index::{self, Fetched};
use reglaze::domain::source;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let source = match source::parse("own", "sources/own.yml", text) {
        Ok(source) => source,
        Err(findings) => {
            assert!(!findings.is_empty(), "a refusal has its reason");
            return;
        }
    };
    source.infer("https://a.example/24.04/release-20260725/disk-24.04-amd64.img");
    let names = source.parameters.keys().take(8);
    let said: BTreeMap<String, String> = names
        .map(|name| {
            let value = source.known_values(name).into_iter().next();
            (name.clone(), value.unwrap_or_else(|| "1".to_owned()))
        })
        .collect();
    let (Ok(index), Ok(variables)) = (source.index(&said), source.variables(&said)) else {
        return;
    };
    let _ = source.hosts(index, &variables);
    let _ = index::step(&source, index, &variables, index.order, &Fetched::new());
});
