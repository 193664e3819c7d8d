//! A number as somebody wrote it, stripped to its digits.

use super::Unusable;

/// Longest text that is looked at, in bytes.
pub(super) const WRITTEN_BYTES_MAX: usize = 64;
/// Digits a text may have: an international prefix (eight in Australia at most) and a number.
const DIGITS_MAX: usize = 23;

/// A few ASCII digits.
#[derive(Clone, Copy, Default)]
pub(super) struct Digits {
    bytes: [u8; DIGITS_MAX],
    len: u8,
}

impl Digits {
    pub(super) fn from_slice(digits: &[u8]) -> Option<Self> {
        let mut all = Self::default();
        all.extend(digits)?;
        Some(all)
    }

    /// None if there is no room for them.
    pub(super) fn extend(&mut self, digits: &[u8]) -> Option<()> {
        digits.iter().try_for_each(|&digit| self.push(digit))
    }

    #[inline]
    fn push(&mut self, digit: u8) -> Option<()> {
        *self.bytes.get_mut(usize::from(self.len))? = digit;
        self.len += 1;
        Some(())
    }

    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// What is left of a text: whether it began with a plus, its digits, and where among them a `(0)` stood.
#[derive(Clone, Copy, Default)]
pub(super) struct Written {
    pub(super) plus: bool,
    pub(super) digits: Digits,
    pub(super) zero_in_parentheses: Option<usize>,
}

impl Written {
    pub(super) fn read(raw: &str) -> Result<Self, Unusable> {
        if raw.len() > WRITTEN_BYTES_MAX {
            return Err(Unusable::TooLong);
        }
        let text = without_decimals(without_wrapping(raw));
        let mut written = Self::default();
        let mut last = Class::Nothing;
        // How many digits stood before an open parenthesis; whether what follows would be a second number.
        let (mut opened, mut slashed, mut divided) = (None, false, false);
        for (at, char) in text.char_indices() {
            let class = Class::of(char);
            let count = written.digits.as_slice().len();
            match class {
                Class::Digit(_) if divided => return Err(Unusable::TwoNumbers),
                Class::Digit(digit) => written.digits.push(digit).ok_or(Unusable::TooManyDigits)?,
                Class::Plus if count == 0 && !written.plus => written.plus = true,
                Class::Open => opened = Some(count),
                Class::Close => {
                    if let Some(from) = opened.take()
                        && &written.digits.as_slice()[from..] == b"0"
                    {
                        written.zero_in_parentheses = Some(from);
                    }
                }
                // An area code may end in a slash, a number of its own may not: "030/123456", "7654321 / 7654322".
                Class::Slash => {
                    divided |= written.could_end() && (!slashed || last == Class::Space);
                    slashed = true;
                }
                Class::Space => divided |= written.could_end() && last == Class::Slash,
                Class::Break => divided |= written.could_end(),
                Class::Nothing => continue,
                Class::Letter => return letters(text, at, count),
                Class::Hash if count > 0 => return Err(Unusable::Extension),
                Class::Separator if text[at..].to_ascii_lowercase().starts_with(";ext") => {
                    return Err(Unusable::Extension);
                }
                Class::Separator => return Err(Unusable::TwoNumbers),
                Class::Plus if count > 0 => return Err(Unusable::TwoNumbers),
                Class::Plus | Class::Hash | Class::Other => return Err(Unusable::Symbol),
            }
            last = class;
        }
        if written.digits.as_slice().is_empty() {
            return Err(Unusable::Empty);
        }
        Ok(written)
    }

    /// Whether the digits so far can be a whole number.
    fn could_end(&self) -> bool {
        let digits = self.digits.as_slice();
        digits.len() >= if self.plus || digits.starts_with(b"00") { 10 } else { 7 }
    }
}

/// What a character means in a phone number.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// An ASCII digit's byte.
    Digit(u8),
    Plus,
    Open,
    Close,
    Slash,
    Space,
    /// A line's end.
    Break,
    /// Hyphens, dots, and characters without width.
    Nothing,
    Separator,
    Hash,
    Letter,
    Other,
}

impl Class {
    #[inline]
    fn of(char: char) -> Self {
        match char {
            '0'..='9' => Self::Digit(char as u8),
            '-' | '.' => Self::Nothing,
            ' ' | '\t' => Self::Space,
            '(' => Self::Open,
            ')' => Self::Close,
            '+' => Self::Plus,
            '/' => Self::Slash,
            '\n' | '\r' => Self::Break,
            ',' | ';' => Self::Separator,
            '#' => Self::Hash,
            'a'..='z' | 'A'..='Z' => Self::Letter,
            _ if char.is_ascii() => Self::Other,
            _ => Self::beyond_ascii(char),
        }
    }

    fn beyond_ascii(char: char) -> Self {
        match char {
            '\u{FF0B}' => Self::Plus,
            '\u{FF08}' => Self::Open,
            '\u{FF09}' => Self::Close,
            '\u{FF0F}' => Self::Slash,
            '\u{2028}' | '\u{2029}' | '\u{85}' => Self::Break,
            '\u{FF0C}' | '\u{FF1B}' | '\u{3001}' | '\u{60C}' | '\u{61B}' => Self::Separator,
            '\u{FF03}' => Self::Hash,
            // Soft hyphen, zero-width and bidi marks, byte order mark.
            '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' => Self::Nothing,
            '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}' => Self::Nothing,
            // Dashes, the minus sign, the Japanese long vowel that serves as one; dots.
            '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}' => Self::Nothing,
            '\u{30FC}' | '\u{FF70}' | '\u{B7}' | '\u{2022}' | '\u{30FB}' | '\u{FF0E}' => Self::Nothing,
            _ if char.is_whitespace() => Self::Space,
            _ => match decimal(char) {
                Some(digit) => Self::Digit(digit),
                None if char.is_alphabetic() => Self::Letter,
                None => Self::Other,
            },
        }
    }
}

/// Where the decimal digits of each script begin: ten follow one another (Unicode's category Nd).
const ZEROS: [u32; 65] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50, 0x0ED0, 0x0F20,
    0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0,
    0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0,
    0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6,
    0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// The ASCII byte of a decimal digit of any script.
fn decimal(char: char) -> Option<u8> {
    let code = u32::from(char);
    let zero = ZEROS[..ZEROS.partition_point(|&zero| zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|&digit| digit < 10).map(|digit| b'0' + digit)
}

/// Without what spreadsheets and web pages put around a number: `'`, tabs, quotes, `="…"`, `tel:`.
fn without_wrapping(raw: &str) -> &str {
    let wrapping = |char: char| {
        matches!(char, '\'' | '"' | '=' | '`' | '\u{2018}' | '\u{2019}' | '\u{201C}' | '\u{201D}' | '\u{FEFF}') || char.is_whitespace()
    };
    // Nearly all texts begin and end with what can stay.
    let text = raw.trim_matches(wrapping);
    match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text[4..].trim_matches(wrapping),
        _ => text,
    }
}

/// Without the `.0` of a number that was taken for a fraction. (`415.555.0` has none: digits alone must precede it.)
fn without_decimals(text: &str) -> &str {
    let Some(at) = text.len().checked_sub(3).and_then(|from| text.as_bytes()[from..].iter().position(|b| matches!(b, b'.' | b','))) else {
        return text;
    };
    let (whole, zeros) = text.split_at(text.len() - 3 + at);
    let digits = whole.strip_prefix('+').unwrap_or(whole);
    let is_fraction = digits.len() >= 7
        && digits.bytes().all(|b| b.is_ascii_digit())
        && zeros.len() > 1
        && zeros[1..].bytes().all(|b| b == b'0');
    if is_fraction { whole } else { text }
}

/// What a text with a letter after `count` digits is: a spreadsheet's notation of a large number, or nothing to use.
fn letters(text: &str, at: usize, count: usize) -> Result<Written, Unusable> {
    if let Some(number) = scientific(text) {
        return number;
    }
    let word: String = text[at..].chars().take_while(|char| char.is_alphabetic()).collect::<String>().to_lowercase();
    let extension = ["x", "ext", "extn", "extension", "ex", "xt", "anexo", "int", "durchwahl", "dw", "poste", "доб"];
    if count > 0 && extension.contains(&word.as_str()) {
        return Err(Unusable::Extension);
    }
    Err(Unusable::Letters)
}

/// `1.4155552671E+10`: the number, if every digit of it is there; none if the text is no such notation.
fn scientific(text: &str) -> Option<Result<Written, Unusable>> {
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let mantissa = mantissa.strip_prefix('+').unwrap_or(mantissa);
    let (whole, fraction) = mantissa.split_once(['.', ',']).unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    let power = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    if whole.is_empty() || power.is_empty() || ![whole, fraction, power].into_iter().all(digits) {
        return None;
    }
    let places: usize = if exponent.starts_with('-') { 0 } else { power.parse().unwrap_or(0) };
    // Fewer digits than places: the missing ones may have been zeros, or rounded away. Nobody can tell.
    let complete = places > 0 && fraction.len() >= places && fraction[places..].bytes().all(|b| b == b'0');
    let mut written = Written::default();
    let number = [whole.as_bytes(), fraction.get(..places).unwrap_or_default().as_bytes()];
    let fits = complete && number.into_iter().all(|part| written.digits.extend(part).is_some());
    Some(if fits { Ok(written) } else { Err(Unusable::LostDigits) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_has_ten_digits() {
        for zero in ZEROS {
            for digit in 0..10 {
                let char = char::from_u32(zero + digit).expect("a character");
                assert_eq!(decimal(char).map(u32::from), Some(digit + 48), "{char:?}");
                assert!(char.is_numeric(), "{char:?}");
            }
        }
        assert!(ZEROS.is_sorted());
        assert_eq!(decimal('\u{66A}'), None);
        assert_eq!(decimal('\u{B2}'), None);
    }
}
