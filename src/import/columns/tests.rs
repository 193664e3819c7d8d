//! Which column is what, by its name and by what a person said.

use super::question::Question;
use super::*;

fn survey(names: &[&str], rows: &[&[&str]]) -> Survey {
    let mut survey = Survey::of_header(names.iter().copied());
    for row in rows {
        survey.see(row.iter().copied().enumerate());
    }
    survey
}

fn wishes(map: &[&str], labels: &[&str]) -> Wishes {
    let map = map.iter().filter_map(|map| map.split_once('=')).map(|(a, b)| (a.to_owned(), b.to_owned())).collect();
    Wishes { map, labels: labels.iter().map(ToString::to_string).collect(), ..Wishes::default() }
}

fn columns(names: &[&str], rows: &[&[&str]], map: &[&str]) -> Result<Columns> {
    Columns::of_table(&survey(names, rows), wishes(map, &[]))
}

fn words(names: &[&str]) -> Vec<String> {
    columns(names, &[], &[]).expect("columns").fields.iter().map(|field| field.word().to_owned()).collect()
}

#[test]
fn vendors_headers_are_understood_and_the_rest_is_asked_about() {
    // HubSpot, Salesforce, Klaviyo, Mailchimp, a message log with one end.
    for (header, fields) in [
        (&["Record ID", "Phone Number", "Mobile Phone Number"][..], &["?", "other_phone", "phone"][..]),
        (&["Phone", "MobilePhone", "HasOptedOutOfEmail"], &["other_phone", "phone", "?"]),
        (&["Phone Number", "SMS Consent", "SMS Consent Timestamp"], &["phone", "opt_in", "subscribed_at"]),
        (
            &["Phone", "OPTIN_TIME", "CONFIRM_TIME", "UNSUB_TIME"],
            &["phone", "subscribed_at", "subscribed_at", "opted_out_at"],
        ),
        (&["Phone", "CC", "REGION"], &["phone", "region", "?"]),
        (&["\u{feff}To", "Body"], &["phone", "?"]),
        (&["phone", "From"], &["phone", "?"]),
        (&["label.state", "labels.tier", "phone"], &["state", "tier", "phone"]),
        (&["phone", "city", "line", "reason"], &["phone", "?", "ignore", "ignore"]),
        (&["phone", "reason", "line"], &["phone", "reason", "?"]),
    ] {
        assert_eq!(words(header), fields);
    }
}

#[test]
fn two_equal_candidates_are_an_error_that_says_what_decides() {
    let told = |names: &[&str]| columns(names, &[], &[]).expect_err("an error").message;
    assert!(told(&["To", "From"]).contains("--map 'To=phone'"));
    assert!(told(&["phone", "phone"]).contains("--map '#1=phone'"));
    assert!(told(&["phone", "created_at", "Created At"]).contains("created_at"));
    let by_number = columns(&["phone", "phone"], &[], &["#2=phone"]).expect("columns");
    assert_eq!(by_number.fields, [Field::OtherPhone, Field::Phone]);
    assert_eq!(columns(&["To", "From"], &[], &["from=phone"]).expect("columns").fields[0], Field::Unclear);
    for map in ["fone=phone", "a=nonsense", "a=?", "*=label.x", "a=phone"] {
        let double = ["phone=phone", map];
        assert!(columns(&["phone", "a"], &[], &double).is_err(), "{map}");
    }
}

#[test]
fn what_a_person_says_names_a_column() {
    let names = ["phone", "First Name", "City", "DNC", ""];
    let fields = |map: &[&str], labels: &[&str]| {
        let columns = Columns::of_table(&survey(&names, &[]), wishes(map, labels)).expect("columns");
        (0..names.len()).map(|at| columns.fields[at].word().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(fields(&[], &["first_name", "CITY"]), ["phone", "first_name", "city", "?", "?"]);
    assert_eq!(fields(&["DNC=opted_out"], &["*"]), ["phone", "first_name", "city", "opted_out", "column_5"]);
    assert_eq!(fields(&["dnc=status", "*=ignore"], &["City"]), ["phone", "ignore", "city", "status", "ignore"]);
    assert_eq!(fields(&["City=label.town"], &["City"]), ["phone", "?", "town", "?", "?"], "--map wins");
    for (labels, says) in [(["Town"], "the file has no such column"), (["Status"], "says who wants messages")] {
        let survey = survey(&["phone", "status"], &[]);
        let why = Columns::of_table(&survey, wishes(&[], &labels)).expect_err("an error").message;
        assert!(why.contains(says), "{why}");
    }
    let on_purpose = wishes(&["Status=label.status"], &[]);
    assert!(Columns::of_table(&survey(&["phone", "status"], &[]), on_purpose).is_ok(), "said on purpose");
    let out = Wishes { all_are: Some(AllAre::Optout), ..Wishes::default() };
    let columns = Columns::of_table(&survey(&names, &[]), out).expect("columns");
    assert_eq!(columns.fields[3], Field::Ignore, "it cannot forbid more than all");
}

#[test]
fn what_nobody_said_is_a_question() {
    let rows: &[&[&str]] = &[&["+14155550101", "Iscritto", ""], &["+14155550102", "Disiscritto", ""]];
    let held = survey(&["phone", "Stato", ""], rows);
    let ask = |wishes: Wishes, every: bool| Columns::of_table(&held, wishes).expect("columns").questions(&held, every);
    assert_eq!(ask(wishes(&[], &[]), false), [Question::Column(1)], "an empty column is none");
    let status = || wishes(&["Stato=status"], &[]);
    assert_eq!(ask(status(), false), []);
    let value = |word: &str| Question::Value(1, word.to_owned(), 1);
    assert_eq!(ask(status(), true), [value("Disiscritto"), value("Iscritto")]);
    assert_eq!(ask(wishes(&["phone=ignore"], &["Stato"]), false), [Question::Phone]);
    let yes_and_no = survey(&["Mobile", "Phone"], &[&["yes", "+14155550101"], &["no", "+14155550102"]]);
    let columns = Columns::of_table(&yes_and_no, Wishes::default()).expect("columns");
    assert_eq!((columns.questions(&yes_and_no, false), columns.field(1)), (vec![Question::Column(0)], &Field::Phone));
}

#[test]
fn a_mapping_knows_columns_and_words() {
    let mut mapping = Mapping::default();
    mapping.set("Stato", Field::Status);
    mapping.set("nome", Field::Label("nome".into()));
    let out = status::Said::parse("opted_out").expect("a word");
    mapping.explain("Stato", "Disiscritto", out).expect("a word");
    let mapped = || Wishes { mapping: Some(mapping.clone()), ..Wishes::default() };
    let held = survey(&["phone", "STATO"], &[&["+1", "disiscritto"], &["+2", "Sospeso"]]);
    let columns = Columns::of_table(&held, mapped()).expect("a table without a label is none the worse");
    assert_eq!(columns.words(1).said(&Field::Status, "DISISCRITTO"), Some(out));
    assert_eq!(columns.questions(&held, true), [Question::Value(1, "Sospeso".into(), 1)]);
    let held = survey(&["phone", "nome"], &[]);
    let why = Columns::of_table(&held, mapped()).expect_err("the opt-outs are gone").message;
    assert!(why.contains("the mapping of 'Stato'"), "{why}");
    assert!(Columns::of_objects(&held, mapped()).is_ok(), "an object has the keys that it has");
}

#[test]
fn a_key_that_turns_up_late_is_known_or_named_or_unclear() {
    let mut mapping = Mapping::default();
    mapping.set("tier", Field::Label("tier".into()));
    let mapped = Wishes { mapping: Some(mapping), ..Wishes::default() };
    for (wishes, name, word) in [
        (wishes(&[], &[]), "city", "?"),
        (wishes(&[], &[]), "unsubscribed", "opted_out"),
        (wishes(&[], &[]), "opted_out_at", "opted_out_at"),
        (wishes(&[], &[]), "labels.city", "city"),
        (wishes(&[], &[]), "mobile", "other_phone"),
        (wishes(&[], &[]), "from", "?"),
        (wishes(&[], &["*"]), "city", "city"),
        (wishes(&["*=ignore"], &[]), "city", "ignore"),
        (mapped.clone(), "tier", "tier"),
        (mapped, "city", "?"),
    ] {
        let mut columns = Columns::of_objects(&survey(&["phone"], &[]), wishes).expect("columns");
        let at = columns.add(name);
        assert_eq!(columns.field(at).word(), word, "{name}");
    }
}

#[test]
fn more_labels_than_a_contact_can_have_are_a_question() {
    let names: Vec<String> = (0..100).map(|number| format!("Prop {number}")).collect();
    let names: Vec<&str> = std::iter::once("phone").chain(names.iter().map(String::as_str)).collect();
    let ask = |filled: usize| {
        let row = |cell| (0..101).map(|at| if at <= filled { cell } else { "" }).collect::<Vec<&str>>();
        let rows = ["+1", "+2", "+3", "+4"].map(row);
        let held = survey(&names, &rows.each_ref().map(Vec::as_slice));
        Columns::of_table(&held, wishes(&[], &["*"])).expect("columns").questions(&held, false)
    };
    assert_eq!(ask(100), [Question::Labels(100)]);
    assert_eq!(ask(64), [], "each contact has its own");
}
