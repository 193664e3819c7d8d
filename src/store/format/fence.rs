//! How a fence is raised in a batch: the store is behind it from then on, the feed and the history of lists tell of it.

use super::codec::{self, FeedEntry, NextIds};
use super::{fenced, keys};
use crate::error::Result;
use crate::model::fence::Fence;
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::store::engine::Batch;

/// Puts a fence in front of all lists of a store of a format. The caller writes what the store gives out next.
pub fn raise(format: u8, fence: &Fence, next: &mut NextIds, batch: &mut Batch) -> Result<()> {
    let at = fence.restored_at;
    batch.put(keys::FORMAT, &[fenced(format)]);
    batch.put(keys::FENCE, &codec::encode_fence(fence)?);
    let entry = FeedEntry::Fence { at: at.into(), fenced: true };
    batch.put(&keys::feed(next.next_feed), &codec::encode_feed(&[entry])?);
    next.next_feed += 1;
    let kind = ListEventKind::Fenced { backup_at: fence.backup_at };
    let event = ListEvent { at, list: None, kind, by: String::new() };
    batch.put(&keys::list_event(next.next_event), &codec::encode_list_event(&event)?);
    next.next_event += 1;
    Ok(())
}
