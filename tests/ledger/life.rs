//! The life of a pair without faults: joining, leaving, being handed on, copies, and what is refused.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::{Client, LIST};
use crate::house::{House, LEASE};
use crate::node::{Node, program};
use crate::postgres::Postgres;

fn contactd(arguments: &[&str]) -> (i32, String) {
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

    // A store of a ledger is not served without it.
    assert!(house.nodes[owner].terminate().success(), "{}", house.nodes[owner].log());
    let dir = house.nodes[owner].dir().to_str().expect("UTF-8").to_owned();
    let (code, said) = contactd(&["serve", "--data-dir", &dir, "--listen", "127.0.0.1:0", "--http", "off"]);
    assert!(code == 2 && said.contains("start contactd with --ledger"), "{said}");
    assert_eq!(there.insist(&format!("CHECK {LIST} +14155550101")), "+no list_opted_out");
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

    // A store of its own is not one of this ledger, and neither is a copy with another secret.
    let mut stranger = Node::new(root.path(), "d", &url, LEASE);
    let key = root.path().join("other.key");
    std::fs::write(&key, format!("{}\n", "ab".repeat(32))).expect("a key");
    Command::new("chmod").arg("600").arg(&key).status().expect("chmod");
    stranger = stranger.with(&["--tombstone-key", key.to_str().expect("UTF-8")]);
    drop(stranger);
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
