//! Random histories of a file, a cloud and its users, over all presets and some policies more.

use chrono::NaiveDate;
use proptest::prelude::*;

use super::*;
use cloud::Uploaded;

const NAME: &str = "Ubuntu 24.04";

/// The policies, each with whether the newest always bears the same name.
const POLICIES: [(&str, bool); 11] = [
    ("preset: osism\n", true),
    ("preset: cleura\n", true),
    ("preset: syseleven\n", false),
    ("preset: optimist\n", true),
    ("preset: xloud\n", false),
    ("preset: scs\n", true),
    (
        "stages: {older: {keep: 1, for: 5d, until: unused}, retired: {hidden: true, for: 10d, until: unused}}\n",
        true,
    ),
    (
        "share_grace: 3d\nstages: {older: {visibility: shared, share: users, for: 7d}, retired: {visibility: private, until: unused}}\n",
        true,
    ),
    (
        "stages: {older: {protected: true, status: deactivated, keep: 1}, retired: {protected: false, until: unused}}\n",
        true,
    ),
    (
        "drift: report\nshare_grace: 3d\ntags: ['built:{upload_date}']\nstages: {older: {visibility: shared, share: users, for: 7d, keep: 1}, retired: {visibility: private, status: deactivated, properties: {deprecated: 'true'}, until: unused}}\n",
        true,
    ),
    (
        "immutable: true\nstages: {older: {visibility: private, properties: {deprecated: 'true', replacement: '{newest.name}'}, tags: [old], keep: 0}, retired: {status: deactivated, until: unused}}\n",
        true,
    ),
];

const PROMISES: [Option<&str>; 7] = [
    None,
    Some("none"),
    Some("last-1"),
    Some("last-2"),
    Some("2026-12-15"),
    Some("notice"),
    Some("forever"),
];

/// One visit of the scheduled run: so many days later, the file lists these versions, and these are in use.
#[derive(Debug, Clone)]
struct Visit {
    days: u64,
    listed: Vec<&'static str>,
    used: Vec<&'static str>,
}

const VERSIONS: [&str; 6] = ["1", "2", "3", "4", "5", "6"];

prop_compose! {
    fn visit()(
        days in prop_oneof![Just(0_u64), 1_u64..3, 3_u64..60],
        listed in proptest::sample::subsequence(VERSIONS.to_vec(), 0..6),
        used in proptest::sample::subsequence(VERSIONS.to_vec(), 0..4),
    ) -> Visit {
        Visit { days, listed, used }
    }
}

fn number(image: &CloudImage) -> Option<u32> {
    version_of(image)?.parse().ok()
}

fn is_published(image: &CloudImage) -> bool {
    image.owner.as_deref() == Some(OWNER) && !is_unpublished(image)
}

/// Whether somebody else can boot an image, or whoever owns it where nobody else could.
fn boots(image: &CloudImage) -> bool {
    image.status == Status::Active
        && (image.visibility >= Visibility::Community || image.visibility == Visibility::Private)
}

/// The promises of the standard, written down a second time: may this image end on this day?
fn may_end(image: &CloudImage, all: &[CloudImage], today: NaiveDate) -> bool {
    let Some(word) = image.properties.get("uuid_validity") else {
        return true;
    };
    let newer = all
        .iter()
        .filter(|other| is_published(other) && number(other) > number(image))
        .count();
    match word.as_str() {
        "none" => true,
        "notice" => image.properties.get("deprecated").map(String::as_str) == Some("true"),
        "forever" => false,
        word => match word.strip_prefix("last-") {
            Some(count) => newer > count.parse::<usize>().unwrap(),
            None => today > word.parse().unwrap(),
        },
    }
}

/// Holds one step against everything that may never happen.
fn check(
    start: &Cloud,
    before: &Cloud,
    after: &Cloud,
    step: &Step,
    listed: &[&str],
) -> Result<(), TestCaseError> {
    let offered = |cloud: &Cloud| {
        let ours = cloud.images.iter().filter(|image| is_published(image));
        ours.filter(|image| image.is_in_the_catalogue()).count()
    };
    prop_assert!(
        offered(before) == 0 || offered(after) > 0,
        "nothing is offered after {}",
        step.line()
    );
    for image in before.images.iter().filter(|image| is_published(image)) {
        let now = after.images.iter().find(|other| other.id == image.id);
        let ended = match now {
            None => true,
            Some(now) => {
                let stops = boots(image) && !boots(now);
                let narrows = image.visibility >= Visibility::Community
                    && now.visibility < Visibility::Community;
                stops || narrows
            }
        };
        // What was promised, and whether notice was given, is as it was before the run began.
        let promised = start.images.iter().find(|other| other.id == image.id);
        if let (true, Some(promised)) = (ended, promised) {
            prop_assert!(
                may_end(promised, &after.images, start.today),
                "a promise is broken by {}: {:?}",
                step.line(),
                promised.properties
            );
        }
        if now.is_none() {
            let newest = listed
                .iter()
                .filter_map(|version| version.parse().ok())
                .max();
            prop_assert!(
                number(image) < newest,
                "deleted a newer one: {}",
                step.line()
            );
        }
    }
    for image in &after.images {
        prop_assert!(
            !is_unpublished(image) || image.visibility == Visibility::Private,
            "unproven bytes are visible"
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, ..ProptestConfig::default() })]

    /// Applying a plan leaves an empty plan on the same day; any first part of it and a new plan lead to the same end; no
    /// moment leaves the name without an image; no step breaks a promise; foreign images are not touched.
    #[test]
    fn every_plan_ends_wherever_it_is_cut(
        (policy, stable) in proptest::sample::select(POLICIES.to_vec()),
        promise in proptest::sample::select(PROMISES.to_vec()),
        visits in proptest::collection::vec(visit(), 1..7),
        cut in 0_usize..30,
    ) {
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
        let meta: Vec<_> = promise.iter().map(|word| ("uuid_validity", *word)).collect();
        for visit in &visits {
            cloud.wait(visit.days);
            cloud.uses = Some(BTreeMap::new());
            for version in &visit.used {
                if cloud.of_version(version).is_some() {
                    cloud.used(version, "tenant");
                }
            }
            let definitions = with(policy, &meta, &visit.listed);
            let plan = cloud.plan(&definitions);
            let mut uncut = cloud.clone();
            let newest = |cloud: &Cloud| {
                let latest = cloud.images.iter().find(|image| {
                    is_published(image) && image.is_in_the_catalogue()
                        && image.properties.get(STAGE).map(String::as_str) == Some("latest")
                })?;
                latest.name.clone()
            };
            let had = newest(&cloud).filter(|_| stable);
            let mut uploaded = Uploaded::new();
            for step in &plan.steps {
                let before = uncut.clone();
                uncut.perform(step, &mut uploaded);
                check(&cloud, &before, &uncut, step, &visit.listed)?;
                if let Some(name) = &had {
                    let count = uncut.catalogue().get(name).copied().unwrap_or(0);
                    prop_assert!((1..=2).contains(&count), "{count} after {}", step.line());
                }
            }
            let again = uncut.plan(&definitions);
            prop_assert!(again.steps.is_empty(), "{}", lines(&again));

            let mut killed = cloud.clone();
            let mut uploaded = Uploaded::new();
            for step in plan.steps.iter().take(cut) {
                killed.perform(step, &mut uploaded);
            }
            let rest = killed.plan(&definitions);
            if policy == POLICIES[0].0 {
                // Whoever reviewed the plan reviewed what is left of it.
                prop_assert_eq!(bound(rest.clone(), &plan.steps).moved, []);
            }
            killed.apply(&rest);
            prop_assert_eq!(killed.look(), uncut.look(), "{} {}", NAME, lines(&plan));
            prop_assert_eq!(&uncut.images[0], &foreign);
            cloud = uncut;
        }
    }
}
