//! Bytes on their way: hashed while they flow, the last of them held back until every digest has matched.
//!
//! Knows neither HTTP nor Glance. Memory is constant: a few pieces in flight, whatever the size.

mod guard;
mod progress;

pub use guard::{Guarded, PIECE, TransferError, guard};
pub use progress::Progress;
