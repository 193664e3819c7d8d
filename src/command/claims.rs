//! CLAIMS: messages that were granted, and nobody has told what became of them.

use serde_json::json;

use super::Context;
use super::page::{page_options, words};
use crate::error::{Code, Error, Result, excerpt};
use crate::json::date;
use crate::store::ClaimsCursor;
use crate::wire::{Args, Replies};

pub fn claims(context: &Context, args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let mut words = words(args)?;
    let options = page_options("CLAIMS", ["LIMIT", "AFTER"], &mut words)?;
    if !words.is_empty() {
        return Err(Error::new(Code::Err, "usage: CLAIMS [LIMIT n] [AFTER cursor]"));
    }
    let from = options.after.as_deref().map(parse).transpose()?;
    let page = context.store.unresolved_claims(from, options.limit)?;
    replies.array(page.claims.len() + 1);
    replies.text(&page.next.map_or_else(|| "0".to_owned(), |next| cursor(&next)));
    for claim in page.claims {
        let json = json!({
            "list": claim.list.to_string(),
            "phone": claim.phone.to_string(),
            "id": claim.id,
            "at": date(claim.at),
        });
        replies.text(&json.to_string());
    }
    Ok(())
}

fn cursor(next: &ClaimsCursor) -> String {
    format!("{}-{}-{}", next.block, next.skipped, next.left)
}

fn parse(text: &str) -> Result<ClaimsCursor> {
    let mut parts = text.split('-');
    let mut part = || parts.next()?.parse::<u64>().ok();
    let cursor = part().zip(part()).zip(part());
    match cursor {
        Some(((block, skipped), left)) if parts.next().is_none() => {
            Ok(ClaimsCursor { block, skipped: skipped as usize, left })
        }
        _ => Err(Error::bad_arg(format!(
            "'{}' is not a cursor of CLAIMS: AFTER takes the first item of the page before",
            excerpt(text.as_bytes())
        ))),
    }
}
