//! `reglaze validate`, from outside.

use std::path::{Path, PathBuf};

use assert_cmd::Command;
use assert_cmd::assert::Assert;

const GOOD: &str = "\
images:
  - name: Debian 13
    format: qcow2
    visibility: public
    versions:
      - version: '20260720-2545'
        url: https://example.org/20260720-2545/debian-13.qcow2
        checksum: sha256:0000000000000000000000000000000000000000000000000000000000000000
";

/// A user's repository with these files, and the binary in an environment that holds nothing else.
struct Repository(tempfile::TempDir);

impl Repository {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(folder)
    }

    fn validate(&self, arguments: &[&str]) -> Assert {
        validate(self.0.path(), arguments)
    }
}

fn validate(folder: &Path, arguments: &[&str]) -> Assert {
    Command::new(env!("CARGO_BIN_EXE_reglaze"))
        .env_clear()
        .current_dir(folder)
        .arg("validate")
        .args(arguments)
        .assert()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn good_definitions_are_done_with_a_count() {
    let done = Repository::new(&[("images/debian.yml", GOOD)])
        .validate(&[])
        .code(0);
    assert_eq!(
        stdout(&done),
        "1 definition in 1 file: 0 errors, 0 warnings\n"
    );
}

#[test]
fn mistakes_of_all_files_are_said_with_file_line_and_column() {
    let typo = GOOD
        .replace("visibility: public", "visiblity: public")
        .replace("qcow2\n    vi", "qcow3\n    vi");
    let found = Repository::new(&[
        ("images/a.yml", GOOD),
        ("images/b.yaml", GOOD),
        ("images/c.yml", &typo),
        ("images/d.yml", "images: [\n"),
        ("images/notes.txt", "not: [yaml"),
    ])
    .validate(&[])
    .code(3);
    insta::assert_snapshot!(stdout(&found), @"
    images/b.yaml:2:11: error: `Debian 13` is defined at images/a.yml:2 already; give one of the two another name [duplicate-name]
    images/c.yml:3:13: error: `format` is `qcow3`; expected one of ami, ari, aki, vhd, vhdx, vmdk, raw, qcow2, vdi, ploop, iso [schema]
    images/c.yml:4:5: error: a definition has no key `visiblity`; did you mean `visibility`? [schema]
    images/d.yml:1:9: error: unclosed bracket '[' [yaml]
    3 definitions in 4 files: 4 errors, 0 warnings
    ");
}

#[test]
fn warnings_count_only_when_strict() {
    let repository = Repository::new(&[(
        "images/debian.yml",
        &GOOD.replace(
            "https://example.org/20260720-2545/",
            "https://example.org/latest/",
        ),
    )]);
    let lenient = repository.validate(&[]).code(0);
    assert!(
        stdout(&lenient).contains("[moving-url]"),
        "{}",
        stdout(&lenient)
    );
    repository.validate(&["--strict"]).code(3);
}

#[test]
fn json_is_one_document_with_all_fields_of_a_finding() {
    let text = GOOD.replace("'20260720-2545'", "20260720");
    let done = Repository::new(&[("images/debian.yml", &text)])
        .validate(&["--format", "json"])
        .code(0);
    let document: serde_json::Value = serde_json::from_str(&stdout(&done)).unwrap();
    assert_eq!(document["definitions"], 1);
    assert_eq!(document["files"], 1);
    let finding = document["findings"][0].as_object().unwrap();
    let keys: Vec<_> = finding.keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        [
            "level", "rule", "message", "file", "line", "column", "cloud", "image", "id"
        ]
    );
    assert_eq!(finding["rule"], "unquoted");
    assert_eq!(
        (&finding["line"], &finding["column"]),
        (&6.into(), &18.into())
    );
    assert_eq!(finding["image"], "Debian 13");
    assert!(finding["cloud"].is_null() && finding["id"].is_null());
}

#[test]
fn findings_become_annotations_and_markdown() {
    let repository = Repository::new(&[(
        "images/debian.yml",
        &GOOD
            .replace("sha256:", "md5:")
            .replace(&"0".repeat(64), &"0".repeat(32)),
    )]);
    let annotated = stdout(&repository.validate(&["--format=github"]).code(0));
    let command = "::warning title=weak-checksum,file=images/debian.yml,line=8,col=19::Debian 13: ";
    assert!(annotated.contains(command), "{annotated}");
    let markdown = stdout(&repository.validate(&["--format=markdown"]).code(0));
    assert!(
        markdown.starts_with("- `images/debian.yml:8:19` warning: "),
        "{markdown}"
    );
    assert!(
        markdown.ends_with("1 definition in 1 file: 0 errors, 1 warning\n"),
        "{markdown}"
    );
}

#[test]
fn an_empty_or_missing_folder_is_no_success() {
    let repository = Repository::new(&[("images/README", ""), ("images/sub/a.yml", GOOD)]);
    for (arguments, folder) in [
        ([].as_slice(), "`images`"),
        (&["--images", "elsewhere"], "`elsewhere`"),
    ] {
        let refused = repository.validate(arguments).code(1);
        let said = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
        assert!(said.contains(folder) && said.contains("--images"), "{said}");
    }
}

#[test]
fn one_file_can_be_asked_about() {
    let repository = Repository::new(&[
        ("images/debian.yml", GOOD),
        ("images/bad.yml", "images: 3\n"),
    ]);
    repository
        .validate(&["--images", "images/debian.yml"])
        .code(0);
    repository.validate(&[]).code(3);
}

#[test]
fn a_filter_leaves_out_what_is_said_of_others() {
    let repository = Repository::new(&[
        ("images/a.yml", GOOD),
        (
            "images/b.yml",
            &GOOD
                .replace("Debian 13", "Ubuntu 24.04")
                .replace("        checksum", "        # checksum"),
        ),
    ]);
    repository.validate(&[]).code(3);
    repository.validate(&["--filter", "^Debian"]).code(0);
    repository.validate(&["--filter", "^Ubuntu"]).code(3);
}

#[test]
fn what_the_settings_say_of_policy_is_checked_too() {
    let with = |settings: &str| {
        Repository::new(&[("images/debian.yml", GOOD), ("reglaze.yml", settings)]).validate(&[])
    };
    with("policy: {preset: osism}\n").code(0);
    let unknown = with("policy: {preset: osmi}\n").code(3);
    assert!(stdout(&unknown).contains("`osmi`"), "{}", stdout(&unknown));
    let per_cloud = with("clouds: [{name: edge, policy: {tags: ['{colour}']}}]\n").code(3);
    let said = stdout(&per_cloud);
    assert!(
        said.contains("edge: ") && said.contains("`colour`"),
        "{said}"
    );
    with("polcy: {}\n").code(1);
}

#[test]
fn the_settings_say_which_standard_counts() {
    let with = |settings: &str, images: &str| {
        let repository =
            Repository::new(&[("images/debian.yml", images), ("reglaze.yml", settings)]);
        let day = "--today=2026-07-26";
        let lenient = stdout(&repository.validate(&[day]).code(0));
        // Warnings, no errors: they count where they are asked for.
        let strict = if lenient.contains("warning: ") { 3 } else { 0 };
        repository.validate(&[day, "--strict"]).code(strict);
        lenient
    };
    assert!(!with("scs:\n", GOOD).contains("scs-0102"));
    assert!(with("scs: v2\n", GOOD).contains("asks for `architecture`"));
    let purpose = GOOD.replace(
        "    versions:",
        "    meta: {uuid_validity: none}\n    versions:",
    );
    assert!(with("scs:\n", &purpose).contains("`os_purpose` (`generic`"));
    let first = with("scs: v1\n", &purpose);
    assert!(
        first.contains("recommends `os_purpose` (`generic`"),
        "{first}"
    );
    assert!(!with("scs: off\n", &purpose).contains("scs-"));
}

#[test]
fn the_catalogue_of_this_project_is_clean_under_both_versions_of_the_standard() {
    let images = project().join("images");
    let files = std::fs::read_dir(&images).unwrap().count();
    let images = images.to_str().unwrap();
    for standard in ["scs: v1\n", "scs: v2\n", "scs:\n"] {
        let settings = Repository::new(&[("reglaze.yml", standard)]);
        let done = settings.validate(&["--strict", "--images", images]).code(0);
        let clean = format!(" in {files} files: 0 errors, 0 warnings\n");
        // Not even a note: what the standard recommends is there too.
        assert_eq!(stdout(&done).lines().count(), 1, "{}", stdout(&done));
        assert!(stdout(&done).ends_with(&clean), "{}", stdout(&done));
    }
}

#[test]
fn a_source_that_cannot_be_read_or_does_not_exist_is_found() {
    let tracked = GOOD.replace(
        "    versions:",
        "    upstream: {from: nowhere}\n    versions:",
    );
    let unknown = Repository::new(&[("images/a.yml", &tracked)])
        .validate(&[])
        .code(0);
    assert!(
        stdout(&unknown).contains("no source `nowhere`"),
        "{}",
        stdout(&unknown)
    );
    let broken = Repository::new(&[("images/a.yml", GOOD), ("sources/own.yml", "engine: [\n")])
        .validate(&[])
        .code(3);
    assert!(
        stdout(&broken).contains("sources/own.yml:1:1: error: "),
        "{}",
        stdout(&broken)
    );
}

#[test]
fn the_files_of_openstack_image_manager_are_definitions_as_they_are() {
    let output = std::process::Command::new(project().join("tests/openstack/oim"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let venv = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    let images = std::fs::read_dir(venv.join("lib"))
        .unwrap()
        .map(|python| {
            python
                .unwrap()
                .path()
                .join("site-packages/openstack_image_manager/etc/images")
        })
        .find(|folder| folder.is_dir())
        .unwrap();
    let done = validate(&images, &["--images", "."]).code(0);
    let said = stdout(&done);
    assert!(said.contains(" in 13 files: 0 errors, "), "{said}");
    // What is true of them and known: AlmaLinux is pinned by its moving name, Garden Linux lists two lines in one.
    for finding in [
        "./almalinux.yml:34:11: warning: `url`",
        "./gardenlinux.yml:47:18: warning: the list begins oldest first",
    ] {
        assert!(said.contains(finding), "{said}");
    }
}
