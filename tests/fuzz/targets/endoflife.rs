//! The reader of endoflife.date's products, and what is said of their lines.
#![no_main]

use std::sync::LazyLock;

use chrono::NaiveDate;
use libfuzzer_sys::fuzz_target;
use reglaze::domain::definition::{self, Definition};
use reglaze::domain::endoflife::{self, Ends, Lines, Meaning, Product, Tracked};
use reglaze::domain::index::Document;

static DEFINITION: LazyLock<Definition> = LazyLock::new(|| {
    let text = "images:\n  - name: Ubuntu 24.04\n    format: qcow2\n    upstream: {from: ubuntu}\n    versions: []\n";
    let mut definitions = definition::parse("images.yml", text).expect("a definition");
    definitions.remove(0)
});

fuzz_target!(|input: &[u8]| {
    let url = Meaning::url("ubuntu");
    let document = Document::new(url.clone(), url.clone(), input.to_vec());
    let Some(product) = document
        .json()
        .ok()
        .and_then(|json| Product::read(&url, json).ok())
    else {
        return;
    };
    let today = NaiveDate::from_ymd_opt(2026, 7, 25).expect("a date");
    for ends in [Ends::Eol, Ends::Eoes, Ends::Eoas] {
        for lines in [Lines::All, Lines::Lts] {
            let meaning = Meaning {
                product: "ubuntu".to_owned(),
                release: "{release}".to_owned(),
                ends,
                lines,
            };
            let names = product.lines.iter().map(|line| line.name.as_str());
            for line in names.take(8).chain(["24.04"]) {
                let tracked = Tracked {
                    definition: &DEFINITION,
                    source: "ubuntu",
                    meaning: &meaning,
                    line,
                };
                endoflife::ended(&tracked, &product, today);
                endoflife::new_lines(&[tracked], &product, today);
            }
        }
    }
});
