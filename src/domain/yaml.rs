//! How YAML is read here: strictly, within bounds, with positions. Writing is for [`edit`](super::edit).

use serde::de::DeserializeOwned;
use serde_saphyr::{Error, Spanned};

use super::finding::{Finding, Place};

/// A definition file above this is no definition file.
const LARGEST: usize = 4 * 1024 * 1024;

/// Reads one YAML document strictly.
///
/// # Errors
/// One finding with the position and what was expected there.
pub fn read<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Box<Finding>> {
    let refuse =
        |message: String, place: Place| Box::new(Finding::error("yaml", message).at(file, place));
    if text.len() > LARGEST {
        return Err(refuse(
            format!(
                "the file has {} bytes; expected at most {LARGEST}; split it",
                text.len()
            ),
            Place::default(),
        ));
    }
    let options = serde_saphyr::options! {
        strict_booleans: true,
        with_snippet: false,
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location().map_or_else(Place::default, |at| Place {
            line: at.line(),
            column: at.column(),
        });
        refuse(sentence(error), place)
    })
}

/// The place of a value.
pub fn place<T>(value: &Spanned<T>) -> Place {
    Place {
        line: value.referenced.line(),
        column: value.referenced.column(),
    }
}

/// What a reader's error says to somebody who wrote YAML and has never seen this program's types.
fn sentence(error: &Error) -> String {
    match error {
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or_default();
            format!("the key `{key}` stands here a second time; remove one of the two")
        }
        Error::InvalidBooleanStrict { .. } => {
            "this is no switch; expected `true` or `false`".to_owned()
        }
        Error::InvalidScalar { ty, .. } if ty.starts_with(['u', 'i']) => {
            "this is no whole number; expected digits only".to_owned()
        }
        Error::MultipleDocuments { .. } => {
            "a second document begins here; expected one, move this to a file of its own".to_owned()
        }
        Error::Eof { .. } => "the text ends too early; expected more YAML".to_owned(),
        Error::SerdeUnknownField {
            field, expected, ..
        } => format!(
            "the key `{field}` is unknown here; expected one of {}",
            expected.join(", ")
        ),
        Error::SerdeMissingField { field, .. } => {
            format!("the key `{field}` is missing here; add it")
        }
        Error::SerdeUnknownVariant {
            variant, expected, ..
        } => format!(
            "`{variant}` is unknown here; expected one of {}",
            expected.join(", ")
        ),
        Error::SerdeInvalidType {
            unexpected,
            expected,
            ..
        }
        | Error::SerdeInvalidValue {
            unexpected,
            expected,
            ..
        } => format!("here stands {unexpected}; expected {expected}"),
        Error::Unexpected { expected, .. } => {
            let expected = match *expected {
                "sequence start" => "a list",
                "mapping start" => "keys with values",
                "string scalar" => "a single value",
                other => other,
            };
            format!("something else stands here; expected {expected}")
        }
        other => first_line(&other.to_string()),
    }
}

/// The reader's messages end with the position, which the finding says already.
fn first_line(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let end = line
        .find(" at line ")
        .or_else(|| line.find(" (line "))
        .unwrap_or(line.len());
    let line = line.get(..end).unwrap_or(line);
    line.strip_prefix("error: ")
        .unwrap_or(line)
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        count: u64,
        on: bool,
        #[serde(default)]
        list: Vec<String>,
    }

    fn refused(text: &str) -> String {
        read::<Sample>("reglaze.yml", text).unwrap_err().to_string()
    }

    #[test]
    fn errors_speak_of_yaml_and_not_of_this_programs_types() {
        let found: Vec<_> = [
            "count: many\non: true\n",
            "count: 1\non: yes\n",
            "count: 1\n",
            "count: 1\non: true\ncolour: red\n",
            "count: 1\non: true\non: false\n",
            "count: 1\non: true\nlist: {a: b}\n",
            "count: 1\non: true\nlist: [\n",
            "count: [1]\non: true\n",
            "count: 1\non: true\n---\ncount: 1\n",
            "just text",
            "",
        ]
        .into_iter()
        .map(refused)
        .collect();
        insta::assert_snapshot!(found.join("\n"));
    }

    #[test]
    fn a_sample_is_read() {
        let sample: Sample = read("reglaze.yml", "count: 1\non: true\nlist: [a]\n").unwrap();
        assert_eq!((sample.count, sample.on, sample.list.len()), (1, true, 1));
    }
}
