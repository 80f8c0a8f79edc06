//! One place, and all that can happen to a body from it.

use std::time::Duration;

use futures_util::StreamExt;

use super::flaky::{Asked, File, Flaky, Reply, fetcher, with_stall};
use super::*;

const URL: &str = "https://0.example/image";

type Answer = fn(&File, &Asked) -> Reply;

/// What came, and the error at its end.
async fn fetched(fetcher: &Fetcher, urls: &[&str]) -> (Vec<u8>, Option<FetchError>) {
    let mut download = match fetcher.image(urls).await {
        Ok(download) => download,
        Err(error) => return (Vec::new(), Some(error)),
    };
    let mut bytes = Vec::new();
    while let Some(piece) = download.body.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(error) => return (bytes, Some(error)),
        }
    }
    (bytes, None)
}

/// Fetches a file of which the first answer is cut after 1000 bytes, and the second is this.
async fn second(
    file: &File,
    reply: impl Fn(&File, &Asked) -> Reply + Send + 'static,
) -> (Flaky, Vec<u8>, Option<FetchError>) {
    let first = |file: &File, asked: &Asked| Reply::good(file, asked).cut(1000);
    let server = Flaky::of(
        file,
        [
            Box::new(first) as Box<dyn Fn(&_, &_) -> _ + Send>,
            Box::new(reply),
        ],
    )
    .await;
    let fetcher = with_stall(&[&server], 1 << 20, Duration::from_millis(300));
    let (bytes, error) = fetched(&fetcher, &[URL]).await;
    (server, bytes, error)
}

fn assert_whole(file: &File, bytes: &[u8], error: Option<&FetchError>) {
    assert_eq!(error, None);
    assert!(bytes == file.bytes, "{} bytes", bytes.len());
}

#[tokio::test]
async fn a_body_that_breaks_off_goes_on_where_it_was_with_the_tag_of_the_file() {
    let file = File::new(5000);
    let (server, bytes, error) =
        second(&file, |file, asked| Reply::good(file, asked).cut(2000)).await;
    assert_whole(&file, &bytes, error.as_ref());
    assert_eq!(server.offsets(), [0, 1000, 3000]);
    for asked in &server.asked()[1..] {
        assert_eq!(asked.if_range.as_deref(), Some("\"one\""));
    }
}

#[tokio::test]
async fn a_body_that_stalls_trickles_or_is_answered_with_an_error_goes_on_too() {
    let file = File::new(5000);
    let (_, bytes, error) = second(&file, |file, asked| Reply::good(file, asked).stalled(7)).await;
    assert_whole(&file, &bytes, error.as_ref());
    let (server, bytes, error) = second(&file, |file, asked| Reply {
        pause: Duration::from_millis(20),
        ..Reply::good(file, asked)
    })
    .await;
    assert_whole(&file, &bytes, error.as_ref());
    assert!(server.offsets()[2] > 1000);
    let unavailable = "503 Service Unavailable\nretry-after: 1\ncontent-length: 0";
    let begin = std::time::Instant::now();
    let (_, bytes, error) = second(&file, move |_, _| Reply::new(unavailable, b"")).await;
    assert_whole(&file, &bytes, error.as_ref());
    assert!(begin.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn a_body_without_a_length_goes_on_and_may_have_been_at_its_end() {
    let file = File::new(5000);
    for cut in [1000, 5000] {
        let first = move |file: &File, asked: &Asked| Reply::good(file, asked).chunked(Some(cut));
        let server = Flaky::of(&file, [Box::new(first) as Box<dyn Fn(&_, &_) -> _ + Send>]).await;
        let (bytes, error) = fetched(&fetcher(&[&server], 1 << 20), &[URL]).await;
        assert_whole(&file, &bytes, error.as_ref());
        assert_eq!(server.offsets(), [0, cut as u64]);
    }
}

#[tokio::test]
async fn a_server_that_knows_no_ranges_is_listened_to_again_and_not_for_ever() {
    let file = File::new(5000);
    let no_ranges = |asked: &Asked| Asked {
        from: None,
        ..asked.clone()
    };
    let (_, bytes, error) = second(&file, move |file, asked| {
        Reply::good(file, &no_ranges(asked))
    })
    .await;
    assert_whole(&file, &bytes, error.as_ref());
    let server = Flaky::start({
        let file = file.clone();
        move |asked, before| Reply::good(&file, &no_ranges(asked)).cut(1000 + before * 10)
    })
    .await;
    let (bytes, error) = fetched(&fetcher(&[&server], 1 << 20), &[URL]).await;
    assert!(file.bytes.starts_with(&bytes));
    let error = error.unwrap().to_string();
    assert_eq!(
        error,
        "`https://0.example/image` broke off at byte 1030 of 5000: it broke off in the middle: end of file before message length \
         reached, and going on from there failed: it answered with all of the image again and again; expected the rest of it, so \
         run again, or name another place in `mirror_url`"
    );
}

#[tokio::test]
async fn a_file_that_changes_in_the_middle_is_not_pieced_together() {
    let file = File::new(5000);
    let changes: [(&str, Answer); 5] = [
        ("became `ETag: \"two\"`", |file, asked| {
            Reply::good(&file.saying("etag: \"two\""), asked)
        }),
        // One that does not care for `If-Range`.
        ("became `ETag: \"two\"`", |file, asked| {
            Reply::good(file, asked).with("etag", "etag: \"two\"")
        }),
        ("became 4999 bytes", |_, asked| {
            Reply::good(&File::new(4999), asked)
        }),
        ("became 5001 bytes", |_, asked| {
            Reply::good(
                &File::new(5001).saying(""),
                &Asked {
                    from: None,
                    ..asked.clone()
                },
            )
        }),
        ("became 900 bytes", |_, asked| {
            Reply::good(&File::new(900), asked)
        }),
    ];
    for (word, reply) in changes {
        let (_, bytes, error) = second(&file, reply).await;
        assert!(bytes == file.bytes[..1000], "{word}: {} bytes", bytes.len());
        let error = error.unwrap();
        assert!(
            matches!(error, FetchError::Changed { .. }) && error.to_string().contains(word),
            "{word}: {error}"
        );
    }
}

#[tokio::test]
async fn two_servers_with_two_tags_and_one_date_have_one_file() {
    let said = "last-modified: Fri, 20 Nov 2026 10:00:00 GMT\netag: ";
    let file = File::new(5000).saying(&format!("{said}\"one\""));
    let (_, bytes, error) = second(&file, move |file, asked| {
        Reply::good(&file.saying(&format!("{said}\"two\"")), asked)
    })
    .await;
    assert_whole(&file, &bytes, error.as_ref());
}

#[tokio::test]
async fn a_weak_tag_is_not_asked_for_and_without_one_the_size_must_do() {
    for said in ["etag: W/\"one\"", "x: y"] {
        let file = File::new(5000).saying(said);
        let (server, bytes, error) = second(&file, Reply::good).await;
        assert_whole(&file, &bytes, error.as_ref());
        assert_eq!(server.asked()[1].if_range, None);
    }
}

#[tokio::test]
async fn an_answer_that_lies_is_not_believed() {
    let file = File::new(5000);
    let lies: [(&str, Answer); 6] = [
        ("Content-Range: bytes 0-4999/5000", |file, asked| {
            Reply::good(file, asked).with("content-range", "content-range: bytes 0-4999/5000")
        }),
        ("Content-Range: bytes 2000-4999/5000", |file, asked| {
            Reply::good(file, asked).with("content-range", "content-range: bytes 2000-4999/5000")
        }),
        ("without `Content-Range`", |file, asked| {
            Reply::good(file, asked).with("content-range", "")
        }),
        ("3000 bytes under", |file, asked| {
            Reply::good(file, asked).with("content-length", "content-length: 3000")
        }),
        ("several parts", |file, asked| {
            Reply::good(file, asked).with("etag", "content-type: multipart/byteranges; boundary=x")
        }),
        ("Content-Encoding: gzip", |file, asked| {
            Reply::good(file, asked).with("etag", "content-encoding: gzip")
        }),
    ];
    for (word, reply) in lies {
        let (_, bytes, error) = second(&file, reply).await;
        assert!(bytes == file.bytes[..1000], "{word}: {} bytes", bytes.len());
        let error = error.unwrap().to_string();
        assert!(
            error.contains(word) && error.contains("at byte 1000 of 5000"),
            "{error}"
        );
    }
    let server = Flaky::start(|_, _| {
        Reply::new(
            "200 OK\ncontent-length: 4\ncontent-encoding: gzip",
            b"\x1f\x8b\0\0",
        )
    })
    .await;
    let (_, error) = fetched(&fetcher(&[&server], 1 << 20), &[URL]).await;
    assert_eq!(
        error.unwrap().to_string(),
        "`https://0.example/image` answered with `Content-Encoding: gzip`; expected the bytes as they lie there, since nothing \
         else was asked for"
    );
}

#[tokio::test]
async fn more_bytes_than_were_said_are_no_part_of_the_image() {
    let file = File::new(5000);
    let longer = |reply: Reply| Reply {
        body: [&reply.body, &b"and more"[..]].concat(),
        ..reply
    };
    let (_, bytes, error) =
        second(&file, move |file, asked| longer(Reply::good(file, asked))).await;
    assert_whole(&file, &bytes, error.as_ref());
    let (_, bytes, error) = second(&file, move |file, asked| {
        longer(Reply::good(file, asked)).chunked(None)
    })
    .await;
    assert_whole(&file, &bytes, error.as_ref());
}

#[tokio::test]
async fn fewer_bytes_than_were_said_are_not_the_whole_image() {
    let file = File::new(5000);
    let given = file.clone();
    let server = Flaky::start(move |asked, _| match asked.from {
        None => Reply::good(&given, asked).with("content-length", "content-length: 6000"),
        Some(_) => Reply::good(&given, asked),
    })
    .await;
    let (bytes, error) = fetched(&fetcher(&[&server], 1 << 20), &[URL]).await;
    assert!(bytes == file.bytes);
    let error = error.unwrap().to_string();
    assert!(error.contains("6000 bytes became 5000 bytes"), "{error}");
}

#[tokio::test]
async fn a_signed_target_that_has_expired_is_asked_for_anew() {
    let file = File::new(5000);
    let given = file.clone();
    // Each redirect leads to a target that is good for one request.
    let server = Flaky::start(move |asked, before| match asked.path.as_str() {
        "/image" => Reply::new(
            &format!("302 Found\nlocation: /signed?{before}\ncontent-length: 0"),
            b"",
        ),
        path if path == format!("/signed?{}", before - 1) => Reply::good(&given, asked).cut(1500),
        _ => Reply::new("403 Forbidden\ncontent-length: 0", b""),
    })
    .await;
    let (bytes, error) = fetched(&fetcher(&[&server], 1 << 20), &[URL]).await;
    assert_whole(&file, &bytes, error.as_ref());
    assert_eq!(server.asked().len(), 8);
}

#[tokio::test]
async fn a_place_that_moves_on_by_nothing_is_given_up() {
    let file = File::new(5000);
    let given = file.clone();
    let server = Flaky::start(move |asked, _| match asked.from {
        None => Reply::good(&given, asked).cut(1000),
        Some(_) => Reply::good(&given, asked).cut(0),
    })
    .await;
    let (bytes, error) = fetched(&fetcher(&[&server], 1 << 20), &[URL]).await;
    assert!(bytes == file.bytes[..1000]);
    let error = error.unwrap();
    assert!(
        matches!(
            error,
            FetchError::BrokeOff {
                at: 1000,
                size: Some(5000),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(server.asked().len(), 9);
}

#[tokio::test]
async fn whoever_moves_on_may_break_off_as_often_as_it_likes() {
    let file = File::new(12 << 20);
    let given = file.clone();
    let server = Flaky::start(move |asked, _| Reply::good(&given, asked).cut(1 << 20)).await;
    let (bytes, error) = fetched(&fetcher(&[&server], 1 << 30), &[URL]).await;
    assert_whole(&file, &bytes, error.as_ref());
    assert_eq!(server.asked().len(), 12);
}

#[tokio::test]
async fn whoever_takes_no_more_lets_the_server_go() {
    let file = File::new(5000);
    let given = file.clone();
    let server = Flaky::start(move |asked, _| Reply::good(&given, asked).cut(0)).await;
    let mut fetcher = fetcher(&[&server], 1 << 30);
    fetcher.client.times.image_pause = Duration::from_mins(1);
    let download = fetcher.image(&[URL]).await.unwrap();
    drop(download);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.asked().len(), 1);
}
