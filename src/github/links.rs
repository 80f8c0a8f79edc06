//! The header by which GitHub names the next page of a list (RFC 8288).

use http::HeaderMap;
use http::header::LINK;
use url::Url;

/// Gives the next page of a list that was found at `url`.
pub(super) fn next(headers: &HeaderMap, url: &Url) -> Option<Url> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(next_of)
        .and_then(|target| url.join(target).ok())
        .filter(|target| target != url)
}

fn next_of(mut text: &str) -> Option<&str> {
    loop {
        let (target, rest) = text.split_once('<')?.1.split_once('>')?;
        let (parameters, others) = rest.split_once(',').unwrap_or((rest, ""));
        let is_next = parameters.split(';').any(|parameter| {
            let (name, value) = parameter.split_once('=').unwrap_or_default();
            let mut words = value.trim().trim_matches('"').split_ascii_whitespace();
            name.trim().eq_ignore_ascii_case("rel") && words.any(|word| word == "next")
        });
        if is_next {
            return Some(target);
        }
        text = others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_the_one_that_is_called_so() {
        let url = Url::parse("https://api.github.com/repos/a/b/pulls?page=1").unwrap();
        let of = |value: &'static str| {
            let headers = HeaderMap::from_iter([(LINK, value.parse().unwrap())]);
            next(&headers, &url).map(|url| url.to_string())
        };
        let second = Some("https://api.github.com/x?a=1,2&page=2".to_owned());
        assert_eq!(
            of(
                r#"<https://api.github.com/x?a=1,2&page=2>; rel="next", <https://api.github.com/x?page=9>; rel="last""#
            ),
            second
        );
        assert_eq!(
            of(
                r#"<https://api.github.com/x?page=9>; rel="last", <https://api.github.com/x?a=1,2&page=2>; title=x; rel=next"#
            ),
            second
        );
        for none in [
            "",
            "<",
            "<x>",
            r#"<x>; rel="prev""#,
            "rel=next",
            r#"<https://api.github.com/repos/a/b/pulls?page=1>; rel="next""#,
        ] {
            assert_eq!(of(none), None, "{none}");
        }
    }
}
