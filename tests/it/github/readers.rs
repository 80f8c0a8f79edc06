//! Other authors' clients: `PyGithub`, Octokit for Node, and `gh`. Each reads as the person whose token is `pat`.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::forge::{Fake, judges};

/// What a script prints as JSON, in Python with `PyGithub`; its arguments are the URL of the API and a number.
pub fn pygithub(fake: &Fake, script: &str, number: u64) -> Value {
    let mut python = Command::new(judges::folder().join("venv/bin/python"));
    printed(python.args(["-c", script, &fake.url(), &number.to_string()]))
}

/// What a script prints as JSON, in Node with Octokit, likewise.
pub fn octokit(fake: &Fake, script: &str, number: u64) -> Value {
    let folder = judges::folder();
    let mut node = Command::new(folder.join("node"));
    node.current_dir(folder).args([
        "--input-type=module",
        "--eval",
        script,
        "--",
        &fake.url(),
        &number.to_string(),
    ]);
    printed(&mut node)
}

fn printed(command: &mut Command) -> Value {
    let output = command.stderr(Stdio::inherit()).output().expect(
        "`tests/github/up` fetched it: run it anew, and set REGLAZE_TEST_GITHUB to what it prints",
    );
    assert!(output.status.success(), "{command:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Debian's `gh`, which speaks plain HTTP over a socket that leads to the fake.
pub struct Gh {
    folder: tempfile::TempDir,
    socat: Child,
}

impl Gh {
    pub fn of(fake: &Fake) -> Self {
        judges::folder();
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("socket");
        let port = fake.url().rsplit(':').next().unwrap().to_owned();
        let socat = Command::new("socat")
            .arg(format!("UNIX-LISTEN:{},fork", socket.display()))
            .arg(format!("TCP:127.0.0.1:{port}"))
            .spawn()
            .expect("`tests/github/up` installed socat");
        let begin = Instant::now();
        while !socket.exists() {
            assert!(
                begin.elapsed() < Duration::from_secs(10),
                "socat did not begin"
            );
            std::thread::sleep(Duration::from_millis(10));
        }
        let gh = Self { folder, socat };
        gh.run(&[
            "config",
            "set",
            "http_unix_socket",
            socket.to_str().unwrap(),
        ]);
        gh
    }

    pub fn run(&self, arguments: &[&str]) -> String {
        let output = Command::new("gh")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.folder.path())
            .env("GH_CONFIG_DIR", self.folder.path().join("gh"))
            .env("GH_TOKEN", "pat")
            .env("GH_NO_UPDATE_NOTIFIER", "1")
            .output()
            .expect("`tests/github/up` installed gh");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "gh {arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What a command prints as JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments)).unwrap()
    }
}

impl Drop for Gh {
    fn drop(&mut self) {
        let _ = self.socat.kill();
        let _ = self.socat.wait();
    }
}
