//! What the real services do not do on demand: lists cut short, proxies' error pages, floods, redirects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Response;
use reglaze::openstack::{Error, Image, Retries, Session};

use super::new_image;
use crate::front::{Front, Seen, answer, answer_with};
use crate::services::unique;

const LIST: &str = "GET /image/v2/images";

/// Connects through the front, with retries that take milliseconds.
async fn connect(front: &Front) -> Image {
    let retries = Retries {
        attempts: 3,
        first_wait: Duration::from_millis(10),
        within: Duration::from_secs(5),
    };
    let session = Session::login_with(front.cloud("member"), retries)
        .await
        .unwrap();
    Image::connect(Arc::new(session)).await.unwrap()
}

/// A page of a list with one image and, maybe, another page after it.
fn page(next: Option<&str>) -> String {
    let image = serde_json::json!({
        "id": "a", "status": "active", "visibility": "private",
        "created_at": "2026-11-21T04:49:01Z", "updated_at": "2026-11-21T04:49:01Z",
    });
    serde_json::json!({"images": [image], "next": next}).to_string()
}

/// Answers the pages of a list from `second` on with `fault`, the first with a page that has a next.
fn on_the_second_page(
    fault: impl Fn() -> Response<Body> + Send + Sync + 'static,
) -> impl Fn(&Seen) -> Option<Response<Body>> + Send + Sync + 'static {
    move |seen| match (seen.line.as_str(), seen.before) {
        (LIST, 0) => Some(answer(200, page(Some("/v2/images?marker=a")))),
        (LIST, _) => Some(fault()),
        _ => None,
    }
}

#[tokio::test]
async fn a_list_that_is_not_read_to_its_end_is_an_error_and_never_a_short_list() {
    type Fault = fn() -> Response<Body>;
    let faults: [(&str, Fault); 8] = [
        ("500", || {
            answer(500, r#"{"message": "database", "code": "500"}"#)
        }),
        ("JSON that breaks off", || {
            answer(200, page(None)[..60].to_owned())
        }),
        ("no complete answer", || {
            // More was promised than comes.
            let half = futures_util::stream::iter([
                Ok(axum::body::Bytes::from_static(b"{\"images\": [")),
                Err(std::io::Error::other("cut")),
            ]);
            answer(200, Body::from_stream(half))
        }),
        ("no JSON", || {
            answer(200, "<html><body>Maintenance</body></html>")
        }),
        ("other JSON", || answer(200, "{}")),
        ("twice from `a`", || {
            answer(200, page(Some("/v2/images?marker=a")))
        }),
        ("has no marker", || {
            answer(200, page(Some("/v2/images?limit=1000")))
        }),
        ("the visibility `open`", || {
            answer(200, page(None).replace("private", "open"))
        }),
    ];
    for (expected, fault) in faults {
        let front = Front::with_fault(on_the_second_page(fault)).await;
        let error = connect(&front)
            .await
            .snapshot("mark", "owner")
            .await
            .unwrap_err();
        let said = error.to_string();
        assert!(
            said.starts_with("could not read the list of images: "),
            "{said}"
        );
        assert!(said.contains(expected), "expected {expected}: {said}");
    }
}

#[tokio::test]
async fn a_marker_is_followed_on_our_own_endpoint_and_nowhere_else() {
    let front = Front::with_fault(|seen| match (seen.line.as_str(), seen.before) {
        (LIST, 0) => Some(answer(
            200,
            page(Some("https://elsewhere.example/v2/images?marker=a%20b")),
        )),
        _ => None,
    })
    .await;
    // The second page is the real Glance's, which does not know the marker.
    let error = connect(&front)
        .await
        .snapshot("mark", "owner")
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(400));
    let query = front.seen().last().unwrap().query.clone();
    assert_eq!(query, "limit=1000&visibility=all&marker=a+b");
}

#[tokio::test]
async fn errors_of_a_proxy_are_repeated_where_that_does_no_harm_and_told_without_html() {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>\
                <hr><center>nginx</center></body></html>";
    let front = Front::with_fault(move |seen| (seen.line == LIST).then(|| answer(502, page))).await;
    let glance = connect(&front).await;
    let error = glance.snapshot("mark", "owner").await.unwrap_err();
    let expected =
        "could not read the list of images: Glance answered 502 (`502 Bad Gateway nginx`)";
    assert_eq!(error.to_string(), expected);
    assert_eq!(front.calls().iter().filter(|call| *call == LIST).count(), 3);
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let front = Front::with_fault(|seen| match (seen.line.as_str(), seen.before) {
        ("POST /identity/v3/auth/tokens" | "GET /image/", 0) => Some(answer(503, "")),
        (LIST, 0) => Some(answer(504, "")),
        _ => None,
    })
    .await;
    let glance = connect(&front).await;
    glance.snapshot(&unique("mark"), "owner").await.unwrap();
}

#[tokio::test]
async fn a_flood_is_waited_out_as_long_as_the_service_asks_even_for_a_creation() {
    let front = Front::with_fault(|seen| match (seen.line.as_str(), seen.before) {
        ("POST /image/v2/images", 0) => Some(answer_with(429, "retry-after", "1", "slow down")),
        _ => None,
    })
    .await;
    let glance = connect(&front).await;
    let begun = Instant::now();
    glance
        .create(&new_image(&unique("flood"), &[]))
        .await
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_flood_that_would_last_too_long_is_not_waited_for() {
    let front = Front::with_fault(|seen| {
        (seen.line == LIST).then(|| answer_with(429, "retry-after", "3600", "slow down"))
    })
    .await;
    let begun = Instant::now();
    let error = connect(&front)
        .await
        .snapshot("mark", "owner")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not read the list of images: Glance answered 429 (`slow down`)"
    );
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn a_creation_is_never_repeated_blindly() {
    let front =
        Front::with_fault(|seen| (seen.line == "POST /image/v2/images").then(|| answer(503, "")))
            .await;
    let glance = connect(&front).await;
    let error = glance
        .create(&new_image(&unique("once"), &[]))
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(
        front
            .calls()
            .iter()
            .filter(|call| *call == "POST /image/v2/images")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_deletion_that_fails_at_first_is_asked_for_once_more() {
    let front = Front::with_fault(|seen| {
        let first = seen.line.starts_with("DELETE") && seen.before == 0;
        first.then(|| answer(500, ""))
    })
    .await;
    let glance = connect(&front).await;
    let id = glance
        .create(&new_image(&unique("deletion"), &[]))
        .await
        .unwrap()
        .id;
    glance.delete(&id).await.unwrap();
    assert_eq!(glance.image(&id).await.unwrap(), None);
}

#[tokio::test]
async fn a_redirect_is_told_and_never_followed_with_the_token() {
    let elsewhere = Front::start().await;
    let target = elsewhere.url.join("/image/v2/images").unwrap();
    let front = Front::with_fault(move |seen| {
        (seen.line == LIST).then(|| answer_with(302, "location", target.as_str(), ""))
    })
    .await;
    let error = connect(&front)
        .await
        .snapshot("mark", "owner")
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(302));
    assert!(
        error.to_string().contains("the token would go along"),
        "{error}"
    );
    assert_eq!(elsewhere.calls(), [""; 0]);
}

#[tokio::test]
async fn a_token_that_a_service_echoes_is_not_told() {
    let front = Front::with_fault(|seen| {
        let token = seen.token.as_ref()?;
        Some(answer(500, format!("debug: X-Auth-Token {token} is odd")))
    })
    .await;
    let glance = connect(&front).await;
    let said = glance.image("a").await.unwrap_err().to_string();
    assert!(said.contains("X-Auth-Token … is odd"), "{said}");
    let session = format!("{:?}", glance.session());
    let token = front.seen().last().unwrap().token.clone().unwrap();
    assert!(!session.contains(&token) && !session.contains(crate::services::PASSWORD));
}

#[tokio::test]
async fn a_service_that_is_not_there_or_does_not_answer_is_told_with_its_url() {
    let mut cloud = crate::services::cloud("member");
    // Nothing listens on a port that was just given back.
    let free = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let address = free.local_addr().unwrap();
    cloud.auth_url = format!("http://me:hidden@{address}/v3").parse().unwrap();
    cloud.timeout = Some(Duration::from_millis(300));
    let retries = Retries {
        attempts: 2,
        first_wait: Duration::from_millis(10),
        within: Duration::from_secs(2),
    };
    let error = Session::login_with(cloud.clone(), retries)
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::Timeout { .. }),
        "it listens and says nothing: {error:?}"
    );
    assert!(!error.to_string().contains("hidden"), "{error}");
    drop(free);
    let error = Session::login_with(cloud, retries).await.unwrap_err();
    let expected = format!(
        "could not log in to cloud `member`: no complete answer from `http://{address}/v3/auth/tokens`"
    );
    assert_eq!(error.to_string(), expected);
}
