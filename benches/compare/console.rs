//! The console on a large store: how long each page takes, and what somebody who clicks through it costs CHECK.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use contactd::model::time;

use crate::load::checks;
use crate::machine::{Daemon, median};
use crate::{LIST, middle, sheet, tell, timed};

/// Lists besides the one that everybody is on.
const LISTS: usize = 1_000;
/// Days on each of which each list sends.
const DAYS: usize = 90;
/// Lists of one contact, and what is in its history.
const LISTS_OF_ONE: usize = 60;
const EVENTS_OF_ONE: usize = 10_000;
/// Numbers that CHECKs are about.
const OTHERS: usize = 100_000;
/// How often a page is asked for.
const TIMES: usize = 5;
const ROUNDS: usize = 9;

pub fn run(dir: &Path, rows: usize) {
    let dir = dir.join("console");
    std::fs::create_dir_all(&dir).expect("a directory");
    let file = dir.join("contacts.csv");
    sheet::write_with_lives(&file, rows);
    let daemon = Daemon::start(&dir);
    daemon.call(&format!("LIST {LIST} {{\"name\":\"Everybody\"}}"));
    daemon.import(&file, LIST);
    let busy = fill(&daemon, rows);
    tell("the store", &format!("{} contacts, {} lists", daemon.stat("contacts"), daemon.stat("lists")));

    let mut browser = Browser::new(&daemon);
    let mut slowest = Duration::ZERO;
    for path in pages(&busy) {
        // What has to come from the disk comes with the first one, which is told apart.
        let (bytes, first) = timed(|| browser.get(&path));
        let worked = daemon.worked();
        let usual = median(TIMES, || timed(|| browser.get(&path)).1);
        let worked = daemon.worked().saturating_sub(worked) / TIMES as u32;
        slowest = slowest.max(usual);
        println!(
            "{:<76} {:>6.1} ms, first {:>6.1} ms, of the processor {:>4} ms, {:>4} kB",
            path,
            usual.as_secs_f64() * 1e3,
            first.as_secs_f64() * 1e3,
            worked.as_millis(),
            bytes / 1_000
        );
    }
    tell("the slowest page", &format!("{:.1} ms (aim 200)", slowest.as_secs_f64() * 1e3));
    daemon.load(OTHERS);
    let check = || checks(daemon.port(), 16, OTHERS);
    check();
    // A plan of a purge is a job of seconds: what those cost CHECK is measured with purges.
    let pages: Vec<String> = pages(&busy).into_iter().filter(|path| !path.contains("plan=")).collect();
    let mut clicks = 0.0;
    let ratios = (0..ROUNDS)
        .map(|_| {
            let before = check();
            let clicking = Clicking::start(&daemon, pages.clone());
            let beside = check();
            clicks = clicking.stop();
            // What the machine does besides changes: each one stands between two alone.
            beside / before.midpoint(check())
        })
        .collect();
    tell(
        "CHECK beside a clicking console",
        &format!("{:.2} of its speed alone, {clicks:.1} pages a second (aim 0.95)", middle(ratios)),
    );
}

/// Gives lists their contacts, their sends and opt-outs of some months, and the inbox its messages. Gives the number of a
/// contact with much history.
fn fill(daemon: &Daemon, rows: usize) -> String {
    let mut wire = daemon.wire();
    let now = daemon.call("STATS").iter().find_map(|line| Some(line.strip_prefix("+now ")?.to_owned()));
    let now = time::parse(&now.expect("the daemon's clock")).expect("a time");
    let ago = |days: usize| time::format(now - time::DAY_MS * i64::try_from(days).expect("some days"));
    let no_error = |reply: Vec<String>| assert!(!reply[0].starts_with('-'), "{reply:?}");
    let mut all = |many: usize, request: &dyn Fn(usize) -> String| {
        for from in (0..many).step_by(1_000) {
            wire.ask_all(from..many.min(from + 1_000), request, no_error);
        }
    };
    all(LISTS, &|n| format!("LIST {} {{\"name\":\"Branch {n}\"}}", list(n)));
    all(rows, &|n| {
        let phone = sheet::number(n as u64);
        format!("IMPORT {} {{\"phone\":\"{phone}\",\"subscribed_at\":\"2026-01-01\"}}", list(n % LISTS))
    });
    all(LISTS * DAYS, &|n| {
        let (of, day) = (n % LISTS, n / LISTS);
        let phone = sheet::number(((of + LISTS * day) % rows) as u64);
        format!("SENT {} {phone} m-{n} {{\"at\":\"{}\"}}", list(of), ago(day))
    });
    all(rows / 50, &|n| format!("OPTOUT {} {}", list(n % LISTS), sheet::number(n as u64)));
    all(rows / 50, &|n| format!("OPTOUT {LIST} {}", sheet::number((7 * n % rows) as u64)));
    all(200, &|n| {
        format!("INBOUND {LIST} {} {{\"text\":\"wrong number?\",\"id\":\"i-{n}\"}}", sheet::number(n as u64))
    });
    let busy = sheet::number(rows as u64 - 1);
    all(LISTS_OF_ONE, &|n| format!("IMPORT {} {{\"phone\":\"{busy}\",\"subscribed_at\":\"2026-01-01\"}}", list(n)));
    all(EVENTS_OF_ONE, &|n| {
        format!("SENT {} {busy} b-{n} {{\"at\":\"{}\"}}", list(n % LISTS_OF_ONE), ago(n * DAYS / EVENTS_OF_ONE))
    });
    busy
}

/// Every page, and those of them that a choice makes dear.
fn pages(busy: &str) -> Vec<String> {
    let one = list(7);
    [
        "/",
        "/lists",
        "/lists?sort=name&page=19",
        "/lists/{LIST}",
        "/lists/{LIST}?who=eligible&label=state&value=CA",
        "/lists/{LIST}?engaged_before=2026-01-01",
        "/lists/{LIST}/trends?days=365",
        "/lists/{LIST}/settings",
        "/lists/{one}",
        "/lists/{one}?who=opted_out",
        "/lists/{one}/trends",
        "/contacts",
        "/contacts?label=state&value=CA",
        "/contacts?label=name&value=Kim+Abe+77",
        "/contacts?label=state&value=no+such+state",
        "/contacts?can_receive={LIST}&filter=NOT+label.tier%3Dgold",
        "/contacts?created_from=2020-01-01&created_before=2026-12-01&engaged_from=2020-01-01&engaged_before=2026-06-01",
        "/contacts/count?engaged_before=2026-01-01",
        "/contacts?q={busy}",
        "/contacts/{busy}",
        "/contacts/{busy}?kind=click",
        "/imports",
        "/inbox",
        "/activity",
        "/activity?cause=optin",
        "/clean",
        "/clean?plan=new",
        "/system",
        "/nothing",
    ]
    .iter()
    .map(|path| path.replace("{LIST}", LIST).replace("{one}", &one).replace("{busy}", busy))
    .collect()
}

fn list(n: usize) -> String {
    format!("+1415666{n:04}")
}

/// A browser without a screen.
struct Browser {
    port: u16,
    cookie: String,
}

impl Browser {
    fn new(daemon: &Daemon) -> Browser {
        Browser { port: daemon.http_port(), cookie: String::new() }
    }

    /// Asks for a page. Gives how many bytes came.
    fn get(&mut self, path: &str) -> usize {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        let host = format!("Host: 127.0.0.1:{}\r\n", self.port);
        let request = format!("GET {path} HTTP/1.1\r\n{host}Cookie: {}\r\nConnection: close\r\n\r\n", self.cookie);
        stream.write_all(request.as_bytes()).expect("sent");
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).expect("a page");
        let head = String::from_utf8_lossy(&reply[..reply.len().min(2_000)]).into_owned();
        let status = head.split(' ').nth(1).unwrap_or_default();
        assert!(matches!(status, "200" | "303" | "404"), "{path}: {head}");
        if let Some(cookie) = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")) {
            cookie.split(';').next().unwrap_or_default().clone_into(&mut self.cookie);
        }
        reply.len()
    }
}

/// Somebody who clicks through all pages, one a second, beside six pages that others left open and that ask for themselves
/// again every two seconds.
struct Clicking {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<f64>,
}

impl Clicking {
    fn start(daemon: &Daemon, pages: Vec<String>) -> Clicking {
        const EVERY: Duration = Duration::from_millis(250);
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, mut browser) = (Arc::clone(&stop), Browser::new(daemon));
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            let mut asked = 0;
            for path in pages.iter().cycle() {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                browser.get(path);
                asked += 1;
                std::thread::sleep((EVERY * asked).saturating_sub(started.elapsed()));
            }
            f64::from(asked) / started.elapsed().as_secs_f64()
        });
        Clicking { stop, thread }
    }

    /// Ends it. Gives how many pages it asked for in a second.
    fn stop(self) -> f64 {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the clicks")
    }
}
