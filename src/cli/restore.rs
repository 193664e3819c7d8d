//! `contactd restore`: a backup as a new store, behind a fence.

use std::fs;
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, mpsc};
use std::time::Instant;

use clap::Args;

use super::backup::{counts_json, open, seconds};
use super::say;
use crate::error::{Error, Result};
use crate::json::date;
use crate::limits::JOB_WRITES_MAX;
use crate::model::change::{Change, Statement, Write};
use crate::model::fact::How;
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::{self, Millis};
use crate::model::trail::{ALL_LISTS, ERASED, TrailLine};
use crate::store::engine::DiskEngine;
use crate::store::{BackupEnd, BackupFacts, Job, Options, Store};

/// Restore a backup into a new data directory, and compare everything that is derived with the records
///
/// A backup does not know who opted out after it was made. So the daemon that serves the new directory says `no fenced` to every
/// CHECK and CLAIM, until you have brought those opt-outs back and end it with UNFENCE.
///
/// Exit code 0: it is restored; 2: it is not, and nothing was left behind.
#[derive(Args)]
pub struct Restore {
    /// The backup, or - for standard input
    #[arg(value_name = "FILE")]
    from: PathBuf,
    /// The new data directory: it must be empty, or not exist
    #[arg(long, value_name = "DIR", required_unless_present = "drill")]
    data_dir: Option<PathBuf>,
    /// Bring back what a trail has (`contactd serve --trail`, `contactd feed --forbidding`): who opted out after the backup; may be repeated
    #[arg(long, value_name = "TRAIL", conflicts_with = "drill")]
    replay: Vec<PathBuf>,
    /// Restore into a temporary directory, compare, tell how long it took, and remove it
    #[arg(long, conflicts_with = "data_dir")]
    drill: bool,
    /// For --drill: where that directory is made; it needs about as much space as the store [default: where the system says]
    #[arg(long, value_name = "DIR", requires = "drill")]
    within: Option<PathBuf>,
}

impl Restore {
    pub fn run(self) -> Result<ExitCode> {
        let since = Instant::now();
        let (restored, place) = match &self.data_dir {
            Some(dir) => (onto(&self.from, dir, &self.replay)?, dir.display().to_string()),
            None => {
                let within = self.within.clone().unwrap_or_else(std::env::temp_dir);
                let dir = tempfile::Builder::new().prefix("contactd-drill-").tempdir_in(&within);
                let dir = dir.map_err(|why| {
                    Error::internal(format!("cannot make a directory in {}: {why}", within.display()))
                })?;
                (restore(&self.from, dir.path(), &[])?, String::new())
            }
        };
        let (restored, replayed) = restored;
        let mut json = counts_json(&restored.end);
        json["restored"] = self.from.display().to_string().into();
        json["closed_at"] = date(restored.end.closed_at);
        json["seconds"] = seconds(since).into();
        json["fenced"] = true.into();
        if self.drill {
            say(&json);
            return Ok(ExitCode::SUCCESS);
        }
        json["data_dir"] = place.into();
        json["replayed"] = replayed.lines.into();
        json["replayed_to"] = date(replayed.newest);
        json["unnamed_erasures_to"] = date(replayed.unnamed_erasures_to);
        say(&json);
        if replayed.unnamed_erasures_to > 0 {
            eprintln!(
                "Contacts were erased until {}, and the feed from which a trail was made does not name them: ERASE those numbers \
                 again before UNFENCE.",
                time::format(replayed.unnamed_erasures_to)
            );
        }
        eprintln!(
            "This store knows nothing that came after {}, but for {} lines of trails. It says no to everybody. Bring back what else \
             came later, then UNFENCE.",
            time::format(restored.end.closed_at),
            replayed.lines
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// Restores a backup beside a directory that is empty or not there, and puts it there once it is whole.
fn onto(from: &Path, dir: &Path, trails: &[PathBuf]) -> Result<(BackupFacts, Replayed)> {
    let failed = |why: &io::Error| Error::internal(format!("cannot restore into {}: {why}", dir.display()));
    match fs::read_dir(dir).map(|mut entries| entries.next().is_none()) {
        Ok(false) => {
            return Err(Error::bad_arg(format!(
                "{} is not empty: a backup is restored into a new directory",
                dir.display()
            )));
        }
        Err(why) if why.kind() != io::ErrorKind::NotFound => return Err(failed(&why)),
        Ok(true) | Err(_) => {}
    }
    let parent = dir.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(|why| failed(&why))?;
    // A crash leaves no directory that looks like a store.
    let beside =
        tempfile::Builder::new().prefix(".contactd-restore-").tempdir_in(parent).map_err(|why| failed(&why))?;
    let restored = restore(from, beside.path(), trails)?;
    let beside = beside.keep();
    let renamed = fs::rename(&beside, dir).and_then(|()| fs::File::open(parent)?.sync_all());
    renamed.inspect_err(|_| drop(fs::remove_dir_all(&beside))).map_err(|why| failed(&why))?;
    Ok(restored)
}

/// Restores a backup into a directory, compares it with what it says of itself, and brings back what trails have.
fn restore(from: &Path, dir: &Path, trails: &[PathBuf]) -> Result<(BackupFacts, Replayed)> {
    let options = Options::new(dir.to_owned(), Arc::new(super::serve::now));
    let (store, facts, found) = Store::restore(Arc::new(DiskEngine::open(dir)?), open(from)?, options)?;
    let verified = store.verify(false)?;
    let same = |end: &BackupEnd| (end.contacts, end.forbidden, end.subscriptions_forbidden, end.lists, end.tombstones);
    if verified.differing > 0 || same(&found) != same(&facts.end) {
        return Err(Error::internal(format!(
            "the restored store is not what was backed up: {} of its indexes differ, it has {}, and the backup says {}: use \
             another backup",
            verified.differing,
            counts_json(&found),
            counts_json(&facts.end)
        )));
    }
    let mut replayed = Replayed::default();
    trails.iter().try_for_each(|trail| replay(&store, trail, &mut replayed))?;
    if replayed.lines > 0 {
        store.note_replayed(replayed.lines, replayed.newest)?;
    }
    Ok((facts, replayed))
}

/// What trails brought back.
#[derive(Default)]
struct Replayed {
    lines: u64,
    /// The date of the newest fact; 0 if there is none.
    newest: Millis,
    /// The date of the newest erasure of which nobody knows whom it was of; 0 if there is none.
    unnamed_erasures_to: Millis,
}

/// Brings back what a trail has. To take a fact twice does no harm. A line that cannot be read was cut off by a crash before
/// anybody was told that it is there.
fn replay(store: &Store, trail: &Path, replayed: &mut Replayed) -> Result<()> {
    let failed = |why: &io::Error| Error::internal(format!("cannot read {}: {why}", trail.display()));
    let lines = io::BufReader::new(fs::File::open(trail).map_err(|why| failed(&why))?).lines();
    let mut writes = Vec::new();
    for (number, line) in (1_u64..).zip(lines) {
        let line = line.map_err(|why| failed(&why))?;
        if line.trim().is_empty() {
            continue;
        }
        let read = serde_json::from_str::<TrailLine>(&line).ok();
        let is_erasure = read.as_ref().is_some_and(|line| line.source == ERASED);
        if let Some(line) = read.as_ref().filter(|line| is_erasure && line.phone.is_empty()) {
            let at = line.opted_out_at.as_deref().and_then(|at| time::parse(at).ok());
            replayed.unnamed_erasures_to = replayed.unnamed_erasures_to.max(at.unwrap_or(1));
            continue;
        }
        let Some((write, at)) = read.as_ref().and_then(fact) else {
            eprintln!("{}, line {number} cannot be read and was passed over: {line}", trail.display());
            continue;
        };
        replayed.lines += 1;
        replayed.newest = replayed.newest.max(at);
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
