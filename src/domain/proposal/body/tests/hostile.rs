//! Whatever upstreams write, a forge's reader of Markdown finds only what we wrote.

use comrak::nodes::NodeValue;
use comrak::{Arena, Options, parse_document};
use proptest::prelude::*;

use super::*;

/// As GitHub reads it, as far as a library does.
fn options() -> Options<'static> {
    let mut options = Options::default();
    let extension = &mut options.extension;
    extension.autolink = true;
    extension.footnotes = true;
    extension.strikethrough = true;
    extension.table = true;
    extension.tasklist = true;
    extension.math_dollars = true;
    extension.math_code = true;
    extension.alerts = true;
    options
}

/// What a reader finds: targets of links, pieces of HTML, and text outside of code.
#[derive(Default)]
struct Read {
    links: Vec<String>,
    html: Vec<String>,
    text: String,
    tables: usize,
    odd: Vec<String>,
}

fn read(markdown: &str) -> Read {
    let arena = Arena::new();
    let mut read = Read::default();
    for node in parse_document(&arena, markdown, &options()).descendants() {
        match &node.data.borrow().value {
            NodeValue::Link(link) | NodeValue::Image(link) => read.links.push(link.url.clone()),
            NodeValue::HtmlBlock(html) => read.html.push(html.literal.clone()),
            NodeValue::HtmlInline(html) => read.html.push(html.clone()),
            NodeValue::Text(text) => read.text.push_str(text),
            NodeValue::Table(_) => read.tables += 1,
            NodeValue::TableCell => read.text.push('|'),
            NodeValue::TableRow(_) | NodeValue::Paragraph | NodeValue::Item(_) => {
                read.text.push('\n');
            }
            NodeValue::Document
            | NodeValue::List(_)
            | NodeValue::Strong
            | NodeValue::TaskItem(_)
            | NodeValue::SoftBreak
            | NodeValue::Code(_) => {}
            NodeValue::Heading(heading) if heading.level == 3 => {}
            other => read.odd.push(format!("{other:?}")),
        }
    }
    read
}

/// Pieces of which foreign text is made, so that it is hostile more often than by chance.
fn foreign() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "@octocat",
            "#123",
            "GH-7",
            "o/r#5",
            "https://evil.example",
            "www.evil.example",
            "a@evil.example",
            "[x](https://evil.example)",
            "![x](y)",
            "<b>",
            "</details>",
            "<details>",
            "<!--",
            "-->",
            "<!-- reglaze:pull-request -->",
            "`",
            "``",
            "```",
            "\n",
            "\r\n\r\n",
            "|",
            "\\",
            "*",
            "**",
            "_",
            "~~",
            "$",
            "$$",
            "$`",
            "- [ ] ",
            "# ",
            "> [!NOTE]",
            "[^1]",
            "[^1]:",
            "&lt;",
            "&#64;",
            "&commat;",
            ":smile:",
            "    ",
            "\t",
            "1. ",
            "---",
            "===",
            "]",
            "(",
            ")",
            "\u{202e}",
            "\u{200b}",
            "\u{0}",
            "fixes ",
            "://",
            "http",
            "mailto:x@evil.example",
            "é",
            "😀",
        ])
        .prop_map(str::to_owned),
        "[a-z0-9 .-]{1,6}",
        ".{0,3}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// An offer with foreign text wherever there can be any.
fn hostile_offer() -> impl Strategy<Value = Offer> {
    (
        prop::collection::vec(foreign(), 14),
        0_usize..40,
        any::<bool>(),
        0_usize..3,
    )
        .prop_map(|(texts, packages, signed, findings)| {
            let text = |at: usize| texts[at].clone();
            let mut offer = offer(&text(0));
            offer.attested = attested(signed);
            offer.source_title = text(1);
            offer.from = Some((text(2), "2026-07-05".parse().ok()));
            offer.entry.version = text(3);
            offer.entry.build_date = Some(text(4));
            offer.entry.url = format!("https://images.example/{}", text(5));
            offer.entry.manifest = Some(format!("https://images.example/{}", text(6)));
            offer.entry.checksum = text(7);
            offer.leaving = vec![text(8), text(9)];
            offer.links = vec![(text(10), format!("https://notes.example/{}", text(11)))];
            let names = (0..packages).map(|at| texts[at % texts.len()].clone());
            offer.contents = Some(Contents {
                added: names.clone().zip(names.clone()).collect(),
                removed: Vec::new(),
                changed: names.map(|name| (name.clone(), text(12), name)).collect(),
            });
            let levels = [Finding::error, Finding::warning, Finding::note];
            offer.findings = (0..findings)
                .map(|at| levels[at]("rule", text(13 - at)))
                .collect();
            offer
        })
}

/// What forges look for in text outside of code, after it was read.
fn found(text: &str) -> Option<String> {
    let pattern = regex::Regex::new(
        r"(?ix) (?:^|[^\w@/]) @[a-z0-9] | \#\d | \bgh-\d | https?:// | www\. | :[a-z0-9_+-]*[a-z][a-z0-9_+-]*: ",
    )
    .unwrap();
    pattern.find(text).map(|found| found.as_str().to_owned())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn foreign_text_makes_no_link_no_html_and_no_mention(
        offers in prop::collection::vec(hostile_offer(), 1..4),
        limit in prop_oneof![Just(65_536_usize), 2_000_usize..12_000],
    ) {
        let around = Around { limit, ..around() };
        let body = body(&group(offers), &around);
        prop_assert!(length(&body.text) <= limit);
        // The texts of a run's summary are read without a table of ours around them.
        let rest = body.rest.clone().unwrap_or_default();
        let allowed = regex::Regex::new(
            r"\A(?:<!-- reglaze:(?:pull-request\ ubuntu|rebase) -->|<details><summary>\d+ (?:more|packages)</summary>|</details>)\n?\z"
        ).unwrap();
        for text in [&body.text, &rest.replacen("## ", "### ", 1)] {
            let read = read(text);
            for link in &read.links {
                let is_ours = link.starts_with("https://images.example/")
                    || link.starts_with("https://notes.example/");
                prop_assert!(is_ours, "{link}\n{text}");
            }
            for html in &read.html {
                prop_assert!(allowed.is_match(html), "{html}\n{text}");
            }
            prop_assert!(read.odd.is_empty(), "{:?}\n{text}", read.odd);
            prop_assert_eq!(found(&read.text), None, "{}", text);
            prop_assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
            let comments = text.matches("<!--").count();
            prop_assert_eq!(comments, text.matches("-->").count(), "{}", text);
            prop_assert!(comments <= 2, "{}", text);
        }
        prop_assert_eq!(body.text.matches("<!-- reglaze:").count(), 2);
        // One table: no text has ended it or begun another.
        prop_assert_eq!(read(&body.text).tables, 1, "{}", body.text);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_text_is_never_too_long_however_much_there_is(
        images in 1_usize..60,
        packages in 0_usize..120,
        limit in 2_000_usize..70_000,
    ) {
        let packages = (0..packages).map(|at| triple(&format!("package-{at}"), "1.0-1", "1.0-2"));
        let contents = Contents { changed: packages.collect(), ..Contents::default() };
        let mut offer = full();
        offer.contents = Some(contents);
        offer.findings = vec![Finding::error("rule", "😀".repeat(200)); 3];
        let body = body(&group(vec![offer; images]), &Around { limit, ..around() });
        prop_assert!(length(&body.text) <= limit);
        prop_assert_eq!(body.text.matches("<details>").count(), body.text.matches("</details>").count());
        prop_assert!(body.text.contains("reglaze:rebase"));
        prop_assert!(body.rest.is_none() || body.text.contains("what was cut is in the summary of the run"));
    }
}
