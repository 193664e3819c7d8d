//! Two servers, proxies before them, and two daemons.

use std::thread;
use std::time::{Duration, Instant};

use crate::crowd::{Client, Crowd};
use crate::node::{Node, program};
use crate::postgres::Postgres;
use crate::proxy::Proxy;

/// How long their leases are.
pub const LEASE: &str = "2s";
const PATIENCE: Duration = Duration::from_secs(60);

pub struct House {
    pub postgres: Postgres,
    /// What lies between each daemon and each server.
    pub proxies: [[Proxy; 2]; 2],
    pub nodes: [Node; 2],
    _root: tempfile::TempDir,
}

impl House {
    /// Starts everything. None where `PostgreSQL` is not installed. `flaw` is what is wrong with the daemons on purpose.
    pub fn start(flaw: Option<&'static str>, more: &[&str]) -> Option<House> {
        Some(House::on(Postgres::start()?, flaw, more))
    }

    /// The same on servers that are there.
    pub fn on(postgres: Postgres, flaw: Option<&'static str>, more: &[&str]) -> House {
        postgres.make_schema("house");
        let root = tempfile::tempdir().expect("a directory");
        let proxies = [(); 2].map(|()| postgres.ports().map(Proxy::to));
        let url = |proxies: &[Proxy; 2]| Postgres::url(proxies.each_ref().map(|proxy| proxy.port), "house");
        let made = std::process::Command::new(program())
            .args(["ledger", "init", &Postgres::url(postgres.ports(), "house")])
            .output()
            .expect("it runs");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let node = |place: usize| {
            Node::new(root.path(), ["a", "b"][place], &url(&proxies[place]), LEASE).with_flaw(flaw).with(more)
        };
        let mut house = House { nodes: [node(0), node(1)], postgres, proxies, _root: root };
        for node in &mut house.nodes {
            node.start();
        }
        house.owner();
        house
    }

    pub fn ports(&self) -> [u16; 2] {
        self.nodes.each_ref().map(|node| node.port)
    }

    /// Waits until there is an owner that answers, and gives its place.
    pub fn owner(&self) -> usize {
        let since = Instant::now();
        loop {
            let owner = self.postgres.on_primary("SELECT address FROM house.contactd_part");
            let place = self.nodes.iter().position(|node| owner == format!("127.0.0.1:{}", node.port));
            if let Some(place) = place
                && Client::of(&[self.nodes[place].port]).ask("PING").is_some()
            {
                return place;
            }
            let logs = || self.nodes.iter().map(Node::log).collect::<String>();
            assert!(since.elapsed() < PATIENCE, "there is no owner:\n{}", logs());
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Makes the other daemon the owner, with all that was acknowledged: whatever an owner has in memory alone shows then.
    pub fn take_over_by_force(&mut self, crowd: &Crowd) {
        let owner = self.owner();
        crowd.compare(&self.ports());
        self.nodes[owner].kill();
        self.nodes[1 - owner].signal("-CONT");
        let since = Instant::now();
        while self.owner() == owner {
            assert!(since.elapsed() < PATIENCE, "nobody takes over");
        }
        crowd.compare(&[self.nodes[1 - owner].port]);
        self.nodes[owner].start();
    }
}
