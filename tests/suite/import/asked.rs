//! What a person sees and says of a file: the description, the command to paste, the dialogue on a terminal, and the answers
//! that are kept.

use std::fmt::Write as _;
use std::process::Command;

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};
use crate::support::{has, program};

/// A sheet of an Italian shop.
fn italian() -> String {
    format!("Telefono,Nome,Stato\n{ADA},Ada,Iscritto\n{BOB},Bob,Disiscritto\n{EVE},Eve,Iscritto\n")
}

/// Answers the questions of an import on a terminal of its own. Gives all that stands there in the end, and the exit code.
fn on_a_terminal(desk: &Desk, options: &[&str], answers: &str) -> (String, i32) {
    const TERMINAL: &str = r"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
# Who is asked more than that answers with the end of the input.
os.write(terminal, sys.argv[1].encode() + bytes([4]) * 4)
while True:
    try:
        told = os.read(terminal, 65536)
    except OSError:
        break
    if not told:
        break
    os.write(1, told)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
";
    let output = Command::new("python3")
        .args(["-c", TERMINAL, answers, program(), "import", "contacts.csv", "--list", LIST])
        .args(options)
        .args(["--server", &desk.daemon.address])
        .current_dir(desk.daemon.dir.path())
        .output()
        .expect("python3 runs");
    (String::from_utf8_lossy(&output.stdout).into_owned(), output.status.code().unwrap_or(-1))
}

fn describe(desk: &Desk, sheet: &str, options: &[&str]) -> String {
    std::fs::write(desk.path("contacts.csv"), sheet).expect("written");
    let mut command = Command::new(program());
    command.current_dir(desk.daemon.dir.path()).args(["import", "--describe", "contacts.csv"]).args(options);
    // Nobody listens there, and nobody need.
    let output = command.args(["--server", "127.0.0.1:1"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_description_shows_what_each_column_holds() {
    let desk = Desk::new();
    let mut sheet = "phone,Stato,nome,\u{1b}[31mrosso,SMS consent\n".to_owned();
    for row in 0..889 {
        let stato = if row < 812 { "Iscritto" } else { "Disiscritto" };
        let consent = if row == 7 { "forse" } else { "yes" };
        writeln!(sheet, "+1415555{row:04},{stato},nome {row},\u{1b}[2J\u{202e},{consent}").expect("in memory");
    }
    let told = describe(&desk, &sheet, &[]);
    let line =
        |heading: &str| told.lines().find(|line| line.trim_start().starts_with(heading)).unwrap_or_default().to_owned();
    for (heading, says) in [
        ("phone ", "known name"),
        ("Stato ", "Iscritto 812 · Disiscritto 77"),
        ("Stato ", "nobody said"),
        ("nome ", "nome 0 … nome 1 … nome 2 …"),
        ("#4 ", "?[2J? 889"),
        ("SMS consent ", "yes 888 · forse 1 (not known)"),
    ] {
        assert!(line(heading).contains(says), "{heading}: {told}");
    }
    assert!(told.contains("Of 889 rows") && !told.contains('\u{1b}'), "{told}");
    let json: Value =
        serde_json::from_str(&describe(&desk, &sheet, &["--json", "--map", "Stato=status"])).expect("JSON");
    assert_eq!((&json["rows"], &json["all_rows"], &json["is_ready"]), (&json!(889), &json!(true), &json!(false)));
    let stato = json!({"column": "Stato", "read_as": "status", "why": "--map", "filled": 889,
        "values": [{"value": "Iscritto", "rows": 812}, {"value": "Disiscritto", "rows": 77}], "unknown_values": ["Iscritto", "Disiscritto"]});
    assert_eq!(json["columns"][1], stato);
    assert_eq!(json["columns"][2]["samples"], json!(["nome 0", "nome 1", "nome 2"]));
}

/// Of notes that are too many to be shown, those are that a person should judge.
#[test]
fn a_description_shows_the_notes_that_come_nearest_to_a_refusal() {
    let desk = Desk::new();
    let mut sheet = "phone,name,Anotações\n".to_owned();
    for row in 0..200 {
        let note = match row {
            140 | 141 => "pediu para sair da lista",
            150 => "deixa ele quieto",
            _ => ["gosta de café", "ligou na mesa"][row % 2],
        };
        writeln!(sheet, "+1415555{row:04},Ana Nome{row},{note} {row}").expect("in memory");
    }
    let told = describe(&desk, &sheet, &["--labels", "name,Anotações"]);
    let notes = told.lines().find(|line| line.contains("Anotações")).unwrap_or_default();
    let says = "; 2 refuse messages, like 'pediu para sair da lista 140'; nearest to a refusal: 'deixa ele quieto 150'";
    assert!(notes.contains(says), "{told}");
    let json: Value = serde_json::from_str(&describe(&desk, &sheet, &["--json"])).expect("JSON");
    assert_eq!(json["columns"][2]["nearest_to_a_refusal"][0], json!("deixa ele quieto 150"));
    assert_eq!(json["columns"][2]["refusing"], json!({"rows": 2, "like": "pediu para sair da lista 140"}));
    assert_eq!(json["columns"][1]["nearest_to_a_refusal"], Value::Null, "of names");
}

/// What is pasted unread subscribes nobody who may have opted out.
#[test]
fn in_a_pipe_the_command_to_paste_is_printed() {
    let desk = Desk::new();
    let mut sheet = "Telefono,nome,Stato,it's\n".to_owned();
    for row in 0..50 {
        let stato = if row == 3 { "Disiscritto" } else { "Iscritto" };
        writeln!(sheet, "+1415555{row:04},nome {row},{stato},").expect("in memory");
    }
    let told = desk.unsaid(&sheet, &[]);
    told.asks("'Telefono', 'nome', 'Stato'");
    let command = told.errors.lines().find(|line| line.starts_with("  contactd import")).expect("a command");
    for part in
        ["--list +14155550100", "--labels nome", "--map Telefono=phone", "--map 'Stato=?'", "--map 'it'\\''s=?'"]
    {
        assert!(command.contains(part), "{part}: {command}");
    }
    let pasted = desk.unsaid(&sheet, &["--labels", "nome", "--map", "Telefono=phone", "--map", "Stato=?"]);
    assert!(pasted.code == 1 && pasted.errors.contains("'?' is not a field"), "{}", pasted.errors);
    assert_eq!(desk.call("COUNT"), ":0");
}

#[test]
fn a_mapping_understands_a_language_and_stops_at_what_is_new() {
    let desk = Desk::new();
    for (number, (yes, no)) in [
        ("Iscritto", "Disiscritto"),
        ("tak", "nie"),
        ("ONAY", "RET"),
        ("Sim", "Não"),
        ("подписан", "отписан"),
        ("已订阅", "已退订"),
        ("동의", "거부"),
        ("Angemeldet", "Abgemeldet am Telefon"),
        ("Abonné", "Parti"),
        ("Alta", "Baja total"),
        ("✓", "✗"),
    ]
    .into_iter()
    .enumerate()
    {
        let (in_, out) = (format!("+14155551{number:03}"), format!("+14155552{number:03}"));
        let mapping = format!(
            "[columns]\nTel = \"phone\"\nStato = \"status\"\nNome = \"label.nome\"\n\n[values.Stato]\n\"{yes}\" = \"active\"\n\"{no}\" = \"opted_out\"\n"
        );
        std::fs::write(desk.path("a.toml"), mapping).expect("written");
        let sheet = format!("Tel,Nome,Stato\n{in_},Ada,{yes}\n{out},Bob,{}\n", no.to_uppercase());
        desk.unsaid(sheet, &["--mapping", "a.toml"]).all_taken();
        assert_eq!((desk.check(&in_), desk.check(&out)), ("+yes".to_owned(), "+no list_opted_out".to_owned()), "{yes}");
    }
    let mapping = "[columns]\nTelefono = \"phone\"\nStato = \"status\"\nNome = \"label.nome\"\n[values.Stato]\nIscritto = \"active\"\nDisiscritto = \"opted_out\"\n";
    std::fs::write(desk.path("b.toml"), mapping).expect("written");
    let with = ["--mapping", "b.toml"];
    for (sheet, says) in [
        (italian().replace("Eve,Iscritto", "Eve,Sospeso"), "what does 'Sospeso' mean in the column 'Stato'"),
        (italian().replace("Nome", "Note"), "'Note'"),
        (italian().replace("Stato\n", "Stato,Blocco\n").replace("Iscritto\n", "Iscritto,\n"), "'Blocco'"),
    ] {
        desk.unsaid(sheet, &with).asks(says);
        assert_eq!((desk.get(ADA), desk.get(EVE)), (Value::Null, Value::Null));
    }
    let told = desk.unsaid("Telefono,Nome\n+14155550101,Ada\n", &with);
    assert!(told.code == 1 && told.errors.contains("the mapping of 'Stato'"), "{}", told.errors);
    // Behind what is looked at beforehand its row is rejected.
    let rows = format!("{ADA},Ada,Iscritto\n").repeat(20_000);
    let told = desk.unsaid(format!("Telefono,Nome,Stato\n{rows}{EVE},Eve,Sospeso\n"), &with);
    assert_eq!((told.code, &told.json["rejected"]), (3, &json!({"unknown_status": 1})), "{}", told.errors);
    assert_eq!((desk.check(ADA), desk.get(EVE)), ("+yes".to_owned(), Value::Null));
    std::fs::write(desk.path("c.toml"), "[columns]\nStato = \"stato\"\n").expect("written");
    let told = desk.unsaid(italian(), &["--mapping", "c.toml"]);
    assert!(told.code == 1 && told.errors.contains("c.toml: 'stato' is not a field"), "{}", told.errors);
}

#[test]
fn on_a_terminal_the_import_asks_and_keeps_the_answers() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    std::fs::write(desk.path("contacts.csv"), italian()).expect("written");
    for (answers, code) in [("q\n", 2), ("p\nx\nl\nq\n", 2), ("p\nl\ns\na\nq\n", 2), ("p\nl\ns\n\u{4}", 2)] {
        let (told, ended) = on_a_terminal(&desk, &[], answers);
        assert_eq!((ended, desk.call("COUNT")), (code, ":0".to_owned()), "{answers:?}: {told}");
    }
    assert!(!desk.path("contacts.csv.mapping.toml").exists());

    // The phone, a label, words for a status: Iscritto, the commoner one, and Disiscritto.
    let (told, code) = on_a_terminal(&desk, &[], "p\nl\ns\na\no\n");
    assert_eq!(code, 0, "{told}");
    for says in
        ["Iscritto 2 · Disiscritto 1", "'Disiscritto' in 'Stato' (1 in 3 rows) says", "contacts.csv.mapping.toml"]
    {
        assert!(told.contains(says), "{says}: {told}");
    }
    assert_eq!((desk.check(ADA), desk.check(BOB)), ("+yes".to_owned(), "+no list_opted_out".to_owned()));
    assert_eq!(desk.label(ADA, "nome"), "Ada");
    let mapping = desk.read("contacts.csv.mapping.toml");
    for line in ["\"Telefono\" = \"phone\"", "\"Nome\" = \"label.nome\"", "\"Disiscritto\" = \"opted_out\""] {
        assert!(mapping.contains(line), "{mapping}");
    }

    // Tomorrow's file runs by itself.
    let tomorrow = "Telefono,Nome,Stato\n+14155550104,Dan,disiscritto\n+14155550105,Fay,Iscritto\n";
    desk.unsaid(tomorrow, &["--mapping", "contacts.csv.mapping.toml"]).all_taken();
    assert_eq!(desk.check("+14155550104"), "+no list_opted_out");
    assert_eq!(desk.check("+14155550105"), "+yes");

    // A new word is asked about alone, and the answer is kept with the others.
    std::fs::write(desk.path("contacts.csv"), tomorrow.replace("disiscritto", "Sospeso")).expect("written");
    let (told, code) = on_a_terminal(&desk, &["--mapping", "contacts.csv.mapping.toml"], "s\n");
    assert_eq!(code, 0, "{told}");
    let kept = desk.read("contacts.csv.mapping.toml");
    assert!(
        kept.contains("\"Sospeso\" = \"suppressed\"") && kept.contains("\"Disiscritto\" = \"opted_out\""),
        "{kept}"
    );

    // Whoever has answers already keeps them.
    let (told, code) = on_a_terminal(&desk, &[], "p\nL\nl\n");
    assert_eq!(code, 0, "{told}");
    assert_eq!(desk.read("contacts.csv.mapping.toml"), kept);
    assert!(desk.read("contacts.csv.mapping-2.toml").contains("\"Stato\" = \"label.stato\""), "{told}");
}

/// The answer for all columns means no column that `--labels '*'` does not mean.
#[test]
fn on_a_terminal_all_labels_are_no_answers() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    let sheet = format!(
        "Telefon,Name,Zustimmung,Bemerkung,Abgemeldet am\n{ADA},Ada,ja,a b c,\n{BOB},Bob,abgelehnt,d e f,\n{EVE},Eve,ja,g h i,2024-03-03\n{},Dan,,j k l,\n",
        "+14155550104"
    );
    std::fs::write(desk.path("contacts.csv"), sheet).expect("written");
    // L is not offered again, and whoever says it all the same is asked again, until the input ends.
    let (told, code) = on_a_terminal(&desk, &[], "p\nL\nL\nL\nL\nL\nL\n");
    assert!(code == 2 && told.contains("'Zustimmung' holds"), "{code} {told}");
    assert_eq!(desk.call("COUNT"), ":0");
    // Consent: ja, abgelehnt, a blank; and the dates.
    let (told, code) = on_a_terminal(&desk, &[], "p\nL\nc\nn\nn\nd\n");
    assert!(matches!(code, 0 | 3), "{code} {told}");
    assert_eq!(
        (desk.check(ADA).as_str(), desk.label(ADA, "bemerkung")),
        ("+yes", serde_json::json!("a b c")),
        "{told}"
    );
    for phone in [BOB, EVE, "+14155550104"] {
        assert_ne!(desk.check(phone), "+yes", "{phone} {told}");
    }
}

#[test]
fn on_a_terminal_the_rows_of_a_file_are_asked_about() {
    if !has("python3") {
        return;
    }
    let desk = Desk::new();
    std::fs::write(desk.path("contacts.csv"), format!("Phone,CLEAN_TIME\n{ADA},2024-01-01\n")).expect("written");
    let (told, code) = on_a_terminal(&desk, &[], "o\n");
    assert_eq!((code, desk.check(ADA).as_str()), (0, "+no list_opted_out"), "{told}");
    let mapping = desk.read("contacts.csv.mapping.toml");
    assert!(mapping.contains("as = \"optout\""), "{mapping}");
    let sheet = format!("Phone,CLEAN_TIME\n{BOB},2024-01-01\n");
    desk.unsaid(sheet, &["--mapping", "contacts.csv.mapping.toml"]).all_taken();
    assert_eq!(desk.check(BOB), "+no list_opted_out");
}
