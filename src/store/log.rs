//! The logs: what happened to contacts, in the order in which contactd learned of it.
//!
//! A batch appends its events in blocks, so that an event costs a few bytes at the end of the store and no update in its
//! middle. Each event points to the one before it of the same contact, and the record points to the newest: that is the
//! contact's history. There are two logs, since events of consent and status stay for ever, and the others leave by
//! age, block by block, from the front.

use std::collections::HashMap;

use super::codec::{self, Entry};
use super::compressed::compress;
use super::{Shared, Store, keys};
use crate::error::Result;
use crate::limits::{
    HISTORY_EVENTS_LOOKED_AT_MAX, ID_BYTES_MAX, PACK_BYTES_CLOSE, PACK_EVENTS_MAX, SOURCE_BYTES_MAX, TEXT_CHARS_MAX,
    VALUE_BYTES_MAX,
};
use crate::model::event::{Event, Kind};
use crate::model::list::Lists;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Millis;
use crate::model::transition::History;

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

    /// The key of the block with a number.
    pub fn key(self, block: u64) -> [u8; 9] {
        keys::events(self.keyspace(), block)
    }

    /// The number of the block in which a position is.
    pub fn block(position: Position) -> u64 {
        position >> PLACE_BITS
    }

    /// The place of a position in its block.
    pub fn place(position: Position) -> usize {
        (position & ((1 << PLACE_BITS) - 1)) as usize
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
const _: () = assert!(TEXT_CHARS_MAX * 4 + 2 * ID_BYTES_MAX + 2 * SOURCE_BYTES_MAX + EVENT_BYTES_MAX < VALUE_BYTES_MAX);

/// The newest event of a contact in each log; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Newest {
    /// In the log of consent and status.
    pub consent: Position,
    /// In the log of all other events.
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
            batch.insert(&log.key(self.number), compress(std::mem::take(&mut self.value)));
            self.events = 0;
        }
    }
}

/// More than an event takes in its block.
fn bytes_at_most(event: &Event) -> usize {
    let texts = [&event.id, &event.source, &event.reason, &event.text, &event.message];
    EVENT_BYTES_MAX + texts.iter().map(|text| text.len()).sum::<usize>()
}

/// A contact's events in one log, read from the newest on.
struct Chain<'s> {
    shared: &'s Shared,
    log: Log,
    /// Of the next event.
    position: Position,
    block: Option<(u64, Vec<Entry>)>,
}

impl<'s> Chain<'s> {
    fn new(shared: &'s Shared, log: Log, newest: Position) -> Chain<'s> {
        Chain { shared, log, position: newest, block: None }
    }

    /// The next event that was not erased, with its number; it stays the next one.
    fn peek(&mut self) -> Result<Option<(u64, &Entry)>> {
        while self.position != 0 {
            let (number, place) = (Log::block(self.position), Log::place(self.position));
            if self.block.as_ref().is_none_or(|(known, _)| *known != number) {
                self.block = self.shared.events(self.log, number)?.map(|entries| (number, entries));
            }
            let entry = self.block.as_ref().and_then(|(_, entries)| entries.get(place));
            match entry {
                // A block that has left by age ends the history.
                None => self.position = 0,
                Some(entry) if entry.event.is_none() => self.position = entry.previous,
                Some(_) => break,
            }
        }
        if self.position == 0 {
            return Ok(None);
        }
        let place = Log::place(self.position);
        let entry = self.block.as_ref().and_then(|(number, entries)| Some((*number, entries.get(place)?)));
        Ok(entry.map(|(number, entry)| (number + entry.order, entry)))
    }

    /// The next event.
    fn next(&mut self) -> Result<Option<Event>> {
        let Some((_, entry)) = self.peek()? else { return Ok(None) };
        let (event, previous) = (entry.event.clone(), entry.previous);
        self.position = previous;
        Ok(event)
    }
}

impl Shared {
    /// A block of a log; none if it has left.
    pub(super) fn events(&self, log: Log, block: u64) -> Result<Option<Vec<Entry>>> {
        self.expanded(log.key(block))?.map(|value| codec::decode_entries(&value)).transpose()
    }
}

/// What is written down of a contact, and what this batch has not written yet.
pub struct Past<'s> {
    pub shared: &'s Shared,
    pub newest: Newest,
    /// The oldest first.
    pub pending: &'s [Event],
}

impl Past<'_> {
    /// The events of one log, newest first, until `visit` says stop.
    fn walk(&self, log: Log, visit: &mut dyn FnMut(&Event) -> bool) -> Result<()> {
        for event in self.pending.iter().rev().filter(|event| Log::of(event) == log) {
            if visit(event) {
                return Ok(());
            }
        }
        let mut chain = Chain::new(self.shared, log, self.newest.of(log));
        while let Some(event) = chain.next()? {
            if visit(&event) {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// What cannot be read counts as not there.
impl History for Past<'_> {
    fn seen(&self, wanted: &dyn Fn(&Event) -> bool) -> Option<Kind> {
        let mut found = None;
        for log in Log::ALL {
            if found.is_none() {
                let mut look = |event: &Event| {
                    found = wanted(event).then_some(event.kind);
                    found.is_some()
                };
                let _ = self.walk(log, &mut look);
            }
        }
        found
    }

    fn sends_after(&self, at: Millis, lists: &Lists) -> u64 {
        // The date of a message is that of its claim, where it has one; failed is final.
        let mut messages: HashMap<(Option<ListNumber>, String), (Millis, bool)> = HashMap::new();
        let mut look = |event: &Event| {
            let key = || (event.list.and_then(|list| lists.number(list)), event.id.clone());
            match event.kind {
                Kind::Failed(_) => messages.entry(key()).or_default().1 = true,
                Kind::Claimed => messages.entry(key()).or_default().0 = event.at,
                Kind::Sent => {
                    let date = &mut messages.entry(key()).or_default().0;
                    *date = if *date == 0 { event.at } else { *date };
                }
                _ => {}
            }
            // Nothing is dated after it was seen.
            event.seen_at < at
        };
        let _ = self.walk(Log::Activity, &mut look);
        messages.values().filter(|(date, failed)| !failed && *date > at).count() as u64
    }
}

/// One page of a contact's history.
pub struct HistoryPage {
    /// Newest first.
    pub events: Vec<Event>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<Newest>,
}

impl Store {
    /// What happened to a contact, newest first, from the beginning or from where a page ended: at most `limit` events
    /// that are wanted. None if there is no such contact.
    pub fn history(
        &self,
        phone: Phone,
        from: Option<Newest>,
        wanted: &dyn Fn(&Event) -> bool,
        limit: usize,
    ) -> Result<Option<HistoryPage>> {
        let Some(id) = self.gate().directory.id(phone) else { return Ok(None) };
        let Some(record) = self.shared.record(id)? else { return Ok(None) };
        let from = from.unwrap_or(record.newest);
        let mut chains = Log::ALL.map(|log| Chain::new(&self.shared, log, from.of(log)));
        let mut events = Vec::new();
        for _ in 0..HISTORY_EVENTS_LOOKED_AT_MAX {
            let mut next = [0; 2];
            for (chain, next) in chains.iter_mut().zip(&mut next) {
                // Whose it is is asked for, since a cursor is only a number.
                *next = chain.peek()?.filter(|(_, entry)| entry.contact == id).map_or(0, |(number, _)| number);
            }
            if next == [0; 2] {
                return Ok(Some(HistoryPage { events, next: None }));
            }
            if events.len() == limit {
                break;
            }
            let newer = usize::from(next[1] > next[0]);
            events.extend(chains[newer].next()?.filter(wanted));
        }
        let [consent, activity] = chains.map(|chain| chain.position);
        Ok(Some(HistoryPage { events, next: Some(Newest { consent, activity }) }))
    }
}
