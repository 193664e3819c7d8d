//! Encodings: what a text was before some software between the phone and us wrote it in another way.
//!
//! `S&#84;OP`, `%53TOP`, `00530054004F0050` and `ARRÃŠT` are how gateways and web forms pass STOP and ARRÊT on. Nobody knows
//! whether a text went through one of them, so each undone text is read beside the text as it came, and the stricter
//! reading counts.

use data_encoding::BASE64;

use super::unread;

/// One encoding inside of another is undone so often, as in `&amp;lt;STOP&amp;gt;`.
const ROUNDS_MAX: usize = 3;
/// More texts than these are not made of one.
const TEXTS_MAX: usize = 12;
/// The longest entity of a web page, in bytes: `&thetasym;`.
const ENTITY_BYTES_MAX: usize = 10;
/// Two letters of UCS-2, in hexadecimal digits.
const HEX_DIGITS_MIN: usize = 8;

/// Ways to undo an encoding. Each gives nothing where a text does not have it.
const UNDO: [fn(&str) -> Option<String>; 17] = [
    unread::beside_bytes,
    |text| cyrillic(text, WINDOWS_1251),
    |text| cyrillic(text, KOI8_R),
    mime,
    run_on,
    entities,
    |text| octets(text, '%'),
    |text| octets(text, '='),
    escapes,
    |text| hex(text, utf8),
    |text| hex(text, |bytes| utf16(bytes, u16::from_be_bytes)),
    |text| hex(text, |bytes| utf16(bytes, u16::from_le_bytes)),
    mistaken,
    brackets,
    reversed,
    masked,
    base64,
];

/// What a text may have been, without the text itself.
pub fn undone(text: &str) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    let mut round = vec![text.to_owned()];
    for _ in 0..ROUNDS_MAX {
        let all = round.iter().flat_map(|text| UNDO.iter().filter_map(|undo| undo(text)));
        let mut new: Vec<String> = Vec::new();
        for undone in all {
            if undone != text && !texts.contains(&undone) && !new.contains(&undone) {
                new.push(undone);
            }
        }
        new.truncate(TEXTS_MAX - texts.len());
        if new.is_empty() {
            break;
        }
        texts.extend_from_slice(&new);
        round = new;
    }
    texts
}

/// A text without the entities and escapes in which a program wrote it; none if it has none.
pub fn unescaped(text: &str) -> Option<String> {
    if text.contains('&') {
        return entities(text);
    }
    if text.contains('\\') { escapes(text) } else { None }
}

/// `S&#84;OP`, `&lt;STOP&gt;`, `ARR&Ecirc;T`.
fn entities(text: &str) -> Option<String> {
    replaced(text, '&', |from| {
        let end = from.bytes().take(ENTITY_BYTES_MAX).position(|byte| byte == b';')?;
        Some((entity(&from[1..end])?, end + 1))
    })
}

/// The character of an entity. An accent makes no difference later, so a letter with one is the letter.
fn entity(name: &str) -> Option<char> {
    const ACCENTS: [&str; 9] = ["acute", "grave", "circ", "uml", "tilde", "cedil", "ring", "slash", "caron"];
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        return char::from_u32(code.ok()?);
    }
    match name.to_ascii_lowercase().as_str() {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" | "rsquo" | "lsquo" => Some('\''),
        "nbsp" | "ensp" | "emsp" => Some(' '),
        "shy" | "zwnj" | "zwj" => Some('\u{200d}'),
        _ => {
            let letter = name.chars().next().filter(char::is_ascii_alphabetic)?;
            ACCENTS.contains(&&name[1..]).then_some(letter)
        }
    }
}

/// `%53TOP`, `STOP%20please`, `=53TOP`: bytes by their value behind a mark. With `%` a blank may be a plus.
fn octets(text: &str, mark: char) -> Option<String> {
    if !text.contains(mark) {
        return None;
    }
    let (mut bytes, mut is_coded, mut left) = (Vec::with_capacity(text.len()), false, text.as_bytes());
    while let [first, rest @ ..] = left {
        let coded = rest.get(..2).filter(|_| char::from(*first) == mark).and_then(byte);
        is_coded |= coded.is_some();
        bytes.push(coded.unwrap_or(if mark == '%' && *first == b'+' { b' ' } else { *first }));
        left = if coded.is_some() { &rest[2..] } else { rest };
    }
    is_coded.then(|| {
        String::from_utf8(bytes).unwrap_or_else(|bytes| bytes.as_bytes().iter().map(|&byte| char::from(byte)).collect())
    })
}

/// `\u0053TOP`, `\x53TOP`, `%u0053TOP`.
fn escapes(text: &str) -> Option<String> {
    let escaped = |text: &str, mark: char| {
        replaced(text, mark, |from| {
            let digits = match from.as_bytes().get(1)? {
                b'u' | b'U' => from.get(2..6)?,
                b'x' | b'X' if mark == '\\' => from.get(2..4)?,
                _ => return None,
            };
            Some((char::from_u32(u32::from_str_radix(digits, 16).ok()?)?, 2 + digits.len()))
        })
    };
    escaped(text, '\\').or_else(|| escaped(text, '%'))
}

/// `=?utf-8?B?U1RPUA==?=` and `=?utf-8?Q?STOP?=`, as mail writes what is not ASCII (RFC 2047).
fn mime(text: &str) -> Option<String> {
    let (before, coded) = text.split_once("=?")?;
    let (_charset, coded) = coded.split_once('?')?;
    let (way, coded) = coded.split_once('?')?;
    let (coded, behind) = coded.split_once("?=")?;
    let read = match way {
        "B" | "b" => unread::text_of(&BASE64.decode(coded.as_bytes()).ok()?).into_owned(),
        "Q" | "q" => octets(&coded.replace('_', " "), '=').unwrap_or_else(|| coded.replace('_', " ")),
        _ => return None,
    };
    // Several that follow each other are one text.
    let behind = if behind.trim_start().starts_with("=?") { behind.trim_start() } else { behind };
    Some([before, &read, behind].concat())
}

/// `STOPstopping`: capitals that go on in small letters are a word of their own.
fn run_on(text: &str) -> Option<String> {
    const CAPITALS_MIN: usize = 4;
    let (mut parted, mut capitals) = (String::new(), 0);
    for c in text.chars() {
        if capitals >= CAPITALS_MIN && c.is_lowercase() {
            parted.push(' ');
        }
        capitals = if c.is_uppercase() { capitals + 1 } else { 0 };
        parted.push(c);
    }
    (parted.len() > text.len()).then_some(parted)
}

/// The letters at 0xC0 and on.
const WINDOWS_1251: &str = "АБВГДЕЖЗИЙКЛМНОПРСТУФХЦЧШЩЪЫЬЭЮЯабвгдежзийклмнопрстуфхцчшщъыьэюя";
const KOI8_R: &str = "юабцдефгхийклмнопярстужвьызшэщчъЮАБЦДЕФГХИЙКЛМНОПЯРСТУЖВЬЫЗШЭЩЧЪ";

/// Cyrillic of an older encoding that was taken for Latin-1: `ÑÒÎÏ`.
fn cyrillic(text: &str, letters: &str) -> Option<String> {
    let letter =
        |c| letters.chars().zip('\u{c0}'..='\u{ff}').find(|(_, latin)| *latin == c).map_or(c, |(letter, _)| letter);
    unread::stands_for_bytes(text).then(|| text.chars().map(letter).collect())
}

/// `00530054004F0050`, of which the units may stand the other way round, and `53544F50`. A gap stands between bytes.
fn hex(text: &str, read: fn(&[u8]) -> Option<String>) -> Option<String> {
    let groups = || text.trim().trim_start_matches("0x").split_whitespace();
    let digits: String = groups().collect();
    // What has no letter among its digits is more often a number.
    let is_hex = digits.len() >= HEX_DIGITS_MIN
        && groups().all(|group| group.len().is_multiple_of(2))
        && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        && digits.bytes().any(|digit| !digit.is_ascii_digit());
    let bytes = digits.as_bytes().chunks(2).filter(|_| is_hex).map(byte).collect::<Option<Vec<u8>>>()?;
    let is_text = |text: &String| !text.is_empty() && !text.contains(|c: char| c.is_control() && !c.is_whitespace());
    read(&bytes).filter(is_text)
}

fn utf8(bytes: &[u8]) -> Option<String> {
    String::from_utf8(bytes.to_vec()).ok()
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (units, rest) = bytes.as_chunks();
    let units: Vec<u16> = units.iter().map(|&bytes| unit(bytes)).collect();
    String::from_utf16(&units).ok().filter(|_| rest.is_empty())
}

/// UTF-8 that was taken for Latin-1, or Windows' likeness of it: `ARRÃŠT`.
fn mistaken(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    String::from_utf8(text.chars().map(mistaken_byte).collect::<Option<Vec<u8>>>()?).ok()
}

/// The byte for which a character may have been taken, as Latin-1 or as Windows has it.
pub fn mistaken_byte(c: char) -> Option<u8> {
    /// What Windows has at 0x80 and on.
    const WINDOWS: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";
    match u8::try_from(u32::from(c)) {
        Ok(byte) => Some(byte),
        Err(_) => WINDOWS.chars().zip(0x80..).find(|(windows, _)| *windows == c).map(|(_, byte)| byte),
    }
}

/// `<STOP>`: where tags are left out, it would be one. `> STOP` is a line of somebody else's, and stays one.
fn brackets(text: &str) -> Option<String> {
    let is_bracket = |text: &str| {
        text.contains('<') || text.lines().any(|line| line.trim_start().trim_start_matches('>').contains('>'))
    };
    is_bracket(text).then(|| text.replace(['<', '>'], " "))
}

/// `ST*P`, `s†op`: signs that hide a letter of STOP, each with a letter on both sides.
fn masked(text: &str) -> Option<String> {
    const HIDDEN: &str = "STOP";
    let is_sign = |c: char| !c.is_alphanumeric() && !c.is_whitespace() && !".,;:!?'\"’`-–—_/&+()[]<>".contains(c);
    let chars: Vec<char> = text.chars().collect();
    let mut shown = chars.clone();
    for (at, word) in chars.windows(HIDDEN.len()).enumerate() {
        let is_alone = |beside: Option<&char>| beside.is_none_or(|c| !c.is_alphanumeric());
        let fits = word.iter().zip(HIDDEN.chars()).all(|(&c, letter)| c.eq_ignore_ascii_case(&letter) || is_sign(c));
        let signs = word.iter().filter(|c| is_sign(**c)).count();
        let (before, behind) = (at.checked_sub(1).and_then(|at| chars.get(at)), chars.get(at + HIDDEN.len()));
        if fits && signs == 1 && !is_sign(word[0]) && !is_sign(word[3]) && is_alone(before) && is_alone(behind) {
            shown.splice(at..at + HIDDEN.len(), HIDDEN.chars());
        }
    }
    (shown != chars).then(|| shown.into_iter().collect())
}

/// `U1RPUA==`, if the whole text is written so.
fn base64(text: &str) -> Option<String> {
    const BYTES_MIN: usize = 8;
    let is_coded = text.len() >= BYTES_MIN && text.ends_with('=');
    let decoded = is_coded.then(|| BASE64.decode(text.as_bytes()).ok())??;
    utf8(&decoded).filter(|text| text.contains(char::is_alphabetic) && !text.contains(char::is_control))
}

/// What stands between a sign that turns the direction of letters and the one that ends it is seen from its end.
fn reversed(text: &str) -> Option<String> {
    const TURN: char = '\u{202e}';
    const END: char = '\u{202c}';
    let (before, mut left) = text.split_once(TURN)?;
    let mut seen = before.to_owned();
    loop {
        let (turned, after) = left.split_once(END).unwrap_or((left, ""));
        seen.extend(turned.chars().rev().filter(|c| *c != TURN));
        match after.split_once(TURN) {
            Some((plain, more)) => {
                seen.push_str(plain);
                left = more;
            }
            None => return Some(seen + after),
        }
    }
}

/// A text with what begins with a mark replaced by what it stands for; none if nothing is. `read` tells the character and how
/// many bytes stand for it.
fn replaced(text: &str, mark: char, read: impl Fn(&str) -> Option<(char, usize)>) -> Option<String> {
    let (mut whole, mut left, mut is_any) = (String::new(), text, false);
    while let Some(at) = left.find(mark) {
        whole.push_str(&left[..at]);
        let (c, len) = read(&left[at..]).inspect(|_| is_any = true).unwrap_or((mark, mark.len_utf8()));
        whole.push(c);
        left = &left[at + len..];
    }
    whole.push_str(left);
    is_any.then_some(whole)
}

/// The byte of two hexadecimal digits.
fn byte(digits: &[u8]) -> Option<u8> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    match digits {
        &[high, low] => u8::try_from(value(high)? * 16 + value(low)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_software_wrote_in_another_way_is_read() {
        for (text, was) in [
            ("S&#84;OP", "STOP"),
            ("S&#x54;OP", "STOP"),
            ("&lt;STOP&gt;", " STOP "),
            ("&amp;lt;STOP&amp;gt;", " STOP "),
            ("ARR&Ecirc;T", "ARRET"),
            ("%53TOP", "STOP"),
            ("STOP+me%21", "STOP me!"),
            ("ARR%C3%8AT", "ARRÊT"),
            ("ARR%CAT", "ARRÊT"),
            ("=53TOP", "STOP"),
            ("\\u0053TOP", "STOP"),
            ("\\x53TOP", "STOP"),
            ("00530054004F0050", "STOP"),
            ("0421 0422 041e 041f", "СТОП"),
            ("530054004F005000", "STOP"),
            ("53544F50", "STOP"),
            ("%u0421%u0422%u041E%u041F", "СТОП"),
            ("=?utf-8?B?0KHQotCe0J8=?=", "СТОП"),
            ("please =?utf-8?Q?STOP=20it?= =?UTF-8?Q?_now?=", "please STOP it now"),
            ("ÑÒÎÏ", "СТОП"),
            ("óôïð", "СТОП"),
            ("STOPstopping", "STOP stopping"),
            ("S\u{fffd}À\u{80}\u{fffd}TOP", "STOP"),
            ("ARRÃŠT", "ARRÊT"),
            ("Ð¡Ð¢ÐžÐŸ", "СТОП"),
            ("<STOP>", " STOP "),
            ("\u{202e}POTS", "STOP"),
            ("me \u{202e}pots\u{202c}!", "me stop!"),
            ("st*p", "STOP"),
            ("please s†op!", "please STOP!"),
            ("ST🔴P", "STOP"),
            ("s#op it", "STOP it"),
            ("STO🅿 or st•p", "STO🅿 or STOP"),
            ("U1RPUA==", "STOP"),
            ("0KHQotCe0J8=", "СТОП"),
        ] {
            assert!(undone(text).iter().any(|undone| undone == was), "{text}: {:?}", undone(text));
        }
        for plain in [
            "",
            "STOP",
            "é à 5",
            "AT&T; M&Ms",
            "50% off",
            "a = b",
            "12345678",
            "f*ck",
            "s**p",
            "st*ps",
            "s-op",
            "tomorrow",
            "a*b = c",
            "C:\\users",
            "&;&",
            "%",
        ] {
            assert!(undone(plain).is_empty(), "{plain}: {:?}", undone(plain));
        }
    }
}
