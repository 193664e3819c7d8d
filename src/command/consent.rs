//! OPTIN, OPTOUT, INBOUND: what the contact wants.

use serde::Deserialize;

use super::Context;
use super::arguments::{self, When};
use crate::error::{Error, Result};
use crate::limits::{ID_BYTES_MAX, TEXT_CHARS_MAX};
use crate::model::change::{Change, Inbound, Write};
use crate::wire::Args;

pub fn opt_in(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let claim = arguments::opt_in_claim(&mut args)?;
    Ok(Write::Contact { phone, list: Some(list), change: Change::OptIn(claim) })
}

pub fn opt_out(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list_or_all(&mut args)?;
    let phone = arguments::phone(&mut args)?;
    let claim = arguments::opt_out_claim(&mut args)?;
    Ok(Write::Contact { phone, list, change: Change::OptOut(claim) })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundJson {
    text: Option<String>,
    at: Option<When>,
    id: Option<String>,
}

pub fn inbound(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::phone(&mut args)?;
    let json: InboundJson = arguments::json(&mut args)?;
    let mut text = json.text.ok_or_else(|| Error::bad_arg("in the JSON: \"text\" is missing"))?;
    // What a phone sent is taken whatever its length: a STOP is never refused. The rest of it is not kept.
    let meaning = context.keywords.meaning(&text);
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        text.truncate(end);
    }
    // Cut, two of them could be the same, and the second message be taken for a repetition.
    let id = json.id.filter(|id| id.len() <= ID_BYTES_MAX).unwrap_or_default();
    let inbound = Inbound { at: json.at.map(|at| at.0), id, text, meaning };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Inbound(inbound) })
}
