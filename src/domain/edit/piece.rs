//! The text with pieces cut out and put in.

use std::ops::Range;

/// What is cut out of the text and what is put in, and where.
#[derive(Debug)]
pub(super) enum Piece {
    Cut(Range<usize>),
    /// Text that goes in at a place; where it consists of lines it begins on a new one.
    Insert {
        at: usize,
        text: String,
        lines: bool,
    },
}

impl Piece {
    fn at(&self) -> usize {
        match self {
            Piece::Cut(range) => range.start,
            Piece::Insert { at, .. } => *at,
        }
    }
}

/// Carries out `pieces`; nothing else changes.
pub(super) fn apply(text: &str, mut pieces: Vec<Piece>) -> String {
    // At the same place new text goes in before old text is cut out.
    pieces.sort_by_key(|piece| (piece.at(), matches!(piece, Piece::Cut(_))));
    let mut out = String::with_capacity(text.len() + 1024);
    let mut at = 0;
    for piece in pieces {
        let next = piece.at().max(at);
        out.push_str(&text[at..next]);
        at = next;
        match piece {
            Piece::Cut(range) => at = range.end.max(at),
            Piece::Insert {
                text: new,
                lines: false,
                ..
            } => out.push_str(&new),
            Piece::Insert {
                text: new,
                lines: true,
                ..
            } => {
                if out.is_empty() || out.ends_with('\n') {
                    out.push_str(&new);
                } else {
                    // The file ends without a line break, and still does afterwards.
                    let newline = if new.ends_with("\r\n") { "\r\n" } else { "\n" };
                    out.push_str(newline);
                    out.push_str(new.trim_end_matches(['\r', '\n']));
                }
            }
        }
    }
    out.push_str(&text[at..]);
    out
}
