//! Steers the fake from outside, for tests that are shell scripts: what people do, and what there is to see.

use serde_json::{Value, json, to_value};

use crate::forge::fake::request::{Answer, Answered, Request};
use crate::forge::{Access, Checks, Fake, Prism, Token};

/// Answers a request below `/_fake`.
///
/// | request | gives or does |
/// | --- | --- |
/// | `GET pulls`, `issues`, `branches`, `events`, `log`, `writes` | lists |
/// | `GET pulls/N`, `comments/N`, `files/BRANCH` | a pull request, its comments, the files of a branch with their texts |
/// | `GET violations` | what is wrong with the requests so far by GitHub's descriptions |
/// | `POST pulls/N/merge?method=squash`, `close`, `reopen`, `update-branch`, `checks?outcome=passed` | as a person |
/// | `POST pulls/N/tick?words=…` | ticks a box of its body, or of an issue's |
/// | `POST commit?branch=…&message=…` with `{PATH: TEXT}` | pushes a commit |
/// | `POST settings` with `{NAME: VALUE}` | changes the repository's settings |
/// | `POST tokens` with `{secret, login, kind, permissions}` | makes a token known; kinds: `user`, `installation`, `actions` |
///
/// Persons are `octocat`, or who `&as=` says.
pub fn answer(fake: &Fake, request: &Request) -> Answered {
    let path = request.path.trim_start_matches("/_fake/");
    let parts: Vec<_> = path.split('/').collect();
    let value = match request.method.as_str() {
        "GET" => look(fake, &parts)?,
        _ => act(fake, request, &parts)?,
    };
    Answer::ok(value)
}

fn look(fake: &Fake, parts: &[&str]) -> Result<Value, Answer> {
    let value = match parts {
        ["pulls"] => to_value(fake.pulls()),
        ["pulls", number] => to_value(fake.pull(number_of(number)?)),
        ["comments", number] => to_value(fake.comments(number_of(number)?)),
        ["issues"] => to_value(fake.issues()),
        ["branches"] => to_value(fake.branches()),
        ["files", name @ ..] => to_value(fake.files(&name.join("/"))),
        ["events"] => to_value(fake.events()),
        ["log"] => to_value(fake.log()),
        ["writes"] => to_value(fake.writes()),
        ["violations"] => {
            let mut found = Prism::start().violations(&fake.log());
            found.extend(fake.violations());
            to_value(found)
        }
        _ => return Err(Answer::missing()),
    };
    Ok(value.expect("JSON"))
}

fn act(fake: &Fake, request: &Request, parts: &[&str]) -> Result<Value, Answer> {
    let person = fake.person(request.parameter("as").unwrap_or("octocat"));
    let given = |name: &str| request.parameter(name).unwrap_or_default();
    match parts {
        ["pulls", number, "merge"] => {
            let method = request.parameter("method").unwrap_or("merge");
            return Ok(json!({"commit": person.merge(number_of(number)?, method)}));
        }
        ["pulls", number, "close"] => person.close(number_of(number)?),
        ["pulls", number, "reopen"] => person.reopen(number_of(number)?),
        ["pulls", number, "update-branch"] => {
            person.update_branch(number_of(number)?);
        }
        ["pulls", number, "tick"] => person.tick(number_of(number)?, given("words")),
        ["pulls", number, "checks"] => {
            let outcome = match given("outcome") {
                "passed" => Checks::Passed,
                "failed" => Checks::Failed,
                _ => Checks::Pending,
            };
            fake.checks(number_of(number)?, outcome);
        }
        ["commit"] => {
            let files = request
                .body
                .as_object()
                .ok_or_else(|| Answer::error(422, "no files"))?;
            let files: Vec<_> = files
                .iter()
                .map(|(path, text)| (path.as_str(), text.as_str().unwrap_or_default()))
                .collect();
            let branch = request.parameter("branch").unwrap_or("main");
            return Ok(json!({"commit": person.commit(branch, &files, given("message"))}));
        }
        ["settings"] => set(fake, &request.body)?,
        ["tokens"] => {
            let token = token(&request.body)
                .ok_or_else(|| Answer::error(422, "secret, login, kind, permissions"))?;
            fake.token(token);
        }
        _ => return Err(Answer::missing()),
    }
    Ok(json!({}))
}

fn number_of(text: &str) -> Result<u64, Answer> {
    text.parse().map_err(|_| Answer::missing())
}

fn set(fake: &Fake, changes: &Value) -> Result<(), Answer> {
    let mut world = fake.world();
    let mut settings = to_value(&world.settings).expect("JSON");
    let changes = changes.as_object().cloned().unwrap_or_default();
    settings.as_object_mut().expect("an object").extend(changes);
    world.settings =
        serde_json::from_value(settings).map_err(|wrong| Answer::error(422, &wrong.to_string()))?;
    Ok(())
}

fn token(value: &Value) -> Option<Token> {
    let (secret, login) = (
        value["secret"].as_str()?,
        value["login"].as_str().unwrap_or("octocat"),
    );
    let token = match value["kind"].as_str()? {
        "user" => Token::user(secret, login),
        "installation" => Token::installation(secret, login),
        "actions" => Token::actions(secret),
        _ => return None,
    };
    let Some(permissions) = value["permissions"].as_object() else {
        return Some(token);
    };
    let known = permissions.iter().map(|(name, access)| {
        let access = serde_json::from_value::<Access>(access.clone()).ok()?;
        Some((name.as_str(), access))
    });
    Some(token.only(&known.collect::<Option<Vec<_>>>()?))
}
