//! A store in partitions that three daemons share: each answers for all of it, and they have about as many partitions each.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::crowd::{Client, Crowd, LIST};
use crate::faults::soak;
use crate::house::LEASE;
use crate::node::{Node, program};
use crate::postgres::Postgres;

const PARTITIONS: usize = 4;
const PATIENCE: Duration = Duration::from_secs(60);
/// Longer than the lease, and than what those who wait for its end wait.
const LONG: Duration = Duration::from_millis(3500);
const SHORT: Duration = Duration::from_millis(500);

struct District {
    postgres: Postgres,
    nodes: Vec<Node>,
    _root: tempfile::TempDir,
}

impl District {
    /// Three daemons, none of which runs yet.
    fn found() -> Option<District> {
        let postgres = Postgres::start()?;
        postgres.make_schema("district");
        let root = tempfile::tempdir().expect("a directory");
        let url = Postgres::url(postgres.ports(), "district");
        let partitions = PARTITIONS.to_string();
        let made = Command::new(program())
            .args(["ledger", "init", &url, "--partitions", &partitions, "--tombstone-key"])
            .arg(root.path().join("tombstone.key"))
            .output()
            .expect("it runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let node = |name| Node::new(root.path(), name, &url, LEASE).with(&["--partitions", &partitions]);
        Some(District { nodes: ["a", "b", "c"].map(node).into(), postgres, _root: root })
    }

    fn ports(&self) -> Vec<u16> {
        self.nodes.iter().map(|node| node.port).collect()
    }

    /// How many partitions each daemon has.
    fn shares(&self) -> Vec<usize> {
        let owners = self.postgres.on_primary("SELECT address FROM district.contactd_part WHERE beat >= 0");
        let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
        owners.lines().for_each(|owner| *shares.entry(owner).or_default() += 1);
        self.nodes
            .iter()
            .map(|node| shares.get(format!("127.0.0.1:{}", node.port).as_str()).copied().unwrap_or(0))
            .collect()
    }

    /// Fetches the backups of all partitions from one daemon, and looks at another one for who has asked it.
    fn is_backed_up(&self, contacts: u64) {
        let to = tempfile::tempdir().expect("a directory");
        let files = || {
            let in_place = |place| std::fs::read_dir(to.path().join(format!("p{place}"))).into_iter().flatten().count();
            (0..PARTITIONS).map(in_place).collect::<Vec<_>>()
        };
        let address = format!("127.0.0.1:{}", self.nodes[1].port);
        let since = Instant::now();
        let facts = loop {
            let mut fetch = Command::new(program());
            let done = fetch.arg("backup").arg(to.path()).args(["--server", &address]).output().expect("it runs");
            if done.status.success() {
                break String::from_utf8_lossy(&done.stdout).into_owned();
            }
            // On a machine that is too busy for its leases a partition may go elsewhere meanwhile.
            assert_eq!(files(), [0; PARTITIONS], "all of them, or none");
            let why = String::from_utf8_lossy(&done.stderr).into_owned();
            assert!(since.elapsed() < PATIENCE, "{why}\n{}", self.log());
        };
        let facts: Vec<Value> = facts.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(facts.iter().map(|facts| facts["contacts"].as_u64().expect("a number")).sum::<u64>(), contacts);
        assert_eq!(files(), [1; PARTITIONS]);

        // Who has asked all partitions through one daemon is told of by another one, too, once for each.
        let (mut one, mut other) = (Client::of(&[self.nodes[0].port]), Client::of(&[self.nodes[2].port]));
        let addresses = |lines: Vec<String>| -> Vec<String> {
            let clients = lines[1..].iter().map(|line| serde_json::from_str::<Value>(&line[1..]).expect("JSON"));
            clients.map(|client| client["address"].to_string()).collect()
        };
        loop {
            one.insist("COUNT");
            let here = addresses(one.insist_lines("CLIENTS"));
            let there = addresses(other.insist_lines("CLIENTS"));
            let is_of_all = |address| there.iter().filter(|one| *one == address).count() == PARTITIONS;
            if here.iter().any(is_of_all) {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{here:?}, {there:?}\n{}", self.log());
        }
    }

    fn log(&self) -> String {
        let logs: Vec<String> = self.nodes.iter().map(|node| format!("--- {}\n{}", node.port, node.log())).collect();
        logs.concat()
    }

    /// Waits until the partitions lie like this, whoever has which.
    fn wait_for(&self, expected: &[usize]) {
        let since = Instant::now();
        loop {
            let mut shares = self.shares();
            shares.sort_unstable();
            if shares == expected {
                return;
            }
            assert!(since.elapsed() < PATIENCE, "{shares:?}, and not {expected:?}:\n{}", self.log());
            sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn each_of_three_daemons_answers_for_all_partitions() {
    let Some(mut district) = District::found() else { return };
    district.nodes[0].start();
    district.wait_for(&[0, 0, 4]);
    let mut first = Client::of(&[district.nodes[0].port]);
    assert_eq!(first.insist(&format!("LIST {LIST}")), "+created");
    let phones: Vec<String> = (0..40).map(|n| format!("+1415555{:04}", 3000 + n)).collect();
    for phone in &phones {
        assert_eq!(first.insist(&format!("OPTIN {LIST} {phone}")), ":1");
    }
    district.nodes[1].start();
    district.wait_for(&[0, 2, 2]);
    district.nodes[2].start();
    district.wait_for(&[1, 1, 2]);
    district.is_backed_up(40);

    for (at, port) in district.ports().into_iter().enumerate() {
        let client = &mut Client::of(&[port]);
        assert_eq!(client.insist("COUNT"), ":40");
        assert!(client.insist("VERIFY").starts_with("+ok 40"), "{}", district.log());
        assert_eq!(client.insist(&format!("OPTOUT {LIST} {}", phones[at])), ":1");
        // Typed as people do: its command reads whose it is.
        assert!(client.insist(&format!("OPTOUT {LIST} 1-415-555-30{}", 10 + at)).starts_with("-BADARG"));
        assert_eq!(client.insist(&format!("INBOUND {LIST} {} {{\"text\":\"stop\"}}", phones[20 + at])), "+optout");
    }
    let out: Vec<usize> = (0..3).chain(10..13).chain(20..23).collect();
    for port in district.ports() {
        let client = &mut Client::of(&[port]);
        for (at, phone) in phones.iter().enumerate() {
            let expected = if out.contains(&at) { "+no list_opted_out" } else { "+yes" };
            assert_eq!(client.insist(&format!("CHECK {LIST} {phone}")), expected);
        }
        assert_eq!(client.insist(&format!("CLAIM {LIST} {} once", phones[0])), "+no list_opted_out");
    }
    // A list that is paused at one is paused at all when that is answered.
    let mut last = Client::of(&[district.nodes[2].port]);
    assert_eq!(last.insist(&format!("LIST {LIST} {{\"paused\":true}}")), "+updated");
    for port in district.ports() {
        assert_eq!(Client::of(&[port]).insist(&format!("CHECK {LIST} {}", phones[30])), "+no list_paused");
    }
    // While one owner is silent nobody is told that the list is paused.
    assert_eq!(last.insist(&format!("LIST {LIST} {{\"paused\":false}}")), "+updated");
    district.nodes[0].signal("-STOP");
    let told = Client::of(&[district.nodes[2].port]).ask(&format!("LIST {LIST} {{\"paused\":true}}"));
    // On a machine that is too busy for its leases it may have nothing any more.
    assert!(told.is_none() || district.shares()[0] == 0, "{told:?}");
    district.nodes[0].signal("-CONT");
    last.insist(&format!("LIST {LIST} {{\"paused\":true}}"));
    for port in district.ports() {
        for phone in &phones[30..] {
            assert_eq!(Client::of(&[port]).insist(&format!("CHECK {LIST} {phone}")), "+no list_paused");
        }
    }
    let refused = last.insist(&format!("UNLIST {LIST}"));
    assert!(refused.starts_with("-BADARG 31 active or suppressed contacts on"), "{refused}");

    let url = Postgres::url(district.postgres.ports(), "district");
    let shown = Command::new(program()).args(["ledger", "status", &url]).output().expect("it runs");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert_eq!(shown.lines().filter(|line| line.starts_with("owner ")).count(), PARTITIONS, "{shown}");
}

/// What is done while everybody writes and asks, at all addresses.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    /// SIGKILL of a daemon.
    Kill,
    /// A daemon stands still for longer than its leases, and goes on.
    Freeze,
    /// SIGTERM of a daemon.
    HandOver,
    /// The database's primary is killed, and its standby takes its place.
    FailOver,
    /// The same while a daemon stands still.
    Both,
    /// The primary crashes and comes back, without what it alone had.
    Crash,
}

const FAULTS: [Fault; 6] = [Fault::Kill, Fault::Freeze, Fault::HandOver, Fault::FailOver, Fault::Both, Fault::Crash];

impl Fault {
    fn happen(self, district: &mut District, place: usize) {
        let District { postgres, nodes, .. } = district;
        let node = &mut nodes[place];
        match self {
            Fault::Kill => {
                node.kill();
                sleep(LONG);
                node.start();
            }
            Fault::Freeze => {
                node.signal("-STOP");
                sleep(LONG);
                node.signal("-CONT");
            }
            Fault::HandOver => {
                assert!(node.terminate().success(), "{}", node.log());
                sleep(SHORT);
                node.start();
            }
            Fault::FailOver => {
                postgres.fail_over();
                sleep(SHORT);
                postgres.heal();
            }
            Fault::Both => {
                node.signal("-STOP");
                postgres.fail_over();
                sleep(LONG);
                node.signal("-CONT");
                postgres.heal();
            }
            Fault::Crash => {
                postgres.silence_standby(true);
                sleep(SHORT);
                postgres.crash();
                postgres.recover();
                postgres.silence_standby(false);
            }
        }
    }
}

#[test]
fn faults_lose_nothing_and_a_daemon_gets_its_share_back() {
    let Some(mut district) = District::found() else { return };
    district.nodes.iter_mut().for_each(Node::start);
    district.wait_for(&[1, 1, 2]);
    let crowd = Crowd::gather(&district.ports());
    let since = Instant::now();
    let mut rounds = 0;
    loop {
        for fault in FAULTS {
            let before = crowd.seen.acknowledged.load(Ordering::SeqCst);
            crowd.meanwhile(|| {
                sleep(SHORT);
                fault.happen(&mut district, rounds % 3);
                district.wait_for(&[1, 1, 2]);
                sleep(SHORT);
            });
            crowd.compare(&district.ports());
            rounds += 1;
            let written = crowd.seen.acknowledged.load(Ordering::SeqCst) - before;
            println!("{fault:?}: {written} acknowledged writes");
            assert!(written > 0, "nobody could write");
            let wrongs = crowd.wrongs();
            assert!(wrongs.is_empty(), "{fault:?}: {wrongs:#?}\n{}", district.log());
        }
        if soak().is_none_or(|soak| since.elapsed() > soak) {
            break;
        }
    }
    println!(
        "{rounds} rounds with partitions: {} acknowledged writes, {} answered CHECKs, none lost, none wrong",
        crowd.seen.acknowledged.load(Ordering::SeqCst),
        crowd.seen.checks.load(Ordering::SeqCst)
    );
    for port in district.ports() {
        assert!(Client::of(&[port]).insist("VERIFY").starts_with("+ok"), "{}", district.log());
    }
}
