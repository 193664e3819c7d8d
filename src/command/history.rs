//! HISTORY: what happened to a contact.

use serde_json::{Map, Value};

use super::contacts::{date, micros, put_text};
use super::page::{page_options, words};
use super::{Context, arguments};
use crate::error::{Error, Result, excerpt};
use crate::model::event::{Event, Kind};
use crate::model::keyword::Class;
use crate::model::list::Lists;
use crate::model::phone::Phone;
use crate::store::Newest;
use crate::wire::{Args, Replies};

/// The kinds that HISTORY names.
pub const KINDS: [&str; 13] = [
    "send",
    "click",
    "conversion",
    "inbound",
    "optin",
    "optout",
    "suppress",
    "release",
    "invalid",
    "valid",
    "subscribe",
    "purge",
    "erase",
];

pub fn history(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let phone = arguments::phone(&mut args)?;
    let mut words = words(args)?;
    let options = page_options("HISTORY", ["LIMIT", "AFTER"], &mut words)?;
    let kinds = match words.as_slice() {
        [] => None,
        [option, kinds] if option.text.eq_ignore_ascii_case("KIND") => {
            Some(kinds.text.split(',').map(known_kind).collect::<Result<Vec<_>>>()?)
        }
        [word, ..] => {
            return Err(Error::bad_arg(format!("'{}' should be KIND, LIMIT or AFTER", excerpt(word.text.as_bytes()))));
        }
    };
    let wanted = |event: &Event| kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|kind| is_of(event, kind)));
    let after = options.after.as_deref().map(cursor).transpose()?;
    let contact = |from| of_contact(context, phone, from, options.limit, &wanted);
    let tombstone = |skipped| of_tombstone(context, phone, skipped, options.limit, &wanted);
    let page = match after {
        None => contact(None)?.map_or_else(|| tombstone(0), |page| Ok(Some(page)))?,
        Some(Cursor::Contact(from)) => contact(Some(from))?,
        Some(Cursor::Tombstone(skipped)) => tombstone(skipped)?,
    };
    let Some((events, next)) = page else {
        if after.is_some() && is_known(context, phone)? {
            return Err(Error::bad_arg(format!(
                "'{}' is no cursor of this HISTORY any more: the contact was removed or came back, begin again without AFTER",
                excerpt(options.after.unwrap_or_default().as_bytes())
            )));
        }
        replies.nil();
        return Ok(());
    };
    replies.array(events.len() + 1);
    replies.text(next.as_deref().unwrap_or("0"));
    let gate = context.store.gate();
    for event in &events {
        replies.text(&event_json(event, gate.lists()).to_string());
    }
    Ok(())
}

fn known_kind(word: &str) -> Result<&'static str> {
    KINDS.into_iter().find(|kind| kind.eq_ignore_ascii_case(word)).ok_or_else(|| {
        let (last, first) = KINDS.split_last().unwrap_or((&"", &[]));
        let word = excerpt(word.as_bytes());
        Error::bad_arg(format!("'{word}' is no kind of HISTORY: expected {} or {last}", first.join(", ")))
    })
}

/// Where a page begins.
#[derive(Clone, Copy)]
enum Cursor {
    /// In a contact's history.
    Contact(Newest),
    /// Behind so many events of a tombstone.
    Tombstone(usize),
}

fn cursor(text: &str) -> Result<Cursor> {
    let cursor = match text.strip_prefix('t') {
        Some(skipped) => skipped.parse().ok().map(Cursor::Tombstone),
        None => text.split_once('-').and_then(|(consent, activity)| {
            Some(Cursor::Contact(Newest { consent: consent.parse().ok()?, activity: activity.parse().ok()? }))
        }),
    };
    cursor.ok_or_else(|| Error::bad_arg(format!("'{}' is no cursor of HISTORY", excerpt(text.as_bytes()))))
}

/// Events, the newest first, and the cursor of the next page.
type Page = (Vec<Event>, Option<String>);

/// What happened to a contact; none if it is none.
fn of_contact(
    context: &Context,
    phone: Phone,
    from: Option<Newest>,
    limit: usize,
    wanted: &dyn Fn(&Event) -> bool,
) -> Result<Option<Page>> {
    let page = context.store.history(phone, from, wanted, limit)?;
    Ok(page.map(|page| (page.events, page.next.map(|next| format!("{}-{}", next.consent, next.activity)))))
}

/// What is still known of a number whose contact is gone.
fn of_tombstone(
    context: &Context,
    phone: Phone,
    skipped: usize,
    limit: usize,
    wanted: &dyn Fn(&Event) -> bool,
) -> Result<Option<Page>> {
    let Some(tombstone) = context.store.tombstone(phone)? else { return Ok(None) };
    let mut events: Vec<Event> = tombstone.events().into_iter().rev().filter(wanted).skip(skipped).collect();
    let next = (events.len() > limit).then(|| format!("t{}", skipped + limit));
    events.truncate(limit);
    Ok(Some((events, next)))
}

fn is_known(context: &Context, phone: Phone) -> Result<bool> {
    Ok(context.store.gate().directory.id(phone).is_some() || context.store.tombstone(phone)?.is_some())
}

/// The kind of an event, as HISTORY and FEED name it.
pub fn kind_word(kind: Kind) -> &'static str {
    match kind {
        Kind::Claimed | Kind::Sent | Kind::Failed(_) => "send",
        Kind::Click | Kind::BotClick => "click",
        Kind::Conversion => "conversion",
        Kind::Inbound(_) => "inbound",
        Kind::OptIn => "optin",
        Kind::OptOut | Kind::OptOutAll => "optout",
        Kind::Suppress => "suppress",
        Kind::Release => "release",
        Kind::Invalid => "invalid",
        Kind::Valid => "valid",
        Kind::Subscribe => "subscribe",
        Kind::Purged => "purge",
        Kind::Erased => "erase",
        Kind::Created => "created",
    }
}

/// Whether an event is of a kind that was asked for. A message that opted out is an opt-out, too.
fn is_of(event: &Event, kind: &str) -> bool {
    let meant = match event.kind {
        Kind::Inbound(Class::OptOut | Class::OptOutAll) => "optout",
        Kind::Inbound(Class::OptIn) => "optin",
        _ => "",
    };
    kind == kind_word(event.kind) || kind == meant
}

fn event_json(event: &Event, lists: &Lists) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("kind", kind_word(event.kind).into());
    put("at", date(event.at));
    put("seen_at", date(event.seen_at));
    if let Some(given) = event.sent_at {
        put("given_at", date(given));
    }
    if let Some(number) = event.list.and_then(|list| lists.number(list))
        && event.kind != Kind::OptOutAll
    {
        put("list", number.to_string().into());
    }
    match event.kind {
        Kind::Claimed => put("state", "claimed".into()),
        Kind::Sent => put("state", "sent".into()),
        Kind::Failed(_) => put("state", "failed".into()),
        Kind::BotClick => put("bot", true.into()),
        Kind::Conversion => put("amount", micros(event.amount)),
        Kind::Inbound(class) => put("meaning", meaning(class).into()),
        Kind::Purged | Kind::Erased => {}
        _ if event.kind.is_consent() => put("how", event.how.word().into()),
        _ => {}
    }
    let text = match event.kind {
        Kind::Failed(_) => "code",
        Kind::Click | Kind::BotClick => "url",
        Kind::OptIn => "evidence",
        _ => "text",
    };
    if matches!(event.kind, Kind::Inbound(_)) {
        put("text", event.text.as_str().into());
    } else {
        put_text(&mut fields, text, &event.text);
    }
    put_text(&mut fields, "id", &event.id);
    put_text(&mut fields, "message", &event.message);
    put_text(&mut fields, "source", &event.source);
    put_text(&mut fields, "reason", &event.reason);
    Value::Object(fields)
}

fn meaning(class: Class) -> &'static str {
    match class {
        Class::OptOut | Class::OptOutAll => "optout",
        Class::OptIn => "optin",
        Class::Help => "help",
        Class::Message => "message",
        Class::MaybeOptOut => "maybe_optout",
    }
}
