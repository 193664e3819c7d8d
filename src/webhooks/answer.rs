//! What a provider is answered, and by it the phone.

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::fact::Inbound;
use super::provider::Provider;

/// A message from a phone is taken. `text` is the answer to the phone, empty for none; only Twilio, `SignalWire` and Plivo take
/// one here.
pub fn taken(provider: Provider, inbound: Option<&Inbound>, text: &str) -> Response {
    let bare = |number: &str| escaped(number.trim_start_matches('+'));
    let sender = match (provider, inbound) {
        (Provider::Twilio | Provider::SignalWire, Some(to)) if !to.is_event => String::new(),
        (Provider::Plivo, Some(to)) => format!(r#" src="{}" dst="{}""#, bare(&to.number), bare(&to.phone)),
        _ => return StatusCode::NO_CONTENT.into_response(),
    };
    let message = if text.is_empty() { String::new() } else { format!("<Message{sender}>{}</Message>", escaped(text)) };
    let page = format!(r#"<?xml version="1.0" encoding="UTF-8"?><Response>{message}</Response>"#);
    ([(CONTENT_TYPE, "text/xml; charset=utf-8"), (CACHE_CONTROL, "no-store")], page).into_response()
}

/// It is not taken.
pub fn refused(status: StatusCode, why: &str) -> Response {
    let mut answer = (status, [(CONTENT_TYPE, "text/plain; charset=utf-8")], format!("{why}\n")).into_response();
    match status {
        StatusCode::SERVICE_UNAVAILABLE => {
            answer.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        StatusCode::UNAUTHORIZED => {
            let basic = HeaderValue::from_static(r#"Basic realm="contactd""#);
            answer.headers_mut().insert(WWW_AUTHENTICATE, basic);
        }
        _ => {}
    }
    answer
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
