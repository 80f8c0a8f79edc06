//! Whose the commits of a branch are. A person's commit on our branch is never overwritten.

use std::collections::BTreeSet;

use super::names::{Trailers, digest_of};
use crate::domain::forge::{Commit, Comparison};

/// Whose a branch is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whose {
    /// Nobody's: it has nothing that its base has not.
    Nobodys,
    /// Ours, as we left it, or brought up to its base by the platform.
    Ours {
        /// Our newest commit.
        commit: String,
        /// What we gave the files there.
        files: String,
    },
    /// The base was merged into it, and a file is not as we left it: ours if the change still is the same.
    Merged {
        /// Our newest commit, whose change is to be compared.
        commit: String,
        /// What we gave the files there.
        files: String,
    },
    /// Somebody has worked on it.
    Persons {
        /// The commit.
        commit: String,
        /// Who wrote it.
        author: String,
    },
}

/// Says whose a branch is, from what it has that its base has not.
pub fn whose(branch: &Comparison, group: &str) -> Whose {
    let own: BTreeSet<&str> = branch
        .commits
        .iter()
        .map(|commit| commit.id.as_str())
        .collect();
    let mut ours: Option<(&Commit, Trailers)> = None;
    let mut merged = false;
    for commit in &branch.commits {
        match Trailers::read(&commit.message).filter(|trailers| trailers.group == group) {
            Some(trailers) => {
                ours = Some((commit, trailers));
                merged = false;
            }
            None if ours.is_some() && is_of_the_base(commit, &own) => merged = true,
            None => return persons(commit),
        }
    }
    let (commit, trailers) = match (ours, branch.is_whole) {
        (Some(ours), true) => ours,
        (None, true) => return Whose::Nobodys,
        // More commits than the forge tells are not ours: we make one.
        (_, false) => {
            return branch.commits.last().map_or(Whose::Nobodys, persons);
        }
    };
    let (id, files) = (commit.id.clone(), trailers.files);
    if digest_of(branch).as_ref() == Some(&files) {
        Whose::Ours { commit: id, files }
    } else if merged {
        Whose::Merged { commit: id, files }
    } else {
        // Amended: the message is ours, what it says is not.
        persons(branch.commits.last().unwrap_or(commit))
    }
}

fn persons(commit: &Commit) -> Whose {
    Whose::Persons {
        commit: commit.id.clone(),
        author: commit.author.clone(),
    }
}

/// Whether a commit brings the base into the branch, as "Update branch" does.
fn is_of_the_base(commit: &Commit, own: &BTreeSet<&str>) -> bool {
    match commit.parents.as_slice() {
        [first, second] => own.contains(first.as_str()) && !own.contains(second.as_str()),
        _ => false,
    }
}

/// Whether two branches make the same change of the same files, on whatever base: the lines that go and come.
pub fn is_same_change(one: &Comparison, other: &Comparison) -> bool {
    let change = |comparison: &Comparison| -> Option<Vec<(String, Vec<String>)>> {
        let mut files: Vec<_> = comparison
            .files
            .iter()
            .map(|file| Some((file.path.clone(), lines(file.patch.as_deref()?))))
            .collect::<Option<_>>()?;
        files.sort();
        Some(files)
    };
    let (one, other) = (change(one), change(other));
    one.is_some() && one == other
}

/// The lines of a patch that go and come.
fn lines(patch: &str) -> Vec<String> {
    let is_change = |line: &&str| line.starts_with(['+', '-']);
    patch.lines().filter(is_change).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::forge::{ChangedFile, NewFile, blob};

    fn commit(id: &str, message: &str, parents: &[&str]) -> Commit {
        Commit {
            id: id.to_owned(),
            message: message.to_owned(),
            author: "alice".to_owned(),
            parents: parents.iter().map(|&parent| parent.to_owned()).collect(),
        }
    }

    fn message(text: &str) -> String {
        let file = NewFile {
            path: "a.yml".to_owned(),
            text: text.to_owned(),
        };
        let trailers = Trailers::of("ubuntu", &[file]);
        let lines = trailers
            .pairs()
            .map(|(key, value)| format!("{key}: {value}"));
        format!("New\n\n{}", lines.join("\n"))
    }

    fn branch(commits: Vec<Commit>, text: &str, patch: &str) -> Comparison {
        Comparison {
            merge_base: "base".to_owned(),
            behind: 0,
            commits,
            files: vec![ChangedFile {
                path: "a.yml".to_owned(),
                blob: Some(blob(text.as_bytes())),
                status: "modified".to_owned(),
                patch: Some(patch.to_owned()),
            }],
            is_whole: true,
        }
    }

    fn ours(text: &str) -> Commit {
        commit("1", &message(text), &["base"])
    }

    fn is_ours(whose: &Whose) -> bool {
        matches!(whose, Whose::Ours { commit, .. } if commit == "1")
    }

    fn is_alices(whose: &Whose) -> bool {
        matches!(whose, Whose::Persons { author, .. } if author == "alice")
    }

    #[test]
    fn a_branch_without_commits_is_nobodys() {
        let empty = Comparison {
            is_whole: true,
            ..Comparison::default()
        };
        assert_eq!(whose(&empty, "ubuntu"), Whose::Nobodys);
    }

    #[test]
    fn a_branch_as_we_left_it_is_ours() {
        assert!(is_ours(&whose(&branch(vec![ours("x")], "x", ""), "ubuntu")));
        assert!(is_alices(&whose(
            &branch(vec![ours("x")], "x", ""),
            "debian"
        )));
    }

    #[test]
    fn a_commit_of_a_person_is_one_wherever_it_stands() {
        let persons = commit("2", "fix", &["1"]);
        for commits in [
            vec![persons.clone()],
            vec![ours("x"), persons.clone()],
            vec![commit("0", "before", &["base"]), ours("x")],
        ] {
            assert!(is_alices(&whose(&branch(commits, "x", ""), "ubuntu")));
        }
    }

    #[test]
    fn an_amended_commit_is_a_persons() {
        assert!(is_alices(&whose(
            &branch(vec![ours("x")], "y", ""),
            "ubuntu"
        )));
        let mut more = branch(vec![ours("x")], "x", "");
        more.files.push(ChangedFile {
            path: "b.yml".to_owned(),
            ..more.files[0].clone()
        });
        assert!(is_alices(&whose(&more, "ubuntu")));
    }

    #[test]
    fn the_base_merged_by_the_platform_is_no_person() {
        let update = commit(
            "2",
            "Merge branch 'main' into reglaze/ubuntu",
            &["1", "newer"],
        );
        let commits = vec![ours("x"), update];
        assert!(is_ours(&whose(&branch(commits.clone(), "x", ""), "ubuntu")));
        let found = whose(&branch(commits, "x and what main did", ""), "ubuntu");
        assert!(matches!(found, Whose::Merged { commit, .. } if commit == "1"));
        // A merge of two of the branch's own commits is somebody's work.
        let own = vec![ours("x"), commit("2", "Merge", &["1", "1"])];
        assert!(is_alices(&whose(&branch(own, "x", ""), "ubuntu")));
    }

    #[test]
    fn the_same_lines_on_another_base_are_the_same_change() {
        let one = branch(vec![], "", "@@ -1,3 +1,4 @@\n a\n+new\n b");
        let other = branch(vec![], "", "@@ -7,3 +7,4 @@\n x\n+new\n y");
        let edited = branch(vec![], "", "@@ -7,3 +7,4 @@\n x\n+newer\n y");
        assert!(is_same_change(&one, &other));
        assert!(!is_same_change(&one, &edited));
        let mut silent = one.clone();
        silent.files[0].patch = None;
        assert!(!is_same_change(&silent, &silent));
    }

    #[test]
    fn more_than_the_forge_tells_is_not_ours() {
        let mut long = branch(vec![ours("x")], "x", "");
        long.is_whole = false;
        assert!(is_alices(&whose(&long, "ubuntu")));
    }
}
