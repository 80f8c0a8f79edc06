//! The reader of definitions, with everything that is said of what it has read.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reglaze::domain::{definition, lint};

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    match definition::parse("images.yml", text) {
        Ok(definitions) => {
            let _ = definition::duplicates(&definitions);
            let _ = lint::errors(&definitions, &[]);
            let _ = lint::warnings(&definitions, &[]);
            for definition in &definitions {
                assert!(!definition.name.is_empty());
            }
        }
        Err(findings) => {
            assert!(!findings.is_empty(), "a refusal has its reason");
        }
    }
    let _ = definition::entries(text);
    let _ = lint::lost_quotes("images.yml", text);
});
