//! Who uses which image: the answer of a cloud's compute and volume services, and what may be concluded from it.
//!
//! Unused is what a complete answer does not name. Whatever was not answered, forbidden or partial means in use.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::finding::Finding;

/// Whether a service is asked who uses an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Asked {
    /// It must answer. One that the cloud's catalogue does not have leaves everything unknown.
    #[default]
    Asked,
    /// The cloud may lack it: then nobody uses an image by it.
    Absent,
}

/// Which services are asked who uses an image.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InUse {
    /// Nova: servers.
    pub compute: Asked,
    /// Cinder: volumes, and with them snapshots and servers that boot from a volume.
    pub volume: Asked,
}

/// The rule of the finding that nothing is known of use.
pub const UNKNOWN: &str = "use-unknown";

/// The finding that nothing is known of use, so that every image counts as used. Once for a cloud.
pub fn unknown(reason: &str) -> Finding {
    Finding::error(
        UNKNOWN,
        format!(
            "it is not known who uses which image, so all of them count as used and nothing is deleted or shared by use: {reason}"
        ),
    )
}

/// The use of one image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Use {
    /// Servers that were started from it.
    pub servers: usize,
    /// Volumes that were made from it.
    pub volumes: usize,
    /// The IDs of the projects that own these.
    pub projects: BTreeSet<String>,
}

/// What a cloud's services said at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uses {
    answer: Result<BTreeMap<String, Use>, String>,
}

/// What is known of one image's use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Usage<'a> {
    /// Every service answered completely, and none named it.
    Unused,
    /// Somebody uses it.
    Used(&'a Use),
    /// Some answer is missing, for this reason: it counts as used.
    Unknown(&'a str),
}

impl Use {
    /// Who it is, for people: `2 servers and 1 volume of the projects …`.
    pub fn who(&self) -> String {
        let counted = |count: usize, word: &str| match count {
            0 => None,
            1 => Some(format!("1 {word}")),
            _ => Some(format!("{count} {word}s")),
        };
        let what: Vec<String> = [
            counted(self.servers, "server"),
            counted(self.volumes, "volume"),
        ]
        .into_iter()
        .flatten()
        .collect();
        let projects: Vec<&str> = self.projects.iter().map(String::as_str).collect();
        let (shown, more) = projects.split_at(projects.len().min(3));
        let more = match more.len() {
            0 => String::new(),
            count => format!(" and {count} more"),
        };
        let word = if projects.len() == 1 {
            "project"
        } else {
            "projects"
        };
        format!(
            "{} of the {word} `{}`{more}",
            what.join(" and "),
            shown.join("`, `")
        )
    }
}

impl Default for Uses {
    /// Nobody was asked.
    fn default() -> Self {
        Self::unknown("nobody was asked which images are in use".to_owned())
    }
}

impl Uses {
    /// A complete answer, by image ID.
    pub fn complete(images: BTreeMap<String, Use>) -> Self {
        Self { answer: Ok(images) }
    }

    /// No complete answer, and why.
    pub fn unknown(reason: String) -> Self {
        Self {
            answer: Err(reason),
        }
    }

    /// What is known of an image.
    pub fn of(&self, id: &str) -> Usage<'_> {
        match &self.answer {
            Ok(images) => images.get(id).map_or(Usage::Unused, Usage::Used),
            Err(reason) => Usage::Unknown(reason),
        }
    }

    /// Why nothing is known, if that is so.
    pub fn gap(&self) -> Option<&str> {
        self.answer.as_ref().err().map(String::as_str)
    }
}

/// What services told so far: each server and volume that came from an image.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Tally {
    images: BTreeMap<String, Use>,
}

impl Tally {
    /// Notes a server that was started from an image.
    pub fn server(&mut self, image: &str, project: &str) {
        self.of(image, project).servers += 1;
    }

    /// Notes a volume that was made from an image.
    pub fn volume(&mut self, image: &str, project: &str) {
        self.of(image, project).volumes += 1;
    }

    fn of(&mut self, image: &str, project: &str) -> &mut Use {
        let one = self.images.entry(image.to_owned()).or_default();
        one.projects.insert(project.to_owned());
        one
    }

    /// Every service has answered completely.
    pub fn complete(self) -> Uses {
        Uses::complete(self.images)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_says_how_many_and_whose() {
        let mut tally = Tally::default();
        tally.server("a", "p1");
        tally.server("a", "p2");
        tally.volume("a", "p2");
        for project in ["p1", "p2", "p3", "p4", "p5"] {
            tally.volume("b", project);
        }
        tally.server("c", "p1");
        let uses = tally.complete();
        let who = |id: &str| match uses.of(id) {
            Usage::Used(one) => one.who(),
            other => format!("{other:?}"),
        };
        assert_eq!(
            who("a"),
            "2 servers and 1 volume of the projects `p1`, `p2`"
        );
        assert_eq!(
            who("b"),
            "5 volumes of the projects `p1`, `p2`, `p3` and 2 more"
        );
        assert_eq!(who("c"), "1 server of the project `p1`");
        assert_eq!(who("d"), "Unused");
    }

    #[test]
    fn where_nobody_answered_nothing_is_unused() {
        assert!(matches!(Uses::default().of("a"), Usage::Unknown(_)));
        let uses = Uses::unknown("Nova is down".to_owned());
        assert_eq!(uses.of("a"), Usage::Unknown("Nova is down"));
        assert_eq!(uses.gap(), Some("Nova is down"));
    }
}
