//! Findings: what a person should know or do. Only those of level `error` make a run exit with 3.

use serde::Serialize;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Something failed or needs a person: exit code 3.
    Error,
    /// Worth a look; counts only with `--strict`.
    Warning,
    /// For information; never counts.
    Note,
}

impl std::fmt::Display for Level {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.pad(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        })
    }
}

/// A position in a text, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Place {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

/// One finding, as it stands in every command's JSON under `findings`. What is unknown is null.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How much it weighs.
    pub level: Level,
    /// The rule's name, stable, in kebab-case: what SARIF and filters hold on to.
    pub rule: &'static str,
    /// One sentence: what happened to what, what was expected, what to do.
    pub message: String,
    /// The file, relative to the root of the user's repository.
    pub file: Option<String>,
    /// The line in that file, from 1.
    pub line: Option<u64>,
    /// The column in that line, from 1.
    pub column: Option<u64>,
    /// The cloud's name in `clouds.yaml`.
    pub cloud: Option<String>,
    /// The definition's name.
    pub image: Option<String>,
    /// The ID of an image in Glance.
    pub id: Option<String>,
}

impl Finding {
    /// A finding that knows no more than its rule and its sentence.
    pub fn new(level: Level, rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            level,
            rule,
            message: message.into(),
            file: None,
            line: None,
            column: None,
            cloud: None,
            image: None,
            id: None,
        }
    }

    /// An error: exit code 3.
    pub fn error(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Error, rule, message)
    }

    /// A warning: counts only with `--strict`.
    pub fn warning(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Warning, rule, message)
    }

    /// A note: never counts.
    pub fn note(rule: &'static str, message: impl Into<String>) -> Self {
        Self::new(Level::Note, rule, message)
    }

    /// The same, at a place in a file.
    #[must_use]
    pub fn at(mut self, file: &str, place: Place) -> Self {
        self.file = Some(file.to_owned());
        if place.line > 0 {
            self.line = Some(place.line);
            self.column = Some(place.column);
        }
        self
    }

    /// The same, about a definition.
    #[must_use]
    pub fn image(mut self, name: &str) -> Self {
        self.image = Some(name.to_owned());
        self
    }

    /// The same, about an image in Glance.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.to_owned());
        self
    }

    /// The same, in a cloud.
    #[must_use]
    pub fn cloud(mut self, name: &str) -> Self {
        self.cloud = Some(name.to_owned());
        self
    }
}

impl std::fmt::Display for Finding {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(file) = &self.file {
            write!(formatter, "{file}:")?;
            if let (Some(line), Some(column)) = (self.line, self.column) {
                write!(formatter, "{line}:{column}:")?;
            }
            formatter.write_str(" ")?;
        }
        write!(formatter, "{}: ", self.level)?;
        if let Some(cloud) = &self.cloud {
            write!(formatter, "{cloud}: ")?;
        }
        // A finding in a file names its image by its place.
        if let (None, Some(image)) = (&self.file, &self.image) {
            write!(formatter, "{image}: ")?;
        }
        write!(formatter, "{} [{}]", self.message, self.rule)
    }
}
