//! BACKUP RUN: a backup of the store into a directory, beside everything else.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Control, Signal, Work};
use crate::error::{Code, Error, Result};
use crate::limits::{BACKUP_NAME_BYTES_MAX, BACKUP_READ_BYTES, DISK_FREE_LOW_BYTES};
use crate::model::time::Millis;
use crate::store::backup_file::{self, PARTIAL, SUFFIX, failed, is_low, name_of};
use crate::store::{BackupEnd, BackupProgress, Store};

/// Makes backups.
pub struct Backup {
    store: Arc<Store>,
    dir: PathBuf,
    is_expected: bool,
    newest: Mutex<Option<Made>>,
    last: Mutex<Last>,
    writing: Mutex<Option<Writing>>,
}

/// What is written now.
struct Writing {
    name: String,
    /// Somebody has dropped it meanwhile.
    is_unwanted: bool,
}

/// The last backup that was made, be it before the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Last {
    /// When; 0 if there is none.
    pub at: Millis,
    /// Its bytes.
    pub bytes: u64,
}

/// A backup that was made since the daemon started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// How long it took.
    pub took_ms: Millis,
    /// How the store was.
    pub end: BackupEnd,
}

/// A run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupRun {
    /// The name of the backup.
    pub name: String,
    /// When it was begun.
    pub started_at: Millis,
    /// How far it is.
    pub progress: BackupProgress,
}

/// A file in the directory of backups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackupFile {
    /// The name of the backup.
    pub name: String,
    /// Its bytes.
    pub bytes: u64,
    /// When the file was finished.
    pub made_at: Millis,
}

impl Backup {
    /// The job for a store. Backups go into a directory, which is made when it is needed. What a crash has left there half
    /// written is removed. `is_expected`: whether somebody has said that there are to be backups.
    pub fn new(store: Arc<Store>, dir: PathBuf, is_expected: bool) -> Backup {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with(&format!("{SUFFIX}{PARTIAL}")) {
                let _ = fs::remove_file(entry.path());
            }
        }
        let (newest, last, writing) = Default::default();
        let backup = Backup { store, dir, is_expected, newest, last, writing };
        if let Some(file) = backup.files().ok().and_then(|files| files.into_iter().next()) {
            *backup.last_made() = Last { at: file.made_at, bytes: file.bytes };
        }
        backup
    }

    /// The newest backup that was made since the daemon started.
    pub fn newest(&self) -> Option<Made> {
        self.made().clone()
    }

    /// The last backup, be it gone since or older than the daemon.
    pub fn last(&self) -> Last {
        *self.last_made()
    }

    /// Whether somebody has said that there are to be backups.
    pub fn is_expected(&self) -> bool {
        self.is_expected
    }

    /// The whole backups in the directory, the newest first.
    pub fn files(&self) -> Result<Vec<BackupFile>> {
        let entries = match fs::read_dir(&self.dir) {
            Ok(entries) => entries,
            Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(why) => return Err(failed("read", &self.dir, &why)),
        };
        let mut files: Vec<BackupFile> = entries.flatten().filter_map(|entry| file(&entry)).collect();
        files.sort_by(|a, b| (b.made_at, &b.name).cmp(&(a.made_at, &a.name)));
        Ok(files)
    }

    /// Bytes of a backup from an offset on, some thousands at most; none of them behind its end.
    pub fn read(&self, name: &str, offset: u64) -> Result<Vec<u8>> {
        let path = self.path(name)?;
        let mut file = File::open(&path).map_err(|why| no_backup(name, &why))?;
        let mut bytes = Vec::new();
        let read = file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| file.take(BACKUP_READ_BYTES as u64).read_to_end(&mut bytes));
        read.map_err(|why| failed("read", &path, &why))?;
        Ok(bytes)
    }

    /// Removes a backup. Of one that is being made nothing is left.
    pub fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name)?;
        // Held until it is gone: a run sees at its end that nobody wants it, or its file is whole before this looks.
        let mut writing = self.writing();
        if let Some(writing) = writing.as_mut().filter(|writing| writing.name == name) {
            writing.is_unwanted = true;
            return Ok(());
        }
        fs::remove_file(path).map_err(|why| no_backup(name, &why))
    }

    /// The file of a backup. A name is letters, digits, `-`, `_` and dots that do not begin it: it leads nowhere else.
    fn path(&self, name: &str) -> Result<PathBuf> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if name.is_empty() || name.len() > BACKUP_NAME_BYTES_MAX || name.starts_with('.') || !name.chars().all(is_plain)
        {
            return Err(Error::bad_arg(format!(
                "a backup's name has 1 to {BACKUP_NAME_BYTES_MAX} letters, digits, -, _ and dots, and does not begin with a dot"
            )));
        }
        Ok(backup_file::path(&self.dir, name))
    }

    fn last_made(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn writing(&self) -> MutexGuard<'_, Option<Writing>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_unwanted(&self) -> bool {
        self.writing().as_ref().is_some_and(|writing| writing.is_unwanted)
    }

    fn made(&self) -> MutexGuard<'_, Option<Made>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a backup into its file. None if it was stopped, or dropped.
    fn write(&self, run: &BackupRun, control: &Control<'_, Backup>) -> Result<Option<(u64, BackupEnd)>> {
        let has_no_space = Cell::new(false);
        let go_on = |progress: BackupProgress| {
            has_no_space.set(is_low(&self.dir));
            !has_no_space.get()
                && !self.is_unwanted()
                && control.reached(BackupRun { progress, ..run.clone() }) == Signal::GoOn
        };
        let written = backup_file::put(&self.dir, &run.name, |to| self.store.backup(to, &go_on))?;
        let mut writing = self.writing();
        if writing.take().is_some_and(|writing| writing.is_unwanted) {
            if written.is_some() {
                let path = self.path(&run.name)?;
                fs::remove_file(&path).map_err(|why| failed("remove", &path, &why))?;
            }
            return Ok(None);
        }
        if written.is_none() && has_no_space.get() { Err(no_space(&self.dir)) } else { Ok(written) }
    }
}

/// Lets every other thread go first: a backup can wait, and packs what it reads for seconds. Linux counts a thread as a process
/// here; elsewhere all of contactd would step back.
fn step_back() {
    const LAST: i32 = 19;
    #[cfg(target_os = "linux")]
    if let Err(why) = rustix::process::setpriority_process(None, LAST) {
        tracing::warn!("a backup cannot let others go first: {why}");
    }
}

impl Work for Backup {
    /// The name; none for one made of the time.
    type Order = Option<String>;
    type State = BackupRun;
    const THREAD: &'static str = "contactd-backup";

    fn prepare(&self, name: Option<String>) -> Result<BackupRun> {
        let started_at = self.store.now();
        let name = name.unwrap_or_else(|| name_of(started_at));
        let path = self.path(&name)?;
        if path.exists() {
            return Err(Error::bad_arg(format!("there is a backup '{name}' already: give another name")));
        }
        fs::create_dir_all(&self.dir).map_err(|why| failed("make", &self.dir, &why))?;
        if is_low(&self.dir) {
            return Err(no_space(&self.dir));
        }
        *self.writing() = Some(Writing { name: name.clone(), is_unwanted: false });
        Ok(BackupRun { name, started_at, progress: BackupProgress::default() })
    }

    fn busy(&self, running: &BackupRun) -> Error {
        Error::new(Code::Busy, format!("the backup '{}' is being made: BACKUP STATUS, BACKUP STOP", running.name))
    }

    fn run(&self, run: BackupRun, control: &Control<'_, Backup>) -> Result<()> {
        step_back();
        let Some((bytes, end)) = self.write(&run, control)? else {
            tracing::info!("the backup '{}' was stopped", run.name);
            return Ok(());
        };
        let took_ms = self.store.now() - run.started_at;
        tracing::info!(
            "the backup '{}' has {} contacts and {bytes} bytes, and took {took_ms} ms; it holds the secret of the tombstones",
            run.name,
            end.contacts
        );
        *self.last_made() = Last { at: end.closed_at, bytes };
        *self.made() = Some(Made { name: run.name, bytes, took_ms, end });
        Ok(())
    }

    fn broke_off(&self, run: &BackupRun, why: &Error) {
        *self.writing() = None;
        tracing::error!("the backup '{}' was not made: {}", run.name, why.message);
    }
}

fn file(entry: &fs::DirEntry) -> Option<BackupFile> {
    let name = entry.file_name().into_string().ok()?.strip_suffix(SUFFIX)?.to_owned();
    let metadata = entry.metadata().ok()?;
    let made_at = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    Some(BackupFile { name, bytes: metadata.len(), made_at: Millis::try_from(made_at).ok()? })
}

fn no_space(dir: &Path) -> Error {
    Error::new(
        Code::ReadOnly,
        format!("no backup: less than {} MiB are free in {}", DISK_FREE_LOW_BYTES >> 20, dir.display()),
    )
}

fn no_backup(name: &str, why: &std::io::Error) -> Error {
    Error::bad_arg(format!("there is no backup '{name}': {why}"))
}
