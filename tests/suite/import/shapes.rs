//! What is not known asks or rejects, whatever its words: columns by their shape, rows by what the rows before them had.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};

/// Rows enough that the import does not look at what stands behind them.
fn many(columns: impl Fn(usize) -> String) -> String {
    (0..20_000).map(|row| format!("+1415556{:04},{}\n", row % 10_000, columns(row))).collect::<Vec<_>>().concat()
}

#[test]
fn a_column_of_few_values_is_asked_about_by_name() {
    let desk = Desk::new();
    for (heading, cells) in [
        ("Contactable", ["1", "0"]),
        ("OK", ["1", "0"]),
        ("Active", ["1", "0"]),
        ("Exclude", ["0", "1"]),
        ("Kontaktierbar", ["1", "0"]),
        ("Συγκατάθεση", ["1", "0"]),
        ("الموافقة", ["1", "0"]),
        ("Mailing", ["yes", "no"]),
        ("Email", ["yes", "no"]),
        ("Fax", ["yes", "no"]),
        ("State", ["in", "out"]),
        ("Result", ["ok", "removed"]),
        ("Aceita", ["S", "N"]),
        ("End date", ["", "2024-01-15"]),
        ("탈퇴일", ["", "2024-01-15"]),
        ("Error code", ["", "21610"]),
    ] {
        let sheet = format!("phone,{heading}\n{ADA},{}\n{BOB},{}\n", cells[0], cells[1]);
        for options in [["--labels", "*"], ["--map", "*=ignore"]] {
            desk.unsaid(&sheet, &options).asks(&format!("'{heading}'"));
        }
        assert_eq!(desk.call("COUNT"), ":0", "{heading}");
    }
    // Many values, harmless headings, and opt-outs of e-mail.
    let row = |row: usize| format!("Ann {row},Rome,1990-01-02,{}\n", row % 2);
    let rows: String = (0..9).map(|at| format!("+1415555012{at},{}", row(at))).collect::<Vec<_>>().concat();
    desk.onto_list(format!("phone,Remark,City,Birthday,Email Opt Out\n{rows}"), &[]).all_taken();
    assert_eq!((desk.call("COUNT"), desk.label("+14155550121", "remark")), (":9".into(), json!("Ann 1")));
}

#[test]
fn what_stands_far_down_is_looked_at_again() {
    let desk = Desk::new();
    for sheet in [
        format!("phone,name,Vermerk\n{}{BOB},Bob,nein\n", many(|row| format!("Ann {row},"))),
        format!("phone,name,Vermerk\n{}{BOB},Bob,nein\n", many(|row| format!("Ann,until {row}"))),
        format!("phone,name,Vermerk\n{}{BOB},Bob,0\n", many(|row| format!("Ann,until {row}"))),
        format!("phone,name,Vermerk\n{}{BOB},Bob,seit gestern\n", many(|row| format!("Ann {row},"))),
    ] {
        let told = desk.onto_list(sheet, &[]);
        assert_eq!(told.json["rejected"], json!({"unknown_column": 1}), "{}", told.errors);
        assert_eq!(desk.get(BOB), Value::Null);
    }
    let rows: String = many(|_| String::new())
        .lines()
        .map(|row| format!("{{\"phone\":\"{}\"}}\n", &row[..12]))
        .collect::<Vec<_>>()
        .concat();
    let told = desk.onto_list(format!("{rows}{{\"phone\":\"{BOB}\",\"raus\":\"seit gestern\"}}\n"), &[]);
    assert_eq!(
        (&told.json["rejected"], desk.get(BOB)),
        (&json!({"unknown_column": 1}), Value::Null),
        "{}",
        told.errors
    );
}

#[test]
fn a_key_inside_of_an_object_is_a_column() {
    let desk = Desk::new();
    for (object, path) in [
        (r#"{"labels":{"sms_ok":ANSWER},"phone":"PHONE"}"#, "labels.sms_ok"),
        (r#"{"attributes":{"sms_ok":ANSWER},"phone":"PHONE"}"#, "attributes.sms_ok"),
        (r#"{"profile":{"marketing":{"sms":{"enabled":ANSWER}}},"phone":"PHONE"}"#, "profile.marketing.sms.enabled"),
        (r#"{"channels":[{"can_receive":ANSWER}],"phone":"PHONE"}"#, "channels.can_receive"),
        (r#"{"sms":ANSWER,"phone":"PHONE"}"#, "sms"),
    ] {
        for [yes, no] in [["true", "false"], ["\"granted\"", "\"denied\""]] {
            if path.starts_with("labels") && no != "false" {
                continue;
            }
            let row = |answer: &str, phone: &str| object.replace("ANSWER", answer).replace("PHONE", phone) + "\n";
            desk.onto_list(row(yes, ADA) + &row(no, BOB), &[]).asks(&format!("'{path}'"));
        }
    }
    let nested = format!("{{\"phone\":\"{ADA}\",\"profile\":{{\"city\":\"Rome\"}}}}\n");
    desk.onto_list(nested, &[]).all_taken();
    assert_eq!(desk.label(ADA, "profile.city"), "Rome");
}

#[test]
fn rejected_rows_stay_what_they_were() {
    let desk = Desk::new();
    let again = |options: &[&str]| {
        let list = ["--list", LIST, "--labels", "*"];
        let told = desk.import_file("rejects.csv", &[&list[..], options].concat());
        assert_eq!(desk.get(BOB), Value::Null, "{}", told.errors);
        told.json["rejected"].clone()
    };
    for (sheet, code) in [
        (format!("phone,name,Status\n{ADA},Ada,active\n{BOB},Bob,\n"), "consent_blank"),
        (format!("phone,name,Signup Date\n{ADA},Ada,2024-01-01\n{BOB},Bob,\n"), "consent_blank"),
        (format!("phone,OPTIN_TIME,CONFIRM_TIME\n{ADA},2024-01-01,2024-01-01\n{BOB},2024-01-01,\n"), "consent_blank"),
        (format!("phone,name,opted_out\n{ADA},Ada,no\n{BOB},Bob\n"), "short_row"),
        (format!("phone,last_sent,opted_out\n{ADA},2024-01-01,no\n{BOB},soon\n"), "bad_date"),
    ] {
        let told = desk.onto_list(sheet, &["--rejects", "rejects.csv"]);
        assert_eq!(told.json["rejected"], json!({code: 1}), "{}", told.errors);
        assert_eq!(again(&[]), json!({code: 1}));
    }
    // Its date is mended, and it is still short; until somebody says that it is not.
    let rejects = desk.read("rejects.csv");
    assert!(rejects.ends_with("bad_date short_row,last_sent\n"), "{rejects}");
    std::fs::write(desk.path("rejects.csv"), rejects.replace("soon", "2024-01-02")).expect("written");
    assert_eq!(again(&[]), json!({"short_row": 1}));
    let mended = desk.read("rejects.csv").replace("soon", "").replace("bad_date short_row", "");
    std::fs::write(desk.path("rejects.csv"), mended).expect("written");
    let told = desk.import_file("rejects.csv", &["--list", LIST]);
    told.all_taken();
    assert!(told.errors.contains("these rows were rejected before"), "{}", told.errors);
    assert_eq!(desk.check(BOB), "+yes");
    // What all rows were said to be.
    let dnc = format!("phone,last_sent\n{EVE},soon\n");
    desk.onto_list(&dnc, &["--as", "optout", "--rejects", "rejects.csv"]);
    desk.import_file("rejects.csv", &["--list", LIST]).asks("no column says who consented");
    let told = desk.import_file("rejects.csv", &["--list", LIST, "--as", "subscribe"]);
    assert_eq!(told.json["rejected"], json!({"bad_date": 1}), "{}", told.errors);
    let mended = desk.read("rejects.csv").replace("soon", "2024-01-02");
    std::fs::write(desk.path("rejects.csv"), mended).expect("written");
    let told = desk.import_file("rejects.csv", &["--list", LIST, "--as", "subscribe"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{}", told.errors);
    // The same of objects.
    std::fs::write(desk.path("a.ndjson"), format!("{{\"phone\":\"{EVE}\",\"status\":\"\"}}\n")).expect("written");
    for (from, to) in [("a.ndjson", "b.ndjson"), ("b.ndjson", "c.ndjson")] {
        let told = desk.import_file(from, &["--list", LIST, "--rejects", to]);
        assert_eq!(told.json["rejected"], json!({"consent_blank": 1}), "{}", told.errors);
    }
}

#[test]
fn a_row_that_forbids_nothing_has_no_reason() {
    let desk = Desk::new();
    for (header, cells) in [
        ("phone,status,reason", "active,replied STOP"),
        ("phone,status,source", "active,spam report"),
        ("phone,status,source", "active,asked to be removed"),
        ("phone,reason", "moved"),
        ("phone,status,verdict,reason", "active,yes,replied STOP"),
    ] {
        let told = desk.unsaid(format!("{header}\n{BOB},{cells}\n"), &[]);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{header} {cells}: {}", told.errors);
        assert_eq!(desk.get(BOB), Value::Null);
    }
    desk.unsaid(format!("phone,status,verdict,reason\n{ADA},active,yes,fraud check\n"), &[]).all_taken();
}

#[test]
fn an_ignored_cell_that_is_a_refusal_rejects_its_row() {
    let desk = Desk::new();
    let rows: String = (0..9).map(|at| format!("+1415555012{at},note {at}\n")).collect::<Vec<_>>().concat();
    for cell in ["Bitte nicht kontaktieren", "unsubscribed 5/1/24", "Bob NO SMS!", "deceased"] {
        let sheet = format!("phone,Remark\n{rows}{BOB},{cell}\n");
        for options in [["--map", "*=ignore"], ["--map", "Remark=ignore"], ["--labels", "*"]] {
            let told = desk.unsaid(&sheet, &options);
            assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{cell}: {}", told.errors);
            assert_eq!(desk.get(BOB), Value::Null, "{cell}");
        }
        desk.unsaid(&sheet, &["--map", "Remark=unread", "--dry-run"]).all_taken();
    }
}

#[test]
fn headings_again_stop_the_import() {
    let desk = Desk::new();
    for (title, word) in [
        ("phone,opted_out", "'phone'"),
        ("Telefono,Stato", "'Telefono'"),
        ("Unsubscribed,2", "'Unsubscribed'"),
        ("STOP list,May 2024", "'STOP list'"),
        ("OPTED OUT,OPTED OUT", "'OPTED OUT'"),
    ] {
        desk.onto_list(format!("phone,name\n{ADA},Ada\n{title}\n{BOB},Bob\n"), &[]).asks(word);
    }
    desk.onto_list(format!("phone,name\n{ADA},Ada\n{BOB},Bob\n^ these two opted out,\n"), &[]).asks("line 4");
    assert_eq!(desk.call("COUNT"), ":0");
    let late = format!("phone,name\n{}phone,out\n{BOB},Bob\n", many(|row| format!("Ann {row}")));
    let told = desk.onto_list(late, &[]);
    assert!(told.code == 1 && told.errors.contains("'phone' may be the title"), "{}", told.errors);
    assert_eq!(desk.get(BOB), Value::Null);
}

#[test]
fn the_name_of_the_folder_is_a_title() {
    let desk = Desk::new();
    std::fs::create_dir(desk.path("unsubscribed")).expect("a folder");
    std::fs::write(desk.path("unsubscribed/contacts.csv"), format!("phone\n{BOB}\n")).expect("written");
    desk.import_file("unsubscribed/contacts.csv", &["--list", LIST]).asks("'unsubscribed' speaks of");
}

#[test]
fn a_country_in_a_label_contradicts_the_region() {
    let desk = Desk::new();
    for (heading, cell) in [
        ("Mailing Country", "India"),
        ("Default Address Country Code", "IN"),
        ("Prefix", "+91"),
        ("Vorwahl", "0091"),
        ("region", "IND"),
        ("国", "日本"),
    ] {
        let sheet = format!("phone,{heading}\n7025550123,{cell}\n{ADA},{cell}\n");
        let told = desk.unsaid(&sheet, &["--labels", heading]);
        assert_eq!(told.json["rejected"], json!({"country_unclear": 1}), "{heading}: {}", told.errors);
        assert_eq!((desk.get("+17025550123"), desk.check(ADA)), (Value::Null, "+yes".to_owned()), "{heading}");
    }
    // One cell that is no country says nothing of the others, and two letters count where the number exists there.
    for (heading, cells, many) in [
        ("Billing Country", ["Mexico", "India", "Other"], 2),
        ("Paese", ["MX", "IN", "UK"], 2),
        ("Market", ["MX", "BR", "KE"], 1),
        ("Location", ["Mexico - CDMX", "India (Delhi)", "Unknown"], 2),
        ("Where", ["🇲🇽", "🇮🇳", "🇺🇸"], 2),
    ] {
        let [one, two, three] = cells;
        let sheet = format!("phone,{heading}\n5512345678,{one}\n7012345678,{two}\n{ADA},{three}\n");
        let told = desk.unsaid(&sheet, &["--labels", heading]);
        assert_eq!(told.json["rejected"], json!({"country_unclear": many}), "{heading}: {}", told.errors);
        assert_eq!(desk.get("+15512345678"), Value::Null, "{heading}");
    }
    for (heading, cell) in [("Mailing Country", "USA"), ("State", "CA"), ("language", "de"), ("first name", "Jordan")] {
        desk.unsaid(format!("phone,{heading}\n7025550124,{cell}\n"), &["--labels", heading]).all_taken();
    }
}
