//! What a cloud offers, and an import whose answer says less than what became of it.

use std::time::Duration;

use reglaze::domain::import::{Method, Offered};
use reglaze::domain::snapshot::Status;
use reglaze::openstack::Error;

use super::{direct, filled, queued};
use crate::openstack::uploads::pieces;
use crate::proxy::{Fault, Proxy, answer};
use crate::services::{connect, glance};

#[tokio::test]
async fn a_cloud_tells_its_import_methods_and_its_stores() {
    let offered = glance("reader").await.offered().await.unwrap();
    for method in [Method::GlanceDirect, Method::WebDownload, Method::CopyImage] {
        assert!(offered.has(method), "{offered:?}");
    }
    let stores: Vec<_> = offered
        .stores
        .iter()
        .map(|store| (store.id.as_str(), store.is_default, store.is_read_only))
        .collect();
    assert_eq!(stores, [("file1", true, false), ("file2", false, false)]);
    assert_eq!(offered.store("file2").unwrap().id, "file2");
    assert!(offered.store("file3").is_none());
}

#[tokio::test]
async fn a_cloud_without_imports_and_with_one_nameless_store_offers_nothing() {
    let proxy =
        Proxy::with_fault(|seen| seen.path.contains("/info/").then(|| answer(404, ""))).await;
    let member = connect(proxy.cloud("member")).await;
    assert_eq!(member.offered().await.unwrap(), Offered::default());
    proxy.heal();
    proxy.answer_where(|seen| seen.path.ends_with("/stores").then(|| answer(200, "{}")));
    let error = member.offered().await.unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    proxy.heal();
    proxy.answer_where(|seen| {
        let body =
            r#"{"stores": [{"id": "fast", "default": true}, {"id": "old", "read-only": "true"}]}"#;
        seen.path.ends_with("/stores").then(|| answer(200, body))
    });
    let offered = member.offered().await.unwrap();
    assert!(offered.store("fast").unwrap().is_default);
    assert!(offered.store("old").is_none(), "it takes no data");
}

#[tokio::test]
async fn an_import_that_was_refused_by_a_deadlock_is_asked_for_again_and_one_that_began_is_not() {
    let proxy = Proxy::start().await;
    let member = connect(proxy.cloud("member")).await;
    let asked = |proxy: &Proxy| {
        let calls = proxy.take();
        let is_import =
            |seen: &&crate::proxy::Seen| seen.is_write() && seen.path.ends_with("/import");
        calls.iter().filter(is_import).count()
    };
    for (fault, times) in [
        (Fault::Answer(500, "deadlock"), 2),
        (Fault::Cut, 2),
        (Fault::DoneButLost, 1),
        (Fault::DoneButCut, 1),
    ] {
        let id = queued(&member, "deadlock", "raw").await;
        member.stage(&id, None, pieces(&[b"data"])).await.unwrap();
        proxy.take();
        proxy.fail("POST", "/import", fault);
        let image = filled(&member, &id, direct()).await.unwrap();
        assert_eq!(image.size, Some(4), "{fault:?}");
        assert_eq!(asked(&proxy), times, "{fault:?}");
    }
    proxy.fail_often("POST", "/import", 10, Fault::Answer(500, "deadlock"));
    let id = queued(&member, "deadlock", "raw").await;
    member.stage(&id, None, pieces(&[b"data"])).await.unwrap();
    let error = filled(&member, &id, direct()).await.unwrap_err();
    assert_eq!(error.status(), Some(500), "{error}");
    assert_eq!(asked(&proxy), 4);
}

#[tokio::test]
async fn an_import_goes_on_while_glance_cannot_be_asked_and_is_found_again() {
    let proxy = Proxy::start().await;
    let member = connect(proxy.cloud("member")).await;
    let id = queued(&member, "away", "raw").await;
    member.stage(&id, None, pieces(&[b"data"])).await.unwrap();
    let begun = member.import(&id, direct()).await.unwrap();
    proxy.fail_often("GET", "/images/", 3, Fault::Answer(500, "database"));
    let image = member
        .imported(
            &id,
            &begun,
            reglaze::domain::import::Goal::Filled,
            super::PATIENCE,
            |_, _| (),
        )
        .await
        .unwrap();
    assert_eq!(image.status, Status::Active);
}

#[tokio::test]
async fn a_cloud_that_tells_no_tasks_is_judged_by_its_images_alone() {
    let proxy =
        Proxy::with_fault(|seen| seen.path.ends_with("/tasks").then(|| answer(404, ""))).await;
    let member = connect(proxy.cloud("member")).await;
    let id = queued(&member, "untold", "raw").await;
    let failing = super::from("http://127.0.0.1:1/closed");
    let begun = std::time::Instant::now();
    let failure = super::failed(filled(&member, &id, failing).await);
    assert!(failure.leaves_the_image_free(), "{failure:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    member.stage(&id, None, pieces(&[b"data"])).await.unwrap();
    assert_eq!(filled(&member, &id, direct()).await.unwrap().size, Some(4));
}
