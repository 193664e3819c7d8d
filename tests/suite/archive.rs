//! The archive of a purge: whoever was purged comes back from it as he was.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use contactd::jobs::PurgeSettings;
use contactd::model::purge::Policy;
use contactd::model::verdict::StopScope;
use serde_json::{Map, Value};

use crate::pair::only_whole;
use crate::plain::commands::{DAY_MS, START_MS, time};
use crate::purge::{json, number, plan, purged, reports, run};
use crate::support::{House, Removal, Wire, program};

const LISTS: [&str; 3] = ["24365", "24366", "+14155550100"];

const FILE: &str = "purge-2026-05-03.ndjson";

/// Everybody of whom nothing came within this moment.
fn house(archive: Option<PathBuf>) -> (House, Wire) {
    let policy = Policy { invalid_after: Some(1), idle_after: Some(DAY_MS), sends: 0, idle_max: None };
    let purge = PurgeSettings { policy, archive, every_ms: 0 };
    let house = House::removing(StopScope::List, START_MS, Removal { purge, ..Removal::default() });
    let mut wire = house.connect();
    for list in LISTS {
        assert_eq!(wire.call(&format!("LIST {list}")), "+created");
    }
    (house, wire)
}

fn phone(n: usize) -> String {
    format!("+1415555{:04}", 1_000 + n)
}

/// Contacts of every kind; `{}` is the number, `<n>` the date n days ago.
const STORIES: &[&[&str]] = &[
    &["PUT {}"],
    &[
        r#"IMPORT 24365 {"phone":"{}","subscribed_at":"<40>","created_at":"<41>","source":"crm"}"#,
        r#"PUT {} {"labels":{"name":"=Ada, \"O\"","state":"Île"}}"#,
    ],
    &[
        r#"OPTIN 24365 {} {"at":"<40>","how":"journey","source":"shop"}"#,
        r#"OPTIN 24366 {} {"at":"<39>","how":"keyword"}"#,
    ],
    &[r#"OPTIN 24365 {} {"at":"<40>"}"#, r#"OPTOUT 24365 {} {"at":"<30>","reason":"told us","source":"desk"}"#],
    &[r#"OPTIN 24365 {} {"at":"<40>"}"#, r#"OPTOUT * {} {"at":"<30>"}"#],
    &[r#"OPTOUT * {} {"at":"<30>"}"#, r#"OPTIN 24365 {} {"at":"<20>"}"#],
    &[r#"OPTOUT 24365 {} {"at":"<30>"}"#],
    &[r#"OPTIN 24365 {} {"at":"<40>"}"#, r#"SUPPRESS 24365 {} {"at":"<30>","reason":"late payer"}"#],
    &[r#"OPTIN 24365 {} {"at":"<40>"}"#, r#"SUPPRESS {} {"at":"<30>","reason":"late payer"}"#],
    &[r#"SUPPRESS {} {"at":"<30>"}"#, r#"RELEASE {} {"at":"<29>"}"#, r#"OPTIN 24365 {} {"at":"<40>"}"#],
    &[r#"OPTIN 24365 {} {"at":"<40>"}"#, r#"INVALID {} {"at":"<30>","reason":"30005"}"#],
    &[r#"INVALID {} {"at":"<30>"}"#, r#"VALID {} {"at":"<29>"}"#],
    &[
        r#"OPTIN 24365 {} {"at":"<40>"}"#,
        r#"SENT 24365 {} m-1 {"at":"<38>"}"#,
        r#"SENT 24365 {} m-2 {"at":"<36>"}"#,
        r#"CLICK 24365 {} {"at":"<37>","message":"m-1"}"#,
        r#"CLICK 24365 {} {"at":"<37>","bot":true}"#,
        r#"CONVERT 24365 {} 19.99 {"at":"<37>"}"#,
        r#"CONVERT 24365 {} -9.99 {"at":"<36>"}"#,
        r#"INBOUND 24365 {} {"at":"<35>","text":"hello"}"#,
        r#"SENT 24365 {} m-3 {"at":"<34>"}"#,
    ],
    &[
        r#"IMPORT * {"phone":"{}","created_at":"<400>","sends_since_engaged":11,"total_revenue":"12.5"}"#,
        r#"IMPORT +14155550100 {"phone":"{}","status":"opted_out","opted_out_at":"<200>"}"#,
    ],
];

fn tell(wire: &mut Wire, phones: &[String]) {
    for (phone, story) in phones.iter().zip(STORIES) {
        for request in *story {
            let mut request = request.replace("{}", phone);
            while let Some((before, rest)) = request.split_once('<') {
                let (days, after) = rest.split_once('>').expect("a date");
                let at = time(START_MS - days.parse::<i64>().expect("days") * DAY_MS);
                request = format!("{before}{at}{after}");
            }
            let told = wire.call(&request);
            assert!(told == ":1" || told == "+message" || told.contains("ed"), "{request}: {told}");
        }
    }
}

fn contacts(wire: &mut Wire, phones: &[String]) -> Vec<Value> {
    phones.iter().map(|phone| json(&wire.call(&format!("GET {phone}")))).collect()
}

fn import(house: &House, archive: &Path) {
    for file in fs::read_dir(archive).expect("the archive") {
        let file = file.expect("a file").path();
        assert_eq!(file.extension().and_then(|kind| kind.to_str()), Some("ndjson"));
        let mut command = Command::new(program());
        let output = command.arg("import").arg(&file).args(["--server", &house.address]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// What GET says after an import of a contact from the archive. The tombstone knows how what forbids came to us. To a store
/// that did not know the contact it came by the file, which is the source of a subscription that named none, too; and it is
/// not told of what is not in force any more.
fn as_imported(contact: &Value, was_known: bool) -> Value {
    let mut contact = contact.clone();
    let is_out = contact["status"] == "opted_out";
    let of_all = contact.as_object_mut().expect("an object");
    for (what, lifted) in [("opted_out_all", ""), ("suppressed", "released"), ("invalid", "valid")] {
        let stands = if lifted.is_empty() { is_out } else { !of_all.contains_key(&format!("{lifted}_at")) };
        by_file(of_all, what, stands, was_known);
        if !was_known {
            of_all.remove(&format!("{lifted}_at"));
            of_all.remove(&format!("{lifted}_how"));
        }
    }
    for on in of_all["lists"].as_array_mut().expect("an array") {
        let on = on.as_object_mut().expect("an object");
        for what in ["opted_out", "suppressed"] {
            by_file(on, what, true, was_known);
        }
        if !was_known && on["source"] == "" {
            on["source"] = FILE.into();
        }
    }
    contact
}

fn by_file(fields: &mut Map<String, Value>, what: &str, stands: bool, was_known: bool) {
    if !fields.contains_key(&format!("{what}_at")) {
        return;
    }
    if stands && (!was_known || fields[&format!("{what}_how")] == "import") {
        fields.insert(format!("{what}_how"), "import".into());
        fields.insert(format!("{what}_source"), FILE.into());
    } else if !stands && !was_known {
        fields.retain(|key, _| !key.starts_with(what));
    }
}

#[test]
fn whoever_was_purged_comes_back_from_the_archive_as_he_was() {
    if only_whole("each partition has an archive of its own") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let archive = dir.path().join("archive");
    let (house, mut wire) = house(Some(archive.clone()));
    let phones: Vec<String> = (0..STORIES.len()).map(phone).collect();
    tell(&mut wire, &phones);
    let now = START_MS + 2 * DAY_MS;
    house.set_clock(now);
    for list in LISTS {
        assert_eq!(wire.call(&format!("CLICK {list} +14155559999")), ":1");
    }
    let before = contacts(&mut wire, &phones);
    let plan = plan(&mut wire);
    let report = run(&mut wire, &plan);
    assert_eq!(report["purged"], STORIES.len(), "{report}");
    let files = fs::read_dir(&archive).expect("the archive").map(|file| file.expect("a file").file_name());
    assert_eq!(files.collect::<Vec<_>>(), [FILE]);

    import(&house, &archive);
    for (before, after) in before.iter().zip(contacts(&mut wire, &phones)) {
        assert_eq!(after, as_imported(before, true));
    }
    assert!(wire.call("VERIFY").ends_with(" 0 tombstones"));
    // Once more changes nothing.
    import(&house, &archive);
    for (before, after) in before.iter().zip(contacts(&mut wire, &phones)) {
        assert_eq!(after, as_imported(before, true));
    }

    // A new store knows nothing that an archive does not tell.
    let (other, mut wire) = self::house(None);
    other.set_clock(now);
    import(&other, &archive);
    for (before, after) in before.iter().zip(contacts(&mut wire, &phones)) {
        assert_eq!(after, as_imported(before, false));
    }
}

/// What a crash or a full disk left of a line does not spoil the next one.
#[test]
fn a_torn_line_spoils_no_other() {
    if only_whole("each partition has an archive of its own") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let (house, mut wire) = house(Some(dir.path().to_owned()));
    let phones: Vec<String> = (0..3).map(phone).collect();
    for phone in &phones {
        assert_eq!(wire.call(&format!("PUT {phone}")), "+created");
    }
    house.set_clock(START_MS + 2 * DAY_MS);
    let torn = r#"{"phone_number":"+14155551009","lis"#;
    fs::write(dir.path().join(FILE), torn).expect("a file");
    let plan = plan(&mut wire);
    assert_eq!(run(&mut wire, &plan)["purged"], 3);
    let text = fs::read_to_string(dir.path().join(FILE)).expect("text");
    let whole = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let archived: Vec<String> = whole.map(|row| row["phone_number"].as_str().expect("a number").to_owned()).collect();
    assert_eq!(archived, phones, "{text}");
    assert!(text.starts_with(&format!("{torn}\n")), "{text}");
}

/// A purge of one contact that broke off, since a file stands in the place of the archive's directory.
fn broken_off(archive: &Path) -> (House, Wire, Value) {
    let (house, mut wire) = house(Some(archive.to_owned()));
    assert_eq!(wire.call(&format!("PUT {}", phone(0))), "+created");
    house.set_clock(START_MS + 2 * DAY_MS);
    fs::write(archive, "").expect("a file");
    let plan = plan(&mut wire);
    assert_eq!(wire.call(&format!("PURGE RUN {}", number(&plan))), "+started");
    let report = purged(&mut wire);
    assert_eq!((&report["purged"], &report["state"]), (&0.into(), &"stopped".into()), "{report}");
    let status = json(&wire.call("PURGE STATUS"));
    assert_eq!((&status["state"], &status["plan"]), (&"idle".into(), &plan["plan"]), "{status}");
    let why = status["broke_off"].as_str().expect("why");
    assert!(why.starts_with(&format!("cannot write the archive {}", archive.display())), "{why}");
    assert_eq!(wire.call("COUNT"), ":1");
    (house, wire, plan)
}

#[test]
fn a_run_that_broke_off_can_go_on_for_as_long_as_its_plan_holds() {
    if only_whole("each partition has an archive of its own") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let archive = dir.path().join("archive");
    let (house, mut wire, old) = broken_off(&archive);
    fs::remove_file(&archive).expect("removed");
    house.set_clock(START_MS + 9 * DAY_MS + 1);
    let told = wire.call(&format!("PURGE RUN {}", number(&old)));
    assert!(told.starts_with("-BADARG plan 1 of ") && told.contains("has expired"), "{told}");
    let plan = plan(&mut wire);
    assert_eq!(run(&mut wire, &plan)["purged"], 1);
    let states: Vec<Value> = reports(&mut wire).into_iter().map(|report| report["state"].clone()).collect();
    assert_eq!(states, ["finished", "stopped"]);
}

#[test]
fn nobody_is_purged_whom_the_archive_does_not_take() {
    if only_whole("each partition has an archive of its own") {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let archive = dir.path().join("archive");
    let (_house, mut wire, plan) = broken_off(&archive);
    let phone = phone(0);
    fs::remove_file(&archive).expect("removed");
    assert_eq!(run(&mut wire, &plan)["purged"], 1);
    assert_eq!(wire.call("PURGE STATUS"), "+{\"state\":\"idle\"}");
    assert!(fs::read_to_string(archive.join(FILE)).expect("text").contains(&phone));
}
