//! The forms in which a report can be written to a file. The ending of the file's name says which.

use super::Report;

/// A form of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// One JSON document.
    Json,
    /// SARIF 2.1.0.
    Sarif,
    /// Markdown.
    Markdown,
    /// What a terminal shows.
    Text,
}

/// A file's name does not say what to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{name}` is no name for a report; expected one that ends in `.json`, `.sarif`, `.md` or `.txt`, which says what is written"
)]
pub struct FormError {
    /// The name.
    pub name: String,
}

impl Form {
    /// The form that a file's name asks for.
    pub fn of(name: &str) -> Result<Self, FormError> {
        let ending = name.rsplit(['/', '\\']).next().unwrap_or(name);
        let ending = ending.rsplit_once('.').map_or("", |(_, ending)| ending);
        match ending.to_ascii_lowercase().as_str() {
            "json" => Ok(Self::Json),
            "sarif" => Ok(Self::Sarif),
            "md" => Ok(Self::Markdown),
            "txt" => Ok(Self::Text),
            _ => Err(FormError {
                name: name.to_owned(),
            }),
        }
    }
}

impl Report {
    /// The whole report in one form.
    pub fn written(&self, form: Form) -> String {
        match form {
            Form::Json => self.json() + "\n",
            Form::Sarif => self.sarif() + "\n",
            Form::Markdown => self.markdown(),
            Form::Text => self.text(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_form() {
        let of = |name| Form::of(name).ok();
        assert_eq!(of("a/report.json"), Some(Form::Json));
        assert_eq!(of("findings.SARIF"), Some(Form::Sarif));
        assert_eq!(of("plan.sarif.md"), Some(Form::Markdown));
        assert_eq!(of("report.txt"), Some(Form::Text));
    }

    #[test]
    fn another_ending_is_refused_with_those_that_there_are() {
        for name in ["report", "report.yml", "folder.json/report", "json", ""] {
            let error = Form::of(name).unwrap_err().to_string();
            assert!(
                error.contains("`.json`, `.sarif`, `.md` or `.txt`"),
                "{name}"
            );
        }
    }
}
