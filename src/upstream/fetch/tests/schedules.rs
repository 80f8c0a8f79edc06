//! Whatever servers do, and in whatever order: the bytes come whole, or an error does. Never other bytes.

use std::time::Duration;

use futures_util::StreamExt;
use proptest::prelude::*;

use super::flaky::{Asked, File, Flaky, Reply, fetcher, with_stall};

/// What a server does with one request.
#[derive(Debug, Clone)]
enum Deed {
    Cut(usize),
    Stall(usize),
    Chunked(Option<usize>),
    Close,
    Status(&'static str),
    NoRanges(usize),
    OtherFile(usize),
    Range(u64, u64),
    Length(usize),
    Less(usize),
    More,
    Untagged(usize),
    Page,
}

impl Deed {
    fn reply(&self, file: &File, asked: &Asked) -> Reply {
        let good = Reply::good(file, asked);
        let size = file.bytes.len();
        match *self {
            Self::Cut(after) => good.cut(after),
            Self::Stall(after) => good.stalled(after),
            Self::Chunked(cut) => good.chunked(cut),
            Self::Close => Reply {
                head: String::new(),
                ..good
            }
            .cut(0),
            Self::Status(status) => Reply::new(&format!("{status}\ncontent-length: 0"), b""),
            Self::NoRanges(cut) => Reply::good(
                file,
                &Asked {
                    from: None,
                    ..asked.clone()
                },
            )
            .cut(cut),
            Self::OtherFile(size) => {
                let mut other = File::new(size).saying("etag: \"two\"");
                other.bytes.iter_mut().for_each(|byte| *byte = !*byte);
                Reply::good(&other, asked)
            }
            Self::Range(first, last) => good.with(
                "content-range",
                &format!("content-range: bytes {first}-{last}/{size}"),
            ),
            // Of a whole file it is the only word on its length, so there it can only be found by the digest.
            Self::Length(length) if asked.from.is_some() => {
                good.with("content-length", &format!("content-length: {length}"))
            }
            Self::Less(count) => match asked.from {
                Some(from) if from < size as u64 => {
                    let count = count.clamp(1, good.body.len());
                    let last = from + count as u64 - 1;
                    let range = format!("content-range: bytes {from}-{last}/{size}");
                    good.cut(count)
                        .with("content-range", &range)
                        .with("content-length", &format!("content-length: {count}"))
                }
                _ => good,
            },
            Self::More => Reply {
                body: [&good.body, &b"and more"[..]].concat(),
                ..good
            },
            Self::Untagged(cut) => good.with("etag", "").cut(cut),
            Self::Length(_) => good,
            Self::Page => Reply::new("200 OK\ncontent-type: text/html\ncontent-length: 2", b"hi"),
        }
    }
}

fn deed(size: usize) -> impl Strategy<Value = Deed> {
    let at = 0..=size;
    prop_oneof![
        8 => at.clone().prop_map(Deed::Cut),
        1 => at.clone().prop_map(Deed::Stall),
        2 => proptest::option::of(at.clone()).prop_map(Deed::Chunked),
        1 => Just(Deed::Close),
        2 => prop_oneof![Just("503 Busy"), Just("500 Oops"), Just("404 Gone"), Just("416 No"), Just("204 Empty")]
            .prop_map(Deed::Status),
        2 => at.clone().prop_map(Deed::NoRanges),
        1 => at.clone().prop_map(Deed::OtherFile),
        1 => (0..size as u64, 0..2 * size as u64).prop_map(|(first, last)| Deed::Range(first, last)),
        1 => (0..2 * size).prop_map(Deed::Length),
        2 => at.clone().prop_map(Deed::Less),
        1 => Just(Deed::More),
        1 => at.prop_map(Deed::Untagged),
        1 => Just(Deed::Page),
    ]
}

fn schedule() -> impl Strategy<Value = (usize, Vec<Vec<Deed>>)> {
    (1..3000_usize).prop_flat_map(|size| {
        let place = proptest::collection::vec(deed(size), 0..6);
        (Just(size), proptest::collection::vec(place, 1..4))
    })
}

async fn comes_whole_or_not_at_all(
    size: usize,
    places: Vec<Vec<Deed>>,
) -> Result<(), TestCaseError> {
    let file = File::new(size);
    let mut servers = Vec::new();
    for deeds in &places {
        let deeds = deeds.iter().cloned().map(|deed| {
            Box::new(move |file: &File, asked: &Asked| deed.reply(file, asked))
                as Box<dyn Fn(&_, &_) -> _ + Send>
        });
        servers.push(Flaky::of(&file, deeds.collect::<Vec<_>>()).await);
    }
    let urls: Vec<_> = (0..servers.len())
        .map(|number| format!("https://{number}.example/x"))
        .collect();
    let urls: Vec<_> = urls.iter().map(String::as_str).collect();
    let fetcher = with_stall(
        &servers.iter().collect::<Vec<_>>(),
        1 << 20,
        Duration::from_millis(150),
    );
    let Ok(mut download) = fetcher.image(&urls).await else {
        return Ok(());
    };
    let mut bytes = Vec::new();
    let mut is_whole = true;
    while let Some(piece) = download.body.next().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(_) => is_whole = false,
        }
    }
    // Who begins with another file sends another file: that is for the digest to say. It must not be mixed with ours.
    let other: Vec<u8> = File::new(size).bytes.iter().map(|byte| !byte).collect();
    let is_other = !bytes.is_empty() && other.starts_with(&bytes);
    prop_assert!(is_other || file.bytes.starts_with(&bytes), "mixed");
    if is_whole && !is_other {
        prop_assert_eq!(bytes.len(), size);
    }
    if let (true, Some(said)) = (is_whole, download.size) {
        prop_assert_eq!(bytes.len() as u64, said);
    }
    let counted: u64 = download
        .served
        .shares()
        .iter()
        .map(|share| share.bytes)
        .sum();
    prop_assert_eq!(counted, bytes.len() as u64);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn bytes_come_whole_or_an_error_does((size, places) in schedule()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(comes_whole_or_not_at_all(size, places))?;
    }
}

/// Every offset at which a body may be cut, once.
#[tokio::test]
async fn a_cut_at_any_byte_is_mended() {
    let file = File::new(200);
    for at in 0..200 {
        let cut = move |file: &File, asked: &Asked| Reply::good(file, asked).cut(at);
        let server = Flaky::of(&file, [Box::new(cut) as Box<dyn Fn(&_, &_) -> _ + Send>]).await;
        let fetcher = fetcher(&[&server], 1 << 20);
        let download = fetcher.image(&["https://0.example/x"]).await.unwrap();
        let pieces: Vec<_> = download.body.collect().await;
        let bytes: Vec<u8> = pieces
            .into_iter()
            .flat_map(|piece| piece.unwrap().to_vec())
            .collect();
        assert!(bytes == file.bytes, "{at}");
    }
}
