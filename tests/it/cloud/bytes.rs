//! What of a file Glance gets, and when.

use sha2::{Digest, Sha256, Sha512};

use crate::stage::{Stage, hex, rules, steps};
use crate::update::signer::Signer;

/// A disk of some pieces, and the same packed.
fn packed(word: &str) -> (Vec<u8>, Vec<u8>) {
    use std::io::Write;
    let disk: Vec<u8> = (0_u32..20_000)
        .flat_map(|count| Sha512::digest(format!("{word} {count}")))
        .collect();
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&disk).unwrap();
    (disk, packed.finish().unwrap())
}

#[test]
fn of_a_packed_file_glance_gets_the_disk_and_the_record_names_the_file() {
    let stage = Stage::new("packed");
    let (disk, file) = packed("first");
    let disk_line = |bytes: &[u8]| {
        format!(
            "    disk_checksum: sha256:{}\n",
            hex(&Sha256::digest(bytes))
        )
    };
    let good = stage.publish("1", &file) + &disk_line(&disk);
    let wrong = stage.publish("2", &packed("second").1) + &disk_line(b"another disk");
    let archive = stage.publish("3", b"PK\x03\x04 an archive of which nobody says more");
    stage.define("Alpha", "", &[good]);
    stage.define("Beta", "", &[wrong]);
    stage.define("Gamma", "", &[archive]);
    stage.glance.take();
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(stage.catalogue(), [("Alpha".to_owned(), 1)].into());
    let images = stage.images();
    assert_eq!(images.len(), 1, "nothing of the others is left");
    let image = &images[0];
    assert_eq!(image["size"], disk.len());
    assert_eq!(
        image["properties"]["os_hash_value"],
        hex(&Sha512::digest(&disk))
    );
    assert_eq!(
        image["properties"]["source_sha256sum"],
        hex(&Sha256::digest(&file))
    );
    let text = document["findings"].to_string();
    assert!(text.contains("the disk in it has"), "{text}");
    assert!(text.contains("it is a zip archive"), "{text}");
    // An archive that cannot be unpacked costs no image and no ID.
    let created = stage.glance.take();
    let created = created
        .iter()
        .filter(|seen| seen.method == "POST" && seen.path.ends_with("/v2/images"));
    assert_eq!(created.count(), 2);
    let again = stage.reglaze(&["plan"]).expect(2);
    assert!(!steps(&again).contains(&"upload 1".to_owned()));
}

#[test]
fn a_signature_over_the_image_holds_its_last_piece_back() {
    let stage = Stage::new("image-signature");
    let signer = Signer::new();
    stage.write(
        "sources/own.yml",
        &format!(
            "title: Own\nparameters:\n  arch: {{default: x86_64}}\nindexes:\n  - engine: listing\n    url: https://images.example/\n    \
             file: '^(?<version>\\d+)\\.img$'\nchecksum: {{compute: sha256}}\nsignature:\n  form: detached\n  of: image\n  \
             url: \"https://images.example/sig-{{version}}.img\"\n  keys: [{}]\n  key_url: https://images.example/key.img\ninfer:\n  \
             - match: '^https://images\\.example/(?<version>\\d+)\\.img$'\n",
            signer.fingerprint
        ),
    );
    stage.write("keys/own.asc", std::str::from_utf8(&signer.public).unwrap());
    let (disk, file) = packed("signed");
    let version = |name: &str, signed: &[u8]| {
        stage.publish(&format!("sig-{name}"), &signer.detached(signed));
        stage.publish(name, &file) + &format!("    signed_by: {}\n", signer.fingerprint)
    };
    stage.define("Alpha", "", &[version("1", &file)]);
    stage.define("Beta", "", &[version("2", &disk)]);
    // The signature of the third is gone: what people reviewed counts, and a note says so.
    let gone = stage.publish("3", &file) + &format!("    signed_by: {}\n", signer.fingerprint);
    stage.define("Gamma", "", &[gone]);
    let document = stage.reglaze(&["apply"]).expect(3);
    assert_eq!(
        stage.catalogue(),
        [("Alpha".to_owned(), 1), ("Gamma".to_owned(), 1)].into()
    );
    let text = document["findings"].to_string();
    assert!(text.contains("bad signature"), "{text}");
    assert!(rules(&document).contains(&"manifest-gone"), "{text}");
    let images = stage.images();
    assert_eq!(images.len(), 2);
    for image in images {
        assert_eq!(image["properties"]["source_signed_by"], signer.fingerprint);
    }
}
