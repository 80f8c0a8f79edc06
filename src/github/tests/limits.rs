//! Limits and failures: what is waited for, what is repeated, and what never is.

use std::time::Instant;

use chrono::Utc;

use super::*;

#[tokio::test]
async fn a_refused_request_is_sent_again_when_the_limit_has_passed() {
    let server = Server::start(|_, before| match before {
        0 => answer(429, &[("retry-after", "1")], "{}"),
        1 => {
            let reset = (Utc::now().timestamp() + 1).to_string();
            let headers = [
                ("x-ratelimit-remaining", "0"),
                ("x-ratelimit-reset", reset.as_str()),
            ];
            answer(403, &headers, "{}")
        }
        _ => answer(201, &[], comment(1).to_string()),
    })
    .await;
    let begin = Instant::now();
    let repository = server.repository().await;
    repository.comment(7, "text").await.unwrap();
    assert!(
        begin.elapsed() >= Duration::from_secs(2),
        "{:?}",
        begin.elapsed()
    );
    assert_eq!(server.lines().len(), 3);
    assert_eq!(
        repository.requests().to_string(),
        "3 requests to GitHub: 0 reads (0 unchanged), 0 queries, 3 writes, 0 mutations; 2 of them again"
    );
}

#[tokio::test]
async fn a_limit_that_lasts_too_long_ends_the_call_and_says_until_when() {
    let hour = Server::start(|_, _| answer(403, &[("retry-after", "3600")], "{}")).await;
    let secondary = Server::start(|_, _| {
        refused(
            403,
            "You have exceeded a secondary rate limit. Please wait.",
        )
    })
    .await;
    let graphql = Server::start(|asked, _| match asked.method {
        Method::GET => ok(&about()),
        _ => {
            ok(&json!({"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]}))
        }
    })
    .await;
    let until = |error: GithubError| match error {
        GithubError::Limited { until, .. } => (until - Utc::now()).num_seconds(),
        error => panic!("{error}"),
    };
    let seconds = until(hour.repository().await.about().await.unwrap_err());
    assert!((3590..=3600).contains(&seconds), "{seconds}");
    let seconds = until(secondary.repository().await.about().await.unwrap_err());
    assert!((50..=60).contains(&seconds), "{seconds}");
    let moved = graphql.repository().await.move_branch("b", "1", "2").await;
    assert!((50..=60).contains(&until(moved.unwrap_err())));
    assert_eq!((hour.lines().len(), secondary.lines().len()), (1, 1));
}

#[tokio::test]
async fn all_waits_of_a_run_have_one_end() {
    let server = Server::start(|_, _| answer(429, &[("retry-after", "1")], "{}")).await;
    let patience = Patience {
        in_all: Duration::from_millis(2500),
        ..quick()
    };
    let repository = server.patient(patience).await;
    assert!(matches!(
        repository.about().await,
        Err(GithubError::Limited { .. })
    ));
    assert_eq!(server.lines().len(), 3);
    assert!(matches!(
        repository.about().await,
        Err(GithubError::Limited { .. })
    ));
    assert_eq!(
        server.lines().len(),
        3,
        "whoever asks all the same is refused for longer"
    );
}

#[tokio::test]
async fn a_refusal_without_signs_of_a_limit_is_not_tried_again() {
    let server = Server::start(|_, _| refused(403, "Resource not accessible by integration")).await;
    let error = server
        .repository()
        .await
        .comment(7, "text")
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not comment on #7: GitHub answered `Resource not accessible by integration`; \
         give the token the permission `pull-requests: write`"
    );
    assert_eq!(server.lines().len(), 1);
}

#[tokio::test]
async fn a_question_is_repeated_after_a_failure_and_a_change_never_is() {
    let server = Server::start(|_, before| match before {
        0 => answer(502, &[], "<html>Bad gateway</html>"),
        _ => ok(&about()),
    })
    .await;
    server.repository().await.about().await.unwrap();
    assert_eq!(server.lines().len(), 2);

    for status in [500, 502, 503, 504] {
        let server = Server::start(move |_, _| answer(status, &[], "")).await;
        let repository = server.repository().await;
        let error = repository.create_issue("a", "b", &[]).await.unwrap_err();
        assert!(matches!(error, GithubError::Unclear { .. }), "{error}");
        assert_eq!(server.lines().len(), 1, "{status}");
    }
}

#[tokio::test]
async fn a_change_whose_answer_is_lost_is_unclear_and_one_that_never_left_is_not() {
    // A listener that hangs up.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = Server {
        address,
        asked: Arc::default(),
    };
    let count = tokio::spawn(async move {
        let mut count = 0;
        while let Ok(accepted) =
            tokio::time::timeout(Duration::from_secs(1), listener.accept()).await
        {
            let (mut stream, _) = accepted.unwrap();
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096])
                .await
                .unwrap();
            count += 1;
        }
        count
    });
    let repository = server.repository().await;
    let error = repository.comment(7, "text").await.unwrap_err();
    assert!(matches!(error, GithubError::Unclear { .. }), "{error}");
    assert_eq!(count.await.unwrap(), 1);
    // Nobody listens there any more.
    let error = repository.comment(7, "text").await.unwrap_err();
    assert!(matches!(error, GithubError::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn an_answer_that_never_comes_is_not_waited_for_without_end() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = Server {
        address: listener.local_addr().unwrap(),
        asked: Arc::default(),
    };
    let patience = Patience {
        answer: Duration::from_millis(300),
        ..quick()
    };
    let repository = server.patient(patience).await;
    let error = repository.comment(7, "text").await.unwrap_err();
    assert!(matches!(error, GithubError::Unclear { .. }), "{error}");
    drop(listener);
}

#[tokio::test]
async fn one_request_is_sent_at_a_time_with_a_pause_between_changes() {
    let server = Server::start(|asked, _| match asked.method {
        Method::GET => ok(&about()),
        _ => answer(201, &[], comment(1).to_string()),
    })
    .await;
    let patience = Patience {
        between_writes: Duration::from_millis(300),
        ..quick()
    };
    let repository = server.patient(patience).await;
    let begin = Instant::now();
    let (first, second, third) = tokio::join!(
        repository.comment(1, "a"),
        repository.comment(2, "b"),
        repository.comment(3, "c")
    );
    assert!(first.is_ok() && second.is_ok() && third.is_ok());
    assert!(begin.elapsed() >= Duration::from_millis(600));
    let begin = Instant::now();
    repository.about().await.unwrap();
    assert!(
        begin.elapsed() < Duration::from_millis(300),
        "a question waits for nothing"
    );
}
