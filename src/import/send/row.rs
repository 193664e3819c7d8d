//! A row: its cells into one request, or into what it forbids where the rest of it cannot be taken.

use std::borrow::Cow;
use std::collections::HashMap;

use super::cell::has_lost_letters;
pub use super::cell::read_list;
use super::country::{self, Number};
pub use super::defaults::Defaults;
use super::fault::Fault;
use super::numbers::{begins_a_comment, without_signs};
use super::refusal::{Declined, Doubt, Refusal, Refused};
use super::rejects;
use super::request::{self, Subject};
use super::told::Told;
use super::whose::subject;
use crate::import::columns::field::Field;
use crate::import::columns::{Columns, Guard, says_the_same};
use crate::import::legend::Legend;
use crate::import::read::dialect::reader_without_quotes;
use crate::import::title;
use crate::limits::{LABELS_BYTES_MAX, LABELS_MAX, LISTS_MAX};
use crate::model::blank::is_blank;
use crate::model::phone::{PHONE_DIGITS_MIN, Phone, Unusable, has_plus, normalize};
use crate::model::plain_refusal::note_refuses;
use crate::model::plain_refusal::title::file_speaks_of_an_end;
use crate::model::time;

/// A list's place among those of the file.
pub type ListIndex = u16;

/// What was asked for a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asked {
    pub list: ListIndex,
    /// The column of its phone.
    pub phone_at: Option<usize>,
    /// How many requests more take what the row forbids from its other phones.
    pub others: usize,
    /// Whether it forbids something.
    pub forbids: bool,
}

/// The contact itself: what is forbidden there is forbidden on every list.
const EVERYWHERE: &str = "*";

/// Makes requests of rows.
pub struct Rows {
    pub columns: Columns,
    /// What titles say of marks beside names.
    pub legend: Legend,
    pub(super) defaults: Defaults,
    now: time::Millis,
    /// When an undated opt-out beside another undated status counts as having been.
    now_text: String,
    lists: Vec<String>,
    /// Cells that were read as a list before.
    cells: HashMap<String, ListIndex>,
    countries: country::Cells,
    /// The column of the phone.
    phone_at: Option<usize>,
    /// What a row says of a contact, in JSON: its totals and dates.
    body: Vec<u8>,
    labels: Vec<u8>,
    /// Columns whose cells may have been one in several rows, and whether the last thing that stood there refuses messages.
    merged: Vec<(usize, bool)>,
    /// For each column, whether its cell in the row before refuses messages: a ditto mark says the same.
    above: Vec<bool>,
    /// Whether what stood last under the list is none: a title of a group. A blank below it may be of the same group.
    is_below_no_list: bool,
    /// The row that is read has bytes that are not UTF-8.
    pub is_strange: bool,
}

impl Rows {
    pub fn new(columns: Columns, defaults: Defaults, now: time::Millis) -> Rows {
        let lists = defaults.list.iter().cloned().collect();
        let says_more =
            |field: &Field| matches!(field, Field::Label(_) | Field::Ignore | Field::Reason | Field::Source);
        let are_merged =
            |at: &usize| columns.is_table() && columns.guard(*at).is_merged() && says_more(columns.field(*at));
        let merged = (0..columns.len()).filter(are_merged).map(|at| (at, false)).collect();
        Rows {
            merged,
            above: vec![false; columns.len()],
            phone_at: columns.place_of(&Field::Phone),
            columns,
            legend: Legend::default(),
            defaults,
            now,
            now_text: time::format(now),
            lists,
            cells: HashMap::new(),
            countries: country::Cells::default(),
            body: Vec::new(),
            labels: Vec::new(),
            is_below_no_list: false,
            is_strange: false,
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
            && let Some(title) = title::of_section(
                cells.clone(),
                self.columns.len(),
                |at| self.columns.is_phone(at),
                |at| self.columns.field(at).says_consent(),
            )
        {
            return Err(Refusal::Section(title.to_owned()).into());
        }
        self.find_phones(&mut told);
        let from = requests.len();
        self.write_whole(&told, requests).map(Some).map_err(|Fault { why, column }| {
            requests.truncate(from);
            Refused { column, ..self.write_forbidden(told, cells, why, requests) }
        })
    }

    /// Refuses a line with a quote that is not closed. What it forbids, and which phones it keeps from being subscribed, is read as if
    /// the quote were not there.
    pub fn refuse_line(&mut self, line: &str, delimiter: u8, requests: &mut Vec<u8>) -> Refused {
        let why = Refusal::UnclosedQuote;
        let mut row = csv::StringRecord::new();
        let plain = line.replace('"', "");
        let is_read = reader_without_quotes(plain.as_bytes(), delimiter).read_record(&mut row);
        match self.write(row.iter().enumerate(), Some(why.clone()), requests) {
            Err(refused) if matches!(is_read, Ok(true)) => Refused { why, column: None, ..refused },
            _ => why.into(),
        }
    }

    /// Refuses lines that a quote has made one row of. None of their phones is subscribed by another row.
    pub fn refuse_lines(&mut self, why: Refusal, lines: &str, delimiter: u8, requests: &mut Vec<u8>) -> Refused {
        let Some(list) =
            self.defaults.list.clone().filter(|list| list != EVERYWHERE).and_then(|list| self.index(&list))
        else {
            return why.into();
        };
        let plain = lines.replace('"', "");
        let mut asked = 0;
        for row in reader_without_quotes(plain.as_bytes(), delimiter).records().map_while(Result::ok) {
            let cells = row.iter().enumerate().filter(|(at, _)| self.columns.is_phone(*at));
            for (_, raw) in cells.filter(|(_, raw)| !is_blank(raw)) {
                if let Ok(number) = self.number(&Told::default(), raw) {
                    request::write_question(number, requests);
                    asked += 1;
                }
            }
        }
        let declined = (asked > 0).then_some(Declined { doubt: Doubt::Silence, list, asked });
        Refused { declined, ..Refused::from(why) }
    }

    fn read<'c>(&mut self, cells: impl Iterator<Item = (usize, &'c str)> + Clone, wrong: Option<Refusal>) -> Told<'c> {
        let Rows {
            columns,
            legend,
            countries,
            phone_at,
            body,
            labels,
            defaults,
            merged,
            above,
            is_below_no_list,
            now,
            cells: known_lists,
            ..
        } = self;
        body.clear();
        labels.clear();
        let mut told = Told::new(defaults, *now);
        (told.wrong, told.phone_at) = (wrong.map(Fault::from), *phone_at);
        let (mut width, mut lacks_an_answer, mut before) = (0, false, "");
        for (at, cell) in cells.clone() {
            width = at + 1;
            let above = above.get_mut(at);
            let before = std::mem::replace(&mut before, cell);
            if cell.is_empty() {
                if let Some(above) = above {
                    *above = false;
                }
                continue;
            }
            let refusals = told.refusals;
            told.filled += usize::from(!cell.trim().is_empty());
            if at >= columns.len() {
                // What stood before it may have moved as well, and says nothing.
                told.wrong = Some(Refusal::TooManyCells.into());
            } else if columns.is_of_rejects(at) {
                let old = if columns.is_old_reason(at) { cell } else { "" };
                told.wrong = told.wrong.or_else(|| rejects::still_holds(old, defaults.forbid()).map(Fault::from));
            } else if let Err(why) = told.read_cell(columns, at, cell, countries, body, labels) {
                told.wrong = told.wrong.or(Some(why.at(at)));
            }
            if legend.refuses(cell, columns.is_phone(at)) {
                told.refuse(at);
            }
            if let Some(above) = above {
                *above = told.refusals > refusals || *above && says_the_same(cell);
                if *above {
                    told.refuse(at);
                }
            }
            // "Paris, TX" without quotes: what stands behind it has moved, a consent or an opt-out with the rest.
            let is_free =
                at < columns.len() && matches!(columns.field(at), Field::Label(_) | Field::Ignore | Field::Unread);
            if is_free && columns.is_table() {
                if lacks_an_answer && columns.guard(at).has_a_strange_answer(cell) {
                    told.wrong = Some(Refusal::Shifted.at(at));
                }
                lacks_an_answer |= columns.guard(at).lacks_an_answer(cell) || Guard::may_be_one_number(before, cell);
            }
            let is_strange = self.is_strange && !cell.is_ascii() || has_lost_letters(cell);
            if is_strange && columns.may_refuse(at) && !defaults.forbid() {
                told.wrong = Some(Refusal::NotUtf8.at(at));
            }
            if at == 0 && columns.is_table() && begins_a_comment(cell) && !is_blank(cell) {
                told.wrong = Some(Refusal::CommentedOut.at(at));
            }
            if defaults.forbid() && columns.is_unnamed(at) {
                told.note_unnamed(at, cell);
            }
        }
        for (at, refuses) in merged {
            let cell = cells.clone().find(|(place, _)| place == at).map_or("", |(_, cell)| cell);
            if !is_blank(cell) {
                *refuses = note_refuses(cell) || columns.guard(*at).hears(cell, *now);
            }
            if *refuses && told.filled > 0 {
                told.refuse(*at);
            }
        }
        if columns.is_table() && told.filled > 0 && columns.has(&Field::List) {
            if !told.list.is_empty() {
                *is_below_no_list =
                    !known_lists.contains_key(told.list) && read_list(told.list, defaults.region).is_none();
            } else if *is_below_no_list {
                told.wrong =
                    told.wrong.or(Some(Fault { why: Refusal::BadList, column: columns.place_of(&Field::List) }));
            }
        }
        // The last column of rejected rows may be blank, also where one of their cells has a delimiter too many.
        if columns.is_rejects && columns.is_table() && width > columns.len() && told.filled > 0 {
            told.wrong = Some(Refusal::TooManyCells.into());
        }
        if columns.is_short(width) && !defaults.forbid() {
            told.wrong = told.wrong.or(Some(Refusal::ShortRow.into()));
        }
        hear_blanks(&mut told, columns, cells);
        told
    }

    /// Writes the request of a row that is taken as a whole.
    fn write_whole(&mut self, told: &Told<'_>, requests: &mut Vec<u8>) -> Result<Asked, Fault> {
        if let Some(fault) = &told.wrong {
            return Err(fault.clone());
        }
        if told.labels > LABELS_MAX || told.labels_bytes > LABELS_BYTES_MAX {
            return Err(Refusal::Limit.into());
        }
        let list = if told.list.is_empty() { self.defaults.list.as_deref() } else { Some(told.list) };
        told.check(self.columns.must_say_yes(), list != Some(EVERYWHERE))?;
        if !told.speaks()
            && let Some(field) = self.tells_why(told)
        {
            return Err(Fault { why: Refusal::MaybeOptOut, column: self.columns.place_of(&field) });
        }
        let list = self.list(told.list).map_err(|why| Fault { why, column: self.columns.place_of(&Field::List) })?;
        let forbids = told.forbids();
        let number = self.existing(told, told.phone(), forbids).map_err(|why| told.fault_of(told.phone(), why))?;
        let others = told.other_phones().filter(|_| forbids);
        let others = others.map(|raw| self.existing(told, raw, true).map_err(|why| told.fault_of(raw, why)));
        let others = others.collect::<Result<Vec<_>, _>>()?;
        let asked = Asked { list, phone_at: told.column_of(told.phone()), others: others.len(), forbids };
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

    /// Where a row that forbids nothing says why somebody left, or that it comes from those who did. A subscription needs no reason;
    /// an export has those of what was lifted since.
    fn tells_why(&self, told: &Told<'_>) -> Option<Field> {
        let speaks = |text: &&Cow<'_, str>| file_speaks_of_an_end(text) || note_refuses(text);
        let is_reason = |text: &&Cow<'_, str>| !self.columns.is_export || speaks(text);
        let reason = told.reason.as_ref().filter(is_reason).map(|_| Field::Reason);
        reason.or_else(|| told.source.as_ref().filter(speaks).map(|_| Field::Source))
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
            let doubt = told.doubt(&why).zip(list.filter(|list| list != EVERYWHERE));
            let declined = doubt.and_then(|(doubt, list)| self.write_declined(doubt, &list, &told, requests));
            return Refused { declined, ..Refused::from(why) };
        }
        // Whose list it is cannot be known: what is forbidden everywhere is forbidden there.
        let list = list.unwrap_or_else(|| EVERYWHERE.to_owned());
        let subjects: Vec<Subject<'_>> = self.numbers_meant(&told).into_iter().filter_map(subject).collect();
        let taken = !subjects.is_empty();
        let asked = subjects.into_iter().map(|subject| self.write_forbidding(&list, subject, &told, requests)).sum();
        let tried = self.write_tried(&list, &told, requests);
        let declined = if taken || list == EVERYWHERE {
            None
        } else {
            self.write_declined(Doubt::Silence, &list, &told, requests)
        };
        Refused { asked, tried, forbids: true, taken, declined, ..Refused::from(why) }
    }

    /// Where a plus makes a number that no plan knows, and nobody has said the region: what the row forbids, for the number inside of
    /// the daemon's region, if it has one.
    fn write_tried(&self, list: &str, told: &Told<'_>, requests: &mut Vec<u8>) -> usize {
        if self.evidence(told).next().is_some() {
            return 0;
        }
        let phones = std::iter::once(told.phone()).chain(told.other_phones());
        let odd = phones.filter(|raw| has_plus(raw) && normalize(raw, None) == Err(Unusable::Unknown));
        let digits = odd.filter_map(|raw| raw.split_once(['+', '\u{ff0b}']).map(|(_, digits)| digits));
        let numbers = digits.map(|digits| Subject::Planned(Number::Written(digits, None)));
        numbers.map(|number| self.write_forbidding(list, number, told, requests)).sum()
    }

    /// Asks how the phones of a refused row are written: another row of the file may subscribe one. Where signs stand in one or
    /// beside it that may hide a digit, and none is missing without them, it counts as well: to withhold it takes nothing from others.
    fn write_declined(
        &mut self,
        doubt: Doubt,
        list: &str,
        told: &Told<'_>,
        requests: &mut Vec<u8>,
    ) -> Option<Declined> {
        let list = self.index(list)?;
        let mut numbers = self.numbers_meant(told);
        let all = || std::iter::once(told.phone()).chain(told.other_phones());
        let bare: Vec<String> = if numbers.is_empty() { all().filter_map(without_signs).collect() } else { Vec::new() };
        numbers.extend(bare.iter().flat_map(|bare| self.meant(told, bare, false)));
        let asked = numbers.into_iter().map(|number| request::write_question(number, requests)).count();
        Some(Declined { doubt, list, asked })
    }

    /// Opts a phone out of a list, of which one row says no or may say it, and another one something else.
    pub fn write_opt_out(&self, list: ListIndex, phone: Phone, why: &str, requests: &mut Vec<u8>) {
        request::opt_out(&self.lists[usize::from(list)], phone, why, &self.defaults, requests);
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
    let is_one = is_plain && phone.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    !is_one && !title::is_number(phone)
}

/// Takes in what the blank cells of a row mean: of columns of consents where fewer of them say something than there are, and of those
/// that a person has explained.
fn hear_blanks<'c>(told: &mut Told<'c>, columns: &Columns, cells: impl Iterator<Item = (usize, &'c str)> + Clone) {
    let is_silent = |at: usize| !cells.clone().any(|(place, cell)| place == at && columns.is_filled(at, cell));
    let hear = |told: &mut Told<'c>, of: &[usize]| {
        for &at in of.iter().filter(|at| is_silent(**at)) {
            told.hear_blank(at, columns.words(at).blank());
        }
    };
    let heard = if columns.must_say_yes() { told.heard } else { told.dated };
    if heard < columns.asking().len() {
        hear(told, columns.asking());
    }
    told.settle_clocks();
    hear(told, columns.explained_blanks());
}

#[cfg(test)]
mod tests;
