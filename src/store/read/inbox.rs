//! The messages that wait for a person.

use crate::error::Result;
use crate::limits::PAGE_ITEMS_MAX;
use crate::model::inbox::Waiting;
use crate::store::format::codec;
use crate::store::format::keys;
use crate::store::memory::inbox::Head;
use crate::store::state::State;

/// One page of the inbox.
pub struct InboxPage {
    /// The newest first, each with its number.
    pub messages: Vec<(u64, Waiting)>,
    /// Where the next page begins: before this number. None when this was the last.
    pub next: Option<u64>,
}

impl State {
    /// The messages that wait before a number, at most `limit`. Those of contacts to whom nothing is sent anyway, since they
    /// are opted out or suppressed, are left out.
    pub fn inbox(&self, before: u64, limit: usize) -> Result<InboxPage> {
        let (mut messages, mut from) = (Vec::new(), before);
        loop {
            // Few at a time: CHECKs wait for nobody who holds the gate long.
            let gate = self.memory.gate();
            let heads: Vec<(u64, Head)> = gate.inbox.before(from).take(PAGE_ITEMS_MAX).collect();
            let shown: Vec<u64> =
                heads.iter().filter(|(_, head)| !gate.list(head.list).is_out(head.phone)).map(|(n, _)| *n).collect();
            drop(gate);
            let Some((last, _)) = heads.last() else { return Ok(InboxPage { messages, next: None }) };
            for number in shown {
                if messages.len() == limit {
                    return Ok(InboxPage { next: messages.last().map(|(number, _)| *number), messages });
                }
                // One that was settled at this moment is not told.
                if let Some(value) = self.expanded(&keys::inbox(number))? {
                    messages.push((number, codec::decode_waiting(&value)?));
                }
            }
            from = *last;
        }
    }
}
