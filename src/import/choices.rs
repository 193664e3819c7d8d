//! What a person can answer where a file leaves something open, in words: on a terminal and in a browser alike.

use super::columns::day_order::DayOrder;
use super::columns::field::Field;
use super::columns::status::Said;
use super::options::AllAre;
use crate::model::change::RowStatus;

/// One of several answers: the key to press, what it means, and what a person reads.
pub type Choice<T> = (&'static str, T, &'static str);

/// What a column can be. A label without a key gets one among the others. More fields there are with `--map`.
pub const COLUMN: [Choice<Field>; 10] = [
    ("l", Field::Label(String::new()), "a label, which forbids nothing"),
    ("o", Field::OptOut, "opt-outs: yes means out"),
    ("c", Field::Consent, "consent: yes means in"),
    ("s", Field::Status, "words for a status, like active and unsubscribed"),
    ("d", Field::Date("opted_out_at"), "dates of opt-outs"),
    ("b", Field::Date("subscribed_at"), "dates of subscriptions"),
    ("p", Field::Phone, "the phone"),
    ("r", Field::Region, "the country of the phone"),
    ("i", Field::Ignore, "not used, but a refusal in it rejects its row"),
    ("u", Field::Unread, "passed over: I have read it, and nothing in it matters"),
];

/// What a word can mean in a column that says who wants messages.
pub const VALUE: [Choice<Said>; 6] = [
    ("a", Said::Status(RowStatus::Active), "subscribed"),
    ("o", Said::Status(RowStatus::OptedOut), "opted out"),
    ("s", Said::Status(RowStatus::Suppressed), "held back by you"),
    ("i", Said::Status(RowStatus::Invalid), "the number does not exist"),
    ("n", Said::NoConsent, "never agreed"),
    ("-", Said::Nothing, "says nothing"),
];

/// What can stand first in the dates of a column.
pub const DAYS: [Choice<DayOrder>; 2] = [
    ("m", DayOrder::MonthFirst, "month/day/year: 4/3/2026 is the third of April"),
    ("d", DayOrder::DayFirst, "day/month/year: 4/3/2026 is the fourth of March"),
];

/// What all rows can be.
pub const ROWS: [Choice<AllAre>; 3] = [
    ("o", AllAre::Optout, "opt-outs, whatever the columns say"),
    ("i", AllAre::Invalid, "numbers that do not exist, whatever the columns say"),
    ("s", AllAre::Subscribe, "subscribers, as far as the columns do not say otherwise"),
];
