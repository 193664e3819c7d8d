//! Telnyx.
//!
//! It signs with Ed25519, whose public key stands in its portal (Account, Keys and Credentials, Public Key):
//! `telnyx-signature-ed25519` is base64 of the signature of `telnyx-timestamp`, `|` and the raw body, and the timestamp is
//! good for five minutes (<https://developers.telnyx.com/development/api-fundamentals/webhooks/receiving-webhooks>). It waits
//! for two seconds, and delivers three times to each address.
//!
//! A message to a group has all its recipients in `to` and `cc`; which of them is ours nothing says. `autoresponse_type` is what
//! Telnyx took a message for and has answered, by its own words or by those of the profile
//! (<https://developers.telnyx.com/docs/messaging/messages/advanced-opt-in-out>).

use data_encoding::BASE64;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde_json::Value;

use super::fact::{Fact, Inbound, Keyword, Outcome, Status, number};
use super::post::{Post, text, texts};
use super::signature::{CLOCKS_MS, Unsigned, is_fresh};
use crate::error::excerpt;
use crate::model::failure::Failure;
use crate::model::time::Millis;

const KEY_BYTES: usize = 32;

/// The public key, as the portal shows it.
pub fn key(word: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(word.as_bytes()).ok()?;
    // Some tools put the name of the algorithm before it.
    let at = bytes.len().checked_sub(KEY_BYTES)?;
    matches!(at, 0 | 12).then(|| bytes[at..].to_vec())
}

/// Whether Telnyx has signed it, and not long ago.
pub fn verify(post: &Post, keys: &[String], now: Millis) -> Result<(), Unsigned> {
    let (timestamp, signature) = (post.header("telnyx-timestamp"), post.header("telnyx-signature-ed25519"));
    if timestamp.is_empty() || signature.is_empty() {
        return Err(Unsigned::Wrong("it is not signed"));
    }
    let signed = [timestamp.as_bytes(), b"|", &post.body].concat();
    let signature = BASE64.decode(signature.as_bytes()).unwrap_or_default();
    let is_good = keys
        .iter()
        .filter_map(|word| key(word))
        .any(|key| UnparsedPublicKey::new(&ED25519, key).verify(&signed, &signature).is_ok());
    if !is_good {
        return Err(Unsigned::Wrong("the signature is wrong: is the public key that of the account?"));
    }
    let seconds: i64 = timestamp.parse().map_err(|_| Unsigned::Old)?;
    is_fresh(seconds.saturating_mul(1_000), now, CLOCKS_MS)
}

/// What it says.
pub fn read(post: &Post) -> Result<Vec<Fact>, &'static str> {
    let json = post.json()?;
    let (data, payload) = (&json["data"], &json["data"]["payload"]);
    let id = text(&payload["id"]);
    let service = text(&payload["messaging_profile_id"]);
    let from = number(&text(&payload["from"]["phone_number"]), true);
    let to = payload["to"].as_array().map(Vec::as_slice).unwrap_or_default();
    let phone = |to: &Value| number(&text(&to["phone_number"]), true);
    match text(&data["event_type"]).as_str() {
        "message.received" if from.is_empty() => Err("data.payload.from is missing"),
        "message.received" => {
            let cc = payload["cc"].as_array().map(Vec::as_slice).unwrap_or_default();
            let mut numbers: Vec<String> = Vec::new();
            for number in to.iter().chain(cc).map(phone) {
                if !number.is_empty() && number != from && !numbers.contains(&number) {
                    numbers.push(number);
                }
            }
            let others = numbers.split_off(1.min(numbers.len()));
            let said = texts(said(payload));
            if said.is_empty() && payload["media"].as_array().is_none_or(Vec::is_empty) {
                // It may be of a kind whose words stand where nobody has looked yet.
                let (id, kind) = (excerpt(id.as_bytes()), text(&payload["type"]));
                tracing::warn!("telnyx: message {id} ({}): no text was found in it", excerpt(kind.as_bytes()));
            }
            Ok(vec![Fact::Inbound(Inbound {
                id,
                phone: from,
                number: numbers.pop().unwrap_or_default(),
                others,
                service,
                text: said,
                at: text(&payload["received_at"]),
                keyword: Keyword::of(&text(&payload["autoresponse_type"]), &["stop", "optout", "opt_out"]),
                ..Inbound::default()
            })])
        }
        "message.sent" | "message.finalized" => {
            let own = post.own_id();
            let id = if own.is_empty() { id } else { own.into_owned() };
            let statuses = to.iter().filter_map(|to| {
                // What is unconfirmed has been sent.
                let (sent, failed) =
                    (["sent", "delivered", "delivery_unconfirmed"], ["sending_failed", "delivery_failed"]);
                let (status, errors) = (text(&to["status"]), &payload["errors"]);
                let outcome = Outcome::of("telnyx", &status, &sent, &failed, &code(errors), &words(errors))?;
                let at = text(&data["occurred_at"]);
                let (phone, number) = (phone(to), from.clone());
                Some(Fact::Status(Status { id: id.clone(), phone, number, service: service.clone(), at, outcome }))
            });
            Ok(statuses.collect())
        }
        "" => Err("data.event_type is missing"),
        _ => Ok(Vec::new()),
    }
}

/// Where a message has its words: an SMS, the subject of an MMS, an RCS message, and what was tapped in one.
fn said(payload: &Value) -> [&Value; 6] {
    let (body, suggestion) = (&payload["body"], &payload["body"]["suggestion_response"]);
    [&payload["text"], &payload["subject"], body, &body["text"], &suggestion["text"], &suggestion["postback_data"]]
}

/// Of several codes, the one that forbids.
fn code(errors: &Value) -> String {
    let codes: Vec<String> = errors.as_array().into_iter().flatten().map(|error| text(&error["code"])).collect();
    let forbids = codes.iter().find(|code| Failure::of("telnyx", code, None).forbids());
    forbids.or(codes.first()).cloned().unwrap_or_default()
}

/// What they say in words.
fn words(errors: &Value) -> String {
    let words =
        errors.as_array().into_iter().flatten().flat_map(|error| [text(&error["title"]), text(&error["detail"])]);
    words.filter(|words| !words.is_empty()).collect::<Vec<_>>().join(". ")
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue, Method};

    use super::super::post::Form;
    use super::*;

    /// By OpenSSL: `printf %s '1780000000|{"data":{}}' > text; openssl pkeyutl -sign -rawin -inkey key.pem -in text | base64`.
    #[test]
    fn a_signature_of_another_program_is_good() {
        let post = |timestamp: &str, signature: &str, body: &'static str| {
            let value = |text: &str| HeaderValue::from_str(text).expect("a value");
            let headers = [
                (HeaderName::from_static("telnyx-timestamp"), value(timestamp)),
                (HeaderName::from_static("telnyx-signature-ed25519"), value(signature)),
            ];
            let (url, query) = ("https://sms.example.com/webhooks/telnyx".to_owned(), Form::default());
            Post { method: Method::POST, url, query, headers: headers.into_iter().collect(), body: body.into() }
        };
        let signature = "cRi4zOLOfkSmRS4SQAT4LsGc2fVKrUP24YGA+y0oEWB8Q/1g8biH0WnvxrRA07ShZwGOcHehyOwr+5JmTNKdDg==";
        let keys = [
            "7hvuStM7mAuGjdfhz4b+u3css1/g3nS2q/8xhALUHRg=".to_owned(),
            "MCowBQYDK2VwAyEA7hvuStM7mAuGjdfhz4b+u3css1/g3nS2q/8xhALUHRg=".to_owned(),
        ];
        let signed_at = 1_780_000_000_000;
        let body = r#"{"data":{}}"#;
        for key in &keys {
            let keys = std::slice::from_ref(key);
            assert_eq!(verify(&post("1780000000", signature, body), keys, signed_at + CLOCKS_MS), Ok(()));
            let late = verify(&post("1780000000", signature, body), keys, signed_at + CLOCKS_MS + 1);
            assert_eq!(late, Err(Unsigned::Old));
            let early = verify(&post("1780000000", signature, body), keys, signed_at - CLOCKS_MS - 1);
            assert_eq!(early, Err(Unsigned::Old));
        }
        for wrong in [
            post("1780000001", signature, body),
            post("1780000000", signature, r#"{"data":{} }"#),
            post("1780000000", "AAAA", body),
            post("1780000000", "", body),
        ] {
            assert!(matches!(verify(&wrong, &keys, signed_at), Err(Unsigned::Wrong(_))));
        }
        assert_eq!((key("short"), key("")), (None, None));
    }
}
