//! What each character means in a phone number.

/// What a character means in a phone number.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InboundKind {
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

impl InboundKind {
    #[inline]
    pub(super) fn of(char: char) -> Self {
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
            _ if is_nothing(char) => Self::Nothing,
            _ if char.is_whitespace() => Self::Space,
            _ => match decimal(char) {
                Some(digit) => Self::Digit(digit),
                None if char.is_alphabetic() => Self::Letter,
                None => Self::Other,
            },
        }
    }
}

/// Characters beyond ASCII that separate nothing and mean nothing.
fn is_nothing(char: char) -> bool {
    let invisible = matches!(char, '\u{AD}' | '\u{61C}' | '\u{180E}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}')
        || matches!(char, '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{2069}' | '\u{FEFF}');
    // U+30FC and U+FF70 are the Japanese long vowel, which serves as a dash.
    let dash = matches!(char, '\u{2010}'..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{FE58}' | '\u{FE63}' | '\u{FF0D}')
        || matches!(char, '\u{30FC}' | '\u{FF70}');
    let dot = matches!(char, '\u{B7}' | '\u{2022}' | '\u{30FB}' | '\u{FF0E}');
    invisible || dash || dot
}

/// Where the decimal digits of each script begin: ten follow one another (Unicode's category Nd).
const ZEROS: [u32; 65] = [
    0x0660, 0x06F0, 0x07C0, 0x0966, 0x09E6, 0x0A66, 0x0AE6, 0x0B66, 0x0BE6, 0x0C66, 0x0CE6, 0x0D66, 0x0DE6, 0x0E50,
    0x0ED0, 0x0F20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50,
    0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136,
    0x111D0, 0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0,
    0x16A60, 0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
];

/// The ASCII byte of a decimal digit of any script.
pub fn decimal(char: char) -> Option<u8> {
    let code = u32::from(char);
    let zero = ZEROS[..ZEROS.partition_point(|&zero| zero <= code)].last()?;
    u8::try_from(code - zero).ok().filter(|&digit| digit < 10).map(|digit| b'0' + digit)
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
