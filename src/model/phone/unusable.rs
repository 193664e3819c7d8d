//! Why a text is not a phone number.

use std::fmt;

/// Why a text is not taken as a phone number. Its `Display` tells a person what to do, its [`code`](Unusable::code) a program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Unusable {
    /// No digit in it.
    Empty,
    /// More than 64 bytes.
    TooLong,
    /// Letters, also those that stand for digits on a keypad.
    Letters,
    /// An extension behind the number.
    Extension,
    /// A spreadsheet's `1.41556E+10`, whose last digits are gone.
    LostDigits,
    /// More than one number.
    TwoNumbers,
    /// A character that has no place in a phone number.
    Symbol,
    /// Written without country code, and no region given.
    NoRegion,
    /// Fewer than seven digits.
    TooShort,
    /// More than fifteen digits.
    TooManyDigits,
    /// No country has this country code.
    UnknownCountry,
    /// Two numbers could be meant.
    Ambiguous,
    /// No number of its country looks like this.
    Unknown,
}

impl Unusable {
    /// All reasons.
    pub const ALL: [Self; 13] = [
        Self::Empty,
        Self::TooLong,
        Self::Letters,
        Self::Extension,
        Self::LostDigits,
        Self::TwoNumbers,
        Self::Symbol,
        Self::NoRegion,
        Self::TooShort,
        Self::TooManyDigits,
        Self::UnknownCountry,
        Self::Ambiguous,
        Self::Unknown,
    ];

    /// A stable word for reports and programs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::TooLong => "too_long",
            Self::Letters => "letters",
            Self::Extension => "extension",
            Self::LostDigits => "lost_digits",
            Self::TwoNumbers => "two_numbers",
            Self::Symbol => "symbol",
            Self::NoRegion => "no_region",
            Self::TooShort => "too_short",
            Self::TooManyDigits => "too_many_digits",
            Self::UnknownCountry => "unknown_country",
            Self::Ambiguous => "ambiguous",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "no digits here: give a phone number",
            Self::TooLong => "longer than 64 bytes: give the phone number alone",
            Self::Letters => "letters in the number: write it in digits",
            Self::Extension => "an extension cannot get an SMS: give the number without it",
            Self::LostDigits => {
                "the spreadsheet has rounded this number and its last digits are lost: format the column as text and export again"
            }
            Self::TwoNumbers => "more than one number, or a comma or semicolon: give one number in each cell",
            Self::Symbol => "a character that does not belong in a phone number: remove it",
            Self::NoRegion => "no country code: write + and the country code first, or name the region",
            Self::TooShort => "fewer than seven digits: give the whole number",
            Self::TooManyDigits => "more than fifteen digits: check whether there are two numbers in it",
            Self::UnknownCountry => "no country has this country code: check the digits after the +",
            Self::Ambiguous => "this could be two numbers: write + and the country code first, and then nothing but the digits",
            Self::Unknown => "numbers of this country do not look like this: check the digits and the region",
        })
    }
}

impl std::error::Error for Unusable {}
