//! PURGE RUN over thousands of contacts in a real daemon: killed, stopped, and gone on with.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::plain::commands::{DAY_MS, time};
use crate::purge::{json, number, plan, purged, reports};
use crate::sending::{count, text};
use crate::support::{Daemon, PATIENCE, Wire, one_of_each};

const LIST: &str = "24365";
const OTHER: &str = "24366";

fn phone(n: usize) -> String {
    format!("+1415{:07}", 2_000_000 + n)
}

fn ago(days: i64) -> String {
    let now = chrono::Utc::now().timestamp_millis();
    time(now - days * DAY_MS)
}

/// Contacts of whom nothing has come for four hundred days, some of whom may not be written to for another reason.
fn rows(contacts: usize) -> Vec<String> {
    let old = ago(400);
    let row = |n: usize| {
        let more = match n % 8 {
            0 => format!(r#","status":"opted_out","opted_out_at":"{}""#, ago(390)),
            1 => format!(r#","status":"suppressed","suppressed_at":"{}""#, ago(390)),
            2 => format!(r#","invalid_at":"{}""#, ago(390)),
            _ => format!(r#","subscribed_at":"{old}""#),
        };
        format!(
            r#"IMPORT {LIST} {{"phone":"{}","created_at":"{old}","labels":{{"n":""}},"sends_since_engaged":12{more}}}"#,
            phone(n)
        )
    };
    (0..contacts).map(row).collect()
}

/// A daemon with contacts that a purge selects, and its plan.
fn selected_by_a_plan(daemon: &Daemon, contacts: usize) -> (Wire, Value) {
    let mut wire = daemon.connect();
    for list in [LIST, OTHER] {
        assert_eq!(wire.call(&format!("LIST {list}")), "+created");
    }
    assert!(wire.call_all(&rows(contacts)).iter().all(|reply| reply.starts_with("+created")));
    // One in eight is on the other list, too, and one in sixteen has opted out of all.
    let more: Vec<String> = (0..contacts)
        .filter(|n| n % 8 == 3)
        .map(|n| match n % 16 {
            3 => format!("OPTOUT * {} {{\"at\":\"{}\"}}", phone(n), ago(380)),
            _ => format!(r#"IMPORT {OTHER} {{"phone":"{}","subscribed_at":"{}"}}"#, phone(n), ago(390)),
        })
        .collect();
    assert!(wire.call_all(&more).iter().all(|reply| reply == ":1" || reply.starts_with("+updated")));
    for list in [LIST, OTHER] {
        // The lists are measured, in each partition.
        for clicker in one_of_each() {
            assert_eq!(wire.call(&format!("CLICK {list} {clicker}")), ":1");
        }
    }
    let plan = plan(&mut wire);
    assert_eq!(count(&plan, "contacts"), contacts, "{plan}");
    (wire, plan)
}

/// What CHECK says of everybody on both lists.
fn verdicts(wire: &mut Wire, contacts: usize) -> Vec<String> {
    let phones: Vec<String> = (0..contacts).map(phone).collect();
    let asks = [LIST, OTHER]
        .into_iter()
        .flat_map(|list| phones.chunks(500).map(move |some| format!("CHECK {list} {}", some.join(" "))));
    let asks: Vec<String> = asks.collect();
    let told = asks.iter().flat_map(|ask| wire.call(ask).lines().skip(1).map(str::to_owned).collect::<Vec<_>>());
    told.collect()
}

fn contacts_told(wire: &mut Wire, contacts: usize) -> Vec<String> {
    wire.call_all(&(0..contacts).map(|n| format!("GET {}", phone(n))).collect::<Vec<_>>())
}

/// Waits until so many contacts are purged or spared, or the run has ended.
fn wait_for(wire: &mut Wire, done: usize) -> Value {
    let since = Instant::now();
    loop {
        let status = json(&wire.call("PURGE STATUS"));
        if status["state"] == "idle" || count(&status, "purged") + count(&status, "spared") >= done {
            return status;
        }
        assert!(since.elapsed() < PATIENCE, "{status}");
        thread::sleep(Duration::from_millis(1));
    }
}

/// The archive's contacts, each with how often it is there. A kill may have torn a line; its contact is there again.
fn archived(dir: &Path) -> BTreeMap<String, usize> {
    let mut phones = BTreeMap::new();
    for file in fs::read_dir(dir).expect("the archive") {
        let file = file.expect("a file").path();
        // Each partition has one of its own.
        if file.is_dir() {
            phones.extend(archived(&file));
            continue;
        }
        for line in fs::read_to_string(file).expect("text").lines() {
            let Ok(row) = serde_json::from_str::<Value>(line) else { continue };
            *phones.entry(text(&row, "phone_number").to_owned()).or_default() += 1;
        }
    }
    phones
}

/// Each contact is what it was or a tombstone, and nobody may be written to who might not before. Gives the tombstones.
fn whole_or_gone(wire: &mut Wire, before: &[String], allowed: &[String]) -> BTreeSet<String> {
    let told = wire.call("VERIFY");
    assert!(told.starts_with("+ok"), "{told}");
    let mut gone = BTreeSet::new();
    let now = contacts_told(wire, before.len());
    for (n, (before, now)) in before.iter().zip(&now).enumerate() {
        if now.contains("\"purged_at\"") {
            gone.insert(phone(n));
        } else {
            assert_eq!(now, before, "neither what it was nor gone");
        }
    }
    for (n, (before, now)) in allowed.iter().zip(verdicts(wire, before.len())).enumerate() {
        let phone = phone(n % (allowed.len() / 2));
        let expected = if gone.contains(&phone) { "+no not_subscribed" } else { before };
        assert_eq!(now, expected, "{phone}, {before} before");
    }
    gone
}

#[test]
fn a_purge_killed_again_and_again_loses_nobody_and_counts_nobody_twice() {
    const CONTACTS: usize = 8_000;
    let archive = tempfile::tempdir().expect("a directory");
    let dir = archive.path().join("not/made/yet");
    let mut daemon = Daemon::start(&["--purge-archive", dir.to_str().expect("UTF-8")]);
    let (mut wire, plan) = selected_by_a_plan(&daemon, CONTACTS);
    // Heard of since the plan, or gone by another way.
    let heard: Vec<String> = (0..CONTACTS).step_by(100).map(phone).collect();
    let lines: Vec<String> =
        heard.iter().map(|phone| format!("INBOUND {LIST} {phone} {{\"text\":\"hello\"}}")).collect();
    assert!(wire.call_all(&lines).iter().all(|reply| reply == "+message"));
    let before = contacts_told(&mut wire, CONTACTS);
    let allowed = verdicts(&mut wire, CONTACTS);
    assert!(
        ["+yes", "+no invalid", "+no opted_out", "+no list_opted_out", "+no list_suppressed"]
            .iter()
            .all(|verdict| allowed.iter().any(|told| told == verdict))
    );

    let run = format!("PURGE RUN {}", number(&plan));
    assert_eq!(wire.call(&run), "+started");
    let mut tombstones = 0;
    for done in [0, 1, CONTACTS / 4, CONTACTS / 2] {
        let told = count(&wait_for(&mut wire, done), "purged");
        daemon.kill();
        // It goes on by itself, and is stopped to be looked at.
        daemon.restart();
        wire = daemon.connect();
        assert_eq!(json(&wire.call("PURGE STATUS"))["state"], "running", "killed at {done}");
        assert_eq!(wire.call("PURGE STOP"), "+stopping");
        let report = purged(&mut wire);
        assert_eq!(report["state"], "stopped", "killed at {done}: {report}");
        let gone = whole_or_gone(&mut wire, &before, &allowed).len();
        assert_eq!(gone, count(&report, "purged"), "killed at {done}: {report}");
        assert!(gone >= told && gone >= tombstones, "{gone} tombstones of {told}");
        tombstones = gone;
        assert_eq!(wire.call(&run), "+started");
    }
    // And once it is not stopped.
    daemon.kill();
    daemon.restart();
    wire = daemon.connect();
    let report = purged(&mut wire);
    assert_eq!((&report["state"], count(&report, "condemned")), (&"finished".into(), CONTACTS));
    assert_eq!(count(&report, "spared"), heard.len(), "{report}");
    assert_eq!(count(&report, "purged"), CONTACTS - heard.len(), "{report}");
    let reasons = report["reasons"].as_object().expect("reasons").values().map(|n| n.as_u64().expect("a count"));
    assert_eq!(reasons.sum::<u64>(), report["purged"]);
    let gone = whole_or_gone(&mut wire, &before, &allowed);
    assert_eq!(gone.len(), CONTACTS - heard.len());
    assert!(heard.iter().all(|phone| !gone.contains(phone)));
    assert_eq!(archived(&dir).into_keys().collect::<BTreeSet<_>>(), gone, "the archive has whom was purged");
    assert_eq!(reports(&mut wire).len(), 1);
    assert_eq!(wire.call(&run).split(':').next(), Some("-BADARG plan 1 was run already"));
    // A finished run does not begin again.
    drop(wire);
    daemon.kill();
    daemon.restart();
    assert_eq!(daemon.connect().call("PURGE STATUS"), "+{\"state\":\"idle\"}");
}

#[test]
fn a_stopped_purge_waits_until_it_is_told_to_go_on() {
    const CONTACTS: usize = 3_000;
    let mut daemon = Daemon::start(&[]);
    let (mut wire, plan) = selected_by_a_plan(&daemon, CONTACTS);
    let before = contacts_told(&mut wire, CONTACTS);
    let allowed = verdicts(&mut wire, CONTACTS);
    let run = format!("PURGE RUN {}", number(&plan));
    assert_eq!(wire.call("PURGE STOP"), "+idle");
    let mut done = 0;
    for _ in 0..2 {
        assert_eq!(wire.call(&run), "+started");
        assert!(wire.call(&run).starts_with("-BADARG plan 1 is running"));
        assert_eq!(wait_for(&mut wire, done + 1)["state"], "running");
        assert_eq!(wire.call("PURGE STOP"), "+stopping");
        let report = purged(&mut wire);
        assert_eq!((&report["state"], &report["finished_at"]), (&"stopped".into(), &Value::Null), "{report}");
        let purged = count(&report, "purged");
        assert!(done < purged && purged < CONTACTS, "{report}");
        assert_eq!(whole_or_gone(&mut wire, &before, &allowed).len(), purged, "to the contact");
        done = purged;
        // It stays stopped over a crash.
        drop(wire);
        daemon.kill();
        daemon.restart();
        wire = daemon.connect();
        assert_eq!(wire.call("PURGE STATUS"), "+{\"state\":\"idle\"}");
        assert_eq!(
            wire.call("STATS").lines().find(|line| line.starts_with("+tombstones")),
            Some(&*format!("+tombstones {done}"))
        );
    }
    assert_eq!(wire.call(&run), "+started");
    let report = purged(&mut wire);
    assert_eq!((&report["state"], count(&report, "purged")), (&"finished".into(), CONTACTS), "{report}");
    assert_eq!(whole_or_gone(&mut wire, &before, &allowed).len(), CONTACTS);
}
