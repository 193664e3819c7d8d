//! What the writer and the readers share, in groups.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use super::engine::{Engine, Space};
use super::memory::Memory;
use super::options::{Clock, Fsync, OptOutWarning, Retention};
use crate::model::phone::Phone;
use crate::model::time::Millis;

/// An open store, but for its queue and its threads.
pub struct State {
    /// Where bytes are kept.
    pub engine: Arc<dyn Engine>,
    /// What is in memory beside it.
    pub memory: Memory,
    /// How the store was opened.
    pub settings: Settings,
    /// Where the feed ends.
    pub feed: FeedHead,
    /// What is counted.
    pub counters: Counters,
    /// Nothing is written until a restart.
    failed: AtomicBool,
}

/// How the store was opened.
pub struct Settings {
    /// The clock.
    pub clock: Clock,
    /// When a write is answered.
    pub fsync: Fsync,
    /// Retention periods.
    pub keep: Retention,
    /// When a list's opt-out rate is high.
    pub opt_out_warning: OptOutWarning,
}

/// Where the feed ends, and who is told when it grows.
pub struct FeedHead {
    /// A restore begins a new one.
    pub epoch: u64,
    /// The position after the newest entry that is durable.
    next: AtomicU64,
    listener: OnceLock<FeedListener>,
}

/// Is called with the position after the newest entry, whenever that has grown.
pub type FeedListener = Box<dyn Fn(u64) + Send + Sync>;

/// What the store counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches committed.
    pub batches: AtomicU64,
    /// Writes in them.
    pub writes: AtomicU64,
    /// Syncs done.
    pub syncs: AtomicU64,
    /// Opt-outs of members, whatever brought them.
    pub opt_outs: AtomicU64,
    /// Messages in which somebody may want out.
    pub maybe_optout: AtomicU64,
}

impl State {
    pub fn new(engine: Arc<dyn Engine>, memory: Memory, settings: Settings, feed: FeedHead) -> State {
        State { engine, memory, settings, feed, counters: Counters::default(), failed: AtomicBool::new(false) }
    }

    /// Whether a message of a number waits in the inbox: without its contact nobody would be held back.
    pub fn has_waiting(&self, phone: Phone) -> bool {
        self.memory.gate().inbox.of(phone).next().is_some()
    }

    /// The clock.
    pub fn now(&self) -> Millis {
        (self.settings.clock)()
    }

    /// Ids that were seen before this are forgotten.
    pub fn remember_since(&self) -> Millis {
        self.now() - self.settings.keep.messages
    }

    /// What may be written: nothing after a failed write, else what the free space allows.
    pub fn space(&self) -> Space {
        if self.has_failed() { Space::None } else { self.engine.space() }
    }

    /// Whether a write failed, so that nothing is written until a restart.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Nothing is written any more until a restart.
    pub fn set_failed(&self) {
        self.failed.store(true, Ordering::Relaxed);
    }
}

impl FeedHead {
    /// The feed as it is at a start.
    pub fn new(epoch: u64, next: u64) -> FeedHead {
        FeedHead { epoch, next: AtomicU64::new(next), listener: OnceLock::new() }
    }

    /// The position after the newest entry that is durable.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// Lets readers see the entries before a position, all of which are durable: what a crash could take back is never
    /// shown.
    pub fn publish(&self, next: u64) {
        if self.next.swap(next, Ordering::AcqRel) < next
            && let Some(listener) = self.listener.get()
        {
            listener(next);
        }
    }

    /// Sets who is told. Once only.
    pub fn listen(&self, listener: FeedListener) {
        let _ = self.listener.set(listener);
    }
}
