//! Sending lists: the numbers one sends from.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use super::fence::Fence;
use super::phone::ListNumber;
use super::time::Millis;
use super::verdict::ListState;

/// A list's dense id. A number whose list was removed and made again has a new one, so that removing a list is one
/// write and its subscriptions end with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListId(pub u32);

/// What is known of a sending list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List {
    /// The number sent from.
    pub number: ListNumber,
    /// What people call it. May be empty.
    pub name: String,
    /// The kill switch: while set every verdict is `no list_paused`.
    pub paused: bool,
    /// When LIST created it; 0 while only opt-outs for the number have come, and the list is unknown to CHECK.
    pub created_at: Millis,
    /// When UNLIST removed it; 0 while it stands.
    pub removed_at: Millis,
}

impl List {
    /// A number that was written to, but is not a list yet.
    pub fn unknown(number: ListNumber) -> List {
        List { number, name: String::new(), paused: false, created_at: 0, removed_at: 0 }
    }

    /// Whether LIST created it and UNLIST has not removed it.
    pub fn is_known(&self) -> bool {
        self.created_at > 0 && self.removed_at == 0
    }

    /// Whether messages may be sent from it, were there no [`Fence`].
    fn state(&self) -> ListState {
        match self {
            _ if !self.is_known() => ListState::Unknown,
            List { paused: true, .. } => ListState::Paused,
            _ => ListState::Open,
        }
    }
}

/// All lists that ever were, by id, and the current one of each number.
#[derive(Clone, Debug, Default)]
pub struct Lists {
    /// Why no messages may be sent from any list, if it is so.
    pub fence: Option<Fence>,
    by_id: Vec<List>,
    current: HashMap<ListNumber, ListId, RandomState>,
}

impl Lists {
    /// How many ids are taken.
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// The id that stands for a number now, whether CHECK knows the list or not.
    pub fn id(&self, number: ListNumber) -> Option<ListId> {
        self.current.get(&number).copied()
    }

    /// The id of a list that CHECK knows.
    pub fn known(&self, number: ListNumber) -> Option<ListId> {
        self.id(number).filter(|&id| self.get(id).is_some_and(List::is_known))
    }

    /// Whether messages may be sent from a number.
    pub fn state(&self, number: ListNumber) -> ListState {
        self.state_of(self.id(number).and_then(|id| self.get(id)))
    }

    /// The same behind the fence, if there is one.
    pub fn state_unfenced(&self, number: ListNumber) -> ListState {
        self.id(number).and_then(|id| self.get(id)).map_or(ListState::Unknown, List::state)
    }

    /// Whether messages may be sent from a list that was found; none if there is no such list.
    pub fn state_of(&self, list: Option<&List>) -> ListState {
        match self.fence {
            Some(_) => ListState::Fenced,
            None => list.map_or(ListState::Unknown, List::state),
        }
    }

    /// A list by id.
    pub fn get(&self, id: ListId) -> Option<&List> {
        self.by_id.get(id.0 as usize)
    }

    /// The number of an id.
    pub fn number(&self, id: ListId) -> Option<ListNumber> {
        self.get(id).map(|list| list.number)
    }

    /// The id the next list gets.
    pub fn next_id(&self) -> ListId {
        ListId(self.by_id.len() as u32)
    }

    /// Puts a list at its id: an existing one, or the next.
    pub fn put(&mut self, id: ListId, list: List) {
        if list.removed_at == 0 {
            self.current.insert(list.number, id);
        } else if self.current.get(&list.number) == Some(&id) {
            self.current.remove(&list.number);
        }
        match self.by_id.get_mut(id.0 as usize) {
            Some(old) => *old = list,
            None => self.by_id.push(list),
        }
    }

    /// Every list with its id, removed ones included.
    pub fn iter(&self) -> impl Iterator<Item = (ListId, &List)> {
        self.by_id.iter().enumerate().map(|(id, list)| (ListId(id as u32), list))
    }
}
