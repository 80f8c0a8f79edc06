//! Tests from outside: the binary and the services it speaks to. One test binary, so that it links once.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::expect_used,
    reason = "functions that tests share fail the test, as the tests themselves do"
)]

mod account;
mod action;
mod adopt;
mod catalogue;
mod clock;
mod cloud;
mod drift;
mod engines;
mod examples;
mod fleet;
#[path = "../github/mod.rs"]
mod forge;
mod github;
mod kill;
mod member;
mod mirror;
mod new;
mod openstack;
mod presets;
mod proxy;
mod readme;
mod refusals;
mod services;
mod sources;
mod stage;
mod takeover;
mod tell;
mod tls;
mod transfers;
mod update;
mod uses;
mod validate;
mod ways;
