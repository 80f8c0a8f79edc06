//! The fake's branches and git objects.

use serde_json::json;

use super::api::Api;
use crate::forge::Fake;

#[test]
fn a_branch_is_made_read_moved_forward_only_and_deleted() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let first = fake.head("main");
    let body = json!({"ref": "refs/heads/reglaze/ubuntu", "sha": first});
    api.post("git/refs", &body).expect(201);
    assert_eq!(
        api.post("git/refs", &body).refusal(422),
        "Reference already exists"
    );
    let second = fake
        .person("ann")
        .commit("main", &[("a.yml", "a")], "Second");
    let name = "git/refs/heads/reglaze/ubuntu";
    api.patch(name, &json!({"sha": second})).expect(200);
    assert_eq!(
        api.patch(name, &json!({"sha": first})).refusal(422),
        "Update is not a fast forward"
    );
    api.patch(name, &json!({"sha": first, "force": true}))
        .expect(200);
    let found = api.get("git/matching-refs/heads/reglaze/").expect(200);
    assert_eq!(found[0]["ref"], "refs/heads/reglaze/ubuntu");
    assert_eq!(
        api.get("git/ref/heads/reglaze%2Fubuntu").expect(200)["object"]["sha"],
        first
    );
    api.delete(name).expect(204);
    api.get("git/ref/heads/reglaze/ubuntu").expect(404);
    assert_eq!(fake.branches().into_keys().collect::<Vec<_>>(), ["main"]);
}

#[test]
fn a_commit_is_made_of_blobs_and_a_tree() {
    let fake = Fake::start();
    let api = Api::of(&fake);
    let head = fake.head("main");
    let base = api.get(&format!("git/commits/{head}")).expect(200)["tree"]["sha"].clone();
    let blob = api
        .post(
            "git/blobs",
            &json!({"content": "aGVsbG8K", "encoding": "base64"}),
        )
        .expect(201)["sha"]
        .clone();
    let tree = json!({"base_tree": base, "tree": [{"path": "images/a.yml", "mode": "100644", "type": "blob", "sha": blob}]});
    let tree = api.post("git/trees", &tree).expect(201)["sha"].clone();
    let commit = json!({"message": "Add\n\nWhy", "tree": tree, "parents": [head]});
    let commit = api.post("git/commits", &commit).expect(201);
    assert_eq!(
        commit["verification"]["verified"], true,
        "made by an app, so signed by GitHub"
    );
    api.patch(
        "git/refs/heads/main",
        &json!({"sha": commit["sha"], "force": false}),
    )
    .expect(200);
    assert_eq!(fake.files("main")["images/a.yml"], "hello\n");
    assert_eq!(fake.files("main").len(), 2);
    let listed = api
        .get(&format!("git/trees/{}?recursive=1", tree.as_str().unwrap()))
        .expect(200);
    assert_eq!(listed["truncated"], false);
    let paths: Vec<_> = listed["tree"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["path"].as_str().unwrap())
        .collect();
    assert_eq!(paths, ["README.md", "images", "images/a.yml"]);
    let read = api
        .get(&format!("git/blobs/{}", blob.as_str().unwrap()))
        .expect(200);
    assert_eq!(
        (read["content"].as_str(), read["size"].as_u64()),
        (Some("aGVsbG8K\n"), Some(6))
    );
}

#[test]
fn a_comparison_tells_commits_files_and_how_far_behind() {
    let fake = Fake::start();
    let (ann, api) = (fake.person("ann"), Api::of(&fake));
    ann.commit("topic/one", &[("a.yml", "one\n")], "One");
    ann.commit("topic/one", &[("b.yml", "two\n")], "Two");
    ann.commit("main", &[("c.yml", "three\n")], "Three");
    let found = api.get("compare/main...topic/one").expect(200);
    assert_eq!(
        (&found["ahead_by"], &found["behind_by"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(found["commits"][0]["author"]["login"], "ann");
    assert_eq!(found["files"][0]["patch"], "@@ -0,0 +1 @@\n+one");
    fake.settings(|settings| settings.comparison_size = (1, 1));
    let cut = api.get("compare/main...topic/one");
    assert!(cut.header("link").unwrap().contains("rel=\"next\""));
    assert_eq!(cut.body["files"].as_array().unwrap().len(), 1);
}
