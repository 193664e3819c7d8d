//! INBOX: the messages that a person should look at.

use std::sync::Arc;

use serde_json::json;

use super::page::{page_options, words};
use super::{Access, Context, Session};
use crate::error::{Code, Error, Result, excerpt};
use crate::json::date;
use crate::model::change::Statement;
use crate::model::inbox::Waiting;
use crate::wire::{Args, Replies};

pub fn inbox(context: &Context, session: &Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    if args.peek().is_some_and(|word| word.eq_ignore_ascii_case(b"DONE")) {
        if session.access < Access::Write {
            return Err(Error::new(Code::NoPerm, "INBOX DONE needs a token with write access"));
        }
        args.next();
        return done(context, session, args, replies);
    }
    let mut words = words(args)?;
    let options = page_options("INBOX", ["LIMIT", "AFTER"], &mut words)?;
    if let Some(word) = words.first() {
        let word = excerpt(word.text.as_bytes());
        return Err(Error::bad_arg(format!("expected LIMIT, AFTER or DONE, not '{word}'")));
    }
    let before = options.after.as_deref().map_or(Ok(u64::MAX), |cursor| number(cursor.as_bytes()))?;
    // As in every verb with pages, 0 is the cursor of the first one.
    let before = if before == 0 { u64::MAX } else { before };
    let page = context.store.inbox(before, options.limit)?;
    replies.array(page.messages.len() + 1);
    replies.text(&page.next.unwrap_or(0).to_string());
    for (number, message) in &page.messages {
        let Waiting { phone, list, at, seen_at, id, text } = message;
        let mut json = json!({
            "number": number,
            "phone": phone.to_string(),
            "list": list.to_string(),
            "at": date(*at),
            "seen_at": date(*seen_at),
            "text": text,
        });
        if !id.is_empty() {
            json["id"] = id.as_str().into();
        }
        replies.text(&json.to_string());
    }
    Ok(())
}

fn done(context: &Context, session: &Session, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let usage = || Error::new(Code::Err, "usage: INBOX DONE number");
    let number = number(args.next().ok_or_else(usage)?)?;
    if args.next().is_some() {
        return Err(usage());
    }
    let settled = context.store.settle(number, Statement::default(), Arc::clone(&session.name))?;
    replies.integer(u64::from(settled));
    Ok(())
}

/// The number of a message, which is the cursor of the page behind it, too.
fn number(word: &[u8]) -> Result<u64> {
    let number = std::str::from_utf8(word).ok().and_then(|word| word.parse().ok());
    number.ok_or_else(|| {
        let word = excerpt(word);
        Error::bad_arg(format!("'{word}' is not the number of a message: INBOX shows them"))
    })
}
