//! `HISTORY *`: what happened to sending lists.

use super::Context;
use super::page::PageOptions;
use crate::error::{Error, Result, excerpt};
use crate::json::{list_event_json, list_event_word};
use crate::model::list_event::ListEvent;
use crate::wire::Replies;

/// The kinds that `HISTORY *` names.
pub const LIST_KINDS: [&str; 3] = ["list", "scope", "fence"];

/// What stands before the number in a cursor.
const CURSOR: char = 'l';

/// Answers with a page of the kinds that are wanted.
pub fn list_history(
    context: &Context,
    kinds: Option<&[&str]>,
    options: &PageOptions,
    replies: &mut Replies,
) -> Result<()> {
    let from = options.after.as_deref().map(cursor).transpose()?;
    let wanted = |event: &ListEvent| kinds.is_none_or(|kinds| kinds.contains(&list_event_word(event)));
    let page = context.store.list_history(from, &wanted, options.limit)?;
    replies.array(page.events.len() + 1);
    replies.text(&page.next.map_or_else(|| "0".to_owned(), |next| format!("{CURSOR}{next}")));
    let gate = context.store.gate();
    for event in &page.events {
        replies.text(&list_event_json(event, gate.lists()).to_string());
    }
    Ok(())
}

fn cursor(text: &str) -> Result<u64> {
    let number = text.strip_prefix(CURSOR).and_then(|number| number.parse().ok());
    number.ok_or_else(|| Error::bad_arg(format!("'{}' is not a cursor of HISTORY *", excerpt(text.as_bytes()))))
}
