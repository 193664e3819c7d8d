//! What remains of the end of a request that was refused: the keys of its JSON that can be read on their own, and its words.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::arguments::{cut, date, forbidden, number_text, without_mark};
use super::broken_json;
use crate::error::excerpt;
use crate::limits::SOURCE_BYTES_MAX;
use crate::model::change::Statement;
use crate::model::fact::How;
use crate::model::keyword::unread;
use crate::model::time::Millis;
use crate::wire::Args;

/// The keys of an object with their values, in order, up to where nothing can be made of it.
#[derive(Default)]
pub struct Remains {
    keys: Vec<(String, Value)>,
    is_whole: bool,
    words: Vec<String>,
}

impl Remains {
    /// Reads what can be read. Control characters, which JSON does not allow, spoil their own value alone.
    pub fn of(json: Option<&[u8]>) -> Remains {
        let Some(text) = json.map(without_mark).filter(|text| text.starts_with(b"{")) else {
            return Remains::default();
        };
        let text = unread::text_of(text).replace(|c: char| c.is_ascii_control(), " ");
        let is_whole = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        Remains { keys: broken_json::keys(&text), is_whole, words: Vec::new() }
    }

    /// The same, of all arguments that are left: an object, and the words beside it.
    pub fn of_args(args: Args<'_>) -> Remains {
        let is_json = |arg: &&[u8]| without_mark(arg).starts_with(b"{");
        let words = args.filter(|arg| !is_json(arg)).map(|arg| unread::text_of(arg).into_owned());
        Remains { words: words.collect(), ..Remains::of(args.filter(is_json).last()) }
    }

    /// Whether it is an object to its end.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The words beside the object.
    pub fn words_beside(&self) -> &[String] {
        &self.words
    }

    /// All values of a key but null, in order. Its case makes no difference.
    pub fn all<'r>(&'r self, key: &'r str) -> impl Iterator<Item = &'r Value> {
        let given = move |(name, value): &&(String, Value)| name.eq_ignore_ascii_case(key) && !value.is_null();
        self.keys.iter().filter(given).map(|(_, value)| value)
    }

    /// The value of a key that has one.
    pub fn only<'r>(&'r self, key: &'r str) -> Option<&'r Value> {
        let mut all = self.all(key);
        all.next().filter(|_| all.next().is_none())
    }

    /// All that a key says, and all that stands in its lists.
    pub fn said(&self, key: &str) -> Vec<String> {
        let mut said = Vec::new();
        self.all(key).for_each(|value| leaves(value, &mut said));
        said
    }

    /// What all keys say that are not `known`: a key may have another name.
    pub fn said_by_others(&self, known: &[&str]) -> Vec<String> {
        let is_known = |name: &str| known.iter().any(|known| name.eq_ignore_ascii_case(known));
        let mut said = Vec::new();
        self.keys.iter().filter(|(name, _)| !is_known(name)).for_each(|(_, value)| leaves(value, &mut said));
        said
    }

    /// The text of a key that has one. Its bytes that are not UTF-8 are Latin-1.
    pub fn text(&self, key: &str) -> Option<String> {
        self.only(key).and_then(Value::as_str).map(unread::as_latin)
    }

    /// The date of a key, if it can be read and the object does not break off.
    pub fn date(&self, key: &str) -> Option<Millis> {
        self.only(key).filter(|_| self.is_whole).and_then(|value| date(value).ok().flatten())
    }

    /// The same of a date since when something is forbidden.
    pub fn forbidden(&self, key: &str, now: Millis) -> Option<Millis> {
        self.only(key).filter(|_| self.is_whole).and_then(|value| forbidden(value).ok()?.date(now))
    }

    /// As much of a source or a reason as is kept.
    pub fn words(&self, key: &str) -> String {
        cut(self.text(key), SOURCE_BYTES_MAX)
    }

    /// What is said of something that forbids. A date that cannot be read is noted in the reason.
    pub fn statement(&self, now: Millis) -> Statement {
        Statement {
            at: self.forbidden("at", now),
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

/// The texts, numbers and truths in a value.
fn leaves(value: &Value, said: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Bool(flag) => said.push(flag.to_string()),
        Value::Number(number) => said.push(number_text(number)),
        Value::String(text) => said.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| leaves(item, said)),
        Value::Object(keys) => keys.values().for_each(|value| leaves(value, said)),
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
        assert_eq!(
            Remains::of(Some(br#"{"Code":[21610,{"a":"x"}],"code":true}"#)).said("code"),
            ["21610", "x", "true"]
        );
        for nothing in [None, Some(&b"called us"[..]), Some(b""), Some(b"{"), Some(b"[1]")] {
            assert!(Remains::of(nothing).keys.is_empty());
        }
    }

    #[test]
    fn a_key_that_is_given_twice_says_nothing_for_certain() {
        let remains = Remains::of(Some(br#"{"at":"2024-01-02","at":"2024-01-03","reason":"called"}"#));
        let statement = remains.statement(0);
        assert_eq!((statement.at, statement.reason.as_str()), (None, "called"));
    }

    #[test]
    fn the_history_keeps_a_date_as_it_was_written() {
        let statement = Remains::of(Some(br#"{"at":"1/2/24","reason":"called","how":"fax"}"#)).statement(0);
        assert_eq!(statement.reason, "at \"1/2/24\" could not be read; called");
        assert_eq!((statement.at, statement.how), (None, How::Api));
    }
}
