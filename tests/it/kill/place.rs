//! Where a story is played: every service behind one proxy, so that all requests have one order.

use std::sync::LazyLock;

use super::bytes::bytes;
use super::story::Story;
use crate::account::{Account, wait};
use crate::proxy::Proxy;
use crate::services::PASSWORD;
use crate::stage::Stage;
use crate::update::signer::Signer;
use crate::uses::world::{Tenant, World};

/// Whose signature proves an image.
static SIGNER: LazyLock<Signer> = LazyLock::new(Signer::new);

static ADMIN: LazyLock<Tenant> = LazyLock::new(|| wait(Tenant::of("admin")));
static TENANT: LazyLock<Tenant> = LazyLock::new(|| wait(Tenant::of("tenant")));

/// All versions that stories name.
pub fn versions() -> impl Iterator<Item = String> {
    let plain = (1..=9).map(|number| number.to_string());
    plain.chain((1..=9).map(|number| format!("1.{number}")))
}

/// A stage for a story, whose upstream has all the bytes that stories name. Nova and Cinder are in the catalogue if the
/// story wants them.
pub fn stage(story: &Story, number: usize) -> Stage {
    let mut stage = Stage::new(&format!("{}-{number}", story.name));
    let world = wait(World::new());
    let keystone = world.keystone.join("/").unwrap();
    let proxy = Proxy::of_routes(vec![
        ("/identity", keystone),
        ("/compute", world.nova.url.clone()),
        ("/volume", world.cinder.url.clone()),
        ("", Account::of("admin").glance),
    ]);
    let volume = world.endpoint("volumev3").path().to_owned();
    world.remove("compute");
    world.remove("volumev3");
    if story.has_services {
        world.add(
            "compute",
            "RegionOne",
            &format!("{}compute/v2.1", proxy.url),
        );
        let volume = format!("{}volume{volume}", proxy.url);
        world.add("volumev3", "RegionOne", &volume);
    }
    let clouds = format!(
        "clouds:\n  admin:\n    region_name: RegionOne\n    image_endpoint_override: {0}\n    auth:\n      auth_url: {0}/identity/v3\n      \
         username: admin\n      password: {PASSWORD}\n      project_name: admin\n      user_domain_name: Default\n      \
         project_domain_name: Default\n",
        proxy.url.as_str().trim_end_matches('/'),
    );
    stage.write("clouds.yaml", &clouds);
    stage.glance = proxy;
    for version in versions() {
        stage.publish(&version, &story.form.published(&version));
    }
    stage
}

/// Signs the bytes of these versions, by a source that says so; gives who signed.
pub fn sign(stage: &Stage, versions: &[String]) -> &'static str {
    stage.trust(&SIGNER);
    for version in versions {
        let signature = SIGNER.detached(&bytes(version));
        stage.publish(&format!("sig-{version}"), &signature);
    }
    &SIGNER.fingerprint
}

/// The definitions whose boot tests have a server at the moment.
pub fn tried(tag: &str) -> Vec<String> {
    let servers = wait(ADMIN.marked(tag));
    let definition = |server: &serde_json::Value| {
        let definition = &server["metadata"]["reglaze_image"];
        definition.as_str().unwrap().to_owned()
    };
    servers.iter().map(definition).collect()
}

/// Deletes the servers of boot tests.
pub fn end_trials(tag: &str) {
    for server in wait(ADMIN.marked(tag)) {
        wait(ADMIN.delete_server(server["id"].as_str().unwrap()));
    }
}

/// A tenant's server from an image, which stays.
pub fn start(image: &str) -> String {
    wait(TENANT.server(image))
}

/// Ends such a server.
pub fn end(server: &str) {
    wait(TENANT.delete_server(server));
}
