//! How an import lets others go first.
//!
//! An import could keep every processor and the writer's thread busy. While somebody waits for another answer, it goes on in small jobs,
//! one at a time, and rests after each. Nobody needs to say so: it looks after each job whether others have asked since the one before.

use std::time::{Duration, Instant};

use crate::command::Counters;
use crate::limits::{IMPORT_REST, IMPORT_REST_MS_MAX, JOB_ROWS_BESIDE_OTHERS, JOB_WRITES_MAX};

/// Of one connection that sends rows of an import.
#[derive(Default)]
pub(super) struct Courtesy {
    /// How many requests of others were answered when it looked last.
    asked: u64,
    /// Others had asked then.
    rests: bool,
    /// When the first row of the job was read.
    since: Option<Instant>,
}

impl Courtesy {
    /// A row is read.
    pub(super) fn begin(&mut self) {
        self.since.get_or_insert_with(Instant::now);
    }

    /// How many rows a job takes: a write of somebody else waits for one.
    pub(super) fn job_rows(&self) -> usize {
        if self.rests { JOB_ROWS_BESIDE_OTHERS } else { JOB_WRITES_MAX }
    }

    /// A job is handed over. Whether the import is to rest once it is answered.
    pub(super) fn must_rest(&mut self, counters: &Counters) -> bool {
        let asked = counters.prompt_requests();
        self.rests = asked != std::mem::replace(&mut self.asked, asked);
        if !self.rests {
            self.since = None;
        }
        self.rests
    }

    /// How long, now that it is answered.
    pub(super) fn rest(&mut self) -> Duration {
        let worked = self.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        (worked * IMPORT_REST).min(Duration::from_millis(IMPORT_REST_MS_MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::find;

    #[test]
    fn it_rests_while_others_ask_and_only_then() {
        let (counters, mut courtesy) = (Counters::default(), Courtesy::default());
        let count = |verb: &[u8], n| counters.count(find(verb).expect("a verb"), n);
        let mut job = |asks: &dyn Fn()| {
            courtesy.begin();
            asks();
            (courtesy.must_rest(&counters), courtesy.job_rows())
        };
        assert_eq!(job(&|| count(b"IMPORT", 200)), (false, JOB_WRITES_MAX), "another import is no reason");
        assert_eq!(job(&|| count(b"CHECK", 1)), (true, JOB_ROWS_BESIDE_OTHERS));
        assert_eq!(job(&|| count(b"OPTOUT", 1)), (true, JOB_ROWS_BESIDE_OTHERS));
        assert_eq!(job(&|| count(b"FEED", 1)), (false, JOB_WRITES_MAX), "who follows the feed hears of each job");
    }

    #[test]
    fn a_rest_is_longer_than_the_work_and_has_an_end() {
        let mut courtesy = Courtesy::default();
        assert_eq!(courtesy.rest(), Duration::ZERO);
        courtesy.since = Instant::now().checked_sub(Duration::from_millis(2));
        assert!(courtesy.rest() >= Duration::from_millis(2) * IMPORT_REST);
        courtesy.since = Instant::now().checked_sub(Duration::from_secs(60));
        assert_eq!(courtesy.rest(), Duration::from_millis(IMPORT_REST_MS_MAX));
    }
}
