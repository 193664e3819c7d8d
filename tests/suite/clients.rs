//! The same five requests through the clients that people have.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Daemon, has, program};

const LINES: &str = "LIST +14155550000\nOPTIN +14155550000 +14155552671 {\"how\":\"api\"}\nCHECK +14155550000 +14155552671\nINBOUND +14155550000 +14155552671 {\"text\":\" Stop. \"}\nCHECK +14155550000 +14155552671\n";

fn pipe(program: &str, arguments: &[&str], input: &str) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the client starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
    String::from_utf8_lossy(&child.wait_with_output().expect("it ends").stdout).into_owned()
}

#[test]
fn netcat() {
    if has("nc") {
        let daemon = Daemon::start(&[]);
        let (host, port) = daemon.address.split_once(':').expect("an address");
        let told = pipe("nc", &["-N", host, port], LINES);
        assert_eq!(told, "+created\r\n:1\r\n+yes\r\n+optout\r\n+no list_opted_out\r\n");
    }
}

/// The five requests as redis-cli reads them: JSON in quotes.
fn quoted() -> String {
    LINES.replace('{', "'{").replace('}', "}'")
}

fn words(line: &str) -> Vec<String> {
    let (before, json) =
        line.split_once(" {").map_or((line, None), |(before, json)| (before, Some(format!("{{{json}"))));
    before.split(' ').map(str::to_owned).chain(json).collect()
}

fn port(daemon: &Daemon) -> String {
    daemon.address.rsplit(':').next().expect("a port").to_owned()
}

#[test]
fn redis_cli_with_arguments() {
    if has("redis-cli") {
        let daemon = Daemon::start(&[]);
        let told: Vec<String> = LINES
            .lines()
            .map(|line| {
                let (port, words) = (port(&daemon), words(line));
                let arguments = ["-p", &port].into_iter().chain(words.iter().map(String::as_str));
                pipe("redis-cli", &arguments.collect::<Vec<_>>(), "").trim().to_owned()
            })
            .collect();
        assert_eq!(told, ["created", "1", "yes", "optout", "no list_opted_out"]);
        let told = pipe("redis-cli", &["-3", "-p", &port(&daemon), "GET", "+14155550199"], "");
        assert_eq!(told.trim(), "", "nil after HELLO 3");
    }
}

#[test]
fn redis_cli_from_a_pipe() {
    if has("redis-cli") {
        let daemon = Daemon::start(&[]);
        let told = pipe("redis-cli", &["-p", &port(&daemon)], &quoted());
        let told: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(told, ["created", "1", "yes", "optout", "no list_opted_out"]);
    }
}

/// `redis-cli --pipe` sends what it reads as it is, then an ECHO of its own to know where the replies end.
#[test]
fn redis_cli_pipe_mode() {
    if has("redis-cli") {
        let daemon = Daemon::start(&[]);
        let told = pipe("redis-cli", &["-p", &port(&daemon), "--pipe"], &LINES.replace('\n', "\r\n"));
        assert!(told.contains("errors: 0, replies: 5"), "{told}");
        assert_eq!(daemon.connect().call("CHECK +14155550000 +14155552671"), "+no list_opted_out");
        let arrays: String = (0..5000)
            .fold(String::new(), |arrays, n| arrays + &format!("*2\r\n$3\r\nPUT\r\n$12\r\n+1415556{n:04}\r\n"));
        let told = pipe("redis-cli", &["-p", &port(&daemon), "--pipe"], &arrays);
        assert!(told.contains("errors: 0, replies: 5000"), "{told}");
    }
}

#[test]
fn redis_benchmark() {
    if has("redis-benchmark") {
        let daemon = Daemon::start(&[]);
        let mut wire = daemon.connect();
        assert_eq!(wire.call("LIST +14155550000"), "+created");
        let port = port(&daemon);
        let start = ["-p", &port, "-n", "20000", "-c", "10", "-P", "16", "-r", "10000", "-q"];
        let check = ["CHECK", "+14155550000", "+4__rand_int__"];
        let told = pipe("redis-benchmark", &[&start[..], &check[..]].concat(), "");
        assert!(told.contains("requests per second") && !told.to_lowercase().contains("error"), "{told}");
        let stats = wire.call("STATS");
        assert!(stats.contains("\n+requests_check 20000"), "{stats}");
        assert!(stats.contains("\n+errors 0"), "{stats}");
    }
}

#[test]
fn redis_py() {
    let installed = Command::new("python3").args(["-c", "import redis"]).stderr(Stdio::null()).status();
    if !installed.is_ok_and(|status| status.success()) {
        assert!(std::env::var("CONTACTD_TEST_ALL").is_err(), "python's redis is not installed");
        eprintln!("skipped: python's redis is not installed");
        return;
    }
    let daemon = Daemon::start(&[]);
    let port = daemon.address.rsplit(':').next().expect("a port");
    let program = format!(
        r#"
import redis
# After seconds without a reply it would send all of a pipeline again, and be told that nothing has changed.
r = redis.Redis(port={port}, socket_timeout=60)
c = r.execute_command
print(c("LIST", "+14155550000"), c("OPTIN", "+14155550000", "+14155552671", '{{"how":"api"}}'))
print(c("CHECK", "+14155550000", "+14155552671"))
print(c("INBOUND", "+14155550000", "+14155552671", '{{"text":" Stop. "}}'))
p = r.pipeline(transaction=False)
p.execute_command("CHECK", "+14155550000", "+14155552671")
p.execute_command("GET", "+14155550199")
print(p.execute(), r.ping(), r.echo("a b"))
q = r.pipeline(transaction=False)
for n in range(500):
    q.execute_command("PUT", "+1415556%04d" % n)
    q.execute_command("CHECK", "+14155550000", "+1415556%04d" % n)
print(sorted(set(q.execute())))
try:
    c("CHECK", "+14155550000", "nonsense")
except redis.ResponseError as why:
    print(str(why)[:6])
r3 = redis.Redis(port={port}, protocol=3, decode_responses=True)
print(r3.execute_command("CHECK", "+14155550000", "+14155552671"), r3.execute_command("GET", "+14155550199"))
"#
    );
    let told = pipe("python3", &["-c", &program], "");
    assert_eq!(
        told,
        "b'created' 1\nb'yes'\nb'optout'\n[b'no list_opted_out', None] True b'a b'\n[b'created', b'no not_subscribed']\nBADARG\nno list_opted_out None\n"
    );
}

/// The clients that come with contactd have tests of their own, in their own languages, against the real daemon.
#[test]
fn the_clients_of_this_repository() {
    if !has("python3") {
        return;
    }
    let output = Command::new("python3")
        .args(["-W", "error", "-m", "unittest", "discover", "tests/clients"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("CONTACTD_BIN", program())
        .output()
        .expect("python3 runs");
    let told = String::from_utf8_lossy(&output.stderr);
    let skipped = told.lines().filter(|line| line.contains("skipped"));
    skipped.for_each(|line| eprintln!("{line}"));
    assert!(output.status.success(), "{}{told}", String::from_utf8_lossy(&output.stdout));
}
