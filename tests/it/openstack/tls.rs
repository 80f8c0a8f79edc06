//! Certificates: an authority of one's own, none, and a file that holds none.

use std::path::PathBuf;

use reglaze::openstack::{Cloud, Error, Retries, Session};
use tempfile::TempDir;

use crate::proxy::Proxy;
use crate::services::connect;
use crate::tls::{Authority, TlsListener};

/// Starts a proxy with a certificate of an authority that nobody knows, and writes the authority's into the folder.
/// If `asks`, it talks only to clients with a certificate of the same authority; one is written there too.
async fn tls_proxy(folder: &TempDir, asks: bool) -> (Proxy, PathBuf) {
    let authority = Authority::new();
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, authority.pem()).unwrap();
    let (client, key) = authority.certificate(&["client.example"]);
    std::fs::write(folder.path().join("client.pem"), client.pem()).unwrap();
    std::fs::write(folder.path().join("client.key"), key.serialize_pem()).unwrap();

    let acceptor = authority.acceptor(&["127.0.0.1"], asks);
    let proxy = Proxy::of_both("https", |listener| TlsListener { listener, acceptor }).await;
    (proxy, path)
}

#[tokio::test]
async fn a_cloud_with_its_own_authority_is_trusted_with_its_file_only() {
    let folder = TempDir::new().unwrap();
    let (proxy, authority) = tls_proxy(&folder, false).await;

    let error = Session::login(proxy.cloud("member")).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("name its authority's file as `cacert` in"),
        "{error}"
    );

    let trusting = |authorities, verify| {
        let mut cloud: Cloud = proxy.cloud("member");
        cloud.tls.authorities = authorities;
        cloud.tls.verify = verify;
        cloud
    };
    let glance = connect(trusting(Some(authority), true)).await;
    glance.with_properties("none", &[].into()).await.unwrap();
    connect(trusting(None, false)).await;
}

#[tokio::test]
async fn a_file_of_authorities_that_is_absent_or_holds_none_is_told() {
    let folder = TempDir::new().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no certificate\n").unwrap();
    for (path, problem) in [
        (empty, "holds no PEM certificate"),
        (folder.path().join("none"), "cannot be read"),
    ] {
        let mut cloud = crate::services::cloud("member");
        cloud.tls.authorities = Some(path.clone());
        let error = Session::login(cloud).await.unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with(&format!("`{}`, which `cacert` in", path.display())),
            "{error}"
        );
        assert!(error.to_string().contains(problem), "{error}");
    }
}

#[tokio::test]
async fn a_cloud_that_asks_for_a_certificate_gets_the_one_that_is_described() {
    let folder = TempDir::new().unwrap();
    let (proxy, authority) = tls_proxy(&folder, true).await;
    let mut cloud = proxy.cloud("member");
    cloud.tls.authorities = Some(authority);
    cloud.timeout = Some(std::time::Duration::from_secs(5));
    let few = Retries {
        attempts: 1,
        ..Retries::default()
    };
    let error = Session::login_with(cloud.clone(), few).await.unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");

    cloud.tls.client = Some((
        folder.path().join("client.pem"),
        folder.path().join("client.key"),
    ));
    connect(cloud.clone()).await;

    let only_key = folder.path().join("client.key");
    cloud.tls.client = Some((only_key.clone(), only_key));
    let error = Session::login(cloud).await.unwrap_err().to_string();
    assert!(
        error.contains("holds no certificate with its unencrypted key in PEM"),
        "{error}"
    );
}
