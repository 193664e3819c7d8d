//! The gate: what CHECK needs, in memory. It never waits for the store.

use std::collections::HashMap;

use roaring::RoaringBitmap;

use super::changes::Changes;
use super::chunk::Chunk;
use super::directory::Directory;
use super::keys;
use super::term::Term;
use crate::model::list::{List, ListId, Lists};
use crate::model::phone::{ListNumber, Phone};
use crate::model::verdict::{ContactStatus, ListStatus, Reason, StopScope, Verdict};

/// The statuses of all contacts, by id, and the directory that gives the id.
#[derive(Default)]
pub struct Gate {
    /// Phone ↔ id.
    pub directory: Directory,
    scope: StopScope,
    contacts: [RoaringBitmap; ContactStatus::ALL.len()],
    lists: Lists,
    on_list: Vec<OnList>,
    /// What could not be written, and forbids until a restart all the same.
    unwritten: HashMap<(Phone, Option<ListNumber>), Reason>,
}

/// The contacts of one list, by status.
#[derive(Default)]
struct OnList {
    statuses: [RoaringBitmap; ListStatus::KEPT.len()],
    held: RoaringBitmap,
}

/// A list as CHECK sees it: found once for many contacts.
#[derive(Clone, Copy)]
pub struct Door<'a> {
    gate: &'a Gate,
    number: ListNumber,
    list: Option<(&'a List, &'a OnList)>,
}

impl Gate {
    /// An empty gate.
    pub fn new(scope: StopScope) -> Gate {
        Gate { scope, ..Gate::default() }
    }

    /// How far a STOP reaches.
    pub fn scope(&self) -> StopScope {
        self.scope
    }

    /// All lists.
    pub fn lists(&self) -> &Lists {
        &self.lists
    }

    /// How many contacts have a term.
    pub fn count(&self, term: Term<'_>) -> u64 {
        self.bitmap(term).map_or(0, RoaringBitmap::len)
    }

    /// How many contacts have a status on a list, under the scope that holds.
    pub fn count_on_list(&self, list: ListId, status: ListStatus) -> u64 {
        let alone = self.count(Term::List(list, status));
        let held = if self.scope == StopScope::All { self.count(Term::Held(list)) } else { 0 };
        match status {
            ListStatus::Active => alone - held,
            ListStatus::OptedOut => alone + held,
            _ => alone,
        }
    }

    /// Forbidding facts that are in memory alone.
    pub fn unwritten(&self) -> usize {
        self.unwritten.len()
    }

    /// The list one wants to send from.
    #[inline]
    pub fn door(&self, number: ListNumber) -> Door<'_> {
        let list = self.lists.known(number).and_then(|id| self.lists.get(id).zip(self.on_list.get(id.0 as usize)));
        Door { gate: self, number, list }
    }

    /// Forbids in memory what could not be written.
    pub(super) fn forbid_unwritten(&mut self, phone: Phone, list: Option<ListNumber>, reason: Reason) {
        if self.unwritten.len() < crate::limits::UNWRITTEN_FORBIDS_MAX {
            self.unwritten.insert((phone, list), reason);
        }
    }

    /// It could be written after all.
    pub(super) fn forget_unwritten(&mut self, phone: Phone, list: Option<ListNumber>, reason: Reason) {
        if self.unwritten.get(&(phone, list)) == Some(&reason) {
            self.unwritten.remove(&(phone, list));
        }
    }

    /// Stops a list in memory although that could not be written.
    pub(super) fn pause_unwritten(&mut self, number: ListNumber) {
        if let Some(id) = self.lists.known(number)
            && let Some(list) = self.lists.get(id)
        {
            self.lists.put(id, List { paused: true, ..list.clone() });
        }
    }

    pub(super) fn put_list(&mut self, id: ListId, list: List) {
        self.lists.put(id, list);
        if self.on_list.len() < self.lists.len() {
            self.on_list.resize_with(self.lists.len(), OnList::default);
        }
    }

    /// Takes over changes of the gate's postings; of others it knows nothing.
    pub(super) fn change(&mut self, changes: &Changes) {
        for (key, changes) in changes.iter().filter(|(key, _)| keys::is_gate_posting(key)) {
            let Some((term, first)) = keys::parse_posting(key) else { continue };
            let Some(bitmap) = self.bitmap_mut(term) else { continue };
            for (offset, has) in changes {
                if has {
                    bitmap.insert(first + offset)
                } else {
                    bitmap.remove(first + offset)
                };
            }
        }
    }

    pub(super) fn insert_all(&mut self, term: Term<'_>, ids: &RoaringBitmap) {
        if let Some(bitmap) = self.bitmap_mut(term) {
            *bitmap |= ids;
        }
    }

    /// A posting's part that begins at an id.
    pub(super) fn chunk(&self, term: Term<'_>, first: u32) -> Chunk {
        let ids = self.bitmap(term);
        ids.map_or_else(|| Chunk::new(term.chunk_ids()), |ids| Chunk::of(ids, first, term.chunk_ids()))
    }

    /// The contacts that have one of the gate's terms.
    pub(super) fn bitmap(&self, term: Term<'_>) -> Option<&RoaringBitmap> {
        match term {
            Term::Contact(status) => self.contacts.get(status as usize),
            Term::List(list, status) => self.on_list.get(list.0 as usize)?.statuses.get(status as usize),
            Term::Held(list) => Some(&self.on_list.get(list.0 as usize)?.held),
            _ => None,
        }
    }

    fn bitmap_mut(&mut self, term: Term<'_>) -> Option<&mut RoaringBitmap> {
        match term {
            Term::Contact(status) => self.contacts.get_mut(status as usize),
            Term::List(list, status) => self.on_list.get_mut(list.0 as usize)?.statuses.get_mut(status as usize),
            Term::Held(list) => Some(&mut self.on_list.get_mut(list.0 as usize)?.held),
            _ => None,
        }
    }

    fn is(&self, status: ContactStatus, id: u32) -> bool {
        self.contacts[status as usize].contains(id)
    }

    /// Whom facts that could not be written forbid on a list.
    pub(super) fn unwritten_for(&self, number: ListNumber) -> impl Iterator<Item = Phone> {
        let here = move |list: &Option<ListNumber>| list.is_none_or(|list| list == number);
        self.unwritten.keys().filter(move |(_, list)| here(list)).map(|&(phone, _)| phone)
    }

    /// What could not be written and forbids.
    pub(super) fn unwritten_against(&self, phone: Phone, list: ListNumber) -> Option<Reason> {
        [None, Some(list)].into_iter().filter_map(|list| self.unwritten.get(&(phone, list))).min().copied()
    }
}

impl OnList {
    #[inline]
    fn is(&self, status: ListStatus, id: u32) -> bool {
        self.statuses[status as usize].contains(id)
    }
}

impl Door<'_> {
    /// May a message be sent to this number?
    #[inline]
    pub fn verdict(&self, phone: Phone) -> Verdict {
        let Some((list, on)) = self.list else { return Verdict::No(Reason::UnknownList) };
        if list.paused {
            return Verdict::No(Reason::ListPaused);
        }
        if !self.gate.unwritten.is_empty()
            && let Some(reason) = self.gate.unwritten_against(phone, self.number)
        {
            return Verdict::No(reason);
        }
        let Some(id) = self.gate.directory.id(phone) else { return Verdict::No(Reason::NotSubscribed) };
        let held = || self.gate.scope == StopScope::All && on.held.contains(id);
        if on.is(ListStatus::Active, id) && self.gate.is(ContactStatus::Active, id) && !held() {
            return Verdict::Yes;
        }
        self.refusal(on, id)
    }

    #[cold]
    fn refusal(&self, on: &OnList, id: u32) -> Verdict {
        let status = ContactStatus::ALL.into_iter().find(|&status| self.gate.is(status, id));
        match status.map(ContactStatus::reason) {
            Some(None) => {}
            Some(Some(reason)) => return Verdict::No(reason),
            // Every contact has a status; one without is never told yes.
            None => return Verdict::No(Reason::NotSubscribed),
        }
        let status = ListStatus::KEPT.into_iter().find(|&status| on.is(status, id));
        match status {
            // Active on the list and not told yes: held by the opt-out of another list.
            Some(ListStatus::Active) => Verdict::No(Reason::ListOptedOut),
            Some(status) => status.verdict(),
            None => Verdict::No(Reason::NotSubscribed),
        }
    }
}
