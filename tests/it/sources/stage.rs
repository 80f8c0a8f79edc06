//! Cases as a user's repository beside upstreams: documents, keys, signatures, sources that trust our keys.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::rc::Rc;

use super::case::{self, Case};
use super::publish::{Answers, Upstream};
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
    /// The digests that it is to have: of its file, and of the disk in that.
    pub digests: Option<(String, Option<String>)>,
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
        let upstream = Upstream::new(case, keys, captures, tamper);
        let answers = upstream.answers();
        let fits = |stage: &&mut Stage| {
            stage.signed_by_us == case.is_signed_by_us()
                && stage.verify == case.verify
                && answers.iter().all(|(url, reply)| {
                    let other = stage.answers.get(url);
                    other.is_none_or(|other| other == reply)
                })
                && upstream.key_urls().all(|url| {
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

impl<'a> Stage<'a> {
    /// The repository of these cases, and its images: one for each case and each URL that tells it.
    pub fn build(&self, keys: &Keys, captures: Option<&Path>) -> (World, Vec<Image<'a>>) {
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
            let upstream = Upstream::new(case, keys, captures, false);
            let digests = case.newest.as_ref().map(|newest| upstream.digests(newest));
            let mut define = |name: String, key: &str| {
                let _ = write!(
                    text,
                    "  - name: {name}\n    format: qcow2\n    {key}\n    versions: []\n"
                );
                images.push(Image {
                    case,
                    name,
                    digests: digests.clone(),
                });
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

    /// The URLs of images whose bytes the upstream can give.
    pub fn images(&self) -> impl Iterator<Item = &str> {
        let documents = self.cases.iter().flat_map(|case| &case.documents);
        documents.filter_map(|(url, document)| document.made().bytes.map(|_| url.as_str()))
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
