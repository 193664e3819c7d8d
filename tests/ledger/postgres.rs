//! Two `PostgreSQL` servers: a primary, and a standby that has each commit before it is acknowledged.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::node::free_port;
use crate::programs::{self, run};
use crate::proxy::Proxy;

const PATIENCE: Duration = Duration::from_secs(30);
/// The size of a disk that can be filled.
const SMALL_DISK: &str = "size=400m";

/// A server, which may be stopped.
struct Server {
    dir: PathBuf,
    port: u16,
}

/// The two of them. Stopped and removed when they go.
pub struct Postgres {
    root: PathBuf,
    bin: PathBuf,
    servers: [Server; 2],
    /// What the other one follows each of them through.
    replication: [Proxy; 2],
    /// Which of them is the primary.
    primary: usize,
    /// The first one is on a disk of its own.
    has_small_disk: bool,
    _turn: MutexGuard<'static, ()>,
}

impl Postgres {
    /// Starts both, once no other test has its own: each takes what the machine has. None where `PostgreSQL` is not installed.
    pub fn start() -> Option<Postgres> {
        Postgres::start_on(None)
    }

    /// The same with the primary on a disk that a test can fill. None as well where nobody may make such a disk, and the test says so.
    pub fn start_on_small_disk() -> Option<Postgres> {
        Postgres::start_on(Some(SMALL_DISK))
    }

    fn start_on(small_disk: Option<&str>) -> Option<Postgres> {
        static TURN: Mutex<()> = Mutex::new(());
        let bin = programs::of_postgres()?;
        // A test that failed has ended all the same.
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let root = tempfile::Builder::new().prefix("contactd-postgres").tempdir().expect("a directory").keep();
        let servers = ["a", "b"].map(|name| Server { dir: root.join(name), port: free_port() });
        let replication = servers.each_ref().map(|server| Proxy::to(server.port));
        let has_small_disk = small_disk.is_some();
        let postgres = Postgres { root, bin, servers, replication, primary: 0, has_small_disk, _turn: turn };
        programs::give_away(&postgres.root);
        let first = &postgres.servers[0];
        if let Some(size) = small_disk {
            fs::create_dir(&first.dir).expect("a directory");
            let made =
                Command::new("mount").args(["-t", "tmpfs", "-o", size, "contactd-test"]).arg(&first.dir).output();
            if !made.is_ok_and(|made| made.status.success()) {
                eprintln!("skipped: this user may not mount a disk to fill");
                return None;
            }
            programs::give_away(&first.dir);
        }
        postgres.program("initdb", &["-D", first.at(), "-A", "trust", "-U", "postgres", "--no-sync"]);
        fs::OpenOptions::new()
            .append(true)
            .open(first.dir.join("postgresql.conf"))
            .and_then(|mut file| {
                use std::io::Write as _;
                write!(
                    file,
                    "port={}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{}'\nshared_buffers=32MB\n\
                 wal_level=replica\nhot_standby=on\nmax_wal_senders=6\nwal_keep_size=64MB\n",
                    first.port,
                    postgres.root.display()
                )
            })
            .expect("settings");
        postgres.up(0);
        postgres.sql(0, "CREATE DATABASE contactd");
        postgres.rebuild(1);
        Some(postgres)
    }

    /// What daemons are told, by way of these ports: those of the servers, or of proxies before them.
    pub fn url(ports: [u16; 2], schema: &str) -> String {
        let [a, b] = ports;
        format!("postgres://postgres@127.0.0.1:{a},127.0.0.1:{b}/contactd?options=-csearch_path%3D{schema}")
    }

    pub fn ports(&self) -> [u16; 2] {
        self.servers.each_ref().map(|server| server.port)
    }

    /// A schema of its own for a test.
    pub fn make_schema(&self, name: &str) {
        self.sql(self.primary, &format!("CREATE SCHEMA {name}"));
    }

    /// Runs SQL on the primary, and gives what it prints.
    pub fn on_primary(&self, sql: &str) -> String {
        self.sql(self.primary, sql)
    }

    /// SIGKILL for all of the primary's processes; then the standby takes its place, and waits for nobody until the old
    /// primary was rebuilt.
    pub fn fail_over(&mut self) {
        self.kill(self.primary);
        let next = 1 - self.primary;
        self.program("pg_ctl", &["-D", self.servers[next].at(), "-w", "promote"]);
        self.primary = next;
    }

    /// The server that was killed becomes the standby of the other one.
    pub fn heal(&mut self) {
        self.rebuild(1 - self.primary);
    }

    /// SIGKILL, without anybody in its place.
    pub fn crash(&self) {
        self.kill(self.primary);
    }

    /// Starts a primary that has crashed.
    pub fn recover(&self) {
        self.up(self.primary);
    }

    /// Leaves no byte on the primary's disk.
    pub fn fill_disk(&self) {
        let mut file = fs::File::create(self.filler()).expect("a file");
        for piece in [1 << 20, 4096, 1] {
            while std::io::Write::write_all(&mut file, &vec![1; piece]).is_ok() {}
        }
    }

    /// Gives the room back, and starts a primary that has not borne it.
    pub fn free_disk(&self) {
        fs::remove_file(self.filler()).expect("a file");
        let port = self.servers[self.primary].port.to_string();
        let asked = Command::new(self.bin.join("pg_isready")).args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
        if !asked.is_ok_and(|asked| asked.success()) {
            self.kill(self.primary);
            self.up(self.primary);
        }
    }

    fn filler(&self) -> PathBuf {
        self.servers[0].dir.join("filler")
    }

    /// Keeps a copy of the primary as it is.
    pub fn back_up(&self) {
        let port = self.servers[self.primary].port.to_string();
        let to = self.root.join("backup");
        let to = to.to_str().expect("UTF-8");
        self.program(
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", to, "-c", "fast", "--no-sync"],
        );
    }

    /// Puts that copy into the place of the primary, and of its standby.
    pub fn set_back(&self) {
        self.kill(0);
        self.kill(1);
        let dir = &self.servers[self.primary].dir;
        fs::remove_dir_all(dir).expect("removed");
        run(Command::new("cp").arg("-a").arg(self.root.join("backup")).arg(dir));
        self.up(self.primary);
        self.rebuild(1 - self.primary);
    }

    /// Both servers show this certificate, as PEM, to whoever asks for TLS.
    pub fn certify(&mut self, certificate: &str, key: &str) {
        let settings = [("cert", certificate), ("key", key)].map(|(name, pem)| {
            let file = self.root.join(format!("server.{name}"));
            fs::write(&file, pem).expect("written");
            run(Command::new("chmod").arg("600").arg(&file));
            programs::give_away(&file);
            format!("ALTER SYSTEM SET ssl_{name}_file = '{}'", file.display())
        });
        for setting in settings {
            self.sql(self.primary, &setting);
        }
        self.sql(self.primary, "ALTER SYSTEM SET ssl = 'on'");
        self.sql(self.primary, "SELECT pg_reload_conf()");
        self.kill(1 - self.primary);
        self.heal();
    }

    /// Lets no commit wait for the standby.
    pub fn wait_for_nobody(&self) {
        self.sql(self.primary, "ALTER SYSTEM SET synchronous_standby_names = ''");
        self.sql(self.primary, "SELECT pg_reload_conf()");
    }

    /// Holds back what the standby is sent, or lets it go on.
    pub fn silence_standby(&self, is_silent: bool) {
        self.replication[self.primary].hold(is_silent);
    }

    /// A server becomes a copy of the primary, and follows it.
    fn rebuild(&self, place: usize) {
        let standby = &self.servers[place];
        self.wait_for_nobody();
        let _ = fs::remove_dir_all(&standby.dir);
        let port = self.replication[1 - place].port.to_string();
        self.replication[1 - place].hold(false);
        self.program(
            "pg_basebackup",
            &["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-D", standby.at(), "-R", "-c", "fast", "--no-sync"],
        );
        let settings = standby.dir.join("postgresql.auto.conf");
        let text = fs::read_to_string(&settings).expect("settings");
        fs::write(&settings, format!("{text}port={}\n", standby.port)).expect("settings");
        self.up(place);
        self.wait_for_standby_of(1 - place);
    }

    fn wait_for_standby_of(&self, place: usize) {
        self.sql(place, "ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.sql(place, "SELECT pg_reload_conf()");
        let started = Instant::now();
        while self.sql(place, "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
            assert!(started.elapsed() < PATIENCE, "the standby does not come");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn up(&self, place: usize) {
        let log = self.root.join(format!("{place}.log"));
        let log = log.to_str().expect("UTF-8");
        self.program("pg_ctl", &["-D", self.servers[place].at(), "-l", log, "-w", "start"]);
    }

    fn kill(&self, place: usize) {
        let server = &self.servers[place];
        let file = server.dir.join("postmaster.pid");
        let Ok(text) = fs::read_to_string(&file) else { return };
        let pid = text.lines().next().expect("a number").to_owned();
        let children = Command::new("pgrep").args(["-P", &pid]).output().expect("pgrep").stdout;
        let children = String::from_utf8_lossy(&children).into_owned();
        let _ = Command::new("kill").arg("-9").arg(&pid).args(children.split_whitespace()).status();
        let started = Instant::now();
        while Path::new(&format!("/proc/{pid}/exe")).exists() && started.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(5));
        }
        // They name a process that is gone, and its number may be another's by now.
        let _ = fs::remove_file(file);
        let _ = fs::remove_file(self.root.join(format!(".s.PGSQL.{}.lock", server.port)));
    }

    fn sql(&self, place: usize, sql: &str) -> String {
        let port = self.servers[place].port.to_string();
        let out = Command::new(self.bin.join("psql"))
            .args(["-qAt", "-h", "127.0.0.1", "-p", &port, "-U", "postgres"])
            .args(["-d", if sql.starts_with("CREATE DATABASE") { "postgres" } else { "contactd" }, "-c", sql])
            .output()
            .expect("psql");
        assert!(out.status.success(), "{sql}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    fn program(&self, name: &str, arguments: &[&str]) {
        run(programs::as_postgres(&self.bin.join(name)).args(arguments));
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.kill(0);
        self.kill(1);
        if self.has_small_disk {
            let _ = Command::new("umount").arg(&self.servers[0].dir).output();
        }
        let _ = fs::remove_dir_all(&self.root);
    }
}

impl Server {
    fn at(&self) -> &str {
        self.dir.to_str().expect("UTF-8")
    }
}
