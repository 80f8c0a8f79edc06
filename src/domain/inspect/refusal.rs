//! Why nobody should boot an image: which rule, what was found, what was expected, and what to do.

use super::qcow2;

/// Why nobody should boot an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A rule is broken.
    #[error("it breaks the rule `{rule}`: {found}; expected {expected}; {remedy}")]
    Broken {
        /// The rule's name, the same for ever.
        rule: &'static str,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
        /// What to do.
        remedy: String,
    },
    /// One of qcow2 is broken.
    #[error(transparent)]
    Qcow2(#[from] qcow2::Refusal),
}

/// Why a cloud may refuse an image that is no danger.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{found}, which {who} refuses; {remedy}")]
pub struct Doubt {
    /// The rule's name, the same for ever.
    pub rule: &'static str,
    /// What was found.
    pub found: &'static str,
    /// Who refuses it.
    pub who: &'static str,
    /// What to do.
    pub remedy: &'static str,
}

impl Refusal {
    pub(super) fn new(
        rule: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self::Broken {
            rule,
            found: found.into(),
            expected: expected.into(),
            remedy: remedy.into(),
        }
    }

    /// One of an image whose publisher has to mend it.
    pub(super) fn damaged(
        rule: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::new(
            rule,
            found,
            expected,
            "take another build, or tell its publisher",
        )
    }

    /// One of an image that `qemu-img convert` can make a good one of, where its other files are.
    pub(super) fn convert(
        rule: &'static str,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) -> Self {
        Self::new(
            rule,
            found,
            expected,
            "convert it with `qemu-img convert` where it was made, and publish that",
        )
    }
}
