//! The programs of `PostgreSQL`, and who runs them: root may not.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where the server's programs are. None: they are not installed, and the test says so and passes, except under
/// `CONTACTD_TEST_ALL=1`.
pub fn of_postgres() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> =
        versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").is_file()).collect();
    found.sort();
    let newest = found.pop();
    if newest.is_none() {
        assert!(std::env::var_os("CONTACTD_TEST_ALL").is_none(), "PostgreSQL is not installed");
        eprintln!("skipped: PostgreSQL is not installed");
    }
    newest
}

/// Lets the servers have a directory.
pub fn give_away(dir: &Path) {
    if is_root() {
        run(Command::new("chown").arg("postgres").arg(dir));
    }
}

/// A program, run by whom the servers are run.
pub fn as_postgres(program: &Path) -> Command {
    let mut command = if is_root() {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program);
        command
    } else {
        Command::new(program)
    };
    command.current_dir("/");
    command
}

/// Runs it to its end, which is a success.
pub fn run(command: &mut Command) {
    let out = command.stdin(Stdio::null());
    // A server that was started keeps its outputs open: a pipe would never end.
    let status = out.stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.expect("the program").success(), "{command:?}");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
