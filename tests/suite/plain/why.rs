//! What WHY says, worked out from every fact.

use serde_json::Value;

use super::facts::{Contact, Kind, ListStatus, Scope};
use super::model::Model;

/// A reason, and the date of the fact behind it, where it is a fact of the contact.
pub type Ground = (String, Option<i64>);

/// The verdict and every reason that holds, in the order in which lifting one uncovers the next.
pub fn why(model: &Model, list: &str, phone: &str) -> (String, Vec<Ground>) {
    let ground = |reason: &str, at: Option<i64>| (reason.to_owned(), at);
    let mut grounds = Vec::new();
    let known = model.lists.get(list);
    match known {
        None => grounds.push(ground("unknown_list", None)),
        Some(list) if list.paused => grounds.push(ground("list_paused", None)),
        Some(_) => {}
    }
    match model.contacts.get(phone) {
        None => grounds.push(ground("not_subscribed", None)),
        Some(contact) => {
            let whole = [
                ("invalid", contact.invalid(), Kind::Invalid),
                ("suppressed", contact.suppressed(None), Kind::Suppressed),
                ("opted_out", contact.opted_out(), Kind::OptedOut),
            ];
            let holding = whole.iter().filter(|(_, holds, _)| *holds);
            grounds.extend(holding.map(|(reason, _, kind)| ground(reason, Some(contact.date(*kind, None)))));
            if model.told_of.contains(list) {
                grounds.extend(on_list(contact, list, model.scope));
            }
        }
    }
    if model.is_held(list, phone) {
        grounds.push(ground("held_for_review", None));
    }
    if known.is_none() {
        grounds.retain(|(reason, _)| reason != "not_subscribed");
    }
    (model.check(list, phone), grounds)
}

fn on_list(contact: &Contact, list: &str, scope: Scope) -> Vec<Ground> {
    let out_at = contact.out_date(list, scope);
    let out = contact.out_of(list, scope);
    let told_with_all = contact.opted_out() && out_at == contact.date(Kind::OptedOut, None);
    let suppressed = contact.suppressed(Some(list)).then(|| {
        let about = |f: &&super::facts::Fact| f.kind == Kind::Suppressed && Contact::is_suppression_of(f, Some(list));
        ("list_suppressed".to_owned(), contact.facts.iter().filter(about).map(|f| f.at).max())
    });
    let opted_out = (out && !told_with_all).then(|| ("list_opted_out".to_owned(), Some(out_at)));
    let unsubscribed = Some(("not_subscribed".to_owned(), None));
    // Of a list that the contact never met, a STOP elsewhere says nothing yet.
    let met = contact.out_of(list, Scope::List) || contact.subscribed(list);
    let holding = match contact.list_status(list, scope) {
        ListStatus::None => [unsubscribed, suppressed, opted_out],
        _ if met => [suppressed, opted_out, None],
        _ => [suppressed, unsubscribed, opted_out],
    };
    holding.into_iter().flatten().collect()
}

/// The same of a reply to WHY.
pub fn told(reply: &Value) -> (String, Vec<Ground>) {
    let date =
        |fact: &Value| chrono::DateTime::parse_from_rfc3339(fact["at"].as_str()?).ok().map(|at| at.timestamp_millis());
    let ground = |ground: &Value| {
        let of_list = ground["fact"]["kind"] == "list";
        let reason = ground["reason"].as_str().expect("a reason").to_owned();
        (reason, date(&ground["fact"]).filter(|_| !of_list))
    };
    let first = (reply["verdict"] != "yes").then(|| ground(reply));
    let behind = reply["behind"].as_array().expect("an array").iter().map(ground);
    (reply["verdict"].as_str().expect("a verdict").to_owned(), first.into_iter().chain(behind).collect())
}
