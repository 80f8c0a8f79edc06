//! `adopt` that is held to what was reviewed, and over several clouds of which one is down.

use super::{build, by_hand, definitions, delete, image, own, rules_of, taken};
use crate::stage::{Ended, Stage, rules};

/// Two definitions, and an image of each that was made by hand.
fn two(stage: &Stage) -> [String; 2] {
    ["Alpha", "Beta"].map(|name| {
        let version = stage.publish_sha512(name, own(stage, name).as_bytes());
        stage.define(name, "", &[version]);
        by_hand(stage, "admin", name, name, &["--public"])
    })
}

fn is_ours(stage: &Stage, id: &str) -> bool {
    image(id).tags.contains(&stage.tag)
}

/// Somebody replaces an image by one that has the same bytes and another ID.
fn replaced(stage: &Stage, id: &str, name: &str) -> String {
    delete(&[id]);
    by_hand(stage, "admin", name, name, &["--public"])
}

#[test]
fn a_fingerprint_stops_an_adoption_that_is_not_the_reviewed_one() {
    let stage = Stage::new("adopt-print");
    let filter = format!("--filter={}", stage.tag);
    let [alpha, beta] = two(&stage);
    let reviewed = stage.reglaze(&["adopt", &filter]).expect(2);
    let print = reviewed["clouds"][0]["fingerprint"].as_str().unwrap();
    let beta = replaced(&stage, &beta, "Beta");

    stage.glance.take();
    let bound = |print: &str| {
        let print = format!("--fingerprint=admin={print}");
        stage.reglaze(&["adopt", "--write", &print, &filter])
    };
    let stopped = bound(print).expect(1);
    assert!(stage.glance.take().iter().all(|seen| !seen.is_write()));
    assert_eq!(rules(&stopped), ["cloud", "plan-moved"], "{stopped}");
    let said = |number: usize| stopped["findings"][number]["message"].as_str().unwrap();
    let now = stopped["clouds"][0]["fingerprint"].as_str().unwrap();
    assert!(
        said(0).contains(print) && said(0).contains(now),
        "{}",
        said(0)
    );
    // Both of what would be done now, by name.
    for name in ["Alpha", "Beta"] {
        assert!(said(1).contains(&stage.name(name)), "{}", said(1));
    }
    assert!(!is_ours(&stage, &alpha) && !is_ours(&stage, &beta));

    let document = bound(now).expect(0);
    assert_eq!(taken(&document).len(), 2);
    assert!(is_ours(&stage, &alpha) && is_ours(&stage, &beta));
    delete(&[&alpha, &beta]);
}

#[test]
fn a_plan_lets_through_what_is_as_reviewed_and_shows_what_moved() {
    let stage = Stage::new("adopt-plan");
    let filter = format!("--filter={}", stage.tag);
    let [alpha, beta] = two(&stage);
    let lonely = by_hand(&stage, "admin", "Gamma", "nobody defines it", &["--public"]);
    let reviewed = stage.reglaze(&["adopt", &filter]);
    assert_eq!(definitions(&reviewed.expect(2)), [stage.name("Gamma")]);
    stage.write("reviewed.json", &reviewed.stdout);
    let (before, lonely_before) = (beta.clone(), lonely.clone());
    let beta = replaced(&stage, &beta, "Beta");
    delete(&[&lonely]);
    let lonely = by_hand(&stage, "admin", "Gamma", "nobody defines it", &["--public"]);

    let arguments = ["adopt", "--write", "--plan=reviewed.json", &filter];
    let document = stage.reglaze(&arguments).expect(3);
    assert!(is_ours(&stage, &alpha));
    assert!(!is_ours(&stage, &beta) && !is_ours(&stage, &lonely));
    assert!(definitions(&document).is_empty(), "{document}");
    assert!(!stage.path("images/adopted.yml").exists());
    assert_eq!(rules(&document), ["plan-moved", "plan-moved"], "{document}");
    let findings = document["findings"].as_array().unwrap();
    for (name, then, now) in [("Beta", &before, &beta), ("Gamma", &lonely_before, &lonely)] {
        let found = findings.iter().find(|one| one["image"] == stage.name(name));
        let said = found.unwrap()["message"].as_str().unwrap();
        assert!(
            said.contains(then.as_str()) && said.contains(now.as_str()),
            "{said}"
        );
    }
    let outcomes = document["clouds"][0]["steps"].as_array().unwrap().iter();
    let outcomes: Vec<_> = outcomes
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["done", "skipped", "skipped"]);

    // The next review binds what is there now.
    let reviewed = stage.reglaze(&["adopt", &filter]);
    stage.write("reviewed.json", &reviewed.stdout);
    stage.reglaze(&arguments).expect(0);
    assert!(is_ours(&stage, &beta) && is_ours(&stage, &lonely));
    assert!(stage.path("images/adopted.yml").exists());
    delete(&[&alpha, &beta, &lonely]);
}

#[test]
fn a_cloud_that_is_down_does_not_stop_the_adoption_in_another() {
    let stage = Stage::new("adopt-clouds");
    let filter = format!("--filter={}", stage.tag);
    let text = std::fs::read_to_string(stage.path("clouds.yaml")).unwrap();
    let down = "  down:\n    auth: {auth_url: 'http://127.0.0.1:1/v3', username: x, password: y, project_name: z, \
                user_domain_name: Default, project_domain_name: Default}\n";
    stage.write("clouds.yaml", &format!("{text}{down}"));
    let config = format!("tag: {}\nclouds: [down, admin, member]\n", stage.tag);
    stage.write("reglaze.yml", &config);
    let version = stage.publish_sha512(&build("1"), own(&stage, "alpha").as_bytes());
    stage.define("Alpha", "", &[version]);
    // Defined: in one cloud. Of nobody: in both, and the definition that the first one's makes is enough for the second.
    let alpha = by_hand(&stage, "admin", "Alpha", "alpha", &["--public"]);
    let gamma = by_hand(
        &stage,
        "admin",
        &format!("Gamma {} (20240501)", stage.tag),
        "gamma",
        &["--community"],
    );
    let twin = by_hand(
        &stage,
        "member",
        &format!("Gamma {} (20240501)", stage.tag),
        "gamma",
        &["--community"],
    );
    let run = |arguments: &[&str]| -> Ended {
        let more = ["--format=json", filter.as_str()];
        let all = arguments.iter().chain(&more);
        stage.reglaze_as(&all.map(|one| (*one).to_owned()).collect::<Vec<_>>())
    };

    let document = run(&["adopt", "--write"]).expect(3);
    let clouds = document["clouds"].as_array().unwrap();
    let names: Vec<_> = clouds
        .iter()
        .map(|cloud| cloud["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["down", "admin", "member"]);
    assert!(
        clouds[0]["error"].as_str().unwrap().contains("127.0.0.1:1"),
        "{document}"
    );
    let done = |cloud: usize| {
        let steps = clouds[cloud]["steps"].as_array().unwrap();
        assert!(
            steps.iter().all(|step| step["outcome"] == "done"),
            "{document}"
        );
        steps.len()
    };
    assert_eq!((done(1), done(2)), (2, 1), "{document}");
    assert_eq!(rules(&document), ["cloud"], "{document}");
    assert_eq!(definitions(&document), [stage.name("Gamma")]);
    assert!([&alpha, &gamma, &twin].iter().all(|id| is_ours(&stage, id)));
    assert!(rules_of(&document, &twin).is_empty());

    // Each cloud by itself has nothing left.
    for cloud in ["admin", "member"] {
        let again = run(&["adopt", "--cloud", cloud]).expect(0);
        assert!(
            taken(&again).is_empty() && definitions(&again).is_empty(),
            "{again}"
        );
    }
    delete(&[&alpha, &gamma, &twin]);
}
