//! Vonage: its SMS API, and its Messages API.
//!
//! **The SMS API** signs with the signature secret once its support has switched that on: `sig` is the HMAC, in hexadecimal
//! digits, of `&name=value` of all other parameters, sorted, in whose values `&` and `=` are `_`
//! (<https://developer.vonage.com/en/getting-started/concepts/signing-messages>). SHA-256 and SHA-512 are taken; MD5 and
//! SHA-1 are not. It posts a form or JSON, or asks by GET.
//!
//! **The Messages API** sends a JSON web token, `Authorization: Bearer …`, with the HMAC-SHA256 of its own text under the
//! signature secret. Its `payload_hash` is the SHA-256 of the body
//! (<https://developer.vonage.com/en/getting-started/concepts/webhooks#decoding-signed-webhooks>).
//!
//! Both deliver what was not taken for 24 hours (<https://developer.vonage.com/messaging/sms/guides/inbound-sms>), so a
//! signature is good for as long. The `message-timestamp` of the SMS API is when Vonage "started to push" the message, which may
//! be the attempt that arrives and not the first one: so an opt-in may be a day older than it says. The Messages API dates the
//! message itself.

use data_encoding::{BASE64URL_NOPAD, HEXLOWER_PERMISSIVE as HEX};
use serde_json::Value;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::fact::{Fact, Inbound, Outcome, Part, Status, first, number};
use super::post::{Form, Post, text, texts};
use super::signature::{CLOCKS_MS, SHA256, SHA512, Unsigned, is_fresh, is_hmac};
use crate::model::keyword::unread;
use crate::model::time::{self, DAY_MS, Millis};

/// How long Vonage goes on delivering.
const LATE_MS: Millis = DAY_MS + CLOCKS_MS;

/// Whether Vonage has signed it, and not too long ago.
pub fn verify(post: &Post, keys: &[String], now: Millis) -> Result<(), Unsigned> {
    let bearer = post.header("authorization").split_once(' ');
    match bearer.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")) {
        Some((_, token)) => verify_token(post, token.trim(), keys, now),
        None => verify_parameters(&parameters(post), keys, now),
    }
}

fn verify_parameters(form: &Form, keys: &[String], now: Millis) -> Result<(), Unsigned> {
    let sig = form.get("sig");
    let Ok(signature) = HEX.decode(sig.as_bytes()) else { return Err(Unsigned::Wrong("sig is not hexadecimal")) };
    let algorithm = match signature.len() {
        0 => return Err(Unsigned::Wrong("it is not signed: ask Vonage's support to sign webhooks of the account")),
        32 => SHA256,
        64 => SHA512,
        _ => return Err(Unsigned::Wrong("choose SHA-256 HMAC as the signature method of the account")),
    };
    // A name with these could be several parameters, signed as one text.
    if form.sorted().iter().any(|(name, _)| name.contains(&b'&') || name.contains(&b'=')) {
        return Err(Unsigned::Wrong("the name of a parameter has & or ="));
    }
    let mut signed = Vec::new();
    for (name, value) in form.sorted().into_iter().filter(|(name, _)| name != b"sig") {
        signed.push(b'&');
        signed.extend_from_slice(name);
        signed.push(b'=');
        signed.extend(value.iter().map(|byte| if matches!(byte, b'&' | b'=') { b'_' } else { *byte }));
    }
    if !is_hmac(algorithm, keys, &signed, &signature) {
        return Err(Unsigned::Wrong("the signature is wrong: is the signature secret that of the account?"));
    }
    let seconds = form.get("timestamp").parse::<i64>().map(|seconds| seconds.saturating_mul(1_000)).ok();
    let signed_at = seconds.or_else(|| time::parse(&sent_at(form)).ok());
    is_fresh(signed_at.ok_or(Unsigned::Wrong("it does not say when it was signed"))?, now, LATE_MS)
}

fn verify_token(post: &Post, token: &str, keys: &[String], now: Millis) -> Result<(), Unsigned> {
    const BROKEN: Unsigned = Unsigned::Wrong("its token is broken");
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| BROKEN);
    let json = |part: &str| serde_json::from_slice::<Value>(&decoded(part)?).map_err(|_| BROKEN);
    let (signed, signature) = token.rsplit_once('.').ok_or(BROKEN)?;
    let (head, claims) = signed.split_once('.').ok_or(BROKEN)?;
    if json(head)?["alg"] != "HS256" || !is_hmac(SHA256, keys, signed.as_bytes(), &decoded(signature)?) {
        return Err(Unsigned::Wrong("its token is signed wrongly: is the signature secret that of the account?"));
    }
    let claims = json(claims)?;
    let hash = HEX.decode(text(&claims["payload_hash"]).as_bytes()).unwrap_or_default();
    if !bool::from(Sha256::digest(&post.body).ct_eq(&hash)) {
        return Err(Unsigned::Wrong("its token is not about this body"));
    }
    let issued_at = claims["iat"].as_i64().ok_or(BROKEN)?;
    is_fresh(issued_at.saturating_mul(1_000), now, LATE_MS)
}

/// The parameters, however they were sent.
fn parameters(post: &Post) -> Form {
    match post.json() {
        Ok(json) if json.is_object() => Form::of_json(&json),
        _ => post.form(),
    }
}

/// When it was, by UTC, of which Vonage leaves the mark away.
fn sent_at(form: &Form) -> String {
    let at = form.get("message-timestamp");
    if at.is_empty() { String::new() } else { format!("{}Z", at.trim().replace(' ', "T")) }
}

/// What it says.
pub fn read(post: &Post) -> Result<Vec<Fact>, &'static str> {
    match post.json() {
        Ok(json) if !json["message_uuid"].is_null() => read_message(post, &json),
        _ => read_parameters(post, &parameters(post)),
    }
}

fn read_parameters(post: &Post, form: &Form) -> Result<Vec<Fact>, &'static str> {
    let (phone, ours) = (number(&form.get("msisdn"), false), number(&form.get("to"), false));
    if phone.is_empty() {
        return Err("msisdn is missing");
    }
    let id = first([form.get("messageId"), form.get("message-id")]);
    let at = sent_at(form);
    if !form.has("status") {
        let text = said_in_form(form);
        let id = id.into_owned();
        let part = Part::of(&form.get("concat-ref"), &form.get("concat-part"), &form.get("concat-total"));
        let message = Inbound { id, phone, number: ours, part, text, at, late_ms_max: DAY_MS, ..Inbound::default() };
        return Ok(vec![Fact::Inbound(message)]);
    }
    let (sent, failed) = (["delivered", "accepted"], ["failed", "rejected", "expired", "deleted"]);
    let (status, code) = (form.get("status"), form.get("err-code"));
    let Some(outcome) = Outcome::of("vonage", &status, &sent, &failed, &code, "") else { return Ok(Vec::new()) };
    let id = first([post.own_id(), id]).into_owned();
    Ok(vec![Fact::Status(Status { id, phone, number: ours, service: String::new(), at, outcome })])
}

/// What an SMS says: its text; that of bytes; or the first word of one whose text did not come with it.
fn said_in_form(form: &Form) -> String {
    let text = form.get("text");
    if !text.trim().is_empty() {
        return text.into_owned();
    }
    let bytes = HEX.decode(form.get("data").trim().as_bytes()).unwrap_or_default();
    let of_bytes = unread::text_of(&bytes);
    first([of_bytes, form.get("keyword"), text]).into_owned()
}

/// A number, which version 0.1 of the Messages API puts into an object.
fn party(json: &Value) -> String {
    number(&text(if json.is_object() { &json["number"] } else { json }), false)
}

/// Where a message has its words: those that were written, those of what was tapped, those below a picture, and the sign
/// of who reacts with one.
fn said(json: &Value) -> [&Value; 12] {
    let (button, reply) = (&json["button"], &json["reply"]);
    [
        &json["text"],
        &button["text"],
        &button["payload"],
        &reply["title"],
        &reply["id"],
        &reply["description"],
        &json["image"]["caption"],
        &json["video"]["caption"],
        &json["file"]["caption"],
        &json["audio"]["caption"],
        &json["caption"],
        &json["reaction"]["emoji"],
    ]
}

fn read_message(post: &Post, json: &Value) -> Result<Vec<Fact>, &'static str> {
    let id = text(&json["message_uuid"]);
    let (from, to) = (party(&json["from"]), party(&json["to"]));
    let at = text(&json["timestamp"]);
    if json["status"].is_null() {
        if from.is_empty() {
            return Err("from is missing");
        }
        // Version 0.1 has them one floor further down.
        let text = texts(said(json).into_iter().chain(said(&json["message"]["content"])));
        return Ok(vec![Fact::Inbound(Inbound { id, phone: from, number: to, text, at, ..Inbound::default() })]);
    }
    let (status, error) = (text(&json["status"]), &json["error"]);
    let (sent, failed) = (["submitted", "delivered", "read"], ["rejected", "undeliverable"]);
    let either =
        |name: &str, before: &str| first([text(&error[name]).into(), text(&error[before]).into()]).into_owned();
    let (code, words) = (either("title", "code"), either("detail", "reason"));
    let Some(outcome) = Outcome::of("vonage", &status, &sent, &failed, &code, &words) else { return Ok(Vec::new()) };
    let id = first([post.own_id(), id.into()]).into_owned();
    Ok(vec![Fact::Status(Status { id, phone: to, number: from, service: String::new(), at, outcome })])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By Python: `hmac.new(b"signature-secret", text, "sha256").hexdigest()`, with the text
    /// `&message-timestamp=2026-05-28 20:26:40&msisdn=447700900001&text=a_b_c&timestamp=1780000000&to=447700900000`.
    #[test]
    fn a_signature_of_another_program_is_good() {
        let sig = "efd5ffea30368f4cf3e1de88bab959c2c64141e45e8f879608b2bc3031e47d04";
        let sha512 = "fda28671f6449bc0977432eedf5f5e64fe9c24f32d614eb8069752e74d7467462dc1099e6753c003bf706e7b6bfa17e092fd68d0aed96d6174e97a8ce93da38c";
        let form = |text: &str, sig: &str| {
            let rest =
                "msisdn=447700900001&to=447700900000&timestamp=1780000000&message-timestamp=2026-05-28+20%3A26%3A40";
            Form::parse(format!("{rest}&text={text}&sig={sig}").as_bytes())
        };
        let keys = ["signature-secret".to_owned()];
        let signed_at = 1_780_000_000_000;
        let verify = |text: &str, sig: &str, now| verify_parameters(&form(text, sig), &keys, now);
        assert_eq!(verify("a%26b%3Dc", sig, signed_at), Ok(()));
        assert_eq!(verify("a%26b%3Dc", sha512, signed_at), Ok(()));
        assert_eq!(verify("a%26b%3Dc", &sig.to_uppercase(), signed_at + DAY_MS), Ok(()), "it delivers for a day");
        assert_eq!(verify("a%26b%3Dc", sig, signed_at + LATE_MS + 1), Err(Unsigned::Old));
        for (text, sig) in [("abc", sig), ("a%26b%3Dc", ""), ("a%26b%3Dc", &sig[..32]), ("a%26b%3Dc", "xyz")] {
            assert!(matches!(verify(text, sig, signed_at), Err(Unsigned::Wrong(_))), "{text} {sig}");
        }
        let merged = Form::parse(
            format!(
                "message-timestamp=2026-05-28+20%3A26%3A40&msisdn%3D447700900001%26text=a_b_c&timestamp=1780000000\
                 &to=447700900000&sig={sig}"
            )
            .as_bytes(),
        );
        assert!(verify_parameters(&merged, &keys, signed_at).is_err(), "two parameters as one");
        assert_eq!(sent_at(&form("", "")), "2026-05-28T20:26:40Z");
        assert_eq!(time::parse(&sent_at(&form("", ""))), Ok(signed_at));
    }

    /// Who reacts with a sign says no more than that.
    #[test]
    fn a_reaction_is_its_sign() {
        let json = serde_json::json!({ "message_type": "reaction", "reaction": { "action": "react", "emoji": "🛑" } });
        assert_eq!(texts(said(&json)), "🛑");
    }
}
