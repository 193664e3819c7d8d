//! Filters among sets of any size, few ids and a good part of a window: COUNT and FIND say what the contacts themselves say.

use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};

use contactd::model::change::{Change, Statement, Write};
use contactd::model::filter::Filter;
use contactd::model::phone::{ListNumber, Phone};
use contactd::model::verdict::{ContactStatus, ListStatus, StopScope};
use contactd::store::engine::MemoryEngine;
use contactd::store::{Job, Options, Store};

const NOON: i64 = 1_777_636_800_000;

/// Sets of more than 4,096 ids of a window are kept as bits.
const CONTACTS: u64 = 10_000;

/// A filter, and whether the n-th contact matches it.
type Known = (Filter, fn(u64) -> bool);

fn phone(n: u64) -> Phone {
    Phone::from_u64(14_155_500_000 + n).expect("in range")
}

fn list() -> ListNumber {
    ListNumber::parse(b"24365").expect("a short code")
}

fn label(key: &str, value: &str) -> Filter {
    Filter::Label(key.to_owned(), value.to_owned())
}

/// Labels of a half, of a third, of two in a hundred and of nearly nobody; three in four are on the list, every seventh of
/// all opted out, every eleventh is suppressed.
fn filters() -> Vec<Known> {
    vec![
        (label("half", "yes"), |n| n % 2 == 0),
        (label("third", "0"), |n| n % 3 == 0),
        (label("few", "0"), |n| n % 50 == 0),
        (label("name", "n77"), |n| n == 77),
        (label("name", "nobody"), |_| false),
        (Filter::HasLabel("half".to_owned()), |n| n % 5 != 0 || n % 2 == 0),
        (Filter::Status(ContactStatus::Active), |n| n % 11 != 0),
        (Filter::List(list(), ListStatus::Active), |n| n % 4 != 0 && n % 7 != 0),
        (Filter::Eligible(list()), |n| n % 4 != 0 && n % 7 != 0 && n % 11 != 0),
        (Filter::Not(Box::new(label("third", "0"))), |n| n % 3 != 0),
        (Filter::Any(vec![label("third", "1"), label("few", "0")]), |n| n % 3 == 1 || n % 50 == 0),
    ]
}

fn writes(n: u64) -> Vec<Write> {
    let mut labels = vec![("third", (n % 3).to_string()), ("few", (n % 50).to_string()), ("name", format!("n{n}"))];
    if n.is_multiple_of(2) {
        labels.push(("half", "yes".to_owned()));
    } else if !n.is_multiple_of(5) {
        labels.push(("half", "no".to_owned()));
    }
    let labels = labels.into_iter().map(|(key, value)| (key.to_owned(), Some(value)));
    let mut changes = vec![(None, Change::Put(labels.collect()))];
    let said = Statement::default;
    if !n.is_multiple_of(4) {
        changes.push((Some(list()), Change::OptIn(said())));
    }
    if n.is_multiple_of(7) {
        changes.push((Some(list()), Change::OptOut(said())));
    }
    if n.is_multiple_of(11) {
        changes.push((None, Change::Suppress(said())));
    }
    changes.into_iter().map(|(list, change)| Write::Contact { phone: phone(n), list, change }).collect()
}

fn filled(dir: &std::path::Path) -> Store {
    let options = Options { scope: StopScope::List, ..Options::new(dir.to_owned(), Arc::new(|| NOON)) };
    let store = Store::open_on(Arc::new(MemoryEngine::default()), options).expect("opened");
    let mut all = vec![Write::List { number: list(), name: None, paused: None }];
    all.extend((0..CONTACTS).flat_map(writes));
    while !all.is_empty() {
        let writes = all.drain(..all.len().min(1_000)).collect();
        let (send, answered) = mpsc::channel();
        let done = Box::new(move |outcomes| send.send(outcomes).expect("the test listens"));
        store.submit(Job { by: Arc::default(), writes, done });
        let outcomes: Vec<contactd::error::Result<_>> = answered.recv().expect("answered");
        assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    }
    store
}

#[test]
fn count_and_find_say_what_the_contacts_say_whatever_the_sizes_of_the_sets() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = filled(dir.path());
    let ids: BTreeMap<Phone, u64> = (0..CONTACTS).map(|n| (phone(n), n)).collect();
    let filters = filters();
    let mut tried = 0;
    // Each filter alone, each two and each three of them, in the order in which they stand and in the other.
    for set in 0..1_u32 << filters.len() {
        if set.count_ones() > 3 {
            continue;
        }
        let mut chosen: Vec<_> = (0..filters.len()).filter(|at| set & 1 << at != 0).map(|at| &filters[at]).collect();
        let matching: Vec<u64> = (0..CONTACTS).filter(|&n| chosen.iter().all(|(_, holds)| holds(n))).collect();
        for _ in 0..2 {
            let filter = match &chosen[..] {
                [(one, _)] => one.clone(),
                all => Filter::All(all.iter().map(|(filter, _)| filter.clone()).collect()),
            };
            assert_eq!(store.count(&filter).expect("read"), matching.len() as u64, "{filter:?}");
            let found = store.find(&filter, 0, CONTACTS as usize).expect("read").phones;
            assert_eq!(found.iter().map(|phone| ids[phone]).collect::<Vec<_>>(), matching, "{filter:?}");
            chosen.reverse();
            tried += 1;
        }
    }
    assert_eq!(tried, 2 * (1 + 11 + 55 + 165));
}
