//! A bare git repository, driven with git's plumbing. Knows nothing of GitHub.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// What `updateRefs` and git itself write where a branch is not.
pub const NOTHING: &str = "0000000000000000000000000000000000000000";

/// Who did something to a commit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    pub name: String,
    pub email: String,
    /// RFC 3339 in UTC.
    pub date: String,
}

/// A commit as git has it.
#[derive(Debug, Clone)]
pub struct Commit {
    pub oid: String,
    pub tree: String,
    pub parents: Vec<String>,
    pub author: Signature,
    pub committer: Signature,
    pub message: String,
}

/// An entry of a tree.
#[derive(Debug, Clone)]
pub struct Entry {
    pub mode: String,
    pub kind: String,
    pub oid: String,
    pub size: Option<u64>,
    pub path: String,
}

/// A file that differs between two trees.
#[derive(Debug, Clone)]
pub struct Difference {
    pub path: String,
    pub before: Option<String>,
    pub status: &'static str,
    /// The file's content on the newer side; of a removed one, on the older.
    pub oid: String,
    pub additions: usize,
    pub deletions: usize,
    pub patch: String,
}

/// How one path of a tree is to change: a mode and a blob, or nothing any more.
pub type Change = Option<(String, String)>;

pub struct Repository {
    folder: TempDir,
}

impl Repository {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let repository = Self { folder };
        repository.git(&["init", "--quiet", "--bare", "--initial-branch=main", "."]);
        repository
    }

    /// Where it lies, for those who want to look with git.
    pub fn path(&self) -> &std::path::Path {
        self.folder.path()
    }

    fn run(
        &self,
        arguments: &[&str],
        input: &[u8],
        environment: &[(&str, &str)],
    ) -> (bool, Vec<u8>) {
        let mut child = Command::new("git")
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").expect("a PATH"))
            .env("GIT_DIR", self.folder.path())
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("git is installed");
        let mut stdin = child.stdin.take().expect("a pipe");
        let input = input.to_vec();
        // Both directions at once: a full pipe would stop git for ever.
        let writer = std::thread::spawn(move || drop(stdin.write_all(&input)));
        let output = child.wait_with_output().expect("git ends");
        writer.join().expect("git has read its input");
        (output.status.success(), output.stdout)
    }

    fn text(&self, arguments: &[&str]) -> Option<String> {
        let (done, output) = self.run(arguments, b"", &[]);
        done.then(|| String::from_utf8_lossy(&output).trim_end().to_owned())
    }

    /// A call that must succeed.
    fn git(&self, arguments: &[&str]) -> String {
        self.text(arguments)
            .unwrap_or_else(|| panic!("git {arguments:?} failed"))
    }

    pub fn write_blob(&self, content: &[u8]) -> String {
        let (done, output) = self.run(&["hash-object", "-w", "--stdin"], content, &[]);
        assert!(done, "git hash-object failed");
        String::from_utf8_lossy(&output).trim().to_owned()
    }

    pub fn blob(&self, oid: &str) -> Option<Vec<u8>> {
        let (done, output) = self.run(&["cat-file", "blob", oid], b"", &[]);
        done.then_some(output)
    }

    /// `blob`, `tree`, `commit`; nothing if there is no such object.
    pub fn kind(&self, oid: &str) -> Option<String> {
        self.text(&["cat-file", "-t", oid])
    }

    /// The commit that a branch, a reference or a hash means.
    pub fn resolve(&self, name: &str) -> Option<String> {
        self.text(&[
            "rev-parse",
            "--verify",
            "--quiet",
            &format!("{name}^{{commit}}"),
        ])
    }

    /// The object that an expression such as `main:images/a.yml` means.
    pub fn name_of(&self, expression: &str) -> Option<String> {
        self.text(&["rev-parse", "--verify", "--quiet", expression])
    }

    pub fn commit(&self, oid: &str) -> Option<Commit> {
        let text = self.text(&[
            "log",
            "-1",
            "--no-show-signature",
            "--date=iso-strict",
            "--format=%H%x00%T%x00%P%x00%an%x00%ae%x00%aI%x00%cn%x00%ce%x00%cI%x00%B",
            oid,
        ])?;
        let fields: Vec<_> = text.splitn(10, '\0').collect();
        let date = |text: &str| {
            let date = chrono::DateTime::parse_from_rfc3339(text).expect("a date of git");
            moment(date.to_utc())
        };
        let signature = |at: usize| Signature {
            name: fields[at].to_owned(),
            email: fields[at + 1].to_owned(),
            date: date(fields[at + 2]),
        };
        Some(Commit {
            oid: fields[0].to_owned(),
            tree: fields[1].to_owned(),
            parents: fields[2].split_whitespace().map(str::to_owned).collect(),
            author: signature(3),
            committer: signature(6),
            message: fields[9].trim_end_matches('\n').to_owned(),
        })
    }

    pub fn entries(&self, tree: &str, recursive: bool) -> Option<Vec<Entry>> {
        let mut arguments = vec!["ls-tree", "-z", "--long"];
        if recursive {
            arguments.extend(["-r", "-t"]);
        }
        arguments.push(tree);
        let text = self.text(&arguments)?;
        let entry = |line: &str| {
            let (about, path) = line.split_once('\t').expect("a path");
            let about: Vec<_> = about.split_whitespace().collect();
            Entry {
                mode: about[0].to_owned(),
                kind: about[1].to_owned(),
                oid: about[2].to_owned(),
                size: about[3].parse().ok(),
                path: path.to_owned(),
            }
        };
        Some(text.split_terminator('\0').map(entry).collect())
    }

    /// The tree that comes of another one by these changes.
    pub fn tree_with(
        &self,
        base: Option<&str>,
        changes: &BTreeMap<String, Change>,
    ) -> Option<String> {
        let index = self.folder.path().join("index-of-the-fake");
        let index = index.to_str().expect("a path in UTF-8");
        let environment = [("GIT_INDEX_FILE", index)];
        let _ = std::fs::remove_file(index);
        if let Some(base) = base
            && !self.run(&["read-tree", base], b"", &environment).0
        {
            return None;
        }
        let mut lines = String::new();
        for (path, change) in changes {
            let (mode, oid) = match change {
                Some((mode, oid)) => (mode.as_str(), oid.as_str()),
                None => ("0", NOTHING),
            };
            lines.extend([mode, " ", oid, "\t", path, "\0"]);
        }
        let arguments = ["update-index", "-z", "--index-info"];
        if !self.run(&arguments, lines.as_bytes(), &environment).0 {
            return None;
        }
        let (done, output) = self.run(&["write-tree"], b"", &environment);
        let _ = std::fs::remove_file(index);
        done.then(|| String::from_utf8_lossy(&output).trim().to_owned())
    }

    pub fn write_commit(
        &self,
        tree: &str,
        parents: &[String],
        message: &str,
        author: &Signature,
        committer: &Signature,
    ) -> Option<String> {
        let mut arguments = vec!["commit-tree", tree];
        for parent in parents {
            arguments.extend(["-p", parent]);
        }
        let environment = [
            ("GIT_AUTHOR_NAME", author.name.as_str()),
            ("GIT_AUTHOR_EMAIL", &author.email),
            ("GIT_AUTHOR_DATE", &author.date),
            ("GIT_COMMITTER_NAME", &committer.name),
            ("GIT_COMMITTER_EMAIL", &committer.email),
            ("GIT_COMMITTER_DATE", &committer.date),
        ];
        let (done, output) = self.run(&arguments, message.as_bytes(), &environment);
        done.then(|| String::from_utf8_lossy(&output).trim().to_owned())
    }

    /// References whose full name begins so, with the commits that they are at.
    pub fn references(&self, prefix: &str) -> BTreeMap<String, String> {
        self.git(&["for-each-ref", "--format=%(refname) %(objectname)"])
            .lines()
            .filter_map(|line| line.split_once(' '))
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(name, oid)| (name.to_owned(), oid.to_owned()))
            .collect()
    }

    pub fn reference(&self, name: &str) -> Option<String> {
        self.text(&["show-ref", "--verify", "--hash", name])
    }

    /// Sets references, or none of them; `None` deletes.
    pub fn set_references(&self, changes: &[(String, Option<String>)]) -> bool {
        let mut lines = String::new();
        for (name, oid) in changes {
            match oid {
                Some(oid) => lines.extend(["update ", name, " ", oid, "\n"]),
                None => lines.extend(["delete ", name, "\n"]),
            }
        }
        self.run(&["update-ref", "--stdin"], lines.as_bytes(), &[])
            .0
    }

    pub fn is_branch_name(&self, name: &str) -> bool {
        self.run(&["check-ref-format", "--branch", name], b"", &[])
            .0
    }

    pub fn merge_base(&self, one: &str, other: &str) -> Option<String> {
        self.text(&["merge-base", one, other])
    }

    /// Whether the first commit is the second, or one that it is built on.
    pub fn is_ancestor(&self, one: &str, other: &str) -> bool {
        self.run(&["merge-base", "--is-ancestor", one, other], b"", &[])
            .0
    }

    /// What the second has and the first has not, oldest first.
    pub fn between(&self, one: &str, other: &str) -> Vec<String> {
        self.git(&[
            "rev-list",
            "--reverse",
            "--topo-order",
            &format!("{one}..{other}"),
        ])
        .lines()
        .map(str::to_owned)
        .collect()
    }

    pub fn differences(&self, one: &str, other: &str) -> Vec<Difference> {
        let raw = self.git(&["diff-tree", "-r", "-z", "-M", "--raw", one, other]);
        let mut fields = raw.split_terminator('\0');
        let mut found = Vec::new();
        while let Some(about) = fields.next() {
            let about: Vec<_> = about.split(' ').collect();
            let first = fields.next().expect("a path").to_owned();
            let letter = &about[4][..1];
            let is_renamed = letter == "R";
            let (before, path) = if is_renamed {
                (Some(first), fields.next().expect("the new path").to_owned())
            } else {
                (None, first)
            };
            let status = match letter {
                "A" => "added",
                "D" => "removed",
                "R" => "renamed",
                _ => "modified",
            };
            let oid = about[if letter == "D" { 2 } else { 3 }].to_owned();
            let mut arguments = vec!["diff-tree", "-p", "-M", "--no-color", one, other, "--"];
            arguments.extend(before.as_deref());
            arguments.push(&path);
            let text = self.git(&arguments);
            // GitHub leaves out the lines before the first hunk.
            let hunks = text
                .find("\n@@")
                .map_or("", |at| &text[at + 1..])
                .to_owned();
            let count = |sign: char| hunks.lines().filter(|line| line.starts_with(sign)).count();
            let (additions, deletions) = (count('+'), count('-'));
            found.push(Difference {
                path,
                before,
                status,
                oid,
                additions,
                deletions,
                patch: hunks,
            });
        }
        found
    }

    /// The tree of a merge; nothing if they do not go together.
    pub fn merged_tree(&self, ours: &str, theirs: &str) -> Option<String> {
        let (done, output) = self.run(&["merge-tree", "--write-tree", ours, theirs], b"", &[]);
        let text = String::from_utf8_lossy(&output);
        done.then(|| text.lines().next().expect("a tree").to_owned())
    }

    /// The tree of a commit's change done again on another commit; nothing if it does not fit there.
    pub fn replayed_tree(&self, commit: &Commit, onto: &str) -> Option<String> {
        let parent = commit.parents.first()?;
        // Three commits whose only common one is the parent's content: what `merge-tree --merge-base` of later versions does.
        let nobody = Signature {
            name: "nobody".to_owned(),
            email: "nobody@example.org".to_owned(),
            date: "2000-01-01T00:00:00Z".to_owned(),
        };
        let one =
            |tree: &str, parents: &[String]| self.write_commit(tree, parents, "", &nobody, &nobody);
        let base = vec![one(&self.commit(parent)?.tree, &[])?];
        let ours = one(&self.commit(onto)?.tree, &base)?;
        let theirs = one(&commit.tree, &base)?;
        self.merged_tree(&ours, &theirs)
    }
}

/// How GitHub and git write a moment.
pub fn moment(date: chrono::DateTime<chrono::Utc>) -> String {
    date.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
}
