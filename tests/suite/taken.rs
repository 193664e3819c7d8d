//! What forbids is taken, whatever else is wrong with its request: with a bad date, in a bad row, without a plus.
//!
//! A nightly file in which one column has another format must not lose every opt-out of that file, each night.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::plain::commands::{DAY_MS, HOUR_MS, LISTS, PHONES, START_MS};
use crate::plain::facts::Scope;
use crate::properties::{config, house, stop_scope};
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
        let line = line.replace("PARTED", &format!("{} {} {}", &phone[..5], &phone[5..8], &phone[8..]));
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
        ("OPTOUT LIST PARTED", now, out),
        (r#"OPTOUT LIST PARTED {"reason":"called"}"#, now, out),
        (r#"INBOUND LIST PARTED {"text":"STOP"}"#, now, out),
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
        (r#"INBOUND LIST {} {"text":"STOP","id":true}"#, now, out),
        (r#"INBOUND LIST {} {"text":"Stop.","timestamp":"2024-01-02"}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","at":2024-01-02 15:04}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","at":"2026-05-01","how":"sms"}"#, "opted out of LIST", out),
        (r#"INBOUND LIST DIGITS {"text":"STOP"}"#, now, out),
        (r#"INBOUND 14155550100 {} {"text":"STOP"}"#, now, out),
        (r#"INBOUND spring {} {"text":"STOP"}"#, "opted out of all lists as of now", "opted_out"),
        (r#"INBOUND LIST {} {"text":"STOPALL","id":[7]}"#, "opted out of all lists as of now", "opted_out"),
    ]);
}

/// JSON that a gateway has cut, built by hand or filled from its own names; and no JSON at all.
#[test]
fn a_stop_is_not_lost_in_broken_json() {
    let (out, now) = ("list_opted_out", "opted out of LIST as of now");
    let long = format!(r#"INBOUND LIST {{}} {{"text":"STOP","raw":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
    is_taken(&[
        (r#"INBOUND LIST {} {"text":"STOP \ud83d"}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP \ud83d","at":"2026-05-01"}"#, "opted out of LIST", out),
        (r#"INBOUND LIST {} {"text":"\udc00STOP\x"}"#, now, out),
        (r#"INBOUND LIST {} {"text":"hello","text":"STOP"}"#, now, out),
        (r#"INBOUND LIST {} {"text":""STOP""}"#, now, out),
        (r#"INBOUND LIST {} {"text":"my "friend", Ann, is mad. Unsubscribe me","id":7}"#, now, out),
        (r"INBOUND LIST {} {'text':'Don't text me again','id':'a'}", now, out),
        (r#"INBOUND LIST {} {"text":"STOP","text":"START"}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","text":"STOPALL"}"#, "opted out of all lists as of now", "opted_out"),
        (r#"INBOUND LIST {} {"Text":"STOP"}"#, now, out),
        (r#"INBOUND LIST {} {"text":["STOP"]}"#, now, out),
        (r#"INBOUND LIST {} {"text":"no thanks","OptOutType":"STOP"}"#, now, out),
        (r#"INBOUND LIST {} {"text":{"body":"Stop"}}"#, now, out),
        (r#"INBOUND LIST {} {"body":"STOP"}"#, now, out),
        (r#"INBOUND LIST {} {"Body":"please stop texting me","From":"+1"}"#, now, out),
        (r#"INBOUND LIST {} {"message":{"sms":{"content":"STOP"}},"id":"7"}"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","id":"SM"#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP","#, now, out),
        (r#"INBOUND LIST {} {"text":"STOP"#, now, out),
        (r"INBOUND LIST {} {text:'STOP'}", now, out),
        (r#"INBOUND LIST {} {"text":STOP}"#, now, out),
        (&long, now, out),
        ("INBOUND LIST {} STOP", now, out),
        ("INBOUND LIST {} \"STOP\"", now, out),
        ("INBOUND LIST {} Please stop texting me", now, out),
        (r#"INBOUND LIST {} STOP {"id":"7"}"#, now, out),
        (r#"INBOUND LIST {} m-1 {"text":"STOP"}"#, now, out),
        ("FAILED LIST {} m 21610", now, out),
        ("FAILED LIST {} m 21610 unsubscribed recipient", now, out),
        (r#"FAILED LIST {} m x {"code":21610}"#, now, out),
        (r#"FAILED LIST {} m {"code":["21610"]}"#, now, out),
        (r#"FAILED LIST {} m {"code":30003,"code":21610}"#, now, out),
        (
            r#"FAILED LIST {} m {"code":21610,"code":30005}"#,
            "opted out of LIST as of now and invalid as of now",
            "invalid",
        ),
        (r#"FAILED LIST {} m {"ErrorCode":"21610","status":"undelivered"}"#, now, out),
        (r#"FAILED LIST {} m {"code":"ERR_21610","when":"x"}"#, now, out),
        (r#"FAILED LIST {} m {"code":21610"#, now, out),
        (r#"FAILED LIST {} m {"permanent":"true"}"#, "invalid as of now", "invalid"),
        (r#"FAILED LIST {} m {"Permanent":1}"#, "invalid as of now", "invalid"),
        ("\u{feff}OPTOUT LIST DIGITS", now, out),
        ("OPTOUT LIST sip:{}@gateway.example", now, out),
        ("OPTOUT LIST +{}", now, out),
    ]);
    let (_house, mut wire) = with_a_list();
    let mut number = 6_000;
    for (code, verdict) in [("ERR_21610", "+no list_opted_out"), ("30005x", "+no invalid"), ("21-6105", "+yes")] {
        let phone = somebody(&mut wire, &mut number);
        assert_eq!(wire.call(&format!(r#"FAILED {LIST} {phone} m {{"code":"{code}"}}"#)), ":1");
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), verdict, "{code}");
    }
}

/// A STOP in JSON that is broken somewhere behind its text, from a phone that is written somehow.
fn damaged_stops() -> impl Strategy<Value = String> {
    let phone =
        prop::sample::select(&["{}", "<{}>", "{},", "tel:{}", "'{}'", "00DIGITS", "DIGITS", "{}\u{200b}", "+1 1REST"]);
    let name = prop::sample::select(&["text", "Text", "TEXT", "body", "message"]);
    let quote = prop::sample::select(&["\"", "'"]);
    let tail = prop::sample::select(&["", ".", "\\ud83d", " \\udc00\\ud83d", "\\x", "\\n", "\u{7}"]);
    let more = prop::sample::select(&[
        r#","id":"7","at":"2026-05-01"}"#,
        r#","text":"START"}"#,
        r#","text":"hello","n":[1,{"x":2}]}"#,
    ]);
    (phone, name, quote, tail, more, any::<Index>()).prop_map(|(phone, name, quote, tail, more, cut)| {
        let more = &more[..cut.index(more.len() + 1)];
        let phone = phone.replace("+1 1REST", "+11REST");
        format!("INBOUND LIST {phone} {{{quote}{name}{quote}:{quote}STOP{tail}{quote}{more}")
    })
}

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn a_damaged_stop_leaves_no_yes(requests in prop::collection::vec(damaged_stops(), 20)) {
        let (_house, mut wire) = with_a_list();
        let mut number = 7_000;
        for request in requests {
            let phone = somebody(&mut wire, &mut number);
            let line = request.replace("LIST", LIST).replace("DIGITS", &phone[1..]).replace("REST", &phone[2..]);
            let reply = wire.call(&line.replace("{}", &phone));
            prop_assert!(wire.call(&format!("CHECK {LIST} {phone}")) == "+no list_opted_out", "{line}: {reply}");
        }
    }
}

/// What programs and people put around a number, and before and behind it.
#[test]
fn a_phone_is_read_as_it_is_meant() {
    let (out, now) = ("list_opted_out", "opted out of LIST as of now");
    is_taken(&[
        ("OPTOUT LIST \"{}\"", now, out),
        (r#"OPTOUT LIST "{}" {"at":"2026-05-01"}"#, "opted out of LIST", out),
        ("OPTOUT LIST {},", now, out),
        ("OPTOUT LIST {};", now, out),
        ("OPTOUT LIST <{}>", now, out),
        ("OPTOUT LIST tel:{}", now, out),
        ("OPTOUT LIST sms:{}", now, out),
        ("OPTOUT LIST 00DIGITS", now, out),
        ("OPTOUT LIST {}\t", now, out),
        ("OPTOUT LIST {}\u{a0}", now, out),
        ("OPTOUT LIST {}\u{200b}", now, out),
        ("OPTOUT LIST \u{feff}{}", now, out),
        ("OPTOUT {} LIST", now, out),
        ("OPTOUT DIGITS LIST", now, out),
        ("OPTOUT \"LIST\" {}", now, out),
        (r#"INBOUND {} LIST {"text":"STOP"}"#, now, out),
        (r#"INBOUND LIST <{}>; {"text":"STOP","at":"2026-05-01"}"#, "opted out of LIST", out),
        (r#"FAILED {} LIST m {"code":21610}"#, now, out),
        ("SUPPRESS LIST {}.", "suppressed on LIST as of now", "list_suppressed"),
        ("SUPPRESS {} LIST", "suppressed on LIST as of now", "list_suppressed"),
        ("SUPPRESS \"{}\"", "suppressed everywhere as of now", "suppressed"),
        ("INVALID 'DIGITS'", "invalid as of now", "invalid"),
        (r#"IMPORT LIST {"phone":"DIGITS","status":"opted_out"}"#, "opted out of LIST", out),
        (r#"IMPORT LIST {"phone":["{}"],"status":["opted_out"]}"#, "opted out of LIST", out),
        (r#"IMPORT LIST {"phone":"{}","phone":"{}","status":"opted_out"}"#, "opted out of LIST", out),
        (r#"IMPORT LIST {"Phone":"<{}>","Status":"Unsubscribed"}"#, "opted out of LIST", out),
        (r#"IMPORT LIST {"phone":"{}","status":"stop"}"#, "opted out of LIST", out),
        (r#"IMPORT LIST {"phone":"{}","status":"do_not_contact"}"#, "opted out of LIST", out),
    ]);
    let (_house, mut wire) = with_a_list();
    let phone = "+14153100083";
    wire.call(&format!(r#"OPTIN {LIST} {phone} {{"at":"2023-06-01"}}"#));
    let reply = wire.call(&format!("OPTOUT {LIST} +1-415-310-0083"));
    assert!(reply.starts_with(&format!("-BADARG taken {phone} opted out of {LIST} as of now; ")), "{reply}");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out");
}

/// Many write what is dialled inside a country behind its code, too: it is the same phone, for every command.
#[test]
fn a_national_prefix_behind_the_code_makes_no_other_phone() {
    let (_house, mut wire) = with_a_list();
    for (odd, dialled) in [
        ("+4407911123456", "+447911123456"),
        ("+49015123456789", "+4915123456789"),
        ("+610412345678", "+61412345678"),
        ("+9109876543210", "+919876543210"),
        ("+23408031234567", "+2348031234567"),
        ("+114155552671", "+14155552671"),
        ("+789161234567", "+79161234567"),
    ] {
        assert_eq!(wire.call(&format!(r#"OPTIN {LIST} {dialled} {{"at":"2023-06-01"}}"#)), ":1");
        let both = wire.call(&format!("CHECK {LIST} {odd} {dialled}"));
        assert_eq!(both.lines().skip(1).collect::<Vec<_>>(), ["+yes", "+yes"], "{odd}");
        assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {odd} {{"text":"STOP"}}"#)), "+optout");
        for request in
            [format!("CHECK {LIST} {dialled}"), format!("CHECK {LIST} {odd}"), format!("CLAIM {LIST} {odd} m")]
        {
            assert_eq!(wire.call(&request), "+no list_opted_out");
        }
        assert_eq!(contact(&mut wire, odd)["phone_number"], dialled);
        assert_eq!(wire.call(&format!("NORMALIZE - {odd}")), format!("+{dialled}"));
    }
    // Italy's zero is part of the number. Rome's is known without it.
    assert_eq!(wire.call(&format!("OPTOUT {LIST} +390612345678")), ":1");
    assert_eq!(contact(&mut wire, "+390612345678")["phone_number"], "+390612345678");
    assert_eq!(contact(&mut wire, "+39612345678")["phone_number"], "+390612345678");
    assert_eq!(wire.call(&format!("OPTOUT {LIST} +390111234567")), ":1");
    assert_eq!(wire.call("GET +39111234567"), "$-1");
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
        r#"INBOUND LIST {} {"text":"hello","id":true}"#,
        r#"INBOUND LIST {} {"text":"START","text":"YES"}"#,
        r#"INBOUND LIST {} {"id":"STOP"}"#,
        "INBOUND LIST {} START",
        "INBOUND LIST {} hello there",
        "INBOUND {} LIST {\"text\":\"START\"}",
        "OPTIN {} LIST",
        "OPTIN LIST <{}>",
        r#"FAILED LIST {} m {"permanent":"false"}"#,
        "FAILED LIST {} m 30003",
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

/// What programs, databases, spreadsheets and mails write is read, to the end of its second; what says that there is no date
/// is none.
#[test]
fn dates_with_one_meaning() {
    let (_house, mut wire) = with_a_list();
    let mut number = 3_000;
    for (written, at) in [
        ("2024-01-02T15:04:05", "2024-01-02T15:04:05.999Z"),
        ("2024-01-02 15:04", "2024-01-02T15:04:59.999Z"),
        ("2024-01-02 15:04:05 UTC", "2024-01-02T15:04:05.999Z"),
        ("2024-01-02 15:04:05+00", "2024-01-02T15:04:05.999Z"),
        ("2024-01-02T15:04:05+0000", "2024-01-02T15:04:05.999Z"),
        ("2024-01-02T15:04:05.123456-0500", "2024-01-02T20:04:05.123Z"),
        // A day alone, to its end in the last time zone.
        ("2024/01/02", "2024-01-03T11:59:59.999Z"),
        ("2024-01-02 00:00:00", "2024-01-03T11:59:59.999Z"),
        ("2024-01-02T00:00:00Z", "2024-01-02T00:00:00.999Z"),
        ("Tue, 02 Jan 2024 15:04:05 +0000", "2024-01-02T15:04:05.999Z"),
        ("20240102T150405Z", "2024-01-02T15:04:05.999Z"),
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
    for at in [
        r#""1704207840""#,
        "1704207840",
        r#""02.01.2024 15:04""#,
        r#""15:04""#,
        r#""%T""#,
        "true",
        "[]",
        // Clocks that were reset.
        r#""2000-01-01T00:00:12Z""#,
        r#""2004-01-01""#,
    ] {
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

/// A gateway that numbers its messages anew, or gives each message the same number, hides no STOP.
#[test]
fn a_stop_with_the_id_of_an_older_one_is_taken() {
    let (_house, mut wire) = with_a_list();
    let first = r#","at":"2026-01-01T10:00:00Z""#;
    for (phone, second) in PHONES.into_iter().zip([r#","at":"2026-03-01T10:00:00Z""#, "", r#","at":"soon""#]) {
        let stop = |at: &str| format!(r#"INBOUND {LIST} {phone} {{"text":"STOP","id":"1"{at}}}"#);
        let check = format!("CHECK {LIST} {phone}");
        assert_eq!(wire.call(&stop(first)), "+optout");
        assert_eq!(wire.call(&format!(r#"OPTIN {LIST} {phone} {{"at":"2026-02-01"}}"#)), ":1");
        assert_eq!((wire.call(&stop(first)), wire.call(&check)), ("+optout again".into(), "+yes".into()));
        let reply = wire.call(&stop(second));
        assert!(matches!(reply.as_str(), "+optout" | "+optout undated"), "{second}: {reply}");
        assert_eq!(wire.call(&check), "+no list_opted_out", "{second}");
    }
}

/// Nobody knows when an opt-in was given that came with a date ahead of the clock, only that it came before.
#[test]
fn an_opt_in_from_a_clock_that_is_ahead_does_not_beat_a_stop_that_comes_after_it() {
    let (house, mut wire) = with_a_list();
    let time = |ms: i64| format!(r#"{{"text":"WORD","at":{}}}"#, START_MS + ms);
    let mut number = 5_000;
    for ahead_ms in [1_000, 20 * HOUR_MS, 400 * DAY_MS] {
        for stop in [
            "INBOUND LIST {} STOP",
            "OPTOUT LIST {} AT",
            "OPTOUT * {} AT",
            r#"FAILED LIST {} m {"code":21610,"at":AT}"#,
        ] {
            house.set_clock(START_MS);
            number += 1;
            let phone = format!("+1415555{number:04}");
            let mut call = |request: &str| {
                let at = (START_MS - 2_000).to_string();
                let line = request
                    .replace("STOP", &time(-2_000).replace("WORD", "STOP"))
                    .replace("{} AT", &format!(r#"{{}} {{"at":{at}}}"#))
                    .replace(":AT", &format!(":{at}"));
                wire.call(&line.replace("LIST", LIST).replace("{}", &phone))
            };
            assert_eq!(call(&format!("INBOUND LIST {{}} {}", time(ahead_ms).replace("WORD", "START"))), "+optin");
            house.set_clock(START_MS + 5_000);
            assert!(["+optout", ":1"].contains(&call(stop).as_str()), "{stop}");
            assert!(call("CHECK LIST {}").starts_with("+no "), "{stop}, {ahead_ms} ms ahead");
            // The START again, and the STOP again, change nothing; a newer one does.
            assert_eq!(call(&format!("INBOUND LIST {{}} {}", time(ahead_ms).replace("WORD", "START"))), "+optin late");
            house.set_clock(START_MS + 500 * DAY_MS);
            assert_eq!(call(&format!("INBOUND LIST {{}} {}", time(499 * DAY_MS).replace("WORD", "START"))), "+optin");
            call(stop);
            assert_eq!(call("CHECK LIST {}"), "+yes", "{stop}, {ahead_ms} ms ahead");
        }
    }
    // A nightly list of opt-outs that are known already beats no opt-in, whatever the clock of that.
    let phone = format!("+1415555{:04}", number + 1);
    house.set_clock(START_MS);
    let nightly = format!(r#"OPTOUT {LIST} {phone} {{"at":{}}}"#, START_MS - DAY_MS);
    assert_eq!(wire.call(&nightly), ":1");
    let start = time(1_000).replace("WORD", "START");
    assert_eq!(wire.call(&format!("INBOUND {LIST} {phone} {start}")), "+optin");
    assert_eq!((wire.call(&nightly), wire.call(&format!("CHECK {LIST} {phone}"))), (":0".into(), "+yes".into()));
    let suppressed = format!(r#"SUPPRESS {phone} {{"at":{}}}"#, START_MS - 1_000);
    wire.call(&format!(r#"RELEASE {phone} {{"at":{}}}"#, START_MS + HOUR_MS));
    assert_eq!(wire.call(&suppressed), ":1");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no suppressed");
}

/// The same START in other letters, trimmed or not, is delivered again; a question agrees to nothing.
#[test]
fn a_start_that_comes_again_in_other_letters_lifts_nothing() {
    let (_house, mut wire) = with_a_list();
    let phone = PHONES[0];
    let mut say =
        |text: &str, id: &str| wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"{text}","id":"{id}"}}"#));
    assert_eq!((say("START", "a"), say("STOP", "b")), ("+optin".into(), "+optout".into()));
    for text in ["START", "start", "Start ", " start.", r"\u200bSTART"] {
        assert_eq!(say(text, "a"), "+optin again", "{text}");
    }
    for (n, text) in ["start?", "Unstop?", "yes?", r"START \uff1f"].into_iter().enumerate() {
        assert_eq!(say(text, &format!("q{n}")), "+message", "{text}");
    }
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out");
}

/// An erasure takes the history away, in which a repeated START is found. Its id is remembered before all others.
#[test]
fn a_start_that_comes_again_after_an_erasure_lifts_nothing() {
    let (_house, mut wire) = with_a_list();
    let phone = PHONES[0];
    let start = format!(r#"INBOUND {LIST} {phone} {{"text":"START","id":"a"}}"#);
    assert_eq!(wire.call(&start), "+optin");
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"STOP","id":"b"}}"#)), "+optout");
    let messages: Vec<String> =
        (0..300).map(|n| format!(r#"INBOUND {LIST} {phone} {{"text":"hello","id":"m{n}"}}"#)).collect();
    assert!(wire.call_all(&messages).iter().all(|reply| reply == "+message"));
    assert!(wire.call(&format!("ERASE {phone}")).starts_with("+erased"));
    assert_eq!(wire.call(&start), "+optin again");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no opted_out");
    // YES of a stranger is no opt-in, and none when it comes again.
    let stranger = PHONES[1];
    let yes = format!(r#"INBOUND {LIST} {stranger} {{"text":"YES","id":"a"}}"#);
    assert_eq!(wire.call(&yes), "+message");
    assert!(wire.call(&format!("ERASE {stranger}")).starts_with("+erased"));
    assert_eq!(wire.call(&yes), "+message");
    assert_eq!(wire.call(&format!("CHECK {LIST} {stranger}")), "+no opted_out");
    // Whoever really comes back does.
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"START","id":"c"}}"#)), "+optin");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+yes");
}

/// The list was forgotten: it could be any.
#[test]
fn without_its_list_a_request_forbids_everywhere() {
    let (all, everywhere) = ("opted out of all lists as of now", "suppressed everywhere as of now");
    is_taken(&[
        ("OPTOUT {}", all, "opted_out"),
        (r#"OPTOUT {} {"reason":"called us"}"#, all, "opted_out"),
        (r#"INBOUND {} {"text":"STOP"}"#, all, "opted_out"),
        (r#"INBOUND {} {"text":"wrong number"}"#, all, "opted_out"),
        (r#"INBOUND spring {} {"text":"wrong number"}"#, all, "opted_out"),
        (r#"FAILED {} m-1 {"code":21610}"#, all, "opted_out"),
    ]);
    // Phones alone, of which the first is a contact.
    let (_house, mut wire) = with_a_list();
    assert_eq!(wire.call("PUT +14153100001"), "+created");
    for (request, words, verdict) in [
        ("OPTOUT +14153100001 {}", all, "opted_out"),
        ("OPTOUT +14153100001 {} +14153100002", all, "opted_out"),
        ("SUPPRESS +14153100001 {}", everywhere, "suppressed"),
    ] {
        let phone = if verdict == "suppressed" { "+14153100005" } else { "+14153100004" };
        let reply = wire.call(&request.replace("{}", phone));
        assert!(reply.starts_with(&format!("-BADARG taken {phone} {words}; ")), "{request}: {reply}");
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), format!("+no {verdict}"), "{request}");
    }
    // A list that nobody has made yet.
    assert_eq!(wire.call("OPTOUT +14153100009 +14153100002"), ":1");
    assert_eq!(wire.call(r#"OPTOUT +14153100001 +14153100002 {"at":"2026-05-01"}"#), ":1");
    assert_eq!(wire.call("OPTOUT 54321 +14153100003"), ":1");
    assert_eq!(wire.call("CHECK 24365 +14153100003"), "+no unknown_list");
}

#[test]
fn a_plus_makes_no_other_list() {
    let (_house, mut wire) = with_a_list();
    wire.call("LIST +4512345");
    wire.call("LIST 7654321");
    for (list, written) in [("+4512345", "4512345"), ("7654321", "+7654321")] {
        let phone = "+14153100004";
        assert_eq!(wire.call(&format!(r#"OPTIN {list} {phone} {{"at":"2023-06-01"}}"#)), ":1");
        let reply = wire.call(&format!(r#"OPTOUT {written} {phone} {{"at":"2026-05-01"}}"#));
        assert_eq!(reply, format!("-BADARG taken {phone} opted out of {list}; {written} is not a list, but {list} is"));
        assert_eq!(wire.call(&format!("CHECK {list} {phone}")), "+no list_opted_out");
    }
}

/// A label stops nothing.
#[test]
fn labels_reasons_and_sources_that_refuse_are_refused() {
    let (_house, mut wire) = with_a_list();
    let phone = "+14153100005";
    for row in [
        r#""labels":{"journey":"unsubscribed"}"#,
        r#""labels":{"note":"Do not text"}"#,
        r#""reason":"STOP""#,
        r#""source":"opted out""#,
        r#""status":"active","labels":{"note":"sms-dnd"}"#,
        r#""status":"active","reason":"STOP""#,
        r#""labels":{"do_not_text":"2026-01-01"}"#,
    ] {
        let reply = wire.call(&format!(r#"IMPORT {LIST} {{"phone":"{phone}",{row}}}"#));
        assert!(reply.starts_with("-BADARG maybe_optout: "), "{row}: {reply}");
        assert_eq!(wire.call(&format!("GET {phone}")), "$-1", "{row}");
    }
    let reply = wire.call(&format!(r#"PUT {phone} {{"labels":{{"sms":"unsubscribed"}}}}"#));
    assert!(reply.starts_with("-BADARG maybe_optout: "), "{reply}");
    let reply = wire
        .call(&format!(r#"IMPORT {LIST} {{"phone":"{phone}","invalid_at":"2026-01-01","labels":{{"note":"STOP"}}}}"#));
    assert!(reply.starts_with(&format!("-BADARG taken {phone} invalid; maybe_optout: ")), "{reply}");
    for row in [
        r#""status":"opted_out","reason":"STOP","labels":{"note":"STOP"}"#,
        r#""labels":{"do_not_text":"no"}"#,
        r#""labels":{"note":"coffee, no thanks"}"#,
        r#""source":"a form""#,
    ] {
        let reply = wire.call(&format!(r#"IMPORT {LIST} {{"phone":"+14153100006",{row}}}"#));
        assert!(reply.starts_with('+'), "{row}: {reply}");
    }
}

/// Bytes that are no characters: half of an emoji, a mark of UTF-16, an overlong zero, texts of older encodings. What stands beside
/// them counts, and what cannot be read waits for a person.
#[test]
fn no_message_is_lost_in_bytes_that_cannot_be_read() {
    let (_house, mut wire) = with_a_list();
    let mut number = 8_500;
    let (out, perhaps) = ("opted out of", "perhaps opted out of");
    let texts: [(&[u8], &str); 12] = [
        (b"STOP\xed\xa0\xbd", out),
        (b"STOP\xed\xa0\xbd\xed\xb8\x80", out),
        (b"\xff\xfeSTOP", out),
        (b"S\xc0\x80TOP", out),
        // СТОП of Windows-1251 and of KOI8-R.
        (b"\xd1\xd2\xce\xcf", out),
        (b"\xf3\xf4\xef\xf0", out),
        // Windows-1251, GBK, EUC-KR, Windows-1256.
        (b"\xed\xe5 \xed\xe0\xe4\xee", perhaps),
        (b"\xcd\xcb\xb6\xa9", perhaps),
        (b"\xbc\xf6\xbd\xc5\xb0\xc5\xba\xce", perhaps),
        (b"\xc7\xe1\xdb\xc7\xc1", perhaps),
        (b"hello \\ud83d", perhaps),
        (b"hello \x80", perhaps),
    ];
    for (text, what) in texts {
        let phone = somebody(&mut wire, &mut number);
        wire.send([format!(r#"INBOUND {LIST} {phone} {{"text":""#).as_bytes(), text, b"\"}\n"].concat());
        let (reply, shown) = (wire.reply(), String::from_utf8_lossy(text));
        assert!(reply.starts_with(&format!("-BADARG taken {phone} {what} {LIST} as of now; ")), "{shown}: {reply}");
    }
}

/// A word processor, or a telephone's keyboard, has replaced the quotes.
#[test]
fn json_with_other_quotes_is_read() {
    let (_house, mut wire) = with_a_list();
    let mut number = 8_700;
    for json in [
        "{“text”:“stop”}",
        "{‘text’:‘stop’}",
        "{\"text”:\"stop\"}",
        "{„text“:„stop“,„id“:„a-1“}",
        "{«text»:«Please stop, it’s enough»}",
        "{\"text\":“stop”}",
        "{'text':'stop'}",
    ] {
        let phone = somebody(&mut wire, &mut number);
        let reply = wire.call(&format!("INBOUND {LIST} {phone} {json}"));
        let is_taken = reply.starts_with(&format!("-BADARG taken {phone} "));
        assert!(is_taken && reply.contains("opted out of"), "{json}: {reply}");
    }
}

/// What a network says in the place of a dead number is no proof that it lives.
#[test]
fn a_robots_answer_does_not_lift_invalid() {
    let (_house, mut wire) = with_a_list();
    let invalid = |phone: &str| format!(r#"INVALID {phone} {{"at":{}}}"#, START_MS - HOUR_MS);
    let mut number = 8_800;
    for text in [
        "Number no longer in service.",
        "This number is not assigned",
        "The number you texted is a landline",
        "Message not delivered: number does not exist",
        "El número marcado no existe",
        "This number is no longer in service",
        "Unable to deliver your message",
        "Le numéro composé n'est pas attribué",
        "Die gewählte Rufnummer ist nicht vergeben",
        "Unknown subscriber",
        "Набранный номер не существует",
    ] {
        let phone = somebody(&mut wire, &mut number);
        assert_eq!(wire.call(&invalid(&phone)), ":1");
        assert_eq!(
            wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"{text}"}}"#)),
            "+message maybe_optout",
            "{text}"
        );
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no invalid", "{text}");
    }
    let phone = somebody(&mut wire, &mut number);
    assert_eq!(wire.call(&invalid(&phone)), ":1");
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"see you at six"}}"#)), "+message");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+yes");
}

/// Older gateways write Latin-1; some write numbers where others write texts.
#[test]
fn what_gateways_write_in_their_own_way_is_read() {
    let (_house, mut wire) = with_a_list();
    let mut number = 8_000;
    let ada = somebody(&mut wire, &mut number);
    let mut line = format!(r#"INBOUND {LIST} {ada} {{"text":"ARR"#).into_bytes();
    line.extend_from_slice(b"\xcaT\"}\n");
    wire.send(&line);
    let reply = wire.reply();
    assert!(reply.starts_with(&format!("-BADARG taken {ada} opted out of {LIST} as of now; ")), "{reply}");
    assert_eq!(wire.call(&format!("CHECK {LIST} {ada}")), "+no list_opted_out");
    let bob = somebody(&mut wire, &mut number);
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {bob} {{"text":"hello","id":7}}"#)), "+message");
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {bob} {{"text":"STOP","id":8}}"#)), "+optout");
    assert_eq!(wire.call(&format!("\u{feff}CHECK {LIST} {bob}")), "+no list_opted_out");
    for (code, verdict) in [
        (r#""code":"21610 / 30005""#, "+no invalid"),
        (r#""code":"２１６１０""#, "+no list_opted_out"),
        (r#""code":"Unsubscribed recipient""#, "+no list_opted_out"),
        (r#""code":"odd","reason":"Attempt to send to unsubscribed recipient""#, "+no list_opted_out"),
        (r#""code":"9","provider":"Vonage (EU)""#, "+no list_opted_out"),
        (r#""code":"sender blacklisted""#, "+yes"),
    ] {
        let phone = somebody(&mut wire, &mut number);
        assert_eq!(wire.call(&format!(r"FAILED {LIST} {phone} m {{{code}}}")), ":1");
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), verdict, "{code}");
    }
}

/// The order in which an opt-in without a date and an opt-out were given cannot be known.
#[test]
fn an_opt_in_without_a_date_lifts_nothing_of_an_imported_contact() {
    let (_house, mut wire) = with_a_list();
    let phone = "+14153100007";
    wire.call(&format!(r#"IMPORT {LIST} {{"phone":"{phone}"}}"#));
    assert_eq!(wire.call(&format!("OPTIN {LIST} {phone}")), ":0");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+yes");
    let at = START_MS - HOUR_MS;
    assert_eq!(wire.call(&format!(r#"INBOUND {LIST} {phone} {{"text":"STOP","at":{at}}}"#)), "+optout");
    assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out");
}
