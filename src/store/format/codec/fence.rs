//! The fence of a store that may not know who opted out last.

use serde::{Deserialize, Serialize};

use super::{DateV1, open, open_as, seal, seal_as};
use crate::error::Result;
use crate::model::fence::{Fence, Replayed};

/// When the backup was made, when it was restored, how many facts trails brought back, the date of the newest.
#[derive(Serialize, Deserialize)]
struct FenceV1(DateV1, DateV1, u64, DateV1);

/// What trails could not bring back: lines that cannot be read, erasures without a name, the date of the newest of these.
#[derive(Serialize, Deserialize)]
struct MissingV2(u64, u64, DateV1);

/// The version of a fence behind which stands what trails could not bring back. If that is nothing, the version is 1.
const V2: u8 = 2;

pub fn encode_fence(fence: &Fence) -> Result<Vec<u8>> {
    let Fence { backup_at, restored_at, replayed } = *fence;
    let Replayed { facts, to, passed_over, unnamed_erasures, unnamed_erasures_to } = replayed;
    let body = FenceV1(backup_at.into(), restored_at.into(), facts, to.into());
    if replayed == (Replayed { facts, to, ..Replayed::default() }) {
        return seal(&body);
    }
    seal_as(V2, &(body, MissingV2(passed_over, unnamed_erasures, unnamed_erasures_to.into())))
}

pub fn decode_fence(value: &[u8]) -> Result<Fence> {
    let nothing = MissingV2(0, 0, DateV1::default());
    let (FenceV1(backup_at, restored_at, facts, to), missing) = match value.first() {
        Some(&V2) => open_as::<(FenceV1, MissingV2)>(V2, value)?,
        _ => (open(value)?, nothing),
    };
    let MissingV2(passed_over, unnamed_erasures, unnamed_erasures_to) = missing;
    let replayed = Replayed {
        facts,
        to: to.into(),
        passed_over,
        unnamed_erasures,
        unnamed_erasures_to: unnamed_erasures_to.into(),
    };
    Ok(Fence { backup_at: backup_at.into(), restored_at: restored_at.into(), replayed })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: i64 = 1_777_636_800_000;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    }

    /// What is on people's disks, byte by byte.
    #[test]
    fn a_fence_of_before_reads_as_ever_and_what_trails_could_not_bring_back_stands_behind_it() {
        let brought_back = Replayed { facts: 7, to: NOON + 2, ..Replayed::default() };
        let missing = Replayed { passed_over: 3, unnamed_erasures: 2, unnamed_erasures_to: NOON + 3, ..brought_back };
        for (replayed, bytes) in [
            (brought_back, "01019de368f600019de368f60107019de368f602"),
            (missing, "02019de368f600019de368f60107019de368f6020302019de368f603"),
        ] {
            let fence = Fence { backup_at: NOON, restored_at: NOON + 1, replayed };
            let stored = encode_fence(&fence).expect("it fits");
            assert_eq!((hex(&stored).as_str(), decode_fence(&stored)), (bytes, Ok(fence)));
        }
    }
}
