//! The fence of a store: what was brought back behind it, and its end.

use std::sync::Arc;

use super::Upkeep;
use crate::error::Result;
use crate::model::fence::{Fence, Replayed};
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::store::format::codec::{self, FeedEntry};
use crate::store::format::keys;

impl Upkeep {
    /// Raises a fence, for whose token this is. Says whether there was none: one that stands, stays.
    pub fn fence(&self, fence: Fence, by: Arc<str>) -> Result<bool> {
        self.on_writer(move |writer| {
            if writer.fence().is_some() {
                return Ok(false);
            }
            let value = codec::encode_fence(&fence)?;
            writer.commit_alone(|overlay| {
                let at = overlay.now();
                Arc::make_mut(&mut overlay.lists).fence = Some(fence);
                overlay.values.push((keys::FENCE.to_vec(), Some(value)));
                overlay.feed.push(FeedEntry::Fence { at: at.into(), fenced: true });
                let kind = ListEventKind::Fenced { backup_at: fence.backup_at };
                overlay.list_events.push(ListEvent { at, list: None, kind, by: by.to_string() });
                Ok(())
            })?;
            writer.state.memory.change_gate(|gate| gate.set_fence(Some(fence)));
            Ok(true)
        })
    }

    /// Ends the fence, for whose token this is. Gives what it was; none if there was none.
    pub fn unfence(&self, by: Arc<str>) -> Result<Option<Fence>> {
        self.on_writer(move |writer| {
            let Some(fence) = writer.fence() else { return Ok(None) };
            let now = writer.state.now();
            let unfenced = Some((now, fence)).filter(|(_, fence)| !fence.replayed.is_sure());
            let stored = unfenced.map(|(at, fence)| codec::encode_unfenced(at, &fence)).transpose()?;
            writer.commit_alone(|overlay| {
                let at = overlay.now();
                overlay.values.push((keys::UNFENCED.to_vec(), stored));
                Arc::make_mut(&mut overlay.lists).fence = None;
                overlay.values.push((keys::FENCE.to_vec(), None));
                overlay.feed.push(FeedEntry::Fence { at: at.into(), fenced: false });
                let by = by.to_string();
                overlay.list_events.push(ListEvent { at, list: None, kind: ListEventKind::Unfenced, by });
                Ok(())
            })?;
            writer.state.memory.change_gate(|gate| gate.set_fence(None));
            writer.state.set_unfenced(unfenced);
            Ok(Some(fence))
        })
    }

    /// Notes what trails have brought back behind the fence, and what they could not.
    pub fn note_replayed(&self, replayed: Replayed) -> Result<()> {
        self.on_writer(move |writer| {
            let Some(mut fence) = writer.fence() else { return Ok(()) };
            fence.replayed.add(&replayed);
            let value = codec::encode_fence(&fence)?;
            writer.commit_alone(|overlay| {
                Arc::make_mut(&mut overlay.lists).fence = Some(fence);
                overlay.values.push((keys::FENCE.to_vec(), Some(value)));
                Ok(())
            })?;
            writer.state.memory.change_gate(|gate| gate.set_fence(Some(fence)));
            Ok(())
        })
    }
}
