//! The logs: what happened to contacts, in the order in which contactd learned of it.
//!
//! A batch appends its events in blocks, so that an event costs a few bytes at the end of the store and no update in its
//! middle. Each event points to the one before it of the same contact, and the record points to the newest: that is the
//! contact's history. There are two logs, since events of consent and status stay for ever, and the others leave by
//! age, block by block, from the front.

use std::collections::HashMap;

use crate::error::Result;
use crate::limits::HISTORY_EVENTS_LOOKED_AT_MAX;
use crate::model::event::{Event, EventKind};
use crate::model::list::Lists;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Millis;
use crate::model::transition::History;
use crate::store::format::codec::{self, Entry};
use crate::store::format::position::{Log, Newest, Position};
use crate::store::state::State;

/// A contact's events in one log, read from the newest on.
struct Chain<'s> {
    state: &'s State,
    log: Log,
    /// Of the next event.
    position: Position,
    block: Option<(u64, Vec<Entry>)>,
}

impl<'s> Chain<'s> {
    fn new(state: &'s State, log: Log, newest: Position) -> Chain<'s> {
        Chain { state, log, position: newest, block: None }
    }

    /// The next event that was not erased, with its number; it stays the next one.
    fn peek(&mut self) -> Result<Option<(u64, &Entry)>> {
        while self.position != 0 {
            let (number, place) = (Log::block(self.position), Log::place(self.position));
            if self.block.as_ref().is_none_or(|(known, _)| *known != number) {
                self.block = self.state.events(self.log, number)?.map(|entries| (number, entries));
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

impl State {
    /// A block of a log; none if it has left.
    pub fn events(&self, log: Log, block: u64) -> Result<Option<Vec<Entry>>> {
        self.expanded(&log.key(block))?.map(|value| codec::decode_entries(&value)).transpose()
    }
}

/// What is written down of a contact, and what this batch has not written yet.
pub struct StoredHistory<'s> {
    pub state: &'s State,
    pub newest: Newest,
    /// The oldest first.
    pub pending: &'s [Event],
}

impl StoredHistory<'_> {
    /// The events of one log, newest first, until `visit` says stop.
    fn walk(&self, log: Log, visit: &mut dyn FnMut(&Event) -> bool) -> Result<()> {
        for event in self.pending.iter().rev().filter(|event| Log::of(event) == log) {
            if visit(event) {
                return Ok(());
            }
        }
        let mut chain = Chain::new(self.state, log, self.newest.of(log));
        while let Some(event) = chain.next()? {
            if visit(&event) {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl History for StoredHistory<'_> {
    fn seen(&self, wanted: &dyn Fn(&Event) -> bool) -> Result<Option<EventKind>> {
        for log in Log::ALL {
            let mut found = None;
            self.walk(log, &mut |event| {
                found = wanted(event).then_some(event.kind);
                found.is_some()
            })?;
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn sends_after(&self, at: Millis, lists: &Lists) -> Result<u64> {
        // The date of a message is that of its claim, where it has one; failed is final.
        let mut messages: HashMap<(Option<ListNumber>, String), (Millis, bool)> = HashMap::new();
        self.walk(Log::Activity, &mut |event| {
            let key = || (event.list.and_then(|list| lists.number(list)), event.id.clone());
            match event.kind {
                EventKind::Failed(_) => messages.entry(key()).or_default().1 = true,
                EventKind::Claimed => messages.entry(key()).or_default().0 = event.at,
                EventKind::Sent => {
                    let date = &mut messages.entry(key()).or_default().0;
                    *date = if *date == 0 { event.at } else { *date };
                }
                _ => {}
            }
            // Nothing is dated after it was seen.
            event.seen_at < at
        })?;
        Ok(messages.values().filter(|(date, failed)| !failed && *date > at).count() as u64)
    }
}

/// One page of a contact's history.
pub struct HistoryPage {
    /// Newest first.
    pub events: Vec<Event>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<Newest>,
}

impl State {
    /// What happened to a contact, newest first, from the beginning or from where a page ended: at most `limit` events
    /// that are wanted. None if there is no such contact.
    pub fn history(
        &self,
        phone: Phone,
        from: Option<Newest>,
        wanted: &dyn Fn(&Event) -> bool,
        limit: usize,
    ) -> Result<Option<HistoryPage>> {
        let Some(id) = self.memory.gate().directory.id(phone) else { return Ok(None) };
        let Some(record) = self.record(id)? else { return Ok(None) };
        self.history_from(id, from.unwrap_or(record.newest), wanted, limit).map(Some)
    }

    /// The newest event of consent or status of a contact that is wanted, if it is not behind too many others.
    pub fn newest_consent(&self, phone: Phone, wanted: &dyn Fn(&Event) -> bool) -> Result<Option<Event>> {
        let Some(id) = self.memory.gate().directory.id(phone) else { return Ok(None) };
        let Some(record) = self.record(id)? else { return Ok(None) };
        let mut chain = Chain::new(self, Log::Consent, record.newest.of(Log::Consent));
        for _ in 0..HISTORY_EVENTS_LOOKED_AT_MAX {
            match chain.next()? {
                Some(event) if !wanted(&event) => {}
                found => return Ok(found),
            }
        }
        Ok(None)
    }

    /// All events of a contact, the oldest first; of a very long history the newest ones.
    pub fn all_events(&self, id: u32, newest: Newest) -> Result<Vec<Event>> {
        let mut events = self.history_from(id, newest, &|_| true, HISTORY_EVENTS_LOOKED_AT_MAX)?.events;
        events.reverse();
        Ok(events)
    }

    fn history_from(
        &self,
        id: u32,
        from: Newest,
        wanted: &dyn Fn(&Event) -> bool,
        limit: usize,
    ) -> Result<HistoryPage> {
        let mut chains = Log::ALL.map(|log| Chain::new(self, log, from.of(log)));
        let mut events = Vec::new();
        for _ in 0..HISTORY_EVENTS_LOOKED_AT_MAX {
            let mut next = [0; 2];
            for (chain, next) in chains.iter_mut().zip(&mut next) {
                // Whose it is is asked for, since a cursor is only a number.
                *next = chain.peek()?.filter(|(_, entry)| entry.contact == id).map_or(0, |(number, _)| number);
            }
            if next == [0; 2] {
                return Ok(HistoryPage { events, next: None });
            }
            if events.len() == limit {
                break;
            }
            let newer = usize::from(next[1] > next[0]);
            events.extend(chains[newer].next()?.filter(wanted));
        }
        let [consent, activity] = chains.map(|chain| chain.position);
        Ok(HistoryPage { events, next: Some(Newest { consent, activity }) })
    }
}
