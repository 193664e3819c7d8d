//! LIST, UNLIST, LISTS: the numbers one sends from.

use serde::Deserialize;
use serde_json::json;

use super::{Context, arguments};
use crate::error::{Error, Result, excerpt};
use crate::limits::LIST_NAME_BYTES_MAX;
use crate::model::change::Write;
use crate::model::time;
use crate::model::verdict::ListStatus;
use crate::store::opt_out_rate;
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
        Some(word) => return Err(Error::bad_arg(format!("'{}' should be FORCE, or nothing", excerpt(word)))),
    };
    Ok(Write::Unlist { number, force })
}

pub fn lists(context: &Context, _: Args<'_>, replies: &mut Replies) -> Result<()> {
    let gate = context.store.gate();
    let known: Vec<_> = gate.lists().iter().filter(|(_, list)| list.is_known()).collect();
    replies.array(known.len());
    for (id, list) in known {
        let active = gate.count_on_list(id, ListStatus::Active);
        let opted_out = gate.count_on_list(id, ListStatus::OptedOut);
        let suppressed = gate.count_on_list(id, ListStatus::Suppressed);
        let members = active + opted_out + suppressed;
        let (recent, high) = context.store.recent(id);
        let item = json!({
            "list": list.number.to_string(),
            "name": list.name,
            "paused": list.paused,
            "created_at": time::format(list.created_at),
            "active": active,
            "opted_out": opted_out,
            "suppressed": suppressed,
            "opt_out_rate": rounded(if members == 0 { 0.0 } else { opted_out as f64 / members as f64 }),
            "sends_30d": recent.sends.max(0),
            "opt_outs_30d": recent.opt_outs.max(0),
            "opt_out_rate_30d": rounded(opt_out_rate(recent)),
            "opt_out_rate_high": high,
        });
        replies.text(&item.to_string());
    }
    Ok(())
}

/// Four decimals say enough.
fn rounded(rate: f64) -> f64 {
    (rate * 1e4).round() / 1e4
}
