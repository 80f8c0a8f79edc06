//! copy-image, and uploads into a store that is named.

use std::collections::BTreeSet;

use reglaze::domain::import::{Goal, Method};
use reglaze::domain::snapshot::Status;
use reglaze::openstack::Import;

use super::{PATIENCE, failed, queued};
use crate::openstack::uploads::{mebibytes, pieces};
use crate::services::glance;

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn copy(stores: &[String]) -> Import<'_> {
    Import {
        method: Method::CopyImage,
        url: None,
        stores,
    }
}

#[tokio::test]
async fn a_copy_is_done_when_the_store_has_it_and_no_task_works_on_the_image() {
    let admin = glance("admin").await;
    let id = queued(&admin, "copied", "raw").await;
    admin.upload(&id, None, mebibytes(2)).await.unwrap();
    let stores = ["file2".to_owned()];
    let begun = admin.import(&id, copy(&stores)).await.unwrap();
    let wanted = set(&["file2"]);
    let image = admin
        .imported(&id, &begun, Goal::Copied(&wanted), PATIENCE, |image, _| {
            assert_eq!(image.status, Status::Active);
        })
        .await
        .unwrap();
    assert!(image.is_settled());
    assert_eq!(image.stores, set(&["file1", "file2"]));
    let error = admin.import(&id, copy(&stores)).await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
}

#[tokio::test]
async fn a_member_may_not_copy_and_is_told_who_may() {
    let member = glance("member").await;
    let id = queued(&member, "forbidden", "raw").await;
    member.upload(&id, None, pieces(&[b"data"])).await.unwrap();
    let stores = ["file2".to_owned()];
    let error = member.import(&id, copy(&stores)).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");
    assert!(error.to_string().contains("role admin"), "{error}");
}

#[tokio::test]
async fn data_goes_into_the_store_that_is_named_and_into_no_other() {
    let admin = glance("admin").await;
    let id = queued(&admin, "chosen", "raw").await;
    let into = |store| admin.upload_into(&id, Some(store), Some(4), pieces(&[b"data"]));
    let error = into("elsewhere").await.unwrap_err();
    assert_eq!(error.status(), Some(400), "{error}");
    into("file2").await.unwrap();
    let image = admin.image(&id).await.unwrap().unwrap();
    assert_eq!(image.stores, set(&["file2"]));
    let error = admin
        .import(&id, copy(&["elsewhere".to_owned()]))
        .await
        .unwrap_err();
    assert!(error.is_conflict(), "{error}");
}

#[tokio::test]
async fn a_copy_whose_data_cannot_be_read_fails_and_leaves_the_image_as_it_was() {
    let admin = glance("admin").await;
    let id = queued(&admin, "unread", "raw").await;
    admin.upload(&id, None, pieces(&[b"data"])).await.unwrap();
    // Somebody lost the file below Glance.
    let state = crate::services::clouds_yaml().parent().unwrap();
    std::fs::remove_file(state.join("images1").join(&id)).unwrap();
    let stores = ["file2".to_owned()];
    let begun = admin.import(&id, copy(&stores)).await.unwrap();
    let wanted = set(&["file2"]);
    let imported = admin
        .imported(&id, &begun, Goal::Copied(&wanted), PATIENCE, |_, _| ())
        .await;
    let failure = failed(imported);
    let image = admin.image(&id).await.unwrap().unwrap();
    assert_eq!(image.status, Status::Active, "{failure:?}");
    assert_eq!(image.stores, set(&["file1"]), "{failure:?}");
}
