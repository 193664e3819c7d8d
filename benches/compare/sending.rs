//! Claims: against `PostgreSQL` doing the same in one transaction, beside CHECKs, and on a long history.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::load::{checks, load};
use crate::machine::{Daemon, LOAD_LIST, Wire, median};
use crate::postgres::Postgres;
use crate::{beside, middle, tell, timed};

/// Sends that the history has in the end, to each contact.
const SENDS_EACH: usize = 10;

pub fn run(daemon: &mut Daemon, dir: &Path, postgres: Option<&mut Postgres>, rows: usize) {
    let empty = dir.join("empty");
    daemon.copy_data(&empty);
    let (in_no_order, by_the_page) =
        (claims(daemon, 16, rows, "fresh"), claims_by_the_page(daemon, rows, "fresh-page"));
    if let Some(postgres) = postgres {
        let pairs: Vec<(f64, f64)> = (0..3)
            .map(|round| {
                let ours = claims(daemon, 1, rows, &format!("one{round}"));
                (ours, postgres.claims(rows))
            })
            .collect();
        let ours = middle(pairs.iter().map(|pair| pair.0).collect());
        let theirs = middle(pairs.iter().map(|pair| pair.1).collect());
        let ratio = middle(pairs.iter().map(|pair| pair.0 / pair.1).collect());
        tell(
            "CLAIM, 50 connections, durable",
            &format!("{ours:.0}/s, PostgreSQL's transaction {theirs:.0}/s: median ratio {ratio:.2} (aim 2)"),
        );
    }
    tell("CLAIM, pipeline 16", &format!("{in_no_order:.0}/s, page by page {by_the_page:.0}/s (aim 30,000)"));
    let slower = (0..3)
        .map(|round| {
            let alone = checks(daemon.port(), 16, rows);
            let _claims = beside::claims(daemon, 5_000, round);
            checks(daemon.port(), 16, rows) / alone
        })
        .collect();
    tell("CHECK beside 5,000 CLAIMs/s", &format!("{:.2} of its speed alone (aim 0.8)", middle(slower)));

    let took = send(daemon, LOAD_LIST, rows, SENDS_EACH, |n| format!("+4{n:012}"));
    let sends = rows * SENDS_EACH;
    tell(
        "SENT, pipelined",
        &format!("{sends} in {:.0} s: {:.0}/s", took.as_secs_f64(), sends as f64 / took.as_secs_f64()),
    );
    tell("resident with this history", &format!("{} MB (aim 600)", daemon.stat("memory_bytes") / 1_000_000));
    let mut wire = daemon.wire();
    let mut number = 0;
    let history = median(101, || {
        number = (number + 7_919) % rows;
        let started = Instant::now();
        wire.ask(&format!("HISTORY +4{number:012}"));
        started.elapsed()
    });
    tell("HISTORY of one contact", &format!("{:.2} ms (aim 5)", history.as_secs_f64() * 1e3));
    let restart = daemon.restart(LOAD_LIST);
    tell("restart with this history", &format!("{:.2} s", restart.as_secs_f64()));
    tell("resident after it", &format!("{} MB", daemon.stat("memory_bytes") / 1_000_000));
    let long = dir.join("long");
    daemon.copy_data(&long);
    against(dir, [&empty, &long], rows);
}

/// What claims lose to a history: each round on fresh copies of a store without one and of a store with it. The first
/// claims fill the cache, and are not counted.
fn against(dir: &Path, [empty, long]: [&Path; 2], rows: usize) {
    let alone = tempfile::tempdir_in(dir).expect("a directory");
    let mut resident = 0;
    let mut round = |data: &Path| {
        let daemon = Daemon::start_on(alone.path(), data);
        claims(&daemon, 16, rows, "warm");
        let speeds = [
            claims(&daemon, 1, rows, "one"),
            claims(&daemon, 16, rows, "more"),
            claims_by_the_page(&daemon, rows, "page"),
        ];
        resident = resident.max(daemon.stat("memory_bytes"));
        speeds
    };
    let rounds: Vec<[[f64; 3]; 2]> = (0..3).map(|_| [round(empty), round(long)]).collect();
    for (at, way) in ["pipeline 1", "pipeline 16", "page by page"].into_iter().enumerate() {
        let now = middle(rounds.iter().map(|[_, long]| long[at]).collect());
        let ratio = middle(rounds.iter().map(|[empty, long]| long[at] / empty[at]).collect());
        tell(
            &format!("CLAIM then, {way}"),
            &format!("{now:.0}/s: median ratio {ratio:.2} of that on an empty history (aim 0.8)"),
        );
    }
    tell("resident after these, at most", &format!("{} MB (aim 600)", resident / 1_000_000));
}

/// With the like history in `PostgreSQL`.
pub fn disk(daemon: &Daemon, postgres: &mut Postgres, rows: usize) {
    postgres.sends(rows, SENDS_EACH);
    let (ours, theirs) = (daemon.stat("store_bytes"), postgres.bytes());
    tell(
        "disk with this history",
        &format!("{} MB, {:.2} of PostgreSQL's (aim 0.7)", ours / 1_000_000, ours as f64 / theirs as f64),
    );
}

/// Claims a second as workers make them: each of 50 takes a segment's next page, and claims for one contact after the other,
/// sixteen ahead.
fn claims_by_the_page(daemon: &Daemon, rows: usize, campaign: &str) -> f64 {
    const PAGE: usize = 1_000;
    const AHEAD: usize = 16;
    let pages = (rows / PAGE).min(400);
    let next = AtomicUsize::new(0);
    let ((), took) = timed(|| {
        std::thread::scope(|scope| {
            for mut wire in (0..50).map(|_| daemon.wire()) {
                let next = &next;
                scope.spawn(move || {
                    loop {
                        let page = next.fetch_add(1, Ordering::Relaxed);
                        if page >= pages {
                            return;
                        }
                        // All over the store, not only at its beginning.
                        let first = page * (rows / PAGE / pages) * PAGE;
                        for ahead in (first..first + PAGE).step_by(AHEAD) {
                            let numbers = ahead..(ahead + AHEAD).min(first + PAGE);
                            wire.ask_all(
                                numbers,
                                |n| format!("CLAIM {LOAD_LIST} +4{n:012} {campaign}-{n}"),
                                |reply| assert_ne!(reply, ["+dup claimed"]),
                            );
                        }
                    }
                });
            }
        });
    });
    (pages * PAGE) as f64 / took.as_secs_f64()
}

/// Claims of distinct messages a second, for contacts in no order.
fn claims(daemon: &Daemon, pipeline: usize, rows: usize, campaign: &str) -> f64 {
    let id = format!("{campaign}-{{}}");
    let requests = if pipeline == 1 { 100_000 } else { 400_000 };
    load(daemon.port(), pipeline, requests, rows, &["CLAIM", LOAD_LIST, "+4{}", &id]).per_second
}

/// Tells of sends to many numbers over four connections.
pub fn send(
    daemon: &Daemon,
    list: &str,
    rows: usize,
    each: usize,
    number: impl Fn(usize) -> String + Sync,
) -> Duration {
    const CONNECTIONS: usize = 4;
    const BLOCK: usize = 1_000;
    let started = Instant::now();
    std::thread::scope(|scope| {
        for connection in 0..CONNECTIONS {
            let mut wire: Wire = daemon.wire();
            let number = &number;
            scope.spawn(move || {
                for nth in 0..each {
                    for first in (connection * BLOCK..rows).step_by(CONNECTIONS * BLOCK) {
                        let numbers = first..(first + BLOCK).min(rows);
                        wire.ask_all(
                            numbers,
                            |n| format!("SENT {list} {} campaign-{nth:02}-{n:012}", number(n)),
                            |reply| assert_eq!(reply, [":1"]),
                        );
                    }
                }
            });
        }
    });
    started.elapsed()
}
