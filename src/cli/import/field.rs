//! What a column is for a row.

/// What a column is for a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field {
    Phone,
    List,
    /// The country in which the phone is dialled.
    Region,
    /// A word for the status.
    Status,
    /// Yes or no, or a word for the status.
    Consent,
    /// Yes or no, or a date.
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
    /// It may say who wants no messages, and nobody knows how: rows in which it says something are refused.
    Unclear,
    Ignore,
}

impl Field {
    /// The word for `--map`.
    pub fn word(&self) -> &str {
        match self {
            Field::Phone => "phone",
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
            Field::Unclear => "unclear",
            Field::Ignore => "ignore",
        }
    }

    /// How a column of it is read, for people.
    pub fn told(&self) -> String {
        match self {
            Field::Label(key) => format!("label.{key}"),
            Field::Unclear => "not clear, its rows are rejected".to_owned(),
            Field::Ignore => "not used".to_owned(),
            _ => self.word().to_owned(),
        }
    }

    /// Whether several columns can be it.
    pub fn may_repeat(&self) -> bool {
        matches!(
            self,
            Field::Status | Field::Consent | Field::OptOut | Field::Label(_) | Field::Unclear | Field::Ignore
        )
    }
}
