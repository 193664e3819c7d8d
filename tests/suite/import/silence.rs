//! Nothing that a person wrote about consent is passed over in silence: it forbids, or its row is rejected, or the import asks.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST, Told};

/// A number of its own for each case.
fn phone(at: usize) -> String {
    format!("+1415555{:04}", 2_000 + at)
}

/// Imports contacts that may get messages, as all of these did before.
fn subscribed(desk: &Desk, phones: &[&str]) {
    for phone in phones {
        desk.call(&format!("OPTIN {LIST} {phone} {{\"at\":\"2023-06-01\"}}"));
        assert_eq!(desk.check(phone), "+yes", "{phone}");
    }
}

#[track_caller]
fn rejected(told: &Told, reason: &str) {
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({reason: 1})), "{}", told.errors);
}

#[test]
fn a_symbol_under_the_heading_of_an_opt_out_forbids_or_rejects_its_row() {
    let desk = Desk::new();
    for (at, cell) in ["✓", "✔️", "☑", "✅", "x", "WAHR", "Vrai"].into_iter().enumerate() {
        desk.unsaid(format!("phone,opted_out\n{},{cell}\n", phone(at)), &[]).all_taken();
        assert_eq!(desk.check(&phone(at)), "+no list_opted_out", "{cell}");
    }
    let symbols = ["●", "•", "*", "+", "!", "?", ".", "☒", "🚫", "###", "unknown", "---", "✗", "１"];
    for (at, cell) in symbols.into_iter().enumerate() {
        let phone = phone(100 + at);
        rejected(&desk.unsaid(format!("phone,opted_out\n{phone},{cell}\n"), &[]), "unknown_status");
        assert_eq!(desk.get(&phone), Value::Null, "{cell}");
        rejected(&desk.unsaid(format!("phone,status\n{phone},{cell}\n"), &[]), "unknown_status");
        assert_eq!(desk.get(&phone), Value::Null, "{cell}");
    }
    // The same under the heading of a date: it forbids as of now.
    for (at, cell) in ["✓", "########", "unknown", "?", "●", "☒"].into_iter().enumerate() {
        for (column, (heading, verdict)) in
            [("opted_out_at", "list_opted_out"), ("invalid_at", "invalid"), ("suppressed_at", "list_suppressed")]
                .into_iter()
                .enumerate()
        {
            let phone = phone(200 + 10 * at + column);
            subscribed(&desk, &[&phone]);
            let told = desk.unsaid(format!("phone,{heading}\n{phone},{cell}\n"), &[]);
            rejected(&told, "bad_date");
            assert_eq!(
                (desk.check(&phone), &told.json["taken"]),
                (format!("+no {verdict}"), &json!(1)),
                "{heading} {cell}"
            );
        }
    }
    // What is blank forbids nothing, and neither does a no.
    for (at, cell) in ["", "-", "—", "N/A", "NULL", "None", "no", "FALSCH", "0"].into_iter().enumerate() {
        let phone = phone(300 + at);
        desk.unsaid(format!("phone,opted_out\n{phone},{cell}\n"), &[]).all_taken();
        assert_eq!(desk.check(&phone), "+yes", "{cell}");
    }
    desk.unsaid(format!("phone,last_clicked\n{ADA},never\n"), &[]).all_taken();
    rejected(&desk.unsaid(format!("phone,subscribed_at\n{BOB},never\n"), &[]), "no_consent");
    assert_eq!((desk.check(ADA), desk.get(BOB)), ("+yes".to_owned(), Value::Null));
}

#[test]
fn a_blank_in_a_column_of_consents_is_no_consent() {
    let desk = Desk::new();
    let sheet = format!("phone,SMS consent\n{ADA},yes\n{BOB},\n{EVE},✓\n+14155550104,N/A\n+14155550105,no\n");
    let told = desk.unsaid(&sheet, &[]);
    assert_eq!(
        (told.code, &told.json["rejected"]),
        (3, &json!({"no_consent": 1, "consent_blank": 2})),
        "{}",
        told.errors
    );
    assert_eq!((desk.check(ADA), desk.check(EVE), desk.get(BOB)), ("+yes".into(), "+yes".into(), Value::Null));
    // A status does not say it in its place; a person does.
    let with_status = format!("phone,SMS consent,status\n{BOB},,active\n");
    rejected(&desk.unsaid(&with_status, &[]), "consent_blank");
    desk.unsaid(&with_status, &["--blank", "SMS consent=nothing"]).all_taken();
    let blank = "phone,SMS consent\n+14155550104,\n";
    rejected(&desk.unsaid(blank, &["--as", "subscribe"]), "consent_blank");
    desk.unsaid(blank, &["--blank", "SMS consent=active"]).all_taken();
    desk.unsaid("phone,SMS consent\n+14155550105,\n", &["--map", "SMS consent=ignore"]).all_taken();
    for phone in [BOB, "+14155550104", "+14155550105"] {
        assert_eq!(desk.check(phone), "+yes", "{phone}");
    }
    // What the row forbids is taken.
    desk.unsaid(format!("phone,SMS consent,opted_out_at\n{BOB},,2030-01-01\n{ADA},,2024-01-01\n"), &[]).all_taken();
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no list_opted_out".into(), "+no list_opted_out".into()));
    // A column that is blank in the whole file as well.
    rejected(&desk.unsaid("phone,status\n+14155550106,\n", &[]), "consent_blank");
    rejected(&desk.unsaid("phone,status\n+14155550107,None\n", &[]), "no_consent");
}

#[test]
fn a_country_that_cannot_be_read_is_not_passed_over() {
    let desk = Desk::new();
    desk.import("phone,country\n07911 123456,🇬🇧\n", &["--list", LIST]).all_taken();
    assert_eq!(desk.check("+447911123456"), "+yes");
    for cell in ["✗", "?", "unknown", "🌍", "🇬🇧🇮🇳", "🇬🇧 India"] {
        for options in [&["--list", LIST][..], &["--list", LIST, "--region", "US"]] {
            let told = desk.import(format!("phone,country\n4155550101,{cell}\n"), options);
            rejected(&told, "country_unclear");
        }
        desk.import(format!("phone,country\n{BOB},{cell}\n"), &["--list", LIST]).all_taken();
    }
    assert_eq!((desk.get(ADA), desk.check(BOB)), (Value::Null, "+yes".to_owned()));
}

#[test]
fn a_number_of_two_countries_is_of_none() {
    let desk = Desk::new();
    for (raw, region) in [("447911123456", "DE"), ("33612345678", "IT"), ("12125552671", "AT"), ("6591234567", "ID")] {
        let options = ["--list", LIST, "--region", region];
        rejected(&desk.import(format!("phone\n{raw}\n"), &options), "country_unclear");
        let inside = desk.call(&format!("NORMALIZE {region} {raw}"));
        assert_eq!(
            (desk.get(&format!("+{raw}")), desk.get(&inside[1..])),
            (Value::Null, Value::Null),
            "{raw} {region}"
        );
        // What forbids counts for both.
        let told = desk.import(format!("phone,status\n{raw},unsubscribed\n"), &options);
        rejected(&told, "country_unclear");
        assert_eq!((&told.json["taken"], &told.json["lost"]), (&json!(1), &json!(0)), "{raw} {region}");
        for phone in [&format!("+{raw}"), &inside[1..]] {
            assert_eq!(desk.check(phone), "+no list_opted_out", "{raw} {region}");
        }
    }
    // A mobile phone of the region, and whatever its own row places there.
    let desk = Desk::new();
    desk.import("phone\n15202345678\n", &["--list", LIST, "--region", "DE"]).all_taken();
    assert_eq!(desk.check("+4915202345678"), "+yes");
    desk.import("phone,country\n447911123456,DE\n", &["--list", LIST, "--region", "DE"]).all_taken();
    assert_eq!(desk.check("+49447911123456"), "+yes");
}

#[test]
fn of_a_key_that_stands_twice_the_strictest_value_counts() {
    let desk = Desk::new();
    subscribed(&desk, &[ADA, BOB, EVE]);
    let sheet = format!(
        "{{\"phone\":\"{ADA}\",\"status\":\"unsubscribed\",\"status\":\"active\"}}\n\
         {{\"phone\":\"{BOB}\",\"opted_out_at\":\"2024-01-01\",\"opted_out_at\":null}}\n\
         {{\"phone\":\"{EVE}\",\"labels\":{{\"tier\":\"a\",\"tier\":\"b\"}}}}\n\
         {{\"phone\":\"+14155550104\",\"phone\":\"+14155550105\",\"status\":\"stop\"}}\n\
         {{\"phone\":\"+14155550106\",\"phone\":\"+14155550107\"}}\n"
    );
    let told = desk.unsaid(&sheet, &["--rejects", "rejects.ndjson"]);
    assert_eq!((told.code, &told.json["rejected"], &told.json["taken"]), (3, &json!({"repeated_key": 5}), &json!(3)));
    for phone in [ADA, BOB, "+14155550104", "+14155550105"] {
        assert_eq!(desk.check(phone), "+no list_opted_out", "{phone}");
    }
    assert_eq!(
        (desk.check(EVE), desk.get("+14155550106"), desk.get("+14155550107")),
        ("+yes".into(), Value::Null, Value::Null)
    );
    let rejects = desk.read("rejects.ndjson");
    assert!(
        rejects.contains("\"status\":\"unsubscribed\",\"status\":\"active\",\"rejected\":{\"line\":1,"),
        "{rejects}"
    );
    let mended = rejects.replace("\"tier\":\"a\",", "").lines().nth(2).expect("a line").to_owned();
    desk.unsaid(mended, &["--as", "subscribe"]).all_taken();
    assert_eq!(desk.label(EVE, "tier"), "b");
}

#[test]
fn what_a_row_forbids_reaches_all_of_its_phones() {
    let desk = Desk::new();
    let (work, home) = ("+14155550104", "+14155550105");
    let header = "Mobile,Phone,Telephone,status,total_sends";
    let map = ["--map", "Mobile=phone", "--map", "Phone=other_phone", "--map", "Telephone=other_phone"];
    subscribed(&desk, &[ADA, work, home]);
    desk.unsaid(format!("{header}\n{ADA},(415) 555-0104,{home},unsubscribed,\n"), &map).all_taken();
    for phone in [ADA, work, home] {
        assert_eq!(desk.check(phone), "+no list_opted_out", "{phone}");
    }
    // Beside what is wrong, and beside a number that cannot be read.
    for (at, (cells, reason)) in [
        ("MOBILE,WORK,,unsubscribed,many", "bad_number"),
        ("MOBILE,see note,WORK,bounced,", "letters"),
        ("see note,MOBILE,WORK,stop,", "letters"),
    ]
    .into_iter()
    .enumerate()
    {
        let (mobile, work) = (phone(2 * at), phone(2 * at + 1));
        subscribed(&desk, &[&mobile, &work]);
        let told =
            desk.unsaid(format!("{header}\n{}\n", cells.replace("MOBILE", &mobile).replace("WORK", &work)), &map);
        rejected(&told, reason);
        assert!(desk.check(&mobile).starts_with("+no ") && desk.check(&work).starts_with("+no "), "{cells}");
    }
    // A subscription is of the first alone.
    desk.unsaid(format!("{header}\n{BOB},{EVE},,active,\n"), &map).all_taken();
    assert_eq!((desk.check(BOB), desk.get(EVE)), ("+yes".to_owned(), Value::Null));
    let told = desk.unsaid(format!("{header}\n{BOB},{EVE},,stop,\n"), &[&map[..], &["--dry-run"]].concat());
    assert_eq!((told.code, &told.json["readable"], desk.check(BOB).as_str()), (0, &json!(1), "+yes"));
}

#[test]
fn a_title_that_speaks_of_opt_outs_is_asked_about() {
    let desk = Desk::new();
    let rows = format!("{ADA},Ada\n{BOB},Bob\n");
    for (sheet, title) in [
        (format!("Opted out contacts\n\nphone,name\n{rows}"), "'Opted out contacts'"),
        (format!("# unsubscribed\nphone,name\n{rows}"), "'# unsubscribed'"),
        (format!("Report\n\"Do not text, 2024\"\n\nphone,name\n{rows}"), "'\"Do not text, 2024\"'"),
        (format!("phone,name\n{rows}Unsubscribed:,\n{EVE},Eve\n"), "'Unsubscribed:'"),
        (format!("phone,name\n{rows},Abgemeldet\n{EVE},Eve\n"), "'Abgemeldet'"),
        (format!("phone,name\n{rows}# stop list\n{EVE},Eve\n"), "'# stop list'"),
    ] {
        desk.onto_list(&sheet, &[]).asks(title);
        assert_eq!(desk.get(ADA), Value::Null, "{title}");
    }
    desk.unsaid(format!("Stop numbers\n{ADA}\n"), &["--map", "Stop numbers=phone"]).asks("'Stop numbers'");
    // Whoever says what the rows are is not asked.
    desk.onto_list(format!("# unsubscribed\nphone,name\n{rows}"), &["--as", "optout"]).all_taken();
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no list_opted_out".into(), "+no list_opted_out".into()));
    // Behind what is looked at beforehand it ends the import.
    let early = "+14155550104,Dan\n".repeat(20_000);
    let late = format!("phone,name\n{early}Unsubscribed:,\n{EVE},Eve\n");
    let told = desk.onto_list(&late, &[]);
    assert!(told.code == 1 && told.errors.contains("line 20002: 'Unsubscribed:'"), "{} {}", told.code, told.errors);
    assert_eq!((desk.check("+14155550104"), desk.get(EVE)), ("+yes".to_owned(), Value::Null));
    assert_eq!(desk.onto_list(&late, &["--as", "subscribe"]).code, 1, "that is said of the columns");
    rejected(&desk.onto_list(&late, &["--no-sections"]), "maybe_optout");
    assert_eq!(desk.check(EVE), "+yes");
    // A title that says nothing of the kind.
    desk.onto_list("Contacts of March\nphone,name\n+14155550105,Fay\n", &[]).all_taken();
}

#[test]
fn a_subscription_ahead_of_the_clock_lifts_no_opt_out() {
    let desk = Desk::new();
    let sheet = format!(
        "phone,status,subscribed_at,opted_out_at\n{ADA},active,2099-01-01,2024-01-01\n{BOB},active,2024-06-01,2024-01-01\n"
    );
    desk.unsaid(sheet, &[]).all_taken();
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no list_opted_out".into(), "+yes".into()));
    let row = format!(
        "{{\"phone\":\"{EVE}\",\"status\":\"active\",\"subscribed_at\":\"2099-01-01\",\"opted_out_at\":\"2024-01-01\"}}"
    );
    desk.call(&format!("IMPORT {LIST} {row}"));
    assert_eq!(desk.check(EVE), "+no list_opted_out");
}

#[test]
fn rows_that_a_stray_quote_swallowed_are_not_lost_in_silence() {
    let desk = Desk::new();
    let sheet = format!(
        "phone,name,status\n{ADA},\"Ada,active\n{BOB},Bob,unsubscribed\n{EVE},Eve\",active\n+14155550104,Dan,active\n"
    );
    let told = desk.onto_list(&sheet, &["--rejects", "rejects.csv"]);
    rejected(&told, "rows_in_quotes");
    let told = desk.import_file("rejects.csv", &["--list", LIST, "--labels", "*"]);
    rejected(&told, "rows_in_quotes");
    assert_eq!(
        (desk.get(ADA), desk.get(EVE), desk.check("+14155550104")),
        (Value::Null, Value::Null, "+yes".to_owned())
    );
    let summary = std::process::Command::new(crate::support::program())
        .args(["import", "contacts.csv", "--list", LIST, "--labels", "*", "--server", &desk.daemon.address])
        .current_dir(desk.daemon.dir.path())
        .output()
        .expect("it runs");
    let summary = String::from_utf8_lossy(&summary.stdout).into_owned();
    assert!(summary.contains("the quote that is opened in line 2"), "{summary}");
    rejected(&desk.onto_list(format!("phone;name\r\n{ADA};\"Ada\r\n{BOB};Bob\"\r\n"), &[]), "rows_in_quotes");
    assert_eq!((desk.get(ADA), desk.get(BOB)), (Value::Null, Value::Null));
    // A cell may have lines, and a number in them.
    desk.onto_list(format!("phone,name\n{ADA},\"Ada\n1 Main St, Rome\ncall {BOB}, please\"\n"), &[]).all_taken();
}

#[test]
fn a_column_that_is_named_by_its_number_has_the_heading_that_it_had() {
    let desk = Desk::new();
    let mapping = |name: &str| {
        let text = format!("[columns]\nphone = \"phone\"\n\"{name}\" = \"label.name\"\n");
        std::fs::write(desk.path("a.toml"), text).expect("written");
    };
    mapping("#2 name");
    desk.unsaid(format!("phone,name,name\n{ADA},Ada,x\n"), &["--mapping", "a.toml", "--map", "#3=ignore"]).all_taken();
    assert_eq!(desk.label(ADA, "name"), "Ada");
    let told = desk.unsaid(format!("phone,opted out\n{BOB},yes\n"), &["--mapping", "a.toml"]);
    told.all_taken();
    assert_eq!(
        (desk.check(BOB), desk.label(BOB, "name")),
        ("+no list_opted_out".into(), Value::Null),
        "it is another column"
    );
    desk.unsaid(format!("phone,Abmeldung\n{EVE},ja\n"), &["--mapping", "a.toml"]).asks("'Abmeldung'");
    mapping("#2");
    for heading in ["opted out", "Abmeldung"] {
        let told = desk.unsaid(format!("phone,{heading}\n{EVE},ja\n"), &["--mapping", "a.toml"]);
        assert!(told.code == 1 && told.errors.contains(&format!("write '#2 {heading}'")), "{}", told.errors);
    }
    let told = desk.unsaid(format!("phone,opted out\n{EVE},ja\n"), &["--map", "#2=label.name"]);
    assert!(told.code == 1 && told.errors.contains("write '#2 opted out'"), "{}", told.errors);
    assert_eq!(desk.get(EVE), Value::Null);
    desk.unsaid(format!("phone,\n{EVE},Eve\n"), &["--mapping", "a.toml"]).all_taken();
    assert_eq!(desk.label(EVE, "name"), "Eve");
}
