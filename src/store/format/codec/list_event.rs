//! The history of lists: one event to a value.

use super::named::{Nameable, Named};
use super::{DateV1, open, seal};
use crate::error::{Error, Result};
use crate::model::list::ListId;
use crate::model::list_event::{ListEvent, ListEventKind};
use crate::model::verdict::StopScope;

/// What happened, never reused.
mod tag {
    pub const CREATED: u8 = 1;
    pub const RENAMED: u8 = 2;
    pub const PAUSED: u8 = 3;
    pub const RESUMED: u8 = 4;
    pub const REMOVED: u8 = 5;
    pub const SCOPE_LIST: u8 = 6;
    pub const SCOPE_ALL: u8 = 7;
    pub const FENCED: u8 = 8;
    pub const UNFENCED: u8 = 9;
}

/// In the tag: whose token did it follows.
const NAMED: u8 = 0x80;

type BodyV1 = (DateV1, Option<u32>, u8, String);

impl Nameable for BodyV1 {
    fn is_named(&self) -> bool {
        self.2 & NAMED != 0
    }

    fn set_named(&mut self, named: bool) {
        self.2 = if named { self.2 | NAMED } else { self.2 & !NAMED };
    }
}

/// Encodes one event: its date, its list, what happened, and the text that tells more: a name, or the
/// milliseconds of a backup.
pub fn encode_list_event(event: &ListEvent) -> Result<Vec<u8>> {
    let (tag, text) = match &event.kind {
        ListEventKind::Created { name } => (tag::CREATED, name.as_str()),
        ListEventKind::Renamed { name } => (tag::RENAMED, name.as_str()),
        ListEventKind::Paused => (tag::PAUSED, ""),
        ListEventKind::Resumed => (tag::RESUMED, ""),
        ListEventKind::Removed => (tag::REMOVED, ""),
        ListEventKind::Scope(StopScope::List) => (tag::SCOPE_LIST, ""),
        ListEventKind::Scope(StopScope::All) => (tag::SCOPE_ALL, ""),
        ListEventKind::Fenced { backup_at } => (tag::FENCED, &*backup_at.to_string()),
        ListEventKind::Unfenced => (tag::UNFENCED, ""),
    };
    let body: BodyV1 = (event.at.into(), event.list.map(|list| list.0), tag, text.to_owned());
    seal(&Named::new(body, &event.by))
}

/// Reads what [`encode_list_event`] wrote.
pub fn decode_list_event(value: &[u8]) -> Result<ListEvent> {
    let ((at, list, tag, text), by) = open::<Named<BodyV1>>(value)?.into_parts();
    let kind = match tag {
        tag::CREATED => ListEventKind::Created { name: text },
        tag::RENAMED => ListEventKind::Renamed { name: text },
        tag::PAUSED => ListEventKind::Paused,
        tag::RESUMED => ListEventKind::Resumed,
        tag::REMOVED => ListEventKind::Removed,
        tag::SCOPE_LIST => ListEventKind::Scope(StopScope::List),
        tag::SCOPE_ALL => ListEventKind::Scope(StopScope::All),
        tag::FENCED => {
            let backup_at = text.parse().map_err(|_| Error::internal("a damaged fence in the history of lists"))?;
            ListEventKind::Fenced { backup_at }
        }
        tag::UNFENCED => ListEventKind::Unfenced,
        unknown => return Err(Error::internal(format!("the history of lists has an unknown event: {unknown}"))),
    };
    Ok(ListEvent { at: at.into(), list: list.map(ListId), kind, by })
}
