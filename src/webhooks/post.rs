//! A request of a provider as it arrived: nothing is trusted until its signature was found good.

use std::borrow::Cow;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method};
use serde_json::Value;

use crate::command::broken_json;
use crate::model::keyword::unread;

/// A request of a provider.
pub struct Post {
    /// GET or POST.
    pub method: Method,
    /// The address that the provider called, as the provider knows it: `--public-url`, then path and query.
    pub url: String,
    /// The query of the address.
    pub query: Form,
    /// The header fields.
    pub headers: HeaderMap,
    /// The body, byte for byte: what was signed.
    pub body: Bytes,
}

impl Post {
    /// A header field; "" where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The body as a form; of a GET, the query.
    pub fn form(&self) -> Form {
        if self.method == Method::GET { self.query.clone() } else { Form::parse(&self.body) }
    }

    /// The body as JSON. What is broken is read as far as it can be, and each of its texts ends in the mark of what cannot be
    /// read: so it forbids what it says, and permits nothing.
    pub fn json(&self) -> Result<Value, &'static str> {
        if let Ok(json) = serde_json::from_slice(&self.body) {
            return Ok(json);
        }
        let read = broken_json::value(&unread::text_of(&self.body));
        let mut json = read.filter(|json| json.is_object() || json.is_array()).ok_or("its body is not JSON")?;
        mark_texts(&mut json);
        Ok(json)
    }

    /// The id that we gave the message ourselves, in the address of its callback: `?id=…`.
    pub fn own_id(&self) -> Cow<'_, str> {
        self.query.get("id")
    }
}

/// Names and values, as a form or a query has them, in their order. They are bytes: a signature covers those.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Form(Vec<(Vec<u8>, Vec<u8>)>);

impl Form {
    /// Reads `name=value&…`, where a plus is a blank and `%2B` a plus.
    pub fn parse(encoded: &[u8]) -> Form {
        let pairs = encoded.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        Form(
            pairs
                .map(|pair| {
                    let (name, value) = match pair.iter().position(|byte| *byte == b'=') {
                        Some(at) => (&pair[..at], &pair[at + 1..]),
                        None => (pair, &[][..]),
                    };
                    (decoded(name), decoded(value))
                })
                .collect(),
        )
    }

    /// The names and texts of a flat object of JSON.
    pub fn of_json(object: &Value) -> Form {
        let fields = object.as_object().into_iter().flatten();
        Form(fields.map(|(name, value)| (name.clone().into_bytes(), text(value).into_bytes())).collect())
    }

    /// All that stands under some names, each text once and on a line of its own.
    pub fn all(&self, names: &[&str]) -> String {
        let mut texts: Vec<Cow<'_, str>> = Vec::new();
        for name in names {
            let found = self.0.iter().filter(|(known, _)| known == name.as_bytes());
            for text in found.map(|(_, value)| unread::text_of(value)) {
                if !text.trim().is_empty() && !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        match (texts.is_empty(), names.first()) {
            // Blanks are what was written, too.
            (true, Some(name)) => self.get(name).into_owned(),
            _ => texts.join("\n"),
        }
    }

    /// The first value of a name; "" where there is none.
    pub fn get(&self, name: &str) -> Cow<'_, str> {
        let found = self.0.iter().find(|(known, _)| known == name.as_bytes());
        found.map_or(Cow::Borrowed(""), |(_, value)| unread::text_of(value))
    }

    /// The names that are texts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|(name, _)| std::str::from_utf8(name).ok())
    }

    /// Whether it has a name.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name.as_bytes())
    }

    /// Whether it has nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// All pairs, by name and then by value.
    pub fn sorted(&self) -> Vec<(&[u8], &[u8])> {
        let mut pairs: Vec<_> = self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
        pairs.sort_unstable();
        pairs
    }
}

/// The fields that a person writes, or taps.
const WRITTEN: [&str; 5] = ["text", "title", "caption", "payload", "subject"];

/// Marks what a person wrote in a broken body.
fn mark_texts(json: &mut Value) {
    match json {
        Value::Array(items) => items.iter_mut().for_each(mark_texts),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if WRITTEN.contains(&name.as_str()) => text.push(unread::MARK),
                    value => mark_texts(value),
                }
            }
        }
        _ => {}
    }
}

/// A text or a number of JSON as a text; "" for everything else.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    }
}

/// All that a message of JSON says, each text once and on a line of its own: its words, and those of what was tapped.
pub fn texts<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    let mut texts: Vec<String> = Vec::new();
    for text in values.into_iter().map(text) {
        if !text.trim().is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    texts.join("\n")
}

fn decoded(encoded: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut bytes = Vec::with_capacity(encoded.len());
    let mut at = 0;
    while let Some(byte) = encoded.get(at) {
        at += 1;
        match (byte, digit(encoded.get(at)), digit(encoded.get(at + 1))) {
            (b'+', ..) => bytes.push(b' '),
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                at += 2;
            }
            _ => bytes.push(*byte),
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let form = Form::parse(b"From=%2B14155550123&Body=Stop+%26+go%21&Empty=&Alone&a=2&a=1&%zz=%4");
        assert_eq!(form.get("From"), "+14155550123");
        assert_eq!(form.get("Body"), "Stop & go!");
        assert!(form.has("Empty") && form.has("Alone") && !form.has("Other"));
        assert_eq!((form.get("a"), form.get("%zz"), form.get("Other")), ("2".into(), "%4".into(), "".into()));
        assert_eq!(form.sorted()[0], (&b"%zz"[..], &b"%4"[..]));
        assert!(Form::parse(b"").is_empty() && Form::parse(b"&&").is_empty());
    }
}
