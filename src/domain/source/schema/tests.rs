use super::parse;

const LISTING: &str = r#"  - engine: listing
    url: https://images.example/{codename}/
    directory: '^(?<version>\d+)/$'
    image: "{folder}disk-{arch}.img"
"#;

const SUMS: &str = r#"{url: "{folder}SHA256SUMS"}"#;

#[test]
fn every_mistake_in_engines_and_proofs_is_found_with_its_place() {
    let indexes = [
        "  - url: https://images.example/\n",
        "  - pointer: {url: https://images.example/l, match: '^(?<version>.+)$'}\n",
        "  - pointer: {url: https://images.example/l, match: '^(?<build>.+)$'}\n    image: https://images.example/{build}\n",
        "  - pointer: {url: https://images.example/l, match: '^.+$'}\n    image: https://images.example/x\n",
        "  - pointer: {url: https://images.example/l}\n    image: https://images.example/x\n",
        "  - pointer: {url: https://images.example/l, from: head, match: '(?<version>.)'}\n    image: https://images.example/x\n",
        "  - pointer: {url: http://images.example/l, from: modified}\n    image: https://images.example/{date}\n",
        "  - pointer: {url: https://images.example/l, to: body}\n    image: https://images.example/x\n",
        "  - pointer: {url: https://images.example/l, from: modified}\n    image: https://images.example/{date}\n    tag: x\n",
        "  - engine: listing\n    listing: xml\n    url: https://images.example/\n    file: '(?<version>.)'\n",
        "  - engine: listing\n    listing: text\n    url: https://images.example/list\n    directory: '(?<version>.)'\n    image: https://images.example/x\n",
        "  - engine: json\n    url: https://images.example/j\n    each: $[\n    match: {key: '(?<version>.)'}\n    image: https://images.example/x\n",
        "  - engine: json\n    url: https://images.example/j\n    match: {key: '(?<version>.)', $.a: '{version}'}\n    image: https://images.example/x\n",
        "  - engine: json\n    url: https://images.example/j\n    match: {version: '(?<version>.)'}\n    image: https://images.example/x\n",
        "  - engine: github\n    repository: https://github.com/a/b\n    tag: '(?<version>.)'\n    asset: x\n",
        "  - engine: github\n    repository: a/b\n    tag: 'v.*'\n    asset: x\n",
        "  - engine: github\n    repository: a/b\n    tag: '(?<version>.)'\n",
        "  - engine: github\n    repository: a/b\n    tag: '(?<version>.)'\n    asset: x\n    prereleases: often\n",
        "  - engine: github\n    repository: a/b\n    tag: '(?<version>.)'\n    asset: x\n    each: $\n",
    ];
    let proofs = [
        "{}",
        "{url: \"{folder}S\", digest: \"{version}\"}",
        "{digest: \"{sha256}\"}",
        "{digest: 0123456789}",
        "{compute: md5}",
        "{compute: sha256, algorithm: sha256}",
        "{computed: sha256}",
        "{compute: sha256}\ndisk: {compute: sha256, member: '['}",
        "{compute: sha256}\ndisk: {member: x}",
        "{compute: sha256}\ndisk: {digest: \"{disk}\"}",
    ];
    let key =
        "keys: [0123456789012345678901234567890123456789], key_url: https://images.example/key";
    let signatures = [
        "{form: none, of: index}".to_owned(),
        format!("{{form: clearsigned, of: manifests, {key}}}"),
        format!("{{form: clearsigned, of: [], {key}}}"),
        format!("{{form: clearsigned, of: {{a: b}}, {key}}}"),
        format!("{{form: clearsigned, of: index, {key}}}"),
        format!("{{form: clearsigned, of: image, {key}}}"),
        format!("{{form: detached, url: \"{{manifest}}.gpg\", of: [index, manifest], {key}}}"),
        format!("{{form: detached, url: \"{{signature}}\", {key}}}"),
        format!("{{form: clearsigned, keys_by: {{releases: {{a: [1]}}}}, {key}}}"),
        format!("{{form: clearsigned, keys_by: {{release: {{a: []}}}}, {key}}}"),
        "{form: clearsigned, keys: [0123456789012345678901234567890123456789], key_url: \"https://images.example/{version}\"}".to_owned(),
        "{form: clearsigned, keys: [0123456789012345678901234567890123456789]}".to_owned(),
    ];
    let signed: Vec<String> = signatures
        .iter()
        .map(|signature| format!("{SUMS}\nsignature: {signature}"))
        .collect();
    let others = [
        format!("{SUMS}\ntested_on: paper"),
        format!("{SUMS}\nunproven: ''"),
        format!("{SUMS}\nrelease_notes: http://images.example/{{version}}"),
        format!("{SUMS}\nrelease_notes: https://images.example/{{from}}"),
        format!("{SUMS}\npackages: {{form: rpm, url: \"{{folder}}{{stem}}.list\"}}"),
        format!("{SUMS}\npackages: {{form: lines, url: \"{{stem}}.list\"}}"),
        format!("{SUMS}\npackages: {{form: lines, url: \"{{folder}}{{from}}.list\"}}"),
        format!(
            "{SUMS}\npackages: {{form: lines, url: \"{{folder}}a\", changes: \"{{folder}}{{to}}\"}}"
        ),
        format!("{{compute: sha256}}\nsignature: {{form: clearsigned, {key}}}"),
        format!("{{compute: sha256}}\nsignature: {{form: clearsigned, of: index, {key}}}"),
    ];
    let sources = indexes
        .iter()
        .map(|index| (*index, SUMS))
        .chain(proofs.iter().map(|proof| (LISTING, *proof)))
        .chain(signed.iter().map(|proof| (LISTING, proof.as_str())))
        .chain(others.iter().map(|proof| (LISTING, proof.as_str())));
    let found: Vec<String> = sources
        .map(|(index, proof)| {
            let text = format!(
                "title: Example\nparameters: {{release: {{}}, arch: {{default: x86_64}}}}\nmap: {{codename: {{of: release, default: one}}}}\nindexes:\n{index}checksum: {proof}\n"
            );
            let findings = parse("example", "sources/example.yml", &text)
                .expect_err(&format!("a mistake was accepted:\n{text}"));
            let findings: Vec<_> = findings.iter().map(ToString::to_string).collect();
            let index = if index == LISTING { "" } else { index };
            format!("{index}{proof}\n{}\n", findings.join("\n"))
        })
        .collect();
    insta::assert_snapshot!(found.join("\n"));
}

#[test]
fn contributors_are_told_of_every_key() {
    let guide = include_str!("../../../../CONTRIBUTING.md");
    let begin = guide.find("## The keys of a source").unwrap();
    let end = guide[begin + 2..].find("\n## ").unwrap() + begin;
    let guide = &guide[begin..end];
    let contexts = [
        "typo: 1",
        "parameters: {a: {typo: 1}}",
        "parameters: {}\nmap: {a: {typo: 1}}",
        "parameters: {}\nindexes: [{typo: 1}]",
        "parameters: {}\nindexes: [{pointer: {typo: 1}}]",
        "parameters: {}\nchecksum: {typo: 1}",
        "parameters: {}\ndisk: {typo: 1}",
        "parameters: {}\nsignature: {typo: 1}",
        "parameters: {}\npackages: {typo: 1}",
        "parameters: {}\ninfer: [{typo: 1}]",
        "parameters: {}\ndefaults: {typo: 1}",
    ];
    for context in contexts {
        let findings = parse("example", "example.yml", &format!("title: A\n{context}\n"));
        let findings = findings.unwrap_err();
        let message = findings[0].to_string();
        let (_, keys) = message.split_once("expected one of ").unwrap();
        let keys = keys.trim_end_matches(" [yaml]").split(", ");
        for key in keys {
            let forms = [format!("{key}:"), format!("`{key}`")];
            assert!(
                forms.iter().any(|form| guide.contains(form)),
                "the guide lacks `{key}` ({message})"
            );
        }
    }
}
