//! The plans of purges, as they are stored.

use std::collections::HashSet;

use crate::error::{Error, Result};
use crate::limits::POSTING_CHUNK_IDS;
use crate::model::list::ListId;
use crate::model::plan::{Plan, Progress};
use crate::model::purge::Policy;
use crate::model::time::{Day, Millis};
use crate::store::engine::rows;
use crate::store::format::chunk::Chunk;
use crate::store::format::codec;
use crate::store::format::keys;
use crate::store::state::State;

/// The lists on which anybody has clicked, replied or converted lately.
pub struct Measured {
    since: Day,
    lists: HashSet<ListId>,
}

impl Measured {
    /// Whether it is what [`State::measured`] would give on the day of `now`, but for what came in meanwhile.
    pub fn holds(&self, policy: &Policy, now: Millis) -> bool {
        self.since == Day::of(now - policy.measured_within())
    }

    /// Whether somebody's engagement is measured on a list.
    pub fn has(&self, list: ListId) -> bool {
        self.lists.contains(&list)
    }
}

impl State {
    /// Finds the lists whose engagement is measured, as a policy asks.
    pub fn measured(&self, policy: &Policy) -> Result<Measured> {
        let since = Day::of(self.now() - policy.measured_within());
        let mut lists = HashSet::new();
        for row in rows(&*self.engine, keys::tallies_since(since)) {
            let (key, value) = row?;
            let (list, _) = keys::parse_tally(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            let tally = codec::decode_tally(&value)?;
            if tally.clicks > 0 || tally.replies > 0 || tally.conversions > 0 {
                lists.insert(list);
            }
        }
        Ok(Measured { since, lists })
    }

    /// A plan by its number.
    pub fn plan(&self, number: u32) -> Result<Option<Plan>> {
        self.engine.get(&keys::plan(number))?.map(|stored| codec::decode_plan(&stored)).transpose()
    }

    /// Every plan, the newest first.
    pub fn plans(&self) -> Result<Vec<(u32, Plan)>> {
        let mut plans = Vec::new();
        for row in rows(&*self.engine, keys::all(keys::PLAN)) {
            let (key, value) = row?;
            let number = keys::number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            plans.push((number, codec::decode_plan(&value)?));
        }
        plans.reverse();
        Ok(plans)
    }

    /// The ids of a plan's contacts, from an id on, in order.
    pub fn plan_ids(&self, number: u32, from: u32) -> impl Iterator<Item = Result<u32>> + '_ {
        let first = keys::plan_ids(number, from / POSTING_CHUNK_IDS);
        let chunks = rows(&*self.engine, keys::through(&first, &keys::plan_ids(number, u32::MAX)));
        chunks.flat_map(move |row| {
            let ids = row.and_then(|(key, value)| {
                let chunk = keys::long_number(&key).ok_or_else(|| Error::internal("a damaged key"))? as u32;
                let offsets = Chunk::decode(POSTING_CHUNK_IDS, &value)?;
                Ok(offsets.iter().map(|offset| chunk * POSTING_CHUNK_IDS + offset).collect::<Vec<u32>>())
            });
            match ids {
                Ok(ids) => ids.into_iter().filter(|&id| id >= from).map(Ok).collect(),
                Err(why) => vec![Err(why)],
            }
        })
    }

    /// Whether the history may still have events of contacts that were removed by a purge that has not ended.
    pub fn sweep_is_due(&self) -> Result<bool> {
        let is_left = |run: Progress| run.finished_at == 0 && run.purged != [0; 3];
        Ok(self.plans()?.into_iter().any(|(_, plan)| plan.run.is_some_and(is_left)))
    }
}
