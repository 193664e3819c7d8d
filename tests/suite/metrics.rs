//! Metrics and health: what a scraper, a load balancer and a person at a terminal are told.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use contactd::error::{Error, Result};
use contactd::limits::{DISK_FREE_LOW_BYTES, DISK_FREE_MIN_BYTES};
use contactd::model::verdict::StopScope;
use contactd::server::{self, Browsers, Listener, Scraped, Setup, Sockets};
use contactd::store::engine::{Batch, Engine, Keys, MemoryEngine, Row, Space, Wholeness};
use serde_json::Value;
use tokio::runtime::Runtime;

use crate::support::{Daemon, PATIENCE, Wire, free_address, program};

const LIST: &str = "+14155550000";
const NOW: i64 = 1_777_600_000_000;

/// An engine in memory on a disk whose free space the test sets, and which it may break or hold up.
#[derive(Default)]
struct Disk {
    engine: MemoryEngine,
    free: AtomicU64,
    broken: AtomicBool,
    held: Mutex<bool>,
    released: Condvar,
}

impl Disk {
    fn hold(&self, held: bool) {
        *self.held.lock().expect("the lock") = held;
        self.released.notify_all();
    }

    fn wait(&self) {
        drop(self.released.wait_while(self.held.lock().expect("the lock"), |held| *held).expect("the lock"));
    }
}

impl Engine for Disk {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        self.wait();
        self.engine.get(key)
    }

    fn scan(&self, keys: &Keys, limit: usize) -> Result<Vec<Row>> {
        self.engine.scan(keys, limit)
    }

    fn last(&self, keys: &Keys) -> Result<Option<Row>> {
        self.engine.last(keys)
    }

    fn apply(&self, batch: &Batch) -> Result<()> {
        self.wait();
        if self.broken.load(Ordering::SeqCst) {
            return Err(Error::internal("the disk is broken"));
        }
        self.engine.apply(batch)
    }

    fn sync(&self, newest: u64) -> Result<()> {
        self.engine.sync(newest)
    }

    fn check_complete(&self, newest: u64) -> Result<Wholeness> {
        self.engine.check_complete(newest)
    }

    fn mark_open(&self, newest: u64) -> Result<()> {
        self.engine.mark_open(newest)
    }

    fn space(&self) -> Space {
        match self.free.load(Ordering::SeqCst) {
            free if free < DISK_FREE_MIN_BYTES => Space::None,
            free if free < DISK_FREE_LOW_BYTES => Space::Low,
            _ => Space::Plenty,
        }
    }

    fn free_bytes(&self) -> Option<u64> {
        Some(self.free.load(Ordering::SeqCst))
    }

    fn size(&self) -> u64 {
        self.engine.size()
    }
}

/// A daemon inside the test that is scraped.
struct Watched {
    disk: Arc<Disk>,
    runtime: Runtime,
    daemon: Arc<Mutex<Option<server::Daemon>>>,
    address: String,
    scraped: String,
    console: String,
    _dir: tempfile::TempDir,
}

impl Watched {
    fn start(scope: StopScope, metrics_lists: usize) -> Watched {
        let watched = Watched::begin(scope, metrics_lists, Arc::default());
        watched.wait_for("/readyz", 200);
        watched
    }

    /// Returns before the store is loaded.
    fn begin(stop_scope: StopScope, metrics_lists: usize, disk: Arc<Disk>) -> Watched {
        let dir = tempfile::tempdir().expect("a directory");
        disk.free.store(1 << 40, Ordering::SeqCst);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        let setup = Setup {
            stop_scope,
            metrics_lists,
            engine: Some(Arc::clone(&disk) as Arc<dyn Engine>),
            ..Setup::new(dir.path().join("data"))
        };
        std::fs::create_dir_all(&setup.data_dir).expect("a directory");
        let bind = async || Listener::bind(&"127.0.0.1:0".parse().expect("an address")).await.expect("to listen");
        let (listener, browsers, scraped) = runtime.block_on(async {
            let scraped = Scraped::bind("127.0.0.1:0").await.map_err(|why| why.message).expect("to listen");
            (bind().await, bind().await, scraped)
        });
        let address = listener.address().expect("an address").to_string();
        let console = browsers.address().expect("an address").to_string();
        let scraped_at = scraped.address().map_err(|why| why.message).expect("an address").to_string();
        let daemon = Arc::new(Mutex::new(None));
        let place = Arc::clone(&daemon);
        let sockets = Sockets {
            clients: vec![listener],
            scraped: Some(scraped),
            browsers: Some(Browsers { listener: browsers, hosts: Vec::new() }),
        };
        runtime.spawn(async move {
            let started = server::Daemon::start_on(setup, Arc::new(|| NOW), sockets).await;
            *place.lock().expect("the lock") = Some(started.map_err(|why| why.message).expect("the daemon starts"));
        });
        Watched { disk, runtime, daemon, address, scraped: scraped_at, console, _dir: dir }
    }

    fn connect(&self) -> Wire {
        Wire::connect(&self.address)
    }

    fn get(&self, path: &str) -> Page {
        Page::get(&self.scraped, path, "")
    }

    fn metrics(&self) -> String {
        let page = self.get("/metrics");
        assert_eq!(page.status, 200, "{}", page.body);
        page.body
    }

    /// A page of the console.
    fn browse(&self, path: &str) -> Page {
        Page::get(&self.console, path, "connection: close\r\n")
    }

    /// Looks at the console while no request is answered.
    fn browse_in_vain(&self, told: &str) {
        for path in ["/", "/lists", "/contacts/+14155550123", "/nothing"] {
            let page = self.browse(path);
            assert!(page.status == 503 && page.body.contains(told), "{path}: {}", page.body);
            assert!(page.head.contains("\r\nrefresh: "), "it goes over to the page by itself: {}", page.head);
            assert!(!page.head.contains("set-cookie"), "{}", page.head);
        }
        let style = self.browse("/").body;
        let (_, style) = style.split_once("stylesheet\" href=\"").expect("a stylesheet");
        assert_eq!(self.browse(style.split('"').next().expect("its path")).status, 200);
        let form = "sec-fetch-site: same-origin\r\ncontent-length: 0\r\nconnection: close\r\n";
        let sent =
            Page::ask(&self.console, &format!("POST /act/optout HTTP/1.1\r\nhost: {}\r\n{form}\r\n", self.console));
        assert!(sent.status == 503 && sent.body.contains("Nothing was done"), "{}", sent.body);
        assert!(!sent.head.contains("\r\nrefresh: "), "a form is not sent again by itself: {}", sent.head);
        assert_eq!(self.browse("/healthz").body, "ok, not ready\n");
        assert_eq!(self.browse("/readyz").status, 503);
        let foreign = Page::ask(&self.console, "GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n");
        assert_eq!(foreign.status, 421);
    }

    fn wait_for(&self, path: &str, status: u16) -> Page {
        let since = Instant::now();
        loop {
            let page = self.get(path);
            if page.status == status {
                return page;
            }
            assert!(since.elapsed() < PATIENCE, "{path} is {} and not {status}: {}", page.status, page.body);
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn health(&self, flags: &[&str]) -> (Option<i32>, String) {
        health(&self.address, flags, None)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.disk.hold(false);
        let daemon = self.daemon.lock().expect("the lock").take();
        if let Some(daemon) = daemon {
            self.runtime.block_on(daemon.stop());
        }
    }
}

/// A reply over HTTP.
pub struct Page {
    pub status: u16,
    /// In small letters.
    pub head: String,
    pub body: String,
}

impl Page {
    /// Asks for a path, with more lines for the head, each with its end.
    pub fn get(address: &str, path: &str, fields: &str) -> Page {
        Page::ask(address, &format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{fields}\r\n"))
    }

    fn ask(address: &str, request: &str) -> Page {
        let mut stream = TcpStream::connect(address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        // One that is refused may be closed before all of it is sent.
        let _ = stream.write_all(request.as_bytes());
        let mut reply = Vec::new();
        let _ = stream.read_to_end(&mut reply);
        let reply = String::from_utf8(reply).expect("text");
        let (head, body) = reply.split_once("\r\n\r\n").unwrap_or((&reply, ""));
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        Page { status, head: head.to_lowercase(), body: body.to_owned() }
    }
}

fn health(address: &str, flags: &[&str], token: Option<&str>) -> (Option<i32>, String) {
    let mut command = Command::new(program());
    command.args(["health", "--server", address]).args(flags).env_remove("CONTACTD_TOKEN").stdin(Stdio::null());
    if let Some(token) = token {
        command.env("CONTACTD_TOKEN", token);
    }
    let Output { status, stdout, stderr } = command.output().expect("it runs");
    assert!(stderr.is_empty(), "{}", String::from_utf8_lossy(&stderr));
    (status.code(), String::from_utf8_lossy(&stdout).into_owned())
}

fn assert_has(page: &str, samples: &[&str]) {
    for sample in samples {
        assert!(page.lines().any(|line| line == *sample), "no line '{sample}' in\n{page}");
    }
}

/// Something of everything that is counted.
pub fn talk(wire: &mut Wire) {
    let requests = [
        format!("LIST {LIST}"),
        format!(r#"OPTIN {LIST} +14155552671 {{"how":"journey"}}"#),
        format!(r#"IMPORT {LIST} {{"phone":"+14155552672"}}"#),
        format!(r#"IMPORT {LIST} {{"phone":"+14155552672"}}"#),
        format!("CHECK {LIST} +14155552671 +14155552672 +14155552673"),
        format!("CLAIM {LIST} +14155552671 a"),
        format!("CLAIM {LIST} +14155552671 a"),
        format!("SENT {LIST} +14155552671 a"),
        format!("CLAIM {LIST} +14155552672 b"),
        format!(r#"FAILED {LIST} +14155552672 b {{"provider":"twilio","code":"21610"}}"#),
        format!("CLICK {LIST} +14155552671"),
        format!("CONVERT {LIST} +14155552671 10"),
        format!(r#"INBOUND {LIST} +14155552671 {{"text":"hello"}}"#),
        format!(r#"INBOUND {LIST} +14155552671 {{"text":"STOP"}}"#),
        format!("CHECK {LIST} +14155552671"),
        format!("CLAIM {LIST} +14155552671 c"),
        "CHECK +14155559999 +14155552671".to_owned(),
        "CHECK nonsense".to_owned(),
    ];
    wire.call_all(&requests);
}

#[test]
fn what_happened_is_counted() {
    let watched = Watched::start(StopScope::List, 200);
    talk(&mut watched.connect());
    let page = watched.metrics();
    assert_has(
        &page,
        &[
            r#"contactd_verdicts_total{verb="check",verdict="yes"} 2"#,
            r#"contactd_verdicts_total{verb="check",verdict="not_subscribed"} 1"#,
            r#"contactd_verdicts_total{verb="check",verdict="list_opted_out"} 1"#,
            r#"contactd_verdicts_total{verb="check",verdict="unknown_list"} 1"#,
            r#"contactd_verdicts_total{verb="claim",verdict="yes"} 2"#,
            r#"contactd_verdicts_total{verb="claim",verdict="list_opted_out"} 1"#,
            r#"contactd_verdicts_total{verb="claim",verdict="dup_claimed"} 1"#,
            r#"contactd_requests_total{verb="check"} 4"#,
            r#"contactd_errors_total{code="ERR"} 1"#,
            r#"contactd_messages_total{list="+14155550000",state="claimed"} 2"#,
            r#"contactd_messages_total{list="+14155550000",state="sent"} 1"#,
            r#"contactd_messages_total{list="+14155550000",state="failed"} 1"#,
            r#"contactd_opt_outs_total{list="+14155550000",how="keyword"} 1"#,
            r#"contactd_opt_outs_total{list="+14155550000",how="provider"} 1"#,
            r#"contactd_opt_outs_total{list="+14155550000",how="api"} 0"#,
            r#"contactd_opt_ins_total{list="+14155550000",how="journey"} 1"#,
            r#"contactd_opt_ins_total{list="+14155550000",how="import"} 1"#,
            r#"contactd_clicks_total{list="+14155550000",by="person"} 1"#,
            r#"contactd_conversions_total{list="+14155550000"} 1"#,
            r#"contactd_inbound_total{meaning="optout"} 1"#,
            r#"contactd_inbound_total{meaning="message"} 1"#,
            r#"contactd_import_rows_total{result="created"} 1"#,
            r#"contactd_import_rows_total{result="unchanged"} 1"#,
            r#"contactd_write_wait_seconds_count{urgency="imports"} 2"#,
            r#"contactd_write_wait_seconds_count{urgency="forbidding"} 3"#,
            r#"contactd_write_wait_seconds_bucket{urgency="forbidding",le="+Inf"} 3"#,
            r#"contactd_list_members{list="+14155550000",status="opted_out"} 2"#,
            r#"contactd_contacts{status="active"} 2"#,
            r#"contactd_read_only{reason="disk_full"} 0"#,
            r#"contactd_disk_floor_bytes{floor="forbidding_only"} 268435456"#,
            "contactd_disk_free_bytes 1099511627776",
            "contactd_ready 1",
            "contactd_lists 1",
        ],
    );
    assert!(!page.contains("555267"), "no number of a contact is in\n{page}");
    assert!(!page.contains("contactd_labels") && !page.contains("contactd_version"), "{page}");
}

/// A burst ends for many reasons; each verdict is counted once, whatever stands beside the CHECK.
#[test]
fn each_check_is_counted_once() {
    let watched = Watched::start(StopScope::List, 200);
    let mut wire = watched.connect();
    wire.call_all(&[format!("LIST {LIST}"), format!("OPTIN {LIST} +14155552671")]);
    let beside = ["PING", "PUT +14155552699", "COUNT", "SUPPRESS +14155552698", "STATS", "nonsense", "PING x y z"];
    let mut lines = Vec::new();
    for n in 0..700 {
        lines.push(format!("CHECK {LIST} +14155552671"));
        lines.push(beside[n % beside.len()].to_owned());
    }
    wire.call_all(&lines);
    assert_has(&watched.metrics(), &[r#"contactd_verdicts_total{verb="check",verdict="yes"} 700"#]);
}

#[test]
fn a_scraper_gets_the_format_that_it_asks_for() {
    let watched = Watched::start(StopScope::List, 200);
    talk(&mut watched.connect());
    let plain = watched.get("/metrics");
    assert!(plain.head.contains("content-type: text/plain; version=0.0.4"), "{}", plain.head);
    assert!(plain.body.contains("# TYPE contactd_requests_total counter\n") && !plain.body.contains("# EOF"));
    let accept = "accept: application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5\r\n";
    let open = Page::get(&watched.scraped, "/metrics", accept);
    assert!(open.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", open.head);
    assert!(open.body.contains("# TYPE contactd_requests counter\n") && open.body.ends_with("# EOF\n"));
    let samples = |page: &Page| {
        let lines = page.body.lines().filter(|line| line.starts_with("contactd_requests"));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(samples(&plain), samples(&open));
}

#[test]
fn lists_beyond_the_cap_are_summed() {
    let watched = Watched::start(StopScope::List, 1);
    let mut wire = watched.connect();
    for list in ["+14155550000", "+14155550001", "+14155550002"] {
        wire.call(&format!("LIST {list}"));
        for phone in ["+14155552671", "+14155552672"] {
            wire.call(&format!("OPTIN {list} {phone}"));
            wire.call(&format!("SENT {list} {phone} m{}{}", &list[11..], &phone[11..]));
        }
        wire.call(&format!("OPTOUT {list} +14155552672"));
    }
    wire.call(r#"LIST +14155550002 {"paused":true}"#);
    let page = watched.metrics();
    assert_has(
        &page,
        &[
            r#"contactd_list_members{list="+14155550000",status="active"} 1"#,
            r#"contactd_list_members{list="other",status="active"} 2"#,
            r#"contactd_list_members{list="other",status="opted_out"} 2"#,
            r#"contactd_list_eligible{list="+14155550000"} 1.0"#,
            r#"contactd_list_eligible{list="other"} 1.0"#,
            r#"contactd_list_paused{list="other"} 1.0"#,
            r#"contactd_list_sends_30d{list="other"} 4.0"#,
            r#"contactd_list_opt_out_ratio{list="other"} 0.5"#,
            r#"contactd_messages_total{list="other",state="sent"} 4"#,
            r#"contactd_opt_outs_total{list="other",how="api"} 2"#,
        ],
    );
    assert!(!page.contains("+14155550001"), "{page}");
}

/// What is counted as eligible is what `eligible=` finds, and so what CHECK says yes to.
#[test]
fn eligible_is_what_check_says_yes_to() {
    for scope in [StopScope::List, StopScope::All] {
        let watched = Watched::start(scope, 200);
        let mut wire = watched.connect();
        let lists = ["+14155550000", "+14155550001", "+14155550002"];
        for list in lists {
            wire.call(&format!("LIST {list}"));
            for n in 0..40 {
                wire.call(&format!(r#"OPTIN {list} +141555526{n:02} {{"at":"2026-04-01"}}"#));
            }
        }
        for n in 0..5 {
            wire.call(&format!("OPTOUT {} +141555526{n:02}", lists[0]));
            wire.call(&format!("SUPPRESS +1415555261{n}"));
            wire.call(&format!("SUPPRESS {} +1415555262{n}", lists[1]));
        }
        let compare = |wire: &mut Wire, least: u64| {
            let page = watched.metrics();
            for list in lists {
                let told = wire.call(&format!("COUNT eligible={list}"));
                assert!(told[1..].parse::<u64>().expect("a number") >= least, "{told}");
                assert_has(&page, &[&format!(r#"contactd_list_eligible{{list="{list}"}} {}.0"#, &told[1..])]);
            }
        };
        compare(&mut wire, 20);
        // What is held in memory alone counts, too.
        watched.disk.free.store(1, Ordering::SeqCst);
        assert!(wire.call(&format!("OPTOUT {} +14155552630", lists[0])).starts_with("-READONLY"));
        assert!(wire.call("INVALID +14155552631").starts_with("-READONLY"));
        compare(&mut wire, 20);
        assert!(wire.call(&format!(r#"LIST {} {{"paused":true}}"#, lists[0])).starts_with("-READONLY"));
        compare(&mut wire, 0);
    }
}

fn with_tokens() -> (Daemon, String, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, scraped) = (dir.path().join("tokens"), free_address());
    let lines = ["metrics", "read", "admin"].map(|may| format!("{may} {may}-0123456789abcdef\n")).concat();
    std::fs::write(&file, lines).expect("tokens");
    let daemon = Daemon::start(&["--tokens", file.to_str().expect("a path"), "--metrics", &scraped]);
    (daemon, scraped, dir)
}

#[test]
fn with_tokens_metrics_need_one_and_health_does_not() {
    let (daemon, scraped, _dir) = with_tokens();
    let status = |field: &str| Page::get(&scraped, "/metrics", field).status;
    assert_eq!(status(""), 401);
    for wrong in ["Bearer guessguessguess12", "Bearer ", "Bearer", "Basic cmVhZDpyZWFk", "metrics-0123456789abcdef"] {
        assert_eq!(status(&format!("authorization: {wrong}\r\n")), 401, "{wrong}");
    }
    for token in ["metrics", "read", "admin"] {
        assert_eq!(status(&format!("authorization: Bearer {token}-0123456789abcdef\r\n")), 200, "{token}");
    }
    let page = Page::get(&scraped, "/metrics", "authorization: bearer metrics-0123456789abcdef\r\nhost: any.name\r\n");
    assert_has(&page.body, &["contactd_wrong_tokens_total 1"]);
    for path in ["/healthz", "/readyz"] {
        assert_eq!(Page::get(&scraped, path, "").status, 200, "{path}");
    }
    // On the protocol that token may do nothing.
    let mut wire = daemon.connect();
    assert_eq!(wire.call("AUTH metrics-0123456789abcdef"), "+OK");
    assert_eq!(wire.call("PING"), "+PONG");
    assert!(wire.call("HELLO 2").starts_with("*6"));
    for request in ["STATS", "CHECK +14155550000 +14155552671", "LISTS", "COUNT", "OPTOUT * +14155552671"] {
        assert!(wire.call(request).starts_with("-NOPERM"), "{request}");
    }
    // Health says what it lacks.
    assert_eq!(health(&daemon.address, &["--alive"], None).0, Some(0));
    for token in [None, Some("metrics-0123456789abcdef"), Some("guessguessguess12")] {
        let (code, told) = health(&daemon.address, &[], token);
        assert!(code == Some(1) && told.starts_with("no_token: ") && told.contains("CONTACTD_TOKEN"), "{told}");
    }
    assert_eq!(health(&daemon.address, &[], Some("read-0123456789abcdef")), (Some(0), "all is well\n".into()));
}

#[test]
fn a_token_that_leaves_the_file_scrapes_no_more() {
    let (daemon, scraped, dir) = with_tokens();
    let status = |token: &str| {
        let field = format!("authorization: Bearer {token}-0123456789abcdef\r\n");
        Page::get(&scraped, "/metrics", &field).status
    };
    assert_eq!((status("metrics"), status("another")), (200, 401));
    std::fs::write(dir.path().join("tokens"), "metrics another-0123456789abcdef\n").expect("tokens");
    assert!(Command::new("kill").args(["-HUP", &daemon.pid().to_string()]).status().expect("kill").success());
    let since = Instant::now();
    while status("another") != 200 {
        assert!(since.elapsed() < PATIENCE, "the tokens are not read again:\n{}", daemon.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status("metrics"), 401);
}

#[test]
fn a_public_address_needs_tokens_and_a_socket_will_not_do() {
    for (address, why) in
        [("0.0.0.0:0", "--tokens"), ("[::]:0", "--tokens"), ("unix:/tmp/x", "host:port"), ("x", "host:port")]
    {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = Command::new(program());
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics", address, "--data-dir"]).arg(dir.path());
        let refused = command.output().expect("it runs");
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(refused.status.code() == Some(2) && told.contains("--metrics") && told.contains(why), "{told}");
    }
}

/// One that stands by while nobody owns the store: to start it again cures nothing, and whoever follows waits.
#[test]
fn one_that_stands_by_for_nobody_is_alive_and_waited_for() {
    let (dir, address) = (tempfile::tempdir().expect("a directory"), free_address());
    let nobody = "postgres://nobody@127.0.0.1:1/nothing";
    let mut daemon = Command::new(program())
        .args(["serve", "--http", "off", "--listen", &address, "--ledger", nobody, "--data-dir"])
        .arg(dir.path())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let since = Instant::now();
    while TcpStream::connect(&address).is_err() {
        assert!(since.elapsed() < PATIENCE, "it does not listen");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(health(&address, &["--alive"], None), (Some(0), "contactd answers\n".into()));
    let (code, told) = health(&address, &[], None);
    assert!(code == Some(2) && told.starts_with("standby: "), "{told}");
    let mut follower = Command::new(program())
        .args(["feed", "--server", &address])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut told = String::new();
    BufReader::new(follower.stderr.take().expect("piped")).read_line(&mut told).expect("a line");
    assert!(told.contains("waiting for it"), "{told}");
    for child in [&mut follower, &mut daemon] {
        child.kill().and_then(|()| child.wait()).expect("ended");
    }
}

#[test]
fn only_what_is_there_is_served_and_only_to_this_machine() {
    let watched = Watched::start(StopScope::List, 200);
    let ask = |request: &str| Page::ask(&watched.scraped, request);
    for path in ["/", "/metrics/", "/stats", "/../metrics"] {
        assert_eq!(watched.get(path).status, 404, "{path}");
    }
    assert_eq!(watched.get("/metrics?name=x").status, 200);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        let page = ask(&format!("{method} /metrics HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n"));
        assert_eq!(page.status, 405, "{method}");
    }
    let head = ask("HEAD /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n");
    assert!(head.status == 200 && head.body.is_empty() && head.head.contains("content-length: "), "{}", head.head);
    // A page of somebody else whose name leads here.
    let led = ask("GET /metrics HTTP/1.1\r\nhost: evil.example\r\n\r\n");
    assert!(led.status == 421 && !led.body.contains("contactd_"), "{}", led.body);
    let long = ask(&format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\nx: {}\r\n\r\n", "x".repeat(64 * 1024)));
    assert!(long.status == 431 || long.status == 0, "{}", long.status);
    let many = "x: y\r\n".repeat(100);
    assert_eq!(ask(&format!("GET /metrics HTTP/1.1\r\nhost: localhost\r\n{many}\r\n")).status, 431);
    // Connections that say nothing take places and are let go; the next ones wait for them.
    let silent: Vec<TcpStream> = (0..40).map(|_| TcpStream::connect(&watched.scraped).expect("a connection")).collect();
    assert_eq!(watched.get("/healthz").status, 200);
    drop(silent);
}

#[test]
fn while_it_loads_and_while_it_drains_it_is_alive_and_not_ready() {
    let disk = Arc::new(Disk::default());
    disk.hold(true);
    let watched = Watched::begin(StopScope::List, 200, disk);
    assert!(watched.get("/healthz").status == 200 && watched.get("/readyz").body.contains("loading"));
    assert_eq!(watched.get("/readyz").status, 503);
    assert_has(&watched.metrics(), &["contactd_ready 0"]);
    let (code, told) = watched.health(&[]);
    assert!(code == Some(2) && told.starts_with("loading: "), "{told}");
    assert_eq!(watched.health(&["--alive"]).0, Some(0));
    watched.browse_in_vain("contactd is loading");
    watched.disk.hold(false);
    assert_eq!(watched.wait_for("/readyz", 200).body, "ready\n");
    let page = watched.browse("/lists");
    assert!(page.status == 200 && page.body.contains("There is no sending list yet"), "{}", page.body);
    assert_eq!(watched.browse("/readyz").body, "ready\n");
    assert_eq!(watched.health(&[]), (Some(0), "all is well\n".into()));
    assert_eq!(watched.health(&["--alive"]), (Some(0), "contactd answers\n".into()));

    // A write that the disk holds up holds up the drain.
    watched.disk.hold(true);
    let mut wire = watched.connect();
    wire.send(format!("LIST {LIST}\n"));
    let since = Instant::now();
    while !watched.metrics().contains(r#"contactd_requests_total{verb="list"} 1"#) {
        assert!(since.elapsed() < PATIENCE);
    }
    let daemon = watched.daemon.lock().expect("the lock").take().expect("it runs");
    let stopped = watched.runtime.spawn(daemon.stop());
    assert!(watched.wait_for("/readyz", 503).body.contains("draining"));
    assert_eq!(watched.get("/healthz").status, 200);
    assert_has(&watched.metrics(), &["contactd_ready 0"]);
    watched.browse_in_vain("contactd is shutting down");
    watched.disk.hold(false);
    assert_eq!(watched.runtime.block_on(stopped).expect("it stops"), 0);
    assert_eq!(wire.reply(), "+created");
    assert!(TcpStream::connect(&watched.scraped).is_err(), "it ended with the daemon");
    assert!(TcpStream::connect(&watched.console).is_err(), "so did the console");
}

#[test]
fn health_says_what_is_wrong() {
    let watched = Watched::start(StopScope::List, 200);
    let mut wire = watched.connect();
    wire.call_all(&[format!("LIST {LIST}"), format!("OPTIN {LIST} +14155552671")]);
    let is = |expected: i32, words: &[&str]| {
        let (code, told) = watched.health(&[]);
        assert_eq!(code, Some(expected), "{told}");
        assert_eq!(told.lines().count(), words.len().max(1), "{told}");
        for (line, words) in told.lines().zip(words) {
            assert!(line.contains(words), "{told}");
        }
        let (code, json) = watched.health(&["--json"]);
        let json: Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!((code, json["troubles"].as_array().map(Vec::len)), (Some(expected), Some(words.len())), "{json}");
    };
    is(0, &[]);
    watched.disk.free.store(DISK_FREE_LOW_BYTES + 1, Ordering::SeqCst);
    is(1, &["disk_low: the disk is nearly full"]);
    watched.disk.free.store(DISK_FREE_LOW_BYTES - 1, Ordering::SeqCst);
    assert_eq!(wire.call(&format!("OPTOUT {LIST} +14155552671")), ":1");
    is(1, &["disk_low: only what forbids is written"]);
    assert!(watched.get("/readyz").status == 200 && watched.get("/readyz").body.contains("disk_low"));
    assert_has(&watched.metrics(), &[r#"contactd_read_only{reason="disk_low"} 1"#]);
    watched.disk.free.store(DISK_FREE_MIN_BYTES - 1, Ordering::SeqCst);
    is(1, &["read_only: nothing is written, since the disk is full (63 MiB free)"]);
    assert!(wire.call(&format!("OPTOUT {LIST} +14155552672")).starts_with("-READONLY"));
    is(1, &["forbidden_in_memory: 1 opt-out or the like", "read_only: nothing is written"]);
    assert!(watched.get("/readyz").status == 200 && watched.get("/readyz").body.contains("disk_full"));
    let page = watched.metrics();
    assert_has(&page, &[r#"contactd_read_only{reason="disk_full"} 1"#, "contactd_forbidden_in_memory 1"]);
    assert_has(&page, &[r#"contactd_read_only{reason="disk_low"} 0"#, r#"contactd_errors_total{code="READONLY"} 1"#]);
    watched.disk.free.store(1 << 40, Ordering::SeqCst);
    assert_eq!(wire.call(&format!("OPTOUT {LIST} +14155552672")), ":1");
    is(0, &[]);
    // People leave.
    for n in 1000..1150 {
        wire.call(&format!("SENT {LIST} +1415555{n} m"));
    }
    for n in 1000..1010 {
        wire.call(&format!("OPTIN {LIST} +1415555{n}"));
        wire.call(&format!("OPTOUT {LIST} +1415555{n}"));
    }
    is(1, &["opt_out_rate_high: people leave these lists: +14155550000 ("]);
    assert_has(&watched.metrics(), &["contactd_lists_opt_out_rate_high 1"]);
    watched.disk.broken.store(true, Ordering::SeqCst);
    assert!(wire.call("PUT +14155552679").starts_with('-'));
    is(1, &["read_only: nothing is written, since a write failed", "opt_out_rate_high"]);
    assert_has(&watched.metrics(), &[r#"contactd_read_only{reason="write_failed"} 1"#]);
}

/// What cannot be used is told until it can be: by health, STATS, metrics and /readyz alike.
#[test]
fn a_file_that_cannot_be_used_is_a_state() {
    let dir = tempfile::tempdir().expect("a directory");
    let (tokens, config) = (dir.path().join("tokens"), dir.path().join("contactd.toml"));
    let scraped = free_address();
    let good = ["admin admin-0123456789abcdef\n", "fsync = \"always\"\n"];
    std::fs::write(&tokens, good[0]).expect("written");
    std::fs::write(&config, good[1]).expect("written");
    let text = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
    let daemon = Daemon::start(&["--config", &text(&config), "--tokens", &text(&tokens), "--metrics", &scraped]);
    let told = || health(&daemon.address, &[], Some("admin-0123456789abcdef"));
    let wait_until = |what: &str, is_so: &dyn Fn() -> bool| {
        let since = Instant::now();
        while !is_so() {
            assert!(since.elapsed() < PATIENCE, "{what}: {}\n{}", told().1, daemon.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    let scrape = || Page::get(&scraped, "/metrics", "authorization: Bearer admin-0123456789abcdef\r\n").body;
    assert_eq!(told(), (Some(0), "all is well\n".into()));
    assert_has(
        &scrape(),
        &[r#"contactd_reload_refused{file="tokens"} 0"#, r#"contactd_reload_refused{file="settings"} 0"#],
    );

    // Nobody asks for it: the files are looked at now and then.
    std::fs::write(&tokens, "admin short\n").expect("written");
    std::fs::write(&config, "fsync = \"always\"\nfsink = 1\n").expect("written");
    wait_until("both are told", &|| told().1.lines().count() == 2);
    let (code, lines) = told();
    assert_eq!(code, Some(1), "{lines}");
    let lines: Vec<&str> = lines.lines().collect();
    let is_told = |line: &str, words: [&str; 3]| words.into_iter().all(|words| line.contains(words));
    let settings = [
        "reload_refused: the settings could not be used: 2",
        "contactd.toml: line 2: unknown field `fsink`; `man",
        "not start",
    ];
    assert!(is_told(lines[0], settings), "{lines:?}");
    assert!(
        is_told(lines[1], ["reload_refused: the tokens file", "tokens: line 1 has a token", "not start"]),
        "{lines:?}"
    );
    let page = scrape();
    assert_has(
        &page,
        &[r#"contactd_reload_refused{file="tokens"} 1"#, r#"contactd_reload_refused{file="settings"} 1"#],
    );
    assert_has(&page, &[r#"contactd_reload_refused{file="certificate"} 0"#]);
    let ready = Page::get(&scraped, "/readyz", "");
    assert_eq!((ready.status, &*ready.body), (200, "ready; reload_refused: settings; reload_refused: tokens\n"));

    std::fs::write(&tokens, good[0]).expect("written");
    std::fs::write(&config, good[1]).expect("written");
    wait_until("all is well again", &|| told().0 == Some(0));
    assert_has(&scrape(), &[r#"contactd_reload_refused{file="tokens"} 0"#]);
    assert_eq!(Page::get(&scraped, "/readyz", "").body, "ready\n");
    let log = daemon.log();
    assert!(log.contains("contactd.toml through; what has changed in it counts from the next start on"), "{log}");
    assert_eq!(log.matches("unknown field `fsink`").count(), 1, "it is logged once:\n{log}");
}

#[test]
fn nobody_there_is_said_and_so_is_silence() {
    let (code, told) = health(&free_address(), &[], None);
    assert!(code == Some(2) && told.starts_with("no_answer: ") && told.contains("is it running?"), "{told}");
    let (code, told) = health(&free_address(), &["--json", "--alive"], None);
    let json: Value = serde_json::from_str(&told).expect("JSON");
    assert_eq!((code, &json["health"], &json["troubles"][0]["what"]), (Some(2), &"down".into(), &"no_answer".into()));
    // Somebody who takes the connection and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let address = silent.local_addr().expect("an address").to_string();
    let (code, told) = health(&address, &[], None);
    assert!(code == Some(2) && told.contains("did not answer within"), "{told}");
}
