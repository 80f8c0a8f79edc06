//! web-download: Glance fetches, and says 202 to whatever it will find.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::Response;
use futures_util::{StreamExt, stream};
use reglaze::domain::import::{Failure, Goal};
use reglaze::domain::snapshot::Status;
use sha2::{Digest, Sha512};

use super::{PATIENCE, becomes, failed, filled, from, queued};
use crate::openstack::uploads::hex;
use crate::proxy::{answer, answer_with, serve};
use crate::services::glance;

const DATA: &[u8] = &[5; 300_000];

/// A server on loopback, in every mood.
fn upstream() -> String {
    async fn reply(request: Request) -> Response<Body> {
        match request.uri().path() {
            "/good" => answer(200, DATA),
            "/redirect" => answer_with(302, "location", "/good", ""),
            "/unsized" => answer(200, slow(0)),
            "/slow" => answer(200, slow(300)),
            "/endless" => answer(200, endless()),
            "/short" => answer_with(200, "content-length", "400000", Body::from_stream(cut())),
            "/500" => answer(500, "no"),
            _ => answer(404, "no such file"),
        }
    }
    format!("http://{}", serve(Router::new().fallback(reply)))
}

/// The data in pieces, with so many milliseconds between them.
fn slow(pause: u64) -> Body {
    Body::from_stream(
        stream::iter(DATA.chunks(50_000)).then(move |piece| async move {
            tokio::time::sleep(Duration::from_millis(pause)).await;
            Ok::<_, std::io::Error>(Bytes::from_static(piece))
        }),
    )
}

/// Some of the data, and then nothing any more.
fn endless() -> Body {
    let begin = Ok::<_, std::io::Error>(Bytes::from_static(&DATA[..50_000]));
    Body::from_stream(stream::iter([begin]).chain(stream::pending()))
}

/// The data, and then the end of the connection.
fn cut() -> impl futures_util::Stream<Item = Result<Bytes, std::io::Error>> + Send {
    stream::iter([Ok(Bytes::from_static(DATA))]).chain(stream::once(async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        Err(std::io::Error::other("cut"))
    }))
}

#[tokio::test]
async fn what_glance_can_fetch_becomes_an_active_image_with_its_digest() {
    let (member, upstream) = (glance("member").await, upstream());
    let digest = hex(&Sha512::digest(DATA));
    for path in ["good", "redirect", "unsized", "slow"] {
        let id = queued(&member, path, "raw").await;
        let image = filled(&member, &id, from(&format!("{upstream}/{path}")))
            .await
            .unwrap();
        assert!(image.is_settled(), "{path}: {image:?}");
        assert_eq!(
            image.os_hash_value.as_deref(),
            Some(digest.as_str()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn what_glance_cannot_fetch_is_a_failure_after_its_202_and_the_same_image_can_be_tried_again()
{
    let (member, upstream) = (glance("member").await, upstream());
    for path in ["missing", "short", "500"] {
        let id = queued(&member, path, "raw").await;
        let failure = failed(filled(&member, &id, from(&format!("{upstream}/{path}"))).await);
        assert!(failure.leaves_the_image_free(), "{path}: {failure:?}");
        let image = member.image(&id).await.unwrap().unwrap();
        assert_eq!((image.status, &image.import_task), (Status::Queued, &None));
        assert_eq!(image.failed_stores, ["file1".to_owned()].into(), "{path}");
        // Glance still tells of the first failure when the second import begins.
        let image = filled(&member, &id, from(&format!("{upstream}/good")))
            .await
            .unwrap();
        assert_eq!(image.size, Some(DATA.len() as u64), "{path}");
        assert_eq!(image.failed_stores, BTreeSet::new(), "{path}");
    }
}

#[tokio::test]
async fn what_glance_may_not_fetch_is_refused_at_once_with_what_can_be_done() {
    let member = glance("member").await;
    let id = queued(&member, "filtered", "raw").await;
    for url in [
        "ftp://127.0.0.1/a",
        "http://elsewhere.example/a",
        "file:///etc/passwd",
    ] {
        let error = member.import(&id, from(url)).await.unwrap_err();
        assert_eq!(error.status(), Some(400), "{url}: {error}");
        assert!(
            error.to_string().contains("transfer.method: upload"),
            "{error}"
        );
    }
    let error = member
        .import(
            "00000000-0000-4000-8000-000000000000",
            from("http://127.0.0.1/a"),
        )
        .await
        .unwrap_err();
    assert!(error.is_gone(), "{error}");
}

#[tokio::test]
async fn an_image_that_is_deleted_while_glance_fetches_it_is_told_to_be_gone() {
    let (member, upstream) = (glance("member").await, upstream());
    let id = queued(&member, "gone", "raw").await;
    let begun = member
        .import(&id, from(&format!("{upstream}/endless")))
        .await
        .unwrap();
    becomes(&member, &id, Status::Importing).await;
    member.delete(&id).await.unwrap();
    let imported = member
        .imported(&id, &begun, Goal::Filled, PATIENCE, |_, _| ())
        .await;
    assert_eq!(failed(imported), Failure::Gone);
}

#[tokio::test]
async fn an_import_of_which_nothing_moves_is_given_up() {
    let (member, upstream) = (glance("member").await, upstream());
    let id = queued(&member, "stuck", "raw").await;
    let begun = member
        .import(&id, from(&format!("{upstream}/endless")))
        .await
        .unwrap();
    becomes(&member, &id, Status::Importing).await;
    let mut patience = PATIENCE;
    patience.unchanged = Duration::from_secs(2);
    let imported = member
        .imported(&id, &begun, Goal::Filled, patience, |_, _| ())
        .await;
    let failure = failed(imported);
    assert!(
        matches!(
            failure,
            Failure::Stuck {
                status: Status::Importing,
                locked: true,
                ..
            }
        ),
        "{failure:?}"
    );
    member.delete(&id).await.unwrap();
}
