//! PURGE RUN: the contacts of a plan are looked at again, archived and removed; then what is too old is removed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::archive::Archive;
use super::{Control, Signal, Work};
use crate::counted::counted;
use crate::error::{Error, Result, excerpt};
use crate::limits::PURGE_CONTACTS_STEP;
use crate::model::purge::{Policy, PurgeReason};
use crate::model::time;
use crate::store::{Log, Measured, Plan, Progress, Store};

/// What is said of a plan that was run to its end.
pub const WAS_RUN: &str = "was run already";

/// Which contacts a purge removes, and when.
#[derive(Clone, Debug, Default)]
pub struct PurgeSettings {
    /// Which.
    pub policy: Policy,
    /// Every contact that is removed goes to this directory first.
    pub archive: Option<PathBuf>,
    /// How often the daemon purges on its own, in milliseconds; 0 is never.
    pub every_ms: i64,
}

/// The job that runs plans.
pub struct Purge {
    store: Arc<Store>,
    settings: PurgeSettings,
    purged: [AtomicU64; PurgeReason::ALL.len()],
}

/// What PURGE RUN asks for.
pub struct PurgeOrder {
    /// The number of a plan.
    pub number: u32,
    /// Whose token asks. May be empty.
    pub by: Arc<str>,
}

/// A plan that runs, and how far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PurgeRun {
    /// The plan's number.
    pub number: u32,
    /// The plan.
    pub plan: Plan,
    /// What it removes now.
    pub phase: Phase,
}

/// What a run removes, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// The contacts of the plan.
    Contacts,
    /// Entries of the feed that are too old.
    Feed,
    /// Events that are too old, other than of consent.
    Events,
    /// The other events of contacts that are gone.
    EventsOfGone,
    /// The consent events of contacts that are gone.
    ConsentEventsOfGone,
    /// Ids that were seen too long ago.
    Ids,
    /// Proof of consent in tombstones that is too old.
    Consents,
    /// Daily counts that nobody asks for any more.
    Tallies,
}

impl Phase {
    /// Every phase, in the order in which they run.
    const ALL: [Phase; 8] = [
        Phase::Contacts,
        Phase::Feed,
        Phase::Events,
        Phase::EventsOfGone,
        Phase::ConsentEventsOfGone,
        Phase::Ids,
        Phase::Consents,
        Phase::Tallies,
    ];

    /// The word in PURGE STATUS.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Contacts => "contacts",
            Phase::Feed => "feed",
            Phase::Events | Phase::EventsOfGone | Phase::ConsentEventsOfGone => "events",
            Phase::Ids => "ids",
            Phase::Consents => "consents",
            Phase::Tallies => "tallies",
        }
    }
}

impl Purge {
    /// The job for a store.
    pub fn new(store: Arc<Store>, settings: PurgeSettings) -> Purge {
        Purge { store, settings, purged: Default::default() }
    }

    /// Which contacts it removes, and when.
    pub fn settings(&self) -> &PurgeSettings {
        &self.settings
    }

    /// How many contacts were removed since the daemon started, by reason in the order of [`PurgeReason::ALL`].
    pub fn purged(&self) -> [u64; PurgeReason::ALL.len()] {
        std::array::from_fn(|reason| self.purged[reason].load(Ordering::Relaxed))
    }

    /// The run that a crash or a shutdown interrupted.
    pub fn unfinished(&self) -> Result<Option<PurgeRun>> {
        let goes_on = |run: &Progress| run.finished_at == 0 && !run.stopped;
        let unfinished = self.store.plans()?.into_iter().find(|(_, plan)| plan.run.as_ref().is_some_and(goes_on));
        Ok(unfinished.map(|(number, plan)| PurgeRun { number, plan, phase: Phase::Contacts }))
    }

    /// A plan that may be run now.
    fn runnable(&self, number: u32) -> Result<Plan> {
        let again = "PURGE PLAN makes a new one";
        let plan = self.store.plan(number)?.ok_or_else(|| no_plan(number.to_string().as_bytes()))?;
        if plan.is_finished() {
            return Err(Error::bad_arg(format!("plan {number} {WAS_RUN}: {again}")));
        }
        if plan.has_expired(self.store.now()) {
            let made_at = time::format(plan.made_at);
            return Err(Error::bad_arg(format!("plan {number} of {made_at} has expired: {again}")));
        }
        Ok(plan)
    }
}

/// Why something that should be the number of a plan is refused.
pub fn no_plan(word: &[u8]) -> Error {
    Error::bad_arg(format!("there is no plan '{}': PURGE PLAN makes one", excerpt(word)))
}

impl Work for Purge {
    type Order = PurgeOrder;
    type State = PurgeRun;
    const THREAD: &'static str = "contactd-purge";

    fn prepare(&self, PurgeOrder { number, by }: PurgeOrder) -> Result<PurgeRun> {
        let mut plan = self.runnable(number)?;
        let progress = plan.run.get_or_insert_with(|| Progress::begin(self.store.now(), self.store.size()));
        (progress.stopped, progress.by) = (false, by.to_string());
        self.store.note_plan(number, &plan)?;
        Ok(PurgeRun { number, plan, phase: Phase::Contacts })
    }

    fn busy(&self, PurgeRun { number, .. }: &PurgeRun) -> Error {
        Error::bad_arg(format!("plan {number} is running: see PURGE STATUS, or end it with PURGE STOP first"))
    }

    fn run(&self, run: PurgeRun, control: &Control<'_, Purge>) -> Result<()> {
        let archive = self.settings.archive.clone().map(Archive::new);
        let purged = &self.purged;
        Runner { store: &self.store, policy: self.settings.policy, control, run, measured: None, archive, purged }.run()
    }

    fn broke_off(&self, PurgeRun { number, .. }: &PurgeRun, why: &Error) {
        tracing::error!(
            "the purge of plan {number} ended with an error: {}; PURGE RUN {number} goes on with it",
            why.message
        );
        if let Err(why) = self.store.stop_plan(*number) {
            tracing::error!(
                "nor can it be written that plan {number} broke off, so the next start of contactd goes on with it: {}",
                why.message
            );
        }
    }
}

/// A plan in its run.
struct Runner<'r> {
    store: &'r Store,
    policy: Policy,
    control: &'r Control<'r, Purge>,
    run: PurgeRun,
    /// The lists on which engagement is measured, as of today.
    measured: Option<Measured>,
    archive: Option<Archive>,
    /// Counts what is removed.
    purged: &'r [AtomicU64; PurgeReason::ALL.len()],
}

impl Runner<'_> {
    fn run(mut self) -> Result<()> {
        let (store, number) = (self.store, self.run.number);
        tracing::info!("purge: plan {number} has {}", counted(self.run.plan.selected.iter().sum(), "contact"));
        let signal = self.phases()?;
        let progress = self.progress();
        match signal {
            Signal::GoOn => {
                progress.finished_at = store.now();
                progress.bytes_after = store.size();
                let (purged, spared) = (progress.purged.iter().sum::<u64>(), progress.spared);
                tracing::info!("purge: {} removed, {spared} spared", counted(purged, "contact"));
            }
            Signal::Stop => progress.stopped = true,
            Signal::Close => {}
        }
        store.note_plan(number, &self.run.plan)?;
        if signal == Signal::GoOn { store.expire_plans() } else { Ok(()) }
    }

    fn progress(&mut self) -> &mut Progress {
        self.run.plan.run.get_or_insert_default()
    }

    /// Runs every phase, step by step. [`Signal::GoOn`] means that all are done; any other signal ended them.
    fn phases(&mut self) -> Result<Signal> {
        for phase in Phase::ALL {
            self.run.phase = phase;
            let mut from = self.first_step(phase)?;
            while let Some(at) = from {
                match self.control.reached(self.run.clone()) {
                    Signal::GoOn => {}
                    end => return Ok(end),
                }
                let started = Instant::now();
                from = self.step(phase, at)?;
                pause(started);
            }
        }
        Ok(Signal::GoOn)
    }

    /// Where a phase begins; none if it has nothing to do.
    fn first_step(&mut self, phase: Phase) -> Result<Option<u64>> {
        Ok(match phase {
            Phase::Contacts => Some(self.progress().next_id).filter(|&id| id < u32::MAX).map(u64::from),
            Phase::EventsOfGone | Phase::ConsentEventsOfGone => self.store.sweep_is_due()?.then_some(0),
            _ => Some(0),
        })
    }

    /// One step of a phase. Gives where the next one begins.
    fn step(&mut self, phase: Phase, from: u64) -> Result<Option<u64>> {
        let (store, policy, mut uncounted) = (self.store, self.policy, 0);
        let progress = self.progress();
        let (step, count) = match phase {
            Phase::Contacts => return self.remove_contacts(from),
            Phase::Feed => (store.expire_feed()?, &mut progress.entries),
            Phase::Events => (store.expire_events()?, &mut progress.events),
            Phase::EventsOfGone => (store.sweep(Log::Activity, from)?, &mut progress.events),
            Phase::ConsentEventsOfGone => (store.sweep(Log::Consent, from)?, &mut progress.events),
            Phase::Ids => (store.expire_ids(from)?, &mut progress.ids),
            Phase::Consents => (store.expire_consents(from)?, &mut progress.consents),
            Phase::Tallies => (store.expire_tallies(policy.measured_within())?, &mut uncounted),
        };
        *count += step.gone;
        Ok(step.next)
    }

    /// Looks at the next contacts of the plan again, from an id on, and removes those that the policy still selects.
    fn remove_contacts(&mut self, from: u64) -> Result<Option<u64>> {
        let (store, number, policy) = (self.store, self.run.number, self.run.plan.policy);
        let from = u32::try_from(from).map_err(Error::internal)?;
        let measured = match self.measured.take().filter(|known| known.holds(&policy, store.now())) {
            Some(known) => known,
            None => store.measured(&policy)?,
        };
        let look = store.purge_candidates(number, &self.run.plan, &measured, from, PURGE_CONTACTS_STEP)?;
        self.measured = Some(measured);
        if let Some(archive) = &mut self.archive {
            archive.append(store, look.candidates.iter().map(|candidate| &candidate.contact))?;
        }
        let progress = self.progress();
        progress.next_id = look.next.unwrap_or(u32::MAX);
        progress.spared += look.spared;
        let before = progress.purged;
        self.run.plan = store.remove_candidates(number, self.run.plan.clone(), look.candidates)?;
        for ((counter, now), before) in self.purged.iter().zip(self.progress().purged).zip(before) {
            counter.fetch_add(now.saturating_sub(before), Ordering::Relaxed);
        }
        Ok(look.next.map(u64::from))
    }
}

/// Leaves the writer to others for as long as the step took, so that they have at least half of it.
fn pause(since: Instant) {
    const PAUSE_MIN: Duration = Duration::from_millis(1);
    thread::sleep(since.elapsed().max(PAUSE_MIN));
}
