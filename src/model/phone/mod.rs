//! Phone numbers: the canonical [`Phone`], the number a list sends from ([`ListNumber`]), and [`fn@normalize`], which makes a
//! `Phone` of what people and spreadsheets write.
//!
//! | file | noun |
//! |---|---|
//! | `mod.rs` | a canonical number: byte check and one `u64` |
//! | `list_number.rs` | a sending list's number: E.164 or a short code |
//! | `region.rs` | a country's dialling habits: its prefixes |
//! | `normalize.rs`, `written.rs`, `character.rs`, `unusable.rs` | from any spelling to a number, or the reason why not |
//! | `plan.rs` | which numbers exist in a country code: one automaton each |
//! | `pattern.rs` | the small regular expressions of the metadata |
//!
//! Only the *metadata* of the crate `phonenumber` is used. Its parser makes other subscribers' numbers of some spellings, and
//! all its regexes share one cache behind one mutex; here each country code has its own automaton, built at first use and
//! read without a lock.

mod character;
mod list_number;
mod normalize;
mod pattern;
mod plan;
mod region;
#[cfg(test)]
mod tests;
mod unusable;
mod written;

pub use list_number::ListNumber;
pub use normalize::normalize;
pub use region::Region;
pub use unusable::Unusable;

use std::fmt;

/// Fewest digits of an E.164 number, country code included.
pub const PHONE_DIGITS_MIN: usize = 7;
/// Most digits of an E.164 number, country code included.
pub const PHONE_DIGITS_MAX: usize = 15;

const SMALLEST: u64 = 10_u64.pow(PHONE_DIGITS_MIN as u32 - 1);
const LARGEST: u64 = 10_u64.pow(PHONE_DIGITS_MAX as u32) - 1;

/// `+521` and ten digits: Mexico's spelling of mobile numbers until 2019, which carriers still deliver.
const MEXICO_OLD: std::ops::Range<u64> = 521 * TEN_DIGITS..522 * TEN_DIGITS;
const TEN_DIGITS: u64 = 10_000_000_000;

/// A phone number in its one canonical spelling: E.164, 7 to 15 digits, the first not 0, held as their value.
///
/// A `Phone` need not exist, nor be of a country our metadata knows: see [`Phone::is_known`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(u64);

impl Phone {
    /// Reads canonical E.164 (`+14155552671`), and nothing else. Mexico's old `+521` and ten digits is read as `+52` and the ten.
    #[inline]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let [b'+', digits @ ..] = text else {
            return None;
        };
        if digits.len() > PHONE_DIGITS_MAX || digits.first() == Some(&b'0') {
            return None;
        }
        // At most 15 digits: the sum cannot overflow. Fewer than seven fail the range check.
        Self::from_u64(digits_value(digits)?)
    }

    /// The number whose digits have this value; none if it has not 7 to 15 of them.
    #[inline]
    pub const fn from_u64(value: u64) -> Option<Self> {
        if value < SMALLEST || value > LARGEST {
            return None;
        }
        if value >= MEXICO_OLD.start && value < MEXICO_OLD.end {
            return Some(Self(value - MEXICO_OLD.start + 52 * TEN_DIGITS));
        }
        Some(Self(value))
    }

    /// The digits' value, without the plus.
    #[inline]
    pub const fn as_u64(self) -> u64 {
        self.0
    }

    /// Appends the canonical spelling, plus included.
    #[inline]
    pub fn write_to(self, out: &mut Vec<u8>) {
        out.push(b'+');
        out.extend_from_slice(itoa::Buffer::new().format(self.0).as_bytes());
    }

    /// Whether the metadata of its country code has a kind of number (mobile, fixed line, …) that this one is.
    ///
    /// Numbers younger than the metadata are unknown too, so an opt-out must never depend on this.
    pub fn is_known(self) -> bool {
        plan::is_known(itoa::Buffer::new().format(self.0).as_bytes())
    }
}

impl fmt::Display for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads the metadata and builds every country's automaton and every region's prefixes, so that no later call has to wait.
///
/// Optional: each part is built at its first use anyway.
pub fn warm_up() {
    region::warm_up();
    plan::warm_up();
}

/// The value of ASCII digits; none if one of them is not. The caller limits their number to 19.
#[inline]
fn digits_value(digits: &[u8]) -> Option<u64> {
    let mut value = 0;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}
