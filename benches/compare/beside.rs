//! What one job costs while another one goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::load::checks;
use crate::machine::{Daemon, LOAD_LIST, Wire};
use crate::{middle, tell, timed};

/// Requests that are sent at a steady rate, in bundles, until it is dropped.
pub struct Steady {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    started: Instant,
    thread: Option<JoinHandle<()>>,
}

impl Steady {
    pub fn start(daemon: &Daemon, per_second: u64, request: impl Fn(u64) -> String + Send + 'static) -> Steady {
        const BUNDLES_PER_SECOND: u64 = 100;
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, count, mut wire) = (Arc::clone(&stop), Arc::clone(&sent), daemon.wire());
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            for bundle in 0.. {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let due = Duration::from_millis(1000 / BUNDLES_PER_SECOND) * bundle;
                std::thread::sleep(due.saturating_sub(started.elapsed()));
                let size = per_second / BUNDLES_PER_SECOND;
                let first = u64::from(bundle) * size;
                wire.send(&(first..first + size).fold(String::new(), |text, n| text + &request(n) + "\n"));
                (0..size).for_each(|_| drop(wire.reply()));
                count.fetch_add(size, Ordering::Relaxed);
            }
        });
        Steady { stop, sent, started: Instant::now(), thread: Some(thread) }
    }

    /// What it really reached.
    pub fn per_second(&self) -> f64 {
        self.sent.load(Ordering::Relaxed) as f64 / self.started.elapsed().as_secs_f64()
    }
}

impl Drop for Steady {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the steady requests");
        }
    }
}

/// Durable opt-outs of distinct numbers.
pub fn opt_outs(daemon: &Daemon, per_second: u64) -> Steady {
    Steady::start(daemon, per_second, |n| format!("OPTOUT {LOAD_LIST} +4{n:012}"))
}

/// Claims of distinct messages.
pub fn claims(daemon: &Daemon, per_second: u64, round: u64) -> Steady {
    Steady::start(daemon, per_second, move |n| {
        format!("CLAIM {LOAD_LIST} +4{:012} beside-{round}-{n}", n * 7_919 % 1_000_000)
    })
}

/// How long each of some requests takes, one after the other; the longest last.
pub fn sorted_times(wire: &mut Wire, requests: usize, request: impl Fn(usize) -> String) -> Vec<Duration> {
    let mut times: Vec<Duration> = (0..requests)
        .map(|n| {
            let request = request(n);
            timed(|| wire.ask(&request)).1
        })
        .collect();
    times.sort();
    times
}

/// The median and the 99.9th percentile of one CHECK after the other.
pub fn check_latency(wire: &mut Wire) -> (Duration, Duration) {
    const CHECKS: usize = 30_000;
    let times = sorted_times(wire, CHECKS, |n| format!("CHECK {LOAD_LIST} +4{:012}", n * 7919 % 1_000_000));
    (times[times.len() / 2], times[times.len() * 999 / 1000])
}

/// Contacts that others ask and write about while a job runs.
pub const OTHERS: usize = 100_000;

/// What a job costs others: how many CHECKs are answered, the slowest CHECK and the slowest durable write, one after the other. Each is
/// measured while the job runs and between two times alone, in several rounds. `while_it_runs` does what it is given beside the job.
pub fn tell_costs(daemon: &Daemon, job: &str, mut while_it_runs: impl FnMut(&mut dyn FnMut() -> f64) -> f64) {
    let check = || checks(daemon.port(), 16, OTHERS);
    check();
    let mut rounds = |mut work: &mut dyn FnMut() -> f64| -> Vec<[f64; 2]> {
        const ROUNDS: usize = 5;
        let mut alone = work();
        (0..ROUNDS)
            .map(|_| {
                let beside = while_it_runs(&mut work);
                let before = std::mem::replace(&mut alone, work());
                [before.midpoint(alone), beside]
            })
            .collect()
    };
    let ratio = |rounds: &[[f64; 2]]| middle(rounds.iter().map(|[alone, beside]| beside / alone).collect());
    let rates = rounds(&mut { check });
    tell(&format!("CHECK beside {job}"), &format!("{:.2} of its speed alone (aim 0.8)", ratio(&rates)));
    let waits = |what: &str, waits: &[[f64; 2]]| {
        let ms = |at: usize| middle(waits.iter().map(|wait| wait[at] * 1e3).collect());
        let times = ratio(waits);
        tell(what, &format!("{:.2} ms alone, {:.2} ms beside {job}: {times:.2} x (aim 3)", ms(0), ms(1)));
    };
    waits("CHECK p99.9, one after the other", &rounds(&mut || check_latency(&mut daemon.wire()).1.as_secs_f64()));
    let mut round = 0;
    let mut write = || {
        round += 1;
        slowest_writes(daemon, round, OTHERS).as_secs_f64()
    };
    waits("durable writes, p99", &rounds(&mut write));
}

/// The 99th percentile of one durable opt-out after the other, of so many numbers.
fn slowest_writes(daemon: &Daemon, round: usize, numbers: usize) -> Duration {
    const WRITES: usize = 2_000;
    let times = sorted_times(&mut daemon.wire(), WRITES, |n| {
        format!("OPTOUT {LOAD_LIST} +4{:012}", (round * WRITES + n) % numbers)
    });
    times[WRITES * 99 / 100]
}
