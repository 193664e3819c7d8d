//! One round of the writer: writes applied to an overlay of the records they touch. [`super::commit`] makes it one batch.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use foldhash::fast::FixedState;

use super::Shared;
use super::codec::{self, FeedEntry, Grave, Heads, Record};
use super::log::{Newest, Past};
use super::tallies::Additions;
use super::term::Term;
use crate::error::{Code, Error, Result};
use crate::limits::{BLOCK_CONTACTS, LISTS_MAX};
use crate::model::change::{Change, Outcome, Write};
use crate::model::contact::Contact;
use crate::model::event::{Event, Kind};
use crate::model::list::{List, ListId, Lists};
use crate::model::phone::{ListNumber, Phone};
use crate::model::tally::Tally;
use crate::model::time::Millis;
use crate::model::tombstone::{Gone, Tombstone};
use crate::model::transition::{self, World};
use crate::model::verdict::{ContactStatus, ListStatus, Reason, StopScope};

/// What one round has changed so far.
pub struct Round<'a> {
    pub(super) shared: &'a Shared,
    now: Millis,
    scope: StopScope,
    pub(super) lists: Arc<Lists>,
    pub(super) heads: Heads,
    /// In the order in which they were touched.
    #[allow(clippy::vec_box, reason = "a table of whole contacts costs fresh pages of memory as it grows")]
    pub(super) touched: Vec<Box<Touched>>,
    places: HashMap<Phone, usize, FixedState>,
    /// The blocks of those that were read, as they are stored.
    pub(super) blocks: HashMap<u32, Option<Vec<u8>>, FixedState>,
    pub(super) changed_lists: BTreeSet<ListId>,
    pub(super) feed: Vec<FeedEntry>,
    pub(super) tallies: Additions,
    /// Tombstones that are made, and the ids of those whose numbers come back.
    pub(super) graves: Vec<Grave>,
    pub(super) revived: Vec<u32>,
    pub(super) rewritten: Vec<(u32, Grave)>,
    /// What else the batch writes, by key.
    pub(super) notes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A contact that the round has looked at.
pub(super) struct Touched {
    pub id: u32,
    pub before: Option<Record>,
    pub after: Record,
    pub events: Vec<Event>,
    /// It leaves.
    pub gone: bool,
}

impl<'a> Round<'a> {
    /// An empty round over what is stored.
    pub fn new(shared: &'a Shared, heads: Heads, scope: StopScope, lists: Arc<Lists>) -> Round<'a> {
        Round {
            shared,
            now: (shared.clock)(),
            scope,
            lists,
            heads,
            touched: Vec::new(),
            places: HashMap::default(),
            blocks: HashMap::default(),
            changed_lists: BTreeSet::new(),
            feed: Vec::new(),
            tallies: Additions::default(),
            graves: Vec::new(),
            revived: Vec::new(),
            rewritten: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Applies one write. A refused one leaves the round as it was.
    pub fn apply(&mut self, write: &Write) -> Result<Outcome> {
        match write {
            Write::Contact { phone, list, change } => self.change(*phone, *list, change),
            Write::List { number, name, paused } => self.list(*number, name.as_deref(), *paused),
            Write::Unlist { number, force } => self.unlist(*number, *force),
        }
    }

    fn change(&mut self, phone: Phone, number: Option<ListNumber>, change: &Change) -> Result<Outcome> {
        let list = match number {
            Some(number) => self.resolve(number, change)?,
            None => None,
        };
        let place = self.load(phone)?;
        let is_fresh = place.is_none();
        let stopped = number.and_then(|number| self.stopped(number, phone));
        // A number that comes back brings along what is kept of it, before anything else.
        let tombstone = if is_fresh { self.shared.tombstone(phone)? } else { None };
        let may_lift = tombstone.is_some() && change.lifts();
        if is_fresh && !change.creates() && !may_lift {
            return Ok(change.of_nobody(stopped));
        }
        let mut fresh = Box::new(Touched::fresh(self.heads.next_contact, phone, self.now));
        if let Some((_, tombstone)) = &tombstone {
            fresh.after.contact = tombstone.revive(phone, self.now);
            fresh.events = tombstone.events();
            fresh.events.iter_mut().for_each(|event| event.seen_at = self.now);
        }
        let touched = place.map_or(&mut fresh, |place| &mut self.touched[place]);
        let Touched { after: Record { contact, newest }, events, .. } = &mut **touched;
        let before = if is_fresh { Vec::new() } else { Term::gate_of(contact) };
        let world = World {
            now: self.now,
            scope: self.scope,
            lists: &self.lists,
            number,
            stopped,
            remember_since: self.now - self.shared.keep.messages,
            history: &Past { shared: self.shared, newest: *newest, pending: events },
        };
        let effect = transition::apply(contact, is_fresh, list, change, &world)?;
        if is_fresh && !change.creates() && effect.events.is_empty() {
            return Ok(effect.outcome);
        }
        let after = Term::gate_of(contact);
        let (cause, at) = effect.events.first().map_or((Kind::Created, self.now), |event| (event.kind, event.at));
        events.extend(effect.events);
        if before != after {
            for list in opted_out(&before, &after) {
                self.tallies.push((list, at, Tally { opt_outs: 1, ..Tally::default() }));
            }
            let touched = place.map_or(&fresh, |place| &self.touched[place]);
            let entry = self.entry(touched, cause, &before, &after);
            self.feed_tell(entry);
        }
        for tallied in effect.tallies {
            self.tallies.push(tallied);
        }
        if is_fresh {
            self.heads.next_contact =
                fresh.id.checked_add(1).ok_or_else(|| Error::limit("a store has at most 4,294,967,295 contacts"))?;
            self.revived.extend(tombstone.map(|(id, _)| id));
            self.places.insert(phone, self.touched.len());
            self.touched.push(fresh);
        }
        Ok(effect.outcome)
    }

    /// The record of a contact, if it exists.
    pub fn record(&mut self, phone: Phone) -> Result<Option<&mut Record>> {
        Ok(self.load(phone)?.map(|place| &mut self.touched[place].after))
    }

    /// Takes a contact out and leaves a tombstone; of a number that is no contact, only that. An erased one is not named
    /// to those who follow the feed.
    pub fn bury(&mut self, phone: Phone, tombstone: Tombstone) -> Result<()> {
        self.revived.extend(self.shared.tombstone(phone)?.map(|(id, _)| id));
        let at = self.now.into();
        if let Some(place) = self.load(phone)? {
            let touched = &mut self.touched[place];
            touched.gone = true;
            let lists = standings(&Term::gate_of(&touched.after.contact), self.scope);
            let none = |list: &ListId| (list.0, ListStatus::None as u8);
            let (phone, cause, lists) = match tombstone.why {
                Gone::Erased => (0, Kind::Erased, Vec::new()),
                Gone::Purged(_) => (phone.as_u64(), Kind::Purged, lists.keys().map(none).collect()),
            };
            let cause = codec::kind_code(cause);
            self.feed.push(FeedEntry::Contact { at, phone, cause, status: codec::NO_STATUS, lists });
        }
        let mark = self.shared.tombstones_read().mark(phone);
        self.graves.push(Grave { mark, tombstone });
        Ok(())
    }

    /// Writes a tombstone anew, where it is.
    pub fn rewrite_grave(&mut self, id: u32, grave: Grave) {
        self.rewritten.push((id, grave));
    }

    /// Writes something else with the batch, or removes it.
    pub fn note(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        self.notes.push((key.to_vec(), value));
    }

    /// The position that the feed will have after the batch, if its entries are those it has now.
    pub fn feed_end(&self) -> u64 {
        self.heads.next_feed + self.feed.iter().map(FeedEntry::positions).sum::<u64>()
    }

    /// The clock, which stands still in a round.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Why nobody, or not this phone, gets a message from a list, whatever the record says.
    fn stopped(&self, number: ListNumber, phone: Phone) -> Option<Reason> {
        let list = self.lists.known(number).and_then(|id| self.lists.get(id));
        match list {
            None => Some(Reason::UnknownList),
            Some(list) if list.paused => Some(Reason::ListPaused),
            Some(_) => self.shared.gate_read().unwritten_against(phone, number),
        }
    }

    /// Brings a contact that exists into the overlay. Gives its place there.
    fn load(&mut self, phone: Phone) -> Result<Option<usize>> {
        if let Some(&place) = self.places.get(&phone) {
            return Ok(Some(place));
        }
        let id = self.shared.gate_read().directory.id(phone);
        let Some(id) = id else { return Ok(None) };
        let shared = self.shared;
        let block = match self.blocks.entry(id / BLOCK_CONTACTS) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(shared.block(id)?),
        };
        let record = shared
            .record_in(block.as_deref(), id)?
            .ok_or_else(|| Error::internal(format!("{phone} is in the directory and has no record: run verify")))?;
        self.places.insert(phone, self.touched.len());
        let touched = Touched { id, before: Some(record.clone()), after: record, events: Vec::new(), gone: false };
        self.touched.push(Box::new(touched));
        Ok(Some(self.touched.len() - 1))
    }

    /// The list a change speaks of. What forbids is taken for a number that is no list yet, and for all lists when no
    /// more numbers can be kept; what permits needs a list.
    fn resolve(&mut self, number: ListNumber, change: &Change) -> Result<Option<ListId>> {
        if matches!(change, Change::Claim(_)) {
            return Ok(self.lists.id(number));
        }
        if !change.forbids() {
            return match self.lists.known(number).or_else(|| self.lists.id(number).filter(|_| change.lifts())) {
                Some(id) => Ok(Some(id)),
                None => Err(no_list(number)),
            };
        }
        if let Some(id) = self.lists.id(number) {
            return Ok(Some(id));
        }
        if self.lists.len() >= LISTS_MAX {
            return Ok(None);
        }
        Ok(Some(self.put_list(self.lists.next_id(), List::unknown(number))))
    }

    fn put_list(&mut self, id: ListId, list: List) -> ListId {
        Arc::make_mut(&mut self.lists).put(id, list);
        self.changed_lists.insert(id);
        id
    }

    fn list(&mut self, number: ListNumber, name: Option<&str>, paused: Option<bool>) -> Result<Outcome> {
        let id = match self.lists.id(number) {
            Some(id) => id,
            None if self.lists.len() >= LISTS_MAX => {
                return Err(Error::limit(format!("a store has at most {LISTS_MAX} lists, removed ones included")));
            }
            None => self.lists.next_id(),
        };
        let old = self.lists.get(id).cloned();
        let mut list = old.clone().unwrap_or_else(|| List::unknown(number));
        let is_new = !list.is_known();
        if is_new {
            list.created_at = self.now.max(1);
        }
        if let Some(name) = name {
            name.clone_into(&mut list.name);
        }
        if let Some(paused) = paused {
            list.paused = paused;
        }
        if old.as_ref() == Some(&list) {
            return Ok(Outcome::Unchanged);
        }
        self.tell_list(id, &list);
        self.put_list(id, list);
        Ok(if is_new { Outcome::Created } else { Outcome::Updated })
    }

    fn unlist(&mut self, number: ListNumber, force: bool) -> Result<Outcome> {
        let id = self.lists.known(number).ok_or_else(|| no_list(number))?;
        let members = self.members(id);
        if members > 0 && !force {
            return Err(Error::bad_arg(format!(
                "{members} contacts are subscribed to {number}: UNLIST {number} FORCE ends their subscriptions"
            )));
        }
        let Some(mut list) = self.lists.get(id).cloned() else { return Err(no_list(number)) };
        list.removed_at = self.now.max(1);
        self.tell_list(id, &list);
        self.put_list(id, list);
        Ok(Outcome::Removed)
    }

    /// Contacts that are active or held back on a list, this round's changes included.
    fn members(&self, list: ListId) -> u64 {
        let on = |contact: &Contact| {
            contact.on(list).is_some_and(|on| {
                matches!(contact.list_status(on, StopScope::List), ListStatus::Active | ListStatus::Suppressed)
            })
        };
        let gate = self.shared.gate_read();
        let stored = [ListStatus::Active, ListStatus::Suppressed]
            .map(|status| gate.count(Term::List(list, status)))
            .iter()
            .sum::<u64>();
        drop(gate);
        let gone = self.touched.iter().filter(|t| t.before.as_ref().is_some_and(|before| on(&before.contact))).count();
        let come = self.touched.iter().filter(|t| on(&t.after.contact)).count();
        stored + come as u64 - gone as u64
    }

    fn tell_list(&mut self, id: ListId, list: &List) {
        self.feed.push(FeedEntry::List {
            at: self.now.into(),
            list: id.0,
            number: list.number.as_u64(),
            known: list.is_known(),
            paused: list.paused,
        });
    }

    /// The lists as the round leaves them.
    pub fn lists(&self) -> Arc<Lists> {
        Arc::clone(&self.lists)
    }
}

impl Touched {
    fn fresh(id: u32, phone: Phone, now: Millis) -> Touched {
        let after = Record { contact: Contact::new(phone, now), newest: Newest::default() };
        Touched { id, before: None, after, events: Vec::new(), gone: false }
    }
}

/// A contact's status on the lists of which its terms speak, under a stop scope.
fn standings(terms: &[Term<'_>], scope: StopScope) -> BTreeMap<ListId, ListStatus> {
    let mut lists = BTreeMap::new();
    for term in terms {
        match *term {
            Term::List(list, status) => drop(lists.insert(list, status)),
            // Behind the list's own status, in the order of terms.
            Term::Held(list) if scope == StopScope::All => drop(lists.insert(list, ListStatus::OptedOut)),
            _ => {}
        }
    }
    lists
}

/// The lists of which a member has opted out.
fn opted_out(before: &[Term<'_>], after: &[Term<'_>]) -> Vec<ListId> {
    let is_out = |list| after.contains(&Term::List(list, ListStatus::OptedOut));
    let members = before.iter().filter_map(|term| match *term {
        Term::List(list, ListStatus::Active) => Some(list),
        _ => None,
    });
    members.filter(|&list| is_out(list)).collect()
}

impl Round<'_> {
    /// Adds an entry to the feed; consecutive fresh contacts of an import make one.
    fn feed_tell(&mut self, entry: Option<FeedEntry>) {
        let Some(entry) = entry else { return };
        if let FeedEntry::Imported { first: new, list: new_list, .. } = &entry
            && let Some(FeedEntry::Imported { first, count, list, .. }) = self.feed.last_mut()
            && *first + *count == *new
            && list == new_list
        {
            *count += 1;
            return;
        }
        self.feed.push(entry);
    }

    /// What the feed is told of a change of a contact's terms, if it is told of any.
    fn entry(&self, touched: &Touched, cause: Kind, before: &[Term<'_>], after: &[Term<'_>]) -> Option<FeedEntry> {
        let (id, contact) = (touched.id, &touched.after.contact);
        let at = self.now.into();
        if before.is_empty()
            && cause == Kind::Created
            && let [Term::Contact(ContactStatus::Active), Term::List(list, ListStatus::Active)] = after
        {
            return Some(FeedEntry::Imported { at, first: id, count: 1, list: list.0 });
        }
        let (was, is) = (standings(before, self.scope), standings(after, self.scope));
        let gone = was.keys().filter(|list| !is.contains_key(list)).map(|list| (list.0, ListStatus::None as u8));
        let changed = is.iter().filter(|(list, status)| was.get(list) != Some(status));
        let lists: Vec<_> = gone.chain(changed.map(|(list, status)| (list.0, *status as u8))).collect();
        let status = contact.status();
        if lists.is_empty() && before.contains(&Term::Contact(status)) {
            return None;
        }
        let cause = codec::kind_code(cause);
        Some(FeedEntry::Contact { at, phone: contact.phone.as_u64(), cause, status: status as u8, lists })
    }
}

fn no_list(number: ListNumber) -> Error {
    Error::new(Code::NoList, format!("{number} is no list: create it with LIST {number}"))
}
