//! What programs see of a contact and of its history, as JSON: one rendering for GET, EXPORT and HISTORY, for a purge's
//! archive, and for the import and the export.

mod contact;
mod event;
mod list_event;
mod rows;
mod timeline;
mod trail;
mod why;

use serde_json::{Map, Value};

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

/// Sets a field, unless the text is empty.
fn put_text(fields: &mut Map<String, Value>, name: &str, text: &str) {
    if !text.is_empty() {
        fields.insert(name.to_owned(), text.into());
    }
}
