//! The number a sending list sends from.

use super::{Phone, digits_value};
use std::fmt;

const SHORT_DIGITS_MIN: usize = 3;
const SHORT_DIGITS_MAX: usize = 8;
const SHORT_SMALLEST: u64 = 10_u64.pow(SHORT_DIGITS_MIN as u32 - 1);
const SHORT_LARGEST: u64 = 10_u64.pow(SHORT_DIGITS_MAX as u32) - 1;
/// Tells short codes from E.164 numbers, whose values need 50 bits only.
const SHORT_TAG: u64 = 1 << 63;

/// A sending list's number: E.164 with its plus, or a short code of 3 to 8 digits without one, the first not 0.
///
/// E.164 numbers sort before short codes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ListNumber(u64);

impl ListNumber {
    /// Reads `+14155552671` (as [`Phone::parse`] does) or `12345`.
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        if text.first() == Some(&b'+') {
            return Phone::parse(text).map(Self::from);
        }
        if text.len() > SHORT_DIGITS_MAX || text.first() == Some(&b'0') {
            return None;
        }
        Self::from_u64(digits_value(text)? | SHORT_TAG)
    }

    /// The inverse of [`ListNumber::as_u64`]; none if no list number has this value.
    #[inline]
    pub fn from_u64(value: u64) -> Option<Self> {
        if value & SHORT_TAG == 0 {
            return Phone::from_u64(value).map(Self::from);
        }
        let code = value & !SHORT_TAG;
        (SHORT_SMALLEST..=SHORT_LARGEST).contains(&code).then_some(Self(value))
    }

    /// The digits' value, with the highest bit set for a short code.
    #[inline]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Whether it is a short code.
    #[inline]
    pub const fn is_short_code(self) -> bool {
        self.0 & SHORT_TAG != 0
    }

    /// The number with the same digits, of the other kind: `+1234567` for the short code `1234567`. A plus is easily lost.
    pub fn without_or_with_plus(self) -> Option<Self> {
        if self.is_short_code() {
            return Phone::from_u64(self.digits()).map(Self::from);
        }
        Self::from_u64(self.digits() | SHORT_TAG)
    }

    /// Appends the spelling that [`ListNumber::parse`] reads.
    #[inline]
    pub fn write_to(self, out: &mut Vec<u8>) {
        if !self.is_short_code() {
            out.push(b'+');
        }
        out.extend_from_slice(itoa::Buffer::new().format(self.digits()).as_bytes());
    }

    const fn digits(self) -> u64 {
        self.0 & !SHORT_TAG
    }
}

impl From<Phone> for ListNumber {
    #[inline]
    fn from(phone: Phone) -> Self {
        Self(phone.as_u64())
    }
}

impl fmt::Display for ListNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plus = if self.is_short_code() { "" } else { "+" };
        write!(f, "{plus}{}", self.digits())
    }
}

impl fmt::Debug for ListNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
