//! `apply` dies, or loses an answer, at every request: the next run brings the cloud to where an undisturbed one brings it,
//! and at no moment a tenant misses an image or sees bytes that nobody proved.

mod bytes;
mod copy;
mod look;
mod place;
mod point;
mod recorded;
mod run;
mod stories;
mod story;
mod watch;
mod worker;
