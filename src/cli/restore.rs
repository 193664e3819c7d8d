//! `contactd restore`: a backup as a new store, behind a fence.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;

use super::backup::{counts_json, open, seconds};
use super::say;
use crate::counted::counted;
use crate::error::{Error, Result};
use crate::jobs::replay;
use crate::json::{date, put_replayed};
use crate::model::fence::Replayed;
use crate::model::strictness::Strictness;
use crate::model::time::{self, Millis};
use crate::model::verdict::StopScope;
use crate::store::engine::DiskEngine;
use crate::store::{BackupEnd, BackupFacts, Options, Store};

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
    #[arg(long, value_name = "TRAIL")]
    replay: Vec<PathBuf>,
    /// Restore into a temporary directory, compare, tell how long it took and what --replay would bring back, and remove it
    #[arg(long, conflicts_with = "data_dir")]
    drill: bool,
    /// For --drill: where that directory is made; it needs about as much space as the store [default: where the system says]
    #[arg(long, value_name = "DIR", requires = "drill")]
    within: Option<PathBuf>,
}

impl Restore {
    pub fn run(self) -> Result<ExitCode> {
        let since = Instant::now();
        let (Restored { facts, found, scope, strictest, backup_at, replayed, in_all }, place) = match &self.data_dir {
            Some(dir) => (onto(&self.from, dir, &self.replay)?, dir.display().to_string()),
            None => {
                let within = self.within.clone().unwrap_or_else(std::env::temp_dir);
                let dir = tempfile::Builder::new().prefix("contactd-drill-").tempdir_in(&within);
                let dir = dir.map_err(|why| {
                    Error::internal(format!("cannot make a directory in {}: {why}", within.display()))
                })?;
                (restore(&self.from, dir.path(), &self.replay)?, String::new())
            }
        };
        // The counts of the backup itself stand under its name: to whoever has replayed a trail they would look as if nothing came back.
        let mut json = counts_json(&found);
        json["backup"] = counts_json(&facts.end);
        json["stop_scope"] = scope.word().into();
        json["maybe_optout"] = strictest.maybe_optout.word().into();
        json["restored"] = self.from.display().to_string().into();
        json["closed_at"] = date(facts.end.closed_at);
        json["seconds"] = seconds(since).into();
        json["fenced"] = true.into();
        if !self.drill {
            json["data_dir"] = place.into();
        }
        if !self.drill || !self.replay.is_empty() {
            put_replayed(&mut json, &in_all);
        }
        say(&json);
        if in_all.unnamed_erasures > 0 {
            eprintln!(
                "Contacts were erased until {}, and the feed from which a trail was made does not name them: ERASE those numbers \
                 again before UNFENCE.",
                time::format(in_all.unnamed_erasures_to)
            );
        }
        if in_all.passed_over > 0 {
            eprintln!(
                "{} of trails could not be read, or not as written, or are gone: look for what was said there before UNFENCE.",
                counted(in_all.passed_over, "line")
            );
        }
        if !self.replay.is_empty() && replayed.to <= backup_at {
            eprintln!(
                "NOTHING IN THE TRAILS IS NEWER THAN THE BACKUP: they bring back nobody who opted out since. That is right if nobody did, \
                 as in a move; else they are not the right ones."
            );
        }
        if !self.replay.is_empty() && replayed.to > 0 {
            eprintln!(
                "The newest fact of the trails is of {}. Compare that with the moment of the loss: nobody can see whether a trail was cut \
                 off at its end.",
                time::format(replayed.to)
            );
        }
        if self.drill {
            return Ok(ExitCode::SUCCESS);
        }
        if self.replay.is_empty() {
            eprintln!("No trail was given. If there is one, restore with --replay, or start with --trail.");
        }
        eprintln!(
            "This store knows nothing that came after {}, but for {} of trails. It says no to everybody. Bring back what else came \
             later, pause the lists that were paused since, UNLIST those that were removed, then UNFENCE. Start it with --stop-scope {}, --maybe-optout {} and {}, as it \
             was.",
            time::format(backup_at),
            counted(replayed.facts, "line"),
            scope.word(),
            strictest.maybe_optout.word(),
            match strictest.words.len() {
                0 => "the same --keywords, if any".to_owned(),
                words => format!("its --keywords (words that opt out: {words})"),
            }
        );
        Ok(ExitCode::SUCCESS)
    }
}

/// A store that was restored.
struct Restored {
    facts: BackupFacts,
    /// What it has, with what trails have brought back.
    found: BackupEnd,
    /// Under which it was open when it was backed up.
    scope: StopScope,
    /// With which settings it was run.
    strictest: Strictness,
    /// What it is as of: when the backup was made, or the one before of a store that was behind a fence then.
    backup_at: Millis,
    replayed: Replayed,
    /// The same with what had been brought back before the backup, of one that was made behind a fence.
    in_all: Replayed,
}

/// Restores a backup beside a directory that is empty or not there, and puts it there once it is whole.
fn onto(from: &Path, dir: &Path, trails: &[PathBuf]) -> Result<Restored> {
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
fn restore(from: &Path, dir: &Path, trails: &[PathBuf]) -> Result<Restored> {
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
    let backup_at = store.gate().lists().fence.map_or(facts.end.closed_at, |fence| fence.backup_at);
    let replayed = replay(&store, trails, backup_at, &|words| eprintln!("{words}"))?;
    if replayed.facts == 0 && replayed.unnamed_erasures == 0 && replayed.passed_over > 0 {
        return Err(Error::bad_arg("no line of what --replay names is one of a trail: give the trail's file"));
    }
    if !trails.is_empty() {
        store.note_replayed(replayed)?;
    }
    let (found, scope) = (store.as_backup_end()?, store.gate().scope());
    let strictest = store.strictest()?;
    let in_all = store.gate().lists().fence.map_or(replayed, |fence| fence.replayed);
    Ok(Restored { facts, found, scope, strictest, backup_at, replayed, in_all })
}
