//! What leaves by age with a purge run, and what stays: to the millisecond, by a clock that the test sets.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};

use contactd::jobs::PurgeSettings;
use contactd::model::change::{Change, Statement, Write};
use contactd::model::phone::Phone;
use contactd::model::purge::Policy;
use contactd::model::verdict::StopScope;
use contactd::store::{Job, Options, Retention, Store};
use serde_json::Value;

use crate::pair::only_whole;
use crate::plain::commands::{DAY_MS, START_MS, time};
use crate::purge::{json, plan, run};
use crate::sending::{page, text};
use crate::stored::Stored;
use crate::support::{House, Removal, Wire, partitions};

const LIST: &str = "24365";
const ADA: &str = "+14155550140";
const BOB: &str = "+14155550141";
const EVENTS_DAYS: i64 = 20;
const MESSAGES_DAYS: i64 = 10;
const FEED_DAYS: i64 = 5;
const CONSENT_DAYS: i64 = 30;

fn house() -> (House, Wire) {
    let policy = Policy { invalid_after: Some(DAY_MS), idle_after: None, sends: 0, idle_max: None };
    let keep = Retention {
        events: EVENTS_DAYS * DAY_MS,
        messages: MESSAGES_DAYS * DAY_MS,
        feed: FEED_DAYS * DAY_MS,
        consent: CONSENT_DAYS * DAY_MS,
    };
    let purge = PurgeSettings { policy, ..PurgeSettings::default() };
    let house = House::removing(StopScope::List, START_MS, Removal { purge, keep, ..Removal::default() });
    let mut wire = house.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    (house, wire)
}

fn purge(wire: &mut Wire) -> Value {
    let plan = plan(wire);
    run(wire, &plan)
}

/// Each by itself, so that each stands in a value of its own.
fn tell(wire: &mut Wire, requests: &[String]) {
    for request in requests {
        let told = wire.call(request);
        assert!(told == ":1" || told == "+yes" || told == "+message" || told.contains("ated"), "{request}: {told}");
    }
}

/// The clock at the last moment at which something of the start stays, and at the first at which it does not.
fn around(days: i64) -> [i64; 2] {
    [START_MS + days * DAY_MS, START_MS + days * DAY_MS + 1]
}

fn kinds(wire: &mut Wire, phone: &str) -> Vec<String> {
    let (_, items) = page(&wire.call(&format!("HISTORY {phone}")));
    items.iter().map(|item| text(item, "kind").to_owned()).collect()
}

#[test]
fn events_leave_after_keep_events_and_consent_stays() {
    let (house, mut wire) = house();
    tell(
        &mut wire,
        &[
            format!("OPTIN {LIST} {ADA} {{\"at\":\"2026-04-01\"}}"),
            format!("CLAIM {LIST} {ADA} m-1"),
            format!("CLICK {LIST} {ADA} {{\"at\":\"2026-04-30\"}}"),
            format!("INBOUND {LIST} {ADA} {{\"text\":\"hello\"}}"),
            format!("SUPPRESS {LIST} {ADA}"),
        ],
    );
    let [last, first] = around(EVENTS_DAYS);
    house.set_clock(last - DAY_MS);
    tell(&mut wire, &[format!("SENT {LIST} {ADA} m-2"), format!("INBOUND {LIST} {BOB} {{\"text\":\"hello\"}}")]);
    let before = json(&wire.call(&format!("GET {ADA}")));
    let all = ["send", "suppress", "inbound", "click", "send", "optin"];
    house.set_clock(last);
    assert_eq!(purge(&mut wire)["events"], 0);
    assert_eq!(kinds(&mut wire, ADA), all);
    house.set_clock(first);
    assert_eq!(purge(&mut wire)["events"], 3);
    assert_eq!(kinds(&mut wire, ADA), ["send", "suppress", "optin"]);
    assert_eq!(kinds(&mut wire, BOB), ["inbound"]);
    assert_eq!(json(&wire.call(&format!("GET {ADA}"))), before, "totals and dates stay");
    drop(wire);
    let house = house.reopen(StopScope::List);
    let mut wire = house.connect();
    assert_eq!(kinds(&mut wire, ADA), ["send", "suppress", "optin"], "after a restart");
    house.set_clock(first + 4_000 * DAY_MS);
    assert_eq!(purge(&mut wire)["events"], 2);
    assert_eq!(kinds(&mut wire, ADA), ["suppress", "optin"], "for ever");
}

#[test]
fn ids_leave_after_keep_messages() {
    let (house, mut wire) = house();
    let repeated = [
        (format!("CLAIM {LIST} {ADA} m-1"), "+dup claimed", "+yes"),
        (format!("CLICK {LIST} {ADA} {{\"id\":\"c-1\"}}"), ":0", ":1"),
        (format!("CONVERT {LIST} {ADA} 5 {{\"id\":\"o-1\"}}"), ":0", ":1"),
        (format!("INBOUND {LIST} {ADA} {{\"text\":\"hello\",\"id\":\"i-1\"}}"), "+message", "+message"),
    ];
    tell(&mut wire, &[format!("OPTIN {LIST} {ADA} {{\"at\":\"2026-04-01\"}}")]);
    tell(&mut wire, &repeated.each_ref().map(|(request, _, _)| request.clone()));
    let [last, first] = around(MESSAGES_DAYS);
    house.set_clock(last - DAY_MS);
    tell(&mut wire, &[format!("CLAIM {LIST} {ADA} m-2")]);
    house.set_clock(last);
    assert_eq!(purge(&mut wire)["ids"], 0);
    for (request, known, _) in &repeated {
        assert_eq!(wire.call(request), *known, "{request}");
    }
    house.set_clock(first);
    assert_eq!(purge(&mut wire)["ids"], 4);
    assert_eq!(purge(&mut wire)["ids"], 0, "they are gone");
    assert_eq!(wire.call(&format!("CLAIM {LIST} {ADA} m-2")), "+dup claimed");
    for (request, _, anew) in &repeated {
        assert_eq!(wire.call(request), *anew, "{request}");
    }
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

#[test]
fn the_feed_leaves_after_keep_feed() {
    let (house, mut wire) = house();
    let (start, _) = page(&wire.call("FEED"));
    tell(&mut wire, &[format!("OPTOUT {LIST} {ADA}"), format!("SUPPRESS {ADA}")]);
    let [last, first] = around(FEED_DAYS);
    house.set_clock(last);
    tell(&mut wire, &[format!("OPTOUT {LIST} {BOB}")]);
    assert_eq!(purge(&mut wire)["feed_entries"], 0);
    let items = page(&wire.call(&format!("FEED {start}"))).1;
    assert_eq!(items.len(), 3);
    house.set_clock(first);
    // The list's creation is one, too, in each partition.
    assert_eq!(purge(&mut wire)["feed_entries"], 2 + partitions());
    let oldest = text(&items[2], "position");
    let told = wire.call(&format!("FEED {start}"));
    assert!(told.starts_with("-LIMIT") && told.contains("has expired") && told.contains(oldest), "{told}");
    assert_eq!(page(&wire.call(&format!("FEED {oldest}"))).1, items[2..]);
    // Of an empty one the present position is there.
    house.set_clock(first + FEED_DAYS * DAY_MS);
    assert_eq!(purge(&mut wire)["feed_entries"], 1);
    let (end, _) = page(&wire.call("FEED"));
    assert!(page(&wire.call(&format!("FEED {end}"))).1.is_empty());
    assert!(wire.call(&format!("FEED {oldest}")).starts_with("-LIMIT"));
}

/// The proof of consent leaves tombstones after `--keep-consent`. What forbids is there for ever.
#[test]
fn consent_leaves_tombstones_after_keep_consent_and_what_forbids_stays() {
    let (house, mut wire) = house();
    let given = time(START_MS - 2 * DAY_MS);
    let phones: Vec<String> = (0..6).map(|n| format!("+1415555{:04}", 1_000 + n)).collect();
    let [early, late, out, out_of_all, held, held_on_all] = [0, 1, 2, 3, 4, 5].map(|n| phones[n].as_str());
    for phone in &phones {
        tell(
            &mut wire,
            &[
                format!("OPTIN {LIST} {phone} {{\"at\":\"{given}\",\"source\":\"shop\"}}"),
                format!("INVALID {phone} {{\"at\":\"{given}\"}}"),
            ],
        );
    }
    let forbidden = time(START_MS - DAY_MS);
    tell(
        &mut wire,
        &[
            format!("OPTOUT {LIST} {out} {{\"at\":\"{forbidden}\",\"reason\":\"told us\"}}"),
            format!("OPTOUT * {out_of_all} {{\"at\":\"{forbidden}\"}}"),
            format!("SUPPRESS {LIST} {held} {{\"at\":\"{forbidden}\"}}"),
            format!("SUPPRESS {held_on_all} {{\"at\":\"{forbidden}\"}}"),
        ],
    );
    let [last, first] = around(CONSENT_DAYS - 2);
    house.set_clock(last);
    let report = purge(&mut wire);
    assert_eq!((&report["purged"], &report["consents"]), (&6.into(), &0.into()), "{report}");
    for phone in &phones {
        assert_eq!(json(&wire.call(&format!("GET {phone}")))["lists"][0]["subscribed_at"], given.as_str());
    }
    // Whoever comes back in time is a member as before.
    tell(&mut wire, &[format!("VALID {early}")]);
    assert_eq!(wire.call(&format!("CHECK {LIST} {early}")), "+yes");

    house.set_clock(first);
    assert_eq!(purge(&mut wire)["consents"], 5);
    for clock in [first, first + 9_000 * DAY_MS] {
        house.set_clock(clock);
        assert_eq!(purge(&mut wire)["consents"], 0);
        let of = |wire: &mut Wire, phone: &str| json(&wire.call(&format!("GET {phone}")));
        assert_eq!(of(&mut wire, late)["lists"], Value::Array(Vec::new()));
        let kept = of(&mut wire, out)["lists"][0].clone();
        assert_eq!((text(&kept, "opted_out_at"), text(&kept, "opted_out_reason")), (&*forbidden, "told us"));
        assert_eq!((&kept["subscribed_at"], &kept["source"]), (&Value::Null, &Value::Null));
        assert_eq!(text(&of(&mut wire, out_of_all), "opted_out_all_at"), forbidden);
        assert_eq!(text(&of(&mut wire, held)["lists"][0], "suppressed_at"), forbidden);
        assert!(phones[1..].iter().all(|phone| of(&mut wire, phone)["invalid_at"] == given.as_str()));
        assert!(wire.call("VERIFY").ends_with(" 5 tombstones"));
    }
    for (phone, verdict) in [
        (late, "+no not_subscribed"),
        (out, "+no list_opted_out"),
        (out_of_all, "+no opted_out"),
        (held, "+no list_suppressed"),
        (held_on_all, "+no suppressed"),
    ] {
        tell(&mut wire, &[format!("VALID {phone}")]);
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), verdict, "{phone}");
        wire.call(&format!("IMPORT {LIST} {{\"phone\":\"{phone}\"}}"));
        let expected = if phone == late { "+yes" } else { verdict };
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), expected, "{phone}");
    }
}

/// A purge between two attempts grants nothing twice, for as long as ids are remembered.
#[test]
fn a_message_is_granted_once_though_its_contact_was_purged() {
    let (house, mut wire) = house();
    for phone in [ADA, BOB] {
        tell(
            &mut wire,
            &[
                format!("OPTIN {LIST} {phone} {{\"at\":\"2026-04-30\"}}"),
                format!("CLAIM {LIST} {phone} m-1"),
                format!("INVALID {phone}"),
            ],
        );
    }
    house.set_clock(START_MS + 2 * DAY_MS);
    assert_eq!(purge(&mut wire)["purged"], 2);
    for (request, reply) in [
        (format!("VALID {ADA}"), ":1"),
        (format!("CLAIM {LIST} {ADA} m-1"), "+dup claimed"),
        (format!("SENT {LIST} {ADA} m-1"), ":1"),
        (format!("CLAIM {LIST} {ADA} m-1"), "+dup sent"),
        (format!("FAILED {LIST} {ADA} m-1"), ":1"),
        (format!("CLAIM {LIST} {ADA} m-2"), "+yes"),
    ] {
        assert_eq!(wire.call(&request), reply, "{request}");
    }
    assert_eq!(json(&wire.call(&format!("GET {ADA}")))["total_sends"], 1);
    let [last, first] = around(MESSAGES_DAYS);
    house.set_clock(last);
    assert_eq!(purge(&mut wire)["consents"], 0);
    let house = house.reopen(StopScope::List);
    let mut wire = house.connect();
    tell(&mut wire, &[format!("VALID {BOB}")]);
    assert_eq!(wire.call(&format!("CLAIM {LIST} {BOB} m-1")), "+dup claimed");
    house.set_clock(first);
    assert_eq!(wire.call(&format!("CLAIM {LIST} {BOB} m-1")), "+yes");
}

/// What proves that a number exists is the phone's word, or the caller's by VALID, and no import's.
#[test]
fn an_import_does_not_lift_invalid_from_whom_was_purged() {
    let (house, mut wire) = house();
    for phone in [ADA, BOB] {
        tell(&mut wire, &[format!("OPTIN {LIST} {phone} {{\"at\":\"2026-04-30\"}}"), format!("INVALID {phone}")]);
    }
    house.set_clock(START_MS + 2 * DAY_MS);
    assert_eq!(purge(&mut wire)["purged"], 2);
    let now = START_MS + 2 * DAY_MS;
    let import = |phone: &str| format!("IMPORT {LIST} {{\"phone\":\"{phone}\",\"last_inbound\":{now}}}");
    assert_eq!(wire.call(&import(ADA)), format!("+kept {ADA} invalid"));
    assert_eq!(wire.call(&format!("CHECK {LIST} {ADA}")), "+no invalid");
    // Who was proven to exist stays so.
    assert_eq!(wire.call(&format!("INBOUND {LIST} {BOB} {{\"text\":\"still me\"}}")), "+message");
    assert_eq!(wire.call(&format!("CHECK {LIST} {BOB}")), "+yes");
}

/// Whoever asks just before it leaves, and is answered just after, hears that it is gone.
#[test]
fn what_left_the_feed_while_it_was_read_is_not_skipped() {
    let clock = Arc::new(AtomicI64::new(START_MS));
    let now = Arc::clone(&clock);
    let dir = tempfile::tempdir().expect("a directory");
    let options = Options::new(dir.path().to_owned(), Arc::new(move || now.load(Ordering::SeqCst)));
    let store = Store::open(options).expect("a store");
    let phone = Phone::from_u64(14_155_550_100).expect("a number");
    let tell_two = || {
        for change in [Change::Suppress(Statement::default()), Change::Release(Statement::default())] {
            let (done, stored) = mpsc::channel();
            let writes = vec![Write::Contact { phone, list: None, change }];
            store.submit(Job {
                writes,
                by: Arc::default(),
                done: Box::new(move |_| done.send(()).expect("to be waited for")),
            });
            stored.recv().expect("stored");
        }
    };
    tell_two();
    let bounds = store.feed_bounds().expect("bounds");
    clock.fetch_add(40 * DAY_MS, Ordering::SeqCst);
    tell_two();
    let read = |from: u64| store.feed(from, 1_000).map(|items| items.map(|items| items.len()));
    assert_eq!(read(bounds.first), Ok(Some(4)));
    assert_eq!(store.expire_feed().map(|step| step.gone), Ok(2));
    assert_eq!([bounds.first, bounds.next - 1, bounds.next].map(read), [Ok(None), Ok(None), Ok(Some(2))]);
    clock.fetch_add(40 * DAY_MS, Ordering::SeqCst);
    assert_eq!(store.expire_feed().map(|step| step.gone), Ok(2));
    assert_eq!([bounds.next, bounds.next + 1, bounds.next + 2].map(read), [Ok(None), Ok(None), Ok(Some(0))]);
}

/// What was told of whoever was purged leaves with him, of any age, and his neighbours' stays.
#[test]
fn the_history_of_whoever_was_purged_leaves_with_him() {
    if only_whole("the files of a store are opened") {
        return;
    }
    let (house, mut wire) = house();
    for phone in [ADA, BOB] {
        // Some in one value with the neighbour's, some not.
        let texts = (0..30).map(|n| format!("INBOUND {LIST} {phone} {{\"text\":\"{n} by {phone}\"}}"));
        let consent = [format!("OPTIN {LIST} {phone} {{\"at\":\"2026-04-01\",\"evidence\":\"signed by {phone}\"}}")];
        let told = wire.call_all(&texts.chain(consent).collect::<Vec<_>>());
        assert!(told.iter().all(|told| told == "+message" || told == ":1"));
    }
    let both: Vec<String> = (0..60)
        .map(|n| format!("CLICK {LIST} {} {{\"url\":\"https://example.org/{n}\"}}", [ADA, BOB][n % 2]))
        .collect();
    wire.call_all(&both);
    let of_bob = wire.call(&format!("HISTORY {BOB} LIMIT 1000"));
    house.set_clock(START_MS + DAY_MS);
    tell(&mut wire, &[format!("INVALID {ADA}")]);
    house.set_clock(START_MS + 2 * DAY_MS);
    let report = purge(&mut wire);
    assert_eq!((&report["purged"], &report["events"]), (&1.into(), &(31 + 30 + 1).into()), "{report}");
    assert_eq!(wire.call(&format!("HISTORY {BOB} LIMIT 1000")), of_bob);
    assert!(wire.call("VERIFY").starts_with("+ok"));
    drop(wire);
    let (_, stored) = house.reopen_after(StopScope::List, Stored::of);
    assert_eq!(stored.places_of(format!("by {ADA}").as_bytes()), Vec::<u8>::new());
    assert_eq!(stored.places_of(format!("by {BOB}").as_bytes()), [0x30, 0x38]);
}

/// Counts by the day outlive the events that were counted, for as long as somebody asks: a plan, whether a list is
/// measured, and LISTS, for its thirty days.
#[test]
fn counts_stay_for_as_long_as_they_are_asked_for() {
    const IDLE_DAYS: i64 = 60;
    if only_whole("each partition judges whether a list is measured") {
        return;
    }
    let policy = Policy { invalid_after: None, idle_after: Some(IDLE_DAYS * DAY_MS), sends: 0, idle_max: None };
    let keep = Retention { events: EVENTS_DAYS * DAY_MS, ..Retention::default() };
    let purge_settings = PurgeSettings { policy, ..PurgeSettings::default() };
    let house =
        House::removing(StopScope::List, START_MS, Removal { purge: purge_settings, keep, ..Removal::default() });
    let mut wire = house.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    tell(
        &mut wire,
        &[
            format!(r#"IMPORT {LIST} {{"phone":"{ADA}","created_at":"2025-01-01","subscribed_at":"2025-01-01"}}"#),
            format!("PUT {ADA} {{\"labels\":{{\"keep\":\"yes\"}}}}"),
            format!("SENT {LIST} {BOB} m-1"),
            format!("CLICK {LIST} {BOB}"),
        ],
    );
    // Whether the list is measured shows in whether the label saves, or nobody need be saved.
    let measured = |wire: &mut Wire| {
        assert_eq!(wire.call(&format!("PUT {ADA} {{\"labels\":{{\"keep\":null}}}}")), "+updated");
        let plan = plan(wire);
        assert_eq!(wire.call(&format!("PUT {ADA} {{\"labels\":{{\"keep\":\"yes\"}}}}")), "+updated");
        plan["contacts"] == 1
    };
    house.set_clock(START_MS + 29 * DAY_MS);
    assert_eq!(purge(&mut wire)["events"], 2);
    drop(wire);
    let house = house.reopen(StopScope::List);
    let mut wire = house.connect();
    assert!(wire.call("LISTS").contains("\"sends_30d\":1"), "{}", wire.call("LISTS"));
    assert!(measured(&mut wire));
    house.set_clock(START_MS + (IDLE_DAYS - 1) * DAY_MS);
    purge(&mut wire);
    assert!(measured(&mut wire));
    house.set_clock(START_MS + (IDLE_DAYS + 1) * DAY_MS);
    purge(&mut wire);
    assert!(!measured(&mut wire));
}
