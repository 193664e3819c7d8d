//! The inbox: messages in which somebody may want out wait for a person, whatever happens, until they are settled.

use contactd::model::verdict::StopScope;
use serde_json::Value;

use crate::plain::commands::START_MS;
use crate::support::{Daemon, House, Wire};

const LIST: &str = "24365";
const ADA: &str = "+14155550101";
const BOB: &str = "+14155550102";

fn subscribed(wire: &mut Wire) {
    wire.call(&format!("LIST {LIST}"));
    for phone in [ADA, BOB] {
        assert_eq!(wire.call(&format!(r#"OPTIN {LIST} {phone} {{"at":"2026-01-01"}}"#)), ":1");
    }
}

fn says(wire: &mut Wire, phone: &str, text: &str) -> String {
    wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"{text}"}}"#))
}

/// The messages that wait, newest first: number, phone and text.
fn inbox(wire: &mut Wire) -> Vec<(u64, String, String)> {
    let reply = wire.call("INBOX");
    let text = |message: &Value, key: &str| message[key].as_str().expect("a text").to_owned();
    let of = |line: &str| {
        let message: Value = serde_json::from_str(&line[1..]).expect("JSON");
        (message["number"].as_u64().expect("a number"), text(&message, "phone"), text(&message, "text"))
    };
    reply.lines().skip(2).map(of).collect()
}

fn texts(wire: &mut Wire) -> Vec<String> {
    inbox(wire).into_iter().map(|(_, _, text)| text).collect()
}

fn check(wire: &mut Wire, phone: &str) -> String {
    wire.call(&format!("CHECK {LIST} {phone}"))
}

#[test]
fn messages_wait_until_a_person_or_the_contact_has_decided() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    assert_eq!(says(&mut wire, ADA, "hello"), "+message");
    for text in ["sotp", "wrong number", "ALTO"] {
        assert_eq!(says(&mut wire, ADA, text), "+message maybe_optout");
    }
    assert_eq!(says(&mut wire, BOB, "stop it 😂"), "+message maybe_optout");
    assert_eq!(texts(&mut wire), ["stop it 😂", "ALTO", "wrong number", "sotp"]);
    // By pages.
    let first = wire.call("INBOX LIMIT 3");
    let cursor = first.lines().nth(1).expect("a cursor").trim_start_matches('+').to_owned();
    assert_eq!(first.lines().count(), 5);
    let last = wire.call(&format!("INBOX LIMIT 3 AFTER {cursor}"));
    assert!(last.starts_with("*2\n+0\n") && last.contains("sotp"), "{last}");
    // A person has looked.
    let (number, ..) = inbox(&mut wire)[2];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":0");
    assert_eq!(texts(&mut wire), ["stop it 😂", "ALTO", "sotp"]);
    // They have decided.
    says(&mut wire, ADA, "STOP");
    assert_eq!(texts(&mut wire), ["stop it 😂"]);
    house.set_clock(START_MS + 60_000);
    says(&mut wire, BOB, "START");
    assert_eq!(says(&mut wire, BOB, "hello"), "+message");
    assert!(wire.call("VERIFY").starts_with("+ok"));
    for wrong in ["INBOX DONE", "INBOX DONE x", "INBOX DONE 1 2", "INBOX ALL", "INBOX LIMIT 0"] {
        assert!(wire.call(wrong).starts_with('-'), "{wrong}");
    }
}

#[test]
fn whoever_may_want_out_is_held_back_where_that_is_asked_for() {
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    subscribed(&mut wire);
    says(&mut wire, ADA, "wrong number");
    assert_eq!((check(&mut wire, ADA), check(&mut wire, BOB)), ("+no held_for_review".into(), "+yes".into()));
    assert_eq!(wire.call(&format!("CLAIM {LIST} {ADA} m1")), "+no held_for_review");
    assert_eq!(wire.call(&format!("COUNT eligible={LIST}")), ":1");
    assert_eq!(wire.call(&format!("COUNT list={LIST}")), ":2");
    let contact = wire.call(&format!("GET {ADA}"));
    assert!(contact.contains(r#""verdict":"held_for_review""#), "{contact}");
    assert!(wire.call(&format!("WHY {LIST} {ADA}")).contains("INBOX DONE"));
    // Over a restart, with and without it.
    let house = house.reopen(StopScope::List);
    let mut wire = house.connect();
    assert_eq!(check(&mut wire, ADA), "+no held_for_review");
    let (number, ..) = inbox(&mut wire)[0];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    assert_eq!((check(&mut wire, ADA), wire.call(&format!("COUNT eligible={LIST}"))), ("+yes".into(), ":2".into()));
    // What forbids for good comes first.
    says(&mut wire, ADA, "wrong number");
    wire.call(&format!("SUPPRESS {ADA}"));
    assert_eq!(check(&mut wire, ADA), "+no suppressed");
    assert_eq!(texts(&mut wire), [""; 0], "nothing is sent to it anyway");
    wire.call(&format!("RELEASE {ADA}"));
    assert_eq!(check(&mut wire, ADA), "+no held_for_review");
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

#[test]
fn an_erasure_takes_the_text_along() {
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    subscribed(&mut wire);
    says(&mut wire, ADA, "wrong number");
    says(&mut wire, BOB, "wrong number");
    assert!(wire.call(&format!("ERASE {ADA}")).starts_with("+erased"));
    assert_eq!(inbox(&mut wire).into_iter().map(|(_, phone, _)| phone).collect::<Vec<_>>(), [BOB]);
    assert_eq!(check(&mut wire, ADA), "+no not_subscribed");
    let house = house.reopen(StopScope::List);
    assert_eq!(inbox(&mut house.connect()).len(), 1);
}

#[test]
fn what_waits_survives_kill_9_and_needs_write_access_to_be_settled() {
    let mut daemon = Daemon::start(&["--maybe-optout", "hold"]);
    let mut wire = daemon.connect();
    subscribed(&mut wire);
    assert_eq!(says(&mut wire, ADA, "wrong number"), "+message maybe_optout");
    says(&mut wire, BOB, "sotp");
    let (number, ..) = inbox(&mut wire)[0];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    daemon.kill();
    daemon.restart();
    let mut wire = daemon.connect();
    assert_eq!(texts(&mut wire), ["wrong number"]);
    assert_eq!((check(&mut wire, ADA), check(&mut wire, BOB)), ("+no held_for_review".into(), "+yes".into()));
}
