//! Why a verdict is what it is: every reason that holds, in the order in which lifting one uncovers the next, each with the
//! fact behind it. Pure, and by the same function as CHECK: see [`verdict::decide`].

use super::contact::{Contact, ListContact};
use super::event::{Event, EventKind};

use super::fact::{Fact, Toggle, date};
use super::fence::Fence;
use super::keyword::InboundKind;
use super::list::{ListId, Lists};
use super::list_event::{ListEvent, ListEventKind};
use super::phone::ListNumber;
use super::time::Millis;
use super::tombstone::{RemovedBy, Tombstone};
use super::verdict::{self, ListState, ListStatus, Reason, StopScope, Verdict};

/// What the answer follows from.
pub struct Question<'a> {
    /// The number that would send.
    pub number: ListNumber,
    /// All lists.
    pub lists: &'a Lists,
    /// How far a STOP reaches.
    pub scope: StopScope,
    /// The contact, if there is one.
    pub contact: Option<&'a Contact>,
    /// What is kept of the number: the tombstone, and the contact as it would come back.
    pub gone: Option<(&'a Tombstone, &'a Contact)>,
    /// A fact that forbids and is in memory alone.
    pub unwritten: Option<Reason>,
    /// Whether a message of the contact waits in the inbox, and the contact is held back for it.
    pub is_held: bool,
    /// Whether the list is paused in memory alone.
    pub is_pause_unwritten: bool,
    /// The event that paused the list, if it is known.
    pub paused: Option<ListEvent>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// What CHECK says.
    pub verdict: Verdict,
    /// Of a yes: the subscription.
    pub subscription: Option<Basis>,
    /// Of a no: the reasons. The first is the verdict's.
    pub grounds: Vec<Ground>,
    /// Whether the number is a contact.
    pub is_contact: bool,
    /// When and why the contact was removed, if it was.
    pub gone: Option<(Millis, RemovedBy)>,
}

/// A reason that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ground {
    /// Which.
    pub reason: Reason,
    /// The fact behind it; none where nothing ever happened, or nobody wrote it down.
    pub basis: Option<Basis>,
}

/// What a reason, or a yes, rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Basis {
    /// A fact of the contact.
    Fact {
        /// Of what kind.
        kind: EventKind,
        /// On which list; none for the contact, or for all lists.
        list: Option<ListId>,
        /// When, how, who and why.
        fact: Fact,
    },
    /// What happened to the list.
    List(ListEvent),
    /// Something that could not be written, and holds until a restart.
    MemoryOnly,
}

impl Question<'_> {
    /// Answers it.
    pub fn answer(self) -> Why {
        let (list, state) = (self.lists.id(self.number), self.lists.state(self.number));
        let status = self.contact.map(Contact::status);
        let on_list = self.contact.zip(list).map_or(ListStatus::None, |(contact, list)| self.status_on(contact, list));
        let verdict = verdict::decide(state, self.unwritten, status, on_list, self.is_held);
        // A fence stands in front of what is known of the list.
        let behind = self.lists.state_unfenced(self.number);
        let mut grounds: Vec<Ground> = self.of_fence().into_iter().chain(self.of_list(behind)).collect();
        grounds.extend(self.unwritten.map(|reason| Ground { reason, basis: Some(Basis::MemoryOnly) }));
        if self.contact.is_none() {
            grounds.push(Ground { reason: Reason::NotSubscribed, basis: None });
        }
        if let Some(contact) = self.contact.or(self.gone.map(|(_, contact)| contact)) {
            grounds.extend(of_contact(contact));
            grounds.extend(list.into_iter().flat_map(|list| self.on_list(contact, list)));
        }
        if self.is_held {
            grounds.push(Ground { reason: Reason::HeldForReview, basis: None });
        }
        if behind == ListState::Unknown {
            grounds.retain(|ground| ground.reason != Reason::NotSubscribed);
        }
        without_repetitions(&mut grounds);
        let on = self.contact.zip(list).and_then(|(contact, list)| contact.on(list));
        Why {
            verdict,
            subscription: on.filter(|_| verdict == Verdict::Yes).and_then(subscription),
            grounds,
            is_contact: self.contact.is_some(),
            gone: self.gone.map(|(tombstone, _)| (tombstone.gone_at, tombstone.why)),
        }
    }

    fn status_on(&self, contact: &Contact, list: ListId) -> ListStatus {
        contact.on(list).map_or(ListStatus::None, |on| contact.list_status(on, self.scope))
    }

    /// What forbids messages from any list to anybody.
    fn of_fence(&self) -> Option<Ground> {
        let Fence { backup_at, restored_at, .. } = self.lists.fence?;
        let kind = ListEventKind::Fenced { backup_at };
        let event = ListEvent { at: restored_at, list: None, kind, by: String::new() };
        Some(Ground { reason: Reason::Fenced, basis: Some(Basis::List(event)) })
    }

    /// What forbids messages from the list to anybody.
    fn of_list(&self, state: ListState) -> Option<Ground> {
        match state {
            ListState::Open | ListState::Fenced => None,
            ListState::Unknown => {
                let removed = self.lists.iter().filter(|(_, list)| list.number == self.number && list.removed_at > 0);
                let newest = removed.max_by_key(|(_, list)| list.removed_at);
                let event = newest.map(|(id, list)| ListEvent {
                    at: list.removed_at,
                    list: Some(id),
                    kind: ListEventKind::Removed,
                    by: String::new(),
                });
                Some(Ground { reason: Reason::UnknownList, basis: event.map(Basis::List) })
            }
            ListState::Paused => {
                let event = self.paused.clone().map(Basis::List);
                let basis = if self.is_pause_unwritten { Some(Basis::MemoryOnly) } else { event };
                Some(Ground { reason: Reason::ListPaused, basis })
            }
        }
    }

    /// What forbids messages from this list to a contact. The relation to an earlier list of the number counts as soon as
    /// the contact subscribes, so it stands behind `not_subscribed`.
    fn on_list(&self, contact: &Contact, list: ListId) -> Vec<Ground> {
        let left_behind = || contact.predecessor(list, self.lists).map(|at| contact.lists[at].renewed(list));
        let on = contact.on(list).cloned().or_else(left_behind).unwrap_or_else(|| ListContact::new(list));
        let suppressed = on.suppression.in_force().then(|| Ground {
            reason: Reason::ListSuppressed,
            basis: of_toggle(EventKind::Suppress, Some(list), &on.suppression),
        });
        // An opt-in that ends an opt-out of all lists ends what is no newer.
        let out_at = date(contact.opt_out_of(&on, self.scope));
        let ends_with_all = contact.is_opted_out_of_all() && out_at == date(contact.opted_out_all.as_ref());
        let opted_out = (contact.is_opted_out(&on, self.scope) && !ends_with_all)
            .then(|| Ground { reason: Reason::ListOptedOut, basis: self.opt_out_of(contact, &on) });
        let unsubscribed = Ground { reason: Reason::NotSubscribed, basis: None };
        // The opt-in that ends an opt-out of the list subscribes, too.
        let is_met = contact.is_opted_out(&on, StopScope::List) || on.subscription().is_some();
        let grounds = match self.status_on(contact, list) {
            ListStatus::None => [Some(unsubscribed), suppressed, opted_out],
            _ if is_met => [suppressed, opted_out, None],
            _ => [suppressed, Some(unsubscribed), opted_out],
        };
        grounds.into_iter().flatten().collect()
    }

    /// The opt-out that counts for a list, and of what it is one.
    fn opt_out_of(&self, contact: &Contact, on: &ListContact) -> Option<Basis> {
        let counts = contact.opt_out_of(on, self.scope)?;
        let own = on.opted_out.as_ref().filter(|own| *own == counts).map(|_| Some(on.list));
        let of_all = || contact.opted_out_all.as_ref().filter(|all| *all == counts).map(|_| None);
        let elsewhere =
            || contact.lists.iter().find(|any| any.opted_out.as_ref() == Some(counts)).map(|any| Some(any.list));
        let list = own.or_else(of_all).or_else(elsewhere)?;
        Some(Basis::Fact { kind: kind_of_opt_out(list), list, fact: counts.clone() })
    }
}

/// What forbids messages from any list to a contact.
fn of_contact(contact: &Contact) -> Vec<Ground> {
    let invalid = contact
        .is_invalid()
        .then(|| Ground { reason: Reason::Invalid, basis: of_toggle(EventKind::Invalid, None, &contact.invalidity) });
    let suppressed = contact.suppression.in_force().then(|| Ground {
        reason: Reason::Suppressed,
        basis: of_toggle(EventKind::Suppress, None, &contact.suppression),
    });
    let opted_out = contact.is_opted_out_of_all().then(|| Ground {
        reason: Reason::OptedOut,
        basis: contact.opted_out_all.clone().map(|fact| Basis::Fact { kind: EventKind::OptOutAll, list: None, fact }),
    });
    [invalid, suppressed, opted_out].into_iter().flatten().collect()
}

fn of_toggle(kind: EventKind, list: Option<ListId>, toggle: &Toggle) -> Option<Basis> {
    toggle.set.clone().map(|fact| Basis::Fact { kind, list, fact })
}

fn kind_of_opt_out(list: Option<ListId>) -> EventKind {
    if list.is_some() { EventKind::OptOut } else { EventKind::OptOutAll }
}

/// The newest subscription; on a tie the explicit one.
fn subscription(on: &ListContact) -> Option<Basis> {
    let fact = on.subscription()?.clone();
    let kind =
        if date(on.opted_in.as_ref()) >= date(on.imported.as_ref()) { EventKind::OptIn } else { EventKind::Subscribe };
    Some(Basis::Fact { kind, list: Some(on.list), fact })
}

/// Each reason once, where it stands first.
fn without_repetitions(grounds: &mut Vec<Ground>) {
    let all = std::mem::take(grounds);
    for ground in all {
        if grounds.iter().all(|known| known.reason != ground.reason) {
            grounds.push(ground);
        }
    }
}

impl Basis {
    /// Whether an event of the contact's history brought this fact.
    pub fn is_of(&self, event: &Event, lists: &Lists) -> bool {
        let Basis::Fact { kind, list, fact } = self else { return false };
        let is_kind = match kind {
            EventKind::OptOut | EventKind::OptOutAll => matches!(
                event.kind,
                EventKind::OptOut
                    | EventKind::OptOutAll
                    | EventKind::Inbound(InboundKind::OptOut | InboundKind::OptOutAll)
            ),
            EventKind::OptIn => matches!(event.kind, EventKind::OptIn | EventKind::Inbound(InboundKind::OptIn)),
            kind => event.kind == *kind,
        };
        let number = |list: &Option<ListId>| list.and_then(|list| lists.number(list));
        let is_list = match (kind, list) {
            // STOPALL came to some list.
            (EventKind::OptOutAll, _) => event.kind != EventKind::OptOut,
            (_, list) => number(list) == number(&event.list),
        };
        is_kind && is_list && event.at == fact.at
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::list::List;
    use crate::model::phone::Phone;

    fn fact(at: Millis) -> Option<Fact> {
        Some(Fact { at, ..Fact::default() })
    }

    fn number(text: &str) -> ListNumber {
        ListNumber::parse(text.as_bytes()).expect("a list")
    }

    fn lists(paused: bool) -> Lists {
        let mut lists = Lists::default();
        for (id, text) in [(0, "24365"), (1, "24366")] {
            lists.put(ListId(id), List { created_at: 1, paused, ..List::unknown(number(text)) });
        }
        lists
    }

    fn ask(contact: Option<&Contact>, lists: &Lists, unwritten: Option<Reason>) -> Why {
        let is_pause_unwritten = lists.state(number("24365")) == ListState::Paused;
        let scope = StopScope::List;
        let (gone, paused) = (None, None);
        let question = Question {
            number: number("24365"),
            lists,
            scope,
            contact,
            gone,
            unwritten,
            is_held: false,
            is_pause_unwritten,
            paused,
        };
        question.answer()
    }

    fn reasons(why: &Why) -> Vec<Reason> {
        why.grounds.iter().map(|ground| ground.reason).collect()
    }

    #[test]
    fn the_first_reason_is_the_verdicts_and_the_others_stand_behind() {
        let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), 1);
        let mut on = ListContact::new(ListId(0));
        (on.opted_in, on.opted_out) = (fact(5), fact(20));
        on.suppression.set = fact(30);
        contact.lists = vec![on];
        contact.opted_out_all = fact(10);
        contact.invalidity.set = fact(40);
        let why = ask(Some(&contact), &lists(false), None);
        assert_eq!(why.verdict, Verdict::No(Reason::Invalid));
        let all = [Reason::Invalid, Reason::OptedOut, Reason::ListSuppressed, Reason::ListOptedOut];
        assert_eq!(reasons(&why), all);
        // The opt-out of all is the newest of this list, too, and is told once.
        contact.opted_out_all = fact(20);
        let why = ask(Some(&contact), &lists(false), None);
        assert_eq!(reasons(&why), [Reason::Invalid, Reason::OptedOut, Reason::ListSuppressed]);
    }

    #[test]
    fn what_is_in_memory_alone_comes_where_check_says_it() {
        let why = ask(None, &lists(false), Some(Reason::ListOptedOut));
        assert_eq!(why.verdict, Verdict::No(Reason::ListOptedOut));
        assert_eq!(reasons(&why), [Reason::ListOptedOut, Reason::NotSubscribed]);
        assert_eq!(why.grounds[0].basis, Some(Basis::MemoryOnly));
        let why = ask(None, &lists(true), None);
        assert_eq!((why.verdict, &why.grounds[0].basis), (Verdict::No(Reason::ListPaused), &Some(Basis::MemoryOnly)));
    }

    #[test]
    fn a_yes_rests_on_the_newest_subscription() {
        let mut contact = Contact::new(Phone::from_u64(14_155_552_671).expect("in range"), 1);
        let mut on = ListContact::new(ListId(0));
        (on.opted_in, on.imported) = (fact(5), fact(6));
        contact.lists = vec![on];
        let why = ask(Some(&contact), &lists(false), None);
        let fact = Fact { at: 6, ..Fact::default() };
        let expected = Basis::Fact { kind: EventKind::Subscribe, list: Some(ListId(0)), fact };
        assert_eq!((why.verdict, why.subscription), (Verdict::Yes, Some(expected)));
    }
}
