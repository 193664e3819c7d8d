//! A trail back into a store: what forbids, line by line. To take a fact twice does no harm.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use crate::counted::counted;
use crate::error::{Code, Error, Result};
use crate::limits::JOB_WRITES_MAX;
use crate::model::change::{Change, Inbound, Statement, Write};
use crate::model::fact::How;
use crate::model::fence::{Cause, Fence, Replayed};
use crate::model::inbox::is_settled;
use crate::model::keyword::Meaning;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::{self, Millis};
use crate::model::tombstone::RemovedBy;
use crate::model::trail::{ALL_LISTS, Follower, Gap, Link, TrailLine, TrailMark, news};
use crate::store::trail::{has_been_from, seal_before};
use crate::store::{Job, Store, TrailFound};

/// So much of a trail's end is compared with a store that knows nothing of it, when it is opened.
const END_BYTES: u64 = 64 * 1024;

/// So many lines of a file that may be no trail are told one by one.
const TOLD_MAX: u64 = 10;
/// So much of a line that cannot be read is told.
const LINE_CHARS_MAX: usize = 500;

/// Brings back what trails have, into a store that is as it was at a date. `tell` is told of each line that cannot be read, and
/// of what else the trails seem to lack.
pub fn replay(store: &Store, trails: &[PathBuf], backup_at: Millis, tell: &dyn Fn(&str)) -> Result<Replayed> {
    let mut replayed = Replayed::default();
    if trails.is_empty() {
        return Ok(replayed);
    }
    let mut seen = Seen::new(store, backup_at)?;
    for trail in trails {
        Lines::new(store, trail, &|_| Ok(true), tell, Memory::IsLost).take(&mut replayed, &mut seen)?;
    }
    seen.judge(&mut replayed, store.now(), tell)?;
    Ok(replayed)
}

/// What was seen of trails, by which it can be told whether they have everything since a date.
struct Seen {
    /// The store is as it was then; 0 if nobody knows.
    backup_at: Millis,
    /// How its own trail was then, if it kept one.
    mark: Option<TrailMark>,
    /// One of the trails is that one, with what came since behind it.
    reaches_back: bool,
    /// Each file, with the places where one that was joined to others begins.
    files: Vec<(PathBuf, Vec<u64>)>,
    /// What they say that they lack, but for what the store knew.
    gaps: Vec<Gap>,
    /// The date of the first line of a file of which nobody can say that it is the first that was written.
    begins: Option<Millis>,
    /// Lines that say something.
    lines: u64,
}

impl Seen {
    fn new(store: &Store, backup_at: Millis) -> Result<Seen> {
        let mark = store.trail_note()?.map(|note| note.mark);
        let (files, gaps) = (Vec::new(), Vec::new());
        Ok(Seen { backup_at, mark, reaches_back: false, files, gaps, begins: None, lines: 0 })
    }

    /// How much of a file the store knew, where one begins at a place.
    fn known_of(&mut self, trail: &Path, begin: u64) -> Result<u64> {
        let Some(mark) = self.mark else { return Ok(0) };
        let is_it = has_been_from(trail, begin, &mark)?;
        self.reaches_back |= is_it;
        Ok(if is_it { begin + mark.bytes } else { 0 })
    }

    fn has(&self, mark: &TrailMark) -> Result<bool> {
        for (trail, begins) in &self.files {
            for begin in begins {
                if has_been_from(trail, *begin, mark)? {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// Says what the trails seem to lack.
    fn judge(&self, replayed: &mut Replayed, now: Millis, tell: &dyn Fn(&str)) -> Result<()> {
        replayed.is_compared = true;
        for gap in &self.gaps {
            if gap.until > self.backup_at && gap.before.map(|before| self.has(&before)).transpose()? != Some(true) {
                replayed.lacks_before = replayed.lacks_before.max(gap.until);
            }
        }
        replayed.is_other = self.mark.is_some() && !self.reaches_back;
        // Without a line, a trail that should have some begins now.
        let begins = if replayed.is_other && self.lines == 0 { Some(now) } else { self.begins };
        if !self.reaches_back
            && let Some(begins) = begins.filter(|begins| *begins > self.backup_at)
        {
            replayed.lacks_before = replayed.lacks_before.max(begins);
        }
        if replayed.lacks_before > 0 {
            let since = match self.backup_at {
                0 => "before".to_owned(),
                at => format!("between {} and", time::format(at)),
            };
            tell(&format!(
                "THE TRAILS DO NOT REACH BACK TO THE BACKUP: what forbids from {since} {} may be missing. Give all of them",
                time::format(replayed.lacks_before)
            ));
        } else if replayed.is_other {
            tell(
                "None of the trails is as the store left it when the backup was made: either another machine wrote it, or lines are gone \
                 from it",
            );
        }
        Ok(())
    }
}

/// Brings back what a trail has and the store lacks: it was copied, or restored, from before. Such a store lacks what its trail
/// says last, so that is looked at first.
///
/// The trail has everything since if it is the file that the store knew, with whole lines behind that. If nobody can say so, nobody
/// gets messages: somebody who opted out may be in neither.
pub fn bring_back(store: &Store, trail: &Path) -> Result<()> {
    // Of what is no file nothing can be read again.
    if !std::fs::metadata(trail).is_ok_and(|file| file.is_file()) {
        return Ok(());
    }
    let end = end_of(trail, store.trail_known()).map_err(|why| cannot_read(trail, &why))?;
    let (mut is_old, mut is_sure) = (false, store.trail_known().is_some());
    let before = store.trail_known().map(|known| seal_before(trail, known)).transpose()?.flatten();
    let mut follower = Follower::behind(before);
    for line in end.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match TrailLine::read(line) {
            Some(line) if line.as_gap().is_none() && !(line.is_erasure() && line.phone.is_empty()) => {
                is_sure &= !matches!(follower.follow(&line), Link::Gone(_) | Link::Changed);
                is_old |= !is_gone_with_list(store, &line) && lacks(store, &line)?;
            }
            _ => is_sure = false,
        }
    }
    let stands = store.gate().lists().fence;
    // What stands behind a fence was compared with trails at the restore, or is now.
    let is_compared = stands.is_none_or(|fence| fence.replayed.is_compared);
    if !is_old && is_compared {
        if stands.is_none() && store.is_trail_other() {
            store.set_trail_found(TrailFound::Other);
        }
        return Ok(());
    }
    let fence = Fence { restored_at: store.now(), cause: Cause::Trail, ..Fence::default() };
    let is_raised = is_old && !is_sure && store.fence(fence, Arc::default())?;
    let backup_at = store.gate().lists().fence.map_or(0, |fence| fence.backup_at);
    let mut replayed = Replayed::default();
    let tell = |words: &str| tracing::warn!("{words}");
    let is_wanted = |line: &TrailLine| lacks(store, line);
    let mut seen = Seen::new(store, backup_at)?;
    Lines::new(store, trail, &is_wanted, &tell, Memory::IsEnough).take(&mut replayed, &mut seen)?;
    if store.gate().lists().fence.is_some() {
        seen.judge(&mut replayed, store.now(), &tell)?;
        store.note_replayed(replayed)?;
    } else {
        store.set_trail_found(TrailFound::Newer);
    }
    if !is_old {
        return Ok(());
    }
    tracing::warn!(
        "the store is older than its trail, or could not be written: from {} it took {} which it did not know. Opt-ins, pauses and removals \
         of lists and messages of that time are in no trail, and are missing",
        trail.display(),
        counted(replayed.facts, "fact")
    );
    if is_raised {
        tracing::error!(
            "nobody can say that this trail has everything that the store lacks: it was begun anew since, or is cut, or has lines that \
             cannot be read. Nobody gets messages until UNFENCE"
        );
    }
    if !replayed.is_complete() {
        tracing::warn!(
            "the trail does not tell everything: {} in it cannot be read, and {} in it do not say whose they were. ERASE those numbers \
             again, and look for opt-outs elsewhere",
            counted(replayed.passed_over, "line"),
            counted(replayed.unnamed_erasures, "erasure")
        );
    }
    Ok(())
}

/// The end of a file: from a place on, where a line begins, or from within one.
fn end_of(path: &Path, from: Option<u64>) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let from = from.unwrap_or(file.metadata()?.len().saturating_sub(END_BYTES));
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    Ok(end)
}

/// Whether what a line says is gone with its list, which was removed later.
fn is_gone_with_list(store: &Store, line: &TrailLine) -> bool {
    let (Some(list), Some((_, at))) = (ListNumber::parse(line.list.as_bytes()), fact(line)) else { return false };
    store.gate().lists().iter().any(|(_, known)| known.number == list && known.removed_at >= at)
}

/// Whether a store never learned what a line says.
fn lacks(store: &Store, line: &TrailLine) -> Result<bool> {
    let Some((Write::Contact { phone, list, .. }, at)) = fact(line) else { return Ok(false) };
    let contact = store.contact(phone)?;
    let tombstone = if contact.is_none() { store.tombstone(phone)? } else { None };
    let gone_at = tombstone.as_ref().map(|tombstone| tombstone.gone_at);
    if line.is_erasure() {
        let is_erased =
            tombstone.is_some_and(|tombstone| tombstone.why == RemovedBy::Erased && tombstone.gone_at >= at);
        return Ok(contact.map_or(!is_erased, |contact| contact.created_at <= at));
    }
    let lists = Arc::clone(store.gate().lists());
    if let (true, Some(list)) = (line.is_waiting(), list) {
        // What waited when its contact went was settled by that; so it was if the contact came in later.
        let Some(contact) = contact else { return Ok(gone_at.is_none_or(|gone_at| gone_at < at)) };
        let is_over = contact.created_at > at || is_settled(&contact, list, at, &lists);
        return Ok(!is_over && !store.knows_waiting(phone, at, &line.reason)?);
    }
    // What is known of a number that is gone comes back with it.
    let Some(known) = contact.or_else(|| Some(tombstone?.restore(phone, at))) else { return Ok(true) };
    let is_known = |known: &TrailLine| {
        let dates = [
            (&known.opted_out_at, &line.opted_out_at),
            (&known.suppressed_at, &line.suppressed_at),
            (&known.invalid_at, &line.invalid_at),
        ];
        let date = |text: &Option<String>| text.as_ref().and_then(|text| time::parse(text).ok());
        known.list == line.list && dates.iter().any(|(known, told)| told.is_some() && date(known) >= date(told))
    };
    Ok(!news(None, &known, &lists).iter().any(is_known))
}

fn cannot_read(trail: &Path, why: &io::Error) -> Error {
    Error::internal(format!("cannot read the trail {}: {why}", trail.display()))
}

/// The lines of a trail, on their way into a store.
struct Lines<'a> {
    store: &'a Store,
    trail: &'a Path,
    is_wanted: &'a dyn Fn(&TrailLine) -> Result<bool>,
    tell: &'a dyn Fn(&str),
    memory: Memory,
    /// Lines of which something was told, one by one.
    told: u64,
    /// It has lines of a trail.
    is_trail: bool,
}

impl<'a> Lines<'a> {
    fn new(
        store: &'a Store,
        trail: &'a Path,
        is_wanted: &'a dyn Fn(&TrailLine) -> Result<bool>,
        tell: &'a dyn Fn(&str),
        memory: Memory,
    ) -> Lines<'a> {
        Lines { store, trail, is_wanted, tell, memory, told: 0, is_trail: false }
    }

    /// Tells what is wrong with a line. Of a file that has no lines of a trail only the first ones are told: it may be any file.
    fn tell(&mut self, number: u64, what: &str) {
        self.told += 1;
        let trail = self.trail.display();
        match self.told {
            told if self.is_trail || told <= TOLD_MAX => (self.tell)(&format!("{trail}, line {number} {what}")),
            told if told == TOLD_MAX + 1 => (self.tell)(&format!("{trail}: there are more such lines")),
            _ => {}
        }
    }

    /// Takes those that are wanted.
    fn take(&mut self, replayed: &mut Replayed, seen: &mut Seen) -> Result<()> {
        let failed = |trail: &Path, why: io::Error| cannot_read(trail, &why);
        let file = File::open(self.trail).map_err(|why| failed(self.trail, why))?;
        let mut writes = Vec::new();
        let mut follower = Follower::of_file();
        let (mut begins, mut has_begun, mut offset) = (vec![0], false, 0);
        let mut known = seen.known_of(self.trail, 0)?;
        for (number, line) in (1_u64..).zip(io::BufReader::new(file).split(b'\n')) {
            let line = line.map_err(|why| failed(self.trail, why))?;
            let at_place = offset;
            offset += line.len() as u64 + 1;
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let read = TrailLine::read(line);
            let before = read.as_ref().map(|line| follower.follow(line));
            self.is_trail |= read.is_some();
            if before == Some(Link::First) && at_place > 0 {
                begins.push(at_place);
                known = known.max(seen.known_of(self.trail, at_place)?);
            }
            // What the store knew nobody misses.
            let is_news = at_place >= known;
            match before {
                Some(Link::Gone(gone)) if is_news => {
                    replayed.passed_over += gone;
                    self.tell(
                        number,
                        &format!("comes too early: {} of those before it are gone", counted(gone, "line")),
                    );
                }
                Some(Link::Changed) if is_news => {
                    replayed.passed_over += 1;
                    self.tell(
                        number,
                        "or one before it is not as it was written: it may have been about somebody else",
                    );
                }
                None => follower.pass_over(),
                _ => {}
            }
            if let Some(gap) = read.as_ref().and_then(TrailLine::as_gap) {
                has_begun = true;
                seen.gaps.extend(Some(gap).filter(|_| is_news));
                continue;
            }
            let is_erasure = read.as_ref().is_some_and(TrailLine::is_erasure);
            if let Some(line) = read.as_ref().filter(|line| is_erasure && line.phone.is_empty()) {
                let at = line.opted_out_at.as_deref().and_then(|at| time::parse(at).ok());
                // The store knows of those before it was backed up.
                if is_news && at.is_none_or(|at| at > seen.backup_at) {
                    replayed.unnamed_erasures += 1;
                    replayed.unnamed_erasures_to = replayed.unnamed_erasures_to.max(at.unwrap_or(1));
                }
                continue;
            }
            let Some((write, at)) = read.as_ref().and_then(fact) else {
                replayed.passed_over += 1;
                let line: String = String::from_utf8_lossy(line).chars().take(LINE_CHARS_MAX).collect();
                self.tell(number, &format!("cannot be read and was passed over: {line}"));
                continue;
            };
            seen.lines += 1;
            // Who wrote a first line knew of nothing before it, or said so.
            if !std::mem::replace(&mut has_begun, true) && before != Some(Link::First) {
                seen.begins = Some(seen.begins.map_or(at, |begins| begins.min(at)));
            }
            if let Some(line) = &read
                && !(self.is_wanted)(line)?
            {
                continue;
            }
            replayed.facts += 1;
            replayed.to = replayed.to.max(at);
            if let (Write::Contact { phone, .. }, Some(line)) = (&write, read.filter(TrailLine::is_waiting)) {
                take(self.store, std::mem::take(&mut writes), self.memory)?;
                // To show a message twice would have a person read it twice.
                if self.store.knows_waiting(*phone, at, &line.reason)? {
                    continue;
                }
            }
            if let (Write::Contact { phone, .. }, true) = (&write, is_erasure) {
                take(self.store, std::mem::take(&mut writes), self.memory)?;
                self.store.erase(*phone, Arc::default())?;
                continue;
            }
            writes.push(write);
            if writes.len() == JOB_WRITES_MAX {
                take(self.store, std::mem::take(&mut writes), self.memory)?;
            }
        }
        seen.files.push((self.trail.to_owned(), begins));
        take(self.store, writes, self.memory)
    }
}

/// Makes a change of what is said.
type Make = fn(Statement) -> Change;

/// What a line says, and when it was so.
fn fact(line: &TrailLine) -> Option<(Write, Millis)> {
    let phone = Phone::parse(line.phone.as_bytes())?;
    let list = if line.list == ALL_LISTS { None } else { Some(ListNumber::parse(line.list.as_bytes())?) };
    let said: [(&Option<String>, Make); 3] = [
        (&line.opted_out_at, Change::OptOut),
        (&line.suppressed_at, Change::Suppress),
        (&line.invalid_at, Change::Invalid),
    ];
    let (at, change) = said.into_iter().find_map(|(at, change)| Some((at.as_ref()?, change)))?;
    let at = time::parse(at).ok()?;
    if line.is_waiting() {
        let (id, text) = (String::new(), line.reason.clone());
        let inbound = Inbound { at: Some(at), given: Some(at), undated: false, id, text, meaning: Meaning::MaybeOut };
        return list.is_some().then_some((Write::Contact { phone, list, change: Change::Inbound(inbound) }, at));
    }
    let statement = Statement {
        at: Some(at),
        how: How::parse(&line.how).unwrap_or_default(),
        source: line.source.clone(),
        reason: line.reason.clone(),
        ..Statement::default()
    };
    Some((Write::Contact { phone, list, change: change(statement) }, at))
}

/// Has the store take facts. None of them may be refused, but for those that memory holds instead where that is enough.
fn take(store: &Store, writes: Vec<Write>, memory: Memory) -> Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let (send, taken) = mpsc::channel();
    let done = Box::new(move |outcomes| drop(send.send(outcomes)));
    store.submit(Job { writes: writes.clone(), by: Arc::default(), done });
    let outcomes = taken.recv().map_err(|_| Error::internal("the store has ended"))?;
    let mut gate = None;
    for (write, outcome) in writes.iter().zip(outcomes) {
        match outcome {
            Err(why) if why.code == Code::ReadOnly && memory == Memory::IsEnough => {
                if !gate.get_or_insert_with(|| store.gate()).holds_unwritten(write, store.now()) {
                    return Err(why);
                }
            }
            outcome => drop(outcome?),
        }
    }
    Ok(())
}

/// Whether it is enough that memory holds what could not be written: the store is served from now on, and its trail has it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Memory {
    IsEnough,
    IsLost,
}
