//! What a change forbids for certain when it cannot be written: the gate forbids it in memory until a restart, which finds it in the
//! trail.

use crate::model::change::{Change, RowStatus, Since, Statement};
use crate::model::fact::How;
use crate::model::keyword::Meaning;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::{self, Millis};
use crate::model::trail::{ALL_LISTS, TrailLine};
use crate::model::verdict::{Reason, StopScope};

/// Something forbidden: on one list, or on all, and why.
#[derive(Debug)]
pub struct Forbidden {
    /// Where it forbids: on all lists, if none is given.
    pub list: Option<ListNumber>,
    /// Why.
    pub reason: Reason,
    /// Of which list it was said; of all, if none is given.
    said_of: Option<ListNumber>,
    said: Statement,
}

/// What tells it from others: whom, where it was said, and why.
pub type Key = (Phone, Option<ListNumber>, Reason);

impl Forbidden {
    /// What tells it from others.
    pub fn key(&self, phone: Phone) -> Key {
        (phone, self.said_of, self.reason)
    }

    /// That an erasure was asked for. Whoever asked was told that nothing was erased, and asks again.
    pub fn by_erasure() -> Forbidden {
        let said = Statement { reason: "an erasure that could not be written".to_owned(), ..Statement::default() };
        Forbidden { list: None, reason: Reason::OptedOut, said_of: None, said }
    }

    /// As it stands in a trail. `newest` is the newest date that is known of the contact: what has no date is the last word, and so
    /// is everything where the clock was set back.
    pub fn line(&self, phone: Phone, now: Millis, newest: Millis) -> TrailLine {
        let dated = self.said.at.filter(|at| *at <= now && newest <= now);
        let at = Some(time::format(dated.unwrap_or_else(|| now.max(newest + 1))));
        let line = TrailLine {
            phone: phone.to_string(),
            list: self.said_of.map_or_else(|| ALL_LISTS.to_owned(), |list| list.to_string()),
            how: self.said.how.word().to_owned(),
            source: self.said.source.clone(),
            reason: self.said.reason.clone(),
            ..TrailLine::default()
        };
        match self.reason {
            Reason::Invalid => TrailLine { invalid_at: at, ..line },
            Reason::Suppressed | Reason::ListSuppressed => TrailLine { suppressed_at: at, ..line },
            _ => TrailLine { opted_out_at: at, ..line },
        }
    }
}

/// What a change that names a list, or none, forbids whatever the contact's record says; nothing if that depends on it.
pub fn forbidden(list: Option<ListNumber>, change: &Change, now: Millis, scope: StopScope) -> Vec<Forbidden> {
    let on = |list, reason, said: &Statement| Forbidden { list, reason, said_of: list, said: said.clone() };
    let opted_out = |said: &Statement| on(list, list.map_or(Reason::OptedOut, |_| Reason::ListOptedOut), said);
    let suppressed = |said: &Statement| on(list, list.map_or(Reason::Suppressed, |_| Reason::ListSuppressed), said);
    let invalid = |said: &Statement| on(None, Reason::Invalid, said);
    let opted_out_by_scope = |said: &Statement| match scope {
        StopScope::List => opted_out(said),
        StopScope::All => Forbidden { said_of: list, ..on(None, Reason::OptedOut, said) },
    };
    match change {
        Change::OptOut(said) => vec![opted_out(said)],
        Change::Suppress(said) => vec![suppressed(said)],
        Change::Invalid(said) => vec![invalid(said)],
        Change::Failed(failed) => {
            let (at, source) = (failed.at, failed.source.clone());
            let reason = [failed.code.as_str(), failed.reason.as_str()].join(" ").trim().to_owned();
            let said = Statement { at, source, reason, ..Statement::default() };
            let (is_gone, is_out) = (failed.failure.permanent, failed.failure.opted_out);
            is_gone.then(|| invalid(&said)).into_iter().chain(is_out.then(|| opted_out_by_scope(&said))).collect()
        }
        Change::Inbound(inbound) => {
            let said = Statement { at: inbound.at, how: How::Keyword, ..Statement::default() };
            match inbound.meaning {
                Meaning::Out => vec![opted_out_by_scope(&said)],
                Meaning::OutOfAll => vec![on(None, Reason::OptedOut, &said)],
                _ => Vec::new(),
            }
        }
        Change::Import(row) | Change::Forbid(row) => {
            let what = |(status, since): (RowStatus, Since)| {
                let (at, source, reason) = (since.date(), row.source.clone(), row.reason.clone());
                let said = Statement { at, how: How::Import, source, reason, ..Statement::default() };
                match status {
                    RowStatus::Suppressed => suppressed(&said),
                    RowStatus::Invalid => invalid(&said),
                    RowStatus::OptedOut | RowStatus::Active => opted_out(&said),
                }
            };
            row.forbids(now).into_iter().map(what).collect()
        }
        _ => Vec::new(),
    }
}
