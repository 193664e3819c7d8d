//! The database as Patroni runs it by `deploy/patroni`, three nodes and etcd: what its users have. The node with the primary is killed.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::Ordering;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::crowd::{Client, Crowd};
use crate::node::{Node, free_port, program};
use crate::programs::{self, as_postgres};

const NODES: usize = 3;
/// Longer than Patroni takes with the settings of the file.
const LEASE: &str = "45s";
/// Patroni waits up to 40 s before it acts.
const PATIENCE: Duration = Duration::from_secs(180);

struct Patroni {
    root: PathBuf,
    etcd: u16,
    /// Where each node is asked about the cluster, and where its server listens.
    ports: [[u16; 2]; NODES],
    processes: Vec<Child>,
}

/// A program that is not installed is told, and the test passes, except under `CONTACTD_TEST_ALL=1`.
fn are_installed() -> bool {
    let missing: Vec<&str> =
        ["etcd", "patroni"].into_iter().filter(|name| !Path::new("/usr/bin").join(name).exists()).collect();
    if !missing.is_empty() {
        assert!(std::env::var_os("CONTACTD_TEST_ALL").is_none(), "{missing:?} are not installed");
        eprintln!("skipped: {missing:?} are not installed");
    }
    missing.is_empty()
}

impl Patroni {
    fn start() -> Option<Patroni> {
        let bin = programs::of_postgres().filter(|_| are_installed())?;
        let root = tempfile::Builder::new().prefix("contactd-patroni").tempdir().expect("a directory").keep();
        programs::give_away(&root);
        let settings = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/patroni/patroni.yml");
        fs::copy(settings, root.join("patroni.yml")).expect("a copy that everybody may read");
        let ports = [(); NODES].map(|()| [free_port(), free_port()]);
        let mut patroni = Patroni { root, etcd: free_port(), ports, processes: Vec::new() };
        patroni.start_etcd();
        (0..NODES).for_each(|place| patroni.start_node(place, &bin));
        patroni.wait_for_all();
        Some(patroni)
    }

    fn spawn(&mut self, mut command: Command, name: &str) {
        let log = File::options().create(true).append(true).open(self.root.join(name).with_extension("log"));
        let (out, err) = (log.expect("a log"), Stdio::null());
        let child = command.process_group(0).stdin(Stdio::null()).stderr(out.try_clone().map_or(err, Stdio::from));
        self.processes.push(child.stdout(out).spawn().expect("it starts"));
    }

    fn start_etcd(&mut self) {
        let (clients, peers) = (format!("http://127.0.0.1:{}", self.etcd), format!("http://127.0.0.1:{}", free_port()));
        let mut etcd = as_postgres(Path::new("/usr/bin/etcd"));
        etcd.arg("--data-dir").arg(self.root.join("etcd"));
        etcd.args(["--listen-client-urls", &clients, "--advertise-client-urls", &clients]);
        etcd.args(["--listen-peer-urls", &peers, "--initial-advertise-peer-urls", &peers]);
        etcd.args(["--initial-cluster", &format!("default={peers}")]);
        self.spawn(etcd, "etcd");
    }

    /// With the file that users have, and what differs on each machine.
    fn start_node(&mut self, place: usize, bin: &Path) {
        let [rest, sql] = self.ports[place].map(|port| format!("127.0.0.1:{port}"));
        let mut node = as_postgres(Path::new("/usr/bin/patroni"));
        node.arg(self.root.join("patroni.yml"));
        node.env("PATRONI_NAME", format!("db{place}"))
            .env("PATRONI_ETCD3_HOSTS", format!("127.0.0.1:{}", self.etcd))
            .env("PATRONI_RESTAPI_LISTEN", &rest)
            .env("PATRONI_RESTAPI_CONNECT_ADDRESS", &rest)
            .env("PATRONI_POSTGRESQL_LISTEN", &sql)
            .env("PATRONI_POSTGRESQL_CONNECT_ADDRESS", &sql)
            .env("PATRONI_POSTGRESQL_BIN_DIR", bin)
            .env("PATRONI_POSTGRESQL_DATA_DIR", self.root.join(format!("data{place}")))
            .env("PATRONI_POSTGRESQL_PGPASS", self.root.join(format!("pgpass{place}")))
            .env("PATRONI_SUPERUSER_PASSWORD", "postgres")
            .env("PATRONI_REPLICATION_PASSWORD", "replicator");
        self.spawn(node, &format!("db{place}"));
    }

    /// The machine of a node is gone: Patroni and the server.
    fn kill_node(&mut self, place: usize) {
        // The first of the processes is etcd.
        let agent = self.processes[1 + place].id();
        let _ = Command::new("kill").args(["-KILL", "--", &format!("-{agent}")]).status();
        self.pkill(&format!("data{place}"));
    }

    fn pkill(&self, what: &str) {
        let pattern = self.root.join(what);
        let _ = Command::new("pkill").args(["-KILL", "-f", &pattern.to_string_lossy()]).status();
    }

    /// What a node says of the cluster: each member with its role.
    fn members(&self, place: usize) -> Option<Vec<(usize, String)>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.ports[place][0])).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        stream.write_all(b"GET /cluster HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let cluster: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        let members = cluster["members"].as_array()?.iter().filter(|member| member["state"] == "running");
        let member = |member: &Value| {
            let place = member["name"].as_str()?.strip_prefix("db")?.parse().ok()?;
            Some((place, member["role"].as_str()?.to_owned()))
        };
        Some(members.filter_map(member).collect())
    }

    fn leader(&self) -> Option<usize> {
        let members = (0..NODES).find_map(|place| self.members(place))?;
        members.iter().find(|(_, role)| role == "leader").map(|(place, _)| *place)
    }

    /// Waits until all nodes run, one of them with every commit of the leader.
    fn wait_for_all(&self) {
        self.until("all nodes run", || {
            (0..NODES).find_map(|place| self.members(place)).is_some_and(|members| {
                members.len() == NODES
                    && ["leader", "sync_standby"].iter().all(|role| members.iter().any(|(_, has)| has == role))
            })
        });
    }

    fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let since = Instant::now();
        while !holds() {
            let logs = || fs::read_to_string(self.root.join("db0.log")).unwrap_or_default();
            assert!(since.elapsed() < PATIENCE, "never: {what}\n{}", logs());
            sleep(Duration::from_millis(200));
        }
    }

    fn url(&self) -> String {
        let hosts: Vec<String> = self.ports.iter().map(|[_, sql]| format!("127.0.0.1:{sql}")).collect();
        format!("postgres://postgres:postgres@{}/postgres?sslmode=disable", hosts.join(","))
    }
}

impl Drop for Patroni {
    fn drop(&mut self) {
        for child in &mut self.processes {
            let _ = Command::new("kill").args(["-KILL", "--", &format!("-{}", child.id())]).status();
            let _ = child.wait();
        }
        self.pkill("");
        let _ = fs::remove_dir_all(&self.root);
    }
}

#[test]
fn nobody_who_asks_notices_that_patroni_replaces_a_leader_that_was_killed() {
    let Some(mut patroni) = Patroni::start() else { return };
    let root = tempfile::tempdir().expect("a directory");
    let made = Command::new(program()).args(["ledger", "init", &patroni.url()]).output().expect("it runs");
    let said = String::from_utf8_lossy(&made.stdout).into_owned();
    assert!(made.status.success() && !said.contains("danger"), "{said}{}", String::from_utf8_lossy(&made.stderr));
    let mut nodes = ["a", "b"].map(|name| Node::new(root.path(), name, &patroni.url(), LEASE));
    let ports = nodes.each_ref().map(|node| node.port);
    nodes[0].start();
    Client::of(&ports[..1]).insist("PING");
    nodes[1].start();
    let crowd = Crowd::gather(&ports);
    let count = |count: &std::sync::atomic::AtomicU64| count.load(Ordering::SeqCst);
    crowd.meanwhile(|| {
        sleep(Duration::from_secs(1));
        let leader = patroni.leader().expect("a leader");
        let since = Instant::now();
        patroni.kill_node(leader);
        let checks = count(&crowd.seen.checks);
        patroni.until("another one leads", || patroni.leader().is_some_and(|now| now != leader));
        assert!(count(&crowd.seen.checks) > checks, "CHECK was answered meanwhile:\n{}", nodes[0].log());
        let written = count(&crowd.seen.acknowledged);
        patroni.until("somebody writes again", || count(&crowd.seen.acknowledged) > written);
        println!(
            "the leader is replaced and writes go on {} s after it was killed; CHECK had no answer for at most {} ms",
            since.elapsed().as_secs(),
            crowd.seen.silence.lock().expect("nobody panicked").1.as_millis()
        );
        let bin = programs::of_postgres().expect("it is installed");
        // What was killed comes back as a standby: its last rows, which nobody acknowledged, are undone.
        patroni.start_node(leader, &bin);
        patroni.wait_for_all();
        sleep(Duration::from_secs(1));
    });
    // Whatever the owner has in memory alone shows at the other one.
    assert!(nodes[0].terminate().success(), "{}", nodes[0].log());
    crowd.compare(&ports[1..]);
    println!("{} acknowledged writes, {} answered CHECKs", count(&crowd.seen.acknowledged), count(&crowd.seen.checks));
    assert_eq!(crowd.wrongs(), [""; 0], "{}\n{}", nodes[0].log(), nodes[1].log());
}
