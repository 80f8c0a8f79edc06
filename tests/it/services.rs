//! The real Keystone and Glance that `tests/openstack/up` starts, and names that no other test uses.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use reglaze::openstack::config::{Login, Named};
use reglaze::openstack::{Cloud, Clouds, Environment, Image, Session};

/// The password of every user, and the secret of every application credential.
pub const PASSWORD: &str = "reglaze-test";

/// Gives the clouds.yaml of the running services; starts them if the test command has not.
pub fn clouds_yaml() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        if let Some(path) = std::env::var_os("REGLAZE_TEST_CLOUDS") {
            return path.into();
        }
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openstack/up");
        let output = Command::new(script)
            .stderr(Stdio::inherit())
            .output()
            .expect("`up` begins");
        assert!(output.status.success(), "tests/openstack/up failed");
        String::from_utf8(output.stdout)
            .expect("a path")
            .trim()
            .into()
    })
}

/// A program that is installed beside the services, with a scrubbed environment in which it finds their clouds.
pub fn installed(program: &str) -> Command {
    let path = clouds_yaml()
        .ancestors()
        .map(|folder| folder.join("venv/bin").join(program))
        .find(|path| path.exists());
    let path = path.unwrap_or_else(|| panic!("`{program}` does not lie beside the services"));
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").expect("a PATH"))
        .env("HOME", std::env::temp_dir())
        .env("PYTHONWARNINGS", "ignore")
        .env("OS_CLIENT_CONFIG_FILE", clouds_yaml());
    command
}

/// Gives an environment in which only the services' clouds.yaml is known.
pub fn environment() -> Environment {
    let path = clouds_yaml().to_str().expect("a path in UTF-8").to_owned();
    Environment {
        variables: [("OS_CLIENT_CONFIG_FILE".to_owned(), path)].into(),
        folder: PathBuf::from("/nonexistent"),
        machine: PathBuf::from("/nonexistent"),
    }
}

/// Gives what the services' clouds.yaml says of a cloud: `admin`, `member`, `tenant`, `appcred`, …
pub fn cloud(name: &str) -> Cloud {
    let clouds = Clouds::read(&environment()).expect("the clouds.yaml of the services");
    clouds.cloud(Some(name)).expect("a cloud of the services")
}

/// Logs in to a cloud of the services and finds its Glance.
pub async fn glance(name: &str) -> Image {
    connect(cloud(name)).await
}

/// Logs in to a cloud and finds its Glance.
pub async fn connect(cloud: Cloud) -> Image {
    let session = Session::login(cloud).await.expect("a login");
    Image::connect(session.into()).await.expect("a Glance")
}

/// Gets a token as any other tool would, and the ID of its user.
pub async fn token_of(name: &str) -> (String, String) {
    let cloud = cloud(name);
    let Login::Password {
        user: Named::Name { name, .. },
        ..
    } = &cloud.login
    else {
        panic!("a user with a password");
    };
    let user = serde_json::json!({"name": name, "domain": {"id": "default"}, "password": PASSWORD});
    let Some(Named::Name { name, .. }) = &cloud.project else {
        panic!("a project")
    };
    let body = serde_json::json!({"auth": {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"name": name, "domain": {"id": "default"}}},
    }});
    let url = format!("{}/auth/tokens", cloud.auth_url);
    let answer = reqwest::Client::new()
        .post(url)
        .json(&body)
        .send()
        .await
        .unwrap();
    let token = answer.headers()["x-subject-token"]
        .to_str()
        .unwrap()
        .to_owned();
    let document: serde_json::Value = answer.json().await.unwrap();
    (
        token,
        document["token"]["user"]["id"].as_str().unwrap().to_owned(),
    )
}

/// Gives the ID of the project that a Glance is used for.
pub fn project(glance: &Image) -> String {
    glance.session().project().expect("a project").id
}

/// Gives a word that no other test and no earlier run uses, for names and tags.
pub fn unique(word: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let since = std::time::UNIX_EPOCH.elapsed().expect("a clock after 1970");
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(
        "{word}-{:x}-{:x}-{count}",
        std::process::id(),
        since.as_nanos()
    )
}
