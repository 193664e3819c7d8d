//! WHY: random stories against the plain model, and what it says ends a verdict does end it; `contactd why` in words.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use contactd::server::{self, Listener, Setup};
use contactd::store::engine::Engine;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::full_disk::Disk;
use crate::plain::commands::{
    HOUR_MS, LISTS, PHONES, START_MS, Step, mixed_with_clock_steps, mostly_inbox_with_clock_steps, time,
};
use crate::plain::facts::Scope;
use crate::plain::model::Model;
use crate::plain::why::{told, why};
use crate::properties::{config, house_that, scope};
use crate::purge_cli::{contactd, done};
use crate::support::{Daemon, House, Wire};

fn ask(wire: &mut Wire, list: &str, phone: &str) -> Value {
    let reply = wire.call(&format!("WHY {list} {phone}"));
    serde_json::from_str(reply.strip_prefix('+').unwrap_or_else(|| panic!("{reply}"))).expect("JSON")
}

/// Runs a story; gives the clock at its end.
pub fn live(model: &mut Model, house: &House, wire: &mut Wire, steps: &[Step]) -> i64 {
    let mut now = START_MS;
    for step in steps {
        now += step.wait_ms;
        house.set_clock(now);
        model.run(&step.command, now);
        wire.call(&step.command.line());
    }
    now
}

fn pairs() -> impl Iterator<Item = (&'static str, &'static str)> {
    LISTS.iter().flat_map(|list| PHONES.iter().map(move |phone| (*list, *phone)))
}

/// The request that ends a reason, as WHY words it.
fn remedy(reason: &str, list: &str, phone: &str, now: i64) -> String {
    let opt_in = format!("OPTIN {list} {phone} {}", json!({ "at": time(now) }));
    match reason {
        "unknown_list" => format!("LIST {list}"),
        "list_paused" => format!(r#"LIST {list} {{"paused":false}}"#),
        "invalid" => format!("VALID {phone}"),
        "suppressed" => format!("RELEASE {phone}"),
        "list_suppressed" => format!("RELEASE {list} {phone}"),
        "opted_out" | "not_subscribed" | "list_opted_out" | "held_for_review" => opt_in,
        other => panic!("what ends {other}?"),
    }
}

/// Settles every message that waits, but for one: gives the request that settles it.
fn settle_all(wire: &mut Wire) -> String {
    loop {
        let waiting = wire.call("INBOX LIMIT 2");
        let numbers = waiting.split("\"number\":").skip(1).filter_map(|rest| rest.split([',', '}']).next());
        match numbers.collect::<Vec<_>>()[..] {
            [only] => return format!("INBOX DONE {only}"),
            [first, ..] => assert_eq!(wire.call(&format!("INBOX DONE {first}")), ":1"),
            [] => panic!("nothing waits"),
        }
    }
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn every_answer_agrees_with_the_model(
        steps in prop_oneof![mixed_with_clock_steps(50), mostly_inbox_with_clock_steps(50)],
        scope in scope(),
        holds in any::<bool>(),
    ) {
        let mut model = Model::new(scope).holding(holds);
        let house = house_that(holds, scope, START_MS);
        let mut wire = house.connect();
        live(&mut model, &house, &mut wire, &steps);
        let log = || steps.iter().map(|step| step.command.line()).collect::<Vec<_>>().join("\n");
        for (list, phone) in pairs() {
            let reply = ask(&mut wire, list, phone);
            let verdict = wire.call(&format!("CHECK {list} {phone}"));
            prop_assert_eq!(format!("+{}", reply["verdict"].as_str().unwrap_or_default()), verdict);
            let (expected, told) = (why(&model, list, phone), told(&reply));
            prop_assert!(expected == told, "{}\nWHY {} {}\n  expected {:?}\n  told     {:?}", log(), list, phone, expected, told);
        }
    }

    /// Each remedy ends the reason that stands first, and uncovers what was told to stand behind it.
    #[test]
    fn what_ends_a_verdict_ends_it_and_the_next_was_told(
        steps in prop_oneof![mixed_with_clock_steps(50), mostly_inbox_with_clock_steps(50)],
        scope in scope(),
        holds in any::<bool>(),
    ) {
        let house = house_that(holds, scope, START_MS);
        let mut wire = house.connect();
        // Later than every date of a story, future ones included.
        let mut now = live(&mut Model::new(Scope::List), &house, &mut wire, &steps) + 100 * HOUR_MS;
        for (list, phone) in pairs() {
            let mut reasons: Vec<String> = told(&ask(&mut wire, list, phone)).1.into_iter().map(|ground| ground.0).collect();
            while let Some(first) = reasons.first().cloned() {
                now += 1_000;
                house.set_clock(now);
                // Under the scope of all lists a message to another list holds back, too: that is settled there.
                let request = if first == "held_for_review" && scope == Scope::All {
                    settle_all(&mut wire)
                } else {
                    remedy(&first, list, phone, now)
                };
                let reply = wire.call(&request);
                prop_assert!(!reply.starts_with('-'), "{} -> {}", request, reply);
                let next: Vec<String> = told(&ask(&mut wire, list, phone)).1.into_iter().map(|ground| ground.0).collect();
                let is_told = |reason: &String| reasons[1..].contains(reason) || first == "unknown_list";
                prop_assert!(next.len() < reasons.len() || first == "unknown_list", "{}: {:?} after {:?}", request, next, reasons);
                prop_assert!(next.iter().all(is_told) && next.first() != Some(&first), "{}: {:?} after {:?}", request, next, reasons);
                reasons = next;
            }
            prop_assert_eq!(wire.call(&format!("CHECK {list} {phone}")), "+yes");
        }
    }
}

#[test]
fn contactd_why_says_it_in_words() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    let (list, phone) = ("+14155550100", "+14155550123");
    let say = |list: &str, phone: &str, options: &[&str]| {
        done(contactd(&[&["why", "--server", &daemon.address], options, &[list, phone]].concat()))
    };
    let (code, text, _) = say(list, phone, &[]);
    assert_eq!(code, Some(1));
    assert!(text.starts_with("No. +14155550100 is not a sending list. LIST +14155550100 makes it one."), "{text}");
    wire.call("LIST +14155550100");
    let (_, text, _) = say(list, phone, &[]);
    assert!(text.contains("contactd does not know +14155550123."), "{text}");
    wire.call(r#"OPTIN +14155550100 +14155550123 {"at":"2026-04-01","source":"form \u001b[2J7"}"#);
    let (code, text, _) = say(list, phone, &[]);
    assert_eq!(code, Some(0), "{text}");
    let yes = "Yes. +14155550123 opted in to +14155550100 on 2026-04-01 00:00:00 UTC, reported by a program, source \
               'form ?[2J7', and nothing forbids messages.\n";
    assert_eq!(text, yes, "what a terminal would obey does nothing");
    wire.call(r#"INBOUND +14155550100 +14155550123 {"text":"Stop!","at":"2026-04-02T10:00:00Z","id":"SM1"}"#);
    let (code, text, _) = say(list, phone, &[]);
    let no = "No. +14155550123 opted out of +14155550100 on 2026-04-02 10:00:00 UTC, by keyword ('Stop!'). Only a newer \
              opt-in from the person ends it: OPTIN +14155550100 +14155550123 with the date of consent, or START from the \
              phone.\n";
    assert_eq!((code, text.as_str()), (Some(1), no));
    let (code, text, _) = say(list, phone, &["--json"]);
    let reply: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &reply["verdict"], &reply["event"]["id"]), (Some(1), &json!("no list_opted_out"), &json!("SM1")));
    let (code, _, errors) = say("spring", phone, &[]);
    assert!(code == Some(2) && errors.contains("'spring' is not a list number"), "{errors}");
}

/// What could not be written forbids, and WHY says that a restart forgets it.
#[test]
fn what_is_in_memory_alone_is_told() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let disk = Arc::new(Disk::default());
    let engine = Some(Arc::clone(&disk) as Arc<dyn Engine>);
    let setup = Setup { engine, ..Setup::new(dir.path().join("data")) };
    let (daemon, address) = runtime.block_on(async {
        let listener = Listener::bind(&"127.0.0.1:0".parse().expect("an address")).await.expect("to listen");
        let address = listener.address().expect("an address").to_string();
        let daemon = server::Daemon::start(setup, Arc::new(|| START_MS), vec![listener]).await;
        (daemon.expect("the daemon starts"), address)
    });
    let mut wire = Wire::connect(&address);
    let (list, phone) = ("24365", PHONES[0]);
    assert_eq!(wire.call("LIST 24365"), "+created");
    assert_eq!(wire.call(&format!("OPTIN {list} {phone}")), ":1");
    disk.is_full.store(true, Ordering::SeqCst);
    assert!(wire.call(&format!("OPTOUT {list} {phone}")).starts_with("-READONLY"));
    let why = ask(&mut wire, list, phone);
    assert_eq!(
        (&why["verdict"], &why["memory_only"], &why["fact"]),
        (&json!("no list_opted_out"), &json!(true), &json!(null))
    );
    assert!(why["text"].as_str().is_some_and(|text| text.contains("a restart forgets it")), "{why}");
    assert!(wire.call(r#"LIST 24365 {"paused":true}"#).starts_with("-READONLY"));
    let why = ask(&mut wire, list, phone);
    assert_eq!((&why["verdict"], &why["memory_only"]), (&json!("no list_paused"), &json!(true)));
    assert_eq!(
        (&why["behind"][0]["reason"], &why["behind"][0]["memory_only"]),
        (&json!("list_opted_out"), &json!(true))
    );
    // Once it is written, there is a fact.
    disk.is_full.store(false, Ordering::SeqCst);
    assert_eq!(wire.call(r#"LIST 24365 {"paused":true}"#), "+updated");
    assert_eq!(wire.call(&format!("OPTOUT {list} {phone}")), ":1");
    let why = ask(&mut wire, list, phone);
    assert_eq!((&why["fact"]["change"], &why["behind"][0]["fact"]["kind"]), (&json!("paused"), &json!("optout")));
    assert!(why["memory_only"].is_null() && why["behind"][0]["memory_only"].is_null());
    drop(wire);
    runtime.block_on(daemon.stop());
}
