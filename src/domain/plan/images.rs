//! A cloud's images by what plans ask for, so that a plan of thousands does not look at every image for each definition.

use std::collections::BTreeMap;

use super::belongs_to;
use crate::domain::snapshot::{CloudImage, Snapshot};

/// The images of a snapshot by name and by definition.
#[derive(Debug, Default)]
pub struct Images<'a> {
    ours: Group<'a>,
    foreign: Group<'a>,
}

/// Images by two keys, the elder first in each list.
#[derive(Debug, Default)]
pub struct Group<'a> {
    of: BTreeMap<&'a str, Vec<&'a CloudImage>>,
    named: BTreeMap<&'a str, Vec<&'a CloudImage>>,
}

impl<'a> Images<'a> {
    /// Sorts a snapshot's images.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            ours: Group::new(snapshot.ours()),
            foreign: Group::new(snapshot.foreign()),
        }
    }

    /// The images with our mark.
    pub fn ours(&self) -> &Group<'a> {
        &self.ours
    }

    /// The others, as far as they matter.
    pub fn foreign(&self) -> &Group<'a> {
        &self.foreign
    }
}

impl<'a> Group<'a> {
    fn new(images: &'a [CloudImage]) -> Self {
        let mut group = Self::default();
        for image in images {
            if let Some(definition) = belongs_to(image) {
                group.of.entry(definition).or_default().push(image);
            }
            if let Some(name) = &image.name {
                group.named.entry(name).or_default().push(image);
            }
        }
        group
    }

    /// Those that belong to a definition.
    pub fn of(&self, definition: &str) -> impl Iterator<Item = &'a CloudImage> {
        self.of.get(definition).into_iter().flatten().copied()
    }

    /// All of them that belong to some definition, by its name.
    pub fn by_definition(
        &self,
    ) -> impl Iterator<Item = (&'a str, impl Iterator<Item = &'a CloudImage>)> {
        self.of
            .iter()
            .map(|(name, images)| (*name, images.iter().copied()))
    }

    /// Those that bear one of these display names, the elder first, and each once.
    pub fn named(&self, names: &[String]) -> Vec<&'a CloudImage> {
        let lists = names
            .iter()
            .filter_map(|name| self.named.get(name.as_str()));
        let mut images: Vec<_> = lists.flatten().copied().collect();
        images.sort_by_key(|image| (image.created_at, &image.id));
        images.dedup_by_key(|image| &image.id);
        images
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::wanted::IMAGE_NAME;
    use chrono::DateTime;

    fn image(id: &str, name: &str, definition: &str, age: i64) -> CloudImage {
        CloudImage {
            id: id.to_owned(),
            name: Some(name.to_owned()),
            owner: Some("us".to_owned()),
            tags: ["mark".to_owned()].into(),
            created_at: DateTime::from_timestamp(-age, 0).unwrap(),
            properties: [(IMAGE_NAME.to_owned(), definition.to_owned())].into(),
            ..CloudImage::default()
        }
    }

    #[test]
    fn images_are_found_by_definition_and_by_name_the_elder_first() {
        let images = [
            image("a", "A", "A", 1),
            image("b", "A (1)", "A", 2),
            image("c", "A", "C", 3),
        ];
        let snapshot = Snapshot::new(images, "mark", "us");
        let images = Images::new(&snapshot);
        let of: Vec<_> = images
            .ours()
            .of("A")
            .map(|image| image.id.as_str())
            .collect();
        assert_eq!(of, ["b", "a"]);
        let named = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
            let images = images.ours().named(&names).into_iter();
            images.map(|image| image.id.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(named(&["A"]), ["c", "a"]);
        assert_eq!(named(&["A", "A (1)", "A"]), ["c", "b", "a"]);
        assert_eq!(named(&["B"]), [""; 0]);
        assert_eq!(images.foreign().of("A").count(), 0);
    }
}
