//! What somebody changes between the plan of a deletion and the deletion itself: it is respected, and the image stays.

use serde_json::{Value, json};

use super::applied::{later, outcome, retired, seen_by};
use super::world::{Tenant, World};
use crate::account::{Account, wait};
use crate::proxy::Seen;
use crate::stage::{Stage, rules, steps};

/// Lets a change happen while the last question for users is answered: after the plan, right before the deletion.
fn strike(world: &World, id: &str, key: &'static str, value: Value) {
    let id = id.to_owned();
    let done = std::sync::atomic::AtomicBool::new(false);
    world.nova.answer_where(move |seen: &Seen| {
        let is_last = seen.query.contains("image=");
        if is_last && !done.swap(true, std::sync::atomic::Ordering::SeqCst) {
            wait(Account::of("admin").set(&id, &[(key, value.clone())]));
        }
        None
    });
}

/// The image as it is, without what every write moves.
async fn look(id: &str) -> Value {
    let mut image = seen_by("admin", id).await;
    image.as_object_mut().unwrap().remove("updated_at");
    image
}

/// Deletes on a later day while somebody changes this; gives outcome, code and rules, and sees that only the change was made.
async fn meanwhile(
    (stage, world, id): (&Stage, &World, &str),
    key: &'static str,
    value: Value,
    code: i32,
) -> (String, Value) {
    let before = look(id).await;
    strike(world, id, key, value.clone());
    stage.glance.take();
    let became = outcome(&later(stage, "apply"), code);
    let deletions = stage.glance.take();
    assert!(
        deletions.iter().all(|seen| seen.method != "DELETE"),
        "{key}"
    );
    world.nova.heal();
    let mut expected = before.clone();
    expected[key] = value;
    assert_eq!(look(id).await, expected, "{key}");
    let former = before[key].clone();
    Account::of("admin").set(id, &[(key, former)]).await;
    assert_eq!(look(id).await, before, "{key}");
    became
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_between_plan_and_deletion_keeps_the_image() {
    let (stage, world, id, _) = retired("late", "{until: unused}", false).await;
    let at = (&stage, &world, id.as_str());
    for validity in ["forever", "last-7", "2199-01-01", "notice", "odd"] {
        let (became, document) = meanwhile(at, "uuid_validity", validity.into(), 0).await;
        assert_eq!(
            (became.as_str(), rules(&document)),
            ("skipped", vec!["promise"]),
            "{validity}"
        );
        let message = document["findings"][0]["message"].as_str().unwrap();
        assert!(message.contains(validity), "{message}");
        assert_eq!(document["findings"][0]["id"], id.as_str());
    }
    let (became, document) = meanwhile(at, "protected", true.into(), 0).await;
    assert_eq!(
        (became.as_str(), rules(&document)),
        ("skipped", vec!["protected"])
    );
    for (key, value) in [
        ("tags", json!([])),
        ("owner", json!(Tenant::of("tenant").await.project)),
        ("internal_version", json!("9")),
        ("reglaze_stage", json!("latest")),
    ] {
        let (became, document) = meanwhile(at, key, value, 3).await;
        assert_eq!(
            (became.as_str(), rules(&document)),
            ("failed", vec!["step-failed"]),
            "{key}"
        );
        let message = document["findings"][0]["message"].as_str().unwrap();
        assert!(message.contains("so it was not deleted"), "{message}");
    }
    // A promise that allows it stands in nobody's way.
    strike(&world, &id, "uuid_validity", "2098-12-31".into());
    assert_eq!(outcome(&later(&stage, "apply"), 0).0, "done");
    assert_eq!(seen_by("admin", &id).await, Value::Null);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_made_longer_after_the_review_is_kept_by_a_bound_run_too() {
    let (stage, world, id, _) = retired("late-bound", "{until: unused}", false).await;
    let plan = later(&stage, "plan");
    let document = plan.expect(2);
    assert_eq!(steps(&document), ["delete 1"]);
    stage.write("plan.json", &plan.stdout);
    let fingerprint = document["clouds"][0]["fingerprint"].as_str().unwrap();
    let by_plan = ["apply", "--today", "2099-01-01", "--plan", "plan.json"];
    let by_fingerprint = [
        "apply",
        "--today",
        "2099-01-01",
        "--fingerprint",
        fingerprint,
    ];
    // In the last moment of a run whose own plan is the reviewed one.
    for arguments in [by_plan, by_fingerprint] {
        strike(&world, &id, "uuid_validity", "forever".into());
        let (became, document) = outcome(&stage.reglaze(&arguments), 0);
        assert_eq!(
            (became.as_str(), rules(&document)),
            ("skipped", vec!["promise"])
        );
        world.nova.heal();
        Account::of("admin")
            .set(&id, &[("uuid_validity", "none".into())])
            .await;
    }
    // Before the run: its own plan has no deletion any more.
    Account::of("admin")
        .set(&id, &[("uuid_validity", "forever".into())])
        .await;
    let before = look(&id).await;
    let document = stage.reglaze(&by_plan).expect(0);
    // The policy's own word, `none`, is less than what somebody promised.
    assert_eq!(
        (steps(&document), rules(&document)),
        (Vec::new(), vec!["promise-weakened", "promise"])
    );
    let document = stage.reglaze(&by_fingerprint).expect(1);
    assert!(rules(&document).contains(&"plan-moved"), "{document}");
    assert_eq!(look(&id).await, before);
}
