//! The readers of lists of packages, and the text of a proposal that is made of them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reglaze::domain::markdown;
use reglaze::domain::proposal::packages::{self, Contents, Packages};
use reglaze::domain::source::PackageForm;

fuzz_target!(|input: &[u8]| {
    for form in PackageForm::ALL {
        if let Some(new) = packages::packages(form, input) {
            let contents = Contents::between(&Packages::new(), &new);
            assert_eq!(contents.count(), new.len());
        }
    }
    packages::changes(input);
    if let Ok(text) = std::str::from_utf8(input) {
        let escaped = markdown::escape(text);
        assert!(!escaped.contains(['<', '>', '\n']));
        markdown::link(Some(text), text);
        markdown::bare(text);
    }
});
