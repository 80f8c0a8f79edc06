//! The stages of an image's life, as a user writes them and as they are decided.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::exits::{Days, Exits, Until, words};
use crate::domain::definition::WantedStatus;
use crate::domain::snapshot::Visibility;

/// The name of a published stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum StageName {
    /// The newest.
    #[default]
    Latest,
    /// Replaced.
    Older,
    /// Kept for those who know its UUID.
    Retired,
}

impl StageName {
    /// All of them, in their order.
    pub const ALL: [Self; 3] = [Self::Latest, Self::Older, Self::Retired];

    /// The word in policies and in `reglaze_stage`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Older => "older",
            Self::Retired => "retired",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The stages as a user writes them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stages {
    /// Before publishing: private.
    pub staged: Option<Staged>,
    /// The newest.
    pub latest: Option<StageOverride>,
    /// Replaced, mostly still in default lists under its own name.
    pub older: Option<StageOverride>,
    /// Kept for those who know its UUID.
    pub retired: Option<StageOverride>,
}

/// What a new image must have passed before others see it. Its bytes are always proven.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Staged {
    /// `proven` or `booted`.
    #[serde(default, deserialize_with = "words")]
    pub until: Option<BTreeSet<Until>>,
}

impl Staged {
    /// Whether a server must have been started from it.
    pub fn boots(&self) -> bool {
        self.until
            .as_ref()
            .is_some_and(|until| until.contains(&Until::Booted))
    }
}

/// A stage as a user writes it: every key may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StageOverride {
    /// The name, a template.
    pub name: Option<String>,
    /// The widest visibility that it may have here; the definition's is the ceiling.
    pub visibility: Option<Visibility>,
    /// Whether default lists leave it out.
    pub hidden: Option<bool>,
    /// Whether it can be booted.
    pub status: Option<WantedStatus>,
    /// Whether Glance refuses to delete it.
    pub protected: Option<bool>,
    /// Tag templates, beside the policy's.
    pub tags: Option<Vec<String>>,
    /// Property templates, beside the policy's.
    #[serde(default)]
    pub properties: BTreeMap<String, String>,
    /// Property values that are replaced here: property → from → to.
    #[serde(default)]
    pub replace: BTreeMap<String, BTreeMap<String, String>>,
    /// Who sees it where it is not visible to all.
    pub share: Option<Share>,
    /// How many of the newest stay in this stage; absent: all.
    pub keep: Option<usize>,
    /// How long it lasts at least.
    #[serde(rename = "for")]
    pub stay: Option<Days>,
    /// What must have happened before it ends.
    #[serde(default, deserialize_with = "words")]
    pub until: Option<BTreeSet<Until>>,
}

/// What an image looks like in a stage, and when it leaves. What a stage does not set stays as in the stage before.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stage {
    /// Which it is.
    pub stage: StageName,
    /// The name, a template.
    pub name: String,
    /// The widest visibility that it may have here; the definition's is the ceiling.
    pub visibility: Option<Visibility>,
    /// Whether default lists leave it out.
    pub hidden: Option<bool>,
    /// Whether it can be booted.
    pub status: Option<WantedStatus>,
    /// Whether Glance refuses to delete it; absent: reglaze does not care.
    pub protected: Option<bool>,
    /// Tag templates, beside the policy's.
    pub tags: Vec<String>,
    /// Property templates, beside the policy's.
    pub properties: BTreeMap<String, String>,
    /// Property values that are replaced here: property → from → to.
    pub replace: BTreeMap<String, BTreeMap<String, String>>,
    /// Who sees it where it is not visible to all.
    pub share: Option<Share>,
    /// When it ends.
    pub exits: Exits,
}

/// Who sees an image that is not visible to all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Share {
    /// The projects that use it.
    Users,
    /// These.
    With(Vec<ShareWith>),
}

/// One entry of a list in `share`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ShareWith {
    /// A project, by its ID.
    Project(String),
    /// Every project of a domain, by the domain's ID or name.
    Domain(String),
}

impl Share {
    /// Whether it depends on who uses the image.
    pub fn is_of_users(&self) -> bool {
        *self == Self::Users
    }
}

impl<'de> Deserialize<'de> for Share {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Word(String),
            List(Vec<String>),
        }
        match Written::deserialize(deserializer)? {
            Written::Word(word) if word == "users" => Ok(Self::Users),
            Written::Word(word) => Err(serde::de::Error::custom(format!(
                "`{word}` is unknown here; expected `users` or a list such as `[PROJECT, domain:NAME]`"
            ))),
            Written::List(list) => Ok(Self::With(list.into_iter().map(ShareWith::from).collect())),
        }
    }
}

impl From<String> for ShareWith {
    fn from(text: String) -> Self {
        match text.strip_prefix("domain:") {
            Some(domain) => Self::Domain(domain.to_owned()),
            None => Self::Project(text),
        }
    }
}

impl Stages {
    /// The published stages with their names, in their order; absent ones too.
    pub fn named(&self) -> [(StageName, Option<&StageOverride>); 3] {
        [
            (StageName::Latest, self.latest.as_ref()),
            (StageName::Older, self.older.as_ref()),
            (StageName::Retired, self.retired.as_ref()),
        ]
    }

    /// Lays another's words over these, per stage and key.
    pub fn merge(&mut self, over: &Self) {
        if let Some(staged) = &over.staged {
            self.staged = Some(staged.clone());
        }
        for (stage, over) in [
            (&mut self.latest, &over.latest),
            (&mut self.older, &over.older),
            (&mut self.retired, &over.retired),
        ] {
            if let Some(over) = over {
                let under = stage.take().unwrap_or_default();
                *stage = Some(over.clone().over(under));
            }
        }
    }

    /// The stages that there are, each with what it keeps from those before. The latest is always there.
    pub fn decided(self) -> Vec<Stage> {
        let mut before = Stage {
            name: "{name}".to_owned(),
            ..Stage::default()
        };
        let mut stages = vec![
            self.latest
                .unwrap_or_default()
                .after(&before, StageName::Latest),
        ];
        for (name, stage) in [
            (StageName::Older, self.older),
            (StageName::Retired, self.retired),
        ] {
            if let Some(stage) = stage {
                before = stages.last().cloned().unwrap_or(before);
                stages.push(stage.after(&before, name));
            }
        }
        stages
    }
}

impl StageOverride {
    /// This stage's words, where it has none those of `under`.
    fn over(self, mut under: Self) -> Self {
        // `forever` and another end exclude each other, so the stronger layer's word takes the place of both.
        let forever = |until: &Option<BTreeSet<Until>>| {
            until
                .as_ref()
                .is_some_and(|until| until.contains(&Until::Forever))
        };
        if forever(&self.until) {
            (under.keep, under.stay) = (None, None);
        } else if forever(&under.until) && (self.keep.is_some() || self.stay.is_some()) {
            under.until = None;
        }
        let mut replace = under.replace;
        replace.extend(self.replace);
        let mut properties = under.properties;
        properties.extend(self.properties);
        Self {
            name: self.name.or(under.name),
            visibility: self.visibility.or(under.visibility),
            hidden: self.hidden.or(under.hidden),
            status: self.status.or(under.status),
            protected: self.protected.or(under.protected),
            tags: self.tags.or(under.tags),
            properties,
            replace,
            share: self.share.or(under.share),
            keep: self.keep.or(under.keep),
            stay: self.stay.or(under.stay),
            until: self.until.or(under.until),
        }
    }

    /// The stage that follows `before`. Its end is its own.
    fn after(self, before: &Stage, stage: StageName) -> Stage {
        let mut replace = before.replace.clone();
        replace.extend(self.replace);
        let mut properties = before.properties.clone();
        properties.extend(self.properties);
        Stage {
            stage,
            name: self.name.unwrap_or_else(|| before.name.clone()),
            visibility: self.visibility.or(before.visibility),
            hidden: self.hidden.or(before.hidden),
            status: self.status.or(before.status),
            protected: self.protected.or(before.protected),
            tags: self.tags.unwrap_or_else(|| before.tags.clone()),
            properties,
            replace,
            share: self.share.or_else(|| before.share.clone()),
            exits: Exits {
                keep: self.keep,
                stay: self.stay,
                until: self.until.unwrap_or_default(),
            },
        }
    }
}
