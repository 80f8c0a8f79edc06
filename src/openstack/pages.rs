//! Nova's and Cinder's lists: pages behind each other, read to their end. Pure.

use serde::Deserialize;

/// One of the links beside a page.
#[derive(Debug, Deserialize)]
pub struct Link {
    rel: String,
    href: String,
}

/// Gives where the next page begins, `None` after the last.
///
/// Of the link only the marker is used: behind a proxy its host may be another, and the token goes where the catalogue says.
pub fn next_marker(links: &[Link]) -> Result<Option<String>, String> {
    let Some(link) = links.iter().find(|link| link.rel == "next") else {
        return Ok(None);
    };
    let query = link.href.split_once('?').map_or("", |(_, query)| query);
    let marker = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "marker");
    match marker {
        Some((_, marker)) => Ok(Some(marker.into_owned())),
        None => Err("a page whose link to the next has no marker".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_read_from_the_next_link_alone() {
        let links = |text: &str| serde_json::from_str::<Vec<Link>>(text).unwrap();
        let both = r#"[{"rel": "prev", "href": "http://a/?marker=x"}, {"rel": "next", "href": "http://a/?limit=2&marker=y"}]"#;
        assert_eq!(next_marker(&links(both)), Ok(Some("y".to_owned())));
        assert_eq!(next_marker(&links("[]")), Ok(None));
        let without = r#"[{"rel": "next", "href": "http://a/?limit=2"}]"#;
        assert!(next_marker(&links(without)).is_err());
    }
}
