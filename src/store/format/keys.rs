//! Keys: one byte for the keyspace, then big-endian fixed-width parts, so that order on disk is order of ids.
//!
//! sled rewrites a leaf, some sixteen neighbouring values, after every ten changes in it. What changes all the time must not
//! have large values for neighbours; so a spacer of small values that never change stands between two keyspaces.

use super::term::{GATE_TAG_MAX, Term};
use crate::limits::{BLOCK_CONTACTS, GATE_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::list::ListId;
use crate::model::time::Day;
use crate::store::engine::Keys;

/// list id → list.
pub const LIST: u8 = 0x01;
/// contact id → an erasure that is under way.
pub const ERASING: u8 = 0x03;
/// day, list id → tally.
pub const TALLY: u8 = 0x02;
/// number → what happened to a list, for ever.
pub const LIST_EVENT: u8 = 0x04;
/// chunk → phone numbers of consecutive ids.
pub const DIRECTORY: u8 = 0x08;
/// block → records of consecutive contacts.
pub const CONTACT: u8 = 0x10;
/// contact id → a record that has no room in its block.
pub const APART: u8 = 0x18;
/// chunk, term → which of consecutive ids have the term. The chunk comes first, so that what an import appends is at the
/// end of the keyspace, and all that is known of a range of ids stands together.
pub const POSTING: u8 = 0x20;
/// number → changes of postings.
pub const JOURNAL: u8 = 0x28;
/// block → events of consent and status.
pub const CONSENT: u8 = 0x30;
/// block → all other events.
pub const ACTIVITY: u8 = 0x38;
/// first position → feed entries.
pub const FEED: u8 = 0x40;
/// block → tombstones of consecutive ids.
pub const TOMBSTONE: u8 = 0x48;
/// tombstone id → a tombstone that has no room in its block.
pub const TOMBSTONE_APART: u8 = 0x50;
/// chunk → numbers of consecutive tombstones' marks.
pub const TOMBSTONE_DIRECTORY: u8 = 0x58;
/// plan → a plan of a purge.
pub const PLAN: u8 = 0x60;
/// plan, chunk → which of consecutive ids it has.
pub const PLAN_IDS: u8 = 0x68;

/// number → a message that waits in the inbox.
pub const INBOX: u8 = 0x70;
/// label key, value → that the value is common.
pub const COMMON: u8 = 0x78;

/// Where the spacers are: behind every eighth keyspace.
const SPACERS: [u8; 15] = [0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f, 0x47, 0x4f, 0x57, 0x5f, 0x67, 0x6f, 0x77];
/// More than a leaf has.
const SPACER_KEYS: u8 = 32;

/// The keys of all spacers.
pub fn spacers() -> impl Iterator<Item = [u8; 2]> {
    SPACERS.into_iter().flat_map(|spacer| (0..SPACER_KEYS).map(move |key| [spacer, key]))
}

// What is of the store itself has names, under 0x00.

/// The format this version writes, and the newest it reads.
pub const FORMAT: &[u8] = b"\x00format";
/// What the store gives out next.
pub const NEXT_IDS: &[u8] = b"\x00heads";
/// The fingerprint of the tombstones' secret.
pub const SECRET: &[u8] = b"\x00secret";
/// The version of the table of renumberings under whose spellings all numbers are held.
pub const RENUMBERED: &[u8] = b"\x00renumbered";
/// That rare values of labels have prints: a store of an earlier format is brought to it at a start.
pub const PRINTED: &[u8] = b"\x00printed";
/// The stop scope of the last run.
pub const SCOPE: &[u8] = b"\x00scope";

/// The strictest settings under which the store was run, until they were given up.
pub const STRICTNESS: &[u8] = b"\x00strictness";
/// When a fence was ended of which something was missing, and that fence.
pub const UNFENCED: &[u8] = b"\x00unfenced";

/// What ties the newest batch of a ledger to those before it.
pub const CHAIN: &[u8] = b"\x00chain";
/// Why nobody gets messages.
pub const FENCE: &[u8] = b"\x00fence";
/// What the trail has, as of the batch before.
pub const TRAIL: &[u8] = b"\x00trail";
/// That files stand beside the store, on disk, that tell whether it is whole: whoever opens it without them cannot trust it. A
/// contactd of before 0.3.0 did not write this, and may have left a store without one of them.
pub const WATCHED: &[u8] = b"\x00watched";

/// Whether what stands there is of the store itself.
pub fn is_name(key: &[u8]) -> bool {
    key.first() == Some(&0)
}

/// All keys of a keyspace.
pub fn all(keyspace: u8) -> Keys {
    vec![keyspace]..vec![keyspace + 1]
}

/// What stands at a key, for people.
pub fn described(key: &[u8]) -> String {
    let first = |ids: u32| number(key).map_or(0, |at| u64::from(at) * u64::from(ids));
    let long = long_number(key).unwrap_or_default();
    match key.first() {
        Some(&DIRECTORY) => {
            format!("the numbers of the contacts from {} on", first(crate::limits::DIRECTORY_CHUNK_IDS))
        }
        Some(&CONTACT) => format!("the contacts from {} on", first(BLOCK_CONTACTS)),
        Some(&APART) => format!("contact {}", first(1)),
        Some(&(POSTING | COMMON)) => "a part of an index".to_owned(),
        Some(&JOURNAL) => format!("entry {long} of the journal"),
        Some(&CONSENT) => format!("event {long} of consent"),
        Some(&ACTIVITY) => format!("event {long} of activity"),
        Some(&FEED) => format!("position {long} of the feed"),
        Some(&TOMBSTONE) => format!("the tombstones from {} on", first(BLOCK_CONTACTS)),
        Some(&(TOMBSTONE_APART | TOMBSTONE_DIRECTORY)) => "a tombstone".to_owned(),
        Some(&(PLAN | PLAN_IDS)) => "the plan of a purge".to_owned(),
        Some(&INBOX) => format!("message {long} of the inbox"),
        Some(&(0..=LIST_EVENT)) => "the lists and counters".to_owned(),
        _ => "the gap between two kinds of data".to_owned(),
    }
}

/// From one key to another, both included.
pub fn through(first: &[u8], last: &[u8]) -> Keys {
    first.to_vec()..[last, &[0]].concat()
}

pub fn list(id: ListId) -> [u8; 5] {
    numbered(LIST, id.0)
}

pub fn list_event(number: u64) -> [u8; 9] {
    long_numbered(LIST_EVENT, number)
}

pub fn directory(chunk: u32) -> [u8; 5] {
    numbered(DIRECTORY, chunk)
}

pub fn tombstones(id: u32) -> [u8; 5] {
    numbered(TOMBSTONE, id / BLOCK_CONTACTS)
}

pub fn tombstone_apart(id: u32) -> [u8; 5] {
    numbered(TOMBSTONE_APART, id)
}

pub fn tombstone_directory(chunk: u32) -> [u8; 5] {
    numbered(TOMBSTONE_DIRECTORY, chunk)
}

pub fn erasing(contact: u32) -> [u8; 5] {
    numbered(ERASING, contact)
}

pub fn plan(plan: u32) -> [u8; 5] {
    numbered(PLAN, plan)
}

pub fn plan_ids(plan: u32, chunk: u32) -> [u8; 9] {
    long_numbered(PLAN_IDS, u64::from(plan) << 32 | u64::from(chunk))
}

/// The tallies of all lists from a day on.
pub fn tallies_since(day: Day) -> Keys {
    tally(ListId(0), day).to_vec()..vec![TALLY + 1]
}

pub fn tally(list: ListId, day: Day) -> [u8; 9] {
    let mut key = [TALLY; 9];
    key[1..5].copy_from_slice(&day.0.to_be_bytes());
    key[5..].copy_from_slice(&list.0.to_be_bytes());
    key
}

/// The list and the day of a [`tally`] key.
pub fn parse_tally(key: &[u8]) -> Option<(ListId, Day)> {
    let list = u32::from_be_bytes(key.get(5..9)?.try_into().ok()?);
    Some((ListId(list), Day(number(key)?)))
}

/// The key of the block in which a contact's record is.
pub fn block(id: u32) -> [u8; 5] {
    numbered(CONTACT, id / BLOCK_CONTACTS)
}

pub fn apart(id: u32) -> [u8; 5] {
    numbered(APART, id)
}

/// The key of a posting's part that begins at an id, a multiple of the term's [`Term::chunk_ids`].
pub fn posting(term: Term<'_>, first: u32) -> Vec<u8> {
    let mut key = Vec::new();
    write_posting(&mut key, term, first);
    key
}

/// Appends a [`posting`] key.
pub fn write_posting(key: &mut Vec<u8>, term: Term<'_>, first: u32) {
    key.extend(postings(first / POSTING_CHUNK_IDS));
    term.write_key(key);
    if term.is_gate() {
        // The gate's parts are smaller than the range that stands together.
        key.push((first % POSTING_CHUNK_IDS / GATE_CHUNK_IDS) as u8);
    }
}

/// Whether a [`posting`] key is of one of the gate's terms.
pub fn is_gate_posting(key: &[u8]) -> bool {
    key.get(5).is_some_and(|&tag| tag <= GATE_TAG_MAX)
}

/// The key that says that a value of a label is common.
pub fn common(label: &str, value: &str) -> Vec<u8> {
    [&[COMMON], label.as_bytes(), &[0], value.as_bytes()].concat()
}

/// The label and the value of a [`common`] key.
pub fn parse_common(key: &[u8]) -> Option<(&str, &str)> {
    std::str::from_utf8(key.get(1..)?).ok()?.split_once('\0')
}

/// What the keys of all postings of a range of [`POSTING_CHUNK_IDS`] ids begin with.
pub fn postings(chunk: u32) -> [u8; 5] {
    numbered(POSTING, chunk)
}

pub fn journal(number: u64) -> [u8; 9] {
    long_numbered(JOURNAL, number)
}

/// A block of events in one of the logs.
pub fn events(log: u8, block: u64) -> [u8; 9] {
    long_numbered(log, block)
}

pub fn feed(position: u64) -> [u8; 9] {
    long_numbered(FEED, position)
}

pub fn inbox(number: u64) -> [u8; 9] {
    long_numbered(INBOX, number)
}

/// The number of [`journal`], [`events`], [`feed`] and [`inbox`] keys.
pub fn long_number(key: &[u8]) -> Option<u64> {
    Some(u64::from_be_bytes(key.get(1..9)?.try_into().ok()?))
}

/// The number behind the keyspace byte of [`list`], [`directory`] and [`block`] keys.
pub fn number(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(1..5)?.try_into().ok()?))
}

/// The term and the first id of a [`posting`] key.
pub fn parse_posting(key: &[u8]) -> Option<(Term<'_>, u32)> {
    let first = number(key)?.checked_mul(POSTING_CHUNK_IDS)?;
    let term = key.get(5..)?;
    if *term.first()? > GATE_TAG_MAX {
        return Some((Term::read_key(term)?, first));
    }
    let (&part, term) = term.split_last()?;
    let part = u32::from(part);
    (part < POSTING_CHUNK_IDS / GATE_CHUNK_IDS).then_some((Term::read_key(term)?, first + part * GATE_CHUNK_IDS))
}

fn long_numbered(keyspace: u8, number: u64) -> [u8; 9] {
    let mut key = [keyspace; 9];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}

fn numbered(keyspace: u8, number: u32) -> [u8; 5] {
    let mut key = [keyspace; 5];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}
