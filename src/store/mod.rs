//! The store: contacts on disk, one thread that writes, and a gate in memory that answers CHECK.
//!
//! The contact record is the truth; every index follows from it by [`term::Term::all_of`]. The rooms, from the bottom up:
//! [`engine`] keeps bytes, `format` says what they mean, `memory` holds what CHECK needs, `state` is what writer and readers
//! share, `read` answers, `write` is the path of a write, `upkeep` is what happens between batches, `load` is the start.
//! Each uses only what is below it. [`Store`] is the face of all of them.

// What is hidden here is public for the fuzz targets, which read and write bytes as they stand on disk.
#[doc(hidden)]
pub mod backup;
pub mod engine;
mod founder;
#[doc(hidden)]
pub mod format;
pub mod ledger;
mod load;
mod memory;
mod options;
mod read;
mod remains;
mod replica;
mod secret;
mod share;
mod state;
pub mod trail;
mod upkeep;
mod write;

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLockReadGuard};
use std::thread::JoinHandle;
use std::time::Duration;

pub use crate::model::plan::{PLAN_KEPT_MS, Plan, Progress};
pub use backup::{BackupEnd, BackupHead, file as backup_file};
pub use format::position::{Log, Newest};
pub use format::term;
pub use founder::{First, Founder};
pub use memory::activity::{Activity, ActivityCounts, OptOutHow};
#[doc(hidden)]
pub use memory::changes::Changes;
pub use memory::directory::Directory;
pub use memory::gate;
pub use memory::tallies::{Recent, opt_out_rate};
pub use options::{BACKUPS, Clock, Fsync, Loading, OptOutWarning, Options, Retention};
pub use read::claims::{ClaimsCursor, ClaimsPage, UnresolvedClaim};
pub use read::feed::{FeedBounds, FeedItem, FeedWhat};
pub use read::history::HistoryPage;
pub use read::inbox::InboxPage;
pub use read::lists::ListHistoryPage;
pub use read::plans::Measured;
pub use read::query::Page;
pub use replica::Replica;
pub use secret::{SECRET_FILE, Secret};
pub use state::{Counters, FeedListener, ReadOnly, TrailFound};
pub use upkeep::backup::{BackupProgress, GoOn};
pub use upkeep::erase::Erased;
pub use upkeep::expire::Swept;
pub use upkeep::purge::{Candidates, NewPlan, PurgeCandidate};
pub use upkeep::restore::{BackupFacts, check as check_backup};
pub use upkeep::rewrite::Rewritten;
pub use upkeep::verify::Verified;
pub use write::abort_on_panic;
pub use write::heartbeat::OnHeartbeat;
pub use write::queue::{Done, Job};

use crate::error::{Code, Error, Result};
use crate::model::change::{Statement, Urgency};
use crate::model::contact::Contact;
use crate::model::event::{Event, EventKind};
use crate::model::fence::{Fence, Replayed};
use crate::model::filter::Filter;
use crate::model::keyword::InboundKind;
use crate::model::list::ListId;
use crate::model::list_event::ListEvent;
use crate::model::phone::Phone;
use crate::model::purge::Policy;
use crate::model::strictness::{SAID_MS, Strictness};
use crate::model::tally::Tally;
use crate::model::time::{Day, Millis};
use crate::model::tombstone::Tombstone;
use crate::model::trail::TrailNote;
use crate::model::verdict::StopScope;
use engine::{DiskEngine, Engine, Space};
use format::{codec, keys};
use gate::Gate;
use ledger::Ledger;
use state::{FeedHead, Settings, State};
use upkeep::Upkeep;
use write::Committer;
use write::keeper::Keeper;
use write::queue::Queue;
use write::writer::Task;

/// The open store.
pub struct Store {
    state: Arc<State>,
    queue: Arc<Queue<Task>>,
    upkeep: Upkeep,
    /// So much of the trail's file the store knew when it was opened; none if that cannot be said.
    trail_known: Option<u64>,
    is_trail_other: bool,
    /// The writer, and the thread that reads ahead of it.
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// Opening and closing.
impl Store {
    /// Opens the store in a directory, loads what is held in memory, and starts the writer.
    pub fn open(options: Options) -> Result<Store> {
        if !Store::is_in(&options.dir) {
            remains::refuse(&options.dir)?;
        }
        let engine = DiskEngine::open(&options.dir)?;
        Store::open_on(Arc::new(engine), options)
    }

    /// The same on an engine that is open. The directory has the secret of the tombstones.
    pub fn open_on(engine: Arc<dyn Engine>, options: Options) -> Result<Store> {
        Store::open_with(engine, Ledger::Local, options)
    }

    /// The same with another place where batches count.
    pub fn open_with(engine: Arc<dyn Engine>, ledger: Ledger, options: Options) -> Result<Store> {
        let backups = options.backups.clone();
        let store = Store::load(engine, ledger, options)?;
        store.upkeep.migrate(backups.as_deref())?;
        Ok(store)
    }

    /// Opens a store as it is, be it of an older contactd.
    fn load(engine: Arc<dyn Engine>, ledger: Ledger, options: Options) -> Result<Store> {
        let newest = load::next_ids(&*engine)?.map_or(0, |next| next.batches);
        let mut committer = Committer::new(Arc::clone(&engine), ledger, newest)?;
        let mut next = load::prepare(&*engine, &mut committer, &options)?;
        let secret = load::secret(&*engine, &mut committer, &mut next, &options)?;
        let memory = load::memory(&*engine, &next, secret, &options)?;
        let note = engine.get(keys::TRAIL)?;
        let trail = options.trail.as_deref().map(trail::Trail::open).transpose()?;
        let keeper = trail.map(|trail| Keeper::open(trail, note.as_deref())).transpose()?;
        let trail_known = keeper.as_ref().and_then(Keeper::known_bytes);
        let is_trail_other = keeper.as_ref().is_some_and(Keeper::is_other);
        let loosened = load::loosened(&*engine, options.strictness.as_ref())?;
        let unfenced = engine.get(keys::UNFENCED)?.map(|stored| codec::decode_unfenced(&stored)).transpose()?;
        let Options { fsync, clock, keep, opt_out_warning, .. } = options;
        let settings = Settings { clock, fsync, keep, opt_out_warning };
        let state = Arc::new(State::new(engine, memory, settings, FeedHead::new(next.epoch, next.next_feed)));
        state.set_loosened(loosened);
        state.set_unfenced(unfenced);
        let queue = Arc::new(Queue::default());
        let threads = vec![
            write::writer::start(Arc::clone(&state), Arc::clone(&queue), committer, next, keeper)?,
            write::prefetch::start(Arc::clone(&state), Arc::clone(&queue))?,
        ];
        let upkeep = Upkeep::new(Arc::clone(&state), Arc::clone(&queue));
        Ok(Store { state, queue, upkeep, trail_known, is_trail_other, threads: Mutex::new(threads) })
    }

    /// Whether a directory has a store, be it one whose rewriting was cut off, which opening it mends.
    pub fn is_in(dir: &Path) -> bool {
        DiskEngine::is_in(dir)
    }

    /// The stop scope under which a store was last open; none for a new one. Nobody may have it open.
    pub fn scope_of(dir: &Path) -> Result<Option<StopScope>> {
        load::scope(&DiskEngine::open(dir)?)
    }

    /// Rewrites a store that nobody has open, so that its file has only what is there. A crash at any moment leaves the old
    /// or the new one whole.
    pub fn rewrite(dir: &Path) -> Result<Rewritten> {
        upkeep::rewrite::rewrite(load::complete(dir)?)
    }

    /// Restores a backup on an engine that has nothing yet, behind a [`Fence`]. Gives what it says of itself, and what was found.
    pub fn restore(
        engine: Arc<dyn Engine>,
        from: impl Read,
        mut options: Options,
    ) -> Result<(Store, BackupFacts, BackupEnd)> {
        let facts = upkeep::restore::restore(from, &*engine, &options.dir, (options.clock)())?;
        options.scope = load::scope(&*engine)?.unwrap_or(options.scope);
        let store = Store::load(engine, Ledger::Local, options)?;
        let found = store.as_backup_end()?;
        // The backup has what it was.
        store.upkeep.migrate(None)?;
        Ok((store, facts, found))
    }

    /// Does what is queued, syncs, and stops the writer.
    pub fn close(&self) {
        self.queue.close();
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

/// Writes.
impl Store {
    /// Hands writes to the writer. After [`Store::close`] they are answered `-DRAINING`.
    pub fn submit(&self, job: Job) {
        if let Err(job) = self.queue.push(job) {
            let refused = Error::new(Code::Draining, "the daemon is shutting down");
            let outcomes = job.writes.iter().map(|_| Err(refused.clone())).collect();
            (job.done)(outcomes);
        }
    }

    /// Sets who is told by the writer's own thread, about so often, that the writer lives. The writer waits for the call.
    pub fn on_heartbeat(&self, every: Duration, tell: OnHeartbeat) {
        self.queue.send(Box::new(move |writer| writer.set_heartbeat(every, tell)));
    }

    /// Writes that wait, by urgency.
    pub fn queued(&self) -> [usize; Urgency::ALL.len()] {
        self.queue.len()
    }
}

/// What is known.
impl Store {
    /// The gate, to ask many questions of one state. Hold it briefly: the writer waits.
    pub fn gate(&self) -> RwLockReadGuard<'_, Gate> {
        self.state.memory.gate()
    }

    /// One contact, from its record.
    pub fn contact(&self, phone: Phone) -> Result<Option<Contact>> {
        self.state.contact(phone)
    }

    /// The tombstone of a number whose contact is gone.
    pub fn tombstone(&self, phone: Phone) -> Result<Option<Tombstone>> {
        Ok(self.state.tombstones_of(phone)?.into_iter().next().map(|(_, tombstone)| tombstone))
    }

    /// How many tombstones there are.
    pub fn tombstones(&self) -> u64 {
        self.state.memory.tombstones().directory.len()
    }

    /// What happened to a contact, newest first, from the beginning or from where a page ended: at most `limit` events
    /// that are wanted. None if there is no such contact.
    pub fn history(
        &self,
        phone: Phone,
        from: Option<Newest>,
        wanted: &dyn Fn(&Event) -> bool,
        limit: usize,
    ) -> Result<Option<HistoryPage>> {
        self.state.history(phone, from, wanted, limit)
    }

    /// The newest event of consent or status of a contact that is wanted, if it is not behind too many others.
    pub fn newest_consent(&self, phone: Phone, wanted: &dyn Fn(&Event) -> bool) -> Result<Option<Event>> {
        self.state.newest_consent(phone, wanted)
    }

    /// What happened to lists, newest first, from the beginning or from where a page ended.
    pub fn list_history(
        &self,
        from: Option<u64>,
        wanted: &dyn Fn(&ListEvent) -> bool,
        limit: usize,
    ) -> Result<ListHistoryPage> {
        self.state.list_history(from, wanted, limit)
    }

    /// Where the feed begins and ends now.
    pub fn feed_bounds(&self) -> Result<FeedBounds> {
        self.state.feed_bounds()
    }

    /// The feed's items from a position on, at most `limit`. None if some of them have expired.
    pub fn feed(&self, from: u64, limit: usize) -> Result<Option<Vec<FeedItem>>> {
        self.state.feed_items(from, limit)
    }

    /// Sets who is told when the feed grows. Once only.
    pub fn on_feed(&self, listener: FeedListener) {
        self.state.feed.listen(listener);
    }

    /// The messages that wait for a person, before a number, the newest first.
    pub fn inbox(&self, before: u64, limit: usize) -> Result<InboxPage> {
        self.state.inbox(before, limit)
    }

    /// Settles a message by its number. Says whether it waited.
    pub fn settle(&self, number: u64, statement: Statement, by: Arc<str>) -> Result<bool> {
        self.upkeep.settle(number, statement, by)
    }

    /// How many contacts match.
    pub fn count(&self, filter: &Filter) -> Result<u64> {
        self.state.count(filter)
    }

    /// The contacts that match, from an id on, in order of creation.
    pub fn find(&self, filter: &Filter, from: u32, limit: usize) -> Result<Page> {
        self.state.find(filter, from, limit)
    }

    /// The same from the newest on, or from an id on downwards.
    pub fn find_newest(&self, filter: &Filter, from: Option<u32>, limit: usize) -> Result<Page> {
        self.state.find_newest(filter, from, limit)
    }

    /// The contacts that match, from an id on, with their records: at most `limit`, and where to go on.
    pub fn export(&self, filter: &Filter, from: u32, limit: usize) -> Result<(Vec<Contact>, Option<u32>)> {
        self.state.export(filter, from, limit)
    }

    /// Label keys, each with how many contacts have it, in order, after a key.
    pub fn label_keys(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, u64)>> {
        self.state.label_keys(after, limit)
    }

    /// The values of one label, each with how many contacts have it, in order, after a value.
    pub fn label_values(&self, key: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, u64)>> {
        self.state.label_values(key, after, limit)
    }

    /// What happened on a list in the last 30 days.
    pub fn recent(&self, list: ListId) -> Recent {
        self.state.memory.tallies().of_window(list, self.now())
    }

    /// Claims of the last days that have waited for some minutes to be confirmed or taken back.
    pub fn claims_unresolved(&self) -> u64 {
        self.state.memory.tallies().unresolved(self.now())
    }

    /// These claims, the newest first, from the beginning or from where a page ended.
    pub fn unresolved_claims(&self, from: Option<ClaimsCursor>, limit: usize) -> Result<ClaimsPage> {
        self.state.unresolved_claims(from, limit)
    }

    /// What happened in the last days, today's the last: on a list, or on all together.
    pub fn trends(&self, list: Option<ListId>, days: u32) -> Result<Vec<(Day, Tally)>> {
        self.state.trends(list, days)
    }

    /// Whether a contact wrote a message with that date in which it may want out, be it settled since. The history forgets
    /// messages; of one that it may have forgotten the answer is yes.
    pub fn knows_waiting(&self, phone: Phone, at: Millis, text: &str) -> Result<bool> {
        if at < self.now() - self.state.settings.keep.events {
            return Ok(true);
        }
        let kind = EventKind::Inbound(InboundKind::MaybeOptOut);
        let is_it = |event: &Event| event.kind == kind && event.at == at && event.text == text;
        Ok(self.history(phone, None, &is_it, 1)?.is_some_and(|page| !page.events.is_empty()))
    }

    /// Ids that were seen before this are forgotten.
    pub fn remember_since(&self) -> Millis {
        self.state.remember_since()
    }

    /// The clock.
    pub fn now(&self) -> Millis {
        self.state.now()
    }

    /// What was counted.
    pub fn counters(&self) -> &Counters {
        &self.state.counters
    }

    /// Bytes on disk.
    pub fn size(&self) -> u64 {
        self.state.engine.size()
    }

    /// Bytes that are free on the store's disk; none where the system does not tell it.
    pub fn free_bytes(&self) -> Option<u64> {
        self.state.engine.free_bytes()
    }

    /// Why something is not written, if it is so.
    pub fn read_only(&self) -> Option<ReadOnly> {
        self.state.read_only()
    }

    /// How many lists have a high opt-out rate.
    pub fn high_opt_out_rates(&self) -> u64 {
        self.state.memory.tallies().high(self.now())
    }

    /// What happened on the lists since the daemon started.
    pub fn activity(&self) -> ActivityCounts {
        self.state.counters.activity.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the newest lines of the trail could not be written.
    pub fn has_trail_failed(&self) -> bool {
        self.state.has_trail_failed()
    }

    /// The date before which the trail lacks something that no backup has; 0 if it is not so.
    pub fn trail_lacks_before(&self) -> Millis {
        self.state.trail_lacks_before()
    }

    /// So much of the trail's file the store knew when it was opened; what is behind that came later. None if the file is another
    /// one, or the store did not know any.
    pub fn trail_known(&self) -> Option<u64> {
        self.trail_known
    }

    /// Whether the trail's file was not as the store left it when it was opened: gone, another one, or without lines that it had.
    pub fn is_trail_other(&self) -> bool {
        self.is_trail_other
    }

    /// How the trail's file was found when the store was opened, until a backup has what may be missing.
    pub fn trail_found(&self) -> TrailFound {
        self.state.trail_found()
    }

    /// Notes how it was found.
    pub fn set_trail_found(&self, found: TrailFound) {
        self.state.set_trail_found(found);
    }

    /// What of its settings is looser than the store was run with, in words, and since when; none a while after, unless there is a
    /// fence.
    pub fn loosened(&self) -> Option<(String, Millis)> {
        let is_fenced = self.gate().lists().fence.is_some();
        self.state.loosened().filter(|(_, since)| is_fenced || self.now() < since + SAID_MS)
    }

    /// The fence that was ended though something was missing, and when; none a while after, and while there is another one.
    pub fn unfenced(&self) -> Option<(Millis, Fence)> {
        let is_fenced = self.gate().lists().fence.is_some();
        self.state.unfenced().filter(|(at, _)| !is_fenced && self.now() < at + SAID_MS)
    }

    /// The strictest settings with which the store was run.
    pub fn strictest(&self) -> Result<Strictness> {
        Ok(load::strictness(&*self.state.engine)?.strictest)
    }

    /// What the store knows of its trail, which may not be open; none if it never had one.
    pub fn trail_note(&self) -> Result<Option<TrailNote>> {
        self.state.engine.get(keys::TRAIL)?.map(|note| codec::decode_trail_note(&note)).transpose()
    }

    /// Writes into the trail what it lacks, before anybody is served.
    pub fn complete_trail(&self) -> Result<()> {
        self.upkeep.complete_trail()
    }

    /// Whether nothing can be written: until a restart, or until the disk has space.
    pub fn is_read_only(&self) -> bool {
        self.state.space() == Space::None
    }
}

/// Upkeep.
impl Store {
    /// Compares everything that is derived with the records. With `repair`, writes what the records say; what is in memory
    /// follows at the next start.
    pub fn verify(&self, repair: bool) -> Result<Verified> {
        self.upkeep.verify(repair)
    }

    /// Writes a backup of the store while it is read and written. `go_on` is told how far it has come, and ends it by
    /// `false`: then the answer is none.
    pub fn backup<W: Write>(&self, to: W, go_on: GoOn<'_>) -> Result<Option<(W, BackupEnd)>> {
        self.upkeep.backup(to, go_on)
    }

    /// The same without the secret of the tombstones: for those who have it.
    pub fn copy<W: Write>(&self, to: W, go_on: GoOn<'_>) -> Result<Option<(W, BackupEnd)>> {
        self.upkeep.copy(to, go_on)
    }

    /// How the store is, as a backup that ended now would say it.
    pub fn as_backup_end(&self) -> Result<BackupEnd> {
        self.upkeep.as_backup_end()
    }

    /// Raises a fence, for whose token this is. Says whether there was none: one that stands, stays.
    pub fn fence(&self, fence: Fence, by: Arc<str>) -> Result<bool> {
        self.upkeep.fence(fence, by)
    }

    /// Ends the fence, for whose token this is. Gives what it was; none if there was none.
    pub fn unfence(&self, by: Arc<str>) -> Result<Option<Fence>> {
        self.upkeep.unfence(by)
    }

    /// Notes what trails have brought back behind the fence, and what they could not.
    pub fn note_replayed(&self, replayed: Replayed) -> Result<()> {
        self.upkeep.note_replayed(replayed)
    }

    /// Erases a contact, and opts its number out of all lists. Returns when nothing of it is left but the tombstone; none
    /// if there was no contact.
    pub fn erase(&self, phone: Phone, by: Arc<str>) -> Result<Option<Erased>> {
        self.upkeep.erase(phone, by)
    }

    /// Finishes the erasures that a crash has interrupted.
    pub fn finish_erasures(&self) -> Result<()> {
        self.upkeep.finish_erasures()
    }

    /// Finds the contacts that a policy selects now, and stores them as a plan.
    pub fn plan_purge(&self, policy: Policy) -> Result<NewPlan> {
        self.upkeep.plan_purge(policy)
    }

    /// Finds the lists whose engagement is measured, as a policy asks.
    pub fn measured(&self, policy: &Policy) -> Result<Measured> {
        self.state.measured(policy)
    }

    /// A plan by its number.
    pub fn plan(&self, number: u32) -> Result<Option<Plan>> {
        self.state.plan(number)
    }

    /// Every plan, the newest first.
    pub fn plans(&self) -> Result<Vec<(u32, Plan)>> {
        self.state.plans()
    }

    /// Looks again at the next contacts of a plan, by the policy with which it was made.
    pub fn purge_candidates(
        &self,
        number: u32,
        plan: &Plan,
        measured: &Measured,
        from: u32,
        limit: usize,
    ) -> Result<Candidates> {
        self.upkeep.purge_candidates(number, plan, measured, from, limit)
    }

    /// Removes contacts that are as they were when they were looked at, and writes how far the run has come, all in one
    /// batch. Gives the plan as it is then.
    pub fn remove_candidates(&self, number: u32, plan: Plan, candidates: Vec<PurgeCandidate>) -> Result<Plan> {
        self.upkeep.remove_candidates(number, plan, candidates)
    }

    /// Writes how far the run of a plan has come.
    pub fn note_plan(&self, number: u32, plan: &Plan) -> Result<()> {
        self.upkeep.note_plan(number, plan)
    }

    /// Writes that the run of a plan ended before its end.
    pub fn stop_plan(&self, number: u32) -> Result<()> {
        self.upkeep.stop_plan(number)
    }

    /// Forgets plans that nobody has run in time, the ids of those that will not be run any more, and the oldest reports.
    pub fn expire_plans(&self) -> Result<()> {
        self.upkeep.expire_plans()
    }

    /// Whether the history may still have events of contacts that were removed by a purge that has not ended.
    pub fn sweep_is_due(&self) -> Result<bool> {
        self.state.sweep_is_due()
    }

    /// Removes, from a block on, events of contacts that are gone.
    pub fn sweep(&self, log: Log, from: u64) -> Result<Swept> {
        self.upkeep.sweep(log, from)
    }

    /// Removes the oldest entries of the feed that nobody may read any more.
    pub fn expire_feed(&self) -> Result<Swept> {
        self.upkeep.expire_feed()
    }

    /// Removes the oldest blocks of events that are not of consent.
    pub fn expire_events(&self) -> Result<Swept> {
        self.upkeep.expire_events()
    }

    /// Forgets ids of contacts from an id on that were seen too long ago.
    pub fn expire_ids(&self, from: u64) -> Result<Swept> {
        self.upkeep.expire_ids(from)
    }

    /// Removes sums by list and day that nobody asks for any more.
    pub fn expire_tallies(&self, measured: Millis) -> Result<Swept> {
        self.upkeep.expire_tallies(measured)
    }

    /// Forgets, in tombstones from an id on, proof of consent that is too old, and ids that were seen too long ago.
    pub fn expire_consents(&self, from: u64) -> Result<Swept> {
        self.upkeep.expire_consents(from)
    }
}
