//! A row: its cells into one request, or into what it forbids where the rest of it cannot be taken.

use std::collections::HashMap;

use super::country::{self, Evidence, Number};
pub use super::defaults::Defaults;
use super::refusal::{Declined, Refusal, Refused};
use super::rejects;
use super::request::{self, Subject};
pub use super::told::read_list;
use super::told::{Told, begins_a_comment};
use crate::import::columns::Columns;
use crate::import::columns::field::Field;
use crate::import::title;
use crate::limits::{LABELS_BYTES_MAX, LABELS_MAX, LISTS_MAX, RAW_PHONE_BYTES_MAX};
use crate::model::blank::is_blank;
use crate::model::phone::{PHONE_DIGITS_MIN, Phone, Unusable, has_plus, normalize, written_with_plus};
use crate::model::plain_refusal::note_refuses;
use crate::model::time;

/// A list's place among those of the file.
pub type ListIndex = u16;

/// What was asked for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub list: ListIndex,
    /// How many requests more take what the row forbids from its other phones.
    pub others: usize,
    /// Whether it forbids something.
    pub forbids: bool,
}

/// The contact itself: what is forbidden there is forbidden on every list.
const EVERYWHERE: &str = "*";

/// So many different sources are remembered.
const SOURCES_MAX: usize = 1_000;

/// Makes requests of rows.
pub struct Rows {
    pub columns: Columns,
    defaults: Defaults,
    now: time::Millis,
    /// When an undated opt-out beside another undated status counts as having been.
    now_text: String,
    lists: Vec<String>,
    /// Cells that were read as a list before.
    cells: HashMap<String, ListIndex>,
    countries: country::Cells,
    /// Sources of rows that forbid nothing, and whether they speak of people who want no messages.
    sources: HashMap<String, bool>,
    /// What a row says of a contact, in JSON: its totals and dates.
    body: Vec<u8>,
    labels: Vec<u8>,
}

impl Rows {
    pub fn new(columns: Columns, defaults: Defaults, now: time::Millis) -> Rows {
        let lists = defaults.list.iter().cloned().collect();
        Rows {
            columns,
            defaults,
            now,
            now_text: time::format(now),
            lists,
            cells: HashMap::new(),
            countries: country::Cells::default(),
            sources: HashMap::new(),
            body: Vec::new(),
            labels: Vec::new(),
        }
    }

    /// The id of the import that the rows belong to. Empty in a dry run.
    pub fn import_id(&self) -> &String {
        &self.defaults.import_id
    }

    /// Whether no row subscribes anybody.
    pub fn forbid(&self) -> bool {
        self.defaults.forbid()
    }

    /// The lists that rows went to so far, by their index.
    pub fn lists(&self) -> &[String] {
        &self.lists
    }

    /// Appends the requests of a row to `requests`, and gives what was asked; none if the row is blank. `wrong` is what is known
    /// to be wrong with it already.
    ///
    /// # Errors
    /// The row is refused. Then `requests` has what takes the opt-out that it may have.
    pub fn write<'c>(
        &mut self,
        cells: impl Iterator<Item = (usize, &'c str)> + Clone,
        wrong: Option<Refusal>,
        requests: &mut Vec<u8>,
    ) -> Result<Option<Asked>, Refused> {
        let mut told = self.read(cells.clone(), wrong);
        if told.filled == 0 {
            return Ok(None);
        }
        if self.columns.is_table()
            && !self.defaults.has_no_sections()
            && may_be_a_title(told.phone())
            && let Some(title) = title::of_section(cells.clone(), self.columns.len(), |at| self.columns.is_phone(at))
        {
            return Err(Refusal::Section(title.to_owned()).into());
        }
        self.find_phones(&mut told);
        let from = requests.len();
        self.write_whole(&told, requests).map(Some).map_err(|why| {
            requests.truncate(from);
            self.write_forbidden(told, cells, why, requests)
        })
    }

    fn read<'c>(&mut self, cells: impl Iterator<Item = (usize, &'c str)> + Clone, wrong: Option<Refusal>) -> Told<'c> {
        let Rows { columns, countries, body, labels, defaults, .. } = self;
        body.clear();
        labels.clear();
        let mut told = Told::new(defaults, self.now);
        told.wrong = wrong;
        let mut width = 0;
        for (at, cell) in cells.clone() {
            width = at + 1;
            if cell.is_empty() {
                continue;
            }
            told.filled += usize::from(!cell.trim().is_empty());
            if at >= columns.len() {
                // What stood before it may have moved as well, and says nothing.
                told.wrong = Some(Refusal::TooManyCells);
            } else if columns.is_of_rejects(at) {
                told.wrong = told.wrong.or_else(|| rejects::still_holds(cell, defaults.forbid()));
            } else if let Err(why) = told.read_cell(columns, at, cell, countries, body, labels) {
                told.wrong = told.wrong.or(Some(why));
            }
            if at == 0 && columns.is_table() && begins_a_comment(cell) && !is_blank(cell) {
                told.wrong = Some(Refusal::CommentedOut);
            }
            if defaults.forbid() && columns.is_unnamed(at) {
                told.note_unnamed(cell);
            }
        }
        if columns.is_short(width) && !defaults.forbid() {
            told.wrong = told.wrong.or(Some(Refusal::ShortRow));
        }
        let heard = if columns.must_say_yes() { told.heard } else { told.dated };
        let is_silent = |at: &usize| !cells.clone().any(|(place, cell)| place == *at && columns.is_filled(*at, cell));
        if heard < columns.asking().len() {
            columns
                .asking()
                .iter()
                .filter(|at| is_silent(at))
                .for_each(|&at| told.hear_blank(columns.words(at).blank()));
        }
        told.settle_clocks();
        columns
            .explained_blanks()
            .iter()
            .filter(|at| is_silent(at))
            .for_each(|&at| told.hear_blank(columns.words(at).blank()));
        told
    }

    /// Finds the phones of an opt-out in columns that nobody named.
    fn find_phones(&self, told: &mut Told<'_>) {
        for raw in told.unnamed().to_vec() {
            let is_one = match self.number(told, raw) {
                Ok(Number::Written(raw, region)) => normalize(raw, region).is_ok(),
                Ok(Number::Known(_)) => true,
                Err(_) => false,
            };
            if is_one {
                told.add_phone(raw);
            }
        }
    }

    /// Writes the request of a row that is taken as a whole.
    fn write_whole(&mut self, told: &Told<'_>, requests: &mut Vec<u8>) -> Result<Asked, Refusal> {
        if let Some(why) = &told.wrong {
            return Err(why.clone());
        }
        if told.labels > LABELS_MAX || told.labels_bytes > LABELS_BYTES_MAX {
            return Err(Refusal::Limit);
        }
        told.check(self.columns.must_say_yes())?;
        if !told.speaks() && self.may_have_left(told) {
            return Err(Refusal::MaybeOptOut);
        }
        let list = self.list(told.list)?;
        let forbids = told.forbids();
        let number = self.existing(told, told.phone(), forbids)?;
        let others = told.other_phones().filter(|_| forbids);
        let others = others.map(|raw| self.existing(told, raw, true)).collect::<Result<Vec<_>, _>>()?;
        let asked = Asked { list, others: others.len(), forbids };
        if self.defaults.dry_run {
            std::iter::once(number).chain(others).for_each(|number| request::write_question(number, requests));
            return Ok(asked);
        }
        let list = &self.lists[usize::from(list)];
        request::begin_import(list, number, told, &self.defaults, requests);
        requests.extend_from_slice(&self.body);
        told.write_statuses(&self.now_text, requests);
        request::end_import(&self.labels, requests);
        if !others.is_empty() {
            let told = told.clone().forbidding_alone();
            for other in others {
                self.write_forbidding(list, Subject::Planned(other), &told, requests);
            }
        }
        Ok(asked)
    }

    /// Whether a row that forbids nothing says why somebody left, or comes from those who did. A subscription needs no reason; an
    /// export has those of what was lifted since.
    fn may_have_left(&mut self, told: &Told<'_>) -> bool {
        (told.reason.is_some() && !self.columns.is_export)
            || [&told.reason, &told.source].into_iter().flatten().any(|text| self.speaks_of_an_end(text))
    }

    fn speaks_of_an_end(&mut self, source: &str) -> bool {
        if let Some(&speaks) = self.sources.get(source) {
            return speaks;
        }
        let speaks = title::file_speaks_of_an_end(source) || note_refuses(source);
        if self.sources.len() < SOURCES_MAX {
            self.sources.insert(source.to_owned(), speaks);
        }
        speaks
    }

    /// The number of a phone of the row. An opt-out is taken from any number; an import takes those that exist.
    fn existing<'c>(&self, told: &Told<'c>, raw: &'c str, forbids: bool) -> Result<Number<'c>, Refusal> {
        let number = self.number(told, raw)?;
        if forbids
            && let Number::Written(raw, _) = number
            && has_plus(raw)
        {
            normalize(raw, None).map_err(|why| Refusal::Phone(why.code()))?;
        }
        Ok(number)
    }

    /// Writes what a refused row forbids, and nothing else of it.
    fn write_forbidden<'c>(
        &mut self,
        mut told: Told<'c>,
        cells: impl Iterator<Item = (usize, &'c str)>,
        why: Refusal,
        requests: &mut Vec<u8>,
    ) -> Refused {
        let list = if why == Refusal::TooManyCells {
            let cells: Vec<(usize, &str)> = cells.collect();
            told = Told::new(&self.defaults, self.now).shifted(&cells, &self.columns, self.defaults.region);
            if self.columns.has(&Field::List) { None } else { self.defaults.list.clone() }
        } else if told.list.is_empty() {
            self.defaults.list.clone()
        } else {
            read_list(told.list, self.defaults.region)
        };
        let told = told.forbidding_alone();
        if !told.forbids() {
            let declined = list
                .filter(|list| told.declines() && list != EVERYWHERE)
                .and_then(|list| self.write_declined(&list, &told, requests));
            return Refused { declined, ..Refused::from(why) };
        }
        // Whose list it is cannot be known: what is forbidden everywhere is forbidden there.
        let list = list.unwrap_or_else(|| EVERYWHERE.to_owned());
        let phones = std::iter::once(told.phone()).chain(told.other_phones());
        let subjects: Vec<Subject<'_>> = phones.filter_map(|raw| self.subject(&told, raw)).collect();
        if subjects.is_empty() {
            return Refused::from(why);
        }
        let asked = subjects.into_iter().map(|subject| self.write_forbidding(&list, subject, &told, requests)).sum();
        Refused { why, asked, taken: true, declined: None }
    }

    /// Asks how the phones of a row are written that says that they never agreed: another row of the file may subscribe one.
    fn write_declined(&mut self, list: &str, told: &Told<'_>, requests: &mut Vec<u8>) -> Option<Declined> {
        let list = self.index(list)?;
        let numbers =
            std::iter::once(told.phone()).chain(told.other_phones()).filter_map(|raw| self.number(told, raw).ok());
        let asked = numbers.map(|number| request::write_question(number, requests)).count();
        Some(Declined { list, asked })
    }

    /// Opts a phone out of a list, of which one row says that it never agreed, and another one something else.
    pub fn write_opt_out(&self, list: ListIndex, phone: Phone, requests: &mut Vec<u8>) {
        let list = &self.lists[usize::from(list)];
        request::opt_out(list, phone, "one row says no, and another one does not", &self.defaults, requests);
    }

    /// Writes what a row forbids to one of its numbers. Gives the number of requests.
    fn write_forbidding(&self, list: &str, subject: Subject<'_>, told: &Told<'_>, requests: &mut Vec<u8>) -> usize {
        match subject {
            Subject::Planned(number) if self.defaults.dry_run => {
                request::write_question(number, requests);
                1
            }
            Subject::Planned(number) => {
                request::begin_import(list, number, told, &self.defaults, requests);
                told.write_statuses(&self.now_text, requests);
                request::end_import(&[], requests);
                1
            }
            Subject::Unplanned(_) if self.defaults.dry_run => 0,
            Subject::Unplanned(phone) => request::forbid(list, phone, told, &self.defaults, requests),
        }
    }

    /// Whose number a phone of the row is, by all that the row says of its country.
    fn number<'c>(&self, told: &Told<'c>, raw: &'c str) -> Result<Number<'c>, Refusal> {
        if raw.len() > RAW_PHONE_BYTES_MAX {
            return Err(Refusal::Phone(Unusable::TooLong.code()));
        }
        if !told.hints.is_empty() && !has_plus(raw) {
            let said = self.defaults.region.map(Evidence::Region);
            let pieces: Vec<Evidence> = told.evidence.iter().copied().chain(said).collect();
            if !pieces.is_empty() {
                country::number(raw, &[&pieces[..], &told.hints].concat())?;
            }
        }
        match (told.evidence.as_slice(), self.defaults.region) {
            ([], None) if country::is_of_two(raw) => Err(Refusal::CountryUnclear),
            ([], None) => Ok(Number::Written(raw, None)),
            ([], Some(region)) => country::alone(raw, region),
            (evidence, None) => country::number(raw, evidence),
            (evidence, Some(region)) => country::number(raw, &[evidence, &[Evidence::Region(region)]].concat()),
        }
    }

    /// Who is meant by a phone of a row that forbids something; none where it cannot be known.
    fn subject<'c>(&self, told: &Told<'c>, raw: &'c str) -> Option<Subject<'c>> {
        match self.number(told, raw).ok()? {
            Number::Written(raw, _) if has_plus(raw) => match normalize(raw, None) {
                Ok(phone) => Some(Subject::Planned(Number::Known(phone))),
                Err(Unusable::Unknown | Unusable::UnknownCountry) => written_with_plus(raw).map(Subject::Unplanned),
                Err(_) => None,
            },
            number => Some(Subject::Planned(number)),
        }
    }

    /// The list of a cell; the one of `--list` when the cell is empty.
    fn list(&mut self, cell: &str) -> Result<ListIndex, Refusal> {
        if cell.is_empty() {
            return if self.defaults.list.is_some() { Ok(0) } else { Err(Refusal::NoList) };
        }
        if let Some(&list) = self.cells.get(cell) {
            return Ok(list);
        }
        let index = read_list(cell, self.defaults.region).and_then(|list| self.index(&list)).ok_or(Refusal::BadList)?;
        if self.cells.len() < LISTS_MAX {
            self.cells.insert(cell.to_owned(), index);
        }
        Ok(index)
    }

    /// The place of a list among those of the file; none if there are too many.
    fn index(&mut self, list: &str) -> Option<ListIndex> {
        let known = self.lists.iter().position(|known| known == list);
        // One more than there can be, for `*`.
        let may_be_added = known.is_none() && self.lists.len() <= LISTS_MAX;
        self.lists.extend(may_be_added.then(|| list.to_owned()));
        known.or(may_be_added.then(|| self.lists.len() - 1)).map(|index| index as ListIndex)
    }
}

/// Whether a row with such a phone may be a title: nearly all phones tell at once that it is none.
fn may_be_a_title(phone: &str) -> bool {
    let is_plain = phone.len() >= PHONE_DIGITS_MIN && phone.bytes().all(|byte| byte.is_ascii_digit() || byte == b'+');
    !is_plain && (title::is_text(phone) || !phone.contains(char::is_alphanumeric))
}

#[cfg(test)]
mod tests {
    use super::super::told::unguarded;
    use super::*;
    use crate::import::columns::Wishes;
    use crate::import::columns::survey::Survey;
    use crate::import::options::AllAre;

    /// The request of one row under a header.
    fn request(header: &[&str], cells: &[&str], defaults: Defaults) -> Result<String, &'static str> {
        let wishes = Wishes { labels: vec!["*".into()], ..Wishes::default() };
        let mut survey = Survey::of_header(header.iter().copied());
        survey.is_complete = true;
        let columns = Columns::of_table(&survey, wishes).expect("columns");
        let mut requests = Vec::new();
        let mut rows = Rows::new(columns, defaults, 1_777_636_800_000);
        let written = rows.write(cells.iter().copied().enumerate(), None, &mut requests);
        written.map(|_| String::from_utf8(requests).expect("UTF-8")).map_err(|refused| refused.why.code())
    }

    fn onto_list() -> Defaults {
        Defaults { list: Some("12345".into()), source: "f.csv".into(), ..Defaults::default() }
    }

    #[test]
    fn a_row_is_one_line() {
        let header = ["phone", "country", "note", "how", "last_sent"];
        let told = request(&header, &["'+1 \"415\"", "us", "a\nb", "API", "2026-05-01"], onto_list());
        let line = r#"IMPORT 12345 {"phone":"'+1 \"415\"","region":"US","source":"f.csv","how":"api","last_sent":"2026-05-01","labels":{"note":"a\nb"}}"#;
        assert_eq!(told, Ok(format!("{line}\n")));
        assert_eq!(request(&header, &["", " ", ""], onto_list()), Ok(String::new()), "a blank row");
        let dry = Defaults { dry_run: true, ..onto_list() };
        let told = request(&header, &["4155550\n101"], dry);
        assert_eq!(told.as_deref(), Ok("*3\r\n$9\r\nNORMALIZE\r\n$1\r\n-\r\n$11\r\n4155550\n101\r\n"));
    }

    #[test]
    fn what_a_row_forbids_is_never_dropped() {
        let header = ["phone", "status", "opted_out", "opted_out_at"];
        let says = |cells: &[&str], defaults: Defaults| {
            let told = request(&header, cells, defaults)?;
            Ok(told.trim_end().trim_end_matches('}').split("f.csv\"").nth(1).unwrap_or_default().to_owned())
        };
        let opt_outs = || Defaults { all_are: Some(AllAre::Optout), ..onto_list() };
        let now = "2026-05-01T12:00:00.000Z";
        // Of a day alone, the end of it in the last time zone.
        let out = |day: &str| format!("\"opted_out_at\":\"{}T11:59:59.999Z\"", day.replace("-01-01", "-01-02"));
        for (cells, defaults, said) in [
            (["4155550101", "active", "no", ""], onto_list(), r#","status":"active""#.into()),
            (["4155550101", "active", "yes", ""], onto_list(), r#","status":"opted_out""#.into()),
            (["4155550101", "active", "", ""], opt_outs(), r#","status":"opted_out""#.into()),
            (["4155550101", "", "2024-01-01", ""], onto_list(), format!(",{}", out("2024-01-01"))),
            (["4155550101", "", "2024-01-01", "2025-01-01"], onto_list(), format!(",{}", out("2025-01-01"))),
            (["4155550101", "", "2025-01-01", "2024-01-01"], onto_list(), format!(",{}", out("2025-01-01"))),
            (["4155550101", "invalid", "", ""], opt_outs(), format!(r#","status":"opted_out","invalid_at":"{now}""#)),
        ] {
            assert_eq!(says(&cells, defaults), Ok(said), "{cells:?}");
        }
        for (cells, code) in [
            (["4155550101", "perhaps", "", ""], "unknown_status"),
            (["4155550101", "", "perhaps", ""], "unknown_status"),
            (["4155550101", "", "", "perhaps"], "bad_date"),
            (["4155550101", "never subscribed", "", ""], "no_consent"),
            (["4155550101", "", "", ""], "consent_blank"),
            (["4155550101", "N/A", "no", ""], "consent_blank"),
            (["4155550101", "active", "#N/A", ""], "unknown_status"),
            (["4155550101", "active", "", "NaN"], "bad_date"),
            (["// 4155550101", "active", "", ""], "commented_out"),
            (["#4155550101", "active", "", ""], "commented_out"),
            (["Ausgetreten", "", "", ""], "section"),
        ] {
            assert_eq!(says(&cells, onto_list()), Err(code), "{cells:?}");
        }
        assert_eq!(says(&["4155550101", "active"], onto_list()), Err("short_row"));
        assert_eq!(says(&["4155550101", "active", "", "", "more"], onto_list()), Err("too_many_cells"));
    }

    #[test]
    fn a_reason_that_is_a_refusal_needs_a_status() {
        let header = ["phone", "opted_out", "opted_out_at", "reason", "source"];
        let code = |cells: &[&str]| request(&header, cells, onto_list()).err();
        for [reason, source] in [
            ["unsubscribed", ""],
            ["asked to be removed", ""],
            ["hard bounce", ""],
            ["a form", ""],
            ["", "Do not text"],
            ["", "dnc.csv"],
            ["", "Unsubscribed"],
        ] {
            assert_eq!(code(&["4155550101", "", "", reason, source]), Some("maybe_optout"), "{reason} {source}");
        }
        for cells in [
            ["4155550101", "opted_out", "", "STOP", ""],
            ["4155550101", "", "2024-01-01", "STOP", "dnc.csv"],
            ["4155550101", "", "", "", "a form"],
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
