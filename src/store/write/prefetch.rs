//! Reads ahead of the writer: while it works at one batch, the pages of the contacts that wait for it come into the
//! engine's cache.
//!
//! On a store that is larger than the cache, reading would cost the writer as much time as everything else. This is only an
//! optimisation: if a page is evicted before the writer needs it, the writer reads it again.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::queue::Queue;
use crate::error::{Error, Result};
use crate::limits::BLOCK_CONTACTS;
use crate::model::phone::Phone;
use crate::store::format::keys;
use crate::store::state::State;

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-prefetch";

/// Starts the thread. It ends when the queue is closed.
pub fn start<Task: Send + 'static>(state: Arc<State>, queue: Arc<Queue<Task>>) -> Result<JoinHandle<()>> {
    let run = move || {
        while let Some(phones) = queue.wanted() {
            read(&state, &phones);
        }
    };
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(run)
        .map_err(|why| Error::internal(format!("cannot start the prefetching thread: {why}")))
}

fn read(state: &State, phones: &[Phone]) {
    let gate = state.memory.gate();
    let ids = phones.iter().filter_map(|&phone| gate.directory.id(phone));
    let mut blocks: Vec<u32> = ids.map(|id| id / BLOCK_CONTACTS).collect();
    drop(gate);
    blocks.dedup();
    for block in blocks {
        // If this fails, it fails for the writer, too, which reports it.
        let _ = state.engine.get(&keys::block(block * BLOCK_CONTACTS));
    }
}
