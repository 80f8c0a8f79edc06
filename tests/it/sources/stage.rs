//! Cases as a user's repository beside upstreams: documents, keys, signatures, sources that trust our keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use base64::Engine as _;

use super::case::{self, Case, KeyFile, Made, read};
use crate::update::server::Reply;
use crate::update::signer::Signer;
use crate::update::world::{Run, World};

/// Keys of ours in the place of pinned ones.
#[derive(Default)]
pub struct Keys(RefCell<BTreeMap<String, Rc<Signer>>>);

impl Keys {
    pub fn instead_of(&self, fingerprint: &str) -> Rc<Signer> {
        let mut keys = self.0.borrow_mut();
        let key = keys.entry(fingerprint.to_owned());
        Rc::clone(key.or_insert_with(|| Rc::new(Signer::new())))
    }

    /// A source that trusts the keys of ours.
    fn trusted_by(&self, source: &str) -> String {
        let keys = self.0.borrow();
        keys.iter()
            .fold(case::text(source), |text, (pinned, ours)| {
                text.replace(pinned, &ours.fingerprint)
            })
    }
}

/// What the URLs of one case answer.
type Answers = BTreeMap<String, Reply>;

/// Cases that can stand beside each other: no URL answers two things, and no key is at two URLs, since it is fetched once.
pub struct Stage<'a> {
    signed_by_us: bool,
    verify: Option<String>,
    pub cases: Vec<&'a Case>,
    answers: Answers,
}

/// One image of a run: the case and the name of its definition.
pub struct Image<'a> {
    pub case: &'a Case,
    pub name: String,
}

/// Puts cases together in as few stages as can be.
pub fn stages<'a>(
    cases: impl IntoIterator<Item = &'a Case>,
    keys: &Keys,
    captures: Option<&Path>,
    tamper: bool,
) -> Vec<Stage<'a>> {
    let mut stages: Vec<Stage> = Vec::new();
    for case in cases {
        let answers = answers(case, keys, captures, tamper);
        let fits = |stage: &&mut Stage| {
            stage.signed_by_us == case.is_signed_by_us()
                && stage.verify == case.verify
                && answers.iter().all(|(url, reply)| {
                    let other = stage.answers.get(url);
                    other.is_none_or(|other| other == reply)
                })
                && key_urls(case, keys).all(|url| {
                    let mut others = stage.answers.iter();
                    others.all(|(other, reply)| *other == url || Some(reply) != answers.get(&url))
                })
        };
        if let Some(stage) = stages.iter_mut().find(fits) {
            stage.cases.push(case);
            stage.answers.extend(answers);
        } else {
            stages.push(Stage {
                signed_by_us: case.is_signed_by_us(),
                verify: case.verify.clone(),
                cases: vec![case],
                answers,
            });
        }
    }
    stages
}

/// Everything that a case's upstream publishes. With `tamper` every digest that the case expects has another last digit
/// in what was signed.
fn answers(case: &Case, keys: &Keys, captures: Option<&Path>, tamper: bool) -> Answers {
    let mut answers = Answers::new();
    for (url, file) in key_urls(case, keys).zip(case.keys.values()) {
        let body = match file {
            KeyFile::Real(file) => read(&case.source, file, captures),
            KeyFile::Ours(pinned) => {
                let ours = pinned.iter().map(|key| keys.instead_of(key).public.clone());
                ours.collect::<Vec<_>>().concat()
            }
        };
        answers.insert(url, Reply::Body(body));
    }
    let mut altered = false;
    for (url, document) in &case.documents {
        let made = document.made();
        let mut body = body(case, &made, keys, captures);
        let digest = case.newest.as_ref().map(|newest| newest.checksum.as_str());
        if let Some(digest) = digest.filter(|_| tamper && made.bytes.is_none()) {
            altered |= alter(&mut body, digest);
        }
        answers.insert(url.clone(), reply(made, body));
    }
    assert!(
        !tamper || altered,
        "{}: no document holds the digest that it expects",
        case.name
    );
    answers
}

/// Where the keys of a case are published.
fn key_urls<'a>(case: &'a Case, keys: &'a Keys) -> impl Iterator<Item = String> + 'a {
    case.keys.iter().map(|(url, file)| match file {
        KeyFile::Real(_) => url.clone(),
        KeyFile::Ours(pinned) => {
            url.replace("{fingerprint}", &keys.instead_of(&pinned[0]).fingerprint)
        }
    })
}

fn reply(made: Made, body: Vec<u8>) -> Reply {
    let mut headers: Vec<_> = made.headers.into_iter().collect();
    headers.extend(made.location.map(|url| ("Location".to_owned(), url)));
    match made.status {
        None if headers.is_empty() => Reply::Body(body),
        status => Reply::Answer(status.unwrap_or(200), headers, body),
    }
}

fn body(case: &Case, made: &Made, keys: &Keys, captures: Option<&Path>) -> Vec<u8> {
    if let Some(url) = &made.signature_of {
        let document = case.documents.get(url);
        let document = document.unwrap_or_else(|| panic!("{}: no document `{url}`", case.name));
        let text = body(case, &document.made(), keys, captures);
        let signer = keys.instead_of(made.by.as_deref().expect("`by` says who signs"));
        return if made.binary {
            signer.gpg(&["--detach-sign"], &text)
        } else {
            signer.detached(&text)
        };
    }
    let text = if let Some(file) = &made.file {
        read(&case.source, file, captures)
    } else if let Some(length) = made.bytes {
        // Bytes of no meaning that are the same each time.
        (0..=250)
            .map(|byte: u8| byte ^ 31)
            .cycle()
            .take(length)
            .collect()
    } else {
        made.text.clone().unwrap_or_default().into_bytes()
    };
    if made.clearsigned {
        let signer = keys.instead_of(made.by.as_deref().expect("`by` says who signs"));
        return signer.clearsigned(&text);
    }
    text
}

/// Changes the last digit of a digest wherever the text has it, in hex or base64.
fn alter(body: &mut Vec<u8>, checksum: &str) -> bool {
    let Ok(text) = std::str::from_utf8(body) else {
        return false;
    };
    let (_, digest) = checksum.split_once(':').unwrap();
    let bytes: Vec<u8> = (0..digest.len() / 2)
        .map(|at| u8::from_str_radix(&digest[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    let mut changed = bytes.clone();
    *changed.first_mut().unwrap() ^= 1;
    let hex = changed.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let base64 = |bytes: &[u8]| base64::prelude::BASE64_STANDARD_NO_PAD.encode(bytes);
    let altered = text
        .replace(digest, &hex)
        .replace(&digest.to_uppercase(), &hex)
        .replace(&base64(&bytes), &base64(&changed));
    let differs = altered != text;
    *body = altered.into_bytes();
    differs
}

impl<'a> Stage<'a> {
    /// The repository of these cases, and its images: one for each case and each URL that tells it.
    pub fn build(&self, keys: &Keys) -> (World, Vec<Image<'a>>) {
        let mut text = String::from("images:\n");
        let mut images = Vec::new();
        for case in &self.cases {
            let parameters: String =
                case.parameters
                    .iter()
                    .fold(String::new(), |mut all, (name, value)| {
                        let _ = write!(all, ", {name}: \"{value}\"");
                        all
                    });
            let mut define = |name: String, key: &str| {
                let _ = write!(
                    text,
                    "  - name: {name}\n    format: qcow2\n    {key}\n    versions: []\n"
                );
                images.push(Image { case, name });
            };
            define(
                case.name.clone(),
                &format!("upstream: {{from: {}{parameters}}}", case.source),
            );
            let own = case.newest.iter().filter(|_| case.told_by_url);
            let own = own.map(|newest| &newest.url);
            for (number, url) in own.chain(&case.also).enumerate() {
                let name = format!("{} by URL {}", case.name, number + 1);
                define(name, &format!("latest_url: {url}"));
            }
        }
        let world = World::with_built_in_sources(&text);
        let is_written = |case: &&&Case| self.signed_by_us || case::is_own(&case.source);
        for case in self.cases.iter().filter(is_written) {
            let file = world.path(&format!("sources/{}.yml", case.source));
            std::fs::write(file, keys.trusted_by(&case.source)).unwrap();
        }
        if let Some(verify) = &self.verify {
            std::fs::write(world.path("reglaze.yml"), format!("verify: {verify}\n")).unwrap();
        }
        for (url, reply) in &self.answers {
            world.server.put(url, reply.clone());
        }
        (world, images)
    }

    /// The URLs of documents that nobody asked for.
    pub fn unasked(&self, world: &World) -> Vec<&str> {
        let asked = world.server.counts();
        let urls = self.answers.keys().map(String::as_str);
        urls.filter(|url| !asked.contains_key(*url)).collect()
    }
}

/// What was answered with an error, which tells why a case fails.
pub fn errors(world: &World, run: &Run) -> String {
    let log = world.server.log();
    let missing: Vec<_> = log.iter().filter(|(_, status)| *status >= 400).collect();
    format!("{missing:#?}\n{}\n{}", run.stdout, run.stderr)
}
