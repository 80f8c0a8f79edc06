//! What the real services do not do on demand: lists cut short, proxies' error pages, floods, redirects.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Response;
use reglaze::openstack::{Error, Image, Retries, Session};

use super::new_image;
use crate::proxy::{self, Proxy, Seen, answer, answer_with};
use crate::services::unique;

const LIST: &str = "GET /image/v2/images";

/// Connects through the proxy, with retries that take milliseconds.
async fn connect(proxy: &Proxy) -> Image {
    let retries = Retries {
        attempts: 3,
        first_wait: Duration::from_millis(10),
        within: Duration::from_secs(5),
    };
    let session = Session::login_with(proxy.cloud("member"), retries)
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
        let proxy = Proxy::with_fault(on_the_second_page(fault)).await;
        let error = connect(&proxy)
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
    let proxy = Proxy::with_fault(|seen| match (seen.line.as_str(), seen.before) {
        (LIST, 0) => Some(answer(
            200,
            page(Some("https://elsewhere.example/v2/images?marker=a%20b")),
        )),
        _ => None,
    })
    .await;
    // The second page is the real Glance's, which does not know the marker.
    let error = connect(&proxy)
        .await
        .snapshot("mark", "owner")
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(400));
    let query = proxy.seen().last().unwrap().query.clone();
    assert_eq!(query, "limit=1000&visibility=all&marker=a+b");
}

#[tokio::test]
async fn errors_of_a_proxy_are_repeated_where_that_does_no_harm_and_told_without_html() {
    let page = "<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center>\
                <hr><center>nginx</center></body></html>";
    let proxy = Proxy::with_fault(move |seen| (seen.line == LIST).then(|| answer(502, page))).await;
    let glance = connect(&proxy).await;
    let error = glance.snapshot("mark", "owner").await.unwrap_err();
    let expected =
        "could not read the list of images: Glance answered 502 (`502 Bad Gateway nginx`)";
    assert_eq!(error.to_string(), expected);
    assert_eq!(proxy.calls().iter().filter(|call| *call == LIST).count(), 3);
}

#[tokio::test]
async fn what_passes_is_waited_for() {
    let proxy = Proxy::with_fault(|seen| match (seen.line.as_str(), seen.before) {
        ("POST /identity/v3/auth/tokens" | "GET /image/", 0) => Some(answer(503, "")),
        (LIST, 0) => Some(answer(504, "")),
        _ => None,
    })
    .await;
    let glance = connect(&proxy).await;
    glance.snapshot(&unique("mark"), "owner").await.unwrap();
}

#[tokio::test]
async fn a_flood_is_waited_out_as_long_as_the_service_asks_even_for_a_creation() {
    let proxy = Proxy::with_fault(|seen| match (seen.line.as_str(), seen.before) {
        ("POST /image/v2/images", 0) => Some(answer_with(429, "retry-after", "1", "slow down")),
        _ => None,
    })
    .await;
    let glance = connect(&proxy).await;
    let begun = Instant::now();
    glance
        .create(&new_image(&unique("flood"), &[]))
        .await
        .unwrap();
    assert!(begun.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_flood_that_would_last_too_long_is_not_waited_for() {
    let proxy = Proxy::with_fault(|seen| {
        (seen.line == LIST).then(|| answer_with(429, "retry-after", "3600", "slow down"))
    })
    .await;
    let error = connect(&proxy)
        .await
        .snapshot("mark", "owner")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not read the list of images: Glance answered 429 (`slow down`)"
    );
    // Whoever had waited would have asked again.
    assert_eq!(proxy.calls().iter().filter(|call| *call == LIST).count(), 1);
}

#[tokio::test]
async fn a_creation_is_never_repeated_blindly() {
    let proxy =
        Proxy::with_fault(|seen| (seen.line == "POST /image/v2/images").then(|| answer(503, "")))
            .await;
    let glance = connect(&proxy).await;
    let error = glance
        .create(&new_image(&unique("once"), &[]))
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(
        proxy
            .calls()
            .iter()
            .filter(|call| *call == "POST /image/v2/images")
            .count(),
        1
    );
}

#[tokio::test]
async fn a_deletion_that_fails_at_first_is_asked_for_once_more() {
    let proxy = Proxy::with_fault(|seen| {
        let first = seen.line.starts_with("DELETE") && seen.before == 0;
        first.then(|| answer(500, ""))
    })
    .await;
    let glance = connect(&proxy).await;
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
    let elsewhere = Proxy::start().await;
    let target = elsewhere.url.join("/image/v2/images").unwrap();
    let proxy = Proxy::with_fault(move |seen| {
        (seen.line == LIST).then(|| answer_with(302, "location", target.as_str(), ""))
    })
    .await;
    let error = connect(&proxy)
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
    let proxy = Proxy::with_fault(|seen| {
        let token = seen.token.as_ref()?;
        Some(answer(500, format!("debug: X-Auth-Token {token} is odd")))
    })
    .await;
    let glance = connect(&proxy).await;
    let said = glance.image("a").await.unwrap_err().to_string();
    assert!(said.contains("X-Auth-Token … is odd"), "{said}");
    let session = format!("{:?}", glance.session());
    let token = proxy.seen().last().unwrap().token.clone().unwrap();
    assert!(!session.contains(&token) && !session.contains(crate::services::PASSWORD));
}

#[tokio::test]
async fn a_service_that_is_not_there_or_does_not_answer_is_told_with_its_url() {
    let mut cloud = crate::services::cloud("member");
    let silent = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let at = |address| format!("http://me:hidden@{address}/v3").parse().unwrap();
    cloud.auth_url = at(silent.local_addr().unwrap());
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
    let (_taken, address) = proxy::closed();
    cloud.auth_url = at(address);
    let error = Session::login_with(cloud, retries).await.unwrap_err();
    let expected = format!(
        "could not log in to cloud `member`: no complete answer from `http://{address}/v3/auth/tokens`"
    );
    assert_eq!(error.to_string(), expected);
}

#[tokio::test]
async fn ten_thousand_images_of_others_are_ten_pages_and_none_is_kept() {
    let proxy = Proxy::with_fault(|seen| {
        if seen.line != LIST {
            return None;
        }
        if seen.query.contains("os_hidden") {
            return Some(answer(200, r#"{"images": []}"#));
        }
        let first = seen.before * 1000;
        let images: Vec<_> = (first..first + 1000)
            .map(|number| {
                serde_json::json!({
                    "id": format!("image {number}"), "name": "theirs", "owner": "somebody", "status": "active",
                    "visibility": if number == 7777 { "public" } else { "private" },
                    "created_at": "2026-11-21T04:49:01Z", "updated_at": "2026-11-21T04:49:01Z",
                    "os_distro": "ubuntu", "os_version": "24.04", "hw_disk_bus": "scsi",
                })
            })
            .collect();
        let next = (seen.before < 9).then(|| format!("/v2/images?marker={}", first + 999));
        Some(answer(200, serde_json::json!({"images": images, "next": next}).to_string()))
    })
    .await;
    let snapshot = connect(&proxy)
        .await
        .snapshot("mark", "owner")
        .await
        .unwrap();
    assert_eq!(snapshot.ours(), []);
    assert_eq!(snapshot.foreign().len(), 1);
    assert_eq!(
        proxy.calls().iter().filter(|call| *call == LIST).count(),
        11
    );
}

/// Answers what image `a` is, one state after the other; the last for ever.
async fn going_through(states: &'static [&'static str]) -> (Image, Proxy) {
    let proxy = Proxy::with_fault(|seen| {
        if seen.line != "GET /image/v2/images/a" {
            return None;
        }
        let state = states[seen.before.min(states.len() - 1)];
        let body = format!(
            r#"{{"id": "a", "visibility": "private", {state},
                "created_at": "2026-11-21T04:49:01Z", "updated_at": "2026-11-21T04:49:01Z"}}"#
        );
        Some(answer(200, body))
    })
    .await;
    (connect(&proxy).await, proxy)
}

#[tokio::test]
async fn an_image_is_waited_for_until_no_task_works_on_it() {
    let (glance, proxy) = going_through(&[
        r#""status": "queued", "os_glance_import_task": "t""#,
        r#""status": "importing", "os_glance_import_task": "t""#,
        r#""status": "active", "os_glance_import_task": "t""#,
        r#""status": "active""#,
    ])
    .await;
    assert!(
        glance
            .settled("a", Duration::from_secs(10))
            .await
            .unwrap()
            .is_settled()
    );
    assert_eq!(
        proxy
            .calls()
            .iter()
            .filter(|call| call.ends_with("/images/a"))
            .count(),
        4
    );
}

#[tokio::test]
async fn what_will_not_become_active_is_not_waited_for() {
    let cases: [(&'static [&'static str], &str); 5] = [
        (
            &[
                r#""status": "queued", "os_glance_import_task": "t", "os_glance_failed_import": "file1""#,
            ],
            "it is `queued`, as an import failed; the reason is in Glance's log",
        ),
        (&[r#""status": "queued""#], "it is `queued` after … s"),
        (&[r#""status": "killed""#], "it is `killed` after … s"),
        (
            &[r#""status": "deactivated""#],
            "it is `deactivated` after … s",
        ),
        (
            &[r#""status": "active", "os_glance_import_task": "t""#],
            "it is `active` after … s",
        ),
    ];
    let seconds = regex::Regex::new(r"\d+ s$").unwrap();
    for (states, expected) in cases {
        let (glance, proxy) = going_through(states).await;
        let is_at_work = states[0].contains("active");
        let within = if is_at_work {
            Duration::from_millis(100)
        } else {
            Duration::from_hours(1)
        };
        let error = glance.settled("a", within).await.unwrap_err();
        assert_eq!(
            seconds.replace(&error.to_string(), "… s"),
            format!("image `a` did not become active: {expected}")
        );
        let calls = proxy.calls();
        let looks = calls.iter().filter(|call| call.ends_with("/images/a"));
        assert!(is_at_work || looks.count() == 1, "{calls:?}");
    }
    let (glance, _proxy) = going_through(&[r#""status": "active""#]).await;
    let error = glance
        .settled("00000000-0000-4000-8000-000000000000", Duration::ZERO)
        .await
        .unwrap_err();
    assert!(error.to_string().ends_with("it is gone"), "{error}");
}
