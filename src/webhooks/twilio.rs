//! Twilio, and `SignalWire`, which posts what Twilio posts.
//!
//! **Twilio** signs with the Auth Token, in `X-Twilio-Signature`: base64 of the HMAC-SHA1 of the address, as it is configured,
//! and of all parameters of the form, sorted, name and value; of a parameter that stands twice each value once
//! (<https://www.twilio.com/docs/usage/webhooks/webhooks-security>, and `request_validator.py` of twilio-python, which takes
//! the address with its port and without). With `X-Twilio-Webhooks-Signature-Settings: …,algorithm=HMAC_SHA256` the key is a
//! shared key of the account, and the hash SHA-256
//! (<https://github.com/twilio/twilio-node/blob/main/examples/WebhookSignatureValidation.md>). No time is signed.
//!
//! **`SignalWire`** signs the same text with its Signing Key, in `X-SignalWire-Signature`, or the address and the raw body, in
//! hexadecimal digits; with SHA-256 in `X-SignalWire-SHA256-Signature`
//! (<https://signalwire.com/docs/swml/guides/webhook-security>).
//!
//! Neither says when a message was sent (<https://www.twilio.com/docs/messaging/guides/webhook-request>). Twilio ends its
//! attempts after 15 seconds (<https://www.twilio.com/docs/usage/webhooks/webhooks-connection-overrides>), `SignalWire` after
//! three of at most 9.5 seconds each (<https://developer.signalwire.com/guides/common-webhook-errors>).

use std::borrow::Cow;

use data_encoding::{BASE64, HEXLOWER_PERMISSIVE as HEX};

use super::fact::{Fact, Inbound, Keyword, Outcome, Status, first, number};
use super::post::{Form, Post};
use super::signature::{SHA1, SHA256, Unsigned, is_hmac};
use crate::model::time::Millis;

/// How late Twilio may deliver a message.
pub const LATE_MS_MAX: Millis = 15_000;
/// How late `SignalWire` may.
pub const SIGNALWIRE_LATE_MS_MAX: Millis = 60_000;

const WRONG: Unsigned =
    Unsigned::Wrong("the signature is wrong: are the key and --public-url as the provider has them?");
const MISSING: Unsigned = Unsigned::Wrong("it is not signed");

/// Whether Twilio has signed it.
pub fn verify(post: &Post, keys: &[String]) -> Result<(), Unsigned> {
    let settings = post.header("x-twilio-webhooks-signature-settings");
    let algorithm = match settings.split(',').find_map(|setting| setting.trim().strip_prefix("algorithm=")) {
        None => SHA1,
        Some("HMAC_SHA256") => SHA256,
        Some(_) => return Err(Unsigned::Wrong("it is signed by an algorithm that contactd does not know")),
    };
    let signature = post.header("x-twilio-signature");
    if signature.is_empty() {
        return Err(MISSING);
    }
    let Ok(signature) = BASE64.decode(signature.as_bytes()) else { return Err(WRONG) };
    if signed_texts(post).iter().any(|text| is_hmac(algorithm, keys, text, &signature)) { Ok(()) } else { Err(WRONG) }
}

/// Whether `SignalWire` has signed it.
pub fn verify_signalwire(post: &Post, keys: &[String]) -> Result<(), Unsigned> {
    let raw = || [post.url.as_bytes(), &post.body].concat();
    let strong = post.header("x-signalwire-sha256-signature");
    if !strong.is_empty() {
        let is_good = HEX.decode(strong.as_bytes()).is_ok_and(|strong| is_hmac(SHA256, keys, &raw(), &strong));
        return if is_good { Ok(()) } else { Err(WRONG) };
    }
    let signature =
        first(["x-signalwire-signature", "x-twilio-signature"].map(|name| Cow::Borrowed(post.header(name))));
    if signature.is_empty() {
        return Err(MISSING);
    }
    let is_good = HEX.decode(signature.as_bytes()).is_ok_and(|signature| is_hmac(SHA1, keys, &raw(), &signature))
        || BASE64
            .decode(signature.as_bytes())
            .is_ok_and(|signature| signed_texts(post).iter().any(|text| is_hmac(SHA1, keys, text, &signature)));
    if is_good { Ok(()) } else { Err(WRONG) }
}

/// What may have been signed: the address as it is configured, without its port, with the port of its scheme; each with the
/// parameters behind it.
fn signed_texts(post: &Post) -> Vec<Vec<u8>> {
    let form = post.form();
    let mut pairs = if post.method == axum::http::Method::POST { form.sorted() } else { Vec::new() };
    pairs.dedup();
    let parameters: Vec<u8> = pairs.into_iter().flat_map(|(name, value)| [name, value].concat()).collect();
    addresses(&post.url).iter().map(|address| [address.as_bytes(), &parameters].concat()).collect()
}

fn addresses(url: &str) -> Vec<Cow<'_, str>> {
    let mut addresses = vec![Cow::Borrowed(url)];
    if let Some((scheme, rest)) = url.split_once("://") {
        let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let port = host.rfind(':').filter(|colon| host[colon + 1..].bytes().all(|byte| byte.is_ascii_digit()));
        addresses.push(Cow::Owned(match port {
            Some(colon) => format!("{scheme}://{}{path}", &host[..colon]),
            None => format!("{scheme}://{host}:{}{path}", if scheme == "https" { 443 } else { 80 }),
        }));
    }
    addresses
}

/// The events of Conversations that have what somebody wrote.
const SAYING: [&str; 4] = ["onmessageadd", "onmessageadded", "onconversationadd", "onconversationadded"];

/// Reads an event of Conversations (<https://www.twilio.com/docs/conversations/conversations-webhooks>). It names its author, and
/// our number only where the conversation begins. What we say ourselves has an author who is no phone.
fn read_event(form: &Form, late_ms_max: Millis) -> Vec<Fact> {
    let event = form.get("EventType").trim().to_ascii_lowercase();
    let text = form.all(&["Body", "MessageBody"]);
    if !SAYING.contains(&&*event) || text.trim().is_empty() {
        return Vec::new();
    }
    let author = ["Author", "MessagingBinding.AuthorAddress", "MessagingBinding.Address"].map(|name| form.get(name));
    let ours = ["MessagingBinding.ProxyAddress", "MessagingBinding.ProjectedAddress"].map(|name| form.get(name));
    vec![Fact::Inbound(Inbound {
        id: form.get("MessageSid").into_owned(),
        phone: number(&first(author), true),
        number: number(&first(ours), true),
        service: form.get("MessagingServiceSid").into_owned(),
        text,
        at: form.get("DateCreated").into_owned(),
        late_ms_max,
        is_event: true,
        ..Inbound::default()
    })]
}

/// What it says.
pub fn read(post: &Post, provider: &str, late_ms_max: Millis) -> Result<Vec<Fact>, &'static str> {
    let form = post.form();
    if form.has("EventType") && !form.has("From") {
        return Ok(read_event(&form, late_ms_max));
    }
    let provider_id = first([form.get("MessageSid"), form.get("SmsSid")]);
    let status = first([form.get("MessageStatus"), form.get("SmsStatus")]);
    let (from, to) = (number(&form.get("From"), true), number(&form.get("To"), true));
    let service = form.get("MessagingServiceSid").into_owned();
    if matches!(&*status.to_ascii_lowercase(), "" | "received" | "receiving") {
        if !form.has("From") {
            return Err("From is missing");
        }
        return Ok(vec![Fact::Inbound(Inbound {
            id: provider_id.into_owned(),
            phone: from,
            number: to,
            service,
            // A button says what was written on it and what it stands for; so does the row of a list.
            text: form.all(&["Body", "ButtonText", "ButtonPayload", "ListTitle", "ListId"]),
            at: String::new(),
            late_ms_max,
            keyword: Keyword::of(&form.get("OptOutType"), &["stop"]),
            ..Inbound::default()
        })]);
    }
    let (code, words) = (form.get("ErrorCode"), form.all(&["ErrorMessage", "ChannelStatusMessage"]));
    let (sent, failed) = (["sent", "delivered", "read"], ["failed", "undelivered"]);
    let Some(outcome) = Outcome::of(provider, &status, &sent, &failed, &code, &words) else { return Ok(Vec::new()) };
    let id = first([post.own_id(), provider_id]).into_owned();
    Ok(vec![Fact::Status(Status { id, phone: to, number: from, service, at: String::new(), outcome })])
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue, Method};

    use super::*;

    fn post(url: &str, headers: &[(&'static str, &str)], body: &'static str) -> Post {
        let value = |text: &str| HeaderValue::from_str(text).expect("a value");
        Post {
            method: Method::POST,
            url: url.to_owned(),
            query: Form::parse(url.split_once('?').map_or("", |(_, query)| query).as_bytes()),
            headers: headers.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect(),
            body: body.into(),
        }
    }

    /// The example of Twilio's libraries: `test_request_validator.py` of twilio-python.
    #[test]
    fn the_example_of_twilios_libraries_is_good() {
        let url = "https://mycompany.com/myapp.php?foo=1&bar=2";
        let body = "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212&Caller=%2B14158675309";
        let signed = [("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B8=")];
        let keys = ["another".to_owned(), "12345".to_owned()];
        assert_eq!(verify(&post(url, &signed, body), &keys), Ok(()));
        assert_eq!(verify(&post("https://mycompany.com:443/myapp.php?foo=1&bar=2", &signed, body), &keys), Ok(()));
        for other in [
            post("https://mycompany.com/myapp.php?foo=1&bar=3", &signed, body),
            post(url, &signed, "CallSid=CA1234567890ABCDE&Digits=1234&From=%2B14158675309&To=%2B18005551212"),
            post(url, &[("x-twilio-signature", "RSOYDt4T1cUTdK1PDd93/VVr8B9=")], body),
            post(url, &[("x-twilio-signature", "not base64!")], body),
        ] {
            assert_eq!(verify(&other, &keys), Err(WRONG));
        }
        assert_eq!(verify(&post(url, &[], body), &keys), Err(MISSING));
        assert_eq!(verify(&post(url, &signed, body), &keys[..1]), Err(WRONG));
    }

    /// By Python: `base64.b64encode(hmac.new(b"shared-key", (url + "BodyStopFrom+1").encode(), "sha256").digest())`.
    #[test]
    fn a_shared_key_signs_with_sha_256() {
        let url = "https://sms.example.com/webhooks/twilio";
        let settings = "key=SK1,algorithm=HMAC_SHA256";
        let headers = [
            ("x-twilio-webhooks-signature-settings", settings),
            ("x-twilio-signature", "VMpDtvC9IRghyvLdM/M486sw3s9AIUS5dl+rpEFDYrE="),
        ];
        let keys = ["shared-key".to_owned()];
        assert_eq!(verify(&post(url, &headers, "From=%2B1&Body=Stop&Body=Stop"), &keys), Ok(()));
        assert_eq!(verify(&post(url, &headers[1..], "From=%2B1&Body=Stop"), &keys), Err(WRONG));
        let unknown = [("x-twilio-webhooks-signature-settings", "key=SK1,algorithm=NONE"), headers[1]];
        assert!(verify(&post(url, &unknown, "From=%2B1&Body=Stop"), &keys).is_err());
    }

    /// The first is the example of `SignalWire`'s libraries: `webhook_validator_sha256_test.rb` of signalwire-ruby.
    #[test]
    fn signalwires_ways_are_good() {
        let keys = ["PSKtest1234567890abcdef".to_owned()];
        let (url, body) = (
            "https://example.ngrok.io/webhook",
            r#"{"event":"call.state","params":{"call_id":"abc-123","state":"answered"}}"#,
        );
        let sha1 = "c3c08c1fefaf9ee198a100d5906765a6f394bf0f";
        let sha256 = "2a29f8a92b11df39da80c3b185fd62173d49c294184da585ff951eae4433571c";
        assert_eq!(verify_signalwire(&post(url, &[("x-signalwire-signature", sha1)], body), &keys), Ok(()));
        assert_eq!(verify_signalwire(&post(url, &[("x-signalwire-sha256-signature", sha256)], body), &keys), Ok(()));
        // The better one decides.
        let both = [("x-signalwire-signature", sha1), ("x-signalwire-sha256-signature", sha1)];
        assert_eq!(verify_signalwire(&post(url, &both, body), &keys), Err(WRONG));
        let (example, form) = ("https://mycompany.com/myapp.php?foo=1&bar=2", "To=%2B1&From=%2B2");
        let cxml = [("x-signalwire-signature", "UJ+QyBxpvecjULFFuTRNhLPw9Zs=")];
        assert_eq!(verify_signalwire(&post(example, &cxml, form), &["12345".to_owned()]), Ok(()));
        assert_eq!(verify_signalwire(&post(example, &[], form), &keys), Err(MISSING));
    }

    #[test]
    fn a_callback_has_our_own_id_if_its_address_does() {
        let read = |url: &str, body: &'static str| read(&post(url, &[], body), "twilio", LATE_MS_MAX).expect("read");
        let url = "https://sms.example.com/webhooks/twilio?id=spring-1";
        let [Fact::Status(status)] =
            &read(url, "MessageSid=SM1&MessageStatus=failed&ErrorCode=30005&To=%2B1&From=%2B2")[..]
        else {
            panic!("a status");
        };
        assert_eq!((&*status.id, &*status.phone, &*status.number), ("spring-1", "+1", "+2"));
        assert_eq!(status.outcome, Outcome::Failed { code: "30005".to_owned() });
        assert!(read(url, "MessageSid=SM1&MessageStatus=queued&To=%2B1").is_empty());
        for (body, said) in [
            ("From=%2B1&To=%2B2&Body=hi&Body=STOP", "hi\nSTOP"),
            ("From=%2B1&To=%2B2&Body=Option+2&ButtonPayload=STOP", "Option 2\nSTOP"),
            ("From=%2B1&To=%2B2&Body=&ButtonText=Stop&ButtonPayload=Stop", "Stop"),
        ] {
            assert!(matches!(&read(url, body)[..], [Fact::Inbound(inbound)] if inbound.text == said), "{body}");
        }
        for body in [
            "MessageSid=SM1&MessageStatus=canceled&ErrorCode=21610&To=%2B1",
            "MessageSid=SM1&MessageStatus=Undelivered&To=%2B1&ErrorMessage=Attempt+to+send+to+unsubscribed+recipient",
        ] {
            assert!(
                matches!(&read(url, body)[..], [Fact::Status(status)] if status.outcome != Outcome::Sent),
                "{body}"
            );
        }
        let [Fact::Inbound(inbound)] =
            &read(url, "MessageSid=SM1&SmsStatus=received&From=%2B1&To=%2B2&OptOutType=stop")[..]
        else {
            panic!("a message");
        };
        assert_eq!((&*inbound.id, inbound.keyword), ("SM1", Some(Keyword::Stop)));
    }
}
