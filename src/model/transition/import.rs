//! IMPORT: one row of a file.

use super::{Effect, Step, fact};
use crate::error::{Error, Result};
use crate::limits::CONTACT_LISTS_MAX;
use crate::model::change::{Claim, Outcome, Row, RowStatus};
use crate::model::event::Kind;
use crate::model::fact::{Fact, How, date, keep_newest};
use crate::model::list::ListId;
use crate::model::time::Millis;
use crate::model::verdict::{Reason, StopScope, Verdict};

impl Step<'_, '_> {
    /// One row of an import: never makes anything more permissive than it was, except that it subscribes where no
    /// opt-out stands. Without a list it speaks of the contact itself.
    pub(super) fn import(&mut self, row: &Row) -> Result<Effect> {
        if let Some(list) = self.list
            && self.would_not_fit(list)
        {
            return Err(Error::limit(format!("a contact has a relation with at most {CONTACT_LISTS_MAX} lists")));
        }
        let met = self.list.is_none_or(|list| self.contact.on(list).is_some());
        let mut changed = self.contact.labels.patch(&row.labels)?;
        if self.fresh {
            let created_at = row.created_at.unwrap_or(self.world.now).min(self.world.now);
            self.contact.created_at = created_at;
            // What proves that a number exists is no import's word where somebody said that it does not.
            let proven = self.contact.engagement.last_inbound;
            self.contact.engagement = row.totals.clone().until(self.world.now);
            if self.contact.invalidity.set.is_some() {
                self.contact.engagement.last_inbound = proven;
            }
            self.contact.remembered.forget_until(self.contact.engagement.last_sent);
        }
        let claim = Claim {
            how: row.how.unwrap_or(How::Import),
            source: row.source.clone(),
            reason: row.reason.clone(),
            ..Claim::default()
        };
        let mut events = Vec::new();
        let forbidden = self.row_forbids(row);
        let wants_in = self.list.is_some() && forbidden.is_empty();
        // Looked at before the row's own opt-out, beside which its subscription is kept as history.
        let subscribes = self.list.filter(|&list| self.subscribes(list, row, wants_in));
        for (status, asked) in forbidden {
            if asked.is_none() && self.stands(status) {
                continue;
            }
            let at = self.moment(asked);
            // `how` is how the contact subscribed.
            let claim = Claim { at: asked, ..claim.clone() };
            let said = Fact { how: How::Import, ..fact(at, &claim) };
            let (kind, grew) = match status {
                RowStatus::Suppressed => self.suppress(said),
                RowStatus::Invalid => (Kind::Invalid, keep_newest(&mut self.contact.invalidity.set, said)),
                _ => self.opt_out(said),
            };
            changed |= grew;
            if grew {
                events.push(self.claimed_event(kind, at, &claim));
            }
        }
        if let Some(list) = subscribes {
            let at = match row.subscribed_at {
                Some(at) => at.min(self.world.now),
                None => self.moment(None),
            };
            let claim = Claim { at: row.subscribed_at, ..claim };
            let said = fact(at, &claim);
            let grew = self.relation(list).is_some_and(|on| keep_newest(&mut on.imported, said));
            changed |= grew;
            if grew && !self.fresh {
                events.push(self.claimed_event(Kind::Subscribe, at, &claim));
            }
        }
        changed |= !met && self.list.is_some_and(|list| self.contact.on(list).is_some());
        let verdict = self.list.map(|list| self.contact.verdict(list, self.world.scope));
        let outcome = match verdict {
            // No subscription was taken, since what an earlier list of the number left behind, or an opt-out of all,
            // forbids it.
            Some(Verdict::No(Reason::NotSubscribed)) if wants_in && self.is_suppressed() => {
                Outcome::Kept(Reason::ListSuppressed)
            }
            Some(Verdict::No(Reason::NotSubscribed)) if wants_in => Outcome::Kept(Reason::ListOptedOut),
            Some(Verdict::No(reason)) if wants_in => Outcome::Kept(reason),
            _ => self.written(changed),
        };
        Ok(Effect { events, ..Effect::of(outcome) })
    }

    /// What a row forbids, and since when. An opt-out counts unless the same row says that the contact is active by a
    /// newer subscription.
    fn row_forbids(&self, row: &Row) -> Vec<(RowStatus, Option<Millis>)> {
        let now = self.world.now;
        let back_in = row.status == Some(RowStatus::Active)
            && row.subscribed_at.is_some_and(|at| at.min(now) > row.opted_out_at.unwrap_or(now).min(now));
        let dated = [
            (RowStatus::OptedOut, row.opted_out_at.filter(|_| !back_in)),
            (RowStatus::Suppressed, row.suppressed_at),
            (RowStatus::Invalid, row.invalid_at),
        ];
        let said = |status| row.status == Some(status);
        dated.into_iter().filter(|&(status, at)| at.is_some() || said(status)).collect()
    }

    /// Whether what a row forbids is forbidden already, so that the row without a date says nothing new.
    fn stands(&self, status: RowStatus) -> bool {
        let on = self.list.and_then(|list| self.contact.on(list));
        match (status, self.list) {
            (RowStatus::Invalid, _) => self.contact.is_invalid(),
            (RowStatus::Suppressed, None) => self.contact.suppression.in_force(),
            (RowStatus::Suppressed, Some(_)) => on.is_some_and(|on| on.suppression.in_force()),
            (_, None) => self.contact.is_opted_out_of_all(),
            // An opt-out of all says nothing of the list's own, which an opt-in would have to be newer than, too.
            (_, Some(_)) => {
                on.is_some_and(|on| on.opted_out.is_some() && date(on.opted_out.as_ref()) >= date(on.opted_in.as_ref()))
            }
        }
    }

    /// Whether the row's subscription is recorded: a dated one beside an opt-out of the same row, or any where no
    /// opt-out stands and nothing older says the same.
    fn subscribes(&self, list: ListId, row: &Row, wants_in: bool) -> bool {
        let on = self.contact.on(list);
        let left_behind = self.contact.predecessor(list, self.world.lists);
        let opted_out = match on {
            Some(on) => self.contact.is_opted_out(on, StopScope::List),
            None => {
                self.contact.opted_out_all.is_some()
                    || left_behind.is_some_and(|at| self.contact.lists[at].opted_out.is_some())
            }
        };
        !opted_out && (row.subscribed_at.is_some() || wants_in && on.is_none_or(|on| on.subscription().is_none()))
    }
}
