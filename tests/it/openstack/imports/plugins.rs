//! A Glance that decompresses and converts what is imported: other bytes come out, and failures keep their lock.

use std::io::Write;
use std::process::Command;

use axum::Router;
use bytes::Bytes;
use futures_util::stream;
use reglaze::domain::snapshot::Status;
use reglaze::openstack::{Deletion, Image};

use super::{direct, failed, filled, from, queued};
use crate::proxy::serve;
use crate::services::glance;

async fn stage(glance: &Image, id: &str, bytes: &[u8]) {
    let data = stream::iter([Ok::<_, std::io::Error>(Bytes::copy_from_slice(bytes))]);
    glance
        .stage(id, Some(bytes.len() as u64), data)
        .await
        .unwrap();
}

/// A qcow2 file of a disk of 1 MiB, as its own program makes it.
fn qcow2() -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("disk");
    let made = Command::new("qemu-img")
        .args(["create", "-q", "-f", "qcow2"])
        .arg(&path)
        .arg("1M")
        .status();
    assert!(made.unwrap().success());
    std::fs::read(path).unwrap()
}

fn gzipped(size: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![0; size]).unwrap();
    encoder.finish().unwrap()
}

/// Where these bytes can be fetched.
fn served(bytes: &[u8]) -> String {
    let bytes = bytes.to_vec();
    let router = Router::new().fallback(move || async move { bytes.clone() });
    format!("http://{}/image", serve(router))
}

#[tokio::test]
async fn what_is_converted_has_another_format_size_and_digest() {
    let converting = glance("converting").await;
    let (id, bytes) = (queued(&converting, "converted", "qcow2").await, qcow2());
    stage(&converting, &id, &bytes).await;
    let image = filled(&converting, &id, direct()).await.unwrap();
    assert_eq!(image.disk_format.as_deref(), Some("raw"));
    assert_eq!(image.size, Some(1 << 20));
    converting.delete(&id).await.unwrap();
}

#[tokio::test]
async fn what_is_decompressed_has_another_size() {
    let converting = glance("converting").await;
    let id = queued(&converting, "unpacked", "raw").await;
    stage(&converting, &id, &gzipped(3 << 20)).await;
    let image = filled(&converting, &id, direct()).await.unwrap();
    assert_eq!(image.size, Some(3 << 20));
    converting.delete(&id).await.unwrap();
}

#[tokio::test]
async fn a_failed_plugin_is_told_and_whether_the_same_image_can_be_tried_again() {
    let converting = glance("converting").await;
    let mut half = gzipped(3 << 20);
    half.truncate(half.len() / 2);
    let rows = [
        // What was staged, and what Glance fetched: each plugin leaves other things behind.
        (
            "qcow2 as raw",
            qcow2(),
            (Status::Queued, true),
            (Status::Queued, false),
        ),
        (
            "half a gzip",
            half,
            (Status::Importing, false),
            (Status::Queued, true),
        ),
    ];
    for (what, bytes, staged, fetched) in rows {
        for (is_staged, (status, is_free)) in [(true, staged), (false, fetched)] {
            let id = queued(&converting, "failing", "raw").await;
            let url = served(&bytes);
            let import = if is_staged {
                stage(&converting, &id, &bytes).await;
                direct()
            } else {
                from(&url)
            };
            let failure = failed(filled(&converting, &id, import).await);
            assert_eq!(
                failure.leaves_the_image_free(),
                is_free,
                "{what}: {failure:?}"
            );
            assert_eq!(
                failure.to_string().contains("delete it"),
                !is_free,
                "{failure}"
            );
            let image = converting.image(&id).await.unwrap().unwrap();
            assert_eq!(image.status, status, "{what}, staged: {is_staged}");
            if !is_free {
                let error = converting.import(&id, from(&url)).await.unwrap_err();
                assert!(error.is_conflict(), "{what}: {error}");
            }
            assert_eq!(converting.delete(&id).await.unwrap(), Deletion::Deleted);
        }
    }
}
