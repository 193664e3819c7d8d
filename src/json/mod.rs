//! What programs see of a contact and of its history, as JSON: one rendering for GET, EXPORT and HISTORY, for a purge's
//! archive, and for the import and the export.

mod contact;
mod event;
mod list_event;
mod rows;
mod timeline;
mod trail;
mod why;

use serde_json::{Map, Number, Value};

pub use contact::{Against, contact_json};
pub use event::{event_json, kind_word, meaning};
pub use list_event::{list_event_json, list_event_word};
pub use rows::{COLUMNS, rows};
pub use timeline::timeline;
pub use trail::{put_replayed, trail, unnamed_erasure, waiting};
pub use why::WhyAnswer;

use crate::model::amount;
use crate::model::time::{self, Millis};

/// A date, or null for never.
pub fn date(at: Millis) -> Value {
    if at == 0 { Value::Null } else { time::format(at).into() }
}

/// An amount, kept in millionths, as a JSON number.
pub fn amount_json(micros: i64) -> Value {
    serde_json::from_str(&amount::format(micros)).unwrap_or_default()
}

/// Adds the numbers of one object to those of another. What is no number stays as it is.
pub fn add(sum: &mut Value, more: &Value) {
    match (sum, more) {
        (Value::Number(sum), Value::Number(more)) => *sum = added(sum, more),
        (Value::Object(sum), Value::Object(more)) => {
            for (key, more) in more {
                match sum.get_mut(key) {
                    Some(sum) => add(sum, more),
                    None => {
                        sum.insert(key.clone(), more.clone());
                    }
                }
            }
        }
        _ => {}
    }
}

/// Integers as they are, and amounts of money in their smallest parts: neither is rounded.
fn added(one: &Number, other: &Number) -> Number {
    if let (Some(one), Some(other)) = (one.as_i64(), other.as_i64()) {
        return (one + other).into();
    }
    let micros = |number: &Number| amount::parse(&number.to_string()).unwrap_or(0);
    amount_json(micros(one) + micros(other)).as_number().cloned().unwrap_or_else(|| 0.into())
}

/// The word by which a plan of a purge is called: a number, or in a store in partitions those of all, with dots between them.
pub fn plan_word(plan: &Value) -> String {
    plan["plan"].as_str().map_or_else(|| plan["plan"].to_string(), str::to_owned)
}

/// Sets a field, unless the text is empty.
fn put_text(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        fields.insert(name.to_owned(), text.into());
    }
}
