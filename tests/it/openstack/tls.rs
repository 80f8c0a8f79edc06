//! Certificates: an authority of one's own, none, and a file that holds none.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use axum::serve::Listener;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use reglaze::openstack::{Cloud, Error, Retries, Session};
use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::front::Front;
use crate::services::connect;

/// Accepts connections with TLS, and waits for the next where one fails.
struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            if let Ok((stream, address)) = self.listener.accept().await
                && let Ok(stream) = self.acceptor.accept(stream).await
            {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// Starts a front with a certificate of an authority that nobody knows, and writes the authority's into the folder.
/// If `asks`, it talks only to clients with a certificate of the same authority; one is written there too.
async fn tls_front(folder: &TempDir, asks: bool) -> (Front, PathBuf) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    let path = folder.path().join("authority.pem");
    std::fs::write(&path, authority.pem()).unwrap();

    let client_key = KeyPair::generate().unwrap();
    let client = CertificateParams::new(["client.example".to_owned()]).unwrap();
    let client = client.signed_by(&client_key, &authority).unwrap();
    std::fs::write(folder.path().join("client.pem"), client.pem()).unwrap();
    std::fs::write(folder.path().join("client.key"), client_key.serialize_pem()).unwrap();

    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder();
    let config = if asks {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).unwrap();
        let verifier = WebPkiClientVerifier::builder(roots.into()).build().unwrap();
        config.with_client_cert_verifier(verifier)
    } else {
        config.with_no_client_auth()
    };
    let config = config
        .with_single_cert(vec![server.der().clone()], key.into())
        .unwrap();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let listener = TlsListener {
        listener,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    };
    (Front::serve(listener, "https", |_| None).await, path)
}

#[tokio::test]
async fn a_cloud_with_its_own_authority_is_trusted_with_its_file_only() {
    let folder = TempDir::new().unwrap();
    let (front, authority) = tls_front(&folder, false).await;

    let error = Session::login(front.cloud("member")).await.unwrap_err();
    assert!(matches!(error, Error::Untrusted { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("name its authority's file as `cacert` in"),
        "{error}"
    );

    let trusting = |authorities, verify| {
        let mut cloud: Cloud = front.cloud("member");
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
    let (front, authority) = tls_front(&folder, true).await;
    let mut cloud = front.cloud("member");
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
