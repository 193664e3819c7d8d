//! The fence of a restored store.

use serde::{Deserialize, Serialize};

use super::{date, open, seal};
use crate::error::Result;
use crate::model::fence::Fence;
use crate::model::time::Millis;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Fence")]
struct FenceV1 {
    #[serde(with = "date")]
    backup_at: Millis,
    #[serde(with = "date")]
    restored_at: Millis,
    replayed: u64,
    #[serde(with = "date")]
    replayed_to: Millis,
}

pub fn encode_fence(fence: &Fence) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'f>(#[serde(with = "FenceV1")] &'f Fence);
    seal(&Body(fence))
}

pub fn decode_fence(value: &[u8]) -> Result<Fence> {
    #[derive(Deserialize)]
    struct Body(#[serde(with = "FenceV1")] Fence);
    open(value).map(|Body(fence)| fence)
}
