//! What happened on a list, or on all, day by day: the tallies that are kept for opt-out rates and purges.

use crate::error::{Error, Result};
use crate::limits::TREND_TALLIES_MAX;
use crate::model::list::ListId;
use crate::model::tally::Tally;
use crate::model::time::Day;
use crate::store::engine::rows;
use crate::store::format::codec;
use crate::store::format::keys;
use crate::store::state::State;

impl State {
    /// The sums of the last days, today's the last: of a list, or of all together, removed ones included. A day of which
    /// nothing is kept is one on which nothing happened.
    pub fn trends(&self, list: Option<ListId>, days: u32) -> Result<Vec<(Day, Tally)>> {
        let today = Day::of(self.now()).0;
        let first = today.saturating_sub(days.saturating_sub(1));
        let mut trends: Vec<(Day, Tally)> = (first..=today).map(|day| (Day(day), Tally::default())).collect();
        if let Some(list) = list {
            for (day, tally) in &mut trends {
                *tally = self.tally(list, *day)?;
            }
            return Ok(trends);
        }
        for (nth, row) in rows(&*self.engine, keys::tallies_since(Day(first))).enumerate() {
            if nth == TREND_TALLIES_MAX {
                return Err(Error::limit(format!(
                    "these days have more than {TREND_TALLIES_MAX} sums of lists: ask for fewer DAYS"
                )));
            }
            let (key, value) = row?;
            let (_, day) = keys::parse_tally(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            // What is dated later than today, before the clock was set back, is of no day that was asked for.
            if let Some((_, sum)) = trends.get_mut((day.0 - first) as usize) {
                *sum += codec::decode_tally(&value)?;
            }
        }
        Ok(trends)
    }
}
