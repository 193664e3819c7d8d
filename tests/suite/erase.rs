//! ERASE: afterwards nothing tells of the number but what forbids, and a crash does not lose the rest of the work.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use contactd::jobs::PurgeSettings;
use contactd::model::change::{Change, Statement, Write};
use contactd::model::phone::Phone;
use contactd::model::verdict::StopScope;
use contactd::store::{Job, Log, Options, Store};
use serde_json::{Value, json};

use crate::pair::only_whole;
use crate::plain::commands::{DAY_MS, START_MS, time};
use crate::purge::{json as parse, number, plan, purged, run};
use crate::sending::{page, text};
use crate::stored::{ERASING, Stored};
use crate::support::{Daemon, House, PATIENCE, Removal, Wire};

const LISTS: [&str; 2] = ["24365", "+14155550100"];
const ADA: &str = "+14155550140";
const BOB: &str = "+14155550141";
/// In every text that is told of a contact, but for labels: those may stay in the journal of indexes for a while.
const WORD: &str = "Lovelace";

/// All that can be told of a contact, and what is answered.
fn told_of(phone: &str) -> Vec<(String, &'static str)> {
    let [list, other] = LISTS;
    let at = |hours: i64| time(START_MS - hours * 3_600_000);
    let subscribed = format!(r#""source":"{WORD}","subscribed_at":"{}""#, at(30));
    [
        (format!(r#"IMPORT {list} {{"phone":"{phone}","labels":{{"name":"Ada"}},{subscribed}}}"#), "+created"),
        (format!(r#"OPTIN {other} {phone} {{"at":"{}","evidence":"{WORD} {phone}","id":"in-1"}}"#, at(29)), ":1"),
        (format!("CLAIM {list} {phone} m-1"), "+yes"),
        (format!(r#"SENT {list} {phone} m-1 {{"at":"{}"}}"#, at(28)), ":"),
        (format!(r#"FAILED {list} {phone} m-2 {{"code":"{WORD}"}}"#), ":1"),
        (format!(r#"CLICK {list} {phone} {{"id":"c-1","url":"https://example.org/{WORD}?{phone}"}}"#), ":1"),
        (format!(r#"CONVERT {list} {phone} 9.5 {{"id":"{WORD}"}}"#), ":1"),
        (format!(r#"INBOUND {list} {phone} {{"text":"{WORD} here, {phone}","id":"i-1"}}"#), "+message"),
        (format!(r#"INVALID {phone} {{"at":"{}","reason":"{WORD}"}}"#, at(27)), ":"),
        (format!(r#"SUPPRESS {phone} {{"at":"{}","reason":"{WORD}"}}"#, at(26)), ":1"),
        (format!(r#"RELEASE {phone} {{"at":"{}","source":"{WORD}"}}"#, at(25)), ":1"),
        (format!(r#"SUPPRESS {other} {phone} {{"at":"{}","reason":"{WORD}"}}"#, at(24)), ":1"),
        (format!(r#"OPTOUT {list} {phone} {{"at":"{}","reason":"{WORD}","source":"{phone}"}}"#, at(23)), ":1"),
    ]
    .into()
}

fn tell(wire: &mut Wire, phone: &str) {
    for (request, expected) in told_of(phone) {
        let told = wire.call(&request);
        assert!(told.starts_with(expected), "{request}: {told}");
    }
}

fn house() -> (House, Wire) {
    let house = House::start(StopScope::List, START_MS);
    let mut wire = house.connect();
    for list in LISTS {
        assert_eq!(wire.call(&format!("LIST {list}")), "+created");
    }
    (house, wire)
}

fn feed(wire: &mut Wire, from: &str) -> Vec<Value> {
    page(&wire.call(&format!("FEED {from} LIMIT 1000"))).1
}

fn verified(wire: &mut Wire) {
    let told = wire.call("VERIFY");
    assert!(told.starts_with("+ok"), "{told}");
}

/// All that is answered about a contact.
fn seen(wire: &mut Wire, phone: &str) -> Vec<String> {
    let mut asked = vec![format!("GET {phone}"), format!("HISTORY {phone} LIMIT 1000")];
    asked.extend(LISTS.map(|list| format!("CHECK {list} {phone}")));
    asked.extend(["m-1", "m-2"].map(|id| format!("CLAIM {} {phone} {id}", LISTS[0])));
    wire.call_all(&asked)
}

#[test]
fn an_erased_number_is_nowhere_and_what_forbids_has_no_words() {
    if only_whole("the files of a store are opened") {
        return;
    }
    let (house, mut wire) = house();
    let (start, _) = page(&wire.call("FEED"));
    tell(&mut wire, ADA);
    tell(&mut wire, BOB);
    let of_bob = seen(&mut wire, BOB);
    let events = page(&wire.call(&format!("HISTORY {ADA} LIMIT 1000"))).1.len();
    let named = feed(&mut wire, &start).iter().filter(|item| item["phone"] == ADA).count();
    drop(wire);
    let (house, stored) = house.reopen_after(StopScope::List, Stored::of);
    // The record, both logs, the feed and the directory: the look sees what it should.
    assert_eq!(stored.places_of_number(ADA), [0x08, 0x10, 0x30, 0x38, 0x40]);
    let mut wire = house.connect();

    // The entry of the import is by id, and counts as none.
    assert_eq!(wire.call(&format!("ERASE {ADA}")), format!("+erased events {events} feed_entries {}", named - 1));
    assert!(events == 13 && named == 7, "{events} events, {named} entries");

    let at = |hours: i64| time(START_MS - hours * 3_600_000);
    let now = time(START_MS);
    let expected = json!({
        "phone_number": ADA, "status": "opted_out", "labels": {}, "created_at": null, "erased_at": now,
        "total_sends": 0, "total_clicks": 0, "total_bot_clicks": 0, "total_conversions": 0, "total_revenue": 0,
        "last_sent": null, "last_clicked": null, "last_engaged": null, "last_inbound": now,
        "sends_since_engaged": 0, "soft_failures": 0,
        "opted_out_all_at": time(START_MS + 1), "opted_out_all_how": "api",
        "suppressed_at": at(26), "suppressed_how": "api", "released_at": at(25), "released_how": "api",
        "invalid_at": at(27), "invalid_how": "api",
        "lists": [
            {
                "list": LISTS[1], "status": "suppressed", "how": null, "subscribed_at": null, "source": null,
                "suppressed_at": at(24), "suppressed_how": "api",
                "opted_out_at": time(START_MS + 1), "opted_out_how": "api",
            },
            {
                "list": LISTS[0], "status": "opted_out", "how": null, "subscribed_at": null, "source": null,
                "opted_out_at": time(START_MS + 1), "opted_out_how": "api",
            },
        ],
    });
    assert_eq!(parse(&wire.call(&format!("GET {ADA}"))), expected);
    let (_, history) = page(&wire.call(&format!("HISTORY {ADA}")));
    let kinds: Vec<&str> = history.iter().map(|item| text(item, "kind")).collect();
    assert_eq!(kinds, ["erase", "optout", "optout", "suppress", "release", "suppress", "invalid"]);
    for list in LISTS {
        assert_eq!(wire.call(&format!("CHECK {list} {ADA}")), "+no not_subscribed");
    }
    assert_eq!(wire.call(&format!("CLAIM {} {ADA} m-1", LISTS[0])), "+no not_subscribed");
    for request in ["FIND", "LABELS", "LABELS name", "COUNT", "COUNT created>2000-01-01"] {
        let told = wire.call(request);
        assert!(!told.contains(ADA) && !told.contains(WORD), "{request}: {told}");
    }
    assert_eq!(wire.call("COUNT"), ":1");
    assert_eq!(wire.call("LABELS name"), "*2\n+0\n+{\"contacts\":1,\"value\":\"Ada\"}");
    wire.send("EXPORT\n");
    let export: Vec<String> = std::iter::from_fn(|| Some(wire.reply()).filter(|line| line != ".")).collect();
    assert!(export.len() == 2 && export[1].contains(BOB), "{export:?}");
    let items = feed(&mut wire, &start);
    assert!(items.iter().all(|item| !item.to_string().contains(ADA)), "{items:#?}");
    let erased: Vec<&Value> = items.iter().filter(|item| item["kind"] == "erased").collect();
    assert_eq!(erased.len(), named + 1, "the places stay, and one tells of the erasure");
    assert!(erased.iter().all(|item| item.as_object().is_some_and(|item| item.len() == 3)), "{erased:?}");
    // Nobody else has lost anything.
    assert_eq!(seen(&mut wire, BOB), of_bob);
    verified(&mut wire);

    drop(wire);
    let (house, stored) = house.reopen_after(StopScope::List, Stored::of);
    assert_eq!(stored.places_of_number(ADA), Vec::<u8>::new());
    assert_eq!(stored.count(ERASING), 0);
    // The neighbour's words are there, and so would be the erased one's.
    assert_eq!(stored.places_of(format!("{WORD} here, {BOB}").as_bytes()), [0x38]);
    let mut wire = house.connect();
    assert_eq!(parse(&wire.call(&format!("GET {ADA}"))), expected, "after a restart");
    assert_eq!(seen(&mut wire, BOB), of_bob, "after a restart");
    verified(&mut wire);
}

/// By whatever path a number comes back, its opt-out is there first; only an opt-in that is newer opens its list.
#[test]
fn whoever_comes_back_is_opted_out_until_a_newer_opt_in() {
    let [list, other] = LISTS;
    let (at_erase, later) = (time(START_MS), time(START_MS + DAY_MS));
    for (request, reply, verdict) in [
        ("PUT {} {\"labels\":{\"name\":\"again\"}}".to_owned(), "+created", "+no opted_out"),
        (format!("IMPORT {list} {{\"phone\":\"{{}}\"}}"), "+kept {} erased", "+no not_subscribed"),
        (
            format!("IMPORT {list} {{\"phone\":\"{{}}\",\"status\":\"opted_out\",\"labels\":{{\"name\":\"again\"}}}}"),
            "+created {}",
            "+no opted_out",
        ),
        (
            format!("IMPORT {list} {{\"phone\":\"{{}}\",\"subscribed_at\":\"{later}\",\"status\":\"active\"}}"),
            "+kept {} erased",
            "+no not_subscribed",
        ),
        (format!("OPTIN {list} {{}}"), "-BADARG opted out on", "+no not_subscribed"),
        (format!("OPTIN {list} {{}} {{\"at\":\"{at_erase}\"}}"), ":0", "+no opted_out"),
        (format!("INBOUND {list} {{}} {{\"text\":\"hello\"}}"), "+message", "+no opted_out"),
        (format!("INBOUND {list} {{}} {{\"text\":\"stop\"}}"), "+optout", "+no opted_out"),
        (format!("INBOUND {list} {{}} {{\"text\":\"start\",\"at\":\"{at_erase}\"}}"), "+optin late", "+no opted_out"),
        (format!("SENT {list} {{}} m-9"), ":1", "+no opted_out"),
        (format!("CLICK {list} {{}}"), ":1", "+no opted_out"),
        ("VALID {}".to_owned(), ":0", "+no not_subscribed"),
        (format!("RELEASE {list} {{}}"), ":0", "+no not_subscribed"),
        (format!("OPTIN {list} {{}} {{\"at\":\"{later}\"}}"), ":1", "+yes"),
        (format!("INBOUND {list} {{}} {{\"text\":\"start\"}}"), "+optin", "+yes"),
    ] {
        // One who was subscribed, and one of whom nothing was known.
        for known in [true, false] {
            let (house, mut wire) = house();
            if known {
                for list in LISTS {
                    wire.call(&format!("OPTIN {list} {ADA} {{\"at\":\"2026-04-01\"}}"));
                }
                assert_eq!(wire.call(&format!("CLAIM {list} {ADA} m-9")), "+yes");
            }
            let erased = wire.call(&format!("ERASE {ADA}"));
            assert_eq!(erased.starts_with("+erased"), known, "{erased}");
            house.set_clock(START_MS + 2 * DAY_MS);
            let request = request.replace("{}", ADA);
            let told = wire.call(&request);
            assert!(told.starts_with(&reply.replace("{}", ADA)), "{request}: {told}");
            assert_eq!(wire.call(&format!("CHECK {list} {ADA}")), verdict, "{request}");
            let elsewhere = wire.call(&format!("CHECK {other} {ADA}"));
            assert!(elsewhere.starts_with("+no "), "{request}: {elsewhere}");
            if request.starts_with("IMPORT") {
                assert!(wire.call(&format!("GET {ADA}")).contains(r#""labels":{}"#), "a file brings no label back");
            }
            verified(&mut wire);
        }
    }
}

/// A date is kept where it forbids, or lifts what forbids: that of the newest message where the number was invalid.
#[test]
fn what_forbids_nothing_is_not_kept() {
    for (invalid, kept) in [(false, Value::Null), (true, time(START_MS).into())] {
        let (_house, mut wire) = house();
        assert_eq!(wire.call(&format!("INBOUND {} {ADA} {{\"text\":\"hello\"}}", LISTS[0])), "+message");
        if invalid {
            wire.call(&format!("INVALID {ADA} {{\"at\":\"2026-04-01\"}}"));
        }
        assert!(wire.call(&format!("ERASE {ADA}")).starts_with("+erased"));
        let contact = parse(&wire.call(&format!("GET {ADA}")));
        assert_eq!((&contact["last_inbound"], &contact["status"]), (&kept, &"opted_out".into()), "{contact}");
    }
}

/// An id of before is no repetition of anything.
#[test]
fn ids_are_forgotten() {
    let (house, mut wire) = house();
    let list = LISTS[0];
    tell(&mut wire, ADA);
    assert!(wire.call(&format!("ERASE {ADA}")).starts_with("+erased"));
    house.set_clock(START_MS + DAY_MS);
    assert_eq!(wire.call(&format!("CLAIM {list} {ADA} m-1")), "+no not_subscribed");
    for (request, reply) in [
        (format!("RELEASE {ADA}"), ":0"),
        (format!("OPTIN {list} {ADA} {{\"at\":\"{}\",\"id\":\"in-1\"}}", time(START_MS + DAY_MS - 1)), ":1"),
        (format!("CLAIM {list} {ADA} m-1"), "+yes"),
        (format!("CLAIM {list} {ADA} m-2"), "+yes"),
        (format!("CLICK {list} {ADA} {{\"id\":\"c-1\"}}"), ":1"),
        (format!("CONVERT {list} {ADA} 9.5 {{\"id\":\"{WORD}\"}}"), ":1"),
        (format!("INBOUND {list} {ADA} {{\"text\":\"{WORD} here, {ADA}\",\"id\":\"i-1\"}}"), "+message"),
    ] {
        assert_eq!(wire.call(&request), reply, "{request}");
    }
    let contact = parse(&wire.call(&format!("GET {ADA}")));
    assert_eq!([&contact["total_sends"], &contact["total_clicks"], &contact["total_conversions"]], [2, 1, 1]);
}

/// But an opt-in of before is one: whoever delivers it again does not lift the opt-out that an erasure is.
#[test]
fn an_opt_in_that_is_delivered_again_lifts_no_erasure() {
    let (house, mut wire) = house();
    let list = LISTS[0];
    let start = format!(r#"INBOUND {list} {ADA} {{"text":"START","id":"S1"}}"#);
    let opt_in = format!(r#"OPTIN {list} {BOB} {{"at":"{}","id":"O1"}}"#, time(START_MS));
    assert_eq!((wire.call(&start), wire.call(&opt_in)), ("+optin".into(), ":1".into()));
    assert_eq!(wire.call(&format!("CLAIM {list} {ADA} m-1")), "+yes");
    for phone in [ADA, BOB] {
        assert!(wire.call(&format!("ERASE {phone}")).starts_with("+erased"));
    }
    house.set_clock(START_MS + DAY_MS);
    assert_eq!((wire.call(&start), wire.call(&opt_in)), ("+optin again".into(), ":0".into()));
    for phone in [ADA, BOB] {
        assert!(wire.call(&format!("CHECK {list} {phone}")).starts_with("+no "), "{phone}");
    }
    assert!(wire.call("STATS").contains("claims_unresolved 0"), "nobody can tell what became of it");
    let newer = format!(r#"INBOUND {list} {ADA} {{"text":"START","id":"S2"}}"#);
    assert_eq!((wire.call(&newer), wire.call(&format!("CHECK {list} {ADA}"))), ("+optin".into(), "+yes".into()));
}

/// A purge leaves the number in the feed, and an erasure after it takes it out.
#[test]
fn a_number_that_was_purged_before_is_not_named_any_more_either() {
    if only_whole("the files of a store are opened") {
        return;
    }
    let policy = contactd::model::purge::Policy { idle_after: Some(1), sends: 0, ..Default::default() };
    let removal = Removal { purge: PurgeSettings { policy, ..PurgeSettings::default() }, ..Removal::default() };
    let house = House::removing(StopScope::List, START_MS, removal);
    let mut wire = house.connect();
    let (start, _) = page(&wire.call("FEED"));
    for phone in [ADA, BOB] {
        assert_eq!(wire.call(&format!("PUT {phone} {{\"labels\":{{\"name\":\"Ada\"}}}}")), "+created");
    }
    house.set_clock(START_MS + DAY_MS);
    let plan = plan(&mut wire);
    assert_eq!(run(&mut wire, &plan)["purged"], 2);
    let named = |wire: &mut Wire, phone: &str| feed(wire, &start).iter().filter(|item| item["phone"] == phone).count();
    assert_eq!((named(&mut wire, ADA), named(&mut wire, BOB)), (2, 2));
    assert_eq!(wire.call(&format!("ERASE {ADA}")), "$-1");
    assert_eq!((named(&mut wire, ADA), named(&mut wire, BOB)), (0, 2));
    assert!(wire.call(&format!("GET {ADA}")).contains("erased_at"));
    verified(&mut wire);
    drop(wire);
    let (_, stored) = house.reopen_after(StopScope::List, Stored::of);
    assert_eq!((stored.places_of_number(ADA), stored.places_of_number(BOB)), (vec![], vec![0x40]));
}

/// A purge that was stopped has not come to the history of whom it removed; an erasure does not wait for that.
#[test]
fn what_a_stopped_purge_has_left_of_a_number_is_erased() {
    const CONTACTS: usize = 3_000;
    if only_whole("the files of a store are opened") {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    let phones: Vec<String> = (0..CONTACTS).map(|n| format!("+1415{:07}", 2_000_000 + n)).collect();
    let told_by = |phone: &str| format!("told by {phone}");
    let lines: Vec<String> = phones
        .iter()
        .flat_map(|phone| {
            let text = told_by(phone);
            [
                format!(r#"INBOUND {} {phone} {{"text":"{text}","at":"2019-01-01"}}"#, LISTS[0]),
                format!(r#"INVALID {phone} {{"at":"2020-01-01"}}"#),
            ]
        })
        .collect();
    assert!(wire.call_all(&lines).iter().all(|reply| reply == "+message" || reply == ":1"));
    let plan = plan(&mut wire);
    assert_eq!(wire.call(&format!("PURGE RUN {}", number(&plan))), "+started");
    let since = Instant::now();
    while parse(&wire.call("PURGE STATUS"))["purged"] == 0 {
        assert!(since.elapsed() < PATIENCE, "it does not begin");
    }
    assert_eq!(wire.call("PURGE STOP"), "+stopping");
    assert_eq!(purged(&mut wire)["state"], "stopped");
    let [first, last] = [&phones[0], &phones[CONTACTS - 1]];
    assert!(wire.call(&format!("GET {first}")).contains("purged_at"));
    assert!(!wire.call(&format!("GET {last}")).contains("purged_at"));
    assert_eq!(daemon.terminate(), Some(0));
    let places = |daemon: &Daemon, phone: &str| Stored::read(&daemon.data_dir()).places_of(told_by(phone).as_bytes());
    assert_eq!(places(&daemon, first), [0x38], "it is there still");
    daemon.restart();
    assert_eq!(daemon.connect().call(&format!("ERASE {first}")), "$-1");
    assert_eq!(daemon.terminate(), Some(0));
    assert_eq!((places(&daemon, first), places(&daemon, last)), (vec![], vec![0x38]));
}

/// Killed while it takes thousands of events out of the history, it takes the rest out at the next start.
#[test]
fn an_erasure_that_was_killed_completes_by_itself() {
    const EVENTS: usize = 1_500;
    if only_whole("the files of a store are opened") {
        return;
    }
    let list = LISTS[0];
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {list}")), "+created");
    let (start, _) = page(&wire.call("FEED"));
    let phones = [ADA, BOB, "+14155550142", "+14155550143"];
    // Long texts, so that few events share a value; and those of the four among each other.
    let long = format!("{WORD} ").repeat(150);
    for phone in phones {
        assert_eq!(wire.call(&format!("OPTIN {list} {phone} {{\"at\":\"2026-04-01\"}}")), ":1");
    }
    let lines: Vec<String> = (0..EVENTS)
        .flat_map(|n| phones.map(|phone| format!("INBOUND {list} {phone} {{\"text\":\"{n} {long}{phone}\"}}")))
        .collect();
    assert!(wire.call_all(&lines).iter().all(|reply| reply == "+message"));

    let mut interrupted = 0;
    let (stays, erased) = phones.split_last().expect("four");
    for phone in erased {
        let mut other = daemon.connect();
        wire.send(format!("ERASE {phone}\n"));
        let since = Instant::now();
        while !other.call(&format!("GET {phone}")).contains("erased_at") {
            assert!(since.elapsed() < PATIENCE, "it does not begin");
        }
        daemon.kill();
        interrupted += Stored::read(&daemon.data_dir()).count(ERASING);
        daemon.restart();
        wire = daemon.connect();
        // The feed comes last.
        let since = Instant::now();
        while feed(&mut wire, &start).iter().any(|item| item["phone"] == **phone) {
            assert!(since.elapsed() < PATIENCE, "it does not go on");
            thread::sleep(Duration::from_millis(1));
        }
        verified(&mut wire);
    }
    assert!(interrupted > 0, "none was killed in its middle");
    let history = page(&wire.call(&format!("HISTORY {stays} LIMIT 1000"))).1;
    assert!(
        history.len() == 1_000 && history.iter().all(|item| text(item, "text").ends_with(stays)),
        "the other's stays"
    );
    assert_eq!(daemon.terminate(), Some(0));
    let stored = Stored::read(&daemon.data_dir());
    assert_eq!(stored.count(ERASING), 0);
    for phone in erased {
        assert_eq!(stored.places_of_number(phone), Vec::<u8>::new(), "{phone}");
    }
    assert!(stored.places_of_number(stays).contains(&0x38));
}

/// What a start finishes and a command that has just begun are the same kind of work.
#[test]
fn each_erasure_counts_its_own_work_beside_those_that_a_start_finishes() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(Options::new(dir.path().to_owned(), Arc::new(|| START_MS))).expect("a store");
    let phones: Vec<Phone> = (0..50).map(|n| Phone::from_u64(14_155_550_100 + n).expect("a number")).collect();
    let opt_out = |&phone: &Phone| Write::Contact { phone, list: None, change: Change::OptOut(Statement::default()) };
    let (done, stored) = mpsc::channel();
    let done = Box::new(move |outcomes: Vec<_>| done.send(outcomes.len()).expect("to be waited for"));
    store.submit(Job { writes: phones.iter().map(opt_out).collect(), by: Arc::default(), done });
    assert_eq!(stored.recv(), Ok(phones.len()));
    let erased = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !erased.load(Ordering::Relaxed) {
                store.finish_erasures().expect("to finish");
            }
        });
        let events: Vec<_> = phones
            .iter()
            .map(|&phone| store.erase(phone, Arc::default()).map(|gone| gone.map(|it| it.events)))
            .collect();
        erased.store(true, Ordering::Relaxed);
        assert_eq!(events, vec![Ok(Some(1)); phones.len()]);
    });
}

/// What goes through the events of all who are gone, from the oldest on, meets one who is being erased, from the newest on.
#[test]
fn an_erasure_leaves_nothing_beside_a_purge_that_sweeps() {
    const EVENTS: u64 = 20_000;
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(Options::new(dir.path().to_owned(), Arc::new(|| START_MS))).expect("a store");
    let phone = Phone::from_u64(14_155_550_100).expect("a number");
    let reason = "r".repeat(100);
    let (done, stored) = mpsc::channel();
    for _ in 0..EVENTS / 100 {
        // Each is newer than the one before.
        let claim = || Statement { reason: reason.clone(), ..Statement::default() };
        let writes = (0..100).map(|_| Write::Contact { phone, list: None, change: Change::OptOut(claim()) }).collect();
        let done = done.clone();
        store.submit(Job {
            writes,
            by: Arc::default(),
            done: Box::new(move |_| done.send(()).expect("to be waited for")),
        });
    }
    assert_eq!(stored.iter().take(EVENTS as usize / 100).count(), EVENTS as usize / 100);
    let erased = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !erased.load(Ordering::Relaxed) {
                let mut from = Some(0);
                while let Some(at) = from {
                    from = store.sweep(Log::Consent, at).expect("to sweep").next;
                }
            }
        });
        let gone = store.erase(phone, Arc::default()).map(|gone| gone.map(|it| it.events));
        erased.store(true, Ordering::Relaxed);
        assert_eq!(gone, Ok(Some(EVENTS)));
    });
    drop(store);
    assert_eq!(Stored::read(dir.path()).places_of(reason.as_bytes()), Vec::<u8>::new());
}
