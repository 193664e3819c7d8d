//! The blocks of the event logs.

use std::borrow::Cow;

use bincode::Options;
use serde::{Deserialize, Serialize};

use super::named::{Nameable, Named};
use super::{DateV1, V1, options, take_front};
use crate::error::{Error, Result};
use crate::model::event::{Event, EventKind};
use crate::model::fact::How;
use crate::model::failure::Failure;
use crate::model::keyword::InboundKind;
use crate::model::list::ListId;
use crate::model::time::Millis;
use crate::store::format::code::Coded;
use crate::store::format::position::Position;

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

#[derive(Serialize, Deserialize)]
struct EntryV1<'a> {
    contact: u32,
    order: u64,
    previous: u64,
    event: Option<Named<'a, EventV1<'a>>>,
}

#[derive(Serialize, Deserialize)]
struct EventV1<'a> {
    kind: u8,
    at: DateV1,
    /// How much later it was seen.
    lag: i64,
    sent_at: Option<Millis>,
    list: Option<u32>,
    id: Cow<'a, str>,
    how: u8,
    source: Cow<'a, str>,
    reason: Cow<'a, str>,
    text: Cow<'a, str>,
    message: Cow<'a, str>,
    amount: i64,
}

/// In how it came, beside the code: whose token reported it follows the event.
const NAMED: u8 = 0b1000;

impl Nameable for EventV1<'_> {
    fn is_named(&self) -> bool {
        self.how & NAMED != 0
    }

    fn set_named(&mut self, named: bool) {
        self.how = if named { self.how | NAMED } else { self.how & !NAMED };
    }
}

/// Appends an event to a value that begins with [`V1`].
pub fn append_entry(value: &mut Vec<u8>, entry: &Entry) -> Result<()> {
    let body = EntryV1 {
        contact: entry.contact,
        order: entry.order,
        previous: entry.previous,
        event: entry.event.as_ref().map(|event| Named::new(EventV1::from(event), &event.by)),
    };
    options().serialize_into(value, &body).map_err(Error::internal)
}

/// Encodes a whole block of events.
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
        let body: EntryV1 =
            take_front(&mut rest).map_err(|why| Error::internal(format!("a damaged block of events: {why}")))?;
        let EntryV1 { contact, order, previous, event } = body;
        entries.push(Entry { contact, order, previous, event: event.map(Event::try_from).transpose()? });
    }
    Ok(entries)
}

impl<'a> From<&'a Event> for EventV1<'a> {
    fn from(event: &'a Event) -> EventV1<'a> {
        EventV1 {
            kind: kind_code(event.kind),
            at: event.at.into(),
            lag: event.seen_at - event.at,
            sent_at: event.sent_at,
            list: event.list.map(|list| list.0),
            id: event.id.as_str().into(),
            how: event.how.code(),
            source: event.source.as_str().into(),
            reason: event.reason.as_str().into(),
            text: event.text.as_str().into(),
            message: event.message.as_str().into(),
            amount: event.amount,
        }
    }
}

impl TryFrom<Named<'_, EventV1<'_>>> for Event {
    type Error = Error;

    fn try_from(event: Named<'_, EventV1<'_>>) -> Result<Event> {
        let (event, by) = event.into_parts();
        Ok(Event {
            kind: kind(event.kind)?,
            at: event.at.into(),
            seen_at: Millis::from(event.at).saturating_add(event.lag),
            sent_at: event.sent_at,
            list: event.list.map(ListId),
            id: event.id.into_owned(),
            how: How::from_code(event.how)?,
            source: event.source.into_owned(),
            reason: event.reason.into_owned(),
            text: event.text.into_owned(),
            message: event.message.into_owned(),
            amount: event.amount,
            by,
        })
    }
}

/// The codes of event kinds on disk, never reused.
const KINDS: [(u8, EventKind); 24] = [
    (1, EventKind::OptIn),
    (2, EventKind::OptOut),
    (3, EventKind::OptOutAll),
    (4, EventKind::Suppress),
    (5, EventKind::Release),
    (6, EventKind::Invalid),
    (7, EventKind::Valid),
    (8, EventKind::Subscribe),
    (9, EventKind::Inbound(InboundKind::OptOut)),
    (10, EventKind::Inbound(InboundKind::OptOutAll)),
    (11, EventKind::Inbound(InboundKind::OptIn)),
    (12, EventKind::Inbound(InboundKind::Help)),
    (13, EventKind::Inbound(InboundKind::Message)),
    (14, EventKind::Inbound(InboundKind::MaybeOptOut)),
    // What follows has no event of its own, only a feed entry.
    (15, EventKind::Created),
    (16, EventKind::Claimed),
    (17, EventKind::Sent),
    (18, EventKind::Click),
    (19, EventKind::BotClick),
    (20, EventKind::Conversion),
    (21, EventKind::Purged),
    (22, EventKind::Erased),
    (23, EventKind::Renumbered),
    (24, EventKind::Reviewed),
];

/// Set in the code of a failure, beside its bits.
const FAILED: u8 = 0x40;

/// The code of an event kind on disk.
pub fn kind_code(kind: EventKind) -> u8 {
    if let EventKind::Failed(failure) = kind {
        return FAILED | failure.bits();
    }
    KINDS.iter().find(|(_, known)| *known == kind).map_or(0, |(code, _)| *code)
}

pub fn kind(code: u8) -> Result<EventKind> {
    if code & FAILED != 0 {
        return Ok(EventKind::Failed(Failure::from_bits(code & !FAILED)));
    }
    let known = KINDS.iter().find(|(known, _)| *known == code);
    known.map(|(_, kind)| *kind).ok_or_else(|| Error::internal(format!("an event of unknown kind {code}")))
}
