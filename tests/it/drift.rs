//! What people change by hand, on our images and beside them.

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::account::{Account, wait, writable};
use crate::clock;
use crate::proxy::Seen;
use crate::stage::{Stage, hex, rules, steps};

/// An image of two builds, both in the catalogue.
fn grown(name: &str) -> Stage {
    let stage = Stage::new(name);
    let versions = [
        stage.publish("1", b"one"),
        stage.publish_sha512("2", b"two"),
    ];
    stage.define("Alpha", "", &versions);
    stage.reglaze(&["apply"]).expect(0);
    stage
}

/// The images of a stage, without what moves with every write.
fn images(stage: &Stage) -> Vec<Value> {
    let mut images = wait(Account::of("admin").tagged(&stage.tag));
    for image in &mut images {
        image.as_object_mut().unwrap().remove("updated_at");
    }
    images
}

/// The ID of a version's image.
fn id(stage: &Stage, version: &str) -> String {
    let images = images(stage);
    let found = images
        .iter()
        .find(|image| image["internal_version"] == version);
    found.unwrap()["id"].as_str().unwrap().to_owned()
}

/// The writes of a run, as `METHOD path`.
fn writes(seen: &[Seen]) -> Vec<String> {
    let writes = seen.iter().filter(|seen| seen.is_write());
    writes.map(|seen| seen.line.clone()).collect()
}

/// Changes one attribute of the latest image by hand: the plan shows exactly that, and `apply` brings it back.
fn is_shown_and_repaired(name: &str, key: &str, value: impl Into<Value>) {
    let stage = grown(name);
    let before = images(&stage);
    let latest = id(&stage, "2");
    wait(Account::of("admin").set(&latest, &[(key, value.into())]));
    assert_ne!(images(&stage), before);
    let plan = stage.reglaze(&["plan"]).expect(2);
    let planned = plan["clouds"][0]["steps"].as_array().unwrap();
    assert_eq!(planned.len(), 1, "{plan}");
    assert_eq!(planned[0]["id"], latest.as_str());
    let keys: Vec<_> = planned[0]["changes"].as_object().unwrap().keys().collect();
    assert_eq!(keys, [key], "{plan}");
    stage.glance.take();
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(
        writes(&stage.glance.take()),
        [format!("PATCH /v2/images/{latest}")]
    );
    assert_eq!(images(&stage), before);
    stage.reglaze(&["plan"]).expect(0);
}

#[test]
fn a_name_changed_by_hand_is_shown_and_repaired() {
    is_shown_and_repaired("drift-name", "name", "My favourite image");
}

#[test]
fn a_visibility_changed_by_hand_is_shown_and_repaired() {
    is_shown_and_repaired("drift-visibility", "visibility", "private");
}

#[test]
fn an_image_hidden_by_hand_is_shown_and_repaired() {
    is_shown_and_repaired("drift-hidden", "os_hidden", true);
}

#[test]
fn a_property_changed_by_hand_is_shown_and_repaired() {
    is_shown_and_repaired("drift-property", "architecture", "riscv64");
}

#[test]
fn a_min_disk_changed_by_hand_is_shown_and_repaired() {
    is_shown_and_repaired("drift-disk", "min_disk", 40);
}

#[test]
fn tags_taken_away_by_hand_are_shown_and_put_back() {
    let stage = grown("drift-tags");
    let latest = id(&stage, "2");
    is_put_back(&stage, &latest, &json!([stage.tag]));
}

/// Sets the tags by hand, and waits for ours to come back.
fn is_put_back(stage: &Stage, latest: &str, tags: &Value) {
    let before = images(stage);
    wait(Account::of("admin").set(latest, &[("tags", tags.clone())]));
    let plan = stage.reglaze(&["plan"]).expect(2);
    assert_eq!(steps(&plan), ["tags 2"]);
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(images(stage), before);
}

#[test]
fn drift_is_only_told_where_the_policy_says_so_and_edits_of_the_definition_are_made() {
    let stage = grown("drift-report");
    let latest = id(&stage, "2");
    let settings = format!("tag: {}\npolicy: {{drift: report}}\n", stage.tag);
    stage.write("reglaze.yml", &settings);
    // What is as it was written is recorded once.
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["properties 2", "properties 1"]);
    stage.reglaze(&["plan"]).expect(0);
    wait(Account::of("admin").set(&latest, &[("architecture", "riscv64".into())]));
    let before = images(&stage);
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(rules(&document), ["drift"]);
    let finding = &document["findings"][0];
    assert_eq!(finding["id"], latest.as_str());
    let message = finding["message"].as_str().unwrap();
    assert!(
        message.contains("was changed by hand in `architecture`"),
        "{message}"
    );
    assert_eq!(images(&stage), before);

    // An edit that was reviewed is made on all images, and what somebody changed stays.
    let text = std::fs::read_to_string(stage.path("images/Alpha.yml")).unwrap();
    let text = text.replace("min_disk: 1", "min_disk: 2");
    let text = text.replace(
        "os_distro: ubuntu",
        "os_distro: ubuntu\n    hw_disk_bus: scsi",
    );
    stage.write("images/Alpha.yml", &text);
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["properties 2", "properties 1"]);
    assert_eq!(rules(&document), ["drift"]);
    for image in images(&stage) {
        assert_eq!(
            (&image["min_disk"], &image["hw_disk_bus"]),
            (&json!(2), &json!("scsi"))
        );
        let architecture = if image["id"] == latest.as_str() {
            "riscv64"
        } else {
            "x86_64"
        };
        assert_eq!(image["architecture"], architecture);
    }
    assert_eq!(
        steps(&stage.reglaze(&["plan"]).expect(0)),
        Vec::<String>::new()
    );
    // Set back by hand there is nothing to tell any more.
    wait(Account::of("admin").set(&latest, &[("architecture", "x86_64".into())]));
    let document = stage.reglaze(&["plan"]).expect(0);
    assert_eq!(rules(&document), Vec::<&str>::new());
}

/// Images of others that coincide with ours in all that tempts, and a property of theirs on one of ours.
fn strangers(stage: &Stage) -> Vec<String> {
    let (admin, member) = (Account::of("admin"), Account::of("member"));
    let raw = |name: String, more: Value| {
        let mut document = json!({
            "name": name, "disk_format": "raw", "container_format": "bare", "visibility": "private",
            "internal_version": "1", "theirs": "stays",
        });
        let more = more.as_object().unwrap().clone();
        document.as_object_mut().unwrap().extend(more);
        document
    };
    let create = |account: &Account, document: Value, bytes: &[u8]| {
        wait(account.create(document, Some(bytes)))
    };
    vec![
        // The same bytes and properties in our project, without our tag.
        create(
            &admin,
            raw(
                stage.name("Alpha"),
                json!({"image_name": stage.name("Alpha")}),
            ),
            b"two",
        ),
        // The same name in another project, for itself.
        create(&member, raw(stage.name("Alpha"), json!({})), b"two"),
        // Our tag in another project, for another image.
        create(
            &member,
            raw(
                stage.name("Other"),
                json!({"tags": [stage.tag], "visibility": "community", "image_name": "Other"}),
            ),
            b"one",
        ),
        // Unproven, with the bytes of a build that is to come, in another project.
        create(
            &member,
            raw("half done".to_owned(), json!({"reglaze_state": "unproven"})),
            b"three",
        ),
        // In everybody's lists, with the same bytes, under another name.
        create(
            &admin,
            raw(stage.name("Beta"), json!({"visibility": "public"})),
            b"one",
        ),
    ]
}

#[test]
fn images_of_others_stay_byte_for_byte_even_where_names_tags_and_digests_coincide() {
    let stage = grown("strangers");
    let strange = strangers(&stage);
    let latest = id(&stage, "2");
    wait(Account::of("admin").set(&latest, &[("theirs", "on ours".into())]));
    let look = || -> Vec<Value> {
        let admin = Account::of("admin");
        strange
            .iter()
            .map(|id| wait(admin.must(reqwest::Method::GET, &format!("/v2/images/{id}"), None)))
            .collect()
    };
    let before = look();
    let versions = [
        stage.publish("1", b"one"),
        stage.publish_sha512("2", b"two"),
        stage.publish_sha512("3", b"three"),
        stage.publish("4", b"four"),
    ];
    for newest in 3..=4 {
        stage.define("Alpha", "", &versions[..newest]);
        stage.reglaze(&["apply"]).expect(0);
    }
    assert_eq!(look(), before);
    let ours = images(&stage);
    let renamed = ours
        .iter()
        .find(|image| image["id"] == latest.as_str())
        .unwrap();
    assert_eq!(renamed["theirs"], "on ours");
    assert_eq!(renamed["name"], stage.name("Alpha") + " (2)");
    for id in strange {
        wait(Account::of("admin").delete(&id));
    }
}

#[test]
fn two_projects_with_one_tag_leave_each_others_images_alone() {
    let stage = Stage::new("two-projects");
    let version = stage.publish("1", b"one");
    stage.define("Alpha", "", std::slice::from_ref(&version));
    stage.reglaze(&["apply"]).expect(0);
    let of_admin = images(&stage);
    let as_member = |command: &str| {
        let arguments: Vec<_> = stage
            .command(&[command])
            .get_args()
            .map(|one| one.to_str().unwrap().replace("admin", "member"))
            .collect();
        stage.reglaze_as(&arguments)
    };
    // Another image: each project has its own catalogue under one tag.
    std::fs::remove_file(stage.path("images/Alpha.yml")).unwrap();
    stage.define("Beta", "", std::slice::from_ref(&version));
    let text = std::fs::read_to_string(stage.path("images/Beta.yml")).unwrap();
    let text = text.replace("visibility: public", "visibility: community");
    stage.write("images/Beta.yml", &text);
    as_member("apply").expect(0);
    let both = images(&stage);
    assert_eq!(both.len(), 2);
    assert!(of_admin.iter().all(|image| both.contains(image)));
    as_member("plan").expect(0);
    // The same image: who comes second does not touch it and brings no second one.
    stage.define("Alpha", "", &[version, stage.publish("2", b"two")]);
    std::fs::remove_file(stage.path("images/Beta.yml")).unwrap();
    let document = as_member("apply").expect(3);
    assert!(rules(&document).contains(&"name-taken"), "{document}");
    assert_eq!(images(&stage), both);
}

/// Makes an image once more, as it is now; gives the ID of the second.
fn younger(image: &Value, bytes: &[u8]) -> String {
    clock::next_second();
    let document = Value::Object(writable(image));
    wait(Account::of("admin").create(document, Some(bytes)))
}

#[test]
fn of_two_images_of_one_version_the_elder_counts_and_the_other_is_named() {
    let stage = grown("duplicate");
    let before = images(&stage);
    let latest = id(&stage, "2");
    let original = before.iter().find(|image| image["id"] == latest.as_str());
    let second = younger(original.unwrap(), b"two");
    let both = images(&stage);
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(rules(&document), ["duplicate-image"]);
    assert_eq!(document["findings"][0]["id"], second.as_str());
    assert!(document.to_string().contains(&latest), "{document}");
    assert_eq!(images(&stage), both);
}

#[test]
fn an_image_deleted_by_hand_comes_again_under_its_name() {
    let stage = grown("deleted");
    let (old, latest) = (id(&stage, "1"), id(&stage, "2"));
    wait(Account::of("admin").delete(&latest));
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(steps(&document), ["upload 2", "publish 2"]);
    let now = images(&stage);
    assert_eq!(now.len(), 2);
    assert_eq!(id(&stage, "1"), old);
    assert_ne!(id(&stage, "2"), latest);
    let names = [("Alpha".to_owned(), 1), ("Alpha (1)".to_owned(), 1)];
    assert_eq!(stage.catalogue(), names.into());
}

#[test]
fn an_image_deactivated_by_hand_is_shown_and_boots_again() {
    let stage = grown("deactivated");
    let before = images(&stage);
    let latest = id(&stage, "2");
    let path = format!("/v2/images/{latest}/actions/deactivate");
    wait(Account::of("admin").must(reqwest::Method::POST, &path, None));
    let plan = stage.reglaze(&["plan"]).expect(2);
    assert_eq!(steps(&plan), ["status 2"]);
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(images(&stage), before);
}

/// An upload of version 3 that a run left when it died, with these bytes or none.
fn left_over(stage: &Stage, bytes: Option<&[u8]>) -> String {
    let document = json!({
        "name": "begun by a run that died", "visibility": "private", "tags": [stage.tag], "disk_format": "raw",
        "container_format": "bare", "image_name": stage.name("Alpha"), "internal_version": "3",
        "reglaze_state": "unproven",
    });
    wait(Account::of("admin").create(document, bytes))
}

#[test]
fn an_upload_left_over_from_a_dead_run_is_taken_up_or_begun_anew() {
    for (number, bytes) in [None, Some(&b"three"[..]), Some(&b"other bytes"[..])]
        .into_iter()
        .enumerate()
    {
        let stage = grown(&format!("left-{number}"));
        let versions = [
            stage.publish("1", b"one"),
            stage.publish_sha512("2", b"two"),
            stage.publish_sha512("3", b"three"),
        ];
        stage.define("Alpha", "", &versions);
        let left = left_over(&stage, bytes);
        stage.glance.take();
        let document = stage.reglaze(&["apply"]).expect(0);
        let is_whole = bytes == Some(b"three");
        let expected = if is_whole {
            &["publish 3", "rename 2"][..]
        } else {
            &["delete 3", "upload 3", "publish 3", "rename 2"][..]
        };
        assert_eq!(steps(&document), expected, "{bytes:?}");
        assert_eq!(id(&stage, "3") == left, is_whole);
        let now = images(&stage);
        assert_eq!(now.len(), 3);
        let newest = now
            .iter()
            .find(|image| image["internal_version"] == "3")
            .unwrap();
        assert_eq!(newest["os_hash_value"], hex(&Sha512::digest(b"three")));
        assert!(newest["reglaze_state"].is_null());
        stage.reglaze(&["plan"]).expect(0);
    }
}
