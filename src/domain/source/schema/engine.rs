//! The keys of each engine.

use serde_saphyr::Spanned;

use super::Reader;
use super::raw::RawIndex;
use crate::domain::finding::Place;
use crate::domain::source::{Engine, Names};
use crate::domain::yaml::place;

/// An engine, and the template of its images' URLs if it has one of its own.
type EngineAndImage = (Engine, Option<&'static str>);

impl Reader<'_> {
    pub(super) fn engine(
        &mut self,
        raw: &mut RawIndex,
        pointed: bool,
        index: Place,
    ) -> Option<EngineAndImage> {
        let at = raw.engine.as_ref().map_or(index, place);
        let name = raw.engine.as_ref().map(|engine| engine.value.clone());
        let engine = match name.as_deref() {
            None if pointed => {
                self.need_version(at, "the pointer's `match`");
                Some((Engine::Pointed, None))
            }
            None => {
                self.refuse(
                    at,
                    "`engine` is missing; expected it or a `pointer` that tells everything",
                );
                return None;
            }
            Some("simplestreams") => self.simplestreams(raw, at),
            Some("listing") => self.listing(raw, at),
            Some("json") => self.json(raw, at),
            Some("github") => self.github(raw, at),
            Some(other) => {
                self.refuse(
                    at,
                    format!(
                        "`engine` is `{other}`; expected one of `simplestreams`, `listing`, `json`, `github`"
                    ),
                );
                return None;
            }
        };
        // Where an engine could not be read, what is left of it is no second mistake.
        if engine.is_some() {
            self.refuse_leftovers(raw, name.as_deref());
        }
        engine
    }

    fn simplestreams(&mut self, raw: &mut RawIndex, at: Place) -> Option<EngineAndImage> {
        let mirror = self.folder(raw.mirror.take(), "mirror", at);
        let content_id = self.needed(raw.content_id.take(), "content_id", at);
        let product = self.needed(raw.product.take(), "product", at);
        let item = self.needed(raw.item.take(), "item", at);
        let versioned = !self.known.contains_key("version");
        let key = self.pattern(raw.key.take(), "key", at, versioned);
        self.know(["mirror", "path", "sha256", "sha512", "size"].map(str::to_owned));
        let path = raw
            .path
            .take()
            .and_then(|path| self.pattern(Some(path), "path", at, false));
        let engine = Engine::Simplestreams {
            mirror: mirror?,
            content_id: content_id?,
            product: product?,
            item: item?,
            key: key?,
            path,
        };
        Some((engine, Some("{mirror}{path}")))
    }

    fn listing(&mut self, raw: &mut RawIndex, at: Place) -> Option<EngineAndImage> {
        let names = match raw.listing.take() {
            None => Names::Html,
            Some(listing) => match listing.value.as_str() {
                "html" => Names::Html,
                "manifest" => Names::Manifest,
                "jsontable" => Names::Jsontable,
                "text" => Names::Text,
                other => {
                    self.refuse(
                        place(&listing),
                        format!(
                            "`listing` is `{other}`; expected `html`, `manifest`, `jsontable` or `text`"
                        ),
                    );
                    return None;
                }
            },
        };
        let url = match names {
            Names::Text => self.needed_https(raw.url.take(), "url", at),
            _ => self.folder(raw.url.take(), "url", at),
        };
        let told = self.known.contains_key("version");
        if let (Names::Text, Some(directory)) = (names, &raw.directory) {
            let message = "a text has no sub-directories to enter; expected `file` alone";
            self.refuse(place(directory), message);
        }
        let directory = raw
            .directory
            .take()
            .map(|directory| self.pattern(Some(directory), "directory", at, !told));
        self.know(["folder".to_owned()]);
        let versioned = told || directory.is_some();
        let file = raw.file.take().map(|file| {
            let file = self.pattern(Some(file), "file", at, !versioned);
            self.know(["file".to_owned()]);
            file
        });
        if directory.is_none() && file.is_none() {
            self.refuse(
                at,
                "a listing needs `directory`, `file` or both; expected patterns of what to take",
            );
        }
        if names == Names::Jsontable {
            self.know(["date".to_owned()]);
        }
        // Without a pattern for files there is no `{file}` until the image's URL says it.
        let image = file.is_some().then_some("{folder}{file}");
        let engine = Engine::Listing {
            url: url?,
            directory: directory.flatten(),
            file: file.flatten(),
            names,
        };
        Some((engine, image))
    }

    fn json(&mut self, raw: &mut RawIndex, at: Place) -> Option<EngineAndImage> {
        let url = self.needed_https(raw.url.take(), "url", at);
        let each = match raw.each.take() {
            Some(each) => {
                let at = place(&each);
                let each = self.template(each);
                self.json_path(&each, at);
                each
            }
            None => "$".to_owned(),
        };
        let before = self.known.clone();
        let mut groups = self.known.clone();
        let mut matches = Vec::new();
        for (path, pattern) in std::mem::take(&mut raw.matches) {
            if path != "key" {
                self.json_path(&path, place(&pattern));
            }
            if let Some(pattern) = self.pattern(Some(pattern), &path, at, false) {
                matches.push((path, pattern));
            }
            // Patterns are matched side by side: none can name the groups of another.
            groups.append(&mut std::mem::replace(&mut self.known, before.clone()));
        }
        self.known = groups;
        self.need_version(at, "`match`");
        let engine = Engine::Json {
            url: url?,
            each,
            matches,
        };
        Some((engine, None))
    }

    fn github(&mut self, raw: &mut RawIndex, at: Place) -> Option<EngineAndImage> {
        let repository = raw.repository.take();
        if let Some(repository) = &repository
            && !is_repository(&repository.value)
        {
            let message = format!(
                "`repository` is `{}`; expected a form like `owner/name`",
                repository.value
            );
            self.refuse(place(repository), message);
        }
        let repository = self.needed(repository, "repository", at);
        let versioned = !self.known.contains_key("version");
        let tag = self.pattern(raw.tag.take(), "tag", at, versioned);
        self.know(["tag", "date"].map(str::to_owned));
        let asset = raw.asset.take().map(|asset| {
            let asset = self.pattern(Some(asset), "asset", at, false);
            self.know(["asset", "asset_url", "digest"].map(str::to_owned));
            asset
        });
        let image = asset.is_some().then_some("{asset_url}");
        let engine = Engine::Github {
            repository: repository?,
            tag: tag?,
            asset: asset.flatten(),
            prereleases: raw.prereleases.take().is_some_and(|on| on.value),
        };
        Some((engine, image))
    }

    fn need_version(&mut self, at: Place, where_: &str) {
        if !self.known.contains_key("version") {
            self.refuse(
                at,
                format!(
                    "{where_} has no group `version`; expected `(?<version>…)` in one of its patterns"
                ),
            );
        }
    }

    fn json_path(&mut self, path: &str, at: Place) {
        if let Err(error) = serde_json_path::JsonPath::parse(path) {
            self.refuse(
                at,
                format!("`{path}` is no JSON path of RFC 9535: {}", error.message()),
            );
        }
    }

    /// Keys that belong to another engine are mistakes, like any unknown key.
    fn refuse_leftovers(&mut self, raw: &RawIndex, engine: Option<&str>) {
        let left = [
            ("mirror", &raw.mirror),
            ("content_id", &raw.content_id),
            ("product", &raw.product),
            ("item", &raw.item),
            ("key", &raw.key),
            ("path", &raw.path),
            ("url", &raw.url),
            ("directory", &raw.directory),
            ("listing", &raw.listing),
            ("file", &raw.file),
            ("each", &raw.each),
            ("repository", &raw.repository),
            ("tag", &raw.tag),
            ("asset", &raw.asset),
        ];
        let left = left
            .into_iter()
            .filter_map(|(key, value)| value.as_ref().map(|value| (key, place(value))));
        let prereleases = raw.prereleases.iter();
        let left: Vec<_> = left
            .chain(raw.matches.values().map(|value| ("match", place(value))))
            .chain(prereleases.map(|value: &Spanned<bool>| ("prereleases", place(value))))
            .collect();
        for (key, at) in left {
            let message = match engine {
                Some(engine) => format!("engine `{engine}` has no key `{key}`"),
                None => format!("`{key}` is a key of an engine, and no `engine` is named"),
            };
            self.refuse(at, message);
        }
    }
}

/// `owner/name`; either may have placeholders.
fn is_repository(text: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && part.chars().all(|letter| {
                letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.' | '{' | '}')
            })
    };
    text.split_once('/')
        .is_some_and(|(owner, name)| is_part(owner) && is_part(name))
}
