//! Images that a key has signed: the signature is proven on the way, before anybody sees the object.

use std::sync::LazyLock;

use crate::update::signer::Signer;

use super::object;
use super::place::{KINDS, Place, bytes, outcomes};

/// Whose signature proves an image.
static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);

/// Puts an image upstream with a signature of `signed`; gives the lines of its version.
fn publish(place: &Place, version: &str, image: &[u8], signed: &[u8]) -> String {
    place
        .stage
        .publish(&format!("sig-{version}"), &SIGNER.detached(signed));
    let fingerprint = &SIGNER.fingerprint;
    place.stage.publish(version, image) + &format!("    signed_by: {fingerprint}\n")
}

#[test]
fn a_signed_image_is_mirrored_and_of_a_wrongly_signed_one_nothing_stays() {
    for kind in KINDS {
        let place = Place::new(kind, "signed");
        place.stage.trust(&SIGNER);
        let (small, large) = (b"a small image".to_vec(), bytes(9));
        let versions = [
            publish(&place, "1", &small, &small),
            publish(&place, "2", &large, &large),
            publish(&place, "3", b"a third", b"another one"),
            publish(&place, "4", &bytes(10), &large),
        ];
        let policy = "  policy: {verify: signature-required}\n";
        place.stage.define("Alpha", policy, &versions);
        let document = place.mirror(&["--write"]).expect(3);
        assert_eq!(
            outcomes(&document),
            ["1 uploaded", "2 uploaded", "3 failed", "4 failed"],
            "{document:#}"
        );
        for at in [2, 3] {
            let error = document["images"][at]["error"].as_str().unwrap();
            assert!(error.contains("signature"), "{error}");
        }
        assert!(place.read(&object("2", &large)).as_ref() == Some(&large));
        let mut expected = vec![object("1", &small), object("2", &large)];
        expected.sort();
        assert_eq!(place.objects(), expected, "{kind:?}");
        assert_eq!(place.definition("Alpha").matches("mirror_url").count(), 2);
        // Nor are parts of it.
        let left = place.mirror(&["--prune", "--today", "2035-01-01"]).stdout;
        assert!(left.contains("\"removed\": []"), "{left}");
    }
}
