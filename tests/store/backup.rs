//! Backups: made while others write, restored into another engine, and the same as the store that they are of, but for the
//! fence in front of it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use contactd::model::change::{Change, Outcome, Statement, Write};
use contactd::model::fence::{Cause, Fence, Replayed};
use contactd::model::phone::{ListNumber, Phone};
use contactd::model::verdict::{Reason, Verdict};
use contactd::store::engine::{DiskEngine, Engine, MemoryEngine};
use contactd::store::{BackupEnd, BackupFacts, Job, Options, Store, check_backup};

const NOON: i64 = 1_777_636_800_000;
/// When it is restored.
const LATER: i64 = NOON + 3_600_000;

fn options(dir: &Path, now: i64) -> Options {
    Options::new(dir.to_owned(), Arc::new(move || now))
}

fn phone(n: u64) -> Phone {
    Phone::from_u64(14_155_550_000 + n).expect("in range")
}

fn list() -> ListNumber {
    ListNumber::parse(b"24365").expect("a short code")
}

fn write(store: &Store, writes: Vec<Write>) -> Vec<contactd::error::Result<Outcome>> {
    let (send, answered) = mpsc::channel();
    let done = Box::new(move |outcomes| send.send(outcomes).expect("the test listens"));
    store.submit(Job { by: Arc::default(), writes, done });
    answered.recv().expect("answered")
}

fn change(n: u64, change: Change) -> Write {
    Write::Contact { phone: phone(n), list: Some(list()), change }
}

fn at(at: i64) -> Statement {
    Statement { at: Some(at), ..Statement::default() }
}

/// A store with so many contacts, every third of them opted out.
fn filled(engine: Arc<dyn Engine>, dir: &Path, contacts: u64) -> Store {
    let store = Store::open_on(engine, options(dir, NOON)).expect("opened");
    write(&store, vec![Write::List { number: list(), name: None, paused: None }]);
    for first in (0..contacts).step_by(100) {
        let opt_ins = (first..first + 100).map(|n| change(n, Change::OptIn(at(NOON - 9_000))));
        write(&store, opt_ins.collect());
        let opt_outs = (first..first + 100).filter(|n| n % 3 == 0).map(|n| change(n, Change::OptOut(at(NOON - 8_000))));
        write(&store, opt_outs.collect());
    }
    store
}

fn rows(engine: &dyn Engine) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let all = engine.scan(&(vec![0]..vec![u8::MAX]), usize::MAX).expect("read");
    // The secret's fingerprint stays, and so does all that a restore does not change.
    all.into_iter().collect()
}

/// What a restore changes: the counters and the format, a fence, an entry of the feed, an event.
fn differing(of: &dyn Engine, restored: &dyn Engine) -> Vec<Vec<u8>> {
    let (of, restored) = (rows(of), rows(restored));
    let keys = of.keys().chain(restored.keys()).collect::<std::collections::BTreeSet<_>>();
    keys.into_iter().filter(|key| of.get(*key) != restored.get(*key)).cloned().collect()
}

fn backup(store: &Store) -> (Vec<u8>, BackupEnd) {
    store.backup(Vec::new(), &|_| true).expect("a backup").expect("not stopped")
}

fn onto_disk(bytes: &[u8], dir: &Path, now: i64) -> contactd::error::Result<(Store, BackupFacts)> {
    Store::restore(Arc::new(DiskEngine::open(dir)?), bytes, options(dir, now)).map(|(store, facts, _)| (store, facts))
}

fn verdict(store: &Store, n: u64) -> Verdict {
    store.gate().list(list()).verdict(phone(n))
}

#[test]
fn what_is_written_meanwhile_is_in_it_and_the_rest_is_the_same() {
    let (dir, restored_dir) = (tempfile::tempdir().expect("made"), tempfile::tempdir().expect("made"));
    let engine = Arc::new(MemoryEngine::default());
    let store = filled(Arc::clone(&engine) as Arc<dyn Engine>, dir.path(), 3_000);
    let done = AtomicBool::new(false);
    let (bytes, end) = thread::scope(|scope| {
        let writers: Vec<_> = (0..3)
            .map(|writer: u64| {
                let (store, done) = (&store, &done);
                scope.spawn(move || {
                    let mut written = Vec::new();
                    for step in 0.. {
                        if done.load(Ordering::Relaxed) {
                            return written;
                        }
                        let n = (step * 31 + writer * 1_000) % 4_000;
                        write(store, vec![change(n, Change::OptOut(at(NOON - 7_000 + step.cast_signed())))]);
                        written.push(n);
                    }
                    written
                })
            })
            .collect();
        // Slow enough that the writers have their say between any two pieces.
        let made = store.backup(Vec::new(), &|_| {
            thread::sleep(std::time::Duration::from_millis(20));
            true
        });
        // Whatever was answered before the backup ended is in it; the store is told apart by its last batch.
        done.store(true, Ordering::Relaxed);
        let written: usize = writers.into_iter().map(|writer| writer.join().expect("wrote").len()).sum();
        assert!(written > 0, "they wrote meanwhile");
        made.expect("a backup").expect("not stopped")
    });
    assert!(end.batches > 0 && end.rows > 300, "{end:?}");
    // A second backup of the store that rests is what it is compared with.
    let (_, rests) = backup(&store);
    let again = Arc::new(DiskEngine::open(restored_dir.path()).expect("opened"));
    let (restored, facts, found) =
        Store::restore(Arc::clone(&again) as Arc<dyn Engine>, &bytes[..], options(restored_dir.path(), LATER))
            .expect("restored");
    assert_eq!(facts.end, end);
    assert_eq!(restored.verify(false).expect("verified").differences, Vec::<String>::new());
    assert_eq!(
        (found.contacts, found.forbidden, found.subscriptions_forbidden, found.lists, found.tombstones),
        (end.contacts, end.forbidden, end.subscriptions_forbidden, end.lists, end.tombstones)
    );
    // Nothing was lost of what the store had, and nothing is newer than the store itself.
    assert!(end.batch <= rests.batch && end.contacts <= rests.contacts);
}

#[test]
fn a_store_moves_to_another_engine_and_back() {
    let (first, second, third) = (tempfile::tempdir(), tempfile::tempdir(), tempfile::tempdir());
    let [first, second, third] = [first, second, third].map(|dir| dir.expect("made"));
    let on_disk = Arc::new(DiskEngine::open(first.path()).expect("opened"));
    let store = filled(Arc::clone(&on_disk) as Arc<dyn Engine>, first.path(), 600);
    let (bytes, _) = backup(&store);
    let in_memory = Arc::new(MemoryEngine::default());
    let moved = Store::restore(Arc::clone(&in_memory) as Arc<dyn Engine>, &bytes[..], options(second.path(), LATER));
    let (moved, ..) = moved.expect("restored");
    let changed = differing(&*on_disk, &*in_memory);
    let keyspaces: Vec<u8> = changed.iter().map(|key| key[0]).collect();
    assert_eq!(keyspaces, [0, 0, 0x04, 0x40], "fence, counters, an event, an entry of the feed: {changed:?}");
    assert_eq!(moved.unfence("ann".into()).expect("ended").map(|fence| fence.backup_at), Some(NOON));
    let (bytes, _) = backup(&moved);
    let (back, _) = onto_disk(&bytes, third.path(), LATER + 1).expect("restored");
    assert_eq!(back.verify(false).expect("verified").differing, 0);
    back.unfence("ann".into()).expect("ended");
    assert_eq!((verdict(&back, 3), verdict(&back, 4)), (Verdict::No(Reason::ListOptedOut), Verdict::Yes));
}

#[test]
fn a_restored_store_says_no_to_everybody_until_it_is_unfenced_also_after_a_restart() {
    let (dir, restored_dir) = (tempfile::tempdir().expect("made"), tempfile::tempdir().expect("made"));
    let store = filled(Arc::<MemoryEngine>::default(), dir.path(), 100);
    let (bytes, end) = backup(&store);
    let stopped = store.backup(Vec::new(), &|_| false).expect("no error");
    assert!(stopped.is_none() || end.rows < 1_000, "a small store has one piece and is not stopped");
    let epoch = store.feed_bounds().expect("told").epoch;
    let open = |options: Options| Store::open(options).expect("opened");
    let (restored, _) = onto_disk(&bytes, restored_dir.path(), LATER).expect("restored");
    assert!(restored.feed_bounds().expect("told").epoch > epoch, "a follower of the feed must begin again");
    let fenced = Verdict::No(Reason::Fenced);
    let unknown = Phone::from_u64(14_155_559_999).expect("in range");
    let claim =
        |store: &Store, id: &str| write(store, vec![change(4, Change::Claim(id.into()))]).remove(0).expect("ok");
    let all_say_no = |store: &Store| {
        let gate = store.gate();
        let other = ListNumber::parse(b"99999").expect("a short code");
        assert_eq!((gate.list(list()).verdict(phone(4)), gate.list(list()).verdict(unknown)), (fenced, fenced));
        assert_eq!((gate.list(list()).verdict(phone(3)), gate.list(other).verdict(phone(4))), (fenced, fenced));
        assert_eq!(gate.eligible(gate.lists().id(list()).expect("known")), 0);
    };
    all_say_no(&restored);
    assert_eq!(claim(&restored, "a"), Outcome::Claim(fenced));
    // What comes meanwhile is taken, and lifts nothing.
    write(&restored, vec![change(4, Change::OptOut(at(LATER))), change(5, Change::OptIn(at(LATER)))]);
    write(&restored, vec![Write::List { number: list(), name: None, paused: Some(false) }]);
    let replayed = Replayed {
        facts: 1,
        to: LATER,
        passed_over: 2,
        unnamed_erasures: 1,
        unnamed_erasures_to: LATER,
        ..Replayed::default()
    };
    restored.note_replayed(replayed).expect("noted");
    drop(restored);
    let restored = open(options(restored_dir.path(), LATER));
    all_say_no(&restored);
    let fence = Fence { backup_at: NOON, restored_at: LATER, cause: Cause::Restored, replayed };
    assert_eq!(restored.unfence("ann".into()), Ok(Some(fence)));
    assert_eq!(restored.unfence("ann".into()), Ok(None));
    assert_eq!((verdict(&restored, 4), verdict(&restored, 5)), (Verdict::No(Reason::ListOptedOut), Verdict::Yes));
    assert_eq!(
        (claim(&restored, "b"), verdict(&restored, 3)),
        (Outcome::Claim(Verdict::No(Reason::ListOptedOut)), Verdict::No(Reason::ListOptedOut))
    );
    drop(restored);
    assert_eq!(verdict(&open(options(restored_dir.path(), LATER)), 5), Verdict::Yes, "once is enough");
}

#[test]
fn what_is_no_whole_backup_is_not_restored() {
    let dir = tempfile::tempdir().expect("made");
    let store = filled(Arc::<MemoryEngine>::default(), dir.path(), 100);
    let (bytes, end) = backup(&store);
    assert_eq!(check_backup(&bytes[..]).expect("whole").end, end);
    for cut in [bytes.len() - 1, bytes.len() / 2, 40, 3, 0] {
        let target = tempfile::tempdir().expect("made");
        let why = onto_disk(&bytes[..cut], target.path(), LATER).err().expect("refused");
        assert!(why.message.contains("damaged") || why.message.contains("no backup"), "{}", why.message);
        assert!(check_backup(&bytes[..cut]).is_err());
    }
}
