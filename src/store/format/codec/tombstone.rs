//! Tombstones, and erasures that are under way.

use serde::{Deserialize, Serialize};

use super::fact::{FactV1, ListContactV1, ToggleV1, drop_oldest_text, fact};
use super::named::{Nameable, Named};
use super::{DateV1, open, remembered, seal};
use crate::error::Result;
use crate::model::contact::ListContact;
use crate::model::purge::PurgeReason;
use crate::model::remembered::Remembered;
use crate::model::tombstone::{RemovedBy, Tombstone};
use crate::store::format::code::Coded;

/// What stands for a number: its HMAC under the store's secret.
pub type PhoneHmac = [u8; 16];

/// A tombstone, and what stands for its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTombstone {
    pub phone: PhoneHmac,
    pub tombstone: Tombstone,
}

/// An erasure that is under way: what is still to be looked at, and what was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Erasing {
    /// The number. It goes with the note.
    pub phone: u64,
    /// The contact's events that are not erased yet.
    pub consent: u64,
    pub activity: u64,
    /// Entries of the feed from here on may name it, up to before `feed_end`.
    pub feed_from: u64,
    pub feed_end: u64,
    /// Erased so far.
    pub events: u64,
    pub entries: u64,
}

/// In the place of a purge's reason.
const ERASED: u8 = 0;

#[derive(Serialize, Deserialize)]
struct TombstoneV1<'a> {
    phone: [u8; 16],
    gone_at: DateV1,
    /// The highest bit: the name of who removed it follows.
    why: u8,
    created_at: DateV1,
    last_inbound: DateV1,
    opted_out_all: Option<FactV1<'a>>,
    suppression: ToggleV1<'a>,
    invalidity: ToggleV1<'a>,
    lists: Vec<ListContactV1<'a>>,
    /// See [`remembered`].
    remembered: Vec<u8>,
    forgotten: DateV1,
}

/// In why it went, beside the code.
const NAMED: u8 = 0x80;

impl Nameable for TombstoneV1<'_> {
    fn is_named(&self) -> bool {
        self.why & NAMED != 0
    }

    fn set_named(&mut self, named: bool) {
        self.why = if named { self.why | NAMED } else { self.why & !NAMED };
    }
}

/// Encodes a tombstone. What together does not fit is left out, oldest first: the texts of facts, then ids.
pub fn encode_tombstone(stored: &StoredTombstone) -> Result<Vec<u8>> {
    let mut body = Named::new(TombstoneV1::from(stored), &stored.tombstone.by);
    let mut kept = stored.tombstone.remembered.clone();
    loop {
        let sealed = seal(&body);
        let TombstoneV1 { opted_out_all, suppression, invalidity, lists, .. } = body.body_mut();
        let ids = kept.items().len();
        match sealed {
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => {}
            Err(_) if ids > 0 => {
                kept.drop_oldest(ids.div_ceil(2));
                body.body_mut().remembered = remembered::encode(kept.items(), stored.tombstone.created_at);
            }
            sealed => return sealed,
        }
    }
}

pub fn decode_tombstone(value: &[u8]) -> Result<StoredTombstone> {
    let (body, by) = open::<Named<TombstoneV1>>(value)?.into_parts();
    let why = match body.why {
        ERASED => RemovedBy::Erased,
        code => RemovedBy::Purged(PurgeReason::from_code(code)?),
    };
    let tombstone = Tombstone {
        gone_at: body.gone_at.into(),
        why,
        by,
        created_at: body.created_at.into(),
        opted_out_all: fact(body.opted_out_all)?,
        suppression: body.suppression.try_into()?,
        invalidity: body.invalidity.try_into()?,
        last_inbound: body.last_inbound.into(),
        lists: body.lists.into_iter().map(ListContact::try_from).collect::<Result<_>>()?,
        remembered: Remembered::from_stored(
            remembered::decode(&body.remembered, body.created_at.into())?,
            body.forgotten.into(),
        ),
    };
    Ok(StoredTombstone { phone: body.phone, tombstone })
}

pub fn encode_erasing(erasing: &Erasing) -> Result<Vec<u8>> {
    seal(erasing)
}

pub fn decode_erasing(value: &[u8]) -> Result<Erasing> {
    open(value)
}

impl<'a> From<&'a StoredTombstone> for TombstoneV1<'a> {
    fn from(stored: &'a StoredTombstone) -> TombstoneV1<'a> {
        let tombstone = &stored.tombstone;
        TombstoneV1 {
            phone: stored.phone,
            gone_at: tombstone.gone_at.into(),
            why: match tombstone.why {
                RemovedBy::Erased => ERASED,
                RemovedBy::Purged(why) => why.code(),
            },
            created_at: tombstone.created_at.into(),
            last_inbound: tombstone.last_inbound.into(),
            opted_out_all: tombstone.opted_out_all.as_ref().map(FactV1::from),
            suppression: (&tombstone.suppression).into(),
            invalidity: (&tombstone.invalidity).into(),
            lists: tombstone.lists.iter().map(ListContactV1::from).collect(),
            remembered: remembered::encode(tombstone.remembered.items(), tombstone.created_at),
            forgotten: tombstone.remembered.forgotten().into(),
        }
    }
}
