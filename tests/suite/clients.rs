//! The same five requests through the clients that people have.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Daemon, has};

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

#[test]
fn redis_cli() {
    if has("redis-cli") {
        let daemon = Daemon::start(&[]);
        let port = daemon.address.rsplit(':').next().expect("a port").to_owned();
        let json = |line: &str| {
            line.replace("{\"how\":\"api\"}", "'{\"how\":\"api\"}'")
                .replace("{\"text\":\" Stop. \"}", "'{\"text\":\" Stop. \"}'")
        };
        let told = pipe("redis-cli", &["-p", &port], &json(LINES));
        let told: Vec<&str> = told.lines().filter(|line| !line.is_empty()).collect();
        assert_eq!(told, ["created", "1", "yes", "optout", "no list_opted_out"]);
        let told = pipe("redis-cli", &["-p", &port, "--pipe"], &LINES.replace('\n', "\r\n"));
        assert!(told.contains("errors: 1, replies: 5"), "{told}");
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
r = redis.Redis(port={port})
c = r.execute_command
print(c("LIST", "+14155550000"), c("OPTIN", "+14155550000", "+14155552671", '{{"how":"api"}}'))
print(c("CHECK", "+14155550000", "+14155552671"))
print(c("INBOUND", "+14155550000", "+14155552671", '{{"text":" Stop. "}}'))
p = r.pipeline(transaction=False)
p.execute_command("CHECK", "+14155550000", "+14155552671")
p.execute_command("GET", "+14155550199")
print(p.execute(), r.ping())
"#
    );
    let told = pipe("python3", &["-c", &program], "");
    assert_eq!(told, "b'created' 1\nb'yes'\nb'optout'\n[b'no list_opted_out', None] True\n");
}
