//! The data directory: one process at a time, sled inside, and a sync that really is one.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write as _};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use roaring::RoaringBitmap;

use super::chunk::Chunk;
use super::{keys, sled_failed};
use crate::error::{Code, Error, Result};
use crate::limits::{
    CACHE_BYTES_MAX, CACHE_BYTES_MIN, CACHE_SHARE, CLEAN_EVERY_MS, DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES,
    SEGMENT_BYTES,
};

/// sled's name of the one tree.
pub const TREE: &str = "contactd";

/// Where sled's files are, and where they are for a moment while a store is replaced.
const STORE: &str = "store";
const REPLACED: &str = "store.old";

/// The name of sled's file.
pub const LOG: &str = "db";

/// Beside the store: how many batches have been on disk.
const MARK: &str = "synced";
/// Its digits; it is written in place.
const MARK_DIGITS: usize = 20;

/// The open data directory.
pub struct Disk {
    dir: PathBuf,
    tree: sled::Tree,
    db: sled::Db,
    /// Our own handle to sled's file: sled's flush is no fsync.
    log: File,
    mark: File,
    /// Let go of last.
    _lock: Lock,
}

/// Keeps other processes out of the data directory.
struct Lock(File);

impl Drop for Lock {
    /// Closing the file would do, were it not that a child which this process just started has it open, too, until it
    /// runs its own program.
    fn drop(&mut self) {
        // What fails here leaves the lock to the end of the process.
        let _ = self.0.unlock();
    }
}

/// What the free space allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Room {
    /// Everything.
    Plenty,
    /// Forbidding writes only.
    Low,
    /// Nothing: sled must never see a full disk.
    None,
}

impl Disk {
    /// Opens the directory, making it if need be.
    pub fn open(dir: &Path) -> Result<Disk> {
        let failed = |what: &str, why: &dyn std::fmt::Display| {
            Error::new(Code::Internal, format!("cannot {what} {}: {why}", dir.display()))
        };
        fs::create_dir_all(dir).map_err(|why| failed("make the data directory", &why))?;
        let lock = lock(dir)?;
        let store = dir.join(STORE);
        recover_replaced(dir, &store).map_err(|why| failed("mend", &why))?;
        fs::create_dir_all(&store).map_err(|why| failed("make the store in", &why))?;
        // A crash while sled wrote a snapshot leaves a file on which every later open fails; the complete snapshot
        // is still there.
        for entry in fs::read_dir(&store).map_err(|why| failed("read", &why))?.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with("snap.") && name.to_string_lossy().ends_with(".generating") {
                fs::remove_file(entry.path()).map_err(|why| failed("clean up in", &why))?;
            }
        }
        let db = open_sled(&store).map_err(|why| failed("open the store in", &why))?;
        let tree = db.open_tree(TREE).map_err(|why| failed("open the store in", &why))?;
        let log = OpenOptions::new()
            .read(true)
            .write(true)
            .open(store.join(LOG))
            .map_err(|why| failed("open the store's file in", &why))?;
        let mark = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(MARK));
        let mark = mark.map_err(|why| failed("open the mark in", &why))?;
        let disk = Disk { dir: dir.to_owned(), tree, db, log, mark, _lock: lock };
        disk.sync()?;
        // The names of the files themselves must survive, too.
        for dir in [&store, dir] {
            File::open(dir).and_then(|dir| dir.sync_all()).map_err(|why| failed("sync", &why))?;
        }
        Ok(disk)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The one tree.
    pub fn tree(&self) -> &sled::Tree {
        &self.tree
    }

    /// The ids of a posting as it is on disk.
    pub fn posting(&self, key: &[u8]) -> Result<RoaringBitmap> {
        let (term, first) = keys::parse_posting(key).ok_or_else(|| Error::internal("a damaged key"))?;
        match self.tree.get(key).map_err(sled_failed)? {
            Some(value) => Ok(Chunk::decode(term.chunk_ids(), &value)?.ids(first)),
            None => Ok(RoaringBitmap::new()),
        }
    }

    /// Puts everything that was applied on disk.
    pub fn sync(&self) -> Result<()> {
        self.db.flush().map_err(|why| Error::internal(format!("cannot write the store: {why}")))?;
        self.log.sync_data().map_err(|why| Error::internal(format!("cannot sync the store: {why}")))
    }

    /// How many batches have been on disk; none if that is not known.
    pub fn synced(&self) -> Result<Option<u64>> {
        let digits = fs::read_to_string(self.mark());
        match digits.as_deref().map(str::trim) {
            Ok("") => Ok(None),
            Ok(digits) if digits.parse::<u64>().is_ok() => Ok(digits.parse().ok()),
            _ => Err(Error::internal(format!("{} is damaged: restore a backup", self.mark().display()))),
        }
    }

    /// Notes how many batches are on disk. It is not synced itself: a mark that is older than the truth tells less, and is not
    /// wrong.
    pub fn note_synced(&self, batches: u64) -> Result<()> {
        let digits = format!("{batches:0MARK_DIGITS$}\n");
        self.mark
            .write_all_at(digits.as_bytes(), 0)
            .map_err(|why| Error::internal(format!("cannot write {}: {why}", self.mark().display())))
    }

    /// The file of the mark.
    pub fn mark(&self) -> PathBuf {
        self.dir.join(MARK)
    }

    /// What the free space allows. When the system cannot tell, everything.
    pub fn room(&self) -> Room {
        match rustix::fs::statvfs(&self.dir) {
            Ok(space) if space.f_bavail * space.f_frsize < DISK_FREE_MIN_BYTES => Room::None,
            Ok(space) if space.f_bavail * space.f_frsize < DISK_FREE_LOW_BYTES => Room::Low,
            _ => Room::Plenty,
        }
    }

    /// Puts another store in the place of this one.
    pub fn replace(self, by: &Path) -> std::io::Result<()> {
        let Disk { dir, tree, db, log, _lock: lock, .. } = self;
        drop((tree, db, log));
        let (store, old) = (dir.join(STORE), dir.join(REPLACED));
        fs::rename(&store, &old)?;
        fs::rename(by, &store)?;
        File::open(&dir)?.sync_all()?;
        fs::remove_dir_all(&old)?;
        drop(lock);
        Ok(())
    }

    /// Bytes the store takes.
    pub fn size(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }
}

/// Whether a directory has a store, or what a crash in [`Disk::replace`] left of one.
pub fn has_store(dir: &Path) -> bool {
    [STORE, REPLACED].iter().any(|name| dir.join(name).is_dir())
}

/// After a crash in [`Disk::replace`]: the old store is put back if the new one is not in its place.
fn recover_replaced(dir: &Path, store: &Path) -> std::io::Result<()> {
    let old = dir.join(REPLACED);
    match (store.exists(), old.exists()) {
        (false, true) => fs::rename(old, store),
        (true, true) => fs::remove_dir_all(old),
        _ => Ok(()),
    }
}

/// Opens sled. A store of this process that was just closed may still be letting go of it; other processes are kept out
/// by our own lock.
pub fn open_sled(store: &Path) -> sled::Result<sled::Db> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let bytes = fs::metadata(store.join(LOG)).map_or(0, |log| log.len());
    let config = sled::Config::new()
        .path(store)
        .cache_capacity((bytes / CACHE_SHARE).clamp(CACHE_BYTES_MIN, CACHE_BYTES_MAX))
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(CLEAN_EVERY_MS));
    let started = Instant::now();
    loop {
        match config.open() {
            Err(sled::Error::Io(why)) if why.to_string().contains("lock") && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

fn lock(dir: &Path) -> Result<Lock> {
    let path = dir.join("lock");
    let failed =
        |why: &dyn std::fmt::Display| Error::new(Code::Internal, format!("cannot lock {}: {why}", path.display()));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&path)
        .map_err(|why| failed(&why))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            let _ = file.read_to_string(&mut holder);
            return Err(Error::new(
                Code::Busy,
                format!(
                    "{} is in use by another contactd (process {}); stop it, or give another --data-dir",
                    dir.display(),
                    holder.trim()
                ),
            ));
        }
        Err(TryLockError::Error(why)) => return Err(failed(&why)),
    }
    file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(|why| failed(&why))?;
    Ok(Lock(file))
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use super::*;

    #[test]
    fn a_lock_that_was_let_go_of_is_free_while_the_process_starts_children() {
        let dir = tempfile::tempdir().expect("a directory");
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let child = Command::new("true").status();
                        assert!(child.expect("a child").success());
                    }
                });
            }
            let locked = (0..100).try_for_each(|_| lock(dir.path()).map(drop));
            done.store(true, Ordering::Relaxed);
            assert_eq!(locked.map_err(|why| why.message), Ok(()));
        });
    }
}
