//! The dialogue with a person at a terminal: what are these columns, and what do these words mean?

use std::io::{BufRead, Write};

use crate::error::{Error, Result, excerpt, long_excerpt};
use crate::import::choices::{COLUMN, Choice, DAYS, ROWS, VALUE};
use crate::import::columns::field::Field;
use crate::import::columns::heading::is_for_all;
use crate::import::{AllAre, Mapping, Question, Sheet};

/// What a title between the rows can be.
const SECTION: [(&str, Answer<Below>, &str); 4] = [
    ("o", Answer::Is(Below::All(AllAre::Optout)), "opt-outs, all rows of the file"),
    ("i", Answer::Is(Below::All(AllAre::Invalid)), "numbers that do not exist, all rows of the file"),
    ("n", Answer::Is(Below::NoSections), "neither it nor any other such line says who wants messages"),
    ("q", Answer::Quit, "quit, to make a file of its own of the rows below it"),
];

/// What the answer for all says.
const ALL_LABELS: &str = "labels: this one and all that follow, but for those that may say who wants messages";

/// What the rows below a title are.
#[derive(Clone, Copy, PartialEq)]
enum Below {
    All(AllAre),
    NoSections,
}

/// What a person chose of several.
#[derive(Clone, PartialEq)]
enum Answer<T> {
    Is(T),
    AllLabels,
    Quit,
}

/// Asks until nothing is open. Gives all that is known of the columns then; none if the person quits.
pub fn settle(sheet: &mut Sheet, input: &mut dyn BufRead, out: &mut dyn Write) -> Result<Option<Mapping>> {
    let mut dialogue = Dialogue { input, out, mapping: sheet.mapping(), are_labels: false };
    if let Some(warning) = sheet.warning() {
        dialogue.say(&format!("warning: {warning}"))?;
    }
    while let Some(question) = next(sheet) {
        let before = dialogue.mapping.clone();
        if !dialogue.ask(sheet, &question)? {
            return Ok(None);
        }
        if dialogue.are_labels {
            sheet.label_all();
        }
        if let Err(why) = sheet.answer(dialogue.mapping.clone()) {
            dialogue.say(&format!("That does not fit: {}", why.message))?;
            dialogue.mapping = before;
        }
    }
    sheet.complete(&mut dialogue.mapping)?;
    Ok(Some(dialogue.mapping))
}

/// What to ask next: first what the rows are, then what the words of the column mean of which was just spoken.
fn next(sheet: &Sheet) -> Option<Question> {
    let rank = |question: &Question| match question {
        Question::Rows(_) | Question::Section(..) => 0,
        Question::Value(..) | Question::Values(_) | Question::Days(_) => 1,
        _ => 2,
    };
    sheet.questions(true).into_iter().min_by_key(rank)
}

struct Dialogue<'d> {
    input: &'d mut dyn BufRead,
    out: &'d mut dyn Write,
    mapping: Mapping,
    /// Every column that nobody named becomes a label, as `--labels '*'` says.
    are_labels: bool,
}

impl Dialogue<'_> {
    /// Asks one question, and puts the answer into the mapping. False when the person quits.
    fn ask(&mut self, sheet: &Sheet, question: &Question) -> Result<bool> {
        let columns = sheet.columns();
        match question {
            Question::Rows(word) => {
                let word = long_excerpt(word.as_bytes());
                self.say(&format!(
                    "\n'{word}' speaks of people who want no messages, or of numbers that do not exist. What are the rows?"
                ))?;
                let Answer::Is(all_are) = self.choose(&answers(&ROWS))? else { return Ok(false) };
                self.mapping.all_are = Some(all_are);
                Ok(true)
            }
            Question::Consent(name) => {
                let name = long_excerpt(name.as_bytes());
                self.say(&format!(
                    "\nNo column says who consented, and the name '{name}' does not either. What are the rows?"
                ))?;
                let Answer::Is(all_are) = self.choose(&answers(&ROWS))? else { return Ok(false) };
                self.mapping.all_are = Some(all_are);
                Ok(true)
            }
            Question::Section(section) => {
                let (line, title) = (section.line, long_excerpt(section.title.as_bytes()));
                let beside = section.beside();
                self.say(&format!(
                    "\nWhat does '{title}' in line {line} say of the rows around it? What are the rows?{beside}"
                ))?;
                match self.choose(&SECTION)? {
                    Answer::Is(Below::All(all_are)) => self.mapping.all_are = Some(all_are),
                    Answer::Is(Below::NoSections) => self.mapping.has_no_sections = true,
                    Answer::AllLabels | Answer::Quit => return Ok(false),
                }
                Ok(true)
            }
            Question::Column(at) | Question::Values(at) => {
                let rows = sheet.describe().rows();
                self.say(&format!(
                    "\nThe column '{}' holds, in {rows}:\n  {}\nWhat is it?",
                    columns.name(*at),
                    sheet.describe().holds(*at)
                ))?;
                let mut choices = answers(&COLUMN);
                if !self.are_labels {
                    choices.insert(1, ("L", Answer::AllLabels, ALL_LABELS));
                }
                let mut answer = self.choose(&choices)?;
                if answer == Answer::AllLabels && !is_for_all(&sheet.survey().columns()[*at]) {
                    self.are_labels = true;
                    self.say("All that follow; but this one may say who wants messages. What is it?")?;
                    choices.retain(|(_, answer, _)| *answer != Answer::AllLabels);
                    answer = self.choose(&choices)?;
                }
                self.take(sheet, question, answer)
            }
            Question::Value(at, value, rows) => {
                let (name, value_shown) = (columns.name(*at), excerpt(value.as_bytes()));
                let signed = columns.signed_name(*at);
                let said = if value.is_empty() { "A blank cell".to_owned() } else { format!("'{value_shown}'") };
                self.say(&format!(
                    "\n{said} in '{name}' ({rows} in {}) says that the person is …",
                    sheet.describe().rows()
                ))?;
                let Answer::Is(said) = self.choose(&answers(&VALUE))? else { return Ok(false) };
                self.mapping.set(&signed, columns.field(*at).clone());
                if let Err(why) = self.mapping.explain(&signed, value, said) {
                    self.say(&why.message)?;
                }
                Ok(true)
            }
            Question::Days(at) => {
                let told = sheet.survey().columns()[*at].of_days().unwrap_or_default();
                self.say(&format!("\nThe column '{}' has {told}. What are they?", columns.name(*at)))?;
                let Answer::Is(order) = self.choose(&answers(&DAYS))? else { return Ok(false) };
                let signed = columns.signed_name(*at);
                self.mapping.set(&signed, columns.field(*at).clone());
                self.mapping.order_days(&signed, order)?;
                Ok(true)
            }
            Question::Phone => {
                let names: Vec<String> = (0..columns.len()).map(|at| format!("'{}'", columns.name(at))).collect();
                self.say(&format!("\nWhich column is the phone: {}? Its heading, or q to quit:", names.join(", ")))?;
                match self.line()? {
                    Some(name) if name != "q" => {
                        self.mapping.set(&name, Field::Phone);
                        Ok(true)
                    }
                    _ => Ok(false),
                }
            }
            Question::Labels(many) => self.choose_labels(sheet, *many),
        }
    }

    fn take(&mut self, sheet: &Sheet, question: &Question, answer: Answer<Field>) -> Result<bool> {
        let (Question::Column(at) | Question::Values(at)) = question else { return Ok(true) };
        let field = match answer {
            Answer::Quit => return Ok(false),
            Answer::Is(field) => field,
            Answer::AllLabels => {
                self.are_labels = true;
                return Ok(true);
            }
        };
        self.mapping.set(&sheet.columns().signed_name(*at), field);
        Ok(true)
    }

    fn choose_labels(&mut self, sheet: &Sheet, many: usize) -> Result<bool> {
        let columns = sheet.columns();
        self.say(&format!(
            "\n{many} columns would be labels, and a contact can have 64. Which ones? Their headings with commas between \
             them, or q to quit; the others are ignored:"
        ))?;
        let wanted = match self.line()? {
            Some(line) if line != "q" => line,
            _ => return Ok(false),
        };
        let wanted: Vec<&str> = wanted.split(',').map(str::trim).collect();
        for at in 0..columns.len() {
            let name = columns.name(at);
            if matches!(columns.field(at), Field::Label(_)) && !wanted.contains(&name.as_str()) {
                self.mapping.set(&columns.signed_name(at), Field::Ignore);
            }
        }
        Ok(true)
    }

    /// Has a person choose one of several. The end of the input quits.
    fn choose<T: Clone>(&mut self, choices: &[(&str, Answer<T>, &str)]) -> Result<Answer<T>> {
        for (key, _, what) in choices {
            self.say(&format!("  {key}  {what}"))?;
        }
        loop {
            write!(self.out, "> ").and_then(|()| self.out.flush()).map_err(Error::internal)?;
            let Some(line) = self.line()? else { return Ok(Answer::Quit) };
            if let Some((_, answer, _)) = choices.iter().find(|(key, ..)| *key == line) {
                return Ok(answer.clone());
            }
            let keys: Vec<&str> = choices.iter().map(|(key, ..)| *key).collect();
            self.say(&format!("One of {}, please.", keys.join(" ")))?;
        }
    }

    fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        let bytes = self.input.read_line(&mut line).map_err(Error::internal)?;
        Ok(if bytes == 0 { None } else { Some(line.trim().to_owned()) })
    }

    fn say(&mut self, text: &str) -> Result<()> {
        writeln!(self.out, "{text}").map_err(Error::internal)
    }
}

/// The choices, and the way out.
fn answers<T: Clone>(choices: &[Choice<T>]) -> Vec<(&'static str, Answer<T>, &'static str)> {
    let choices = choices.iter().map(|(key, choice, words)| (*key, Answer::Is(choice.clone()), *words));
    choices.chain([("q", Answer::Quit, "quit")]).collect()
}
