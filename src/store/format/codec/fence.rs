//! The fence of a store that may not know who opted out last.

use serde::{Deserialize, Serialize};

use super::{DateV1, open, open_as, seal, seal_as};
use crate::error::{Error, Result};
use crate::model::fence::{Cause, Fence, Replayed};
use crate::model::time::Millis;

/// When the backup was made, when it was restored, how many facts trails brought back, the date of the newest.
#[derive(Serialize, Deserialize)]
struct FenceV1(DateV1, DateV1, u64, DateV1);

/// What trails could not bring back: lines that cannot be read, erasures without a name, the date of the newest of these.
#[derive(Serialize, Deserialize)]
struct MissingV2(u64, u64, DateV1);

/// Why it stands, before what date the trails may lack something, whether none of them is as the store left it.
#[derive(Serialize, Deserialize)]
struct DoubtV3(u8, DateV1, bool);

/// Whether trails were compared with what the store knew of its own.
#[derive(Serialize, Deserialize)]
struct ComparedV4(bool);

/// The version of a fence behind which stands what trails could not bring back. If that is nothing, the version is 1.
const V2: u8 = 2;
/// The version of one behind which stands the doubt, too. Where there is none, the version is 1 or 2, which tell a restored store from
/// one that lost a file by the date of the backup.
const V3: u8 = 3;
/// The version of one behind which stands as well that trails were compared.
const V4: u8 = 4;

pub fn encode_fence(fence: &Fence) -> Result<Vec<u8>> {
    let Fence { backup_at, restored_at, cause, replayed } = *fence;
    let Replayed { facts, to, passed_over, unnamed_erasures, unnamed_erasures_to, lacks_before, is_other, is_compared } =
        replayed;
    let body = FenceV1(backup_at.into(), restored_at.into(), facts, to.into());
    let missing = MissingV2(passed_over, unnamed_erasures, unnamed_erasures_to.into());
    let doubt = DoubtV3(code(cause), lacks_before.into(), is_other);
    if is_compared {
        return seal_as(V4, &(body, missing, doubt, ComparedV4(is_compared)));
    }
    if cause != cause_by(backup_at) || lacks_before > 0 || is_other {
        return seal_as(V3, &(body, missing, doubt));
    }
    if replayed == (Replayed { facts, to, ..Replayed::default() }) {
        return seal(&body);
    }
    seal_as(V2, &(body, missing))
}

/// Why a fence of version 1 or 2 stands.
fn cause_by(backup_at: Millis) -> Cause {
    if backup_at > 0 { Cause::Restored } else { Cause::FileGone }
}

fn code(cause: Cause) -> u8 {
    match cause {
        Cause::Restored => 1,
        Cause::FileGone => 2,
        Cause::Trail => 3,
        Cause::ByHand => 4,
    }
}

fn cause(code: u8) -> Result<Cause> {
    let all = [Cause::Restored, Cause::FileGone, Cause::Trail, Cause::ByHand];
    all.into_iter()
        .find(|cause| self::code(*cause) == code)
        .ok_or_else(|| Error::internal("a fence of an unknown kind"))
}

pub fn decode_fence(value: &[u8]) -> Result<Fence> {
    let nothing = MissingV2(0, 0, DateV1::default());
    let (FenceV1(backup_at, restored_at, facts, to), missing, doubt, ComparedV4(is_compared)) = match value.first() {
        Some(&V4) => open_as::<(FenceV1, MissingV2, DoubtV3, ComparedV4)>(V4, value)
            .map(|(body, missing, doubt, compared)| (body, missing, Some(doubt), compared))?,
        Some(&V3) => open_as::<(FenceV1, MissingV2, DoubtV3)>(V3, value)
            .map(|(body, missing, doubt)| (body, missing, Some(doubt), ComparedV4(false)))?,
        Some(&V2) => open_as::<(FenceV1, MissingV2)>(V2, value)
            .map(|(body, missing)| (body, missing, None, ComparedV4(false)))?,
        _ => (open(value)?, nothing, None, ComparedV4(false)),
    };
    let DoubtV3(cause, lacks_before, is_other) =
        doubt.unwrap_or_else(|| DoubtV3(code(cause_by(backup_at.into())), DateV1::default(), false));
    let MissingV2(passed_over, unnamed_erasures, unnamed_erasures_to) = missing;
    let replayed = Replayed {
        facts,
        to: to.into(),
        passed_over,
        unnamed_erasures,
        unnamed_erasures_to: unnamed_erasures_to.into(),
        lacks_before: lacks_before.into(),
        is_other,
        is_compared,
    };
    Ok(Fence { backup_at: backup_at.into(), restored_at: restored_at.into(), cause: self::cause(cause)?, replayed })
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
        let lacking = Replayed { lacks_before: NOON + 4, is_other: true, ..missing };
        for (cause, replayed, bytes) in [
            (Cause::Restored, brought_back, "01019de368f600019de368f60107019de368f602"),
            (Cause::Restored, missing, "02019de368f600019de368f60107019de368f6020302019de368f603"),
            (Cause::Restored, lacking, "03019de368f600019de368f60107019de368f6020302019de368f60301019de368f60401"),
            (
                Cause::Restored,
                Replayed { is_compared: true, ..lacking },
                "04019de368f600019de368f60107019de368f6020302019de368f60301019de368f6040101",
            ),
            (Cause::ByHand, brought_back, "03019de368f600019de368f60107019de368f60200000000000000000400000000000000"),
        ] {
            let fence = Fence { backup_at: NOON, restored_at: NOON + 1, cause, replayed };
            let stored = encode_fence(&fence).expect("it fits");
            assert_eq!((hex(&stored).as_str(), decode_fence(&stored)), (bytes, Ok(fence)));
        }
    }
}
