//! What a change forbids for certain when it cannot be written: the gate forbids it in memory until a restart.

use crate::model::change::{Change, RowStatus};
use crate::model::keyword::Meaning;
use crate::model::phone::ListNumber;
use crate::model::time::Millis;
use crate::model::verdict::{Reason, StopScope};

/// Something forbidden: on one list, or on all, and why.
pub type Forbidden = (Option<ListNumber>, Reason);

/// What a change that names a list, or none, forbids whatever the contact's record says; nothing if that depends on it.
pub fn forbidden(list: Option<ListNumber>, change: &Change, now: Millis, scope: StopScope) -> Vec<Forbidden> {
    let opted_out = (list, list.map_or(Reason::OptedOut, |_| Reason::ListOptedOut));
    let suppressed = (list, list.map_or(Reason::Suppressed, |_| Reason::ListSuppressed));
    let invalid = (None, Reason::Invalid);
    let opted_out_by_scope = match scope {
        StopScope::List => opted_out,
        StopScope::All => (None, Reason::OptedOut),
    };
    match change {
        Change::OptOut(_) => vec![opted_out],
        Change::Suppress(_) => vec![suppressed],
        Change::Invalid(_) => vec![invalid],
        Change::Failed(failed) => {
            let said = [(failed.failure.permanent, invalid), (failed.failure.opted_out, opted_out_by_scope)];
            said.into_iter().filter(|(said, _)| *said).map(|(_, what)| what).collect()
        }
        Change::Inbound(inbound) => match inbound.meaning {
            Meaning::Out => vec![opted_out_by_scope],
            Meaning::OutOfAll => vec![(None, Reason::OptedOut)],
            _ => Vec::new(),
        },
        Change::Import(row) | Change::Forbid(row) => {
            let what = |status| match status {
                RowStatus::Suppressed => suppressed,
                RowStatus::Invalid => invalid,
                RowStatus::OptedOut | RowStatus::Active => opted_out,
            };
            row.forbids(now).into_iter().map(|(status, _)| what(status)).collect()
        }
        _ => Vec::new(),
    }
}
