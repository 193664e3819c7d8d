//! Values: a version byte, then bincode of a struct that is frozen for that version.
//!
//! A struct here never changes: a new layout is a new version beside it, with a `From` to the next, and the golden
//! bytes in the tests keep everyone honest. Sizes are checked in [`seal`] and nowhere else.

use std::hash::BuildHasher;

use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::log::{Newest, Position};
use super::purge::{Plan, Progress};
use super::tombstones::Mark;
use crate::error::{Error, Result};
use crate::limits::{REMEMBERED_IDS_MIN, VALUE_BYTES_MAX};
use crate::model::contact::{Contact, Engagement, ListContact};
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, How, Standing};
use crate::model::failure::Failure;
use crate::model::keyword::Class;
use crate::model::label::Labels;
use crate::model::list::{List, ListId};
use crate::model::phone::{ListNumber, Phone};
use crate::model::purge::{Condemned, Policy};
use crate::model::remembered::{Item, PRINT_BYTES, Remembered, What};
use crate::model::tally::Tally;
use crate::model::time::Millis;
use crate::model::tombstone::{Gone, Tombstone};
use crate::model::verdict::StopScope;

/// The version that every value begins with.
pub const V1: u8 = 1;

/// A contact with what only the store knows of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub contact: Contact,
    /// Where its history begins.
    pub newest: Newest,
}

/// An event as it stands in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Whose it is.
    pub contact: u32,
    /// The event's number, counted from that of its block: it tells the order of events of both logs.
    pub order: u64,
    /// The event before it, of the same contact in the same log.
    pub previous: Position,
    /// None once it was erased.
    pub event: Option<Event>,
}

/// Counters that must never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The id the next contact gets.
    pub next_contact: u32,
    /// The position the next feed entry gets.
    pub next_feed: u64,
    /// The feed's epoch; a restore begins a new one.
    pub epoch: u64,
    /// The number the next event gets.
    pub next_event: u64,
    /// The number the next entry of the journal gets.
    pub next_journal: u64,
    /// The id the next tombstone gets.
    pub next_tombstone: u32,
}

/// A tombstone, and what stands for the number whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grave {
    pub mark: Mark,
    pub tombstone: Tombstone,
}

/// An erasure that is under way: what is still to be looked at, and what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasing {
    /// The number. It goes with the note.
    pub phone: u64,
    /// The contact's events that are not erased yet.
    pub consent: u64,
    pub activity: u64,
    /// Entries of the feed from here on may name it, up to before `feed_end`.
    pub feed_from: u64,
    pub feed_end: u64,
    /// Erased so far.
    pub events: u64,
    pub entries: u64,
}

/// In the place of a contact's status in the feed: the contact is gone.
pub const NO_STATUS: u8 = 0xff;

/// One change, as whoever follows the store is told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FeedEntry {
    /// A contact's statuses after a change, under the stop scope that held.
    Contact { at: DateV1, phone: u64, cause: u8, status: u8, lists: Vec<(u32, u8)> },
    /// Contacts with consecutive ids that an import created, all active on one list and on no other; expanded when
    /// read. It takes as many positions as there are contacts.
    Imported { at: DateV1, first: u32, count: u32, list: u32 },
    /// A list was created, changed or removed.
    List { at: DateV1, list: u32, number: u64, known: bool, paused: bool },
    /// The daemon started under another stop scope.
    Scope { at: DateV1, all: bool },
}

impl FeedEntry {
    /// When the daemon took it.
    pub fn at(&self) -> Millis {
        match *self {
            FeedEntry::Contact { at, .. }
            | FeedEntry::Imported { at, .. }
            | FeedEntry::List { at, .. }
            | FeedEntry::Scope { at, .. } => at.into(),
        }
    }

    /// Positions it takes.
    pub fn positions(&self) -> u64 {
        match self {
            FeedEntry::Imported { count, .. } => u64::from(*count),
            _ => 1,
        }
    }

    /// More bytes than it takes.
    pub fn bytes_at_most(&self) -> usize {
        const FIXED_BYTES: usize = 32;
        const LIST_BYTES: usize = 6;
        FIXED_BYTES + if let FeedEntry::Contact { lists, .. } = self { lists.len() * LIST_BYTES } else { 0 }
    }
}

/// A date in six bytes, which last until the year 10889; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateV1([u8; 6]);

impl From<Millis> for DateV1 {
    fn from(at: Millis) -> DateV1 {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&at.to_be_bytes()[2..]);
        DateV1(bytes)
    }
}

impl From<DateV1> for Millis {
    fn from(date: DateV1) -> Millis {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&date.0);
        Millis::from_be_bytes(bytes)
    }
}

#[derive(Serialize, Deserialize)]
struct FactV1 {
    at: DateV1,
    how: u8,
    source: String,
    reason: String,
}

#[derive(Serialize, Deserialize)]
struct StandingV1 {
    set: Option<FactV1>,
    lifted: Option<FactV1>,
}

#[derive(Serialize, Deserialize)]
struct ListContactV1 {
    list: u32,
    opted_in: Option<FactV1>,
    imported: Option<FactV1>,
    opted_out: Option<FactV1>,
    suppression: StandingV1,
}

#[derive(Serialize, Deserialize)]
struct EngagementV1 {
    sends: u64,
    clicks: u64,
    conversions: u64,
    revenue_micros: i64,
    last_sent: DateV1,
    last_clicked: DateV1,
    last_engaged: DateV1,
    sends_since_engaged: u64,
    last_inbound: DateV1,
    bot_clicks: u64,
}

#[derive(Serialize, Deserialize)]
struct RememberedV1 {
    print: [u8; PRINT_BYTES],
    list: u32,
    what: u8,
    /// How much later it was seen than the one before it; the first one than the contact was created.
    later: i64,
    /// How much later it was seen than it was.
    lag: i64,
}

#[derive(Serialize, Deserialize)]
struct TallyV1 {
    sends: i64,
    unresolved: i64,
    failures: i64,
    opt_outs: i64,
    clicks: i64,
    bot_clicks: i64,
    conversions: i64,
    revenue_micros: i64,
    replies: i64,
}

#[derive(Serialize, Deserialize)]
struct ContactV1 {
    phone: u64,
    created_at: DateV1,
    labels: Vec<(String, String)>,
    engagement: Option<EngagementV1>,
    opted_out_all: Option<FactV1>,
    suppression: StandingV1,
    invalidity: StandingV1,
    lists: Vec<ListContactV1>,
    newest_consent: u64,
    newest_activity: u64,
    remembered: Vec<RememberedV1>,
    forgotten: DateV1,
}

#[derive(Serialize, Deserialize)]
struct GraveV1 {
    mark: [u8; 16],
    gone_at: DateV1,
    why: u8,
    created_at: DateV1,
    last_inbound: DateV1,
    opted_out_all: Option<FactV1>,
    suppression: StandingV1,
    invalidity: StandingV1,
    lists: Vec<ListContactV1>,
}

#[derive(Serialize, Deserialize)]
struct PlanV1 {
    made_at: DateV1,
    invalid_after: Option<i64>,
    idle_after: Option<i64>,
    sends: u64,
    idle_max: Option<i64>,
    condemned: [u64; 3],
    lists: Vec<(u32, u64)>,
    kept: u64,
    unmeasured: u64,
    bytes: u64,
    run: Option<ProgressV1>,
}

#[derive(Serialize, Deserialize)]
struct ProgressV1 {
    started_at: DateV1,
    finished_at: DateV1,
    stopped: bool,
    next_id: u32,
    purged: [u64; 3],
    spared: u64,
    events: u64,
    ids: u64,
    entries: u64,
    consents: u64,
    bytes_before: u64,
    bytes_after: u64,
}

#[derive(Serialize, Deserialize)]
struct ListV1 {
    number: u64,
    name: String,
    paused: bool,
    created_at: DateV1,
    removed_at: DateV1,
}

#[derive(Serialize, Deserialize)]
struct EntryV1 {
    contact: u32,
    order: u64,
    previous: u64,
    event: Option<EventV1>,
}

#[derive(Serialize, Deserialize)]
struct EventV1 {
    kind: u8,
    at: DateV1,
    /// How much later it was seen.
    lag: i64,
    sent_at: Option<Millis>,
    list: Option<u32>,
    id: String,
    how: u8,
    source: String,
    reason: String,
    text: String,
    message: String,
    amount: i64,
}

fn options() -> impl Options {
    bincode::DefaultOptions::new()
}

/// Version byte and body, if they are not too long for sled.
fn seal(body: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = vec![V1];
    options().serialize_into(&mut value, body).map_err(Error::internal)?;
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::limit(format!("a record of {} bytes is over {VALUE_BYTES_MAX}", value.len())));
    }
    Ok(value)
}

fn open<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    match value.split_first() {
        Some((&V1, body)) => {
            options().deserialize(body).map_err(|why| Error::internal(format!("a damaged record: {why}")))
        }
        Some((version, _)) => {
            Err(Error::internal(format!("a record of version {version}, which this contactd does not know")))
        }
        None => Err(Error::internal("an empty record")),
    }
}

/// Encodes a contact. What together does not fit is left out, oldest first: ids, then the texts of facts, which the
/// history has, too. Dates and statuses always fit.
pub fn encode_record(record: &Record) -> Result<Vec<u8>> {
    let mut body = ContactV1::from(record);
    let mut remembered = record.contact.remembered.clone();
    loop {
        let sealed = seal(&body);
        let ContactV1 { opted_out_all, suppression, invalidity, lists, .. } = &mut body;
        let ids = remembered.items().len();
        let forgets = if ids > REMEMBERED_IDS_MIN { ids / 2 } else { 0 };
        match sealed {
            Err(_) if forgets > 0 => remembered.drop_oldest(forgets),
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => continue,
            Err(_) if ids > 0 => remembered.drop_oldest(ids),
            sealed => return sealed,
        }
        body.remembered = RememberedV1::encode(remembered.items(), record.contact.created_at);
        body.forgotten = remembered.forgotten().into();
    }
}

/// Tells a record from another one.
pub fn print(record: &Record) -> Result<u64> {
    encode_record(record).map(|bytes| foldhash::fast::FixedState::default().hash_one(bytes))
}

pub fn decode_record(value: &[u8]) -> Result<Record> {
    let body: ContactV1 = open(value)?;
    let phone = Phone::from_u64(body.phone).ok_or_else(|| Error::internal("a record with a damaged number"))?;
    Ok(Record {
        contact: Contact {
            phone,
            created_at: body.created_at.into(),
            labels: Labels::from_stored(body.labels),
            engagement: body.engagement.map(Engagement::from).unwrap_or_default(),
            opted_out_all: body.opted_out_all.map(Fact::from),
            suppression: body.suppression.into(),
            invalidity: body.invalidity.into(),
            lists: body.lists.into_iter().map(ListContact::from).collect(),
            remembered: Remembered::from_stored(
                RememberedV1::decode(body.remembered, body.created_at.into())?,
                body.forgotten.into(),
            ),
        },
        newest: Newest { consent: body.newest_consent, activity: body.newest_activity },
    })
}

/// Encodes a tombstone. Facts whose texts together do not fit lose them, oldest first.
pub fn encode_grave(grave: &Grave) -> Result<Vec<u8>> {
    let mut body = GraveV1::from(grave);
    loop {
        let sealed = seal(&body);
        let GraveV1 { opted_out_all, suppression, invalidity, lists, .. } = &mut body;
        match sealed {
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => {}
            sealed => return sealed,
        }
    }
}

pub fn decode_grave(value: &[u8]) -> Result<Grave> {
    let body: GraveV1 = open(value)?;
    let why = match body.why {
        0 => Gone::Erased,
        code => Gone::Purged(condemned(code)?),
    };
    let tombstone = Tombstone {
        gone_at: body.gone_at.into(),
        why,
        created_at: body.created_at.into(),
        opted_out_all: body.opted_out_all.map(Fact::from),
        suppression: body.suppression.into(),
        invalidity: body.invalidity.into(),
        last_inbound: body.last_inbound.into(),
        lists: body.lists.into_iter().map(ListContact::from).collect(),
    };
    Ok(Grave { mark: body.mark, tombstone })
}

fn condemned(code: u8) -> Result<Condemned> {
    let known = Condemned::ALL.into_iter().find(|why| *why as u8 + 1 == code);
    known.ok_or_else(|| Error::internal(format!("a tombstone of unknown reason {code}")))
}

pub fn encode_erasing(erasing: &Erasing) -> Result<Vec<u8>> {
    seal(erasing)
}

pub fn decode_erasing(value: &[u8]) -> Result<Erasing> {
    open(value)
}

pub fn encode_plan(plan: &Plan) -> Result<Vec<u8>> {
    let run = |run: &Progress| ProgressV1 {
        started_at: run.started_at.into(),
        finished_at: run.finished_at.into(),
        stopped: run.stopped,
        next_id: run.next_id,
        purged: run.purged,
        spared: run.spared,
        events: run.events,
        ids: run.ids,
        entries: run.entries,
        consents: run.consents,
        bytes_before: run.bytes_before,
        bytes_after: run.bytes_after,
    };
    seal(&PlanV1 {
        made_at: plan.made_at.into(),
        invalid_after: plan.policy.invalid_after,
        idle_after: plan.policy.idle_after,
        sends: plan.policy.sends,
        idle_max: plan.policy.idle_max,
        condemned: plan.condemned,
        lists: plan.lists.iter().map(|(list, contacts)| (list.0, *contacts)).collect(),
        kept: plan.kept,
        unmeasured: plan.unmeasured,
        bytes: plan.bytes,
        run: plan.run.as_ref().map(run),
    })
}

pub fn decode_plan(value: &[u8]) -> Result<Plan> {
    let body: PlanV1 = open(value)?;
    let run = |run: ProgressV1| Progress {
        started_at: run.started_at.into(),
        finished_at: run.finished_at.into(),
        stopped: run.stopped,
        next_id: run.next_id,
        purged: run.purged,
        spared: run.spared,
        events: run.events,
        ids: run.ids,
        entries: run.entries,
        consents: run.consents,
        bytes_before: run.bytes_before,
        bytes_after: run.bytes_after,
    };
    Ok(Plan {
        made_at: body.made_at.into(),
        policy: Policy {
            invalid_after: body.invalid_after,
            idle_after: body.idle_after,
            sends: body.sends,
            idle_max: body.idle_max,
        },
        condemned: body.condemned,
        lists: body.lists.into_iter().map(|(list, contacts)| (ListId(list), contacts)).collect(),
        kept: body.kept,
        unmeasured: body.unmeasured,
        bytes: body.bytes,
        run: body.run.map(run),
    })
}

pub fn encode_list(list: &List) -> Result<Vec<u8>> {
    seal(&ListV1 {
        number: list.number.as_u64(),
        name: list.name.clone(),
        paused: list.paused,
        created_at: list.created_at.into(),
        removed_at: list.removed_at.into(),
    })
}

pub fn decode_list(value: &[u8]) -> Result<List> {
    let body: ListV1 = open(value)?;
    Ok(List {
        number: ListNumber::from_u64(body.number).ok_or_else(|| Error::internal("a list with a damaged number"))?,
        name: body.name,
        paused: body.paused,
        created_at: body.created_at.into(),
        removed_at: body.removed_at.into(),
    })
}

/// Appends an event to a value that begins with [`V1`].
pub fn append_entry(value: &mut Vec<u8>, entry: &Entry) -> Result<()> {
    let body = EntryV1 {
        contact: entry.contact,
        order: entry.order,
        previous: entry.previous,
        event: entry.event.as_ref().map(EventV1::from),
    };
    options().serialize_into(value, &body).map_err(Error::internal)
}

/// Encodes a block of events anew.
pub fn encode_entries(entries: &[Entry]) -> Result<Vec<u8>> {
    let mut value = vec![V1];
    entries.iter().try_for_each(|entry| append_entry(&mut value, entry))?;
    Ok(value)
}

/// Reads a block of events.
pub fn decode_entries(value: &[u8]) -> Result<Vec<Entry>> {
    let Some((&V1, mut rest)) = value.split_first() else {
        return Err(Error::internal("a block of events of an unknown version"));
    };
    let mut entries = Vec::new();
    while !rest.is_empty() {
        let body: EntryV1 = options()
            .allow_trailing_bytes()
            .deserialize_from(&mut rest)
            .map_err(|why| Error::internal(format!("a damaged block of events: {why}")))?;
        let EntryV1 { contact, order, previous, event } = body;
        entries.push(Entry { contact, order, previous, event: event.map(Event::try_from).transpose()? });
    }
    Ok(entries)
}

pub fn encode_heads(heads: &Heads) -> Result<Vec<u8>> {
    seal(heads)
}

pub fn decode_heads(value: &[u8]) -> Result<Heads> {
    open(value)
}

pub fn encode_feed(entries: &[FeedEntry]) -> Result<Vec<u8>> {
    seal(&entries)
}

pub fn encode_tally(tally: Tally) -> Result<Vec<u8>> {
    seal(&TallyV1::from(tally))
}

pub fn decode_tally(value: &[u8]) -> Result<Tally> {
    open::<TallyV1>(value).map(Tally::from)
}

pub fn decode_feed(value: &[u8]) -> Result<Vec<FeedEntry>> {
    open(value)
}

pub fn encode_scope(scope: StopScope) -> Vec<u8> {
    vec![V1, u8::from(scope == StopScope::All)]
}

pub fn decode_scope(value: &[u8]) -> StopScope {
    if value.get(1) == Some(&1) { StopScope::All } else { StopScope::List }
}

/// The numbers of one chunk of ids, eight bytes each; 0 where there is none.
pub fn encode_numbers(phones: &[u64]) -> Vec<u8> {
    std::iter::once(V1).chain(phones.iter().flat_map(|phone| phone.to_be_bytes())).collect()
}

pub fn decode_numbers(value: &[u8]) -> Result<Vec<u64>> {
    match value.split_first() {
        Some((&V1, body)) if body.len() % 8 == 0 => Ok(body
            .chunks_exact(8)
            .map(|bytes| bytes.iter().fold(0, |phone, &byte| phone << 8 | u64::from(byte)))
            .collect()),
        _ => Err(Error::internal("a damaged chunk of the directory")),
    }
}

/// Takes the texts off the oldest fact that has some. Says whether there was one.
fn drop_oldest_text(
    opted_out_all: &mut Option<FactV1>,
    suppression: &mut StandingV1,
    invalidity: &mut StandingV1,
    lists: &mut [ListContactV1],
) -> bool {
    let standings =
        [suppression, invalidity].into_iter().flat_map(|standing| [&mut standing.set, &mut standing.lifted]);
    let lists = lists.iter_mut().flat_map(|on| {
        [&mut on.opted_in, &mut on.imported, &mut on.opted_out, &mut on.suppression.set, &mut on.suppression.lifted]
    });
    let oldest = std::iter::once(opted_out_all)
        .chain(standings)
        .chain(lists)
        .filter_map(Option::as_mut)
        .filter(|fact| !fact.source.is_empty() || !fact.reason.is_empty())
        .min_by_key(|fact| Millis::from(fact.at));
    let Some(fact) = oldest else { return false };
    fact.source.clear();
    fact.reason.clear();
    true
}

impl From<&Grave> for GraveV1 {
    fn from(grave: &Grave) -> GraveV1 {
        let tombstone = &grave.tombstone;
        GraveV1 {
            mark: grave.mark,
            gone_at: tombstone.gone_at.into(),
            why: match tombstone.why {
                Gone::Erased => 0,
                Gone::Purged(why) => why as u8 + 1,
            },
            created_at: tombstone.created_at.into(),
            last_inbound: tombstone.last_inbound.into(),
            opted_out_all: tombstone.opted_out_all.as_ref().map(FactV1::from),
            suppression: (&tombstone.suppression).into(),
            invalidity: (&tombstone.invalidity).into(),
            lists: tombstone.lists.iter().map(ListContactV1::from).collect(),
        }
    }
}

impl From<&Record> for ContactV1 {
    fn from(record: &Record) -> ContactV1 {
        let contact = &record.contact;
        let engagement = &contact.engagement;
        ContactV1 {
            phone: contact.phone.as_u64(),
            created_at: contact.created_at.into(),
            labels: contact.labels.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            engagement: (*engagement != Engagement::default()).then(|| engagement.into()),
            opted_out_all: contact.opted_out_all.as_ref().map(FactV1::from),
            suppression: (&contact.suppression).into(),
            invalidity: (&contact.invalidity).into(),
            lists: contact.lists.iter().map(ListContactV1::from).collect(),
            newest_consent: record.newest.consent,
            newest_activity: record.newest.activity,
            remembered: RememberedV1::encode(contact.remembered.items(), contact.created_at),
            forgotten: contact.remembered.forgotten().into(),
        }
    }
}

impl From<&Engagement> for EngagementV1 {
    fn from(of: &Engagement) -> EngagementV1 {
        EngagementV1 {
            sends: of.sends,
            clicks: of.clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            last_sent: of.last_sent.into(),
            last_clicked: of.last_clicked.into(),
            last_engaged: of.last_engaged.into(),
            sends_since_engaged: of.sends_since_engaged,
            last_inbound: of.last_inbound.into(),
            bot_clicks: of.bot_clicks,
        }
    }
}

impl From<EngagementV1> for Engagement {
    fn from(of: EngagementV1) -> Engagement {
        Engagement {
            sends: of.sends,
            clicks: of.clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            last_sent: of.last_sent.into(),
            last_clicked: of.last_clicked.into(),
            last_engaged: of.last_engaged.into(),
            sends_since_engaged: of.sends_since_engaged,
            last_inbound: of.last_inbound.into(),
            bot_clicks: of.bot_clicks,
        }
    }
}

impl From<&Fact> for FactV1 {
    fn from(fact: &Fact) -> FactV1 {
        FactV1 { at: fact.at.into(), how: fact.how as u8, source: fact.source.clone(), reason: fact.reason.clone() }
    }
}

impl From<FactV1> for Fact {
    fn from(fact: FactV1) -> Fact {
        Fact { at: fact.at.into(), how: how(fact.how), source: fact.source, reason: fact.reason }
    }
}

impl From<&Standing> for StandingV1 {
    fn from(standing: &Standing) -> StandingV1 {
        StandingV1 { set: standing.set.as_ref().map(FactV1::from), lifted: standing.lifted.as_ref().map(FactV1::from) }
    }
}

impl From<StandingV1> for Standing {
    fn from(standing: StandingV1) -> Standing {
        Standing { set: standing.set.map(Fact::from), lifted: standing.lifted.map(Fact::from) }
    }
}

impl From<&ListContact> for ListContactV1 {
    fn from(on: &ListContact) -> ListContactV1 {
        ListContactV1 {
            list: on.list.0,
            opted_in: on.opted_in.as_ref().map(FactV1::from),
            imported: on.imported.as_ref().map(FactV1::from),
            opted_out: on.opted_out.as_ref().map(FactV1::from),
            suppression: (&on.suppression).into(),
        }
    }
}

impl From<ListContactV1> for ListContact {
    fn from(on: ListContactV1) -> ListContact {
        ListContact {
            list: ListId(on.list),
            opted_in: on.opted_in.map(Fact::from),
            imported: on.imported.map(Fact::from),
            opted_out: on.opted_out.map(Fact::from),
            suppression: on.suppression.into(),
        }
    }
}

impl RememberedV1 {
    fn encode(items: &[Item], created_at: Millis) -> Vec<RememberedV1> {
        let mut before = created_at;
        let encode = |item: &Item| {
            let mut print = [0; PRINT_BYTES];
            print.copy_from_slice(&item.print.to_be_bytes()[8 - PRINT_BYTES..]);
            let later = item.seen_at - std::mem::replace(&mut before, item.seen_at);
            RememberedV1 { print, list: item.list.0, what: what_code(item.what), later, lag: item.seen_at - item.at }
        };
        items.iter().map(encode).collect()
    }

    fn decode(items: Vec<RememberedV1>, created_at: Millis) -> Result<Vec<Item>> {
        let mut seen_at = created_at;
        let decode = |item: RememberedV1| {
            seen_at = seen_at.saturating_add(item.later);
            Ok(Item {
                print: item.print.iter().fold(0, |print, &byte| print << 8 | u64::from(byte)),
                list: ListId(item.list),
                what: what(item.what)?,
                at: seen_at.saturating_sub(item.lag),
                seen_at,
            })
        };
        items.into_iter().map(decode).collect()
    }
}

impl From<Tally> for TallyV1 {
    fn from(of: Tally) -> TallyV1 {
        TallyV1 {
            sends: of.sends,
            unresolved: of.unresolved,
            failures: of.failures,
            opt_outs: of.opt_outs,
            clicks: of.clicks,
            bot_clicks: of.bot_clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            replies: of.replies,
        }
    }
}

impl From<TallyV1> for Tally {
    fn from(of: TallyV1) -> Tally {
        Tally {
            sends: of.sends,
            unresolved: of.unresolved,
            failures: of.failures,
            opt_outs: of.opt_outs,
            clicks: of.clicks,
            bot_clicks: of.bot_clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            replies: of.replies,
        }
    }
}

impl From<&Event> for EventV1 {
    fn from(event: &Event) -> EventV1 {
        EventV1 {
            kind: kind_code(event.kind),
            at: event.at.into(),
            lag: event.seen_at - event.at,
            sent_at: event.sent_at,
            list: event.list.map(|list| list.0),
            id: event.id.clone(),
            how: event.how as u8,
            source: event.source.clone(),
            reason: event.reason.clone(),
            text: event.text.clone(),
            message: event.message.clone(),
            amount: event.amount,
        }
    }
}

impl TryFrom<EventV1> for Event {
    type Error = Error;

    fn try_from(event: EventV1) -> Result<Event> {
        Ok(Event {
            kind: kind(event.kind)?,
            at: event.at.into(),
            seen_at: Millis::from(event.at).saturating_add(event.lag),
            sent_at: event.sent_at,
            list: event.list.map(ListId),
            id: event.id,
            how: how(event.how),
            source: event.source,
            reason: event.reason,
            text: event.text,
            message: event.message,
            amount: event.amount,
        })
    }
}

fn how(code: u8) -> How {
    How::ALL.into_iter().find(|how| *how as u8 == code).unwrap_or_default()
}

/// The codes of event kinds on disk, never reused.
const KINDS: [(u8, Kind); 22] = [
    (1, Kind::OptIn),
    (2, Kind::OptOut),
    (3, Kind::OptOutAll),
    (4, Kind::Suppress),
    (5, Kind::Release),
    (6, Kind::Invalid),
    (7, Kind::Valid),
    (8, Kind::Subscribe),
    (9, Kind::Inbound(Class::OptOut)),
    (10, Kind::Inbound(Class::OptOutAll)),
    (11, Kind::Inbound(Class::OptIn)),
    (12, Kind::Inbound(Class::Help)),
    (13, Kind::Inbound(Class::Message)),
    (14, Kind::Inbound(Class::MaybeOptOut)),
    // What follows has no event of its own, only a feed entry.
    (15, Kind::Created),
    (16, Kind::Claimed),
    (17, Kind::Sent),
    (18, Kind::Click),
    (19, Kind::BotClick),
    (20, Kind::Conversion),
    (21, Kind::Purged),
    (22, Kind::Erased),
];

/// The code on disk of what has an id, never reused: from 0x20 on what a message from the phone meant, from 0x40 on the
/// bits of a failure.
fn what_code(what: What) -> u8 {
    match what {
        What::Claimed => 1,
        What::Sent => 2,
        What::Click => 3,
        What::Conversion => 4,
        What::OptIn => 5,
        What::Inbound(class) => 0x20 | kind_code(Kind::Inbound(class)),
        What::Failed { failure, sent } => 0x40 | failure.bits() << 1 | u8::from(sent),
    }
}

fn what(code: u8) -> Result<What> {
    Ok(match code {
        1 => What::Claimed,
        2 => What::Sent,
        3 => What::Click,
        4 => What::Conversion,
        5 => What::OptIn,
        0x20..0x40 => match kind(code & 0x1f)? {
            Kind::Inbound(class) => What::Inbound(class),
            _ => return Err(Error::internal(format!("an id of unknown kind {code}"))),
        },
        0x40..0x50 => What::Failed { failure: Failure::from_bits(code >> 1 & 7), sent: code & 1 != 0 },
        _ => return Err(Error::internal(format!("an id of unknown kind {code}"))),
    })
}

/// Set in the code of a failure, beside its bits.
const FAILED: u8 = 0x40;

/// The code of an event kind on disk.
pub fn kind_code(kind: Kind) -> u8 {
    if let Kind::Failed(failure) = kind {
        return FAILED | failure.bits();
    }
    KINDS.iter().find(|(_, known)| *known == kind).map_or(0, |(code, _)| *code)
}

pub fn kind(code: u8) -> Result<Kind> {
    if code & FAILED != 0 {
        return Ok(Kind::Failed(Failure::from_bits(code & !FAILED)));
    }
    let known = KINDS.iter().find(|(known, _)| *known == code);
    known.map(|(_, kind)| *kind).ok_or_else(|| Error::internal(format!("an event of unknown kind {code}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{CONTACT_LISTS_MAX, LABELS_MAX, REMEMBERED_IDS_MAX, SOURCE_BYTES_MAX};

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    fn fact(at: Millis, how: How, source: &str, reason: &str) -> Fact {
        Fact { at, how, source: source.into(), reason: reason.into() }
    }

    fn record() -> Record {
        let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), 1_777_636_800_000);
        contact.labels = Labels::from_stored(vec![("state".into(), "CA".into())]);
        contact.engagement =
            Engagement { sends: 300, revenue_micros: -5, last_sent: 1_777_636_800_001, ..Engagement::default() };
        contact.opted_out_all = Some(fact(1_777_636_800_002, How::Keyword, "", "STOPALL"));
        contact.invalidity.set = Some(fact(1_777_636_800_003, How::Api, "carrier", "30005"));
        let mut on = ListContact::new(ListId(7));
        on.opted_in = Some(fact(1_777_636_800_004, How::Journey, "spring", ""));
        on.imported = Some(fact(1_777_636_800_005, How::Import, "a.csv", ""));
        contact.lists = vec![on];
        let item = Item {
            print: 0x0102_0304,
            list: ListId(7),
            what: What::Claimed,
            at: 1_777_636_800_006,
            seen_at: 1_777_636_800_007,
        };
        contact.remembered = Remembered::from_stored(vec![item], 1_777_636_800_000);
        Record { contact, newest: Newest { consent: 513, activity: 0 } }
    }

    fn grave() -> Grave {
        Grave {
            mark: [7; 16],
            tombstone: Tombstone::of_purged(record().contact, Condemned::NonEngaged, 1_777_636_800_009),
        }
    }

    fn plan() -> Plan {
        Plan {
            made_at: 1_777_636_800_000,
            policy: Policy { idle_max: None, ..Policy::default() },
            condemned: [1, 300, 0],
            lists: vec![(ListId(7), 301)],
            kept: 2,
            unmeasured: 3,
            bytes: 70_000,
            run: Some(Progress {
                started_at: 1_777_636_800_001,
                next_id: 16,
                purged: [1, 2, 0],
                ..Progress::default()
            }),
        }
    }

    /// What is on people's disks. A change of these bytes needs a new version.
    #[test]
    fn golden_bytes() {
        let list = List {
            number: ListNumber::parse(b"12345").expect("a short code"),
            name: "Sale".into(),
            paused: true,
            created_at: 1_777_636_800_000,
            removed_at: 0,
        };
        let event = Event {
            kind: Kind::Inbound(Class::OptOut),
            at: 1_777_636_800_000,
            seen_at: 1_777_636_800_001,
            sent_at: Some(1_777_636_900_000),
            list: Some(ListId(7)),
            id: "SM1".into(),
            how: How::Keyword,
            source: String::new(),
            reason: String::new(),
            text: "Stop.".into(),
            message: "m-1".into(),
            amount: -5,
        };
        let entries = [
            Entry { contact: 7, order: 0, previous: 0, event: Some(event) },
            Entry { contact: 300, order: 1, previous: 513, event: None },
        ];
        let mut events = vec![V1];
        for entry in &entries {
            append_entry(&mut events, entry).expect("encoded");
        }
        let feed = [
            FeedEntry::Contact { at: 1.into(), phone: 14_155_552_671, cause: 2, status: 3, lists: vec![(7, 1)] },
            FeedEntry::Imported { at: 2.into(), first: 10, count: 200, list: 7 },
            FeedEntry::List { at: 3.into(), list: 7, number: 12345, known: true, paused: false },
            FeedEntry::Scope { at: 4.into(), all: true },
        ];
        let heads = Heads {
            next_contact: 1_000_000,
            next_feed: 5,
            epoch: 1_777_636_800_000,
            next_event: 700,
            next_journal: 3,
            next_tombstone: 9,
        };
        let golden = [
            (
                encode_record(&record()),
                "01fd9f97bc4b03000000019de368f6000105737461746502434101fb2c01000009019de368f601000000000000000000000000000000000000000001019de368f60203000753544f50414c4c000001019de368f60300076361727269657205333030303500010701019de368f6040206737072696e670001019de368f6050105612e63737600000000fb0102000100000102030407010e02019de368f600",
            ),
            (encode_list(&list), "01fd39300000000000800453616c6501019de368f600000000000000"),
            (
                Ok(events.clone()),
                "010700000109019de368f6000201fd40f9d4c63b030000010703534d310300000553746f702e036d2d3109fb2c0101fb010200",
            ),
            (
                encode_feed(&feed),
                "010400000000000001fd9f97bc4b030000000203010701010000000000020ac8070200000000000307fb393001000300000000000401",
            ),
            (encode_tally(Tally { sends: 300, unresolved: -1, ..Tally::default() }), "01fb58020100000000000000"),
            (encode_heads(&heads), "01fc40420f0005fd00f668e39d010000fbbc020309"),
            (
                encode_grave(&grave()),
                "0107070707070707070707070707070707019de368f60902019de368f60000000000000001019de368f60203000753544f50414c4c000001019de368f60300076361727269657205333030303500010701019de368f6040206737072696e670001019de368f6050105612e63737600000000",
            ),
            (
                encode_erasing(&Erasing { phone: 14_155_552_671, feed_end: 7, events: 2, ..Erasing::default() }),
                "01fd9f97bc4b03000000000000070200",
            ),
            (
                encode_plan(&plan()),
                "01019de368f60001fd0090fd340100000001fd0060f13d070000000a0001fb2c01000107fb2d010203fc7011010001019de368f601000000000000001001020000000000000000",
            ),
            (Ok(encode_numbers(&[0, 14_155_552_671])), "010000000000000000000000034bbc979f"),
        ];
        for (value, bytes) in golden {
            assert_eq!(hex(&value.expect("within limits")), bytes);
        }
        assert_eq!(decode_record(&encode_record(&record()).expect("encoded")), Ok(record()));
        assert_eq!(decode_list(&encode_list(&list).expect("encoded")), Ok(list));
        assert_eq!(decode_entries(&events), Ok(entries.to_vec()));
        assert_eq!(decode_feed(&encode_feed(&feed).expect("encoded")), Ok(feed.to_vec()));
        assert_eq!(decode_grave(&encode_grave(&grave()).expect("encoded")), Ok(grave()));
        assert_eq!(decode_plan(&encode_plan(&plan()).expect("encoded")), Ok(plan()));
        let tally = Tally { revenue_micros: -5, replies: 7, ..Tally::default() };
        assert_eq!(decode_tally(&encode_tally(tally).expect("encoded")), Ok(tally));
        assert_eq!(decode_heads(&encode_heads(&heads).expect("encoded")), Ok(heads));
        assert_eq!(decode_numbers(&encode_numbers(&[0, 5])), Ok(vec![0, 5]));
    }

    /// The largest contact that the limits allow must be storable: an opt-out is never refused.
    #[test]
    fn every_contact_within_the_limits_fits() {
        let mut record = record();
        let value = "v".repeat(crate::limits::LABELS_BYTES_MAX / LABELS_MAX - 2);
        record.contact.labels =
            Labels::from_stored((0..LABELS_MAX).map(|n| (format!("{n:02}"), value.clone())).collect());
        let text = "x".repeat(SOURCE_BYTES_MAX);
        let full = |at| Some(fact(at, How::Api, &text, &text));
        let standing = |at| Standing { set: full(at), lifted: full(at + 1) };
        record.contact.opted_out_all = full(1);
        record.contact.suppression = standing(2);
        record.contact.invalidity = standing(3);
        record.contact.lists = (0..CONTACT_LISTS_MAX as u32)
            .map(|list| ListContact {
                list: ListId(60_000 + list),
                opted_in: full(10),
                imported: full(11),
                opted_out: full(Millis::from(list) + 100),
                suppression: standing(13),
            })
            .collect();
        let item = |n: u64| Item { print: n, list: ListId(60_000), what: What::Sent, at: 9, seen_at: 9 };
        record.contact.remembered = Remembered::from_stored((0..REMEMBERED_IDS_MAX as u64).map(item).collect(), 0);
        let stored = decode_record(&encode_record(&record).expect("it fits")).expect("it reads");
        assert_eq!(stored.contact.lists.len(), CONTACT_LISTS_MAX);
        let dates = |contact: &Contact| {
            contact.lists.iter().map(|on| on.opted_out.as_ref().map(|out| out.at)).collect::<Vec<_>>()
        };
        assert_eq!(dates(&stored.contact), dates(&record.contact));
        assert_eq!(stored.contact.lists[63].opted_out, record.contact.lists[63].opted_out, "the newest keeps its text");
        let tombstone = Tombstone::of_purged(record.contact.clone(), Condemned::Idle, 1);
        let buried =
            decode_grave(&encode_grave(&Grave { mark: [0; 16], tombstone }).expect("it fits")).expect("it reads");
        assert_eq!(buried.tombstone.lists.len(), CONTACT_LISTS_MAX);
    }

    #[test]
    fn damage_and_the_future_are_told() {
        for value in [&[][..], &[2, 0, 0], &[V1], &[V1, 0xff, 0xff, 0xff, 0xff, 0xff]] {
            assert!(decode_record(value).is_err());
        }
        assert!([&[][..], &[2], &[V1, 7], &[V1, 7, 0, 0, 1]].into_iter().all(|value| decode_entries(value).is_err()));
        let mut trailing = encode_record(&record()).expect("encoded");
        trailing.push(0);
        assert!(decode_record(&trailing).is_err());
    }
}
