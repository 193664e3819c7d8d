//! The history of sending lists.

use crate::error::{Error, Result};
use crate::limits::HISTORY_EVENTS_LOOKED_AT_MAX;
use crate::model::list_event::ListEvent;
use crate::store::format::codec;
use crate::store::format::keys;
use crate::store::state::State;

/// One page of the history of lists.
pub struct ListHistoryPage {
    /// Newest first.
    pub events: Vec<ListEvent>,
    /// Where the next page begins; none when this was the last.
    pub next: Option<u64>,
}

impl State {
    /// What happened to lists, newest first, from the beginning or from where a page ended: at most `limit` events that
    /// are wanted. Where few are, a page ends after some thousand events, and another one follows.
    pub fn list_history(
        &self,
        from: Option<u64>,
        wanted: &dyn Fn(&ListEvent) -> bool,
        limit: usize,
    ) -> Result<ListHistoryPage> {
        let (mut events, mut looked_at) = (Vec::new(), 0);
        let mut end = from.map_or(vec![keys::LIST_EVENT + 1], |from| keys::list_event(from + 1).to_vec());
        while let Some((key, value)) = self.engine.last(&(vec![keys::LIST_EVENT]..end))? {
            if events.len() == limit || looked_at == HISTORY_EVENTS_LOOKED_AT_MAX {
                let next = keys::long_number(&key).ok_or_else(|| Error::internal("a damaged key"))?;
                return Ok(ListHistoryPage { events, next: Some(next) });
            }
            events.extend(Some(codec::decode_list_event(&value)?).filter(wanted));
            looked_at += 1;
            end = key;
        }
        Ok(ListHistoryPage { events, next: None })
    }
}
