//! `contactd purge` as a person runs it, and the compactor in the daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::pair::only_whole;
use crate::purge::{json, number, purged, reports};
use crate::support::{Daemon, PATIENCE, Wire, free_address, one_of_each, partitions, plan_word, program};

pub const LIST: &str = "24365";
const ADMIN: &str = "admin-token-of-tests";
const WRITER: &str = "write-token-of-tests";

pub fn phone(n: usize) -> String {
    format!("+1415{:07}", 2_000_000 + n)
}

/// Contacts that have sent nothing for years, on a list that records clicks.
pub fn condemn(wire: &mut Wire, contacts: usize) {
    wire.call(&format!("LIST {LIST}"));
    let row = |n| {
        format!(r#"IMPORT {LIST} {{"phone":"{}","created_at":"2020-01-01","subscribed_at":"2020-01-01"}}"#, phone(n))
    };
    assert!(wire.call_all(&(0..contacts).map(row).collect::<Vec<_>>()).iter().all(|told| told.starts_with("+created")));
    // Each partition judges by what it has whether a list records any.
    for clicker in one_of_each() {
        assert_eq!(wire.call(&format!("CLICK {LIST} {clicker}")), ":1");
    }
}

/// A command of contactd whose output is read.
pub fn contactd(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit code, and what was printed.
pub fn done(mut command: Command) -> (Option<i32>, String, String) {
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

fn statistic(wire: &mut Wire, name: &str) -> String {
    let told = wire.call("STATS");
    let line = told.lines().find_map(|line| line.strip_prefix(&format!("+{name} ")));
    line.unwrap_or_else(|| panic!("no {name}: {told}")).to_owned()
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    condemn(&mut wire, 3);
    assert_eq!(wire.call(&format!("PUT {} {{\"labels\":{{\"keep\":\"yes\"}}}}", phone(2))), "+updated");
    let get: Vec<String> = (0..3).map(|n| format!("GET {}", phone(n))).collect();
    let before = wire.call_all(&get);

    let (code, told, errors) = done(contactd(&["purge", "--server", &daemon.address, "--dry-run"]));
    assert_eq!(code, Some(0), "{errors}");
    for line in [
        format!("Plan {}: 2 contacts are past the policy's limits.", plan_word(1)).as_str(),
        "           2 idle for a very long time",
        "           1 kept for their label",
        "           2 are on 24365",
        "  +14152000000      nothing since 2020-01-01, 0 messages unanswered",
        "  +14152000001      nothing since 2020-01-01, 0 messages unanswered",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    let (code, told, errors) = done(contactd(&["purge", "--server", &daemon.address, "--dry-run", "--json"]));
    assert_eq!((code, told.lines().count()), (Some(0), 1), "{errors}");
    let plan: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((number(&plan), &plan["contacts"], &plan["kept"]), (plan_word(2), &2.into(), &1.into()), "{plan}");

    assert_eq!(wire.call_all(&get), before);
    assert_eq!((wire.call("PURGE STATUS"), wire.call("PURGE REPORTS")), ("+{\"state\":\"idle\"}".into(), "*0".into()));
    assert_eq!(
        (statistic(&mut wire, "tombstones"), wire.call("COUNT")),
        ("0".into(), format!(":{}", 3 + partitions()))
    );
}

#[test]
fn a_run_purges_and_tells_what_it_did() {
    for as_json in [false, true] {
        let daemon = Daemon::start(&[]);
        let mut wire = daemon.connect();
        condemn(&mut wire, 200);
        let arguments: &[&str] = if as_json { &["--json", "--server"] } else { &["--server"] };
        let (code, told, errors) = done(contactd(&[&["purge"], arguments, &[&daemon.address]].concat()));
        assert_eq!(code, Some(0), "{errors}");
        if as_json {
            let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!(lines.len(), 2, "{told}");
            assert_eq!(lines[0]["contacts"], 200);
            assert_eq!(lines[1], reports(&mut wire)[0]);
            assert_eq!(lines[1]["purged"], 200);
        } else {
            assert!(told.contains(&format!("Plan {} is finished.\n         200 purged;", plan_word(1))), "{told}");
        }
        assert_eq!(
            (statistic(&mut wire, "tombstones"), wire.call("COUNT")),
            ("200".into(), format!(":{}", partitions()))
        );
    }
}

#[test]
fn a_run_that_somebody_stops_is_told_by_its_exit_code() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    condemn(&mut wire, 4_000);
    let child = contactd(&["purge", "--server", &daemon.address]).spawn().expect("it starts");
    let since = Instant::now();
    while json(&wire.call("PURGE STATUS"))["purged"].as_u64().is_none_or(|purged| purged == 0) {
        assert!(since.elapsed() < PATIENCE, "it does not begin");
        thread::sleep(Duration::from_millis(1));
    }
    // One at a time.
    let (code, _, errors) = done(contactd(&["purge", "--server", &daemon.address]));
    assert!(code == Some(2) && errors.contains("plan 1 is running"), "{code:?}: {errors}");
    assert_eq!(wire.call("PURGE STOP"), "+stopping");
    let output = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    let plan = plan_word(1);
    assert!(
        told.contains(&format!("Plan {plan} is stopped.")) && told.contains(&format!("PURGE RUN {plan}")),
        "{told}"
    );
    assert!(!told.contains(" now."), "it has not measured the store: {told}");
}

#[test]
fn purge_needs_a_daemon_and_its_token() {
    let (code, _, errors) = done(contactd(&["purge", "--server", &free_address()]));
    assert!(code == Some(2) && !errors.is_empty(), "{code:?}: {errors}");

    let dir = tempfile::tempdir().expect("a directory");
    let tokens = tokens(dir.path());
    let daemon = Daemon::start(&["--tokens", tokens.to_str().expect("UTF-8")]);
    for (token, expected, told) in [(None, 2, "NOAUTH"), (Some(WRITER), 2, "NOPERM"), (Some(ADMIN), 0, "")] {
        let mut command = contactd(&["purge", "--server", &daemon.address, "--dry-run"]);
        command.env_remove("CONTACTD_TOKEN").envs(token.map(|token| ("CONTACTD_TOKEN", token)));
        let (code, _, errors) = done(command);
        assert!(code == Some(expected) && errors.contains(told), "{token:?}: {code:?}: {errors}");
    }
}

fn tokens(dir: &Path) -> PathBuf {
    let path = dir.join("tokens");
    fs::write(&path, format!("admin {ADMIN}\nwrite {WRITER}\n")).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
    path
}

/// By itself, with nobody's token: the first time after an hour, or as soon as it is to be done again.
#[test]
fn the_daemon_purges_by_itself() {
    let dir = tempfile::tempdir().expect("a directory");
    let tokens = tokens(dir.path());
    let mut daemon = Daemon::start(&["--purge-every", "1s", "--tokens", tokens.to_str().expect("UTF-8")]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("AUTH {ADMIN}")), "+OK");
    condemn(&mut wire, 300);
    let since = Instant::now();
    while statistic(&mut wire, "tombstones") != "300" {
        assert!(since.elapsed() < PATIENCE, "it does not purge:\n{}", daemon.log());
        thread::sleep(Duration::from_millis(20));
    }
    purged(&mut wire);
    // And again.
    let known = reports(&mut wire).len();
    while reports(&mut wire).len() == known {
        assert!(since.elapsed() < PATIENCE, "it purges once only:\n{}", daemon.log());
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(reports(&mut wire).iter().filter_map(|report| report["purged"].as_u64()).sum::<u64>(), 300);
    assert_eq!(json(&wire.call("PURGE POLICY"))["every_hours"], 1.0 / 3600.0);
    assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
    for (every, hours) in [
        (&[][..], "24.0"),
        (&["--purge-every", "never"], "null"),
        (&["--purge-every", "0"], "null"),
        (&["--compact-every", "36h"], "36.0"),
    ] {
        let daemon = Daemon::start(every);
        let policy = json(&daemon.connect().call("PURGE POLICY"));
        assert_eq!(policy["every_hours"].to_string(), hours, "{every:?}");
    }
}

/// The names that purges and their setting had at first.
#[test]
fn former_names_go_on_working() {
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    condemn(&mut wire, 2);
    let (code, told, errors) = done(contactd(&["compact", "--dry-run", "--server", &daemon.address]));
    assert!(code == Some(0) && told.contains("2 contacts are past"), "{told}{errors}");
    let (code, told, errors) = done(contactd(&["compact", "--server", &daemon.address]));
    assert!(code == Some(0) && told.contains(&format!("Plan {} is finished.", plan_word(2))), "{told}{errors}");
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));
    if only_whole("each partition is rewritten by itself") {
        return;
    }
    let data_dir = daemon.data_dir();
    let data_dir = data_dir.to_str().expect("UTF-8");
    let (code, told, errors) = done(contactd(&["compact", "--rewrite", "--data-dir", data_dir]));
    assert!(code == Some(0) && told.contains("values copied and compared"), "{told}{errors}");

    let mut serve = contactd(&["serve", "--listen", &free_address(), "--data-dir", data_dir]);
    serve.env("CONTACTD_COMPACT_EVERY", "soon");
    let (code, _, errors) = done(serve);
    assert!(code == Some(2) && errors.contains("CONTACTD_COMPACT_EVERY: 'soon'"), "{code:?}: {errors}");
    let (_, help, _) = done(contactd(&["--help"]));
    assert!(help.contains("purge") && !help.contains("compact"), "the new names alone are shown: {help}");
}

/// An error in the run reaches whoever started it, not the log alone.
#[test]
fn a_run_that_breaks_off_says_why() {
    let dir = tempfile::tempdir().expect("a directory");
    let archive = dir.path().join("archive");
    fs::write(&archive, "a file where the directory should be").expect("a file");
    let daemon = Daemon::start(&["--purge-archive", archive.to_str().expect("UTF-8")]);
    condemn(&mut daemon.connect(), 2);
    let (code, told, errors) = done(contactd(&["purge", "--server", &daemon.address]));
    assert_eq!(code, Some(2), "{told}{errors}");
    let plan = plan_word(1);
    assert!(errors.contains(&format!("the run of plan {plan} broke off: cannot write the archive")), "{errors}");
    let (state, next) = (format!("Plan {plan} is stopped."), format!("contactd call PURGE RUN {plan}"));
    assert!(told.contains(&state) && told.contains(&next), "{told}");
    fs::remove_file(&archive).expect("removed");
    let (code, told, errors) = done(contactd(&["purge", "--server", &daemon.address]));
    assert!(code == Some(0) && told.contains("2 purged;"), "{told}{errors}");
}
