//! The gate: what CHECK needs, in memory. It never waits for the store.

use std::collections::HashSet;
use std::sync::Arc;

use roaring::RoaringBitmap;

use super::changes::{self, Changes};
use super::directory::Directory;
use super::inbox::{Inbox, InboxUpdate};
use crate::model::change::Write;
use crate::model::fence::Fence;
use crate::model::inbox::MaybeOptOut;
use crate::model::list::{List, ListId, Lists};
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Millis;
use crate::model::transition::unwritten::{self, Forbidden};
use crate::model::verdict::{self, ContactStatus, ListState, ListStatus, Reason, StopScope, Verdict};
use crate::store::format::chunk::Chunk;
use crate::store::format::keys;
use crate::store::format::term::Term;

/// The statuses of all contacts, by id, and the directory that gives the id.
#[derive(Default)]
pub struct Gate {
    /// Phone ↔ id.
    pub directory: Directory,
    /// Messages that wait for a person.
    pub inbox: Inbox,
    scope: StopScope,
    contacts: [RoaringBitmap; ContactStatus::ALL.len()],
    lists: Arc<Lists>,
    on_list: Vec<OnList>,
    /// What could not be written, and forbids until a restart all the same.
    unwritten: HashSet<(Phone, Option<ListNumber>, Reason)>,
    /// Lists that are stopped in memory alone.
    unwritten_pauses: HashSet<ListNumber>,
}

/// The contacts of one list, by status.
#[derive(Default)]
struct OnList {
    statuses: [RoaringBitmap; ListStatus::KEPT.len()],
    stopped_elsewhere: RoaringBitmap,
}

/// What a commit changes in the gate, besides postings.
#[derive(Default)]
pub struct GateUpdate {
    /// New contacts, and those that have another number from now on: each id with its number.
    pub fresh: Vec<(u32, u64)>,
    /// Ids of contacts that are gone, or have another number. They go first.
    pub gone: Vec<u32>,
    /// Lists as they are from now on.
    pub lists: Vec<(ListId, List)>,
    /// Messages that wait, and those that are settled.
    pub inbox: InboxUpdate,
}

/// A list as CHECK sees it: found once for many contacts.
#[derive(Clone, Copy)]
pub struct ListGate<'a> {
    gate: &'a Gate,
    number: ListNumber,
    list: Option<(&'a List, &'a OnList)>,
}

impl Gate {
    /// An empty gate.
    pub fn new(scope: StopScope, maybe_optout: MaybeOptOut) -> Gate {
        Gate { scope, inbox: Inbox::new(maybe_optout), ..Gate::default() }
    }

    /// How far a STOP reaches.
    pub fn scope(&self) -> StopScope {
        self.scope
    }

    /// All lists.
    pub fn lists(&self) -> &Arc<Lists> {
        &self.lists
    }

    /// How many contacts have a term.
    pub fn count(&self, term: Term<'_>) -> u64 {
        self.bitmap(term).map_or(0, RoaringBitmap::len)
    }

    /// How many contacts have a status on a list, under the scope that holds.
    pub fn count_on_list(&self, list: ListId, status: ListStatus) -> u64 {
        let alone = self.count(Term::List(list, status));
        let stopped_elsewhere = if self.scope == StopScope::All { self.count(Term::StoppedElsewhere(list)) } else { 0 };
        match status {
            ListStatus::Active => alone - stopped_elsewhere,
            ListStatus::OptedOut => alone + stopped_elsewhere,
            _ => alone,
        }
    }

    /// How many contacts keep UNLIST from removing a list: those that are active or suppressed on it, whatever the scope.
    pub fn members(&self, list: ListId) -> u64 {
        [ListStatus::Active, ListStatus::Suppressed].map(|status| self.count(Term::List(list, status))).iter().sum()
    }

    /// How many contacts may be sent to from a list: those for which CHECK says yes.
    pub fn eligible(&self, list: ListId) -> u64 {
        let (Some(known), Some(on)) = (self.lists.get(list), self.on_list.get(list.0 as usize)) else { return 0 };
        if self.lists.state_of(Some(known)) != ListState::Open {
            return 0;
        }
        let (members, active) =
            (&on.statuses[ListStatus::Active as usize], &self.contacts[ContactStatus::Active as usize]);
        if self.unwritten.is_empty() && (self.scope == StopScope::List || on.stopped_elsewhere.is_empty()) {
            return members.intersection_len(active);
        }
        let mut eligible = members & active;
        if self.scope == StopScope::All {
            eligible -= &on.stopped_elsewhere;
        }
        for phone in self.unwritten_for(known.number) {
            if let Some(id) = self.directory.id(phone) {
                eligible.remove(id);
            }
        }
        eligible.len()
    }

    /// Forbidding facts that are in memory alone.
    pub fn unwritten(&self) -> usize {
        self.unwritten.len() + self.unwritten_pauses.len()
    }

    /// The list one wants to send from.
    #[inline]
    pub fn list(&self, number: ListNumber) -> ListGate<'_> {
        let list = self.lists.known(number).and_then(|id| self.lists.get(id).zip(self.on_list.get(id.0 as usize)));
        ListGate { gate: self, number, list }
    }

    /// Forbids in memory what could not be written.
    pub fn forbid_unwritten(&mut self, phone: Phone, list: Option<ListNumber>, reason: Reason) {
        if self.unwritten.len() < crate::limits::UNWRITTEN_FORBIDS_MAX {
            self.unwritten.insert((phone, list, reason));
        }
    }

    /// It could be written after all.
    pub fn forget_unwritten(&mut self, phone: Phone, list: Option<ListNumber>, reason: Reason) {
        self.unwritten.remove(&(phone, list, reason));
    }

    /// Whether memory holds all that a write forbids.
    pub fn holds_unwritten(&self, write: &Write, now: Millis) -> bool {
        let Write::Contact { phone, list, change } = write else { return false };
        let forbidden = unwritten::forbidden(*list, change, now, self.scope);
        let is_held = |what: &Forbidden| self.unwritten.contains(&(*phone, what.list, what.reason));
        !forbidden.is_empty() && forbidden.iter().all(is_held)
    }

    /// Stops a list in memory although that could not be written.
    pub fn pause_unwritten(&mut self, number: ListNumber) {
        if let Some(id) = self.lists.known(number)
            && let Some(list) = self.lists.get(id).cloned()
            && !list.paused
        {
            Arc::make_mut(&mut self.lists).put(id, List { paused: true, ..list });
            self.unwritten_pauses.insert(number);
        }
    }

    /// Whether a list is stopped in memory alone.
    pub fn is_pause_unwritten(&self, number: ListNumber) -> bool {
        self.unwritten_pauses.contains(&number)
    }

    /// LIST could be written after all: the list is as it is on disk.
    pub fn forget_unwritten_pause(&mut self, number: ListNumber, stored: &Lists) {
        if self.unwritten_pauses.remove(&number)
            && let Some(id) = stored.id(number)
            && let Some(list) = stored.get(id)
        {
            self.put_list(id, list.clone());
        }
    }

    /// Makes the gate what is now on disk, with the changes of postings.
    pub fn apply(&mut self, update: GateUpdate, changes: &Changes) {
        for (id, list) in update.lists {
            self.put_list(id, list);
        }
        for id in update.gone {
            self.directory.remove(id);
        }
        for (id, number) in update.fresh {
            self.directory.insert(id, number);
        }
        self.inbox.apply(&update.inbox);
        self.change(changes);
    }

    /// Adds or changes a list.
    pub fn put_list(&mut self, id: ListId, list: List) {
        Arc::make_mut(&mut self.lists).put(id, list);
        if self.on_list.len() < self.lists.len() {
            self.on_list.resize_with(self.lists.len(), OnList::default);
        }
    }

    /// Puts a fence in front of all lists, or takes it away.
    pub fn set_fence(&mut self, fence: Option<Fence>) {
        Arc::make_mut(&mut self.lists).fence = fence;
    }

    /// Takes over changes of the gate's postings; of others it knows nothing.
    pub fn change(&mut self, changes: &Changes) {
        for (key, changes) in changes.iter().filter(|(key, _)| keys::is_gate_posting(key)) {
            let Some((term, first)) = keys::parse_posting(key) else { continue };
            let Some(bitmap) = self.bitmap_mut(term) else { continue };
            changes::make(changes, first, bitmap);
        }
    }

    /// Adds contacts to those that have a term.
    pub fn insert_all(&mut self, term: Term<'_>, ids: &RoaringBitmap) {
        if let Some(bitmap) = self.bitmap_mut(term) {
            *bitmap |= ids;
        }
    }

    /// A posting's part that begins at an id.
    pub fn chunk(&self, term: Term<'_>, first: u32) -> Chunk {
        let ids = self.bitmap(term);
        ids.map_or_else(|| Chunk::new(term.chunk_ids()), |ids| Chunk::of(ids, first, term.chunk_ids()))
    }

    /// The contacts that have one of the gate's terms.
    pub fn bitmap(&self, term: Term<'_>) -> Option<&RoaringBitmap> {
        match term {
            Term::Contact(status) => self.contacts.get(status as usize),
            Term::List(list, status) => self.on_list.get(list.0 as usize)?.statuses.get(status as usize),
            Term::StoppedElsewhere(list) => Some(&self.on_list.get(list.0 as usize)?.stopped_elsewhere),
            _ => None,
        }
    }

    /// Those of some ids that have one of the gate's terms.
    pub fn having(&self, term: Term<'_>, mut ids: RoaringBitmap) -> RoaringBitmap {
        let Some(having) = self.bitmap(term) else { return RoaringBitmap::new() };
        // Unlike `&ids & having` this looks only at the windows of the ids.
        ids &= having;
        ids
    }

    fn bitmap_mut(&mut self, term: Term<'_>) -> Option<&mut RoaringBitmap> {
        match term {
            Term::Contact(status) => self.contacts.get_mut(status as usize),
            Term::List(list, status) => self.on_list.get_mut(list.0 as usize)?.statuses.get_mut(status as usize),
            Term::StoppedElsewhere(list) => Some(&mut self.on_list.get_mut(list.0 as usize)?.stopped_elsewhere),
            _ => None,
        }
    }

    fn is(&self, status: ContactStatus, id: u32) -> bool {
        self.contacts[status as usize].contains(id)
    }

    /// Whether an opt-out of another list reaches this one.
    fn is_stopped_elsewhere(&self, on: &OnList, id: u32) -> bool {
        self.scope == StopScope::All && on.stopped_elsewhere.contains(id)
    }

    /// Whom facts that could not be written forbid on a list.
    fn unwritten_for(&self, number: ListNumber) -> impl Iterator<Item = Phone> {
        let here = move |list: &Option<ListNumber>| list.is_none_or(|list| list == number);
        self.unwritten.iter().filter(move |(_, list, _)| here(list)).map(|&(phone, ..)| phone)
    }

    /// Whom facts that are no status forbid on a list: those that could not be written, and messages that wait.
    pub fn held_back(&self, number: ListNumber) -> impl Iterator<Item = Phone> {
        self.unwritten_for(number).chain(self.inbox.held_on(number, self.scope))
    }

    /// What stands against a contact on a list beside its record, as [`verdict::decide`] takes it: what could not be
    /// written, and whether a message of it waits.
    pub fn against(&self, phone: Phone, list: ListNumber) -> (Option<Reason>, bool) {
        (self.unwritten_against(phone, list), self.inbox.holds(phone, list, self.scope))
    }

    /// What could not be written and forbids.
    pub fn unwritten_against(&self, phone: Phone, list: ListNumber) -> Option<Reason> {
        let is_so =
            |reason: &Reason| [None, Some(list)].iter().any(|list| self.unwritten.contains(&(phone, *list, *reason)));
        if self.unwritten.is_empty() { None } else { Reason::ALL.into_iter().find(is_so) }
    }
}

impl OnList {
    #[inline]
    fn is(&self, status: ListStatus, id: u32) -> bool {
        self.statuses[status as usize].contains(id)
    }
}

impl ListGate<'_> {
    /// May a message be sent to this number?
    #[inline]
    pub fn verdict(&self, phone: Phone) -> Verdict {
        let Some((list, on)) = self.list else {
            return verdict::decide(self.gate.lists.state_of(None), None, None, ListStatus::None, false);
        };
        // Almost every answer is yes. Whatever stands in its way, `decide` says what it is.
        let id = self.gate.directory.id(phone);
        if let Some(id) = id
            && !list.paused
            && self.gate.lists.fence.is_none()
            && on.is(ListStatus::Active, id)
            && self.gate.is(ContactStatus::Active, id)
            && !self.gate.is_stopped_elsewhere(on, id)
            && self.gate.unwritten.is_empty()
            && !self.gate.inbox.holds(phone, self.number, self.gate.scope)
        {
            return Verdict::Yes;
        }
        self.decide(list, on, phone, id)
    }

    #[cold]
    fn decide(&self, list: &List, on: &OnList, phone: Phone, id: Option<u32>) -> Verdict {
        let (unwritten, is_held) = self.gate.against(phone, self.number);
        let is = |id: u32| ContactStatus::ALL.into_iter().find(|&status| self.gate.is(status, id));
        let on_list = id.map_or(ListStatus::None, |id| self.status_on(on, id));
        verdict::decide(self.gate.lists.state_of(Some(list)), unwritten, id.and_then(is), on_list, is_held)
    }

    fn status_on(&self, on: &OnList, id: u32) -> ListStatus {
        match ListStatus::KEPT.into_iter().find(|&status| on.is(status, id)) {
            Some(ListStatus::Active) if self.gate.is_stopped_elsewhere(on, id) => ListStatus::OptedOut,
            status => status.unwrap_or(ListStatus::None),
        }
    }

    /// Whether the contact is opted out or suppressed, here or everywhere. A list that is paused or removed changes
    /// nothing about that. Where a stop reaches all lists, so does what it may have meant here: then the contact is out if it is out
    /// of all that it is on.
    pub fn is_out(&self, phone: Phone) -> bool {
        let is_active = |id: u32| {
            let known = |at: usize| self.gate.lists.number(ListId(at as u32)).is_some();
            let mut lists = self.gate.on_list.iter().enumerate().filter(|(at, _)| known(*at));
            lists.any(|(_, on)| self.status_on(on, id) == ListStatus::Active)
        };
        let is_out = |id: u32| {
            let everywhere = [ContactStatus::Suppressed, ContactStatus::OptedOut];
            let here = self.list.map_or(ListStatus::None, |(_, on)| self.status_on(on, id));
            everywhere.into_iter().any(|status| self.gate.is(status, id))
                || matches!(here, ListStatus::Suppressed | ListStatus::OptedOut)
                    && (self.gate.scope == StopScope::List || !is_active(id))
        };
        let unwritten = self.gate.unwritten_against(phone, self.number);
        unwritten.is_some_and(|reason| reason != Reason::Invalid) || self.gate.directory.id(phone).is_some_and(is_out)
    }
}
