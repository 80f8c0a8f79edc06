//! Images that only some projects see.

use super::*;

const USERS: &str =
    "share_grace: 14d\nstages: {older: {visibility: shared, share: users, keep: 9}}\n";

fn users(versions: &[&str]) -> Vec<Definition> {
    with(USERS, &[], versions)
}

fn members(cloud: &Cloud, version: &str) -> Vec<String> {
    let image = cloud.of_version(version).unwrap();
    let members = image.members.clone().unwrap_or_default();
    members.into_keys().collect()
}

fn shared() -> Cloud {
    let mut cloud = grown_with(&["1"], users);
    cloud.used("1", "a");
    cloud.used("1", "b");
    cloud.apply(&cloud.plan(&users(&["1", "2"])));
    cloud.wait(1);
    cloud
}

#[test]
fn those_who_use_a_replaced_image_keep_seeing_it() {
    let mut cloud = grown_with(&["1"], users);
    cloud.used("1", "a");
    insta::assert_snapshot!(lines(&cloud.plan(&users(&["1", "2"]))), @r"
    + upload     Ubuntu 24.04 [2]: https://example.org/2.img → sha256:32323232323232323…
    + publish    Ubuntu 24.04 [2]: Ubuntu 24.04  (public)
    ~ rename     Ubuntu 24.04 [1]: Ubuntu 24.04 → Ubuntu 24.04 (1)  (now older)
    - share      Ubuntu 24.04 [1]: public → shared  (1 project more, 0 fewer)
    ");
    let cloud = shared();
    assert_eq!(members(&cloud, "1"), ["a", "b"]);
    assert_eq!(
        cloud.of_version("1").unwrap().visibility,
        Visibility::Shared
    );
    assert_eq!(lines(&cloud.plan(&users(&["1", "2"]))), "");
}

#[test]
fn for_whom_a_dead_run_did_not_accept_the_next_one_does() {
    let mut cloud = shared();
    let id = cloud.id("1");
    let members = cloud.image(&id).members.as_mut().unwrap();
    members.insert("a".to_owned(), false);
    insta::assert_snapshot!(lines(&cloud.plan(&users(&["1", "2"]))), @"~ share      Ubuntu 24.04 [1]: shared → shared  (1 project more, 0 fewer)");
    cloud.apply(&cloud.plan(&users(&["1", "2"])));
    assert_eq!(lines(&cloud.plan(&users(&["1", "2"]))), "");
}

#[test]
fn who_uses_it_no_more_sees_it_until_the_grace_is_over() {
    let mut cloud = shared();
    let id = cloud.id("1");
    cloud.uses.as_mut().unwrap().insert(id.clone(), vec!["b"]);
    cloud.apply(&cloud.plan(&users(&["1", "2"])));
    let since = cloud.today;
    assert_eq!(cloud.image(&id).properties[MEMBERS], format!("a:{since},b"));
    assert_eq!(lines(&cloud.plan(&users(&["1", "2"]))), "");
    cloud.wait(13);
    assert_eq!(lines(&cloud.plan(&users(&["1", "2"]))), "");
    // Whoever comes back in time begins anew.
    let mut back = cloud.clone();
    back.used("1", "a");
    back.apply(&back.plan(&users(&["1", "2"])));
    assert_eq!(back.image(&id).properties[MEMBERS], "a,b");
    cloud.wait(1);
    assert_eq!(
        kinds(&cloud.plan(&users(&["1", "2"]))),
        ["share 1", "properties 1"]
    );
    cloud.apply(&cloud.plan(&users(&["1", "2"])));
    assert_eq!(members(&cloud, "1"), ["b"]);
    assert_eq!(lines(&cloud.plan(&users(&["1", "2"]))), "");
}

#[test]
fn members_whom_people_added_stay() {
    let mut cloud = shared();
    let id = cloud.id("1");
    cloud
        .image(&id)
        .members
        .as_mut()
        .unwrap()
        .insert("theirs".to_owned(), true);
    cloud.uses = Some(BTreeMap::new());
    for _ in 0..3 {
        cloud.apply(&cloud.plan(&users(&["1", "2"])));
        cloud.wait(20);
    }
    assert_eq!(members(&cloud, "1"), ["theirs"]);
}

#[test]
fn above_the_limit_or_when_nobody_answers_it_stays_as_visible_as_it_is() {
    let mut cloud = grown_with(&["1"], users);
    cloud.used("1", "a");
    cloud.used("1", "b");
    cloud.members = 1;
    let plan = cloud.plan(&users(&["1", "2"]));
    assert_eq!(kinds(&plan), ["upload 2", "publish 2", "rename 1"]);
    assert_eq!(rules(&plan), ["too-many-members"]);
    cloud.uses = None;
    let plan = cloud.plan(&users(&["1", "2"]));
    assert_eq!(kinds(&plan), ["upload 2", "publish 2", "rename 1"]);
    assert_eq!(rules(&plan), ["use-unknown"]);
    cloud.apply(&plan);
    assert_eq!(
        cloud.of_version("1").unwrap().visibility,
        Visibility::Public
    );
}

#[test]
fn a_list_names_projects_and_domains_and_counts_at_once() {
    let listed = |list: &str| {
        let policy = format!("stages: {{latest: {{visibility: shared, share: {list}}}}}\n");
        with(&policy, &[], &["1"])
    };
    let mut cloud = Cloud::default();
    let unknown = cloud.plan(&listed("[p, 'domain:eng']"));
    assert_eq!(rules(&unknown), ["unknown-domain"]);
    cloud.apply(&unknown);
    assert_eq!(cloud.images[0].visibility, Visibility::Private);
    cloud
        .domains
        .insert("eng".to_owned(), ["q".to_owned(), "r".to_owned()].into());
    let plan = cloud.plan(&listed("[p, 'domain:eng']"));
    assert_eq!(kinds(&plan), ["properties 1", "share 1"]);
    cloud.apply(&plan);
    assert_eq!(members(&cloud, "1"), ["p", "q", "r"]);
    cloud.apply(&cloud.plan(&listed("[p, s]")));
    assert_eq!(members(&cloud, "1"), ["p", "s"]);
    assert_eq!(lines(&cloud.plan(&listed("[p, s]"))), "");
}

#[test]
fn where_drift_is_only_told_sharing_is_no_drift() {
    let policy = format!("drift: report\n{USERS}");
    let define = |versions: &[&str]| with(&policy, &[], versions);
    let mut cloud = grown_with(&["1"], define);
    cloud.used("1", "a");
    for versions in [&["1", "2"][..], &["1", "2", "3"]] {
        cloud.apply(&cloud.plan(&define(versions)));
        assert_eq!(lines(&cloud.plan(&define(versions))), "");
        cloud.wait(20);
        cloud.apply(&cloud.plan(&define(versions)));
        assert_eq!(lines(&cloud.plan(&define(versions))), "");
    }
    assert_eq!(members(&cloud, "1"), ["a"]);
}

#[test]
fn a_promise_keeps_an_image_from_being_shared_with_some_only() {
    let define = |versions: &[&str]| with(USERS, &[("uuid_validity", "last-1")], versions);
    let mut cloud = grown_with(&["1", "2"], define);
    assert_eq!(
        cloud.of_version("1").unwrap().visibility,
        Visibility::Public
    );
    cloud.apply(&cloud.plan(&define(&["1", "2", "3"])));
    assert_eq!(
        cloud.of_version("1").unwrap().visibility,
        Visibility::Shared
    );
}

#[test]
fn a_promise_keeps_an_image_with_the_projects_that_it_is_shared_with() {
    let listed = |validity: &str, list: &str| {
        let policy = format!("stages: {{latest: {{visibility: shared, share: {list}}}}}\n");
        with(&policy, &[("uuid_validity", validity)], &["1"])
    };
    let mut cloud = Cloud::default();
    cloud.apply(&cloud.plan(&listed("2026-11-30", "[p, q]")));
    let shorter = listed("2026-11-30", "[p]");
    let plan = cloud.plan(&shorter);
    assert!(plan.steps.is_empty(), "{}", lines(&plan));
    assert_eq!(rules(&plan), ["promise"]);
    let message = &plan.findings[0].message;
    assert!(message.contains("which ends after 2026-11-30"), "{message}");
    // Whoever comes is let in all the same.
    let plan = cloud.plan(&listed("2026-11-30", "[p, r]"));
    cloud.apply(&plan);
    assert_eq!(members(&cloud, "1"), ["p", "q", "r"]);
    cloud.wait(10);
    cloud.apply(&cloud.plan(&shorter));
    assert_eq!(members(&cloud, "1"), ["p"]);
    assert_eq!(lines(&cloud.plan(&shorter)), "");
}
