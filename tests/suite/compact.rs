//! `contactd compact` as a person runs it, the compactor in the daemon, and the secret of the tombstones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::purge::{json, purged, reports};
use crate::stored::Stored;
use crate::support::{Daemon, PATIENCE, Wire, free_address, program};

const LIST: &str = "24365";
const CLICKER: &str = "+14155559999";
const ADMIN: &str = "admin-token-of-tests";
const WRITER: &str = "write-token-of-tests";

fn phone(n: usize) -> String {
    format!("+1415{:07}", 2_000_000 + n)
}

/// Contacts of whom nothing has come for years, in a list that is measured.
fn condemn(wire: &mut Wire, contacts: usize) {
    wire.call(&format!("LIST {LIST}"));
    let row = |n| {
        format!(r#"IMPORT {LIST} {{"phone":"{}","created_at":"2020-01-01","subscribed_at":"2020-01-01"}}"#, phone(n))
    };
    assert!(wire.call_all(&(0..contacts).map(row).collect::<Vec<_>>()).iter().all(|told| told.starts_with("+created")));
    assert_eq!(wire.call(&format!("CLICK {LIST} {CLICKER}")), ":1");
}

fn compact(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.arg("compact").args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The exit code, and what was printed.
fn done(mut command: Command) -> (Option<i32>, String, String) {
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

    let (code, told, errors) = done(compact(&["--server", &daemon.address, "--dry-run"]));
    assert_eq!(code, Some(0), "{errors}");
    for line in [
        "Plan 1: 2 contacts are past the policy's limits.",
        "           2 nothing has come for very long",
        "           1 stay for their label",
        "           2 are on 24365",
        "  +14152000000      nothing since 2020-01-01, 0 messages in vain",
        "  +14152000001      nothing since 2020-01-01, 0 messages in vain",
    ] {
        assert!(told.lines().any(|told| told == line), "{line}\n{told}");
    }
    let (code, told, errors) = done(compact(&["--server", &daemon.address, "--dry-run", "--json"]));
    assert_eq!((code, told.lines().count()), (Some(0), 1), "{errors}");
    let plan: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((&plan["plan"], &plan["contacts"], &plan["kept"]), (&2.into(), &2.into(), &1.into()), "{plan}");

    assert_eq!(wire.call_all(&get), before);
    assert_eq!((wire.call("PURGE STATUS"), wire.call("PURGE REPORTS")), ("+{\"state\":\"idle\"}".into(), "*0".into()));
    assert_eq!((statistic(&mut wire, "tombstones"), wire.call("COUNT")), ("0".into(), ":4".into()));
}

#[test]
fn a_run_purges_and_tells_what_it_did() {
    for as_json in [false, true] {
        let daemon = Daemon::start(&[]);
        let mut wire = daemon.connect();
        condemn(&mut wire, 200);
        let arguments: &[&str] = if as_json { &["--json", "--server"] } else { &["--server"] };
        let (code, told, errors) = done(compact(&[arguments, &[&daemon.address]].concat()));
        assert_eq!(code, Some(0), "{errors}");
        if as_json {
            let lines: Vec<Value> = told.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
            assert_eq!(lines.len(), 2, "{told}");
            assert_eq!(lines[0]["contacts"], 200);
            assert_eq!(lines[1], reports(&mut wire)[0]);
            assert_eq!(lines[1]["purged"], 200);
        } else {
            assert!(told.contains("Plan 1 is finished.\n         200 purged;"), "{told}");
        }
        assert_eq!((statistic(&mut wire, "tombstones"), wire.call("COUNT")), ("200".into(), ":1".into()));
    }
}

#[test]
fn a_run_that_somebody_stops_is_told_by_its_exit_code() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    condemn(&mut wire, 4_000);
    let child = compact(&["--server", &daemon.address]).spawn().expect("it starts");
    let since = Instant::now();
    while json(&wire.call("PURGE STATUS"))["purged"].as_u64().is_none_or(|purged| purged == 0) {
        assert!(since.elapsed() < PATIENCE, "it does not begin");
        thread::sleep(Duration::from_millis(1));
    }
    // One at a time.
    let (code, _, errors) = done(compact(&["--server", &daemon.address]));
    assert!(code == Some(2) && errors.contains("plan 1 is running"), "{code:?}: {errors}");
    assert_eq!(wire.call("PURGE STOP"), "+stopping");
    let output = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains("Plan 1 is stopped.") && told.contains("PURGE RUN 1"), "{told}");
    assert!(!told.contains(" now."), "it has not measured the store: {told}");
}

#[test]
fn compact_needs_a_daemon_and_its_token() {
    let (code, _, errors) = done(compact(&["--server", &free_address()]));
    assert!(code == Some(2) && !errors.is_empty(), "{code:?}: {errors}");

    let dir = tempfile::tempdir().expect("a directory");
    let tokens = tokens(dir.path());
    let daemon = Daemon::start(&["--tokens", tokens.to_str().expect("UTF-8")]);
    for (token, expected, told) in [(None, 2, "NOAUTH"), (Some(WRITER), 2, "NOPERM"), (Some(ADMIN), 0, "")] {
        let mut command = compact(&["--server", &daemon.address, "--dry-run"]);
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
    let mut daemon = Daemon::start(&["--compact-every", "1s", "--tokens", tokens.to_str().expect("UTF-8")]);
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
    for (every, hours) in
        [(&[][..], "24.0"), (&["--compact-every", "never"], "null"), (&["--compact-every", "0"], "null")]
    {
        let daemon = Daemon::start(every);
        let policy = json(&daemon.connect().call("PURGE POLICY"));
        assert_eq!(policy["every_hours"].to_string(), hours, "{every:?}");
    }
}

/// The bytes of all files below a directory.
fn bytes(dir: &Path) -> Vec<u8> {
    let mut all = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        all.extend(if path.is_dir() { bytes(&path) } else { fs::read(path).expect("a file") });
    }
    all
}

fn has_number(bytes: &[u8], phone: &str) -> bool {
    let number: u64 = phone[1..].parse().expect("digits");
    [phone.as_bytes(), &number.to_be_bytes(), &number.to_le_bytes()]
        .iter()
        .any(|form| bytes.windows(form.len()).any(|part| part == *form))
}

fn rewrite(daemon: &Daemon) -> Command {
    compact(&["--rewrite", "--data-dir", daemon.data_dir().to_str().expect("UTF-8")])
}

/// What is answered about some contacts.
fn seen(wire: &mut Wire) -> Vec<String> {
    let phones = (0..2_000).step_by(7).map(phone);
    let asks =
        phones.flat_map(|phone| [format!("GET {phone}"), format!("CHECK {LIST} {phone}"), format!("HISTORY {phone}")]);
    wire.call_all(&asks.chain(["VERIFY".into(), "LABELS".into(), "LISTS".into()]).collect::<Vec<_>>())
}

/// A store with two thousand contacts that were changed again and again, some of whom are gone; and an erased number.
fn worn() -> (Daemon, String) {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    condemn(&mut wire, 2_000);
    let lines: Vec<String> = (0..6_000)
        .map(|n| format!("PUT {} {{\"labels\":{{\"tier\":\"{}\",\"n\":\"{n}\"}}}}", phone(n % 2_000), n % 3))
        .collect();
    wire.call_all(&lines);
    let saved: Vec<String> =
        (0..2_000).step_by(2).map(|n| format!("INBOUND {LIST} {} {{\"text\":\"hello\"}}", phone(n))).collect();
    wire.call_all(&saved);
    let plan = json(&wire.call("PURGE PLAN"));
    assert_eq!(wire.call(&format!("PURGE RUN {}", plan["plan"])), "+started");
    assert_eq!(purged(&mut wire)["purged"], 1_000);
    let erased = phone(10);
    assert!(wire.call(&format!("ERASE {erased}")).starts_with("+erased"));
    (daemon, erased)
}

#[test]
fn a_rewritten_store_is_the_same_and_smaller_and_has_nothing_of_whom_was_erased() {
    let (mut daemon, erased) = worn();
    let mut wire = daemon.connect();
    let before = seen(&mut wire);
    let (code, _, errors) = done(rewrite(&daemon));
    assert_eq!(code, Some(2), "{errors}");
    assert!(errors.contains("is in use by another contactd") && errors.contains(&daemon.pid().to_string()), "{errors}");
    assert_eq!(wire.call("PING"), "+PONG");
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));

    // What a rewriting that was killed has left behind.
    let leftover = daemon.data_dir().join("store.new");
    fs::create_dir(&leftover).expect("a directory");
    fs::write(leftover.join("db"), "half a store").expect("a file");
    let old = bytes(&daemon.data_dir().join("store"));
    assert!(has_number(&old, &erased), "old bytes stay in the file for a while");
    let (code, told, errors) = done(rewrite(&daemon));
    assert_eq!(code, Some(0), "{errors}");
    assert!(told.contains("values written anew and compared"), "{told}");
    let new = bytes(&daemon.data_dir());
    assert!(new.len() < old.len(), "{} before, {} now", old.len(), new.len());
    assert!(!has_number(&new, &erased) && has_number(&new, &phone(12)));
    assert!(Stored::read(&daemon.data_dir()).places_of_number(&erased).is_empty());
    assert!(!leftover.exists() && !daemon.data_dir().join("store.old").exists());
    let mut verify = Command::new(program());
    verify.args(["verify", "--data-dir"]).arg(daemon.data_dir());
    assert_eq!(done(verify).0, Some(0));
    daemon.restart();
    assert_eq!(seen(&mut daemon.connect()), before);
}

#[test]
fn a_rewriting_that_is_killed_leaves_a_whole_store() {
    let (mut daemon, _) = worn();
    let before = seen(&mut daemon.connect());
    assert_eq!(daemon.terminate(), Some(0));
    let mut killed = 0;
    for wait_ms in [2, 5, 10, 20, 40, 80, 120] {
        let mut child = rewrite(&daemon).spawn().expect("it starts");
        thread::sleep(Duration::from_millis(wait_ms));
        child.kill().expect("to be killed");
        killed += usize::from(child.wait().expect("to end").code().is_none());
    }
    assert!(killed > 0, "each was done before");
    daemon.restart();
    assert_eq!(seen(&mut daemon.connect()), before);
    // Between its two renames, and right behind them.
    let (store, old) = (daemon.data_dir().join("store"), daemon.data_dir().join("store.old"));
    let mut verify = Command::new(program());
    verify.args(["verify", "--data-dir"]).arg(daemon.data_dir());
    for mends in [None, Some(verify), Some(rewrite(&daemon))] {
        assert_eq!(daemon.terminate(), Some(0));
        fs::rename(&store, &old).expect("renamed");
        if let Some(command) = mends {
            let (code, _, errors) = done(command);
            assert!(code == Some(0) && store.exists() && !old.exists(), "{code:?}: {errors}");
        }
        daemon.restart();
        assert_eq!(seen(&mut daemon.connect()), before, "the old one is put back");
    }
    assert_eq!(daemon.terminate(), Some(0));
    fs::create_dir(&old).expect("a directory");
    fs::write(old.join("db"), "the one before").expect("a file");
    daemon.restart();
    assert_eq!(seen(&mut daemon.connect()), before, "the new one is in its place");
    assert!(!old.exists());
}

#[test]
fn rewrite_takes_a_stopped_store_and_nothing_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let here = dir.path().to_str().expect("UTF-8");
    for (arguments, told) in [
        (&["--rewrite"][..], "--data-dir"),
        (&["--rewrite", "--dry-run", "--data-dir", here], "cannot be used with"),
        (&["--data-dir", here], "--rewrite"),
        (&["--rewrite", "--data-dir", here], "is no contactd store"),
    ] {
        let (code, _, errors) = done(compact(arguments));
        assert!(code == Some(2) && errors.contains(told), "{arguments:?}: {code:?}: {errors}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing is made there");
}

/// Without its secret a store knows nobody's opt-out any more who was purged, and is not served.
#[test]
fn a_store_is_not_opened_without_its_secret() {
    let (mut daemon, erased) = worn();
    let out = format!("IMPORT {LIST} {{\"phone\":\"{erased}\"}}");
    let key = daemon.data_dir().join("tombstone.key");
    assert_eq!(fs::metadata(&key).expect("the secret").permissions().mode() & 0o777, 0o600);
    assert_eq!(daemon.terminate(), Some(0));
    let secret = fs::read_to_string(&key).expect("the secret");
    let start = |daemon: &Daemon| {
        let mut command = Command::new(program());
        command.args(["serve", "--listen", &free_address(), "--data-dir"]).arg(daemon.data_dir());
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().expect("it starts");
        let since = Instant::now();
        while child.try_wait().expect("a child").is_none() {
            if since.elapsed() > PATIENCE {
                child.kill().expect("to be killed");
                panic!("it serves");
            }
            thread::sleep(Duration::from_millis(5));
        }
        let output = child.wait_with_output().expect("it has ended");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let put = |text: &str, mode: u32| {
        let _ = fs::remove_file(&key);
        fs::write(&key, text).expect("a file");
        fs::set_permissions(&key, fs::Permissions::from_mode(mode)).expect("set");
    };
    let other = secret.chars().rev().collect::<String>();
    for (text, mode, told) in [
        (None, 0o600, "restore it from a backup"),
        (Some(other.trim()), 0o600, "restore the one that was here"),
        (Some("0123"), 0o600, "restore it from a backup"),
        (Some(""), 0o600, "restore it from a backup"),
        (Some(secret.as_str()), 0o644, "chmod 600 it"),
    ] {
        match text {
            Some(text) => put(text, mode),
            None => fs::remove_file(&key).expect("removed"),
        }
        let (code, errors) = start(&daemon);
        assert_eq!(code, Some(2), "{text:?}: {errors}");
        assert!(errors.contains(told) && errors.contains("tombstone.key"), "{text:?}: {errors}");
        assert_eq!(key.exists(), text.is_some(), "none is made in its place");
    }
    put(&secret, 0o600);
    daemon.restart();
    assert_eq!(daemon.connect().call(&out), format!("+kept {erased} opted_out"));
}
