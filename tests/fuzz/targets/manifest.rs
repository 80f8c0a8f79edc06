//! The reader of checksum manifests, with arbitrary text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use reglaze::domain::attested::{self, Evidence};
use reglaze::domain::manifest::{self, ManifestError};

fuzz_target!(|input: &[u8]| {
    let evidence = Evidence {
        url: "https://a.example/SHA256SUMS",
        bytes: input,
    };
    let _ = attested::attest(
        "disk.qcow2",
        evidence,
        None,
        None,
        chrono::DateTime::UNIX_EPOCH,
    );
    let Ok(text) = std::str::from_utf8(input) else {
        return;
    };
    let Ok(names) = manifest::names(text) else {
        return;
    };
    for name in names.iter().take(16) {
        // Whoever is listed has a digest, or the manifest says two things of it, or nothing whole.
        if let Err(error) = manifest::digest_of(text, name, None) {
            let said = matches!(
                error,
                ManifestError::Contradiction { .. } | ManifestError::Damaged { .. }
            );
            assert!(said, "{name:?}: {error}");
        }
    }
});
