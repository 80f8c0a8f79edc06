//! Several places of one image.

use futures_util::StreamExt;

use super::flaky::{File, Flaky, Reply, fetcher};
use super::*;

const URLS: [&str; 3] = [
    "https://0.example/a.img",
    "https://1.example/b.img",
    "https://2.example/c.img",
];

struct Came {
    bytes: Vec<u8>,
    /// Place and bytes of each share.
    shares: Vec<(usize, u64)>,
    error: Option<FetchError>,
}

async fn fetched(fetcher: &Fetcher, urls: &[&str]) -> Came {
    let mut download = match fetcher.image(urls).await {
        Ok(download) => download,
        Err(error) => {
            return Came {
                bytes: Vec::new(),
                shares: Vec::new(),
                error: Some(error),
            };
        }
    };
    let (mut bytes, mut error) = (Vec::new(), None);
    while let Some(piece) = download.body.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(failed) => error = Some(failed),
        }
    }
    let shares = download.served.shares().into_iter();
    Came {
        bytes,
        shares: shares.map(|share| (share.place, share.bytes)).collect(),
        error,
    }
}

async fn good(file: &File) -> Flaky {
    Flaky::of(file, []).await
}

async fn status(status: &'static str) -> Flaky {
    Flaky::start(move |_, _| Reply::new(&format!("{status}\ncontent-length: 0"), b"")).await
}

/// Gives as many bytes once, and nothing any more.
async fn dies_after(file: &File, bytes: usize) -> Flaky {
    let file = file.clone();
    Flaky::start(move |asked, before| match before {
        0 => Reply::good(&file, asked).cut(bytes),
        _ => Reply::good(&file, asked).cut(0),
    })
    .await
}

#[tokio::test]
async fn a_place_that_has_no_image_gives_way_to_the_next() {
    let file = File::new(5000);
    let page = Flaky::start(|_, _| {
        Reply::new("200 OK\ncontent-type: text/html\ncontent-length: 2", b"hi")
    })
    .await;
    let silent = Flaky::start(|_, _| {
        Reply {
            head: String::new(),
            ..Reply::new("", b"")
        }
        .stalled(0)
    })
    .await;
    let packed =
        Flaky::start(|_, _| Reply::new("200 OK\ncontent-encoding: br\ncontent-length: 2", b"hi"))
            .await;
    let good = good(&file).await;
    for broken in [
        &status("404 Not Found").await,
        &status("500 Oops").await,
        &page,
        &silent,
        &packed,
    ] {
        let came = fetched(&fetcher(&[broken, &good], 1 << 20), &URLS[..2]).await;
        assert_eq!(came.error, None);
        assert!(came.bytes == file.bytes);
        assert_eq!(came.shares, [(1, 5000)]);
    }
    // Neither a host without a server nor what is no URL keeps the others from being asked.
    let fetcher = fetcher(&[&good], 1 << 20);
    let came = fetched(
        &fetcher,
        &[
            "nonsense",
            "http://plain.example/x",
            "https://nowhere.invalid/x",
            URLS[0],
        ],
    )
    .await;
    assert!(came.bytes == file.bytes, "{:?}", came.error);
    assert_eq!(came.shares, [(3, 5000)]);
}

#[tokio::test]
async fn the_next_place_goes_on_in_the_middle() {
    let file = File::new(5000);
    let (first, second) = (
        dies_after(&file, 1000).await,
        dies_after(&file.saying("etag: \"b\""), 2000).await,
    );
    let third = good(&file.saying("x: y")).await;
    let came = fetched(&fetcher(&[&first, &second, &third], 1 << 20), &URLS).await;
    assert_eq!(came.error, None);
    assert!(came.bytes == file.bytes);
    assert_eq!(came.shares, [(0, 1000), (1, 2000), (2, 2000)]);
    assert_eq!(third.asked()[0].from, Some(3000));
    assert_eq!(
        second.asked()[0].if_range,
        None,
        "the tag is the other place's"
    );
}

#[tokio::test]
async fn a_place_with_another_file_is_passed_over() {
    let file = File::new(5000);
    let first = dies_after(&file, 1000).await;
    let (other, third) = (good(&File::new(4000)).await, good(&file).await);
    let came = fetched(&fetcher(&[&first, &other, &third], 1 << 20), &URLS).await;
    assert!(came.bytes == file.bytes, "{:?}", came.error);
    assert_eq!(came.shares, [(0, 1000), (2, 4000)]);
    let first = dies_after(&file, 1000).await;
    let came = fetched(&fetcher(&[&first, &other], 1 << 20), &URLS[..2]).await;
    assert_eq!(
        came.error.unwrap().to_string(),
        "none of 2 places gave the image beyond byte 1000 of 5000: `https://0.example/a.img` broke off in the middle: end of \
         file before message length reached, and `https://1.example/b.img` is no copy of what was begun elsewhere: it has 4000 \
         bytes where that has 5000 bytes; expected one of them to have it, so put it back there, or name another place in \
         `mirror_url`"
    );
}

#[tokio::test]
async fn a_place_that_was_left_is_asked_again_when_there_is_no_other() {
    let file = File::new(5000);
    let given = file.clone();
    // Out of order for three tries after the first 1000 bytes.
    let first = Flaky::start(move |asked, before| match before {
        0 => Reply::good(&given, asked).cut(1000),
        1..=3 => Reply::new("503 Busy\ncontent-length: 0", b""),
        _ => Reply::good(&given, asked),
    })
    .await;
    let given = file.clone();
    let second = Flaky::start(move |asked, before| match before {
        0 => Reply::good(&given, asked).cut(2000),
        _ => Reply::new("404 Not Found\ncontent-length: 0", b""),
    })
    .await;
    let gone = status("404 Not Found").await;
    let came = fetched(&fetcher(&[&first, &second, &gone], 1 << 20), &URLS).await;
    assert!(came.bytes == file.bytes, "{:?}", came.error);
    assert_eq!(came.shares, [(0, 1000), (1, 2000), (0, 2000)]);
}

#[tokio::test]
async fn when_all_places_fail_each_is_named_with_its_reason() {
    let (gone, refused) = (status("404 Not Found").await, status("403 Forbidden").await);
    let came = fetched(&fetcher(&[&gone, &refused], 1 << 20), &URLS[..2]).await;
    assert_eq!(
        came.error.unwrap().to_string(),
        "none of 2 places gave the image: `https://0.example/a.img` answered 404 Not Found, and `https://1.example/b.img` \
         answered 403 Forbidden; expected one of them to have it, so put it back there, or name another place in `mirror_url`"
    );
    let all_gone = fetched(&fetcher(&[&gone, &gone], 1 << 20), &URLS[..2]).await;
    assert!(all_gone.error.unwrap().is_gone());
    assert_eq!(
        fetched(&fetcher(&[], 1), &[]).await.error,
        Some(FetchError::NoPlace)
    );
}

#[tokio::test]
async fn a_file_of_the_machine_is_a_place_as_any_other() {
    let file = File::new(5000);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.img");
    let url = Url::from_file_path(&path).unwrap();
    let first = dies_after(&file, 1000).await;
    std::fs::write(&path, &file.bytes).unwrap();
    let came = fetched(&fetcher(&[&first], 1 << 20), &[URLS[0], url.as_str()]).await;
    assert!(came.bytes == file.bytes, "{:?}", came.error);
    assert_eq!(came.shares, [(0, 1000), (1, 4000)]);
    std::fs::remove_file(&path).unwrap();
    let good = good(&file).await;
    let came = fetched(&fetcher(&[&good], 1 << 20), &[url.as_str(), URLS[0]]).await;
    assert!(came.bytes == file.bytes, "{:?}", came.error);
}

#[tokio::test]
async fn a_body_that_was_begun_nowhere_else_may_have_any_size() {
    let file = File::new(5000);
    let served = file.clone();
    // Without a length, then gone.
    let first = Flaky::start(move |asked, before| match before {
        0 => Reply::good(&served, asked).chunked(Some(1000)),
        _ => Reply::new("404 Not Found\ncontent-length: 0", b""),
    })
    .await;
    let second = good(&file).await;
    let came = fetched(&fetcher(&[&first, &second], 1 << 20), &URLS[..2]).await;
    assert!(came.bytes == file.bytes, "{:?}", came.error);
    assert_eq!(came.shares, [(0, 1000), (1, 4000)]);
}
