//! A purge of half the contacts: how fast, what it costs others meanwhile, and what the store is afterwards.

use std::path::Path;
use std::time::Duration;

use crate::beside::{OTHERS, tell_costs};
use crate::machine::Daemon;
use crate::sending::send;
use crate::{LIST, sheet, tell, timed};

/// Messages in vain that are in the history of each of those who are purged.
const SENDS_EACH: usize = 4;

pub fn run(dir: &Path, rows: usize) {
    let dir = dir.join("purge");
    std::fs::create_dir_all(&dir).expect("a directory");
    let file = dir.join("contacts.csv");
    sheet::write_half_idle(&file, rows);
    let mut daemon = Daemon::start(&dir);
    daemon.call(&format!("LIST {LIST}"));
    daemon.import(&file, LIST);
    send(&daemon, LIST, rows / 2, SENDS_EACH, |n| sheet::number(2 * n as u64));
    daemon.load(OTHERS);
    // Without anybody's engagement nobody is found to lack it.
    daemon.call(&format!("CLICK {LIST} +12025550143"));
    daemon.restart(LIST);
    let (bytes, memory) = (daemon.stat("store_bytes"), daemon.stat("memory_bytes"));

    let (plan, took) = timed(|| daemon.call("PURGE PLAN").remove(0));
    let condemned = number(&plan, "contacts");
    tell("PURGE PLAN", &format!("{condemned} contacts in {:.2} s", took.as_secs_f64()));
    let plan = number(&plan, "plan");
    let (purged, took) = timed(|| purge_for(&daemon, plan, || std::thread::sleep(Duration::from_secs(3))).0);
    tell("purge", &format!("{:.0} contacts/s", purged as f64 / took.as_secs_f64()));

    tell_costs(&daemon, "a purge", |work| purge_for(&daemon, plan, work).1);

    daemon.call(&format!("PURGE RUN {plan}"));
    let ((), took) = timed(|| wait(&daemon));
    let report = daemon.call("PURGE REPORTS").remove(1);
    assert_eq!(number(&report, "purged"), condemned, "{report}");
    tell(
        "after it",
        &format!(
            "{} contacts and {} events gone, the rest in {:.0} s; store {} MB of {} MB, resident {} MB of {} MB",
            number(&report, "purged"),
            number(&report, "events"),
            took.as_secs_f64(),
            daemon.stat("store_bytes") / 1_000_000,
            bytes / 1_000_000,
            daemon.stat("memory_bytes") / 1_000_000,
            memory / 1_000_000
        ),
    );
    daemon.restart(LIST);
    tell("after a restart", &size(&daemon));
    let took = daemon.rewrite(LIST);
    tell("after rewrite", &format!("{}; it took {:.1} s", size(&daemon), took.as_secs_f64()));
}

fn size(daemon: &Daemon) -> String {
    let (bytes, memory) = (daemon.stat("store_bytes"), daemon.stat("memory_bytes"));
    format!("store {} MB, resident {} MB", bytes / 1_000_000, memory / 1_000_000)
}

/// Lets the plan run while something else is done. Tells how many contacts it removed meanwhile.
fn purge_for<T>(daemon: &Daemon, plan: u64, work: impl FnOnce() -> T) -> (u64, T) {
    let purged = || number(&daemon.call("PURGE REPORTS").get(1).cloned().unwrap_or_default(), "purged");
    let before = purged();
    daemon.call(&format!("PURGE RUN {plan}"));
    let result = work();
    assert!(daemon.call("PURGE STATUS")[0].contains("\"contacts\""), "more contacts are needed for this");
    daemon.call("PURGE STOP");
    wait(daemon);
    (purged() - before, result)
}

fn wait(daemon: &Daemon) {
    while !daemon.call("PURGE STATUS")[0].contains("\"idle\"") {
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A number of a JSON reply; 0 where there is no such reply.
fn number(reply: &str, key: &str) -> u64 {
    let json: serde_json::Value = serde_json::from_str(reply.trim_start_matches('+')).unwrap_or_default();
    json[key].as_u64().unwrap_or(0)
}
