//! What makes batches durable: the write-ahead log, behind it the memtable, and behind that checkpoints of the engine's own file.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Batch;
use super::checkpoint::Checkpoints;
use super::memtable::{Memtable, Newer, Values};
use super::origin::Origin;
use super::wal::Wal;
use crate::error::{Error, Result};

/// Puts everything that was applied into the engine's own file, on disk.
pub type Checkpoint = Arc<dyn Fn() -> Result<()> + Send + Sync>;

/// Puts values into the engine, up to the batch with a number.
pub type Put = Box<dyn Fn(u64, &Values) -> Result<()> + Send>;

/// Batches on their way to disk. Only one thread writes.
pub struct Durable {
    memtable: Memtable,
    ahead: Mutex<Ahead>,
    checkpoint: Checkpoint,
    checkpoints: Checkpoints,
    origin: Arc<Origin>,
}

struct Ahead {
    wal: Wal,
    /// Batches are in the log. Before the first sync, and in a store that is made of another one, they are in the engine alone,
    /// which has them on disk with the next sync.
    is_begun: bool,
    /// The log or the engine has something that the other one may lack.
    is_behind: bool,
}

impl Durable {
    /// Whatever the log has, the engine has in its own file.
    pub fn start(wal: Wal, origin: Arc<Origin>, put: Put, checkpoint: Checkpoint) -> io::Result<Durable> {
        let made = Arc::clone(&checkpoint);
        let checkpoints = Checkpoints::start(move || made())?;
        let ahead = Mutex::new(Ahead { wal, is_begun: false, is_behind: false });
        Ok(Durable { memtable: Memtable::start(put)?, ahead, checkpoint, checkpoints, origin })
    }

    /// Appends a batch to the log, if it has begun. Says whether it has.
    pub fn append(&self, batch: &Batch) -> Result<bool> {
        let mut ahead = self.lock();
        ahead.is_behind = true;
        ahead.is_begun &= batch.has_number();
        if ahead.is_begun {
            ahead.wal.append(batch).map_err(wal_failed)?;
            return Ok(true);
        }
        drop(ahead);
        // Whoever applies it himself comes behind what the log has.
        self.settle().map(|()| false)
    }

    /// Makes durable the batch that the log has got last, and hands it on: the engine has it in a moment.
    pub fn commit(&self, batch: &Batch) -> Result<()> {
        self.sync_log()?;
        self.memtable.add(batch)?;
        self.handed_on()
    }

    /// What a key has that the engine may not have yet.
    pub fn get(&self, key: &[u8]) -> Newer {
        self.memtable.get(key)
    }

    /// Waits until the engine has every batch that was committed.
    pub fn settle(&self) -> Result<()> {
        self.memtable.settle()
    }

    fn sync_log(&self) -> Result<()> {
        self.lock().wal.sync().map_err(wal_failed)
    }

    /// All that the log has is on its way to the engine: a file of it that is full waits for a checkpoint.
    fn handed_on(&self) -> Result<()> {
        if self.lock().wal.is_full() {
            self.settle()?;
            // This may wait for the one before; whoever asks for the size does not.
            self.checkpoints.begin()?;
            self.lock().wal.turn();
        }
        self.lock().is_behind = false;
        Ok(())
    }

    /// Makes durable what was applied, up to the batch `newest`. Where the log begins, `note` has the engine note that number.
    pub fn sync(&self, newest: u64, note: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.lock().is_begun {
            self.sync_log()?;
            return self.handed_on();
        }
        self.checkpoints.finish()?;
        note()?;
        (self.checkpoint)()?;
        let mut ahead = self.lock();
        ahead.wal.clear().map_err(wal_failed)?;
        self.origin.on_disk(newest);
        // A copy that is not whole yet has no number behind which the log could go on.
        (ahead.is_begun, ahead.is_behind) = (newest > 0, false);
        Ok(())
    }

    /// Bytes that the log takes.
    pub fn size(&self) -> u64 {
        self.lock().wal.size()
    }

    fn lock(&self) -> MutexGuard<'_, Ahead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Durable {
    /// Whoever opens the store next needs no log, be it an older contactd.
    fn drop(&mut self) {
        let settled = self.settle();
        let mut ahead = self.lock();
        if !ahead.is_begun || ahead.is_behind {
            return;
        }
        let closed = settled.and_then(|()| self.checkpoints.finish()).and_then(|()| (self.checkpoint)());
        match closed.and_then(|()| ahead.wal.clear().map_err(wal_failed)) {
            Ok(()) => self.origin.all_on_disk(),
            Err(why) => tracing::warn!("the next start has to read the write-ahead log: {}", why.message),
        }
    }
}

/// The log could not be read or written.
pub fn wal_failed(why: io::Error) -> Error {
    Error::internal(format!("the write-ahead log failed: {why}"))
}
