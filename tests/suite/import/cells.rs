//! Which cell a row is rejected for: in the file of rejected rows, and in the summary.

use serde_json::{Value, json};

use super::{ADA, BOB, Desk, EVE, LIST};

const DAN: &str = "+14155550104";

/// The cells of the last column of a file of rejected rows.
fn columns(rejects: &str) -> Vec<&str> {
    rejects.lines().map(|line| line.rsplit(',').next().unwrap_or_default()).collect()
}

#[test]
fn a_rejected_row_names_the_first_cell_that_is_meant() {
    let desk = Desk::new();
    for (header, row, reason, column) in [
        ("phone,Client,Notes", "Ada,wants out by 5pm", "maybe_optout", "Notes"),
        ("phone,Client,Notes", "Deceased,wants out by 5pm", "maybe_optout", "Client"),
        ("phone,Client,Notes", "Ada,", "", ""),
        ("phone,status,reason", "active,replied STOP", "maybe_optout", "reason"),
        ("phone,status,source", "active,spam report", "maybe_optout", "source"),
        ("phone,last_sent,total_sends", "soon,5", "bad_date", "last_sent"),
        ("phone,last_sent,total_sends", ",many", "bad_number", "total_sends"),
        ("phone,Opt In,status", ",perhaps", "unknown_status", "status"),
        ("phone,Opt In,Zip", ",12345", "consent_blank", "Opt In"),
        ("phone,Zip,Opt In", "12345,no", "no_consent", "Opt In"),
        ("phone,list,Zip", "news,12345", "bad_list", "list"),
        ("phone,how,Zip", "magic,12345", "bad_how", "how"),
        ("phone,opted_out_at,Zip", "+14155550199,12345", "phone_opted_out", "opted_out_at"),
        ("phone,status", "", "short_row", ""),
    ] {
        let rows = format!("{header}\n{BOB},{row}\n").replace(",\n", "\n");
        let named: Vec<&str> = header.split(',').filter(|name| ["Client", "Notes", "Zip"].contains(name)).collect();
        let labels = ["--labels".to_owned(), named.join(",")];
        let labels = labels.iter().map(String::as_str).filter(|_| !named.is_empty());
        let options: Vec<&str> = labels.chain(["--dry-run", "--rejects", "rejects.csv"]).collect();
        let told = desk.unsaid(rows, &options);
        let reasons = if reason.is_empty() { json!({}) } else { json!({reason: 1}) };
        assert_eq!(told.json["rejected"], reasons, "{header} {row}: {}", told.errors);
        let rejects = desk.read("rejects.csv");
        assert_eq!(columns(&rejects)[1..].first().copied().unwrap_or_default(), column, "{rejects}");
    }
    // The number, as the daemon reads it, and its country.
    for (row, reason, column) in [
        ("12,,", "too_short", "Mobile Phone"),
        (",12,", "too_short", "Home Phone"),
        (",,", "empty", "Mobile Phone"),
        ("7025550199,,Atlantis", "country_unclear", "Country"),
        ("7025550199,,India", "country_unclear", "Mobile Phone"),
    ] {
        let sheet = format!("name,Mobile Phone,Home Phone,Country\nBob,{row}\n");
        let options =
            ["--labels", "name", "--map", "Home Phone=other_phone", "--no-sections", "--rejects", "rejects.csv"];
        let told = desk.unsaid(sheet, &options);
        assert_eq!(told.json["rejected"], json!({reason: 1}), "{row}: {}", told.errors);
        assert_eq!(columns(&desk.read("rejects.csv"))[1], column, "{row}");
    }
}

#[test]
fn a_heading_that_needs_quotes_comes_back_with_the_rows() {
    let desk = Desk::new();
    let heading = r#""Notes, ""short_row"" and all""#;
    let sheet = format!("phone,{heading},Zip,Zip\n{ADA},\"VIP, then stop texting me\",1,2\n{BOB},,x,\n{EVE},,,STOP\n");
    let labels = ["--map", "#2=label.note", "--map", "#3=label.zip", "--map", "#4=label.other"];
    let told = desk.unsaid(&sheet, &[&labels[..], &["--rejects", "rejects.csv"]].concat());
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 2}), "{}", told.errors);
    let rejects = desk.read("rejects.csv");
    let header = format!("phone,{heading},Zip,Zip,line,reason,column\n");
    let rows =
        format!("{ADA},\"VIP, then stop texting me\",1,2,2,maybe_optout,{heading}\n{EVE},,,STOP,4,maybe_optout,#4\n");
    assert_eq!(rejects, format!("{header}{rows}"));

    // Again as they are; then those of an older contactd, whose files have two such columns.
    let again = |name: &str, to: &str| {
        let list = ["--list", LIST, "--as", "subscribe", "--rejects", to];
        desk.import_file(name, &[&list[..], &labels].concat())
    };
    let rows = rows.replace(",4,maybe", ",3,maybe");
    assert_eq!(again("rejects.csv", "again.csv").json["rejected"], json!({"maybe_optout": 2}));
    assert_eq!(desk.read("again.csv"), format!("{header}{rows}"));
    let old = rejects
        .replace(",reason,column", ",reason")
        .replace(&format!("optout,{heading}"), "optout")
        .replace("optout,#4", "optout");
    std::fs::write(desk.path("old.csv"), old).expect("written");
    assert_eq!(again("old.csv", "again.csv").json["rejected"], json!({"maybe_optout": 2}));
    assert_eq!(desk.read("again.csv"), format!("{header}{rows}"));
    let mended = rejects.replace("STOP", "5").replace(", then stop texting me", "");
    std::fs::write(desk.path("mended.csv"), mended).expect("written");
    again("mended.csv", "again.csv").all_taken();
    assert_eq!(desk.get(ADA)["labels"], json!({"note": "VIP", "zip": "1", "other": "2"}));
}

#[test]
fn an_object_names_the_key() {
    let desk = Desk::new();
    let sheet = format!(
        "{{\"phone\":\"{ADA}\",\"labels\":{{\"note\":\"stop texting me\"}}}}\n{{\"phone\":\"{BOB}\",\"total_sends\":\"many\"}}\n"
    );
    let told = desk.unsaid(sheet, &["--rejects", "rejects.ndjson"]);
    assert_eq!(told.json["rejected"], json!({"bad_number": 1, "maybe_optout": 1}), "{}", told.errors);
    let cells = json!({
        "bad_number": [{"column": "total_sends", "rows": 1, "examples": ["many"]}],
        "maybe_optout": [{"column": "labels.note", "rows": 1, "examples": ["stop texting me"]}],
    });
    assert_eq!(told.json["rejected_cells"], cells);
    let rejects = desk.read("rejects.ndjson");
    let why = |line: &str| serde_json::from_str::<Value>(line).expect("an object")["rejected"].clone();
    let told: Vec<Value> = rejects.lines().map(why).collect();
    assert_eq!(
        told,
        [
            json!({"line": 1, "reason": "maybe_optout", "column": "labels.note"}),
            json!({"line": 2, "reason": "bad_number", "column": "total_sends"}),
        ]
    );
}

#[test]
fn the_summary_counts_the_cells_of_each_column() {
    let desk = Desk::new();
    let long = format!("please stop texting me {}", "now ".repeat(20));
    let mut sheet = "phone,Client,Notes,status\n".to_owned();
    for (at, cells) in [
        "Ada,wants out by 5pm,active",
        "Ann,wants out by 5pm,active",
        &format!("Eve,{long},active"),
        "Eve,no more texts please,active",
        "Unsubscribed,,active",
        "Gus,,perhaps",
        "Ida,VIP,active",
    ]
    .into_iter()
    .enumerate()
    {
        sheet.extend(["+1415555020", &at.to_string(), ",", cells, "\n"]);
    }
    let options = ["--list", LIST, "--labels", "Client,Notes", "--dry-run"];
    let told = desk.import(&sheet, &options);
    let cells = json!({
        "maybe_optout": [
            {"column": "Notes", "rows": 4, "examples": ["wants out by 5pm", format!("{}…", &long[..40])]},
            {"column": "Client", "rows": 1, "examples": ["Unsubscribed"]},
        ],
        "unknown_status": [{"column": "status", "rows": 1, "examples": ["perhaps"]}],
    });
    assert_eq!(told.json["rejected_cells"], cells, "{}", told.errors);
    let summary = desk.summary("contacts.csv", &options);
    for line in [
        "           5 rejected, maybe_optout: a label",
        &format!("           4 of these because of the cell in Notes, like 'wants out by 5pm' or '{}…'\n", &long[..40]),
        "           1 of these because of the cell in Client, like 'Unsubscribed'\n",
        "           1 of these because of the cell in status, like 'perhaps'\n",
    ] {
        assert!(summary.contains(line), "it does not say '{line}':\n{summary}");
    }
}

#[test]
fn a_cell_below_says_what_the_one_above_it_says() {
    let desk = Desk::new();
    let sheet =
        format!("phone,Client,Notes\n{ADA},Ann,stop texting me\n{BOB},Ben,\"\"\"\"\n{EVE},Eve,VIP\n{DAN},Dan,\n");
    let told = desk.unsaid(sheet, &["--labels", "Client,Notes", "--rejects", "rejects.csv"]);
    assert_eq!(told.json["rejected"], json!({"maybe_optout": 2}), "{}", told.errors);
    assert_eq!(columns(&desk.read("rejects.csv")), ["column", "Notes", "Notes"]);
}
