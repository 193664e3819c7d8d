//! `contactd rewrite`, and the secret of the tombstones.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::pair::{only_alone, only_whole};
use crate::purge::{json, number, purged};
use crate::purge_cli::{LIST, condemn, contactd, done, phone};
use crate::stored::Stored;
use crate::support::{Daemon, PATIENCE, Wire, free_address, program};

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
    contactd(&["rewrite", "--data-dir", daemon.data_dir().to_str().expect("UTF-8")])
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
    assert_eq!(wire.call(&format!("PURGE RUN {}", number(&plan))), "+started");
    assert_eq!(purged(&mut wire)["purged"], 1_000);
    let erased = phone(10);
    assert!(wire.call(&format!("ERASE {erased}")).starts_with("+erased"));
    (daemon, erased)
}

#[test]
fn a_rewritten_store_is_the_same_and_smaller_and_has_nothing_of_whom_was_erased() {
    if only_alone("a copy of a ledger is verified while it is served")
        || only_whole("each partition is rewritten by itself")
    {
        return;
    }
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
    assert!(told.contains("values copied and compared"), "{told}");
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
    if only_alone("a copy of a ledger is verified while it is served")
        || only_whole("each partition is rewritten by itself")
    {
        return;
    }
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
        (&["rewrite"][..], "--data-dir"),
        (&["rewrite", "--data-dir", here], "is not a contactd store"),
        (&["compact", "--rewrite"], "--data-dir"),
        (&["compact", "--rewrite", "--dry-run", "--data-dir", here], "cannot be used with"),
        (&["compact", "--data-dir", here], "--rewrite"),
        (&["compact", "--rewrite", "--data-dir", here], "is not a contactd store"),
    ] {
        let (code, _, errors) = done(contactd(arguments));
        assert!(code == Some(2) && errors.contains(told), "{arguments:?}: {code:?}: {errors}");
    }
    assert_eq!(fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing is made there");
}

/// Without its secret a store knows nobody's opt-out any more who was purged, and is not served.
#[test]
fn a_store_is_not_opened_without_its_secret() {
    if only_alone("the daemons of a pair have one secret, beside their directories")
        || only_whole("the partitions of a store have one secret, beside them")
    {
        return;
    }
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
        (Some(other.trim()), 0o600, "restore the file that was here"),
        (Some("0123"), 0o600, "restore it from a backup"),
        (Some(""), 0o600, "restore it from a backup"),
        (Some(secret.as_str()), 0o644, "chmod 600 on it"),
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
    assert_eq!(daemon.connect().call(&out), format!("+kept {erased} erased"));
}
