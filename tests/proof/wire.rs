//! A client that says exactly what it is told, over the daemon's Unix socket.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct Wire {
    stream: UnixStream,
    replies: BufReader<UnixStream>,
}

impl Wire {
    pub fn connect(address: &Path) -> Wire {
        Wire::try_connect(address).expect("a connection")
    }

    /// None where nobody listens.
    pub fn try_connect(address: &Path) -> Option<Wire> {
        let stream = UnixStream::connect(address).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let replies = BufReader::new(stream.try_clone().expect("a clone"));
        Some(Wire { stream, replies })
    }

    /// Whether all of it was sent.
    pub fn send(&mut self, bytes: &str) -> bool {
        self.stream.write_all(bytes.as_bytes()).is_ok()
    }

    /// One line without its end; none if it was cut off: a reply that is not whole is none.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let is_whole = self.replies.read_line(&mut line).is_ok() && line.ends_with('\n');
        is_whole.then(|| line.trim_end().to_owned())
    }

    /// One reply; of an array its head, then its items.
    pub fn reply(&mut self) -> Option<Vec<String>> {
        let mut lines = vec![self.line()?];
        if let Some(items) = lines[0].strip_prefix('*').and_then(|n| n.parse::<usize>().ok()) {
            for _ in 0..items {
                lines.push(self.line()?);
            }
        }
        Some(lines)
    }

    /// The reply of one line to a request.
    pub fn call(&mut self, request: &str) -> String {
        self.call_all(&[request]).remove(0)
    }

    /// The same of many requests, some hundred ahead of their replies.
    pub fn call_all<L: AsRef<str>>(&mut self, requests: &[L]) -> Vec<String> {
        self.try_call_all(requests).unwrap_or_else(|| panic!("{}, ...: the daemon is gone", requests[0].as_ref()))
    }

    /// None if the daemon is gone before the last reply.
    pub fn try_call_all<L: AsRef<str>>(&mut self, requests: &[L]) -> Option<Vec<String>> {
        let mut replies = Vec::with_capacity(requests.len());
        for some in requests.chunks(400) {
            let lines: String = some.iter().map(|request| request.as_ref().to_owned() + "\n").collect();
            if !self.send(&lines) {
                return None;
            }
            for _ in some {
                replies.push(self.reply()?.join("\n"));
            }
        }
        Some(replies)
    }
}

/// Whether a program that a proof needs is there. When it is not, the proof says so and passes, except under
/// `CONTACTD_TEST_ALL=1`.
pub fn has(program: &str) -> bool {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|dir| dir.join(program).is_file()));
    skip_unless(found, &format!("{program} is not installed"))
}

/// The same of anything else.
pub fn skip_unless(possible: bool, why: &str) -> bool {
    assert!(possible || std::env::var("CONTACTD_TEST_ALL").is_err(), "{why}");
    if !possible {
        eprintln!("skipped: {why}");
    }
    possible
}
