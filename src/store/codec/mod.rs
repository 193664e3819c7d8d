//! Values: a version byte, then bincode of a struct that is frozen for that version.
//!
//! A struct here never changes: a new layout is a new version beside it, with a `From` to the next, and the golden
//! bytes in the tests keep everyone honest. Sizes are checked in [`seal`] and nowhere else.

mod event;
mod fact;
mod feed;
mod grave;
mod list;
mod plan;
mod record;
mod remembered;
#[cfg(test)]
mod tests;

use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::limits::VALUE_BYTES_MAX;
use crate::model::time::Millis;
use crate::model::verdict::StopScope;
pub use event::{Entry, append_entry, decode_entries, encode_entries, kind, kind_code};
pub use feed::{FeedEntry, NO_STATUS, decode_feed, encode_feed};
pub use grave::{Erasing, Grave, decode_erasing, decode_grave, encode_erasing, encode_grave};
pub use list::{decode_list, decode_tally, encode_list, encode_tally};
pub use plan::{decode_plan, encode_plan};
pub use record::{Record, decode_record, encode_record, print};

/// The version that every value begins with.
pub const V1: u8 = 1;

/// A date in six bytes, which last until the year 10889; 0 is never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DateV1([u8; 6]);

impl From<Millis> for DateV1 {
    fn from(at: Millis) -> DateV1 {
        let mut bytes = [0; 6];
        bytes.copy_from_slice(&at.to_be_bytes()[2..]);
        DateV1(bytes)
    }
}

impl From<DateV1> for Millis {
    fn from(date: DateV1) -> Millis {
        let mut bytes = [0; 8];
        bytes[2..].copy_from_slice(&date.0);
        Millis::from_be_bytes(bytes)
    }
}

fn options() -> impl Options {
    bincode::DefaultOptions::new()
}

/// Version byte and body, if they are not too long for sled.
fn seal(body: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = vec![V1];
    options().serialize_into(&mut value, body).map_err(Error::internal)?;
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::limit(format!("a record of {} bytes is over {VALUE_BYTES_MAX}", value.len())));
    }
    Ok(value)
}

fn open<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    match value.split_first() {
        Some((&V1, body)) => {
            options().deserialize(body).map_err(|why| Error::internal(format!("a damaged record: {why}")))
        }
        Some((version, _)) => {
            Err(Error::internal(format!("a record of version {version}, which this contactd does not know")))
        }
        None => Err(Error::internal("an empty record")),
    }
}

/// Counters that must never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The id the next contact gets.
    pub next_contact: u32,
    /// The position the next feed entry gets.
    pub next_feed: u64,
    /// The feed's epoch; a restore begins a new one.
    pub epoch: u64,
    /// The number the next event gets.
    pub next_event: u64,
    /// The number the next entry of the journal gets.
    pub next_journal: u64,
    /// The id the next tombstone gets.
    pub next_tombstone: u32,
    /// How many batches there were.
    pub batches: u64,
}

pub fn encode_heads(heads: &Heads) -> Result<Vec<u8>> {
    seal(heads)
}

pub fn decode_heads(value: &[u8]) -> Result<Heads> {
    open(value)
}

pub fn encode_scope(scope: StopScope) -> Vec<u8> {
    vec![V1, u8::from(scope == StopScope::All)]
}

pub fn decode_scope(value: &[u8]) -> StopScope {
    if value.get(1) == Some(&1) { StopScope::All } else { StopScope::List }
}

/// The numbers of one chunk of ids, eight bytes each; 0 where there is none.
pub fn encode_numbers(phones: &[u64]) -> Vec<u8> {
    std::iter::once(V1).chain(phones.iter().flat_map(|phone| phone.to_be_bytes())).collect()
}

pub fn decode_numbers(value: &[u8]) -> Result<Vec<u64>> {
    match value.split_first() {
        Some((&V1, body)) if body.len() % 8 == 0 => Ok(body
            .chunks_exact(8)
            .map(|bytes| bytes.iter().fold(0, |phone, &byte| phone << 8 | u64::from(byte)))
            .collect()),
        _ => Err(Error::internal("a damaged chunk of the directory")),
    }
}
