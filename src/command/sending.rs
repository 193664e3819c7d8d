//! CHECK, CLAIM, SENT, FAILED, CLICK, CONVERT: the question before every message, and what becomes of it.

use serde::Deserialize;
use serde_json::Value;

use super::Context;
use super::arguments::{self, When};
use crate::error::{Error, Result, excerpt};
use crate::limits::{CHECK_PHONES_MAX, ID_BYTES_MAX, SOURCE_BYTES_MAX, URL_BYTES_MAX};
use crate::model::amount;
use crate::model::change::{Change, Click, Conversion, Failed, Sent, Write};
use crate::model::failure::Failure;
use crate::store::gate::Gate;
use crate::wire::{Args, Replies};

#[inline]
pub fn check(gate: &Gate, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let door = gate.door(arguments::list(&mut args)?);
    let first = arguments::phone(&mut args);
    if args.is_empty() {
        replies.verdict(door.verdict(first?));
        return Ok(());
    }
    let more = args.count();
    if more >= CHECK_PHONES_MAX {
        return Err(Error::limit(format!("CHECK takes at most {CHECK_PHONES_MAX} phones, these are {}", more + 1)));
    }
    replies.array(more + 1);
    let mut phone = first;
    loop {
        match phone {
            Ok(phone) => replies.verdict(door.verdict(phone)),
            Err(error) => replies.error(&error),
        }
        if args.is_empty() {
            return Ok(());
        }
        phone = arguments::phone(&mut args);
    }
}

pub fn claim(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::phone(&mut args)?;
    let id = arguments::message_id(&mut args)?;
    Ok(Write::Contact { phone, list: Some(list), change: Change::Claim(id) })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SentJson {
    at: Option<When>,
}

pub fn sent(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let id = arguments::message_id(&mut args)?;
    let json: SentJson = arguments::json(&mut args)?;
    let sent = Sent { id, at: json.at.map(|at| at.0) };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Sent(sent) })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailedJson {
    at: Option<When>,
    code: Option<Value>,
    permanent: Option<bool>,
    reason: Option<String>,
    source: Option<String>,
}

pub fn failed(_: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::phone(&mut args)?;
    let id = arguments::message_id(&mut args)?;
    let json: FailedJson = arguments::json(&mut args)?;
    let code = match json.code {
        None => String::new(),
        Some(Value::String(code)) => code,
        Some(Value::Number(code)) => arguments::number_text(&code),
        Some(other) => {
            let other = other.to_string();
            return Err(Error::bad_arg(format!("\"code\" is a number or a text, not {}", excerpt(other.as_bytes()))));
        }
    };
    let failed = Failed {
        id,
        at: json.at.map(|at| at.0),
        failure: Failure::of(code.trim(), json.permanent),
        code: arguments::cut(Some(code), ID_BYTES_MAX),
        reason: arguments::cut(json.reason, SOURCE_BYTES_MAX),
        source: arguments::cut(json.source, SOURCE_BYTES_MAX),
    };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Failed(failed) })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClickJson {
    at: Option<When>,
    id: Option<String>,
    message: Option<String>,
    bot: Option<bool>,
    url: Option<String>,
}

pub fn click(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let json: ClickJson = arguments::json(&mut args)?;
    let click = Click {
        at: json.at.map(|at| at.0),
        id: arguments::text("id", json.id, ID_BYTES_MAX)?,
        message: arguments::text("message", json.message, ID_BYTES_MAX)?,
        bot: json.bot.unwrap_or(false),
        url: arguments::text("url", json.url, URL_BYTES_MAX)?,
    };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Click(click) })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConversionJson {
    at: Option<When>,
    id: Option<String>,
    message: Option<String>,
}

pub fn convert(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let amount = amount::parse(&String::from_utf8_lossy(args.next().unwrap_or_default()))?;
    let json: ConversionJson = arguments::json(&mut args)?;
    let conversion = Conversion {
        amount,
        at: json.at.map(|at| at.0),
        id: arguments::text("id", json.id, ID_BYTES_MAX)?,
        message: arguments::text("message", json.message, ID_BYTES_MAX)?,
    };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Convert(conversion) })
}
