//! `contactd show`, `contactd lists` and `contactd top` as a person runs them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::purge_cli::{contactd, done};
use crate::support::{Daemon, has, program};

const PHONE: &str = "+14155550123";

fn show(daemon: &Daemon, options: &[&str]) -> (Option<i32>, String) {
    let (code, text, errors) = done(contactd(&[&["show", "--server", &daemon.address], options].concat()));
    assert!(errors.is_empty(), "{errors}");
    (code, text)
}

/// A contact whose whole life lies in the past.
fn life(daemon: &Daemon) {
    let mut wire = daemon.connect();
    for (request, reply) in [
        (r#"LIST 24365 {"name":"Spring \u001b]0;sale"}"#, "+created"),
        ("LIST 24366", "+created"),
        (
            r#"IMPORT 24366 {"phone":"+14155550123","subscribed_at":"2026-03-01","source":"march.csv","created_at":"2026-03-01","labels":{"city":"New York","tier":"gold"}}"#,
            "+created +14155550123",
        ),
        (r#"OPTIN 24365 +14155550123 {"at":"2026-04-01","source":"web form 7"}"#, ":1"),
        (r#"SENT 24365 +14155550123 m-1 {"at":"2026-04-02T10:00:00Z"}"#, ":1"),
        (
            r#"CLICK 24365 +14155550123 {"message":"m-1","url":"https://example.com/\u001b[2Jsale","id":"c-1","at":"2026-04-02T10:05:00Z"}"#,
            ":1",
        ),
        (r#"CONVERT 24365 +14155550123 49.90 {"message":"m-1","id":"o-1","at":"2026-04-03T09:00:00Z"}"#, ":1"),
        (r#"SENT 24365 +14155550123 m-2 {"at":"2026-04-02T11:00:00Z"}"#, ":1"),
        (r#"FAILED 24365 +14155550123 m-2 {"code":"30007","at":"2026-04-02T11:01:00Z"}"#, ":1"),
        (r#"INBOUND 24365 +14155550123 {"text":"Stop!","id":"SM1","at":"2026-04-20T14:02:00Z"}"#, "+optout"),
    ] {
        assert_eq!(wire.call(request), reply, "{request}");
    }
}

#[test]
fn a_contact_is_a_page() {
    let daemon = Daemon::start(&[]);
    life(&daemon);
    let (code, text) = show(&daemon, &[PHONE]);
    assert_eq!(code, Some(0), "{text}");
    let page = "\
+14155550123  active, since 2026-03-01 00:00

Lists
  24365 (Spring ?]0;sale)  opted_out; may be sent to: no list_opted_out
    subscribed 2026-04-01 00:00 by api, source web form 7
    opted out 2026-04-20 14:02 by keyword
  24366  active; may be sent to: yes
    subscribed 2026-03-01 00:00 by import, source march.csv

Labels
  city=New York  tier=gold

Messages
  sent 1, clicked 1 (scanners 0), bought 1 for 49.9
  last sent 2026-04-02 11:00, last clicked 2026-04-02 10:05, last inbound 2026-04-20 14:02
  last engaged 2026-04-03 09:00, 0 messages since

Timeline (UTC, the newest first)
  2026-04-20
    14:02  24365  inbound  (optout)  'Stop!'  id SM1
  2026-04-02
    11:00  24365  message m-2: sent 11:00 → failed 11:01 30007
    10:00  24365  message m-1: sent 10:00 → clicked 10:05 https://example.com/?[2Jsale → converted 2026-04-03 09:00 49.9
  2026-04-01
    00:00  24365  optin  how api  source web form 7
  2026-03-01
    00:00  24366  subscribe  how import  source march.csv
";
    assert_eq!(text, page, "{text}");
    let (_, text) = show(&daemon, &["--limit", "1", PHONE]);
    assert!(text.contains("2026-04-20") && !text.contains("message m-1") && text.contains("older events"), "{text}");
}

#[test]
fn a_page_is_json_too_and_a_tombstone_has_one() {
    let daemon = Daemon::start(&[]);
    life(&daemon);
    let (code, text) = show(&daemon, &["--json", PHONE]);
    let page: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((code, &page["contact"]["phone_number"]), (Some(0), &json!(PHONE)));
    assert_eq!(page["lists"]["24366"], json!({ "name": "", "verdict": "yes" }));
    assert_eq!(page["older_events"], false);
    let messages: Vec<(&Value, &Value)> = page["timeline"]
        .as_array()
        .expect("days")
        .iter()
        .flat_map(|day| day["items"].as_array().expect("items"))
        .filter(|item| item["kind"] == "message")
        .map(|item| (&item["id"], &item["state"]))
        .collect();
    assert_eq!(messages, [(&json!("m-2"), &json!("failed")), (&json!("m-1"), &json!("converted"))]);

    assert!(daemon.connect().call(&format!("ERASE {PHONE}")).starts_with("+erased"));
    let (code, text) = show(&daemon, &[PHONE]);
    assert_eq!(code, Some(0), "{text}");
    assert!(text.starts_with("+14155550123  erased 20") && text.contains("what its tombstone keeps"), "{text}");
    assert!(
        text.contains("  opted out of all lists 20") && text.contains("  erase\n") && !text.contains("Stop!"),
        "{text}"
    );

    let (code, text) = show(&daemon, &["+14155550199"]);
    assert_eq!((code, text.as_str()), (Some(1), "contactd does not know +14155550199.\n"));
    let (code, text) = show(&daemon, &["--json", "+14155550199"]);
    assert_eq!((code, text.as_str()), (Some(1), ""));
}

#[test]
fn lists_are_a_table_with_the_worst_first() {
    let daemon = Daemon::start(&["--opt-out-rate-min-sends", "2"]);
    let mut wire = daemon.connect();
    wire.call(r#"LIST 24365 {"name":"Good \u001b[31m"}"#);
    wire.call(r#"LIST 24366 {"name":"Bad","paused":true}"#);
    wire.call("LIST +14155550100");
    wire.call("LIST +14155550200");
    for (list, phones, sends, out) in [("24365", 3, 2, 0), ("24366", 2, 2, 1), ("+14155550100", 1, 1, 1)] {
        for n in 0..phones {
            wire.call(&format!("OPTIN {list} +1415555{n:04}"));
        }
        for n in 0..sends {
            assert_eq!(wire.call(&format!("SENT {list} +14155550000 m-{n}")), ":1");
        }
        for n in 0..out {
            assert_eq!(wire.call(&format!("OPTOUT {list} +1415555{n:04}")), ":1");
        }
    }
    let (code, text, errors) = done(contactd(&["lists", "--server", &daemon.address]));
    let table = "\
Number        Name        Can receive  Active  Opted out  Held back  Sends 30 d  Opt-outs 30 d     Rate
24366         Bad                   0       1          1          0           2              1  50.00 %  HIGH paused
24365         Good ?[31m            3       3          0          0           2              0   0.00 %
+14155550100                        0       0          1          0           1              1  too few
+14155550200                        0       0          0          0           0              0  too few
";
    assert_eq!((code, text.as_str()), (Some(0), table), "{text}{errors}");
    let (_, text, _) = done(contactd(&["lists", "--json", "--server", &daemon.address, "+14155550100", "24366"]));
    let lists: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(lists.iter().map(|list| &list["list"]).collect::<Vec<_>>(), ["24366", "+14155550100"]);
    assert_eq!((&lists[0]["can_receive"], &lists[0]["opt_out_rate_enough_sends"]), (&json!(0), &json!(true)));
    // More lists than one page has.
    let more: Vec<String> = (31_000..32_100).map(|list| format!(r#"LIST {list} {{"name":"n"}}"#)).collect();
    assert!(wire.call_all(&more).iter().all(|reply| !reply.starts_with('-')));
    let (_, text, _) = done(contactd(&["lists", "--json", "--server", &daemon.address]));
    let numbers: BTreeSet<&str> = text.lines().collect();
    assert_eq!((text.lines().count(), numbers.len()), (1_104, 1_104));
    let (code, _, errors) = done(contactd(&["lists", "--server", &daemon.address, "24399"]));
    assert!(code == Some(2) && errors.contains("24399 is not a list"), "{errors}");
}

#[test]
fn top_tells_what_happened_between_two_looks() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    wire.call("LIST 24365");
    wire.call("OPTIN 24365 +14155550123");
    let mut command = contactd(&["top", "--json", "--server", &daemon.address]);
    let mut top = command.spawn().expect("it runs");
    let mut lines = BufReader::new(top.stdout.take().expect("a pipe")).lines();
    let mut next = || -> Value { serde_json::from_str(&lines.next().expect("a line").expect("UTF-8")).expect("JSON") };
    let first = next();
    assert_eq!((&first["read_only"], &first["contacts"]), (&json!(false), &json!(1)));
    for request in ["CHECK 24365 +14155550123 +14155550124 +14155550125", "OPTOUT 24365 +14155550123", "NOSUCH"] {
        wire.call(request);
    }
    let mut seen = [0.0; 4];
    // The error came last: with it, all of them are counted.
    while seen[3] < 0.5 {
        let line = next();
        let seconds = line["seconds"].as_f64().expect("seconds");
        for (seen, name) in seen.iter_mut().zip(["checks_yes", "checks_no", "opt_outs", "errors"]) {
            *seen += seconds * line["per_second"][name].as_f64().expect("a rate");
        }
        assert!(line["requests_per_second"]["stats"].as_f64().is_some_and(|rate| rate > 0.0), "{line}");
    }
    top.kill().and_then(|()| top.wait()).expect("to end");
    assert_eq!(seen.map(|seen| format!("{seen:.0}")), ["1", "2", "1", "1"]);
    let (code, screen, errors) = done(contactd(&["top", "--once", "--server", &daemon.address]));
    assert!(code == Some(0) && screen.starts_with("contactd ") && screen.contains("  CHECK yes "), "{screen}{errors}");
    assert!(screen.contains("  STATS ") && !screen.contains('\u{1b}'), "{screen}");
}

/// On a terminal the screen is drawn until q, and the terminal is then as it was.
#[test]
fn top_gives_the_terminal_back() {
    if !has("python3") {
        return;
    }
    let daemon = Daemon::start(&[]);
    let script = r"
import os, pty, select, subprocess, sys, termios, time
ours, theirs = pty.openpty()
before = termios.tcgetattr(theirs)
top = subprocess.Popen(sys.argv[1:], stdin=theirs, stdout=theirs)
seen = b''
while b'requests per second' not in seen:
    assert select.select([ours], [], [], 60)[0], seen
    seen += os.read(ours, 4096)
assert termios.tcgetattr(theirs) != before
os.write(ours, b'x')
os.write(ours, sys.stdin.buffer.read())
while top.poll() is None:
    if select.select([ours], [], [], 0.1)[0]:
        seen += os.read(ours, 4096)
while select.select([ours], [], [], 0.1)[0]:
    seen += os.read(ours, 4096)
assert termios.tcgetattr(theirs) == before
assert b'\x1b[?1049h' in seen and seen.rstrip().endswith(b'\x1b[?1049l'), seen
print(top.returncode)
";
    for key in ["q", "\u{3}"] {
        let mut python = Command::new("python3");
        python.args(["-c", script, program(), "top", "--server", &daemon.address]);
        let mut child =
            python.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("python3 runs");
        child.stdin.take().expect("a pipe").write_all(key.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("it ends");
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(String::from_utf8_lossy(&output.stdout), "0\n", "{errors}");
    }
}
