//! URLs that will serve other bytes tomorrow, or that are not fetched at all.

use std::collections::BTreeSet;

use url::Url;

use super::warning;
use crate::domain::definition::{Definition, Version};
use crate::domain::finding::Finding;

/// Folders in which upstreams put whatever is newest.
const MOVING_FOLDERS: [&str; 5] = ["latest", "current", "release", "daily-latest", "last"];

pub(super) fn check(definition: &Definition) -> Vec<Finding> {
    definition
        .versions
        .iter()
        .flat_map(|version| of_version(definition, version))
        .collect()
}

fn of_version(definition: &Definition, version: &Version) -> Vec<Finding> {
    let mut findings = Vec::new();
    let one = |key, url: &'_ Option<String>, at| url.clone().map(|url| (key, url, at));
    let mirrors = version.mirrors.iter();
    let named = one("url", &version.url, version.url_at)
        .into_iter()
        .chain(mirrors.map(|mirror| ("mirror_url", mirror.url.clone(), mirror.at)))
        .chain(one("manifest", &version.manifest, version.at))
        .chain(one("checksum_url", &version.checksum_url, version.at))
        .chain(one("checksums_url", &version.checksums_url, version.at));
    let mut places: BTreeSet<String> = BTreeSet::new();
    for (key, url, at) in named {
        let is_place = matches!(key, "url" | "mirror_url");
        if is_place && !places.insert(url.clone()) {
            let message = format!(
                "`{key}` of version `{}` names `{url}` once more, which helps nobody when that place fails; remove it, or name \
                 another copy",
                version.version
            );
            findings.push(warning(definition, at, "same-mirror", message));
        }
        if url.starts_with("http://") {
            let message =
                format!("`{key}` is plain http, which is not fetched; change it to https: `{url}`");
            findings.push(warning(definition, at, "insecure-url", message));
        }
        // OIM's `latest` is a moving version by intent; where a checksum is published may move too.
        let pinned = is_place && !version.is_moving();
        if let Some(part) = moving_part(&url).filter(|_| pinned) {
            let message = format!(
                "`{key}` of version `{}` goes through the moving name `{part}`, so other bytes will be there when upstream \
                 publishes; name the build's own folder or file, as `reglaze update` does",
                version.version
            );
            findings.push(warning(definition, at, "moving-url", message));
        }
    }
    findings
}

/// The part of a URL that means whatever is newest.
fn moving_part(text: &str) -> Option<String> {
    // openstack-image-manager's way to say "what matches here".
    if text.contains("HEREBE") && text.contains("DRAGONS") {
        return Some("HEREBE…DRAGONS".to_owned());
    }
    let url = Url::parse(text).ok()?;
    let segments: Vec<&str> = url.path_segments()?.collect();
    let (file, folders) = segments.split_last()?;
    let folder = folders.iter().find(|folder| moves(folder));
    if let Some(folder) = folder {
        return Some(format!("{folder}/"));
    }
    let words = || file.split(['-', '.', '_']);
    let newest = words().any(|word| word.eq_ignore_ascii_case("latest"));
    (newest || is_opensuse_alias(folders, file)).then(|| (*file).to_owned())
}

/// `latest`, `current`, and those of one line: `current-2023`, `last-1.33`.
fn moves(folder: &str) -> bool {
    let folder = folder.to_ascii_lowercase();
    MOVING_FOLDERS.iter().any(|name| {
        folder
            .strip_prefix(name)
            .is_some_and(|rest| rest.is_empty() || (*name != "release" && is_line(rest)))
    })
}

/// `-2023`, `-1.33`: a line of releases, not a build.
fn is_line(rest: &str) -> bool {
    rest.strip_prefix('-').is_some_and(|line| {
        (1..=5).contains(&line.len()) && line.chars().all(|c| c.is_ascii_digit() || c == '.')
    })
}

/// openSUSE's appliances have a name without a build, which leads to the newest one.
fn is_opensuse_alias(folders: &[&str], file: &str) -> bool {
    folders.last() == Some(&"appliances")
        && file.contains("-Cloud")
        && !["Build", "Snapshot"].iter().any(|mark| file.contains(mark))
}

#[cfg(test)]
mod tests {
    use super::moving_part;

    #[test]
    fn names_that_move_are_known_by_folder_or_file() {
        for url in [
            "https://cloud-images.ubuntu.com/noble/current/noble-server-cloudimg-amd64.img",
            "https://cloud-images.ubuntu.com/releases/noble/release/ubuntu-24.04-server-cloudimg-amd64.img",
            "https://cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.qcow2",
            "https://lts.release.flatcar-linux.net/amd64-usr/current-2023/flatcar_production_openstack_image.img",
            "https://repo.almalinux.org/almalinux/9/cloud/x86_64/images/AlmaLinux-9-GenericCloud-latest.x86_64.qcow2",
            "https://download.rockylinux.org/pub/rocky/9/images/x86_64/Rocky-9-GenericCloud.latest.x86_64.qcow2",
            "https://download.opensuse.org/distribution/leap/16.0/appliances/Leap-16.0-Minimal-VM.x86_64-Cloud.qcow2",
            r"https://cloud.centos.org/centos/7/images/CentOS-7-x86_64-GenericCloud-HEREBE\d+\.qcow2$DRAGONS",
        ] {
            assert!(moving_part(url).is_some(), "{url}");
        }
    }

    #[test]
    fn builds_of_their_own_do_not_move() {
        for url in [
            "https://cloud-images.ubuntu.com/releases/noble/release-20260725/ubuntu-24.04-server-cloudimg-amd64.img",
            "https://cloud-images.ubuntu.com/noble/20260705/noble-server-cloudimg-amd64.img",
            "https://cdimage.debian.org/cdimage/cloud/trixie/daily/20260717-2542/debian-13-genericcloud-amd64-daily-20260717-2542.qcow2",
            "https://stable.release.flatcar-linux.net/amd64-usr/4593.2.5/flatcar_production_openstack_image.img",
            "https://github.com/cirros-dev/cirros/releases/download/0.6.3/cirros-0.6.3-x86_64-disk.img",
            "https://download.opensuse.org/distribution/leap/16.0/appliances/Leap-16.0-Minimal-VM.x86_64-Cloud-Build16.2.qcow2",
            "file:///srv/images/own.qcow2",
        ] {
            assert_eq!(moving_part(url), None, "{url}");
        }
    }
}
