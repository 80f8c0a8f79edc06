//! The links of an HTML page, found in one pass over it.
//!
//! No tree is built. What HTML asks of a browser, a page of some kilobytes can make grow to millions of elements; a
//! directory listing is read here in time and memory that grow with its size only.

use html5gum::{DefaultEmitter, Token, Tokenizer};

/// Where the links of a page lead, as it writes them, in their order. What is left open hides the rest of the page, as in
/// a browser.
pub(super) fn links(page: &str) -> Vec<String> {
    let mut emitter = DefaultEmitter::default();
    // Scripts, styles and titles hold text and no links.
    emitter.naively_switch_states(true);
    Tokenizer::new_with_emitter(page, emitter)
        .flatten()
        .filter_map(|token| match token {
            Token::StartTag(mut tag) if *tag.name == *b"a" => tag.attributes.remove(&b"href"[..]),
            _ => None,
        })
        .map(|href| String::from_utf8_lossy(&href).into_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_found_however_they_are_written() {
        let page = r#"<html><A HREF="one/">x</A><a class=x href='two' title="a > b">y</a>
            <a
              href = three ><img src="no"></a><a/href=four><a name="none"><a href>itself</a><a href="">
            <abbr href="no"><area href="no"><a href="first" href="second">"#;
        assert_eq!(
            links(page),
            ["one/", "two", "three", "four", "", "", "first"]
        );
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
        let page = "<a href='?C=N&amp;O=D&x=&#47;&#x2E;&unknown;&ampx&#99999999;&'>";
        assert_eq!(links(page), ["?C=N&O=D&x=/.&unknown;&ampx\u{fffd}&"]);
    }

    #[test]
    fn a_page_that_would_make_a_tree_of_millions_is_read_in_one_pass() {
        let many = |part: &str| part.repeat(1_000_000 / part.len());
        let formats: Vec<_> = (0..25_000).map(|id| format!("<b id={id}>")).collect();
        let attributes: Vec<_> = (0..100_000).map(|id| format!(" x{id}")).collect();
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
