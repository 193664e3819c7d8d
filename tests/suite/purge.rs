//! Purge and erase take contacts away and never what forbids: no verdict afterwards is more permissive than without.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use contactd::jobs::PurgeSettings;
use contactd::model::purge::Policy;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::pair::only_whole;
use crate::plain::commands::{
    Command, HOUR_MS, LISTS, OTHER_PHONE, PHONES, START_MS, Step, mixed_with_clock_steps, phone,
};
use crate::plain::facts::Scope;
use crate::plain::text::{InboundKind, classify};
use crate::properties::{config, scope, stop_scope};
use crate::support::{House, PATIENCE, Removal, Wire};

/// The JSON of a reply.
pub fn json(reply: &str) -> Value {
    let json = reply.strip_prefix('+').unwrap_or_else(|| panic!("no JSON: {reply}"));
    serde_json::from_str(json).unwrap_or_else(|why| panic!("{why}: {reply}"))
}

/// PURGE PLAN.
pub fn plan(wire: &mut Wire) -> Value {
    json(&wire.call("PURGE PLAN"))
}

/// The number of a plan, as PURGE RUN takes it: in partitions there is one of each, as in `3.3.4.3`.
pub fn number(plan: &Value) -> String {
    plan["plan"].to_string().trim_matches('"').to_owned()
}

/// PURGE REPORTS, the newest first. In partitions each has its own: those of one run are one here, which is finished once all are.
pub fn reports(wire: &mut Wire) -> Vec<Value> {
    let mut by_run: Vec<Vec<Value>> = Vec::new();
    let (mut run, mut place) = (0, Value::Null);
    for report in wire.call("PURGE REPORTS").lines().skip(1).map(json) {
        if report["partition"] != place {
            (run, place) = (0, report["partition"].clone());
        }
        by_run.resize(by_run.len().max(run + 1), Vec::new());
        by_run[run].push(report);
        run += 1;
    }
    by_run.into_iter().map(|reports| of_one_run(&reports)).collect()
}

fn of_one_run(reports: &[Value]) -> Value {
    let [one, others @ ..] = reports else { panic!("a run has a report") };
    if others.is_empty() {
        return one.clone();
    }
    let mut whole = one.clone();
    let unfinished = reports.iter().find(|report| report["state"] != "finished");
    for report in others {
        contactd::json::add(&mut whole, report);
    }
    whole["plan"] = reports.iter().map(|report| report["plan"].to_string()).collect::<Vec<_>>().join(".").into();
    let last = reports.iter().max_by_key(|report| report["finished_at"].as_str());
    for key in ["state", "finished_at"] {
        whole[key] = unfinished.or(last).unwrap_or(one)[key].clone();
    }
    whole.as_object_mut().expect("an object").remove("partition");
    whole
}

/// Waits until no purge runs; gives the newest report.
pub fn purged(wire: &mut Wire) -> Value {
    let since = Instant::now();
    while json(&wire.call("PURGE STATUS"))["state"] != "idle" {
        assert!(since.elapsed() < PATIENCE, "the purge does not end");
        thread::sleep(Duration::from_millis(1));
    }
    reports(wire).remove(0)
}

/// PURGE RUN to its end; gives the report.
pub fn run(wire: &mut Wire, plan: &Value) -> Value {
    assert_eq!(wire.call(&format!("PURGE RUN {}", number(plan))), "+started");
    let report = purged(wire);
    assert_eq!((&report["plan"], &report["state"]), (&plan["plan"], &"finished".into()), "{report}");
    report
}

/// Everybody of whom nothing came within this moment, where somebody's engagement was measured within the hour.
fn broad() -> Removal {
    let policy = Policy { invalid_after: Some(1), idle_after: Some(HOUR_MS), sends: 1, idle_max: Some(1) };
    Removal { purge: PurgeSettings { policy, ..PurgeSettings::default() }, ..Removal::default() }
}

/// What happens to one of two houses.
#[derive(Clone, Debug)]
enum Loss {
    Purge,
    Erase(String),
}

/// Where in a sequence, and what.
fn losses() -> impl Strategy<Value = Vec<(Index, Loss)>> {
    let loss = prop_oneof![3 => Just(Loss::Purge), 2 => phone().prop_map(Loss::Erase)];
    prop::collection::vec((any::<Index>(), loss), 1..=3)
}

fn pairs() -> Vec<(&'static str, &'static str)> {
    LISTS.iter().flat_map(|list| PHONES.iter().map(move |phone| (*list, *phone))).collect()
}

/// A house, and one that lost contacts on the way. Both get the same commands.
struct Two {
    /// Whether the whole one gets `OPTOUT *` where the other erases, or nothing.
    opts_out: bool,
    whole: House,
    purged: House,
    now: i64,
    log: Vec<String>,
    /// The erasures that no opt-in is newer than, on any list.
    erased: BTreeMap<String, i64>,
    erased_ever: BTreeSet<String>,
    lost: usize,
}

impl Two {
    fn start(scope: Scope, opts_out: bool) -> Two {
        let house = || House::removing(stop_scope(scope), START_MS, broad());
        let (whole, purged, log) = (house(), house(), Vec::new());
        Two {
            opts_out,
            whole,
            purged,
            now: START_MS,
            log,
            erased: BTreeMap::new(),
            erased_ever: BTreeSet::new(),
            lost: 0,
        }
    }

    fn fail(&self, why: &str) -> TestCaseError {
        TestCaseError::fail(format!("{why} after\n{}", self.log.join("\n")))
    }

    fn step(&mut self, wires: &mut [Wire; 2], step: &Step) -> Result<(), TestCaseError> {
        match &step.command {
            // From one who opted out YES is an opt-in, and an erasure is an opt-out.
            Command::Inbound { phone, text, .. }
                if classify(text) == InboundKind::Yes && !self.opts_out && self.erased_ever.contains(phone) =>
            {
                return Ok(());
            }
            _ => {}
        }
        self.now += step.wait_ms;
        for house in [&self.whole, &self.purged] {
            house.set_clock(self.now);
        }
        let line = step.command.line();
        let [whole, purged] = wires.each_mut().map(|wire| wire.call(&line));
        self.log.push(format!("{} {line} -> {whole} | {purged}", self.now));
        if matches!(step.command, Command::Claim { .. }) && purged == "+yes" && whole != "+yes" {
            // The id may have left with the contact: then it is a new one.
            if !whole.starts_with("+dup") {
                return Err(self.fail(&format!("{line} is granted")));
            }
        }
        self.opened(&step.command, &purged);
        self.verdicts(wires)
    }

    /// Forgets an erasure that a newer opt-in stands against.
    fn opened(&mut self, command: &Command, reply: &str) {
        let (phone, at) = match command {
            Command::OptIn { phone, at: Some(at), .. } => (phone, at.ms),
            Command::Inbound { phone, text, at, .. }
                if matches!(classify(text), InboundKind::In | InboundKind::Yes) =>
            {
                (phone, at.map_or(i64::MAX, |at| at.ms))
            }
            _ => return,
        };
        if !reply.starts_with('-') && self.erased.get(phone).is_some_and(|&erased| at > erased) {
            self.erased.remove(phone);
        }
    }

    /// The contacts are lost in one of the houses.
    fn lose(&mut self, wires: &mut [Wire; 2], loss: &Loss) -> Result<(), TestCaseError> {
        match loss {
            Loss::Erase(phone) => {
                let told = wires[1].call(&format!("ERASE {phone}"));
                let other = if self.opts_out { wires[0].call(&format!("OPTOUT * {phone}")) } else { "-".to_owned() };
                self.log.push(format!("{} ERASE {phone} -> {other} | {told}", self.now));
                self.erased_ever.insert(phone.clone());
                let tombstone = json(&wires[1].call(&format!("GET {phone}")));
                let out = tombstone["opted_out_all_at"].as_str().expect("opted out of all");
                let out = chrono::DateTime::parse_from_rfc3339(out).expect("a date").timestamp_millis();
                self.erased.insert(phone.clone(), out);
                self.lost += 1;
            }
            Loss::Purge => {
                // Every list is measured; then some time passes.
                for list in LISTS {
                    let line = format!("INBOUND {list} {OTHER_PHONE} {{\"text\":\"hello\"}}");
                    let told = wires.each_mut().map(|wire| wire.call(&line));
                    self.log.push(format!("{} {line} -> {}", self.now, told.join(" | ")));
                }
                self.now += 10;
                for house in [&self.whole, &self.purged] {
                    house.set_clock(self.now);
                }
                let plan = plan(&mut wires[1]);
                let report = run(&mut wires[1], &plan);
                self.lost += usize::try_from(report["purged"].as_u64().expect("a count")).expect("a count");
                self.log.push(format!("{} PURGE -> - | {}", self.now, report["purged"]));
            }
        }
        self.verdicts(wires)
    }

    fn verdicts(&self, wires: &mut [Wire; 2]) -> Result<(), TestCaseError> {
        let pairs = pairs();
        let checks: Vec<String> = pairs.iter().map(|(list, phone)| format!("CHECK {list} {phone}")).collect();
        let [whole, purged] = wires.each_mut().map(|wire| wire.call_all(&checks));
        for (n, (_, phone)) in pairs.iter().enumerate() {
            if purged[n] == "+yes" && whole[n] != "+yes" {
                return Err(self.fail(&format!("{}: {} | {}", checks[n], whole[n], purged[n])));
            }
            if purged[n] == "+yes" && self.erased.contains_key(*phone) {
                return Err(self.fail(&format!("{}: {}, and it was erased", checks[n], purged[n])));
            }
        }
        Ok(())
    }

    fn wires(&self) -> [Wire; 2] {
        [&self.whole, &self.purged].map(House::connect)
    }

    fn reopen(self, scope: Scope) -> Two {
        let [whole, purged] = [self.whole, self.purged].map(|house| house.reopen(stop_scope(scope)));
        Two { whole, purged, ..self }
    }
}

/// A house with contacts of whom nothing has come for two days, all of whom a purge selects.
fn idle(contacts: usize) -> (House, Vec<String>) {
    let policy = Policy { invalid_after: Some(1), idle_after: Some(HOUR_MS), sends: 0, idle_max: None };
    let purge = PurgeSettings { policy, ..PurgeSettings::default() };
    let house = House::removing(stop_scope(Scope::List), START_MS, Removal { purge, ..Removal::default() });
    let phones: Vec<String> = (0..contacts).map(|n| format!("+1415{:07}", 2_000_000 + n)).collect();
    let lines: Vec<String> = phones.iter().map(|phone| format!("PUT {phone}")).collect();
    assert!(house.connect().call_all(&lines).iter().all(|reply| reply == "+created"));
    house.set_clock(START_MS + 48 * HOUR_MS);
    (house, phones)
}

/// The compactor and a person, at the same moment.
#[test]
fn two_plans_at_once_are_two() {
    let (house, phones) = idle(2_000);
    let numbers: Vec<String> = thread::scope(|scope| {
        let planning: Vec<_> = (0..6).map(|_| scope.spawn(|| plan(&mut house.connect()))).collect();
        let plans = planning.into_iter().map(|planning| planning.join().expect("a plan"));
        plans
            .map(|plan| {
                assert_eq!(plan["contacts"], phones.len());
                number(&plan)
            })
            .collect()
    });
    assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), 6, "{numbers:?}");
}

/// Whoever has left by another way since the plan was made is neither purged nor lost count of.
#[test]
fn whoever_was_erased_since_the_plan_is_spared() {
    let (house, phones) = idle(120);
    let mut wire = house.connect();
    let plan = plan(&mut wire);
    for phone in &phones[..7] {
        assert!(wire.call(&format!("ERASE {phone}")).starts_with("+erased"));
    }
    let report = run(&mut wire, &plan);
    assert_eq!((&report["purged"], &report["spared"]), (&113.into(), &7.into()), "{report}");
    for (n, phone) in phones.iter().enumerate() {
        let gone = if n < 7 { "erased_at" } else { "purged_at" };
        assert!(wire.call(&format!("GET {phone}")).contains(gone), "{phone}");
    }
}

/// A defect in a purge ends this run, and not purging.
#[test]
fn a_purge_that_panics_is_over_and_can_be_run_again() {
    let (house, _) = idle(100);
    let mut wire = house.connect();
    let plan = plan(&mut wire);
    house.clock.panic_in_purge(true);
    for _ in 0..2 {
        assert_eq!(wire.call(&format!("PURGE RUN {}", number(&plan))), "+started");
        let report = purged(&mut wire);
        assert_eq!((&report["state"], &report["purged"]), (&"stopped".into(), &0.into()), "{report}");
        let status = json(&wire.call("PURGE STATUS"));
        let told = "a defect, it panicked: the clock has stopped; please report it with the log";
        assert_eq!((&status["plan"], &status["broke_off"]), (&plan["plan"], &told.into()), "{status}");
        assert_eq!(wire.call("PURGE STOP"), "+idle");
    }
    house.clock.panic_in_purge(false);
    assert_eq!(run(&mut wire, &plan)["purged"], 100);
    assert_eq!(wire.call("PURGE STATUS"), "+{\"state\":\"idle\"}");
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

#[test]
fn a_plan_expires_after_seven_days_unless_it_was_begun() {
    const DAYS: i64 = 24 * HOUR_MS;
    if only_whole("a plan has a number of each partition") {
        return;
    }
    let (house, phones) = idle(3);
    let mut wire = house.connect();
    let now = START_MS + 2 * DAYS;
    let (first, second) = (plan(&mut wire), plan(&mut wire));
    house.set_clock(now + 7 * DAYS);
    assert_eq!(run(&mut wire, &first)["purged"], 3);
    house.set_clock(now + 7 * DAYS + 1);
    let told = wire.call(&format!("PURGE RUN {}", number(&second)));
    assert!(told.starts_with("-BADARG plan 2 of 2026-05-03T04:00:00.137Z has expired"), "{told}");
    // The next run forgets it.
    let third = plan(&mut wire);
    assert_eq!(run(&mut wire, &third)["purged"], 0);
    assert_eq!(wire.call("PURGE RUN 2"), "-BADARG there is no plan '2': PURGE PLAN makes one");
    assert_eq!(reports(&mut wire).iter().map(|report| report["plan"].clone()).collect::<Vec<_>>(), [3, 1]);
    assert_eq!(wire.call("COUNT"), ":0");
    assert_eq!(phones.len(), 3);
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn no_verdict_is_more_permissive_with_a_purge_or_an_erase_than_without(
        steps in mixed_with_clock_steps(60),
        losses in losses(),
        opts_out: bool,
        scope in scope(),
    ) {
        let mut two = Two::start(scope, opts_out);
        let mut wires = two.wires();
        for (n, step) in steps.iter().enumerate() {
            two.step(&mut wires, step)?;
            for (_, loss) in losses.iter().filter(|(place, _)| place.index(steps.len()) == n) {
                two.lose(&mut wires, loss)?;
            }
            if n == steps.len() / 2 {
                drop(wires);
                two = two.reopen(scope);
                wires = two.wires();
                two.verdicts(&mut wires)?;
            }
        }
        let other = if scope == Scope::List { Scope::All } else { Scope::List };
        drop(wires);
        let two = two.reopen(other);
        let mut wires = two.wires();
        two.verdicts(&mut wires)?;
        for wire in &mut wires {
            let told = wire.call("VERIFY");
            prop_assert!(told.starts_with("+ok"), "{}", told);
        }
    }
}
