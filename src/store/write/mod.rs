//! The path of a write: it waits in the queue, its contact's page is prefetched, the writer applies it to an overlay of
//! what it touches, the overlay becomes one batch, and the committer makes that durable before it counts.

pub mod append;
pub mod commit;
pub mod committer;
mod count;
pub mod heartbeat;
mod inbox;
pub mod keeper;
pub mod overlay;
pub mod prefetch;
pub mod promote;
pub mod queue;
mod renumbering;
pub mod tee;
pub mod writer;

pub use committer::Committer;

use crate::store::engine::{CHECKPOINT_THREAD_NAME, MEMTABLE_THREAD_NAME};

/// Ends the process when a thread of the store panics: who waits for it would wait for ever, and nobody may write into
/// ruins.
pub fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        let thread = std::thread::current();
        let ours = ["sled", CHECKPOINT_THREAD_NAME, MEMTABLE_THREAD_NAME, writer::THREAD_NAME, prefetch::THREAD_NAME];
        if thread.name().is_some_and(|name| ours.iter().any(|our| name.starts_with(our))) {
            std::process::abort();
        }
    }));
}
