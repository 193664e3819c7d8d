//! The messages that wait for a person, in memory: who wrote them, and to which list.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::RandomState;

use crate::limits::INBOX_MESSAGES_MAX;
use crate::model::inbox::{MaybeOptOut, Waiting};
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Millis;
use crate::model::verdict::StopScope;

/// What is in memory of a message that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Who wrote it.
    pub phone: Phone,
    /// To which list.
    pub list: ListNumber,
    /// When.
    pub at: Millis,
}

/// All messages that wait, by number and by phone.
#[derive(Default)]
pub struct Inbox {
    setting: MaybeOptOut,
    heads: BTreeMap<u64, Head>,
    by_phone: HashMap<Phone, Vec<u64>, RandomState>,
}

/// What a commit changes.
#[derive(Default)]
pub struct InboxUpdate {
    /// Messages that wait from now on, by their numbers.
    pub waiting: Vec<(u64, Waiting)>,
    /// The numbers of those that do not wait any more.
    pub settled: Vec<u64>,
}

impl InboxUpdate {
    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.settled.is_empty()
    }
}

impl Head {
    /// Whether the message would opt out of a list.
    pub fn reaches(&self, list: ListNumber, scope: StopScope) -> bool {
        scope == StopScope::All || self.list == list
    }
}

impl From<&Waiting> for Head {
    fn from(waiting: &Waiting) -> Head {
        Head { phone: waiting.phone, list: waiting.list, at: waiting.at }
    }
}

impl InboxUpdate {
    /// Those that still wait at the end of the batch.
    pub fn still_waiting(&self) -> impl Iterator<Item = &(u64, Waiting)> {
        self.waiting.iter().filter(|(number, _)| !self.settled.contains(number))
    }
}

impl Inbox {
    pub fn new(setting: MaybeOptOut) -> Inbox {
        Inbox { setting, ..Inbox::default() }
    }

    /// What is done with contacts whose messages wait.
    pub fn setting(&self) -> MaybeOptOut {
        self.setting
    }

    pub fn insert(&mut self, number: u64, head: Head) {
        if self.heads.insert(number, head).is_none() {
            self.by_phone.entry(head.phone).or_default().push(number);
        }
    }

    pub fn apply(&mut self, update: &InboxUpdate) {
        for (number, waiting) in &update.waiting {
            self.insert(*number, waiting.into());
        }
        for number in &update.settled {
            let Some(head) = self.heads.remove(number) else { continue };
            if let Some(numbers) = self.by_phone.get_mut(&head.phone) {
                numbers.retain(|known| known != number);
                if numbers.is_empty() {
                    self.by_phone.remove(&head.phone);
                }
            }
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.heads.len()
    }

    /// Whether there is room for one more, besides so many.
    pub fn is_full(&self, more: usize) -> bool {
        self.len() + more >= INBOX_MESSAGES_MAX
    }

    pub fn get(&self, number: u64) -> Option<Head> {
        self.heads.get(&number).copied()
    }

    /// Those of a number, in order.
    pub fn of(&self, phone: Phone) -> impl Iterator<Item = (u64, Head)> {
        let numbers = self.by_phone.get(&phone).map_or(&[][..], Vec::as_slice);
        numbers.iter().filter_map(|number| Some((*number, self.get(*number)?)))
    }

    /// All before a number, the newest first.
    pub fn before(&self, number: u64) -> impl Iterator<Item = (u64, Head)> {
        self.heads.range(..number).rev().map(|(number, head)| (*number, *head))
    }

    /// Whether a contact is held back on a list. What a STOP would reach waits with it.
    #[inline]
    pub fn holds(&self, phone: Phone, list: ListNumber, scope: StopScope) -> bool {
        self.setting == MaybeOptOut::Hold
            && !self.heads.is_empty()
            && self.of(phone).any(|(_, head)| head.reaches(list, scope))
    }

    /// Whom it holds back on a list.
    pub fn held_on(&self, list: ListNumber, scope: StopScope) -> impl Iterator<Item = Phone> {
        let is_on = move |head: &&Head| head.reaches(list, scope);
        let heads = (self.setting == MaybeOptOut::Hold).then(|| self.heads.values().filter(is_on));
        heads.into_iter().flatten().map(|head| head.phone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(phone: &[u8], list: &[u8]) -> Waiting {
        Waiting {
            phone: Phone::parse(phone).expect("a phone"),
            list: ListNumber::parse(list).expect("a list"),
            at: 1,
            seen_at: 2,
            id: String::new(),
            text: "please stop".into(),
        }
    }

    #[test]
    fn messages_wait_until_they_are_settled() {
        let one = waiting(b"+14155550123", b"24365");
        let mut inbox = Inbox::new(MaybeOptOut::Hold);
        let mine = vec![(5, one.clone()), (7, one.clone()), (9, waiting(b"+14155550124", b"24366"))];
        inbox.apply(&InboxUpdate { waiting: mine, settled: Vec::new() });
        assert_eq!(inbox.before(u64::MAX).map(|(number, _)| number).collect::<Vec<_>>(), [9, 7, 5]);
        inbox.apply(&InboxUpdate { waiting: Vec::new(), settled: vec![7] });
        assert!(inbox.holds(one.phone, one.list, StopScope::List), "another one waits");
        let other = ListNumber::parse(b"24366").expect("a list");
        assert!(!inbox.holds(one.phone, other, StopScope::List) && inbox.holds(one.phone, other, StopScope::All));
        inbox.apply(&InboxUpdate { waiting: Vec::new(), settled: vec![5, 5] });
        assert!(!inbox.holds(one.phone, one.list, StopScope::List) && inbox.of(one.phone).next().is_none());
        assert_eq!(inbox.len(), 1);
        assert!(inbox.is_full(INBOX_MESSAGES_MAX - 1) && !inbox.is_full(INBOX_MESSAGES_MAX - 2));
    }

    #[test]
    fn what_is_only_shown_holds_nobody() {
        let one = waiting(b"+14155550123", b"24365");
        let mut inbox = Inbox::new(MaybeOptOut::Show);
        inbox.apply(&InboxUpdate { waiting: vec![(1, one.clone())], settled: Vec::new() });
        assert!(
            !inbox.holds(one.phone, one.list, StopScope::All)
                && inbox.held_on(one.list, StopScope::All).next().is_none()
        );
    }
}
