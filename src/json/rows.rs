//! A contact as rows: `contactd export` and a purge's archive write them, `contactd import` takes them back.
//!
//! A row is a contact on a list. A contact that is suppressed, invalid, opted out of all lists, or on no list has one more
//! row for that, with `*` for the list.

use serde_json::{Map, Value};

/// The columns before the labels, in order.
pub const COLUMNS: [&str; 22] = [
    "phone_number",
    "list",
    "status",
    "verdict",
    "how",
    "subscribed_at",
    "opted_out_at",
    "suppressed_at",
    "invalid_at",
    "source",
    "reason",
    "created_at",
    "total_sends",
    "total_clicks",
    "total_bot_clicks",
    "total_conversions",
    "total_revenue",
    "last_sent",
    "last_clicked",
    "last_engaged",
    "last_inbound",
    "sends_since_engaged",
];

/// The rows of a contact, given as [`contact_json`](super::contact_json) renders it; with `only`, its rows for that list.
pub fn rows(contact: &Value, only: Option<&str>) -> Vec<Map<String, Value>> {
    let mut rows = Vec::new();
    let common = common(contact);
    let lists = contact["lists"].as_array().map(Vec::as_slice).unwrap_or_default();
    // A subscription ends with its list. An opt-out and a suppression stay.
    let has_ended = |on: &Value| on["list_removed_at"].is_string();
    let says_something = |on: &&Value| on["status"] != "none" && !(has_ended(on) && on["status"] == "active");
    let lists: Vec<&Value> = lists.iter().filter(says_something).collect();
    for on in &lists {
        if only.is_some_and(|only| on["list"] != only) {
            continue;
        }
        let mut row = common.clone();
        for column in ["list", "status", "verdict", "opted_out_at"] {
            put(&mut row, column, &on[column]);
        }
        if !has_ended(on) {
            for column in ["how", "subscribed_at", "source"] {
                put(&mut row, column, &on[column]);
            }
        }
        put_in_force(&mut row, on, ["suppressed_at", "released_at"]);
        let reason = [&on["opted_out_reason"], &on["suppressed_reason"]].into_iter().find(|reason| reason.is_string());
        put(&mut row, "reason", reason.unwrap_or(&Value::Null));
        rows.push(row);
    }
    let mut own = common;
    let invalid = in_force(contact, ["invalid_at", "valid_at"])
        .filter(|at| contact["last_inbound"].as_str().is_none_or(|inbound| at.as_str() >= Some(inbound)));
    put(&mut own, "invalid_at", invalid.unwrap_or(&Value::Null));
    put_in_force(&mut own, contact, ["suppressed_at", "released_at"]);
    if contact["status"] == "opted_out" || lists.is_empty() {
        put(&mut own, "opted_out_at", &contact["opted_out_all_at"]);
    }
    let alone = ["invalid_at", "suppressed_at", "opted_out_at"].iter().any(|column| own.contains_key(*column));
    if alone || lists.is_empty() {
        own.insert("list".into(), "*".into());
        // Of a contact that is on no list, active says that nothing forbids it. Beside other rows it would say that it agreed.
        if contact["status"] != "active" {
            put(&mut own, "status", &contact["status"]);
        }
        let reasons = ["invalid_reason", "suppressed_reason", "opted_out_all_reason"].map(|reason| &contact[reason]);
        put(&mut own, "reason", reasons.into_iter().find(|reason| reason.is_string()).unwrap_or(&Value::Null));
        rows.push(own);
    }
    rows
}

/// What every row of a contact repeats.
fn common(contact: &Value) -> Map<String, Value> {
    let mut row = Map::new();
    for column in COLUMNS {
        if !matches!(column, "status" | "opted_out_at" | "suppressed_at" | "invalid_at") && contact[column] != 0 {
            put(&mut row, column, &contact[column]);
        }
    }
    for (key, value) in contact["labels"].as_object().into_iter().flatten() {
        row.insert(format!("label.{key}"), value.clone());
    }
    row
}

fn put(row: &mut Map<String, Value>, column: &str, value: &Value) {
    if !value.is_null() && *value != "" {
        row.insert(column.to_owned(), value.clone());
    }
}

/// The date of `set`, unless `lifted` is newer. The texts can be compared: RFC 3339 in UTC sorts as time does.
pub fn in_force<'v>(of: &'v Value, [set, lifted]: [&str; 2]) -> Option<&'v Value> {
    let set = &of[set];
    (set.is_string() && of[lifted].as_str().is_none_or(|lifted| set.as_str() >= Some(lifted))).then_some(set)
}

fn put_in_force(row: &mut Map<String, Value>, of: &Value, dates: [&str; 2]) {
    if let Some(at) = in_force(of, dates) {
        put(row, dates[0], at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_contact_becomes_a_row_a_list_and_one_of_its_own() {
        let contact = json!({
            "phone_number": "+14155550101", "status": "suppressed", "labels": {"note": "=1+1"}, "total_sends": 0,
            "created_at": "2026-01-01T00:00:00.000Z", "suppressed_at": "2026-03-01T00:00:00.000Z",
            "invalid_at": "2026-01-01T00:00:00.000Z", "valid_at": "2026-02-01T00:00:00.000Z",
            "lists": [
                {"list": "+14155550100", "status": "active", "how": "api", "subscribed_at": "2026-01-02T00:00:00.000Z"},
                {"list": "12345", "status": "opted_out", "opted_out_at": "2026-02-02T00:00:00.000Z"},
                {"list": "777", "status": "none"},
                {"list": "888", "status": "active", "list_removed_at": "2026-02-03T00:00:00.000Z"},
            ],
        });
        let all = rows(&contact, None);
        assert_eq!(
            all.iter().map(|row| row["list"].as_str()).collect::<Vec<_>>(),
            [Some("+14155550100"), Some("12345"), Some("*")]
        );
        assert_eq!(all[2]["suppressed_at"], "2026-03-01T00:00:00.000Z");
        assert!(!all[2].contains_key("invalid_at") && !all[0].contains_key("total_sends"));
        assert_eq!(all[0]["label.note"], "=1+1");
        assert_eq!(rows(&contact, Some("12345")).len(), 2);
    }
}
