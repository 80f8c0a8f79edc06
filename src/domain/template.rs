//! Templates: the one form in which names, URLs, patterns, tags and properties take values.
//!
//! `{name}`, `{meta.os_distro}`, `{build_date:%Y-%m-%d}`; no logic. A placeholder begins with a letter, so `\d{8}`
//! in a pattern stays regex. What is not known before an image exists stays as its placeholder and is completed later.

use std::borrow::Cow;
use std::collections::BTreeMap;

use chrono::NaiveDate;

/// A template could not be filled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The template names a variable that does not exist here.
    #[error(
        "template `{template}` names the unknown variable `{variable}` at column {column}; known are {known}"
    )]
    Unknown {
        /// The whole template.
        template: String,
        /// The variable.
        variable: String,
        /// Where it stands, in characters from 1.
        column: usize,
        /// What may stand there.
        known: String,
    },
    /// A date format was asked of something that is no date, or is no date format.
    #[error(
        "template `{template}` formats `{variable}` as `{format}` at column {column}, but its value `{value}` is no date of the form YYYY-MM-DD or the format is none that strftime knows"
    )]
    Format {
        /// The whole template.
        template: String,
        /// The variable.
        variable: String,
        /// The format.
        format: String,
        /// Where it stands, in characters from 1.
        column: usize,
        /// The value that was to be formatted.
        value: String,
    },
}

/// Values by variable name. Dates are text of the form `2026-07-25`.
pub type Variables = BTreeMap<String, String>;

/// How inserted values are made fit for where they go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// As they are.
    Nothing,
    /// For a regular expression: a dot in a value means a dot.
    Regex,
}

/// One piece of a template.
enum Piece<'t> {
    Text(&'t str),
    Variable {
        name: &'t str,
        format: Option<&'t str>,
        offset: usize,
    },
}

/// Fills a template.
///
/// # Errors
/// [`TemplateError`] for a variable that is not in `variables`, and for a date format that does not fit.
pub fn fill(
    template: &str,
    variables: &Variables,
    escape: Escape,
) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(template.len());
    for piece in pieces(template) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable {
                name,
                format,
                offset,
            } => {
                let column = template[..offset].chars().count() + 1;
                let value = variables.get(name).ok_or_else(|| TemplateError::Unknown {
                    template: template.to_owned(),
                    variable: name.to_owned(),
                    column,
                    known: known(variables),
                })?;
                let later = is_later(name, value);
                let value = match format {
                    Some(format) if !value.is_empty() => {
                        let sample = if later { ANY_DAY } else { value };
                        let text =
                            formatted(sample, format).ok_or_else(|| TemplateError::Format {
                                template: template.to_owned(),
                                variable: name.to_owned(),
                                format: format.to_owned(),
                                column,
                                value: value.clone(),
                            })?;
                        Cow::Owned(if later {
                            placeholder(name, Some(format))
                        } else {
                            text
                        })
                    }
                    _ => Cow::Borrowed(value.as_str()),
                };
                match escape {
                    Escape::Nothing => filled.push_str(&value),
                    Escape::Regex => filled.push_str(&regex::escape(&value)),
                }
            }
        }
    }
    Ok(filled)
}

/// A value that stands for itself: it is not known yet, and [`complete`] fills it in.
pub fn later(name: &str) -> String {
    placeholder(name, None)
}

/// Fills in what `variables` knows of a text in which placeholders were left. Everything else stays as it is.
pub fn complete(text: &str, variables: &Variables) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) => filled.push_str(text),
            Piece::Variable { name, format, .. } => {
                let value = variables.get(name);
                let value = value.and_then(|value| match format {
                    Some(format) => formatted(value, format),
                    None => Some(value.clone()),
                });
                filled.push_str(&value.unwrap_or_else(|| placeholder(name, format)));
            }
        }
    }
    filled
}

/// Some date, to try a format on.
const ANY_DAY: &str = "2000-01-01";

fn is_later(name: &str, value: &str) -> bool {
    let inside = value
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    inside == Some(name)
}

fn placeholder(name: &str, format: Option<&str>) -> String {
    match format {
        Some(format) => format!("{{{name}:{format}}}"),
        None => format!("{{{name}}}"),
    }
}

/// The variables that a template names, in their order.
pub fn variables(template: &str) -> Vec<&str> {
    pieces(template)
        .into_iter()
        .filter_map(|piece| match piece {
            Piece::Variable { name, .. } => Some(name),
            Piece::Text(_) => None,
        })
        .collect()
}

/// The regular expression of all that a template could be filled to; `of` is that of a variable's values, as it is formatted.
pub fn pattern<'p>(template: &str, of: impl Fn(&str, Option<&str>) -> &'p str) -> String {
    let pieces = pieces(template).into_iter().map(|piece| match piece {
        Piece::Text(text) => regex::escape(text),
        Piece::Variable { name, format, .. } => format!("(?:{})", of(name, format)),
    });
    format!("^{}$", pieces.collect::<String>())
}

fn pieces(template: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut search = 0;
    while let Some(open) = template[search..].find('{').map(|at| at + search) {
        let Some(close) = template[open..].find('}').map(|at| at + open) else {
            break;
        };
        let inside = &template[open + 1..close];
        let (name, format) = match inside.split_once(':') {
            Some((name, format)) => (name, Some(format)),
            None => (inside, None),
        };
        if is_name(name) {
            pieces.push(Piece::Text(&template[start..open]));
            pieces.push(Piece::Variable {
                name,
                format,
                offset: open,
            });
            start = close + 1;
            search = start;
        } else {
            search = open + 1;
        }
    }
    pieces.push(Piece::Text(&template[start..]));
    pieces
}

fn is_name(text: &str) -> bool {
    text.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '.' | '-'))
}

fn formatted(value: &str, format: &str) -> Option<String> {
    use std::fmt::Write;
    let date = NaiveDate::parse_from_str(value, "%Y-%m-%d").ok()?;
    let mut text = String::new();
    write!(text, "{}", date.format(format)).ok()?;
    Some(text)
}

fn known(variables: &Variables) -> String {
    let names: Vec<_> = variables.keys().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Variables {
        [
            ("name", "Ubuntu 24.04"),
            ("build_date", "2026-07-25"),
            ("meta.os_distro", "ubuntu"),
            ("none", ""),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn a_template_takes_values_and_dates() {
        let filled = fill(
            "{name} ({build_date:%Y%m%d}) os:{meta.os_distro}{none:%Y}",
            &values(),
            Escape::Nothing,
        );
        assert_eq!(filled.unwrap(), "Ubuntu 24.04 (20260725) os:ubuntu");
    }

    #[test]
    fn a_pattern_stays_a_pattern_and_values_are_escaped_there() {
        let filled = fill(r"^{name}-\d{8}[.]{1,2}$", &values(), Escape::Regex).unwrap();
        assert_eq!(filled, r"^Ubuntu 24\.04-\d{8}[.]{1,2}$");
    }

    #[test]
    fn the_pattern_of_a_template_is_met_by_what_it_is_filled_to() {
        let pattern = pattern("a.b/{version}{build_date:%Y}", |name, format| {
            match (name, format) {
                ("version", None) => "v[0-9]+",
                _ => "[0-9]{4}",
            }
        });
        assert_eq!(pattern, r"^a\.b/(?:v[0-9]+)(?:[0-9]{4})$");
    }

    #[test]
    fn an_unknown_variable_is_an_error_with_its_position() {
        let error = fill("ä {nam}", &values(), Escape::Nothing).unwrap_err();
        assert!(
            matches!(error, TemplateError::Unknown { column: 3, .. }),
            "{error}"
        );
    }

    #[test]
    fn what_is_not_known_yet_stays_with_its_format_until_it_is_completed() {
        let mut values = values();
        values.insert("upload_date".to_owned(), later("upload_date"));
        let text = fill(
            "{none}{name} ({upload_date:%Y%m%d}) \\d{8}",
            &values,
            Escape::Nothing,
        )
        .unwrap();
        assert_eq!(text, "Ubuntu 24.04 ({upload_date:%Y%m%d}) \\d{8}");
        assert!(fill("{upload_date:%Q}", &values, Escape::Nothing).is_err());
        let known = [("upload_date".to_owned(), "2026-11-21".to_owned())].into();
        assert_eq!(complete(&text, &known), "Ubuntu 24.04 (20261121) \\d{8}");
        assert_eq!(complete(&text, &Variables::new()), text);
    }

    #[test]
    fn what_is_no_date_is_not_formatted() {
        assert!(matches!(
            fill("{name:%Y}", &values(), Escape::Nothing),
            Err(TemplateError::Format { .. })
        ));
        assert!(fill("{build_date:%Q}", &values(), Escape::Nothing).is_err());
    }
}
