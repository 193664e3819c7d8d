//! Power cuts, by the thousand and repeatable: at any moment what was not synced is lost, kept or torn, the store is
//! opened again, and it has every acknowledged write, nothing half, and indexes that agree.
//!
//! In the first test the engine in memory loses its power. In the second the daemon's own engine writes, and images of its
//! file are made in which each block that was not synced is the old one or the new one. `CONTACTD_POWER_CUTS=10000` makes so
//! many cuts of the first kind and a tenth as many of the second; the suite makes some hundreds.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use contactd::error::Result;
use contactd::model::change::{Change, Row, RowStatus, Statement, Write};
use contactd::model::phone::{ListNumber, Phone};
use contactd::model::time::DAY_MS;
use contactd::store::engine::{Batch, DiskEngine, Engine, Keys, MemoryEngine, Row as Stored, Space, Wholeness};
use contactd::store::{Fsync, Job, Options, Store};

/// 2026-05-01T12:00:00Z.
const NOON: i64 = 1_777_636_800_000;
/// Writes between two cuts.
const WRITES_MAX: usize = 12;
const PHONES: u64 = 5;

/// A sequence of numbers that looks random and follows from its seed (`SplitMix64`, Steele, Lea and Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }
}

fn cuts(share: u64, usual: u64) -> u64 {
    let asked = std::env::var("CONTACTD_POWER_CUTS").ok().and_then(|cuts| cuts.parse::<u64>().ok());
    asked.map_or(usual, |asked| asked / share)
}

fn phone(n: u64) -> Phone {
    Phone::from_u64(14_155_550_100 + n).expect("in range")
}

fn list(n: u64) -> ListNumber {
    ListNumber::parse((24_365 + n).to_string().as_bytes()).expect("a short code")
}

/// Something that a client could ask for.
fn any_write(random: &mut Random) -> Write {
    let (list, phone) = (list(random.below(2)), phone(random.below(PHONES)));
    let at = (random.below(2) == 0).then(|| NOON - random.below(30).cast_signed() * DAY_MS);
    let claim = Statement { at, source: "a power cut".into(), ..Statement::default() };
    let row = |status| {
        let labels = vec![("tier".to_owned(), Some("gold".to_owned()))];
        Change::Import(Box::new(Row { labels, status, source: "a.csv".into(), ..Row::default() }))
    };
    let change = match random.below(14) {
        0 | 1 => Change::OptIn(claim),
        2 | 3 => Change::OptOut(claim),
        4 => Change::Suppress(claim),
        5 => Change::Release(claim),
        6 => Change::Invalid(claim),
        7 => Change::Valid(claim),
        8 | 9 => row(None),
        10 => row(Some(RowStatus::OptedOut)),
        11 => Change::Put(vec![("state".into(), Some(random.below(3).to_string()))]),
        12 => Change::Claim(random.below(6).to_string()),
        _ => {
            return Write::List {
                number: list,
                name: Some(random.below(9).to_string()),
                paused: Some(random.below(2) == 0),
            };
        }
    };
    Write::Contact { phone, list: Some(list), change }
}

fn options(dir: &Path, fsync: Fsync) -> Options {
    Options { fsync, ..Options::new(dir.to_owned(), Arc::new(|| NOON)) }
}

/// Hands a write to the store. The receiver hears when it is answered.
fn submit(store: &Store, write: Write) -> mpsc::Receiver<()> {
    let (send, answered) = mpsc::channel();
    let done = Box::new(move |_| {
        let _ = send.send(());
    });
    store.submit(Job { writes: vec![write], by: Arc::default(), done });
    answered
}

/// All that a client could see.
fn answers(store: &Store) -> Vec<String> {
    let mut seen = Vec::new();
    for phone in (0..PHONES).map(phone) {
        seen.push(format!("{:?}", store.contact(phone).expect("read")));
        let events = store.history(phone, None, &|_| true, 100).expect("read").map(|page| page.events);
        seen.push(format!("{events:?}"));
        for list in (0..2).map(list) {
            seen.push(format!("{:?}", store.gate().list(list).verdict(phone)));
        }
    }
    let bounds = store.feed_bounds().expect("read");
    seen.push(format!("{:?}", store.feed(bounds.first, 1000).expect("read")));
    seen.push(format!("{:?}", store.label_values("state", None, 10).expect("read")));
    let lists: Vec<String> = store.gate().lists().iter().map(|(_, list)| format!("{list:?}")).collect();
    seen.push(lists.join(" "));
    seen.push(format!("{:?}", store.list_history(None, &|_| true, 100).expect("read").events));
    seen
}

/// What the answers are after each of some writes, on a copy of what an engine has.
fn expected(copy: MemoryEngine, dir: &Path, writes: &[Write]) -> Vec<Vec<String>> {
    let store = Store::open_on(Arc::new(copy), options(dir, Fsync::Always)).expect("the store opens");
    let mut seen = vec![answers(&store)];
    for write in writes {
        submit(&store, write.clone()).recv().expect("answered");
        seen.push(answers(&store));
    }
    seen
}

/// Compares a store that was opened after a cut: it is as it was after some write that is not before the last
/// acknowledged one.
fn assert_nothing_is_lost(store: &Store, expected: &[Vec<String>], acknowledged: usize, what: &str) {
    let found = answers(store);
    let place = expected.iter().rposition(|seen| *seen == found);
    let Some(place) = place else {
        let nearest = &expected[acknowledged];
        let differing: Vec<_> = nearest.iter().zip(&found).filter(|(was, is)| was != is).collect();
        panic!("{what}: not as after any write; {acknowledged} were acknowledged; differing: {differing:#?}");
    };
    assert!(place >= acknowledged, "{what}: {acknowledged} writes were acknowledged, {place} are there");
    let verified = store.verify(false).expect("read");
    assert_eq!(verified.differing, 0, "{what}: {:?}", verified.differences);
}

/// Writes as a connection does, cuts the power at some moment, and says how many writes had been acknowledged before. Writes of
/// one urgency go to the writer together; those of another wait until these are answered, which keeps their order.
fn write_and_cut<T>(
    store: &Store,
    writes: &[Write],
    random: &mut Random,
    cut: impl FnOnce(&mut Random) -> T,
) -> (usize, T) {
    let acknowledged = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for together in writes.chunk_by(|one, next| one.urgency() == next.urgency()) {
                let answered: Vec<_> = together.iter().map(|write| submit(store, write.clone())).collect();
                for answered in answered {
                    answered.recv().expect("answered");
                    acknowledged.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        // Some cuts come at once, some when all is done, most in between, and up to a moment later.
        let cut_behind = random.below(writes.len() as u64 + 1) as usize;
        while acknowledged.load(Ordering::SeqCst) < cut_behind {
            std::thread::yield_now();
        }
        std::thread::sleep(Duration::from_micros(random.below(400) * random.below(2)));
        let before = acknowledged.load(Ordering::SeqCst);
        (before, cut(random))
    })
}

#[test]
fn a_power_cut_at_any_moment_loses_no_acknowledged_write() {
    let dir = tempfile::tempdir().expect("a directory");
    let cuts = cuts(1, 400);
    let mut acknowledged_in_all = 0;
    let mut engine = Arc::new(MemoryEngine::default());
    for cut in 0..cuts {
        let random = &mut Random(cut);
        if cut % 20 == 0 {
            engine = Arc::new(MemoryEngine::default());
            let _ = fs::remove_file(dir.path().join("tombstone.key"));
        }
        let writes: Vec<Write> = (0..=random.below(WRITES_MAX as u64)).map(|_| any_write(random)).collect();
        let store = Store::open_on(Arc::clone(&engine) as Arc<dyn Engine>, options(dir.path(), Fsync::Always));
        let store = store.expect("the store opens");
        let expected = expected(engine.power_cut(usize::MAX), dir.path(), &writes);
        let (acknowledged, after) = write_and_cut(&store, &writes, random, |random| {
            let kept = random.below(engine.unsynced() as u64 + 1) as usize;
            engine.power_cut(kept)
        });
        acknowledged_in_all += acknowledged;
        drop(store);
        engine = Arc::new(after);
        let store = Store::open_on(Arc::clone(&engine) as Arc<dyn Engine>, options(dir.path(), Fsync::Always));
        assert_nothing_is_lost(&store.expect("the store opens"), &expected, acknowledged, &format!("cut {cut}"));
    }
    println!("{cuts} power cuts in memory, {acknowledged_in_all} acknowledged writes before them");
}

/// What forbids is durable before it is answered under `--fsync interval`, too; what permits may be lost.
#[test]
fn a_power_cut_under_fsync_interval_loses_nothing_that_forbids() {
    let dir = tempfile::tempdir().expect("a directory");
    for cut in 0..cuts(4, 50) {
        let random = &mut Random(cut);
        let engine = Arc::new(MemoryEngine::default());
        let _ = fs::remove_file(dir.path().join("tombstone.key"));
        let options = || options(dir.path(), Fsync::Interval);
        let store = Store::open_on(Arc::clone(&engine) as Arc<dyn Engine>, options()).expect("the store opens");
        submit(&store, Write::List { number: list(0), name: None, paused: None }).recv().expect("answered");
        let optin =
            |n| Write::Contact { phone: phone(n), list: Some(list(0)), change: Change::OptIn(Statement::default()) };
        let optout =
            |n| Write::Contact { phone: phone(n), list: Some(list(0)), change: Change::OptOut(Statement::default()) };
        let mut out = Vec::new();
        for n in 0..random.below(8) {
            submit(&store, optin(n)).recv().expect("answered");
            if random.below(2) == 0 {
                submit(&store, optout(n)).recv().expect("answered");
                out.push(n);
            }
        }
        let kept = random.below(engine.unsynced() as u64 + 1) as usize;
        let after = Arc::new(engine.power_cut(kept));
        drop(store);
        let store = Store::open_on(after, options()).expect("the store opens");
        for n in out {
            let verdict = format!("{:?}", store.gate().list(list(0)).verdict(phone(n)));
            assert_eq!(verdict, "No(ListOptedOut)", "cut {cut}: contact {n}");
        }
        assert_eq!(store.verify(false).expect("read").differing, 0);
    }
}

/// The daemon's engine, and its files as they were when they were last synced.
struct Recorded {
    engine: DiskEngine,
    dir: std::path::PathBuf,
    synced: Mutex<Vec<(String, Vec<u8>)>>,
}

impl Recorded {
    fn open(dir: &Path) -> Recorded {
        let engine = DiskEngine::open(dir).expect("the store opens");
        Recorded { engine, dir: dir.to_owned(), synced: Mutex::default() }
    }

    /// Writes what a power cut now could leave to another directory: of each block of 512 bytes that differs from the last
    /// sync the old one or the new one, and a file that has grown may end anywhere.
    fn power_cut(&self, random: &mut Random, to: &Path) {
        const BLOCK: usize = 512;
        let synced = self.synced.lock().expect("nobody panicked").clone();
        // Mostly old, mostly new, both alike, or all of it new.
        let new_of_eight = [1, 4, 7, 8][random.below(4) as usize];
        for (name, mut now) in files(&self.dir) {
            if name == "synced" && new_of_eight < 8 {
                // It is written after the sync that it speaks of.
                now =
                    synced.iter().find(|(known, _)| *known == name).map(|(_, bytes)| bytes.clone()).unwrap_or_default();
            }
            let before = synced.iter().find(|(known, _)| *known == name).map_or(&[][..], |(_, bytes)| bytes);
            let grown = now.len().saturating_sub(before.len());
            let lost = if new_of_eight == 8 { 0 } else { random.below(grown as u64 + 1) as usize };
            let end = now.len() - lost;
            let mut image = vec![0; end];
            for (at, block) in image.chunks_mut(BLOCK).enumerate() {
                let at = at * BLOCK;
                let new = &now[at..at + block.len()];
                let old = before.get(at..(at + block.len()).min(before.len())).unwrap_or_default();
                block.copy_from_slice(new);
                if !new.starts_with(old) || old.len() < new.len() {
                    // A write may be torn in the middle of a block, too.
                    let torn = match random.below(8) {
                        n if n < new_of_eight => 0,
                        7 => random.below(block.len() as u64) as usize,
                        _ => block.len(),
                    };
                    block[..torn].fill(0);
                    let kept = torn.min(old.len());
                    block[..kept].copy_from_slice(&old[..kept]);
                }
            }
            let path = to.join(&name);
            fs::create_dir_all(path.parent().expect("a directory")).expect("made");
            fs::write(path, image).expect("written");
        }
        // A cut leaves the same file, which `origin` speaks of since it was opened. It speaks of no log, since the file `pulse`
        // of the image is another one than it says.
        let born = fs::metadata(to.join("store/db")).expect("the store").created().expect("when it was made");
        let born = born.duration_since(std::time::UNIX_EPOCH).expect("a date").as_nanos();
        fs::write(to.join("origin"), format!("open born {born}\n")).expect("written");
        // The secret was synced when it was made.
        fs::copy(self.dir.join("tombstone.key"), to.join("tombstone.key")).expect("copied");
    }

    /// Takes note of what is on disk from now on.
    fn note_synced(&self) {
        let mut synced = self.synced.lock().expect("nobody panicked");
        if synced.is_empty() {
            *synced = files(&self.dir);
        } else {
            // Too little is written for a checkpoint: the store's own file is as it was.
            synced.retain(|(name, _)| !is_of_log(name));
            synced.extend(files(&self.dir).into_iter().filter(|(name, _)| is_of_log(name)));
        }
    }
}

/// Whether a file has the batches, or how many of them there are.
fn is_of_log(name: &str) -> bool {
    name == "synced" || name.starts_with("store/wal.")
}

/// The files of a store with their contents. How many batches were synced is read first: what is read later has them.
fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let store = fs::read_dir(dir.join("store")).expect("a directory");
    let names = store.filter_map(|entry| Some(format!("store/{}", entry.ok()?.file_name().to_string_lossy())));
    let names = std::iter::once("synced".to_owned()).chain(names.filter(|name| !name.ends_with("blobs")));
    names.filter_map(|name| Some((name.clone(), fs::read(dir.join(name)).ok()?))).collect()
}

impl Engine for Recorded {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.get(key)
    }

    fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Stored>> {
        self.engine.scan(keys, limit)
    }

    fn last(&self, keys: &Keys) -> Result<Option<Stored>> {
        self.engine.last(keys)
    }

    fn apply(&self, batch: &Batch) -> Result<()> {
        self.engine.apply(batch)
    }

    fn sync(&self, newest: u64) -> Result<()> {
        self.engine.sync(newest)?;
        self.note_synced();
        Ok(())
    }

    fn commit(&self, batch: &Batch) -> Result<()> {
        self.engine.commit(batch)?;
        self.note_synced();
        Ok(())
    }

    fn check_complete(&self, newest: u64) -> Result<Wholeness> {
        self.engine.check_complete(newest)
    }

    fn mark_open(&self, newest: u64) -> Result<()> {
        self.engine.mark_open(newest)
    }

    fn space(&self) -> Space {
        Space::Plenty
    }

    fn size(&self) -> u64 {
        self.engine.size()
    }
}

/// Everything that an engine has, as an engine in memory.
fn copy_of(engine: &dyn Engine) -> MemoryEngine {
    let copy = MemoryEngine::default();
    let mut batch = Batch::new(0);
    for row in contactd::store::engine::rows(engine, vec![0]..vec![u8::MAX]) {
        let (key, value) = row.expect("read");
        batch.put(&key, &value);
    }
    copy.apply(&batch).expect("applied");
    copy
}

#[test]
fn an_image_of_the_file_after_a_power_cut_has_every_acknowledged_write() {
    let cuts = cuts(10, 30);
    let mut acknowledged_in_all = 0;
    let mut dir = tempfile::tempdir().expect("a directory");
    for cut in 0..cuts {
        let random = &mut Random(1_000_000 + cut);
        if cut % 10 == 0 {
            dir = tempfile::tempdir().expect("a directory");
        }
        let engine = Arc::new(Recorded::open(dir.path()));
        let store = Store::open_on(Arc::clone(&engine) as Arc<dyn Engine>, options(dir.path(), Fsync::Always));
        let store = store.expect("the store opens");
        let writes: Vec<Write> = (0..=random.below(WRITES_MAX as u64)).map(|_| any_write(random)).collect();
        let expected = expected(copy_of(&*engine), dir.path(), &writes);
        let image = tempfile::tempdir().expect("a directory");
        let (acknowledged, ()) =
            write_and_cut(&store, &writes, random, |random| engine.power_cut(random, image.path()));
        acknowledged_in_all += acknowledged;
        drop((store, engine));
        let store = Store::open(options(image.path(), Fsync::Always)).expect("the image opens");
        assert_nothing_is_lost(&store, &expected, acknowledged, &format!("image {cut}"));
        drop(store);
        // What comes next comes on top of what the cut has left.
        dir = image;
    }
    println!("{cuts} images after power cuts, {acknowledged_in_all} acknowledged writes before them");
}
