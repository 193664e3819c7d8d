//! The place where a batch has to be before it counts: what a store does when that fails, in each of the three ways.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use contactd::error::{Code, Error, Result};
use contactd::model::change::{Change, Outcome, Statement, Write};
use contactd::model::phone::{ListNumber, Phone};
use contactd::model::verdict::{Reason, Verdict};
use contactd::store::engine::{Batch, Engine, MemoryEngine};
use contactd::store::ledger::{CommitError, Ledger, RemoteLog};
use contactd::store::{Job, Options, Store};

const NOON: i64 = 1_777_636_800_000;

/// A log that takes batches, and fails once as it is told.
#[derive(Default)]
struct Log {
    batches: Mutex<Vec<Vec<u8>>>,
    fails_next: Mutex<Option<CommitError>>,
    appends: AtomicUsize,
}

struct Handle(Arc<Log>);

impl RemoteLog for Handle {
    fn append(&mut self, batch: &Batch) -> std::result::Result<(), CommitError> {
        self.0.appends.fetch_add(1, Ordering::Relaxed);
        if let Some(why) = self.0.fails_next.lock().expect("nobody panicked").take() {
            return Err(why);
        }
        self.0.batches.lock().expect("nobody panicked").push(batch.as_bytes().to_vec());
        Ok(())
    }
}

struct House {
    log: Arc<Log>,
    engine: Arc<MemoryEngine>,
    store: Store,
    dir: tempfile::TempDir,
}

fn phone() -> Phone {
    Phone::from_u64(14_155_550_101).expect("in range")
}

fn list() -> ListNumber {
    ListNumber::parse(b"24365").expect("a short code")
}

impl House {
    fn open() -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let (log, engine) = (Arc::<Log>::default(), Arc::<MemoryEngine>::default());
        let options = Options::new(dir.path().to_owned(), Arc::new(|| NOON));
        let ledger = Ledger::Remote(Box::new(Handle(Arc::clone(&log))));
        let store = Store::open_with(Arc::clone(&engine) as Arc<dyn Engine>, ledger, options).expect("opened");
        let house = House { log, engine, store, dir };
        assert!(house.write(Write::List { number: list(), name: None, paused: None }).is_ok());
        assert!(house.change(Change::OptIn(Statement::default())).is_ok());
        assert_eq!(house.check(), Verdict::Yes);
        house
    }

    fn write(&self, write: Write) -> Result<Outcome> {
        let (send, answered) = mpsc::channel();
        self.store.submit(Job {
            by: Arc::default(),
            writes: vec![write],
            done: Box::new(move |outcomes| send.send(outcomes).expect("the test listens")),
        });
        answered.recv().expect("answered").remove(0)
    }

    fn change(&self, change: Change) -> Result<Outcome> {
        self.write(Write::Contact { phone: phone(), list: Some(list()), change })
    }

    fn check(&self) -> Verdict {
        self.store.gate().list(list()).verdict(phone())
    }

    fn fail_with(&self, why: CommitError) {
        *self.log.fails_next.lock().expect("nobody panicked") = Some(why);
    }
}

fn failed() -> Error {
    Error::internal("the log failed")
}

#[test]
fn batches_are_numbered_without_a_gap_and_a_copy_of_them_is_the_store() {
    let house = House::open();
    assert!(house.change(Change::OptOut(Statement::default())).is_ok());
    let batches = house.log.batches.lock().expect("nobody panicked").clone();
    let copy = MemoryEngine::default();
    for (number, bytes) in (1..).zip(batches) {
        let batch = Batch::decode(bytes).expect("a batch");
        assert_eq!(batch.number(), number);
        copy.apply(&batch).expect("applied");
    }
    // The log has them: the engine is a copy, and nothing waits for it to sync.
    assert!(house.engine.unsynced() > 0);
    let options = Options::new(house.dir.path().to_owned(), Arc::new(|| NOON));
    let copy = Arc::new(copy);
    let alone = Store::open_on(Arc::clone(&copy) as Arc<dyn Engine>, options.clone());
    assert!(alone.is_err_and(|why| why.message.contains("start contactd with --ledger")), "others may have gone on");
    let ledger = Ledger::Remote(Box::new(Handle(Arc::default())));
    let store = Store::open_with(copy, ledger, options).expect("the copy opens");
    assert_eq!(store.gate().list(list()).verdict(phone()), Verdict::No(Reason::ListOptedOut));
    assert_eq!(store.verify(false).expect("read").differing, 0);
}

#[test]
fn a_batch_that_is_nowhere_may_be_tried_again_and_forbids_meanwhile() {
    let house = House::open();
    house.fail_with(CommitError::NotApplied(failed()));
    let refused = house.change(Change::OptOut(Statement::default())).expect_err("not written");
    assert_eq!(refused.code, Code::ReadOnly);
    assert_eq!(house.check(), Verdict::No(Reason::ListOptedOut), "it forbids in memory");
    assert!(!house.store.is_read_only());
    assert!(house.change(Change::OptOut(Statement::default())).is_ok());
    assert_eq!(house.store.gate().unwritten(), 0, "it is written now");
}

#[test]
fn a_list_that_was_paused_in_memory_alone_can_go_on() {
    let house = House::open();
    house.fail_with(CommitError::NotApplied(failed()));
    let pause = |paused| Write::List { number: list(), name: None, paused: Some(paused) };
    assert!(house.write(pause(true)).is_err());
    assert_eq!((house.check(), house.store.gate().unwritten()), (Verdict::No(Reason::ListPaused), 1));
    assert_eq!(house.write(pause(false)), Ok(Outcome::Unchanged), "it was never paused on disk");
    assert_eq!((house.check(), house.store.gate().unwritten()), (Verdict::Yes, 0));
}

#[test]
fn a_batch_of_unknown_fate_and_a_lost_store_end_all_writing_until_a_restart() {
    for why in [CommitError::Unknown(failed()), CommitError::NotOwner(failed())] {
        let house = House::open();
        house.fail_with(why.clone());
        assert!(house.change(Change::OptOut(Statement::default())).is_err());
        assert!(house.store.is_read_only(), "{why:?}");
        let appends = house.log.appends.load(Ordering::Relaxed);
        assert!(house.change(Change::OptIn(Statement { at: Some(NOON), ..Statement::default() })).is_err());
        assert_eq!(house.log.appends.load(Ordering::Relaxed), appends, "nothing is sent any more");
        assert_eq!(house.check(), Verdict::No(Reason::ListOptedOut), "it forbids in memory");
    }
}
