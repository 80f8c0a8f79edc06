//! One run over several clouds, and one plan spread over several runs.

use std::collections::BTreeSet;

use reglaze::domain::shard::Shard;
use serde_json::Value;

use crate::stage::{Ended, Stage, openstack};

/// Runs the binary with these arguments and the upstream of the stage.
fn run(stage: &Stage, arguments: &[&str]) -> Ended {
    let map = format!(
        "--upstream-map=https://images.example={}",
        stage.upstream_url()
    );
    let arguments = arguments.iter().copied().chain([map.as_str()]);
    stage.reglaze_as(&arguments.map(str::to_owned).collect::<Vec<_>>())
}

/// A community image: every project may have such, also one without the administrator's rights.
fn community(stage: &Stage, name: &str, version: &str) -> String {
    let listed = stage.publish(&format!("{name}-{version}"), name.as_bytes());
    let listed = listed.replacen(&format!("'{name}-{version}'"), &format!("'{version}'"), 1);
    let listed = format!("  {}\n", listed.trim_end().replace('\n', "\n  "));
    format!(
        "  - name: {}\n    format: raw\n    min_disk: 1\n    visibility: community\n    versions:\n{listed}",
        stage.name(name)
    )
}

fn cloud<'a>(document: &'a Value, name: &str) -> &'a Value {
    let clouds = document["clouds"].as_array().unwrap();
    clouds.iter().find(|cloud| cloud["name"] == name).unwrap()
}

#[test]
fn a_cloud_that_is_down_does_not_stop_the_others() {
    let stage = Stage::new("several");
    let images = community(&stage, "Ubuntu", "20260701") + &community(&stage, "Debian", "20260702");
    stage.write("images/all.yml", &format!("images:\n{images}"));
    let text = std::fs::read_to_string(stage.path("clouds.yaml")).unwrap();
    let down = "  down:\n    auth:\n      auth_url: http://127.0.0.1:1/v3\n      username: x\n      password: y\n      \
                project_name: z\n      user_domain_name: Default\n      project_domain_name: Default\n";
    stage.write("clouds.yaml", &format!("{text}{down}"));
    stage.write(
        "reglaze.yml",
        &format!("tag: {}\nclouds: [admin, down, member]\n", stage.tag),
    );

    let applied = run(&stage, &["apply", "--format=json"]).expect(3);
    for name in ["admin", "member"] {
        let steps = cloud(&applied, name)["steps"].as_array().unwrap().clone();
        assert_eq!(steps.len(), 4, "{name}: {applied}");
        assert!(steps.iter().all(|step| step["outcome"] == "done"));
    }
    let error = cloud(&applied, "down")["error"].as_str().unwrap();
    assert!(error.contains("127.0.0.1:1"), "{error}");
    let findings = applied["findings"].as_array().unwrap();
    assert_eq!(findings.len(), 1, "{applied}");
    assert_eq!(
        (&findings[0]["rule"], &findings[0]["cloud"]),
        (&"cloud".into(), &"down".into())
    );

    let ended = run(&stage, &["plan"]);
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let table: Vec<_> = ended
        .stdout
        .lines()
        .skip_while(|line| !line.trim_start().starts_with("admin  "))
        .take(2)
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(
        table,
        [
            "admin down member",
            "all nothing to do FAILED nothing to do"
        ]
    );
}

#[test]
fn all_clouds_down_is_nothing_done() {
    let stage = Stage::new("alldown");
    stage.write(
        "images/all.yml",
        &format!("images:\n{}", community(&stage, "Ubuntu", "1")),
    );
    let auth = "auth: {auth_url: 'http://127.0.0.1:1/v3', username: x, password: y, project_name: z, user_domain_name: Default, \
                project_domain_name: Default}";
    stage.write(
        "clouds.yaml",
        &format!("clouds:\n  one: {{{auth}}}\n  two: {{{auth}}}\n"),
    );
    let arguments = ["--cloud=one", "--cloud=two", "--format=json"];
    let planned = run(&stage, &[&["plan"], &arguments[..]].concat()).expect(1);
    assert_eq!(planned["findings"].as_array().unwrap().len(), 2);
}

#[test]
fn runners_share_a_plan_by_cloud_and_shard() {
    let stage = Stage::new("matrix");
    // Whose share a name is tells its hash, and names here bear the test's mark: three for each.
    let names = |shard: Shard| {
        let names = (1..).map(|number| format!("Image{number}"));
        let stage = &stage;
        let its = names.filter(move |name| shard.holds(&stage.name(name)));
        its.take(3)
    };
    let names: Vec<_> = Shard::all(3).flat_map(names).collect();
    let images: String = names
        .iter()
        .map(|name| community(&stage, name, "20260701"))
        .collect();
    stage.write("images/all.yml", &format!("images:\n{images}"));

    let ended = run(&stage, &["plan", "--cloud=admin", "--format=matrix"]);
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    assert_eq!(ended.stdout.lines().count(), 1, "GitHub takes one line");
    let matrix: Value = serde_json::from_str(&ended.stdout).unwrap();
    let jobs = matrix["include"].as_array().unwrap();
    assert_eq!(
        jobs.len(),
        3,
        "nine uploads are worth three runners: {matrix}"
    );

    // Each runner plans for itself and is held to its part of what was reviewed.
    for job in jobs {
        let shard = format!("--shard={}", job["shard"].as_str().unwrap());
        let fingerprint = job["fingerprint"].as_str().unwrap();
        let fingerprint = format!("--fingerprint=admin={fingerprint}");
        let arguments = [
            "apply",
            "--cloud=admin",
            "--format=json",
            &shard,
            &fingerprint,
        ];
        let applied = run(&stage, &arguments).expect(0);
        let steps = cloud(&applied, "admin")["steps"].as_array().unwrap().len();
        assert_eq!(steps, job["steps"]);
        // The same part again is not what was reviewed any more.
        assert!(run(&stage, &arguments).code == 1);
    }
    let list = openstack(
        &[
            "image",
            "list",
            "--community",
            "--tag",
            &stage.tag,
            "-f",
            "json",
        ],
        "admin",
    );
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    let found: BTreeSet<_> = list
        .iter()
        .map(|image| image["Name"].as_str().unwrap().to_owned())
        .collect();
    let wanted: BTreeSet<_> = names.iter().map(|name| stage.name(name)).collect();
    assert_eq!(found, wanted);

    let ended = run(&stage, &["plan", "--cloud=admin", "--format=matrix"]);
    assert_eq!(
        (ended.code, ended.stdout.as_str()),
        (0, "{\"include\":[]}\n")
    );
}

#[test]
fn a_matrix_is_of_a_whole_plan_and_of_nothing_else() {
    let stage = Stage::new("nomatrix");
    stage.write("images/all.yml", "images: []\n");
    let ended = run(&stage, &["apply", "--format=matrix"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("expected `plan`"), "{}", ended.stderr);
    let ended = run(&stage, &["plan", "--format=matrix", "--shard=1/2"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("one of them"), "{}", ended.stderr);
}
