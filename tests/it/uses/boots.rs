//! Boot tests: a server is started from a new image before others see it, and none stays.

use serde_json::json;

use super::applied::stage;
use super::world::{Tenant, World};
use crate::account::wait;
use crate::clock;
use crate::proxy::{self, answer};
use crate::stage::{rules, steps};

/// The settings of a cloud on which new images are tried.
fn trying(boot: &str) -> String {
    format!("boot: {boot}\npolicy: {{stages: {{staged: {{until: booted}}}}}}\n")
}

/// Nova tells how a server of this tag is only once it is ACTIVE, so that it does not matter how long that takes.
async fn tells_when_active(world: &World, tag: &str) {
    let (admin, tag) = (Tenant::of("admin").await, tag.to_owned());
    world.nova.answer_where(move |seen| {
        let id = seen.path.rsplit_once("/servers/").map(|(_, id)| id);
        if seen.method == "GET" && id.is_some_and(|id| id != "detail") {
            clock::until("a server that is ACTIVE", || {
                let servers = wait(admin.marked(&tag));
                servers.iter().all(|server| server["status"] != "BUILD")
            });
        }
        None
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_published_only_after_a_server_was_started_from_it() {
    let (stage, world) = stage("boot", &trying("{flavor: tiny, within: 5s}")).await;
    let version = stage.publish("1", &[1; 2000]);
    stage.define("Ubuntu", "", &[version]);
    let admin = Tenant::of("admin").await;
    tells_when_active(&world, &stage.tag).await;

    // The console of Nova's FakeDriver shows no system that comes up.
    let document = stage.reglaze(&["apply"]).expect(3);
    let findings = document["findings"].as_array().unwrap();
    let failed = findings.iter().find(|one| one["rule"] == "boot-failed");
    let said = failed.unwrap()["message"].as_str().unwrap();
    assert!(
        said.contains("stays private") && said.contains("neither a login prompt nor"),
        "{said}"
    );
    assert!(
        said.contains("FAKE CONSOLE OUTPUT") && said.lines().count() == 1,
        "{said}"
    );
    assert!(stage.catalogue().is_empty());
    assert_eq!(stage.images()[0]["visibility"], "private");
    assert!(admin.marked(&stage.tag).await.is_empty());

    // Consoles that it never shows, by answers written from Nova's API reference.
    let console = |text: &'static str| {
        world.nova.answer_where(move |seen| {
            let body = json!({"output": text}).to_string();
            (seen.method == "POST" && seen.path.ends_with("/action")).then(|| answer(200, body))
        });
    };
    console("[    1.2] Kernel panic - not syncing: Attempted to kill init!\n");
    let document = stage.reglaze(&["apply"]).expect(3);
    assert!(
        document["findings"]
            .to_string()
            .contains("the kernel panicked"),
        "{document}"
    );
    assert!(stage.catalogue().is_empty());
    world.nova.heal();
    tells_when_active(&world, &stage.tag).await;
    console("Ubuntu 24.04 LTS ubuntu ttyS0\n\nubuntu login: ");
    let document = stage.reglaze(&["apply"]).expect(0);
    let steps = steps(&document);
    assert!(
        steps.contains(&"boot 1".to_owned()) && !steps.contains(&"upload 1".to_owned()),
        "{steps:?}"
    );
    assert_eq!(stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
    assert!(admin.marked(&stage.tag).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn that_a_server_is_active_is_enough_where_the_console_is_ignored() {
    let (stage, _world) = stage("active", &trying("{flavor: tiny, console: ignore}")).await;
    let version = stage.publish("1", &[1; 2000]);
    stage.define("Ubuntu", "", &[version]);
    stage.reglaze(&["apply"]).expect(0);
    assert_eq!(stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
    assert!(
        Tenant::of("admin")
            .await
            .marked(&stage.tag)
            .await
            .is_empty()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_boot_test_that_cannot_be_made_is_an_error_and_no_pass() {
    let (stage, world) = stage("unset", "policy: {stages: {staged: {until: booted}}}\n").await;
    let version = stage.publish("1", &[1; 2000]);
    stage.define("Ubuntu", "", &[version]);
    let document = stage.reglaze(&["plan"]).expect(1);
    assert_eq!(rules(&document), ["boot-unset"]);

    stage.write(
        "reglaze.yml",
        &format!(
            "tag: {}\n{}",
            stage.tag,
            trying("{flavor: none-such, console: ignore}")
        ),
    );
    let document = stage.reglaze(&["apply"]).expect(3);
    assert!(
        document["findings"]
            .to_string()
            .contains("has no flavor `none-such`"),
        "{document}"
    );
    let network = trying("{flavor: tiny, network: lan, console: ignore}");
    stage.write("reglaze.yml", &format!("tag: {}\n{network}", stage.tag));
    let document = stage.reglaze(&["apply"]).expect(3);
    assert!(
        document["findings"]
            .to_string()
            .contains("has no network `lan`"),
        "{document}"
    );
    world.remove("compute");
    let document = stage.reglaze(&["plan"]).expect(3);
    assert!(rules(&document).contains(&"boot-impossible"), "{document}");
    stage.reglaze(&["apply"]).expect(3);
    assert!(stage.catalogue().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_is_found_by_its_name() {
    // There is no Neutron: its answer is written from its API reference. Nova is the real one, and does not know that network.
    const ID: &str = "0a0b0c0d-0000-4000-8000-00000000abcd";
    let networks = |count: usize| {
        let networks = vec![json!({"id": ID, "name": "lan"}); count];
        let router =
            axum::Router::new().fallback(move |request: axum::extract::Request| async move {
                let is_asked = *request.uri() == "/v2.0/networks?name=lan";
                if is_asked {
                    answer(200, json!({"networks": networks}).to_string())
                } else {
                    answer(404, "{}")
                }
            });
        format!("http://{}", proxy::serve(router))
    };
    let (stage, world) = stage(
        "network",
        &trying("{flavor: tiny, network: lan, console: ignore}"),
    )
    .await;
    let version = stage.publish("1", &[1; 2000]);
    stage.define("Ubuntu", "", &[version]);
    for (count, word) in [
        (1, ID),
        (2, "more than one network `lan`"),
        (0, "has no network `lan`"),
    ] {
        world.remove("network");
        world.add("network", "RegionOne", &networks(count));
        let document = stage.reglaze(&["apply"]).expect(3);
        assert!(
            document["findings"].to_string().contains(word),
            "{document}"
        );
    }
    assert!(stage.catalogue().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_of_stopped_and_of_killed_runs_do_not_stay() {
    let (stage, _world) = stage("killed", &trying("{flavor: tiny, within: 2m}")).await;
    let version = stage.publish("1", &[1; 2000]);
    stage.define("Ubuntu", "", &[version]);
    let admin = Tenant::of("admin").await;
    for (signal, left) in [("TERM", 0), ("KILL", 1)] {
        let mut child = stage
            .command(&["apply"])
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let (admin, tag) = (&admin, &stage.tag);
        let is_there = || async { !admin.marked(tag).await.is_empty() };
        clock::becomes("a server of the boot test", is_there).await;
        let killed = std::process::Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status();
        assert!(killed.unwrap().success());
        assert!(!child.wait().unwrap().success());
        assert_eq!(admin.marked(tag).await.len(), left, "{signal}");
    }
    stage.write(
        "reglaze.yml",
        &format!(
            "tag: {}\n{}",
            stage.tag,
            trying("{flavor: tiny, console: ignore}")
        ),
    );
    let document = stage.reglaze(&["apply"]).expect(0);
    assert_eq!(rules(&document), ["boot-leftover"], "{document}");
    assert!(admin.marked(&stage.tag).await.is_empty());
    assert_eq!(stage.catalogue(), [("Ubuntu".to_owned(), 1)].into());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_a_dead_run_left_is_removed_and_nobody_elses() {
    let (stage, world) = stage("leftover", &trying("{flavor: tiny, console: ignore}")).await;
    let version = stage.publish("1", &[1; 2000]);
    stage.define("Ubuntu", "", &[version]);
    stage.reglaze(&["apply"]).expect(0);
    let image = stage.images()[0]["id"].as_str().unwrap().to_owned();
    let (admin, tenant) = (Tenant::of("admin").await, Tenant::of("tenant").await);
    let name = format!("reglaze-boot-{image}");
    let mark = |tag: &str, image: &str| json!({"reglaze_tag": tag, "reglaze_image": image});
    let ours = mark(&stage.tag, &stage.name("Ubuntu"));
    let left = admin.named_server(&name, &image, ours.clone()).await;
    let others = [
        // By its name alone; of another catalogue; of another definition, which this run does not look at.
        admin.named_server(&name, &image, json!({})).await,
        admin
            .named_server(&name, &image, mark("another", &stage.name("Ubuntu")))
            .await,
        admin
            .named_server(&name, &image, mark(&stage.tag, "Windows"))
            .await,
        // With everything right but the name, as people copy metadata.
        admin.named_server("precious", &image, ours.clone()).await,
    ];
    // Another project's, whatever it says of itself.
    let foreign = tenant.named_server(&name, &image, ours).await;

    // A Nova that does not answer: told, and the images are none the worse for it.
    world.nova.answer_where(|seen| {
        (seen.method == "GET" && seen.path.contains("/servers/detail"))
            .then(|| answer(503, r#"{"message": "no", "code": 503}"#))
    });
    let filter = format!("--filter=^{}$", stage.name("Ubuntu"));
    let document = stage.reglaze(&["apply", &filter]).expect(0);
    assert_eq!(rules(&document), ["boot-leftover"], "{document}");
    assert_eq!(document["findings"][0]["level"], "warning");
    world.nova.heal();

    let document = stage.reglaze(&["apply", &filter]).expect(0);
    assert_eq!(rules(&document), ["boot-leftover"], "{document}");
    let finding = &document["findings"][0];
    assert_eq!(finding["level"], "note");
    assert!(
        finding["message"].as_str().unwrap().contains(&left),
        "{finding}"
    );
    assert!(!admin.has_server(&left).await);
    for other in &others {
        assert!(admin.has_server(other).await, "{other}");
        admin.delete_server(other).await;
    }
    assert!(tenant.has_server(&foreign).await);
    tenant.delete_server(&foreign).await;
    assert!(rules(&stage.reglaze(&["apply"]).expect(0)).is_empty());
}
