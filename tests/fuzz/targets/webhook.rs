//! Webhooks: whatever a provider posts is read without a panic, and the text of a message is what the phone wrote.

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use contactd::model::keyword::unread;
use contactd::webhooks::Provider;
use contactd::webhooks::fact::Fact;
use contactd::webhooks::post::{Form, Post};

use super::chosen;

pub fn run(input: &[u8]) {
    let (choice, body) = chosen(input);
    let provider = Provider::ALL[choice % Provider::ALL.len()];
    let method = if choice & 0x40 == 0 { Method::POST } else { Method::GET };
    let query = body.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let first = provider.read(&post(method.clone(), query, body));
    assert_eq!(first, provider.read(&post(method, query, body)), "twice the same");

    let form = ["From=%2B14155550123&To=%2B14155550100&MessageSid=1&Body=", &encoded(body)].concat();
    let facts = Provider::Twilio.read(&post(Method::POST, b"", form.as_bytes())).expect("a message");
    let [Fact::Inbound(inbound)] = &facts[..] else { panic!("{facts:?} of {form}") };
    assert_eq!(inbound.text, unread::text_of(body), "{form}");
}

fn post(method: Method, query: &[u8], body: &[u8]) -> Post {
    Post {
        method,
        url: "https://sms.example.com/webhooks".into(),
        query: Form::parse(query),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body),
    }
}

/// As a browser writes the value of a field.
fn encoded(bytes: &[u8]) -> String {
    let one = |&byte: &u8| match byte {
        b' ' => "+".to_owned(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    bytes.iter().map(one).collect()
}
