//! What a store that nobody has open holds, value by value, as its engine and LZ4 give it.

use std::path::Path;

use contactd::store::engine::{DiskEngine, Engine, rows};

/// Erasures that are under way.
pub const ERASING: u8 = 0x03;

/// In the place of a value's version: the rest is LZ4.
const LZ4: u8 = 0x81;

/// Every key with its value, expanded.
pub struct Stored(Vec<(Vec<u8>, Vec<u8>)>);

impl Stored {
    /// Of a data directory.
    pub fn read(data_dir: &Path) -> Stored {
        Stored::of(&DiskEngine::open(data_dir).expect("the store opens"))
    }

    /// Of an engine.
    pub fn of(engine: &dyn Engine) -> Stored {
        let all = rows(engine, vec![0]..vec![u8::MAX]).map(|row| row.expect("a value"));
        Stored(all.map(|(key, value)| (key, expand(&value))).collect())
    }

    /// The keyspaces in which a number stands, as text or as one of the forms of its bytes.
    pub fn places_of_number(&self, phone: &str) -> Vec<u8> {
        let digits = phone.trim_start_matches('+');
        let number: u64 = digits.parse().expect("digits");
        let mut places = self.places_of(digits.as_bytes());
        places.extend(self.places_of(&number.to_be_bytes()));
        places.extend(self.places_of(&number.to_le_bytes()));
        places.sort_unstable();
        places.dedup();
        places
    }

    /// The keyspaces in which some bytes stand.
    pub fn places_of(&self, needle: &[u8]) -> Vec<u8> {
        let has = |bytes: &[u8]| bytes.windows(needle.len()).any(|part| part == needle);
        let mut places: Vec<u8> =
            self.0.iter().filter(|(key, value)| has(key) || has(value)).map(|(key, _)| key[0]).collect();
        places.dedup();
        places
    }

    /// How many keys a keyspace has.
    pub fn count(&self, keyspace: u8) -> usize {
        self.0.iter().filter(|(key, _)| key[0] == keyspace).count()
    }
}

fn expand(value: &[u8]) -> Vec<u8> {
    match value.split_first() {
        Some((&LZ4, body)) => lz4_flex::block::decompress_size_prepended(body).unwrap_or_else(|_| value.to_vec()),
        _ => value.to_vec(),
    }
}
