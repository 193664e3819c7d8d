//! Queries: a filter becomes bitmap algebra, one window of ids after the other.
//!
//! A window is what one container of a roaring bitmap covers. Within it the gate's bitmaps are copied under the lock, a
//! few kilobytes each, and the postings of labels and days are read from the engine. Records are read only of contacts that
//! seem to have a rare value of a label: see [`super::rare`].

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use roaring::RoaringBitmap;

use crate::error::Result;
use crate::limits::{COMMON_LABELS_MIN, POSTING_CHUNK_IDS};
use crate::model::contact::Contact;
use crate::model::filter::{DayOf, Filter};
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::Day;
use crate::model::verdict::{self, ContactStatus, ListStatus, StopScope, Verdict};
use crate::store::format::keys;
use crate::store::format::term::Term;
use crate::store::memory::decoded::WINDOW_IDS;
use crate::store::memory::gate::Gate;
use crate::store::state::State;

/// So many ids of a window are looked up more quickly than a set of bits is compared: 1.3 us, and 4.7 ns for an id.
const FEW_IDS: u64 = 256;

/// After so many windows others get the processor. A window takes some 5 us, and to give way 1 us, also where nobody waits.
const WINDOWS_A_YIELD: u32 = 8;

/// One page of contacts.
pub struct Page {
    /// In order of creation, or against it.
    pub phones: Vec<Phone>,
    /// The id with which the next page begins; none when this was the last.
    pub next: Option<u32>,
}

impl State {
    /// How many contacts match.
    pub fn count(&self, filter: &Filter) -> Result<u64> {
        let windows = self.ids_end().div_ceil(WINDOW_IDS);
        let count = |window| self.window(window as u32 * WINDOW_IDS).count(filter);
        self.memory.counted.sum(filter, windows as usize, count)
    }

    /// The contacts that match, from an id on, in order of creation.
    pub fn find(&self, filter: &Filter, from: u32, limit: usize) -> Result<Page> {
        let mut phones = Vec::new();
        let mut first = from - from % WINDOW_IDS;
        let end = self.ids_end();
        while first < end {
            let mut ids = self.window(first).matching(filter, Among::All)?;
            ids.remove_range(first..from.max(first));
            let gate = self.memory.gate();
            for id in &ids {
                if phones.len() == limit {
                    return Ok(Page { phones, next: Some(id) });
                }
                phones.extend(gate.directory.phone(id));
            }
            first = first.saturating_add(WINDOW_IDS);
        }
        Ok(Page { phones, next: None })
    }

    /// The contacts that match, from the newest on or from an id on downwards.
    pub fn find_newest(&self, filter: &Filter, from: Option<u32>, limit: usize) -> Result<Page> {
        let mut phones = Vec::new();
        let newest = self.ids_end().checked_sub(1);
        let mut from = from.map_or(newest, |from| newest.map(|newest| newest.min(from)));
        while let Some(last) = from {
            let first = last - last % WINDOW_IDS;
            let mut ids = self.window(first).matching(filter, Among::All)?;
            ids.remove_range((Bound::Excluded(last), Bound::Unbounded));
            let gate = self.memory.gate();
            for id in ids.iter().rev() {
                if phones.len() == limit {
                    return Ok(Page { phones, next: Some(id) });
                }
                phones.extend(gate.directory.phone(id));
            }
            from = first.checked_sub(1);
        }
        Ok(Page { phones, next: None })
    }

    /// The contacts that match, from an id on, with their records: at most `limit`, and where to go on.
    pub fn export(&self, filter: &Filter, from: u32, limit: usize) -> Result<(Vec<Contact>, Option<u32>)> {
        let page = self.find(filter, from, limit)?;
        let mut contacts = Vec::with_capacity(page.phones.len());
        for phone in page.phones {
            // A contact that was removed meanwhile is not told.
            contacts.extend(self.contact(phone)?);
        }
        Ok((contacts, page.next))
    }

    /// Label keys, each with how many contacts have it, in order, after a key.
    pub fn label_keys(&self, after: Option<&str>, limit: usize) -> Result<Vec<(String, u64)>> {
        self.labels(&LabelTerms::Keys, after, limit)
    }

    /// The values of one label, each with how many contacts have it, in order, after a value.
    pub fn label_values(&self, key: &str, after: Option<&str>, limit: usize) -> Result<Vec<(String, u64)>> {
        self.labels(&LabelTerms::Values(key.to_owned()), after, limit)
    }

    /// Merges the terms of one kind from all ranges of ids: each range gives its first ones in order, and of all these
    /// the first are complete.
    fn labels(&self, kind: &LabelTerms, after: Option<&str>, limit: usize) -> Result<Vec<(String, u64)>> {
        let mut counts = BTreeMap::<String, u64>::new();
        for chunk in 0..self.ids_end().div_ceil(POSTING_CHUNK_IDS) {
            for (text, count) in self.labels_of_range(kind, chunk, after, limit)? {
                *counts.entry(text).or_default() += count;
            }
            while counts.len() > limit {
                counts.pop_last();
            }
        }
        Ok(counts.into_iter().collect())
    }

    /// The first terms of one kind in a range of ids.
    fn labels_of_range(
        &self,
        kind: &LabelTerms,
        chunk: u32,
        after: Option<&str>,
        limit: usize,
    ) -> Result<BTreeMap<String, u64>> {
        let first = chunk * POSTING_CHUNK_IDS;
        let mut start = keys::posting(kind.term(after.unwrap_or_default()), first);
        if after.is_some() {
            start.push(0);
        }
        let is_one = |key: &[u8]| keys::parse_posting(key).is_some_and(|(term, _)| kind.text(term).is_some());
        loop {
            let common = Arc::clone(self.memory.pending().common());
            let mut counts = BTreeMap::new();
            for (key, ids) in self.postings(start.clone()..keys::postings(chunk + 1).to_vec(), &is_one, limit)? {
                if let Some(text) = keys::parse_posting(&key).and_then(|(term, _)| kind.text(term)) {
                    counts.insert(text.to_owned(), ids.len());
                }
            }
            let LabelTerms::Values(key) = kind else { return Ok(counts) };
            self.count_rare(key, first, after, limit, &common, &mut counts)?;
            // A value that became common meanwhile may have been in neither place, or in both.
            if self.memory.pending().common().count(key) == common.count(key) {
                return Ok(counts);
            }
        }
    }

    /// All windows there are.
    pub fn windows(&self) -> impl Iterator<Item = Window<'_>> {
        (0..self.ids_end()).step_by(WINDOW_IDS as usize).map(|first| Window { state: self, first })
    }

    fn ids_end(&self) -> u32 {
        self.memory.gate().directory.ids_end()
    }

    /// The window that begins at an id. Now and then who waits for the processor gets it first: a CHECK should not wait for
    /// a COUNT.
    fn window(&self, first: u32) -> Window<'_> {
        if first.is_multiple_of(WINDOWS_A_YIELD * WINDOW_IDS) {
            std::thread::yield_now();
        }
        Window { state: self, first }
    }
}

/// Which terms LABELS lists.
enum LabelTerms {
    Keys,
    Values(String),
}

impl LabelTerms {
    /// The term of a text: of a key, or of a value.
    fn term<'t>(&'t self, text: &'t str) -> Term<'t> {
        match self {
            LabelTerms::Keys => Term::HasLabel(text),
            LabelTerms::Values(key) => Term::Label(key, text),
        }
    }

    /// The text of a term, if it is one of these.
    fn text<'t>(&self, term: Term<'t>) -> Option<&'t str> {
        match (self, term) {
            (LabelTerms::Keys, Term::HasLabel(key)) => Some(key),
            (LabelTerms::Values(key), Term::Label(of, value)) if of == key => Some(value),
            _ => None,
        }
    }
}

/// A window of ids.
pub struct Window<'s> {
    state: &'s State,
    first: u32,
}

/// Which ids of a window are looked at.
#[derive(Clone)]
enum Among {
    /// Every one, be it a contact's or nobody's.
    All,
    /// These contacts.
    These(RoaringBitmap),
}

impl Window<'_> {
    /// Those of some ids of this window that match.
    fn matching(&self, filter: &Filter, among: Among) -> Result<RoaringBitmap> {
        match filter {
            Filter::Status(status) => Ok(self.gate(|gate| gate.having(Term::Contact(*status), self.ids(among)))),
            Filter::List(list, status) => Ok(self.gate(|gate| on_list(gate, *list, *status, self.ids(among)))),
            Filter::Eligible(list) => Ok(self.gate(|gate| eligible(gate, *list, self.ids(among)))),
            Filter::HasLabel(key) => Ok(among.of(&*self.having(Term::HasLabel(key))?)),
            Filter::Label(key, value) => self.labelled(key, value, among),
            Filter::Day(of, first, last) => Ok(among.of(&self.days(*of, *first, *last)?)),
            Filter::All(filters) => {
                let (left, last) = self.matching_all(filters, among)?;
                Ok(match last {
                    Some(last) => left & &*last,
                    None => left,
                })
            }
            Filter::Any(filters) => {
                let mut any = RoaringBitmap::new();
                for filter in filters {
                    any |= self.matching(filter, among.clone())?;
                }
                Ok(any)
            }
            Filter::Not(filter) => Ok(self.everyone(among.clone()) - self.matching(filter, among)?),
        }
    }

    /// How many contacts of the window match.
    fn count(&self, filter: &Filter) -> Result<u64> {
        let Filter::All(filters) = filter else { return Ok(self.matching(filter, Among::All)?.len()) };
        let (left, last) = self.matching_all(filters, Among::All)?;
        Ok(last.map_or(left.len(), |last| left.intersection_len(&last)))
    }

    /// Those of some ids that match all filters: whoever is in the first set, and in the second where there is one. A COUNT
    /// does not need the set of those who are in both.
    ///
    /// Large sets are compared bit by bit, which takes the same time for any of them; ids in a list are looked up one after
    /// the other, which takes longer where they are more than [`FEW_IDS`]. So a set with few ids comes first, and else the
    /// large sets do, the smallest of them last.
    fn matching_all(&self, filters: &[Filter], among: Among) -> Result<(RoaringBitmap, Option<Arc<RoaringBitmap>>)> {
        let (mut sets, mut rare, mut others) = (Vec::new(), Vec::new(), Vec::new());
        for filter in filters {
            match filter {
                Filter::HasLabel(key) => sets.push(self.having(Term::HasLabel(key))?),
                Filter::Label(key, value) if self.is_common(key, value) => {
                    sets.push(self.having(Term::Label(key, value))?);
                }
                Filter::Label(..) => rare.push(filter),
                _ => others.push(filter),
            }
        }
        if rare.is_empty() && sets.iter().all(|ids| ids.len() > FEW_IDS) {
            for filter in others.extract_if(.., |filter| is_kept(filter)) {
                sets.push(self.kept(filter)?);
            }
        }
        sets.sort_by_key(|ids| Reverse(ids.len()));
        let few = sets.pop_if(|ids| ids.len() <= FEW_IDS);
        let mut left = match few {
            Some(few) => Among::These(among.of(&few)),
            None => among,
        };
        for filter in rare.into_iter().chain(others) {
            if left.is_nobody() {
                break;
            }
            left = Among::These(self.matching(filter, left)?);
        }
        let last = sets.pop();
        for ids in sets {
            left = Among::These(left.of(&ids));
        }
        Ok(match (left, last) {
            (Among::These(left), last) => (left, last),
            (Among::All, Some(last)) => (RoaringBitmap::clone(&last), None),
            (Among::All, None) => (self.everyone(Among::All), None),
        })
    }

    /// The ids that are looked at.
    fn ids(&self, among: Among) -> RoaringBitmap {
        match among {
            Among::These(ids) => ids,
            Among::All => {
                let mut all = RoaringBitmap::new();
                all.insert_range(self.first..=self.first + (WINDOW_IDS - 1));
                all
            }
        }
    }

    /// Those of the window that match a filter whose sets are kept.
    fn kept(&self, filter: &Filter) -> Result<Arc<RoaringBitmap>> {
        let window = (self.first / WINDOW_IDS) as usize;
        self.state.memory.counted.ids(filter, window, || self.matching(filter, Among::All))
    }

    fn gate<T>(&self, ask: impl FnOnce(&Gate) -> T) -> T {
        ask(&self.state.memory.gate())
    }

    /// The contacts that are looked at.
    fn everyone(&self, among: Among) -> RoaringBitmap {
        let Among::All = among else { return self.ids(among) };
        let ids = self.ids(among);
        self.gate(|gate| {
            let statuses = ContactStatus::ALL.map(|status| gate.having(Term::Contact(status), ids.clone()));
            statuses.into_iter().reduce(|all, one| all | one).unwrap_or_default()
        })
    }

    /// Those of the window that have a term of which there are postings.
    fn having(&self, term: Term<'_>) -> Result<Arc<RoaringBitmap>> {
        let read = || {
            let mut all = RoaringBitmap::new();
            for first in self.ranges() {
                all |= self.state.posting(&keys::posting(term, first))?;
            }
            Ok(all)
        };
        self.state.memory.decoded.ids(term, self.first, read)
    }

    fn labelled(&self, key: &str, value: &str, among: Among) -> Result<RoaringBitmap> {
        if !self.is_common(key, value) {
            let (mut found, ids) = (RoaringBitmap::new(), self.ids(among.clone()));
            for first in self.ranges() {
                found |= self.state.with_rare(key, value, first, &ids)?;
            }
            // Its contacts lose their prints when it becomes common.
            if !self.is_common(key, value) {
                if found.len() >= u64::from(COMMON_LABELS_MIN) {
                    self.state.memory.note_often(key, value);
                }
                return Ok(found);
            }
        }
        Ok(among.of(&*self.having(Term::Label(key, value))?))
    }

    /// Whether a value of a label has postings of its own. One that has keeps them.
    fn is_common(&self, key: &str, value: &str) -> bool {
        self.state.memory.pending().common().has(key, value)
    }

    /// Contacts of which a date fell on one of these days.
    pub fn days(&self, of: DayOf, from: Day, to: Day) -> Result<RoaringBitmap> {
        let mut ids = RoaringBitmap::new();
        for first in self.ranges() {
            let mut end = keys::posting(Term::Day(of, to), first);
            end.push(0);
            let days = keys::posting(Term::Day(of, from), first)..end;
            ids |= self.state.union(days, first)?;
        }
        Ok(ids)
    }

    /// The first ids of the ranges whose postings stand together.
    fn ranges(&self) -> impl Iterator<Item = u32> {
        (self.first..=self.first + (WINDOW_IDS - 1)).step_by(POSTING_CHUNK_IDS as usize)
    }
}

impl Among {
    /// Those of a set that are among these. A set of a window is copied more quickly than it is compared.
    fn of(self, set: &RoaringBitmap) -> RoaringBitmap {
        match self {
            Among::All => set.clone(),
            Among::These(ids) => ids & set,
        }
    }

    fn is_nobody(&self) -> bool {
        matches!(self, Among::These(ids) if ids.is_empty())
    }
}

/// Whether people ask with a filter again and again, together with one label or another. Those of labels are kept elsewhere, by
/// [`Decoded`](crate::store::memory::decoded::Decoded).
fn is_kept(filter: &Filter) -> bool {
    matches!(filter, Filter::Status(_) | Filter::List(..) | Filter::Eligible(_) | Filter::Day(..))
}

/// Who has a status on a list, under the stop scope that holds.
fn on_list(gate: &Gate, number: ListNumber, status: ListStatus, ids: RoaringBitmap) -> RoaringBitmap {
    let Some(list) = gate.lists().known(number) else { return RoaringBitmap::new() };
    let on = Term::List(list, status);
    if gate.scope() == StopScope::List || !matches!(status, ListStatus::Active | ListStatus::OptedOut) {
        return gate.having(on, ids);
    }
    let stopped_elsewhere = gate.having(Term::StoppedElsewhere(list), ids.clone());
    match status {
        ListStatus::Active => gate.having(on, ids) - stopped_elsewhere,
        _ => gate.having(on, ids) | stopped_elsewhere,
    }
}

/// Who gets a yes from CHECK: the contacts that have a pair of statuses on which [`verdict::decide`] says yes.
fn eligible(gate: &Gate, number: ListNumber, ids: RoaringBitmap) -> RoaringBitmap {
    let state = gate.lists().state(number);
    let mut eligible = RoaringBitmap::new();
    for status in ContactStatus::ALL {
        for on in ListStatus::KEPT {
            if verdict::decide(state, None, Some(status), on, false) == Verdict::Yes {
                eligible |= on_list(gate, number, on, gate.having(Term::Contact(status), ids.clone()));
            }
        }
    }
    for phone in gate.held_back(number) {
        if let Some(id) = gate.directory.id(phone) {
            eligible.remove(id);
        }
    }
    eligible
}
