//! A ledger on `PostgreSQL` beside a daemon alone: what its writes and CHECKs cost, how long a take-over takes, and what partitions
//! add to the writes. Both servers of the database run on this machine, too, and share its processors.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::load::{checks, load};
use crate::machine::{Daemon, LOAD_LIST};
use crate::postgres::Postgres;
use crate::{beside, middle, tell, timed};

const ROUNDS: usize = 5;
const WRITES: usize = 100_000;
/// How often a daemon is stopped for an upgrade, one after the other.
const HAND_OVERS: usize = 9;
const LONE_WRITES: usize = 1_000;
/// What `contactd serve` takes if nothing is said.
const LEASE: Duration = Duration::from_secs(15);
const PATIENCE: Duration = Duration::from_secs(120);
/// Contacts that are enough to compare partitions.
const PARTITION_ROWS: usize = 200_000;

pub fn run(dir: &Path, rows: usize) {
    let Some(postgres) = Postgres::start_with_standby(dir) else {
        println!("PostgreSQL is not installed: skipped");
        return;
    };
    let dir = dir.join("pair");
    std::fs::create_dir_all(&dir).expect("a directory");
    let key = dir.join("tombstone.key").display().to_string();
    let alone = Daemon::start(&dir.join("alone"));
    alone.load(rows);

    let url = postgres.make_ledger("pair");
    init(&url, &[]);
    let arguments = ["--ledger", &url, "--tombstone-key", &key];
    let start = |name: &str| Daemon::start_with(&dir.join(name), &arguments);
    let mut owner = start("one");
    let mut other = start("two");
    owner.load(rows);
    let follows = |other: &Daemon, what: &str| {
        wait_until_it_follows(other);
        let third = format!("third after {what}");
        let (_third, took) = timed(|| {
            let third = start(&third);
            wait_until_it_follows(&third);
            third
        });
        tell(
            &format!("a new daemon follows, {what}"),
            &format!("{:.1} s after its start (aim 20)", took.as_secs_f64()),
        );
    };
    follows(&other, "contacts alone");
    (owner, other) = hand_overs(owner, other, "contacts alone");
    against(&alone, &owner, &other, &postgres, rows);
    drop(alone);

    follows(&other, "with those opt-outs");
    (owner, other) = hand_overs(owner, other, "with those opt-outs");
    let take_over = longest_wait(&other, || owner.stop());
    tell(
        "CHECK waits at a kill -9",
        &format!(
            "{:.1} s with a lease of {} s (aim {})",
            take_over.as_secs_f64(),
            LEASE.as_secs(),
            LEASE.as_secs_f64() + 1.5
        ),
    );
    drop((owner, other));
    partitions(&dir, &postgres, rows.min(PARTITION_ROWS));
}

/// The owner of a pair beside a daemon alone.
fn against(alone: &Daemon, owner: &Daemon, other: &Daemon, postgres: &Postgres, rows: usize) {
    // The first of each fills the cache, and is not counted.
    let _ = (opt_outs(alone, 1, rows), opt_outs(owner, 1, rows));
    let mut costs = [const { Vec::new() }; 4];
    let writes: Vec<[f64; 2]> = (0..ROUNDS)
        .map(|_| {
            let before = [alone.worked(), owner.worked(), other.worked(), postgres.worked()];
            let rates = [opt_outs(alone, 1, rows), opt_outs(owner, 1, rows)];
            let after = [alone.worked(), owner.worked(), other.worked(), postgres.worked()];
            for (costs, (before, after)) in costs.iter_mut().zip(before.into_iter().zip(after)) {
                costs.push(after.saturating_sub(before).as_secs_f64() * 1e6 / WRITES as f64);
            }
            rates
        })
        .collect();
    tell_pairs("OPTOUT, 50 connections", &writes, 0.7);
    let [alone_us, owner_us, other_us, postgres_us] = costs.map(middle);
    tell(
        "us of a processor for each",
        &format!(
            "alone {alone_us:.1}; owner {owner_us:.1}, the other one {other_us:.1}, PostgreSQL's two servers {postgres_us:.1}"
        ),
    );
    let ahead: Vec<[f64; 2]> = (0..ROUNDS).map(|_| [opt_outs(alone, 16, rows), opt_outs(owner, 16, rows)]).collect();
    tell_pairs("OPTOUT, pipeline 16", &ahead, 0.7);
    let lone = |daemon: &Daemon, round: usize| {
        let times = beside::sorted_times(&mut daemon.wire(), LONE_WRITES, |n| {
            format!("INBOUND {LOAD_LIST} +4{:012} {{\"text\":\"STOP\"}}", (round * LONE_WRITES + n) % rows)
        });
        times[LONE_WRITES / 2].as_secs_f64() * 1e3
    };
    let stops: Vec<[f64; 2]> = (0..ROUNDS).map(|round| [lone(alone, round), lone(owner, round)]).collect();
    let of = |at: usize| middle(stops.iter().map(|round| round[at]).collect());
    tell("a lone STOP, the median", &format!("{:.2} ms, alone {:.2} ms (aim 2)", of(1), of(0)));
    for depth in [1, 16] {
        let ask = |daemon: &Daemon| checks(daemon.port(), depth, rows);
        let pairs: Vec<[f64; 2]> = (0..ROUNDS).map(|_| [ask(alone), ask(owner)]).collect();
        tell_pairs(&format!("CHECK, pipeline {depth}, at the owner"), &pairs, 0.95);
    }
}

/// One daemon with a ledger in four partitions beside one whose ledger has none; and the same without a ledger.
fn partitions(dir: &Path, postgres: &Postgres, rows: usize) {
    let key = dir.join("partitions.key").display().to_string();
    let (whole, parts) = (postgres.make_ledger("whole"), postgres.make_ledger("parts"));
    init(&whole, &[]);
    init(&parts, &["--partitions", "4", "--tombstone-key", &key]);
    let of_ledger = |name: &str, url: &str, more: &[&str]| {
        Daemon::start_with(&dir.join(name), &[&["--ledger", url, "--tombstone-key", &key], more].concat())
    };
    let four: &[&str] = &["--partitions", "4"];
    compare("4 partitions, with a ledger", [of_ledger("whole", &whole, &[]), of_ledger("parts", &parts, four)], rows);
    compare(
        "4 partitions, without",
        [Daemon::start(&dir.join("local")), Daemon::start_with(&dir.join("local-parts"), four)],
        rows,
    );
}

fn compare(what: &str, daemons: [Daemon; 2], rows: usize) {
    for daemon in &daemons {
        daemon.load(rows);
        opt_outs(daemon, 1, rows);
    }
    let mut costs = [const { Vec::new() }; 2];
    let pairs: Vec<[f64; 2]> = (0..ROUNDS)
        .map(|_| {
            [0, 1].map(|at| {
                let before = daemons[at].worked();
                let rate = opt_outs(&daemons[at], 1, rows);
                costs[at].push(daemons[at].worked().saturating_sub(before).as_secs_f64() * 1e6 / WRITES as f64);
                rate
            })
        })
        .collect();
    tell_pairs(&format!("OPTOUT, {what}"), &pairs, 1.5);
    let [whole, parts] = costs.map(middle);
    tell("us of a processor for each", &format!("{whole:.1}, in partitions {parts:.1}"));
}

fn opt_outs(daemon: &Daemon, depth: usize, rows: usize) -> f64 {
    load(daemon.port(), depth, WRITES, rows, &["OPTOUT", LOAD_LIST, "+4{}"]).per_second
}

fn tell_pairs(what: &str, pairs: &[[f64; 2]], aim: f64) {
    let of = |at: usize| middle(pairs.iter().map(|pair| pair[at]).collect());
    let ratio = middle(pairs.iter().map(|pair| pair[1] / pair[0]).collect());
    tell(what, &format!("{:.0}/s, beside {:.0}/s: median ratio {ratio:.2} (aim {aim})", of(1), of(0)));
}

fn init(url: &str, arguments: &[&str]) {
    let mut init = Command::new(env!("CARGO_BIN_EXE_contactd"));
    init.args(["ledger", "init", url]).args(arguments).stdout(Stdio::null());
    assert!(init.status().is_ok_and(|status| status.success()), "contactd ledger init");
}

/// Stops the owner again and again, and tells how long clients of the other one wait. Gives the two as they are then.
fn hand_overs(mut owner: Daemon, mut other: Daemon, what: &str) -> (Daemon, Daemon) {
    let mut waits: Vec<f64> = (0..HAND_OVERS)
        .map(|_| {
            let wait = longest_wait(&other, || owner.terminate());
            owner.go_on("PING");
            wait_until_it_follows(&owner);
            std::mem::swap(&mut owner, &mut other);
            wait.as_secs_f64()
        })
        .collect();
    waits.sort_by(f64::total_cmp);
    tell(
        &format!("CHECK waits at a SIGTERM, {what}"),
        &format!("median {:.2} s, longest {:.2} s (aim 0.2)", waits[HAND_OVERS / 2], waits[HAND_OVERS - 1]),
    );
    (owner, other)
}

/// Waits until a daemon that stands by has what the owner wrote.
fn wait_until_it_follows(daemon: &Daemon) {
    let started = Instant::now();
    while !daemon.health().contains("; 0 rows behind") {
        assert!(started.elapsed() < PATIENCE, "it does not follow: {}", daemon.health());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The longest time without an answer for a client of this daemon that asks again and again, after a millisecond where it was refused,
/// while something happens and until it is answered after it.
fn longest_wait(daemon: &Daemon, happens: impl FnOnce()) -> Duration {
    let (answers, is_done) = (AtomicU64::new(0), AtomicBool::new(false));
    let wait_for_more = || {
        let (before, started) = (answers.load(Ordering::Relaxed), Instant::now());
        // One may have been on its way already.
        while answers.load(Ordering::Relaxed) < before + 3 {
            assert!(started.elapsed() < PATIENCE, "CHECK is not answered any more");
            std::thread::sleep(Duration::from_millis(1));
        }
    };
    std::thread::scope(|scope| {
        let longest = scope.spawn(|| {
            let (mut last, mut longest) = (Instant::now(), Duration::ZERO);
            while !is_done.load(Ordering::Relaxed) {
                if is_answered(daemon.port()) {
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                    answers.fetch_add(1, Ordering::Relaxed);
                } else {
                    // Two processors have to load the store, too.
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            longest
        });
        wait_for_more();
        happens();
        wait_for_more();
        is_done.store(true, Ordering::Relaxed);
        longest.join().expect("it asks")
    })
}

/// Whether a CHECK on a connection of its own is answered.
fn is_answered(port: u16) -> bool {
    let mut line = String::new();
    let asked = TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        stream.write_all(format!("CHECK {LOAD_LIST} +4000000000001\n").as_bytes())?;
        BufReader::new(stream).read_line(&mut line)
    });
    asked.is_ok() && line.starts_with('+')
}
