//! Eight connections that write whatever can be written, each with contacts of its own, and each with the plain model of
//! what must be there. A store that was opened after a crash must be, for each connection, as after all of its writes up to
//! some moment that is not before the last one that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ask::{Ask, State, now};
use crate::feed::{Follower, standing};
use crate::plain::commands::{Code, Command, DAY_MS, Row, Spelling, Stamp};
use crate::plain::compare::comparable;
use crate::plain::facts::Scope;
use crate::plain::model::Model;
use crate::plain::text::TEXTS;
use crate::prove::Random;
use crate::wire::Wire;

pub const WRITERS: usize = 8;
/// Contacts that a connection writes to at a time.
const PHONES: usize = 8;
/// Requests that it sends ahead of their replies, at most.
const AHEAD_MAX: usize = 24;
/// Numbers of one connection.
const NUMBERS: usize = 800_000;
/// Lists of all connections; each has one more, which only it pauses.
const LISTS: [&str; 2] = ["+14155550100", "24365"];

/// All that is compared of a contact: its verdict on each list, and what GET has of it without dates, which are the
/// daemon's.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    verdicts: Vec<String>,
    contact: Option<Value>,
}

/// Whether a store keeps everything that was answered, or what `--fsync interval` promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    Everything,
    WhatForbids,
}

/// One connection.
pub struct Writer {
    number: usize,
    random: Random,
    lists: Vec<String>,
    /// Those that it writes to, and how many it has had.
    phones: Vec<String>,
    numbers: usize,
    /// Those that something was said of.
    known: BTreeSet<String>,
    /// Those that are compared.
    compared: BTreeSet<String>,
    /// As of the last time that it agreed with the store.
    state: State,
    /// What it sent since, and how much of that was answered.
    sent: Vec<Ask>,
    acknowledged: usize,
    /// The first reply that said that nothing can be written, and what was refused like this.
    refused: Option<String>,
    refusals: Vec<Ask>,
    /// Whether what was refused is surely not on disk: it was not tried.
    refusals_are_nowhere: bool,
    wrong: Option<String>,
}

impl Writer {
    fn new(number: usize, scope: Scope, random: &mut Random) -> Writer {
        let own = format!("+1415555010{}", number + 1);
        let mut writer = Writer {
            number,
            random: Random::new(random.next()),
            lists: LISTS.iter().map(|list| (*list).to_owned()).chain([own]).collect(),
            phones: Vec::new(),
            numbers: 0,
            known: BTreeSet::new(),
            compared: BTreeSet::new(),
            state: State { model: Model::new(scope), erased: BTreeSet::new(), clock: 0 },
            sent: Vec::new(),
            acknowledged: 0,
            refused: None,
            refusals: Vec::new(),
            refusals_are_nowhere: false,
            wrong: None,
        };
        writer.phones = (0..PHONES).map(|_| writer.new_phone()).collect();
        writer
    }

    fn new_phone(&mut self) -> String {
        let phone = format!("+1415{:07}", 2_000_000 + self.number * NUMBERS + self.numbers);
        self.numbers += 1;
        self.compared.insert(phone.clone());
        phone
    }

    /// Anything. Dates are given only with the first thing that is said of a contact, and lie behind everything that has
    /// none, so that the order of facts does not depend on how the daemon's clock and the model's differ.
    fn any_ask(&mut self) -> Ask {
        let place = self.random.below(PHONES);
        let phone = self.phones[place].clone();
        let is_new = self.known.insert(phone.clone());
        let random = &mut self.random;
        let at = (is_new && random.one_in(2))
            .then(|| Stamp { ms: now() - DAY_MS * [1, 3, 20][random.below(3)], spelling: Spelling::Millis });
        let list = random.pick(&self.lists).clone();
        let some_list = Some(list.clone()).filter(|_| !random.one_in(4));
        let id = format!("m-{}", random.below(6));
        let some_id = (!random.one_in(3)).then(|| id.clone());
        let label = (["tier", "city"][random.below(2)].to_owned(), Some(format!("{}", random.below(5))));
        let command = match random.below(35) {
            0..4 => Command::OptIn { list, phone, how: None, source: Some(format!("s{}", random.below(3))), at },
            4..8 => Command::OptOut { list: some_list, phone, at },
            8..12 => {
                let text = if random.one_in(3) { "START" } else { random.pick(&TEXTS).0 };
                Command::Inbound { list, phone, text: text.to_owned(), at: None, id: some_id }
            }
            12..15 => Command::Claim { list, phone, id },
            15 | 16 => Command::Sent { list, phone, id, at: None },
            17 | 18 => {
                let said = ["30005", "21610", "30003", "spam"][random.below(4)].to_owned();
                let code = Some(Code { said, as_number: false }).filter(|_| !random.one_in(3));
                Command::Failed { list, phone, id, at: None, code, permanent: random.one_in(6).then_some(false) }
            }
            19 => Command::Click { list, phone, at: None, id: some_id, message: None, bot: None },
            20 => Command::Convert { list, phone, amount: "12.5".to_owned(), at: None, id: some_id, message: None },
            21 => Command::Suppress { list: some_list.filter(|_| is_new || random.one_in(2)), phone, at },
            22 | 23 => Command::Release { list: some_list, phone, at: None },
            24 => Command::Invalid { phone, at },
            25 | 26 => Command::Valid { phone, at: None },
            27 | 28 => Command::Put { phone, labels: vec![label] },
            29..32 => {
                let status = ["active", "opted_out", "suppressed", "invalid"][random.below(4)];
                let status = Some(status.to_owned()).filter(|_| random.one_in(2));
                let row = Row { labels: vec![label], status, subscribed_at: at, ..Row::default() };
                Command::Import { list: some_list, phone, row }
            }
            32 | 33 => Command::Check { list, phone },
            _ if random.one_in(3) => {
                // It is written to no more: whatever the model says of it then, contactd remembers the erasure.
                self.phones[place] = self.new_phone();
                return Ask::Erase(phone);
            }
            _ => Command::List { list: self.lists[2].clone(), name: None, paused: Some(random.one_in(2)) },
        };
        Ask::Plain(command)
    }

    /// Writes until the daemon is gone, says that it cannot write, or this is to end.
    fn write(&mut self, mut wire: Wire, answered: &AtomicUsize, ends: &AtomicBool) {
        let mut state = self.state_after(self.acknowledged);
        // By it the records of what the daemon did know this connection.
        wire.send(&format!("PING writer-{}\n", self.number));
        if wire.line().is_none() {
            return;
        }
        while !ends.load(Ordering::Relaxed) && self.wrong.is_none() && self.refused.is_none() {
            let ahead = 1 + self.random.below(AHEAD_MAX);
            let mut asks: Vec<Ask> = Vec::with_capacity(ahead);
            while asks.len() < ahead && !asks.last().is_some_and(Ask::may_want_out) {
                asks.push(self.any_ask());
            }
            // An opt-in of the same millisecond does not settle such a message, and the model's clock is not the daemon's.
            let pause = asks.last().is_some_and(Ask::may_want_out).then_some(Duration::from_millis(2));
            let lines: String = asks.iter().map(|ask| ask.line() + "\n").collect();
            self.sent.extend(asks.iter().cloned());
            if !wire.send(&lines) {
                return;
            }
            for ask in asks {
                let Some(reply) = wire.line() else { return };
                if reply.starts_with("-READONLY") || reply.starts_with("-INTERNAL") {
                    // Of a row, what forbids is on disk; the model knows no half rows.
                    if let Some(phone) = ask.phone().filter(|_| reply.starts_with("-READONLY taken ")) {
                        self.compared.remove(phone);
                    }
                    self.refused.get_or_insert(reply);
                    self.refusals.push(ask);
                    if self.refusals_are_nowhere {
                        self.sent.remove(self.acknowledged);
                    }
                    continue;
                }
                // Behind a refusal the model knows no reply: what counts in memory alone is not in it.
                let reply = Some(reply.as_str()).filter(|_| self.refused.is_none());
                if let Err(wrong) = ask.run(&mut state, reply) {
                    self.wrong = Some(wrong);
                    return;
                }
                if self.refused.is_some() && !self.refusals_are_nowhere {
                    continue;
                }
                self.acknowledged += 1;
                answered.store(self.acknowledged, Ordering::SeqCst);
            }
            if let Some(pause) = pause {
                thread::sleep(pause);
            }
        }
    }

    /// What must be there after so many of the requests.
    fn state_after(&self, asks: usize) -> State {
        let mut state = self.state.clone();
        for ask in &self.sent[..asks] {
            ask.run(&mut state, None).expect("no reply is wrong");
        }
        state
    }

    fn expected(&self, state: &State, phone: &str) -> Seen {
        Seen {
            verdicts: self.lists.iter().map(|list| format!("+{}", state.model.check(list, phone))).collect(),
            contact: state.model.get(phone, now()).map(|contact| undated(&contact)),
        }
    }

    fn is_other(&self, state: &State, phone: &str, seen: &BTreeMap<String, Seen>) -> bool {
        let expected = self.expected(state, phone);
        let is_erased = state.erased.contains(phone);
        seen.get(phone).is_some_and(|seen| seen.verdicts != expected.verdicts || !is_erased && *seen != expected)
    }

    /// The contacts of which the store must know what the model does: not those whose erasure may be half done.
    fn compared(&self, acknowledged: usize) -> BTreeSet<String> {
        let mut phones = self.compared.clone();
        for ask in &self.sent[acknowledged..] {
            if let Ask::Erase(phone) = ask {
                phones.remove(phone);
            }
        }
        phones
    }

    /// The fewest requests after which the state is what was seen, of which at least so many must have come to be.
    fn agree(&self, seen: &BTreeMap<String, Seen>, at_least: usize) -> Result<(usize, State), String> {
        let mut state = self.state_after(at_least);
        let is_other = |state: &State, phone: &str| self.is_other(state, phone, seen);
        let mut other: BTreeSet<&str> =
            seen.keys().map(String::as_str).filter(|phone| is_other(&state, phone)).collect();
        let nearest: Vec<String> = other
            .iter()
            .take(3)
            .map(|phone| {
                format!("{phone}\n    expected {:?}\n    seen     {:?}", self.expected(&state, phone), seen[*phone])
            })
            .collect();
        for done in at_least..=self.sent.len() {
            if other.is_empty() {
                return Ok((done, state));
            }
            let Some(ask) = self.sent.get(done) else { break };
            ask.run(&mut state, None).expect("no reply is wrong");
            match ask.phone() {
                Some(phone) if is_other(&state, phone) => {
                    other.insert(seen.get_key_value(phone).expect("it was seen").0);
                }
                Some(phone) => {
                    other.remove(phone);
                }
                // A list: every verdict.
                None => other = seen.keys().map(String::as_str).filter(|phone| is_other(&state, phone)).collect(),
            }
        }
        Err(format!(
            "writer {}: not as after any number of requests from {at_least} to {}. After {at_least}:\n  {}\n{}",
            self.number,
            self.sent.len(),
            nearest.join("\n  "),
            self.sent[at_least..].iter().take(40).map(Ask::line).collect::<Vec<_>>().join("\n")
        ))
    }
}

/// Dates are the daemon's, and some counts follow from them.
fn undated(contact: &Value) -> Value {
    let mut contact = comparable(contact);
    for key in ["last_sent", "last_clicked", "last_engaged", "last_inbound", "soft_failures", "sends_since_engaged"] {
        contact.as_object_mut().expect("an object").remove(key);
    }
    for list in contact["lists"].as_array_mut().into_iter().flatten() {
        for key in ["subscribed_at", "opted_out_at"] {
            list.as_object_mut().expect("an object").remove(key);
        }
    }
    contact
}

/// All connections, and a reader of FEED.
pub struct Crowd {
    writers: Vec<Writer>,
    follower: Follower,
    promise: Promise,
    /// Reads may fail as well.
    disk_fails: bool,
}

/// How many requests of each connection were answered at some moment.
pub type Acknowledged = Vec<usize>;

/// Waits until so many more requests were answered, or for some seconds: a daemon that fails answers nobody.
pub fn wait_for_answers(acknowledged: &dyn Fn() -> Acknowledged, more: usize) {
    let total = || acknowledged().iter().sum::<usize>();
    let (before, since) = (total(), Instant::now());
    while total() < before + more && since.elapsed() < Duration::from_secs(10) {
        thread::sleep(Duration::from_millis(1));
    }
}

impl Crowd {
    /// Tells a new store of the lists.
    pub fn begin(wire: &mut Wire, scope: Scope, promise: Promise, random: &mut Random) -> Crowd {
        let mut writers: Vec<Writer> = (0..WRITERS).map(|number| Writer::new(number, scope, random)).collect();
        for writer in &mut writers {
            for list in writer.lists.clone() {
                let command = Command::List { list, name: None, paused: None };
                let told = wire.call(&command.line());
                assert!(told == "+created" || told == "+unchanged", "{told}");
                writer.state.model.run(&command, now());
            }
        }
        let position = wire.call("FEED").replace("*1\n+", "");
        Crowd { writers, follower: Follower { position, ..Follower::default() }, promise, disk_fails: false }
    }

    /// All write while something is done, and until the daemon is gone or that is over.
    pub fn write<T>(&mut self, address: &Path, meanwhile: impl FnOnce(&dyn Fn() -> Acknowledged) -> T) -> T {
        let Crowd { writers, follower, .. } = self;
        let ends = AtomicBool::new(false);
        let answered: Vec<AtomicUsize> = writers.iter().map(|writer| AtomicUsize::new(writer.acknowledged)).collect();
        // The words that it knows are read with the first message, which takes a debug build long.
        let mut first = Wire::connect(address);
        first.send(&format!("INBOUND {} +14159999999 {{\"text\":\"hello\"}}\n", LISTS[0]));
        first.line();
        // All are connected before one of them begins.
        let wires: Vec<Wire> = writers.iter().map(|_| Wire::connect(address)).collect();
        let (done, followed) = thread::scope(|scope| {
            for ((writer, wire), answered) in writers.iter_mut().zip(wires).zip(&answered) {
                scope.spawn(|| writer.write(wire, answered, &ends));
            }
            let follow = scope.spawn(|| follower.follow(address, 30, || !ends.load(Ordering::Relaxed)));
            let now = || answered.iter().map(|answered| answered.load(Ordering::SeqCst)).collect();
            let done = meanwhile(&now);
            ends.store(true, Ordering::Relaxed);
            (done, follow.join().expect("it ends"))
        });
        let is_disk = |refused: &String| self.disk_fails && refused.contains("-INTERNAL the store failed");
        assert!(followed.as_ref().is_err_and(is_disk) || followed.is_ok(), "{followed:?}");
        let wrong: Vec<&String> = self.writers.iter().filter_map(|writer| writer.wrong.as_ref()).collect();
        assert!(wrong.is_empty(), "wrong replies: {wrong:#?}");
        done
    }

    /// How many requests were answered since the store was last compared.
    pub fn acknowledged(&self) -> Acknowledged {
        self.writers.iter().map(|writer| writer.acknowledged).collect()
    }

    /// The first reply of each connection that said that nothing can be written.
    pub fn refusals(&self) -> impl Iterator<Item = &str> {
        self.writers.iter().filter_map(|writer| writer.refused.as_deref())
    }

    /// The disk is one that fails.
    pub fn disk_fails(&mut self) {
        self.disk_fails = true;
    }

    /// What is refused is not tried: the disk is full, and contactd has seen it.
    pub fn refusals_are_nowhere(&mut self) {
        for writer in &mut self.writers {
            writer.refusals_are_nowhere = true;
        }
    }

    /// Of a daemon that cannot write: it says yes to nobody of whom what was answered, and what was refused and forbids, says
    /// no; and whoever opts out now gets no message, either.
    pub fn assert_no_wrong_yes(&self, wire: &mut Wire) {
        let mut permitted = Vec::new();
        for writer in &self.writers {
            let mut state = writer.state_after(writer.acknowledged);
            for ask in writer.refusals.iter().filter(|ask| ask.only_forbids()) {
                ask.run(&mut state, None).expect("no reply is wrong");
            }
            let seen = look(wire, &writer.lists, writer.compared(writer.acknowledged)).expect("the daemon answers");
            for (phone, seen) in seen {
                for (list, verdict) in writer.lists.iter().zip(seen.verdicts) {
                    if verdict == "+yes" {
                        let expected = state.model.check(list, &phone);
                        assert_eq!(expected, "yes", "{phone} on {list}, after {:?}", writer.refused);
                        permitted.push((list.clone(), phone.clone()));
                    }
                }
            }
        }
        for (list, phone) in permitted.iter().step_by(3) {
            let told = wire.call(&format!("OPTOUT {list} {phone}"));
            assert!(told.starts_with("-READONLY"), "{told}");
            let verdict = wire.call(&format!("CHECK {list} {phone}"));
            assert!(verdict.starts_with("+no "), "{phone} on {list}: {verdict} after an opt-out that was told {told}");
        }
    }

    /// How many requests must have come to be, if so many were answered.
    fn promised(&self, acknowledged: &[usize]) -> Vec<usize> {
        let promised = |(writer, &answered): (&Writer, &usize)| match self.promise {
            Promise::Everything => answered,
            Promise::WhatForbids => {
                writer.sent[..answered].iter().rposition(Ask::is_always_synced).map_or(0, |last| last + 1)
            }
        };
        self.writers.iter().zip(acknowledged).map(promised).collect()
    }

    /// Compares a store with what must be there when so many requests were answered: no acknowledged write is missing, no
    /// CHECK says more than it may, and VERIFY finds nothing. Gives how many contacts were compared, and of each connection how
    /// much was there.
    pub fn compare(&self, wire: &mut Wire, acknowledged: &[usize]) -> Result<(usize, Vec<(usize, State)>), String> {
        let (mut compared, mut found) = (0, Vec::new());
        for (writer, at_least) in self.writers.iter().zip(self.promised(acknowledged)) {
            let seen = look(wire, &writer.lists, writer.compared(at_least)).ok_or("the daemon is gone")?;
            compared += seen.len();
            found.push(writer.agree(&seen, at_least)?);
        }
        let verified = wire.call("VERIFY");
        if !verified.starts_with("+ok") {
            return Err(verified);
        }
        Ok((compared, found))
    }

    /// Looks for a yes where the model says no, of CHECK and of CLAIM. None if the daemon is gone before all was asked.
    pub fn wrong_yes(&self, wire: &mut Wire) -> Option<Result<usize, String>> {
        let mut asked = 0;
        for writer in &self.writers {
            let state = writer.state_after(writer.acknowledged);
            let forbidden: Vec<(&String, &String)> = writer
                .compared(writer.acknowledged)
                .iter()
                .filter_map(|phone| writer.compared.get(phone))
                .flat_map(|phone| writer.lists.iter().map(move |list| (list, phone)))
                .filter(|(list, phone)| state.model.check(list, phone) != "yes")
                .collect();
            for verb in ["CHECK", "CLAIM"] {
                let id = if verb == "CLAIM" { " m-damaged" } else { "" };
                let asks: Vec<String> =
                    forbidden.iter().map(|(list, phone)| format!("{verb} {list} {phone}{id}")).collect();
                for (ask, told) in asks.iter().zip(wire.try_call_all(&asks)?) {
                    if told == "+yes" {
                        return Some(Err(format!("{ask}: {told}")));
                    }
                }
                asked += asks.len();
            }
        }
        Some(Ok(asked))
    }

    /// The same of a store that it goes on with, and what a reader of FEED knows. Gives how many contacts were compared.
    pub fn settle(&mut self, address: &Path) -> Result<usize, String> {
        let mut wire = Wire::connect(address);
        let acknowledged = self.acknowledged();
        let promised = self.promised(&acknowledged);
        let (compared, found) = self.compare(&mut wire, &acknowledged)?;
        self.follower.follow(address, 0, || true)?;
        for ((writer, (_, state)), promised) in self.writers.iter_mut().zip(found).zip(promised) {
            writer.compared = writer.compared(promised);
            writer.state = state;
            let unsure: Vec<Ask> = writer.sent.drain(..).skip(promised).collect();
            writer.acknowledged = 0;
            writer.refused = None;
            // What was refused may count until the restart only, or be on disk.
            let unsure: Vec<Ask> = unsure.into_iter().chain(writer.refusals.drain(..)).collect();
            // What a request left that may have been done or not cannot be seen in all its parts.
            for place in 0..PHONES {
                if unsure.iter().any(|ask| ask.phone() == Some(&writer.phones[place])) {
                    writer.phones[place] = writer.new_phone();
                }
            }
            // Who was erased is not named any more.
            let is_told = |phone: &&String| writer.known.contains(*phone) && !writer.state.erased.contains(*phone);
            let phones: Vec<&String> = writer.compared.iter().filter(is_told).collect();
            let gets: Vec<String> = phones.iter().map(|phone| format!("GET {phone}")).collect();
            for (phone, contact) in phones.into_iter().zip(wire.call_all(&gets)) {
                let by_get = object(&contact).map(|contact| standing(&contact));
                let by_feed = self.follower.contacts.get(phone.as_str());
                if by_get.is_some() && by_get.as_ref() != by_feed {
                    return Err(format!("FEED tells {by_feed:?} of {phone}, GET {by_get:?}"));
                }
            }
        }
        Ok(compared)
    }

    pub fn feed_items(&self) -> usize {
        self.follower.items
    }
}

fn object(reply: &str) -> Option<Value> {
    reply.strip_prefix('+').map(|json| serde_json::from_str(json).expect("JSON"))
}

/// None if the daemon is gone.
fn look(wire: &mut Wire, lists: &[String], phones: BTreeSet<String>) -> Option<BTreeMap<String, Seen>> {
    let asks = phones.iter().flat_map(|phone| {
        let checks = lists.iter().map(move |list| format!("CHECK {list} {phone}"));
        checks.chain([format!("GET {phone}")])
    });
    let replies = wire.try_call_all(&asks.collect::<Vec<_>>())?;
    let of_each = replies.chunks(lists.len() + 1);
    let seen = of_each.map(|replies| Seen {
        verdicts: replies[..lists.len()].to_vec(),
        contact: object(&replies[lists.len()]).map(|contact| undated(&contact)),
    });
    Some(phones.iter().cloned().zip(seen).collect())
}
