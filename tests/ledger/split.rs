//! A store that becomes a ledger in partitions, and partitions that become more: what was known is known, in one of them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::crowd::{Client, Crowd, LIST};
use crate::house::LEASE;
use crate::node::{Node, free_port, program};
use crate::postgres::Postgres;

/// Longer than the lease of daemons.
const LONG: Duration = Duration::from_millis(2500);

fn contactd(arguments: &[&str]) -> (i32, String) {
    let done = Command::new(program()).args(arguments).output().expect("it runs");
    let said = [done.stdout, done.stderr].concat();
    (done.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
}

fn phones() -> impl Iterator<Item = String> {
    (0..60).map(|n| format!("+1415555{:04}", 1000 + n))
}

/// Writes of every kind, so that there is something of everything that a store keeps.
fn fill(client: &mut Client) {
    assert_eq!(client.insist(&format!("LIST {LIST} {{\"name\":\"news\"}}")), "+created");
    client.insist("LIST 24370");
    for (n, phone) in phones().enumerate() {
        let state = ["CA", "NY", "TX"][n % 3];
        client.insist(&format!("PUT {phone} {{\"labels\":{{\"state\":\"{state}\",\"mail\":\"m{n}@example.com\"}}}}"));
        client.insist(&format!("OPTIN {LIST} {phone} {{\"at\":\"2026-01-0{}\",\"source\":\"web\"}}", 1 + n % 9));
        let more: &[String] = &match n % 10 {
            0 => vec![format!("OPTOUT {LIST} {phone} {{\"reason\":\"asked\"}}")],
            1 => vec![format!("OPTOUT * {phone}")],
            2 => vec![format!("INBOUND {LIST} {phone} {{\"text\":\"my wife says stop texting me\"}}")],
            3 => vec![format!("CLAIM {LIST} {phone} may-1")],
            4 => vec![format!("SENT {LIST} {phone} m{n}"), format!("CLICK {LIST} {phone}")],
            5 => vec![format!("SENT {LIST} {phone} m{n}"), format!("CONVERT {LIST} {phone} 12.50")],
            6 => vec![format!("SUPPRESS {phone}"), format!("OPTIN 24370 {phone}")],
            7 => vec![format!("INVALID {phone}"), format!("INBOUND {LIST} {phone} {{\"text\":\"hello\"}}")],
            8 => vec![format!("ERASE {phone}")],
            // Its record has no room beside others.
            _ => (0..80).map(|id| format!("SENT {LIST} {phone} long-{n}-{id}")).collect(),
        };
        for request in more {
            let reply = client.insist(request);
            assert!(!reply.starts_with('-'), "{request}: {reply}");
        }
    }
}

/// All that is known, as it is told.
fn known(client: &mut Client) -> Vec<String> {
    let mut requests = vec![format!("LISTS {LIST} 24370"), format!("TRENDS {LIST} DAYS 3"), "COUNT".to_owned()];
    requests.extend(["state=CA", "mail=m7@example.com", "state=NY"].map(|filter| format!("COUNT label.{filter}")));
    requests.extend(["LABELS", "LABELS state", "HISTORY *"].map(str::to_owned));
    for phone in phones() {
        for asked in ["GET", "HISTORY"] {
            requests.push(format!("{asked} {phone}"));
        }
        requests.extend([LIST, "24370"].map(|list| format!("CHECK {list} {phone}")));
    }
    let mut told: Vec<String> = requests
        .iter()
        .map(|request| {
            let lines = client.ask_lines(request).unwrap_or_else(|| panic!("no reply to {request}"));
            format!("{request}: {lines:?}")
        })
        .collect();
    // Their numbers and their order are those of partitions.
    let inbox = client.ask_lines("INBOX").expect("a reply").expect("messages");
    let mut texts: Vec<String> =
        inbox[1..].iter().map(|item| item.split("\"number\"").next().unwrap_or("").into()).collect();
    texts.sort();
    told.push(format!("{} in the inbox: {texts:?}", texts.len()));
    told
}

/// Waits until one daemon answers for all partitions.
fn reach(node: &Node) -> Client {
    let mut client = Client::of(&[node.port]);
    client.insist("COUNT");
    client
}

fn assert_same(before: &[String], after: &[String], log: &str) {
    for (before, after) in before.iter().zip(after) {
        assert_eq!(before, after, "{log}");
    }
}

struct Place {
    postgres: Postgres,
    root: tempfile::TempDir,
    url: String,
}

impl Place {
    fn find() -> Option<Place> {
        let postgres = Postgres::start()?;
        postgres.make_schema("split");
        let url = Postgres::url(postgres.ports(), "split");
        Some(Place { postgres, root: tempfile::tempdir().expect("a directory"), url })
    }

    fn node(&self, name: &str, partitions: &str) -> Node {
        let mut node = Node::new(self.root.path(), name, &self.url, LEASE).with(&["--partitions", partitions]);
        node.start();
        node
    }

    fn split(&self, partitions: &str) -> (i32, String) {
        contactd(&["ledger", "split", &self.url, "--partitions", partitions, "--work-dir", &text(self.root.path())])
    }

    /// Fills a store that one daemon has for itself.
    fn filled(&self, more: &[&str]) -> (PathBuf, Vec<String>) {
        let dir = self.root.path().join("alone");
        let port = free_port();
        let mut alone = Command::new(program())
            .args(["serve", "--http", "off", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"])
            .arg(&dir)
            .args(more)
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut client = Client::of(&[port]);
        fill(&mut client);
        let known = known(&mut client);
        Command::new("kill").arg(alone.id().to_string()).status().expect("kill");
        assert!(alone.wait().expect("it ends").success());
        (dir, known)
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_store_becomes_partitions_and_these_become_more() {
    let Some(place) = Place::find() else { return };
    let (dir, before) = place.filled(&[]);
    let at = text(&dir);
    let (code, said) = contactd(&["ledger", "init", &place.url, "--partitions", "2", "--data-dir", &at]);
    assert!(code == 0 && said.contains("of 2 partitions"), "{said}");
    let (code, said) = contactd(&["serve", "--data-dir", &at, "--listen", "127.0.0.1:0", "--http", "off"]);
    assert!(code == 2 && said.contains("start contactd with --ledger"), "{said}");
    std::fs::rename(dir.join("tombstone.key"), place.root.path().join("tombstone.key")).expect("moved");

    let mut node = place.node("a", "2");
    let mut client = reach(&node);
    assert_same(&before, &known(&mut client), &node.log());
    assert!(client.insist("VERIFY").starts_with("+ok"), "{}", node.log());

    // Somebody is there.
    let (code, said) = place.split("4");
    assert!(code == 2 && said.contains(&format!("the daemon at 127.0.0.1:{} is there", node.port)), "{said}");
    let (code, said) = place.split("3");
    assert!(code == 2 && said.contains("say a multiple of 2"), "{said}");
    let (code, said) = place.split("2");
    assert!(code == 2 && said.contains("has 2 partitions already"), "{said}");

    // What was acknowledged last, by a daemon that was killed, is there; and its copies of before are no use to anybody.
    let last = phones().nth(14).expect("one");
    assert_eq!(client.insist(&format!("OPTOUT {LIST} {last}")), ":1");
    let position = client.ask_lines("FEED").expect("a reply").expect("a position")[0][1..].to_owned();
    let before = known(&mut client);
    node.kill();
    let (code, said) = place.split("6");
    assert!(code == 0 && said.contains("has 6 partitions now, and had 2"), "{said}");
    let parts = "SELECT count(*), count(DISTINCT reign), min(gen) = max(gen) FROM split.contactd_part";
    assert_eq!(place.postgres.on_primary(parts), "6|1|t");
    assert_eq!(place.postgres.on_primary("SELECT count(*) FROM split.contactd_ledger"), "6", "nothing is left");

    // One of before would answer for contacts that it does not have.
    node.start();
    assert_eq!(node.ended().code(), Some(2));
    assert!(node.log().contains("the ledger has 6 partitions, and this contactd was started with --partitions 2"));

    let node = place.node("a", "6");
    let mut client = reach(&node);
    assert_same(&before, &known(&mut client), &node.log());
    assert_eq!(client.insist(&format!("CHECK {LIST} {last}")), "+no list_opted_out");
    assert!(client.insist("VERIFY").starts_with("+ok"), "{}", node.log());
    let told = client.insist(&format!("FEED {position}"));
    assert!(told.starts_with("-LIMIT") && told.contains("begin again with FEED and EXPORT"), "{told}");
    // Each goes on, and so do counters.
    for phone in phones() {
        client.insist(&format!("OPTIN {LIST} {phone}"));
        assert!(client.insist(&format!("CLAIM {LIST} {phone} again")).starts_with('+'));
        assert!(client.insist(&format!("OPTOUT {LIST} {phone}")).starts_with(':'));
        assert!(client.insist(&format!("CHECK {LIST} {phone}")).starts_with("+no "));
    }
    let erased = phones().nth(8).expect("one");
    client.ask(&format!("OPTIN {LIST} {erased} {{\"at\":1000}}"));
    assert!(client.insist(&format!("CHECK {LIST} {erased}")).starts_with("+no "), "its tombstone is known");
    assert!(client.insist("VERIFY").starts_with("+ok"), "{}", node.log());
    for at in 1..4 {
        // Claims that wait are counted where they are.
        let id = phones().nth(10 * at + 3).expect("one");
        assert_eq!(client.insist(&format!("SENT {LIST} {id} may-1")), ":1");
    }
}

#[test]
fn partitions_of_one_machine_become_those_of_a_ledger() {
    let Some(place) = Place::find() else { return };
    let (dir, before) = place.filled(&["--partitions", "2"]);
    let at = text(&dir);
    let (code, said) = contactd(&["ledger", "init", &place.url, "--partitions", "3", "--data-dir", &at]);
    assert!(code == 2 && said.contains("say a multiple"), "{said}");
    let (code, said) = contactd(&["ledger", "init", &place.url, "--data-dir", &at]);
    assert!(code == 0 && said.contains("of 2 partitions"), "{said}");
    let (code, said) = contactd(&["serve", "--data-dir", &at, "--listen", "127.0.0.1:0", "--http", "off"]);
    assert!(code == 2 && said.contains("start contactd with --ledger"), "{said}");
    std::fs::copy(dir.join("tombstone.key"), place.root.path().join("tombstone.key")).expect("copied");
    // It goes on in the directory that it has, and another one begins with the copies.
    for name in ["alone", "b"] {
        let mut node = place.node(name, "2");
        let mut client = reach(&node);
        assert_same(&before, &known(&mut client), &node.log());
        assert!(client.insist("VERIFY").starts_with("+ok"), "{}", node.log());
        assert_eq!(node.log().contains("begins with the ledger's copy"), name == "b", "{}", node.log());
        assert!(node.terminate().success());
    }
}

#[test]
fn a_split_that_is_cut_off_has_changed_nothing_and_is_begun_again() {
    let Some(place) = Place::find() else { return };
    let key = text(&place.root.path().join("tombstone.key"));
    let (code, said) = contactd(&["ledger", "init", &place.url, "--partitions", "2", "--tombstone-key", &key]);
    assert_eq!(code, 0, "{said}");
    let mut nodes = [place.node("a", "2"), place.node("b", "2")];
    let ports = [nodes[0].port, nodes[1].port];
    let mut crowd = Crowd::gather(&ports);
    crowd.meanwhile(|| sleep(LONG));
    nodes.iter_mut().for_each(Node::kill);
    let count = || place.postgres.on_primary("SELECT count(*) FROM split.contactd_part");
    let keep_rows = || {
        let keep =
            "DROP TABLE IF EXISTS split.before; CREATE TABLE split.before AS SELECT * FROM split.contactd_ledger";
        place.postgres.on_primary(keep);
    };
    keep_rows();
    let since = Instant::now();
    let mut cut = 0;
    // The first is killed as it waits for the leases of the daemons, others later and later; the last is through.
    for wait in [500, 2150, 5150, 5300, 5600] {
        let mut split = Command::new(program())
            .args(["ledger", "split", &place.url, "--partitions", "4"])
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("it runs");
        sleep(Duration::from_millis(wait));
        split.kill().expect("killed");
        split.wait().expect("ended");
        if count() == "4" {
            break;
        }
        cut += 1;
        assert_eq!(count(), "2", "never half");
    }
    println!("{cut} splits were cut off in {} ms", since.elapsed().as_millis());
    assert!(cut > 0, "none was cut off");
    if count() == "2" {
        // Daemons of before go on: nothing has happened.
        nodes.iter_mut().for_each(Node::start);
        crowd.compare(&ports);
        crowd.meanwhile(|| sleep(LONG));
        nodes.iter_mut().for_each(Node::kill);
        keep_rows();
        let (code, said) = place.split("4");
        assert_eq!(code, 0, "{said}");
    }
    // One that is killed as soon as all is split leaves the rows of before, which daemons go on with that had been away.
    let rest = "INSERT INTO split.contactd_ledger SELECT * FROM split.before ON CONFLICT DO NOTHING";
    place.postgres.on_primary(rest);
    let nodes = ["a", "b"].map(|name| place.node(name, "4"));
    crowd.move_to(&[nodes[0].port, nodes[1].port]);
    for node in &nodes {
        crowd.compare(&[node.port]);
    }
    crowd.meanwhile(|| sleep(LONG));
    crowd.compare(&[nodes[0].port]);
    let wrongs = crowd.wrongs();
    assert!(wrongs.is_empty(), "{wrongs:#?}\n{}\n{}", nodes[0].log(), nodes[1].log());
    assert!(reach(&nodes[1]).insist("VERIFY").starts_with("+ok"), "{}", nodes[1].log());
}
