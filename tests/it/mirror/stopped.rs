//! A run that is asked to end in the middle of an upload.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::StreamExt;

use crate::stage::Ended;

use super::faults::is_part;
use super::object;
use super::place::{KINDS, Place, bytes, outcomes};

/// An upstream that sends most of a file and then nothing any more.
fn stalls(bytes: &[u8]) -> String {
    let (size, begin) = (bytes.len(), bytes[..12 << 20].to_vec());
    let file = move || {
        let begin = Ok::<_, std::io::Error>(begin.clone());
        let begin = futures_util::stream::once(async { begin });
        let body = Body::from_stream(begin.chain(futures_util::stream::pending()));
        let answer = Response::builder().header("content-length", size);
        let answer = answer.body(body).unwrap();
        async move { answer }
    };
    let router = Router::new().fallback(file);
    format!("http://{}", crate::proxy::serve(router))
}

#[test]
fn a_run_that_is_asked_to_end_does_so_soon_and_the_next_one_goes_on() {
    for kind in KINDS {
        let place = Place::new(kind, "stopped");
        // Called by the version, whatever the upstream calls it.
        place.settings("  name: \"{algorithm}/{digest}/{version}.img\"\n");
        let large = bytes(17);
        let version = place.stage.publish("1", &large);
        let endless = version.replace("images.example", "stalls.example");
        place.stage.define("Alpha", "", &[endless]);
        let arrived = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&arrived);
        place.store.look_after_writes(Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async {})
        }));
        let child = place
            .command(&["--write"])
            .arg(format!(
                "--upstream-map=https://stalls.example={}",
                stalls(&large)
            ))
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A part arrives, and the run waits for more.
        crate::clock::until("a part that has arrived", || {
            let seen = place.store.seen();
            let writes = seen.iter().filter(|seen| seen.is_write()).count();
            seen.iter().any(is_part) && arrived.load(Ordering::SeqCst) == writes
        });
        let asked = Instant::now();
        let status = Command::new("kill")
            .args(["-TERM", &child.id().to_string()])
            .status();
        assert!(status.unwrap().success());
        let ended = Ended::from(child.wait_with_output().unwrap());
        assert!(
            asked.elapsed() < Duration::from_secs(30),
            "{kind:?}: {:?}",
            asked.elapsed()
        );
        let document = ended.expect(1);
        assert_eq!(outcomes(&document), ["1 failed"]);
        assert_eq!(
            document["images"][0]["error"],
            "the run was stopped; run it again to go on"
        );
        assert!(place.objects().is_empty(), "{kind:?}");
        assert!(!place.definition("Alpha").contains("mirror_url"));

        place.stage.define("Alpha", "", &[version]);
        place.store.take();
        place.mirror(&["--write"]).expect(0);
        // One of three parts was there.
        let sent = place.store.take();
        let sent = sent.iter().filter(|seen| is_part(seen)).count();
        assert_eq!(sent, 2, "{kind:?}");
        assert!(place.read(&object("1", &large)) == Some(large));
    }
}
