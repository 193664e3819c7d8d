//! The life of a pair without faults: joining, leaving, being handed on, copies, and what is refused.

use std::io::{BufRead, Write};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::{Client, LIST};
use crate::house::{House, LEASE};
use crate::node::{Node, free_port, program};
use crate::postgres::Postgres;

/// Runs a command to its end. Gives how it ended, and all that it printed.
pub fn contactd(arguments: &[&str]) -> (i32, String) {
    let done = Command::new(program()).args(arguments).output().expect("it runs");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

#[test]
fn a_pair_is_one_daemon_from_either_address() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let owner = house.owner();
    let (first, other) = (house.nodes[owner].port, house.nodes[1 - owner].port);
    let mut there = Client::of(&[other]);
    there.insist(&format!("LIST {LIST}"));
    there.insist(&format!("OPTIN {LIST} +14155550101"));
    let mut here = Client::of(&[first]);
    assert_eq!(here.insist(&format!("CHECK {LIST} +14155550101")), "+yes");
    assert_eq!(there.insist(&format!("OPTOUT {LIST} +14155550101")), ":1");
    assert_eq!(here.insist(&format!("CHECK {LIST} +14155550101")), "+no list_opted_out");

    let url = Postgres::url(house.postgres.ports(), "house");
    let (code, said) = contactd(&["ledger", "status", &url]);
    assert!(code == 0 && said.contains(&format!("127.0.0.1:{first}, in reign")), "{said}");
    let (code, said) = contactd(&["ledger", "init", &url]);
    assert!(code == 2 && said.contains("has a ledger already"), "{said}");

    // The database keeps every promise, while daemons run on it, and nothing is left behind.
    let (code, said) = contactd(&["ledger", "check", &url]);
    assert!(code == 0 && said.lines().count() == 11 && said.lines().all(|line| line.starts_with("ok ")), "{said}");
    assert_eq!(house.postgres.on_primary("SELECT count(*) FROM house.contactd_part").trim(), "1");

    // It finds what is left out.
    let mut flawed = Command::new(program());
    let flawed =
        flawed.args(["ledger", "check", &url]).env("CONTACTD_LEDGER_FLAW", "no-fence").output().expect("it runs");
    let said = String::from_utf8_lossy(&flawed.stdout);
    assert!(flawed.status.code() == Some(1) && said.contains("broken  an earlier owner appends"), "{said}");

    // A store of a ledger is not served without it.
    assert!(house.nodes[owner].terminate().success(), "{}", house.nodes[owner].log());
    let dir = house.nodes[owner].dir().to_str().expect("UTF-8").to_owned();
    let (code, said) = contactd(&["serve", "--data-dir", &dir, "--listen", "127.0.0.1:0", "--http", "off"]);
    assert!(code == 2 && said.contains("start contactd with --ledger"), "{said}");
    assert_eq!(there.insist(&format!("CHECK {LIST} +14155550101")), "+no list_opted_out");

    house.postgres.wait_for_nobody();
    let (code, said) = contactd(&["ledger", "check", &url]);
    assert!(code == 1 && said.contains("broken  a commit waits for another machine"), "{said}");
}

/// One renewal serves all CHECKs that came before it was sent, and a CHECK behind a write sees it.
#[test]
fn checks_are_confirmed_by_the_ledger_where_that_is_asked_for() {
    let Some(house) = House::start(None, &["--check", "confirmed"]) else { return };
    let owner = house.owner();
    let mut client = Client::of(&[house.nodes[owner].port]);
    client.insist(&format!("LIST {LIST}"));
    let stream = std::net::TcpStream::connect(("127.0.0.1", house.nodes[owner].port)).expect("a connection");
    let mut replies = std::io::BufReader::new(stream.try_clone().expect("a clone"));
    let mut asked = |lines: String, count: usize| -> Vec<String> {
        (&stream).write_all(lines.as_bytes()).expect("sent");
        let mut line = || {
            let mut line = String::new();
            replies.read_line(&mut line).expect("a reply");
            line.trim_end().to_owned()
        };
        (0..count).map(|_| line()).collect()
    };
    let confirmed = || {
        let address = format!("127.0.0.1:{}", house.nodes[owner].port);
        let (code, said) = contactd(&["call", "--server", &address, "STATS"]);
        assert_eq!(code, 0, "{said}");
        let count = said.split_once("ledger_confirmed ").and_then(|(_, rest)| rest.split_whitespace().next());
        count.and_then(|count| count.parse::<u64>().ok()).expect("a number")
    };
    let phone = "+14155550101";
    let lines = format!("OPTIN {LIST} {phone}\nCHECK {LIST} {phone}\nOPTOUT {LIST} {phone}\nCHECK {LIST} {phone}\n");
    assert_eq!(asked(lines, 4), [":1", "+yes", ":1", "+no list_opted_out"]);
    let before = confirmed();
    assert!(before >= 1);
    let since = Instant::now();
    let checks = format!("CHECK {LIST} {phone}\n");
    assert!(asked(checks.repeat(1000), 1000).iter().all(|reply| reply == "+no list_opted_out"));
    let together = (since.elapsed(), confirmed() - before);
    // They come in a few pieces.
    assert!((1..100).contains(&together.1), "{} renewals for 1000 CHECKs", together.1);
    let since = Instant::now();
    for _ in 0..100 {
        assert_eq!(asked(checks.clone(), 1), ["+no list_opted_out"]);
    }
    println!(
        "1000 CHECKs at once: {} ms, {} renewals; one by one: {} µs each",
        together.0.as_millis(),
        together.1,
        since.elapsed().as_micros() / 100
    );
}

#[test]
fn a_new_daemon_catches_up_and_a_store_of_another_past_is_refused() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let mut client = Client::of(&house.ports());
    client.insist(&format!("LIST {LIST}"));
    for n in 0..50 {
        client.insist(&format!("OPTIN {LIST} +1415555{n:04}"));
    }
    client.insist(&format!("OPTOUT {LIST} +14155550007"));
    let root = tempfile::tempdir().expect("a directory");
    std::fs::copy(house.nodes[0].dir().with_file_name("tombstone.key"), root.path().join("tombstone.key"))
        .expect("a copy");
    let url = Postgres::url(house.postgres.ports(), "house");
    let mut third = Node::new(root.path(), "c", &url, LEASE);
    third.start();
    thread::sleep(Duration::from_secs(1));
    house.nodes.iter_mut().for_each(Node::kill);
    assert_eq!(Client::of(&[third.port]).insist(&format!("CHECK {LIST} +14155550007")), "+no list_opted_out");
    assert_eq!(Client::of(&[third.port]).insist(&format!("CHECK {LIST} +14155550008")), "+yes");
    let verified = Client::of(&[third.port]).insist("VERIFY");
    assert!(!verified.starts_with('-'), "{verified}");
    third.kill();

    // The ledger is set back by one row, and goes on from there.
    let last = "(SELECT max(seq) FROM house.contactd_ledger)";
    house.postgres.on_primary(&format!("DELETE FROM house.contactd_ledger WHERE seq = {last}"));
    third.start();
    assert_eq!(third.ended().code(), Some(2));
    assert!(third.log().contains("was set back to an earlier time"), "{}", third.log());
}

/// A daemon whose owner it was, and one that stands by, while the database takes its time to make an owner of the first.
#[test]
fn a_client_is_not_handed_on_for_ever_while_nobody_is_the_owner() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let owner = house.owner();
    house.nodes.iter_mut().for_each(Node::kill);
    house.postgres.on_primary("CREATE TABLE house.may_go_on ()");
    let waits = "DO $$ BEGIN PERFORM 1 FROM house.contactd_part FOR UPDATE;
        FOR turn IN 1..1200 LOOP EXIT WHEN EXISTS (SELECT FROM house.may_go_on); PERFORM pg_sleep(0.05); END LOOP; END $$";
    let known = format!("the owner is at 127.0.0.1:{}", house.nodes[owner].port);
    thread::scope(|scope| {
        let House { postgres, nodes, .. } = &mut house;
        let postgres = &*postgres;
        scope.spawn(|| postgres.on_primary(waits));
        for node in nodes.iter_mut() {
            let known_before = node.log().matches(&known).count();
            node.start();
            let since = Instant::now();
            while node.log().matches(&known).count() == known_before {
                assert!(since.elapsed() < Duration::from_secs(60), "it sees no owner:\n{}", node.log());
                thread::sleep(Duration::from_millis(20));
            }
        }
        for node in nodes.iter() {
            let reply = (0..50).find_map(|_| Client::of(&[node.port]).try_ask("PING"));
            let is_told = |reply: &String| reply.starts_with("-STANDBY") && reply.contains("nobody is the owner yet");
            assert!(reply.as_ref().is_some_and(is_told), "{reply:?}");
        }
        postgres.on_primary("INSERT INTO house.may_go_on DEFAULT VALUES");
    });
    house.owner();
    for port in house.ports() {
        assert_eq!(Client::of(&[port]).insist("PING"), "+PONG");
    }
}

#[test]
fn a_hand_over_is_quick() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let owner = house.owner();
    let mut client = Client::of(&house.ports());
    client.insist(&format!("LIST {LIST}"));
    let since = Instant::now();
    assert!(house.nodes[owner].terminate().success(), "{}", house.nodes[owner].log());
    client.insist(&format!("OPTIN {LIST} +14155550101"));
    println!("a hand-over took {} ms", since.elapsed().as_millis());
    assert_eq!(house.owner(), 1 - owner);
}

#[test]
fn a_ledger_begins_with_a_store_that_is_there() {
    let Some(postgres) = Postgres::start() else { return };
    postgres.make_schema("house");
    let url = Postgres::url(postgres.ports(), "house");
    let root = tempfile::tempdir().expect("a directory");
    let dir = root.path().join("a");
    // A daemon that has its store for itself.
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut alone = Command::new(program())
        .args(["serve", "--http", "off", "--listen", &listen, "--data-dir"])
        .arg(&dir)
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    let mut client = Client::of(&[port]);
    client.insist(&format!("LIST {LIST}"));
    for n in 0..2000 {
        client.insist(&format!("OPTIN {LIST} +1415555{n:04}"));
    }
    client.insist(&format!("OPTOUT {LIST} +14155550007"));
    client.insist("ERASE +14155550008");
    Command::new("kill").arg(alone.id().to_string()).status().expect("kill");
    assert!(alone.wait().expect("it ends").success());

    let at = dir.to_str().expect("UTF-8");
    let mut first = Node::new(root.path(), "a", &url, LEASE);
    let (code, said) = contactd(&["ledger", "init", &url, "--data-dir", at]);
    assert!(code == 0 && said.contains("begins with row"), "{said}");
    let (code, said) = contactd(&["ledger", "init", &url, "--data-dir", at]);
    assert!(code == 2 && said.contains("has a ledger already"), "{said}");
    // It goes on where it was, and another one begins with the copy, under the same secret.
    std::fs::rename(dir.join("tombstone.key"), root.path().join("tombstone.key")).expect("moved");
    first.start();
    assert_eq!(Client::of(&[first.port]).insist(&format!("CHECK {LIST} +14155550007")), "+no list_opted_out");
    let mut other = Node::new(root.path(), "b", &url, LEASE);
    other.start();
    thread::sleep(Duration::from_secs(1));
    first.kill();
    let mut client = Client::of(&[other.port]);
    assert_eq!(client.insist(&format!("CHECK {LIST} +14155550007")), "+no list_opted_out");
    assert_eq!(client.insist(&format!("CHECK {LIST} +14155550009")), "+yes");
    client.ask(&format!("OPTIN {LIST} +14155550008 {{\"at\":1000}}"));
    assert!(client.insist(&format!("CHECK {LIST} +14155550008")).starts_with("+no "), "its tombstone is known");
    assert!(client.insist("VERIFY").starts_with("+ok"));
    assert!(other.log().contains("begins with the ledger's copy"), "{}", other.log());

    // Another secret would know nobody's opt-out.
    let key = root.path().join("other.key");
    std::fs::write(&key, format!("{}\n", "ab".repeat(32))).expect("a key");
    Command::new("chmod").arg("600").arg(&key).status().expect("chmod");
    let mut stranger = Node::new(root.path(), "c", &url, LEASE).with_key(&key);
    stranger.start();
    assert_eq!(stranger.ended().code(), Some(2));
    assert!(stranger.log().contains("copy that of the owner"), "{}", stranger.log());
}

/// The owner makes copies as the ledger grows, and removes the rows behind them.
#[test]
fn the_ledger_stays_short_and_a_new_daemon_begins_with_a_copy() {
    let Some(mut house) = House::start(Some("copies-at-once"), &[]) else { return };
    let mut client = Client::of(&house.ports());
    client.insist(&format!("LIST {LIST}"));
    let number = |house: &House, what: &str| {
        let sql = format!("SELECT {what} FROM house.contactd_part p, house.contactd_ledger l GROUP BY base");
        house.postgres.on_primary(&sql).parse::<u64>().expect("a number")
    };
    let since = Instant::now();
    let mut phones = 0;
    // Rows go once two copies were made behind them.
    while number(&house, "min(l.seq)") == 0 {
        client.insist(&format!("OPTIN {LIST} +1415555{phones:04}"));
        phones += 1;
        assert!(
            since.elapsed() < Duration::from_secs(60),
            "no row is removed; the copy ends with {}",
            number(&house, "base")
        );
        thread::sleep(Duration::from_millis(50));
    }
    client.insist(&format!("OPTOUT {LIST} +14155550000"));
    let key = house.nodes[0].dir().with_file_name("tombstone.key");
    let root = tempfile::tempdir().expect("a directory");
    let url = Postgres::url(house.postgres.ports(), "house");
    let mut third = Node::new(root.path(), "c", &url, LEASE).with_key(&key);
    third.start();
    thread::sleep(Duration::from_secs(1));
    house.nodes.iter_mut().for_each(Node::kill);
    let mut client = Client::of(&[third.port]);
    assert_eq!(client.insist(&format!("CHECK {LIST} +14155550000")), "+no list_opted_out");
    assert_eq!(client.insist(&format!("CHECK {LIST} +1415555{:04}", phones - 1)), "+yes");
    assert!(client.insist("VERIFY").starts_with("+ok"));
    assert!(third.log().contains("begins with the ledger's copy"), "{}", third.log());
}

#[test]
fn the_demo_of_a_pair_tells_its_story() {
    let Some(_turn) = Postgres::start() else { return };
    let (code, said) = contactd(&["demo", "--pair"]);
    assert!(code == 0 && said.contains("The other one owns the store") && said.contains("That was it."), "{said}");
}
