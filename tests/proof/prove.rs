//! Rounds of a proof: as many as a test has time for, or as many minutes as `CONTACTD_SOAK` says. What is random follows
//! from a seed that is told, and `CONTACTD_SEED` gives it again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

/// A sequence of numbers that looks random and follows from its seed (`SplitMix64`, Steele, Lea and Flood 2014).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// A time between two others, in milliseconds.
    pub fn wait(&mut self, from_ms: usize, to_ms: usize) -> Duration {
        Duration::from_micros((from_ms * 1_000 + self.below((to_ms - from_ms) * 1_000 + 1)) as u64)
    }
}

/// One round: a directory of its own, its random numbers, and what it counts.
pub struct Round<'a> {
    pub random: Random,
    pub is_long: bool,
    dir: Option<TempDir>,
    proof: &'a str,
    seed: u64,
    counts: &'a mut BTreeMap<&'static str, u64>,
}

impl Round<'_> {
    pub fn dir(&self) -> &Path {
        self.dir.as_ref().expect("it is there until the end").path()
    }

    pub fn count(&mut self, what: &'static str, n: usize) {
        *self.counts.entry(what).or_default() += n as u64;
    }
}

impl Drop for Round<'_> {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            tell(&format!(
                "proof {}: a round failed. Its directory is kept: {}. Once more: CONTACTD_SEED={} cargo test --test proof {}",
                self.proof,
                dir.keep().display(),
                self.seed,
                self.proof
            ));
        }
    }
}

/// Proves something in so many rounds, or for as long as was asked for. The name is that of the module.
pub fn prove(proof: &str, rounds: u64, mut round: impl FnMut(&mut Round<'_>)) {
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<f64>().expect("a number"));
    let soak = number("CONTACTD_SOAK").map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let given = std::env::var("CONTACTD_SEED").ok().map(|seed| seed.parse().expect("a seed is a number"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // In `cargo test` the same each time.
    let first = given.unwrap_or(if soak.is_some() { now * 10_000 } else { 7164 });
    let (started, mut told) = (Instant::now(), Instant::now());
    let mut counts = BTreeMap::new();
    let mut done = 0;
    while soak.map_or(done < rounds, |soak| started.elapsed() < soak) {
        let seed = first + done;
        let dir = Some(tempfile::Builder::new().prefix(&format!("contactd-{proof}-")).tempdir().expect("a directory"));
        let random = Random::new(seed);
        round(&mut Round { random, is_long: soak.is_some(), dir, proof, seed, counts: &mut counts });
        done += 1;
        if soak.is_some() && told.elapsed() > Duration::from_secs(60) {
            told = Instant::now();
            tell(&summary(proof, done, first, started, &counts));
        }
    }
    tell(&summary(proof, done, first, started, &counts));
}

fn summary(proof: &str, done: u64, seed: u64, started: Instant, counts: &BTreeMap<&str, u64>) -> String {
    let counts: Vec<String> = counts.iter().map(|(what, n)| format!("{n} {what}")).collect();
    let seconds = started.elapsed().as_secs();
    format!("proof {proof}: {done} rounds from seed {seed} in {seconds} s, 0 violations: {}", counts.join(", "))
}

/// Past the test harness, which shows what a test prints only if it fails.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}
