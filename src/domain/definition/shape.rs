//! The shape of a definition file: which keys stand where, and whether a text, a map or a list stands behind them.
//!
//! The typed reader stops at the first thing that it does not understand; this one goes on, so that a person sees
//! everything at once.

use serde::Deserialize;
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

use crate::domain::finding::{Finding, Place};
use crate::domain::nearest::nearest;
use crate::domain::yaml::{self, place};

/// What may stand behind a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Any mapping.
    Map,
    /// A list of texts.
    Texts,
    /// A text, or a list of them.
    TextOrTexts,
    /// A list of mappings with these keys.
    Entries(&'static Keys),
}

/// The keys of one mapping.
#[derive(Debug, PartialEq, Eq)]
struct Keys {
    /// What the mapping is, with its article.
    subject: &'static str,
    required: &'static [&'static str],
    known: &'static [(&'static str, Kind)],
}

const FILE: Keys = Keys {
    subject: "a file of definitions",
    required: &["images"],
    known: &[("images", Kind::Entries(&IMAGE))],
};

const IMAGE: Keys = Keys {
    subject: "a definition",
    required: &["name", "format", "versions"],
    known: &[
        ("name", Kind::Text),
        ("format", Kind::Text),
        ("login", Kind::Text),
        ("password", Kind::Text),
        ("min_disk", Kind::Text),
        ("min_ram", Kind::Text),
        ("status", Kind::Text),
        ("visibility", Kind::Text),
        ("multi", Kind::Text),
        ("separator", Kind::Text),
        ("keep", Kind::Text),
        ("enable", Kind::Text),
        ("shortname", Kind::Text),
        ("meta", Kind::Map),
        ("tags", Kind::Texts),
        ("versions", Kind::Entries(&VERSION)),
        ("latest_url", Kind::Text),
        ("latest_checksum_url", Kind::Text),
        ("upstream", Kind::Map),
        ("vars", Kind::Map),
        ("policy", Kind::Map),
        ("transfer", Kind::Map),
    ],
};

const VERSION: Keys = Keys {
    subject: "a version",
    required: &["version"],
    known: &[
        ("version", Kind::Text),
        ("url", Kind::Text),
        ("mirror_url", Kind::TextOrTexts),
        ("checksum", Kind::Text),
        ("disk_checksum", Kind::Text),
        ("computed", Kind::Texts),
        ("checksum_url", Kind::Text),
        ("checksums_url", Kind::Text),
        ("build_date", Kind::Text),
        ("os_version", Kind::Text),
        ("visibility", Kind::Text),
        ("hidden", Kind::Text),
        ("meta", Kind::Map),
        ("source", Kind::Text),
        ("id", Kind::Text),
        ("image_description", Kind::Text),
        ("manifest", Kind::Text),
        ("signed_by", Kind::Text),
    ],
};

/// What [`check`] found.
pub(super) struct Checked {
    /// Unknown keys, missing keys, and values of the wrong kind.
    pub findings: Vec<Finding>,
    /// Whether every value has its kind, so that the typed reader gets through.
    pub readable: bool,
}

/// Checks keys and kinds of a whole file.
///
/// # Errors
/// The text is no YAML, or says a key twice.
pub(super) fn check(file: &str, text: &str) -> Result<Checked, Box<Finding>> {
    let root: Spanned<Shape> = yaml::read(file, text)?;
    let mut checker = Checker {
        file,
        findings: Vec::new(),
        readable: true,
    };
    checker.mapping(&root, &FILE, None);
    Ok(Checked {
        findings: checker.findings,
        readable: checker.readable,
    })
}

/// How many definitions a file holds, as far as it can be told; a broken file has some too.
pub(super) fn entries(text: &str) -> usize {
    let Ok(root) = yaml::read::<Spanned<Shape>>("", text) else {
        return 0;
    };
    match root.value.get("images") {
        Some(Shape::List(images)) => images.len(),
        _ => 0,
    }
}

struct Checker<'a> {
    file: &'a str,
    findings: Vec<Finding>,
    readable: bool,
}

impl Checker<'_> {
    fn refuse(&mut self, at: Place, message: String, image: Option<&str>) {
        let finding = Finding::error("schema", message).at(self.file, at);
        self.findings.push(match image {
            Some(image) => finding.image(image),
            None => finding,
        });
    }

    fn mapping(&mut self, node: &Spanned<Shape>, keys: &'static Keys, image: Option<&str>) {
        let at = place(node);
        let Shape::Map(pairs) = &node.value else {
            self.readable = false;
            let found = node.value.kind();
            let required = keys.required.join("`, `");
            let message = format!(
                "{found} stands here; expected {} with the keys `{required}`",
                keys.subject
            );
            return self.refuse(at, message, image);
        };
        let image = node.value.text("name").or(image);
        for required in keys.required {
            if node.value.get(required).is_none() {
                let message = format!("{} needs the key `{required}`; add it", keys.subject);
                self.refuse(at, message, image);
            }
        }
        for (key, value) in pairs {
            let known = keys.known.iter().find(|(name, _)| *name == key.value);
            match known {
                Some((name, kind)) => self.value(name, value, *kind, image),
                None => self.unknown(key, keys, image),
            }
        }
    }

    fn unknown(&mut self, key: &Spanned<String>, keys: &'static Keys, image: Option<&str>) {
        let names = || keys.known.iter().map(|(name, _)| *name);
        let hint = match nearest(&key.value, names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => format!("expected one of {}", names().collect::<Vec<_>>().join(", ")),
        };
        let message = format!("{} has no key `{}`; {hint}", keys.subject, key.value);
        self.refuse(place(key), message, image);
    }

    fn value(&mut self, key: &str, node: &Spanned<Shape>, kind: Kind, image: Option<&str>) {
        let expected = match (&node.value, kind) {
            // An empty value is an absent one; where it must not be absent, the typed reader says so.
            (Shape::Null, _)
            | (Shape::Text(_), Kind::Text | Kind::TextOrTexts)
            | (Shape::Map(_), Kind::Map) => return,
            (Shape::List(items), Kind::Entries(keys)) => {
                return items
                    .iter()
                    .for_each(|item| self.mapping(item, keys, image));
            }
            (Shape::List(items), Kind::Texts | Kind::TextOrTexts) => {
                let odd = items
                    .iter()
                    .find(|item| !matches!(item.value, Shape::Text(_)));
                let Some(odd) = odd else { return };
                self.readable = false;
                let message = format!("`{key}` holds {}; expected a text", odd.value.kind());
                return self.refuse(place(odd), message, image);
            }
            (_, Kind::Text) => "one value",
            (_, Kind::Map) => "a mapping of keys to values",
            (_, Kind::Texts) => "a list of texts",
            (_, Kind::TextOrTexts) => "one value, or a list of them",
            (_, Kind::Entries(_)) => "a list; each entry begins with a dash",
        };
        self.readable = false;
        let message = format!("`{key}` is {}; expected {expected}", node.value.kind());
        self.refuse(place(node), message, image);
    }
}

/// Any YAML value, with the places of all that is in it.
enum Shape {
    Null,
    Text(String),
    List(Vec<Spanned<Shape>>),
    Map(Vec<(Spanned<String>, Spanned<Shape>)>),
}

impl Shape {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "nothing",
            Self::Text(_) => "a single value",
            Self::List(_) => "a list",
            Self::Map(_) => "a mapping",
        }
    }

    fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Map(pairs) => pairs
                .iter()
                .find(|(name, _)| name.value == key)
                .map(|(_, node)| &node.value),
            _ => None,
        }
    }

    fn text(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

/// Scalars other than texts carry nothing that this reader needs.
impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("a value, a list or a mapping")
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Null)
    }

    fn visit_some<D: serde::Deserializer<'de>>(self, inner: D) -> Result<Shape, D::Error> {
        Shape::deserialize(inner)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_string()))
    }

    fn visit_i128<E>(self, value: i128) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_string()))
    }

    fn visit_u128<E>(self, value: u128) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Shape, E> {
        Ok(Shape::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, _: &[u8]) -> Result<Shape, E> {
        Ok(Shape::Text(String::new()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Shape::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        let mut pairs = Vec::new();
        while let Some(key) = access.next_key::<Spanned<String>>()? {
            pairs.push((key, access.next_value()?));
        }
        Ok(Shape::Map(pairs))
    }
}
