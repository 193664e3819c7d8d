//! Several rows of one phone, of which one is refused: what is refused may forbid, so no other row subscribes the phone.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};

/// A number of its own for each case, and how a person writes it.
fn phone(at: usize) -> String {
    format!("+1415555{:04}", 3_000 + at)
}

/// What the columns are.
const NAMED: &[&str] = &["--labels", "note", "--map", "other_phone=other_phone"];

/// Two rows in either order, and the reason of the one that is refused, or of the later one.
#[track_caller]
fn either_way(desk: &Desk, at: &mut usize, header: &str, rows: [&str; 2], reasons: [&str; 2]) {
    for (order, reason) in [[0, 1], [1, 0]].into_iter().zip(reasons) {
        let phone = phone(*at);
        *at += 1;
        let national = format!("(415) 555-{}", &phone[8..]);
        let row = |which: usize| rows[which].replace("PHONE", &phone).replace("NATIONAL", &national);
        let sheet = format!("{header}\n{}\n{BOB},active,VIP,,,\n{}\n", row(order[0]), row(order[1]));
        let told = desk.unsaid(&sheet, NAMED);
        assert_ne!(desk.check(&phone), "+yes", "{sheet} {} {}", told.json, told.errors);
        assert!(told.json["rejected"][reason].is_u64(), "{sheet} {} {}", told.json, told.errors);
        assert_eq!(told.code, 3, "{sheet}");
    }
}

#[test]
fn a_refused_row_keeps_every_other_row_of_its_phone_from_subscribing_it() {
    let desk = Desk::new();
    let mut at = 0;
    let header = "phone,status,note,other_phone,opted_out,opted_out_at";
    for row in [
        "PHONE,active,STOP,,,",
        "NATIONAL,active,do not text,,,",
        "PHONE,withdrawn,,,,",
        "PHONE,Sperre,,,,",
        "PHONE,active,,,SMS,",
        "+14155550109,active,unsubscribed,PHONE,,",
        "NATIONAL (STOP),active,,,,",
        "NATIONAL x12,active,STOP,,,",
    ] {
        let yes = "PHONE,active,VIP,,,";
        either_way(&desk, &mut at, header, [yes, row], ["yes_and_no"; 2]);
    }
    for (row, reason) in [
        ("PHONE,,,,,", "consent_blank"),
        ("PHONE,active,,,,#N/A", "bad_date"),
        ("PHONE,active,,,,NaN", "bad_date"),
        ("#PHONE,active,,,,", "commented_out"),
        ("// PHONE,active,,,,", "commented_out"),
        ("NATIONAL,active", "short_row"),
    ] {
        let yes = "PHONE,active,VIP,,,";
        either_way(&desk, &mut at, header, [yes, row], [reason, "other_row"]);
    }
    let header = "phone,status,note,other_phone,opted_out,subscribed_at";
    for (row, reasons) in [
        ("PHONE,active,,,,2023-05-10 (withdrawn)", ["yes_and_no"; 2]),
        ("PHONE,active,,,,2023-05-16 then STOP", ["yes_and_no"; 2]),
        ("PHONE,active,,,,2023-13-45", ["bad_date", "other_row"]),
        (&format!("PHONE,active,{},,,", "so it was ".repeat(600)), ["limit", "other_row"]),
    ] {
        either_way(&desk, &mut at, header, ["PHONE,active,VIP,,,", row], reasons);
    }
    for word in ["withdrawn", "Never again", "expired", "rejected", "pending", "DND?"] {
        let row = format!("PHONE,{word},,,,");
        let header = "phone,sms_consent,note,other_phone,opted_out,opted_out_at";
        either_way(&desk, &mut at, header, ["PHONE,yes,,,,", &row], ["yes_and_no"; 2]);
    }
}

#[test]
fn a_row_that_cannot_be_read_changes_nothing_that_stood_before() {
    let desk = Desk::new();
    desk.unsaid(format!("phone,status\n{ADA},active\n{BOB},active\n"), &[]).all_taken();
    desk.call(&format!("OPTIN {LIST} {EVE} {{\"at\":\"2023-06-01\"}}"));
    let sheet = format!(
        "phone,status,city\n{ADA},,Rome\n{ADA},active,Paris\n{BOB},active,Rome\n{BOB},,\n{EVE},active,\n{EVE},,\n"
    );
    let told = desk.unsaid(&sheet, &["--labels", "city"]);
    assert_eq!(told.json["rejected"], json!({"consent_blank": 3, "other_row": 1}), "{}", told.errors);
    for phone in [ADA, BOB, EVE] {
        assert_eq!(desk.check(phone), "+yes", "{phone}: it was on the list before");
    }
    let sheet =
        "phone,status,city\n+14155550150,active,Rome\n+14155550150,,\n+14155550151,,\n+14155550151,active,Paris\n";
    let dry = desk.unsaid(sheet, &["--labels", "city", "--dry-run"]);
    assert_eq!(dry.json["rejected"], json!({"consent_blank": 2, "other_row": 1}), "{}", dry.errors);
    desk.unsaid(sheet, &["--labels", "city"]);
    for phone in ["+14155550150", "+14155550151"] {
        assert_eq!(desk.check(phone), "+no list_opted_out", "{phone}");
        assert_eq!(desk.get(phone)["lists"][0]["opted_out_reason"], "another row was refused, and may say no");
    }
    // On another list the phone is as that list's rows say.
    assert_eq!(desk.call("LIST 12345"), "+created");
    desk.unsaid(
        format!("phone,status,list\n{EVE},,{LIST}\n+14155550152,active,12345\n+14155550152,STOP?,{LIST}\n"),
        &[],
    );
    assert_eq!(desk.call("CHECK 12345 +14155550152"), "+yes");
}

/// What is left of a number may be somebody else's: nobody is opted out, and that is said.
#[test]
fn an_opt_out_of_a_number_that_lacks_a_digit_is_told_as_lost() {
    let desk = Desk::new();
    desk.unsaid("phone,status\n+19172962067,active\n", &[]).all_taken();
    let others = ["+19172962", "+1917296", "+191729620", "+1917296206", "+4915123456789", "+447911123456"];
    for cell in [
        "+19172962O67",
        "+1 917 296 206?",
        "+1917296****",
        "+1 917 296 20xx",
        "+49 1512 345678 9 O",
        "+44 7911 12345b",
        "(917) 296-2O62",
    ] {
        for (sheet, options) in [
            (format!("phone,status\n{cell},unsubscribed\n"), &[][..]),
            (format!("phone\n{cell}\n"), &["--as", "optout"]),
            (format!("phone,status\n{cell},unsubscribed\n"), &["--dry-run"]),
        ] {
            let told = desk.unsaid(&sheet, options);
            let said = (told.code, &told.json["taken"], &told.json["lost"]);
            assert_eq!(said, (3, &json!(0), &json!(1)), "{cell} {options:?}: {}", told.errors);
        }
        let reply = desk.call(&format!("IMPORT {LIST} {{\"phone\":\"{cell}\",\"status\":\"opted_out\"}}"));
        assert!(reply.starts_with("-BADARG") && !reply.contains("taken"), "{cell}: {reply}");
    }
    assert_eq!(desk.check("+19172962067"), "+yes");
    for other in others {
        assert_eq!(desk.get(other), Value::Null, "{other}");
    }
}

#[test]
fn a_refused_opt_out_is_taken_from_the_numbers_in_its_cell() {
    let desk = Desk::new();
    for (at, [cell, header]) in [
        ["NATIONAL x12", "phone,status"],
        ["PHONE / +14155550190", "phone,status"],
        ["#PHONE", "phone,status"],
        ["NATIONAL (Bob)", "phone,status"],
        ["PHONE STOP", "phone,status"],
        ["NATIONAL ext. 5", "phone,status"],
    ]
    .into_iter()
    .enumerate()
    {
        let phone = phone(600 + at);
        let cell = cell.replace("PHONE", &phone).replace("NATIONAL", &format!("(415) 555-{}", &phone[8..]));
        let told = desk.unsaid(format!("{header}\n{phone},active\n{cell},unsubscribed\n"), &[]);
        assert_eq!((told.code, &told.json["taken"]), (3, &json!(1)), "{cell}: {}", told.errors);
        assert_eq!(desk.check(&phone), "+no list_opted_out", "{cell}");
        let told = desk.unsaid(format!("phone\n{cell}\n"), &["--as", "optout"]);
        assert_eq!(told.json["taken"], 1, "{cell}: {}", told.errors);
    }
    assert_eq!(desk.check("+14155550190"), "+no list_opted_out");
}

/// A quote that is not closed takes no row away: its line speaks for its phone as if the quote were not there.
#[test]
fn a_line_with_an_open_quote_speaks_for_its_phone() {
    let desk = Desk::new();
    for (at, yes_first) in [false, true].into_iter().enumerate() {
        let (one, other) = (phone(700 + 10 * at), phone(701 + 10 * at));
        let yes = format!("{other},Bob,Subscribed\n");
        let no = format!("{one},\"Ann,Subscribed\n{other},\"Bob,Unsubscribed\n");
        let sheet = format!("phone,name,status\n{}", if yes_first { yes + &no } else { no + &yes });
        let told = desk.unsaid(&sheet, &["--labels", "name"]);
        assert_eq!((told.code, &told.json["taken"]), (3, &json!(1)), "{sheet}: {}", told.errors);
        assert_eq!(desk.check(&other), "+no list_opted_out", "{sheet}");
        assert_ne!(desk.check(&one), "+yes", "{sheet}");
    }
    // Closed in a later row: nobody knows what is whose.
    let (one, other) = (phone(730), phone(731));
    let sheet =
        format!("phone,name,status\n{one},\"Ann,Subscribed\n{other},Bob\",Unsubscribed\n{other},Bob,Subscribed\n");
    let told = desk.unsaid(&sheet, &["--labels", "name"]);
    assert_eq!(told.json["rejected"], json!({"rows_in_quotes": 1, "other_row": 1}), "{}", told.errors);
    assert_ne!(desk.check(&other), "+yes");
}

/// A spreadsheet writes what stood in a merged cell into its first row alone.
#[test]
fn a_merged_cell_is_said_of_the_rows_below_it() {
    let desk = Desk::new();
    let sheet = format!(
        "Group,phone,opt_in\nSubscribed,{ADA},yes\n,{},yes\nUnsubscribed,{BOB},yes\n,{EVE},yes\nVIP,{},yes\n",
        phone(740),
        phone(741)
    );
    let told = desk.unsaid(&sheet, &["--map", "Group=label.group"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 2}), "{}", told.errors);
    for yes in [ADA, &phone(740), &phone(741)] {
        assert_eq!(desk.check(yes), "+yes", "{yes}");
    }
    for no in [BOB, EVE] {
        assert_ne!(desk.check(no), "+yes", "{no}");
    }
}

/// The name of a group may stand there more than once.
#[test]
fn a_merged_cell_may_say_what_another_one_says() {
    let desk = Desk::new();
    for (at, groups) in [["Active", "Do not text", "Active"], ["VIP", "Unsubscribed", "VIP"]].into_iter().enumerate() {
        let of = |row: usize| phone(1_100 + 10 * at + row);
        let rows = groups
            .iter()
            .enumerate()
            .map(|(at, group)| format!("{group},{},yes\n,{},yes\n", of(2 * at), of(2 * at + 1)));
        let sheet = format!("Group,phone,opt_in\n{}", rows.collect::<String>());
        let told = desk.unsaid(&sheet, &["--map", "Group=label.group"]);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 2}), "{sheet}: {}", told.errors);
        let yes: Vec<usize> = (0..6).filter(|&row| desk.check(&of(row)) == "+yes").collect();
        assert_eq!(yes, [0, 1, 4, 5], "{sheet}");
    }
}

/// A heading that asks for consent is one, whatever the label is called; and an active row of another channel is no consent to
/// messages.
#[test]
fn a_label_may_say_no_or_that_the_consent_is_to_something_else() {
    let desk = Desk::new();
    for (at, (heading, no, why)) in [
        ("Allow SMS", "no", "maybe_optout"),
        ("İYS", "RET", "maybe_optout"),
        ("Text Alerts", "Off", "maybe_optout"),
        ("Member Status", "Inactive", "maybe_optout"),
        ("SUBSCRIPTION TYPE", "EMAIL", "other_channel"),
        ("Channel", "WhatsApp", "other_channel"),
    ]
    .into_iter()
    .enumerate()
    {
        let (refused, taken) = (phone(1_150 + 2 * at), phone(1_151 + 2 * at));
        let yes = if why == "other_channel" { "SMS" } else { "yes" };
        let sheet = format!("phone,status,{heading}\n{refused},active,{no}\n{taken},active,{yes}\n");
        let told = desk.unsaid(&sheet, &["--map", &format!("{heading}=label.x")]);
        assert_eq!(told.json["rejected"], json!({why: 1}), "{sheet}: {}", told.errors);
        assert_ne!(desk.check(&refused), "+yes", "{sheet}");
        assert_eq!(desk.check(&taken), "+yes", "{sheet}");
    }
    // Another row of the same phone may be about messages.
    let sheet = format!("phone,status,Channel\n{ADA},active,EMAIL\n{ADA},active,SMS\n");
    let told = desk.unsaid(&sheet, &["--labels", "Channel"]);
    assert_eq!(told.json["rejected"], json!({"other_channel": 1}), "{}", told.errors);
    assert_eq!(desk.check(ADA), "+yes");
}

/// A consent that ends later is one; contactd itself ends none when its day comes, and says so.
#[test]
fn a_consent_is_one_up_to_its_end() {
    let desk = Desk::new();
    let days =
        ["2099-03-05", "12/31/2099", "31.12.2099", "never", "", "2024-03-05", "5/3/2024", "2025", "expired", "yes"];
    let rows = days.iter().enumerate().map(|(row, day)| format!("{},yes,{day}\n", phone(1_300 + row)));
    let sheet = format!("phone,SMS Consent,Consent Expires\n{}", rows.collect::<String>());
    let told = desk.unsaid(&sheet, &["--labels", "Consent Expires"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 5}), "{}", told.errors);
    let yes: Vec<&str> =
        (0..days.len()).filter(|&row| desk.check(&phone(1_300 + row)) == "+yes").map(|row| days[row]).collect();
    assert_eq!(yes, days[..5]);
    assert!(told.errors.contains("'Consent Expires' says when consents end"), "{}", told.errors);
    for (day, begins) in [("2099-03-05", "+"), ("2024-03-05", "-BADARG maybe_optout")] {
        let reply = desk.call(&format!("PUT {ADA} {{\"labels\":{{\"consent_expires\":\"{day}\"}}}}"));
        assert!(reply.starts_with(begins), "{day}: {reply}");
    }
}

/// A newsletter comes by e-mail where the rows have an address of it, or a consent to messages beside it.
#[test]
fn a_newsletter_is_one_of_messages_where_nothing_else_is() {
    let desk = Desk::new();
    for (at, (header, cells, is_asked)) in [
        ("Newsletter,Status", "No,active", true),
        ("Newsletter,Email,Status", "No,ann@example.com,active", false),
        ("Newsletter,SMS Consent", "No,yes", false),
    ]
    .into_iter()
    .enumerate()
    {
        let number = phone(1_320 + at);
        let sheet = format!("phone,{header}\n{number},{cells}\n");
        desk.unsaid(&sheet, &["--map", "Newsletter=label.x", "--labels", "*"]);
        assert_eq!(desk.check(&number) == "+yes", !is_asked, "{header}");
    }
}

/// Where people wrote what they liked, a word that ends messages is one.
#[test]
fn a_word_that_ends_messages_is_heard_among_comments() {
    let desk = Desk::new();
    let texts = ["likes the new store", "came in on Monday", "Cancel", "quit", "停止", "❌", "wants a refund"];
    let rows = texts.iter().enumerate().map(|(row, text)| format!("{},yes,{text}\n", phone(1_200 + row)));
    let sheet = format!("phone,opt_in,Feedback\n{}", rows.collect::<String>());
    let told = desk.unsaid(&sheet, &["--labels", "Feedback"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 4}), "{}", told.errors);
}

/// A comma without its quotes moves the cells behind it, and an empty one at the end hides that.
#[test]
fn a_row_whose_cells_have_moved_is_rejected() {
    let desk = Desk::new();
    for (at, (header, good, moved)) in [
        ("Email Opt In,sms_opt_in,Note", "yes,yes,", " TX,yes,no"),
        ("Accepts Email Marketing,accepts_sms_marketing,Note", "yes,yes,", " TX,yes,no"),
        ("HasOptedOutOfEmail,Has Opted Out of SMS,Note", "0,0,", " TX,0,1"),
    ]
    .into_iter()
    .enumerate()
    {
        let (one, other) = (phone(750 + 2 * at), phone(751 + 2 * at));
        let sheet = format!("phone,City,{header}\n{one},Rome,{good}\n{other},Paris,{moved}\n");
        let mail = header.split(',').next().unwrap_or_default();
        let labels = format!("City,Note,{mail}");
        let [ignored, unread] =
            ["ignore", "unread"].map(|field| [mail, "City", "Note"].map(|column| format!("{column}={field}")));
        let [ignored, unread] =
            [&ignored, &unread].map(|maps| maps.each_ref().map(|map| ["--map", map.as_str()]).concat());
        for options in [&["--labels", labels.as_str()][..], &ignored, &unread] {
            let told = desk.unsaid(&sheet, options);
            assert_eq!(told.json["rejected"], json!({"shifted": 1}), "{sheet} {options:?}: {}", told.errors);
            assert_eq!((desk.check(&one).as_str(), desk.get(&other)), ("+yes", Value::Null), "{sheet}");
        }
    }
}

/// The same beside answers to any other question.
#[test]
fn a_yes_of_another_column_is_no_consent() {
    let desk = Desk::new();
    for (at, (header, moved)) in [
        ("VIP,sms_opt_in,Note", " TX,yes,no"),
        ("Accepts Marketing,sms_opt_in,Note", " TX,yes,no"),
        ("Member,Opted Out,Note", " TX,no,yes"),
        ("VIP,Unsubscribed,Note", "200,no,yes"),
    ]
    .into_iter()
    .enumerate()
    {
        let good = if header.contains("Out") || header.contains("Uns") { "yes,no," } else { "yes,yes," };
        let rows: String = (0..5).map(|row| phone(800 + 10 * at + row) + ",Oslo," + good + "\n").collect();
        let other = phone(809 + 10 * at);
        let sheet = format!("phone,City,{header}\n{rows}{other},Paris,{moved}\n");
        let labels = format!("City,Note,{}", header.split(',').next().unwrap_or_default());
        let told = desk.unsaid(
            &sheet,
            &["--labels", &labels, "--map", "Opted Out=opted_out"][..2 + 2 * usize::from(header.contains("Out"))],
        );
        assert_eq!(told.json["rejected"], json!({"shifted": 1}), "{sheet}: {}", told.errors);
        assert_eq!((desk.check(&phone(800 + 10 * at)).as_str(), desk.get(&other)), ("+yes", Value::Null), "{sheet}");
    }
}

#[test]
fn a_ditto_mark_says_what_the_cell_above_it_says() {
    let desk = Desk::new();
    for (at, ditto) in
        ["\"\"\"\"", "''", "”", "same", "do.", "同上", "see above", "↑", "him too", "wie oben", "同じ", "⬆"]
            .into_iter()
            .enumerate()
    {
        let of = |row: usize| phone(900 + 10 * at + row);
        let sheet = format!(
            "phone,opt_in,Notes\n{},yes,VIP\n{},yes,{ditto}\n{},yes,do not text\n{},yes,{ditto}\n{},yes,{ditto}\n{},yes,\n{},yes,{ditto}\n",
            of(0),
            of(1),
            of(2),
            of(3),
            of(4),
            of(5),
            of(6)
        );
        let told = desk.unsaid(&sheet, &["--labels", "Notes"]);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 3}), "{ditto}: {}", told.errors);
        for (row, is_yes) in [true, true, false, false, false, true, true].into_iter().enumerate() {
            assert_eq!(desk.check(&of(row)) == "+yes", is_yes, "{ditto} {row}");
        }
    }
}

/// What a sign may hide opts nobody out, and subscribes nobody either.
#[test]
fn a_number_with_a_sign_in_it_keeps_other_rows_from_subscribing_it() {
    let desk = Desk::new();
    for (at, shape) in ["A_B_C", "A-B-C*", "(A) B-C?"].into_iter().enumerate() {
        let phone = phone(1_000 + at);
        let odd = shape.replace('A', &phone[2..5]).replace('B', &phone[5..8]).replace('C', &phone[8..]);
        for word in ["unsubscribed", "no"] {
            let told = desk.unsaid(format!("phone,sms_consent\n{odd},{word}\n{phone},yes\n"), &[]);
            assert_eq!(told.code, 3, "{odd} {word}: {}", told.errors);
            assert_ne!(desk.check(&phone), "+yes", "{odd} {word}");
        }
    }
}

/// The heading says that somebody left: when, why or by whom makes no difference.
#[test]
fn what_stands_under_the_heading_of_an_end_is_no_label_of_a_subscriber() {
    let desk = Desk::new();
    for (at, (heading, cell)) in [
        ("Opt_Out_Dt", "2024-03-03"),
        ("Opt_Out_Dt", "1"),
        ("退订时间", "2024-03-03"),
        ("Дата отписки", "2024-03-03"),
        ("Cancelled At", "2024-03-03"),
        ("Churn Date", "2024-03-03"),
        ("Robinson", "1"),
        ("Désabo le", "2024-03-03"),
        ("Sperre seit", "2024-03-03"),
        ("On hold", "1"),
        ("Unsubscribe Reason", "moved to Ohio"),
        ("UNSUB_CAMPAIGN_TITLE", "Spring sale"),
        ("Motivo de baja", "precio"),
        ("Sperrgrund", "Anruf"),
        ("Suppressed by", "Ann"),
    ]
    .into_iter()
    .enumerate()
    {
        let (one, other) = (phone(1_100 + 2 * at), phone(1_101 + 2 * at));
        let sheet = format!("phone,opt_in,{heading}\n{one},yes,\n{other},yes,{cell}\n");
        let told = desk.unsaid(&sheet, &["--labels", heading]);
        assert_eq!(told.json["rejected"], json!({"maybe_optout": 1}), "{heading}: {}", told.errors);
        assert_eq!((desk.check(&one).as_str(), desk.check(&other) == "+yes"), ("+yes", false), "{heading}");
    }
}

/// A contact that is on no list has agreed to nothing, whatever becomes of the column that says so.
#[test]
fn an_export_that_is_taken_back_subscribes_nobody_who_was_on_no_list() {
    let desk = Desk::new();
    assert_eq!(desk.call(&format!("PUT {ADA} {{\"labels\":{{\"state\":\"CA\"}}}}")), "+created");
    assert_eq!(desk.call(&format!("OPTIN {LIST} {BOB}")), ":1");
    let exported = desk.export();
    for options in [&["--map", "list=ignore"][..], &["--map", "list=label.list"]] {
        let told = desk.unsaid(&exported, options);
        assert_eq!(told.json["rejected"], json!({"consent_blank": 1}), "{exported} {}", told.errors);
        assert_ne!(desk.check(ADA), "+yes");
    }
    // As it is, it is taken whole.
    let told = desk.unsaid(&exported, &[]);
    assert_eq!((told.code, &told.json["rejected"]), (0, &json!({})), "{exported} {}", told.errors);
    assert_eq!((desk.check(ADA).as_str(), desk.check(BOB).as_str()), ("+no not_subscribed", "+yes"));
}

#[test]
fn an_import_over_the_wire_hears_what_a_file_does() {
    let desk = Desk::new();
    for said in [
        "\"source\":\"unsubscribes.csv\"",
        "\"source\":\"dnc.csv\"",
        "\"source\":\"bajas.csv\"",
        "\"source\":\"opted-out 2024.xlsx\"",
        "\"opted_out_at\":\"#N/A\"",
        "\"labels\":{\"sms_allowed\":\"no\"}",
        "\"labels\":{\"sms_consent\":\"never\"}",
        "\"labels\":{\"unsubscribed_at\":\"1\"}",
        "\"labels\":{\"blacklist\":\"yes\"}",
    ] {
        let reply = desk.call(&format!("IMPORT {LIST} {{\"phone\":\"{ADA}\",{said}}}"));
        assert!(reply.starts_with("-BADARG"), "{said}: {reply}");
        assert_ne!(desk.check(ADA), "+yes", "{said}");
    }
    for said in [
        "\"source\":\"customers.csv\"",
        "\"source\":\"checkout at shop.com\"",
        "\"labels\":{\"cancelled_orders\":\"1\"}",
    ] {
        assert!(desk.call(&format!("IMPORT {LIST} {{\"phone\":\"{BOB}\",{said}}}")).starts_with('+'), "{said}");
    }
}
