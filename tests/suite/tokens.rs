//! Tokens that change while the daemon runs.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

use serde_json::Value;

use crate::pair::only_whole;
use crate::support::{Daemon, PATIENCE, Wire, plan_word};

const OLD: &str = "old-0123456789abcdef";
const NEW: &str = "new-0123456789abcdef";

/// A daemon with a tokens file that a test changes.
struct Tokened {
    daemon: Daemon,
    file: PathBuf,
    _dir: tempfile::TempDir,
}

impl Tokened {
    fn start(lines: &str) -> Tokened {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("tokens");
        std::fs::write(&file, lines).expect("written");
        let daemon = Daemon::start(&["--tokens", file.to_str().expect("a path")]);
        Tokened { daemon, file, _dir: dir }
    }

    fn write(&self, lines: &str) {
        std::fs::write(&self.file, lines).expect("written");
    }

    /// SIGHUP, and waits until the log tells of it.
    fn hang_up(&self, told: &str) {
        let before = self.daemon.log().matches(told).count();
        assert!(Command::new("kill").args(["-HUP", &self.daemon.pid().to_string()]).status().expect("kill").success());
        self.wait_for(told, before);
    }

    fn wait_for(&self, told: &str, before: usize) {
        let since = Instant::now();
        while self.daemon.log().matches(told).count() <= before {
            assert!(since.elapsed() < PATIENCE, "'{told}' is not in the log:\n{}", self.daemon.log());
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn with(&self, token: &str) -> Wire {
        let mut wire = self.daemon.connect();
        assert_eq!(wire.call(&format!("AUTH {token}")), "+OK");
        wire
    }
}

#[test]
fn a_token_that_leaves_the_file_closes_its_connections() {
    let house = Tokened::start(&format!("write {OLD}\nadmin {NEW}\n"));
    let (mut idle, mut waiting, mut stays) = (house.with(OLD), house.with(OLD), house.with(NEW));
    let mut by_hello = house.daemon.connect();
    assert!(by_hello.call(&format!("HELLO 3 AUTH me {OLD}")).starts_with("%3"));
    let position = stays.call("FEED").split('\n').nth(1).expect("a position").trim_start_matches('+').to_owned();
    waiting.send(format!("FEED {position} WAIT 60000\n"));
    house.write(&format!("admin {NEW}\n"));
    house.hang_up("again; connections of");
    // None of them asks anything: they are closed all the same.
    assert_eq!(idle.reply(), "");
    assert_eq!(by_hello.reply(), "");
    let told = waiting.reply();
    assert!(told.is_empty() || told.starts_with("-NOAUTH"), "{told}");
    assert_eq!(waiting.reply(), "");
    assert_eq!(stays.call("LIST +14155550000"), "+created");
    assert!(house.daemon.connect().call(&format!("AUTH {OLD}")).starts_with("-NOAUTH"));
    let log = house.daemon.log();
    assert!(log.contains("connections of 1 token are closed") && !log.contains("0123456789abcdef"), "{log}");
}

#[test]
fn a_level_that_changes_counts_from_the_next_request_on() {
    let house = Tokened::start(&format!("admin {OLD}\n"));
    let mut wire = house.with(OLD);
    assert_eq!(wire.call("LIST +14155550000"), "+created");
    house.write(&format!("read {OLD}\nadmin {NEW}\n"));
    house.hang_up("again; connections of");
    assert!(wire.call("LIST +14155550001").starts_with("-NOPERM"));
    assert_eq!(wire.call("CHECK +14155550000 +14155552671"), "+no not_subscribed");
    // It can get another one, whose withdrawal then counts.
    assert_eq!(wire.call(&format!("AUTH {NEW}")), "+OK");
    house.write(&format!("admin {NEW}\n"));
    house.hang_up("again; connections of");
    assert_eq!(wire.call("LIST +14155550001"), "+created");
    house.write(&format!("admin {OLD}\n"));
    house.hang_up("again; connections of");
    assert_eq!(wire.reply(), "");
}

#[test]
fn a_changed_file_is_noticed_and_a_broken_one_changes_nothing() {
    let house = Tokened::start(&format!("admin {OLD}\n"));
    let mut wire = house.with(OLD);
    for broken in ["", "read short\n", "secret-0123456789abcdef\n"] {
        house.write(broken);
        house.hang_up("what was read before stays in use");
    }
    std::fs::remove_file(&house.file).expect("removed");
    house.hang_up("cannot read");
    assert_eq!(wire.call("LIST +14155550000"), "+created");
    let stats = wire.call("STATS");
    assert!(!stats.contains("\n+reloads_failed 0"), "{stats}");
    // Nobody says that it has changed.
    house.write(&format!("read {NEW}\n"));
    assert_eq!(wire.reply(), "", "closed when it is noticed");
    assert_eq!(house.with(NEW).call("CHECK +14155550000 +14155552671"), "+no not_subscribed");
    assert!(!house.daemon.log().contains("0123456789abcdef"));
}

#[test]
fn what_was_received_before_a_withdrawal_is_answered() {
    let house = Tokened::start(&format!("write {OLD}\nadmin {NEW}\n"));
    let mut wire = house.with(OLD);
    assert_eq!(wire.call("LIST +14155550000"), "+created");
    // Replies that nobody reads hold the connection up in the middle of its requests.
    let opt_outs: Vec<String> = (0..2_000).map(|n| format!("OPTOUT +14155550000 +1415556{n:04}")).collect();
    wire.send(opt_outs.join("\n") + "\n");
    house.write(&format!("admin {NEW}\n"));
    house.hang_up("again; connections of");
    let mut answered = 0;
    loop {
        match wire.reply().as_str() {
            ":1" => answered += 1,
            told => {
                assert!(told.is_empty() || told.starts_with("-NOAUTH the token was withdrawn"), "{told}");
                break;
            }
        }
    }
    let taken = house.with(NEW).call("COUNT list=+14155550000/opted_out");
    assert_eq!(taken, format!(":{answered}"), "what was not answered was not done");
}

/// The delay is there so that guesses are few: a guess, and what stands behind it, is answered in its turn.
#[test]
fn wrong_tokens_are_slowed_and_counted() {
    let house = Tokened::start(&format!("admin {NEW}\n"));
    let mut wire = house.daemon.connect();
    let since = Instant::now();
    wire.send(format!("AUTH {OLD}\nPING a\nHELLO 2 AUTH me {OLD}\nAUTH {NEW}\n"));
    assert!(wire.reply().starts_with("-NOAUTH"));
    assert_eq!(wire.reply(), "+a");
    assert!(wire.reply().starts_with("-NOAUTH"));
    assert_eq!(wire.reply(), "+OK");
    // A second for each, at least: a busy machine only takes longer.
    assert!(since.elapsed().as_millis() >= 2_000, "{:?}", since.elapsed());
    let stats = wire.call("STATS");
    assert!(stats.contains("\n+wrong_tokens 2"), "{stats}");
}

#[test]
fn whose_token_it_was_is_written_down_with_everything() {
    // printf %s new-0123456789abcdef | sha256sum
    const NEW_HASH: &str = "750fac6a814afe322061a2dd7865d8ddc7370d52147daf75d77e95c403a7b4ae";
    let mut house = Tokened::start(&format!("write {OLD} shop\nadmin sha256:{NEW_HASH} ann\n"));
    let (mut shop, mut ann) = (house.with(OLD), house.with(NEW));
    assert_eq!(shop.call("LIST +14155550000"), "+created");
    // A pipeline of two tokens: what is asked before AUTH is the first one's.
    shop.send(format!(
        "OPTIN +14155550000 +14155552671\nAUTH {NEW}\nOPTOUT +14155550000 +14155552671\nAUTH {OLD}\nINVALID +14155552671\n"
    ));
    for reply in [":1", "+OK", ":1", "+OK", ":1"] {
        assert_eq!(shop.reply(), reply);
    }
    assert_eq!(ann.call("LIST +14155550000 {\"paused\":true}"), "+updated");
    assert_eq!(shop.call(r#"INBOUND +14155550000 +14155552672 {"text":"wrong number"}"#), "+message maybe_optout");
    let inbox = ann.call("INBOX");
    let number = inbox.split("\"number\":").nth(1).and_then(|rest| rest.split([',', '}']).next()).expect("a number");
    assert_eq!(ann.call(&format!("INBOX DONE {number}")), ":1");

    let look = |house: &Tokened| {
        let mut wire = house.with(NEW);
        let contact = wire.call("GET +14155552671");
        for by in [r#""by":"shop""#, r#""opted_out_by":"ann""#, r#""invalid_by":"shop""#] {
            assert!(contact.contains(by), "no {by} in {contact}");
        }
        let history = wire.call("HISTORY +14155552671");
        let by: Vec<&str> =
            history.lines().filter_map(|line| line.split("\"by\":\"").nth(1)?.split('"').next()).collect();
        assert_eq!(by, ["shop", "ann", "shop"], "{history}");
        assert!(wire.call("HISTORY +14155552672 KIND review").contains(r#""by":"ann""#));
        let lists = wire.call("HISTORY *");
        assert!(lists.contains(r#""by":"ann""#) && lists.contains(r#""by":"shop""#), "{lists}");
        let why = wire.call("WHY +14155550000 +14155552671");
        assert!(why.contains(r#""by":"ann""#), "{why}");
        assert!(wire.call("VERIFY").starts_with("+ok"), "{}", wire.call("VERIFY"));
    };
    look(&house);
    house.daemon.kill();
    house.daemon.restart();
    look(&house);
    assert!(!house.daemon.log().contains("0123456789abcdef"));

    // Another name for a token counts from then on, and the old one stays where it is.
    let mut shop = house.with(OLD);
    house.write(&format!("write {OLD} store\nadmin {NEW} ann\n"));
    house.hang_up("again; connections of");
    assert_eq!(shop.call("OPTOUT +14155550000 +14155552673"), ":1");
    let contact = shop.call("GET +14155552673");
    assert!(contact.contains(r#""opted_out_by":"store""#), "{contact}\n{}", house.daemon.log());
    look(&house);
    // The name is the sender's, and stays when the person's data goes.
    assert!(house.with(NEW).call("ERASE +14155552673").starts_with("+erased"));
    let gone = house.with(NEW).call("GET +14155552673");
    assert!(gone.contains(r#""opted_out_all_by":"ann""#) && !gone.contains("store"), "{gone}");
}

#[test]
fn who_purged_and_who_erased_is_kept() {
    let mut house = Tokened::start(&format!("write {OLD} shop\nadmin {NEW} ann\n"));
    let mut ann = house.with(NEW);
    assert_eq!(ann.call("LIST +14155550000"), "+created");
    assert_eq!(ann.call(r#"INVALID +14155552671 {"at":"2020-01-01"}"#), ":1");
    assert!(ann.call("PURGE PLAN").contains(r#""contacts":1"#));
    assert_eq!(ann.call(&format!("PURGE RUN {}", plan_word(1))), "+started");
    while ann.call("PURGE STATUS") != r#"+{"state":"idle"}"# {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    assert_eq!(ann.call("OPTOUT * +14155552672"), ":1");
    let erased = ann.call("ERASE +14155552672");
    assert!(erased.starts_with("+erased"), "{erased}");
    house.daemon.kill();
    house.daemon.restart();
    let mut ann = house.with(NEW);
    let reports = ann.call("PURGE REPORTS");
    assert!(reports.contains(r#""by":"ann""#) && reports.contains("finished"), "{reports}");
    assert!(ann.call("GET +14155552671").contains(r#""purged_by":"ann""#));
    assert!(ann.call("GET +14155552672").contains(r#""erased_by":"ann""#));
    // The number comes back, and its history with it.
    assert_eq!(house.with(OLD).call(r#"INBOUND +14155550000 +14155552671 {"text":"hello"}"#), "+message");
    let history = ann.call("HISTORY +14155552671 KIND purge");
    assert!(history.contains(r#""by":"ann""#), "{history}");
    assert!(ann.call("VERIFY").starts_with("+ok"));
}

/// The clients that CLIENTS shows, by id.
fn clients(wire: &mut Wire) -> std::collections::BTreeMap<u64, Value> {
    let page = wire.call("CLIENTS LIMIT 1000");
    let items = page.lines().filter_map(|line| line.strip_prefix("+{"));
    let items = items.map(|item| serde_json::from_str::<Value>(&format!("{{{item}")).expect("JSON"));
    items.map(|item| (item["id"].as_u64().expect("a number"), item)).collect()
}

#[test]
fn who_is_connected_is_shown() {
    if only_whole("CLIENTS shows a client once for each partition that it has asked") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (file, socket) = (dir.path().join("tokens"), dir.path().join("sock"));
    std::fs::write(&file, format!("write {OLD} shop\nadmin {NEW} ann\n")).expect("written");
    let unix = format!("unix:{}", socket.display());
    let daemon = Daemon::start(&["--tokens", file.to_str().expect("a path"), "--listen", &unix]);
    let house = Tokened { daemon, file, _dir: dir };
    let (mut shop, mut ann) = (house.with(OLD), house.with(NEW));
    let nobody = house.daemon.connect();
    for _ in 0..3 {
        shop.call("CHECK +14155550000 +14155552671");
    }
    shop.call_all(&vec!["CHECK +14155550000 +14155552671".to_owned(); 1_000]);
    let mut near = std::os::unix::net::UnixStream::connect(&socket).expect("a connection");
    near.write_all(b"PING\n").expect("sent");
    near.read_exact(&mut [0; 7]).expect("a reply");
    assert!(shop.call("CLIENTS").starts_with("-NOPERM"));

    // What a client has answered is known when its burst is over, just after the reply.
    let since = Instant::now();
    let all = loop {
        let all = clients(&mut ann);
        let of = |name: &str| all.values().find(|client| client["name"] == name).cloned().unwrap_or_default();
        let others = all.values().filter(|client| client["name"].is_null() && client["level"] == "anyone").count();
        if of("shop")["requests"] == 1_005 && others == 2 {
            break all;
        }
        assert!(since.elapsed() < PATIENCE, "{all:?}");
    };
    let shop_shown = all.values().find(|client| client["name"] == "shop").expect("it is there");
    assert_eq!((&shop_shown["level"], &shop_shown["transport"]), (&"write".into(), &"tcp".into()));
    assert!(shop_shown["address"].as_str().is_some_and(|address| address.starts_with("127.0.0.1:")), "{shop_shown}");
    let unix = all.values().find(|client| client["transport"] == "unix").expect("it is there");
    assert_eq!(unix["address"], socket.display().to_string());

    // Page by page they are the same; who leaves is not there any more.
    let ids: Vec<u64> = all.keys().copied().collect();
    let (mut paged, mut after) = (Vec::new(), "0".to_owned());
    loop {
        let page = ann.call(&format!("CLIENTS LIMIT 1 AFTER {after}"));
        let mut lines = page.lines().skip(1);
        after = lines.next().expect("a cursor").trim_start_matches('+').to_owned();
        let item: Value = serde_json::from_str(&lines.next().expect("an item")[1..]).expect("JSON");
        paged.push(item["id"].as_u64().expect("a number"));
        if after == "0" {
            break;
        }
    }
    assert_eq!(paged, ids);
    drop((nobody, near, shop));
    let since = Instant::now();
    while clients(&mut ann).len() > 1 {
        assert!(since.elapsed() < PATIENCE, "they are still there");
    }
}

#[test]
fn no_secret_is_among_the_settings() {
    let house = Tokened::start(&format!("admin {NEW} ann\n"));
    let mut ann = house.with(NEW);
    let settings = ann.call("SETTINGS");
    assert!(settings.contains(&format!("\n+tokens {}\n", house.file.display())), "{settings}");
    assert!(settings.contains("\n+fsync always\n") && settings.contains("\n+keep-feed 30d\n"), "{settings}");
    assert!(!settings.contains("0123456789abcdef"));
}
