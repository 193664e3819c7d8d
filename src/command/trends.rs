//! TRENDS: what happened on lists, day by day.

use serde_json::json;

use super::page::items;
use super::{Context, arguments};
use crate::error::{Code, Error, Result};
use crate::json::amount_json;
use crate::limits::TALLY_WINDOW_DAYS;
use crate::model::time::{self, DAY_MS, Millis};
use crate::wire::{Args, Replies};

pub fn trends(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let number = arguments::list_or_all(&mut args)?;
    let days = match (args.next(), args.next()) {
        (None, _) => TALLY_WINDOW_DAYS,
        (Some(option), Some(days)) if option.eq_ignore_ascii_case(b"DAYS") => {
            items("DAYS", &String::from_utf8_lossy(days))? as u32
        }
        _ => return Err(Error::new(Code::Err, "usage: TRENDS list|* [DAYS n]")),
    };
    let list = match number {
        Some(number) => Some(arguments::known_list(context.store.gate().lists(), number)?),
        None => None,
    };
    let trends = context.store.trends(list, days)?;
    replies.array(trends.len());
    for (day, tally) in trends {
        let at = time::format(Millis::from(day.0) * DAY_MS);
        let json = json!({
            "day": at.get(..10),
            // A failure that was reported when its send was forgotten takes back more than there is.
            "sends": tally.sends.max(0),
            "failed": tally.failures.max(0),
            "opt_outs": tally.opt_outs.max(0),
            "clicks": tally.clicks.max(0),
            "bot_clicks": tally.bot_clicks.max(0),
            "conversions": tally.conversions.max(0),
            "revenue": amount_json(tally.revenue_micros),
            "replies": tally.replies.max(0),
        });
        replies.text(&json.to_string());
    }
    Ok(())
}
