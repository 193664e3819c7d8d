//! A trail back into a store: what forbids, line by line. To take a fact twice does no harm.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, mpsc};

use crate::counted::counted;
use crate::error::{Error, Result};
use crate::limits::JOB_WRITES_MAX;
use crate::model::change::{Change, Inbound, Statement, Write};
use crate::model::fact::How;
use crate::model::fence::{Cause, Fence, Replayed};
use crate::model::inbox::is_settled;
use crate::model::keyword::Meaning;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::{self, Millis};
use crate::model::tombstone::RemovedBy;
use crate::model::trail::{ALL_LISTS, Gap, TrailLine, TrailMark, news};
use crate::store::trail::has_been;
use crate::store::{Job, Store};

/// So much of a trail's end is compared with a store that knows nothing of it, when it is opened.
const END_BYTES: u64 = 64 * 1024;

/// Brings back what trails have, into a store that is as it was at a date. `tell` is told of each line that cannot be read, and
/// of what else the trails seem to lack.
pub fn replay(store: &Store, trails: &[PathBuf], backup_at: Millis, tell: &dyn Fn(&str)) -> Result<Replayed> {
    let mut replayed = Replayed::default();
    let (mut gaps, mut begins) = (Vec::new(), Vec::new());
    for trail in trails {
        let mut lines = Lines { store, trail, is_wanted: &|_| Ok(true), tell, gaps: Vec::new(), begins: None };
        lines.take(&mut replayed)?;
        gaps.append(&mut lines.gaps);
        begins.extend(lines.begins);
    }
    let mark = store.trail_note()?.map(|note| note.mark);
    let has = |mark: TrailMark| -> Result<bool> {
        let found = trails.iter().map(|trail| has_been(trail, &mark)).collect::<Result<Vec<_>>>()?;
        Ok(found.contains(&true))
    };
    let reaches_back = mark.map(has).transpose()?;
    for gap in gaps.iter().filter(|gap| gap.until > backup_at) {
        if gap.before.map(has).transpose()? != Some(true) {
            replayed.lacks_before = replayed.lacks_before.max(gap.until);
        }
    }
    replayed.is_other = reaches_back == Some(false);
    if reaches_back != Some(true)
        && let Some(begins) = begins.into_iter().min().filter(|begins| *begins > backup_at)
    {
        replayed.lacks_before = replayed.lacks_before.max(begins);
    }
    if replayed.lacks_before > 0 {
        tell(&format!(
            "THE TRAILS DO NOT REACH BACK TO THE BACKUP: what forbids from between {} and {} may be missing. Give all of them",
            time::format(backup_at),
            time::format(replayed.lacks_before)
        ));
    } else if replayed.is_other {
        tell(
            "None of the trails is as the store left it when the backup was made: either another machine wrote it, or lines are gone \
             from it",
        );
    }
    Ok(replayed)
}

/// Brings back what a trail has and the store lacks: it was copied, or restored, from before. Such a store lacks what its trail
/// says last, so that is looked at first.
///
/// The trail has everything since if it is the file that the store knew, with whole lines behind that. If nobody can say so, nobody
/// gets messages: somebody who opted out may be in neither.
pub fn bring_back(store: &Store, trail: &Path) -> Result<()> {
    let end = end_of(trail, store.trail_known()).map_err(|why| cannot_read(trail, &why))?;
    let (mut is_old, mut is_sure) = (false, store.trail_known().is_some());
    for line in end.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        match TrailLine::read(line) {
            Some(line) if line.as_gap().is_none() && !(line.is_erasure() && line.phone.is_empty()) => {
                is_old |= !is_gone_with_list(store, &line) && lacks(store, &line)?;
            }
            _ => is_sure = false,
        }
    }
    if !is_old {
        return Ok(());
    }
    let fence = Fence { restored_at: store.now(), cause: Cause::Trail, ..Fence::default() };
    let is_raised = !is_sure && store.fence(fence, Arc::default())?;
    let mut replayed = Replayed::default();
    let tell = |words: &str| tracing::warn!("{words}");
    let is_wanted = |line: &TrailLine| lacks(store, line);
    Lines { store, trail, is_wanted: &is_wanted, tell: &tell, gaps: Vec::new(), begins: None }.take(&mut replayed)?;
    store.note_replayed(replayed)?;
    tracing::warn!(
        "the store is older than its trail: {} that forbids and that it did not know came back from {}. Opt-ins and messages of that \
         time are in no trail, and are missing",
        counted(replayed.facts, "fact"),
        trail.display()
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
    // Of what is no file nothing can be read again.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(Vec::new());
    }
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
    /// What the trail says that it lacks.
    gaps: Vec<Gap>,
    /// The date of the first line that can be read.
    begins: Option<Millis>,
}

impl Lines<'_> {
    /// Takes those that are wanted.
    fn take(&mut self, replayed: &mut Replayed) -> Result<()> {
        let failed = |why: io::Error| cannot_read(self.trail, &why);
        let lines = io::BufReader::new(File::open(self.trail).map_err(failed)?);
        let mut writes = Vec::new();
        for (number, line) in (1_u64..).zip(lines.split(b'\n')) {
            let line = line.map_err(failed)?;
            let line = line.trim_ascii();
            if line.is_empty() {
                continue;
            }
            let read = TrailLine::read(line);
            if let Some(gap) = read.as_ref().and_then(TrailLine::as_gap) {
                self.gaps.push(gap);
                continue;
            }
            let is_erasure = read.as_ref().is_some_and(TrailLine::is_erasure);
            if let Some(line) = read.as_ref().filter(|line| is_erasure && line.phone.is_empty()) {
                let at = line.opted_out_at.as_deref().and_then(|at| time::parse(at).ok());
                replayed.unnamed_erasures += 1;
                replayed.unnamed_erasures_to = replayed.unnamed_erasures_to.max(at.unwrap_or(1));
                continue;
            }
            let Some((write, at)) = read.as_ref().and_then(fact) else {
                replayed.passed_over += 1;
                let line = String::from_utf8_lossy(line);
                (self.tell)(&format!(
                    "{}, line {number} cannot be read and was passed over: {line}",
                    self.trail.display()
                ));
                continue;
            };
            self.begins = self.begins.or(Some(at));
            if let Some(line) = &read
                && !(self.is_wanted)(line)?
            {
                continue;
            }
            replayed.facts += 1;
            replayed.to = replayed.to.max(at);
            if let (Write::Contact { phone, .. }, Some(line)) = (&write, read.filter(TrailLine::is_waiting)) {
                take(self.store, std::mem::take(&mut writes))?;
                // To show a message twice would have a person read it twice.
                if self.store.knows_waiting(*phone, at, &line.reason)? {
                    continue;
                }
            }
            if let (Write::Contact { phone, .. }, true) = (&write, is_erasure) {
                take(self.store, std::mem::take(&mut writes))?;
                self.store.erase(*phone, Arc::default())?;
                continue;
            }
            writes.push(write);
            if writes.len() == JOB_WRITES_MAX {
                take(self.store, std::mem::take(&mut writes))?;
            }
        }
        take(self.store, writes)
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

/// Has the store take facts. None of them may be refused.
fn take(store: &Store, writes: Vec<Write>) -> Result<()> {
    if writes.is_empty() {
        return Ok(());
    }
    let (send, taken) = mpsc::channel();
    let done = Box::new(move |outcomes| drop(send.send(outcomes)));
    store.submit(Job { writes, by: Arc::default(), done });
    let outcomes = taken.recv().map_err(|_| Error::internal("the store has ended"))?;
    outcomes.into_iter().try_for_each(|outcome| outcome.map(drop))
}
