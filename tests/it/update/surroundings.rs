//! What the environment says: proxies, hosts without one, and whose certificates count. With real TLS and a real proxy,
//! and no `--upstream-map` where nothing else is said.

use std::process::Command;

use super::connector::{self, Connector};
use super::world::{HOSTS, Run, World, ubuntu};
use crate::tls::Authority;

fn world() -> World {
    let names = [&HOSTS[..], &["localhost"]].concat();
    let images = format!("images:\n{}", ubuntu("24.04"));
    let world = connector::world_with_tls(&names, &images);
    world.ubuntu_daily("noble", &["20260725"]);
    world
}

fn update(world: &World) -> Command {
    let mut command = world.plain_command(env!("CARGO_BIN_EXE_reglaze"));
    command.args(["update", "--format=json", "-v"]);
    command.env("SSL_CERT_FILE", world.path("authority.pem"));
    command
}

#[test]
fn upstreams_are_asked_through_the_proxy_and_trusted_by_the_given_authority() {
    let world = world();
    let proxy = Connector::start(world.server.address);
    let url = proxy.url();
    for name in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"] {
        let _ = std::fs::remove_dir_all(world.path("cache"));
        let run = Run::of(update(&world).env(name, &url));
        assert_eq!(run.code, 2, "{name}: {}{}", run.stdout, run.stderr);
        assert_eq!(
            run.image("Ubuntu 24.04")["verified"]["by"],
            "signature",
            "{name}"
        );
        assert!(
            !run.stdout.contains("secret") && !run.stderr.contains("secret"),
            "{name}"
        );
    }
    let hosts = [
        "cloud-images.ubuntu.com:443",
        "endoflife.date:443",
        "keyserver.ubuntu.com:443",
    ];
    assert_eq!(proxy.asked(), hosts);
    let agents = world.server.agents();
    let agents: Vec<_> = agents.iter().map(String::as_str).collect();
    assert!(
        matches!(agents.as_slice(), [agent] if agent.starts_with(concat!("reglaze/", env!("CARGO_PKG_VERSION")))),
        "{agents:?}"
    );
}

#[test]
fn an_authority_that_nobody_named_is_not_trusted() {
    let world = world();
    let proxy = Connector::start(world.server.address);
    let url = proxy.url();
    std::fs::write(world.path("authority.pem"), Authority::new().pem()).unwrap();
    let run = Run::of(update(&world).env("HTTPS_PROXY", &url));
    assert_eq!(run.code, 1, "{}", run.stdout);
    let error = run.image("Ubuntu 24.04")["error"].as_str().unwrap();
    assert!(
        error.starts_with("`https://cloud-images.ubuntu.com/noble/` cannot be reached: ")
            && error.contains("certificate"),
        "{error}"
    );
    assert!(world.server.log().is_empty());
}

#[test]
fn hosts_that_want_no_proxy_get_none() {
    let world = world();
    let proxy = Connector::start(world.server.address);
    let url = proxy.url();
    let maps = HOSTS.map(|host| {
        let port = world.server.address.port();
        format!("--upstream-map=https://{host}=https://localhost:{port}/{host}")
    });
    let mut command = update(&world);
    command
        .args(&maps)
        .env("HTTPS_PROXY", &url)
        .env("NO_PROXY", "localhost");
    let run = Run::of(&mut command);
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert!(proxy.asked().is_empty(), "{:?}", proxy.asked());

    let _ = std::fs::remove_dir_all(world.path("cache"));
    let run = Run::of(command.env("NO_PROXY", "a.example"));
    assert_eq!(run.code, 2, "{}{}", run.stdout, run.stderr);
    assert_eq!(
        proxy.asked(),
        [format!("localhost:{}", world.server.address.port())]
    );
}

#[test]
fn a_proxy_that_cannot_be_used_is_told_without_its_password() {
    let world = world();
    let proxy = Connector::start(world.server.address);
    let (_taken, closed) = crate::proxy::closed();
    for url in [
        format!("http://user:hunter2@{closed}"),
        format!("http://user:hunter2@{}", proxy.address),
    ] {
        let run = Run::of(update(&world).env("HTTPS_PROXY", &url));
        assert_eq!(run.code, 1, "{}", run.stdout);
        let error = run.image("Ubuntu 24.04")["error"].as_str().unwrap();
        assert!(error.contains("cannot be reached"), "{error}");
        assert!(
            !run.stdout.contains("hunter2") && !run.stderr.contains("hunter2"),
            "{error}"
        );
    }
}

#[test]
fn without_any_authority_nothing_is_asked() {
    let world = world();
    let mut command = update(&world);
    command.env("SSL_CERT_FILE", world.path("nowhere.pem"));
    command.env("SSL_CERT_DIR", world.path("nowhere"));
    let run = Run::of(&mut command);
    assert_eq!(run.code, 1, "{}", run.stdout);
    assert!(
        run.stderr.contains("CA certificates") && run.stderr.contains("SSL_CERT_FILE"),
        "{}",
        run.stderr
    );
}
