//! CLAIM: a message is granted once, whoever asks, how many at once, and whatever the daemon dies of.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, mpsc};
use std::thread::{self, JoinHandle};

use serde_json::Value;

use crate::feed::Follower;
use crate::plain::commands::{LISTS, PHONES, START_MS};
use crate::plain::facts::Scope;
use crate::properties::{house, stop_scope};
use crate::sending::count;
use crate::support::{Daemon, House, Wire, partitions};

/// Of a claim that was granted, the id.
fn claim_all(address: &str, list: &str, phones: &[String], ids: &[String], ahead: usize) -> Vec<String> {
    let mut wire = Wire::connect(address);
    let mut granted = Vec::new();
    for (chunk, ids) in ids.chunks(ahead).enumerate() {
        let phone = |n: usize| &phones[ids[n].len() % phones.len()];
        let lines: Vec<String> = (0..ids.len()).map(|n| format!("CLAIM {list} {} {}\n", phone(n), ids[n])).collect();
        wire.send(lines.concat());
        for (n, id) in ids.iter().enumerate() {
            match wire.reply().as_str() {
                "+yes" => granted.push(id.clone()),
                "+dup claimed" => {}
                told => panic!("chunk {chunk}: CLAIM {} {id}: {told}", phone(n)),
            }
        }
    }
    granted
}

/// The same in another order for each number.
fn shuffled(ids: &[String], number: usize) -> Vec<String> {
    let mut ids: Vec<(u64, &String)> = ids
        .iter()
        .enumerate()
        .map(|(n, id)| (((n + 1) as u64 * (2 * number as u64 + 1)).wrapping_mul(0x9E37_79B9_7F4A_7C15), id))
        .collect();
    ids.sort();
    ids.into_iter().map(|(_, id)| id.clone()).collect()
}

/// Some workers claim all messages, each in its own order, some of them many ahead of the replies.
fn workers(house: &House, phones: &[String], ids: &[String], workers: usize) -> Vec<String> {
    let start = Barrier::new(workers);
    let granted: Vec<Vec<String>> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers)
            .map(|n| {
                let (start, ids) = (&start, shuffled(ids, n));
                scope.spawn(move || {
                    start.wait();
                    claim_all(&house.address, LISTS[1], phones, &ids, [1, 8, 64][n % 3])
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("every reply was one of two")).collect()
    });
    let mut granted = granted.concat();
    granted.sort();
    granted
}

#[test]
fn a_message_is_granted_once_among_many_workers() {
    const WORKERS: usize = 12;
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    wire.call(&format!("LIST {}", LISTS[1]));
    let phones: Vec<String> = PHONES.map(str::to_owned).into();
    for phone in &phones {
        assert_eq!(wire.call(&format!("OPTIN {} {phone}", LISTS[1])), ":1");
    }
    // The id says whose it is by its length.
    let mut ids: Vec<String> = (0..400).map(|n| format!("m-{n:03}{}", "x".repeat(n % 4))).collect();
    ids.sort();
    let (half, rest) = ids.split_at(ids.len() / 2);
    assert_eq!(workers(&house, &phones, half, WORKERS), half, "each once");
    drop(wire);
    let house = house.reopen(stop_scope(Scope::List));
    assert_eq!(workers(&house, &phones, &ids, WORKERS), rest, "those from before the restart not again");

    let mut wire = house.connect();
    let totals = phones.iter().map(|phone| {
        let contact: Value = serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON");
        count(&contact, "total_sends")
    });
    assert_eq!(totals.sum::<usize>(), ids.len());
    assert!(wire.call("VERIFY").starts_with("+ok"));
}

/// Workers claim new messages without a pause while others opt their contacts out. A claim that was sent after the opt-out
/// was answered is refused.
#[test]
fn an_opt_out_that_was_answered_wins_over_every_later_claim() {
    const CONTACTS: usize = 300;
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    wire.call(&format!("LIST {}", LISTS[1]));
    let phones: Vec<String> = (0..CONTACTS).map(|n| format!("+1415555{:04}", 1_000 + n)).collect();
    for phone in &phones {
        wire.send(format!("OPTIN {} {phone}\n", LISTS[1]));
    }
    assert!(phones.iter().all(|_| wire.reply() == ":1"));
    let answered: Vec<AtomicBool> = (0..CONTACTS).map(|_| AtomicBool::new(false)).collect();
    let (granted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (phones, answered, granted, refused) = (&phones, &answered, &granted, &refused);
    let address = &house.address;
    thread::scope(|scope| {
        for worker in 0..3 {
            scope.spawn(move || {
                let mut wire = Wire::connect(address);
                for round in 0.. {
                    // One round more when all have opted out: each worker is refused.
                    let is_last = answered.iter().all(|answered| answered.load(Ordering::SeqCst));
                    for n in (worker..CONTACTS).step_by(3) {
                        let is_out = answered[n].load(Ordering::SeqCst);
                        let told = wire.call(&format!("CLAIM {} {} {worker}-{round}", LISTS[1], phones[n]));
                        match told.as_str() {
                            "+yes" => {
                                assert!(!is_out, "{} had opted out", phones[n]);
                                granted.fetch_add(1, Ordering::Relaxed);
                            }
                            "+no list_opted_out" => drop(refused.fetch_add(1, Ordering::Relaxed)),
                            told => panic!("{told}"),
                        }
                    }
                    if is_last {
                        return;
                    }
                }
            });
        }
        scope.spawn(move || {
            let mut wire = Wire::connect(address);
            while granted.load(Ordering::Relaxed) == 0 {
                thread::yield_now();
            }
            for (n, phone) in phones.iter().enumerate() {
                assert_eq!(wire.call(&format!("OPTOUT {} {phone}", LISTS[1])), ":1");
                answered[n].store(true, Ordering::SeqCst);
            }
        });
    });
    assert!(refused.load(Ordering::Relaxed) > 0 && granted.load(Ordering::Relaxed) > 0);
    for phone in phones {
        assert_eq!(wire.call(&format!("CLAIM {} {phone} late", LISTS[1])), "+no list_opted_out");
    }
}

/// A list that is removed and made anew is the same number: what was sent from it was sent, what failed failed.
#[test]
fn an_id_is_remembered_beyond_its_list() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let (list, phone) = (LISTS[1], PHONES[0]);
    for (request, reply) in [
        (format!("LIST {list}"), "+created"),
        (format!("OPTIN {list} {phone} {{\"at\":\"2026-04-01\"}}"), ":1"),
        (format!("CLAIM {list} {phone} claimed"), "+yes"),
        (format!("SENT {list} {phone} sent"), ":1"),
        (format!("FAILED {list} {phone} failed"), ":1"),
        (format!("UNLIST {list} FORCE"), "+removed"),
        // A report that comes late takes the send back all the same.
        (format!("FAILED {list} {phone} sent"), ":1"),
        (format!("LIST {list}"), "+created"),
        (format!("OPTIN {list} {phone} {{\"at\":\"2026-04-02\"}}"), ":1"),
        (format!("CLAIM {list} {phone} claimed"), "+dup claimed"),
        (format!("CLAIM {list} {phone} sent"), "+dup failed"),
        (format!("CLAIM {list} {phone} failed"), "+dup failed"),
        (format!("CLAIM {list} {phone} new"), "+yes"),
    ] {
        assert_eq!(wire.call(&request), reply, "{request}");
    }
    let contact: Value = serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON");
    assert_eq!(count(&contact, "total_sends"), 2, "{contact}");
}

/// So is a START, when more ids have come than are remembered; and a report goes to the list from which it was sent.
#[test]
fn what_came_before_a_list_was_made_anew_is_a_repetition_after_it() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    let (list, [phone, other]) = (LISTS[1], [PHONES[0], PHONES[1]]);
    let start = format!("INBOUND {list} {phone} {{\"text\":\"START\",\"id\":\"S1\"}}");
    for (request, reply) in [
        (format!("LIST {list}"), "+created"),
        (format!("OPTIN {list} {other} {{\"at\":{}}}", START_MS - 9_000), ":1"),
        (format!("CLAIM {list} {other} m-1"), "+yes"),
        (format!("SENT {list} {other} a {{\"at\":{}}}", START_MS - 2_000), ":1"),
        (format!("SENT {list} {other} b {{\"at\":{}}}", START_MS - 1_000), ":1"),
        (start.clone(), "+optin"),
        (format!("INBOUND {list} {phone} {{\"text\":\"STOP\",\"id\":\"S2\"}}"), "+optout"),
        (format!("UNLIST {list} FORCE"), "+removed"),
        (format!("LIST {list}"), "+created"),
        (format!("FAILED {list} {other} m-1"), ":1"),
        (format!("FAILED {list} {other} a"), ":1"),
    ] {
        assert_eq!(wire.call(&request), reply, "{request}");
    }
    for n in 0..300 {
        for phone in [phone, other] {
            wire.call(&format!("CLICK {list} {phone} {{\"id\":\"c{n}\",\"bot\":true}}"));
        }
    }
    wire.call(&format!("CLICK {list} {other} {{\"at\":{}}}", START_MS - 3_000));
    let contact: Value = serde_json::from_str(&wire.call(&format!("GET {other}"))[1..]).expect("JSON");
    assert_eq!(count(&contact, "sends_since_engaged"), 1, "{contact}");
    for (request, reply) in [
        (start, "+optin again"),
        (format!("CHECK {list} {phone}"), "+no not_subscribed"),
        (format!("OPTIN {list} {other} {{\"at\":{START_MS}}}"), ":1"),
        (format!("CLAIM {list} {other} n-1"), "+yes"),
        (format!("CLAIM {list} {other} n-2"), "+yes"),
        (format!("IMPORT {list} {{\"phone\":\"{phone}\"}}"), "+kept +14155552671 list_opted_out"),
    ] {
        assert_eq!(wire.call(&request), reply, "{request}");
    }
    let lists = wire.call("LISTS");
    let told =
        lists.lines().find(|told| told.contains(list)).and_then(|told| told.strip_prefix('+')).expect("the list");
    let told: Value = serde_json::from_str(told).expect("JSON");
    assert_eq!(count(&told, "sends_30d"), 2, "{told}");
}

/// What a connection learns before the daemon dies.
enum Learnt {
    /// It asked for this message of this phone.
    Asked(String, String),
    /// It got it.
    Granted(String, String),
    /// An opt-out was answered.
    Out(String),
}

/// A connection that may end at any moment.
struct Mortal {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Mortal {
    fn connect(address: &str) -> Mortal {
        let stream = TcpStream::connect(address).expect("a connection");
        let replies = BufReader::new(stream.try_clone().expect("a clone"));
        Mortal { stream, replies }
    }

    fn send(&mut self, lines: &str) -> Option<()> {
        self.stream.write_all(lines.as_bytes()).ok()
    }

    /// One line of a reply; one that was cut off is none.
    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.replies.read_line(&mut line).ok()?;
        line.strip_suffix('\n').map(|line| line.trim_end().to_owned())
    }

    fn page(&mut self) -> Option<(String, Vec<Value>)> {
        let lines = self.line()?;
        let lines: usize = lines.strip_prefix('*').and_then(|n| n.parse().ok()).unwrap_or_else(|| panic!("{lines}"));
        let position = self.line()?[1..].to_owned();
        let items: Option<Vec<String>> = (1..lines).map(|_| self.line()).collect();
        Some((position, items?.iter().map(|item| serde_json::from_str(&item[1..]).expect("JSON")).collect()))
    }
}

/// Sends lines ahead of their replies until the daemon is gone; tells of each reply.
fn until_killed(
    mut wire: Mortal,
    ahead: usize,
    mut line: impl FnMut(usize) -> String,
    mut told: impl FnMut(usize, &str),
) {
    for first in (0..).step_by(ahead) {
        let lines: Vec<String> = (first..first + ahead).map(|n| line(n) + "\n").collect();
        if wire.send(&lines.concat()).is_none() {
            return;
        }
        for n in first..first + ahead {
            let Some(reply) = wire.line() else { return };
            told(n, &reply);
        }
    }
}

/// Follows FEED until the daemon is gone: all items that it was told, and where it would go on.
fn follow_until_killed(mut wire: Mortal, mut position: String) -> (String, Vec<Value>) {
    let mut items = Vec::new();
    while let Some((to, page)) = wire.send(&format!("FEED {position} LIMIT 7 WAIT 1000\n")).and_then(|()| wire.page()) {
        position = to;
        items.extend(page);
    }
    (position, items)
}

/// What is known of all rounds together.
#[derive(Default)]
struct Known {
    asked: BTreeSet<(String, String)>,
    granted: BTreeSet<(String, String)>,
    out: BTreeSet<String>,
}

impl Known {
    fn note(&mut self, learnt: Learnt) {
        match learnt {
            Learnt::Asked(phone, id) => drop(self.asked.insert((phone, id))),
            Learnt::Granted(phone, id) => self.grant(phone, id),
            Learnt::Out(phone) => drop(self.out.insert(phone)),
        }
    }

    fn grant(&mut self, phone: String, id: String) {
        let message = format!("{phone} {id}");
        assert!(self.granted.insert((phone, id)), "{message} was granted twice");
    }
}

/// Workers 0 and 1 claim the same messages, the others each their own.
fn claim_until_killed(
    wire: Mortal,
    round: usize,
    worker: usize,
    phones: Vec<String>,
    learnt: mpsc::Sender<Learnt>,
) -> JoinHandle<()> {
    let whose = if worker < 2 { "all".to_owned() } else { worker.to_string() };
    let message = move |n: usize| (phones[n % phones.len()].clone(), format!("{round}-{whose}-{n}"));
    thread::spawn(move || {
        let ask = |n| {
            let (phone, id) = message(n);
            let line = format!("CLAIM {} {phone} {id}", LISTS[1]);
            learnt.send(Learnt::Asked(phone, id)).expect("the test listens");
            line
        };
        let told = |n, told: &str| {
            let (phone, id) = message(n);
            match told {
                "+yes" => learnt.send(Learnt::Granted(phone, id)).expect("the test listens"),
                told => assert!(worker < 2 && told == "+dup claimed", "{phone} {id}: {told}"),
            }
        };
        until_killed(wire, [1, 8, 1, 16][worker], ask, told);
    })
}

/// New numbers, one after the other: every other one opts out, the others opt in.
fn consent_until_killed(wire: Mortal, round: usize, learnt: mpsc::Sender<Learnt>) -> JoinHandle<()> {
    let phone = move |n: usize| format!("+1415{}{:06}", 2 + round, 555_000 + n);
    thread::spawn(move || {
        let told = |n, told: &str| {
            assert_eq!(told, ":1");
            if n % 2 == 0 {
                learnt.send(Learnt::Out(phone(n))).expect("the test listens");
            }
        };
        let verb = |n| ["OPTOUT", "OPTIN"][n % 2];
        until_killed(wire, 4, |n| format!("{} {} {}", verb(n), LISTS[0], phone(n)), told);
    })
}

#[test]
fn claims_and_feed_survive_kill_9() {
    claims_and_feed_survive(&[], &[60, 250, 700]);
}

/// What is answered before it is on disk is granted to nobody, and shown to no reader of the feed.
#[test]
fn under_fsync_interval_claims_and_feed_survive_kill_9() {
    claims_and_feed_survive(&["--fsync", "interval"], &[40, 300]);
}

/// What items say. Those of partitions have no order that is the same to whoever comes later.
fn told(items: &[Value]) -> Vec<String> {
    if partitions() == 1 {
        return items.iter().map(Value::to_string).collect();
    }
    let mut told: Vec<String> = items
        .iter()
        .cloned()
        .map(|mut item| {
            item["position"].take();
            item.to_string()
        })
        .collect();
    told.sort();
    told
}

/// In each round, the daemon is killed after so many grants.
fn claims_and_feed_survive(arguments: &[&str], rounds: &[usize]) {
    let mut daemon = Daemon::start(arguments);
    let mut wire = daemon.connect();
    let mut follower = Follower::start(&mut wire);
    let phones: Vec<String> = (0..25).map(|n| format!("+1415555{:04}", 1_000 + n)).collect();
    for list in [LISTS[1], LISTS[0]] {
        assert_eq!(wire.call(&format!("LIST {list}")), "+created");
    }
    for phone in &phones {
        assert_eq!(wire.call(&format!("OPTIN {} {phone}", LISTS[1])), ":1");
    }
    follower.read(&mut wire, 1_000);
    let mut known = Known::default();
    for (round, &grants) in rounds.iter().enumerate() {
        let (sender, learnt) = mpsc::channel();
        // All are connected before one of them begins: the daemon may be dead before the last thread runs.
        let connect = || Mortal::connect(&daemon.address);
        let [reads, consents] = [connect(), connect()];
        let workers: Vec<(usize, Mortal)> = (0..4).map(|n| (n, connect())).collect();
        let mut threads: Vec<JoinHandle<()>> = workers
            .into_iter()
            .map(|(n, wire)| claim_until_killed(wire, round, n, phones.clone(), sender.clone()))
            .collect();
        threads.push(consent_until_killed(consents, round, sender));
        let from = follower.position.clone();
        let reader = thread::spawn(move || follow_until_killed(reads, from));

        let before = known.granted.len();
        while known.granted.len() < before + grants {
            known.note(learnt.recv().expect("they go on"));
        }
        daemon.kill();
        for learnt in learnt {
            known.note(learnt);
        }
        for thread in threads {
            thread.join().expect("every reply was the right one");
        }
        let (position, read) = reader.join().expect("pages that can be read");

        daemon.restart();
        let mut wire = daemon.connect();
        let verified = wire.call("VERIFY");
        assert!(verified.starts_with("+ok"), "round {round}: {verified}");
        // What was granted is granted no more. What was only asked for may have been granted without a word.
        for (phone, id) in known.asked.clone() {
            match wire.call(&format!("CLAIM {} {phone} {id}", LISTS[1])).as_str() {
                "+yes" => known.grant(phone, id),
                told => assert_eq!(told, "+dup claimed", "round {round}: {phone} {id}"),
            }
        }
        known.granted.extend(known.asked.iter().cloned());
        for phone in &phones {
            let contact: Value = serde_json::from_str(&wire.call(&format!("GET {phone}"))[1..]).expect("JSON");
            let granted = known.granted.iter().filter(|(of, _)| of == phone).count();
            assert_eq!(count(&contact, "total_sends"), granted, "round {round}: {contact}");
        }

        // The feed goes on where its reader was, and what was read before is there as it was.
        let mut resumed = Follower { position, ..Follower::default() };
        resumed.read(&mut wire, 7);
        let items = follower.items.len();
        follower.read(&mut wire, 1_000);
        assert_eq!(told(&follower.items[items..]), told(&[read, resumed.items].concat()), "round {round}");
        for phone in &known.out {
            let on = follower.contacts.get(phone).and_then(|(_, on)| on.get(LISTS[0]));
            assert_eq!(on.map(String::as_str), Some("opted_out"), "round {round}: {phone}");
        }
        follower.agrees(&mut wire).unwrap_or_else(|error| panic!("round {round}: {error}"));
        for status in ["active", "opted_out"] {
            let on = |on: &BTreeMap<String, String>| on.get(LISTS[0]).is_some_and(|on| on == status);
            let of_status = follower.contacts.values().filter(|(_, lists)| on(lists)).count();
            let told = wire.call(&format!("COUNT list={}/{status}", LISTS[0]));
            assert_eq!(told, format!(":{of_status}"), "round {round}: {status}");
        }
    }
}
