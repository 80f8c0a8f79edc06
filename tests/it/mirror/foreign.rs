//! Unfinished uploads of other tools under our prefix: nobody knows whether they are at it, so they stay.

use super::place::{Kind, Place};

/// Uploads of the two names that are begun as another tool would, and left.
const THEIRS: [&str; 2] = ["backup/somebody.img", "sha256/not-a-digest/a.img"];

#[test]
fn only_uploads_that_can_be_ours_are_thrown_away() {
    let digest = "a".repeat(64);
    let name = format!("sha256/{digest}/a.img");
    let later = ["--write", "--prune", "--today", "2035-01-01"];
    let removed = |place: &Place| -> Vec<String> {
        let document = place.mirror(&later).expect(0);
        let removed = document["removed"].as_array().unwrap().iter();
        removed
            .map(|one| one["object"].as_str().unwrap().to_owned())
            .collect()
    };

    let place = Place::new(Kind::S3, "foreign");
    place.stage.define("Alpha", "", &[]);
    for name in THEIRS.into_iter().chain([name.as_str()]) {
        place.by_standard_client(&format!(
            "s3.create_multipart_upload(Bucket=bucket, Key='p/{name}')"
        ));
    }
    assert_eq!(removed(&place), [name.as_str()]);
    assert_eq!(place.unfinished(), THEIRS);

    let place = Place::new(Kind::Swift, "foreign");
    place.stage.define("Alpha", "", &[]);
    let mut theirs = [
        ".segments/backup.img/1690000000.00/8388608/00000000",
        ".segments/a.img/00000001",
    ];
    theirs.sort_unstable();
    for one in theirs {
        place.put(one, b"theirs", &[]);
    }
    let ours = format!(".segments/{name}/{digest}-8388608/00000001");
    place.put(&ours, b"ours", &[]);
    assert_eq!(removed(&place), [name.as_str()]);
    assert_eq!(place.all(), theirs);
}
