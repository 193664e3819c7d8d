//! Keys: one byte for the keyspace, then big-endian fixed-width parts, so that order on disk is order of ids.

use super::term::Term;
use crate::model::list::ListId;

/// list id → list.
pub const LIST: u8 = 0x01;
/// chunk → phone numbers of consecutive ids.
pub const DIRECTORY: u8 = 0x02;
/// contact id → contact.
pub const CONTACT: u8 = 0x10;
/// term, chunk → the ids of consecutive ids that have the term.
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

pub fn posting(term: Term, chunk: u32) -> Vec<u8> {
    let mut key = vec![POSTING];
    term.write_key(&mut key);
    key.extend_from_slice(&chunk.to_be_bytes());
    key
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

/// The term and chunk of a [`posting`] key.
pub fn parse_posting(key: &[u8]) -> Option<(Term, u32)> {
    let (term, chunk) = key.get(1..)?.split_last_chunk::<4>()?;
    Some((Term::read_key(term)?, u32::from_be_bytes(*chunk)))
}

fn numbered(keyspace: u8, number: u32) -> [u8; 5] {
    let mut key = [keyspace; 5];
    key[1..].copy_from_slice(&number.to_be_bytes());
    key
}
