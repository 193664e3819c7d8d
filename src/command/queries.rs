//! COUNT, FIND, EXPORT, LABELS: whom one means.

use serde_json::json;

use super::Context;
use super::page::{PageOptions, cursor_text, page_options, text_cursor, words};
use crate::error::{Code, Error, Result, excerpt};
use crate::json::contact_json;
use crate::model::filter::{self, Filter};
use crate::model::label::check_key;
use crate::wire::{Args, Replies};

pub fn count(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let filter = filter::parse(&words(args)?)?;
    replies.integer(context.store.count(&filter)?);
    Ok(())
}

pub fn find(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(args)?;
    let options = page_options("FIND", ["LIMIT", "AFTER", "NEWEST"], &mut words)?;
    // A cursor of one order means nothing in the other.
    let mark = if options.newest { "n" } else { "" };
    let from = options.after.map(|after| {
        after.strip_prefix(mark).and_then(|id| id.parse().ok()).ok_or_else(|| {
            Error::bad_arg(format!(
                "'{}' is not a cursor of this FIND: AFTER takes the first item of the page before",
                excerpt(after.as_bytes())
            ))
        })
    });
    let (from, filter) = (from.transpose()?, filter::parse(&words)?);
    let page = if options.newest {
        context.store.find_newest(&filter, from, options.limit)?
    } else {
        context.store.find(&filter, from.unwrap_or(0), options.limit)?
    };
    replies.array(page.phones.len() + 1);
    replies.text(&page.next.map_or_else(|| "0".to_owned(), |next| format!("{mark}{next}")));
    for phone in page.phones {
        replies.phone(phone);
    }
    Ok(())
}

pub fn labels(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(args)?;
    let PageOptions { limit, after, .. } = page_options("LABELS", ["LIMIT", "AFTER"], &mut words)?;
    let after = after.map(|after| cursor_text(&after)).transpose()?;
    let (name, page) = match words.as_slice() {
        [] => ("key", context.store.label_keys(after.as_deref(), limit)?),
        [key] => {
            check_key(&key.text)?;
            ("value", context.store.label_values(&key.text, after.as_deref(), limit)?)
        }
        _ => return Err(Error::new(Code::Err, "usage: LABELS [key] [LIMIT n] [AFTER cursor]")),
    };
    let next = page.last().filter(|_| page.len() == limit).map(|(text, _)| text_cursor(text));
    replies.array(page.len() + 1);
    replies.text(next.as_deref().unwrap_or("0"));
    for (text, contacts) in page {
        replies.text(&json!({ name: text, "contacts": contacts }).to_string());
    }
    Ok(())
}

/// A running EXPORT: it answers in pieces, so that a store of any size goes through a few kilobytes.
pub struct Export {
    filter: Filter,
    from: Option<u32>,
}

/// Begins an EXPORT.
pub fn export(args: Args<'_>, replies: &mut Replies) -> Result<Export> {
    if matches!(args, Args::Array(_)) {
        return Err(Error::new(
            Code::Err,
            "EXPORT answers with a stream, which Redis libraries do not expect: send it as a line, or use FIND",
        ));
    }
    let filter = filter::parse(&words(args)?)?;
    replies.stream();
    Ok(Export { filter, from: Some(0) })
}

impl Export {
    /// Answers the next piece. Says whether there is more.
    pub fn next(&mut self, context: &Context, replies: &mut Replies) -> bool {
        const PIECE_CONTACTS: usize = 200;
        let Some(from) = self.from else { return false };
        match context.store.export(&self.filter, from, PIECE_CONTACTS) {
            Ok((contacts, next)) => {
                let since = context.store.remember_since();
                let gate = context.store.gate();
                for contact in &contacts {
                    let against = |list| gate.against(contact.phone, list);
                    let json = contact_json(contact, gate.lists(), gate.scope(), since, Some(&against));
                    replies.text(&json.to_string());
                }
                self.from = next;
            }
            Err(error) => {
                replies.error(&error);
                self.from = None;
            }
        }
        if self.from.is_none() {
            replies.end_stream();
        }
        self.from.is_some()
    }
}
