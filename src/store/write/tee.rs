//! A tee: what is committed while a backup is made goes there, too.

use std::sync::{Mutex, PoisonError};

use crate::limits::TEE_BYTES_MAX;
use crate::store::engine::Batch;

/// Batches on their way from the committer to a backup. The committer never waits: who does not take them in time has lost.
#[derive(Default)]
pub struct Tee(Mutex<Waiting>);

#[derive(Default)]
struct Waiting {
    batches: Vec<Vec<u8>>,
    bytes: usize,
    /// Some are missing: there was no room.
    overflowed: bool,
}

impl Tee {
    /// Adds a batch that the engine has.
    pub fn push(&self, batch: &Batch) {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.overflowed {
            return;
        }
        waiting.bytes += batch.as_bytes().len();
        if waiting.bytes > TEE_BYTES_MAX {
            *waiting = Waiting { overflowed: true, ..Waiting::default() };
        } else {
            waiting.batches.push(batch.as_bytes().to_vec());
        }
    }

    /// Takes what waits; none if some of it is missing.
    pub fn take(&self) -> Option<Vec<Vec<u8>>> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.overflowed {
            return None;
        }
        waiting.bytes = 0;
        Some(std::mem::take(&mut waiting.batches))
    }
}
