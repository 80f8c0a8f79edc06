use super::*;
use crate::domain::conduct::marker::{Built, block};

fn changes(images: &[(&str, &str)]) -> BTreeMap<String, String> {
    let images = images.iter();
    images
        .map(|(image, change)| ((*image).to_owned(), (*change).to_owned()))
        .collect()
}

fn rules() -> Rules {
    Rules {
        group: crate::domain::proposal::Grouping::Source,
        base: None,
        branch_prefix: "reglaze/".to_owned(),
        limit: None,
        minimum_age: 0,
        labels: Vec::new(),
        reviewers: Vec::new(),
        team_reviewers: Vec::new(),
        assignees: Vec::new(),
        milestone: None,
        draft: false,
        automerge: None,
        rebase: Rebase::Always,
        sign_off: None,
        dashboard: false,
        author: None,
        pause: std::time::Duration::ZERO,
        patience: std::time::Duration::ZERO,
    }
}

fn pull(changes: &BTreeMap<String, String>, settled: Option<&str>) -> PullRequest {
    let marker = Marker {
        form: FORM,
        group: "ubuntu".to_owned(),
        changes: changes.clone(),
        settled: settled.map(|commit| Built {
            commit: commit.to_owned(),
            base: "base".to_owned(),
            files: "f2".to_owned(),
        }),
        ..Marker::default()
    };
    PullRequest {
        number: 7,
        node_id: String::new(),
        url: String::new(),
        title: String::new(),
        body: block(&marker, "text"),
        is_open: true,
        is_merged: false,
        is_draft: false,
        merges_itself: false,
        branch: "reglaze/ubuntu".to_owned(),
        head: "head".to_owned(),
        base: "main".to_owned(),
        is_from_fork: false,
        author: "bot".to_owned(),
        merge_commit: None,
        closed_at: None,
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as `Seen` has it")]
fn branch(whose: Whose, behind: u64) -> Option<BranchSeen> {
    Some(BranchSeen {
        head: "head".to_owned(),
        whose,
        behind,
        message: String::new(),
    })
}

fn ours(files: &str) -> Whose {
    Whose::Ours {
        commit: "ours".to_owned(),
        files: files.to_owned(),
    }
}

fn alices() -> Whose {
    Whose::Persons {
        commit: "theirs".to_owned(),
        author: "alice".to_owned(),
    }
}

/// A run that wants version 2 with the files `f2`, with nothing else to say.
struct Run {
    changes: BTreeMap<String, String>,
    unknown: BTreeSet<String>,
    may_open: bool,
    rules: Rules,
}

impl Run {
    fn new() -> Self {
        Self {
            changes: changes(&[("Ubuntu", "2")]),
            unknown: BTreeSet::new(),
            may_open: true,
            rules: rules(),
        }
    }

    fn wanted(&self) -> Wanted<'_> {
        Wanted {
            group: "ubuntu",
            base: "main",
            base_head: "base",
            changes: &self.changes,
            files: "f2",
            unknown: &self.unknown,
            may_open: self.may_open,
        }
    }

    fn decide(
        &self,
        branch: Option<BranchSeen>,
        pull_request: Option<PullRequest>,
        boxes: Boxes,
    ) -> Decision {
        let seen = Seen {
            branch,
            pull_request,
            boxes,
        };
        decide(&self.wanted(), &seen, &self.rules)
    }

    /// Nothing is wanted any more.
    fn end(
        &self,
        branch: Option<BranchSeen>,
        pull_request: Option<PullRequest>,
        declined: bool,
    ) -> Decision {
        let seen = Seen {
            branch,
            pull_request,
            boxes: Boxes::default(),
        };
        decide_unwanted(&self.wanted(), &seen, declined)
    }
}

fn rebuild() -> BranchDeed {
    BranchDeed::Rebuild {
        seen: "head".to_owned(),
    }
}

#[track_caller]
fn assert_deeds(decision: &Decision, branch: &BranchDeed, pull: PullDeed, outcome: Outcome) {
    assert_eq!(
        (&decision.branch, decision.pull_request, decision.outcome),
        (branch, pull, outcome)
    );
}

#[test]
fn what_is_new_gets_a_branch_and_a_pull_request() {
    let run = Run::new();
    let decision = run.decide(None, None, Boxes::default());
    assert_deeds(
        &decision,
        &BranchDeed::Create,
        PullDeed::Open,
        Outcome::Opened,
    );
}

#[test]
fn a_second_run_with_nothing_new_does_nothing() {
    let run = Run::new();
    let there = pull(&run.changes, Some("ours"));
    let decision = run.decide(branch(ours("f2"), 0), Some(there), Boxes::default());
    assert_deeds(
        &decision,
        &BranchDeed::Keep,
        PullDeed::Keep,
        Outcome::Current,
    );
}

#[test]
fn what_a_dead_run_left_undone_is_done() {
    let run = Run::new();
    let fill = BranchDeed::Fill {
        seen: "base".to_owned(),
    };
    let mut empty = branch(Whose::Nobodys, 0);
    empty.as_mut().unwrap().head = "base".to_owned();
    assert_deeds(
        &run.decide(empty, None, Boxes::default()),
        &fill,
        PullDeed::Open,
        Outcome::Opened,
    );
    let decision = run.decide(branch(ours("f2"), 0), None, Boxes::default());
    assert_deeds(
        &decision,
        &BranchDeed::Keep,
        PullDeed::Open,
        Outcome::Opened,
    );
    // Opened, but its labels are not known to be there.
    let there = pull(&run.changes, None);
    let decision = run.decide(branch(ours("f2"), 0), Some(there), Boxes::default());
    assert_deeds(
        &decision,
        &BranchDeed::Keep,
        PullDeed::Edit,
        Outcome::Updated,
    );
}

#[test]
fn a_newer_version_comes_into_the_same_pull_request() {
    let run = Run::new();
    let there = pull(&changes(&[("Ubuntu", "1")]), Some("ours"));
    let decision = run.decide(branch(ours("f1"), 0), Some(there), Boxes::default());
    assert_deeds(&decision, &rebuild(), PullDeed::Edit, Outcome::Updated);
}

#[test]
fn a_base_that_moved_and_a_ticked_box_make_it_anew() {
    let mut run = Run::new();
    let there = || Some(pull(&run.changes, Some("ours")));
    let moved = run.decide(branch(ours("f2"), 1), there(), Boxes::default());
    assert_deeds(&moved, &rebuild(), PullDeed::Edit, Outcome::Updated);
    let boxes = Boxes {
        rebase: true,
        ..Boxes::default()
    };
    let asked = run.decide(branch(ours("f2"), 0), there(), boxes);
    assert_deeds(&asked, &rebuild(), PullDeed::Edit, Outcome::Updated);
    let there = there();
    run.rules.rebase = Rebase::Changed;
    let decision = run.decide(branch(ours("f2"), 1), there, Boxes::default());
    assert_eq!(decision.outcome, Outcome::Current);
}

#[test]
fn a_persons_commit_keeps_us_away_until_we_are_asked_back() {
    let run = Run::new();
    let there = || Some(pull(&changes(&[("Ubuntu", "1")]), Some("ours")));
    let first = run.decide(branch(alices(), 0), there(), Boxes::default());
    assert_deeds(
        &first,
        &BranchDeed::Keep,
        PullDeed::Keep,
        Outcome::Untouched,
    );
    assert_eq!(
        first.hands_off,
        Some(("alice".to_owned(), "theirs".to_owned()))
    );
    let told = Boxes {
        told: Some(1),
        ..Boxes::default()
    };
    assert_eq!(
        run.decide(branch(alices(), 0), there(), told).hands_off,
        None
    );
    let asked = Boxes {
        take_over: true,
        ..told
    };
    let decision = run.decide(branch(alices(), 0), there(), asked);
    assert_deeds(&decision, &rebuild(), PullDeed::Edit, Outcome::Updated);
    assert_eq!(decision.take_over.as_deref(), Some("head"));
}

#[test]
fn a_foreign_branch_of_our_name_is_never_touched() {
    let run = Run::new();
    let decision = run.decide(branch(alices(), 0), None, Boxes::default());
    assert_eq!(
        decision.reason,
        Some(Reason::Occupied("theirs".to_owned(), "alice".to_owned()))
    );
    assert_eq!(decision.branch, BranchDeed::Keep);
    assert_eq!(
        run.end(branch(alices(), 0), None, false).branch,
        BranchDeed::Keep
    );
}

#[test]
fn another_base_or_an_image_that_nobody_knows_anything_of_leaves_it_alone() {
    let mut run = Run::new();
    let mut elsewhere = pull(&run.changes, Some("ours"));
    elsewhere.base = "stable".to_owned();
    let decision = run.decide(branch(ours("f1"), 0), Some(elsewhere), Boxes::default());
    assert_eq!(
        decision.reason,
        Some(Reason::OtherBase("stable".to_owned()))
    );
    run.unknown = ["Debian".to_owned()].into();
    let there = || {
        Some(pull(
            &changes(&[("Debian", "3"), ("Ubuntu", "1")]),
            Some("ours"),
        ))
    };
    for decision in [
        run.decide(branch(ours("f1"), 0), there(), Boxes::default()),
        run.end(branch(ours("f1"), 0), there(), false),
    ] {
        assert_eq!(
            decision.reason,
            Some(Reason::Unknown(vec!["Debian".to_owned()]))
        );
    }
}

#[test]
fn above_the_limit_nothing_is_opened_but_what_is_open_goes_on() {
    let mut run = Run::new();
    run.may_open = false;
    assert_eq!(
        run.decide(None, None, Boxes::default()).reason,
        Some(Reason::Limit)
    );
    let there = pull(&changes(&[("Ubuntu", "1")]), Some("ours"));
    let decision = run.decide(branch(ours("f1"), 0), Some(there), Boxes::default());
    assert_eq!(decision.outcome, Outcome::Updated);
}

#[test]
fn what_has_become_pointless_is_closed_and_its_branch_goes() {
    let run = Run::new();
    let delete = BranchDeed::Delete {
        seen: "head".to_owned(),
    };
    let there = || Some(pull(&run.changes, Some("ours")));
    let decision = run.end(branch(ours("f2"), 3), there(), false);
    assert_deeds(&decision, &delete, PullDeed::Close, Outcome::Closed);
    assert_eq!(
        run.end(branch(alices(), 0), there(), false).outcome,
        Outcome::Untouched
    );
    // What a dead or merged run left goes too; what somebody closed unmerged may be opened again by them.
    assert_eq!(run.end(branch(ours("f2"), 3), None, false).branch, delete);
    assert_eq!(
        run.end(branch(ours("f2"), 3), None, true).branch,
        BranchDeed::Keep
    );
}
