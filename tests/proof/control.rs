//! A process that accepts connections and closes them, and does nothing else. A flood of it costs what a flood costs where nobody
//! handles it: the flooder's own work, and the system's.

use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::wire::PATIENCE;

/// Where the process listens, for whoever is started as one.
const ADDRESS: &str = "CONTACTD_CONTROL";

/// Killed when it goes.
pub struct Control {
    pub address: PathBuf,
    child: Child,
}

impl Control {
    pub fn start(dir: &Path) -> Control {
        let address = dir.join("control.socket");
        let child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "control::only_accepts_and_closes", "--ignored"])
            .env(ADDRESS, &address)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let started = Instant::now();
        while !address.exists() {
            assert!(started.elapsed() < PATIENCE, "it does not listen");
            thread::sleep(Duration::from_millis(5));
        }
        Control { address, child }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
#[ignore = "it is a process of its own, beside which floods are measured"]
fn only_accepts_and_closes() {
    let Some(address) = std::env::var_os(ADDRESS) else { return };
    let listener = UnixListener::bind(address).expect("it listens");
    listener.incoming().for_each(drop);
}
