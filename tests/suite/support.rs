//! What the tests stand on: a real daemon as a child process, a house inside the test with a clock of its own, and a
//! client that says exactly what it is told.
#![allow(dead_code, reason = "each subject uses a part of it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use contactd::command::Context;
use contactd::jobs::{Purge, PurgeSettings, Work};
use contactd::ledger::LedgerSettings;
use contactd::model::inbox::MaybeOptOut;
use contactd::model::phone::Phone;
use contactd::model::slot::{partition, partition_name};
use contactd::model::verdict::StopScope;
use contactd::server::{self, Address, Listener, Setup, partitions_in};
use contactd::store::Retention;
use contactd::store::engine::{DiskEngine, Engine, MemoryEngine};
use contactd::tls::Trust;
use tempfile::TempDir;
use tokio::io::DuplexStream;
use tokio::net::TcpSocket;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::pair::{self, Database};

pub const PATIENCE: Duration = Duration::from_secs(60);

/// The program under test.
pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_contactd")
}

/// A daemon of its own as a child process, killed at the end of the test. On a pair it is the owner, and clients call the other
/// one.
pub struct Daemon {
    pub dir: TempDir,
    pub address: String,
    arguments: Vec<String>,
    child: Child,
    beside: Option<Beside>,
}

/// The ledger of a daemon, and on a pair the daemon that stands by beside it.
struct Beside {
    database: Database,
    /// Where the owner is called.
    owner: String,
    /// Which directory the owner had: another one in its place is a store that a test has restored.
    place: Option<(u64, SystemTime)>,
    child: Option<Child>,
}

impl Daemon {
    /// Starts it with further arguments and waits until it answers.
    pub fn start(arguments: &[&str]) -> Daemon {
        Daemon::on(tempfile::tempdir().expect("a directory"), arguments)
    }

    /// The same on a directory that has a store already, in `data`.
    pub fn on(dir: TempDir, arguments: &[&str]) -> Daemon {
        let address = free_address();
        let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
        // A store that is split on one machine has nobody beside it.
        let is_split_alone = !pair::is_split() && arguments.iter().any(|word| word == "--partitions");
        let beside = (pair::has_ledger() && !is_split_alone).then(|| {
            let database = Database::take(&dir.path().join("data"));
            let owner = if pair::is_asked() { free_address() } else { address.clone() };
            Beside { database, owner, place: None, child: None }
        });
        let child = spawn(dir.path(), &address, &arguments, beside.as_ref());
        let mut daemon = Daemon { dir, address, arguments, child, beside };
        daemon.wait_until_up();
        daemon
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(&self.address)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// The directories of its stores: one, or one of each partition.
    pub fn stores(&self) -> Vec<PathBuf> {
        stores(&self.data_dir())
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// Waits until the log has a text.
    pub fn wait_for_log(&self, text: &str) {
        let since = Instant::now();
        while !self.log().contains(text) {
            assert!(since.elapsed() < PATIENCE, "'{text}' is not in the log:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn kill(&mut self) {
        self.kill_beside();
        self.child.kill().expect("to be killed");
        self.child.wait().expect("to end");
    }

    fn kill_beside(&mut self) {
        if let Some(mut child) = self.beside.as_mut().and_then(|beside| beside.child.take()) {
            child.kill().expect("to be killed");
            child.wait().expect("to end");
        }
    }

    pub fn restart(&mut self) {
        if let Some(beside) = &mut self.beside {
            beside.change_places(self.dir.path());
        }
        self.child = spawn(self.dir.path(), &self.address, &self.arguments, self.beside.as_ref());
        self.wait_until_up();
    }

    /// The same with other arguments from now on.
    pub fn restart_with(&mut self, arguments: &[&str]) {
        self.arguments = arguments.iter().map(ToString::to_string).collect();
        self.restart();
    }

    /// SIGTERM; gives the exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.kill_beside();
        Command::new("kill").arg(self.pid().to_string()).status().expect("kill");
        self.child.wait().expect("to end").code()
    }

    fn wait_until_up(&mut self) {
        if self.beside.is_none() {
            return self.wait_for(&self.address.clone());
        }
        self.wait_for(&self.beside.as_ref().map(|beside| beside.owner.clone()).unwrap_or_default());
        if let Some(beside) = &mut self.beside {
            beside.place = place(&self.dir.path().join("data"));
            if pair::is_asked() {
                beside.child = Some(beside.stand_by(self.dir.path(), &self.address, &self.arguments));
            }
        }
        self.wait_for(&self.address.clone());
    }

    fn wait_for(&mut self, address: &str) {
        let started = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the daemon ended ({status}):\n{}", self.log());
            }
            if TcpStream::connect(address).is_ok() && is_up(&Wire::connect(address).call("PING")) {
                return;
            }
            let log_beside = || std::fs::read_to_string(self.dir.path().join("log-beside")).unwrap_or_default();
            assert!(started.elapsed() < PATIENCE, "the daemon does not answer:\n{}{}", self.log(), log_beside());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(beside) = &mut self.beside {
            let _ = beside.child.take().map(|mut child| child.kill().and_then(|()| child.wait()));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The directories of the stores in a data directory.
pub fn stores(data: &Path) -> Vec<PathBuf> {
    match partitions_in(data).map_err(|why| why.message).expect("a whole store, or none") {
        None | Some(1) => vec![data.to_owned()],
        Some(several) => (0..several).map(|place| data.join(partition_name(place))).collect(),
    }
}

/// In how many partitions a store is, or begins: one that is there, and on no ledger, keeps their number.
fn partitions_of(data: &Path) -> u16 {
    match partitions_in(data) {
        Ok(Some(known)) if !pair::has_ledger() => known,
        _ => partitions(),
    }
}

/// Whether a reply comes from the owner of a store that is loaded.
fn is_up(reply: &str) -> bool {
    !reply.is_empty() && !reply.contains("LOADING") && !reply.contains("STANDBY")
}

/// Which directory it is: the number of one that is gone may be another's.
fn place(dir: &Path) -> Option<(u64, SystemTime)> {
    std::fs::metadata(dir).and_then(|dir| Ok((dir.ino(), dir.created()?))).ok()
}

impl Beside {
    /// The one that stood by becomes the owner. A store that was restored meanwhile begins a ledger of its own.
    fn change_places(&mut self, dir: &Path) {
        let own = dir.join("data");
        if place(&own) == self.place {
            self.database.give_up();
            pair::swap(dir);
        } else {
            let _ = (std::fs::remove_dir_all(dir.join("beside")), std::fs::remove_file(dir.join("tombstone.key")));
            self.database = Database::take(&own);
        }
    }

    /// What one of the two is told that is reached at this address.
    fn arguments(&self, dir: &Path, at: &str, arguments: &[String]) -> Vec<String> {
        let lease = format!("{}s", pair::LEASE.as_secs());
        let key = pair::secret(dir).display().to_string();
        let mut told = ["--ledger", self.database.url(), "--ledger-copies", "1", "--lease", &lease, "--advertise", at]
            .map(str::to_owned)
            .to_vec();
        if !arguments.iter().any(|word| word == "--tombstone-key") {
            told.extend(["--tombstone-key".to_owned(), key]);
        }
        told
    }

    /// Starts the one that stands by, with what the owner was told, except where it listens.
    fn stand_by(&self, dir: &Path, address: &str, arguments: &[String]) -> Child {
        let mut told = self.arguments(dir, address, arguments);
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--listen" | "--http" | "--metrics" | "--webhooks" | "--public-url" | "--webhook-secrets" => {
                    words.next();
                }
                // Nobody calls it by TLS.
                word if word.starts_with("--tls-") => {
                    words.next();
                }
                _ => told.push(word.clone()),
            }
        }
        told.extend(["--http", "off"].map(str::to_owned));
        serve(&dir.join("beside"), &dir.join("log-beside"), address, &told)
    }
}

fn spawn(dir: &Path, address: &str, arguments: &[String], beside: Option<&Beside>) -> Child {
    let mut told = beside.map(|beside| beside.arguments(dir, &beside.owner, arguments)).unwrap_or_default();
    if !arguments.iter().any(|word| word == "--http") {
        told.extend(["--http", "off"].map(str::to_owned));
    }
    told.extend_from_slice(arguments);
    let address = beside.map_or(address, |beside| &beside.owner);
    serve(&dir.join("data"), &dir.join("log"), address, &told)
}

fn serve(data: &Path, log: &Path, address: &str, arguments: &[String]) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(log).expect("a log");
    Command::new(program())
        .args(["serve", "--listen", address, "--data-dir"])
        .arg(data)
        .args(if partitions() > 1 {
            vec!["--partitions".to_owned(), partitions_of(data).to_string()]
        } else {
            Vec::new()
        })
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the daemon starts")
}

/// An address that nobody listens on, and that nobody but the test gets: the port stays bound, without listening, for as
/// long as the tests run. A daemon may listen on it all the same, be killed, and listen on it again.
pub fn free_address() -> String {
    static RESERVED: Mutex<Vec<TcpSocket>> = Mutex::new(Vec::new());
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("to share it with a daemon");
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).expect("a free port");
    let address = socket.local_addr().expect("an address").to_string();
    RESERVED.lock().expect("nobody panics with it").push(socket);
    address
}

/// What a house removes: whom a purge condemns, and how long what passes is kept.
#[derive(Clone, Default)]
pub struct Removal {
    pub purge: PurgeSettings,
    pub keep: Retention,
    /// What is done with a contact that may want out.
    pub maybe_optout: MaybeOptOut,
}

/// A daemon inside the test, with a clock that the test sets. On a pair it is the owner, and clients call the other one.
pub struct House {
    // First, since it goes first: before the directory and the database.
    open: Open,
    pub dir: TempDir,
    pub clock: Clock,
    pub address: String,
    removal: Removal,
    /// What keeps the bytes, where that is not the directory.
    memory: Option<Arc<MemoryEngine>>,
    /// What a pair shares.
    database: Option<Arc<Database>>,
}

/// The engine that houses stand on: that of the daemon, or with `CONTACTD_TEST_ENGINE=memory` one in memory.
fn memory_engine() -> Option<Arc<MemoryEngine>> {
    match std::env::var("CONTACTD_TEST_ENGINE").as_deref() {
        Ok("memory") => Some(Arc::default()),
        Ok("sled") | Err(_) => None,
        Ok(other) => panic!("CONTACTD_TEST_ENGINE is memory or sled, not {other}"),
    }
}

/// A clock that a test sets.
#[derive(Clone, Default)]
pub struct Clock {
    now: Arc<AtomicI64>,
    /// Whether it panics when a purge looks at it, as a defect in a purge would.
    panics_in_purge: Arc<AtomicBool>,
}

impl Clock {
    fn at(now: i64) -> Clock {
        let clock = Clock::default();
        clock.now.store(now, Ordering::SeqCst);
        clock
    }

    pub fn panic_in_purge(&self, panics: bool) {
        self.panics_in_purge.store(panics, Ordering::SeqCst);
    }

    fn now(&self) -> i64 {
        let in_purge = || std::thread::current().name() == Some(Purge::THREAD);
        assert!(!(self.panics_in_purge.load(Ordering::SeqCst) && in_purge()), "the clock has stopped");
        self.now.load(Ordering::SeqCst)
    }
}

/// A daemon that is stopped when it goes, so that its store is closed and its threads end.
struct Open {
    runtime: Runtime,
    daemon: Option<server::Daemon>,
    /// The one that stands by, and what tells it to stop. It serves if it has taken over.
    beside: Option<(JoinHandle<Option<server::Daemon>>, CancellationToken)>,
}

impl Open {
    fn daemon(&self) -> &server::Daemon {
        self.daemon.as_ref().expect("it runs until it is dropped")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.runtime.block_on(async {
            if let Some((beside, stop)) = self.beside.take() {
                stop.cancel();
                if let Ok(Some(daemon)) = beside.await {
                    daemon.stop().await;
                }
            }
            if let Some(daemon) = self.daemon.take() {
                daemon.stop().await;
            }
        });
    }
}

/// A place to listen, and its address.
async fn listen() -> (Listener, Address) {
    let listener = Listener::bind(&"127.0.0.1:0".parse().expect("an address")).await.expect("to listen");
    let address = listener.address().expect("an address");
    (listener, address)
}

impl House {
    pub fn start(scope: StopScope, now: i64) -> House {
        House::removing(scope, now, Removal::default())
    }

    pub fn removing(scope: StopScope, now: i64, removal: Removal) -> House {
        let dir = tempfile::tempdir().expect("a directory");
        let memory = if pair::has_ledger() { None } else { memory_engine() };
        House::found(dir, memory, now, scope, removal)
    }

    /// On a directory that has a store already.
    pub fn on(dir: TempDir, scope: StopScope, now: i64, removal: Removal) -> House {
        House::found(dir, None, now, scope, removal)
    }

    fn found(dir: TempDir, memory: Option<Arc<MemoryEngine>>, now: i64, scope: StopScope, removal: Removal) -> House {
        let database = pair::has_ledger().then(|| Arc::new(Database::take(&dir.path().join("data"))));
        House::open(dir, memory, database, Clock::at(now), scope, removal)
    }

    fn open(
        dir: TempDir,
        memory: Option<Arc<MemoryEngine>>,
        database: Option<Arc<Database>>,
        clock: Clock,
        scope: StopScope,
        removal: Removal,
    ) -> House {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let secret = database.is_some().then(|| pair::secret(dir.path()));
        let (listener, owner) = runtime.block_on(listen());
        let setup = |name: &str, at: &Address| {
            let Removal { purge, keep, maybe_optout } = removal.clone();
            // Each partition has files of its own.
            let engine = memory.clone().filter(|_| partitions() == 1).map(|memory| memory as Arc<dyn Engine>);
            let ledger = database.as_ref().map(|database| LedgerSettings {
                url: database.address(),
                advertise: at.clone(),
                lease: pair::LEASE,
                copies: 1,
                partitions: partitions(),
                asking: Arc::default(),
                is_check_confirmed: false,
                trust: Trust::default(),
            });
            let tombstone_key = secret.clone();
            let data_dir = dir.path().join(name);
            Setup {
                stop_scope: scope,
                purge,
                keep,
                maybe_optout,
                engine,
                partitions: partitions_of(&data_dir),
                ledger,
                tombstone_key,
                ..Setup::new(data_dir)
            }
        };
        let now = || -> contactd::store::Clock {
            let time = clock.clone();
            Arc::new(move || time.now())
        };
        let daemon = runtime.block_on(server::Daemon::start(setup("data", &owner), now(), vec![listener]));
        let mut open = Open { runtime, daemon: Some(daemon.expect("the daemon starts")), beside: None };
        let mut address = owner.to_string();
        if pair::is_asked() {
            let (listener, at) = open.runtime.block_on(listen());
            let (setup, now) = (setup("beside", &at), now());
            let stop = setup.stop.clone();
            // It serves when it has taken over, and not before.
            let beside = open.runtime.spawn(async { server::Daemon::start(setup, now, vec![listener]).await.ok() });
            open.beside = Some((beside, stop));
            address = at.to_string();
            let since = Instant::now();
            // Whoever asks nothing is told nothing, once it is the owner who listens.
            while !Wire::connect(&address).finish().is_empty() {
                assert!(since.elapsed() < PATIENCE, "nobody is handed on");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        if pair::has_ledger() && pair::is_split() {
            // A house of before may have given a partition up only now.
            let since = Instant::now();
            while !is_up(&Wire::connect(&address).call("COUNT")) {
                assert!(since.elapsed() < PATIENCE, "somebody has each partition");
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        House { open, dir, clock, address, removal, memory, database }
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(&self.address)
    }

    /// What the commands work with.
    pub fn context(&self) -> Arc<Context> {
        self.open.daemon().context().expect("an open store")
    }

    /// Runs a client inside the daemon: it gets its end of a pipe.
    pub fn inside<T>(&self, talk: impl AsyncFnOnce(DuplexStream) -> T) -> T {
        self.open.runtime.block_on(async { talk(self.open.daemon().connect_inside()).await })
    }

    pub fn set_clock(&self, now: i64) {
        self.clock.now.store(now, Ordering::SeqCst);
    }

    /// Drains, closes the store, and opens it again, maybe under another stop scope. Open connections end.
    pub fn reopen(self, scope: StopScope) -> House {
        self.reopen_after(scope, |_| ()).0
    }

    /// Holds contacts back whose messages may want out, from the next opening on.
    pub fn holding(mut self) -> House {
        self.removal.maybe_optout = MaybeOptOut::Hold;
        self.reopen(StopScope::List)
    }

    /// The same, with a look at what is stored while nobody has it open; of a store in partitions at the first one.
    pub fn reopen_after<T>(self, scope: StopScope, look: impl FnOnce(&dyn Engine) -> T) -> (House, T) {
        let House { dir, clock, open, removal, memory, database, .. } = self;
        drop(open);
        let seen = match &memory {
            Some(memory) => look(&**memory),
            None => {
                let store = &stores(&dir.path().join("data"))[0];
                look(&DiskEngine::open(store).expect("the store opens"))
            }
        };
        pair::swap(dir.path());
        (House::open(dir, memory, database, clock, scope, removal), seen)
    }

    /// Drains, closes the store, and gives its directory.
    pub fn close(self) -> TempDir {
        let House { dir, open, .. } = self;
        drop(open);
        dir
    }
}

/// A connection that sends bytes and reads replies.
pub struct Wire {
    stream: TcpStream,
    replies: BufReader<TcpStream>,
}

impl Wire {
    pub fn connect(address: &str) -> Wire {
        let stream = TcpStream::connect(address).expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let replies = BufReader::new(stream.try_clone().expect("a clone"));
        Wire { stream, replies }
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("to be sent");
    }

    /// One reply, its items joined by line ends; empty when the daemon closed the connection.
    pub fn reply(&mut self) -> String {
        let mut line = String::new();
        if self.replies.read_line(&mut line).unwrap_or(0) == 0 {
            return String::new();
        }
        let mut told = line.trim_end_matches(['\r', '\n']).to_owned();
        if let Some(items) = told.strip_prefix(['*', '%']).and_then(|n| n.parse::<usize>().ok()) {
            let items = if told.starts_with('%') { items * 2 } else { items };
            for _ in 0..items {
                told.push('\n');
                told.push_str(&self.reply());
            }
        }
        told
    }

    /// Sends a line and reads its reply.
    pub fn call(&mut self, line: &str) -> String {
        self.send(format!("{line}\n"));
        self.reply()
    }

    /// Sends all lines, some hundred ahead of their replies.
    pub fn call_all<L: AsRef<str>>(&mut self, lines: &[L]) -> Vec<String> {
        let mut replies = Vec::with_capacity(lines.len());
        for some in lines.chunks(400) {
            self.send(some.iter().fold(String::new(), |all, line| all + line.as_ref() + "\n"));
            replies.extend(some.iter().map(|_| self.reply()));
        }
        replies
    }

    /// Half-closes and reads all that still comes.
    pub fn finish(mut self) -> Vec<u8> {
        // A daemon that has closed the connection already has nothing more to hear.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = self.replies.read_to_end(&mut rest);
        rest
    }
}

/// Whether a program that a test needs is there. When it is not, the test says so and passes, except under
/// `CONTACTD_TEST_ALL=1`.
pub fn has(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    assert!(found || std::env::var("CONTACTD_TEST_ALL").is_err(), "{program} is not installed");
    if !found {
        eprintln!("skipped: {program} is not installed");
    }
    found
}

/// How a plan of a purge is called that has this number in each partition.
pub fn plan_word(number: u64) -> String {
    vec![number.to_string(); partitions().into()].join(".")
}

/// A number of each partition; of a store that has none, one.
pub fn one_of_each() -> Vec<String> {
    let is_in = |place: u16, number: &String| {
        Phone::parse(number.as_bytes()).is_some_and(|phone| partition(phone, partitions()) == place)
    };
    let of = |place| (0..10_000).rev().map(|n| format!("+1415555{n:04}")).find(|number| is_in(place, number));
    (0..partitions()).map(|place| of(place).expect("a number")).collect()
}

/// Into how many partitions the stores of this run are split.
pub fn partitions() -> u16 {
    if pair::is_split() { 4 } else { 1 }
}
