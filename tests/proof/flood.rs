//! Clients that mean harm, or are broken: whoever behaves is answered correctly meanwhile, what the daemon holds for the
//! others has a bound, and nothing is lost. How fast it answers is printed, and not judged: the flooder takes processor time
//! from the same machine. So a flood of new connections is measured beside a process as well that only accepts and closes: what that
//! leaves is what the flooder leaves.

use std::fs;
use std::io::{ErrorKind, Read as _, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use contactd::limits::{CLIENTS_MAX, REPLY_BYTES_UNSENT_MAX, REQUEST_BYTES_MAX, WRITE_STALL_MS_MAX};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::control::Control;
use crate::daemon::Process;
use crate::prove::{Round, prove};
use crate::wire::{PATIENCE, Wire};

const LIST: &str = "+14155550100";
/// Clients of each kind that do something.
const ACTIVE: usize = 200;
/// Open files of the test and of the daemon beside those of idle clients.
const FILES_SPARE: u64 = 2_000;

/// What the daemon holds for a client at most: of one that sends nothing, or less than a request; of one that sends a long
/// request, which is read into a buffer that doubles; and of one that does not read, as the replies to its last burst grow.
const IDLE_BYTES_MAX: usize = 16 * 1024;
const SENDER_BYTES_MAX: usize = IDLE_BYTES_MAX + 2 * REQUEST_BYTES_MAX;
const DEAF_BYTES_MAX: usize = SENDER_BYTES_MAX + 2 * REPLY_BYTES_UNSENT_MAX;
/// What the allocator and the store's cache may take meanwhile.
const OTHER_BYTES_MAX: usize = 96 * 1024 * 1024;

/// So often a flood is measured beside the daemon and beside the one that only accepts, in turn.
const PAIRS: usize = 3;
/// A flood is on for so long before it is measured: the daemon has used up what new clients it takes at once.
const WARM_UP: Duration = Duration::from_millis(1_500);

/// Before a client that does not read is dropped.
const SETTLES_WITHIN: Duration = Duration::from_millis(WRITE_STALL_MS_MAX / 2);

/// The client who behaves.
struct Honest<'a> {
    process: &'a Process,
    wire: Wire,
    /// Contacts that have opted out.
    out: usize,
    batches: usize,
    /// How long CHECKs are measured at least.
    at_least: Duration,
}

/// CHECKs and durable OPTOUTs a second, and the daemon's processor time for a CHECK, in microseconds.
struct Figures {
    checks: f64,
    optouts: f64,
    cpu: f64,
}

fn phone(n: usize) -> String {
    format!("+1415{:07}", 2_000_000 + n)
}

impl Honest<'_> {
    /// Every reply is right.
    fn measure(&mut self) -> Figures {
        const CHECKS: usize = 200;
        let (started, cpu) = (Instant::now(), self.cpu());
        let mut batches = 0;
        while batches < self.batches || started.elapsed() < self.at_least {
            let batch = batches;
            batches += 1;
            let asked: Vec<usize> = (0..CHECKS).map(|n| (self.out + batch + 1) * 7 % 1_000 * CHECKS + n).collect();
            let asks: Vec<String> = asked.iter().map(|n| format!("CHECK {LIST} {}", phone(n % 20_000))).collect();
            for (n, told) in asked.iter().zip(self.wire.call_all(&asks)) {
                let right = if n % 20_000 < self.out { "+no list_opted_out" } else { "+no not_subscribed" };
                assert_eq!(told, right, "{}", phone(n % 20_000));
            }
        }
        let (checked, cpu) = (started.elapsed().as_secs_f64(), self.cpu() - cpu);
        let optouts = self.batches;
        for _ in 0..optouts {
            let phone = phone(self.out);
            let told = self.wire.call_all(&[
                format!("OPTIN {LIST} {phone}"),
                format!("CHECK {LIST} {phone}"),
                format!("OPTOUT {LIST} {phone}"),
                format!("CHECK {LIST} {phone}"),
            ]);
            assert_eq!(told, [":1", "+yes", ":1", "+no list_opted_out"], "{phone}");
            self.out += 1;
        }
        let checks = (batches * CHECKS) as f64;
        let written = started.elapsed().as_secs_f64() - checked;
        Figures { checks: checks / checked, optouts: optouts as f64 / written, cpu: cpu * 1e6 / checks }
    }

    /// Seconds of processor time that the daemon has used.
    fn cpu(&self) -> f64 {
        const TICKS_A_SECOND: f64 = 100.0;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.pid())).expect("its state");
        let behind_name = stat.rsplit_once(") ").expect("a name").1;
        let fields: Vec<&str> = behind_name.split(' ').collect();
        let ticks = |field: usize| fields[field].parse::<f64>().expect("a number");
        (ticks(11) + ticks(12)) / TICKS_A_SECOND
    }

    /// Waits until the daemon has done what it was asked for, and only holds what there is.
    fn settle(&self) {
        const MOMENT: Duration = Duration::from_millis(100);
        let started = Instant::now();
        while started.elapsed() < SETTLES_WITHIN {
            let before = self.cpu();
            thread::sleep(MOMENT);
            if self.cpu() - before < MOMENT.as_secs_f64() / 2.0 {
                return;
            }
        }
    }

    /// Bytes that are the daemon's own.
    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.pid())).expect("its state");
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).expect("the field");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<usize>().ok()).expect("a number") * 1024
    }

    /// Waits until only so many clients are left, itself among them.
    fn wait_for_clients(&mut self, clients: usize) {
        let started = Instant::now();
        loop {
            let stats = self.wire.call("STATS");
            let told = stats.lines().find_map(|line| line.strip_prefix("+clients ")).expect("it counts clients");
            if told.parse::<usize>().expect("a number") <= clients {
                return;
            }
            assert!(started.elapsed() < PATIENCE, "{told} clients stay");
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// What floods: the connections that it keeps, and what it does on and on.
struct Flood<'a> {
    name: &'static str,
    /// What the daemon may hold for them.
    bytes_max: usize,
    kept: Vec<Box<dyn Write>>,
    again: Box<dyn Fn() + Send + Sync + 'a>,
    /// Whether the daemon ends them by itself.
    is_dropped: bool,
}

/// Begins one.
type Begin<'f, 'a> = &'f dyn Fn() -> Flood<'a>;

fn unix(address: &Path) -> UnixStream {
    let stream = UnixStream::connect(address).expect("a connection");
    stream.set_write_timeout(Some(Duration::from_millis(50))).expect("a timeout");
    stream
}

/// Connected, of which every second one has sent a part of a request.
fn idle(address: &Path, clients: usize) -> Flood<'_> {
    let connect = |n: usize| -> Box<dyn Write> {
        let mut stream = unix(address);
        if n.is_multiple_of(100) {
            // The queue of connections to accept is short.
            stream.write_all(b"PING\n").and_then(|()| stream.read_exact(&mut [0; 7])).expect("a reply");
        }
        if n.is_multiple_of(2) {
            stream.write_all(b"OPTIN +14155550100 +1415").expect("sent");
        }
        Box::new(stream)
    };
    let kept = (0..clients).map(connect).collect();
    Flood {
        name: "idle and half a request",
        bytes_max: clients * IDLE_BYTES_MAX,
        kept,
        again: Box::new(|| thread::sleep(Duration::from_millis(10))),
        is_dropped: false,
    }
}

/// They ask for long replies and read none.
fn deaf(address: &Path) -> Flood<'_> {
    let burst = "HELP\n".repeat(2_000);
    let connect = |_| -> Box<dyn Write> {
        let mut stream = unix(address);
        // Until nobody reads its requests, either.
        while stream.write(burst.as_bytes()).is_ok() {}
        Box::new(stream)
    };
    Flood {
        name: "requests whose replies nobody reads",
        bytes_max: ACTIVE * DEAF_BYTES_MAX,
        kept: (0..ACTIVE).map(connect).collect(),
        again: Box::new(|| thread::sleep(Duration::from_millis(10))),
        is_dropped: true,
    }
}

/// A byte now and then.
fn drip(address: &Path) -> Flood<'_> {
    let streams: Vec<UnixStream> = (0..ACTIVE).map(|_| unix(address)).collect();
    Flood {
        name: "a byte at a time",
        bytes_max: ACTIVE * SENDER_BYTES_MAX,
        kept: Vec::new(),
        again: Box::new(move || {
            for mut stream in &streams {
                let _ = stream.write(b"x");
            }
            thread::sleep(Duration::from_secs(1));
        }),
        is_dropped: false,
    }
}

/// Lengths that nobody has, and lines that do not end. Each is answered with an error, or its connection ends.
fn bombs(address: &Path) -> Flood<'_> {
    let again = move || {
        let endless = "x".repeat(1024 * 1024);
        for bomb in [
            "*2147483647\r\n",
            "*2147483648\r\n$4\r\nPING\r\n",
            "*1\r\n$2147483647\r\nx",
            "*2\r\n$4\r\nPING\r\n$9223372036854775807\r\n",
            "*-2147483648\r\n",
            "*99999999999999999999\r\n",
            "*1048576\r\n$1\r\nx\r\n",
            endless.as_str(),
        ] {
            let mut stream = unix(address);
            stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
            let _ = stream.write_all(bomb.as_bytes());
            let _ = stream.shutdown(std::net::Shutdown::Write);
            let mut told = String::new();
            match stream.read_to_string(&mut told) {
                Ok(_) => assert!(told.is_empty() || told.starts_with('-'), "{}: {told}", &bomb[..bomb.len().min(40)]),
                Err(why) => {
                    assert!(matches!(why.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe), "{why}");
                }
            }
        }
    };
    Flood {
        name: "lengths of gigabytes, endless lines",
        bytes_max: SENDER_BYTES_MAX,
        kept: Vec::new(),
        again: Box::new(again),
        is_dropped: false,
    }
}

/// Connections that are closed at once.
fn storm(address: &Path) -> Flood<'_> {
    Flood {
        name: "connect and close",
        bytes_max: ACTIVE * IDLE_BYTES_MAX,
        kept: Vec::new(),
        again: Box::new(move || (0..ACTIVE).for_each(|_| drop(UnixStream::connect(address)))),
        is_dropped: false,
    }
}

/// The beginning of something over TCP, and no more.
fn half<'a>(name: &'static str, address: &str, beginning: &[u8]) -> Flood<'a> {
    let connect = |_| -> Box<dyn Write> {
        let mut stream = TcpStream::connect(address).expect("a connection");
        let _ = stream.write_all(beginning);
        Box::new(stream)
    };
    Flood {
        name,
        bytes_max: ACTIVE * SENDER_BYTES_MAX,
        kept: (0..ACTIVE).map(connect).collect(),
        again: Box::new(|| thread::sleep(Duration::from_millis(10))),
        is_dropped: true,
    }
}

fn free_address() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

/// How many idle clients the limit of open files allows.
fn idle_clients(wanted: usize) -> usize {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("to raise it to what is allowed");
    let allowed = maximum.map_or(usize::MAX, |files| files.saturating_sub(FILES_SPARE) as usize);
    if allowed < wanted {
        eprintln!("only {allowed} idle clients: the limit of open files allows no more");
    }
    wanted.min(allowed)
}

#[test]
fn a_flood_takes_nothing_from_those_who_behave() {
    prove("flood", 1, |round| {
        let clients = idle_clients(if round.is_long { CLIENTS_MAX - 3 * ACTIVE } else { 1_000 });
        let data = round.dir().join("data");
        let (tls, metrics) = (free_address(), free_address());
        let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (certificate, key) = (round.dir().join("own.pem"), round.dir().join("own.key"));
        fs::write(&certificate, own.cert.pem()).expect("written");
        fs::write(&key, own.signing_key.serialize_pem()).expect("written");
        Command::new("chmod").arg("600").arg(&key).status().expect("chmod runs");
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        let listen = format!("tls:{tls}");
        let (certificate, key) = (text(&certificate), text(&key));
        let arguments =
            ["--listen", &listen, "--metrics", &metrics, "--tls-cert-file", &certificate, "--tls-key-file", &key];
        let mut process = Process::start(&data, &arguments);
        let address = process.address.clone();
        let (batches, at_least) = if round.is_long { (200, Duration::from_secs(1)) } else { (10, Duration::ZERO) };
        let mut honest = Honest { process: &process, wire: process.connect(), out: 0, batches, at_least };
        assert_eq!(honest.wire.call(&format!("LIST {LIST}")), "+created");
        honest.measure();
        let control = Control::start(round.dir());
        let floods: [(Begin<'_, '_>, Option<Begin<'_, '_>>); 7] = [
            (&|| idle(&address, clients), None),
            (&|| deaf(&address), None),
            (&|| drip(&address), None),
            (&|| bombs(&address), Some(&|| bombs(&control.address))),
            (&|| storm(&address), Some(&|| storm(&control.address))),
            (&|| half("TLS handshakes that stop", &tls, &[22, 3, 1, 2, 0, 1, 0]), None),
            (&|| half("heads of HTTP requests that stop", &metrics, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-"), None),
        ];
        for (flood, beside_control) in floods {
            one(&mut honest, flood, beside_control, round);
        }
        let out = honest.out;
        drop(honest);
        assert!(process.terminate().success(), "{}", process.log());
        // Nothing was lost, and nothing of what was half sent was run.
        let process = Process::start(&data, &[]);
        let mut wire = process.connect();
        let asks: Vec<String> = (0..out).map(|n| format!("CHECK {LIST} {}", phone(n))).collect();
        assert!(wire.call_all(&asks).iter().all(|told| told == "+no list_opted_out"));
        let stats = wire.call("STATS");
        assert!(stats.lines().any(|line| line == format!("+contacts {out}")), "{stats}");
        assert!(wire.call("VERIFY").starts_with("+ok"));
    });
}

/// Measures before a flood, and during it; one that connects again and again in turn with one of somebody who only accepts.
fn one<'a>(
    honest: &mut Honest<'_>,
    flood: Begin<'_, 'a>,
    beside_control: Option<Begin<'_, 'a>>,
    round: &mut Round<'_>,
) {
    let (before, memory) = (honest.measure(), honest.memory());
    let Flood { name, bytes_max, kept, again, is_dropped } = flood();
    honest.settle();
    let pairs = if beside_control.is_some() && round.is_long { PAIRS } else { 1 };
    let (mut during, mut control, mut grown, mut newcomer) = (Vec::new(), Vec::new(), 0, Duration::ZERO);
    for _ in 0..pairs {
        if let Some(flood) = beside_control {
            control.push(beside(&*flood().again, round.is_long, || honest.measure().checks));
        }
        during.push(beside(&*again, round.is_long, || {
            let figures = honest.measure();
            grown = grown.max(honest.memory().saturating_sub(memory));
            let came = Instant::now();
            assert_eq!(honest.process.connect().call("PING"), "+PONG", "whoever comes is served");
            newcomer = newcomer.max(came.elapsed());
            figures
        }));
    }
    assert!(grown < bytes_max + OTHER_BYTES_MAX, "{name}: the daemon grew by {grown} bytes");
    if is_dropped && round.is_long {
        honest.wait_for_clients(1);
    }
    drop((kept, again));
    honest.wait_for_clients(1);
    round.count("floods", 1);
    let of_before = |checks: f64| checks / before.checks;
    let checks = median(during.iter().map(|figures| figures.checks).collect());
    eprintln!(
        "{name}: CHECK × {:.2} (processor time of one × {:.2}), OPTOUT × {:.2}, {} KiB more memory, a new client is answered within {} ms",
        of_before(checks),
        median(during.iter().map(|figures| figures.cpu).collect()) / before.cpu,
        median(during.iter().map(|figures| figures.optouts).collect()) / before.optouts,
        grown / 1024,
        newcomer.as_millis()
    );
    if !control.is_empty() {
        let control = median(control);
        eprintln!(
            "  beside the same flood of one that only accepts and closes CHECK × {:.2}: contactd's part × {:.2}",
            of_before(control),
            checks / control
        );
    }
}

/// Floods meanwhile.
fn beside<T>(again: &(dyn Fn() + Send + Sync), is_long: bool, measure: impl FnOnce() -> T) -> T {
    let ends = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !ends.load(Ordering::Relaxed) {
                again();
            }
        });
        if is_long {
            thread::sleep(WARM_UP);
        }
        let measured = measure();
        ends.store(true, Ordering::Relaxed);
        measured
    })
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
