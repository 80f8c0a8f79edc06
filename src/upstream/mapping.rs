//! `--upstream-map`: URLs are fetched from somewhere else; nobody but the network sees it.

use url::Url;

/// Prefixes of URLs and what takes their place.
#[derive(Debug, Clone, Default)]
pub struct Mapping {
    pairs: Vec<(Url, Url)>,
}

impl Mapping {
    /// Takes `FROM=TO` pairs that are known to be URLs.
    pub fn new(pairs: &[(String, String)]) -> Self {
        let mut pairs: Vec<_> = pairs
            .iter()
            .filter_map(|(from, to)| Some((Url::parse(from).ok()?, Url::parse(to).ok()?)))
            .collect();
        // The longest prefix is the most particular wish.
        pairs.sort_by_key(|(from, _)| std::cmp::Reverse(segments(from).len()));
        Self { pairs }
    }

    /// Where a URL is really fetched from, once; nothing if no prefix fits.
    pub fn real(&self, url: &Url) -> Option<Url> {
        self.pairs
            .iter()
            .find_map(|(from, to)| moved(url, from, to))
    }

    /// The URL that stands for a place where a mapped server redirects to.
    pub fn back(&self, real: &Url) -> Option<Url> {
        let mut pairs: Vec<_> = self.pairs.iter().collect();
        pairs.sort_by_key(|(_, to)| std::cmp::Reverse(segments(to).len()));
        pairs
            .into_iter()
            .find_map(|(from, to)| moved(real, to, from))
    }
}

/// Replaces the prefix `from` of `url`, whole host and whole path segments, by `to`.
fn moved(url: &Url, from: &Url, to: &Url) -> Option<Url> {
    let same_place = url.scheme() == from.scheme()
        && url.host() == from.host()
        && url.port_or_known_default() == from.port_or_known_default();
    let prefix = from.path().trim_end_matches('/');
    let rest = url.path().strip_prefix(prefix)?;
    if !same_place || !(rest.is_empty() || rest.starts_with('/')) {
        return None;
    }
    let mut moved = to.clone();
    moved.set_path(&format!("{}{rest}", to.path().trim_end_matches('/')));
    moved.set_query(url.query());
    moved.set_fragment(None);
    Some(moved)
}

fn segments(url: &Url) -> Vec<&str> {
    url.path()
        .split('/')
        .filter(|segment| !segment.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(pairs: &[(&str, &str)]) -> Mapping {
        let pairs: Vec<_> = pairs
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
            .collect();
        Mapping::new(&pairs)
    }

    fn real(mapping: &Mapping, url: &str) -> Option<String> {
        mapping
            .real(&Url::parse(url).unwrap())
            .map(|url| url.to_string())
    }

    #[test]
    fn whole_hosts_and_segments_only() {
        let mapping = mapping(&[("https://a.example/pub/", "http://127.0.0.1:1/a.example/pub")]);
        assert_eq!(
            real(&mapping, "https://a.example/pub/x/y?z=1").unwrap(),
            "http://127.0.0.1:1/a.example/pub/x/y?z=1"
        );
        assert_eq!(
            real(&mapping, "https://a.example/pub").unwrap(),
            "http://127.0.0.1:1/a.example/pub"
        );
        for other in [
            "https://a.example/public/x",
            "https://a.example.org/pub/x",
            "https://b.a.example/pub/x",
            "http://a.example/pub/x",
            "https://a.example:8443/pub/x",
        ] {
            assert_eq!(real(&mapping, other), None, "{other}");
        }
    }

    #[test]
    fn the_longest_prefix_goes_first_and_only_once() {
        let mapping = mapping(&[
            ("https://a.example", "https://b.example"),
            ("https://a.example/x", "http://127.0.0.1:1"),
            ("https://b.example", "http://127.0.0.1:2"),
        ]);
        assert_eq!(
            real(&mapping, "https://a.example/x/y").unwrap(),
            "http://127.0.0.1:1/y"
        );
        assert_eq!(
            real(&mapping, "https://a.example/z").unwrap(),
            "https://b.example/z"
        );
    }

    #[test]
    fn a_redirect_of_a_mapped_server_is_told_by_its_own_name() {
        let mapping = mapping(&[
            ("https://a.example", "http://127.0.0.1:1/a.example"),
            ("https://b.example", "http://127.0.0.1:1/b.example"),
        ]);
        let back = |url| {
            mapping
                .back(&Url::parse(url).unwrap())
                .map(|url| url.to_string())
        };
        assert_eq!(
            back("http://127.0.0.1:1/b.example/x/").unwrap(),
            "https://b.example/x/"
        );
        assert_eq!(back("http://127.0.0.1:1/c.example/x"), None);
    }
}
