//! `contactd backup` and `contactd restore`, with the real program: whoever said STOP gets nothing from a restored store.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use contactd::model::phone::Phone;
use contactd::model::slot::{partition, partition_name};
use serde_json::Value;

use crate::pair::{only_alone, only_whole};
use crate::purge::{json, number};
use crate::purge_cli::contactd;
use crate::support::{Daemon, Wire, free_address, partitions, program};

pub const LIST: &str = "+14155550100";
const OTHER: &str = "24365";

/// The n-th contact. In partitions all are of the first one: its backup and its trail have them all.
pub fn phone(n: usize) -> String {
    static OF_FIRST: OnceLock<Vec<String>> = OnceLock::new();
    let is_of_first =
        |number: &String| Phone::parse(number.as_bytes()).is_some_and(|phone| partition(phone, partitions()) == 0);
    let numbers = || (0..10_000).map(|n| format!("+1415556{n:04}")).filter(is_of_first).collect();
    OF_FIRST.get_or_init(numbers)[n].clone()
}

/// Where a daemon keeps its trail that was told this path: of partitions, the first one.
pub fn trail_of(path: &Path) -> PathBuf {
    let mut own = path.as_os_str().to_owned();
    if partitions() > 1 {
        own.push(".p0");
    }
    own.into()
}

/// `contactd restore` of what was backed up into a data directory: of partitions each one, with its own trails. Gives what is said of
/// the first.
pub fn restore(file: &str, data: &Path, trails: &[&Path]) -> Output {
    let run = |file: &Path, data: &Path, trails: &[PathBuf]| {
        let mut words = vec!["restore", text(file), "--data-dir", text(data)];
        words.extend(trails.iter().flat_map(|trail| ["--replay", text(trail)]));
        contactd(&words).output().expect("it runs")
    };
    if partitions() == 1 {
        return run(Path::new(file), data, &trails.iter().map(|trail| trail.to_path_buf()).collect::<Vec<_>>());
    }
    let (name, backups) = (Path::new(file).file_name().expect("a name"), Path::new(file).ancestors().nth(2));
    let mut outputs = (0..partitions()).map(|place| {
        let dir = partition_name(place);
        let file = backups.expect("a directory of each").join(&dir).join(name);
        let of_first = || trails.iter().map(|trail| trail.to_path_buf());
        let own = if place == 0 {
            of_first().collect::<Vec<_>>()
        } else {
            of_first().map(|trail| trail.with_extension(&dir)).filter(|trail| trail.exists()).collect()
        };
        run(&file, &data.join(&dir), &own)
    });
    let first = outputs.next().expect("one");
    let is_done = first.status.success() && outputs.all(|other| other.status.success());
    // One secret is for all of them.
    if is_done {
        fs::rename(data.join("p0/tombstone.key"), data.join("tombstone.key")).expect("moved");
    }
    assert!(is_done || !first.status.success(), "all are restored, or the first is not");
    first
}

pub fn filled(wire: &mut Wire, contacts: usize) {
    let mut lines = vec![format!("LIST {LIST}")];
    lines.extend((0..contacts).map(|n| format!("OPTIN {LIST} {} {{\"at\":\"2026-01-01\"}}", phone(n))));
    lines.extend((0..contacts).step_by(3).map(|n| format!("OPTOUT {LIST} {}", phone(n))));
    wire.call_all(&lines);
}

fn backup(daemon: &Daemon, arguments: &[&str]) -> Output {
    let mut words = vec!["backup", "--server", &daemon.address];
    words.extend(arguments);
    contactd(&words).output().expect("it runs")
}

pub fn told(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Of partitions the first one.
    let line = output.stdout.split(|byte| *byte == b'\n').next().expect("a line");
    serde_json::from_slice(line).expect("JSON")
}

/// Whether a fence is that of a backup; of partitions the oldest of theirs.
fn is_of(fence: &Value, backup: &Value) -> bool {
    let (fenced, made) = (fence["backup_at"].as_str(), backup["closed_at"].as_str());
    if partitions() > 1 { fenced.is_some() && fenced <= made } else { fenced == made }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir).expect("a directory").flatten().map(|entry| entry.path()).collect();
    files.sort();
    files
}

pub fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// What `contactd health` says.
pub fn health(daemon: &Daemon) -> String {
    let health = contactd(&["health", "--server", &daemon.address]).output().expect("it runs");
    String::from_utf8_lossy(&health.stdout).into_owned()
}

/// A daemon with contacts and a trail in a place, and the backup that was made of it there.
fn backed_up_beside_its_trail(place: &Path) -> (Daemon, PathBuf, Value) {
    let trail = place.join("trail.ndjson");
    let daemon = Daemon::start(&["--trail", text(&trail)]);
    filled(&mut daemon.connect(), 30);
    let made = told(&backup(&daemon, &[text(place)]));
    (daemon, trail_of(&trail), made)
}

#[test]
fn a_backup_of_last_night_sends_nothing_to_whoever_has_said_stop_since() {
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    filled(&mut wire, 900);
    let nights = tempfile::tempdir().expect("made");
    // Others write while it is made.
    let done = AtomicBool::new(false);
    let made = thread::scope(|scope| {
        scope.spawn(|| {
            let mut wire = daemon.connect();
            for n in (1..).step_by(3).take_while(|n| *n < 900 && !done.load(Ordering::Relaxed)) {
                wire.call(&format!("OPTOUT {LIST} {}", phone(n)));
            }
        });
        let made = told(&backup(&daemon, &[text(nights.path())]));
        done.store(true, Ordering::Relaxed);
        made
    });
    let file = PathBuf::from(made["backup"].as_str().expect("a path"));
    assert_eq!((made["contacts"].as_u64(), made["lists"].as_u64()), (Some(900), Some(1)));
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o600);
    assert!(!made.to_string().contains("secret"), "{made}");
    assert_eq!(wire.call("BACKUP LIST"), "*0", "what was fetched is gone from the daemon");
    // Today's STOP is not in it.
    assert_eq!(wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(2))), "+optout");
    drop(wire);

    let place = tempfile::tempdir().expect("made");
    let dir = place.path().join("data");
    let restore = |to: &Path| restore(text(&file), to, &[]);
    let restored = told(&restore(&dir));
    assert_eq!((restored["contacts"].as_u64(), restored["fenced"].as_bool()), (Some(900), Some(true)));
    assert_eq!(fs::metadata(dir.join("tombstone.key")).expect("a file").permissions().mode() & 0o777, 0o600);
    let again = restore(&dir);
    assert!(!again.status.success() && String::from_utf8_lossy(&again.stderr).contains("is not empty"));
    assert_eq!(files(place.path()), std::slice::from_ref(&dir), "nothing is left beside it");

    // The disk of the daemon was lost.
    daemon.kill();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    told(&restore(&daemon.data_dir()));
    daemon.restart();
    for _ in 0..2 {
        let mut wire = daemon.connect();
        for n in [2, 3, 5] {
            assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), "+no fenced");
            assert_eq!(wire.call(&format!("CLAIM {LIST} {} m{n}", phone(n))), "+no fenced");
        }
        let why = json(&wire.call(&format!("WHY {LIST} {}", phone(2))));
        assert!(why["text"].as_str().expect("a text").contains("so it was restored from a backup"), "{why}");
        assert_eq!(wire.call(&format!("COUNT eligible={LIST}")), ":0");
        assert!(wire.call("VERIFY").starts_with("+ok"), "verified");
        daemon.kill();
        daemon.restart();
    }
    let health = contactd(&["health", "--server", &daemon.address]).output().expect("it runs");
    let said = String::from_utf8_lossy(&health.stdout);
    assert!(health.status.code() == Some(1) && said.starts_with("fenced: nobody gets messages"), "{said}");
    let mut wire = daemon.connect();
    // What the provider's log has since.
    assert_eq!(wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(2))), "+optout");
    let fence = json(&wire.call("UNFENCE"));
    assert!(is_of(&fence, &restored), "{fence}");
    assert!(wire.call("UNFENCE").starts_with("-ERR there is no fence"));
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(2))), "+no list_opted_out");
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(3))), "+no list_opted_out");
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(5))), "+yes");
    let history = wire.call("HISTORY * KIND fence");
    assert!(history.contains("unfenced") && history.contains("backup_at"), "{history}");
    let feed = wire.call("FEED LAST 1");
    assert!(feed.contains(r#""fenced":false"#), "{feed}");
}

#[test]
fn backups_are_listed_read_kept_and_removed() {
    if only_alone("a backup is a file of the machine that made it")
        || only_whole("a backup has a file of each partition")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    filled(&mut wire, 30);
    let stat = |wire: &mut Wire, name: &str| {
        let stats = wire.call("STATS");
        let value = stats.lines().find_map(|line| line.strip_prefix(&format!("+{name} ")).map(str::to_owned));
        value.expect("a line")
    };
    assert_eq!(stat(&mut wire, "backup_last_success_timestamp_seconds"), "0");
    assert_eq!(wire.call("BACKUP RUN night"), "+started");
    while json(&wire.call("BACKUP STATUS"))["state"] != "idle" {
        thread::yield_now();
    }
    assert_eq!(json(&wire.call("BACKUP STATUS"))["newest"]["contacts"], 30);
    assert!(wire.call("BACKUP RUN night").contains("give another name"));
    let file = daemon.data_dir().join("backups").join("night.backup");
    // The last one is known after a restart, too.
    for _ in 0..2 {
        let bytes = fs::metadata(&file).expect("a file").len();
        assert_eq!(stat(&mut wire, "backup_last_bytes"), bytes.to_string());
        assert_ne!(stat(&mut wire, "backup_last_success_timestamp_seconds"), "0");
        assert_eq!(stat(&mut wire, "backup_running"), "false");
        assert_eq!(stat(&mut wire, "backups_expected"), "false", "nobody has set --backup-dir");
        daemon.kill();
        daemon.restart();
        wire = daemon.connect();
    }
    let whole = contactd(&["backup", "--check", text(&file)]).output().expect("it runs");
    assert_eq!(told(&whole)["contacts"], 30);
    let listed = wire.call("BACKUP LIST");
    assert!(listed.contains(r#""name":"night""#), "{listed}");
    assert!(!wire.call("BACKUP READ night 0").is_empty());
    assert_eq!(wire.call("BACKUP READ night 999999999"), "+");
    assert_eq!(wire.call("BACKUP DROP night"), "+dropped");
    assert!(wire.call("BACKUP DROP night").starts_with("-BADARG there is no backup"));
    // One that is being made goes, too, however far it is.
    for _ in 0..10 {
        wire.send("BACKUP RUN night\nBACKUP DROP night\n");
        assert_eq!([wire.reply(), wire.reply()], ["+started", "+dropped"]);
        while json(&wire.call("BACKUP STATUS"))["state"] != "idle" {
            thread::yield_now();
        }
        assert_eq!(wire.call("BACKUP LIST"), "*0");
        assert_eq!(fs::read_dir(daemon.data_dir().join("backups")).expect("a directory").count(), 0);
    }
    for name in ["", "../x", ".x", "a/b", &"x".repeat(101)] {
        let reply = wire.call(&format!("BACKUP DROP \"{name}\""));
        assert!(reply.starts_with('-'), "{name}: {reply}");
    }

    let dir = tempfile::tempdir().expect("made");
    fs::write(dir.path().join("contactd-2020-01-01T000000Z.backup"), "old").expect("written");
    fs::write(dir.path().join("notes.backup"), "mine").expect("written");
    told(&backup(&daemon, &[text(dir.path()), "--keep", "1"]));
    let left = files(dir.path());
    assert!(left.len() == 2 && left.iter().any(|path| path.ends_with("notes.backup")), "{left:?}");
    let piped = backup(&daemon, &["-"]);
    assert!(piped.status.success());
    let copy = dir.path().join("piped");
    fs::write(&copy, &piped.stdout).expect("written");
    let drill = contactd(&["restore", "--drill", text(&copy)]).output().expect("it runs");
    assert_eq!(told(&drill)["contacts"], 30);

    // Any damage is told with its place, and nothing is restored.
    let mut bytes = piped.stdout;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&copy, &bytes).expect("written");
    let place = dir.path().join("data");
    for words in [&["backup", "--check", text(&copy)][..], &["restore", text(&copy), "--data-dir", text(&place)]] {
        let refused = contactd(words).output().expect("it runs");
        let why = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert_eq!(refused.status.code(), Some(2), "{why}");
        assert!(why.contains("damaged") && why.contains("at byte"), "{why}");
    }
    assert!(!place.exists());
}

#[test]
fn a_store_that_nobody_has_open_is_backed_up_too_and_what_a_crash_left_is_removed() {
    if only_alone("a copy of a ledger is backed up while it is served") {
        return;
    }
    if only_whole("of a store that nobody has open, each partition is backed up by itself") {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    filled(&mut daemon.connect(), 30);
    let partial = daemon.data_dir().join("backups").join("cut.backup.partial");
    fs::create_dir_all(partial.parent().expect("a parent")).expect("made");
    fs::write(&partial, "cut").expect("written");
    daemon.kill();
    let dir = tempfile::tempdir().expect("made");
    let data = daemon.data_dir();
    let made = contactd(&["backup", text(dir.path()), "--data-dir", text(&data)]).output().expect("it runs");
    assert_eq!(told(&made)["contacts"], 30);
    assert_eq!(told(&made)["forbidden"], 0, "none of all lists");
    daemon.restart();
    assert!(!partial.exists(), "{}", program());
    let busy = contactd(&["backup", text(dir.path()), "--data-dir", text(&data)]).output().expect("it runs");
    assert!(String::from_utf8_lossy(&busy.stderr).contains("in use by another contactd"));
}

#[test]
fn the_trail_brings_back_whoever_has_said_stop_since_the_backup() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail, made) = backed_up_beside_its_trail(place.path());
    let mut wire = daemon.connect();
    for (request, reply) in [
        (format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(1)), "+optout"),
        (format!("OPTOUT * {} {{\"source\":\"desk\",\"reason\":\"called\"}}", phone(2)), ":1"),
        (format!("SUPPRESS {}", phone(4)), ":1"),
        (format!("SUPPRESS {LIST} {}", phone(5)), ":1"),
        (format!("FAILED {LIST} {} m1 {{\"code\":30005}}", phone(7)), ":1"),
        (format!("IMPORT {LIST} {{\"phone\":\"{}\",\"status\":\"opted_out\"}}", phone(8)), "+"),
        (format!("OPTOUT {LIST} {}", phone(999)), ":1"),
        (format!("ERASE {}", phone(10)), "+erased"),
        // What permits is not in it.
        (format!("OPTIN {LIST} {} {{\"at\":\"2026-02-01\"}}", phone(11)), ":"),
    ] {
        let said = wire.call(&request);
        assert!(said.starts_with(reply), "{request}: {said}");
    }
    let lines = fs::read_to_string(&trail).expect("a trail");
    let since: Vec<&str> = lines.lines().filter(|line| !line.is_empty()).skip(10).collect();
    assert_eq!(since.len(), 8, "{since:#?}");
    assert!(!lines.contains(&phone(11)));
    assert_eq!(fs::metadata(&trail).expect("a file").permissions().mode() & 0o777, 0o600);
    // A crash cuts a line off.
    let cut = format!("{lines}{{\"phone\":\"+1415");
    daemon.kill();
    fs::write(&trail, cut).expect("written");
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    let file = made["backup"].as_str().expect("a path").to_owned();
    let restored = restore(&file, &daemon.data_dir(), &[&trail]);
    assert_eq!(told(&restored)["replayed"], 18, "the ten of the backup as well");
    let said = String::from_utf8_lossy(&restored.stderr).into_owned();
    assert!(said.contains("cannot be read") && said.contains("1 line of trails could not be read"), "{said}");
    let drill = contactd(&["restore", "--drill", &file, "--replay", text(&trail)]).output().expect("it runs");
    let drilled = told(&drill);
    assert_eq!((&drilled["replayed"], &drilled["passed_over"]), (&Value::from(18), &Value::from(1)), "{drilled}");
    assert!(drilled["data_dir"].is_null() && !String::from_utf8_lossy(&drill.stderr).contains("This store"));
    daemon.restart();
    assert!(health(&daemon).contains("look for what 1 line of trails said that cannot be read"), "{}", health(&daemon));
    // Who was erased is named once; that the restore has done it again is no news.
    let erased = fs::read_to_string(&trail).expect("a trail");
    let erased: Vec<&str> = erased.lines().filter(|line| line.contains("\"ERASE\"")).collect();
    assert!(erased.len() == 1 && erased[0].contains(&phone(10)), "{erased:?}");
    assert!(!daemon.log().contains("were missing, and are there now"), "{}", daemon.log());
    let mut wire = daemon.connect();
    assert!(wire.call("VERIFY").starts_with("+ok"));
    let fence = json(&wire.call("UNFENCE"));
    assert_eq!(
        (&fence["replayed"], &fence["passed_over"], &fence["unnamed_erasures"]),
        (&18.into(), &1.into(), &0.into())
    );
    for (n, verdict) in [
        (1, "+no list_opted_out"),
        (2, "+no opted_out"),
        (4, "+no suppressed"),
        (5, "+no list_suppressed"),
        (7, "+no invalid"),
        (8, "+no list_opted_out"),
        (10, "+no not_subscribed"),
        (11, "+yes"),
    ] {
        assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), verdict, "{n}");
    }
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(999))), "+no list_opted_out");
    assert!(wire.call(&format!("GET {}", phone(10))).contains("erased_at"));
    let reason = json(&wire.call(&format!("GET {}", phone(2))));
    assert_eq!(reason["opted_out_all_reason"], "called");
}

/// A directory of yesterday under a trail of today: a copy that was made of a stopped contactd, or a backup whose trail nobody
/// gave. A start takes what the trail has, and the rest as it is.
#[test]
fn a_store_that_is_older_than_its_trail_is_told_what_it_lacks() {
    if only_alone("a copy of yesterday that is put back follows the ledger to today") {
        return;
    }
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail, made) = backed_up_beside_its_trail(place.path());
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {OTHER}"));
    drop(wire);
    daemon.terminate();
    let yesterday = place.path().join("yesterday");
    let copy = |from: &Path, to: &Path| {
        let copied = Command::new("cp").args(["-a", text(from), text(to)]).status().expect("cp runs");
        assert!(copied.success());
    };
    copy(&daemon.data_dir(), &yesterday);
    daemon.restart();
    let mut wire = daemon.connect();
    for request in [
        format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(1)),
        format!("OPTOUT * {}", phone(2)),
        format!("SUPPRESS {}", phone(4)),
        format!("RELEASE {}", phone(4)),
        format!("INVALID {}", phone(5)),
        format!("OPTOUT {OTHER} {}", phone(7)),
        format!("ERASE {}", phone(8)),
        format!("OPTOUT {LIST} {}", phone(10)),
        format!("INBOUND {LIST} {} {{\"text\":\"START\"}}", phone(10)),
        format!("UNLIST {OTHER} FORCE"),
    ] {
        let said = wire.call(&request);
        assert!(!said.starts_with('-'), "{request}: {said}");
    }
    drop(wire);
    // What it knows is not taken again: not what was lifted since, nor what went with its list.
    daemon.kill();
    let before = fs::read_to_string(&trail).expect("a trail");
    daemon.restart();
    assert_eq!(fs::read_to_string(&trail).expect("a trail"), before);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(4))), "+yes");
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(10))), "+yes");
    drop(wire);

    let old = |daemon: &mut Daemon, is_fenced: bool| {
        daemon.restart();
        let mut wire = daemon.connect();
        if is_fenced {
            assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(1))), "+no fenced");
            assert!(json(&wire.call("UNFENCE"))["replayed"].as_u64().is_some_and(|facts| facts > 4));
        }
        for (n, verdict) in [
            (1, "+no list_opted_out"),
            (2, "+no opted_out"),
            (4, "+no suppressed"),
            (5, "+no invalid"),
            (8, "+no not_subscribed"),
            (11, "+yes"),
        ] {
            assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), verdict, "{n}");
        }
        assert!(wire.call("VERIFY").starts_with("+ok"));
    };
    daemon.terminate();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    copy(&yesterday, &daemon.data_dir());
    old(&mut daemon, false);

    daemon.terminate();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    let file = made["backup"].as_str().expect("a path").to_owned();
    told(&restore(&file, &daemon.data_dir(), &[]));
    old(&mut daemon, true);
}

/// A backup that was made behind a fence is as old as what that one is of.
#[test]
fn a_backup_of_a_fenced_store_knows_no_more_than_the_one_before() {
    let place = tempfile::tempdir().expect("made");
    let mut daemon = Daemon::start(&[]);
    filled(&mut daemon.connect(), 10);
    let first = told(&backup(&daemon, &[text(place.path())]));
    let again = |daemon: &mut Daemon, made: &Value| {
        daemon.kill();
        fs::remove_dir_all(daemon.data_dir()).expect("gone");
        let file = made["backup"].as_str().expect("a path").to_owned();
        let restored = restore(&file, &daemon.data_dir(), &[]);
        daemon.restart();
        String::from_utf8_lossy(&restored.stderr).into_owned()
    };
    again(&mut daemon, &first);
    // What knows less does not take the place of what knows more.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let second = told(&backup(&daemon, &[text(place.path()), "--keep", "1"]));
    assert!(Path::new(first["backup"].as_str().expect("a path")).exists());
    let since = first["closed_at"].as_str().expect("a date");
    assert_ne!(second["closed_at"], first["closed_at"]);
    let said = again(&mut daemon, &second);
    assert!(said.contains(&format!("nothing that came after {since}")), "{said}");
    let fence = json(&daemon.connect().call("UNFENCE"));
    assert!(is_of(&fence, &first), "{fence}");
}

/// What looks like a trail and brings nothing back is said to.
#[test]
fn the_wrong_trail_is_told() {
    let place = tempfile::tempdir().expect("made");
    let path = |name: &str| place.path().join(name);
    let daemon = Daemon::start(&["--trail", text(&path("trail"))]);
    filled(&mut daemon.connect(), 30);
    let made = told(&backup(&daemon, &[text(place.path())]));
    let file = made["backup"].as_str().expect("a path").to_owned();
    let restore = |name: &str, trail: &str| {
        let (to, trail) = (path(name), path(trail));
        let trail = if trail.ends_with("trail") { trail_of(&trail) } else { trail };
        let words = ["restore", &file, "--data-dir", text(&to), "--replay", text(&trail)];
        let output = contactd(&words).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = restore("one", "trail");
    assert!(code == Some(0) && said.contains("NOTHING IN THE TRAILS IS NEWER"), "{said}");
    fs::write(path("no-trail"), "phone\n+14155550101\n").expect("written");
    let (code, said) = restore("two", "no-trail");
    assert!(code == Some(2) && said.contains("give the trail's file") && !path("two").exists(), "{said}");

    // A follower's file that was lost is not begun as if it were whole.
    let follow = || {
        let other = path("other");
        let words = ["feed", "--server", &daemon.address, "--forbidding", "--append", text(&other), "--once"];
        contactd(&words).output().expect("it runs")
    };
    assert!(follow().status.success());
    fs::remove_file(trail_of(&path("other"))).expect("gone");
    let followed = follow();
    let said = String::from_utf8_lossy(&followed.stderr).into_owned();
    assert!(followed.status.code() == Some(2) && said.contains("LACKS LINES"), "{said}");
    fs::remove_file(path("other.position")).expect("gone");
    assert!(follow().status.success());
    assert!(fs::read_to_string(trail_of(&path("other"))).expect("a trail").lines().count() >= 10);
}

/// A position that no feed has any more.
fn expired() -> String {
    let each = vec!["1-0"; partitions().into()].join(".");
    if partitions() > 1 { format!("p{each}\n") } else { format!("{each}\n") }
}

/// The trail of another machine: what FEED told, since it was begun and while it was away.
#[test]
fn the_trail_of_a_follower_brings_back_whoever_has_said_stop_since_the_backup() {
    let place = tempfile::tempdir().expect("made");
    let told_path = place.path().join("trail.ndjson");
    let trail = trail_of(&told_path);
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    filled(&mut wire, 30);
    wire.call(&format!("OPTOUT {LIST} {} {{\"at\":\"2026-02-01\"}}", phone(13)));
    let follow = |daemon: &Daemon| {
        let words = ["feed", "--server", &daemon.address, "--forbidding", "--append", text(&told_path), "--once"];
        contactd(&words).output().expect("it runs")
    };
    let followed = follow(&daemon);
    assert!(followed.status.success(), "{}", String::from_utf8_lossy(&followed.stderr));
    let lines = || fs::read_to_string(&trail).expect("a trail").lines().count();
    assert_eq!(lines(), 11);
    let made = told(&backup(&daemon, &[text(place.path())]));
    for (request, reply) in [
        (format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(1)), "+optout"),
        // It forbids once more, and changes no status.
        (format!("OPTOUT {LIST} {} {{\"at\":\"2026-06-01\"}}", phone(13)), ":"),
        (format!("SUPPRESS {LIST} {}", phone(5)), ":1"),
        (format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(5)), "+optout"),
        (format!("ERASE {}", phone(10)), "+erased"),
    ] {
        let said = wire.call(&request);
        assert!(said.starts_with(reply), "{request}: {said}");
    }
    // A crash left a part of a line.
    fs::OpenOptions::new()
        .append(true)
        .open(&trail)
        .and_then(|mut file| file.write_all(b"{\"phone\":\"+1415"))
        .expect("written");
    assert!(follow(&daemon).status.success());
    assert_eq!(follow(&daemon).status.code(), Some(0), "nothing is new");
    assert_eq!(lines(), 11 + 6, "four facts, an erasure without a name, and what the crash left");
    assert!(!fs::read_to_string(&trail).expect("a trail").contains(&phone(10)));
    drop(wire);
    daemon.kill();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    let file = made["backup"].as_str().expect("a path").to_owned();
    let restored = restore(&file, &daemon.data_dir(), &[&trail]);
    let json = told(&restored);
    assert_eq!(json["replayed"], 15, "{json}");
    assert!(json["unnamed_erasures_to"].is_string(), "{json}");
    assert!(String::from_utf8_lossy(&restored.stderr).contains("ERASE those numbers again"));
    daemon.restart();

    // The feed has begun anew: the follower goes on, and says so.
    let followed = follow(&daemon);
    assert!(followed.status.success(), "{}", String::from_utf8_lossy(&followed.stderr));
    assert!(String::from_utf8_lossy(&followed.stderr).contains("begun anew"));
    // Before somebody says UNFENCE he sees that the trail did not bring back everything.
    let to = json["unnamed_erasures_to"].as_str().expect("a date");
    assert!(health(&daemon).contains(&format!("ERASE again whom you erased until {to}")), "{}", health(&daemon));
    assert!(!health(&daemon).contains("unfenced_without"), "{}", health(&daemon));
    let mut wire = daemon.connect();
    let fence = crate::purge::json(&wire.call("UNFENCE"));
    assert_eq!(
        (&fence["unnamed_erasures"], &fence["unnamed_erasures_to"], &fence["passed_over"]),
        (&partitions().into(), &to.into(), &1.into()),
        "each partition may have had the contact"
    );
    // And whoever comes next sees that nobody may have seen to it.
    for _ in 0..2 {
        let said = health(&daemon);
        let missing = format!("whose numbers were erased until {to} is not known");
        assert!(said.contains("unfenced_without: UNFENCE ended a fence at") && said.contains(&missing), "{said}");
        assert!(said.contains("1 line of trails could not be read"), "{said}");
        drop(wire);
        daemon.kill();
        daemon.restart();
        wire = daemon.connect();
    }
    wire.call(&format!("OPTIN {LIST} {} {{\"at\":\"2026-05-01\"}}", phone(13)));
    wire.call(&format!("RELEASE {LIST} {}", phone(5)));
    for (n, verdict) in [(13, "+no list_opted_out"), (1, "+no list_opted_out"), (5, "+no list_opted_out"), (8, "+yes")]
    {
        assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), verdict, "{n}");
    }

    // A position that the daemon has no more is told, loudly.
    fs::write(place.path().join("trail.ndjson.position"), expired()).expect("written");
    let followed = follow(&daemon);
    let said = String::from_utf8_lossy(&followed.stderr).into_owned();
    assert!(followed.status.code() == Some(2) && said.contains("LACKS WHAT CAME BETWEEN"), "{said}");
}

#[test]
fn the_feed_is_followed_through_a_restart() {
    let mut daemon = Daemon::start(&[]);
    daemon.connect().call(&format!("LIST {LIST}"));
    let mut follower = contactd(&["feed", "--server", &daemon.address, "--last", "5"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(follower.stdout.take().expect("piped")).lines();
    let mut next = || lines.next().expect("a line").expect("UTF-8");
    assert!(next().ends_with(&format!("list {LIST} open")));
    daemon.connect().call(&format!("OPTIN {LIST} {}", phone(1)));
    assert!(next().ends_with(&format!("{} optin active {LIST}=active", phone(1))));
    daemon.kill();
    daemon.restart();
    daemon.connect().call(&format!("OPTOUT {LIST} {}", phone(1)));
    assert!(next().ends_with(&format!("{} optout active {LIST}=opted_out", phone(1))));
    follower.kill().and_then(|()| follower.wait()).expect("ended");
    let once = contactd(&["feed", "--server", &daemon.address, "--last", "1", "--once", "--json"]).output();
    assert_eq!(told(&once.expect("it runs"))["cause"], "optout");
}

/// A trail is rows of NDJSON, which an import into a daemon that runs takes, too.
#[test]
fn an_import_takes_a_trail() {
    let place = tempfile::tempdir().expect("made");
    let trail = place.path().join("trail.ndjson");
    let daemon = Daemon::start(&["--trail", text(&trail)]);
    let mut wire = daemon.connect();
    filled(&mut wire, 10);
    wire.call(&format!("OPTOUT * {} {{\"source\":\"desk\"}}", phone(1)));
    wire.call(&format!("SUPPRESS {LIST} {}", phone(2)));
    wire.call(&format!("INVALID {}", phone(4)));
    wire.call(&format!("ERASE {}", phone(5)));
    let other = Daemon::start(&[]);
    let mut wire = other.connect();
    wire.call(&format!("LIST {LIST}"));
    wire.call_all(&(0..10).map(|n| format!("OPTIN {LIST} {} {{\"at\":\"2026-01-01\"}}", phone(n))).collect::<Vec<_>>());
    let trail = trail_of(&trail);
    let words = ["import", "--server", &other.address, text(&trail), "--list", LIST];
    let imported = contactd(&words).output().expect("it runs");
    let said = String::from_utf8_lossy(&imported.stderr);
    assert!(imported.status.success() && said.contains("this is a trail: an import takes"), "{said}");
    for (n, verdict) in [
        (0, "+no list_opted_out"),
        (1, "+no opted_out"),
        (2, "+no list_suppressed"),
        (4, "+no invalid"),
        (5, "+no opted_out"),
        (7, "+yes"),
    ] {
        assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), verdict, "{n}");
    }
}

/// `--maybe-optout hold` withholds messages from whoever may want out until a person has looked: that is in the trail, too.
#[test]
fn whoever_was_held_back_is_held_back_after_a_restore() {
    let place = tempfile::tempdir().expect("made");
    let (trail, follower) = (place.path().join("trail.ndjson"), place.path().join("follower.ndjson"));
    let holding = ["--trail", text(&trail), "--maybe-optout", "hold"];
    let mut daemon = Daemon::start(&holding);
    let mut wire = daemon.connect();
    filled(&mut wire, 30);
    let says = |wire: &mut Wire, n: usize, words: &str| {
        wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"{words}\",\"id\":\"in-{n}\"}}", phone(n)))
    };
    // Somebody has looked at this one before the backup, and it does not wait again.
    assert_eq!(says(&mut wire, 4, "wrong number"), "+message maybe_optout");
    let number = json(wire.call("INBOX").lines().last().expect("a message"))["number"].clone();
    assert_eq!(wire.call(&format!("INBOX DONE {number}")), ":1");
    let made = told(&backup(&daemon, &[text(place.path())]));
    assert_eq!(says(&mut wire, 1, "wrong number"), "+message maybe_optout");
    assert_eq!(says(&mut wire, 2, "wrong number"), "+message maybe_optout");
    assert_eq!(says(&mut wire, 2, "START"), "+optin again");
    // What a person says with these words is what it says.
    wire.call(&format!("SUPPRESS {LIST} {} {{\"source\":\"INBOX\"}}", phone(5)));
    wire.call(&format!("OPTOUT * {} {{\"source\":\"ERASE\"}}", phone(7)));
    let words = ["feed", "--server", &daemon.address, "--forbidding", "--append", text(&follower), "--once"];
    assert!(contactd(&words).output().expect("it runs").status.success());
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(1))), "+no held_for_review");
    drop(wire);
    daemon.kill();
    let file = made["backup"].as_str().expect("a path").to_owned();
    let (data, own, follower) = (daemon.data_dir(), trail_of(&trail), trail_of(&follower));
    for trail in [&own, &follower] {
        fs::remove_dir_all(&data).expect("gone");
        if trail == &follower {
            // That of the daemon is not there to help.
            fs::remove_file(&own).expect("gone");
        }
        told(&restore(&file, &data, &[trail, trail]));
        for is_first in [true, false] {
            daemon.restart();
            let mut wire = daemon.connect();
            if is_first {
                assert!(wire.call("UNFENCE").starts_with('+'));
            }
            let inbox = wire.call("INBOX");
            // An opt-in is in no trail: whoever has settled it so waits once more.
            assert_eq!(inbox.lines().count(), if trail == &follower { 3 } else { 4 }, "{inbox}");
            for (n, verdict) in
                [(1, "+no held_for_review"), (4, "+yes"), (5, "+no list_suppressed"), (7, "+no opted_out"), (8, "+yes")]
            {
                assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), verdict, "{n} by {}", trail.display());
            }
            assert!(wire.call(&format!("GET {}", phone(7))).contains("opted_out_all_source"), "it was not erased");
            assert!(wire.call("VERIFY").starts_with("+ok"));
            drop(wire);
            daemon.kill();
        }
    }
}

/// A number that was purged before a copy was made, and came back and said STOP since.
#[test]
fn what_a_number_said_that_had_been_purged_comes_back_from_the_trail() {
    if only_alone("a copy of yesterday that is put back follows the ledger to today") {
        return;
    }
    let place = tempfile::tempdir().expect("made");
    let trail = place.path().join("trail.ndjson");
    let mut daemon = Daemon::start(&["--trail", text(&trail)]);
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {LIST}"));
    // Somebody of the same partition is measured.
    let row = |n: usize| {
        format!(
            r#"IMPORT {LIST} {{"phone":"{}","created_at":"2019-01-01","subscribed_at":"2019-01-01","total_sends":50,"sends_since_engaged":50,"last_sent":"2020-04-01","last_engaged":"2019-01-01"}}"#,
            phone(n)
        )
    };
    wire.call(&row(1));
    wire.call(&format!("CLICK {LIST} {}", phone(998)));
    let plan = number(&json(&wire.call("PURGE PLAN")));
    wire.call(&format!("PURGE RUN {plan}"));
    while wire.call("COUNT") != ":1" {
        thread::yield_now();
    }
    drop(wire);
    daemon.terminate();
    let yesterday = place.path().join("yesterday");
    assert!(
        Command::new("cp").args(["-a", text(&daemon.data_dir()), text(&yesterday)]).status().expect("cp").success()
    );
    daemon.restart();
    let mut wire = daemon.connect();
    wire.call(&row(1));
    assert_eq!(wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(1))), "+optout");
    drop(wire);
    daemon.terminate();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    fs::rename(&yesterday, daemon.data_dir()).expect("put back");
    daemon.restart();
    let mut wire = daemon.connect();
    wire.call(&row(1));
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(1))), "+no list_opted_out");
}

/// What a provider's log tells again after a restore may be older than a STOP that came since the backup.
#[test]
fn an_opt_in_without_its_date_behind_a_fence_lifts_nothing_that_came_since_the_backup() {
    let place = tempfile::tempdir().expect("made");
    let (mut daemon, trail, made) = backed_up_beside_its_trail(place.path());
    let mut wire = daemon.connect();
    wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"STOP\"}}", phone(1)));
    wire.call(&format!("OPTOUT {LIST} {}", phone(2)));
    drop(wire);
    daemon.kill();
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    let file = made["backup"].as_str().expect("a path").to_owned();
    told(&restore(&file, &daemon.data_dir(), &[&trail]));
    daemon.restart();
    let mut wire = daemon.connect();
    wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"START\"}}", phone(1)));
    wire.call(&format!("OPTIN {LIST} {}", phone(2)));
    // Out before the backup, and in since; and new.
    wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"START\"}}", phone(3)));
    wire.call(&format!("OPTIN {LIST} {}", phone(999)));
    let drill = contactd(&["backup", "--server", &daemon.address, text(place.path())]).output().expect("it runs");
    let of_fenced = told(&drill);
    assert_eq!(
        (&of_fenced["fenced"], &of_fenced["fenced_backup_at"]),
        (&true.into(), &made["closed_at"]),
        "{of_fenced}"
    );
    assert_eq!(made["fenced"], false);
    assert!(String::from_utf8_lossy(&drill.stderr).contains("a backup of a fenced store"));
    wire.call("UNFENCE");
    for (n, verdict) in [(1, "+no list_opted_out"), (2, "+no list_opted_out"), (3, "+yes")] {
        assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(n))), verdict, "{n}");
    }
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(999))), "+yes");
    // From then on it is the last word again.
    wire.call(&format!("INBOUND {LIST} {} {{\"text\":\"START\"}}", phone(1)));
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phone(1))), "+yes");
}

/// The secret of the tombstones in a file of its own, and where a restore has it.
#[test]
fn a_tombstone_key_may_stand_elsewhere_and_a_restore_says_where_it_is() {
    let place = tempfile::tempdir().expect("made");
    let serve = |data: &str| {
        let words =
            ["serve", "--listen", &free_address(), "--http", "off", "--data-dir", data, "--tombstone-key", "own.key"];
        let mut command = contactd(&words);
        command.current_dir(place.path()).stderr(Stdio::piped());
        command
    };
    let mut child = serve("data").spawn().expect("it runs");
    let mut log = BufReader::new(child.stderr.take().expect("piped")).lines();
    assert!(log.any(|line| line.expect("UTF-8").contains("serves 0 contacts")), "it starts");
    Command::new("kill").arg(child.id().to_string()).status().expect("kill");
    assert!(child.wait().expect("ended").success());
    assert!(place.path().join("own.key").exists() && !place.path().join("data/tombstone.key").exists());
    // As after a restore.
    fs::rename(place.path().join("own.key"), place.path().join("data/tombstone.key")).expect("moved");
    let refused = serve("data").output().expect("it runs");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("a restore has put it into data/tombstone.key"), "{said}");
}

#[test]
fn settings_that_forbid_less_than_before_are_told() {
    let place = tempfile::tempdir().expect("a directory");
    let keywords = place.path().join("keywords");
    fs::write(&keywords, "out CANCELAR\nout-all CANCELAR TODO\nin SI\n").expect("written");
    let strict = ["--stop-scope", "all", "--maybe-optout", "hold", "--keywords", text(&keywords)];
    let mut daemon = Daemon::start(&strict);
    filled(&mut daemon.connect(), 5);
    assert!(!health(&daemon).contains("settings_loosened"), "{}", health(&daemon));
    let made = told(&backup(&daemon, &[text(place.path())]));
    daemon.terminate();
    let lacks =
        "--stop-scope is list, and was all, --maybe-optout is show, and was hold, --keywords lacks 2 lines that it had";
    for _ in 0..2 {
        daemon.restart_with(&[]);
        assert!(daemon.log().contains(&format!("{lacks}: whoever was held back")), "{}", daemon.log());
        let said = health(&daemon);
        assert!(said.contains(&format!("settings_loosened: {lacks}, since 20")), "{said}");
        daemon.kill();
    }
    // One that is set again is not told, nor is one more.
    fs::write(&keywords, "out-all CANCELAR TODO\nout CANCELAR\nout FUERA\n").expect("written");
    daemon.restart_with(&["--maybe-optout", "hold", "--keywords", text(&keywords)]);
    assert!(health(&daemon).contains("--stop-scope is list, and was all, since 20"), "{}", health(&daemon));
    daemon.terminate();
    daemon.restart_with(&strict);
    assert!(!health(&daemon).contains("settings_loosened"), "{}", health(&daemon));
    daemon.terminate();
    // A backup knows them as well.
    fs::remove_dir_all(daemon.data_dir()).expect("gone");
    let data = daemon.data_dir();
    let file = made["backup"].as_str().expect("a path");
    let restored = restore(file, &data, &[]);
    let said = String::from_utf8_lossy(&restored.stderr).into_owned();
    assert!(
        said.contains("--stop-scope all, --maybe-optout hold and its --keywords (words that opt out: 2), as it"),
        "{said}"
    );
    daemon.restart_with(&[]);
    assert!(health(&daemon).contains(&format!("settings_loosened: {lacks}")), "{}", health(&daemon));
    let mut wire = daemon.connect();
    assert_eq!(crate::purge::json(&wire.call("UNFENCE"))["settings_loosened"], lacks);
    assert!(wire.call("STATS").contains(&format!(" {lacks}")));
}
