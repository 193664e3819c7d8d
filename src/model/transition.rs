//! The transitions: the only way in which a contact changes, whoever asks.
//!
//! Pure: (contact, change, world) → outcome and events. A refused change leaves the contact as it was.
//! The rules they keep, in short: dates only grow; a forbidding fact is always taken; only an explicit, newer opt-in
//! lifts an opt-out; whatever order the same dated changes come in, the same facts result.

use super::change::{Change, Claim, Inbound, Outcome, Row, RowStatus, Turn};
use super::contact::{Contact, ListContact};
use super::event::{Event, Kind};
use super::fact::{Fact, How, date, keep_newest};
use super::keyword::{Class, Meaning};
use super::list::{ListId, Lists};
use super::time::{self, Millis};
use super::verdict::{Reason, StopScope, Verdict};
use crate::error::{Code, Error, Result};
use crate::limits::{CLOCK_ERROR_MS_MAX, CONTACT_LISTS_MAX};

/// What a transition may know besides the contact.
pub struct World<'a> {
    /// The daemon's clock.
    pub now: Millis,
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// All lists.
    pub lists: &'a Lists,
    /// Finds an event of the contact's history.
    pub seen: &'a Seen<'a>,
}

/// Whether an event for which this holds is on the contact's history.
pub type Seen<'a> = dyn Fn(&dyn Fn(&Event) -> bool) -> Option<Kind> + 'a;

/// What a transition did: the answer, and what goes into the history.
#[derive(Debug)]
pub struct Effect {
    /// The answer.
    pub outcome: Outcome,
    /// For the history.
    pub event: Option<Event>,
}

/// Applies one change to one contact. `list` is the list it speaks of; `None` means the contact itself, or all lists.
/// `fresh` says that the contact is being made by this change.
pub fn apply(
    contact: &mut Contact,
    fresh: bool,
    list: Option<ListId>,
    change: &Change,
    world: &World<'_>,
) -> Result<Effect> {
    let mut step = Step { contact, fresh, list, world };
    match change {
        Change::Put(patch) => {
            let changed = step.contact.labels.patch(patch)?;
            Ok(Effect { outcome: step.written(changed), event: None })
        }
        Change::Import(row) => step.import(row),
        Change::OptIn(claim) => step.opt_in(claim),
        Change::OptOut(claim) => Ok(step.status_verb(claim, Forbids::Yes, Step::opt_out)),
        Change::Suppress(claim) => Ok(step.status_verb(claim, Forbids::Yes, Step::suppress)),
        // Without a date, lifting what does not stand says nothing: it must not beat a late older fact.
        Change::Release(claim) if claim.at.is_none() && !step.is_suppressed() => Ok(Effect::nothing()),
        Change::Valid(claim) if claim.at.is_none() && !step.contact.is_invalid() => Ok(Effect::nothing()),
        Change::Release(claim) => Ok(step.status_verb(claim, Forbids::No, Step::release)),
        Change::Invalid(claim) => Ok(step.status_verb(claim, Forbids::Yes, |step, fact| {
            (Kind::Invalid, keep_newest(&mut step.contact.invalidity.set, fact))
        })),
        Change::Valid(claim) => Ok(step.status_verb(claim, Forbids::No, |step, fact| {
            (Kind::Valid, keep_newest(&mut step.contact.invalidity.lifted, fact))
        })),
        Change::Inbound(inbound) => Ok(step.inbound(inbound)),
    }
}

/// Whether a change can only take a yes away.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Forbids {
    Yes,
    No,
}

struct Step<'a, 'w> {
    contact: &'a mut Contact,
    fresh: bool,
    list: Option<ListId>,
    world: &'a World<'w>,
}

impl Step<'_, '_> {
    /// When a change counts as having been. Without a date it is newer than all that is known, even if the clock was
    /// set back. A date in the future counts as now. A change that forbids counts as undated when its date is in the
    /// future or something on the record is: the clock was set back, and must not lose a STOP.
    fn moment(&self, asked: Option<Millis>, forbids: Forbids) -> Millis {
        let (now, newest) = (self.world.now, self.contact.newest());
        match asked {
            Some(at) if at <= now && (forbids == Forbids::No || newest <= now) => at,
            Some(_) if forbids == Forbids::No => now,
            _ => now.max(newest + 1),
        }
    }

    fn written(&self, changed: bool) -> Outcome {
        match (self.fresh, changed) {
            (true, _) => Outcome::Created,
            (false, true) => Outcome::Updated,
            (false, false) => Outcome::Unchanged,
        }
    }

    fn event(&self, kind: Kind, at: Millis, asked: Option<Millis>, claim: &Claim) -> Event {
        Event {
            kind,
            at,
            seen_at: self.world.now,
            sent_at: asked.filter(|&asked| asked != at),
            list: self.list,
            id: claim.id.clone(),
            how: claim.how,
            source: claim.source.clone(),
            reason: claim.reason.clone(),
            text: claim.evidence.clone(),
        }
    }

    /// The relation to the list, made if need be. It takes over the opt-out and suppression that an earlier list of
    /// the same number left behind, so that making a list anew forgets nothing. `None` when the contact has no room.
    fn relation(&mut self, list: ListId) -> Option<&mut ListContact> {
        let at = match self.contact.lists.binary_search_by_key(&list, |on| on.list) {
            Ok(at) => at,
            Err(_) => {
                let on = if let Some(old) = self.contact.predecessor(list, self.world.lists) {
                    self.contact.lists.remove(old).renewed(list)
                } else if self.contact.lists.len() >= CONTACT_LISTS_MAX {
                    return None;
                } else {
                    ListContact::new(list)
                };
                let at = self.contact.lists.partition_point(|on| on.list < list);
                self.contact.lists.insert(at, on);
                at
            }
        };
        self.contact.lists.get_mut(at)
    }

    /// The common course of the verbs that claim a status: date it, record it, say whether a status changed.
    fn status_verb(
        &mut self,
        claim: &Claim,
        forbids: Forbids,
        record: impl FnOnce(&mut Self, Fact) -> (Kind, bool),
    ) -> Effect {
        let at = self.moment(claim.at, forbids);
        self.record(claim, at, record)
    }

    /// Records a claim as of `at`, and says whether a status changed.
    fn record(&mut self, claim: &Claim, at: Millis, record: impl FnOnce(&mut Self, Fact) -> (Kind, bool)) -> Effect {
        let before = self.statuses();
        let (kind, grew) = record(self, fact(at, claim));
        let changed = before != self.statuses();
        let event = (grew || changed).then(|| self.event(kind, at, claim.at, claim));
        Effect { outcome: Outcome::Changed(changed), event }
    }

    /// Every status that the change can turn. The list it speaks of has one even where there is no relation yet: a
    /// relation that begins as what held anyway changes nothing.
    fn statuses(&self) -> Vec<(ListId, u8)> {
        let (contact, scope) = (&*self.contact, self.world.scope);
        let mut statuses = contact.statuses(scope);
        if let Some(list) = self.list
            && contact.on(list).is_none()
        {
            let on = match contact.predecessor(list, self.world.lists).map(|at| &contact.lists[at]) {
                Some(old) => {
                    statuses.retain(|&(id, _)| id != old.list);
                    old.renewed(list)
                }
                None => ListContact::new(list),
            };
            statuses.extend(Some((list, contact.standing(&on, scope))).filter(|&(_, bits)| bits != 0));
        }
        statuses.sort_unstable();
        statuses
    }

    /// Of the list; of all, when none is given or the contact has no room for another list: an opt-out is never
    /// refused, and the stricter reading is the safe one.
    fn opt_out(&mut self, fact: Fact) -> (Kind, bool) {
        if let Some(on) = self.list.and_then(|list| self.relation(list)) {
            return (Kind::OptOut, keep_newest(&mut on.opted_out, fact));
        }
        (Kind::OptOutAll, keep_newest(&mut self.contact.opted_out_all, fact))
    }

    fn suppress(&mut self, fact: Fact) -> (Kind, bool) {
        if let Some(on) = self.list.and_then(|list| self.relation(list)) {
            return (Kind::Suppress, keep_newest(&mut on.suppression.set, fact));
        }
        (Kind::Suppress, keep_newest(&mut self.contact.suppression.set, fact))
    }

    fn is_suppressed(&self) -> bool {
        match self.list {
            None => self.contact.suppression.in_force(),
            Some(list) => {
                let old = self.contact.predecessor(list, self.world.lists).map(|at| &self.contact.lists[at]);
                self.contact.on(list).or(old).is_some_and(|on| on.suppression.in_force())
            }
        }
    }

    fn release(&mut self, fact: Fact) -> (Kind, bool) {
        let standing = match self.list {
            None => &mut self.contact.suppression,
            Some(list) => match self.relation(list) {
                Some(on) => &mut on.suppression,
                None => return (Kind::Release, false),
            },
        };
        (Kind::Release, keep_newest(&mut standing.lifted, fact))
    }

    fn opt_in(&mut self, claim: &Claim) -> Result<Effect> {
        let list = self.list.ok_or_else(|| Error::internal("an opt-in without a list"))?;
        let repeated = |event: &Event| event.id == claim.id && event.kind == Kind::OptIn && event.list == self.list;
        if !claim.id.is_empty() && (self.world.seen)(&repeated).is_some() {
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
        let at = self.moment(claim.at, Forbids::No);
        Ok(self.record(claim, at, |step, fact| (Kind::OptIn, step.take_opt_in(list, fact))))
    }

    fn take_opt_in(&mut self, list: ListId, fact: Fact) -> bool {
        let at = fact.at;
        let grew = self.relation(list).is_some_and(|on| keep_newest(&mut on.opted_in, fact));
        if grew {
            let engagement = &mut self.contact.engagement;
            engagement.last_engaged = engagement.last_engaged.max(at);
        }
        grew
    }

    /// The date of the opt-out that stands against a list now, an earlier list of the same number included.
    fn standing_opt_out(&self, list: ListId) -> Option<Millis> {
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

    fn would_not_fit(&self, list: ListId) -> bool {
        self.contact.on(list).is_none()
            && self.contact.lists.len() >= CONTACT_LISTS_MAX
            && self.contact.predecessor(list, self.world.lists).is_none()
    }

    fn inbound(&mut self, inbound: &Inbound) -> Effect {
        // The same id with another text is another message: a STOP is never taken for a repetition.
        let repeated = |event: &Event| {
            event.id == inbound.id
                && event.list == self.list
                && event.text == inbound.text
                && matches!(event.kind, Kind::Inbound(_))
        };
        if !inbound.id.is_empty()
            && let Some(Kind::Inbound(class)) = (self.world.seen)(&repeated)
        {
            return Effect { outcome: Outcome::Inbound { class, turn: Turn::Again }, event: None };
        }
        let class = self.class(inbound.meaning);
        let forbids = match class {
            Class::OptOut | Class::OptOutAll => Forbids::Yes,
            // Without a date it is the newest that is known of this phone, opt-in or not.
            _ if inbound.at.is_none() => Forbids::Yes,
            _ => Forbids::No,
        };
        let at = self.moment(inbound.at, forbids);
        let claim =
            Claim { how: How::Keyword, id: inbound.id.clone(), evidence: inbound.text.clone(), ..Claim::default() };
        let engagement = &mut self.contact.engagement;
        engagement.last_inbound = engagement.last_inbound.max(at);
        if !matches!(class, Class::OptOut | Class::OptOutAll) {
            engagement.last_engaged = engagement.last_engaged.max(at);
        }
        let before = self.statuses();
        let said = fact(at, &claim);
        let class = match class {
            Class::OptOut if self.opt_out(said.clone()).0 == Kind::OptOutAll => Class::OptOutAll,
            Class::OptOutAll => {
                keep_newest(&mut self.contact.opted_out_all, said);
                Class::OptOutAll
            }
            Class::OptIn => match self.list {
                Some(list) if !self.would_not_fit(list) => {
                    self.take_opt_in(list, said);
                    Class::OptIn
                }
                _ => Class::Message,
            },
            other => other,
        };
        let turn = if before == self.statuses() { self.unmoved(class) } else { Turn::New };
        Effect {
            outcome: Outcome::Inbound { class, turn },
            event: Some(self.event(Kind::Inbound(class), at, inbound.at, &claim)),
        }
    }

    /// Why a message changed no status: it said so before, or something newer stands against it.
    fn unmoved(&self, class: Class) -> Turn {
        let out = match self.list.and_then(|list| self.contact.on(list)) {
            Some(on) => self.contact.is_opted_out(on, self.world.scope),
            None => self.contact.opted_out_all.is_some(),
        };
        match class {
            Class::OptOut | Class::OptOutAll if !out => Turn::Late,
            Class::OptIn if out => Turn::Late,
            Class::OptOut | Class::OptOutAll | Class::OptIn => Turn::Again,
            Class::Help | Class::Message | Class::MaybeOptOut => Turn::New,
        }
    }

    /// What a message means from this contact.
    fn class(&self, meaning: Meaning) -> Class {
        match meaning {
            Meaning::Out => Class::OptOut,
            Meaning::OutOfAll => Class::OptOutAll,
            Meaning::In => Class::OptIn,
            Meaning::InIfKnown => {
                let known = self
                    .list
                    .is_some_and(|list| self.contact.on(list).is_some() || self.standing_opt_out(list).is_some());
                if known { Class::OptIn } else { Class::Message }
            }
            Meaning::Help => Class::Help,
            Meaning::Message => Class::Message,
            Meaning::MaybeOut => Class::MaybeOptOut,
        }
    }

    /// One row of an import: never makes anything more permissive than it was, except that it subscribes where no
    /// opt-out stands. Without a list it speaks of the contact itself.
    fn import(&mut self, row: &Row) -> Result<Effect> {
        if let Some(list) = self.list
            && self.would_not_fit(list)
        {
            return Err(Error::limit(format!("a contact has a relation with at most {CONTACT_LISTS_MAX} lists")));
        }
        let mut changed = self.contact.labels.patch(&row.labels)?;
        if self.fresh {
            let created_at = row.created_at.unwrap_or(self.world.now).min(self.world.now);
            self.contact.created_at = created_at;
            self.contact.engagement = row.totals.clone().until(self.world.now);
        }
        let claim = Claim {
            how: row.how.unwrap_or(How::Import),
            source: row.source.clone(),
            reason: row.reason.clone(),
            ..Claim::default()
        };
        let mut event = None;
        let forbidden = self.row_forbids(row);
        let wants_in = self.list.is_some() && forbidden.is_empty();
        // Looked at before the row's own opt-out, beside which its subscription is kept as history.
        let subscribes = self.list.filter(|&list| self.subscribes(list, row, wants_in));
        for (status, asked) in forbidden {
            if asked.is_none() && self.stands(status) {
                continue;
            }
            let at = self.moment(asked, Forbids::Yes);
            // `how` is how the contact subscribed.
            let said = Fact { how: How::Import, ..fact(at, &claim) };
            let (kind, grew) = match status {
                RowStatus::Suppressed => self.suppress(said),
                RowStatus::Invalid => (Kind::Invalid, keep_newest(&mut self.contact.invalidity.set, said)),
                _ => self.opt_out(said),
            };
            changed |= grew;
            if grew {
                event = Some(self.event(kind, at, asked, &claim));
            }
        }
        if let Some(list) = subscribes {
            let at = match row.subscribed_at {
                Some(at) => at.min(self.world.now),
                None => self.moment(None, Forbids::No),
            };
            let said = fact(at, &claim);
            let grew = self.relation(list).is_some_and(|on| keep_newest(&mut on.imported, said));
            changed |= grew;
            if grew && !self.fresh {
                event = Some(self.event(Kind::Subscribe, at, row.subscribed_at, &claim));
            }
        }
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
        Ok(Effect { outcome, event })
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

impl Effect {
    /// It was so, and nothing is worth remembering.
    fn nothing() -> Effect {
        Effect { outcome: Outcome::Changed(false), event: None }
    }
}

fn fact(at: Millis, claim: &Claim) -> Fact {
    Fact { at, how: claim.how, source: claim.source.clone(), reason: claim.reason.clone() }
}
