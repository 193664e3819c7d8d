//! PURGE: plans, their runs and their reports. The run itself is a background job, [`crate::jobs::Purge`].

use std::sync::Arc;

use serde_json::{Value, json};

use super::Context;
use super::session::Session;
use crate::error::{Code, Error, Result};
use crate::jobs::{PurgeOrder, PurgeRun, Status, no_plan};
use crate::json::date;
use crate::model::purge::{KEEP_LABEL, Policy, PurgeReason};
use crate::model::time;
use crate::store::{PLAN_KEPT_MS, Plan, Progress};
use crate::wire::{Args, Replies};

pub fn purge(context: &Context, session: &Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let word = args.next().unwrap_or_default().to_ascii_uppercase();
    let number = args.next();
    match (word.as_slice(), number) {
        (b"PLAN", None) => replies.text(&plan(context)?.to_string()),
        (b"RUN", Some(number)) => {
            let order = PurgeOrder { number: plan_number(number)?, by: Arc::clone(&session.name) };
            context.jobs.purge.begin(order)?;
            replies.text("started");
        }
        (b"STATUS", None) => replies.text(&status_json(&context.jobs.purge.status()).to_string()),
        (b"STOP", None) => replies.text(if context.jobs.purge.stop() { "stopping" } else { "idle" }),
        (b"POLICY", None) => replies.text(&policy_json(context).to_string()),
        (b"REPORTS", None) => {
            let runs: Vec<_> = context.store.plans()?.into_iter().filter(|(_, plan)| plan.run.is_some()).collect();
            replies.array(runs.len());
            for (number, plan) in runs {
                replies.text(&report_json(number, &plan).to_string());
            }
        }
        _ => return Err(Error::new(Code::Err, "usage: PURGE PLAN|RUN plan|STATUS|STOP|POLICY|REPORTS")),
    }
    Ok(())
}

fn plan(context: &Context) -> Result<Value> {
    let new = context.store.plan_purge(context.jobs.purge.work().settings().policy)?;
    let plan = &new.plan;
    let gate = context.store.gate();
    let lists: Vec<Value> = plan
        .lists
        .iter()
        .filter_map(|&(list, contacts)| {
            Some(json!({ "list": gate.lists().number(list)?.to_string(), "contacts": contacts }))
        })
        .collect();
    let sample: Vec<Value> = new
        .sample
        .iter()
        .map(|(contact, why)| {
            json!({
                "phone": contact.phone.to_string(),
                "reason": why.word(),
                "idle_since": date(contact.idle_since()),
                "sends_since_engaged": contact.engagement.sends_since_engaged,
                "last_sent": date(contact.engagement.last_sent),
                "invalid_at": date(contact.invalidity.set.as_ref().map_or(0, |fact| fact.at)),
            })
        })
        .collect();
    Ok(json!({
        "plan": new.number,
        "made_at": date(plan.made_at),
        "expires_at": date(plan.made_at + PLAN_KEPT_MS),
        "contacts": plan.selected.iter().sum::<u64>(),
        "reasons": by_reason(plan.selected),
        "lists": lists,
        "kept": plan.kept,
        "unmeasured": plan.unmeasured,
        "bytes": plan.bytes,
        "sample": sample,
    }))
}

fn by_reason(counts: [u64; 3]) -> Value {
    let reasons = PurgeReason::ALL.into_iter().map(|why| (why.word().to_owned(), counts[why as usize].into()));
    Value::Object(reasons.collect())
}

fn plan_number(word: &[u8]) -> Result<u32> {
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
    number.ok_or_else(|| no_plan(word))
}

fn status_json(status: &Status<PurgeRun>) -> Value {
    match status {
        Status::Idle => json!({ "state": "idle" }),
        Status::BrokeOff(run, why) => json!({ "state": "idle", "plan": run.number, "broke_off": why.message }),
        Status::Running(run) => run_json("running", run),
        Status::Stopping(run) => run_json("stopping", run),
    }
}

fn run_json(state: &str, PurgeRun { number, plan, phase }: &PurgeRun) -> Value {
    let run = plan.run.clone().unwrap_or_default();
    with_name(
        &run.by,
        json!({
            "state": state,
            "plan": number,
            "phase": phase.word(),
            "condemned": plan.selected.iter().sum::<u64>(),
            "purged": run.purged.iter().sum::<u64>(),
            "spared": run.spared,
            "started_at": date(run.started_at),
        }),
    )
}

/// Adds whose token began a run, where that has a name.
fn with_name(by: &str, mut run: Value) -> Value {
    if !by.is_empty() {
        run["by"] = by.into();
    }
    run
}

fn policy_json(context: &Context) -> Value {
    let settings = context.jobs.purge.work().settings();
    let Policy { invalid_after, idle_after, sends, idle_max } = settings.policy;
    let days = |limit: Option<i64>| limit.map_or(Value::Null, |limit| json!(limit as f64 / time::DAY_MS as f64));
    json!({
        "invalid_after_days": days(invalid_after),
        "idle_after_days": days(idle_after),
        "sends": sends,
        "idle_max_days": days(idle_max),
        "keep_label": KEEP_LABEL,
        "archive": settings.archive.as_ref().map(|dir| dir.display().to_string()),
        "every_hours": if settings.every_ms == 0 { Value::Null } else { json!(settings.every_ms as f64 / 3_600_000.0) },
    })
}

fn report_json(number: u32, plan: &Plan) -> Value {
    let run = plan.run.clone().unwrap_or_default();
    let state = match &run {
        Progress { finished_at: 1.., .. } => "finished",
        Progress { stopped: true, .. } => "stopped",
        _ => "running",
    };
    with_name(
        &run.by,
        json!({
            "plan": number,
            "state": state,
            "started_at": date(run.started_at),
            "finished_at": date(run.finished_at),
            "condemned": plan.selected.iter().sum::<u64>(),
            "purged": run.purged.iter().sum::<u64>(),
            "reasons": by_reason(run.purged),
            "spared": run.spared,
            "kept": plan.kept,
            "unmeasured": plan.unmeasured,
            "events": run.events,
            "ids": run.ids,
            "feed_entries": run.entries,
            "consents": run.consents,
            "bytes_before": run.bytes_before,
            "bytes_after": run.bytes_after,
        }),
    )
}
