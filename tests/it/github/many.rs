//! Eight sources of a user's own, five images each, published on loopback. Shared with `benches/pull_requests.rs`.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// How many sources, and so groups.
pub const SOURCES: usize = 8;

/// How many images each has.
pub const IMAGES: usize = 5;

/// Definitions of all images, without versions.
pub fn definitions() -> String {
    let mut text = "images:\n".to_owned();
    for source in 0..SOURCES {
        text += &of_source(source, IMAGES);
    }
    text
}

/// Definitions of so many images of one source.
pub fn of_source(source: usize, images: usize) -> String {
    let mut text = String::new();
    for image in 0..images {
        let _ = write!(
            text,
            "  - name: Image {source}-{image}\n    format: qcow2\n    upstream: {{from: own{source}, release: r{image}}}\n    versions: []\n"
        );
    }
    text
}

/// The files that make the sources: paths and texts.
pub fn sources() -> Vec<(String, String)> {
    (0..SOURCES)
        .map(|source| {
            let text = format!(
                "title: Own {source}
parameters: {{release: {{}}}}
indexes:
  - engine: listing
    listing: text
    url: https://own{source}.example/list.txt
    file: '^{{release}}/(?<version>\\d{{8}})/own\\.qcow2$'
checksum: {{url: \"{{url}}.sha256\", algorithm: sha256}}
"
            );
            (format!("sources/own{source}.yml"), text)
        })
        .collect()
}

/// Publishes a build of so many images of each source: `put` takes URLs and bodies.
pub fn publish(build: &str, images: usize, put: impl Fn(&str, String)) {
    for source in 0..SOURCES {
        let home = format!("https://own{source}.example/");
        let mut list = String::new();
        for image in 0..images {
            let path = format!("r{image}/{build}/own.qcow2");
            let _ = writeln!(list, "{path}");
            put(
                &format!("{home}{path}.sha256"),
                format!("{}  own.qcow2\n", digest(source, image, build)),
            );
        }
        put(&format!("{home}list.txt"), list);
    }
}

/// The digest of a build.
pub fn digest(source: usize, image: usize, build: &str) -> String {
    let digest = Sha256::digest(format!("{source} {image} {build}"));
    digest.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
