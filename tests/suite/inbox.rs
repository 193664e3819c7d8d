//! The inbox: messages in which somebody may want out wait for a person, whatever happens, until they are settled.

use contactd::limits::INBOX_MESSAGES_MAX;
use contactd::model::verdict::StopScope;
use proptest::prelude::*;
use serde_json::Value;

use crate::pair::only_whole;
use crate::plain::commands::{DAY_MS, START_MS, mostly_inbox_with_clock_steps};
use crate::properties::{agrees_with_the_model, config, scope};
use crate::purge::{plan, run};
use crate::purge_cli::{contactd, done};
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

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn the_inbox_and_whom_it_holds_agree_with_the_model(
        steps in mostly_inbox_with_clock_steps(60),
        scope in scope(),
        holds in any::<bool>(),
    ) {
        if only_whole("messages have no order of arrival among partitions") {
            return Ok(());
        }
        agrees_with_the_model(&steps, scope, holds)?;
    }
}

#[test]
fn messages_wait_until_a_person_or_the_contact_has_decided() {
    if only_whole("messages of one time have no order among partitions") {
        return;
    }
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    assert_eq!(says(&mut wire, ADA, "hello"), "+message");
    for text in ["sotp", "wrong number", "CANCELAR"] {
        assert_eq!(says(&mut wire, ADA, text), "+message maybe_optout");
    }
    assert_eq!(says(&mut wire, BOB, "stop it 😂"), "+message maybe_optout");
    assert_eq!(texts(&mut wire), ["stop it 😂", "CANCELAR", "wrong number", "sotp"]);
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
    assert_eq!(texts(&mut wire), ["stop it 😂", "CANCELAR", "sotp"]);
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

/// "Shall we take you off our list?": a yes to that is no opt-in.
#[test]
fn a_yes_lets_nobody_in_whose_message_waits() {
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    subscribed(&mut wire);
    assert_eq!(says(&mut wire, ADA, "yes"), "+optin again");
    assert_eq!(says(&mut wire, ADA, "no thank you"), "+message maybe_optout");
    assert_eq!(says(&mut wire, ADA, "yes"), "+message maybe_optout");
    assert_eq!(texts(&mut wire), ["yes", "no thank you"]);
    assert_eq!(check(&mut wire, ADA), "+no held_for_review");
    house.set_clock(START_MS + 60_000);
    assert!(says(&mut wire, ADA, "START").starts_with("+optin"));
    assert_eq!((texts(&mut wire), check(&mut wire, ADA)), (Vec::new(), "+yes".into()));
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

/// Where a stop reaches all lists, what holds back on another one must be shown, or nobody could settle it.
#[test]
fn what_holds_back_elsewhere_is_shown() {
    let house = House::start(StopScope::All, START_MS).holding().reopen(StopScope::All);
    let mut wire = house.connect();
    subscribed(&mut wire);
    wire.call("LIST 24366");
    assert_eq!(wire.call(&format!(r#"OPTIN 24366 {ADA} {{"at":"2026-01-01"}}"#)), ":1");
    says(&mut wire, ADA, "STOP");
    assert_eq!(wire.call(&format!(r#"INBOUND 24366 {ADA} {{"text":"wrong number"}}"#)), "+message maybe_optout");
    assert_eq!(texts(&mut wire), [""; 0], "nothing is sent to it anyway");
    house.set_clock(START_MS + 60_000);
    assert_eq!(wire.call(&format!(r#"OPTIN {LIST} {ADA} {{"at":{}}}"#, START_MS + 60_000)), ":1");
    assert_eq!(check(&mut wire, ADA), "+no held_for_review");
    assert_eq!(texts(&mut wire), ["wrong number"]);
    let (number, ..) = inbox(&mut wire)[0];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    assert_eq!(check(&mut wire, ADA), "+yes");
}

/// Nobody knows whether the person agreed before the message or after it.
#[test]
fn an_opt_in_without_a_date_settles_no_message() {
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    wire.call(&format!("LIST {LIST}"));
    assert_eq!(says(&mut wire, ADA, "wrong number"), "+message maybe_optout");
    house.set_clock(START_MS + 60_000);
    for wrong in ["", r#" {"at":"2099-01-01"}"#] {
        let reply = wire.call(&format!("OPTIN {LIST} {ADA}{wrong}"));
        assert!(reply.starts_with("-BADARG a message waits in the INBOX"), "{reply}");
    }
    assert_eq!(texts(&mut wire), ["wrong number"]);
    // The person had agreed before.
    assert_eq!(wire.call(&format!(r#"OPTIN {LIST} {ADA} {{"at":"2026-01-01"}}"#)), ":1");
    assert_eq!((check(&mut wire, ADA), texts(&mut wire).len()), ("+no held_for_review".into(), 1));
    let (number, ..) = inbox(&mut wire)[0];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    assert_eq!(check(&mut wire, ADA), "+yes");
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

/// What a phone answers by itself is no sign that the number lives.
#[test]
fn a_message_that_the_number_is_dead_does_not_make_it_valid() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    wire.call(&format!("INVALID {ADA}"));
    for text in ["The number you have dialed is not in service", "Auto-reply: this number does not accept texts"] {
        house.set_clock(START_MS + 60_000);
        assert_eq!(says(&mut wire, ADA, text), "+message maybe_optout");
        assert_eq!(check(&mut wire, ADA), "+no invalid");
    }
    for text in [
        "Kein Anschluss unter dieser Nummer",
        "number changed",
        "Your message could not be delivered",
        "SMS not enabled on this line",
        "550 no such user",
        "该号码不存在",
        "없는 번호입니다",
        "Nomor tidak aktif",
    ] {
        house.set_clock(START_MS + 120_000);
        assert!(says(&mut wire, ADA, text).starts_with("+message"), "{text}");
        assert_eq!(check(&mut wire, ADA), "+no invalid", "{text}");
    }
    house.set_clock(START_MS + 180_000);
    assert_eq!(says(&mut wire, ADA, "hello, I am back"), "+message");
    assert_eq!(check(&mut wire, ADA), "+yes");
}

/// Blanks round an id do not make it another.
#[test]
fn a_start_that_is_delivered_again_lifts_no_stop() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    let mut now = START_MS;
    let mut tell = |text: &str, id: &str| {
        now += 60_000;
        house.set_clock(now);
        wire.call(&format!(r#"INBOUND {LIST} {ADA} {{"text":"{text}","id":"{id}"}}"#))
    };
    assert!(tell("START", "7").starts_with("+optin"));
    assert_eq!(tell("STOP", "8"), "+optout");
    for id in ["7", "7 ", " 7", r"7\n", r"\t7\r\n"] {
        assert_eq!(tell("START", id), "+optin again", "{id:?}");
    }
    assert_eq!(check(&mut wire, ADA), "+no list_opted_out");
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

/// A contact may be on 64 lists. What it says to one more is shown all the same.
#[test]
fn a_contact_that_is_on_as_many_lists_as_it_may_be_is_shown_too() {
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    subscribed(&mut wire);
    for list in 30_001..30_064 {
        wire.call(&format!("LIST {list}"));
        assert_eq!(wire.call(&format!(r#"OPTIN {list} {ADA} {{"at":"2026-01-01"}}"#)), ":1");
    }
    assert_eq!(wire.call(&format!(r#"INBOUND 30064 {ADA} {{"text":"wrong number"}}"#)), "+message maybe_optout");
    assert_eq!(texts(&mut wire), ["wrong number"]);
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

/// Nobody would see one more, so it opts out.
#[test]
fn a_message_for_which_the_inbox_has_no_room_opts_out() {
    if only_whole("each partition has room of its own") {
        return;
    }
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    let phone = |n: usize| format!("+1415{:07}", 5_600_000 + n);
    let lines: Vec<String> =
        (0..INBOX_MESSAGES_MAX).map(|n| format!(r#"INBOUND {LIST} {} {{"text":"sotp"}}"#, phone(n))).collect();
    for some in lines.chunks(5_000) {
        assert!(wire.call_all(some).iter().all(|reply| reply == "+message maybe_optout"));
    }
    assert_eq!(says(&mut wire, ADA, "sotp"), "+optout");
    assert_eq!(check(&mut wire, ADA), "+no list_opted_out");
    assert_eq!(says(&mut wire, ADA, "hello"), "+message");
    // One is settled: there is room for one.
    let first = wire.call("INBOX LIMIT 1");
    let message: Value = serde_json::from_str(&first.lines().nth(2).expect("a message")[1..]).expect("JSON");
    assert_eq!(wire.call(&format!("INBOX DONE {}", message["number"])), ":1");
    assert_eq!(says(&mut wire, BOB, "sotp"), "+message maybe_optout");
    assert_eq!(check(&mut wire, BOB), "+yes");
}

/// A paused list does not uncover what is hidden.
#[test]
fn the_messages_of_contacts_that_are_suppressed_stay_hidden_on_a_paused_list() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    says(&mut wire, ADA, "wrong number");
    wire.call(&format!("SUPPRESS {ADA}"));
    assert_eq!(texts(&mut wire), [""; 0]);
    wire.call(&format!(r#"LIST {LIST} {{"paused":true}}"#));
    assert_eq!(check(&mut wire, ADA), "+no list_paused");
    assert_eq!(texts(&mut wire), [""; 0]);
    wire.call(&format!("RELEASE {ADA}"));
    assert_eq!(texts(&mut wire), ["wrong number"]);
}

#[test]
fn a_message_to_a_number_that_is_not_a_list_can_be_settled() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    says(&mut wire, ADA, "wrong number");
    assert_eq!(wire.call(&format!("UNLIST {LIST} FORCE")), "+removed");
    assert_eq!(wire.call(&format!(r#"INBOUND 72346 {ADA} {{"text":"sotp"}}"#)), "+message maybe_optout");
    assert_eq!(texts(&mut wire), ["sotp", "wrong number"]);
    for (number, ..) in inbox(&mut wire) {
        assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    }
    assert_eq!(texts(&mut wire), [""; 0]);
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

#[test]
fn a_purge_spares_whoever_waits_until_somebody_has_looked() {
    if only_whole("a plan has a number of each partition") {
        return;
    }
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    subscribed(&mut wire);
    says(&mut wire, ADA, "wrong number");
    for phone in [ADA, BOB] {
        assert_eq!(wire.call(&format!("INVALID {phone}")), ":1");
    }
    house.set_clock(START_MS + 400 * DAY_MS);
    let made = plan(&mut wire);
    assert_eq!((&made["contacts"], &made["kept"]), (&1.into(), &1.into()), "{made}");
    assert_eq!(run(&mut wire, &made)["purged"], 1);
    assert_eq!(texts(&mut wire), ["wrong number"]);
    // It waits from the plan on: the run spares it.
    let (number, ..) = inbox(&mut wire)[0];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    let made = plan(&mut wire);
    assert_eq!(made["contacts"], 1, "{made}");
    says(&mut wire, ADA, "wrong number");
    let report = run(&mut wire, &made);
    assert_eq!((&report["purged"], &report["spared"]), (&0.into(), &1.into()), "{report}");
    assert_eq!(texts(&mut wire), ["wrong number"]);
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

#[test]
fn a_rewritten_store_has_the_messages_that_wait() {
    if only_whole("the files of a store are opened") {
        return;
    }
    let mut daemon = Daemon::start(&["--maybe-optout", "hold"]);
    let mut wire = daemon.connect();
    subscribed(&mut wire);
    says(&mut wire, ADA, "wrong number");
    says(&mut wire, BOB, "sotp");
    let before = inbox(&mut wire);
    daemon.kill();
    let (code, _, errors) = done(contactd(&["rewrite", "--data-dir", daemon.data_dir().to_str().expect("UTF-8")]));
    assert_eq!(code, Some(0), "{errors}");
    daemon.restart();
    let mut wire = daemon.connect();
    assert_eq!(inbox(&mut wire), before);
    assert_eq!(check(&mut wire, ADA), "+no held_for_review");
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

/// What perhaps opts out is not lost with its request.
#[test]
fn a_damaged_message_that_may_want_out_holds_the_contact_back() {
    let house = House::start(StopScope::List, START_MS).holding();
    let mut wire = house.connect();
    subscribed(&mut wire);
    for damaged in [
        r#"{"text":"wrong number","id":true}"#,
        r#"{"text":"wrong number"#,
        r#"{"Body":"sotp","From":"+1"}"#,
        "wrong number",
        r#"{"text":"hello","text":"CANCELAR"}"#,
    ] {
        let reply = wire.call(&format!("INBOUND {LIST} {ADA} {damaged}"));
        assert!(reply.contains(&format!(" taken {ADA} perhaps opted out of {LIST} as of now; ")), "{damaged}: {reply}");
        assert_eq!(check(&mut wire, ADA), "+no held_for_review", "{damaged}");
        let (number, ..) = inbox(&mut wire)[0];
        assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
        assert_eq!(check(&mut wire, ADA), "+yes");
    }
    let reply = wire.call(&format!(r#"INBOUND {LIST} {ADA} {{"text":"hello","id":true}}"#));
    assert!(reply.starts_with("-BADARG in the JSON"), "{reply}");
}

/// Where a STOP reaches all lists, so does what may be one.
#[test]
fn whoever_may_want_out_is_held_back_as_far_as_a_stop_reaches() {
    let house = House::start(StopScope::All, START_MS).holding().reopen(StopScope::All);
    let mut wire = house.connect();
    subscribed(&mut wire);
    wire.call("LIST 24366");
    wire.call(&format!(r#"OPTIN 24366 {ADA} {{"at":"2026-01-01"}}"#));
    says(&mut wire, ADA, "wrong number");
    for list in [LIST, "24366"] {
        assert_eq!(wire.call(&format!("CHECK {list} {ADA}")), "+no held_for_review");
        assert_eq!(wire.call(&format!("CLAIM {list} {ADA} m1")), "+no held_for_review");
    }
    assert_eq!(wire.call("COUNT eligible=24366"), ":0");
    let (number, ..) = inbox(&mut wire)[0];
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    assert_eq!(wire.call(&format!("CHECK 24366 {ADA}")), "+yes");
}

/// A START that a gateway delivers again lets nobody in again, however the gateway writes its id.
#[test]
fn a_start_with_an_odd_id_lets_in_once() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    subscribed(&mut wire);
    let long = "x".repeat(100);
    for (phone, first, again) in [(ADA, "SMabcd", "smABCD"), (BOB, long.as_str(), long.as_str())] {
        let says = |wire: &mut Wire, text: &str, id: &str| {
            wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"{text}","id":"{id}"}}"#))
        };
        assert_eq!(says(&mut wire, "STOP", "s1"), "+optout");
        house.set_clock(START_MS + 60_000);
        assert_eq!(says(&mut wire, "START", first), "+optin");
        assert_eq!(says(&mut wire, "STOP", "s2"), "+optout");
        house.set_clock(START_MS + 120_000);
        assert_eq!(says(&mut wire, "START", again), "+optin again");
        assert_eq!(check(&mut wire, phone), "+no list_opted_out");
        house.set_clock(START_MS);
    }
}
