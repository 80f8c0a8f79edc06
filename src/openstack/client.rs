//! The HTTP client for one cloud: whom it trusts, and what it never does by itself.

use std::path::Path;
use std::time::Duration;

use reqwest::{Certificate, Identity, redirect};

use super::config::Cloud;
use super::error::Error;

/// Builds the client. It follows no redirect: reqwest would carry `X-Auth-Token` along to another host.
pub fn build(cloud: &Cloud) -> Result<reqwest::Client, Error> {
    let mut client = reqwest::Client::builder()
        .user_agent(concat!("reglaze/", env!("CARGO_PKG_VERSION")))
        .redirect(redirect::Policy::none())
        .connect_timeout(Duration::from_secs(20))
        // A peer that vanished in the middle of an upload is noticed by the kernel.
        .tcp_keepalive(Duration::from_secs(30))
        // Glance speaks nothing else, and an early answer to an upload is simplest in it.
        .http1_only()
        .tls_danger_accept_invalid_certs(!cloud.tls.verify);
    if let Some(path) = &cloud.tls.authorities {
        let certificates =
            Certificate::from_pem_bundle(&read(cloud, path, "cacert")?).unwrap_or_default();
        if certificates.is_empty() {
            return Err(problem(cloud, path, "cacert", "holds no PEM certificate"));
        }
        client = client.tls_certs_merge(certificates);
    }
    if let Some((certificate, key)) = &cloud.tls.client {
        let mut pem = read(cloud, certificate, "cert")?;
        if key != certificate {
            pem.push(b'\n');
            pem.extend(read(cloud, key, "key")?);
        }
        let identity = Identity::from_pem(&pem).map_err(|_| {
            problem(
                cloud,
                certificate,
                "cert",
                "holds no certificate with its unencrypted key in PEM",
            )
        })?;
        client = client.identity(identity);
    }
    client.build().map_err(Error::Client)
}

fn read(cloud: &Cloud, path: &Path, key: &'static str) -> Result<Vec<u8>, Error> {
    std::fs::read(path)
        .map_err(|error| problem(cloud, path, key, &format!("cannot be read ({error})")))
}

fn problem(cloud: &Cloud, path: &Path, key: &'static str, problem: &str) -> Error {
    Error::TlsFile {
        path: path.display().to_string(),
        key,
        file: cloud.described_in.clone(),
        problem: problem.to_owned(),
    }
}
