//! When an image leaves a stage.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer};

/// A number of days, written `60d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Days(pub u32);

impl FromStr for Days {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let days = text.strip_suffix('d').and_then(|days| days.parse().ok());
        days.map(Self)
            .ok_or_else(|| format!("`{text}` is no number of days; expected such as `60d`"))
    }
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}d", self.0)
    }
}

impl<'de> Deserialize<'de> for Days {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// What must have happened before a stage ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Until {
    /// Nobody uses the image any more, in any service of the cloud.
    Unused,
    /// Its bytes are proven.
    Proven,
    /// A server was started from it.
    Booted,
    /// It never ends.
    Forever,
}

/// All conditions on which a stage ends: every one must hold. None: it never ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exits {
    /// The stage holds this many of the newest.
    pub keep: Option<usize>,
    /// So long since the stage began.
    pub stay: Option<Days>,
    /// What must have happened.
    pub until: BTreeSet<Until>,
}

impl Exits {
    /// Whether the stage ends at all.
    pub fn ends(&self) -> bool {
        *self != Self::default() && !self.until.contains(&Until::Forever)
    }
}

/// `until`: one word or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Words {
    One(Until),
    Several(BTreeSet<Until>),
}

/// Reads one word or a list of them.
pub fn words<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<BTreeSet<Until>>, D::Error> {
    let words = Option::<Words>::deserialize(deserializer)?;
    Ok(words.map(|words| match words {
        Words::One(word) => [word].into(),
        Words::Several(words) => words,
    }))
}
