//! A block: the records of consecutive contacts under one key.
//!
//! A key costs sled more than the bytes behind it. Four records to a key halve the time of an import and save 35 MB of
//! memory for 1,000,000 contacts; an update takes as long as before. A large record, which would be written again with each of
//! its neighbours, has a key of its own.

use super::codec::V1;
use crate::error::{Error, Result};
use crate::limits::{BLOCK_CONTACTS, RECORD_BYTES_APART, VALUE_BYTES_MAX};

const SLOTS: usize = BLOCK_CONTACTS as usize;
/// Version, then the length of each record.
const HEAD_BYTES: usize = 1 + 2 * SLOTS;
/// In the place of a length: the record has a key of its own.
const APART: u16 = u16::MAX;

/// Where the record of one contact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot<'v> {
    /// There is no such contact.
    Empty,
    /// Here.
    Here(&'v [u8]),
    /// Under a key of its own.
    Apart,
}

/// A slot, and the record that stands there from now on, if any.
pub type Changed = (usize, Option<Vec<u8>>);

/// A block with changed records.
pub struct Packed {
    /// The block's value; none if there is no contact in it.
    pub value: Option<Vec<u8>>,
    /// Records that go to keys of their own, by slot.
    pub apart: Vec<(usize, Vec<u8>)>,
    /// Slots whose record was apart and is not any more.
    pub back: Vec<usize>,
}

/// The slots of a block's value.
pub fn slots(value: &[u8]) -> Result<[Slot<'_>; SLOTS]> {
    let damaged = || Error::internal("a damaged block of records");
    let (head, mut rest) = value.split_at_checked(HEAD_BYTES).filter(|(head, _)| head[0] == V1).ok_or_else(damaged)?;
    let mut slots = [Slot::Empty; SLOTS];
    for (slot, bytes) in slots.iter_mut().zip(head[1..].chunks_exact(2)) {
        let length = u16::from_be_bytes([bytes[0], bytes[1]]);
        *slot = match length {
            0 => Slot::Empty,
            APART => Slot::Apart,
            length => {
                let (record, behind) = rest.split_at_checked(length.into()).ok_or_else(damaged)?;
                rest = behind;
                Slot::Here(record)
            }
        };
    }
    if rest.is_empty() { Ok(slots) } else { Err(damaged()) }
}

/// Puts changed records into a block, or takes them out. What is large goes apart.
pub fn pack(stored: Option<&[u8]>, changed: &[Changed]) -> Result<Packed> {
    let before = stored.map_or(Ok([Slot::Empty; SLOTS]), slots)?;
    let mut after = before;
    let mut apart = Vec::new();
    for (slot, record) in changed {
        after[*slot] = match record {
            None => Slot::Empty,
            Some(record) if record.len() > RECORD_BYTES_APART => {
                apart.push((*slot, record.clone()));
                Slot::Apart
            }
            Some(record) => Slot::Here(record),
        };
    }
    let back = (0..SLOTS).filter(|&slot| before[slot] == Slot::Apart && after[slot] != Slot::Apart).collect();
    Ok(Packed { value: encode(&after), apart, back })
}

fn encode(slots: &[Slot<'_>; SLOTS]) -> Option<Vec<u8>> {
    if slots.iter().all(|slot| *slot == Slot::Empty) {
        return None;
    }
    let bytes = |slot: &Slot<'_>| if let Slot::Here(record) = slot { record.len() } else { 0 };
    let mut value = Vec::with_capacity(HEAD_BYTES + slots.iter().map(bytes).sum::<usize>());
    value.push(V1);
    for slot in slots {
        let length = match slot {
            Slot::Empty => 0,
            // Below VALUE_BYTES_MAX.
            Slot::Here(record) => record.len() as u16,
            Slot::Apart => APART,
        };
        value.extend(length.to_be_bytes());
    }
    for slot in slots {
        if let Slot::Here(record) = slot {
            value.extend_from_slice(record);
        }
    }
    Some(value)
}

const _: () = assert!(VALUE_BYTES_MAX < APART as usize);
// Then all that are not apart fit.
const _: () = assert!(HEAD_BYTES + SLOTS * RECORD_BYTES_APART <= VALUE_BYTES_MAX);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_come_and_go_and_what_does_not_fit_goes_apart() {
        let record = |byte: u8, bytes: usize| Some(vec![byte; bytes]);
        let packed = pack(None, &[(1, record(1, 100)), (3, record(3, 1))]).expect("packed");
        let value = packed.value.expect("a block");
        assert!(packed.apart.is_empty());
        assert_eq!(plain(&value)[..], [None, Some(vec![1; 100]), None, Some(vec![3])]);

        let packed = pack(Some(&value), &[(0, record(0, 400)), (2, record(2, 5000))]).expect("packed");
        let value = packed.value.expect("a block");
        assert_eq!(packed.apart, [(2, vec![2; 5000])]);
        assert_eq!(slots(&value).expect("slots")[2], Slot::Apart);

        let packed = pack(Some(&value), &[(2, record(2, 10)), (3, None)]).expect("packed");
        assert_eq!((packed.back, packed.apart), (vec![2], vec![]));
        let value = packed.value.expect("a block");
        assert_eq!(plain(&value)[2..], [Some(vec![2; 10]), None]);
        assert!(pack(Some(&value), &[(0, None), (1, None), (2, None)]).expect("packed").value.is_none());
    }

    /// The records of a stored block, none of which is apart.
    fn plain(value: &[u8]) -> Vec<Option<Vec<u8>>> {
        let slots = slots(value).expect("slots");
        slots.iter().map(|slot| if let Slot::Here(record) = slot { Some(record.to_vec()) } else { None }).collect()
    }

    #[test]
    fn damage_is_told() {
        let value = encode(&[Slot::Empty, Slot::Here(&[1; 10]), Slot::Empty, Slot::Apart]).expect("a block");
        let mut long = value.clone();
        long.push(0);
        for value in [&[][..], &[V1, 0, 0], &value[..value.len() - 1], &long, &[2; HEAD_BYTES]] {
            assert!(slots(value).is_err());
        }
    }
}
