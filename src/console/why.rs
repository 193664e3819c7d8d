//! Why a list may send to a contact or may not, in the words of the console: what ends it is on the page, and no request.

use serde_json::Value;

use super::ask::{parse, text};
use super::visit::Visit;
use super::words::{self, Verdict, When};
use crate::client::Reply;
use crate::error::Result;
use crate::model::verdict::Reason;

/// What WHY said.
pub struct Why {
    pub verdict: Verdict,
    /// All of it in a few sentences.
    pub text: String,
    /// Of what the contact opted out, when and how, if it did: `opted out of all lists on …`.
    pub opt_out: Option<String>,
    /// The text of the message by which it opted out; "" where there is none.
    pub reply: String,
}

/// Asks why.
pub async fn why(visit: &mut Visit, list: &str, phone: &str) -> Result<Why> {
    Why::new(visit.asker.ask(&["WHY", list, phone]).await?)
}

impl Why {
    /// From the reply to WHY.
    pub fn new(reply: Reply) -> Result<Why> {
        let why: Value = if reply == Reply::Nil { Value::Null } else { parse(&text(reply)?)? };
        let behind = || why["behind"].as_array().into_iter().flatten();
        let is_out = |ground: &&Value| matches!(ground["reason"].as_str(), Some("opted_out" | "list_opted_out"));
        let event = Some(&why["event"]).filter(|event| event["kind"] == "inbound");
        let opt_out =
            if is_out(&&why) { Some((&why, event)) } else { behind().find(is_out).map(|ground| (ground, None)) };
        let mut said = Vec::new();
        match reason(&why) {
            None => said.push(capital(&format!("{}: nothing forbids messages", subscribed(&why)))),
            Some(first) => {
                said.push(capital(&sentence(first, &why, event)));
                said.push(remedy(first, &why));
                if why["memory_only"] == true {
                    said.push(
                        "It could not be written to disk: a restart forgets it, unless the trail has it. Report it again later".to_owned(),
                    );
                }
            }
        }
        let others: Vec<String> = behind().filter_map(|ground| Some(sentence(reason(ground)?, ground, None))).collect();
        if !others.is_empty() {
            said.push(format!("Behind that stands: {}", others.join("; ")));
        }
        said.push(String::new());
        Ok(Why {
            verdict: Verdict::new(why["verdict"].as_str().unwrap_or_default()),
            text: said.join(". ").trim_end().to_owned(),
            opt_out: opt_out.and_then(|(ground, event)| Some(sentence(reason(ground)?, ground, event))),
            reply: opt_out.and(event).map(|event| get(event, "text")).unwrap_or_default(),
        })
    }
}

fn reason(ground: &Value) -> Option<Reason> {
    Reason::ALL.into_iter().find(|known| ground["reason"] == known.word())
}

/// What holds, when it came to be and how, as the rest of a sentence.
fn sentence(reason: Reason, ground: &Value, event: Option<&Value>) -> String {
    let what = match reason {
        Reason::Fenced => "nobody gets messages: contactd may not know who opted out last",
        Reason::UnknownList => "the number is not a sending list any more",
        Reason::ListPaused => "the list is paused",
        Reason::Invalid => "the number was reported not to exist",
        Reason::Suppressed => "held back everywhere",
        Reason::NotSubscribed if ground["erased_at"].is_string() => "erased on request",
        Reason::NotSubscribed => "never put on this list",
        Reason::ListSuppressed => "held back on this list",
        Reason::OptedOut => "opted out of all lists",
        Reason::ListOptedOut if ground["fact"]["list"].is_null() => "opted out of all lists",
        Reason::ListOptedOut => "opted out of this list",
        Reason::HeldForReview => "may want out: its message waits in the Inbox",
    };
    let erased = ground["erased_at"].as_str().map(|at| format!(" on {}", day(at)));
    format!("{what}{}", erased.unwrap_or_else(|| told(&ground["fact"], event)))
}

/// What ends it, on the pages of the console.
fn remedy(reason: Reason, why: &Value) -> String {
    match reason {
        Reason::Fenced => "An operator ends it on the System page, once those opt-outs were brought back",
        Reason::UnknownList => "It can be made a list again under Sending Lists",
        Reason::ListPaused => "Its settings let it go on",
        Reason::Invalid => "“The number exists” below ends it, and so does any newer message from the phone",
        Reason::Suppressed => "“Release” below ends it",
        Reason::NotSubscribed if why["erased_at"].is_string() => {
            "Only a new opt-in of the person counts: an import brings nobody back who was erased"
        }
        Reason::NotSubscribed => "An opt-in puts it there: record it below. So does an import",
        Reason::ListSuppressed => "“Release” ends it",
        Reason::OptedOut => {
            "Only a newer opt-in of the person ends it, for its own list alone: record it below, or the person writes START"
        }
        Reason::ListOptedOut => "Only a newer opt-in of the person ends it: record it below, or the person writes START",
        Reason::HeldForReview => "Read it there, and decide",
    }
    .to_owned()
}

/// How a contact that gets messages came onto its list.
fn subscribed(why: &Value) -> String {
    let fact = &why["fact"];
    let what = if fact["kind"] == "optin" { "opted in" } else { "put on this list" };
    format!("{what}{}", told(fact, Some(&why["event"]).filter(|event| event["kind"] == "inbound")))
}

/// When, how, why and who, as the end of a sentence.
fn told(fact: &Value, event: Option<&Value>) -> String {
    let Some(at) = fact["at"].as_str() else { return String::new() };
    let source = get(fact, "source");
    let mut parts = vec![format!(" on {}", day(at))];
    match event.map(|event| get(event, "text")).filter(|text| !text.is_empty()) {
        Some(text) => parts.push(format!("by the message “{text}”")),
        None if source == super::act::SOURCE => parts.push("in this console".to_owned()),
        None => parts.push(words::how(&get(fact, "how")).to_owned()),
    }
    if source != super::act::SOURCE {
        parts.push(source);
    }
    parts.push(get(fact, "reason"));
    let by = get(fact, "by");
    parts.push(if by.is_empty() { by } else { format!("by {by}") });
    parts.retain(|part| !part.is_empty());
    parts.join(", ")
}

fn day(at: &str) -> String {
    When::new(at).short.get(..10).unwrap_or_default().to_owned()
}

fn get(of: &Value, key: &str) -> String {
    of[key].as_str().unwrap_or_default().to_owned()
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_request_of_the_protocol_is_told_to_a_person() {
        for known in Reason::ALL {
            for erased in [Value::Null, "2026-05-01T12:00:00.000Z".into()] {
                let why = serde_json::json!({
                    "verdict": format!("no {}", known.word()), "reason": known.word(), "erased_at": erased, "behind": [],
                    "fact": {"at": "2026-05-01T12:00:00.000Z", "how": "api", "kind": "optout"},
                });
                let why = Why::new(Reply::Text(why.to_string())).expect("it is told");
                assert!(!why.verdict.is_yes && why.text.ends_with('.'), "{}", why.text);
                for verb in ["OPTIN", "OPTOUT", "RELEASE", "VALID", "IMPORT", "LIST", "INBOX", "FENCE"] {
                    assert!(!why.text.contains(verb), "{}", why.text);
                }
            }
        }
    }

    #[test]
    fn an_opt_out_is_told_wherever_it_stands() {
        let fact =
            serde_json::json!({"at": "2026-05-01T12:00:00.000Z", "how": "keyword", "kind": "optout", "list": "24365"});
        let out = serde_json::json!({"reason": "list_opted_out", "fact": fact});
        let behind =
            serde_json::json!({"verdict": "no suppressed", "reason": "suppressed", "fact": {}, "behind": [out]});
        let why = Why::new(Reply::Text(behind.to_string())).expect("it is told");
        assert_eq!(why.opt_out.as_deref(), Some("opted out of this list on 2026-05-01, by a message from the phone"));
        let yes = serde_json::json!({"verdict": "yes", "fact": {}, "behind": []});
        assert_eq!(Why::new(Reply::Text(yes.to_string())).expect("it is told").opt_out, None);
    }
}
