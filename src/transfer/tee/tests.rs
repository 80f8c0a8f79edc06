//! Streams that are parted among takers of every kind.

use super::*;

const LENGTH: usize = 300;

/// Parts a stream of numbered pieces; `end` breaks it off.
fn parted(
    takers: usize,
    patience: Duration,
    end: Option<&'static str>,
) -> Vec<mpsc::Receiver<Piece>> {
    let (pieces, body) = mpsc::channel(DEPTH);
    tokio::spawn(async move {
        for number in 0..LENGTH {
            let piece = Bytes::from(vec![u8::try_from(number % 251).unwrap(); 1 + number * 7]);
            if pieces.send(Ok(piece)).await.is_err() {
                return;
            }
        }
        if let Some(error) = end {
            let _ = pieces.send(Err(std::io::Error::other(error))).await;
        }
    });
    let tee = Tee {
        patience,
        ..Tee::new(std::env::temp_dir())
    };
    tee.part(body, takers)
}

fn whole() -> Vec<u8> {
    let piece = |number: usize| vec![u8::try_from(number % 251).unwrap(); 1 + number * 7];
    (0..LENGTH).flat_map(piece).collect()
}

/// Takes all of it, with a pause after each of the first pieces.
async fn taken(
    mut body: mpsc::Receiver<Piece>,
    pause: Duration,
    pauses: usize,
) -> (Vec<u8>, Option<String>) {
    let mut bytes = Vec::new();
    let mut count = 0;
    while let Some(piece) = body.recv().await {
        match piece {
            Ok(piece) => bytes.extend_from_slice(&piece),
            Err(error) => return (bytes, Some(error.to_string())),
        }
        count += 1;
        if count <= pauses {
            tokio::time::sleep(pause).await;
        }
    }
    (bytes, None)
}

#[tokio::test]
async fn every_taker_gets_all_of_it_whatever_their_pace() {
    let mut bodies = parted(3, Duration::from_millis(20), None).into_iter();
    let mut body = || bodies.next().unwrap();
    let (fast, slow, slower) = tokio::join!(
        taken(body(), Duration::ZERO, 0),
        taken(body(), Duration::from_millis(10), 50),
        taken(body(), Duration::from_millis(40), 20),
    );
    for (bytes, error) in [fast, slow, slower] {
        assert!(bytes == whole() && error.is_none());
    }
}

#[tokio::test]
async fn a_stalled_taker_does_not_hold_the_others_up() {
    let mut bodies = parted(3, Duration::from_millis(50), None);
    // It takes nothing until the others have everything.
    let stalled = bodies.pop().unwrap();
    let begun = Instant::now();
    for body in bodies {
        let (bytes, error) = taken(body, Duration::ZERO, 0).await;
        assert!(bytes == whole() && error.is_none());
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    let (bytes, error) = taken(stalled, Duration::ZERO, 0).await;
    assert!(bytes == whole() && error.is_none());
}

#[tokio::test]
async fn who_goes_away_leaves_the_others_alone() {
    let mut bodies = parted(3, Duration::from_millis(50), None);
    drop(bodies.pop());
    let mut early = bodies.pop().unwrap();
    assert!(early.recv().await.is_some());
    drop(early);
    let (bytes, error) = taken(bodies.pop().unwrap(), Duration::ZERO, 0).await;
    assert!(bytes == whole() && error.is_none());
}

#[tokio::test]
async fn what_breaks_the_stream_off_reaches_everybody() {
    let mut bodies = parted(2, Duration::from_millis(20), Some("not proven"));
    let stalled = bodies.pop().unwrap();
    let (_, error) = taken(bodies.pop().unwrap(), Duration::ZERO, 0).await;
    assert_eq!(error.as_deref(), Some("not proven"));
    let (_, error) = taken(stalled, Duration::ZERO, 0).await;
    assert_eq!(error.as_deref(), Some("not proven"));
}

#[tokio::test]
async fn when_all_have_gone_the_source_is_let_go() {
    let (pieces, body) = mpsc::channel(DEPTH);
    drop(Tee::new(std::env::temp_dir()).part(body, 2));
    let gone = async { while pieces.send(Ok(Bytes::from_static(b"a"))).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), gone)
        .await
        .expect("the stream was let go");
}

#[tokio::test]
async fn without_room_for_a_file_the_others_wait() {
    let (pieces, body) = mpsc::channel(DEPTH);
    tokio::spawn(async move {
        for _ in 0..LENGTH {
            pieces.send(Ok(Bytes::from_static(b"a"))).await.unwrap();
        }
    });
    let tee = Tee {
        patience: Duration::ZERO,
        spool: "/nonexistent".into(),
    };
    let mut bodies = tee.part(body, 2).into_iter();
    let mut body = || bodies.next().unwrap();
    let (fast, slow) = tokio::join!(
        taken(body(), Duration::ZERO, 0),
        taken(body(), Duration::from_millis(2), LENGTH),
    );
    assert_eq!((fast.0.len(), slow.0.len()), (LENGTH, LENGTH));
}
