//! Whose opt-out a row is, where that is not certain: what forbids counts for everybody whom it can be, and nobody of them gets a yes.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};

/// A number of its own for each case.
fn phone(at: usize) -> String {
    format!("+1917234{:04}", 2_000 + at)
}

/// Two lists side by side: the phone under the heading of an opt-out is somebody else's.
#[test]
fn a_phone_in_a_column_of_opt_outs_is_opted_out() {
    let desk = Desk::new();
    for (at, (heading, field, shape)) in [
        ("Unsubscribed", "opted_out", "PHONE"),
        ("Opted Out", "opted_out", "NATIONAL"),
        ("Do Not Text", "opted_out", "(917) 234-LAST"),
        ("STOP list", "opted_out", "PHONE"),
        ("STOP list", "opted_out_at", "PHONE"),
        ("Opted Out At", "opted_out_at", "NATIONAL"),
        ("DNC numbers", "opted_out_at", "917-234-LAST"),
        ("Suppressed At", "suppressed_at", "PHONE"),
    ]
    .into_iter()
    .enumerate()
    {
        let (one, out, other) = (phone(10 * at), phone(10 * at + 1), phone(10 * at + 2));
        let cell = shape.replace("PHONE", &out).replace("NATIONAL", &out[2..]).replace("LAST", &out[8..]);
        let map = format!("{heading}={field}");
        desk.call(&format!("OPTIN {LIST} {out} {{\"at\":\"2023-01-01\"}}"));
        let sheet = format!("Phone,{heading}\n{one},{cell}\n{out},\n{one},\n{other},\n");
        let told = desk.unsaid(&sheet, &["--as", "subscribe", "--map", &map]);
        assert_eq!(told.json["rejected"], json!({"phone_opted_out": 1}), "{sheet} {}", told.errors);
        assert_eq!((&told.json["taken"], &told.json["lost"]), (&json!(1), &json!(0)), "{sheet}");
        for phone in [&one, &out] {
            assert!(desk.check(phone).starts_with("+no "), "{sheet} {phone}: {}", desk.check(phone));
        }
        assert_eq!(desk.check(&other), "+yes", "{sheet}");
    }
    let (one, out) = (phone(90), phone(91));
    let objects = format!("{{\"phone\":\"{one}\",\"unsubscribed\":\"{out}\"}}\n{{\"phone\":\"{out}\"}}\n");
    let told = desk.unsaid(&objects, &["--as", "subscribe"]);
    assert_eq!((&told.json["taken"], desk.check(&out) == "+yes"), (&json!(1), false), "{}", told.errors);
    // Dates, however programs write them, are no phones.
    for date in ["2024-05-01", "1714521600000", "1714521600", "20240501", "2024-05-01 10:20:30", "01.05.2024"] {
        let told = desk.unsaid(format!("phone,opted_out_at\n{},{date}\n", phone(92)), &[]);
        assert_eq!(told.json["rejected"]["phone_opted_out"], Value::Null, "{date}: {}", told.errors);
    }
}

/// Somebody put a plus before each number of a column.
#[test]
fn a_plus_before_a_number_inside_the_country_makes_it_nobodys() {
    let desk = Desk::new();
    for (region, written, inside) in [
        ("US", "+9172345678", "+19172345678"),
        ("US", "+6462345678", "+16462345678"),
        ("US", "+(212) 234-5678", "+12122345678"),
        ("IN", "+9876543210", "+919876543210"),
        ("AU", "+412345678", "+61412345678"),
        ("GB", "+7911123456", "+447911123456"),
        ("BR", "+11912345678", "+5511912345678"),
        ("MX", "+5512345678", "+525512345678"),
        ("ES", "+612345678", "+34612345678"),
        ("IT", "+3471234567", "+393471234567"),
    ] {
        let as_written: String = written.chars().filter(|char| char.is_ascii_digit() || *char == '+').collect();
        let options = ["--list", LIST, "--region", region];
        let told = desk.import(format!("phone,status\n{written},active\n"), &options);
        assert_eq!(told.json["rejected"], json!({"country_unclear": 1}), "{written}: {}", told.errors);
        assert_eq!((desk.get(&as_written), desk.get(inside)), (Value::Null, Value::Null), "{written}");
        for (case, (sheet, more)) in [
            (format!("phone,status\n{inside},active\n{written},unsubscribed\n{},active\n", &inside), &[][..]),
            (format!("phone\n{written}\n"), &["--as", "optout"]),
            (format!("phone,home\n{ADA},{written}\n"), &["--as", "optout"]),
        ]
        .into_iter()
        .enumerate()
        {
            // An opt-in without its date lifts no opt-out, so each case has its list.
            let list = format!("{}{}", &inside[3..9], case + 1);
            assert_eq!(desk.call(&format!("LIST {list}")), "+created");
            assert_eq!(desk.call(&format!("OPTIN {list} {inside}")), ":1");
            let options = ["--list", &list, "--region", region];
            let told = desk.import(&sheet, &[&options[..], more].concat());
            assert_eq!(told.json["rejected"], json!({"country_unclear": 1}), "{sheet}: {}", told.errors);
            assert_eq!((&told.json["taken"], &told.json["lost"]), (&json!(1), &json!(0)), "{sheet}");
            for phone in [inside, as_written.as_str()] {
                assert_eq!(desk.call(&format!("CHECK {list} {phone}")), "+no list_opted_out", "{sheet} {phone}");
            }
        }
        let reply = desk.call(&format!(
            "IMPORT {LIST} {{\"phone\":\"{written}\",\"region\":\"{region}\",\"status\":\"opted_out\"}}"
        ));
        assert!(reply.starts_with("-BADARG taken "), "{written}: {reply}");
        let reply = desk.call(&format!("IMPORT {LIST} {{\"phone\":\"{written}\",\"region\":\"{region}\"}}"));
        assert!(reply.starts_with("-BADARG"), "{written}: {reply}");
        let reply = desk.call(&format!("IMPORT {LIST} {{\"phone\":\"{inside}\",\"region\":\"{region}\"}}"));
        assert!(reply.starts_with('+'), "{written}: {reply}");
    }
    // What the row says of its country agrees with the plus; and a number of another country is as it is written.
    let desk = Desk::new();
    let told = desk.unsaid("phone,country\n+6462345678,New Zealand\n+447911123456,\n+4915112345678,\n", &[]);
    told.all_taken();
    for phone in ["+6462345678", "+447911123456", "+4915112345678"] {
        assert_eq!(desk.check(phone), "+yes", "{phone}");
    }
    desk.import("phone\n+447911123457\n+4915112345679\n", &["--list", LIST, "--region", "DE"]).all_taken();
}

/// Where nobody says the region, the daemon's counts for what forbids.
#[test]
fn an_opt_out_with_a_plus_too_many_reaches_the_number_inside_the_default_region() {
    let desk = Desk { daemon: crate::support::Daemon::start(&["--default-region", "US"]) };
    desk.call(&format!("LIST {LIST}"));
    desk.call(&format!("OPTIN {LIST} +19172345678 {{\"at\":\"2023-01-01\"}}"));
    let told = desk.import("phone,status\n+9172345678,unsubscribed\n", &["--list", LIST]);
    assert_eq!((&told.json["taken"], &told.json["lost"]), (&json!(1), &json!(0)), "{}", told.errors);
    assert_eq!(desk.check("+19172345678"), "+no list_opted_out");
}

#[test]
fn a_sign_or_a_word_behind_a_phone_keeps_other_rows_from_subscribing_it() {
    let desk = Desk::new();
    let signs = ["❌", "*", "†", "?", "✗", " (no)", " N", " NO", " off", " (out)", " opted", " (x)", " x12", "x"];
    for (at, sign) in signs.into_iter().enumerate() {
        for (order, yes_first) in [true, false].into_iter().enumerate() {
            let phone = phone(200 + 2 * at + order);
            let (plain, odd) = (format!("{phone},yes\n"), format!("\"{phone}{sign}\",yes\n"));
            let rows = if yes_first { plain + &odd } else { odd + &plain };
            let told = desk.unsaid(format!("phone,sms_consent\n{rows}{BOB},yes\n"), &[]);
            assert_eq!(told.code, 3, "{rows}: {}", told.errors);
            assert_ne!(desk.check(&phone), "+yes", "{rows}: {}", told.json);
        }
    }
    // A kind beside it is no sign.
    desk.unsaid(format!("phone,sms_consent\n{EVE} (mobile),yes\n{EVE},yes\n"), &[]).all_taken();
    assert_eq!(desk.check(EVE), "+yes");
}

/// An unquoted thousands comma has moved what stands behind it, into a column that else has no answers.
#[test]
fn a_number_that_a_comma_has_divided_moves_its_row() {
    let desk = Desk::new();
    for (at, (header, good, moved)) in [
        ("Spent,Tier,SMS Consent,Note", "100,gold,yes,", "1,200,yes,no"),
        ("Spent,Orders,SMS Consent,Note", "100,4,yes,", "1,200,yes,no"),
        ("Spent,Tier,SMS Opted Out,Note", "100,gold,no,", "1,200,no,yes"),
    ]
    .into_iter()
    .enumerate()
    {
        let rows = (0..9).fold(String::new(), |rows, row| rows + &phone(300 + 20 * at + row) + "," + good + "\n");
        let other = phone(319 + 20 * at);
        let labels = if header.contains("Tier") { "Spent,Tier,Note" } else { "Spent,Orders,Note" };
        let told = desk.unsaid(format!("Phone,{header}\n{rows}{other},{moved}\n"), &["--labels", labels]);
        assert_eq!(told.json["rejected"], json!({"shifted": 1}), "{header}: {}", told.errors);
        assert_eq!((desk.check(&phone(300 + 20 * at)).as_str(), desk.get(&other)), ("+yes", Value::Null), "{header}");
    }
}

#[test]
fn a_merged_cell_needs_no_heading_and_words_for_a_status_say_what_it_is() {
    let desk = Desk::new();
    for (at, heading) in ["", "Batch", "Team", "Comment", "Outcome"].into_iter().enumerate() {
        let of = |row: usize| phone(400 + 10 * at + row);
        let sheet = format!(
            "{heading},Phone,SMS Consent\nSubscribed,{},yes\n,{},yes\nUnsubscribed,{},yes\n,{},yes\n",
            of(0),
            of(1),
            of(2),
            of(3)
        );
        let options = if heading.is_empty() { ["--map", "#1=label.g"] } else { ["--labels", heading] };
        let told = desk.unsaid(&sheet, &options);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 2}), "{sheet} {}", told.errors);
        let yes = [0, 1, 2, 3].map(|row| desk.check(&of(row)) == "+yes");
        assert_eq!(yes, [true, true, false, false], "{sheet}");
    }
    // A note in some rows is of these rows alone.
    let of = |row: usize| phone(460 + row);
    let sheet = format!("Phone,SMS Consent,Note\n{},yes,VIP\n{},yes,do not text\n{},yes,\n", of(0), of(1), of(2));
    let told = desk.unsaid(&sheet, &["--labels", "Note"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{}", told.errors);
}

#[test]
fn a_ditto_mark_of_any_country_says_what_the_cell_above_it_says() {
    let desk = Desk::new();
    for (at, ditto) in ["-\"\"-", "\"\"-\"\"", "—\"\"—", "…", "...", "as above", "idem ici", "v", "|", "↓", "«"]
        .into_iter()
        .enumerate()
    {
        let of = |row: usize| phone(500 + 10 * at + row);
        let sheet =
            format!("Phone,SMS Consent,Notes\n{},yes,do not text\n{},yes,\"{ditto}\"\n{},yes,\n", of(0), of(1), of(2));
        let told = desk.unsaid(&sheet, &["--labels", "Notes"]);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 2}), "{ditto}: {}", told.errors);
        assert_eq!(desk.check(&of(2)), "+yes", "{ditto}");
    }
}

#[test]
fn what_people_wrote_back_is_read_as_a_message() {
    let desk = Desk::new();
    let headings = ["Last Message", "Last Reply", "Body", "Response", "Inbound", "SMS Reply", "Antwort", "返信"];
    for (at, heading) in headings.into_iter().enumerate() {
        for (place, word) in ["Cancel", "停止", "take me off this"].into_iter().enumerate() {
            let (one, other) = (phone(700 + 20 * at + 2 * place), phone(701 + 20 * at + 2 * place));
            let sheet = format!("Phone,SMS Consent,{heading}\n{one},yes,thanks so much\n{other},yes,{word}\n");
            for options in [["--labels", heading], ["--map", "*=ignore"]] {
                let told = desk.unsaid(&sheet, &options);
                assert!(told.code != 0, "{heading} {word} {options:?}: {}", told.json);
                assert_ne!(desk.check(&other), "+yes", "{heading} {word}");
            }
        }
        assert_eq!(desk.check(&phone(700 + 20 * at)), "+yes", "{heading}");
    }
}

#[test]
fn a_yes_under_the_heading_of_an_end_is_no_label_of_a_subscriber() {
    let desk = Desk::new();
    for (at, heading) in [
        "SMS Block",
        "Banned",
        "Unenrolled",
        "Disenrolled",
        "SMS Ended",
        "Date of Death",
        "ブラックリスト",
        "DM不可",
        "停用",
        "解約日",
        "탈퇴일",
        "Блок",
        "Çıkış Tarihi",
        "Engellendi",
        "Data de saída",
        "Tiltólista",
        "Blokováno",
        "Odvolání",
        "Blokir",
        "NPAI",
        "Opzegdatum",
        "Reservasjon",
        "Objected",
        "Bezwaar",
        "Відмова",
        "Hủy",
        "Batal",
        "Retras",
        "Atteikums",
        "Otkazano",
    ]
    .into_iter()
    .enumerate()
    {
        let (one, other) = (phone(1_000 + 2 * at), phone(1_001 + 2 * at));
        for cell in ["yes", "2024-03-03"] {
            let sheet = format!("Phone,SMS Consent,{heading}\n{one},yes,\n{other},yes,{cell}\n");
            let told = desk.unsaid(&sheet, &["--labels", heading]);
            assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{heading} {cell}: {}", told.errors);
        }
        assert_eq!((desk.check(&one).as_str(), desk.check(&other) == "+yes"), ("+yes", false), "{heading}");
    }
    for label in [
        "\"sms_block\":\"yes\"",
        "\"banned\":\"1\"",
        "\"left_on\":\"2024-03-03\"",
        "\"last_stop\":\"1\"",
        "\"last_message\":\"Cancel\"",
    ] {
        let reply = desk.call(&format!("IMPORT {LIST} {{\"phone\":\"{EVE}\",\"labels\":{{{label}}}}}"));
        assert!(reply.starts_with("-BADARG"), "{label}: {reply}");
    }
    // How somebody signed up is no refusal.
    desk.unsaid(format!("Phone,SMS Consent,Opt-In Method\n{BOB},yes,Popup\n"), &["--labels", "Opt-In Method"])
        .all_taken();
}

#[test]
fn a_column_of_consent_that_is_passed_over_is_told() {
    let desk = Desk::new();
    let sheet = format!("phone,SMS Consent\n{ADA},no\n");
    let told = desk.unsaid(&sheet, &["--map", "SMS Consent=ignore"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{}", told.errors);
    let told = desk.unsaid(&sheet, &["--map", "SMS Consent=unread"]);
    assert_eq!(desk.check(ADA), "+yes");
    assert!(told.errors.contains("'SMS Consent' says who wants messages, and is not used"), "{}", told.errors);
}

/// The guard of a country holds whatever its column is called: the command that an error proposes must not switch it off.
#[test]
fn a_country_contradicts_whatever_its_column_is_named() {
    let desk = Desk::new();
    let sheet = |own: &str| {
        format!(
            "phone,SMS Consent,Country/Region\n5512345678,yes,Mexico\n7012345678,yes,India\n{own},yes,United States\n{own},yes,United States\n"
        )
    };
    for (at, option) in
        [["--labels", "Country/Region"], ["--map", "Country/Region=label.country"], ["--map", "Country/Region=ignore"]]
            .into_iter()
            .enumerate()
    {
        let own = phone(900 + at);
        let told = desk.unsaid(sheet(&own), &option);
        assert_eq!(told.json["rejected"], json!({"country_unclear": 2}), "{option:?}: {}", told.errors);
        assert_eq!((desk.check("+15512345678"), desk.check(&own)), ("+no not_subscribed".into(), "+yes".into()));
    }
}

#[test]
fn a_blank_below_what_is_no_list_is_rejected() {
    let desk = Desk::new();
    let of = |row: usize| phone(920 + row);
    let sheet = format!(
        "List,Phone,SMS Consent\n{LIST},{},yes\n,{},yes\nDo not text,{},yes\n,{},yes\n{LIST},{},yes\n,{},yes\n",
        of(0),
        of(1),
        of(2),
        of(3),
        of(4),
        of(5)
    );
    let told = desk.unsaid(&sheet, &[]);
    assert_eq!(told.json["rejected"], json!({"bad_list": 2}), "{}", told.errors);
    let subscribed: Vec<bool> = (0..6).map(|row| desk.check(&of(row)) == "+yes").collect();
    assert_eq!(subscribed, [true, true, false, false, true, true]);
}

/// Whoever lists a column among labels may not have seen that it answers a question.
#[test]
fn a_label_of_yes_and_no_is_asked_about_once() {
    let desk = Desk::new();
    for (at, heading) in ["Iscritto alla lista", "Enrolled", "Keep?", "Lupa", "Sub"].into_iter().enumerate() {
        let (one, other) = (phone(940 + 2 * at), phone(941 + 2 * at));
        let sheet = format!("phone,status,{heading}\n{one},active,Yes\n{other},active,No\n");
        let told = desk.unsaid(&sheet, &["--labels", heading]);
        told.asks(&format!("yes and no stand in '{heading}'"));
        let map = |field: &str| [format!("--map={heading}={field}")];
        let label = map("label.k");
        desk.unsaid(&sheet, &[label[0].as_str()]).all_taken();
        assert_eq!(desk.check(&other), "+yes", "{heading}: a person said so of this very column");
    }
    let sheet = format!("phone,status,VIP\n{},active,yes\n{},active,no\n", phone(960), phone(961));
    desk.unsaid(&sheet, &["--labels", "VIP"]).all_taken();
    let sheet = sheet.replace("VIP", "Pets Allowed Here");
    desk.unsaid(&sheet, &["--labels", "Pets Allowed Here", "--map", "Pets Allowed Here=label.pets"]).all_taken();
}

#[test]
fn what_lost_its_letters_may_have_been_a_refusal() {
    let desk = Desk::new();
    for (at, cell) in ["?? ????????", "¿¿¿¿", "d?sabonn?", "d\u{fffd}sabonn\u{fffd}"].into_iter().enumerate() {
        let (one, other) = (phone(970 + 2 * at), phone(971 + 2 * at));
        let sheet = format!("phone,status,Notes\n{one},active,really?\n{other},active,{cell}\n");
        let told = desk.unsaid(&sheet, &["--map", "Notes=label.notes"]);
        assert_eq!(told.json["rejected"], json!({"not_utf8": 1}), "{cell}: {}", told.errors);
        assert_eq!((desk.check(&one), desk.check(&other) == "+yes"), ("+yes".to_owned(), false), "{cell}");
    }
}
