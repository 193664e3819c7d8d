//! Tallies: what happened on a list on one day.

use std::ops::AddAssign;

use super::amount::Micros;
use super::list::ListId;
use super::time::Millis;

/// What happened on a list on one day, by the date of what happened. As a change it may be negative: a message that
/// failed takes its send back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Messages sent that have not failed.
    pub sends: i64,
    /// Of these, granted by CLAIM, and nobody has told what became of them.
    pub unresolved: i64,
    /// Messages that failed.
    pub failures: i64,
    /// Opt-outs of members: of one who comes back and opts out again, each.
    pub opt_outs: i64,
    /// Clicks by people.
    pub clicks: i64,
    /// Clicks by scanners.
    pub bot_clicks: i64,
    /// Conversions.
    pub conversions: i64,
    /// Revenue, refunds taken off.
    pub revenue_micros: Micros,
    /// Messages that came in and were no opt-out.
    pub replies: i64,
}

/// What a transition adds to the tally of a list on the day of a date.
pub type Tallied = (ListId, Millis, Tally);

impl AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.sends += more.sends;
        self.unresolved += more.unresolved;
        self.failures += more.failures;
        self.opt_outs += more.opt_outs;
        self.clicks += more.clicks;
        self.bot_clicks += more.bot_clicks;
        self.conversions += more.conversions;
        self.revenue_micros = self.revenue_micros.saturating_add(more.revenue_micros);
        self.replies += more.replies;
    }
}
