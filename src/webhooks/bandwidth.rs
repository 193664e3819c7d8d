//! Bandwidth.
//!
//! It signs nothing, and shows a name and a password that its application was given (Basic, RFC 7617) once it was asked for
//! them by 401 (<https://dev.bandwidth.com/docs/messaging/webhooks>). So its address has to be one with https. What was not
//! taken is delivered for 24 hours. A request is an array of events, each with its time.

use data_encoding::BASE64;
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::fact::{Fact, Inbound, Outcome, Status, number};
use super::post::{Post, text, texts};
use super::signature::Unsigned;

/// Whether it shows one of the names with its password. Each key is `name:password`.
pub fn verify(post: &Post, keys: &[String]) -> Result<(), Unsigned> {
    let Some((scheme, shown)) = post.header("authorization").split_once(' ') else { return Err(Unsigned::Unasked) };
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(Unsigned::Unasked);
    }
    // Their hashes are of one length, so that the time does not tell that of the password.
    let shown = Sha256::digest(BASE64.decode(shown.trim().as_bytes()).unwrap_or_default());
    let is_known = keys.iter().any(|key| Sha256::digest(key.as_bytes()).ct_eq(&shown).into());
    if is_known { Ok(()) } else { Err(Unsigned::Wrong("its name or password is wrong")) }
}

/// What it says.
pub fn read(post: &Post) -> Result<Vec<Fact>, &'static str> {
    let json = post.json()?;
    // One event may come alone.
    let events = match &json {
        Value::Array(events) => events.as_slice(),
        Value::Object(_) => std::slice::from_ref(&json),
        _ => return Err("its body is not an array of events"),
    };
    // Each event stands for itself.
    let (facts, wrong): (Vec<_>, Vec<_>) = events.iter().map(|event| fact(post, event)).partition(Result::is_ok);
    let facts: Vec<Fact> = facts.into_iter().flatten().flatten().collect();
    match wrong.into_iter().find_map(Result::err) {
        Some(why) if facts.is_empty() => Err(why),
        Some(why) => {
            tracing::warn!("bandwidth: an event beside others was not recorded: {why}");
            Ok(facts)
        }
        None => Ok(facts),
    }
}

fn fact(post: &Post, event: &Value) -> Result<Option<Fact>, &'static str> {
    let message = &event["message"];
    let id = text(&message["id"]);
    let service = text(&message["applicationId"]);
    let to = number(&text(&event["to"]), true);
    let mut kind = text(&event["type"]).to_ascii_lowercase();
    if kind.is_empty() && text(&message["direction"]).eq_ignore_ascii_case("in") {
        "message-received".clone_into(&mut kind);
    }
    let outcome = match kind.as_str() {
        "message-received" | "suggestion-response" => {
            let phone = number(&text(&message["from"]), true);
            if phone.is_empty() {
                return Err("message.from is missing");
            }
            let ours = if to.is_empty() { number(&text(&message["owner"]), true) } else { to };
            let (text, at) = (said(message), text(&message["time"]));
            return Ok(Some(Fact::Inbound(Inbound {
                id,
                phone,
                number: ours,
                service,
                text,
                at,
                ..Inbound::default()
            })));
        }
        "" => return Err("type is missing"),
        kind => {
            let (code, words) = (text(&event["errorCode"]), text(&event["description"]));
            Outcome::of("bandwidth", kind, &["message-delivered", "message-sent"], &["message-failed"], &code, &words)
        }
    };
    let Some(outcome) = outcome else { return Ok(None) };
    let phone = if to.is_empty() { number(&text(&message["to"][0]), true) } else { to };
    let own = post.own_id();
    let id = if own.is_empty() { id } else { own.into_owned() };
    let ours = number(&text(&message["owner"]), true);
    Ok(Some(Fact::Status(Status { id, phone, number: ours, service, at: text(&event["time"]), outcome })))
}

/// What a message says: an SMS, an RCS message, and what was tapped in one, which stands beside the words or among them.
fn said(message: &Value) -> String {
    let content = &message["content"];
    let tapped = [&message["suggestionResponse"], &content["suggestionResponse"]];
    let postbacks = tapped.map(|tapped| plain_postback(&text(&tapped["postbackData"])));
    let words =
        [&message["text"], &message["subject"], content, &content["text"], &tapped[0]["text"], &tapped[1]["text"]];
    texts(words.into_iter().chain(&postbacks))
}

/// What a button stands for, which may be in base64.
fn plain_postback(data: &str) -> Value {
    let decoded = BASE64.decode(data.trim().as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let is_text = |text: &String| !text.contains(char::is_control);
    decoded.filter(is_text).unwrap_or_else(|| data.to_owned()).into()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};

    use super::*;
    use crate::model::keyword::{Keywords, Meaning};
    use crate::webhooks::post::Form;

    fn texts(body: &'static [u8]) -> Vec<(String, Meaning)> {
        let url = "https://sms.example.com/webhooks/bandwidth".to_owned();
        let (query, headers) = (Form::default(), HeaderMap::new());
        let post = Post { method: Method::POST, url, query, headers, body: body.into() };
        let facts = read(&post).unwrap_or_default().into_iter();
        let texts = facts.filter_map(|fact| if let Fact::Inbound(inbound) = fact { Some(inbound.text) } else { None });
        texts.map(|text| (text.clone(), Keywords::default().meaning(&text))).collect()
    }

    #[test]
    fn a_stop_is_not_lost_in_a_broken_body() {
        for body in [
            &br#"[{"type":"message-received","message":{"from":"+1","text":"STOP \ud83d"}}]"#[..],
            b"[{\"type\":\"message-received\",\"message\":{\"from\":\"+1\",\"text\":\"ARR\xcaT\"}}]",
            b"\xef\xbb\xbf[{\"type\":\"message-received\",\"message\":{\"from\":\"+1\",\"text\":\"STOP\"}}]",
            b"[{\"type\":\"message-received\",\"message\":{\"from\":\"+1\",\"text\":\"please\nstop\"}},]",
            br#"[{"type":"message-received","message":{"from":"+1","text":"STOP"#,
            br#"[null,{"type":"message-received","message":{"from":"+1","text":"STOP"}}]"#,
            br#"[{"type":"MESSAGE-RECEIVED","message":{"from":"+1","text":"STOP"}}]"#,
            br#"[{"message":{"direction":"in","from":"+1","text":"STOP"}}]"#,
        ] {
            let texts = texts(body);
            let forbids = |meaning| matches!(meaning, Meaning::Out | Meaning::OutOfAll | Meaning::MaybeOut);
            assert!(matches!(texts[..], [(_, meaning)] if forbids(meaning)), "{} {texts:?}", body.escape_ascii());
        }
        let broken = texts(br#"[{"type":"message-received","message":{"from":"+1","text":"START"}},]"#);
        assert!(matches!(broken[..], [(_, Meaning::MaybeOut)]), "nothing that permits is read of it: {broken:?}");
        assert!(texts(b"STOP").is_empty());
    }
}
