//! A contact's record, and a number's tombstone.

use crate::error::{Error, Result};
use crate::limits::BLOCK_CONTACTS;
use crate::model::contact::Contact;
use crate::model::list::ListId;
use crate::model::phone::Phone;
use crate::model::tally::Tally;
use crate::model::time::Day;
use crate::model::tombstone::Tombstone;
use crate::store::format::block::{self, Slot};
use crate::store::format::codec::{self, PhoneHmac, Record, StoredTombstone};
use crate::store::format::compressed::expand;
use crate::store::format::keys;
use crate::store::state::State;

impl State {
    /// One contact, from its record.
    pub fn contact(&self, phone: Phone) -> Result<Option<Contact>> {
        let Some(id) = self.memory.gate().directory.id(phone) else { return Ok(None) };
        Ok(self.record(id)?.map(|record| record.contact))
    }

    /// A contact's record.
    pub fn record(&self, id: u32) -> Result<Option<Record>> {
        self.record_in(self.block(id)?.as_deref(), id)
    }

    /// The block in which a contact's record is.
    pub fn block(&self, id: u32) -> Result<Option<Vec<u8>>> {
        self.expanded(&keys::block(id))
    }

    /// A contact's record from its block.
    pub fn record_in(&self, block: Option<&[u8]>, id: u32) -> Result<Option<Record>> {
        let Some(block) = block else { return Ok(None) };
        match block::slots(block)?[(id % BLOCK_CONTACTS) as usize] {
            Slot::Empty => Ok(None),
            Slot::Here(record) => codec::decode_record(record).map(Some),
            Slot::Apart => self.expanded(&keys::apart(id))?.map(|record| codec::decode_record(&record)).transpose(),
        }
    }

    /// The records of a block, each with its contact's id; a damaged one as what is wrong with it.
    pub fn records(&self, block: u32, value: &[u8]) -> Result<Vec<(u32, Result<Record>)>> {
        let first = block * BLOCK_CONTACTS;
        let value = expand(value)?;
        let slots = (first..).zip(block::slots(&value)?);
        let lost = || Error::internal("its record is lost");
        Ok(slots
            .filter(|(_, slot)| *slot != Slot::Empty)
            .map(|(id, _)| (id, self.record_in(Some(&value), id).and_then(|record| record.ok_or_else(lost))))
            .collect())
    }

    /// The tombstones of a number, each with its id. There is more than one only if contacts were removed before contactd knew
    /// that two spellings are one number.
    pub fn tombstones_of(&self, phone: Phone) -> Result<Vec<(u32, Tombstone)>> {
        let tombstones = self.memory.tombstones();
        if tombstones.directory.is_empty() {
            return Ok(Vec::new());
        }
        let spellings = std::iter::once(phone.as_u64()).chain(phone.spellings());
        let hmacs: Vec<PhoneHmac> = spellings.map(|number| tombstones.hmac(number)).collect();
        let ids: Vec<(u32, PhoneHmac)> =
            hmacs.iter().flat_map(|hmac| tombstones.ids(hmac).map(|id| (id, *hmac))).collect();
        drop(tombstones);
        let mut found = Vec::new();
        for (id, hmac) in ids {
            if let Some(stored) = self.stored_tombstone(id)?.filter(|stored| stored.phone == hmac) {
                found.push((id, stored.tombstone));
            }
        }
        Ok(found)
    }

    /// A tombstone by its id.
    pub fn stored_tombstone(&self, id: u32) -> Result<Option<StoredTombstone>> {
        let Some(block) = self.expanded(&keys::tombstones(id))? else { return Ok(None) };
        match block::slots(&block)?[(id % BLOCK_CONTACTS) as usize] {
            Slot::Empty => Ok(None),
            Slot::Here(stored) => codec::decode_tombstone(stored).map(Some),
            Slot::Apart => {
                let apart = self.expanded(&keys::tombstone_apart(id))?;
                apart.map(|stored| codec::decode_tombstone(&stored)).transpose()
            }
        }
    }

    /// What happened on a list on a day.
    pub fn tally(&self, list: ListId, day: Day) -> Result<Tally> {
        if let Some(tally) = self.memory.tallies().day(list, day) {
            return Ok(tally);
        }
        let stored = self.engine.get(&keys::tally(list, day))?;
        stored.map_or(Ok(Tally::default()), |stored| codec::decode_tally(&stored))
    }

    /// A value as it was before it was compressed.
    pub fn expanded(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.engine.get(key)?.map(|value| Ok(expand(&value)?.into_owned())).transpose()
    }
}
