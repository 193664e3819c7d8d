//! What a person asks for who looks after contactd: TRENDS, CLAIMS, FEED LAST, FIND NEWEST and LISTS, against the plain
//! model and against each other.

use std::collections::BTreeSet;

use contactd::model::verdict::StopScope;
use proptest::prelude::*;
use serde_json::Value;

use crate::pair::only_whole;
use crate::plain::commands::{DAY_MS, START_MS, Step, mixed_with_clock_steps, mostly_sending_with_clock_steps};
use crate::plain::facts::Scope;
use crate::plain::model::Model;
use crate::plain::sending::micros;
use crate::plain::trends::{Sums, claims, sums};
use crate::properties::{config, house, scope, stop_scope};
use crate::support::{House, Wire};
use crate::why::live;

const MINUTE_MS: i64 = 60_000;

/// The items of an array that are JSON, and its first item, if that is a cursor or a position.
fn items(reply: &str) -> (Option<String>, Vec<Value>) {
    let mut lines = reply.lines().skip(1).peekable();
    let first = lines.next_if(|line| !line.starts_with("+{")).map(|line| line[1..].to_owned());
    (first, lines.map(|line| serde_json::from_str(&line[1..]).unwrap_or_else(|_| panic!("{reply}"))).collect())
}

fn number(item: &Value, key: &str) -> usize {
    usize::try_from(item[key].as_u64().unwrap_or_else(|| panic!("{key} of {item}"))).expect("a number")
}

fn sums_of(item: &Value) -> Sums {
    Sums {
        sends: number(item, "sends"),
        failed: number(item, "failed"),
        clicks: number(item, "clicks"),
        bot_clicks: number(item, "bot_clicks"),
        conversions: number(item, "conversions"),
        micros: micros(&item["revenue"].to_string()).expect("an amount"),
    }
}

/// All pages of a verb, so many items each.
fn pages(wire: &mut Wire, request: &str, limit: usize) -> Vec<String> {
    let (mut all, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let reply = wire.call(&format!("{request} LIMIT {limit} AFTER {after}"));
        let mut lines = reply.lines().skip(1).map(|line| line[1..].to_owned());
        after = lines.next().expect("a cursor");
        let page: Vec<String> = lines.collect();
        assert!(page.len() <= limit);
        all.extend(page);
        if after == "0" {
            return all;
        }
    }
}

fn story() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![mixed_with_clock_steps(60), mostly_sending_with_clock_steps(60)]
}

proptest! {
    #![proptest_config(config(40))]

    #[test]
    fn days_and_claims_agree_with_the_model(steps in story(), scope in scope(), limit in 1_usize..4) {
        let mut model = Model::new(scope);
        let house = house(scope, START_MS);
        let mut wire = house.connect();
        let now = live(&mut model, &house, &mut wire, &steps) + 3 * MINUTE_MS;
        house.set_clock(now);
        drop(wire);
        let house = house.reopen(stop_scope(scope));
        let mut wire = house.connect();
        let log = steps.iter().map(|step| step.command.line()).collect::<Vec<_>>().join("\n");

        let (_, days) = items(&wire.call("TRENDS * DAYS 4"));
        prop_assert_eq!(days.len(), 4);
        for (ago, day) in days.iter().rev().enumerate() {
            let expected = sums(&model, now / DAY_MS - i64::try_from(ago).expect("a day"));
            prop_assert_eq!(sums_of(day), expected, "{} days ago: {}\n{}", ago, day, log);
        }
        // A list's days add up to what LISTS says of 30 days.
        for list in items(&wire.call("LISTS")).1 {
            let (_, days) = items(&wire.call(&format!("TRENDS {}", list["list"].as_str().expect("a list"))));
            prop_assert_eq!(days.len(), 30);
            let sum = |key: &str| days.iter().map(|day| number(day, key)).sum::<usize>();
            prop_assert_eq!((sum("sends"), sum("opt_outs")), (number(&list, "sends_30d"), number(&list, "opt_outs_30d")));
        }

        let told: Vec<Value> = pages(&mut wire, "CLAIMS", limit).iter().map(|item| serde_json::from_str(item).expect("JSON")).collect();
        let text = |item: &Value, key: &str| item[key].as_str().expect("a text").to_owned();
        let at = |item: &Value| chrono::DateTime::parse_from_rfc3339(&text(item, "at")).expect("a date").timestamp_millis();
        let found: BTreeSet<_> =
            told.iter().map(|item| (text(item, "list"), text(item, "phone"), text(item, "id"), at(item))).collect();
        prop_assert_eq!(found.len(), told.len(), "each once");
        prop_assert_eq!(found, claims(&model, now), "{}", log);
    }

    #[test]
    fn the_newest_first_is_the_other_order(steps in mixed_with_clock_steps(40), limit in 1_usize..4, last in 1_usize..30) {
        if only_whole("contacts are in order within a partition alone") {
            return Ok(());
        }
        let house = house(Scope::List, START_MS);
        let mut wire = house.connect();
        live(&mut Model::new(Scope::List), &house, &mut wire, &steps);
        for filter in ["", " status=active", " NOT label.city"] {
            let mut forth = pages(&mut wire, &format!("FIND{filter}"), limit);
            forth.reverse();
            prop_assert_eq!(forth, pages(&mut wire, &format!("FIND{filter} NEWEST"), limit));
        }
        let now = wire.call("FEED");
        let first = now.trim_start_matches("*1\n+").split('.').map(|of| format!("{}-1", of.split('-').next().expect("an epoch")));
        let first = first.collect::<Vec<_>>().join(".");
        let (_, all) = items(&wire.call(&format!("FEED {first} LIMIT 1000")));
        let (position, newest) = items(&wire.call(&format!("FEED LAST {last}")));
        let expected: Vec<Value> = all.iter().rev().take(last).cloned().collect();
        prop_assert_eq!(newest, expected);
        let (after, none) = items(&wire.call(&format!("FEED {}", position.clone().expect("a position"))));
        prop_assert_eq!((after, none.len()), (position, 0), "one can go on from there");
    }
}

#[test]
fn lists_are_ordered_and_come_in_pages() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    let made = ["72345", "+442071838750", "24365", "+14155550100", "99999"];
    for list in made {
        wire.call(&format!("LIST {list}"));
    }
    wire.call("UNLIST 99999");
    wire.call("OPTOUT 55555 +14155552671");
    let ordered = ["+14155550100", "+442071838750", "24365", "72345"];
    let numbers = |reply: &str| -> Vec<String> {
        items(reply).1.iter().map(|list| list["list"].as_str().expect("a number").to_owned()).collect()
    };
    assert_eq!(numbers(&wire.call("LISTS")), ordered);
    assert_eq!(numbers(&wire.call("LISTS LIMIT 3")), ordered[..3]);
    assert_eq!(numbers(&wire.call("LISTS LIMIT 3 AFTER 24365")), ordered[3..]);
    // The number behind which a page begins need not be a list any more.
    assert_eq!(numbers(&wire.call("LISTS AFTER 20000")), ordered[2..]);
    assert_eq!(numbers(&wire.call("lists 72345 +14155550100 72345")), ["72345", "+14155550100", "72345"]);
    for (request, error) in [
        ("LISTS 24365 99999", "-NOLIST 99999"),
        ("LISTS 55555", "-NOLIST 55555"),
        ("LISTS spring", "-BADARG 'spring'"),
        ("LISTS LIMIT 0", "-BADARG LIMIT"),
        ("LISTS LIMIT 1001", "-LIMIT"),
        ("LISTS AFTER spring", "-BADARG 'spring'"),
        ("LISTS 24365 AFTER 24365", "-BADARG LISTS takes"),
        ("FEED LAST 0", "-BADARG LAST"),
        ("FEED LAST 1001", "-LIMIT LAST"),
        ("FEED LAST", "-LIMIT the position 'LAST'"),
        ("TRENDS 24365 DAYS 1001", "-LIMIT DAYS"),
        ("TRENDS 24365 30", "-ERR usage"),
        ("TRENDS 24365 DAYS", "-ERR usage"),
        ("CLAIMS 24365", "-ERR usage"),
        ("CLAIMS AFTER 1-2", "-BADARG '1-2'"),
        ("COUNT NEWEST", "-BADARG in column 1"),
        ("FIND NEWEST AFTER 7", "-BADARG '7'"),
    ] {
        let reply = wire.call(request);
        assert!(reply.starts_with(error), "{request}: {reply}");
    }
    let many = vec!["24365"; 1001].join(" ");
    assert!(wire.call(&format!("LISTS {many}")).starts_with("-LIMIT LISTS takes at most 1000"));
}

/// A worker has died, long ago: the claim is found behind more events than one page looks at, and after its id was
/// forgotten; and no events are looked at once none is left.
#[test]
fn an_old_claim_is_found_behind_many_events() {
    if only_whole("a page looks at so many events of each partition") {
        return;
    }
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    wire.call("LIST 24365");
    wire.call("OPTIN 24365 +14155552671");
    wire.call("OPTIN 24365 +14155552672");
    assert_eq!(wire.call("CLAIM 24365 +14155552671 lost"), "+yes");
    assert_eq!(wire.call("CLAIM 24365 +14155552672 taken"), "+yes");
    assert_eq!(wire.call("FAILED 24365 +14155552672 taken"), ":1");
    // The ids of 300 more messages crowd the first two out.
    for phone in ["+14155552671", "+14155552672"] {
        let sent: Vec<String> = (0..300).map(|n| format!("SENT 24365 {phone} m-{n}")).collect();
        assert!(wire.call_all(&sent).iter().all(|reply| reply == ":1"));
    }
    let clicks: Vec<String> = (0..51_000).map(|_| "CLICK 24365 +14155552672".to_owned()).collect();
    assert!(wire.call_all(&clicks).iter().all(|reply| reply == ":1"));
    house.set_clock(START_MS + 5 * MINUTE_MS);
    let (cursor, page) = items(&wire.call("CLAIMS"));
    assert!(page.is_empty() && cursor.as_deref().is_some_and(|cursor| cursor != "0"), "{cursor:?} {page:?}");
    let all = pages(&mut wire, "CLAIMS", 100);
    assert_eq!(all.len(), 1, "{all:?}");
    assert!(all[0].contains("\"id\":\"lost\""), "{all:?}");
    house.set_clock(START_MS + 40 * DAY_MS);
    assert_eq!(wire.call("CLAIMS"), "*1\n+0", "only 30 days are looked at");
}

/// The pause is found behind more events of lists than one page of their history looks at.
#[test]
fn a_list_that_was_paused_long_ago_says_when() {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    wire.call(r#"LIST 24365 {"paused":true}"#);
    house.set_clock(START_MS + DAY_MS);
    let renames: Vec<String> = (0..10_050).map(|n| format!(r#"LIST 24366 {{"name":"{n}"}}"#)).collect();
    assert!(wire.call_all(&renames).iter().all(|reply| !reply.starts_with('-')));
    let reply = wire.call("HISTORY * KIND scope");
    assert!(reply.starts_with("*1\n+l"), "a page ends, and there is more: {reply}");
    assert!(wire.call("WHY 24365 +14155552671").contains("24365 is paused (since 2026-05-01 04:00:00 UTC)"));
}
