//! The fence of a restored store: what was brought back behind it, and its end.

use std::sync::Arc;

use super::Upkeep;
use crate::error::Result;
use crate::model::fence::Fence;
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::store::format::codec::{self, FeedEntry};
use crate::store::format::keys;

impl Upkeep {
    /// Ends the fence, for whose token this is. Gives what it was; none if there was none.
    pub fn unfence(&self, by: Arc<str>) -> Result<Option<Fence>> {
        self.on_writer(move |writer| {
            let Some(fence) = writer.fence() else { return Ok(None) };
            writer.commit_alone(|overlay| {
                let at = overlay.now();
                Arc::make_mut(&mut overlay.lists).fence = None;
                overlay.values.push((keys::FENCE.to_vec(), None));
                overlay.feed.push(FeedEntry::Fence { at: at.into(), fenced: false });
                let by = by.to_string();
                overlay.list_events.push(ListEvent { at, list: None, kind: ListEventKind::Unfenced, by });
                Ok(())
            })?;
            writer.state.memory.gate_mut().set_fence(None);
            Ok(Some(fence))
        })
    }

    /// Notes what a trail has brought back behind the fence.
    pub fn note_replayed(&self, replayed: u64, replayed_to: i64) -> Result<()> {
        self.on_writer(move |writer| {
            let Some(fence) = writer.fence() else { return Ok(()) };
            let (replayed, replayed_to) = (fence.replayed + replayed, fence.replayed_to.max(replayed_to));
            let fence = Fence { replayed, replayed_to, ..fence };
            let value = codec::encode_fence(&fence)?;
            writer.commit_alone(|overlay| {
                Arc::make_mut(&mut overlay.lists).fence = Some(fence);
                overlay.values.push((keys::FENCE.to_vec(), Some(value)));
                Ok(())
            })?;
            writer.state.memory.gate_mut().set_fence(Some(fence));
            Ok(())
        })
    }
}
