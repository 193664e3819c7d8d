//! A batch: puts and removes in order, applied together or not at all.
//!
//! It is kept as the bytes that it is sent and stored as, so that copying it elsewhere costs nothing:
//!
//! ```text
//! format (1 byte) | number (8 bytes) | entries
//! entry: key bytes (2) | value bytes + 1 (2), or 0 for a remove | key | value
//! ```
//!
//! Numbers are big-endian. A later entry for a key replaces an earlier one.

use crate::error::{Error, Result};
use crate::limits::VALUE_BYTES_MAX;

/// The form of the bytes.
const FORMAT: u8 = 1;
/// Format and number.
const HEAD_BYTES: usize = 9;

/// Keys begin with a keyspace and fixed-width numbers; the longest is that of a label's posting.
const KEY_BYTES_MAX: usize = 1 << 16;
const _: () = assert!(VALUE_BYTES_MAX < u16::MAX as usize);

/// Puts and removes of one commit.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    bytes: Vec<u8>,
    entries: usize,
}

impl Batch {
    /// An empty batch. A store's batches are numbered without a gap.
    pub fn new(number: u64) -> Batch {
        let mut bytes = vec![FORMAT];
        bytes.extend(number.to_be_bytes());
        Batch { bytes, entries: 0 }
    }

    /// Makes room for puts of so many bytes, keys and lengths included.
    pub fn reserve(&mut self, bytes: usize) {
        self.bytes.reserve(bytes);
    }

    /// Reads what [`Batch::as_bytes`] gave. Everything in it is looked at, so that reading its entries cannot fail.
    pub fn decode(bytes: Vec<u8>) -> Result<Batch> {
        if bytes.len() < HEAD_BYTES || bytes[0] != FORMAT {
            return Err(damaged());
        }
        let mut entries = Entries { rest: &bytes[HEAD_BYTES..] };
        let count = entries.by_ref().count();
        if !entries.rest.is_empty() {
            return Err(damaged());
        }
        Ok(Batch { bytes, entries: count })
    }

    /// The batch as it is sent and stored.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.bytes[1..HEAD_BYTES].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// Whether it has one: those of a copy that counts only as a whole have none.
    pub fn has_number(&self) -> bool {
        self.number() > 0
    }

    /// Gives a key a value.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.push(key, Some(value));
    }

    /// Removes a key. It need not be there.
    pub fn remove(&mut self, key: &[u8]) {
        self.push(key, None);
    }

    /// Gives a key a value, or removes it.
    pub fn push(&mut self, key: &[u8], value: Option<&[u8]>) {
        debug_assert!(key.len() < KEY_BYTES_MAX && value.is_none_or(|value| value.len() <= VALUE_BYTES_MAX));
        self.bytes.extend((key.len() as u16).to_be_bytes());
        self.bytes.extend(value.map_or(0, |value| value.len() as u16 + 1).to_be_bytes());
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.entries += 1;
    }

    /// How many puts and removes there are.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether nothing changes.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// The puts and removes, in order: each key with its value, none for a remove.
    pub fn entries(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        Entries { rest: &self.bytes[HEAD_BYTES..] }
    }
}

struct Entries<'b> {
    rest: &'b [u8],
}

impl<'b> Iterator for Entries<'b> {
    type Item = (&'b [u8], Option<&'b [u8]>);

    fn next(&mut self) -> Option<Self::Item> {
        let (lengths, rest) = self.rest.split_first_chunk::<4>()?;
        let [k1, k2, v1, v2] = *lengths;
        let (key, rest) = rest.split_at_checked(u16::from_be_bytes([k1, k2]).into())?;
        let value = usize::from(u16::from_be_bytes([v1, v2]));
        let (value, rest) = match value {
            0 => (None, rest),
            bytes => rest.split_at_checked(bytes - 1).map(|(value, rest)| (Some(value), rest))?,
        };
        self.rest = rest;
        Some((key, value))
    }
}

fn damaged() -> Error {
    Error::internal("a damaged batch")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Entry = (Vec<u8>, Option<Vec<u8>>);

    fn any_entry() -> impl Strategy<Value = Entry> {
        let bytes = |most| proptest::collection::vec(any::<u8>(), 0..most);
        (bytes(300_usize), proptest::option::of(bytes(300_usize)))
    }

    proptest! {
        #[test]
        fn a_batch_is_its_bytes(entries in proptest::collection::vec(any_entry(), 0..9), number: u64, cut in 1_usize..50) {
            let mut batch = Batch::new(number);
            for (key, value) in &entries {
                batch.push(key, value.as_deref());
            }
            let read = Batch::decode(batch.as_bytes().to_vec()).expect("a batch");
            prop_assert!(read == batch && read.number() == number && read.len() == entries.len());
            let same: Vec<Entry> = read.entries().map(|(key, value)| (key.to_vec(), value.map(<[u8]>::to_vec))).collect();
            prop_assert_eq!(&same, &entries);
            // A batch that was cut off is damage, or ends between two entries.
            let bytes = &batch.as_bytes()[..batch.as_bytes().len().saturating_sub(cut)];
            if let Ok(less) = Batch::decode(bytes.to_vec()) {
                prop_assert!(less.len() < entries.len());
            }
        }
    }

    #[test]
    fn golden_bytes() {
        let mut batch = Batch::new(0x0102);
        batch.put(b"k", b"vw");
        batch.remove(b"l");
        batch.put(b"m", b"");
        let golden = [1, 0, 0, 0, 0, 0, 0, 1, 2, 0, 1, 0, 3, b'k', b'v', b'w', 0, 1, 0, 0, b'l', 0, 1, 0, 1, b'm'];
        assert_eq!(batch.as_bytes(), golden);
        assert!(
            [&[][..], &[1; 8], &[2; 9], &golden[..25]].into_iter().all(|bytes| Batch::decode(bytes.to_vec()).is_err())
        );
    }
}
