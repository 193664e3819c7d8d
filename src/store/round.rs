//! One round of the writer: writes applied to an overlay of the records they touch, then made one batch.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::chunk::Chunk;
use super::codec::{self, FeedEntry, Heads, Record};
use super::gate::Gate;
use super::tail::{Slice, Tail};
use super::term::Term;
use super::{Shared, keys, sled_failed};
use crate::error::{Code, Error, Result};
use crate::limits::{BATCH_WRITES_MAX, DIRECTORY_CHUNK_IDS, LISTS_MAX, POSTING_CHUNK_IDS};
use crate::model::change::{Change, Outcome, Write};
use crate::model::contact::Contact;
use crate::model::event::{Event, Kind};
use crate::model::list::{List, ListId, Lists};
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Millis;
use crate::model::transition::{self, World};
use crate::model::verdict::{ListStatus, StopScope};

/// What one round has changed so far.
pub struct Round<'a> {
    shared: &'a Shared,
    now: Millis,
    scope: StopScope,
    lists: Arc<Lists>,
    heads: Heads,
    touched: HashMap<Phone, Touched>,
    order: Vec<Phone>,
    changed_lists: BTreeSet<ListId>,
    feed: Vec<FeedEntry>,
}

/// A contact that the round has looked at.
struct Touched {
    id: u32,
    before: Option<Record>,
    after: Record,
    events: Vec<Event>,
}

/// A round as it goes to disk and, after that, into the gate.
pub struct Commit {
    /// For sled.
    pub batch: sled::Batch,
    /// The counters after it.
    pub heads: Heads,
    /// For the gate.
    pub opening: Opening,
    /// For the tail.
    pub growth: Growth,
}

/// What a committed round changes in the tail.
#[derive(Default)]
pub struct Growth {
    changes: Vec<(Term, u32, bool)>,
    sealed: Option<Slice>,
}

/// What a committed round changes in the gate.
pub struct Opening {
    fresh: Vec<(u32, Phone)>,
    lists: Vec<(ListId, List)>,
    terms: Vec<(Term, u32, bool)>,
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
            // Growing a table of whole contacts step by step costs more than the table.
            touched: HashMap::with_capacity(2 * BATCH_WRITES_MAX),
            order: Vec::with_capacity(2 * BATCH_WRITES_MAX),
            changed_lists: BTreeSet::new(),
            feed: Vec::new(),
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
        self.load(phone)?;
        let is_fresh = !self.touched.contains_key(&phone);
        let mut fresh = None;
        let touched = match self.touched.get_mut(&phone) {
            Some(touched) => touched,
            None if !change.creates() => return Ok(Outcome::Changed(false)),
            None => fresh.insert(Touched {
                id: self.heads.next_contact,
                before: None,
                after: Record { contact: Contact::new(phone, self.now), pages: 0 },
                events: Vec::new(),
            }),
        };
        let Touched { id, after, events, .. } = touched;
        let before = if is_fresh { Vec::new() } else { Term::gate_of(&after.contact) };
        let (shared, pages, pending) = (self.shared, after.pages, &*events);
        let seen = |wanted: &dyn Fn(&Event) -> bool| shared.seen(*id, pages, pending, wanted);
        let world = World { now: self.now, scope: self.scope, lists: &self.lists, seen: &seen };
        let mut contact = std::mem::replace(&mut after.contact, Contact::new(phone, self.now));
        let effect = transition::apply(&mut contact, is_fresh, list, change, &world);
        after.contact = contact;
        let effect = effect?;
        let terms = Term::gate_of(&after.contact);
        let cause = effect.event.as_ref().map_or(Kind::Created, |event| event.kind);
        events.extend(effect.event);
        if before != terms {
            let entry = feed_entry(self.now, *id, &after.contact, cause, is_fresh, &before, &terms);
            tell(&mut self.feed, entry);
        }
        if let Some(fresh) = fresh {
            self.heads.next_contact =
                fresh.id.checked_add(1).ok_or_else(|| Error::limit("a store has at most 4,294,967,295 contacts"))?;
            self.order.push(phone);
            self.touched.insert(phone, fresh);
        }
        Ok(effect.outcome)
    }

    /// Brings a contact that exists into the overlay.
    fn load(&mut self, phone: Phone) -> Result<()> {
        if self.touched.contains_key(&phone) {
            return Ok(());
        }
        let id = self.shared.gate_read().directory.id(phone);
        let Some(id) = id else { return Ok(()) };
        let record = self
            .shared
            .record(id)?
            .ok_or_else(|| Error::internal(format!("{phone} is in the directory and has no record: run verify")))?;
        self.order.push(phone);
        self.touched.insert(phone, Touched { id, before: Some(record.clone()), after: record, events: Vec::new() });
        Ok(())
    }

    /// The list a change speaks of. What forbids is taken for a number that is no list yet, and for all lists when no
    /// more numbers can be kept; what permits needs a list.
    fn resolve(&mut self, number: ListNumber, change: &Change) -> Result<Option<ListId>> {
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
            .map(|status| gate.count(&Term::List(list, status)))
            .iter()
            .sum::<u64>();
        drop(gate);
        let gone =
            self.touched.values().filter(|t| t.before.as_ref().is_some_and(|before| on(&before.contact))).count();
        let come = self.touched.values().filter(|t| on(&t.after.contact)).count();
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

    /// Makes the batch: records, events, postings, directory, lists, feed and counters, all or nothing.
    pub fn finish(mut self) -> Result<Option<Commit>> {
        let mut batch = sled::Batch::default();
        let mut terms = Vec::new();
        let mut fresh = Vec::new();
        let mut changed = !self.changed_lists.is_empty() || !self.feed.is_empty();
        for phone in std::mem::take(&mut self.order) {
            let Some(mut touched) = self.touched.remove(&phone) else { continue };
            let Touched { id, after, events, .. } = &mut touched;
            after.pages = self.shared.append(&mut batch, *id, after.pages, events)?;
            if touched.before.as_ref() == Some(&touched.after) {
                continue;
            }
            changed = true;
            batch.insert(&keys::contact(touched.id), codec::encode_record(&touched.after)?);
            let before = touched.before.as_ref().map(|record| Term::all_of(&record.contact)).unwrap_or_default();
            let after = Term::all_of(&touched.after.contact);
            let id = touched.id;
            let gone = before.iter().filter(|term| after.binary_search(term).is_err());
            terms.extend(gone.map(|term| (term.clone(), id, false)));
            terms.extend(
                after.into_iter().filter(|term| before.binary_search(term).is_err()).map(|term| (term, id, true)),
            );
            if touched.before.is_none() {
                fresh.push((touched.id, phone));
            }
        }
        if !changed {
            return Ok(None);
        }
        let (terms, later): (Vec<_>, Vec<_>) =
            terms.into_iter().partition(|(term, id, _)| term.is_gate() || id / POSTING_CHUNK_IDS < self.heads.sealed);
        self.write_postings(&mut batch, &terms)?;
        let sealed = self.seal(&mut batch, &later);
        self.write_directory(&mut batch, &fresh);
        self.write_feed(&mut batch)?;
        let mut lists = Vec::new();
        for &id in &self.changed_lists {
            if let Some(list) = self.lists.get(id) {
                batch.insert(&keys::list(id), codec::encode_list(list)?);
                lists.push((id, list.clone()));
            }
        }
        batch.insert(keys::HEADS, codec::encode_heads(&self.heads)?);
        let terms = terms.into_iter().filter(|(term, ..)| term.is_gate()).collect();
        let growth = Growth { changes: later, sealed };
        Ok(Some(Commit { batch, heads: self.heads, opening: Opening { fresh, lists, terms }, growth }))
    }

    fn write_postings(&self, batch: &mut sled::Batch, terms: &[(Term, u32, bool)]) -> Result<()> {
        let mut chunks: BTreeMap<(u32, &Term), Vec<(u32, bool)>> = BTreeMap::new();
        for (term, id, add) in terms {
            let offset = id % term.chunk_ids();
            chunks.entry((id - offset, term)).or_default().push((offset, *add));
        }
        for ((first, term), changes) in chunks {
            let key = keys::posting(term, first);
            let stored = self.shared.disk.tree().get(&key).map_err(sled_failed)?;
            let mut chunk = match stored {
                Some(value) => Chunk::decode(term.chunk_ids(), &value)?,
                None => Chunk::new(term.chunk_ids()),
            };
            for (offset, add) in changes {
                if add { chunk.insert(offset) } else { chunk.remove(offset) }
            }
            if chunk.is_empty() { batch.remove(key) } else { batch.insert(key, chunk.encode()) }
        }
        Ok(())
    }

    /// Writes a slice of a range of ids that is full.
    fn seal(&mut self, batch: &mut sled::Batch, changes: &[(Term, u32, bool)]) -> Option<Slice> {
        let unsettled = changes.iter().map(|(term, id, _)| (id / POSTING_CHUNK_IDS, term)).collect();
        let slice = self.shared.tail_read().slice(self.heads.next_contact / POSTING_CHUNK_IDS, &unsettled)?;
        for (term, posting) in &slice.postings {
            let key = keys::posting(term, slice.first());
            if posting.is_empty() { batch.remove(key) } else { batch.insert(key, posting.encode()) }
        }
        if slice.is_last {
            self.heads.sealed = slice.first() / POSTING_CHUNK_IDS + 1;
        }
        Some(slice)
    }

    fn write_directory(&self, batch: &mut sled::Batch, fresh: &[(u32, Phone)]) {
        let mut chunks: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
        let gate = self.shared.gate_read();
        for &(id, phone) in fresh {
            let at = id / DIRECTORY_CHUNK_IDS;
            let phones = chunks.entry(at).or_insert_with(|| gate.directory.chunk(at));
            let offset = (id % DIRECTORY_CHUNK_IDS) as usize;
            if phones.len() <= offset {
                phones.resize(offset + 1, 0);
            }
            phones[offset] = phone.as_u64();
        }
        for (at, phones) in chunks {
            batch.insert(&keys::directory(at), codec::encode_phones(&phones));
        }
    }

    fn write_feed(&mut self, batch: &mut sled::Batch) -> Result<()> {
        // Entries are small (at most 64 lists of 5 bytes); a value of 16 stays far below the limit.
        const ENTRIES_MAX: usize = 16;
        for entries in self.feed.chunks(ENTRIES_MAX) {
            batch.insert(&keys::feed(self.heads.next_feed), codec::encode_feed(entries)?);
            self.heads.next_feed += entries.iter().map(FeedEntry::positions).sum::<u64>();
        }
        Ok(())
    }
}

impl Growth {
    /// Makes the tail what is now on disk. All ranges of ids before `growing` are full.
    pub fn apply(self, tail: &mut Tail, growing: u32) {
        for (term, id, add) in self.changes {
            tail.change(term, id, add);
        }
        if let Some(slice) = &self.sealed {
            tail.written(slice);
        }
        tail.begin(growing);
        tail.grow(growing);
    }
}

impl Opening {
    /// Makes the gate what is now on disk.
    pub fn apply(self, gate: &mut Gate) {
        for (id, list) in self.lists {
            gate.put_list(id, list);
        }
        for (id, phone) in self.fresh {
            gate.directory.insert(id, phone);
        }
        for (term, id, add) in self.terms {
            if add { gate.insert(&term, id) } else { gate.remove(&term, id) }
        }
    }
}

/// How a contact stands on the lists of which its terms speak.
fn standings(terms: &[Term]) -> BTreeMap<ListId, (ListStatus, bool)> {
    let mut lists = BTreeMap::new();
    for term in terms {
        match *term {
            Term::List(list, status) => lists.entry(list).or_insert((status, false)).0 = status,
            Term::Held(list) => lists.entry(list).or_insert((ListStatus::Active, true)).1 = true,
            _ => {}
        }
    }
    lists
}

fn feed_entry(
    now: Millis,
    id: u32,
    contact: &Contact,
    cause: Kind,
    fresh: bool,
    before: &[Term],
    after: &[Term],
) -> FeedEntry {
    if fresh
        && cause == Kind::Created
        && let [Term::Contact(_), Term::List(list, ListStatus::Active)] = after
        && contact.status().reason().is_none()
    {
        return FeedEntry::Imported { at: now.into(), first: id, count: 1, list: list.0 };
    }
    let (before, after) = (standings(before), standings(after));
    let gone =
        before.keys().filter(|list| !after.contains_key(list)).map(|list| (list.0, ListStatus::None as u8, false));
    let lists = after
        .iter()
        .filter(|(list, standing)| before.get(list) != Some(standing))
        .map(|(list, (status, held))| (list.0, *status as u8, *held));
    FeedEntry::Contact {
        at: now.into(),
        phone: contact.phone.as_u64(),
        cause: codec::kind_code(cause),
        status: contact.status() as u8,
        lists: gone.chain(lists).collect(),
    }
}

/// Adds an entry; consecutive fresh contacts of an import make one.
fn tell(feed: &mut Vec<FeedEntry>, entry: FeedEntry) {
    if let FeedEntry::Imported { first: new, list: new_list, .. } = &entry
        && let Some(FeedEntry::Imported { first, count, list, .. }) = feed.last_mut()
        && *first + *count == *new
        && list == new_list
    {
        *count += 1;
        return;
    }
    feed.push(entry);
}

fn no_list(number: ListNumber) -> Error {
    Error::new(Code::NoList, format!("{number} is no list: create it with LIST {number}"))
}
