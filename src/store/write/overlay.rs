//! The overlay of one batch: writes applied to the records that they touch, on top of what is stored.
//! [`super::commit`] makes it one batch.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, hash_map::Entry};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::promote::Relabelled;
use crate::error::{Error, Result};
use crate::limits::BLOCK_CONTACTS;
use crate::model::change::{Change, Outcome, Write};
use crate::model::contact::Contact;
use crate::model::event::{Event, EventKind};
use crate::model::list::{List, ListId, Lists};
use crate::model::list_event::ListEvent;
use crate::model::phone::{ListNumber, Phone};
use crate::model::taken::taken;
use crate::model::tally::Tally;
use crate::model::time::Millis;
use crate::model::tombstone::{RemovedBy, Tombstone};
use crate::model::trail::TrailLine;
use crate::model::transition::list::{self, ListEffect, Referred};
use crate::model::transition::{self, Effect, Situation};
use crate::model::verdict::{ContactStatus, ListState, ListStatus, StopScope};
use crate::store::format::code::Coded;
use crate::store::format::codec::{self, FeedEntry, NextIds, Record, StoredTombstone};
use crate::store::format::position::Newest;
use crate::store::format::term::Term;
use crate::store::memory::activity::ActivityCounts;
use crate::store::memory::inbox::InboxUpdate;
use crate::store::memory::tallies::TallyUpdate;
use crate::store::read::history::StoredHistory;
use crate::store::state::State;

/// What the writes of one batch have changed so far.
pub struct Overlay<'a> {
    pub state: &'a State,
    pub next: NextIds,
    pub lists: Arc<Lists>,
    pub(super) now: Millis,
    pub(super) scope: StopScope,
    /// In the order in which they were touched.
    #[allow(clippy::vec_box, reason = "a table of whole contacts costs fresh pages of memory as it grows")]
    pub touched: Vec<Box<Touched>>,
    pub places: HashMap<Phone, usize, RandomState>,
    /// The blocks of those that were read, as they are stored.
    pub blocks: HashMap<u32, Option<Vec<u8>>, RandomState>,
    pub changed_lists: BTreeSet<ListId>,
    pub list_events: Vec<ListEvent>,
    /// Whose token the next write comes with.
    pub by: Arc<str>,
    pub feed: Vec<FeedEntry>,
    pub tallies: TallyUpdate,
    pub activity: ActivityCounts,
    pub tombstones: TombstoneChanges,
    pub inbox: InboxUpdate,
    /// What forbids from now on, for the trail; none if there is no trail.
    pub trail: Option<Vec<TrailLine>>,
    /// What the postings of a store of an earlier format become.
    pub relabelled: Relabelled,
    /// What else the batch writes, by key.
    pub values: Vec<(Vec<u8>, Option<Vec<u8>>)>,
}

/// A contact that a write has looked at.
pub struct Touched {
    pub id: u32,
    /// None for a new contact; apart, since most of an import are new.
    pub before: Option<Box<Record>>,
    pub after: Record,
    pub events: Vec<Event>,
    /// The contact is removed.
    pub is_gone: bool,
    /// The contact was held under another spelling of its number.
    pub is_renumbered: bool,
}

/// What the writes of one batch do to tombstones.
#[derive(Default)]
pub struct TombstoneChanges {
    /// Those that are made.
    pub made: Vec<StoredTombstone>,
    /// The ids of those that go, since their numbers come back or get a newer one.
    pub gone: Vec<u32>,
    /// Those that are written again, where they are.
    pub rewritten: Vec<(u32, StoredTombstone)>,
}

/// A contact that a change is about, before the change.
struct Found {
    /// Where it is among those that were touched; none if the change makes it.
    place: Option<usize>,
    /// One that is being made, with what is kept of its number.
    fresh: Option<Box<Touched>>,
    /// The ids of the tombstones that were read for it.
    tombstones: Vec<u32>,
    /// Whether one of these is of an erasure.
    is_erased: bool,
}

impl<'a> Overlay<'a> {
    /// Nothing has changed yet.
    pub fn new(state: &'a State, next: NextIds, scope: StopScope, lists: Arc<Lists>) -> Overlay<'a> {
        Overlay {
            state,
            next,
            lists,
            now: state.now(),
            scope,
            touched: Vec::new(),
            places: HashMap::default(),
            blocks: HashMap::default(),
            changed_lists: BTreeSet::new(),
            list_events: Vec::new(),
            by: Arc::default(),
            feed: Vec::new(),
            tallies: TallyUpdate::default(),
            activity: ActivityCounts::default(),
            tombstones: TombstoneChanges::default(),
            inbox: InboxUpdate::default(),
            trail: None,
            relabelled: Relabelled::default(),
            values: Vec::new(),
        }
    }

    /// The clock, which stands still during a batch.
    pub fn now(&self) -> Millis {
        self.now
    }

    /// Applies one write. A refused one changes nothing.
    pub fn apply(&mut self, write: &Write) -> Result<Outcome> {
        match write {
            Write::Contact { phone, list, change } => self.change(*phone, *list, change),
            Write::List { number, name, paused } => {
                let effect = list::put(&self.lists, *number, name.as_deref(), *paused, self.now)?;
                Ok(effect.map_or(Outcome::Unchanged, |effect| self.change_list(effect)))
            }
            Write::Unlist { number, force } => {
                let effect = list::remove(&self.lists, *number, *force, |id| self.members(id), self.now)?;
                Ok(self.change_list(effect))
            }
        }
    }

    /// A write was refused because of `why`. If it is a row of an import, takes what that forbids all the same.
    pub fn take_what_forbids(&mut self, write: &Write, why: Error) -> Result<Outcome> {
        let Write::Contact { phone, list, change: change @ Change::Import(row) } = write else { return Err(why) };
        let Some(error) = taken(*phone, *list, change, self.now, &why) else { return Err(why) };
        self.change(*phone, *list, &Change::Forbid(Box::new(row.only_what_forbids())))?;
        Ok(Outcome::Taken(error))
    }

    /// Changes a contact, in four steps: which list, which contact, what becomes of it, and who is told.
    fn change(&mut self, phone: Phone, number: Option<ListNumber>, change: &Change) -> Result<Outcome> {
        let list = number.map(|number| self.refer(number, change)).transpose()?.flatten();
        let list_state = number.map_or(ListState::Unknown, |number| self.lists.state(number));
        let unwritten = number.and_then(|number| self.state.memory.gate().unwritten_against(phone, number));
        let (has_waiting, is_held) = number.map_or((false, false), |number| self.waits_and_holds(phone, number));
        let inbox_is_full = self.inbox_is_full();
        let Some(found) = self.find(phone, change)? else { return Ok(change.of_nobody(list_state, unwritten)) };
        let left = if found.is_erased { change.of_erased(self.now) } else { Some(Cow::Borrowed(change)) };
        let Some(change) = left.as_deref() else { return Ok(Outcome::Erased) };
        let Found { place, mut fresh, tombstones, .. } = found;
        let touched = match (place, &mut fresh) {
            (Some(place), _) => &mut *self.touched[place],
            (None, Some(fresh)) => &mut **fresh,
            (None, None) => return Err(Error::internal("a change of no contact")),
        };
        let is_fresh = place.is_none();
        let Touched { after: Record { contact, newest }, events, .. } = touched;
        let before = if is_fresh { Vec::new() } else { Term::gate_of(contact) };
        let situation = Situation {
            now: self.now,
            scope: self.scope,
            lists: &self.lists,
            number,
            list_state,
            unwritten,
            is_held,
            has_waiting,
            inbox_is_full,
            remember_since: self.now - self.state.settings.keep.messages,
            by: &self.by,
            history: &StoredHistory { state: self.state, newest: *newest, pending: events },
        };
        let effect = transition::apply(contact, is_fresh, list, change, &situation)?;
        if is_fresh && !change.creates() && effect.events.is_empty() {
            return Ok(effect.outcome);
        }
        let after = Term::gate_of(contact);
        let Effect { outcome, events: new, tallies } = effect;
        let cause = cause_of(&new, is_fresh);
        let for_inbox = if cause.is_of_inbox() { new.clone() } else { Vec::new() };
        // Whoever follows the feed to know what forbids must be told of a newer date, too: an opt-in may be between the two.
        let forbids = new.iter().any(|event| event.kind.forbids());
        let at = new.first().map_or(self.now, |event| event.at);
        let left = if before == after { Vec::new() } else { opted_out(&before, &after) };
        self.activity.note(&new, &left, joined(&before, &after));
        if events.is_empty() {
            *events = new;
        } else {
            events.extend(new);
        }
        if before != after {
            for list in left {
                self.tallies.push((list, at, Tally { opt_outs: 1, ..Tally::default() }));
            }
        }
        if let Some(touched) = fresh.as_deref().or_else(|| place.map(|place| &*self.touched[place])) {
            let entry = (before != after).then(|| self.entry(touched, cause, &before, &after)).flatten();
            let is_told = cause.is_of_inbox() || forbids && entry.is_none();
            let entry = if is_told { Some(self.notice(touched, cause, list, entry)) } else { entry };
            let inbox = self.follow_inbox(&touched.after.contact, number, &for_inbox);
            self.publish(entry);
            self.inbox.waiting.extend(inbox.waiting);
            self.inbox.settled.extend(inbox.settled);
        }
        if let Change::Reviewed { number, .. } = change {
            self.settle(phone, Some(*number));
        }
        self.tallies.push_all(tallies);
        if let Some(fresh) = fresh {
            self.add(phone, fresh, tombstones)?;
        }
        Ok(outcome)
    }

    /// The list that a change refers to, made if need be.
    fn refer(&mut self, number: ListNumber, change: &Change) -> Result<Option<ListId>> {
        Ok(match list::referred(&self.lists, number, change)? {
            Referred::To(id) => Some(id),
            Referred::ToNew => Some(self.put_list(self.lists.next_id(), List::unknown(number))),
            Referred::ToNone => None,
        })
    }

    /// Finds the contact that a change is about, or begins one. A number that comes back brings along what is kept of it,
    /// before anything else. None if the change does not make a contact of it.
    fn find(&mut self, phone: Phone, change: &Change) -> Result<Option<Found>> {
        if let Some(place) = self.load(phone)? {
            return Ok(Some(Found { place: Some(place), fresh: None, tombstones: Vec::new(), is_erased: false }));
        }
        let tombstones = self.state.tombstones_of(phone)?;
        if !change.creates() && (tombstones.is_empty() || !change.lifts()) {
            return Ok(None);
        }
        let mut fresh = Box::new(Touched::fresh(self.next.next_contact, phone, self.now));
        for (_, tombstone) in &tombstones {
            fresh.after.contact.absorb(&tombstone.restore(phone, self.now));
            fresh.events.extend(tombstone.events().into_iter().map(|event| Event { seen_at: self.now, ..event }));
        }
        let is_erased = tombstones.iter().any(|(_, tombstone)| tombstone.why == RemovedBy::Erased);
        let tombstones = tombstones.into_iter().map(|(id, _)| id).collect();
        Ok(Some(Found { place: None, fresh: Some(fresh), tombstones, is_erased }))
    }

    /// The id that no other contact has or gets.
    pub fn take_contact_id(&mut self) -> Result<u32> {
        let id = self.next.next_contact;
        let next = id.checked_add(1);
        self.next.next_contact = next.ok_or_else(|| Error::limit("a store has at most 4,294,967,295 contacts"))?;
        Ok(id)
    }

    /// Adds a contact that a change has made. Its number's tombstone goes.
    fn add(&mut self, phone: Phone, fresh: Box<Touched>, tombstones: Vec<u32>) -> Result<()> {
        self.take_contact_id()?;
        self.tombstones.gone.extend(tombstones);
        self.places.insert(phone, self.touched.len());
        self.touched.push(fresh);
        Ok(())
    }

    /// The record of a contact, if it exists.
    pub fn record(&mut self, phone: Phone) -> Result<Option<&mut Record>> {
        Ok(self.load(phone)?.map(|place| &mut self.touched[place].after))
    }

    /// Removes a contact and leaves a tombstone, or makes the tombstone of a number that is not a contact. The feed does
    /// not name a contact that was erased.
    pub fn remove(&mut self, phone: Phone, tombstone: Tombstone) -> Result<()> {
        self.tombstones.gone.extend(self.state.tombstones_of(phone)?.into_iter().map(|(id, _)| id));
        self.settle(phone, None);
        let at = self.now.into();
        if let Some(place) = self.load(phone)? {
            let touched = &mut self.touched[place];
            touched.is_gone = true;
            let lists = list_statuses(&Term::gate_of(&touched.after.contact), self.scope);
            let none = |list: &ListId| (list.0, ListStatus::None.code());
            let (phone, cause, lists) = match tombstone.why {
                RemovedBy::Erased => (0, EventKind::Erased, Vec::new()),
                RemovedBy::Purged(_) => (phone.as_u64(), EventKind::Purged, lists.keys().map(none).collect()),
            };
            let cause = codec::kind_code(cause);
            self.feed.push(FeedEntry::Contact { at, phone, cause, status: codec::NO_STATUS, lists });
        }
        let phone = self.state.memory.tombstones().hmac(phone.as_u64());
        self.tombstones.made.push(StoredTombstone { phone, tombstone });
        Ok(())
    }

    /// Writes a tombstone again, where it is.
    pub fn rewrite_tombstone(&mut self, id: u32, stored: StoredTombstone) {
        self.tombstones.rewritten.push((id, stored));
    }

    /// Writes something else with the batch, or removes it.
    pub fn put_value(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        self.values.push((key.to_vec(), value));
    }

    /// The position that the feed will have after the batch, if its entries are those it has now.
    pub fn feed_end(&self) -> u64 {
        self.next.next_feed + self.feed.iter().map(FeedEntry::positions).sum::<u64>()
    }

    /// Brings a contact that exists into the overlay. Gives its place there.
    pub(super) fn load(&mut self, phone: Phone) -> Result<Option<usize>> {
        if let Some(&place) = self.places.get(&phone) {
            return Ok(Some(place));
        }
        let state = self.state;
        let Some(id) = state.memory.gate().directory.id(phone) else { return Ok(None) };
        let block = match self.blocks.entry(id / BLOCK_CONTACTS) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(state.block(id)?),
        };
        let record = state.record_in(block.as_deref(), id)?.ok_or_else(|| {
            Error::internal(format!("{phone} is in the directory but has no record: run contactd verify"))
        })?;
        self.places.insert(phone, self.touched.len());
        let touched = Touched {
            id,
            before: Some(Box::new(record.clone())),
            after: record,
            events: Vec::new(),
            is_gone: false,
            is_renumbered: false,
        };
        self.touched.push(Box::new(touched));
        Ok(Some(self.touched.len() - 1))
    }

    pub(super) fn put_list(&mut self, id: ListId, list: List) -> ListId {
        Arc::make_mut(&mut self.lists).put(id, list);
        self.changed_lists.insert(id);
        id
    }

    /// Takes a change of a list: it stands in the history of lists and in the feed.
    pub(super) fn change_list(&mut self, effect: ListEffect) -> Outcome {
        let ListEffect { outcome, id, list, events } = effect;
        let event = |kind| ListEvent { at: self.now, list: Some(id), kind, by: self.by.to_string() };
        self.list_events.extend(events.into_iter().map(event));
        self.feed.push(FeedEntry::List {
            at: self.now.into(),
            list: id.0,
            number: list.number.as_u64(),
            known: list.is_known(),
            paused: list.paused,
        });
        self.put_list(id, list);
        outcome
    }

    /// Contacts that are active or suppressed on a list, with the changes of this batch.
    fn members(&self, list: ListId) -> u64 {
        let on = |contact: &Contact| {
            contact.on(list).is_some_and(|on| {
                matches!(contact.list_status(on, StopScope::List), ListStatus::Active | ListStatus::Suppressed)
            })
        };
        let stored = self.state.memory.gate().members(list);
        let gone = self.touched.iter().filter(|t| t.before.as_ref().is_some_and(|before| on(&before.contact))).count();
        let come = self.touched.iter().filter(|t| on(&t.after.contact)).count();
        stored + come as u64 - gone as u64
    }
}

impl Touched {
    fn fresh(id: u32, phone: Phone, now: Millis) -> Touched {
        let after = Record { contact: Contact::new(phone, now), newest: Newest::default() };
        Touched { id, before: None, after, events: Vec::new(), is_gone: false, is_renumbered: false }
    }
}

/// A contact's status on the lists of which its terms speak, under a stop scope.
fn list_statuses(terms: &[Term<'_>], scope: StopScope) -> BTreeMap<ListId, ListStatus> {
    let mut lists = BTreeMap::new();
    for term in terms {
        match *term {
            Term::List(list, status) => drop(lists.insert(list, status)),
            // Behind the list's own status, in the order of terms.
            Term::StoppedElsewhere(list) if scope == StopScope::All => drop(lists.insert(list, ListStatus::OptedOut)),
            _ => {}
        }
    }
    lists
}

/// What a change is called in the feed. A subscription by import is how a contact was created.
fn cause_of(events: &[Event], is_fresh: bool) -> EventKind {
    match events.first() {
        Some(event) if !(is_fresh && event.kind == EventKind::Subscribe) => event.kind,
        _ => EventKind::Created,
    }
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

/// The lists of which a contact has become a member.
fn joined<'t>(before: &'t [Term<'_>], after: &'t [Term<'_>]) -> impl Iterator<Item = ListId> + 't {
    after.iter().filter_map(|term| match *term {
        Term::List(list, ListStatus::Active) if !before.contains(term) => Some(list),
        _ => None,
    })
}

impl Overlay<'_> {
    /// Adds an entry to the feed; consecutive fresh contacts of an import make one.
    pub(super) fn publish(&mut self, entry: Option<FeedEntry>) {
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

    /// What the feed is told of a message that waits or is settled, or of what forbids once more: its list's status, beside
    /// what has changed.
    fn notice(
        &self,
        touched: &Touched,
        cause: EventKind,
        list: Option<ListId>,
        changed: Option<FeedEntry>,
    ) -> FeedEntry {
        let contact = &touched.after.contact;
        let mut lists = match changed {
            Some(FeedEntry::Contact { lists, .. }) => lists,
            _ => Vec::new(),
        };
        if let Some(list) = list.filter(|list| lists.iter().all(|(known, _)| *known != list.0)) {
            let status = contact.on(list).map_or(ListStatus::None, |on| contact.list_status(on, self.scope));
            lists.push((list.0, status.code()));
        }
        let (phone, status) = (contact.phone.as_u64(), contact.status().code());
        FeedEntry::Contact { at: self.now.into(), phone, cause: codec::kind_code(cause), status, lists }
    }

    /// What the feed is told of a change of a contact's terms, if it is told of any.
    pub(super) fn entry(
        &self,
        touched: &Touched,
        cause: EventKind,
        before: &[Term<'_>],
        after: &[Term<'_>],
    ) -> Option<FeedEntry> {
        let (id, contact) = (touched.id, &touched.after.contact);
        let at = self.now.into();
        if before.is_empty()
            && cause == EventKind::Created
            && let [Term::Contact(ContactStatus::Active), Term::List(list, ListStatus::Active)] = after
        {
            return Some(FeedEntry::Imported { at, first: id, count: 1, list: list.0 });
        }
        let (was, is) = (list_statuses(before, self.scope), list_statuses(after, self.scope));
        let gone = was.keys().filter(|list| !is.contains_key(list)).map(|list| (list.0, ListStatus::None.code()));
        let changed = is.iter().filter(|(list, status)| was.get(list) != Some(status));
        let lists: Vec<_> = gone.chain(changed.map(|(list, status)| (list.0, status.code()))).collect();
        let status = contact.status();
        if lists.is_empty() && before.contains(&Term::Contact(status)) {
            return None;
        }
        let cause = codec::kind_code(cause);
        Some(FeedEntry::Contact { at, phone: contact.phone.as_u64(), cause, status: status.code(), lists })
    }
}
