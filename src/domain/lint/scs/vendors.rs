//! scs-0104: images that claim to be a vendor's own, and where those must come from.

use super::Standard;
use crate::domain::lint::offers::Offer;

/// A release whose images must come from its vendor.
struct Release {
    distribution: &'static str,
    version: &'static str,
    codename: &'static str,
}

const fn release(
    distribution: &'static str,
    version: &'static str,
    codename: &'static str,
) -> Release {
    Release {
        distribution,
        version,
        codename,
    }
}

const RELEASES: &[Release] = &[
    release("ubuntu", "20.04", "focal"),
    release("ubuntu", "22.04", "jammy"),
    release("ubuntu", "24.04", "noble"),
    release("ubuntu", "26.04", "resolute"),
    release("debian", "10", "buster"),
    release("debian", "11", "bullseye"),
    release("debian", "12", "bookworm"),
    release("debian", "13", "trixie"),
    release("debian", "14", "forky"),
];

/// Where a distribution's images lie, before the code name.
const FOLDERS: [(&str, [&str; 2]); 2] = [
    (
        "ubuntu",
        [
            "https://cloud-images.ubuntu.com/releases/",
            "https://cloud-images.ubuntu.com/",
        ],
    ),
    (
        "debian",
        [
            "https://cloud.debian.org/images/cloud/",
            "https://cdimage.debian.org/cdimage/cloud/",
        ],
    ),
];

/// Those that the certificate's tests look for, by exactly these names.
const CERTIFIED: [(&str, &str); 3] = [("ubuntu", "24.04"), ("debian", "12"), ("debian", "13")];

const CAPI: &str = "ubuntu-capi-image";
const CAPI_SOURCES: [&str; 2] = [
    "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/",
    "https://swift.services.a.regiocloud.tech/swift/v1/AUTH_b182637428444b9aa302bb8d5a5a418c/openstack-k8s-capi-images/",
];
const CAPI_DESCRIPTION: &str = "https://github.com/osism/k8s-capi-images";

pub(super) fn is_codename(version: &str) -> bool {
    RELEASES.iter().any(|release| release.codename == version)
}

/// The name under which the certificate's tests look for an image, if they do.
pub(super) fn certified_name(offer: &Offer) -> Option<String> {
    let (distribution, version) = (offer.property("os_distro")?, offer.property("os_version")?);
    let generic = offer.property("os_purpose") == Some("generic")
        && offer.property("architecture") == Some("x86_64");
    (generic && CERTIFIED.contains(&(distribution, version)))
        .then(|| name_of(distribution, version))
}

/// What is wrong with an image that claims to be a vendor's own: the property, and what to do.
pub(super) fn check(offer: &Offer, standard: Standard) -> Vec<(&'static str, String)> {
    if offer.wanted.name.starts_with(CAPI) {
        return node(offer, standard);
    }
    let Some(release) = RELEASES
        .iter()
        .find(|release| claims(offer, release, standard))
    else {
        return Vec::new();
    };
    let folders = FOLDERS
        .iter()
        .find(|(distribution, _)| *distribution == release.distribution);
    let prefixes =
        folders.map(|(_, folders)| folders.map(|folder| format!("{folder}{}/", release.codename)));
    let whose = format!("`{}`", name_of(release.distribution, release.version));
    from(offer, &whose, prefixes.iter().flatten())
        .into_iter()
        .collect()
}

/// By its exact name in the tests of version 1, by what it is in the text of version 2.
fn claims(offer: &Offer, release: &Release, standard: Standard) -> bool {
    let is = |key, value| offer.property(key) == Some(value);
    offer.wanted.name == name_of(release.distribution, release.version)
        || standard == Standard::V2
            && is("os_purpose", "generic")
            && is("os_distro", release.distribution)
            && is("os_version", release.version)
}

fn name_of(distribution: &str, version: &str) -> String {
    let title = if distribution == "ubuntu" {
        "Ubuntu"
    } else {
        "Debian"
    };
    format!("{title} {version}")
}

fn from<'a>(
    offer: &Offer,
    whose: &str,
    prefixes: impl Iterator<Item = &'a String>,
) -> Option<(&'static str, String)> {
    let source = offer.listed.and_then(|_| offer.property("image_source"))?;
    let prefixes: Vec<_> = prefixes.collect();
    if prefixes
        .iter()
        .any(|prefix| source.starts_with(prefix.as_str()))
    {
        return None;
    }
    let allowed: Vec<_> = prefixes
        .iter()
        .map(|prefix| format!("`{prefix}…`"))
        .collect();
    let message = format!(
        "`image_source` of {whose} is `{source}`, and scs-0104 wants {}; pin the vendor's own build, a mirror of it as `mirror_url`",
        allowed.join(" or ")
    );
    Some(("image_source", message))
}

/// Images of Kubernetes nodes under the name that the standard reserves for those of OSISM.
fn node(offer: &Offer, standard: Standard) -> Vec<(&'static str, String)> {
    let mut wrong = Vec::new();
    if !is_node_name(&offer.wanted.name) {
        let message = format!(
            "the catalogue would show `{}`, and scs-0104 looks for `{CAPI}-v1.33` or `{CAPI}-v1.33.4`; correct `name`, `separator` or `multi`",
            offer.wanted.name
        );
        wrong.push(("name", message));
    }
    let sources = CAPI_SOURCES.map(str::to_owned);
    wrong.extend(from(offer, &format!("`{CAPI}`"), sources.iter()));
    for (key, expected) in [
        ("os_purpose", "k8snode"),
        ("image_description", CAPI_DESCRIPTION),
    ] {
        if standard == Standard::V2 && offer.property(key) != Some(expected) {
            let found = offer.property(key).unwrap_or_default();
            let message = format!(
                "`{key}` of an image named `{CAPI}…` is `{found}`, and scs-0104 v2 wants `{expected}`; write that"
            );
            wrong.push((key, message));
        }
    }
    wrong
}

/// The tests match the beginning of a name only, so what rotation adds does no harm.
fn is_node_name(name: &str) -> bool {
    let version = name
        .strip_prefix(CAPI)
        .and_then(|rest| rest.strip_prefix("-v"));
    version.is_some_and(|version| {
        let mut parts = version.bytes();
        let mut is = |expected: fn(&u8) -> bool| parts.next().is_some_and(|byte| expected(&byte));
        is(u8::is_ascii_digit) && is(|byte| *byte == b'.') && is(u8::is_ascii_digit)
    })
}
