//! What was sent to one contact and what came of it, in the order in which it was told. Every state, total and date is
//! found by scanning all of it.

use super::commands::DAY_MS;

/// How long an id is remembered, by the time it was told.
pub const KEEP_MS: i64 = 30 * DAY_MS;

/// What codes mean that the number does not exist, that the person wants out, and that the phone is off.
const DEAD: [&str; 5] = ["21211", "21614", "21635", "30005", "30006"];
const OUT: [&str; 2] = ["21610", "40300"];
const OFF: [&str; 1] = ["30003"];

/// One report on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    Claimed,
    Sent,
    Failed(Failure),
}

/// What a failure says beyond that the message did not arrive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    pub invalid: bool,
    pub out: bool,
    pub soft: bool,
}

impl Failure {
    pub fn of(code: Option<&str>, permanent: Option<bool>) -> Failure {
        let says = |codes: &[&str]| code.is_some_and(|code| codes.contains(&code));
        // A failure that is said not to be permanent is like that of a phone that is off, whatever its code.
        let (invalid, soft) = match permanent {
            Some(permanent) => (permanent, !permanent),
            None => (says(&DEAD), says(&OFF)),
        };
        Failure { invalid, out: says(&OUT), soft }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    pub report: Report,
    pub at: i64,
    pub seen_at: i64,
}

/// One message id of one list, from the first report on it to the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub list: String,
    pub id: String,
    pub told: Vec<Told>,
}

impl Message {
    pub fn new(list: &str, id: &str) -> Message {
        Message { list: list.to_owned(), id: id.to_owned(), told: Vec::new() }
    }

    /// A failure is final, wherever it stands among the reports.
    pub fn state(&self) -> &'static str {
        let told = |wanted: fn(&Report) -> bool| self.told.iter().any(|told| wanted(&told.report));
        if told(|report| matches!(report, Report::Failed(_))) {
            "failed"
        } else if told(|report| *report == Report::Sent) {
            "sent"
        } else {
            "claimed"
        }
    }

    /// When it was sent: the date of its CLAIM, or of its first SENT.
    pub fn sent_at(&self) -> Option<i64> {
        self.told.iter().find(|told| !matches!(told.report, Report::Failed(_))).map(|told| told.at)
    }

    pub fn counts(&self) -> bool {
        self.state() != "failed"
    }

    /// When it failed, and what the first to say so said.
    pub fn failed(&self) -> Option<(i64, Failure)> {
        self.told.iter().find_map(|told| match told.report {
            Report::Failed(failure) => Some((told.at, failure)),
            _ => None,
        })
    }

    /// The date of a send that failed and may succeed another time; of one that nobody told of, that of its failure.
    pub fn failed_softly_at(&self) -> Option<i64> {
        let (failed_at, failure) = self.failed()?;
        let said = self.said();
        let soft = failure.soft && !said.invalid && !said.out;
        Some(self.sent_at().unwrap_or(failed_at)).filter(|_| soft)
    }

    /// All that any report of its failure said.
    pub fn said(&self) -> Failure {
        self.told.iter().fold(Failure::default(), |said, told| match told.report {
            Report::Failed(f) => {
                Failure { invalid: said.invalid || f.invalid, out: said.out || f.out, soft: said.soft || f.soft }
            }
            _ => said,
        })
    }

    pub fn is_remembered(&self, now: i64) -> bool {
        self.told.iter().any(|told| told.seen_at > now - KEEP_MS)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdUse {
    Click {
        bot: bool,
    },
    /// Millionths; negative for a refund.
    Conversion {
        micros: i64,
    },
}

/// A click or a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    pub what: IdUse,
    /// For which it counts: that of the message, if it names one that is known.
    pub list: String,
    pub id: Option<String>,
    pub message: Option<String>,
    pub at: i64,
    pub seen_at: i64,
}

impl Deed {
    pub fn engages(&self) -> bool {
        match self.what {
            IdUse::Click { bot } => !bot,
            IdUse::Conversion { micros } => micros >= 0,
        }
    }

    fn same_kind(&self, what: IdUse) -> bool {
        matches!(self.what, IdUse::Click { .. }) == matches!(what, IdUse::Click { .. })
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sending {
    pub messages: Vec<Message>,
    pub deeds: Vec<Deed>,
}

impl Sending {
    pub fn message(&self, list: &str, id: &str, now: i64) -> Option<&Message> {
        self.messages.iter().rev().find(|m| m.list == list && m.id == id && m.is_remembered(now))
    }

    /// Writes a report down; the first one on an id that is not remembered begins a message.
    pub fn tell(&mut self, list: &str, id: &str, told: Told) {
        let known = |m: &&mut Message| m.list == list && m.id == id && m.is_remembered(told.seen_at);
        if let Some(message) = self.messages.iter_mut().rev().find(known) {
            message.told.push(told);
        } else {
            let mut message = Message::new(list, id);
            message.told.push(told);
            self.messages.push(message);
        }
    }

    /// Whether a click, or a conversion, of this id was told.
    pub fn knows(&self, what: IdUse, id: &str, now: i64) -> bool {
        let known = |d: &&Deed| d.same_kind(what) && d.id.as_deref() == Some(id) && d.seen_at > now - KEEP_MS;
        self.deeds.iter().find(known).is_some()
    }

    /// The list from which a message was sent: the one that is named, if it has such a message.
    pub fn list_of(&self, message: &str, list: &str, now: i64) -> Option<&str> {
        let of_id = || self.messages.iter().rev().filter(|m| m.id == message && m.is_remembered(now));
        of_id().find(|m| m.list == list).or_else(|| of_id().next()).map(|m| m.list.as_str())
    }

    fn sends(&self) -> impl Iterator<Item = i64> {
        self.messages.iter().filter(|m| m.counts()).filter_map(Message::sent_at)
    }

    pub fn total_sends(&self) -> usize {
        self.sends().count()
    }

    pub fn sends_after(&self, date: i64) -> usize {
        self.sends().filter(|at| *at > date).count()
    }

    /// Failed ones included.
    pub fn last_sent(&self) -> Option<i64> {
        self.messages.iter().filter_map(Message::sent_at).max()
    }

    pub fn clicks(&self, by_bot: bool) -> usize {
        self.deeds.iter().filter(|d| d.what == IdUse::Click { bot: by_bot }).count()
    }

    pub fn last_clicked(&self) -> Option<i64> {
        self.deeds.iter().filter(|d| d.what == IdUse::Click { bot: false }).map(|d| d.at).max()
    }

    fn amounts(&self) -> impl Iterator<Item = i64> {
        self.deeds.iter().filter_map(|d| match d.what {
            IdUse::Conversion { micros } => Some(micros),
            IdUse::Click { .. } => None,
        })
    }

    pub fn conversions(&self) -> usize {
        self.amounts().filter(|micros| *micros >= 0).count()
    }

    pub fn revenue(&self) -> i64 {
        self.amounts().sum()
    }

    pub fn last_engaged(&self) -> Option<i64> {
        self.deeds.iter().filter(|d| d.engages()).map(|d| d.at).max()
    }

    /// Sends that failed softly after the newest one that was sent and the newest message from the number.
    pub fn soft_failures(&self, last_inbound: i64, now: i64) -> usize {
        let remembered = || self.messages.iter().filter(|m| m.is_remembered(now));
        let sent = remembered().filter(|m| m.state() == "sent").filter_map(Message::sent_at).max().unwrap_or(0);
        let since = sent.max(last_inbound);
        remembered().filter_map(Message::failed_softly_at).filter(|at| *at > since).count()
    }
}

/// A decimal number with at most six decimals, in millionths.
pub fn micros(amount: &str) -> Option<i64> {
    let (minus, digits) = amount.strip_prefix('-').map_or((1, amount), |digits| (-1, digits));
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(whole) || !are_digits(part) || part.len() > 6 {
        return None;
    }
    let (whole, part) = (whole.parse::<i64>().ok()?, format!("{part:0<6}").parse::<i64>().ok()?);
    Some(minus * (whole.checked_mul(1_000_000)?.checked_add(part)?))
}
