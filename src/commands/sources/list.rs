//! Sources as text, JSON and Markdown.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use crate::domain::overview::{self, Choice, Key, Proof};
use crate::domain::report::{escape_markdown, printable};
use crate::domain::scaffold;
use crate::domain::source::{Source, TestedOn};

/// How many values of a parameter a list shows; all of them stand in the detail.
const SHOWN_VALUES: usize = 6;

/// A source and the file that it is from; none for a built-in one.
pub type Listed = (Source, Option<String>);

/// One object of the JSON list.
pub fn json(source: &Source, file: Option<&str>) -> Value {
    let parameters: Map<String, Value> = overview::choices(source)
        .into_iter()
        .map(|choice| {
            let value =
                json!({"default": choice.default, "values": choice.values, "open": choice.is_open});
            (choice.name, value)
        })
        .collect();
    let proofs: Vec<_> = overview::proofs(source)
        .into_iter()
        .map(|proof| json!({"by": proof.by.name(), "how": proof.how, "when": proof.when}))
        .collect();
    let keys: Vec<_> = overview::keys(source)
        .into_iter()
        .map(|key| json!({"fingerprint": key.fingerprint, "url": key.url, "only": key.only}))
        .collect();
    json!({
        "name": source.name,
        "title": source.title,
        "file": file,
        "parameters": parameters,
        "engines": overview::engines(source),
        "proofs": proofs,
        "keys": keys,
        "redirect_hosts": source.redirect_hosts,
        "expected_every_days": source.expected_every,
        "endoflife": source.endoflife,
        "tested_on": source.tested_on.map(TestedOn::name),
        "unproven": source.unproven,
        "example": overview::example(source),
    })
}

/// All sources, a few lines each.
pub fn text(sources: &[Listed]) -> String {
    let mut text = String::new();
    for (source, file) in sources {
        let origin = file.as_deref().unwrap_or("built in");
        line(
            &mut text,
            &format!("{}  {} ({origin})", source.name, source.title),
        );
        let choices: Vec<_> = overview::choices(source).iter().map(short).collect();
        if !choices.is_empty() {
            line(&mut text, &format!("  {}", choices.join("  ")));
        }
        for proof in overview::proofs(source) {
            let when = condition(&proof);
            line(
                &mut text,
                &format!("  {}{when}: {}", proof.by.name(), proof.how),
            );
        }
        for key in overview::keys(source) {
            line(
                &mut text,
                &format!("  key {}{}", key.fingerprint, restriction(&key)),
            );
        }
        if let Some(reason) = &source.unproven {
            line(&mut text, &format!("  unproven: {reason}"));
        }
    }
    let plural = if sources.len() == 1 { "" } else { "s" };
    line(
        &mut text,
        &format!(
            "{} source{plural}; `reglaze sources NAME` tells all of one, `reglaze new NAME` writes a definition",
            sources.len()
        ),
    );
    text
}

/// All that is known of one source.
pub fn detail((source, file): &Listed) -> String {
    let mut text = String::new();
    let origin = file.as_deref().unwrap_or("built in");
    line(
        &mut text,
        &format!("{}  {} ({origin})\n", source.name, source.title),
    );
    for choice in overview::choices(source) {
        let flag = scaffold::flag(&choice.name);
        entry(&mut text, flag.trim_end(), &values(&choice));
    }
    text.push('\n');
    entry(
        &mut text,
        "newest build by",
        &overview::engines(source).join(", "),
    );
    for proof in overview::proofs(source) {
        let how = format!("{}: {}{}", proof.by.name(), proof.how, condition(&proof));
        entry(&mut text, "digest proven by", &how);
    }
    for key in overview::keys(source) {
        let name = format!("{}{}", key.fingerprint, restriction(&key));
        entry(&mut text, "key", &name);
        entry(&mut text, "", &key.url);
    }
    if !source.redirect_hosts.is_empty() {
        entry(
            &mut text,
            "may redirect to",
            &source.redirect_hosts.join(", "),
        );
    }
    if let Some(days) = source.expected_every {
        entry(
            &mut text,
            "a build every",
            &format!("{days} days, else `update` warns"),
        );
    }
    if let Some(meaning) = &source.endoflife {
        entry(
            &mut text,
            "ends as said by",
            &format!("endoflife.date/{}", meaning.product),
        );
    }
    entry(&mut text, "tested on", tested_on(source));
    if let Some(reason) = &source.unproven {
        entry(&mut text, "unproven", reason);
    }
    line(&mut text, &format!("\n{}", overview::example(source)));
    text
}

/// The table of the README.
pub fn markdown(sources: &[Listed]) -> String {
    let mut text = String::from(
        "| source | parameters | newest build by | digest proven by | tested on |\n| --- | --- | --- | --- | --- |\n",
    );
    for (source, _) in sources {
        let choices: Vec<_> = overview::choices(source)
            .iter()
            .map(|choice| {
                let values = listed(choice).join(", ");
                let values = escape_markdown(&values);
                match values.as_str() {
                    "" => format!("`{}`", choice.name),
                    values => format!("`{}` ({values})", choice.name),
                }
            })
            .collect();
        let mut proven: Vec<_> = overview::proofs(source)
            .iter()
            .map(|proof| escape_markdown(&format!("{}{}", proof.how, condition(proof))))
            .collect();
        proven.extend(overview::keys(source).iter().map(|key| {
            format!(
                "`{}`{}",
                key.fingerprint,
                escape_markdown(&restriction(key))
            )
        }));
        let mut tested = tested_on(source).to_owned();
        if let Some(reason) = &source.unproven {
            let _ = write!(tested, "; **unproven**: {}", escape_markdown(reason));
        }
        let _ = writeln!(
            text,
            "| `{}` {} | {} | {} | {} | {tested} |",
            source.name,
            escape_markdown(&source.title),
            choices.join(", "),
            overview::engines(source).join(", "),
            proven.join("<br>"),
        );
    }
    text
}

const fn tested_on(source: &Source) -> &'static str {
    match source.tested_on {
        Some(TestedOn::Capture) => "capture",
        Some(TestedOn::Sample) => "sample",
        None => "not told",
    }
}

/// `release=…|25.10|26.04`, `stream=release|daily`: the default first.
fn short(choice: &Choice) -> String {
    format!("{}={}", choice.name, listed(choice).join("|"))
}

/// The values that a list has room for: the default first, of the others the newest.
fn listed(choice: &Choice) -> Vec<String> {
    let mut values: Vec<String> = choice
        .values
        .iter()
        .filter(|value| Some(*value) != choice.default.as_ref())
        .cloned()
        .collect();
    if values.len() > SHOWN_VALUES {
        values.drain(..values.len() - SHOWN_VALUES);
        values.insert(0, "…".to_owned());
    }
    values.splice(0..0, choice.default.clone());
    if values.is_empty() && choice.is_open {
        values.push("…".to_owned());
    }
    values
}

/// All values in words.
fn values(choice: &Choice) -> String {
    let mut words: Vec<String> = choice
        .values
        .iter()
        .map(|value| {
            if Some(value) == choice.default.as_ref() {
                format!("{value} (default)")
            } else {
                value.clone()
            }
        })
        .collect();
    if choice.is_open {
        words.push("or another".to_owned());
    }
    let needed = if choice.default.is_none() {
        "needed; "
    } else {
        ""
    };
    let values = words.join(", ").replace(", or another", " or another");
    format!("{needed}{values}")
}

/// ` (stream daily)`, where it is not so for all.
fn condition(proof: &Proof) -> String {
    if proof.when.is_empty() {
        return String::new();
    }
    let words = proof
        .when
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    format!(" ({})", words.collect::<Vec<_>>().join(", "))
}

/// ` (release 9)`, where a key does not count for all.
fn restriction(key: &Key) -> String {
    if key.only.is_empty() {
        return String::new();
    }
    format!(" ({})", key.only.join(", "))
}

fn entry(text: &mut String, key: &str, value: &str) {
    line(text, &format!("  {key:<17} {value}"));
}

/// Own source files are foreign text too: a line stays one.
fn line(text: &mut String, words: &str) {
    for (number, part) in words.split('\n').enumerate() {
        if number > 0 {
            text.push('\n');
        }
        text.push_str(printable(part).trim_end());
    }
    text.push('\n');
}
