//! Durable opt-outs and claims, one at a time on each of 50 connections: beside Redis that syncs each write
//! (`appendfsync always`), and beside `PostgreSQL`.

use std::path::Path;
use std::time::Duration;

use crate::load::load;
use crate::machine::{Daemon, LOAD_LIST, Redis, has};
use crate::postgres::Postgres;
use crate::{middle, tell};

const ROUNDS: usize = 5;
const REQUESTS: usize = 200_000;

pub fn run(dir: &Path, rows: usize) {
    let daemon = Daemon::start(&dir.join("writes"));
    daemon.load(rows);
    // Of who is opted out already the opt-out gets newer: each round has the same work.
    let writes = |port, words: &[&str]| load(port, 1, REQUESTS, rows, words).per_second;
    let opt_outs = |_| writes(daemon.port(), &["OPTOUT", LOAD_LIST, "+4{}"]);
    let claims = |round: usize| {
        let id = format!("{round}-{{}}");
        writes(daemon.port(), &["CLAIM", LOAD_LIST, "+4{}", &id])
    };
    // The first of each fills the cache, and is not counted.
    let _ = (claims(0), opt_outs(0));

    let redis = has("redis-server").then(|| Redis::start_durable(dir));
    let pairs: Vec<[f64; 4]> = (1..=ROUNDS)
        .map(|round| {
            let claims = claims(round);
            let before = daemon.worked();
            let ours = opt_outs(round);
            let cost = each(daemon.worked().saturating_sub(before));
            let theirs =
                redis.as_ref().map_or(f64::NAN, |redis| writes(redis.port(), &["ZADD", "opted_out", "{}", "+4{}"]));
            [ours, theirs, cost, claims]
        })
        .collect();
    let of = |at: usize| middle(pairs.iter().map(|pair| pair[at]).collect());
    let ratio = middle(pairs.iter().map(|pair| pair[0] / pair[1]).collect());
    tell(
        "OPTOUT, 50 connections, durable",
        &format!(
            "{:.0}/s, {:.1} us of a processor each; Redis, appendfsync always: {:.0}/s: median ratio {ratio:.2} (aim 1)",
            of(0),
            of(2),
            of(1)
        ),
    );
    tell("us of each OPTOUT, by thread", &by_thread(&daemon, || opt_outs(ROUNDS + 1)));
    tell("CLAIM, 50 connections, durable", &format!("{:.0}/s (aim 45,000)", of(3)));
    tell("us of each CLAIM, by thread", &by_thread(&daemon, || claims(ROUNDS + 1)));
    drop(redis);
    let Some(mut postgres) = Postgres::start(dir) else {
        println!("PostgreSQL is not installed: skipped");
        return;
    };
    let theirs: Vec<f64> = (0..3).map(|_| postgres.opt_outs(rows)).collect();
    let theirs = middle(theirs);
    tell("PostgreSQL, an upsert", &format!("{theirs:.0}/s: OPTOUT is {:.1} x as fast (aim 4)", of(0) / theirs));
}

/// How long the processors work for each of these requests.
fn each(worked: Duration) -> f64 {
    worked.as_secs_f64() * 1e6 / REQUESTS as f64
}

/// The same by the threads that do it, those that take long enough to be told.
fn by_thread(daemon: &Daemon, requests: impl FnOnce() -> f64) -> String {
    let before = daemon.worked_by_thread();
    requests();
    let parts = daemon.worked_by_thread().into_iter().map(|(thread, after)| {
        let before = before.get(&thread).copied().unwrap_or_default();
        (thread, each(after.saturating_sub(before)))
    });
    let parts: Vec<String> =
        parts.filter(|(_, us)| *us >= 0.5).map(|(thread, us)| format!("{thread} {us:.1}")).collect();
    parts.join(", ")
}
