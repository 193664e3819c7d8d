//! Why a row was not taken.

use crate::error::excerpt;
use crate::model::phone::Unusable;

/// The client's own reasons, and the daemon's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The phone, by the code of [`Unusable`].
    Phone(&'static str),
    UnclosedQuote,
    TooManyCells,
    BadJson,
    /// An array `lists` that is not as GET and EXPORT tell it.
    BadLists,
    BadDate,
    BadNumber,
    BadRegion,
    BadHow,
    BadList,
    NoList,
    /// The daemon has no such list, or not any more.
    UnknownList,
    UnknownStatus,
    /// The row may say that somebody wants no messages, in a column that is not read so.
    Unclear,
    NoConsent,
    /// Too many labels, too long a text, or too high a total.
    Limit,
    /// What the daemon says of it.
    Other(String),
}

impl Refusal {
    /// Reads an error of the daemon; none if it does not speak of the row.
    pub fn of_reply(error: &str) -> Option<Refusal> {
        let (code, message) = error.split_once(' ')?;
        match code {
            "LIMIT" => Some(Refusal::Limit),
            "NOLIST" => Some(Refusal::UnknownList),
            "BADARG" => {
                let word = message.split(':').next().unwrap_or_default();
                let known = Unusable::ALL.into_iter().find(|unusable| unusable.code() == word);
                Some(known.map_or_else(|| Refusal::Other(message.to_owned()), |known| Refusal::Phone(known.code())))
            }
            _ => None,
        }
    }

    /// The word for reports and for the file of refused rows.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Phone(code) => code,
            Refusal::UnclosedQuote => "unclosed_quote",
            Refusal::TooManyCells => "too_many_cells",
            Refusal::BadJson => "bad_json",
            Refusal::BadLists => "bad_lists",
            Refusal::BadDate => "bad_date",
            Refusal::BadNumber => "bad_number",
            Refusal::BadRegion => "bad_region",
            Refusal::BadHow => "bad_how",
            Refusal::BadList => "bad_list",
            Refusal::NoList => "no_list",
            Refusal::UnknownList => "unknown_list",
            Refusal::UnknownStatus => "unknown_status",
            Refusal::Unclear => "unclear_consent",
            Refusal::NoConsent => "no_consent",
            Refusal::Limit => "limit",
            Refusal::Other(_) => "refused",
        }
    }

    /// What a person can do about it.
    pub fn advice(&self) -> String {
        let advice = match self {
            Refusal::Phone(code) => {
                let known = Unusable::ALL.into_iter().find(|unusable| unusable.code() == *code);
                return known.map(|unusable| unusable.to_string()).unwrap_or_default();
            }
            Refusal::UnclosedQuote => "a quote is opened and not closed: close it, or write it twice inside quotes",
            Refusal::TooManyCells => "more cells than the header has: put a cell with a delimiter in it into quotes",
            Refusal::BadJson => "this line is no JSON object",
            Refusal::BadLists => {
                "\"lists\" is not as GET and EXPORT tell it, and may hold opt-outs: write a row for each list, as contactd export does"
            }
            Refusal::BadDate => {
                "a date that cannot be read: write it like 2026-05-01 or 2026-05-01T12:00:00Z; or --map COLUMN=label.KEY"
            }
            Refusal::BadNumber => "a total that is no plain number: write it like 12 or 12.5",
            Refusal::BadRegion => "no two-letter country code: correct it, or --map COLUMN=label.KEY",
            Refusal::BadHow => "\"how\" is api, import, journey or keyword: correct it, or --map COLUMN=label.KEY",
            Refusal::BadList => "no number of a sending list: correct it, or --map COLUMN=label.KEY and --list",
            Refusal::NoList => "the row names no list: fill the cell, or say --list",
            Refusal::UnknownList => {
                "there is no such list, or not any more: contactd call LIST NUMBER makes it; then import the rejected rows"
            }
            Refusal::UnknownStatus => {
                "not a status that is known: write active, opted_out, suppressed or invalid; or --map COLUMN=label.KEY"
            }
            Refusal::Unclear => {
                "the row may say that somebody wants no messages, in a column that is not read so: import the rejected rows with --map COLUMN=FIELD"
            }
            Refusal::NoConsent => "the row says that there never was a consent",
            Refusal::Limit => {
                "more or longer labels than a contact can have, too long a source or reason, or too high a total"
            }
            Refusal::Other(message) => return excerpt_long(message),
        };
        advice.to_owned()
    }
}

/// A message of the daemon, safe to show.
fn excerpt_long(message: &str) -> String {
    let chars: Vec<char> = message.chars().take(200).collect();
    chars.chunks(40).map(|part| excerpt(part.iter().collect::<String>().as_bytes())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_that_speak_of_the_row_refuse_it() {
        let code = |error: &str| Refusal::of_reply(error).map(|refusal| refusal.code());
        assert_eq!(code("BADARG lost_digits: the spreadsheet …"), Some("lost_digits"));
        assert_eq!(code("BADARG in the JSON: unknown field"), Some("refused"));
        assert_eq!(code("LIMIT a contact has at most 64 labels"), Some("limit"));
        assert_eq!(code("NOLIST there is no list 999"), Some("unknown_list"));
        for error in ["READONLY the disk is full", "INTERNAL x", "LOADING", "ERR unknown"] {
            assert_eq!(code(error), None);
        }
    }
}
