//! Changes of images, and what is said where Glance refuses one.

use reglaze::domain::patch::Patch;
use reglaze::domain::snapshot::{Status, Visibility};
use reglaze::openstack::{Deletion, Image, Member};

use super::new_image;
use crate::proxy::{Proxy, answer};
use crate::services::{connect, glance, project, token_of, unique};

fn publish() -> Patch {
    Patch {
        visibility: Some(Visibility::Public),
        ..Patch::default()
    }
}

#[tokio::test]
async fn publishing_as_a_member_is_refused_with_the_remedy_and_changes_nothing() {
    let member = glance("member").await;
    let image = member
        .create(&new_image(&unique("publish"), &[]))
        .await
        .unwrap();
    let patch = Patch {
        name: Some("new name".to_owned()),
        ..publish()
    };
    let error = member.patch(&image.id, &patch).await.unwrap_err();
    assert!(error.is_forbidden());
    let said = error.to_string();
    assert!(
        said.starts_with(&format!(
            "could not publish image `{}`: Glance answered 403 (`",
            image.id
        )),
        "{said}"
    );
    assert!(
        said.ends_with("log in as one, or use `visibility: community`"),
        "{said}"
    );
    assert_eq!(member.image(&image.id).await.unwrap(), Some(image.clone()));

    let admin = glance("admin").await;
    assert_eq!(
        admin.patch(&image.id, &publish()).await.unwrap().visibility,
        Visibility::Public
    );
    let community = Patch {
        visibility: Some(Visibility::Community),
        ..Patch::default()
    };
    assert_eq!(
        member
            .patch(&image.id, &community)
            .await
            .unwrap()
            .visibility,
        Visibility::Community
    );
}

#[tokio::test]
async fn the_id_of_a_deleted_image_is_told_to_be_burnt() {
    let member = glance("member").await;
    let probe = member.create(&new_image(&unique("id"), &[])).await.unwrap();
    assert_eq!(member.delete(&probe.id).await.unwrap(), Deletion::Deleted);
    assert_eq!(
        member.delete(&probe.id).await.unwrap(),
        Deletion::GoneAlready
    );
    assert_eq!(member.image(&probe.id).await.unwrap(), None);

    let mut again = new_image(&unique("id"), &[]);
    again.id = Some(probe.id);
    let error = member.create(&again).await.unwrap_err();
    assert!(error.is_conflict());
    assert!(
        error
            .to_string()
            .ends_with("never free again, not even of a deleted one: choose a new `id`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_chosen_id_is_used() {
    let member = glance("member").await;
    // Made of the clock, like any name here: a UUID of version 4 with our digits.
    let digits = format!(
        "{:032x}",
        std::time::UNIX_EPOCH.elapsed().unwrap().as_nanos()
    );
    let id = format!(
        "{}-{}-4{}-8{}-{}",
        &digits[24..32],
        &digits[20..24],
        &digits[17..20],
        &digits[14..17],
        &digits[2..14]
    );
    let mut new = new_image(&unique("id"), &[]);
    new.id = Some(id.clone());
    assert_eq!(member.create(&new).await.unwrap().id, id);
}

#[tokio::test]
async fn a_protected_image_and_another_projects_are_not_deleted() {
    let (admin, member, tenant) = (
        glance("admin").await,
        glance("member").await,
        glance("tenant").await,
    );
    let mut new = new_image(&unique("protected"), &[]);
    new.visibility = Visibility::Community;
    let id = member.create(&new).await.unwrap().id;
    let error = tenant.delete(&id).await.unwrap_err();
    assert!(error.is_forbidden(), "{error}");

    protect(&admin, &id, true).await;
    let error = member.delete(&id).await.unwrap_err();
    assert!(error.is_forbidden());
    assert!(error.to_string().contains("protected"), "{error}");
    assert!(member.image(&id).await.unwrap().unwrap().protected);

    protect(&admin, &id, false).await;
    assert_eq!(member.delete(&id).await.unwrap(), Deletion::Deleted);
}

/// Sets what reglaze itself never sets.
async fn protect(glance: &Image, id: &str, protected: bool) {
    let (token, _) = token_of("admin").await;
    let change = serde_json::json!([{"op": "replace", "path": "/protected", "value": protected}]);
    let answer = reqwest::Client::new()
        .patch(format!("{}/images/{id}", glance.endpoint()))
        .header("x-auth-token", token)
        .header(
            "content-type",
            "application/openstack-images-v2.1-json-patch",
        )
        .body(change.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn too_many_tags_are_told_as_a_limit_of_the_cloud() {
    let member = glance("member").await;
    let id = member
        .create(&new_image(&unique("tags"), &[]))
        .await
        .unwrap()
        .id;
    let tags = |count: usize| Patch {
        tags: Some((0..count).map(|number| format!("tag {number}")).collect()),
        ..Patch::default()
    };
    assert_eq!(member.patch(&id, &tags(128)).await.unwrap().tags.len(), 128);
    let error = member.patch(&id, &tags(129)).await.unwrap_err();
    assert_eq!(error.status(), Some(413));
    assert!(
        error.to_string().contains("a limit of this cloud"),
        "{error}"
    );
}

#[tokio::test]
async fn removing_what_is_not_there_is_a_conflict_and_nothing_of_the_patch_is_done() {
    let member = glance("member").await;
    let image = member
        .create(&new_image(&unique("remove"), &[]))
        .await
        .unwrap();
    let patch = Patch {
        set: [("set".to_owned(), "x".to_owned())].into(),
        remove: ["absent".to_owned()].into(),
        ..Patch::default()
    };
    assert!(
        member
            .patch(&image.id, &patch)
            .await
            .unwrap_err()
            .is_conflict()
    );
    assert_eq!(member.image(&image.id).await.unwrap(), Some(image));
}

#[tokio::test]
async fn an_image_is_deactivated_and_reactivated_as_often_as_asked() {
    let member = glance("member").await;
    let id = member
        .create(&new_image(&unique("deactivate"), &[]))
        .await
        .unwrap()
        .id;
    assert!(
        member.deactivate(&id).await.unwrap_err().is_forbidden(),
        "it has no data yet"
    );
    member
        .upload(&id, Some(4), super::uploads::pieces(&[b"data"]))
        .await
        .unwrap();
    for _ in 0..2 {
        member.deactivate(&id).await.unwrap();
        assert_eq!(
            member.image(&id).await.unwrap().unwrap().status,
            Status::Deactivated
        );
    }
    for _ in 0..2 {
        member.reactivate(&id).await.unwrap();
        assert_eq!(
            member.image(&id).await.unwrap().unwrap().status,
            Status::Active
        );
    }
}

#[tokio::test]
async fn a_share_is_added_accepted_and_removed_and_each_may_be_repeated() {
    let (admin, member, tenant) = (
        glance("admin").await,
        glance("member").await,
        glance("tenant").await,
    );
    let mark = unique("share");
    let mut new = new_image(&mark, &[&mark]);
    new.visibility = Visibility::Shared;
    let id = member.create(&new).await.unwrap().id;
    let tenants = project(&tenant);
    let with = |status: &str| {
        vec![Member {
            project: tenants.clone(),
            status: status.to_owned(),
        }]
    };

    for _ in 0..2 {
        member.add_member(&id, &tenants).await.unwrap();
        assert_eq!(member.members(&id).await.unwrap(), with("pending"));
    }
    assert!(
        member
            .accept_member(&id, &tenants)
            .await
            .unwrap_err()
            .is_forbidden(),
        "the owner may not"
    );
    let listed = || async {
        tenant
            .with_properties(&mark, &[].into())
            .await
            .unwrap()
            .len()
    };
    assert_eq!(listed().await, 0);
    for _ in 0..2 {
        admin.accept_member(&id, &tenants).await.unwrap();
        assert_eq!(member.members(&id).await.unwrap(), with("accepted"));
    }
    assert_eq!(listed().await, 1);
    for _ in 0..2 {
        member.remove_member(&id, &tenants).await.unwrap();
        assert_eq!(member.members(&id).await.unwrap(), []);
    }
    assert_eq!(listed().await, 0);
}

#[tokio::test]
async fn a_reader_changes_nothing_and_is_told_so() {
    let (member, reader) = (glance("member").await, glance("reader").await);
    let image = member
        .create(&new_image(&unique("reader"), &[]))
        .await
        .unwrap();
    assert!(
        reader
            .create(&new_image(&unique("reader"), &[]))
            .await
            .unwrap_err()
            .is_forbidden()
    );
    let rename = Patch {
        name: Some("renamed".to_owned()),
        ..Patch::default()
    };
    assert!(
        reader
            .patch(&image.id, &rename)
            .await
            .unwrap_err()
            .is_forbidden()
    );
    assert!(reader.delete(&image.id).await.unwrap_err().is_forbidden());
    assert_eq!(reader.image(&image.id).await.unwrap(), Some(image));
}

#[tokio::test]
async fn an_id_cannot_lead_to_another_path() {
    let proxy =
        Proxy::with_fault(|seen| seen.line.starts_with("DELETE").then(|| answer(404, ""))).await;
    let member = connect(proxy.cloud("member")).await;
    for id in ["../../v3/users", "a/b", "a?b#c", "..", ""] {
        let _ = member.delete(id).await;
    }
    let calls = proxy.calls();
    let deletions: Vec<_> = calls
        .iter()
        .filter(|call| call.starts_with("DELETE"))
        .collect();
    assert_eq!(
        deletions,
        [
            "DELETE /image/v2/images/..%2F..%2Fv3%2Fusers",
            "DELETE /image/v2/images/a%2Fb",
            "DELETE /image/v2/images/a%3Fb%23c",
            // A bare list, which nobody can delete.
            "DELETE /image/v2/images",
            "DELETE /image/v2/images/",
        ]
    );
}
