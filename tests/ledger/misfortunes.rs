//! What befalls a database that no failover mends: a disk that is full, an earlier time, rows of a contactd that is newer.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::crowd::{Client, Crowd, LIST};
use crate::house::{House, LEASE};
use crate::node::{Node, program};
use crate::postgres::Postgres;

/// Longer than the lease, and than what those who wait for its end wait.
const LONG: Duration = Duration::from_millis(3200);
const SHORT: Duration = Duration::from_millis(600);

#[test]
fn a_full_disk_of_the_database_refuses_writes_and_loses_nothing() {
    let Some(postgres) = Postgres::start_on_small_disk() else { return };
    let mut house = House::on(postgres, None, &[]);
    let crowd = Crowd::gather(&house.ports());
    let mut told = Vec::new();
    for _ in 0..2 {
        let before = crowd.seen.acknowledged.load(Ordering::SeqCst);
        crowd.meanwhile(|| {
            sleep(SHORT);
            let owner = house.owner();
            house.postgres.fill_disk();
            let since = Instant::now();
            let mut client = Client::of(&[house.nodes[owner].port]);
            let mut rename = |number: usize| client.try_ask(&format!("LIST 24371 {{\"name\":\"n{number}\"}}"));
            for number in 0.. {
                told.extend(rename(number).filter(|reply| !reply.starts_with('+')));
                sleep(Duration::from_millis(50));
                if since.elapsed() > LONG {
                    break;
                }
            }
            house.postgres.free_disk();
            house.owner();
            // It is the same one, and writes again, without anybody's help.
            let since = Instant::now();
            assert!(client.insist("LIST 24371 {\"name\":\"there is room\"}").starts_with('+'));
            println!("with room again, a write took {} ms", since.elapsed().as_millis());
            sleep(SHORT);
        });
        assert!(crowd.seen.acknowledged.load(Ordering::SeqCst) > before, "nobody could write");
        house.take_over_by_force(&crowd);
        let wrongs = crowd.wrongs();
        assert!(wrongs.is_empty(), "{wrongs:#?}\n{}\n{}", house.nodes[0].log(), house.nodes[1].log());
    }
    told.sort();
    told.dedup();
    assert!(
        !told.is_empty() && told.iter().all(|told| told.starts_with("-READONLY nothing can be written")),
        "{told:#?}"
    );
    let logs = [0, 1].map(|place| house.nodes[place].log()).concat();
    assert!(logs.contains("the disk of the ledger's database is full: could not extend file"), "{logs}");
    println!(
        "a full disk: {} acknowledged writes, {} answered CHECKs, none lost, none wrong",
        crowd.seen.acknowledged.load(Ordering::SeqCst),
        crowd.seen.checks.load(Ordering::SeqCst)
    );
}

/// The servers are stopped, and an earlier copy of the primary takes their place. What was acknowledged since is in the stores of the
/// daemons alone.
#[test]
fn a_database_that_was_set_back_is_noticed_and_a_new_ledger_has_everything() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let mut client = Client::of(&house.ports());
    client.insist(&format!("LIST {LIST}"));
    for n in 0..30 {
        client.insist(&format!("OPTIN {LIST} +1415555{n:04}"));
    }
    let owner = house.owner();
    house.postgres.back_up();
    for n in 0..10 {
        assert_eq!(client.insist(&format!("OPTOUT {LIST} +1415555{n:04}")), ":1");
    }
    // So that the one that stands by has all that it can have.
    sleep(Duration::from_secs(1));
    house.postgres.set_back();
    // It says so at once, and ends.
    assert_eq!(house.nodes[1 - owner].ended().code(), Some(2));
    let log = house.nodes[1 - owner].log();
    assert!(log.contains("which was acknowledged: the ledger was set back to an earlier time"), "{log}");
    // The owner answers nothing that is not so, and ends with the next write.
    let mut here = Client::of(&[house.nodes[owner].port]);
    for n in 0..10 {
        let told = here.try_ask(&format!("CHECK {LIST} +1415555{n:04}"));
        assert!(told.is_none_or(|told| told != "+yes"));
    }
    let told = here.try_ask(&format!("OPTOUT {LIST} +14155550011"));
    assert!(told.as_ref().is_none_or(|told| told.starts_with('-')), "{told:?}");
    assert_eq!(house.nodes[owner].ended().code(), Some(2));
    let log = house.nodes[owner].log();
    assert!(log.contains("set back to an earlier time"), "{log}");
    for at in 0..2 {
        house.nodes[at].start();
        assert_eq!(house.nodes[at].ended().code(), Some(2), "nobody answers");
    }

    // The copy of the owner has everything. It is not taken for a store of its own by mistake.
    house.postgres.make_schema("again");
    let url = Postgres::url(house.postgres.ports(), "again");
    let dir = house.nodes[owner].dir().to_owned();
    let init = |more: &[&str]| {
        let done = Command::new(program()).args(["ledger", "init", &url, "--data-dir"]).arg(&dir).args(more).output();
        let done = done.expect("it runs");
        (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    let (is_done, said) = init(&[]);
    assert!(!is_done && said.contains("give --ledger-is-lost"), "{said}");
    let (is_done, said) = init(&["--ledger-is-lost"]);
    assert!(is_done, "{said}");
    let root = dir.parent().expect("a directory").to_owned();
    let mut nodes = ["a", "b"].map(|name| Node::new(&root, name, &url, LEASE));
    for node in &mut nodes {
        node.start();
        let mut client = Client::of(&[node.port]);
        for n in 0..30 {
            let expected = if n < 10 { "+no list_opted_out" } else { "+yes" };
            let told = client.insist(&format!("CHECK {LIST} +1415555{n:04}"));
            // It was held in memory at most, and never acknowledged.
            assert!(told == expected || n == 11, "{n}: {told}\n{}", node.log());
        }
        assert!(client.insist("VERIFY").starts_with("+ok"), "{}", node.log());
        assert!(node.terminate().success(), "{}", node.log());
    }
}

#[test]
fn a_ledger_of_a_newer_contactd_is_refused_by_name() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let mut client = Client::of(&house.ports());
    client.insist(&format!("LIST {LIST}"));
    let owner = house.owner();
    // The newer one is the owner, and has written a row that nobody here can read. Whoever stands by stops, and takes nothing over.
    house.nodes[owner].signal("-STOP");
    house.postgres.on_primary(
        "INSERT INTO house.contactd_ledger SELECT part, seq + 1, reign, '\\x02' || substr(data, 2) FROM house.contactd_ledger
            WHERE seq = (SELECT max(seq) FROM house.contactd_ledger)",
    );
    house
        .postgres
        .on_primary("UPDATE house.contactd_part SET acked = (SELECT max(seq) FROM house.contactd_ledger), beat = -1");
    let reign = || house.postgres.on_primary("SELECT reign FROM house.contactd_part");
    let before = reign();
    assert_eq!(house.nodes[1 - owner].ended().code(), Some(2));
    let log = house.nodes[1 - owner].log();
    assert!(
        log.contains("the ledger has rows of form 2, and this contactd reads form 1: use a newer contactd"),
        "{log}"
    );
    assert_eq!(reign(), before, "it has taken over nothing");

    house.postgres.on_primary("UPDATE house.contactd_part SET format = 2");
    house.nodes[1 - owner].start();
    assert_eq!(house.nodes[1 - owner].ended().code(), Some(2));
    let log = house.nodes[1 - owner].log();
    assert!(log.contains("the ledger has form 2, and this contactd knows form 1: use a newer contactd"), "{log}");
    let url = Postgres::url(house.postgres.ports(), "house");
    let split = Command::new(program()).args(["ledger", "split", &url, "--partitions", "2"]).output().expect("it runs");
    let said = String::from_utf8_lossy(&split.stderr);
    assert!(!split.status.success() && said.contains("the ledger has form 2"), "{said}");
    assert_eq!(reign(), before);
}

/// It is no database that does not answer.
#[test]
fn a_ledger_of_an_older_contactd_is_named_and_gets_what_it_lacks() {
    let Some(mut house) = House::start(None, &[]) else { return };
    let mut client = Client::of(&house.ports());
    client.insist(&format!("LIST {LIST}"));
    drop(client);
    let owner = house.owner();
    house.nodes[1 - owner].terminate();
    house.nodes[owner].terminate();
    house.postgres.on_primary("ALTER TABLE house.contactd_part DROP COLUMN wanted");
    house.nodes[owner].start();
    assert_eq!(house.nodes[owner].ended().code(), Some(2));
    let log = house.nodes[owner].log();
    assert!(log.contains("made by an older contactd") && log.contains("`contactd ledger check URL` adds it"), "{log}");
    let url = Postgres::url(house.postgres.ports(), "house");
    let on_ledger = |what: &str| Command::new(program()).args(["ledger", what, &url]).output().expect("it runs");
    let status = on_ledger("status");
    let said = String::from_utf8_lossy(&status.stderr);
    assert!(!status.status.success() && said.contains("made by an older contactd"), "{said}");
    let check = on_ledger("check");
    assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stdout));
    house.nodes[owner].start();
    assert!(Client::of(&house.ports()).insist("LISTS").starts_with('*'));
}
