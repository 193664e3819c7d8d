//! What a person must sign before it subscribes anybody: blanks, titles between rows, and columns that `'*'` does not mean.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST, Told};

#[track_caller]
fn rejected(told: &Told, reasons: &Value) {
    assert_eq!((told.code, &told.json["rejected"]), (3, reasons), "{}", told.errors);
}

#[test]
fn a_blank_beside_filled_cells_subscribes_nobody() {
    for (heading, filled) in [
        ("status", "active"),
        ("opt_in", "yes"),
        ("Subscribed", "true"),
        ("subscribed_at", "2024-01-02"),
        ("SMS Consent", "x"),
    ] {
        for blank in ["", " ", "-", "#N/A", "NaN", "undefined", "null"] {
            let desk = Desk::new();
            let sheet = format!("phone,name,{heading}\n{ADA},Ada,{filled}\n{BOB},Bob,{blank}\n");
            rejected(&desk.onto_list(&sheet, &[]), &json!({"consent_blank": 1}));
            rejected(&desk.onto_list(&sheet, &["--as", "subscribe"]), &json!({"consent_blank": 1}));
            assert_eq!((desk.check(ADA).as_str(), desk.get(BOB)), ("+yes", Value::Null), "{heading} {blank}");
            if blank == "-" {
                desk.onto_list(&sheet, &["--blank", &format!("{heading}=active")]).all_taken();
                assert_eq!(desk.check(BOB), "+yes", "{heading}");
            }
        }
    }
    // Each column of consent speaks for itself.
    let desk = Desk::new();
    let sheet = format!("phone,status,sms_consent\n{ADA},active,yes\n{BOB},active,\n{EVE},,no\n");
    rejected(&desk.unsaid(&sheet, &[]), &json!({"consent_blank": 1, "no_consent": 1}));
    assert_eq!(desk.get(BOB), Value::Null);
    // An object without the key is blank there.
    let objects = format!("{{\"phone\":\"{ADA}\",\"status\":\"active\"}}\n{{\"phone\":\"{BOB}\"}}\n");
    rejected(&desk.unsaid(objects, &[]), &json!({"consent_blank": 1}));
    // In a column that forbids, it stays harmless, but what a failed look-up leaves does not.
    let sheet = format!("phone,opted_out,invalid_at\n{BOB},,\n{EVE},yes,\n");
    desk.unsaid(sheet, &[]).all_taken();
    assert_eq!((desk.check(BOB).as_str(), desk.check(EVE).as_str()), ("+yes", "+no list_opted_out"));
    for cell in ["#N/A", "#REF!", "NaN", "undefined", "unknown"] {
        rejected(&desk.unsaid(format!("phone,opted_out\n{ADA},{cell}\n"), &[]), &json!({"unknown_status": 1}));
        let told = desk.unsaid(format!("phone,opted_out_at\n+14155550109,{cell}\n"), &[]);
        rejected(&told, &json!({"bad_date": 1}));
    }
}

#[test]
fn a_blank_is_signed_in_a_mapping_and_counted_in_the_description() {
    let desk = Desk::new();
    let sheet = format!("phone,Stato\n{ADA},active\n{BOB},\n{EVE},N/A\n");
    let mapping = |values: &str| {
        let text = format!("[columns]\nStato = \"status\"\n[values.Stato]\n{values}");
        std::fs::write(desk.path("a.toml"), text).expect("written");
    };
    mapping("");
    let told = desk.unsaid(&sheet, &["--mapping", "a.toml"]);
    told.asks("what does a blank cell mean in the column 'Stato' (2 rows)? --blank Stato=no_consent");
    assert!(told.errors.contains("blank 2 (not known)"), "{}", told.errors);
    let told = desk.unsaid(&sheet, &["--mapping", "a.toml", "--describe"]);
    assert_eq!(told.json["columns"][1]["unknown_blanks"], 2, "{}", told.json);
    mapping("\"\" = \"opted_out\"\n");
    desk.unsaid(&sheet, &["--mapping", "a.toml"]).all_taken();
    assert_eq!((desk.check(ADA).as_str(), desk.check(BOB).as_str()), ("+yes", "+no list_opted_out"));
    assert_eq!(desk.check(EVE), "+no list_opted_out");
    for blank in ["Stato", "Stato=perhaps", "City=active", "phone=active"] {
        let told = desk.unsaid(&sheet, &["--mapping", "a.toml", "--blank", blank]);
        assert!(told.code == 1 && told.errors.contains("--blank"), "{blank}: {}", told.errors);
    }
}

#[test]
fn an_opt_out_of_a_day_is_not_lifted_by_an_opt_in_of_that_day() {
    let desk = Desk::new();
    desk.unsaid(format!("phone,opted_out_at\n{ADA},2024-05-01\n{BOB},2024-05-01 00:00:00\n"), &[]).all_taken();
    desk.unsaid(format!("phone,status,subscribed_at,opted_out_at\n{EVE},active,2024-05-01,2024-05-01\n"), &[])
        .all_taken();
    desk.call(&format!("OPTOUT {LIST} +14155550104 {{\"at\":\"2024-05-01\"}}"));
    for phone in [ADA, BOB, EVE, "+14155550104"] {
        desk.call(&format!("OPTIN {LIST} {phone} {{\"at\":\"2024-05-01T20:00:00-05:00\"}}"));
        assert_eq!(desk.check(phone), "+no list_opted_out", "{phone}");
        desk.call(&format!("OPTIN {LIST} {phone} {{\"at\":\"2024-05-03\"}}"));
        assert_eq!(desk.check(phone), "+yes", "{phone}");
    }
    // The day has not ended: it is as of now, and whoever comes back afterwards is back.
    let today = &time_of_day()[..10];
    desk.unsaid(format!("phone,opted_out_at\n{ADA},{today}\n"), &[]).all_taken();
    assert_eq!(desk.check(ADA), "+no list_opted_out");
    desk.call(&format!("OPTIN {LIST} {ADA} {{\"at\":\"{}\"}}", time_of_day()));
    assert_eq!(desk.check(ADA), "+yes");
}

/// The time, as the daemon's clock has it.
fn time_of_day() -> String {
    let desk = Desk::new();
    desk.call(&format!("OPTIN {LIST} {ADA}"));
    desk.get(ADA)["lists"][0]["subscribed_at"].as_str().expect("a date").to_owned()
}

#[test]
fn keys_inside_of_objects_are_compared_with_what_forbids() {
    let desk = Desk::new();
    for (object, key) in [
        ("\"labels\":{\"opted_out\":\"yes\"}", "'labels.opted_out'"),
        ("\"labels\":{\"DND\":true}", "'labels.DND'"),
        ("\"profile\":{\"unsubscribed_at\":\"2024-01-01\"}", "'profile.unsubscribed_at'"),
        ("\"a\":[{\"b\":{\"do_not_contact\":1}}]", "'a.b.do_not_contact'"),
        ("\"profile\":{\"status\":\"left\"}", "'profile.status'"),
    ] {
        desk.onto_list(format!("{{\"phone\":\"{ADA}\",{object}}}\n"), &[]).asks(key);
    }
    assert_eq!(desk.get(ADA), Value::Null);
    let object = format!("{{\"phone\":\"{ADA}\",\"profile\":{{\"opted_out\":\"yes\",\"city\":\"Rome\"}}}}\n");
    desk.onto_list(&object, &["--map", "profile.opted_out=opted_out"]).all_taken();
    assert_eq!(desk.check(ADA), "+no list_opted_out");
    // Behind the sample its row is rejected.
    let late = format!(
        "{}{}",
        format!("{{\"phone\":\"{EVE}\",\"n\":\"{}\"}}\n", "x".repeat(900)).repeat(400),
        object.replace(ADA, BOB)
    );
    rejected(&desk.onto_list(late, &["--labels", "n"]), &json!({"unknown_column": 1}));
    assert_eq!(desk.get(BOB), Value::Null);
    // What is about e-mail alone is a label like any other.
    desk.onto_list(format!("{{\"phone\":\"{BOB}\",\"email\":{{\"unsubscribed\":false}}}}\n"), &[]).all_taken();
}

#[test]
fn the_star_means_no_column_that_may_be_about_consent() {
    let desk = Desk::new();
    for (heading, cells) in [
        ("STOP", ["", "2024"]),
        ("DND", ["1", ""]),
        ("dnc", ["n", "y"]),
        ("no sms", ["", "x"]),
        ("退订", ["", "是的"]),
        ("unsub", ["", "May"]),
        ("SMS", ["1", "0"]),
        ("Einverstanden", ["ja", "nein"]),
        ("Zgoda", ["tak", "nie"]),
        ("согласие", ["да", "нет"]),
        ("Estado", ["activo", "suspendido"]),
        ("GDPR", ["1", "0"]),
        ("Marketing", ["granted", "denied"]),
        ("Haken", ["✅", "❌"]),
        ("Home", ["415-555-0199", "+1 415 555 0198"]),
        ("phone 2", ["4155550199", ""]),
        ("label.opted_out", ["yes", "no"]),
    ] {
        let sheet = format!("phone,name,{heading}\n{ADA},Ada,{}\n{BOB},Bob,{}\n", cells[0], cells[1]);
        for star in [["--labels", "*"], ["--map", "*=ignore"]] {
            desk.unsaid(&sheet, &star).asks(&format!("'{heading}'"));
        }
        assert_eq!(desk.get(ADA), Value::Null, "{heading}");
    }
    let sheet = format!("phone,name,VIP,HasOptedOutOfEmail,Visits\n{ADA},Ada,yes,1,0\n{BOB},Bob,no,0,7\n");
    desk.onto_list(&sheet, &["--labels", "VIP,Visits"]).all_taken();
    let all = json!({"name": "Ada", "vip": "yes", "hasoptedoutofemail": "1", "visits": "0"});
    assert_eq!(desk.get(ADA)["labels"], all);
}

#[test]
fn a_heading_that_forbids_is_not_turned_round() {
    let desk = Desk::new();
    for heading in ["Opted Out", "unsubscribed_at", "DNC", "No SMS", "Unsubscribed", "退订"] {
        let sheet = format!("phone,{heading}\n{ADA},yes\n");
        for field in ["opt_in", "other_phone", "subscribed_at", "label.x", "created_at", "source"] {
            let told = desk.unsaid(&sheet, &["--map", &format!("{heading}={field}")]);
            assert!(told.code == 1 && told.errors.contains("says who wants no messages"), "{heading}: {}", told.errors);
            std::fs::write(desk.path("a.toml"), format!("[columns]\n\"{heading}\" = \"{field}\"\n")).expect("written");
            let told = desk.unsaid(&sheet, &["--mapping", "a.toml"]);
            assert!(told.code == 1 && told.errors.contains("says who wants no messages"), "{heading}: {}", told.errors);
        }
        let told = desk.unsaid(&sheet, &["--labels", heading]);
        assert!(told.code == 1 && told.errors.contains("says who wants no messages"), "{heading}: {}", told.errors);
    }
    assert_eq!(desk.get(ADA), Value::Null);
}

#[test]
fn every_phone_of_a_file_of_opt_outs_forbids() {
    for options in
        [&["--as", "optout"][..], &["--as", "optout", "--labels", "*"], &["--as", "optout", "--map", "*=ignore"]]
    {
        let desk = Desk::new();
        desk.onto_list(format!("phone\n{ADA}\n{BOB}\n{EVE}\n"), &[]).all_taken();
        let sheet = format!(
            "name,phone,phone 2,notes\nAda,{ADA},(415) 555-0102,\nCy,+14155550107,,{EVE}\nDan,+14155550108,,x\n"
        );
        desk.unsaid(&sheet, options).all_taken();
        for phone in [ADA, BOB, EVE, "+14155550107", "+14155550108"] {
            assert_eq!(desk.check(phone), "+no list_opted_out", "{phone} {options:?}");
        }
    }
}

#[test]
fn a_title_between_rows_is_signed_whatever_its_words() {
    let desk = Desk::new();
    for title in ["Ausgetreten,,,,", "退会,,,,", ",Inactive,,2024,", "do not contact,,,,", "Hibernating 2024-01-15,,,,"]
    {
        let sheet = format!("phone,name,city,note,tier\n{ADA},Ada,Rome,a,b\n{title}\n{BOB},Bob,Bonn,c,d\n");
        for options in [&[][..], &["--as", "subscribe"]] {
            desk.onto_list(&sheet, options).asks("what does line 3, '");
            assert_eq!(desk.get(ADA), Value::Null, "{title}");
        }
        assert_eq!(desk.onto_list(&sheet, &["--labels", "note", "--no-sections", "--dry-run"]).code, 3);
    }
    // What is said of one title is said of all: the one that speaks of an end is shown, and the others are named.
    let sheet = format!("phone,name,city\nSpring,,\n{ADA},Ada,Rome\nOFF THE LIST (asked in May),,\n{BOB},Bob,Bonn\n");
    desk.onto_list(&sheet, &["--as", "subscribe"]).asks("what does line 4, 'OFF THE LIST");
    desk.onto_list(&sheet, &["--as", "subscribe"]).asks("The answer is for these lines, too: 2 'Spring'.");
    // A phone with words beside it is somebody's row.
    let sheet = format!("phone,name,city,note\n{ADA},Ada,Rome,\n415-555-0102 - wrong number,Bob,,\n{EVE},Eve,Rome,\n");
    let told = desk.onto_list(&sheet, &["--labels", "note"]);
    assert!(told.code == 3 && told.json["rejected"].get("section").is_none(), "{} {}", told.code, told.json);
    // What stands at the end is a title of nothing: its row alone is rejected.
    let sheet = format!("phone,name,city\n{ADA},Ada,Rome\nTotal: 1,,\n");
    rejected(&desk.onto_list(&sheet, &[]), &json!({"section": 1}));
    assert_eq!(desk.check(ADA), "+yes");
    // Neither is a contact without a phone.
    let sheet = format!("phone,name,city\n,Eve,Rome\n{BOB},Bob,Rome\n");
    rejected(&desk.onto_list(&sheet, &[]), &json!({"empty": 1}));
}

/// What a title says of a mark is said of the rows that have it, whatever else is said of all rows.
#[test]
fn a_mark_that_a_title_explains_rejects_its_rows() {
    let desk = Desk::new();
    let title = "Text club (* = asked off; leave them on the sheet),,";
    for (at, (options, heading, said)) in
        [(&["--as", "subscribe", "--labels", "visits"][..], "visits", "7"), (&[], "sms_opt_in", "yes")]
            .into_iter()
            .enumerate()
    {
        let [ada, bob, eve, dan] = [0, 1, 2, 3].map(|row| format!("+1415555{:04}", 4000 + 10 * at + row));
        let sheet = format!(
            "{title}\nname,phone,{heading}\n*Ada,{ada},{said}\nBob B.,{bob},{said}\nEve *,{eve},{said}\n(*) Dan,{dan},{said}\n"
        );
        let told = desk.onto_list(&sheet, options);
        rejected(&told, &json!({"maybe_optout": 3}));
        assert!(told.errors.contains("a title says what '*' means"), "{}", told.errors);
        assert_eq!((desk.check(&bob).as_str(), desk.get(&ada), desk.get(&eve)), ("+yes", Value::Null, Value::Null));
    }
    // A mark that no row has explains nothing, such as a colour that a table of text does not keep.
    let sheet = format!("{}\nname,phone,sms_opt_in\nAda,{ADA},yes\n", title.replace('*', "#"));
    desk.onto_list(&sheet, &[]).asks("what are the rows, since '");
}

/// Its words may be any: they are read by a person, whatever is said of all rows, and whatever else the columns say.
#[test]
fn a_title_above_the_headings_that_is_more_than_a_name_is_signed() {
    let desk = Desk::new();
    let options: [&[&str]; 2] = [&["--as", "subscribe", "--labels", "name,joined"], &["--labels", "name"]];
    for title in [
        "Los que llevan (x) pidieron salirse",
        "Anyone in square brackets has moved house",
        "\"Grossgeschriebene sind inzwischen ausgezogen, alle\"",
        "×印の方は退出されました",
        "Members 2026; A: with us; [B]: parted ways",
    ] {
        for (options, (heading, said)) in options.into_iter().zip([("joined", "2019"), ("sms_opt_in", "yes")]) {
            let sheet = format!("{title},,\nname,phone,{heading}\nAda (x),{ADA},{said}\n[Bob],{BOB},{said}\n");
            let shown = title.trim_matches('"');
            desk.onto_list(&sheet, options).asks(&format!("what does line 1, '{shown}', say"));
            assert_eq!(desk.get(ADA), Value::Null, "{title}");
            let signed = [options, &["--no-sections", "--dry-run"]].concat();
            let told = desk.onto_list(&sheet, &signed);
            assert!(told.code == 0 || told.code == 3, "{title}: {}", told.errors);
            let out = [&options[options.len() - 2..], &["--as", "optout", "--dry-run"]].concat();
            assert_eq!(desk.onto_list(&sheet, &out).code, 0, "{title}");
        }
    }
    // So is one that says whom of the rows it means, whatever they are as a whole, and below them as above.
    for title in [
        "\"[Namen in eckigen Klammern: möchten nicht mehr angeschrieben werden]\"",
        "Hoofdletters = wil niet meer geappt worden",
        "Purple = they told me they would rather not hear from us",
    ] {
        let shown = title.trim_matches('"');
        for (sheet, line) in [
            (format!("{title},\nname,phone\n\"[Bremer, Anke]\",{ADA}\n"), 1),
            (format!("name,phone\n\"[Bremer, Anke]\",{ADA}\n{title},\n"), 3),
        ] {
            let asked = format!("what does line {line}, '{shown}', say");
            desk.onto_list(&sheet, &["--as", "subscribe", "--labels", "name"]).asks(&asked);
        }
        assert_eq!(desk.get(ADA), Value::Null, "{title}");
    }
    for title in ["Fitwell Studio - member contacts - updated 1 Oct 2026", "Grace Church phone list"] {
        let sheet = format!("{title},,\nname,phone,sms_opt_in\nAda,{ADA},yes\n");
        desk.onto_list(&sheet, &[]).all_taken();
    }
    // It stands beside one between the rows.
    let sheet = format!("Choir of the town (x = parted),\nphone,name\n{ADA},Ada\nAltos,\n{BOB},Bob\n");
    desk.onto_list(&sheet, &[]).asks("for these lines, too: 1 'Choir of the town (x = parted)'.");
}

#[test]
fn a_row_that_breaks_off_before_its_consent_is_rejected() {
    let desk = Desk::new();
    let sheet = format!("phone,name,opted_out\n{ADA},Ada\n{BOB},Bob,no\n{EVE},Eve,yes\n");
    rejected(&desk.onto_list(&sheet, &[]), &json!({"short_row": 1}));
    assert_eq!((desk.get(ADA), desk.check(BOB).as_str()), (Value::Null, "+yes"));
    desk.onto_list(format!("phone,opted_out,name\n{ADA},no\n"), &[]).all_taken();
    // A cross beside a tick is one of them a no.
    let desk = Desk::new();
    let sheet = format!("phone,opt_in\n{ADA},✓\n{BOB},x\n");
    rejected(&desk.unsaid(&sheet, &[]), &json!({"unknown_status": 1}));
    assert_eq!((desk.check(ADA).as_str(), desk.get(BOB)), ("+yes", Value::Null));
}

/// A cross, or a word that is a yes in one language and a no in another, is decided by the whole column, however long it is.
#[test]
fn a_mark_is_no_yes_where_a_tick_stands_in_the_last_row() {
    let desk = Desk::new();
    let row = |at: usize, said: &str| format!("+1415555{at:04},{said},{}\n", "a name that takes room ".repeat(2));
    for (mark, other) in [("Tak", "Tidak"), ("x", "yes"), ("x", "○"), ("x", "✓")] {
        let many: String = (1000..6000).map(|at| row(at, mark)).collect();
        assert!(many.len() > 256 * 1024);
        let sheet = format!("phone,opt_in,name\n{many}");
        let told = desk.unsaid(format!("{sheet}{}", row(6000, other)), &["--labels", "name"]);
        let unknown = told.json["rejected"]["unknown_status"].as_u64();
        assert!(told.code == 3 && unknown.is_some_and(|rows| rows >= 5000), "{mark} {other}: {}", told.json);
        assert_eq!(desk.get("+14155551000"), Value::Null, "{mark} {other}");
    }
    let many: String = (1000..6000).map(|at| row(at, "x")).collect();
    desk.unsaid(format!("phone,opt_in,name\n{many}"), &["--labels", "name"]).all_taken();
}

#[test]
fn a_name_that_says_nothing_is_signed_where_no_column_says_who_consented() {
    let desk = Desk::new();
    let import = |name: &str, sheet: &str, options: &[&str]| {
        std::fs::write(desk.path(name), sheet).expect("written");
        desk.import_file(name, &[&["--list", LIST], options].concat())
    };
    let sheet = format!("phone\n{ADA}\n");
    for name in ["graveyard.csv", "Abgänge.csv", "old_stuff.csv", "acme.csv"] {
        import(name, &sheet, &[]).asks("what are the rows, since no column says who consented");
        assert_eq!(desk.get(ADA), Value::Null, "{name}");
        import(name, &format!("phone,status\n{BOB},active\n"), &[]).all_taken();
    }
    for name in ["contacts.csv", "Kundenliste 2024.csv", "客户名单.csv"] {
        import(name, &sheet, &[]).all_taken();
    }
    import("acme.csv", &sheet, &["--as", "subscribe"]).all_taken();
}

#[test]
fn a_source_or_a_comment_is_not_passed_over() {
    let desk = Desk::new();
    let sheet = format!("phone\n{ADA}\n");
    desk.unsaid(&sheet, &["--source", "Unsubscribed"]).asks("'Unsubscribed' speaks of");
    for row in [format!("// {ADA}"), format!("#{ADA}"), format!("- {ADA}"), format!("--{ADA}")] {
        let told = desk.unsaid(format!("phone\n{row}\n"), &[]);
        rejected(&told, &json!({"commented_out": 1}));
        for comment in ["// ", "#"] {
            let told = desk.onto_list(format!("name,phone\n{comment}Ada,{ADA}\n"), &[]);
            rejected(&told, &json!({"commented_out": 1}));
        }
    }
    assert_eq!(desk.get(ADA), Value::Null);
    for (column, cell) in [("reason", "asked to be removed"), ("reason", "hard bounce"), ("source", "dnc.csv")] {
        rejected(&desk.unsaid(format!("phone,{column}\n{ADA},{cell}\n"), &[]), &json!({"maybe_optout": 1}));
    }
    assert_eq!(desk.get(ADA), Value::Null);
}

#[test]
fn what_a_person_says_of_blanks_counts_under_any_heading_of_consent() {
    let desk = Desk::new();
    for said in ["opted_out", "suppressed", "invalid"] {
        let sheet = format!("phone,Opted out\n{ADA},no\n{BOB},\n");
        desk.unsaid(&sheet, &["--blank", &format!("Opted out={said}")]);
        assert_eq!(desk.check(ADA), "+yes");
        assert!(desk.check(BOB).starts_with("+no"), "{said}: {}", desk.check(BOB));
    }
    let sheet = format!("phone,Status,Opted out\n{EVE},active,\n");
    desk.unsaid(&sheet, &["--blank", "Opted out=opted_out"]);
    assert!(desk.check(EVE).starts_with("+no"), "{}", desk.check(EVE));
}

#[test]
fn what_stands_where_nobody_looks_is_heard() {
    for (sheet, options) in [
        // A refusal where the country should be.
        (format!("phone,country,status\n{BOB},DND,active\n"), &[][..]),
        (format!("phone,country,status\n{BOB},opted out 3/4,active\n"), &[]),
        (format!("phone,country,status\n{BOB},invalid,active\n"), &[]),
        // What messages are answered with.
        (format!("phone,last reply\n{BOB},QUIT\n"), &["--labels", "last reply"]),
        // The code of a failure, and the name of a group.
        (format!("phone,error code\n{BOB},21610\n"), &["--labels", "error code"]),
        (format!("phone,groups\n{BOB},\"VIP,SMS Unsubscribers\"\n"), &["--labels", "groups"]),
        (format!("phone,segment\n{BOB},Suppression list\n"), &["--labels", "segment"]),
        // A note with initials, and one beside a name.
        (format!("phone,notes\n{BOB},opt out 5/1/24 JB\n"), &["--labels", "notes"]),
        (format!("phone,first name\n{BOB},Bob opted out\n"), &["--labels", "first name"]),
    ] {
        let desk = Desk::new();
        let told = desk.unsaid(&sheet, options);
        assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"maybe_optout": 1})), "{sheet}{}", told.errors);
    }
}

#[test]
fn an_opt_out_by_a_clock_without_a_zone_may_be_later_than_a_consent_by_one_with_it() {
    let desk = Desk::new();
    let sheet = format!(
        "phone,status,subscribed_at,opted_out_at\n{ADA},active,2024-05-01 12:00,2024-05-01 09:00\n\
         {BOB},active,2024-05-01T12:00:00Z,2024-05-01 09:00\n{EVE},active,2024-05-01T12:00:00Z,2024-05-01T09:00:00Z\n"
    );
    desk.unsaid(&sheet, &[]).all_taken();
    assert_eq!([ADA, BOB, EVE].map(|phone| desk.check(phone)), ["+yes", "+no list_opted_out", "+yes"]);
}
