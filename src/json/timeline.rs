//! A history as a person reads it: day by day, and each message once, with what became of it.

use serde_json::{Value, json};

/// Groups the items of HISTORY, the newest first as they came, by their days in UTC.
///
/// A message becomes one item of the kind `message`, at the date of its first step. Its steps are what HISTORY says of its
/// id, and the clicks and conversions that name it; `state` is how far it has come. Everything else is as it was.
pub fn timeline(history: &[Value]) -> Vec<Value> {
    let mut items: Vec<Value> = Vec::new();
    // The oldest first: a message begins with its first step.
    for event in history.iter().rev() {
        match step(event) {
            Some(step) => match items.iter_mut().rev().find(|item| is_of(event, item)) {
                Some(message) => add(message, step),
                None if event["kind"] == "send" => items.push(message(event, step)),
                // The message is older than this part of the history.
                None => items.push(event.clone()),
            },
            None => items.push(event.clone()),
        }
    }
    items.sort_by(|a, b| a["at"].as_str().cmp(&b["at"].as_str()));
    let mut days: Vec<Value> = Vec::new();
    for item in items.into_iter().rev() {
        let day = item["at"].as_str().and_then(|at| at.get(..10)).unwrap_or_default().to_owned();
        match days.last_mut().filter(|last| last["day"] == day.as_str()) {
            Some(last) => push(&mut last["items"], item),
            None => days.push(json!({ "day": day, "items": [item] })),
        }
    }
    days
}

/// What an event is in the life of a message; none if it is of no message.
fn step(event: &Value) -> Option<Value> {
    let (what, keys): (&str, &[&str]) = match event["kind"].as_str()? {
        "send" => (event["state"].as_str()?, &["code", "source", "reason"]),
        "click" if event["message"].is_string() && event["bot"] == true => ("scanned", &["url"]),
        "click" if event["message"].is_string() => ("clicked", &["url"]),
        "conversion" if event["message"].is_string() => ("converted", &["amount", "id"]),
        _ => return None,
    };
    // A SENT behind a CLAIM counts for the date of the claim.
    let at = if event["given_at"].is_string() { &event["given_at"] } else { &event["at"] };
    let mut step = json!({ "what": what, "at": at });
    for key in keys {
        if !event[*key].is_null() {
            step[*key] = event[*key].clone();
        }
    }
    Some(step)
}

/// Whether an event is of a message.
fn is_of(event: &Value, item: &Value) -> bool {
    let id = if event["kind"] == "send" { &event["id"] } else { &event["message"] };
    item["kind"] == "message" && item["list"] == event["list"] && item["id"] == *id
}

fn message(event: &Value, step: Value) -> Value {
    let mut message =
        json!({ "kind": "message", "at": event["at"], "list": event["list"], "id": event["id"], "steps": [] });
    add(&mut message, step);
    message
}

fn add(message: &mut Value, step: Value) {
    const FURTHER: [&str; 5] = ["claimed", "sent", "clicked", "converted", "failed"];
    let rank = |what: &Value| FURTHER.iter().position(|word| what == word);
    if rank(&step["what"]) > rank(&message["state"]) || message["state"].is_null() {
        message["state"] = step["what"].clone();
    }
    push(&mut message["steps"], step);
}

fn push(array: &mut Value, item: Value) {
    if let Some(array) = array.as_array_mut() {
        array.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, at: &str, more: Value) -> Value {
        let mut event = json!({ "kind": kind, "at": format!("2026-05-{at}:00.000Z"), "list": "24365" });
        more.as_object().into_iter().flatten().for_each(|(key, value)| event[key] = value.clone());
        event
    }

    #[test]
    fn each_message_stands_once_with_its_last_state() {
        let history = [
            event("conversion", "02T09:00", json!({ "message": "m-1", "amount": 5, "id": "o-1" })),
            event("click", "02T08:30", json!({ "message": "older", "url": "https://example.com" })),
            event("click", "02T08:00", json!({ "message": "m-1", "url": "https://example.com" })),
            event("inbound", "02T07:00", json!({ "text": "hello" })),
            event("send", "01T10:00", json!({ "id": "m-2", "state": "failed", "code": "30003" })),
            event("send", "01T10:00", json!({ "id": "m-2", "state": "sent", "given_at": "2026-05-01T10:01:00.000Z" })),
            event("send", "01T10:00", json!({ "id": "m-2", "state": "claimed" })),
            event("send", "01T09:00", json!({ "id": "m-1", "state": "sent" })),
            event("click", "01T09:00", json!({ "message": "m-1", "bot": true, "list": "other" })),
        ];
        let days = timeline(&history);
        let told: Vec<(&Value, Vec<(&Value, &Value)>)> = days
            .iter()
            .map(|day| {
                (
                    &day["day"],
                    day["items"].as_array().into_iter().flatten().map(|item| (&item["kind"], &item["id"])).collect(),
                )
            })
            .collect();
        let (kind, null) = (|kind: &str| json!(kind), json!(null));
        let (click, inbound, message) = (kind("click"), kind("inbound"), kind("message"));
        let (m1, m2) = (json!("m-1"), json!("m-2"));
        assert_eq!(told[0], (&json!("2026-05-02"), vec![(&click, &null), (&inbound, &null)]));
        // A click of another list's message of that id is another one's.
        assert_eq!(told[1].1[0], (&message, &m2));
        assert!(told[1].1.contains(&(&message, &m1)) && told[1].1.contains(&(&click, &null)));
        let failed = &days[1]["items"][0];
        let steps: Vec<&Value> = failed["steps"].as_array().into_iter().flatten().map(|step| &step["what"]).collect();
        assert_eq!(
            (&failed["state"], steps),
            (&json!("failed"), vec![&json!("claimed"), &json!("sent"), &json!("failed")])
        );
        assert_eq!(failed["steps"][1]["at"], "2026-05-01T10:01:00.000Z");
        let bought = days[1]["items"].as_array().into_iter().flatten().find(|item| item["id"] == "m-1");
        assert_eq!(
            bought.map(|item| (&item["state"], item["steps"].as_array().map(Vec::len))),
            Some((&json!("converted"), Some(3)))
        );
    }
}
