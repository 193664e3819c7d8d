//! Why a row was not taken.

use super::row::ListIndex;
use crate::error::{excerpt, long_excerpt};
use crate::model::phone::Unusable;

/// The client's own reasons, and the daemon's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The phone, by the code of [`Unusable`].
    Phone(&'static str),
    UnclosedQuote,
    /// A quote that is opened in this line is closed lines later, and what stands between are rows.
    RowsInQuotes(u64),
    /// An object that has a key twice.
    RepeatedKey,
    /// A row that may be the title of the rows below it. The first of these ends the import.
    Section(String),
    /// It has fewer cells than the header, and those that lack are of columns that say who wants messages.
    ShortRow,
    /// The program that wrote the file, or a person, made a comment of it.
    CommentedOut,
    TooManyCells,
    /// A column of yes and no has something else in it: a delimiter inside a cell may have moved the others.
    Shifted,
    BadJson,
    /// What it says of consent is about another channel.
    OtherChannel,
    /// Bytes that are not UTF-8 stand where somebody may have written who wants no messages.
    NotUtf8,
    /// An array `lists` that is not as GET and EXPORT tell it.
    BadLists,
    BadDate,
    /// A phone stands where a date or a yes would say that somebody opted out.
    PhoneOptedOut,
    BadNumber,
    /// What the row says of the country of its number contradicts itself, or cannot be read.
    CountryUnclear,
    BadHow,
    BadList,
    NoList,
    /// The daemon has no such list, or not any more.
    UnknownList,
    UnknownStatus,
    /// A label or the reason refuses messages, and no status does.
    MaybeOptOut,
    /// The row has a column that turned up late, and nobody said what it is.
    UnknownColumn,
    NoConsent,
    /// One row of a phone says that it never agreed, or in words that may mean it, and another one for the same list says
    /// something else.
    YesAndNo,
    /// Another row of the phone is refused, and nobody knows whether it forbids.
    OtherRow,
    /// The column that says who wants messages is blank, and nobody said what that means.
    ConsentBlank,
    /// Too many labels, too long a text, or too high a total.
    Limit,
    /// What the daemon says of it.
    Other(String),
}

impl Refusal {
    /// Reads an error of the daemon; none if it does not speak of the row. Says as well whether the daemon took what the row
    /// forbids: then the message begins with `taken`, the phone and what was taken, up to a semicolon.
    pub fn of_reply(error: &str) -> Option<(Refusal, bool)> {
        let (code, message) = error.split_once(' ')?;
        let (message, taken) = match message.strip_prefix("taken ") {
            Some(told) => (told.split_once("; ").map_or(told, |(_, why)| why), true),
            None => (message, false),
        };
        let refusal = match code {
            "LIMIT" => Refusal::Limit,
            "NOLIST" => Refusal::UnknownList,
            "BADARG" => {
                let word = message.split(':').next().unwrap_or_default();
                let known = Unusable::ALL.into_iter().find(|unusable| unusable.code() == word);
                if let Some(known) =
                    [Refusal::MaybeOptOut, Refusal::CountryUnclear].into_iter().find(|known| known.code() == word)
                {
                    return Some((known, taken));
                }
                known.map_or_else(|| Refusal::Other(message.to_owned()), |known| Refusal::Phone(known.code()))
            }
            _ => return None,
        };
        Some((refusal, taken))
    }

    /// Whether it is about the cell of the phone.
    pub fn is_of_phone(&self) -> bool {
        matches!(self, Refusal::Phone(_) | Refusal::CountryUnclear)
    }

    /// The word for reports and for the file of refused rows.
    pub fn code(&self) -> &'static str {
        match self {
            Refusal::Phone(code) => code,
            Refusal::UnclosedQuote => "unclosed_quote",
            Refusal::RowsInQuotes(_) => "rows_in_quotes",
            Refusal::RepeatedKey => "repeated_key",
            Refusal::Section(_) => "section",
            Refusal::ShortRow => "short_row",
            Refusal::CommentedOut => "commented_out",
            Refusal::TooManyCells => "too_many_cells",
            Refusal::Shifted => "shifted",
            Refusal::BadJson => "bad_json",
            Refusal::OtherChannel => "other_channel",
            Refusal::NotUtf8 => "not_utf8",
            Refusal::BadLists => "bad_lists",
            Refusal::BadDate => "bad_date",
            Refusal::PhoneOptedOut => "phone_opted_out",
            Refusal::BadNumber => "bad_number",
            Refusal::CountryUnclear => "country_unclear",
            Refusal::BadHow => "bad_how",
            Refusal::BadList => "bad_list",
            Refusal::NoList => "no_list",
            Refusal::UnknownList => "unknown_list",
            Refusal::UnknownStatus => "unknown_status",
            Refusal::MaybeOptOut => "maybe_optout",
            Refusal::UnknownColumn => "unknown_column",
            Refusal::NoConsent => "no_consent",
            Refusal::YesAndNo => "yes_and_no",
            Refusal::OtherRow => "other_row",
            Refusal::ConsentBlank => "consent_blank",
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
            Refusal::RowsInQuotes(line) => {
                return format!(
                    "the quote that is opened in line {line} is closed lines later, and what stands between looks like rows: \
                     close it in its own line, or take the line breaks out of the cell"
                );
            }
            Refusal::RepeatedKey => "a key stands twice in one object, and nobody knows which value counts: leave one",
            Refusal::Section(title) => {
                return format!(
                    "'{}' may be the title of the rows around it: make a file of its own of them, or say what all rows are with \
                     --as optout or --as invalid; --no-sections if it says nothing of them",
                    long_excerpt(title.as_bytes())
                );
            }
            Refusal::ShortRow => {
                "it has fewer cells than the header, and those that lack say who wants messages: fill it up with delimiters"
            }
            Refusal::CommentedOut => {
                "a sign before the number or the row makes a comment of it: take the sign or the row away"
            }
            Refusal::TooManyCells => "more cells than the header has: put a cell with a delimiter in it into quotes",
            Refusal::Shifted => {
                "a column of yes and no has something else in it, as where a delimiter inside a cell has moved those behind it: put \
                 that cell into quotes, or correct the answer"
            }
            Refusal::OtherChannel => {
                "the row is about another channel, such as e-mail, and its consent may be to that alone: leave it out, or --map \
                 COLUMN=unread if the column says something else"
            }
            Refusal::BadJson => "this line is not a JSON object",
            Refusal::NotUtf8 => {
                "it is not UTF-8 where somebody may have written who wants no messages: import the file with its --encoding, such as windows-1252 or windows-1251, or save it as UTF-8"
            }
            Refusal::BadLists => {
                "\"lists\" is not as in GET and EXPORT, and may have opt-outs: write a row for each list, as contactd export does"
            }
            Refusal::BadDate => {
                "a date that cannot be read: write it like 2026-05-01 or 2026-05-01T12:00:00Z; if all are like 4/30/2026, say --map COLUMN=subscribed_at:mdy, or :dmy if the day stands first; or --map COLUMN=label.KEY"
            }
            Refusal::PhoneOptedOut => {
                "a phone stands where a date or a yes would say that somebody wants no messages, as where two lists stand side by side: what it forbids counts for that phone and for the row's own. Make a file of each list"
            }
            Refusal::BadNumber => "a total that is not a plain number: write it like 12 or 12.5",
            Refusal::CountryUnclear => {
                "whose number it is cannot be known, since its country, its calling code and --region contradict each other, its country cannot be read, its digits are a number of another country as well, or its plus stands before a number as it is dialled inside the country: write + and the country code before the number, correct the country, leave --region away where each row names its country, or import these rows with their own --region. What such a row forbids counts for each number that it can be"
            }
            Refusal::BadHow => "\"how\" must be api, import, journey or keyword: correct it, or --map COLUMN=label.KEY",
            Refusal::BadList => "not a list number: correct it, or --map COLUMN=label.KEY and --list",
            Refusal::NoList => "the row does not name a list: fill the cell, or give --list",
            Refusal::UnknownList => {
                "the list does not exist, or was removed: create it with contactd call LIST NUMBER, then import the rejected rows"
            }
            Refusal::UnknownStatus => {
                "an unknown word for a status: write active, opted_out, suppressed or invalid, or say in a --mapping what it means"
            }
            Refusal::UnknownColumn => {
                "a column, or a yes or a no in it, that the first rows do not have, and nobody named: import the rejected rows with --labels COLUMN or --map COLUMN=FIELD"
            }
            Refusal::MaybeOptOut => {
                "a label, the source or the reason says that the contact wants no messages, or a verdict (held_for_review) that somebody has to look: if so, import the rejected rows with --as optout; if not, correct it or --map COLUMN=unread"
            }
            Refusal::NoConsent => {
                "these people did not agree, so they are not put on the list: leave it so. Whoever opted out: say so in a --mapping, under [values]"
            }
            Refusal::YesAndNo => {
                "rows of the same phone say different things, and one that it never agreed, or words that may refuse messages: that counts, and opts it out of the list"
            }
            Refusal::OtherRow => {
                "another row of the same phone is rejected, and may say that it wants no messages: so this one subscribes nobody either. Correct that row, then import both"
            }
            Refusal::ConsentBlank => {
                "the column that says who wants messages is blank in this row: fill it, or say what a blank means with --blank COLUMN=active or another meaning"
            }
            Refusal::Limit => {
                "too many or too long labels, a source or reason that is too long, or a total that is too high"
            }
            Refusal::Other(message) => return excerpt_long(message),
        };
        advice.to_owned()
    }
}

/// A row that was not taken as a whole.
pub struct Refused {
    pub why: Refusal,
    /// The column of the cell that is meant; none where it is about the row as a whole.
    pub column: Option<usize>,
    /// How many requests take what it forbids.
    pub asked: usize,
    /// How many requests more take it where it is not known to be anybody's: what the daemon says of these does not count.
    pub tried: usize,
    /// Whether it forbids something; and whether that is taken, if the daemon takes it.
    pub forbids: bool,
    pub taken: bool,
    /// That no other row may subscribe its phones, if the row says so, or may say so.
    pub declined: Option<Declined>,
}

/// Why no other row of a file may subscribe the phones of a refused one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// It says that they never agreed, or in words that may mean it. Beside another row that says yes, that is an opt-out.
    Words,
    /// What would say it is blank, or cannot be read. Whoever was on the list before stays there.
    Silence,
}

/// A refused row that keeps the other rows of its phones from subscribing them to a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Declined {
    pub doubt: Doubt,
    pub list: ListIndex,
    /// How many requests ask how its phones are written.
    pub asked: usize,
}

impl From<Refusal> for Refused {
    /// Nothing of it is taken.
    fn from(why: Refusal) -> Refused {
        Refused { why, column: None, asked: 0, tried: 0, forbids: false, taken: false, declined: None }
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
        let code = |error: &str| Refusal::of_reply(error).map(|(refusal, _)| refusal.code());
        assert_eq!(code("BADARG lost_digits: the spreadsheet …"), Some("lost_digits"));
        assert_eq!(code("BADARG in the JSON: unknown field"), Some("refused"));
        assert_eq!(code("LIMIT a contact has at most 64 labels"), Some("limit"));
        assert_eq!(code("NOLIST there is no list 999"), Some("unknown_list"));
        for (error, code) in [
            ("BADARG taken +14155550101 opted out of 24365; in the JSON: unknown field", "refused"),
            ("NOLIST taken +14155550101 opted out of 24365; there is no list 24365", "unknown_list"),
            ("LIMIT taken +14155550101 opted out of all lists; a contact has at most 64 labels", "limit"),
        ] {
            let (refusal, taken) = Refusal::of_reply(error).expect("it speaks of the row");
            assert!((refusal.code(), taken) == (code, true), "{error}");
        }
        for error in ["READONLY the disk is full", "INTERNAL x", "LOADING", "ERR unknown"] {
            assert_eq!(code(error), None);
        }
    }
}
