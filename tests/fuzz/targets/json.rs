//! JSON that is broken: what can be read of it is read, no deeper than is safe; and what is sound reads as it is.

use contactd::command::broken_json;
use contactd::command::remains::Remains;
use serde_json::{Map, Value};

/// Objects and arrays inside of each other are read so deep.
const DEPTH_MAX: usize = 16;

pub fn run(input: &[u8]) {
    let remains = Remains::of(Some(input));
    for key in ["text", "at", "reason", "status", "phone"] {
        let (_, _, _) = (remains.said(key), remains.text(key), remains.forbidden(key, 0));
    }
    let _ = remains.said_by_others(&["text", "id"]);
    let statement = remains.statement(0);
    assert!(statement.source.len() <= contactd::limits::SOURCE_BYTES_MAX);
    assert!(statement.reason.len() <= contactd::limits::SOURCE_BYTES_MAX);
    let Ok(text) = std::str::from_utf8(input) else { return };
    let keys = broken_json::keys(text);
    assert!(keys.iter().all(|(_, value)| depth(value) <= DEPTH_MAX + 1));
    // Escapes of control characters are read as blanks, and of a key that stands twice a map has one value.
    let Ok(sound) = serde_json::from_str::<Map<String, Value>>(text) else { return };
    if text.contains('\\') || sound.values().any(|value| depth(value) >= DEPTH_MAX) {
        return;
    }
    assert!(remains.is_whole() || !text.starts_with('{'), "a blank before it");
    let read: Map<String, Value> = keys.into_iter().collect();
    assert_eq!(read, sound);
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(keys) => 1 + keys.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
