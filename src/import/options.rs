//! What a person says about a file and its rows.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::columns::mapping::Mapping;
use super::columns::status::Said;
use super::columns::{Wishes, region};
use super::send::row::{self, Defaults};
use crate::error::{Error, Result, excerpt};
use crate::limits::SOURCE_BYTES_MAX;
use crate::model::fact::How;
use crate::model::plain_refusal::title::file_speaks_of_an_end;
use crate::model::time;

/// What the options say about rows.
#[derive(Args, Clone, Default)]
pub struct Options {
    /// The list for rows that do not name one; * for contacts on no list
    #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
    pub list: Option<String>,
    /// Country of numbers written without a country code, like US, for rows that do not name their country [default: the
    /// daemon's default region]. Leave it away where each row names its country: a number that exists in both is refused
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// What a column is, like --map 'Cell No=phone', or --map '#3=phone' for the third. The fields: phone, `other_phone` (to
    /// fall back on), list, region (the country), status, `opt_in` (yes means in), `opted_out` (yes means out),
    /// `subscribed_at`, `opted_out_at` and so on, label.KEY, ignore (a refusal in it still rejects its row), unread (none
    /// counts: you have read the column). Of dates like 4/3/2026, `subscribed_at:mdy` says that the month stands first, and
    /// `subscribed_at:dmy` the day. '*=ignore' ignores every column that nothing else names
    #[arg(long, value_name = "COLUMN=FIELD")]
    pub map: Vec<String>,
    /// Which columns become labels; '*' for every column that nothing else names and that cannot be an answer to a question: you
    /// have looked at them
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub labels: Vec<String>,
    /// Read the columns as this file says. An import that asks you on a terminal writes one
    #[arg(long, value_name = "FILE")]
    pub mapping: Option<PathBuf>,
    /// What every row is; the columns that you do not name are not used, but for subscribe
    #[arg(long = "as", value_enum, value_name = "STATUS")]
    pub all_are: Option<AllAre>,
    /// What a blank cell means in a column that says who wants messages, like --blank Status=active; else a row that is blank
    /// there is rejected. The meanings: active, `opted_out`, suppressed, invalid, `no_consent`, nothing
    #[arg(long, value_name = "COLUMN=MEANING")]
    pub blank: Vec<String>,
    /// Lines that are no rows say nothing of who wants messages, neither above the headings nor between rows: reject these as
    /// other rows without a phone
    #[arg(long)]
    pub no_sections: bool,
    /// Where the rows come from, for rows that do not say [default: the file's name]
    #[arg(long, value_name = "TEXT")]
    pub source: Option<String>,
    /// How the contacts subscribed: import, api, journey or keyword [default: import]
    #[arg(long, value_name = "HOW")]
    pub how: Option<String>,
    /// Change nothing; show how the file would be read
    #[arg(long)]
    pub dry_run: bool,
}

/// What `--as` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AllAre {
    /// Opt-outs, whatever the columns say.
    #[value(alias = "opt-out", alias = "opted_out")]
    Optout,
    /// Numbers that do not exist, whatever the columns say.
    Invalid,
    /// Subscribers, as far as the columns do not say otherwise, whatever the name of the file says.
    Subscribe,
}

impl AllAre {
    const ALL: [AllAre; 3] = [AllAre::Optout, AllAre::Invalid, AllAre::Subscribe];

    /// The word for `--as` and for a mapping file.
    pub fn word(self) -> &'static str {
        match self {
            AllAre::Optout => "optout",
            AllAre::Invalid => "invalid",
            AllAre::Subscribe => "subscribe",
        }
    }

    /// Reads such a word.
    pub fn parse(word: &str) -> Option<AllAre> {
        AllAre::ALL.into_iter().find(|all_are| all_are.word() == word)
    }

    /// The words, for people.
    pub fn words() -> String {
        AllAre::ALL.map(AllAre::word).join(", ")
    }

    /// Whether nobody in the file gets messages.
    pub fn forbids(self) -> bool {
        self != AllAre::Subscribe
    }
}

impl Options {
    /// What every row says that does not say otherwise itself. `wishes` is what is said of the file, `name` the file's, `now`
    /// begins the import.
    pub fn defaults(&self, wishes: &Wishes, name: &str, now: time::Millis) -> Result<Defaults> {
        let wrong = |what: &str, word: &str, like: &str| {
            Error::bad_arg(format!("--{what} {}: {like}", excerpt(word.as_bytes())))
        };
        let region = self.region.as_deref().map(|word| {
            region(word).ok_or_else(|| wrong("region", word, "not a region; write two letters, like US or DE"))
        });
        let how = self.how.as_deref().map(|word| {
            How::parse(word).ok_or_else(|| wrong("how", word, "it must be import, api, journey or keyword"))
        });
        let list = self.list.as_deref().map(|word| {
            let like = "not a list number; write an E.164 number like +14155550100, a short code, or *";
            row::read_list(word, None).ok_or_else(|| wrong("list", word, like))
        });
        let source = match &self.source {
            Some(source) if source.len() > SOURCE_BYTES_MAX => {
                return Err(Error::bad_arg(format!("--source may have at most {SOURCE_BYTES_MAX} bytes")));
            }
            Some(source) => source.clone(),
            // Somebody has said that it means nothing of the kind.
            None if wishes.all_are == Some(AllAre::Subscribe) && file_speaks_of_an_end(name) => "import".to_owned(),
            None => name
                .char_indices()
                .take_while(|(at, char)| at + char.len_utf8() <= SOURCE_BYTES_MAX)
                .map(|(_, char)| char)
                .collect(),
        };
        Ok(Defaults {
            list: list.transpose()?,
            region: region.transpose()?,
            source,
            import_id: if self.dry_run { String::new() } else { time::format(now) },
            how: how.transpose()?,
            all_are: wishes.all_are,
            no_sections: wishes.has_no_sections,
            dry_run: self.dry_run,
        })
    }

    /// What the options say about columns.
    pub fn wishes(&self) -> Result<Wishes> {
        let map = self.map.iter().map(|map| {
            let (column, field) = map.rsplit_once('=').ok_or_else(|| {
                Error::bad_arg(format!("--map {}: write it like COLUMN=FIELD", excerpt(map.as_bytes())))
            })?;
            Ok((column.trim().to_owned(), field.trim().to_owned()))
        });
        let blank = self.blank.iter().map(|blank| {
            let (column, word) = blank.rsplit_once('=').unwrap_or((blank, ""));
            let said = Said::parse(word.trim()).ok_or_else(|| {
                Error::bad_arg(format!(
                    "--blank {}: write it like COLUMN=MEANING; the meanings are {}",
                    excerpt(blank.as_bytes()),
                    Said::words()
                ))
            })?;
            Ok((column.trim().to_owned(), said))
        });
        let labels =
            self.labels.iter().map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()).collect();
        let mapping = self.mapping.as_deref().map(|path| {
            let text = std::fs::read_to_string(path)
                .map_err(|why| Error::bad_arg(format!("cannot read {}: {why}", path.display())))?;
            Mapping::parse(&text).map_err(|why| Error::bad_arg(format!("{}: {}", path.display(), why.message)))
        });
        let mapping = mapping.transpose()?;
        Ok(Wishes {
            map: map.collect::<Result<_>>()?,
            labels,
            blank: blank.collect::<Result<_>>()?,
            has_no_sections: self.no_sections || mapping.as_ref().is_some_and(|mapping| mapping.has_no_sections),
            all_are: self.all_are.or(mapping.as_ref().and_then(|mapping| mapping.all_are)),
            mapping,
        })
    }
}
