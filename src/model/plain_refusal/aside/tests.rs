use super::*;

/// The cells of a file.
fn cells(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

#[test]
fn asides_are_heard_and_names_are_not_asked() {
    let refusing: Vec<&str> = cells(include_str!("../../../../tests/data/notes/asides_refusing.txt")).collect();
    let harmless: Vec<&str> = cells(include_str!("../../../../tests/data/notes/asides_harmless.txt")).collect();
    assert!(refusing.len() >= 150 && harmless.len() >= 250);
    let by_rules = refusing.iter().filter(|cell| note_refuses(cell)).count();
    let missed: Vec<_> = refusing.iter().filter(|cell| !note_refuses(cell) && !refuses(cell)).collect();
    let taken: Vec<_> = harmless.iter().filter(|cell| note_refuses(cell) || refuses(cell)).collect();
    println!("of {} that refuse, the rules of notes alone hear {by_rules}", refusing.len());
    assert!(missed.is_empty(), "{missed:?}");
    assert!(taken.is_empty(), "{taken:?}");
}

#[test]
fn headings_of_people_are_known() {
    for heading in [
        "Name",
        "name",
        "First Name",
        "first_name",
        "FirstName",
        "LastName",
        "Full name",
        "Customer",
        "Client",
        "Client Name",
        "Patient",
        "Guest name",
        "Contact",
        "Contact Name",
        "label.name",
        "Nachname",
        "Prénom",
        "Nombre",
        "Cognome",
        "姓名",
        "Имя",
        "Owner's name",
        "Parent",
        "Last",
        "First",
        "Customer First Name",
        "Imię i nazwisko",
        "Nom et prénom",
        "Jméno a příjmení",
    ] {
        assert!(is_of_people(heading), "{heading}");
    }
    for heading in [
        "",
        "City",
        "Product name",
        "File name",
        "List name",
        "Campaign Name",
        "Contact pref",
        "Customer ID",
        "Member since",
        "Notes",
        "Client notes",
        "Last visit",
        "Company",
        "Pet name",
        "Display",
        "New",
        "Tags",
    ] {
        assert!(!is_of_people(heading), "{heading}");
    }
}
