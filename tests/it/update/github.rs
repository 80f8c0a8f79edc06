//! GitHub's API behind real TLS: a proxy that plays every host, with certificates of an authority of our own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use assert_cmd::Command;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;

const API: &str = "https://api.github.com/repos/own/images/releases?per_page=100";
const MOVED: &str = "https://objects.githubusercontent.com/moved";
const TOKEN: &str = "ghp_ofATestAndOfNoUse";

const HOSTS: [&str; 2] = ["api.github.com", "objects.githubusercontent.com"];

const SOURCE: &str = r"title: Own
parameters:
  arch: {default: x86_64}
indexes:
  - engine: github
    repository: own/images
    tag: '^v(?<version>\d+\.\d+)$'
    asset: '^own-{version}-{arch}\.qcow2$'
checksum: {digest: '{digest}', algorithm: sha256}
";

const DEFINITION: &str = "\
images:
  - name: Own
    format: qcow2
    upstream: {from: own}
    versions: []
";

/// An answer: a body, or where it is.
#[derive(Clone)]
enum Reply {
    Json(Value),
    Redirect(&'static str),
    Refuse,
}

/// A request: its URL, and its `Authorization`.
type Seen = (String, Option<String>);

/// Starts the proxy; writes the authority's certificate into the folder. Gives its address and what it sees.
fn proxy(folder: &Path, replies: BTreeMap<String, Reply>) -> (String, Arc<Mutex<Vec<Seen>>>) {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    std::fs::write(folder.join("authority.pem"), authority.pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let server = CertificateParams::new(HOSTS.map(str::to_owned)).unwrap();
    let server = server.signed_by(&key, &authority).unwrap();
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(
            vec![server.der().clone()],
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((stream, _)) = listener.accept().await {
                // A client that goes away leaves a broken connection and no more.
                let _ = serve(stream, &acceptor, &replies, &log).await;
            }
        });
    });
    (address, seen)
}

async fn serve(
    mut stream: TcpStream,
    acceptor: &TlsAcceptor,
    replies: &BTreeMap<String, Reply>,
    log: &Mutex<Vec<Seen>>,
) -> std::io::Result<()> {
    let head = head(&mut stream).await?;
    let host = head.split_whitespace().nth(1).unwrap_or_default();
    let host = host.trim_end_matches(":443").to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    let mut stream = acceptor.accept(stream).await?;
    let head = self::head(&mut stream).await?;
    let path = head.split_whitespace().nth(1).unwrap_or_default();
    let url = format!("https://{host}{path}");
    let authorization = head.lines().find_map(|line| {
        let (name, value) = line.split_once(": ")?;
        name.eq_ignore_ascii_case("authorization")
            .then(|| value.to_owned())
    });
    let answer = match replies.get(&url) {
        Some(Reply::Json(body)) => {
            let body = body.to_string();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                body.len()
            )
        }
        Some(Reply::Redirect(target)) => {
            format!(
                "HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            )
        }
        Some(Reply::Refuse) => {
            "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into()
        }
        None => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".into(),
    };
    log.lock().unwrap().push((url, authorization));
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

/// A request up to its empty line.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// `update` in a repository that tracks `own/images`, through the proxy, with this token.
fn update(replies: &[(&str, Reply)], token: &str) -> (Value, Vec<Seen>, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["images", "sources"] {
        std::fs::create_dir(path(name)).unwrap();
    }
    std::fs::write(path("images/own.yml"), DEFINITION).unwrap();
    std::fs::write(path("sources/own.yml"), SOURCE).unwrap();
    let replies = replies
        .iter()
        .map(|(url, reply)| ((*url).to_owned(), reply.clone()));
    let (address, seen) = proxy(folder.path(), replies.collect());
    let output = Command::new(env!("CARGO_BIN_EXE_reglaze"))
        .args(["update", "--format", "json", "--verbose"])
        .env_clear()
        .env("HTTPS_PROXY", address)
        .env("SSL_CERT_FILE", path("authority.pem"))
        .env("GITHUB_TOKEN", token)
        .env("REGLAZE_LOG", "trace")
        .current_dir(folder.path())
        .output()
        .unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    let seen = seen.lock().unwrap().clone();
    (
        serde_json::from_str(&stdout).unwrap_or_else(|_| panic!("{stdout}{stderr}")),
        seen,
        stdout + &stderr,
    )
}

fn releases() -> Value {
    let digest = format!("sha256:{}", "ab".repeat(32));
    json!([{"tag_name": "v1.10", "draft": false, "prerelease": false, "published_at": "2026-11-01T10:00:00Z", "assets": [
        {"name": "own-1.10-x86_64.qcow2", "state": "uploaded", "digest": digest,
         "browser_download_url": "https://github.com/own/images/releases/download/v1.10/own-1.10-x86_64.qcow2"}]}])
}

#[test]
fn the_token_goes_to_githubs_api_and_not_where_that_redirects_to() {
    let replies = [
        (API, Reply::Redirect(MOVED)),
        (MOVED, Reply::Json(releases())),
    ];
    let (json, seen, printed) = update(&replies, TOKEN);
    let image = &json["images"][0];
    assert_eq!(image["outcome"], "updated", "{printed}");
    assert_eq!(
        image["checksum"],
        format!("sha256:{}", "ab".repeat(32)),
        "{image}"
    );
    assert_eq!(
        image["verified"],
        json!({"by": "checksum", "key": null, "manifest": API})
    );
    assert_eq!(image["build_date"], "2026-11-01");
    assert_eq!(
        seen,
        [
            (API.to_owned(), Some(format!("Bearer {TOKEN}"))),
            (MOVED.to_owned(), None)
        ]
    );
    assert!(!printed.contains(TOKEN), "{printed}");
}

#[test]
fn without_a_token_github_is_asked_as_anybody_may() {
    let (json, seen, printed) = update(&[(API, Reply::Json(releases()))], "");
    assert_eq!(json["images"][0]["outcome"], "updated", "{printed}");
    assert_eq!(seen, [(API.to_owned(), None)]);
}

#[test]
fn who_has_asked_github_too_often_is_told_of_the_token() {
    let refused = |token| {
        let (json, ..) = update(&[(API, Reply::Refuse)], token);
        json["images"][0]["error"].as_str().unwrap().to_owned()
    };
    let error = refused("");
    assert!(
        error.contains("403") && error.contains("set `GITHUB_TOKEN`"),
        "{error}"
    );
    let error = refused(TOKEN);
    assert!(
        error.contains("take another one") && !error.contains(TOKEN),
        "{error}"
    );
}
