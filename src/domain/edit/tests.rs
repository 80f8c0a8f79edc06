//! Edits on the layouts that definition files have, one test each.

mod brackets;
mod bytes;
mod carried;
mod filled;
mod neighbour;
mod pruned;
mod refused;

use super::*;

pub(super) fn entry(version: &str) -> NewEntry {
    NewEntry {
        version: version.to_owned(),
        url: format!("https://images.example/{version}/disk.qcow2"),
        checksum: "sha256:00ff".to_owned(),
        disk_checksum: None,
        computed: Vec::new(),
        build_date: Some("2026-07-25".to_owned()),
        manifest: None,
        signed_by: None,
    }
}

/// A change of the image `A`.
fn change<'a>(add: Option<&'a NewEntry>, remove: &'a [usize], position: Position) -> Change<'a> {
    Change {
        image: "A",
        add,
        remove,
        position,
    }
}

fn add(text: &str, position: Position) -> Result<String, Refusal> {
    edit(text, &change(Some(&entry("20260725")), &[], position))
}

fn add_first(text: &str) -> String {
    add(text, Position::First).unwrap()
}

fn add_last(text: &str) -> String {
    add(text, Position::Last).unwrap()
}

fn remove(text: &str, remove: &[usize]) -> String {
    edit(text, &change(None, remove, Position::First)).unwrap()
}

fn refused(text: &str) -> String {
    add(text, Position::First).unwrap_err().to_string()
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
