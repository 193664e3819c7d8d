use super::super::note_refuses;
use super::*;

#[test]
fn what_notes_say_in_a_word_is_heard() {
    let missed: Vec<&str> = [
        "denied",
        "complained",
        "she complained",
        "lawyer letter",
        "turned off notifications",
        "OO",
        "o/o",
        "gekündigt",
        "nur Post",
        "배달금지",
        "out",
        "Out!",
        "-> no",
        "→ nein",
        "this is a fax",
        "fax",
        "invalid",
        "LL",
        "wn",
        "oos",
        "disc.",
        "placeholder",
        "vip; invalid",
        "Anna - fax",
        "passed",
        "pt passed 3/24",
        "dec'd",
        "decd",
        "d. 2023",
        "d. 3/2023",
        "died 2023",
        "minor",
        "a minor",
        "under 13",
        "U13",
        "she is 12 years old",
        "age 12",
        "未成年",
        "無効",
        "mineur",
    ]
    .into_iter()
    .filter(|note| !says_it(note))
    .collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn other_notes_say_something_else() {
    let taken: Vec<&str> = [
        "",
        "no",
        "old customer",
        "invalid address",
        "passed the exam",
        "passed inspection",
        "minor repairs",
        "fax sent",
        "sick child",
        "test drive booked",
        "real estate",
        "out of town until May",
        "denied insurance claim",
        "complained about parking",
        "disc golf",
        "LL Bean",
        "5 years",
        "customer for 12 years",
        "age 45",
        "under 500 dollars",
        "12 roses",
        "3/24",
        "met at fair",
        "left a message",
        "fake plants",
        "placeholder order",
        "has a landline",
        "also has fax",
        "Sue",
        "barn",
        "kind",
        "upset stomach",
        "dead sea salts",
        "front desk staff",
    ]
    .into_iter()
    .filter(|note| says_it(note))
    .collect();
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn headings_of_notes_are_known() {
    for heading in
        ["", "Notes", "label.notes", "Comments", "Bemerkungen", "Observaciones", "備考", "Mark", "Misc", "Uwagi"]
    {
        assert!(is_of_notes(heading), "{heading}");
    }
    for heading in ["City", "Inspection", "Grade", "Mother", "Notification", "Market", "Name", "Exam result"] {
        assert!(!is_of_notes(heading), "{heading}");
    }
}

/// Notes that nobody has learned from: `refused.txt` and `neutral.txt` of tests/data/notes.
fn held_out(file: &str) -> Vec<&str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with("# ")).collect()
}

/// What a guard of a column of notes takes for a refusal.
fn is_taken(note: &str) -> bool {
    note_refuses(note) || refuses(note)
}

#[test]
fn notes_that_nobody_has_learned_are_judged_well() {
    let refused = held_out(include_str!("../../../../tests/data/notes/held_out_refused.txt"));
    let neutral = held_out(include_str!("../../../../tests/data/notes/held_out_neutral.txt"));
    let of = |notes: &[&str], is: fn(&str) -> bool| notes.iter().filter(|note| is(note)).count() * 1000 / notes.len();
    let missed: Vec<_> = refused.iter().filter(|note| !is_taken(note)).collect();
    let taken: Vec<_> = neutral.iter().filter(|note| is_taken(note)).collect();
    println!("missed: {missed:#?}\ntaken: {taken:#?}");
    println!(
        "of 1,000 that refuse: {} by the rules, {} by the net, {} in all",
        of(&refused, note_refuses),
        of(&refused, resembles),
        of(&refused, is_taken)
    );
    println!(
        "of 1,000 others: {} by the rules, {} by the net, {} in all",
        of(&neutral, note_refuses),
        of(&neutral, resembles),
        of(&neutral, is_taken)
    );
    assert!(refused.len() >= 700 && neutral.len() >= 1_800);
    assert!(of(&refused, is_taken) >= 960);
    assert!(of(&neutral, is_taken) <= 50);
}

#[test]
fn what_is_held_out_is_not_learned() {
    let small = |file: &'static str| held_out(file).into_iter().map(str::to_lowercase).collect::<HashSet<_>>();
    let refused = small(include_str!("../../keyword/net/refused_notes.txt"));
    let neutral = small(include_str!("../../keyword/net/neutral_notes.txt"));
    assert!(refused.len() > 9_000 && neutral.len() > 12_000);
    assert!(refused.is_disjoint(&neutral), "{:?}", refused.intersection(&neutral));
    for held_out in [
        small(include_str!("../../../../tests/data/notes/held_out_refused.txt")),
        small(include_str!("../../../../tests/data/notes/held_out_neutral.txt")),
    ] {
        assert!(held_out.is_disjoint(&refused) && held_out.is_disjoint(&neutral));
    }
}
