//! contactd under systemd: what it tells, the sockets that it inherits, and its unit. What it is packed with besides:
//! pages of the manual, completions, and the programs that a container needs.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use contactd::address::Address;
use contactd::client::{Client, Reply};
use contactd::tls::Trust;

use crate::pair::{only_alone, only_whole};
use crate::support::{PATIENCE, Wire, free_address, has, program};

/// A child that is killed at the end of the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    /// SIGTERM; gives the exit code.
    fn terminate(&mut self) -> Option<i32> {
        Command::new("kill").arg(self.0.id().to_string()).status().expect("kill");
        self.0.wait().expect("to end").code()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn serve(dir: &Path) -> Command {
    let mut command = Command::new(program());
    command.arg("serve").arg("--data-dir").arg(dir.join("data")).stdin(Stdio::null());
    command
}

/// Where systemd would listen.
fn notify_socket(dir: &Path) -> (UnixDatagram, PathBuf) {
    let path = dir.join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    (socket, path)
}

/// The next message, its lines.
fn told(socket: &UnixDatagram) -> Vec<String> {
    let mut bytes = [0; 4096];
    let length = socket.recv(&mut bytes).expect("systemd is told");
    String::from_utf8_lossy(&bytes[..length]).lines().map(str::to_owned).collect()
}

/// The next message that has a line.
fn told_with(socket: &UnixDatagram, line: &str) -> Vec<String> {
    loop {
        let told = told(socket);
        if told.iter().any(|told| told == line) {
            return told;
        }
    }
}

#[test]
fn systemd_is_told_of_the_whole_life() {
    let dir = tempfile::tempdir().expect("a directory");
    let (socket, path) = notify_socket(dir.path());
    let address = free_address();
    let mut command = serve(dir.path());
    command.args(["--listen", &address]).env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "30000");
    let mut daemon = Running(command.spawn().expect("it starts"));

    let loading = told(&socket);
    assert!(loading[0].starts_with("EXTEND_TIMEOUT_USEC=") && loading[1].starts_with("STATUS=loading"), "{loading:?}");
    let ready = told_with(&socket, "READY=1");
    assert_eq!(ready[1], "STATUS=serving 0 contacts to 0 clients");

    // Nothing is written now: an idle writer wakes up for it.
    for _ in 0..5 {
        told_with(&socket, "WATCHDOG=1");
    }
    let mut wire = Wire::connect(&address);
    assert_eq!(wire.call("LIST +14155550000"), "+created");
    assert_eq!(wire.call("OPTOUT +14155550000 +14155552671"), ":1");
    let since = Instant::now();
    while told_with(&socket, "WATCHDOG=1")[1] != "STATUS=serving 1 contact to 1 client" {
        assert!(since.elapsed() < PATIENCE, "the status is not told");
    }

    // SIGHUP is a reload, not an end.
    Command::new("kill").args(["-HUP", &daemon.0.id().to_string()]).status().expect("kill");
    told_with(&socket, "WATCHDOG=1");
    assert_eq!(wire.call("PING"), "+PONG");
    drop(wire);
    assert_eq!(daemon.terminate(), Some(0));
    told_with(&socket, "STOPPING=1");
}

/// A watchdog that another process is to feed, or none: no sign of life is given, but the status is.
#[test]
fn without_a_watchdog_only_the_status_is_told() {
    for foreign in [None, Some("1")] {
        let dir = tempfile::tempdir().expect("a directory");
        let (socket, path) = notify_socket(dir.path());
        let mut command = serve(dir.path());
        command.args(["--listen", &free_address()]).env("NOTIFY_SOCKET", &path);
        if let Some(process) = foreign {
            command.env("WATCHDOG_USEC", "1000").env("WATCHDOG_PID", process);
        }
        let mut daemon = Running(command.spawn().expect("it starts"));
        told_with(&socket, "READY=1");
        // The first one is due at once.
        assert_eq!(told(&socket), ["STATUS=serving 0 contacts to 0 clients"]);
        assert_eq!(daemon.terminate(), Some(0));
        let last = told(&socket);
        assert_eq!(last[0], "STOPPING=1", "{last:?}");
    }
}

/// An address that nobody listens on does not keep contactd from serving.
#[test]
fn nobody_to_tell_is_no_trouble() {
    for nobody in ["/nowhere/at/all", "@contactd-tests-nobody", "vsock:2:1"] {
        let dir = tempfile::tempdir().expect("a directory");
        let address = free_address();
        let mut command = serve(dir.path());
        command.args(["--listen", &address]).env("NOTIFY_SOCKET", nobody).env("WATCHDOG_USEC", "30000");
        let mut daemon = Running(command.stderr(Stdio::null()).spawn().expect("it starts"));
        wait_until_up(&address);
        assert_eq!(Wire::connect(&address).call("LIST +14155550000"), "+created");
        assert_eq!(daemon.terminate(), Some(0));
    }
}

fn wait_until_up(address: &str) {
    let since = Instant::now();
    let is_up = || {
        let told = Command::new(program()).args(["call", "--server", address, "PING"]).output().expect("it runs");
        told.status.success()
    };
    while !is_up() {
        assert!(since.elapsed() < PATIENCE, "nobody answers on {address}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

/// contactd with a socket as its descriptor 3, as systemd gives it.
fn activated(dir: &Path, socket: OwnedFd, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"exec 3<&0 </dev/null; LISTEN_PID=$$ LISTEN_FDS=1 exec "$@""#, "sh", program(), "serve"])
        .arg("--data-dir")
        .arg(dir.join("data"))
        .args(arguments)
        .stdin(socket)
        .env("LISTEN_FDNAMES", name);
    command
}

/// Whoever connects while contactd is restarted waits, and is answered by the next one.
#[test]
fn an_inherited_socket_outlives_a_restart() {
    let dir = tempfile::tempdir().expect("a directory");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let start = || {
        let socket = OwnedFd::from(listener.try_clone().expect("a clone"));
        // What is said as well is not bound a second time.
        let said = ["--listen", address.as_str()];
        Running(activated(dir.path(), socket, "contactd.socket", &said).spawn().expect("it starts"))
    };
    let mut first = start();
    wait_until_up(&address);
    assert_eq!(Wire::connect(&address).call("LIST +14155550000"), "+created");
    assert_eq!(first.terminate(), Some(0));

    let mut meanwhile = Wire::connect(&address);
    meanwhile.send("LISTS\n");
    let _second = start();
    let told = meanwhile.reply();
    // The second one may still be loading.
    assert!(told.contains("+14155550000") || told.starts_with("-LOADING"), "{told}");
    wait_until_up(&address);
    assert!(Wire::connect(&address).call("LISTS").contains("+14155550000"));
}

/// The file of an inherited Unix socket is systemd's: it stays. Nothing else is listened on unasked.
#[test]
fn an_inherited_unix_socket_keeps_its_file() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("contactd.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let address = format!("unix:{}", path.display());
    let log = std::fs::File::create(dir.path().join("log")).expect("a log");
    let mut command = activated(dir.path(), OwnedFd::from(listener), "resp", &[]);
    let mut daemon = Running(command.stderr(log).spawn().expect("it starts"));
    wait_until_up(&address);
    assert_eq!(daemon.terminate(), Some(0));
    assert!(path.exists(), "the file is gone");
    let log = std::fs::read_to_string(dir.path().join("log")).expect("a log");
    assert!(log.contains(&format!(" on {address}\n")), "{log}");
}

/// An inherited socket that is called `tls` speaks TLS. Without it, settings for TLS are a mistake.
#[test]
fn an_inherited_socket_speaks_tls_if_it_is_called_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, key) = (dir.path().join("server.pem"), dir.path().join("server.key"));
    std::fs::write(&certificate, own.cert.pem()).expect("written");
    std::fs::write(&key, own.signing_key.serialize_pem()).expect("written");
    let text = |path: &Path| path.to_str().expect("a path").to_owned();
    let (certificate_text, key_text) = (text(&certificate), text(&key));
    let files = ["--tls-cert-file", &certificate_text, "--tls-key-file", &key_text];
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address: Address =
        format!("tls:localhost:{}", listener.local_addr().expect("an address").port()).parse().expect("an address");
    let mut daemon = Running(activated(dir.path(), OwnedFd::from(listener), "tls", &files).spawn().expect("it starts"));
    let trust = Trust { ca_file: Some(certificate), ..Trust::default() };
    let since = Instant::now();
    loop {
        let told = Client::connect_trusting(&address, &trust, None).and_then(|mut client| client.call(&["PING"]));
        if told == Ok(Reply::Text("PONG".into())) {
            break;
        }
        assert!(since.elapsed() < PATIENCE, "{told:?}");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(daemon.terminate(), Some(0));

    let plain = OwnedFd::from(TcpListener::bind("127.0.0.1:0").expect("a port"));
    let ended = activated(dir.path(), plain, "resp", &files).output().expect("it ends");
    assert!(ended.status.code() == Some(2) && said(&ended).contains("no address speaks it"), "{}", said(&ended));
    let unix = OwnedFd::from(UnixListener::bind(dir.path().join("sock")).expect("a socket"));
    let ended = activated(dir.path(), unix, "tls", &files).output().expect("it ends");
    assert!(!ended.status.success() && said(&ended).contains("those speak no TLS"), "{}", said(&ended));
}

#[test]
fn a_socket_that_is_not_for_it_is_refused() {
    let refused = |listen: &str, name: &str| {
        let dir = tempfile::tempdir().expect("a directory");
        let socket = OwnedFd::from(TcpListener::bind(listen).expect("a port"));
        let ended = activated(dir.path(), socket, name, &[]).output().expect("it ends");
        assert_eq!(ended.status.code(), Some(2));
        String::from_utf8_lossy(&ended.stderr).into_owned()
    };
    let why = refused("127.0.0.1:0", "web");
    assert!(why.contains("'web' is not a socket of contactd"), "{why}");
    let why = refused("0.0.0.0:0", "contactd.socket");
    assert!(why.contains("can be reached from other machines: give --tokens FILE"), "{why}");
}

#[test]
fn the_unit_is_hardened() {
    if !has("systemd-analyze") {
        return;
    }
    let unit = root().join("deploy/systemd/contactd.service");
    // In tenths.
    let run = |most: &str| {
        let mut analyze = Command::new("systemd-analyze");
        analyze.args(["security", "--offline=yes", "--no-pager", &format!("--threshold={most}")]).arg(&unit);
        analyze.output().expect("it runs")
    };
    let output = run("15");
    assert!(output.status.success(), "{}", said(&output));
    assert!(!run("1").status.success(), "the threshold is not looked at");
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// The examples in deploy/ are what contactd takes.
#[test]
fn the_configuration_of_the_package_is_read() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("contactd.toml");
    let shipped = std::fs::read_to_string(root().join("deploy/contactd.toml")).expect("a file");
    // With every key that is shown there, and with paths of the test.
    let tokens = "read rrrrrrrrrrrrrrrr\n";
    std::fs::write(dir.path().join("tokens"), tokens).expect("written");
    std::fs::write(dir.path().join("webhooks"), "twilio 0123456789abcdef\n").expect("written");
    std::fs::write(dir.path().join("keywords"), "out CANCELAR\n").expect("written");
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    for (name, pem) in [
        ("server.pem", own.cert.pem()),
        ("server.key", own.signing_key.serialize_pem()),
        ("clients-ca.pem", own.cert.pem()),
    ] {
        std::fs::write(dir.path().join(name), pem).expect("written");
    }
    let address = free_address();
    let here = dir.path().display().to_string();
    let text = shipped
        .replace("127.0.0.1:7164", &address)
        .replace("listen = [", &format!("listen = [\"tls:{}\", ", free_address()))
        .replace("127.0.0.1:7165", &free_address())
        .replace("127.0.0.1:7166", &free_address())
        .replace("127.0.0.1:7168", &free_address())
        .replace("/var/lib/contactd", &here)
        .replace("/run/contactd", &here)
        .replace("/etc/contactd", &here);
    let text: String = text
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| key_of(rest).is_some_and(is_for_one)).unwrap_or(line))
        .fold(String::new(), |all, line| all + line + "\n");
    std::fs::write(&config, text).expect("written");
    let mut command = Command::new(program());
    command.arg("serve").arg("--config").arg(&config).stdin(Stdio::null());
    let _daemon = Running(command.spawn().expect("it starts"));
    let since = Instant::now();
    let ask = || match std::net::TcpStream::connect(&address) {
        Ok(_) => Wire::connect(&address).call("CHECK +14155550000 +14155552671"),
        Err(_) => "-LOADING".to_owned(),
    };
    let mut told = ask();
    while told.starts_with("-LOADING") && since.elapsed() < PATIENCE {
        std::thread::sleep(std::time::Duration::from_millis(20));
        told = ask();
    }
    assert!(told.starts_with("-NOAUTH"), "{told}");

    for secrets in ["deploy/tokens", "deploy/webhooks"] {
        let empty = std::fs::read_to_string(root().join(secrets)).expect("a file");
        assert!(empty.lines().all(|line| line.starts_with('#')), "the package brings no secret: {secrets}");
    }
}

/// Whether a setting is one of a daemon that has its store for itself: there is no database here.
fn is_for_one(key: &str) -> bool {
    !["ledger", "advertise", "lease", "ledger-copies", "check"].contains(&key)
}

/// The key that a line of TOML sets.
fn key_of(line: &str) -> Option<&str> {
    let (key, _) = line.split_once(" = ")?;
    key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-').then_some(key)
}

/// The file has every key, once; one that is commented out has the value that counts without it, if there is one.
#[test]
fn the_configuration_of_the_package_shows_every_key() {
    // Besides what the package sets: what makes sense on another disk, or with TLS only.
    const OTHERWISE: [&str; 4] = ["data-dir", "backup-dir", "listen", "tls-auth-clients"];
    if only_alone("the defaults are those of a daemon that shares nothing") || only_whole("by default it is not split")
    {
        return;
    }
    let shipped = std::fs::read_to_string(root().join("deploy/contactd.toml")).expect("a file");
    let lines = shipped.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
    let mut shown: Vec<(&str, &str)> =
        lines.filter_map(|line| Some((key_of(line)?, line.split_once(" = ")?.1.trim_matches('"')))).collect();
    let daemon = crate::support::Daemon::start(&["--http", &free_address()]);
    let told = daemon.connect().call("SETTINGS");
    let mut settings: Vec<(&str, &str)> =
        told.lines().skip(1).map(|line| line[1..].split_once(' ').unwrap_or((&line[1..], ""))).collect();
    shown.sort_unstable();
    settings.sort_unstable();
    let keys = |all: &[(&'_ str, &'_ str)]| all.iter().map(|(key, _)| (*key).to_owned()).collect::<Vec<_>>();
    assert_eq!(keys(&shown), keys(&settings));
    for ((key, shown), (_, value)) in shown.into_iter().zip(settings) {
        let is_default = shown == value || key == "purge-every" && (shown, value) == ("24h", "1d");
        // The port of the console is the test's.
        assert!(
            value.is_empty() || OTHERWISE.contains(&key) || key == "http" || is_default,
            "{key} is {value} and not {shown}"
        );
    }
}

#[test]
fn manual_pages_render_without_warnings() {
    let dir = tempfile::tempdir().expect("a directory");
    let made = Command::new(program()).arg("man").arg(dir.path()).output().expect("it runs");
    assert!(made.status.success(), "{}", said(&made));
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).expect("a page");
    // What somebody would look for.
    for (page, text) in [
        ("contactd.1", "contactd\\-serve(8)"),
        ("contactd-import.1", "\\-\\-region"),
        ("contactd-serve.8", "\\-\\-stop\\-scope"),
        ("contactd.toml.5", "stop\\-scope"),
        ("contactd-protocol.7", ".SS CLAIM list phone msg\\-id"),
        ("contactd-protocol.7", "list_opted_out"),
    ] {
        assert!(read(page).contains(text), "{page} has no {text}");
    }
    if !has("man") {
        return;
    }
    for page in std::fs::read_dir(dir.path()).expect("a directory") {
        let page = page.expect("an entry").path();
        for width in ["60", "80", "132"] {
            let mut man = Command::new("man");
            man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(&page);
            man.env("LC_ALL", "C.UTF-8").env("MANWIDTH", width).env("MAN_KEEP_STDERR", "1");
            let output = man.output().expect("man runs");
            let warnings = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && warnings.is_empty(), "{}: {warnings}", page.display());
            assert!(!output.stdout.is_empty());
        }
    }
}

#[test]
fn completions_are_scripts_of_their_shells() {
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "-n")] {
        let made = Command::new(program()).args(["completions", shell]).output().expect("it runs");
        let script = String::from_utf8(made.stdout).expect("text");
        assert!(script.contains("stop-scope") && script.contains("import"), "{shell}: {script}");
        // bash is everywhere that the other tests run; the others are looked at where they are.
        let is_there = Command::new(shell).args(["-c", "true"]).stderr(Stdio::null()).status().is_ok();
        if !is_there {
            continue;
        }
        let mut child =
            Command::new(shell).arg(check).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        child.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{shell}: {}", said(&output));
    }
}

/// The versions that people see are one version.
#[test]
fn every_package_has_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let read = |path: &str| std::fs::read_to_string(root().join(path)).expect("a file");
    assert!(read("deploy/debian/changelog").starts_with(&format!("contactd ({version}-")));
    assert!(read("clients/pyproject.toml").contains(&format!("\nversion = \"{version}\"\n")));
}
