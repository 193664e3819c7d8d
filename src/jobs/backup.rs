//! BACKUP RUN: a backup of the store into a directory, beside everything else.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read, Seek, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Control, Signal, Work};
use crate::error::{Code, Error, Result};
use crate::limits::{BACKUP_NAME_BYTES_MAX, BACKUP_READ_BYTES, DISK_FREE_LOW_BYTES};
use crate::model::time::{self, Millis};
use crate::store::{BackupEnd, BackupProgress, Store};

/// What the file of a whole backup ends with.
pub const SUFFIX: &str = ".backup";
/// What is behind that while it is written.
const PARTIAL: &str = ".partial";

/// Makes backups.
pub struct Backup {
    store: Arc<Store>,
    dir: PathBuf,
    newest: Mutex<Option<Made>>,
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
    /// written is removed.
    pub fn new(store: Arc<Store>, dir: PathBuf) -> Backup {
        for entry in fs::read_dir(&dir).into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().ends_with(&format!("{SUFFIX}{PARTIAL}")) {
                let _ = fs::remove_file(entry.path());
            }
        }
        Backup { store, dir, newest: Mutex::default() }
    }

    /// The newest backup that was made since the daemon started.
    pub fn newest(&self) -> Option<Made> {
        self.made().clone()
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

    /// Removes a backup.
    pub fn remove(&self, name: &str) -> Result<()> {
        fs::remove_file(self.path(name)?).map_err(|why| no_backup(name, &why))
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
        Ok(self.dir.join(format!("{name}{SUFFIX}")))
    }

    fn made(&self) -> MutexGuard<'_, Option<Made>> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a backup into a file. None if it was stopped.
    fn write(&self, run: &BackupRun, path: &Path, control: &Control<'_, Backup>) -> Result<Option<(u64, BackupEnd)>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.map_err(|why| failed("write", path, &why))?;
        let has_no_space = Cell::new(false);
        let go_on = |progress: BackupProgress| {
            has_no_space.set(is_low(&self.dir));
            !has_no_space.get() && control.reached(BackupRun { progress, ..run.clone() }) == Signal::GoOn
        };
        let Some((mut to, end)) = self.store.backup(BufWriter::new(file), &go_on)? else {
            return if has_no_space.get() { Err(no_space(&self.dir)) } else { Ok(None) };
        };
        let written = to.flush().and_then(|()| to.get_ref().sync_all()).and_then(|()| to.get_ref().metadata());
        Ok(Some((written.map_err(|why| failed("write", path, &why))?.len(), end)))
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
        Ok(BackupRun { name, started_at, progress: BackupProgress::default() })
    }

    fn busy(&self, running: &BackupRun) -> Error {
        Error::new(Code::Busy, format!("the backup '{}' is being made: BACKUP STATUS, BACKUP STOP", running.name))
    }

    fn run(&self, run: BackupRun, control: &Control<'_, Backup>) -> Result<()> {
        let path = self.path(&run.name)?;
        let partial = path.with_file_name(format!("{}{SUFFIX}{PARTIAL}", run.name));
        let _ = fs::remove_file(&partial);
        let written = self.write(&run, &partial, control).and_then(|written| match written {
            Some(written) => {
                let renamed = fs::rename(&partial, &path).and_then(|()| File::open(&self.dir)?.sync_all());
                renamed.map_err(|why| failed("write", &path, &why)).map(|()| Some(written))
            }
            None => Ok(None),
        });
        let Some((bytes, end)) = written.inspect_err(|_| drop(fs::remove_file(&partial)))? else {
            let _ = fs::remove_file(&partial);
            tracing::info!("the backup '{}' was stopped", run.name);
            return Ok(());
        };
        let took_ms = self.store.now() - run.started_at;
        tracing::info!(
            "the backup '{}' has {} contacts and {bytes} bytes, and took {took_ms} ms; it holds the secret of the tombstones",
            run.name,
            end.contacts
        );
        *self.made() = Some(Made { name: run.name, bytes, took_ms, end });
        Ok(())
    }

    fn broke_off(&self, run: &BackupRun, why: &Error) {
        tracing::error!("the backup '{}' was not made: {}", run.name, why.message);
    }
}

/// The name of a backup that nobody has named: `contactd-2026-05-01T033000Z`.
pub fn name_of(started_at: Millis) -> String {
    let time: String = time::format(started_at).chars().filter(|c| *c != ':').collect();
    format!("contactd-{}Z", time.split('.').next().unwrap_or_default())
}

fn file(entry: &fs::DirEntry) -> Option<BackupFile> {
    let name = entry.file_name().into_string().ok()?.strip_suffix(SUFFIX)?.to_owned();
    let metadata = entry.metadata().ok()?;
    let made_at = metadata.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?.as_millis();
    Some(BackupFile { name, bytes: metadata.len(), made_at: Millis::try_from(made_at).ok()? })
}

fn is_low(dir: &Path) -> bool {
    rustix::fs::statvfs(dir).is_ok_and(|space| space.f_bavail * space.f_frsize < DISK_FREE_LOW_BYTES)
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

fn failed(what: &str, path: &Path, why: &std::io::Error) -> Error {
    Error::internal(format!("cannot {what} {}: {why}", path.display()))
}
