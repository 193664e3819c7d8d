//! Reads ahead of the writer: while it works at one batch, the pages of the contacts that wait for it come into sled's cache.
//!
//! On a store that is larger than the cache a claim would cost the writer as much time for reading as for everything else.
//! Nothing here is needed for what is true; a page that came too early is read again.

use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::{Shared, keys};
use crate::error::{Error, Result};
use crate::limits::BLOCK_CONTACTS;
use crate::model::phone::Phone;

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-ahead";

/// Starts the thread. It ends when the queue is closed.
pub fn start(shared: Arc<Shared>) -> Result<JoinHandle<()>> {
    let run = move || {
        while let Some(phones) = shared.queue.unread() {
            read(&shared, &phones);
        }
    };
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(run)
        .map_err(|why| Error::internal(format!("cannot start a thread that reads ahead: {why}")))
}

fn read(shared: &Shared, phones: &[Phone]) {
    let gate = shared.gate_read();
    let ids = phones.iter().filter_map(|&phone| gate.directory.id(phone));
    let mut blocks: Vec<u32> = ids.map(|id| id / BLOCK_CONTACTS).collect();
    drop(gate);
    blocks.dedup();
    for block in blocks {
        // Whatever fails here fails for the writer, too, which tells.
        let _ = shared.disk.tree().get(keys::block(block * BLOCK_CONTACTS));
    }
}
