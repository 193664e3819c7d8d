//! Two `PostgreSQL` servers of the demo's own: a primary, and a standby that has each commit before it counts.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::daemon::free_port;
use crate::error::{Error, Result};

/// How long the standby may take to follow.
const PATIENCE: Duration = Duration::from_secs(30);
/// Who owns the servers, since they refuse to run as root.
const USER: &str = "postgres";

/// Both servers. They are stopped and removed when this goes.
pub struct Database {
    root: TempDir,
    bin: PathBuf,
    ports: [u16; 2],
}

impl Database {
    /// Makes both, and starts them. Where `PostgreSQL` is not installed, the error says what to install.
    pub fn start() -> Result<Database> {
        let bin = programs()?;
        let root = tempfile::Builder::new().prefix("contactd-demo-postgres-").tempdir().map_err(Error::internal)?;
        let database = Database { root, bin, ports: [free_port()?, free_port()?] };
        if is_root() {
            run(Command::new("chown").arg(USER).arg(database.root.path()))?;
        }
        let primary = database.dir(0);
        database.program("initdb", &["-D", &primary, "-A", "trust", "-U", USER, "--no-sync"])?;
        let settings = format!(
            "port={}\nlisten_addresses='127.0.0.1'\nunix_socket_directories='{}'\nwal_level=replica\nhot_standby=on\n",
            database.ports[0],
            database.root.path().display()
        );
        let file = File::options().append(true).open(Path::new(&primary).join("postgresql.conf"));
        file.and_then(|mut file| file.write_all(settings.as_bytes())).map_err(Error::internal)?;
        database.up(0)?;
        database.sql("postgres", "CREATE DATABASE contactd")?;
        database.follow()?;
        Ok(database)
    }

    /// What the daemons are told.
    pub fn url(&self) -> String {
        let [primary, standby] = self.ports;
        format!("postgres://{USER}@127.0.0.1:{primary},127.0.0.1:{standby}/contactd")
    }

    /// The second server becomes a copy of the first one, which waits for it from then on.
    fn follow(&self) -> Result<()> {
        let (port, standby) = (self.ports[0].to_string(), self.dir(1));
        let from = ["-h", "127.0.0.1", "-p", &port, "-U", USER, "-D", &standby, "-R", "-c", "fast", "--no-sync"];
        self.program("pg_basebackup", &from)?;
        let settings = Path::new(&standby).join("postgresql.auto.conf");
        let text = fs::read_to_string(&settings).map_err(Error::internal)?;
        fs::write(&settings, format!("{text}port={}\n", self.ports[1])).map_err(Error::internal)?;
        self.up(1)?;
        self.sql("contactd", "ALTER SYSTEM SET synchronous_standby_names = '*'")?;
        self.sql("contactd", "SELECT pg_reload_conf()")?;
        let started = Instant::now();
        while self.sql("contactd", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'")? != "1" {
            if started.elapsed() > PATIENCE {
                return Err(Error::internal("the standby of the database does not come"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn dir(&self, server: usize) -> String {
        self.root.path().join(["primary", "standby"][server]).display().to_string()
    }

    fn up(&self, server: usize) -> Result<()> {
        let dir = self.dir(server);
        self.program("pg_ctl", &["-D", &dir, "-l", &format!("{dir}.log"), "-w", "start"])
    }

    fn sql(&self, database: &str, sql: &str) -> Result<String> {
        let port = self.ports[0].to_string();
        let mut psql = Command::new(self.bin.join("psql"));
        psql.args(["-qAt", "-h", "127.0.0.1", "-p", &port, "-U", USER, "-d", database, "-c", sql]);
        let done = psql.stdin(Stdio::null()).output().map_err(Error::internal)?;
        if !done.status.success() {
            return Err(Error::internal(format!("{sql}: {}", String::from_utf8_lossy(&done.stderr))));
        }
        Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Result<()> {
        let program = self.bin.join(name);
        let mut command = Command::new(if is_root() { Path::new("runuser") } else { &program });
        if is_root() {
            command.args(["-u", USER, "--"]).arg(&program);
        }
        run(command.args(arguments).current_dir("/"))
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        for server in [1, 0] {
            let _ = self.program("pg_ctl", &["-D", &self.dir(server), "-m", "immediate", "-w", "stop"]);
        }
    }
}

/// Where the server's programs are: Debian and Fedora keep those of each version beside the others.
fn programs() -> Result<PathBuf> {
    let versions =
        ["/usr/lib/postgresql", "/usr", "/opt/homebrew/opt"].into_iter().filter_map(|dir| fs::read_dir(dir).ok());
    let mut found: Vec<PathBuf> = versions.flatten().flatten().map(|version| version.path().join("bin")).collect();
    found.sort();
    found.reverse();
    found.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    let has_all =
        |bin: &PathBuf| ["initdb", "pg_ctl", "pg_basebackup", "psql"].iter().all(|name| bin.join(name).is_file());
    found.into_iter().find(has_all).ok_or_else(|| {
        Error::bad_arg(
            "PostgreSQL is not installed, through which a pair shares its store. Debian and Ubuntu: apt-get install postgresql; \
             Fedora: dnf install postgresql-server; macOS: brew install postgresql",
        )
    })
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A server that was started keeps its outputs open: a pipe would never end.
fn run(command: &mut Command) -> Result<()> {
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Error::internal(format!("{command:?}: {status}"))),
        Err(why) => Err(Error::internal(format!("{command:?}: {why}"))),
    }
}
