//! The form that asks what the columns of a file are: what it shows, and what it sends.
//!
//! It sends `c3` for what the fourth column is, `v3.0` for what the first of its values means, and `rest` for what all columns
//! are that are still open. `d3` is what stands first in its dates.

use super::{Answers, words};
use crate::console::act::Fields;
use crate::console::words::counted;
use crate::error::{Error, Result};
use crate::import::columns::Why;
use crate::import::columns::day_order::DayOrder;
use crate::import::columns::field::Field;
use crate::import::columns::question::Question;
use crate::import::columns::status::{self, Said};
use crate::import::{AllAre, Mapping, Sheet, choices};
use crate::model::change::RowStatus;

/// A column, as a person sees it.
pub struct Column {
    /// The name of its select.
    pub field: String,
    /// The heading as it stands.
    pub name: String,
    pub number: usize,
    pub holds: String,
    pub why: &'static str,
    /// What has to be said; "" where nothing has.
    pub question: &'static str,
    /// Whether contactd itself has written it behind rejected rows.
    pub is_of_rejects: bool,
    pub choices: Vec<Choice>,
    pub others: Vec<Choice>,
    pub words: Vec<Word>,
    pub days: Option<Days>,
}

/// Dates like 4/3/2026, of which somebody says what stands first.
pub struct Days {
    /// The name of the select.
    pub field: String,
    /// What they say themselves.
    pub told: String,
    pub is_open: bool,
    pub choices: Vec<Choice>,
}

/// A line of a select.
pub struct Choice {
    pub value: String,
    pub words: String,
    pub is_chosen: bool,
}

/// A word of a column that says who wants messages, and what it means.
pub struct Word {
    /// The name of its select.
    pub field: String,
    pub value: String,
    pub rows: String,
    pub is_open: bool,
    pub choices: Vec<Choice>,
}

/// What the form sends where no row is a title of those below it.
pub const NO_SECTIONS: &str = "none";
/// The number of a blank cell among the words of a column.
const BLANK: &str = "blank";

/// What a select sends for a label whose key follows from its heading.
const LABEL: &str = "label";

/// What must be said before a file can be imported, and whether the list must be.
pub fn questions(sheet: &Sheet) -> (Vec<Question>, bool) {
    (sheet.questions(true), sheet.list().is_err())
}

/// The columns of a file, of which the questions are some.
pub fn columns(sheet: &Sheet, questions: &[Question]) -> Vec<Column> {
    let mapping = sheet.mapping();
    let question = |at: usize| {
        let is_of = |question: &&Question| match question {
            Question::Column(of) | Question::Values(of) | Question::Value(of, ..) | Question::Days(of) => *of == at,
            _ => false,
        };
        match questions.iter().find(is_of) {
            Some(Question::Column(_)) => "Say what this is.",
            Some(Question::Values(_)) => "It has too many different values for this: choose something else.",
            Some(Question::Days(_)) => "Say whether the month or the day stands first.",
            Some(_) => "Say what each word means.",
            None => "",
        }
    };
    let columns = sheet.survey().columns().iter().enumerate();
    columns
        .map(|(at, held)| {
            let (field, why) = (sheet.columns().field(at), sheet.columns().why(at));
            Column {
                field: format!("c{at}"),
                name: held.name.clone(),
                number: at + 1,
                holds: sheet.describe().holds(at),
                why: words::why(why),
                question: question(at),
                is_of_rejects: sheet.columns().is_of_rejects(at),
                choices: choices::COLUMN.iter().map(|(_, choice, words)| self::choice(choice, words, field)).collect(),
                others: words::other_fields()
                    .into_iter()
                    .map(|(value, words)| Choice { is_chosen: value == word(field), value, words })
                    .collect(),
                words: explained(sheet, at, &mapping),
                days: held.of_days().filter(|_| field.has_dates()).map(|told| days(sheet, at, told)),
            }
        })
        .collect()
}

fn choice(choice: &Field, words: &str, chosen: &Field) -> Choice {
    match (choice, chosen) {
        (Field::Label(_), Field::Label(key)) => {
            Choice { value: word(chosen), words: format!("{words}: {key}"), is_chosen: true }
        }
        _ => Choice { value: word(choice), words: words.to_owned(), is_chosen: choice == chosen },
    }
}

fn days(sheet: &Sheet, at: usize, told: String) -> Days {
    let said = sheet.columns().words(at).order();
    let choices = choices::DAYS.iter().map(|(_, order, words)| Choice {
        value: order.word().to_owned(),
        words: (*words).to_owned(),
        is_chosen: said == Some(*order),
    });
    Days { field: format!("d{at}"), told, is_open: said.is_none(), choices: choices.collect() }
}

/// What a no can mean in a column of consents: the first unless somebody says otherwise.
const NO: [(Said, &str); 2] = [
    (Said::NoConsent, "never agreed: not put on the list"),
    (Said::Status(RowStatus::OptedOut), "opted out of the list"),
];

/// The words of a column that nobody knows, those that somebody has explained, and each no of a column of consents.
fn explained(sheet: &Sheet, at: usize, mapping: &Mapping) -> Vec<Word> {
    let columns = sheet.columns();
    if !columns.field(at).has_words() {
        return Vec::new();
    }
    let unknown = columns.unknown_values(at, sheet.survey()).unwrap_or_default();
    let name = columns.signed_name(at);
    let said = mapping.columns().iter().find(|column| column.name == name);
    let blanks = columns.unknown_blanks(at, sheet.survey());
    let word = |number: String, value: &str, rows: u64| {
        let meaning = said.and_then(|said| said.values.iter().find(|(known, _)| known == value));
        let is_open = unknown.iter().any(|(open, _)| *open == value) || (value.is_empty() && blanks.is_some());
        let is_no = *columns.field(at) == Field::Consent && status::yes_or_no(value) == Some(false);
        let usual: Vec<(Said, &str)> = choices::VALUE.iter().map(|(_, choice, words)| (*choice, *words)).collect();
        let meaning = meaning.map(|(_, said)| *said).or(is_no.then_some(Said::NoConsent));
        (is_open || meaning.is_some()).then(|| Word {
            field: format!("v{at}.{number}"),
            value: value.to_owned(),
            rows: counted(rows, "row"),
            is_open,
            choices: if is_no { &NO[..] } else { &usual }
                .iter()
                .map(|(choice, words)| Choice {
                    value: choice.word().to_owned(),
                    words: (*words).to_owned(),
                    is_chosen: meaning == Some(*choice),
                })
                .collect(),
        })
    };
    let held = &sheet.survey().columns()[at];
    let blank = word(BLANK.to_owned(), "", blanks.unwrap_or_default());
    let values = held.values().unwrap_or_default().into_iter().enumerate();
    blank
        .into_iter()
        .chain(values.filter_map(|(number, (value, rows))| word(number.to_string(), value, rows)))
        .collect()
}

/// What a select sends for a field; "" for none.
fn word(field: &Field) -> String {
    match field {
        Field::Label(key) if key.is_empty() => LABEL.to_owned(),
        Field::Label(key) => format!("label.{key}"),
        Field::Unclear => String::new(),
        field => field.word().to_owned(),
    }
}

fn field(word: &str) -> Result<Field> {
    if word == LABEL {
        return Ok(Field::Label(String::new()));
    }
    Field::parse(word).ok_or_else(|| Error::bad_arg("a column was given a meaning that there is not"))
}

/// What the form says of the file as a whole.
pub fn answers(fields: &Fields) -> Result<Answers> {
    let all_are = match fields.get("as") {
        "" => None,
        word => Some(AllAre::parse(word).ok_or_else(|| Error::bad_arg("rows cannot be that"))?),
    };
    let get = |name: &str| fields.get(name).to_owned();
    Ok(Answers {
        list: get("list"),
        region: get("region"),
        all_are,
        has_no_sections: fields.get("sections") == NO_SECTIONS,
        source: get("source"),
        encoding: get("encoding"),
        phone: get("phone"),
    })
}

/// What the form says of the columns. What a person leaves as it was read is not said, so that it may still be read otherwise.
pub fn mapping(sheet: &Sheet, fields: &Fields) -> Result<Mapping> {
    let columns = sheet.columns();
    let mut mapping = Mapping::default();
    for (at, held) in sheet.survey().columns().iter().enumerate() {
        if columns.is_of_rejects(at) {
            continue;
        }
        let (name, current) = (columns.signed_name(at), columns.field(at));
        let chosen = match fields.get(&format!("c{at}")) {
            "" if *current == Field::Unclear => fields.get("rest"),
            chosen => chosen,
        };
        let chosen = if chosen.is_empty() { current.clone() } else { field(chosen)? };
        if chosen == Field::Unclear {
            continue;
        }
        if chosen != *current || columns.why(at) == Why::Mapping {
            mapping.set(&name, chosen.clone());
        }
        if let Some(order) = DayOrder::parse(fields.get(&format!("d{at}"))).filter(|_| chosen.has_dates()) {
            mapping.set(&name, chosen.clone());
            mapping.order_days(&name, order)?;
        }
        let values = held.values().filter(|_| chosen.has_words()).unwrap_or_default();
        let values = values.iter().enumerate().map(|(number, (value, _))| (number.to_string(), *value));
        for (number, value) in values.chain(chosen.has_words().then(|| (BLANK.to_owned(), ""))) {
            if let Some(said) = Said::parse(fields.get(&format!("v{at}.{number}"))) {
                mapping.set(&name, chosen.clone());
                mapping.explain(&name, value, said)?;
            }
        }
    }
    Ok(mapping)
}
