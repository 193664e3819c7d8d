//! A backup of all contacts: how long it takes, and what it costs others meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::beside::{check_latency, slowest_writes};
use crate::load::checks;
use crate::machine::Daemon;
use crate::{LIST, middle, ratio, sheet, tell, timed};

/// Numbers that CHECKs and writes are about.
const OTHERS: usize = 100_000;
const ROUNDS: usize = 5;

pub fn run(dir: &Path, rows: usize) {
    let dir = dir.join("backup");
    std::fs::create_dir_all(&dir).expect("a directory");
    let file = dir.join("contacts.csv");
    sheet::write(&file, rows);
    let daemon = Daemon::start(&dir);
    daemon.call(&format!("LIST {LIST}"));
    daemon.import(&file, LIST);
    daemon.load(OTHERS);

    let ((), took) = timed(|| make(&daemon));
    let newest = daemon.call("BACKUP LIST").remove(1);
    let newest: serde_json::Value = serde_json::from_str(newest.trim_start_matches('+')).unwrap_or_default();
    let megabytes = newest["bytes"].as_u64().unwrap_or(0) / 1_000_000;
    let store = daemon.stat("store_bytes") / 1_000_000;
    tell("a backup", &format!("{:.2} s, {megabytes} MB of a store of {store} MB", took.as_secs_f64()));

    let check = || checks(daemon.port(), 16, OTHERS);
    check();
    // What the machine does besides changes: each one stands between two alone.
    let ratios = (0..ROUNDS)
        .map(|_| {
            let before = check();
            let beside = beside_backups(&daemon, check);
            beside / before.midpoint(check())
        })
        .collect();
    tell("CHECK beside a backup", &format!("{:.2} of its speed alone (aim 0.9)", middle(ratios)));
    let slow = || check_latency(&mut daemon.wire()).1;
    let ratios = (0..ROUNDS).map(|_| ratio(beside_backups(&daemon, slow), slow())).collect();
    tell("CHECK p99.9 beside a backup", &format!("{:.2} x alone (aim 3)", middle(ratios)));
    let mut next = 0;
    let mut write = || {
        next += 1;
        slowest_writes(&daemon, next, OTHERS)
    };
    let waits: Vec<(Duration, Duration)> =
        (0..ROUNDS).map(|_| (write(), beside_backups(&daemon, &mut write))).collect();
    let ms = |of: &dyn Fn(&(Duration, Duration)) -> Duration| {
        middle(waits.iter().map(|wait| of(wait).as_secs_f64() * 1e3).collect())
    };
    let (alone, beside) = (ms(&|w| w.0), ms(&|w| w.1));
    tell(
        "durable writes, p99",
        &format!("{alone:.1} ms alone, {beside:.1} ms beside a backup: {:.2} x (aim 2)", beside / alone),
    );
}

/// Makes a backup.
fn make(daemon: &Daemon) {
    assert_eq!(daemon.call("BACKUP RUN"), ["+started"]);
    wait(daemon);
    let newest = daemon.call("BACKUP LIST");
    assert!(newest.len() > 1, "there is no backup: {:?}", daemon.call("BACKUP STATUS"));
}

fn wait(daemon: &Daemon) {
    while !daemon.call("BACKUP STATUS")[0].contains("\"idle\"") {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Does something while one backup follows another.
fn beside_backups<T>(daemon: &Daemon, work: impl FnOnce() -> T) -> T {
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut made = 0;
            while !is_done.load(Ordering::Relaxed) {
                made += 1;
                let name = format!("bench-{made}");
                daemon.call(&format!("BACKUP RUN {name}"));
                while !is_done.load(Ordering::Relaxed) && !daemon.call("BACKUP STATUS")[0].contains("\"idle\"") {
                    std::thread::sleep(Duration::from_millis(10));
                }
                daemon.call("BACKUP STOP");
                wait(daemon);
                daemon.call(&format!("BACKUP DROP {name}"));
            }
        });
        let result = work();
        is_done.store(true, Ordering::Relaxed);
        result
    })
}
