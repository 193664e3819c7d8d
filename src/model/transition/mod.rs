//! The transitions: the only way in which a contact changes, whoever asks.
//!
//! Pure: (contact, change, world) → answer, events and tallies. A refused change leaves the contact as it was.
//! The rules they keep, in short: dates only grow; a forbidding fact is always taken; only an explicit, newer opt-in
//! lifts an opt-out; whatever order the same dated changes come in, the same facts and totals result.
//!
//! In reading order: this file has what all of them share, then `consent`, `inbound`, `import`, `sending`.

mod consent;
mod import;
mod inbound;
mod sending;

use super::change::{Change, Claim, Outcome};
use super::contact::{Contact, ListContact};
use super::event::{Event, Kind};
use super::fact::{Fact, keep_newest};
use super::list::{ListId, Lists};
use super::phone::ListNumber;
use super::tally::{Tallied, Tally};
use super::time::Millis;
use super::verdict::{Reason, StopScope};
use crate::error::Result;
use crate::limits::{CLOCK_AHEAD_MS_MAX, CONTACT_LISTS_MAX};

/// What a transition may know besides the contact.
pub struct World<'a> {
    /// The daemon's clock.
    pub now: Millis,
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// All lists.
    pub lists: &'a Lists,
    /// The number of the list that the change speaks of.
    pub number: Option<ListNumber>,
    /// Why nobody gets a message from the list now, whatever the contact's own state.
    pub stopped: Option<Reason>,
    /// Ids that were seen before this are forgotten.
    pub remember_since: Millis,
    /// The contact's history.
    pub history: &'a dyn History,
}

/// What was written down of a contact.
pub trait History {
    /// The kind of an event for which this holds; none if there is none.
    fn seen(&self, wanted: &dyn Fn(&Event) -> bool) -> Option<Kind>;

    /// How many messages were sent that are dated later and did not fail, as far as the history reaches.
    fn sends_after(&self, at: Millis, lists: &Lists) -> u64;
}

/// What a transition did.
#[derive(Debug)]
pub struct Effect {
    /// The answer.
    pub outcome: Outcome,
    /// For the history, in order. The first one is the cause of what changed.
    pub events: Vec<Event>,
    /// For the lists' tallies.
    pub tallies: Vec<Tallied>,
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
            Ok(Effect::of(step.written(changed)))
        }
        Change::Import(row) => step.import(row),
        Change::OptIn(claim) => step.opt_in(claim),
        Change::OptOut(claim) => Ok(step.record(claim, step.moment(claim.at), Step::opt_out)),
        Change::Suppress(claim) => Ok(step.record(claim, step.moment(claim.at), Step::suppress)),
        // Without a date, lifting what does not stand says nothing: it must not beat a late older fact.
        Change::Release(claim) if claim.at.is_none() && !step.is_suppressed() => Ok(Effect::nothing()),
        Change::Valid(claim) if claim.at.is_none() && !step.contact.is_invalid() => Ok(Effect::nothing()),
        Change::Release(claim) => Ok(step.record(claim, step.permitted(claim.at, step.suppressions()), Step::release)),
        Change::Invalid(claim) => Ok(step.record(claim, step.moment(claim.at), Step::invalid)),
        Change::Valid(claim) => {
            let at = step.permitted(claim.at, step.contact.invalidity.facts());
            Ok(step
                .record(claim, at, |step, fact| (Kind::Valid, keep_newest(&mut step.contact.invalidity.lifted, fact))))
        }
        Change::Inbound(inbound) => Ok(step.inbound(inbound)),
        Change::Claim(id) => Ok(step.claim(id)),
        Change::Sent(sent) => Ok(step.sent(sent)),
        Change::Failed(failed) => Ok(step.failed(failed)),
        Change::Click(click) => Ok(step.click(click)),
        Change::Convert(conversion) => step.convert(conversion),
    }
}

struct Step<'a, 'w> {
    contact: &'a mut Contact,
    fresh: bool,
    list: Option<ListId>,
    world: &'a World<'w>,
}

impl Step<'_, '_> {
    /// When a change that forbids, or that has no date, counts as having been. Without a date it is newer than all that is
    /// known, even if the clock was set back. So it is when its date is in the future or something on the record is: the
    /// clock was set back, and must not lose a STOP.
    fn moment(&self, asked: Option<Millis>) -> Millis {
        let (now, newest) = (self.world.now, self.contact.newest());
        match asked {
            Some(at) if at <= now && newest <= now => at,
            _ => now.max(newest + 1),
        }
    }

    /// When a change that permits counts as having been: a date in the future counts as now, and none is newer than what is
    /// `related`, what it would lift and what it may repeat, and came with the same or a later date before it. Whoever
    /// dates them has a clock that is ahead, and a repetition, or an older START behind a STOP, must not lift what came
    /// since. A date that is further ahead than any clock lifts nothing.
    fn permitted<'f>(&self, asked: Option<Millis>, related: impl Iterator<Item = &'f Fact>) -> Millis {
        let Some(at) = asked else { return self.moment(None) };
        let now = self.world.now;
        let is_far = at > now + CLOCK_AHEAD_MS_MAX;
        let counted = related.filter(|fact| is_far || fact.told >= at).map(|fact| fact.at).min();
        at.min(now).min(counted.unwrap_or(now))
    }

    /// What decides whether a contact has opted out of a list: of this list, of those that had its number before, of all,
    /// and of the others, if a STOP reaches them.
    fn consent_of(&self, list: ListId) -> impl Iterator<Item = &Fact> {
        let (lists, number) = (self.world.lists, self.world.lists.number(list));
        let is_here = move |on: &ListContact| on.list == list || number.is_some() && lists.number(on.list) == number;
        let reaches = self.world.scope == StopScope::All;
        let opted_in = self.contact.lists.iter().filter(move |on| is_here(on)).filter_map(|on| on.opted_in.as_ref());
        let opted_out = self.contact.lists.iter().filter(move |on| reaches || is_here(on));
        opted_in.chain(opted_out.filter_map(|on| on.opted_out.as_ref())).chain(&self.contact.opted_out_all)
    }

    /// Whether an event is of the list that the change speaks of, or of one that had its number before.
    fn is_of_list(&self, event: &Event) -> bool {
        event.list == self.list
            || self.world.number.is_some()
                && event.list.and_then(|list| self.world.lists.number(list)) == self.world.number
    }

    fn written(&self, changed: bool) -> Outcome {
        match (self.fresh, changed) {
            (true, _) => Outcome::Created,
            (false, true) => Outcome::Updated,
            (false, false) => Outcome::Unchanged,
        }
    }

    /// An event of this list, of which no more is known.
    fn event(&self, kind: Kind, at: Millis, asked: Option<Millis>) -> Event {
        Event {
            seen_at: self.world.now,
            sent_at: asked.filter(|&asked| asked != at),
            list: self.list,
            ..Event::new(kind, at)
        }
    }

    fn claimed_event(&self, kind: Kind, at: Millis, claim: &Claim) -> Event {
        Event {
            id: claim.id.clone(),
            how: claim.how,
            source: claim.source.clone(),
            reason: claim.reason.clone(),
            text: claim.evidence.clone(),
            ..self.event(kind, at, claim.at)
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

    /// Records a claim as of `at`, and says whether a status changed.
    fn record(&mut self, claim: &Claim, at: Millis, record: impl FnOnce(&mut Self, Fact) -> (Kind, bool)) -> Effect {
        let before = self.statuses();
        let (kind, grew) = record(self, fact(at, claim));
        let changed = before != self.statuses();
        let event = (grew || changed).then(|| self.claimed_event(kind, at, claim));
        Effect { events: event.into_iter().collect(), ..Effect::of(Outcome::Changed(changed)) }
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

    /// Something came from the contact: what was sent before it has been engaged with. The sends after it are counted
    /// anew, which matters when it comes late.
    fn engage(&mut self, at: Millis) {
        let engagement = &self.contact.engagement;
        if at <= engagement.last_engaged {
            return;
        }
        let after = if at >= engagement.last_sent {
            0
        } else {
            self.contact
                .remembered
                .sends_after(at)
                .unwrap_or_else(|| self.world.history.sends_after(at, self.world.lists))
        };
        let engagement = &mut self.contact.engagement;
        engagement.last_engaged = at;
        // Sends that an import brought along have no dates: they are taken to be older.
        engagement.sends_since_engaged = engagement.sends_since_engaged.min(after);
    }

    /// What is added to the tally of the list that the change speaks of.
    fn tally(&self, at: Millis, tally: Tally) -> Option<Tallied> {
        self.list.map(|list| (list, at, tally))
    }
}

impl Effect {
    fn of(outcome: Outcome) -> Effect {
        Effect { outcome, events: Vec::new(), tallies: Vec::new() }
    }

    /// It was so, and nothing is worth remembering.
    fn nothing() -> Effect {
        Effect::of(Outcome::Changed(false))
    }
}

fn fact(at: Millis, claim: &Claim) -> Fact {
    let told = claim.at.filter(|told| (1..=CLOCK_AHEAD_MS_MAX).contains(&(told - at))).unwrap_or(0);
    Fact { at, how: claim.how, source: claim.source.clone(), reason: claim.reason.clone(), told }
}
