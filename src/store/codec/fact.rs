//! Facts: dates with how and why, as contacts and tombstones hold them.

use serde::{Deserialize, Serialize};

use super::DateV1;
use crate::model::contact::ListContact;
use crate::model::fact::{Fact, How, Standing};
use crate::model::list::ListId;
use crate::model::time::Millis;

#[derive(Serialize, Deserialize)]
pub struct FactV1 {
    at: DateV1,
    /// Above the bits of how, by how many milliseconds later it was told to be; that is 0 as a rule, and costs nothing.
    how: u64,
    source: String,
    reason: String,
}

const HOW_BITS: u32 = 4;

#[derive(Serialize, Deserialize)]
pub struct StandingV1 {
    set: Option<FactV1>,
    lifted: Option<FactV1>,
}

#[derive(Serialize, Deserialize)]
pub struct ListContactV1 {
    list: u32,
    opted_in: Option<FactV1>,
    imported: Option<FactV1>,
    opted_out: Option<FactV1>,
    suppression: StandingV1,
}

impl From<&Fact> for FactV1 {
    fn from(fact: &Fact) -> FactV1 {
        FactV1 {
            at: fact.at.into(),
            how: (fact.told - fact.at).max(0).unsigned_abs() << HOW_BITS | fact.how as u64,
            source: fact.source.clone(),
            reason: fact.reason.clone(),
        }
    }
}

impl From<FactV1> for Fact {
    fn from(fact: FactV1) -> Fact {
        let at = fact.at.into();
        let ahead = (fact.how >> HOW_BITS).cast_signed();
        let told = if ahead == 0 { 0 } else { ahead.saturating_add(at) };
        Fact { at, how: how((fact.how & ((1 << HOW_BITS) - 1)) as u8), source: fact.source, reason: fact.reason, told }
    }
}

impl From<&Standing> for StandingV1 {
    fn from(standing: &Standing) -> StandingV1 {
        StandingV1 { set: standing.set.as_ref().map(FactV1::from), lifted: standing.lifted.as_ref().map(FactV1::from) }
    }
}

impl From<StandingV1> for Standing {
    fn from(standing: StandingV1) -> Standing {
        Standing { set: standing.set.map(Fact::from), lifted: standing.lifted.map(Fact::from) }
    }
}

impl From<&ListContact> for ListContactV1 {
    fn from(on: &ListContact) -> ListContactV1 {
        ListContactV1 {
            list: on.list.0,
            opted_in: on.opted_in.as_ref().map(FactV1::from),
            imported: on.imported.as_ref().map(FactV1::from),
            opted_out: on.opted_out.as_ref().map(FactV1::from),
            suppression: (&on.suppression).into(),
        }
    }
}

impl From<ListContactV1> for ListContact {
    fn from(on: ListContactV1) -> ListContact {
        ListContact {
            list: ListId(on.list),
            opted_in: on.opted_in.map(Fact::from),
            imported: on.imported.map(Fact::from),
            opted_out: on.opted_out.map(Fact::from),
            suppression: on.suppression.into(),
        }
    }
}

pub fn how(code: u8) -> How {
    How::ALL.into_iter().find(|how| *how as u8 == code).unwrap_or_default()
}

/// Takes the texts off the oldest fact that has some. Says whether there was one.
pub fn drop_oldest_text(
    opted_out_all: &mut Option<FactV1>,
    suppression: &mut StandingV1,
    invalidity: &mut StandingV1,
    lists: &mut [ListContactV1],
) -> bool {
    let standings =
        [suppression, invalidity].into_iter().flat_map(|standing| [&mut standing.set, &mut standing.lifted]);
    let lists = lists.iter_mut().flat_map(|on| {
        [&mut on.opted_in, &mut on.imported, &mut on.opted_out, &mut on.suppression.set, &mut on.suppression.lifted]
    });
    let oldest = std::iter::once(opted_out_all)
        .chain(standings)
        .chain(lists)
        .filter_map(Option::as_mut)
        .filter(|fact| !fact.source.is_empty() || !fact.reason.is_empty())
        .min_by_key(|fact| Millis::from(fact.at));
    let Some(fact) = oldest else { return false };
    fact.source.clear();
    fact.reason.clear();
    true
}
