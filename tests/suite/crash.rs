//! Crashes: what was answered is there afterwards, whatever was going on when the daemon died.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::pair::{only_alone, only_whole};
use crate::sending::page;
use crate::support::{Daemon, PATIENCE, Wire, free_address, has, program};

const LIST: &str = "+14155550100";
const WRITERS: usize = 6;
/// Replies that all writers together see before the daemon is killed, one number a round.
const REPLIES: [usize; 4] = [40, 7, 150, 333];

/// What a writer sends, and what must be so once it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrote {
    OptOut,
    Suppressed,
    OptIn,
    Import,
}

impl Wrote {
    fn of(writer: usize) -> Wrote {
        [Wrote::OptOut, Wrote::Import, Wrote::OptOut, Wrote::OptIn, Wrote::Suppressed, Wrote::Import][writer % WRITERS]
    }

    fn line(self, phone: &str) -> String {
        match self {
            Wrote::OptOut => format!("OPTOUT {LIST} {phone}"),
            Wrote::Suppressed => format!("SUPPRESS {phone}"),
            Wrote::OptIn => format!("OPTIN {LIST} {phone}"),
            Wrote::Import => format!("IMPORT {LIST} {{\"phone\":\"{phone}\",\"labels\":{{\"city\":\"Austin\"}}}}"),
        }
    }

    fn verdict(self) -> &'static str {
        match self {
            Wrote::OptOut => "+no list_opted_out",
            Wrote::Suppressed => "+no suppressed",
            Wrote::OptIn | Wrote::Import => "+yes",
        }
    }
}

fn phone(round: usize, writer: usize, n: usize) -> String {
    format!("+1415{}{:06}", 2 + round, writer * 100_000 + n)
}

/// Subscribes numbers, some of which opt out later.
fn subscribe(wire: &mut Wire, phones: &[String]) {
    let lines: Vec<String> =
        phones.iter().map(|phone| format!("OPTIN {LIST} {phone} {{\"at\":\"2026-01-01\"}}\n")).collect();
    wire.send(lines.concat());
    for phone in phones {
        assert_eq!(wire.reply(), ":1", "{phone}");
    }
}

/// Writes several requests ahead of the replies until the daemon is gone. Tells which were answered.
fn write_until_killed(mut stream: TcpStream, round: usize, writer: usize, answered: &mpsc::Sender<(String, Wrote)>) {
    const AHEAD: usize = 8;
    let wrote = Wrote::of(writer);
    let mut replies = BufReader::new(stream.try_clone().expect("a clone"));
    for burst in 0.. {
        let phones: Vec<String> = (0..AHEAD).map(|n| phone(round, writer, burst * AHEAD + n)).collect();
        let lines: Vec<String> = phones.iter().map(|phone| wrote.line(phone) + "\n").collect();
        if stream.write_all(lines.concat().as_bytes()).is_err() {
            return;
        }
        for phone in phones {
            let mut reply = String::new();
            // A reply that was cut off is none.
            if replies.read_line(&mut reply).is_err() || !reply.ends_with('\n') {
                return;
            }
            let reply = reply.trim_end();
            let taken = reply == ":1" || reply == format!("+created {phone}");
            assert!(taken, "{}: {reply}", wrote.line(&phone));
            answered.send((phone, wrote)).expect("the test listens to the end");
        }
    }
}

#[test]
fn what_was_answered_survives_kill_9() {
    let mut daemon = Daemon::start(&[]);
    assert_eq!(daemon.connect().call(&format!("LIST {LIST}")), "+created");
    let mut all = BTreeMap::new();
    for (round, replies) in REPLIES.into_iter().enumerate() {
        // Half of those who opt out are subscribed: it takes a yes away.
        let before: Vec<String> = (0..WRITERS)
            .filter(|&writer| Wrote::of(writer) == Wrote::OptOut)
            .flat_map(|writer| (0..100).map(move |n| phone(round, writer, 2 * n)))
            .collect();
        subscribe(&mut daemon.connect(), &before);

        let (sender, answers) = mpsc::channel();
        // All are connected before one of them begins: the daemon may be dead before the last thread runs.
        let streams: Vec<TcpStream> =
            (0..WRITERS).map(|_| TcpStream::connect(&daemon.address).expect("a connection")).collect();
        let writers: Vec<_> = (0..WRITERS)
            .zip(streams)
            .map(|(writer, stream)| {
                let sender = sender.clone();
                thread::spawn(move || write_until_killed(stream, round, writer, &sender))
            })
            .collect();
        drop(sender);
        let mut answered: Vec<(String, Wrote)> = Vec::new();
        // Right behind the reply to an opt-out, while others are under way.
        while answered.len() < replies || answered.last().is_some_and(|(_, wrote)| *wrote != Wrote::OptOut) {
            answered.push(answers.recv().expect("the writers write"));
        }
        daemon.kill();
        for writer in writers {
            writer.join().expect("every reply was the right one");
        }
        all.extend(answered.into_iter().chain(answers));
        // What a crash in the middle of one of sled's snapshots leaves behind, on which sled would not open.
        let leftover = daemon.stores()[0].join("store/snap.0000000000001234.generating");
        fs::write(&leftover, b"half a snapshot").expect("a file");

        daemon.restart();
        assert!(!leftover.exists(), "round {round}: it is cleaned up");
        let mut wire = daemon.connect();
        for (phone, wrote) in &all {
            let verdict = wire.call(&format!("CHECK {LIST} {phone}"));
            assert_eq!(verdict, wrote.verdict(), "round {round}: {phone} {wrote:?}");
            let contact = wire.call(&format!("GET {phone}"));
            assert!(contact.contains(&format!("\"phone_number\":\"{phone}\"")), "round {round}: {phone}: {contact}");
            assert_eq!(contact.contains("Austin"), *wrote == Wrote::Import, "round {round}: {phone}: {contact}");
        }
        // And the store is whole: every index agrees, and it is written to as before.
        let verified = wire.call("VERIFY");
        assert!(verified.starts_with("+ok"), "round {round}: {verified}");
        assert_eq!(wire.call(&format!("OPTIN {LIST} {}", phone(round, 9, 0))), ":1");
    }
}

#[test]
fn a_start_that_was_killed_is_started_again() {
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..300).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {}", phones[7])), ":1");
    daemon.kill();
    // Killed at whatever the start is doing just then.
    for wait_ms in [0, 1, 2, 5, 10, 20, 40] {
        let mut child = serve(&daemon).spawn().expect("the daemon starts");
        thread::sleep(Duration::from_millis(wait_ms));
        child.kill().expect("to be killed");
        child.wait().expect("to end");
    }
    daemon.restart();
    let mut wire = daemon.connect();
    for (n, phone) in phones.iter().enumerate() {
        let verdict = if n == 7 { "+no list_opted_out" } else { "+yes" };
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), verdict, "{phone}");
    }
}

/// The daemon once more, on the same data directory.
fn serve(daemon: &Daemon) -> Command {
    let mut command = Command::new(program());
    command.args(["serve", "--listen", &free_address(), "--data-dir"]).arg(daemon.data_dir());
    // On a ledger the secret stands beside the directories.
    let secret = daemon.dir.path().join("tombstone.key");
    if secret.exists() {
        command.arg("--tombstone-key").arg(secret);
    }
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
fn a_second_daemon_on_the_same_directory_is_refused() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");

    let second = serve(&daemon).stderr(Stdio::piped()).output().expect("it runs");
    let told = String::from_utf8_lossy(&second.stderr);
    assert_eq!(second.status.code(), Some(2), "{told}");
    for part in ["is in use by another contactd", &format!("(process {})", daemon.pid()), "--data-dir"] {
        assert!(told.contains(part), "{told}");
    }
    // The first one does not suffer.
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {}", phone(0, 0, 0))), ":1");
}

#[test]
fn a_burst_of_opt_outs_is_taken_whole() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    // One of them has the number of the list.
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let burst: String = (0..2_000).fold(String::new(), |burst, n| burst + &format!("OPTOUT {LIST} +1415555{n:04}\n"));
    wire.send(burst);
    assert!((0..2_000).all(|_| wire.reply() == ":1"));
    assert_eq!(wire.call("COUNT"), ":2000");
}

#[test]
fn sigterm_drains() {
    for arguments in [&[][..], &["--fsync", "interval"]] {
        let mut daemon = Daemon::start(arguments);
        let mut wire = daemon.connect();
        assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
        let subscribed = phone(1, 0, 0);
        assert_eq!(wire.call(&format!("OPTIN {LIST} {subscribed}")), ":1");
        let phones: Vec<String> = (0..600).map(|n| phone(0, 0, n)).collect();
        let lines: Vec<String> = phones.iter().map(|phone| format!("OPTOUT {LIST} {phone}\n")).collect();
        // All of it is sent before the signal; of the replies only the first is waited for.
        wire.send(lines.concat());
        assert_eq!(wire.reply(), ":1");
        assert_eq!(daemon.terminate(), Some(0), "{}", daemon.log());
        assert!(daemon.log().contains("everything is on disk"), "{}", daemon.log());
        for phone in &phones[1..] {
            assert_eq!(wire.reply(), ":1", "{phone}: what was sent before the signal is done and answered");
        }
        assert_eq!(wire.reply(), "", "then the connection is closed");

        daemon.restart();
        let mut wire = daemon.connect();
        assert_eq!(wire.call(&format!("CHECK {LIST} {subscribed}")), "+yes");
        for phone in &phones {
            assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out", "{phone}");
        }
    }
}

/// What the daemon does between a request and its reply, as the system sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    /// It wrote to a file.
    Wrote,
    /// A sync of a file came back.
    Synced,
    /// It began to send `:1`.
    Replied,
}

impl Deed {
    fn of(line: &str) -> Option<Deed> {
        // A call during which another thread did something takes two lines.
        let begins_only = line.contains("<unfinished ...>");
        if line.contains("\":1\\r\\n\"") {
            Some(Deed::Replied)
        } else if line.contains("sync resumed>") || line.contains("sync(") && !begins_only {
            Some(Deed::Synced)
        } else if line.contains("pwrite64(") {
            Some(Deed::Wrote)
        } else {
            None
        }
    }
}

/// Sends requests that are answered `:1` to a daemon under strace. `None` where the system forbids to trace.
fn deeds(arguments: &[&str], requests: &[String]) -> Option<Vec<Deed>> {
    let daemon = Daemon::start(arguments);
    let mut wire = daemon.connect();
    let trace = daemon.dir.path().join("trace");
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-s", "64", "-e", "trace=fdatasync,fsync,write,writev,pwrite64,sendto,sendmsg", "-o"])
        .arg(&trace)
        .args(["-p", &daemon.pid().to_string()])
        .stderr(Stdio::null())
        .spawn()
        .expect("strace starts");
    let started = Instant::now();
    let shows = |what: &str| {
        assert!(started.elapsed() < PATIENCE, "strace does not show {what}");
        fs::read_to_string(&trace).is_ok_and(|trace| trace.contains(what))
    };
    while !shows("+attached") {
        if strace.try_wait().expect("a child").is_some() {
            return None;
        }
        assert_eq!(wire.call("PING attached"), "+attached");
    }
    assert_eq!(wire.call("PING begin"), "+begin");
    for request in requests {
        assert_eq!(wire.call(request), ":1", "{request}");
    }
    assert_eq!(wire.call("PING end"), "+end");
    while !shows("+end") {
        thread::sleep(Duration::from_millis(5));
    }
    let trace = fs::read_to_string(&trace).expect("a trace");
    // It ends with the daemon.
    drop(daemon);
    strace.wait().expect("strace ends");
    let lines = trace.lines().skip_while(|line| !line.contains("+begin")).take_while(|line| !line.contains("+end"));
    Some(lines.filter_map(Deed::of).collect())
}

#[test]
fn an_opt_out_is_written_and_synced_before_its_reply() {
    if only_alone("the calls of one process are counted, and the ledger's database has others") {
        return;
    }
    if !has("strace") {
        return;
    }
    for arguments in [&[][..], &["--fsync", "interval"]] {
        let requests: Vec<String> = (0..3).map(|n| format!("OPTOUT {LIST} {}", phone(0, 0, n))).collect();
        let Some(deeds) = deeds(arguments, &requests) else {
            eprintln!("skipped: this system does not let strace attach");
            return;
        };
        let replies: Vec<&[Deed]> = deeds.split(|deed| *deed == Deed::Replied).collect();
        assert_eq!(replies.len(), requests.len() + 1, "with {arguments:?}: {deeds:?}");
        for before in &replies[..requests.len()] {
            let written = before.iter().position(|deed| *deed == Deed::Wrote);
            let synced = before.iter().rposition(|deed| *deed == Deed::Synced);
            assert!(written.is_some() && written < synced, "with {arguments:?}: {deeds:?}");
        }
    }
}

#[test]
fn under_fsync_interval_opt_outs_survive_kill_9() {
    let mut daemon = Daemon::start(&["--fsync", "interval"]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..50).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    for (n, phone) in phones.iter().enumerate() {
        assert_eq!(wire.call(&format!("OPTIN {LIST} {}", self::phone(1, 0, n))), ":1");
        assert_eq!(wire.call(&format!("OPTOUT {LIST} {phone}")), ":1");
    }
    daemon.kill();
    daemon.restart();
    let mut wire = daemon.connect();
    for phone in &phones {
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), "+no list_opted_out", "{phone}");
    }
}

/// A batch for each write, many times as many as the journal of postings holds: some postings are on disk as they are,
/// some only in the journal, some half way.
#[test]
fn postings_join_with_their_journal_after_a_crash() {
    const WRITES: usize = 6_000;
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..500).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    let mut tiers = BTreeMap::new();
    for n in 0..WRITES {
        let (phone, tier) = (&phones[n * 7 % 500], ["gold", "silver", "bronze"][n % 3]);
        let replied = wire.call(&format!("PUT {phone} {{\"labels\":{{\"tier\":\"{tier}\",\"n\":\"{}\"}}}}", n % 50));
        assert!(replied == "+updated" || replied == "+unchanged", "{replied}");
        tiers.insert(phone.clone(), tier);
        if n % 2_500 == 2_499 {
            daemon.kill();
            daemon.restart();
            wire = daemon.connect();
        }
    }
    daemon.kill();
    daemon.restart();
    let mut wire = daemon.connect();
    let gold = tiers.values().filter(|tier| **tier == "gold").count();
    assert_eq!(wire.call("COUNT label.tier=gold"), format!(":{gold}"));
    assert!(wire.call("VERIFY").starts_with("+ok 500 contacts"));
}

/// Damage that no crash does: somebody's disk. The store is opened as sled opens it, its indexes are spoiled, and
/// `contactd verify --repair` makes them what the records say.
#[test]
fn repair_makes_indexes_what_the_records_say() {
    if only_alone("a copy of a ledger is not served or mended without it")
        || only_whole("the files of a store are opened")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..700).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    assert_eq!(wire.call(&format!("PUT {} {{\"labels\":{{\"tier\":\"gold\"}}}}", phones[3])), "+updated");
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {}", phones[3])), ":1");
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));

    let verify = |arguments: &[&str]| {
        let mut command = Command::new(program());
        let output = command.args(["verify", "--data-dir"]).arg(daemon.data_dir()).args(arguments).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    assert_eq!(verify(&[]).0, Some(0));
    {
        let config = sled::Config::new().path(daemon.data_dir().join("store"));
        let db = config.segment_size(contactd::limits::SEGMENT_BYTES).open().expect("the store");
        let tree = db.open_tree("contactd").expect("the tree");
        // The directory, the journal of postings, and a posting that is of no contact.
        let directory = tree.scan_prefix([8]).keys().next().expect("a chunk").expect("read");
        tree.remove(directory).expect("removed");
        for key in tree.scan_prefix([0x28]).keys().take(2) {
            tree.remove(key.expect("read")).expect("removed");
        }
        tree.insert([0x20, 0, 0, 0, 0, 0x20, b'x'], &[1, 0, 9][..]).expect("inserted");
        db.flush().expect("flushed");
    }
    // Whoever does that is found out.
    assert_eq!(verify(&[]).0, Some(2));
    fs::remove_file(daemon.data_dir().join("origin")).expect("removed");
    let (code, told) = verify(&[]);
    assert!(code == Some(1) && told.contains("directory"), "{told}");
    let (code, told) = verify(&["--repair"]);
    assert!(code == Some(0) && told.contains("repaired"), "{told}");
    daemon.restart();
    let mut wire = daemon.connect();
    assert!(wire.call("VERIFY").starts_with("+ok 700 contacts"));
    assert!(wire.call("UNFENCE").contains(r#""backup_at":null"#), "nobody can say since when something is missing");
    assert_eq!(wire.call("COUNT label.tier=gold"), ":1");
    assert_eq!(wire.call(&format!("COUNT eligible={LIST}")), ":699");
    assert_eq!(wire.call(&format!("CHECK {LIST} {}", phones[3])), "+no list_opted_out");
}

/// A store of which the end is missing is not served as if it were whole: of a file that is damaged in its middle sled reads
/// what is before.
#[test]
fn a_store_that_was_damaged_or_cut_off_is_refused() {
    if only_alone("a copy of a ledger is not served or mended without it")
        || only_whole("the files of a store are opened")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..4_000).map(|n| phone(0, 0, n)).collect();
    for phones in phones.chunks(500) {
        subscribe(&mut wire, phones);
        let out: Vec<String> = phones.iter().map(|phone| format!("OPTOUT {LIST} {phone}")).collect();
        assert!(wire.call_all(&out).iter().all(|reply| reply == ":1"));
    }
    let (position, _) = page(&wire.call("FEED"));
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));
    let store = daemon.data_dir().join("store");
    let files: Vec<_> = fs::read_dir(&store)
        .expect("the store")
        .map(|file| file.expect("a file").path())
        .filter(|path| path.is_file())
        .map(|path| (path.clone(), fs::read(path).expect("its bytes")))
        .collect();
    let (file, whole) = files.iter().find(|(path, _)| path.ends_with("db")).expect("sled's file");
    let used = whole.iter().rposition(|&byte| byte != 0).expect("something in it");
    // The rest is as it was: whoever opens a damaged store may write. A file that is damaged stays the same file.
    let damage = |bytes: &[u8]| {
        for entry in fs::read_dir(&store).expect("the store") {
            let path = entry.expect("a file").path();
            if path.is_file() && !files.iter().any(|(known, _)| *known == path) {
                fs::remove_file(path).expect("removed");
            }
        }
        for (path, bytes) in &files {
            fs::write(path, bytes).expect("written");
        }
        fs::write(file, bytes).expect("written");
    };
    let flipped = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        bytes
    };
    let cut_off = whole[..used * 9 / 10].to_vec();
    let mut refused = 0;
    for bytes in
        [whole[..used / 3].to_vec(), cut_off.clone()].into_iter().chain((1..20).map(|n| flipped(used / 20 * n)))
    {
        damage(&bytes);
        let mut verify = Command::new(program());
        let told = verify.arg("verify").arg("--data-dir").arg(daemon.data_dir()).output().expect("it runs");
        let why = String::from_utf8_lossy(&told.stderr);
        match told.status.code() {
            // It hit what was written again elsewhere.
            Some(0) => assert!(String::from_utf8_lossy(&told.stdout).contains("4000 contacts"), "{told:?}"),
            code => {
                assert_eq!(code, Some(2), "{why}");
                assert!(why.contains("was damaged or cut off") || why.contains("corrupted"), "{why}");
                refused += usize::from(why.contains("was damaged or cut off"));
            }
        }
    }
    assert!(refused >= 2, "nothing was lost");

    damage(&cut_off);
    for file in ["origin", "synced"] {
        fs::remove_file(daemon.data_dir().join(file)).expect("removed");
    }
    // Somebody decided to have what is left: of the last batch that may be half.
    let mut repair = Command::new(program());
    repair.args(["verify", "--repair", "--data-dir"]).arg(daemon.data_dir());
    assert_eq!(repair.status().expect("it runs").code(), Some(0));
    daemon.restart();
    let mut wire = daemon.connect();
    assert!(wire.call("VERIFY").starts_with("+ok"));
    assert!(wire.call(&format!("FEED {position}")).starts_with("-LIMIT"), "and it is another feed");
    drop(wire);
    daemon.kill();
    daemon.restart();
    // Whose STOP was lost with the rest, nobody knows.
    assert_eq!(daemon.connect().call(&format!("CHECK {LIST} {}", phones[0])), "+no fenced");
}

/// Without the files that tell whether a store is whole nobody knows what was taken away from it, or that it is not a directory
/// of yesterday. So nobody gets messages, until an operator says so.
#[test]
fn a_store_without_a_file_that_tells_whether_it_is_whole_is_fenced() {
    if only_alone("a copy of a ledger is not served or mended without it")
        || only_whole("the files of a store are opened")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {LIST}"));
    let phones: Vec<String> = (0..3).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    let (position, _) = page(&wire.call("FEED"));
    drop(wire);
    let check = format!("CHECK {LIST} {}", phones[1]);
    let offline = |daemon: &Daemon, verb: &str| {
        let output =
            Command::new(program()).arg(verb).arg("--data-dir").arg(daemon.data_dir()).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    for files in [&["origin"][..], &["synced"], &["origin", "synced"]] {
        for is_killed in [false, true] {
            if is_killed {
                daemon.kill();
            } else {
                daemon.terminate();
            }
            for file in files {
                fs::remove_file(daemon.data_dir().join(file)).expect("removed");
            }
            // What makes another store of it would take the doubt away; what only looks does not.
            let (code, told) = offline(&daemon, "rewrite");
            assert!(code == Some(2) && told.contains("tells whether the store is whole is gone"), "{told}");
            assert_eq!(offline(&daemon, "verify").0, Some(0));
            for _ in 0..2 {
                daemon.restart();
                let mut wire = daemon.connect();
                assert_eq!(wire.call(&check), "+no fenced", "without {files:?}");
                assert_eq!(wire.call(&format!("CLAIM {LIST} {} m1", phones[1])), "+no fenced");
                let why = wire.call(&format!("WHY {LIST} {}", phones[1]));
                assert!(why.contains("`contactd health` says why"), "{why}");
                daemon.kill();
            }
            daemon.restart();
            assert!(
                daemon.log().contains("nobody gets messages: the store may not know who opted out last"),
                "{}",
                daemon.log()
            );
            let mut wire = daemon.connect();
            assert!(wire.call("UNFENCE").contains(r#""backup_at":null"#));
            assert_eq!(wire.call(&check), "+yes");
            assert!(wire.call(&format!("FEED {position}")).starts_with("-LIMIT"), "it is another feed");
        }
    }
    // A rewriting puts another file in the place of the store's, and everybody knows which.
    daemon.terminate();
    assert_eq!(offline(&daemon, "rewrite").0, Some(0));
    let origin = daemon.data_dir().join("origin");
    assert!(fs::read_to_string(&origin).expect("the file").starts_with("closed "));
    // A crash in it leaves this.
    for origin_says in [None, Some("replacing\n")] {
        if let Some(text) = origin_says {
            fs::write(&origin, text).expect("written");
        }
        daemon.restart();
        assert_eq!(daemon.connect().call(&check), "+yes", "{origin_says:?}");
        daemon.terminate();
    }
}

/// A batch that was acknowledged may be in the write-ahead log alone.
#[test]
fn a_store_that_lost_its_write_ahead_log_is_refused() {
    if only_alone("a copy of a ledger is not served or mended without it")
        || only_whole("the files of a store are opened")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {LIST}"));
    let phones: Vec<String> = (0..300).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    for phone in &phones {
        assert_eq!(wire.call(&format!("OPTOUT {LIST} {phone}")), ":1");
    }
    drop(wire);
    daemon.kill();
    let files = ["wal.0", "wal.1"].map(|name| daemon.data_dir().join("store").join(name));
    let whole = files.each_ref().map(|file| fs::read(file).expect("read"));
    let put = |bytes: &[Vec<u8>; 2]| {
        files.iter().zip(bytes).for_each(|(file, bytes)| fs::write(file, bytes).expect("written"));
    };
    let told = |daemon: &Daemon| {
        let output = Command::new(program()).arg("verify").arg("--data-dir").arg(daemon.data_dir()).output();
        let output = output.expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    // What is left of the store ends behind a batch, or, when the kill came while sled got one, within it.
    let is_short = |(code, why): (Option<i32>, String)| {
        let is_told =
            ["batches that were on disk", "is not as contactd left it"].iter().any(|words| why.contains(words));
        assert!(code == Some(2) && is_told, "{why}");
    };
    put(&[Vec::new(), Vec::new()]);
    is_short(told(&daemon));
    put(&whole.each_ref().map(|bytes| bytes.iter().map(|byte| !byte).collect()));
    is_short(told(&daemon));
    for file in &files {
        fs::remove_file(file).expect("removed");
    }
    let (code, why) = told(&daemon);
    assert!(code == Some(2) && why.contains("is not as contactd left it"), "{why}");
    // Who wants what is left has it behind a fence.
    for file in ["origin", "synced"] {
        fs::remove_file(daemon.data_dir().join(file)).expect("removed");
    }
    daemon.restart();
    assert_eq!(daemon.connect().call(&format!("CHECK {LIST} {}", phones[299])), "+no fenced");
}

/// What a start says of a data directory: its exit code and its words.
fn verified(daemon: &Daemon) -> (Option<i32>, String) {
    let output = Command::new(program()).arg("verify").arg("--data-dir").arg(daemon.data_dir()).output();
    let output = output.expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A copy of a running store cannot be told apart by the files that were copied with it. Those that were not know that there was more.
#[test]
fn a_part_of_a_copy_that_is_put_back_is_refused() {
    if only_alone("a copy of a ledger is not served or mended without it")
        || only_whole("the files of a store are opened")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {LIST}"));
    let phones: Vec<String> = (0..9).map(|n| phone(0, 0, n)).collect();
    subscribe(&mut wire, &phones);
    let place = tempfile::tempdir().expect("a directory");
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        assert!(Command::new("cp").arg("-r").arg(from).arg(to).status().expect("cp").success());
    };
    let data = daemon.data_dir();
    let parts: [&[&str]; 4] = [&["store", "synced"], &["store", "synced", "origin"], &["store"], &["store", "origin"]];
    for (nth, parts) in parts.into_iter().enumerate() {
        for is_killed in [true, false] {
            let [hot, whole] = ["hot", "whole"].map(|name| place.path().join(format!("{name}{nth}{is_killed}")));
            copy(&data, &hot);
            thread::sleep(Duration::from_millis(1_200));
            let out = &phones[2 * nth + usize::from(is_killed)];
            assert_eq!(wire.call(&format!("OPTOUT {LIST} {out}")), ":1");
            drop(wire);
            if is_killed {
                thread::sleep(Duration::from_millis(1_200));
                daemon.kill();
            } else {
                daemon.terminate();
            }
            copy(&data, &whole);
            for part in parts {
                // In place: each is still the file that it is.
                let to = if *part == "store" { data.clone() } else { data.join(part) };
                copy(&hot.join(part), &to);
            }
            for _ in 0..2 {
                let (code, told) = verified(&daemon);
                assert!(code == Some(2) && told.contains("estore a backup"), "{parts:?}, {is_killed}: {told}");
            }
            // Whoever wants what is left has it behind a fence.
            fs::remove_file(data.join("origin")).expect("removed");
            if !parts.contains(&"synced") {
                fs::remove_file(data.join("synced")).expect("removed");
            }
            daemon.restart();
            wire = daemon.connect();
            assert_eq!(wire.call(&format!("CHECK {LIST} {out}")), "+no fenced", "{parts:?}, killed: {is_killed}");
            drop(wire);
            // And is not told again.
            daemon.kill();
            daemon.restart();
            wire = daemon.connect();
            assert!(wire.call("UNFENCE").contains("backup_at"));
        }
    }
}

/// An empty store in the place of one that is gone has forgotten every opt-out, and would be served as a new one.
#[test]
fn nothing_is_begun_where_something_is_left_of_a_store() {
    if only_alone("a copy of a ledger is not served or mended without it")
        || only_whole("the files of a store are opened")
    {
        return;
    }
    let mut daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    wire.call(&format!("LIST {LIST}"));
    subscribe(&mut wire, &[phone(0, 0, 0)]);
    assert!(wire.call("BACKUP RUN").starts_with('+'));
    drop(wire);
    let data = daemon.data_dir();
    let backups = data.join("backups");
    let is_written = || {
        let mut files = fs::read_dir(&backups).into_iter().flatten().flatten();
        files.any(|file| file.file_name().to_string_lossy().ends_with(".backup"))
    };
    let since = Instant::now();
    while !is_written() {
        assert!(since.elapsed() < PATIENCE);
        thread::sleep(Duration::from_millis(20));
    }
    daemon.terminate();
    let all = ["synced", "origin", "pulse", "tombstone.key", "backups"];
    let kept = tempfile::tempdir().expect("a directory");
    for name in all {
        assert!(Command::new("cp").arg("-r").arg(data.join(name)).arg(kept.path()).status().expect("cp").success());
    }
    fs::remove_dir_all(data.join("store")).expect("removed");
    for left in all {
        for name in all {
            let path = data.join(name);
            let _ = if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
        }
        assert!(Command::new("cp").arg("-r").arg(kept.path().join(left)).arg(&data).status().expect("cp").success());
        for _ in 0..2 {
            let output = Command::new("timeout")
                .arg("60")
                .arg(program())
                .args(["serve", "--listen", "127.0.0.1:0", "--http", "off", "--data-dir"])
                .arg(&data)
                .output()
                .expect("it runs");
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(2) && told.contains(left), "with {left}: {told}");
            assert!(told.contains("restore a backup") && !data.join("store").exists(), "with {left}: {told}");
        }
    }
    fs::remove_dir_all(&backups).expect("removed");
    daemon.restart();
    assert_eq!(daemon.connect().call("COUNT"), ":0");
}

/// A store without contacts has nobody to keep messages from.
#[test]
fn an_empty_store_is_not_fenced() {
    let mut daemon = Daemon::start(&[]);
    daemon.terminate();
    for store in daemon.stores() {
        fs::remove_file(store.join("origin")).expect("removed");
    }
    daemon.restart();
    assert!(daemon.connect().call("UNFENCE").starts_with("-ERR"));
}
