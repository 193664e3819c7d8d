//! Columns: each is known by its name or was named by a person; any other stops the import before its first row.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};

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
    assert_eq!(desk.label(ADA, "phone_number"), Value::Null, "a phone to fall back on is no label");
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
    assert_eq!(desk.get("+14155550104")["lists"][0]["opted_out_at"], "2024-02-03T04:05:06.999Z");

    let told = desk.onto_list(format!("From,To\n{ADA},{BOB}\n"), &[]);
    assert!(told.code == 1 && told.errors.contains("--map 'From=phone'"), "{}", told.errors);
    desk.onto_list(format!("From,To\n{ADA},{BOB}\n"), &["--map", "From=phone", "--map", "To=ignore"]).all_taken();
    assert_eq!(desk.label(ADA, "to"), Value::Null);
    desk.unsaid("name,city\nAda,London\n", &[]).asks("'name', 'city'");
    desk.onto_list("name,city\nAda,London\n", &[]).asks("which column is the phone?");
}

#[test]
fn a_verdict_is_passed_over_in_an_export_alone() {
    let desk = Desk::new();
    let export = format!("phone_number,list,status,verdict\n{ADA},{LIST},active,yes\n");
    desk.unsaid(&export, &[]).all_taken();
    desk.unsaid(format!("phone,verdict\n{BOB},no list_opted_out\n"), &[]).asks("'verdict'");
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".into(), "+no not_subscribed".into()));
}

/// Of whom contactd itself did not know whether they had refused, its own export subscribes nobody.
#[test]
fn an_export_that_leaves_open_who_refused_subscribes_nobody() {
    let desk = Desk::new();
    let sheet = |verdict: &str| {
        format!("phone_number,list,status,verdict\n{ADA},{LIST},active,{verdict}\n{BOB},{LIST},opted_out,{verdict}\n")
    };
    let told = desk.unsaid(sheet("fenced"), &[]);
    assert!(told.code == 1 && told.errors.contains("UNFENCE"), "{}: {}", told.code, told.errors);
    let told = desk.unsaid(sheet("held_for_review"), &[]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{}: {}", told.code, told.errors);
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no not_subscribed".into(), "+no list_opted_out".into()));
    desk.unsaid(sheet("fenced"), &["--map", "verdict=unread"]).all_taken();
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".into(), "+no list_opted_out".into()));
}

#[test]
fn labels_are_cleaned_chosen_and_freed_from_guards() {
    let desk = Desk::new();
    let sheet = format!("phone,First Name,label.tier,Formula,Quote,Empty,País\n{ADA},Ada,gold,'=1+1,'tis,,ES\n");
    desk.onto_list(&sheet, &[]).asks("'Formula', 'Quote'");
    desk.onto_list(&sheet, &["--labels", "Formula,Quote"]).all_taken();
    let all = json!({"first_name": "Ada", "tier": "gold", "formula": "=1+1", "quote": "'tis", "pais": "ES"});
    assert_eq!(desk.get(ADA)["labels"], all);
    let sheet = sheet.replace(ADA, BOB);
    let ignored = ["--map", "*=ignore", "--map", "Formula=ignore", "--map", "Quote=ignore"];
    desk.unsaid(&sheet, &[&["--labels", "tier,First Name"], &ignored[..]].concat()).all_taken();
    assert_eq!(desk.get(BOB)["labels"], json!({"first_name": "Ada", "tier": "gold"}));
    let told = desk.unsaid(&sheet, &["--labels", "teir"]);
    assert!(told.code == 1 && told.errors.contains("teir"), "{}", told.errors);
    desk.onto_list(&sheet, &["--labels", "Formula", "--map", "Quote=source"]).all_taken();
    desk.unsaid(&sheet, &["--labels", ""]).asks("'First Name', 'Formula'");
}

#[test]
fn how_each_column_is_read_is_told() {
    let desk = Desk::new();
    let sheet = format!("Mobile,Name,,Unsub time,City\n{ADA},Ada,left over,,London\n");
    for options in [
        &["--labels", "name", "--map", "*=ignore", "--map", "#3=ignore", "--dry-run"][..],
        &["--labels", "name", "--map", "*=ignore", "--map", "#3=ignore"],
    ] {
        let told = desk.unsaid(&sheet, options);
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

/// Case after case from the field, in the languages in which people keep lists: none subscribes anybody.
#[test]
fn a_column_that_nobody_named_stops_the_import() {
    let desk = Desk::new();
    for (heading, cell) in [
        // Statuses and consent in other languages.
        ("Stato", "Disiscritto"),
        ("Iscritto", "No"),
        ("Statut", "Désabonné"),
        ("Estado", "Dado de baja"),
        ("Situação", "Descadastrado"),
        ("Статус", "отписан"),
        ("Согласие", "нет"),
        ("Durum", "İptal"),
        ("退订", "是"),
        ("订阅状态", "已退订"),
        ("수신거부", "Y"),
        ("配信停止", "はい"),
        ("Zgoda SMS", "nie"),
        ("SMS İzni", "RET"),
        ("Aceita SMS", "Não"),
        ("Kontaktsperre", "Ja"),
        ("Keine Werbung", "x"),
        ("Ne pas contacter", "Oui"),
        ("No contactar", "Sí"),
        ("Consenso marketing", "negato"),
        ("Szerződés", "lemondta"),
        // Numbers that were cleaned.
        ("Phone Status", "Disconnected"),
        ("Valid", "FALSE"),
        ("Line status", "inactive"),
        ("Bounced", "Yes"),
        ("Wrong number", "TRUE"),
        ("Landline", "TRUE"),
        ("Reachable", "no"),
        // People who must not be written to.
        ("Is Deceased", "1"),
        ("No Contact", "1"),
        ("Do Not Trade", "1"),
        ("Lead Status", "Do Not Call"),
        ("Tags", "sms-dnd"),
        ("Tags", "\"vip, dnd\""),
        ("DND", "yes"),
        ("DNC", "yes"),
        ("Opt-in Status (SMS)", "unsubscribed"),
        ("SMS", "no"),
        ("Email", "x@example.com"),
        ("", "Opted Out"),
        ("Notes", ""),
    ] {
        let what = if heading.is_empty() { "'#2'".to_owned() } else { format!("'{heading}'") };
        desk.unsaid(format!("phone,{heading}\n{ADA},\n{BOB},{cell}\n"), &[]).asks(&what);
        assert_eq!((desk.get(ADA), desk.get(BOB)), (Value::Null, Value::Null), "{heading}");
    }
    desk.unsaid(format!("{{\"phone\":\"{BOB}\",\"do_not_contact_me\":true}}\n"), &[]).asks("'do_not_contact_me'");
    desk.unsaid(format!("{{\"phone\":\"{BOB}\",\"sms\":{{\"optin\":false}}}}\n"), &[]).asks("'sms.optin'");
    // CiviCRM's, HubSpot's and Mailchimp's own exports.
    for (header, unknown) in [
        ("Phone,Do Not Phone,Do Not Sms,Do Not Trade,Is Deceased", "'Do Not Phone', 'Do Not Trade', 'Is Deceased'"),
        ("Record ID,Phone Number,Opted out of SMS: Marketing", "'Record ID', 'Opted out of SMS: Marketing'"),
        ("Phone,OPTIN_TIME,OPTIN_IP,CONFIRM_TIME,CONFIRM_IP,CC,REGION", "'OPTIN_IP', 'CONFIRM_IP', 'REGION'"),
    ] {
        let cells = ",".repeat(header.matches(',').count());
        desk.unsaid(format!("{header}\n{ADA}{cells}\n"), &[]).asks(unknown);
    }
}

#[test]
fn a_column_is_read_as_a_person_says() {
    let desk = Desk::new();
    for (number, (heading, cell, map)) in [
        ("Do Not Contact", "yes", &[][..]),
        ("Unsubscribe", "yes", &[]),
        ("Opt-Out Status", "Opted Out", &[]),
        ("Subscribed", "no", &[]),
        ("Stato", "unsubscribed", &["--map", "stato=status"]),
        ("DNC", "yes", &["--map", "DNC=opted_out"]),
        ("Consent", "no", &["--map", "#2=opt_in"]),
        ("Opt-in Status (SMS)", "unsubscribed", &["--map", "Opt-in Status (SMS)=status"]),
        ("SMS İzni", "RET", &["--map", "SMS İzni=opt_in"]),
        ("Dato disiscrizione", "2024-01-02", &["--map", "Dato disiscrizione=opted_out_at"]),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555011{number}");
        let told = desk.unsaid(format!("phone,{heading}\n{phone},{cell}\n"), map);
        assert!(matches!(told.code, 0 | 3), "{heading}: {}", told.errors);
        assert!(desk.check(&phone).starts_with("+no "), "{heading}");
    }
    desk.unsaid(format!("phone,Gold\n{BOB},yes\n"), &["--map", "Gold=label.vip"]).all_taken();
    assert_eq!(desk.label(BOB, "vip"), "yes");
    let told = desk.unsaid(format!("phone,status\n{BOB},lapsed\n"), &["--labels", "status"]);
    assert!(told.code == 1 && told.errors.contains("says who wants messages"), "{}", told.errors);
    let told = desk.unsaid(format!("phone,status\n{BOB},Iscritto\n"), &[]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unknown_status": 1})), "{}", told.errors);
}

/// Whatever a person says: a label that is in itself a refusal subscribes nobody.
/// What stands below a question are its answers, in whatever language: `'*'` does not make labels of them.
#[test]
fn a_question_is_not_among_all_labels() {
    let desk = Desk::new();
    for (heading, answers) in [
        ("Texts?", ["Y", "ring"]),
        ("Offers chahiye?", ["haan", "nahi"]),
        ("SMS配信", ["可", "不可"]),
        ("Ok pour les promos ?", ["bof", "oui oui"]),
    ] {
        let rows: Vec<String> =
            (0..8).map(|n| format!("+1415555012{n},{}{}\n", answers[n % 2], ["", "!", " x", " y"][n / 2])).collect();
        desk.onto_list(format!("phone,{heading}\n{}", rows.concat()), &["--labels", "*"]).asks(&format!("'{heading}'"));
    }
    // Many different answers are what people wrote, and the guard of notes looks at each.
    let rows: Vec<String> = (0..30).map(|n| format!("+141555501{n:02},flyer {n} from Ann\n")).collect();
    desk.onto_list(format!("phone,How did you hear about us?\n{}", rows.concat()), &["--labels", "*"]).all_taken();
}

/// A name is no note, though people wrote what they liked there.
#[test]
fn names_in_a_column_of_any_heading_are_no_refusals() {
    let desk = Desk::new();
    let names =
        ["Mrs Kane", "Mary Nix", "Mia Sjö", "Papa Nino", "Unai Zas", "Nur Gök", "N. Fink", "Frej Ås", "Mr Nott"];
    let rows: Vec<String> = (0..).zip(names).map(|(n, name)| format!("+1415555013{n},{name}\n")).collect();
    desk.onto_list(format!("phone,Client\n{}", rows.concat()), &["--labels", "*"]).all_taken();
    let told = desk
        .onto_list(format!("phone,Client\n{}+14155550140,just email me instead\n", rows.concat()), &["--labels", "*"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{}", told.errors);
}

/// Under the heading of a wish what names no messages is a wish for something else.
#[test]
fn a_wish_that_names_no_messages_rejects_its_row() {
    let desk = Desk::new();
    for heading in ["Contact pref", "Best way to reach"] {
        let rows: Vec<String> = (0..8).map(|n| format!("+1415555015{n},txt\n")).collect();
        let wishes = ["never", "in person", "mail (USPS)", "voice", "none"];
        let others: Vec<String> = (0..).zip(wishes).map(|(n, wish)| format!("+1415555016{n},{wish}\n")).collect();
        let map = format!("{heading}=label.pref");
        let told = desk.onto_list(format!("phone,{heading}\n{}{}", rows.concat(), others.concat()), &["--map", &map]);
        assert_eq!(
            told.json["rejected"].as_object().map(|all| all.values().filter_map(Value::as_u64).sum()),
            Some(5),
            "{}",
            told.json
        );
        for n in 0..5 {
            assert_ne!(desk.check(&format!("+1415555016{n}")), "+yes", "{heading} {n}");
        }
    }
}

#[test]
fn a_label_that_is_a_plain_refusal_rejects_its_row() {
    let desk = Desk::new();
    let early = format!("{ADA},Ada,\n").repeat(20_000);
    for (number, (heading, cell, options)) in [
        ("Journey", "unsubscribed", &["--labels", "name,Journey"][..]),
        ("Journey", "Opted out", &["--labels", "name,journey"]),
        ("Tags", "\"vip, sms-unsubscribed\"", &["--labels", "name,Tags"]),
        ("Groups", "* myContacts ::: Unsubscribed", &["--labels", "name,Groups"]),
        ("Note", "Do not text", &["--map", "Note=label.note", "--labels", "name"]),
        ("label.journey", "STOP", &["--labels", "name,journey"]),
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555011{number}");
        let rows = if number == 0 { early.as_str() } else { "" };
        let told = desk.unsaid(format!("phone,name,{heading}\n{rows}{phone},Bob,{cell}\n{EVE},Eve,\n"), options);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{heading}: {}", told.errors);
        assert_eq!((desk.get(&phone), desk.check(EVE).as_str()), (Value::Null, "+yes"), "{heading}");
    }
    let with_reason = format!("phone,status,UNSUB_REASON\n{BOB},unsubscribed,STOP\n");
    desk.onto_list(&with_reason, &[]).asks("'UNSUB_REASON'");
    let told = desk.unsaid(&with_reason, &["--labels", "UNSUB_REASON"]);
    told.all_taken();
    assert_eq!(desk.check(BOB), "+no list_opted_out", "the row says it itself");
}

#[test]
fn a_key_that_turns_up_late_rejects_its_row() {
    let desk = Desk::new();
    let rows = format!("{{\"phone\":\"{ADA}\",\"note\":\"{}\"}}\n", "x".repeat(1000)).repeat(400);
    let late =
        format!("{rows}{{\"phone\":\"{BOB}\",\"sms_dnc\":\"yes\"}}\n{{\"phone\":\"{EVE}\",\"unsubscribed\":true}}\n");
    let told = desk.unsaid(&late, &["--labels", "note", "--rejects", "rejects.ndjson"]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unknown_column": 1})), "{}", told.errors);
    assert_eq!((desk.get(BOB), desk.check(EVE)), (Value::Null, "+no list_opted_out".to_owned()));
    let mend = ["--list", LIST, "--map", "sms_dnc=opted_out"];
    desk.import_file("rejects.ndjson", &mend).all_taken();
    assert_eq!(desk.check(BOB), "+no list_opted_out");
}

/// Indiana is not India, and an Indian number is not one of Las Vegas.
#[test]
fn a_column_of_states_decides_no_country() {
    let desk = Desk::new();
    let mailchimp = "First Name,Phone Number,OPTIN_TIME,CC,REGION\nAda,317-555-0101,2024-01-02 15:04:05,US,IN\n";
    desk.import(mailchimp, &["--list", LIST]).asks("'First Name', 'REGION'");
    desk.import(mailchimp, &["--list", LIST, "--labels", "First Name,REGION"]).all_taken();
    assert_eq!((desk.label("+13175550101", "region"), desk.get("+913175550101")), (json!("IN"), Value::Null));
    for (heading, cells) in [
        ("region", ["CO", "DE"]),
        ("State", ["IN", "AL"]),
        ("Province", ["NL", "PE"]),
        ("st", ["AR", "GA"]),
        ("Billing State", ["MD", "MT"]),
        ("Territory", ["PR", "CA"]),
    ] {
        let sheet = format!("phone,{heading}\n3035550101,{}\n3025550101,{}\n", cells[0], cells[1]);
        desk.unsaid(sheet, &["--labels", heading]).all_taken();
        assert_eq!((desk.check("+13035550101"), desk.check("+13025550101")), ("+yes".into(), "+yes".into()));
    }
    // Read in its country, or refused, but never another person's.
    for (header, row, wrong) in [
        ("Name,Country Code,Mobile", "Asha,91,7025550123", "+17025550123"),
        ("Name,Dial Code,Mobile", "Asha,+91,7025550124", "+17025550124"),
        ("Name,Calling Code,Mobile", "Asha,0091,7025550125", "+17025550125"),
        ("Name,Country,Phone", "Asha,India,7025550126", "+17025550126"),
        ("Name,Country,Phone", "Asha,IN,7025550129", "+17025550129"),
        ("Name,ISD code,Phone", "Asha,91,7025550130", "+17025550130"),
    ] {
        desk.onto_list(format!("{header}\n{row}\n"), &[]);
        assert_eq!(desk.get(wrong), Value::Null, "{header} {row}");
    }
    desk.import("phone,country\n030 901830,DE\n", &["--list", LIST]).all_taken();
    assert_ne!(desk.get("+4930901830"), Value::Null);
}

#[test]
fn dates_of_a_consent_are_known_by_their_common_names() {
    let desk = Desk::new();
    for (number, heading) in [
        "OPTIN_TIME",
        "CONFIRM_TIME",
        "Signup date",
        "Consent timestamp",
        "Date subscribed",
        "Opted In At",
        "signed_up_at",
    ]
    .into_iter()
    .enumerate()
    {
        let phone = format!("+1415555011{number}");
        desk.unsaid(format!("phone,{heading}\n{phone},2024-01-02\n"), &[]).all_taken();
        assert_eq!(desk.get(&phone)["lists"][0]["subscribed_at"], "2024-01-02T00:00:00.000Z", "{heading}");
    }
    let double = format!("Phone,OPTIN_TIME,CONFIRM_TIME\n{ADA},2024-01-02,2024-01-03\n{BOB},2024-01-02,\n");
    let told = desk.unsaid(&double, &[]);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"consent_blank": 1})), "{}", told.errors);
    assert_eq!(desk.get(ADA)["lists"][0]["subscribed_at"], "2024-01-02T00:00:00.000Z");
    assert_eq!(desk.get(BOB), Value::Null, "never confirmed");
    desk.unsaid(&double, &["--blank", "CONFIRM_TIME=active"]).all_taken();
    assert_eq!(desk.get(BOB)["lists"][0]["subscribed_at"], "2024-01-02T00:00:00.000Z");
}

#[test]
fn more_labels_than_a_contact_can_have_are_said_once() {
    let desk = Desk::new();
    let names: Vec<String> = (0..100).map(|number| format!("Prop {number}")).collect();
    let header = format!(",{}", names.join(","));
    let cells = |value: &str| format!(",{value}").repeat(100);
    let others: String =
        (0..4).map(|at| format!("+1415555012{at},active{}\n", cells(&format!("w{at}")))).collect::<Vec<_>>().concat();
    let sheet = format!("phone,status{header}\n{ADA},active{}\n{BOB},unsubscribed{}\n{others}", cells("v"), cells("v"));
    desk.onto_list(&sheet, &[]).asks("100 columns would be labels, a contact has at most 64");
    assert_eq!(desk.get(ADA), Value::Null);
    desk.unsaid(&sheet, &["--labels", "Prop 1", "--map", "*=ignore"]).all_taken();
    assert_eq!((desk.label(ADA, "prop_1"), desk.check(BOB)), (json!("v"), "+no list_opted_out".to_owned()));
    // An export has a column for each label that anybody has.
    let sparse = format!("phone{header}\n{EVE},v{}\n", ",".repeat(99));
    desk.onto_list(sparse, &["--labels", "Prop 0"]).all_taken();
}

#[test]
fn a_file_whose_name_says_so_is_asked_about() {
    let desk = Desk::new();
    let sheet = format!("phone,name\n{BOB},Bob\n");
    for name in [
        "sms_opt_outs_2024.csv",
        "blacklist.csv",
        "DNC list.csv",
        "do-not-call.csv",
        "suppression.csv",
        "cleaned_members_export.csv",
        "unsubscribed_members_export.csv",
        "STOP.csv",
        "désabonnés.csv",
        "退订.csv",
        "schwarze Liste.csv",
        "stoplist.csv",
        "liste rouge.csv",
        "wrong_numbers.csv",
        "removed.csv",
        "uitschrijvingen.csv",
        "cancelados.csv",
        "no-sms.csv",
        "avregistrerade.csv",
        "opt-ut.csv",
        "leavers.csv",
    ] {
        std::fs::write(desk.path(name), &sheet).expect("written");
        let told = desk.import_file(name, &["--list", LIST, "--labels", "*"]);
        told.asks(name);
        assert!(told.errors.contains("--as optout"), "{}", told.errors);
        assert_eq!(desk.get(BOB), Value::Null, "{name}");
    }
    desk.import_file("blacklist.csv", &["--list", LIST, "--as", "optout"]).all_taken();
    assert_eq!((desk.check(BOB), desk.label(BOB, "name")), ("+no list_opted_out".to_owned(), Value::Null));
    let mailchimp = format!("SMS Phone,CLEAN_TIME,CLEAN_CAMPAIGN_TITLE\n{EVE},2024-01-01,Spring\n");
    desk.unsaid(&mailchimp, &["--labels", "*"]).asks("'CLEAN_TIME' speaks of");
    desk.unsaid(&mailchimp, &["--as", "invalid"]).all_taken();
    assert_eq!(desk.check(EVE), "+no invalid");
    std::fs::write(desk.path("stop and shop.csv"), format!("phone\n{ADA}\n")).expect("written");
    desk.import_file("stop and shop.csv", &["--list", LIST, "--as", "subscribe"]).all_taken();
    assert_eq!(desk.check(ADA), "+yes");
}

#[test]
fn what_an_export_tells_besides_is_not_used() {
    let desk = Desk::new();
    desk.unsaid(format!("phone_number,status,verdict\n{ADA},active,no list_paused\n"), &[]).all_taken();
    assert_eq!((desk.check(ADA), desk.label(ADA, "verdict")), ("+yes".to_owned(), Value::Null));
}
