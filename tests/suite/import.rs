//! `contactd import` as a person runs it: a file, a daemon, and what is told of every row.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::{Daemon, PATIENCE, free_address, program};

const LIST: &str = "+14155550100";
const ADA: &str = "+14155550101";
const BOB: &str = "+14155550102";
const EVE: &str = "+14155550103";

/// What an import said.
struct Told {
    code: i32,
    json: Value,
    errors: String,
}

/// A daemon with the list, and files beside its data.
struct Desk {
    daemon: Daemon,
}

impl Desk {
    fn new() -> Desk {
        let desk = Desk { daemon: Daemon::start(&[]) };
        assert_eq!(desk.call(&format!("LIST {LIST}")), "+created");
        desk
    }

    fn call(&self, line: &str) -> String {
        self.daemon.connect().call(line)
    }

    fn get(&self, phone: &str) -> Value {
        let reply = self.call(&format!("GET {phone}"));
        serde_json::from_str(reply.trim_start_matches('+')).unwrap_or(Value::Null)
    }

    /// One label of a contact.
    fn label(&self, phone: &str, key: &str) -> Value {
        self.get(phone)["labels"][key].clone()
    }

    fn check(&self, phone: &str) -> String {
        self.call(&format!("CHECK {LIST} {phone}"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.daemon.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).expect("a file")
    }

    /// Writes a file and imports it.
    fn import(&self, text: impl AsRef<[u8]>, options: &[&str]) -> Told {
        std::fs::write(self.path("contacts.csv"), text).expect("written");
        self.import_file("contacts.csv", options)
    }

    /// Onto the list, numbers being from the United States.
    fn onto_list(&self, text: impl AsRef<[u8]>, options: &[&str]) -> Told {
        self.import(text, &[&["--list", LIST, "--region", "US"], options].concat())
    }

    fn import_file(&self, name: &str, options: &[&str]) -> Told {
        let mut command = Command::new(program());
        command.current_dir(self.daemon.dir.path()).args(["import", name, "--json"]).args(options);
        command.args(["--server", &self.daemon.address]);
        let output = command.output().expect("it runs");
        let json = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Told { code: output.status.code().unwrap_or(-1), json, errors }
    }

    fn export(&self) -> String {
        let mut command = Command::new(program());
        let output = command.args(["export", "--server", &self.daemon.address]).output().expect("it runs");
        String::from_utf8(output.stdout).expect("UTF-8")
    }
}

impl Told {
    #[track_caller]
    fn all_taken(&self) {
        assert_eq!((self.code, &self.json["rejected"]), (0, &json!({})), "{}", self.errors);
    }
}

#[test]
fn spreadsheet_damage_is_recovered_or_refused_with_its_reason() {
    let desk = Desk::new();
    for (number, cell) in [
        "1.4155550101E+10",
        "\"1,4155550101E+10\"",
        "14155550101.0",
        "'+14155550101",
        "\t+14155550101",
        "\"=\"\"+14155550101\"\"\"",
        "tel:+1-415-555-0101",
        "(415)\u{a0}555\u{a0}0101",
        "0014155550101",
        "01114155550101",
        " 415.555.0101 ",
        "\u{ff0b}\u{ff11}\u{ff14}\u{ff11}\u{ff15}5550101",
        "+1 (415) 555\u{2013}0101",
    ]
    .into_iter()
    .enumerate()
    {
        let told = desk.onto_list(format!("\u{feff}phone,name\n{cell},Ada {number}\n"), &[]);
        told.all_taken();
        assert_eq!(
            (desk.label(ADA, "name"), &told.json["rows"]),
            (json!(format!("Ada {number}")), &json!(1)),
            "{cell}"
        );
    }
    let told = desk.onto_list("phone\n+44 (0)7911 123456\n", &[]);
    told.all_taken();
    assert_ne!(desk.get("+447911123456"), Value::Null);
    for (cell, reason) in [
        ("1.41556E+10", "lost_digits"),
        ("n/a", "letters"),
        ("415-555-0101 x12", "extension"),
        ("\"4155550101, 4155550102\"", "two_numbers"),
        ("555-0101", "unknown"),
        ("123", "too_short"),
    ] {
        let told = desk.onto_list(format!("phone,name\n{cell},Ada\n"), &[]);
        assert_eq!((told.code, &told.json["rejected"]), (3, &json!({reason: 1})), "{cell}");
    }
    let told = desk.import("phone,name\n415-555-0101,Ada\n", &["--list", LIST]);
    assert_eq!(told.json["rejected"], json!({"no_region": 1}));
}

#[test]
fn every_encoding_reads_the_same() {
    let desk = Desk::new();
    let text = format!("phone,name\r\n{ADA},José 名\r\n");
    let wide = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        format!("\u{feff}{text}").replace(',', "\t").encode_utf16().flat_map(bytes).collect()
    };
    let sheets = [
        (text.clone().into_bytes(), &[][..]),
        (format!("\u{feff}{text}").into_bytes(), &[]),
        (wide(u16::to_le_bytes), &[]),
        (wide(u16::to_be_bytes), &[]),
        (wide(u16::to_le_bytes)[2..].to_vec(), &["--encoding", "utf-16le"]),
    ];
    for (number, (sheet, options)) in sheets.into_iter().enumerate() {
        assert_eq!(desk.call(&format!("PUT {ADA} {{\"labels\":{{\"name\":null}}}}")).chars().next(), Some('+'));
        let told = desk.onto_list(sheet, options);
        told.all_taken();
        assert_eq!(desk.label(ADA, "name"), "José 名", "sheet {number}");
        assert_eq!(told.json["warnings"], json!([]));
    }
    let sheet = [b"phone,name\n", ADA.as_bytes(), b",Jos\xe9 \x80\n"].concat();
    let told = desk.onto_list(&sheet, &[]);
    told.all_taken();
    assert!(told.errors.contains("Windows-1252") && told.json["warnings"][0].is_string(), "a warning");
    assert_eq!(desk.label(ADA, "name"), "José €");
    let told = desk.onto_list(&sheet, &["--encoding", "windows-1252"]);
    assert_eq!((told.code, told.errors.as_str(), &told.json["unchanged"]), (0, "", &json!(1)));
    let told = desk.onto_list(b"PK\x03\x04workbook", &[]);
    assert!(told.code == 1 && told.errors.contains("CSV"), "{}", told.errors);
}

#[test]
fn every_dialect_reads_the_same() {
    let desk = Desk::new();
    for (number, sheet) in [
        format!("phone,name,note\n{ADA},\"Love, Ada\",\"two\nlines\"\n"),
        format!("phone;name;note\r\n{ADA};Love, Ada;\"two\nlines\"\r\n"),
        format!("phone\tname\tnote\n{ADA}\tLove, Ada\t\"two\nlines\"\n"),
        format!("phone|name|note\n{ADA}|Love, Ada|\"two\nlines\""),
        format!("sep=;\r\nphone;name;note\r\n{ADA};Love, Ada;\"two\nlines\"\r\n"),
        format!("\n\nphone,name,note,\n{ADA},\"Love, Ada\",\"two\nlines\",\n,,,\n\n"),
        format!("{{\"phone\":\"{ADA}\",\"name\":\"Love, Ada\",\"note\":\"two\\nlines\",\"x\":null}}\n\n"),
        format!("{{\"phone\":\"{ADA}\",\"labels\":{{\"name\":\"Love, Ada\",\"note\":\"two\\nlines\"}}}}"),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(desk.call(&format!("PUT {ADA} {{\"labels\":{{\"name\":null,\"note\":null}}}}")).starts_with('+'));
        let told = desk.onto_list(sheet, &[]);
        told.all_taken();
        assert_eq!(told.json["rows"], 1, "sheet {number}");
        assert_eq!(desk.get(ADA)["labels"], json!({"name": "Love, Ada", "note": "two\nlines"}), "sheet {number}");
    }
    let told = desk.onto_list(format!("phone,name\n{ADA},\"Ada\n{BOB},Bob\n{EVE},\"Eve\"\n"), &[]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unclosed_quote": 1})), "one line, not the rest");
    assert_eq!((desk.label(BOB, "name"), desk.label(EVE, "name")), (json!("Bob"), json!("Eve")));
    let told = desk.onto_list(format!("phone,name\n{BOB},Bob, Esq.\n"), &[]);
    assert_eq!(told.json["rejected"], json!({"too_many_cells": 1}));
    let told = desk.onto_list(format!("{{\"phone\":\"{BOB}\"}}\nhello\n"), &[]);
    assert_eq!(told.json["rejected"], json!({"bad_json": 1}));
}

#[test]
fn vendors_headers_are_understood() {
    let desk = Desk::new();
    for sheet in [
        // HubSpot, Salesforce, a message log.
        format!("Record ID,First Name,Phone Number,Mobile Phone Number\n1,Ada,+14155550199,{ADA}\n"),
        format!("FirstName,Phone,MobilePhone,HasOptedOutOfEmail\nAda,+14155550199,{ADA},1\n"),
        format!("\u{feff}To,First Name\n{ADA},Ada\n"),
    ] {
        desk.onto_list(sheet, &[]).all_taken();
        assert_eq!(desk.check(ADA), "+yes");
        assert_eq!(desk.get("+14155550199"), Value::Null);
    }
    assert_eq!(desk.get(ADA)["labels"]["phone_number"], "+14155550199");
    // Klaviyo, Mailchimp.
    desk.onto_list(
        format!(
            "Phone Number,SMS Consent,SMS Consent Timestamp\n{BOB},SUBSCRIBED,2024-02-03T04:05:06Z\n{EVE},UNSUBSCRIBED,\n"
        ),
        &[],
    )
    .all_taken();
    assert_eq!(desk.get(BOB)["lists"][0]["subscribed_at"], "2024-02-03T04:05:06.000Z");
    assert_eq!(desk.check(EVE), "+no list_opted_out");
    let told = desk.onto_list("Phone,UNSUB_TIME\n+14155550104,2024-02-03 04:05:06\n", &[]);
    told.all_taken();
    assert_eq!(desk.get("+14155550104")["lists"][0]["opted_out_at"], "2024-02-03T04:05:06.000Z");

    let told = desk.onto_list(format!("From,To\n{ADA},{BOB}\n"), &[]);
    assert!(told.code == 1 && told.errors.contains("--map 'From=phone'"), "{}", told.errors);
    desk.onto_list(format!("From,To\n{ADA},{BOB}\n"), &["--map", "From=phone", "--map", "To=ignore"]).all_taken();
    assert_eq!(desk.label(ADA, "to"), Value::Null);
    let told = desk.onto_list("name,city\nAda,London\n", &[]);
    assert!(told.code == 1 && told.errors.contains("'name', 'city'"), "{}", told.errors);
}

#[test]
fn labels_are_cleaned_chosen_and_freed_from_guards() {
    let desk = Desk::new();
    let sheet = format!("phone,First Name,label.tier,Formula,Quote,Empty,País\n{ADA},Ada,gold,'=1+1,'tis,,ES\n");
    desk.onto_list(&sheet, &[]).all_taken();
    let all = json!({"first_name": "Ada", "tier": "gold", "formula": "=1+1", "quote": "'tis", "pais": "ES"});
    assert_eq!(desk.get(ADA)["labels"], all);
    let sheet = sheet.replace(ADA, BOB);
    desk.onto_list(&sheet, &["--labels", "tier,First Name"]).all_taken();
    assert_eq!(desk.get(BOB)["labels"], json!({"first_name": "Ada", "tier": "gold"}));
    let told = desk.onto_list(&sheet, &["--labels", "teir"]);
    assert!(told.code == 1 && told.errors.contains("teir"), "{}", told.errors);
    desk.onto_list(&sheet, &["--labels", "", "--map", "Quote=source"]).all_taken();
}

#[test]
fn refused_rows_are_repeated_mended_and_taken() {
    let desk = Desk::new();
    let sheet = format!(
        "sep=;\r\nName;Phone;Opted out at;Status\r\n\"Ada; Love\";{ADA};;\r\n\"Bob \"\"B\"\"\nTwo\";1.41556E+10;;\r\nEve;{EVE};last year;\r\nDan;+14155550104;;perhaps\r\nFay\r\nGus;+14155550105;\"\r\n"
    );
    let options = ["--rejects", "rejects.csv"];
    let told = desk.onto_list(&sheet, &options);
    let reasons = json!({"lost_digits": 1, "bad_date": 1, "unknown_status": 1, "empty": 1, "unclosed_quote": 1});
    assert_eq!((told.code, &told.json["rejected"], &told.json["created"]), (3, &reasons, &json!(1)), "{}", told.errors);
    let rejects = format!(
        "sep=;\r\nName;Phone;Opted out at;Status;line;reason\r\n\"Bob \"\"B\"\"\nTwo\";1.41556E+10;;;4;lost_digits\r\nEve;{EVE};last year;;6;bad_date\r\nDan;+14155550104;;perhaps;7;unknown_status\r\nFay;;;;8;empty\r\nGus;+14155550105;\"\"\"\";;9;unclosed_quote\r\n"
    );
    assert_eq!(desk.read("rejects.csv"), rejects);
    assert_eq!(desk.check(EVE), "+no not_subscribed", "a row that may hold an opt-out is not half taken");

    // Not mended yet: the same rows, with their lines in this file.
    desk.import_file("rejects.csv", &["--list", LIST, "--region", "US", "--rejects", "again.csv"]);
    let again = desk.read("again.csv");
    assert_eq!(again.matches("lost_digits").count(), 1);
    assert_eq!(again.lines().nth(1), rejects.lines().nth(1));
    assert!(again.contains(&format!("Eve;{EVE};last year;;5;bad_date")), "{again}");

    let mended = rejects
        .replace("1.41556E+10", BOB)
        .replace("last year", "2025-05-01")
        .replace("perhaps", "active")
        .replace("Fay;", "Fay;+14155550106")
        .replace("\"\"\"\"", "");
    let told = desk.onto_list(mended, &[]);
    told.all_taken();
    assert_eq!(desk.label(BOB, "name"), "Bob \"B\"\nTwo");
    assert_eq!(desk.get(BOB)["labels"], json!({"name": "Bob \"B\"\nTwo"}), "line and reason are no labels");
    assert_eq!(desk.check(EVE), "+no list_opted_out");
    let told = desk.import_file("contacts.csv", &["--list", LIST, "--rejects", "contacts.csv"]);
    assert!(told.code == 1 && told.errors.contains("--rejects"), "never over its own input: {}", told.errors);
}

#[test]
fn refused_objects_are_repeated_mended_and_taken() {
    let desk = Desk::new();
    let sheet = format!("{{\"phone\":\"{ADA}\",\"age\":36,\"vip\":true}}\n{{\"phone\":\"12\",\"name\":\"Bob\"}}\n");
    let told = desk.onto_list(sheet, &["--rejects", "rejects.ndjson"]);
    assert_eq!((told.code, &told.json["created"]), (3, &json!(1)), "{}", told.errors);
    assert_eq!(desk.get(ADA)["labels"], json!({"age": "36", "vip": "true"}));
    let rejects = desk.read("rejects.ndjson");
    let object: Value = serde_json::from_str(&rejects).expect("an object");
    assert_eq!(object, json!({"phone": "12", "name": "Bob", "rejected": {"line": 2, "reason": "too_short"}}));
    desk.onto_list(rejects.replace("\"12\"", &format!("\"{BOB}\"")), &[]).all_taken();
    assert_eq!(desk.get(BOB)["labels"], json!({"name": "Bob"}));
}

#[test]
fn consent_columns_are_understood_and_the_strictest_wins() {
    let desk = Desk::new();
    let sheet = format!(
        "phone,status,subscribed_at,opted_out_at,sms opt out,source,how,reason,total_sends,total_revenue\n\
         {ADA},Subscribed,2024-01-02,,no,web form,journey,,7,12.5\n\
         {BOB},UNSUBSCRIBED,2024-01-02,2024-03-04T05:06:07Z,,,,too many,,\n\
         {EVE},active,2025-01-01,2024-01-01,,,,,,\n\
         +14155550104,active,,,YES,,,,,\n\
         +14155550105,bounced,,,,,,,,\n\
         +14155550106,suppressed,,,yes,,,,,\n\
         +14155550107,never subscribed,,,,,,,,\n\
         +14155550108,active,2024-01-02,tomorrow,,,,,,\n\
         +14155550109,,,,,,,,many,\n"
    );
    let told = desk.onto_list(&sheet, &[]);
    assert_eq!(told.json["rejected"], json!({"no_consent": 1, "bad_date": 1, "bad_number": 1}), "{}", told.errors);
    let ada = desk.get(ADA);
    assert_eq!((&ada["total_sends"], &ada["total_revenue"]), (&json!(7), &json!(12.5)));
    let on = &ada["lists"][0];
    assert_eq!((&on["how"], &on["source"]), (&json!("journey"), &json!("web form")));
    assert_eq!(on["subscribed_at"], "2024-01-02T00:00:00.000Z");
    let on = desk.get(BOB)["lists"][0].clone();
    assert_eq!(
        (&on["opted_out_at"], &on["opted_out_reason"]),
        (&json!("2024-03-04T05:06:07.000Z"), &json!("too many"))
    );
    for (phone, verdict) in [
        (ADA, "+yes"),
        (BOB, "+no list_opted_out"),
        (EVE, "+yes"),
        ("+14155550104", "+no list_opted_out"),
        ("+14155550105", "+no invalid"),
        ("+14155550106", "+no list_suppressed"),
        ("+14155550107", "+no not_subscribed"),
        ("+14155550108", "+no not_subscribed"),
    ] {
        assert_eq!(desk.check(phone), verdict, "{phone}");
    }
    assert_eq!(desk.call(&format!("RELEASE {LIST} +14155550106")), ":1");
    assert_eq!(desk.check("+14155550106"), "+no list_opted_out", "both that stood in words count");
    let told = desk.onto_list(&sheet, &[]);
    assert_eq!((&told.json["created"], &told.json["kept"]), (&json!(0), &json!({})), "the same again");
}

#[test]
fn an_opt_out_under_any_heading_never_becomes_a_label() {
    let desk = Desk::new();
    let sheet = |heading: &str, cell: &str| format!("phone,name,{heading}\n{ADA},Ada,yes\n{BOB},Bob,{cell}\n");
    // Not known: not even the rows before it are imported.
    for (heading, cell) in [
        ("Consent", "no"),
        ("DNC", "yes"),
        ("Opt-in Status (SMS)", "unsubscribed"),
        ("Do not call or text", "x"),
        ("Blacklisted", "1"),
        ("Last event", "unsubscribed"),
        ("SMS marketing", "no"),
        ("", "Opted Out"),
    ] {
        let told = desk.onto_list(sheet(heading, cell), &[]);
        assert!(told.code == 1 && told.errors.contains("=opted_out'"), "{heading}: {}", told.errors);
        assert!(told.errors.contains(if heading.is_empty() { "'#3'" } else { heading }), "{}", told.errors);
        assert_eq!((desk.get(ADA), desk.get(BOB)), (Value::Null, Value::Null), "{heading}");
    }
    let told = desk.onto_list(sheet("Consent", "no"), &["--labels", "name"]);
    assert_eq!(told.code, 1, "leaving a column out loses what it forbids, too");
    let object = format!("{{\"phone\":\"{BOB}\",\"do_not_contact_me\":true}}\n");
    assert_eq!(desk.onto_list(object, &[]).code, 1);
    // Known, or said.
    for (number, (heading, cell, map)) in [
        ("Do Not Contact", "yes", &[][..]),
        ("Unsubscribe", "yes", &[]),
        ("Opt-Out Status", "Opted Out", &[]),
        ("Subscribed", "no", &[]),
        ("DNC", "yes", &["--map", "DNC=opted_out"]),
        ("Consent", "no", &["--map", "Consent=opt_in"]),
        ("Opt-in Status (SMS)", "unsubscribed", &["--map", "Opt-in Status (SMS)=status"]),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555011{number}");
        let told = desk.onto_list(format!("phone,{heading}\n{phone},{cell}\n"), map);
        assert!(matches!(told.code, 0 | 3), "{heading}: {}", told.errors);
        assert!(desk.check(&phone).starts_with("+no "), "{heading}");
    }
    desk.onto_list(sheet("DNC", "yes"), &["--map", "DNC=label.dnc"]).all_taken();
    assert_eq!(desk.label(BOB, "dnc"), "yes");
    // A key that turns up behind what is looked at beforehand: only its rows are refused.
    let row = format!("{{\"phone\":\"{ADA}\",\"note\":\"{}\"}}\n", "x".repeat(1000));
    let late = format!("{}{{\"phone\":\"{EVE}\",\"sms_dnc\":\"yes\"}}\n", row.repeat(400));
    let told = desk.onto_list(late, &["--rejects", "rejects.ndjson"]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unclear_consent": 1})), "{}", told.errors);
    desk.import_file("rejects.ndjson", &["--list", LIST, "--map", "sms_dnc=opted_out"]).all_taken();
    assert_eq!(desk.check(EVE), "+no list_opted_out");
}

/// What stands behind the rows that are looked at beforehand is looked at in its row.
#[test]
fn a_late_refusal_rejects_its_row() {
    let desk = Desk::new();
    let early = |row: &str| row.repeat(300 * 1024 / row.len());
    let sheet = |heading: &str, cell: &str| {
        let rows = early(&format!("{ADA},Ada,\n"));
        format!("phone,name,{heading}\n{rows}{BOB},Bob,{cell}\n{EVE},Eve,\n")
    };
    for (heading, cell) in [
        ("Journey", "unsubscribed"),
        ("", "Opted out"),
        ("Tags", "\"vip, sms-unsubscribed\""),
        ("Groups", "* myContacts ::: Unsubscribed"),
        ("Answer", "Declined"),
        ("SMS marketing", "No"),
        ("Text me", "no thanks"),
        ("column_3", "no"),
        ("Mobile", "no"),
        ("Email settings", "\"{\"\"sms\"\":{\"\"on\"\":false}}\""),
        ("SMS settings", "\"{\"\"on\"\":false}\""),
    ] {
        let told = desk.onto_list(sheet(heading, cell), &["--map", "phone=phone"]);
        assert_eq!(
            (told.code, &told.json["rejected"]),
            (3, &json!({"unclear_consent": 1})),
            "{heading}: {}",
            told.errors
        );
        assert_eq!((desk.get(BOB), desk.check(EVE).as_str()), (Value::Null, "+yes"), "{heading}");
    }
    let told = desk.onto_list(sheet("Journey", "unsubscribed"), &["--labels", "name"]);
    assert_eq!(told.json["rejected"], json!({"unclear_consent": 1}), "leaving a column out loses no refusal");
    desk.onto_list(sheet("SMS marketing", "Yes"), &[]).all_taken();
    for (number, (heading, cell, options)) in [
        ("Journey", "unsubscribed", &["--map", "Journey=label.journey"][..]),
        ("Journey", "unsubscribed", &["--map", "Journey=ignore"]),
        ("Journey", "unsubscribed", &["--labels", "journey"]),
        ("label.journey", "unsubscribed", &[]),
        ("Email status", "unsubscribed", &[]),
        ("VIP", "no", &[]),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555011{number}");
        desk.onto_list(sheet(heading, cell).replace(BOB, &phone), options).all_taken();
        assert_eq!(desk.check(&phone), "+yes", "{heading} {options:?}");
    }
    desk.onto_list(sheet("SMS marketing", "No"), &["--as", "optout"]).all_taken();
    assert_eq!(desk.check(BOB), "+no list_opted_out");
    // Keys.
    let rows = early(&format!("{{\"phone\":\"{ADA}\",\"note\":\"a long time ago\"}}\n"));
    for (number, late) in [
        r#""sms_marketing":"no""#,
        r#""sms_marketing":false"#,
        r#""sms":{"optin":false}"#,
        r#""channels":{"sms":{"subscribed":false}}"#,
        r#""note":"unsubscribed""#,
        r#""note":{"sms":{"optin":false}}"#,
        r#""tags":["vip","sms-unsubscribed"]"#,
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555012{number}");
        let told = desk.onto_list(format!("{rows}{{\"phone\":\"{phone}\",{late}}}\n"), &[]);
        assert_eq!(told.json["rejected"], json!({"unclear_consent": 1}), "{late}: {}", told.errors);
        assert_eq!(desk.get(&phone), Value::Null, "{late}");
    }
}

#[test]
fn objects_in_objects_that_speak_of_consent_are_asked_about() {
    let desk = Desk::new();
    for (number, (key, value, is_clear)) in [
        ("sms", r#"{"optin":false}"#, false),
        ("channels", r#"{"sms":{"subscribed":false}}"#, false),
        ("address", r#"{"city":"Rome"}"#, true),
        ("channels", r#"{"email":{"subscribed":false}}"#, true),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555011{number}");
        let told = desk.onto_list(format!("{{\"phone\":\"{phone}\",\"{key}\":{value}}}\n"), &[]);
        assert_eq!(told.code, i32::from(!is_clear), "{value}: {}", told.errors);
        assert_eq!(told.errors.contains(&format!("the column '{key}'")), !is_clear, "{}", told.errors);
        assert_eq!(desk.check(&phone) == "+yes", is_clear, "{value}");
    }
}

#[test]
fn details_of_an_opt_out_are_labels_where_the_row_tells_it() {
    let desk = Desk::new();
    let told = desk.onto_list(
        format!(
            "Phone,OPTIN_TIME,OPTIN_IP,CONFIRM_IP,UNSUB_TIME,UNSUB_CAMPAIGN_TITLE,UNSUB_CAMPAIGN_ID,UNSUB_REASON,UNSUB_REASON_OTHER\n\
             {ADA},2024-01-01,10.0.0.1,10.0.0.2,,,,,\n\
             {BOB},2024-01-01,10.0.0.1,,2024-03-04,Spring,17,OTHER,too many\n\
             {EVE},2024-01-01,10.0.0.1,,,Spring,17,,\n"
        ),
        &[],
    );
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unclear_consent": 1})), "{}", told.errors);
    assert_eq!(desk.get(ADA)["labels"], json!({"optin_ip": "10.0.0.1", "confirm_ip": "10.0.0.2"}));
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".into(), "+no list_opted_out".into()));
    assert_eq!((desk.label(BOB, "unsub_reason_other"), desk.get(EVE)), (json!("too many"), Value::Null));
    let told = desk.onto_list(format!("Phone,UNSUB_REASON\n{EVE},\n"), &[]);
    assert!(told.code == 1 && told.errors.contains("UNSUB_REASON"), "{}", told.errors);
}

#[test]
fn of_two_opt_outs_in_a_row_the_newer_counts() {
    let desk = Desk::new();
    let sheet = format!("phone,subscribed_at,opted_out,opted_out_at\n{ADA},2024-06-01,2024-01-01,2024-12-01\n");
    desk.onto_list(&sheet, &[]).all_taken();
    assert_eq!(desk.check(ADA), "+no list_opted_out");
    assert_eq!(desk.get(ADA)["lists"][0]["opted_out_at"], "2024-12-01T00:00:00.000Z");
}

/// Colorado and Delaware are no Colombia and Germany.
#[test]
fn a_region_that_is_said_wins_over_a_column_by_its_name() {
    let desk = Desk::new();
    let sheet = "phone,region\n3035550101,CO\n3025550101,DE\n";
    let told = desk.onto_list(sheet, &[]);
    told.all_taken();
    assert_eq!(
        (desk.label("+13035550101", "region"), desk.label("+13025550101", "region")),
        (json!("CO"), json!("DE"))
    );
    let read_as = told.json["columns"][1]["read_as"].as_str().expect("text");
    assert!(read_as.starts_with("label.region, since --region"), "{read_as}");
    let german = "phone,country\n030 901820,DE\n";
    assert_eq!(desk.onto_list(german, &["--map", "country=region"]).code, 0);
    assert_ne!(desk.get("+4930901820"), Value::Null);
    desk.import(german.replace('2', "3"), &["--list", LIST]).all_taken();
    assert_ne!(desk.get("+4930901830"), Value::Null, "where nothing else is said, the column counts");
}

#[test]
fn a_file_without_a_header_loses_no_row() {
    let desk = Desk::new();
    let sheet = "4155550101,Ada,stop\r\n4155550102,Bob,\r\n12,Eve,\r\n";
    let told = desk.onto_list(sheet, &[]);
    assert!(told.code == 1 && told.errors.contains("header is missing"), "{}", told.errors);
    let told = desk.onto_list(sheet, &["--map", "#1=phone"]);
    assert!(told.code == 1 && told.errors.contains("column_3"), "what it holds is an opt-out: {}", told.errors);
    let told = desk.onto_list("4155550101,Ada,yes\n4155550102,Bob,no\n", &["--map", "#1=phone"]);
    assert!(told.code == 1 && told.errors.contains("'column_3'"), "what was asked is not known: {}", told.errors);
    let map = ["--map", "#1=phone", "--map", "#2=label.name", "--map", "#3=status"];
    let told = desk.onto_list(sheet, &[&map[..], &["--rejects", "rejects.csv"]].concat());
    assert_eq!((&told.json["rows"], &told.json["rejected"]), (&json!(3), &json!({"too_short": 1})), "{}", told.errors);
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no list_opted_out".into(), "+yes".into()));
    assert_eq!(desk.label(ADA, "name"), "Ada");
    let rejects = desk.read("rejects.csv");
    assert_eq!(rejects, "column_1,column_2,column_3,line,reason\r\n12,Eve,,3,too_short\r\n");
    desk.onto_list(rejects.replace("12,", "4155550103,"), &map).all_taken();
    assert_eq!(desk.label(EVE, "name"), "Eve");
}

/// As the archive of a purge has them, or an export of long ago.
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
    assert_eq!(desk.get(ADA)["lists"][0]["opted_out_at"], "2024-01-01T00:00:00.000Z");
}

#[test]
fn how_each_column_is_read_is_told() {
    let desk = Desk::new();
    let sheet = format!("Mobile,Name,,Unsub time,City\n{ADA},Ada,left over,,London\n");
    for options in [&["--labels", "name", "--dry-run"][..], &["--labels", "name"]] {
        let told = desk.onto_list(&sheet, options);
        let read: Vec<[&str; 2]> = told.json["columns"]
            .as_array()
            .expect("columns")
            .iter()
            .map(|column| ["column", "read_as"].map(|key| column[key].as_str().expect("text")))
            .collect();
        let expected = [
            ["Mobile", "phone"],
            ["Name", "label.name"],
            ["#3", "not used"],
            ["Unsub time", "opted_out_at"],
            ["City", "not used"],
        ];
        assert_eq!(read, expected);
    }
}

#[test]
fn an_import_never_lifts_anything() {
    let desk = Desk::new();
    let sheet = format!("phone,name\n{ADA},Ada\n{BOB},Bob\n{EVE},Eve\n+14155550104,Dan\n");
    desk.onto_list(&sheet, &[]).all_taken();
    for request in [format!("OPTOUT {LIST} {ADA}"), format!("SUPPRESS {BOB}"), format!("INVALID {EVE}")] {
        assert_eq!(desk.call(&request), ":1");
    }
    let says_active =
        format!("phone,status,subscribed_at\n{ADA},active,2099-01-01\n{BOB},active,2099-01-01\n{EVE},active,\n");
    for sheet in [sheet, says_active] {
        let told = desk.onto_list(&sheet, &[]);
        told.all_taken();
        assert_eq!(told.json["kept"], json!({"invalid": 1, "list_opted_out": 1, "suppressed": 1}));
        assert_eq!(desk.check(ADA), "+no list_opted_out");
        assert_eq!(desk.check(BOB), "+no suppressed");
        assert_eq!(desk.check(EVE), "+no invalid");
    }
}

#[test]
fn duplicates_merge_labels_and_keep_the_strictest() {
    let desk = Desk::new();
    let sheet = "phone,status,state,tier\n(415) 555-0101,active,CA,gold\n4155550101,opted_out,NV,\n+14155550101,active,TX,\n4155550102,,,\n";
    let told = desk.onto_list(sheet, &[]);
    told.all_taken();
    assert_eq!((&told.json["created"], &told.json["duplicate"], &told.json["rows"]), (&json!(2), &json!(2), &json!(4)));
    assert_eq!(desk.get(ADA)["labels"], json!({"state": "TX", "tier": "gold"}));
    assert_eq!(desk.check(ADA), "+no list_opted_out");
    assert_eq!(desk.call("LIST 12345"), "+created");
    let told = desk.import(format!("list,phone\n'{LIST},{ADA}\n12345,{ADA}\n14155550100,{ADA}\n*,{ADA}\n"), &[]);
    told.all_taken();
    assert_eq!(told.json["duplicate"], 1, "on another list it is none");
    let told = desk.import(format!("list,phone\n,{ADA}\nNews,{ADA}\n"), &[]);
    assert_eq!(told.json["rejected"], json!({"no_list": 1, "bad_list": 1}));
}

#[test]
fn a_list_of_opt_outs() {
    let desk = Desk::new();
    desk.onto_list(format!("phone\n{ADA}\n{EVE}\n"), &[]).all_taken();
    let sheet = format!("phone,status,opted_out_at\n{ADA},active,\n{BOB},,2024-01-01\n");
    desk.onto_list(&sheet, &["--as", "optout", "--source", "complaints"]).all_taken();
    for phone in [ADA, BOB] {
        assert_eq!(desk.check(phone), "+no list_opted_out");
        assert_eq!(desk.get(phone)["lists"][0]["opted_out_source"], "complaints");
    }
    let told = desk.onto_list(&sheet, &["--as", "optout", "--source", "complaints"]);
    assert_eq!(told.json["unchanged"], 2, "again it says nothing new");
    desk.import(format!("phone\n{EVE}\n"), &["--list", "*", "--as", "optout"]).all_taken();
    assert_eq!(desk.get(EVE)["status"], "opted_out");
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
    assert!(told.code == 1 && told.errors.contains("no list 999"), "{}", told.errors);
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
        "1 were in the file before",
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
        .args(["import", "contacts.csv", "--list", LIST, "--region", "US", "--server", &desk.daemon.address])
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
    assert!(String::from_utf8_lossy(&output.stderr).contains("again completes it"));
    desk.daemon.restart();
    assert_ne!(desk.get("+12125551000"), Value::Null);
    assert_eq!(desk.get("+12145550001"), Value::Null, "it was in the middle");
    let told = desk.import_file("contacts.csv", &["--list", LIST, "--region", "US"]);
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
                cells.remove(5);
                cells.join(",")
            })
            .collect();
        rows.sort();
        rows
    };
    assert_eq!(undated(desk.export()), undated(other.export()));
}

#[test]
fn what_is_exported_comes_back_the_same() {
    let desk = Desk::new();
    desk.onto_list(
        format!(
            "phone,status,opted_out_at,subscribed_at,created_at,total_sends,total_revenue,last_sent,note,reason\n\
             {ADA},,,2024-01-01,2023-12-31,5,0.25,2024-05-05,=1+1,\n\
             {BOB},,2024-02-02,2024-01-01,2023-12-31,,,,'=quoted,annoyed\n\
             {EVE},invalid,,,2023-12-30,,,,-5,\n"
        ),
        &[],
    )
    .all_taken();
    assert_eq!(desk.call(&format!("SUPPRESS {ADA} {{\"at\":\"2024-06-06\"}}")), ":1");
    assert_eq!(desk.call(&format!("OPTOUT * {BOB} {{\"at\":\"2024-07-07\"}}")), ":1");
    let exported = desk.export();
    let other = Desk::new();
    let told = other.import(&exported, &[]);
    told.all_taken();
    assert_eq!(other.export(), exported);
    let ndjson = Command::new(program())
        .args(["export", "--format", "ndjson", "--server", &desk.daemon.address])
        .output()
        .expect("it runs");
    let third = Desk::new();
    third.import(&ndjson.stdout, &[]).all_taken();
    assert_eq!(third.export(), exported);
    // Contacts as GET and EXPORT tell them, with the list that is said where a row names none.
    let told: Vec<String> = [ADA, BOB, EVE].map(|phone| desk.get(phone).to_string()).to_vec();
    let fourth = Desk::new();
    fourth.onto_list(told.join("\n"), &[]).all_taken();
    assert_eq!(fourth.export(), exported);
    let foreign = json!({"phone_number": ADA, "lists": [{"name": "News", "status": "opted_out"}]});
    let told = fourth.onto_list(format!("{{\"phone_number\":\"{EVE}\"}}\n{foreign}\n"), &[]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"bad_lists": 1})), "{}", told.errors);
}
