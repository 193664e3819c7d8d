//! What remains of a JSON object that was refused: the keys that can be read on their own.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::arguments::{cut, date};
use crate::error::excerpt;
use crate::limits::SOURCE_BYTES_MAX;
use crate::model::change::Statement;
use crate::model::fact::How;
use crate::model::time::Millis;

/// The keys of an object with their values, in order, up to where it is not JSON any more.
#[derive(Default)]
pub struct Remains {
    keys: Vec<(String, Value)>,
    is_whole: bool,
}

impl Remains {
    /// Reads what can be read. Bytes that are not UTF-8 and control characters, which JSON does not allow, spoil their own
    /// value alone.
    pub fn of(json: Option<&[u8]>) -> Remains {
        let mut remains = Remains::default();
        let Some(text) = json.filter(|text| text.starts_with(b"{")) else { return remains };
        let text = String::from_utf8_lossy(text).replace(|c: char| c.is_ascii_control(), " ");
        let mut reader = serde_json::Deserializer::from_str(&text);
        remains.is_whole = Keys(&mut remains.keys).deserialize(&mut reader).and_then(|()| reader.end()).is_ok();
        remains
    }

    /// Whether it is an object to its end.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// All values of a key but null, in order.
    pub fn all<'r>(&'r self, key: &'r str) -> impl Iterator<Item = &'r Value> {
        self.keys.iter().filter(move |(name, value)| name == key && !value.is_null()).map(|(_, value)| value)
    }

    /// The value of a key that has one.
    pub fn only(&self, key: &str) -> Option<&Value> {
        let given = |(name, value): &&(String, Value)| name == key && !value.is_null();
        let mut all = self.keys.iter().filter(given).map(|(_, value)| value);
        all.next().filter(|_| all.next().is_none())
    }

    /// The text of a key that has one.
    pub fn text(&self, key: &str) -> Option<String> {
        self.only(key).and_then(Value::as_str).map(str::to_owned)
    }

    /// The date of a key, if it can be read and the object does not break off.
    pub fn date(&self, key: &str) -> Option<Millis> {
        self.only(key).filter(|_| self.is_whole).and_then(|value| date(value).ok().flatten())
    }

    /// As much of a source or a reason as is kept.
    pub fn words(&self, key: &str) -> String {
        cut(self.text(key), SOURCE_BYTES_MAX)
    }

    /// What is said of something that forbids. A date that cannot be read is noted in the reason.
    pub fn statement(&self) -> Statement {
        Statement {
            at: self.date("at"),
            how: self.text("how").and_then(|word| How::parse(&word)).unwrap_or_default(),
            source: self.words("source"),
            reason: cut(self.noted(&["at"], self.text("reason")), SOURCE_BYTES_MAX),
            ..Statement::default()
        }
    }

    /// A reason, and before it the dates that cannot be read: only the history knows them then.
    pub fn noted(&self, dates: &[&str], reason: Option<String>) -> Option<String> {
        let unread = dates.iter().flat_map(|key| self.all(key).map(move |value| (key, value)));
        let unread = unread.filter(|(_, value)| date(value).is_err());
        let notes =
            unread.map(|(key, value)| format!("{key} {} could not be read", excerpt(value.to_string().as_bytes())));
        let all: Vec<String> = notes.chain(reason).collect();
        if all.is_empty() { None } else { Some(all.join("; ")) }
    }
}

/// Reads keys into a place that keeps them when the object breaks off.
struct Keys<'k>(&'k mut Vec<(String, Value)>);

impl<'de> DeserializeSeed<'de> for Keys<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Keys<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key()? {
            let value = map.next_value_seed(std::marker::PhantomData::<Value>)?;
            self.0.push((key, value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_up_to_where_the_json_breaks() {
        let remains = Remains::of(Some(br#"{"text":"STOP","id":7,"at":2024-01-02 15:04}"#));
        assert_eq!((remains.text("text").as_deref(), remains.is_whole()), (Some("STOP"), false));
        assert!(remains.text("id").is_none() && remains.only("id").is_some());
        let remains = Remains::of(Some(b"{\"phone\":\"+1\",\"name\":\"Jos\xe9\ta\",\"a\":null}"));
        assert!(remains.is_whole() && remains.text("phone").is_some() && remains.only("a").is_none());
        for nothing in [None, Some(&b"called us"[..]), Some(b""), Some(b"{"), Some(b"[1]")] {
            assert!(Remains::of(nothing).keys.is_empty());
        }
    }

    #[test]
    fn a_key_that_is_given_twice_says_nothing_for_certain() {
        let remains = Remains::of(Some(br#"{"at":"2024-01-02","at":"2024-01-03","reason":"called"}"#));
        let statement = remains.statement();
        assert_eq!((statement.at, statement.reason.as_str()), (None, "called"));
    }

    #[test]
    fn the_history_keeps_a_date_as_it_was_written() {
        let statement = Remains::of(Some(br#"{"at":"1/2/24","reason":"called","how":"fax"}"#)).statement();
        assert_eq!(statement.reason, "at \"1/2/24\" could not be read; called");
        assert_eq!((statement.at, statement.how), (None, How::Api));
    }
}
