//! Images by real tools, and the same with one thing changed; what is held against each, and what is not.

mod disks;
mod made;

use super::*;
use made::{Made, patched};

/// What becomes of an image that comes in pieces of this size.
fn inspected_in(pieces: usize, declared: &str, image: &[u8]) -> Result<Inspected, Refusal> {
    let mut inspector = Inspector::new(declared, 1 << 40);
    for piece in image.chunks(pieces) {
        inspector.take(piece)?;
    }
    inspector.end()
}

/// What becomes of an image of which only what is asked for is shown.
fn inspected_in_parts(declared: &str, image: &[u8]) -> Result<Inspected, Refusal> {
    let mut inspector = Inspector::new(declared, 1 << 40);
    let mut shown = 0;
    while let Some(part) = inspector.next(image.len() as u64) {
        inspector.leave_out_to(part.start);
        let part = &image[to_usize(part.start)..to_usize(part.end)];
        shown += part.len();
        inspector.take(part)?;
    }
    assert!(shown <= vhdx::HEAD + (1 << 20) + TAIL, "{shown}");
    inspector.end()
}

/// What becomes of an image, however it is cut into pieces, and whether all of them are shown or only those that matter.
fn inspected(declared: &str, image: &[u8]) -> Result<Inspected, Refusal> {
    let whole = inspected_in(image.len().max(1), declared, image);
    for pieces in [509, 65_537] {
        assert_eq!(inspected_in(pieces, declared, image), whole, "{pieces}");
    }
    assert_eq!(inspected_in_parts(declared, image), whole);
    whole
}

/// The rule that an image breaks.
fn broken(declared: &str, image: &[u8]) -> String {
    match inspected(declared, image) {
        Ok(inspected) => format!("none: {inspected:?}"),
        Err(refusal) => rule(&refusal),
    }
}

fn rule(refusal: &Refusal) -> String {
    let message = refusal.to_string();
    message.split('`').nth(1).unwrap_or_default().to_owned()
}

fn doubts(declared: &str, image: &[u8]) -> Vec<&'static str> {
    let inspected = inspected(declared, image).unwrap();
    inspected.doubts.iter().map(|doubt| doubt.rule).collect()
}

#[test]
fn what_qemu_makes_is_taken_as_what_it_is_and_as_nothing_else() {
    for (format, options) in made::GOOD {
        let made = Made::of(options);
        let inspected = inspected(format, &made.image).unwrap_or_else(|refusal| {
            panic!("{options}: {refusal}");
        });
        assert_eq!(inspected.format.name(), *format, "{options}");
        // Virtual PC counts in cylinders.
        let surplus = inspected.virtual_size - made::SIZE as u64;
        assert!(
            surplus == 0 || (options.contains("vpc") && surplus < 20_000),
            "{options}: {surplus}"
        );
        for other in DiskFormat::ALL.map(DiskFormat::name) {
            if other != *format && !other.starts_with('a') {
                assert_eq!(
                    broken(other, &made.image),
                    "declared-format",
                    "{options} as {other}"
                );
            }
        }
    }
}

#[test]
fn what_nobody_boots_is_refused_by_name() {
    for options in [
        "-O qcow",
        "-O qed",
        "-O luks --object secret,id=s,data=abc -o key-secret=s,iter-time=10",
    ] {
        let made = Made::of(options);
        for declared in ["raw", "qcow2", "vmdk"] {
            let refusal = inspected(declared, &made.image).unwrap_err();
            assert_eq!(rule(&refusal), "declared-format");
            let name = ["qcow version 1", "QED", "LUKS"];
            assert!(
                name.iter().any(|name| refusal.to_string().contains(name)),
                "{refusal}"
            );
        }
    }
    for page in [
        "<!DOCTYPE html><html>",
        "\n <HTML><head>",
        "<?xml version=\"1.0\"?><Error>",
    ] {
        assert_eq!(broken("raw", page.as_bytes()), "declared-format");
    }
}

#[test]
fn one_changed_field_breaks_the_rule_of_its_name() {
    for (format, options, at, bytes, expected) in made::CHANGED {
        let made = patched(&Made::of(options).image, *at, bytes);
        assert_eq!(broken(format, &made), *expected, "{options} at {at}");
    }
}

#[test]
fn the_descriptor_of_a_vmdk_leads_nowhere() {
    let sparse = Made::of("-O vmdk").image;
    let stream = Made::of("-O vmdk -o subformat=streamOptimized").image;
    let with = |image: &[u8], text: &str| {
        let mut sectors = vec![0; 20 * 512];
        sectors[..text.len()].copy_from_slice(text.as_bytes());
        patched(image, 512, &sectors)
    };
    let good = "# Disk DescriptorFile\nversion=1\nCID=1\nparentCID=ffffffff\ncreateType=\"monolithicSparse\"\n\n\
        RW 5000 SPARSE \"a.vmdk\"\nddb.adapterType = \"ide\"\n";
    assert_eq!(
        inspected("vmdk", &with(&sparse, good))
            .unwrap()
            .virtual_size,
        made::SIZE as u64
    );
    let crlf = good
        .replace('\n', "\r\n")
        .replace("monolithicSparse", "STREAMoptimized");
    assert!(inspected("vmdk", &with(&stream, &crlf)).is_ok());
    for (from, to, expected) in [
        (
            "createType=\"monolithicSparse\"",
            "createType=\"monolithicFlat\"",
            "vmdk-type",
        ),
        (
            "createType=\"monolithicSparse\"",
            "createType=\"twoGbMaxExtentSparse\"",
            "vmdk-type",
        ),
        ("createType=\"monolithicSparse\"", "", "vmdk-type"),
        (
            "version=1",
            "# createType=\"monolithicFlat\"",
            "vmdk-descriptor",
        ),
        (
            "version=1",
            "createType=\"monolithicSparse\"",
            "vmdk-descriptor",
        ),
        ("version=1", "anything else", "vmdk-descriptor"),
        ("parentCID=ffffffff", "parentCID=1234abcd", "vmdk-parent"),
        (
            "version=1",
            "parentFileNameHint=\"base.vmdk\"",
            "vmdk-parent",
        ),
        ("version=1", "# PARENTfileNameHint", "vmdk-parent"),
        ("RW 5000 SPARSE \"a.vmdk\"", "", "vmdk-extent"),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "RW 5000 SPARSE \"a.vmdk\"\nRW 5000 SPARSE \"b.vmdk\"",
            "vmdk-extent",
        ),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "RW 5000 SPARSE \"/etc/passwd\"",
            "vmdk-extent",
        ),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "RW 5000 SPARSE \"..\\b.vmdk\"",
            "vmdk-extent",
        ),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "RW 5000 SPARSE \"nbd:host\"",
            "vmdk-extent",
        ),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "RW 5000 FLAT \"a.vmdk\" 0",
            "vmdk-extent",
        ),
        ("RW 5000 SPARSE \"a.vmdk\"", "RW 5000 ZERO", "vmdk-extent"),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "RW 5000 VMFSRDM \"a.vmdk\"",
            "vmdk-extent",
        ),
        (
            "RW 5000 SPARSE \"a.vmdk\"",
            "NOACCESS 5000 SPARSE \"a.vmdk\"",
            "vmdk-extent",
        ),
        (good, "\u{fc}", "vmdk-descriptor"),
        (good, "", "vmdk-descriptor"),
    ] {
        let text = good.replace(from, to);
        assert_eq!(broken("vmdk", &with(&sparse, &text)), expected, "{to}");
        // The text alone is a VMDK too, to those that follow it.
        if text.contains("version=1") {
            assert_eq!(broken("vmdk", text.as_bytes()), "declared-format");
            assert_eq!(broken("raw", text.as_bytes()), "declared-format");
        }
    }
}

#[test]
fn text_that_leads_to_other_files_is_no_raw_disk() {
    assert_eq!(
        broken("raw", b"\n# comment\n  version=1\n"),
        "declared-format"
    );
    assert_eq!(
        broken("raw", b"RW 1 FLAT \"/etc/passwd\" 0\ncreateType=\"x\""),
        "declared-format"
    );
}

#[test]
fn the_footer_of_a_vmdk_is_its_header_again() {
    let stream = Made::of("-O vmdk -o subformat=streamOptimized").image;
    let header = patched(&stream, 56, &[0xff; 8]);
    let mut marker = [0; 512];
    marker[12] = 3;
    let with = |footer: &[u8], end: &[u8]| [&header[..], &marker, footer, end].concat();
    let footer = &stream[..512];
    assert!(inspected("vmdk", &with(footer, &[0; 512])).is_ok());
    for (image, what) in [
        (header.clone(), "no footer"),
        (with(footer, &[]), "no end"),
        (with(footer, &[1; 512]), "another end"),
        (with(&[0; 512], &[0; 512]), "zeros"),
        (with(&header[..512], &[0; 512]), "a footer further on"),
        (
            with(&patched(footer, 12, &[0xff]), &[0; 512]),
            "another size",
        ),
        (
            with(&patched(footer, 28, &[9]), &[0; 512]),
            "another descriptor",
        ),
    ] {
        assert_eq!(broken("vmdk", &image), "vmdk-footer", "{what}");
    }
}

#[test]
fn an_image_that_ends_early_is_refused() {
    for (format, options) in made::GOOD {
        let image = Made::of(options).image;
        // Where the tables of blocks lie before the data, only the digest tells.
        let least = if matches!(*format, "vhd" | "vdi") {
            image.len() - 1
        } else {
            500
        };
        for end in [100, 513, 70_000, image.len() / 2, image.len() - 1] {
            if end <= least {
                assert!(inspected(format, &image[..end]).is_err(), "{options} {end}");
            }
        }
    }
}

#[test]
fn the_guest_sees_no_more_than_the_limit() {
    let mut inspector = Inspector::new("qcow2", 1 << 20);
    let image = Made::of("-O qcow2").image;
    let refusal = inspector.take(&image).unwrap_err();
    assert_eq!(rule(&refusal), "virtual-size");
    let mut inspector = Inspector::new("raw", 1 << 20);
    assert!(inspector.take(&vec![1; 1 << 20]).is_ok());
    assert_eq!(rule(&inspector.take(&[1]).unwrap_err()), "virtual-size");
}

#[test]
fn amazons_parts_are_not_looked_into() {
    for declared in ["ami", "ari", "aki"] {
        for image in [&b"\x7fELF"[..], b"QFI\xfb", b"\x1f\x8b"] {
            assert!(inspected(declared, image).is_ok());
        }
        assert_eq!(broken(declared, b""), "empty");
    }
    assert_eq!(broken("exe", b"MZ"), "declared-format");
}

#[test]
fn what_some_clouds_refuse_is_told_and_passes() {
    let fixed = Made::of("-O vpc -o subformat=fixed,force_size=on").image;
    assert_eq!(doubts("vhd", &fixed), ["glance-vhd"]);
    let subclusters = Made::of("-O qcow2 -o extended_l2=on").image;
    assert_eq!(doubts("qcow2", &subclusters), ["glance-qcow2"]);
    assert_eq!(
        doubts("ploop", &Made::of("-O parallels").image),
        ["nova-ploop"]
    );
    let inspected = inspected("vhd", &fixed).unwrap();
    assert_eq!(
        inspected.doubts[0].to_string(),
        "it is a fixed VHD, with no mark at its beginning, which Glance 30 and later refuses; \
        convert it with `qemu-img convert -f vpc -O qcow2`"
    );
}

#[test]
fn two_formats_at_once_are_refused() {
    let image = Made::of("-O qcow2").image;
    for (at, mark) in [
        (0x40, &b"\x7f\x10\xda\xbe"[..]),
        (0x8001, b"CD001"),
        (510, b"\x55\xaa"),
    ] {
        assert_eq!(
            broken("qcow2", &patched(&image, at, mark)),
            "one-format",
            "{at}"
        );
        assert_eq!(
            broken("raw", &patched(&image, at, mark)),
            "one-format",
            "{at}"
        );
    }
}

#[test]
fn a_refusal_says_what_was_found_what_was_expected_and_what_to_do() {
    let refusal = inspected("raw", b"QFI\xfb\0\0\0\x03").unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "it breaks the rule `declared-format`: the definition says `format: raw`, but it is qcow2; expected raw bytes; \
        correct the definition to `format: qcow2` if that is what you want"
    );
}

#[test]
fn arbitrary_bytes_are_a_raw_disk_and_nothing_else() {
    let sevens = vec![7; 200_000];
    for image in [&b"x"[..], &[0; 511], &sevens] {
        let inspected = inspected("raw", image).unwrap();
        assert_eq!(inspected.virtual_size, image.len() as u64);
        assert_eq!(inspected.doubts, []);
        for declared in ["vhd", "vhdx", "vmdk", "qcow2", "vdi", "ploop", "iso"] {
            assert_eq!(broken(declared, image), "declared-format");
        }
    }
    assert_eq!(broken("raw", b""), "empty");
}
