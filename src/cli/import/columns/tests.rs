//! Which column is what, as headings and cells are written.

use super::*;

fn columns(names: &[&str], rows: &[&[&str]], map: &[&str]) -> Result<Columns> {
    let rows: Vec<csv::StringRecord> = rows.iter().map(|row| csv::StringRecord::from(row.to_vec())).collect();
    let map = map.iter().filter_map(|map| map.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    Columns::of_table(names, &rows, Wishes { map, ..Wishes::default() })
}

fn words(names: &[&str]) -> Vec<String> {
    columns(names, &[], &[]).expect("columns").fields.iter().map(|field| field.word().to_owned()).collect()
}

#[test]
fn vendors_headers_are_understood() {
    // HubSpot, Salesforce, Klaviyo, Mailchimp, a message log with one end.
    for (header, fields) in [
        (&["Record ID", "Phone Number", "Mobile Phone Number"][..], &["record_id", "phone_number", "phone"][..]),
        (&["Phone", "MobilePhone", "HasOptedOutOfEmail"], &["phone", "phone", "hasoptedoutofemail"]),
        (&["Phone Number", "SMS Consent", "SMS Consent Timestamp"], &["phone", "opt_in", "subscribed_at"]),
        (&["Phone", "OPTIN_TIME", "UNSUB_TIME"], &["phone", "subscribed_at", "opted_out_at"]),
        (&["\u{feff}To", "Body"], &["phone", "body"]),
        (&["label.state", "labels.tier", "phone"], &["state", "tier", "phone"]),
        (&["phone", "Name", "name", ""], &["phone", "name", "name_2", "ignore"]),
        (&["phone", "city", "line", "reason"], &["phone", "city", "ignore", "ignore"]),
        (&["phone", "reason", "line"], &["phone", "reason", "line"]),
    ] {
        assert_eq!(words(header), fields);
    }
}

#[test]
fn two_equal_candidates_are_an_error_that_says_what_decides() {
    let told = |names: &[&str]| columns(names, &[], &[]).expect_err("an error").message;
    assert!(told(&["To", "From"]).contains("--map 'To=phone'"));
    assert!(told(&["phone", "phone"]).contains("--map '#1=phone'"));
    assert!(told(&["phone", "opted_out_at", "Unsubscribed At"]).contains("opted_out_at"));
    assert!(told(&["name", "city"]).contains("--map COLUMN=phone"));
    let by_number = columns(&["phone", "phone"], &[], &["#2=phone"]).expect("columns");
    assert_eq!(by_number.fields, [Field::Label("phone".into()), Field::Phone]);
    assert!(columns(&["To", "From"], &[], &["from=phone"]).is_ok());
    assert!(columns(&["phone"], &[], &["fone=phone"]).is_err());
    assert!(columns(&["phone", "a"], &[], &["a=nonsense"]).is_err());
}

#[test]
fn a_column_of_states_is_no_region() {
    let found = |rows: &[&[&str]]| columns(&["phone", "region"], rows, &[]).expect("columns").fields.remove(1);
    assert_eq!(found(&[&["1", "DE"], &["2", "us"], &["3", ""]]), Field::Region);
    assert_eq!(found(&[&["1", "DE"], &["2", "TX"]]), Field::Label("region".into()));
    let both = columns(&["phone", "region", "country"], &[&["1", "CA", "US"]], &[]).expect("columns");
    assert_eq!(both.fields[1..], [Field::Label("region".into()), Field::Region]);
}

#[test]
fn a_column_that_may_hold_opt_outs_is_never_a_label_unasked() {
    let fields = |names: &[&str], rows: &[&[&str]], map: &[&str]| columns(names, rows, map).map(|it| it.fields);
    for map in ["DNC=opted_out", "dnc=label.dnc", "#2=ignore", "DNC=status"] {
        assert!(fields(&["phone", "DNC"], &[], &[map]).is_ok(), "{map}");
    }
    let told = fields(&["phone", "DNC", "City", "Consent"], &[], &[]).expect_err("unclear").message;
    assert!(told.contains("'DNC', 'Consent'") && told.contains("--map 'DNC=opted_out'"), "{told}");
    let rows: &[&[&str]] = &[&["1", "active", "x"], &["2", "Unsubscribed", ""]];
    let told = fields(&["phone", "Journey", ""], rows, &[]).expect_err("unclear").message;
    assert!(told.contains("'Journey' (which holds 'Unsubscribed')"), "{told}");
    assert!(fields(&["phone", ""], rows, &[]).expect_err("unclear").message.contains("--map '#2=label.column_2'"));
    assert!(fields(&["phone", "Email status"], rows, &[]).is_ok());
    for (heading, cell, is_ok) in
        [("Text me", "n", false), ("SMS marketing", "Yes", false), ("Text", "hello", true), ("VIP", "no", true)]
    {
        assert_eq!(fields(&["phone", heading], &[&["1", cell], &["2", ""]], &[]).is_ok(), is_ok, "{heading}");
    }
    let opt_outs = Wishes { opt_outs: true, ..Wishes::default() };
    assert!(Columns::of_table(&["phone", "DNC"], &[], opt_outs).is_ok(), "it cannot forbid more than all");
    // A mapped column takes nothing from those that are known.
    let both = fields(&["phone", "opted_out", "DNC"], &[], &["DNC=opted_out"]).expect("columns");
    assert_eq!(both[1..], [Field::OptOut, Field::OptOut]);
    let dates = fields(&["phone", "opted_out_at", "Left"], &[], &["Left=opted_out_at"]).expect_err("unclear");
    assert!(dates.message.contains("'opted_out_at'"), "{}", dates.message);
}

#[test]
fn a_no_among_anything_is_asked_about_where_a_heading_speaks_of_messages() {
    let is_ok = |names: &[&str], rows: &[&[&str]]| match columns(names, rows, &[]) {
        Ok(_) => true,
        Err(why) => {
            assert!(why.message.contains("say how to read"), "{}", why.message);
            false
        }
    };
    for heading in ["SMS Marketing", "Text me", "SMS OK", "receive_sms", "Contact preferences"] {
        for other in ["N/A", "unknown", "-", "NULL", "none", "pending"] {
            let rows: &[&[&str]] = &[&["+1", "No"], &["+2", "Yes"], &["+3", other]];
            assert!(!is_ok(&["phone", heading], rows), "{heading} {other}");
        }
    }
    for blank in ["N/A", "unknown", "-", "NULL", "none"] {
        assert!(!is_ok(&["phone", "Text me"], &[&["+1", "Yes"], &["+2", blank]]), "{blank}");
    }
    assert!(is_ok(&["phone", "Marketing preferences"], &[&["+1", "weekly"]]));
    assert!(!is_ok(&["phone", "Marketing preferences"], &[&["+1", "weekly"], &["+2", "No SMS"]]));
    assert!(!is_ok(&["phone", "Preferences"], &[&["+1", "no thanks"]]));
    // Without a heading nobody knows what was asked.
    assert!(!is_ok(&["phone", "column_2"], &[&["+1", "yes"], &["+2", "no"]]));
    assert!(!is_ok(&["phone", ""], &[&["+1", "yes"]]));
    assert!(is_ok(&["phone", "column_2", ""], &[&["+1", "Ada", ""]]));
    assert!(is_ok(&["phone", "columns", "12"], &[&["+1", "yes", "yes"]]));
}

#[test]
fn details_of_a_consent_are_labels() {
    let fields = |names: &[&str]| columns(names, &[], &[]).map(|columns| columns.watches);
    let mailchimp = ["Phone", "OPTIN_TIME", "OPTIN_IP", "CONFIRM_IP", "Consent source", "Signup page"];
    assert_eq!(fields(&mailchimp).expect("columns")[2..5], [Watch::Noes, Watch::Refusals, Watch::Noes]);
    let ends = ["Phone", "UNSUB_CAMPAIGN_TITLE", "UNSUB_CAMPAIGN_ID", "UNSUB_REASON", "UNSUB_REASON_OTHER"];
    let told = fields(&ends).expect_err("unclear").message;
    assert!(told.contains("'UNSUB_CAMPAIGN_TITLE', 'UNSUB_CAMPAIGN_ID', 'UNSUB_REASON'"), "{told}");
    assert_eq!(fields(&[&ends[..], &["UNSUB_TIME"]].concat()).expect("columns")[1..5], [Watch::Ends; 4]);
    assert!(fields(&["Phone", "Opt-out source"]).is_err());
    assert!(columns(&["Phone", "OPTIN_IP"], &[&["+1", "no"]], &[]).is_err(), "an answer is none");
}

#[test]
fn yes_and_no_are_no_phone() {
    let told = |names: &[&str], rows: &[&[&str]]| columns(names, rows, &[]).expect_err("an error").message;
    for (yes, no) in [("yes", "no"), ("Y", "N/A"), ("1", "0"), ("{\"optin\":false,\"at\":2024}", "")] {
        let told = told(&["Mobile", "Name", "SMS"], &[&["+14155550101", "Ada", yes], &["+14155550102", "Bob", no]]);
        assert!(told.contains("the column 'SMS'") && told.contains("--map 'SMS=opt_in'"), "{yes}: {told}");
    }
    assert!(told(&["Phone", "Mobile"], &[&["+14155550101", "yes"]]).contains("the column 'Mobile'"));
    assert!(told(&["Mobile", "SMS"], &[&["+14155550101", "+14155550102"]]).contains("could both be the phone"));
    let mixed = columns(&["Mobile"], &[&["no"], &["+14155550101"]], &[]).expect("columns");
    assert_eq!(mixed.fields, [Field::Phone]);
}

#[test]
fn a_column_that_turns_up_late_is_judged_with_its_first_cell() {
    let mut columns = columns(&["phone"], &[], &[]).expect("columns");
    for (name, cell, is_clear) in [
        ("sms_marketing", "no", false),
        ("sms", "yes", false),
        ("journey", "unsubscribed", false),
        ("channels", "{\"sms\":{\"subscribed\":false}}", false),
        ("UNSUB_REASON", "spam", false),
        ("Mobile", "no", false),
        ("email", "{\"sms\":{\"optin\":false}}", false),
        ("city", "no", true),
        ("email_2", "{\"optin\":false}", true),
        ("address", "{\"city\":\"Rome\"}", true),
    ] {
        let at = columns.add(name, cell);
        assert_eq!(*columns.field(at) != Field::Unclear, is_clear, "{name}");
    }
    columns.add("opted_out_at", "");
    let at = columns.add("UNSUB_REASON", "spam");
    assert_eq!((columns.field(at).word(), columns.watch(at)), ("unsub_reason", Watch::Ends));
}

#[test]
fn only_the_labels_that_are_wanted() {
    let wishes = |labels: &[&str]| Wishes {
        labels: Some(labels.iter().map(ToString::to_string).collect()),
        ..Wishes::default()
    };
    let names = ["phone", "First Name", "City"];
    let columns = Columns::of_table(&names, &[], wishes(&["first_name"])).expect("columns");
    assert_eq!(columns.fields[1..], [Field::Label("first_name".into()), Field::Ignore]);
    assert!(Columns::of_table(&names, &[], wishes(&["Town"])).is_err());
    let names = ["phone", "DNC"];
    assert!(Columns::of_table(&names, &[], wishes(&["dnc"])).is_ok(), "asked for by name");
    assert!(Columns::of_table(&names, &[], wishes(&[])).is_err(), "not to be lost by leaving out labels");
}
