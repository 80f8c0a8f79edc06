//! A text that fits where it goes: what matters least is cut first, line by line.

/// A part of a text.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// How much it matters: 0 the most.
    pub rank: usize,
    /// What stands before its lines.
    pub head: String,
    /// Its lines, each of which can be left out with all that follow.
    pub lines: Vec<String>,
    /// What stands after them.
    pub tail: String,
}

impl Part {
    /// A part that is one text, there or not.
    pub fn text(rank: usize, text: impl Into<String>) -> Self {
        Self {
            rank,
            head: text.into(),
            ..Self::default()
        }
    }
}

/// Puts parts together in their order, in at most `room` characters. The more a part matters, the earlier it gets room;
/// among equals the first. `rest` is put where lines are missing, and says where they stand.
pub fn fitted(parts: &[Part], room: usize, rest: &str) -> String {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|at| parts[*at].rank);
    let mut texts = vec![String::new(); parts.len()];
    let mut left = room;
    for at in order {
        let text = part(&parts[at], left, rest);
        left -= length(&text);
        texts[at] = text;
    }
    texts.concat()
}

/// As much of a part as there is room for.
fn part(part: &Part, room: usize, rest: &str) -> String {
    let whole = format!("{}{}{}", part.head, part.lines.concat(), part.tail);
    if length(&whole) <= room {
        return whole;
    }
    let frame = length(&part.head) + length(&part.tail);
    let note = |count: usize| format!("\n{count} more; {rest}\n");
    let mut left = match room.checked_sub(frame + length(&note(part.lines.len()))) {
        Some(left) if !part.lines.is_empty() => left,
        _ => {
            let note = format!("\n{rest}\n");
            return if length(&note) <= room {
                note
            } else {
                String::new()
            };
        }
    };
    let mut text = part.head.clone();
    let mut taken = 0;
    for line in &part.lines {
        let Some(after) = left.checked_sub(length(line)) else {
            break;
        };
        text.push_str(line);
        left = after;
        taken += 1;
    }
    text + &note(part.lines.len() - taken) + &part.tail
}

/// How long forges call a text: letters that take two units count for two, to be on the safe side.
pub fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(rank: usize, count: usize) -> Part {
        Part {
            rank,
            head: format!("{rank}:\n"),
            lines: (0..count).map(|line| format!("{line:02}\n")).collect(),
            tail: "end\n".to_owned(),
        }
    }

    #[test]
    fn what_fits_is_whole_and_in_its_own_order() {
        let parts = [list(2, 1), list(0, 2)];
        assert_eq!(
            fitted(&parts, 100, "rest"),
            "2:\n00\nend\n0:\n00\n01\nend\n"
        );
    }

    #[test]
    fn what_matters_least_is_cut_first_and_the_rest_is_told() {
        let parts = [list(2, 9), list(0, 2)];
        let whole = length(&fitted(&parts, 100, "look there"));
        let text = fitted(&parts, whole - 1, "look there");
        assert!(text.ends_with("0:\n00\n01\nend\n"), "{text}");
        assert!(text.contains("more; look there\nend\n"), "{text}");
    }

    #[test]
    fn no_text_is_longer_than_its_room() {
        let parts = [Part::text(0, "ä🙂\n"), list(2, 30), list(1, 30)];
        for room in 0..300 {
            assert!(length(&fitted(&parts, room, "rest")) <= room, "{room}");
        }
    }
}
