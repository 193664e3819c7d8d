//! A daemon of a ledger, as a process.

use std::fs::{self, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

/// One that may be killed, stopped and started again on its directory.
pub struct Node {
    pub port: u16,
    dir: PathBuf,
    key: PathBuf,
    url: String,
    lease: &'static str,
    /// What is wrong with it on purpose.
    flaw: Option<&'static str>,
    more: Vec<String>,
    child: Option<Child>,
}

impl Node {
    pub fn new(root: &Path, name: &str, url: &str, lease: &'static str) -> Node {
        let port = free_port();
        let (dir, key) = (root.join(name), root.join("tombstone.key"));
        Node { port, dir, key, url: url.to_owned(), lease, flaw: None, more: Vec::new(), child: None }
    }

    pub fn with_flaw(mut self, flaw: Option<&'static str>) -> Node {
        self.flaw = flaw;
        self
    }

    pub fn with(mut self, arguments: &[&str]) -> Node {
        self.more = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// With another file for the secret than all of a directory have.
    pub fn with_key(mut self, key: &Path) -> Node {
        key.clone_into(&mut self.key);
        self
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    pub fn start(&mut self) {
        self.kill();
        let log = OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log");
        let listen = format!("127.0.0.1:{}", self.port);
        let mut command = Command::new(program());
        command
            .args(["serve", "--http", "off", "--listen", &listen, "--ledger", &self.url, "--lease", self.lease])
            .arg("--data-dir")
            .arg(&self.dir)
            .arg("--tombstone-key")
            .arg(&self.key)
            .args(&self.more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        if let Some(flaw) = self.flaw {
            command.env("CONTACTD_LEDGER_FLAW", flaw);
        }
        self.child = Some(command.spawn().expect("the daemon starts"));
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// SIGTERM, and how it ends.
    pub fn terminate(&mut self) -> ExitStatus {
        self.signal("-TERM");
        let mut child = self.child.take().expect("it runs");
        child.wait().expect("it ends")
    }

    /// Waits for its end.
    pub fn ended(&mut self) -> ExitStatus {
        self.child.take().expect("it runs").wait().expect("it ends")
    }

    pub fn signal(&self, signal: &str) {
        let Some(child) = &self.child else { return };
        let _ = Command::new("kill").args([signal, &child.id().to_string()]).status();
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.with_extension("log")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.signal("-CONT");
        self.kill();
    }
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a port").port()
}

pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_contactd")
}
