//! Bytes on their way: hashed while they flow, unpacked if they are packed, the last of them held back until every
//! digest and signature has matched.
//!
//! Knows neither HTTP nor Glance. Memory is constant: a few pieces in flight, whatever the size.

mod demand;
mod guard;
mod hash;
mod progress;
pub mod qcow2;
pub mod spool;
mod unpack;

pub use demand::{Demand, TransferError, Unpacking, Want};
pub use guard::{Guarded, PIECE, guard, measure};
pub use progress::Progress;
pub use unpack::UnpackError;
