//! What cannot be read: bytes that are not UTF-8, characters that were lost on the way, letters that stand for bytes.
//!
//! A message that has any of it may say anything. What can be read of it may opt out; else a person should look.

use std::borrow::Cow;

/// Stands where a text has what is no character, such as half of an emoji, and on either side of bytes that are not UTF-8.
pub const MARK: char = '\u{FFFD}';
/// Letters that stand for bytes come in runs of so many, of which so many differ. What people write has fewer.
const RUN_MIN: usize = 4;
const DIFFERENT_MIN: usize = 3;

/// Bytes as a text. Those that are not UTF-8 stand between two marks: as Latin-1, which older gateways write.
pub fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut text = String::with_capacity(bytes.len());
    let mut is_inside = false;
    for chunk in bytes.utf8_chunks() {
        if is_inside && !chunk.valid().is_empty() {
            text.push(MARK);
            is_inside = false;
        }
        text.push_str(chunk.valid());
        if !is_inside && !chunk.invalid().is_empty() {
            text.push(MARK);
            is_inside = true;
        }
        text.extend(chunk.invalid().iter().map(|&byte| char::from(byte)));
    }
    text.extend(is_inside.then_some(MARK));
    Cow::Owned(text)
}

/// A text without the marks round its bytes, which are Latin-1 then.
pub fn as_latin(text: &str) -> String {
    text.replace(MARK, "")
}

/// Whether a text has what cannot be read.
pub fn has_unread(text: &str) -> bool {
    text.contains(MARK) || stands_for_bytes(text)
}

/// What stands beside the bytes: `STOP` of `STOP` with half of an emoji.
pub fn beside_bytes(text: &str) -> Option<String> {
    let mut parts = text.split(MARK);
    let mut left = parts.next()?.to_owned();
    let mut is_any = false;
    let mut is_inside = true;
    for part in parts {
        // A mark of its own has no other one behind bytes.
        let are_bytes = is_inside && !part.is_empty() && part.chars().all(is_high);
        is_any |= are_bytes;
        if !are_bytes {
            left.push_str(part);
        }
        is_inside = !are_bytes;
    }
    is_any.then_some(left)
}

/// Whether letters stand for the bytes of another encoding: `ÑÒÎÏ` is СТОП of Windows-1251 that was taken for Latin-1.
pub fn stands_for_bytes(text: &str) -> bool {
    let is_coded = |run: &str| {
        let letters: Vec<char> = run.chars().collect();
        let mut different = letters.clone();
        different.sort_unstable();
        different.dedup();
        letters.len() >= RUN_MIN && different.len() >= DIFFERENT_MIN && run.contains(char::is_alphabetic)
    };
    !text.is_ascii() && text.split(|c| !is_high(c)).any(is_coded)
}

/// A byte that is not ASCII, as Latin-1.
fn is_high(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{ff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_stand_between_marks() {
        for (bytes, text, beside) in [
            (&b"STOP"[..], "STOP", None),
            ("arrêt".as_bytes(), "arrêt", None),
            (b"STOP\xed\xa0\xbd", "STOP\u{fffd}í\u{a0}½\u{fffd}", Some("STOP")),
            (b"\xff\xfeSTOP", "\u{fffd}ÿþ\u{fffd}STOP", Some("STOP")),
            (b"S\xc0\x80TOP", "S\u{fffd}À\u{80}\u{fffd}TOP", Some("STOP")),
            (b"ARR\xcaT", "ARR\u{fffd}Ê\u{fffd}T", Some("ARRT")),
            (b"\xca \xca", "\u{fffd}Ê\u{fffd} \u{fffd}Ê\u{fffd}", Some(" ")),
        ] {
            assert_eq!(text_of(bytes), text);
            assert_eq!(beside_bytes(text).as_deref(), beside, "{text}");
            assert_eq!(has_unread(text), beside.is_some());
        }
        assert!(beside_bytes("STOP \u{fffd}").is_none() && has_unread("STOP \u{fffd}"));
        assert_eq!(as_latin("ARR\u{fffd}Ê\u{fffd}T"), "ARRÊT");
    }

    #[test]
    fn letters_that_stand_for_bytes_are_seen() {
        for text in ["ÑÒÎÏ", "óôïð", "ÍË¶©", "hello ÇáÛÇÁ", "¼ö½Å°ÅºÎ"] {
            assert!(stands_for_bytes(text), "{text}");
        }
        for text in
            ["", "arrêt", "ÉTÉ où à ça", "¡¡¡¡Sí!!!!", "ööööh", "£££££", "«été»", "ação não", "стоп", "退订", "ÆØÅ"]
        {
            assert!(!stands_for_bytes(text), "{text}");
        }
    }
}
