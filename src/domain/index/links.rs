//! The links of an HTML page, found in one pass over it.
//!
//! No tree is built. What HTML asks of a browser, a page of some kilobytes can make grow to millions of elements; a
//! directory listing is read here in time and memory that grow with its size only.

use std::borrow::Cow;

/// Elements whose content is text and no markup, up to their end tag.
const RAW: [&str; 9] = [
    "iframe", "noembed", "noframes", "noscript", "script", "style", "textarea", "title", "xmp",
];

/// Where the links of a page lead, as it writes them, in their order.
pub(super) fn links(page: &str) -> Vec<Cow<'_, str>> {
    let mut links = Vec::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        let next = if rest.starts_with("!--") {
            // `<!-->` is a whole comment.
            after(&rest[1..], "-->")
        } else if rest.starts_with(['!', '/', '?']) {
            after(rest, ">")
        } else if rest.starts_with(|first: char| first.is_ascii_alphabetic()) {
            let Some((tag, after_tag)) = tag(rest) else {
                break;
            };
            links.extend(tag.href.map(unescaped));
            match RAW.iter().find(|name| tag.name.eq_ignore_ascii_case(name)) {
                Some(name) => end_of(after_tag, name),
                None => Some(after_tag),
            }
        } else {
            Some(rest)
        };
        // What is left open hides the rest of the page, as in a browser.
        let Some(next) = next else { break };
        rest = next;
    }
    links
}

/// A start tag.
struct Tag<'a> {
    name: &'a str,
    /// Of an anchor.
    href: Option<&'a str>,
}

/// Reads the start tag at the beginning of `text`, and what comes after it; nothing if it does not end.
fn tag(text: &str) -> Option<(Tag<'_>, &str)> {
    let is_end = |letter: char| letter.is_ascii_whitespace() || matches!(letter, '/' | '>');
    let (name, mut rest) = text.split_at(text.find(is_end)?);
    let is_anchor = name.eq_ignore_ascii_case("a");
    let mut href = None;
    loop {
        rest =
            rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return Some((Tag { name, href }, after));
        }
        // An equals sign at the beginning belongs to the name.
        let end = |(at, letter): (usize, char)| {
            (is_end(letter) || (at > 0 && letter == '=')).then_some(at)
        };
        let (attribute, after) = rest.split_at(rest.char_indices().find_map(end)?);
        rest = after;
        let Some(value) = after.trim_ascii_start().strip_prefix('=') else {
            continue;
        };
        let (value, after) = value_of(value.trim_ascii_start())?;
        rest = after;
        // Of two the first one counts.
        if is_anchor && href.is_none() && attribute.eq_ignore_ascii_case("href") {
            href = Some(value);
        }
    }
}

/// The value at the beginning of `text`, and what comes after it.
fn value_of(text: &str) -> Option<(&str, &str)> {
    if let Some(quote) = text
        .chars()
        .next()
        .filter(|first| matches!(first, '"' | '\''))
    {
        return text[1..].split_once(quote);
    }
    let end = text.find(|letter: char| letter.is_ascii_whitespace() || letter == '>')?;
    Some(text.split_at(end))
}

fn after<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    text.split_once(mark).map(|(_, rest)| rest)
}

/// What comes after the name in the next end tag of `name`.
fn end_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = text;
    loop {
        rest = after(rest, "</")?;
        let begins = rest.get(..name.len());
        if begins.is_some_and(|begin| begin.eq_ignore_ascii_case(name)) {
            return after(rest, ">");
        }
    }
}

/// Puts characters in the place of their references; of the named ones those that URLs need.
fn unescaped(text: &str) -> Cow<'_, str> {
    if !text.contains('&') {
        return Cow::Borrowed(text);
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let reference = rest[1..]
            .find(|letter: char| !(letter.is_ascii_alphanumeric() || letter == '#'))
            .filter(|end| rest[1 + end..].starts_with(';'))
            .and_then(|end| Some((character(&rest[1..=end])?, end + 2)));
        let (letter, length) = reference.unwrap_or(('&', 1));
        plain.push(letter);
        rest = &rest[length..];
    }
    plain.push_str(rest);
    Cow::Owned(plain)
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return number.ok().and_then(char::from_u32);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "sol" => '/',
        "colon" => ':',
        "period" => '.',
        "nbsp" => '\u{a0}',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_however_they_are_written() {
        let page = r#"<html><A HREF="one/">x</A><a class=x href='two' title="a > b">y</a>
            <a
              href = three ><img src="no"></a><a/href=four><a name="none"><a href>no</a><a href="">
            <abbr href="no"><area href="no"><a href="first" href="second">"#;
        assert_eq!(links(page), ["one/", "two", "three", "four", "", "first"]);
    }

    #[test]
    fn what_is_no_markup_holds_no_links() {
        let page = r#"<!-- <a href="1"> --><!--><a href="yes"><!-- x --->
            <script>"<a href='2'>" </scrip></script><title><a href="3"></TITLE >
            <!doctype <a href="4"><?php <a href="5">?></a href="6">< a href="7">
            <p title='<a href="8">'>"#;
        assert_eq!(links(page), ["yes"]);
        for open in ["<!-- ", "<script>", "<p title='", "<a href=\"1"] {
            let page = format!("<a href=0>{open}<a href=2></a>");
            let cut = page.trim_end_matches('>');
            assert_eq!(links(cut), ["0"], "{open}");
        }
    }

    #[test]
    fn references_stand_for_their_characters() {
        let page = "<a href='?C=N&amp;O=D&x=&#47;&#x2E;&unknown;&amp&#99999999;&'>";
        assert_eq!(links(page), ["?C=N&O=D&x=/.&unknown;&amp&#99999999;&"]);
    }

    #[test]
    fn a_page_that_would_make_a_tree_of_millions_is_read_in_one_pass() {
        let many = |part: &str| part.repeat(4_000_000 / part.len());
        let formats: Vec<_> = (0..100_000).map(|id| format!("<b id={id}>")).collect();
        let attributes: Vec<_> = (0..400_000).map(|id| format!(" x{id}")).collect();
        for page in [
            format!("{}{}", formats.concat(), many("<p>x</p>")),
            many("<div>"),
            many("<table><a href=x>"),
            many("<"),
            many("<!--"),
            many("</scrip"),
            many("<a href='"),
            many("&#x"),
            format!("<a{} href=x>", attributes.concat()),
        ] {
            links(&page);
            links(&format!("<script>{page}"));
            links(&format!("<a href='{page}'>"));
        }
    }
}
