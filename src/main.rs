//! The `reglaze` binary.

fn main() {}
