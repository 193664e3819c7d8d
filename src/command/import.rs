//! IMPORT: one row of an import. It is the only writing verb that takes a number as somebody typed it.

use std::cell::RefCell;

use serde::Deserialize;
use serde_json::Value;

use super::Context;
use super::arguments::{self, Amount, Forbidden, When};
use super::asked::{Asked, Reading};
use super::contacts::{
    LabelsJson, check_labels, check_words, label_patch, read_phone, region_or_default, words_refuse,
};
use super::remains::Remains;
use crate::error::{Error, Result, excerpt};
use crate::limits::{ID_BYTES_MAX, IMPORTED_TOTAL_MAX, SOURCE_BYTES_MAX};
use crate::model::change::{Change, Row, RowStatus, Write};
use crate::model::contact::Engagement;
use crate::model::fact::How;
use crate::model::keyword::Meaning;
use crate::model::phone::{Phone, Region, as_meant, national_behind_plus, normalize, written_with_plus};
use crate::model::plain_refusal::title::is_file_of_an_end;
use crate::model::time::{self, Millis};
use crate::wire::Args;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RowJson {
    phone: Option<String>,
    region: Option<String>,
    #[serde(default)]
    labels: LabelsJson,
    how: Option<String>,
    source: Option<String>,
    import_id: Option<String>,
    status: Option<String>,
    subscribed_at: Option<When>,
    opted_out_at: Option<Forbidden>,
    suppressed_at: Option<Forbidden>,
    invalid_at: Option<Forbidden>,
    reason: Option<String>,
    created_at: Option<When>,
    total_sends: Option<u64>,
    total_clicks: Option<u64>,
    total_bot_clicks: Option<u64>,
    total_conversions: Option<u64>,
    total_revenue: Option<Amount>,
    last_sent: Option<When>,
    last_clicked: Option<When>,
    last_engaged: Option<When>,
    last_inbound: Option<When>,
    sends_since_engaged: Option<u64>,
}

impl RowJson {
    /// What a new contact brings along from where it comes.
    fn totals(&self) -> Result<Engagement> {
        let date = |at: Option<When>| at.and_then(|at| at.0).unwrap_or(0);
        Ok(Engagement {
            sends: total("total_sends", self.total_sends)?,
            clicks: total("total_clicks", self.total_clicks)?,
            bot_clicks: total("total_bot_clicks", self.total_bot_clicks)?,
            conversions: total("total_conversions", self.total_conversions)?,
            revenue_micros: self.total_revenue.map_or(0, |amount| amount.0),
            last_sent: date(self.last_sent),
            last_clicked: date(self.last_clicked),
            last_engaged: date(self.last_engaged),
            sends_since_engaged: total("sends_since_engaged", self.sends_since_engaged)?,
            last_inbound: date(self.last_inbound),
        })
    }
}

pub fn import(context: &Context, mut args: Args<'_>) -> Result<Asked> {
    let mut reading = Reading::default();
    let json = args.last();
    let list = reading.list(context, &mut args, arguments::list_or_all);
    let (phone, change) = match arguments::json(&mut args).and_then(|json| row(context, json)) {
        Ok((phone, row)) if reading.is_complete() => (phone, Change::Import(Box::new(row))),
        Ok((phone, row)) => (phone, Change::Forbid(Box::new(row.only_what_forbids()))),
        Err(why) => {
            reading.refuse(why);
            match what_forbids(context, &Remains::of(json)) {
                Some((phone, row)) => (phone, Change::Forbid(Box::new(row))),
                None => return reading.refused(),
            }
        }
    };
    reading.asked(Write::Contact { phone, list, change }, context)
}

/// A row of which everything can be read.
fn row(context: &Context, json: RowJson) -> Result<(Phone, Row)> {
    let totals = json.totals()?;
    let raw = json.phone.ok_or_else(|| Error::bad_arg("in the JSON: \"phone\" is missing"))?;
    let phone = read_phone(context, json.region.as_deref().unwrap_or("-").as_bytes(), &raw)?;
    check_plus(json.region.as_deref(), &raw)?;
    let date = |at: Option<When>| at.and_then(|at| at.0);
    let now = context.store.now();
    let forbidden = |at: Option<Forbidden>| at.and_then(|at| at.date(now));
    let row = Row {
        labels: label_patch(json.labels)?,
        how: json.how.map(|word| arguments::how(&word)).transpose()?,
        source: arguments::text("source", json.source, SOURCE_BYTES_MAX)?,
        import_id: arguments::text("import_id", json.import_id, ID_BYTES_MAX)?,
        status: json.status.map(|word| status(&word)).transpose()?,
        subscribed_at: date(json.subscribed_at),
        opted_out_at: forbidden(json.opted_out_at),
        suppressed_at: forbidden(json.suppressed_at),
        invalid_at: forbidden(json.invalid_at),
        undated: Vec::new(),
        reason: arguments::text("reason", json.reason, SOURCE_BYTES_MAX)?,
        created_at: date(json.created_at),
        totals,
    };
    check_refusals(&row, now)?;
    Ok((phone, row))
}

/// Refuses a number with a plus whose digits are a whole number inside the region that the row names, and that is of another country
/// as it is written: one of the two is a mistake.
fn check_plus(region: Option<&str>, raw: &str) -> Result<()> {
    match inside(region, raw) {
        Some(phone) => Err(Error::bad_arg(format!(
            "country_unclear: the digits behind the plus are a number inside the region, {phone}: write that, or leave out the region"
        ))),
        None => Ok(()),
    }
}

/// The number inside a region whose digits stand behind a plus.
fn inside(region: Option<&str>, raw: &str) -> Option<Phone> {
    national_behind_plus(raw, region.and_then(Region::parse)?.country_code())
}

/// Refuses a row with a label that refuses messages, unless the row opts out; and one with a reason or a source that does, unless
/// the row forbids.
fn check_refusals(row: &Row, now: Millis) -> Result<()> {
    let forbidden = row.forbids(now);
    if !forbidden.iter().any(|(status, _)| *status == RowStatus::OptedOut) {
        check_labels(&row.labels, now)?;
    }
    if forbidden.is_empty() {
        check_words("reason", &row.reason)?;
        check_source(&row.source)?;
    }
    Ok(())
}

/// Refuses a source that says that its rows are of people who want no messages. The rows of an import have the same one: what was last
/// found to say nothing is not read again.
fn check_source(source: &str) -> Result<()> {
    thread_local! {
        static LAST: RefCell<String> = RefCell::default();
    }
    if LAST.with_borrow(|last| last == source) {
        return Ok(());
    }
    check_words("source", source)?;
    if is_file_of_an_end(source) {
        return Err(words_refuse("source", source));
    }
    LAST.with_borrow_mut(|last| source.clone_into(last));
    Ok(())
}

/// The number of a row that was refused, and what the row forbids, if both can be read.
fn what_forbids(context: &Context, remains: &Remains) -> Option<(Phone, Row)> {
    /// The dates that forbid.
    const DATES: [(&str, RowStatus); 3] = [
        ("opted_out_at", RowStatus::OptedOut),
        ("suppressed_at", RowStatus::Suppressed),
        ("invalid_at", RowStatus::Invalid),
    ];
    // Of an object that breaks off nobody knows what else it would have said of the number.
    let phone = if remains.is_whole() { phone(context, remains) } else { None }?;
    let statuses = remains.said("status").into_iter().filter_map(|word| spelt_status(context, &word));
    let strictest = statuses.max_by_key(|status| *status != RowStatus::Active);
    let mut row = Row {
        how: Some(How::Import),
        source: remains.words("source"),
        import_id: remains.text("import_id").filter(|id| id.len() <= ID_BYTES_MAX).unwrap_or_default(),
        status: strictest,
        subscribed_at: remains.date("subscribed_at"),
        reason: arguments::cut(remains.noted(&DATES.map(|(key, _)| key), remains.text("reason")), SOURCE_BYTES_MAX),
        ..Row::default()
    };
    for (key, status) in DATES {
        if remains.all(key).any(is_given) {
            row.forbid(status, remains.forbidden(key, context.store.now()));
        }
    }
    Some((phone, row))
}

/// The number of a row, if it can be read beside what else is wrong, and is one, however often it is written. One with its plus
/// need not exist: a person may have it. One without a plus is read as it is meant where no region says otherwise.
fn phone(context: &Context, remains: &Remains) -> Option<Phone> {
    let region = match remains.only("region") {
        None if remains.all("region").next().is_none() => Some("-"),
        given => given.and_then(Value::as_str),
    };
    let word = region.unwrap_or_default().as_bytes();
    let is_placed = region_or_default(context, word).is_ok_and(|region| region.is_some());
    let read = |raw: &String| {
        let phone = read_phone(context, word, raw).or_else(|_| normalize(raw, None)).ok();
        let phone = phone.or_else(|| inside(region, raw));
        phone.or_else(|| if is_placed { written_with_plus(raw) } else { as_meant(raw) })
    };
    let phones = remains.said("phone").iter().map(read).collect::<Option<Vec<Phone>>>()?;
    phones.first().copied().filter(|first| phones.iter().all(|phone| phone == first))
}

/// Whether the value of a date that forbids says that it was so at some time. A word for no says that it was not.
fn is_given(value: &Value) -> bool {
    const NOES: [&str; 8] = ["0", "false", "f", "no", "n", "off", "never", "undefined"];
    match value {
        Value::String(text) => {
            time::parse_optional(text) != Ok(None) && !NOES.iter().any(|no| text.trim().eq_ignore_ascii_case(no))
        }
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::Bool(given) => *given,
        _ => true,
    }
}

/// A status by its letters alone, as in `Opted out`; or an opt-out in the words of whoever wrote it, as in `unsubscribed`.
fn spelt_status(context: &Context, word: &str) -> Option<RowStatus> {
    const OUT: [&str; 3] = ["unsub", "optout", "optedout"];
    let letters: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let known = STATUSES.into_iter().find(|(word, _)| word.replace('_', "") == letters).map(|(_, status)| status);
    let is_out = || {
        let meaning = context.keywords.meaning(word);
        OUT.iter().any(|out| letters.starts_with(out)) || matches!(meaning, Meaning::Out | Meaning::OutOfAll)
    };
    known.or_else(|| is_out().then_some(RowStatus::OptedOut))
}

fn total(key: &str, total: Option<u64>) -> Result<u64> {
    match total.unwrap_or(0) {
        total if total > IMPORTED_TOTAL_MAX => {
            Err(Error::limit(format!("\"{key}\" may be at most {IMPORTED_TOTAL_MAX}; this one is {total}")))
        }
        total => Ok(total),
    }
}

const STATUSES: [(&str, RowStatus); 4] = [
    ("active", RowStatus::Active),
    ("opted_out", RowStatus::OptedOut),
    ("suppressed", RowStatus::Suppressed),
    ("invalid", RowStatus::Invalid),
];

fn status(word: &str) -> Result<RowStatus> {
    STATUSES.into_iter().find(|(known, _)| *known == word).map(|(_, status)| status).ok_or_else(|| {
        Error::bad_arg(format!(
            "\"status\" must be active, opted_out, suppressed or invalid, not '{}'",
            excerpt(word.as_bytes())
        ))
    })
}
