//! `apply` with images that somebody uses: deletion at the end of a life, and sharing.

use reqwest::Method;
use serde_json::Value;

use super::world::{Tenant, World};
use crate::account::{Account, wait};
use crate::proxy::{Fault, answer};
use crate::services::PASSWORD;
use crate::stage::{Ended, Stage, rules, steps};

/// A stage whose cloud's catalogue is the test's own.
pub async fn stage(name: &str, settings: &str) -> (Stage, World) {
    let (stage, world) = (Stage::new(name), World::new().await);
    let clouds = format!(
        "clouds:\n  admin:\n    region_name: RegionOne\n    image_endpoint_override: {}\n    auth:\n      auth_url: {}\n      username: admin\n      \
         password: {PASSWORD}\n      project_name: admin\n      user_domain_name: Default\n      project_domain_name: Default\n",
        stage.glance.url.as_str().trim_end_matches('/'),
        world.keystone,
    );
    stage.write("clouds.yaml", &clouds);
    stage.write("reglaze.yml", &format!("tag: {}\n{settings}", stage.tag));
    (stage, world)
}

/// The first version is there, perhaps used by a tenant's server, and the second is listed for the next run.
async fn replaced(
    name: &str,
    settings: &str,
    used: bool,
) -> (Stage, World, String, Option<String>) {
    let (stage, world) = stage(name, settings).await;
    let first = stage.publish("1", &[1; 2000]);
    let second = stage.publish("2", &[2; 2000]);
    stage.define("Ubuntu", "  multi: true\n", std::slice::from_ref(&first));
    stage.reglaze(&["apply"]).expect(0);
    let id = stage.images()[0]["id"].as_str().unwrap().to_owned();
    let server = if used {
        Some(Tenant::of("tenant").await.server(&id).await)
    } else {
        None
    };
    stage.define("Ubuntu", "  multi: true\n", &[second, first]);
    (stage, world, id, server)
}

/// Images that promise nothing, and go to their last stage as soon as there is a newer one.
fn settings(retired: &str) -> String {
    format!(
        "limits: {{deletions: 5}}\npolicy: {{stages: {{older: {{keep: 0}}, retired: {retired}}}, properties: {{uuid_validity: none}}}}\n"
    )
}

/// A last stage that only those see who use the image.
const SHARED: &str = "{visibility: shared, share: users, until: forever}";

/// The first version was replaced by the second, and is in its last stage.
pub async fn retired(
    name: &str,
    stage: &str,
    used: bool,
) -> (Stage, World, String, Option<String>) {
    let (stage, world, id, server) = replaced(name, &settings(stage), used).await;
    stage.reglaze(&["apply"]).expect(0);
    (stage, world, id, server)
}

/// A run on a later day: a stage lasts at least until the day after it began.
pub fn later(stage: &Stage, command: &str) -> Ended {
    stage.reglaze(&[command, "--today", "2099-01-01"])
}

pub async fn seen_by(name: &str, id: &str) -> Value {
    let (status, image) = Account::of(name)
        .ask(Method::GET, &format!("/v2/images/{id}"), None)
        .await;
    if status == 200 { image } else { Value::Null }
}

#[track_caller]
pub fn outcome(ended: &Ended, code: i32) -> (String, Value) {
    let document = ended.expect(code);
    let steps = document["clouds"][0]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["action"] == "delete");
    let step = step.unwrap_or_else(|| panic!("no deletion: {document}"));
    (
        step["outcome"].as_str().unwrap_or_default().to_owned(),
        document,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_at_its_end_is_deleted_once_nobody_uses_it_and_never_before() {
    let (stage, world, id, server) = retired("end", "{until: unused}", true).await;
    let tenant = Tenant::of("tenant").await;
    assert_eq!(
        steps(&later(&stage, "plan").expect(0)),
        Vec::<String>::new(),
        "a tenant uses it"
    );
    tenant.delete_server(&server.unwrap()).await;
    assert_eq!(steps(&later(&stage, "plan").expect(2)), ["delete 1"]);
    let before = seen_by("admin", &id).await;

    // Somebody starts a server after the plan, in the moment before the last question.
    let late = std::sync::Arc::new(std::sync::Mutex::new(None));
    let (started, image) = (std::sync::Arc::clone(&late), id.clone());
    world.nova.answer_where(move |seen| {
        let mut started = started.lock().unwrap();
        if seen.query.contains("image=") && started.is_none() {
            *started = Some(wait(async {
                Tenant::of("tenant").await.server(&image).await
            }));
        }
        None
    });
    let (became, document) = outcome(&later(&stage, "apply"), 0);
    assert_eq!(became, "skipped");
    assert_eq!(rules(&document), ["image-in-use"]);
    assert!(
        document["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains(&tenant.project)
    );
    assert_eq!(seen_by("admin", &id).await, before, "nothing of it changed");
    let late = late.lock().unwrap().clone();
    tenant.delete_server(&late.unwrap()).await;
    world.nova.heal();

    let (became, _) = outcome(&later(&stage, "apply"), 0);
    assert_eq!(became, "done");
    assert_eq!(seen_by("admin", &id).await, Value::Null);
    assert_eq!(stage.images().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_that_is_refused_or_not_sure_leaves_the_image_as_it_was() {
    let (stage, world, id, _) = retired("refused", "{until: unused}", false).await;
    let before = seen_by("admin", &id).await;
    // Written from Glance's API reference: a store that calls its data in use (Ceph with clones).
    stage.glance.fail(
        "DELETE",
        "/images/",
        Fault::Answer(409, r#"{"message": "Image is in use by the store."}"#),
    );
    let (became, document) = outcome(&later(&stage, "apply"), 0);
    assert_eq!(
        (became.as_str(), rules(&document)),
        ("skipped", vec!["image-in-use"])
    );
    stage.glance.fail(
        "DELETE",
        "/images/",
        Fault::Answer(403, r#"{"message": "Image is protected."}"#),
    );
    let (became, document) = outcome(&later(&stage, "apply"), 3);
    assert_eq!(
        (became.as_str(), rules(&document)),
        ("failed", vec!["step-failed"])
    );
    // The plan's question is answered, the last one is not.
    world
        .nova
        .answer_where(|seen| seen.query.contains("image=").then(|| answer(403, "{}")));
    let (became, document) = outcome(&later(&stage, "apply"), 3);
    assert_eq!(
        (became.as_str(), rules(&document)),
        ("skipped", vec!["use-unknown"])
    );
    world.nova.heal();
    // Protected by somebody after the plan.
    let protect = id.clone();
    world.nova.answer_where(move |seen| {
        if seen.path.ends_with("/os-services") && seen.before == 0 {
            wait(async {
                Account::of("admin")
                    .set(&protect, &[("protected", true.into())])
                    .await
            });
        }
        None
    });
    world.nova.take();
    let (became, document) = outcome(&later(&stage, "apply"), 0);
    assert_eq!(
        (became.as_str(), rules(&document)),
        ("skipped", vec!["protected"])
    );
    Account::of("admin")
        .set(&id, &[("protected", false.into())])
        .await;
    world.nova.heal();
    let mut after = seen_by("admin", &id).await;
    after["updated_at"] = before["updated_at"].clone();
    assert_eq!(after, before);

    // Nobody answers at all: nothing is planned, with one finding.
    world
        .cinder
        .fail_often("GET", "/volumes/detail", 9, Fault::Answer(403, "{}"));
    let document = later(&stage, "plan").expect(3);
    assert_eq!(
        (steps(&document), rules(&document)),
        (Vec::new(), vec!["use-unknown"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_uses_an_image_keeps_seeing_it_when_others_do_not() {
    let stages = "{visibility: shared, share: users, until: forever}";
    let (stage, _world, id, server) = retired("share", stages, true).await;
    assert_eq!(seen_by("tenant", &id).await["visibility"], "shared");
    let listed = Account::of("tenant")
        .list("visibility=shared&member_status=accepted")
        .await;
    assert!(listed.iter().any(|image| image["id"] == id.as_str()));
    assert_eq!(
        seen_by("member", &id).await,
        Value::Null,
        "it does not use it"
    );
    assert_eq!(
        steps(&stage.reglaze(&["plan"]).expect(0)),
        Vec::<String>::new()
    );
    Tenant::of("tenant")
        .await
        .delete_server(&server.unwrap())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_does_not_work_out_leaves_the_image_as_visible_as_it_was() {
    let (stage, _world, id, server) = replaced("unshared", &settings(SHARED), true).await;
    stage
        .glance
        .fail_often("PUT", "/members/", 9, Fault::Answer(500, "{}"));
    stage.reglaze(&["apply"]).expect(3);
    assert_eq!(seen_by("tenant", &id).await["visibility"], "public");
    stage.glance.heal();
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(seen_by("tenant", &id).await["visibility"], "shared");
    Tenant::of("tenant")
        .await
        .delete_server(&server.unwrap())
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_share_that_this_login_may_not_accept_is_told_and_stays_pending() {
    let (stage, _world, id, server) = replaced("pending", &settings(SHARED), true).await;
    let tenant = Tenant::of("tenant").await;
    // What Glance says to an owner who is no administrator.
    stage
        .glance
        .fail_often("PUT", "/members/", 9, Fault::Answer(403, "{}"));
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(rules(&document), ["share-pending"]);
    assert!(
        document["findings"][0]["message"]
            .as_str()
            .unwrap()
            .contains(&tenant.project)
    );
    assert_eq!(
        seen_by("tenant", &id).await["visibility"],
        "shared",
        "by its ID it is seen"
    );
    tenant.delete_server(&server.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_shared_with_all_projects_of_a_domain() {
    let stages = "{visibility: shared, share: ['domain:Default'], until: forever}";
    let (stage, _world, id, _) = retired("domain", stages, false).await;
    for name in ["tenant", "member"] {
        let listed = Account::of(name)
            .list("visibility=shared&member_status=accepted")
            .await;
        assert!(
            listed.iter().any(|image| image["id"] == id.as_str()),
            "{name}"
        );
    }
    assert_eq!(
        steps(&stage.reglaze(&["plan"]).expect(0)),
        Vec::<String>::new()
    );
    let settings = std::fs::read_to_string(stage.path("reglaze.yml")).unwrap();
    stage.write(
        "reglaze.yml",
        &settings.replace("domain:Default", "domain:none-such"),
    );
    let document = stage.reglaze(&["plan"]).expect(3);
    assert_eq!(rules(&document), ["unknown-domain"]);
    assert_eq!(
        steps(&document),
        Vec::<String>::new(),
        "nothing is taken from anybody"
    );
}
