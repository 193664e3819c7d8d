//! What the writer does between batches, in steps of some milliseconds: purges, erasures, expiry, VERIFY.

pub mod backup;
pub mod erase;
pub mod fence;
pub mod expire;
mod inbox;
pub mod migrate;
mod print;
pub mod purge;
pub mod renumber;
pub mod restore;
pub mod rewrite;
mod trail;
pub mod verify;

use std::sync::{Arc, Mutex};

use crate::error::{Code, Error, Result};
use crate::store::state::State;
use crate::store::write::queue::Queue;
use crate::store::write::writer::{Task, Writer};

/// Upkeep of an open store. What it reads it reads beside the writer; what it changes it has the writer change.
pub struct Upkeep {
    state: Arc<State>,
    queue: Arc<Queue<Task>>,
    /// Held while the plan of a purge is written.
    planning: Mutex<()>,
    /// Held while a number is erased, so that each erasure counts its own work.
    erasing: Mutex<()>,
}

impl Upkeep {
    pub fn new(state: Arc<State>, queue: Arc<Queue<Task>>) -> Upkeep {
        Upkeep { state, queue, planning: Mutex::new(()), erasing: Mutex::new(()) }
    }

    /// Has the writer do a task between two batches, and waits for it.
    fn on_writer<T: Send + 'static>(&self, task: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static) -> Result<T> {
        let (send, done) = std::sync::mpsc::channel();
        self.queue.send(Box::new(move |writer| {
            // The sender waits below: it cannot have gone.
            let _ = send.send(task(writer));
        }));
        done.recv().map_err(|_| Error::new(Code::Draining, "the daemon is shutting down"))?
    }
}
