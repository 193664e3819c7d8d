//! NDJSON: an object a line, its keys found among the columns as they turn up. An object is a row, or a contact as GET and
//! EXPORT tell it, which is several.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use serde::Deserializer as _;
use serde::de::{MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::import::columns::Columns;
use crate::import::columns::survey::Survey;
use crate::import::send::refusal::Refusal;
use crate::json;

/// The key under which a refused object tells why.
pub const REJECTED: &str = "rejected";

/// Where the keys of objects stand among the columns.
#[derive(Default)]
pub struct Keys {
    places: HashMap<String, usize>,
}

/// One value, by the place of its column.
pub type Cell = (usize, String);

/// The keys of an object and their values.
pub type Pairs = Vec<(String, Value)>;

impl Keys {
    /// Looks at the objects of some lines; their keys become columns of the survey.
    pub fn see(&mut self, lines: &str, survey: &mut Survey) {
        for line in lines.lines() {
            for row in rows(line).0 {
                survey.are_rejects |= row.iter().any(|(key, value)| key == REJECTED && value.is_object());
                let mut cells = Vec::new();
                each(&row, &mut |key, value| {
                    let at = match self.places.get(key) {
                        Some(&at) => at,
                        None => survey.add_column(key),
                    };
                    self.places.insert(key.to_owned(), at);
                    cells.push((at, value));
                });
                survey.see(cells.iter().map(|(at, cell)| (*at, cell.as_str())));
            }
        }
    }

    /// The cells of an object; new keys become new columns.
    pub fn cells(&mut self, object: &Pairs, columns: &mut Columns, cells: &mut Vec<Cell>) {
        cells.clear();
        each(object, &mut |key, value| {
            let at = match self.places.get(key) {
                Some(&at) => at,
                None => {
                    let at = columns.add(key);
                    self.places.insert(key.to_owned(), at);
                    at
                }
            };
            cells.push((at, value));
        });
    }
}

/// The object of a line, if it is one. Of a key that stands twice the last value is left.
pub fn parse(line: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(line).ok()
}

/// The rows of a line, and what is wrong with it. Where a key stands twice, its row has both values: what one of them forbids is
/// taken.
pub fn rows(line: &str) -> (Vec<Pairs>, Option<Refusal>) {
    match parse(line) {
        None => (Vec::new(), Some(Refusal::BadJson)),
        Some(_) if repeats_a_key(line) => (vec![all_pairs(line)], Some(Refusal::RepeatedKey)),
        Some(object) => match contact_or_row(object) {
            Ok(rows) => (rows.into_iter().map(|row| row.into_iter().collect()).collect(), None),
            Err(why) => (Vec::new(), Some(why)),
        },
    }
}

/// The rows of an object.
///
/// # Errors
/// Its `lists` may say who wants no messages in another way than ours.
fn contact_or_row(object: Map<String, Value>) -> std::result::Result<Vec<Map<String, Value>>, Refusal> {
    let lists = match object.get("lists") {
        Some(Value::Array(lists)) if lists.iter().all(Value::is_object) => lists,
        _ => return Ok(vec![object]),
    };
    let is_told = |on: &Value| on["list"].is_string() && on["status"].is_string();
    let is_contact = object.contains_key("phone_number") && object.contains_key("status");
    if !is_contact || !lists.iter().all(is_told) {
        return if lists.is_empty() { Ok(vec![object]) } else { Err(Refusal::BadLists) };
    }
    Ok(json::rows(&Value::Object(object), None))
}

/// What stands under a path in the first row of a line that has it.
pub fn cell(line: &str, path: &str) -> Option<String> {
    let mut found = None;
    for row in rows(line).0 {
        each(&row, &mut |key, value| found = found.take().or_else(|| (key == path).then_some(value)));
    }
    found
}

/// The pairs of the object of a line, with all values of a key that stands there twice.
fn all_pairs(line: &str) -> Pairs {
    struct All;
    impl<'de> Visitor<'de> for All {
        type Value = Pairs;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Pairs, A::Error> {
            let mut pairs = Pairs::new();
            while let Some(pair) = object.next_entry()? {
                pairs.push(pair);
            }
            Ok(pairs)
        }
    }
    serde_json::Deserializer::from_str(line).deserialize_map(All).unwrap_or_default()
}

/// Whether a key stands twice in an object of this JSON, however deep.
pub fn repeats_a_key(json: &str) -> bool {
    // The keys of each object that is open; an array has none.
    let mut open: Vec<Option<Vec<Cow<'_, str>>>> = Vec::new();
    let (bytes, mut at, mut is_key) = (json.as_bytes(), 0, false);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => {
                open.push((byte == b'{').then(Vec::new));
                is_key = byte == b'{';
            }
            b'}' | b']' => {
                open.pop();
                is_key = false;
            }
            b',' => is_key = matches!(open.last(), Some(Some(_))),
            b':' => is_key = false,
            b'"' => {
                let end = end_of_text(bytes, at);
                if let Some(Some(keys)) = open.last_mut().filter(|_| is_key) {
                    let key = unescaped(&json[at - 1..end]);
                    if keys.contains(&key) {
                        return true;
                    }
                    keys.push(key);
                }
                at = end;
            }
            _ => {}
        }
    }
    false
}

/// Behind the quote that closes a text.
fn end_of_text(json: &[u8], mut at: usize) -> usize {
    while let Some(&byte) = json.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    json.len()
}

/// A text of JSON without its quotes.
fn unescaped(quoted: &str) -> Cow<'_, str> {
    if quoted.contains('\\') {
        serde_json::from_str(quoted).map_or(Cow::Borrowed(quoted), Cow::Owned)
    } else {
        Cow::Borrowed(quoted.trim_matches('"'))
    }
}

/// Every value of an object as text, those inside of others under their path: each is a column like any other. What is null is not
/// there.
fn each(object: &Pairs, take: &mut dyn FnMut(&str, String)) {
    for (key, value) in object {
        match value {
            Value::Object(labels) if key == "labels" || key == "label" => {
                labels.iter().for_each(|(label, value)| each_inside(&format!("labels.{label}"), value, take));
            }
            Value::Object(_) if key == REJECTED => {}
            value => each_inside(key, value, take),
        }
    }
}

fn each_inside(path: &str, value: &Value, take: &mut dyn FnMut(&str, String)) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| each_inside(&format!("{path}.{key}"), value, take));
        }
        Value::Array(values) if values.iter().any(Value::is_object) => {
            // What several of them have under one path is one cell.
            let mut all: Vec<(String, String)> = Vec::new();
            let mut add = |path: &str, text: String| match all.iter_mut().find(|(known, _)| known == path) {
                Some((_, texts)) => texts.extend([" | ", &text]),
                None => all.push((path.to_owned(), text)),
            };
            for value in values {
                each_inside(path, value, &mut add);
            }
            for (path, text) in all {
                take(&path, text);
            }
        }
        value => take(path, text(value)),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_inside_of_a_value_is_a_column_by_its_path() {
        let line = r#"{"phone":"1","tags":["a"],"labels":{"tier":"gold","sms":{"ok":false}},"profile":{"sms":{"ok":true},"city":null},
                       "subscriptions":[{"channel":"sms","on":true},{"channel":"email","on":false}]}"#;
        let mut paths = Vec::new();
        rows(line).0.iter().for_each(|row| each(row, &mut |path, text| paths.push(format!("{path}={text}"))));
        paths.sort();
        let told = [
            "labels.sms.ok=false",
            "labels.tier=gold",
            "phone=1",
            "profile.sms.ok=true",
            "subscriptions.channel=sms | email",
            "subscriptions.on=true | false",
            "tags=[\"a\"]",
        ];
        assert_eq!(paths, told);
    }

    #[test]
    fn keys_that_stand_twice_are_found_at_any_depth() {
        for json in [
            r#"{"a":1,"a":2}"#,
            r#"{"a":"x","b":[{"c":1,"c":1}]}"#,
            r#"{"labels":{"dnc":"yes", "dnc" : "no"}}"#,
            r#"{"status":1,"stat\u0075s":2}"#,
            r#"{"a\"b":1,"a\"b":2}"#,
        ] {
            assert!(repeats_a_key(json), "{json}");
        }
        for json in [
            "{}",
            r#"{"a":"a","b":"a"}"#,
            r#"{"a":{"b":1},"b":{"a":1}}"#,
            r#"[{"a":1},{"a":2}]"#,
            r#"{"a":"\"a\":1,\"a\":2"}"#,
            r#"{"a":["a","a"],"b":"{\\"}"#,
        ] {
            assert!(!repeats_a_key(json), "{json}");
        }
        let pairs = all_pairs(r#"{"status":"active","n":1.50,"status":"stop"}"#);
        let told: Vec<String> = pairs.iter().map(|(key, value)| format!("{key}={}", text(value))).collect();
        assert_eq!(told, ["status=active", "n=1.50", "status=stop"]);
    }
}
