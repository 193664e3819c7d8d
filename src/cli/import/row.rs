//! A row: its cells into one request.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write;

use super::columns::{Columns, Watch};
use super::consent;
use super::field::Field;
use super::held;
use super::refusal::Refusal;
use super::status::{self, Said};
use crate::limits::{LABELS_BYTES_MAX, LABELS_MAX, LISTS_MAX, RAW_PHONE_BYTES_MAX, SOURCE_BYTES_MAX};
use crate::model::amount;
use crate::model::change::RowStatus;
use crate::model::fact::How;
use crate::model::phone::{ListNumber, Region, normalize};
use crate::model::time;

/// What every row says that does not say otherwise itself.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// `--list`: a list's number, or `*` for the contact itself.
    pub list: Option<String>,
    pub region: Option<Region>,
    pub source: String,
    pub how: Option<How>,
    /// `--as optout`.
    pub opt_outs: bool,
    /// `--dry-run`: asks how numbers are read, and changes nothing.
    pub dry_run: bool,
}

/// A list's place among those of the file.
pub type ListIndex = u16;

/// Makes requests of rows.
pub struct Rows {
    pub columns: Columns,
    defaults: Defaults,
    /// When an undated opt-out beside another undated status counts as having been.
    now: String,
    lists: Vec<String>,
    /// Cells that were read as a list before.
    cells: HashMap<String, ListIndex>,
    body: Vec<u8>,
    labels: Vec<u8>,
}

/// What a row has said so far.
#[derive(Default)]
struct Told<'c> {
    phone: &'c str,
    list: &'c str,
    region: Option<Region>,
    source: Option<Cow<'c, str>>,
    how: Option<How>,
    active: bool,
    no_consent: bool,
    /// Details of an opt-out.
    ends: usize,
    /// Reasons and sources that are refusals.
    reasons: usize,
    /// Statuses that a word gives, and those that a date gives: the newest one.
    words: [bool; 3],
    dates: [Option<time::Millis>; 3],
    labels: usize,
    labels_bytes: usize,
    anything: bool,
}

const FORBIDDING: [(RowStatus, &str, &str); 3] = [
    (RowStatus::OptedOut, "opted_out", "opted_out_at"),
    (RowStatus::Suppressed, "suppressed", "suppressed_at"),
    (RowStatus::Invalid, "invalid", "invalid_at"),
];

impl Rows {
    pub fn new(columns: Columns, defaults: Defaults, now: time::Millis) -> Rows {
        let lists = defaults.list.iter().cloned().collect();
        Rows {
            columns,
            defaults,
            now: time::format(now),
            lists,
            cells: HashMap::new(),
            body: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// The lists that rows went to so far, by their index.
    pub fn lists(&self) -> &[String] {
        &self.lists
    }

    /// Appends the request of a row to `requests`, and gives the row's list; none if the row is blank.
    pub fn write<'c>(
        &mut self,
        cells: impl Iterator<Item = (usize, &'c str)>,
        requests: &mut Vec<u8>,
    ) -> Result<Option<ListIndex>, Refusal> {
        self.body.clear();
        self.labels.clear();
        let mut told = Told::default();
        let mut wrong = None;
        for (at, cell) in cells {
            if cell.is_empty() {
                continue;
            }
            told.anything |= !cell.trim().is_empty();
            if at >= self.columns.len() {
                wrong = wrong.or(Some(Refusal::TooManyCells));
            } else if let Err(why) =
                read_cell(self.columns.field(at), cell, &mut told, &mut self.body, &mut self.labels)
            {
                wrong = wrong.or(Some(why));
            } else {
                let speaks = || consent::object_speaks(self.columns.heading(at), cell);
                let refuses = match self.columns.watch(at) {
                    Watch::Nothing => false,
                    Watch::Objects => speaks(),
                    Watch::Refusals => status::is_refusal(cell) || speaks(),
                    Watch::Noes => status::says_no(cell) || speaks(),
                    Watch::Reasons => {
                        told.reasons += usize::from(status::is_refusal(cell));
                        false
                    }
                    Watch::Ends => {
                        told.ends += usize::from(!status::is_blank(cell) && status::yes_or_no(cell) != Some(false));
                        false
                    }
                };
                if refuses {
                    wrong = wrong.or(Some(Refusal::Unclear));
                }
            }
        }
        if !told.anything {
            return Ok(None);
        }
        if let Some(why) = wrong {
            return Err(why);
        }
        if told.phone.len() > RAW_PHONE_BYTES_MAX {
            return Err(Refusal::Phone("too_long"));
        }
        if told.labels > LABELS_MAX || told.labels_bytes > LABELS_BYTES_MAX {
            return Err(Refusal::Limit);
        }
        let list = self.list(told.list)?;
        let region = told.region.or(self.defaults.region);
        if self.defaults.dry_run {
            self.write_statuses(&told)?;
            let region = region.map_or("-".into(), |region| region.to_string());
            let phone = told.phone;
            put(requests, format_args!("*3\r\n$9\r\nNORMALIZE\r\n${}\r\n{region}\r\n", region.len()));
            put(requests, format_args!("${}\r\n{phone}\r\n", phone.len()));
            return Ok(Some(list));
        }
        let how = told.how.or(self.defaults.how);
        self.write_statuses(&told)?;
        put(requests, format_args!("IMPORT {} {{\"phone\":", self.lists[usize::from(list)]));
        put_text(requests, told.phone);
        if let Some(region) = region {
            put(requests, format_args!(",\"region\":\"{region}\""));
        }
        let source = told.source.as_deref().unwrap_or(&self.defaults.source);
        if !source.is_empty() {
            requests.extend_from_slice(b",\"source\":");
            put_text(requests, source);
        }
        if let Some(how) = how {
            put(requests, format_args!(",\"how\":\"{}\"", how.word()));
        }
        requests.extend_from_slice(&self.body);
        if !self.labels.is_empty() {
            requests.extend_from_slice(b",\"labels\":{");
            requests.extend_from_slice(&self.labels[1..]);
            requests.push(b'}');
        }
        requests.extend_from_slice(b"}\n");
        Ok(Some(list))
    }

    /// Appends what the row says of statuses. All that it forbids counts; a request has one word, so what else stands in
    /// words gets a date.
    fn write_statuses(&mut self, told: &Told<'_>) -> Result<(), Refusal> {
        let mut words = told.words;
        words[0] |= self.defaults.opt_outs;
        let forbids = words.contains(&true);
        if told.no_consent && !forbids && told.dates.iter().all(Option::is_none) {
            return Err(Refusal::NoConsent);
        }
        // Why somebody left, and not that they did.
        let tells_more = told.ends > 0 || (told.reasons > 0 && !told.active);
        if tells_more && !forbids && told.dates.iter().all(Option::is_none) {
            return Err(Refusal::Unclear);
        }
        let first = words.iter().position(|&said| said);
        if let Some(at) = first {
            put(&mut self.body, format_args!(",\"status\":\"{}\"", FORBIDDING[at].1));
        }
        for (at, (_, _, key)) in FORBIDDING.into_iter().enumerate() {
            let also_said = words[at] && first != Some(at);
            let date = told.dates[at].map(time::format).or_else(|| also_said.then(|| self.now.clone()));
            if let Some(date) = date {
                put(&mut self.body, format_args!(",\"{key}\":\"{date}\""));
            }
        }
        if told.active && !forbids {
            self.body.extend_from_slice(b",\"status\":\"active\"");
        }
        Ok(())
    }

    /// The list of a cell; the one of `--list` when the cell is empty.
    fn list(&mut self, cell: &str) -> Result<ListIndex, Refusal> {
        if cell.is_empty() {
            return if self.defaults.list.is_some() { Ok(0) } else { Err(Refusal::NoList) };
        }
        if let Some(&list) = self.cells.get(cell) {
            return Ok(list);
        }
        let list = read_list(cell, self.defaults.region).ok_or(Refusal::BadList)?;
        let known = self.lists.iter().position(|known| *known == list);
        let index = known.unwrap_or(self.lists.len()) as ListIndex;
        if known.is_none() {
            // One more than there can be, for `*`.
            if self.lists.len() > LISTS_MAX {
                return Err(Refusal::BadList);
            }
            self.lists.push(list);
        }
        if self.cells.len() < LISTS_MAX {
            self.cells.insert(cell.to_owned(), index);
        }
        Ok(index)
    }
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

/// Takes one cell in.
fn read_cell<'c>(
    field: &Field,
    cell: &'c str,
    told: &mut Told<'c>,
    body: &mut Vec<u8>,
    labels: &mut Vec<u8>,
) -> Result<(), Refusal> {
    match field {
        Field::Label(key) => {
            let value = unguarded(cell);
            told.labels += 1;
            told.labels_bytes += key.len() + value.len();
            put(labels, format_args!(",\"{key}\":"));
            put_text(labels, &value);
            return Ok(());
        }
        Field::Ignore => return Ok(()),
        Field::Unclear => return Err(Refusal::Unclear),
        Field::Phone => {
            told.phone = cell;
            return Ok(());
        }
        _ => {}
    }
    let text = unguarded(cell);
    let word = text.trim();
    // As databases write what is not there.
    if matches!(word, "" | "NULL" | "null" | "\\N") {
        return Ok(());
    }
    match field {
        Field::List => told.list = cell.trim(),
        Field::Region => told.region = Some(held::region(word).ok_or(Refusal::BadRegion)?),
        Field::Status => told.hear(status::status(word))?,
        Field::Consent => told.hear(status::consent(word))?,
        Field::OptOut => match status::opt_out(word) {
            None if time::parse(word).is_ok() => told.date("opted_out_at", word, body)?,
            said => told.hear(said)?,
        },
        Field::Date(key) => told.date(key, word, body)?,
        Field::Count(key) => {
            let count: u64 = word.parse().map_err(|_| Refusal::BadNumber)?;
            put(body, format_args!(",\"{key}\":{count}"));
        }
        Field::Revenue => {
            amount::parse(word).map_err(|_| Refusal::BadNumber)?;
            put(body, format_args!(",\"total_revenue\":\"{word}\""));
        }
        Field::How => told.how = Some(How::parse(&word.to_ascii_lowercase()).ok_or(Refusal::BadHow)?),
        Field::Source => {
            within(&text)?;
            told.source = Some(text);
        }
        Field::Reason => {
            within(&text)?;
            body.extend_from_slice(b",\"reason\":");
            put_text(body, &text);
        }
        Field::Label(_) | Field::Unclear | Field::Ignore | Field::Phone => {}
    }
    Ok(())
}

impl Told<'_> {
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
        let date = time::parse(word).map_err(|_| Refusal::BadDate)?;
        if let Some(at) = FORBIDDING.iter().position(|(_, _, date)| *date == key) {
            // A column "opted_out" that holds dates, beside another one: the newest opt-out counts.
            self.dates[at] = self.dates[at].max(Some(date));
            return Ok(());
        }
        put(body, format_args!(",\"{key}\":\"{word}\""));
        Ok(())
    }
}

fn within(text: &str) -> Result<(), Refusal> {
    if text.len() > SOURCE_BYTES_MAX { Err(Refusal::Limit) } else { Ok(()) }
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

fn put(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    let _ = serde_json::to_writer(out, text);
}

#[cfg(test)]
mod tests {
    use super::super::columns::Wishes;
    use super::*;

    /// The request of one row under a header.
    fn request(header: &[&str], cells: &[&str], defaults: Defaults) -> Result<String, &'static str> {
        let columns = Columns::of_table(header, &[], Wishes::default()).expect("columns");
        let mut requests = Vec::new();
        let mut rows = Rows::new(columns, defaults, 1_777_636_800_000);
        let written = rows.write(cells.iter().copied().enumerate(), &mut requests);
        written.map(|_| String::from_utf8(requests).expect("UTF-8")).map_err(|why| why.code())
    }

    fn onto_list() -> Defaults {
        Defaults { list: Some("12345".into()), source: "f.csv".into(), ..Defaults::default() }
    }

    #[test]
    fn a_row_is_one_line() {
        let header = ["phone", "region", "note", "how", "last_sent"];
        let told = request(&header, &["'+1 \"415\"", "us", "a\nb", "API", "2026-05-01"], onto_list());
        let line = r#"IMPORT 12345 {"phone":"'+1 \"415\"","region":"US","source":"f.csv","how":"api","last_sent":"2026-05-01","labels":{"note":"a\nb"}}"#;
        assert_eq!(told, Ok(format!("{line}\n")));
        assert_eq!(request(&header, &["", " ", ""], onto_list()), Ok(String::new()), "a blank row");
        let dry = Defaults { dry_run: true, ..onto_list() };
        let told = request(&header, &["4\n5"], dry);
        assert_eq!(told.as_deref(), Ok("*3\r\n$9\r\nNORMALIZE\r\n$1\r\n-\r\n$3\r\n4\n5\r\n"));
    }

    #[test]
    fn what_a_row_forbids_is_never_dropped() {
        let header = ["phone", "status", "opted_out", "opted_out_at"];
        let says = |cells: &[&str], defaults: Defaults| {
            let told = request(&header, cells, defaults)?;
            Ok(told.trim_end().trim_end_matches('}').split("f.csv\"").nth(1).unwrap_or_default().to_owned())
        };
        let opt_outs = || Defaults { opt_outs: true, ..onto_list() };
        let now = "2026-05-01T12:00:00.000Z";
        let out = |day: &str| format!("\"opted_out_at\":\"{day}T00:00:00.000Z\"");
        for (cells, defaults, said) in [
            (["1", "", "", ""], onto_list(), String::new()),
            (["1", "active", "no", ""], onto_list(), r#","status":"active""#.into()),
            (["1", "active", "yes", ""], onto_list(), r#","status":"opted_out""#.into()),
            (["1", "active", "", ""], opt_outs(), r#","status":"opted_out""#.into()),
            (["1", "", "2024-01-01", ""], onto_list(), format!(",{}", out("2024-01-01"))),
            (["1", "", "2024-01-01", "2025-01-01"], onto_list(), format!(",{}", out("2025-01-01"))),
            (["1", "", "2025-01-01", "2024-01-01"], onto_list(), format!(",{}", out("2025-01-01"))),
            (["1", "invalid", "", ""], opt_outs(), format!(r#","status":"opted_out","invalid_at":"{now}""#)),
        ] {
            assert_eq!(says(&cells, defaults), Ok(said), "{cells:?}");
        }
        for (cells, code) in [
            (["1", "perhaps", "", ""], "unknown_status"),
            (["1", "", "perhaps", ""], "unknown_status"),
            (["1", "", "", "perhaps"], "bad_date"),
            (["1", "never subscribed", "", ""], "no_consent"),
        ] {
            assert_eq!(says(&cells, onto_list()), Err(code), "{cells:?}");
        }
    }

    #[test]
    fn a_reason_that_is_a_refusal_needs_a_status() {
        let header = ["phone", "status", "opted_out_at", "reason", "source"];
        let code = |cells: &[&str]| request(&header, cells, onto_list()).err();
        assert_eq!(code(&["1", "", "", "unsubscribed", ""]), Some("unclear_consent"));
        assert_eq!(code(&["1", "", "", "", "Do not text"]), Some("unclear_consent"));
        for cells in [
            ["1", "opted_out", "", "STOP", ""],
            ["1", "", "2024-01-01", "STOP", ""],
            ["1", "active", "", "STOP", ""],
            ["1", "", "", "a form", "a form"],
        ] {
            assert_eq!(code(&cells), None, "{cells:?}");
        }
    }

    #[test]
    fn lists_and_guards_as_spreadsheets_leave_them() {
        for cell in ["+14155550100", "'+14155550100", "14155550100", "14155550100.0", " +14155550100 "] {
            assert_eq!(read_list(cell, None).as_deref(), Some("+14155550100"), "{cell}");
        }
        assert_eq!(read_list("12345", None).as_deref(), Some("12345"));
        assert_eq!(read_list("News", None), None);
        for (cell, value) in [("'=1", "=1"), ("''-1", "'-1"), ("'a", "'a"), ("it's", "it's"), ("=1", "=1"), ("'", "'")]
        {
            assert_eq!(unguarded(cell), value);
        }
    }
}
