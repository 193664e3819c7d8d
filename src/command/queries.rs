//! COUNT, FIND, EXPORT, LABELS: whom one means.

use std::borrow::Cow;

use serde_json::json;

use super::contacts::contact_json;
use super::{Context, arguments};
use crate::error::{Code, Error, Result, excerpt};
use crate::limits::{PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::model::filter::{self, Filter, Word};
use crate::model::label::check_key;
use crate::wire::{Args, Replies};

pub fn count(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let filter = filter::parse(&words(args)?)?;
    replies.integer(context.store.count(&filter)?);
    Ok(())
}

pub fn find(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(args)?;
    let PageOptions { limit, after, .. } = page_options(&mut words)?;
    let from = match after {
        Some(after) => after
            .parse()
            .map_err(|_| Error::bad_arg(format!("'{}' is no cursor of FIND", excerpt(after.as_bytes()))))?,
        None => 0,
    };
    let page = context.store.find(&filter::parse(&words)?, from, limit)?;
    replies.array(page.phones.len() + 1);
    replies.text(&page.next.unwrap_or(0).to_string());
    for phone in page.phones {
        replies.phone(phone);
    }
    Ok(())
}

pub fn labels(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(args)?;
    let PageOptions { limit, after, .. } = page_options(&mut words)?;
    let after = after.map(|after| arguments::cursor_text(&after)).transpose()?;
    let (name, page) = match words.as_slice() {
        [] => ("key", context.store.label_keys(after.as_deref(), limit)?),
        [key] => {
            check_key(&key.text)?;
            ("value", context.store.label_values(&key.text, after.as_deref(), limit)?)
        }
        _ => return Err(Error::new(Code::Err, "usage: LABELS [key] [LIMIT n] [AFTER cursor]")),
    };
    let next = page.last().filter(|_| page.len() == limit).map(|(text, _)| arguments::text_cursor(text));
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
            "EXPORT streams, which Redis libraries do not expect: send it as a line, or page with FIND",
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
                    replies.text(&contact_json(contact, gate.lists(), gate.scope(), since).to_string());
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

/// The words of a query: the rest of the line as it is, or the arguments as they are.
pub fn words(args: Args<'_>) -> Result<Vec<Word>> {
    let utf8 = |_| Error::bad_arg("the request is not UTF-8");
    match args {
        Args::Line(_) => match args.rest() {
            Cow::Borrowed(line) => filter::words(std::str::from_utf8(line).map_err(utf8)?),
            Cow::Owned(line) => filter::words(std::str::from_utf8(&line).map_err(utf8)?),
        },
        Args::Array(_) => {
            let args = args.map(std::str::from_utf8).collect::<std::result::Result<Vec<_>, _>>().map_err(utf8)?;
            filter::words_of_array(args.into_iter())
        }
    }
}

/// The options of a page.
pub struct PageOptions {
    /// How many items it has at most.
    pub limit: usize,
    /// Where it begins; none for the beginning.
    pub after: Option<String>,
    /// How long to wait for the first item.
    pub wait_ms: Option<u64>,
}

/// Takes LIMIT, AFTER and WAIT off the end.
pub fn page_options(words: &mut Vec<Word>) -> Result<PageOptions> {
    let mut options = PageOptions { limit: PAGE_ITEMS_DEFAULT, after: None, wait_ms: None };
    while let [.., option, value] = words.as_slice() {
        if option.text.eq_ignore_ascii_case("LIMIT") {
            options.limit = value.text.parse().ok().filter(|&n| n > 0).ok_or_else(|| {
                Error::bad_arg(format!(
                    "LIMIT expects a number from 1 to {PAGE_ITEMS_MAX}, not '{}'",
                    excerpt(value.text.as_bytes())
                ))
            })?;
            if options.limit > PAGE_ITEMS_MAX {
                return Err(Error::limit(format!("LIMIT is at most {PAGE_ITEMS_MAX}")));
            }
        } else if option.text.eq_ignore_ascii_case("AFTER") {
            options.after = Some(value.text.clone()).filter(|after| after != "0");
        } else if option.text.eq_ignore_ascii_case("WAIT") {
            options.wait_ms = Some(super::feed::wait_ms(&value.text)?);
        } else {
            break;
        }
        words.truncate(words.len() - 2);
    }
    Ok(options)
}
