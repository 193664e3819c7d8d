//! Purges: a plan is a stored set of contacts that the policy selected; its run removes them in small steps, each of
//! which looks at its contacts again.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use roaring::RoaringBitmap;

use super::Upkeep;
use crate::error::Result;
use crate::limits::{BLOCK_CONTACTS, PLAN_CHUNKS_STEP, PLAN_SAMPLE, PLANS_KEPT, POSTING_CHUNK_IDS};
use crate::model::contact::Contact;
use crate::model::filter::DayOf;
use crate::model::list::ListId;
use crate::model::plan::Plan;
use crate::model::purge::{Policy, PurgeDecision, PurgeReason};
use crate::model::time::{Day, Millis};
use crate::model::tombstone::Tombstone;
use crate::store::format::chunk::Chunk;
use crate::store::format::codec;
use crate::store::format::compressed::expand;
use crate::store::format::keys;
use crate::store::read::plans::Measured;
use crate::store::read::query::Window;

/// Lists that a plan names.
const PLAN_LISTS_MAX: usize = 200;

/// A new plan, and some of its contacts.
pub struct NewPlan {
    /// Its number.
    pub number: u32,
    /// The plan.
    pub plan: Plan,
    /// Some of the selected contacts, and why each.
    pub sample: Vec<(Contact, PurgeReason)>,
}

/// A contact as it was when somebody looked at it, to be removed if it is still so.
pub struct PurgeCandidate {
    /// Its id.
    pub id: u32,
    /// The contact.
    pub contact: Contact,
    /// Why it goes.
    pub why: PurgeReason,
    /// Of its record.
    fingerprint: u64,
}

/// What the next contacts of a plan are worth.
#[derive(Default)]
pub struct Candidates {
    /// They may still be purged.
    pub candidates: Vec<PurgeCandidate>,
    /// Not any more, or gone by another way.
    pub spared: u64,
    /// Where the next look begins; none when this was the last.
    pub next: Option<u32>,
}

impl Upkeep {
    /// Finds the contacts that a policy selects now, and stores them as a plan. Looks only at contacts that the day postings show to
    /// be past a limit.
    pub fn plan_purge(&self, policy: Policy) -> Result<NewPlan> {
        let now = self.state.now();
        let measured = self.state.measured(&policy)?;
        let mut plan = Plan {
            made_at: now,
            policy,
            selected: [0; 3],
            lists: Vec::new(),
            kept: 0,
            unmeasured: 0,
            bytes: 0,
            run: None,
        };
        let mut lists = BTreeMap::<ListId, u64>::new();
        let mut sample = Vec::new();
        let mut ids = RoaringBitmap::new();
        for window in self.state.windows() {
            let due = due(&window, &policy, now)?;
            // Its number, what it takes on disk, and its value.
            let mut block: Option<(u32, usize, Vec<u8>)> = None;
            for id in due {
                let number = id / BLOCK_CONTACTS;
                if block.as_ref().is_none_or(|(known, ..)| *known != number) {
                    let stored = self.state.engine.get(&keys::block(id))?;
                    let expanded = |stored: Vec<u8>| Ok((number, stored.len(), expand(&stored)?.into_owned()));
                    block = stored.map(expanded).transpose()?;
                }
                let Some((_, bytes, value)) = &block else { continue };
                let Some(record) = self.state.record_in(Some(value), id)? else { continue };
                match policy.decide(&record.contact, now, &|list| measured.has(list)) {
                    PurgeDecision::Keep => {}
                    PurgeDecision::Labelled => plan.kept += 1,
                    PurgeDecision::Purge(_) if self.state.has_waiting(record.contact.phone) => plan.kept += 1,
                    PurgeDecision::Unmeasured => plan.unmeasured += 1,
                    PurgeDecision::Purge(why) => {
                        ids.insert(id);
                        plan.selected[why as usize] += 1;
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
        let last = self.state.engine.last(&keys::all(keys::PLAN))?.and_then(|(key, _)| keys::number(&key));
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
            self.on_writer(move |writer| writer.commit_values(step))?;
        }
        self.note_plan(number, plan)?;
        Ok(number)
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
        let now = self.state.now();
        let mut look = Candidates::default();
        for id in self.state.plan_ids(number, from) {
            let id = id?;
            if look.candidates.len() == limit {
                look.next = Some(id);
                return Ok(look);
            }
            let selected = self.state.record(id)?.and_then(|record| {
                if self.state.has_waiting(record.contact.phone) {
                    return None;
                }
                match plan.policy.decide(&record.contact, now, &|list| measured.has(list)) {
                    PurgeDecision::Purge(why) => Some((record, why)),
                    _ => None,
                }
            });
            match selected {
                Some((record, why)) => {
                    let fingerprint = codec::fingerprint(&record)?;
                    look.candidates.push(PurgeCandidate { id, contact: record.contact, why, fingerprint });
                }
                None => look.spared += 1,
            }
        }
        Ok(look)
    }

    /// Removes contacts that are as they were when they were looked at, and writes how far the run has come, all in one
    /// batch. Those that have changed meanwhile are spared. Gives the plan as it is then.
    pub fn remove_candidates(&self, number: u32, mut plan: Plan, candidates: Vec<PurgeCandidate>) -> Result<Plan> {
        self.on_writer(move |writer| {
            let state = Arc::clone(&writer.state);
            writer.commit_alone(|overlay| {
                let mut run = plan.run.take().unwrap_or_default();
                for candidate in candidates {
                    let record = state.record(candidate.id)?;
                    match record.filter(|record| codec::fingerprint(record) == Ok(candidate.fingerprint)) {
                        Some(record) => {
                            let phone = record.contact.phone;
                            let tombstone = Tombstone::of_purged(record.contact, candidate.why, overlay.now(), &run.by);
                            overlay.remove(phone, tombstone)?;
                            run.purged[candidate.why as usize] += 1;
                        }
                        None => run.spared += 1,
                    }
                }
                plan.run = Some(run);
                overlay.put_value(&keys::plan(number), Some(codec::encode_plan(&plan)?));
                Ok(())
            })?;
            Ok(plan)
        })
    }

    /// Writes how far a run has come.
    pub fn note_plan(&self, number: u32, plan: &Plan) -> Result<()> {
        let value = codec::encode_plan(plan)?;
        self.on_writer(move |writer| writer.commit_values(vec![(keys::plan(number), Some(value))]))
    }

    /// Writes that a run ended before its end.
    pub fn stop_plan(&self, number: u32) -> Result<()> {
        let Some(mut plan) = self.state.plan(number)? else { return Ok(()) };
        if let Some(run) = &mut plan.run {
            run.stopped = true;
        }
        self.note_plan(number, &plan)
    }

    /// Forgets plans that nobody has run in time, the ids of those that will not be run any more, and the oldest reports.
    pub fn expire_plans(&self) -> Result<()> {
        let now = self.state.now();
        for (nth, (number, plan)) in self.state.plans()?.into_iter().enumerate() {
            if plan.is_finished() || plan.has_expired(now) {
                self.forget_plan(number, plan.run.is_none() || nth >= PLANS_KEPT)?;
            }
        }
        Ok(())
    }

    /// Removes the ids of a plan, and its head if nobody is to read of it any more.
    fn forget_plan(&self, number: u32, head: bool) -> Result<()> {
        let range = keys::through(&keys::plan_ids(number, 0), &keys::plan_ids(number, u32::MAX));
        loop {
            let step = self.state.engine.scan(&range, PLAN_CHUNKS_STEP)?;
            if step.is_empty() {
                break;
            }
            let gone = step.into_iter().map(|(key, _)| (key, None)).collect();
            self.on_writer(move |writer| writer.commit_values(gone))?;
        }
        if head {
            self.on_writer(move |writer| writer.commit_values(vec![(keys::plan(number), None)]))?;
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
