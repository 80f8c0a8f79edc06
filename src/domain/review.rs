//! Review on a pull request: what a plan means for tenants, the comment that says so, and what a merge binds.

pub mod artifact;
pub mod binding;
pub mod comment;
pub mod difference;
pub mod event;
pub mod hidden;
pub mod page;
pub mod tenant;
