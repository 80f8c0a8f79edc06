//! Who calls, and what it may do: tokens of persons, of app installations and of workflow runs; an app's own JWT.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::request::Answer;

/// What a permission allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    Read,
    Write,
}

/// Whose token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A person's, classic or fine-grained.
    User,
    /// An app's on this repository.
    Installation,
    /// The `GITHUB_TOKEN` of a workflow run.
    Actions,
    /// An app's JWT, which speaks for the app itself.
    App,
    /// No token at all.
    Stranger,
}

/// Who sent a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    pub login: String,
    pub kind: Kind,
    pub permissions: BTreeMap<String, Access>,
}

impl Caller {
    pub fn stranger() -> Self {
        Self {
            login: String::new(),
            kind: Kind::Stranger,
            permissions: BTreeMap::new(),
        }
    }

    pub fn may(&self, permission: &str, access: Access) -> bool {
        self.permissions
            .get(permission)
            .is_some_and(|has| *has >= access)
    }

    /// Whether what it does starts no workflows and opens no pull requests unless the settings allow it.
    pub fn is_actions(&self) -> bool {
        self.kind == Kind::Actions
    }

    /// An error unless it may.
    pub fn needs(&self, permission: &str, access: Access) -> Result<(), Answer> {
        if self.may(permission, access) {
            return Ok(());
        }
        if self.kind == Kind::Stranger {
            return Err(Answer::error(401, "Requires authentication"));
        }
        Err(Answer::error(403, self.forbidden()))
    }

    pub fn forbidden(&self) -> &'static str {
        match self.kind {
            Kind::User => "Resource not accessible by personal access token",
            _ => "Resource not accessible by integration",
        }
    }
}

/// A token that a test defines.
#[derive(Debug, Clone)]
pub struct Token {
    pub secret: String,
    pub caller: Caller,
}

/// What the bot needs at most.
const ALL: [&str; 4] = ["contents", "pull_requests", "issues", "actions"];

impl Token {
    fn new(secret: &str, login: &str, kind: Kind) -> Self {
        let mut permissions: BTreeMap<_, _> =
            ALL.map(|name| (name.to_owned(), Access::Write)).into();
        permissions.insert("metadata".to_owned(), Access::Read);
        let caller = Caller {
            login: login.to_owned(),
            kind,
            permissions,
        };
        Self {
            secret: secret.to_owned(),
            caller,
        }
    }

    /// A person's, who may do everything.
    pub fn user(secret: &str, login: &str) -> Self {
        Self::new(secret, login, Kind::User)
    }

    /// An app's: its login ends with `[bot]`.
    pub fn installation(secret: &str, slug: &str) -> Self {
        Self::new(secret, &format!("{slug}[bot]"), Kind::Installation)
    }

    /// A workflow run's.
    pub fn actions(secret: &str) -> Self {
        Self::new(secret, "github-actions[bot]", Kind::Actions)
    }

    /// With these permissions and that of reading metadata, and no others.
    #[must_use]
    pub fn only(mut self, permissions: &[(&str, Access)]) -> Self {
        let own = permissions
            .iter()
            .map(|(name, access)| ((*name).to_owned(), *access));
        self.caller.permissions = own.collect();
        self.caller
            .permissions
            .insert("metadata".to_owned(), Access::Read);
        self
    }

    /// Without one permission.
    #[must_use]
    pub fn without(mut self, permission: &str) -> Self {
        self.caller.permissions.remove(permission);
        self
    }
}

impl Caller {
    /// A person at GitHub's pages, who may do everything.
    pub fn person(login: &str) -> Self {
        Token::user("", login).caller
    }
}
