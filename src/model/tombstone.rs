//! Tombstones: what is kept of a number's opt-outs, suppressions, consent and ids when its contact is gone.
//!
//! When the number comes back by any path, they come back with it, first. So a verdict is never more permissive for a
//! contact's having been gone, and no message is granted again.

use super::contact::{Contact, ListContact};
use super::event::{Event, EventKind};
use super::fact::{Fact, How, Toggle, keep_newest};
use super::list::ListId;
use super::phone::Phone;
use super::purge::PurgeReason;
use super::remembered::Remembered;
use super::time::Millis;

/// What is kept of one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tombstone {
    /// When the contact went.
    pub gone_at: Millis,
    /// Why it went.
    pub why: RemovedBy,
    /// Whose token removed it. May be empty.
    pub by: String,
    /// When the contact had come in; 0 once it was erased.
    pub created_at: Millis,
    /// The newest opt-out of all lists. An erasure counts as one.
    pub opted_out_all: Option<Fact>,
    /// Held back by the sender.
    pub suppression: Toggle,
    /// The number did not exist any more.
    pub invalidity: Toggle,
    /// The newest message from the number, which proves that it exists.
    pub last_inbound: Millis,
    /// What it had said on lists.
    pub lists: Vec<ListContact>,
    /// The ids that are remembered; of an erased number those alone that would lift the erasure's opt-out.
    pub remembered: Remembered,
}

/// Why a contact is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedBy {
    /// The policy selected it.
    Purged(PurgeReason),
    /// Somebody asked for it.
    Erased,
}

impl Tombstone {
    /// Of a contact that a purge removes: every fact. `by` is whose token runs it.
    pub fn of_purged(contact: Contact, why: PurgeReason, now: Millis, by: &str) -> Tombstone {
        Tombstone {
            gone_at: now,
            why: RemovedBy::Purged(why),
            by: by.to_owned(),
            created_at: contact.created_at,
            opted_out_all: contact.opted_out_all,
            suppression: contact.suppression,
            invalidity: contact.invalidity,
            last_inbound: contact.engagement.last_inbound,
            lists: contact.lists,
            remembered: contact.remembered,
        }
    }

    /// Of a number that was erased: what forbids, without words, and an opt-out of all that is newer than everything. `by` is
    /// whose token asked for it.
    pub fn of_erased(facts: &Contact, now: Millis, by: &str) -> Tombstone {
        let mut opted_out_all = facts.opted_out_all.as_ref().map(wordless);
        let at = now.max(facts.newest() + 1);
        // An opt-in that came with a later date, and is delivered again, is older.
        let opt_ins = facts.lists.iter().filter_map(|on| on.opted_in.as_ref());
        let claimed_at = opt_ins.map(|fact| fact.claimed_at).max().filter(|&claimed_at| claimed_at > at).unwrap_or(0);
        keep_newest(&mut opted_out_all, Fact { at, how: How::Api, claimed_at, by: by.to_owned(), ..Fact::default() });
        let relation = |on: &ListContact| ListContact {
            opted_out: on.opted_out.as_ref().map(wordless),
            suppression: wordless_toggle(&on.suppression),
            ..ListContact::new(on.list)
        };
        let is_empty = |on: &ListContact| on.opted_out.is_none() && on.suppression == Toggle::default();
        Tombstone {
            gone_at: now,
            why: RemovedBy::Erased,
            by: by.to_owned(),
            created_at: 0,
            opted_out_all,
            suppression: wordless_toggle(&facts.suppression),
            invalidity: wordless_toggle(&facts.invalidity),
            // Only to say that the number exists after all.
            last_inbound: facts.invalidity.set.as_ref().map_or(0, |_| facts.engagement.last_inbound),
            lists: facts.lists.iter().map(relation).filter(|on| !is_empty(on)).collect(),
            remembered: facts.remembered.permitting(),
        }
    }

    /// The contact that comes back: with all that is kept, and nothing else.
    pub fn restore(&self, phone: Phone, created_at: Millis) -> Contact {
        let mut contact = Contact::new(phone, created_at);
        contact.opted_out_all.clone_from(&self.opted_out_all);
        contact.suppression.clone_from(&self.suppression);
        contact.invalidity.clone_from(&self.invalidity);
        contact.engagement.last_inbound = self.last_inbound;
        contact.lists.clone_from(&self.lists);
        contact.remembered.clone_from(&self.remembered);
        contact
    }

    /// Forgets consent that was given before a date: its proof is kept for a time, what forbids for ever. Says whether
    /// there was any.
    pub fn forget_consent_before(&mut self, date: Millis) -> bool {
        let mut forgotten = false;
        for on in &mut self.lists {
            for fact in [&mut on.opted_in, &mut on.imported] {
                forgotten |= fact.take_if(|fact| fact.at < date).is_some();
            }
        }
        let is_empty = |on: &ListContact| *on == ListContact::new(on.list);
        self.lists.retain(|on| !is_empty(on));
        forgotten
    }

    /// What it tells, as events in the order of their dates; the going of the contact is the last.
    pub fn events(&self) -> Vec<Event> {
        let mut events = Vec::new();
        let mut tell = |kind: EventKind, list: Option<ListId>, fact: Option<&Fact>| {
            events.extend(fact.map(|fact| Event {
                list,
                how: fact.how,
                source: fact.source.clone(),
                reason: fact.reason.clone(),
                by: fact.by.clone(),
                ..Event::new(kind, fact.at)
            }));
        };
        tell(EventKind::OptOutAll, None, self.opted_out_all.as_ref());
        tell(EventKind::Suppress, None, self.suppression.set.as_ref());
        tell(EventKind::Release, None, self.suppression.lifted.as_ref());
        tell(EventKind::Invalid, None, self.invalidity.set.as_ref());
        tell(EventKind::Valid, None, self.invalidity.lifted.as_ref());
        for on in &self.lists {
            tell(EventKind::OptIn, Some(on.list), on.opted_in.as_ref());
            tell(EventKind::Subscribe, Some(on.list), on.imported.as_ref());
            tell(EventKind::OptOut, Some(on.list), on.opted_out.as_ref());
            tell(EventKind::Suppress, Some(on.list), on.suppression.set.as_ref());
            tell(EventKind::Release, Some(on.list), on.suppression.lifted.as_ref());
        }
        events.sort_by_key(|event| event.at);
        let (kind, reason) = match self.why {
            RemovedBy::Purged(why) => (EventKind::Purged, why.word()),
            RemovedBy::Erased => (EventKind::Erased, ""),
        };
        events.push(Event { reason: reason.to_owned(), by: self.by.clone(), ..Event::new(kind, self.gone_at) });
        events
    }
}

fn wordless(fact: &Fact) -> Fact {
    Fact { at: fact.at, how: fact.how, claimed_at: fact.claimed_at, ..Fact::default() }
}

fn wordless_toggle(toggle: &Toggle) -> Toggle {
    Toggle { set: toggle.set.as_ref().map(wordless), lifted: toggle.lifted.as_ref().map(wordless) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::verdict::{Reason, StopScope, Verdict};

    fn fact(at: Millis) -> Option<Fact> {
        Some(Fact { at, source: "somebody".into(), reason: "something".into(), ..Fact::default() })
    }

    fn contact() -> Contact {
        let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), 100);
        let mut on = ListContact::new(ListId(1));
        (on.opted_in, on.opted_out) = (fact(50), fact(40));
        let mut other = ListContact::new(ListId(2));
        other.imported = fact(60);
        contact.lists = vec![on, other];
        contact.engagement.sends = 7;
        contact
    }

    #[test]
    fn a_purged_contact_comes_back_with_the_same_verdicts() {
        let before = contact();
        let mut tombstone = Tombstone::of_purged(before.clone(), PurgeReason::Idle, 1_000, "bob");
        let after = tombstone.restore(before.phone, 2_000);
        for list in [ListId(1), ListId(2), ListId(3)] {
            assert_eq!(after.verdict(list, StopScope::All), before.verdict(list, StopScope::All));
        }
        assert_eq!((after.engagement.sends, after.created_at), (0, 2_000));
        // The proof of consent goes in time, and what forbids stays.
        assert!(!tombstone.forget_consent_before(50) && tombstone.forget_consent_before(61));
        let later = tombstone.restore(before.phone, 2_000);
        assert_eq!(later.verdict(ListId(1), StopScope::List), Verdict::No(Reason::ListOptedOut));
        assert_eq!(later.verdict(ListId(2), StopScope::List), Verdict::No(Reason::NotSubscribed));
        assert_eq!(
            tombstone.events().iter().map(|event| event.kind).collect::<Vec<_>>(),
            [EventKind::OptOut, EventKind::Purged]
        );
        assert_eq!(tombstone.events().last().map(|event| event.by.clone()), Some("bob".into()));
    }

    #[test]
    fn an_erased_number_is_out_of_all_and_nothing_else_is_known() {
        let mut before = contact();
        before.suppression.set = fact(5_000);
        let tombstone = Tombstone::of_erased(&before, 1_000, "ann");
        let after = tombstone.restore(before.phone, 2_000);
        assert_eq!(after.verdict(ListId(1), StopScope::List), Verdict::No(Reason::Suppressed));
        assert_eq!(
            after.opted_out_all,
            Some(Fact { at: 5_001, by: "ann".into(), ..Fact::default() }),
            "newer than all, whatever the clock"
        );
        assert_eq!(after.lists.len(), 1, "no subscription is kept");
        assert!(tombstone.events().iter().all(|event| event.source.is_empty() && event.reason.is_empty()));
    }
}
