//! What rows say of consent: the strictest counts, and an import never lifts anything.

use serde_json::json;

use super::{ADA, BOB, Desk, EVE, LIST};

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
        (&json!("2024-03-04T05:06:07.999Z"), &json!("too many"))
    );
    for (phone, verdict) in [
        (ADA, "+yes"),
        (BOB, "+no list_opted_out"),
        (EVE, "+yes"),
        ("+14155550104", "+no list_opted_out"),
        ("+14155550105", "+no invalid"),
        ("+14155550106", "+no list_suppressed"),
        ("+14155550107", "+no not_subscribed"),
        ("+14155550108", "+no list_opted_out"),
    ] {
        assert_eq!(desk.check(phone), verdict, "{phone}");
    }
    assert_eq!(desk.call(&format!("RELEASE {LIST} +14155550106")), ":1");
    assert_eq!(desk.check("+14155550106"), "+no list_opted_out", "both that stood in words count");
    let told = desk.onto_list(&sheet, &[]);
    assert_eq!((&told.json["created"], &told.json["kept"]), (&json!(0), &json!({})), "the same again");
}

#[test]
fn of_two_opt_outs_in_a_row_the_newer_counts() {
    let desk = Desk::new();
    let sheet = format!("phone,subscribed_at,opted_out,opted_out_at\n{ADA},2024-06-01,2024-01-01,2024-12-01\n");
    desk.onto_list(&sheet, &[]).all_taken();
    assert_eq!(desk.check(ADA), "+no list_opted_out");
    assert_eq!(desk.get(ADA)["lists"][0]["opted_out_at"], "2024-12-02T11:59:59.999Z");
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
    let sheet = "phone,status,state,tier\n(415) 555-0101,active,CA,gold\n4155550101,opted_out,NV,\n+14155550101,active,TX,\n4155550102,active,,\n";
    let told = desk.unsaid(sheet, &["--labels", "state,tier"]);
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

/// A person with two rows, of which one says yes and the other one no: whoever wrote the file cannot have meant both.
#[test]
fn of_a_yes_and_a_no_in_one_file_the_no_counts() {
    let desk = Desk::new();
    let (other, later) = ("+14155550120", "+14155550104");
    assert_eq!(desk.call(&format!("LIST {other}")), "+created");
    let sheet = format!(
        "phone,list,consent\n{ADA},{LIST},Yes\n{BOB},{LIST},No\n{EVE},{LIST},Yes\n{EVE},{other},No\n\
         (415) 555-0101,{LIST},no\n{BOB},{LIST},Yes\n{BOB},{LIST},Yes\n{later},{LIST},No\n"
    );
    let dry = desk.import(&sheet, &["--region", "US", "--dry-run"]);
    let rejected = json!({"no_consent": 3, "yes_and_no": 3});
    assert_eq!((&dry.json["rejected"], &dry.json["readable"]), (&rejected, &json!(2)), "{}", dry.errors);
    assert_eq!(desk.get(ADA), serde_json::Value::Null, "nothing was changed");
    let told = desk.import(&sheet, &["--region", "US", "--rejects", "rejects.csv"]);
    assert_eq!((&told.json["rejected"], &told.json["taken"]), (&rejected, &json!(3)), "{}", told.errors);
    for (phone, verdict) in
        [(ADA, "+no list_opted_out"), (BOB, "+no list_opted_out"), (EVE, "+yes"), (later, "+no not_subscribed")]
    {
        assert_eq!(desk.check(phone), verdict, "{phone}");
    }
    assert_eq!(desk.get(later), serde_json::Value::Null, "a no alone is nobody's");
    let on = &desk.get(ADA)["lists"][0];
    assert_eq!((&on["opted_out_how"], &on["opted_out_source"]), (&json!("import"), &json!("contacts.csv")));
    assert!(desk.read("rejects.csv").contains(&format!("(415) 555-0101,{LIST},no,6,yes_and_no")));

    // Whoever was on the list before, and says no in one row, stays as an import leaves it.
    desk.import(format!("phone,list,consent\n{EVE},{LIST},No\n"), &["--region", "US"]);
    assert_eq!(desk.check(EVE), "+yes");
}

#[test]
fn what_stands_first_in_a_date_is_said_and_not_guessed() {
    let desk = Desk::new();
    let sheet =
        format!("phone,status,Joined\n{ADA},active,4/3/2025\n{BOB},active,2025-01-02\n{EVE},active,30/4/2025\n");
    let told = desk.unsaid(&sheet, &["--map", "Joined=subscribed_at"]);
    assert_eq!(told.json["rejected"], json!({"bad_date": 2}), "{}", told.errors);
    let told = desk.unsaid(&sheet, &["--map", "Joined=subscribed_at:mdy"]);
    assert_eq!(told.json["rejected"], json!({"bad_date": 1}), "the thirtieth month: {}", told.errors);
    assert_eq!(desk.get(ADA)["lists"][0]["subscribed_at"], "2025-04-03T00:00:00.000Z");
    let told = desk.unsaid(&sheet, &["--map", "Joined=label.joined:dmy"]);
    assert_eq!((told.code, &told.json["rows"]), (1, &json!(0)), "{}", told.errors);
    let other = Desk::new();
    let mapping = "[columns]\nphone = \"phone\"\nstatus = \"status\"\nJoined = \"subscribed_at:dmy\"\n";
    std::fs::write(other.path("m.toml"), mapping).expect("written");
    other.unsaid(&sheet, &["--mapping", "m.toml"]).all_taken();
    assert_eq!(other.get(ADA)["lists"][0]["subscribed_at"], "2025-03-04T00:00:00.000Z");
    std::fs::write(other.path("m.toml"), mapping.replace(":dmy", "")).expect("written");
    other.unsaid(&sheet, &["--mapping", "m.toml"]).asks("what stands first in the dates of the column 'Joined'");
}
