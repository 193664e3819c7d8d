//! One row of an import, and what it forbids.

use super::contact::Engagement;
use super::fact::How;
use super::label::LabelPatch;
use super::time::Millis;

/// One row of an import.
#[derive(Clone, Debug, Default)]
pub struct Row {
    /// Labels to set.
    pub labels: LabelPatch,
    /// How the contact subscribed.
    pub how: Option<How>,
    /// Where the row comes from.
    pub source: String,
    /// Which import the row belongs to: the id of the events that it leaves. May be empty.
    pub import_id: String,
    /// What the row says the status is; it subscribes when nothing is said.
    pub status: Option<RowStatus>,
    /// When the contact subscribed.
    pub subscribed_at: Option<Millis>,
    /// When it opted out.
    pub opted_out_at: Option<Millis>,
    /// Since when it is held back.
    pub suppressed_at: Option<Millis>,
    /// Since when its number is known not to exist.
    pub invalid_at: Option<Millis>,
    /// What it forbids by a date that could not be read.
    pub undated: Vec<RowStatus>,
    /// Why, of whatever the row forbids.
    pub reason: String,
    /// When a new contact was created where it comes from.
    pub created_at: Option<Millis>,
    /// Totals of a new contact.
    pub totals: Engagement,
}

/// The status a row of an import gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RowStatus {
    /// Subscribed.
    Active,
    /// Opted out of the list, or of all.
    OptedOut,
    /// Held back, on the list or everywhere.
    Suppressed,
    /// The number does not exist.
    Invalid,
}

/// Since when something is so that a row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// Since this date.
    Date(Millis),
    /// Since a date that could not be read. It counts as of now: it may be newer than whatever is known.
    Unread,
    /// The row does not say: it is so now. That is nothing new if it is known already.
    Unknown,
}

impl Since {
    /// The date, if there is one.
    pub fn date(self) -> Option<Millis> {
        match self {
            Since::Date(at) => Some(at),
            Since::Unread | Since::Unknown => None,
        }
    }
}

impl Row {
    /// Whether it forbids something, or would if its own subscription were not newer.
    pub fn may_forbid(&self) -> bool {
        let dates = [self.opted_out_at, self.suppressed_at, self.invalid_at];
        let by_status = self.status.is_some_and(|status| status != RowStatus::Active);
        by_status || !self.undated.is_empty() || dates.iter().any(Option::is_some)
    }

    /// What it forbids, and since when. An opt-out counts unless the same row says that the contact is active by a newer
    /// subscription. One that is ahead of the clock proves nothing.
    pub fn forbids(&self, now: Millis) -> Vec<(RowStatus, Since)> {
        let back_in = self.status == Some(RowStatus::Active)
            && self.subscribed_at.is_some_and(|at| at <= now && at > self.opted_out_at.unwrap_or(now));
        let dated = [
            (RowStatus::OptedOut, self.opted_out_at.filter(|_| !back_in)),
            (RowStatus::Suppressed, self.suppressed_at),
            (RowStatus::Invalid, self.invalid_at),
        ];
        let since = |status, at| match at {
            Some(at) => Some(Since::Date(at)),
            None if self.undated.contains(&status) => Some(Since::Unread),
            None => (self.status == Some(status)).then_some(Since::Unknown),
        };
        dated.into_iter().filter_map(|(status, at)| Some((status, since(status, at)?))).collect()
    }

    /// Notes that it forbids something since a date; none if that could not be read.
    pub fn forbid(&mut self, status: RowStatus, at: Option<Millis>) {
        match status {
            _ if at.is_none() => self.undated.push(status),
            RowStatus::OptedOut => self.opted_out_at = at,
            RowStatus::Suppressed => self.suppressed_at = at,
            RowStatus::Invalid => self.invalid_at = at,
            RowStatus::Active => {}
        }
    }

    /// What is left of it when only what it forbids is taken.
    #[must_use]
    pub fn only_what_forbids(&self) -> Row {
        Row {
            source: self.source.clone(),
            import_id: self.import_id.clone(),
            status: self.status,
            subscribed_at: self.subscribed_at,
            opted_out_at: self.opted_out_at,
            suppressed_at: self.suppressed_at,
            invalid_at: self.invalid_at,
            undated: self.undated.clone(),
            reason: self.reason.clone(),
            how: Some(How::Import),
            ..Row::default()
        }
    }
}
