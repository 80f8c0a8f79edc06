//! What lies beside an image for whoever reviews it: lists of its packages, and its release notes. It proves nothing, and
//! an image without it is as good as one with it.

use super::Source;
use crate::domain::template::{Escape, Variables};

/// What lies beside an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    /// Where its packages are listed.
    pub packages: Option<PackageLists>,
    /// Template of the URL of its release notes.
    pub release_notes: Option<String>,
}

/// Where the packages of an image are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackageLists {
    /// The form of the list.
    pub form: PackageForm,
    /// Template of the list's URL. It names nothing that is not known of an older build too.
    pub url: String,
    /// Template of the URL of what has changed, as the upstream itself tells it; it also names `from`.
    pub changes: Option<String>,
}

/// The form of a list of packages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PackageForm {
    /// A line for each: name, white space, version.
    Lines,
    /// Debian's JSON, which has an item of kind `Build` with all packages.
    Debian,
}

impl PackageForm {
    /// All forms.
    pub const ALL: [Self; 2] = [Self::Lines, Self::Debian];

    /// Its word in source files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lines => "lines",
            Self::Debian => "debian",
        }
    }
}

impl Sides {
    /// The templates of all documents that are fetched.
    pub(super) fn urls(&self) -> impl Iterator<Item = &String> {
        let packages = self.packages.iter();
        packages.flat_map(|packages| std::iter::once(&packages.url).chain(&packages.changes))
    }
}

impl Source {
    /// Fills the template of something beside a build; nothing if it names what is not known of that build.
    pub fn beside(&self, template: &str, of_build: &Variables) -> Option<String> {
        let mut variables = of_build.clone();
        let stem = variables.get("file").map(|file| stem(file).to_owned());
        variables.extend(stem.map(|stem| ("stem".to_owned(), stem)));
        self.fill(template, &variables, Escape::Nothing).ok()
    }
}

/// A file's name without its last ending.
fn stem(file: &str) -> &str {
    match file.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::source;

    #[test]
    fn a_template_takes_what_is_known_of_a_build() {
        let text = include_str!("../../../sources/ubuntu.yml");
        let ubuntu = source::parse("ubuntu", "sources/ubuntu.yml", text).unwrap();
        let variables: Variables = [
            ("folder", "https://images.example/24.04/"),
            ("file", "ubuntu-24.04.img"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        let beside = |template| ubuntu.beside(template, &variables);
        assert_eq!(
            beside("{folder}{stem}.manifest").as_deref(),
            Some("https://images.example/24.04/ubuntu-24.04.manifest")
        );
        assert_eq!(beside("{folder}{version}"), None);
    }
}
