//! Several rows of one phone, of which one is refused: what is refused may forbid, so no other row subscribes the phone.

use serde_json::json;

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
