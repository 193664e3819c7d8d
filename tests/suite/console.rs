//! The console over HTTP, as a browser speaks it: pages, forms, logins, and what it refuses.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::support::{Daemon, PATIENCE, free_address, program};

pub const LIST: &str = "+14155550100";
pub const PHONE: &str = "+14155550123";

/// A browser without a screen: it keeps cookies and says where its forms are from.
pub struct Browser {
    pub address: String,
    cookies: BTreeMap<String, String>,
}

/// What it was answered.
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

impl Browser {
    pub fn new(address: &str) -> Browser {
        Browser { address: address.to_owned(), cookies: BTreeMap::new() }
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n", self.address), "")
    }

    /// Sends a form of one of our pages.
    pub fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_from(path, form, "Sec-Fetch-Site: same-origin\r\n")
    }

    fn post_from(&mut self, path: &str, form: &[(&str, &str)], from: &str) -> Answer {
        let body = form.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&");
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{from}Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            self.address,
            body.len()
        );
        self.send(&head, &body)
    }

    /// Sends a form, and follows to the page that says what came of it.
    pub fn act(&mut self, what: &str, form: &[(&str, &str)]) -> String {
        let answer = self.post(&format!("/act/{what}"), form);
        assert_eq!(answer.status, 303, "{what}: {}", answer.body);
        let to = answer.header("location").expect("a page to go on to").to_owned();
        let page = self.get(&to).body;
        let (_, said) = page.split_once("id=\"said\"").expect("it says what came of it");
        let (said, _) = said.split_once("</p>").expect("a paragraph");
        said.split_once('>').map_or(said, |(_, said)| said).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    pub fn send(&mut self, head: &str, body: impl AsRef<[u8]>) -> Answer {
        let mut stream = TcpStream::connect(&self.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = if cookies.is_empty() { String::new() } else { format!("Cookie: {}\r\n", cookies.join("; ")) };
        stream.write_all(format!("{head}{cookies}Connection: close\r\n\r\n").as_bytes()).expect("to be sent");
        stream.write_all(body.as_ref()).expect("to be sent");
        let mut told = Vec::new();
        stream.read_to_end(&mut told).expect("an answer");
        let told = String::from_utf8(told).expect("UTF-8");
        let (head, body) = told.split_once("\r\n\r\n").expect("a head and a body");
        let body = if head.contains("transfer-encoding: chunked") { unchunked(body) } else { body.to_owned() };
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let answer = Answer { status, head: head.to_owned(), body };
        if let Some((name, value)) =
            answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()?.split_once('='))
        {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

/// What came in pieces, each behind a line with its length. It ends with one of no length, or is not complete.
fn unchunked(mut body: &str) -> String {
    let mut whole = String::new();
    loop {
        let (length, rest) = body.split_once("\r\n").expect("the length of a piece");
        let length = usize::from_str_radix(length, 16).expect("a length");
        if length == 0 {
            return whole;
        }
        whole.push_str(&rest[..length]);
        body = &rest[length + 2..];
    }
}

pub fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { (byte as char).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// A daemon with a console, and a list with a contact on it.
pub fn start(more: &[&str]) -> (Daemon, Browser) {
    let address = free_address();
    let daemon = Daemon::start(&[&["--http", &address], more].concat());
    (daemon, Browser::new(&address))
}

pub fn with_a_contact() -> (Daemon, Browser) {
    let (daemon, browser) = start(&[]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST} {{\"name\":\"Spring sale\"}}")), "+created");
    let row = format!(
        r#"IMPORT {LIST} {{"phone":"{PHONE}","labels":{{"state":"CA"}},"source":"contacts.csv","subscribed_at":"2026-04-01"}}"#
    );
    assert!(wire.call(&row).starts_with("+created"));
    (daemon, browser)
}

#[test]
fn pages_show_what_there_is() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    for line in [
        format!("SENT {LIST} {PHONE} m-1"),
        format!("CLICK {LIST} {PHONE} {{\"message\":\"m-1\",\"url\":\"https://example.com/sale\"}}"),
        format!("CONVERT {LIST} {PHONE} 49.90 {{\"message\":\"m-1\"}}"),
        "PUT +14155550124".to_owned(),
        "ERASE +14155550124".to_owned(),
    ] {
        assert!(!wire.call(&line).starts_with('-'), "{line}");
    }
    assert!(wire.call(&format!("INBOUND {LIST} {PHONE} {{\"text\":\"wrong number?\"}}")).starts_with("+message maybe"));
    for (path, told) in [
        ("/", &["1 replies may want out", "wrong number?", "1 messages and 0 opt-outs in 30 days"][..]),
        ("/lists", &["Spring sale", LIST, "too few"]),
        ("/lists/+14155550100", &[PHONE, "● yes", "by an import contacts.csv", "<th scope=\"col\">state</th>"]),
        ("/lists/%2B14155550100?who=opted_out", &["<strong>0</strong> contacts", "No contact matches"]),
        ("/lists/+14155550100/trends", &["Nobody has opted out of this list"]),
        ("/lists/+14155550100/settings", &["Pause this list", "Rename"]),
        ("/contacts?label=state&value=CA", &[PHONE, "FIND label.state=&#34;CA&#34;"]),
        ("/contacts?filter=colour%3Dred", &["The filter is not right", "is not a condition"]),
        (
            "/contacts/+14155550123",
            &["● active", "Message m-1", "sent", "clicked", "converted", "https://example.com/sale", "state: CA"],
        ),
        ("/contacts/+14155550124", &["Erased on request on", "opted out of all lists"]),
        ("/inbox", &["wrong number?", "Wants out"]),
        ("/activity", &[PHONE, "wrote, and may want out"]),
        ("/clean", &["A purge removes contacts", "Make a plan"]),
        ("/system", &["requests_inbound", "inbox_messages"]),
    ] {
        let answer = browser.get(path);
        assert_eq!(answer.status, 200, "{path}");
        for text in told {
            assert!(answer.body.contains(text), "{path} does not say '{text}':\n{}", answer.body);
        }
    }
    for path in ["/nothing", "/lists/24999", "/contacts/+14155559999"] {
        assert_eq!(browser.get(path).status, 404, "{path}");
    }
    let started = Instant::now();
    loop {
        let page = browser.get("/clean?plan=new");
        let is_there = page.body.contains("Plan 1: 0 contacts");
        assert!(is_there || page.body.contains("A plan is being made"), "{}", page.body);
        assert_eq!(page.header("refresh"), if is_there { None } else { Some("1") }, "it comes by itself");
        if is_there {
            break;
        }
        assert!(started.elapsed() < PATIENCE, "the plan does not come");
    }
    assert_eq!(browser.get("/lists/nonsense").status, 400);
    let found = browser.get(&format!("/contacts?q={}", encoded(PHONE)));
    assert_eq!(found.header("location"), Some("/contacts/+14155550123"));
}

#[test]
fn forms_do_what_they_say() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    let mut check = move || wire.call(&format!("CHECK {LIST} {PHONE}"));
    let here = [("here", "/contacts/+14155550123"), ("phone", PHONE)];
    let form =
        |more: &[(&'static str, &'static str)]| -> Vec<(&'static str, &'static str)> { [&here[..], more].concat() };
    assert!(browser.act("optout", &form(&[("list", LIST)])).contains("is opted out"));
    assert_eq!(check(), "+no list_opted_out");
    assert!(browser.act("optout", &form(&[("list", LIST)])).contains("so already"));

    // An opt-in says when and with what proof, or it is none.
    assert!(browser.act("optin", &form(&[("list", LIST), ("evidence", "form 7")])).contains("Not done"));
    assert!(browser.act("optin", &form(&[("list", LIST), ("at", "2026-11-01T10:00")])).contains("Not done"));
    assert!(
        browser
            .act("optin", &form(&[("list", LIST), ("at", "2026-04-02T10:00"), ("evidence", "form 7")]))
            .contains("No status changed")
    );
    assert_eq!(check(), "+no list_opted_out");

    // What permits is as old as its page: a suppression that came after the page was made stands.
    let address = browser.address.clone();
    let made = || -> &'static str {
        let page = Browser::new(&address).get("/contacts/+14155550123").body;
        let (_, made) = page.split_once("name=\"now\" value=\"").expect("a page says when it was made");
        made.split('"').next().expect("a date").to_owned().leak()
    };
    let old = made();
    assert!(browser.act("suppress", &form(&[])).contains("held back"));
    assert!(browser.act("release", &form(&[("now", old)])).contains("No status changed"));
    assert_eq!(check(), "+no suppressed");
    assert!(browser.act("release", &form(&[])).contains("Not done"), "without a date");
    assert!(browser.act("release", &form(&[("now", made())])).contains("released"));
    assert!(browser.act("invalid", &form(&[])).contains("does not exist"));
    assert_eq!(check(), "+no invalid");

    assert!(browser.act("label", &form(&[("key", "tier"), ("value", "gold")])).contains("labels are changed"));
    assert!(browser.get("/contacts/+14155550123").body.contains("tier: gold"));
    assert!(browser.act("label", &form(&[("key", "tier"), ("value", "")])).contains("labels are changed"));

    assert!(browser.act("list-pause", &[("list", LIST), ("here", "/lists")]).contains("paused"));
    assert_eq!(check(), "+no list_paused");
    assert!(browser.act("list-go-on", &[("list", LIST), ("here", "/lists")]).contains("in use again"));
    assert!(
        browser.act("list-name", &[("list", "24365"), ("name", "Alerts"), ("here", "/lists")]).contains("is there")
    );

    // What cannot be undone wants its name typed.
    assert!(
        browser.act("list-remove", &[("list", "24365"), ("typed", "24366"), ("here", "/lists")]).contains("type 24365")
    );
    assert!(
        browser.act("list-remove", &[("list", "24365"), ("typed", "24365"), ("here", "/lists")]).contains("removed")
    );
    assert!(browser.act("erase", &form(&[("typed", "yes")])).contains("type +14155550123"));
    assert!(browser.act("erase", &form(&[("typed", PHONE)])).contains("erased"));
    assert_eq!(check(), "+no not_subscribed");
    assert!(browser.act("verify", &[("here", "/system")]).contains("in order"));
    assert!(browser.act("no-such-form", &[("here", "/")]).contains("Not done"));
}

#[test]
fn a_reply_is_settled_either_way() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    for text in ["wrong number?", "please stop texting me all the time, thanks"] {
        assert!(wire.call(&format!("INBOUND {LIST} {PHONE} {{\"text\":\"{text}\"}}")).starts_with("+message maybe"));
    }
    let page = browser.get("/inbox").body;
    let numbers: Vec<String> = page
        .split("name=\"number\" value=\"")
        .skip(1)
        .map(|rest| rest.chars().take_while(|c| *c != '"').collect())
        .collect();
    assert_eq!(numbers.len(), 2, "{page}");
    assert!(browser.act("review", &[("number", &numbers[0]), ("here", "/inbox")]).contains("settled"));
    assert!(browser.act("review", &[("number", &numbers[0]), ("here", "/inbox")]).contains("already"));
    assert_eq!(wire.call(&format!("CHECK {LIST} {PHONE}")), "+yes");
    assert!(browser.act("optout", &[("list", LIST), ("phone", PHONE), ("here", "/inbox")]).contains("opted out"));
    assert!(browser.get("/inbox").body.contains("No reply waits"));
    assert_eq!(wire.call(&format!("CHECK {LIST} {PHONE}")), "+no list_opted_out");
}

#[test]
fn forms_of_other_pages_and_names_of_other_machines_are_refused() {
    let (daemon, mut browser) = with_a_contact();
    let form = [("list", LIST), ("phone", PHONE), ("here", "/")];
    browser.get("/");
    let port = browser.address.rsplit(':').next().expect("a port").to_owned();
    for from in [
        String::new(),
        "Sec-Fetch-Site: cross-site\r\n".into(),
        "Sec-Fetch-Site: same-site\r\n".into(),
        "Origin: http://evil.example\r\n".into(),
        "Origin: null\r\n".into(),
        format!("Origin: http://localhost:{port}\r\n"),
    ] {
        let refused = browser.post_from("/act/optout", &form, &from);
        assert_eq!(refused.status, 403, "{from}");
    }
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("CHECK {LIST} {PHONE}")), "+yes", "nothing was done");
    for host in ["evil.example", "127.0.0.1.evil.example", ""] {
        let answer = browser.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n"), "");
        assert_eq!(answer.status, 421, "{host}");
    }
    let own = format!("Origin: http://{}\r\n", browser.address);
    assert_eq!(browser.post_from("/act/optout", &form, &own).status, 303, "one of our own pages");
    assert_eq!(wire.call(&format!("CHECK {LIST} {PHONE}")), "+no list_opted_out");
    // A form leads back to our own pages only.
    for to in ["//evil.example/", "https://evil.example/", "/\\evil.example"] {
        let answer = browser.post("/act/optout", &[("list", LIST), ("phone", PHONE), ("here", to)]);
        assert_eq!(answer.header("location"), Some("/"), "{to}");
    }
}

#[test]
fn a_token_says_what_its_pages_can_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let tokens = dir.path().join("tokens");
    std::fs::write(&tokens, "read read-token-0123456\nadmin admin-token-012345\n").expect("written");
    let (daemon, mut browser) = start(&["--tokens", tokens.to_str().expect("a path")]);
    let refused = browser.get("/lists?sort=name");
    assert_eq!((refused.status, refused.header("location")), (303, Some("/login?to=%2Flists%3Fsort%3Dname")));
    assert_eq!(browser.post("/act/list-name", &[("list", "24365")]).status, 403, "logged out");
    let wrong = browser.post("/login", &[("token", "never-was-a-token"), ("to", "/")]);
    assert_eq!(wrong.status, 401);
    assert!(wrong.body.contains("This token is not known") && !wrong.body.contains("never-was-a-token"));

    let mut admin = Browser::new(&browser.address);
    let login = admin.post("/login", &[("token", "admin-token-012345"), ("to", "/lists")]);
    assert_eq!((login.status, login.header("location")), (303, Some("/lists")));
    let cookie = login.header("set-cookie").expect("a cookie");
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    assert!(admin.act("list-name", &[("list", "24365"), ("name", "Alerts"), ("here", "/lists")]).contains("is there"));

    assert_eq!(
        browser.post("/login", &[("token", "read-token-0123456"), ("to", "//evil.example")]).header("location"),
        Some("/")
    );
    for path in ["/", "/lists", "/lists/24365/settings", "/inbox", "/clean", "/system"] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("action=\"/act/"), "a form on {path}");
    }
    assert!(browser.act("list-pause", &[("list", "24365"), ("here", "/lists")]).contains("Not done"));
    assert!(browser.get("/clean?plan=new").body.contains("needs a token of the level admin"));

    // A token that left the file ends its sessions.
    std::fs::write(&tokens, "read another-token-0123\nadmin admin-token-012345\n").expect("written");
    Command::new("kill").args(["-HUP", &daemon.pid().to_string()]).status().expect("kill");
    let started = Instant::now();
    while browser.get("/").status == 200 {
        assert!(started.elapsed() < PATIENCE, "its pages are still served");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(browser.get("/").header("location"), Some("/login?to=%2F&ended=token"));
    assert!(browser.get("/login?to=%2F&ended=token").body.contains("Your token is not valid any more"));
    let refused = browser.post("/act/list-name", &[("list", "24365")]).body;
    assert!(refused.contains("Your token is not valid any more") && refused.contains("Nothing was done"), "{refused}");
    assert_eq!(admin.get("/").status, 200);
    assert_eq!(admin.post("/logout", &[]).header("location"), Some("/login"));
    assert_eq!(admin.get("/").header("location"), Some("/login?to=%2F"), "who logged out knows why");
    admin.cookies.insert("contactd".into(), "of a session before the restart".into());
    assert_eq!(admin.get("/lists").header("location"), Some("/login?to=%2Flists&ended=session"));
}

#[test]
fn what_others_wrote_is_shown_as_they_wrote_it() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    let hostile = r#"<script>alert(1)</script>"><img src=x onerror=alert(2)>'"#;
    let json = hostile.replace('"', "\\\"");
    for line in [
        format!(r#"LIST {LIST} {{"name":"{json}"}}"#),
        format!(r#"PUT {PHONE} {{"labels":{{"note":"{json}"}}}}"#),
        format!(r#"CLICK {LIST} {PHONE} {{"url":"javascript:alert(3)//{json}"}}"#),
        format!(r#"SUPPRESS {PHONE} {{"source":"{json}","reason":"{json}"}}"#),
        format!(r#"RELEASE {PHONE} {{"at":"2999-01-01"}}"#),
        format!(r#"INBOUND {LIST} {PHONE} {{"text":"wrong number? {json}"}}"#),
    ] {
        assert!(!wire.call(&line).starts_with('-'), "{line}");
    }
    for path in [
        "/",
        "/lists",
        "/lists/+14155550100",
        "/lists/+14155550100/settings",
        "/contacts/+14155550123",
        "/contacts",
        "/inbox",
        "/activity",
    ] {
        let page = browser.get(path);
        assert_eq!(page.status, 200, "{path}");
        for active in ["<script>alert", "<img", "href=\"javascript:"] {
            assert!(!page.body.contains(active), "{path} has {active}");
        }
    }
    let page = browser.get(&format!("/contacts?filter={}&label={}", encoded(hostile), encoded(hostile)));
    assert!(!page.body.contains("<script>alert") && page.body.contains("The filter is not right"));
    let answer = browser.get("/");
    let policy = answer.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer"), ("cache-control", "no-store")]
    {
        assert_eq!(answer.header(name), Some(value));
    }
}

#[test]
fn a_console_for_others_needs_tls_and_tokens() {
    let dir = tempfile::tempdir().expect("a directory");
    let refused = |arguments: &[&str]| {
        let output = Command::new(program())
            .args(["serve", "--listen", &free_address(), "--data-dir"])
            .arg(dir.path().join("data"))
            .args(arguments)
            .output()
            .expect("it ends");
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["--http", "0.0.0.0:0"]).contains("--http tls:HOST:PORT"));
    assert!(refused(&["--http", "tls:0.0.0.0:0"]).contains("--tokens"));
    assert!(refused(&["--http", "unix:/tmp/never"]).contains("--http is for browsers"));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a socket");
    let taken = taken.local_addr().expect("an address").to_string();
    assert!(refused(&["--http", &taken]).contains("cannot listen on"), "one that somebody asked for");
}
