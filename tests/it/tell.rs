//! Lines that are worth reading also where all went well.

use std::io::Write as _;

/// Writes a line past the runner of the tests, which keeps what a test prints with `eprintln!` to itself if it passes.
pub fn tell(line: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{line}").unwrap();
}
