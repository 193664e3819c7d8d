//! SUPPRESS, RELEASE, INVALID, VALID: what the sender knows of a number.

use super::arguments::Forbidden;
use super::asked::{Asked, Reading};
use super::remains::Remains;
use super::{Context, arguments};
use crate::error::Result;
use crate::model::change::{Change, Statement, Write};
use crate::model::phone::{ListNumber, Phone};
use crate::wire::Args;

pub fn suppress(context: &Context, mut args: Args<'_>) -> Result<Asked> {
    let mut reading = Reading::default();
    let (list, phone) = reading.list_and_phone(context, &mut args, optional_list)?;
    forbid(context, args, reading, (list, phone), Change::Suppress)
}

pub fn release(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = optional_list(&mut args)?;
    lift(context, args, list, Change::Release)
}

pub fn invalid(context: &Context, mut args: Args<'_>) -> Result<Asked> {
    let mut reading = Reading::default();
    let mut behind = args;
    behind.next();
    let phone = match reading.phone(&mut args) {
        Ok(phone) => phone,
        // A list in front of the number, as other verbs have it.
        Err(why) => {
            args = behind;
            reading.refuse(why.clone());
            reading.phone(&mut args).map_err(|_| why)?
        }
    };
    forbid(context, args, reading, (None, phone), Change::Invalid)
}

pub fn valid(context: &Context, args: Args<'_>) -> Result<Write> {
    lift(context, args, None, Change::Valid)
}

fn forbid(
    context: &Context,
    mut args: Args<'_>,
    mut reading: Reading,
    (list, phone): (Option<ListNumber>, Phone),
    change: fn(Statement) -> Change,
) -> Result<Asked> {
    let rest = args;
    let now = context.store.now();
    let claim = arguments::status_claim(&mut args, |at| at.date(now));
    let statement = reading.or(claim, || Remains::of_args(rest).statement(now));
    reading.asked(Write::Contact { phone, list, change: change(statement) }, context)
}

fn lift(
    context: &Context,
    mut args: Args<'_>,
    list: Option<ListNumber>,
    change: fn(Statement) -> Change,
) -> Result<Write> {
    let phone = arguments::plausible_phone(context, &mut args)?;
    let statement = arguments::status_claim(&mut args, Forbidden::begin)?;
    Ok(Write::Contact { phone, list, change: change(statement) })
}

/// A list in front of the phone. Both may look alike, so what counts is whether another number follows.
fn optional_list(args: &mut Args<'_>) -> Result<Option<ListNumber>> {
    let second_is_phone = args.clone().nth(1).is_some_and(|arg| !arg.starts_with(b"{"));
    if second_is_phone { arguments::list(args).map(Some) } else { Ok(None) }
}
