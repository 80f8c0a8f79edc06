//! `replace_frequency`: how old the newest image may become, by the standard scs-0102.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveTime, TimeDelta};

const DAY: i64 = 24 * 3600;
/// Seconds after which a promise of replacement is broken, without slack, as the standard's tests count them.
const FREQUENCIES: [(&str, i64); 5] = [
    ("yearly", 365 * DAY),
    ("quarterly", 92 * DAY),
    ("monthly", 31 * DAY),
    ("weekly", 7 * 25 * 3600),
    ("daily", 25 * 3600),
];
/// The text allows so much more, for weekends; the tests a tenth of the time. The stricter counts.
const WEEKEND: i64 = 3 * DAY;

/// How long an image may be the newest, and with the slack. Nothing for a word that promises no time.
pub fn allowed(frequency: &str) -> Option<(TimeDelta, TimeDelta)> {
    let (_, seconds) = FREQUENCIES.iter().find(|(name, _)| *name == frequency)?;
    let slack = (seconds / 10).min(WEEKEND);
    Some((
        TimeDelta::seconds(*seconds),
        TimeDelta::seconds(seconds + slack),
    ))
}

/// What to say of a newest image that is due to be replaced, before the promise is broken and after.
///
/// Nothing where no more images are promised: `provided_until` is `none`, `notice` or past.
pub fn due(
    properties: &BTreeMap<String, String>,
    built: NaiveDate,
    today: NaiveDate,
) -> Option<String> {
    let frequency = properties.get("replace_frequency")?;
    let (plain, with_slack) = allowed(frequency)?;
    let until = properties.get("provided_until")?;
    let until: NaiveDate = until.parse().ok()?;
    let start = built.and_time(NaiveTime::MIN);
    let (due, broken) = ((start + plain).date(), (start + with_slack).date());
    if today > until || today < due {
        return None;
    }
    let state = if today > broken {
        format!("which was broken on {broken}")
    } else {
        format!("which is broken after {broken}")
    };
    Some(format!(
        "is the newest and was built on {built}; `replace_frequency: {frequency}` promises another, {state}; run `reglaze \
         update --write`, or promise less"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(frequency: &str, until: &str, today: &str) -> Option<String> {
        let properties = [
            ("replace_frequency".to_owned(), frequency.to_owned()),
            ("provided_until".to_owned(), until.to_owned()),
        ]
        .into();
        due(
            &properties,
            "2026-10-01".parse().unwrap(),
            today.parse().unwrap(),
        )
    }

    #[test]
    fn a_month_has_three_days_of_slack_and_is_told_when_they_begin() {
        assert_eq!(said("monthly", "2027-01-01", "2026-10-31"), None);
        let due = said("monthly", "2027-01-01", "2026-11-01").unwrap();
        assert!(due.contains("is broken after 2026-11-04"), "{due}");
        assert!(
            said("monthly", "2027-01-01", "2026-11-04")
                .unwrap()
                .contains("is broken")
        );
        let broken = said("monthly", "2027-01-01", "2026-11-05").unwrap();
        assert!(broken.contains("was broken on 2026-11-04"), "{broken}");
    }

    #[test]
    fn a_week_has_a_tenth_of_slack_as_the_tests_count() {
        assert_eq!(said("weekly", "2027-01-01", "2026-10-07"), None);
        assert!(
            said("weekly", "2027-01-01", "2026-10-08")
                .unwrap()
                .contains("2026-10-09")
        );
    }

    #[test]
    fn where_nothing_more_is_promised_nothing_is_due() {
        for until in ["none", "notice", "2026-10-31"] {
            assert_eq!(said("monthly", until, "2027-06-01"), None);
        }
        assert_eq!(said("never", "2028-01-01", "2027-06-01"), None);
    }
}
