//! What `contactd import` makes of a single row: whose number it has, and what it forbids where the rest cannot be taken.

use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Daemon, program};

const LIST: &str = "+14155550100";
const ADA: &str = "+14155550101";
const BOB: &str = "+14155550102";
const EVE: &str = "+14155550103";
/// A mobile number of India, and the number of Las Vegas that has the same digits.
const ASHA: &str = "+917025550123";
const STRANGER: &str = "+17025550123";

/// A daemon with the list.
struct Desk {
    daemon: Daemon,
}

/// What an import said.
struct Told {
    code: i32,
    json: Value,
    errors: String,
    /// What it says to people.
    text: String,
}

impl Desk {
    fn new(options: &[&str]) -> Desk {
        let desk = Desk { daemon: Daemon::start(options) };
        assert_eq!(desk.call(&format!("LIST {LIST}")), "+created");
        desk
    }

    fn call(&self, line: &str) -> String {
        self.daemon.connect().call(line)
    }

    fn check(&self, phone: &str) -> String {
        self.call(&format!("CHECK {LIST} {phone}"))
    }

    /// Contacts that may get messages before a file is imported.
    fn subscribe(&self, phones: &[&str]) {
        for phone in phones {
            self.call(&format!("OPTIN {LIST} {phone} {{\"at\":\"2023-06-01\"}}"));
            assert_eq!(self.check(phone), "+yes", "{phone}");
        }
    }

    fn run(&self, text: &str, options: &[&str], json: bool) -> (i32, String, String) {
        std::fs::write(self.daemon.dir.path().join("contacts.csv"), text).expect("written");
        let mut command = Command::new(program());
        command.current_dir(self.daemon.dir.path()).args(["import", "contacts.csv"]).args(options);
        command.args(json.then_some("--json")).args(["--server", &self.daemon.address]);
        let output = command.output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (output.status.code().unwrap_or(-1), text(output.stdout), text(output.stderr))
    }

    /// Imports onto the list, with no region but what the options say.
    fn import(&self, text: &str, options: &[&str]) -> Told {
        let options = [&["--list", LIST, "--rejects", "rejects.csv"], options].concat();
        let (code, text, errors) = self.run(text, &options, true);
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Told { code, json, errors, text }
    }

    fn rejects(&self) -> String {
        std::fs::read_to_string(self.daemon.dir.path().join("rejects.csv")).expect("a file")
    }
}

impl Told {
    #[track_caller]
    fn all_taken(&self) {
        assert_eq!((self.code, &self.json["rejected"]), (0, &json!({})), "{} {}", self.errors, self.text);
    }

    /// One row was rejected for this reason, and what it forbids taken or not.
    #[track_caller]
    fn rejected(&self, reason: &str, taken: u64) {
        let told = (self.code, &self.json["rejected"], &self.json["taken"]);
        assert_eq!(told, (3, &json!({reason: 1}), &json!(taken)), "{} {}", self.errors, self.text);
    }
}

/// Case 1: a shop in Indianapolis, whose export has the country and, under REGION, the state. Nobody in India is meant.
#[test]
fn a_state_is_no_country() {
    let desk = Desk::new(&["--default-region", "US"]);
    let sheet = "First Name,Phone Number,CC,REGION\nAda,317-555-0101,US,IN\n";
    let options = ["--map", "Phone Number=phone", "--map", "First Name=label.name", "--map", "CC=region"];
    desk.import(sheet, &[&options[..], &["--map", "REGION=label.state"]].concat()).all_taken();
    assert_eq!((desk.check("+13175550101"), desk.check("+913175550101")), ("+yes".into(), "+no not_subscribed".into()));
    // The same state beside other words for the country.
    for (number, (cell, state)) in
        [("USA", "IN"), ("United States", "CA"), ("us", "DE"), ("1", "CO"), ("+1", "AL"), ("U.S.A.", "MT")]
            .iter()
            .enumerate()
    {
        let phone = format!("317555020{number}");
        let sheet = format!("First Name,Phone Number,CC,REGION\nAda,{phone},{cell},{state}\n");
        desk.import(&sheet, &[&options[..], &["--map", "REGION=label.state"]].concat()).all_taken();
        assert_eq!(desk.check(&format!("+1{phone}")), "+yes", "{cell} {state}");
    }
}

/// Cases 2 and 3: the calling code or the country in a cell of its own.
#[test]
fn the_country_of_a_number_comes_from_its_row() {
    let desk = Desk::new(&["--default-region", "US"]);
    let row = |number: &str, country: &str| format!("name,phone,where\nAsha,{number},{country}\n");
    let options = ["--map", "name=label.name", "--map", "where=region"];
    for (at, country) in ["91", "+91", "0091", "India", "IN", "IND", "in", "India (+91)", "भारत"].iter().enumerate()
    {
        let number = format!("702555012{at}");
        desk.import(&row(&number, country), &options).all_taken();
        assert_eq!(desk.check(&format!("+91{number}")), "+yes", "{country}");
        assert_eq!(desk.check(&format!("+1{number}")), "+no not_subscribed", "{country}");
        // The number may have the code already, or the plus.
        for number in [format!("91{number}"), format!("+91{number}"), format!("0{number}")] {
            let told = desk.import(&row(&number, country), &options);
            told.all_taken();
            assert_eq!(told.json["created"], 0, "{country} {number}");
        }
    }
    for (country, region) in
        [("91", "US"), ("+91", "US"), ("India", "US"), ("IN", "US"), ("IND", "CA"), ("Germany", "US"), ("44", "US")]
    {
        let told = desk.import(&row("7025550199", country), &[&options[..], &["--region", region]].concat());
        told.rejected("country_unclear", 0);
        assert!(desk.rejects().contains("country_unclear"), "{country}");
    }
    for country in ["Atlantis", "XX", "999", "Congo", "see note"] {
        desk.import(&row("7025550199", country), &options).rejected("country_unclear", 0);
        desk.import(&row("+17025550198", country), &options).all_taken();
    }
    for phone in ["+17025550199", "+917025550199"] {
        assert_eq!(desk.check(phone), "+no not_subscribed", "nobody was guessed");
    }
    // With its plus, a number is where it says, whoever lives where.
    desk.import(&row("+447911123456", "India"), &[&options[..], &["--region", "US"]].concat()).all_taken();
    assert_eq!(desk.check("+447911123456"), "+yes");
    // Countries that share a code do not contradict each other, nor does a cell in which nothing stands.
    for (number, country) in
        [("4165550123", "CA"), ("8765550123", "Jamaica"), ("4155550199", "N/A"), ("4155550198", "-")]
    {
        desk.import(&row(number, country), &[&options[..], &["--region", "US"]].concat()).all_taken();
        assert_eq!(desk.check(&format!("+1{number}")), "+yes", "{country}");
    }
    // Two cells of one row.
    let sheet = "phone,code,where\n7025550190,1,India\n";
    let told = desk.import(sheet, &["--map", "code=region", "--map", "where=label.country"]);
    told.rejected("country_unclear", 0);
    assert_eq!(desk.check("+17025550190"), "+no not_subscribed", "a label may contradict, too");
}

/// The daemon's default region is nobody's word about one number.
#[test]
fn the_default_region_does_not_decide_between_two_countries() {
    let desk = Desk::new(&["--default-region", "DE"]);
    desk.import("phone\n447911123456\n", &[]).rejected("ambiguous", 0);
    desk.import("phone,status\n447911123456,unsubscribed\n", &[]).rejected("ambiguous", 0);
    assert!(desk.call("NORMALIZE - 447911123456").starts_with("-BADARG ambiguous"));
    assert_eq!(desk.call("NORMALIZE DE 447911123456"), "++49447911123456");
    desk.import("phone\n15112345678\n030 901820\n", &[]).all_taken();
    desk.import("phone,country\n447911123456,DE\n7911123456,GB\n", &[]).all_taken();
    for phone in ["+4915112345678", "+4930901820", "+49447911123456", "+447911123456"] {
        assert_eq!(desk.check(phone), "+yes", "{phone}");
    }
}

/// A number inside the row's country or inside `--region`: nobody knows which, so the opt-out counts for both.
#[test]
fn an_opt_out_of_an_unclear_country_is_of_each_number_that_it_can_be() {
    let desk = Desk::new(&[]);
    desk.subscribe(&[STRANGER, ASHA]);
    let sheet = "phone,country,status\n7025550123,India,unsubscribed\n";
    desk.import(sheet, &["--map", "country=region", "--region", "US"]).rejected("country_unclear", 1);
    let no = "+no list_opted_out";
    assert_eq!((desk.check(STRANGER).as_str(), desk.check(ASHA).as_str()), (no, no));
    let desk = Desk::new(&[]);
    desk.subscribe(&[STRANGER, ASHA]);
    desk.import(sheet, &["--map", "country=region"]).all_taken();
    assert_eq!((desk.check(STRANGER), desk.check(ASHA)), ("+yes".into(), "+no list_opted_out".into()));
}

/// More labels than a contact can have, so far behind that the import has begun.
#[test]
fn an_opt_out_is_taken_from_a_row_of_too_many_labels() {
    let desk = Desk::new(&[]);
    desk.subscribe(&[BOB]);
    let headings: Vec<String> = (0..70).map(|number| format!("label.k{number}")).collect();
    let before = format!("{ADA},active{}\n", ",".repeat(70)).repeat(4_000);
    let sheet =
        format!("phone,status,{}\n{before}{BOB},unsubscribed,{}\n", headings.join(","), vec!["v"; 70].join(","));
    desk.import(&sheet, &[]).rejected("limit", 1);
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".into(), "+no list_opted_out".into()));
}

/// Case 9: what stands beside an opt-out cannot be read.
#[test]
fn an_opt_out_is_taken_whatever_stands_beside_it() {
    let desk = Desk::new(&[]);
    let long = "x".repeat(4_000);
    let (source, reason) = ("s".repeat(200), "r".repeat(129));
    let cases = [
        ("total_revenue".to_owned(), "\"$1,234.50\"".to_owned(), "bad_number"),
        ("label.notes".to_owned(), long, "limit"),
        ("source".to_owned(), source, "limit"),
        ("reason".to_owned(), reason, "limit"),
        ("how".to_owned(), "web form".to_owned(), "bad_how"),
        ("list".to_owned(), "Spring News".to_owned(), "bad_list"),
        ("subscribed_at".to_owned(), "1/2/2024".to_owned(), "bad_date"),
        ("created_at".to_owned(), "yesterday".to_owned(), "bad_date"),
        ("total_sends".to_owned(), "12.5".to_owned(), "bad_number"),
        ("total_clicks".to_owned(), "1 000".to_owned(), "bad_number"),
        ("opt_in".to_owned(), "perhaps".to_owned(), "unknown_status"),
        ("suppressed_at".to_owned(), "last year".to_owned(), "bad_date"),
    ];
    for (at, (heading, cell, reason)) in cases.iter().enumerate() {
        let phone = format!("+141555502{at:02}");
        desk.subscribe(&[&phone]);
        let sheet = format!("phone,status,{heading}\n{phone},unsubscribed,{cell}\n");
        desk.import(&sheet, &[]).rejected(reason, 1);
        let verdict = desk.check(&phone);
        assert!(verdict.starts_with("+no list_") || verdict == "+no opted_out", "{heading}: {verdict}");
        assert!(desk.rejects().contains(reason), "{heading}");
        // Once more: nothing new, and still not lost.
        desk.import(&sheet, &[]).rejected(reason, 1);
        assert!(desk.check(&phone).starts_with("+no "), "{heading}");
        // Without the opt-out nothing is taken.
        let other = format!("+141555503{at:02}");
        desk.subscribe(&[&other]);
        desk.import(&sheet.replace(&phone, &other).replace("unsubscribed", ""), &[]);
        let expected = if heading == "suppressed_at" { "+no list_suppressed" } else { "+yes" };
        assert_eq!(desk.check(&other), expected, "{heading}");
    }
    let sheet = format!("phone,status,subscribed_at\n{ADA},suppressed,1/2/24\n{BOB},bounced,1/2/24\n");
    let told = desk.import(&sheet, &[]);
    assert_eq!((told.code, &told.json["rejected"], &told.json["taken"]), (3, &json!({"bad_date": 2}), &json!(2)));
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+no list_suppressed".into(), "+no invalid".into()));
    let (_, text, _) = desk.run(&sheet, &["--list", LIST], false);
    assert!(text.contains("2 of the rejected rows: what they forbid"), "{text}");
    // What is taken says where it comes from.
    let sheet = format!("phone,status,reason,source,subscribed_at\n{EVE},unsubscribed,too many,shop,1/2/24\n");
    desk.import(&sheet, &[]).rejected("bad_date", 1);
    let contact = desk.call(&format!("GET {EVE}"));
    assert!(
        contact.contains("too many") && contact.contains("shop") && !contact.contains("subscribed_at\":\"2"),
        "{contact}"
    );
}

/// Case 9: a comma without quotes moves the cells behind it.
#[test]
fn an_opt_out_in_a_row_with_a_cell_too_many_is_taken_by_its_word() {
    let desk = Desk::new(&[]);
    let labels = ["--map", "name=label.name", "--map", "phone=phone", "--map", "status=status"];
    for (at, (header, row)) in [
        ("phone,name,status", "PHONE,Smith, John,unsubscribed"),
        ("phone,status,name", "PHONE,unsubscribed,Smith, John"),
        ("name,phone,status", "Smith, John,PHONE,unsubscribed"),
        ("name,status,phone", "Smith, John,unsubscribed,PHONE"),
        ("status,name,phone", "Opted out,Smith, John, Jr.,PHONE"),
        ("name,phone,status", "Smith, Mary, Jr.,PHONE,STOP"),
    ]
    .iter()
    .enumerate()
    {
        let phone = format!("+1415555022{at}");
        desk.subscribe(&[&phone]);
        desk.import(&format!("{header}\n{}\n", row.replace("PHONE", &phone)), &labels).rejected("too_many_cells", 1);
        assert_eq!(desk.check(&phone), "+no list_opted_out", "{row}");
    }
    for (at, row) in
        ["PHONE,Smith, John,active", "PHONE,unsubscribed, by the way,no,", "PHONE,Smith, John,", "PHONE,a,b,c"]
            .iter()
            .enumerate()
    {
        let phone = format!("+1415555023{at}");
        desk.subscribe(&[&phone]);
        desk.import(&format!("phone,name,status\n{}\n", row.replace("PHONE", &phone)), &labels);
        assert_eq!(desk.check(&phone), "+yes", "{row}");
    }
    // Two phones: whose it is cannot be known.
    desk.subscribe(&[ADA, BOB]);
    desk.import(&format!("phone,name,status\n{ADA},{BOB},x,unsubscribed\n"), &labels).rejected("too_many_cells", 0);
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".into(), "+yes".into()));
    desk.import(&format!("phone,name\n{ADA},Smith, John\n"), &["--as", "optout", "--labels", "name"])
        .rejected("too_many_cells", 1);
    assert_eq!(desk.check(ADA), "+no list_opted_out");
}

/// Case 10: every row is an opt-out, whatever else it says.
#[test]
fn a_file_of_opt_outs_loses_none() {
    let desk = Desk::new(&[]);
    let (long, many) = ("x".repeat(4_000), "y".repeat(200));
    for (at, (heading, cell)) in [
        ("opted_out_at", "1/2/2024"),
        ("opted_out_at", "02.01.2024"),
        ("opted_out_at", "44927"),
        ("opted_out_at", "last year"),
        ("label.note", long.as_str()),
        ("source", many.as_str()),
        ("status", "perhaps"),
        ("total_revenue", "12 EUR"),
        ("how", "shop"),
        ("list", "News"),
    ]
    .iter()
    .enumerate()
    {
        let phone = format!("+141555502{at:02}");
        desk.subscribe(&[&phone]);
        let told = desk.import(&format!("phone,{heading}\n{phone},{cell}\n"), &["--as", "optout"]);
        assert_eq!((told.code, &told.json["taken"]), (3, &json!(1)), "{heading} {cell}: {}", told.errors);
        assert!(desk.check(&phone).starts_with("+no "), "{heading} {cell}");
    }
    // A label that refuses is one with the file.
    desk.import(&format!("phone,label.tags\n{ADA},STOP\n"), &["--as", "optout"]).all_taken();
    assert_eq!(desk.check(ADA), "+no list_opted_out");
    // Before its number was changed; and a number that no plan knows yet.
    desk.subscribe(&["+2290197123458"]);
    desk.import("phone\n+229 97 12 34 58\n", &["--as", "optout"]).all_taken();
    assert_eq!(desk.check("+2290197123458"), "+no list_opted_out");
    desk.import("phone\n+1 999 555 0123\n", &["--as", "optout"]).rejected("unknown", 1);
    assert_eq!(desk.check("+19995550123"), "+no list_opted_out");
    let told = desk.import("phone,opted_out_at\n+1 999 555 0124,1/2/24\n", &["--as", "optout", "--dry-run"]);
    told.rejected("bad_date", 1);
    assert_eq!(desk.check("+19995550124"), "+no not_subscribed", "nothing was changed");
    // Nobody is meant.
    for (cell, reason) in [("555-0101", "unknown"), ("1.4E+10", "lost_digits"), ("Ada", "letters")] {
        desk.import(&format!("phone,opted_out_at\n{cell},2024-01-01\n"), &["--as", "optout", "--region", "US"])
            .rejected(reason, 0);
    }
}

/// Case 11: dates that cannot be read, and what says that there is none.
#[test]
fn a_date_that_cannot_be_read_forbids_as_of_now_and_no_date_does_not() {
    let desk = Desk::new(&[]);
    for (at, cell) in ["1/2/24", "1/2/2024", "02.01.2024", "44927", "yes", "x", "last week", "Tuesday", "2024-13-40"]
        .iter()
        .enumerate()
    {
        let phone = format!("+141555502{at:02}");
        desk.subscribe(&[&phone]);
        desk.import(&format!("phone,opted_out_at\n{phone},{cell}\n"), &[]).rejected("bad_date", 1);
        assert_eq!(desk.check(&phone), "+no list_opted_out", "{cell}");
        assert!(desk.call(&format!("GET {phone}")).contains("\"opted_out_at\":\"20"), "{cell}");
    }
    for (at, cell) in
        ["N/A", "-", "--", "None", "null", "0000-00-00", "0000-00-00 00:00:00", "", "n/a", "\\N"].iter().enumerate()
    {
        let phone = format!("+141555503{at:02}");
        desk.import(&format!("phone,opted_out_at\n{phone},{cell}\n"), &[]).all_taken();
        assert_eq!(desk.check(&phone), "+yes", "{cell}");
    }
    // What a failed look-up leaves may stand for one.
    desk.subscribe(&[EVE]);
    for cell in ["NaN", "#N/A", "undefined"] {
        desk.import(&format!("phone,opted_out_at\n{EVE},{cell}\n"), &[]).rejected("bad_date", 0);
        assert_eq!(desk.check(EVE), "+yes", "{cell}");
    }
    // A date beside a yes in a column of opt-outs.
    for (at, cell) in ["1/2/2024", "02.01.24", "Jan 2, 2024"].iter().enumerate() {
        let phone = format!("+141555504{at:02}");
        desk.subscribe(&[&phone]);
        desk.import(&format!("phone,opted_out\n{phone},\"{cell}\"\n"), &[]).rejected("bad_date", 1);
        assert_eq!(desk.check(&phone), "+no list_opted_out", "{cell}");
    }
    desk.subscribe(&[ADA, BOB]);
    desk.import(&format!("phone,opted_out_at\n{ADA},no\n"), &[]).rejected("bad_date", 0);
    assert_eq!(desk.check(ADA), "+yes", "a no is no opt-out");
    // A newer subscription of the same row.
    let sheet =
        format!("phone,status,opted_out_at,subscribed_at,total_sends\n{BOB},active,2023-01-01,2023-07-01,many\n");
    desk.import(&sheet, &[]).rejected("bad_number", 0);
    assert_eq!(desk.check(BOB), "+yes");
}

/// Case 13: the number beside an empty one.
#[test]
fn an_empty_phone_falls_back_on_the_one_beside_it() {
    let desk = Desk::new(&[]);
    let options =
        ["--region", "US", "--map", "Mobile=phone", "--map", "Phone=other_phone", "--map", "Work=other_phone"];
    let header = "Phone,Work,Mobile,status";
    for (at, cells) in
        ["PHONE,,,", ",PHONE,,", ",,PHONE,", "-,PHONE,N/A,", "PHONE,+14155550109,-,", "n/a,,PHONE,"].iter().enumerate()
    {
        let number = format!("(415) 555-020{at}");
        let phone = format!("+1415555020{at}");
        desk.import(&format!("{header}\n{}active\n", cells.replace("PHONE", &number)), &options).all_taken();
        assert_eq!(desk.check(&phone), "+yes", "{cells}");
        // Its opt-out is its own.
        desk.import(&format!("{header}\n{}unsubscribed\n", cells.replace("PHONE", &number)), &options).all_taken();
        assert_eq!(desk.check(&phone), "+no list_opted_out", "{cells}");
    }
    assert_eq!(desk.check("+14155550109"), "+no list_opted_out", "what forbids reaches each number of its row");
    desk.import(&format!("{header}\n{ADA},,letters,active\n"), &options).rejected("letters", 0);
    assert_eq!(desk.check(ADA), "+no not_subscribed", "only an empty cell is passed over");
    desk.import(&format!("{header},x\n,,,active,1\n"), &[&options[..], &["--map", "x=ignore"]].concat())
        .rejected("section", 0);
    // What is beside it, in a row that is refused.
    desk.subscribe(&[BOB]);
    let sheet = format!("{header},total_sends\n{BOB},,,unsubscribed,many\n");
    desk.import(&sheet, &options).rejected("bad_number", 1);
    assert_eq!(desk.check(BOB), "+no list_opted_out");
}

/// Case 28: reports begin with titles.
#[test]
fn titles_above_the_headings_are_passed_over() {
    let desk = Desk::new(&[]);
    let table = format!("Name,Phone,Status\nAda,{ADA},active\nBob,{BOB},unsubscribed\n");
    for (titles, lines) in [
        ("Contacts export,,\nGenerated 2024-01-02,,\n,,\n", "lines 1 to 3 are titles"),
        ("Contacts export\n\n", "lines 1 to 2 are titles"),
        ("Contacts of 2024\n", "line 1 is a title"),
        ("\"Report: all, of today\"\n,,\n", "lines 1 to 2 are titles"),
        ("\u{feff}Contacts\nBy Eve\nConfidential\n\n\n", "lines 1 to 5 are titles"),
    ] {
        let told = desk.import(&format!("{titles}{table}"), &["--labels", "Name"]);
        told.all_taken();
        assert!(told.json["warnings"].to_string().contains(lines), "{titles}: {}", told.json["warnings"]);
        assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".into(), "+no list_opted_out".into()), "{titles}");
    }
    let semicolons = table.replace(',', ";");
    let told = desk.import(&format!("Contacts\n\n{semicolons}Cy;+1415;active\n"), &["--labels", "Name"]);
    told.rejected("too_short", 0);
    assert!(
        desk.rejects().starts_with("Name;Phone;Status;line;reason;column\nCy;+1415;active;6;too_short"),
        "{}",
        desk.rejects()
    );
    let uncertain = format!("Report:,Contacts,,\nBy:,Eve,,\nName,Phone,Status,City\nAda,{ADA},active,Rome\n");
    let told = desk.import(&uncertain, &["--labels", "Name"]);
    assert!(
        told.code != 0 && told.errors.contains("line 3 looks like it, with Name, Phone, Status, City"),
        "{}",
        told.errors
    );
    desk.import(&format!("phone,name\n{EVE},Eve\n"), &["--labels", "name"]).all_taken();
}

/// The guard behind every mapping.
#[test]
fn a_label_that_is_a_plain_refusal_rejects_its_row() {
    let desk = Desk::new(&[]);
    for cell in [
        "STOP",
        "Do not text",
        "sms-dnd",
        "\"vip, dnd\"",
        "DO NOT TEXT/CALL",
        "opt-out sms",
        "Opted out of texts",
        "Désabonné",
        "abgemeldet",
        "退订",
    ] {
        for options in [&["--labels", "tags"][..], &["--map", "tags=label.tags"]] {
            let told = desk.import(&format!("phone,tags\n{ADA},{cell}\n"), options);
            told.rejected("maybe_optout", 0);
            assert_eq!(desk.check(ADA), "+no not_subscribed", "{cell}");
            assert!(desk.rejects().contains("maybe_optout"));
        }
    }
    for (at, cell) in
        ["non-stop", "Baja California", "Stop & Shop", "\"coffee, no thanks\"", "Stephanie"].iter().enumerate()
    {
        let phone = format!("+1415555020{at}");
        desk.import(&format!("phone,tags\n{phone},{cell}\n"), &["--labels", "tags"]).all_taken();
        assert_eq!(desk.check(&phone), "+yes", "{cell}");
    }
    // Where the row says it itself, it is taken whole; where it forbids something else, that is taken.
    desk.import(&format!("phone,status,tags\n{BOB},unsubscribed,STOP\n"), &["--labels", "tags"]).all_taken();
    assert_eq!(desk.check(BOB), "+no list_opted_out");
    desk.import(&format!("phone,status,tags\n{EVE},invalid,STOP\n"), &["--labels", "tags"]).rejected("maybe_optout", 1);
    assert_eq!(desk.check(EVE), "+no invalid");
    desk.import(&format!("phone,tags\n{ADA},STOP\n"), &["--map", "tags=unread"]).all_taken();
}

/// What stands in a column of opt-outs and is no known no, in a phone or in a country, is not passed over.
#[test]
fn a_refusal_in_any_column_of_the_row_is_seen() {
    for (heading, row) in [
        ("phone,do not text", "{},active"),
        ("phone,opt out", "{},Confirmed"),
        ("phone,sms_opt_out", "{},subscribed"),
        ("mobile,phone", "{},DO NOT TEXT"),
        ("mobile,phone", "{},+14155550103 (opted out)"),
        ("mobile,phone", "{},🚫 +14155550103"),
        ("phone,country", "{},unsubscribed"),
        ("phone,country", "{},STOP"),
        ("phone,status", "{},a\u{336}c\u{336}t\u{336}i\u{336}v\u{336}e\u{336}"),
    ] {
        let desk = Desk::new(&[]);
        let others =
            if heading == "mobile,phone" { "+14155550190,+14155550191\n+14155550192,+14155550193\n" } else { "" };
        let told = desk.import(&format!("{heading}\n{}\n{others}", row.replace("{}", ADA)), &[]);
        // Rejected, or asked about where no other row shows what the column is.
        assert!([2, 3].contains(&told.code), "{heading} {row}: {}", told.errors);
        assert_eq!(desk.check(ADA), "+no not_subscribed", "{heading} {row}");
    }
    // A country is no refusal, and a no is one.
    let desk = Desk::new(&[]);
    let told = desk.import(&format!("phone,country,do not text\n{ADA},United States,no\n"), &[]);
    assert_eq!((told.code, desk.check(ADA)), (0, "+yes".to_owned()), "{}", told.errors);
}
