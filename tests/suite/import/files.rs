//! Files as people and spreadsheets write them: damage, encodings, dialects, and what comes back from the rejected rows.

use std::process::Command;

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST, Told};
use crate::support::program;

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
    let told = desk.import("phone,name\n415-555-0101,Ada\n", &["--list", LIST, "--labels", "name"]);
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

/// Whoever writes in another encoding writes refusals in it, too.
#[test]
fn what_is_not_utf8_may_say_who_wants_no_messages() {
    let desk = Desk::new();
    for (at, (encoding, refusal)) in [
        ("windows-1251", "отписан"),
        ("shift_jis", "配信停止"),
        ("gb18030", "退订"),
        ("euc-kr", "수신거부"),
        ("windows-1253", "διαγραφή"),
        ("windows-1255", "הסר"),
        ("windows-1250", "odhlášen"),
        ("windows-1252", "désabonné"),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555{:04}", 5_000 + at);
        let encoding_of = encoding_rs::Encoding::for_label(encoding.as_bytes()).expect("an encoding");
        let sheet = format!("phone,name,note\n{ADA},Ada,VIP\n{phone},Bob,{refusal}\n");
        let (sheet, _, _) = encoding_of.encode(&sheet);
        let told = desk.unsaid(&sheet, &["--labels", "name,note", "--rejects", "rejects.csv"]);
        assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"not_utf8": 1})), "{encoding}: {}", told.errors);
        assert!(told.errors.contains("--encoding"), "{}", told.errors);
        assert_eq!(desk.check(&phone), "+no not_subscribed", "{encoding}");
        let told = desk.import_file("rejects.csv", &["--list", LIST, "--labels", "name,note", "--as", "subscribe"]);
        assert_eq!(told.json["rejected"], json!({"not_utf8": 1}), "{encoding}, again: {}", told.errors);
        let told = desk.unsaid(&sheet, &["--labels", "name,note", "--encoding", encoding]);
        assert_eq!(
            (told.code, &told.json["rejected"]),
            (3, &json!({"maybe_optout": 1})),
            "{encoding}: {}",
            told.errors
        );
    }
    // Under a status it is read no better; a name says nothing of the kind.
    let phone = "+14155555100";
    let told = desk.unsaid([b"phone,status\n", phone.as_bytes(), b",\xee\xf2\xef\n"].concat(), &[]);
    assert_eq!(told.json["rejected"], json!({"not_utf8": 1}), "{}", told.errors);
    let late = [b"phone,name,note\n".to_vec(), format!("{ADA},Jose,VIP\n").repeat(20_000).into_bytes()].concat();
    let sheet = [&late, phone.as_bytes(), b",Jos\xe9,gold\n", EVE.as_bytes(), b",Eve,\xe9\n"].concat();
    let told = desk.unsaid(sheet, &["--labels", "name,note"]);
    assert_eq!(told.json["rejected"], json!({"not_utf8": 1}), "behind the sample: {}", told.errors);
    assert_eq!((desk.check(phone), desk.check(EVE)), ("+yes".to_owned(), "+no not_subscribed".to_owned()));
    let object = [b"{\"phone\":\"", EVE.as_bytes(), b"\",\"labels\":{\"note\":\"\xee\xf2\"}}\n"].concat();
    let told = desk.unsaid(object, &[]);
    assert_eq!(told.json["rejected"], json!({"not_utf8": 1}), "{}", told.errors);
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
        let told = desk.unsaid(sheet, &["--labels", "name,note"]);
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
fn a_file_without_a_header_loses_no_row() {
    let desk = Desk::new();
    let sheet = "4155550101,Ada,stop\r\n4155550102,Bob,\r\n12,Eve,\r\n";
    let told = desk.onto_list(sheet, &[]);
    assert!(told.code == 1 && told.errors.contains("header is missing"), "{}", told.errors);
    desk.onto_list(sheet, &["--map", "#1=phone"]).asks("'column_3'");
    desk.unsaid("4155550101,Ada,yes\n4155550102,Bob,no\n", &["--map", "#1=phone"]).asks("'column_2', 'column_3'");
    let map = ["--map", "#1=phone", "--map", "#2=label.name", "--map", "#3=status", "--blank", "#3=active"];
    let told = desk.onto_list(sheet, &[&map[..], &["--rejects", "rejects.csv"]].concat());
    assert_eq!((&told.json["rows"], &told.json["rejected"]), (&json!(3), &json!({"too_short": 1})), "{}", told.errors);
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no list_opted_out".into(), "+yes".into()));
    assert_eq!(desk.label(ADA, "name"), "Ada");
    let rejects = desk.read("rejects.csv");
    assert_eq!(rejects, "column_1,column_2,column_3,line,reason,column\r\n12,Eve,,3,too_short,column_1\r\n");
    desk.onto_list(rejects.replace("12,", "4155550103,"), &map).all_taken();
    assert_eq!(desk.label(EVE, "name"), "Eve");
}

#[test]
fn refused_rows_are_repeated_mended_and_taken() {
    let desk = Desk::new();
    let sheet = format!(
        "sep=;\r\nName;Phone;Opted out at;Status\r\n\"Ada; Love\";{ADA};;\r\n\"Bob \"\"B\"\"\nTwo\";1.41556E+10;;\r\nEve;{EVE};last year;\r\nDan;+14155550104;;perhaps\r\nFay\r\nGus;+14155550105;\"\r\n"
    );
    desk.onto_list(&sheet, &[]).asks("what does line 8, 'Fay', say of the rows around it?");
    let options = ["--no-sections", "--blank", "Status=active", "--rejects", "rejects.csv"];
    let told = desk.onto_list(&sheet, &options);
    let reasons = json!({"lost_digits": 1, "bad_date": 1, "unknown_status": 1, "short_row": 1, "unclosed_quote": 1});
    assert_eq!((told.code, &told.json["rejected"], &told.json["created"]), (3, &reasons, &json!(1)), "{}", told.errors);
    let rejects = format!(
        "sep=;\r\nName;Phone;Opted out at;Status;line;reason;column\r\n\"Bob \"\"B\"\"\nTwo\";1.41556E+10;;;4;lost_digits;Phone\r\nEve;{EVE};last year;;6;bad_date;Opted out at\r\nDan;+14155550104;;perhaps;7;unknown_status;Status\r\nFay;;;;8;short_row;\r\nGus;+14155550105;\"\"\"\";;9;unclosed_quote short_row;\r\n"
    );
    assert_eq!(desk.read("rejects.csv"), rejects);
    assert_eq!(desk.check(EVE), "+no list_opted_out", "whatever its date");

    // Not mended yet: the same rows, with their lines in this file.
    let again = ["--list", LIST, "--region", "US", "--labels", "Name", "--rejects", "again.csv"];
    desk.import_file("rejects.csv", &[&again[..], &options[..3]].concat());
    let again = desk.read("again.csv");
    assert_eq!(again.matches("lost_digits").count(), 1);
    assert_eq!(again.lines().nth(1), rejects.lines().nth(1));
    assert!(again.contains(&format!("Eve;{EVE};last year;;5;bad_date")), "{again}");

    let mended = rejects
        .replace("1.41556E+10", BOB)
        .replace("last year", "2025-05-01")
        .replace("perhaps", "active")
        .replace("Fay;", "Fay;+14155550106")
        .replace("\"\"\"\"", "")
        .replace("unclosed_quote short_row", "")
        .replace("short_row", "");
    let told = desk.onto_list(mended, &["--blank", "Status=active"]);
    told.all_taken();
    assert_eq!(desk.label(BOB, "name"), "Bob \"B\"\nTwo");
    assert_eq!(desk.get(BOB)["labels"], json!({"name": "Bob \"B\"\nTwo"}), "line and reason are no labels");
    assert_eq!(desk.check(EVE), "+no list_opted_out");
    let told = desk.import_file("contacts.csv", &["--list", LIST, "--labels", "*", "--rejects", "contacts.csv"]);
    assert!(told.code == 1 && told.errors.contains("--rejects"), "never over its own input: {}", told.errors);
}

/// Whatever was refused: the rejected rows come in again, for the same reasons.
#[test]
fn refused_rows_are_imported_again_by_the_same_options() {
    let desk = Desk::new();
    let sheet = format!(
        "name,phone,status,opted_out_at,label.tags,city,total_sends\n\"Smith, Ann\",12,active,,,Rome,\n\
         Bob,{BOB},perhaps,,,\"x \"\"y\"\" z\",\nEve,{EVE},active,,STOP,,\nDan,{ADA},active,,,,many\n\
         Fay,{ADA},active,,,,,extra\n\"two\nlines\",1.4E+10,,,,,\nIda\nGus,\"{ADA},stop\n{BOB},x\",active,,,,\n"
    );
    let objects =
        format!("{{\"phone\":\"12\",\"city\":\"Rome\"}}\n[1]\n{{\"phone\":\"{BOB}\",\"status\":\"perhaps\"}}\n");
    for (sheet, options) in [
        (sheet.clone(), &["--map", "*=ignore", "--labels", "tags", "--no-sections"][..]),
        (sheet.replace(',', ";"), &["--map", "*=ignore", "--labels", "tags", "--no-sections"]),
        (format!("{BOB},perhaps\n12,active\n"), &["--map", "*=ignore", "--map", "#1=phone", "--map", "#2=status"]),
        (objects, &["--map", "*=ignore"]),
    ] {
        let first = desk.unsaid(&sheet, &[options, &["--rejects", "rejects.csv"]].concat());
        let again = desk.import_file("rejects.csv", &[options, &["--list", LIST, "--region", "US"]].concat());
        assert_eq!((first.code, again.code), (3, 3), "{}", again.errors);
        let rows = |told: &Told| {
            told.json["rejected"].as_object().expect("reasons").values().filter_map(Value::as_u64).sum::<u64>()
        };
        assert_eq!((rows(&again), &again.json["rows"]), (rows(&first), &json!(rows(&first))), "{}", again.json);
    }
}

#[test]
fn refused_objects_are_repeated_mended_and_taken() {
    let desk = Desk::new();
    let sheet = format!("{{\"phone\":\"{ADA}\",\"age\":36,\"vip\":true}}\n{{\"phone\":\"12\",\"name\":\"Bob\"}}\n");
    desk.onto_list(&sheet, &[]).asks("'vip'");
    let told = desk.onto_list(&sheet, &["--labels", "vip", "--rejects", "rejects.ndjson"]);
    assert_eq!((told.code, &told.json["created"]), (3, &json!(1)), "{}", told.errors);
    assert_eq!(desk.get(ADA)["labels"], json!({"age": "36", "vip": "true"}));
    let rejects = desk.read("rejects.ndjson");
    let object: Value = serde_json::from_str(&rejects).expect("an object");
    assert_eq!(
        object,
        json!({"phone": "12", "name": "Bob", "rejected": {"line": 2, "reason": "too_short", "column": "phone"}})
    );
    let mended = rejects.replace("\"12\"", &format!("\"{BOB}\""));
    desk.onto_list(&mended, &[]).asks("no column says who consented");
    desk.onto_list(mended, &["--as", "subscribe"]).all_taken();
    assert_eq!(desk.get(BOB)["labels"], json!({"name": "Bob"}));
}

#[test]
fn what_is_exported_comes_back_the_same() {
    let desk = Desk::new();
    desk.onto_list(
        format!(
            "phone,status,opted_out_at,subscribed_at,created_at,total_sends,total_revenue,last_sent,note,reason\n\
             {ADA},active,,2024-01-01,2023-12-31,5,0.25,2024-05-05,=1+1,\n\
             {BOB},,2024-02-02,2024-01-01,2023-12-31,,,,'=quoted,annoyed\n\
             {EVE},invalid,,,2023-12-30,,,,-5,\n"
        ),
        &["--labels", "note"],
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
