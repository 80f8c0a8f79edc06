//! The real `gpg` in a home of its own, for tests: it makes what attackers and careless signers make.

#![expect(
    clippy::disallowed_methods,
    reason = "tests read what gpg wrote; the domain itself reads no files"
)]

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::Fingerprint;

/// A home with keys. Its agent ends with it.
pub(super) struct Gpg {
    home: TempDir,
}

impl Gpg {
    /// An empty home. Fails the test if `gpg` is not installed.
    pub(super) fn new() -> Self {
        let ours_alone = std::fs::Permissions::from_mode(0o700);
        let home = tempfile::Builder::new().permissions(ours_alone).tempdir();
        Self {
            home: home.unwrap(),
        }
    }

    /// Runs `gpg` on a day (`20260105`) with input, and gives its output.
    pub(super) fn run(&self, day: &str, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("gpg")
            .args(["--batch", "--no-tty", "--yes", "--pinentry-mode=loopback"])
            .args(["--passphrase=", "--allow-weak-digest-algos"])
            .arg(format!("--faked-system-time={day}T120000!"))
            .args(arguments)
            .env("GNUPGHOME", self.home.path())
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("these tests need `gpg` (package gnupg)");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gpg {arguments:?}: {errors}");
        output.stdout
    }

    /// A new Ed25519 key that certifies and signs, made on `day`.
    pub(super) fn key(&self, day: &str, user: &str, expires: &str) -> Fingerprint {
        self.generate(
            day,
            user,
            &[
                "--quick-generate-key",
                user,
                "ed25519",
                "cert,sign",
                expires,
            ],
        )
    }

    /// A new RSA key with a SHA-1 self-signature, as gpg made them until 2019.
    pub(super) fn old_key(&self, day: &str, user: &str) -> Fingerprint {
        let key = [
            "--quick-generate-key",
            user,
            "rsa2048",
            "cert,sign",
            "never",
        ];
        self.generate(
            day,
            user,
            &[&["--cert-digest-algo=SHA1"], &key[..]].concat(),
        )
    }

    fn generate(&self, day: &str, user: &str, arguments: &[&str]) -> Fingerprint {
        self.run(day, arguments, b"");
        self.fingerprints(user)[0].clone()
    }

    /// Adds a signing subkey and gives its fingerprint.
    pub(super) fn subkey(&self, day: &str, primary: &Fingerprint, expires: &str) -> Fingerprint {
        let primary = primary.as_str();
        let add = ["--quick-add-key", primary, "ed25519", "sign", expires];
        self.run(day, &add, b"");
        self.fingerprints(primary).last().unwrap().clone()
    }

    /// Adds an RSA signing subkey bound with SHA-1.
    pub(super) fn old_subkey(&self, day: &str, primary: &Fingerprint) -> Fingerprint {
        let primary = primary.as_str();
        let add = ["--quick-add-key", primary, "rsa2048", "sign", "never"];
        self.run(
            day,
            &[
                &["--allow-weak-key-signatures", "--cert-digest-algo=SHA1"],
                &add[..],
            ]
            .concat(),
            b"",
        );
        self.fingerprints(primary).last().unwrap().clone()
    }

    /// The fingerprints of a key: primary first, then the subkeys.
    fn fingerprints(&self, key: &str) -> Vec<Fingerprint> {
        let list = self.run("20260101", &["--with-colons", "--list-keys", key], b"");
        String::from_utf8(list)
            .unwrap()
            .lines()
            .filter(|line| line.starts_with("fpr:"))
            .map(|line| line.split(':').nth(9).unwrap().parse().unwrap())
            .collect()
    }

    /// Revokes a key with the certificate that gpg made beside it.
    pub(super) fn revoke(&self, key: &Fingerprint) {
        let file = self.home.path().join(format!("openpgp-revocs.d/{key}.rev"));
        let certificate = std::fs::read_to_string(file).unwrap();
        // gpg puts a colon in front of the armor against haste.
        let certificate = certificate.replace(":-----BEGIN", "-----BEGIN");
        self.run("20260110", &["--import"], certificate.as_bytes());
    }

    /// The public key, armored.
    pub(super) fn export(&self, key: &Fingerprint) -> Vec<u8> {
        self.run("20260101", &["--armor", "--export", key.as_str()], b"")
    }

    /// A detached armored signature.
    pub(super) fn sign(&self, day: &str, key: &Fingerprint, data: &[u8]) -> Vec<u8> {
        self.sign_with(day, key, data, &["--armor", "--detach-sign"])
    }

    pub(super) fn sign_with(
        &self,
        day: &str,
        key: &Fingerprint,
        data: &[u8],
        options: &[&str],
    ) -> Vec<u8> {
        // With `!` exactly this key signs and not a subkey that gpg prefers.
        let user = format!("{key}!");
        self.run(day, &[&["--local-user", &user], options].concat(), data)
    }
}

impl Drop for Gpg {
    fn drop(&mut self) {
        let _ = Command::new("gpgconf")
            .args(["--kill", "all"])
            .env("GNUPGHOME", self.home.path())
            .status();
    }
}
