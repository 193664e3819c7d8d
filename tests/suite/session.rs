//! Who may do what, and the command line.

use std::process::Command;

use crate::support::{Daemon, Wire, program};

fn call(daemon: &Daemon, words: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(program()).args(["call", "--server", &daemon.address]).args(words).output().expect("it runs");
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).trim().to_owned())
}

#[test]
fn tokens_allow_what_they_say() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("tokens");
    std::fs::write(&file, "read rrrrrrrrrrrrrrrr\nwrite wwwwwwwwwwwwwwww\nadmin aaaaaaaaaaaaaaaa\n").expect("written");
    let daemon = Daemon::start(&["--tokens", file.to_str().expect("a path")]);
    let asks = |token: &str| -> Vec<String> {
        let mut wire: Wire = daemon.connect();
        if !token.is_empty() {
            assert_eq!(wire.call(&format!("AUTH {token}")), "+OK");
        }
        let lines = ["STATS", "LIST +14155550000", "UNLIST +14155559999"];
        lines.map(|line| wire.call(line).split(' ').next().unwrap_or_default().to_owned()).to_vec()
    };
    assert_eq!(asks(""), ["-NOAUTH", "-NOAUTH", "-NOAUTH"]);
    assert_eq!(&asks("rrrrrrrrrrrrrrrr")[1..], ["-NOPERM", "-NOPERM"]);
    assert_eq!(&asks("wwwwwwwwwwwwwwww")[1..], ["+created", "-NOPERM"]);
    assert_eq!(&asks("aaaaaaaaaaaaaaaa")[1..], ["+unchanged", "-NOLIST"]);
    let mut wire = daemon.connect();
    assert!(wire.call("AUTH guessguessguess1").starts_with("-NOAUTH"));
    assert!(wire.call("HELLO 3").starts_with("-NOAUTH"));
    assert!(wire.call("HELLO 3 AUTH default rrrrrrrrrrrrrrrr").starts_with("%3"));
    assert_eq!(wire.call("GET +14155552671"), "_");
    let log = daemon.log();
    assert!(!log.contains("rrrrrrrr") && !log.contains("guess"), "{log}");
}

#[test]
fn a_public_address_needs_tokens() {
    let dir = tempfile::tempdir().expect("a directory");
    let refused =
        Command::new(program()).args(["serve", "--listen", "0.0.0.0:0", "--data-dir"]).arg(dir.path()).output();
    let refused = refused.expect("it runs");
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--tokens"));
}

#[test]
fn call_tells_by_its_exit_code() {
    let daemon = Daemon::start(&["--log-format", "json"]);
    assert_eq!(call(&daemon, &["PING"]), (Some(0), "PONG".into()));
    assert_eq!(call(&daemon, &["GET", "+14155552671"]), (Some(1), String::new()));
    let (code, told) = call(&daemon, &["CHECK", "nonsense"]);
    assert_eq!(code, Some(2), "{told}");
    let log = daemon.log();
    assert!(!log.is_empty() && log.lines().all(|line| line.starts_with('{')), "{log}");
}

#[test]
fn export_comes_out_and_formulas_are_safe() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    wire.call("LIST +14155550000");
    wire.call(r#"IMPORT +14155550000 {"phone":"+14155552671","labels":{"note":"=1+1","city":"New York"}}"#);
    let output = Command::new(program()).args(["export", "--server", &daemon.address]).output().expect("it runs");
    let sheet = String::from_utf8_lossy(&output.stdout);
    assert!(sheet.contains("'=1+1") && sheet.contains("'+14155552671") && sheet.contains("New York"), "{sheet}");
    assert_eq!(sheet.lines().count(), 2);
}

#[test]
fn the_demo_tells_its_story() {
    let output = Command::new(program()).arg("demo").output().expect("it runs");
    let story = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{story}{}", String::from_utf8_lossy(&output.stderr));
    assert!(story.contains("← +yes") && story.contains("← +no list_opted_out") && story.contains("nc -N"), "{story}");
}
