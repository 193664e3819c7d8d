//! What a store knows of its trail.

use serde::{Deserialize, Serialize};

use super::{DateV1, open, seal};
use crate::error::Result;
use crate::model::trail::{TrailMark, TrailNote};

/// The position of the feed before which the trail has all, how long it was then, a sum of its last bytes, the date before which it
/// lacks something.
#[derive(Serialize, Deserialize)]
struct TrailNoteV1(u64, u64, [u8; 8], DateV1);

pub fn encode_trail_note(note: &TrailNote) -> Result<Vec<u8>> {
    let TrailNote { position, mark: TrailMark { bytes, sum }, lacks_before } = *note;
    seal(&TrailNoteV1(position, bytes, sum, lacks_before.into()))
}

pub fn decode_trail_note(value: &[u8]) -> Result<TrailNote> {
    let TrailNoteV1(position, bytes, sum, lacks_before) = open(value)?;
    Ok(TrailNote { position, mark: TrailMark { bytes, sum }, lacks_before: lacks_before.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is on people's disks, byte by byte.
    #[test]
    fn a_note_is_read_as_it_was_written() {
        let mark = TrailMark { bytes: 300, sum: [1, 2, 3, 4, 5, 6, 7, 8] };
        let note = TrailNote { position: 7, mark, lacks_before: 1_777_636_800_000 };
        let stored = encode_trail_note(&note).expect("it fits");
        let hex = stored.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        assert_eq!((hex.as_str(), decode_trail_note(&stored)), ("0107fb2c010102030405060708019de368f600", Ok(note)));
    }
}
