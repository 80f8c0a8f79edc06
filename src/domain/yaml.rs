//! How YAML is read here: strictly, within bounds, with positions. Writing is for [`edit`](super::edit).

use serde::de::DeserializeOwned;
use serde_saphyr::Spanned;

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
        refuse(sentence(&error.to_string()), place)
    })
}

/// The place of a value.
pub fn place<T>(value: &Spanned<T>) -> Place {
    Place {
        line: value.referenced.line(),
        column: value.referenced.column(),
    }
}

/// The reader's messages end with the position, which the finding says already.
fn sentence(message: &str) -> String {
    let line = message.lines().next().unwrap_or_default();
    let end = line
        .find(" at line ")
        .or_else(|| line.find(" (line "))
        .unwrap_or(line.len());
    let start = line.strip_prefix("error: ").map_or(0, |_| "error: ".len());
    line.get(start..end).unwrap_or(line).trim().to_owned()
}
