//! The plans of purges.

use serde::{Deserialize, Serialize};

use super::super::purge::{Plan, Progress};
use super::{DateV1, open, seal};
use crate::error::Result;
use crate::model::list::ListId;
use crate::model::purge::Policy;

#[derive(Serialize, Deserialize)]
struct PlanV1 {
    made_at: DateV1,
    invalid_after: Option<i64>,
    idle_after: Option<i64>,
    sends: u64,
    idle_max: Option<i64>,
    condemned: [u64; 3],
    lists: Vec<(u32, u64)>,
    kept: u64,
    unmeasured: u64,
    bytes: u64,
    run: Option<ProgressV1>,
}

#[derive(Serialize, Deserialize)]
struct ProgressV1 {
    started_at: DateV1,
    finished_at: DateV1,
    stopped: bool,
    next_id: u32,
    purged: [u64; 3],
    spared: u64,
    events: u64,
    ids: u64,
    entries: u64,
    consents: u64,
    bytes_before: u64,
    bytes_after: u64,
}

pub fn encode_plan(plan: &Plan) -> Result<Vec<u8>> {
    let run = |run: &Progress| ProgressV1 {
        started_at: run.started_at.into(),
        finished_at: run.finished_at.into(),
        stopped: run.stopped,
        next_id: run.next_id,
        purged: run.purged,
        spared: run.spared,
        events: run.events,
        ids: run.ids,
        entries: run.entries,
        consents: run.consents,
        bytes_before: run.bytes_before,
        bytes_after: run.bytes_after,
    };
    seal(&PlanV1 {
        made_at: plan.made_at.into(),
        invalid_after: plan.policy.invalid_after,
        idle_after: plan.policy.idle_after,
        sends: plan.policy.sends,
        idle_max: plan.policy.idle_max,
        condemned: plan.condemned,
        lists: plan.lists.iter().map(|(list, contacts)| (list.0, *contacts)).collect(),
        kept: plan.kept,
        unmeasured: plan.unmeasured,
        bytes: plan.bytes,
        run: plan.run.as_ref().map(run),
    })
}

pub fn decode_plan(value: &[u8]) -> Result<Plan> {
    let body: PlanV1 = open(value)?;
    let run = |run: ProgressV1| Progress {
        started_at: run.started_at.into(),
        finished_at: run.finished_at.into(),
        stopped: run.stopped,
        next_id: run.next_id,
        purged: run.purged,
        spared: run.spared,
        events: run.events,
        ids: run.ids,
        entries: run.entries,
        consents: run.consents,
        bytes_before: run.bytes_before,
        bytes_after: run.bytes_after,
    };
    Ok(Plan {
        made_at: body.made_at.into(),
        policy: Policy {
            invalid_after: body.invalid_after,
            idle_after: body.idle_after,
            sends: body.sends,
            idle_max: body.idle_max,
        },
        condemned: body.condemned,
        lists: body.lists.into_iter().map(|(list, contacts)| (ListId(list), contacts)).collect(),
        kept: body.kept,
        unmeasured: body.unmeasured,
        bytes: body.bytes,
        run: body.run.map(run),
    })
}
