//! What an import says to a person in a browser, where [`crate::import`] speaks of options of the command line.

use crate::console::words::{Verdict, grouped};
use crate::import::Report;
use crate::import::columns::Why;
use crate::import::columns::field::Field;
use crate::import::columns::question::Question;
use crate::limits::LABELS_MAX;

/// Why a column is read as it is.
pub fn why(why: Why) -> &'static str {
    match why {
        Why::KnownName => "its heading is known",
        Why::LabelName => "its heading begins with label.",
        Why::Labels | Why::AllLabels | Why::AllIgnored | Why::Map | Why::Mapping => "you said so",
        Why::As => "all rows are the same",
        Why::Rejects => "contactd wrote it",
        Why::Empty => "it is empty",
        Why::Nobody => "nobody has said yet",
        Why::LabelsOfAnswers => "yes and no: to what?",
    }
}

/// A field that has no words of its own among the choices.
pub fn field(word: &str) -> String {
    match word {
        "other_phone" => "another phone of the same person".to_owned(),
        "list" => "the list of the row".to_owned(),
        "suppressed_at" => "dates since when somebody is held back".to_owned(),
        "invalid_at" => "dates since when the number does not exist".to_owned(),
        "created_at" => "dates when the contact came in".to_owned(),
        "source" => "where the row comes from".to_owned(),
        "how" => "how the contact subscribed".to_owned(),
        "reason" => "why somebody is out or held back".to_owned(),
        word => word.replace('_', " "),
    }
}

/// A question about the file as a whole.
pub fn question(question: &Question) -> Option<String> {
    match question {
        Question::Phone => Some("Which column is the phone? Choose it below.".to_owned()),
        Question::Consent(name) => Some(format!(
            "No column says who consented, and the name “{name}” does not either. Say under “The rows are” what they are."
        )),
        Question::Section(section) => Some(format!(
            "What does “{}” in line {} say of the rows around it? If they want no messages, make a file of its own of them, or say \
             under “The rows are” what all rows are. If it says nothing of who wants messages, say so under “Lines that are no rows”.{}",
            section.title,
            section.line,
            section.beside()
        )),
        Question::Labels(many) => Some(format!(
            "{many} columns would be labels, and a contact has at most {LABELS_MAX}. Choose “not used” for the others."
        )),
        _ => None,
    }
}

/// What a person can do about a row that was rejected; where nothing is said here, the report says it.
pub fn refusal(code: &str) -> Option<&'static str> {
    Some(match code {
        "section" => {
            "a line between the rows speaks of people who want no messages: make a file of its own of the rows below it, or say above what all rows are"
        }
        "consent_blank" => {
            "the column that says who consented is blank in this row: fill it, or say above what a blank cell means"
        }
        "bad_date" => {
            "a date that cannot be read: write it like 2026-05-01 or 2026-05-01T12:00:00Z; of dates like 4/3/2026, say above whether the month or the day stands first; or choose a label for the column"
        }
        "country_unclear" => {
            "whose number it is cannot be known: write + and the country code before the number, or import these rows on their own, with their country"
        }
        "bad_how" => "how somebody subscribed must be api, import, journey or keyword: correct it, or choose a label",
        "bad_list" => "not the number of a list: correct it, or choose a label for its column and a list for all rows",
        "no_list" => "the row does not name a list: fill the cell, or choose a list for such rows",
        "unknown_list" => "there is no such list: create it under Sending Lists, then import the rejected rows",
        "unknown_status" => {
            "a word for a status that nobody knows: write active, opted_out, suppressed or invalid, or say what it means"
        }
        "unknown_column" => {
            "the row has a column that the first rows do not have: import the rejected rows, and say what it is"
        }
        "maybe_optout" => {
            "a label or the reason says that the person wants no messages: if so, import the rejected rows as opt-outs; if not, correct the label or do not use its column"
        }
        "no_consent" => "these people did not agree: they are not put on the list. Leave it so",
        "yes_and_no" => {
            "rows of the same phone say different things, and one that the person did not agree, or words that may refuse messages: that counts, and opts the phone out of the list"
        }
        "other_row" => {
            "another row of the same phone is rejected, and may say that the person wants no messages: correct that row, then import both"
        }
        "not_utf8" => {
            "the row is not UTF-8 where somebody may have written who wants no messages: say above in which encoding the file is"
        }
        _ => return None,
    })
}

/// What stands against the subscription of a row.
pub fn kept(reason: &str) -> &'static str {
    match reason {
        "erased" => "erased, of whom nothing is kept but the opt-out",
        reason => Verdict::new(reason).text.trim_start_matches("no: "),
    }
}

/// A reason for which rows were rejected.
pub struct Refused {
    pub rows: String,
    pub code: &'static str,
    /// What to do.
    pub advice: String,
    /// In which columns the cells are that are meant, and what stands in some of them.
    pub cells: Vec<String>,
}

/// Reasons for which rows were rejected, the most frequent first.
pub fn refusals(report: &Report) -> Vec<Refused> {
    let mut rejected: Vec<_> = report.rejected.iter().collect();
    rejected.sort_by_key(|(_, rejected)| std::cmp::Reverse(rejected.rows));
    let told = rejected.into_iter().map(|(code, rejected)| {
        let cells = report.told_cells(rejected, ['“', '”']).into_iter();
        Refused {
            rows: grouped(rejected.rows),
            code,
            advice: refusal(code).map_or_else(|| rejected.advice.clone(), str::to_owned),
            cells: cells.map(|(rows, column)| format!("{} because of the cell in {column}", grouped(rows))).collect(),
        }
    });
    told.collect()
}

/// What a person should know of how the file was read.
pub fn warning(told: &str) -> String {
    told.replace("; if names look wrong, give --encoding", ": if names look wrong, say the encoding")
        .replace("give another --encoding", "say another encoding")
}

/// Why a run ended early.
pub fn ended(told: &str) -> String {
    let told = told.trim_end_matches('.');
    match told.split_once("; ") {
        Some((_, "put a token for writing into CONTACTD_TOKEN")) => "your token may not write any more".to_owned(),
        _ if told.starts_with("the connection to contactd was lost") => "contactd was shut down".to_owned(),
        _ => unreadable(told),
    }
}

/// What is wrong with a file, without what one types on a command line.
pub fn unreadable(told: &str) -> String {
    if told.contains("could both be the phone") {
        let columns = told.split(": choose one").next().unwrap_or(told);
        return format!("{columns}: write the heading of the right one under “Phone column”, then read it again");
    }
    told.replace("say what all rows are with --as optout, --as invalid or --as subscribe", "say what all rows are")
        .replace("--region ", "the country ")
        .replace("--source", "“Where the rows come from”")
        .replace("--encoding", "the encoding")
}

/// What a column can be besides the usual.
pub fn other_fields() -> Vec<(String, String)> {
    let known = crate::import::choices::COLUMN;
    let is_new = |word: &&str| *word != "label.KEY" && !known.iter().any(|(_, field, _)| field.word() == *word);
    Field::words().split(", ").filter(is_new).map(|word| (word.to_owned(), field(word))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::send::refusal::Refusal;
    use crate::model::phone::Unusable;

    #[test]
    fn nobody_is_told_of_options_of_the_command_line() {
        let refusals = [
            Refusal::UnclosedQuote,
            Refusal::RowsInQuotes(7),
            Refusal::RepeatedKey,
            Refusal::Section("STOP".into()),
            Refusal::TooManyCells,
            Refusal::BadJson,
            Refusal::BadLists,
            Refusal::BadDate,
            Refusal::BadNumber,
            Refusal::CountryUnclear,
            Refusal::BadHow,
            Refusal::BadList,
            Refusal::NoList,
            Refusal::UnknownList,
            Refusal::UnknownStatus,
            Refusal::MaybeOptOut,
            Refusal::UnknownColumn,
            Refusal::NoConsent,
            Refusal::YesAndNo,
            Refusal::ConsentBlank,
            Refusal::ShortRow,
            Refusal::CommentedOut,
            Refusal::Limit,
        ];
        let phones = Unusable::ALL.into_iter().map(|unusable| Refusal::Phone(unusable.code()));
        let mut report = Report::new(true);
        refusals.into_iter().chain(phones).for_each(|why| report.reject(&why.into(), || None));
        for Refused { code, advice, .. } in self::refusals(&report) {
            assert!(!advice.contains("--") && !advice.contains("contactd call"), "{code}: {advice}");
        }
        let lost = "NOPERM no; put a token for writing into CONTACTD_TOKEN";
        assert_eq!(ended(lost), "your token may not write any more");
        assert_eq!(ended("line 3: x"), "line 3: x");
    }
}
