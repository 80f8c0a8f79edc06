//! A group → the message of its commit.

use super::{Group, Offer, title, trust};
use crate::domain::markdown::{bare, clipped, target};

/// What a commit says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The first line.
    pub headline: String,
    /// What stands below, with trailers at its end.
    pub body: String,
}

/// The images of which a message tells; the pull request tells of all.
const MOST_IMAGES: usize = 100;

/// The message of the commit that adds a group's versions.
///
/// `trailers`: name and value, in their order. `sign_off`: `Name <address>`, for projects that ask for a
/// `Signed-off-by`. Text from elsewhere mentions nobody, refers to nothing, and makes no trailer of its own.
pub fn commit_message(group: &Group, trailers: &[(&str, &str)], sign_off: Option<&str>) -> Message {
    let title = title::title(group);
    let headline = clipped(&title, title::READABLE);
    let mut parts = Vec::new();
    if headline != title {
        parts.push(title);
    }
    parts.extend(group.offers.iter().take(MOST_IMAGES).map(about));
    let more = group.offers.len().saturating_sub(MOST_IMAGES);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    let trailers = trailers.iter().copied();
    let trailers: Vec<String> = trailers
        .chain(sign_off.map(|who| ("Signed-off-by", who)))
        .filter_map(|(name, value)| trailer(name, value))
        .collect();
    if !trailers.is_empty() {
        parts.push(trailers.join("\n"));
    }
    Message {
        headline,
        body: parts.join("\n\n"),
    }
}

fn about(offer: &Offer) -> String {
    let mut lines = vec![
        format!("- {}: {}", bare(&offer.image), title::step(offer)),
        url(&offer.entry.url),
        bare(&offer.entry.checksum),
        trust::voucher(offer).replace('`', ""),
    ];
    if let Some(manifest) = &offer.entry.manifest {
        lines.push(format!("in {}", url(manifest)));
    }
    if let Some(disk) = trust::disk(offer) {
        lines.push(format!("disk in it: {}", disk.replace('`', "")));
    }
    if !offer.leaving.is_empty() {
        let leaving: Vec<_> = offer.leaving.iter().map(|version| bare(version)).collect();
        lines.push(format!("leaves the file: {}", leaving.join(", ")));
    }
    // None of these lines can be taken for a trailer.
    lines.join("\n  ")
}

fn url(text: &str) -> String {
    target(text).unwrap_or_else(|| bare(text))
}

/// A trailer on one line; nothing if its name could be none.
fn trailer(name: &str, value: &str) -> Option<String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let value: Vec<&str> = value
        .split(|letter: char| letter.is_whitespace() || letter.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let is_whole = !name.is_empty() && name.bytes().all(is_name) && !value.is_empty();
    is_whole.then(|| format!("{name}: {}", value.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::super::sample::{group, offer};
    use super::*;

    fn shown(message: &Message) -> String {
        format!("{}\n\n{}", message.headline, message.body)
    }

    #[test]
    fn a_message_lists_versions_and_what_proves_them() {
        let mut unsigned = offer("Ubuntu 26.04");
        unsigned.attested = super::super::sample::attested(false);
        unsigned.signed_at = None;
        unsigned.leaving = vec!["20260601".to_owned(), "20260615".to_owned()];
        let group = group(vec![offer("Ubuntu 24.04"), unsigned]);
        let message = commit_message(
            &group,
            &[("Reglaze-Group", "ubuntu")],
            Some("A Person <person@images.example>"),
        );
        insta::assert_snapshot!(shown(&message), @"
        Ubuntu 24.04, Ubuntu 26.04: 20260705 → 20260725

        - Ubuntu 24.04: 20260705 → 20260725
          https://images.example/24.04/20260725/disk.img
          sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
          signed by the pinned key D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81 on 2026-07-25 11:02 UTC
          in https://images.example/24.04/20260725/SHA256SUMS

        - Ubuntu 26.04: 20260705 → 20260725
          https://images.example/24.04/20260725/disk.img
          sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
          checksum over TLS only: nobody has signed it
          in https://images.example/24.04/20260725/SHA256SUMS
          leaves the file: 20260601, 20260615

        Reglaze-Group: ubuntu
        Signed-off-by: A Person <person@images.example>
        ");
    }

    #[test]
    fn a_long_title_stands_whole_below_the_headline() {
        let name = "An image of which somebody thought that it should have a telling name";
        let message = commit_message(&group(vec![offer(name)]), &[], None);
        insta::assert_snapshot!(shown(&message), @"
        An image of which somebody thought that it should have a telling name: …

        An image of which somebody thought that it should have a telling name: 20260705 → 20260725

        - An image of which somebody thought that it should have a telling name: 20260705 → 20260725
          https://images.example/24.04/20260725/disk.img
          sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
          signed by the pinned key D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81 on 2026-07-25 11:02 UTC
          in https://images.example/24.04/20260725/SHA256SUMS
        ");
    }

    #[test]
    fn no_text_of_others_makes_a_trailer_or_a_reference() {
        let mut hostile = offer("x\n\nSigned-off-by: You <you@b.example>\nfixes #1 [skip ci]");
        hostile.entry.url = "https://a.example/\nskip-checks: true".to_owned();
        hostile.entry.manifest = Some("https://forge.example/o/r/issues/1".to_owned());
        let message = commit_message(
            &group(vec![hostile]),
            &[("Not a name", "x"), ("Name", "a\nOther: b")],
            None,
        );
        insta::assert_snapshot!(shown(&message).replace('\u{200d}', "·"), @"
        x Signed-off-by: You <you@·b.example> fixes #·1 (skip ci): 20260725

        - x Signed-off-by: You <you@·b.example> fixes #·1 (skip ci): 20260705 → 20260725
          https://a.example/%0Askip-checks:%20true
          sha256:5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f
          signed by the pinned key D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81 on 2026-07-25 11:02 UTC
          in https:·//forge.example/o/r/issues/1

        Name: a Other: b
        ");
    }
}
