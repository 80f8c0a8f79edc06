//! Deployments, and the plans that were reviewed for them or not.

use serde_json::{Map, Value, json};

use super::super::hidden::CloudMark;
use super::*;
use crate::domain::step::{Action, Work};

const US: &str = "github-actions[bot]";

fn pull(number: u64) -> PullRequest {
    PullRequest {
        number,
        node_id: String::new(),
        url: String::new(),
        title: String::new(),
        body: String::new(),
        is_open: false,
        is_merged: true,
        is_draft: false,
        merges_itself: false,
        branch: "change".to_owned(),
        head: "head".to_owned(),
        base: "main".to_owned(),
        is_from_fork: false,
        author: "somebody".to_owned(),
        merge_commit: Some("merge".to_owned()),
        closed_at: None,
    }
}

fn step() -> Step {
    Step {
        action: Action::Rename,
        image: "Ubuntu".to_owned(),
        id: Some("old".to_owned()),
        version: Some("1".to_owned()),
        from: json!("Ubuntu"),
        to: json!("Ubuntu (1)"),
        changes: Map::from_iter([("name".to_owned(), json!("Ubuntu (1)"))]),
        reason: "wording".to_owned(),
        work: Work::None,
        withdrawal: false,
    }
}

fn marks(names: &[&str], fingerprint: Option<&str>) -> Vec<CloudMark> {
    let mark = |name: &&str| CloudMark {
        name: (*name).to_owned(),
        fingerprint: fingerprint.map(str::to_owned),
    };
    names.iter().map(mark).collect()
}

fn document(steps: &[Step]) -> String {
    json!({"clouds": [{"name": "prod", "fingerprint": "x", "error": Value::Null, "steps": steps}], "findings": []})
        .to_string()
}

fn comment(author: &str, body: String) -> Comment {
    Comment {
        id: 1,
        node_id: "IC_1".to_owned(),
        url: String::new(),
        body,
        author: author.to_owned(),
    }
}

fn planned(author: &str, head: &str) -> Comment {
    let mark = hidden::mark(head, &marks(&["prod"], Some("f1")));
    comment(author, mark + "text\n")
}

fn plan(names: &[&str], fingerprint: Option<&str>, plan: Option<String>) -> PlanComment {
    PlanComment {
        head: "head".to_owned(),
        clouds: marks(names, fingerprint),
        plan,
    }
}

#[test]
fn the_pull_request_is_found_however_it_was_merged() {
    // By a merge and squashed, its own commit; rebased, the last of several.
    let one = [pull(7)];
    assert_eq!(pull_request(&one, "merge", "main").unwrap().number, 7);
    assert_eq!(pull_request(&one, "rebased", "main").unwrap().number, 7);
    // Of two, the one whose merge it is.
    let other = PullRequest {
        merge_commit: Some("other".to_owned()),
        ..pull(8)
    };
    let two = [other.clone(), pull(7)];
    assert_eq!(pull_request(&two, "merge", "main").unwrap().number, 7);
    let error = pull_request(&two, "third", "main").unwrap_err();
    assert!(error.to_string().contains("#8, #7"), "{error}");
}

#[test]
fn an_open_one_and_one_into_another_branch_merged_nothing_here() {
    let open = PullRequest {
        is_merged: false,
        is_open: true,
        ..pull(7)
    };
    let elsewhere = PullRequest {
        base: "stable".to_owned(),
        ..pull(8)
    };
    for pulls in [vec![], vec![open, elsewhere]] {
        let error = pull_request(&pulls, "merge", "main").unwrap_err();
        assert!(matches!(error, Unreviewed::NoPullRequest { .. }));
    }
}

#[test]
fn the_plan_of_the_last_commit_by_us_counts() {
    let comments = [
        comment("somebody", "looks good".to_owned()),
        planned("GitHub-Actions[bot]", "head"),
    ];
    assert_eq!(plans(&pull(7), &comments, US).unwrap().len(), 1);
}

#[test]
fn whatever_else_there_is_binds_nothing_and_says_why() {
    let unreadable = comment(US, "<!-- reglaze:plan {} -->\n".to_owned());
    let quoted = comment(US, format!("> {}", planned(US, "head").body));
    for (comments, expected) in [
        (vec![], "has no plan"),
        (vec![quoted], "has no plan"),
        (
            vec![planned("mallory", "head")],
            "is by `mallory` and not by",
        ),
        (
            vec![planned(US, "older")],
            "is of commit `older`, and `head` was merged",
        ),
        (
            vec![planned(US, "older"), planned("mallory", "head")],
            "is of commit `older`",
        ),
        (
            vec![planned("mallory", "head"), planned(US, "older")],
            "is of commit `older`",
        ),
        (vec![unreadable], "cannot be read"),
    ] {
        let error = plans(&pull(7), &comments, US).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("nothing is done"), "{error}");
    }
    // A login that is not known is nobody's.
    assert!(plans(&pull(7), &[planned("", "head")], "").is_err());
}

#[test]
fn a_plan_that_somebody_else_changed_is_none_of_ours() {
    let by = |login: &str| LastEdit::By(login.to_owned());
    for last in [LastEdit::None, by(US), by("GitHub-Actions[bot]")] {
        unedited(&pull(7), US, &last).unwrap();
    }
    for (last, expected) in [
        (by("mallory"), "#7 was changed by `mallory` after"),
        // A person may be called as a bot is without its end.
        (by("github-actions"), "by `github-actions` after"),
        (by(""), "after `github-actions[bot]` wrote it"),
        (LastEdit::ByUnknown, "by somebody after"),
    ] {
        let error = unedited(&pull(7), US, &last).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("nothing is done"), "{error}");
    }
}

#[test]
fn only_a_plan_that_tells_of_a_cloud_of_the_run_is_used() {
    let plan = plan(&["prod", "edge"], Some("f1"), None);
    assert!(is_of_any(&plan, &["lab", "edge"]));
    assert!(!is_of_any(&plan, &["lab"]) && !is_of_any(&plan, &[]));
}

#[test]
fn steps_bind_if_they_are_those_of_the_fingerprint() {
    let fingerprint = step::fingerprint(&[step()]);
    let whole = plan(&["prod"], Some(&fingerprint), Some(document(&[step()])));
    assert_eq!(
        bond(std::slice::from_ref(&whole), "prod"),
        Bond::Steps(vec![step()])
    );
    // Others, none, or no JSON: the fingerprint is left.
    let forged = Step {
        to: json!("Debian"),
        ..step()
    };
    for text in [Some(document(&[forged])), Some("{".to_owned()), None] {
        let plan = plan(&["prod"], Some(&fingerprint), text);
        assert_eq!(
            bond(&[plan], "prod"),
            Bond::Fingerprint(fingerprint.clone())
        );
    }
}

#[test]
fn an_empty_plan_binds_to_nothing_to_do() {
    let fingerprint = step::fingerprint(&[]);
    let plan = plan(&["prod"], Some(&fingerprint), Some(document(&[])));
    assert_eq!(bond(&[plan], "prod"), Bond::Steps(Vec::new()));
}

#[test]
fn a_cloud_that_no_plan_names_or_that_failed_or_that_two_tell_differently_stays_as_it_is() {
    let said = |plans: &[PlanComment], cloud: &str| match bond(plans, cloud) {
        Bond::Nothing(reason) => reason,
        bond => panic!("{bond:?}"),
    };
    let good = plan(&["prod"], Some("f1"), None);
    assert!(said(std::slice::from_ref(&good), "edge").contains("names the cloud `edge`"));
    let failed = plan(&["prod"], None, None);
    assert!(said(&[failed], "prod").contains("could not be planned"));
    let other = plan(&["prod", "edge"], Some("f2"), None);
    assert!(said(&[good.clone(), other], "prod").contains("differ for this cloud"));
    let same = plan(&["prod", "edge"], Some("f1"), None);
    assert_eq!(
        bond(&[good, same], "prod"),
        Bond::Fingerprint("f1".to_owned())
    );
}
