//! Edits on the layouts that definition files have, one test each.

use super::*;

pub(super) fn entry(version: &str) -> NewEntry {
    NewEntry {
        version: version.to_owned(),
        url: format!("https://images.example/{version}/disk.qcow2"),
        checksum: "sha256:00ff".to_owned(),
        build_date: Some("2026-07-25".to_owned()),
        manifest: None,
        signed_by: None,
    }
}

const FOLDED: &str = "\
---
images:
  - name: A
    tags: []
    versions:
      - version: '20260101'
        url: 
          https://images.example/20260101/disk.qcow2
        mirror_url: 
          https://mirror.example/20260101.qcow2
        checksum: 
          sha256:aa
        build_date: 2026-01-01
      - version: '20260201'
        url: 
          https://images.example/20260201/disk.qcow2
        checksum: 
          sha256:bb
        build_date: 2026-02-01
  - name: B
    versions: []
";

#[test]
fn a_new_version_looks_like_its_neighbour() {
    let entry = NewEntry {
        manifest: Some("https://images.example/20260725/SHA256SUMS".to_owned()),
        signed_by: Some("D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81".to_owned()),
        ..entry("20260725")
    };
    let change = Change {
        image: "A",
        add: Some(&entry),
        remove: &[0],
        position: Position::Last,
    };
    insta::assert_snapshot!(edit(FOLDED, &change).unwrap(), @r"
    ---
    images:
      - name: A
        tags: []
        versions:
          - version: '20260201'
            url: 
              https://images.example/20260201/disk.qcow2
            checksum: 
              sha256:bb
            build_date: 2026-02-01
          - version: '20260725'
            url: 
              https://images.example/20260725/disk.qcow2
            checksum: 
              sha256:00ff
            build_date: 2026-07-25
            manifest: 
              https://images.example/20260725/SHA256SUMS
            signed_by: D2EB44626FDDC30B513D5BB71A5D6C4C7DB87C81
      - name: B
        versions: []
    ");
}
