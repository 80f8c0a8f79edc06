use proptest::prelude::*;

use super::*;
use crate::domain::captures::capture;

fn lines(text: &str) -> Option<Packages> {
    packages(PackageForm::Lines, text.as_bytes())
}

#[test]
fn kernel_and_openssl_come_first_and_then_the_names() {
    let old = "apt\t2.4.9\nlibssl3\t3.0.2\nlinux-headers-6.8\t1\nlinux-image-virtual\t6.8\nold\t1\nzsh\t1\n";
    let new = "apt\t2.4.10\nlibssl3\t3.0.3\nlinux-headers-6.8\t2\nlinux-image-virtual\t6.9\nnew\t1\nlinux-modules\t1\nzsh\t1\n";
    let contents = Contents::between(&lines(old).unwrap(), &lines(new).unwrap());
    insta::assert_debug_snapshot!(contents);
}

#[test]
fn a_page_of_an_error_is_no_list() {
    for text in [
        "",
        "\n\n",
        "<html>\n<body>Not found</body>\n</html>\n",
        "Not found\n",
        "Not found here\n",
        "apt\n",
        "apt 1 2\n",
    ] {
        assert_eq!(lines(text), None, "{text}");
    }
    assert_eq!(packages(PackageForm::Lines, b"apt\t\xff\n"), None);
    for text in [
        "",
        "[]",
        "{}",
        r#"{"items": [{"kind": "Build"}]}"#,
        r#"{"items": {}}"#,
    ] {
        assert_eq!(
            packages(PackageForm::Debian, text.as_bytes()),
            None,
            "{text}"
        );
        assert_eq!(changes(text.as_bytes()), None, "{text}");
    }
}

#[test]
fn a_list_without_end_is_no_list() {
    let much: Vec<_> = (0..=MOST_PACKAGES).map(|at| format!("a{at} 1")).collect();
    assert_eq!(lines(&much.join("\n")), None);
    assert_eq!(
        lines(&format!("a {}\n", "1".repeat(LONGEST_WORD + 1))),
        None
    );
}

#[test]
fn versions_of_one_package_stand_side_by_side() {
    let packages = lines("kernel 6.1\nkernel 6.2\nkernel 6.1\n").unwrap();
    assert_eq!(packages["kernel"], "6.1, 6.2");
}

#[test]
fn a_snap_has_a_channel_and_a_revision() {
    let packages = lines("apt\t2.4.9\nsnap:lxd\t5.0/stable/ubuntu-22.04\t24322\n").unwrap();
    assert_eq!(packages["snap:lxd"], "5.0/stable/ubuntu-22.04 24322");
}

#[test]
fn ubuntu_tells_what_changed_since_the_build_before() {
    let text = r#"{"summary": {}, "notes": null, "from_series": "noble",
        "diff": {"deb": [{"name": "openssl", "from_version": {"version": "1"}, "to_version": {"version": "2"}, "cves": []},
                         {"name": "linux-image-virtual", "from_version": {"version": "6.8"}, "to_version": {"version": "6.9"}}],
                 "snap": [{"name": "lxd", "from_version": {"version": "1"}, "to_version": {"version": "2"}}]},
        "added": {"deb": [{"name": "new", "from_version": {"version": null}, "to_version": {"version": "1"}}], "snap": []},
        "removed": {"deb": [{"name": "old", "from_version": {"version": "1"}, "to_version": {"version": null}}], "snap": []}}"#;
    insta::assert_debug_snapshot!(changes(text.as_bytes()).unwrap());
}

#[test]
fn lists_of_upstreams_are_read() {
    let old = "ubuntu/partner-images.canonical.com/core/jammy/20230626/ubuntu-jammy-core-cloudimg-amd64.manifest";
    let Some(bytes) = capture(old) else { return };
    let ubuntu = packages(PackageForm::Lines, &bytes).unwrap();
    assert_eq!(ubuntu["apt"], "2.4.9");
    let json =
        "debian/cloud.debian.org/images/cloud/trixie/latest/debian-13-genericcloud-amd64.json";
    let debian = packages(PackageForm::Debian, &capture(json).unwrap()).unwrap();
    assert_eq!((debian.len(), debian["apt"].as_str()), (322, "3.0.3"));
    assert!(debian.keys().any(|name| rank(name) == Rank::Kernel));
}

proptest! {
    #[test]
    fn no_bytes_make_a_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "(?s)[{}\\[\\]\":a-z0-9 \n]{0,80}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            for form in PackageForm::ALL {
                let _ = packages(form, bytes);
            }
            let _ = changes(bytes);
        }
    }

    #[test]
    fn the_difference_makes_the_new_list_of_the_old_one(
        old in prop::collection::btree_map("[a-e]", "[1-3]", 0..6),
        new in prop::collection::btree_map("[a-e]", "[1-3]", 0..6),
    ) {
        let contents = Contents::between(&old, &new);
        let mut made = old;
        for (name, _) in &contents.removed {
            made.remove(name);
        }
        made.extend(contents.added.iter().cloned());
        made.extend(contents.changed.iter().map(|(name, _, to)| (name.clone(), to.clone())));
        prop_assert_eq!(made, new);
    }
}
