//! An event of a contact's history, as HISTORY tells it.

use serde_json::{Map, Value};

use super::{amount_json, date, put_text};
use crate::model::event::{Event, EventKind};
use crate::model::keyword::InboundKind;
use crate::model::list::Lists;

/// The kind of an event, as HISTORY and FEED name it.
pub fn kind_word(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Claimed | EventKind::Sent | EventKind::Failed(_) => "send",
        EventKind::Click | EventKind::BotClick => "click",
        EventKind::Conversion => "conversion",
        EventKind::Inbound(_) => "inbound",
        EventKind::OptIn => "optin",
        EventKind::OptOut | EventKind::OptOutAll => "optout",
        EventKind::Suppress => "suppress",
        EventKind::Release => "release",
        EventKind::Invalid => "invalid",
        EventKind::Valid => "valid",
        EventKind::Subscribe => "subscribe",
        EventKind::Purged => "purge",
        EventKind::Erased => "erase",
        EventKind::Renumbered => "renumber",
        EventKind::Reviewed => "review",
        EventKind::Created => "created",
    }
}

/// Everything known of an event.
pub fn event_json(event: &Event, lists: &Lists) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("kind", kind_word(event.kind).into());
    put("at", date(event.at));
    put("seen_at", date(event.seen_at));
    if let Some(given) = event.sent_at {
        put("given_at", date(given));
    }
    if let Some(number) = event.list.and_then(|list| lists.number(list))
        && event.kind != EventKind::OptOutAll
    {
        put("list", number.to_string().into());
    }
    match event.kind {
        EventKind::Claimed => put("state", "claimed".into()),
        EventKind::Sent => put("state", "sent".into()),
        EventKind::Failed(_) => put("state", "failed".into()),
        EventKind::BotClick => put("bot", true.into()),
        EventKind::Conversion => put("amount", amount_json(event.amount)),
        EventKind::Inbound(class) => put("meaning", meaning(class).into()),
        EventKind::Purged | EventKind::Erased | EventKind::Renumbered | EventKind::Reviewed => {}
        _ if event.kind.is_consent() => put("how", event.how.word().into()),
        _ => {}
    }
    let text = match event.kind {
        EventKind::Failed(_) => "code",
        EventKind::Click | EventKind::BotClick => "url",
        EventKind::OptIn => "evidence",
        _ => "text",
    };
    if matches!(event.kind, EventKind::Inbound(_)) {
        put("text", event.text.as_str().into());
    } else {
        put_text(&mut fields, text, &event.text);
    }
    put_text(&mut fields, "id", &event.id);
    put_text(&mut fields, "message", &event.message);
    put_text(&mut fields, "source", &event.source);
    put_text(&mut fields, "reason", &event.reason);
    put_text(&mut fields, "by", &event.by);
    Value::Object(fields)
}

/// What a message from a phone meant, as HISTORY names it.
pub fn meaning(class: InboundKind) -> &'static str {
    match class {
        InboundKind::OptOut | InboundKind::OptOutAll => "optout",
        InboundKind::OptIn => "optin",
        InboundKind::Help => "help",
        InboundKind::Message => "message",
        InboundKind::MaybeOptOut => "maybe_optout",
    }
}
