//! IMPORT: one row of a file.

use super::{Effect, Transition};
use crate::error::{Error, Result};
use crate::limits::CONTACT_LISTS_MAX;
use crate::model::change::{Outcome, Row, RowStatus, Since, Statement};
use crate::model::event::{Event, EventKind};
use crate::model::fact::{Fact, How, keep_newest};
use crate::model::list::ListId;
use crate::model::verdict::{Reason, StopScope, Verdict};

impl Transition<'_, '_> {
    /// One row of an import: never makes anything more permissive than it was, except that it subscribes where no
    /// opt-out stands. Without a list it speaks of the contact itself.
    pub(super) fn import(&mut self, row: &Row) -> Result<Effect> {
        if let Some(list) = self.list
            && self.would_not_fit(list)
        {
            return Err(Error::limit(format!(
                "a contact has at most {CONTACT_LISTS_MAX} ListContacts, and this one has them all"
            )));
        }
        let met = self.list.is_none_or(|list| self.contact.on(list).is_some());
        let mut changed = self.contact.labels.patch(&row.labels)?;
        if self.fresh {
            let created_at = row.created_at.unwrap_or(self.situation.now).min(self.situation.now);
            self.contact.created_at = created_at;
            // Where somebody said that a number does not exist, an import's word does not prove that it does.
            let proven = self.contact.engagement.last_inbound;
            self.contact.engagement = row.totals.clone().until(self.situation.now);
            if self.contact.invalidity.set.is_some() {
                self.contact.engagement.last_inbound = proven;
            }
            self.contact.remembered.forget_until(self.contact.engagement.last_sent);
        }
        let statement = Statement {
            how: row.how.unwrap_or(How::Import),
            id: row.import_id.clone(),
            source: row.source.clone(),
            reason: row.reason.clone(),
            ..Statement::default()
        };
        let forbidden = row.forbids(self.situation.now);
        let wants_in = self.list.is_some() && forbidden.is_empty();
        // Looked at before the row's own opt-out, beside which its subscription is kept as history.
        let subscribes = self.list.filter(|&list| self.subscribes(list, row, wants_in));
        // `how` is how the contact subscribed.
        let mut events = self.take_forbidden(forbidden, &statement, How::Import);
        changed |= !events.is_empty();
        if let Some(list) = subscribes {
            let at = match row.subscribed_at {
                Some(at) => at.min(self.situation.now),
                None => self.last_word(),
            };
            let statement = Statement { at: row.subscribed_at, ..statement };
            let said = self.fact(at, &statement);
            let grew = self.relation(list).is_some_and(|on| keep_newest(&mut on.imported, said));
            changed |= grew;
            if grew {
                events.reserve_exact(1);
                events.push(self.claimed_event(EventKind::Subscribe, at, &statement));
            }
        }
        changed |= !met && self.list.is_some_and(|list| self.contact.on(list).is_some());
        let verdict = self.list.map(|list| self.contact.verdict(list, self.situation.scope));
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

    /// What a row forbids, and nothing else of it.
    pub(super) fn forbid(&mut self, row: &Row) -> Effect {
        let before = self.statuses();
        let how = row.how.unwrap_or_default();
        let (id, source, reason) = (row.import_id.clone(), row.source.clone(), row.reason.clone());
        let statement = Statement { how, id, source, reason, ..Statement::default() };
        let events = self.take_forbidden(row.forbids(self.situation.now), &statement, how);
        Effect { events, ..Effect::of(Outcome::Changed(before != self.statuses())) }
    }

    /// Takes what a row forbids, and gives an event for each fact that is new.
    fn take_forbidden(&mut self, forbidden: Vec<(RowStatus, Since)>, statement: &Statement, how: How) -> Vec<Event> {
        let mut events = Vec::new();
        for (status, since) in forbidden {
            if since == Since::Unknown && self.stands(status) {
                continue;
            }
            let asked = since.date();
            let at = match status {
                RowStatus::Suppressed => self.suppression_date(asked),
                RowStatus::Invalid => self.invalid_date(asked),
                RowStatus::OptedOut | RowStatus::Active => self.opt_out_date(asked, self.list),
            };
            let statement = Statement { at: asked, ..statement.clone() };
            let said = Fact { how, ..self.fact(at, &statement) };
            let (kind, grew) = match status {
                RowStatus::Suppressed => self.suppress(said),
                RowStatus::Invalid => (EventKind::Invalid, keep_newest(&mut self.contact.invalidity.set, said)),
                RowStatus::OptedOut | RowStatus::Active => self.opt_out(said),
            };
            if grew {
                events.push(self.claimed_event(kind, at, &statement));
            }
        }
        events
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
            (_, Some(_)) => on.is_some_and(|on| on.opted_out.as_ref().is_some_and(|out| on.is_ended_by(out.at))),
        }
    }

    /// Whether the row's subscription is recorded: a dated one beside an opt-out of the same row, or any where no
    /// opt-out stands and nothing older says the same.
    fn subscribes(&self, list: ListId, row: &Row, wants_in: bool) -> bool {
        let on = self.contact.on(list);
        let left_behind = self.contact.predecessor(list, self.situation.lists);
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
