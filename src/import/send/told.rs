//! What a row has said so far, cell by cell.

use std::borrow::Cow;

use super::blank::{is_blank, is_no_date};
use super::country::{self, Evidence};
use super::plain_refusal::is_plain_refusal;
use super::refusal::Refusal;
use super::request::{put, put_text};
use crate::import::columns::Columns;
use crate::import::columns::field::Field;
use crate::import::columns::status::{self, Said};
use crate::import::columns::words::Words;
use crate::limits::SOURCE_BYTES_MAX;
use crate::model::amount;
use crate::model::change::RowStatus;
use crate::model::fact::How;
use crate::model::phone::{ListNumber, Region, normalize};
use crate::model::time;

/// What a row can forbid: the status, its word, and the key of its date.
pub const FORBIDDING: [(RowStatus, &str, &str); 3] = [
    (RowStatus::OptedOut, "opted_out", "opted_out_at"),
    (RowStatus::Suppressed, "suppressed", "suppressed_at"),
    (RowStatus::Invalid, "invalid", "invalid_at"),
];
/// The place of the opt-out among them.
const OPTED_OUT: usize = 0;

/// Digits that a date has at least: a cell with so many under the heading of an opt-out is one, if an unreadable one.
const DATE_DIGITS_MIN: usize = 3;

/// What a row has said so far.
#[derive(Clone, Default)]
pub struct Told<'c> {
    pub anything: bool,
    /// The first thing that cannot be taken.
    pub wrong: Option<Refusal>,
    pub list: &'c str,
    pub evidence: Vec<Evidence>,
    pub source: Option<Cow<'c, str>>,
    pub reason: Option<Cow<'c, str>>,
    pub how: Option<How>,
    pub labels: usize,
    pub labels_bytes: usize,
    phone: &'c str,
    other_phone: &'c str,
    active: bool,
    subscribed_at: Option<time::Millis>,
    no_consent: bool,
    refusals: Refusals,
    /// Statuses that a word gives, and those that a date gives: the newest one.
    words: [bool; 3],
    dates: [Option<time::Millis>; 3],
    /// Statuses whose date cannot be read.
    undated: [bool; 3],
}

/// Cells that are no statuses and refuse messages.
#[derive(Clone, Copy, Default)]
struct Refusals {
    /// A label.
    label: bool,
    /// The reason or the source.
    reason: bool,
}

impl<'c> Told<'c> {
    /// Nothing yet; `opted_out` if every row of the file is an opt-out, `invalid` if every number of it is.
    pub fn new(opted_out: bool, invalid: bool) -> Told<'c> {
        Told { words: [opted_out, false, invalid], ..Told::default() }
    }

    /// The phone, or the first other one where its cell is blank.
    pub fn phone(&self) -> &'c str {
        if !self.other_phone.is_empty() && is_blank(self.phone) { self.other_phone } else { self.phone }
    }

    /// Takes one cell in.
    pub fn read_cell(
        &mut self,
        field: &Field,
        words: &Words,
        cell: &'c str,
        countries: &mut country::Cells,
        body: &mut Vec<u8>,
        labels: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        match field {
            Field::Label(key) => {
                let value = unguarded(cell);
                self.refusals.label |= is_plain_refusal(&value);
                self.labels += 1;
                self.labels_bytes += key.len() + value.len();
                put(labels, format_args!(",\"{key}\":"));
                put_text(labels, &value);
                return Ok(());
            }
            Field::Ignore => return Ok(()),
            Field::Unclear if is_blank(cell) => return Ok(()),
            Field::Unclear => return Err(Refusal::UnknownColumn),
            Field::Phone => {
                self.phone = cell;
                return Ok(());
            }
            Field::OtherPhone => {
                if self.other_phone.is_empty() && !is_blank(cell) {
                    self.other_phone = cell;
                }
                return Ok(());
            }
            _ => {}
        }
        let text = unguarded(cell);
        let word = text.trim();
        if status::is_nothing(word) {
            return Ok(());
        }
        match field {
            Field::List => self.list = cell.trim(),
            Field::Region => self.evidence.extend(countries.read(word)),
            Field::Status | Field::Consent => self.hear(words.said(field, word))?,
            Field::OptOut => match words.said(field, word) {
                None if is_like_a_date(word) => self.date("opted_out_at", word, body)?,
                said => self.hear(said)?,
            },
            Field::Date(key) => self.date(key, word, body)?,
            Field::Count(key) => {
                let count: u64 = word.parse().map_err(|_| Refusal::BadNumber)?;
                put(body, format_args!(",\"{key}\":{count}"));
            }
            Field::Revenue => {
                amount::parse(word).map_err(|_| Refusal::BadNumber)?;
                put(body, format_args!(",\"total_revenue\":\"{word}\""));
            }
            Field::How => self.how = Some(How::parse(&word.to_ascii_lowercase()).ok_or(Refusal::BadHow)?),
            Field::Source => {
                self.refusals.reason |= is_plain_refusal(word);
                let (kept, is_whole) = cut(text);
                self.source = Some(kept);
                is_whole?;
            }
            Field::Reason => {
                self.refusals.reason |= is_plain_refusal(word);
                let (kept, is_whole) = cut(text);
                self.reason = Some(kept);
                is_whole?;
            }
            Field::Label(_) | Field::Unclear | Field::Ignore | Field::Phone | Field::OtherPhone => {}
        }
        Ok(())
    }

    fn hear(&mut self, said: Option<Said>) -> Result<(), Refusal> {
        match said.ok_or(Refusal::UnknownStatus)? {
            Said::Status(RowStatus::Active) => self.active = true,
            Said::Status(status) => {
                for (heard, (known, ..)) in self.words.iter_mut().zip(FORBIDDING) {
                    *heard |= known == status;
                }
            }
            Said::NoConsent => self.no_consent = true,
            Said::Nothing => {}
        }
        Ok(())
    }

    fn date(&mut self, key: &'static str, word: &str, body: &mut Vec<u8>) -> Result<(), Refusal> {
        if is_no_date(word) {
            return Ok(());
        }
        let forbids = FORBIDDING.iter().position(|(_, _, date)| *date == key);
        let Ok(date) = time::parse(word) else {
            if let Some(at) = forbids {
                self.undated[at] |= status::yes_or_no(word) != Some(false);
            }
            return Err(Refusal::BadDate);
        };
        if let Some(at) = forbids {
            // A column "opted_out" that holds dates, beside another one: the newest opt-out counts.
            self.dates[at] = self.dates[at].max(Some(date));
            return Ok(());
        }
        if key == "subscribed_at" {
            // Of several dates of the consent, as when somebody signed up and confirmed it, the first that is there.
            if self.subscribed_at.is_some() {
                return Ok(());
            }
            self.subscribed_at = Some(date);
        }
        put(body, format_args!(",\"{key}\":\"{word}\""));
        Ok(())
    }

    /// Whether the row opts out, and does not say as well that the contact is active by a newer subscription.
    fn opts_out(&self) -> bool {
        let back_in = self.active && self.subscribed_at > self.dates[OPTED_OUT];
        self.words[OPTED_OUT] || (self.dates[OPTED_OUT].is_some() && !back_in)
    }

    /// Whether the row forbids anything.
    pub fn forbids(&self) -> bool {
        self.opts_out()
            || (0..FORBIDDING.len()).any(|at| at != OPTED_OUT && (self.words[at] || self.dates[at].is_some()))
    }

    /// Whether what the row says of statuses makes sense together.
    pub fn check(&self) -> Result<(), Refusal> {
        let speaks = self.words.contains(&true) || self.dates.iter().any(Option::is_some);
        if self.no_consent && !speaks {
            return Err(Refusal::NoConsent);
        }
        // Why somebody left, and not that they did; or a label that says it.
        let reason = self.refusals.reason && !self.active && !speaks;
        if reason || (self.refusals.label && !self.opts_out()) { Err(Refusal::MaybeOptOut) } else { Ok(()) }
    }

    /// Leaves what the row forbids, and nothing that permits. Where a date cannot be read, what it dates counts as of now.
    pub fn forbid_alone(&mut self) {
        for at in (0..FORBIDDING.len()).filter(|&at| self.undated[at]) {
            self.words[at] = true;
            self.dates[at] = None;
        }
        if !self.opts_out() {
            self.dates[OPTED_OUT] = None;
        }
        self.active = false;
    }

    /// What the row forbids: the place in [`FORBIDDING`], and since when.
    pub fn forbidden(&self) -> impl Iterator<Item = (usize, Option<time::Millis>)> + '_ {
        let said = (0..FORBIDDING.len()).filter(|&at| self.words[at] || self.dates[at].is_some());
        said.map(|at| (at, self.dates[at]))
    }

    /// Appends what the row says of statuses. All that it forbids counts; a request has one word, so what else stands in
    /// words gets a date.
    pub fn write_statuses(&self, now: &str, out: &mut Vec<u8>) {
        if let Some(reason) = &self.reason {
            out.extend_from_slice(b",\"reason\":");
            put_text(out, reason);
        }
        let first = self.words.iter().position(|&said| said);
        if let Some(at) = first {
            put(out, format_args!(",\"status\":\"{}\"", FORBIDDING[at].1));
        }
        for (at, date) in self.forbidden() {
            let key = FORBIDDING[at].2;
            match date.map(time::format) {
                Some(date) => put(out, format_args!(",\"{key}\":\"{date}\"")),
                None if first != Some(at) => put(out, format_args!(",\"{key}\":\"{now}\"")),
                None => {}
            }
        }
        if self.active && first.is_none() {
            out.extend_from_slice(b",\"status\":\"active\"");
        }
    }

    /// What can be known of a row with more cells than the header has: a delimiter inside a cell has moved those behind it, and
    /// nobody knows which. So an opt-out counts where a word says so under the heading of a status or as far behind as it can have
    /// moved, and a phone where there is only one.
    pub fn shifted(self, cells: &[(usize, &'c str)], columns: &Columns, region: Option<Region>) -> Told<'c> {
        let mut told = self;
        let surplus = cells.iter().map(|(at, _)| at + 1).max().unwrap_or(0).saturating_sub(columns.len());
        // Without its country, which may have moved as well, a number is nobody's.
        let region = region.filter(|_| !columns.has(&Field::Region));
        let mut phones = Vec::new();
        for &(at, cell) in cells {
            let may_be = |field: &Field| (at.saturating_sub(surplus)..=at).any(|from| columns.field(from) == field);
            if may_be(&Field::Phone)
                && let Ok(phone) = normalize(cell, region)
                && !phones.contains(&phone)
            {
                phones.push(phone);
                told.phone = cell;
            }
            if [Field::Status, Field::Consent, Field::OptOut].iter().any(may_be)
                && let said @ Some(Said::Status(RowStatus::OptedOut | RowStatus::Suppressed | RowStatus::Invalid)) =
                    status::status(unguarded(cell).trim())
            {
                // It is known, so that it is heard.
                let _ = told.hear(said);
            }
        }
        if phones.len() != 1 {
            told.phone = "";
        }
        told
    }
}

/// Whether a cell under the heading of an opt-out is a date, if perhaps one that cannot be read.
fn is_like_a_date(word: &str) -> bool {
    time::parse(word).is_ok() || is_no_date(word) || word.bytes().filter(u8::is_ascii_digit).count() >= DATE_DIGITS_MIN
}

/// As much of a text as is kept, and whether that is all of it.
fn cut(text: Cow<'_, str>) -> (Cow<'_, str>, Result<(), Refusal>) {
    if text.len() <= SOURCE_BYTES_MAX {
        return (text, Ok(()));
    }
    let end = (0..=SOURCE_BYTES_MAX).rev().find(|&end| text.is_char_boundary(end)).unwrap_or(0);
    let kept = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(text) => Cow::Owned(text[..end].to_owned()),
    };
    (kept, Err(Refusal::Limit))
}

/// A list as it stands in a cell: spreadsheets take the plus away, or write it as they do any number.
pub fn read_list(cell: &str, region: Option<Region>) -> Option<String> {
    let plain = cell.trim().trim_start_matches('\'');
    if plain == "*" {
        return Some(plain.to_owned());
    }
    let number = ListNumber::parse(plain.as_bytes()).or_else(|| {
        let phone = normalize(&format!("+{plain}"), None).or_else(|_| normalize(plain, region));
        phone.ok().map(ListNumber::from)
    });
    number.map(|number| number.to_string())
}

/// Without the `'` that an exporter puts before a cell that a spreadsheet would run: before `=`, `+`, `-`, `@`, or before
/// apostrophes that stand before one of these, so that a cell that began so comes back as it was.
pub fn unguarded(cell: &str) -> Cow<'_, str> {
    match cell.strip_prefix('\'') {
        Some(rest) if rest.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r']) => {
            Cow::Borrowed(rest)
        }
        _ => Cow::Borrowed(cell),
    }
}
