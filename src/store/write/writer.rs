//! The writer: one thread owns all changes.
//!
//! It takes what waits, applies it to an overlay, writes one batch, syncs, updates the gate, and only then answers:
//! group commit that fills under load and does not wait when alone.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::commit::{self, Commit};
use super::committer::{Committer, Durability};
use super::heartbeat::{Heartbeat, OnHeartbeat};
use super::keeper::Keeper;
use super::overlay::Overlay;
use super::promote::Promotions;
use super::queue::{Job, Next, Queue, Queued};
use super::tee::Tee;
use crate::error::{Code, Error, Result};
use crate::limits::FSYNC_INTERVAL_MS;
use crate::model::change::{Outcome, Write};
use crate::model::fence::Fence;
use crate::model::list::{ListId, Lists};
use crate::model::phone::Phone;
use crate::model::time::Millis;
use crate::model::trail::TrailLine;
use crate::model::transition::unwritten::{self, Forbidden};
use crate::model::verdict::StopScope;
use crate::store::engine::{Batch, Space};
use crate::store::format::codec::{self, NextIds};
use crate::store::format::keys;
use crate::store::ledger::CommitError;
use crate::store::options::Fsync;
use crate::store::state::{State, TrailFound};

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-writer";

/// Something that the writer does between two batches.
pub type Task = Box<dyn FnOnce(&mut Writer) + Send>;

/// Owns all changes.
pub struct Writer {
    /// What it shares with the readers.
    pub state: Arc<State>,
    /// What the store gives out next.
    pub next: NextIds,
    queue: Arc<Queue<Task>>,
    committer: Committer,
    scope: StopScope,
    lists: Arc<Lists>,
    /// What the disk had space for, last time.
    space: Space,
    /// Who is told that the writer lives.
    heartbeat: Option<Heartbeat>,
    /// Where what forbids is written, too.
    keeper: Option<Keeper>,
    /// Which values of labels come often.
    labels: Promotions,
}

/// Starts the writer's thread.
pub fn start(
    state: Arc<State>,
    queue: Arc<Queue<Task>>,
    committer: Committer,
    next: NextIds,
    keeper: Option<Keeper>,
) -> Result<JoinHandle<()>> {
    let gate = state.memory.gate();
    let (scope, lists) = (gate.scope(), Arc::clone(gate.lists()));
    drop(gate);
    let labels = Promotions::new();
    let mut writer =
        Writer { state, next, queue, committer, scope, lists, space: Space::Plenty, heartbeat: None, keeper, labels };
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(move || writer.run())
        .map_err(|why| Error::internal(format!("cannot start the writer: {why}")))
}

impl Writer {
    fn run(&mut self) {
        let interval = Duration::from_millis(FSYNC_INTERVAL_MS);
        loop {
            let patience = self.heartbeat.as_ref().map_or(interval, |heartbeat| heartbeat.patience().min(interval));
            let next = self.queue.next(patience);
            let closed = matches!(next, Next::Closed);
            match next {
                Next::Jobs(jobs) => self.do_jobs(jobs),
                Next::Task(task) => task(self),
                Next::Idle | Next::Closed => {}
            }
            if self.committer.has_waited(if closed { Duration::ZERO } else { interval }) {
                self.sync();
            }
            if self.keeper.as_ref().is_some_and(Keeper::is_due) {
                self.complete_trail();
            }
            if let Some(heartbeat) = &mut self.heartbeat {
                heartbeat.beat();
            }
            if closed {
                if let Some(keeper) = &mut self.keeper {
                    keeper.close(self.state.now());
                }
                self.note_trail();
                return;
            }
        }
    }

    /// From now on tells about so often that it lives.
    pub fn set_heartbeat(&mut self, every: Duration, tell: OnHeartbeat) {
        self.heartbeat = Some(Heartbeat::new(every, tell));
    }

    /// Commits an overlay of its own, for a task.
    pub fn commit_alone(&mut self, fill: impl FnOnce(&mut Overlay<'_>) -> Result<()>) -> Result<()> {
        self.check_writable()?;
        let state = Arc::clone(&self.state);
        let mut overlay = Overlay::new(&state, self.next, self.scope, Arc::clone(&self.lists));
        fill(&mut overlay)?;
        self.commit(overlay, Durability::Now).map_err(|why| self.fail(why))
    }

    /// Commits values that are nobody else's, or removes them, for a task, with what there is to note of the trail; nothing if there
    /// is nothing.
    pub fn commit_values<K: AsRef<[u8]>>(&mut self, values: Vec<(K, Option<Vec<u8>>)>) -> Result<()> {
        let note = self.note_of_trail()?;
        if values.is_empty() && note.is_none() {
            return Ok(());
        }
        self.check_writable()?;
        let mut next = self.next;
        next.batches = self.committer.next_number();
        let mut batch = Batch::new(next.batches);
        for (key, value) in &values {
            batch.push(key.as_ref(), value.as_deref());
        }
        if let Some(note) = &note {
            batch.put(keys::TRAIL, note);
        }
        batch.put(keys::NEXT_IDS, &codec::encode_next_ids(&next)?);
        self.committer.commit(batch, Durability::Now).map_err(|why| self.fail(why))?;
        self.trail_is_noted();
        self.next = next;
        self.synced();
        Ok(())
    }

    /// From now on gives each batch to a backup, too.
    pub fn attach(&mut self, tee: Arc<Tee>) {
        self.committer.tee = Some(tee);
    }

    /// Ends that.
    pub fn detach(&mut self, tee: &Arc<Tee>) {
        self.committer.tee.take_if(|attached| Arc::ptr_eq(attached, tee));
    }

    /// Why no messages may be sent from any list, if it is so.
    pub fn fence(&self) -> Option<Fence> {
        self.lists.fence
    }

    fn check_writable(&self) -> Result<()> {
        match self.state.space() {
            Space::None => Err(no_space(Space::None)),
            _ => Ok(()),
        }
    }

    /// Notes that a commit failed. What may be lost, or may be somebody else's, is not written over: only a batch that is
    /// surely nowhere leaves the store writable.
    fn fail(&self, why: CommitError) -> Error {
        let is_over = !matches!(why, CommitError::NotApplied(_));
        let why = why.into_error();
        if is_over {
            tracing::error!("nothing is written any more: {}; reads go on, restart to try again", why.message);
            self.state.set_failed();
        } else {
            tracing::error!("a batch was not written: {}", why.message);
        }
        why
    }

    fn do_jobs(&mut self, queued: Vec<Queued>) {
        let (jobs, since): (Vec<Job>, Vec<Instant>) =
            queued.into_iter().map(|Queued { job, since }| (job, since)).unzip();
        let space = self.space();
        let state = Arc::clone(&self.state);
        let mut overlay = Overlay::new(&state, self.next, self.scope, Arc::clone(&self.lists));
        let mut outcomes: Vec<Vec<Result<Outcome>>> = Vec::with_capacity(jobs.len());
        let mut must_sync = state.settings.fsync == Fsync::Always;
        for job in &jobs {
            overlay.by = Arc::clone(&job.by);
            let apply = |write: &Write| {
                must_sync |= write.must_sync();
                let outcome = match space {
                    Space::Plenty => overlay.apply(write),
                    Space::Low if write.forbids() => overlay.apply(write),
                    Space::Low | Space::None => Err(no_space(space)),
                };
                match outcome {
                    Err(why) if space != Space::None => overlay.take_what_forbids(write, why),
                    outcome => outcome,
                }
            };
            outcomes.push(job.writes.iter().map(apply).collect());
        }
        let durability = if must_sync { Durability::Now } else { Durability::Later };
        if space != Space::None {
            match self.commit(overlay, durability) {
                Ok(()) => {
                    self.state.counters.count_batch(&jobs, &outcomes);
                    self.forget_unwritten(&jobs, &outcomes);
                }
                Err(why) => {
                    self.fail(why);
                    outcomes.iter_mut().flatten().for_each(|outcome| *outcome = Err(no_space(Space::None)));
                }
            }
        }
        self.forbid_lost(&jobs, &outcomes);
        self.state.counters.count_waits(&jobs, &since);
        for (job, outcomes) in jobs.into_iter().zip(outcomes) {
            (job.done)(outcomes);
        }
    }

    /// Makes an overlay durable, then visible in memory.
    fn commit(&mut self, mut overlay: Overlay<'_>, durability: Durability) -> std::result::Result<(), CommitError> {
        let (lists, activity) = (Arc::clone(&overlay.lists), std::mem::take(&mut overlay.activity));
        overlay.trail = self.keeper.as_ref().map(|_| overlay.trail.take().unwrap_or_default());
        let finished = commit::finish(overlay, self.committer.next_number(), &mut self.labels);
        let finished = finished.map_err(CommitError::NotApplied)?;
        let Some(Commit { mut batch, next, memory, trail }) = finished else { return Ok(()) };
        if let Some(note) = self.note_of_trail().map_err(CommitError::NotApplied)? {
            batch.put(keys::TRAIL, &note);
        }
        let since = Instant::now();
        self.committer.commit(batch, durability)?;
        self.trail_is_noted();
        self.leave_trail(&trail, next.next_feed);
        self.state.counters.commit.add(since.elapsed(), 1);
        self.state.counters.activity.lock().unwrap_or_else(PoisonError::into_inner).merge(activity);
        (self.next, self.lists) = (next, lists);
        if let Some(common) = &memory.pending.common {
            self.labels.done(common);
        }
        self.state.counters.opt_outs.fetch_add(memory.tallies.opt_outs, Ordering::Relaxed);
        let now = self.state.now();
        for list in self.state.memory.apply(memory, now) {
            self.warn_of(list);
        }
        self.synced();
        Ok(())
    }

    /// Writes what a batch forbids into the trail, behind which the feed goes on at a position. If that fails, it is in the store
    /// all the same, and comes into the trail later.
    fn leave_trail(&mut self, lines: &[TrailLine], position: u64) {
        let Some(keeper) = &mut self.keeper else { return };
        let done = keeper.append(lines, position, self.state.now());
        self.tell_of_trail(&done);
    }

    /// Writes into the trail what it lacks. If that fails, it is tried again.
    pub fn complete_trail(&mut self) {
        if self.committer.has_waited(Duration::ZERO) {
            self.sync();
        }
        let Some(keeper) = &mut self.keeper else { return };
        let done = keeper.complete(&self.state);
        self.tell_of_trail(&done);
        self.note_trail();
    }

    /// A backup that was closed then has what the trail lacks.
    pub fn backed_up(&mut self, closed_at: Millis) {
        self.state.set_trail_found(TrailFound::AsLeft);
        let Some(keeper) = &mut self.keeper else { return };
        if self.lists.fence.is_none() && keeper.backed_up(closed_at) {
            self.tell_of_trail(&Ok(()));
            self.note_trail();
        }
    }

    fn tell_of_trail(&mut self, done: &Result<()>) {
        let Some(keeper) = &self.keeper else { return };
        let had_failed = self.state.has_trail_failed();
        match done {
            Err(why) if !had_failed => {
                tracing::error!("{}; the trail gets what it lacks once that is mended", why.message);
            }
            Ok(()) if had_failed && !keeper.has_failed() => {
                tracing::info!("the trail is written again, and lacks nothing");
            }
            _ => {}
        }
        self.state.set_trail_failed(keeper.has_failed());
        self.state.set_trail_lacks_before(keeper.lacks_before());
    }

    /// Notes in the store what the trail has, as far as that is not there: a copy of a store that is closed knows it, and so does a
    /// backup. If that fails, the next start looks again.
    pub fn note_trail(&mut self) {
        if let Err(why) = self.commit_values::<&[u8]>(Vec::new()) {
            tracing::warn!("what the trail has could not be noted: {}", why.message);
        }
    }

    /// What a batch says of the trail; none if the store knows it.
    fn note_of_trail(&self) -> Result<Option<Vec<u8>>> {
        self.keeper.as_ref().map_or(Ok(None), Keeper::note)
    }

    fn trail_is_noted(&mut self) {
        if let Some(keeper) = &mut self.keeper {
            keeper.noted();
        }
    }

    /// Publishes the feed, and counts the sync, if everything is durable.
    fn synced(&mut self) {
        if let Some(took) = self.committer.take_sync_time() {
            self.state.counters.sync.add(took, 1);
        }
        if self.committer.is_durable() {
            self.state.counters.syncs.fetch_add(1, Ordering::Relaxed);
            self.state.feed.publish(self.next.next_feed);
        }
    }

    /// Warns of a list that people leave.
    fn warn_of(&self, list: ListId) {
        let Some(number) = self.lists.number(list) else { return };
        let recent = self.state.memory.tallies().recent(list, self.state.now());
        tracing::warn!(
            "{} of {} messages of {number} in 30 days ended in an opt-out: more than {} %",
            recent.opt_outs,
            recent.sends,
            self.state.settings.opt_out_warning.rate * 100.0
        );
    }

    fn sync(&mut self) {
        match self.committer.sync() {
            Ok(()) => self.synced(),
            Err(why) => {
                self.fail(why);
                tracing::error!("what was answered in the last second may be lost");
            }
        }
    }

    /// What the disk has space for. A change is logged.
    fn space(&mut self) -> Space {
        let space = self.state.space();
        if space != self.space && !self.state.has_failed() {
            self.space = space;
            match space {
                Space::Plenty => tracing::info!("the disk has space again: everything is written"),
                Space::Low => {
                    tracing::warn!("little disk space is left: only forbidding writes are taken; free some space");
                }
                Space::None => tracing::error!(
                    "disk full: nothing is written; new opt-outs are held in memory, and a restart loses what no trail has. Free some \
                     space"
                ),
            }
        }
        space
    }

    /// Forbids what could not be written, because of the disk or of a damaged record: in memory, and in the trail, until the restart
    /// that mends it. No opt-out is without effect.
    fn forbid_lost(&mut self, jobs: &[Job], outcomes: &[Vec<Result<Outcome>>]) {
        let writes = jobs.iter().flat_map(|job| &job.writes).zip(outcomes.iter().flatten());
        let is_lost = |error: &Error| matches!(error.code, Code::ReadOnly | Code::Internal);
        let lost = writes.filter(|(_, outcome)| outcome.as_ref().is_err_and(is_lost));
        let (now, mut forbidden) = (self.state.now(), Vec::new());
        for (write, _) in lost {
            match write {
                Write::Contact { phone, list, change } => {
                    let what = unwritten::forbidden(*list, change, now, self.scope);
                    forbidden.extend(what.into_iter().map(|what| (*phone, what)));
                }
                Write::List { number, paused: Some(true), .. } => {
                    self.state.memory.change_gate(|gate| gate.pause_unwritten(*number));
                }
                _ => {}
            }
        }
        self.forbid_unwritten(&forbidden);
    }

    /// Forbids, in memory and in the trail, what the store does not have.
    pub fn forbid_unwritten(&mut self, forbidden: &[(Phone, Forbidden)]) {
        if forbidden.is_empty() {
            return;
        }
        self.state.memory.change_gate(|gate| {
            for (phone, what) in forbidden {
                gate.forbid_unwritten(*phone, what.list, what.reason);
            }
        });
        let Some(keeper) = &mut self.keeper else { return };
        let state = Arc::clone(&self.state);
        let newest = |phone| state.contact(phone).ok().flatten().map_or(0, |contact| contact.newest());
        let done = keeper.append_alone(forbidden, self.next.batches, state.now(), &newest);
        self.tell_of_trail(&done);
    }

    /// What was sent again and is on disk now need not be in memory alone any more.
    fn forget_unwritten(&mut self, jobs: &[Job], outcomes: &[Vec<Result<Outcome>>]) {
        let writes = jobs.iter().flat_map(|job| &job.writes).zip(outcomes.iter().flatten());
        let mut done = writes.filter(|(_, outcome)| outcome.is_ok()).map(|(write, _)| write).peekable();
        let is_alone = self.keeper.as_ref().is_some_and(|keeper| !keeper.store_has_all());
        if self.state.memory.gate().unwritten() == 0 && !is_alone || done.peek().is_none() {
            return;
        }
        let now = self.state.now();
        for write in done {
            match write {
                Write::Contact { phone, list, change } => {
                    for what in unwritten::forbidden(*list, change, now, self.scope) {
                        self.is_stored(*phone, &what);
                    }
                }
                Write::List { number, .. } => {
                    self.state.memory.change_gate(|gate| gate.forget_unwritten_pause(*number, &self.lists));
                }
                Write::Unlist { .. } => {}
            }
        }
    }

    /// The store has what forbids: neither memory nor the trail need have it alone.
    pub fn is_stored(&mut self, phone: Phone, what: &Forbidden) {
        self.state.memory.change_gate(|gate| gate.forget_unwritten(phone, what.list, what.reason));
        if let Some(keeper) = &mut self.keeper {
            keeper.is_stored(phone, what);
        }
    }
}

fn no_space(space: Space) -> Error {
    let what = match space {
        Space::Low => {
            "little disk space is left: contactd takes only writes that can forbid, like opt-outs, failures and inbound messages"
        }
        _ => {
            "nothing can be written: what forbids is held in memory until a restart. Free disk space, see the log, then send it again"
        }
    };
    Error::new(Code::ReadOnly, what)
}
