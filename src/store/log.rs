//! The logs: what happened to contacts, in the order in which contactd learned of it.
//!
//! A batch appends its events in blocks, so that an event costs a few bytes at the end of the store and no update in its
//! middle. Each event points to the one before it of the same contact, and the record points to the newest: that is the
//! contact's history. There are two logs, since events of consent and status stay for ever, and the others leave by
//! age, block by block, from the front.

use super::codec::{self, Entry};
use super::compressed::{compress, expand};
use super::{Shared, keys, sled_failed};
use crate::error::Result;
use crate::limits::{
    ID_BYTES_MAX, PACK_BYTES_CLOSE, PACK_EVENTS_MAX, SOURCE_BYTES_MAX, TEXT_CHARS_MAX, VALUE_BYTES_MAX,
};
use crate::model::event::{Event, Kind};

/// One of the two logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Log {
    /// Consent and status.
    Consent,
    /// All other events.
    Activity,
}

impl Log {
    /// Both.
    pub const ALL: [Log; 2] = [Log::Consent, Log::Activity];

    /// The log of an event.
    pub fn of(event: &Event) -> Log {
        if event.kind.is_consent() { Log::Consent } else { Log::Activity }
    }

    fn keyspace(self) -> u8 {
        match self {
            Log::Consent => keys::CONSENT,
            Log::Activity => keys::ACTIVITY,
        }
    }
}

/// Where an event is: the number of its block, which is that of the block's first event, and its place there. 0 is nowhere.
pub type Position = u64;

const PLACE_BITS: u32 = 8;
/// What an event takes besides its texts, with their lengths and its place in the contact's history.
const EVENT_BYTES_MAX: usize = 64;

const _: () = assert!(PACK_EVENTS_MAX <= 1 << PLACE_BITS);
const _: () = assert!(TEXT_CHARS_MAX * 4 + ID_BYTES_MAX + 2 * SOURCE_BYTES_MAX + EVENT_BYTES_MAX < VALUE_BYTES_MAX);

/// The newest event of a contact in each log; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    pub consent: Position,
    pub activity: Position,
}

impl Newest {
    /// The newest event in a log.
    pub fn of(self, log: Log) -> Position {
        match log {
            Log::Consent => self.consent,
            Log::Activity => self.activity,
        }
    }

    fn of_mut(&mut self, log: Log) -> &mut Position {
        match log {
            Log::Consent => &mut self.consent,
            Log::Activity => &mut self.activity,
        }
    }
}

/// Appends the events of one batch.
pub struct Append {
    /// The number the next event of either log gets.
    next: u64,
    open: [Open; 2],
}

/// A block that is being filled.
#[derive(Default)]
struct Open {
    number: u64,
    value: Vec<u8>,
    events: usize,
}

impl Append {
    pub fn new(next: u64) -> Append {
        Append { next, open: Default::default() }
    }

    /// Appends an event of a contact, whose newest it is then.
    pub fn push(&mut self, batch: &mut sled::Batch, contact: u32, newest: &mut Newest, event: Event) -> Result<()> {
        let log = Log::of(&event);
        let open = &mut self.open[log as usize];
        let is_full = open.events == PACK_EVENTS_MAX || open.value.len() >= PACK_BYTES_CLOSE;
        if is_full || open.value.len() + bytes_at_most(&event) > VALUE_BYTES_MAX {
            open.close(log, batch);
        }
        if open.events == 0 {
            open.number = self.next;
            open.value.push(codec::V1);
        }
        let position = open.number << PLACE_BITS | open.events as u64;
        let previous = std::mem::replace(newest.of_mut(log), position);
        let entry = Entry { contact, order: self.next - open.number, previous, event: Some(event) };
        codec::append_entry(&mut open.value, &entry)?;
        open.events += 1;
        self.next += 1;
        Ok(())
    }

    /// Writes what is still open. Gives the number the next event gets.
    pub fn finish(mut self, batch: &mut sled::Batch) -> u64 {
        for log in Log::ALL {
            self.open[log as usize].close(log, batch);
        }
        self.next
    }
}

impl Open {
    fn close(&mut self, log: Log, batch: &mut sled::Batch) {
        if self.events > 0 {
            batch.insert(&keys::events(log.keyspace(), self.number), compress(std::mem::take(&mut self.value)));
            self.events = 0;
        }
    }
}

/// More than an event takes in its block.
fn bytes_at_most(event: &Event) -> usize {
    EVENT_BYTES_MAX + event.id.len() + event.source.len() + event.reason.len() + event.text.len()
}

impl Shared {
    /// A contact's events in one log, newest first, until `visit` says stop.
    pub(super) fn walk(&self, log: Log, newest: Position, visit: &mut dyn FnMut(&Event) -> bool) -> Result<()> {
        let mut position = newest;
        let mut block: Option<(u64, Vec<Entry>)> = None;
        while position != 0 {
            let (number, place) = (position >> PLACE_BITS, position & ((1 << PLACE_BITS) - 1));
            if block.as_ref().is_none_or(|(known, _)| *known != number) {
                // A block that has left by age ends the history.
                let Some(value) = self.disk.tree().get(keys::events(log.keyspace(), number)).map_err(sled_failed)?
                else {
                    return Ok(());
                };
                block = Some((number, codec::decode_entries(&expand(&value)?)?));
            }
            let Some(entry) = block.as_ref().and_then(|(_, entries)| entries.get(place as usize)) else {
                return Ok(());
            };
            if entry.event.as_ref().is_some_and(&mut *visit) {
                return Ok(());
            }
            position = entry.previous;
        }
        Ok(())
    }

    /// Looks for an event of a contact, among those that are not written yet and in its history. What cannot be read
    /// counts as without it.
    pub(super) fn seen(&self, newest: Newest, pending: &[Event], wanted: &dyn Fn(&Event) -> bool) -> Option<Kind> {
        let mut found = pending.iter().find(|event| wanted(event)).map(|event| event.kind);
        for log in Log::ALL {
            if found.is_none() {
                let mut look = |event: &Event| {
                    found = wanted(event).then_some(event.kind);
                    found.is_some()
                };
                let _ = self.walk(log, newest.of(log), &mut look);
            }
        }
        found
    }
}
