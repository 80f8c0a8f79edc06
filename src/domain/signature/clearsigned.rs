//! Clearsigned texts: parts the signed text from its signature and from what stands around both.
//!
//! Only [`Parts`] leaves this module, so nothing outside the armor can reach a manifest reader.
//! The text that is hashed and the text that is given out are made from the same lines.

use super::armor::{self, Block};
use super::{SignatureError, malformed};

const BEGIN: &[u8] = b"-----BEGIN PGP SIGNED MESSAGE-----";

/// A clearsigned file taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parts {
    /// The signed lines: dash-escapes undone, trailing blanks removed.
    lines: Vec<String>,
    /// The signature packets.
    pub(super) signature: Vec<u8>,
    /// Whether there was text before or after.
    pub(super) surrounded: bool,
}

impl Parts {
    /// The text as it is hashed: CR LF between lines, none after the last.
    pub(super) fn hashed(&self) -> String {
        self.lines.join("\r\n")
    }

    /// The signed text with `\n` after each line.
    pub(super) fn into_text(self) -> String {
        let mut text = self.lines.join("\n");
        if !text.is_empty() {
            text.push('\n');
        }
        text
    }
}

/// Whether a file says that it is clearsigned.
pub(super) fn is_clearsigned(file: &[u8]) -> bool {
    armor::lines(file).any(|line| line == BEGIN)
}

/// Takes a clearsigned file apart; fails with [`SignatureError::Malformed`].
pub(super) fn split(file: &[u8]) -> Result<Parts, SignatureError> {
    let all: Vec<&[u8]> = armor::lines(file).collect();
    let Some(begin) = all.iter().position(|line| *line == BEGIN) else {
        return Err(malformed(missing(file)));
    };
    // Two signed texts in one file leave open which one is meant.
    if all[begin + 1..].contains(&BEGIN) {
        return Err(malformed("it holds more than one signed text"));
    }
    let blank = headers_end(&all, begin + 1)?;
    let signature = find(&all, blank, Block::Signature.begin())
        .ok_or_else(|| malformed("the signature block after the signed text is missing"))?;
    let end = find(&all, signature, Block::Signature.end())
        .ok_or_else(|| malformed("its signature block is cut off"))?;

    let lines = all[blank + 1..signature]
        .iter()
        .map(|line| unescaped(line))
        .collect::<Result<Vec<_>, _>>()?;
    let block = all[signature..=end].join(&b'\n');
    let packets = armor::blocks(&block, Block::Signature)
        .map_err(|_| malformed("its armor is damaged, expected Base64 lines up to the END line"))?;
    let outside = all[..begin].iter().chain(&all[end + 1..]);
    Ok(Parts {
        lines,
        signature: packets.concat(),
        surrounded: outside.into_iter().any(|line| !line.is_empty()),
    })
}

/// Why there is no beginning.
fn missing(file: &[u8]) -> &'static str {
    if file.trim_ascii().is_empty() {
        "the file is empty"
    } else if armor::is_html(file) {
        "it is an HTML page, expected a clearsigned text"
    } else {
        "it is not clearsigned, expected a line `-----BEGIN PGP SIGNED MESSAGE-----`"
    }
}

/// The index of the empty line after the headers. Only `Hash` may stand there: anything else would
/// look signed to a reader and is not.
fn headers_end(lines: &[&[u8]], from: usize) -> Result<usize, SignatureError> {
    for (index, line) in lines.iter().enumerate().skip(from) {
        if line.is_empty() {
            return Ok(index);
        }
        if !line.starts_with(b"Hash: ") {
            return Err(malformed(
                "a header other than `Hash` stands before the signed text",
            ));
        }
    }
    Err(malformed(
        "the empty line before the signed text is missing",
    ))
}

/// The index of a line from `from` on.
fn find(lines: &[&[u8]], from: usize, wanted: &str) -> Option<usize> {
    lines[from..]
        .iter()
        .position(|line| *line == wanted.as_bytes())
        .map(|offset| from + offset)
}

/// One signed line without its dash-escape and trailing blanks.
fn unescaped(line: &[u8]) -> Result<String, SignatureError> {
    // A signature of type text does not tell a lone CR from a line end, a reader of the text does.
    if line.contains(&b'\r') {
        return Err(malformed("a signed line holds a carriage return"));
    }
    let content = match line {
        [b'-', b' ', rest @ ..] => rest,
        // `- ` loses its blank with the others at the end of a line.
        b"-" => b"",
        [b'-', ..] => return Err(malformed("a signed line begins with an unescaped dash")),
        _ => line,
    };
    String::from_utf8(content.to_vec()).map_err(|_| malformed("the signed text is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(body: &str) -> String {
        format!(
            "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n{body}\n{}\n\nQUJD\n{}\n",
            Block::Signature.begin(),
            Block::Signature.end()
        )
    }

    #[test]
    fn dashes_are_unescaped_and_trailing_blanks_removed() {
        let parts = split(file("one  \t\n- - two\n- -----three\n\nfour").as_bytes()).unwrap();
        assert_eq!(parts.hashed(), "one\r\n- two\r\n-----three\r\n\r\nfour");
        assert_eq!(parts.signature, b"ABC");
        assert!(!parts.surrounded);
        assert_eq!(parts.into_text(), "one\n- two\n-----three\n\nfour\n");
    }

    #[test]
    fn carriage_returns_change_nothing() {
        let plain = file("one\ntwo");
        let dos = plain.replace('\n', "\r\n");
        assert_eq!(split(plain.as_bytes()), split(dos.as_bytes()));
    }

    #[test]
    fn what_is_outside_is_dropped_and_told() {
        let parts = split(format!("before\n{}after\n", file("one")).as_bytes()).unwrap();
        assert!(parts.surrounded);
        assert_eq!(parts.into_text(), "one\n");
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        let twice = format!("{}{}", file("one"), file("two"));
        let forged_header = file("one").replace("Hash: SHA256", "Hash: SHA256\nforged  image.img");
        let no_blank = file("one").replace("Hash: SHA256\n\n", "Hash: SHA256\n");
        let cut = file("one").replace(Block::Signature.end(), "");
        let unsigned = file("one").replace(Block::Signature.begin(), "");
        let bare_dash = file("-one");
        let lone_return = file("one\rtwo");
        let reasons: Vec<String> = [
            &*twice,
            &*forged_header,
            &*no_blank,
            &*cut,
            &*unsigned,
            &*bare_dash,
            &*lone_return,
            "",
            "<html>",
            "abc",
        ]
        .into_iter()
        .map(|text| split(text.as_bytes()).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(reasons.join("\n"), @r"
        the signature cannot be read: it holds more than one signed text
        the signature cannot be read: a header other than `Hash` stands before the signed text
        the signature cannot be read: a header other than `Hash` stands before the signed text
        the signature cannot be read: its signature block is cut off
        the signature cannot be read: the signature block after the signed text is missing
        the signature cannot be read: a signed line begins with an unescaped dash
        the signature cannot be read: a signed line holds a carriage return
        the signature cannot be read: the file is empty
        the signature cannot be read: it is an HTML page, expected a clearsigned text
        the signature cannot be read: it is not clearsigned, expected a line `-----BEGIN PGP SIGNED MESSAGE-----`
        ");
    }
}
