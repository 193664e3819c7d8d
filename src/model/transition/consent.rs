//! Consent and status: OPTIN, OPTOUT, SUPPRESS, RELEASE.

use super::{Effect, Step};
use crate::error::{Code, Error, Result};
use crate::limits::{CLOCK_ERROR_MS_MAX, CONTACT_LISTS_MAX};
use crate::model::change::Claim;
use crate::model::contact::ListContact;
use crate::model::event::{Event, Kind};
use crate::model::fact::{Fact, Standing, date, keep_newest};
use crate::model::list::ListId;
use crate::model::remembered::{Domain, What};
use crate::model::time::{self, Millis};

impl Step<'_, '_> {
    /// Of the list; of all, when none is given or the contact has no room for another list: an opt-out is never
    /// refused, and the stricter reading is the safe one.
    pub(super) fn opt_out(&mut self, fact: Fact) -> (Kind, bool) {
        if let Some(on) = self.list.and_then(|list| self.relation(list)) {
            return (Kind::OptOut, keep_newest(&mut on.opted_out, fact));
        }
        (Kind::OptOutAll, keep_newest(&mut self.contact.opted_out_all, fact))
    }

    pub(super) fn suppress(&mut self, fact: Fact) -> (Kind, bool) {
        if let Some(on) = self.list.and_then(|list| self.relation(list)) {
            return (Kind::Suppress, keep_newest(&mut on.suppression.set, fact));
        }
        (Kind::Suppress, keep_newest(&mut self.contact.suppression.set, fact))
    }

    pub(super) fn is_suppressed(&self) -> bool {
        self.suppression().is_some_and(Standing::in_force)
    }

    /// What was told of the suppression that the change speaks of.
    pub(super) fn suppressions(&self) -> impl Iterator<Item = &Fact> {
        self.suppression().into_iter().flat_map(Standing::facts)
    }

    fn suppression(&self) -> Option<&Standing> {
        let Some(list) = self.list else { return Some(&self.contact.suppression) };
        let old = self.contact.predecessor(list, self.world.lists).map(|at| &self.contact.lists[at]);
        self.contact.on(list).or(old).map(|on| &on.suppression)
    }

    pub(super) fn release(&mut self, fact: Fact) -> (Kind, bool) {
        let standing = match self.list {
            None => &mut self.contact.suppression,
            Some(list) => match self.relation(list) {
                Some(on) => &mut on.suppression,
                None => return (Kind::Release, false),
            },
        };
        (Kind::Release, keep_newest(&mut standing.lifted, fact))
    }

    pub(super) fn opt_in(&mut self, claim: &Claim) -> Result<Effect> {
        let list = self.list.ok_or_else(|| Error::internal("an opt-in without a list"))?;
        // A repetition lifts nothing, however old: what is not remembered is looked for in the history.
        let repeated = |event: &Event| event.id == claim.id && event.kind == Kind::OptIn && self.is_of_list(event);
        let is_repeated = || {
            self.known_on_list(Domain::OptIn, &claim.id, "").is_some() || self.world.history.seen(&repeated).is_some()
        };
        if !claim.id.is_empty() && is_repeated() {
            return Ok(Effect::nothing());
        }
        // A date beyond any clock's error proves nothing: it would count as now at every retry.
        let dated = claim.at.filter(|&at| at <= self.world.now + CLOCK_ERROR_MS_MAX);
        match self.standing_opt_out(list) {
            Some(out) if dated.is_none() => {
                return Err(Error::bad_arg(format!(
                    "opted out on {}: give \"at\", when consent was given{}",
                    time::format(out),
                    if claim.at.is_some() { " (not in the future)" } else { "" }
                )));
            }
            // A nightly sync repeats what is so. It must not beat a STOP that is still on its way.
            None if claim.at.is_none() && self.contact.on(list).is_some_and(|on| on.opted_in.is_some()) => {
                return Ok(Effect::nothing());
            }
            _ => {}
        }
        if self.would_not_fit(list) {
            return Err(Error::new(
                Code::Limit,
                format!("a contact has a relation with at most {CONTACT_LISTS_MAX} lists"),
            ));
        }
        let at = self.permitted(claim.at, self.consent_of(list));
        let effect = self.record(claim, at, |step, fact| (Kind::OptIn, step.take_opt_in(list, fact)));
        if !effect.events.is_empty() {
            self.remember(Domain::OptIn, &claim.id, What::OptIn, at);
        }
        Ok(effect)
    }

    pub(super) fn take_opt_in(&mut self, list: ListId, fact: Fact) -> bool {
        let at = fact.at;
        let grew = self.relation(list).is_some_and(|on| keep_newest(&mut on.opted_in, fact));
        if grew {
            self.engage(at);
        }
        grew
    }

    /// The date of the opt-out that stands against a list now, an earlier list of the same number included.
    pub(super) fn standing_opt_out(&self, list: ListId) -> Option<Millis> {
        let empty = ListContact::new(list);
        let on = self.contact.on(list).unwrap_or(&empty);
        let left_behind =
            self.contact.predecessor(list, self.world.lists).and_then(|at| self.contact.lists[at].opted_out.as_ref());
        self.contact
            .opt_out_of(on, self.world.scope)
            .into_iter()
            .chain(left_behind)
            .map(|out| out.at)
            .max()
            .filter(|&out_at| out_at >= date(on.opted_in.as_ref()))
    }

    pub(super) fn would_not_fit(&self, list: ListId) -> bool {
        self.contact.on(list).is_none()
            && self.contact.lists.len() >= CONTACT_LISTS_MAX
            && self.contact.predecessor(list, self.world.lists).is_none()
    }
}
