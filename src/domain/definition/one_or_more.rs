//! A key behind which one text stands, or a list of texts, each with its place.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_saphyr::Spanned;

/// One text, whose place is that of the value, or several.
pub(super) enum OneOrMore {
    One(String),
    More(Vec<Spanned<String>>),
}

impl<'de> Deserialize<'de> for OneOrMore {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Either)
    }
}

struct Either;

/// Whatever scalar YAML makes of a text that is no URL, a person gets to see that text.
impl<'de> Visitor<'de> for Either {
    type Value = OneOrMore;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a text, or a list of texts")
    }

    fn visit_str<E>(self, text: &str) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<OneOrMore, E> {
        Ok(OneOrMore::One(value.to_string()))
    }

    fn visit_unit<E>(self) -> Result<OneOrMore, E> {
        Ok(OneOrMore::More(Vec::new()))
    }

    fn visit_none<E>(self) -> Result<OneOrMore, E> {
        Ok(OneOrMore::More(Vec::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<OneOrMore, A::Error> {
        let mut texts = Vec::new();
        while let Some(text) = access.next_element()? {
            texts.push(text);
        }
        Ok(OneOrMore::More(texts))
    }
}
