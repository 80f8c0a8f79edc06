//! Many clouds at a glance: what became of each image in each cloud.

use std::collections::BTreeSet;

use super::table::Table;
use super::{CloudOutcome, Outcome, Tried};

/// What stands where nothing happened.
const NOTHING: &str = "-";

/// Images by clouds: the first row names the clouds, the first column the images. Of one cloud there is nothing to compare.
pub fn table(clouds: &[CloudOutcome], is_applied: bool) -> Option<Table> {
    if clouds.len() < 2 {
        return None;
    }
    let images: BTreeSet<&str> = clouds
        .iter()
        .flat_map(|cloud| &cloud.steps)
        .map(|tried| tried.step.image.as_str())
        .collect();
    let head = std::iter::once(String::new()).chain(clouds.iter().map(|cloud| cloud.name.clone()));
    let mut rows = vec![head.collect()];
    rows.extend(images.into_iter().map(|image| {
        let cells = clouds.iter().map(|cloud| cell(cloud, image, is_applied));
        std::iter::once(image.to_owned()).chain(cells).collect()
    }));
    let total = clouds.iter().map(|cloud| total(cloud, is_applied));
    let total = std::iter::once("all".to_owned()).chain(total);
    rows.push(total.collect());
    Some(Table(rows))
}

fn cell(cloud: &CloudOutcome, image: &str, is_applied: bool) -> String {
    let steps = cloud.steps.iter().filter(|tried| tried.step.image == image);
    let steps: Vec<_> = steps.collect();
    match (&cloud.error, steps.is_empty()) {
        (Some(_), _) => "?".to_owned(),
        (None, true) => NOTHING.to_owned(),
        (None, false) => state(&steps, is_applied),
    }
}

fn total(cloud: &CloudOutcome, is_applied: bool) -> String {
    match (&cloud.error, cloud.steps.is_empty()) {
        (Some(_), _) => "FAILED".to_owned(),
        (None, true) => "nothing to do".to_owned(),
        (None, false) => state(&cloud.steps.iter().collect::<Vec<_>>(), is_applied),
    }
}

fn state(steps: &[&Tried], is_applied: bool) -> String {
    let count = |outcome| {
        let of = steps.iter().filter(|tried| tried.outcome == Some(outcome));
        of.count()
    };
    let (failed, skipped) = (count(Outcome::Failed), count(Outcome::Skipped));
    match (is_applied, failed, skipped) {
        (false, _, _) => format!("{} to do", steps.len()),
        (true, 0, 0) => format!("{} done", steps.len()),
        (true, 0, skipped) => format!("{} done, {skipped} skipped", steps.len() - skipped),
        (true, failed, _) => format!("{failed} FAILED"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value};

    use super::*;
    use crate::domain::step::{Action, Step, Work};

    fn cloud(name: &str, steps: &[(&str, Option<Outcome>)]) -> CloudOutcome {
        let tried = |(image, outcome): &(&str, Option<Outcome>)| Tried {
            step: Step {
                action: Action::Rename,
                image: (*image).to_owned(),
                id: None,
                version: None,
                from: Value::Null,
                to: Value::Null,
                changes: Map::new(),
                reason: String::new(),
                work: Work::None,
                withdrawal: false,
            },
            outcome: *outcome,
            error: None,
            transferred: None,
        };
        CloudOutcome {
            name: name.to_owned(),
            fingerprint: None,
            error: None,
            steps: steps.iter().map(tried).collect(),
            findings: Vec::new(),
        }
    }

    #[test]
    fn every_image_has_a_cell_for_every_cloud() {
        use Outcome::{Done, Failed, Skipped};
        let clouds = [
            cloud("prod", &[("Ubuntu", Some(Done)), ("Debian", Some(Done))]),
            cloud(
                "edge",
                &[("Ubuntu", Some(Failed)), ("Ubuntu", Some(Skipped))],
            ),
            CloudOutcome::failed("lab", "it does not answer".to_owned()),
            cloud("spare", &[]),
        ];
        let table = table(&clouds, true).unwrap();
        insta::assert_snapshot!(table.text(), @r"
                prod    edge      lab     spare
        Debian  1 done  -         ?       -
        Ubuntu  1 done  1 FAILED  ?       -
        all     2 done  1 FAILED  FAILED  nothing to do
        ");
        insta::assert_snapshot!(table.markdown(), @r"
        |  | prod | edge | lab | spare |
        |---|---|---|---|---|
        | Debian | 1 done | - | ? | - |
        | Ubuntu | 1 done | 1 FAILED | ? | - |
        | all | 2 done | 1 FAILED | FAILED | nothing to do |
        ");
    }

    #[test]
    fn one_cloud_needs_no_table() {
        assert!(table(&[cloud("prod", &[("Ubuntu", None)])], false).is_none());
        let two = [cloud("prod", &[("Ubuntu", None)]), cloud("edge", &[])];
        let text = table(&two, false).unwrap().text();
        assert!(text.contains("1 to do"), "{text}");
    }
}
