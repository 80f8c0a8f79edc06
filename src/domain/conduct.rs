//! How we behave in somebody's repository: whose a branch is, what becomes of a pull request, what a closed one answered.
//!
//! All of it is decided from what the forge says, so that a run that died is finished by the next one, and a second run
//! with nothing new writes nothing.

mod answers;
mod decision;
mod marker;
mod names;
mod rules;
mod texts;
mod whose;

pub use answers::{Answers, answers};
pub use decision::{
    BranchDeed, BranchSeen, Decision, Outcome, PullDeed, Reason, Seen, Wanted, decide,
    decide_unwanted,
};
pub use marker::{Built, FORM, Marker, block, in_place, marked, others_length};
pub use names::{Names, Trailers, digest_of};
pub use rules::{Rebase, Rules};
pub use texts::{Boxes, hands_off, is_hands_off, pointless, rebase_box, taken_over};
pub use whose::{Whose, is_same_change, whose};
