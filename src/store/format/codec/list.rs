//! Lists, and what is counted of them by the day.

use serde::{Deserialize, Serialize};

use super::{date, open, seal};
use crate::error::Result;
use crate::model::list::List;
use crate::model::phone::ListNumber;
use crate::model::tally::Tally;
use crate::model::time::Millis;

#[derive(Serialize, Deserialize)]
#[serde(remote = "List")]
struct ListV1 {
    #[serde(with = "number")]
    number: ListNumber,
    name: String,
    paused: bool,
    #[serde(with = "date")]
    created_at: Millis,
    #[serde(with = "date")]
    removed_at: Millis,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Tally")]
struct TallyV1 {
    sends: i64,
    unresolved: i64,
    failures: i64,
    opt_outs: i64,
    clicks: i64,
    bot_clicks: i64,
    conversions: i64,
    revenue_micros: i64,
    replies: i64,
}

pub fn encode_list(list: &List) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body<'l>(#[serde(with = "ListV1")] &'l List);
    seal(&Body(list))
}

pub fn decode_list(value: &[u8]) -> Result<List> {
    #[derive(Deserialize)]
    struct Body(#[serde(with = "ListV1")] List);
    open(value).map(|Body(list)| list)
}

pub fn encode_tally(tally: Tally) -> Result<Vec<u8>> {
    #[derive(Serialize)]
    struct Body(#[serde(with = "TallyV1")] Tally);
    seal(&Body(tally))
}

pub fn decode_tally(value: &[u8]) -> Result<Tally> {
    #[derive(Deserialize)]
    struct Body(#[serde(with = "TallyV1")] Tally);
    open(value).map(|Body(tally)| tally)
}

mod number {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::ListNumber;

    pub fn serialize<S: Serializer>(number: &ListNumber, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(number.as_u64())
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<ListNumber, D::Error> {
        ListNumber::from_u64(u64::deserialize(from)?).ok_or_else(|| D::Error::custom("a list with a damaged number"))
    }
}
