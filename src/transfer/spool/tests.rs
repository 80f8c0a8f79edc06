use std::io::{BufRead as _, BufReader, Read as _, Seek as _};
use std::process::{Command, Stdio};

use super::*;

/// Tells a child of these tests where to spool.
const CHILD: &str = "REGLAZE_TEST_SPOOL";

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
    entries.map(name).collect()
}

/// A sentence without the folder of the test.
fn sentence(error: &SpoolError, folder: &Path) -> String {
    error
        .to_string()
        .replace(folder.to_str().unwrap(), "FOLDER")
}

#[test]
fn what_was_written_is_read_and_has_no_name() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::new(folder.path(), Some(11)).unwrap();
    spool.write(b"hello ").unwrap();
    spool.write(b"world").unwrap();
    assert_eq!(names(folder.path()), [""; 0]);
    assert_eq!(spool.written(), 11);
    let mut file = spool.reader().unwrap();
    file.rewind().unwrap();
    let mut read = String::new();
    file.read_to_string(&mut read).unwrap();
    assert_eq!(read, "hello world");
}

#[test]
fn a_file_system_without_nameless_files_does_as_well() {
    let folder = tempfile::tempdir().unwrap();
    // A living run whose process has our number elsewhere.
    let taken = format!("{PREFIX}{}-0", std::process::id());
    fs::write(folder.path().join(&taken), "").unwrap();
    let file = unlinked(folder.path()).unwrap();
    assert_eq!(names(folder.path()), [taken]);
    let mut spool = Spool::of(file, folder.path(), None).unwrap();
    spool.write(b"hello").unwrap();
    assert_eq!(spool.written(), 5);
}

#[test]
fn a_name_that_a_dead_run_left_is_removed_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("reglaze-spool-4711-0"), "").unwrap();
    fs::write(path("reglaze-spool-of-somebody"), "something").unwrap();
    fs::write(path("other"), "").unwrap();
    std::os::unix::fs::symlink(path("other"), path("reglaze-spool-link")).unwrap();
    Spool::new(folder.path(), None).unwrap();
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(
        left,
        ["other", "reglaze-spool-link", "reglaze-spool-of-somebody"]
    );
}

/// Not a test of its own: what the next one kills.
#[test]
fn a_child_that_spools() {
    let Some(folder) = std::env::var_os(CHILD) else {
        return;
    };
    let folder = Path::new(&folder);
    let mut spools = [
        nameless(folder).unwrap().unwrap(),
        unlinked(folder).unwrap(),
    ]
    .map(|file| Spool::of(file, folder, None).unwrap());
    for spool in &mut spools {
        spool.write(&vec![7; 1 << 20]).unwrap();
    }
    println!("\nspooled");
    // Until it is killed.
    io::stdin().read_to_end(&mut Vec::new()).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_killed_run_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "transfer::spool::tests::a_child_that_spools"])
        .arg("--nocapture")
        .env(CHILD, folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap() == "spooled"));
    child.kill().unwrap();
    assert!(!child.wait().unwrap().success());
    assert_eq!(names(folder.path()), [""; 0]);
}

#[test]
fn each_way_to_fail_is_a_sentence_that_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let missing = Spool::new(&folder.join("missing"), None).unwrap_err();
    // Whoever runs the tests: nobody makes files there.
    let forbidden = Spool::new(Path::new("/proc/self"), None).unwrap_err();
    let large = Spool::new(folder, Some(u64::MAX)).unwrap_err();
    let SpoolError::NoRoom { free, reserve, .. } = large else {
        panic!("{large}");
    };
    let large = sentence(&large, folder)
        .replace(&free.to_string(), "FREE")
        .replace(&reserve.to_string(), "RESERVE");
    let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    let full = Spool::of(full, folder, None).unwrap().write(b"something");
    let broken = File::open("/dev/null").unwrap();
    let broken = Spool::of(broken, folder, None).unwrap().write(b"something");
    let sentences = [
        sentence(&missing, folder),
        forbidden.to_string(),
        large,
        sentence(&full.unwrap_err(), folder),
        sentence(&broken.unwrap_err(), folder),
    ];
    insta::assert_snapshot!(sentences.join("\n"), @r"
    the folder `FOLDER/missing` for images on their way does not exist or is no folder; create it, or set `spool` to a folder with room
    nothing can be written in the folder `/proc/self` for images on their way; set `spool` to a folder with room
    the folder `FOLDER` for images on their way has FREE bytes free and 18446744073709551615 are needed, beside RESERVE that stay free; set `spool` to a folder with room
    the folder `FOLDER` for images on their way is full after 0 bytes of this one; set `spool` to a folder with room
    the folder `FOLDER` for images on their way could not take byte 0 of this one; set `spool` to a folder with room
    ");
}
