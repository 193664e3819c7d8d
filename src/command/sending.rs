//! CHECK, CLAIM, SENT, FAILED, CLICK, CONVERT: the question before every message, and what becomes of it.

use serde::Deserialize;
use serde_json::Value;

use super::Context;
use super::arguments::{self, Id, When};
use super::asked::{Asked, Reading};
use super::remains::Remains;
use crate::error::{Error, Result, excerpt};
use crate::limits::{CHECK_PHONES_MAX, ID_BYTES_MAX, SOURCE_BYTES_MAX, URL_BYTES_MAX};
use crate::model::amount;
use crate::model::change::{Change, Click, Conversion, Failed, Row, RowStatus, Sent, Write};
use crate::model::fact::How;
use crate::model::failure::{self, Failure};
use crate::store::gate::Gate;
use crate::wire::{Args, Replies};

#[inline]
pub fn check(gate: &Gate, mut args: Args<'_>, replies: &mut Replies) -> Result<()> {
    let list = gate.list(arguments::list(&mut args)?);
    let first = arguments::phone(&mut args);
    if args.is_empty() {
        replies.checked(list.verdict(first?));
        return Ok(());
    }
    let more = args.count();
    if more >= CHECK_PHONES_MAX {
        return Err(Error::limit(format!(
            "CHECK takes at most {CHECK_PHONES_MAX} phones; this request has {}",
            more + 1
        )));
    }
    replies.array(more + 1);
    let mut phone = first;
    loop {
        match phone {
            Ok(phone) => replies.checked(list.verdict(phone)),
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
    let sent = Sent { id, at: json.at.and_then(|at| at.0) };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Sent(sent) })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FailedJson {
    at: Option<Value>,
    provider: Option<Value>,
    code: Option<Value>,
    permanent: Option<bool>,
    reason: Option<String>,
    source: Option<String>,
}

impl FailedJson {
    /// What can be read of it, but for its codes.
    fn of(remains: &Remains) -> FailedJson {
        const YES: [&str; 5] = ["true", "yes", "y", "t", "1"];
        let is_permanent = |word: String| YES.iter().any(|yes| word.trim().eq_ignore_ascii_case(yes));
        let permanent = if remains.said("permanent").into_iter().any(is_permanent) {
            Some(true)
        } else {
            remains.only("permanent").and_then(Value::as_bool)
        };
        FailedJson {
            at: remains.all("at").next().cloned(),
            provider: remains.only("provider").cloned(),
            code: None,
            permanent,
            reason: remains.text("reason"),
            source: remains.text("source"),
        }
    }
}

/// The codes in what cannot be read as a whole; of what stands under other names, and as words without JSON, those that forbid.
fn codes(remains: &Remains, provider: &str) -> Vec<String> {
    let mut codes = remains.said("code");
    let others = remains.said_by_others(&["at", "provider", "code", "permanent", "reason", "source"]);
    let others = others.into_iter().chain(remains.words_beside().iter().cloned());
    codes.extend(others.filter(|code| Failure::of(provider, code, None).forbids()));
    codes.iter().map(|code| failure::plain(code).into_owned()).collect()
}

pub fn failed(context: &Context, mut args: Args<'_>) -> Result<Asked> {
    let mut reading = Reading::default();
    let (list, phone) = reading.list_and_phone(context, &mut args, |args| arguments::list(args).map(Some))?;
    // Without an id the JSON may stand in its place.
    let with_id = args;
    let id = reading.or(arguments::message_id(&mut args), String::new);
    let remains = Remains::of_args(if id.is_empty() { with_id } else { args });
    let json = arguments::json(&mut args);
    let is_read = json.is_ok() && !id.is_empty();
    let json: FailedJson = reading.or(json, || FailedJson::of(&remains));
    let json = if is_read { json } else { FailedJson::of(&remains) };
    let provider = match json.provider {
        Some(Value::String(name)) => name,
        _ => String::new(),
    };
    let codes = match json.code {
        None if is_read => Vec::new(),
        Some(Value::String(code)) => vec![failure::plain(&code).into_owned()],
        Some(Value::Number(code)) => vec![arguments::number_text(&code)],
        None => codes(&remains, &provider),
        Some(other) => {
            let other = other.to_string();
            reading.refuse(Error::bad_arg(format!(
                "\"code\" must be a number or a text, not {}",
                excerpt(other.as_bytes())
            )));
            codes(&remains, &provider)
        }
    };
    // Several codes, and the reason, forbid what any of them forbids.
    let said = codes.iter().map(String::as_str).chain([json.reason.as_deref().unwrap_or_default()]);
    let failures = said.map(|said| Failure::of(&provider, said, json.permanent));
    let failure = failures.reduce(Failure::with).unwrap_or_default();
    let code = codes.join(" ");
    let since = json.at.map(|at| arguments::forbidden(&at)).transpose();
    let since = reading.or(since.map_err(|why| Error::bad_arg(format!("in the JSON: {}", why.message))), || None);
    let at = since.and_then(|since| if failure.forbids() { since.date(context.store.now()) } else { since.begin() });
    // Whose code it is tells who says so.
    let source = arguments::cut(json.source.or(Some(provider)), SOURCE_BYTES_MAX);
    let reason = remains.noted(&["at"], json.reason);
    let change = if id.is_empty() {
        // What became of which message is not known: only what is said of the number counts.
        let reason = [Some(code).filter(|code| !code.is_empty()), reason].into_iter().flatten().collect::<Vec<_>>();
        let said = [(failure.opted_out, RowStatus::OptedOut), (failure.permanent, RowStatus::Invalid)];
        let said = said.into_iter().filter(|(said, _)| *said).map(|(_, status)| status);
        let reason = arguments::cut(Some(reason.join(" ")), SOURCE_BYTES_MAX);
        let mut row = Row { how: Some(How::Api), source, reason, ..Row::default() };
        for status in said {
            row.forbid(status, at);
        }
        Change::Forbid(Box::new(row))
    } else {
        let reason = arguments::cut(reason, SOURCE_BYTES_MAX);
        Change::Failed(Failed { id, at, failure, code: arguments::cut(Some(code), ID_BYTES_MAX), reason, source })
    };
    reading.asked(Write::Contact { phone, list, change }, context)
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClickJson {
    at: Option<When>,
    id: Option<Id>,
    message: Option<String>,
    bot: Option<bool>,
    url: Option<String>,
}

pub fn click(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let json: ClickJson = arguments::json(&mut args)?;
    let click = Click {
        at: json.at.and_then(|at| at.0),
        id: arguments::id(json.id)?,
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
    id: Option<Id>,
    message: Option<String>,
}

pub fn convert(context: &Context, mut args: Args<'_>) -> Result<Write> {
    let list = arguments::list(&mut args)?;
    let phone = arguments::plausible_phone(context, &mut args)?;
    let amount = amount::parse(&String::from_utf8_lossy(args.next().unwrap_or_default()))?;
    let json: ConversionJson = arguments::json(&mut args)?;
    let conversion = Conversion {
        amount,
        at: json.at.and_then(|at| at.0),
        id: arguments::id(json.id)?,
        message: arguments::text("message", json.message, ID_BYTES_MAX)?,
    };
    Ok(Write::Contact { phone, list: Some(list), change: Change::Convert(conversion) })
}
