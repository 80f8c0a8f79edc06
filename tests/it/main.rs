//! Tests from outside: the binary and the services it speaks to. One test binary, so that it links once.

mod catalogue;
mod validate;
