//! `reglaze new`, from outside.

use std::path::Path;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use reglaze::domain::definition;
use serde_json::Value;

fn reglaze(folder: &Path, arguments: &[&str]) -> Assert {
    Command::new(env!("CARGO_BIN_EXE_reglaze"))
        .env_clear()
        .env("HOME", folder)
        // Nobody listens there: what is asked of upstreams fails at once, and only that.
        .env("HTTPS_PROXY", "http://127.0.0.1:9")
        .current_dir(folder)
        .args(arguments)
        .assert()
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

fn read(folder: &Path, file: &str) -> String {
    std::fs::read_to_string(folder.join(file)).unwrap()
}

/// The flags that a source needs, each with the newest value that it knows.
fn needed(source: &Value) -> Vec<String> {
    let parameters = source["parameters"].as_object().unwrap();
    let needed = parameters
        .iter()
        .filter(|(_, parameter)| parameter["default"].is_null());
    needed
        .map(|(name, parameter)| {
            let values = parameter["values"].as_array().unwrap();
            let newest = values.last().unwrap_or_else(|| {
                panic!(
                    "source {} names no value of `{name}`; list some under `known`",
                    source["name"]
                )
            });
            format!("--set={name}={}", newest.as_str().unwrap())
        })
        .collect()
}

#[test]
fn every_source_scaffolds_a_definition_that_validate_and_update_accept() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let listed = stdout(&reglaze(folder, &["sources", "--format=json"]).code(0));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let sources = listed["sources"].as_array().unwrap();
    for source in sources {
        let name = source["name"].as_str().unwrap();
        let flags = needed(source);
        let mut arguments = vec!["new", name];
        arguments.extend(flags.iter().map(String::as_str));
        reglaze(folder, &arguments).code(0);

        let file = format!("images/{name}.yml");
        let written = definition::parse(&file, &read(folder, &file)).unwrap();
        let upstream = written[0].upstream.as_ref().unwrap();
        assert_eq!(upstream.from, name);
        for flag in flags {
            let (parameter, value) = flag["--set=".len()..].split_once('=').unwrap();
            assert_eq!(upstream.parameters[parameter], value, "{name}");
        }
    }
    let valid = reglaze(folder, &["validate", "--strict"]).code(0);
    let files = std::fs::read_dir(folder.join("images")).unwrap().count();
    assert_eq!(files, sources.len());
    assert!(
        stdout(&valid).ends_with(&format!(
            "{files} definitions in {files} files: 0 errors, 0 warnings\n"
        )),
        "{}",
        stdout(&valid)
    );

    let asked = stdout(&reglaze(folder, &["update", "--format=json"]));
    let asked: Value = serde_json::from_str(&asked).unwrap();
    let images = asked["images"].as_array().unwrap();
    assert_eq!(images.len(), files);
    for image in images {
        let error = image["error"].as_str().unwrap();
        assert!(error.contains(" cannot be reached: "), "{image}");
    }
}

#[test]
fn a_second_definition_goes_below_the_first_and_leaves_it_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let first = reglaze(folder, &["new", "ubuntu", "--release=24.04"]).code(0);
    insta::assert_snapshot!(stdout(&first), @r"
    wrote images/ubuntu.yml: `Ubuntu 24.04`
    next: reglaze update --write --filter '^Ubuntu 24\.04$'
    ");
    let own = read(folder, "images/ubuntu.yml")
        .replace("min_disk: 8", "min_disk: 20  # more than enough");
    std::fs::write(folder.join("images/ubuntu.yml"), &own).unwrap();
    let arguments = [
        "new",
        "ubuntu",
        "--release=24.04",
        "--arch=aarch64",
        "--variant=minimal",
    ];
    let second = reglaze(folder, &arguments).code(0);
    insta::assert_snapshot!(stdout(&second), @r"
    added to images/ubuntu.yml: `Ubuntu 24.04 Minimal aarch64`
    next: reglaze update --write --filter '^Ubuntu 24\.04 Minimal aarch64$'
    ");
    let both = read(folder, "images/ubuntu.yml");
    assert!(both.starts_with(&own), "{both}");
    let names: Vec<_> = definition::parse("a.yml", &both)
        .unwrap()
        .into_iter()
        .map(|definition| definition.name)
        .collect();
    assert_eq!(names, ["Ubuntu 24.04", "Ubuntu 24.04 Minimal aarch64"]);
}

#[test]
fn a_name_that_is_there_is_refused_wherever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let debian = ["new", "debian", "--release=13"];
    let elsewhere = [&debian[..], &["--output=images/all.yml"]].concat();
    reglaze(folder, &elsewhere).code(0);
    let refused = reglaze(folder, &debian).code(1);
    assert_eq!(
        stderr(&refused),
        "error: `Debian 13` is defined at images/all.yml:5 already; say another name by --name, or edit that definition\n"
    );
    assert!(!folder.join("images/debian.yml").exists());
    let named = [&debian[..], &["--name=Our Debian"]].concat();
    reglaze(folder, &named).code(0);
    assert!(read(folder, "images/debian.yml").contains("- name: Our Debian\n"));
}

#[test]
fn a_definition_can_be_printed_instead_and_is_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let arguments = ["new", "debian", "--release=13", "--output=-"];
    let shown = stdout(&reglaze(folder, &arguments).code(0));
    assert_eq!(definition::parse("-", &shown).unwrap()[0].name, "Debian 13");
    assert!(!folder.join("images").exists());

    let arguments = ["new", "debian", "--release=13", "--format=json"];
    let json: Value = serde_json::from_str(&stdout(&reglaze(folder, &arguments).code(0))).unwrap();
    assert_eq!(json["definition"]["outcome"], "created");
    assert_eq!(json["definition"]["file"], "images/debian.yml");
    assert!(shown.ends_with(json["definition"]["text"].as_str().unwrap()));
    assert_eq!(json["findings"], Value::Array(Vec::new()));
}

#[test]
fn what_is_wrong_is_said_with_a_remedy_and_nothing_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for (arguments, said) in [
        (&["ubunut"][..], "did you mean `ubuntu`?"),
        (&["windows"], "`reglaze sources` lists them"),
        (&["debian"], "needs `--release RELEASE`, such as `11`"),
        (
            &["debian", "--release=13", "--arch=amd64"],
            "say --arch x86_64",
        ),
        (
            &["debian", "--release=13", "--stream=weekly"],
            "has `release`, `daily`",
        ),
        (
            &["debian", "--release=13", "--set=release"],
            "expected NAME=VALUE",
        ),
        (
            &["debian", "--release=13", "--set=release=12"],
            "say it once",
        ),
    ] {
        let refused = reglaze(folder, &[&["new"], arguments].concat()).code(1);
        assert!(stderr(&refused).contains(said), "{}", stderr(&refused));
    }
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 0);
}

#[test]
fn a_file_at_whose_end_nothing_fits_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("images")).unwrap();
    for text in ["images: []\n", "images: [\n"] {
        std::fs::write(folder.join("images/debian.yml"), text).unwrap();
        reglaze(folder, &["new", "debian", "--release=13"]).code(1);
        assert_eq!(read(folder, "images/debian.yml"), text);
    }
}

const OWN: &str = r#"title: Our own images
parameters:
  release: {known: ["9", "10"]}
  arch: {default: x86_64}
architectures: {x86_64: amd64, aarch64: arm64}
indexes:
  - engine: listing
    url: https://images.example/{release}/
    file: '^own-{arch}-(?<version>\d{8})\.qcow2$'
checksum: {url: "{folder}SHA256SUMS"}
signature:
  form: detached
  url: "{manifest}.gpg"
  keys: [0123456789012345678901234567890123456789]
  key_url: https://images.example/key.asc
expected_every: 30d
tested_on: sample
unproven: nobody has looked
"#;

#[test]
fn a_source_is_told_in_detail_with_an_example_that_works() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    std::fs::create_dir(folder.join("sources")).unwrap();
    std::fs::write(folder.join("sources/own.yml"), OWN).unwrap();
    let detail = stdout(&reglaze(folder, &["sources", "own"]).code(0));
    insta::assert_snapshot!(detail, @r"
    own  Our own images (sources/own.yml)

      --release         needed; 9, 10 or another
      --arch            aarch64, x86_64 (default)

      newest build by   listing
      digest proven by  signature: checksum file with a detached signature
      key               0123456789012345678901234567890123456789
                        https://images.example/key.asc
      a build every     30 days, else `update` warns
      tested on         sample
      unproven          nobody has looked

    reglaze new own --release 10
    ");

    let list = stdout(&reglaze(folder, &["sources"]).code(0));
    let own = list.lines().skip_while(|line| !line.starts_with("own  "));
    let own: Vec<_> = own.take(5).collect();
    insta::assert_snapshot!(own.join("\n"), @r"
    own  Our own images (sources/own.yml)
      release=9|10  arch=x86_64|aarch64
      signature: checksum file with a detached signature
      key 0123456789012345678901234567890123456789
      unproven: nobody has looked
    ");

    let json: Value = serde_json::from_str(&stdout(
        &reglaze(folder, &["sources", "own", "--format=json"]).code(0),
    ))
    .unwrap();
    let own = &json["sources"][0];
    assert_eq!(json["sources"].as_array().unwrap().len(), 1);
    assert_eq!(own["proofs"][0]["by"], "signature");
    assert_eq!(own["tested_on"], "sample");
    assert_eq!(own["unproven"], "nobody has looked");
    let example = own["example"].as_str().unwrap();
    let words: Vec<_> = example.split(' ').skip(1).collect();
    reglaze(folder, &words).code(0);
    assert!(read(folder, "images/own.yml").contains("release: '10'"));

    let refused = reglaze(folder, &["sources", "onw"]).code(1);
    assert!(stderr(&refused).contains("did you mean `own`?"));
}

#[test]
fn a_file_stands_although_its_first_version_could_not_be_had() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let debian = ["new", "debian", "--release=13", "--pin"];
    let failed = stdout(&reglaze(folder, &debian).code(3));
    assert!(
        failed.starts_with("wrote images/debian.yml: `Debian 13`\n"),
        "{failed}"
    );
    assert!(failed.contains(" cannot be reached: "), "{failed}");
    assert!(read(folder, "images/debian.yml").ends_with("    versions: []\n"));
    let refused = reglaze(folder, &["new", "cirros", "--pin", "--output=-"]).code(1);
    assert!(stderr(&refused).contains("another --output than `-`"));
}
