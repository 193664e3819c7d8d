//! What a store could not write, and its trail could: it forbids, after a kill as well.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};

use contactd::error::{Code, Result};
use contactd::jobs::bring_back;
use contactd::model::change::{Change, Inbound, Outcome, Row, Statement, Write};
use contactd::model::keyword::Meaning;
use contactd::model::phone::{ListNumber, Phone};
use contactd::model::verdict::{Reason, StopScope, Verdict};
use contactd::store::engine::Engine;
use contactd::store::{Job, Options, Store, TrailFound};

use crate::full_disk::Disk;

const NOON: i64 = 1_777_636_800_000;

/// A store, and its trail on another disk.
struct House {
    disk: Arc<Disk>,
    clock: Arc<AtomicI64>,
    options: Options,
    store: Option<Store>,
    trail: PathBuf,
    dir: tempfile::TempDir,
}

fn phone(n: u64) -> Phone {
    Phone::from_u64(14_155_550_000 + n).expect("in range")
}

fn list() -> ListNumber {
    ListNumber::parse(b"24365").expect("a short code")
}

fn out(at: Option<i64>) -> Change {
    Change::OptOut(Statement { at, ..Statement::default() })
}

fn opt_in(at: Option<i64>) -> Change {
    Change::OptIn(Statement { at, ..Statement::default() })
}

fn stop() -> Change {
    let (id, text) = (String::new(), "STOP".to_owned());
    Change::Inbound(Inbound { at: None, given: None, undated: false, id, text, meaning: Meaning::Out })
}

impl House {
    /// One in which so many are subscribed.
    fn open(scope: StopScope, contacts: u64) -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let (trail, clock) = (dir.path().join("trail"), Arc::new(AtomicI64::new(NOON)));
        let now = Arc::clone(&clock);
        let options = Options {
            trail: Some(trail.clone()),
            scope,
            ..Options::new(dir.path().join("data"), Arc::new(move || now.load(Ordering::SeqCst)))
        };
        std::fs::create_dir(&options.dir).expect("made");
        let mut house = House { disk: Arc::default(), clock, options, store: None, trail, dir };
        house.start();
        house.write(Write::List { number: list(), name: None, paused: None }).expect("written");
        for n in 0..contacts {
            house.change(n, opt_in(Some(NOON - 9_000))).expect("written");
        }
        house
    }

    /// As the daemon does it.
    fn start(&mut self) {
        let engine = Arc::clone(&self.disk) as Arc<dyn Engine>;
        let store = Store::open_on(engine, self.options.clone()).expect("opened");
        bring_back(&store, &self.trail).expect("read");
        store.complete_trail().expect("written");
        self.store = Some(store);
    }

    /// Nothing is written meanwhile: this is what a kill leaves.
    fn kill_and_start(&mut self) {
        let was_full = self.disk.is_full.swap(true, Ordering::SeqCst);
        self.store = None;
        self.disk.is_full.store(false, Ordering::SeqCst);
        self.start();
        self.disk.is_full.store(was_full, Ordering::SeqCst);
    }

    fn store(&self) -> &Store {
        self.store.as_ref().expect("it is open")
    }

    fn write(&self, write: Write) -> Result<Outcome> {
        let (send, answered) = mpsc::channel();
        let done = Box::new(move |outcomes| send.send(outcomes).expect("the test listens"));
        self.store().submit(Job { by: Arc::default(), writes: vec![write], done });
        answered.recv().expect("answered").remove(0)
    }

    fn change(&self, n: u64, change: Change) -> Result<Outcome> {
        self.clock.fetch_add(1, Ordering::SeqCst);
        self.write(Write::Contact { phone: phone(n), list: Some(list()), change })
    }

    fn is_refused(&self, n: u64, change: Change) {
        assert_eq!(self.change(n, change).expect_err("not written").code, Code::ReadOnly);
    }

    fn fill(&self, is_full: bool) {
        self.disk.is_full.store(is_full, Ordering::SeqCst);
    }

    fn check(&self, n: u64) -> Verdict {
        self.store().gate().list(list()).verdict(phone(n))
    }

    fn lines_of(&self, n: u64) -> usize {
        let trail = std::fs::read_to_string(&self.trail).expect("it is there");
        trail.matches(&phone(n).to_string()).count()
    }
}

#[test]
fn what_a_full_disk_refused_is_in_the_trail_and_holds_after_a_kill() {
    let statement = Statement { source: "form".to_owned(), reason: "asked".to_owned(), ..Statement::default() };
    let row = Row { opted_out_at: Some(NOON - 500), ..Row::default() };
    let changes: [(Change, Reason); 5] = [
        (stop(), Reason::ListOptedOut),
        (Change::OptOut(statement.clone()), Reason::ListOptedOut),
        (Change::Suppress(statement.clone()), Reason::ListSuppressed),
        (Change::Invalid(statement), Reason::Invalid),
        (Change::Import(Box::new(row)), Reason::ListOptedOut),
    ];
    for scope in [StopScope::List, StopScope::All] {
        let mut house = House::open(scope, 10);
        house.fill(true);
        for (n, (change, _)) in (0..).zip(&changes) {
            // Whoever was refused asks again.
            for _ in 0..3 {
                house.is_refused(n, change.clone());
            }
            assert_eq!(house.lines_of(n), 1, "{change:?}");
        }
        house.is_refused(9, opt_in(None));
        house.store().erase(phone(5), Arc::default()).expect_err("not written");
        let trail = std::fs::read_to_string(&house.trail).expect("read");
        assert!(trail.contains("\"how\":\"keyword\"") && trail.contains("\"source\":\"form\""), "{trail}");
        for round in 0..2 {
            house.kill_and_start();
            house.fill(false);
            for (n, (change, reason)) in (0..).zip(&changes) {
                assert_eq!(house.check(n), Verdict::No(*reason), "round {round}, {change:?}");
            }
            assert_eq!(house.check(5), Verdict::No(Reason::OptedOut), "it was to be erased");
            assert_eq!(house.check(6), Verdict::Yes);
            assert!(house.store().gate().lists().fence.is_none(), "round {round}");
            let found = if round == 0 { TrailFound::Newer } else { TrailFound::AsLeft };
            assert_eq!(house.store().trail_found(), found, "round {round}");
            assert_eq!(house.store().gate().unwritten(), 0);
        }
        // An opt-in since is an opt-in.
        assert!(house.change(0, opt_in(Some(house.clock.load(Ordering::SeqCst)))).is_ok());
        house.kill_and_start();
        assert_eq!((house.check(0), house.check(1)), (Verdict::Yes, Verdict::No(Reason::ListOptedOut)));
        assert_eq!(house.store().verify(false).expect("read").differing, 0);
    }
}

#[test]
fn what_is_sent_again_is_in_the_store_and_nothing_is_found_at_the_start() {
    let mut house = House::open(StopScope::List, 3);
    house.fill(true);
    house.is_refused(0, stop());
    house.is_refused(1, out(None));
    house.fill(false);
    assert!(house.change(0, stop()).is_ok() && house.change(2, stop()).is_ok());
    // Who was not sent again is still in memory alone, whatever others write.
    assert_eq!(house.store().gate().unwritten(), 1);
    house.kill_and_start();
    assert_eq!(house.check(1), Verdict::No(Reason::ListOptedOut));
    assert_eq!(house.store().trail_found(), TrailFound::Newer);
    house.fill(true);
    house.is_refused(1, out(None));
    house.fill(false);
    assert!(house.change(1, out(None)).is_ok());
    assert_eq!(house.store().gate().unwritten(), 0);
    house.kill_and_start();
    house.kill_and_start();
    assert_eq!(house.store().trail_found(), TrailFound::AsLeft);
    assert!((0..3).all(|n| house.check(n) == Verdict::No(Reason::ListOptedOut)));
}

/// The note of the store ends before it, also where the store closes in order.
#[test]
fn it_is_found_however_much_is_written_behind_it() {
    for kill in [true, false] {
        let mut house = House::open(StopScope::List, 40);
        house.fill(true);
        house.is_refused(0, stop());
        house.fill(false);
        (1..40).for_each(|n| drop(house.change(n, stop())));
        if kill {
            house.kill_and_start();
        } else {
            house.store = None;
            house.start();
        }
        assert_eq!(house.check(0), Verdict::No(Reason::ListOptedOut));
        let fence = house.store().gate().lists().fence;
        assert!(fence.is_none(), "{fence:?}");
    }
}

#[test]
fn it_follows_into_the_file_that_begins_where_the_trail_was_moved_or_removed() {
    for is_removed in [false, true] {
        let mut house = House::open(StopScope::List, 4);
        house.fill(true);
        house.is_refused(0, stop());
        if is_removed {
            std::fs::remove_file(&house.trail).expect("removed");
        } else {
            std::fs::rename(&house.trail, house.dir.path().join("moved")).expect("moved");
        }
        house.is_refused(1, stop());
        if is_removed {
            // What else was in it follows from the feed.
            house.fill(false);
            assert!(house.change(2, stop()).is_ok());
            house.store().complete_trail().expect("written");
        }
        assert!(house.lines_of(0) > 0 && house.lines_of(1) > 0, "{is_removed}");
        house.kill_and_start();
        for n in 0..2 {
            assert_eq!(house.check(n), Verdict::No(Reason::ListOptedOut), "{is_removed}, {n}");
        }
        assert!(house.store().gate().lists().fence.is_none());
    }
}

/// The store was written between the two: an opt-in may have come with that.
#[test]
fn a_stop_that_is_refused_once_more_behind_an_opt_in_is_the_last_word() {
    let mut house = House::open(StopScope::List, 1);
    house.fill(true);
    house.is_refused(0, stop());
    house.fill(false);
    assert!(house.change(0, opt_in(Some(house.clock.load(Ordering::SeqCst)))).is_ok());
    house.fill(true);
    house.is_refused(0, stop());
    assert_eq!(house.lines_of(0), 2);
    house.kill_and_start();
    assert_eq!(house.check(0), Verdict::No(Reason::ListOptedOut));
}

#[test]
fn a_clock_that_was_set_back_loses_no_stop() {
    let mut house = House::open(StopScope::List, 2);
    house.clock.store(NOON + 7_200_000, Ordering::SeqCst);
    assert!((0..2).all(|n| house.change(n, opt_in(Some(NOON + 7_200_000))).is_ok()));
    house.clock.store(NOON, Ordering::SeqCst);
    house.fill(true);
    house.is_refused(0, stop());
    house.is_refused(1, out(Some(NOON - 1)));
    house.clock.store(NOON + 86_400_000, Ordering::SeqCst);
    house.kill_and_start();
    assert!((0..2).all(|n| house.check(n) == Verdict::No(Reason::ListOptedOut)));
}

/// A start on a disk that is still full holds it in memory again, as before, and the first one with room has it in the store.
#[test]
fn a_start_on_a_full_disk_holds_it_in_memory_again() {
    let mut house = House::open(StopScope::List, 3);
    house.fill(true);
    house.is_refused(0, stop());
    house.is_refused(1, Change::Suppress(Statement::default()));
    let verdicts = [Verdict::No(Reason::ListOptedOut), Verdict::No(Reason::ListSuppressed), Verdict::Yes];
    for round in 0..2 {
        house.store = None;
        house.start();
        assert_eq!([0, 1, 2].map(|n| house.check(n)), verdicts, "round {round}");
        assert_eq!(house.store().gate().unwritten(), 2);
    }
    house.fill(false);
    house.kill_and_start();
    assert_eq!(([0, 1, 2].map(|n| house.check(n)), house.store().gate().unwritten()), (verdicts, 0));
    assert!(house.store().gate().lists().fence.is_none());
}

/// Of two facts that are in memory alone, one that is written takes nothing of the other with it.
#[test]
fn a_stop_in_memory_outlives_a_suppression_that_was_sent_again() {
    let house = House::open(StopScope::List, 1);
    let suppress = || Change::Suppress(Statement::default());
    house.fill(true);
    house.is_refused(0, stop());
    house.is_refused(0, suppress());
    house.fill(false);
    assert!(house.change(0, suppress()).is_ok());
    assert!(house.change(0, Change::Release(Statement::default())).is_ok());
    assert_eq!(house.check(0), Verdict::No(Reason::ListOptedOut));
    assert!(house.change(0, stop()).is_ok());
    assert_eq!(house.store().gate().unwritten(), 0);
}
