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
        ("/", &["1 reply may want out", "wrong number?", "1 message and 0 opt-outs in 30 days"][..]),
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
        // A plus that nobody encoded.
        ("/activity?list=+14155550100", &[PHONE, "wrote, and may want out"]),
        ("/imports?list=+14155550100", &["File for the list +14155550100"]),
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
        let is_there = page.body.contains("Plan 1") && page.body.contains(": 0 contacts");
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
    let again = browser.act("optout", &form(&[("list", LIST)]));
    assert!(again.starts_with("! Nothing changed: +14155550123 opted out of Spring sale"), "{again}");
    let page = browser.get("/contacts/+14155550123").body;
    assert!(page.contains("record it below, or the person writes START") && !page.contains("OPTIN"), "{page}");

    // An opt-in says when and with what proof, or it is none.
    assert!(browser.act("optin", &form(&[("list", LIST), ("evidence", "form 7")])).contains("Not done"));
    assert!(browser.act("optin", &form(&[("list", LIST), ("at", "2026-11-01T10:00")])).contains("Not done"));
    assert!(
        browser
            .act("optin", &form(&[("list", LIST), ("at", "2026-04-02T10:00"), ("evidence", "form 7")]))
            .contains("opted out of Spring sale +14155550100 on 20")
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
    assert!(browser.act("release", &form(&[("now", old)])).contains("Nothing changed"));
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
    assert!(browser.act("backup", &[("here", "/system")]).contains("being made"));
    while !daemon.connect().call("BACKUP STATUS").contains(r#""state":"idle""#) {
        std::thread::yield_now();
    }
    let page = browser.get("/system").body;
    assert!(page.contains("Back up now") && page.contains("<code>contactd-20"), "{page}");
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

/// The truth of an opt-out is the date of the message, for whoever counts the last days as for the lawyer.
#[test]
fn an_opt_out_of_the_inbox_has_the_date_of_its_message() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    assert_eq!(wire.call("LIST 24365 {\"name\":\"Alerts\"}"), "+created");
    let inbound = |text: &str, at: &str| format!(r#"INBOUND {LIST} {PHONE} {{"text":"{text}","at":"{at}"}}"#);
    assert!(
        wire.call(&inbound("please stop texting me all the time, thanks", "2026-05-02T10:00:00Z"))
            .starts_with("+message maybe")
    );
    assert!(wire.call(&inbound("wrong number?", "2026-05-01T10:00:00Z")).starts_with("+message maybe"));
    assert_eq!(wire.call(&format!("OPTIN 24365 {PHONE} {{\"at\":\"2026-06-01\"}}")), ":1");
    let page = browser.get("/inbox").body;
    for told in ["Wants out of Spring sale +14155550100", "Wants out of everything", "The number is somebody else’s"]
    {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    assert!(page.find("stop texting me") < page.find("wrong number?"), "the newest first: {page}");
    let (_, at) = page.split_once("name=\"at\" value=\"").expect("the date of the message");
    let at = at.split('"').next().expect("a date");
    assert_eq!(at, "2026-05-02T10:00:00.999Z");
    let form = [("phone", PHONE), ("at", at), ("here", "/inbox")];
    let said = browser.act("optout", &[&form[..], &[("list", LIST)]].concat());
    assert_eq!(said, "✓ +14155550123 is opted out of Spring sale +14155550100.");
    assert!(wire.call(&format!("GET {PHONE}")).contains(&format!(r#""opted_out_at":"{at}""#)));
    // Of everything, but where the person agreed later: the answer names that list.
    let said = browser.act("optout", &[&form[..], &[("list", "*")]].concat());
    assert_eq!(
        said,
        "! +14155550123 is opted out of all lists but Alerts 24365: it opted in there later. To end that, opt it out there."
    );
    let said = browser.act("optout", &[("phone", PHONE), ("here", "/inbox")]);
    assert_eq!(said, "✓ +14155550123 is opted out of all lists.");
}

#[test]
fn the_list_to_opt_in_to_is_the_one_that_was_left() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    assert_eq!(wire.call("LIST 24365 {\"name\":\"Alerts\"}"), "+created");
    assert_eq!(wire.call(&format!("OPTOUT 24365 {PHONE} {{\"at\":\"2026-05-01T00:00:00Z\"}}")), ":1");
    let page = browser.get("/contacts/+14155550123").body;
    assert!(page.contains("<option value=\"24365\" selected>"), "{page}");
    let form = [("phone", PHONE), ("list", "24365"), ("evidence", "form 7"), ("here", "/contacts/+14155550123")];
    let said = browser.act("optin", &[&form[..], &[("at", "2026-04-30T10:00")]].concat());
    assert!(said.starts_with("! Nothing changed: +14155550123 opted out of Alerts 24365 on 2026-05-01"), "{said}");
    let said = browser.act("optin", &[&form[..], &[("at", "2026-05-02T10:00")]].concat());
    assert_eq!(said, "✓ The opt-in is recorded: +14155550123 may get messages from Alerts 24365.");
    let said = browser.act("optin", &[&form[..], &[("at", "2026-05-02T10:00")]].concat());
    assert_eq!(said, "! Nothing changed: +14155550123 is on Alerts 24365 already, and may get messages.");
    assert_eq!(wire.call(&format!("SUPPRESS {PHONE}")), ":1");
    let said = browser.act("optin", &[&form[..], &[("at", "2026-05-03T10:00")]].concat());
    assert!(said.contains("gets no message from it. Held back everywhere on 20"), "{said}");
}

#[test]
fn find_takes_numbers_and_words_as_people_write_them() {
    let (daemon, mut browser) = start(&["--default-region", "US"]);
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    for (phone, labels) in [
        (PHONE, r#"{"name":"Jen Garcia","city":"Portland"}"#),
        ("+14155550124", r#"{"first_name":"Jen","last_name":"Smith"}"#),
    ] {
        assert!(
            wire.call(&format!(r#"IMPORT {LIST} {{"phone":"{phone}","labels":{labels}}}"#)).starts_with("+created")
        );
    }
    for typed in ["415 555 0123", "(415) 555-0123", "415.555.0123", "+1 415 555 0123"] {
        let found = browser.get(&format!("/contacts?q={}", encoded(typed)));
        assert_eq!(found.header("location"), Some("/contacts/+14155550123"), "{typed}");
    }
    for (typed, found) in [
        ("jen garcia", &[PHONE][..]),
        ("Jen Smith", &["+14155550124"]),
        ("PORTLAND", &[PHONE]),
        ("label.city=Portland", &[PHONE]),
        ("jen", &["+14155550124"]),
    ] {
        let page = browser.get(&format!("/contacts?q={}", encoded(typed))).body;
        for phone in [PHONE, "+14155550124"] {
            assert_eq!(
                page.contains(&format!("href=\"/contacts/{phone}\"")),
                found.contains(&phone),
                "{typed}: {page}"
            );
        }
    }
    for typed in ["nobody of this name", "715", "715 555 01"] {
        let page = browser.get(&format!("/contacts?q={}", encoded(typed)));
        assert!(page.status == 200 && page.body.contains("Find looks for a number like"), "{typed}: {}", page.body);
        assert!(!page.body.contains("is not a condition") && !page.body.contains("column"), "{typed}: {}", page.body);
    }
    let page = browser.get("/contacts?filter=colour%3Dred").body;
    assert!(page.contains("“colour=red” is not a condition. A condition says what it looks at"), "{page}");

    // A number that nobody knows can still be kept from getting messages.
    let page = browser.get("/contacts/+14155550199");
    assert_eq!(page.status, 404);
    for told in ["This number is unknown", "Never text this number", "Sending Lists", "name=\"q\""] {
        assert!(page.body.contains(told), "it does not say '{told}':\n{}", page.body);
    }
    let form = [("phone", "+14155550199"), ("here", "/contacts/+14155550199")];
    assert_eq!(browser.act("optout", &form), "✓ +14155550199 is opted out of all lists.");

    // Two labels at once, with an empty field for one more.
    let page = browser.get("/contacts?label=first_name&value=Jen&label2=last_name&value2=Smith").body;
    assert!(page.contains("<strong>1</strong> contacts") && page.contains("name=\"label3\""), "{page}");

    // A list by its number as people write it; one that is not taken stays in the form.
    let said = browser.act("list-new", &[("list", "(415) 555-0160"), ("name", "Autumn"), ("here", "/lists")]);
    assert!(said.contains("The list is there"), "{said}");
    assert!(wire.call("LISTS +14155550160").starts_with('*'));
    let refused = browser.post("/act/list-new", &[("list", "our number"), ("name", "Autumn"), ("here", "/lists")]);
    let page = browser.get(refused.header("location").expect("a page")).body;
    assert!(page.contains("value=\"our number\"") && page.contains("our number is not a number"), "{page}");
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
