//! Arguments: words and JSON into the model's types, with errors that say what is wrong.
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::Context;
use crate::error::{Error, Result, excerpt};
use crate::limits::{EVIDENCE_BYTES_MAX, ID_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::model::amount::{self, Micros};
use crate::model::blank::is_failed;
use crate::model::change::Statement;
use crate::model::fact::How;
use crate::model::list::{ListId, Lists};
use crate::model::phone::{ListNumber, Phone};
use crate::model::time::{self, Millis};
use crate::model::transition::list::no_list;
use crate::wire::Args;

/// The next argument as a canonical E.164 number.
#[inline]
pub fn phone(args: &mut Args<'_>) -> Result<Phone> {
    let arg = args.next().unwrap_or_default();
    Phone::parse(arg).ok_or_else(|| not_a_phone(arg))
}

#[cold]
fn not_a_phone(arg: &[u8]) -> Error {
    Error::bad_arg(format!(
        "'{}' is not an E.164 number: write + and 7 to 15 digits, like +14155552671 (NORMALIZE can make one)",
        excerpt(arg)
    ))
}

/// The next argument as a phone that is a contact already or that some metadata knows, for the verbs that permit.
pub fn plausible_phone(context: &Context, args: &mut Args<'_>) -> Result<Phone> {
    let phone = phone(args)?;
    let known = context.store.gate().directory.id(phone).is_some();
    if known || phone.is_known() {
        return Ok(phone);
    }
    Err(Error::bad_arg(format!("{phone} does not exist in the numbering plan of any country")))
}

/// The next argument as the number of a sending list.
#[inline]
pub fn list(args: &mut Args<'_>) -> Result<ListNumber> {
    list_number(args.next().unwrap_or_default())
}

/// A word as the number of a sending list.
#[inline]
pub fn list_number(word: &[u8]) -> Result<ListNumber> {
    ListNumber::parse(word).ok_or_else(|| not_a_list(word))
}

/// The id of a list that CHECK knows, for commands that ask about one.
pub fn known_list(lists: &Lists, number: ListNumber) -> Result<ListId> {
    lists.known(number).ok_or_else(|| no_list(number))
}

/// The next argument as a phone number, or `*`, which is none.
pub fn phone_or_all(args: &mut Args<'_>) -> Result<Option<Phone>> {
    if args.peek() == Some(b"*") {
        args.next();
        return Ok(None);
    }
    phone(args).map(Some)
}

/// The next argument as the number of a sending list, or `*` for all of them.
pub fn list_or_all(args: &mut Args<'_>) -> Result<Option<ListNumber>> {
    if args.peek() == Some(b"*") {
        args.next();
        return Ok(None);
    }
    list(args).map(Some)
}

#[cold]
fn not_a_list(arg: &[u8]) -> Error {
    Error::bad_arg(format!(
        "'{}' is not a list number: write an E.164 number like +14155550000, or a short code of 3 to 8 digits",
        excerpt(arg)
    ))
}

/// The next argument as JSON; the default when there is none.
pub fn json<T: DeserializeOwned + Default>(args: &mut Args<'_>) -> Result<T> {
    json_of(args.next())
}

/// An argument as JSON; the default when there is none.
pub fn json_of<T: DeserializeOwned + Default>(arg: Option<&[u8]>) -> Result<T> {
    match arg.map(without_mark) {
        None => Ok(T::default()),
        Some(text) if !text.starts_with(b"{") => {
            Err(Error::bad_arg(format!("'{}' is not a JSON object like {{\"key\":value}}", excerpt(text))))
        }
        Some(text) => serde_json::from_slice(text).map_err(|why| {
            let why = why.to_string();
            let message: String = why.chars().take(300).map(|c| if c.is_control() { '?' } else { c }).collect();
            Error::bad_arg(format!("in the JSON: {message}"))
        }),
    }
}

/// A text without the mark with which some programs begin what is UTF-8.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text)
}

/// An id in JSON: a text, or a number as it is written.
#[derive(Clone, Debug)]
pub struct Id(pub String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Id, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(text) => Ok(Id(text)),
            Value::Number(number) => Ok(Id(number_text(&number))),
            other => Err(serde::de::Error::custom(format!(
                "an id is a text or a number, not {}",
                excerpt(other.to_string().as_bytes())
            ))),
        }
    }
}

/// A time in JSON: see [`date`].
#[derive(Clone, Copy, Debug)]
pub struct When(pub Option<Millis>);

impl<'de> Deserialize<'de> for When {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<When, D::Error> {
        let value = Value::deserialize(deserializer)?;
        date(&value).map(When).map_err(|why| serde::de::Error::custom(why.message))
    }
}

/// The same of a date since when something is forbidden: see [`time::parse_optional_end`].
#[derive(Clone, Copy, Debug)]
pub struct Forbidden {
    at: Option<Millis>,
    length: time::Length,
}

impl Forbidden {
    /// The date as that of something that permits.
    pub fn begin(self) -> Option<Millis> {
        self.at
    }

    /// The date, if there is one.
    pub fn date(self, now: Millis) -> Option<Millis> {
        self.at.map(|at| self.length.end(at, now))
    }
}

impl<'de> Deserialize<'de> for Forbidden {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Forbidden, D::Error> {
        let value = Value::deserialize(deserializer)?;
        forbidden(&value).map_err(|why| serde::de::Error::custom(why.message))
    }
}

/// A date of JSON since when something is forbidden.
pub fn forbidden(value: &Value) -> Result<Forbidden> {
    // What a failed look-up of a spreadsheet leaves may stand for a date.
    if let Some(text) = value.as_str().filter(|text| is_failed(text) && text.contains('#')) {
        return Err(Error::bad_arg(format!(
            "'{}' is what a failed look-up leaves: leave out the date",
            excerpt(text.as_bytes())
        )));
    }
    Ok(Forbidden { at: date(value)?, length: value.as_str().map_or(time::Length::Moment, time::Length::of) })
}

/// A time of JSON: a text as [`time::parse_optional`] reads it, or milliseconds as a number. None if it says that there is no
/// date.
pub fn date(value: &Value) -> Result<Option<Millis>> {
    match value {
        Value::String(text) => time::parse_optional(text),
        Value::Number(number) => time::parse(&number_text(number)).map(Some),
        Value::Null => Ok(None),
        other => time::parse(&other.to_string()).map(Some),
    }
}

/// A JSON number as it was written; one whose fraction is zero as the integer it is, since programs that know floats alone
/// write 30005 as `30005.0`.
pub fn number_text(number: &serde_json::Number) -> String {
    /// 2^53: up to here floats have every integer.
    const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
    match number.as_f64() {
        Some(float) if !number.is_i64() && float.fract() == 0.0 && float.abs() <= EXACT_MAX => format!("{float:.0}"),
        _ => number.to_string(),
    }
}

/// An amount in JSON, as a number or a string, read digit by digit: see [`amount::parse`].
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub Micros);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Amount, D::Error> {
        let text = match Value::deserialize(deserializer)? {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text,
            other => other.to_string(),
        };
        amount::parse(&text).map(Amount).map_err(|why| serde::de::Error::custom(why.message))
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct StatusJson {
    at: Option<Forbidden>,
    source: Option<String>,
    reason: Option<String>,
}

/// The next argument as the JSON of a status verb. What is too long is cut: it forbids, and is not refused for its words.
pub fn status_claim(args: &mut Args<'_>, date: impl Fn(Forbidden) -> Option<Millis>) -> Result<Statement> {
    let json: StatusJson = json(args)?;
    Ok(Statement {
        at: json.at.and_then(date),
        source: cut(json.source, SOURCE_BYTES_MAX),
        reason: cut(json.reason, SOURCE_BYTES_MAX),
        ..Statement::default()
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptOutJson {
    at: Option<Forbidden>,
    how: Option<String>,
    source: Option<String>,
    reason: Option<String>,
}

/// The next argument as the JSON of OPTOUT. What is too long is cut: an opt-out is never refused for its words.
pub fn opt_out_claim(args: &mut Args<'_>, now: Millis) -> Result<Statement> {
    let json: OptOutJson = json(args)?;
    Ok(Statement {
        at: json.at.and_then(|at| at.date(now)),
        how: json.how.map_or(Ok(How::Api), |word| how(&word))?,
        source: cut(json.source, SOURCE_BYTES_MAX),
        reason: cut(json.reason, SOURCE_BYTES_MAX),
        ..Statement::default()
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptInJson {
    at: Option<When>,
    how: Option<String>,
    id: Option<Id>,
    source: Option<String>,
    evidence: Option<String>,
}

/// The next argument as the JSON of OPTIN.
pub fn opt_in_claim(args: &mut Args<'_>) -> Result<Statement> {
    let json: OptInJson = json(args)?;
    Ok(Statement {
        at: json.at.and_then(|at| at.0),
        how: json.how.map_or(Ok(How::Api), |word| how(&word))?,
        id: id(json.id)?,
        source: text("source", json.source, SOURCE_BYTES_MAX)?,
        evidence: text("evidence", json.evidence, EVIDENCE_BYTES_MAX)?,
        ..Statement::default()
    })
}

/// The next argument as the id of a message. What begins like JSON is none, in an array either: the id was forgotten, and
/// what the JSON says, perhaps that the number does not exist, would be lost.
pub fn message_id(args: &mut Args<'_>) -> Result<String> {
    let arg = args.next().unwrap_or_default();
    let is_id = |id: &&str| !id.is_empty() && !id.starts_with(['"', '[', '{']) && !id.contains(char::is_control);
    let id = std::str::from_utf8(arg).ok().filter(is_id).ok_or_else(|| {
        Error::bad_arg(format!(
            "'{}' is not a message id: use 1 to {ID_BYTES_MAX} bytes of text that do not begin with \" [ or {{",
            excerpt(arg)
        ))
    })?;
    text("msg-id", Some(id.to_owned()), ID_BYTES_MAX)
}

/// A text of JSON, as much of it as is kept.
pub fn cut(value: Option<String>, bytes_max: usize) -> String {
    let mut value = value.unwrap_or_default();
    let end = (0..=bytes_max.min(value.len())).rev().find(|&end| value.is_char_boundary(end));
    value.truncate(end.unwrap_or(0));
    value
}

/// A text of JSON, checked for its length.
pub fn text(key: &str, value: Option<String>, bytes_max: usize) -> Result<String> {
    let value = value.unwrap_or_default();
    if value.len() > bytes_max {
        return Err(Error::limit(format!(
            "\"{key}\" may have at most {bytes_max} bytes; this one has {}",
            value.len()
        )));
    }
    Ok(value)
}

/// An id of JSON, checked for its length.
pub fn id(value: Option<Id>) -> Result<String> {
    text("id", value.map(|Id(id)| id), ID_BYTES_MAX)
}

/// How somebody subscribed.
pub fn how(word: &str) -> Result<How> {
    How::parse(word).ok_or_else(|| {
        Error::bad_arg(format!("\"how\" must be api, import, journey or keyword, not '{}'", excerpt(word.as_bytes())))
    })
}
