//! Consent and status: OPTIN, OPTOUT, SUPPRESS, RELEASE.

use super::{Effect, Transition};
use crate::error::{Code, Error, Result};
use crate::limits::{CLOCK_ERROR_MS_MAX, CONTACT_LISTS_MAX};
use crate::model::change::Statement;
use crate::model::contact::ListContact;
use crate::model::event::{Event, EventKind};
use crate::model::fact::{Fact, Toggle, keep_newest};
use crate::model::list::ListId;
use crate::model::remembered::{IdSpace, IdUse};
use crate::model::time::{self, Millis};

impl Transition<'_, '_> {
    /// Of the list; of all, when none is given or the contact has no room for another list: an opt-out is never
    /// refused, and the stricter reading is the safe one.
    pub(super) fn opt_out(&mut self, fact: Fact) -> (EventKind, bool) {
        if let Some(on) = self.list.and_then(|list| self.relation(list)) {
            return (EventKind::OptOut, keep_newest(&mut on.opted_out, fact));
        }
        (EventKind::OptOutAll, keep_newest(&mut self.contact.opted_out_all, fact))
    }

    pub(super) fn suppress(&mut self, fact: Fact) -> (EventKind, bool) {
        if let Some(on) = self.list.and_then(|list| self.relation(list)) {
            return (EventKind::Suppress, keep_newest(&mut on.suppression.set, fact));
        }
        (EventKind::Suppress, keep_newest(&mut self.contact.suppression.set, fact))
    }

    pub(super) fn is_suppressed(&self) -> bool {
        self.suppression().is_some_and(Toggle::in_force)
    }

    /// What was told of the suppression that the change speaks of.
    pub(super) fn suppressions(&self) -> impl Iterator<Item = &Fact> {
        self.suppression().into_iter().flat_map(Toggle::facts)
    }

    pub(super) fn suppression(&self) -> Option<&Toggle> {
        let Some(list) = self.list else { return Some(&self.contact.suppression) };
        self.on_or_before(list).map(|on| &on.suppression)
    }

    pub(super) fn release(&mut self, fact: Fact) -> (EventKind, bool) {
        let toggle = match self.list {
            None => &mut self.contact.suppression,
            Some(list) => match self.relation(list) {
                Some(on) => &mut on.suppression,
                None => return (EventKind::Release, false),
            },
        };
        (EventKind::Release, keep_newest(&mut toggle.lifted, fact))
    }

    pub(super) fn opt_in(&mut self, statement: &Statement) -> Result<Effect> {
        let list = self.list.ok_or_else(|| Error::internal("an opt-in without a list"))?;
        // A repetition lifts nothing, however old: what is not remembered is looked for in the history.
        let repeated =
            |event: &Event| event.id == statement.id && event.kind == EventKind::OptIn && self.is_of_list(event);
        if !statement.id.is_empty()
            && (self.known_on_list(IdSpace::OptIn, &statement.id, "").is_some()
                || self.situation.history.seen(&repeated)?.is_some())
        {
            return Ok(Effect::nothing());
        }
        // A date beyond any clock's error proves nothing: it would count as now at every retry.
        let dated = statement.at.filter(|&at| at <= self.situation.now + CLOCK_ERROR_MS_MAX);
        match self.opt_out_in_force(list) {
            Some(out) if dated.is_none() => {
                return Err(Error::bad_arg(format!(
                    "opted out on {}: say in \"at\" when consent was given{}",
                    time::format(out),
                    if statement.at.is_some() { " (not in the future)" } else { "" }
                )));
            }
            // A nightly sync repeats what is so, or what an import said. It must not beat a STOP that is still on its way.
            None if statement.at.is_none() && self.contact.on(list).is_some_and(|on| on.subscription().is_some()) => {
                return Ok(Effect::nothing());
            }
            // It would settle the message, unseen, although the person may have agreed before sending it.
            None if dated.is_none() && self.situation.has_waiting => {
                return Err(Error::bad_arg(format!(
                    "a message waits in the INBOX that may want out: let a person decide, or say in \"at\" when consent was given{}",
                    if statement.at.is_some() { " (not in the future)" } else { "" }
                )));
            }
            _ => {}
        }
        if self.would_not_fit(list) {
            return Err(Error::new(
                Code::Limit,
                format!("a contact has at most {CONTACT_LISTS_MAX} ListContacts, and this one has them all"),
            ));
        }
        let at = self.opt_in_date(statement.at, list);
        let after = self.sends_after(at)?;
        let effect = self.record(statement, at, |step, fact| (EventKind::OptIn, step.take_opt_in(list, fact, after)));
        if !effect.events.is_empty() {
            self.remember(IdSpace::OptIn, &statement.id, IdUse::OptIn, at);
        }
        Ok(effect)
    }

    /// Records an opt-in. `after` is what [`Step::sends_after`] gave for its date.
    pub(super) fn take_opt_in(&mut self, list: ListId, fact: Fact, after: u64) -> bool {
        let at = fact.at;
        let grew = self.relation(list).is_some_and(|on| keep_newest(&mut on.opted_in, fact));
        if grew {
            self.engage(at, after);
        }
        grew
    }

    /// The date of the opt-out that stands against a list now, an earlier list of the same number included.
    pub(super) fn opt_out_in_force(&self, list: ListId) -> Option<Millis> {
        let empty = ListContact::new(list);
        let on = self.contact.on(list).unwrap_or(&empty);
        let left_behind = self
            .contact
            .predecessor(list, self.situation.lists)
            .and_then(|at| self.contact.lists[at].opted_out.as_ref());
        self.contact
            .opt_out_of(on, self.situation.scope)
            .into_iter()
            .chain(left_behind)
            .map(|out| out.at)
            .max()
            .filter(|&out_at| on.is_ended_by(out_at))
    }

    pub(super) fn would_not_fit(&self, list: ListId) -> bool {
        self.contact.on(list).is_none()
            && self.contact.lists.len() >= CONTACT_LISTS_MAX
            && self.contact.predecessor(list, self.situation.lists).is_none()
    }
}
