//! Which column is what.

use std::collections::HashSet;

use super::consent;
use super::field::Field;
use super::held::Held;
use super::names;
use crate::error::{Error, Result, excerpt};

/// What the options say about columns.
#[derive(Clone, Debug, Default)]
pub struct Wishes {
    /// `--map column=field`.
    pub map: Vec<(String, String)>,
    /// `--labels only,these`.
    pub labels: Option<Vec<String>>,
    /// `--region` is given: no column stands against it by its name alone.
    pub region: bool,
    /// `--as optout`: nobody is subscribed, whatever a column says.
    pub opt_outs: bool,
}

/// The columns of a file.
#[derive(Debug)]
pub struct Columns {
    names: Vec<String>,
    fields: Vec<Field>,
    watches: Vec<Watch>,
    wishes: Wishes,
    /// The last two columns are the line and the reason of an earlier refusal.
    pub is_rejects: bool,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// What in a cell of a column that is no consent refuses its row all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// It was said what the column is.
    Nothing,
    /// An object in which a key speaks of messages: the column is about another channel.
    Objects,
    /// A word by which somebody wants no messages.
    Refusals,
    /// Such a word, or a no.
    Noes,
    /// Whatever tells more of an opt-out, where the row tells of none.
    Ends,
    /// A refusal as the reason or the source, where the row neither tells of an opt-out nor is active.
    Reasons,
}

/// The columns that a file of rejected rows has behind its own.
pub const REJECTS_COLUMNS: [&str; 2] = ["line", "reason"];

impl Columns {
    /// Finds out what the columns of a header are. The rows of a sample tell countries from states, and opt-outs from labels.
    pub fn of_table(names: &[&str], sample: &[csv::StringRecord], wishes: Wishes) -> Result<Columns> {
        let mut held = vec![Held::default(); names.len()];
        for row in sample {
            held.iter_mut().zip(names).zip(row).for_each(|((held, name), cell)| held.see(name, cell));
        }
        let mut columns = Columns::new(names, wishes);
        columns.is_rejects = names.len() > 2 && names[names.len() - 2..] == REJECTS_COLUMNS;
        columns.resolve(&held)?;
        Ok(columns)
    }

    /// The same for the keys of the first objects.
    pub fn of_objects(names: &[&str], held: &[Held], wishes: Wishes) -> Result<Columns> {
        let mut columns = Columns::new(names, wishes);
        columns.resolve(held)?;
        Ok(columns)
    }

    fn new(names: &[&str], wishes: Wishes) -> Columns {
        let names: Vec<String> =
            names.iter().map(|name| name.trim_matches(['\u{feff}', '\'']).trim().to_owned()).collect();
        let fields = vec![Field::Ignore; names.len()];
        let watches = vec![Watch::Nothing; names.len()];
        Columns { names, fields, watches, wishes, is_rejects: false, warnings: Vec::new() }
    }

    /// What a column is. One behind the header is nothing.
    pub fn field(&self, at: usize) -> &Field {
        self.fields.get(at).unwrap_or(&Field::Ignore)
    }

    /// What in a cell of a column refuses its row.
    pub fn watch(&self, at: usize) -> Watch {
        self.watches.get(at).copied().unwrap_or(Watch::Nothing)
    }

    pub fn heading(&self, at: usize) -> &str {
        self.names.get(at).map_or("", String::as_str)
    }

    pub fn len(&self) -> usize {
        self.fields.len()
    }

    pub fn has(&self, field: &Field) -> bool {
        self.fields.contains(field)
    }

    /// A column that turns up later, as the keys of objects may, with its first cell. Gives its place.
    pub fn add(&mut self, name: &str, cell: &str) -> usize {
        let mut held = Held::default();
        held.see(name, cell);
        let usual = names::label_prefix(name).map(Field::Label).or_else(|| names::usual(name).map(|(field, _)| field));
        // Two dates of one kind are never two labels: a row has one of them.
        let may_repeat = |field: &Field| field.may_repeat() || matches!(field, Field::Date(_));
        let taken = |field: &Field| !may_repeat(field) && self.fields.contains(field);
        let field = match usual {
            Some(field) if field != Field::Phone && field != Field::Region && !taken(&field) => field,
            _ if self.may_forbid(name, &held) && !self.is_told_elsewhere(name) => Field::Unclear,
            _ => label_to_be(),
        };
        let is_said = names::label_prefix(name).is_some() || !may_watch(&field);
        self.watches.push(match field {
            Field::Reason | Field::Source => Watch::Reasons,
            _ if is_said => Watch::Nothing,
            _ => self.watch_over(name, &Held::default()),
        });
        self.names.push(name.to_owned());
        self.fields.push(field);
        self.name_labels(self.fields.len() - 1);
        self.fields.len() - 1
    }

    /// How each column is read, for people: its heading, or its number where it has none, and what it is.
    pub fn told(&self) -> Vec<(String, String)> {
        let told = |at: usize| {
            let field = &self.fields[at];
            let usual = names::usual(&self.names[at]).map(|(field, _)| field);
            let passed_over = self.wishes.region && usual == Some(Field::Region) && *field != Field::Region;
            let but = if passed_over { ", since --region says where numbers are from" } else { "" };
            (self.name(at), format!("{}{but}", field.told()))
        };
        (0..self.len()).map(told).collect()
    }

    /// A column's heading, or `#` and its number where that says more.
    fn name(&self, at: usize) -> String {
        let name = &self.names[at];
        let is_plain = !name.is_empty() && excerpt(name.as_bytes()) == *name;
        let is_alone = self.names.iter().filter(|other| *other == name).count() == 1;
        if is_plain && is_alone { name.clone() } else { format!("#{}", at + 1) }
    }

    fn resolve(&mut self, held: &[Held]) -> Result<()> {
        let own = if self.is_rejects { self.names.len() - REJECTS_COLUMNS.len() } else { self.names.len() };
        let mapped = self.mapped(own)?;
        let mut ranks = vec![0; own];
        for at in 0..own {
            self.fields[at] = match (&mapped[at], names::label_prefix(&self.names[at]), names::usual(&self.names[at])) {
                (Some(field), _, _) => field.clone(),
                (None, Some(key), _) => Field::Label(key),
                (None, None, Some((field, rank)))
                    if (field.may_repeat() || !mapped.contains(&Some(field.clone())))
                        && !(field == Field::Phone && held[at].is_no_phone()) =>
                {
                    ranks[at] = rank;
                    field
                }
                _ if self.may_forbid(&self.names[at], &held[at]) => Field::Unclear,
                _ if self.names[at].is_empty() => Field::Ignore,
                _ => label_to_be(),
            };
        }
        for (at, mapped) in mapped.iter().enumerate() {
            if self.fields[at] == Field::Unclear && mapped.is_none() && self.is_told_elsewhere(&self.names[at]) {
                self.fields[at] = label_to_be();
            }
        }
        self.refuse_unclear(held)?;
        self.choose_region(&mapped, held);
        self.choose_phone(&ranks)?;
        for at in (0..own).filter(|&at| mapped[at].is_none() && names::label_prefix(&self.names[at]).is_none()) {
            if matches!(self.fields[at], Field::Reason | Field::Source) {
                self.watches[at] = Watch::Reasons;
            }
            if !may_watch(&self.fields[at]) {
                continue;
            }
            self.watches[at] = self.watch_over(&self.names[at], &held[at]);
            // Neither the phone nor the region, though its name says so.
            let is_clear = matches!(self.watches[at], Watch::Nothing | Watch::Ends);
            if !is_clear && self.may_forbid(&self.names[at], &held[at]) {
                self.fields[at] = Field::Unclear;
            }
        }
        self.refuse_unclear(held)?;
        for at in 0..own {
            let twin = (0..at).find(|&before| self.fields[before] == self.fields[at]);
            if let Some(before) = twin.filter(|_| !self.fields[at].may_repeat()) {
                return Err(self.two(before, at));
            }
        }
        self.name_labels(0);
        self.check_label_wishes()
    }

    /// Whether a column that would be a label may say who wants no messages: by its name, by what it holds, or by both.
    fn may_forbid(&self, name: &str, held: &Held) -> bool {
        if self.is_wanted_label(name) || self.wishes.opt_outs {
            return false;
        }
        let by_name = consent::speaks_of_consent(name) && !consent::is_detail(name);
        let is_phone = || matches!(names::usual(name), Some((Field::Phone, _)));
        let is_answer = held.answers() && (is_made_up(name) || is_phone());
        let says_no = (held.says_no() || held.answers()) && is_about_messages(name);
        let speaks = by_name || held.refusal.is_some() || is_answer || says_no;
        held.has_speaking_object() || (speaks && !consent::of_another_channel(name))
    }

    /// Whether a column tells more of opt-outs that another column tells.
    fn is_told_elsewhere(&self, name: &str) -> bool {
        let tells = |field: &Field| matches!(field, Field::OptOut | Field::Date("opted_out_at"));
        consent::is_detail_of_an_end(name) && self.fields.iter().any(tells)
    }

    /// What to watch for in a column that nobody said to be a label.
    fn watch_over(&self, name: &str, held: &Held) -> Watch {
        let is_phone = || matches!(names::usual(name), Some((Field::Phone, _)));
        if self.is_wanted_label(name) || self.wishes.opt_outs {
            Watch::Nothing
        } else if consent::of_another_channel(name) {
            Watch::Objects
        } else if self.is_told_elsewhere(name) {
            Watch::Ends
        } else if is_about_messages(name) || (!held.is_known() && (is_made_up(name) || is_phone())) {
            Watch::Noes
        } else {
            Watch::Refusals
        }
    }

    /// Whether `--labels` names a column.
    fn is_wanted_label(&self, name: &str) -> bool {
        let key = names::label_key(name);
        self.wishes.labels.iter().flatten().any(|wish| wish.eq_ignore_ascii_case(name) || *wish == key)
    }

    /// An opt-out that would be a label stops the import before its first row.
    fn refuse_unclear(&self, held: &[Held]) -> Result<()> {
        let unclear: Vec<usize> = (0..held.len()).filter(|&at| self.fields[at] == Field::Unclear).collect();
        let Some(&first) = unclear.first() else { return Ok(()) };
        let told: Vec<String> = unclear
            .iter()
            .map(|&at| match &held[at].refusal {
                Some(refusal) => format!("'{}' (which holds '{}')", self.name(at), excerpt(refusal.as_bytes())),
                None => format!("'{}'", self.name(at)),
            })
            .collect();
        let what = if told.len() == 1 { "the column" } else { "each of the columns" };
        // As one can type it into a shell.
        let name =
            Some(self.name(first)).filter(|name| !name.contains('\'')).unwrap_or_else(|| format!("#{}", first + 1));
        let key = Some(names::label_key(&self.names[first])).filter(|key| !key.is_empty());
        let key = key.unwrap_or_else(|| format!("column_{}", first + 1));
        Err(Error::bad_arg(format!(
            "say how to read {what} {}, which may tell who wants no messages: --map '{name}=opted_out' if yes means out, \
             --map '{name}=opt_in' if yes means in, --map '{name}=status' for words like active and unsubscribed, \
             --map '{name}=opted_out_at' for dates, or --map '{name}=label.{key}' for a label that forbids nothing",
            told.join(", ")
        )))
    }

    /// The fields that `--map` gives to columns.
    fn mapped(&self, own: usize) -> Result<Vec<Option<Field>>> {
        let mut mapped = vec![None; own];
        for (column, word) in &self.wishes.map {
            let field = names::field(word).ok_or_else(|| {
                Error::bad_arg(format!("--map {column}={word}: no field '{word}': it is one of {}", names::words()))
            })?;
            let number = column.strip_prefix('#').and_then(|number| number.parse::<usize>().ok());
            let mut found: Vec<usize> = (0..own).filter(|&at| self.names[at] == *column).collect();
            if found.is_empty() {
                let same = |at: &usize| self.names[*at].eq_ignore_ascii_case(column);
                found = (0..own).filter(|at| same(at) || number == Some(at + 1)).collect();
            }
            match found[..] {
                [at] => mapped[at] = Some(field),
                [] => {
                    return Err(Error::bad_arg(format!(
                        "--map {column}={word}: there is no such column; there are {}",
                        self.list_names()
                    )));
                }
                _ => {
                    return Err(Error::bad_arg(format!(
                        "--map {column}={word}: several columns have this name; say which by its number, like --map '#{}={word}'",
                        found[0] + 1
                    )));
                }
            }
        }
        Ok(mapped)
    }

    /// A column of countries helps to read numbers only if it holds codes; "region" may well hold states, and some of them
    /// are codes of countries: CO, DE.
    fn choose_region(&mut self, mapped: &[Option<Field>], held: &[Held]) {
        let candidates: Vec<usize> = (0..mapped.len()).filter(|&at| self.fields[at] == Field::Region).collect();
        let by_option = candidates.iter().copied().find(|&at| mapped[at].is_some());
        let is_country = |at: &usize| self.names[*at].to_ascii_lowercase().contains("country");
        let fit = |at: &usize| held[*at].are_regions();
        let by_name = || {
            let countries = candidates.iter().copied().filter(is_country).find(fit);
            countries.or_else(|| candidates.iter().copied().find(fit)).filter(|_| !self.wishes.region)
        };
        let chosen = by_option.or_else(by_name);
        for at in candidates.into_iter().filter(|&at| Some(at) != chosen) {
            self.fields[at] = Field::Label(String::new());
            if chosen.is_none() && !self.wishes.region {
                self.warnings.push(format!(
                    "column '{}' holds more than two-letter country codes: it is a label, and says nothing about numbers without +; --region does",
                    excerpt(self.names[at].as_bytes())
                ));
            }
        }
    }

    fn choose_phone(&mut self, ranks: &[usize]) -> Result<()> {
        let candidates: Vec<usize> = (0..ranks.len()).filter(|&at| self.fields[at] == Field::Phone).collect();
        let Some(best) = candidates.iter().map(|&at| ranks[at]).min() else {
            return Err(Error::bad_arg(format!(
                "no column looks like the phone: say which with --map COLUMN=phone; there are {}",
                self.list_names()
            )));
        };
        let mut equals = candidates.iter().copied().filter(|&at| ranks[at] == best);
        if let (Some(one), Some(other)) = (equals.next(), equals.next()) {
            return Err(self.two(one, other));
        }
        for at in candidates.into_iter().filter(|&at| ranks[at] > best) {
            self.fields[at] = Field::Label(String::new());
        }
        Ok(())
    }

    fn two(&self, one: usize, other: usize) -> Error {
        let (field, name) = (self.fields[one].word(), &self.names[one]);
        let column = if *name == self.names[other] { format!("#{}", one + 1) } else { name.clone() };
        Error::bad_arg(format!(
            "the columns '{name}' and '{}' could both be the {field}: say which with --map '{column}={field}'",
            self.names[other]
        ))
    }

    /// Gives labels their keys, each its own, and drops those that are not wanted.
    fn name_labels(&mut self, from: usize) {
        let mut taken: HashSet<String> = self
            .fields
            .iter()
            .filter(|field| matches!(field, Field::Label(_)))
            .map(|field| field.word().into())
            .collect();
        for at in from..self.fields.len() {
            let Field::Label(key) = &mut self.fields[at] else { continue };
            if key.is_empty() {
                let cleaned = names::label_key(&self.names[at]);
                let base = if cleaned.is_empty() { format!("column_{}", at + 1) } else { cleaned };
                key.clone_from(&base);
                for copy in 2.. {
                    if taken.insert(key.clone()) {
                        break;
                    }
                    *key = format!("{}_{copy}", &base[..base.len().min(58)]);
                }
            }
            let wanted = |wish: &String| *wish == *key || wish.eq_ignore_ascii_case(&self.names[at]);
            if self.wishes.labels.as_ref().is_some_and(|wishes| !wishes.iter().any(wanted)) {
                self.fields[at] = Field::Ignore;
            }
        }
    }

    /// A misspelt label must not be lost in silence.
    fn check_label_wishes(&self) -> Result<()> {
        let is_there = |wish: &&String| {
            let named = |name: &String| name.eq_ignore_ascii_case(wish);
            self.names.iter().any(named) || self.fields.contains(&Field::Label((*wish).clone()))
        };
        match self.wishes.labels.iter().flatten().find(|wish| !is_there(wish)) {
            None => Ok(()),
            Some(wish) => Err(Error::bad_arg(format!(
                "--labels {wish}: there is no such column; there are {}",
                self.list_names()
            ))),
        }
    }

    fn list_names(&self) -> String {
        let names: Vec<String> = self.names.iter().map(|name| format!("'{}'", excerpt(name.as_bytes()))).collect();
        names.join(", ")
    }
}

/// A label that has no key yet.
fn label_to_be() -> Field {
    Field::Label(String::new())
}

/// Whether a cell of such a column says nothing of consent.
fn may_watch(field: &Field) -> bool {
    matches!(field, Field::Label(_) | Field::Ignore)
}

/// Whether a no under a heading may refuse messages.
fn is_about_messages(name: &str) -> bool {
    consent::speaks_of_messages(name) || consent::speaks_of_consent(name)
}

/// Whether a column has no heading, or one that was made up for it.
fn is_made_up(name: &str) -> bool {
    let number = name.strip_prefix("column_").unwrap_or(name);
    number.bytes().all(|byte| byte.is_ascii_digit())
        && number.len() < 6
        && (name.is_empty() || number.len() < name.len())
}

#[cfg(test)]
mod tests;
