//! Segments: any filter over any history agrees with a plain scan of what GET and CHECK tell.

use std::collections::BTreeMap;

use contactd::model::verdict::StopScope;
use proptest::prelude::*;
use serde_json::Value;

use crate::properties::config;
use crate::support::{House, Wire};

const NOW: i64 = 1_777_636_800_000;
const LISTS: [&str; 2] = ["+14155550100", "24365"];
const PHONES: [&str; 5] = ["+14155552671", "+14155552672", "+14155552673", "+14155552674", "+442079460123"];

/// A filter, and what it means for one contact.
#[derive(Clone, Debug)]
enum Wanted {
    Status(&'static str),
    List(&'static str, &'static str),
    Eligible(&'static str),
    Label(&'static str, &'static str),
    HasLabel(&'static str),
    Day(&'static str, &'static str, &'static str),
    All(Vec<Wanted>),
    Any(Vec<Wanted>),
    Not(Box<Wanted>),
}

impl Wanted {
    fn text(&self) -> String {
        let join = |all: &[Wanted], with: &str| all.iter().map(Wanted::text).collect::<Vec<_>>().join(with);
        match self {
            Wanted::Status(status) => format!("status={status}"),
            Wanted::List(list, status) => format!("list={list}/{status}"),
            Wanted::Eligible(list) => format!("eligible={list}"),
            Wanted::Label(key, value) => format!("label.{key}=\"{value}\""),
            Wanted::HasLabel(key) => format!("label.{key}"),
            Wanted::Day(of, operator, day) => format!("{of}{operator}{day}"),
            Wanted::All(all) => format!("({})", join(all, " ")),
            Wanted::Any(any) => format!("({})", join(any, " OR ")),
            Wanted::Not(one) => format!("NOT {}", one.text()),
        }
    }

    /// Whether it holds for a contact as GET tells it, and as CHECK does.
    fn holds(&self, contact: &Value, says_yes: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Wanted::Status(status) => contact["status"] == *status,
            Wanted::List(list, status) => {
                let on = contact["lists"].as_array().into_iter().flatten();
                on.filter(|on| on["list_removed_at"].is_null()).any(|on| on["list"] == *list && on["status"] == *status)
            }
            Wanted::Eligible(list) => says_yes(list),
            Wanted::Label(key, value) => contact["labels"][key] == *value,
            Wanted::HasLabel(key) => contact["labels"][key].is_string(),
            Wanted::Day(of, operator, day) => {
                let field = if *of == "created" { "created_at" } else { of };
                let Some(date) = contact[field].as_str() else { return false };
                let (date, day) = (&date[..10], *day);
                match *operator {
                    "<" => date < day,
                    "<=" => date <= day,
                    ">" => date > day,
                    ">=" => date >= day,
                    _ => date == day,
                }
            }
            Wanted::All(all) => all.iter().all(|one| one.holds(contact, says_yes)),
            Wanted::Any(any) => any.iter().any(|one| one.holds(contact, says_yes)),
            Wanted::Not(one) => !one.holds(contact, says_yes),
        }
    }
}

fn wanted() -> impl Strategy<Value = Wanted> {
    let list = prop::sample::select(&LISTS[..]);
    let day = prop::sample::select(&["2026-04-29", "2026-04-30", "2026-05-01"][..]);
    let operator = prop::sample::select(&["<", "<=", "=", ">", ">="][..]);
    let one = prop_oneof![
        prop::sample::select(&["active", "opted_out", "suppressed", "invalid"][..]).prop_map(Wanted::Status),
        (list.clone(), prop::sample::select(&["active", "opted_out", "suppressed"][..]))
            .prop_map(|(list, status)| Wanted::List(list, status)),
        list.prop_map(Wanted::Eligible),
        (prop::sample::select(&["state", "tier"][..]), prop::sample::select(&["CA", "New York", "", "gold"][..]))
            .prop_map(|(key, value)| Wanted::Label(key, value)),
        prop::sample::select(&["state", "tier", "none"][..]).prop_map(Wanted::HasLabel),
        (prop::sample::select(&["created", "last_engaged"][..]), operator, day)
            .prop_map(|(of, operator, day)| Wanted::Day(of, operator, day)),
    ];
    one.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Wanted::All),
            prop::collection::vec(inner.clone(), 1..4).prop_map(Wanted::Any),
            inner.prop_map(|one| Wanted::Not(Box::new(one))),
        ]
    })
}

fn request() -> impl Strategy<Value = String> {
    let list = prop::sample::select(&LISTS[..]);
    let phone = prop::sample::select(&PHONES[..]);
    let days = prop::sample::select(&["2026-04-29", "2026-04-30", "2026-05-01"][..]);
    let labels = prop::sample::select(
        &[
            r#"{"state":"CA"}"#,
            r#"{"state":"New York","tier":"gold"}"#,
            r#"{"state":""}"#,
            r#"{"state":null}"#,
            r#"{"tier":null}"#,
        ][..],
    );
    (list, phone, days, labels, 0..14_u8).prop_map(|(list, phone, day, labels, kind)| match kind {
        0..=2 => format!(r#"PUT {phone} {{"labels":{labels}}}"#),
        3 | 4 => format!(r#"OPTIN {list} {phone} {{"at":"{day}T01:00:00Z"}}"#),
        5 => format!(r#"OPTOUT {list} {phone} {{"at":"{day}T02:00:00Z"}}"#),
        6 => format!(r#"OPTOUT * {phone} {{"at":"{day}"}}"#),
        7 => format!("SUPPRESS {list} {phone}"),
        8 => format!("INVALID {phone}"),
        9 => format!(r#"INBOUND {list} {phone} {{"text":"hello","at":"{day}T03:00:00Z"}}"#),
        10 => "FENCE".to_owned(),
        11 => "UNFENCE".to_owned(),
        12 => format!(r#"LIST {list} {{"paused":{}}}"#, day.ends_with('1')),
        _ => format!(r#"IMPORT {list} {{"phone":"{phone}","created_at":"{day}"}}"#),
    })
}

fn agree(wire: &mut Wire, wanted: &[Wanted]) -> Result<(), TestCaseError> {
    let mut contacts = Vec::new();
    for phone in PHONES {
        let told = wire.call(&format!("GET {phone}"));
        if let Some(json) = told.strip_prefix('+') {
            let yes: Vec<bool> = LISTS.map(|list| wire.call(&format!("CHECK {list} {phone}")) == "+yes").into();
            contacts.push((phone, serde_json::from_str::<Value>(json).expect("JSON"), yes));
        }
    }
    for wanted in wanted {
        let matching = contacts.iter().filter(|(_, contact, yes)| {
            let says_yes = |list: &str| LISTS.iter().zip(yes).any(|(known, yes)| *known == list && *yes);
            wanted.holds(contact, &says_yes)
        });
        let mut expected: Vec<String> = matching.map(|(phone, ..)| format!("+{phone}")).collect();
        expected.sort();
        prop_assert_eq!(wire.call(&format!("COUNT {}", wanted.text())), format!(":{}", expected.len()), "{:?}", wanted);
        let mut found: Vec<String> = pages(wire, &wanted.text(), 2);
        found.sort();
        prop_assert_eq!(found, expected, "{:?}", wanted);
    }
    for key in ["state", "tier"] {
        let mut expected = BTreeMap::<&str, u64>::new();
        for value in contacts.iter().filter_map(|(_, contact, _)| contact["labels"][key].as_str()) {
            *expected.entry(value).or_default() += 1;
        }
        let told = label_values(wire, key).into_iter().map(|item| {
            (item["value"].as_str().expect("a text").to_owned(), item["contacts"].as_u64().expect("a number"))
        });
        let expected: Vec<_> = expected.into_iter().map(|(value, contacts)| (value.to_owned(), contacts)).collect();
        prop_assert_eq!(told.collect::<Vec<_>>(), expected, "{}", key);
    }
    prop_assert!(wire.call("VERIFY").starts_with("+ok"));
    Ok(())
}

/// All values of a label, in pages of one.
fn label_values(wire: &mut Wire, key: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = wire.call(&format!("LABELS {key} LIMIT 1{after}"));
        let mut lines = page.lines().skip(1);
        let cursor = lines.next().expect("a cursor")[1..].to_owned();
        all.extend(lines.map(|line| serde_json::from_str::<Value>(&line[1..]).expect("JSON")));
        if cursor == "0" {
            return all;
        }
        after = format!(" AFTER {cursor}");
    }
}

/// All numbers that FIND gives, page by page.
fn pages(wire: &mut Wire, filter: &str, limit: usize) -> Vec<String> {
    let (mut found, mut cursor) = (Vec::new(), "0".to_owned());
    loop {
        let page = wire.call(&format!("FIND {filter} LIMIT {limit} AFTER {cursor}"));
        let mut lines = page.lines().skip(1).map(str::to_owned);
        lines.next().expect("a cursor")[1..].clone_into(&mut cursor);
        found.extend(lines);
        if cursor == "0" {
            return found;
        }
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn any_filter_over_any_history_agrees_with_a_plain_scan(
        requests in prop::collection::vec(request(), 1..60),
        wanted in prop::collection::vec(wanted(), 1..12),
        all in any::<bool>(),
    ) {
        let scope = if all { StopScope::All } else { StopScope::List };
        let house = House::start(scope, NOW);
        let mut wire = house.connect();
        for list in LISTS {
            wire.call(&format!("LIST {list}"));
        }
        // What was counted before is counted again.
        for some in requests.chunks(8) {
            for request in some {
                wire.call(request);
            }
            agree(&mut wire, &wanted)?;
        }
        drop(wire);
        let other = if all { StopScope::List } else { StopScope::All };
        let house = house.reopen(other);
        agree(&mut house.connect(), &wanted)?;
    }
}

/// More contacts than a range of ids holds: what was sealed, what is being sealed and what still grows read alike.
#[test]
fn ranges_of_ids_join_without_a_seam() {
    const CONTACTS: usize = 20_000;
    let house = House::start(StopScope::List, NOW);
    let mut wire = house.connect();
    wire.call("LIST 24365");
    let import = |wire: &mut Wire, n: usize, tier: &str| {
        let (area, line) = (200 + n / 8000, n % 8000);
        let phone = format!("+1{}{}{:04}", [415, 212, 213][area - 200], 555 + line / 4000, 1000 + line % 4000);
        wire.send(format!("IMPORT 24365 {{\"phone\":\"{phone}\",\"labels\":{{\"n\":\"{n}\",\"tier\":\"{tier}\"}}}}\n"));
    };
    for from in (0..CONTACTS).step_by(500) {
        (from..from + 500).for_each(|n| import(&mut wire, n, ["gold", "silver"][n % 2]));
        assert!((0..500).all(|_| wire.reply().starts_with("+created")), "row {from} and on");
    }
    // The labels of old contacts change while their range is being sealed, or after.
    for n in (0..CONTACTS).step_by(100) {
        import(&mut wire, n, "bronze");
        assert!(wire.reply().starts_with("+updated"), "row {n}");
    }
    let house = {
        let ask = |wire: &mut Wire| {
            assert_eq!(wire.call("COUNT label.tier=bronze"), ":200");
            assert_eq!(wire.call("COUNT eligible=24365 label.tier=gold"), ":9800");
            assert_eq!(wire.call("COUNT label.n=0 OR label.n=16383 OR label.n=16384 OR label.n=19999"), ":4");
            let found = pages(wire, "label.tier=silver", 1000);
            let distinct: std::collections::HashSet<&String> = found.iter().collect();
            assert_eq!((found.len(), distinct.len()), (10_000, 10_000));
            assert!(wire.call("LABELS tier").contains(r#"{"contacts":200,"value":"bronze"}"#));
            assert_eq!(wire.call("VERIFY").split(' ').take(2).collect::<Vec<_>>(), ["+ok", "20000"]);
        };
        ask(&mut wire);
        drop(wire);
        let house = house.reopen(StopScope::List);
        ask(&mut house.connect());
        house
    };
    drop(house);
}
