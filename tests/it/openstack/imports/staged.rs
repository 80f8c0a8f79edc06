//! glance-direct: staged, imported, active.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use reglaze::domain::import::Goal;
use reglaze::domain::snapshot::Status;
use reglaze::openstack::Error;
use sha2::{Digest, Sha512};

use super::{PATIENCE, becomes, direct, filled, queued};
use crate::openstack::uploads::{hex, mebibytes, pieces};
use crate::services::glance;

#[tokio::test]
async fn what_is_staged_and_imported_is_active_with_its_digest_and_without_a_task() {
    let member = glance("member").await;
    let bytes: Vec<u8> = (0..3_u8).flat_map(|number| vec![number; 1 << 20]).collect();
    let digest = hex(&Sha512::digest(bytes));
    for size in [None, Some(3 << 20)] {
        let id = queued(&member, "staged", "raw").await;
        member.stage(&id, size, mebibytes(3)).await.unwrap();
        let staged = member.image(&id).await.unwrap().unwrap();
        assert_eq!(
            (staged.status, staged.size),
            (Status::Uploading, Some(3 << 20))
        );
        let begun = member.import(&id, direct()).await.unwrap();
        assert!(begun.task.is_some());
        let mut told = Vec::new();
        let image = member
            .imported(&id, &begun, Goal::Filled, PATIENCE, |image, task| {
                told.push((image.status, task.map(|task| task.status)));
            })
            .await
            .unwrap();
        assert!(image.is_settled(), "{image:?}");
        assert_eq!(image.os_hash_value.as_deref(), Some(digest.as_str()));
        assert_eq!(image.stores, ["file1".to_owned()].into());
        assert_eq!(told.last().unwrap().0, Status::Active, "{told:?}");
        // The last look is at the end: an image that may be deleted at once.
        member.delete(&id).await.unwrap();
        assert_eq!(member.image(&id).await.unwrap(), None);
    }
}

#[tokio::test]
async fn staged_data_that_breaks_off_is_told_and_can_be_staged_again() {
    let member = glance("member").await;
    for size in [None, Some(3 << 20)] {
        let id = queued(&member, "cut", "raw").await;
        let broken = mebibytes(3).take(2).chain(stream::once(async {
            // The last piece is held back, as when its digest does not match.
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            Err(std::io::Error::other("the digest is another"))
        }));
        let error = member.stage(&id, size, broken).await.unwrap_err();
        assert!(matches!(error, Error::DataBrokeOff { .. }), "{error:?}");
        becomes(&member, &id, Status::Queued).await;
        let error = filled(&member, &id, direct()).await.unwrap_err();
        assert_eq!(error.status(), Some(409), "{error}");
        member.stage(&id, size, mebibytes(3)).await.unwrap();
        let image = filled(&member, &id, direct()).await.unwrap();
        assert_eq!(image.size, Some(3 << 20));
    }
}

#[tokio::test]
async fn what_is_staged_twice_or_not_at_all_is_a_conflict() {
    let member = glance("member").await;
    let id = queued(&member, "conflict", "raw").await;
    let error = member.import(&id, direct()).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    member.stage(&id, None, pieces(&[b"data"])).await.unwrap();
    let error = member
        .stage(&id, None, pieces(&[b"other"]))
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let error = member
        .upload(&id, None, pieces(&[b"other"]))
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(filled(&member, &id, direct()).await.unwrap().size, Some(4));
}

#[tokio::test]
async fn of_two_imports_at_once_one_is_taken_and_the_image_is_whole() {
    let member = glance("member").await;
    for _ in 0..4 {
        let id = queued(&member, "twice", "raw").await;
        let piece = Bytes::from(vec![7; 4 << 20]);
        let data = stream::iter([Ok::<_, std::io::Error>(piece)]);
        member.stage(&id, Some(4 << 20), data).await.unwrap();
        let both = tokio::join!(
            filled(&member, &id, direct()),
            filled(&member, &id, direct())
        );
        let results = [both.0, both.1];
        let taken: Vec<_> = results.iter().filter_map(|one| one.as_ref().ok()).collect();
        let refused: Vec<_> = results
            .iter()
            .filter_map(|one| one.as_ref().err())
            .collect();
        assert_eq!((taken.len(), refused.len()), (1, 1), "{results:?}");
        assert!(refused[0].is_conflict(), "{results:?}");
        assert_eq!(taken[0].size, Some(4 << 20));
    }
}
