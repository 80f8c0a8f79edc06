//! Who uses an image, asked of the real Nova and Cinder; and what no real service does on demand, by proxies in front of them.

mod answers;
mod applied;
mod boots;
mod late;
mod paged;
pub mod world;
