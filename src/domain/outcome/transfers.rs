//! How the bytes of a run's uploads came: a row for each stage, and which of them the others waited for.

use super::table::Table;
use super::{CloudOutcome, Tried};
use crate::domain::transferred::Transferred;

/// A table of all uploads; nothing without any. Clouds that shared a download are one upload.
pub fn table(clouds: &[CloudOutcome]) -> Option<Table> {
    let mut uploads: Vec<(&Tried, &Transferred, usize)> = Vec::new();
    for tried in clouds.iter().flat_map(|cloud| &cloud.steps) {
        let Some(transferred) = &tried.transferred else {
            continue;
        };
        let is_same = |(other, came, _): &&mut (&Tried, &Transferred, usize)| {
            other.step.image == tried.step.image && came.is_of_the_same_download(transferred)
        };
        match uploads.iter_mut().find(is_same) {
            Some((_, _, clouds)) => *clouds += 1,
            None => uploads.push((tried, transferred, 1)),
        }
    }
    if uploads.is_empty() {
        return None;
    }
    let head = ["upload", "stage", "MiB", "seconds", "MiB/s", ""];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for (tried, transferred, clouds) in uploads {
        rows.extend(of(tried, transferred, clouds));
    }
    Some(Table(rows))
}

fn of(tried: &Tried, transferred: &Transferred, clouds: usize) -> Vec<Vec<String>> {
    let version = tried.step.version.as_deref().unwrap_or_default();
    let mut name = format!("{} [{version}]", tried.step.image);
    if clouds > 1 {
        name = format!("{name} for {clouds} clouds");
    }
    let mebibytes = |bytes: u64| format!("{:.1}", bytes_as_mebibytes(bytes));
    let rate = |rate: Option<u64>| rate.map_or_else(|| "-".to_owned(), |rate| rate.to_string());
    let slowest = transferred.bottleneck();
    let mut rows = vec![vec![
        name,
        "all".to_owned(),
        mebibytes(transferred.bytes()),
        format!("{:.1}", transferred.took.as_secs_f64()),
        rate(transferred.rate()),
        String::new(),
    ]];
    rows.extend(transferred.stages.iter().map(|stage| {
        let is_slowest = slowest.is_some_and(|slowest| slowest.stage == stage.stage);
        vec![
            String::new(),
            stage.stage.clone(),
            if stage.bytes > 0 {
                mebibytes(stage.bytes)
            } else {
                String::new()
            },
            format!("{:.1}", stage.busy.as_secs_f64()),
            if stage.bytes > 0 {
                rate(stage.rate())
            } else {
                String::new()
            },
            if is_slowest {
                "the others waited for this".to_owned()
            } else {
                String::new()
            },
        ]
    }));
    rows
}

/// For people: one digit behind the point says enough.
#[expect(
    clippy::cast_precision_loss,
    reason = "a figure for people, with one digit behind the point"
)]
fn bytes_as_mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::{Map, Value};

    use super::*;
    use crate::domain::outcome::Outcome;
    use crate::domain::step::{Action, Step, Work};
    use crate::domain::transferred::StageTime;

    fn upload(image: &str, stages: &[(&str, u64, u64)]) -> Tried {
        let stage = |(stage, mebibytes, milliseconds): &(&str, u64, u64)| StageTime {
            stage: (*stage).to_owned(),
            bytes: mebibytes << 20,
            busy: Duration::from_millis(*milliseconds),
        };
        Tried {
            step: Step {
                action: Action::Upload,
                image: image.to_owned(),
                id: None,
                version: Some("1".to_owned()),
                from: Value::Null,
                to: Value::Null,
                changes: Map::new(),
                reason: String::new(),
                work: Work::None,
                withdrawal: false,
            },
            outcome: Some(Outcome::Done),
            error: None,
            transferred: Some(Transferred {
                transfer: image.len(),
                took: Duration::from_secs(4),
                stages: stages.iter().map(stage).collect(),
            }),
        }
    }

    fn cloud(name: &str, steps: Vec<Tried>) -> CloudOutcome {
        CloudOutcome {
            steps,
            ..CloudOutcome::failed(name, String::new())
        }
    }

    #[test]
    fn the_slowest_stage_is_told_and_a_shared_download_counts_once() {
        let stages = [
            ("download", 600, 3900),
            ("sha512", 600, 1000),
            ("Glance", 0, 20),
        ];
        let clouds = [
            cloud("a", vec![upload("Ubuntu", &stages)]),
            cloud(
                "b",
                vec![upload("Ubuntu", &stages), upload("Debian 13", &stages[..1])],
            ),
        ];
        insta::assert_snapshot!(table(&clouds).unwrap().text(), @r"
        upload                   stage     MiB    seconds  MiB/s
        Ubuntu [1] for 2 clouds  all       600.0  4.0      150
                                 download  600.0  3.9      153    the others waited for this
                                 sha512    600.0  1.0      600
                                 Glance           0.0
        Debian 13 [1]            all       600.0  4.0      150
                                 download  600.0  3.9      153    the others waited for this
        ");
        assert!(table(&clouds[..0]).is_none());
    }
}
