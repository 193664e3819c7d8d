//! A daemon of the demo's own: a child process, so that it can really be killed.

use std::ffi::OsStr;
use std::fs::File;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::address::Address;
use crate::client::{Client, Reply};
use crate::config::{ADDRESS, CONSOLE_ADDRESS};
use crate::error::{Error, Result};

/// How long a start may take on a slow machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Daemon {
    dir: TempDir,
    address: String,
    /// Where browsers find the console; `off` without one.
    console: &'static str,
    /// More arguments.
    more: Vec<String>,
    child: Child,
}

/// A port that nobody listens on.
pub fn free_port() -> Result<u16> {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    free.map(|address| address.port()).map_err(Error::internal)
}

impl Daemon {
    /// Starts a daemon on contactd's own addresses, or on a free port and without a console.
    pub fn start(stays: bool) -> Result<Daemon> {
        if stays {
            return Daemon::begin(ADDRESS, CONSOLE_ADDRESS, Vec::new());
        }
        Daemon::start_with(&format!("127.0.0.1:{}", free_port()?), Vec::new())
    }

    /// Starts one on an address, without a console, with more arguments.
    pub fn start_with(address: &str, more: Vec<String>) -> Result<Daemon> {
        Daemon::begin(address, "off", more)
    }

    fn begin(address: &str, console: &'static str, more: Vec<String>) -> Result<Daemon> {
        let dir = tempfile::Builder::new().prefix("contactd-demo-").tempdir().map_err(Error::internal)?;
        let child = spawn(dir.path(), address, console, &more)?;
        Ok(Daemon { dir, address: address.to_owned(), console, more, child })
    }

    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    pub fn address(&self) -> &str {
        &self.address
    }

    /// Connects once it answers.
    pub fn connect(&mut self) -> Result<Client> {
        let address: Address = self.address.parse().map_err(Error::internal)?;
        let started = Instant::now();
        loop {
            let last = match Client::connect(&address, None) {
                Ok(mut client) => match client.call(&["PING"]) {
                    Ok(Reply::Text(_)) => return Ok(client),
                    Ok(other) => other.to_string(),
                    Err(why) => why.message,
                },
                Err(why) => why.message,
            };
            if let Some(status) = self.child.try_wait().map_err(Error::internal)? {
                let log = std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
                return Err(Error::internal(format!("the daemon ended ({status}):\n{log}")));
            }
            if started.elapsed() > PATIENCE {
                return Err(Error::internal(last));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// As a power cut would: no warning, no clean-up.
    pub fn kill(&mut self) -> Result<()> {
        self.child.kill().and_then(|()| self.child.wait()).map_err(Error::internal)?;
        Ok(())
    }

    pub fn restart(&mut self) -> Result<()> {
        self.child = spawn(self.dir.path(), &self.address, self.console, &self.more)?;
        Ok(())
    }

    /// Lets it drain.
    pub fn stop(&mut self) -> Result<()> {
        if let Some(pid) = Pid::from_raw(self.child.id().cast_signed()) {
            kill_process(pid, Signal::TERM).map_err(Error::internal)?;
        }
        self.wait()
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> Result<()> {
        self.child.wait().map(|_| ()).map_err(Error::internal)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // When the story broke off; otherwise it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(dir: &Path, address: &str, console: &str, more: &[String]) -> Result<Child> {
    let log = File::options().create(true).append(true).open(dir.join("log")).map_err(Error::internal)?;
    let program = std::env::current_exe().map_err(Error::internal)?;
    Command::new(program)
        .args(["serve", "--http", console, "--listen", address, "--data-dir"])
        .arg(dir.join("data"))
        .args(more)
        .env_clear()
        .envs(std::env::vars_os().filter(|(name, _)| !is_setting(name)))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .map_err(Error::internal)
}

/// Whether a variable is for a daemon of one's own, not for this one.
fn is_setting(name: &OsStr) -> bool {
    name != "CONTACTD_LOG" && name.as_encoded_bytes().starts_with(b"CONTACTD_")
}
