//! A version that a definition pins, and what its upstream says of it today → findings.
//!
//! Clouds that have a build keep it whatever becomes of it upstream. What is said here is for those that shall still
//! get it, and for who wonders what the bytes are worth.

use chrono::{DateTime, Days, NaiveDate, Utc};

use super::checksum::Checksum;
use super::definition::{Definition, Version};
use super::finding::{Finding, Level, Place};
use super::freshness::{built, newest};
use super::report::printable;
use super::version::Order;

/// What was found out about one pinned version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// What its manifest says.
    pub told: Told,
    /// Its file, and the copy of it; empty: not asked.
    pub files: Vec<File>,
    /// Why an upload would refuse what vouches for its digest.
    pub refused: Option<String>,
}

/// What a version's manifest says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// There is none to ask.
    Nothing,
    /// A digest.
    Digest {
        /// The manifest.
        by: String,
        /// The digest.
        checksum: Checksum,
        /// When it was changed, and where it lies.
        seen: Seen,
    },
    /// Digests, but none that can be compared.
    OtherDigests {
        /// The manifest.
        by: String,
        /// In words.
        reason: String,
    },
    /// The manifest is not there any more.
    Gone {
        /// The manifest.
        url: String,
    },
    /// The manifest is there and does not list the file.
    Unlisted {
        /// The manifest.
        url: String,
        /// The file's name.
        file: String,
    },
    /// It could not be asked.
    Unknown {
        /// Why.
        reason: String,
    },
}

impl Told {
    /// The document that says it, if one does.
    pub fn document(&self) -> Option<&str> {
        match self {
            Self::Digest { by, .. } | Self::OtherDigests { by, .. } => Some(by),
            Self::Unlisted { url, .. } => Some(url),
            Self::Nothing | Self::Gone { .. } | Self::Unknown { .. } => None,
        }
    }
}

/// When something was changed, by the clock of the server that has it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// `Last-Modified`.
    pub modified: Option<DateTime<Utc>>,
    /// The host after all redirects.
    pub host: String,
}

/// A file of a version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Its URL.
    pub url: String,
    /// Whether it is the copy at `mirror_url`.
    pub is_mirror: bool,
    /// What its server says.
    pub answer: Answer,
}

/// What a server says of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is there.
    There(Seen),
    /// It is not there any more.
    Gone,
    /// It could not be asked.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Why a version was asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Beside the newest build, which is what the run is for: a failure to ask is a warning.
    Beside,
    /// It is what the run is for: a failure to ask is an error, and no check is left out in silence.
    ForItself,
}

/// What is said of the version at this place of the list.
pub fn findings(definition: &Definition, at: usize, facts: &Facts, asked: Asked) -> Vec<Finding> {
    let Some(version) = definition.versions.get(at) else {
        return Vec::new();
    };
    let subject = Subject {
        definition,
        version,
        facts,
    };
    let mut findings = Vec::new();
    findings.extend(subject.vanished());
    findings.extend(subject.mirrors_vanished());
    findings.extend(subject.changed());
    findings.extend(subject.older_manifest());
    findings.extend(subject.refused());
    findings.extend(subject.unknown(asked));
    findings
}

/// Whether the version's manifest says something against it, which counts only under a good signature.
pub fn is_accused(definition: &Definition, version: &Version, facts: &Facts) -> bool {
    let subject = Subject {
        definition,
        version,
        facts,
    };
    let said = [
        subject.vanished(),
        subject.changed(),
        subject.older_manifest(),
    ];
    facts.told.document().is_some() && said.iter().any(Option::is_some)
}

/// Says that the upstream gives another digest under the same name. The entry is never edited in place.
pub fn changed(definition: &Definition, version: &Version, found: &Checksum, by: &str) -> Finding {
    let message = format!(
        "the upstream now gives `{found}` for `{}`{}, but version `{}` pins another digest: the file was changed in place, and \
         an upload would fail; find out from the upstream why, then remove the version and let `reglaze update --write` add \
         the build anew, or keep it if it is the upstream that is wrong",
        version.url.as_deref().unwrap_or_default(),
        if by.is_empty() {
            String::new()
        } else {
            format!(" in `{by}`")
        },
        version.version
    );
    Finding::error("digest-changed", message)
        .at(&definition.file, version.checksum_at)
        .image(&definition.name)
}

struct Subject<'a> {
    definition: &'a Definition,
    version: &'a Version,
    facts: &'a Facts,
}

impl Subject<'_> {
    fn finding(&self, level: Level, rule: &'static str, at: Place, message: String) -> Finding {
        Finding::new(level, rule, message)
            .at(&self.definition.file, at)
            .image(&self.definition.name)
    }

    /// The file at `url`.
    fn file(&self) -> Option<&File> {
        self.facts.files.iter().find(|file| !file.is_mirror)
    }

    /// The copies of it that are known not to be there.
    fn lost_mirrors(&self) -> impl Iterator<Item = &File> {
        let mirrors = self.facts.files.iter().filter(|file| file.is_mirror);
        mirrors.filter(|file| file.answer == Answer::Gone)
    }

    fn vanished(&self) -> Option<Finding> {
        let mut gone = Vec::new();
        match &self.facts.told {
            Told::Gone { url } => gone.push(format!("`{url}` is not there any more")),
            Told::Unlisted { url, file } => {
                gone.push(format!("`{url}` lists `{}` no longer", printable(file)));
            }
            _ => {}
        }
        let is_still_there = match self.file() {
            Some(File {
                url,
                answer: Answer::Gone,
                ..
            }) => {
                gone.push(format!("`{url}` is not there any more"));
                false
            }
            Some(File {
                answer: Answer::There(_),
                ..
            }) => true,
            _ => false,
        };
        if gone.is_empty() {
            return None;
        }
        let is_mirrored = self.lost_mirrors().count() < self.version.mirrors.len();
        let (level, then) = if is_mirrored {
            let then = "uploads read the copy at `mirror_url`, so nothing is to be done";
            (Level::Note, then.to_owned())
        } else {
            let newest = newest(self.definition, Order::default());
            let is_newest = newest.is_some_and(|newest| newest.at == self.version.at);
            let prune = if is_newest {
                "let a newer one take its place before you remove it"
            } else {
                "prune it"
            };
            let now = if is_still_there {
                ", while it lasts,"
            } else {
                ""
            };
            let then = format!(
                "clouds that have it keep it, but no other one can get it; copy it to a store of your own{now} and name that as \
                 `mirror_url`, or {prune}"
            );
            (Level::Warning, then)
        };
        let message = format!(
            "version `{}` has vanished upstream: {}{}; {then}",
            self.version.version,
            gone.join(", and "),
            if is_still_there {
                ", though the image still is"
            } else {
                ""
            },
        );
        Some(self.finding(level, "build-vanished", self.version.at, message))
    }

    fn mirrors_vanished(&self) -> impl Iterator<Item = Finding> {
        self.lost_mirrors().map(|lost| {
            let message = format!(
                "the copy of version `{}` at `{}` is not there any more, and uploads ask for it there first; put it back, or \
                 remove it from `mirror_url`",
                self.version.version, lost.url
            );
            let mut mirrors = self.version.mirrors.iter();
            let named = mirrors.find(|mirror| mirror.url == lost.url);
            let at = named.map_or(self.version.at, |mirror| mirror.at);
            self.finding(Level::Warning, "mirror-vanished", at, message)
        })
    }

    fn changed(&self) -> Option<Finding> {
        let Told::Digest {
            by,
            checksum: found,
            ..
        } = &self.facts.told
        else {
            return None;
        };
        let pinned = self.version.checksum.as_ref()?;
        let is_other = pinned.algorithm() == found.algorithm() && pinned != found;
        is_other.then(|| changed(self.definition, self.version, found, by))
    }

    /// A manifest is made from the image, so it cannot be older than it. Two things can be held against it:
    ///
    /// - the build's date, which is the upstream's own word: a mirror makes `Last-Modified` later, never earlier;
    /// - the image's `Last-Modified`, if both come from one host: two hosts have two clocks and were filled at two times.
    ///
    /// A day is allowed for, since builds are dated in some time zone and trees are filled in any order.
    fn older_manifest(&self) -> Option<Finding> {
        let Told::Digest { by, seen, .. } = &self.facts.told else {
            return None;
        };
        let modified = seen.modified?;
        let day = Days::new(1);
        let is_before = |date: NaiveDate| {
            let latest = modified.date_naive().checked_add_days(day);
            latest.is_some_and(|latest| latest < date)
        };
        let of_image = self.file().and_then(|file| match &file.answer {
            Answer::There(image) if image.host == seen.host => image.modified,
            _ => None,
        });
        let image = of_image.filter(|image| {
            modified
                .checked_add_days(day)
                .is_some_and(|latest| latest < *image)
        });
        let than = match (built(self.version).filter(|date| is_before(*date)), image) {
            (_, Some(image)) => format!("the image, which is of {}", image.date_naive()),
            (Some(date), None) => format!("the build, which is of {date}"),
            (None, None) => return None,
        };
        let message = format!(
            "`{by}` is of {}, older than {than}, so it cannot have been made from these bytes: somebody exchanged one of the two \
             without the other; an upload would show whether the digest still fits, so try one, or ask the upstream",
            modified.date_naive(),
        );
        Some(self.finding(Level::Warning, "manifest-older", self.version.at, message))
    }

    fn refused(&self) -> Option<Finding> {
        let reason = self.facts.refused.as_ref()?;
        let message = format!(
            "what vouches for version `{}` does not count any more, so an upload would be refused: {}",
            self.version.version,
            printable(reason)
        );
        Some(self.finding(Level::Error, "unproven", self.version.at, message))
    }

    fn unknown(&self, asked: Asked) -> Vec<Finding> {
        let (level, quiet) = match asked {
            Asked::Beside => (Level::Warning, true),
            Asked::ForItself => (Level::Error, false),
        };
        let mut findings = Vec::new();
        let mut tell = |at, reason: &str| {
            let message = format!(
                "nothing is known of version `{}`: {}",
                self.version.version,
                printable(reason)
            );
            findings.push(self.finding(level, "could-not-ask", at, message));
        };
        if let Told::Unknown { reason } = &self.facts.told {
            tell(self.version.at, reason);
        }
        for file in &self.facts.files {
            if let Answer::Unknown { reason } = &file.answer {
                tell(self.version.url_at, reason);
            }
        }
        if let (Told::OtherDigests { by, reason }, false) = (&self.facts.told, quiet) {
            let message = format!(
                "the digest of version `{}` cannot be compared with its upstream's: `{by}`: {}",
                self.version.version,
                printable(reason)
            );
            findings.push(self.finding(
                Level::Note,
                "not-compared",
                self.version.checksum_at,
                message,
            ));
        }
        findings
    }
}

#[cfg(test)]
mod tests;
