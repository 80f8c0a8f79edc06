//! Promises come before policy.

use super::*;

const STOP: &str = "stages: {older: {status: deactivated, visibility: private, keep: 9}}\n";

fn promising(validity: &'static str) -> impl Fn(&[&str]) -> Vec<Definition> {
    move |versions| with(STOP, &[("uuid_validity", validity)], versions)
}

#[test]
fn without_a_promise_a_replaced_image_stops_as_the_policy_says() {
    let cloud = grown_with(&["1", "2"], promising("none"));
    let one = cloud.of_version("1").unwrap();
    assert_eq!(
        (one.status, one.visibility),
        (Status::Deactivated, Visibility::Private)
    );
}

#[test]
fn last_two_stop_with_the_third_newer_build_and_a_finding_says_so_until_then() {
    let define = promising("last-2");
    let mut cloud = grown_with(&["1", "2", "3"], &define);
    let one = cloud.of_version("1").unwrap();
    assert_eq!(
        (one.status, one.visibility, one.name.as_deref()),
        (Status::Active, Visibility::Public, Some("Ubuntu 24.04 (1)"))
    );
    let plan = cloud.plan(&define(&["1", "2", "3"]));
    assert_eq!(
        lines(&plan),
        "warning: Ubuntu 24.04: version `2` would become private and be deactivated, but the image promises \
         `uuid_validity: last-2`, which ends with 2 more builds; that has to wait [promise]\n\
         warning: Ubuntu 24.04: version `1` would become private and be deactivated, but the image promises \
         `uuid_validity: last-2`, which ends with 1 more build; that has to wait [promise]"
    );
    cloud.apply(&cloud.plan(&define(&["1", "2", "3", "4"])));
    assert_eq!(cloud.of_version("1").unwrap().status, Status::Deactivated);
    assert_eq!(cloud.of_version("2").unwrap().status, Status::Active);
}

#[test]
fn a_date_holds_to_its_end_and_the_future_shows_what_comes_then() {
    let define = promising("2026-12-31");
    let cloud = grown_with(&["1", "2"], &define);
    let versions = define(&["1", "2"]);
    assert!(
        cloud
            .plan_at(&versions, "2026-12-31".parse().unwrap())
            .steps
            .is_empty()
    );
    let later = cloud.plan_at(&versions, "2027-01-01".parse().unwrap());
    assert_eq!(kinds(&later), ["visibility 1", "status 1"]);
    assert!(later.steps.iter().all(Step::is_destructive));
}

#[test]
fn a_notice_is_given_before_what_it_announces() {
    let define = |versions: &[&str]| {
        with(
            "stages: {older: {status: deactivated, properties: {deprecated: 'true', replacement: '{newest.name}'}, keep: 9}}\n",
            &[("uuid_validity", "notice")],
            versions,
        )
    };
    let mut cloud = grown_with(&["1"], define);
    cloud.apply(&cloud.plan(&define(&["1", "2"])));
    let one = cloud.of_version("1").unwrap();
    assert_eq!(one.properties["deprecated"], "true");
    assert_eq!(one.properties["replacement"], "Ubuntu 24.04");
    assert_eq!(one.status, Status::Active);
    assert!(
        cloud.plan(&define(&["1", "2"])).steps.is_empty(),
        "on the same day"
    );
    cloud.wait(1);
    assert_eq!(kinds(&cloud.plan(&define(&["1", "2"]))), ["status 1"]);
}

#[test]
fn for_ever_and_unreadable_words_are_never_broken() {
    for (word, rules_of) in [
        ("forever", vec!["promise"]),
        ("last-few", vec!["promise", "promise"]),
    ] {
        let define = |versions: &[&str]| with(STOP, &[("uuid_validity", word)], versions);
        let cloud = grown_with(&["1", "2"], define);
        let plan = cloud.plan_at(&define(&["1", "2"]), "2099-01-01".parse().unwrap());
        assert!(plan.steps.is_empty(), "{}", lines(&plan));
        let of_the_old: Vec<_> = plan
            .findings
            .iter()
            .filter(|finding| finding.message.contains("version `1`"))
            .map(|finding| finding.rule)
            .collect();
        assert_eq!(of_the_old, rules_of);
    }
}

#[test]
fn a_persons_own_word_against_a_promise_needs_that_person() {
    let define = |visibility| {
        let mut definitions = with("rotate: true\n", &[("uuid_validity", "forever")], &["1"]);
        definitions[0].visibility = visibility;
        definitions
    };
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&define(Visibility::Public)));
    let plan = cloud.plan(&define(Visibility::Private));
    assert!(plan.steps.is_empty());
    assert_eq!(plan.findings[0].level, Level::Error);
    // Everybody who knows the UUID goes on.
    let plan = cloud.plan(&define(Visibility::Community));
    assert_eq!(kinds(&plan), ["visibility 1"]);
}

#[test]
fn a_name_that_is_provided_until_a_day_stays_in_lists_until_then() {
    let define = |visibility| {
        let mut definitions = with(
            "rotate: true\n",
            &[("uuid_validity", "none"), ("provided_until", "2026-12-31")],
            &["1"],
        );
        definitions[0].visibility = visibility;
        definitions
    };
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&define(Visibility::Public)));
    let community = define(Visibility::Community);
    let plan = cloud.plan(&community);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(rules(&plan), ["promise"]);
    let later = cloud.plan_at(&community, "2027-01-01".parse().unwrap());
    assert_eq!(kinds(&later), ["visibility 1"]);
}

#[test]
fn an_edit_that_promises_less_leaves_the_promise_on_images_that_are_there() {
    let define = |validity| with("rotate: true\n", &[("uuid_validity", validity)], &["1"]);
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&define("last-3")));
    let less = define("none");
    let plan = cloud.plan(&less);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(rules(&plan), ["promise-weakened"]);
    let nothing = with("rotate: true\n", &[], &["1"]);
    let plan = cloud.plan(&nothing);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    // More is promised at once.
    cloud.apply(&cloud.plan(&define("last-5")));
    assert_eq!(
        cloud.of_version("1").unwrap().properties["uuid_validity"],
        "last-5"
    );
}

#[test]
fn a_newest_image_that_is_due_to_be_replaced_is_told() {
    let meta = [
        ("replace_frequency", "monthly"),
        ("provided_until", "2028-01-01"),
        ("image_build_date", "2026-11-20"),
    ];
    let definitions = with("rotate: true\n", &meta, &["1"]);
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&definitions));
    let at = |day: &str| rules(&cloud.plan_at(&definitions, day.parse().unwrap())).join(" ");
    assert_eq!(at("2026-12-20"), "");
    assert_eq!(at("2026-12-21"), "replace-due");
}
