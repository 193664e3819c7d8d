//! FEED: every change of consent, status, list or scope.

use serde_json::{Value, json};

use super::Context;
use super::page::{items, page_options, words};
use crate::error::{Code, Error, Result, excerpt};
use crate::json::{date, kind_word, meaning};
use crate::model::event::EventKind;
use crate::model::verdict::{ContactStatus, ListStatus};
use crate::store::gate::Gate;
use crate::store::{FeedBounds, FeedItem, FeedWhat};
use crate::wire::{Args, Replies};

/// A position that no feed has: the answer names the oldest one that there is.
pub const NO_POSITION: &str = "0-0";
/// What became of a position whose items are gone.
pub const EXPIRED: &str = "has expired";
/// What is the matter with a position of another feed.
pub const FOREIGN: &str = "does not belong to this feed";
/// What comes before the oldest position, in the answer to one that is not there.
const OLDEST: &str = "; the oldest position is ";

/// Answers, or says how long to wait for news.
pub fn feed(context: &Context, args: Args<'_>, over: bool, replies: &mut Replies) -> Result<Option<u64>> {
    let bounds = context.store.feed_bounds()?;
    let mut words = words(args)?;
    if words.is_empty() {
        replies.array(1);
        replies.text(&position(bounds.epoch, bounds.next));
        return Ok(None);
    }
    if let [last, number] = words.as_slice()
        && last.text.eq_ignore_ascii_case("LAST")
    {
        return newest(context, items("LAST", &number.text)?, replies).map(|()| None);
    }
    let options = page_options("FEED", ["LIMIT", "WAIT"], &mut words)?;
    let from = match words.as_slice() {
        [from] => parse(&from.text, bounds)?,
        _ => return Err(Error::new(Code::Err, "usage: FEED [LAST n|position [LIMIT n] [WAIT ms]]")),
    };
    // What was there a moment ago may have expired since.
    let Some(items) = context.store.feed(from, options.limit)? else {
        let bounds = context.store.feed_bounds()?;
        return Err(lost_position(&position(bounds.epoch, from), EXPIRED, &position(bounds.epoch, bounds.first)));
    };
    if items.is_empty()
        && !over
        && let Some(wait_ms) = options.wait_ms.filter(|&wait_ms| wait_ms > 0)
    {
        return Ok(Some(wait_ms));
    }
    replies.array(items.len() + 1);
    replies.text(&position(bounds.epoch, items.last().map_or(from, |item| item.position + 1)));
    let gate = context.store.gate();
    for item in &items {
        replies.text(&item_json(item, bounds.epoch, &gate).to_string());
    }
    Ok(None)
}

/// Answers with the newest items, the newest first, and the position behind them.
fn newest(context: &Context, number: usize, replies: &mut Replies) -> Result<()> {
    let mut bounds = context.store.feed_bounds()?;
    let items = loop {
        let from = bounds.next.saturating_sub(number as u64).max(bounds.first);
        match context.store.feed(from, number)? {
            Some(items) => break items,
            // The oldest have expired since.
            None => bounds = context.store.feed_bounds()?,
        }
    };
    replies.array(items.len() + 1);
    replies.text(&position(bounds.epoch, items.last().map_or(bounds.next, |item| item.position + 1)));
    let gate = context.store.gate();
    for item in items.iter().rev() {
        replies.text(&item_json(item, bounds.epoch, &gate).to_string());
    }
    Ok(())
}

fn position(epoch: u64, number: u64) -> String {
    format!("{epoch:x}-{number}")
}

/// A position that is still there. Any other is refused: it would skip items without saying so.
fn parse(word: &str, bounds: FeedBounds) -> Result<u64> {
    let number = word.split_once('-').and_then(|(epoch, number)| {
        (epoch == format!("{:x}", bounds.epoch)).then(|| number.parse::<u64>().ok()).flatten()
    });
    let why = match number {
        Some(number) if (bounds.first..=bounds.next).contains(&number) => return Ok(number),
        Some(number) if number < bounds.first => EXPIRED,
        _ => FOREIGN,
    };
    Err(lost_position(word, why, &position(bounds.epoch, bounds.first)))
}

/// The answer to a position that is not there, and why: it names the oldest one.
pub fn lost_position(word: &str, why: &str, oldest: &str) -> Error {
    Error::limit(format!(
        "the position '{}' {why}{OLDEST}{oldest}: begin again with FEED and EXPORT",
        excerpt(word.as_bytes())
    ))
}

/// The oldest position that such an answer names.
pub fn oldest_position(message: &str) -> Option<&str> {
    message.split_once(OLDEST).and_then(|(_, rest)| rest.split(':').next())
}

fn item_json(item: &FeedItem, epoch: u64, gate: &Gate) -> Value {
    let mut json = match &item.what {
        FeedWhat::Contact { phone: None, .. } => json!({ "kind": "erased" }),
        FeedWhat::Contact { phone: Some(phone), cause, status, lists } => {
            // A list that was removed has ended for everybody.
            let number = |list| gate.lists().get(list).filter(|list| list.removed_at == 0).map(|list| list.number);
            let list = |&(list, status): &(_, ListStatus)| {
                Some(json!({ "list": number(list)?.to_string(), "status": status.word() }))
            };
            let mut json = json!({
                "kind": "contact",
                "phone": phone.to_string(),
                "cause": kind_word(*cause),
                "status": status.map_or("none", ContactStatus::word),
                "lists": lists.iter().filter_map(list).collect::<Vec<_>>(),
            });
            if let EventKind::Inbound(class) = cause {
                json["meaning"] = meaning(*class).into();
            }
            json
        }
        FeedWhat::List { number, known, paused } => {
            json!({ "kind": "list", "list": number.to_string(), "known": known, "paused": paused })
        }
        FeedWhat::Scope(scope) => json!({ "kind": "scope", "stop_scope": scope.word() }),
        FeedWhat::Fence(fenced) => json!({ "kind": "fence", "fenced": fenced }),
    };
    json["position"] = position(epoch, item.position).into();
    json["at"] = date(item.at);
    json
}
