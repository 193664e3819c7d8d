//! NDJSON: an object a line, its keys found among the columns as they turn up. An object is a row, or a contact as GET and
//! EXPORT tell it, which is several.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::import::columns::Columns;
use crate::import::columns::survey::Survey;
use crate::import::send::refusal::Refusal;
use crate::json;

/// The key under which a refused object tells why.
pub const REJECTED: &str = "rejected";

/// Where the keys of objects stand among the columns.
#[derive(Default)]
pub struct Keys(HashMap<String, usize>);

/// One value, by the place of its column.
pub type Cell = (usize, String);

impl Keys {
    /// Looks at the objects of some lines; their keys become columns of the survey.
    pub fn see(&mut self, lines: &str, survey: &mut Survey) {
        for line in lines.lines() {
            for row in rows(line).unwrap_or_default() {
                let mut cells = Vec::new();
                each(&row, &mut |key, value| {
                    let at = match self.0.get(key) {
                        Some(&at) => at,
                        None => survey.add_column(key),
                    };
                    self.0.insert(key.to_owned(), at);
                    cells.push((at, value));
                });
                survey.see(cells.iter().map(|(at, cell)| (*at, cell.as_str())));
            }
        }
    }

    /// The cells of an object; new keys become new columns.
    pub fn cells(&mut self, object: &Map<String, Value>, columns: &mut Columns, cells: &mut Vec<Cell>) {
        cells.clear();
        each(object, &mut |key, value| {
            let at = match self.0.get(key) {
                Some(&at) => at,
                None => {
                    let at = columns.add(key);
                    self.0.insert(key.to_owned(), at);
                    at
                }
            };
            cells.push((at, value));
        });
    }
}

/// The object of a line, if it is one.
pub fn parse(line: &str) -> Option<Map<String, Value>> {
    serde_json::from_str(line).ok()
}

/// The rows of a line.
///
/// # Errors
/// The line is no object, or its `lists` may say who wants no messages in another way than ours.
pub fn rows(line: &str) -> std::result::Result<Vec<Map<String, Value>>, Refusal> {
    let object = parse(line).ok_or(Refusal::BadJson)?;
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

/// Every value of an object as text; those of `labels` under `labels.key`. What is null is not there.
fn each(object: &Map<String, Value>, take: &mut dyn FnMut(&str, String)) {
    for (key, value) in object {
        match value {
            Value::Null => {}
            Value::Object(labels) if key == "labels" || key == "label" => {
                for (label, value) in labels {
                    if !value.is_null() {
                        take(&format!("labels.{label}"), text(value));
                    }
                }
            }
            Value::Object(_) if key == REJECTED => {}
            value => take(key, text(value)),
        }
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
