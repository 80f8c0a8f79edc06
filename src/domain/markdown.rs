//! Foreign text in Markdown as forges read it: no markup, links, mentions or references but those that we write.
//!
//! Forges do more with text than Markdown says: after it is HTML they look for `@name`, `#1`, `GH-1`, `owner/name#1`,
//! `:smile:` and hashes of commits, whatever was escaped before. A zero-width joiner in the middle, which nobody sees,
//! keeps these from being found. In a code span nothing is looked for, so what people copy is best put there.

use std::fmt::Write as _;

/// Keeps two characters from being read as one word, and is not seen.
const JOINER: char = '\u{200d}';

/// Makes foreign text harmless in a line or a cell of Markdown.
///
/// What stands between backticks, as values in our messages do, stays a code span if it is harmless there.
pub fn escape(text: &str) -> String {
    let text = line(text);
    // Four blanks at the beginning of a line make code of it.
    let indent = text.len() - text.trim_start().len();
    let text = match indent {
        0 => text,
        _ => format!(" {}", &text[indent..]),
    };
    let parts: Vec<&str> = text.split('`').collect();
    let mut escaped = String::with_capacity(text.len());
    for (at, part) in parts.iter().enumerate() {
        let comes_after_one = at % 2 == 1;
        let is_between_two = comes_after_one && at + 1 < parts.len();
        // Of two backticks side by side a reader would make one mark.
        if is_between_two && is_code(part) && !escaped.ends_with('`') {
            let _ = write!(escaped, "`{part}`");
            continue;
        }
        let mark = |is_there: bool| if is_there { "\\`" } else { "" };
        escaped.push_str(mark(comes_after_one));
        escaped.push_str(&plain(part));
        escaped.push_str(mark(is_between_two));
    }
    unblocked(escaped)
}

/// A value as JSON for a comment of HTML, which nobody sees: nothing in it can end that comment.
pub fn hidden_json(value: &impl serde::Serialize) -> String {
    // What is hidden are structs and maps of strings, which always serialise. These characters stand in strings only,
    // where JSON has another way to write them.
    let json = serde_json::to_string(value).unwrap_or_default();
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace("--", "-\\u002d")
}

/// A code span of foreign text; what would not be harmless in one is escaped instead.
pub fn code(text: &str) -> String {
    let text = line(text);
    let text = text.trim();
    if is_code(text) {
        format!("`{text}`")
    } else {
        escape(text)
    }
}

/// A link to a foreign URL, which is its own label if there is none; what could be no link, or would leave a
/// trace at its end, is a code span.
pub fn link(label: Option<&str>, url: &str) -> String {
    let label = match label {
        Some(label) => escape(label),
        None => code(url),
    };
    match target(url) {
        Some(target) if !label.is_empty() && target.len() <= LONGEST_URL => {
            format!("[{label}]({})", target.replace('&', "&amp;"))
        }
        _ if label == code(url) => label,
        _ => format!("{label}: {}", code(url)),
    }
}

/// Browsers and servers take no longer ones anyway.
const LONGEST_URL: usize = 2_000;

/// A URL with nothing in it that is not plain; nothing if it should not be followed.
///
/// Forges write "mentioned in …" under each issue, pull request and commit that a text links to.
pub fn target(url: &str) -> Option<String> {
    let rest = url.strip_prefix("https://")?;
    let leaves_a_trace = ["/issues/", "/pull/", "/pulls/", "/discussions/", "/commit/"]
        .iter()
        .any(|part| rest.contains(part));
    if leaves_a_trace || rest.is_empty() {
        return None;
    }
    let mut target = "https://".to_owned();
    let mut has_fragment = false;
    for byte in rest.bytes() {
        let is_fragment = byte == b'#' && !has_fragment;
        has_fragment |= is_fragment;
        if byte.is_ascii_alphanumeric() || b"-._~:/?=&%+,;".contains(&byte) || is_fragment {
            target.push(char::from(byte));
        } else {
            let _ = write!(target, "%{byte:02X}");
        }
    }
    Some(target)
}

/// Foreign text on one line, without what is not seen: control characters, and those that turn the direction.
pub fn line(text: &str) -> String {
    let seen = text.chars().filter_map(|letter| match letter {
        '\u{2028}' | '\u{2029}' => Some(' '),
        _ if letter.is_control() => Some(' '),
        _ if is_unseen(letter) => None,
        _ => Some(letter),
    });
    seen.collect()
}

const fn is_unseen(letter: char) -> bool {
    matches!(
        letter,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Whether a text may stand in a code span as it is. Cells end at a `|` there too, and our own comments have `<`.
fn is_code(text: &str) -> bool {
    text.chars().any(|letter| !letter.is_whitespace()) && !text.contains(['`', '<', '>', '|', '\\'])
}

/// Foreign text where no Markdown is read but names and references still are: titles and messages of commits.
///
/// Brackets become round ones: a commit that says `[skip ci]` starts no workflow.
pub fn bare(text: &str) -> String {
    let line = line(text);
    let words: Vec<&str> = line.split_whitespace().collect();
    split(&words.join(" "), |text, letter| {
        text.push(match letter {
            '[' => '(',
            ']' => ')',
            '`' => '\'',
            _ => letter,
        });
    })
}

/// How long a text is for the strictest reader: in UTF-16 units, never fewer than characters.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// At most so much of a text, with a mark if that is not all.
pub fn clipped(text: &str, most: usize) -> String {
    if length(text) <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fitting = text.chars().take_while(|letter| {
        let fits = letter.len_utf16() <= room;
        room = room.saturating_sub(letter.len_utf16());
        fits
    });
    let mut short: String = fitting.collect();
    short.push('…');
    short
}

/// Escapes what Markdown and forges would make something of.
fn plain(text: &str) -> String {
    split(text, |escaped, letter| match letter {
        '<' => escaped.push_str("&lt;"),
        '>' => escaped.push_str("&gt;"),
        '&' => escaped.push_str("&amp;"),
        '$' => escaped.push_str("&#36;"),
        '\\' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '^' => {
            escaped.push('\\');
            escaped.push(letter);
        }
        _ => escaped.push(letter),
    })
}

/// Writes each letter, and joiners where a forge would find something.
fn split(text: &str, write: impl Fn(&mut String, char)) -> String {
    let mut parted = String::with_capacity(text.len());
    let mut before = None;
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let after = &rest[letter.len_utf8()..];
        let is_word = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '-');
        if !before.is_some_and(is_word) && is_commit(rest) {
            parted.push_str(&rest[..4]);
            parted.push(JOINER);
            (before, rest) = (rest[..4].chars().next_back(), &rest[4..]);
            continue;
        }
        write(&mut parted, letter);
        if is_split_after(before, letter, after) {
            parted.push(JOINER);
        }
        (before, rest) = (Some(letter), after);
    }
    parted
}

/// Whether something is to come between a letter and what follows it.
fn is_split_after(before: Option<char>, letter: char, after: &str) -> bool {
    let next = after.chars().next();
    match letter {
        '@' => true,
        '#' => next.is_some_and(char::is_alphanumeric),
        ':' => after.starts_with("//") || is_emoji(after),
        '-' => matches!(before, Some('h' | 'H')) && next.is_some_and(|next| next.is_ascii_digit()),
        'w' | 'W' => matches!(before, Some('w' | 'W')) && next == Some('.'),
        _ => false,
    }
}

/// Whether a word as the names of emoji are comes, and then a colon, be it one that is written after this text.
fn is_emoji(after: &str) -> bool {
    let end = after
        .find(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '+' | '-'))
        .unwrap_or(after.len());
    let (word, rest) = after.split_at(end);
    let may_be_one = !word.is_empty() && word.len() <= LONGEST_EMOJI;
    // What a time ends with is none.
    let is_last = rest.is_empty() && word.bytes().any(|byte| byte.is_ascii_alphabetic());
    may_be_one && (rest.starts_with(':') || is_last)
}

/// Longer words are no emoji; a digest is longer.
const LONGEST_EMOJI: usize = 50;

/// Whether a text begins with a word that may be the hash of a commit. A date is none.
fn is_commit(text: &str) -> bool {
    let end = text
        .find(|letter: char| !letter.is_alphanumeric() && !matches!(letter, '_' | '-'))
        .unwrap_or(text.len());
    let word = &text.as_bytes()[..end];
    (7..=40).contains(&word.len())
        && word
            .iter()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && word.iter().any(u8::is_ascii_digit)
        && word.iter().any(u8::is_ascii_alphabetic)
}

/// Keeps the beginning of a line from being a list or a rule.
fn unblocked(mut escaped: String) -> String {
    let blanks = escaped.len() - escaped.trim_start().len();
    let rest = &escaped[blanks..];
    let is_end = |after: &str| after.is_empty() || after.starts_with(char::is_whitespace);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let is_numbered = rest[digits..]
        .strip_prefix(['.', ')'])
        .is_some_and(|after| digits > 0 && is_end(after));
    // A dash alone, as a cell may have, is one.
    let is_marked = rest
        .strip_prefix(['-', '+'])
        .is_some_and(|after| !after.is_empty() && (is_end(after) || after.starts_with('-')));
    if is_numbered {
        escaped.insert(blanks + digits, '\\');
    } else if is_marked || rest.starts_with('=') {
        escaped.insert(blanks, '\\');
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_of_others_is_text() {
        insta::assert_snapshot!(escape("<b>x</b> [a](b) ![c](d) *e* _f_ ~g~ [^1] | $h$ \\ &amp;"), @r"&lt;b&gt;x&lt;/b&gt; \[a\](b) \!\[c\](d) \*e\* \_f\_ \~g\~ \[\^1\] \| &#36;h&#36; \\ &amp;amp;");
    }

    #[test]
    fn nothing_that_a_forge_looks_for_is_left_whole() {
        let texts = [
            "@octocat",
            "a@b.example",
            "#12",
            "GH-12",
            "gh-12",
            "o/r#12",
            "o/r@1a2b3c4",
            "https://a.example",
            "www.a.example",
            ":smile:",
            "deadbeef1",
            "fixes #3",
        ];
        let shown: Vec<_> = texts
            .iter()
            .map(|text| escape(text).replace(JOINER, "·"))
            .collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        @·octocat
        a@·b.example
        \#·12
        GH-·12
        gh-·12
        o/r\#·12
        o/r@·1a2b·3c4
        https:·//a.example
        www·.a.example
        :·smile:
        dead·beef1
        fixes \#·3
        ");
    }

    #[test]
    fn dates_fingerprints_identifiers_and_digests_can_be_copied() {
        for text in [
            "20260725",
            "D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81",
            "3f2a9c1d-7b54-4e0a-9c55-0d1c7a90c1f2",
            "sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f",
            "10:30",
        ] {
            assert_eq!(escape(text), text);
        }
    }

    #[test]
    fn a_line_begins_no_list_and_no_code() {
        for harmless in ["3.21", " (release 8)", "-", "-5", "1.", ""] {
            assert_eq!(escape(harmless).replace('\\', ""), harmless);
        }
        assert_eq!(escape("3.21"), "3.21");
        let texts = [
            "- a", "+ a", "1. a", "12) a", "===", "    a", "\ta", "# a", "```",
        ];
        let shown: Vec<_> = texts.iter().map(|text| escape(text)).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        \- a
        \+ a
        1\. a
        12\) a
        \===
         a
         a
        \# a
        \`\`\`
        ");
    }

    #[test]
    fn values_in_backticks_stay_code_where_that_is_harmless() {
        let texts = [
            "`a_b` of `https://c.example` is `@d`",
            "`a|b` and `<!-- c -->` and `d",
            "a``b",
            "`a``b`",
            "```x```",
            "` `",
            "`a\\`",
        ];
        let shown: Vec<_> = texts.iter().map(|text| escape(text)).collect();
        insta::assert_snapshot!(shown.join("\n"), @r"
        `a_b` of `https://c.example` is `@d`
        \`a\|b\` and \`&lt;\!-- c --&gt;\` and \`d
        a\`\`b
        `a`\`b\`
        \`\`\`x\`\`\`
        \` \`
        \`a\\\`
        ");
    }

    #[test]
    fn what_is_not_seen_is_dropped() {
        assert_eq!(
            line("a\u{202e}b\r\nc\u{200b}d\u{1b}[m\u{2028}"),
            "ab  cd [m "
        );
    }

    #[test]
    fn a_link_leads_where_it_says_and_leaves_no_trace() {
        insta::assert_snapshot!(
            [
                link(Some("notes"), "https://a.example/x?y=1&z=2#v-1"),
                link(None, "https://a.example/x"),
                link(Some("a](https://b.example) [c"), "https://a.example/)|(\"<x>"),
                link(Some("notes"), "https://forge.example/o/r/issues/1"),
                link(None, "https://forge.example/o/r/pull/1"),
                link(Some("notes"), "javascript:alert(1)"),
            ].join("\n"),
            @r#"
        [notes](https://a.example/x?y=1&amp;z=2#v-1)
        [`https://a.example/x`](https://a.example/x)
        [a\](https:‍//b.example) \[c](https://a.example/%29%7C%28%22%3Cx%3E)
        notes: `https://forge.example/o/r/issues/1`
        `https://forge.example/o/r/pull/1`
        notes: `javascript:alert(1)`
        "#
        );
    }
}
