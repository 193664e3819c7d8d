//! How strict a store was run, and what was missing when its fence was ended.

use serde::{Deserialize, Serialize};

use super::{DateV1, V1, decode_fence, encode_fence, open, seal};
use crate::error::{Error, Result};
use crate::model::fence::Fence;
use crate::model::inbox::MaybeOptOut;
use crate::model::strictness::{Remembered, Strictness};
use crate::model::time::Millis;
use crate::model::verdict::StopScope;

/// Whether a STOP reached all lists, whether messages that wait held their contacts back, sums of lines of keywords, since when
/// settings are looser.
#[derive(Serialize, Deserialize)]
struct StrictnessV1(bool, bool, Vec<[u8; 8]>, DateV1);

pub fn encode_strictness(remembered: &Remembered) -> Result<Vec<u8>> {
    let Remembered { strictest: Strictness { scope, maybe_optout, words }, loosened_at } = remembered;
    let words = words.iter().map(|word| word.to_be_bytes()).collect();
    seal(&StrictnessV1(*scope == StopScope::All, *maybe_optout == MaybeOptOut::Hold, words, (*loosened_at).into()))
}

pub fn decode_strictness(value: &[u8]) -> Result<Remembered> {
    let StrictnessV1(is_all, holds, words, loosened_at) = open(value)?;
    let scope = if is_all { StopScope::All } else { StopScope::List };
    let maybe_optout = if holds { MaybeOptOut::Hold } else { MaybeOptOut::Show };
    let words = words.into_iter().map(u64::from_be_bytes).collect();
    Ok(Remembered { strictest: Strictness { scope, maybe_optout, words }, loosened_at: loosened_at.into() })
}

/// When a fence was ended, and the fence.
pub fn encode_unfenced(at: Millis, fence: &Fence) -> Result<Vec<u8>> {
    Ok([&[V1][..], &at.to_be_bytes(), &encode_fence(fence)?].concat())
}

pub fn decode_unfenced(value: &[u8]) -> Result<(Millis, Fence)> {
    let parts = value.strip_prefix(&[V1]).and_then(<[u8]>::split_first_chunk::<8>);
    let (at, fence) = parts.ok_or_else(|| Error::internal("a damaged record of a fence that was ended"))?;
    Ok((Millis::from_be_bytes(*at), decode_fence(fence)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is on people's disks, byte by byte.
    #[test]
    fn what_is_remembered_is_read_as_it_was_written() {
        let hex = |bytes: &[u8]| bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        let strictest = Strictness {
            scope: StopScope::All,
            maybe_optout: MaybeOptOut::Hold,
            words: [0x0102_0304_0506_0708].into(),
        };
        let remembered = Remembered { strictest, loosened_at: 1_777_636_800_000 };
        let stored = encode_strictness(&remembered).expect("it fits");
        assert_eq!(hex(&stored), "010101010102030405060708019de368f600");
        assert_eq!(decode_strictness(&stored), Ok(remembered));
        let fence = Fence { backup_at: 1_777_636_800_000, ..Fence::default() };
        let stored = encode_unfenced(1_777_636_800_001, &fence).expect("it fits");
        assert!(hex(&stored).starts_with("010000019de368f601"));
        assert_eq!(decode_unfenced(&stored), Ok((1_777_636_800_001, fence)));
    }
}
