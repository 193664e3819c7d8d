//! What forbids is taken, even if the rest of its request is refused: the error that says so.

use super::change::{Change, RowStatus, Since};
use super::keyword::Meaning;
use super::phone::{ListNumber, Phone};
use super::time::Millis;
use crate::error::Error;

/// The error of a request of which only what it forbids was taken, because of `why`: `taken +14155552671 opted out of 24365;
/// …`. None if the change forbids nothing for certain. `list` is the one that the change speaks of; none stands for all.
pub fn taken(phone: Phone, list: Option<ListNumber>, change: &Change, now: Millis, why: &Error) -> Option<Error> {
    let words: Vec<String> = forbidden(change, now).iter().map(|&what| in_words(what, list)).collect();
    if words.is_empty() {
        return None;
    }
    Some(Error::new(why.code, format!("taken {phone} {}; {}", words.join(" and "), why.message)))
}

/// What a change forbids whatever the contact's record says; and false if it does so as of now, for want of a date.
fn forbidden(change: &Change, now: Millis) -> Vec<(Forbidden, bool)> {
    match change {
        Change::OptOut(statement) => vec![(Forbidden::Out, statement.at.is_some())],
        Change::Suppress(statement) => vec![(Forbidden::Suppressed, statement.at.is_some())],
        Change::Invalid(statement) => vec![(Forbidden::Invalid, statement.at.is_some())],
        Change::Inbound(inbound) => match inbound.meaning {
            Meaning::Out => vec![(Forbidden::Out, inbound.at.is_some())],
            Meaning::OutOfAll => vec![(Forbidden::OutOfAll, inbound.at.is_some())],
            Meaning::MaybeOut => vec![(Forbidden::Perhaps, inbound.at.is_some())],
            _ => Vec::new(),
        },
        Change::Failed(failed) => {
            let said = [(failed.failure.opted_out, Forbidden::Out), (failed.failure.permanent, Forbidden::Invalid)];
            said.into_iter().filter(|(said, _)| *said).map(|(_, what)| (what, failed.at.is_some())).collect()
        }
        Change::Import(row) | Change::Forbid(row) => {
            let what = |status| match status {
                RowStatus::Suppressed => Forbidden::Suppressed,
                RowStatus::Invalid => Forbidden::Invalid,
                RowStatus::OptedOut | RowStatus::Active => Forbidden::Out,
            };
            row.forbids(now).into_iter().map(|(status, since)| (what(status), since != Since::Unread)).collect()
        }
        _ => Vec::new(),
    }
}

#[derive(Clone, Copy)]
enum Forbidden {
    Out,
    OutOfAll,
    /// A person should look.
    Perhaps,
    Suppressed,
    Invalid,
}

fn in_words((what, is_dated): (Forbidden, bool), list: Option<ListNumber>) -> String {
    let words = match (what, list) {
        (Forbidden::Out, Some(list)) => format!("opted out of {list}"),
        (Forbidden::Perhaps, Some(list)) => format!("perhaps opted out of {list}"),
        // Without its list nobody would see the message: see `Transition::class`.
        (Forbidden::Out | Forbidden::OutOfAll | Forbidden::Perhaps, None) | (Forbidden::OutOfAll, _) => {
            "opted out of all lists".to_owned()
        }
        (Forbidden::Suppressed, Some(list)) => format!("suppressed on {list}"),
        (Forbidden::Suppressed, None) => "suppressed everywhere".to_owned(),
        (Forbidden::Invalid, _) => "invalid".to_owned(),
    };
    if is_dated { words } else { words + " as of now" }
}
