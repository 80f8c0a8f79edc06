use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use proptest::prelude::*;

use super::super::bound::bound;
use super::super::definition;
use super::super::finding::Level;
use super::super::snapshot::{Status, Visibility};
use super::super::wanted::{Moment, completed};
use super::*;

const TAG: &str = "managed_by_reglaze";
const OWNER: &str = "us";
const TODAY: &str = "2026-11-21";

/// A cloud that does what Glance does, as far as plans go.
#[derive(Clone, Default)]
struct Cloud {
    images: Vec<CloudImage>,
    created: usize,
}

impl Cloud {
    fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.images.clone(), TAG, OWNER)
    }

    fn plan(&self, definitions: &[Definition]) -> Plan {
        self.plan_with(definitions, 10)
    }

    fn plan_with(&self, definitions: &[Definition], withdrawals: usize) -> Plan {
        let context = Context {
            tag: TAG,
            policies: &[],
            withdrawals,
            deletions: 10,
            members: 128,
            uses: &Uses::default(),
            domains: &BTreeMap::new(),
            run: &Variables::new(),
            today: TODAY.parse().unwrap(),
        };
        plan(definitions, |_| true, &self.snapshot(), &context)
    }

    fn add(&mut self, mut image: CloudImage) -> String {
        self.created += 1;
        image.id = format!("id-{:03}", self.created);
        image.created_at = DateTime::<Utc>::UNIX_EPOCH
            + Duration::days(20_000)
            + Duration::seconds(i64::try_from(self.created).unwrap());
        image.updated_at = image.created_at;
        let id = image.id.clone();
        self.images.push(image);
        id
    }

    fn image(&mut self, id: &str) -> &mut CloudImage {
        self.images.iter_mut().find(|image| image.id == id).unwrap()
    }

    /// Does one step; `uploaded` remembers what this run uploaded, as `apply` does.
    fn perform(&mut self, step: &Step, uploaded: &mut BTreeMap<(String, String), String>) {
        let key = (step.image.clone(), step.version.clone().unwrap_or_default());
        let id = step.id.clone().or_else(|| uploaded.get(&key).cloned());
        match &step.work {
            Work::Upload(upload) => {
                let id = self.add(CloudImage {
                    name: Some(upload.name.clone()),
                    owner: Some(OWNER.to_owned()),
                    status: Status::Active,
                    tags: [TAG.to_owned()].into(),
                    properties: [
                        (IMAGE_NAME, step.image.as_str()),
                        (INTERNAL_VERSION, &key.1),
                        (STATE, UNPROVEN),
                    ]
                    .map(|(key, value)| (key.to_owned(), value.to_owned()))
                    .into(),
                    ..CloudImage::default()
                });
                uploaded.insert(key, id);
            }
            Work::Patch(patch) => {
                let image = self.image(&id.unwrap());
                let patch = completed(
                    patch.clone(),
                    Moment {
                        today: TODAY.parse().unwrap(),
                        created: Some(image.created_at),
                        newest: None,
                        run: &Variables::new(),
                    },
                );
                if let Some(name) = &patch.name {
                    image.name = Some(name.clone());
                }
                image.visibility = patch.visibility.unwrap_or(image.visibility);
                image.hidden = patch.hidden.unwrap_or(image.hidden);
                image.min_disk = patch.min_disk.unwrap_or(image.min_disk);
                image.min_ram = patch.min_ram.unwrap_or(image.min_ram);
                if let Some(tags) = &patch.tags {
                    image.tags.clone_from(tags);
                }
                image.protected = patch.protected.unwrap_or(image.protected);
                image.properties.extend(patch.set.clone());
                for key in &patch.remove {
                    assert!(
                        image.properties.remove(key).is_some(),
                        "Glance refuses to remove `{key}`"
                    );
                }
            }
            Work::Activate(active) => {
                self.image(&id.unwrap()).status = if *active {
                    Status::Active
                } else {
                    Status::Deactivated
                };
            }
            Work::DeleteLeftover => {
                let id = id.unwrap();
                assert!(
                    self.image(&id).visibility == Visibility::Private && !self.image(&id).protected
                );
                self.images.retain(|image| image.id != id);
            }
            Work::Boot | Work::Share(_) | Work::Delete => {
                panic!("no preset here asks for it: {step:?}")
            }
            Work::None => panic!("a step without work: {step:?}"),
        }
    }

    fn apply(&mut self, plan: &Plan) {
        let mut uploaded = BTreeMap::new();
        for step in &plan.steps {
            self.perform(step, &mut uploaded);
        }
    }

    /// What a tenant's default list shows under each name.
    fn catalogue(&self) -> BTreeMap<String, usize> {
        let mut names = BTreeMap::new();
        for image in self
            .images
            .iter()
            .filter(|image| image.is_in_the_catalogue())
        {
            *names
                .entry(image.name.clone().unwrap_or_default())
                .or_default() += 1;
        }
        names
    }

    /// Everything that tells images apart but their IDs and ages.
    fn look(&self) -> Vec<String> {
        let mut look: Vec<_> = self
            .images
            .iter()
            .map(|image| {
                format!(
                    "{} {:?} {} {} {} {:?} {:?}",
                    image.owner.as_deref().unwrap_or_default(),
                    image.name,
                    image.visibility,
                    image.hidden,
                    image.status,
                    image.tags,
                    image.properties
                )
            })
            .collect();
        look.sort();
        look
    }
}

fn digest(version: &str) -> String {
    let hex = super::super::checksum::hex(&version.bytes().cycle().take(32).collect::<Vec<_>>());
    format!("sha256:{hex}")
}

fn define(name: &str, extra: &str, versions: &[&str]) -> Definition {
    use std::fmt::Write;
    let mut text = format!(
        "images:\n- name: {name}\n  format: qcow2\n  login: ubuntu\n  visibility: public\n  min_disk: 8\n{extra}  meta: {{os_distro: ubuntu, os_purpose: generic}}\n  versions:"
    );
    if versions.is_empty() {
        text.push_str(" []\n");
    }
    for version in versions {
        write!(text, "\n  - version: '{version}'\n    url: https://example.org/{version}.img\n    checksum: {}", digest(version)).unwrap();
    }
    definition::parse("images/test.yml", &text)
        .unwrap()
        .remove(0)
}

fn ubuntu(versions: &[&str]) -> Vec<Definition> {
    vec![define("Ubuntu 24.04", "", versions)]
}

fn lines(plan: &Plan) -> String {
    let steps = plan.steps.iter().map(Step::line);
    let findings = plan.findings.iter().map(ToString::to_string);
    steps.chain(findings).collect::<Vec<_>>().join("\n")
}

/// A cloud in which these versions were published one after the other.
fn grown(versions: &[&str]) -> Cloud {
    let mut cloud = Cloud::default();
    for end in 1..=versions.len() {
        let plan = cloud.plan(&ubuntu(&versions[..end]));
        cloud.apply(&plan);
    }
    cloud
}

#[test]
fn an_empty_cloud_gets_the_newest_first_and_then_the_older_ones() {
    let plan = Cloud::default().plan(&ubuntu(&["1", "2"]));
    insta::assert_snapshot!(lines(&plan), @r"
    + upload     Ubuntu 24.04 [2]: https://example.org/2.img → sha256:32323232323232323…
    + publish    Ubuntu 24.04 [2]: Ubuntu 24.04  (public)
    + upload     Ubuntu 24.04 [1]: https://example.org/1.img → sha256:31313131313131313…
    + publish    Ubuntu 24.04 [1]: Ubuntu 24.04 (1)  (public)
    ");
}

#[test]
fn a_newer_version_takes_the_name_and_the_old_one_leaves_it_in_the_next_step() {
    let cloud = grown(&["1"]);
    insta::assert_snapshot!(lines(&cloud.plan(&ubuntu(&["1", "2"]))), @r"
    + upload     Ubuntu 24.04 [2]: https://example.org/2.img → sha256:32323232323232323…
    + publish    Ubuntu 24.04 [2]: Ubuntu 24.04  (public)
    ~ rename     Ubuntu 24.04 [1]: Ubuntu 24.04 → Ubuntu 24.04 (1)  (now older)
    ");
}

#[test]
fn the_fourth_oldest_becomes_a_community_image_and_keeps_its_uuid() {
    let cloud = grown(&["1", "2", "3", "4"]);
    let one = cloud
        .images
        .iter()
        .find(|image| version_of(image) == Some("1"))
        .unwrap();
    assert_eq!(
        (one.visibility, one.id.as_str()),
        (Visibility::Community, "id-001")
    );
    assert_eq!(cloud.catalogue().len(), 3);
}

#[test]
fn a_second_plan_is_empty() {
    for versions in [&["1"][..], &["1", "2"], &["1", "2", "3", "4", "5"]] {
        let cloud = grown(versions);
        assert_eq!(lines(&cloud.plan(&ubuntu(versions))), "");
    }
}

#[test]
fn versions_of_a_single_image_keep_their_names() {
    let definitions = [define("RancherOS", "  multi: false\n", &["1.4.1", "1.5.0"])];
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&definitions));
    let names: Vec<_> = cloud.catalogue().into_keys().collect();
    assert_eq!(names, ["RancherOS 1.4.1", "RancherOS 1.5.0"]);
    assert_eq!(lines(&cloud.plan(&definitions)), "");
    // A pruned version of it stays as it is.
    assert_eq!(
        lines(&cloud.plan(&[define("RancherOS", "  multi: false\n", &["1.5.0"])])),
        ""
    );
}

#[test]
fn a_private_definition_is_never_widened() {
    let definitions = [define("Golden", "  keep: true\n", &["1"])];
    let private: Vec<_> = definitions
        .iter()
        .cloned()
        .map(|mut one| {
            one.visibility = Visibility::Private;
            one
        })
        .collect();
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&private));
    assert!(
        cloud
            .images
            .iter()
            .all(|image| image.visibility == Visibility::Private)
    );
}

#[test]
fn a_pruned_version_only_moves_on_in_line() {
    let cloud = grown(&["1", "2", "3"]);
    assert_eq!(lines(&cloud.plan(&ubuntu(&["3"]))), "");
}

#[test]
fn an_emptied_list_moves_nothing_and_is_an_error() {
    let cloud = grown(&["1", "2"]);
    let plan = cloud.plan(&ubuntu(&[]));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].rule, "no-versions");
    assert_eq!(plan.findings[0].level, Level::Error);
}

#[test]
fn a_definition_that_is_gone_or_disabled_leaves_its_images_as_they_are() {
    let cloud = grown(&["1"]);
    let disabled = [define("Ubuntu 24.04", "  enable: false\n", &["1"])];
    for definitions in [&[][..], &disabled] {
        let plan = cloud.plan(definitions);
        assert!(plan.steps.is_empty());
        assert_eq!(
            (plan.findings[0].rule, plan.findings[0].level),
            ("undefined-image", Level::Note)
        );
    }
}

#[test]
fn a_reverted_newest_version_is_rolled_back_before_it_is_retired() {
    let cloud = grown(&["1", "2"]);
    insta::assert_snapshot!(lines(&cloud.plan(&ubuntu(&["1"]))), @r"
    + rollback   Ubuntu 24.04 [1]: Ubuntu 24.04 (1) → Ubuntu 24.04  (every newer version was taken out of the file)
    - rename     Ubuntu 24.04 [2]: Ubuntu 24.04 → Ubuntu 24.04 (2)  (taken out of the file; public → community)
    ");
}

#[test]
fn a_typo_in_a_version_moves_nothing() {
    let cloud = grown(&["20260705", "20260725"]);
    let mut definitions = ubuntu(&["20260705", "20260725"]);
    definitions[0].versions[1].version = "2026725".to_owned();
    let plan = cloud.plan(&definitions);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(plan.findings[0].rule, "version-renamed");
}

#[test]
fn an_edited_checksum_is_a_finding_and_no_second_upload() {
    let cloud = grown(&["1"]);
    let mut definitions = ubuntu(&["1"]);
    definitions[0].versions[0].checksum = Some(digest("9").parse().unwrap());
    let plan = cloud.plan(&definitions);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(plan.findings[0].rule, "checksum-edited");
}

#[test]
fn a_weak_digest_is_not_uploaded() {
    let mut definitions = ubuntu(&["1"]);
    definitions[0].versions[0].checksum =
        Some("md5:0cc175b9c0f1b6a831c399e269772661".parse().unwrap());
    let plan = Cloud::default().plan(&definitions);
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].rule, "not-uploadable");
}

#[test]
fn edited_metadata_reaches_images_that_are_there_and_foreign_properties_stay() {
    let mut cloud = grown(&["1"]);
    cloud.images[0]
        .properties
        .insert("theirs".to_owned(), "stays".to_owned());
    cloud.images[0].tags.insert("theirs".to_owned());
    let mut definitions = ubuntu(&["1"]);
    definitions[0].meta = [
        ("os_distro".to_owned(), "debian".to_owned()),
        ("hw_disk_bus".to_owned(), "scsi".to_owned()),
    ]
    .into();
    let plan = cloud.plan(&definitions);
    cloud.apply(&plan);
    let image = &cloud.images[0];
    assert_eq!(image.properties["theirs"], "stays");
    assert_eq!(image.properties["hw_disk_bus"], "scsi");
    assert!(!image.properties.contains_key("os_purpose"));
    assert_eq!(
        image.tags,
        ["managed_by_reglaze", "os:debian", "theirs"]
            .map(str::to_owned)
            .into()
    );
    assert_eq!(lines(&cloud.plan(&definitions)), "");
}

#[test]
fn a_foreign_image_under_our_name_stops_this_image_only() {
    let mut cloud = Cloud::default();
    let id = cloud.add(CloudImage {
        name: Some("Ubuntu 24.04".to_owned()),
        owner: Some("them".to_owned()),
        status: Status::Active,
        visibility: Visibility::Public,
        ..CloudImage::default()
    });
    let definitions = [ubuntu(&["1"]).remove(0), define("Debian 13", "", &["1"])];
    let plan = cloud.plan(&definitions);
    assert_eq!(plan.findings[0].rule, "name-taken");
    assert_eq!(plan.findings[0].id, Some(id));
    assert!(plan.steps.iter().all(|step| step.image == "Debian 13") && !plan.steps.is_empty());
}

#[test]
fn a_tenants_private_image_of_the_same_name_is_none_of_our_business() {
    let mut cloud = grown(&["1"]);
    cloud.add(CloudImage {
        name: Some("Ubuntu 24.04".to_owned()),
        owner: Some("them".to_owned()),
        status: Status::Active,
        visibility: Visibility::Private,
        ..CloudImage::default()
    });
    assert_eq!(lines(&cloud.plan(&ubuntu(&["1"]))), "");
}

#[test]
fn a_leftover_is_deleted_and_uploaded_anew_unless_glances_hash_proves_it() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&ubuntu(&["1"]));
    cloud.perform(&plan.steps[0], &mut BTreeMap::new());
    let kinds = |plan: &Plan| {
        plan.steps
            .iter()
            .map(|step| step.action.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        kinds(&cloud.plan(&ubuntu(&["1"]))),
        ["delete", "upload", "publish"]
    );

    let mut definitions = ubuntu(&["1"]);
    let hex = "ab".repeat(64);
    definitions[0].versions[0].checksum = Some(format!("sha512:{hex}").parse().unwrap());
    cloud.images[0].os_hash_algo = Some("sha512".to_owned());
    cloud.images[0].os_hash_value = Some(hex);
    assert_eq!(kinds(&cloud.plan(&definitions)), ["publish"]);
}

#[test]
fn an_upload_that_another_run_is_at_is_left_to_it() {
    let mut cloud = Cloud::default();
    let plan = cloud.plan(&ubuntu(&["1"]));
    cloud.perform(&plan.steps[0], &mut BTreeMap::new());
    cloud.images[0].status = Status::Saving;
    cloud.images[0].updated_at = "2026-11-21T00:00:00Z".parse().unwrap();
    let plan = cloud.plan(&ubuntu(&["1"]));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].rule, "upload-elsewhere");
}

#[test]
fn a_deactivated_newest_is_reactivated_before_the_old_one_leaves_the_name() {
    let mut cloud = grown(&["1", "2"]);
    cloud.images[1].status = Status::Deactivated;
    cloud.images[1].name = Some("something".to_owned());
    cloud.images[0].name = Some("Ubuntu 24.04".to_owned());
    let mut uploaded = BTreeMap::new();
    for step in &cloud.plan(&ubuntu(&["1", "2"])).steps {
        cloud.perform(step, &mut uploaded);
        assert!(cloud.catalogue()["Ubuntu 24.04"] >= 1, "{}", step.line());
    }
}

#[test]
fn above_the_limit_no_withdrawal_is_done_at_all() {
    let mut cloud = Cloud::default();
    let mut definitions: Vec<_> = (0..3)
        .map(|index| define(&format!("Image {index}"), "", &["1"]))
        .collect();
    cloud.apply(&cloud.plan(&definitions));
    for definition in &mut definitions {
        definition.visibility = Visibility::Private;
    }
    let plan = cloud.plan_with(&definitions, 2);
    assert!(plan.steps.iter().all(|step| !step.withdrawal));
    assert_eq!(plan.findings[0].rule, "too-many-withdrawals");
    assert_eq!(cloud.plan_with(&definitions, 3).steps.len(), 3);
}

#[test]
fn a_reviewed_plan_binds_and_a_moved_image_is_left_alone() {
    let both = [ubuntu(&["1"]).remove(0), define("Debian 13", "", &["1"])];
    let reviewed = Cloud::default().plan(&both);
    let mut moved = both.clone();
    moved[1].visibility = Visibility::Private;
    let bound = bound(Cloud::default().plan(&moved), &reviewed.steps).plan;
    assert!(bound.steps.iter().all(|step| step.image == "Ubuntu 24.04") && bound.steps.len() == 2);
    assert_eq!(bound.findings[0].rule, "plan-moved");
    assert_ne!(
        reviewed.fingerprint(),
        Cloud::default().plan(&moved).fingerprint()
    );
}

#[test]
fn the_fingerprint_is_the_same_for_a_plan_that_was_read_back() {
    let plan = Cloud::default().plan(&ubuntu(&["1", "2"]));
    let text = serde_json::to_string(&plan.steps).unwrap();
    let read: Vec<Step> = serde_json::from_str(&text).unwrap();
    assert_eq!(step::fingerprint(&read), plan.fingerprint());
}

prop_compose! {
    /// A file's history: each state lists some of the versions 1 to 6.
    fn history()(states in proptest::collection::vec(proptest::sample::subsequence(vec!["1", "2", "3", "4", "5", "6"], 0..6), 1..5)) -> Vec<Vec<&'static str>> {
        states
    }
}

proptest! {
    /// Applying a plan leaves an empty plan; any first part of it and a new plan lead to the same end; no moment leaves
    /// the name without an image; foreign images are not touched.
    #[test]
    fn every_plan_ends_wherever_it_is_cut(history in history(), cut in 0_usize..40) {
        let mut cloud = Cloud::default();
        cloud.add(CloudImage {
            name: Some("Theirs".to_owned()),
            owner: Some("them".to_owned()),
            status: Status::Active,
            visibility: Visibility::Public,
            tags: [TAG.to_owned()].into(),
            ..CloudImage::default()
        });
        let foreign = cloud.images[0].clone();
        for versions in &history {
            let definitions = ubuntu(versions);
            let plan = cloud.plan(&definitions);
            let mut uncut = cloud.clone();
            let had = cloud.catalogue().contains_key("Ubuntu 24.04");
            let mut uploaded = BTreeMap::new();
            for step in &plan.steps {
                uncut.perform(step, &mut uploaded);
                let count = uncut.catalogue().get("Ubuntu 24.04").copied().unwrap_or(0);
                prop_assert!(count <= 2 && (!had || count >= 1), "{count} after {}", step.line());
            }
            prop_assert_eq!(lines(&Plan { steps: uncut.plan(&definitions).steps, findings: vec![] }), "");

            let mut killed = cloud.clone();
            let mut uploaded = BTreeMap::new();
            for step in plan.steps.iter().take(cut) {
                killed.perform(step, &mut uploaded);
            }
            let rest = killed.plan(&definitions);
            // Whoever reviewed the plan reviewed what is left of it.
            prop_assert_eq!(bound(rest.clone(), &plan.steps).moved, []);
            killed.apply(&rest);
            prop_assert_eq!(killed.look(), uncut.look());
            prop_assert_eq!(&uncut.images[0], &foreign);
            cloud = uncut;
        }
    }
}
