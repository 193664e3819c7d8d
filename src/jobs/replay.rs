//! A trail back into a store: what forbids, line by line. To take a fact twice does no harm.

use std::fs::File;
use std::io::{self, BufRead, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, mpsc};

use crate::counted::counted;
use crate::error::{Error, Result};
use crate::limits::JOB_WRITES_MAX;
use crate::model::change::{Change, Inbound, Statement, Write};
use crate::model::fact::How;
use crate::model::fence::Replayed;
use crate::model::inbox::is_settled;
use crate::model::keyword::Meaning;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::{self, Millis};
use crate::model::tombstone::RemovedBy;
use crate::model::trail::{ALL_LISTS, TrailLine, news};
use crate::store::{Job, Store};

/// So much of a trail's end is compared with a store when it is opened.
const END_BYTES: u64 = 64 * 1024;

/// Brings back what a trail has. A line that cannot be read was cut off by a crash before anybody was told that it is there;
/// `tell` is told of it.
pub fn replay(store: &Store, trail: &Path, tell: &dyn Fn(&str), replayed: &mut Replayed) -> Result<()> {
    take_lines(store, trail, &|_| Ok(true), tell, replayed)
}

/// Brings back what a trail has and the store lacks: it was copied, or restored, from before. Such a store lacks what the end of
/// its trail says, so that is looked at first.
pub fn bring_back(store: &Store, trail: &Path) -> Result<()> {
    let end = end_of(trail).map_err(|why| cannot_read(trail, &why))?;
    let lines = end.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice::<TrailLine>(line).ok());
    let mut is_old = false;
    for line in lines {
        // What was known of a list that was removed is gone with it.
        is_old |= has_list(store, &line) && lacks(store, &line)?;
    }
    if !is_old {
        return Ok(());
    }
    let mut replayed = Replayed::default();
    let tell = |words: &str| tracing::warn!("{words}");
    take_lines(store, trail, &|line| lacks(store, line), &tell, &mut replayed)?;
    store.note_replayed(replayed)?;
    tracing::warn!(
        "the store is older than its trail: {} that forbids and that it did not know came back from {}. Opt-ins and messages of that \
         time are in no trail, and are missing",
        counted(replayed.facts, "fact"),
        trail.display()
    );
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

/// The end of a file, from the beginning of a line on, or from within it.
fn end_of(path: &Path) -> io::Result<Vec<u8>> {
    // Of what is no file nothing can be read again.
    if !std::fs::metadata(path)?.is_file() {
        return Ok(Vec::new());
    }
    let mut file = File::open(path)?;
    let from = file.metadata()?.len().saturating_sub(END_BYTES);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(END_BYTES).read_to_end(&mut end)?;
    Ok(end)
}

/// Whether a store has the list of a line.
fn has_list(store: &Store, line: &TrailLine) -> bool {
    let list = ListNumber::parse(line.list.as_bytes());
    list.is_none_or(|list| store.gate().lists().known(list).is_some())
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

/// Takes those lines that are wanted.
fn take_lines(
    store: &Store,
    trail: &Path,
    is_wanted: &dyn Fn(&TrailLine) -> Result<bool>,
    tell: &dyn Fn(&str),
    replayed: &mut Replayed,
) -> Result<()> {
    let lines = io::BufReader::new(File::open(trail).map_err(|why| cannot_read(trail, &why))?);
    let mut writes = Vec::new();
    for (number, line) in (1_u64..).zip(lines.lines()) {
        let line = line.map_err(|why| cannot_read(trail, &why))?;
        if line.trim().is_empty() {
            continue;
        }
        let read = serde_json::from_str::<TrailLine>(line.trim_start_matches('\u{feff}')).ok();
        let is_erasure = read.as_ref().is_some_and(TrailLine::is_erasure);
        if let Some(line) = read.as_ref().filter(|line| is_erasure && line.phone.is_empty()) {
            let at = line.opted_out_at.as_deref().and_then(|at| time::parse(at).ok());
            replayed.unnamed_erasures += 1;
            replayed.unnamed_erasures_to = replayed.unnamed_erasures_to.max(at.unwrap_or(1));
            continue;
        }
        let Some((write, at)) = read.as_ref().and_then(fact) else {
            replayed.passed_over += 1;
            tell(&format!("{}, line {number} cannot be read and was passed over: {line}", trail.display()));
            continue;
        };
        if let Some(line) = &read
            && !is_wanted(line)?
        {
            continue;
        }
        replayed.facts += 1;
        replayed.to = replayed.to.max(at);
        if let (Write::Contact { phone, .. }, Some(line)) = (&write, read.filter(TrailLine::is_waiting)) {
            take(store, std::mem::take(&mut writes))?;
            // To show a message twice would have a person read it twice.
            if store.knows_waiting(*phone, at, &line.reason)? {
                continue;
            }
        }
        if let (Write::Contact { phone, .. }, true) = (&write, is_erasure) {
            take(store, std::mem::take(&mut writes))?;
            store.erase(*phone, Arc::default())?;
            continue;
        }
        writes.push(write);
        if writes.len() == JOB_WRITES_MAX {
            take(store, std::mem::take(&mut writes))?;
        }
    }
    take(store, writes)
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
