use super::super::note_refuses;
use super::*;

#[test]
fn all_names_of_roles_are_known() {
    for entry in ENTRIES.of_letter.values().flatten().chain(&ENTRIES.anywhere) {
        assert!(entry.roles != 0 && !entry.text.trim().is_empty(), "{}", entry.text);
    }
}

#[test]
fn refusals_are_heard_in_other_languages() {
    let refusals = include_str!("refusals.txt").lines().filter(|line| !line.starts_with('#'));
    let missed: Vec<&str> = refusals.flat_map(|line| line.split(" | ")).filter(|cell| !note_refuses(cell)).collect();
    assert!(missed.is_empty(), "{missed:?}");
}

#[test]
fn other_notes_in_these_languages_are_none() {
    let others = include_str!("others.txt").lines().filter(|line| !line.starts_with('#'));
    let taken: Vec<&str> = others.flat_map(|line| line.split(" | ")).filter(|cell| note_refuses(cell)).collect();
    assert!(taken.is_empty(), "{taken:?}");
}
