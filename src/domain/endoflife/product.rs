//! The document of a product → its lines. Fields may be absent, null, dates or switches: nothing but the names of the
//! lines is relied on.

use chrono::NaiveDate;
use serde_json::Value;

use super::Ends;
use crate::domain::report::printable;

/// A product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its name for people.
    pub label: String,
    /// Its lines of releases, as they are listed.
    pub lines: Vec<Line>,
}

/// A line of releases.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name, such as `24.04`.
    pub name: String,
    /// When its first release appeared.
    pub released: Option<NaiveDate>,
    /// Whether it has long-term support.
    pub is_lts: bool,
    /// Of active support.
    pub active: End,
    /// Of life.
    pub life: End,
    /// Of extended support.
    pub extended: End,
}

/// When a phase of support ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// There is no such phase, or nothing is said of it.
    Unsaid,
    /// Not yet, on a day that is not known.
    Ahead,
    /// It has ended, on a day that is not known.
    Over,
    /// On this day.
    On(NaiveDate),
}

/// A document that tells of no product.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EndOfLifeError {
    /// Something else.
    #[error("`{url}` has no list `result.releases`; expected a product as API v1 gives it")]
    NoReleases {
        /// The document.
        url: String,
    },
}

impl Product {
    /// Reads the document of a product; entries that are no lines are passed over. Fails with [`EndOfLifeError`].
    pub fn read(url: &str, document: &Value) -> Result<Self, EndOfLifeError> {
        let result = &document["result"];
        let releases = result["releases"]
            .as_array()
            .ok_or_else(|| EndOfLifeError::NoReleases {
                url: url.to_owned(),
            })?;
        let label = ["label", "name"]
            .iter()
            .find_map(|key| result[key].as_str())
            .unwrap_or_default();
        Ok(Self {
            label: printable(label),
            lines: releases.iter().filter_map(Line::read).collect(),
        })
    }

    /// The line of this name.
    pub fn line(&self, name: &str) -> Option<&Line> {
        self.lines.iter().find(|line| line.name == name)
    }
}

impl Line {
    fn read(release: &Value) -> Option<Self> {
        let end = |phase: &str| End::read(&release[format!("is{phase}")], &release[from(phase)]);
        Some(Self {
            name: printable(release["name"].as_str()?),
            released: date(&release["releaseDate"]),
            is_lts: release["isLts"].as_bool().unwrap_or_default(),
            active: end("Eoas"),
            life: end("Eol"),
            extended: end("Eoes"),
        })
    }

    /// The end that counts. A phase that the line does not have ends with its life: an interim release of Ubuntu gets
    /// no extended support.
    pub fn end(&self, ends: Ends) -> End {
        let end = match ends {
            Ends::Eol => self.life,
            Ends::Eoes => self.extended,
            Ends::Eoas => self.active,
        };
        match end {
            End::Unsaid => self.life,
            said => said,
        }
    }
}

impl End {
    /// A date says more than a switch, which was true or false on the day that the document was made.
    fn read(is_over: &Value, from: &Value) -> Self {
        if let Some(date) = date(from).or_else(|| date(is_over)) {
            return Self::On(date);
        }
        match from.as_bool().or_else(|| is_over.as_bool()) {
            Some(true) => Self::Over,
            Some(false) => Self::Ahead,
            None => Self::Unsaid,
        }
    }

    /// Whether it is over on this day.
    pub fn is_over(self, today: NaiveDate) -> bool {
        match self {
            Self::Over => true,
            Self::On(date) => date <= today,
            Self::Unsaid | Self::Ahead => false,
        }
    }
}

/// `isEol` has its date in `eolFrom`.
fn from(phase: &str) -> String {
    format!("{}From", phase.to_ascii_lowercase())
}

fn date(value: &Value) -> Option<NaiveDate> {
    NaiveDate::parse_from_str(value.as_str()?, "%Y-%m-%d").ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::captures::capture_text;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_field_may_be_absent_null_a_date_or_a_switch() {
        let document = json!({"result": {"name": "own", "releases": [
            {"name": "5", "releaseDate": "2026-01-02", "isLts": true, "isEol": false, "eolFrom": "2027-01-01",
             "isEoes": null, "eoesFrom": null},
            {"name": "4", "isEol": true, "eolFrom": null, "isEoas": false},
            {"name": "3", "isEol": false, "eolFrom": true, "eoesFrom": "soon", "eoasFrom": 7, "isLts": "yes"},
            {"name": "2", "isEol": "2020-02-02"},
            {"name": 1}, "0", null
        ]}});
        let product = Product::read("https://a.example", &document).unwrap();
        let ends: Vec<_> = product
            .lines
            .iter()
            .map(|line| (line.name.as_str(), line.active, line.life, line.extended))
            .collect();
        assert_eq!(
            ends,
            [
                ("5", End::Unsaid, End::On(day("2027-01-01")), End::Unsaid),
                ("4", End::Ahead, End::Over, End::Unsaid),
                ("3", End::Unsaid, End::Over, End::Unsaid),
                ("2", End::Unsaid, End::On(day("2020-02-02")), End::Unsaid),
            ]
        );
        let five = &product.lines[0];
        assert_eq!(
            (five.released, five.is_lts),
            (Some(day("2026-01-02")), true)
        );
        assert_eq!(five.end(Ends::Eoes), End::On(day("2027-01-01")));
        assert_eq!(product.label, "own");
    }

    #[test]
    fn what_is_no_product_of_api_v1_is_an_error() {
        for document in [
            json!([{"cycle": "24.04", "eol": "2029-05-31"}]),
            json!({"result": {"releases": {}}}),
            json!(null),
        ] {
            let error = Product::read("https://a.example/x", &document).unwrap_err();
            assert!(error.to_string().contains("https://a.example/x"), "{error}");
        }
    }

    #[test]
    fn the_documented_products_are_read_with_all_their_dates() {
        for (name, line, end, ends) in [
            ("ubuntu", "22.04", "2027-04-01", Ends::Eol),
            ("ubuntu", "25.10", "2026-07-01", Ends::Eoes),
            ("debian", "11", "2026-08-31", Ends::Eoes),
            ("fedora", "43", "2026-12-09", Ends::Eol),
            ("almalinux", "9", "2027-05-31", Ends::Eoas),
        ] {
            let path =
                format!("endoflife.date/reconstructed/endoflife.date/api/v1/products/{name}.json");
            let Some(text) = capture_text(&path) else {
                return;
            };
            let product = Product::read("", &serde_json::from_str(&text).unwrap()).unwrap();
            let line = product.line(line).unwrap();
            assert_eq!(line.end(ends), End::On(day(end)), "{name} {line:?}");
        }
        // The older API has another form, and its real answers are refused.
        let Some(old) = capture_text("endoflife.date/endoflife.date/api/ubuntu.json") else {
            return;
        };
        assert!(Product::read("", &serde_json::from_str(&old).unwrap()).is_err());
    }
}
