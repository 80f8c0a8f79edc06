//! Limits in time and size, with limits that a test can wait for, against a server on loopback.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Response as Answered, Uri};
use futures_util::future::join_all;
use futures_util::{Stream, StreamExt, stream};
use reqwest::header::HeaderValue;

use super::client::user_agent;
use super::*;

mod flaky;
mod places;
mod resume;
mod schedules;

const SIZE: u64 = 1 << 20;

/// A server of which everything is counted that it is asked for.
struct Server {
    address: SocketAddr,
    count: Arc<AtomicUsize>,
}

impl Server {
    async fn start<F: Future<Output = Answered<Body>> + Send>(
        answer: impl Fn(String, usize) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let count = Arc::new(AtomicUsize::new(0));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let counted = Arc::clone(&count);
        let router = Router::new().fallback(move |uri: Uri| {
            let before = counted.fetch_add(1, Ordering::SeqCst);
            answer(uri.path().to_owned(), before)
        });
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, count }
    }

    /// A fetcher to which this server is `https://a.example`.
    fn fetcher(&self, times: Times) -> Fetcher {
        let to = format!("http://{}", self.address);
        let map = [("https://a.example".to_owned(), to)];
        Fetcher::with_times(&map, None, SIZE, times).unwrap()
    }

    fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }
}

async fn document(fetcher: &Fetcher, path: &str) -> Result<Arc<Document>, FetchError> {
    let request = Request {
        url: format!("https://a.example{path}"),
        kind: Kind::Manifest,
    };
    let hosts = Arc::new(BTreeSet::from(["a.example".to_owned()]));
    fetcher.document(&request, &hosts).await
}

async fn image(fetcher: &Fetcher) -> Result<usize, FetchError> {
    let mut download = fetcher.stream("https://a.example/image").await?;
    let mut size = 0;
    while let Some(piece) = download.body.next().await {
        size += piece?.len();
    }
    Ok(size)
}

fn body(body: impl Into<Body>) -> Answered<Body> {
    Answered::new(body.into())
}

/// One byte every 20 milliseconds, for ever.
fn drops() -> impl Stream<Item = Result<&'static str, std::io::Error>> {
    stream::repeat(()).then(async |()| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok("x")
    })
}

#[tokio::test]
async fn a_document_that_waits_for_its_place_loses_none_of_its_time() {
    let server = Server::start(async |_, _| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        body("x")
    })
    .await;
    let fetcher = server.fetcher(Times {
        document: Duration::from_millis(1500),
        ..Times::default()
    });
    // Twenty rounds of eight take two seconds.
    let paths: Vec<_> = (0..20 * host::PER_HOST)
        .map(|number| format!("/{number}"))
        .collect();
    let all = join_all(paths.iter().map(|path| document(&fetcher, path))).await;
    let failed = all.into_iter().find_map(Result::err);
    assert_eq!(failed, None);
}

#[tokio::test]
async fn a_document_that_comes_drop_by_drop_ends() {
    let server = Server::start(async |_, _| body(Body::from_stream(drops()))).await;
    let fetcher = server.fetcher(Times {
        document: Duration::from_secs(1),
        ..Times::default()
    });
    let error = document(&fetcher, "/x").await.unwrap_err();
    assert!(
        matches!(error, FetchError::TooSlow { seconds: 1, .. }),
        "{error}"
    );
    assert_eq!(server.count(), 1);
}

#[tokio::test]
async fn an_answer_that_never_begins_ends() {
    let server = Server::start(async |_, _| std::future::pending().await).await;
    let fetcher = server.fetcher(Times {
        stall: Duration::from_secs(1),
        image_stall: Duration::from_secs(1),
        ..Times::default()
    });
    let error = document(&fetcher, "/x").await.unwrap_err();
    assert!(
        matches!(error, FetchError::TooSlow { seconds: 1, .. }),
        "{error}"
    );
    let error = image(&fetcher).await.unwrap_err();
    assert!(
        matches!(error, FetchError::TooSlow { seconds: 1, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn a_dead_host_is_given_up_in_its_second_round() {
    let server = Server::start(async |_, _| std::future::pending().await).await;
    let fetcher = server.fetcher(Times {
        stall: Duration::from_millis(500),
        ..Times::default()
    });
    let paths: Vec<_> = (0..40).map(|number| format!("/{number}")).collect();
    let all = join_all(paths.iter().map(|path| document(&fetcher, path))).await;
    let is_given_up = |outcome: &&Outcome| matches!(outcome, Err(FetchError::GivenUp { .. }));
    assert!(all.iter().all(Result::is_err), "{all:?}");
    // The eighth failure is the first one after which nobody takes the place.
    let asked = 2 * host::PER_HOST - 1;
    assert!(server.count() <= asked, "{} requests", server.count());
    assert!(
        all.iter().filter(is_given_up).count() >= 40 - asked,
        "{all:?}"
    );
}

#[tokio::test]
async fn a_host_that_fails_now_and_then_is_not_given_up() {
    // Seven documents of eight never come.
    let server = Server::start(async |_, before| match before % 8 {
        7 => body("x"),
        _ => std::future::pending().await,
    })
    .await;
    let fetcher = server.fetcher(Times {
        stall: Duration::from_secs(1),
        ..Times::default()
    });
    for round in 0..2 {
        let paths: Vec<_> = (0..8).map(|number| format!("/{round}/{number}")).collect();
        join_all(paths.iter().map(|path| document(&fetcher, path))).await;
    }
    assert_eq!(server.count(), 16);
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_again_too_late_is_not_waited_for() {
    let server = Server::start(async |path, _| {
        let again = if path == "/soon" {
            "3600"
        } else {
            "18446744073709551615"
        };
        let answer = Answered::builder().status(429).header("retry-after", again);
        answer.body(Body::empty()).unwrap()
    })
    .await;
    let fetcher = server.fetcher(Times::default());
    let error = document(&fetcher, "/soon").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`https://a.example/soon` answered 429 Too Many Requests and wants to be asked again after 3600 s; \
         expected a checksum manifest"
    );
    assert!(document(&fetcher, "/never").await.is_err());
    assert!(image(&fetcher).await.is_err());
    assert_eq!(server.count(), 3);
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_again_is_left_alone_until_then() {
    for is_date in [false, true] {
        let until = Arc::new(Mutex::new(chrono::Utc::now()));
        let said = Arc::clone(&until);
        let server = Server::start(move |_, before| {
            let said = Arc::clone(&said);
            async move {
                if before > 0 {
                    return body("x");
                }
                let time = chrono::Utc::now() + chrono::TimeDelta::seconds(2);
                // A date has no fractions of seconds.
                *said.lock().unwrap() = time - chrono::TimeDelta::seconds(1);
                let again = if is_date {
                    time.to_rfc2822()
                } else {
                    "2".to_owned()
                };
                let answer = Answered::builder().status(503).header("retry-after", again);
                answer.body(Body::empty()).unwrap()
            }
        })
        .await;
        document(&server.fetcher(Times::default()), "/x")
            .await
            .unwrap();
        assert!(chrono::Utc::now() >= *until.lock().unwrap());
        assert_eq!(server.count(), 2);
    }
}

#[tokio::test]
async fn an_image_that_comes_drop_by_drop_ends() {
    let server = Server::start(async |_, _| body(Body::from_stream(drops()))).await;
    let fetcher = server.fetcher(Times {
        image_window: Duration::from_secs(1),
        ..Times::default()
    });
    let error = image(&fetcher).await.unwrap_err().to_string();
    assert!(
        error.contains("it gave less than 4194304 bytes within 1 seconds of waiting"),
        "{error}"
    );
}

#[tokio::test]
async fn the_time_that_the_taker_of_an_image_needs_does_not_count() {
    // What of it is on its way already fills the buffers of both sides.
    let server = Server::start(async |_, _| {
        let piece = bytes::Bytes::from(vec![0; 1 << 10]);
        let pieces = stream::repeat(piece).take(64).map(Ok::<_, std::io::Error>);
        body(Body::from_stream(pieces))
    })
    .await;
    let times = Times {
        image_window: Duration::from_millis(300),
        image_stall: Duration::from_millis(300),
        ..Times::default()
    };
    let mut download = server
        .fetcher(times)
        .stream("https://a.example/image")
        .await
        .unwrap();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let mut size = 0;
    while let Some(piece) = download.body.next().await {
        size += piece.unwrap().len();
    }
    assert_eq!(size, 64 << 10);
}

#[tokio::test]
async fn an_image_that_has_ended_stays_at_its_end() {
    let server = Server::start(async |_, _| body("image")).await;
    let fetcher = server.fetcher(Times::default());
    let mut download = fetcher.stream("https://a.example/image").await.unwrap();
    while let Some(piece) = download.body.next().await {
        piece.unwrap();
    }
    assert!(download.body.next().await.is_none());
}

#[tokio::test]
async fn an_image_is_no_larger_than_the_limit_whatever_is_said_before() {
    let server = Server::start(async |_, _| {
        let piece = bytes::Bytes::from(vec![0; 1 << 16]);
        body(Body::from_stream(
            stream::repeat(piece).map(Ok::<_, std::io::Error>),
        ))
    })
    .await;
    let error = image(&server.fetcher(Times::default())).await.unwrap_err();
    assert!(
        matches!(error, FetchError::TooLarge { limit: SIZE, .. }),
        "{error}"
    );

    let server = Server::start(async |_, _| body(vec![0; 2 << 20])).await;
    let fetcher = server.fetcher(Times::default());
    assert!(fetcher.stream("https://a.example/image").await.is_err());
}

#[tokio::test]
async fn an_image_never_leaves_https() {
    let server = Server::start(async |_, _| {
        let answer = Answered::builder()
            .status(302)
            .header("location", "http://b.example/image");
        answer.body(Body::empty()).unwrap()
    })
    .await;
    let error = image(&server.fetcher(Times::default())).await.unwrap_err();
    assert!(matches!(error, FetchError::NotHttps { .. }), "{error}");
}

#[test]
fn upstreams_are_told_who_asks() {
    assert!(user_agent().starts_with("reglaze/"), "{}", user_agent());
}

#[test]
fn a_date_of_this_very_second_does_not_tell_a_document_from_the_next_one() {
    let headers = |modified: &'static str| {
        HeaderMap::from_iter([
            (
                header::DATE,
                HeaderValue::from_static("Sat, 21 Nov 2026 10:00:01 GMT"),
            ),
            (header::LAST_MODIFIED, HeaderValue::from_static(modified)),
        ])
    };
    assert!(is_fresh(&headers("Sat, 21 Nov 2026 10:00:01 GMT")));
    assert!(is_fresh(&headers("Sat, 21 Nov 2026 10:00:00 GMT")));
    assert!(
        is_fresh(&headers("Sat, 21 Nov 2026 10:00:09 GMT")),
        "the clock of the file is ahead"
    );
    assert!(!is_fresh(&headers("Sat, 21 Nov 2026 09:59:59 GMT")));
    assert!(!is_fresh(&HeaderMap::new()));
}
