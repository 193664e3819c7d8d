//! Commands over a universe so small that they keep meeting: three lists, four phones, a dozen dates.

use super::text::{InboundKind, TEXTS, folded};
use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset, SecondsFormat};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

pub const LISTS: [&str; 3] = ["+14155550100", "72345", "+442071838750"];
pub const PHONES: [&str; 4] = ["+14155552671", "+14155552672", "+442079460018", "+525512345678"];

/// A phone that no sequence names, to speak of a list with.
pub const OTHER_PHONE: &str = "+14155552699";

pub const HOUR_MS: i64 = 3_600_000;
pub const DAY_MS: i64 = 24 * HOUR_MS;
/// 2026-05-01T00:00:00Z, the first of the dates.
pub const FIRST_MS: i64 = 1_777_593_600_000;
/// Where mixed sequences start their clock: among the dates, so that some lie in the future.
pub const START_MS: i64 = FIRST_MS + 4 * HOUR_MS + 137;
/// A clock later than every date.
pub const AFTER_MS: i64 = FIRST_MS + 2 * DAY_MS;

/// Few, so that they keep meeting, over lists and phones too; and one that is a message, a click and an order.
const MESSAGES: [&str; 4] = ["may-1", "may-2", "may-3", "any-1"];
const CLICKS: [&str; 3] = ["any-1", "c-2", "c-3"];
const ORDERS: [&str; 3] = ["any-1", "o-2", "o-3"];
const AMOUNTS: [&str; 10] =
    ["12.5", "49.90", "0.000001", "7", "1000000.25", "0", "-9.90", "-12.5", "1,50", "1.0000001"];
/// What providers say of a message that did not arrive: the number is dead, the person wants out, the phone is off, and
/// what says nothing of the contact.
const CODES: [&str; 6] = ["30005", "21610", "40300", "30003", "30007", "spam"];

/// A date and how it is spelt on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub ms: i64,
    pub spelling: Spelling,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    Millis,
    Utc,
    Offset,
    /// A date alone, where it is midnight; else UTC.
    Day,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub labels: Vec<(String, Option<String>)>,
    pub how: Option<String>,
    pub source: Option<String>,
    pub status: Option<String>,
    pub subscribed_at: Option<Stamp>,
    pub opted_out_at: Option<Stamp>,
    pub suppressed_at: Option<Stamp>,
    pub invalid_at: Option<Stamp>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    List {
        list: String,
        name: Option<String>,
        paused: Option<bool>,
    },
    Unlist {
        list: String,
        force: bool,
    },
    Put {
        phone: String,
        labels: Vec<(String, Option<String>)>,
    },
    Get {
        phone: String,
    },
    /// With no list: of the contact.
    Suppress {
        list: Option<String>,
        phone: String,
        at: Option<Stamp>,
    },
    Release {
        list: Option<String>,
        phone: String,
        at: Option<Stamp>,
    },
    Invalid {
        phone: String,
        at: Option<Stamp>,
    },
    Valid {
        phone: String,
        at: Option<Stamp>,
    },
    OptIn {
        list: String,
        phone: String,
        how: Option<String>,
        source: Option<String>,
        at: Option<Stamp>,
    },
    /// With no list: `*`, all of them.
    OptOut {
        list: Option<String>,
        phone: String,
        at: Option<Stamp>,
    },
    Inbound {
        list: String,
        phone: String,
        text: String,
        at: Option<Stamp>,
        id: Option<String>,
    },
    /// With no list: `*`, of the contact.
    Import {
        list: Option<String>,
        phone: String,
        row: Row,
    },
    Check {
        list: String,
        phone: String,
    },
    Claim {
        list: String,
        phone: String,
        id: String,
    },
    Sent {
        list: String,
        phone: String,
        id: String,
        at: Option<Stamp>,
    },
    Failed {
        list: String,
        phone: String,
        id: String,
        at: Option<Stamp>,
        code: Option<Code>,
        permanent: Option<bool>,
    },
    Click {
        list: String,
        phone: String,
        at: Option<Stamp>,
        id: Option<String>,
        message: Option<String>,
        bot: Option<bool>,
    },
    Convert {
        list: String,
        phone: String,
        amount: String,
        at: Option<Stamp>,
        id: Option<String>,
        message: Option<String>,
    },
}

/// A provider's code, and whether the request gives it as a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code {
    pub said: String,
    pub as_number: bool,
}

/// A command, and by how much the clock moves before it.
#[derive(Clone, Debug)]
pub struct Step {
    pub wait_ms: i64,
    pub command: Command,
}

impl Stamp {
    /// Where something is forbidden, a day alone means its end.
    fn exact_json(self) -> Value {
        let spelling = if self.spelling == Spelling::Day { Spelling::Utc } else { self.spelling };
        Stamp { spelling, ..self }.json()
    }

    fn json(self) -> Value {
        let utc = time(self.ms);
        match self.spelling {
            Spelling::Millis => json!(self.ms),
            Spelling::Day if self.ms % DAY_MS == 0 => json!(utc[..10]),
            Spelling::Utc | Spelling::Day => json!(utc),
            Spelling::Offset => {
                let india = FixedOffset::east_opt(19_800).expect("five and a half hours");
                let local = DateTime::from_timestamp_millis(self.ms).expect("a date").with_timezone(&india);
                json!(local.to_rfc3339_opts(SecondsFormat::Millis, false))
            }
        }
    }
}

impl Code {
    fn json(&self) -> Value {
        match self.said.parse::<u32>() {
            Ok(number) if self.as_number => json!(number),
            _ => json!(self.said),
        }
    }
}

/// RFC 3339, UTC, milliseconds.
pub fn time(ms: i64) -> String {
    let utc = DateTime::from_timestamp_millis(ms).expect("a date");
    utc.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Command {
    /// Every date in it.
    pub fn stamps(&self) -> Vec<Stamp> {
        match self {
            Command::Suppress { at, .. }
            | Command::Release { at, .. }
            | Command::Invalid { at, .. }
            | Command::Valid { at, .. }
            | Command::OptIn { at, .. }
            | Command::OptOut { at, .. }
            | Command::Inbound { at, .. }
            | Command::Sent { at, .. }
            | Command::Failed { at, .. }
            | Command::Click { at, .. }
            | Command::Convert { at, .. } => at.iter().copied().collect(),
            Command::Import { row, .. } => {
                let all = [row.subscribed_at, row.opted_out_at, row.suppressed_at, row.invalid_at];
                all.into_iter().flatten().collect()
            }
            _ => Vec::new(),
        }
    }

    /// The request, without its line end.
    pub fn line(&self) -> String {
        let mut json = Map::new();
        let head = match self {
            Command::List { list, name, paused } => {
                add(&mut json, "name", name.as_ref().map(|v| json!(v)));
                add(&mut json, "paused", paused.map(|v| json!(v)));
                format!("LIST {list}")
            }
            Command::Unlist { list, force } => format!("UNLIST {list}{}", if *force { " FORCE" } else { "" }),
            Command::Put { phone, labels } => {
                add(&mut json, "labels", labels_json(labels));
                format!("PUT {phone}")
            }
            Command::Get { phone } => format!("GET {phone}"),
            Command::Suppress { list, phone, at } => dated(&mut json, "SUPPRESS", list.as_deref(), phone, *at),
            Command::Release { list, phone, at } => dated(&mut json, "RELEASE", list.as_deref(), phone, *at),
            Command::Invalid { phone, at } => dated(&mut json, "INVALID", None, phone, *at),
            Command::Valid { phone, at } => dated(&mut json, "VALID", None, phone, *at),
            Command::OptIn { list, phone, how, source, at } => {
                add(&mut json, "how", how.as_ref().map(|v| json!(v)));
                add(&mut json, "source", source.as_ref().map(|v| json!(v)));
                dated(&mut json, "OPTIN", Some(list), phone, *at)
            }
            Command::OptOut { list, phone, at } => {
                dated(&mut json, "OPTOUT", Some(list.as_deref().unwrap_or("*")), phone, *at)
            }
            Command::Inbound { list, phone, text, at, id } => {
                json.insert("text".to_owned(), json!(text));
                add(&mut json, "id", id.as_ref().map(|v| json!(v)));
                dated(&mut json, "INBOUND", Some(list), phone, *at)
            }
            Command::Import { list, phone, row } => {
                json.insert("phone".to_owned(), json!(phone));
                add(&mut json, "labels", labels_json(&row.labels));
                add(&mut json, "how", row.how.as_ref().map(|v| json!(v)));
                add(&mut json, "source", row.source.as_ref().map(|v| json!(v)));
                add(&mut json, "import_id", row.source.as_ref().map(|v| json!(v)));
                add(&mut json, "status", row.status.as_ref().map(|v| json!(v)));
                add(&mut json, "subscribed_at", row.subscribed_at.map(Stamp::json));
                add(&mut json, "opted_out_at", row.opted_out_at.map(Stamp::exact_json));
                add(&mut json, "suppressed_at", row.suppressed_at.map(Stamp::exact_json));
                add(&mut json, "invalid_at", row.invalid_at.map(Stamp::exact_json));
                format!("IMPORT {}", list.as_deref().unwrap_or("*"))
            }
            Command::Check { list, phone } => format!("CHECK {list} {phone}"),
            Command::Claim { list, phone, id } => format!("CLAIM {list} {phone} {id}"),
            Command::Sent { list, phone, id, at } => dated(&mut json, "SENT", Some(list), phone, *at) + " " + id,
            Command::Failed { list, phone, id, at, code, permanent } => {
                add(&mut json, "code", code.as_ref().map(Code::json));
                add(&mut json, "permanent", permanent.map(|v| json!(v)));
                dated(&mut json, "FAILED", Some(list), phone, *at) + " " + id
            }
            Command::Click { list, phone, at, id, message, bot } => {
                add(&mut json, "id", id.as_ref().map(|v| json!(v)));
                add(&mut json, "message", message.as_ref().map(|v| json!(v)));
                add(&mut json, "bot", bot.map(|v| json!(v)));
                dated(&mut json, "CLICK", Some(list), phone, *at)
            }
            Command::Convert { list, phone, amount, at, id, message } => {
                add(&mut json, "id", id.as_ref().map(|v| json!(v)));
                add(&mut json, "message", message.as_ref().map(|v| json!(v)));
                dated(&mut json, "CONVERT", Some(list), phone, *at) + " " + amount
            }
        };
        if json.is_empty() { head } else { format!("{head} {}", Value::Object(json)) }
    }
}

fn add(json: &mut Map<String, Value>, key: &str, value: Option<Value>) {
    if let Some(value) = value {
        json.insert(key.to_owned(), value);
    }
}

fn labels_json(labels: &[(String, Option<String>)]) -> Option<Value> {
    let pairs = labels.iter().map(|(key, value)| (key.clone(), json!(value)));
    if labels.is_empty() { None } else { Some(Value::Object(pairs.collect())) }
}

fn dated(json: &mut Map<String, Value>, verb: &str, list: Option<&str>, phone: &str, at: Option<Stamp>) -> String {
    let forbids = ["OPTOUT", "SUPPRESS", "INVALID", "FAILED", "INBOUND"].contains(&verb);
    add(json, "at", at.map(if forbids { Stamp::exact_json } else { Stamp::json }));
    list.map_or_else(|| format!("{verb} {phone}"), |list| format!("{verb} {list} {phone}"))
}

/// GET of every phone and CHECK of every list with every phone: all that can be seen of the universe.
pub fn probes() -> Vec<Command> {
    let gets = PHONES.iter().map(|phone| Command::Get { phone: (*phone).to_owned() });
    let pairs = LISTS.iter().flat_map(|list| PHONES.iter().map(move |phone| (*list, *phone)));
    let checks = pairs.map(|(list, phone)| Command::Check { list: list.to_owned(), phone: phone.to_owned() });
    gets.chain(checks).collect()
}

/// A mixed sequence on a clock that only goes forward; in half of them the third list is never created.
pub fn mixed(len_max: usize) -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![3 => Just(0), 3 => 1..3_i64, 3 => 1..900_000_i64, 1 => Just(HOUR_MS)];
    steps(len_max, wait.boxed(), command)
}

/// The same on a clock that is also set back.
pub fn mixed_with_clock_steps(len_max: usize) -> impl Strategy<Value = Vec<Step>> {
    steps(len_max, clock_steps(), command)
}

/// The same, mostly of sending.
pub fn mostly_sending_with_clock_steps(len_max: usize) -> impl Strategy<Value = Vec<Step>> {
    steps(len_max, clock_steps(), mostly_sending)
}

/// The same, mostly of contacts that are subscribed and may want out.
pub fn mostly_inbox_with_clock_steps(len_max: usize) -> impl Strategy<Value = Vec<Step>> {
    steps(len_max, clock_steps(), mostly_inbox)
}

fn clock_steps() -> BoxedStrategy<i64> {
    prop_oneof![4 => 0..900_000_i64, 1 => Just(2 * HOUR_MS), 1 => Just(-HOUR_MS)].boxed()
}

fn steps(
    len_max: usize,
    wait: BoxedStrategy<i64>,
    command: fn(usize) -> BoxedStrategy<Command>,
) -> impl Strategy<Value = Vec<Step>> {
    let third = prop_oneof![Just(2_usize), Just(3_usize)];
    let listed = prop_oneof![1 => Just(0_usize), 1 => Just(1_usize), 6 => Just(2_usize)];
    (third, listed).prop_flat_map(move |(lists, listed)| {
        let step = (wait.clone(), command(lists)).prop_map(|(wait_ms, command)| Step { wait_ms, command });
        vec(step, 1..=len_max).prop_map(move |steps| {
            let name = |list: &&str| Command::List { list: (*list).to_owned(), name: None, paused: None };
            let prelude = LISTS[..listed].iter().map(name).map(|command| Step { wait_ms: 0, command });
            prelude.chain(steps).collect()
        })
    })
}

/// Any one command; LIST and UNLIST name only the first `lists` lists.
pub fn command(lists: usize) -> BoxedStrategy<Command> {
    let named = move || prop::sample::select(&LISTS[..lists]).prop_map(str::to_owned);
    let at = || option::weighted(0.6, stamp());
    let how = || option::weighted(0.3, prop_oneof![Just("api".to_owned()), Just("journey".to_owned())]);
    prop_oneof![
        2 => (named(), option::weighted(0.2, Just("Shop".to_owned())), option::weighted(0.3, any::<bool>()))
            .prop_map(|(list, name, paused)| Command::List { list, name, paused }),
        1 => (named(), any::<bool>()).prop_map(|(list, force)| Command::Unlist { list, force }),
        2 => (phone(), labels()).prop_map(|(phone, labels)| Command::Put { phone, labels }),
        1 => phone().prop_map(|phone| Command::Get { phone }),
        2 => (option::of(list()), phone(), at()).prop_map(|(list, phone, at)| Command::Suppress { list, phone, at }),
        2 => (option::of(list()), phone(), at()).prop_map(|(list, phone, at)| Command::Release { list, phone, at }),
        1 => (phone(), at()).prop_map(|(phone, at)| Command::Invalid { phone, at }),
        1 => (phone(), at()).prop_map(|(phone, at)| Command::Valid { phone, at }),
        6 => (list(), phone(), how(), source(), at())
            .prop_map(|(list, phone, how, source, at)| Command::OptIn { list, phone, how, source, at }),
        5 => (option::weighted(0.75, list()), phone(), at())
            .prop_map(|(list, phone, at)| Command::OptOut { list, phone, at }),
        6 => (0..LISTS.len(), phone(), 0..TEXTS.len(), at(), option::of(0..2_u8)).prop_map(inbound),
        6 => (option::weighted(0.85, list()), phone(), row())
            .prop_map(|(list, phone, row)| Command::Import { list, phone, row }),
        3 => (list(), phone()).prop_map(|(list, phone)| Command::Check { list, phone }),
        12 => sending(),
    ]
    .boxed()
}

/// What is told of messages and what comes of them.
pub fn sending() -> BoxedStrategy<Command> {
    let at = || option::weighted(0.6, stamp());
    prop_oneof![
        6 => (list(), phone(), message()).prop_map(|(list, phone, id)| Command::Claim { list, phone, id }),
        4 => (list(), phone(), message(), at()).prop_map(|(list, phone, id, at)| Command::Sent { list, phone, id, at }),
        4 => (list(), phone(), message(), at(), code(), permanent()).prop_map(failed),
        4 => (list(), phone(), at(), option::weighted(0.7, one_of(&CLICKS)), option::of(message()), bot())
            .prop_map(click),
        3 => (list(), phone(), amount(), at(), option::weighted(0.7, one_of(&ORDERS)), option::of(message()))
            .prop_map(convert),
    ]
    .boxed()
}

/// Sending, with as much of everything else as keeps it going: most of that opts in.
fn mostly_sending(lists: usize) -> BoxedStrategy<Command> {
    let opt_in = (list(), phone(), option::weighted(0.8, stamp())).prop_map(|(list, phone, at)| Command::OptIn {
        list,
        phone,
        how: None,
        source: None,
        at,
    });
    let valid = phone().prop_map(|phone| Command::Valid { phone, at: None });
    let get = phone().prop_map(|phone| Command::Get { phone });
    prop_oneof![12 => sending(), 3 => opt_in, 1 => valid, 2 => get, 3 => command(lists)].boxed()
}

/// Messages that may want out, with as much of everything else as makes their contacts ones to send to.
fn mostly_inbox(lists: usize) -> BoxedStrategy<Command> {
    let at = || option::weighted(0.7, stamp());
    let maybe = (0..TEXTS.len()).prop_filter("one that may want out", |text| TEXTS[*text].1 == InboundKind::MaybeOut);
    let opt_in = (list(), phone(), at()).prop_map(|(list, phone, at)| Command::OptIn {
        list,
        phone,
        how: None,
        source: None,
        at,
    });
    prop_oneof![
        6 => opt_in,
        6 => (0..LISTS.len(), phone(), maybe, at(), option::of(0..2_u8)).prop_map(inbound),
        4 => (list(), phone()).prop_map(|(list, phone)| Command::Check { list, phone }),
        3 => (list(), phone(), message()).prop_map(|(list, phone, id)| Command::Claim { list, phone, id }),
        3 => command(lists),
    ]
    .boxed()
}

/// Dated events in the past, inbound ones with ids: any order of them, and any of them twice, must come to the same.
/// Send `known()` first. YES is left out: what it means depends on what came before it.
pub fn dated_events(len_max: usize) -> impl Strategy<Value = Vec<Command>> {
    // One that cannot be read counts as of now, whenever that is.
    let at = || stamp().prop_filter("a date", |stamp| stamp.ms >= FIRST_MS).prop_map(Some);
    let texts = (0..TEXTS.len()).prop_filter("not YES", |text| TEXTS[*text].1 != InboundKind::Yes);
    let event = prop_oneof![
        1 => (option::of(list()), phone(), at()).prop_map(|(list, phone, at)| Command::Suppress { list, phone, at }),
        1 => (option::of(list()), phone(), at()).prop_map(|(list, phone, at)| Command::Release { list, phone, at }),
        1 => (phone(), at()).prop_map(|(phone, at)| Command::Invalid { phone, at }),
        1 => (phone(), at()).prop_map(|(phone, at)| Command::Valid { phone, at }),
        3 => (list(), phone(), source(), at())
            .prop_map(|(list, phone, source, at)| Command::OptIn { list, phone, how: None, source, at }),
        3 => (option::weighted(0.75, list()), phone(), at())
            .prop_map(|(list, phone, at)| Command::OptOut { list, phone, at }),
        3 => (0..LISTS.len(), phone(), texts, at(), Just(Some(0))).prop_map(inbound),
        4 => (list(), phone(), message(), at()).prop_map(|(list, phone, id, at)| Command::Sent { list, phone, id, at }),
        4 => (list(), phone(), message(), at(), code(), permanent()).prop_map(failed),
        3 => (list(), phone(), at(), Just(Some(String::new())), option::of(message()), bot()).prop_map(click),
        2 => (list(), phone(), amount(), at(), Just(Some(String::new())), option::of(message())).prop_map(convert),
    ];
    vec(event, 1..=len_max).prop_map(|mut events| {
        // One id is one message: number them all. Of a message that was sent one report stays, and of one that failed.
        let mut reported = BTreeSet::new();
        let mut once = |what: &'static str, list: &str, phone: &str, id: &mut String, number: usize| {
            if !reported.insert((what, list.to_owned(), phone.to_owned(), id.clone())) {
                *id = format!("{id}-{number}");
            }
        };
        for (number, event) in events.iter_mut().enumerate() {
            match event {
                Command::Inbound { id, .. } | Command::Click { id, .. } | Command::Convert { id, .. } => {
                    *id = Some(format!("m{number}"));
                }
                Command::Sent { list, phone, id, .. } => once("sent", list, phone, id, number),
                Command::Failed { list, phone, id, .. } => once("failed", list, phone, id, number),
                _ => {}
            }
        }
        events
    })
}

/// The events and the same in another order, some of them twice.
pub fn dated_events_permuted(len_max: usize) -> impl Strategy<Value = (Vec<Command>, Vec<Command>)> {
    dated_events(len_max).prop_flat_map(|events| {
        let again = prop::sample::subsequence(events.clone(), 0..=events.len());
        let shuffled = again.prop_map({
            let events = events.clone();
            move |again| [events.clone(), again].concat()
        });
        (Just(events), shuffled.prop_shuffle())
    })
}

/// What must be so before dated events may come in any order: two lists exist, and something was told of the third, that
/// does not. The phones need not be known.
pub fn known() -> Vec<Command> {
    let name = |list: &&str| Command::List { list: (*list).to_owned(), name: None, paused: None };
    let (third, phone) = (Some(LISTS[2].to_owned()), OTHER_PHONE.to_owned());
    LISTS[..2].iter().map(name).chain([Command::OptOut { list: third, phone, at: None }]).collect()
}

pub fn list() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(LISTS[0]), 3 => Just(LISTS[1]), 1 => Just(LISTS[2])].prop_map(str::to_owned)
}

pub fn phone() -> impl Strategy<Value = String> {
    prop_oneof![5 => Just(PHONES[0]), 2 => Just(PHONES[1]), 1 => Just(PHONES[2]), 1 => Just(PHONES[3])]
        .prop_map(str::to_owned)
}

/// Whole hours around the start; rarely a moment just ahead of it, or seconds where milliseconds are meant.
pub fn stamp() -> impl Strategy<Value = Stamp> {
    let spelling =
        prop_oneof![Just(Spelling::Millis), Just(Spelling::Utc), Just(Spelling::Offset), Just(Spelling::Day)];
    let ms = prop_oneof![
        40 => (0..=8_i64).prop_map(|hours| FIRST_MS + hours * HOUR_MS),
        2 => (1..=8_i64).prop_map(|seconds| START_MS + seconds * 1_000),
        1 => Just(FIRST_MS / 1_000),
    ];
    (ms, spelling).prop_map(|(ms, spelling)| Stamp { ms, spelling })
}

fn source() -> impl Strategy<Value = Option<String>> {
    option::weighted(0.3, prop_oneof![Just("web".to_owned()), Just("shop".to_owned())])
}

/// One id has one list, and texts that differ in case and punctuation alone; other phones may share it.
fn inbound((list, phone, text, at, id): (usize, String, usize, Option<Stamp>, Option<u8>)) -> Command {
    let text = TEXTS[text].0.to_owned();
    let id = id.map(|n| format!("m{list}-{}-{n}", folded(&text)));
    Command::Inbound { list: LISTS[list].to_owned(), phone, text, at, id }
}

fn one_of(some: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(some).prop_map(str::to_owned)
}

pub fn message() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(MESSAGES[0]), 2 => Just(MESSAGES[1]), 1 => Just(MESSAGES[2]), 1 => Just(MESSAGES[3])]
        .prop_map(str::to_owned)
}

fn amount() -> impl Strategy<Value = String> {
    one_of(&AMOUNTS)
}

fn code() -> impl Strategy<Value = Option<Code>> {
    option::weighted(0.8, (one_of(&CODES), any::<bool>()).prop_map(|(said, as_number)| Code { said, as_number }))
}

fn permanent() -> impl Strategy<Value = Option<bool>> {
    option::weighted(0.25, any::<bool>())
}

fn bot() -> impl Strategy<Value = Option<bool>> {
    prop_oneof![4 => Just(None), 1 => Just(Some(false)), 2 => Just(Some(true))]
}

type Failure = (String, String, String, Option<Stamp>, Option<Code>, Option<bool>);

fn failed((list, phone, id, at, code, permanent): Failure) -> Command {
    Command::Failed { list, phone, id, at, code, permanent }
}

type Clicked = (String, String, Option<Stamp>, Option<String>, Option<String>, Option<bool>);

fn click((list, phone, at, id, message, bot): Clicked) -> Command {
    Command::Click { list, phone, at, id, message, bot }
}

type Converted = (String, String, String, Option<Stamp>, Option<String>, Option<String>);

fn convert((list, phone, amount, at, id, message): Converted) -> Command {
    Command::Convert { list, phone, amount, at, id, message }
}

/// With no value: the label is removed.
fn labels() -> impl Strategy<Value = Vec<(String, Option<String>)>> {
    let city = prop_oneof![Just("Austin".to_owned()), Just("New York".to_owned()), Just("Zürich \"West\"".to_owned())];
    let one = (prop_oneof![Just("city".to_owned()), Just("vip".to_owned())], option::weighted(0.7, city));
    // A JSON object has each key once.
    vec(one, 0..=2).prop_map(|mut labels| {
        labels.sort();
        labels.dedup_by(|a, b| a.0 == b.0);
        labels
    })
}

pub fn row() -> impl Strategy<Value = Row> {
    let status = prop_oneof![
        4 => Just(None),
        4 => Just(Some("active".to_owned())),
        3 => Just(Some("opted_out".to_owned())),
        1 => Just(Some("suppressed".to_owned())),
        1 => Just(Some("invalid".to_owned())),
    ];
    let how = option::weighted(0.2, Just("journey".to_owned()));
    let date = |chance| option::weighted(chance, stamp());
    let labels = labels().prop_map(|labels| labels.into_iter().filter(|(_, value)| value.is_some()).collect());
    (labels, how, source(), status, date(0.6), date(0.25), date(0.1), date(0.1)).prop_map(
        |(labels, how, source, status, subscribed_at, opted_out_at, suppressed_at, invalid_at)| Row {
            labels,
            how,
            source,
            status,
            subscribed_at,
            opted_out_at,
            suppressed_at,
            invalid_at,
        },
    )
}
