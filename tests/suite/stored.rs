//! What a store that nobody has open holds, value by value, as sled and LZ4 give it.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::support::PATIENCE;

/// Erasures that are under way.
pub const ERASING: u8 = 0x03;

/// In the place of a value's version: the rest is LZ4.
const LZ4: u8 = 0x81;

/// Every key with its value, expanded.
pub struct Stored(Vec<(Vec<u8>, Vec<u8>)>);

impl Stored {
    pub fn read(data_dir: &Path) -> Stored {
        let config = sled::Config::new().path(data_dir.join("store")).segment_size(contactd::limits::SEGMENT_BYTES);
        // A thread of sled's may still hold the file of a store that was closed in this process.
        let started = Instant::now();
        let db = loop {
            match config.open() {
                Err(sled::Error::Io(_)) if started.elapsed() < PATIENCE => {
                    std::thread::sleep(Duration::from_millis(5));
                }
                opened => break opened.expect("the store"),
            }
        };
        let tree = db.open_tree("contactd").expect("the tree");
        let rows = tree.iter().map(|row| row.expect("a value"));
        Stored(rows.map(|(key, value)| (key.to_vec(), expand(&value))).collect())
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
