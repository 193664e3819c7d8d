//! Imports and exports of the console, over HTTP: a file comes in, a person says what its columns are, its rows go to the
//! daemon with the rights of the token; and a segment goes out.

use std::process::Command;
use std::time::Instant;

use crate::console::{Answer, Browser, LIST, PHONE, encoded, start, with_a_contact};
use crate::support::{Daemon, PATIENCE, program};

/// Phones, and words that German Excel writes, in its encoding: `Jörg;nein` and the like.
const SHEET: &[u8] =
    b"Vorname;Handy;Abgemeldet\r\nJ\xf6rg;+14155552001;nein\r\nK\xe4the;+14155552002;ja\r\nAnn;;nein\r\n\
    <img src=x>;+14155552003;nein\r\nBen;12345;nein\r\n";

impl Browser {
    /// Sends a file, as the form on Imports does.
    fn upload(&mut self, name: &str, file: &[u8]) -> Answer {
        self.upload_from(name, file, "Sec-Fetch-Site: same-origin\r\n")
    }

    fn upload_from(&mut self, name: &str, file: &[u8], from: &str) -> Answer {
        let head = format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: text/csv\r\n\r\n"
        );
        let body = [head.as_bytes(), file, b"\r\n--xyz--\r\n"].concat();
        self.send_form(&body, body.len(), from)
    }

    fn send_form(&mut self, body: &[u8], length: usize, from: &str) -> Answer {
        let head = format!(
            "POST /imports HTTP/1.1\r\nHost: {}\r\n{from}Content-Type: multipart/form-data; boundary=xyz\r\n\
             Content-Length: {length}\r\n",
            self.address
        );
        self.send(&head, body)
    }

    /// Sends a file that is taken. Gives the path of its import.
    fn import(&mut self, name: &str, file: &[u8]) -> String {
        let answer = self.upload(name, file);
        let path = answer.header("location").expect("a page to go on to").to_owned();
        assert!(answer.status == 303 && path.starts_with("/imports/"), "{path}: {}", self.get("/imports").body);
        path
    }

    /// Sends one of the forms of an import, and follows to what came of it, once nothing goes on any more.
    fn answer(&mut self, path: &str, form: &[(&str, &str)]) -> String {
        let answer = self.post(path, form);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let to = answer.header("location").expect("a page to go on to").to_owned();
        let started = Instant::now();
        loop {
            let page = self.get(&to).body;
            if !page.contains("goes on</h2>") {
                return page;
            }
            assert!(page.contains("http-equiv=\"refresh\""), "it says how far it is by itself");
            assert!(started.elapsed() < PATIENCE, "it goes on for ever");
        }
    }

    fn log_in(&mut self, token: &str) {
        assert_eq!(self.post("/login", &[("token", token), ("to", "/")]).status, 303);
    }
}

/// Files without a name that a daemon holds.
fn scratches(daemon: &Daemon) -> usize {
    let files = std::fs::read_dir(format!("/proc/{}/fd", daemon.pid())).expect("its files");
    let names = files.filter_map(|file| std::fs::read_link(file.ok()?.path()).ok());
    names.filter(|name| name.to_string_lossy().contains("(deleted)")).count()
}

fn wait_for_none(daemon: &Daemon) {
    let started = Instant::now();
    while scratches(daemon) > 0 {
        assert!(started.elapsed() < PATIENCE, "its uploads stay");
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn a_file_is_asked_about_tried_and_imported() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    assert_eq!(wire.call(&format!("OPTOUT {LIST} +14155552003")), ":1");
    let path = browser.import("M\u{e4}rz <b>.csv", SHEET);
    let page = browser.get(&path).body;
    for told in ["März &#60;b&#62;.csv", "choose the list", "Ann 1", "Jörg 1", "&#60;img src=x&#62;", "nein 4 · ja 1"]
    {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    assert!(!page.contains("<img") && !page.contains("<b>.csv"), "cells are shown as they stand");

    // Nothing is tried or imported before all is said, and nothing imported untried.
    let list = [("list", LIST)];
    let page = browser.answer(&path, &[&list[..], &[("do", "try")]].concat());
    assert!(page.contains("something must be said first") && page.contains("Say what this is."), "{page}");
    assert!(browser.answer(&path, &[("do", "run")]).contains("something must be said first"));
    let said = [("list", LIST), ("c0", "label"), ("c1", "phone"), ("c2", "opted_out")];
    let page = browser.answer(&path, &[&said[..], &[("do", "read")]].concat());
    assert!(
        page.contains("a label, which forbids nothing: vorname</option>") && !page.contains("id=\"open\""),
        "{page}"
    );
    assert!(browser.answer(&path, &[("do", "run")]).contains("a dry run comes first"));

    let page = browser.answer(&path, &[&said[..], &[("do", "try")]].concat());
    for told in
        ["Dry run: nothing was changed", "Import 3 of 5 rows", "would be imported</dt><dd>3", "empty", "too_short"]
    {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    assert_eq!(wire.call(&format!("CHECK {LIST} +14155552001")), "+no not_subscribed", "nothing was changed");

    let page = browser.answer(&path, &[("do", "run")]);
    for told in [
        "Report</h2>",
        "Rows</dt><dd>5",
        "kept as: opted out</dt><dd>1",
        "fewer than seven digits",
        "1 because of the cell in Handy, like “12345”",
        "Windows-1252",
    ] {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    for (phone, verdict) in
        [("+14155552001", "+yes"), ("+14155552002", "+no list_opted_out"), ("+14155552003", "+no list_opted_out")]
    {
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), verdict, "{phone}");
    }
    assert!(wire.call("GET +14155552001").contains(r#""vorname":"Jörg""#));

    let rejects = browser.get(&format!("{path}/rejects"));
    assert_eq!(rejects.header("content-type"), Some("text/csv; charset=utf-8"));
    assert_eq!(
        rejects.body.trim_start_matches('\u{feff}'),
        "Vorname;Handy;Abgemeldet;line;reason;column\r\nAnn;;nein;4;empty;Handy\r\nBen;12345;nein;6;too_short;Handy\r\n"
    );
    let page = browser.get("/imports").body;
    for told in ["März &#60;b&#62;.csv", ">done<", "data-head=\"Rows\">5<", "data-head=\"Rejected\">2<"] {
        assert!(page.contains(told), "Imports does not say '{told}':\n{page}");
    }
    assert!(browser.answer(&path, &[("do", "discard")]).contains("The file is discarded"));
    wait_for_none(&daemon);
    assert_eq!(browser.get(&path).status, 404);
}

#[test]
fn a_file_says_what_it_is_and_what_its_words_mean() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    // Its name speaks of opt-outs, and so somebody has to say what the rows are.
    let path = browser.import("unsubscribed.csv", b"phone,note\n(415) 555-2001,a\n");
    let page = browser.get(&path).body;
    assert!(page.contains("“unsubscribed.csv” speaks of people who want no messages"), "{page}");
    let page = browser.answer(&path, &[("list", LIST), ("as", "optout"), ("region", "XX"), ("do", "read")]);
    assert!(page.contains("not a region; write two letters"), "{page}");
    let said = [("list", LIST), ("as", "optout"), ("region", "us"), ("source", "the old shop")];
    let page = browser.answer(&path, &[&said[..], &[("do", "try")]].concat());
    assert!(page.contains("would be imported</dt><dd>1"), "{page}");
    browser.answer(&path, &[("do", "run")]);
    assert_eq!(wire.call(&format!("CHECK {LIST} +14155552001")), "+no list_opted_out");
    assert!(wire.call("GET +14155552001").contains(r#""opted_out_source":"the old shop""#));

    // A word that nobody knows has to be explained; one that forbids cannot be explained away.
    let path = browser.import("contacts.csv", b"phone,status\n+14155552004,Iscritto\n+14155552005,unsubscribed\n");
    let page = browser.answer(&path, &[("list", LIST), ("do", "try")]);
    assert!(page.contains("“<b>Iscritto</b>” in 1 row") && !page.contains("“<b>unsubscribed"), "{page}");
    let page = browser.answer(&path, &[("list", LIST), ("v1.1", "active"), ("do", "try")]);
    assert!(page.contains("cannot mean active"), "{page}");
    browser.answer(&path, &[("list", LIST), ("v1.0", "active"), ("do", "try")]);
    browser.answer(&path, &[("do", "run")]);
    assert_eq!(wire.call(&format!("CHECK {LIST} +14155552004")), "+yes");
    assert_eq!(wire.call(&format!("CHECK {LIST} +14155552005")), "+no list_opted_out");

    // A dry run speaks of the columns as they were said then.
    let path = browser.import("contacts.csv", b"phone,tier\n+14155552006,gold\n");
    let said = [("list", LIST), ("c1", "label")];
    assert!(browser.answer(&path, &[&said[..], &[("do", "try")]].concat()).contains("Import 1 row"));
    let said = [("list", "*"), ("c1", "label.tier")];
    assert!(!browser.answer(&path, &[&said[..], &[("do", "read")]].concat()).contains("Import 1 row"));
    assert!(browser.answer(&path, &[("do", "run")]).contains("a dry run comes first"));
    let page = browser.answer(&path, &[("list", "24365"), ("c1", "label.tier"), ("do", "try")]);
    assert!(page.contains("the list 24365 does not exist") && !page.contains("Import 1 row"), "{page}");
}

#[test]
fn files_that_are_none_are_refused_and_say_why() {
    let (daemon, mut browser) = start(&[]);
    browser.get("/");
    let mut refused = |name: &str, file: &[u8]| {
        let answer = browser.upload(name, file);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/imports")), "{name}");
        browser.get("/imports").body
    };
    assert!(refused("", b"").contains("choose a file first"));
    assert!(refused("empty.csv", b"").contains("the file is empty"));
    let from = "Sec-Fetch-Site: same-origin\r\n";
    let answer =
        browser.send_form(b"--xyz\r\nContent-Disposition: form-data; name=\"other\"\r\n\r\nx\r\n--xyz--\r\n", 71, from);
    assert_eq!(answer.status, 303);
    assert!(browser.get("/imports").body.contains("not one of ours"));
    assert_eq!(scratches(&daemon), 0);

    let path = browser.import("book.xlsx", b"PK\x03\x04\0\0\0\0");
    let page = browser.get(&path).body;
    assert!(page.contains("This file cannot be read") && page.contains("Discard this file"), "{page}");
    assert!(browser.answer(&path, &[("do", "try")]).contains("This file cannot be read"));

    // Two columns could be the phone, until somebody says which.
    let path = browser.import("two.csv", b"Phone,phone\n+14155552001,+14155552002\n");
    assert!(browser.get(&path).body.contains("under “Phone column”"));
    let page = browser.answer(&path, &[("list", "*"), ("phone", "#2 phone"), ("c0", "ignore"), ("do", "read")]);
    assert!(page.contains("Its columns") && !page.contains("cannot be read"), "{page}");

    // There is room for so many, and whoever discards one makes room.
    let mut paths: Vec<String> =
        (0..6).map(|at| browser.import(&format!("{at}.csv"), b"phone\n+14155552001\n")).collect();
    browser.upload("ninth.csv", b"phone\n+14155552001\n");
    assert!(browser.get("/imports").body.contains("8 files are here already"));
    let discarded = paths.pop().expect("one of them");
    browser.answer(&discarded, &[("do", "discard")]);
    browser.import("ninth.csv", b"phone\n+14155552001\n");
}

#[test]
fn an_import_has_the_rights_of_its_token_and_ends_with_its_session() {
    let dir = tempfile::tempdir().expect("a directory");
    let tokens = dir.path().join("tokens");
    let write = |text: &str| std::fs::write(&tokens, text).expect("written");
    write(
        "read read-token-0123456\nwrite write-token-012345 marketing\nwrite other-token-012345 sales\nadmin admin-token-012345\n",
    );
    let (daemon, mut reader) = start(&["--tokens", tokens.to_str().expect("a path")]);
    let mut wire = daemon.connect();
    wire.call("AUTH admin-token-012345");
    assert_eq!(wire.call(&format!("LIST {LIST}")), "+created");
    assert_eq!(reader.upload("contacts.csv", SHEET).status, 403, "logged out");
    reader.log_in("read-token-0123456");
    assert!(!reader.get("/imports").body.contains("<form method=\"post\" action=\"/imports"));
    assert_eq!(reader.upload("contacts.csv", SHEET).status, 403);

    let mut writer = Browser::new(&reader.address);
    writer.log_in("write-token-012345");
    for from in ["", "Sec-Fetch-Site: cross-site\r\n", "Origin: http://evil.example\r\n"] {
        assert_eq!(writer.upload_from("contacts.csv", SHEET, from).status, 403, "{from}");
    }
    assert_eq!(scratches(&daemon), 0);
    let path = writer.import("contacts.csv", b"phone\n+14155552001\n12345\n");
    let mut other = Browser::new(&reader.address);
    other.log_in("other-token-012345");
    for stranger in [&mut reader, &mut other] {
        assert_eq!(stranger.get(&path).status, 403, "what the file holds is for whoever brought it");
        assert_eq!(stranger.post(&path, &[("do", "discard")]).status, 403);
        assert_eq!(stranger.get(&format!("{path}/rejects")).status, 403);
    }
    writer.answer(&path, &[("list", LIST), ("do", "try")]);
    writer.answer(&path, &[("do", "run")]);
    let history = wire.call("HISTORY +14155552001");
    assert!(history.contains(r#""by":"marketing""#), "{history}");
    // So have the forms of other pages.
    let form = [("list", LIST), ("phone", "+14155552001"), ("here", "/imports")];
    assert!(other.act("optout", &form).contains("is opted out"));
    let history = wire.call("HISTORY +14155552001 KIND optout");
    assert!(history.contains(r#""by":"sales""#), "{history}");
    // Everybody sees the report, and nobody else the rows that were rejected.
    let report = reader.get(&path);
    assert!(report.status == 200 && report.body.contains("by marketing") && report.body.contains("too_short"));
    assert!(
        report.body.contains("because of the cell in phone</div>") && !report.body.contains("12345"),
        "{}",
        report.body
    );
    assert!(writer.get(&path).body.contains("because of the cell in phone, like “12345”"));
    assert_eq!(reader.get(&format!("{path}/rejects")).status, 403);
    assert_eq!(writer.get(&format!("{path}/rejects")).status, 200);

    // With the session its files go, one that waits for answers and one of rejected rows.
    let waits = writer.import("more.csv", SHEET);
    assert!(scratches(&daemon) >= 2);
    assert_eq!(writer.post("/logout", &[]).status, 303);
    writer.log_in("write-token-012345");
    assert_eq!(writer.get(&waits).status, 404);
    assert_eq!(writer.get(&format!("{path}/rejects")).status, 404);
    let report = writer.get(&path).body;
    assert!(report.contains("too_short") && !report.contains("12345"), "the report stays, without what the file had");
    wait_for_none(&daemon);

    // So do those of a token that leaves, without anybody's click.
    writer.import("more.csv", SHEET);
    write("read read-token-0123456\nadmin admin-token-012345\n");
    Command::new("kill").args(["-HUP", &daemon.pid().to_string()]).status().expect("kill");
    wait_for_none(&daemon);
}

/// The day (UTC), as the name of a file has it.
fn today() -> String {
    let output = Command::new("date").args(["-u", "+%Y-%m-%d"]).output().expect("date");
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_no_is_asked_about() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    let sheet = b"phone,consent\n+14155552001,Yes\n+14155552002,No\n+14155552003,Yes\n+14155552003,No\n";
    let path = browser.import("contacts.csv", sheet);
    let page = browser.get(&path).body;
    for told in ["“<b>No</b>” in 2 rows", "selected>never agreed: not put on the list", "opted out of the list"] {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    // As it stands, nobody who did not agree is put on the list; and a no beats a yes of the same phone.
    let page = browser.answer(&path, &[("list", LIST), ("v1.0", "no_consent"), ("do", "try")]);
    for told in ["Import 2 of 4 rows", "these people did not agree", "rows of the same phone say different things"] {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    browser.answer(&path, &[("do", "run")]);
    for (phone, verdict) in
        [("+14155552001", "+yes"), ("+14155552002", "+no not_subscribed"), ("+14155552003", "+no list_opted_out")]
    {
        assert_eq!(wire.call(&format!("CHECK {LIST} {phone}")), verdict, "{phone}");
    }
    let path = browser.import("contacts.csv", b"phone,consent\n+14155552001,No\n");
    browser.answer(&path, &[("list", LIST), ("v1.0", "opted_out"), ("do", "try")]);
    browser.answer(&path, &[("do", "run")]);
    assert_eq!(wire.call(&format!("CHECK {LIST} +14155552001")), "+no list_opted_out");
}

#[test]
fn a_date_of_two_meanings_is_asked_about() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    let path =
        browser.import("contacts.csv", b"phone,consent,Came\n+14155552001,Yes,4/3/2026\n+14155552002,Yes,12/25/2025\n");
    // Onto a list that there is not yet, by its number as people write it.
    let said = [("new_list", "+1 (415) 555-0160"), ("new_name", "Autumn"), ("c2", "subscribed_at")];
    let page = browser.answer(&path, &[&said[..], &[("do", "try")]].concat());
    for told in [
        "Say whether the month or the day stands first.",
        "2 dates like 4/3/2026: in 1 of them the second number is over 12, so they look like month/day/year",
        "selected>Autumn +14155550160",
    ] {
        assert!(page.contains(told), "it does not say '{told}':\n{page}");
    }
    let said = [("list", "+14155550160"), ("c2", "subscribed_at"), ("d2", "mdy")];
    let page = browser.answer(&path, &[&said[..], &[("do", "try")]].concat());
    assert!(page.contains("Import 2 rows"), "{page}");
    let page = browser.answer(&path, &[("do", "run")]);
    assert!(page.contains("subscribed_at:mdy"), "{page}");
    assert!(wire.call("GET +14155552001").contains(r#""subscribed_at":"2026-04-03T00:00:00.000Z""#));
    let page = browser.get("/activity?cause=created&list=%2B14155550160").body;
    for told in ["came in", "data-head=\"By\" class=\"long\">contacts.csv", "+14155552002"] {
        assert!(page.contains(told), "Activity does not say '{told}':\n{page}");
    }
    assert!(browser.get("/activity?before=2026-01-01").body.contains("Nothing of this kind"));
}

#[test]
fn imports_of_others_are_told_by_their_contacts() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    for phone in ["+14155552001", "+14155552002"] {
        let row = format!(
            r#"IMPORT {LIST} {{"phone":"{phone}","source":"<b>march.csv","import_id":"2026-04-02T09:30:00.000Z","subscribed_at":"2026-03-30"}}"#
        );
        assert!(wire.call(&row).starts_with("+created"));
    }
    let page = browser.get("/imports").body;
    for told in ["&#60;b&#62;march.csv", "2026-04-02 09:30", "data-head=\"Contacts seen\">2<"] {
        assert!(page.contains(told), "Imports does not say '{told}':\n{page}");
    }
}

#[test]
fn a_segment_is_exported_as_the_command_line_does_it() {
    let (daemon, mut browser) = with_a_contact();
    let mut wire = daemon.connect();
    let row = format!(r#"IMPORT {LIST} {{"phone":"+14155550124","labels":{{"state":"NY","note":"=1+1"}}}}"#);
    assert!(wire.call(&row).starts_with("+created"));
    assert_eq!(wire.call(&format!("OPTOUT {LIST} {PHONE}")), ":1");
    let told = |arguments: &[&str]| {
        let output = Command::new(program()).args(["export", "--server", &daemon.address]).args(arguments).output();
        String::from_utf8(output.expect("it runs").stdout).expect("UTF-8")
    };
    let all = browser.get("/contacts/export");
    assert_eq!(all.status, 200);
    assert_eq!(
        all.header("content-disposition"),
        Some(format!("attachment; filename=\"contacts-{}.csv\"", today()).as_str())
    );
    assert_eq!(all.body, told(&[]));
    assert!(
        all.body.contains("verdict") && all.body.contains("list_opted_out") && all.body.contains("'=1+1"),
        "{}",
        all.body
    );
    let of_list = browser.get(&format!("/contacts/export?list={}&label=state&value=NY", encoded(LIST)));
    assert_eq!(of_list.body, told(&["--list", LIST, "label.state=NY"]));
    assert_eq!(of_list.body.lines().count(), 2);
    // Of a list that can send to them, one row each: uploaded as it is, nobody gets a text twice.
    assert_eq!(wire.call("LIST 24365"), "+created");
    assert!(wire.call(r#"IMPORT 24365 {"phone":"+14155550124"}"#).starts_with("+updated"));
    let segment = browser.get(&format!("/contacts/export?can_receive={}", encoded(LIST)));
    let name = format!("attachment; filename=\"spring-sale-14155550100-{}.csv\"", today());
    assert_eq!(segment.header("content-disposition"), Some(name.as_str()));
    assert_eq!(segment.body.lines().count(), 2, "{}", segment.body);
    let wrong = browser.get("/contacts/export?filter=colour%3Dred");
    assert!(wrong.status == 400 && wrong.body.contains("is not a condition"), "{}", wrong.body);
    assert_eq!(browser.get("/contacts/export?list=24999").status, 404);
    for page in ["/contacts?label=state&value=NY", "/lists/+14155550100"] {
        let body = browser.get(page).body;
        let (_, link) = body.split_once("href=\"/contacts/export?").expect("a link");
        let link = link.split('"').next().expect("an address").replace("&#38;", "&");
        let file = browser.get(&format!("/contacts/export?{link}"));
        assert!(file.status == 200 && file.body.contains("14155550124"), "{page}: {}", file.body);
    }
    assert_eq!(browser.get("/contacts/count?label=state").body, "2 contacts");
    assert!(browser.get("/contacts/count?filter=colour%3Dred").body.starts_with("The filter is not right"));
}
