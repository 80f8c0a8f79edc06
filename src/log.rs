//! Foreign text on its way to a log that GitHub's runner reads: none of it may act as a workflow command.
//!
//! The runner takes commands from stdout and stderr alike, and reads both at once. So there is no point in time from
//! which `::stop-commands::` would hold for the lines of the other stream; each line is made harmless instead.

mod bars;

use std::io::Write;

pub use bars::bar;

use secrecy::{ExposeSecret, SecretString};

/// The text with a backslash in front of whatever the runner would obey: `::` where a line begins, `##[` anywhere
/// (<https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs>).
pub fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    // The runner ends a line at a carriage return too.
    for line in text.split_inclusive(['\n', '\r']) {
        if visible(line).take(2).eq("::".chars()) {
            safe.push('\\');
        }
        break_brackets(line, "\\[", &mut safe);
    }
    safe
}

/// The same for a JSON document, which stays the same document: its lines cannot begin with `::`, and `##` stands in
/// strings only.
pub fn harmless_json(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    break_brackets(json, "\\u005b", &mut safe);
    safe
}

/// The runner compares as people read: it skips blanks, and .NET may skip characters that have no width. What is not
/// printable ASCII is therefore passed over here.
fn visible(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(char::is_ascii_graphic)
}

fn break_brackets(text: &str, bracket: &str, safe: &mut String) {
    let mut last = ['\0'; 2];
    for letter in text.chars() {
        if letter == '[' && last == ['#', '#'] {
            safe.push_str(bracket);
        } else {
            safe.push(letter);
        }
        if letter.is_ascii_graphic() {
            last = [last[1], letter];
        }
    }
}

/// Tells GitHub's runner to hide a secret in every log from here on, which it does for those that it gave itself.
pub fn hide(secret: &SecretString) {
    let mut commands = String::new();
    for line in secret
        .expose_secret()
        .lines()
        .filter(|line| !line.is_empty())
    {
        commands.extend(["::add-mask::", line, "\n"]);
    }
    // Nobody reads what cannot be written.
    let _ = std::io::stderr().lock().write_all(commands.as_bytes());
}

/// Stderr for log lines. Each write holds whole lines, as tracing's do.
#[derive(Debug, Clone, Copy)]
pub struct Stderr {
    /// Whether GitHub's runner reads along.
    pub is_read: bool,
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        bars::above(|| {
            let mut stderr = std::io::stderr().lock();
            if self.is_read {
                stderr.write_all(harmless(&String::from_utf8_lossy(bytes)).as_bytes())
            } else {
                stderr.write_all(bytes)
            }
        })?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_foreign_text_is_a_command() {
        assert_eq!(
            harmless("::add-mask::x\n  ::error::y\rz\r\n::stop-commands::t"),
            "\\::add-mask::x\n\\  ::error::y\rz\r\n\\::stop-commands::t"
        );
    }

    #[test]
    fn the_older_form_of_a_command_is_harmless_wherever_it_stands() {
        assert_eq!(
            harmless("image ##[set-output name=a]b ###[x"),
            "image ##\\[set-output name=a]b ###\\[x"
        );
    }

    #[test]
    fn characters_without_width_hide_no_command() {
        assert_eq!(
            harmless("\u{feff}:\u{200b}:error::a"),
            "\\\u{feff}:\u{200b}:error::a"
        );
        assert_eq!(harmless("#\u{ad}#[error]"), "#\u{ad}#\\[error]");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        let text = "+ upload `Ubuntu 24.04` a::b\n# [1] {\"x\": []}\n\n";
        assert_eq!(harmless(text), text);
    }

    #[test]
    fn json_stays_the_same_document() {
        let json = serde_json::json!({"name": "##[error]a", "list": ["##", []]}).to_string();
        let safe = harmless_json(&json);
        assert!(!safe.contains("##["));
        let document = |text: &str| serde_json::from_str::<serde_json::Value>(text).unwrap();
        assert_eq!(document(&safe), document(&json));
    }
}
