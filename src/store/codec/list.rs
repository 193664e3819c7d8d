//! Lists, and what is counted of them by the day.

use serde::{Deserialize, Serialize};

use super::{DateV1, open, seal};
use crate::error::{Error, Result};
use crate::model::list::List;
use crate::model::phone::ListNumber;
use crate::model::tally::Tally;

#[derive(Serialize, Deserialize)]
struct ListV1 {
    number: u64,
    name: String,
    paused: bool,
    created_at: DateV1,
    removed_at: DateV1,
}

#[derive(Serialize, Deserialize)]
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
    seal(&ListV1 {
        number: list.number.as_u64(),
        name: list.name.clone(),
        paused: list.paused,
        created_at: list.created_at.into(),
        removed_at: list.removed_at.into(),
    })
}

pub fn decode_list(value: &[u8]) -> Result<List> {
    let body: ListV1 = open(value)?;
    Ok(List {
        number: ListNumber::from_u64(body.number).ok_or_else(|| Error::internal("a list with a damaged number"))?,
        name: body.name,
        paused: body.paused,
        created_at: body.created_at.into(),
        removed_at: body.removed_at.into(),
    })
}

pub fn encode_tally(tally: Tally) -> Result<Vec<u8>> {
    seal(&TallyV1::from(tally))
}

pub fn decode_tally(value: &[u8]) -> Result<Tally> {
    open::<TallyV1>(value).map(Tally::from)
}

impl From<Tally> for TallyV1 {
    fn from(of: Tally) -> TallyV1 {
        TallyV1 {
            sends: of.sends,
            unresolved: of.unresolved,
            failures: of.failures,
            opt_outs: of.opt_outs,
            clicks: of.clicks,
            bot_clicks: of.bot_clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            replies: of.replies,
        }
    }
}

impl From<TallyV1> for Tally {
    fn from(of: TallyV1) -> Tally {
        Tally {
            sends: of.sends,
            unresolved: of.unresolved,
            failures: of.failures,
            opt_outs: of.opt_outs,
            clicks: of.clicks,
            bot_clicks: of.bot_clicks,
            conversions: of.conversions,
            revenue_micros: of.revenue_micros,
            replies: of.replies,
        }
    }
}
