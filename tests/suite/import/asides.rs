//! What people write beside a name, a phone or a choice: it is heard however the column was named, and names are not asked.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{ADA, Desk};

/// Ends of numbers that no row has had.
static NEXT: AtomicUsize = AtomicUsize::new(1_000);

/// How a person may name a column: by its heading, among all labels, or by an option.
fn named(heading: &str) -> [(String, Vec<String>); 4] {
    let options = |options: &[&str]| options.iter().map(|option| (*option).to_owned()).collect();
    [
        (heading.to_owned(), options(&["--labels", "*"])),
        (format!("label.{heading}"), options(&[])),
        (heading.to_owned(), options(&["--map", &format!("{heading}=label.it")])),
        (heading.to_owned(), options(&["--labels", heading])),
    ]
}

/// Imports rows of one column beside the phone, the refusing ones among harmless ones, however it is named: these are rejected, and no
/// others.
#[track_caller]
fn rejects(desk: &Desk, heading: &str, refusing: &[&str], harmless: &[&str]) {
    for (way, (heading, options)) in named(heading).into_iter().enumerate() {
        let many = harmless.len() + refusing.len();
        let from = NEXT.fetch_add(many, Ordering::Relaxed);
        let phone = |number: usize| format!("+1415555{:04}", from + number);
        let row = |(number, cell): (usize, &&str)| format!("{},\"{}\"\n", phone(number), cell.replace('"', "\"\""));
        let rows: Vec<String> = harmless.iter().chain(refusing).enumerate().map(row).collect();
        let options: Vec<&str> = options.iter().map(String::as_str).chain(["--rejects", "rejects.csv"]).collect();
        let told = desk.unsaid(format!("phone,{heading}\n{}", rows.concat()), &options);
        // Nobody has named a column of few answers.
        if way < 2 && told.code == 2 {
            continue;
        }
        assert_eq!(told.code, 3, "{heading} {options:?}: {}", told.errors);
        for (number, cell) in harmless.iter().chain(refusing).enumerate() {
            let verdict = desk.check(&phone(number));
            assert_eq!(verdict == "+yes", number < harmless.len(), "{heading} {options:?} {cell}: {}", told.errors);
        }
    }
}

const ASIDES: &[&str] = &[
    "Bruce (dead)",
    "**NO** Jim Ives",
    "Dan Eves ✝",
    "zzz Hal Ives (inactive - quit)",
    "Sue Tate, late",
    "Ray Sims (NT)",
    "Kim Orr - moved, wrong no",
    "x Pat Lee x",
    "DNT Rob",
];
const NAMES: &[&str] = &[
    "Rex",
    "Pam",
    "Pam Ruiz",
    "Mrs Ali",
    "Papa Nino",
    "Mary Nix",
    "Unai Zas",
    "Mrs Hoy",
    "Mr Nott",
    "Gaye Us",
    "Nur Gök",
    "Mr Dead",
    "William (Bill)",
    "Ann (Mom)",
    "Bob - plumber",
    "Maria (Sales)",
    "Li (李)",
    "Kim (neighbor)",
    "Jo (work)",
    "Smith, John",
    "O'Neil / Park",
];

#[test]
fn an_aside_beside_a_name_rejects_its_row() {
    let desk = Desk::new();
    for heading in ["Name", "Customer", "First Name"] {
        rejects(&desk, heading, ASIDES, NAMES);
    }
    // Names stand under any heading.
    let names: Vec<&str> = ["Ann Ray", "Bob Lee", "Maria Diaz", "John Smith", "Linda Fox", "David Orr"].repeat(5);
    rejects(&desk, "Camper 1", ASIDES, &names);
}

#[test]
fn words_in_the_place_of_a_second_phone_reject_their_row() {
    let desk = Desk::new();
    let refusing =
        ["not this one ^", "landline", "use the other", "old number", "his ex", "(415) 555-0177 (do not text)"];
    let harmless =
        ["", "(415) 555-0178", "same", "none", "home", "wife", "no landline", "415 555 0179 (home)", "(415) 555-0176"];
    for (options, heading) in
        [(&["--map", "Mobile=phone", "--map", "Home Phone=other_phone"][..], "Home Phone"), (&[], "Phone")]
    {
        let row = |(number, cell): (usize, &&str)| format!("+1415555{:04},{cell}\n", 2_000 + number);
        let rows: Vec<String> = harmless.iter().chain(&refusing).enumerate().map(row).collect();
        let told = desk.unsaid(format!("Mobile,{heading}\n{}", rows.concat()), options);
        assert_eq!(
            told.json["rejected"]["maybe_optout"],
            json!(refusing.len()),
            "{heading}: {} {}",
            told.json,
            told.errors
        );
        for number in harmless.len()..harmless.len() + refusing.len() {
            assert_ne!(
                desk.check(&format!("+1415555{:04}", 2_000 + number)),
                "+yes",
                "{}",
                refusing[number - harmless.len()]
            );
        }
    }
}

#[test]
fn a_choice_of_none_rejects_its_row() {
    let desk = Desk::new();
    let none = [
        "none",
        "never",
        "nobody",
        "keine",
        "ninguno",
        "aucun",
        "don't",
        "n/a - no cell",
        "voice",
        "mail (USPS)",
        "in person",
    ];
    let few: Vec<&str> = ["text", "txt"].repeat(20);
    let free = [
        "text",
        "text is best",
        "txt me anytime",
        "text after 5",
        "SMS",
        "mornings are good",
        "either is fine",
        "text or call",
        "no preference",
        "whatever works",
        "my cell",
        "text, never before 9",
        "any",
        "texting please",
        "cell after work",
    ];
    for heading in ["Preferred contact", "Contact pref"] {
        rejects(&desk, heading, &none, &few);
        rejects(&desk, heading, &none, &free);
    }
}

#[test]
fn abbreviations_of_a_refusal_are_heard_as_a_note_and_as_a_tag() {
    let desk = Desk::new();
    let short = [
        "NT",
        "DNT",
        "DNC",
        "DNS",
        "NC",
        "N/T",
        "no tx",
        "WN",
        "W#",
        "OOS",
        "LL",
        "RIP",
        "dec'd",
        "d/c",
        "unsub'd",
        "o/o",
        "minor under 13",
    ];
    let notes = ["likes tea", "VIP", "met at fair", "gift card", "JB", "KL", "PTA", "called 3/4", "new", "AM", "PM"];
    rejects(&desk, "Notes", &short, &notes);
    let tags = ["vip", "gold, vip", "band", "PTA", "new; gold", "vip|local", "JB", "2024", "kids", "choir, alto"];
    let in_tags: Vec<String> = short.iter().map(|tag| format!("vip, {tag}")).collect();
    let in_tags: Vec<&str> = in_tags.iter().map(String::as_str).collect();
    rejects(&desk, "Tags", &short, &tags);
    rejects(&desk, "Tags", &in_tags, &tags);
    let groups = ["VIP", "Choir", "Board", "Tuesday", "Parents", "Archive 2019 donors"];
    rejects(&desk, "Group", &["Graveyard", "Cemetery", "Do not use", "Trash", "Archive - left", "DNT"], &groups);
    // Elsewhere they are of something else.
    let rows: Vec<String> =
        ["NT", "NSW", "VIC", "QLD"].iter().enumerate().map(|(n, state)| format!("+1415555300{n},{state}\n")).collect();
    desk.onto_list(format!("phone,State\n{}", rows.concat()), &[]).all_taken();
    let rows: Vec<String> = ["NT", "NC", "LL", "JB", "OO", "KL"]
        .iter()
        .enumerate()
        .map(|(n, by)| format!("+1415555310{n},{by}\n"))
        .collect();
    desk.onto_list(format!("phone,Initials\n{}", rows.concat()), &[]).all_taken();
}

#[test]
fn whoever_calls_a_nationality_a_label_says_that_it_is_no_country_of_a_phone() {
    let desk = Desk::new();
    let sheet = "phone,Nationality\n(415) 555-0141,Italian\n(415) 555-0142,Italy\n(415) 555-0143,France\n(415) 555-0144,Spain\n";
    desk.unsaid(sheet, &["--map", "Nationality=label.nat"]).all_taken();
    // A calling code is one under any heading.
    let sheet = "phone,Nationality\n(415) 555-0145,+39\n(415) 555-0146,+33\n(415) 555-0147,+34\n";
    let told = desk.unsaid(sheet, &["--map", "Nationality=label.nat"]);
    assert_eq!(told.json["rejected"], json!({"country_unclear": 3}), "{}", told.errors);
    let sheet = format!("phone,Country\n{ADA},US\n(415) 555-0148,Italy\n(415) 555-0149,France\n(415) 555-0150,Spain\n");
    let told = desk.unsaid(sheet, &["--map", "Country=label.country"]);
    assert_eq!(told.json["rejected"], json!({"country_unclear": 3}), "{}", told.errors);
}
