//! Which lines of the file belong to which entry of a block list.

use super::Refusal;
use super::tree::Node;

/// An entry of a block list as whole lines.
///
/// The comment lines straight above it in the column of its dash belong to it, and those straight
/// below it that are deeper than the dash. A comment that a blank line or another indent sets apart
/// belongs to nobody and stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lines {
    /// The first line with the comments above.
    pub(super) start: usize,
    /// The line with the dash.
    pub(super) dash_line: usize,
    pub(super) dash_column: usize,
    /// Behind the line break of the last line.
    pub(super) end: usize,
}

/// Gives the lines of each entry of `list`, whose key ends at `key_end`.
pub(super) fn entries(text: &str, list: &[Node], key_end: usize) -> Result<Vec<Lines>, Refusal> {
    let mut found: Vec<Lines> = Vec::with_capacity(list.len());
    for item in list {
        let above = found
            .last()
            .map_or_else(|| line_end(text, key_end), |lines| lines.end);
        let lines = entry(text, item, above).ok_or_else(|| {
            item.refuse("this entry does not stand on lines of its own, so the list cannot be edited line by line")
        })?;
        if found
            .last()
            .is_some_and(|before| before.dash_column != lines.dash_column)
        {
            return Err(item.refuse("the dash of this entry does not stand below the one before"));
        }
        found.push(lines);
    }
    Ok(found)
}

fn entry(text: &str, item: &Node, above: usize) -> Option<Lines> {
    let (dash_line, dash_column) = dash(text, item.start, above)?;
    let mut start = dash_line;
    while start > above {
        let line = line_start(text, start - 1);
        if line < above || comment_column(&text[line..start]) != Some(dash_column) {
            break;
        }
        start = line;
    }
    let mut end = line_end(text, item.end);
    let rest = text[item.end..end].trim();
    if !(rest.is_empty() || rest.starts_with('#')) {
        return None;
    }
    while end < text.len() {
        let next = line_end(text, end);
        if comment_column(&text[end..next]).is_none_or(|column| column <= dash_column) {
            break;
        }
        end = next;
    }
    Some(Lines {
        start,
        dash_line,
        dash_column,
        end,
    })
}

/// Finds the line and the column of the dash in front of the node at `content`, not before `above`.
fn dash(text: &str, content: usize, above: usize) -> Option<(usize, usize)> {
    let mut line = line_start(text, content);
    let mut end = content;
    while line >= above {
        let prefix = &text[line..end];
        let column = prefix.len() - prefix.trim_start_matches(' ').len();
        let rest = &prefix[column..];
        if let Some(behind) = rest.strip_prefix('-') {
            let is_dash = behind.is_empty() || behind.starts_with([' ', '\t', '\r', '\n']);
            let is_only = !behind.trim_start().starts_with("- ");
            return (is_dash && is_only).then_some((line, column));
        }
        // Between the dash and the content there may be comments, an anchor and a tag.
        if !(rest.trim().is_empty() || rest.starts_with(['#', '&', '!'])) || line == 0 {
            return None;
        }
        end = line;
        line = line_start(text, line - 1);
    }
    None
}

/// The column of the `#` of a line that is a comment.
fn comment_column(line: &str) -> Option<usize> {
    let content = line.trim_start_matches([' ', '\t']);
    content
        .starts_with('#')
        .then_some(line.len() - content.len())
}

pub(super) fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |newline| newline + 1)
}

/// How the lines of a file end.
pub(super) fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Where the line of `at` ends, behind its line break.
pub(super) fn line_end(text: &str, at: usize) -> usize {
    text[at..]
        .find('\n')
        .map_or(text.len(), |newline| at + newline + 1)
}
