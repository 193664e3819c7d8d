//! Reads ahead of the writer: while it works at one batch, the pages of the contacts that wait for it come into the
//! engine's cache.
//!
//! On a store that is larger than the cache, reading would cost the writer as much time as everything else. On one that is in
//! the cache, this costs a processor more than it saves the writer: so it rests while few reads go to the disk, and looks again
//! now and then. It is only an optimisation: if a page is evicted before the writer needs it, the writer reads it again.

use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::queue::Queue;
use crate::error::{Error, Result};
use crate::limits::BLOCK_CONTACTS;
use crate::model::phone::Phone;
use crate::store::format::keys;
use crate::store::state::State;

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-prefetch";

/// A read that takes so long came from the disk: one from the cache takes some microseconds.
const FROM_DISK: Duration = Duration::from_micros(50);
/// So many reads tell whether it pays: not if fewer than one in eight goes to the disk.
const SAMPLE_READS: u32 = 64;
const FROM_DISK_MIN: u32 = SAMPLE_READS / 8;
/// If it does not, so many jobs are left to the writer.
const JOBS_UNREAD: u32 = 1024;

/// Starts the thread. It ends when the queue is closed.
pub fn start<Task: Send + 'static>(state: Arc<State>, queue: Arc<Queue<Task>>) -> Result<JoinHandle<()>> {
    let run = move || {
        let (mut reads, mut from_disk) = (0, 0);
        while let Some(phones) = queue.wanted() {
            read(&state, &phones, |took| {
                reads += 1;
                from_disk += u32::from(took >= FROM_DISK);
            });
            if reads < SAMPLE_READS {
                continue;
            }
            if from_disk < FROM_DISK_MIN {
                queue.leave_unread(JOBS_UNREAD);
            }
            (reads, from_disk) = (0, 0);
        }
    };
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(run)
        .map_err(|why| Error::internal(format!("cannot start the prefetching thread: {why}")))
}

fn read(state: &State, phones: &[Phone], mut took: impl FnMut(Duration)) {
    let gate = state.memory.gate();
    let ids = phones.iter().filter_map(|&phone| gate.directory.id(phone));
    let mut blocks: Vec<u32> = ids.map(|id| id / BLOCK_CONTACTS).collect();
    drop(gate);
    blocks.dedup();
    for block in blocks {
        let since = Instant::now();
        state.engine.warm(&keys::block(block * BLOCK_CONTACTS));
        took(since.elapsed());
    }
}
