use super::super::cell::unguarded;
use super::*;
use crate::import::columns::Wishes;
use crate::import::columns::survey::Survey;
use crate::import::options::AllAre;

/// The request of one row under a header.
fn request(header: &[&str], cells: &[&str], defaults: Defaults) -> Result<String, &'static str> {
    let wishes = Wishes { labels: vec!["*".into()], ..Wishes::default() };
    let mut survey = Survey::of_header(header.iter().copied());
    survey.is_complete = true;
    let columns = Columns::of_table(&survey, wishes).expect("columns");
    let mut requests = Vec::new();
    let mut rows = Rows::new(columns, defaults, 1_777_636_800_000);
    let written = rows.write(cells.iter().copied().enumerate(), None, &mut requests);
    written.map(|_| String::from_utf8(requests).expect("UTF-8")).map_err(|refused| refused.why.code())
}

fn onto_list() -> Defaults {
    Defaults { list: Some("12345".into()), source: "f.csv".into(), ..Defaults::default() }
}

#[test]
fn a_row_is_one_line() {
    let header = ["phone", "country", "note", "how", "last_sent"];
    let told = request(&header, &["'+1 \"415\"", "us", "a\nb", "API", "2026-05-01"], onto_list());
    let line = r#"IMPORT 12345 {"phone":"'+1 \"415\"","region":"US","source":"f.csv","how":"api","last_sent":"2026-05-01","labels":{"note":"a\nb"}}"#;
    assert_eq!(told, Ok(format!("{line}\n")));
    assert_eq!(request(&header, &["", " ", ""], onto_list()), Ok(String::new()), "a blank row");
    let dry = Defaults { dry_run: true, ..onto_list() };
    let told = request(&header, &["415\n5550101"], dry);
    assert_eq!(told.as_deref(), Ok("*3\r\n$9\r\nNORMALIZE\r\n$1\r\n-\r\n$11\r\n415\n5550101\r\n"));
}

#[test]
fn a_row_says_its_country_before_the_file_does() {
    let of = |phone: &str, country: &str| {
        let region = crate::model::phone::Region::parse("US");
        request(&["phone", "country"], &[phone, country], Defaults { region, ..onto_list() }).map(|told| {
            let region = told.split("\"region\":\"").nth(1).and_then(|rest| rest.get(..2));
            region.map(str::to_owned).unwrap_or(told)
        })
    };
    assert_eq!(of("55 3510 2288", "Mexico"), Ok("MX".to_owned()));
    assert_eq!(of("0151 26000125", "Germany"), Ok("DE".to_owned()));
    for (phone, country) in [("7025550199", "India"), ("5512345678", "Mexico"), ("7025550199", "Germany")] {
        assert_eq!(of(phone, country), Err("country_unclear"), "{phone} is a number of the United States, too");
    }
}

#[test]
fn what_a_row_forbids_is_never_dropped() {
    let header = ["phone", "status", "opted_out", "opted_out_at"];
    let says = |cells: &[&str], defaults: Defaults| {
        let told = request(&header, cells, defaults)?;
        Ok(told.trim_end().trim_end_matches('}').split("f.csv\"").nth(1).unwrap_or_default().to_owned())
    };
    let opt_outs = || Defaults { all_are: Some(AllAre::Optout), ..onto_list() };
    let now = "2026-05-01T12:00:00.000Z";
    // Of a day alone, the end of it in the last time zone.
    let out = |day: &str| format!("\"opted_out_at\":\"{}T11:59:59.999Z\"", day.replace("-01-01", "-01-02"));
    for (cells, defaults, said) in [
        (["4155550101", "active", "no", ""], onto_list(), r#","status":"active""#.into()),
        (["4155550101", "active", "yes", ""], onto_list(), r#","status":"opted_out""#.into()),
        (["4155550101", "active", "", ""], opt_outs(), r#","status":"opted_out""#.into()),
        (["4155550101", "", "2024-01-01", ""], onto_list(), format!(",{}", out("2024-01-01"))),
        (["4155550101", "", "2024-01-01", "2025-01-01"], onto_list(), format!(",{}", out("2025-01-01"))),
        (["4155550101", "", "2025-01-01", "2024-01-01"], onto_list(), format!(",{}", out("2025-01-01"))),
        (["4155550101", "invalid", "", ""], opt_outs(), format!(r#","status":"opted_out","invalid_at":"{now}""#)),
    ] {
        assert_eq!(says(&cells, defaults), Ok(said), "{cells:?}");
    }
    for (cells, code) in [
        (["4155550101", "perhaps", "", ""], "unknown_status"),
        (["4155550101", "", "perhaps", ""], "unknown_status"),
        (["4155550101", "", "", "perhaps"], "bad_date"),
        (["4155550101", "never subscribed", "", ""], "no_consent"),
        (["4155550101", "", "", ""], "consent_blank"),
        (["4155550101", "N/A", "no", ""], "consent_blank"),
        (["4155550101", "active", "#N/A", ""], "unknown_status"),
        (["4155550101", "active", "", "NaN"], "bad_date"),
        (["// 4155550101", "active", "", ""], "commented_out"),
        (["#4155550101", "active", "", ""], "commented_out"),
        (["Ausgetreten", "", "", ""], "section"),
    ] {
        assert_eq!(says(&cells, onto_list()), Err(code), "{cells:?}");
    }
    assert_eq!(says(&["4155550101", "active"], onto_list()), Err("short_row"));
    assert_eq!(says(&["4155550101", "active", "", "", "more"], onto_list()), Err("too_many_cells"));
}

#[test]
fn a_reason_that_is_a_refusal_needs_a_status() {
    let header = ["phone", "opted_out", "opted_out_at", "reason", "source"];
    let code = |cells: &[&str]| request(&header, cells, onto_list()).err();
    for [reason, source] in [
        ["unsubscribed", ""],
        ["asked to be removed", ""],
        ["hard bounce", ""],
        ["a form", ""],
        ["", "Do not text"],
        ["", "dnc.csv"],
        ["", "Unsubscribed"],
    ] {
        assert_eq!(code(&["4155550101", "", "", reason, source]), Some("maybe_optout"), "{reason} {source}");
    }
    for cells in [
        ["4155550101", "opted_out", "", "STOP", ""],
        ["4155550101", "", "2024-01-01", "STOP", "dnc.csv"],
        ["4155550101", "", "", "", "a form"],
    ] {
        assert_eq!(code(&cells), None, "{cells:?}");
    }
}

#[test]
fn lists_and_guards_as_spreadsheets_leave_them() {
    for cell in ["+14155550100", "'+14155550100", "14155550100", "14155550100.0", " +14155550100 "] {
        assert_eq!(read_list(cell, None).as_deref(), Some("+14155550100"), "{cell}");
    }
    assert_eq!(read_list("12345", None).as_deref(), Some("12345"));
    assert_eq!(read_list("News", None), None);
    for (cell, value) in [("'=1", "=1"), ("''-1", "'-1"), ("'a", "'a"), ("it's", "it's"), ("=1", "=1"), ("'", "'")] {
        assert_eq!(unguarded(cell), value);
    }
}
