//! Who may do what, and the command line.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use contactd::command::{Access, TABLE};
use contactd::limits::UNAUTHENTICATED_BYTES_MAX;

use crate::support::{Daemon, PATIENCE, Wire, free_address, program};

const READ: &str = "rrrrrrrrrrrrrrrr";
const WRITE: &str = "wwwwwwwwwwwwwwww";
const ADMIN: &str = "aaaaaaaaaaaaaaaa";

fn call(daemon: &Daemon, words: &[&str]) -> (Option<i32>, String) {
    let output =
        Command::new(program()).args(["call", "--server", &daemon.address]).args(words).output().expect("it runs");
    let told = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&told).trim().to_owned())
}

/// A daemon that wants a token, and the directory of its tokens file.
fn with_tokens() -> (Daemon, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("tokens");
    std::fs::write(&file, format!("# who\n\nread {READ}\nwrite {WRITE}\nadmin {ADMIN}\n")).expect("written");
    (Daemon::start(&["--tokens", file.to_str().expect("a path")]), dir)
}

/// A daemon that a test starts by other means than `serve --listen --data-dir`; killed at the end.
struct Started(Child);

impl Started {
    /// Waits until `contactd call` reaches it.
    fn new(mut command: Command, address: &str) -> Started {
        let mut started = Started(command.stdin(Stdio::null()).spawn().expect("it starts"));
        let since = Instant::now();
        while call_at(address, &["PING"]).status.code() != Some(0) {
            let ended = started.0.try_wait().expect("a child");
            assert!(ended.is_none() && since.elapsed() < PATIENCE, "nobody answers on {address}: {ended:?}");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        started
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn call_at(address: &str, words: &[&str]) -> Output {
    Command::new(program()).args(["call", "--server", address]).args(words).output().expect("it runs")
}

#[test]
fn every_command_needs_the_token_of_the_table() {
    let (daemon, _dir) = with_tokens();
    for (level, token) in [(Access::Anyone, ""), (Access::Read, READ), (Access::Write, WRITE), (Access::Admin, ADMIN)] {
        for command in TABLE {
            let mut wire = daemon.connect();
            if !token.is_empty() {
                assert_eq!(wire.call(&format!("AUTH {token}")), "+OK");
            }
            let request = format!("{}{}", command.name, " x".repeat(command.arity.0));
            let reply = wire.call(&request);
            let refused = ["-NOAUTH", "-NOPERM"].into_iter().find(|code| reply.starts_with(code));
            let expected = match level {
                _ if command.name == "AUTH" => Some("-NOAUTH"),
                Access::Anyone if command.name == "HELLO" => Some("-NOAUTH"),
                _ if level >= command.access => None,
                Access::Anyone => Some("-NOAUTH"),
                _ => Some("-NOPERM"),
            };
            assert_eq!(refused, expected, "{request} with a token for {}: {reply}", level.word());
        }
    }
}

#[test]
fn tokens_allow_what_they_say() {
    let (daemon, _dir) = with_tokens();
    let asks = |token: &str| -> Vec<String> {
        let mut wire: Wire = daemon.connect();
        if !token.is_empty() {
            assert_eq!(wire.call(&format!("AUTH {token}")), "+OK");
        }
        let lines = ["STATS", "LIST +14155550000", "UNLIST +14155559999"];
        lines.map(|line| wire.call(line).split(' ').next().unwrap_or_default().to_owned()).to_vec()
    };
    assert_eq!(asks(""), ["-NOAUTH", "-NOAUTH", "-NOAUTH"]);
    assert_eq!(&asks(READ)[1..], ["-NOPERM", "-NOPERM"]);
    assert_eq!(&asks(WRITE)[1..], ["+created", "-NOPERM"]);
    assert_eq!(&asks(ADMIN)[1..], ["+unchanged", "-NOLIST"]);
    let mut wire = daemon.connect();
    assert!(wire.call("AUTH guessguessguess1").starts_with("-NOAUTH"));
    assert!(wire.call(&format!("AUTH {}", &READ[1..])).starts_with("-NOAUTH"), "a part of a token is none");
    assert!(wire.call("HELLO 3").starts_with("-NOAUTH"));
    assert!(wire.call("HELLO 3 AUTH default guessguessguess2").starts_with("-NOAUTH"));
    assert_eq!(wire.call("PING"), "+PONG", "a wrong token may be followed by the right one");
    assert!(wire.call(&format!("HELLO 3 AUTH default {READ}")).starts_with("%3"));
    assert_eq!(wire.call("GET +14155552671"), "_");
    assert_eq!(daemon.connect().call(&format!("AUTH somebody {READ}")), "+OK");
    let log = daemon.log();
    assert!(!log.contains("rrrrrrrr") && !log.contains("guess"), "{log}");
}

#[test]
fn the_log_never_tells_a_token() {
    let dir = tempfile::tempdir().expect("a directory");
    let (file, log, address) = (dir.path().join("tokens"), dir.path().join("log"), free_address());
    std::fs::write(&file, format!("read {READ}\nadmin {ADMIN}\n")).expect("written");
    let mut command = Command::new(program());
    command
        .args(["serve", "--listen", &address, "--data-dir"])
        .arg(dir.path().join("data"))
        .arg("--tokens")
        .arg(&file)
        .env("CONTACTD_LOG", "trace,sled=warn")
        .stderr(std::fs::File::create(&log).expect("a log"));
    let _started = Started::new(command, &address);
    let mut wire = Wire::connect(&address);
    assert!(wire.call("AUTH guessguessguess1").starts_with("-NOAUTH"));
    assert!(!wire.call("AUTHguessguessguess2 x").contains("guessguessguess2 "));
    assert_eq!(wire.call(&format!("AUTH {READ}")), "+OK");
    assert!(wire.call(&format!("HELLO 3 AUTH me {ADMIN}")).starts_with("%3"));
    let with_token =
        Command::new(program()).args(["call", "--server", &address, "STATS"]).env("CONTACTD_TOKEN", ADMIN).output();
    assert!(with_token.expect("it runs").status.success());
    let log = std::fs::read_to_string(&log).expect("a log");
    assert!(!log.is_empty() && [READ, ADMIN, "guess"].iter().all(|secret| !log.contains(secret)), "{log}");
}

#[test]
fn before_the_token_little_is_taken_and_not_for_long() {
    let (daemon, _dir) = with_tokens();
    let long = format!("PING {}", "x".repeat(UNAUTHENTICATED_BYTES_MAX));
    let mut wire = daemon.connect();
    assert!(wire.call(&long).starts_with("-LIMIT"));
    let array = format!("*2\r\n$4\r\nPING\r\n${}\r\n{}\r\n", long.len(), long);
    wire.send(array);
    assert!(wire.reply().starts_with("-LIMIT"));
    assert_eq!(wire.call(&format!("AUTH {READ}")), "+OK", "in sync behind them");
    assert!(wire.call(&long).starts_with("+xxx"), "with a token requests may be longer");
    // One says nothing, one says nothing that counts for ever: both are closed. One with a token may be silent.
    let mut silent = daemon.connect();
    let mut chatty = daemon.connect();
    let since = Instant::now();
    while !chatty.call("PING").is_empty() {
        assert!(since.elapsed() < PATIENCE, "a client without a token is closed");
    }
    assert_eq!(silent.reply(), "");
    assert_eq!(wire.call("PING"), "+PONG");
}

#[test]
fn a_public_address_needs_tokens() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let dir = tempfile::tempdir().expect("a directory");
        let refused =
            Command::new(program()).args(["serve", "--listen", address, "--data-dir"]).arg(dir.path()).output();
        let refused = refused.expect("it runs");
        assert_eq!(refused.status.code(), Some(2), "{address}");
        assert!(String::from_utf8_lossy(&refused.stderr).contains("--tokens"));
    }
}

#[test]
fn a_bad_tokens_file_is_refused_and_not_shown() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("tokens");
    for text in
        ["", "read short\n", "reader secretsecretsecret\n", "secretsecretsecret\n", "read secret secretsecret\n"]
    {
        std::fs::write(&file, text).expect("written");
        let refused = Command::new(program())
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path().join("data"))
            .arg("--tokens")
            .arg(&file)
            .output()
            .expect("it runs");
        let told = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(2), "{text}");
        assert!(told.contains("tokens") && !told.contains("secretsecret"), "{told}");
    }
}

#[test]
fn protocol_two_and_three() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    let version = env!("CARGO_PKG_VERSION");
    let told = |head: &str, proto: u8| format!("{head}\n+server\n+contactd\n+version\n+{version}\n+proto\n:{proto}");
    assert_eq!(wire.call("HELLO"), told("*6", 2));
    assert_eq!(wire.call("GET +14155552671"), "$-1");
    assert_eq!(wire.call("hello 3 setname me"), told("%3", 3));
    assert_eq!(wire.call("GET +14155552671"), "_");
    assert_eq!(wire.call("HELLO"), told("%3", 3), "it stays");
    assert_eq!(wire.call("HELLO 2"), told("*6", 2));
    assert_eq!(wire.call("GET +14155552671"), "$-1");
    for wrong in ["HELLO 1", "HELLO 4", "HELLO x"] {
        assert!(wire.call(wrong).starts_with("-NOPROTO"), "{wrong}");
    }
    assert!(wire.call("HELLO 3 PASSWORD x").starts_with("-BADARG"));
    assert_eq!(wire.call("GET +14155552671"), "$-1", "a refused HELLO switches nothing");
    assert!(wire.call("HELLO 3 AUTH default secret").starts_with("%3"), "without tokens everybody may come in");
    assert!(wire.call("AUTH secretsecretsecret").starts_with("-NOAUTH"));
}

#[test]
fn what_redis_libraries_say_does_no_harm() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    for (request, reply) in [
        ("SELECT 0", "+OK"),
        ("CLIENT SETNAME me", "+OK"),
        ("CLIENT SETINFO LIB-NAME redis-py", "+OK"),
        ("COMMAND", "*0"),
        ("COMMAND DOCS", "*0"),
        ("CONFIG GET save", "*0"),
        ("PING hello", "+hello"),
        ("QUIT", "+OK"),
    ] {
        assert_eq!(wire.call(request), reply, "{request}");
    }
    assert_eq!(wire.reply(), "", "QUIT closes");
    let mut wire = daemon.connect();
    assert!(wire.call("SELECT 1").starts_with("-BADARG"));
    assert!(wire.call("CONFIG SET save x").starts_with("-BADARG"));
    assert_eq!(wire.call("COMMAND COUNT"), format!(":{}", TABLE.len()));
    wire.send("*2\r\n$4\r\nECHO\r\n$4\r\na\r\nb\r\nPING\r\n");
    let bulk: Vec<String> = (0..4).map(|_| wire.reply()).collect();
    assert_eq!(bulk, ["$4", "a", "b", "+PONG"], "ECHO gives back any bytes");
}

#[test]
fn call_tells_by_its_exit_code() {
    let daemon = Daemon::start(&["--log-format", "json"]);
    assert_eq!(call(&daemon, &["PING"]), (Some(0), "PONG".into()));
    assert_eq!(call(&daemon, &["GET", "+14155552671"]), (Some(1), String::new()));
    let (code, told) = call(&daemon, &["CHECK", "nonsense"]);
    assert_eq!(code, Some(2), "{told}");
    assert_eq!(call(&daemon, &["LIST", "+14155550000", r#"{"name":"Two words"}"#]), (Some(0), "created".into()));
    let (code, told) = call(&daemon, &["CHECK", "+14155550000", "+14155552671", "nonsense"]);
    assert_eq!(code, Some(2), "one of several: {told}");
    assert!(told.contains("no not_subscribed") && told.contains("BADARG"), "{told}");
    let (code, told) = call(&daemon, &["HELLO", "3"]);
    assert!(code == Some(0) && told.lines().take(2).eq(["server", "contactd"]) && told.ends_with("proto\n3"), "{told}");
    let nobody = call_at(&free_address(), &["PING"]);
    assert_eq!(nobody.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("is it running?"));
    let log = daemon.log();
    let objects =
        log.lines().filter(|line| serde_json::from_str::<serde_json::Value>(line).is_ok_and(|json| json.is_object()));
    assert!(!log.is_empty() && objects.count() == log.lines().count(), "{log}");
}

/// That something may not be asked is neither a difference nor a reply.
#[test]
fn verify_and_export_say_what_they_lack() {
    let (daemon, _dir) = with_tokens();
    for (command, token, code) in
        [("verify", "", "NOAUTH"), ("verify", READ, "NOPERM"), ("export", "", "NOAUTH"), ("export", READ, "")]
    {
        let mut client = Command::new(program());
        client.args([command, "--server", &daemon.address]).env_remove("CONTACTD_TOKEN");
        if !token.is_empty() {
            client.env("CONTACTD_TOKEN", token);
        }
        let output = client.output().expect("it runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(if code.is_empty() { 0 } else { 2 }), "{command}: {told}");
        assert!(told.contains(code) && (code.is_empty() || output.stdout.is_empty()), "{command}: {told}");
    }
}

/// As `call --help` and `export --help` say: quotes are the shell's here, and the filter's there.
#[test]
fn a_value_with_a_blank_is_found() {
    let daemon = Daemon::start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(r#"PUT +14155552671 {"labels":{"city":"New York"}}"#), "+created");
    assert_eq!(wire.call(r#"COUNT label.city="New York""#), ":1");
    assert_eq!(call(&daemon, &["COUNT", "label.city=New York"]), (Some(0), "1".into()));
    let output = Command::new(program())
        .args(["export", "--server", &daemon.address, r#"label.city="New York""#])
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&output.stdout).contains("+14155552671"));
}

#[test]
fn unix_sockets() {
    let dir = tempfile::tempdir().expect("a directory");
    let address = format!("unix:{}", dir.path().join("contactd.sock").display());
    let tcp = free_address();
    let serve = || {
        let mut command = Command::new(program());
        command.args(["serve", "--listen", &tcp, "--listen", &address, "--data-dir"]).arg(dir.path().join("data"));
        command.stderr(Stdio::null());
        command
    };
    let started = Started::new(serve(), &address);
    assert_eq!(call_at(&address, &["LIST", "+14155550000"]).stdout, b"created\n");
    assert_eq!(call_at(&tcp, &["LIST", "+14155550000"]).stdout, b"unchanged\n", "both lead to one store");
    // Killed, it leaves its socket's file behind: the next start replaces it.
    drop(started);
    assert!(dir.path().join("contactd.sock").exists());
    let mut started = Started::new(serve(), &address);
    assert_eq!(call_at(&address, &["LIST", "+14155550000"]).stdout, b"unchanged\n");
    assert!(Command::new("kill").arg(started.0.id().to_string()).status().expect("kill").success());
    assert_eq!(started.0.wait().expect("it ends").code(), Some(0));
    assert!(!dir.path().join("contactd.sock").exists(), "a drained daemon removes it");
}

#[test]
fn nothing_but_a_socket_that_nobody_listens_on_is_replaced() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("contactd.sock");
    let refused = || {
        let address = format!("unix:{}", path.display());
        let mut command = Command::new(program());
        command.args(["serve", "--listen", &address, "--data-dir"]).arg(dir.path().join("data"));
        let output = command.output().expect("it runs");
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    std::fs::write(&path, "precious").expect("written");
    assert!(refused().contains("is not a socket"));
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "precious");
    std::fs::remove_file(&path).expect("removed");
    std::os::unix::fs::symlink(dir.path().join("nowhere"), &path).expect("a link");
    assert!(refused().contains("is not a socket"));
    std::fs::remove_file(&path).expect("removed");
    let alive = std::os::unix::net::UnixDatagram::bind(&path).expect("a socket of another kind");
    assert!(refused().contains("in use"));
    let other = std::os::unix::net::UnixDatagram::unbound().expect("a socket");
    other.send_to(b"hello", &path).expect("it is still there");
    drop(alive);
}

/// Whether a daemon with a store in `data` answers on `address` and has taken `--stop-scope all`.
fn serves(command: Command, address: &str, data: &Path) {
    let _started = Started::new(command, address);
    let stats = String::from_utf8_lossy(&call_at(address, &["STATS"]).stdout).into_owned();
    assert!(stats.contains("stop_scope all"), "{stats}");
    assert!(data.is_dir());
}

#[test]
fn settings_come_from_a_file_and_from_the_environment() {
    let dir = tempfile::tempdir().expect("a directory");
    let (address, data, file) = (free_address(), dir.path().join("data"), dir.path().join("contactd.toml"));
    let settings = format!("data-dir = '{}'\nlisten = ['{address}']\nstop-scope = 'all'\n", data.display());
    std::fs::write(&file, settings).expect("written");
    for arguments in [&["serve", "--config"][..], &["--config"]] {
        let mut command = Command::new(program());
        command.args(arguments).arg(&file).stderr(Stdio::null());
        serves(command, &address, &data);
    }
    for arguments in [&["serve"][..], &[]] {
        let (address, data) = (free_address(), dir.path().join("other"));
        let mut command = Command::new(program());
        command.args(arguments).env("CONTACTD_LISTEN", &address).env("CONTACTD_DATA_DIR", &data);
        command.env("CONTACTD_STOP_SCOPE", "all").stderr(Stdio::null());
        serves(command, &address, &data);
        // The environment wins over the file.
        let mut command = Command::new(program());
        command.args(arguments).env("CONTACTD_LISTEN", &address).env("CONTACTD_CONFIG", &file).stderr(Stdio::null());
        serves(command, &address, &data);
    }
}

#[test]
fn help_and_the_page_for_operators_tell_every_setting() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let source = std::fs::read_to_string(root.join("src/config.rs")).expect("the source");
    let page = std::fs::read_to_string(root.join("docs/operating.md")).expect("the page");
    let help = Command::new(program()).args(["serve", "--help"]).output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("text");
    let names: Vec<&str> = source.split("env = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(names.len() >= 9, "{names:?}");
    for name in names {
        let flag = name.replace("CONTACTD_", "--").replace('_', "-").to_lowercase();
        assert!(help.contains(&flag) && help.contains(name), "--help does not tell {flag} and {name}");
        assert!(page.contains(&flag) && page.contains(name), "docs/operating.md does not tell {flag} and {name}");
    }
    let help = Command::new(program()).arg("--help").output().expect("it runs");
    let help = String::from_utf8(help.stdout).expect("text");
    for command in ["serve", "call", "export", "health", "verify", "purge", "rewrite", "demo", "--version"] {
        assert!(help.contains(command), "--help does not tell {command}");
    }
    for command in ["call", "health", "import", "verify", "purge", "rewrite", "compact"] {
        let help = Command::new(program()).args([command, "--help"]).output().expect("it runs");
        let help = String::from_utf8(help.stdout).expect("text");
        assert!(help.contains("Exit code 0"), "{command} --help does not tell its exit codes");
    }
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

/// As `| head -1` does.
#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let daemon = Daemon::start(&[]);
    let note = "x".repeat(500);
    let row = |n| format!(r#"IMPORT * {{"phone":"+1415555{n:04}","labels":{{"note":"{note}"}}}}"#);
    daemon.connect().call_all(&(1_000..2_000).map(row).collect::<Vec<_>>());
    for arguments in [
        &["export", "--server", &daemon.address][..],
        &["export", "--format", "ndjson", "--server", &daemon.address],
        &["demo"],
    ] {
        let mut command = Command::new(program());
        let mut child =
            command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut byte = [0];
        std::io::Read::read_exact(&mut child.stdout.take().expect("a pipe"), &mut byte).expect("a byte");
        let output = child.wait_with_output().expect("it ends");
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), &*told), (Some(0), ""), "{arguments:?}");
    }
}

#[test]
fn the_demo_tells_its_story() {
    let output = Command::new(program()).arg("demo").output().expect("it runs");
    let story = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{story}{}", String::from_utf8_lossy(&output.stderr));
    for told in ["← +yes", "← +no list_opted_out", "Plan 1 is finished", "← +kept +12135550198 list_opted_out", "nc -N"]
    {
        assert!(story.contains(told), "{told}: {story}");
    }
}
