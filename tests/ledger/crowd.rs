//! Who writes, asks and claims meanwhile, and knows what must be there.
//!
//! Each phone has one writer, which opts it in and out. While it is out, and that was acknowledged, nobody may hear a yes, from
//! whichever daemon. Nobody waits longer than a second for a reply: else nobody would write to a new owner while the old one is
//! stopped, and a wrong yes could not show.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

pub const LIST: &str = "24365";
const PATIENCE: Duration = Duration::from_secs(1);
const WRITERS: usize = 6;
const PHONES_EACH: usize = 8;
/// Messages that are claimed for one phone.
const MESSAGES_EACH: u64 = 100;
const _: () = assert!((MESSAGES_EACH as usize) < contactd::limits::REMEMBERED_IDS_MAX);

/// A connection to one of several daemons.
pub struct Client {
    ports: Vec<u16>,
    next: usize,
    open: Option<(TcpStream, BufReader<TcpStream>)>,
}

impl Client {
    pub fn of(ports: &[u16]) -> Client {
        Client { ports: ports.to_vec(), next: 0, open: None }
    }

    /// The reply to a request; none if there was none, or the daemon is not the owner. The next one is asked then.
    pub fn ask(&mut self, request: &str) -> Option<String> {
        let reply = self.try_ask(request).filter(|reply| {
            !["-STANDBY", "-LOADING", "-DRAINING", "-INTERNAL", "-READONLY"].iter().any(|no| reply.starts_with(no))
        });
        if reply.is_none() {
            self.open = None;
            self.next = (self.next + 1) % self.ports.len();
        }
        reply
    }

    /// The lines of a reply that is an array, or the error.
    pub fn ask_lines(&mut self, request: &str) -> Option<Result<Vec<String>, String>> {
        let head = self.ask(request)?;
        let lines = head.strip_prefix('*').and_then(|count| count.parse::<usize>().ok());
        let Some(lines) = lines else { return Some(Err(head)) };
        let all: Option<Vec<String>> = (0..lines).map(|_| self.line()).collect();
        if all.is_none() {
            self.open = None;
        }
        all.map(Ok)
    }

    fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        self.open.as_mut()?.1.read_line(&mut line).ok()?;
        line.ends_with('\n').then(|| line.trim_end().to_owned())
    }

    /// The reply to a request, whatever it is; none if there was none.
    pub fn try_ask(&mut self, request: &str) -> Option<String> {
        if self.open.is_none() {
            let address = SocketAddr::from(([127, 0, 0, 1], self.ports[self.next]));
            let stream = TcpStream::connect_timeout(&address, PATIENCE).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            stream.set_write_timeout(Some(PATIENCE)).ok()?;
            stream.set_nodelay(true).ok()?;
            self.open = Some((stream.try_clone().ok()?, BufReader::new(stream)));
        }
        let (stream, _) = self.open.as_mut()?;
        stream.write_all(format!("{request}\n").as_bytes()).ok()?;
        self.line()
    }

    /// Asks until there is a reply.
    pub fn insist(&mut self, request: &str) -> String {
        let since = Instant::now();
        loop {
            if let Some(reply) = self.ask(request) {
                return reply;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "nobody answers {request}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Client {
    /// Asks until there is a reply that is an array.
    pub fn insist_lines(&mut self, request: &str) -> Vec<String> {
        let since = Instant::now();
        loop {
            if let Some(Ok(lines)) = self.ask_lines(request) {
                return lines;
            }
            assert!(since.elapsed() < Duration::from_secs(60), "nobody answers {request}");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What is known of a phone: odd while its opt-out is acknowledged and nobody has begun to opt it in again.
struct Known {
    phone: String,
    turn: AtomicU64,
}

/// What a crowd has seen.
#[derive(Default)]
pub struct Seen {
    pub acknowledged: AtomicU64,
    pub checks: AtomicU64,
    pub wrong: Mutex<Vec<String>>,
    /// Since when no CHECK was answered, and the longest such time, in milliseconds.
    pub silence: Mutex<(Option<Instant>, Duration)>,
}

/// Ends all when it goes.
struct Ends<'e>(&'e AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Phones, and who writes to them.
pub struct Crowd {
    known: Vec<Known>,
    ports: Vec<u16>,
    pub seen: Seen,
    claims: Mutex<HashMap<String, usize>>,
    feed: Mutex<Feed>,
    /// It began before all that was written.
    feed_tells_all: bool,
    ends: AtomicBool,
}

/// What somebody who follows the feed has heard: where it begins and where it goes on, and of each phone what happened and when.
#[derive(Clone, Default)]
struct Feed {
    begin: String,
    position: String,
    heard: BTreeMap<String, Vec<String>>,
    /// What was said of a position that is none any more.
    lost: Option<String>,
}

impl Feed {
    /// Hears one page more. Says whether there was anything; none if there was no reply.
    fn hear(&mut self, client: &mut Client) -> Option<bool> {
        let page = match client.ask_lines(&format!("FEED {} LIMIT 100", self.position))? {
            Ok(page) => page,
            Err(why) => {
                self.lost = Some(why);
                return Some(false);
            }
        };
        page[0][1..].clone_into(&mut self.position);
        for item in &page[1..] {
            let item: Value = serde_json::from_str(&item[1..]).expect("an item");
            let [phone, cause, at] = ["phone", "cause", "at"].map(|key| item[key].as_str().unwrap_or("-").to_owned());
            self.heard.entry(phone).or_default().push(format!("{cause} {at}"));
        }
        Some(page.len() > 1)
    }
}

impl Crowd {
    /// Makes the list and the phones, all opted in.
    pub fn gather(ports: &[u16]) -> Crowd {
        let mut client = Client::of(ports);
        client.insist(&format!("LIST {LIST}"));
        let begin = client.ask_lines("FEED").expect("a reply").expect("a position")[0][1..].to_owned();
        // The last one is nobody's: see `Crowd::leave`.
        let known = (0..=WRITERS * PHONES_EACH)
            .map(|n| {
                let phone = format!("+1415555{n:04}");
                client.insist(&format!("OPTIN {LIST} {phone}"));
                Known { phone, turn: AtomicU64::new(0) }
            })
            .collect();
        Crowd {
            known,
            ports: ports.to_vec(),
            seen: Seen::default(),
            claims: Mutex::default(),
            feed: Mutex::new(Feed { position: begin.clone(), begin, ..Feed::default() }),
            feed_tells_all: true,
            ends: AtomicBool::new(false),
        }
    }

    /// Lets them all do what they do while something else is done.
    pub fn meanwhile<T>(&self, done: impl FnOnce() -> T) -> T {
        self.ends.store(false, Ordering::SeqCst);
        thread::scope(|scope| {
            for writer in 0..WRITERS {
                scope.spawn(move || self.write(writer));
            }
            scope.spawn(|| self.follow());
            for port in &self.ports {
                scope.spawn(move || self.check(*port));
                scope.spawn(move || self.claim(*port));
            }
            // A panic must end them, too: the scope waits for them.
            let _ends = Ends(&self.ends);
            done()
        })
    }

    /// From now on other daemons are asked, of the same contacts, with a feed that begins there.
    pub fn move_to(&mut self, ports: &[u16]) {
        self.ports = ports.to_vec();
        let begin = Client::of(ports).insist_lines("FEED")[0][1..].to_owned();
        self.feed = Mutex::new(Feed { position: begin.clone(), begin, ..Feed::default() });
        self.feed_tells_all = false;
    }

    /// Opts in the phone that no writer has.
    pub fn come_back(&self) {
        let known = &self.known[WRITERS * PHONES_EACH];
        if known.turn.load(Ordering::SeqCst) % 2 == 1 {
            known.turn.fetch_add(1, Ordering::SeqCst);
        }
        Client::of(&self.ports).insist(&format!("OPTIN {LIST} {}", known.phone));
    }

    /// Opts it out at one daemon.
    pub fn leave(&self, port: u16) {
        let known = &self.known[WRITERS * PHONES_EACH];
        if Client::of(&[port]).insist(&format!("OPTOUT {LIST} {}", known.phone)).starts_with(':') {
            known.turn.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn has_ended(&self) -> bool {
        self.ends.load(Ordering::SeqCst)
    }

    fn write(&self, writer: usize) {
        let mut client = Client::of(&self.ports);
        // Some are handed on by the daemon that stands by.
        client.next = writer % self.ports.len();
        let mine = &self.known[writer * PHONES_EACH..][..PHONES_EACH];
        for known in mine.iter().cycle() {
            if self.has_ended() {
                return;
            }
            // What was begun is done to its end: else nobody would know what must be there.
            let optin = format!("OPTIN {LIST} {}", known.phone);
            if known.turn.load(Ordering::SeqCst) % 2 == 1 {
                known.turn.fetch_add(1, Ordering::SeqCst);
            }
            if !self.until_acknowledged(&mut client, &optin) {
                return;
            }
            // The opt-out is to be newer. Writers do not keep step, and phones are opted in for most of the time: whatever happens
            // to an owner, it has some that are opted out at the next one.
            thread::sleep(Duration::from_millis(5 + 5 * writer as u64));
            if !self.until_acknowledged(&mut client, &format!("OPTOUT {LIST} {}", known.phone)) {
                return;
            }
            known.turn.fetch_add(1, Ordering::SeqCst);
            thread::sleep(Duration::from_millis(2));
        }
    }

    fn until_acknowledged(&self, client: &mut Client, request: &str) -> bool {
        loop {
            if client.ask(request).is_some() {
                self.seen.acknowledged.fetch_add(1, Ordering::SeqCst);
                return true;
            }
            if self.has_ended() {
                return false;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Asks one daemon all the time.
    fn check(&self, port: u16) {
        let mut client = Client::of(&[port]);
        for known in self.known.iter().cycle() {
            if self.has_ended() {
                return;
            }
            let before = known.turn.load(Ordering::SeqCst);
            let reply = client.ask(&format!("CHECK {LIST} {}", known.phone));
            let after = known.turn.load(Ordering::SeqCst);
            let mut silence = self.seen.silence.lock().expect("nobody panicked");
            match reply {
                Some(reply) => {
                    self.seen.checks.fetch_add(1, Ordering::SeqCst);
                    *silence =
                        (Some(Instant::now()), silence.1.max(silence.0.map_or(Duration::ZERO, |at| at.elapsed())));
                    drop(silence);
                    if before % 2 == 1 && before == after && reply == "+yes" {
                        self.wrong(format!("CHECK {} at {port}: yes after an acknowledged opt-out", known.phone));
                    }
                }
                None => {
                    drop(silence);
                    thread::sleep(Duration::from_millis(5));
                }
            }
        }
    }

    /// Follows the feed, at whichever daemon answers.
    fn follow(&self) {
        let mut client = Client::of(&self.ports);
        let mut feed = self.feed.lock().expect("nobody panicked");
        while !self.has_ended() && feed.lost.is_none() {
            if feed.hear(&mut client) != Some(true) {
                thread::sleep(Duration::from_millis(10));
            }
        }
        if let Some(why) = &feed.lost {
            self.wrong(format!("FEED: {why}"));
        }
    }

    /// Whoever has followed the feed has heard of each phone what whoever reads it now from its beginning hears: nothing is missing,
    /// nothing came twice, and nothing was taken back.
    fn compare_feeds(&self, client: &mut Client) {
        let mut followed = self.feed.lock().expect("nobody panicked");
        let mut again = Feed { position: followed.begin.clone(), ..Feed::default() };
        for feed in [&mut *followed, &mut again] {
            let since = Instant::now();
            while feed.hear(client) != Some(false) {
                assert!(since.elapsed() < Duration::from_secs(60), "the feed has no end");
            }
        }
        let mut phones: Vec<&String> = followed.heard.keys().chain(again.heard.keys()).collect();
        phones.dedup();
        for phone in phones {
            let (heard, there) = (followed.heard.get(phone), again.heard.get(phone));
            if heard != there {
                self.wrong(format!("FEED of {phone}: heard {heard:?}, and there is {there:?}"));
            }
        }
        for known in &self.known {
            let is_out = self.feed_tells_all && known.turn.load(Ordering::SeqCst) % 2 == 1;
            let last = again.heard.get(&known.phone).and_then(|heard| heard.last());
            if is_out && !last.is_some_and(|last| last.starts_with("optout ")) {
                self.wrong(format!("FEED of {}: its opt-out was acknowledged, and the last is {last:?}", known.phone));
            }
        }
    }

    /// Claims messages of one name at all daemons: one of them may send each.
    fn claim(&self, port: u16) {
        let mut client = Client::of(&[port]);
        let mut number = 0_u64;
        while !self.has_ended() {
            // Others claim the same: a name is tried a few times by each.
            let name = number / 3;
            // Of each phone fewer names are claimed than contactd remembers, so that a later round may ask for all of them again.
            let phone = format!("+1415556{:04}", name / MESSAGES_EACH);
            if number.is_multiple_of(3 * MESSAGES_EACH) {
                client.ask(&format!("OPTIN {LIST} {phone}"));
            }
            let id = format!("m{name}");
            number += 1;
            if client.ask(&format!("CLAIM {LIST} {phone} {id}")).is_some_and(|reply| reply == "+yes") {
                let mut claims = self.claims.lock().expect("nobody panicked");
                let times = claims.entry(id.clone()).or_default();
                *times += 1;
                if *times > 1 {
                    drop(claims);
                    self.wrong(format!("CLAIM {id}: yes twice"));
                }
            }
            thread::sleep(Duration::from_millis(3));
        }
    }

    fn wrong(&self, what: String) {
        self.seen.wrong.lock().expect("nobody panicked").push(what);
    }

    /// Compares what was acknowledged with what a daemon says.
    pub fn compare(&self, ports: &[u16]) {
        let mut client = Client::of(ports);
        for known in &self.known {
            let reply = client.insist(&format!("CHECK {LIST} {}", known.phone));
            if known.turn.load(Ordering::SeqCst) % 2 == 1 && reply == "+yes" {
                self.wrong(format!("{}: its opt-out was acknowledged and is lost", known.phone));
            }
        }
        self.compare_feeds(&mut client);
    }

    pub fn wrongs(&self) -> Vec<String> {
        self.seen.wrong.lock().expect("nobody panicked").clone()
    }
}
