//! Tallies: what happened on each list on each day. Those of the last weeks are in memory, for the opt-out rate and for the
//! claims of which nobody has told what became of them.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::disk::Disk;
use super::{Shared, codec, keys, sled_failed};
use crate::error::{Error, Result};
use crate::limits::{CLAIM_YOUNG_MINUTES, TALLY_WINDOW_DAYS};
use crate::model::list::ListId;
use crate::model::tally::{Tallied, Tally};
use crate::model::time::{Day, Millis};

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
}

/// What one batch adds, and what the tallies are with it.
#[derive(Default)]
pub struct Additions {
    added: HashMap<(ListId, Day), Tally>,
    young: BTreeMap<Millis, i64>,
    /// What is on disk with this batch.
    pub written: Vec<(ListId, Day, Tally)>,
}

impl Additions {
    pub fn push(&mut self, (list, at, tally): Tallied) {
        *self.added.entry((list, Day::of(at))).or_default() += tally;
        if tally.unresolved != 0 {
            *self.young.entry(at / MINUTE_MS).or_default() += tally.unresolved;
        }
    }

    /// Writes the sums.
    pub fn write(&mut self, shared: &Shared, batch: &mut sled::Batch) -> Result<()> {
        for ((list, day), added) in self.added.drain() {
            let mut tally = shared.tally(list, day)?;
            tally += added;
            batch.insert(&keys::tally(list, day), codec::encode_tally(tally)?);
            self.written.push((list, day, tally));
        }
        Ok(())
    }
}

impl Tallies {
    /// Reads those of the window.
    pub fn load(disk: &Disk, now: Millis, rate_warn: f64) -> Result<Tallies> {
        let mut tallies = Tallies::default();
        let first = window(now).start;
        for row in disk.tree().range(keys::tally(ListId(0), first)..keys::tally(ListId(0), Day(u32::MAX))) {
            let (key, value) = row.map_err(sled_failed)?;
            let (list, day) = keys::parse_tally(&key).ok_or_else(|| Error::internal("a damaged key"))?;
            tallies.days.insert((list, day), codec::decode_tally(&value)?);
        }
        let lists: HashSet<ListId> = tallies.days.keys().map(|(list, _)| *list).collect();
        for list in lists {
            tallies.watch(list, now, rate_warn);
        }
        Ok(tallies)
    }

    /// Takes over what a batch wrote. Gives the lists whose opt-out rate has become high.
    pub fn take(&mut self, additions: Additions, now: Millis, rate_warn: f64) -> Vec<ListId> {
        let first = window(now).start;
        for (minute, unresolved) in additions.young {
            *self.young.entry(minute).or_default() += unresolved;
        }
        self.young = self.young.split_off(&(now / MINUTE_MS - CLAIM_YOUNG_MINUTES + 1));
        let written: Vec<_> = additions.written.into_iter().filter(|(_, day, _)| *day >= first).collect();
        for &(list, day, tally) in &written {
            if self.days.insert((list, day), tally).is_none() {
                // A new day: the oldest leave.
                self.days.retain(|(_, day), _| *day >= first);
            }
        }
        let mut lists: Vec<ListId> = written.into_iter().map(|(list, ..)| list).collect();
        lists.dedup();
        lists.retain(|&list| self.watch(list, now, rate_warn));
        lists
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
        let young = self.young.range(now / MINUTE_MS - CLAIM_YOUNG_MINUTES + 1..).map(|(_, &claims)| claims.max(0));
        let young: i64 = young.sum();
        all.saturating_sub(young).max(0).unsigned_abs()
    }

    /// Looks at a list's opt-out rate. Says whether it has become high.
    fn watch(&mut self, list: ListId, now: Millis, rate_warn: f64) -> bool {
        if opt_out_rate(self.recent(list, now)) > rate_warn {
            return self.high.insert(list);
        }
        self.high.remove(&list);
        false
    }
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

impl Shared {
    /// The tally of a list on a day.
    fn tally(&self, list: ListId, day: Day) -> Result<Tally> {
        if let Some(tally) = self.tallies_read().days.get(&(list, day)) {
            return Ok(*tally);
        }
        let stored = self.disk.tree().get(keys::tally(list, day)).map_err(sled_failed)?;
        stored.map_or(Ok(Tally::default()), |stored| codec::decode_tally(&stored))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::DAY_MS;

    fn take(tallies: &mut Tallies, at: Millis, tally: Tally) -> Vec<ListId> {
        let mut additions = Additions::default();
        additions.push((ListId(1), at, tally));
        let day = Day::of(at);
        let mut sum = tallies.days.get(&(ListId(1), day)).copied().unwrap_or_default();
        sum += tally;
        additions.written.push((ListId(1), day, sum));
        tallies.take(additions, at, 0.02)
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
        assert!(take(&mut tallies, later, Tally { sends: 50, ..Tally::default() }).is_empty());
        assert_eq!(take(&mut tallies, later, Tally { opt_outs: 9, ..Tally::default() }), [ListId(1)]);
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
