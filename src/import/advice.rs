//! What to say on the command line where a file leaves questions open.

use std::fmt::Write as _;

use super::columns::field::Field;
use super::columns::heading::is_for_all;
use super::columns::mapping::{self, MADE_UP};
use super::columns::question::Question;
use super::columns::sections::Section;
use super::columns::status::Said;
use super::columns::survey::FEW;
use super::columns::{Columns, Why, names, survey::Survey};
use super::describe::Description;
use crate::counted::counted;
use crate::error::{excerpt, long_excerpt};
use crate::limits::LABELS_MAX;
use crate::model::phone::{Region, normalize};
use crate::model::plain_refusal::title::says_without;

/// A file that leaves questions open, for a person who is not there to answer them.
pub struct Advice<'s> {
    pub columns: &'s Columns,
    pub survey: &'s Survey,
    pub region: Option<Region>,
    pub questions: &'s [Question],
    pub description: Description<'s>,
}

impl Advice<'_> {
    /// What is not known, how the file is read, and the command that says the rest. `command` is the one that was given.
    pub fn text(&self, command: &str) -> String {
        let mut text = "nothing was imported, since this must be said first:\n".to_owned();
        let unknown = self.unknown();
        let names = self.names_of(&unknown);
        if !names.is_empty() {
            let what = if names.len() == 1 { "what is the column" } else { "what are the columns" };
            put(&mut text, format_args!("\n* {what} {}?", names.join(", ")));
        }
        for question in self.questions {
            match question {
                Question::Column(at) => self.put_open_label(*at, &mut text),
                Question::Rows(word) => put(
                    &mut text,
                    format_args!(
                        "\n* what are the rows, since '{}' speaks of people who want no messages, or of numbers that do not \
                         exist? --as optout: opt-outs, whatever the columns say; --as invalid: numbers that do not exist; \
                         --as subscribe: subscribers, as the columns say",
                        long_excerpt(word.as_bytes())
                    ),
                ),
                Question::Consent(name) => put(
                    &mut text,
                    format_args!(
                        "\n* what are the rows, since no column says who consented, and the name '{}' does not either? \
                         --as subscribe: subscribers; --as optout: opt-outs; --as invalid: numbers that do not exist",
                        long_excerpt(name.as_bytes())
                    ),
                ),
                Question::Section(section) => put(&mut text, format_args!("\n* {}", may_be_a_title(section))),
                Question::Value(at, value, rows) if value.is_empty() => put(
                    &mut text,
                    format_args!(
                        "\n* what does a blank cell mean in the column '{}' ({})? --blank {}, or one of {}",
                        self.columns.name(*at),
                        counted(*rows, "row"),
                        quote(&format!("{}=no_consent", self.columns.name(*at))),
                        Said::words()
                    ),
                ),
                Question::Value(at, value, rows) => put(
                    &mut text,
                    format_args!(
                        "\n* what does '{}' mean in the column '{}' ({})? Add it to the mapping file, under \
                         [values.\"{}\"]: {}",
                        excerpt(value.as_bytes()),
                        self.columns.name(*at),
                        counted(*rows, "row"),
                        excerpt(self.columns.signed_name(*at).as_bytes()),
                        Said::words()
                    ),
                ),
                Question::Values(at) => put(
                    &mut text,
                    format_args!(
                        "\n* is the column '{}' {}? It has too many different values for that",
                        self.columns.name(*at),
                        self.columns.field(*at).word()
                    ),
                ),
                Question::Days(at) => put(
                    &mut text,
                    format_args!(
                        "\n* what stands first in the dates of the column '{}' ({}): --map {} if it is the month, :dmy if it is \
                         the day",
                        self.columns.name(*at),
                        self.survey.columns()[*at].of_days().unwrap_or_default(),
                        quote(&format!("{}={}:mdy", self.columns.name(*at), self.columns.field(*at).word())),
                    ),
                ),
                Question::Phone => text.push_str("\n* which column is the phone? --map 'COLUMN=phone'"),
                Question::Labels(many) => put(&mut text, format_args!("\n* {}", too_many(*many))),
            }
        }
        put(&mut text, format_args!("\n\n{}", self.description));
        let options = self.options();
        if !options.is_empty() {
            put(&mut text, format_args!("\nSay it like this:\n\n  {command} {}\n", options.join(" ")));
        }
        if !unknown.is_empty() {
            text.push_str(
                "\nIn place of a ? write what the column is: label.KEY for a label, which forbids nothing; opted_out if yes \
                 means out; opt_in if yes means in; status for words like active and unsubscribed; opted_out_at for dates of \
                 opt-outs; phone; region for countries; or ignore. What contactd takes for a refusal in a label or in a column that is \
                 ignored rejects its row all the same; what it calls nearest to a refusal does not, and is yours to judge. If you \
                 have read the column, unread passes it over. If you have looked at all of them, --labels '*' makes labels of \
                 those that nothing else names, and --map '*=ignore' ignores them, but for columns of phones, of dates, of three \
                 different values or fewer, and with headings that speak of refusals, since these may say who wants no messages: \
                 name them. On a terminal contactd \
                 import asks what each column is, and what its words mean in another language; it keeps the answers for \
                 --mapping.\n",
            );
        }
        text
    }

    /// What the columns are called of which nobody has said anything.
    fn names_of(&self, unknown: &[usize]) -> Vec<String> {
        let is_open = |at: &&usize| self.columns.why(**at) != Why::LabelsOfAnswers;
        unknown.iter().filter(is_open).map(|&at| format!("'{}'", self.columns.name(at))).collect()
    }

    /// What is open of a column of yes and no that was listed among labels.
    fn put_open_label(&self, at: usize, text: &mut String) {
        if self.columns.why(at) != Why::LabelsOfAnswers {
            return;
        }
        let name = self.columns.name(at);
        put(
            text,
            format_args!(
                "\n* yes and no stand in '{name}': to what question? If a no there means that somebody wants no messages, \
                 --map {}; if a yes there means that, --map {}; if neither does, --map {}",
                quote(&format!("{name}=opt_in")),
                quote(&format!("{name}=opted_out")),
                quote(&format!("{name}=label.{}", self.key(at))),
            ),
        );
    }

    /// The key of a column as a label.
    fn key(&self, at: usize) -> String {
        let key = names::label_key(&self.survey.columns()[at].name);
        if key.is_empty() { format!("{MADE_UP}{}", at + 1) } else { key }
    }

    fn unknown(&self) -> Vec<usize> {
        let unknown = |question: &Question| if let Question::Column(at) = question { Some(*at) } else { None };
        self.questions.iter().filter_map(unknown).collect()
    }

    /// The options to add. What may be an answer to a question about messages has a `?`, so that nobody pastes it unread.
    fn options(&self) -> Vec<String> {
        let mut options = Vec::new();
        if self.questions.iter().any(|question| matches!(question, Question::Rows(_))) {
            // Who is in "customers minus optouts" is a question.
            let says_without = |question: &Question| matches!(question, Question::Rows(word) if says_without(word));
            let is_open = self.questions.iter().any(says_without);
            options.push(if is_open { "--as '?'" } else { "--as optout" }.to_owned());
        }
        if self.questions.iter().any(|question| matches!(question, Question::Consent(_))) {
            options.push("--as '?'".to_owned());
        }
        let unknown = self.unknown();
        let phones: Vec<usize> = unknown.iter().copied().filter(|&at| self.are_phones(at)).collect();
        let phone = phones.first().filter(|_| phones.len() == 1 && !self.columns.has(&Field::Phone));
        let mut labels = Vec::new();
        let mut maps = Vec::new();
        for &at in &unknown {
            let name = self.columns.name(at);
            if Some(&at) == phone {
                maps.push(format!("--map {}", quote(&format!("{name}=phone"))));
            } else if self.is_text(at) {
                labels.push(if name.contains(',') { format!("#{}", at + 1) } else { name });
            } else {
                maps.push(format!("--map {}", quote(&format!("{name}=?"))));
            }
        }
        if labels.len() > LABELS_MAX {
            labels = vec!["?".to_owned()];
        }
        if !labels.is_empty() {
            options.push(format!("--labels {}", quote(&labels.join(","))));
        }
        options.extend(maps);
        options
    }

    /// Whether a column has another text in nearly each row, as names do. Answers repeat, and dates of opt-outs are rare.
    fn is_text(&self, at: usize) -> bool {
        let held = &self.survey.columns()[at];
        let many = held.values().is_none_or(|values| values.len() > FEW);
        many && held.filled * 10 >= self.survey.rows * 9 && is_for_all(held) && !names::label_key(&held.name).is_empty()
    }

    fn are_phones(&self, at: usize) -> bool {
        let samples = self.survey.columns()[at].samples();
        !samples.is_empty() && samples.iter().all(|sample| normalize(sample, self.region).is_ok())
    }
}

/// How one says off a terminal what the words mean that nobody knows, as a line to paste; none where all are known.
pub fn of_words(columns: &Columns, survey: &Survey) -> Option<String> {
    // Of the first such column: a second table of columns would be another file.
    let unknown =
        |at: usize| columns.unknown_values(at, survey).filter(|words| !words.is_empty()).map(|words| (at, words));
    let (at, words) = (0..columns.len()).find_map(unknown)?;
    let name = mapping::quoted(&columns.signed_name(at));
    let head =
        ["[columns]".to_owned(), format!("{name} = \"{}\"", columns.field(at).word()), format!("[values.{name}]")];
    let values = words.iter().take(FEW).map(|(word, _)| format!("{} = \"?\"", mapping::quoted(word)));
    let lines: Vec<String> = head.into_iter().chain(values).map(|line| quote(&line)).collect();
    Some(format!(
        "; such a mapping is made so, with one of {} for each ?, and the same command takes it with --mapping words.toml:\n\n  \
         printf '%s\\n' {} > words.toml\n",
        Said::words(),
        lines.join(" ")
    ))
}

/// A line that may be the title of the rows around it.
fn may_be_a_title(section: &Section) -> String {
    format!(
        "what does line {}, '{}', say of the rows around it? If they want no messages, make a file of its own of them, or say what \
         all rows are with --as optout or --as invalid; --no-sections if it says nothing of who wants messages.{}",
        section.line,
        long_excerpt(section.title.as_bytes()),
        section.beside()
    )
}

/// More labels than a contact can have.
fn too_many(many: usize) -> String {
    format!(
        "{many} columns would be labels, a contact has at most {LABELS_MAX}: say which with --labels a,b,c, and ignore the \
         others with --map '*=ignore'"
    )
}

/// A word as one types it into a shell.
pub fn quote(word: &str) -> String {
    let is_plain = |char: char| char.is_ascii_alphanumeric() || "+-_./:,=@%".contains(char);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

fn put(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::columns::Wishes;

    #[test]
    fn words_of_a_status_that_nobody_knows_come_with_a_mapping_to_paste() {
        let told = |words: &[&str]| {
            let mut survey = Survey::of_header(["phone", "status"].into_iter());
            for word in words {
                survey.see([(0, "+14155550101"), (1, *word)].into_iter());
            }
            of_words(&Columns::of_table(&survey, Wishes::default()).expect("columns"), &survey)
        };
        assert_eq!(told(&["active", "unsubscribed"]), None);
        let lines = told(&["active", "sospeso"]).expect("a proposal");
        assert!(lines.contains("printf '%s\\n' '[columns]'") && lines.contains("'\"sospeso\" = \"?\"'"), "{lines}");
    }

    #[test]
    fn words_for_a_shell() {
        for (word, quoted) in
            [("a=b", "a=b"), ("", "''"), ("Cell No=?", "'Cell No=?'"), ("it's", "'it'\\''s'"), ("*", "'*'")]
        {
            assert_eq!(quote(word), quoted);
        }
    }
}
