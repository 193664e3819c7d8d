//! An event of the history of sending lists, as `HISTORY *` tells it.

use serde_json::{Value, json};

use super::date;
use crate::model::list::Lists;
use crate::model::list_event::{ListEvent, ListEventKind};

/// The kind of an event, as `HISTORY * KIND` names it.
pub fn list_event_word(event: &ListEvent) -> &'static str {
    match event.kind {
        ListEventKind::Scope(_) => "scope",
        ListEventKind::Fenced { .. } | ListEventKind::Unfenced => "fence",
        _ => "list",
    }
}

/// Everything known of an event.
pub fn list_event_json(event: &ListEvent, lists: &Lists) -> Value {
    let mut json = json!({ "kind": list_event_word(event), "at": date(event.at) });
    if let Some(number) = event.list.and_then(|list| lists.number(list)) {
        json["list"] = number.to_string().into();
    }
    let (key, value) = match &event.kind {
        ListEventKind::Created { .. } => ("change", "created"),
        ListEventKind::Renamed { .. } => ("change", "renamed"),
        ListEventKind::Paused => ("change", "paused"),
        ListEventKind::Resumed => ("change", "resumed"),
        ListEventKind::Removed => ("change", "removed"),
        ListEventKind::Scope(scope) => ("stop_scope", scope.word()),
        ListEventKind::Fenced { .. } => ("change", "fenced"),
        ListEventKind::Unfenced => ("change", "unfenced"),
    };
    json[key] = value.into();
    if let ListEventKind::Created { name } | ListEventKind::Renamed { name } = &event.kind {
        json["name"] = name.as_str().into();
    }
    if let ListEventKind::Fenced { backup_at } = event.kind {
        json["backup_at"] = date(backup_at);
    }
    if !event.by.is_empty() {
        json["by"] = event.by.as_str().into();
    }
    json
}
