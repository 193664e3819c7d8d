//! HISTORY: what happened to a contact.

use super::list_history::{LIST_KINDS, list_history};
use super::page::{page_options, words};
use super::{Context, arguments};
use crate::error::{Error, Result, excerpt};
use crate::json::{event_json, kind_word};
use crate::model::event::{Event, EventKind};
use crate::model::keyword::InboundKind;
use crate::model::phone::Phone;
use crate::store::Newest;
use crate::wire::{Args, Replies};

/// The kinds that HISTORY names.
pub const KINDS: [&str; 15] = [
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
    "renumber",
    "review",
];

pub fn history(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let phone = arguments::phone_or_all(&mut args)?;
    let mut words = words(args)?;
    let options = page_options("HISTORY", ["LIMIT", "AFTER"], &mut words)?;
    let known: &[&str] = if phone.is_some() { &KINDS } else { &LIST_KINDS };
    let kinds = match words.as_slice() {
        [] => None,
        [option, kinds] if option.text.eq_ignore_ascii_case("KIND") => {
            Some(kinds.text.split(',').map(|kind| known_kind(kind, known)).collect::<Result<Vec<_>>>()?)
        }
        [word, ..] => {
            return Err(Error::bad_arg(format!(
                "expected KIND, LIMIT or AFTER, not '{}'",
                excerpt(word.text.as_bytes())
            )));
        }
    };
    let Some(phone) = phone else { return list_history(context, kinds.as_deref(), &options, replies) };
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
                "'{}' is not a cursor of this HISTORY any more: the contact was removed or came back. Begin again without AFTER",
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

fn known_kind<'k>(word: &str, known: &[&'k str]) -> Result<&'k str> {
    known.iter().copied().find(|kind| kind.eq_ignore_ascii_case(word)).ok_or_else(|| {
        let (last, first) = known.split_last().unwrap_or((&"", &[]));
        let word = excerpt(word.as_bytes());
        Error::bad_arg(format!("'{word}' is not a kind of event: expected {} or {last}", first.join(", ")))
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
    cursor.ok_or_else(|| {
        Error::bad_arg(format!(
            "'{}' is not a cursor of HISTORY: AFTER takes the first item of the page before",
            excerpt(text.as_bytes())
        ))
    })
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

/// Whether an event is of a kind that was asked for. A message that opted out is an opt-out, too.
fn is_of(event: &Event, kind: &str) -> bool {
    let meant = match event.kind {
        EventKind::Inbound(InboundKind::OptOut | InboundKind::OptOutAll) => "optout",
        EventKind::Inbound(InboundKind::OptIn) => "optin",
        _ => "",
    };
    kind == kind_word(event.kind) || kind == meant
}
