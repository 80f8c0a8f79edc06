//! Bytes on their way: hashed while they flow, unpacked if they are packed, the last of them held back until every
//! digest and signature has matched.
//!
//! Knows neither HTTP nor Glance. Memory is constant: a few pieces in flight, whatever the size.

mod arrival;
mod conversion;
mod convert;
mod demand;
mod guard;
mod hash;
mod incoming;
mod meter;
mod outgoing;
mod progress;
pub mod qcow2;
pub mod spool;
mod tee;
mod unfolding;
mod unpack;
mod workers;

pub use convert::{Convert, Leaves};
pub use demand::{Demand, TransferError, Unpacking, Want};
pub use guard::{Guarded, PIECE, Sends, guard, measure};
pub use meter::Meter;
pub use progress::Progress;
pub use tee::{Piece, Tee};
pub use unpack::UnpackError;
