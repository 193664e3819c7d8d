//! A backup of all contacts: how long it takes, and what it costs others meanwhile.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::beside::tell_costs;
use crate::machine::Daemon;
use crate::{tell, timed};

pub fn run(dir: &Path, rows: usize) {
    let (daemon, _) = Daemon::with_contacts(dir, "backup", rows);

    let ((), took) = timed(|| make(&daemon));
    let newest = daemon.call("BACKUP LIST").remove(1);
    let newest: serde_json::Value = serde_json::from_str(newest.trim_start_matches('+')).unwrap_or_default();
    let megabytes = newest["bytes"].as_u64().unwrap_or(0) / 1_000_000;
    let store = daemon.stat("store_bytes") / 1_000_000;
    tell("a backup", &format!("{:.2} s, {megabytes} MB of a store of {store} MB", took.as_secs_f64()));

    tell_costs(&daemon, "a backup", |work| beside_backups(&daemon, work));
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
