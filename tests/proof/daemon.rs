//! contactd as a process on a data directory that outlives it.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::{PATIENCE, Wire};

pub fn program() -> &'static str {
    env!("CARGO_BIN_EXE_contactd")
}

/// Killed when it goes.
pub struct Process {
    pub address: PathBuf,
    log: PathBuf,
    child: Option<Child>,
}

impl Process {
    /// Starts it, and does not wait.
    pub fn spawn(data: &Path, arguments: &[&str], environment: &[(String, String)]) -> Process {
        Process::spawn_by(&[], data, data, arguments, environment)
    }

    /// The same by another program. Its log and its socket are called like `outside`.
    pub fn spawn_by(
        by: &[String],
        data: &Path,
        outside: &Path,
        arguments: &[&str],
        environment: &[(String, String)],
    ) -> Process {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let address = outside.with_extension(format!("{}.socket", STARTED.fetch_add(1, Ordering::Relaxed)));
        let log = outside.with_extension("log");
        let words: Vec<String> = by.iter().cloned().chain([program().to_owned()]).collect();
        let child = Command::new(&words[0])
            .args(&words[1..])
            .args(["serve", "--http", "off", "--listen", &format!("unix:{}", address.display()), "--data-dir"])
            .arg(data)
            .args(arguments)
            .envs(environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(OpenOptions::new().create(true).append(true).open(&log).expect("a log"))
            .spawn()
            .expect("the daemon starts");
        Process { address, log, child: Some(child) }
    }

    /// Starts it, and waits until it answers.
    pub fn start(data: &Path, arguments: &[&str]) -> Process {
        let mut process = Process::spawn(data, arguments, &[]);
        process.wait_until_up().unwrap_or_else(|ended| panic!("the daemon ended ({ended}):\n{}", process.log()));
        process
    }

    /// The error is how it ended instead.
    pub fn wait_until_up(&mut self) -> Result<(), ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(ended) = self.ended() {
                return Err(ended);
            }
            let ping = |mut wire: Wire| wire.send("PING\n").then(|| wire.line()).flatten();
            if Wire::try_connect(&self.address).and_then(ping).is_some_and(|pong| pong == "+PONG") {
                return Ok(());
            }
            assert!(started.elapsed() < PATIENCE, "the daemon does not answer:\n{}", self.log());
            thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("it was not given away").id()
    }

    pub fn connect(&self) -> Wire {
        Wire::connect(&self.address)
    }

    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child().try_wait().expect("a child")
    }

    /// Whatever it has said, and those before it on the same directory.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child().kill();
        self.child().wait().expect("to end");
    }

    /// SIGTERM, and how it ends.
    pub fn terminate(&mut self) -> ExitStatus {
        Command::new("kill").arg(self.child().id().to_string()).status().expect("kill");
        self.child().wait().expect("to end")
    }

    fn child(&mut self) -> &mut Child {
        self.child.as_mut().expect("it was not given away")
    }

    /// For whoever ends it in another way.
    pub fn into_child(mut self) -> Child {
        self.child.take().expect("it was not given away")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}
