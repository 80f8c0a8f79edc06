//! New versions for tests.

use super::{Group, Offer};
use crate::domain::attested::{self, Attested};
use crate::domain::checksum::{Algorithm, Checksum};
use crate::domain::edit::{NewEntry, Position};
use crate::domain::signature::{Fingerprint, Signed};

pub(super) const KEY: &str = "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81";

/// A digest that a document tells, signed or not.
pub(super) fn attested(signed: bool) -> Attested {
    let checksum = Checksum::new(Algorithm::Sha256, &"5f".repeat(32)).unwrap();
    let signed = signed.then(|| Signed {
        key: KEY.parse::<Fingerprint>().unwrap(),
        made_at: "2026-07-25T11:02:33Z".parse().unwrap(),
        notes: Vec::new(),
    });
    let manifest = "https://images.example/24.04/20260725/SHA256SUMS";
    attested::told("disk.img", checksum, manifest, signed)
        .unwrap()
        .0
}

/// A new version of an image of Ubuntu, signed.
pub(super) fn offer(image: &str) -> Offer {
    let attested = attested(true);
    Offer {
        image: image.to_owned(),
        file: "images/ubuntu.yml".to_owned(),
        source: "ubuntu".to_owned(),
        source_title: "Ubuntu".to_owned(),
        from: Some(("20260705".to_owned(), "2026-07-05".parse().ok())),
        entry: NewEntry {
            version: "20260725".to_owned(),
            url: "https://images.example/24.04/20260725/disk.img".to_owned(),
            checksum: attested.checksum().to_string(),
            disk_checksum: None,
            computed: Vec::new(),
            build_date: Some("2026-07-25".to_owned()),
            manifest: attested.manifest().map(str::to_owned),
            signed_by: Some(KEY.to_owned()),
        },
        remove: Vec::new(),
        leaving: Vec::new(),
        position: Position::First,
        attested,
        signed_at: "2026-07-25T11:02:33Z".parse().ok(),
        size: Some(624_951_296),
        contents: None,
        links: Vec::new(),
        findings: Vec::new(),
    }
}

/// They as the group of Ubuntu.
pub(super) fn group(offers: Vec<Offer>) -> Group {
    Group {
        key: "ubuntu".to_owned(),
        title: "Ubuntu".to_owned(),
        offers,
    }
}
