//! Reads what there is to read in an object of JSON that is broken, for the sake of what it forbids.
//!
//! Nothing that permits is ever read this way: what is meant is a guess, and only a guess that forbids is safe.

use serde_json::Value;

use crate::model::keyword::unread;

/// Objects and arrays inside of each other are read so deep.
const DEPTH_MAX: usize = 16;
/// Quotes, double ones and single ones, by which software replaces those of JSON: any one of a kind ends what one began.
const QUOTES: [&str; 2] = ["\"“”„‟«»＂", "'‘’‚‛＇"];
/// Stands where a text has what is no character, such as half of an emoji.
const NO_CHARACTER: char = unread::MARK;

/// The keys of an object with their values, in order, up to where nothing can be made of it. A text that breaks off is read up
/// to there.
pub fn keys(text: &str) -> Vec<(String, Value)> {
    let mut reader = Reader(text.trim_start());
    if reader.takes('{') { reader.keys(0) } else { Vec::new() }
}

/// The value that a text begins with, which may be an array of objects, as far as it can be read.
pub fn value(text: &str) -> Option<Value> {
    Reader(text.trim_start_matches(|char: char| char.is_whitespace() || char == '\u{feff}')).value(0)
}

/// What is left to be read.
struct Reader<'t>(&'t str);

impl Reader<'_> {
    fn keys(&mut self, depth: usize) -> Vec<(String, Value)> {
        let mut keys = Vec::new();
        loop {
            self.skip(|c| c.is_whitespace() || c == ',');
            if self.0.is_empty() || self.takes('}') {
                return keys;
            }
            let Some(key) = self.key().or_else(|| self.bare(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.')))
            else {
                return keys;
            };
            self.skip(char::is_whitespace);
            if !self.takes(':') {
                return keys;
            }
            let Some(value) = self.value(depth) else { return keys };
            keys.push((key, value));
        }
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        self.skip(char::is_whitespace);
        if let Some(text) = self.text() {
            return Some(Value::String(text));
        }
        if depth == DEPTH_MAX {
            self.0 = "";
            return None;
        }
        if self.takes('{') {
            return Some(Value::Object(self.keys(depth + 1).into_iter().collect()));
        }
        if self.takes('[') {
            let mut items = Vec::new();
            loop {
                self.skip(|c| c.is_whitespace() || c == ',');
                if self.0.is_empty() || self.takes(']') {
                    return Some(Value::Array(items));
                }
                let Some(item) = self.value(depth + 1) else { return Some(Value::Array(items)) };
                items.push(item);
            }
        }
        let word = self.bare(|c| !matches!(c, ',' | '}' | ']' | '"'))?;
        let word = word.trim_end();
        Some(serde_json::from_str(word).unwrap_or_else(|_| Value::String(word.to_owned())))
    }

    /// A key in quotes, to the next quote of their kind.
    fn key(&mut self) -> Option<String> {
        let begins = self.0.chars().next()?;
        let kind = QUOTES.iter().find(|kind| kind.contains(begins))?;
        let left = &self.0[begins.len_utf8()..];
        // Where the quote is missing that ends a key, the next one begins the value.
        let ends = |(key, behind): &(&str, &str)| {
            !key.contains('\\') && (!key.contains(':') || behind.trim_start().starts_with(':'))
        };
        let (key, behind) = left.split_once(|c| kind.contains(c)).filter(ends)?;
        self.0 = behind;
        Some(key.to_owned())
    }

    /// A text in quotes of either kind, to the closing one or to the end. A quote may also stand in it, since whoever wrote the
    /// object by hand did not escape it: it closes where a value can end.
    fn text(&mut self) -> Option<String> {
        let quote = self.0.chars().next()?;
        let kind = QUOTES.iter().find(|kind| kind.contains(quote))?;
        let (mut text, mut chars) = (String::new(), self.0[quote.len_utf8()..].chars());
        while let Some(c) = chars.next() {
            // A quote of JSON's is closed by its like alone.
            let may_close = if matches!(quote, '"' | '\'') { c == quote } else { kind.contains(c) };
            match c {
                _ if may_close && may_follow_a_value(chars.as_str()) => break,
                '\\' => text.push(match chars.next() {
                    Some('u') => escaped(&mut chars),
                    Some('n' | 'r' | 't' | 'b' | 'f') => ' ',
                    Some(other) if !other.is_alphanumeric() => other,
                    _ => NO_CHARACTER,
                }),
                _ => text.push(c),
            }
        }
        self.0 = chars.as_str();
        Some(text)
    }

    fn bare(&mut self, is_part: impl Fn(char) -> bool) -> Option<String> {
        let end = self.0.find(|c| !is_part(c)).unwrap_or(self.0.len());
        let (word, rest) = self.0.split_at(end);
        self.0 = rest;
        Some(word.to_owned()).filter(|word| !word.trim().is_empty())
    }

    fn skip(&mut self, is_nothing: impl Fn(char) -> bool) {
        self.0 = self.0.trim_start_matches(is_nothing);
    }

    fn takes(&mut self, c: char) -> bool {
        let rest = self.0.strip_prefix(c);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }
}

/// Whether a value can end before some text: at the end of its object or array, or before the next key or item. Behind the quotes in
/// `he said "stop", and I` neither follows.
fn may_follow_a_value(text: &str) -> bool {
    let text = text.trim_start();
    let Some(next) = text.strip_prefix(',') else { return text.is_empty() || text.starts_with(['}', ']']) };
    let next = next.trim_start_matches(|char: char| char.is_whitespace() || char == ',');
    let word = next.find(|char: char| !char.is_alphanumeric() && char != '_').unwrap_or(next.len());
    let (word, behind) = next.split_at(word);
    let is_value = word.starts_with(|char: char| char.is_ascii_digit()) || ["true", "false", "null"].contains(&word);
    let begins_one = |char: char| "{[}]-".contains(char) || QUOTES.iter().any(|kind| kind.contains(char));
    if word.is_empty() {
        next.is_empty() || next.starts_with(begins_one)
    } else {
        is_value || behind.trim_start().starts_with(':')
    }
}

/// The character behind `\u`: of two halves the whole one, of one half none.
fn escaped(chars: &mut std::str::Chars<'_>) -> char {
    let Some(unit) = hex(chars) else { return NO_CHARACTER };
    let mut ahead = chars.clone();
    let low = if (0xD800..0xDC00).contains(&unit) && (ahead.next(), ahead.next()) == (Some('\\'), Some('u')) {
        hex(&mut ahead)
    } else {
        None
    };
    let units = [Some(unit), low];
    match char::decode_utf16(units.into_iter().flatten()).next() {
        Some(Ok(whole)) => {
            if low.is_some() {
                *chars = ahead;
            }
            whole
        }
        _ => NO_CHARACTER,
    }
}

/// Four hexadecimal digits. Nothing is taken if there are none.
fn hex(chars: &mut std::str::Chars<'_>) -> Option<u16> {
    let digits = chars.as_str().get(..4)?;
    let unit = u16::from_str_radix(digits, 16).ok()?;
    *chars = chars.as_str()[4..].chars();
    Some(unit)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> String {
        let keys = keys(text).into_iter().map(|(key, value)| format!("{key}={value}"));
        keys.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_can_be_read_is_read() {
        for (text, told) in [
            (r#"{"text":"STOP","id":7}"#, r#"text="STOP" id=7"#),
            (
                r#"{"text":"STOP \ud83d","a":"\ud83d\ude00","b":"\ude00\u0041\u12"}"#,
                "text=\"STOP \u{FFFD}\" a=\"😀\" b=\"\u{FFFD}A\u{FFFD}12\"",
            ),
            (r#"{"text":"STOP","id":"S"#, r#"text="STOP" id="S""#),
            (r#"{"text":"STO"#, r#"text="STO""#),
            (r"{text:'STOP',at:2024-01-02 15:04,}", r#"text="STOP" at="2024-01-02 15:04""#),
            (r#"{"reason":"she said "stop""}"#, r#"reason="she said \"stop\"""#),
            (r#"{"text":"I said "STOP" already","id":"a"}"#, r#"text="I said \"STOP\" already" id="a""#),
            (r#"{"text":""STOP""}"#, r#"text="\"STOP\"""#),
            (
                r#"{"text":"my "friend", Ann, is mad, unsubscribe me","id":7}"#,
                r#"text="my \"friend\", Ann, is mad, unsubscribe me" id=7"#,
            ),
            (r"{'text':'don't text me','id':'a'}", r#"text="don't text me" id="a""#),
            (r#"{"a":["x",1,"y",true,"z"],"b":"c",id:2}"#, r#"a=["x",1,"y",true,"z"] b="c" id=2"#),
            (r#"{"a":[1,"b",{"c":[]}],"a":null}"#, r#"a=[1,"b",{"c":[]}] a=null"#),
            (r#"  { "a" : "b" } and more"#, r#"a="b""#),
            ("{“text”:“stop”}", r#"text="stop""#),
            ("{‘text’ : ‘it’s over, stop’, ‘id’:’a’}", r#"text="it’s over, stop" id="a""#),
            ("{\"text”:\"stop\"}", r#"text="stop""#),
            ("{“text\":\"stop\",\"id”:7}", r#"text="stop" id=7"#),
            ("{«text»:«stop», „id“:„a“}", r#"text="stop" id="a""#),
            ("{“text”:“he said \"stop\" to me”}", r#"text="he said \"stop\" to me""#),
            ("{\"text\":“stop”}", r#"text="stop""#),
            ("{“text”:“stop", r#"text="stop""#),
            (r#"{"":[2],"Text:":"é","b: ":1,"c":2}"#, r#"=[2] Text:="é" b: =1 c=2"#),
            ("{\"a\"", ""),
            ("{:}", ""),
            ("", ""),
            ("STOP", ""),
        ] {
            assert_eq!(read(text), told, "{text}");
        }
        assert_eq!(read(&format!("{{\"a\":{}", "[".repeat(100_000))).len(), 34);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn sound_json_is_read_as_it_is(text: String, number: i32, flag: bool, cut in 0..200_usize) {
            let object = serde_json::json!({ "a": number, "b": flag, "c": [1, { "d": null }], "e": [], "f": text });
            let written = object.to_string();
            let whole: serde_json::Map<String, Value> = keys(&written).into_iter().collect();
            prop_assert_eq!(whole.len(), 5);
            prop_assert!((whole["a"] == object["a"]) && whole["b"] == object["b"] && whole["c"] == object["c"]);
            if !text.contains(char::is_control) {
                prop_assert_eq!(&whole["f"], &object["f"]);
            }
            // And cut off anywhere, what is whole is the same.
            let end = (0..=cut.min(written.len())).rev().find(|&end| written.is_char_boundary(end)).unwrap_or(0);
            for (key, value) in keys(&written[..end]).iter().rev().skip(1) {
                prop_assert_eq!(Some(value), object.get(key));
            }
        }
    }
}
