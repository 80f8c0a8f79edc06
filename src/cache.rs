//! A folder of documents as they came, for conditional requests. Safe to lose, and never evidence: what counts is what
//! the server says today.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::domain::checksum::hex;

/// Entries that no run has used for so long are swept out.
const UNUSED: Duration = Duration::from_hours(90 * 24);

/// A file under way that is older belongs to a run that has died.
const UNDER_WAY: Duration = Duration::from_hours(24);

/// More than any document and its head have.
const LARGEST: u64 = 64 << 20;

/// What a file is called until it is whole.
const FRESH: &str = "new";

/// The folder.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

/// A document of an earlier run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The validators that its server gave.
    pub validators: Validators,
    /// Its body.
    pub body: Vec<u8>,
}

/// What a server gives to ask whether something has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<String>,
    /// `Last-Modified`.
    pub last_modified: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    url: String,
    #[serde(flatten)]
    validators: Validators,
    sha256: String,
}

impl Cache {
    /// A cache of this name below `folder`, which need not exist. What nobody has used for long is removed from it.
    pub fn new(folder: &Path, name: &str) -> Self {
        let folder = folder.join(name);
        sweep(&folder);
        Self { folder }
    }

    /// What was kept of a URL, if it is whole. That it was used is noted.
    pub fn get(&self, url: &str) -> Option<Entry> {
        let path = self.path(url);
        let file = read(&path)?;
        let end = file.iter().position(|byte| *byte == b'\n')?;
        let head: Head = serde_json::from_slice(&file[..end]).ok()?;
        let body = file[end + 1..].to_vec();
        if head.url != url || head.sha256 != digest(&body) {
            return None;
        }
        used(&path);
        Some(Entry {
            validators: head.validators,
            body,
        })
    }

    /// Keeps a document; a cache that cannot be written is none.
    pub fn put(&self, url: &str, validators: &Validators, body: &[u8]) {
        if *validators == Validators::default() {
            return;
        }
        let head = Head {
            url: url.to_owned(),
            validators: validators.clone(),
            sha256: digest(body),
        };
        let Ok(mut file) = serde_json::to_vec(&head) else {
            return;
        };
        file.push(b'\n');
        file.extend_from_slice(body);
        if let Err(error) = write(&self.path(url), &file) {
            tracing::debug!("the cache keeps nothing: {error}");
        }
    }

    /// Keeps a document no longer.
    pub fn forget(&self, url: &str) {
        // What is not there is forgotten.
        let _ = std::fs::remove_file(self.path(url));
    }

    fn path(&self, url: &str) -> PathBuf {
        self.folder.join(digest(url.as_bytes()))
    }
}

/// Reads a file of the cache; whatever else may lie under its name is nothing.
pub fn read(path: &Path) -> Option<Vec<u8>> {
    let metadata = std::fs::metadata(path).ok()?;
    if !metadata.is_file() || metadata.len() > LARGEST {
        return None;
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    file.take(LARGEST).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// Writes a file in one step, so that a reader never sees half of it; its folder is made.
///
/// Several processes may do so at once, each under another name until the file is whole.
pub fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    // Process numbers are alike in containers that share a folder; the hasher's keys are random.
    let word = RandomState::new().build_hasher().finish();
    let fresh = path.with_extension(format!("{word:016x}.{FRESH}"));
    let mut file = std::fs::File::create_new(&fresh)?;
    let written = file
        .write_all(bytes)
        .and_then(|()| std::fs::rename(&fresh, path));
    if written.is_err() {
        // Best effort: the first error is the one to tell.
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

/// Notes that an entry was used; a cache that cannot be written ages, which does no harm.
pub fn used(path: &Path) {
    let now = SystemTime::now();
    let noted = std::fs::File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(now));
    if let Err(error) = noted {
        tracing::debug!("the cache cannot note what was used: {error}");
    }
}

/// Whether a file was written within this time.
pub fn is_younger(path: &Path, limit: Duration) -> bool {
    age(path, SystemTime::now()).is_some_and(|age| age < limit)
}

/// How long ago a file was written or used; nothing for what is younger than `now`.
fn age(path: &Path, now: SystemTime) -> Option<Duration> {
    let used = std::fs::metadata(path).and_then(|metadata| metadata.modified());
    now.duration_since(used.ok()?).ok()
}

/// Removes what nobody has used for long, and what dead runs have left; nothing that the cache has not written.
pub fn sweep(folder: &Path) {
    sweep_at(folder, SystemTime::now());
}

fn sweep_at(folder: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some((name, rest)) = name.map(|name| name.split_once('.').unwrap_or((name, ""))) else {
            continue;
        };
        let limit = match rest {
            "" | "asc" => UNUSED,
            rest if rest.ends_with(FRESH) => UNDER_WAY,
            _ => continue,
        };
        let is_ours =
            matches!(name.len(), 40 | 64) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_ours && age(&path, now).is_some_and(|age| age > limit) {
            // Another run may have been faster.
            let _ = std::fs::remove_file(&path);
        }
    }
}

fn digest(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_comes_back_and_what_was_damaged_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http");
        let validators = Validators {
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
        };
        cache.put("https://a.example/x", &validators, b"body\nof two lines");
        let entry = cache.get("https://a.example/x").unwrap();
        assert_eq!(
            (entry.validators, entry.body.as_slice()),
            (validators, &b"body\nof two lines"[..])
        );
        assert_eq!(cache.get("https://a.example/y"), None);

        let path = cache.path("https://a.example/x");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.pop();
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(cache.get("https://a.example/x"), None);
    }

    const URL: &str = "https://a.example/x";

    fn validators() -> Validators {
        Validators {
            etag: Some("\"1\"".to_owned()),
            last_modified: None,
        }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn whatever_lies_under_the_name_of_an_entry_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http");
        let path = cache.path(URL);
        let head = |sha256: &str| format!("{{\"url\":\"{URL}\",\"sha256\":\"{sha256}\"}}");
        std::fs::create_dir_all(&cache.folder).unwrap();
        for garbage in [
            String::new(),
            "\n".to_owned(),
            "{}\nbody".to_owned(),
            head("00"),
            "\u{0}".repeat(99),
        ] {
            std::fs::write(&path, &garbage).unwrap();
            assert_eq!(cache.get(URL), None, "{garbage}");
        }
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(1 << 40).unwrap();
        assert_eq!(cache.get(URL), None, "a file of a tebibyte");
        std::fs::remove_file(&path).unwrap();
        std::fs::create_dir(&path).unwrap();
        assert_eq!(cache.get(URL), None, "a folder");
        // Nor can it be replaced; nothing is left of the try.
        cache.put(URL, &validators(), b"body");
        assert_eq!(
            names(&cache.folder),
            [path.file_name().unwrap().to_str().unwrap()]
        );
    }

    #[test]
    fn many_writers_and_readers_at_once_never_meet_half_an_entry() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http");
        let bodies: Vec<_> = (0..4_u8)
            .map(|byte| vec![byte; 100_000 + usize::from(byte)])
            .collect();
        cache.put(URL, &validators(), &bodies[0]);
        std::thread::scope(|scope| {
            for body in &bodies {
                let cache = &cache;
                scope.spawn(move || (0..50).for_each(|_| cache.put(URL, &validators(), body)));
            }
            for _ in 0..100 {
                let entry = cache.get(URL).expect("an entry that is always there");
                assert!(bodies.contains(&entry.body));
            }
        });
        assert_eq!(names(&cache.folder).len(), 1);
    }

    #[test]
    fn what_nobody_has_used_for_long_is_swept_out_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http");
        cache.put(URL, &validators(), b"body");
        cache.put("https://a.example/used", &validators(), b"body");
        let entry = cache.path(URL);
        let dead = entry.with_extension(format!("0123456789abcdef.{FRESH}"));
        let foreign = cache.folder.join("README");
        for path in [&dead, &foreign] {
            std::fs::write(path, "text").unwrap();
        }
        let age = |path: &Path, days: u64| {
            let file = std::fs::File::options().write(true).open(path).unwrap();
            let time = SystemTime::now() - Duration::from_hours(days * 24);
            file.set_modified(time).unwrap();
        };
        age(&entry, 89);
        age(&cache.path("https://a.example/used"), 89);
        age(&foreign, 1000);
        sweep_at(&cache.folder, SystemTime::now());
        assert_eq!(names(&cache.folder).len(), 4);

        // Use makes it young again.
        cache.get("https://a.example/used").unwrap();
        sweep_at(
            &cache.folder,
            SystemTime::now() + Duration::from_hours(2 * 24),
        );
        let used = cache.path("https://a.example/used");
        assert_eq!(
            names(&cache.folder),
            [used.file_name().unwrap().to_str().unwrap(), "README"]
                .map(str::to_owned)
                .into_iter()
                .collect::<std::collections::BTreeSet<_>>()
                .into_iter()
                .collect::<Vec<_>>()
        );
    }

    #[test]
    fn without_validators_nothing_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::new(folder.path(), "http");
        cache.put("https://a.example/x", &Validators::default(), b"body");
        assert_eq!(cache.get("https://a.example/x"), None);
    }
}
