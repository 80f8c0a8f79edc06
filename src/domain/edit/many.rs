//! Several changes of one file at once: read and checked once, however many images change.

use super::{Change, Refusal, Target, check, edit, list, piece, tree};

/// Applies changes of different images to the text of a definition file.
///
/// Gives the text with every change that could be made, and for each change the reason if it could not. The text is
/// what [`edit`] would give for one change after another.
pub fn edit_all(text: &str, changes: &[Change]) -> (String, Vec<Option<Refusal>>) {
    at_once(text, changes).unwrap_or_else(|| one_by_one(text, changes))
}

/// Nothing, if the whole is not what the changes say: then one of them is to blame, and this does not tell which.
fn at_once(text: &str, changes: &[Change]) -> Option<(String, Vec<Option<Refusal>>)> {
    let root = tree::parse(text).ok()?;
    let old = check::read(text).ok()?;
    let mut expected = old.clone();
    let mut pieces = Vec::new();
    let mut refusals = Vec::new();
    for change in changes {
        if change.add.is_none() && change.remove.is_empty() {
            refusals.push(None);
            continue;
        }
        let planned = Target::find(&root, change.image).and_then(|target| {
            let splices = list::splices(text, &root, &old, &target, change)?;
            Ok((target.index, splices))
        });
        match planned {
            Ok((index, splices)) => {
                expected = check::expected(expected, index, change, &splices.carried)?;
                pieces.extend(splices.pieces);
                refusals.push(None);
            }
            Err(refusal) => refusals.push(Some(refusal)),
        }
    }
    let edited = piece::apply(text, pieces);
    (check::read(&edited).ok()? == expected).then_some((edited, refusals))
}

fn one_by_one(text: &str, changes: &[Change]) -> (String, Vec<Option<Refusal>>) {
    let mut text = text.to_owned();
    let refusals = changes
        .iter()
        .map(|change| match edit(&text, change) {
            Ok(edited) => {
                text = edited;
                None
            }
            Err(refusal) => Some(refusal),
        })
        .collect();
    (text, refusals)
}

#[cfg(test)]
mod tests {
    use super::super::{NewEntry, Position};
    use super::*;

    fn entry(version: &str) -> NewEntry {
        NewEntry {
            version: version.to_owned(),
            url: format!("https://images.example/{version}/a.img"),
            checksum: format!("sha256:{}", "a".repeat(64)),
            disk_checksum: None,
            computed: Vec::new(),
            build_date: None,
            manifest: None,
            signed_by: None,
        }
    }

    const TEXT: &str = "images:
  - name: A
    versions: []
  - name: B   # the second
    versions:
      - version: '1'
        url: https://images.example/1/a.img

      - version: '2'
        url: https://images.example/2/a.img
  - name: C
    versions: &list []
  - name: D
    versions: *list
  - name: E
    versions: [{version: '1', url: https://images.example/1/a.img}]";

    #[test]
    fn all_at_once_gives_what_one_after_another_gives() {
        let new = entry("3");
        let change = |image, remove| Change {
            image,
            add: Some(&new),
            remove,
            position: Position::Last,
        };
        let changes = [
            change("E", &[]),
            change("A", &[]),
            change("B", &[0]),
            change("C", &[]),
            change("nobody", &[]),
        ];
        let (edited, refusals) = at_once(TEXT, &changes).unwrap();
        let refused = |refusals: &[Option<Refusal>]| -> Vec<bool> {
            refusals.iter().map(Option::is_some).collect()
        };
        assert_eq!(refused(&refusals), [false, false, false, true, true]);
        // Their lines are those of the file, not of what earlier changes have made of it.
        assert_eq!(refusals[3].as_ref().unwrap().line, 12);
        let (other, other_refusals) = one_by_one(TEXT, &changes);
        assert_eq!(
            (&edited, refused(&refusals)),
            (&other, refused(&other_refusals))
        );
        assert_eq!(edit_all(TEXT, &changes), (edited, refusals));
    }

    #[test]
    fn a_file_that_cannot_be_read_refuses_every_change() {
        let new = entry("3");
        let change = Change {
            image: "A",
            add: Some(&new),
            remove: &[],
            position: Position::First,
        };
        let (text, refusals) = edit_all("images: [", &[change, change]);
        assert_eq!(text, "images: [");
        assert!(refusals.iter().all(Option::is_some));
    }
}
