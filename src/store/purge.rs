//! Purges: a plan is a stored set of contacts that the policy condemned; its run removes them in small steps, each of
//! which looks at its contacts again.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, PoisonError};

use roaring::RoaringBitmap;

use super::chunk::Chunk;
use super::codec;
use super::compressed::expand;
use super::query::Window;
use super::{Store, keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, PLAN_CHUNKS_STEP, PLAN_SAMPLE, PLANS_KEPT, POSTING_CHUNK_IDS};
use crate::model::contact::Contact;
use crate::model::filter::DayOf;
use crate::model::list::ListId;
use crate::model::purge::{Condemned, Policy, Sentence};
use crate::model::time::{DAY_MS, Day, Millis};
use crate::model::tombstone::Tombstone;

/// How long a plan can be run.
pub const PLAN_KEPT_MS: Millis = 7 * DAY_MS;

/// A plan of a purge: whom the policy condemned, in numbers, and how far its run has come. The ids stand beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// When it was made.
    pub made_at: Millis,
    /// By which policy.
    pub policy: Policy,
    /// Condemned, by reason in the order of [`Condemned::ALL`].
    pub condemned: [u64; 3],
    /// Condemned, by list: the most concerned ones.
    pub lists: Vec<(ListId, u64)>,
    /// Not condemned for their label.
    pub kept: u64,
    /// Not condemned since nobody's engagement is measured on their lists.
    pub unmeasured: u64,
    /// What the records of the condemned take on disk, about.
    pub bytes: u64,
    /// Its run, once it has begun.
    pub run: Option<Progress>,
}

impl Plan {
    /// Whether it was run to its end.
    pub fn is_finished(&self) -> bool {
        self.run.as_ref().is_some_and(|run| run.finished_at > 0)
    }

    /// Whether it is too old to be begun or gone on with. One that is running goes on, whatever its age.
    pub fn has_expired(&self, now: Millis) -> bool {
        now - self.made_at > PLAN_KEPT_MS && self.run.as_ref().is_none_or(|run| run.stopped)
    }
}

/// How far the run of a plan has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// When it began.
    pub started_at: Millis,
    /// When it ended; 0 while it goes on.
    pub finished_at: Millis,
    /// Whether PURGE STOP stopped it.
    pub stopped: bool,
    /// Contacts with ids before this are done.
    pub next_id: u32,
    /// Purged, by reason in the order of [`Condemned::ALL`].
    pub purged: [u64; 3],
    /// Not condemned any more when they were looked at again: somebody clicked, replied, opted in, or was erased.
    pub spared: u64,
    /// Events that left by age or with their contact.
    pub events: u64,
    /// Ids that were forgotten.
    pub ids: u64,
    /// Entries of the feed that left by age.
    pub entries: u64,
    /// Tombstones in which old consent was forgotten.
    pub consents: u64,
    /// The store's size when it began.
    pub bytes_before: u64,
    /// The store's size when it ended.
    pub bytes_after: u64,
}

/// A new plan, and some of those whom it condemns.
pub struct NewPlan {
    /// Its number.
    pub number: u32,
    /// The plan.
    pub plan: Plan,
    /// Some of the condemned, and why each.
    pub sample: Vec<(Contact, Condemned)>,
}

/// A contact as it was when somebody looked at it, to be removed if it is still so.
pub struct Burial {
    /// Its id.
    pub id: u32,
    /// The contact.
    pub contact: Contact,
    /// Why it goes.
    pub why: Condemned,
    /// Of its record.
    print: u64,
}

/// What the next contacts of a plan are worth.
#[derive(Default)]
pub struct Look {
    /// Condemned still.
    pub burials: Vec<Burial>,
    /// Not any more, or gone by another way.
    pub spared: u64,
    /// Where the next look begins; none when this was the last.
    pub next: Option<u32>,
}

/// The lists on which anybody has clicked, replied or converted of late.
pub struct Measured {
    since: Day,
    lists: HashSet<ListId>,
}

impl Measured {
    /// Whether it is what [`Store::measured`] would give on the day of `now`, but for what came in meanwhile.
    pub fn holds(&self, policy: &Policy, now: Millis) -> bool {
        self.since == Day::of(now - policy.measured_within())
    }

    fn has(&self, list: ListId) -> bool {
        self.lists.contains(&list)
    }
}

impl Store {
    /// Finds the lists whose engagement is measured, as a policy asks.
    pub fn measured(&self, policy: &Policy) -> Result<Measured> {
        let since = Day::of(self.now() - policy.measured_within());
        let days = keys::tally(ListId(0), since)..keys::tally(ListId(0), Day(u32::MAX));
        let mut lists = HashSet::new();
        for row in self.shared.disk.tree().range(days) {
            let (key, value) = row.map_err(sled_failed)?;
            let (list, _) = keys::parse_tally(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            let tally = codec::decode_tally(&value)?;
            if tally.clicks > 0 || tally.replies > 0 || tally.conversions > 0 {
                lists.insert(list);
            }
        }
        Ok(Measured { since, lists })
    }

    /// Finds whom a policy condemns now, and stores them as a plan. Looks only at contacts that the day postings show to
    /// be past a limit.
    pub fn plan_purge(&self, policy: Policy) -> Result<NewPlan> {
        let now = self.now();
        let measured = self.measured(&policy)?;
        let mut plan = Plan {
            made_at: now,
            policy,
            condemned: [0; 3],
            lists: Vec::new(),
            kept: 0,
            unmeasured: 0,
            bytes: 0,
            run: None,
        };
        let mut lists = BTreeMap::<ListId, u64>::new();
        let mut sample = Vec::new();
        let mut ids = RoaringBitmap::new();
        for window in self.windows() {
            let due = due(&window, &policy, now)?;
            // Its number, what it takes on disk, and its value.
            let mut block: Option<(u32, usize, Vec<u8>)> = None;
            for id in due {
                let number = id / BLOCK_CONTACTS;
                if block.as_ref().is_none_or(|(known, ..)| *known != number) {
                    let stored = self.shared.disk.tree().get(keys::block(id)).map_err(sled_failed)?;
                    let expanded = |stored: sled::IVec| Ok((number, stored.len(), expand(&stored)?.into_owned()));
                    block = stored.map(expanded).transpose()?;
                }
                let Some((_, bytes, value)) = &block else { continue };
                let Some(record) = self.shared.record_in(Some(value), id)? else { continue };
                match policy.sentence(&record.contact, now, &|list| measured.has(list)) {
                    Sentence::Stays => {}
                    Sentence::Kept => plan.kept += 1,
                    Sentence::Unmeasured => plan.unmeasured += 1,
                    Sentence::Goes(why) => {
                        ids.insert(id);
                        plan.condemned[why as usize] += 1;
                        plan.bytes += *bytes as u64 / u64::from(BLOCK_CONTACTS);
                        for on in &record.contact.lists {
                            *lists.entry(on.list).or_default() += 1;
                        }
                        if sample.len() < PLAN_SAMPLE {
                            sample.push((record.contact, why));
                        }
                    }
                }
            }
        }
        plan.lists = lists.into_iter().collect();
        // The most concerned, where there are very many lists: a plan is one value.
        plan.lists.sort_by_key(|&(_, contacts)| Reverse(contacts));
        plan.lists.truncate(PLAN_LISTS_MAX);
        let number = self.store_plan(&plan, ids)?;
        Ok(NewPlan { number, plan, sample })
    }

    /// Writes a plan in steps, its head last. One at a time: its number is that of nobody else.
    fn store_plan(&self, plan: &Plan, ids: RoaringBitmap) -> Result<u32> {
        let _alone = self.planning.lock().unwrap_or_else(PoisonError::into_inner);
        let last = self.shared.disk.tree().range(keys::plan(0)..=keys::plan(u32::MAX)).next_back();
        let last = last.transpose().map_err(sled_failed)?.and_then(|(key, _)| keys::number(&key));
        let number = last.map_or(1, |last| last.wrapping_add(1));
        // Of one that a crash has left without a head.
        self.forget_plan(number, false)?;
        let mut chunks = Vec::new();
        let mut from = 0;
        while let Some(id) = ids.range(from..).next() {
            let first = id - id % POSTING_CHUNK_IDS;
            let key = keys::plan_ids(number, first / POSTING_CHUNK_IDS);
            chunks.push((key, Some(Chunk::of(&ids, first, POSTING_CHUNK_IDS).encode())));
            let Some(next) = first.checked_add(POSTING_CHUNK_IDS) else { break };
            from = next;
        }
        let mut chunks = chunks.into_iter().peekable();
        while chunks.peek().is_some() {
            let step: Vec<_> = chunks.by_ref().take(PLAN_CHUNKS_STEP).collect();
            self.errand(move |writer| writer.note(step))?;
        }
        self.note_plan(number, plan)?;
        Ok(number)
    }

    /// A plan by its number.
    pub fn plan(&self, number: u32) -> Result<Option<Plan>> {
        let stored = self.shared.disk.tree().get(keys::plan(number)).map_err(sled_failed)?;
        stored.map(|stored| codec::decode_plan(&stored)).transpose()
    }

    /// Every plan, the newest first.
    pub fn plans(&self) -> Result<Vec<(u32, Plan)>> {
        let mut plans = Vec::new();
        for row in self.shared.disk.tree().range(keys::plan(0)..=keys::plan(u32::MAX)).rev() {
            let (key, value) = row.map_err(sled_failed)?;
            let number = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            plans.push((number, codec::decode_plan(&value)?));
        }
        Ok(plans)
    }

    /// Looks again at the next contacts of a plan, by the policy with which it was made.
    pub fn look(&self, number: u32, plan: &Plan, measured: &Measured, from: u32, limit: usize) -> Result<Look> {
        let now = self.now();
        let mut look = Look::default();
        let first = keys::plan_ids(number, from / POSTING_CHUNK_IDS);
        for row in self.shared.disk.tree().range(first..=keys::plan_ids(number, u32::MAX)) {
            let (key, value) = row.map_err(sled_failed)?;
            let chunk = keys::long_number(&key).ok_or_else(|| Error::internal("a damaged key"))? as u32;
            for offset in Chunk::decode(POSTING_CHUNK_IDS, &value)?.iter() {
                let id = chunk * POSTING_CHUNK_IDS + offset;
                if id < from {
                    continue;
                }
                if look.burials.len() == limit {
                    look.next = Some(id);
                    return Ok(look);
                }
                let condemned = self.shared.record(id)?.and_then(|record| {
                    match plan.policy.sentence(&record.contact, now, &|list| measured.has(list)) {
                        Sentence::Goes(why) => Some((record, why)),
                        _ => None,
                    }
                });
                match condemned {
                    Some((record, why)) => {
                        let print = codec::print(&record)?;
                        look.burials.push(Burial { id, contact: record.contact, why, print });
                    }
                    None => look.spared += 1,
                }
            }
        }
        Ok(look)
    }

    /// Removes contacts that are as they were when they were looked at, and writes how far the run has come, all in one
    /// batch. Those that have changed meanwhile are spared. Gives the plan as it is then.
    pub fn bury(&self, number: u32, mut plan: Plan, burials: Vec<Burial>) -> Result<Plan> {
        self.errand(move |writer| {
            let shared = Arc::clone(&writer.shared);
            writer.alone(|round| {
                let mut run = plan.run.take().unwrap_or_default();
                for burial in burials {
                    let record = shared.record(burial.id)?;
                    match record.filter(|record| codec::print(record) == Ok(burial.print)) {
                        Some(record) => {
                            let phone = record.contact.phone;
                            round.bury(phone, Tombstone::of_purged(record.contact, burial.why, round.now()))?;
                            run.purged[burial.why as usize] += 1;
                        }
                        None => run.spared += 1,
                    }
                }
                plan.run = Some(run);
                round.note(&keys::plan(number), Some(codec::encode_plan(&plan)?));
                Ok(())
            })?;
            Ok(plan)
        })
    }

    /// Writes how far a run has come.
    pub fn note_plan(&self, number: u32, plan: &Plan) -> Result<()> {
        let value = codec::encode_plan(plan)?;
        self.errand(move |writer| writer.note(vec![(keys::plan(number), Some(value))]))
    }

    /// Writes that a run ended before its end.
    pub fn stop_plan(&self, number: u32) -> Result<()> {
        let Some(mut plan) = self.plan(number)? else { return Ok(()) };
        if let Some(run) = &mut plan.run {
            run.stopped = true;
        }
        self.note_plan(number, &plan)
    }

    /// Whether the history may still have events of contacts that are gone by a purge that has not come to its end.
    pub fn sweep_is_due(&self) -> Result<bool> {
        let is_left = |run: Progress| run.finished_at == 0 && run.purged != [0; 3];
        Ok(self.plans()?.into_iter().any(|(_, plan)| plan.run.is_some_and(is_left)))
    }

    /// Forgets plans that nobody has run in time, the ids of those that will not be run any more, and the oldest reports.
    pub fn expire_plans(&self) -> Result<()> {
        let now = self.now();
        for (nth, (number, plan)) in self.plans()?.into_iter().enumerate() {
            if plan.is_finished() || plan.has_expired(now) {
                self.forget_plan(number, plan.run.is_none() || nth >= PLANS_KEPT)?;
            }
        }
        Ok(())
    }

    /// Removes the ids of a plan, and its head if nobody is to read of it any more.
    fn forget_plan(&self, number: u32, head: bool) -> Result<()> {
        let range = keys::plan_ids(number, 0)..=keys::plan_ids(number, u32::MAX);
        loop {
            let step = self.shared.disk.tree().range(range.clone()).keys().take(PLAN_CHUNKS_STEP);
            let step = step.collect::<sled::Result<Vec<_>>>().map_err(sled_failed)?;
            if step.is_empty() {
                break;
            }
            let gone = step.into_iter().map(|key| (key, None)).collect();
            self.errand(move |writer| writer.note(gone))?;
        }
        if head {
            self.errand(move |writer| writer.note(vec![(keys::plan(number), None)]))?;
        }
        Ok(())
    }
}

/// The contacts of a window that are past a limit, by the day.
fn due(window: &Window<'_>, policy: &Policy, now: Millis) -> Result<RoaringBitmap> {
    let mut due = RoaringBitmap::new();
    if let Some(before) = policy.idle_before(now) {
        due |= window.days(DayOf::Idle, Day(0), Day::of(before))?;
    }
    if let Some(before) = policy.invalid_before(now) {
        due |= window.days(DayOf::Invalid, Day(0), Day::of(before))?;
    }
    Ok(due)
}

/// Lists that a plan names.
const PLAN_LISTS_MAX: usize = 200;

impl Progress {
    /// A run that begins.
    pub fn begin(now: Millis, bytes: u64) -> Progress {
        Progress { started_at: now, bytes_before: bytes, ..Progress::default() }
    }
}
