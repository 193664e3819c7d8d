//! The history: what happened to each contact, packed in pages, since a key for each event would cost memory in sled.

use super::{Shared, codec, keys, sled_failed};
use crate::error::Result;
use crate::limits::{PAGE_BYTES_CLOSE, PAGE_EVENTS_MAX};
use crate::model::event::{Event, Kind};

impl Shared {
    /// One page of a contact's events, oldest first.
    fn events(&self, contact: u32, page: u32) -> Result<Vec<Event>> {
        let value = self.disk.tree().get(keys::events(contact, page)).map_err(sled_failed)?;
        value.map_or(Ok(Vec::new()), |value| codec::decode_events(&value))
    }

    /// Appends events to a contact's last page, and begins new pages as they fill. Gives how many pages there are then.
    pub(super) fn append(
        &self,
        batch: &mut sled::Batch,
        contact: u32,
        mut pages: u32,
        events: &mut Vec<Event>,
    ) -> Result<u32> {
        if events.is_empty() {
            return Ok(pages);
        }
        let mut page = match pages {
            0 => Vec::new(),
            some => self.events(contact, some - 1)?,
        };
        pages = pages.max(1);
        let mut bytes: usize = page.iter().map(event_bytes).sum();
        for event in events.drain(..) {
            let more = event_bytes(&event);
            if page.len() >= PAGE_EVENTS_MAX || (!page.is_empty() && bytes + more > PAGE_BYTES_CLOSE) {
                batch.insert(&keys::events(contact, pages - 1), codec::encode_events(&page)?);
                pages += 1;
                page.clear();
                bytes = 0;
            }
            bytes += more;
            page.push(event);
        }
        batch.insert(&keys::events(contact, pages - 1), codec::encode_events(&page)?);
        Ok(pages)
    }

    /// Looks through a contact's history, newest page first. A page that cannot be read counts as without the event.
    pub(super) fn seen(
        &self,
        contact: u32,
        pages: u32,
        pending: &[Event],
        wanted: &dyn Fn(&Event) -> bool,
    ) -> Option<Kind> {
        let of = |events: &[Event]| events.iter().find(|event| wanted(event)).map(|event| event.kind);
        of(pending).or_else(|| (0..pages).rev().find_map(|page| of(&self.events(contact, page).ok()?)))
    }
}

/// About what an event takes in its page.
fn event_bytes(event: &Event) -> usize {
    const FIXED_BYTES: usize = 48;
    FIXED_BYTES + event.id.len() + event.source.len() + event.reason.len() + event.text.len()
}
