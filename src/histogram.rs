//! Counts how long things took, in buckets that double. Any thread may add; nobody waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Bounded buckets: from 1 ms to 8.192 s, each bound twice the one before. What took longer is counted behind them.
pub const BUCKETS: usize = 14;

/// How long things took.
#[derive(Debug, Default)]
pub struct Histogram {
    counts: [AtomicU64; BUCKETS + 1],
    sum_us: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution {
    /// For each bucket its upper bound in seconds and how many fell into it, not counting the buckets before it. The last
    /// bucket has no bound: [`f64::MAX`].
    pub buckets: Vec<(f64, u64)>,
    /// All durations together, in seconds.
    pub sum_seconds: f64,
}

impl Histogram {
    /// Counts `n` things that took as long as this.
    pub fn add(&self, took: Duration, n: u64) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = (0..BUCKETS).find(|&bucket| us <= bound_us(bucket)).unwrap_or(BUCKETS);
        self.counts[bucket].fetch_add(n, Ordering::Relaxed);
        self.sum_us.fetch_add(us.saturating_mul(n), Ordering::Relaxed);
    }

    /// What was counted so far.
    pub fn read(&self) -> Distribution {
        let bounds = (0..BUCKETS).map(|bucket| bound_us(bucket) as f64 / 1e6).chain([f64::MAX]);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Relaxed));
        let sum_seconds = self.sum_us.load(Ordering::Relaxed) as f64 / 1e6;
        Distribution { buckets: bounds.zip(counts).collect(), sum_seconds }
    }
}

impl Distribution {
    /// How many things were counted.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|(_, count)| count).sum()
    }
}

const fn bound_us(bucket: usize) -> u64 {
    1_000 << bucket
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for (ms, n) in [(0, 1), (1, 2), (2, 4), (8_192, 8), (8_193, 16)] {
            histogram.add(Duration::from_millis(ms), n);
        }
        let read = histogram.read();
        let filled: Vec<(f64, u64)> = read.buckets.iter().copied().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.001, 3), (0.002, 4), (8.192, 8), (f64::MAX, 16)]);
        assert_eq!((read.count(), read.sum_seconds.round()), (31, 197.0));
    }
}
