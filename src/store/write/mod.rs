//! The path of a write: it waits in the queue, its contact's page is prefetched, the writer applies it to an overlay of
//! what it touches, the overlay becomes one batch, and the committer makes that durable before it counts.

pub mod append;
pub mod commit;
pub mod committer;
mod count;
pub mod heartbeat;
mod inbox;
pub mod overlay;
pub mod prefetch;
pub mod queue;
mod renumbering;
pub mod tee;
pub mod writer;

pub use committer::Committer;
