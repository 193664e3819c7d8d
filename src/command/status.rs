//! SUPPRESS, RELEASE, INVALID, VALID: what the sender knows of a number.

use super::{Context, arguments};
use crate::error::Result;
use crate::model::change::{Change, Claim, Write};
use crate::model::phone::ListNumber;
use crate::wire::Args;

pub fn suppress(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = optional_list(&mut args)?;
    let phone = arguments::phone(&mut args)?;
    let claim = arguments::status_claim(&mut args)?;
    Ok(Write::Contact { phone, list, change: Change::Suppress(claim) })
}

pub fn release(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = optional_list(&mut args)?;
    lift(context, args, list, Change::Release)
}

pub fn invalid(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let phone = arguments::phone(&mut args)?;
    let claim = arguments::status_claim(&mut args)?;
    Ok(Write::Contact { phone, list: None, change: Change::Invalid(claim) })
}

pub fn valid(context: &Context, args: Args<'_>) -> Result<Write> {
    lift(context, args, None, Change::Valid)
}

fn lift(context: &Context, mut args: Args<'_>, list: Option<ListNumber>, change: fn(Claim) -> Change) -> Result<Write> {
    let phone = arguments::plausible_phone(context, &mut args)?;
    let claim = arguments::status_claim(&mut args)?;
    Ok(Write::Contact { phone, list, change: change(claim) })
}

/// A list in front of the phone. Both may look alike, so what counts is whether another number follows.
fn optional_list(args: &mut Args<'_>) -> Result<Option<ListNumber>> {
    let second_is_phone = args.clone().nth(1).is_some_and(|arg| !arg.starts_with(b"{"));
    if second_is_phone { arguments::list(args).map(Some) } else { Ok(None) }
}
