//! What forbids is taken, whatever else is wrong with its request: with a bad date, in a bad row, without a plus.
//!
//! A nightly file in which one column has another format must not lose every opt-out of that file, each night.

use serde_json::Value;

use crate::plain::commands::{LISTS, PHONES, START_MS};
use crate::plain::facts::Scope;
use crate::properties::{house, stop_scope};
use crate::support::{House, Wire};

const LIST: &str = LISTS[0];

/// A store with a list.
fn with_a_list() -> (House, Wire) {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    wire.call(&format!("LIST {LIST}"));
    (house, wire)
}

/// The next phone, which CHECK says yes to.
fn somebody(wire: &mut Wire, number: &mut u32) -> String {
    *number += 1;
    let phone = format!("+1415555{number:04}");
    assert_eq!(wire.call(&format!(r#"OPTIN {LIST} {phone} {{"at":"2023-06-01"}}"#)), ":1");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+yes");
    phone
}

fn contact(wire: &mut Wire, phone: &str) -> Value {
    serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON")
}

/// Sends a request in which `{}` is a phone that was active. What it forbids is taken, and CHECK says so: also after the
/// same request again, and after a restart.
fn is_taken(requests: &[(&str, &str, &str)]) {
    let (house, mut wire) = with_a_list();
    let (mut number, mut all) = (1_000, Vec::new());
    for (request, words, verdict) in requests {
        let phone = somebody(&mut wire, &mut number);
        let line = request.replace("LIST", LIST).replace("{}", &phone).replace("DIGITS", &phone[1..]);
        for _ in 0..2 {
            let reply = wire.call(&line);
            let (taken, why) = reply.split_once("; ").unwrap_or((&reply, ""));
            let code = taken.split(' ').next().unwrap_or_default();
            assert_eq!(taken, format!("{code} taken {phone} {}", words.replace("LIST", LIST)), "{line}");
            assert!(["-BADARG", "-LIMIT", "-NOLIST", "-ERR"].contains(&code) && !why.is_empty(), "{line}: {reply}");
            assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), format!("+no {verdict}"), "{line}");
        }
        all.push((phone, *verdict));
    }
    drop(wire);
    let house = house.reopen(stop_scope(Scope::List));
    let mut wire = house.connect();
    for (phone, verdict) in all {
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), format!("+no {verdict}"), "{phone} after a restart");
    }
}

#[test]
fn an_opt_out_is_not_lost_with_its_row() {
    let long = "x".repeat(4_000);
    let too_long = [
        format!(r#"IMPORT LIST {{"phone":"{{}}","status":"opted_out","source":"{long}"}}"#),
        format!(r#"IMPORT LIST {{"phone":"{{}}","status":"opted_out","reason":"{long}"}}"#),
        format!(r#"IMPORT LIST {{"phone":"{{}}","status":"opted_out","import_id":"{long}"}}"#),
        format!(r#"IMPORT LIST {{"phone":"{{}}","status":"opted_out","labels":{{"notes":"{long}"}}}}"#),
    ];
    let (out, since) = ("opted out of LIST", "opted out of LIST as of now");
    let mut requests = vec![
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","total_revenue":"$1,234.50"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","total_sends":-1}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","total_sends":9999999999999999}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","how":"web form"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","region":"USA"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","list":"Spring News"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","labels":{"Vip":"1"}}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","labels":"vip"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","subscribed_at":"1/2/2024"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"opted_out","status":"active"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","status":"Opted out"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":DIGITS,"region":"US","status":"opted_out"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","opted_out_at":"2024-01-02","created_at":"soon"}"#, out, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","opted_out_at":"1/2/24"}"#, since, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","opted_out_at":44927}"#, since, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","opted_out_at":true}"#, since, "list_opted_out"),
        (r#"IMPORT LIST {"phone":"{}","opted_out_at":["2024-01-02"]}"#, since, "list_opted_out"),
        (
            r#"IMPORT LIST {"phone":"{}","status":"active","subscribed_at":"2025-01-01","opted_out_at":"x"}"#,
            since,
            "list_opted_out",
        ),
        (r#"IMPORT LIST {"phone":"{}","suppressed_at":"gestern"}"#, "suppressed on LIST as of now", "list_suppressed"),
        (r#"IMPORT LIST {"phone":"{}","invalid_at":"1704207840"}"#, "invalid as of now", "invalid"),
        (r#"IMPORT LIST {"phone":"{}","status":"invalid","how":"fax"}"#, "invalid", "invalid"),
        (
            r#"IMPORT LIST {"phone":"{}","status":"opted_out","suppressed_at":"2024-01-02","invalid_at":"?"}"#,
            "opted out of LIST and suppressed on LIST and invalid as of now",
            "invalid",
        ),
        (r#"IMPORT * {"phone":"{}","status":"opted_out","how":"fax"}"#, "opted out of all lists", "opted_out"),
        (r#"IMPORT News {"phone":"{}","status":"opted_out"}"#, "opted out of all lists", "opted_out"),
        (r#"IMPORT Spring News {"phone":"{}","status":"opted_out"}"#, "opted out of all lists", "opted_out"),
        (r#"IMPORT News {"phone":"{}","suppressed_at":"2024-01-02"}"#, "suppressed everywhere", "suppressed"),
        (r#"IMPORT 24399 {"phone":"{}","status":"invalid"}"#, "invalid", "invalid"),
    ];
    requests.extend(too_long.iter().map(|line| (line.as_str(), out, "list_opted_out")));
    is_taken(&requests);
}

#[test]
fn what_a_verb_says_is_not_lost_with_its_details() {
    let (out, now) = ("list_opted_out", "opted out of LIST as of now");
    is_taken(&[
        (r#"OPTOUT LIST {} {"at":"1/2/2024"}"#, now, out),
        (r#"OPTOUT LIST {} {"at":"2024-01-02","at":"2024-01-03"}"#, now, out),
        (r#"OPTOUT LIST {} {"at":"2024-01-02""#, now, out),
        (r#"OPTOUT LIST {} {"att":"2024-01-02"}"#, now, out),
        (r#"OPTOUT LIST {} {"at":"2026-05-01","how":"fax"}"#, "opted out of LIST", out),
        (r#"OPTOUT LIST {} {"at":"2026-05-01","reason":7}"#, "opted out of LIST", out),
        (r#"OPTOUT LIST {} {"reason":"she said "stop""}"#, now, out),
        ("OPTOUT LIST {} \"called us\"", now, out),
        ("OPTOUT LIST {} called us", now, out),
        ("OPTOUT LIST DIGITS", now, out),
        ("OPTOUT 14155550100 {}", now, out),
        ("OPTOUT spring {}", "opted out of all lists as of now", "opted_out"),
        ("OPTOUT 49301234567 {}", "opted out of all lists as of now", "opted_out"),
        (r#"SUPPRESS LIST {} {"at":"soon"}"#, "suppressed on LIST as of now", "list_suppressed"),
        (r#"SUPPRESS {} {"note":"x"}"#, "suppressed everywhere as of now", "suppressed"),
        ("SUPPRESS spring {}", "suppressed everywhere as of now", "suppressed"),
        (r#"INVALID {} {"at":1704207840}"#, "invalid as of now", "invalid"),
        (r#"INVALID DIGITS {"at":"2026-05-01"}"#, "invalid", "invalid"),
        (r#"INVALID {} {at:"2024-01-02"}"#, "invalid as of now", "invalid"),
        (r#"FAILED LIST {} m {"code":"21610","at":"1/2/2024"}"#, now, out),
        (r#"FAILED LIST {} m {"code":21610,"when":"2024-01-02"}"#, now, out),
        (r#"FAILED LIST {} m {"code":21610,"permanent":"no"}"#, now, out),
        (r#"FAILED LIST {} {"code":21610}"#, now, out),
        (r#"FAILED LIST {} m {"permanent":true,"at":"soon"}"#, "invalid as of now", "invalid"),
        (r#"FAILED LIST DIGITS m {"code":30005,"at":"2026-05-01"}"#, "invalid", "invalid"),
        (
            r#"FAILED LIST {} {"code":21610,"permanent":true,"at":"2026-05-01"}"#,
            "opted out of LIST and invalid",
            "invalid",
        ),
        (r#"INBOUND LIST {} {"text":"STOP","id":7}"#, now, out),
        (r#"INBOUND LIST {} {"text":"Stop.","timestamp":"2024-01-02"}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","at":2024-01-02 15:04}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","at":"2026-05-01","how":"sms"}"#, "opted out of LIST", out),
        (r#"INBOUND LIST DIGITS {"text":"STOP"}"#, now, out),
        (r#"INBOUND 14155550100 {} {"text":"STOP"}"#, now, out),
        (r#"INBOUND spring {} {"text":"STOP"}"#, "opted out of all lists as of now", "opted_out"),
        (r#"INBOUND LIST {} {"text":"STOPALL","id":7}"#, "opted out of all lists as of now", "opted_out"),
    ]);
}

/// The other dates and numbers of a file, which somebody wrote as people do.
#[test]
fn an_old_number_and_one_of_no_plan() {
    let (_house, mut wire) = with_a_list();
    for (phone, row, held) in [
        ("+2290197123458", r#"{"phone":"+229 97 12 34 58","status":"opted_out","how":"fax"}"#, "+2290197123458"),
        ("+541123456789", r#"{"phone":"+54 9 11 2345-6789","opted_out_at":"x"}"#, "+541123456789"),
        ("", r#"{"phone":"+999 555-012 34567","status":"opted_out"}"#, "+99955501234567"),
    ] {
        if !phone.is_empty() {
            wire.call(&format!(r#"OPTIN {LIST} {phone} {{"at":"2023-06-01"}}"#));
        }
        let reply = wire.call(&format!("IMPORT {LIST} {row}"));
        assert!(reply.starts_with(&format!("-BADARG taken {held} opted out of {LIST}")), "{reply}");
        assert_eq!(wire.call(&format!("CHECK {LIST} {held}")), "+no list_opted_out");
    }
}

/// Nobody is opted out by a request that does not say so, and nobody's number is guessed.
#[test]
fn nothing_is_taken_of_what_forbids_nothing() {
    let (_house, mut wire) = with_a_list();
    let mut number = 2_000;
    for request in [
        r#"IMPORT LIST {"phone":"{}","status":"active","total_sends":"x"}"#,
        r#"IMPORT LIST {"phone":"{}","status":"perhaps"}"#,
        r#"IMPORT LIST {"phone":"{}","opted_out_at":"N/A","how":"fax"}"#,
        r#"IMPORT LIST {"phone":"{}","opted_out_at":"0000-00-00 00:00:00","how":"fax"}"#,
        r#"IMPORT LIST {"phone":"{}","opted_out_at":"never"}"#,
        r#"IMPORT LIST {"phone":"{}","opted_out_at":false}"#,
        r#"IMPORT LIST {"phone":"{}","opted_out_at":0}"#,
        r#"IMPORT LIST {"phone":"{}","status":"active","subscribed_at":"2024-05-06","opted_out_at":"2024-01-02","how":"fax"}"#,
        r#"IMPORT LIST {"phone":"{}","status":"opted_out","labels":{"a":"b"}"#,
        r#"IMPORT LIST {"phone":"{}","phone":"+14155550100","status":"opted_out"}"#,
        r#"IMPORT 24399 {"phone":"{}"}"#,
        r#"INBOUND LIST {} {"text":"hello","id":7}"#,
        r#"INBOUND LIST {} {"body":"STOP"}"#,
        r#"INBOUND LIST DIGITS {"text":"hello"}"#,
        r#"FAILED LIST {} m {"code":30003,"at":"soon"}"#,
        r#"OPTIN LIST {} {"at":"1/2/2024"}"#,
        r#"CLICK LIST {} {"at":"1/2/2024"}"#,
        r#"CONVERT LIST {} 5 {"at":"1/2/2024"}"#,
        r#"SENT LIST {} m {"at":"1/2/2024"}"#,
        r#"RELEASE LIST {} {"at":"1/2/2024"}"#,
        r#"VALID {} {"at":"1/2/2024"}"#,
        "OPTIN LIST DIGITS",
    ] {
        let phone = somebody(&mut wire, &mut number);
        let before = contact(&mut wire, &phone);
        let line = request.replace("LIST", LIST).replace("{}", &phone).replace("DIGITS", &phone[1..]);
        let reply = wire.call(&line);
        assert!(reply.starts_with('-') && !reply.contains(" taken "), "{line}: {reply}");
        assert_eq!(contact(&mut wire, &phone), before, "{line}");
    }
    for request in [
        r#"IMPORT LIST {"phone":"555 0123","status":"opted_out"}"#,
        r#"IMPORT LIST {"phone":"4155550123","region":"USA","status":"opted_out"}"#,
        r#"IMPORT LIST {"phone":"nonsense","status":"opted_out","how":"fax"}"#,
        r#"IMPORT LIST {"status":"opted_out"}"#,
        "OPTOUT LIST 4155550123",
        "OPTOUT LIST 99999999999",
        "OPTOUT LIST 415-555-0123",
        "SUPPRESS LIST nobody",
        "INVALID 555",
    ] {
        let reply = wire.call(&request.replace("LIST", LIST));
        assert!(reply.starts_with('-') && !reply.contains(" taken "), "{request}: {reply}");
    }
}

/// What programs, databases, spreadsheets and mails write is read, to the second; what says that there is no date
/// is none.
#[test]
fn dates_with_one_meaning() {
    let (_house, mut wire) = with_a_list();
    let mut number = 3_000;
    for (written, at) in [
        ("2024-01-02T15:04:05", "2024-01-02T15:04:05.000Z"),
        ("2024-01-02 15:04", "2024-01-02T15:04:00.000Z"),
        ("2024-01-02 15:04:05 UTC", "2024-01-02T15:04:05.000Z"),
        ("2024-01-02 15:04:05+00", "2024-01-02T15:04:05.000Z"),
        ("2024-01-02T15:04:05+0000", "2024-01-02T15:04:05.000Z"),
        ("2024-01-02T15:04:05.123456-0500", "2024-01-02T20:04:05.123Z"),
        ("2024/01/02", "2024-01-02T00:00:00.000Z"),
        ("Tue, 02 Jan 2024 15:04:05 +0000", "2024-01-02T15:04:05.000Z"),
        ("20240102T150405Z", "2024-01-02T15:04:05.000Z"),
        ("1704207845000", "2024-01-02T15:04:05.000Z"),
    ] {
        let phone = somebody(&mut wire, &mut number);
        let row = format!(r#"IMPORT {LIST} {{"phone":"{phone}","opted_out_at":"{written}"}}"#);
        assert_eq!(wire.call(&row), format!("+updated {phone}"), "{written}");
        assert_eq!(contact(&mut wire, &phone)["lists"][0]["opted_out_at"], at, "{written}");
    }
    for none in ["N/A", "-", "--", "None", "null", "NIL", "NaN", "", "0000-00-00", "0000-00-00 00:00:00"] {
        let phone = somebody(&mut wire, &mut number);
        let row = format!(r#"IMPORT {LIST} {{"phone":"{phone}","opted_out_at":"{none}","invalid_at":"{none}"}}"#);
        assert_eq!(wire.call(&row), format!("+unchanged {phone}"), "{none:?}");
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+yes", "{none:?}");
    }
}

/// A gateway's date that cannot be read loses no message, and lifts nothing.
#[test]
fn a_message_without_a_readable_date() {
    let (_house, mut wire) = with_a_list();
    let mut number = 4_000;
    for at in [r#""1704207840""#, "1704207840", r#""02.01.2024 15:04""#, r#""15:04""#, r#""%T""#, "true", "[]"] {
        let phone = somebody(&mut wire, &mut number);
        let mut say = |text: &str, id: &str| {
            wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"{text}","at":{at},"id":"{id}"}}"#))
        };
        assert_eq!(say("hello", "k1"), "+message undated", "{at}");
        assert_eq!(say("wrong number", "k2").split(' ').next_back(), Some("undated"), "{at}");
        assert_eq!(say("HELP", "k3"), "+help undated", "{at}");
        assert_eq!(say("STOP", "k4"), "+optout undated", "{at}");
        assert_eq!(say("STOP", "k4"), "+optout again undated", "{at}");
        for permits in ["START", "YES"] {
            assert!(say(permits, "k5").starts_with("-BADARG in the JSON: "), "{at}");
        }
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out", "{at}");
    }
    let phone = somebody(&mut wire, &mut number);
    wire.call(&format!(r#"INVALID {phone} {{"at":"2024-01-02"}}"#));
    for (text, reply) in [("hello", "+message undated"), ("STOPALL", "+optout undated")] {
        assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"{text}","at":"soon"}}"#)), reply);
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no invalid");
    }
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"it is me"}}"#)), "+message");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no opted_out");
}

/// An opt-out that came by a row for a number that is not a list yet counts once it is one.
#[test]
fn a_row_for_what_is_not_a_list_yet() {
    let (_house, mut wire) = with_a_list();
    let row = |phone: &str| format!(r#"IMPORT 24399 {{"phone":"{phone}","status":"opted_out","labels":{{"a":"b"}}}}"#);
    let reply = wire.call(&row(PHONES[0]));
    assert!(
        reply.starts_with(&format!("-NOLIST taken {} opted out of 24399; 24399 is not a list", PHONES[0])),
        "{reply}"
    );
    assert_eq!(contact(&mut wire, PHONES[0])["labels"], serde_json::json!({}));
    wire.call("LIST 24399");
    assert_eq!(wire.call(&format!("CHECK 24399 {}", PHONES[0])), "+no list_opted_out");
    assert_eq!(
        wire.call(&format!(r#"IMPORT 24399 {{"phone":"{}"}}"#, PHONES[0])),
        format!("+kept {} list_opted_out", PHONES[0])
    );
}

/// The date that was written stays where a person can see it.
#[test]
fn the_history_quotes_a_date_that_could_not_be_read() {
    let (_house, mut wire) = with_a_list();
    let phone = PHONES[0];
    wire.call(&format!(
        r#"IMPORT {LIST} {{"phone":"{phone}","opted_out_at":"1/2/24","reason":"list of May","source":"f.csv"}}"#
    ));
    let event = wire.call(&format!("HISTORY {phone} LIMIT 1"));
    let event = event.lines().nth(2).expect("an event");
    let event: Value = serde_json::from_str(&event[1..]).expect("JSON");
    assert_eq!(event["reason"], "opted_out_at \"1/2/24\" could not be read; list of May");
    assert_eq!((&event["source"], &event["how"]), (&"f.csv".into(), &"import".into()));
}
