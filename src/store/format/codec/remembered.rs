//! Remembered ids in a record.
//!
//! A contact that gets many messages is, on disk, mostly this, so that each byte here is one of ten or more in every
//! record that the writer reads and writes. An id is its print, then how much later it was seen than the one before it,
//! and only where they differ from those of the one before: its list, what it is the id of, and its date.

use super::event::{kind, kind_code};
use crate::error::{Error, Result};
use crate::model::event::EventKind;
use crate::model::failure::Failure;
use crate::model::list::ListId;
use crate::model::remembered::{FINGERPRINT_BYTES, IdUse, Item};
use crate::model::time::Millis;

/// In the lowest bit of the time: list, what and lag follow.
const DIFFERS: u64 = 1;
/// In the code of what: it was seen so much earlier than the one before, not later. A clock was set back.
const EARLIER: u8 = 0x80;

/// What consecutive ids usually have in common.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Common {
    list: ListId,
    what: IdUse,
    /// How much later it was seen than it was.
    lag: Millis,
}

impl Common {
    /// Before the first id.
    const NONE: Common = Common { list: ListId(0), what: IdUse::Sent, lag: 0 };

    fn of(item: &Item) -> Common {
        Common { list: item.list, what: item.what, lag: item.seen_at - item.at }
    }
}

/// Encodes ids, the oldest first. The first one's time is counted from when the contact was created.
pub fn encode(items: &[Item], created_at: Millis) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(items.len() * 12);
    let (mut common, mut before) = (Common::NONE, created_at);
    for item in items {
        let is = Common::of(item);
        let earlier = item.seen_at < before;
        let differs = earlier || is != common;
        bytes.extend_from_slice(&item.fingerprint.to_be_bytes()[8 - FINGERPRINT_BYTES..]);
        put(&mut bytes, item.seen_at.abs_diff(before) << 1 | u64::from(differs));
        if differs {
            bytes.push(what_code(is.what) | if earlier { EARLIER } else { 0 });
            put(&mut bytes, is.list.0.into());
            put(&mut bytes, is.lag.cast_unsigned());
        }
        (common, before) = (is, item.seen_at);
    }
    bytes
}

/// Decodes what [`encode`] made.
pub fn decode(mut bytes: &[u8], created_at: Millis) -> Result<Vec<Item>> {
    let mut items = Vec::new();
    let (mut common, mut seen_at) = (Common::NONE, created_at);
    while !bytes.is_empty() {
        let damaged = || Error::internal("damaged ids in a record");
        let (fingerprint, rest) = bytes.split_at_checked(FINGERPRINT_BYTES).ok_or_else(damaged)?;
        bytes = rest;
        let time = take(&mut bytes).ok_or_else(damaged)?;
        let mut apart = (time >> 1).cast_signed();
        if time & DIFFERS != 0 {
            let (&code, rest) = bytes.split_first().ok_or_else(damaged)?;
            bytes = rest;
            let list = take(&mut bytes).and_then(|list| list.try_into().ok()).ok_or_else(damaged)?;
            let lag = take(&mut bytes).ok_or_else(damaged)?.cast_signed();
            common = Common { list: ListId(list), what: what(code & !EARLIER)?, lag };
            apart = if code & EARLIER == 0 { apart } else { -apart };
        }
        // A date that no clock has, and of which nothing could be counted, is damage.
        seen_at = seen_at.checked_add(apart).ok_or_else(damaged)?;
        let at = seen_at.checked_sub(common.lag).ok_or_else(damaged)?;
        items.push(Item {
            fingerprint: fingerprint.iter().fold(0, |fingerprint, &byte| fingerprint << 8 | u64::from(byte)),
            list: common.list,
            what: common.what,
            at,
            seen_at,
        });
    }
    Ok(items)
}

/// Appends a number, seven bits to a byte, the low ones first (LEB128).
fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

/// Takes what [`put`] appended.
fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// The code on disk of what has an id, never reused: from 0x20 on what a message from the phone meant, from 0x40 on the
/// bits of a failure.
fn what_code(what: IdUse) -> u8 {
    match what {
        IdUse::Claimed => 1,
        IdUse::Sent => 2,
        IdUse::Click => 3,
        IdUse::Conversion => 4,
        IdUse::OptIn => 5,
        IdUse::Inbound(class) => 0x20 | kind_code(EventKind::Inbound(class)),
        IdUse::Failed { failure, sent } => 0x40 | failure.bits() << 1 | u8::from(sent),
    }
}

fn what(code: u8) -> Result<IdUse> {
    Ok(match code {
        1 => IdUse::Claimed,
        2 => IdUse::Sent,
        3 => IdUse::Click,
        4 => IdUse::Conversion,
        5 => IdUse::OptIn,
        0x20..0x40 => match kind(code & 0x1f)? {
            EventKind::Inbound(class) => IdUse::Inbound(class),
            _ => return Err(Error::internal(format!("an id of unknown kind {code}"))),
        },
        0x40..0x50 => IdUse::Failed { failure: Failure::from_bits(code >> 1 & 7), sent: code & 1 != 0 },
        _ => return Err(Error::internal(format!("an id of unknown kind {code}"))),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::keyword::InboundKind;

    const CREATED: Millis = 1_777_636_800_000;

    fn item(fingerprint: u64, what: IdUse, seen_at: Millis) -> Item {
        Item { fingerprint, list: ListId(7), what, at: seen_at, seen_at }
    }

    fn any_item() -> impl Strategy<Value = Item> {
        let failed = IdUse::Failed { failure: Failure::from_bits(5), sent: true };
        let what = vec![IdUse::Claimed, IdUse::Sent, IdUse::Click, IdUse::Inbound(InboundKind::OptOut), failed];
        let date = || prop_oneof![Just(CREATED), 0..1_i64 << 47];
        (0..1_u64 << (8 * FINGERPRINT_BYTES), any::<u32>(), proptest::sample::select(what), date(), date()).prop_map(
            |(fingerprint, list, what, at, seen_at)| Item { fingerprint, list: ListId(list), what, at, seen_at },
        )
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(items in proptest::collection::vec(any_item(), 0..9), cut in 0_usize..200) {
            let bytes = encode(&items, CREATED);
            prop_assert_eq!(decode(&bytes, CREATED).expect("ids"), items);
            // Whatever is left of it, it is ids or damage.
            let _ = decode(&bytes[cut.min(bytes.len())..], CREATED);
        }
    }

    #[test]
    fn a_message_a_day_takes_nine_bytes_each() {
        let day = 24 * 60 * 60 * 1_000;
        let items: Vec<Item> =
            (1..=10).map(|n| item(1 << 39 | n, IdUse::Sent, CREATED + n.cast_signed() * day)).collect();
        assert_eq!(encode(&items, CREATED).len(), 10 * 9 + 3, "of the first one also list and what");
    }

    #[test]
    fn damage_is_told() {
        let bytes = encode(&[item(1, IdUse::Claimed, CREATED + 5)], CREATED);
        assert_eq!(bytes.len(), FINGERPRINT_BYTES + 4);
        assert!((1..bytes.len()).all(|end| decode(&bytes[..end], CREATED).is_err()));
        let unknown = [&bytes[..=FINGERPRINT_BYTES], &[0x7f], &bytes[FINGERPRINT_BYTES + 2..]].concat();
        assert!(decode(&unknown, CREATED).is_err());
        let endless = [&bytes[..FINGERPRINT_BYTES], &[0xff; 11]].concat();
        assert!(decode(&endless, CREATED).is_err());
    }
}
