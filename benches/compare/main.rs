//! `cargo bench`: contactd beside Redis and `PostgreSQL`, both sides in one run on one machine.
//!
//! Prints what it measured, the ratio, and what is aimed at. `cargo bench -- ROWS` takes fewer contacts than 1,000,000,
//! `cargo bench -- check` measures CHECK alone, `cargo bench -- purge` purges, `cargo bench -- import` what an import costs others, `cargo bench -- writes` single durable writes, `cargo bench -- backup`
//! backups, `cargo bench -- pair` daemons that share a ledger, `cargo bench -- console` the pages of the console; `cargo bench -- plots 10000000` draws what docs/numbers.md shows.
//! What is not installed is said to be skipped.

mod backup;
mod beside;
mod check;
mod console;
mod growth;
mod import;
mod load;
mod machine;
mod pair;
mod plot;
mod postgres;
mod purge;
mod sending;
mod sheet;
mod writes;

use std::path::Path;
use std::time::{Duration, Instant};

use load::checks;
use machine::{Daemon, median};
use postgres::Postgres;

const LIST: &str = "+14155550100";
/// Imports that are compared, each into an empty store.
const IMPORT_PAIRS: usize = 3;
const FILTER: &str = "eligible=+14155550100 label.state=CA label.tier=gold";

fn main() {
    let rows = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(1_000_000);
    println!(
        "{} processors, {rows} contacts, labels state (10 values), tier (3), campaign (1,000), name and email (all different)\n",
        machine::processors()
    );
    let named: Vec<String> = std::env::args()
        .filter(|arg| {
            ["contacts", "check", "import", "purge", "backup", "console", "writes", "pair", "plots"]
                .contains(&arg.as_str())
        })
        .collect();
    let is_wanted = |part: &str| named.is_empty() || named.iter().any(|named| named == part);
    if is_wanted("contacts") {
        contacts(rows);
    }
    let dir = tempfile::tempdir().expect("a directory");
    // It is part of the contacts as well.
    if named.iter().any(|named| named == "check") {
        check::run(dir.path(), rows);
    }
    if is_wanted("import") {
        import::run(dir.path(), rows);
    }
    if is_wanted("purge") {
        purge::run(dir.path(), rows);
    }
    if is_wanted("backup") {
        backup::run(dir.path(), rows);
    }
    if is_wanted("writes") {
        writes::run(dir.path(), rows);
    }
    if is_wanted("pair") {
        pair::run(dir.path(), rows);
    }
    if is_wanted("console") {
        console::run(dir.path(), rows);
    }
    if is_wanted("plots") {
        growth::run(dir.path(), rows);
    }
}

/// An import into a daemon that has nothing.
fn import_anew(dir: &Path, sheet: &Path) -> Duration {
    let dir = tempfile::tempdir_in(dir).expect("a directory");
    let daemon = Daemon::start(dir.path());
    daemon.call(&format!("LIST {LIST}"));
    daemon.import(sheet, LIST)
}

fn contacts(rows: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let sheet = dir.path().join("contacts.csv");
    sheet::write(&sheet, rows);

    let mut daemon = Daemon::start(dir.path());
    daemon.call(&format!("LIST {LIST}"));
    let (first, client) = daemon.import_watched(&sheet, LIST);
    let busy: Vec<String> = daemon
        .worked_by_thread()
        .into_iter()
        .filter(|(_, busy)| busy.as_millis() >= 100)
        .map(|(thread, busy)| format!("{thread} {:.1}", busy.as_secs_f64()))
        .collect();
    let size = daemon.stat("store_bytes");
    tell("import", &format!("{:.1} s, {:.0} rows/s", first.as_secs_f64(), rows as f64 / first.as_secs_f64()));
    tell("seconds of a processor", &format!("the client {:.1}, {}", client.as_secs_f64(), busy.join(", ")));
    tell("resident after it", &format!("{} MB (aim 300)", daemon.stat("memory_bytes") / 1_000_000));
    let second = daemon.import(&sheet, LIST);
    tell(
        "the same again, unchanged",
        &format!("{:.1} s, {:.2} x the first", second.as_secs_f64(), ratio(first, second)),
    );
    tell("restart to first CHECK", &format!("{:.2} s (aim 2)", daemon.restart(LIST).as_secs_f64()));
    tell("resident after a restart", &format!("{} MB (aim 200)", daemon.stat("memory_bytes") / 1_000_000));

    let [first_count, count, again] = counts(&daemon);
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    tell(
        "COUNT, two labels and eligible",
        &format!(
            "the first {:.2} ms, a new one {:.2} ms (aim 0.2), asked again {:.2} ms",
            ms(first_count),
            ms(count),
            ms(again)
        ),
    );
    let page = median(21, || daemon.time(&format!("FIND {FILTER} LIMIT 1000")));
    tell("FIND, a page of 1,000", &format!("{:.2} ms (aim 2)", page.as_secs_f64() * 1e3));
    let (found, scan) = daemon.scan("label.tier=gold");
    tell(
        "FIND, all of label.tier=gold",
        &format!("{found} contacts, {:.0} a second (aim 1,000,000)", found as f64 / scan.as_secs_f64()),
    );

    let mut postgres = Postgres::start(dir.path());
    match &mut postgres {
        None => println!("PostgreSQL is not installed: skipped"),
        Some(postgres) => {
            let mut pairs = vec![(first, postgres.import(&sheet))];
            while pairs.len() < IMPORT_PAIRS {
                pairs.push((import_anew(dir.path(), &sheet), postgres.import(&sheet)));
            }
            let seconds = |of: &dyn Fn(&(Duration, Duration)) -> f64| middle(pairs.iter().map(of).collect());
            tell(
                "PostgreSQL, COPY and INSERT",
                &format!(
                    "{:.1} s, contactd {:.1} s: median ratio {:.2} of {IMPORT_PAIRS} pairs (aim 4)",
                    seconds(&|(_, theirs)| theirs.as_secs_f64()),
                    seconds(&|(ours, _)| ours.as_secs_f64()),
                    seconds(&|(ours, theirs)| ratio(*theirs, *ours))
                ),
            );
            let like = median(5, || postgres.count());
            tell(
                "PostgreSQL, the like count",
                &format!("{:.0} ms: contactd {:.0} x as fast (aim 50)", like.as_secs_f64() * 1e3, ratio(like, count)),
            );
            tell(
                "disk",
                &format!(
                    "{} MB, {:.2} of PostgreSQL's (aim 0.7)",
                    size / 1_000_000,
                    size as f64 / postgres.bytes() as f64
                ),
            );
        }
    }
    daemon.load(rows);
    check::beside_redis(&daemon, dir.path(), rows);
    interference(&daemon, rows);
    sending::run(&mut daemon, dir.path(), postgres.as_mut(), rows);
    if let Some(postgres) = &mut postgres {
        sending::disk(&daemon, postgres, rows);
    }
}

/// How long a COUNT of three terms takes: the very first after a start; one that nobody has asked for, of labels that were asked for by
/// themselves; and one that was, of contacts that have not changed since.
fn counts(daemon: &Daemon) -> [Duration; 3] {
    let first = daemon.time(&format!("COUNT {FILTER}"));
    let pairs = sheet::STATES.iter().flat_map(|state| sheet::TIERS.map(|tier| (state, tier)));
    let mut new = pairs.filter(|pair| *pair != (&"CA", "gold"));
    for label in sheet::STATES
        .map(|state| format!("state={state}"))
        .into_iter()
        .chain(sheet::TIERS.map(|tier| format!("tier={tier}")))
    {
        daemon.call(&format!("COUNT label.{label}"));
    }
    let new = median(21, || {
        let (state, tier) = new.next().expect("another pair");
        daemon.time(&format!("COUNT eligible={LIST} label.state={state} label.tier={tier}"))
    });
    [first, new, median(21, || daemon.time(&format!("COUNT {FILTER}")))]
}

/// A COUNT of three terms, and of a label that nobody has, so that it is another one for each number.
fn new_count(n: u64) -> String {
    format!("COUNT {FILTER} NOT label.none{n}")
}

/// What queries and writes cost each other.
fn interference(daemon: &Daemon, rows: usize) {
    let slowest = |mut times: Vec<Duration>| {
        times.sort();
        (times[times.len() / 2], times[times.len() - 1])
    };
    let writes = beside::opt_outs(daemon, 5_000);
    let (usual, last) = slowest((0..100).map(|_| daemon.time(&format!("COUNT {FILTER}"))).collect());
    tell(
        "COUNT beside durable writes",
        &format!(
            "{:.2} ms, the slowest of 100 {:.2} ms, beside {:.0} writes/s (aim 10 ms beside 5,000)",
            usual.as_secs_f64() * 1e3,
            last.as_secs_f64() * 1e3,
            writes.per_second()
        ),
    );
    drop(writes);
    let counts = || beside::Steady::start(daemon, 100, new_count);
    let ratios = (0..3)
        .map(|_| {
            let alone = checks(daemon.port(), 16, rows);
            let _counts = counts();
            checks(daemon.port(), 16, rows) / alone
        })
        .collect();
    tell("CHECK beside 100 COUNTs/s", &format!("{:.2} of its speed alone (aim 0.8)", crate::middle(ratios)));
    let slow = |beside: Option<beside::Steady>| {
        let (_, last) = beside::check_latency(&mut daemon.wire());
        drop(beside);
        last
    };
    let rounds: Vec<[Duration; 3]> =
        (0..5).map(|_| [slow(None), slow(Some(counts())), slow(Some(beside::opt_outs(daemon, 5_000)))]).collect();
    let middle = |of: &dyn Fn(&[Duration; 3]) -> f64| crate::middle(rounds.iter().map(of).collect());
    tell(
        "CHECK p99.9, one at a time",
        &format!(
            "{:.0} us alone, {:.2} x beside COUNTs, {:.2} x beside writes (aim 3)",
            middle(&|round| round[0].as_secs_f64() * 1e6),
            middle(&|round| ratio(round[1], round[0])),
            middle(&|round| ratio(round[2], round[0])),
        ),
    );
}

fn tell(what: &str, result: &str) {
    println!("{what:<32} {result}");
}

/// The median.
fn middle(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = Instant::now();
    let result = work();
    (result, started.elapsed())
}
