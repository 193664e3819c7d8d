//! How much memory the directory and the gate of many contacts take, and how long a verdict takes there.
//!
//! `CONTACTD_CONTACTS=100000000 cargo test --release --lib memory::size -- --nocapture` measures a hundred million.

use std::time::Instant;

use roaring::RoaringBitmap;

use super::directory::{Directory, Numbers};
use super::gate::Gate;
use crate::limits::DIRECTORY_CHUNK_IDS;
use crate::model::inbox::MaybeOptOut;
use crate::model::list::{List, ListId};
use crate::model::phone::{ListNumber, Phone};
use crate::model::verdict::{ContactStatus, ListStatus, StopScope, Verdict};
use crate::store::format::term::Term;

/// Contacts of a usual run, which only shows that verdicts are right.
const CONTACTS: u64 = 20_000;
const VERDICTS: u64 = 20_000_000;
const LISTS: u32 = 3;

/// A number of North America, another one for each id, in no order. None has another spelling.
fn number(id: u64) -> u64 {
    // A multiplication by an odd number permutes what is below a power of two.
    12_000_000_000 + id.wrapping_mul(0x9E37_79B1) % (1 << 32)
}

/// One in ten has opted out of a list, each list's others, in no order: that is the most a bitmap takes.
fn is_out(id: u64, list: u32) -> bool {
    (id + u64::from(list)).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32 < (1 << 32) / 10
}

fn list_number(list: u32) -> ListNumber {
    ListNumber::parse(format!("2436{list}").as_bytes()).expect("a short code")
}

fn gate(contacts: u64) -> Gate {
    let ids: Vec<u64> = (0..contacts).collect();
    let mut numbers = Numbers::default();
    for (chunk, ids) in (0..).zip(ids.chunks(DIRECTORY_CHUNK_IDS as usize)) {
        assert!(numbers.add(chunk, &ids.iter().map(|&id| number(id)).collect::<Vec<_>>()));
    }
    let mut gate = Gate::new(StopScope::List, MaybeOptOut::Show);
    gate.directory = Directory::of(numbers);
    let ids_of = |wanted: &dyn Fn(u64) -> bool| -> RoaringBitmap {
        let ids = ids.iter().filter(|&&id| wanted(id)).map(|&id| id as u32);
        RoaringBitmap::from_sorted_iter(ids).expect("in order")
    };
    gate.insert_all(Term::Contact(ContactStatus::Active), &ids_of(&|_| true));
    for list in 0..LISTS {
        let id = ListId(list);
        gate.put_list(id, List { created_at: 1, ..List::unknown(list_number(list)) });
        gate.insert_all(Term::List(id, ListStatus::Active), &ids_of(&|id| !is_out(id, list)));
        gate.insert_all(Term::List(id, ListStatus::OptedOut), &ids_of(&|id| is_out(id, list)));
    }
    gate
}

/// What the process has in memory, in bytes; 0 where Linux does not tell it.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * rustix::param::page_size() as u64
}

#[test]
fn verdicts_of_many_contacts_are_right() {
    let wanted = std::env::var("CONTACTD_CONTACTS").ok().map(|contacts| contacts.parse::<u64>().expect("a number"));
    let contacts = wanted.unwrap_or(CONTACTS);
    let (before, started) = (resident(), Instant::now());
    let gate = gate(contacts);
    let (built, bytes) = (started.elapsed(), resident().saturating_sub(before));
    assert_eq!(gate.directory.len(), contacts);
    let lists: Vec<_> = (0..LISTS).map(|list| gate.list(list_number(list))).collect();
    let verdicts = if wanted.is_some() { VERDICTS } else { CONTACTS };
    let started = Instant::now();
    for n in 0..verdicts {
        let (id, list) = (n.wrapping_mul(7_919_777) % contacts, n as u32 % LISTS);
        let phone = Phone::from_u64(number(id)).expect("a phone");
        let verdict = lists[list as usize].verdict(phone);
        assert_eq!(verdict == Verdict::Yes, !is_out(id, list), "{phone:?} {list}");
    }
    let rate = verdicts as f64 / started.elapsed().as_secs_f64();
    assert_ne!(lists[0].verdict(Phone::from_u64(number(contacts)).expect("a phone")), Verdict::Yes, "nobody has it");
    if wanted.is_some() {
        let each = bytes as f64 / contacts as f64;
        println!(
            "{contacts} contacts on {LISTS} lists: {} MB, {each:.1} bytes each; {rate:.0} verdicts a second by one thread; made in {:.1} s",
            bytes / 1_000_000,
            built.as_secs_f64()
        );
        assert!(contacts < 10_000_000 || each <= 40.0, "{each:.1} bytes a contact");
    }
}
