//! Lines of releases and when they end, as <https://endoflife.date> tells (API v1), and what its dates mean for us.
//!
//! What the dates mean differs: Ubuntu's extended support is for subscribers only, Debian's for everybody. So a source
//! says as data which date is its end, and which lines are worth announcing ([`Meaning`]).

mod findings;
mod product;

use std::collections::BTreeSet;

use serde::Serialize;

pub use findings::{Tracked, ended, new_lines, unknown};
pub use product::{End, EndOfLifeError, Line, Product};

/// Where the address of a product stands.
const PRODUCTS: &str = "https://endoflife.date/api/v1/products/";

/// What a source says of its lines of releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Meaning {
    /// The product's name at endoflife.date.
    pub product: String,
    /// Template of a line's name there, over the source's parameters.
    pub release: String,
    /// Which date is the end.
    pub ends: Ends,
    /// Which new lines are announced.
    pub lines: Lines,
}

/// Which of a line's dates is its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Ends {
    /// Of security fixes for everybody.
    #[default]
    Eol,
    /// Of extended support, where everybody gets it.
    Eoes,
    /// Of active support, after which little more comes.
    Eoas,
}

impl Ends {
    /// The word in source files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Eol => "eol",
            Self::Eoes => "eoes",
            Self::Eoas => "eoas",
        }
    }
}

/// Which new lines are announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Lines {
    /// Every one.
    #[default]
    All,
    /// Those with long-term support.
    Lts,
}

impl Meaning {
    /// The document that tells of a product.
    pub fn url(product: &str) -> String {
        format!("{PRODUCTS}{product}")
    }

    /// The hosts from which it may come.
    pub fn hosts() -> BTreeSet<String> {
        BTreeSet::from(["endoflife.date".to_owned()])
    }
}

/// Whether a text can be the name of a product: it becomes part of a URL.
pub fn is_product(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-')
}
