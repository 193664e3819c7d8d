//! A contact as lines of a trail: what forbids, as GET tells it. And what lines of trails brought back.

use serde_json::Value;

use super::date;
use super::rows::in_force;
use crate::model::fence::Replayed;
use crate::model::time::{self, Millis};
use crate::model::trail::{ALL_LISTS, TrailLine};

/// Says in a reply what trails brought back, and what they could not.
pub fn put_replayed(json: &mut Value, replayed: &Replayed) {
    let Replayed {
        facts,
        to,
        passed_over,
        unnamed_erasures,
        unnamed_erasures_to,
        lacks_before,
        is_other,
        is_compared: _,
    } = *replayed;
    json["replayed"] = facts.into();
    json["replayed_to"] = date(to);
    json["passed_over"] = passed_over.into();
    json["unnamed_erasures"] = unnamed_erasures.into();
    json["unnamed_erasures_to"] = date(unnamed_erasures_to);
    json["trail_lacks_before"] = date(lacks_before);
    json["trail_is_other"] = is_other.into();
}

/// Makes a line's date the date of one kind of fact.
type Put = fn(&mut TrailLine, String);

/// The facts that forbid of a contact, given as [`contact_json`](super::contact_json) renders it.
pub fn trail(contact: &Value) -> Vec<TrailLine> {
    let phone = contact["phone_number"].as_str().unwrap_or_default();
    if let Some(at) = contact["erased_at"].as_str() {
        return vec![TrailLine::erased(phone, at)];
    }
    let mut lines = Vec::new();
    let mut tell = |list: &str, of: &Value, fact: &str, lifted: &str, put: Put| {
        if let Some(at) = in_force(of, [&format!("{fact}_at"), lifted]).and_then(Value::as_str) {
            let text = |key: &str| of[format!("{fact}_{key}")].as_str().unwrap_or_default().to_owned();
            let mut line = TrailLine { phone: phone.to_owned(), list: list.to_owned(), ..TrailLine::default() };
            (line.how, line.source, line.reason) = (text("how"), text("source"), text("reason"));
            put(&mut line, at.to_owned());
            lines.push(line);
        }
    };
    let opted_out: Put = |line, at| line.opted_out_at = Some(at);
    let suppressed: Put = |line, at| line.suppressed_at = Some(at);
    let invalid: Put = |line, at| line.invalid_at = Some(at);
    tell(ALL_LISTS, contact, "opted_out_all", "", opted_out);
    tell(ALL_LISTS, contact, "suppressed", "released_at", suppressed);
    tell(ALL_LISTS, contact, "invalid", "valid_at", invalid);
    for on in contact["lists"].as_array().into_iter().flatten() {
        let list = on["list"].as_str().unwrap_or_default();
        tell(list, on, "opted_out", "", opted_out);
        tell(list, on, "suppressed", "released_at", suppressed);
    }
    lines
}

/// An erasure of a number that the feed does not name: nobody can bring it back by this line, but everybody is told.
pub fn unnamed_erasure(at: Millis) -> TrailLine {
    TrailLine::erased("", &time::format(at))
}

/// A message that waits for a person, given as INBOX tells it.
pub fn waiting(message: &Value) -> TrailLine {
    let text = |key: &str| message[key].as_str().unwrap_or_default();
    TrailLine::waiting(text("phone"), text("list"), text("at"), text("text"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_forbids_now_becomes_lines() {
        let contact = json!({
            "phone_number": "+14155550101",
            "opted_out_all_at": "2026-01-01T00:00:00.000Z", "opted_out_all_how": "api", "opted_out_all_source": "desk",
            "suppressed_at": "2026-03-01T00:00:00.000Z", "released_at": "2026-04-01T00:00:00.000Z",
            "invalid_at": "2026-05-01T00:00:00.000Z", "invalid_reason": "30005", "valid_at": "2026-02-01T00:00:00.000Z",
            "lists": [
                {"list": "+14155550100", "status": "active", "subscribed_at": "2026-01-02T00:00:00.000Z"},
                {"list": "777", "opted_out_at": "2026-02-02T00:00:00.000Z", "opted_out_how": "keyword",
                 "suppressed_at": "2026-02-03T00:00:00.000Z"},
            ],
        });
        let lines = trail(&contact).iter().map(|line| serde_json::to_value(line).expect("JSON")).collect::<Vec<_>>();
        let phone = "+14155550101";
        assert_eq!(
            lines,
            [
                json!({"phone": phone, "list": "*", "opted_out_at": "2026-01-01T00:00:00.000Z", "how": "api", "source": "desk"}),
                json!({"phone": phone, "list": "*", "invalid_at": "2026-05-01T00:00:00.000Z", "reason": "30005"}),
                json!({"phone": phone, "list": "777", "opted_out_at": "2026-02-02T00:00:00.000Z", "how": "keyword"}),
                json!({"phone": phone, "list": "777", "suppressed_at": "2026-02-03T00:00:00.000Z"}),
            ]
        );
        let erased = trail(&json!({"phone_number": phone, "erased_at": "2026-01-01T00:00:00.000Z"}));
        assert!(erased.len() == 1 && erased[0].is_erasure() && !erased[0].is_waiting());
    }
}
