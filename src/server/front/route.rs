//! Whom a request concerns.

use serde::Deserialize;

use super::Front;
use crate::command::{self, Reach, Run, TABLE, arguments};
use crate::error::Result;
use crate::limits::CHECK_PHONES_MAX;
use crate::model::phone::Phone;
use crate::wire::{Args, Request};

/// Whom a request concerns, and what is to be done with the replies.
pub enum Route {
    /// One partition, whose reply is the reply.
    One(usize),
    /// CHECK of several contacts: where each of them is, in their order.
    Checks(Vec<usize>),
    /// All partitions, or one after the other: see [`Reach`]. So is one contact that has to be read as its command reads it.
    Many(Reach),
}

/// The part of a row that says whose it is.
#[derive(Deserialize)]
struct RowPhone {
    phone: String,
    region: Option<String>,
}

/// The place of a request's command in the table, and whom it concerns.
pub fn route(front: &Front, request: Request<'_>) -> Result<(usize, Route)> {
    let found = command::find(request.verb)?;
    let command = &TABLE[found];
    let args = request.args;
    let one = |phone: Option<Phone>| phone.map_or(Route::Many(command.reach), |phone| Route::One(front.place(phone)));
    let route = match command.reach {
        Reach::Nothing => Route::One(0),
        Reach::Contact(at) => one(plain_phone(front, command.run, args, at)),
        Reach::Row => one(row_phone(front, args)),
        Reach::Contacts => {
            // Any partition says what is wrong with one that is no phone.
            let place = |arg| Phone::parse(arg).map_or(0, |phone| front.place(phone));
            let places: Vec<usize> = args.skip(1).map(place).collect();
            match places.first() {
                Some(first) if places.len() <= CHECK_PHONES_MAX && places.iter().any(|place| place != first) => {
                    Route::Checks(places)
                }
                first => Route::One(first.copied().unwrap_or(0)),
            }
        }
        many => Route::Many(many),
    };
    Ok((found, route))
}

/// The number in its place, where everything before it is as it should be: so nearly every request is. A command that can forbid reads
/// more into its arguments where the list is not one.
fn plain_phone(front: &Front, run: Run, mut args: Args<'_>, at: usize) -> Option<Phone> {
    if at == 0 {
        return Phone::parse(args.next()?);
    }
    let list = arguments::list_or_all(&mut args).ok()?;
    let phone = Phone::parse(args.next()?)?;
    let is_known = |list| front.context().is_some_and(|context| context.store.gate().lists().known(list).is_some());
    (!matches!(run, Run::Forbid(_)) || list.is_none_or(is_known)).then_some(phone)
}

/// The number of a row, read as IMPORT reads it.
fn row_phone(front: &Front, mut args: Args<'_>) -> Option<Phone> {
    args.next();
    let json: RowPhone = serde_json::from_slice(arguments::without_mark(args.next()?)).ok()?;
    let phone = Phone::parse(json.phone.as_bytes()).filter(|_| json.region.is_none());
    phone.or_else(|| {
        command::read_phone(&*front.context()?, json.region.as_deref().unwrap_or("-").as_bytes(), &json.phone).ok()
    })
}
