//! What a disk image really is, told from its bytes.

pub mod qcow2;
