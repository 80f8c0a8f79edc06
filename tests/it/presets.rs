//! Each preset through four builds on the real Glance and Nova: what an administrator, a tenant who uses an old image and
//! a tenant who does not see, and what they can boot, by the standard SDK.

mod scs;
mod stories;
mod story;
