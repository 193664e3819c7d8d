//! What the writer counts of each batch.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::queue::Job;
use crate::error::Result;
use crate::model::change::{Change, Outcome, Urgency, Write};
use crate::model::keyword::InboundKind;
use crate::store::state::Counters;

impl Counters {
    /// Counts the writes of a batch that was committed, and what became of them.
    pub fn count_batch(&self, jobs: &[Job], outcomes: &[Vec<Result<Outcome>>]) {
        add(&self.batches, 1);
        add(&self.writes, jobs.iter().map(|job| job.writes.len() as u64).sum());
        for (write, outcome) in jobs.iter().flat_map(|job| &job.writes).zip(outcomes.iter().flatten()) {
            match outcome {
                Ok(Outcome::Inbound { class: InboundKind::MaybeOptOut, .. }) => add(&self.maybe_optout, 1),
                Ok(Outcome::Claim(verdict)) => add(&self.claims[verdict.index()], 1),
                Ok(Outcome::Duplicate(state)) => add(&self.duplicates[*state as usize], 1),
                outcome if matches!(write, Write::Contact { change: Change::Import(_), .. }) => {
                    add(self.row(outcome), 1);
                }
                _ => {}
            }
        }
    }

    /// Counts how long jobs waited that are answered now.
    pub fn count_waits(&self, jobs: &[Job], since: &[Instant]) {
        for (job, since) in jobs.iter().zip(since) {
            let urgency = job.writes.first().map_or(Urgency::Prompt, Write::urgency);
            self.wait[urgency as usize].add(since.elapsed(), job.writes.len() as u64);
        }
    }

    /// The counter of rows of imports of which this became.
    fn row(&self, outcome: &Result<Outcome>) -> &AtomicU64 {
        match outcome {
            Ok(Outcome::Created) => &self.rows.created,
            Ok(Outcome::Updated) => &self.rows.updated,
            Ok(Outcome::Kept(_) | Outcome::Erased) => &self.rows.kept,
            Ok(_) => &self.rows.unchanged,
            Err(_) => &self.rows.failed,
        }
    }
}

fn add(counter: &AtomicU64, n: u64) {
    counter.fetch_add(n, Ordering::Relaxed);
}
