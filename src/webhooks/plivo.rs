//! Plivo.
//!
//! It signs with the Auth Token, in `X-Plivo-Signature-V3`, of the main account in `X-Plivo-Signature-Ma-V3`, several with
//! commas between them: base64 of the HMAC-SHA256 of the address, its sorted query, the sorted parameters, and the nonce of
//! `X-Plivo-Signature-V3-Nonce` (<https://www.plivo.com/docs/messaging/concepts/signature-validation>, and
//! `signature_v3.py` of plivo-python, which this follows in where `?` and `.` stand). Version 2 covers no parameter, so that
//! whoever has seen one request could send any other: it is not taken. No time is signed, and messages have none. What was not
//! taken is delivered again after 60, 120 and 240 seconds.

use data_encoding::BASE64;

use super::fact::{Fact, Inbound, Keyword, Outcome, Status, first, number};
use super::post::{Form, Post};
use super::signature::{SHA256, Unsigned, is_hmac};
use crate::model::time::Millis;

/// How late it may deliver a message.
const LATE_MS_MAX: Millis = (60 + 120 + 240 + 10) * 1_000;

/// Whether Plivo has signed it.
pub fn verify(post: &Post, keys: &[String]) -> Result<(), Unsigned> {
    let nonce = post.header("x-plivo-signature-v3-nonce");
    let given = ["x-plivo-signature-v3", "x-plivo-signature-ma-v3"].map(|name| post.header(name));
    let mut signatures = given.into_iter().flat_map(|all| all.split(',')).map(str::trim).filter(|one| !one.is_empty());
    let mut signatures = signatures.by_ref().peekable();
    if nonce.is_empty() || signatures.peek().is_none() {
        return Err(Unsigned::Wrong("it has no signature of version 3"));
    }
    let signed = signed_text(post, nonce);
    let is_good = signatures
        .filter_map(|signature| BASE64.decode(signature.as_bytes()).ok())
        .any(|signature| is_hmac(SHA256, keys, &signed, &signature));
    if is_good {
        return Ok(());
    }
    Err(Unsigned::Wrong("the signature is wrong: are the Auth Token and --public-url as Plivo has them?"))
}

fn signed_text(post: &Post, nonce: &str) -> Vec<u8> {
    let form = Form::parse(&post.body);
    let mut text = post.url.split('?').next().unwrap_or_default().as_bytes().to_vec();
    if !post.query.is_empty() || !form.is_empty() {
        text.push(b'?');
    }
    for (place, (name, value)) in post.query.sorted().into_iter().enumerate() {
        if place > 0 {
            text.push(b'&');
        }
        text.extend([name, b"=", value].concat());
    }
    if !post.query.is_empty() && !form.is_empty() {
        text.push(b'.');
    }
    text.extend(form.sorted().into_iter().flat_map(|(name, value)| [name, value].concat()));
    text.push(b'.');
    text.extend_from_slice(nonce.as_bytes());
    text
}

/// What it says.
pub fn read(post: &Post) -> Result<Vec<Fact>, &'static str> {
    let form = post.form();
    let (from, to) = (number(&form.get("From"), false), number(&form.get("To"), false));
    let service = form.get("PowerpackUUID").into_owned();
    if !form.has("Status") {
        if from.is_empty() {
            return Err("From is missing");
        }
        return Ok(vec![Fact::Inbound(Inbound {
            id: form.get("MessageUUID").into_owned(),
            phone: from,
            number: to,
            service,
            text: said(&form),
            at: String::new(),
            late_ms_max: LATE_MS_MAX,
            keyword: Keyword::of(&form.get("MessageIntent"), &["optout", "stop"]),
            ..Inbound::default()
        })]);
    }
    let (status, code, words) = (form.get("Status"), form.get("ErrorCode"), form.get("ErrorMessage"));
    let (sent, failed) = (["sent", "delivered", "read"], ["failed", "undelivered", "rejected"]);
    let Some(outcome) = Outcome::of("plivo", &status, &sent, &failed, &code, &words) else { return Ok(Vec::new()) };
    // A long message has an id for each of its parts.
    let id = first([post.own_id(), form.get("ParentMessageUUID"), form.get("MessageUUID")]).into_owned();
    Ok(vec![Fact::Status(Status { id, phone: to, number: from, service, at: String::new(), outcome })])
}

/// What a message says: its text, or what was tapped. Of a button Plivo tells that its `ContentType` is `button`
/// (<https://www.plivo.com/docs/messaging/api/message/handling-incoming>), and not in which parameter its words are: so they are
/// those of any parameter that has a name for it.
fn said(form: &Form) -> String {
    const TAPPED: [&str; 5] = ["button", "interactive", "reply", "payload", "title"];
    let text = form.all(&["Text", "Body"]);
    if !text.trim().is_empty() {
        return text;
    }
    let names = form.names().map(|name| (name.to_ascii_lowercase(), name));
    let tapped: Vec<&str> =
        names.filter(|(name, _)| TAPPED.iter().any(|part| name.contains(part))).map(|(_, name)| name).collect();
    form.all(&tapped)
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue, Method};

    use super::*;

    /// Made with `get_signature_v3` as plivo-python has it, by Python's own hmac.
    #[test]
    fn signatures_of_another_program_are_good() {
        let post = |name: &'static str, url: &str, signature: &str, body: &'static str| {
            let value = |text: &str| HeaderValue::from_str(text).expect("a value");
            let headers = [
                (HeaderName::from_static("x-plivo-signature-v3-nonce"), value("12345")),
                (HeaderName::from_static(name), value(signature)),
            ];
            Post {
                method: Method::POST,
                url: url.to_owned(),
                query: Form::parse(url.split_once('?').map_or("", |(_, query)| query).as_bytes()),
                headers: headers.into_iter().collect(),
                body: body.into(),
            }
        };
        let keys = ["plivo-auth-token".to_owned()];
        let (v3, ma) = ("x-plivo-signature-v3", "x-plivo-signature-ma-v3");
        let plain = "https://sms.example.com/webhooks/plivo";
        let query = "https://sms.example.com/webhooks/plivo?id=spring-1&a=b";
        let body = "To=14155550100&From=14155550123&Text=Stop+it";
        let (without, with) =
            ("GfgzB0Seu22tkOE8uX8SXsWfO2PngqVgofqnZl6cPE8=", "AyDVUfCLxYQVqp8wSSrOuPWGDErhYshjE3qp3yPaiUs=");
        assert_eq!(verify(&post(v3, plain, without, body), &keys), Ok(()));
        assert_eq!(verify(&post(ma, plain, &format!("AAAA,{without}"), body), &keys), Ok(()));
        assert_eq!(verify(&post(v3, query, with, body), &keys), Ok(()));
        for wrong in [
            post(v3, query, without, body),
            post(v3, plain, with, body),
            post(v3, plain, without, "To=14155550100&From=14155550123&Text=Start"),
            post("x-plivo-signature-v2", plain, without, body),
        ] {
            assert!(verify(&wrong, &keys).is_err());
        }
    }
}
