//! What the services answer, and what may be concluded from it.

use reglaze::domain::usage::{Asked, InUse, Usage, Uses};
use serde_json::{Value, json};

use super::paged::Paged;
use super::world::{Tenant, World};
use crate::account::Account;
use crate::proxy::{Fault, answer};
use crate::services;

/// An image that all projects may boot.
async fn image(name: &str) -> String {
    let document = json!({
        "name": services::unique(name), "disk_format": "raw", "container_format": "bare", "visibility": "public",
    });
    Account::of("admin")
        .create(document, Some(&[7; 4096]))
        .await
}

#[track_caller]
fn who(uses: &Uses, id: &str) -> (usize, usize, Vec<String>) {
    match uses.of(id) {
        Usage::Used(one) => (
            one.servers,
            one.volumes,
            one.projects.iter().cloned().collect(),
        ),
        Usage::Unused => (0, 0, Vec::new()),
        Usage::Unknown(reason) => panic!("{reason}"),
    }
}

#[track_caller]
fn reason(uses: &Uses, words: &[&str]) {
    let reason = uses.gap().expect("nothing is known");
    for word in words {
        assert!(reason.contains(word), "`{word}` is not in: {reason}");
    }
    assert!(matches!(uses.of("anything"), Usage::Unknown(_)));
}

#[tokio::test]
async fn servers_and_volumes_of_all_projects_are_counted_by_image() {
    let (world, one, other) =
        tokio::join!(World::new(), Tenant::of("tenant"), Tenant::of("member"));
    let (booted, in_volume, unused) =
        tokio::join!(image("used"), image("in-volume"), image("unused"));
    let (first, second) = tokio::join!(one.server(&booted), other.server(&booted));
    let volume = one.volume(json!({"imageRef": in_volume})).await;
    let from_volume = one.server_of_volume(&volume).await;

    for uses in [world.uses("admin").await, world.uses_of(&booted).await] {
        let (servers, volumes, mut projects) = who(&uses, &booted);
        projects.sort();
        let mut expected = vec![one.project.clone(), other.project.clone()];
        expected.sort();
        assert_eq!((servers, volumes, projects), (2, 0, expected));
    }
    for uses in [world.uses("admin").await, world.uses_of(&in_volume).await] {
        assert_eq!(who(&uses, &in_volume), (0, 1, vec![one.project.clone()]));
        assert_eq!(uses.of(&unused), Usage::Unused);
    }
    for server in [&first, &from_volume] {
        one.delete_server(server).await;
    }
    other.delete_server(&second).await;
    let uses = world.uses("admin").await;
    assert_eq!(
        uses.of(&booted),
        Usage::Unused,
        "deleted servers use nothing"
    );
    assert_eq!(who(&uses, &in_volume).1, 1);
    one.delete_volume(&volume).await;
    assert_eq!(world.uses("admin").await.of(&in_volume), Usage::Unused);
}

#[tokio::test]
async fn a_volume_stays_in_use_through_its_snapshots_and_what_is_made_of_them() {
    let (world, tenant, image) =
        tokio::join!(World::new(), Tenant::of("tenant"), image("snapshot"));
    let volume = tenant.volume(json!({"imageRef": image})).await;
    let snapshot = tenant.snapshot(&volume).await;
    assert_eq!(who(&world.uses_of(&image).await, &image).1, 1);
    let second = tenant.volume(json!({"snapshot_id": snapshot})).await;
    assert_eq!(who(&world.uses_of(&image).await, &image).1, 2);
    let blank = tenant.volume(json!({})).await;
    assert_eq!(who(&world.uses("admin").await, &image).1, 2);
    for volume in [&volume, &second, &blank] {
        tenant.delete_volume(volume).await;
    }
    assert_eq!(world.uses_of(&image).await.of(&image), Usage::Unused);
}

#[tokio::test]
async fn somebody_who_is_no_administrator_knows_nothing() {
    // Cinder would answer 200 with that project's own volumes.
    let world = World::new().await;
    reason(&world.uses("tenant").await, &["role admin"]);
    assert!(world.cinder.calls().is_empty());
}

#[tokio::test]
async fn a_service_that_refuses_or_does_not_answer_leaves_everything_unknown() {
    for (status, word) in [(403, "403"), (500, "500"), (406, "too old")] {
        let world = World::new().await;
        world
            .nova
            .fail_often("GET", "/servers/detail", 9, Fault::Answer(status, "{}"));
        reason(
            &world.uses("admin").await,
            &["Nova in region `RegionOne`", word],
        );
        let world = World::new().await;
        world
            .cinder
            .fail_often("GET", "/volumes/detail", 9, Fault::Answer(status, "{}"));
        reason(
            &world.uses("admin").await,
            &["Cinder in region `RegionOne`", word],
        );
    }
    let world = World::new().await;
    world.nova.fail_often("GET", "/os-services", 99, Fault::Cut);
    reason(
        &world.uses("admin").await,
        &["Nova in region `RegionOne`", "no complete answer"],
    );
    let world = World::new().await;
    world.cinder.fail_often(
        "GET",
        "/volumes/detail",
        9,
        Fault::Answer(200, r#"{"volumes": [{"id": "#),
    );
    reason(
        &world.uses("admin").await,
        &["Cinder in region `RegionOne`"],
    );
}

#[tokio::test]
async fn a_token_that_ends_in_between_is_renewed() {
    let world = World::new().await;
    world
        .nova
        .fail("GET", "/servers/detail", Fault::Answer(401, "{}"));
    world
        .cinder
        .fail("GET", "/volumes/detail", Fault::Answer(503, "{}"));
    assert_eq!(world.uses("admin").await.gap(), None);
}

#[tokio::test]
async fn a_cell_that_does_not_answer_is_noticed() {
    // Both documents are written from Nova's API reference ("Handling down cells"): no real cell dies on demand.
    let silent = json!({"servers": [{
        "id": "5f3c2d4e-0000-4000-8000-000000000001", "status": "UNKNOWN", "tenant_id": "p",
        "created": "2026-01-01T00:00:00Z", "links": [],
    }]});
    let world = World::new().await;
    world
        .nova
        .answer_where(answering("/servers/detail", silent));
    reason(
        &world.uses("admin").await,
        &["only in part", "5f3c2d4e", "cell"],
    );

    let services = json!({"services": [
        {"binary": "nova-compute", "host": "a", "status": "enabled", "state": "up"},
        {"binary": "nova-compute", "host": "cold", "status": "UNKNOWN"},
    ]});
    let world = World::new().await;
    world.nova.answer_where(answering("/os-services", services));
    reason(&world.uses_of("i").await, &["only in part", "`cold`"]);
}

#[tokio::test]
async fn a_cell_that_falls_silent_while_the_list_is_read_is_noticed() {
    let world = World::new().await;
    let silent =
        json!({"services": [{"binary": "nova-compute", "host": "late", "status": "UNKNOWN"}]})
            .to_string();
    world.nova.answer_where(move |seen| {
        (seen.path.ends_with("/os-services") && seen.before > 0)
            .then(|| answer(200, silent.clone()))
    });
    reason(&world.uses("admin").await, &["`late`"]);
}

#[tokio::test]
async fn every_region_of_the_catalogue_must_answer() {
    let world = World::new().await;
    world.add("compute", "RegionTwo", "http://127.0.0.1:9/v2.1");
    reason(
        &world.uses("admin").await,
        &["Nova in region `RegionTwo`", "no complete answer"],
    );
    let world = World::new().await;
    world.add("volumev3", "RegionTwo", "http://127.0.0.1:9/v3");
    reason(
        &world.uses("admin").await,
        &["Cinder in region `RegionTwo`"],
    );
    let world = World::new().await;
    let url = format!("{}v2.1", world.nova.url);
    world.add("compute", "RegionTwo", &url);
    assert_eq!(world.uses("admin").await.gap(), None);
    let lists = world
        .nova
        .calls()
        .iter()
        .filter(|line| line.ends_with("/servers/detail"))
        .count();
    assert_eq!(lists, 4, "two lists in each of two regions");
}

#[tokio::test]
async fn a_service_that_is_missing_is_unknown_unless_the_settings_know_it() {
    let world = World::new().await;
    world.remove("volumev3");
    reason(
        &world.uses("admin").await,
        &["no Cinder", "in_use: {volume: absent}"],
    );
    let absent = InUse {
        volume: Asked::Absent,
        ..InUse::default()
    };
    // Another test's server may boot from a volume just now, whose image nobody could tell then.
    let no_volumes = json!({"servers": [{"id": "s", "status": "ACTIVE", "tenant_id": "p", "image": {"id": "i"}}]});
    world
        .nova
        .answer_where(answering("/servers/detail", no_volumes));
    assert_eq!(world.uses_with("admin", absent).await.gap(), None);

    let world = World::new().await;
    world.remove("compute");
    reason(
        &world.uses("admin").await,
        &["no Nova", "in_use: {compute: absent}"],
    );
    let absent = InUse {
        compute: Asked::Absent,
        ..InUse::default()
    };
    assert_eq!(world.uses_with("admin", absent).await.gap(), None);
}

#[tokio::test]
async fn a_server_that_boots_from_a_volume_needs_a_cinder_to_tell_its_image() {
    let world = World::new().await;
    world.remove("volumev3");
    let server =
        json!({"servers": [{"id": "s-1", "status": "ACTIVE", "tenant_id": "p", "image": ""}]});
    world
        .nova
        .answer_where(answering("/servers/detail", server));
    let absent = InUse {
        volume: Asked::Absent,
        ..InUse::default()
    };
    reason(
        &world.uses_with("admin", absent).await,
        &["`s-1`", "boots from a volume"],
    );
}

#[tokio::test]
async fn a_service_that_is_there_is_asked_though_the_settings_call_it_absent() {
    let world = World::new().await;
    world
        .cinder
        .fail_often("GET", "/volumes/detail", 9, Fault::Answer(403, "{}"));
    let absent = InUse {
        compute: Asked::Absent,
        volume: Asked::Absent,
    };
    reason(&world.uses_with("admin", absent).await, &["403"]);
}

#[tokio::test]
async fn all_pages_are_read_and_a_list_that_lost_its_place_begins_anew() {
    let (world, tenant, image) = tokio::join!(World::new(), Tenant::of("tenant"), image("pages"));
    let name = services::unique("pages");
    let mut volumes = Vec::new();
    for _ in 0..3 {
        volumes.push(
            tenant
                .volume(json!({"imageRef": image, "name": name}))
                .await,
        );
    }
    let pages = Paged::of(world.endpoint("volumev3"), &name);
    world.remove("volumev3");
    world.add("volumev3", "RegionOne", &pages.url);
    assert_eq!(who(&world.uses("admin").await, &image).1, 3);
    let requests = pages.requests();
    assert!(requests >= 3, "{requests}");
    pages.lose_the_place_once();
    assert_eq!(who(&world.uses("admin").await, &image).1, 3);
    assert_eq!(pages.requests(), 2 * requests + 2);
    pages.go_in_circles();
    reason(&world.uses("admin").await, &["circle"]);
    for volume in volumes {
        tenant.delete_volume(&volume).await;
    }
}

/// A rule that answers every request for this path with a document.
fn answering(
    path: &'static str,
    document: Value,
) -> impl Fn(&crate::proxy::Seen) -> Option<axum::http::Response<axum::body::Body>> + Send + 'static
{
    move |seen| {
        seen.path
            .ends_with(path)
            .then(|| answer(200, document.to_string()))
    }
}
