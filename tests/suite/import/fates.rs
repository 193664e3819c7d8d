//! What becomes of rows and of whole imports, and how it is told.

use std::fmt::Write as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};
use crate::support::{PATIENCE, free_address, program};

#[test]
fn rows_for_a_list_that_is_gone_are_rejected_and_the_others_taken() {
    let desk = Desk::new();
    let rows = [
        json!({"phone_number": ADA, "list": "999", "status": "opted_out", "opted_out_at": "2024-01-01"}),
        json!({"phone_number": BOB, "list": LIST, "status": "active"}),
    ];
    let told = desk.import(rows.map(|row| row.to_string()).join("\n"), &["--rejects", "rejects.ndjson"]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unknown_list": 1})), "{}", told.errors);
    assert_eq!(desk.check(BOB), "+yes");
    assert_eq!(desk.call("LIST 999"), "+created");
    desk.import_file("rejects.ndjson", &[]).all_taken();
    assert_eq!(desk.call(&format!("CHECK 999 {ADA}")), "+no list_opted_out");
    assert_eq!(desk.get(ADA)["lists"][0]["opted_out_at"], "2024-01-02T11:59:59.999Z");
}

#[test]
fn what_an_import_said_has_its_id() {
    let desk = Desk::new();
    let ids = |phone: &str| {
        let history = desk.call(&format!("HISTORY {phone}"));
        let items = history.lines().filter_map(|line| serde_json::from_str::<Value>(line.trim_start_matches('+')).ok());
        items.filter(Value::is_object).map(|item| (item["kind"].clone(), item["id"].clone())).collect::<Vec<_>>()
    };
    let first = desk.onto_list(format!("phone\n{ADA}\n{BOB}\n"), &[]).json["import_id"].clone();
    let second = desk.onto_list(format!("phone,opted_out_at\n{ADA},2024-01-01\n"), &[]).json["import_id"].clone();
    assert!(first.is_string() && second.is_string() && first != second, "{first} {second}");
    assert_eq!(ids(BOB), [(json!("subscribe"), first.clone())]);
    assert_eq!(ids(ADA), [(json!("optout"), second), (json!("subscribe"), first)]);
    assert_eq!(desk.onto_list(format!("phone\n{EVE}\n"), &["--dry-run"]).json["import_id"], Value::Null);
}

#[test]
fn a_dry_run_changes_nothing() {
    let desk = Desk::new();
    let sheet =
        format!("phone,name,created_at\n{ADA},Ada,\n4155550102,\"B\nb\",\n1.4E+10,Eve,\n{ADA},,\n{EVE},,soon\n");
    let told = desk.onto_list(sheet, &["--dry-run", "--rejects", "rejects.csv"]);
    assert_eq!(told.code, 3);
    assert_eq!(told.json["rejected"], json!({"lost_digits": 1, "bad_date": 1}));
    assert_eq!((&told.json["readable"], &told.json["duplicate"]), (&json!(2), &json!(1)));
    assert_eq!((desk.get(ADA), desk.get(BOB)), (Value::Null, Value::Null));
    assert!(desk.read("rejects.csv").contains("1.4E+10,Eve,,5,lost_digits"), "{}", desk.read("rejects.csv"));
    let told = desk.import(format!("phone,list\n{ADA},999\n"), &["--dry-run"]);
    assert!(told.code == 1 && told.errors.contains("the list 999 does not exist"), "{}", told.errors);
}

#[test]
fn failures_say_what_to_do() {
    let desk = Desk::new();
    let sheet = format!("phone\n{ADA}\n");
    for (options, says) in [
        (&["--list", "+14155550999"][..], "LIST +14155550999"),
        (&[], "--list"),
        (&["--list", "News"], "--list News"),
        (&["--list", LIST, "--region", "Texas"], "--region Texas"),
        (&["--list", LIST, "--map", "phone"], "COLUMN=FIELD"),
        (&["--list", LIST, "--encoding", "klingon"], "klingon"),
    ] {
        let told = desk.import(&sheet, options);
        assert!(told.code == 1 && told.errors.contains(says), "{options:?}: {} {}", told.code, told.errors);
    }
    let told = desk.import_file("nowhere.csv", &["--list", LIST]);
    assert!(told.code == 1 && told.errors.contains("nowhere.csv"), "{}", told.errors);
    for empty in ["", "\n\n", "phone\n"] {
        let told = desk.onto_list(empty, &[]);
        assert_eq!(told.code, i32::from(!empty.contains("phone")), "{empty:?}: {}", told.errors);
    }
    let output = Command::new(program())
        .args(["import", "contacts.csv", "--list", LIST, "--server", &free_address()])
        .current_dir(desk.daemon.dir.path())
        .output()
        .expect("it runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("is it running?"));
}

#[test]
fn standard_input_and_a_summary_for_people() {
    let desk = Desk::new();
    let mut child = Command::new(program())
        .args(["import", "-", "--list", LIST, "--region", "US", "--server", &desk.daemon.address])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let sheet = "phone\n4155550101\n4155550101\n1.4E+10\n";
    std::io::Write::write_all(&mut child.stdin.take().expect("a pipe"), sheet.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("it ends");
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(3));
    for line in [
        "3 rows in ",
        "1 created",
        "1 appeared in the file before",
        "1 rejected, lost_digits: the spreadsheet",
        "column phone → phone",
    ] {
        assert!(told.contains(line), "{told}");
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors.lines().count(), 1, "quiet in a pipe: {errors}");
    assert_eq!(desk.get(ADA)["lists"][0]["source"], "standard input");
}

#[test]
fn killed_in_the_middle_and_run_again_it_ends_the_same() {
    const ROWS: u32 = 30_000;
    let mut sheet = "phone,status,subscribed_at,created_at,tier\n".to_owned();
    for row in 0..ROWS {
        // Every tenth number a second time, opted out without a date.
        let status = if row % 10 == 9 { "opted_out" } else { "active" };
        let number = 2_125_550_000_u64 + u64::from(if row % 10 == 9 { row - 9 } else { row }) % 10_000;
        let number = number + u64::from(row / 10_000) * 1_000_000;
        writeln!(sheet, "{number},{status},2025-01-01,2025-01-01,{}", row % 3).expect("in memory");
    }
    let mut desk = Desk::new();
    std::fs::write(desk.path("contacts.csv"), &sheet).expect("written");
    let child = Command::new(program())
        .args(["import", "contacts.csv", "--list", LIST, "--region", "US", "--labels", "tier"])
        .args(["--server", &desk.daemon.address])
        .current_dir(desk.daemon.dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    while desk.get("+12125551000") == Value::Null {
        assert!(started.elapsed() < PATIENCE, "nothing is imported");
        std::thread::sleep(Duration::from_millis(5));
    }
    desk.daemon.kill();
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("again to complete it"));
    desk.daemon.restart();
    assert_ne!(desk.get("+12125551000"), Value::Null);
    assert_eq!(desk.get("+12145550001"), Value::Null, "it was in the middle");
    let told = desk.import_file("contacts.csv", &["--list", LIST, "--region", "US", "--labels", "tier"]);
    told.all_taken();
    assert_eq!(told.json["rows"], ROWS);

    let other = Desk::new();
    other.onto_list(&sheet, &[]).all_taken();
    // An opt-out without a date is dated when it is first seen.
    let undated = |export: String| {
        let mut rows: Vec<String> = export
            .lines()
            .map(|row| {
                let mut cells: Vec<&str> = row.split(',').collect();
                cells.remove(6);
                cells.join(",")
            })
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(undated(desk.export()), undated(other.export()));
}
