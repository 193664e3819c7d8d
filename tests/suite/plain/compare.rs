//! A reply of the daemon against the model's.

use serde_json::{Map, Value, json};

use super::sending::micros;

const DATES: [&str; 4] = ["last_sent", "last_clicked", "last_engaged", "last_inbound"];
const COUNTS: [&str; 6] =
    ["total_sends", "total_clicks", "total_bot_clicks", "total_conversions", "sends_since_engaged", "soft_failures"];

/// Errors agree by their code and by what was taken all the same, JSON by `comparable`, all else to the letter. Line ends and the two spellings of nil
/// do not count.
pub fn same_reply(expected: &str, actual: &str) -> bool {
    let (expected, actual) = (clean(expected), clean(actual));
    if let (Some(a), Some(b)) = (expected.strip_prefix('-'), actual.strip_prefix('-')) {
        return told(a) == told(b);
    }
    match (object(expected), object(actual)) {
        (Some(a), Some(b)) => comparable(&a) == comparable(&b),
        _ => expected == actual,
    }
}

/// The code of an error, and what was taken of its request: all before the `;`.
fn told(error: &str) -> &str {
    let code = error.split(' ').next().unwrap_or_default();
    let is_taken = error[code.len()..].starts_with(" taken ");
    if is_taken { error.split(';').next().unwrap_or_default() } else { code }
}

/// Of a contact as GET shows it, what the rules fix: number, status, labels, engagement, and each list's status, how,
/// source and dates, lists by number. Keys that are null or an empty text, lists that were removed, and lists of which
/// nothing stands, do not count; a total that is not there is 0, and 1.50 is 1.5.
pub fn comparable(contact: &Value) -> Value {
    let mut lists: Vec<Value> = contact["lists"].as_array().cloned().unwrap_or_default();
    lists.retain(|list| list["status"] != "none" && list["list_removed_at"].is_null());
    lists.sort_by_key(|list| list["list"].as_str().unwrap_or_default().to_owned());
    let keys = ["list", "status", "how", "source", "subscribed_at", "opted_out_at"];
    let lists: Vec<Value> = lists.iter().map(|list| pick(list, &keys)).collect();
    let mut whole = pick(contact, &[&["phone_number", "status"][..], &DATES[..]].concat());
    for count in COUNTS {
        whole[count] = contact.get(count).cloned().unwrap_or(json!(0));
    }
    let revenue = contact.get("total_revenue").map_or("0".to_owned(), Value::to_string);
    whole["total_revenue"] = micros(&revenue).map_or(json!(revenue), |micros| json!(micros));
    whole["labels"] = contact.get("labels").filter(|labels| !labels.is_null()).cloned().unwrap_or(json!({}));
    whole["lists"] = Value::Array(lists);
    whole
}

fn pick(from: &Value, keys: &[&str]) -> Value {
    let given = keys.iter().filter(|key| !from[**key].is_null() && from[**key] != "");
    Value::Object(given.map(|key| ((*key).to_owned(), from[*key].clone())).collect::<Map<_, _>>())
}

fn clean(reply: &str) -> &str {
    let reply = reply.trim_end_matches(['\r', '\n']);
    if reply == "_" { "$-1" } else { reply }
}

fn object(reply: &str) -> Option<Value> {
    let json = reply.strip_prefix('+').unwrap_or(reply);
    if json.starts_with('{') { serde_json::from_str(json).ok() } else { None }
}
