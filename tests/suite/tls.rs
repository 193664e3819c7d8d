//! TLS: the daemon, its own clients, and those of others.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Instant;

use contactd::address::Address;
use contactd::client::{Client, Reply};
use contactd::command::TABLE;
use contactd::tls::Trust;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, date_time_ymd};

use crate::support::{Daemon, PATIENCE, free_address, has, program};

const TOKEN: &str = "token-0123456789abcdef";

/// A test's own authority, and the files of those whom it certifies.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    dir: tempfile::TempDir,
}

impl Authority {
    fn new(name: &str) -> Authority {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let dir = tempfile::tempdir().expect("a directory");
        std::fs::write(dir.path().join("ca.pem"), issuer.pem()).expect("written");
        Authority { issuer, dir }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn ca(&self) -> PathBuf {
        self.file("ca.pem")
    }

    /// Writes `NAME.pem` and `NAME.key`.
    fn certify(&self, name: &str, hosts: &[&str]) {
        self.certify_during(name, hosts, 1975..4096);
    }

    /// The same, good from the first day of a year until that of another one.
    fn certify_during(&self, name: &str, hosts: &[&str], years: Range<i32>) {
        let hosts: Vec<String> = hosts.iter().map(ToString::to_string).collect();
        let mut params = CertificateParams::new(hosts).expect("parameters");
        params.not_before = date_time_ymd(years.start, 1, 1);
        params.not_after = date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        std::fs::write(self.file(&format!("{name}.pem")), certificate.pem()).expect("written");
        std::fs::write(self.file(&format!("{name}.key")), key.serialize_pem()).expect("written");
    }

    fn trust(&self) -> Trust {
        Trust { ca_file: Some(self.ca()), ..Trust::default() }
    }
}

/// A daemon that listens on TLS, too.
struct Secured {
    daemon: Daemon,
    authority: Authority,
    address: Address,
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path")
}

impl Secured {
    fn start(more: &[&str]) -> Secured {
        Secured::of(Authority::new("contactd test"), more)
    }

    fn of(authority: Authority, more: &[&str]) -> Secured {
        authority.certify("server", &["localhost", "127.0.0.1"]);
        Secured::as_certified(authority, more)
    }

    /// With the certificate `server` that the authority has written.
    fn as_certified(authority: Authority, more: &[&str]) -> Secured {
        let address = format!("tls:{}", free_address());
        let (certificate, key) = (authority.file("server.pem"), authority.file("server.key"));
        let tls = ["--listen", &address, "--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)];
        let daemon = Daemon::start(&[&tls[..], more].concat());
        Secured { daemon, authority, address: address.parse().expect("an address") }
    }

    fn host_and_port(&self) -> String {
        self.address.to_string().trim_start_matches("tls:").to_owned()
    }

    fn port(&self) -> String {
        self.host_and_port().rsplit(':').next().expect("a port").to_owned()
    }

    fn client(&self) -> Client {
        Client::connect_trusting(&self.address, &self.authority.trust(), None).expect("a client")
    }

    /// Why a client with this trust gets no reply.
    fn refuses(&self, trust: &Trust) -> String {
        let told = Client::connect_trusting(&self.address, trust, None).and_then(|mut client| client.call(&["PING"]));
        told.expect_err("no reply").message
    }

    /// `contactd …` as a client of the TLS address.
    fn run(&self, words: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(program())
            .args(words)
            .env("CONTACTD_SERVER", self.address.to_string())
            .env("CONTACTD_CA_FILE", self.authority.ca())
            .output()
            .expect("it runs");
        let told = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8_lossy(&told).trim().to_owned())
    }

    /// SIGHUP, and waits until the log tells of it.
    fn hang_up(&self, told: &str) {
        let before = self.daemon.log().matches(told).count();
        assert!(Command::new("kill").args(["-HUP", &self.daemon.pid().to_string()]).status().expect("kill").success());
        let since = Instant::now();
        while self.daemon.log().matches(told).count() <= before {
            assert!(since.elapsed() < PATIENCE, "'{told}' is not in the log:\n{}", self.daemon.log());
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    /// `contactd health` over the plain address.
    fn health(&self) -> (Option<i32>, String) {
        let mut command = Command::new(program());
        command.args(["health", "--server", &self.daemon.address]).env_remove("CONTACTD_TOKEN");
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// Waits until STATS has counted so much: what becomes of a connection is counted when it is over.
    fn counts(&self, name: &str, at_least: usize) {
        let since = Instant::now();
        while self.stat(name).parse::<usize>().expect("a number") < at_least {
            assert!(since.elapsed() < PATIENCE, "{name} is {}", self.stat(name));
            thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    fn stat(&self, name: &str) -> String {
        let stats = self.daemon.connect().call("STATS");
        stats.lines().find_map(|line| line.strip_prefix(&format!("+{name} "))).unwrap_or_default().to_owned()
    }
}

/// What every client trusts is another authority than this.
fn stranger() -> Trust {
    Authority::new("somebody else").trust_for_ever()
}

impl Authority {
    /// Leaves its files behind, for a test that does not keep the authority.
    fn trust_for_ever(self) -> Trust {
        let ca_file = self.dir.keep().join("ca.pem");
        Trust { ca_file: Some(ca_file), ..Trust::default() }
    }
}

fn reply(text: &str) -> Reply {
    Reply::Text(text.into())
}

#[test]
fn every_verb_gets_its_plain_reply() {
    let house = Secured::start(&[]);
    let mut encrypted = house.client();
    let mut plain = Client::connect(&house.daemon.address.parse().expect("an address"), None).expect("a client");
    // Of the same request the second one is told that there is a fence already.
    for command in TABLE.iter().filter(|command| !matches!(command.name, "EXPORT" | "FENCE")) {
        let request: Vec<&str> = [command.name].into_iter().chain(["x"; 2].into_iter().take(command.arity.0)).collect();
        let (one, other) = (encrypted.call(&request), plain.call(&request));
        match command.name {
            // What it tells changes from one to the next.
            "STATS" | "CLIENTS" => assert!(matches!((one, other), (Ok(Reply::Array(_)), Ok(Reply::Array(_))))),
            "QUIT" => {
                assert_eq!((one, other), (Ok(reply("OK")), Ok(reply("OK"))));
                (encrypted, plain) = (
                    house.client(),
                    Client::connect(&house.daemon.address.parse().expect("an address"), None).expect("a client"),
                );
            }
            name => assert_eq!(one, other, "{name}"),
        }
    }
    assert_eq!(encrypted.call(&["LIST", "+14155550000"]), Ok(reply("created")));
    assert_eq!(encrypted.line(r#"OPTIN +14155550000 +14155552671 {"how":"api"}"#), Ok(Reply::Integer(1)));
    assert_eq!(encrypted.call(&["CHECK", "+14155550000", "+14155552671"]), Ok(reply("yes")));
    assert_eq!(house.stat("handshakes_failed"), "0");
}

/// As many requests ahead of their replies as fill every buffer between the two, several times.
#[test]
fn one_thread_sends_while_another_one_receives() {
    const AHEAD: usize = 30_000;
    let house = Secured::start(&[]);
    let mut client = house.client();
    let note = "x".repeat(1_000);
    let put = client.line(&format!(r#"PUT +14155550101 {{"labels":{{"note":"{note}"}}}}"#));
    assert_eq!(put, Ok(reply("created")));
    let (mut requests, mut replies) = client.split();
    thread::scope(|scope| {
        scope.spawn(move || {
            for n in 0..AHEAD {
                match n % 3 {
                    0 => requests.send(&["GET", "+14155550101"]),
                    1 => requests.send(&["PING", &n.to_string()]),
                    _ => requests.write(format!("PING {n}\n").as_bytes()),
                }
                .expect("sent");
            }
            requests.flush().expect("sent");
        });
        for n in 0..AHEAD {
            match replies.receive().expect("a reply") {
                Reply::Text(contact) if n % 3 == 0 => assert!(contact.len() > 1_000, "{n}: {contact}"),
                told => assert_eq!(told, reply(&n.to_string())),
            }
        }
    });
}

#[test]
fn a_half_that_hangs_up_ends_the_wait_of_the_other_one() {
    let house = Secured::start(&[]);
    let (requests, mut replies) = house.client().split();
    let waiting = thread::spawn(move || replies.receive());
    requests.hang_up();
    let told = waiting.join().expect("it ends").expect_err("there is no reply");
    assert!(told.message.contains("the connection to contactd was lost"), "{told}");
    let (mut requests, replies) = house.client().split();
    let sending = thread::spawn(move || {
        let many = "HELP\n".repeat(100_000);
        while requests.write(many.as_bytes()).is_ok() {}
    });
    thread::sleep(std::time::Duration::from_millis(300));
    assert!(!sending.is_finished(), "the daemon reads no more than it may answer");
    replies.hang_up();
    sending.join().expect("it ends");
}

#[test]
fn bursts_streams_and_waits() {
    let house = Secured::start(&[]);
    let mut client = house.client();
    assert_eq!(client.call(&["LIST", "+14155550000"]), Ok(reply("created")));
    // 10,000 requests of which each is a write, and in one piece.
    let (mut requests, mut replies) = house.client().split();
    let burst: String = (0..10_000).fold(String::new(), |all, n| all + &format!("OPTIN +14155550000 +1415556{n:04}\n"));
    let sending = thread::spawn(move || requests.write(burst.as_bytes()).and_then(|()| requests.flush()));
    let answered = (0..10_000).filter(|_| replies.receive() == Ok(Reply::Integer(1))).count();
    sending.join().expect("it ends").expect("sent");
    assert_eq!(answered, 10_000);

    let mut exported = 0;
    let streamed = client.stream("EXPORT list=+14155550000", |_| {
        exported += 1;
        Ok(())
    });
    assert_eq!((streamed, exported), (Ok(()), 10_000));

    let page = client.call(&["FEED"]).expect("a reply");
    let position = match &page {
        Reply::Array(items) => items[0].to_string().trim_start_matches('+').to_owned(),
        other => panic!("not a page: {other}"),
    };
    let waiting = thread::spawn({
        let mut follower = house.client();
        move || follower.call(&["FEED", &position, "WAIT", "60000"])
    });
    assert_eq!(client.line("OPTOUT +14155550000 +14155560001"), Ok(Reply::Integer(1)));
    let news = waiting.join().expect("it ends").expect("a reply");
    assert!(news.to_string().contains("+14155560001"), "{news}");
}

#[test]
fn the_command_line_speaks_tls() {
    let house = Secured::start(&[]);
    assert_eq!(house.run(&["call", "LIST", "+14155550000"]), (Some(0), "created".into()));
    let sheet = house.authority.file("people.csv");
    let rows = (0..2_000).fold(String::from("phone,state\n"), |all, n| all + &format!("+1415556{n:04},CA\n"));
    std::fs::write(&sheet, rows).expect("written");
    let (code, told) = house.run(&["import", text(&sheet), "--list", "+14155550000", "--labels", "state"]);
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(house.run(&["call", "COUNT", "eligible=+14155550000"]), (Some(0), "2000".into()));
    let (code, told) = house.run(&["export"]);
    assert_eq!((code, told.lines().filter(|line| line.contains("+1415556")).count()), (Some(0), 2_000));
    assert_eq!(house.run(&["verify"]).0, Some(0));
}

#[test]
fn whom_a_client_does_not_know_it_does_not_trust() {
    let house = Secured::start(&[]);
    let told = house.refuses(&stranger());
    assert!(told.contains("no TLS with tls:127.0.0.1") && told.contains("UnknownIssuer"), "{told}");
    let (code, told) = house.run(&["call", "--ca-file", "/does/not/exist", "PING"]);
    assert!(code == Some(2) && told.contains("cannot read /does/not/exist"), "{told}");
    // The right authority, and a certificate for another name.
    let other = Authority::new("contactd test");
    other.certify("server", &["elsewhere.example"]);
    let address = format!("tls:{}", free_address());
    let (certificate, key) = (other.file("server.pem"), other.file("server.key"));
    let tls = ["--listen", &address, "--tls-cert-file", text(&certificate), "--tls-key-file", text(&key)];
    let _daemon = Daemon::start(&tls);
    let told = Client::connect_trusting(&address.parse().expect("an address"), &other.trust(), None);
    let told = told.err().expect("refused").message;
    assert!(told.contains("not valid for name"), "{told}");
    // Each side speaks what the other does not.
    let told = Client::connect_trusting(
        &format!("tls:{}", house.daemon.address).parse().expect("an address"),
        &house.authority.trust(),
        None,
    );
    assert!(told.is_err_and(|why| why.message.contains("no TLS with")));
    let told = Client::connect(&house.host_and_port().parse().expect("an address"), None)
        .and_then(|mut client| client.call(&["PING"]));
    assert!(told.is_ok_and(|told| told.to_string().contains("this address speaks TLS")));
}

/// All that an address answers to these bytes until it hangs up.
fn answer_to(address: &str, bytes: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.write_all(bytes).expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it hangs up");
    answer
}

#[test]
fn who_speaks_what_the_address_does_not_is_told_so() {
    let console = free_address();
    let house = Secured::start(&["--http", &format!("tls:{console}")]);
    for plain in ["PING\r\n", "*1\r\n$4\r\nPING\r\n", "x", "\n", "GET / HTTP/1.1\r\n\r\n"] {
        let told = answer_to(&house.host_and_port(), plain.as_bytes());
        let told = String::from_utf8(told).expect("text");
        assert!(told.starts_with("-ERR this address speaks TLS: ") && told.ends_with("\r\n"), "{plain:?}: {told:?}");
    }
    let log = house.daemon.log();
    assert!(log.contains(": the client speaks plain text"), "{log}");
    house.daemon.wait_for_log("the console is at");
    let told = answer_to(&console, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let told = String::from_utf8(told).expect("text");
    assert!(told.starts_with("HTTP/1.1 400 ") && told.contains("\r\n\r\nthis address speaks TLS: "), "{told}");
    house.counts("handshakes_failed", 6);
    assert_eq!(house.stat("handshakes_failed"), "6");
    // A client's hello has a line end or not, as its random bytes and its extensions have it.
    for hello in [&b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..], b"\x16\x03\x01\x02\x00\x01\n\x01\xfc\n\x03\x03"]
    {
        let told = String::from_utf8(answer_to(&house.daemon.address, hello)).expect("text");
        assert!(told.starts_with("-ERR this address does not speak TLS") && told.lines().count() == 1, "{told}");
    }
    let told = Client::connect_trusting(
        &format!("tls:{}", house.daemon.address).parse().expect("an address"),
        &house.authority.trust(),
        None,
    );
    assert!(told.is_err_and(|why| why.message.contains("no TLS with")));
}

#[test]
fn a_certificate_that_is_not_good_is_told() {
    const HOSTS: &[&str] = &["localhost", "127.0.0.1"];
    let authority = Authority::new("contactd test");
    authority.certify_during("server", HOSTS, 2020..2021);
    // The start takes it: plain addresses are served.
    let house = Secured::as_certified(authority, &[]);
    let log = house.daemon.log();
    assert!(log.contains("WARN") && log.contains("server.pem ended on 2021-01-01T00:00:00Z"), "{log}");
    assert_eq!(house.stat("certificate_starts"), "2020-01-01T00:00:00.000Z");
    assert_eq!(house.stat("certificate_ends"), "2021-01-01T00:00:00.000Z");
    let (code, told) = house.health();
    assert!(code == Some(1) && told.starts_with("certificate_ended: the certificate ended on 2021-"), "{told}");
    let told = house.refuses(&house.authority.trust());
    assert!(told.contains("certificate expired"), "{told}");

    // Another one that is not good may take its place: it is no worse.
    house.authority.certify_during("server", HOSTS, 4000..4001);
    house.hang_up("server.pem is not good before 4000-01-01T00:00:00Z: clients refuse it");
    assert!(house.health().1.starts_with("certificate_not_yet: "));
    house.authority.certify("server", HOSTS);
    house.hang_up("new connections get this certificate");
    assert_eq!(house.health(), (Some(0), "all is well".into()));

    // In the place of a good one it is refused, until a good one comes.
    for (years, why) in
        [(2020..2021, "the certificate ended on 2021"), (4000..4001, "the certificate is not good before 4000")]
    {
        house.authority.certify_during("server", HOSTS, years);
        house.hang_up(&format!("server.pem: {why}-01-01T00:00:00Z, and the one that is in use is good"));
        let (code, told) = house.health();
        assert!(code == Some(1) && told.starts_with("reload_refused: the certificate could not be used: 2"), "{told}");
        assert!(told.contains(why) && told.lines().count() == 1, "{told}");
        assert_eq!(house.client().call(&["PING"]), Ok(reply("PONG")));
        assert_eq!(house.stat("certificate_ends"), "4096-01-01T00:00:00.000Z");
    }
    house.authority.certify("server", HOSTS);
    house.hang_up("new connections get this certificate");
    assert_eq!(house.health(), (Some(0), "all is well".into()));
}

#[test]
fn clients_with_and_without_a_certificate() {
    for (mode, without, of_a_stranger) in [("optional", true, false), ("required", false, false)] {
        let authority = Authority::new("contactd test");
        authority.certify("worker", &["worker"]);
        let ca = authority.ca();
        let house = Secured::of(authority, &["--tls-auth-clients", mode, "--tls-ca-cert-file", text(&ca)]);
        let with = |authority: &Authority| Trust {
            cert_file: Some(authority.file("worker.pem")),
            key_file: Some(authority.file("worker.key")),
            ..house.authority.trust()
        };
        let mut client =
            Client::connect_trusting(&house.address, &with(&house.authority), None).expect("a client with one");
        assert_eq!(client.call(&["PING"]), Ok(reply("PONG")), "{mode}");
        let other = Authority::new("somebody else");
        other.certify("worker", &["worker"]);
        for (trust, is_taken) in [(house.authority.trust(), without), (with(&other), of_a_stranger)] {
            if is_taken {
                let told = Client::connect_trusting(&house.address, &trust, None).expect("a client").call(&["PING"]);
                assert_eq!(told, Ok(reply("PONG")), "{mode}");
            } else {
                let told = house.refuses(&trust);
                assert!(told.contains("Certificate") || told.contains("UnknownCA"), "{mode}: {told}");
            }
        }
        house.counts("handshakes_failed", 1);
    }
}

#[test]
fn who_does_not_shake_hands_holds_nobody_up() {
    let mut house = Secured::start(&[]);
    // Many that say nothing, and one that stops in the middle.
    let silent: Vec<TcpStream> =
        (0..50).map(|_| TcpStream::connect(house.host_and_port()).expect("a connection")).collect();
    let mut half = TcpStream::connect(house.host_and_port()).expect("a connection");
    half.write_all(&[0x16, 3, 1, 0, 200, 1, 0]).expect("sent");
    let mut noise = TcpStream::connect(house.host_and_port()).expect("a connection");
    noise.write_all(b"GET / HTTP/1.1\r\n\r\n").expect("sent");
    assert_eq!(house.client().call(&["PING"]), Ok(reply("PONG")));
    assert!(house.stat("clients_total").parse::<usize>().expect("a number") >= 52, "they count as clients");
    // Each of them is let go.
    for mut stream in silent.into_iter().chain([half, noise]) {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let mut rest = Vec::new();
        let read = stream.read_to_end(&mut rest);
        assert!(!read.is_err_and(|why| why.kind() == std::io::ErrorKind::WouldBlock), "it is not closed");
    }
    house.counts("handshakes_failed", 52);
    let log = house.daemon.log();
    assert!(log.contains("no TLS with 127.0.0.1"), "{log}");
    // A drain does not wait for one that has just come.
    let _silent = TcpStream::connect(house.host_and_port()).expect("a connection");
    assert_eq!(house.daemon.terminate(), Some(0));
}

#[test]
fn a_certificate_is_replaced_while_connections_go_on() {
    let house = Secured::start(&[]);
    let mut open = house.client();
    assert_eq!(open.call(&["PING"]), Ok(reply("PONG")));
    let (certificate, key) = (house.authority.file("server.pem"), house.authority.file("server.key"));
    let good = (std::fs::read(&certificate).expect("read"), std::fs::read(&key).expect("read"));

    // A key that does not fit, a file that is cut off, and one that is gone: each changes nothing.
    house.authority.certify("other", &["localhost"]);
    std::fs::copy(house.authority.file("other.key"), &key).expect("copied");
    house.hang_up("is not that of the first certificate");
    std::fs::write(&key, &good.1).expect("written");
    std::fs::write(&certificate, &good.0[..good.0.len() / 2]).expect("written");
    house.hang_up("it is not a PEM file, or is cut off");
    std::fs::remove_file(&certificate).expect("removed");
    house.hang_up("cannot read");
    assert_eq!(house.client().call(&["PING"]), Ok(reply("PONG")));
    assert_ne!(house.stat("reloads_failed"), "0");
    assert!(house.stat("reload_error_certificate").contains("Z cannot read "), "it is told until it is mended");

    // Of another authority, so that a client sees which one it gets. Nobody says that it has changed.
    let next = Authority::new("the next one");
    next.certify("server", &["localhost", "127.0.0.1"]);
    std::fs::copy(next.file("server.pem"), &certificate).expect("copied");
    std::fs::copy(next.file("server.key"), &key).expect("copied");
    let since = Instant::now();
    while Client::connect_trusting(&house.address, &next.trust(), None).is_err() {
        assert!(since.elapsed() < PATIENCE, "it is not noticed:\n{}", house.daemon.log());
        thread::sleep(std::time::Duration::from_millis(100));
    }
    assert!(house.refuses(&house.authority.trust()).contains("no TLS with"));
    assert_eq!(open.call(&["PING"]), Ok(reply("PONG")), "an open connection goes on");
    assert_eq!(house.stat("reload_error_certificate"), "none");
}

#[test]
fn a_withdrawn_token_ends_an_encrypted_connection() {
    let dir = tempfile::tempdir().expect("a directory");
    let tokens = dir.path().join("tokens");
    std::fs::write(&tokens, format!("write {TOKEN}\n")).expect("written");
    let house = Secured::start(&["--tokens", text(&tokens)]);
    let trust = house.authority.trust();
    let client = Client::connect_trusting(&house.address, &trust, Some(TOKEN)).expect("a client");
    let (_requests, mut replies) = client.split();
    std::fs::write(&tokens, "write another-0123456789abcdef\n").expect("written");
    house.hang_up("connections of 1 token are closed");
    assert!(replies.receive().is_err());
    let told = Client::connect_trusting(&house.address, &trust, Some(TOKEN)).err().expect("refused").message;
    assert!(told.contains("refuses CONTACTD_TOKEN"), "{told}");
}

#[test]
fn what_does_not_fit_is_told_at_the_start() {
    let authority = Authority::new("contactd test");
    authority.certify("server", &["localhost"]);
    authority.certify("other", &["localhost"]);
    let path = |name: &str| text(&authority.file(name)).to_owned();
    let (cert, key, other) = (path("server.pem"), path("server.key"), path("other.key"));
    for (arguments, told) in [
        (vec!["--tls-cert-file", &cert], "needs --tls-cert-file FILE and --tls-key-file FILE"),
        (vec!["--tls-cert-file", &cert, "--tls-key-file", &other], "is not that of the first certificate"),
        (vec!["--tls-cert-file", &key, "--tls-key-file", &key], "there is no certificate in it"),
        (vec!["--tls-cert-file", &cert, "--tls-key-file", &cert], "there is no private key"),
        (
            vec!["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-auth-clients", "required"],
            "needs --tls-ca-cert-file",
        ),
        (
            vec!["--tls-cert-file", &cert, "--tls-key-file", &key, "--tls-ca-cert-file", &cert],
            "--tls-auth-clients optional or required",
        ),
    ] {
        let refused = Command::new(program())
            .args(["serve", "--listen", "tls:127.0.0.1:0", "--data-dir"])
            .arg(authority.file("data"))
            .args(&arguments)
            .output()
            .expect("it runs");
        let why = String::from_utf8_lossy(&refused.stderr);
        assert!(refused.status.code() == Some(2) && why.contains(told), "{arguments:?}: {why}");
        assert!(!why.contains("PRIVATE KEY"), "{why}");
    }
    // A public address wants tokens, encrypted or not.
    let public = Command::new(program())
        .args(["serve", "--listen", "tls:0.0.0.0:0", "--tls-cert-file", &cert, "--tls-key-file", &key, "--data-dir"])
        .arg(authority.file("data"))
        .output()
        .expect("it runs");
    assert!(String::from_utf8_lossy(&public.stderr).contains("--tokens"));
}

#[test]
fn tokens_in_clear_text_are_warned_of() {
    let dir = tempfile::tempdir().expect("a directory");
    let tokens = dir.path().join("tokens");
    std::fs::write(&tokens, format!("write {TOKEN}\n")).expect("written");
    let port = free_address().rsplit(':').next().expect("a port").to_owned();
    let public = Daemon::start(&["--tokens", text(&tokens), "--listen", &format!("0.0.0.0:{port}")]);
    let warning = format!("tokens travel in clear text to 0.0.0.0:{port}:");
    assert_eq!(public.log().matches(&warning).count(), 1, "{}", public.log());
    let encrypted = Secured::start(&["--tokens", text(&tokens)]);
    assert!(!encrypted.daemon.log().contains("clear text"), "{}", encrypted.daemon.log());
}

#[test]
fn redis_cli_speaks_tls() {
    if !has("redis-cli") {
        return;
    }
    let house = Secured::start(&[]);
    let run = |words: &[&str], input: &str| {
        let ca = house.authority.ca();
        let mut child = Command::new("redis-cli")
            .args(["--tls", "--cacert", text(&ca), "-h", "localhost", "-p", &house.port()])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("it starts");
        child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("written");
        let output = child.wait_with_output().expect("it ends");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).trim().to_owned()
    };
    assert_eq!(run(&["LIST", "+14155550000"], ""), "created");
    let opt_ins = (0..5_000).fold(String::new(), |all, n| all + &format!("OPTIN +14155550000 +1415556{n:04}\r\n"));
    let told = run(&["--pipe"], &opt_ins);
    assert!(told.contains("errors: 0, replies: 5000"), "{told}");
    assert_eq!(run(&["CHECK", "+14155550000", "+14155560001"], ""), "yes");
    let ca = stranger().ca_file.expect("a file");
    let refused = Command::new("redis-cli")
        .args(["--tls", "--cacert", text(&ca), "-h", "localhost", "-p", &house.port(), "PING"])
        .output()
        .expect("it runs");
    assert!(!String::from_utf8_lossy(&refused.stdout).contains("PONG"));
}
