//! The inbox: one message to a value.

use super::{DateV1, open, seal};
use crate::error::{Error, Result};
use crate::model::inbox::Waiting;
use crate::model::phone::{ListNumber, Phone};

/// Phone, list, date, when it was seen, id, text.
type BodyV1 = (u64, u64, DateV1, DateV1, String, String);

/// Encodes a message that waits.
pub fn encode_waiting(waiting: &Waiting) -> Result<Vec<u8>> {
    let Waiting { phone, list, at, seen_at, id, text } = waiting;
    let body: BodyV1 = (phone.as_u64(), list.as_u64(), (*at).into(), (*seen_at).into(), id.clone(), text.clone());
    seal(&body)
}

/// Reads what [`encode_waiting`] wrote.
pub fn decode_waiting(value: &[u8]) -> Result<Waiting> {
    let (phone, list, at, seen_at, id, text): BodyV1 = open(value)?;
    let numbers = Phone::from_u64(phone).zip(ListNumber::from_u64(list));
    let (phone, list) = numbers.ok_or_else(|| Error::internal("a message in the inbox has a damaged number"))?;
    Ok(Waiting { phone, list, at: at.into(), seen_at: seen_at.into(), id, text })
}
