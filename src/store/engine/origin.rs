//! Which file a store is, so that a copy is told apart from it. A copy that was made while the store was written to has
//! some of its files, and parts of a file, from before a write and others from behind it: what is missing there cannot be
//! seen from within.
//!
//! The file `origin` says of which file it speaks, and whether that is open. A copy is another file. Once the store is
//! closed it also has the sum of what the next start reads first.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use super::line::replace_line;
use super::pulse::{self, Pulse, identity};
use super::seal::{self, Seal};
use crate::error::{Error, Result};

const NAME: &str = "origin";
/// What it says while another file takes the place of the store's: each of the two is whole.
const REPLACING: &str = "replacing";
/// What is behind the file's identity while the store is open: a contactd that knows no write-ahead log takes the whole for
/// another file, and refuses the store.
const WITH_WAL: &str = " wal";
/// How long sled may take to let go of its file once it was closed.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// What the file `origin` says, and what it will say when this goes.
pub struct Origin {
    dir: PathBuf,
    log: PathBuf,
    /// What it says of a file; none if it is not there, or says [`REPLACING`].
    stored: Option<Stored>,
    /// Whether it was there.
    is_known: bool,
    /// The newest segment of the log before this run.
    segment: u64,
    is_open: AtomicBool,
    is_replaced: AtomicBool,
    /// The newest batch that was applied, and the newest that is in the store's own file on disk.
    applied: AtomicU64,
    on_disk: AtomicU64,
}

/// The contents of `origin`.
struct Stored {
    /// Which file it speaks of.
    file: String,
    /// The number of the newest batch when it was closed; none while it is open.
    closed_at: Option<u64>,
    /// None where an older contactd closed it.
    seal: Option<Seal>,
    /// Whether it is open, and has a write-ahead log.
    has_wal: bool,
}

impl Origin {
    /// Reads it, before anything opens the store. Refuses a copy of a store that was open, and a store that is not as it was
    /// closed. What is opened now changes, and its seal is broken.
    pub fn read(dir: &Path, log: &Path) -> Result<Origin> {
        let path = dir.join(NAME);
        let (stored, is_known) = match fs::read_to_string(&path) {
            Ok(text) if text.trim_end() == REPLACING => (None, true),
            Ok(text) => {
                let stored = parse(&text);
                if stored.is_none() {
                    return Err(Error::internal(format!("{} is damaged: restore a backup", path.display())));
                }
                (stored, true)
            }
            Err(why) if why.kind() == ErrorKind::NotFound => (None, false),
            Err(why) => return Err(Error::internal(format!("cannot read {}: {why}", path.display()))),
        };
        let (dir, log) = (dir.to_owned(), log.to_owned());
        let segment = seal::newest_segment(&log).map_err(|why| cannot_read(&log, &why))?;
        let origin = Origin {
            dir,
            log,
            stored,
            is_known,
            segment,
            is_open: AtomicBool::new(false),
            is_replaced: AtomicBool::new(false),
            applied: AtomicU64::new(0),
            on_disk: AtomicU64::new(0),
        };
        match &origin.stored {
            Some(stored) if stored.closed_at.is_none() && origin.is_copy(stored) => return Err(origin.refusal()),
            Some(stored) if stored.has_wal && origin.was_put_back()? => return Err(origin.put_back()),
            Some(Stored { file, closed_at: Some(closed_at), seal: Some(seal), .. }) if origin.log.exists() => {
                let found = seal::seal(&origin.log, seal.from).map_err(|why| cannot_read(&origin.log, &why))?;
                if found != *seal {
                    return Err(origin.damage());
                }
                origin.note_or_fail(&format!("closed {closed_at} {file}"))?;
            }
            _ => {}
        }
        Ok(origin)
    }

    /// Where it and the pulse are of a store that was opened once.
    pub fn files(dir: &Path) -> impl Iterator<Item = PathBuf> {
        [NAME, pulse::NAME].map(|name| dir.join(name)).into_iter()
    }

    /// Whether it is there to say anything.
    pub fn is_known(&self) -> bool {
        self.is_known || self.is_open.load(Ordering::SeqCst)
    }

    /// Whether some of the store may be in a write-ahead log alone.
    pub fn is_open_with_wal(&self) -> bool {
        self.stored.as_ref().is_some_and(|stored| stored.has_wal)
    }

    /// Refuses a copy that was begun before the store was opened, or ended behind its end. `newest` is the newest batch that
    /// the store has.
    pub fn check(&self, newest: u64) -> Result<()> {
        match &self.stored {
            Some(stored) if stored.closed_at.is_some_and(|closed| closed != newest) && self.is_copy(stored) => {
                Err(self.refusal())
            }
            _ => Ok(()),
        }
    }

    /// Notes that the store is open, with the newest batch that it has.
    pub fn open(&self, newest: u64) -> Result<()> {
        self.note_or_fail(&format!("open {}{WITH_WAL}", self.file()?))?;
        self.applied.store(newest, Ordering::SeqCst);
        self.on_disk(newest);
        self.is_open.store(true, Ordering::SeqCst);
        Ok(())
    }

    /// A batch was applied.
    pub fn applied(&self, batch: u64) {
        self.applied.store(batch, Ordering::SeqCst);
    }

    /// The store's own file has all batches up to this one on disk.
    pub fn on_disk(&self, newest: u64) {
        self.on_disk.store(newest, Ordering::SeqCst);
    }

    /// It has all that were applied.
    pub fn all_on_disk(&self) {
        self.on_disk(self.applied.load(Ordering::SeqCst));
    }

    /// Another file is going to take the place of the store's.
    pub fn replacing(&self) -> std::io::Result<()> {
        self.is_open.store(false, Ordering::SeqCst);
        self.is_replaced.store(true, Ordering::SeqCst);
        self.note(REPLACING)
    }

    /// It has taken it, with all that the store had.
    pub fn replaced(&self) -> std::io::Result<()> {
        self.note(&format!("closed {} {}", self.on_disk.load(Ordering::SeqCst), identity(&self.log)?))
    }

    /// Without its file there is nothing to compare with: a store that was lost is found out elsewhere.
    fn is_copy(&self, stored: &Stored) -> bool {
        identity(&self.log).is_ok_and(|file| file != stored.file)
    }

    fn refusal(&self) -> Error {
        Error::internal(format!(
            "{} is a copy that was made while contactd had the original open: opt-outs may be missing from it. Stop contactd \
             and copy again, or restore a backup. To have what is in this copy behind a fence, delete {}: \
             nobody gets messages until UNFENCE",
            self.dir.display(),
            self.dir.join(NAME).display()
        ))
    }

    fn was_put_back(&self) -> Result<bool> {
        Pulse::is_of_a_copy(&self.dir).map_err(|why| cannot_read(&self.dir, &why))
    }

    /// The refusal of a store in whose place a copy of it was put.
    fn put_back(&self) -> Error {
        Error::internal(format!(
            "a copy of {} that was made while contactd had it open was put back in its place: opt-outs may be missing from it. \
             Restore a backup. To have what is in this copy behind a fence, delete {}: nobody gets messages until UNFENCE",
            self.dir.display(),
            self.dir.join(NAME).display()
        ))
    }

    /// The refusal of a store of which a part is older than the rest: it ends after fewer batches than were on disk.
    pub fn put_back_in_part(&self, newest: u64, known: u64) -> Error {
        Error::internal(format!(
            "the store in {} ends after {newest} of {known} batches that were on disk: files of it were put back from a copy, or \
             were cut off, and opt-outs are missing. Restore a backup. To have what is left behind a fence, delete {}: nobody gets \
             messages until UNFENCE",
            self.dir.display(),
            self.dir.join(NAME).display()
        ))
    }

    /// The refusal of a store that lacks something.
    pub fn damage(&self) -> Error {
        Error::internal(format!(
            "the store in {} is not as contactd left it: a file of it was damaged or cut off, is gone or was replaced, and \
             opt-outs may be missing. Restore a backup. To have what is left behind a fence, delete {}: \
             nobody gets messages until UNFENCE",
            self.dir.display(),
            self.dir.join(NAME).display()
        ))
    }

    fn file(&self) -> Result<String> {
        identity(&self.log).map_err(|why| cannot_read(&self.log, &why))
    }

    /// What is said of a store that is closed and on disk to its end.
    fn note_closed(&self, newest: u64, file: &str) -> Result<()> {
        let sealed = self.seal_closed().map_err(|why| cannot_read(&self.log, &why))?;
        let seal = sealed.map_or(String::new(), |Seal { from, sum }| format!(" sealed {from} {sum}"));
        self.note_or_fail(&format!("closed {newest} {file}{seal}"))
    }

    /// None while sled still has its file open: what it may write is not under the seal.
    fn seal_closed(&self) -> std::io::Result<Option<Seal>> {
        let log = File::open(&self.log)?;
        let since = Instant::now();
        while let Err(why) = log.try_lock() {
            match why {
                TryLockError::WouldBlock if since.elapsed() < RELEASE_PATIENCE => {
                    thread::sleep(Duration::from_millis(1));
                }
                TryLockError::WouldBlock => return Ok(None),
                TryLockError::Error(why) => return Err(why),
            }
        }
        // What sled moved since the last sync.
        seal::sync_files(self.log.parent().unwrap_or(&self.dir))?;
        let seal = seal::seal(&self.log, self.segment)?;
        log.unlock()?;
        Ok(Some(seal))
    }

    fn note_or_fail(&self, text: &str) -> Result<()> {
        self.note(text).map_err(|why| Error::internal(format!("cannot write {}: {why}", self.dir.join(NAME).display())))
    }

    fn note(&self, text: &str) -> std::io::Result<()> {
        replace_line(&self.dir.join(NAME), text)
    }
}

impl Drop for Origin {
    /// A store whose own file lacks something is not closed.
    fn drop(&mut self) {
        let (applied, on_disk) = (self.applied.load(Ordering::SeqCst), self.on_disk.load(Ordering::SeqCst));
        let noted = match &self.stored {
            _ if self.is_open.load(Ordering::SeqCst) => {
                if applied == on_disk {
                    self.file().and_then(|file| self.note_closed(on_disk, &file))
                } else {
                    Ok(())
                }
            }
            // It was looked at only.
            Some(Stored { file, closed_at: Some(closed_at), seal: Some(_), .. })
                if !self.is_replaced.load(Ordering::SeqCst) =>
            {
                self.note_closed(*closed_at, file)
            }
            _ => Ok(()),
        };
        if let Err(why) = noted {
            tracing::warn!("a copy of this store will be refused: {}", why.message);
        }
    }
}

fn cannot_read(path: &Path, why: &std::io::Error) -> Error {
    Error::internal(format!("cannot read {}: {why}", path.display()))
}

/// `open born 1764… wal`, the same without a write-ahead log, `closed 12 born 1764…`, or `closed 12 born 1764… sealed 2097152 3735928559`.
fn parse(text: &str) -> Option<Stored> {
    let (state, file) = text.strip_suffix('\n')?.split_once(' ')?;
    if state == "open" {
        let (file, has_wal) = file.strip_suffix(WITH_WAL).map_or((file, false), |file| (file, true));
        return Some(Stored { file: file.to_owned(), closed_at: None, seal: None, has_wal });
    }
    let (closed_at, file) = file.split_once(' ').filter(|_| state == "closed")?;
    let (file, seal) = match file.split_once(" sealed ") {
        Some((file, seal)) => {
            let (from, sum) = seal.split_once(' ')?;
            (file, Some(Seal { from: from.parse().ok()?, sum: sum.parse().ok()? }))
        }
        None => (file, None),
    };
    Some(Stored { file: file.to_owned(), closed_at: Some(closed_at.parse().ok()?), seal, has_wal: false })
}
