//! JSON documents: a path gives the builds, patterns over their values tell which ones count and what they are.

use serde_json::Value;
use serde_json_path::{JsonPath, PathElement};

use super::{Ask, Find, IndexError, Kind, Step};
use crate::domain::pattern::Pattern;
use crate::domain::source::Engine;

/// What a build must match: its key, or values below it.
struct Condition {
    /// Absent: the key under which the build stands.
    path: Option<JsonPath>,
    pattern: Pattern,
}

pub(super) fn step(ask: &Ask) -> Result<Step, IndexError> {
    let Engine::Json { url, each, matches } = &ask.index.engine else {
        return Ok(Step::Need(Vec::new()));
    };
    let url = ask.fill(url)?;
    let document = match ask.document(&url, Kind::Json) {
        Ok(document) => document,
        Err(need) => return Ok(need),
    };
    let conditions = matches
        .iter()
        .map(|(path, pattern)| {
            Ok(Condition {
                path: match path.as_str() {
                    "key" => None,
                    path => Some(json_path(ask, path)?),
                },
                pattern: ask.pattern(pattern)?,
            })
        })
        .collect::<Result<Vec<_>, IndexError>>()?;
    let each_path = json_path(ask, &ask.fill(each)?)?;
    let builds = each_path.query_located(document.json()?);
    let count = builds.len();
    // One at a time: there may be millions.
    let finds = builds.into_iter().filter_map(|build| {
        let key = match build.location().iter().last() {
            Some(PathElement::Name(name)) => (*name).to_owned(),
            Some(PathElement::Index(index)) => index.to_string(),
            None => String::new(),
        };
        find(ask, &conditions, &key, build.node())
    });
    let newest = ask.newest(finds).ok_or_else(|| {
        let patterns: Vec<_> = conditions
            .iter()
            .map(|condition| format!("`{}`", condition.pattern))
            .collect();
        IndexError::Absent {
            url: url.clone(),
            found: format!("{count} builds"),
            expected: format!("one that matches {}", patterns.join(" and ")),
        }
    })?;
    ask.found(&url, &newest)
}

/// A build that meets every condition, with the groups of all patterns.
fn find(ask: &Ask, conditions: &[Condition], key: &str, build: &Value) -> Option<Find> {
    let mut find = Find {
        variables: ask.variables.clone(),
    };
    for condition in conditions {
        let holds = match &condition.path {
            None => find.add(&condition.pattern, key),
            Some(path) => path
                .query(build)
                .iter()
                .filter_map(|value| text(value))
                .any(|value| find.add(&condition.pattern, &value)),
        };
        if !holds {
            return None;
        }
    }
    Some(find)
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn json_path(ask: &Ask, path: &str) -> Result<JsonPath, IndexError> {
    JsonPath::parse(path).map_err(|_| IndexError::Pattern {
        source_name: ask.source.name.clone(),
        pattern: path.to_owned(),
    })
}
