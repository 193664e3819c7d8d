//! Tallies: what happened on each list on each day. Those of the last weeks are in memory, for the opt-out rate and for the
//! claims of which nobody has told what became of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::limits::{CLAIM_YOUNG_MINUTES, TALLY_WINDOW_DAYS};
use crate::model::list::ListId;
use crate::model::tally::{Tallied, Tally};
use crate::model::time::{Day, Millis};
use crate::store::options::OptOutWarning;

const MINUTE_MS: Millis = 60_000;

/// The tallies in memory.
#[derive(Default)]
pub struct Tallies {
    /// Of the window's days, and of some before it.
    days: BTreeMap<(ListId, Day), Tally>,
    /// Claims of the last minutes that are not resolved, by minute.
    young: BTreeMap<Millis, i64>,
    /// Lists whose opt-out rate is high.
    high: HashSet<ListId>,
    warning: OptOutWarning,
}

/// What happened on a list in the last 30 days.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recent {
    /// The sums.
    pub tally: Tally,
    /// Whether so many messages were sent that the opt-out rate says something.
    pub has_enough_sends: bool,
    /// Whether the opt-out rate is high.
    pub is_high: bool,
}

impl OptOutWarning {
    /// What the opt-out rate of the last 30 days says.
    pub fn judge(self, tally: Tally) -> Recent {
        let has_enough_sends = tally.sends.max(0).unsigned_abs() >= self.sends_min;
        Recent { tally, has_enough_sends, is_high: has_enough_sends && opt_out_rate(tally) > self.rate }
    }
}

/// What one commit adds, and what the sums are with it.
#[derive(Default)]
pub struct TallyUpdate {
    added: HashMap<(ListId, Day), Tally>,
    young: BTreeMap<Millis, i64>,
    /// The sums that are on disk with the commit.
    pub written: Vec<(ListId, Day, Tally)>,
    /// How many opt-outs of members it has.
    pub opt_outs: u64,
}

impl TallyUpdate {
    /// Adds to the sum of a list's day.
    pub fn push(&mut self, (list, at, tally): Tallied) {
        *self.added.entry((list, Day::of(at))).or_default() += tally;
        self.opt_outs += tally.opt_outs.max(0).unsigned_abs();
        if tally.unresolved != 0 {
            *self.young.entry(at / MINUTE_MS).or_default() += tally.unresolved;
        }
    }

    /// Adds several.
    pub fn push_all(&mut self, tallies: Vec<Tallied>) {
        for tallied in tallies {
            self.push(tallied);
        }
    }

    /// Takes out what is to be added to the sums on disk.
    pub fn take_added(&mut self) -> HashMap<(ListId, Day), Tally> {
        std::mem::take(&mut self.added)
    }
}

impl Tallies {
    /// Holds the sums of the window, as they are on disk. `warning` says when a list's opt-out rate is high.
    pub fn new(
        stored: impl IntoIterator<Item = ((ListId, Day), Tally)>,
        now: Millis,
        warning: OptOutWarning,
    ) -> Tallies {
        let mut tallies = Tallies { days: stored.into_iter().collect(), warning, ..Tallies::default() };
        let lists: HashSet<ListId> = tallies.days.keys().map(|(list, _)| *list).collect();
        for list in lists {
            tallies.watch(list, now);
        }
        tallies
    }

    /// The first day of the window.
    pub fn first_day(now: Millis) -> Day {
        window(now).start
    }

    /// Takes over what a commit wrote. Gives the lists whose opt-out rate has become high.
    pub fn apply(&mut self, update: TallyUpdate, now: Millis) -> Vec<ListId> {
        let first = window(now).start;
        for (minute, unresolved) in update.young {
            *self.young.entry(minute).or_default() += unresolved;
        }
        self.young = self.young.split_off(&first_young_minute(now));
        let written: Vec<_> = update.written.into_iter().filter(|(_, day, _)| *day >= first).collect();
        for &(list, day, tally) in &written {
            if self.days.insert((list, day), tally).is_none() {
                // A new day: the oldest leave.
                self.days.retain(|(_, day), _| *day >= first);
            }
        }
        let mut lists: Vec<ListId> = written.into_iter().map(|(list, ..)| list).collect();
        lists.dedup();
        lists.retain(|&list| self.watch(list, now));
        lists
    }

    /// The sum of a list's day, if it is in the window.
    pub fn day(&self, list: ListId, day: Day) -> Option<Tally> {
        self.days.get(&(list, day)).copied()
    }

    /// The same, and what its opt-out rate says.
    pub fn of_window(&self, list: ListId, now: Millis) -> Recent {
        self.warning.judge(self.recent(list, now))
    }

    /// How many lists have a high opt-out rate in the last 30 days.
    pub fn high(&self, now: Millis) -> u64 {
        let lists = self.days.keys().map(|(list, _)| *list);
        let mut seen = None;
        lists.filter(|&list| seen.replace(list) != Some(list)).filter(|&list| self.of_window(list, now).is_high).count()
            as u64
    }

    /// What happened on a list in the last 30 days.
    pub fn recent(&self, list: ListId, now: Millis) -> Tally {
        let mut sum = Tally::default();
        let days = window(now);
        for (_, tally) in self.days.range((list, days.start)..(list, days.end)) {
            sum += *tally;
        }
        sum
    }

    /// Claims of the window that have been unresolved for some minutes.
    pub fn unresolved(&self, now: Millis) -> u64 {
        let days = window(now);
        let all: i64 =
            self.days.iter().filter(|((_, day), _)| days.contains(day)).map(|(_, tally)| tally.unresolved).sum();
        // Less than none: they were made before this process, and are not known to be young.
        let young = self.young.range(first_young_minute(now)..).map(|(_, &claims)| claims.max(0));
        let young: i64 = young.sum();
        all.saturating_sub(young).max(0).unsigned_abs()
    }

    /// Claims of the window that are unresolved, young ones included.
    pub fn unresolved_of_any_age(&self, now: Millis) -> u64 {
        let days = window(now);
        let of_window = self.days.iter().filter(|((_, day), _)| days.contains(day));
        // Less than none on one day takes nothing from another.
        of_window.map(|(_, tally)| tally.unresolved.max(0).unsigned_abs()).sum()
    }

    /// Looks at a list's opt-out rate. Says whether it has become high.
    fn watch(&mut self, list: ListId, now: Millis) -> bool {
        if self.of_window(list, now).is_high {
            return self.high.insert(list);
        }
        self.high.remove(&list);
        false
    }
}

/// Whether a claim is too young to be missed.
pub fn is_young(claimed_at: Millis, now: Millis) -> bool {
    claimed_at / MINUTE_MS >= first_young_minute(now)
}

fn first_young_minute(now: Millis) -> Millis {
    now / MINUTE_MS - CLAIM_YOUNG_MINUTES + 1
}

/// Opt-outs per send.
pub fn opt_out_rate(tally: Tally) -> f64 {
    if tally.sends <= 0 { 0.0 } else { tally.opt_outs as f64 / tally.sends as f64 }
}

/// The days that the last 30 days fall on.
fn window(now: Millis) -> std::ops::Range<Day> {
    let today = Day::of(now).0;
    Day(today.saturating_sub(TALLY_WINDOW_DAYS - 1))..Day(today + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::DAY_MS;

    fn take(tallies: &mut Tallies, at: Millis, tally: Tally) -> Vec<ListId> {
        let mut update = TallyUpdate::default();
        update.push((ListId(1), at, tally));
        let day = Day::of(at);
        let mut sum = tallies.days.get(&(ListId(1), day)).copied().unwrap_or_default();
        sum += tally;
        update.written.push((ListId(1), day, sum));
        tallies.apply(update, at)
    }

    #[test]
    fn the_rate_is_that_of_thirty_days_and_becoming_high_is_told_once() {
        let mut tallies = Tallies::default();
        let start = 20_000 * DAY_MS;
        assert!(take(&mut tallies, start, Tally { sends: 100, opt_outs: 2, ..Tally::default() }).is_empty());
        assert_eq!(take(&mut tallies, start + 1, Tally { opt_outs: 1, ..Tally::default() }), [ListId(1)]);
        assert!(take(&mut tallies, start + 2, Tally { opt_outs: 1, ..Tally::default() }).is_empty(), "told already");
        let later = start + 30 * DAY_MS;
        assert_eq!(tallies.recent(ListId(1), later), Tally::default());
        // Of few messages a rate says nothing.
        assert!(take(&mut tallies, later, Tally { sends: 99, opt_outs: 9, ..Tally::default() }).is_empty());
        assert!(take(&mut tallies, later, Tally { sends: 900, ..Tally::default() }).is_empty());
        assert_eq!(take(&mut tallies, later, Tally { opt_outs: 90, ..Tally::default() }), [ListId(1)]);
        assert!(tallies.days.len() == 1, "the oldest have left");
    }

    #[test]
    fn claims_are_young_for_five_minutes() {
        let mut tallies = Tallies::default();
        let now = 20_000 * DAY_MS + 7 * MINUTE_MS;
        let claims = |unresolved| Tally { unresolved, ..Tally::default() };
        take(&mut tallies, now, claims(3));
        assert_eq!((tallies.unresolved(now), tallies.unresolved(now + 5 * MINUTE_MS)), (0, 3));
        take(&mut tallies, now, claims(-1));
        assert_eq!((tallies.unresolved(now), tallies.unresolved(now + 5 * MINUTE_MS)), (0, 2));
        // After a restart.
        tallies.young.clear();
        take(&mut tallies, now, claims(-2));
        assert_eq!(tallies.unresolved(now), 0);
    }
}
