//! What the writer and the readers share, in groups.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::engine::{Engine, Space};
use super::memory::Memory;
use super::memory::activity::ActivityCounts;
use super::options::{Clock, Fsync, OptOutWarning, Retention};
use crate::histogram::Histogram;
use crate::model::change::{State as MessageState, Urgency};
use crate::model::fence::Fence;
use crate::model::phone::Phone;
use crate::model::time::Millis;
use crate::model::verdict::Verdict;

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
    /// The newest lines of the trail could not be written.
    trail_failed: AtomicBool,
    /// The trail lacks what forbids from before this, and no backup has it; 0 if that is not so.
    trail_lacks_before: AtomicI64,
    /// How the trail was found at the start.
    trail_found: AtomicU8,
    /// What of the settings is looser than before, and since when.
    loosened: OnceLock<(String, Millis)>,
    /// When a fence was ended though something was missing, and that fence.
    unfenced: Mutex<Option<(Millis, Fence)>>,
}

/// How a trail was found when its store was opened, beside a store without a fence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrailFound {
    /// As the store left it; or nobody can say.
    #[default]
    AsLeft,
    /// Gone, another one, or without lines that it had: the store may have been put back as well.
    Other,
    /// With more than the store knew, all of which was brought back: the store was put back.
    Newer,
}

impl TrailFound {
    const ALL: [TrailFound; 3] = [TrailFound::AsLeft, TrailFound::Other, TrailFound::Newer];

    /// The word in STATS.
    pub fn word(self) -> &'static str {
        match self {
            TrailFound::AsLeft => "as_left",
            TrailFound::Other => "other",
            TrailFound::Newer => "newer",
        }
    }
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
    /// What CLAIM answered, by [`Verdict::index`].
    pub claims: [AtomicU64; Verdict::COUNT],
    /// Messages that CLAIM did not grant since they were claimed, sent or failed before, in the order of
    /// [`MessageState::ALL`].
    pub duplicates: [AtomicU64; MessageState::ALL.len()],
    /// Rows of imports, by what became of them.
    pub rows: RowCounters,
    /// How long a batch took from the engine's first byte to the end of its sync.
    pub commit: Histogram,
    /// How long syncs took.
    pub sync: Histogram,
    /// How long writes waited from the queue to their reply, by urgency.
    pub wait: [Histogram; Urgency::ALL.len()],
    /// What happened on each list since the start.
    pub activity: Mutex<ActivityCounts>,
}

/// Rows of imports, by what became of them.
#[derive(Debug, Default)]
pub struct RowCounters {
    /// A contact was created.
    pub created: AtomicU64,
    /// A contact was changed.
    pub updated: AtomicU64,
    /// Nothing changed.
    pub unchanged: AtomicU64,
    /// What stands against the subscription was kept.
    pub kept: AtomicU64,
    /// The row could not be written.
    pub failed: AtomicU64,
}

/// Why something is not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadOnly {
    /// Little disk space is left: only what forbids is written.
    DiskLow,
    /// The disk is full: nothing is written until there is space.
    DiskFull,
    /// A write failed: nothing is written until a restart.
    WriteFailed,
}

impl ReadOnly {
    /// Every reason.
    pub const ALL: [ReadOnly; 3] = [ReadOnly::DiskLow, ReadOnly::DiskFull, ReadOnly::WriteFailed];

    /// The word in STATS.
    pub fn word(self) -> &'static str {
        match self {
            ReadOnly::DiskLow => "disk_low",
            ReadOnly::DiskFull => "disk_full",
            ReadOnly::WriteFailed => "write_failed",
        }
    }
}

impl State {
    pub fn new(engine: Arc<dyn Engine>, memory: Memory, settings: Settings, feed: FeedHead) -> State {
        State {
            engine,
            memory,
            settings,
            feed,
            counters: Counters::default(),
            failed: AtomicBool::new(false),
            trail_failed: AtomicBool::new(false),
            trail_lacks_before: AtomicI64::new(0),
            trail_found: AtomicU8::new(0),
            loosened: OnceLock::new(),
            unfenced: Mutex::default(),
        }
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

    /// Why something is not written, if it is so.
    pub fn read_only(&self) -> Option<ReadOnly> {
        match self.engine.space() {
            _ if self.has_failed() => Some(ReadOnly::WriteFailed),
            Space::None => Some(ReadOnly::DiskFull),
            Space::Low => Some(ReadOnly::DiskLow),
            Space::Plenty => None,
        }
    }

    /// Whether a write failed, so that nothing is written until a restart.
    pub fn has_failed(&self) -> bool {
        self.failed.load(Ordering::Relaxed)
    }

    /// Whether the newest lines of the trail could not be written.
    pub fn has_trail_failed(&self) -> bool {
        self.trail_failed.load(Ordering::Relaxed)
    }

    /// Notes whether they could.
    pub fn set_trail_failed(&self, failed: bool) {
        self.trail_failed.store(failed, Ordering::Relaxed);
    }

    /// The date before which the trail lacks something that no backup has; 0 if it is not so.
    pub fn trail_lacks_before(&self) -> Millis {
        self.trail_lacks_before.load(Ordering::Relaxed)
    }

    /// Notes that date.
    pub fn set_trail_lacks_before(&self, before: Millis) {
        self.trail_lacks_before.store(before, Ordering::Relaxed);
    }

    /// How the trail was found at the start.
    pub fn trail_found(&self) -> TrailFound {
        let found = self.trail_found.load(Ordering::Relaxed);
        TrailFound::ALL.into_iter().find(|known| *known as u8 == found).unwrap_or_default()
    }

    /// Notes how it was found, or that it matters no more.
    pub fn set_trail_found(&self, found: TrailFound) {
        self.trail_found.store(found as u8, Ordering::Relaxed);
    }

    /// What of the settings is looser than before, in words, and since when.
    pub fn loosened(&self) -> Option<(String, Millis)> {
        self.loosened.get().cloned()
    }

    /// Notes that, at the start.
    pub fn set_loosened(&self, loosened: Option<(String, Millis)>) {
        if let Some(loosened) = loosened {
            let _ = self.loosened.set(loosened);
        }
    }

    /// When a fence was ended though something was missing, and that fence.
    pub fn unfenced(&self) -> Option<(Millis, Fence)> {
        *self.unfenced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that.
    pub fn set_unfenced(&self, unfenced: Option<(Millis, Fence)>) {
        *self.unfenced.lock().unwrap_or_else(PoisonError::into_inner) = unfenced;
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
