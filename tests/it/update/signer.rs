//! OpenPGP keys made on the spot; the work is gpg's.

use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// One key.
#[derive(Debug)]
pub struct Signer {
    home: TempDir,
    /// The full fingerprint of its primary key.
    pub fingerprint: String,
    /// The public key, armored.
    pub public: Vec<u8>,
}

impl Signer {
    pub fn new() -> Self {
        // The agent's socket wants a short path.
        let home = TempDir::with_prefix_in("gpg-", std::env::temp_dir()).unwrap();
        let mut signer = Self {
            home,
            fingerprint: String::new(),
            public: Vec::new(),
        };
        let owner = "Test Images <images@example.org>";
        signer.gpg(
            &["--quick-generate-key", owner, "ed25519", "sign", "never"],
            b"",
        );
        let listed = signer.gpg(&["--list-keys", "--with-colons"], b"");
        let listed = String::from_utf8(listed).unwrap();
        let record = listed
            .lines()
            .find(|line| line.starts_with("fpr:"))
            .unwrap();
        record
            .split(':')
            .nth(9)
            .unwrap()
            .clone_into(&mut signer.fingerprint);
        signer.public = signer.gpg(&["--armor", "--export"], b"");
        signer
    }

    pub fn detached(&self, text: &[u8]) -> Vec<u8> {
        self.gpg(&["--armor", "--detach-sign"], text)
    }

    pub fn clearsigned(&self, text: &[u8]) -> Vec<u8> {
        self.gpg(&["--clearsign"], text)
    }

    /// What gpg makes of this input with this key.
    pub fn gpg(&self, arguments: &[&str], input: &[u8]) -> Vec<u8> {
        let mut child = Command::new("gpg")
            .arg("--homedir")
            .arg(self.home.path())
            .args([
                "--batch",
                "--quiet",
                "--no-tty",
                "--pinentry-mode",
                "loopback",
                "--passphrase",
                "",
            ])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("gpg is installed");
        child.stdin.take().unwrap().write_all(input).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(
            output.status.success(),
            "gpg {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        output.stdout
    }
}

impl Drop for Signer {
    fn drop(&mut self) {
        // The agent that gpg has started for this home.
        let _ = Command::new("gpgconf")
            .arg("--homedir")
            .arg(self.home.path())
            .args(["--kill", "all"])
            .output();
    }
}
