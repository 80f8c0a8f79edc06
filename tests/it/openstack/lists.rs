//! What a snapshot finds, in how many calls.

use reglaze::domain::patch::Patch;
use reglaze::domain::snapshot::{CloudImage, Visibility};
use reglaze::openstack::Image;

use super::new_image;
use crate::proxy::Proxy;
use crate::services::{connect, glance, project, unique};

async fn created(
    glance: &Image,
    name: &str,
    tags: &[&str],
    visibility: Visibility,
    hidden: bool,
) -> String {
    let mut new = new_image(name, tags);
    new.visibility = visibility;
    new.hidden = hidden;
    glance.create(&new).await.unwrap().id
}

fn sorted<'a>(images: impl IntoIterator<Item = &'a CloudImage>) -> Vec<String> {
    let mut ids: Vec<String> = images.into_iter().map(|image| image.id.clone()).collect();
    ids.sort();
    ids
}

#[tokio::test]
async fn ours_are_found_whatever_their_visibility_hidden_or_not_on_many_pages() {
    let member = glance("member").await.with_pages_of(2);
    let mark = unique("mark");
    let mut expected = Vec::new();
    for visibility in [
        Visibility::Private,
        Visibility::Shared,
        Visibility::Community,
    ] {
        for hidden in [false, true] {
            expected.push(created(&member, &mark, &[&mark, "another"], visibility, hidden).await);
        }
    }
    created(&member, &mark, &["another"], Visibility::Private, false).await;
    expected.sort();

    let ours = member.snapshot(&mark, &project(&member)).await.unwrap();
    assert_eq!(sorted(ours.ours()), expected);
    assert_eq!(ours.ours().iter().filter(|image| image.hidden).count(), 3);

    // The admin sees all of them too, and that they are another project's.
    let admin = glance("admin").await;
    let theirs = admin.snapshot(&mark, &project(&admin)).await.unwrap();
    assert_eq!(theirs.ours(), []);
    assert_eq!(sorted(theirs.foreign_tagged(&mark)), expected);
    // It may also look after that project's catalogue.
    let for_owner = admin.snapshot(&mark, &project(&member)).await.unwrap();
    assert_eq!(sorted(for_owner.ours()), expected);
}

#[tokio::test]
async fn a_public_name_of_others_is_seen_and_a_tenants_own_is_not() {
    let (admin, member, tenant) = (
        glance("admin").await,
        glance("member").await,
        glance("tenant").await,
    );
    let name = unique("Ubuntu 24.04");
    let public = created(&admin, &name, &[], Visibility::Public, false).await;
    created(&admin, &name, &[], Visibility::Public, true).await;
    created(&tenant, &name, &[], Visibility::Private, false).await;
    created(&tenant, &name, &[], Visibility::Shared, false).await;
    created(&tenant, &name, &[], Visibility::Community, false).await;

    for glance in [&member, &admin] {
        let snapshot = glance
            .snapshot("mark of nobody", "owner of nothing")
            .await
            .unwrap();
        assert_eq!(
            sorted(snapshot.foreign_named(&name)),
            std::slice::from_ref(&public)
        );
    }
}

#[tokio::test]
async fn a_snapshot_costs_one_login_the_versions_and_one_page_of_each_series() {
    let proxy = Proxy::start().await;
    let member = connect(proxy.cloud("member")).await;
    member
        .snapshot(&unique("mark"), &project(&member))
        .await
        .unwrap();
    let expected = [
        "POST /identity/v3/auth/tokens",
        "GET /image/",
        "GET /image/v2/images",
        "GET /image/v2/images",
    ];
    assert_eq!(proxy.calls(), expected);
    let seen = proxy.seen();
    assert!(seen[2].query.contains("limit=1000"), "{}", seen[2].query);
    assert_eq!(seen[2].headers["accept"], "application/json");
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        seen[2].headers["user-agent"],
        format!("reglaze/{version}").as_str()
    );
}

#[tokio::test]
async fn images_are_looked_up_by_mark_and_properties_hidden_or_not_and_on_many_pages() {
    let member = glance("member").await.with_pages_of(1);
    let mark = unique("mark");
    let mut ids = Vec::new();
    for hidden in [false, false, true] {
        let mut new = new_image(&mark, &["first", &mark]);
        new.hidden = hidden;
        new.properties = [("image_name", "a, b & c=ü"), ("internal_version", "1")]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into();
        ids.push(member.create(&new).await.unwrap().id);
    }
    ids.sort();
    let wanted = |name: &str, version: &str| {
        [("image_name", name), ("internal_version", version)]
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into()
    };
    let found = member
        .with_properties(&mark, &wanted("a, b & c=ü", "1"))
        .await
        .unwrap();
    assert_eq!(sorted(&found), ids);
    assert_eq!(
        member
            .with_properties(&mark, &wanted("a, b & c=ü", "2"))
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        member
            .with_properties("other mark", &wanted("a, b & c=ü", "1"))
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn what_was_written_is_read_back_as_it_was() {
    let member = glance("member").await;
    let mut new = new_image(&unique("Größe / ~"), &["b", "a"]);
    new.min_disk = 8;
    new.min_ram = 512;
    new.properties = [("os_distro", "ubuntu"), ("a/b~c", ""), ("version", "24.04")]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into();
    let image = member.create(&new).await.unwrap();
    assert_eq!(image.name.as_deref(), Some(new.name.as_str()));
    assert_eq!((image.min_disk, image.min_ram), (8, 512));
    assert_eq!(
        (&image.tags, &image.properties),
        (&new.tags, &new.properties)
    );
    assert_eq!(
        (image.visibility, image.hidden),
        (Visibility::Private, false)
    );
    assert_eq!(member.image(&image.id).await.unwrap(), Some(image.clone()));

    let patch = Patch {
        hidden: Some(true),
        min_disk: Some(9),
        tags: Some(["c".to_owned()].into()),
        set: [("a/b~c".to_owned(), "x".to_owned())].into(),
        remove: ["version".to_owned()].into(),
        ..Patch::default()
    };
    let patched = member.patch(&image.id, &patch).await.unwrap();
    let expected = [("a/b~c", "x"), ("os_distro", "ubuntu")];
    assert_eq!(
        patched.properties,
        expected
            .map(|(key, value)| (key.into(), value.into()))
            .into()
    );
    assert_eq!((patched.hidden, patched.min_disk), (true, 9));
    assert_eq!(patched.tags, ["c".to_owned()].into());
}
