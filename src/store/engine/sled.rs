//! The engine on disk: the data directory, which one process has open at a time, with sled inside, and a sync that
//! really is one. No other file knows sled.

use std::fs::{self, File, OpenOptions};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use super::durable::{Durable, Put, wal_failed};
use super::lock::Lock;
use super::memtable::Newer;
use super::nudge::Nudge;
use super::origin::Origin;
use super::private_dir::make_private;
use super::pulse::Pulse;
use super::seal::{sync, sync_files};
use super::synced::{self, Synced};
use super::wal::Wal;
use super::{Batch, Engine, Keys, Row, Space, Wholeness};
use crate::error::{Code, Error, Result};
use crate::limits::{
    CACHE_BYTES_MAX, CACHE_BYTES_MIN, CACHE_SHARE, CLEAN_EVERY_MS, DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES,
    SEGMENT_BYTES,
};

/// sled's name of the one tree.
const TREE: &str = "contactd";

/// Where sled's files are, and where they are for a moment while a store is replaced.
const STORE: &str = "store";
const REPLACED: &str = "store.old";
/// Where the new files of a store are until they are whole.
const BESIDE: &str = "store.new";

/// The name of sled's file.
const LOG: &str = "db";

/// What is said of a store on which sled panics.
const PANICKED: &str = "its files are damaged, and opt-outs may be missing: restore a backup";

/// The key, behind all others, that has the number of the newest batch. A batch and its number are applied together: what of
/// the write-ahead log comes behind it is known.
const NEWEST: &[u8] = &[u8::MAX];
/// The key that has the number of the newest batch that was begun: of one that is not the newest, sled has half.
const BEGUN: &[u8] = &[u8::MAX, 0];

/// The open data directory.
pub struct DiskEngine {
    dir: PathBuf,
    /// Closed while sled is open.
    durable: Durable,
    disk: Arc<Disk>,
    tree: sled::Tree,
    /// Held while values are put into the tree one by one.
    putting: Arc<RwLock<()>>,
    synced: Synced,
    pulse: Pulse,
    /// The newest batch that had been on disk when the file `pulse` was last written; none if it does not say.
    known: Option<u64>,
    /// Noted as closed once the store is.
    origin: Arc<Origin>,
    /// Released last.
    _lock: Lock,
}

/// sled on its disk.
struct Disk {
    /// For flushes. It has sled open, and goes first.
    nudge: Nudge,
    db: sled::Db,
    /// Our own handle to sled's file: sled's flush is not an fsync.
    log: File,
}

impl Disk {
    /// Puts everything that was applied on disk.
    fn sync(&self) -> Result<()> {
        let flushed = self.nudge.watch(|| self.db.flush());
        flushed.map_err(|why| Error::internal(format!("cannot write the store: {why}")))?;
        self.log.sync_data().map_err(|why| Error::internal(format!("cannot sync the store: {why}")))
    }
}

impl DiskEngine {
    /// Opens the directory, making it if need be.
    pub fn open(dir: &Path) -> Result<DiskEngine> {
        let failed = |what: &str, why: &dyn std::fmt::Display| {
            Error::new(Code::Internal, format!("cannot {what} {}: {why}", dir.display()))
        };
        make_private(dir).map_err(|why| failed("make the data directory", &why))?;
        let lock = Lock::take(dir)?;
        let store = dir.join(STORE);
        recover_replaced(dir, &store).map_err(|why| failed("recover the store in", &why))?;
        let origin = Arc::new(Origin::read(dir, &store.join(LOG))?);
        if !store.join(LOG).exists() {
            refuse_remains(dir, &store)?;
        }
        if origin.is_open_with_wal() && !Wal::is_in(&store) {
            return Err(origin.damage());
        }
        if !store.exists() {
            make_store(dir, &store).map_err(|why| failed("make the store in", &why))?;
        }
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
        let synced = Synced::open(dir).map_err(|why| failed("open the file `synced` in", &why))?;
        let flushed = db.clone();
        let nudge = Nudge::start(move || drop(flushed.flush())).map_err(|why| failed("start a thread for", &why))?;
        let disk = Arc::new(Disk { nudge, db, log });
        let wal = Wal::open(&store).map_err(|why| failed("open the write-ahead log in", &why))?;
        replay(&wal, &tree, &origin)?;
        disk.sync()?;
        sync_files(&store).and_then(|()| sync(dir)).map_err(|why| failed("sync", &why))?;
        let putting = Arc::<RwLock<()>>::default();
        let made = Arc::clone(&disk);
        let put = put_into(tree.clone(), Arc::clone(&putting));
        let durable = Durable::start(wal, Arc::clone(&origin), put, Arc::new(move || made.sync()))
            .map_err(|why| failed("start a thread for", &why))?;
        let known = Pulse::newest(dir).map_err(|why| failed("read the file `pulse` in", &why))?;
        let pulse = Pulse::start(dir).map_err(|why| failed("write the file `pulse` in", &why))?;
        Ok(DiskEngine { dir: dir.to_owned(), durable, disk, tree, putting, synced, pulse, known, origin, _lock: lock })
    }

    /// Whether a directory has a store, or what a crash in [`DiskEngine::replace_by`] left of one.
    pub fn is_in(dir: &Path) -> bool {
        [STORE, REPLACED].iter().any(|name| dir.join(name).is_dir())
    }

    /// An empty store beside this one, to take its place. What an earlier attempt left there is removed.
    pub fn beside(&self) -> Result<Beside> {
        let dir = nothing_beside(&self.dir).map_err(|why| failed("remove", &self.dir.join(BESIDE), &why))?;
        let db = open_sled(&dir).map_err(sled_failed)?;
        let tree = db.open_tree(TREE).map_err(sled_failed)?;
        Ok(Beside { dir, tree, db })
    }

    /// Puts another store in the place of this one. A crash at any moment leaves the old or the new one whole.
    pub fn replace_by(self, beside: Beside) -> Result<()> {
        let DiskEngine { dir, durable, disk, tree, origin, _lock: lock, .. } = self;
        let (store, old, new) = (dir.join(STORE), dir.join(REPLACED), beside.dir.clone());
        // sled must have closed both before they move.
        drop((durable, disk, tree, beside));
        let replace = || -> std::io::Result<()> {
            sync_files(&new)?;
            origin.replacing()?;
            fs::rename(&store, &old)?;
            fs::rename(&new, &store)?;
            sync(&dir)?;
            origin.replaced()?;
            fs::remove_dir_all(&old)
        };
        let replaced = replace();
        drop(lock);
        replaced.map_err(|why| Error::internal(format!("cannot replace the store in {}: {why}", dir.display())))
    }

    /// sled has every batch, and half of none, as long as this is held.
    fn settled(&self) -> Result<RwLockReadGuard<'_, ()>> {
        self.durable.settle()?;
        Ok(self.putting.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn write_synced(&self, newest: u64) -> Result<()> {
        self.synced.write(newest)?;
        self.pulse.beat(newest);
        Ok(())
    }
}

impl Engine for DiskEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        match self.durable.get(key) {
            Newer::Value(value) => Ok(Some(value)),
            Newer::Removed => Ok(None),
            Newer::Nothing => Ok(self.tree.get(key).map_err(sled_failed)?.map(|value| value.to_vec())),
        }
    }

    /// Does not wait for a batch.
    fn warm(&self, key: &[u8]) {
        let _ = self.tree.get(key);
    }

    fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Row>> {
        let _whole = self.settled()?;
        scan(&self.tree, keys, limit)
    }

    fn last(&self, keys: &Keys) -> Result<Option<Row>> {
        let _whole = self.settled()?;
        let row = self.tree.range(keys.clone()).next_back().transpose().map_err(sled_failed)?;
        Ok(row.map(|(key, value)| (key.to_vec(), value.to_vec())))
    }

    fn apply(&self, batch: &Batch) -> Result<()> {
        self.origin.applied(batch.number());
        self.durable.settle()?;
        apply(&self.tree, batch)?;
        self.durable.append(batch).map(drop)
    }

    /// First the log, then, in a moment, sled: a batch that it has on disk in part is in the log as a whole. So sled need not see to
    /// that, for which it would wake all of its threads, twice for each batch.
    fn commit(&self, batch: &Batch) -> Result<()> {
        self.origin.applied(batch.number());
        if !self.durable.append(batch)? {
            apply(&self.tree, batch)?;
            return self.sync(batch.number());
        }
        self.durable.commit(batch)?;
        self.write_synced(batch.number())
    }

    /// Also writes down how many batches are on disk.
    fn sync(&self, newest: u64) -> Result<()> {
        let note = || self.tree.insert(NEWEST, &newest.to_be_bytes()).map(drop).map_err(sled_failed);
        self.durable.sync(newest, note)?;
        self.write_synced(newest)
    }

    /// sled takes damage in the middle of its file for the end of it, and serves what is before. Of a copy that was made
    /// while the store was written to it may not see that anything is missing.
    fn check_complete(&self, newest: u64) -> Result<Wholeness> {
        let synced = self.synced.newest()?;
        if let Some(synced) = synced.filter(|synced| *synced > newest) {
            return Err(Error::internal(format!(
                "the store in {} ends after {newest} of {synced} batches that were on disk: its file was damaged or cut \
                 off, and opt-outs are lost with the rest. Restore a backup, or delete {} to have what is left behind a \
                 fence: nobody gets messages until UNFENCE",
                self.dir.display(),
                self.synced.path().display()
            )));
        }
        self.origin.check(newest)?;
        // Without the other files what is left is served behind a fence, if anything is.
        let is_fenced = newest > 0 && (synced.is_none() || !self.origin.is_known());
        if let Some(known) = self.known.filter(|known| *known > newest && !is_fenced) {
            return Err(self.origin.put_back_in_part(newest, known));
        }
        Ok(match (synced, self.origin.is_known()) {
            (None, _) => Wholeness::Unknown,
            (Some(_), false) => Wholeness::AnyFile,
            (Some(_), true) => Wholeness::Known,
        })
    }

    fn mark_open(&self, newest: u64) -> Result<()> {
        if self.synced.newest()?.is_none() {
            self.write_synced(newest)?;
            self.synced.sync()?;
        }
        // What is left is wanted as it is.
        if self.known.is_some_and(|known| known > newest) {
            self.pulse.set_back(newest).map_err(|why| failed("write the file `pulse` in", &self.dir, &why))?;
        }
        self.origin.open(newest)
    }

    /// sled must never see a full disk: after a failed write it fails until it is opened again. When the system cannot
    /// tell the free space, there is plenty.
    fn space(&self) -> Space {
        match self.free_bytes() {
            Some(free) if free < DISK_FREE_MIN_BYTES => Space::None,
            Some(free) if free < DISK_FREE_LOW_BYTES => Space::Low,
            _ => Space::Plenty,
        }
    }

    fn free_bytes(&self) -> Option<u64> {
        rustix::fs::statvfs(&self.dir).ok().map(|space| space.f_bavail * space.f_frsize)
    }

    fn size(&self) -> u64 {
        self.disk.db.size_on_disk().unwrap_or(0) + self.durable.size()
    }
}

/// A store that is written beside another one.
pub struct Beside {
    dir: PathBuf,
    tree: sled::Tree,
    db: sled::Db,
}

impl Beside {
    /// Applies a batch, and flushes it, so that memory does not fill with what is not written yet.
    pub fn apply(&self, batch: &Batch) -> Result<()> {
        apply(&self.tree, batch)?;
        self.db.flush().map_err(sled_failed).map(drop)
    }

    /// As [`Engine::scan`].
    pub fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Row>> {
        scan(&self.tree, keys, limit)
    }

    /// Bytes that it takes.
    pub fn size(&self) -> u64 {
        self.db.size_on_disk().unwrap_or(0)
    }
}

fn scan(tree: &sled::Tree, keys: &Keys, limit: usize) -> Result<Vec<Row>> {
    if keys.start >= keys.end {
        return Ok(Vec::new());
    }
    let rows = tree.range(keys.clone()).take(limit);
    rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec())).map_err(sled_failed)).collect()
}

fn apply(tree: &sled::Tree, batch: &Batch) -> Result<()> {
    let mut all = sled::Batch::default();
    for (key, value) in batch.entries() {
        match value {
            Some(value) => all.insert(key, value),
            None => all.remove(key),
        }
    }
    if batch.has_number() {
        all.insert(NEWEST, &batch.number().to_be_bytes());
    }
    tree.apply_batch(all).map_err(sled_failed)
}

/// Puts values into the tree that the log has, in the order of their keys, which are near each other.
fn put_into(tree: sled::Tree, putting: Arc<RwLock<()>>) -> Put {
    Box::new(move |newest, values| {
        let mut values: Vec<_> = values.iter().map(|(key, value)| (key.as_slice(), value.as_deref())).collect();
        values.sort_unstable_by_key(|(key, _)| *key);
        let _alone = putting.write().unwrap_or_else(PoisonError::into_inner);
        insert(&tree, newest, values.into_iter())
    })
}

/// The same as [`apply`] key by key, for batches that the log has, up to this one: its number comes first and last.
fn insert<'v>(
    tree: &sled::Tree,
    newest: u64,
    values: impl Iterator<Item = (&'v [u8], Option<&'v [u8]>)>,
) -> Result<()> {
    let number = newest.to_be_bytes();
    tree.insert(BEGUN, &number).map_err(sled_failed)?;
    for (key, value) in values {
        match value {
            Some(value) => tree.insert(key, value),
            None => tree.remove(key),
        }
        .map_err(sled_failed)?;
    }
    tree.insert(NEWEST, &number).map(drop).map_err(sled_failed)
}

/// The number under a key; 0 where there is none.
fn number(tree: &sled::Tree, key: &[u8]) -> Result<u64> {
    let number = tree.get(key).map_err(sled_failed)?;
    Ok(number.map_or(0, |number| number.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))))
}

/// Applies what the write-ahead log has and sled does not. Refuses a store that lacks batches before those, or the rest of one,
/// unless somebody wants what is left.
fn replay(wal: &Wal, tree: &sled::Tree, origin: &Origin) -> Result<()> {
    let mut newest = number(tree, NEWEST)?;
    let mut has_gap = false;
    for batch in wal.batches().map_err(wal_failed)? {
        has_gap |= batch.number() > newest + 1;
        if batch.number() == newest + 1 {
            insert(tree, batch.number(), batch.entries())?;
            newest += 1;
        }
    }
    let has_half = number(tree, BEGUN)? > newest;
    if (has_gap || has_half) && origin.is_known() { Err(origin.damage()) } else { Ok(()) }
}

fn failed(what: &str, path: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::internal(format!("cannot {what} {}: {why}", path.display()))
}

fn sled_failed(why: sled::Error) -> Error {
    Error::internal(format!("the store failed: {why}"))
}

/// After a crash in [`DiskEngine::replace_by`]: the old store is put back if the new one is not in its place.
fn recover_replaced(dir: &Path, store: &Path) -> std::io::Result<()> {
    let old = dir.join(REPLACED);
    match (store.exists(), old.exists()) {
        (false, true) => fs::rename(old, store),
        (true, true) => fs::remove_dir_all(old),
        _ => Ok(()),
    }
}

/// Where the files of a new store are written. What an earlier attempt left there is removed.
fn nothing_beside(dir: &Path) -> std::io::Result<PathBuf> {
    let new = dir.join(BESIDE);
    if new.exists() {
        fs::remove_dir_all(&new)?;
    }
    Ok(new)
}

/// A new store is in its place once its files are whole and on disk: sled writes its settings in two pieces, syncs neither, and
/// does not open without them. What a crash leaves is beside, and made anew.
fn make_store(dir: &Path, store: &Path) -> sled::Result<()> {
    let new = nothing_beside(dir)?;
    drop(open_sled(&new)?);
    sync_files(&new)?;
    fs::rename(&new, store)?;
    Ok(sync(dir)?)
}

/// A store that was removed, in whole or but for some files, is not begun anew: whoever opted out would be forgotten. The directory
/// of a store comes before all other files, so that what a crash left of a first start is none of these.
fn refuse_remains(dir: &Path, store: &Path) -> Result<()> {
    let mut left: Vec<PathBuf> =
        Origin::files(dir).chain([dir.join(synced::NAME)]).filter(|file| file.exists()).collect();
    left.extend(Wal::is_in(store).then(|| store.to_owned()));
    if left.is_empty() {
        return Ok(());
    }
    let left: Vec<String> = left.iter().map(|file| file.display().to_string()).collect();
    Err(Error::internal(format!(
        "the store in {} is gone, and who opted out with it: only {} is left. Move that aside and restore a backup; an empty store \
         is begun only where nothing is left of another one",
        dir.display(),
        left.join(", ")
    )))
}

/// Opens sled. A store of this process that was just closed may not have released it yet; our own lock keeps other
/// processes out.
fn open_sled(store: &Path) -> sled::Result<sled::Db> {
    const PATIENCE: Duration = Duration::from_secs(10);
    let bytes = fs::metadata(store.join(LOG)).map_or(0, |log| log.len());
    let config = sled::Config::new()
        .path(store)
        .cache_capacity((bytes / CACHE_SHARE).clamp(CACHE_BYTES_MIN, CACHE_BYTES_MAX))
        .segment_size(SEGMENT_BYTES)
        .flush_every_ms(Some(CLEAN_EVERY_MS));
    let started = Instant::now();
    loop {
        // sled panics on some damage.
        let opened = catch_unwind(AssertUnwindSafe(|| config.open()));
        match opened.unwrap_or_else(|_| Err(sled::Error::Unsupported(PANICKED.to_owned()))) {
            Err(sled::Error::Io(why)) if why.to_string().contains("lock") && started.elapsed() < PATIENCE => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_was_not_finished_is_made_anew() {
        let dir = tempfile::tempdir().expect("a directory");
        let beside = dir.path().join(BESIDE);
        fs::create_dir_all(&beside).expect("made");
        fs::write(beside.join("conf"), "torn at its third lin").expect("written");
        drop(DiskEngine::open(dir.path()).expect("opened"));
        assert!(dir.path().join(STORE).join("conf").exists() && !beside.exists());
    }
}
