//! What a column is for a row.

use super::names;
use crate::model::blank::is_blank;

/// What a column is for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Phone,
    /// A phone that is read where the cell of [`Field::Phone`] is empty.
    OtherPhone,
    List,
    /// The country in which the phone is dialled: its code, its name, or its calling code.
    Region,
    /// A word for the status.
    Status,
    /// Yes or no, or a word for the status.
    Consent,
    /// Yes or no, a date, or a word for the status.
    OptOut,
    /// A date, under the protocol's name.
    Date(&'static str),
    /// A whole number, under the protocol's name.
    Count(&'static str),
    Revenue,
    Source,
    How,
    Reason,
    /// A label, by its key.
    Label(String),
    /// Nobody said what it is: a row that has something there is rejected.
    Unclear,
    /// It is not kept, but a refusal in it rejects its row.
    Ignore,
    /// The same, where a person has read it: no refusal in it counts.
    Unread,
}

/// The fields that `--map` takes, but for labels.
const ALL: [Field; 27] = [
    Field::Phone,
    Field::OtherPhone,
    Field::List,
    Field::Region,
    Field::Status,
    Field::Consent,
    Field::OptOut,
    Field::Date("subscribed_at"),
    Field::Date("opted_out_at"),
    Field::Date("suppressed_at"),
    Field::Date("invalid_at"),
    Field::Date("created_at"),
    Field::Source,
    Field::How,
    Field::Reason,
    Field::Count("total_sends"),
    Field::Count("total_clicks"),
    Field::Count("total_bot_clicks"),
    Field::Count("total_conversions"),
    Field::Count("sends_since_engaged"),
    Field::Revenue,
    Field::Date("last_sent"),
    Field::Date("last_clicked"),
    Field::Date("last_engaged"),
    Field::Date("last_inbound"),
    Field::Ignore,
    Field::Unread,
];

impl Field {
    /// The field of a word as `--map` and a mapping file write it; `label.KEY` for a label.
    pub fn parse(word: &str) -> Option<Field> {
        let label = names::label_prefix(word).map(Field::Label);
        label.or_else(|| ALL.iter().find(|field| field.word() == word).cloned())
    }

    /// The words that [`Field::parse`] takes, for people.
    pub fn words() -> String {
        let words: Vec<&str> = ALL.iter().map(Field::word).collect();
        format!("{}, label.KEY", words.join(", "))
    }

    /// The word for `--map`; of a label, its key.
    pub fn word(&self) -> &str {
        match self {
            Field::Phone => "phone",
            Field::OtherPhone => "other_phone",
            Field::List => "list",
            Field::Region => "region",
            Field::Status => "status",
            Field::Consent => "opt_in",
            Field::OptOut => "opted_out",
            Field::Date(key) | Field::Count(key) => key,
            Field::Revenue => "total_revenue",
            Field::Source => "source",
            Field::How => "how",
            Field::Reason => "reason",
            Field::Label(key) => key,
            Field::Unclear => "?",
            Field::Ignore => "ignore",
            Field::Unread => "unread",
        }
    }

    /// How a column of it is read, for people.
    pub fn told(&self) -> String {
        match self {
            Field::Label(key) => format!("label.{key}"),
            Field::Unclear => "not known; rows that have something there are rejected".to_owned(),
            Field::Ignore => "not used".to_owned(),
            Field::Unread => "passed over".to_owned(),
            _ => self.word().to_owned(),
        }
    }

    /// Whether nothing of it is kept, whatever a refusal in it does.
    pub fn is_unused(&self) -> bool {
        matches!(self, Field::Ignore | Field::Unread)
    }

    /// Whether several columns can be it.
    pub fn may_repeat(&self) -> bool {
        matches!(self, Field::OtherPhone | Field::Region | Field::Label(_) | Field::Unclear)
            || self.is_unused()
            || self.says_consent()
            || *self == Field::Date("subscribed_at")
    }

    /// Whether its cells are words that say who wants messages and who does not.
    pub fn has_words(&self) -> bool {
        matches!(self, Field::Status | Field::Consent | Field::OptOut)
    }

    /// Whether its cells are dates, or may be.
    pub fn has_dates(&self) -> bool {
        matches!(self, Field::Date(_) | Field::OptOut)
    }

    /// Whether each row must say in it that somebody wants messages, before the row subscribes anybody.
    pub fn must_speak(&self) -> bool {
        matches!(self, Field::Status | Field::Consent)
    }

    /// Whether a person can say what a value of it means. Of dates that is a blank alone.
    pub fn can_explain(&self, value: &str) -> bool {
        self.has_words() || *self == Field::Date("subscribed_at") && is_blank(value)
    }

    /// Whether it says who wants no messages, and never that somebody does.
    pub fn only_forbids(&self) -> bool {
        self.says_consent() && !self.must_speak()
    }

    /// Whether it says who wants messages and who does not, in words or by a date.
    pub fn says_consent(&self) -> bool {
        self.has_words() || matches!(self, Field::Date("opted_out_at" | "suppressed_at" | "invalid_at"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_has_a_word_for_the_option() {
        for word in Field::words().split(", ").filter(|word| *word != "label.KEY") {
            assert_eq!(Field::parse(word).map(|field| field.word().to_owned()).as_deref(), Some(word));
        }
        assert_eq!(Field::parse("label.Tier"), Some(Field::Label("tier".into())));
        assert_eq!((Field::parse("nonsense"), Field::parse("?")), (None, None));
    }
}
