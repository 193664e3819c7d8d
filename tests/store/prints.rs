//! Rare values of labels share postings, common ones have their own: how a value gets from one to the other, with all contacts
//! that have it, and how a store of an earlier format does.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::{Arc, Mutex, mpsc};

use contactd::limits::COMMON_LABELS_MIN;
use contactd::model::change::{Change, Outcome, Statement, Write};
use contactd::model::filter::Filter;
use contactd::model::phone::Phone;
use contactd::model::verdict::ContactStatus;
use contactd::store::engine::{Batch, Engine, MemoryEngine};
use contactd::store::format::chunk::Chunk;
use contactd::store::format::compressed::{compress, expand};
use contactd::store::format::{OLD_LEDGER, keys};
use contactd::store::ledger::{CommitError, Ledger, RemoteLog};
use contactd::store::term::Term;
use contactd::store::{Changes, Job, Options, Store};

const NOON: i64 = 1_777_636_800_000;
/// So many contacts have a value before it is common.
const MANY: u64 = COMMON_LABELS_MIN as u64;

fn phone(n: u64) -> Phone {
    Phone::from_u64(14_155_550_100 + n).expect("in range")
}

fn put(n: u64, key: &str, value: Option<&str>) -> Write {
    let change = Change::Put(vec![(key.to_owned(), value.map(str::to_owned))]);
    Write::Contact { phone: phone(n), list: None, change }
}

/// A ledger that keeps what it gets.
#[derive(Default)]
struct Log(Mutex<Vec<Vec<u8>>>);

struct Handle(Arc<Log>);

impl RemoteLog for Handle {
    fn append(&mut self, batch: &Batch) -> Result<(), CommitError> {
        self.0.0.lock().expect("nobody panicked").push(batch.as_bytes().to_vec());
        Ok(())
    }
}

struct House {
    dir: tempfile::TempDir,
    engine: Arc<MemoryEngine>,
    log: Arc<Log>,
    store: Store,
}

impl House {
    fn start() -> House {
        House::on(MemoryEngine::default())
    }

    fn on(engine: MemoryEngine) -> House {
        House::within(tempfile::tempdir().expect("a directory"), engine)
    }

    fn within(dir: tempfile::TempDir, engine: MemoryEngine) -> House {
        let (engine, log) = (Arc::new(engine), Arc::<Log>::default());
        let options = Options::new(dir.path().to_owned(), Arc::new(|| NOON));
        let ledger = Ledger::Remote(Box::new(Handle(Arc::clone(&log))));
        let store = Store::open_with(Arc::clone(&engine) as Arc<dyn Engine>, ledger, options).expect("opened");
        House { dir, engine, log, store }
    }

    /// Does some writes in one batch.
    fn batch(&self, writes: Vec<Write>) {
        let (send, answered) = mpsc::channel();
        let done = Box::new(move |outcomes| send.send(outcomes).expect("the test listens"));
        self.store.submit(Job { by: Arc::default(), writes, done });
        let outcomes: Vec<contactd::error::Result<Outcome>> = answered.recv().expect("answered");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }

    /// Who has a value, by number; everything agrees with the records.
    fn with(&self, key: &str, value: &str) -> Vec<u64> {
        let verified = self.store.verify(false).expect("read");
        assert_eq!(verified.differing, 0, "{:?}", verified.differences);
        let filter = label(key, value);
        let found = self.store.find(&filter, 0, 10_000).expect("read").phones;
        assert_eq!(self.store.count(&filter).expect("read"), found.len() as u64);
        found.into_iter().map(|phone| phone.as_u64() - 14_155_550_100).collect()
    }

    fn is_common(&self, key: &str, value: &str) -> bool {
        self.engine.get(&keys::common(key, value)).expect("read").is_some()
    }

    fn values(&self, key: &str) -> Vec<(String, u64)> {
        self.store.label_values(key, None, 10_000).expect("read")
    }

    fn reopen(self) -> House {
        self.store.close();
        House::within(self.dir, self.engine.power_cut(usize::MAX))
    }
}

fn label(key: &str, value: &str) -> Filter {
    Filter::Label(key.to_owned(), value.to_owned())
}

#[test]
fn a_value_that_comes_often_becomes_common_for_whoever_has_it() {
    let house = House::start();
    for n in 0..MANY {
        house.batch(vec![put(n, "tier", Some("gold"))]);
    }
    assert!(!house.is_common("tier", "gold"), "with the next batch");
    assert_eq!(house.with("tier", "gold"), (0..MANY).collect::<Vec<_>>());
    // One loses it in the batch with which it becomes common, one changes otherwise, one gets it, one gets it and has it no
    // more, and the others are not touched.
    house.batch(vec![
        put(0, "tier", None),
        put(1, "city", Some("Rome")),
        put(900, "tier", Some("gold")),
        put(901, "tier", Some("gold")),
        put(901, "tier", Some("silver")),
    ]);
    assert!(house.is_common("tier", "gold") && !house.is_common("tier", "silver"));
    let with: Vec<u64> = (1..MANY).chain([900]).collect();
    assert_eq!(house.with("tier", "gold"), with);
    assert_eq!(house.values("tier"), [("gold".to_owned(), MANY), ("silver".to_owned(), 1)]);
    let house = house.reopen();
    assert_eq!(house.with("tier", "gold"), with);
    house.batch(vec![put(902, "tier", Some("gold")), put(1, "tier", Some("silver"))]);
    assert_eq!(house.with("tier", "gold"), (2..MANY).chain([900, 902]).collect::<Vec<_>>());
    assert_eq!(house.with("tier", "silver"), [1, 901]);
}

/// The counts of what comes often do not survive a restart.
#[test]
fn a_value_that_many_have_becomes_common_when_somebody_asks_for_it() {
    let mut house = House::start();
    for n in 0..2 * MANY {
        house.batch(vec![put(n, "tier", Some("gold"))]);
        if n % (MANY - 1) == 0 {
            house = house.reopen();
        }
    }
    house = house.reopen();
    house.batch(vec![put(901, "tier", Some("silver"))]);
    assert!(!house.is_common("tier", "gold"));
    assert_eq!(house.with("tier", "gold"), (0..2 * MANY).collect::<Vec<_>>());
    house.batch(vec![put(902, "tier", Some("gold"))]);
    assert!(house.is_common("tier", "gold"));
    assert_eq!(house.with("tier", "gold"), (0..2 * MANY).chain([902]).collect::<Vec<_>>());
}

#[test]
fn who_is_erased_leaves_no_print() {
    let house = House::start();
    for n in 0..MANY {
        house.batch(vec![put(n, "tier", Some("gold")), put(n, "email", Some(&format!("{n}@example.com")))]);
    }
    // In the batch with which its value becomes common.
    assert!(house.store.erase(phone(1), Arc::default()).expect("erased").is_some());
    assert!(house.is_common("tier", "gold"));
    assert_eq!(house.with("tier", "gold"), (0..MANY).filter(|&n| n != 1).collect::<Vec<_>>());
    assert_eq!(house.with("email", "1@example.com"), [0; 0]);
    assert!(house.store.erase(phone(2), Arc::default()).expect("erased").is_some());
    let house = house.reopen();
    assert_eq!(house.with("tier", "gold"), (0..MANY).filter(|n| ![1, 2].contains(n)).collect::<Vec<_>>());
    assert_eq!(house.with("email", "2@example.com"), [0; 0]);
    assert_eq!(house.with("email", "0@example.com"), [0]);
}

/// Nothing that forbids waits for a label.
#[test]
fn a_value_of_which_a_contact_cannot_be_read_stays_rare_and_writes_go_on() {
    let house = House::start();
    // Contacts 5 to 7 share a block, and the next one begins another.
    house.batch((500..505).map(|n| put(n, "city", Some("Rome"))).collect());
    for n in 0..MANY {
        house.batch(vec![put(n, "tier", Some("gold"))]);
    }
    let mut damage = Batch::new(0);
    damage.put(&keys::block(5), &[9]);
    house.engine.apply(&damage).expect("written");
    let change = Change::OptOut(Statement::default());
    house.batch(vec![Write::Contact { phone: phone(900), list: None, change }]);
    assert_eq!(house.store.gate().count(Term::Contact(ContactStatus::OptedOut)), 1);
    assert!(!house.is_common("tier", "gold"));
}

#[test]
fn pages_of_values_are_in_order_and_whole_be_they_rare_or_common() {
    let house = House::start();
    let mut expected = BTreeMap::<String, u64>::new();
    for n in 0..40 {
        let value = if n % 3 == 0 { "m".to_owned() } else { format!("{}{n}", if n % 2 == 0 { "a" } else { "z" }) };
        house.batch(vec![put(n, "n", Some(&value))]);
        *expected.entry(value).or_default() += 1;
    }
    assert_eq!(house.is_common("n", "m"), 13 >= MANY);
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = house.store.label_values("n", after.as_deref(), 7).expect("read");
        after = page.last().map(|(value, _)| value.clone());
        all.extend(page);
        if all.len() % 7 != 0 || all.len() >= expected.len() {
            break;
        }
    }
    assert_eq!(all, Vec::from_iter(expected));
}

/// Labels of the contacts of an old store.
fn labels_of(n: u64) -> Vec<(&'static str, String)> {
    let mut labels = vec![("email", format!("{n}@example.com"))];
    if n.is_multiple_of(2) {
        labels.push(("tier", "gold".to_owned()));
    }
    if n < 2 {
        labels.push(("tier2", "silver".to_owned()));
    }
    labels
}

const OLD_CONTACTS: RangeInclusive<u64> = 0..=2 * MANY;

/// A store as an earlier contactd left it: each value of a label has a posting of its own, some of them on disk and some in the
/// journal.
fn old_store() -> House {
    let house = House::start();
    for n in OLD_CONTACTS {
        house.batch(labels_of(n).iter().map(|(key, value)| put(n, key, Some(value))).collect());
    }
    house.store.close();
    let rows = |keyspace| house.engine.scan(&keys::all(keyspace), 100_000).expect("read");
    let of_labels = |key: &[u8]| {
        matches!(keys::parse_posting(key), Some((Term::Label(..) | Term::Print(..), _))) && !keys::is_gate_posting(key)
    };
    let mut batch = Batch::new(0);
    for (key, _) in rows(keys::POSTING).iter().chain(&rows(keys::COMMON)) {
        if key[0] == keys::COMMON || of_labels(key) {
            batch.remove(key);
        }
    }
    let journal = rows(keys::JOURNAL);
    let mut last = Changes::default();
    for (number, (key, value)) in journal.iter().enumerate() {
        let mut changes = Changes::default();
        for (key, of) in Changes::decode(&expand(value).expect("expanded")).expect("an entry").iter() {
            let (term, first) = keys::parse_posting(key).expect("a key");
            if !of_labels(key) {
                of.for_each(|(offset, has)| changes.push(term, first + offset, has));
            }
        }
        if number + 1 < journal.len() {
            batch.put(key, &compress(changes.entries().remove(0).0));
        } else {
            last = changes;
        }
    }
    let mut postings = BTreeMap::<Vec<u8>, Vec<u32>>::new();
    for n in OLD_CONTACTS {
        for (key, value) in labels_of(n) {
            let id = n as u32;
            postings.entry(keys::posting(Term::Label(key, &value), 0)).or_default().push(id);
            if n % 5 == 0 {
                last.push(Term::Label(key, &value), id, true);
            }
        }
    }
    for (key, ids) in postings {
        let mut chunk = Chunk::new(contactd::limits::POSTING_CHUNK_IDS);
        ids.iter().filter(|id| **id % 5 != 0).for_each(|id| chunk.insert(*id));
        if !chunk.is_empty() {
            batch.put(&key, &chunk.encode());
        }
    }
    batch.put(&journal.last().expect("an entry").0, &compress(last.entries().remove(0).0));
    batch.put(keys::FORMAT, &[OLD_LEDGER]);
    batch.remove(keys::PRINTED);
    house.engine.commit(&batch).expect("written");
    house
}

fn assert_migrated(house: &House) {
    assert!(house.is_common("tier", "gold") && !house.is_common("email", "0@example.com"));
    assert_eq!(house.with("tier", "gold"), OLD_CONTACTS.step_by(2).collect::<Vec<_>>());
    assert_eq!(house.with("tier2", "silver"), [0, 1]);
    assert_eq!(house.with("email", "5@example.com"), [5]);
    assert_eq!(house.values("email").len(), OLD_CONTACTS.count());
    let is_left = |key: &[u8]| matches!(keys::parse_posting(key), Some((Term::Label(key, _), _)) if key != "tier");
    let postings = house.engine.scan(&keys::all(keys::POSTING), 100_000).expect("read");
    let left: Vec<_> = postings.iter().filter(|(key, value)| is_left(key) && value.len() > 1).collect();
    // What is newer is in the journal.
    let removed = |key: &[u8]| {
        let entries = house.engine.scan(&keys::all(keys::JOURNAL), 100_000).expect("read");
        let of = |value: &[u8]| Changes::decode(&expand(value).expect("expanded")).expect("an entry").contains(key);
        entries.iter().any(|(_, value)| of(value))
    };
    assert!(left.iter().all(|(key, _)| removed(key)), "{left:?}");
}

#[test]
fn a_store_of_an_earlier_format_gets_prints_wherever_that_is_cut_off() {
    let old = old_store();
    let base = old.engine.power_cut(usize::MAX);
    let house = House::within(old.dir, base.power_cut(0));
    assert_migrated(&house);
    house.batch(vec![put(0, "email", Some("other@example.com"))]);
    assert_eq!(house.with("email", "0@example.com"), [0; 0]);
    let format = house.engine.get(keys::FORMAT).expect("read").expect("a format");
    assert_eq!(*format, [contactd::store::format::FORMAT_LEDGER]);
    let batches = house.log.0.lock().expect("nobody panicked").clone();
    house.store.close();
    // Without the last batch, which is the write above.
    let migrating = batches.len() - 1;
    assert!(migrating > 4, "{migrating} batches");
    let mut dir = house.dir;
    for kept in 0..=migrating {
        let cut = base.power_cut(0);
        for bytes in &batches[..kept] {
            cut.apply(&Batch::decode(bytes.clone()).expect("a batch")).expect("applied");
        }
        let again = House::within(dir, cut.power_cut(usize::MAX));
        assert_migrated(&again);
        let again = again.reopen();
        assert_migrated(&again);
        again.store.close();
        dir = again.dir;
    }
}
