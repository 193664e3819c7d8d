//! LIST, UNLIST, LISTS: the numbers one sends from.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value, json};

use super::page::items;
use super::{Context, arguments};
use crate::error::{Error, Result, excerpt};
use crate::limits::{LIST_NAME_BYTES_MAX, PAGE_ITEMS_DEFAULT, PAGE_ITEMS_MAX};
use crate::model::change::Write;
use crate::model::list::{ListId, Lists};
use crate::model::phone::ListNumber;
use crate::model::tally::Tally;
use crate::model::time;
use crate::model::verdict::ListStatus;
use crate::store::{OptOutWarning, Recent, opt_out_rate};
use crate::wire::{Args, Replies};

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListJson {
    name: Option<String>,
    paused: Option<bool>,
}

pub fn list(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let number = arguments::list(&mut args)?;
    let json: ListJson = arguments::json(&mut args)?;
    let name = match json.name {
        Some(name) => Some(arguments::text("name", Some(name), LIST_NAME_BYTES_MAX)?),
        None => None,
    };
    Ok(Write::List { number, name, paused: json.paused })
}

pub fn unlist(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let number = arguments::list(&mut args)?;
    let force = match args.next() {
        None => false,
        Some(word) if word.eq_ignore_ascii_case(b"FORCE") => true,
        Some(word) => {
            return Err(Error::bad_arg(format!("expected FORCE or nothing after the list, not '{}'", excerpt(word))));
        }
    };
    Ok(Write::Unlist { number, force })
}

pub fn lists(context: &Context, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let lists = Arc::clone(context.store.gate().lists());
    let (mut named, mut limit, mut after) = (Vec::new(), None, None);
    while let Some(word) = args.next() {
        if word.eq_ignore_ascii_case(b"LIMIT") {
            limit = Some(items("LIMIT", &String::from_utf8_lossy(args.next().unwrap_or_default()))?);
        } else if word.eq_ignore_ascii_case(b"AFTER") {
            after = Some(arguments::list(&mut args)?);
        } else {
            named.push(arguments::known_list(&lists, arguments::list_number(word)?)?);
        }
    }
    let is_page = limit.is_some() || after.is_some();
    if is_page && !named.is_empty() {
        return Err(Error::bad_arg("LISTS takes numbers of lists, or LIMIT and AFTER"));
    }
    if named.len() > PAGE_ITEMS_MAX {
        let given = named.len();
        return Err(Error::limit(format!("LISTS takes at most {PAGE_ITEMS_MAX} lists; this request has {given}")));
    }
    let chosen = if named.is_empty() {
        let limit = if is_page { limit.unwrap_or(PAGE_ITEMS_DEFAULT) } else { usize::MAX };
        ordered(&lists, after, limit)
    } else {
        named
    };
    replies.array(chosen.len());
    for some in chosen.chunks(LISTS_AT_A_TIME) {
        let gate = context.store.gate();
        let counts: Vec<_> =
            some.iter().map(|&id| ListStatus::KEPT.map(|status| gate.count_on_list(id, status))).collect();
        drop(gate);
        for (&id, [suppressed, opted_out, active]) in some.iter().zip(counts) {
            let Some(list) = lists.get(id) else { continue };
            let recent = context.store.recent(id);
            let mut item = json!({
                "list": list.number.to_string(),
                "name": list.name,
                "paused": list.paused,
                "created_at": time::format(list.created_at),
                "active": active,
                "opted_out": opted_out,
                "suppressed": suppressed,
                "sends_30d": recent.tally.sends.max(0),
                "opt_outs_30d": recent.tally.opt_outs.max(0),
            });
            put_rates(&mut item, recent);
            replies.text(&item.to_string());
        }
    }
    Ok(())
}

/// The rates of an item, by its counts.
fn put_rates(item: &mut Value, recent: Recent) {
    let count = |status: &str| item[status].as_u64().unwrap_or(0);
    let (active, opted_out, suppressed) = (count("active"), count("opted_out"), count("suppressed"));
    let members = active + opted_out + suppressed;
    item["opt_out_rate"] = rounded(if members == 0 { 0.0 } else { opted_out as f64 / members as f64 }).into();
    item["opt_out_rate_30d"] = rounded(opt_out_rate(recent.tally)).into();
    item["opt_out_rate_high"] = recent.is_high.into();
    item["opt_out_rate_enough_sends"] = recent.has_enough_sends.into();
}

/// The rates of an item whose counts are those of several partitions.
pub fn set_rates(item: &mut Value, warning: OptOutWarning) {
    let count = |key: &str| item[key].as_i64().unwrap_or(0);
    let tally = Tally { sends: count("sends_30d"), opt_outs: count("opt_outs_30d"), ..Tally::default() };
    put_rates(item, warning.judge(tally));
}

/// The gate is held for so many lists at a time: a CHECK waits no longer.
const LISTS_AT_A_TIME: usize = 50;

/// The first lists behind a number, in the order of their numbers.
fn ordered(lists: &Lists, after: Option<ListNumber>, limit: usize) -> Vec<ListId> {
    let known = lists.iter().filter(|(_, list)| list.is_known() && after.is_none_or(|after| list.number > after));
    let mut known: Vec<(ListNumber, ListId)> = known.map(|(id, list)| (list.number, id)).collect();
    known.sort_unstable();
    known.into_iter().take(limit).map(|(_, id)| id).collect()
}

/// Four decimals say enough.
fn rounded(rate: f64) -> f64 {
    (rate * 1e4).round() / 1e4
}
