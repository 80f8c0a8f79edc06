//! A fake whose every request and answer is judged at the end.

use std::ops::Deref;

use super::super::fake::Fake;
use super::prism::Prism;

/// A fake with a Prism that starts while the test works.
pub struct Judged {
    fake: Fake,
    prism: Prism,
}

impl Judged {
    pub fn start() -> Self {
        Self::of(Fake::start())
    }

    pub fn of(fake: Fake) -> Self {
        // GitHub's description has no paths that name a repository by its number.
        fake.settings(|settings| settings.links_by_number = false);
        Self {
            fake,
            prism: Prism::start(),
        }
    }

    /// What was wrong with any request or answer so far, of both APIs.
    pub fn violations(&mut self) -> Vec<String> {
        let mut found = self.prism.violations(&self.fake.log());
        found.extend(self.fake.violations());
        found
    }

    pub fn assert_no_violations(&mut self) {
        let found = self.violations();
        assert!(
            found.is_empty(),
            "{} violations:\n{}",
            found.len(),
            found.join("\n")
        );
    }
}

impl Deref for Judged {
    type Target = Fake;

    fn deref(&self) -> &Fake {
        &self.fake
    }
}
