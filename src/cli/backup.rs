//! `contactd backup`: a backup of a running daemon, or of a store that nobody has open; and whether one is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, IsTerminal, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Args;
use data_encoding::BASE64;
use serde_json::{Value, json};

use super::{Target, say};
use crate::client::{Client, Reply};
use crate::error::{Error, Result};
use crate::json::date;
use crate::model::slot::partition_name;
use crate::model::time;
use crate::store::backup_file::{PARTIAL, SUFFIX, failed, name_of};
use crate::store::{BackupEnd, BackupFacts, Options, Store, check_backup};

/// How often a running daemon is asked whether its backup is done.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Make a backup of a running daemon, without stopping it
///
/// The daemon writes the backup into its --backup-dir; this command fetches it, checks it, and removes it there. A backup holds
/// phone numbers and the secret of the tombstones: keep it where only you can read it. It needs an admin token. Of a store in partitions
/// it is a file of each, in p0, p1 … of the directory.
///
/// Exit code 0: there is a whole backup; 2: there is none.
#[derive(Args)]
pub struct Backup {
    #[command(flatten)]
    target: Target,
    /// The directory that it goes to, or - for standard output
    #[arg(value_name = "DIR", required_unless_present = "check")]
    to: Option<PathBuf>,
    /// Back up this data directory instead of a running daemon; no daemon may have it open
    #[arg(long, value_name = "DIR", conflicts_with = "check")]
    data_dir: Option<PathBuf>,
    /// Keep so many backups in the directory, and remove older ones once the new one is whole. The newest one without a fence stays
    #[arg(long, value_name = "BACKUPS", value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "check")]
    keep: Option<u32>,
    /// Only read a backup, and say whether it is whole, and of what
    #[arg(long, value_name = "FILE", conflicts_with = "to")]
    check: Option<PathBuf>,
}

impl Backup {
    pub fn run(self) -> Result<ExitCode> {
        if let Some(file) = &self.check {
            say(&facts_json(file, &check(file)?));
            return Ok(ExitCode::SUCCESS);
        }
        let to = self.to.unwrap_or_else(|| "-".into());
        let source = match self.data_dir {
            Some(dir) => Source::Closed(dir),
            None => Source::Running(self.target),
        };
        if let Source::Running(target) = &source {
            let mut client = target.connect()?;
            let partitions = partitions(&mut client)?;
            if partitions > 1 {
                return of_partitions(&mut client, partitions, &to, self.keep);
            }
        }
        if to.as_os_str() == "-" {
            if io::stdout().is_terminal() {
                return Err(Error::bad_arg("a backup is not for a terminal: give a directory, or a pipe"));
            }
            source.write(&mut BufWriter::new(io::stdout().lock()))?;
            return Ok(ExitCode::SUCCESS);
        }
        let path = into(&to, &name_of(super::serve::now()), &mut |to| source.write(to))?;
        told(&path, self.keep)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Says what a new backup has, and removes older ones beside it.
fn told(path: &Path, keep: Option<u32>) -> Result<()> {
    let facts = check(path)?;
    if let (Some(keep), Some(dir)) = (keep, path.parent()) {
        remove_older(dir, keep as usize, facts.fence.is_some())?;
    }
    say(&facts_json(path, &facts));
    Ok(())
}

/// A backup of each partition, in directories p0, p1 … under one name: all of them, or none.
fn of_partitions(client: &mut Client, partitions: u16, to: &Path, keep: Option<u32>) -> Result<ExitCode> {
    if to.as_os_str() == "-" {
        return Err(Error::bad_arg(format!(
            "the store has {partitions} partitions, and a backup is a file of each: give a directory, which gets p0, p1 …"
        )));
    }
    let name = name_of(super::serve::now());
    let mut made: Vec<PathBuf> = Vec::new();
    let fetched = with_backup(client, |client, there| {
        for place in 0..partitions {
            let partition = partition_name(place);
            made.push(into(&to.join(&partition), &name, &mut |to| read(client, &format!("{partition}/{there}"), to))?);
        }
        Ok(())
    });
    if let Err(why) = fetched {
        for path in &made {
            let _ = fs::remove_file(path);
        }
        return Err(why);
    }
    made.iter().try_for_each(|path| told(path, keep))?;
    Ok(ExitCode::SUCCESS)
}

/// Into how many partitions the store of a daemon is split.
fn partitions(client: &mut Client) -> Result<u16> {
    let Reply::Array(lines) = client.call(&["SETTINGS"])? else { return Ok(1) };
    let said = lines.iter().find_map(|line| match line {
        Reply::Text(line) => line.strip_prefix("partitions ")?.parse().ok(),
        _ => None,
    });
    // An older contactd does not say it, and has one.
    Ok(said.unwrap_or(1))
}

/// Where a backup comes from.
enum Source {
    Running(Target),
    Closed(PathBuf),
}

impl Source {
    fn write(&self, to: &mut dyn Write) -> Result<()> {
        match self {
            Source::Running(target) => with_backup(&mut target.connect()?, |client, name| read(client, name, to)),
            Source::Closed(dir) => {
                if !Store::is_in(dir) {
                    return Err(Error::bad_arg(format!("{} is not a contactd store", dir.display())));
                }
                let scope = Store::scope_of(dir)?.unwrap_or_default();
                let options = Options { scope, ..Options::new(dir.clone(), Arc::new(super::serve::now)) };
                Store::open(options)?.backup(&mut *to, &|_| true)?;
                to.flush().map_err(|why| failed("write", Path::new("the backup"), &why))
            }
        }
    }
}

/// Writes a backup into a directory: beside, checked, synced, renamed. Gives its file.
fn into(dir: &Path, name: &str, write: &mut dyn FnMut(&mut dyn Write) -> Result<()>) -> Result<PathBuf> {
    fs::create_dir_all(dir).map_err(|why| failed("make", dir, &why))?;
    let name = format!("{name}{SUFFIX}");
    let (path, partial) = (dir.join(&name), dir.join(format!("{name}{PARTIAL}")));
    let mut written = || -> Result<()> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&partial);
        let mut to = BufWriter::new(file.map_err(|why| failed("write", &partial, &why))?);
        write(&mut to)?;
        let synced = to.flush().and_then(|()| to.get_ref().sync_all());
        synced.map_err(|why| failed("write", &partial, &why))?;
        check(&partial)?;
        let renamed = fs::rename(&partial, &path).and_then(|()| File::open(dir)?.sync_all());
        renamed.map_err(|why| failed("write", &path, &why))
    };
    written().inspect_err(|_| drop(fs::remove_file(&partial)))?;
    Ok(path)
}

/// Has a daemon make a backup, for somebody who takes it.
fn with_backup(client: &mut Client, take: impl FnOnce(&mut Client, &str) -> Result<()>) -> Result<()> {
    // Of this process alone, so that it is nobody else's that is fetched and removed.
    let name = format!("fetch-{}-{}", super::serve::now(), std::process::id());
    call(client, &["BACKUP", "RUN", &name])?;
    let taken = wait(client, &name).and_then(|()| take(client, &name));
    // It may not be there: it was not finished.
    let dropped = call(client, &["BACKUP", "DROP", &name]);
    taken.and(dropped.map(drop))
}

/// Fetches a backup.
fn read(client: &mut Client, name: &str, to: &mut dyn Write) -> Result<()> {
    let mut offset = 0;
    loop {
        let piece = call(client, &["BACKUP", "READ", name, &offset.to_string()])?;
        let bytes = BASE64.decode(piece.as_bytes()).map_err(|_| Error::internal("a damaged reply to BACKUP READ"))?;
        if bytes.is_empty() {
            return to.flush().map_err(|why| failed("write", Path::new("the backup"), &why));
        }
        offset += bytes.len() as u64;
        to.write_all(&bytes).map_err(|why| failed("write", Path::new("the backup"), &why))?;
    }
}

/// Waits until a daemon has made a backup.
fn wait(client: &mut Client, name: &str) -> Result<()> {
    loop {
        let status: Value = serde_json::from_str(&call(client, &["BACKUP", "STATUS"])?).map_err(Error::internal)?;
        if status["state"] == "idle" {
            if status["newest"]["name"] == name {
                return Ok(());
            }
            let why = status["broke_off"].as_str().unwrap_or("somebody stopped it");
            return Err(Error::internal(format!("the daemon made no backup: {why}")));
        }
        thread::sleep(LOOK_EVERY);
    }
}

fn call(client: &mut Client, words: &[&str]) -> Result<String> {
    match client.call(words)? {
        Reply::Text(text) => Ok(text),
        Reply::Error(why) => Err(Error::bad_arg(why)),
        other => Err(Error::internal(format!("an unexpected reply to BACKUP: {other}"))),
    }
}

/// Reads all of a backup.
pub fn check(file: &Path) -> Result<BackupFacts> {
    check_backup(open(file)?)
}

/// Opens a backup; `-` is standard input.
pub fn open(file: &Path) -> Result<Box<dyn io::Read>> {
    if file.as_os_str() == "-" {
        return Ok(Box::new(io::stdin().lock()));
    }
    let opened = File::open(file).map_err(|why| failed("read", file, &why))?;
    Ok(Box::new(BufReader::new(opened)))
}

/// What a backup says of itself. Its secret is not for a log.
fn facts_json(file: &Path, BackupFacts { head, end, fence }: &BackupFacts) -> Value {
    let mut json = counts_json(end);
    json["backup"] = file.display().to_string().into();
    json["contactd"] = head.contactd.as_str().into();
    json["started_at"] = date(head.started_at);
    json["closed_at"] = date(end.closed_at);
    json["fenced"] = fence.is_some().into();
    if let Some(fence) = fence {
        json["fenced_backup_at"] = date(fence.backup_at);
        eprintln!(
            "This is a backup of a fenced store: it knows nothing that came after {}, but for what was brought back. UNFENCE, and make \
             another one.",
            if fence.is_dated() { time::format(fence.backup_at) } else { "some unknown time".to_owned() }
        );
    }
    json["bytes"] = fs::metadata(file).map_or(0, |file| file.len()).into();
    json
}

/// What a store has, by its backup.
pub fn counts_json(end: &BackupEnd) -> Value {
    json!({
        "contacts": end.contacts,
        "forbidden": end.forbidden,
        "subscriptions_forbidden": end.subscriptions_forbidden,
        "lists": end.lists,
        "tombstones": end.tombstones,
    })
}

/// Removes all backups of a directory but the newest. If that is of a fenced store, it may know less than those before: then the
/// newest one without a fence stays, too.
fn remove_older(dir: &Path, keep: usize, is_fenced: bool) -> Result<()> {
    let entries = fs::read_dir(dir).map_err(|why| failed("read", dir, &why))?;
    let is_backup = |name: &String| name.starts_with("contactd-") && name.ends_with(SUFFIX);
    let mut names: Vec<String> =
        entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()).filter(is_backup).collect();
    // By their times, which their names are.
    names.sort();
    let is_whole = |name: &&String| check(&dir.join(name)).is_ok_and(|facts| facts.fence.is_none());
    let spared = if is_fenced { names.iter().rev().find(is_whole) } else { None };
    for old in names.iter().rev().skip(keep) {
        let path = dir.join(old);
        if Some(old) == spared {
            eprintln!("{} stays, since it is the newest one without a fence.", path.display());
            continue;
        }
        fs::remove_file(&path).map_err(|why| failed("remove", &path, &why))?;
    }
    Ok(())
}

/// How long something took, for people.
pub fn seconds(since: Instant) -> f64 {
    (since.elapsed().as_secs_f64() * 1000.0).round() / 1000.0
}
