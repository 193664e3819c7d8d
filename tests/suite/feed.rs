//! FEED: who reads it knows the state, and misses nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use contactd::limits::FEED_WAIT_MS_MAX;
use proptest::prelude::*;
use serde_json::Value;

use crate::plain::commands::{
    LISTS, OTHER_PHONE, PHONES, START_MS, mixed_with_clock_steps, mostly_sending_with_clock_steps,
};
use crate::plain::facts::Scope;
use crate::properties::{config, house, scope, stop_scope};
use crate::sending::{page, text, with_log};
use crate::support::{Daemon, Wire, partitions};

/// A reader of FEED: what it knows is what the items told, and nothing else.
#[derive(Debug, Default, PartialEq)]
pub struct Follower {
    pub position: String,
    /// By number: the contact status, and the status on each list.
    pub contacts: BTreeMap<String, (String, BTreeMap<String, String>)>,
    /// Those that are lists: whether they are paused.
    pub lists: BTreeMap<String, bool>,
    pub items: Vec<Value>,
}

impl Follower {
    /// From where the store stands now.
    pub fn start(wire: &mut Wire) -> Follower {
        let (position, items) = page(&wire.call("FEED"));
        assert!(items.is_empty(), "FEED alone gives no items");
        Follower { position, ..Follower::default() }
    }

    /// Reads to the end, in pages.
    pub fn read(&mut self, wire: &mut Wire, limit: usize) {
        loop {
            let (position, items) = page(&wire.call(&format!("FEED {} LIMIT {limit}", self.position)));
            assert!(items.len() <= limit);
            if items.is_empty() {
                // Partitions pass over what another one tells.
                if partitions() == 1 {
                    assert_eq!(position, self.position, "nothing came, so it goes on from where it was");
                }
                self.position = position;
                return;
            }
            self.position = position;
            for item in items {
                self.take(item);
            }
        }
    }

    fn take(&mut self, item: Value) {
        match text(&item, "kind") {
            "contact" => {
                let known = self.contacts.entry(text(&item, "phone").to_owned()).or_default();
                text(&item, "status").clone_into(&mut known.0);
                for on in item["lists"].as_array().into_iter().flatten() {
                    if on["status"] == "none" {
                        known.1.remove(text(on, "list"));
                    } else {
                        known.1.insert(text(on, "list").to_owned(), text(on, "status").to_owned());
                    }
                }
            }
            "list" if item["known"] == true => {
                self.lists.insert(text(&item, "list").to_owned(), item["paused"] == true);
            }
            "list" => {
                self.lists.remove(text(&item, "list"));
                // Nobody is on it any more.
                for (_, on) in self.contacts.values_mut() {
                    on.remove(text(&item, "list"));
                }
            }
            kind => panic!("{kind} is not to be met here: {item}"),
        }
        self.items.push(item);
    }

    /// Against what GET and LISTS say.
    pub fn agrees(&self, wire: &mut Wire) -> Result<(), TestCaseError> {
        let mut lists = BTreeMap::new();
        let told = wire.call("LISTS");
        for line in told.lines().skip(1) {
            let list: Value = serde_json::from_str(line.trim_start_matches('+')).expect("JSON");
            lists.insert(text(&list, "list").to_owned(), list["paused"] == true);
        }
        prop_assert_eq!(&self.lists, &lists);
        for phone in PHONES.into_iter().chain([OTHER_PHONE]) {
            let told = wire.call(&format!("GET {phone}"));
            let contact = told.strip_prefix('+').map(|json| {
                let contact: Value = serde_json::from_str(json).expect("JSON");
                let on = contact["lists"].as_array().into_iter().flatten();
                let on = on.filter(|on| on["status"] != "none" && on["list_removed_at"].is_null());
                let on = on.map(|on| (text(on, "list").to_owned(), text(on, "status").to_owned()));
                (text(&contact, "status").to_owned(), on.collect())
            });
            prop_assert_eq!(self.contacts.get(phone), contact.as_ref(), "{}: {}", phone, told);
        }
        Ok(())
    }
}

fn without_position(item: &Value) -> Value {
    let mut item = item.clone();
    item.as_object_mut().expect("an object").remove("position");
    item
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn feed_replayed_from_the_start_equals_the_state(
        steps in prop_oneof![mixed_with_clock_steps(50), mostly_sending_with_clock_steps(50)],
        scope in scope(),
    ) {
        let mut now = START_MS;
        let mut house = house(scope, now);
        let mut wire = house.connect();
        let start = Follower::start(&mut wire).position;
        let at_start = || Follower { position: start.clone(), ..Follower::default() };
        let mut live = at_start();
        let mut log = String::new();
        for (number, step) in steps.iter().enumerate() {
            if number == steps.len() / 2 {
                drop(wire);
                house = house.reopen(stop_scope(scope));
                wire = house.connect();
            }
            if matches!(step.command, crate::plain::commands::Command::Unlist { .. }) {
                continue;
            }
            now += step.wait_ms;
            house.set_clock(now);
            let _ = writeln!(log, "{now} {} -> {}", step.command.line(), wire.call(&step.command.line()));
            let before = live.items.len();
            live.read(&mut wire, 2);
            log.extend(live.items[before..].iter().map(|item| format!("  FEED {item}\n")));
            live.agrees(&mut wire).map_err(with_log(&log))?;
        }
        drop(wire);
        let house = house.reopen(stop_scope(scope));
        let mut wire = house.connect();
        live.read(&mut wire, 2);
        live.agrees(&mut wire).map_err(with_log(&log))?;

        // Whoever comes later reads the same, whatever the pages.
        for limit in [1, 2, 1_000] {
            let mut late = at_start();
            late.read(&mut wire, limit);
            // From partitions whoever was there may have heard something before an older fact was written in another one.
            let is_same = if partitions() > 1 {
                (&late.contacts, &late.lists, late.items.len()) == (&live.contacts, &live.lists, live.items.len())
            } else {
                late == live
            };
            prop_assert!(is_same, "in pages of {}: {:#?}\nand live: {:#?}\n{}", limit, late, live, log);
        }
        // Each item stands at a place of its own, and is there again.
        let places: BTreeSet<&str> = live.items.iter().map(|item| text(item, "position")).collect();
        prop_assert_eq!(places.len(), live.items.len(), "{}", log);
        for item in &live.items {
            let behind = format!("FEED {} LIMIT", text(item, "position"));
            if partitions() > 1 {
                // What another one wrote later with an older date, or the same, comes before it.
                let (_, again) = page(&wire.call(&format!("{behind} 1000")));
                let is_again = again.iter().any(|again| without_position(again) == without_position(item));
                prop_assert!(is_again, "{}: {:#?}\n{}", item, again, log);
            } else {
                let (_, again) = page(&wire.call(&format!("{behind} 1")));
                prop_assert_eq!(again.first(), Some(item), "{}", log);
            }
        }
    }
}

#[test]
fn feed_tells_of_another_scope_and_waits_for_what_comes() {
    let house = house(Scope::List, START_MS);
    let mut wire = house.connect();
    wire.call(&format!("LIST {}", LISTS[0]));
    let follower = Follower::start(&mut wire);
    drop(wire);
    let house = house.reopen(stop_scope(Scope::All));
    let mut wire = house.connect();
    let (position, items) = page(&wire.call(&format!("FEED {}", follower.position)));
    assert_eq!(items.len(), 1, "{items:?}");
    assert_eq!((text(&items[0], "kind"), text(&items[0], "stop_scope")), ("scope", "all"));

    // Nothing comes: it waits as long as it was told, and not longer.
    let asked = Instant::now();
    let (after, items) = page(&wire.call(&format!("FEED {position} WAIT 60")));
    assert!(items.is_empty() && after == position, "{items:?}");
    assert!(asked.elapsed() >= Duration::from_millis(55), "{:?}", asked.elapsed());
    // Something comes: it does not wait to the end, and what is behind it on its connection waits with it.
    wire.send(format!("FEED {position} WAIT {FEED_WAIT_MS_MAX}\nPING behind\n"));
    let asked = Instant::now();
    assert_eq!(house.connect().call(&format!("OPTOUT {} {}", LISTS[0], PHONES[0])), ":1");
    let (_, items) = page(&wire.reply());
    assert_eq!(text(&items[0], "phone"), PHONES[0], "{items:?}");
    assert_eq!(wire.reply(), "+behind");
    assert!(asked.elapsed() < Duration::from_millis(FEED_WAIT_MS_MAX) / 2, "{:?}", asked.elapsed());
    // What is another store's, or none at all, is refused.
    for position in ["0", "x", "1-0", "+1"] {
        let told = wire.call(&format!("FEED {position}"));
        assert!(told.starts_with("-LIMIT"), "{position}: {told}");
    }
}

/// A list that was removed has no status in any later item, so that nobody is taken for a member when it is made anew.
#[test]
fn what_follows_does_not_speak_of_a_removed_list() {
    for scope in [Scope::List, Scope::All] {
        let house = house(scope, START_MS);
        let mut wire = house.connect();
        let mut follower = Follower::start(&mut wire);
        for request in [
            format!("LIST {}", LISTS[0]),
            format!("LIST {}", LISTS[1]),
            format!("OPTIN {} {}", LISTS[0], PHONES[0]),
            format!("UNLIST {} FORCE", LISTS[0]),
            format!("OPTOUT {} {}", LISTS[1], PHONES[0]),
            format!("LIST {}", LISTS[0]),
            format!("INBOUND {} {} {{\"text\":\"hello\"}}", LISTS[1], PHONES[0]),
        ] {
            let told = wire.call(&request);
            follower.read(&mut wire, 2);
            let agrees = follower.agrees(&mut wire);
            assert!(agrees.is_ok(), "{scope:?}: {request} -> {told}: {agrees:?}\n{:#?}", follower.items);
        }
    }
}

/// What a reader was told is there after a crash, and what came then stands behind it: he goes on from where he was and
/// misses nothing. Under `interval` opt-ins are answered before they are on disk.
#[test]
fn a_reader_misses_nothing_after_a_crash() {
    const EACH: usize = 30;
    for arguments in [&[][..], &["--fsync", "interval"]] {
        let mut daemon = Daemon::start(arguments);
        let mut wire = daemon.connect();
        assert_eq!(wire.call(&format!("LIST {}", LISTS[1])), "+created");
        let mut reader = Follower::start(&mut wire);
        let tell = |wire: &mut Wire, verb: &str, area: usize| {
            let phones: Vec<String> = (0..EACH).map(|n| format!("+1{area}555{:04}", 1_000 + n)).collect();
            let lines: Vec<String> = phones.iter().map(|phone| format!("{verb} {} {phone}\n", LISTS[1])).collect();
            wire.send(lines.concat());
            assert!((0..EACH).all(|_| wire.reply() == ":1"), "{verb}");
            phones
        };
        tell(&mut wire, "OPTIN", 415);
        reader.read(&mut wire, 1_000);
        daemon.kill();
        daemon.restart();

        let mut wire = daemon.connect();
        let out = tell(&mut wire, "OPTOUT", 212);
        let told = wire.call(&format!("FEED {}", reader.position));
        assert!(told.starts_with('*'), "with {arguments:?}: {told}");
        reader.read(&mut wire, 1_000);
        let known = |phone: &&String| reader.contacts.contains_key(*phone);
        assert_eq!(out.iter().filter(known).count(), EACH, "with {arguments:?}: opt-outs that the reader was told of");
        // And nobody is shown to him who is not there.
        for phone in reader.contacts.keys() {
            assert!(wire.call(&format!("GET {phone}")).starts_with('+'), "with {arguments:?}: {phone}");
        }
    }
}
