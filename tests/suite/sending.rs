//! Sending and history: replies and totals against the plain model, and HISTORY against the totals.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use contactd::store::Retention;
use proptest::prelude::*;
use serde_json::Value;

use crate::plain::commands::{
    Command, DAY_MS, FIRST_MS, LISTS, PHONES, START_MS, mostly_sending_with_clock_steps, time,
};
use crate::plain::facts::Scope;
use crate::plain::model::Model;
use crate::plain::sending::{IdUse, micros};
use crate::properties::{agrees_with_the_model, config, house, scope, stop_scope};
use crate::support::{House, Removal, Wire};

proptest! {
    #![proptest_config(config(60))]

    #[test]
    fn every_reply_about_sending_agrees_with_the_model(
        steps in mostly_sending_with_clock_steps(60),
        scope in scope(),
        holds in any::<bool>(),
    ) {
        agrees_with_the_model(&steps, scope, holds)?;
    }
}

/// The first line of a reply of several, without its sign, and the JSON of the others.
pub fn page(reply: &str) -> (String, Vec<Value>) {
    let mut lines = reply.lines().skip(1);
    let first = lines.next().and_then(|line| line.strip_prefix('+')).unwrap_or_else(|| panic!("no page: {reply}"));
    let item = |line: &str| serde_json::from_str(line.trim_start_matches('+')).expect("JSON");
    (first.to_owned(), lines.map(item).collect())
}

/// Everything HISTORY has of a contact, newest first, page by page.
fn history(wire: &mut Wire, of: &str, limit: usize) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let (cursor, items) = page(&wire.call(&format!("HISTORY {of} LIMIT {limit}{after}")));
        assert!(items.len() <= limit, "{of}: {} of {limit}", items.len());
        all.extend(items);
        if cursor == "0" {
            return all;
        }
        after = format!(" AFTER {cursor}");
    }
}

pub fn text<'a>(item: &'a Value, key: &str) -> &'a str {
    item[key].as_str().unwrap_or_default()
}

fn amount(item: &Value) -> i64 {
    let said = item["amount"].as_str().map_or_else(|| item["amount"].to_string(), str::to_owned);
    micros(&said).unwrap_or_else(|| panic!("no amount: {item}"))
}

pub fn count(contact: &Value, key: &str) -> usize {
    contact[key].as_u64().unwrap_or(0).try_into().expect("a count")
}

fn newest<'a>(dates: impl Iterator<Item = &'a str>) -> &'a str {
    dates.max().unwrap_or_default()
}

/// The totals and dates of GET are what the items of HISTORY add up to.
fn adds_up(contact: &Value, items: &[Value]) -> Result<(), TestCaseError> {
    // The newest step of a message is its state.
    let mut messages: BTreeMap<(&str, &str), Vec<&Value>> = BTreeMap::new();
    for item in items.iter().filter(|item| item["kind"] == "send") {
        messages.entry((text(item, "list"), text(item, "id"))).or_default().push(item);
    }
    let sent = messages.values().filter(|steps| steps[0]["state"] != "failed");
    let sent_at = |steps: &[&'_ Value]| {
        let first = steps.iter().rev().find(|step| step["state"] != "failed");
        first.map(|step| text(step, "at").to_owned()).unwrap_or_default()
    };
    let of = |kind: &'static str| items.iter().filter(move |item| item["kind"] == kind);
    let by_bot = |item: &&Value| item["bot"] == true;
    let engaged = of("click")
        .filter(|item| !by_bot(item))
        .chain(of("conversion").filter(|item| amount(item) >= 0))
        .chain(of("optin"))
        .chain(of("inbound").filter(|item| item["meaning"] != "optout"));
    let last_engaged = newest(engaged.map(|item| text(item, "at")));
    let sends: Vec<String> = sent.map(|steps| sent_at(steps)).collect();

    prop_assert_eq!(count(contact, "total_sends"), sends.len(), "total_sends");
    prop_assert_eq!(
        count(contact, "sends_since_engaged"),
        sends.iter().filter(|at| at.as_str() > last_engaged).count(),
        "sends_since_engaged"
    );
    prop_assert_eq!(count(contact, "total_clicks"), of("click").filter(|item| !by_bot(item)).count(), "total_clicks");
    prop_assert_eq!(count(contact, "total_bot_clicks"), of("click").filter(by_bot).count(), "total_bot_clicks");
    let bought = of("conversion").filter(|item| amount(item) >= 0).count();
    prop_assert_eq!(count(contact, "total_conversions"), bought, "total_conversions");
    prop_assert_eq!(
        micros(&contact["total_revenue"].to_string()),
        Some(of("conversion").map(amount).sum()),
        "total_revenue"
    );
    let clicked = of("click").filter(|item| !by_bot(item)).map(|item| text(item, "at"));
    prop_assert_eq!(text(contact, "last_clicked"), newest(clicked), "last_clicked");
    prop_assert_eq!(text(contact, "last_engaged"), last_engaged, "last_engaged");
    // One that may want out may be a phone's own answer that the number is dead.
    let inbound = of("inbound").filter(|item| item["meaning"] != "maybe_optout").map(|item| text(item, "at"));
    prop_assert_eq!(text(contact, "last_inbound"), newest(inbound), "last_inbound");
    Ok(())
}

const KINDS: [&str; 13] = [
    "send",
    "click",
    "conversion",
    "inbound",
    "optin",
    "optout",
    "suppress",
    "release",
    "invalid",
    "valid",
    "subscribe",
    "purge",
    "erase",
];

fn is_of(item: &Value, kind: &str) -> bool {
    item["kind"] == kind || item["kind"] == "inbound" && matches!(kind, "optin" | "optout") && item["meaning"] == kind
}

/// What HISTORY tells of clicks and conversions, as the model knows them, oldest first.
fn deeds(model: &Model, phone: &str) -> Vec<String> {
    let deeds = model.contacts.get(phone).into_iter().flat_map(|contact| &contact.sending.deeds);
    deeds
        .map(|deed| {
            let what = match deed.what {
                IdUse::Click { bot } => format!("click bot {bot}"),
                IdUse::Conversion { micros } => format!("conversion {micros}"),
            };
            format!(
                "{what} {} {:?} {:?} at {} seen {}",
                deed.list,
                deed.id,
                deed.message,
                time(deed.at),
                time(deed.seen_at)
            )
        })
        .collect()
}

fn deeds_told(items: &[Value]) -> Vec<String> {
    let deeds = items.iter().rev().filter(|item| item["kind"] == "click" || item["kind"] == "conversion");
    deeds
        .map(|item| {
            let what = if item["kind"] == "click" {
                format!("click bot {}", item["bot"] == true)
            } else {
                format!("conversion {}", amount(item))
            };
            let (id, message) = (item["id"].as_str(), item["message"].as_str());
            format!(
                "{what} {} {id:?} {message:?} at {} seen {}",
                text(item, "list"),
                text(item, "at"),
                text(item, "seen_at")
            )
        })
        .collect()
}

fn histories_are_whole(house: &House, model: &Model) -> Result<(), TestCaseError> {
    let mut wire = house.connect();
    for phone in PHONES {
        let told = wire.call(&format!("GET {phone}"));
        let Some(json) = told.strip_prefix('+') else {
            prop_assert_eq!(wire.call(&format!("HISTORY {phone}")), "$-1");
            continue;
        };
        let contact: Value = serde_json::from_str(json).expect("JSON");
        let whole = history(&mut wire, phone, 1_000);
        for limit in [1, 2, 100] {
            prop_assert_eq!(&history(&mut wire, phone, limit), &whole, "{} in pages of {}", phone, limit);
        }
        for kinds in KINDS.map(|kind| vec![kind]).into_iter().chain([vec!["click", "send"], vec!["optout", "optin"]]) {
            let of: Vec<Value> =
                whole.iter().filter(|item| kinds.iter().any(|kind| is_of(item, kind))).cloned().collect();
            let asked = format!("{phone} KIND {}", kinds.join(","));
            prop_assert_eq!(&history(&mut wire, &asked, 2), &of, "{}", asked);
        }
        let mut log = format!("GET {phone} -> {told}\n");
        log.extend(whole.iter().map(|item| format!("{item}\n")));
        adds_up(&contact, &whole).map_err(|error| TestCaseError::fail(format!("{error}\n{log}")))?;
        prop_assert_eq!(deeds_told(&whole), deeds(model, phone), "{}", log);
    }
    Ok(())
}

pub fn with_log(log: &str) -> impl Fn(TestCaseError) -> TestCaseError {
    move |error| TestCaseError::fail(format!("{error}\n{log}"))
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn totals_are_what_history_adds_up_to(steps in mostly_sending_with_clock_steps(60), scope in scope()) {
        let mut model = Model::new(scope);
        let mut now = START_MS;
        let house = house(scope, now);
        let mut wire = house.connect();
        let mut log = String::new();
        for step in &steps {
            now += step.wait_ms;
            house.set_clock(now);
            // A message whose date cannot be read proves nothing of the number, and HISTORY does not say which one that was.
            if matches!(step.command, Command::Inbound { at: Some(at), .. } if at.ms < FIRST_MS) {
                continue;
            }
            model.run(&step.command, now);
            let _ = writeln!(log, "{now} {} -> {}", step.command.line(), wire.call(&step.command.line()));
        }
        drop(wire);
        histories_are_whole(&house, &model).map_err(with_log(&log))?;
        let house = house.reopen(stop_scope(scope));
        histories_are_whole(&house, &model).map_err(with_log(&log))?;
    }
}

/// Ids are remembered for thirty days by the time contactd saw them; after that they may be used again, and the totals
/// stay.
#[test]
fn ids_are_remembered_for_thirty_days() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let phone = PHONES[0];
    wire.call(&format!("LIST {}", LISTS[1]));
    for (request, reply) in [
        ("OPTIN 72345 {} {\"at\":\"2026-04-01\"}", ":1"),
        ("CLAIM 72345 {} a", "+yes"),
        ("SENT 72345 {} b {\"at\":\"2026-03-01\"}", ":1"),
        ("SENT 72345 {} f", ":1"),
        ("FAILED 72345 {} c {\"code\":30003}", ":1"),
        ("CLICK 72345 {} {\"id\":\"d\",\"at\":\"2026-03-01\"}", ":1"),
        ("CONVERT 72345 {} 1.5 {\"id\":\"e\",\"at\":\"2026-03-01\"}", ":1"),
    ] {
        assert_eq!(wire.call(&request.replace("{}", phone)), reply, "{request}");
    }
    house.set_clock(START_MS + 29 * DAY_MS);
    for (request, reply) in [
        ("CLAIM 72345 {} a", "+dup claimed"),
        ("CLAIM 72345 {} b", "+dup sent"),
        ("CLAIM 72345 {} c", "+dup failed"),
        ("CLICK 72345 {} {\"id\":\"d\"}", ":0"),
        ("CONVERT 72345 {} 1.5 {\"id\":\"e\"}", ":0"),
    ] {
        assert_eq!(wire.call(&request.replace("{}", phone)), reply, "after 29 days: {request}");
    }
    house.set_clock(START_MS + 31 * DAY_MS);
    for (request, reply) in [
        ("CLAIM 72345 {} a", "+yes"),
        ("CLAIM 72345 {} b", "+yes"),
        ("CLAIM 72345 {} c", "+yes"),
        // A failure of which the send is forgotten takes none back.
        ("FAILED 72345 {} f", ":1"),
        ("CLICK 72345 {} {\"id\":\"d\"}", ":1"),
        ("CONVERT 72345 {} 1.5 {\"id\":\"e\"}", ":1"),
    ] {
        assert_eq!(wire.call(&request.replace("{}", phone)), reply, "after 31 days: {request}");
    }
    let contact: Value = serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON");
    assert_eq!(count(&contact, "total_sends"), 6, "{contact}");
    assert_eq!(count(&contact, "total_clicks"), 2, "{contact}");
    assert_eq!(micros(&contact["total_revenue"].to_string()), Some(3_000_000), "{contact}");
}

/// Sends beyond those whose ids are remembered count as well when an engagement comes late.
#[test]
fn a_late_engagement_counts_all_sends_again() {
    const SENDS: i64 = 300;
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let phone = PHONES[0];
    let date = |day: i64| time(START_MS + (day - SENDS - 1) * DAY_MS);
    wire.call(&format!("LIST {}", LISTS[1]));
    for day in 0..SENDS {
        wire.send(format!("SENT {} {phone} m-{day} {{\"at\":\"{}\"}}\n", LISTS[1], date(day)));
    }
    assert!((0..SENDS).all(|_| wire.reply() == ":1"));
    assert_eq!(wire.call(&format!("FAILED {} {phone} m-{}", LISTS[1], SENDS - 1)), ":1");
    let mut since = |day: i64| {
        assert_eq!(wire.call(&format!("CLICK {} {phone} {{\"at\":\"{}\"}}", LISTS[1], date(day))), ":1");
        let contact: Value = serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON");
        assert_eq!(count(&contact, "total_sends"), 299, "{contact}");
        count(&contact, "sends_since_engaged")
    };
    assert_eq!([10, 5, 200, 298].map(&mut since), [288, 288, 98, 0]);
}

/// Whoever reads a history page by page gets what there was when he began, whatever comes in meanwhile.
#[test]
fn history_pages_join_while_more_comes_in() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let phone = PHONES[0];
    wire.call(&format!("LIST {}", LISTS[1]));
    for n in 0..150 {
        let request = match n % 3 {
            0 => format!("SENT {} {phone} m-{n}", LISTS[1]),
            1 => format!("CLICK {} {phone} {{\"id\":\"c-{n}\",\"message\":\"m-{}\"}}", LISTS[1], n - 1),
            _ => format!("INBOUND {} {phone} {{\"text\":\"{n} times\",\"id\":\"i-{n}\"}}", LISTS[1]),
        };
        wire.send(request + "\n");
        let told = wire.reply();
        assert!(told == ":1" || told == "+message", "{told}");
    }
    let whole = history(&mut wire, phone, 1_000);
    assert_eq!(whole.len(), 150);
    let ids: Vec<&str> = whole.iter().rev().map(|item| text(item, "id")).collect();
    let expected: Vec<String> = (0..150).map(|n| format!("{}-{n}", ["m", "c", "i"][n % 3])).collect();
    assert_eq!(ids, expected, "in the order in which it was told");
    for (of, limit) in [(String::new(), 7), (" KIND click".to_owned(), 5), (" KIND click,inbound".to_owned(), 1)] {
        let there: Vec<Value> = history(&mut wire, &format!("{phone}{of}"), 1_000);
        let (mut read, mut after, mut page_number) = (Vec::new(), String::new(), 0);
        loop {
            let (cursor, items) = page(&wire.call(&format!("HISTORY {phone}{of} LIMIT {limit}{after}")));
            read.extend(items);
            page_number += 1;
            let click = format!("CLICK {} {phone} {{\"id\":\"while{of}-{page_number}\"}}", LISTS[1]);
            assert_eq!(wire.call(&click), ":1");
            if cursor == "0" {
                break;
            }
            after = format!(" AFTER {cursor}");
        }
        assert_eq!(read, there, "{of}");
    }
}

fn stat(wire: &mut Wire, name: &str) -> String {
    let told = wire.call("STATS");
    let line = told.lines().find_map(|line| line.strip_prefix(&format!("+{name} ")));
    line.unwrap_or_else(|| panic!("no {name}: {told}")).to_owned()
}

/// Claims of which nobody has told what became of them are counted five minutes later, until somebody does.
#[test]
fn unresolved_claims_are_counted() {
    const MINUTE_MS: i64 = 60_000;
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let phone = PHONES[0];
    wire.call(&format!("LIST {}", LISTS[1]));
    wire.call(&format!("OPTIN {} {phone}", LISTS[1]));
    for id in ["a", "b", "c"] {
        assert_eq!(wire.call(&format!("CLAIM {} {phone} {id}", LISTS[1])), "+yes");
    }
    assert_eq!(stat(&mut wire, "claims_unresolved"), "0");
    house.set_clock(START_MS + 4 * MINUTE_MS);
    assert_eq!(stat(&mut wire, "claims_unresolved"), "0");
    house.set_clock(START_MS + 6 * MINUTE_MS);
    assert_eq!(stat(&mut wire, "claims_unresolved"), "3");
    assert_eq!(wire.call(&format!("SENT {} {phone} a", LISTS[1])), ":1");
    assert_eq!(wire.call(&format!("FAILED {} {phone} b", LISTS[1])), ":1");
    assert_eq!(wire.call(&format!("SENT {} {phone} d", LISTS[1])), ":1");
    assert_eq!(stat(&mut wire, "claims_unresolved"), "1");
    drop(wire);
    let house = house.reopen(stop_scope(Scope::List));
    let mut wire = house.connect();
    assert_eq!(stat(&mut wire, "claims_unresolved"), "1");
    assert_eq!(wire.call(&format!("SENT {} {phone} c", LISTS[1])), ":1");
    assert_eq!(stat(&mut wire, "claims_unresolved"), "0");
}

/// Thirty days long, however soon ids are forgotten.
#[test]
fn unresolved_claims_are_counted_for_thirty_days() {
    let keep = Retention { messages: DAY_MS, ..Retention::default() };
    let house = House::removing(stop_scope(Scope::List), START_MS, Removal { keep, ..Removal::default() });
    let mut wire = house.connect();
    let (list, phone) = (LISTS[1], PHONES[0]);
    wire.call(&format!("LIST {list}"));
    wire.call(&format!("OPTIN {list} {phone}"));
    assert_eq!(wire.call(&format!("CLAIM {list} {phone} a")), "+yes");
    house.set_clock(START_MS + 2 * DAY_MS);
    assert_eq!(wire.call(&format!("FAILED {list} {phone} a")), ":1", "of an id that is forgotten");
    for (days, claims) in [(2, "1"), (29, "1"), (30, "0")] {
        house.set_clock(START_MS + days * DAY_MS);
        assert_eq!(stat(&mut wire, "claims_unresolved"), claims, "after {days} days");
    }
}

/// LISTS counts the sends of the last thirty days that have not failed, and the opt-outs of members.
#[test]
fn lists_tell_the_opt_outs_per_send() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    wire.call(&format!("LIST {}", LISTS[1]));
    let phones: Vec<String> = (0..12).map(|n| format!("+1415555{:04}", 1_000 + n)).collect();
    for phone in &phones {
        assert_eq!(wire.call(&format!("OPTIN {} {phone} {{\"at\":\"2026-04-01\"}}", LISTS[1])), ":1");
        for n in 0..10 {
            assert_eq!(wire.call(&format!("CLAIM {} {phone} m-{n}", LISTS[1])), "+yes");
        }
        assert_eq!(wire.call(&format!("FAILED {} {phone} m-0 {{\"code\":30007}}", LISTS[1])), ":1");
    }
    let told = |wire: &mut Wire| {
        let told = wire.call("LISTS");
        let list: Value =
            serde_json::from_str(told.lines().nth(1).expect("a list").trim_start_matches('+')).expect("JSON");
        let (sends, outs) = (list["sends_30d"].to_string(), list["opt_outs_30d"].to_string());
        (sends, outs, list["opt_out_rate_30d"].to_string(), list["opt_out_rate_high"] == true)
    };
    let expected =
        |sends: &str, outs: &str, rate: &str, high| (sends.to_owned(), outs.to_owned(), rate.to_owned(), high);
    assert_eq!(told(&mut wire), expected("108", "0", "0.0", false));
    assert_eq!(wire.call(&format!("OPTOUT {} {}", LISTS[1], phones[0])), ":1");
    // Again, and of one who was no member.
    assert_eq!(wire.call(&format!("OPTOUT {} {}", LISTS[1], phones[0])), ":0");
    assert_eq!(wire.call(&format!("OPTOUT {} {}", LISTS[1], PHONES[0])), ":1");
    assert_eq!(told(&mut wire), expected("108", "1", "0.0093", false));
    assert_eq!(wire.call(&format!("INBOUND {} {} {{\"text\":\"stopall\"}}", LISTS[1], phones[1])), "+optout");
    assert_eq!(told(&mut wire), expected("108", "2", "0.0185", false));
    // One who came back and leaves again.
    house.set_clock(START_MS + 2_000);
    let came_back = time(START_MS + 1_000);
    assert_eq!(wire.call(&format!("OPTIN {} {} {{\"at\":\"{came_back}\"}}", LISTS[1], phones[0])), ":1");
    assert_eq!(wire.call(&format!("OPTOUT {} {}", LISTS[1], phones[0])), ":1");
    assert_eq!(told(&mut wire), expected("108", "3", "0.0278", true));
    drop(wire);
    let house = house.reopen(stop_scope(Scope::List));
    let mut wire = house.connect();
    assert_eq!(told(&mut wire), expected("108", "3", "0.0278", true));
    house.set_clock(START_MS + 32 * DAY_MS);
    assert_eq!(wire.call(&format!("CLAIM {} {} m-99", LISTS[1], phones[2])), "+yes");
    assert_eq!(told(&mut wire), expected("1", "0", "0.0", false));
}

fn contact(wire: &mut Wire, phone: &str) -> Value {
    serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON")
}

/// One message whose failure is told with one code and then with another: each is taken once, and a repetition does not
/// opt out again whoever has come back.
#[test]
fn a_failure_told_again_forbids_nothing_again() {
    for codes in [["30005", "21610"], ["21610", "30005"]] {
        let house = house(Scope::List, START_MS);
        let mut wire = house.connect();
        let (list, phone) = (LISTS[1], PHONES[0]);
        wire.call(&format!("LIST {list}"));
        for code in codes {
            assert_eq!(wire.call(&format!("FAILED {list} {phone} m {{\"code\":{code}}}")), ":1", "{code}");
        }
        assert_eq!(contact(&mut wire, phone)["status"], "invalid");
        house.set_clock(START_MS + DAY_MS);
        assert_eq!(wire.call(&format!("VALID {phone}")), ":1");
        let came_back = time(START_MS + DAY_MS - 1_000);
        assert_eq!(wire.call(&format!("OPTIN {list} {phone} {{\"at\":\"{came_back}\"}}")), ":1");
        for code in codes {
            assert_eq!(wire.call(&format!("FAILED {list} {phone} m {{\"code\":{code}}}")), ":0", "{codes:?}: {code}");
            assert_eq!(wire.call(&format!("CHECK {list} {phone}")), "+yes", "{codes:?}: {code}");
        }
    }
}

/// A failure may forbid: it is taken whatever its code, of which 64 bytes are kept.
#[test]
fn a_code_that_is_too_long_is_cut() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let code = "x".repeat(65);
    let request = format!(r#"FAILED {} {} m {{"code":"{code}","permanent":true}}"#, LISTS[1], PHONES[0]);
    assert_eq!(wire.call(&request), ":1");
    assert_eq!(contact(&mut wire, PHONES[0])["status"], "invalid");
    assert_eq!(history(&mut wire, &format!("{} KIND send", PHONES[0]), 10)[0]["code"], code[..64]);
}

/// `permanent` says whether the number exists, whatever the code; an opt-out is one, whatever `permanent` says.
#[test]
fn permanent_speaks_of_the_number_and_the_code_of_the_person() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let list = LISTS[1];
    wire.call(&format!("LIST {list}"));
    for (n, (said, status, on_list, soft)) in [
        (r#"{"code":21610}"#, "active", "opted_out", 0),
        (r#"{"code":"40300","permanent":true}"#, "invalid", "opted_out", 0),
        (r#"{"code":21610,"permanent":false}"#, "active", "opted_out", 0),
        (r#"{"code":"30005"}"#, "invalid", "active", 0),
        (r#"{"code":30005.0}"#, "invalid", "active", 0),
        (r#"{"code":2.161e4}"#, "active", "opted_out", 0),
        (r#"{"code":30005.5}"#, "active", "active", 0),
        (r#"{"code":30003}"#, "active", "active", 1),
        (r#"{"code":30003,"permanent":true}"#, "invalid", "active", 0),
        (r#"{"code":30007,"permanent":true}"#, "invalid", "active", 0),
        (r#"{"permanent":true}"#, "invalid", "active", 0),
        (r#"{"code":30007}"#, "active", "active", 0),
        (r#"{"permanent":false}"#, "active", "active", 1),
        (r#"{"code":30005,"permanent":false}"#, "active", "active", 1),
        (r#"{"code":30007,"permanent":false}"#, "active", "active", 1),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555{:04}", 1_000 + n);
        assert_eq!(wire.call(&format!("OPTIN {list} {phone} {{\"at\":\"2026-04-01\"}}")), ":1");
        assert_eq!(wire.call(&format!("FAILED {list} {phone} m {said}")), ":1");
        let contact = contact(&mut wire, &phone);
        let seen = (text(&contact, "status"), text(&contact["lists"][0], "status"), count(&contact, "soft_failures"));
        assert_eq!(seen, (status, on_list, soft), "{said}: {contact}");
        // HISTORY tells what was said, an integer without its fraction, and nothing that was not.
        let told = history(&mut wire, &format!("{phone} KIND send"), 10);
        let said: Value = serde_json::from_str(said).expect("JSON");
        let code = said.get("code").map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
        let code = code.map(|code| code.replace("30005.0", "30005").replace("2.161e+4", "21610"));
        assert_eq!(told[0]["code"].as_str().map(str::to_owned), code, "{said}: {}", told[0]);
    }
}

/// A total that an import brings along counts on from there; one that could overflow is refused, with its row.
#[test]
fn no_total_can_overflow() {
    const MOST: u64 = 1_000_000_000_000_000;
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let (list, phone) = (LISTS[1], PHONES[0]);
    wire.call(&format!("LIST {list}"));
    let keys = ["total_sends", "total_clicks", "total_bot_clicks", "total_conversions", "sends_since_engaged"];
    for key in keys {
        for total in [MOST + 1, u64::MAX] {
            let told = wire.call(&format!(r#"IMPORT {list} {{"phone":"{phone}","{key}":{total}}}"#));
            assert_eq!(told, format!("-LIMIT \"{key}\" may be at most {MOST}; this one is {total}"));
        }
    }
    assert_eq!(wire.call(&format!("GET {phone}")), "$-1");
    let totals = keys.map(|key| format!("\"{key}\":{MOST}")).join(",");
    let row = format!(r#"IMPORT {list} {{"phone":"{phone}",{totals}}}"#);
    assert_eq!(wire.call(&row), format!("+created {phone}"));
    for (request, reply) in [
        (format!("CLAIM {list} {phone} m"), "+yes"),
        (format!("CLICK {list} {phone} {{\"bot\":true}}"), ":1"),
        (format!("CLICK {list} {phone} {{\"at\":\"2000-01-01\"}}"), ":1"),
        (format!("CONVERT {list} {phone} 1 {{\"at\":\"2000-01-01\"}}"), ":1"),
    ] {
        assert_eq!(wire.call(&request), reply, "{request}");
    }
    let contact = contact(&mut wire, phone);
    assert_eq!(keys[..4].iter().map(|key| contact[key].as_u64()).collect::<Vec<_>>(), [Some(MOST + 1); 4], "{contact}");
    assert_eq!(count(&contact, "sends_since_engaged"), 1, "imported sends are older than any engagement: {contact}");
}

/// Revenue ends on both sides at the amounts that can be told, so that whatever GET says can be imported.
#[test]
fn revenue_is_bounded_on_both_sides() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let list = LISTS[1];
    wire.call(&format!("LIST {list}"));
    for (sign, phone) in [("", PHONES[0]), ("-", PHONES[1])] {
        let most = format!("{sign}9223372036854.775807");
        for (amount, reply) in [
            (format!("{sign}9223372036854.775808"), "-BADARG"),
            (most.clone(), ":1"),
            (format!("{sign}0.000001"), "-LIMIT"),
            ("0".to_owned(), ":1"),
        ] {
            let told = wire.call(&format!("CONVERT {list} {phone} {amount}"));
            assert!(told.starts_with(reply), "{amount}: {told}");
        }
        assert_eq!(contact(&mut wire, phone)["total_revenue"].to_string(), most);
    }
}
