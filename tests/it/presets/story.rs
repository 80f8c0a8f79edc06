//! A catalogue of one image under a preset, its builds, and what users see of it.

use std::fmt::Write;
use std::path::PathBuf;

use chrono::{Days, NaiveDate, Utc};
use serde_json::Value;

use crate::stage::{Ended, Stage};
use crate::{clock, services};

/// Who looks: the one who owns the images, one who uses an old image, one who does not.
const USERS: [&str; 3] = ["admin", "tenant", "member"];

pub struct Story {
    pub stage: Stage,
    name: String,
    definition: String,
    versions: Vec<String>,
    begin: NaiveDate,
}

impl Story {
    /// The image `name` under these settings; `definition` are more lines of it.
    pub fn new(preset: &str, name: &str, settings: &str, definition: &str) -> Self {
        let stage = Stage::new(&format!("story-{preset}"));
        let boot = "boot: {flavor: tiny, network: none, console: ignore}";
        let limits = "limits: {deletions: 5, withdrawals: 5}";
        stage.write(
            "reglaze.yml",
            &format!("tag: {}\n{boot}\n{limits}\n{settings}", stage.tag),
        );
        Self {
            name: stage.name(name),
            stage,
            definition: definition.to_owned(),
            versions: Vec::new(),
            begin: Utc::now().date_naive(),
        }
    }

    /// Publishes a build upstream and lists it.
    pub fn build(&mut self, version: &str, build_date: &str) {
        let bytes = format!("build {version} of {}", self.name);
        let entry = self.stage.publish(version, bytes.as_bytes());
        self.list(&entry.replace(
            "build_date: 2026-07-25",
            &format!("build_date: {build_date}"),
        ));
    }

    /// Lists a version, by these lines. Its image will be younger than all that are there.
    pub fn list(&mut self, entry: &str) {
        clock::next_second();
        self.versions.push(entry.to_owned());
        self.define();
    }

    /// Takes the newest version out of the file again.
    pub fn withdraw(&mut self) {
        self.versions.pop();
        self.define();
    }

    fn define(&self) {
        let text = format!(
            "images:\n- name: {}\n  format: raw\n  login: ubuntu\n  min_disk: 1\n  min_ram: 64\n  visibility: public\n{}  versions:\n{}",
            self.name,
            self.definition,
            self.versions.concat()
        );
        self.stage.write("images/story.yml", &text);
    }

    /// Applies as if so many days had passed since the story began; nothing is left to do then.
    pub fn day(&self, days: u64) -> Value {
        let today = (self.begin + Days::new(days)).to_string();
        let applied = self.on(&today, &["apply"]);
        let applied = applied.expect(0);
        let again = self.on(&today, &["plan"]).expect(0);
        assert_eq!(
            again["clouds"][0]["steps"],
            Value::Array(Vec::new()),
            "{again}"
        );
        applied
    }

    /// Runs a command with the date of another day.
    pub fn on(&self, today: &str, arguments: &[&str]) -> Ended {
        let today = format!("--today={today}");
        self.stage.reglaze(&[arguments, &[&today]].concat())
    }

    /// The date so many days after the story began.
    pub fn date(&self, days: u64) -> String {
        (self.begin + Days::new(days)).to_string()
    }

    /// The date so many days before the story began.
    pub fn date_before(&self, days: u64) -> NaiveDate {
        self.begin - Days::new(days)
    }

    /// What the users see: a line for each image, elder first. Its day of upload is `TODAY`, and the test's mark is left
    /// away.
    pub fn look(&self) -> String {
        let images = client(&[&[self.stage.tag.as_str()], &USERS[..]].concat());
        let mut text = String::new();
        for image in images.as_array().unwrap() {
            let mut line = String::new();
            let word = |key: &str| image[key].as_str().unwrap().to_owned();
            let users = |key: &str| {
                let users = image[key].as_array().unwrap().iter();
                let users: Vec<_> = users.map(|user| user.as_str().unwrap()).collect();
                if users.is_empty() {
                    "nobody".to_owned()
                } else {
                    users.join(" ")
                }
            };
            let hidden = if image["hidden"] == true {
                " hidden"
            } else {
                ""
            };
            writeln!(
                line,
                "{}: {} {}{hidden}; listed: {}; boots: {}",
                word("name"),
                word("status"),
                word("visibility"),
                users("listed"),
                users("boots"),
            )
            .unwrap();
            text += &self.plain(image, &line);
        }
        text
    }

    /// One image as the administrator sees it, elder first.
    pub fn image(&self, number: usize) -> Value {
        let images = client(&[self.stage.tag.as_str(), USERS[0]]);
        images[number].clone()
    }

    /// These properties of an image, as `key=value`; one that is absent is left away.
    pub fn properties(&self, number: usize, keys: &[&str]) -> String {
        let image = self.image(number);
        let value = |key: &&str| {
            let value = image["properties"][*key].as_str()?;
            Some(format!("{key}={value}\n"))
        };
        self.plain(&image, &keys.iter().filter_map(value).collect::<String>())
    }

    pub fn tags(&self, number: usize) -> String {
        let image = self.image(number);
        let tags = image["tags"].as_array().unwrap().iter();
        let tags: Vec<_> = tags.map(|tag| tag.as_str().unwrap()).collect();
        self.plain(&image, &tags.join(" "))
    }

    /// Glance's clock says when an image was uploaded, which may be on the day after the story began.
    fn plain(&self, image: &Value, text: &str) -> String {
        let created = image["properties"]["created_at"].as_str().unwrap();
        let (day, _) = created.split_once('T').unwrap();
        text.replace(&format!(" {}", self.stage.tag), "")
            .replace(&self.stage.tag, "MARK")
            .replace(day, "TODAY")
    }

    /// A server that a user keeps, from one of the images.
    pub fn start(&self, user: &str, number: usize) -> String {
        let id = self.image(number)["id"].as_str().unwrap().to_owned();
        client(&["--start", user, &id]).as_str().unwrap().to_owned()
    }

    /// Ends a server that was started here.
    pub fn end(user: &str, server: &str) {
        client(&["--end", user, server]);
    }
}

/// The SDK, installed beside the services, run with the script of this folder.
fn client(arguments: &[&str]) -> Value {
    let script = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/presets/look.py");
    let output = services::installed("python")
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}
