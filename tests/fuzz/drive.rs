//! Runs a target: its corpus, then mutations, as many as a test has time for or for as long as `CONTACTD_SOAK` says. What is
//! random follows from a seed that is told, and `CONTACTD_SEED` gives it again.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::corpus::Corpus;
use crate::mutate::mutated;
use crate::prove::Random;

/// Inputs that follow from one seed.
const ROUND: u64 = 1_000;
/// No input of some kilobytes needs more memory, all threads together: what believes a length that it reads does.
const MEMORY_BYTES_MAX: u64 = 4 << 30;

type Run = fn(&[u8]);

/// Runs a target on its corpus, and on so many mutations of it if nobody asked for more.
pub fn fuzz(target: &str, inputs: u64, run: Run) {
    let limit = Rlimit { current: Some(MEMORY_BYTES_MAX), ..getrlimit(Resource::As) };
    setrlimit(Resource::As, limit).expect("a limit");
    let corpus = Corpus::of(target);
    for (name, seed) in &corpus.seeds {
        let is_taken = catch_unwind(AssertUnwindSafe(|| run(seed))).is_ok();
        assert!(is_taken, "fuzz {target}: fuzz/corpus/{target}/{name} fails");
    }
    let number = |name| std::env::var(name).ok().map(|text| text.parse::<f64>().expect("a number"));
    let soak = number("CONTACTD_SOAK").map(|minutes| Duration::from_secs_f64(minutes * 60.0));
    let given = std::env::var("CONTACTD_SEED").ok().map(|seed| seed.parse::<u64>().expect("a seed is a number"));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // In `cargo test` the same each time.
    let first = given.unwrap_or(if soak.is_some() { now * 1_000_000 } else { 7164 });
    let drive = Drive { target, run, corpus, next: AtomicU64::new(first), first, ended: AtomicBool::new(false) };
    let started = Instant::now();
    let rounds = inputs.div_ceil(ROUND);
    let goes_on = |done: u64| soak.map_or(done < rounds, |soak| started.elapsed() < soak);
    let threads = if soak.is_some() { thread::available_parallelism().map_or(1, usize::from) } else { 1 };
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| drive.rounds(&goes_on, soak.is_some()));
        }
    });
    drive.tell(started);
}

struct Drive<'t> {
    target: &'t str,
    run: Run,
    corpus: Corpus,
    /// The seed of the round that is begun next.
    next: AtomicU64,
    first: u64,
    ended: AtomicBool,
}

impl Drive<'_> {
    fn rounds(&self, goes_on: &(dyn Fn(u64) -> bool + Sync), is_long: bool) {
        let (started, mut told) = (Instant::now(), Instant::now());
        while !self.ended.load(Relaxed) && goes_on(self.next.load(Relaxed) - self.first) {
            let seed = self.next.fetch_add(1, Relaxed);
            let mut random = Random::new(seed);
            for _ in 0..ROUND {
                let input = mutated(&self.corpus, &mut random);
                if catch_unwind(AssertUnwindSafe(|| (self.run)(&input))).is_err() {
                    self.ended.store(true, Relaxed);
                    self.fail(&input, seed);
                }
            }
            if is_long && told.elapsed() > Duration::from_secs(60) {
                told = Instant::now();
                self.tell(started);
            }
        }
    }

    /// Makes an input that fails as short as it gets, and keeps it.
    fn fail(&self, input: &[u8], seed: u64) -> ! {
        let shortest = shortened(input, |input| catch_unwind(AssertUnwindSafe(|| (self.run)(input))).is_err());
        let mut hash = DefaultHasher::new();
        shortest.hash(&mut hash);
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fuzz").join(self.target);
        let path = dir.join(format!("{:016x}", hash.finish()));
        fs::create_dir_all(&dir).and_then(|()| fs::write(&path, &shortest)).expect("written");
        panic!(
            "fuzz {target}: an input fails, and is kept: {}. It is \"{}\". Once more: CONTACTD_SEED={seed} cargo test --test fuzz \
             {target}. When it is mended, put it into fuzz/corpus/{target} under a name that says what it shows",
            path.display(),
            shortest.escape_ascii(),
            target = self.target,
        );
    }

    fn tell(&self, started: Instant) {
        let inputs = (self.next.load(Relaxed) - self.first) * ROUND;
        let seconds = started.elapsed().as_secs();
        // Past the test harness, which shows what a test prints only if it fails.
        let _ = writeln!(
            std::io::stderr(),
            "fuzz {}: {inputs} inputs from seed {} in {seconds} s, beside {} of the corpus: nothing failed",
            self.target,
            self.first,
            self.corpus.seeds.len()
        );
    }
}

/// Takes parts out of an input for as long as it fails.
fn shortened(input: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let hook = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let mut shortest = input.to_vec();
    let mut part = shortest.len() / 2;
    while part > 0 {
        let mut at = 0;
        while at < shortest.len() {
            let without = [&shortest[..at], &shortest[(at + part).min(shortest.len())..]].concat();
            if fails(&without) { shortest = without } else { at += part }
        }
        part /= 2;
    }
    panic::set_hook(hook);
    shortest
}
