//! A GitHub App: its key, its installation, its token.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use secrecy::ExposeSecret;

use super::*;

fn credentials(extra: &[(&str, &str)]) -> Result<Credentials, CredentialsError> {
    let pairs = [
        ("REGLAZE_GITHUB_APP_ID", "12"),
        ("REGLAZE_GITHUB_APP_KEY", KEY.as_str()),
        ("GITHUB_TOKEN", TOKEN),
    ];
    let pairs = pairs.iter().chain(extra);
    let pairs = pairs.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Credentials::from_environment(&pairs.collect())
}

async fn server(permissions: Value) -> Server {
    Server::start(move |asked, _| match asked.target.as_str() {
        "/repos/acme/catalogue/installation" => ok(&json!({"id": 34, "permissions": permissions})),
        "/app/installations/34/access_tokens" => {
            let wanted = asked.body["permissions"].as_object().unwrap();
            let granted = permissions.as_object().unwrap();
            if wanted.keys().all(|name| granted.contains_key(name)) {
                answer(201, &[], json!({"token": "ghs_installed"}).to_string())
            } else {
                refused(
                    422,
                    "The permissions requested are not granted to this installation.",
                )
            }
        }
        "/app" => ok(&json!({"slug": "our-app"})),
        _ => ok(&about()),
    })
    .await
}

#[tokio::test]
async fn an_app_goes_before_a_token_and_asks_for_the_least() {
    let granted = json!({"contents": "write", "pull_requests": "write", "metadata": "read", "issues": "write", "administration": "write"});
    let server = server(granted).await;
    let repository = Repository::connect(server.place(), credentials(&[]).unwrap(), quick())
        .await
        .unwrap();
    repository.about().await.unwrap();
    repository.about().await.unwrap();
    assert_eq!(repository.login().await.unwrap(), "our-app[bot]");
    let asked = server.asked();
    assert_eq!(asked.len(), 5, "one token serves all calls");
    assert_eq!(
        asked[1].body,
        json!({"repositories": ["catalogue"], "permissions": {
            "contents": "write", "pull_requests": "write", "metadata": "read", "issues": "write",
        }})
    );
    assert_eq!(asked[2].headers["authorization"], "Bearer ghs_installed");
    // The App itself speaks by a signed text of three parts.
    for one in [&asked[0], &asked[1], &asked[4]] {
        let header = one.headers["authorization"].to_str().unwrap();
        assert_eq!(header.split('.').count(), 3, "{header}");
    }
    let secrets = repository.secrets();
    let secrets: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
    assert!(secrets.contains(&"ghs_installed") && secrets.contains(&KEY.lines().nth(1).unwrap()));
    assert!(!secrets.iter().any(|secret| secret.contains("BEGIN")));
    assert!(!format!("{repository:?}").contains("ghs_installed"));
}

#[tokio::test]
async fn a_known_installation_with_fewer_permissions_gives_a_token_for_these() {
    let server =
        server(json!({"contents": "write", "pull_requests": "write", "metadata": "read"})).await;
    let known = credentials(&[("REGLAZE_GITHUB_APP_INSTALLATION", "34")]).unwrap();
    Repository::connect(server.place(), known, quick())
        .await
        .unwrap();
    assert_eq!(
        server.lines(),
        ["POST /app/installations/34/access_tokens"; 2]
    );
}

#[tokio::test]
async fn an_app_that_cannot_do_its_work_is_told_so_at_once() {
    let server = server(json!({"metadata": "read"})).await;
    let error = Repository::connect(server.place(), credentials(&[]).unwrap(), quick())
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "could not log in as a GitHub App: GitHub answered `The permissions requested are not granted to this \
         installation.`; install the App on this repository with `contents: write` and `pull-requests: write`"
    );
    let nobody = Server::start(|_, _| refused(404, "Not Found")).await;
    let error = Repository::connect(nobody.place(), credentials(&[]).unwrap(), quick())
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("it is not installed on `acme/catalogue`"),
        "{error}"
    );
}

#[test]
fn a_key_may_have_its_line_breaks_written_out() {
    let key = KEY.trim().replace('\n', "\\n");
    assert!(matches!(
        credentials(&[("REGLAZE_GITHUB_APP_KEY", &key)]),
        Ok(Credentials::App(_))
    ));
}

#[test]
fn what_is_wrong_with_credentials_is_said_without_them() {
    let wrong = |extra: &[(&str, &str)]| credentials(extra).unwrap_err().to_string();
    assert_eq!(
        wrong(&[("REGLAZE_GITHUB_APP_KEY", "")]),
        "`REGLAZE_GITHUB_APP_ID` is set and `REGLAZE_GITHUB_APP_KEY` is not; expected both, or none"
    );
    assert!(!wrong(&[("REGLAZE_GITHUB_APP_KEY", "my secret")]).contains("secret"));
    assert!(!wrong(&[("REGLAZE_GITHUB_APP_ID", "Iv23")]).contains("Iv23"));
    let none = [
        ("REGLAZE_GITHUB_APP_ID", ""),
        ("REGLAZE_GITHUB_APP_KEY", " "),
        ("GITHUB_TOKEN", ""),
    ];
    assert!(
        wrong(&none).contains("`${{ github.token }}`"),
        "{}",
        wrong(&none)
    );
    let two = [
        ("REGLAZE_GITHUB_APP_ID", ""),
        ("REGLAZE_GITHUB_APP_KEY", ""),
        ("GITHUB_TOKEN", "two words"),
    ];
    assert!(!wrong(&two).contains("words"));
}

#[test]
fn tokens_are_told_apart() {
    let kind = |token, is_action| match Credentials::token(token, is_action).unwrap() {
        Credentials::Token { kind, .. } => kind,
        Credentials::App(_) => panic!("an App"),
    };
    assert_eq!(kind("ghs_1", true), TokenKind::Actions);
    assert_eq!(kind("ghs_1", false), TokenKind::Installation);
    for token in ["ghp_1", "github_pat_1", "gho_1", "0123456789abcdef"] {
        assert_eq!(kind(token, true), TokenKind::Personal, "{token}");
    }
}

/// A key of no App, in the form in which GitHub gives keys (PKCS#1), which is what PKCS#8 wraps in 26 bytes.
static KEY: LazyLock<String> = LazyLock::new(|| {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let text = BASE64_STANDARD.encode(&key.serialize_der()[26..]);
    let lines: Vec<_> = text.as_bytes().chunks(64).collect();
    let lines = String::from_utf8(lines.join(&b'\n')).unwrap();
    format!("-----BEGIN RSA PRIVATE KEY-----\n{lines}\n-----END RSA PRIVATE KEY-----\n")
});
