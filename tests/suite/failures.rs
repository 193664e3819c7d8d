//! FAILED: what a provider's code says of the number, and that nothing which forbids is lost on the way.

use std::collections::BTreeMap;

use contactd::model::failure::{self, Failure};
use serde_json::Value;

use crate::plain::commands::{LISTS, START_MS};
use crate::plain::facts::Scope;
use crate::properties::{house, stop_scope};
use crate::support::{House, Wire};

const DOCUMENT: &str = include_str!("../../protocol.md");

/// The codes in a cell of a table.
fn codes(cell: &str) -> impl Iterator<Item = String> + '_ {
    cell.split('`').skip(1).step_by(2).map(str::to_owned)
}

#[test]
fn the_table_of_providers_is_the_programs() {
    let table = DOCUMENT.split("| provider | the number does not exist |").nth(1).expect("the table");
    let rows = table.lines().skip(2).take_while(|line| line.starts_with('|'));
    let mut told = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').skip(1).collect();
        let provider = codes(cells[0]).next().expect("a provider");
        for (cell, [permanent, opted_out, soft]) in
            cells[1..4].iter().zip([[true, false, false], [false, true, false], [false, false, true]])
        {
            for code in codes(cell) {
                let said = Failure { permanent, opted_out, soft };
                assert_eq!(told.insert((provider.clone(), code.clone()), said), None, "{provider} {code} twice");
            }
        }
    }
    let known: BTreeMap<_, _> =
        failure::rows().map(|(provider, code, said)| ((provider.to_owned(), code.to_owned()), said)).collect();
    assert_eq!(told, known);
}

/// A contact that is subscribed, after one FAILED: its verdict, and what HISTORY has of the failure.
fn after(wire: &mut Wire, phone: &str, said: &str) -> (String, Value) {
    let list = LISTS[1];
    assert_eq!(wire.call(&format!("OPTIN {list} {phone} {{\"at\":\"2026-04-01\"}}")), ":1");
    let reply = wire.call(&format!("FAILED {list} {phone} m {said}"));
    assert!(reply == ":1" || reply.starts_with(&format!("-BADARG taken {phone} ")), "{said}: {reply}");
    let history = wire.call(&format!("HISTORY {phone} KIND send"));
    let item = history.lines().nth(2).unwrap_or_else(|| panic!("{said}: {history}"));
    (wire.call(&format!("CHECK {list} {phone}")), serde_json::from_str(&item[1..]).expect("JSON"))
}

fn with_a_list() -> (House, Wire) {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    assert_eq!(wire.call(&format!("LIST {}", LISTS[1])), "+created");
    (house, wire)
}

#[test]
fn a_code_means_what_its_provider_means() {
    let (_house, mut wire) = with_a_list();
    let (yes, out, invalid) = ("+yes", "+no list_opted_out", "+no invalid");
    for (n, (said, verdict)) in [
        // Plivo's opt-out, Vonage's, Bandwidth's, Sinch's: with the name alone.
        (r#"{"code":"200"}"#, yes),
        (r#"{"provider":"plivo","code":"200"}"#, out),
        (r#"{"provider":"Plivo","code":200}"#, out),
        (r#"{"provider":"vonage","code":"200"}"#, yes),
        (r#"{"code":9}"#, yes),
        (r#"{"provider":"vonage","code":"9"}"#, out),
        (r#"{"provider":"nexmo","code":9.0}"#, out),
        (r#"{"provider":"telnyx","code":"9"}"#, yes),
        (r#"{"code":"4775"}"#, yes),
        (r#"{"provider":"bandwidth","code":4775}"#, out),
        (r#"{"provider":"sinch","code":"257"}"#, out),
        (r#"{"provider":"signalwire","code":"21610"}"#, out),
        (r#"{"provider":"telnyx","code":"40300"}"#, out),
        (r#"{"provider":"telnyx","code":"40001"}"#, invalid),
        (r#"{"code":"40001"}"#, yes),
        (r#"{"provider":"plivo","code":"70"}"#, invalid),
        (r#"{"provider":"vonage","code":"3"}"#, invalid),
        // The same number as spreadsheets write it.
        (r#"{"code":"21610.0"}"#, out),
        (r#"{"code":"2.161E+04"}"#, out),
        (r#"{"code":"'21610"}"#, out),
        (r#"{"code":"30005.0"}"#, invalid),
        (r#"{"provider":"vonage","code":"9.0"}"#, out),
        (r#"{"provider":"vonage","code":"009"}"#, out),
        // An unknown name is not an error, and loses nothing.
        (r#"{"provider":"acme","code":"9"}"#, yes),
        (r#"{"provider":"acme","code":"21610"}"#, out),
        (r#"{"provider":"","code":"21610"}"#, out),
        (r#"{"provider":7,"code":"21610"}"#, out),
        (r#"{"provider":null,"code":"21610"}"#, out),
        (r#"{"provider":"vonage","code":"21610"}"#, yes),
        (r#"{"provider":"vonage"}"#, yes),
        (r#"{"provider":"vonage","code":"7","permanent":true}"#, invalid),
        (r#"{"provider":"plivo","code":"200","permanent":false}"#, out),
        (r#"{"code":"opted_out"}"#, out),
        // Words, in the code or in the reason, and codes in the words.
        (r#"{"code":"STOP received"}"#, out),
        (r#"{"code":"21,610"}"#, out),
        (r#"{"code":"30007","reason":"user replied STOP"}"#, out),
        (r#"{"reason":"Error 21610"}"#, out),
        (r#"{"reason":"please stop texting me"}"#, out),
        (r#"{"reason":"Destinataire désinscrit"}"#, out),
        (r#"{"provider":"vonage","reason":"Error 21610"}"#, yes),
        (r#"{"reason":"number does not exist"}"#, invalid),
        (r#"{"reason":"30005 Unknown destination handset"}"#, invalid),
        (r#"{"code":"UNALLOCATED_NUMBER"}"#, invalid),
        (r#"{"code":"UNALLOCATED_NUMBER","permanent":false}"#, yes),
        (r#"{"reason":"absent subscriber"}"#, yes),
        (r#"{"reason":"phone switched off"}"#, yes),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555{:04}", 1_000 + n);
        assert_eq!(after(&mut wire, &phone, said).0, verdict, "{said}");
    }
}

#[test]
fn whose_code_it_is_tells_who_says_so() {
    let (house, mut wire) = with_a_list();
    let phones = ["+14155551001", "+14155551002", "+14155551003"];
    after(&mut wire, phones[0], r#"{"provider":"Vonage","code":"9"}"#);
    after(&mut wire, phones[1], r#"{"provider":"vonage","code":"9","source":"callback"}"#);
    after(&mut wire, phones[2], &format!(r#"{{"provider":"{}","code":"21610.0"}}"#, "x".repeat(200)));
    drop(wire);
    let house = house.reopen(stop_scope(Scope::List));
    let mut wire = house.connect();
    for (phone, source, reason) in
        [(phones[0], "Vonage", "9"), (phones[1], "callback", "9"), (phones[2], &"x".repeat(128), "21610")]
    {
        let contact: Value = serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON");
        let on = &contact["lists"][0];
        assert_eq!((&on["opted_out_source"], &on["opted_out_reason"]), (&source.into(), &reason.into()));
    }
}

/// The date is not worth an opt-out: what forbids counts as of now, the reply says so, and its history says why. What forbids
/// nothing is refused.
#[test]
fn what_forbids_is_taken_whatever_its_date() {
    let (_house, mut wire) = with_a_list();
    for (n, at) in ["1/2/2024", "yesterday", "?", "0000-00-00 25:00:00", "99999999999999999"].into_iter().enumerate() {
        let phone = format!("+1415555{:04}", 1_000 + n);
        let (verdict, failure) = after(&mut wire, &phone, &format!(r#"{{"code":21610,"at":"{at}"}}"#));
        assert_eq!(verdict, "+no list_opted_out", "{at}");
        assert_eq!(failure["reason"], format!("at \"{at}\" could not be read").as_str());
    }
    for (n, at) in ["17", "true", "{}", "[1]", "-1", "1.5"].into_iter().enumerate() {
        let phone = format!("+1415556{:04}", 1_000 + n);
        let said = format!(r#"{{"permanent":true,"reason":"gone","at":{at}}}"#);
        assert_eq!(after(&mut wire, &phone, &said).1["reason"], format!("at {at} could not be read; gone").as_str());
        assert_eq!(wire.call(&format!("CHECK {} {phone}", LISTS[1])), "+no invalid", "{at}");
    }
    let refused = wire.call(&format!("FAILED {} +14155557000 m {{\"code\":30007,\"at\":\"1/2/2024\"}}", LISTS[1]));
    assert!(refused.starts_with("-BADARG in the JSON: '1/2/2024' is not a time"), "{refused}");
    assert_eq!(wire.call("GET +14155557000"), "$-1");
}
