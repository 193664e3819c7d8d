//! The transitions: the only way in which a contact changes, whoever asks.
//!
//! Pure: (contact, change, world) → answer, events and tallies. A refused change leaves the contact as it was.
//! The rules they keep, in short: dates only grow; a forbidding fact is always taken; only an explicit, newer opt-in
//! lifts an opt-out; whatever order the same dated changes come in, the same facts and totals result.
//!
//! In reading order: this file has what all of them share, then `consent`, `inbound`, `import`, `sending`. [`list`] has the rules of sending lists,
//! [`unwritten`] those for a disk that is full.

mod consent;
mod import;
mod inbound;
pub mod list;
mod sending;
pub mod unwritten;

use super::change::{Change, Outcome, Statement};
use super::contact::{Contact, ListContact};
use super::event::{Event, EventKind};
use super::fact::{Fact, date, keep_newest};
use super::fence::Fence;
use super::list::{ListId, Lists};
use super::phone::ListNumber;
use super::tally::{Tallied, Tally};
use super::time::Millis;
use super::verdict::{ListState, Reason, StopScope};
use crate::error::Result;
use crate::limits::{CLOCK_AHEAD_MS_MAX, CONTACT_LISTS_MAX};

/// What a transition may know besides the contact.
pub struct Situation<'a> {
    /// The daemon's clock.
    pub now: Millis,
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// All lists.
    pub lists: &'a Lists,
    /// The number of the list that the change speaks of.
    pub number: Option<ListNumber>,
    /// Whether messages may be sent from that number.
    pub list_state: ListState,
    /// A fact that forbids messages from it and is in memory alone.
    pub unwritten: Option<Reason>,
    /// A message of the contact to that list waits in the inbox, and holds the contact back.
    pub is_held: bool,
    /// A message of the contact waits in the inbox that would opt out of that list.
    pub has_waiting: bool,
    /// No more messages can wait in the inbox.
    pub inbox_is_full: bool,
    /// Ids that were seen before this are forgotten.
    pub remember_since: Millis,
    /// Whose token asks for the change. May be empty.
    pub by: &'a str,
    /// The contact's history.
    pub history: &'a dyn History,
}

/// What was written down of a contact. What cannot be read is an error, and never "was not there": a change that permits
/// must not pass because of it.
pub trait History {
    /// The kind of an event for which this holds; none if there is none.
    fn seen(&self, wanted: &dyn Fn(&Event) -> bool) -> Result<Option<EventKind>>;

    /// How many messages were sent that are dated later and did not fail, as far as the history reaches.
    fn sends_after(&self, at: Millis, lists: &Lists) -> Result<u64>;
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
    situation: &Situation<'_>,
) -> Result<Effect> {
    let mut transition = Transition { contact, fresh, list, situation };
    match change {
        Change::Put(patch) => {
            let changed = transition.contact.labels.patch(patch)?;
            Ok(Effect::of(transition.written(changed)))
        }
        Change::Import(row) => transition.import(row),
        Change::Forbid(row) => Ok(transition.forbid(row)),
        Change::OptIn(statement) => transition.opt_in(statement),
        Change::OptOut(statement) => Ok(transition.record(
            statement,
            transition.opt_out_date(statement.at, transition.list),
            Transition::opt_out,
        )),
        Change::Suppress(statement) => {
            Ok(transition.record(statement, transition.suppression_date(statement.at), Transition::suppress))
        }
        // Without a date, lifting what does not stand says nothing: it must not beat a late older fact.
        Change::Release(statement) if statement.at.is_none() && !transition.is_suppressed() => Ok(Effect::nothing()),
        Change::Valid(statement) if statement.at.is_none() && !transition.contact.is_invalid() => Ok(Effect::nothing()),
        Change::Release(statement) => Ok(transition.record(
            statement,
            transition.permitting_date(statement.at, transition.suppressions()),
            Transition::release,
        )),
        Change::Invalid(statement) => {
            Ok(transition.record(statement, transition.invalid_date(statement.at), Transition::invalid))
        }
        Change::Valid(statement) => {
            let at = transition.permitting_date(statement.at, transition.contact.invalidity.facts());
            Ok(transition.record(statement, at, |transition, fact| {
                (EventKind::Valid, keep_newest(&mut transition.contact.invalidity.lifted, fact))
            }))
        }
        Change::Inbound(inbound) => transition.inbound(inbound),
        Change::Reviewed { statement, .. } => Ok(transition.reviewed(statement)),
        Change::Claim(id) => Ok(transition.claim(id)),
        Change::Sent(sent) => Ok(transition.sent(sent)),
        Change::Failed(failed) => Ok(transition.failed(failed)),
        Change::Click(click) => transition.click(click),
        Change::Convert(conversion) => transition.convert(conversion),
    }
}

struct Transition<'a, 'w> {
    contact: &'a mut Contact,
    fresh: bool,
    list: Option<ListId>,
    situation: &'a Situation<'w>,
}

impl Transition<'_, '_> {
    /// When a change without a date counts as having been: it is newer than all that is known, even if the clock was set
    /// back.
    fn last_word(&self) -> Millis {
        self.situation.now.max(self.contact.newest() + 1)
    }

    /// When a change that forbids counts as having been. It is the last word if its date is in the future or something on
    /// the record is: the clock was set back, and must not lose a STOP. It is the last word, too, where what would stand
    /// against it (one of `lifts`) came with a date ahead of the clock: nobody knows when that was, but it came before.
    /// What is not newer than what is `known` to forbid says nothing new, and keeps its date.
    fn forbidding_date<'f>(
        &self,
        asked: Option<Millis>,
        known: Option<&Fact>,
        mut lifts: impl Iterator<Item = &'f Fact>,
    ) -> Millis {
        let Some(at) = asked else { return self.last_word() };
        let (now, newest) = (self.situation.now, self.contact.newest());
        let is_beaten_by_a_fast_clock = at > date(known) && lifts.any(|fact| fact.at >= at && fact.claimed_at > 0);
        if at > now || newest > now || is_beaten_by_a_fast_clock { self.last_word() } else { at }
    }

    /// When an opt-out of a list, or of all, counts as having been. An opt-in to any list may stand against it.
    fn opt_out_date(&self, asked: Option<Millis>, list: Option<ListId>) -> Millis {
        let known = match list {
            None => self.contact.opted_out_all.as_ref(),
            Some(list) => self.on_or_before(list).and_then(|on| on.opted_out.as_ref()),
        };
        self.forbidding_date(asked, known, self.contact.lists.iter().filter_map(|on| on.opted_in.as_ref()))
    }

    fn suppression_date(&self, asked: Option<Millis>) -> Millis {
        let toggle = self.suppression();
        let (set, lifted) =
            (toggle.and_then(|toggle| toggle.set.as_ref()), toggle.and_then(|toggle| toggle.lifted.as_ref()));
        self.forbidding_date(asked, set, lifted.into_iter())
    }

    fn invalid_date(&self, asked: Option<Millis>) -> Millis {
        let invalidity = &self.contact.invalidity;
        self.forbidding_date(asked, invalidity.set.as_ref(), invalidity.lifted.iter())
    }

    /// The relation to a list, or what an earlier list of the same number left behind.
    fn on_or_before(&self, list: ListId) -> Option<&ListContact> {
        let old = self.contact.predecessor(list, self.situation.lists).map(|at| &self.contact.lists[at]);
        self.contact.on(list).or(old)
    }

    /// When a change that permits counts as having been: a date in the future counts as now, and none is newer than what is
    /// `related`, what it would lift and what it may repeat, and came with the same or a later date before it. Whoever
    /// dates them has a clock that is ahead, and a repetition, or an older START behind a STOP, must not lift what came
    /// since. A date that is further ahead than any clock lifts nothing.
    fn permitting_date<'f>(&self, asked: Option<Millis>, related: impl Iterator<Item = &'f Fact>) -> Millis {
        let Some(at) = asked else { return self.last_word() };
        let now = self.situation.now;
        let is_far = at > now + CLOCK_AHEAD_MS_MAX;
        let counted = related.filter(|fact| is_far || fact.claimed_at >= at).map(|fact| fact.at).min();
        at.min(now).min(counted.unwrap_or(now))
    }

    /// When an opt-in counts as having been. Behind a fence that is dated, as of a restore, what came since the backup is told again: without its
    /// date it may be older than a STOP that came since, and counts as of the backup.
    fn opt_in_date(&self, asked: Option<Millis>, list: ListId) -> Millis {
        let fence = self.situation.lists.fence.filter(Fence::is_dated);
        self.permitting_date(asked.or(fence.map(|fence| fence.backup_at)), self.consent_of(list))
    }

    /// What decides whether a contact has opted out of a list: of this list, of those that had its number before, of all,
    /// and of the others, if a STOP reaches them.
    fn consent_of(&self, list: ListId) -> impl Iterator<Item = &Fact> {
        let (lists, number) = (self.situation.lists, self.situation.lists.number(list));
        let is_here = move |on: &ListContact| on.list == list || number.is_some() && lists.number(on.list) == number;
        let reaches = self.situation.scope == StopScope::All;
        let opted_in = self.contact.lists.iter().filter(move |on| is_here(on)).filter_map(|on| on.opted_in.as_ref());
        let opted_out = self.contact.lists.iter().filter(move |on| reaches || is_here(on));
        opted_in.chain(opted_out.filter_map(|on| on.opted_out.as_ref())).chain(&self.contact.opted_out_all)
    }

    /// Whether an event is of the list that the change speaks of, or of one that had its number before.
    fn is_of_list(&self, event: &Event) -> bool {
        event.list == self.list
            || self.situation.number.is_some()
                && event.list.and_then(|list| self.situation.lists.number(list)) == self.situation.number
    }

    fn written(&self, changed: bool) -> Outcome {
        match (self.fresh, changed) {
            (true, _) => Outcome::Created,
            (false, true) => Outcome::Updated,
            (false, false) => Outcome::Unchanged,
        }
    }

    /// An event of this list, of which no more is known.
    fn event(&self, kind: EventKind, at: Millis, asked: Option<Millis>) -> Event {
        Event {
            seen_at: self.situation.now,
            sent_at: asked.filter(|&asked| asked != at),
            list: self.list,
            by: self.situation.by.to_owned(),
            ..Event::new(kind, at)
        }
    }

    fn claimed_event(&self, kind: EventKind, at: Millis, statement: &Statement) -> Event {
        Event {
            id: statement.id.clone(),
            how: statement.how,
            source: statement.source.clone(),
            reason: statement.reason.clone(),
            text: statement.evidence.clone(),
            ..self.event(kind, at, statement.at)
        }
    }

    /// What a statement says, as of `at`.
    fn fact(&self, at: Millis, statement: &Statement) -> Fact {
        let claimed_at = match statement.at {
            Some(claimed_at) if claimed_at > at + CLOCK_AHEAD_MS_MAX => at + 1,
            Some(claimed_at) if claimed_at > at => claimed_at,
            _ => 0,
        };
        Fact {
            at,
            how: statement.how,
            source: statement.source.clone(),
            reason: statement.reason.clone(),
            by: self.situation.by.to_owned(),
            claimed_at,
        }
    }

    /// The relation to the list, made if need be. It takes over the opt-out and suppression that an earlier list of
    /// the same number left behind, so that making a list again forgets nothing. `None` when the contact has no room.
    fn relation(&mut self, list: ListId) -> Option<&mut ListContact> {
        let at = match self.contact.lists.binary_search_by_key(&list, |on| on.list) {
            Ok(at) => at,
            Err(_) => {
                let on = if let Some(old) = self.contact.predecessor(list, self.situation.lists) {
                    self.contact.lists.remove(old).renewed(list)
                } else if self.contact.lists.len() >= CONTACT_LISTS_MAX {
                    return None;
                } else {
                    ListContact::new(list)
                };
                let at = self.contact.lists.partition_point(|on| on.list < list);
                // Most contacts are on one list for ever, and a relation is large.
                self.contact.lists.reserve_exact(1);
                self.contact.lists.insert(at, on);
                at
            }
        };
        self.contact.lists.get_mut(at)
    }

    /// Records a claim as of `at`, and says whether a status changed.
    fn record(
        &mut self,
        statement: &Statement,
        at: Millis,
        record: impl FnOnce(&mut Self, Fact) -> (EventKind, bool),
    ) -> Effect {
        let before = self.statuses();
        let said = self.fact(at, statement);
        let (kind, grew) = record(self, said);
        let changed = before != self.statuses();
        let event = (grew || changed).then(|| self.claimed_event(kind, at, statement));
        Effect { events: event.into_iter().collect(), ..Effect::of(Outcome::Changed(changed)) }
    }

    /// Every status that the change can turn. The list it speaks of has one even where there is no relation yet: a
    /// relation that begins as what held anyway changes nothing.
    fn statuses(&self) -> Vec<(ListId, u8)> {
        let (contact, scope) = (&*self.contact, self.situation.scope);
        let mut statuses = contact.statuses(scope);
        if let Some(list) = self.list
            && contact.on(list).is_none()
        {
            let on = match contact.predecessor(list, self.situation.lists).map(|at| &contact.lists[at]) {
                Some(old) => {
                    statuses.retain(|&(id, _)| id != old.list);
                    old.renewed(list)
                }
                None => ListContact::new(list),
            };
            statuses.extend(Some((list, contact.flags(&on, scope))).filter(|&(_, bits)| bits != 0));
        }
        statuses.sort_unstable();
        statuses
    }

    /// How many sends are dated after an engagement, to be asked before the contact changes. It matters when the
    /// engagement comes late.
    fn sends_after(&self, at: Millis) -> Result<u64> {
        let engagement = &self.contact.engagement;
        if at <= engagement.last_engaged || at >= engagement.last_sent {
            return Ok(0);
        }
        match self.contact.remembered.sends_after(at) {
            Some(sends) => Ok(sends),
            None => self.situation.history.sends_after(at, self.situation.lists),
        }
    }

    /// Something came from the contact: it has engaged with what was sent before. `after` is what
    /// [`Step::sends_after`] gave.
    fn engage(&mut self, at: Millis, after: u64) {
        let engagement = &mut self.contact.engagement;
        if at <= engagement.last_engaged {
            return;
        }
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
