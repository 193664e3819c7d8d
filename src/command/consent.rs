//! OPTIN, OPTOUT, INBOUND: what the contact wants.

use data_encoding::HEXLOWER;
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::arguments::{Forbidden, Id};
use super::asked::{Asked, Reading};
use super::remains::Remains;
use super::{Context, arguments};
use crate::error::{Error, Result};
use crate::limits::{ID_BYTES_MAX, TEXT_CHARS_MAX};
use crate::model::change::{Change, Inbound, Write};
use crate::model::keyword::{Keywords, Meaning};
use crate::model::time::{self, Millis};
use crate::wire::Args;

pub fn opt_in(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let statement = arguments::opt_in_claim(&mut args)?;
    Ok(Write::Contact { phone, list: Some(list), change: Change::OptIn(statement) })
}

pub fn opt_out(context: &Context, mut args: Args<'_>) -> Result<Asked> {
    let mut reading = Reading::default();
    let (list, phone) = reading.list_and_phone(context, &mut args, arguments::list_or_all)?;
    let rest = args;
    let now = context.store.now();
    let claim = arguments::opt_out_claim(&mut args, now);
    let statement = reading.or(claim, || Remains::of_args(rest).statement(now));
    reading.asked(Write::Contact { phone, list, change: Change::OptOut(statement) }, context)
}

/// 2005-01-01. A modem whose clock was reset begins before: in 1980 (GPS), 2000 or 2004. Nobody delivers a message of such a date
/// now.
const CLOCKS_SET_SINCE_MS: Millis = 1_104_537_600_000;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundJson {
    text: Option<String>,
    at: Option<Value>,
    id: Option<Id>,
}

impl InboundJson {
    /// What can be read of it: of several texts the one that forbids most.
    fn of(remains: &Remains, keywords: &Keywords) -> InboundJson {
        let mut texts = remains.said("text");
        texts.extend(remains.said_by_others(&["text", "at", "id"]));
        let words = remains.words_beside().join(" ");
        texts.extend(Some(words.trim_matches(['"', '\'']).to_owned()).filter(|words| !words.is_empty()));
        // In JSON that breaks off, a date and an id may be parts of others.
        let is_whole = remains.is_whole();
        let at = remains.all("at").next().filter(|_| is_whole).cloned();
        let id = remains.text("id").filter(|_| is_whole).map(Id);
        InboundJson { text: texts.into_iter().max_by_key(|text| keywords.meaning(text).strictness()), at, id }
    }
}

/// When a message was sent.
fn sent(at: &Value) -> Result<Forbidden> {
    let since = arguments::forbidden(at)?;
    match since.begin() {
        Some(begin) if begin < CLOCKS_SET_SINCE_MS => Err(Error::bad_arg(format!(
            "{} is what a modem says whose clock was reset: leave out the date",
            time::format(begin)
        ))),
        _ => Ok(since),
    }
}

pub fn inbound(context: &Context, mut args: Args<'_>) -> Result<Asked> {
    let mut reading = Reading::default();
    let (list, phone) = reading.list_and_phone(context, &mut args, |args| arguments::list(args).map(Some))?;
    let rest = args;
    let json: InboundJson =
        reading.or(arguments::json(&mut args), || InboundJson::of(&Remains::of_args(rest), &context.keywords));
    let Some(mut text) = json.text else {
        reading.refuse(Error::bad_arg("in the JSON: \"text\" is missing"));
        return reading.refused();
    };
    // What a phone sent is taken whatever its length: a STOP is never refused. The rest of it is not kept.
    let meaning = context.keywords.meaning(&text);
    if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
        text.truncate(end);
    }
    let (since, undated) = match json.at.map(|at| sent(&at)) {
        None => (None, false),
        Some(Ok(since)) => (Some(since), false),
        // A START of an unknown date could be older than the STOP that it would lift.
        Some(Err(why)) if matches!(meaning, Meaning::In | Meaning::InIfKnown) => {
            return Err(Error::bad_arg(format!("in the JSON: {}", why.message)));
        }
        Some(Err(_)) => (None, true),
    };
    let id = json.id.map_or_else(String::new, |Id(id)| shortened(id));
    let given = since.and_then(Forbidden::begin);
    let at = match meaning {
        Meaning::Out | Meaning::OutOfAll | Meaning::MaybeOut => since.and_then(|since| since.date(context.store.now())),
        Meaning::In | Meaning::InIfKnown | Meaning::Help | Meaning::Message => given,
    };
    let inbound = Inbound { at, given, undated, id, text, meaning };
    reading.asked(Write::Contact { phone, list, change: Change::Inbound(inbound) }, context)
}

/// An id as it is kept. Cut, two of them could be the same, and the second message be taken for a repetition; left out, a START
/// that is delivered again would let in again. So one that is too long is kept as its beginning and its digest.
fn shortened(id: String) -> String {
    // Some gateways put blanks or the end of a line round it: it is the same id.
    let id = match id.trim() {
        trimmed if trimmed.len() < id.len() => trimmed.to_owned(),
        _ => id,
    };
    if id.len() <= ID_BYTES_MAX {
        return id;
    }
    let digest: [u8; 32] = Sha256::digest(id.to_lowercase()).into();
    let (half, _) = digest.split_at(16);
    let digest = HEXLOWER.encode(half);
    arguments::cut(Some(id), ID_BYTES_MAX - digest.len()) + &digest
}
