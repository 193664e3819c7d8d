//! The suite on a pair: with `CONTACTD_TEST_LEDGER=pair` each daemon that a test starts is the owner of a ledger of its own, in
//! one `PostgreSQL` server that the first of them starts, and another daemon stands by beside it.
//!
//! Clients of the tests call the one that stands by, always: whatever they say and hear goes through both, and what the owner says
//! by itself is what the suite without a pair sees. Whatever is not the protocol (the log, signals, the console, webhooks, metrics)
//! is the owner's. When a daemon is started again the two change places: the one that stood by has to know everything.
//!
//! With `CONTACTD_TEST_LEDGER=ledger-partitions` each daemon has a ledger in four partitions, and nobody beside it. When it is started
//! again it is from another directory, which was empty at first: the ledger has to tell everything.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use contactd::ledger::{self, Url};
use contactd::model::slot::partition_name;
use contactd::server::partitions_in;
use contactd::store::Secret;
use contactd::tls::Trust;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, Config, NoTls};

use crate::programs;
use crate::support::{PATIENCE, free_address, partitions};

/// So long that no lease ends because the machine is busy. When a daemon is killed, its test gives up the lease in its place.
pub const LEASE: Duration = Duration::from_secs(60);

/// What the daemons of this run are.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Daemons {
    /// Each has its store to itself.
    Alone,
    /// Each has another one beside it.
    Pairs,
    /// Each has a store in partitions.
    Split,
    /// Each has a ledger in partitions.
    SplitLedger,
}

/// What is asked for.
pub fn asked() -> Daemons {
    match std::env::var("CONTACTD_TEST_LEDGER").as_deref() {
        Ok("pair") => Daemons::Pairs,
        Ok("partitions") => Daemons::Split,
        Ok("ledger-partitions") => Daemons::SplitLedger,
        Ok("none") | Err(_) => Daemons::Alone,
        Ok(other) => panic!("CONTACTD_TEST_LEDGER is pair, partitions, ledger-partitions or none, not {other}"),
    }
}

/// Whether daemons are to have another one beside them.
pub fn is_asked() -> bool {
    asked() == Daemons::Pairs
}

/// Whether what daemons write is in a ledger.
pub fn has_ledger() -> bool {
    matches!(asked(), Daemons::Pairs | Daemons::SplitLedger)
}

/// Whether stores are in partitions.
pub fn is_split() -> bool {
    matches!(asked(), Daemons::Split | Daemons::SplitLedger)
}

/// Whether the tests run on ledgers, and this one does not: it is about something that a daemon has alone. It says what.
pub fn only_alone(why: &str) -> bool {
    if has_ledger() {
        eprintln!("not on a ledger: {why}");
    }
    has_ledger()
}

/// Whether stores are in partitions, and this test does not run there: it is about something that a store has whole. It says what.
pub fn only_whole(why: &str) -> bool {
    if is_split() {
        eprintln!("not in partitions: {why}");
    }
    is_split()
}

/// A database with a ledger, for one pair at a time.
pub struct Database {
    name: String,
    url: String,
}

impl Database {
    /// One that nobody else has, whose ledger is empty, or begins with the store in a directory if there is one.
    pub fn take(dir: &Path) -> Database {
        let mut server = Server::get();
        let name = server.free.pop().unwrap_or_else(|| server.make());
        server.end_connections(&name);
        let url = server.url(&name);
        server.on(&name, "DROP TABLE IF EXISTS contactd_part, contactd_ledger, contactd_copy");
        drop(server);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a date").as_millis() as i64;
        let stores: Vec<PathBuf> = match partitions_in(dir).map_err(|why| why.message).expect("a whole store, or none")
        {
            None => Vec::new(),
            Some(1) => vec![dir.to_owned()],
            Some(several) => (0..several).map(|place| dir.join(partition_name(place))).collect(),
        };
        let begun = ledger::init(&Database::parse(&url), partitions(), &stores, false, now);
        assert!(begun.is_ok(), "{:?}", begun.err().map(|why| why.message));
        if stores.len() == 1 && partitions() > 1 {
            // Each partition begins with its part of it.
            fs::remove_dir_all(dir.join("store")).expect("removed");
        }
        Database { name, url }
    }

    /// What daemons are told.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The same for daemons of this process.
    pub fn address(&self) -> Url {
        Database::parse(&self.url)
    }

    fn parse(url: &str) -> Url {
        Url::parse(url, &Trust::default()).map_err(|why| why.message).expect("an address")
    }

    /// Gives the lease of an owner up that was killed, as if its time were over.
    pub fn give_up(&self) {
        let server = Server::get();
        server.end_connections(&self.name);
        server.on(&self.name, "UPDATE contactd_part SET beat = -1, wanted = ''");
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        Server::get().free.push(std::mem::take(&mut self.name));
    }
}

/// The one server. What it keeps need not outlive the machine.
struct Server {
    runtime: Runtime,
    config: Config,
    admin: Client,
    /// Databases that were made and that nobody has now: to make one takes longer than most tests.
    free: Vec<String>,
    made: usize,
    /// It ends with this, and so with the tests, however they end.
    _life: Option<ChildStdin>,
    _shell: Child,
}

impl Server {
    fn get() -> MutexGuard<'static, Server> {
        static SERVER: OnceLock<Mutex<Server>> = OnceLock::new();
        // A test that failed leaves nothing undone here.
        SERVER.get_or_init(|| Mutex::new(Server::start())).lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start() -> Server {
        let bin = programs::of_postgres().expect("a pair needs PostgreSQL");
        let root = tempfile::Builder::new().prefix("contactd-suite").tempdir().expect("a directory").keep();
        programs::give_away(&root);
        let dir = root.join("data");
        let text = dir.to_str().expect("UTF-8");
        programs::run(programs::as_postgres(&bin.join("initdb")).args([
            "-D",
            text,
            "-A",
            "trust",
            "-U",
            "postgres",
            "--no-sync",
        ]));
        let address = free_address();
        let (host, port) = address.split_once(':').expect("a port");
        let settings = dir.join("postgresql.conf");
        let more = format!(
            "port={port}\nlisten_addresses='{host}'\nunix_socket_directories=''\nshared_buffers=64MB\n\
             fsync=off\nfull_page_writes=off\nmax_wal_size=256MB\n"
        );
        fs::write(&settings, fs::read_to_string(&settings).expect("settings") + &more).expect("settings");
        // The shell reads until this process is gone.
        let script = format!(
            "'{bin}/postgres' -D '{root}/data' 2>'{root}/log' & cat >/dev/null; kill -QUIT $!; wait; rm -rf '{root}'",
            bin = bin.display(),
            root = root.display()
        );
        let mut shell = programs::as_postgres(Path::new("/bin/sh"));
        let mut shell = in_its_own_group(shell.args(["-c", &script])).stdin(Stdio::piped()).spawn().expect("a shell");
        let mut config = Config::new();
        config.host(host).port(port.parse().expect("a number")).user("postgres").dbname("postgres");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let since = Instant::now();
        let admin = loop {
            match connect(&runtime, &config) {
                Ok(admin) => break admin,
                Err(why) => assert!(since.elapsed() < PATIENCE, "PostgreSQL does not answer: {why}"),
            }
            std::thread::sleep(Duration::from_millis(50));
        };
        Server { runtime, config, admin, free: Vec::new(), made: 0, _life: shell.stdin.take(), _shell: shell }
    }

    fn make(&mut self) -> String {
        self.made += 1;
        let name = format!("pair_{}", self.made);
        let make = format!("CREATE DATABASE {name}");
        self.runtime.block_on(self.admin.batch_execute(&make)).expect("a database");
        name
    }

    fn url(&self, name: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{name}", self.config.get_ports()[0])
    }

    /// A statement that was on its way when its daemon was killed is done by now or never.
    fn end_connections(&self, name: &str) {
        let end = format!("SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'");
        self.runtime.block_on(self.admin.batch_execute(&end)).expect("connections ended");
    }

    fn on(&self, name: &str, sql: &str) {
        let mut config = self.config.clone();
        let client = connect(&self.runtime, config.dbname(name)).expect("a connection");
        self.runtime.block_on(client.batch_execute(sql)).expect("it is done");
    }
}

/// Whoever interrupts the tests at a terminal interrupts all of a group.
fn in_its_own_group(command: &mut Command) -> &mut Command {
    std::os::unix::process::CommandExt::process_group(command, 0)
}

fn connect(runtime: &Runtime, config: &Config) -> Result<Client, tokio_postgres::Error> {
    runtime.block_on(async {
        let (client, connection) = config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    })
}

/// The directories of the two change places.
pub fn swap(dir: &Path) {
    let [own, beside, spare] = ["data", "beside", "spare"].map(|name| dir.join(name));
    if asked() == Daemons::SplitLedger {
        // Nobody stands by: what is not in the ledger is lost, the first time.
        fs::create_dir_all(&beside).expect("made");
    }
    if beside.exists() {
        for (from, to) in [(&own, &spare), (&beside, &own), (&spare, &beside)] {
            fs::rename(from, to).expect("renamed");
        }
    }
}

/// The secret of the tombstones, for both. A store that is there has one, and a ledger in partitions wants one from the first on.
pub fn secret(dir: &Path) -> PathBuf {
    let (own, secret) = (dir.join("data/tombstone.key"), dir.join("tombstone.key"));
    if own.exists() && !secret.exists() {
        fs::copy(&own, &secret).expect("copied");
    }
    if asked() == Daemons::SplitLedger {
        let made = Secret::open(dir, Some(&secret), None);
        assert!(made.is_ok(), "{:?}", made.err().map(|why| why.message));
    }
    secret
}
