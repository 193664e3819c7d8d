//! Appends the events of one batch to the two logs.

use crate::error::Result;
use crate::limits::{PACK_BYTES_CLOSE, PACK_EVENTS_MAX, VALUE_BYTES_MAX};
use crate::model::event::Event;
use crate::store::engine::Batch;
use crate::store::format::codec::{self, Entry};
use crate::store::format::compressed::compress;
use crate::store::format::position::{EVENT_BYTES_MAX, Log, Newest, PLACE_BITS};

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
    pub fn push(&mut self, batch: &mut Batch, contact: u32, newest: &mut Newest, event: Event) -> Result<()> {
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
    pub fn finish(mut self, batch: &mut Batch) -> u64 {
        for log in Log::ALL {
            self.open[log as usize].close(log, batch);
        }
        self.next
    }
}

impl Open {
    fn close(&mut self, log: Log, batch: &mut Batch) {
        if self.events > 0 {
            batch.put(&log.key(self.number), &compress(std::mem::take(&mut self.value)));
            self.events = 0;
        }
    }
}

/// More than an event takes in its block.
fn bytes_at_most(event: &Event) -> usize {
    let texts = [&event.id, &event.source, &event.reason, &event.text, &event.message];
    EVENT_BYTES_MAX + texts.iter().map(|text| text.len()).sum::<usize>()
}
