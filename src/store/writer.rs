//! The writer: one thread owns all changes.
//!
//! It takes what waits, applies it to an overlay, writes one batch, syncs, updates the gate, and only then answers:
//! group commit that fills under load and does not wait when alone.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError, RwLockReadGuard};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::codec::Heads;
use super::disk::Room;
use super::gate::Gate;
use super::queue::{Job, Next};
use super::round::Round;
use super::tallies::{Additions, Tallies};
use super::tombstones::Tombstones;
use super::unsettled::Unsettled;
use super::{Fsync, Shared};
use crate::error::{Code, Error, Result};
use crate::limits::FSYNC_INTERVAL_MS;
use crate::model::change::{Change, Outcome, Write};
use crate::model::failure::Failure;
use crate::model::keyword::{Class, Meaning};
use crate::model::list::Lists;
use crate::model::phone::ListNumber;
use crate::model::verdict::{Reason, StopScope};

/// A panic on this thread ends the process.
pub const THREAD_NAME: &str = "contactd-writer";

/// Owns all changes.
pub struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) heads: Heads,
    scope: StopScope,
    lists: Arc<Lists>,
    unsynced_since: Option<Instant>,
    /// What the disk had room for, last time.
    room: Room,
}

/// Starts the writer's thread.
pub fn start(shared: Arc<Shared>, heads: Heads) -> Result<JoinHandle<()>> {
    let gate = shared.gate_read();
    let (scope, lists) = (gate.scope(), Arc::new(gate.lists().clone()));
    drop(gate);
    let mut writer = Writer { shared, heads, scope, lists, unsynced_since: None, room: Room::Plenty };
    thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(move || writer.run())
        .map_err(|why| Error::internal(format!("cannot start the writer: {why}")))
}

impl Writer {
    fn run(&mut self) {
        let interval = Duration::from_millis(FSYNC_INTERVAL_MS);
        loop {
            let next = self.shared.queue.next(interval);
            let closed = matches!(next, Next::Closed);
            match next {
                Next::Jobs(jobs) => self.commit(jobs),
                Next::Errand(errand) => errand(self),
                Next::Idle | Next::Closed => {}
            }
            if self.unsynced_since.is_some_and(|since| closed || since.elapsed() >= interval) {
                self.sync();
            }
            if closed {
                return;
            }
        }
    }

    /// A round of its own for an errand.
    pub(super) fn alone(&mut self, fill: impl FnOnce(&mut Round<'_>) -> Result<()>) -> Result<()> {
        if self.shared.read_only.load(Ordering::Relaxed) || self.shared.disk.room() == Room::None {
            return Err(no_room(Room::None));
        }
        let shared = Arc::clone(&self.shared);
        let mut round = Round::new(&shared, self.heads, self.scope, Arc::clone(&self.lists));
        fill(&mut round)?;
        let written = self.write(round, true);
        if let Err(why) = &written {
            self.fail(why);
        }
        written
    }

    /// Writes values, or removes them, in a batch of their own; no batch for none.
    pub(super) fn note<K: AsRef<[u8]>>(&mut self, values: Vec<(K, Option<Vec<u8>>)>) -> Result<()> {
        if values.is_empty() {
            return Ok(());
        }
        self.alone(|round| {
            for (key, value) in values {
                round.note(key.as_ref(), value);
            }
            Ok(())
        })
    }

    /// Nothing is written any more until a restart.
    fn fail(&self, why: &Error) {
        tracing::error!("nothing can be written any more: {}; reads go on, restart to try again", why.message);
        self.shared.read_only.store(true, Ordering::Relaxed);
    }

    fn commit(&mut self, jobs: Vec<Job>) {
        let room = self.room();
        let shared = Arc::clone(&self.shared);
        let mut round = Round::new(&shared, self.heads, self.scope, Arc::clone(&self.lists));
        let mut outcomes: Vec<Vec<Result<Outcome>>> = Vec::with_capacity(jobs.len());
        let mut must_sync = shared.fsync == Fsync::Always;
        for job in &jobs {
            let apply = |write: &Write| {
                must_sync |= write.must_sync();
                match room {
                    Room::Plenty => round.apply(write),
                    Room::Low if write.forbids() => round.apply(write),
                    _ => Err(no_room(room)),
                }
            };
            outcomes.push(job.writes.iter().map(apply).collect());
        }
        if room == Room::None {
            self.forbid_in_memory(&jobs);
        } else if let Err(why) = self.write(round, must_sync) {
            self.fail(&why);
            self.forbid_in_memory(&jobs);
            for outcome in outcomes.iter_mut().flatten() {
                *outcome = Err(no_room(Room::None));
            }
        } else {
            self.count(&jobs, &outcomes);
            self.forget_unwritten(&jobs, &outcomes);
        }
        for (job, outcomes) in jobs.into_iter().zip(outcomes) {
            (job.done)(outcomes);
        }
    }

    /// Puts a round on disk, then into the gate.
    fn write(&mut self, round: Round<'_>, must_sync: bool) -> Result<()> {
        let lists = round.lists();
        let Some(commit) = round.finish()? else { return Ok(()) };
        self.shared.disk.tree().apply_batch(commit.batch).map_err(super::sled_failed)?;
        self.heads = commit.heads;
        self.lists = lists;
        if must_sync {
            self.sync_all()?;
        } else {
            self.unsynced_since.get_or_insert_with(Instant::now);
        }
        let mut gate = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        commit.opening.apply(&commit.settlement.changes, &mut gate);
        drop(gate);
        if !commit.graveyard.is_empty() {
            let mut tombstones = self.shared.tombstones.write().unwrap_or_else(PoisonError::into_inner);
            commit.graveyard.apply(&mut tombstones);
        }
        self.shared.unsettled.write().unwrap_or_else(PoisonError::into_inner).take(commit.settlement);
        self.tally(commit.tallies);
        if self.unsynced_since.is_none() {
            self.tell_feed();
        }
        Ok(())
    }

    /// Lets readers see the entries of the feed, all of which are on disk: what a crash could take back is not told.
    fn tell_feed(&self) {
        if self.shared.feed_next.swap(self.heads.next_feed, Ordering::AcqRel) < self.heads.next_feed
            && let Some(told) = self.shared.on_feed.get()
        {
            told(self.heads.next_feed);
        }
    }

    /// Takes tallies into memory, and warns of lists that people leave.
    fn tally(&self, additions: Additions) {
        let (shared, now) = (&self.shared, (self.shared.clock)());
        let mut tallies = shared.tallies.write().unwrap_or_else(PoisonError::into_inner);
        for list in tallies.take(additions, now, shared.opt_out_rate_warn) {
            let (Some(number), recent) = (self.lists.number(list), tallies.recent(list, now)) else { continue };
            tracing::warn!(
                "{} of {} messages of {number} in 30 days ended in an opt-out: more than {} %",
                recent.opt_outs,
                recent.sends,
                shared.opt_out_rate_warn * 100.0
            );
        }
    }

    /// Puts all batches on disk.
    fn sync_all(&mut self) -> Result<()> {
        self.unsynced_since = None;
        self.shared.disk.sync()?;
        self.shared.counters.syncs.fetch_add(1, Ordering::Relaxed);
        self.shared.disk.note_synced(self.heads.batches)
    }

    fn sync(&mut self) {
        match self.sync_all() {
            Ok(()) => self.tell_feed(),
            Err(why) => {
                tracing::error!("nothing can be written any more: {}; the last second may be lost", why.message);
                self.shared.read_only.store(true, Ordering::Relaxed);
            }
        }
    }

    /// What the disk has room for. A change is told in the log.
    fn room(&mut self) -> Room {
        if self.shared.read_only.load(Ordering::Relaxed) {
            return Room::None;
        }
        let room = self.shared.disk.room();
        if room != self.room {
            self.room = room;
            match room {
                Room::Plenty => tracing::info!("the disk has room again: everything is taken"),
                Room::Low => tracing::warn!("little disk space is left: only what forbids is taken; free some"),
                Room::None => {
                    tracing::error!(
                        "no disk space is left: nothing is written, opt-outs hold in memory alone; free some"
                    );
                }
            }
        }
        room
    }

    /// What cannot be written forbids in memory, until the restart that mends the disk.
    fn forbid_in_memory(&self, jobs: &[Job]) {
        let mut gate = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        for write in jobs.iter().flat_map(|job| &job.writes) {
            match write {
                Write::Contact { phone, list, change } => {
                    if let Some((list, reason)) = self.forbidden(*list, change) {
                        gate.forbid_unwritten(*phone, list, reason);
                    }
                }
                Write::List { number, paused: Some(true), .. } => gate.pause_unwritten(*number),
                _ => {}
            }
        }
    }

    /// What was sent again and is on disk now need not be in memory alone any more.
    fn forget_unwritten(&self, jobs: &[Job], outcomes: &[Vec<Result<Outcome>>]) {
        if self.shared.gate_read().unwritten() == 0 {
            return;
        }
        let mut gate = self.shared.gate.write().unwrap_or_else(PoisonError::into_inner);
        let writes = jobs.iter().flat_map(|job| &job.writes).zip(outcomes.iter().flatten());
        for (write, _) in writes.filter(|(_, outcome)| outcome.is_ok()) {
            if let Write::Contact { phone, list, change } = write
                && let Some((list, reason)) = self.forbidden(*list, change)
            {
                gate.forget_unwritten(*phone, list, reason);
            }
        }
    }

    /// On which list, or on all, a change forbids for certain, and why.
    fn forbidden(&self, list: Option<ListNumber>, change: &Change) -> Option<(Option<ListNumber>, Reason)> {
        Some(match change {
            Change::OptOut(_) if list.is_some() => (list, Reason::ListOptedOut),
            Change::OptOut(_) => (None, Reason::OptedOut),
            Change::Suppress(_) if list.is_some() => (list, Reason::ListSuppressed),
            Change::Suppress(_) => (None, Reason::Suppressed),
            Change::Invalid(_) => (None, Reason::Invalid),
            Change::Failed(failed) => match failed.failure {
                Failure { permanent: true, .. } => (None, Reason::Invalid),
                Failure { opted_out: true, .. } if self.scope == StopScope::List => (list, Reason::ListOptedOut),
                Failure { opted_out: true, .. } => (None, Reason::OptedOut),
                _ => return None,
            },
            Change::Inbound(inbound) => match inbound.meaning {
                Meaning::Out if self.scope == StopScope::List => (list, Reason::ListOptedOut),
                Meaning::Out | Meaning::OutOfAll => (None, Reason::OptedOut),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn count(&self, jobs: &[Job], outcomes: &[Vec<Result<Outcome>>]) {
        let counters = &self.shared.counters;
        counters.batches.fetch_add(1, Ordering::Relaxed);
        counters.writes.fetch_add(jobs.iter().map(|job| job.writes.len() as u64).sum(), Ordering::Relaxed);
        let maybe =
            |outcome: &&Result<Outcome>| matches!(outcome, Ok(Outcome::Inbound { class: Class::MaybeOptOut, .. }));
        counters.maybe_optout.fetch_add(outcomes.iter().flatten().filter(maybe).count() as u64, Ordering::Relaxed);
    }
}

impl Shared {
    pub(super) fn unsettled_read(&self) -> RwLockReadGuard<'_, Unsettled> {
        self.unsettled.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tallies_read(&self) -> RwLockReadGuard<'_, Tallies> {
        self.tallies.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn tombstones_read(&self) -> RwLockReadGuard<'_, Tombstones> {
        self.tombstones.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gate_read(&self) -> RwLockReadGuard<'_, Gate> {
        self.gate.read().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_room(room: Room) -> Error {
    let what = match room {
        Room::Low => {
            "little disk space is left: only what can forbid is taken, like opt-outs, failures and inbound messages"
        }
        _ => {
            "nothing can be written; what forbids holds in memory until a restart: free disk space, see the log, send it again"
        }
    };
    Error::new(Code::ReadOnly, what)
}
