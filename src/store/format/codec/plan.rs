//! The plans of purges.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{date, lists, open, open_as, seal, seal_as};
use crate::error::Result;
use crate::model::list::ListId;
use crate::model::plan::{Plan, Progress};
use crate::model::purge::Policy;
use crate::model::time::Millis;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Policy")]
struct PolicyV1 {
    invalid_after: Option<Millis>,
    idle_after: Option<Millis>,
    sends: u64,
    idle_max: Option<Millis>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Plan")]
struct PlanV1 {
    #[serde(with = "date")]
    made_at: Millis,
    #[serde(with = "PolicyV1")]
    policy: Policy,
    #[serde(with = "by_code")]
    selected: [u64; 3],
    #[serde(with = "lists")]
    lists: Vec<(ListId, u64)>,
    kept: u64,
    unmeasured: u64,
    bytes: u64,
    #[serde(with = "run")]
    run: Option<Progress>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Progress")]
struct ProgressV1 {
    #[serde(with = "date")]
    started_at: Millis,
    #[serde(with = "date")]
    finished_at: Millis,
    stopped: bool,
    next_id: u32,
    #[serde(with = "by_code")]
    purged: [u64; 3],
    spared: u64,
    events: u64,
    ids: u64,
    entries: u64,
    consents: u64,
    bytes_before: u64,
    bytes_after: u64,
    /// Behind the plan, see [`V2`].
    #[serde(skip)]
    by: String,
}

/// The version of a plan behind which the name stands of who runs it. Without a name the version is 1.
const V2: u8 = 2;

pub fn encode_plan(plan: &Plan) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'p>(#[serde(with = "PlanV1")] &'p Plan);
    match plan.run.as_ref().map_or("", |run| &run.by) {
        "" => seal(&Body(plan)),
        by => seal_as(V2, &(Body(plan), by)),
    }
}

pub fn decode_plan(value: &[u8]) -> Result<Plan> {
    #[derive(Deserialize)]
    struct Body(#[serde(with = "PlanV1")] Plan);
    if value.first() != Some(&V2) {
        return open(value).map(|Body(plan)| plan);
    }
    let (Body(mut plan), by) = open_as::<(Body, String)>(V2, value)?;
    plan.run.get_or_insert_default().by = by;
    Ok(plan)
}

/// Counts by reason stand in the order of the reasons' codes, whatever their order in the source.
mod by_code {
    use super::{Deserialize, Deserializer, Serialize, Serializer};
    use crate::model::purge::PurgeReason;
    use crate::store::format::code::Coded;

    fn place(why: PurgeReason) -> usize {
        usize::from(why.code()) - 1
    }

    pub fn serialize<S: Serializer>(counts: &[u64; 3], to: S) -> Result<S::Ok, S::Error> {
        let mut coded = [0; 3];
        for why in PurgeReason::ALL {
            coded[place(why)] = counts[why as usize];
        }
        coded.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u64; 3], D::Error> {
        let coded = <[u64; 3]>::deserialize(from)?;
        Ok(PurgeReason::ALL.map(|why| coded[place(why)]))
    }
}

mod run {
    use super::{Deserialize, Deserializer, Progress, ProgressV1, Serialize, Serializer};

    pub fn serialize<S: Serializer>(run: &Option<Progress>, to: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Body<'r>(#[serde(with = "ProgressV1")] &'r Progress);
        run.as_ref().map(Body).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Progress>, D::Error> {
        #[derive(Deserialize)]
        struct Body(#[serde(with = "ProgressV1")] Progress);
        Ok(Option::<Body>::deserialize(from)?.map(|Body(run)| run))
    }
}
