//! The keeper of the trail: it appends what a batch forbids, knows up to where the trail has everything, and finds out what it
//! lacks.
//!
//! The store has a note of that, which is written with the next batch. So a start knows what the trail has to have, and reads in
//! the feed what came since: after a disk that was full, a run without a trail, or another file in its place.
//!
//! What could not be written into the store forbids in memory alone, and is in the trail alone. The note ends before it until the
//! store has it: a start takes what stands behind.

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::limits::UNWRITTEN_FORBIDS_MAX;
use crate::model::event::EventKind;
use crate::model::phone::Phone;
use crate::model::time::{self, Millis};
use crate::model::trail::{self, TrailLine, TrailNote};
use crate::model::transition::unwritten::{Forbidden, Key};
use crate::store::format::codec;
use crate::store::format::keys;
use crate::store::read::feed::{FeedItem, FeedWhat};
use crate::store::state::State;
use crate::store::trail::{Gone, Trail};

/// Items of the feed that are read at a time.
const PAGE: usize = 1_000;
/// How long a trail that could not be written is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Keeps a trail.
pub struct Keeper {
    trail: Trail,
    /// What the store has to know of it.
    note: TrailNote,
    /// What it knows.
    stored: TrailNote,
    /// What it may lack that the feed has.
    lacks: Option<Lack>,
    /// What the store lacks and the trail has, or will have.
    alone: HashMap<Key, Line>,
    /// There was more than can be kept: it is in the file, and nobody will say when the store has it.
    has_more_alone: bool,
    /// The file that has it is not this one.
    alone_is_elsewhere: bool,
    /// It could not be written.
    has_failed: bool,
    /// When it is tried again.
    retry_at: Option<Instant>,
}

/// The line of what forbids and the store lacks, and after which batch it was written last: an opt-in may have come with a later one.
struct Line {
    line: TrailLine,
    behind: u64,
}

/// What a trail may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lack {
    /// What the feed has from the note's position on.
    SinceNote,
    /// All that the feed has: the file is not as the note says. It is new, or another one, or lines are gone from it.
    All,
    /// The same, and there is no note: the store is new, or never kept a trail, or an older contactd did.
    Unknown,
}

impl Keeper {
    /// Opens the trail of a store, with what the store knows of it.
    pub fn open(trail: Trail, stored: Option<&[u8]>) -> Result<Keeper> {
        let note = stored.map(codec::decode_trail_note).transpose()?;
        let lacks = match &note {
            // What nobody can read again lacks nothing.
            _ if !trail.is_file() => None,
            None => Some(Lack::Unknown),
            Some(note) if trail.has_been(&note.mark)? => Some(Lack::SinceNote),
            Some(_) => Some(Lack::All),
        };
        let note = note.unwrap_or_default();
        Ok(Keeper {
            trail,
            note,
            stored: note,
            lacks,
            alone: HashMap::new(),
            has_more_alone: false,
            alone_is_elsewhere: false,
            has_failed: false,
            retry_at: None,
        })
    }

    /// Whether the file is not as the store left it: it is gone or another one, or lines are gone from it.
    pub fn is_other(&self) -> bool {
        self.lacks == Some(Lack::All)
    }

    /// How much of the file the store knows: the file has been so long when the store was as it is. None if that cannot be said.
    pub fn known_bytes(&self) -> Option<u64> {
        Some(self.note.mark.bytes).filter(|_| self.lacks == Some(Lack::SinceNote))
    }

    /// The note for the next batch; none if the store has it.
    pub fn note(&self) -> Result<Option<Vec<u8>>> {
        if self.note == self.stored { Ok(None) } else { codec::encode_trail_note(&self.note).map(Some) }
    }

    /// The batch with the note is committed.
    pub fn noted(&mut self) {
        self.stored = self.note;
    }

    /// Before what date the trail lacks something that no backup has; 0 if it is not so.
    pub fn lacks_before(&self) -> Millis {
        self.note.lacks_before
    }

    /// A backup that was closed then has what the trail lacks. Says whether that is news.
    pub fn backed_up(&mut self, closed_at: Millis) -> bool {
        let is_news = self.note.lacks_before > 0 && closed_at >= self.note.lacks_before;
        if is_news {
            self.note.lacks_before = 0;
        }
        is_news
    }

    /// Whether it lacks something, and it is time to try again.
    pub fn is_due(&self) -> bool {
        self.retry_at.is_some_and(|at| at <= Instant::now())
    }

    /// Whether it could not be written.
    pub fn has_failed(&self) -> bool {
        self.has_failed
    }

    fn tried(&mut self, done: &Result<()>) {
        self.has_failed = done.is_err();
        self.retry_at = done.is_err().then(|| Instant::now() + RETRY_AFTER);
    }

    /// Appends what a batch forbids, behind which the feed goes on at a position.
    pub fn append(&mut self, lines: &[TrailLine], position: u64, now: Millis) -> Result<()> {
        if !lines.is_empty() || self.has_failed {
            let lacked = self.lacks;
            let done = self.write(lines, now);
            self.tried(&done);
            done?;
            if self.lacks != lacked {
                self.retry_at = Some(Instant::now());
            }
        }
        if self.lacks.is_none() {
            self.note.position = position;
        }
        Ok(())
    }

    /// Appends what could not be written into the store behind a batch. `newest` says the newest date that is known of a contact.
    /// What was appended already comes again once the store was written since: one is asked again and again.
    pub fn append_alone(
        &mut self,
        forbidden: &[(Phone, Forbidden)],
        behind: u64,
        now: Millis,
        newest: &dyn Fn(Phone) -> Millis,
    ) -> Result<()> {
        let mut lines = Vec::new();
        for (phone, what) in forbidden {
            let is_full = self.alone.len() >= UNWRITTEN_FORBIDS_MAX;
            let line = || Line { line: what.line(*phone, now, newest(*phone)), behind };
            match self.alone.entry(what.key(*phone)) {
                Entry::Occupied(known) if known.get().behind == behind => {}
                Entry::Occupied(mut known) => {
                    known.insert(line());
                    lines.push(known.get().line.clone());
                }
                Entry::Vacant(_) if is_full => {
                    self.has_more_alone = true;
                    lines.push(line().line);
                }
                Entry::Vacant(place) => lines.push(place.insert(line()).line.clone()),
            }
        }
        if lines.is_empty() {
            return Ok(());
        }
        let done = self.write(&lines, now);
        self.tried(&done);
        done
    }

    /// The store has it now.
    pub fn is_stored(&mut self, phone: Phone, what: &Forbidden) {
        // Then the note may reach beyond it.
        if self.alone.remove(&what.key(phone)).is_some() && self.store_has_all() {
            self.retry_at = Some(Instant::now());
        }
    }

    /// Whether the store has what the trail has.
    pub fn store_has_all(&self) -> bool {
        self.alone.is_empty() && !self.has_more_alone
    }

    /// Notes how the file is, as far as the store has what is in it. What it lacks is written once more behind that.
    fn mark(&mut self) -> Result<()> {
        self.note.mark = self.trail.mark()?;
        if !self.alone.is_empty() {
            let lines: Vec<TrailLine> = self.alone.values().map(|known| known.line.clone()).collect();
            self.trail.keep(&lines)?;
            self.trail.flush()?;
        }
        self.alone_is_elsewhere = false;
        Ok(())
    }

    fn write(&mut self, lines: &[TrailLine], now: Millis) -> Result<()> {
        let gone = self.trail.replace();
        self.alone_is_elsewhere |= !self.store_has_all() && !matches!(gone, Ok(None));
        if let Ok(Some(Gone::Moved)) = gone
            && self.note.mark.bytes > 0
        {
            self.trail.keep(&[TrailLine::gap(now, &self.note.mark)])?;
        }
        self.trail.keep(lines)?;
        if !self.trail.has_all() {
            self.lacks = self.lacks.or(Some(Lack::SinceNote));
        }
        if gone? == Some(Gone::Removed) {
            self.lacks = Some(Lack::All);
        }
        self.trail.flush()?;
        if self.lacks.is_none() && (self.store_has_all() || self.alone_is_elsewhere) {
            self.mark()?;
        }
        Ok(())
    }

    /// The store closes. A file that was moved since the last line is followed by a new one now: the next start would find none, and
    /// could not say what became of it.
    pub fn close(&mut self, now: Millis) {
        if self.lacks.is_none() && !self.has_failed && self.trail.is_file() {
            let done = self.write(&[], now);
            self.tried(&done);
        }
    }

    /// Writes what the trail lacks: what the feed has and it has not. Everything in the feed is on disk.
    pub fn complete(&mut self, state: &State) -> Result<()> {
        let done = self.write_missing(state);
        self.tried(&done);
        done
    }

    fn write_missing(&mut self, state: &State) -> Result<()> {
        let Some(lack) = self.lacks else {
            self.write(&[], state.now())?;
            self.note.position = state.feed.next();
            return Ok(());
        };
        let lack = if self.trail.replace()?.is_some() { Lack::All } else { lack };
        let bounds = state.feed_bounds()?;
        let (from, known_bytes) = match lack {
            Lack::SinceNote => (self.note.position, self.note.mark.bytes),
            Lack::All | Lack::Unknown => (0, 0),
        };
        let mut known = Known::read(state, &self.trail, known_bytes)?;
        let had_lines = !known.lines.is_empty();
        let (mut at, mut missing) = (from.max(bounds.first), 0);
        while at < bounds.next {
            let items = state.feed_items(at, PAGE)?.unwrap_or_default();
            let Some(last) = items.last() else { break };
            at = last.position + 1;
            let lines = known.not_among(forbidding(state, &items)?)?;
            missing += lines.len();
            self.trail.append(&lines)?;
        }
        // The feed begins with 1. A trail that lacks nothing of the last weeks was kept before the store had notes of it.
        let is_kept = lack == Lack::Unknown && had_lines && missing == 0;
        if bounds.first > from.max(1) && !is_kept {
            let until = state.feed_items(bounds.first, 1)?.and_then(|items| items.first().map(|item| item.at));
            let until = until.unwrap_or_else(|| state.now());
            self.trail.append(&[TrailLine::gap(until, &self.note.mark)])?;
            self.note.lacks_before = self.note.lacks_before.max(until);
            tracing::warn!(
                "the trail {} does not have what forbids from before {}, and the feed does not reach back farther: a backup of before \
                 cannot be brought up to date with it. Make a backup",
                self.trail.path().display(),
                time::format(until)
            );
        } else if missing > 0 {
            tracing::warn!("{missing} of the lines of {} were missing, and are there now", self.trail.path().display());
        }
        self.note.position = bounds.next;
        self.trail.forget_dropped();
        self.mark()?;
        self.lacks = None;
        Ok(())
    }
}

/// What the end of a trail has.
struct Known {
    /// Their sums: a trail may be long.
    lines: HashSet<[u8; 32]>,
    /// The dates of erasures.
    erased_at: HashSet<String>,
}

impl Known {
    /// Reads a trail from a place on.
    fn read(state: &State, trail: &Trail, from: u64) -> Result<Known> {
        let mut known = Known { lines: HashSet::new(), erased_at: HashSet::new() };
        let mut erased = BTreeSet::new();
        trail.lines_from(from, &mut |line| {
            let Some(line) = TrailLine::read(line) else { return };
            if let Ok(said) = serde_json::to_vec(&line.unsealed()) {
                known.lines.insert(Sha256::digest(said).into());
            }
            if line.is_erasure() {
                erased.extend(Phone::parse(line.phone.as_bytes()));
                known.erased_at.extend(line.opted_out_at);
            }
        })?;
        // One that a restore has brought back from here was done again, at another time.
        for phone in erased {
            let tombstones = state.tombstones_of(phone)?;
            known.erased_at.extend(tombstones.iter().map(|(_, tombstone)| time::format(tombstone.gone_at)));
        }
        Ok(known)
    }

    /// Those lines that it does not have, each once.
    fn not_among(&mut self, lines: Vec<TrailLine>) -> Result<Vec<TrailLine>> {
        let mut new = Vec::new();
        for line in lines {
            let sum = Sha256::digest(serde_json::to_vec(&line).map_err(Error::internal)?).into();
            let is_told = line.is_erasure()
                && line.phone.is_empty()
                && line.opted_out_at.as_ref().is_some_and(|at| self.erased_at.contains(at));
            if !is_told && self.lines.insert(sum) {
                new.push(line);
            }
        }
        Ok(new)
    }
}

/// What forbids of those whom items of the feed are about.
fn forbidding(state: &State, items: &[FeedItem]) -> Result<Vec<TrailLine>> {
    let (mut phones, mut lines) = (BTreeSet::<Phone>::new(), Vec::new());
    for FeedItem { at, what, .. } in items {
        match what {
            FeedWhat::Contact { phone: Some(phone), .. } => drop(phones.insert(*phone)),
            // Nobody knows any more whom, and somebody has to be told.
            FeedWhat::Contact { phone: None, cause: EventKind::Erased, .. } => {
                lines.push(TrailLine::erased("", &time::format(*at)));
            }
            _ => {}
        }
    }
    for phone in phones {
        let contact = match state.contact(phone)? {
            Some(contact) => Some(contact),
            None => {
                let tombstone = state.tombstones_of(phone)?.into_iter().next();
                tombstone.map(|(_, tombstone)| tombstone.restore(phone, tombstone.gone_at))
            }
        };
        let lists = state.memory.gate().lists().clone();
        lines.extend(contact.iter().flat_map(|contact| trail::news(None, contact, &lists)));
        let waiting: Vec<u64> = state.memory.gate().inbox.of(phone).map(|(number, _)| number).collect();
        for number in waiting {
            let stored = state.expanded(&keys::inbox(number))?;
            let waiting = stored.map(|value| codec::decode_waiting(&value)).transpose()?;
            lines.extend(waiting.iter().map(TrailLine::from));
        }
    }
    Ok(lines)
}
