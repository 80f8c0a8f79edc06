//! The rules by which findings are known, as the code names them.
//!
//! A rule is a text in the code that goes to `Finding` itself, or to something of ours that takes a `rule` and hands it on.
//! What breaks a rule of a disk's format is told in a message, by no rule of a finding: `domain/inspect` is left out.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use regex::Regex;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// Every file of Rust in a folder without its tests and comments.
fn code(folder: &Path) -> Vec<String> {
    let comment = regex(r"(?m)^\s*//.*$");
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let mut texts = Vec::new();
    for path in entries.map(|entry| entry.path()) {
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "inspect"].contains(&name) {
            texts.extend(code(&path));
        } else if path.extension().is_some_and(|kind| kind == "rs") && !name.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let real = text.split("#[cfg(test)]").next().unwrap_or_default();
            texts.push(comment.replace_all(real, "").into_owned());
        }
    }
    texts
}

/// What stands between the commas up to the parenthesis that ends a call or a list of parameters.
fn arguments(rest: &str) -> Vec<&str> {
    let (mut found, mut begin, mut depth, mut is_text) = (Vec::new(), 0, 0, false);
    let mut letters = rest.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' if is_text => drop(letters.next()),
            '"' => is_text = !is_text,
            _ if is_text => {}
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' if depth > 0 => depth -= 1,
            ')' | ']' | '}' | ',' if depth == 0 => {
                found.push(rest[begin..at].trim());
                begin = at + 1;
                if letter != ',' {
                    break;
                }
            }
            _ => {}
        }
    }
    found.retain(|argument| !argument.is_empty());
    found
}

/// Functions that take a rule: the name, and which argument it is.
fn takers(texts: &[String]) -> BTreeSet<(String, usize)> {
    let function = regex(r"\bfn (\w+)(?:<[^>]*>)?\(");
    let mut found = BTreeSet::new();
    for text in texts {
        for begin in function.captures_iter(text) {
            let parameters = arguments(&text[begin.get(0).unwrap().end()..]);
            let parameters = parameters.iter().filter(|one| !one.ends_with("self"));
            let place = parameters
                .clone()
                .position(|one| *one == "rule: &'static str");
            if let Some(place) = place {
                found.insert((begin[1].to_owned(), place));
            }
        }
    }
    found
}

/// All rules. Fails where one is given in a way that this does not see.
pub fn rules(folder: &Path) -> BTreeSet<String> {
    let texts = code(folder);
    let rule = regex(r#"^"([a-z0-9-]+)"$"#);
    // `Finding`'s own, by whose names others are called too.
    let own = ["new", "error", "warning", "note"];
    let mut calls: Vec<(Regex, usize, bool)> = own
        .iter()
        .map(|name| {
            let place = usize::from(*name == "new");
            (regex(&format!(r"\bFinding::{name}\(")), place, true)
        })
        .collect();
    for (name, place) in takers(&texts) {
        if name != "new" {
            calls.push((regex(&format!(r"\b{name}\(")), place, false));
        }
    }
    let constant = regex(r#"\bconst (\w+): &str = "([a-z0-9-]+)";"#);
    let constants: BTreeMap<_, _> = texts
        .iter()
        .flat_map(|text| constant.captures_iter(text))
        .map(|one| (one[1].to_owned(), one[2].to_owned()))
        .collect();
    let handed_on = regex(r"(?:^|\.)rule$");
    let closure = regex(r"\blet (?:mut )?(\w+) = \|rule\b");
    let field = regex(r#"\brule: ("[a-z0-9-]+")"#);
    let chosen = regex(r"\blet rule = ([^;]*);");
    let text_in_it = regex(r#""[a-z0-9-]+""#);
    let mut found = BTreeSet::new();
    for text in &texts {
        let closures = closure.captures_iter(text);
        let closures = closures.map(|one| (regex(&format!(r"\b{}\(", &one[1])), 0, false));
        for (call, place, is_own) in calls.iter().cloned().chain(closures) {
            for begin in call.find_iter(text) {
                let given = arguments(&text[begin.end()..]);
                let Some(given) = given.get(place) else {
                    continue;
                };
                if let Some(rule) = rule.captures(given) {
                    found.insert(rule[1].to_owned());
                    continue;
                }
                let named = given.rsplit("::").next().unwrap_or_default();
                if let Some(rule) = constants.get(named) {
                    found.insert(rule.clone());
                    continue;
                }
                assert!(
                    !is_own || handed_on.is_match(given),
                    "the README's test does not see which rule `{given}` is"
                );
            }
        }
        let fields = field.captures_iter(text).map(|one| one[1].to_owned());
        let chosen = chosen.captures_iter(text);
        let chosen = chosen.flat_map(|one| {
            let texts = text_in_it.find_iter(one.get(1).unwrap().as_str());
            texts.map(|one| one.as_str().to_owned()).collect::<Vec<_>>()
        });
        found.extend(
            fields
                .chain(chosen)
                .map(|text| text.trim_matches('"').to_owned()),
        );
    }
    found
}
