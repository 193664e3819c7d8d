//! Tombstones, and erasures that are under way.

use serde::{Deserialize, Serialize};

use super::super::tombstones::Mark;
use super::fact::{FactV1, ListContactV1, StandingV1, drop_oldest_text};
use super::{DateV1, open, remembered, seal};
use crate::error::{Error, Result};
use crate::model::contact::ListContact;
use crate::model::fact::Fact;
use crate::model::purge::Condemned;
use crate::model::remembered::Remembered;
use crate::model::tombstone::{Gone, Tombstone};

/// A tombstone, and what stands for the number whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grave {
    pub mark: Mark,
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

#[derive(Serialize, Deserialize)]
struct GraveV1 {
    mark: [u8; 16],
    gone_at: DateV1,
    why: u8,
    created_at: DateV1,
    last_inbound: DateV1,
    opted_out_all: Option<FactV1>,
    suppression: StandingV1,
    invalidity: StandingV1,
    lists: Vec<ListContactV1>,
    /// See [`remembered`].
    remembered: Vec<u8>,
    forgotten: DateV1,
}

/// Encodes a tombstone. What together does not fit is left out, oldest first: the texts of facts, then ids.
pub fn encode_grave(grave: &Grave) -> Result<Vec<u8>> {
    let mut body = GraveV1::from(grave);
    let mut kept = grave.tombstone.remembered.clone();
    loop {
        let sealed = seal(&body);
        let GraveV1 { opted_out_all, suppression, invalidity, lists, .. } = &mut body;
        let ids = kept.items().len();
        match sealed {
            Err(_) if drop_oldest_text(opted_out_all, suppression, invalidity, lists) => {}
            Err(_) if ids > 0 => {
                kept.drop_oldest(ids.div_ceil(2));
                body.remembered = remembered::encode(kept.items(), grave.tombstone.created_at);
            }
            sealed => return sealed,
        }
    }
}

pub fn decode_grave(value: &[u8]) -> Result<Grave> {
    let body: GraveV1 = open(value)?;
    let why = match body.why {
        0 => Gone::Erased,
        code => Gone::Purged(condemned(code)?),
    };
    let tombstone = Tombstone {
        gone_at: body.gone_at.into(),
        why,
        created_at: body.created_at.into(),
        opted_out_all: body.opted_out_all.map(Fact::from),
        suppression: body.suppression.into(),
        invalidity: body.invalidity.into(),
        last_inbound: body.last_inbound.into(),
        lists: body.lists.into_iter().map(ListContact::from).collect(),
        remembered: Remembered::from_stored(
            remembered::decode(&body.remembered, body.created_at.into())?,
            body.forgotten.into(),
        ),
    };
    Ok(Grave { mark: body.mark, tombstone })
}

fn condemned(code: u8) -> Result<Condemned> {
    let known = Condemned::ALL.into_iter().find(|why| *why as u8 + 1 == code);
    known.ok_or_else(|| Error::internal(format!("a tombstone of unknown reason {code}")))
}

pub fn encode_erasing(erasing: &Erasing) -> Result<Vec<u8>> {
    seal(erasing)
}

pub fn decode_erasing(value: &[u8]) -> Result<Erasing> {
    open(value)
}

impl From<&Grave> for GraveV1 {
    fn from(grave: &Grave) -> GraveV1 {
        let tombstone = &grave.tombstone;
        GraveV1 {
            mark: grave.mark,
            gone_at: tombstone.gone_at.into(),
            why: match tombstone.why {
                Gone::Erased => 0,
                Gone::Purged(why) => why as u8 + 1,
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
