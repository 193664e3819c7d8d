//! Values: a version byte, then bincode of a struct that is frozen for that version.
//!
//! A struct here never changes: a new layout is a new version beside it, with a `From` to the next, and the golden
//! bytes in the tests keep everyone honest. Variants are bytes that [`Coded`] writes out. Sizes are checked in
//! [`within_limits`] and nowhere else.

#![allow(clippy::trivially_copy_pass_by_ref, clippy::ref_option, reason = "serde hands every field by reference")]

mod event;
mod fact;
mod feed;
mod fence;
mod inbox;
mod list;
mod list_event;
mod named;
mod plan;
mod record;
mod remembered;
mod strictness;
mod tombstone;
mod trail;
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
pub use fence::{decode_fence, encode_fence};
pub use inbox::{decode_waiting, encode_waiting};
pub use list::{decode_list, decode_tally, encode_list, encode_tally};
pub use list_event::{decode_list_event, encode_list_event};
pub use plan::{decode_plan, encode_plan};
pub use record::{Record, decode_labels, decode_record, encode_record, fingerprint};
pub use strictness::{decode_strictness, decode_unfenced, encode_strictness, encode_unfenced};
pub use tombstone::{
    Erasing, PhoneHmac, StoredTombstone, decode_erasing, decode_tombstone, encode_erasing, encode_tombstone,
};
pub use trail::{decode_trail_note, encode_trail_note};

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

/// Dates as [`DateV1`].
mod date {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use super::{DateV1, Millis};

    pub fn serialize<S: Serializer>(at: &Millis, to: S) -> Result<S::Ok, S::Error> {
        DateV1::from(*at).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Millis, D::Error> {
        DateV1::deserialize(from).map(Millis::from)
    }
}

/// Lists, each with a number, by their ids.
mod lists {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::model::list::ListId;

    pub fn serialize<S: Serializer>(lists: &[(ListId, u64)], to: S) -> Result<S::Ok, S::Error> {
        let lists: Vec<(u32, u64)> = lists.iter().map(|(list, number)| (list.0, *number)).collect();
        lists.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<(ListId, u64)>, D::Error> {
        let lists = Vec::<(u32, u64)>::deserialize(from)?;
        Ok(lists.into_iter().map(|(list, number)| (ListId(list), number)).collect())
    }
}

fn options() -> impl Options {
    bincode::DefaultOptions::new()
}

/// More than most records take, so that they are written without growing.
const RECORD_BYTES_USUAL: usize = 256;

/// Version byte and body, if they are not too long for sled.
fn seal(body: &impl Serialize) -> Result<Vec<u8>> {
    seal_as(V1, body)
}

fn seal_as(version: u8, body: &impl Serialize) -> Result<Vec<u8>> {
    let mut value = Vec::with_capacity(RECORD_BYTES_USUAL);
    value.push(version);
    options().serialize_into(&mut value, body).map_err(Error::internal)?;
    within_limits(value)
}

fn within_limits(value: Vec<u8>) -> Result<Vec<u8>> {
    if value.len() > VALUE_BYTES_MAX {
        return Err(Error::limit(format!("a record of {} bytes is over {VALUE_BYTES_MAX}", value.len())));
    }
    Ok(value)
}

fn open<T: DeserializeOwned>(value: &[u8]) -> Result<T> {
    open_as(V1, value)
}

fn open_as<T: DeserializeOwned>(version: u8, value: &[u8]) -> Result<T> {
    match value.split_first() {
        Some((&known, body)) if known == version => {
            options().deserialize(body).map_err(|why| Error::internal(format!("a damaged record: {why}")))
        }
        Some((version, _)) => {
            Err(Error::internal(format!("a record of version {version}, which this contactd does not know")))
        }
        None => Err(Error::internal("an empty record")),
    }
}

/// Takes one value off the front of several. A length in it that is more than there is reserves nothing.
fn take_front<T: DeserializeOwned>(values: &mut &[u8]) -> bincode::Result<T> {
    options().with_limit(values.len() as u64).allow_trailing_bytes().deserialize_from(values)
}

/// What the store gives out next. These numbers never go back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextIds {
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

pub fn encode_next_ids(next: &NextIds) -> Result<Vec<u8>> {
    seal(next)
}

pub fn decode_next_ids(value: &[u8]) -> Result<NextIds> {
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
