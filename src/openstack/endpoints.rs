//! The endpoints of compute and volume services over all regions of a catalogue. Pure.
//!
//! A cloud's regions may share one Glance, so whoever wants to know who uses an image asks in each of them.

use url::Url;

/// One endpoint as Keystone's catalogue has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The service's type.
    pub kind: String,
    /// `public`, `internal`, `admin`.
    pub interface: String,
    /// The region's ID.
    pub region: String,
    /// Where it is.
    pub url: String,
}

/// One service of one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The region's ID.
    pub region: String,
    /// Where it is, with version.
    pub url: Url,
}

/// What differs between services.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The service's name, for people.
    pub name: &'static str,
    /// Types in the catalogue, the preferred first.
    pub types: &'static [&'static str],
    /// The version that is spoken.
    version: &'static str,
    /// A version whose URL leads to the spoken one.
    compatible: Option<&'static str>,
}

/// Nova.
pub const COMPUTE: Kind = Kind {
    name: "Nova",
    types: &["compute", "compute_legacy"],
    version: "v2.1",
    compatible: Some("v2"),
};

/// Cinder.
pub const VOLUME: Kind = Kind {
    name: "Cinder",
    types: &[
        "block-storage",
        "block-store",
        "volumev3",
        "volume",
        "volumev2",
    ],
    version: "v3",
    compatible: None,
};

/// Gives every service of a kind, one URL for each that differs, in the order of regions.
///
/// Of each region the first interface counts under which it has any; those of `interfaces` come first.
pub fn all(
    entries: &[Entry],
    kind: Kind,
    interfaces: &[String],
    project: &str,
) -> Result<Vec<Endpoint>, String> {
    let of_kind = |entry: &&Entry| kind.types.contains(&entry.kind.as_str());
    let mut regions: Vec<&str> = entries
        .iter()
        .filter(of_kind)
        .map(|entry| entry.region.as_str())
        .collect();
    regions.sort_unstable();
    regions.dedup();
    let mut found: Vec<Endpoint> = Vec::new();
    for region in regions {
        let there: Vec<&Entry> = entries
            .iter()
            .filter(of_kind)
            .filter(|entry| entry.region == region)
            .collect();
        let order = interfaces
            .iter()
            .map(String::as_str)
            .chain(["public", "internal", "admin"]);
        let interface = order
            .into_iter()
            .find(|one| there.iter().any(|entry| entry.interface == *one));
        let mut urls: Vec<Url> = Vec::new();
        for entry in there
            .iter()
            .filter(|entry| Some(entry.interface.as_str()) == interface)
        {
            let url = Url::parse(&entry.url).map_err(|_| {
                format!(
                    "the catalogue's URL of {} in region `{region}` is no URL",
                    kind.name
                )
            })?;
            urls.extend(versioned(&url, kind, project));
        }
        // With the project it works everywhere; without it only where the service is new enough.
        urls.sort_by_key(|url| (without_project(url, project), url.path().len()));
        urls.reverse();
        urls.dedup_by_key(|url| without_project(url, project));
        if urls.is_empty() {
            return Err(format!(
                "{} in region `{region}` is not offered in version {}",
                kind.name,
                kind.version.trim_start_matches('v')
            ));
        }
        found.extend(urls.into_iter().map(|url| Endpoint {
            region: region.to_owned(),
            url,
        }));
    }
    Ok(found)
}

/// Gives the URL with the version that is spoken; none if it names another one.
fn versioned(url: &Url, kind: Kind, project: &str) -> Option<Url> {
    let path = url.path().trim_end_matches('/');
    let mut segments: Vec<&str> = path.split('/').collect();
    let place = segments.iter().rposition(|segment| is_version(segment));
    match place {
        Some(place) if segments[place] == kind.version => {}
        Some(place) if Some(segments[place]) == kind.compatible => segments[place] = kind.version,
        Some(_) => return None,
        None => {
            segments.push(kind.version);
            if kind.version == VOLUME.version {
                segments.push(project);
            }
        }
    }
    let mut url = url.clone();
    url.set_path(&segments.join("/"));
    url.set_query(None);
    Some(url)
}

fn is_version(segment: &str) -> bool {
    segment.strip_prefix('v').is_some_and(|rest| {
        rest.starts_with(|c: char| c.is_ascii_digit())
            && rest.bytes().all(|c| c.is_ascii_digit() || c == b'.')
    })
}

fn without_project(url: &Url, project: &str) -> String {
    let text = url.as_str().trim_end_matches('/');
    for end in [format!("/{project}"), format!("/AUTH_{project}")] {
        if let Some(start) = text.strip_suffix(&end) {
            return start.to_owned();
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: &str, interface: &str, region: &str, url: &str) -> Entry {
        Entry {
            kind: kind.to_owned(),
            interface: interface.to_owned(),
            region: region.to_owned(),
            url: url.to_owned(),
        }
    }

    fn urls(entries: &[Entry], kind: Kind) -> Result<Vec<String>, String> {
        let found = all(entries, kind, &["public".to_owned()], "p1")?;
        Ok(found
            .into_iter()
            .map(|one| format!("{} {}", one.region, one.url))
            .collect())
    }

    #[test]
    fn every_region_is_asked_and_each_service_once() {
        let entries = [
            entry(
                "compute",
                "public",
                "two",
                "https://two.example/compute/v2.1",
            ),
            entry(
                "compute",
                "public",
                "one",
                "https://one.example:8774/v2.1/p1",
            ),
            entry(
                "compute_legacy",
                "public",
                "one",
                "https://one.example:8774/v2/p1",
            ),
            entry("compute", "internal", "one", "http://10.0.0.1:8774/v2.1"),
            entry("image", "public", "one", "https://one.example:9292"),
        ];
        assert_eq!(
            urls(&entries, COMPUTE).unwrap(),
            [
                "one https://one.example:8774/v2.1/p1",
                "two https://two.example/compute/v2.1"
            ]
        );
    }

    #[test]
    fn of_a_cinder_under_several_names_the_url_with_the_project_counts() {
        let entries = [
            entry("block-storage", "public", "one", "https://one.example/v3"),
            entry("volumev3", "public", "one", "https://one.example/v3/p1"),
            entry("volumev2", "public", "one", "https://one.example/v2/p1"),
        ];
        assert_eq!(
            urls(&entries, VOLUME).unwrap(),
            ["one https://one.example/v3/p1"]
        );
    }

    #[test]
    fn two_services_of_one_region_are_both_asked() {
        let entries = [
            entry("compute", "public", "one", "https://a.example/v2.1"),
            entry("compute", "public", "one", "https://b.example/v2.1"),
        ];
        assert_eq!(urls(&entries, COMPUTE).unwrap().len(), 2);
    }

    #[test]
    fn a_region_that_shows_the_service_inside_only_is_asked_there() {
        let entries = [entry("compute", "internal", "one", "http://10.0.0.1:8774/")];
        assert_eq!(
            urls(&entries, COMPUTE).unwrap(),
            ["one http://10.0.0.1:8774/v2.1"]
        );
    }

    #[test]
    fn an_old_cinder_alone_cannot_be_asked() {
        let entries = [entry(
            "volumev2",
            "public",
            "one",
            "https://one.example/v2/p1",
        )];
        assert!(urls(&entries, VOLUME).unwrap_err().contains("region `one`"));
        assert_eq!(urls(&[], VOLUME).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn a_url_without_a_version_gets_one() {
        let entries = [entry(
            "volumev3",
            "public",
            "one",
            "https://one.example/volume/",
        )];
        assert_eq!(
            urls(&entries, VOLUME).unwrap(),
            ["one https://one.example/volume/v3/p1"]
        );
    }
}
