//! The daemon, Redis, and what measures them.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::beside::OTHERS;
use crate::{LIST, sheet, timed};

/// The list of the numbers that [`crate::load`] asks for.
pub const LOAD_LIST: &str = "+14155550199";

/// Processors of this machine.
pub fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Whether a program is installed.
pub fn has(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|dir| dir.join(program).is_file())
}

/// The median of several times.
pub fn median(times: usize, mut work: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..times).map(|_| work()).collect();
    times.sort();
    times[times.len() / 2]
}

pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").port()
}

/// How long the processors have worked for a process.
pub fn worked(process: u32) -> Duration {
    worked_by_thread(process).into_values().sum()
}

/// How long the processors have worked for a process itself, and for it in the system.
#[derive(Clone, Copy)]
pub struct Worked([Duration; 2]);

impl Worked {
    fn of(process: u32) -> Worked {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        // Behind its name, which may have anything in it.
        let fields = stat.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = |at: usize| fields.split_whitespace().nth(at).and_then(|field| field.parse().ok()).unwrap_or(0);
        let second = rustix::param::clock_ticks_per_second();
        Worked([11, 12].map(|at| Duration::from_millis(ticks(at) * 1000 / second)))
    }

    pub fn since(self, before: Worked) -> Worked {
        Worked([0, 1].map(|at| self.0[at].saturating_sub(before.0[at])))
    }

    /// In microseconds for each of so many requests.
    pub fn each(self, requests: usize) -> [f64; 2] {
        self.0.map(|worked| worked.as_secs_f64() * 1e6 / requests as f64)
    }
}

fn worked_by_thread(process: u32) -> BTreeMap<String, Duration> {
    let mut worked = BTreeMap::<String, Duration>::new();
    let threads = std::fs::read_dir(format!("/proc/{process}/task"));
    for thread in threads.into_iter().flatten().flatten() {
        let read = |file| std::fs::read_to_string(thread.path().join(file)).unwrap_or_default();
        let name = read("comm").trim().trim_end_matches(|c: char| c.is_ascii_digit() || c == '-').to_owned();
        let nanoseconds = read("schedstat").split(' ').next().and_then(|field| field.parse().ok());
        *worked.entry(name).or_default() += Duration::from_nanos(nanoseconds.unwrap_or(0));
    }
    worked
}

/// contactd as a child process.
pub struct Daemon {
    data: PathBuf,
    port: u16,
    http_port: u16,
    arguments: Vec<String>,
    child: Child,
}

impl Daemon {
    pub fn start(dir: &Path) -> Daemon {
        Daemon::start_with(dir, &[])
    }

    /// The same with further arguments of `contactd serve`.
    pub fn start_with(dir: &Path, arguments: &[&str]) -> Daemon {
        let (data, port, http_port) = (dir.join("data"), free_port(), free_port());
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let child = spawn(&data, port, http_port, &arguments);
        let daemon = Daemon { data, port, http_port, arguments, child };
        daemon.wait("PING");
        daemon
    }

    /// SIGTERM, and its end.
    pub fn terminate(&mut self) {
        let ended = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(ended.is_ok_and(|ended| ended.success()), "SIGTERM");
        self.child.wait().expect("it ends");
    }

    /// Ends it for a moment, and copies its data directory to a new place: a copy of one that was killed is refused.
    pub fn copy_data(&mut self, to: &Path) {
        self.terminate();
        copy(&self.data, to);
        self.go_on("PING");
    }

    /// Another daemon, in a directory of its own, on a copy of such a copy.
    pub fn start_on(dir: &Path, data: &Path) -> Daemon {
        let _ = std::fs::remove_dir_all(dir.join("data"));
        copy(data, &dir.join("data"));
        Daemon::start(dir)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where its console is.
    pub fn http_port(&self) -> u16 {
        self.http_port
    }

    /// How long the processors have worked for it: what that tells does not depend on what else the machine does.
    pub fn worked(&self) -> Duration {
        worked(self.child.id())
    }

    /// The same for each of its threads, those of one name together.
    pub fn worked_by_thread(&self) -> BTreeMap<String, Duration> {
        worked_by_thread(self.child.id())
    }

    /// The same for itself and in the system.
    pub fn worked_by_kind(&self) -> Worked {
        Worked::of(self.child.id())
    }

    /// What `/readyz` says of it.
    pub fn health(&self) -> String {
        let mut said = String::new();
        let asked = TcpStream::connect(("127.0.0.1", self.http_port)).and_then(|mut stream| {
            stream.write_all(b"GET /readyz HTTP/1.0\r\n\r\n")?;
            stream.read_to_string(&mut said)
        });
        asked.map_or(String::new(), |_| said)
    }

    fn connect(&self) -> Option<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Wire(BufReader::new(stream)))
    }

    /// A connection.
    pub fn wire(&self) -> Wire {
        self.connect().expect("a connection")
    }

    fn wait(&self, request: &str) {
        let started = Instant::now();
        loop {
            let reply = self.connect().map(|mut wire| wire.ask(request)).unwrap_or_default();
            let is_answered = |line: &String| ["-LOADING", "-STANDBY"].iter().all(|not_yet| !line.starts_with(not_yet));
            if reply.first().is_some_and(is_answered) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(120), "contactd does not answer");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    pub fn call(&self, request: &str) -> Vec<String> {
        self.wire().ask(request)
    }

    /// One number of STATS.
    pub fn stat(&self, name: &str) -> u64 {
        let stats = self.call("STATS");
        let value = stats.iter().find_map(|line| line.strip_prefix(&format!("+{name} ")));
        value.and_then(|value| value.parse().ok()).expect(name)
    }

    /// One that has imported so many contacts, in a directory of its own below another; with the sheet, and contacts for others.
    pub fn with_contacts(dir: &Path, name: &str, rows: usize) -> (Daemon, PathBuf) {
        let dir = dir.join(name);
        std::fs::create_dir_all(&dir).expect("a directory");
        let file = dir.join("contacts.csv");
        sheet::write(&file, rows);
        let daemon = Daemon::start(&dir);
        daemon.call(&format!("LIST {LIST}"));
        daemon.import(&file, LIST);
        daemon.load(OTHERS);
        (daemon, file)
    }

    /// Imports a sheet with the client that people use.
    pub fn import(&self, sheet: &Path, list: &str) -> Duration {
        self.import_watched(sheet, list).0
    }

    /// The same, and for how long the client kept a processor busy.
    pub fn import_watched(&self, sheet: &Path, list: &str) -> (Duration, Duration) {
        let mut client = self.import_of(sheet, list).spawn().expect("contactd import");
        let mut busy = Duration::ZERO;
        let (status, took) = timed(|| {
            loop {
                busy = worked(client.id()).max(busy);
                if let Some(status) = client.try_wait().expect("a child") {
                    return status;
                }
                std::thread::sleep(Duration::from_millis(5));
            }
        });
        assert!(status.success(), "the import takes every row");
        (took, busy)
    }

    /// Does something while a sheet is imported, which is broken off then.
    pub fn beside_import<T>(&self, sheet: &Path, list: &str, work: impl FnOnce() -> T) -> T {
        let mut import = self.import_of(sheet, list).spawn().expect("contactd import");
        let result = work();
        assert!(import.try_wait().expect("a child").is_none(), "more contacts are needed for this");
        import.kill().and_then(|()| import.wait()).expect("to end");
        result
    }

    fn import_of(&self, sheet: &Path, list: &str) -> Command {
        let mut import = Command::new(env!("CARGO_BIN_EXE_contactd"));
        import.arg("import").arg(sheet).args(["--list", list, "--region", "US", "--labels", "*", "--json"]);
        import.args(["--server", &format!("127.0.0.1:{}", self.port)]).stdout(Stdio::null());
        import
    }

    /// kill -9, and the time until CHECK is answered again.
    pub fn restart(&mut self, list: &str) -> Duration {
        self.stop();
        timed(|| self.go_on(&format!("CHECK {list} +14155552671"))).1
    }

    /// kill -9.
    pub fn stop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).expect("to end");
    }

    /// Starts it again, and waits until a request is answered.
    pub fn go_on(&mut self, request: &str) {
        self.child = spawn(&self.data, self.port, self.http_port, &self.arguments);
        self.wait(request);
    }

    /// Stops it, writes its store anew with the command that people use, and starts it again. Tells how long the command took.
    pub fn rewrite(&mut self, list: &str) -> Duration {
        self.stop();
        let mut rewrite = Command::new(env!("CARGO_BIN_EXE_contactd"));
        rewrite.args(["rewrite", "--data-dir"]).arg(&self.data).stdout(Stdio::null());
        let (status, took) = timed(|| rewrite.status().expect("contactd rewrite"));
        assert!(status.success(), "the store can be written anew");
        self.go_on(&format!("CHECK {list} +14155552671"));
        took
    }

    /// How long one request takes on an open connection.
    pub fn time(&self, request: &str) -> Duration {
        let mut wire = self.wire();
        wire.ask("PING");
        timed(|| wire.ask(request)).1
    }

    /// Pages through a segment, a thousand at a time.
    pub fn scan(&self, filter: &str) -> (usize, Duration) {
        let mut wire = self.wire();
        timed(|| {
            let (mut found, mut cursor) = (0, "0".to_owned());
            loop {
                let page = wire.ask(&format!("FIND {filter} LIMIT 1000 AFTER {cursor}"));
                page[1][1..].clone_into(&mut cursor);
                found += page.len() - 2;
                if cursor == "0" {
                    return found;
                }
            }
        })
    }

    /// CHECKs a second of some numbers in turn, a thousand ahead on one connection: the middle one of five rounds.
    pub fn checks(&self, list: &str, numbers: &[String]) -> f64 {
        const AHEAD: usize = 1000;
        let mut wire = self.wire();
        let mut round = || {
            let ((), took) = timed(|| {
                for some in numbers.chunks(AHEAD) {
                    wire.ask_all(
                        0..some.len(),
                        |n| format!("CHECK {list} {}", some[n]),
                        |reply| assert_eq!(reply, ["+yes"]),
                    );
                }
            });
            numbers.len() as f64 / took.as_secs_f64()
        };
        crate::middle((0..5).map(|_| round()).collect())
    }

    /// Opts in the numbers that [`crate::load`] makes up: +4 and twelve digits.
    pub fn load(&self, rows: usize) {
        self.call(&format!("LIST {LOAD_LIST}"));
        let mut wire = self.wire();
        for from in (0..rows).step_by(1000) {
            wire.ask_all(
                from..from + 1000,
                |n| format!("INBOUND {LOAD_LIST} +4{n:012} {{\"text\":\"start\"}}"),
                |reply| assert_eq!(reply, ["+optin"]),
            );
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn copy(from: &Path, to: &Path) {
    let status = Command::new("cp").arg("-r").args([from, to]).status();
    assert!(status.expect("cp").success(), "a copy of {}", from.display());
}

fn spawn(data: &Path, port: u16, http_port: u16, arguments: &[String]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_contactd"))
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--http", &format!("127.0.0.1:{http_port}")])
        .arg("--data-dir")
        .arg(data)
        .args(arguments)
        .stderr(Stdio::null())
        .spawn()
        .expect("contactd starts")
}

/// A connection to the daemon.
pub struct Wire(BufReader<TcpStream>);

impl Wire {
    pub fn send(&mut self, requests: &str) {
        self.0.get_mut().write_all(requests.as_bytes()).expect("sent");
    }

    pub fn ask(&mut self, request: &str) -> Vec<String> {
        self.send(&format!("{request}\n"));
        self.reply()
    }

    /// Sends a request for each, all ahead of the replies, and hands on each reply.
    pub fn ask_all(
        &mut self,
        each: Range<usize>,
        mut request: impl FnMut(usize) -> String,
        mut reply: impl FnMut(Vec<String>),
    ) {
        self.send(&each.clone().fold(String::new(), |text, n| text + &request(n) + "\n"));
        each.for_each(|_| reply(self.reply()));
    }

    /// The lines of one reply, its items after its head.
    pub fn reply(&mut self) -> Vec<String> {
        let mut lines = vec![self.line()];
        let items = lines[0].strip_prefix('*').and_then(|items| items.parse::<usize>().ok());
        lines.extend((0..items.unwrap_or(0)).map(|_| self.line()));
        lines
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).expect("a line");
        line.trim_end().to_owned()
    }
}

/// Redis as a child process.
pub struct Redis {
    port: u16,
    child: Child,
}

impl Redis {
    /// In memory only.
    pub fn start(dir: &Path) -> Redis {
        Redis::start_with(dir, &["--appendonly", "no"])
    }

    /// Every write is on disk before its reply.
    pub fn start_durable(dir: &Path) -> Redis {
        Redis::start_with(dir, &["--appendonly", "yes", "--appendfsync", "always"])
    }

    fn start_with(dir: &Path, settings: &[&str]) -> Redis {
        let port = free_port();
        let child = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--save", ""])
            .args(settings)
            .arg("--dir")
            .arg(dir)
            .stdout(Stdio::null())
            .spawn()
            .expect("Redis starts");
        std::thread::sleep(Duration::from_secs(1));
        Redis { port, child }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn worked(&self) -> Worked {
        Worked::of(self.child.id())
    }

    pub fn load(&self, rows: usize) {
        let mut cli = Command::new("redis-cli");
        cli.args(["-p", &self.port.to_string(), "--pipe"]).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut cli = cli.spawn().expect("redis-cli");
        let mut pipe = cli.stdin.take().expect("a pipe");
        (0..rows).for_each(|n| write!(pipe, "SADD numbers +4{n:012}\r\n").expect("sent"));
        drop(pipe);
        cli.wait().expect("redis-cli ends");
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
