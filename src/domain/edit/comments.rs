//! The neighbour's text without its comments, which speak of that version only.

use super::tree::{Content, Node};

/// The text of a pair as it stands in the file, without the comments in it.
pub(super) fn pair_without_comments(text: &str, key: &Node, value: &Node) -> String {
    let mut leaves = Vec::from([(key.start, key.end)]);
    value.walk(&mut |node| {
        if matches!(node.content, Content::Scalar { .. } | Content::Alias(_)) {
            leaves.push((node.start, node.end));
        }
    });
    let mut out = String::new();
    let mut at = key.start;
    for (start, end) in leaves {
        out.push_str(&without_comments(&text[at..start.max(at)]));
        out.push_str(&text[start.max(at)..end.max(at)]);
        at = end.max(at);
    }
    out + &without_comments(&text[at..value.end.max(at)])
}

/// What stands between two nodes, without the comments in it.
pub(super) fn without_comments(gap: &str) -> String {
    let mut out = String::new();
    for (index, line) in gap.split_inclusive('\n').enumerate() {
        let content = line.trim_end_matches(['\n', '\r']);
        match comment_start(content) {
            None => out.push_str(line),
            Some(0) if index > 0 => {}
            Some(start) if index > 0 && content[..start].trim().is_empty() => {}
            Some(start) => {
                out.push_str(content[..start].trim_end());
                out.push_str(&line[content.len()..]);
            }
        }
    }
    out
}

/// Where the comment of a line begins that holds no scalar.
fn comment_start(line: &str) -> Option<usize> {
    let mut before = ' ';
    line.char_indices().find_map(|(index, letter)| {
        let found = letter == '#' && matches!(before, ' ' | '\t');
        before = letter;
        found.then_some(index)
    })
}
