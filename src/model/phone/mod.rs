//! Phone numbers: the canonical [`Phone`], the number a list sends from ([`ListNumber`]), and [`fn@normalize`], which makes a
//! `Phone` of what people and spreadsheets write.
//!
//! | file | noun |
//! |---|---|
//! | `mod.rs` | a canonical number: byte check and one `u64` |
//! | `renumbering.rs`, `trunk.rs` | which spellings mean the same number |
//! | `list_number.rs` | a sending list's number: E.164 or a short code |
//! | `region.rs`, `prefix.rs` | a country's dialling habits: what numbers begin with there |
//! | `normalize.rs`, `written.rs`, `character.rs`, `unusable.rs` | from any spelling to a number, or the reason why not |
//! | `plan.rs` | which numbers exist |
//!
//! What is known of the world's numbering plans comes from the *metadata* of the crate `phonenumber`, which `build.rs` turns
//! into static tables. Nothing is read or built at run time.

mod character;
mod list_number;
mod normalize;
mod plan;
mod prefix;
mod region;
mod renumbering;
mod trunk;
#[cfg(test)]
mod tests;
mod unusable;
mod written;

pub use character::decimal;
pub use list_number::ListNumber;
pub use normalize::{
    as_meant, calling_code, has_plus, is_also_abroad, mobile_behind_zero, mobile_without_plus, national_behind_plus,
    normalize, normalize_behind, written_with_plus,
};
pub use plan::is_code as is_calling_code;
pub use region::Region;
pub use renumbering::RENUMBERINGS_VERSION;
pub use unusable::Unusable;

use std::fmt;

/// Fewest digits of an E.164 number, country code included.
pub const PHONE_DIGITS_MIN: usize = 7;
/// Most digits of an E.164 number, country code included.
pub const PHONE_DIGITS_MAX: usize = 15;

const SMALLEST: u64 = 10_u64.pow(PHONE_DIGITS_MIN as u32 - 1);
const LARGEST: u64 = 10_u64.pow(PHONE_DIGITS_MAX as u32) - 1;

/// A phone number in its one canonical spelling: E.164, 7 to 15 digits, the first not 0, held as their value.
///
/// A number that was renumbered, or that is written in two ways, is one `Phone`: the spellings are made one where a `Phone` is
/// made, so nothing else needs to know of them. `renumbering.rs` has the table; `trunk.rs` takes away what is dialled inside a
/// country only.
///
/// A `Phone` need not exist, nor be of a country our metadata knows: see [`Phone::is_known`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(u64);

impl Phone {
    /// Reads E.164 (`+14155552671`), and nothing else.
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
    pub fn from_u64(value: u64) -> Option<Self> {
        let phone = Self::renumbered(value)?;
        match trunk::without(phone.0) {
            None => Some(phone),
            Some(meant) => Some(Self(meant)),
        }
    }

    /// The same, of digits that are dialled as they stand.
    #[inline]
    fn renumbered(value: u64) -> Option<Self> {
        (SMALLEST..=LARGEST).contains(&value).then(|| Self(renumbering::canonical(value)))
    }

    /// The values of this number's other spellings, as in `+5491123456789` for `+541123456789`: under one of them it was held, and
    /// its tombstone's mark was made, by a contactd that did not know yet that the two are one.
    pub fn spellings(self) -> impl Iterator<Item = u64> {
        let old: Vec<u64> = renumbering::spellings(self.0).collect();
        let dialled = std::iter::once(self.0).chain(old.clone()).flat_map(trunk::with);
        old.into_iter().chain(dialled.filter(move |&value| Self::from_u64(value) == Some(self)))
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
