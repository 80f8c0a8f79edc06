//! The client of Keystone and Glance against the real ones, each test with names of its own.

mod changes;
mod faults;
mod imports;
mod lists;
mod login;
mod tls;
mod uploads;

use std::collections::BTreeSet;

use reglaze::openstack::NewImage;

/// What a test creates where nothing else matters.
fn new_image(name: &str, tags: &[&str]) -> NewImage {
    NewImage {
        name: name.to_owned(),
        disk_format: "raw".to_owned(),
        container_format: "bare".to_owned(),
        tags: tags
            .iter()
            .map(|tag| (*tag).to_owned())
            .collect::<BTreeSet<_>>(),
        ..NewImage::default()
    }
}
