//! Regions: how people of a country dial.

use super::prefix::{Prefix, Step};
use super::written::Digits;
use std::fmt;

// REGIONS: all regions, sorted by id, and the steps of their prefixes. `build.rs` writes it.
include!(concat!(env!("OUT_DIR"), "/region.rs"));

/// Each digit.
pub(super) const DIGITS: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/// A region of the metadata, such as `US`: where a number written without country code is dialled.
#[derive(Clone, Copy)]
pub struct Region(&'static Dialling);

impl Region {
    /// The region of two upper-case letters (ISO 3166-1); none if the metadata has no such region.
    pub fn parse(text: &str) -> Option<Self> {
        let id: [u8; 2] = text.as_bytes().try_into().ok()?;
        let at = REGIONS.binary_search_by_key(&id, |region| region.id).ok()?;
        REGIONS.get(at).map(Self)
    }

    /// Its two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0.id).unwrap_or_default()
    }

    /// Its country code.
    pub fn country_code(self) -> u16 {
        self.0.code
    }

    /// All regions of a country code.
    pub(super) fn of_code(code: u16) -> impl Iterator<Item = Self> {
        REGIONS.iter().filter(move |region| region.code == code).map(Self)
    }

    /// What follows the international prefix (`011`, `00`, …); none if the number does not begin with it.
    pub(super) fn without_international_prefix(self, digits: &[u8]) -> Option<&[u8]> {
        let prefix = self.0.international.as_ref()?.of(digits)?;
        // No country code begins with 0, so what goes on with 0 was no international prefix.
        digits.get(prefix.end..).filter(|rest| rest.first().is_some_and(|&digit| digit != b'0'))
    }

    /// The number without the national prefix (`0`, `1`, `8`, …), or with what it stands for; none if it does not begin with it.
    pub(super) fn without_national_prefix(self, digits: &[u8]) -> Option<Digits> {
        let trunk = self.0.national.as_ref()?;
        let prefix = trunk.prefix.of(digits).filter(|prefix| prefix.end > 0)?;
        let rest = &digits[prefix.end..];
        match trunk.transform {
            // The last group tells whether there is something to keep: Argentina's 15, a Caribbean number without area code.
            Some(rule) if prefix.group(digits, trunk.groups).is_some() => {
                let mut number = Digits::default();
                let mut rule = rule.bytes();
                while let Some(byte) = rule.next() {
                    if byte == b'$' {
                        let group = usize::from(rule.next()?.checked_sub(b'0')?);
                        number.extend(prefix.group(digits, group).unwrap_or_default())?;
                    } else {
                        number.extend(&[byte])?;
                    }
                }
                number.extend(rest)?;
                Some(number)
            }
            _ => Digits::from_slice(rest),
        }
    }
}

impl Region {
    /// The numbers that can be meant where the national prefix stands behind the country code. It takes a digit or two away. What
    /// takes more is a carrier's code, and what puts an area code in its place a local number: whose it is nobody can tell.
    pub(super) fn behind_code(self, national: &[u8]) -> impl Iterator<Item = Digits> {
        let plain = self.0.national.as_ref().and_then(|trunk| trunk.plain).map_or(&b""[..], str::as_bytes);
        let plain = national.strip_prefix(plain).and_then(Digits::from_slice);
        let readings = self.without_national_prefix(national).into_iter().chain(plain);
        readings.filter(|digits| (1..=2).contains(&national.len().saturating_sub(digits.as_slice().len())))
    }
}

impl Region {
    /// What people dial before a number inside the region: the national prefix, and what else is one digit.
    pub(super) fn prefixes(self) -> impl Iterator<Item = &'static str> {
        self.0.national.iter().flat_map(|trunk| {
            let is_prefix = |digit: &&str| trunk.prefix.of(digit.as_bytes()).is_some_and(|prefix| prefix.end == 1);
            trunk.plain.into_iter().chain(DIGITS.into_iter().filter(is_prefix))
        })
    }
}

impl PartialEq for Region {
    fn eq(&self, other: &Self) -> bool {
        self.0.id == other.0.id
    }
}

impl Eq for Region {}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

struct Dialling {
    id: [u8; 2],
    code: u16,
    international: Option<Prefix>,
    national: Option<Trunk>,
}

struct Trunk {
    prefix: Prefix,
    groups: usize,
    /// What to put in the prefix's place, `$1` being the first group.
    transform: Option<&'static str>,
    /// The prefix alone, where the pattern also takes what may follow it, such as a carrier's code.
    plain: Option<&'static str>,
}
