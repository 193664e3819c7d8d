//! Keys: one byte for the keyspace, then big-endian fixed-width parts, so that order on disk is order of ids.

use super::term::{GATE_TAG_MAX, Term};
use crate::limits::{GATE_CHUNK_IDS, POSTING_CHUNK_IDS};
use crate::model::list::ListId;

/// list id → list.
pub const LIST: u8 = 0x01;
/// chunk → phone numbers of consecutive ids.
pub const DIRECTORY: u8 = 0x02;
/// contact id → contact.
pub const CONTACT: u8 = 0x10;
/// chunk, term → which of consecutive ids have the term. The chunk comes first, so that what an import appends is at the
/// end of the keyspace, and all that is known of a range of ids stands together.
pub const POSTING: u8 = 0x20;
/// contact id, page → events.
pub const EVENTS: u8 = 0x30;
/// first position → feed entries.
pub const FEED: u8 = 0x40;

// What is of the store itself has names, under 0x00.

/// The format this version writes, and the newest it reads.
pub const FORMAT: &[u8] = b"\x00format";
/// Counters that must never go back.
pub const HEADS: &[u8] = b"\x00heads";
/// The stop scope of the last run.
pub const SCOPE: &[u8] = b"\x00scope";

pub fn list(id: ListId) -> [u8; 5] {
    numbered(LIST, id.0)
}

pub fn directory(chunk: u32) -> [u8; 5] {
    numbered(DIRECTORY, chunk)
}

pub fn contact(id: u32) -> [u8; 5] {
    numbered(CONTACT, id)
}

/// The key of a posting's part that begins at an id, a multiple of the term's [`Term::chunk_ids`].
pub fn posting(term: &Term, first: u32) -> Vec<u8> {
    let mut key = postings(first / POSTING_CHUNK_IDS).to_vec();
    term.write_key(&mut key);
    if term.is_gate() {
        // The gate's parts are smaller than the range that stands together.
        key.push((first % POSTING_CHUNK_IDS / GATE_CHUNK_IDS) as u8);
    }
    key
}

/// What the keys of all postings of a range of [`POSTING_CHUNK_IDS`] ids begin with.
pub fn postings(chunk: u32) -> [u8; 5] {
    numbered(POSTING, chunk)
}

pub fn events(contact: u32, page: u32) -> [u8; 9] {
    let mut key = [EVENTS; 9];
    key[1..5].copy_from_slice(&contact.to_be_bytes());
    key[5..].copy_from_slice(&page.to_be_bytes());
    key
}

pub fn feed(position: u64) -> [u8; 9] {
    let mut key = [FEED; 9];
    key[1..].copy_from_slice(&position.to_be_bytes());
    key
}

/// The number behind the keyspace byte of [`list`], [`directory`] and [`contact`] keys.
pub fn number(key: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(key.get(1..5)?.try_into().ok()?))
}

/// The term and the first id of a [`posting`] key.
pub fn parse_posting(key: &[u8]) -> Option<(Term, u32)> {
    let first = number(key)? * POSTING_CHUNK_IDS;
    let term = key.get(5..)?;
    if *term.first()? > GATE_TAG_MAX {
        return Some((Term::read_key(term)?, first));
    }
    let (&part, term) = term.split_last()?;
    Some((Term::read_key(term)?, first + u32::from(part) * GATE_CHUNK_IDS))
}

fn numbered(keyspace: u8, number: u32) -> [u8; 5] {
    let mut key = [keyspace; 5];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}
