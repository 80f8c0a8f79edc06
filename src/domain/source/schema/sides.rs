//! What lies beside an image: the keys `packages` and `release_notes`.

use serde_saphyr::Spanned;

use super::Reader;
use super::raw::RawPackages;
use crate::domain::source::{PackageForm, PackageLists, Sides};
use crate::domain::yaml::place;

impl Reader<'_> {
    /// `release_notes` may name all that is known here; lists of packages only what is known of older builds too.
    pub(super) fn sides(
        &mut self,
        packages: Option<&RawPackages>,
        release_notes: Option<&Spanned<String>>,
    ) -> Sides {
        let known = self.known.clone();
        self.know(["stem".to_owned()]);
        let release_notes = release_notes.map(|url| self.https(url.clone(), "release_notes"));
        self.known.clear();
        self.know(self.outside.clone());
        self.know(["url", "folder", "file", "stem", "version"].map(str::to_owned));
        let packages = packages.and_then(|packages| self.packages(packages.clone()));
        self.known = known;
        Sides {
            packages,
            release_notes,
        }
    }

    fn packages(&mut self, raw: RawPackages) -> Option<PackageLists> {
        let mut forms = PackageForm::ALL.into_iter();
        let form = forms.find(|form| form.name() == raw.form.value);
        if form.is_none() {
            let message = format!(
                "`form` is `{}`; expected `lines` or `debian`",
                raw.form.value
            );
            self.refuse(place(&raw.form), message);
        }
        let url = self.document(raw.url, "url");
        self.know(["from".to_owned()]);
        let changes = raw.changes.map(|url| self.document(url, "changes"));
        Some(PackageLists {
            form: form?,
            url,
            changes,
        })
    }

    /// A template of an https URL, or of one beside the image.
    fn document(&mut self, raw: Spanned<String>, key: &str) -> String {
        if raw.value.starts_with("{folder}") || raw.value.starts_with("{url}") {
            return self.template(raw);
        }
        self.https(raw, key)
    }
}
