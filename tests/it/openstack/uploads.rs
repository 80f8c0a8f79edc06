//! Data on its way into Glance: complete it is active, anything less and it is not.

use std::io::Error as IoError;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use reglaze::domain::snapshot::Status;
use reglaze::openstack::Error;
use sha2::{Digest, Sha512};

use super::new_image;
use crate::proxy::{Proxy, answer};
use crate::services::{connect, glance, unique};

/// Data in these pieces.
pub fn pieces(
    pieces: &[&'static [u8]],
) -> impl Stream<Item = Result<Bytes, IoError>> + Send + 'static {
    stream::iter(
        pieces
            .iter()
            .map(|piece| Ok(Bytes::from_static(piece)))
            .collect::<Vec<_>>(),
    )
}

const MIB: usize = 1 << 20;

pub fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// Data of so many MiB, in pieces of one, which no two are the same.
pub fn mebibytes(count: u8) -> impl Stream<Item = Result<Bytes, IoError>> + Send + 'static {
    stream::iter((0..count).map(|number| Ok(Bytes::from(vec![number; MIB]))))
}

#[tokio::test]
async fn data_of_known_and_unknown_size_makes_an_active_image_with_its_digest() {
    let member = glance("member").await;
    let bytes: Vec<u8> = (0..5_u8).flat_map(|number| vec![number; MIB]).collect();
    let digest = hex(&Sha512::digest(bytes));
    for size in [None, Some(5 * MIB as u64)] {
        let id = member
            .create(&new_image(&unique("upload"), &[]))
            .await
            .unwrap()
            .id;
        member.upload(&id, size, mebibytes(5)).await.unwrap();
        let image = member.settled(&id, Duration::from_secs(10)).await.unwrap();
        assert_eq!(
            (image.status, image.size),
            (Status::Active, Some(5 * MIB as u64))
        );
        assert_eq!(image.os_hash_algo.as_deref(), Some("sha512"));
        assert_eq!(image.os_hash_value.as_deref(), Some(digest.as_str()));
    }
}

#[tokio::test]
async fn data_that_breaks_off_never_makes_an_active_image_and_can_be_sent_again() {
    let member = glance("member").await;
    for size in [None, Some(3 * MIB as u64)] {
        let id = member
            .create(&new_image(&unique("broken"), &[]))
            .await
            .unwrap()
            .id;
        let broken = mebibytes(3).take(2).chain(stream::once(async {
            // The last piece is held back, as when its digest does not match.
            tokio::time::sleep(Duration::from_millis(200)).await;
            Err(IoError::other("the digest is another"))
        }));
        let error = member.upload(&id, size, broken).await.unwrap_err();
        assert!(matches!(error, Error::DataBrokeOff { .. }), "{error:?}");
        let cause = std::error::Error::source(&error)
            .expect("a cause")
            .to_string();
        assert_eq!(cause, "the digest is another");

        let begun = Instant::now();
        while member.image(&id).await.unwrap().unwrap().status != Status::Queued {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "Glance did not give it back"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let error = member
            .settled(&id, Duration::from_secs(10))
            .await
            .unwrap_err();
        assert!(matches!(error, Error::NotActive { .. }), "{error:?}");
        member.upload(&id, size, mebibytes(3)).await.unwrap();
        assert_eq!(
            member.image(&id).await.unwrap().unwrap().status,
            Status::Active
        );
    }
}

#[tokio::test]
async fn what_is_not_the_disk_format_is_told_and_stays_queued() {
    let member = glance("member").await;
    let mut new = new_image(&unique("format"), &[]);
    new.disk_format = "qcow2".to_owned();
    let id = member.create(&new).await.unwrap().id;
    let error = member
        .upload(&id, Some(2 * MIB as u64), mebibytes(2))
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(415));
    assert!(
        error
            .to_string()
            .ends_with("the data is not what `disk_format` says"),
        "{error}"
    );
    let image = member.image(&id).await.unwrap().unwrap();
    assert_eq!(image.status, Status::Queued);
    assert!(
        !image.is_settled(),
        "whatever Glance says of its digest: {:?}",
        image.os_hash_value
    );
}

#[tokio::test]
async fn a_refusal_while_data_still_flows_is_told_and_not_the_broken_pipe() {
    let member = glance("member").await;
    let id = member
        .create(&new_image(&unique("twice"), &[]))
        .await
        .unwrap()
        .id;
    member.upload(&id, None, pieces(&[b"data"])).await.unwrap();
    for round in 0..20 {
        // Far more than any buffer on the way holds.
        let size = if round % 2 == 0 {
            None
        } else {
            Some(64 * MIB as u64)
        };
        let error = member.upload(&id, size, mebibytes(64)).await.unwrap_err();
        assert_eq!(error.status(), Some(409), "round {round}: {error:?}");
    }
    let error = member
        .upload("00000000-0000-4000-8000-000000000000", None, mebibytes(64))
        .await
        .unwrap_err();
    assert!(error.is_gone(), "{error:?}");
}

#[tokio::test]
async fn an_image_that_is_deleted_meanwhile_is_told_to_be_gone() {
    let member = glance("member").await;
    let id = member
        .create(&new_image(&unique("vanished"), &[]))
        .await
        .unwrap()
        .id;
    let deleting = {
        let (member, id) = (member.clone(), id.clone());
        mebibytes(8).then(move |piece| {
            let (member, id) = (member.clone(), id.clone());
            async move {
                if piece.as_ref().is_ok_and(|piece| piece[0] == 6) {
                    member
                        .delete(&id)
                        .await
                        .expect("a deletion while data flows");
                }
                piece
            }
        })
    };
    let error = member
        .upload(&id, None, deleting.boxed())
        .await
        .unwrap_err();
    assert!(error.is_gone(), "{error:?}");
    assert_eq!(member.image(&id).await.unwrap(), None);
}

#[tokio::test]
async fn an_upload_that_meets_an_ended_token_can_be_tried_again_as_a_whole() {
    let first = std::sync::OnceLock::new();
    let proxy = Proxy::with_fault(move |seen| {
        let token = seen.token.as_ref()?;
        let ended = seen.line.starts_with("PUT") && first.get_or_init(|| token.clone()) == token;
        ended.then(|| answer(401, ""))
    })
    .await;
    let member = connect(proxy.cloud("member")).await;
    let id = member
        .create(&new_image(&unique("token"), &[]))
        .await
        .unwrap()
        .id;
    let error = member
        .upload(&id, Some(4), pieces(&[b"data"]))
        .await
        .unwrap_err();
    assert_eq!(error.status(), Some(401));
    member
        .upload(&id, Some(4), pieces(&[b"data"]))
        .await
        .unwrap();
    assert_eq!(member.image(&id).await.unwrap().unwrap().size, Some(4));
}
