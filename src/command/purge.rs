//! PURGE: contacts that the policy condemns are planned, looked at again, archived and removed, in small steps beside all
//! other work.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Context;
use super::contacts::{contact_json, date};
use super::rows::rows;
use crate::error::{Code, Error, Result, excerpt};
use crate::limits::PURGE_CONTACTS_STEP;
use crate::model::purge::{Condemned, KEEP_LABEL, Policy};
use crate::model::time;
use crate::store::{Burial, Log, Measured, PLAN_KEPT_MS, Plan, Progress, Step, Store};
use crate::wire::{Args, Replies};

/// Whom a purge removes, and where to.
#[derive(Clone, Debug, Default)]
pub struct PurgeSettings {
    /// Whom.
    pub policy: Policy,
    /// Every contact that is removed goes there first.
    pub archive: Option<PathBuf>,
    /// How often the compactor runs, in milliseconds; 0 is never.
    pub every_ms: i64,
}

/// The purge that runs: one at a time, on a thread of its own.
#[derive(Default)]
pub struct Purger {
    order: Mutex<Order>,
    changed: Condvar,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread is to do, and what it does.
#[derive(Default)]
struct Order {
    running: Option<Running>,
    stop: bool,
    closed: bool,
}

#[derive(Clone)]
struct Running {
    number: u32,
    plan: Plan,
    phase: &'static str,
}

pub fn purge(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let word = args.next().unwrap_or_default().to_ascii_uppercase();
    let number = args.next();
    match (word.as_slice(), number) {
        (b"PLAN", None) => replies.text(&plan(context)?.to_string()),
        (b"RUN", Some(number)) => replies.text(run(context, number)?),
        (b"STATUS", None) => replies.text(&context.purger.status().to_string()),
        (b"STOP", None) => replies.text(context.purger.stop()),
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
    let new = context.store.plan_purge(context.purge.policy)?;
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
        "contacts": plan.condemned.iter().sum::<u64>(),
        "reasons": by_reason(plan.condemned),
        "lists": lists,
        "kept": plan.kept,
        "unmeasured": plan.unmeasured,
        "bytes": plan.bytes,
        "sample": sample,
    }))
}

fn by_reason(counts: [u64; 3]) -> Value {
    let reasons = Condemned::ALL.into_iter().map(|why| (why.word().to_owned(), counts[why as usize].into()));
    Value::Object(reasons.collect())
}

fn run(context: &Context, word: &[u8]) -> Result<&'static str> {
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse::<u32>().ok());
    let number = number.ok_or_else(|| no_plan(word))?;
    context.purger.begin(&context.store, number)?;
    Ok("started")
}

/// A plan that may be run now.
fn runnable(store: &Store, number: u32) -> Result<Plan> {
    let again = "PURGE PLAN makes one";
    let plan = store.plan(number)?.ok_or_else(|| no_plan(number.to_string().as_bytes()))?;
    if plan.is_finished() {
        return Err(Error::bad_arg(format!("plan {number} was run already: {again}")));
    }
    if plan.has_expired(store.now()) {
        let made_at = time::format(plan.made_at);
        return Err(Error::bad_arg(format!("plan {number} of {made_at} has expired: {again}")));
    }
    Ok(plan)
}

fn no_plan(word: &[u8]) -> Error {
    Error::bad_arg(format!("'{}' is no plan: PURGE PLAN makes one", excerpt(word)))
}

fn policy_json(context: &Context) -> Value {
    let Policy { invalid_after, idle_after, sends, idle_max } = context.purge.policy;
    let days = |limit: Option<i64>| limit.map_or(Value::Null, |limit| json!(limit as f64 / time::DAY_MS as f64));
    json!({
        "invalid_after_days": days(invalid_after),
        "idle_after_days": days(idle_after),
        "sends": sends,
        "idle_max_days": days(idle_max),
        "keep_label": KEEP_LABEL,
        "archive": context.purge.archive.as_ref().map(|dir| dir.display().to_string()),
        "every_hours": if context.purge.every_ms == 0 { Value::Null } else { json!(context.purge.every_ms as f64 / 3_600_000.0) },
    })
}

fn report_json(number: u32, plan: &Plan) -> Value {
    let run = plan.run.clone().unwrap_or_default();
    let state = match &run {
        Progress { finished_at: 1.., .. } => "finished",
        Progress { stopped: true, .. } => "stopped",
        _ => "running",
    };
    json!({
        "plan": number,
        "state": state,
        "started_at": date(run.started_at),
        "finished_at": date(run.finished_at),
        "condemned": plan.condemned.iter().sum::<u64>(),
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
    })
}

impl Order {
    fn want(&mut self, number: u32, plan: Plan) {
        self.running = Some(Running { number, plan, phase: "contacts" });
        self.stop = false;
    }
}

impl Purger {
    /// Starts the thread, which goes on with what a crash has interrupted.
    pub fn start(context: &Arc<Context>) -> Result<()> {
        let unfinished = context
            .store
            .plans()?
            .into_iter()
            .find(|(_, plan)| plan.run.as_ref().is_some_and(|run| run.finished_at == 0 && !run.stopped));
        if let Some((number, plan)) = unfinished {
            context.purger.lock().want(number, plan);
        }
        let shared = Arc::clone(context);
        let thread = std::thread::Builder::new().name("contactd-purger".to_owned()).spawn(move || work(&shared));
        let thread = thread.map_err(|why| Error::internal(format!("cannot start the purger: {why}")))?;
        *context.purger.thread.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
        Ok(())
    }

    /// Ends the thread behind the step it is at.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // What a panic of it left behind is a plan that goes on at the next start.
            let _ = thread.join();
        }
    }

    /// Has the thread run a plan. That it is to be run is on disk first, so that a crash does not lose it.
    fn begin(&self, store: &Store, number: u32) -> Result<()> {
        let mut order = self.lock();
        if let Some(Running { number, .. }) = &order.running {
            return Err(Error::bad_arg(format!("plan {number} is running: see PURGE STATUS, or PURGE STOP it first")));
        }
        let mut plan = runnable(store, number)?;
        plan.run.get_or_insert_with(|| Progress::begin(store.now(), store.size())).stopped = false;
        store.note_plan(number, &plan)?;
        order.want(number, plan);
        drop(order);
        self.changed.notify_all();
        Ok(())
    }

    fn stop(&self) -> &'static str {
        let mut order = self.lock();
        if order.running.is_none() {
            return "idle";
        }
        order.stop = true;
        "stopping"
    }

    fn status(&self) -> Value {
        let order = self.lock();
        let Some(running) = &order.running else { return json!({ "state": "idle" }) };
        let run = running.plan.run.clone().unwrap_or_default();
        json!({
            "state": if order.stop { "stopping" } else { "running" },
            "plan": running.number,
            "phase": running.phase,
            "condemned": running.plan.condemned.iter().sum::<u64>(),
            "purged": run.purged.iter().sum::<u64>(),
            "spared": run.spared,
            "started_at": date(run.started_at),
        })
    }

    /// A panic while it was held cannot have left an order half changed.
    fn lock(&self) -> MutexGuard<'_, Order> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next plan to run; none when the daemon is shutting down.
    fn next(&self) -> Option<u32> {
        let order = self.lock();
        let wait = self.changed.wait_while(order, |order| order.running.is_none() && !order.closed);
        let order = wait.unwrap_or_else(PoisonError::into_inner);
        order.running.as_ref().filter(|_| !order.closed).map(|running| running.number)
    }

    /// Shows how far it is. Says whether to go on.
    fn goes_on(&self, number: u32, plan: &Plan, phase: &'static str) -> bool {
        let mut order = self.lock();
        order.running = Some(Running { number, plan: plan.clone(), phase });
        !order.stop && !order.closed
    }

    fn is_stopped(&self) -> bool {
        self.lock().stop
    }
}

fn work(context: &Context) {
    if let Err(why) = context.store.finish_erasures() {
        tracing::error!("an erasure is not finished, and goes on at the next start: {}", why.message);
    }
    while let Some(number) = context.purger.next() {
        if let Err(why) = (Run { context, number, measured: None, archive: None }).run() {
            tracing::error!(
                "the purge of plan {number} broke off: {}; PURGE RUN {number} goes on with it",
                why.message
            );
            // Where not even that can be written it goes on at the next start.
            let _ = context.store.stop_plan(number);
        }
        let mut order = context.purger.lock();
        order.running = None;
        order.stop = false;
    }
}

/// One run of a plan.
struct Run<'c> {
    context: &'c Context,
    number: u32,
    measured: Option<Measured>,
    archive: Option<Archive>,
}

/// A file that purged contacts go to first.
struct Archive {
    path: PathBuf,
    file: File,
}

/// A step of housekeeping, from where the one before it ended.
type Keeping = fn(&Context, u64) -> Result<Step>;
/// Where what such steps removed is counted.
type Count = fn(&mut Progress) -> Option<&mut u64>;

impl Run<'_> {
    fn run(&mut self) -> Result<()> {
        let store = &self.context.store;
        let Some(mut plan) = store.plan(self.number)? else { return Ok(()) };
        tracing::info!("purge: plan {} condemns {} contacts", self.number, plan.condemned.iter().sum::<u64>());
        if !self.contacts(&mut plan)? || !self.keep_house(&mut plan)? {
            if let Some(run) = &mut plan.run {
                // A shutdown is no stop: it goes on at the next start.
                run.stopped = self.context.purger.is_stopped();
            }
            return store.note_plan(self.number, &plan);
        }
        if let Some(run) = &mut plan.run {
            run.finished_at = store.now();
            run.bytes_after = store.size();
            tracing::info!("purge: {} contacts removed, {} spared", run.purged.iter().sum::<u64>(), run.spared);
        }
        store.note_plan(self.number, &plan)?;
        store.expire_plans()
    }

    /// Removes contacts. Says whether all were looked at.
    fn contacts(&mut self, plan: &mut Plan) -> Result<bool> {
        let store = &self.context.store;
        loop {
            if !self.context.purger.goes_on(self.number, plan, "contacts") {
                return Ok(false);
            }
            let started = Instant::now();
            let Some(run) = &plan.run else { return Ok(true) };
            if run.next_id == u32::MAX {
                return Ok(true);
            }
            let measured = match self.measured.take().filter(|known| known.holds(&plan.policy, store.now())) {
                Some(known) => known,
                None => store.measured(&plan.policy)?,
            };
            let look = store.look(self.number, plan, &measured, run.next_id, PURGE_CONTACTS_STEP)?;
            self.measured = Some(measured);
            self.archive(&look.burials)?;
            if let Some(run) = &mut plan.run {
                run.next_id = look.next.unwrap_or(u32::MAX);
                run.spared += look.spared;
            }
            *plan = store.bury(self.number, plan.clone(), look.burials)?;
            pause(started);
        }
    }

    /// Puts contacts into the archive, if there is one, before they are removed.
    fn archive(&mut self, burials: &[Burial]) -> Result<()> {
        let Some(dir) = &self.context.purge.archive else { return Ok(()) };
        if burials.is_empty() {
            return Ok(());
        }
        let store = &self.context.store;
        let path = dir.join(format!("purge-{}.ndjson", &time::format(store.now())[..10]));
        if self.archive.as_ref().is_none_or(|archive| archive.path != path) {
            let file = open(dir, &path).map_err(|why| failed(&path, &why))?;
            self.archive = Some(Archive { path, file });
        }
        let Some(archive) = &mut self.archive else { return Ok(()) };
        let gate = store.gate();
        let mut text = String::new();
        for burial in burials {
            let json = contact_json(&burial.contact, gate.lists(), gate.scope(), store.remember_since());
            for row in rows(&json, None) {
                text.push_str(&Value::Object(row).to_string());
                text.push('\n');
            }
        }
        drop(gate);
        let written = archive.file.write_all(text.as_bytes()).and_then(|()| archive.file.sync_data());
        written.map_err(|why| failed(&archive.path, &why))
    }

    /// Removes what is too old, and what belonged to contacts that are gone. Says whether it was done to the end.
    fn keep_house(&mut self, plan: &mut Plan) -> Result<bool> {
        let swept = self.context.store.sweep_is_due()?;
        let sweep = |log: Keeping| -> Keeping { if swept { log } else { |_, _| Ok(Step { gone: 0, next: None }) } };
        let phases: [(&'static str, Keeping, Count); 7] = [
            ("feed", |context, _| context.store.expire_feed(), |run| Some(&mut run.entries)),
            ("events", |context, _| context.store.expire_events(), |run| Some(&mut run.events)),
            ("events", sweep(|context, from| context.store.sweep(Log::Activity, from)), |run| Some(&mut run.events)),
            ("events", sweep(|context, from| context.store.sweep(Log::Consent, from)), |run| Some(&mut run.events)),
            ("ids", |context, from| context.store.expire_ids(from), |run| Some(&mut run.ids)),
            ("consents", |context, from| context.store.expire_consents(from), |run| Some(&mut run.consents)),
            ("tallies", |context, _| context.store.expire_tallies(context.purge.policy.measured_within()), |_| None),
        ];
        for (phase, step, count) in phases {
            let mut from = Some(0);
            while let Some(at) = from {
                if !self.context.purger.goes_on(self.number, plan, phase) {
                    return Ok(false);
                }
                let started = Instant::now();
                let done = step(self.context, at)?;
                if let Some(sum) = plan.run.as_mut().and_then(count) {
                    *sum += done.gone;
                }
                from = done.next;
                pause(started);
            }
        }
        Ok(true)
    }
}

/// Leaves the writer to others for as long as the step took, so that they have at least half of it.
fn pause(since: Instant) {
    const PAUSE_MIN: Duration = Duration::from_millis(1);
    std::thread::sleep(since.elapsed().max(PAUSE_MIN));
}

fn open(dir: &Path, path: &Path) -> std::io::Result<File> {
    std::fs::create_dir_all(dir)?;
    let mut file = OpenOptions::new().create(true).read(true).append(true).open(path)?;
    File::open(dir)?.sync_all()?;
    let mut last = [0];
    if file.seek(SeekFrom::End(-1)).is_ok() {
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            // What a crash or a full disk has left of a line.
            file.write_all(b"\n")?;
        }
    }
    Ok(file)
}

fn failed(path: &Path, why: &std::io::Error) -> Error {
    Error::internal(format!("cannot write the archive {}: {why}", path.display()))
}
