//! What a row has said so far, cell by cell.

mod shifted;

use std::borrow::Cow;

use super::cell::{cut, is_like_a_date, names_a_phone, unguarded};
use super::country::{self, Evidence};
use super::fault::Fault;
use super::numbers::{is_commented_out, refuses_beside_a_number, refuses_in_another_phone, without_kind};
use super::refusal::{Doubt, Refusal};
use super::request::{put, put_parts, put_text};
use super::row::Defaults;
use crate::import::columns::field::Field;
use crate::import::columns::status::{self, Said};
use crate::import::columns::{Columns, Countries, Guard};
use crate::import::options::AllAre;
use crate::model::amount;
use crate::model::blank::{is_blank, is_failed};
use crate::model::change::RowStatus;
use crate::model::fact::How;
use crate::model::phone::PHONE_DIGITS_MIN;
use crate::model::plain_refusal::note_refuses;
use crate::model::time;

/// What a row can forbid: the status, its word, and the key of its date.
pub const FORBIDDING: [(RowStatus, &str, &str); 3] = [
    (RowStatus::OptedOut, "opted_out", "opted_out_at"),
    (RowStatus::Suppressed, "suppressed", "suppressed_at"),
    (RowStatus::Invalid, "invalid", "invalid_at"),
];
/// The place of the opt-out among them.
const OPTED_OUT: usize = 0;

/// A list of a row that names two: none has this number.
const TWO_LISTS: &str = "?";

/// What a row has said so far.
#[derive(Clone, Default)]
pub struct Told<'c> {
    /// How many of its cells have something in them.
    pub filled: usize,
    /// How many columns that say in words who wants messages have something in them, and how many dates of consents.
    pub heard: usize,
    pub dated: usize,
    /// The first thing that cannot be taken.
    pub wrong: Option<Fault>,
    pub list: &'c str,
    pub evidence: Vec<Evidence>,
    /// The same of columns that nobody called the country.
    pub hints: Vec<Evidence>,
    /// The same of columns of two letters, which may be of something else: they count where the number exists there.
    pub guesses: Vec<Evidence>,
    pub source: Option<Cow<'c, str>>,
    pub reason: Option<Cow<'c, str>>,
    pub how: Option<How>,
    pub labels: usize,
    pub labels_bytes: usize,
    phone: &'c str,
    /// The column of the phone.
    pub phone_at: Option<usize>,
    /// Each with its column.
    other_phones: Vec<(usize, &'c str)>,
    /// Cells of columns that nobody named, in a file of opt-outs: what of them is a phone is another one of the row.
    unnamed: Vec<(usize, &'c str)>,
    /// The column of a country that cannot be read.
    unread_country_at: Option<usize>,
    /// What is later is ahead of the clock.
    now: time::Millis,
    active: bool,
    subscribed_at: Option<time::Millis>,
    /// Why it subscribes nobody, if a column of consents says so, or says nothing.
    lacks_consent: Option<Fault>,
    /// How many labels, and other cells that are no status, refuse messages; and the column of the first of them.
    pub refusals: u32,
    refused_at: Option<usize>,
    /// A word that says who wants messages is not known; or a date that would forbid is what a failed look-up leaves.
    unread: Option<Doubt>,
    /// Statuses that a word gives, and those that a date gives: the newest one.
    words: [bool; 3],
    dates: [Option<time::Millis>; 3],
    /// Statuses whose date does not say by which clock; and whether the date of the consent does.
    zoneless: [bool; 3],
    has_zone: bool,
    /// Statuses whose date cannot be read.
    undated: [bool; 3],
}

impl<'c> Told<'c> {
    /// Nothing yet, but what is said of all rows.
    pub fn new(defaults: &Defaults, now: time::Millis) -> Told<'c> {
        let words = [defaults.all_are == Some(AllAre::Optout), false, defaults.all_are == Some(AllAre::Invalid)];
        Told { now, words, ..Told::default() }
    }

    /// The phone, or the first other one where its cell is blank.
    pub fn phone(&self) -> &'c str {
        match self.other_phones.first() {
            Some((_, other)) if is_blank(self.phone) => other,
            _ => self.phone,
        }
    }

    /// The row's other phones: what it forbids, it forbids to them, too.
    pub fn other_phones(&self) -> impl Iterator<Item = &'c str> + '_ {
        let phone = self.phone();
        self.other_phones.iter().map(|(_, other)| *other).filter(move |other| *other != phone)
    }

    /// The column of a phone of the row.
    pub fn column_of(&self, phone: &str) -> Option<usize> {
        if phone == self.phone {
            return self.phone_at;
        }
        self.other_phones.iter().find(|(_, other)| *other == phone).map(|(at, _)| *at)
    }

    /// What is wrong with a phone of the row, or with what the row says of its country.
    pub fn fault_of(&self, phone: &str, why: Refusal) -> Fault {
        let country = self.unread_country_at.filter(|_| why == Refusal::CountryUnclear);
        Fault { why, column: country.or_else(|| self.column_of(phone)) }
    }

    /// Cells of columns that nobody named, in which a phone may stand.
    pub fn unnamed(&self) -> &[(usize, &'c str)] {
        &self.unnamed
    }

    /// Adds another phone of the row.
    pub fn add_phone(&mut self, at: usize, raw: &'c str) {
        if raw != self.phone && !self.other_phones.iter().any(|(_, other)| *other == raw) {
            self.other_phones.push((at, raw));
        }
    }

    /// Notes a cell of a column that nobody named.
    pub fn note_unnamed(&mut self, at: usize, cell: &'c str) {
        if cell.bytes().filter(u8::is_ascii_digit).count() >= PHONE_DIGITS_MIN {
            self.unnamed.push((at, cell));
        }
    }

    /// Takes one cell in.
    pub fn read_cell(
        &mut self,
        columns: &Columns,
        at: usize,
        cell: &'c str,
        countries: &mut country::Cells,
        body: &mut Vec<u8>,
        labels: &mut Vec<u8>,
    ) -> Result<(), Refusal> {
        let (field, words, guard) = (columns.field(at), columns.words(at), columns.guard(at));
        match field {
            Field::Label(key) => {
                let value = unguarded(cell);
                self.hear_words(at, note_refuses(&value) || guard.hears(&value, self.now));
                self.labels += 1;
                self.labels_bytes += key.len() + value.len();
                put_parts(labels, [",\"", key, "\":"]);
                put_text(labels, &value);
                self.note_country(guard, value.trim(), countries);
                return guard.check(value.trim());
            }
            Field::Ignore => {
                let refuses = guard.hears_refusals && (note_refuses(cell) || guard.hears(cell, self.now));
                self.hear_words(at, refuses || guard.doubts(cell));
                self.note_country(guard, cell, countries);
                return guard.check(cell.trim());
            }
            Field::Unread => {
                self.note_country(guard, cell, countries);
                return if guard.is_out_of_place(cell.trim()) { Err(Refusal::Shifted) } else { Ok(()) };
            }
            Field::Unclear if is_blank(cell) => return Ok(()),
            Field::Unclear => return Err(Refusal::UnknownColumn),
            Field::Phone | Field::OtherPhone => return self.read_phone(field, at, cell),
            _ => {}
        }
        let text = unguarded(cell);
        let word = text.trim();
        let ordered = words.order().and_then(|order| order.read(word));
        let word = ordered.as_deref().unwrap_or(word);
        match field {
            // NA is Namibia.
            Field::Region => {
                let country = countries.read(word);
                let refuses = || note_refuses(word) || status::status(word).is_some_and(Said::forbids);
                let is_unread = country == Some(Evidence::Unreadable);
                self.hear_words(at, is_unread && refuses());
                self.unread_country_at = self.unread_country_at.or(is_unread.then_some(at));
                self.evidence.extend(country);
            }
            Field::Status | Field::Consent => {
                let said = words.said(field, word);
                self.heard += usize::from(said != Some(Said::Blank));
                if said.is_none() && *field == Field::Status && names_a_phone(word) {
                    self.other_phones.push((at, cell));
                }
                self.hear(at, said)?;
            }
            Field::OptOut => match words.said(field, word) {
                None if names_a_phone(word) => return Err(self.hear_phone(OPTED_OUT, at, cell)),
                None if is_like_a_date(word) => self.date("opted_out_at", at, word, body)?,
                said => self.hear(at, said)?,
            },
            Field::Date(key) => match FORBIDDING.iter().position(|(_, _, date)| date == key) {
                Some(forbidding) if names_a_phone(word) => return Err(self.hear_phone(forbidding, at, cell)),
                _ => self.date(key, at, word, body)?,
            },
            _ if is_blank(word) => {}
            Field::List => {
                let is_second = !self.list.is_empty() && self.list != cell.trim();
                self.list = if is_second { TWO_LISTS } else { cell.trim() };
            }
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
                let (kept, is_whole) = cut(text);
                self.source = Some(kept);
                is_whole.then_some(()).ok_or(Refusal::Limit)?;
            }
            Field::Reason => {
                let (kept, is_whole) = cut(text);
                self.reason = Some(kept);
                is_whole.then_some(()).ok_or(Refusal::Limit)?;
            }
            Field::Label(_) | Field::Unclear | Field::Ignore | Field::Unread | Field::Phone | Field::OtherPhone => {}
        }
        Ok(())
    }

    fn note_country(&mut self, guard: Guard, cell: &str, countries: &mut country::Cells) {
        let told = match guard.countries {
            Countries::None => return,
            Countries::Named => &mut self.hints,
            Countries::Perhaps => &mut self.guesses,
        };
        told.extend(countries.read(cell).filter(|piece| *piece != Evidence::Unreadable));
    }

    fn read_phone(&mut self, field: &Field, at: usize, cell: &'c str) -> Result<(), Refusal> {
        let cell = without_kind(cell);
        let refuses = match field {
            Field::Phone => refuses_beside_a_number(cell),
            _ => refuses_in_another_phone(cell),
        };
        self.hear_words(at, refuses);
        if *field == Field::Phone && self.phone.is_empty() {
            self.phone = cell;
        } else if !is_blank(cell) {
            self.other_phones.push((at, cell));
        }
        if is_commented_out(cell) { Err(Refusal::CommentedOut) } else { Ok(()) }
    }

    /// Takes in a phone that stands where a date or a yes would say that somebody is out. It may be that one's, or the row's own: the
    /// number to which a STOP was sent.
    fn hear_phone(&mut self, forbidding: usize, at: usize, cell: &'c str) -> Refusal {
        self.other_phones.push((at, cell));
        self.undated[forbidding] = true;
        Refusal::PhoneOptedOut
    }

    fn hear_words(&mut self, at: usize, refuse: bool) {
        if refuse {
            self.refuse(at);
        }
    }

    /// Notes that a column refuses messages, by its cell or by one above it.
    pub fn refuse(&mut self, at: usize) {
        self.refusals += 1;
        self.refused_at = self.refused_at.or(Some(at));
    }

    /// Notes that something that says who wants messages cannot be read: words count for more than silence.
    fn note_unread(&mut self, doubt: Doubt) {
        if self.unread != Some(Doubt::Words) {
            self.unread = Some(doubt);
        }
    }

    /// Sets two clocks side by side: a date that forbids and does not say by which clock may be later than a consent that does.
    pub fn settle_clocks(&mut self) {
        for (date, _) in self.dates.iter_mut().zip(self.zoneless).filter(|(_, zoneless)| *zoneless && self.has_zone) {
            *date = date.map(|date| time::latest(date, self.now));
        }
    }

    /// Takes in what a blank cell of a column means, as a person said; none if nobody did.
    pub fn hear_blank(&mut self, at: usize, said: Option<Said>) {
        match said {
            // It is known, so that it is heard.
            Some(_) => self.hear(at, said).unwrap_or_default(),
            None => self.lacks_consent = self.lacks_consent.take().or(Some(Refusal::ConsentBlank.at(at))),
        }
    }

    fn hear(&mut self, at: usize, said: Option<Said>) -> Result<(), Refusal> {
        if said.is_none() {
            self.note_unread(Doubt::Words);
        }
        match said.ok_or(Refusal::UnknownStatus)? {
            Said::Status(RowStatus::Active) => self.active = true,
            Said::Status(status) => {
                for (heard, (known, ..)) in self.words.iter_mut().zip(FORBIDDING) {
                    *heard |= known == status;
                }
            }
            Said::NoConsent => self.lacks_consent = Some(Refusal::NoConsent.at(at)),
            Said::Nothing | Said::Blank => {}
        }
        Ok(())
    }

    fn date(&mut self, key: &'static str, at: usize, word: &str, body: &mut Vec<u8>) -> Result<(), Refusal> {
        let forbids = FORBIDDING.iter().position(|(_, _, date)| *date == key);
        let read = match forbids {
            // What a failed look-up leaves may stand for a date.
            Some(_) if is_failed(word) => {
                self.note_unread(Doubt::Silence);
                return Err(Refusal::BadDate);
            }
            Some(_) => time::parse_optional_end(word, self.now),
            None => time::parse_optional(word),
        };
        let date = match (read, forbids) {
            (Ok(None), _) => return Ok(()),
            (Ok(Some(date)), _) => date,
            (Err(_), _) if word == "0" => return Ok(()),
            (Err(_), Some(forbidding)) => {
                self.undated[forbidding] |= status::yes_or_no(word) != Some(false) && !status::is_never(word);
                return Err(Refusal::BadDate);
            }
            (Err(_), None) if status::is_never(word) => {
                if key == "subscribed_at" {
                    self.lacks_consent = Some(Refusal::NoConsent.at(at));
                }
                return Ok(());
            }
            (Err(_), None) => {
                if key == "subscribed_at" {
                    // "2023-05-10 (withdrawn)".
                    self.note_unread(if note_refuses(word) { Doubt::Words } else { Doubt::Silence });
                }
                return Err(Refusal::BadDate);
            }
        };
        if let Some(forbidding) = forbids {
            // A column "opted_out" that holds dates, beside another one: the newest opt-out counts.
            self.dates[forbidding] = self.dates[forbidding].max(Some(date));
            self.zoneless[forbidding] |= time::lacks_zone(word);
            return Ok(());
        }
        if key == "subscribed_at" {
            self.dated += 1;
            // Of several dates of the consent, as when somebody signed up and confirmed it, the first that is there.
            if self.subscribed_at.is_some() {
                return Ok(());
            }
            self.subscribed_at = Some(date);
            self.has_zone = word.contains(':') && !time::lacks_zone(word);
        }
        put(body, format_args!(",\"{key}\":\"{word}\""));
        Ok(())
    }

    /// Whether the row opts out, and does not say as well that the contact is active by a newer subscription. One that is ahead
    /// of the clock proves nothing.
    fn opts_out(&self) -> bool {
        let subscribed_at = self.subscribed_at.filter(|at| *at <= self.now);
        let back_in = self.active && subscribed_at > self.dates[OPTED_OUT];
        self.words[OPTED_OUT] || (self.dates[OPTED_OUT].is_some() && !back_in)
    }

    /// Whether the row forbids anything.
    pub fn forbids(&self) -> bool {
        self.opts_out()
            || (0..FORBIDDING.len()).any(|at| at != OPTED_OUT && (self.words[at] || self.dates[at].is_some()))
    }

    /// Whether what the row says of statuses makes sense together. `must_say_yes`: a column of the file says who consented, so a
    /// row that does not say yes has no consent. Where it subscribes nobody, it may say nothing of that.
    pub fn check(&self, must_say_yes: bool, subscribes: bool) -> Result<(), Fault> {
        let speaks = self.speaks();
        let is_silent = |fault: &&Fault| !subscribes && fault.why == Refusal::ConsentBlank;
        if let Some(fault) = self.lacks_consent.as_ref().filter(|fault| !speaks && !is_silent(fault)) {
            return Err(fault.clone());
        }
        if !speaks && must_say_yes && subscribes && !self.active {
            return Err(Refusal::NoConsent.into());
        }
        if self.refusals > 0 && !self.opts_out() {
            return Err(Fault { why: Refusal::MaybeOptOut, column: self.refused_at });
        }
        Ok(())
    }

    /// Whether it names a status that forbids, by a word or by a date.
    pub fn speaks(&self) -> bool {
        self.words.contains(&true) || self.dates.iter().any(Option::is_some)
    }

    /// Whether no other row may subscribe the phones of this one, which is refused for a reason and forbids nothing for sure.
    pub fn doubt(&self, why: &Refusal) -> Option<Doubt> {
        let may_refuse = matches!(why, Refusal::MaybeOptOut | Refusal::NoConsent);
        let is_unread = matches!(
            why,
            Refusal::Phone(_)
                | Refusal::CommentedOut
                | Refusal::UnclosedQuote
                | Refusal::Shifted
                | Refusal::ShortRow
                | Refusal::TooManyCells
                | Refusal::UnknownColumn
                | Refusal::RepeatedKey
                | Refusal::BadLists
                | Refusal::NotUtf8
                | Refusal::Limit
        );
        match self.lacks_consent.as_ref().map(|fault| &fault.why) {
            Some(Refusal::NoConsent) => Some(Doubt::Words),
            _ if may_refuse || self.refusals > 0 || self.unread == Some(Doubt::Words) => Some(Doubt::Words),
            lacks => (is_unread || lacks.is_some() || self.unread.is_some()).then_some(Doubt::Silence),
        }
    }

    /// What the row forbids, and nothing that permits. Where a date cannot be read, what it dates counts as of now.
    #[must_use]
    pub fn forbidding_alone(mut self) -> Told<'c> {
        for at in (0..FORBIDDING.len()).filter(|&at| self.undated[at]) {
            self.words[at] = true;
            self.dates[at] = None;
        }
        if !self.opts_out() {
            self.dates[OPTED_OUT] = None;
        }
        self.active = false;
        self
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
}
