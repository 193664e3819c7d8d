//! The store: the only place that knows sled.
//!
//! One tree; keys in `keys`, values in `codec`. The contact record is the truth; every index follows from it by
//! [`term::Term::all_of`]. One thread, the `writer`, makes all changes, another reads `ahead` of it; the [`gate`] answers
//! CHECK from memory.

mod ahead;
mod block;
mod changes;
mod chunk;
mod codec;
mod commit;
mod compressed;
mod directory;
mod disk;
mod erase;
mod expire;
mod feed;
pub mod gate;
mod keys;
mod load;
mod log;
mod purge;
mod query;
mod queue;
mod rewrite;
mod round;
mod tallies;
pub mod term;
mod tombstones;
mod unsettled;
mod verify;
mod writer;

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, RwLockReadGuard};
use std::thread::JoinHandle;

pub use directory::Directory;
pub use erase::Erased;
pub use expire::Step;
pub use feed::{FeedBounds, FeedItem, FeedWhat};
pub use log::{HistoryPage, Log, Newest};
pub use purge::{Burial, Look, Measured, NewPlan, PLAN_KEPT_MS, Plan, Progress};
pub use query::Page;
pub use queue::{Done, Job};
pub use rewrite::Rewritten;
pub use tallies::opt_out_rate;
pub use verify::Verified;

use crate::error::{Code, Error, Result};
use crate::limits::BLOCK_CONTACTS;
use crate::model::change::Urgency;
use crate::model::contact::Contact;
use crate::model::list::ListId;
use crate::model::phone::Phone;
use crate::model::tally::Tally;
use crate::model::time::{DAY_MS, Millis};
use crate::model::tombstone::Tombstone;
use crate::model::verdict::StopScope;
use block::Slot;
use disk::{Disk, Room};
use gate::Gate;
use queue::Queue;
use tallies::Tallies;
use tombstones::Tombstones;
use unsettled::Unsettled;
use writer::Writer;

/// How a store is opened.
#[derive(Clone)]
pub struct Options {
    /// Where it lives.
    pub dir: PathBuf,
    /// When a write is answered.
    pub fsync: Fsync,
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// The clock.
    pub clock: Clock,
    /// How long what passes is kept.
    pub keep: Keep,
    /// Opt-outs per send of 30 days, above which a list's rate is high.
    pub opt_out_rate_warn: f64,
}

/// How long what passes is kept. Consent and status are kept for ever.
#[derive(Clone, Copy, Debug)]
pub struct Keep {
    /// Messages, clicks and so on in the history.
    pub events: Millis,
    /// Ids that change nothing when they come again.
    pub messages: Millis,
    /// Entries of the feed.
    pub feed: Millis,
    /// The proof of consent in tombstones.
    pub consent: Millis,
}

impl Default for Keep {
    fn default() -> Keep {
        Keep { events: 400 * DAY_MS, messages: 30 * DAY_MS, feed: 30 * DAY_MS, consent: 1_826 * DAY_MS }
    }
}

impl Options {
    /// The usual ones.
    pub fn new(dir: PathBuf, clock: Clock) -> Options {
        Options {
            dir,
            fsync: Fsync::default(),
            scope: StopScope::default(),
            clock,
            keep: Keep::default(),
            opt_out_rate_warn: 0.02,
        }
    }
}

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Millis + Send + Sync>;

/// When a write is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fsync {
    /// When it is on disk.
    #[default]
    Always,
    /// Forbidding writes when they are on disk; others at once, and on disk within
    /// [`crate::limits::FSYNC_INTERVAL_MS`].
    Interval,
}

/// What the store counts.
#[derive(Debug, Default)]
pub struct Counters {
    /// Batches committed.
    pub batches: AtomicU64,
    /// Writes in them.
    pub writes: AtomicU64,
    /// Syncs done.
    pub syncs: AtomicU64,
    /// Messages in which somebody may want out.
    pub maybe_optout: AtomicU64,
}

/// The open store.
pub struct Store {
    shared: Arc<Shared>,
    /// The writer, and who reads ahead of it.
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Held while the plan of a purge is written.
    planning: Mutex<()>,
    /// Held while a number is erased, so that each erasure counts its own work.
    erasing: Mutex<()>,
}

/// What the writer and the readers share.
pub struct Shared {
    disk: Disk,
    gate: RwLock<Gate>,
    unsettled: RwLock<Unsettled>,
    queue: Queue,
    clock: Clock,
    fsync: Fsync,
    counters: Counters,
    read_only: AtomicBool,
    keep: Keep,
    tallies: RwLock<Tallies>,
    tombstones: RwLock<Tombstones>,
    opt_out_rate_warn: f64,
    /// The feed's, which a restore changes.
    epoch: u64,
    /// The position after the newest entry of the feed that is on disk.
    feed_next: AtomicU64,
    on_feed: OnceLock<Box<dyn Fn(u64) + Send + Sync>>,
}

impl Store {
    /// Opens the store, loads the gate and starts the writer.
    pub fn open(options: Options) -> Result<Store> {
        let disk = Disk::open(&options.dir)?;
        let (gate, unsettled, heads) = load::load(&disk, options.scope, (options.clock)())?;
        let tombstones = load::load_tombstones(&disk)?;
        let tallies = Tallies::load(&disk, (options.clock)(), options.opt_out_rate_warn)?;
        let shared = Arc::new(Shared {
            disk,
            gate: RwLock::new(gate),
            unsettled: RwLock::new(unsettled),
            queue: Queue::default(),
            clock: options.clock,
            fsync: options.fsync,
            counters: Counters::default(),
            read_only: AtomicBool::new(false),
            keep: options.keep,
            tallies: RwLock::new(tallies),
            tombstones: RwLock::new(tombstones),
            opt_out_rate_warn: options.opt_out_rate_warn,
            epoch: heads.epoch,
            feed_next: AtomicU64::new(heads.next_feed),
            on_feed: OnceLock::new(),
        });
        let threads = vec![writer::start(Arc::clone(&shared), heads)?, ahead::start(Arc::clone(&shared))?];
        Ok(Store { shared, threads: Mutex::new(threads), planning: Mutex::new(()), erasing: Mutex::new(()) })
    }

    /// Whether a directory has a store, be it one whose rewriting was cut off, which opening it mends.
    pub fn is_in(dir: &std::path::Path) -> bool {
        disk::has_store(dir)
    }

    /// The stop scope under which a store was last open; none for a new one. Nobody may have it open.
    pub fn scope_of(dir: &std::path::Path) -> Result<Option<StopScope>> {
        let disk = Disk::open(dir)?;
        let stored = disk.tree().get(keys::SCOPE).map_err(sled_failed)?;
        Ok(stored.map(|stored| codec::decode_scope(&stored)))
    }

    /// The gate, to ask many questions of one state. Hold it briefly: the writer waits.
    pub fn gate(&self) -> RwLockReadGuard<'_, Gate> {
        self.shared.gate.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// One contact, from its record.
    pub fn contact(&self, phone: Phone) -> Result<Option<Contact>> {
        let Some(id) = self.gate().directory.id(phone) else { return Ok(None) };
        Ok(self.shared.record(id)?.map(|record| record.contact))
    }

    /// The tombstone of a number whose contact is gone.
    pub fn tombstone(&self, phone: Phone) -> Result<Option<Tombstone>> {
        Ok(self.shared.tombstone(phone)?.map(|(_, tombstone)| tombstone))
    }

    /// How many tombstones there are.
    pub fn tombstones(&self) -> u64 {
        self.shared.tombstones_read().directory.len()
    }

    /// Sends the writer on an errand between two batches, and waits for it.
    fn errand<T: Send + 'static>(&self, errand: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static) -> Result<T> {
        let (send, done) = std::sync::mpsc::channel();
        self.shared.queue.send(Box::new(move |writer| {
            // Whoever sent it has waited, and hears of it.
            let _ = send.send(errand(writer));
        }));
        done.recv().map_err(|_| Error::new(Code::Draining, "the daemon is shutting down"))?
    }

    /// Hands writes to the writer. After [`Store::close`] they are answered `-DRAINING`.
    pub fn submit(&self, job: Job) {
        if let Err(job) = self.shared.queue.push(job) {
            let refused = Error::new(Code::Draining, "the daemon is shutting down");
            let outcomes = job.writes.iter().map(|_| Err(refused.clone())).collect();
            (job.done)(outcomes);
        }
    }

    /// What happened on a list in the last 30 days, and whether its opt-out rate is high.
    pub fn recent(&self, list: ListId) -> (Tally, bool) {
        let recent = self.shared.tallies_read().recent(list, self.now());
        (recent, opt_out_rate(recent) > self.shared.opt_out_rate_warn)
    }

    /// Claims of the last days of which nobody has told for some minutes what became of them.
    pub fn claims_unresolved(&self) -> u64 {
        self.shared.tallies_read().unresolved(self.now())
    }

    /// Ids that were seen before this are forgotten.
    pub fn remember_since(&self) -> Millis {
        self.now() - self.shared.keep.messages
    }

    /// The clock.
    pub fn now(&self) -> Millis {
        (self.shared.clock)()
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.shared.counters
    }

    /// Writes that wait, by urgency.
    pub fn queued(&self) -> [usize; Urgency::ALL.len()] {
        self.shared.queue.len()
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.shared.disk.size()
    }

    /// Whether nothing can be written: until a restart, or until the disk has room.
    pub fn is_read_only(&self) -> bool {
        self.shared.read_only.load(Ordering::Relaxed) || self.shared.disk.room() == Room::None
    }

    /// Does what is queued, syncs, and stops the writer.
    pub fn close(&self) {
        self.shared.queue.close();
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A panic there has already ended the process.
            let _ = thread.join();
        }
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.close();
    }
}

impl Shared {
    fn record(&self, id: u32) -> Result<Option<codec::Record>> {
        self.record_in(self.block(id)?.as_deref(), id)
    }

    /// The block in which a contact's record is.
    fn block(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.expanded(keys::block(id))
    }

    /// A value as it was before it was compressed.
    fn expanded(&self, key: impl AsRef<[u8]>) -> Result<Option<Vec<u8>>> {
        let value = self.disk.tree().get(key).map_err(sled_failed)?;
        value.map(|value| Ok(compressed::expand(&value)?.into_owned())).transpose()
    }

    /// A contact's record from its block.
    fn record_in(&self, block: Option<&[u8]>, id: u32) -> Result<Option<codec::Record>> {
        let Some(block) = block else { return Ok(None) };
        match block::slots(block)?[(id % BLOCK_CONTACTS) as usize] {
            Slot::Empty => Ok(None),
            Slot::Here(record) => codec::decode_record(record).map(Some),
            Slot::Apart => self.expanded(keys::apart(id))?.map(|record| codec::decode_record(&record)).transpose(),
        }
    }

    /// The records of a block, each with its contact's id; a damaged one as what is wrong with it.
    fn records(&self, block: u32, value: &[u8]) -> Result<Vec<(u32, Result<codec::Record>)>> {
        let first = block * BLOCK_CONTACTS;
        let value = compressed::expand(value)?;
        let slots = (first..).zip(block::slots(&value)?);
        let lost = || Error::internal("its record is lost");
        Ok(slots
            .filter(|(_, slot)| *slot != Slot::Empty)
            .map(|(id, _)| (id, self.record_in(Some(&value), id).and_then(|record| record.ok_or_else(lost))))
            .collect())
    }
}

fn sled_failed(why: sled::Error) -> Error {
    Error::internal(format!("the store failed: {why}"))
}

/// Ends the process when a thread of the store panics: whoever waits for it would wait for ever, and nobody may write
/// into ruins.
pub fn abort_on_panic() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        report(panic);
        let thread = std::thread::current();
        let ours = ["sled", writer::THREAD_NAME, ahead::THREAD_NAME];
        if thread.name().is_some_and(|name| ours.iter().any(|our| name.starts_with(our))) {
            std::process::abort();
        }
    }));
}
